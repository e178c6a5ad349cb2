#include "cells.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "error.h"
#include "guards.h"

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

// The value of one input over the part of the day from its start to the end of this step.
double running_value(const Variable& input, const float* slot, bool first_of_day, double value, int dt) {
  switch (input.accumulate) {
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

std::string list_names(const std::vector<Variable>& variables) {
  std::string list;
  for (const Variable& variable : variables) list += (list.empty() ? "" : " ") + variable.name;
  return list;
}

}  // namespace

Cells::Cells(std::shared_ptr<const Model> model, std::size_t ncell) : model_(std::move(model)), ncell_(ncell) {
  const std::size_t d = model_->n_inputs(), p = model_->n_statics(), c = model_->n_targets(), s = model_->layout.model;
  if (ncell > static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max()) / sizeof(float) / (model_->layout.size + c))
    fail(ECOSTEP_WRONG_SIZE, "number of cells ", ncell, " is too large");
  inputs_.resize(d), statics_.resize(p), outputs_.resize(c), observed_.resize(c);
  const std::size_t rows = model_->rows;
  drivers_.resize(rows * d), statics_block_.resize(rows * p), observed_block_.resize(rows * c);
  state_block_.resize(rows * s), new_state_block_.resize(rows * s), flux_block_.resize(rows * c);
}

// ---- registration
// ----------------------------------------------------------------------------------------------------------------

void Cells::register_array(const char* role, const std::vector<Variable>& variables, std::vector<HostArray>& arrays,
                           const std::string& name, const std::string& units, HostArray array, std::size_t ncell,
                           bool from_artefact) {
  const auto found = std::find_if(variables.begin(), variables.end(), [&](const Variable& v) { return v.name == name; });
  if (found == variables.end())
    fail(ECOSTEP_UNKNOWN_NAME, "the artefact has no ", role, " '", name, "' (it has: ", list_names(variables), ")");
  if (ncell != ncell_) fail(ECOSTEP_WRONG_SIZE, role, " '", name, "' has ", ncell, " values for ", ncell_, " cells");
  if (array.data == nullptr && ncell_ > 0) fail(ECOSTEP_INVALID_ARGUMENT, role, " '", name, "': null pointer");
  if (found->flag_values.empty())
    array.conversion = from_artefact ? convert_units(name, found->units, units) : convert_units(name, units, found->units);
  array.registered = true;
  arrays[static_cast<std::size_t>(found - variables.begin())] = array;
}

void Cells::set_input(const std::string& name, const std::string& units, HostArray array, std::size_t ncell) {
  register_array("input", model_->artefact.inputs, inputs_, name, units, array, ncell, false);
}

void Cells::set_static(const std::string& name, const std::string& units, HostArray array, std::size_t ncell) {
  register_array("static", model_->artefact.statics, statics_, name, units, array, ncell, false);
}

void Cells::set_output(const std::string& name, const std::string& units, HostArray array, std::size_t ncell) {
  if (array.type != ECOSTEP_F32 && array.type != ECOSTEP_F64)
    fail(ECOSTEP_INVALID_ARGUMENT, "target '", name, "': outputs are ECOSTEP_F32 or ECOSTEP_F64");
  if (array.stride == 0 && ncell_ > 1)
    fail(ECOSTEP_INVALID_ARGUMENT, "target '", name, "': outputs cannot share one value (stride 0)");
  register_array("target", model_->artefact.targets, outputs_, name, units, array, ncell, true);
}

void Cells::set_observed(const std::string& name, const std::string& units, HostArray array, std::size_t ncell) {
  if (model_->artefact.past_flux == "none")
    fail(ECOSTEP_NOT_AVAILABLE, "target '", name, "': the model '", model_->artefact.name, "' takes no measured flux");
  if (array.type != ECOSTEP_F32 && array.type != ECOSTEP_F64)
    fail(ECOSTEP_INVALID_ARGUMENT, "target '", name, "': measured flux is ECOSTEP_F32 or ECOSTEP_F64");
  const bool take_back = array.data == nullptr && ncell_ > 0;
  if (!take_back) return register_array("target", model_->artefact.targets, observed_, name, units, array, ncell, false);
  for (std::size_t c = 0; c < observed_.size(); ++c)
    if (model_->artefact.targets[c].name == name) observed_[c] = HostArray{};
}

void Cells::set_state(float* state, std::size_t state_size, std::size_t ncell) {
  if (state_size != model_->layout.size)
    fail(ECOSTEP_WRONG_SIZE, "the state has ", state_size, " values per cell, the model needs ", model_->layout.size,
         " (ecostep_state_size)");
  if (ncell != ncell_) fail(ECOSTEP_WRONG_SIZE, "the state has ", ncell, " rows for ", ncell_, " cells");
  if (state == nullptr && ncell_ > 0)
    fail(ECOSTEP_INVALID_ARGUMENT, "state: null pointer, or an array section: the state must be one contiguous array");
  state_ = state;
  state_registered_ = true;
}

