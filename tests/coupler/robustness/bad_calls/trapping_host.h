// A host whose floating-point environment is as unusual as hosts make it.
#pragma once

#include <cfenv>
#include <cstdint>
#include <string>
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

#include "../host.h"

constexpr int traps = FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW | FE_UNDERFLOW;

// What the processor does with numbers below the normal ones.
#if defined(__SSE__)
inline unsigned control_word() {
  return _mm_getcsr();
}
inline void flush_denormals() {
  _mm_setcsr(_mm_getcsr() | 0x8040);
}
#elif defined(__aarch64__)
inline std::uint64_t control_word() {
  std::uint64_t fpcr;
  __asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
  return fpcr;
}
inline void flush_denormals() {
  __asm__ volatile("msr fpcr, %0" : : "r"(control_word() | 1u << 24));
}
#else
inline unsigned control_word() {
  return 0;
}
inline void flush_denormals() {}
#endif

namespace bad_calls {

struct Environment {
  int rounding = fegetround(), trapped = fegetexcept(), flags = fetestexcept(FE_ALL_EXCEPT);
  std::uint64_t control = control_word();
  bool operator==(const Environment& other) const {
    return rounding == other.rounding && trapped == other.trapped && flags == other.flags && control == other.control;
  }
};

// Calls `work` as a host does that traps, rounds upwards, flushes denormals and has a flag raised.
template <class Work>
auto as_trapping_host(const std::string& what, Work&& work) {
  std::fenv_t program;
  std::fegetenv(&program);
  std::feclearexcept(FE_ALL_EXCEPT);
  feenableexcept(traps);
  std::fesetround(FE_UPWARD);
  std::feraiseexcept(FE_INEXACT);
  flush_denormals();
  const Environment before;
  const auto result = work();
  const bool unchanged = Environment() == before;
  std::fesetenv(&program);
  check(unchanged, what + ": the floating-point environment changed");
  return result;
}

}  // namespace bad_calls
