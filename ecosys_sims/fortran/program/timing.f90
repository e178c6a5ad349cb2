!> Wall-clock time of the parts of a run.
module timing
  use, intrinsic :: iso_fortran_env, only: int64
  use kinds, only: wp
  use text, only: json_string, to_text
  implicit none (type, external)
  private

  public :: stopwatch, start_watch, lap, timing_json
  public :: part_forcing, part_physics, part_biogeochemistry, part_history, part_other

  ! Parts of a run.
  integer, parameter :: part_forcing = 1, part_physics = 2, part_biogeochemistry = 3
  integer, parameter :: part_history = 4, part_other = 5, n_parts = 5

  !> Ticks spent in each part.
  type :: stopwatch
    integer(int64), private :: begin = 0, last = 0  !< start of the run, and of the part that runs
    integer(int64), private :: ticks(n_parts) = 0  !< ticks of each part
  end type stopwatch

contains

  !> Start all clocks.
  subroutine start_watch(watch)
    type(stopwatch), intent(out) :: watch  !< watch
    call system_clock(watch%begin)
    watch%last = watch%begin
  end subroutine start_watch

  !> Book the time since the last call on a part.
  subroutine lap(watch, part)
    type(stopwatch), intent(inout) :: watch  !< watch
    integer, intent(in) :: part  !< part that ends
    integer(int64) :: now
    call system_clock(now)
    watch%ticks(part) = watch%ticks(part) + now - watch%last
    watch%last = now
  end subroutine lap

  !> The times as JSON.
  function timing_json(watch, site_years, bgc_scheme) result(json)
    type(stopwatch), intent(in) :: watch  !< watch
    real(wp), intent(in) :: site_years  !< site-years of the run, with its spin-up
    character(*), intent(in) :: bgc_scheme  !< who computed the fluxes
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
      integer(int64), intent(in) :: ticks  !< ticks
      character(:), allocatable :: seconds
      seconds = to_text(real(ticks, wp)/real(rate, wp), 6)
    end function seconds

  end function timing_json

end module timing
