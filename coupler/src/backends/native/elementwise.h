// Operations on each element: loops over runs of elements, all lanes of each.
#pragma once

#include "backends/native/elementary.h"

namespace ecostep::native {
namespace {

template <class T>
using VectorOf = typename Vector<T>::type;

ECOSTEP_INLINE Floats truth(Ints holds) {
  return from_bits(holds & bits(splat(1.0f)));
}

#define ECOSTEP_UNARY(name, floats, doubles)                      \
  struct name {                                                   \
    ECOSTEP_INLINE static Floats of(Floats x) { return floats; }  \
    ECOSTEP_INLINE static double of(double x) { return doubles; } \
  };
ECOSTEP_UNARY(Neg, -x, -x)
ECOSTEP_UNARY(Abs, abs(x), __builtin_fabs(x))
ECOSTEP_UNARY(Sqrt, square_root(x), __builtin_sqrt(x))
ECOSTEP_UNARY(Exp, exp(x), __builtin_exp(x))
ECOSTEP_UNARY(Log, log(x), __builtin_log(x))
ECOSTEP_UNARY(Log1p, log1p(x), __builtin_log1p(x))
ECOSTEP_UNARY(Sin, sin(x), __builtin_sin(x))
ECOSTEP_UNARY(Cos, cos(x), __builtin_cos(x))
ECOSTEP_UNARY(Tanh, tanh(x), __builtin_tanh(x))
ECOSTEP_UNARY(Sigmoid, sigmoid(x), sigmoid(x))
ECOSTEP_UNARY(Relu, relu(x), relu(x))
ECOSTEP_UNARY(Gelu, gelu(x), gelu(x))
ECOSTEP_UNARY(Softplus, softplus(x), softplus(x))
ECOSTEP_UNARY(Sinh, sinh(x), __builtin_sinh(x))
ECOSTEP_UNARY(Asinh, asinh(x), __builtin_asinh(x))
ECOSTEP_UNARY(Reciprocal, splat(1.0f) / x, 1.0 / x)
ECOSTEP_UNARY(IsFinite, truth(abs(x) < splat(__builtin_inff())), __builtin_fabs(x) < __builtin_inf() ? 1.0 : 0.0)
ECOSTEP_UNARY(Not, truth(x == splat(0.0f)), x == 0.0 ? 1.0 : 0.0)
#undef ECOSTEP_UNARY

struct Round {
  ECOSTEP_INLINE static Floats of(Floats x) {
    Floats r;
    for (int i = 0; i < width; ++i) r[i] = __builtin_rintf(x[i]);
    return r;
  }
  ECOSTEP_INLINE static double of(double x) { return __builtin_rint(x); }
};

#define ECOSTEP_BINARY(name, floats, doubles)                               \
  struct name {                                                             \
    ECOSTEP_INLINE static Floats of(Floats x, Floats y) { return floats; }  \
    ECOSTEP_INLINE static double of(double x, double y) { return doubles; } \
  };
ECOSTEP_BINARY(Add, x + y, x + y)
ECOSTEP_BINARY(Sub, x - y, x - y)
ECOSTEP_BINARY(Mul, x* y, x* y)
ECOSTEP_BINARY(Div, x / y, x / y)
ECOSTEP_BINARY(Max, select(x != x, x, select(x > y, x, y)), x != x ? x : x > y ? x : y)
ECOSTEP_BINARY(Min, select(x != x, x, select(x < y, x, y)), x != x ? x : x < y ? x : y)
ECOSTEP_BINARY(Pow, power(x, y), __builtin_pow(x, y))
ECOSTEP_BINARY(Remainder, remainder(x, y), remainder(x, y))
ECOSTEP_BINARY(CopySign, with_sign(x, y), __builtin_copysign(x, y))
ECOSTEP_BINARY(Eq, truth(x == y), x == y ? 1.0 : 0.0)
ECOSTEP_BINARY(Ne, truth(x != y), x != y ? 1.0 : 0.0)
ECOSTEP_BINARY(Lt, truth(x < y), x < y ? 1.0 : 0.0)
ECOSTEP_BINARY(Le, truth(x <= y), x <= y ? 1.0 : 0.0)
ECOSTEP_BINARY(Gt, truth(x > y), x > y ? 1.0 : 0.0)
ECOSTEP_BINARY(Ge, truth(x >= y), x >= y ? 1.0 : 0.0)
ECOSTEP_BINARY(And, truth((x != splat(0.0f)) & (y != splat(0.0f))), x != 0.0 && y != 0.0 ? 1.0 : 0.0)
ECOSTEP_BINARY(Or, truth((x != splat(0.0f)) | (y != splat(0.0f))), x != 0.0 || y != 0.0 ? 1.0 : 0.0)
#undef ECOSTEP_BINARY

// ---- one operand ----

template <class F, class T>
__attribute__((noinline)) void unary_flat(T* out, const T* a, size_t n) {
  constexpr size_t w = Vector<T>::n;
  size_t i = 0;
  for (; i + w <= n; i += w) store(out + i, F::of(load(a + i)));
  if (i < n) store_first(out + i, n - i, F::of(load_first(a + i, n - i)));
}

template <class T>
__attribute__((noinline)) void copy_lanes(const Task& task, const Frame& frame) {
  constexpr size_t w = Vector<T>::n;
  const size_t lanes = frame.lanes;
  const bool shared = task.a.base != lane_base;
  T* const out = reinterpret_cast<T*>(at(frame, task.out));
  const T* const a = reinterpret_cast<const T*>(at(frame, task.a));
  const ptrdiff_t pitch = static_cast<ptrdiff_t>(shared ? 1 : lanes), pitch_out = static_cast<ptrdiff_t>(lanes);
  for (size_t r = 0; r < task.n_runs; ++r) {
    T* o = out + task.runs[r].out * pitch_out;
    const T* x = a + task.runs[r].a * pitch;
    for (size_t e = 0; e < task.n; ++e, o += task.step_out * pitch_out, x += task.step_a * pitch) {
      if (shared)
        for (size_t i = 0; i < lanes; i += w) store(o + i, splat(*x));
      else
        for (size_t i = 0; i < lanes; i += w) store(o + i, load(x + i));
    }
  }
}

template <class T>
__attribute__((noinline)) void copy_single(const Task& task, const Frame& frame) {
  T* const out = reinterpret_cast<T*>(at(frame, task.out));
  const T* const a = reinterpret_cast<const T*>(at(frame, task.a));
  for (size_t r = 0; r < task.n_runs; ++r) {
    T* o = out + task.runs[r].out;
    const T* x = a + task.runs[r].a;
    if (task.step_a == 1 && task.step_out == 1)
      for (size_t e = 0; e < task.n; ++e) o[e] = x[e];
    else
      for (size_t e = 0; e < task.n; ++e, o += task.step_out, x += task.step_a) *o = *x;
  }
}

// Where the operand does not lie as the result does, it is copied there first.
template <class F, class T>
void unary_lanes(const Task& task, const Frame& frame) {
  T* const out = reinterpret_cast<T*>(at(frame, task.out));
  const bool flat = task.a.base == lane_base && task.step_a == 1 && task.n_runs == 1;
  if (!flat) copy_lanes<T>(task, frame);
  unary_flat<F>(out, flat ? reinterpret_cast<const T*>(at(frame, task.a)) : out, task.n_runs * task.n * frame.lanes);
}

template <class F, class T>
void unary_single(const Task& task, const Frame& frame) {
  T* const out = reinterpret_cast<T*>(at(frame, task.out));
  const bool flat = task.step_a == 1 && task.n_runs == 1;
  if (!flat) copy_single<T>(task, frame);
  unary_flat<F>(out, flat ? reinterpret_cast<const T*>(at(frame, task.a)) : out, task.n_runs * task.n);
}

// ---- two operands ----

template <class F, class T>
__attribute__((noinline)) void binary_flat(T* out, const T* a, const T* b, size_t n) {
  constexpr size_t w = Vector<T>::n;
  size_t i = 0;
  for (; i + w <= n; i += w) store(out + i, F::of(load(a + i), load(b + i)));
  if (i < n) store_first(out + i, n - i, F::of(load_first(a + i, n - i), load_first(b + i, n - i)));
}

template <class F, class T>
void binary_lanes(const Task& task, const Frame& frame) {
  constexpr size_t w = Vector<T>::n;
  const size_t lanes = frame.lanes;
  const bool shared_a = task.a.base != lane_base, shared_b = task.b.base != lane_base;
  T* const out = reinterpret_cast<T*>(at(frame, task.out));
  const T* const a = reinterpret_cast<const T*>(at(frame, task.a));
  const T* const b = reinterpret_cast<const T*>(at(frame, task.b));
  const ptrdiff_t pitch = static_cast<ptrdiff_t>(lanes), pitch_a = shared_a ? 1 : pitch, pitch_b = shared_b ? 1 : pitch;
  for (size_t r = 0; r < task.n_runs; ++r) {
    const Run& run = task.runs[r];
    T* o = out + run.out * pitch;
    const T *x = a + run.a * pitch_a, *y = b + run.b * pitch_b;
    if (!shared_a && !shared_b && task.step_a == 1 && task.step_b == 1) {
      binary_flat<F>(o, x, y, task.n * lanes);
      continue;
    }
    for (size_t e = 0; e < task.n; ++e, o += pitch, x += task.step_a * pitch_a, y += task.step_b * pitch_b) {
      if (!shared_a && !shared_b) {
        for (size_t i = 0; i < lanes; i += w) store(o + i, F::of(load(x + i), load(y + i)));
      } else if (shared_a && shared_b) {
        const VectorOf<T> value = F::of(splat(*x), splat(*y));
        for (size_t i = 0; i < lanes; i += w) store(o + i, value);
      } else if (shared_a) {
        const VectorOf<T> value = splat(*x);
        for (size_t i = 0; i < lanes; i += w) store(o + i, F::of(value, load(y + i)));
      } else {
        const VectorOf<T> value = splat(*y);
        for (size_t i = 0; i < lanes; i += w) store(o + i, F::of(load(x + i), value));
      }
    }
  }
}

// n <= width elements; the two usual steps without a loop.
template <class T>
ECOSTEP_INLINE VectorOf<T> gather(const T* p, ptrdiff_t step, size_t n) {
  if (step == 1) return n == Vector<T>::n ? load(p) : load_first(p, n);
  if (step == 0) return splat(*p);
  return load_strided(p, step, n);
}

template <class F, class T>
void binary_single(const Task& task, const Frame& frame) {
  constexpr size_t w = Vector<T>::n;
  T* const out = reinterpret_cast<T*>(at(frame, task.out));
  const T* const a = reinterpret_cast<const T*>(at(frame, task.a));
  const T* const b = reinterpret_cast<const T*>(at(frame, task.b));
  for (size_t r = 0; r < task.n_runs; ++r) {
    const Run& run = task.runs[r];
    T* o = out + run.out;
    const T *x = a + run.a, *y = b + run.b;
    if (task.step_a == 1 && task.step_b == 1) {
      binary_flat<F>(o, x, y, task.n);
      continue;
    }
    for (size_t i = 0; i < task.n; i += w, o += w, x += task.step_a * ptrdiff_t{w}, y += task.step_b * ptrdiff_t{w}) {
      const size_t n = task.n - i < w ? task.n - i : w;
      const VectorOf<T> value = F::of(gather(x, task.step_a, n), gather(y, task.step_b, n));
      if (n == w)
        store(o, value);
      else
        store_first(o, n, value);
    }
  }
}

// ---- where, cast: any number of lanes, element by element ----

template <class T>
void where_any(const Task& task, const Frame& frame) {
  const size_t lanes = frame.lanes;
  const auto pitch = [&](const Place& place) { return static_cast<ptrdiff_t>(frame.scale[place.base]); };
  const auto lane = [&](const Place& place) -> ptrdiff_t { return place.base == task.out.base ? 1 : 0; };
  T* const out = reinterpret_cast<T*>(at(frame, task.out));
  const float* const a = reinterpret_cast<const float*>(at(frame, task.a));
  const T* const b = reinterpret_cast<const T*>(at(frame, task.b));
  const T* const c = reinterpret_cast<const T*>(at(frame, task.c));
  const ptrdiff_t lane_a = lane(task.a), lane_b = lane(task.b), lane_c = lane(task.c);
  for (size_t r = 0; r < task.n_runs; ++r) {
    const Run& run = task.runs[r];
    for (size_t e = 0; e < task.n; ++e) {
      const ptrdiff_t n = static_cast<ptrdiff_t>(e);
      T* o = out + (run.out + n) * pitch(task.out);
      const float* x = a + (run.a + n * task.step_a) * pitch(task.a);
      const T* y = b + (run.b + n * task.step_b) * pitch(task.b);
      const T* z = c + (run.c + n * task.step_c) * pitch(task.c);
      for (ptrdiff_t i = 0; i < static_cast<ptrdiff_t>(lanes); ++i) {
        const T yes = y[i * lane_b], no = z[i * lane_c];
        o[i] = x[i * lane_a] != 0.0f ? yes : no;
      }
    }
  }
}

template <class From, class To>
void cast_any(const Task& task, const Frame& frame) {
  const size_t lanes = frame.lanes;
  const ptrdiff_t pitch = static_cast<ptrdiff_t>(frame.scale[task.a.base]),
                  pitch_out = static_cast<ptrdiff_t>(frame.scale[task.out.base]);
  const bool same = task.a.base == task.out.base;
  To* const out = reinterpret_cast<To*>(at(frame, task.out));
  const From* const a = reinterpret_cast<const From*>(at(frame, task.a));
  for (size_t r = 0; r < task.n_runs; ++r) {
    To* o = out + task.runs[r].out * pitch_out;
    const From* x = a + task.runs[r].a * pitch;
    for (size_t e = 0; e < task.n; ++e, o += pitch_out, x += task.step_a * pitch) {
      if (same)
        for (size_t i = 0; i < lanes; ++i) o[i] = static_cast<To>(x[i]);
      else
        for (size_t i = 0; i < lanes; ++i) o[i] = static_cast<To>(*x);
    }
  }
}

}  // namespace
}  // namespace ecostep::native
