// The part of a day that a call steps over.
#pragma once

#include "core/calendar.h"

namespace ecostep {

struct Step {
  Date date;
  int seconds, dt;  // start after midnight, and length

  bool begins_day() const { return seconds == 0; }
  bool whole_day() const { return dt == seconds_per_day; }
  bool completes_day() const { return seconds + dt == seconds_per_day; }
};

}  // namespace ecostep
