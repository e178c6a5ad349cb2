// The date that each state row has come to: steps must follow one another.
#pragma once

#include "cells/cell_list.h"
#include "cells/registration.h"
#include "cells/row_layout.h"
#include "cells/step.h"

namespace ecostep {

class Clock {
 public:
  Clock(const RowLayout& layout, const Registration& registration) : layout_(layout), registration_(registration) {}

  void set_calendar(Calendar calendar) { calendar_ = calendar; }
  Calendar calendar() const { return calendar_; }

  // Throws Error(ECOSTEP_BAD_DATE) unless the step exists in the calendar.
  void check_step(const Step& step) const;

  // The same, and unless it is the next one of each cell. Whether some cell waits.
  bool check(const Step& step, const CellList& cells) const;

  // Whether a cell that has no date yet waits for its first midnight during this step.
  bool waits(const Step& step, std::size_t cell) const {
    return !step.begins_day() && registration_.row(cell)[layout_.date] == RowLayout::no_date;
  }

  // A step of cells that wait.
  void wait(const Step& step, const CellList& cells) const;

  // Whether the row of a cell says what date it has come to, or that it has none yet.
  bool holds_date(std::size_t cell) const;

  // Throws Error(ECOSTEP_BAD_DATE) unless it does.
  void require_date(std::size_t cell) const;

  // The next step may be of any day.
  void reset(const CellList& cells) const;

 private:
  void check_row(const Step& step, std::size_t cell) const;

  const RowLayout& layout_;
  const Registration& registration_;
  Calendar calendar_ = Calendar::standard;
};

}  // namespace ecostep
