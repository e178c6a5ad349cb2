#include "core/calendar.h"

#include <cstdio>

#include "core/error.h"

namespace ecostep {
namespace {

constexpr int months_per_year = 12, longest_month = 31;

bool is_leap(int year) {
  return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

}  // namespace

Calendar parse_calendar(const std::string& name) {
  // As CF spells them, and as hosts do: NO_LEAP of CESM, 360DAY of ESMF.
  std::string letters;
  for (const char letter : name)
    if (letter != '_') letters += letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
  if (letters == "standard" || letters == "gregorian" || letters == "prolepticgregorian") return Calendar::standard;
  if (letters == "noleap" || letters == "365day") return Calendar::noleap;
  if (letters == "360day") return Calendar::days360;
  fail(ECOSTEP_BAD_DATE, "calendar '", name, "' is not known (known: standard, noleap, 360_day)");
}

int days_in_month(Calendar calendar, int year, int month) {
  static constexpr int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (calendar == Calendar::days360) return 30;
  return days[month - 1] + (month == 2 && calendar == Calendar::standard && is_leap(year) ? 1 : 0);
}

int days_in_year(Calendar calendar, int year) {
  if (calendar == Calendar::days360) return 360;
  return calendar == Calendar::standard && is_leap(year) ? 366 : 365;
}

void check_date(Calendar calendar, const Date& date) {
  const bool exists = date.year >= 0 && date.year <= 40000 && date.month >= 1 && date.month <= 12 && date.day >= 1 &&
                      date.day <= days_in_month(calendar, date.year, date.month);
  if (!exists) fail(ECOSTEP_BAD_DATE, to_string(date), " is not a date of the calendar in use");
}

Date next_day(Calendar calendar, const Date& date) {
  if (date.day < days_in_month(calendar, date.year, date.month)) return {date.year, date.month, date.day + 1};
  if (date.month < months_per_year) return {date.year, date.month + 1, 1};
  return {date.year + 1, 1, 1};
}

CalendarRow calendar_row(Calendar calendar, const Date& date) {
  int day_of_year = date.day;
  for (int month = 1; month < date.month; ++month) day_of_year += days_in_month(calendar, date.year, month);
  CalendarRow row;
  row.columns[CalendarRow::year] = date.year;
  row.columns[CalendarRow::month] = date.month;
  row.columns[CalendarRow::day] = date.day;
  row.columns[CalendarRow::day_of_year] = day_of_year;
  row.columns[CalendarRow::days_in_month] = days_in_month(calendar, date.year, date.month);
  row.columns[CalendarRow::days_in_year] = days_in_year(calendar, date.year);
  return row;
}

std::string to_string(const Date& date) {
  char text[48];
  std::snprintf(text, sizeof text, "%04d-%02d-%02d", date.year, date.month, date.day);
  return text;
}

Date parse_date(const std::string& text) {
  Date date;
  char trailing = 0;
  // NOLINTNEXTLINE(cert-err34-c): the widths keep each number small, and check_date tests them
  if (std::sscanf(text.c_str(), "%5d-%2d-%2d%c", &date.year, &date.month, &date.day, &trailing) != 3)
    fail(ECOSTEP_BAD_DATE, "'", text, "' is not a date (expected YYYY-MM-DD)");
  return date;
}

float encode_date(const Date& date) {
  return static_cast<float>((date.year * months_per_year + date.month - 1) * longest_month + date.day);
}

Date decode_date(float code) {
  const int days = static_cast<int>(code) - 1, months = days / longest_month;
  return {months / months_per_year, months % months_per_year + 1, days % longest_month + 1};
}

}  // namespace ecostep
