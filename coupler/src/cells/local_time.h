// The day of a place: how far the local clock of each cell is from the host's, and which cells' clocks show the same.
#pragma once

#include <string>
#include <vector>

#include "cells/cell_list.h"
#include "cells/host_array.h"
#include "cells/step.h"

namespace ecostep {

class LocalTime {
 public:
  // Cells whose clocks show the same, and the step by these clocks.
  struct Part {
    Step step;
    std::vector<std::size_t> index;
    CellList cells() const { return {0, index.size(), index.data()}; }
  };

  // Offsets as times ("s", "h", "min") or as longitudes ("degrees_east": mean solar time, 15 degrees an hour); an array without
  // data takes them back. Throws where units are neither.
  void set(const std::string& units, HostArray offsets);
  bool registered() const { return offsets_.registered; }

  // The step of the host by the clock of each cell, in order of the clocks; offsets are rounded to whole steps. Throws
  // Error(ECOSTEP_BAD_VALUE) for an offset of more than a day or a longitude that is not from -180 to 360. One part where none are
  // registered. Valid until the next call.
  const std::vector<Part>& parts(Calendar calendar, const Step& host, const CellList& cells);

 private:
  void check_offset(double offset, std::size_t cell) const;

  HostArray offsets_;  // read as seconds
  bool of_longitudes_ = false;
  std::vector<Part> parts_;
  std::vector<std::vector<std::size_t>> by_shift_;  // cells by their offset in steps, from the lowest one on
};

}  // namespace ecostep
