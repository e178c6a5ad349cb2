// Memory for the results of a chunk of cells, which reach the host only when every block of it has succeeded. Where those of all
// cells fit, a step that fails leaves everything untouched.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>

namespace ecostep {

class Staging {
 public:
  static constexpr std::size_t usual_bytes = 7u << 20;

  // As much as ECOSTEP_STAGING_MB says, or else the usual size.
  Staging();
  void set_bytes(std::size_t bytes) { bytes_ = bytes; }

  // Cells whose results fit: whole blocks, at least one.
  std::size_t chunk(std::size_t floats_per_cell, std::size_t block) const {
    return std::max<std::size_t>(1, bytes_ / (floats_per_cell * sizeof(float)) / block) * block;
  }

  // Not initialised; valid until the next call.
  float* reserve(std::size_t floats);
  float* data() const { return memory_.get(); }

 private:
  std::size_t bytes_;
  std::unique_ptr<float[]> memory_;
  std::size_t size_ = 0;
};

}  // namespace ecostep
