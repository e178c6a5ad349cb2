// Most fused multiply-adds that one core does: independent chains of vectors in registers.
#include <chrono>

namespace {
constexpr int width = 16, chains = 12;
typedef float Vector __attribute__((vector_size(width * sizeof(float))));
}  // namespace

extern "C" double peak_gflops(double seconds) {
  Vector sum[chains], a, b;
  for (int i = 0; i < width; ++i) a[i] = 1.0f - 1e-7f * static_cast<float>(i), b[i] = 1e-3f * static_cast<float>(i);
  for (int c = 0; c < chains; ++c) sum[c] = b * static_cast<float>(c);
  double best = 0.0;
  const auto begin = std::chrono::steady_clock::now();
  for (;;) {
    const int rounds = 20000;
    const auto began = std::chrono::steady_clock::now();
    for (int round = 0; round < rounds; ++round)
      for (int c = 0; c < chains; ++c) sum[c] = sum[c] * a + b;
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - began;
    const double rate = 2.0 * width * chains * rounds / spent.count() * 1e-9;
    best = rate > best ? rate : best;
    if (std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() > seconds) break;
  }
  float total = 0.0f;
  for (int c = 0; c < chains; ++c)
    for (int i = 0; i < width; ++i) total += sum[c][i];
  return total == -1.0f ? 0.0 : best;  // the sums are used, so they are computed
}
