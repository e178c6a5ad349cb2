#include "backends/torchscript/changed_columns.h"

#include <algorithm>

namespace ecostep {

std::size_t ChangedColumns::kind(const CalendarRow& calendar, bool observed) {
  std::size_t number = 0;
  for (const bool answer : {calendar.begins_month(), calendar.ends_month(), calendar.begins_year(), calendar.ends_year(), observed})
    number = number << 1 | (answer ? 1 : 0);
  return number;
}

void ChangedColumns::expect(const CalendarRow& calendar, bool observed, std::vector<StateSpan>& spans) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const std::vector<StateSpan>& spans_of_kind = spans_[kind(calendar, observed)];
  if (spans_of_kind.empty())
    spans.assign(1, {0, state_size_});
  else
    spans = spans_of_kind;
}

void ChangedColumns::add(const CalendarRow& calendar, bool observed, const std::vector<unsigned char>& columns) {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<StateSpan>& spans_of_kind = spans_[kind(calendar, observed)];
  std::vector<unsigned char> changed = columns;
  for (const StateSpan& span : spans_of_kind) std::fill_n(changed.begin() + span.begin, span.size, static_cast<unsigned char>(1));
  std::vector<StateSpan> spans;
  for (std::size_t column = 0; column < state_size_; ++column) {
    if (changed[column] == 0) continue;
    if (spans.empty() || spans.back().end() != column) spans.push_back({column, 0});
    ++spans.back().size;
  }
  if (spans.empty()) spans.push_back({0, std::min<std::size_t>(state_size_, 1)});  // an empty list means "not seen"
  spans_of_kind = std::move(spans);
}

}  // namespace ecostep
