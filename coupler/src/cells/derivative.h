// Derivatives of a day's step with respect to inputs and state, in the host's units.
#pragma once

#include "cells/cell_list.h"
#include "cells/day_step.h"
#include "cells/gathering.h"
#include "cells/model.h"
#include "cells/registration.h"
#include "cells/staging.h"
#include "cells/step.h"
#include "cells/training_ranges.h"

namespace ecostep {

// Of the weighted sum of fluxes and new state. Arrays of all cells: (ncell, C), (ncell, row) or null, (ncell, D), (ncell, row).
struct DerivativeArrays {
  const double *flux_weight, *state_weight;
  double *input_gradient, *state_gradient;
};

class Derivative {
 public:
  Derivative(const Model& model, const Registration& registration, const TrainingRanges& input_ranges, Gathering& gathering,
             const Staging& staging)
      : model_(model), registration_(registration), input_ranges_(input_ranges), gathering_(gathering), staging_(staging) {}

  // Cells whose results fit into the staging memory.
  std::size_t chunk() const { return staging_.chunk(model_.n_inputs() + model_.layout.model, gathering_.block()); }

  // Writes the derivatives of these cells when those of all of them have succeeded. Throws ChangesGrew where the day must be
  // planned again. Inputs must have been checked.
  void run_chunk(const DayPlan& plan, const Step& step, const CellList& cells, const DerivativeArrays& arrays);

 private:
  struct Weights;
  void weigh(const Block& block, const CellList& cells, const DerivativeArrays& arrays, Weights& weights) const;
  void write(const CellList& cells, const float* to_inputs, const float* to_states, const DerivativeArrays& arrays) const;

  const Model& model_;
  const Registration& registration_;
  const TrainingRanges& input_ranges_;
  Gathering& gathering_;
  const Staging& staging_;
};

}  // namespace ecostep
