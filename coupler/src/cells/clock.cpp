#include "cells/clock.h"

#include <cmath>
#include <string>

#include "core/error.h"

namespace ecostep {
namespace {

constexpr float beyond_dates = 16000000.0f;  // of encode_date: all below are whole numbers in a float

}  // namespace

void Clock::check_step(const Step& step) const {
  check_date(calendar_, step.date);
  if (step.dt < 1 || step.dt > seconds_per_day || seconds_per_day % step.dt != 0)
    fail(ECOSTEP_BAD_DATE, "a step of ", step.dt, " s does not divide the day of ", seconds_per_day, " s");
  if (step.seconds < 0 || step.seconds > seconds_per_day - step.dt)
    fail(ECOSTEP_BAD_DATE, "a step of ", step.dt, " s cannot start ", step.seconds, " s after midnight");
}

bool Clock::check(const Step& step, const CellList& cells) const {
  check_step(step);
  // Rows of one run hold the same date: the first is looked at closely, others where they differ from it.
  std::size_t compared = cells.size;  // the cell whose clock was looked at last
  float seconds = 0.0f, date = 0.0f;
  bool some_wait = false;
  for (std::size_t i = 0; i < cells.size; ++i) {
    const float* const row = registration_.row(cells[i]);
    if (compared < cells.size && row[layout_.seconds] == seconds && row[layout_.date] == date) continue;
    check_row(step, cells[i]);
    compared = i, seconds = row[layout_.seconds], date = row[layout_.date];
    some_wait = some_wait || waits(step, cells[i]);
  }
  return some_wait;
}

void Clock::wait(const Step& step, const CellList& cells) const {
  const float seconds = step.completes_day() ? 0.0f : static_cast<float>(step.seconds + step.dt);
  for (std::size_t i = 0; i < cells.size; ++i) registration_.row(cells[i])[layout_.seconds] = seconds;
  registration_.write_held_flux(cells, layout_.flux);
}

bool Clock::holds_date(std::size_t cell) const {
  const float* const row = registration_.row(cell);
  const float seconds = row[layout_.seconds], code = row[layout_.date];
  const bool dated = code >= 1.0f && code < beyond_dates && code == std::floor(code);
  return (dated || code == RowLayout::no_date) && seconds >= 0.0f && seconds < static_cast<float>(seconds_per_day);
}

void Clock::require_date(std::size_t cell) const {
  if (!holds_date(cell))
    fail(ECOSTEP_BAD_DATE, "the state of cell ", cell + 1, " of ", registration_.ncell(),
         " (counted from 1) holds no date: call ecostep_init_state for a fresh start, or read the state from a restart file");
}

void Clock::check_row(const Step& step, std::size_t cell) const {
  const float* const row = registration_.row(cell);
  const float seconds = row[layout_.seconds], code = row[layout_.date];
  const bool fresh = code == RowLayout::no_date;
  require_date(cell);
  if (fresh && seconds == 0.0f) return;  // a run may begin at any hour
  if (seconds != static_cast<float>(step.seconds))
    fail(ECOSTEP_BAD_DATE, "step out of order: it starts ", step.seconds, " s after midnight of ", to_string(step.date),
         ", but the state of cell ", cell + 1, " has come to ", seconds, " s",
         fresh ? std::string(" of the part of a day that it waits for") : " of a day after step " + to_string(decode_date(code)));
  if (fresh) return;
  const Date expected = step.seconds > 0 ? decode_date(code) : next_day(calendar_, decode_date(code));
  if (!(step.date == expected))
    fail(ECOSTEP_BAD_DATE, "step out of order: it is for ", to_string(step.date), ", but the state of cell ", cell + 1,
         " is ready for ", to_string(expected), " (ecostep_reset_date starts at another date)");
}

void Clock::reset(const CellList& cells) const {
  for (std::size_t i = 0; i < cells.size; ++i) {
    float* const row = registration_.row(cells[i]);
    row[layout_.seconds] = 0.0f;
    row[layout_.date] = RowLayout::no_date;
  }
}

}  // namespace ecostep
