// Dates in the calendars of climate models.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace ecostep {

constexpr int seconds_per_day = 86400;

enum class Calendar { standard, noleap, days360 };

struct Date {
  int year = 0, month = 0, day = 0;
  bool operator==(const Date& other) const { return year == other.year && month == other.month && day == other.day; }
};

// What a network is told of a date, in the order of the tensor `calendar` that artefacts take.
struct CalendarRow {
  enum Column : std::size_t { year, month, day, day_of_year, days_in_month, days_in_year, n_columns };

  std::array<std::int64_t, n_columns> columns{};

  const std::int64_t* data() const { return columns.data(); }
  bool begins_month() const { return columns[day] == 1; }
  bool ends_month() const { return columns[day] == columns[days_in_month]; }
  bool begins_year() const { return columns[day_of_year] == 1; }
  bool ends_year() const { return columns[day_of_year] == columns[days_in_year]; }
  bool operator==(const CalendarRow& other) const { return columns == other.columns; }
};

// "standard", "gregorian", "proleptic_gregorian", "noleap", "365_day" or "360_day", in capitals or without "_" as well; throws
// Error(ECOSTEP_BAD_DATE) for another. The leap-year rule of today holds for all years.
Calendar parse_calendar(const std::string& name);

int days_in_month(Calendar calendar, int year, int month);
int days_in_year(Calendar calendar, int year);

// Throws Error(ECOSTEP_BAD_DATE) unless the date exists; years 0 to 40000.
void check_date(Calendar calendar, const Date& date);

Date next_day(Calendar calendar, const Date& date);

CalendarRow calendar_row(Calendar calendar, const Date& date);

// "2001-03-01"
std::string to_string(const Date& date);
Date parse_date(const std::string& text);

// A date as a whole number that a float holds exactly (>= 1), for the state row; and back.
float encode_date(const Date& date);
Date decode_date(float code);

}  // namespace ecostep
