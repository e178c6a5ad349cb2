#include "cells/accumulation.h"

#include <algorithm>

namespace ecostep {
namespace {

// A running sum lives in the state row as two floats that together hold it to about double precision.
double read_pair(const float* pair) {
  return static_cast<double>(pair[0]) + static_cast<double>(pair[1]);
}
void write_pair(float* pair, double value) {
  pair[0] = static_cast<float>(value);
  pair[1] = static_cast<float>(value - static_cast<double>(pair[0]));
}

// The value of an input over the part of the day from its start to the end of this step.
double running_value(Accumulate how, const float* slot, bool first_of_day, double value, int dt) {
  switch (how) {
    case Accumulate::mean:
      return (first_of_day ? 0.0 : read_pair(slot)) + value * dt;  // integral, divided at the end of the day
    case Accumulate::sum:
      return (first_of_day ? 0.0 : read_pair(slot)) + value;
    case Accumulate::minimum:
      return first_of_day ? value : std::min<double>(slot[0], value);
    case Accumulate::maximum:
      return first_of_day ? value : std::max<double>(slot[0], value);
    case Accumulate::last:
      break;
  }
  return value;
}

bool is_pair(Accumulate how) {
  return how == Accumulate::mean || how == Accumulate::sum;
}

}  // namespace

Accumulation::Accumulation(const Model& model, const Registration& registration, const TrainingRanges& input_ranges)
    : model_(model), registration_(registration), input_ranges_(input_ranges) {
  for (std::size_t v = 0; v < model_.n_inputs(); ++v)
    if (model_.artefact.inputs[v].accumulate != Accumulate::last)
      running_.push_back({v, model_.layout.slot[v], model_.artefact.inputs[v].accumulate});
  values_.resize(std::max(cells_at_once * running_.size(), padded(model_.backend->block())));
}

void Accumulation::read_input(std::size_t input, const CellList& cells, double* out) const {
  registration_.inputs()[input].gather(cells, out);
  if (!input_ranges_.clips(input)) return;
  const Variable& variable = model_.artefact.inputs[input];
  for (std::size_t i = 0; i < cells.size; ++i) out[i] = std::min(std::max(out[i], variable.valid_min), variable.valid_max);
}

// Asks for what follows the network's memory in a row.
void Accumulation::prefetch(const float* row) const {
  const RowLayout& layout = model_.layout;
  for (std::size_t at = layout.flux; at < layout.size; at += floats_per_line) __builtin_prefetch(row + at, 1);
}

void Accumulation::add(const Step& step, const CellList& cells) {
  const RowLayout& layout = model_.layout;
  const std::vector<HostArray>& outputs = registration_.outputs();
  const float code = encode_date(step.date), seconds = static_cast<float>(step.seconds + step.dt);
  for (std::size_t first = 0; first < cells.size; first += cells_at_once) {
    const CellList part = cells.part(first, std::min(cells_at_once, cells.size - first));
    for (std::size_t k = 0; k < running_.size(); ++k) read_input(running_[k].input, part, values_.data() + k * cells_at_once);
    for (std::size_t i = 0; i < part.size; ++i) {
      float* const row = registration_.row(part[i]);
      if (i + cells_ahead < part.size) prefetch(registration_.row(part[i + cells_ahead]));
      for (std::size_t k = 0; k < running_.size(); ++k) {
        float* const slot = row + running_[k].slot;
        const Accumulate how = running_[k].accumulate;
        const double value = running_value(how, slot, step.begins_day(), values_[k * cells_at_once + i], step.dt);
        if (is_pair(how))
          write_pair(slot, value);
        else
          slot[0] = static_cast<float>(value);
      }
      row[layout.seconds] = seconds;
      row[layout.date] = code;
      for (std::size_t v = 0; v < outputs.size(); ++v)
        if (outputs[v].registered) outputs[v].write(part[i], row[layout.flux + v]);
    }
  }
}

void Accumulation::daily_values(std::size_t input, const Step& step, const CellList& cells, float* out) {
  const Accumulate how = model_.artefact.inputs[input].accumulate;
  read_input(input, cells, values_.data());
  for (std::size_t i = 0; i < cells.size; ++i) {
    const float* const slot = registration_.row(cells[i]) + model_.layout.slot[input];
    const double value = running_value(how, slot, false, values_[i], step.dt);
    out[i] = static_cast<float>(how == Accumulate::mean ? value / seconds_per_day : value);
  }
}

}  // namespace ecostep
