!> The CF time axis of a forcing file: regular intervals, cut into whole days.
module time_axis
  use, intrinsic :: iso_fortran_env, only: int64
  use calendar_dates, only: calendar_date, date_of_day, day_number, format_date, &
    is_mixed_calendar, julian_day_number, known_calendar, leap_days, parse_date, reform_day
  use exit_codes, only: bad_input, success
  use input_files, only: dimension_length, find_values, has_variable, input_error, read_reals, &
    text_attribute
  use kinds, only: wp
  use namelist_input, only: is_set, unset
  use netcdf, only: nf90_get_var, nf90_noerr
  use stored_values, only: decode, value_encoding
  use text, only: lower, to_text
  implicit none (type, external)
  private

  public :: forcing_times, read_times

  real(wp), parameter :: farthest = 3.2e11_wp  !< from the origin, ten thousand years [s]

  !> When the records of a file are.
  type :: forcing_times
    logical :: leap_days = .true.  !< whether the file's calendar has leap days
    integer :: interval = 86400  !< interval of the records [s], a divisor of a day
    integer :: per_day = 1  !< records of a day
    integer :: first_record = 1  !< first record (from 1) of the first whole day
    integer :: first_day = 0  !< day number of the first whole day, in the file's calendar
    integer :: n_days = 0  !< number of whole days
    integer :: n_records = 0  !< number of records
  end type forcing_times

