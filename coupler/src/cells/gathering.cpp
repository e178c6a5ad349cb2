#include "cells/gathering.h"

#include <algorithm>
#include <limits>

#include "cells/value_check.h"

namespace ecostep {

Gathering::Gathering(const Model& model, const Registration& registration, TrainingRanges& input_ranges,
                     const TrainingRanges& static_ranges, Accumulation& accumulation)
    : model_(model),
      registration_(registration),
      input_ranges_(input_ranges),
      static_ranges_(static_ranges),
      accumulation_(accumulation),
      block_(model.backend->block()),
      stride_(padded(block_)),
      variables_(stride_ * std::max(model.n_inputs(), model.n_statics())),
      observed_(stride_ * model.n_targets()),
      flux_(stride_ * model.n_targets()) {}

const float* Gathering::gather_static(std::size_t variable, const CellList& cells) {
  float* const out = variables_.data() + variable * stride_;
  registration_.statics()[variable].gather(cells, out);
  return out;
}

const float* Gathering::gather_statics(const CellList& cells) {
  for (std::size_t v = 0; v < model_.n_statics(); ++v) {
    gather_static(v, cells);
    static_ranges_.clip(v, variables_.data() + v * stride_, cells.size);
  }
  return variables_.data();
}

const float* Gathering::gather_drivers(const Step& step, const CellList& cells, bool checked) {
  const std::vector<HostArray>& inputs = registration_.inputs();
  for (std::size_t v = 0; v < inputs.size(); ++v) {
    const Variable& input = model_.artefact.inputs[v];
    float* const out = variables_.data() + v * stride_;
    if (!step.whole_day() && input.accumulate != Accumulate::last)
      accumulation_.daily_values(v, step, cells, out);
    else if (!inputs[v].gather(cells, out) && !checked)
      check_values("input", input, inputs[v], cells, registration_.ncell(), false);
  }
  return variables_.data();
}

void Gathering::gather_observed(const CellList& cells) {
  const std::vector<HostArray>& observed = registration_.observed();
  for (std::size_t v = 0; v < observed.size(); ++v) {
    float* const out = observed_.data() + v * stride_;
    if (observed[v].registered)
      observed[v].gather(cells, out);
    else
      std::fill_n(out, cells.size, std::numeric_limits<float>::quiet_NaN());
  }
}

Block Gathering::gather(const Step& step, const CellList& cells, bool checked) {
  const RowLayout& layout = model_.layout;
  gather_drivers(step, cells, checked);
  for (std::size_t v = 0; v < model_.n_inputs() && input_ranges_.any(); ++v) {
    float* const values = variables_.data() + v * stride_;
    input_ranges_.count(v, values, cells, registration_.ncell(), &step.date);
    input_ranges_.clip(v, values, cells.size);
  }
  const bool any_observed = registration_.any_observed();
  if (any_observed) gather_observed(cells);
  Block block{};
  block.used = cells.size, block.stride = stride_;
  block.drivers = variables_.data();
  block.observed = any_observed ? observed_.data() : nullptr;
  block.state = registration_.row(cells[0]), block.state_stride = layout.size;
  block.flux = flux_.data();
  if (!cells.consecutive()) {
    rows_.resize(block_ * layout.model);
    for (std::size_t i = 0; i < cells.size; ++i)
      std::copy_n(registration_.row(cells[i]), layout.model, rows_.data() + i * layout.model);
    block.state = rows_.data(), block.state_stride = layout.model;
  }
  return block;
}

}  // namespace ecostep
