// Vectors of floats as wide as the instruction set of this compilation, in the vector extensions of GCC and Clang. Every function
// here gives the same bits whatever the width.
#pragma once

#include <stddef.h>
#include <stdint.h>

#if defined(__AVX__)
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"  // in GCC's own header, where it means to leave lanes as they are
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
#endif

#include "backends/native/task.h"
#if defined(__SSE2__) && !defined(__FMA__)
#define ECOSTEP_EMULATED_FMA
#include "backends/native/emulated_fma.h"
#endif

namespace ecostep::native {
namespace {

#if defined(__AVX512F__)
enum { width = 16 };
#elif defined(__AVX__)
enum { width = 8 };
#else
enum { width = 4 };
#endif

typedef float Floats __attribute__((vector_size(4 * width)));
typedef int32_t Ints __attribute__((vector_size(4 * width)));
typedef uint32_t Words __attribute__((vector_size(4 * width)));  // whose sums may run over
typedef float LooseFloats __attribute__((vector_size(4 * width), aligned(4), may_alias));

#define ECOSTEP_INLINE inline __attribute__((always_inline))

// Before a loop over registers, which must not become one over memory.
#if defined(__clang__)
#define ECOSTEP_UNROLL _Pragma("clang loop unroll(full)")
#else
#define ECOSTEP_UNROLL _Pragma("GCC unroll 32")
#endif

ECOSTEP_INLINE Floats load(const float* p) {
  return *reinterpret_cast<const LooseFloats*>(p);
}
ECOSTEP_INLINE void store(float* p, Floats x) {
  *reinterpret_cast<LooseFloats*>(p) = x;
}
ECOSTEP_INLINE double load(const double* p) {
  return *p;
}
ECOSTEP_INLINE void store(double* p, double x) {
  *p = x;
}
ECOSTEP_INLINE Floats splat(float x) {
  return x - Floats{};
}
ECOSTEP_INLINE double splat(double x) {
  return x;
}
ECOSTEP_INLINE Ints splat(int32_t x) {
  return x - Ints{};
}

// What a vector of T is; doubles are computed one by one, or as the compiler sees fit.
template <class T>
struct Vector;
template <>
struct Vector<float> {
  using type = Floats;
  enum { n = width };
};
template <>
struct Vector<double> {
  using type = double;
  enum { n = 1 };
};

// n < width numbers, 0 beyond them.
ECOSTEP_INLINE Floats load_first(const float* p, size_t n) {
#if defined(__AVX512F__)
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1), p);
#elif defined(__AVX2__)
  const __m256i place = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_maskload_ps(p, _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), place));
#else
  Floats x{};
  for (size_t i = 0; i < n; ++i) x[i] = p[i];
  return x;
#endif
}
ECOSTEP_INLINE void store_first(float* p, size_t n, Floats x) {
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << n) - 1), x);
#elif defined(__AVX2__)
  const __m256i place = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  _mm256_maskstore_ps(p, _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), place), x);
#else
  for (size_t i = 0; i < n; ++i) p[i] = x[i];
#endif
}
ECOSTEP_INLINE double load_first(const double* p, size_t) {
  return *p;
}
ECOSTEP_INLINE void store_first(double* p, size_t, double x) {
  *p = x;
}
ECOSTEP_INLINE Floats load_strided(const float* p, ptrdiff_t step, size_t n) {
  Floats x{};
  for (size_t i = 0; i < n; ++i) x[i] = p[static_cast<ptrdiff_t>(i) * step];
  return x;
}
ECOSTEP_INLINE double load_strided(const double* p, ptrdiff_t, size_t) {
  return *p;
}

// a b + c, rounded once.
#if defined(__FMA__) || defined(__FP_FAST_FMAF) || defined(__ARM_FEATURE_FMA)
ECOSTEP_INLINE float fma(float a, float b, float c) {
  return __builtin_fmaf(a, b, c);
}
#else
// In double the product is exact and the sum rounded to odd, so that rounding it to float rounds as if once.
ECOSTEP_INLINE float fma(float a, float b, float c) {
  const double product = static_cast<double>(a) * b, addend = c, sum = product + addend;
  const double part = sum - product, error = (product - (sum - part)) + (addend - part);
  int64_t bits;
  __builtin_memcpy(&bits, &sum, 8);
  const int64_t inexact = (error < 0.0) | (error > 0.0), outwards = (error > 0.0) == (sum > 0.0);
  bits += (inexact & ~bits & 1) * (2 * outwards - 1);
  double odd;
  __builtin_memcpy(&odd, &bits, 8);
  return static_cast<float>(odd);
}
#endif
ECOSTEP_INLINE double fma(double a, double b, double c) {
  return __builtin_fma(a, b, c);
}
ECOSTEP_INLINE Floats fma(Floats a, Floats b, Floats c) {
#ifdef ECOSTEP_EMULATED_FMA
  return exact_fma(a, b, c);
#else
  Floats r;
  for (int i = 0; i < width; ++i) r[i] = fma(a[i], b[i], c[i]);
  return r;
#endif
}

ECOSTEP_INLINE Ints bits(Floats x) {
  return (Ints)x;
}
ECOSTEP_INLINE Floats from_bits(Ints x) {
  return (Floats)x;
}
ECOSTEP_INLINE Floats abs(Floats x) {
  return from_bits(bits(x) & splat(0x7fffffff));
}
ECOSTEP_INLINE Floats with_sign(Floats magnitude, Floats sign) {
  return from_bits((bits(magnitude) & splat(0x7fffffff)) | (bits(sign) & splat(static_cast<int32_t>(0x80000000u))));
}
ECOSTEP_INLINE Floats square_root(Floats x) {
  Floats r;
  for (int i = 0; i < width; ++i) r[i] = __builtin_sqrtf(x[i]);
  return r;
}
// Whether any lane of a comparison is true.
ECOSTEP_INLINE bool any(Ints x) {
#if defined(__AVX512F__)
  return _mm512_test_epi32_mask((__m512i)x, (__m512i)x) != 0;
#elif defined(__AVX__)
  return _mm256_movemask_ps((__m256)x) != 0;
#else
  int32_t lanes = 0;
  for (int i = 0; i < width; ++i) lanes |= x[i];
  return lanes != 0;
#endif
}
ECOSTEP_INLINE Ints to_ints(Floats x) {
  return __builtin_convertvector(x, Ints);
}
ECOSTEP_INLINE Floats to_floats(Ints x) {
  return __builtin_convertvector(x, Floats);
}

ECOSTEP_INLINE char* at(const Frame& frame, const Place& place) {
  const ptrdiff_t moved = place.dynamic < 0 ? 0 : frame.dynamic[place.dynamic];
  return frame.base[place.base] + (static_cast<ptrdiff_t>(place.offset) + moved) * static_cast<ptrdiff_t>(frame.scale[place.base]);
}

}  // namespace
}  // namespace ecostep::native
