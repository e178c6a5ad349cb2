// Cells of a host that are meant.
#pragma once

#include <cstddef>

namespace ecostep {

// `size` of a host's cells from `first` on, or where `index` is given those it lists from there on.
struct CellList {
  std::size_t first, size;
  const std::size_t* index;  // null: all cells are meant

  std::size_t operator[](std::size_t i) const { return index == nullptr ? first + i : index[first + i]; }
  bool consecutive() const { return size == 0 || (*this)[size - 1] - (*this)[0] == size - 1; }

  // `n` of these cells from the number `begin` of them on.
  CellList part(std::size_t begin, std::size_t n) const { return {first + begin, n, index}; }
};

}  // namespace ecostep
