// Columns of a model's state that lie next to one another.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace ecostep {

struct StateSpan {
  std::size_t begin, size;
  std::size_t end() const { return begin + size; }
};

// Floats in all spans.
inline std::size_t total_size(const std::vector<StateSpan>& spans) {
  std::size_t total = 0;
  for (const StateSpan& span : spans) total += span.size;
  return total;
}

// Put what a step changed, the spans one after another, into a row of the model's state.
inline void apply_changes(const std::vector<StateSpan>& spans, const float* changed, float* row) {
  for (const StateSpan& span : spans) {
    std::copy_n(changed, span.size, row + span.begin);
    changed += span.size;
  }
}

}  // namespace ecostep
