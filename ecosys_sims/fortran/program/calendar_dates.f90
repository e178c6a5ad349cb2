!> Dates of the calendars `standard` (from 15 October 1582 on, where it is Gregorian) and `noleap`.
!>
!> Days are counted from 0001-01-01 of the proleptic calendar, so that day numbers of one calendar
!> can be compared. Names follow CF 1.11, section 4.4.1.
module calendar_dates
  use kinds, only: wp
  implicit none (type, external)
  private

  public :: calendar_date, known_calendar, leap_days, parse_date, format_date, operator(==)
  public :: day_number, date_of_day, next_day, days_in_month, days_in_year, day_of_year
  public :: add_years, is_mixed_calendar, julian_day_number

  !> A day of a calendar.
  type :: calendar_date
    integer :: year = 1  !< year, 1 or later
    integer :: month = 1  !< month, 1 to 12
    integer :: day = 1  !< day of the month, from 1
    logical :: leap_days = .true.  !< whether the calendar has leap days
  end type calendar_date

  interface operator(==)
    module procedure same_date
  end interface operator(==)

  integer, parameter, public :: months_a_year = 12
  !> Day number of 15 October 1582, the first Gregorian day of the calendar `standard`.
  integer, parameter, public :: reform_day = 577735

  integer, parameter :: month_length(months_a_year) = &
    [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

  !> Outcomes of parse_date.
  enum, bind(c)
    enumerator :: date_parsed = 0
    enumerator :: date_malformed  !< not of the form YYYY-MM-DD
    enumerator :: date_outside_calendar  !< a month or day that the calendar does not have
  end enum
  public :: date_parsed, date_malformed, date_outside_calendar

contains

  pure logical function same_date(left, right)
    type(calendar_date), intent(in) :: left  !< a date
    type(calendar_date), intent(in) :: right  !< a date of the same calendar
    same_date = left%year == right%year .and. left%month == right%month .and. left%day == right%day
  end function same_date

  !> Whether a CF calendar name is one that we can compute with.
  pure logical function known_calendar(name)
    character(*), intent(in) :: name  !< CF name
    select case (name)
    case ('standard', 'gregorian', 'proleptic_gregorian', 'noleap', '365_day')
      known_calendar = .true.
    case default
      known_calendar = .false.
    end select
  end function known_calendar

  !> Whether dates of a calendar are Julian before 15 October 1582 (CF 1.11, section 4.4.1).
  pure logical function is_mixed_calendar(name)
    character(*), intent(in) :: name  !< CF name
    is_mixed_calendar = name == 'standard' .or. name == 'gregorian'
  end function is_mixed_calendar

  !> Day number, as of day_number, of a date of the Julian calendar.
  elemental integer function julian_day_number(date)
    type(calendar_date), intent(in) :: date  !< a date
    integer :: leap_day
    leap_day = merge(1, 0, mod(date%year, 4) == 0 .and. date%month > 2)
    ! 1 January of the year 1 is 30 December of the year before in the proleptic calendar.
    julian_day_number = 365*(date%year - 1) + (date%year - 1)/4 &
      + sum(month_length(:date%month - 1)) + leap_day + date%day - 3
  end function julian_day_number

  !> Whether a known calendar has leap days.
  pure logical function leap_days(name)
    character(*), intent(in) :: name  !< CF name
    leap_days = .not. (name == 'noleap' .or. name == '365_day')
  end function leap_days

  !> Read `YYYY-MM-DD`.
  pure subroutine parse_date(text, with_leap_days, date, stat)
    character(*), intent(in) :: text  !< text; characters after the tenth are not read
    logical, intent(in) :: with_leap_days  !< whether the calendar has leap days
    type(calendar_date), intent(out) :: date  !< the date
    integer, intent(out) :: stat  !< outcome
    integer :: first, iostat, second
    date%leap_days = with_leap_days
    stat = date_malformed
    first = index(text, '-')
    if (first < 2 .or. first > 5) return
    second = first + index(text(first + 1:), '-')
    if (second < first + 2 .or. second > first + 3 .or. len_trim(text) < second + 1) return
    if (verify(text(:first - 1)//text(first + 1:second - 1)//trim(text(second + 1:)), &
      '0123456789') /= 0) return
    read(text(:first - 1), *, iostat=iostat) date%year
    if (iostat == 0) read(text(first + 1:second - 1), *, iostat=iostat) date%month
    if (iostat == 0) read(text(second + 1:), *, iostat=iostat) date%day
    if (iostat /= 0) return
    stat = date_outside_calendar
    if (date%year < 1 .or. date%month < 1 .or. date%month > 12 .or. date%day < 1) return
    if (date%day > days_in_month(date)) return
    stat = date_parsed
  end subroutine parse_date

  !> `YYYY-MM-DD`.
  pure function format_date(date) result(text)
    type(calendar_date), intent(in) :: date  !< a date
    character(10) :: text
    write(text, '(i4.4, 2("-", i2.2))') date%year, date%month, date%day
  end function format_date

  !> Days since 0001-01-01 of the calendar.
  elemental integer function day_number(date)
    type(calendar_date), intent(in) :: date  !< a date
    day_number = days_before_year(date%year, date%leap_days) + day_of_year(date) - 1
  end function day_number

  !> The date of a day number.
  elemental function date_of_day(number, with_leap_days) result(date)
    integer, intent(in) :: number  !< days since 0001-01-01
    logical, intent(in) :: with_leap_days  !< whether the calendar has leap days
    type(calendar_date) :: date
    integer :: remaining
    date = calendar_date(int(real(number, wp)/365.2425_wp) + 2, 1, 1, with_leap_days)
    do while (days_before_year(date%year, with_leap_days) > number)
      date%year = date%year - 1
    end do
    do while (number - days_before_year(date%year, with_leap_days) >= days_in_year(date))
      date%year = date%year + 1
    end do
    remaining = number - days_before_year(date%year, with_leap_days)
    do while (remaining >= days_in_month(date))
      remaining = remaining - days_in_month(date)
      date%month = date%month + 1
    end do
    date%day = remaining + 1
  end function date_of_day

  !> The day after.
  elemental function next_day(date) result(next)
    type(calendar_date), intent(in) :: date  !< a date
    type(calendar_date) :: next
    next = date
    next%day = date%day + 1
    if (next%day <= days_in_month(date)) return
    next%day = 1
    next%month = date%month + 1
    if (next%month <= 12) return
    next%month = 1
    next%year = date%year + 1
  end function next_day

  !> The same day some years later; 29 February becomes 28 February where there is none.
  elemental function add_years(date, years) result(later)
    type(calendar_date), intent(in) :: date  !< a date
    integer, intent(in) :: years  !< years, may be negative
    type(calendar_date) :: later
    later = date
    later%year = date%year + years
    later%day = min(date%day, days_in_month(later))
  end function add_years

  !> Length of the date's month, d.
  elemental integer function days_in_month(date)
    type(calendar_date), intent(in) :: date  !< a date
    days_in_month = month_length(date%month)
    if (date%month == 2 .and. days_in_year(date) == 366) days_in_month = 29
  end function days_in_month

  !> Length of the date's year, d.
  elemental integer function days_in_year(date)
    type(calendar_date), intent(in) :: date  !< a date
    days_in_year = 365
    if (.not. date%leap_days) return
    if ((mod(date%year, 4) == 0 .and. mod(date%year, 100) /= 0) .or. mod(date%year, 400) == 0) then
      days_in_year = 366
    end if
  end function days_in_year

  !> Day of the year, from 1.
  elemental integer function day_of_year(date)
    type(calendar_date), intent(in) :: date  !< a date
    day_of_year = sum(month_length(:date%month - 1)) + date%day
    if (date%month > 2 .and. days_in_year(date) == 366) day_of_year = day_of_year + 1
  end function day_of_year

  !> Days from 0001-01-01 to the first day of a year.
  elemental integer function days_before_year(year, with_leap_days)
    integer, intent(in) :: year  !< year
    logical, intent(in) :: with_leap_days  !< whether the calendar has leap days
    days_before_year = 365*(year - 1)
    if (with_leap_days) days_before_year = days_before_year &
      + (year - 1)/4 - (year - 1)/100 + (year - 1)/400
  end function days_before_year

end module calendar_dates
