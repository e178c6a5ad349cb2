#include "cells/local_time.h"

#include <cmath>
#include <utility>

#include "core/error.h"

namespace ecostep {
namespace {

constexpr double seconds_per_degree = 240.0;  // the earth turns 15 degrees an hour
constexpr double lowest_longitude = -180.0, highest_longitude = 360.0;

bool is_longitude(const std::string& units) {
  for (const char* const name : {"degrees_east", "degree_east", "degrees_E", "degree_E", "degrees", "degree"})
    if (units == name) return true;
  return false;
}

Date previous_day(Calendar calendar, const Date& date) {
  if (date.day > 1) return {date.year, date.month, date.day - 1};
  if (date.month > 1) return {date.year, date.month - 1, days_in_month(calendar, date.year, date.month - 1)};
  return {date.year - 1, 12, days_in_month(calendar, date.year - 1, 12)};
}

Step shifted(Calendar calendar, Step step, int seconds) {
  step.seconds += seconds;
  if (step.seconds < 0) step.seconds += seconds_per_day, step.date = previous_day(calendar, step.date);
  if (step.seconds >= seconds_per_day) step.seconds -= seconds_per_day, step.date = next_day(calendar, step.date);
  return step;
}

}  // namespace

void LocalTime::set(const std::string& units, HostArray offsets) {
  offsets.registered = offsets.data != nullptr;
  const bool of_longitudes = offsets.registered && is_longitude(units);
  if (offsets.registered) {
    if (of_longitudes)
      offsets.conversion = {seconds_per_degree, 0.0};
    else
      offsets.conversion = convert_units("local time", units, "s");
  }
  offsets_ = offsets;
  of_longitudes_ = of_longitudes;
}

void LocalTime::check_offset(double offset, std::size_t cell) const {
  const double longitude = offset / seconds_per_degree;
  if (of_longitudes_ && !(longitude >= lowest_longitude && longitude <= highest_longitude))
    fail(ECOSTEP_BAD_VALUE, "the local time of cell ", cell + 1, " (counted from 1): longitude ", longitude, ", expected ",
         lowest_longitude, " to ", highest_longitude, " degrees_east");
  if (!(std::fabs(offset) <= seconds_per_day))
    fail(ECOSTEP_BAD_VALUE, "the local time of cell ", cell + 1, " (counted from 1) is ", offset,
         " s from the host's: expected at most a day");
}

const std::vector<LocalTime::Part>& LocalTime::parts(Calendar calendar, const Step& host, const CellList& cells) {
  // A day as one step is the local one already.
  const std::ptrdiff_t steps_a_day = host.whole_day() || !registered() ? 0 : seconds_per_day / host.dt;
  by_shift_.resize(static_cast<std::size_t>(2 * steps_a_day + 1));
  for (std::vector<std::size_t>& list : by_shift_) list.clear();
  for (std::size_t i = 0; i < cells.size; ++i) {
    double offset = registered() ? offsets_.read(cells[i]) : 0.0;
    check_offset(offset, cells[i]);
    if (offset > seconds_per_day / 2.0 && of_longitudes_) offset -= seconds_per_day;  // 180 to 360 E
    const std::ptrdiff_t shift = steps_a_day == 0 ? 0 : static_cast<std::ptrdiff_t>(std::ceil(offset / host.dt - 0.5));
    by_shift_[static_cast<std::size_t>(shift + steps_a_day)].push_back(cells[i]);
  }
  parts_.clear();
  for (std::size_t k = 0; k < by_shift_.size(); ++k)
    if (!by_shift_[k].empty())
      parts_.push_back(
          {shifted(calendar, host, static_cast<int>(static_cast<std::ptrdiff_t>(k) - steps_a_day) * host.dt), by_shift_[k]});
  return parts_;
}

}  // namespace ecostep
