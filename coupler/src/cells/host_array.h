// A registered array of the host: where it lies, what type it has, and how its unit becomes the artefact's.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <type_traits>

#include "core/finite_math.h"
#include "cells/cell_list.h"
#include "core/units.h"
#include "ecostep.h"

namespace ecostep {

struct HostArray {
  const void* data = nullptr;
  ecostep_type type = ECOSTEP_F64;
  std::ptrdiff_t stride = 1;
  std::size_t row = 0;  // cells in a row of an array of rank 2, whose rows are `row_stride` elements apart; 0: of rank 1
  std::ptrdiff_t row_stride = 0;
  Conversion conversion;
  bool registered = false;
  double lowest = 0.0, highest = -1.0;  // values of the host from `lowest` to `highest` are acceptable, others may be

  // Where cell i lies, in elements.
  std::ptrdiff_t at(std::size_t i) const {
    if (row == 0) return static_cast<std::ptrdiff_t>(i) * stride;
    return static_cast<std::ptrdiff_t>(i % row) * stride + static_cast<std::ptrdiff_t>(i / row) * row_stride;
  }

  // Whether all cells have the same element.
  bool one_value() const { return stride == 0 && row == 0; }

  // Whether some of the cells share an element: of rank 2, whether steps along a row and across rows meet within the array.
  bool overlaps(std::size_t ncell) const {
    if (row == 0) return stride == 0;
    const std::uint64_t along = magnitude(stride), across = magnitude(row_stride), common = std::gcd(along, across);
    return common == 0 || (across / common < row && along / common < ncell / row);
  }

  bool contiguous(const CellList& cells) const { return cells.index == nullptr && stride == 1 && row == 0; }

  // Value of cell i, converted.
  double read(std::size_t i) const {
    const std::ptrdiff_t n = at(i);
    switch (type) {
      case ECOSTEP_F32:
        return conversion(static_cast<const float*>(data)[n]);
      case ECOSTEP_F64:
        return conversion(static_cast<const double*>(data)[n]);
      case ECOSTEP_I32:
        return conversion(static_cast<const std::int32_t*>(data)[n]);
      case ECOSTEP_I8:
        return conversion(static_cast<const std::int8_t*>(data)[n]);
      default:
        return conversion(static_cast<double>(static_cast<const std::int64_t*>(data)[n]));
    }
  }

  std::size_t element_size() const { return type == ECOSTEP_F32 || type == ECOSTEP_I32 ? 4 : type == ECOSTEP_I8 ? 1 : 8; }

  // Address `n` elements further on.
  const void* element(std::ptrdiff_t n) const {
    return static_cast<const char*>(data) + n * static_cast<std::ptrdiff_t>(element_size());
  }

  // Store a value given in the artefact's unit (conversion leads from it to the host's).
  void write(std::size_t i, double value) const {
    if (type == ECOSTEP_F32)
      static_cast<float*>(const_cast<void*>(data))[at(i)] = static_cast<float>(conversion(value));
    else
      static_cast<double*>(const_cast<void*>(data))[at(i)] = conversion(value);
  }

  // Whether all values surely lie from `lowest` to `highest`; false for integers.
  bool surely_acceptable(const CellList& cells) const {
    if (type == ECOSTEP_F32) return within(static_cast<const float*>(data), cells);
    return type == ECOSTEP_F64 && within(static_cast<const double*>(data), cells);
  }

  // The values of cells, converted, one after the other; and whether they are surely acceptable.
  template <class Out>
  bool gather(const CellList& cells, Out* out) const {
    if (type == ECOSTEP_F32) return convert(static_cast<const float*>(data), cells, out);
    if (type == ECOSTEP_F64) return convert(static_cast<const double*>(data), cells, out);
    for (std::size_t i = 0; i < cells.size; ++i) out[i] = static_cast<Out>(read(cells[i]));
    return false;
  }

  // Store values of cells, given in the artefact's unit.
  void scatter(const CellList& cells, const float* values) const {
    if (type == ECOSTEP_F32) return store(static_cast<float*>(const_cast<void*>(data)), cells, values);
    store(static_cast<double*>(const_cast<void*>(data)), cells, values);
  }

 private:
  static std::uint64_t magnitude(std::ptrdiff_t stride) {
    return stride < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(stride) : static_cast<std::uint64_t>(stride);
  }

  template <class T>
  void store(T* out, const CellList& cells, const float* values) const {
    const double scale = conversion.scale, offset = conversion.offset;
    if (contiguous(cells)) {
      T* const first = out + cells.first;
      for (std::size_t i = 0; i < cells.size; ++i) first[i] = static_cast<T>(values[i] * scale + offset);
    } else {
      for (std::size_t i = 0; i < cells.size; ++i) out[at(cells[i])] = static_cast<T>(values[i] * scale + offset);
    }
  }

  // Flags are as wide as T, so that the loops vectorise.
  template <class T>
  using Flag = std::conditional_t<sizeof(T) == 8, std::int64_t, std::int32_t>;

  template <class T>
  bool within(const T* values, const CellList& cells) const {
    const T low = static_cast<T>(lowest), high = static_cast<T>(highest);
    Flag<T> outside = 0;
    if (contiguous(cells)) {
      const T* const first = values + cells.first;
      for (std::size_t i = 0; i < cells.size; ++i) outside |= first[i] >= low && first[i] <= high ? Flag<T>{0} : Flag<T>{1};
    } else {
      for (std::size_t i = 0; i < cells.size; ++i) {
        const T value = values[at(cells[i])];
        outside |= value >= low && value <= high ? Flag<T>{0} : Flag<T>{1};
      }
    }
    return outside == 0;
  }

  template <class T, class Out>
  bool convert(const T* values, const CellList& cells, Out* out) const {
    const double scale = conversion.scale, offset = conversion.offset;
    const T low = static_cast<T>(lowest), high = static_cast<T>(highest);
    Flag<T> outside = 0;
    if (contiguous(cells) && cells.size >= 8) {
      const T* const first = values + cells.first;
      for (std::size_t i = 0; i < cells.size; ++i) out[i] = static_cast<Out>(first[i] * scale + offset);
      for (std::size_t i = 0; i < cells.size; ++i) outside |= first[i] >= low && first[i] <= high ? Flag<T>{0} : Flag<T>{1};
      return outside == 0;
    }
    for (std::size_t i = 0; i < cells.size; ++i) {
      const T value = values[at(cells[i])];
      out[i] = static_cast<Out>(value * scale + offset);
      outside |= value >= low && value <= high ? Flag<T>{0} : Flag<T>{1};
    }
    return outside == 0;
  }
};

}  // namespace ecostep
