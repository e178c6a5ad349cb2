#include "cells/cells.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "cells/kept_rows.h"
#include "cells/value_check.h"
#include "core/error.h"

namespace ecostep {

Cells::Cells(std::shared_ptr<const Model> model, std::size_t ncell)
    : model_(std::move(model)),
      input_ranges_("input", model_->artefact.inputs),
      static_ranges_("static", model_->artefact.statics),
      registration_(*model_, ncell),
      clock_(model_->layout, registration_),
      state_check_(model_->layout, registration_, clock_),
      accumulation_(*model_, registration_, input_ranges_),
      gathering_(*model_, registration_, input_ranges_, static_ranges_, accumulation_),
      input_check_(*model_, registration_, input_ranges_, static_ranges_, gathering_),
      day_step_(*model_, registration_, gathering_, staging_),
      derivative_(*model_, registration_, input_ranges_, gathering_, staging_) {}

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
  const std::string& first = static_ranges_.message().empty() ? input_ranges_.message() : static_ranges_.message();
  const std::string statics = static_ranges_.shares(), inputs = input_ranges_.shares();
  range_message_ = first;
  if (!first.empty())
    range_message_ += "; shares outside so far: " + statics + (statics.empty() || inputs.empty() ? "" : ", ") + inputs;
  return range_message_;
}

void Cells::set_local_time(const std::string& units, const HostArray& offsets, std::size_t ncell) {
  const bool take_back = offsets.data == nullptr && ncell == 0;
  if (!take_back) registration_.check_array("local time", offsets, ncell);
  if (!take_back && offsets.data == nullptr && ncell > 0) fail(ECOSTEP_INVALID_ARGUMENT, "the local time: null pointer");
  local_time_.set(units, offsets);
}

void Cells::init_state() {
  registration_.require_state();
  const CellList cells = registration_.active_cells();
  registration_.require_statics();
  input_check_.check_statics(cells);
  const RowLayout& layout = model_->layout;
  const std::size_t block = gathering_.block();
  const std::size_t rows = std::min(staging_.chunk(std::max<std::size_t>(1, layout.model), block), cells.size);
  float* const states = staging_.reserve(rows * layout.model);
  for (std::size_t first = 0; first < cells.size; first += rows) {
    const std::size_t size = std::min(rows, cells.size - first);
    for (std::size_t start = 0; start < size; start += block) {
      const CellList part = cells.part(first + start, std::min(block, size - start));
      model_->backend->init_state(part.size, gathering_.stride(), gathering_.gather_statics(part), states + start * layout.model,
                                  layout.model);
    }
    if (!all_finite(states, size * layout.model))
      fail(ECOSTEP_BACKEND_FAILED, "the network's first state is not finite in one of the cells ", first + 1, " to ", first + size);
    for (std::size_t i = 0; i < size; ++i) {
      float* const row = registration_.row(cells[first + i]);
      std::copy_n(states + i * layout.model, layout.model, row);
      std::fill(row + layout.model, row + layout.size, 0.0f);
      row[layout.date] = RowLayout::no_date;
    }
  }
  static_ranges_.keep();
}

void Cells::write_outputs() {
  registration_.require_state();
  const CellList cells = registration_.active_cells();
  for (std::size_t i = 0; i < cells.size; ++i) clock_.require_date(cells[i]);
  registration_.write_held_flux(cells, model_->layout.flux);
}

void Cells::reset_date() {
  registration_.require_state();
  clock_.reset(registration_.active_cells());
}

void Cells::step(const Date& date, int seconds, int dt) {
  const Step step{date, seconds, dt};
  registration_.require_state();
  const CellList cells = registration_.active_cells();
  const bool some_wait = !local_time_.registered() && clock_.check(step, cells);
  registration_.require_inputs();
  registration_.derive_inputs(cells);
  if (some_wait || local_time_.registered()) return step_by_part(step, cells);
  if (!step.completes_day()) input_check_.check_inputs(cells);
  advance(step, cells);
}

// Cells whose clocks show the same make the step together. All values are checked before any part makes it: two parts may complete
// their days, of different dates, where clocks are a day apart, as on both sides of the date line.
void Cells::step_by_part(const Step& host, const CellList& cells) {
  clock_.check_step(host);
  std::vector<LocalTime::Part> going, waiting;
  for (const LocalTime::Part& part : local_time_.parts(clock_.calendar(), host, cells)) {
    if (!clock_.check(part.step, part.cells())) {
      going.push_back(part);
      continue;
    }
    going.push_back({part.step, {}});
    waiting.push_back({part.step, {}});
    for (const std::size_t cell : part.index) (clock_.waits(part.step, cell) ? waiting : going).back().index.push_back(cell);
  }
  const auto completes = [](const LocalTime::Part& part) { return part.step.completes_day(); };
  const bool several_complete = std::count_if(going.begin(), going.end(), completes) > 1;
  for (const LocalTime::Part& part : going) {
    if (!completes(part))
      input_check_.check_inputs(part.cells());
    else if (several_complete)
      check_last_step(part.step, part.cells());
  }
  std::partition(going.begin(), going.end(), completes);
  advance_all(going, several_complete);
  for (const LocalTime::Part& part : waiting) clock_.wait(part.step, part.cells());
}

