#include "cells/day_step.h"

#include <algorithm>

#include "cells/value_check.h"
#include "core/error.h"

namespace ecostep {

const DayPlan& DayStep::plan(const CalendarRow& calendar, std::size_t n_cells) {
  plan_.calendar = calendar;
  model_.backend->changes(calendar, registration_.any_observed(), plan_.spans);
  plan_.width = total_size(plan_.spans);
  const std::size_t floats_per_cell = plan_.width + model_.n_targets();
  plan_.chunk = staging_.chunk(floats_per_cell, gathering_.block());
  staging_.reserve(std::min(plan_.chunk, n_cells) * floats_per_cell);
  return plan_;
}

// A network that fails altogether mostly does so on a damaged state: that cell can be named.
Model::Outcome DayStep::run_block(const Step& step, const CellList& cells, const Block& block) const {
  try {
    return model_.step(plan_.calendar, block);
  } catch (const Error& error) {
    for (std::size_t i = 0; i < cells.size; ++i)
      if (!all_finite(block.state + i * block.state_stride, model_.layout.model))
        fail(error.status(), "the network failed, for the state in cell ", cells[i] + 1, " of ", registration_.ncell(),
             " (counted from 1) before ", to_string(step.date), " is not finite: ", error.what());
    throw;
  }
}

void DayStep::run_chunk(const Step& step, const CellList& cells, bool checked) {
  const std::size_t c = model_.n_targets(), most = gathering_.block();
  // (cell, width), (variable, cell)
  float *const changed = staging_.data(), *const fluxes = changed + cells.size * plan_.width;
  for (std::size_t start = 0; start < cells.size; start += most) {
    const CellList part = cells.part(start, std::min(most, cells.size - start));
    Block block = gathering_.gather(step, part, checked);
    block.changed = changed + start * plan_.width, block.width = plan_.width;
    if (cells.index == nullptr) block.next = std::min(most, cells.size - start - part.size);
    const Model::Outcome outcome = run_block(step, part, block);
    if (outcome.not_finite != nullptr)
      fail(ECOSTEP_BACKEND_FAILED, "the network's '", outcome.not_finite, "' in cell ", part[outcome.sound] + 1, " of ",
           registration_.ncell(), " (counted from 1) on ", to_string(step.date),
           " is not finite: was the state of that cell sound before?");
    for (std::size_t v = 0; v < c; ++v) std::copy_n(block.flux + v * block.stride, part.size, fluxes + v * cells.size + start);
  }
  commit(step, cells, changed, fluxes);
}

void DayStep::commit(const Step& step, const CellList& cells, const float* changed, const float* fluxes) {
  const RowLayout& layout = model_.layout;
  const std::size_t c = model_.n_targets();
  const float date = encode_date(step.date);
  for (std::size_t i = 0; i < cells.size; ++i) {
    float* const row = registration_.row(cells[i]);
    apply_changes(plan_.spans, changed + i * plan_.width, row);
    for (std::size_t v = 0; v < c; ++v) row[layout.flux + v] = fluxes[v * cells.size + i];
    std::fill(row + layout.flux + c, row + layout.seconds + 1, 0.0f);
    row[layout.date] = date;
  }
  const std::vector<HostArray>& outputs = registration_.outputs();
  for (std::size_t v = 0; v < c; ++v)
    if (outputs[v].registered) outputs[v].scatter(cells, fluxes + v * cells.size);
}

}  // namespace ecostep
