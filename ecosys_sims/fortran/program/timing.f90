!> Wall-clock time of the parts of a run.
module timing
  use, intrinsic :: iso_fortran_env, only : int64
  use kinds, only : wp
  use text, only : json_string, to_text
  implicit none
  private

  public :: stopwatch, start_watch, lap, timing_json
  public :: part_forcing, part_physics, part_biogeochemistry, part_history, part_other

  ! Parts of a run.
  integer, parameter :: part_forcing = 1, part_physics = 2, part_biogeochemistry = 3
  integer, parameter :: part_history = 4, part_other = 5

  !> Ticks spent in each part.
  type :: stopwatch
    !> Start of the run, and of the part that runs.
    integer(int64), private :: begin = 0, last = 0
    !> Ticks of each part.
    integer(int64), private :: ticks(5) = 0
  end type stopwatch

contains

  !> Start all clocks.
  subroutine start_watch(watch)
    !> Watch.
    type(stopwatch), intent(out) :: watch
    call system_clock(watch%begin)
    watch%last = watch%begin
  end subroutine start_watch

  !> Book the time since the last call on a part.
  subroutine lap(watch, part)
    !> Watch.
    type(stopwatch), intent(inout) :: watch
    !> Part that ends.
    integer, intent(in) :: part
    integer(int64) :: now
    call system_clock(now)
    watch%ticks(part) = watch%ticks(part) + now - watch%last
    watch%last = now
  end subroutine lap

  !> The times as JSON.
  function timing_json(watch, site_years, bgc_scheme) result(json)
    !> Watch.
    type(stopwatch), intent(in) :: watch
    !> Site-years of the run, with its spin-up.
    real(wp), intent(in) :: site_years
    !> Who computed the fluxes.
    character(*), intent(in) :: bgc_scheme
    character(:), allocatable :: json
    integer(int64) :: now, rate
    call system_clock(now, rate)
    json = '{"forcing_s": '//seconds(watch%ticks(part_forcing)) &
      //', "physics_s": '//seconds(watch%ticks(part_physics)) &
      //', "biogeochemistry_s": '//seconds(watch%ticks(part_biogeochemistry)) &
      //', "history_s": '//seconds(watch%ticks(part_history)) &
      //', "wall_s": '//seconds(now - watch%begin) &
      //', "site_years": '//to_text(site_years, 8) &
      //', "bgc_scheme": '//json_string(bgc_scheme)//'}'//new_line('a')

  contains

    !> Ticks in seconds.
    function seconds(ticks)
      !> Ticks.
      integer(int64), intent(in) :: ticks
      character(:), allocatable :: seconds
      seconds = to_text(real(ticks, wp)/real(rate, wp), 6)
    end function seconds

  end function timing_json

end module timing
