// What stands between a host and wrong numbers: the floating-point environment and the range of each value.
#pragma once

#include <cfenv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "artefact.h"
#include "host_array.h"

namespace ecostep {

// The default environment (no traps, round to nearest, denormals kept) during a call, the host's own one afterwards, flags
// included. On x86-64, where numbers are computed in SSE registers, the slow x87 unit is left alone unless the host changed it.
class FloatingPointGuard {
 public:
#if defined(__x86_64__) && defined(__GNUC__)
  FloatingPointGuard() noexcept : sse_(__builtin_ia32_stmxcsr()) {
    constexpr std::uint16_t usual_x87 = 0x037f;
    constexpr unsigned usual_sse = 0x1f80;
    std::uint16_t x87 = 0;
    __asm__ volatile("fnstcw %0" : "=m"(x87));
    whole_ = x87 != usual_x87;
    if (whole_) {
      std::fegetenv(&host_);
      std::fesetenv(FE_DFL_ENV);
    } else {
      __builtin_ia32_ldmxcsr(usual_sse);
    }
  }
  ~FloatingPointGuard() {
    if (whole_)
      std::fesetenv(&host_);
    else
      __builtin_ia32_ldmxcsr(sse_);
  }
#else
  FloatingPointGuard() noexcept {
    std::fegetenv(&host_);
    std::fesetenv(FE_DFL_ENV);
  }
  ~FloatingPointGuard() {
    std::fesetenv(&host_);
  }
#endif
  FloatingPointGuard(const FloatingPointGuard&) = delete;
  FloatingPointGuard& operator=(const FloatingPointGuard&) = delete;

 private:
#if defined(__x86_64__) && defined(__GNUC__)
  unsigned sse_;
  bool whole_;
#endif
  std::fenv_t host_;
};

// Throw Error(ECOSTEP_BAD_VALUE) saying what is wrong with `value` (in the artefact's units) of a variable in cell `cell` (from 0).
[[noreturn]] void refuse_value(const char* role, const Variable& variable, double value, std::size_t cell, std::size_t ncell);

// Whether no value is NaN or infinite.
inline bool all_finite(const float* values, std::size_t n) {
  constexpr std::uint32_t exponent = 0x7f800000;
  std::uint32_t bad = 0;
  for (std::size_t i = 0; i < n; ++i) {
    std::uint32_t bits;
    std::memcpy(&bits, values + i, sizeof bits);
    bad |= (bits & exponent) == exponent ? 1u : 0u;
  }
  return bad == 0;
}

// Largest magnitude that is taken: times the seconds of a day still a float.
constexpr double largest_value = 3.9e33;

// Whether a value of an input or a static may be used.
inline bool acceptable(const Variable& variable, double value) {
  if (!(value >= variable.valid_min && value <= variable.valid_max && value >= -largest_value && value <= largest_value))
    return false;
  if (variable.flag_values.empty()) return true;
  for (const double flag : variable.flag_values)
    if (value == flag) return true;
  return false;
}

// Find the limits between which values of the host's array pass `acceptable` for sure, so that whole arrays can be tested fast.
void set_sure_limits(HostArray& array, const Variable& variable);

// "input 'tas' is 312 K in cell 3 of 70 (counted from 1)"
std::string describe_value(const char* role, const Variable& variable, double value, std::size_t cell, std::size_t ncell);

// Throw unless the values of these cells are acceptable. Where they will be clipped, any finite value is.
void check_values(const char* role, const Variable& variable, const HostArray& array, const CellList& cells, std::size_t ncell,
                  bool clipped);

}  // namespace ecostep
