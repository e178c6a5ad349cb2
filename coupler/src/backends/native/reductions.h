// Sums of products and reductions over some dimensions, term by term in order.
#pragma once

#include "backends/native/elementwise.h"

namespace ecostep::native {
namespace {

template <class T>
struct Operand {
  const T* p;
  ptrdiff_t pitch, lane;  // from element to element, from lane to lane
};
template <class T>
ECOSTEP_INLINE Operand<T> operand(const Task& task, const Frame& frame, const Place& place) {
  const bool same = place.base == task.out.base;
  return {reinterpret_cast<const T*>(at(frame, place)), static_cast<ptrdiff_t>(frame.scale[place.base]), same ? 1 : 0};
}
template <class T>
ECOSTEP_INLINE VectorOf<T> lanes_of(const Operand<T>& x, ptrdiff_t element, size_t lane) {
  const T* p = x.p + element * x.pitch;
  return x.lane != 0 ? load(p + lane) : splat(*p);
}

template <class T>
void contract_lanes(const Task& task, const Frame& frame) {
  constexpr size_t w = Vector<T>::n;
  const Operand<T> a = operand<T>(task, frame, task.a), b = operand<T>(task, frame, task.b);
  T* const out = reinterpret_cast<T*>(at(frame, task.out));
  for (size_t r = 0; r < task.n_runs; ++r) {
    const Run& run = task.runs[r];
    for (size_t i = 0; i < frame.lanes; i += w) {
      VectorOf<T> sum = splat(T{0});
      for (size_t k = 0; k < task.n_k; ++k)
        sum = fma(lanes_of(a, run.a + task.k_a[k], i), lanes_of(b, run.b + task.k_b[k], i), sum);
      store(out + r * frame.lanes + i, sum);
    }
  }
}

template <class T>
void contract_single(const Task& task, const Frame& frame) {
  const T* const a = reinterpret_cast<const T*>(at(frame, task.a));
  const T* const b = reinterpret_cast<const T*>(at(frame, task.b));
  T* const out = reinterpret_cast<T*>(at(frame, task.out));
  for (size_t r = 0; r < task.n_runs; ++r) {
    const Run& run = task.runs[r];
    T sum{0};
    for (size_t k = 0; k < task.n_k; ++k) sum = fma(a[run.a + task.k_a[k]], b[run.b + task.k_b[k]], sum);
    out[r] = sum;
  }
}

template <class T>
void reduce_lanes(const Task& task, const Frame& frame) {
  constexpr size_t w = Vector<T>::n;
  const Operand<T> a = operand<T>(task, frame, task.a);
  T* const out = reinterpret_cast<T*>(at(frame, task.out));
  for (size_t r = 0; r < task.n_runs; ++r) {
    const ptrdiff_t first = task.runs[r].a;
    for (size_t i = 0; i < frame.lanes; i += w) {
      VectorOf<T> sum = task.n_k > 0 ? lanes_of(a, first + task.k_a[0], i) : splat(T{0});
      if (task.reduction == Reduction::max) {
        for (size_t k = 1; k < task.n_k; ++k) sum = Max::of(sum, lanes_of(a, first + task.k_a[k], i));
      } else {
        for (size_t k = 1; k < task.n_k; ++k) sum = sum + lanes_of(a, first + task.k_a[k], i);
        if (task.reduction == Reduction::mean) sum = sum / splat(static_cast<T>(task.n_k));
      }
      store(out + r * frame.lanes + i, sum);
    }
  }
}

template <class T>
void reduce_single(const Task& task, const Frame& frame) {
  const T* const a = reinterpret_cast<const T*>(at(frame, task.a));
  T* const out = reinterpret_cast<T*>(at(frame, task.out));
  for (size_t r = 0; r < task.n_runs; ++r) {
    const ptrdiff_t first = task.runs[r].a;
    T sum = task.n_k > 0 ? a[first + task.k_a[0]] : T{0};
    if (task.reduction == Reduction::max) {
      for (size_t k = 1; k < task.n_k; ++k) {
        const T x = a[first + task.k_a[k]];
        sum = sum != sum ? sum : sum > x ? sum : x;
      }
    } else {
      for (size_t k = 1; k < task.n_k; ++k) sum += a[first + task.k_a[k]];
      if (task.reduction == Reduction::mean) sum /= static_cast<T>(task.n_k);
    }
    out[r] = sum;
  }
}

}  // namespace
}  // namespace ecostep::native
