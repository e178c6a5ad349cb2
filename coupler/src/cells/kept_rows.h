// State rows and outputs of some cells as they were, for a step that fails in other cells after these have made it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "cells/cell_list.h"
#include "cells/registration.h"

namespace ecostep {

class KeptRows {
 public:
  KeptRows(const Registration& registration, std::size_t row_size) : registration_(registration), row_size_(row_size) {}

  void keep(const CellList& cells) {
    const auto registered = [](const HostArray& output) { return output.registered; };
    const auto n_outputs =
        static_cast<std::size_t>(std::count_if(registration_.outputs().begin(), registration_.outputs().end(), registered));
    cells_.reserve(cells_.size() + cells.size);  // all memory first: what fails here leaves what was kept whole
    rows_.reserve(rows_.size() + cells.size * row_size_);
    outputs_.reserve(outputs_.size() + cells.size * n_outputs);
    for (std::size_t i = 0; i < cells.size; ++i) {
      const std::size_t cell = cells[i];
      const float* const row = registration_.row(cell);
      cells_.push_back(cell);
      rows_.insert(rows_.end(), row, row + row_size_);
      for (const HostArray& output : registration_.outputs())
        if (output.registered) outputs_.push_back(bits(output, cell));
    }
  }

  void give_back() const {
    auto bytes = outputs_.begin();
    for (std::size_t i = 0; i < cells_.size(); ++i) {
      std::memcpy(registration_.row(cells_[i]), rows_.data() + i * row_size_, row_size_ * sizeof(float));
      for (const HostArray& output : registration_.outputs())
        if (output.registered) std::memcpy(address(output, cells_[i]), &*bytes++, output.element_size());
    }
  }

 private:
  static void* address(const HostArray& output, std::size_t cell) { return const_cast<void*>(output.element(output.at(cell))); }

  static std::uint64_t bits(const HostArray& output, std::size_t cell) {
    std::uint64_t value = 0;
    std::memcpy(&value, address(output, cell), output.element_size());
    return value;
  }

  const Registration& registration_;
  std::size_t row_size_;
  std::vector<std::size_t> cells_;
  std::vector<float> rows_;             // (cell, row)
  std::vector<std::uint64_t> outputs_;  // (cell, registered output), as bytes
};

}  // namespace ecostep
