// Between the arrays of the host and lanes. Lanes beyond `used` repeat the last cell.
#pragma once

#include "backends/native/simd.h"

namespace ecostep::native {
namespace {

// Variables of cells: (n, stride) -> lanes.
void input_any(const Task& task, const Frame& frame) {
  if (task.input == Input::calendar) {
    double* out = reinterpret_cast<double*>(at(frame, task.out));
    for (size_t i = 0; i < calendar_columns; ++i) out[i] = frame.calendar[i];
    return;
  }
  const float* from = task.input == Input::drivers ? frame.drivers : task.input == Input::observed ? frame.observed : frame.statics;
  float* out = reinterpret_cast<float*>(at(frame, task.out));
  if (frame.lanes == 1) {
    for (size_t v = 0; v < task.n; ++v) out[v] = from[v * frame.stride];
    return;
  }
  for (size_t v = 0; v < task.n; ++v, from += frame.stride, out += frame.lanes) {
    for (size_t i = 0; i < frame.used; ++i) out[i] = from[i];
    for (size_t i = frame.used; i < frame.lanes; ++i) out[i] = from[frame.used - 1];
  }
}

void flux_any(const Task& task, const Frame& frame) {
  const float* a = reinterpret_cast<const float*>(at(frame, task.a));
  float* to = frame.flux;
  if (frame.lanes == 1) {
    for (size_t v = 0; v < task.n; ++v) to[v * frame.stride] = a[v];
    return;
  }
  for (size_t v = 0; v < task.n; ++v, to += frame.stride, a += frame.lanes)
    for (size_t i = 0; i < frame.used; ++i) to[i] = a[i];
}

typedef float Quad __attribute__((vector_size(16)));
typedef float LooseQuad __attribute__((vector_size(16), aligned(4), may_alias));

#if defined(__clang__)
#define ECOSTEP_SHUFFLE(a, b, i, j, k, l) __builtin_shufflevector(a, b, i, j, k, l)
#else
typedef int32_t QuadIndex __attribute__((vector_size(16)));
#define ECOSTEP_SHUFFLE(a, b, i, j, k, l) __builtin_shuffle(a, b, QuadIndex{i, j, k, l})
#endif

// Squares of 4 x 4 numbers side by side, as many as a vector has quads: numbers 0 and 1, 2 and 3 of each quad of a and b in turn;
// the first two, and the last two of each quad of a and b.
#if defined(__AVX512F__)
ECOSTEP_INLINE Floats low_in_turn(Floats a, Floats b) {
  return _mm512_unpacklo_ps(a, b);
}
ECOSTEP_INLINE Floats high_in_turn(Floats a, Floats b) {
  return _mm512_unpackhi_ps(a, b);
}
ECOSTEP_INLINE Floats first_halves(Floats a, Floats b) {
  return _mm512_shuffle_ps(a, b, 0x44);
}
ECOSTEP_INLINE Floats last_halves(Floats a, Floats b) {
  return _mm512_shuffle_ps(a, b, 0xee);
}
ECOSTEP_INLINE Floats quads(const float* p, const float* q, const float* r, const float* s) {
  const __m512 low = _mm512_castps256_ps512(_mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p)), _mm_loadu_ps(q), 1));
  return _mm512_insertf32x4(_mm512_insertf32x4(low, _mm_loadu_ps(r), 2), _mm_loadu_ps(s), 3);
}
ECOSTEP_INLINE void put_quads(Floats x, float* p, float* q, float* r, float* s) {
  _mm_storeu_ps(p, _mm512_castps512_ps128(x));
  _mm_storeu_ps(q, _mm512_extractf32x4_ps(x, 1));
  _mm_storeu_ps(r, _mm512_extractf32x4_ps(x, 2));
  _mm_storeu_ps(s, _mm512_extractf32x4_ps(x, 3));
}
#elif defined(__AVX__)
ECOSTEP_INLINE Floats low_in_turn(Floats a, Floats b) {
  return _mm256_unpacklo_ps(a, b);
}
ECOSTEP_INLINE Floats high_in_turn(Floats a, Floats b) {
  return _mm256_unpackhi_ps(a, b);
}
ECOSTEP_INLINE Floats first_halves(Floats a, Floats b) {
  return _mm256_shuffle_ps(a, b, 0x44);
}
ECOSTEP_INLINE Floats last_halves(Floats a, Floats b) {
  return _mm256_shuffle_ps(a, b, 0xee);
}
ECOSTEP_INLINE Floats quads(const float* p, const float* q, const float*, const float*) {
  return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p)), _mm_loadu_ps(q), 1);
}
ECOSTEP_INLINE void put_quads(Floats x, float* p, float* q, float*, float*) {
  _mm_storeu_ps(p, _mm256_castps256_ps128(x));
  _mm_storeu_ps(q, _mm256_extractf128_ps(x, 1));
}
#else
ECOSTEP_INLINE Floats low_in_turn(Floats a, Floats b) {
  return ECOSTEP_SHUFFLE(a, b, 0, 4, 1, 5);
}
ECOSTEP_INLINE Floats high_in_turn(Floats a, Floats b) {
  return ECOSTEP_SHUFFLE(a, b, 2, 6, 3, 7);
}
ECOSTEP_INLINE Floats first_halves(Floats a, Floats b) {
  return ECOSTEP_SHUFFLE(a, b, 0, 1, 4, 5);
}
ECOSTEP_INLINE Floats last_halves(Floats a, Floats b) {
  return ECOSTEP_SHUFFLE(a, b, 2, 3, 6, 7);
}
ECOSTEP_INLINE Floats quads(const float* p, const float*, const float*, const float*) {
  return load(p);
}
ECOSTEP_INLINE void put_quads(Floats x, float* p, float*, float*, float*) {
  store(p, x);
}
#endif

