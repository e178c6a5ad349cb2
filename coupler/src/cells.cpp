#include "cells.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
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

std::string list_names(const std::vector<Variable>& variables) {
  std::string list;
  for (const Variable& variable : variables) list += (list.empty() ? "" : " ") + variable.name;
  return list;
}

std::size_t staging_of_environment() {
  const char* text = std::getenv("ECOSTEP_STAGING_MB");
  if (text == nullptr || *text == '\0') return Cells::usual_staging;
  char* end = nullptr;
  const unsigned long megabytes = std::strtoul(text, &end, 10);
  return *end == '\0' && megabytes > 0 && megabytes <= 1000000 ? megabytes << 20 : Cells::usual_staging;
}

// The array of the variable `name`.
HostArray* find_array(const char* role, const std::vector<Variable>& variables, std::vector<HostArray>& arrays,
                      const std::string& name) {
  for (std::size_t v = 0; v < variables.size(); ++v)
    if (variables[v].name == name) return &arrays[v];
  fail(ECOSTEP_UNKNOWN_NAME, "the artefact has no ", role, " '", name, "' (it has: ", list_names(variables), ")");
}

// Every element must have an address, and one that a processor may read numbers of that type from.
void check_reach(const char* role, const std::string& name, const HostArray& array, std::size_t ncell) {
  const std::size_t size = array.element_size();
  if (reinterpret_cast<std::uintptr_t>(array.data) % size != 0)
    fail(ECOSTEP_INVALID_ARGUMENT, role, " '", name, "': the address is no multiple of ", size, " bytes, the size of its type");
  constexpr double room = static_cast<double>(std::numeric_limits<std::ptrdiff_t>::max());
  if (std::fabs(static_cast<double>(array.stride)) * static_cast<double>(size) * static_cast<double>(ncell) >= room)
    fail(ECOSTEP_INVALID_ARGUMENT, role, " '", name, "': ", ncell, " cells with a stride of ", array.stride,
         " do not fit in memory");
}

}  // namespace

Cells::Cells(std::shared_ptr<const Model> model, std::size_t ncell)
    : model_(std::move(model)),
      ncell_(ncell),
      input_ranges_("input", model_->artefact.inputs),
      static_ranges_("static", model_->artefact.statics),
      block_(model_->backend->block()),
      stride_(padded(block_)),
      staging_bytes_(staging_of_environment()) {
  const std::size_t d = model_->n_inputs(), p = model_->n_statics(), c = model_->n_targets();
  if (ncell > static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max()) / sizeof(float) / (model_->layout.size + c))
    fail(ECOSTEP_WRONG_SIZE, "number of cells ", ncell, " is too large");
  inputs_.resize(d), statics_.resize(p), outputs_.resize(c), observed_.resize(c);
  drivers_.resize(stride_ * std::max(d, p)), observed_block_.resize(stride_ * c), flux_block_.resize(stride_ * c);
  for (std::size_t v = 0; v < d; ++v)
    if (model_->artefact.inputs[v].accumulate != Accumulate::last)
      running_.push_back({v, model_->layout.slot[v], model_->artefact.inputs[v].accumulate});
  values_.resize(std::max(accumulated_at_once * running_.size(), stride_));
}

void Cells::register_array(const char* role, const std::vector<Variable>& variables, std::vector<HostArray>& arrays,
                           const std::string& name, const std::string& units, HostArray array, std::size_t ncell,
                           bool from_artefact) {
  HostArray* const registered = find_array(role, variables, arrays, name);
  const Variable* const found = variables.data() + (registered - arrays.data());
  if (ncell != ncell_) fail(ECOSTEP_WRONG_SIZE, role, " '", name, "' has ", ncell, " values for ", ncell_, " cells");
  if (array.data == nullptr && ncell_ > 0) fail(ECOSTEP_INVALID_ARGUMENT, role, " '", name, "': null pointer");
  check_reach(role, name, array, ncell_);
  if (found->flag_values.empty())
    array.conversion = from_artefact ? convert_units(name, found->units, units) : convert_units(name, units, found->units);
  set_sure_limits(array, *found);
  array.registered = true;
  *registered = array;
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
  if (!take_back) register_array("target", model_->artefact.targets, observed_, name, units, array, ncell, false);
  if (take_back) *find_array("target", model_->artefact.targets, observed_, name) = HostArray{};
  any_observed_ = std::any_of(observed_.begin(), observed_.end(), [](const HostArray& one) { return one.registered; });
}

