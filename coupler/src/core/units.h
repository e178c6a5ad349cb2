// From one unit of a variable to another.
#pragma once

#include <string>

namespace ecostep {

// value in `to` = value in `from` * scale + offset
struct Conversion {
  double scale = 1.0;
  double offset = 0.0;
  double operator()(double value) const { return value * scale + offset; }
};

// Conversion of `variable` (foundations/units/quantities.csv; others have a unit alone) between two units. Water may be given as a
// depth where a mass per area is wanted, and the other way round: 1 mm = 1 kg m-2; water of the uppermost soil as a share of its
// volume; fluxes as amounts ("umol m-2 s-1") or as mass of another form ("g CO2 m-2 day-1"). A ratio of masses is no mole fraction,
// and the other way round: refused. `interval`, s, of a record makes amounts ("mm", "J m-2") rates where it is not 0. The same as
// foundations/units/conversion.py, which a test compares. Throws Error(ECOSTEP_BAD_UNITS) naming variable and both units.
Conversion convert_units(const std::string& variable, const std::string& from, const std::string& to, double interval = 0.0);

}  // namespace ecostep