// ---- tests before anything is written
// --------------------------------------------------------------------------------------------

void Cells::require_state() const {
  if (!state_registered_) fail(ECOSTEP_NOT_REGISTERED, "the state was not registered (ecostep_set_state)");
}

void Cells::check_values(const char* role, const std::vector<Variable>& variables, const std::vector<HostArray>& arrays) const {
  for (std::size_t v = 0; v < variables.size(); ++v)
    if (!arrays[v].registered) fail(ECOSTEP_NOT_REGISTERED, role, " '", variables[v].name, "' was not registered");
  for (std::size_t v = 0; v < variables.size(); ++v) {
    const std::size_t distinct = arrays[v].stride == 0 ? std::min<std::size_t>(ncell_, 1) : ncell_;
    for (std::size_t i = 0; i < distinct; ++i) {
      const double value = arrays[v].read(i);
      if (!acceptable(variables[v], value)) refuse_value(role, variables[v], value, i, ncell_);
    }
  }
}

void Cells::check_observed() const {
  for (std::size_t c = 0; c < observed_.size(); ++c) {
    if (!observed_[c].registered) continue;
    Variable any = model_->artefact.targets[c];  // a measured uptake may lie beyond what the model may predict
    any.valid_min = -std::numeric_limits<double>::infinity(), any.valid_max = -any.valid_min;
    for (std::size_t i = 0; i < ncell_; ++i) {
      const double value = observed_[c].read(i);
      if (!std::isnan(value) && !acceptable(any, value)) refuse_value("measured flux", any, value, i, ncell_);
    }
  }
}

void Cells::check_clock(const Step& step) const {
  check_date(calendar_, step.date);
  if (step.dt < 1 || step.dt > 86400 || 86400 % step.dt != 0)
    fail(ECOSTEP_BAD_DATE, "a step of ", step.dt, " s does not divide the day of 86400 s");
  if (step.seconds < 0 || step.seconds > 86400 - step.dt)
    fail(ECOSTEP_BAD_DATE, "a step of ", step.dt, " s cannot start ", step.seconds, " s after midnight");
  for (std::size_t cell = 0; cell < ncell_; ++cell) check_row_clock(step, cell);
}

void Cells::check_row_clock(const Step& step, std::size_t cell) const {
  const float seconds = row(cell)[model_->layout.seconds], code = row(cell)[model_->layout.date];
  const bool fresh = code == RowLayout::no_date;
  const bool dated = code >= 1.0f && code < 16000000.0f && code == std::floor(code);
  if ((!fresh && !dated) || !(seconds >= 0.0f && seconds < 86400.0f))
    fail(ECOSTEP_BAD_DATE, "the state of cell ", cell + 1, " of ", ncell_,
         " (counted from 1) holds no date: call ecostep_init_state for a fresh start, or read the state from a restart file");
  if (seconds != static_cast<float>(step.seconds))
    fail(ECOSTEP_BAD_DATE, "step out of order: it starts ", step.seconds, " s after midnight of ", to_string(step.date),
         ", but the state of cell ", cell + 1, " has come to ", seconds, " s",
         fresh ? std::string(" (the first step of a run starts at midnight)")
               : " of a day after step " + to_string(decode_date(code)));
  if (fresh) return;
  const Date expected = step.seconds > 0 ? decode_date(code) : next_day(calendar_, decode_date(code));
  if (!(step.date == expected))
    fail(ECOSTEP_BAD_DATE, "step out of order: it is for ", to_string(step.date), ", but the state of cell ", cell + 1,
         " is ready for ", to_string(expected), " (ecostep_reset_date starts at another date)");
}

// ---- state and step
// --------------------------------------------------------------------------------------------------------------

void Cells::init_state() {
  require_state();
  check_values("static", model_->artefact.statics, statics_);
  const RowLayout& layout = model_->layout;
  const std::size_t p = model_->n_statics();
  if (!results_ && ncell_ > 0) results_.reset(new float[ncell_ * (layout.model + model_->n_targets())]);
  for (std::size_t first = 0; first < ncell_; first += model_->rows) {
    const std::size_t used = std::min(model_->rows, ncell_ - first);
    for (std::size_t i = 0; i < used; ++i)
      for (std::size_t v = 0; v < p; ++v) statics_block_[i * p + v] = static_cast<float>(statics_[v].read(first + i));
    pad_block(statics_block_.data(), p, used, model_->rows);
    model_->backend->init_state(model_->rows, statics_block_.data(), state_block_.data());
    std::copy_n(state_block_.data(), used * layout.model, results_.get() + first * layout.model);
  }
  for (std::size_t cell = 0; cell < ncell_; ++cell) {
    std::copy_n(results_.get() + cell * layout.model, layout.model, row(cell));
    std::fill(row(cell) + layout.model, row(cell) + layout.size, 0.0f);
    row(cell)[layout.date] = RowLayout::no_date;
  }
}

