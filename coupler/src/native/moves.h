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

// Rows of the state -> lanes.
void load_any(const Task& task, const Frame& frame) {
  const size_t first = static_cast<size_t>(static_cast<ptrdiff_t>(task.at) +
                                           (task.a.dynamic < 0 ? 0 : frame.dynamic[task.a.dynamic] / ptrdiff_t{sizeof(float)}));
  float* out = reinterpret_cast<float*>(at(frame, task.out));
  for (size_t i = 0; i < frame.lanes; ++i) {
    const float* row = frame.state + (i < frame.used ? i : frame.used - 1) * frame.state_stride + first;
    for (size_t e = 0; e < task.n; ++e) out[e * frame.lanes + i] = row[e];
  }
}

// Lanes -> rows of what is stored.
void store_any(const Task& task, const Frame& frame) {
  const float* a = reinterpret_cast<const float*>(at(frame, task.a));
  for (size_t i = 0; i < frame.used; ++i) {
    float* row = frame.changed + i * frame.changed_stride + frame.column[task.store];
    for (size_t e = 0; e < task.n; ++e) row[e] = a[e * frame.lanes + i];
  }
}

}  // namespace
}  // namespace ecostep::native
