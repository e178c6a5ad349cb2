#include "backends/native/program.h"

#include <algorithm>
#include <functional>
#include <numeric>

namespace ecostep::native {

std::size_t View::count() const {
  return std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>());
}

bool View::contiguous() const {
  std::ptrdiff_t stride = 1;
  for (std::size_t i = shape.size(); i-- > 0; stride *= static_cast<std::ptrdiff_t>(shape[i]))
    if (shape[i] != 1 && strides[i] != stride) return false;
  return true;
}

std::ptrdiff_t View::lowest() const {
  auto at = static_cast<std::ptrdiff_t>(offset);
  for (std::size_t i = 0; i < shape.size(); ++i)
    at += std::min<std::ptrdiff_t>(0, strides[i] * (static_cast<std::ptrdiff_t>(shape[i]) - 1));
  return at;
}

std::ptrdiff_t View::highest() const {
  auto at = static_cast<std::ptrdiff_t>(offset);
  for (std::size_t i = 0; i < shape.size(); ++i)
    at += std::max<std::ptrdiff_t>(0, strides[i] * (static_cast<std::ptrdiff_t>(shape[i]) - 1));
  return at;
}

double NativeProgram::flops(const std::string& method) const {
  const auto entry = methods.find(method);
  if (entry == methods.end()) return 0.0;
  double sum = 0.0;
  for (const Op& op : entry->second.ops) {
    if (op.has_out && entry->second.values[op.out.number].uniform) continue;
    if (op.code == Code::linear) {
      const std::vector<std::size_t>& shape = constants[static_cast<std::size_t>(op.weight)].shape;
      sum += 2.0 * static_cast<double>(op.out.count()) * static_cast<double>(shape[1]);
    }
    if (op.code == Code::contract) sum += 2.0 * static_cast<double>(op.in[0].count());
  }
  return sum;
}

}  // namespace ecostep::native