void Cells::set_state(float* state, std::size_t state_size, std::size_t ncell) {
  if (state_size != model_->layout.size)
    fail(ECOSTEP_WRONG_SIZE, "the state has ", state_size, " values per cell, the model needs ", model_->layout.size,
         " (ecostep_state_size)");
  if (ncell != ncell_) fail(ECOSTEP_WRONG_SIZE, "the state has ", ncell, " rows for ", ncell_, " cells");
  if (state == nullptr && ncell_ > 0)
    fail(ECOSTEP_INVALID_ARGUMENT, "state: null pointer, or an array section: the state must be one contiguous array");
  if (reinterpret_cast<std::uintptr_t>(state) % sizeof(float) != 0)
    fail(ECOSTEP_INVALID_ARGUMENT, "state: the address is no multiple of 4 bytes, the size of its type");
  state_ = state;
  state_registered_ = true;
}

void Cells::set_mask(HostArray mask, std::size_t ncell) {
  if (ncell != ncell_) fail(ECOSTEP_WRONG_SIZE, "the mask has ", ncell, " values for ", ncell_, " cells");
  if (mask.type == ECOSTEP_F32 || mask.type == ECOSTEP_F64)
    fail(ECOSTEP_INVALID_ARGUMENT, "the mask is logical or integer: ECOSTEP_I8, ECOSTEP_I32 or ECOSTEP_I64");
  if (mask.data != nullptr) check_reach("the", "mask", mask, ncell_);
  mask.registered = mask.data != nullptr;
  if (mask.registered) active_.reserve(ncell_);
  mask_ = mask;
}

void Cells::set_policy(const char* name, ecostep_policy policy) {
  const bool inputs = input_ranges_.set_policy(name, policy), statics = static_ranges_.set_policy(name, policy);
  if (!inputs && !statics) fail(ECOSTEP_UNKNOWN_NAME, "the artefact has no input or static '", name, "'");
}

std::size_t Cells::range_count(const char* name) const {
  std::size_t count = 0;
  const bool inputs = input_ranges_.add_count(name, count), statics = static_ranges_.add_count(name, count);
  if (!inputs && !statics) fail(ECOSTEP_UNKNOWN_NAME, "the artefact has no input or static '", name, "'");
  return count;
}

const std::string& Cells::range_message() const {
  return static_ranges_.message().empty() ? input_ranges_.message() : static_ranges_.message();
}

void Cells::require_state() const {
  if (!state_registered_) fail(ECOSTEP_NOT_REGISTERED, "the state was not registered (ecostep_set_state)");
}

void Cells::check_registered(const char* role, const std::vector<Variable>& variables, const std::vector<HostArray>& arrays) const {
  for (std::size_t v = 0; v < variables.size(); ++v)
    if (!arrays[v].registered) fail(ECOSTEP_NOT_REGISTERED, role, " '", variables[v].name, "' was not registered");
}

void Cells::check_inputs(const CellList& cells) const {
  for (std::size_t v = 0; v < inputs_.size(); ++v)
    check_values("input", model_->artefact.inputs[v], inputs_[v], cells, ncell_, input_ranges_.clips(v));
}

void Cells::check_static_ranges(const CellList& cells) {
  static_ranges_.begin();
  for (std::size_t first = 0; first < cells.size && static_ranges_.any(); first += block_) {
    const CellList some{cells.first + first, std::min(block_, cells.size - first), cells.index};
    for (std::size_t v = 0; v < statics_.size(); ++v) {
      statics_[v].gather(some, drivers_.data());
      static_ranges_.look(v, drivers_.data(), some, ncell_, "");
    }
  }
}

// The ranges seen in training are of daily values.
void Cells::check_day_ranges(const Step& step, const CellList& cells) {
  input_ranges_.begin();
  const std::string when = " on " + to_string(step.date);
  for (std::size_t first = 0; first < cells.size; first += block_) {
    const CellList some{cells.first + first, std::min(block_, cells.size - first), cells.index};
    gather_drivers(step, some);
    for (std::size_t v = 0; v < inputs_.size(); ++v) input_ranges_.look(v, drivers_.data() + v * stride_, some, ncell_, when);
  }
}