// Vectors 0 to 3 as rows of the squares -> as columns.
ECOSTEP_INLINE void turn_squares(Floats (&x)[4]) {
  const Floats ab = low_in_turn(x[0], x[1]), cd = low_in_turn(x[2], x[3]);
  const Floats ab2 = high_in_turn(x[0], x[1]), cd2 = high_in_turn(x[2], x[3]);
  x[0] = first_halves(ab, cd), x[1] = last_halves(ab, cd);
  x[2] = first_halves(ab2, cd2), x[3] = last_halves(ab2, cd2);
}

// Rows of the state -> lanes.
void load_any(const Task& task, const Frame& frame) {
  const size_t lanes = frame.lanes, n = task.n;
  const ptrdiff_t moved = task.a.dynamic < 0 ? 0 : frame.dynamic[task.a.dynamic] / static_cast<ptrdiff_t>(sizeof(float));
  const float* const first = frame.state + static_cast<ptrdiff_t>(task.at) + moved;
  float* const out = reinterpret_cast<float*>(at(frame, task.out));
  if (lanes == 1) {
    for (size_t e = 0; e < n; ++e) out[e] = first[e];
    return;
  }
  for (size_t i = 0; i < lanes; i += width) {
    const float* row[width];
    for (size_t j = 0; j < width; ++j) row[j] = first + (i + j < frame.used ? i + j : frame.used - 1) * frame.state_stride;
    size_t e = 0;
    for (; e + 4 <= n; e += 4) {
      Floats x[4];
      ECOSTEP_UNROLL
      for (size_t j = 0; j < 4; ++j)
        x[j] = quads(row[j] + e, row[(j + 4) % width] + e, row[(j + 8) % width] + e, row[(j + 12) % width] + e);
      turn_squares(x);
      ECOSTEP_UNROLL
      for (size_t j = 0; j < 4; ++j) store(out + (e + j) * lanes + i, x[j]);
    }
    for (; e < n; ++e)
      for (size_t j = 0; j < width; ++j) out[e * lanes + i + j] = row[j][e];
  }
}

// Lanes -> rows of what is stored.
void store_any(const Task& task, const Frame& frame) {
  const size_t lanes = frame.lanes, n = task.n, stride = frame.changed_stride;
  const float* const a = reinterpret_cast<const float*>(at(frame, task.a));
  float* const rows = frame.changed + frame.column[task.store];
  if (lanes == 1) {
    for (size_t e = 0; e < n; ++e) rows[e] = a[e];
    return;
  }
  for (size_t i = 0; i < frame.used; i += width) {
    float* const row = rows + i * stride;
    const size_t n_rows = frame.used - i < size_t{width} ? frame.used - i : size_t{width};
    size_t e = 0;
    for (; n_rows == width && e + 4 <= n; e += 4) {
      Floats x[4];
      ECOSTEP_UNROLL
      for (size_t j = 0; j < 4; ++j) x[j] = load(a + (e + j) * lanes + i);
      turn_squares(x);
      ECOSTEP_UNROLL
      for (size_t j = 0; j < 4; ++j)
        put_quads(x[j], row + j * stride + e, row + (j + 4) % width * stride + e, row + (j + 8) % width * stride + e,
                  row + (j + 12) % width * stride + e);
    }
    for (; e < n; ++e)
      for (size_t j = 0; j < n_rows; ++j) row[j * stride + e] = a[e * lanes + i + j];
  }
}

}  // namespace
}  // namespace ecostep::native
