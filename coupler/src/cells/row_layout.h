// The layout of the state row that a model asks of the host.
#pragma once

#include <cstddef>
#include <vector>

#include "core/artefact.h"

namespace ecostep {

// Where things lie in the state row of a cell: the model's own memory, then the library's.
//   [0, model)          what the model remembers
//   [flux, flux + C)    flux of the last complete day, in the artefact's units
//   [slot[d], ...)      running value of input d over the day: mean and sum as a pair of floats (high and low part of a double),
//                       min and max as one, last as none
//   [seconds]           seconds of the day accumulated
//   [date]              day in progress, or the last complete one, as encode_date; no_date after init_state
struct RowLayout {
  static constexpr float no_date = -1.0f;
  explicit RowLayout(const Artefact& artefact);
  std::size_t model = 0, flux = 0, seconds = 0, date = 0, size = 0;
  std::vector<std::size_t> slot;
};

// Floats of a running value.
std::size_t slot_size(Accumulate how);

}  // namespace ecostep
