// Values of the host's arrays as blocks of cells that a backend takes.
#pragma once

#include "backends/backend.h"
#include "cells/accumulation.h"
#include "cells/cell_list.h"
#include "cells/model.h"
#include "cells/registration.h"
#include "cells/step.h"
#include "cells/training_ranges.h"
#include "core/aligned_floats.h"

namespace ecostep {

// Holds the scratch of one block; what a method returns is valid until the next call.
class Gathering {
 public:
  Gathering(const Model& model, const Registration& registration, TrainingRanges& input_ranges, const TrainingRanges& static_ranges,
            Accumulation& accumulation);

  std::size_t block() const { return block_; }    // most cells of a block
  std::size_t stride() const { return stride_; }  // of its arrays, from variable to variable

  // What a step takes of at most one block of cells: drivers clipped, measured fluxes, rows of the state. `changed` and `width` are
  // left to the caller. Unless inputs were `checked` before, they are here.
  Block gather(const Step& step, const CellList& cells, bool checked);

  // Drivers (D, stride), not clipped.
  const float* gather_drivers(const Step& step, const CellList& cells, bool checked);

  // One static, not clipped; or all of them (P, stride), clipped.
  const float* gather_static(std::size_t variable, const CellList& cells);
  const float* gather_statics(const CellList& cells);

 private:
  void gather_observed(const CellList& cells);

  const Model& model_;
  const Registration& registration_;
  TrainingRanges& input_ranges_;
  const TrainingRanges& static_ranges_;
  Accumulation& accumulation_;
  const std::size_t block_, stride_;
  AlignedFloats variables_, observed_, flux_;  // variables_: drivers or statics
  AlignedFloats rows_;                         // of cells that are not neighbours
};

}  // namespace ecostep
