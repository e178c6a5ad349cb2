// Between the arrays of the host and lanes. Lanes beyond `used` repeat the last cell.
#pragma once

#include "native/simd.h"

namespace ecostep::native {
namespace {

// Variables of cells: (n, stride) -> lanes.
void input_any(const Task& task, const Frame& frame) {
  enum { drivers, observed, statics, calendar };
  if (task.option == calendar) {
    double* out = reinterpret_cast<double*>(at(frame, task.out));
    for (size_t i = 0; i < 6; ++i) out[i] = frame.calendar[i];
    return;
  }
  const float* from = task.option == drivers ? frame.drivers : task.option == observed ? frame.observed : frame.statics;
  float* out = reinterpret_cast<float*>(at(frame, task.out));
  for (size_t v = 0; v < task.n; ++v, from += frame.stride, out += frame.lanes) {
    for (size_t i = 0; i < frame.used; ++i) out[i] = from[i];
    for (size_t i = frame.used; i < frame.lanes; ++i) out[i] = from[frame.used - 1];
  }
}

void flux_any(const Task& task, const Frame& frame) {
  const float* a = reinterpret_cast<const float*>(at(frame, task.a));
  float* to = frame.flux;
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

// Rows p0 to p3 of four numbers -> columns.
ECOSTEP_INLINE void turn_square(const float* p0, const float* p1, const float* p2, const float* p3, float* out, size_t pitch) {
  const Quad a = *reinterpret_cast<const LooseQuad*>(p0), b = *reinterpret_cast<const LooseQuad*>(p1);
  const Quad c = *reinterpret_cast<const LooseQuad*>(p2), d = *reinterpret_cast<const LooseQuad*>(p3);
  const Quad ab = ECOSTEP_SHUFFLE(a, b, 0, 4, 1, 5), cd = ECOSTEP_SHUFFLE(c, d, 0, 4, 1, 5);
  const Quad ab2 = ECOSTEP_SHUFFLE(a, b, 2, 6, 3, 7), cd2 = ECOSTEP_SHUFFLE(c, d, 2, 6, 3, 7);
  *reinterpret_cast<LooseQuad*>(out) = ECOSTEP_SHUFFLE(ab, cd, 0, 1, 4, 5);
  *reinterpret_cast<LooseQuad*>(out + pitch) = ECOSTEP_SHUFFLE(ab, cd, 2, 3, 6, 7);
  *reinterpret_cast<LooseQuad*>(out + 2 * pitch) = ECOSTEP_SHUFFLE(ab2, cd2, 0, 1, 4, 5);
  *reinterpret_cast<LooseQuad*>(out + 3 * pitch) = ECOSTEP_SHUFFLE(ab2, cd2, 2, 3, 6, 7);
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
  for (size_t i = 0; i < lanes; i += 4) {
    const float* row[4];
    for (size_t j = 0; j < 4; ++j) row[j] = first + (i + j < frame.used ? i + j : frame.used - 1) * frame.state_stride;
    size_t e = 0;
    for (; e + 4 <= n; e += 4) turn_square(row[0] + e, row[1] + e, row[2] + e, row[3] + e, out + e * lanes + i, lanes);
    for (; e < n; ++e)
      for (size_t j = 0; j < 4; ++j) out[e * lanes + i + j] = row[j][e];
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
  for (size_t i = 0; i < frame.used; i += 4) {
    float* const row = rows + i * stride;
    if (i + 4 > frame.used) {
      for (size_t j = 0; i + j < frame.used; ++j)
        for (size_t e = 0; e < n; ++e) row[j * stride + e] = a[e * lanes + i + j];
      continue;
    }
    size_t e = 0;
    for (; e + 4 <= n; e += 4) {
      const float* const from = a + e * lanes + i;
      turn_square(from, from + lanes, from + 2 * lanes, from + 3 * lanes, row + e, stride);
    }
    for (; e < n; ++e)
      for (size_t j = 0; j < 4; ++j) row[j * stride + e] = a[e * lanes + i + j];
  }
}

}  // namespace
}  // namespace ecostep::native
