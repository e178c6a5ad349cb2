// Elementary functions of vectors of floats: polynomials fitted for the least largest error, in fused multiply-adds, so that each
// lane's bits depend on its argument alone. tests/coupler/native/test_elementary.cpp states the errors. NaN gives NaN.
#pragma once

#include "backends/native/simd.h"

namespace ecostep::native {
namespace {

template <int n>
ECOSTEP_INLINE Floats polynomial(Floats x, const float (&c)[n]) {
  Floats sum = splat(c[n - 1]);
  for (int i = n - 2; i >= 0; --i) sum = fma(sum, x, splat(c[i]));
  return sum;
}

ECOSTEP_INLINE Floats select(Ints condition, Floats yes, Floats no) {
  return condition ? yes : no;
}

// x = n log 2 + r, exp(r) = 1 + s; x between -104 and 89 or NaN.
struct Exponential {
  Floats s;
  Ints n;
};
ECOSTEP_INLINE Exponential reduce_exp(Floats x) {
  const Floats magic = splat(12582912.0f);  // 1.5 * 2^23: rounds to a whole number
  const Floats shifted = fma(x, splat(1.44269502f), magic);
  const Floats whole = shifted - magic;
  Floats r = fma(whole, splat(-0.693147182f), x);
  r = fma(whole, splat(1.9046543e-09f), r);
  const float c[] = {0.49999997f, 0.166665435f, 0.0416672006f, 0.00836652052f, 0.0013882519f};
  return {fma(r * r, polynomial(r, c), r), bits(shifted) - splat(0x4b400000)};
}
ECOSTEP_INLINE Floats power_of_two(Ints n) {
  return from_bits((Ints)((Words)(n + splat(127)) << 23));
}  // n from -126 to 127

// NaN stays NaN.
ECOSTEP_INLINE Floats at_most(Floats x, float high) {
#if defined(__AVX512F__)
  return _mm512_min_ps(splat(high), x);
#elif defined(__AVX__)
  return _mm256_min_ps(splat(high), x);
#else
  return select(x > splat(high), splat(high), x);
#endif
}
ECOSTEP_INLINE Floats at_least(Floats x, float low) {
#if defined(__AVX512F__)
  return _mm512_max_ps(splat(low), x);
#elif defined(__AVX__)
  return _mm256_max_ps(splat(low), x);
#else
  return select(x < splat(low), splat(low), x);
#endif
}
ECOSTEP_INLINE Floats clamp(Floats x, float low, float high) {
  return at_least(at_most(x, high), low);
}

ECOSTEP_INLINE Floats exp(Floats x) {
  const Exponential e = reduce_exp(clamp(x, -104.0f, 89.0f));
  const Ints half = e.n >> 1;  // in two steps, for results below the normal ones
  return ((splat(1.0f) + e.s) * power_of_two(half)) * power_of_two(e.n - half);
}

// exp(x) of -87 <= x <= 0 and below, where it becomes 0.
ECOSTEP_INLINE Floats exp_of_negative(Floats x) {
  const Exponential e = reduce_exp(at_least(x, -87.0f));
  return (splat(1.0f) + e.s) * power_of_two(e.n);
}

// exp(x) - 1 of 0 <= x <= 88.
ECOSTEP_INLINE Floats expm1_of_positive(Floats x) {
  const Exponential e = reduce_exp(x);
  const Floats scale = power_of_two(e.n);
  return fma(scale, e.s, scale - splat(1.0f));
}

ECOSTEP_INLINE Floats tanh(Floats x) {
  const Floats y = abs(x), twice = y + y;
  const Floats e = expm1_of_positive(at_most(twice, 20.0f));
  return with_sign(e / (e + splat(2.0f)), x);
}

ECOSTEP_INLINE Floats sigmoid(Floats x) {
  const Floats e = exp(-abs(x));
  return select(x < splat(0.0f), e, splat(1.0f)) / (splat(1.0f) + e);
}

// log(2^k (1 + f)), 1 + f between sqrt(1/2) and sqrt(2).
ECOSTEP_INLINE Floats log_of_parts(Floats k, Floats f) {
  const float c[] = {0.333333135f,  -0.250000089f, 0.200021192f, -0.166679963f, 0.142195404f,
                     -0.124055669f, 0.118882284f,  -0.11675828f, 0.0674671009f};
  const Floats square = f * f;
  Floats tail = fma(square * f, polynomial(f, c), k * splat(0.00174093060f));  // 0.0017... + 0.6914... = log 2
  tail = fma(splat(-0.5f), square, tail);
  return fma(k, splat(0.69140625f), f + tail);
}

// Positive normal x = 2^k m.
ECOSTEP_INLINE Ints split(Floats x, Floats& m) {
  const Ints shifted = (Ints)((Words)bits(x) - (Words)splat(0x3f3504f3));
  m = from_bits((shifted & splat(0x7fffff)) + splat(0x3f3504f3));
  return shifted >> 23;
}

// log where x is no ordinary number: of 0, below 0, Inf and NaN.
ECOSTEP_INLINE Floats log_of_odd(Floats x, Floats ordinary) {
  const Floats infinity = splat(__builtin_inff());
  ordinary = select(x == infinity, infinity, ordinary);
  ordinary = select(x == splat(0.0f), -infinity, ordinary);
  ordinary = select(x < splat(0.0f), splat(__builtin_nanf("")), ordinary);
  return select(x != x, x, ordinary);
}

ECOSTEP_INLINE Floats log(Floats x) {
  const Ints small = x < splat(1.17549435e-38f);
  Floats m;
  const Ints k = split(select(small, x * splat(8388608.0f), x), m) - (small & splat(23));
  return log_of_odd(x, log_of_parts(to_floats(k), m - splat(1.0f)));
}

ECOSTEP_INLINE Floats log1p(Floats x) {
  const Floats unit = splat(1.0f), sum = unit + x;
  Floats m;
  const Ints k = split(sum, m);
  const Floats lost = select(x > unit, unit - (sum - x), x - (sum - unit));
  const Ints beyond = k > splat(60);  // what was lost no longer matters
  const Floats scale = power_of_two(-(beyond ? splat(0) : k));
  const Floats f = fma(select(beyond, splat(0.0f), lost), scale, m - unit);
  return select(x == splat(0.0f), x, log_of_odd(sum, log_of_parts(to_floats(k), f)));
}

ECOSTEP_INLINE Floats softplus(Floats x) {
  const Floats tail = log1p(exp(-abs(x)));
  return select(x > splat(20.0f), x, select(x > splat(0.0f), x, select(x != x, x, splat(0.0f))) + tail);
}

ECOSTEP_INLINE Floats sinh(Floats x) {
  const Floats y = abs(x), unit = splat(1.0f);
  const Exponential e = reduce_exp(at_most(y, 90.0f));  // the largest finite result is at 89.4
  const Ints part = e.n >> 1;
  const Floats half = ((unit + e.s) * power_of_two(part)) * power_of_two(e.n - part - splat(1));  // exp(y) / 2
  const Ints small = y < unit;
  const Floats scale = power_of_two(e.n);
  const Floats less = fma(scale, e.s, scale - unit);  // exp(y) - 1
  const Floats fraction = select(small, less, splat(0.25f)) / select(small, less + unit, half);
  const Floats result = select(small, splat(0.5f) * (less + fraction), half - fraction);
  return with_sign(select(y > splat(89.5f), splat(__builtin_inff()), result), x);
}

ECOSTEP_INLINE Floats asinh(Floats x) {
  const Floats y = abs(x), unit = splat(1.0f);
  const Ints large = y > splat(10000.0f);
  const Floats z = select(large, unit, y);
  const Floats square = z * z;
  const Floats ordinary = log1p(z + square / (unit + square_root(unit + square)));
  if (!any(large)) return with_sign(ordinary, x);
  return with_sign(select(large, log(y) + splat(0.693147182f), ordinary), x);
}

ECOSTEP_INLINE Floats erf(Floats x) {
  const Floats y = at_most(abs(x), 4.0f);
  const float near[] = {1.12837911f, -0.37612626f, 0.112836003f, -0.0268544443f, 0.00518953521f, -0.000802084105f, 7.8891193e-05f};
  const float far[] = {0.000297800609f, -1.13012981f,    -0.632031143f,    -0.109854184f,  0.0262699611f,
                       -0.0046967417f,  0.000580964959f, -4.38466523e-05f, 1.50622668e-06f};  // log(1 - erf)
  const Floats result = select(y < splat(1.0f), y * polynomial(y * y, near), splat(1.0f) - exp_of_negative(polynomial(y, far)));
  return with_sign(select(x != x, x, result), x);
}

ECOSTEP_INLINE Floats gelu(Floats x) {
  return splat(0.5f) * x * (splat(1.0f) + erf(x * splat(0.707106769f)));
}
ECOSTEP_INLINE Floats relu(Floats x) {
  return select(splat(0.0f) > x, splat(0.0f), x);
}

// Through double, element by element: they come seldom. Equal neighbours, as beyond the last element, are computed once.
template <class F>
ECOSTEP_INLINE Floats by_element(Floats x, F function) {
  Floats r;
  for (int i = 0; i < width; ++i)
    r[i] = i > 0 && bits(x)[i] == bits(x)[i - 1] ? r[i - 1] : static_cast<float>(function(static_cast<double>(x[i])));
  return r;
}
__attribute__((noinline)) Floats sin(Floats x) {
  return by_element(x, [](double y) { return __builtin_sin(y); });
}
__attribute__((noinline)) Floats cos(Floats x) {
  return by_element(x, [](double y) { return __builtin_cos(y); });
}
__attribute__((noinline)) Floats power(Floats x, Floats y) {
  for (int i = 0; i < width; ++i) x[i] = static_cast<float>(__builtin_pow(static_cast<double>(x[i]), static_cast<double>(y[i])));
  return x;
}
ECOSTEP_INLINE double remainder(double x, double y) {
  const double truncated = __builtin_fmod(x, y);  // of the sign of x
  return truncated != 0.0 && (truncated < 0.0) != (y < 0.0) ? truncated + y : truncated;
}
__attribute__((noinline)) Floats remainder(Floats x, Floats y) {
  for (int i = 0; i < width; ++i) {
    const float truncated = static_cast<float>(__builtin_fmod(static_cast<double>(x[i]), static_cast<double>(y[i])));
    x[i] = truncated != 0.0f && (truncated < 0.0f) != (y[i] < 0.0f) ? truncated + y[i] : truncated;
  }
  return x;
}

ECOSTEP_INLINE double relu(double x) {
  return 0.0 > x ? 0.0 : x;
}
ECOSTEP_INLINE double sigmoid(double x) {
  return 1.0 / (1.0 + __builtin_exp(-x));
}
ECOSTEP_INLINE double softplus(double x) {
  return x > 20.0 ? x : __builtin_log1p(__builtin_exp(x));
}
ECOSTEP_INLINE double gelu(double x) {
  return 0.5 * x * (1.0 + __builtin_erf(x * 0.70710678118654752));
}

}  // namespace
}  // namespace ecostep::native
