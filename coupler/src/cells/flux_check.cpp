#include "cells/flux_check.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <string>

#include "cells/value_check.h"
#include "core/error.h"
#include "core/flux_table.h"
#include "core/units.h"

namespace ecostep {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

const flux_table::Flux* find_flux(const std::string& name) {
  for (const flux_table::Flux& flux : flux_table::fluxes)
    if (name == flux.name) return &flux;
  return nullptr;
}

// The host's own numbers.
HostArray as_given(HostArray array) {
  array.conversion = {};
  return array;
}

bool is_missing_mark(const HostArray& given, double value) {
  return std::any_of(std::begin(flux_table::missing_marks), std::end(flux_table::missing_marks), [&](double mark) {
    return value == mark || (given.type == ECOSTEP_F32 && value == static_cast<double>(static_cast<float>(mark)));
  });
}

// The common unit that makes all values possible and one of them usual; "" where there is none.
std::string likely_units(const flux_table::Flux& flux, const HostArray& given, const CellList& cells) {
  double lowest = infinity, highest = -infinity;
  for (std::size_t i = 0; i < cells.size; ++i) {
    const double value = given.read(cells[i]);
    if (std::isfinite(value)) lowest = std::min(lowest, value), highest = std::max(highest, value);
  }
  const auto fits = [&](const char* units) {
    const Conversion conversion = convert_units(flux.name, units, flux.units);
    return conversion(lowest) >= flux.lowest && conversion(highest) <= flux.highest &&
           std::max(std::fabs(conversion(lowest)), std::fabs(conversion(highest))) >= flux_table::usual_share * flux.highest;
  };
  if (fits(flux.usual_units)) return flux.usual_units;
  for (const char* const units : flux_table::units)
    if (fits(units)) return units;
  return "";
}

}  // namespace

FluxCheck::FluxCheck(const std::vector<Variable>& targets) : targets_(targets) {
  for (const Variable& target : targets) {
    limits_.push_back({-infinity, infinity});
    const flux_table::Flux* const flux = find_flux(target.name);
    if (flux == nullptr) continue;
    try {
      const Conversion to_artefact = convert_units(target.name, flux->units, target.units);
      limits_.back() = {to_artefact(flux->lowest), to_artefact(flux->highest)};
    } catch (const Error&) {  // the artefact has another quantity by that name
    }
  }
}

void FluxCheck::check(std::size_t target, const HostArray& array, const CellList& cells, std::size_t ncell) const {
  const Variable& variable = targets_[target];
  const Limits& limits = limits_[target];
  const HostArray given = as_given(array);
  Variable unbounded = variable;  // a measured uptake may lie beyond what the model may predict
  unbounded.valid_min = -infinity, unbounded.valid_max = infinity;
  for (std::size_t i = 0; i < cells.size; ++i) {
    const double value = array.read(cells[i]);
    if (std::isnan(value)) continue;
    if (is_missing_mark(given, given.read(cells[i])))
      fail(ECOSTEP_BAD_VALUE, "measured flux '", variable.name, "' is ", given.read(cells[i]), " in cell ", cells[i] + 1, " of ",
           ncell, " (counted from 1): the usual mark of a missing value; give NaN for what is not known");
    if (!acceptable(unbounded, value)) refuse_value("measured flux", unbounded, value, cells[i], ncell);
    if (value < limits.lowest || value > limits.highest) refuse_range(target, array, cells, i, ncell);
  }
}

void FluxCheck::refuse_range(std::size_t target, const HostArray& array, const CellList& cells, std::size_t i,
                             std::size_t ncell) const {
  const Variable& variable = targets_[target];
  const flux_table::Flux* const flux = find_flux(variable.name);
  const std::string likely = likely_units(*flux, as_given(array), cells);
  fail(ECOSTEP_BAD_VALUE, describe_value("measured flux", variable, array.read(cells[i]), cells[i], ncell),
       ": a daily flux is within ", limits_[target].lowest, " and ", limits_[target].highest,
       likely.empty() ? "; give NaN for what is not known, and see to the unit"
                      : "; the values would fit the unit '" + likely + "', see to the one that was registered");
}

}  // namespace ecostep
