// Gates of recurrent networks, flat over elements and lanes.
#pragma once

#include "backends/native/elementwise.h"

namespace ecostep::native {
namespace {

// exp(-x), between exp(-87) and exp(87).
ECOSTEP_INLINE Floats exp_of_minus(Floats x) {
  const Exponential e = reduce_exp(clamp(-x, -87.0f, 87.0f));
  return (splat(1.0f) + e.s) * power_of_two(e.n);
}

// exp(2 |x|) - 1, up to |x| = 10, beyond which tanh is 1.
ECOSTEP_INLINE Floats expm1_of_twice(Floats x) {
  return expm1_of_positive(at_most(abs(x + x), 20.0f));
}

// sigmoid(gate) tanh(x), with one division.
ECOSTEP_INLINE Floats gated_tanh(Floats gate, Floats x) {
  const Floats e = expm1_of_twice(x);
  return with_sign(e, x) / ((e + splat(2.0f)) * (splat(1.0f) + exp_of_minus(gate)));
}
ECOSTEP_INLINE double gated_tanh(double gate, double x) {
  return sigmoid(gate) * __builtin_tanh(x);
}

ECOSTEP_INLINE Floats divided_by_gate(Floats x, Floats gate) {
  return x / (splat(1.0f) + exp_of_minus(gate));
}
ECOSTEP_INLINE double divided_by_gate(double x, double gate) {
  return x * sigmoid(gate);
}

template <class V>
struct LSTMCell {
  V h, c;
};
template <class V>
ECOSTEP_INLINE LSTMCell<V> lstm_cell(V i, V f, V g, V o, V c) {
  const V memory = divided_by_gate(c, f) + gated_tanh(i, g);
  return {gated_tanh(o, memory), memory};
}

template <class T>
void lstm_any(const Task& task, const Frame& frame) {
  constexpr size_t w = Vector<T>::n;
  const size_t n = task.n * frame.lanes;  // of each gate
  const T* a = reinterpret_cast<const T*>(at(frame, task.a));
  const T* c = reinterpret_cast<const T*>(at(frame, task.b));
  T* out = reinterpret_cast<T*>(at(frame, task.out));
  for (size_t row = 0; row < task.rows; ++row, a += 4 * n, c += n, out += 2 * n) {
    size_t e = 0;
    for (; e + w <= n; e += w) {
      const LSTMCell<VectorOf<T>> cell =
          lstm_cell(load(a + e), load(a + n + e), load(a + 2 * n + e), load(a + 3 * n + e), load(c + e));
      store(out + e, cell.h);
      store(out + n + e, cell.c);
    }
    if (e < n) {
      const size_t tail = n - e;
      const LSTMCell<VectorOf<T>> cell =
          lstm_cell(load_first(a + e, tail), load_first(a + n + e, tail), load_first(a + 2 * n + e, tail),
                    load_first(a + 3 * n + e, tail), load_first(c + e, tail));
      store_first(out + e, tail, cell.h);
      store_first(out + n + e, tail, cell.c);
    }
  }
}

// a: input part, b: hidden part of the gates r, z, n.
template <class V>
ECOSTEP_INLINE V gru_cell(V a_r, V a_z, V a_n, V b_r, V b_z, V b_n, V h) {
  const V next = Tanh::of(divided_by_gate(b_n, a_r + b_r) + a_n);
  return divided_by_gate(h - next, a_z + b_z) + next;
}

template <class T>
void gru_any(const Task& task, const Frame& frame) {
  constexpr size_t w = Vector<T>::n;
  const size_t n = task.n * frame.lanes;
  const T* a = reinterpret_cast<const T*>(at(frame, task.a));
  const T* b = reinterpret_cast<const T*>(at(frame, task.b));
  const T* h = reinterpret_cast<const T*>(at(frame, task.c));
  T* out = reinterpret_cast<T*>(at(frame, task.out));
  for (size_t row = 0; row < task.rows; ++row, a += 3 * n, b += 3 * n, h += n, out += n) {
    size_t e = 0;
    for (; e + w <= n; e += w)
      store(out + e, gru_cell(load(a + e), load(a + n + e), load(a + 2 * n + e), load(b + e), load(b + n + e), load(b + 2 * n + e),
                              load(h + e)));
    if (e < n) {
      const size_t tail = n - e;
      store_first(
          out + e, tail,
          gru_cell(load_first(a + e, tail), load_first(a + n + e, tail), load_first(a + 2 * n + e, tail), load_first(b + e, tail),
                   load_first(b + n + e, tail), load_first(b + 2 * n + e, tail), load_first(h + e, tail)));
    }
  }
}

}  // namespace
}  // namespace ecostep::native
