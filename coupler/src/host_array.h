// A registered array of the host: where it lies, what type it has, and how its unit becomes the artefact's.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ecostep.h"
#include "units.h"

namespace ecostep {

struct HostArray {
  const void* data = nullptr;
  ecostep_type type = ECOSTEP_F64;
  std::ptrdiff_t stride = 1;
  Conversion conversion;
  bool registered = false;

  // Value of cell i, converted.
  double read(std::size_t i) const {
    const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(i) * stride;
    switch (type) {
      case ECOSTEP_F32:
        return conversion(static_cast<const float*>(data)[at]);
      case ECOSTEP_F64:
        return conversion(static_cast<const double*>(data)[at]);
      case ECOSTEP_I32:
        return conversion(static_cast<const std::int32_t*>(data)[at]);
      default:
        return conversion(static_cast<double>(static_cast<const std::int64_t*>(data)[at]));
    }
  }

  // Store a value given in the artefact's unit (conversion leads from it to the host's).
  void write(std::size_t i, double value) const {
    const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(i) * stride;
    if (type == ECOSTEP_F32)
      static_cast<float*>(const_cast<void*>(data))[at] = static_cast<float>(conversion(value));
    else
      static_cast<double*>(const_cast<void*>(data))[at] = conversion(value);
  }
};

}  // namespace ecostep
