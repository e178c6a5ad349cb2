#include "cells/value_check.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.h"

namespace ecostep {
namespace {

// First value from `start` on, in the direction of `inwards`, that converts to one within the limits.
template <class T>
double sure_limit(const Conversion& conversion, double start, double inwards, double low, double high) {
  T value = static_cast<T>(start);
  for (int i = 0; i < 16; ++i) {
    const double converted = conversion(value);
    if (converted >= low && converted <= high) return value;
    value = std::nextafter(value, static_cast<T>(inwards));
  }
  return std::numeric_limits<double>::quiet_NaN();  // no value lies on the right side of it
}

}  // namespace

void set_sure_limits(HostArray& array, const Variable& variable) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const Conversion& to_artefact = array.conversion;
  array.lowest = infinity, array.highest = -infinity;
  if (!variable.flag_values.empty() || !(to_artefact.scale > 0.0)) return;
  const double low = std::max(variable.valid_min, -largest_value), high = std::min(variable.valid_max, largest_value);
  const double start = (low - to_artefact.offset) / to_artefact.scale, end = (high - to_artefact.offset) / to_artefact.scale;
  const bool single = array.type == ECOSTEP_F32;
  array.lowest = single ? sure_limit<float>(to_artefact, start, infinity, low, high)
                        : sure_limit<double>(to_artefact, start, infinity, low, high);
  array.highest = single ? sure_limit<float>(to_artefact, end, -infinity, low, high)
                         : sure_limit<double>(to_artefact, end, -infinity, low, high);
}

void check_values(const char* role, const Variable& variable, const HostArray& array, const CellList& cells, std::size_t ncell,
                  bool clipped) {
  const CellList distinct{cells.first, array.one_value() ? std::min<std::size_t>(cells.size, 1) : cells.size, cells.index};
  if (array.surely_acceptable(distinct)) return;
  for (std::size_t i = 0; i < distinct.size; ++i) {
    const double value = array.read(distinct[i]);
    if (clipped && !goes_round(variable) && std::fabs(value) <= largest_value) continue;
    if (!acceptable(variable, value)) refuse_value(role, variable, value, distinct[i], ncell);
  }
}

bool goes_round(const Variable& variable) {
  return variable.name == "lon" || variable.units == "degrees_east" || variable.units == "degree_east";
}

std::string describe_value(const char* role, const Variable& variable, double value, std::size_t cell, std::size_t ncell) {
  MessageStream message;
  message << role << " '" << variable.name << "' is ";
  if (std::isnan(value))
    message << "NaN";
  else
    message << value << (variable.units.empty() || variable.units == "1" ? "" : " " + variable.units);
  message << " in cell " << cell + 1 << " of " << ncell << " (counted from 1)";
  return message.str();
}

void refuse_value(const char* role, const Variable& variable, double value, std::size_t cell, std::size_t ncell) {
  MessageStream message;
  message << describe_value(role, variable, value, cell, ncell);
  if (!std::isfinite(value)) {
    message << ": not a finite number";
  } else if (!variable.flag_values.empty()) {
    message << ": not one of the classes";
    for (const double flag : variable.flag_values) message << ' ' << flag;
  } else if (value < variable.valid_min || value > variable.valid_max) {
    message << ": outside the valid range " << variable.valid_min << " to " << variable.valid_max;
    if (goes_round(variable)) message << " (add or subtract 360 degrees)";
  } else {
    message << ": too large";
  }
  throw Error(ECOSTEP_BAD_VALUE, message.str());
}

}  // namespace ecostep
