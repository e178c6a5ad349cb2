// Weights of linear operations as the kernels read them.
#include <algorithm>

#include "native/plan.h"

namespace ecostep::native {

std::pair<const void*, const void*> Weights::packed(std::ptrdiff_t weight, std::ptrdiff_t bias) {
  const auto known = known_.find({weight, bias});
  if (known != known_.end()) return known->second;
  const Constant& constant = program_.constants[static_cast<std::size_t>(weight)];
  const std::size_t n = constant.shape[0], n_k = constant.shape[1], groups = (n + 15) / 16;
  std::pair<const void*, const void*> result;
  if (constant.type == Type::f64) {
    result.first = program_.constant<double>(static_cast<std::size_t>(weight));
    if (bias < 0)
      result.second = doubles_.emplace_back(n, 0.0).data();
    else
      result.second = program_.constant<double>(static_cast<std::size_t>(bias));
  } else {
    const float*& pack = known_weights_[weight];
    if (pack == nullptr) {
      const float* from = program_.constant<float>(static_cast<std::size_t>(weight));
      AlignedFloats& to = floats_.emplace_back(groups * n_k * 16, 0.0f);
      for (std::size_t o = 0; o < n; ++o)
        for (std::size_t k = 0; k < n_k; ++k) to[(o / 16 * n_k + k) * 16 + o % 16] = from[o * n_k + k];
      pack = to.data();
    }
    result.first = pack;
    AlignedFloats& to = floats_.emplace_back(groups * 16, 0.0f);
    if (bias >= 0) std::copy_n(program_.constant<float>(static_cast<std::size_t>(bias)), n, to.begin());
    result.second = to.data();
  }
  known_[{weight, bias}] = result;
  return result;
}

}  // namespace ecostep::native
