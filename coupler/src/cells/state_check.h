// Checksums of state rows, by which a host knows that what it reads from a restart file is what it wrote.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cells/cell_list.h"
#include "cells/clock.h"
#include "cells/registration.h"
#include "cells/row_layout.h"

namespace ecostep {

class StateCheck {
 public:
  // All must outlive this.
  StateCheck(const RowLayout& layout, const Registration& registration, const Clock& clock)
      : layout_(layout), registration_(registration), clock_(clock) {}

  // CRC-32 of the row of each cell, its floats as little-endian bytes: the same on every machine.
  void checksums(std::uint32_t* checksums, std::size_t ncell) const;

  // Throws Error(ECOSTEP_CORRUPT) naming the first of these cells whose row is not what the checksum says (null: there is none), or
  // holds no numbers or no date.
  void check(const CellList& cells, const std::uint32_t* checksums, std::size_t ncell) const;

 private:
  std::uint32_t checksum(std::size_t cell) const;
  void require_size(std::size_t ncell) const;

  const RowLayout& layout_;
  const Registration& registration_;
  const Clock& clock_;
};

}  // namespace ecostep
