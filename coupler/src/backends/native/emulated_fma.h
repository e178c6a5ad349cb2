// Fused multiply-adds for plain x86-64, which has none, with the same bits. In double the product of two floats is exact, and
// rounding the sum to double and then to float is rounding once unless the double lies halfway between two floats. Sums over many
// terms are therefore computed in that quick way, and again in the exact one where that happened, or where a result was below the
// normal numbers.
#pragma once

#include <emmintrin.h>
#include <stddef.h>
#include <stdint.h>

namespace ecostep::native {
namespace {

typedef double Pair __attribute__((vector_size(16)));
typedef int64_t PairInts __attribute__((vector_size(16)));
typedef uint64_t PairWords __attribute__((vector_size(16)));

// The sum rounded to odd, so that rounding it to float rounds as if once.
inline __attribute__((always_inline)) Pair sum_to_odd(Pair product, Pair addend) {
  const Pair sum = product + addend, part = sum - product, error = (product - (sum - part)) + (addend - part);
  const PairInts unit = {1, 1}, inexact = (error < 0.0) | (error > 0.0), even = ((PairInts)sum & unit) - unit;
  const PairInts inwards = (PairInts)(((PairWords)error ^ (PairWords)sum) >> 63);
  return (Pair)((PairInts)sum + ((unit - inwards - inwards) & inexact & even));
}

inline __attribute__((always_inline)) __m128 exact_fma(__m128 a, __m128 b, __m128 c) {
  const auto high = [](__m128 x) { return _mm_cvtps_pd(_mm_movehl_ps(x, x)); };
  const Pair first = sum_to_odd(_mm_cvtps_pd(a) * _mm_cvtps_pd(b), _mm_cvtps_pd(c));
  const Pair second = sum_to_odd(high(a) * high(b), high(c));
  return _mm_movelh_ps(_mm_cvtpd_ps(first), _mm_cvtpd_ps(second));
}

// Four sums over the same terms, in double, each time rounded to float. `halfway` collects doubles that lie between two floats.
struct QuickSum {
  Pair first, second;

  inline __attribute__((always_inline)) void start(__m128 x) {
    first = _mm_cvtps_pd(x);
    second = _mm_cvtps_pd(_mm_movehl_ps(x, x));
  }
  inline __attribute__((always_inline)) void add(Pair w1, Pair w2, Pair x1, Pair x2, __m128i& halfway) {
    const Pair sum1 = w1 * x1 + first, sum2 = w2 * x2 + second;
    const __m128i low = _mm_castps_si128(_mm_shuffle_ps((__m128)sum1, (__m128)sum2, _MM_SHUFFLE(2, 0, 2, 0)));
    halfway = _mm_or_si128(halfway, _mm_cmpeq_epi32(_mm_slli_epi32(low, 3), _mm_set1_epi32(INT32_MIN)));
    first = _mm_cvtps_pd(_mm_cvtpd_ps(sum1));
    second = _mm_cvtps_pd(_mm_cvtpd_ps(sum2));
  }
  inline __attribute__((always_inline)) __m128 result() const { return _mm_movelh_ps(_mm_cvtpd_ps(first), _mm_cvtpd_ps(second)); }
  // Nothing that computes it moves beyond here.
  inline __attribute__((always_inline)) void fence() { __asm__ volatile("" : "+x"(first), "+x"(second)); }
};

// Two floats from memory as doubles, and one twice.
inline __attribute__((always_inline)) Pair load_pair(const float* p) {
  return _mm_cvtps_pd(_mm_castpd_ps(_mm_load_sd(reinterpret_cast<const double*>(p))));
}
inline __attribute__((always_inline)) Pair splat_pair(float x) {
  const double wide = static_cast<double>(x);
  return Pair{wide, wide};
}

// The processor's flag that a result lay below the normal numbers and was not exact.
enum { underflow_flag = 0x10 };
inline __attribute__((always_inline)) void forget_underflow() {
  _mm_setcsr(_mm_getcsr() & ~static_cast<unsigned>(underflow_flag));
}
inline __attribute__((always_inline)) bool no_doubt(__m128i halfway) {
  return (_mm_getcsr() & underflow_flag) == 0 && _mm_movemask_epi8(halfway) == 0;
}

}  // namespace
}  // namespace ecostep::native
