#include "cells/state_check.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "cells/value_check.h"
#include "core/error.h"

namespace ecostep {

std::uint32_t StateCheck::checksum(std::size_t cell) const {
  constexpr std::size_t at_once = 256;
  std::array<unsigned char, 4 * at_once> bytes;
  const float* const row = registration_.row(cell);
  uLong crc = crc32_z(0, nullptr, 0);
  for (std::size_t first = 0; first < layout_.size; first += at_once) {
    const std::size_t n = std::min(at_once, layout_.size - first);
    for (std::size_t i = 0; i < n; ++i) {
      std::uint32_t bits;
      std::memcpy(&bits, row + first + i, sizeof bits);
      for (std::size_t b = 0; b < 4; ++b) bytes[4 * i + b] = static_cast<unsigned char>(bits >> 8 * b & 0xff);
    }
    crc = crc32_z(crc, bytes.data(), 4 * n);
  }
  return static_cast<std::uint32_t>(crc);
}

void StateCheck::require_size(std::size_t ncell) const {
  registration_.require_state();
  if (ncell != registration_.ncell())
    fail(ECOSTEP_WRONG_SIZE, "there are ", ncell, " checksums for ", registration_.ncell(), " cells");
}

void StateCheck::checksums(std::uint32_t* checksums, std::size_t ncell) const {
  require_size(ncell);
  for (std::size_t cell = 0; cell < ncell; ++cell) checksums[cell] = checksum(cell);
}

void StateCheck::check(const CellList& cells, const std::uint32_t* checksums, std::size_t ncell) const {
  require_size(ncell);
  std::size_t damaged = 0, first = 0;
  for (std::size_t i = 0; i < cells.size && checksums != nullptr; ++i) {
    if (checksum(cells[i]) == checksums[cells[i]]) continue;
    if (damaged++ == 0) first = cells[i];
  }
  if (damaged > 0)
    fail(ECOSTEP_CORRUPT, "the state of cell ", first + 1, " of ", ncell,
         " (counted from 1) is not the one that its checksum was made of (", damaged,
         " such cells): the restart file is damaged, or its rows are in another order than its checksums");
  for (std::size_t i = 0; i < cells.size; ++i) {
    if (!all_finite(registration_.row(cells[i]), layout_.size))
      fail(ECOSTEP_CORRUPT, "the state of cell ", cells[i] + 1, " of ", ncell,
           " (counted from 1) holds NaN or infinite numbers: it was not read, or its restart file is damaged");
    if (!clock_.holds_date(cells[i]))
      fail(ECOSTEP_CORRUPT, "the state of cell ", cells[i] + 1, " of ", ncell,
           " (counted from 1) holds no date: it was not read, or its restart file is damaged");
  }
}

}  // namespace ecostep
