#include "guards.h"

#include <cmath>

#include "error.h"

namespace ecostep {

void refuse_value(const char* role, const Variable& variable, double value, std::size_t cell, std::size_t ncell) {
  std::ostringstream message;
  message.precision(9);
  message << role << " '" << variable.name << "' is ";
  if (std::isnan(value))
    message << "NaN";
  else
    message << value << (variable.units.empty() ? "" : " ") << variable.units;
  message << " in cell " << cell + 1 << " of " << ncell << " (counted from 1)";
  if (!std::isfinite(value)) {
    message << ": not a finite number";
  } else if (value < variable.valid_min || value > variable.valid_max) {
    message << ": outside the valid range " << variable.valid_min << " to " << variable.valid_max;
  } else if (!variable.flag_values.empty()) {
    message << ": not one of the classes";
    for (const double flag : variable.flag_values) message << ' ' << flag;
  } else {
    message << ": too large";
  }
  throw Error(ECOSTEP_BAD_VALUE, message.str());
}

}  // namespace ecostep
