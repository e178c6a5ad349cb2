// Daily values of inputs from the parts of a day, kept in the state rows from step to step.
#pragma once

#include <vector>

#include "cells/cell_list.h"
#include "cells/model.h"
#include "cells/registration.h"
#include "cells/step.h"
#include "cells/training_ranges.h"

namespace ecostep {

class Accumulation {
 public:
  Accumulation(const Model& model, const Registration& registration, const TrainingRanges& input_ranges);

  // A step that does not complete the day: running values and clock move on, outputs repeat the flux of the last day.
  void add(const Step& step, const CellList& cells);

  // Values of an input over the day that this step completes, of at most one block of cells.
  void daily_values(std::size_t input, const Step& step, const CellList& cells, float* out);

 private:
  struct Running {
    std::size_t input, slot;
    Accumulate accumulate;
  };
  static constexpr std::size_t cells_at_once = 64, cells_ahead = 4;

  void read_input(std::size_t input, const CellList& cells, double* out) const;
  void prefetch(const float* row) const;

  const Model& model_;
  const Registration& registration_;
  const TrainingRanges& input_ranges_;
  std::vector<Running> running_;  // inputs with a running value
  std::vector<double> values_;    // of them (k, cell), or of one input of a block
};

}  // namespace ecostep