void Cells::check_observed(const CellList& cells) const {
  for (std::size_t c = 0; c < observed_.size(); ++c) {
    if (!observed_[c].registered) continue;
    Variable any = model_->artefact.targets[c];  // a measured uptake may lie beyond what the model may predict
    any.valid_min = -std::numeric_limits<double>::infinity(), any.valid_max = -any.valid_min;
    for (std::size_t i = 0; i < cells.size; ++i) {
      const double value = observed_[c].read(cells[i]);
      if (!std::isnan(value) && !acceptable(any, value)) refuse_value("measured flux", any, value, cells[i], ncell_);
    }
  }
}

void Cells::check_clock(const Step& step, const CellList& cells) const {
  check_date(calendar_, step.date);
  if (step.dt < 1 || step.dt > 86400 || 86400 % step.dt != 0)
    fail(ECOSTEP_BAD_DATE, "a step of ", step.dt, " s does not divide the day of 86400 s");
  if (step.seconds < 0 || step.seconds > 86400 - step.dt)
    fail(ECOSTEP_BAD_DATE, "a step of ", step.dt, " s cannot start ", step.seconds, " s after midnight");
  // Rows of one run hold the same date: the first is looked at closely, others where they differ from it.
  std::size_t close = cells.size;
  float seconds = 0.0f, date = 0.0f;
  for (std::size_t i = 0; i < cells.size; ++i) {
    const float* const clock = row(cells[i]) + model_->layout.seconds;
    if (close < cells.size && clock[0] == seconds && clock[1] == date) continue;
    check_row_clock(step, cells[i]);
    close = i, seconds = clock[0], date = clock[1];
  }
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

CellList Cells::active_cells() {
  if (!mask_.registered) return {0, ncell_, nullptr};
  active_.clear();
  for (std::size_t cell = 0; cell < ncell_; ++cell)
    if (mask_.read(cell) != 0.0) active_.push_back(cell);
  if (active_.size() == ncell_) return {0, ncell_, nullptr};
  return {0, active_.size(), active_.data()};
}

void Cells::read_inputs(std::size_t variable, const CellList& cells, double* out) const {
  inputs_[variable].gather(cells, out);
  if (!input_ranges_.clips(variable)) return;
  const Variable& input = model_->artefact.inputs[variable];
  for (std::size_t i = 0; i < cells.size; ++i) out[i] = std::min(std::max(out[i], input.valid_min), input.valid_max);
}

void Cells::init_state() {
  require_state();
  const CellList cells = active_cells();
  check_registered("static", model_->artefact.statics, statics_);
  for (std::size_t v = 0; v < statics_.size(); ++v)
    check_values("static", model_->artefact.statics[v], statics_[v], cells, ncell_, static_ranges_.clips(v));
  check_static_ranges(cells);
  const RowLayout& layout = model_->layout;
  const std::size_t chunk = std::max<std::size_t>(1, staging_bytes_ / sizeof(float) / std::max<std::size_t>(1, layout.model));
  const std::size_t rows = std::min(std::max(block_, chunk / block_ * block_), cells.size);
  reserve_staging(rows * layout.model);
  for (std::size_t first = 0; first < cells.size; first += rows) {
    const std::size_t size = std::min(rows, cells.size - first);
    for (std::size_t start = 0; start < size; start += block_) {
      const CellList block{first + start, std::min(block_, size - start), cells.index};
      for (std::size_t v = 0; v < statics_.size(); ++v) {
        statics_[v].gather(block, drivers_.data() + v * stride_);
        static_ranges_.clip(v, drivers_.data() + v * stride_, block.size);
      }
      model_->backend->init_state(block.size, stride_, drivers_.data(), staging_.get() + start * layout.model, layout.model);
    }
    if (!all_finite(staging_.get(), size * layout.model))
      fail(ECOSTEP_BACKEND_FAILED, "the network's first state is not finite in one of the cells ", first + 1, " to ", first + size);
    for (std::size_t i = 0; i < size; ++i) {
      float* const memory = row(cells[first + i]);
      std::copy_n(staging_.get() + i * layout.model, layout.model, memory);
      std::fill(memory + layout.model, memory + layout.size, 0.0f);
      memory[layout.date] = RowLayout::no_date;
    }
  }
  static_ranges_.keep();
}

void Cells::reset_date() {
  require_state();
  const CellList cells = active_cells();
  for (std::size_t i = 0; i < cells.size; ++i) {
    row(cells[i])[model_->layout.seconds] = 0.0f;
    row(cells[i])[model_->layout.date] = RowLayout::no_date;
  }
}

void Cells::step(const Date& date, int seconds, int dt) {
  const Step step{date, seconds, dt};
  require_state();
  const CellList cells = active_cells();
  check_clock(step, cells);
  check_registered("input", model_->artefact.inputs, inputs_);
  if (!step.completes_day()) {
    check_inputs(cells);
    return accumulate(step, cells);
  }
  plan_day(step, cells);
  if (any_observed_) check_observed(cells);
  // Values are tested before anything is written: here, or where all results wait in one chunk, as they are gathered.
  tested_ = !step.whole_day() || input_ranges_.any() || cells.size > chunk_;
  if (tested_) check_inputs(cells);
  if (input_ranges_.any()) check_day_ranges(step, cells);
  for (std::size_t first = 0; first < cells.size;) {
    const CellList some{cells.first + first, std::min(chunk_, cells.size - first), cells.index};
    try {
      run_chunk(step, some);
      first += some.size;
    } catch (const ChangesGrew&) {  // nothing of this chunk was written
      plan_day(step, cells);
      if (!tested_ && cells.size > chunk_) check_inputs(cells), tested_ = true;
    }
  }
  if (input_ranges_.any()) input_ranges_.keep();
}

void Cells::spin_up(const Date& first, std::size_t nday, std::ptrdiff_t day_stride) {
  constexpr double room = static_cast<double>(std::numeric_limits<std::ptrdiff_t>::max());
  if (8.0 * std::fabs(static_cast<double>(day_stride)) * static_cast<double>(nday) >= room)
    fail(ECOSTEP_INVALID_ARGUMENT, nday, " days with a stride of ", day_stride, " do not fit in memory");
  const std::vector<HostArray> inputs = inputs_, observed = observed_;
  const auto move_on = [&](std::vector<HostArray>& arrays) {
    for (HostArray& array : arrays)
      if (array.registered && array.data != nullptr) array.data = array.element(array.stride == 0 ? 1 : day_stride);
  };
  try {
    Date date = first;
    for (std::size_t day = 0; day < nday; ++day, date = next_day(calendar_, date)) {
      step(date, 0, 86400);
      move_on(inputs_), move_on(observed_);
    }
  } catch (...) {
    inputs_ = inputs, observed_ = observed;
    throw;
  }
  inputs_ = inputs, observed_ = observed;
}

void Cells::gradient(const Date& date, const double* flux_weight, const double* state_weight, double* input_gradient,
                     double* state_gradient) {
  const Step step{date, 0, 86400};
  require_state();
  const CellList cells = active_cells();
  check_clock(step, cells);
  check_registered("input", model_->artefact.inputs, inputs_);
  check_inputs(cells);
  tested_ = true;
  if (any_observed_) check_observed(cells);
  if (input_ranges_.any()) check_day_ranges(step, cells);
  plan_day(step, {0, std::min(block_, cells.size), nullptr});
  const std::size_t per_cell = (inputs_.size() + model_->layout.model) * sizeof(float);
  const std::size_t chunk = std::max<std::size_t>(1, staging_bytes_ / per_cell / block_) * block_;
  for (std::size_t first = 0; first < cells.size;) {
    const CellList some{cells.first + first, std::min(chunk, cells.size - first), cells.index};
    try {
      gradient_of_chunk(step, some, flux_weight, state_weight, input_gradient, state_gradient);
      first += some.size;
    } catch (const ChangesGrew&) {
      plan_day(step, {0, std::min(block_, cells.size), nullptr});
    }
  }
}

void Cells::gradient_of_chunk(const Step& step, const CellList& cells, const double* flux_weight, const double* state_weight,
                              double* input_gradient, double* state_gradient) {
  const RowLayout& layout = model_->layout;
  const std::size_t d = inputs_.size(), c = outputs_.size(), s = layout.model, most = std::min(block_, cells.size);
  std::vector<float> fluxes(most * c), states(state_weight != nullptr ? most * s : 0);
  std::vector<float> to_inputs(cells.size * d), to_states(cells.size * s);
  for (std::size_t first = 0; first < cells.size; first += block_) {
    const CellList some{cells.first + first, std::min(block_, cells.size - first), cells.index};
    Block block = gather(step, some);
    block.changed = staging_.get();
    model_->backend->step(calendar_row_.data(), block);
    for (std::size_t i = 0; i < some.size; ++i) {
      const std::size_t cell = some[i];
      const double* const row_weight = state_weight != nullptr ? state_weight + cell * layout.size : nullptr;
      for (std::size_t v = 0; v < c; ++v) {
        const Variable& target = model_->artefact.targets[v];
        const float flux = block.flux[v * stride_ + i];
        double weight = flux_weight[cell * c + v] * (outputs_[v].registered ? outputs_[v].conversion.scale : 1.0);
        if (row_weight != nullptr) weight += row_weight[layout.flux + v];
        const bool held = flux < static_cast<float>(target.valid_min) || flux > static_cast<float>(target.valid_max);
        fluxes[i * c + v] = held ? 0.0f : static_cast<float>(weight);
      }
      if (row_weight != nullptr) std::copy_n(row_weight, s, states.data() + i * s);
    }
    float *const block_inputs = to_inputs.data() + first * d, *const block_states = to_states.data() + first * s;
    model_->backend->gradient(calendar_row_.data(), block,
                              {fluxes.data(), state_weight != nullptr ? states.data() : nullptr, block_inputs, block_states});
    for (std::size_t i = 0; i < some.size; ++i)
      if (!all_finite(block_inputs + i * d, d) || !all_finite(block_states + i * s, s))
        fail(ECOSTEP_BACKEND_FAILED, "the derivative in cell ", some[i] + 1, " of ", ncell_, " (counted from 1) on ",
             to_string(step.date), " is not finite");
  }
  for (std::size_t i = 0; i < cells.size; ++i) {
    const std::size_t cell = cells[i];
    for (std::size_t v = 0; v < d; ++v) {
      const bool clipped = input_ranges_.clips(v) && !input_ranges_.inside(v, static_cast<float>(inputs_[v].read(cell)));
      input_gradient[cell * d + v] = clipped ? 0.0 : to_inputs[i * d + v] * inputs_[v].conversion.scale;
    }
    double* const row_gradient = state_gradient + cell * layout.size;
    std::copy_n(to_states.data() + i * s, s, row_gradient);
    std::fill(row_gradient + s, row_gradient + layout.size, 0.0);
  }
}

// Asks for what follows the network's memory in a row.
void Cells::prefetch_running(const float* memory) const {
  const RowLayout& layout = model_->layout;
  for (std::size_t at = layout.flux; at < layout.size; at += 16) __builtin_prefetch(memory + at, 1);
}

void Cells::accumulate(const Step& step, const CellList& cells) {
  const RowLayout& layout = model_->layout;
  const float code = encode_date(step.date), seconds = static_cast<float>(step.seconds + step.dt);
  const bool first_of_day = step.seconds == 0;
  for (std::size_t first = 0; first < cells.size; first += accumulated_at_once) {
    const CellList some{cells.first + first, std::min(accumulated_at_once, cells.size - first), cells.index};
    for (std::size_t k = 0; k < running_.size(); ++k)
      read_inputs(running_[k].input, some, values_.data() + k * accumulated_at_once);
    for (std::size_t i = 0; i < some.size; ++i) {
      float* const memory = row(some[i]);
      if (i + 4 < some.size) prefetch_running(row(some[i + 4]));
      for (std::size_t k = 0; k < running_.size(); ++k) {
        float* const slot = memory + running_[k].slot;
        const Accumulate how = running_[k].accumulate;
        const double value = running_value(how, slot, first_of_day, values_[k * accumulated_at_once + i], step.dt);
        if (is_pair(how))
          write_pair(slot, value);
        else
          slot[0] = static_cast<float>(value);
      }
      memory[layout.seconds] = seconds;
      memory[layout.date] = code;
      for (std::size_t v = 0; v < outputs_.size(); ++v)
        if (outputs_[v].registered) outputs_[v].write(some[i], memory[layout.flux + v]);
    }
  }
}

void Cells::gather_drivers(const Step& step, const CellList& cells) {
  for (std::size_t v = 0; v < inputs_.size(); ++v) {
    const Variable& input = model_->artefact.inputs[v];
    float* const out = drivers_.data() + v * stride_;
    if (step.whole_day() || input.accumulate == Accumulate::last) {
      if (!inputs_[v].gather(cells, out) && !tested_) check_values("input", input, inputs_[v], cells, ncell_, false);
      continue;
    }
    read_inputs(v, cells, values_.data());
    for (std::size_t i = 0; i < cells.size; ++i) {
      const float* const slot = row(cells[i]) + model_->layout.slot[v];
      const double value = running_value(input.accumulate, slot, false, values_[i], step.dt);
      out[i] = static_cast<float>(input.accumulate == Accumulate::mean ? value / 86400.0 : value);
    }
  }
}

void Cells::gather_observed(const CellList& cells) {
  for (std::size_t v = 0; v < observed_.size(); ++v) {
    float* const out = observed_block_.data() + v * stride_;
    if (observed_[v].registered)
      observed_[v].gather(cells, out);
    else
      std::fill_n(out, cells.size, std::numeric_limits<float>::quiet_NaN());
  }
}

Block Cells::gather(const Step& step, const CellList& cells) {
  const RowLayout& layout = model_->layout;
  gather_drivers(step, cells);
  for (std::size_t v = 0; v < inputs_.size() && input_ranges_.any(); ++v)
    input_ranges_.clip(v, drivers_.data() + v * stride_, cells.size);
  if (any_observed_) gather_observed(cells);
  Block block{cells.size,    stride_,     drivers_.data(),    any_observed_ ? observed_block_.data() : nullptr,
              row(cells[0]), layout.size, flux_block_.data(), nullptr,
              width_};
  if (!cells.consecutive()) {
    state_block_.resize(block_ * layout.model);
    for (std::size_t i = 0; i < cells.size; ++i) std::copy_n(row(cells[i]), layout.model, state_block_.data() + i * layout.model);
    block.state = state_block_.data(), block.state_stride = layout.model;
  }
  return block;
}

void Cells::reserve_staging(std::size_t floats) {
  if (floats <= staging_size_) return;
  staging_.reset();
  staging_size_ = 0;
  staging_.reset(new float[floats]);
  staging_size_ = floats;
}

void Cells::plan_day(const Step& step, const CellList& cells) {
  calendar_row_ = calendar_row(calendar_, step.date);
  model_->backend->changes(calendar_row_.data(), any_observed_, ranges_);
  width_ = total_size(ranges_);
  const std::size_t per_cell = (width_ + model_->n_targets()) * sizeof(float);
  chunk_ = std::max<std::size_t>(1, staging_bytes_ / per_cell / block_) * block_;
  reserve_staging(std::min(chunk_, cells.size) * (width_ + model_->n_targets()));
}

// A network that fails altogether mostly does so on a damaged state: that cell can be named.
Model::Outcome Cells::run_block(const Step& step, const CellList& cells, const Block& block) const {
  try {
    return model_->step(calendar_row_.data(), block);
  } catch (const Error& error) {
    for (std::size_t i = 0; i < cells.size; ++i)
      if (!all_finite(block.state + i * block.state_stride, model_->layout.model))
        fail(error.status(), "the network failed, for the state in cell ", cells[i] + 1, " of ", ncell_,
             " (counted from 1) before ", to_string(step.date), " is not finite: ", error.what());
    throw;
  }
}

void Cells::run_chunk(const Step& step, const CellList& cells) {
  const std::size_t c = model_->n_targets();
  float *const changed = staging_.get(), *const fluxes = changed + cells.size * width_;  // (cell, width), (variable, cell)
  for (std::size_t start = 0; start < cells.size; start += block_) {
    const CellList some{cells.first + start, std::min(block_, cells.size - start), cells.index};
    Block block = gather(step, some);
    block.changed = changed + start * width_;
    if (cells.index == nullptr) block.next = std::min(block_, cells.size - start - some.size);
    const Model::Outcome outcome = run_block(step, some, block);
    if (outcome.not_finite != nullptr)
      fail(ECOSTEP_BACKEND_FAILED, "the network's '", outcome.not_finite, "' in cell ", some[outcome.sound] + 1, " of ", ncell_,
           " (counted from 1) on ", to_string(step.date), " is not finite: was the state of that cell sound before?");
    for (std::size_t v = 0; v < c; ++v) std::copy_n(block.flux + v * block.stride, some.size, fluxes + v * cells.size + start);
  }
  commit(step, cells, changed, fluxes);
}

void Cells::commit(const Step& step, const CellList& cells, const float* changed, const float* fluxes) {
  const RowLayout& layout = model_->layout;
  const std::size_t c = model_->n_targets();
  const float date = encode_date(step.date);
  for (std::size_t i = 0; i < cells.size; ++i) {
    float* const memory = row(cells[i]);
    apply_changes(ranges_, changed + i * width_, memory);
    for (std::size_t v = 0; v < c; ++v) memory[layout.flux + v] = fluxes[v * cells.size + i];
    std::fill(memory + layout.flux + c, memory + layout.seconds + 1, 0.0f);
    memory[layout.date] = date;
  }
  for (std::size_t v = 0; v < c; ++v)
    if (outputs_[v].registered) outputs_[v].scatter(cells, fluxes + v * cells.size);
}

}  // namespace ecostep
