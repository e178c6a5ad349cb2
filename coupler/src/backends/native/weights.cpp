#include "backends/native/weights.h"

#include <algorithm>

#include "backends/native/task.h"

namespace ecostep::native {

std::pair<const void*, const void*> Weights::packed(std::ptrdiff_t weight, std::ptrdiff_t bias) {
  const auto earlier = packed_.find({weight, bias});
  if (earlier != packed_.end()) return earlier->second;
  const Constant& constant = program_.constants[static_cast<std::size_t>(weight)];
  const std::size_t n = constant.shape[0], n_k = constant.shape[1], groups = (n + output_group - 1) / output_group;
  std::pair<const void*, const void*> pointers;
  if (constant.type == Type::f64) {
    pointers.first = program_.constant<double>(static_cast<std::size_t>(weight));
    if (bias < 0)
      pointers.second = doubles_.emplace_back(n, 0.0).data();
    else
      pointers.second = program_.constant<double>(static_cast<std::size_t>(bias));
  } else {
    const float*& pack = packed_weights_[weight];
    if (pack == nullptr) {
      const float* from = program_.constant<float>(static_cast<std::size_t>(weight));
      AlignedFloats& to = floats_.emplace_back(groups * n_k * output_group, 0.0f);
      for (std::size_t o = 0; o < n; ++o)
        for (std::size_t k = 0; k < n_k; ++k)
          to[(o / output_group * n_k + k) * output_group + o % output_group] = from[o * n_k + k];
      pack = to.data();
    }
    pointers.first = pack;
    AlignedFloats& to = floats_.emplace_back(groups * output_group, 0.0f);
    if (bias >= 0) std::copy_n(program_.constant<float>(static_cast<std::size_t>(bias)), n, to.begin());
    pointers.second = to.data();
  }
  packed_[{weight, bias}] = pointers;
  return pointers;
}

}  // namespace ecostep::native
