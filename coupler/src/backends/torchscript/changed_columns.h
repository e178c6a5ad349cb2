// Which columns of a model's state its steps were seen to change.
#pragma once

#include <array>
#include <mutex>
#include <vector>

#include "backends/state_span.h"
#include "core/calendar.h"

namespace ecostep {

// By kinds of days, for a model may do more on some days than on others. What a step changes is looked at every time; kinds only
// tell what to expect. May be used by several threads at once.
class ChangedColumns {
 public:
  explicit ChangedColumns(std::size_t state_size) : state_size_(state_size) {}

  // What was seen on days of this kind; the whole state until there was one.
  void expect(const CalendarRow& calendar, bool observed, std::vector<StateSpan>& spans) const;

  // Adds columns (state size; not 0: changed) to those of a kind of day.
  void add(const CalendarRow& calendar, bool observed, const std::vector<unsigned char>& columns);

 private:
  static constexpr std::size_t n_kinds = 32;  // five questions about a day
  static std::size_t kind(const CalendarRow& calendar, bool observed);

  const std::size_t state_size_;
  mutable std::mutex mutex_;
  std::array<std::vector<StateSpan>, n_kinds> spans_;  // empty: not seen yet
};

}  // namespace ecostep
