#include <cstdlib>
#include <string>

#include "backends/native/task.h"

namespace ecostep::native {

const Kernels& choose_kernels() {
#ifdef ECOSTEP_X86
  const char* const variable = std::getenv("ECOSTEP_SIMD");
  const std::string most = variable == nullptr ? "" : variable;
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
  if (avx512 && most != "avx2" && most != "baseline") return kernels_avx512;
  if (avx2 && most != "baseline") return kernels_avx2;
#endif
  return kernels_baseline;
}

}  // namespace ecostep::native
