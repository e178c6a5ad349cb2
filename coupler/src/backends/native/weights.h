// Weights of linear operations as the kernels read them.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "backends/native/program.h"
#include "core/aligned_floats.h"

namespace ecostep::native {

// Packed once, shared by all plans of a program.
class Weights {
 public:
  explicit Weights(const NativeProgram& program) : program_(program) {}
  // Packed weight and bias of a linear operation; `bias` < 0: none.
  std::pair<const void*, const void*> packed(std::ptrdiff_t weight, std::ptrdiff_t bias);

 private:
  const NativeProgram& program_;
  std::map<std::pair<std::ptrdiff_t, std::ptrdiff_t>, std::pair<const void*, const void*>> packed_;
  std::map<std::ptrdiff_t, const float*> packed_weights_;
  std::deque<AlignedFloats> floats_;
  std::deque<std::vector<double>> doubles_;
};

}  // namespace ecostep::native