contains

  !> Read and check the variable `time`.
  subroutine read_times(file, ncid, times, stat, errmsg)
    character(*), intent(in) :: file  !< path
    integer, intent(in) :: ncid  !< netCDF id
    type(forcing_times), intent(out) :: times  !< the axis
    integer, intent(out) :: stat  !< exit code
    character(:), allocatable, intent(out) :: errmsg  !< message if stat is not 0
    character(:), allocatable :: calendar
    real(wp), allocatable :: values(:)
    integer(int64), allocatable :: starts(:)
    real(wp) :: unit_seconds
    integer(int64) :: origin
    integer :: n
    logical :: local
    stat = success
    n = -1
    if (has_variable(ncid, 'time')) n = dimension_length(ncid, 'time')
    if (n < 1) then
      call input_error(file, 'not a CF forcing file: the coordinate variable time is missing', &
        stat, errmsg)
      return
    end if
    calendar = lower(text_attribute(ncid, 'time', 'calendar'))
    if (calendar == '') calendar = 'standard'
    if (.not. known_calendar(calendar)) then
      call input_error(file, "calendar '"//calendar//"' of time is not understood (known: "// &
        'standard, gregorian, proleptic_gregorian, noleap, 365_day)', stat, errmsg)
      return
    end if
    times%leap_days = leap_days(calendar)
    call parse_units(text_attribute(ncid, 'time', 'units'), times%leap_days, &
      is_mixed_calendar(calendar), unit_seconds, origin, local, stat)
    if (.not. local) then
      call input_error(file, "units of time are '"//text_attribute(ncid, 'time', 'units')// &
        "', with an offset from UTC, but times are taken as local solar time; shift time to it "// &
        'and leave the offset out', stat, errmsg)
      return
    end if
    if (stat /= success) then
      call input_error(file, "not a CF forcing file: units of time are '"// &
        text_attribute(ncid, 'time', 'units')//"', expected such as 'days since 2001-01-01'", &
        stat, errmsg)
      return
    end if
    allocate(values(n))
    call read_reals(file, ncid, 'time', unset, values, stat, errmsg)
    if (stat /= success) return
    if (.not. all(is_set(values))) then
      call input_error(file, 'time has missing values; the file may be truncated', stat, errmsg)
      return
    end if
    if (any(abs(values) > farthest/unit_seconds)) then
      call input_error(file, 'time has values that are no time, such as '// &
        to_text(maxval(abs(values)), 6), stat, errmsg)
      return
    end if
    starts = nint(values*unit_seconds, int64) + origin
    call set_intervals(file, stamp_of(file, ncid, values(1)), starts, times, stat, errmsg)
    if (stat == success .and. is_mixed_calendar(calendar) .and. times%first_day < reform_day) then
      call input_error(file, "time of the calendar '"//calendar//"' begins before 15 October "// &
        'of 1582, where that calendar is Julian; use proleptic_gregorian', stat, errmsg)
    end if
  end subroutine read_times

  !> Which part of the interval the stamps mark: attribute `stamp` of time, else by its CF bounds,
  !> else empty.
  function stamp_of(file, ncid, first_stamp) result(stamp)
    character(*), intent(in) :: file  !< path
    integer, intent(in) :: ncid  !< netCDF id
    real(wp), intent(in) :: first_stamp  !< first stamp
    character(:), allocatable :: stamp
    character(:), allocatable :: bounds_name, errmsg
    type(value_encoding) :: encoding
    real(wp) :: bounds(2)
    integer :: varid, stat
    stamp = text_attribute(ncid, 'time', 'stamp')
    bounds_name = text_attribute(ncid, 'time', 'bounds')
    if (stamp /= '' .or. .not. has_variable(ncid, bounds_name)) return
    stat = success
    call find_values(file, ncid, bounds_name, varid, encoding, stat, errmsg)
    if (stat /= success) return
    if (nf90_get_var(ncid, varid, bounds, start=[1, 1], count=[2, 1]) /= nf90_noerr) return
    call decode(encoding, unset, bounds)
    if (.not. all(is_set(bounds)) .or. bounds(2) <= bounds(1)) return
    select case (nint(4.0_wp*(first_stamp - bounds(1))/(bounds(2) - bounds(1))))
    case (0)
      stamp = 'start'
    case (2)
      stamp = 'middle'
    case (4)
      stamp = 'end'
    case default
      stamp = ''
    end select
  end function stamp_of

  !> Read `UNIT since YYYY-MM-DD [hh:mm[:ss]]`, with or without `Z`, `UTC` or an offset of 0.
  pure subroutine parse_units(units, with_leap_days, mixed, unit_seconds, origin, local, stat)
    character(*), intent(in) :: units  !< units of time
    logical, intent(in) :: with_leap_days  !< whether the calendar has leap days
    logical, intent(in) :: mixed  !< whether dates before 15 October 1582 are Julian
    real(wp), intent(out) :: unit_seconds  !< length of the unit [s]
    !> Seconds from 0001-01-01 to the time that is counted from.
    integer(int64), intent(out) :: origin
    logical, intent(out) :: local  !< false where an offset from UTC is given
    integer, intent(out) :: stat  !< 0 on success
    type(calendar_date) :: date
    character(:), allocatable :: clock
    real(wp) :: second
    integer :: at, hour, minute, colon, day
    stat = bad_input
    local = .true.
    unit_seconds = 0.0_wp
    origin = 0_int64
    at = index(units, ' since ')
    if (at == 0) return
    select case (lower(adjustl(units(:at - 1))))
    case ('days', 'day', 'd')
      unit_seconds = 86400.0_wp
    case ('hours', 'hour', 'hr', 'h')
      unit_seconds = 3600.0_wp
    case ('minutes', 'minute', 'min')
      unit_seconds = 60.0_wp
    case ('seconds', 'second', 'sec', 's')
      unit_seconds = 1.0_wp
    case default
      return
    end select
    clock = trim(adjustl(units(at + 7:)))
    at = scan(clock//' ', ' T')
    call parse_date(clock(:at - 1), with_leap_days, date, stat)
    if (stat /= 0) return
    hour = 0
    minute = 0
    second = 0.0_wp
    clock = adjustl(clock(min(at + 1, len(clock) + 1):))
    at = scan(clock//' ', ' +-ZUGzug')
    local = verify(clock(min(at, len(clock) + 1):), ' +-0:.ZUTCGMzutcgm') == 0
    clock = clock(:at - 1)
    colon = index(clock, ':')
    if (colon > 1) then
      read(clock(:colon - 1), *, iostat=stat) hour
      clock = clock(colon + 1:)
      colon = scan(clock//' ', ': ')
      if (stat == 0) read(clock(:colon - 1), *, iostat=stat) minute
      if (stat == 0 .and. colon < len(clock)) then
        if (clock(colon:colon) == ':') then
          clock = clock(colon + 1:)
          read(clock, *, iostat=stat) second
        end if
      end if
    end if
    day = day_number(date)
    if (mixed .and. day < reform_day) then
      day = julian_day_number(date)
      if (day >= reform_day) stat = bad_input  ! 5 to 14 October 1582 were not
    end if
    origin = 86400_int64*day + 3600*hour + 60*minute + nint(second)
  end subroutine parse_units

  !> Find the interval, check that it is the same everywhere, and find the whole days.
  pure subroutine set_intervals(file, stamp, starts, times, stat, errmsg)
    character(*), intent(in) :: file  !< path
    character(*), intent(in) :: stamp  !< attribute `stamp` of time
    integer(int64), intent(inout) :: starts(:)  !< stamps, seconds since 0001-01-01
    type(forcing_times), intent(inout) :: times  !< the axis
    integer, intent(inout) :: stat  !< exit code
    character(:), allocatable, intent(inout) :: errmsg  !< message if stat is not 0
    integer(int64) :: step
    integer :: i, n
    n = size(starts)
    times%n_records = n
    times%interval = 86400
    if (n > 1) then
      step = nint(real(starts(n) - starts(1), wp)/(n - 1), int64)
      if (abs(step - (starts(2) - starts(1))) > 2_int64) step = starts(2) - starts(1)
      do i = 2, n
        if (abs(starts(i) - starts(i - 1) - step) <= 2_int64) cycle
        call input_error(file, 'time is not evenly spaced: '// &
          to_text(starts(i) - starts(i - 1))//' s after '//stamp_text(starts(i - 1))// &
          ', '//to_text(step)//' s before', stat, errmsg)
        return
      end do
      if (step < 60_int64 .or. step > 86400_int64) step = 7_int64
      times%interval = int(step)
    end if
    if (mod(86400, times%interval) /= 0) then
      call input_error(file, 'the interval of time is not a part of a day; expected hourly, '// &
        '3-hourly or daily records', stat, errmsg)
      return
    end if
    select case (lower(stamp))
    case ('', 'start')
    case ('middle')
      starts = starts - times%interval/2
    case ('end')
      starts = starts - times%interval
    case default
      call input_error(file, "time:stamp is '"//stamp//"', expected start, middle or end", &
        stat, errmsg)
      return
    end select
    times%per_day = 86400/times%interval
    do i = 1, min(n, times%per_day)
      if (mod(starts(i) + 1_int64, 86400_int64) <= 2_int64) exit
    end do
    times%first_record = i
    times%n_days = 0
    if (i <= min(n, times%per_day)) times%n_days = (n - i + 1)/times%per_day
    if (times%n_days < 1) then
      call input_error(file, 'no interval begins at midnight (the first at '// &
        stamp_text(starts(1))//'); mend time or say time:stamp = start, middle or end', &
        stat, errmsg)
      return
    end if
    times%first_day = int((starts(i) + 1_int64)/86400_int64)

  contains

    !> A time as text.
    pure function stamp_text(seconds)
      integer(int64), intent(in) :: seconds  !< seconds since 0001-01-01
      character(:), allocatable :: stamp_text
      character(6) :: clock
      integer :: of_day
      of_day = int(modulo(seconds, 86400_int64))
      write(clock, '(1x, i2.2, ":", i2.2)') of_day/3600, mod(of_day, 3600)/60
      stamp_text = format_date(date_of_day(int((seconds - of_day)/86400_int64), times%leap_days)) &
        //clock
    end function stamp_text

  end subroutine set_intervals

end module time_axis
