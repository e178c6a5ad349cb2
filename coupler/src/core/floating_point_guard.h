// The floating-point environment that hosts set up for themselves, kept out of the library.
#pragma once

#include <cfenv>
#include <cstdint>

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

}  // namespace ecostep
