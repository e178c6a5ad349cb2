// Made from flux_table.h.fypp and the tables of foundations by scripts/generate.sh; edit those.
// What daily fluxes can be, and how files have them: the same for C++ and Python (foundations/flux_range.py).
// clang-format off
#pragma once

namespace ecostep::flux_table {

// Daily values of a flux, in `units`, outside which one is surely a mistake; and the unit that people read.
struct Flux {
  const char* name;
  const char* units;
  const char* usual_units;
  double lowest, highest;
};

constexpr Flux fluxes[] = {
    {"gpp", "kg m-2 s-1", "g m-2 day-1", -1e-07, 2e-06},
    {"ra", "kg m-2 s-1", "g m-2 day-1", -1e-07, 2e-06},
    {"rh", "kg m-2 s-1", "g m-2 day-1", -1e-07, 2e-06},
    {"nee", "kg m-2 s-1", "g m-2 day-1", -2e-06, 2e-06},
    {"fch4", "kg m-2 s-1", "mg m-2 day-1", -1e-08, 1e-06},
    {"fn2o", "kg m-2 s-1", "mg m-2 day-1", -1e-09, 1e-07},
};

// Numbers that files have for missing flux where they do not say so.
constexpr double missing_marks[] = {-999, -9999, -99999, -8888, -7777, -6999, 9999, 99999, 1e20, -1e20};

// Units that people write fluxes in.
constexpr const char* units[] = {"kg m-2 s-1", "g m-2 day-1", "kg m-2 day-1", "mg m-2 day-1", "g m-2 s-1", "umol m-2 s-1", "nmol m-2 s-1"};

// Share of the largest possible flux that the largest of some fluxes reaches in its right unit.
constexpr double usual_share = 1e-6;

}  // namespace ecostep::flux_table
