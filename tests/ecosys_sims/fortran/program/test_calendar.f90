!> Dates of both calendars, sun and radiation.
program test_calendar
  use, intrinsic :: iso_fortran_env, only: error_unit
  use calendar_dates, only: add_years, calendar_date, date_of_day, day_number, day_of_year, &
    days_in_year, format_date, next_day, operator(==), parse_date
  use kinds, only: wp
  use solar, only: step_shares, top_of_atmosphere
  implicit none (type, external)
  integer :: failures

  failures = 0
  call test_round_trip(.true.)
  call test_round_trip(.false.)
  call test_known_days()
  call test_parsing()
  call test_sun()
  if (failures > 0) error stop 1

contains

  !> Day numbers count days, whichever way a date is reached.
  subroutine test_round_trip(leap)
    logical, intent(in) :: leap  !< whether the calendar has leap days
    type(calendar_date) :: date
    integer :: number, first
    date = calendar_date(1896, 12, 30, leap)
    first = day_number(date)
    do number = first, first + 80000
      if (.not. (day_number(date) == number .and. date_of_day(number, leap) == date)) then
        call expect(.false., 'day number of '//format_date(date))
        return
      end if
      if (date%month == 12 .and. date%day == 31) call expect( &
        day_of_year(date) == days_in_year(date), 'day of year of '//format_date(date))
      date = next_day(date)
    end do
  end subroutine test_round_trip

  subroutine test_known_days()
    call expect(day_number(calendar_date(2000, 3, 1, .true.)) &
      - day_number(calendar_date(1970, 1, 1, .true.)) == 11017, 'days from 1970 to 2000-03-01')
    call expect(day_number(calendar_date(2000, 3, 1, .false.)) &
      - day_number(calendar_date(1970, 1, 1, .false.)) == 30*365 + 59, 'days without leap days')
    call expect(days_in_year(calendar_date(1900, 1, 1, .true.)) == 365, '1900 is no leap year')
    call expect(days_in_year(calendar_date(2000, 1, 1, .true.)) == 366, '2000 is a leap year')
    call expect(add_years(calendar_date(2004, 2, 29, .true.), -1) &
      == calendar_date(2003, 2, 28, .true.), '29 February minus a year')
  end subroutine test_known_days

  subroutine test_parsing()
    character(12), parameter :: wrong(*) = [character(12) :: '2001-02-29', '2001-13-01', '2001-1', &
      'then', '2001/01/01', '2001-00-10', '2001-04-31', '', '-2001-01-01', '2001-01-0x']
    type(calendar_date) :: date
    integer :: i, stat
    call parse_date('2004-2-29', .true., date, stat)
    call expect(stat == 0 .and. date == calendar_date(2004, 2, 29, .true.), 'parse 2004-2-29')
    call parse_date('2004-02-29', .false., date, stat)
    call expect(stat /= 0, '29 February without leap days')
    do i = 1, size(wrong)
      call parse_date(trim(wrong(i)), .true., date, stat)
      call expect(stat /= 0, 'taken for a date: '//wrong(i))
    end do
  end subroutine test_parsing

  !> FAO-56, example 8: 20 degrees south, 3 September, 32.2 MJ m-2 day-1 (with 1367 W m-2).
  subroutine test_sun()
    real(wp) :: shares(24), latitude
    integer :: i, day
    call expect(abs(top_of_atmosphere(-20.0_wp, 246)*0.0864_wp*1367.0_wp/1361.0_wp - 32.2_wp) &
      < 0.1_wp, 'radiation of FAO-56, example 8')
    do i = -9, 9
      latitude = 10.0_wp*i
      do day = 1, 361, 30
        call step_shares(latitude, day, shares)
        call expect(abs(sum(shares) - 24.0_wp) < 1.0e-9_wp .and. all(shares >= 0.0_wp), &
          'shares of the steps of a day')
        call expect(maxval(abs(shares(1:11) - shares(24:14:-1))) < 1.0e-9_wp .or. &
          top_of_atmosphere(latitude, day) < 1.0e-6_wp, 'morning and afternoon differ')
      end do
    end do
  end subroutine test_sun

  subroutine expect(ok, message)
    logical, intent(in) :: ok  !< what must hold
    character(*), intent(in) :: message  !< message if it does not
    if (ok) return
    failures = failures + 1
    write(error_unit, '(a)') 'test_calendar: '//message
  end subroutine expect

end program test_calendar