// The network may fail in one of several parts: those before it are then as they were.
void Cells::advance_all(const std::vector<LocalTime::Part>& parts, bool several_complete) {
  KeptRows before(registration_, model_->layout.size);
  try {
    for (const LocalTime::Part& part : parts) {
      if (part.index.empty()) continue;
      if (several_complete && part.step.completes_day()) before.keep(part.cells());
      advance(part.step, part.cells());
    }
  } catch (...) {
    before.give_back();
    throw;
  }
}

// What a host gives to a step that completes a day of several.
void Cells::check_last_step(const Step& step, const CellList& cells) const {
  if (registration_.any_observed()) input_check_.check_observed(cells);
  input_check_.check_inputs(cells);
  if (input_ranges_.any_refused()) input_check_.check_day(step, cells);
}

// One step of cells whose dates and, unless it completes the day, values were checked.
void Cells::advance(const Step& step, const CellList& cells) {
  if (!step.completes_day()) return accumulation_.add(step, cells);
  const CalendarRow calendar = calendar_row(clock_.calendar(), step.date);
  const DayPlan& plan = day_step_.plan(calendar, cells.size);
  if (registration_.any_observed()) input_check_.check_observed(cells);
  // Values are checked before anything is written: here, or where all results wait in one chunk, as they are gathered.
  const bool looked_at_first = input_ranges_.any_refused() || input_ranges_.any_clipped();
  bool checked = !step.whole_day() || looked_at_first || cells.size > plan.chunk;
  if (checked) input_check_.check_inputs(cells);
  if (input_ranges_.any_refused()) input_check_.check_day(step, cells);
  input_ranges_.begin();
  for (std::size_t first = 0; first < cells.size;) {
    const CellList part = cells.part(first, std::min(plan.chunk, cells.size - first));
    input_ranges_.mark();
    try {
      day_step_.run_chunk(step, part, checked);
      first += part.size;
    } catch (const ChangesGrew&) {  // nothing of this chunk was written
      input_ranges_.back();
      day_step_.plan(calendar, cells.size);
      if (!checked && cells.size > plan.chunk) input_check_.check_inputs(cells), checked = true;
    }
  }
  input_ranges_.keep();
}

void Cells::spin_up(const Date& first, std::size_t nday, std::ptrdiff_t day_stride) {
  constexpr double room = static_cast<double>(std::numeric_limits<std::ptrdiff_t>::max());
  if (static_cast<double>(sizeof(double)) * std::fabs(static_cast<double>(day_stride)) * static_cast<double>(nday) >= room)
    fail(ECOSTEP_INVALID_ARGUMENT, nday, " days with a stride of ", day_stride, " do not fit in memory");
  const Registration::Day first_day = registration_.day();
  try {
    Date date = first;
    for (std::size_t day = 0; day < nday; ++day, date = next_day(clock_.calendar(), date)) {
      step(date, 0, seconds_per_day);
      registration_.move_to_next_day(day_stride);
    }
  } catch (...) {
    registration_.move_back(first_day);
    throw;
  }
  registration_.move_back(first_day);
}

void Cells::gradient(const Date& date, const DerivativeArrays& arrays) {
  const Step step{date, 0, seconds_per_day};
  registration_.require_state();
  const CellList cells = registration_.active_cells();
  clock_.check(step, cells);
  registration_.require_inputs();
  registration_.derive_inputs(cells);
  input_check_.check_inputs(cells);
  if (registration_.any_observed()) input_check_.check_observed(cells);
  if (input_ranges_.any_refused()) input_check_.check_day(step, cells);
  const CalendarRow calendar = calendar_row(clock_.calendar(), date);
  const std::size_t block = std::min(gathering_.block(), cells.size), chunk = derivative_.chunk();
  const DayPlan& plan = day_step_.plan(calendar, block);
  for (std::size_t first = 0; first < cells.size;) {
    const CellList part = cells.part(first, std::min(chunk, cells.size - first));
    try {
      derivative_.run_chunk(plan, step, part, arrays);
      first += part.size;
    } catch (const ChangesGrew&) {
      day_step_.plan(calendar, block);
    }
  }
}

}  // namespace ecostep
