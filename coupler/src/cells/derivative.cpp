#include "cells/derivative.h"

#include <algorithm>
#include <vector>

#include "cells/value_check.h"
#include "core/error.h"

namespace ecostep {

// Weights of a block's fluxes and new state as the backend takes them.
struct Derivative::Weights {
  std::vector<float> fluxes, states;  // states stay empty where they have no weight
};

void Derivative::weigh(const Block& block, const CellList& cells, const DerivativeArrays& arrays, Weights& weights) const {
  const RowLayout& layout = model_.layout;
  const std::size_t c = model_.n_targets(), s = layout.model;
  for (std::size_t i = 0; i < cells.size; ++i) {
    const std::size_t cell = cells[i];
    const double* const row_weight = arrays.state_weight != nullptr ? arrays.state_weight + cell * layout.size : nullptr;
    for (std::size_t v = 0; v < c; ++v) {
      const Variable& target = model_.artefact.targets[v];
      const HostArray& output = registration_.outputs()[v];
      const float flux = block.flux[v * block.stride + i];
      double weight = arrays.flux_weight[cell * c + v] * (output.registered ? output.conversion.scale : 1.0);
      if (row_weight != nullptr) weight += row_weight[layout.flux + v];
      const bool constrained = flux < static_cast<float>(target.valid_min) || flux > static_cast<float>(target.valid_max);
      weights.fluxes[i * c + v] = constrained ? 0.0f : static_cast<float>(weight);
    }
    if (row_weight != nullptr) std::copy_n(row_weight, s, weights.states.data() + i * s);
  }
}

void Derivative::run_chunk(const DayPlan& plan, const Step& step, const CellList& cells, const DerivativeArrays& arrays) {
  const std::size_t d = model_.n_inputs(), c = model_.n_targets(), s = model_.layout.model, most = gathering_.block();
  const std::size_t used = std::min(most, cells.size);
  const bool weighted_state = arrays.state_weight != nullptr;
  Weights weights{std::vector<float>(used * c), std::vector<float>(weighted_state ? used * s : 0)};
  std::vector<float> to_inputs(cells.size * d), to_states(cells.size * s);
  for (std::size_t first = 0; first < cells.size; first += most) {
    const CellList part = cells.part(first, std::min(most, cells.size - first));
    Block block = gathering_.gather(step, part, true);
    block.changed = staging_.data(), block.width = plan.width;
    model_.backend->step(plan.calendar, block);
    weigh(block, part, arrays, weights);
    float *const block_inputs = to_inputs.data() + first * d, *const block_states = to_states.data() + first * s;
    model_.backend->gradient(plan.calendar, block,
                             {weights.fluxes.data(), weighted_state ? weights.states.data() : nullptr, block_inputs, block_states});
    for (std::size_t i = 0; i < part.size; ++i)
      if (!all_finite(block_inputs + i * d, d) || !all_finite(block_states + i * s, s))
        fail(ECOSTEP_BACKEND_FAILED, "the derivative in cell ", part[i] + 1, " of ", registration_.ncell(), " (counted from 1) on ",
             to_string(step.date), " is not finite");
  }
  write(cells, to_inputs.data(), to_states.data(), arrays);
}

void Derivative::write(const CellList& cells, const float* to_inputs, const float* to_states,
                       const DerivativeArrays& arrays) const {
  const RowLayout& layout = model_.layout;
  const std::vector<HostArray>& inputs = registration_.inputs();
  const std::size_t d = inputs.size(), s = layout.model;
  for (std::size_t i = 0; i < cells.size; ++i) {
    const std::size_t cell = cells[i];
    for (std::size_t v = 0; v < d; ++v) {
      const bool clipped = input_ranges_.clips(v) && !input_ranges_.inside(v, static_cast<float>(inputs[v].read(cell)));
      arrays.input_gradient[cell * d + v] = clipped ? 0.0 : to_inputs[i * d + v] * inputs[v].conversion.scale;
    }
    double* const row_gradient = arrays.state_gradient + cell * layout.size;
    std::copy_n(to_states + i * s, s, row_gradient);
    std::fill(row_gradient + s, row_gradient + layout.size, 0.0);
  }
}

}  // namespace ecostep
