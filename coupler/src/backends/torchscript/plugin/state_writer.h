// The new state on its way from torch's tensors to the caller's memory.
#pragma once

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>

#include "backends/torchscript/plugin.h"

namespace ecostep::torchscript {

// Writes parts of the new state, checking their shapes, and notes which columns are not those of the old one.
class StateWriter {
 public:
  StateWriter(const ecostep_plugin_step& step, std::size_t state_size, bool may_alias)
      : step_(step), size_(state_size), may_alias_(may_alias) {
    std::memset(step.columns, 0, state_size);
  }

  void write(const at::Tensor& part) {
    TORCH_CHECK(part.scalar_type() == at::kFloat && part.device().is_cpu(), "the state is not float32 on the CPU");
    TORCH_CHECK(part.dim() == 2 && part.size(0) == static_cast<std::int64_t>(step_.rows), "a part of the state has shape ",
                part.sizes(), " for ", step_.rows, " rows");
    const std::size_t columns = static_cast<std::size_t>(part.size(1));
    TORCH_CHECK(begin_ + columns <= size_, "the new state has more than the ", size_, " columns that the artefact says");
    const at::Tensor rows = part.stride(1) == 1 ? part : part.contiguous();
    const float* const values = rows.data_ptr<float>();
    const std::size_t stride = static_cast<std::size_t>(rows.stride(0));
    const bool unchanged = may_alias_ && values == step_.state + begin_ && (stride == size_ || step_.rows == 1);
    if (!unchanged) std::memset(step_.columns + begin_, 1, columns);
    std::size_t offset = 0;
    for (std::size_t r = 0; r < step_.n_spans; ++r) {
      const ecostep_plugin_span& span = step_.spans[r];
      const std::size_t first = std::max(begin_, span.begin), last = std::min(begin_ + columns, span.begin + span.size);
      if (first < last) {
        for (std::size_t i = 0; i < step_.used; ++i)
          std::memcpy(step_.changed + i * step_.width + offset + (first - span.begin), values + i * stride + (first - begin_),
                      (last - first) * sizeof(float));
        if (!unchanged) written_ += last - first;
      }
      offset += span.size;
    }
    if (!unchanged) changed_ += columns;
    begin_ += columns;
  }

  // Whether all that changed was in the spans.
  bool complete() const {
    TORCH_CHECK(begin_ == size_, "the new state has ", begin_, " columns, the artefact says ", size_);
    return written_ == changed_;
  }

 private:
  const ecostep_plugin_step& step_;
  const std::size_t size_;
  const bool may_alias_;
  std::size_t begin_ = 0, changed_ = 0, written_ = 0;
};

}  // namespace ecostep::torchscript
