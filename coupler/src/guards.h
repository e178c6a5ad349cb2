// What stands between a host and wrong numbers: the floating-point environment and the range of each value.
#pragma once

#include <cfenv>
#include <cstddef>
#include <string>

#include "artefact.h"

namespace ecostep {

// The default environment (no traps, round to nearest, denormals kept) during a call, the host's own one afterwards, flags
// included.
class FloatingPointGuard {
 public:
  FloatingPointGuard() noexcept {
    std::fegetenv(&host_);
    std::fesetenv(FE_DFL_ENV);
  }
  ~FloatingPointGuard() { std::fesetenv(&host_); }
  FloatingPointGuard(const FloatingPointGuard&) = delete;
  FloatingPointGuard& operator=(const FloatingPointGuard&) = delete;

 private:
  std::fenv_t host_;
};

// Throw Error(ECOSTEP_BAD_VALUE) saying what is wrong with `value` (in the artefact's units) of a variable in cell `cell` (from 0).
[[noreturn]] void refuse_value(const char* role, const Variable& variable, double value, std::size_t cell, std::size_t ncell);

// Whether a value of an input or a static may be used.
inline bool acceptable(const Variable& variable, double value) {
  constexpr double largest = 3.9e33;  // times the seconds of a day still a float
  if (!(value >= variable.valid_min && value <= variable.valid_max && value >= -largest && value <= largest)) return false;
  if (variable.flag_values.empty()) return true;
  for (const double flag : variable.flag_values)
    if (value == flag) return true;
  return false;
}

}  // namespace ecostep
