// bias + weight x in, sums in the order of the inputs. Weights are packed in groups of outputs (output_group): with lanes, each
// weight is repeated over the lanes of a register tile; a single cell takes them as vectors of outputs.
#pragma once

#include "backends/native/elementwise.h"

namespace ecostep::native {
namespace {

ECOSTEP_INLINE double activate(Activation activation, double x) {
  switch (activation) {
    case Activation::tanh:
      return __builtin_tanh(x);
    case Activation::sigmoid:
      return sigmoid(x);
    case Activation::relu:
      return relu(x);
    case Activation::gelu:
      return gelu(x);
    case Activation::softplus:
      return softplus(x);
    case Activation::none:
      break;
  }
  return x;
}

struct Inputs {
  const float* p;
  size_t n;
};

#ifdef ECOSTEP_EMULATED_FMA
// What tile and column do, or false where that takes exact multiply-adds.
template <int outputs, int vectors>
ECOSTEP_INLINE bool quick_tile(const Inputs* inputs, size_t n_inputs, size_t lanes, const float* weight, const float* bias,
                               float* out) {
  forget_underflow();
  QuickSum sum[outputs][vectors];
  __m128i halfway = _mm_setzero_si128();
  ECOSTEP_UNROLL
  for (int o = 0; o < outputs; ++o) ECOSTEP_UNROLL
  for (int v = 0; v < vectors; ++v) sum[o][v].start(splat(bias[o])), sum[o][v].fence();
  for (size_t s = 0; s < n_inputs; ++s) {
    const float* x = inputs[s].p;
    for (size_t k = 0; k < inputs[s].n; ++k, x += lanes, weight += output_group) {
      Pair in[2 * vectors];
      ECOSTEP_UNROLL
      for (int v = 0; v < 2 * vectors; ++v) in[v] = load_pair(x + 2 * v);
      ECOSTEP_UNROLL
      for (int o = 0; o < outputs; ++o) {
        const Pair w = splat_pair(weight[o]);
        ECOSTEP_UNROLL
        for (int v = 0; v < vectors; ++v) sum[o][v].add(w, w, in[2 * v], in[2 * v + 1], halfway);
      }
    }
  }
  ECOSTEP_UNROLL
  for (int o = 0; o < outputs; ++o) ECOSTEP_UNROLL
  for (int v = 0; v < vectors; ++v) sum[o][v].fence();
  if (!no_doubt(halfway)) return false;
  ECOSTEP_UNROLL
  for (int o = 0; o < outputs; ++o) ECOSTEP_UNROLL
  for (int v = 0; v < vectors; ++v) store(out + static_cast<size_t>(o) * lanes + v * width, sum[o][v].result());
  return true;
}

// The results of a group.
ECOSTEP_INLINE bool quick_column(const Inputs* inputs, size_t n_inputs, const float* weight, const float* bias, Floats* out) {
  constexpr int parts = output_group / width;
  forget_underflow();
  QuickSum sum[parts];
  __m128i halfway = _mm_setzero_si128();
  ECOSTEP_UNROLL
  for (int p = 0; p < parts; ++p) sum[p].start(load(bias + p * width)), sum[p].fence();
  for (size_t s = 0; s < n_inputs; ++s)
    for (size_t k = 0; k < inputs[s].n; ++k, weight += output_group) {
      const Pair in = splat_pair(inputs[s].p[k]);
      ECOSTEP_UNROLL
      for (int p = 0; p < parts; ++p) sum[p].add(load_pair(weight + p * width), load_pair(weight + p * width + 2), in, in, halfway);
    }
  ECOSTEP_UNROLL
  for (int p = 0; p < parts; ++p) sum[p].fence();
  ECOSTEP_UNROLL
  for (int p = 0; p < parts; ++p) out[p] = sum[p].result();
  return no_doubt(halfway);
}
#endif

// `outputs` of a group and `vectors` of lanes.
template <int outputs, int vectors>
ECOSTEP_INLINE void tile(const Inputs* inputs, size_t n_inputs, size_t lanes, const float* weight, const float* bias, float* out) {
#ifdef ECOSTEP_EMULATED_FMA
  if (quick_tile<outputs, vectors>(inputs, n_inputs, lanes, weight, bias, out)) return;
#endif
  Floats sum[outputs][vectors];
  ECOSTEP_UNROLL
  for (int o = 0; o < outputs; ++o) ECOSTEP_UNROLL
  for (int v = 0; v < vectors; ++v) sum[o][v] = splat(bias[o]);
  for (size_t s = 0; s < n_inputs; ++s) {
    const float* x = inputs[s].p;
    for (size_t k = 0; k < inputs[s].n; ++k, x += lanes, weight += output_group) {
      Floats in[vectors];
      ECOSTEP_UNROLL
      for (int v = 0; v < vectors; ++v) in[v] = load(x + v * width);
      ECOSTEP_UNROLL
      for (int o = 0; o < outputs; ++o) {
        const Floats w = splat(weight[o]);
        ECOSTEP_UNROLL
        for (int v = 0; v < vectors; ++v) sum[o][v] = fma(w, in[v], sum[o][v]);
      }
    }
  }
  ECOSTEP_UNROLL
  for (int o = 0; o < outputs; ++o) ECOSTEP_UNROLL
  for (int v = 0; v < vectors; ++v) store(out + static_cast<size_t>(o) * lanes + v * width, sum[o][v]);
}

template <int vectors>
void tile_of(int outputs, const Inputs* inputs, size_t n_inputs, size_t lanes, const float* weight, const float* bias, float* out) {
  switch (outputs) {
    case 1:
      return tile<1, vectors>(inputs, n_inputs, lanes, weight, bias, out);
    case 2:
      return tile<2, vectors>(inputs, n_inputs, lanes, weight, bias, out);
    case 3:
      return tile<3, vectors>(inputs, n_inputs, lanes, weight, bias, out);
    case 4:
      return tile<4, vectors>(inputs, n_inputs, lanes, weight, bias, out);
    case 5:
      return tile<5, vectors>(inputs, n_inputs, lanes, weight, bias, out);
    case 6:
      return tile<6, vectors>(inputs, n_inputs, lanes, weight, bias, out);
    case 7:
      return tile<7, vectors>(inputs, n_inputs, lanes, weight, bias, out);
    default:
      return tile<8, vectors>(inputs, n_inputs, lanes, weight, bias, out);
  }
}

// as many registers as there are: 32, or 16 of AVX2 and before
#ifdef ECOSTEP_EMULATED_FMA
enum { tile_vectors = 1, tile_outputs = 4 };
#else
enum { tile_vectors = 2, tile_outputs = width == 8 ? 6 : 8 };
#endif

void activate_all(Activation activation, float* p, size_t n) {
  switch (activation) {
    case Activation::tanh:
      return unary_flat<Tanh>(p, p, n);
    case Activation::sigmoid:
      return unary_flat<Sigmoid>(p, p, n);
    case Activation::relu:
      return unary_flat<Relu>(p, p, n);
    case Activation::gelu:
      return unary_flat<Gelu>(p, p, n);
    case Activation::softplus:
      return unary_flat<Softplus>(p, p, n);
    case Activation::none:
      return;
  }
}

void linear_lanes(const Task& task, const Frame& frame) {
  const size_t lanes = frame.lanes;
  Inputs inputs[most_segments];
  const float* const weight = static_cast<const float*>(task.weight);
  const float* const bias = static_cast<const float*>(task.bias);
  for (size_t row = 0; row < task.rows; ++row) {
    for (size_t s = 0; s < task.n_segments; ++s) {
      const Segment& segment = task.segments[s];
      inputs[s] = {reinterpret_cast<const float*>(at(frame, segment.place)) + row * segment.n * lanes, segment.n};
    }
    float* const out = reinterpret_cast<float*>(at(frame, task.out)) + row * task.n * lanes;
    for (size_t o = 0, next; o < task.n; o = next) {
      const float* const w = weight + o / output_group * output_group * task.n_k + o % output_group;
      const size_t in_group = output_group - o % output_group, left = task.n - o < in_group ? task.n - o : in_group;
      const size_t tiles = (left + tile_outputs - 1) / tile_outputs;  // about equally large
      const int outputs = static_cast<int>((left + tiles - 1) / tiles);
      next = o + static_cast<size_t>(outputs);
      size_t lane = 0;
      Inputs moved[most_segments];
      for (; lane < lanes;) {
        for (size_t s = 0; s < task.n_segments; ++s) moved[s] = {inputs[s].p + lane, inputs[s].n};
        if (lane + tile_vectors * width <= lanes) {
          tile_of<tile_vectors>(outputs, moved, task.n_segments, lanes, w, bias + o, out + o * lanes + lane);
          lane += tile_vectors * width;
        } else {
          tile_of<1>(outputs, moved, task.n_segments, lanes, w, bias + o, out + o * lanes + lane);
          lane += width;
        }
      }
      activate_all(task.activation, out + o * lanes, static_cast<size_t>(outputs) * lanes);
    }
  }
}

// `groups` groups of outputs of a single cell.
template <int groups>
ECOSTEP_INLINE void column_sums(const Inputs* inputs, size_t n_inputs, size_t n_k, const float* weight, const float* bias,
                                Floats* result) {
  constexpr int parts = output_group / width;
  Floats sum[groups * parts];
  ECOSTEP_UNROLL
  for (int g = 0; g < groups * parts; ++g) sum[g] = load(bias + g * width);
  for (size_t s = 0; s < n_inputs; ++s) {
    const float* x = inputs[s].p;
    for (size_t k = 0; k < inputs[s].n; ++k, weight += output_group) {
      const Floats in = splat(x[k]);
      ECOSTEP_UNROLL
      for (int g = 0; g < groups; ++g) ECOSTEP_UNROLL
      for (int p = 0; p < parts; ++p)
        sum[g * parts + p] = fma(load(weight + static_cast<size_t>(g) * output_group * n_k + p * width), in, sum[g * parts + p]);
    }
  }
  ECOSTEP_UNROLL
  for (int g = 0; g < groups * parts; ++g) result[g] = sum[g];
}

template <int groups>
ECOSTEP_INLINE void column(const Inputs* inputs, size_t n_inputs, size_t n_k, const float* weight, const float* bias, float* out,
                           size_t n_out) {
  constexpr int parts = output_group / width;
  Floats sum[groups * parts];
#ifdef ECOSTEP_EMULATED_FMA
  for (size_t g = 0; g < groups; ++g) {
    const float *w = weight + g * output_group * n_k, *b = bias + g * output_group;
    if (!quick_column(inputs, n_inputs, w, b, sum + g * parts)) column_sums<1>(inputs, n_inputs, n_k, w, b, sum + g * parts);
  }
#else
  column_sums<groups>(inputs, n_inputs, n_k, weight, bias, sum);
#endif
  ECOSTEP_UNROLL
  for (int g = 0; g < groups * parts; ++g) {
    const size_t first = static_cast<size_t>(g) * width;
    if (first + width <= n_out)
      store(out + first, sum[g]);
    else if (first < n_out)
      store_first(out + first, n_out - first, sum[g]);
  }
}

void linear_single(const Task& task, const Frame& frame) {
  Inputs inputs[most_segments];
  const float* const weight = static_cast<const float*>(task.weight);
  const float* const bias = static_cast<const float*>(task.bias);
  for (size_t row = 0; row < task.rows; ++row) {
    for (size_t s = 0; s < task.n_segments; ++s) {
      const Segment& segment = task.segments[s];
      inputs[s] = {reinterpret_cast<const float*>(at(frame, segment.place)) + row * segment.n, segment.n};
    }
    float* const out = reinterpret_cast<float*>(at(frame, task.out)) + row * task.n;
    for (size_t o = 0; o < task.n;) {
      const size_t left = (task.n - o + output_group - 1) / output_group;
      const float* const w = weight + o * task.n_k;
      size_t groups = 1;
      if (width == 16 && left >= 8) {
        groups = 8;
        column<8>(inputs, task.n_segments, task.n_k, w, bias + o, out + o, task.n - o);
      } else if (left >= 4) {
        groups = 4;
        column<4>(inputs, task.n_segments, task.n_k, w, bias + o, out + o, task.n - o);
      } else if (left >= 2) {
        groups = 2;
        column<2>(inputs, task.n_segments, task.n_k, w, bias + o, out + o, task.n - o);
      } else {
        column<1>(inputs, task.n_segments, task.n_k, w, bias + o, out + o, task.n - o);
      }
      o += groups * output_group;
    }
    activate_all(task.activation, out, task.n);
  }
}

// In double, weights as they are: (n, n_k).
void linear_double(const Task& task, const Frame& frame) {
  const size_t lanes = frame.lanes;
  const double* const bias = static_cast<const double*>(task.bias);
  for (size_t row = 0; row < task.rows; ++row) {
    double* const out = reinterpret_cast<double*>(at(frame, task.out)) + row * task.n * lanes;
    for (size_t o = 0; o < task.n; ++o) {
      const double* weight = static_cast<const double*>(task.weight) + o * task.n_k;
      double sum[full_lanes];
      for (size_t i = 0; i < lanes; ++i) sum[i] = bias[o];
      for (size_t s = 0; s < task.n_segments; ++s) {
        const Segment& segment = task.segments[s];
        const double* x = reinterpret_cast<const double*>(at(frame, segment.place)) + row * segment.n * lanes;
        for (size_t k = 0; k < segment.n; ++k, ++weight, x += lanes)
          for (size_t i = 0; i < lanes; ++i) sum[i] = fma(*weight, x[i], sum[i]);
      }
      for (size_t i = 0; i < lanes; ++i) out[o * lanes + i] = activate(task.activation, sum[i]);
    }
  }
}

}  // namespace
}  // namespace ecostep::native
