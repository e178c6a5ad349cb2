!> What a land model has anyway: a configuration, a calendar, and soil water of its own.
module land_model
  use, intrinsic :: iso_fortran_env, only: real64
  implicit none (type, external)
  private

  public :: configuration, read_configuration, date_of_step, soil_water_step, water_table

  !> One run.
  type :: configuration
    character(256) :: artefact = 'model.pt'  !< the emulator
    character(16) :: backend = ''  !< '' is the artefact's first that works
    character(256) :: forcing = 'forcing.nc'  !< drivers and site attributes
    character(256) :: history = 'history.nc'  !< fluxes, written
    character(256) :: restart_in = ''  !< '' starts afresh
    character(256) :: restart_out = 'restart.nc'  !< written at the end
    character(16) :: calendar = 'noleap'  !< or 'standard', '360_day'
    integer :: start(3) = [2001, 1, 1]  !< year, month, day at which the run began
    integer :: dt = 3600  !< step [s]
    integer :: steps = 24  !< steps to do now
    logical :: round_robin = .false.  !< deal the cells out to the ranks one by one (example 03)
  end type configuration

contains

  !> Read the namelist file named on the command line.
  subroutine read_configuration(config)
    type(configuration), intent(out) :: config
    character(256) :: artefact, forcing, history, restart_in, restart_out, path
    character(16) :: backend, calendar
    integer :: start(3), dt, steps, unit
    logical :: round_robin
    namelist /land/ artefact, backend, forcing, history, restart_in, restart_out, calendar, &
      start, dt, steps, round_robin

    artefact = config%artefact
    backend = config%backend
    forcing = config%forcing
    history = config%history
    restart_in = config%restart_in
    restart_out = config%restart_out
    calendar = config%calendar
    start = config%start
    dt = config%dt
    steps = config%steps
    round_robin = config%round_robin
    call get_command_argument(1, path)
    open (newunit=unit, file=path, status='old', action='read')
    read (unit, nml=land)
    close (unit)
    config = configuration(artefact, backend, forcing, history, restart_in, restart_out, calendar, &
      start, dt, steps, round_robin)
  end subroutine read_configuration

  !> Date at which step `step` (from 0) of a run begins, and the seconds since midnight.
  subroutine date_of_step(config, step, year, month, day, seconds)
    type(configuration), intent(in) :: config
    integer, intent(in) :: step  !< steps done since the start of the run
    integer, intent(out) :: year, month, day  !< the date
    integer, intent(out) :: seconds  !< since midnight
    integer :: per_day, i

    per_day = 86400 / config%dt
    seconds = mod(step, per_day) * config%dt
    year = config%start(1)
    month = config%start(2)
    day = config%start(3)
    do i = 1, step / per_day
      day = day + 1
      if (day <= days_in_month(config%calendar, year, month)) cycle
      day = 1
      month = month + 1
      if (month <= 12) cycle
      month = 1
      year = year + 1
    end do
  end subroutine date_of_step

  !> Days of a month.
  pure integer function days_in_month(calendar, year, month)
    character(*), intent(in) :: calendar  !< 'standard', 'noleap' or '360_day'
    integer, intent(in) :: year, month  !< the month
    integer, parameter :: days(*) = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

    days_in_month = days(month)
    if (calendar == '360_day') days_in_month = 30
    if (calendar /= 'standard' .or. month /= 2) return
    if (mod(year, 400) == 0 .or. (mod(year, 4) == 0 .and. mod(year, 100) /= 0)) days_in_month = 29
  end function days_in_month

  !> A bucket: rain comes in, a fixed share of what is there leaves in a day.
  elemental function soil_water_step(rain, dt, water) result(next)
    real(real64), intent(in) :: rain  !< [kg m-2 s-1]
    integer, intent(in) :: dt  !< step [s]
    real(real64), intent(in) :: water  !< before [kg m-2]
    real(real64) :: next  !< after [kg m-2]

    next = water + dt * (rain - 0.01_real64 * water / 86400.0_real64)
  end function soil_water_step

  !> Depth of the water table [m], positive below the surface, in 1 m of soil that holds 400 kg m-2.
  elemental function water_table(water) result(depth)
    real(real64), intent(in) :: water  !< [kg m-2]
    real(real64) :: depth

    depth = max(-0.1_real64, 1.0_real64 - water / 400.0_real64)
  end function water_table

end module land_model