void Cells::reset_date() {
  require_state();
  for (std::size_t cell = 0; cell < ncell_; ++cell) {
    row(cell)[model_->layout.seconds] = 0.0f;
    row(cell)[model_->layout.date] = RowLayout::no_date;
  }
}

void Cells::step(const Date& date, int seconds, int dt) {
  const Step step{date, seconds, dt};
  require_state();
  check_clock(step);
  check_values("input", model_->artefact.inputs, inputs_);
  if (step.completes_day()) {
    check_observed();
    run_day(step);
  } else {
    accumulate(step);
  }
  write_outputs();
}

void Cells::accumulate(const Step& step) {
  const RowLayout& layout = model_->layout;
  const float code = encode_date(step.date);
  for (std::size_t cell = 0; cell < ncell_; ++cell) {
    float* const memory = row(cell);
    for (std::size_t v = 0; v < inputs_.size(); ++v) {
      const Variable& input = model_->artefact.inputs[v];
      if (input.accumulate == Accumulate::last) continue;
      float* const slot = memory + layout.slot[v];
      const double value = running_value(input, slot, step.seconds == 0, inputs_[v].read(cell), step.dt);
      if (input.accumulate == Accumulate::mean || input.accumulate == Accumulate::sum)
        write_pair(slot, value);
      else
        slot[0] = static_cast<float>(value);
    }
    memory[layout.seconds] = static_cast<float>(step.seconds + step.dt);
    memory[layout.date] = code;
  }
}

void Cells::gather_drivers(const Step& step, std::size_t first, std::size_t used) {
  const std::size_t d = inputs_.size();
  for (std::size_t i = 0; i < used; ++i) {
    const float* const memory = row(first + i);
    for (std::size_t v = 0; v < d; ++v) {
      const Variable& input = model_->artefact.inputs[v];
      double value = inputs_[v].read(first + i);
      if (!step.whole_day()) {
        value = running_value(input, memory + model_->layout.slot[v], false, value, step.dt);
        if (input.accumulate == Accumulate::mean) value /= 86400.0;
      }
      drivers_[i * d + v] = static_cast<float>(value);
    }
  }
  pad_block(drivers_.data(), d, used, model_->rows);
}

bool Cells::gather_observed(std::size_t first, std::size_t used) {
  const std::size_t c = observed_.size();
  bool any = false;
  std::fill(observed_block_.begin(), observed_block_.end(), std::numeric_limits<float>::quiet_NaN());
  for (std::size_t v = 0; v < c; ++v) {
    if (!observed_[v].registered) continue;
    any = true;
    for (std::size_t i = 0; i < used; ++i) observed_block_[i * c + v] = static_cast<float>(observed_[v].read(first + i));
  }
  if (any) pad_block(observed_block_.data(), c, used, model_->rows);
  return any;
}

void Cells::run_day(const Step& step) {
  const RowLayout& layout = model_->layout;
  const std::size_t c = model_->n_targets(), width = layout.model + c;
  const auto calendar = calendar_row(calendar_, step.date);
  if (!results_ && ncell_ > 0) results_.reset(new float[ncell_ * width]);
  for (std::size_t first = 0; first < ncell_; first += model_->rows) {
    const std::size_t used = std::min(model_->rows, ncell_ - first);
    gather_drivers(step, first, used);
    for (std::size_t i = 0; i < used; ++i) std::copy_n(row(first + i), layout.model, state_block_.data() + i * layout.model);
    pad_block(state_block_.data(), layout.model, used, model_->rows);
    const float* observed = gather_observed(first, used) ? observed_block_.data() : nullptr;
    const Model::Outcome outcome = model_->step_block(drivers_.data(), calendar.data(), observed, state_block_.data(), used,
                                                      flux_block_.data(), new_state_block_.data());
    if (outcome.not_finite != nullptr)
      fail(ECOSTEP_BACKEND_FAILED, "the network's '", outcome.not_finite, "' in cell ", first + outcome.sound + 1, " of ", ncell_,
           " (counted from 1) on ", to_string(step.date), " is not finite: was the state of that cell sound before?");
    for (std::size_t i = 0; i < used; ++i) {
      float* const result = results_.get() + (first + i) * width;
      std::copy_n(new_state_block_.data() + i * layout.model, layout.model, result);
      std::copy_n(flux_block_.data() + i * c, c, result + layout.model);
    }
  }
  for (std::size_t cell = 0; cell < ncell_; ++cell) {  // model state and flux lie side by side in the row, too
    std::copy_n(results_.get() + cell * width, width, row(cell));
    std::fill(row(cell) + layout.flux + c, row(cell) + layout.seconds + 1, 0.0f);
    row(cell)[layout.date] = encode_date(step.date);
  }
}

void Cells::write_outputs() const {
  for (std::size_t v = 0; v < outputs_.size(); ++v) {
    if (!outputs_[v].registered) continue;
    for (std::size_t cell = 0; cell < ncell_; ++cell) outputs_[v].write(cell, row(cell)[model_->layout.flux + v]);
  }
}

}  // namespace ecostep
