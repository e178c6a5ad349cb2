!> Change of a site over the years: drainage or rewetting, a vegetation shift, a random walk of
!> methane production, collapse of thawing permafrost, better cultivars.
!>
!> Each first of January the parameters of the year are made from those given, so that a run from a
!> restart file goes on with the same ones. What the year brings depends on the calendar year, the
!> site's own random numbers and, for permafrost, two memories in the state: the deepest thaw of the
!> year and how far the ground has collapsed.
module evolution
  use column_state, only: site_static, column_type
  use constants, only: t_freeze
  use kinds, only: wp
  use parameters, only: site_parameters, set_bounded
  use random, only: random_stream, seed_stream, normal_pair
  use soil_grid, only: nsoil, z_top, z_bottom
  use soil_heat, only: freezing_range
  implicit none (type, external)
  private
  public :: parameters_of_year, track_thaw, end_thaw_year

  integer, parameter :: walk_stream = 7919  !< parts the walk's random numbers from the weather's
  !> year in which cultivars are those of the parameters
  integer, parameter :: cultivar_start = 2000

contains

  !> Parameters of a calendar year from those given; only what changes is set in `p`.
  subroutine parameters_of_year(seed, site_number, year, static, base, thaw, p)
    integer, intent(in) :: seed  !< of the run
    integer, intent(in) :: site_number(:)  !< (nsite)
    integer, intent(in) :: year  !< calendar year
    type(site_static), intent(in) :: static  !< site description
    type(site_parameters), intent(in) :: base  !< parameters given
    real(wp), intent(in) :: thaw(:)  !< collapse of permafrost 0..1, (nsite)
    type(site_parameters), intent(inout) :: p  !< parameters of the year
    real(wp) :: lasting, shift, better
    integer :: i
    do i = 1, static%nsite
      lasting = ramp(year, base%drain_year(i), base%drain_span(i))
      shift = logistic(year, base%shift_year(i), base%shift_span(i))
      better = 1.0_wp
      if (base%rotation(i) > 0.0_wp) then
        better = (1.0_wp + base%cultivar_trend(i))**(year - cultivar_start)
      end if
      p%k_out(i) = base%k_out(i)*base%drain_factor(i)**lasting*base%thaw_k_out(i)**thaw(i)
      p%h_max(i) = base%h_max(i) + base%thaw_h_max(i)*thaw(i)
      p%lai_max(i) = base%lai_max(i)*base%shift_lai(i)**shift
      p%tveg(i) = base%tveg(i)*base%shift_tveg(i)**shift
      p%kphio(i) = base%kphio(i)*better
      p%mgo(i) = base%mgo(i)
      if (base%mgo_walk(i) > 0.0_wp .and. base%mgo(i) > 0.0_wp) then
        p%mgo(i) = base%mgo(i)*exp(base%mgo_walk(i) &
          *walk(seed, site_number(i), year - nint(base%walk_year(i))))
      end if
    end do
    call set_bounded(p, [character(16) :: 'k_out', 'h_max', 'lai_max', 'tveg', 'kphio', 'mgo'])
  end subroutine parameters_of_year

  !> Share of a change that takes `span` years from the start of `start`; 0 before and without a
  !> start.
  elemental real(wp) function ramp(year, start, span)
    integer, intent(in) :: year  !< calendar year
    real(wp), intent(in) :: start  !< its first year, 0 for never
    real(wp), intent(in) :: span  !< [year]
    ramp = 0.0_wp
    if (start > 0.0_wp) ramp = min(1.0_wp, max(0.0_wp, (real(year, wp) - start + 1.0_wp)/span))
  end function ramp

  !> Share of a logistic change that goes from 12 to 88 per cent in `span` years around `middle`.
  elemental real(wp) function logistic(year, middle, span)
    integer, intent(in) :: year  !< calendar year
    real(wp), intent(in) :: middle  !< year of half the change, 0 for never
    real(wp), intent(in) :: span  !< [year]
    logistic = 0.0_wp
    if (middle > 0.0_wp) logistic = 1.0_wp/(1.0_wp + exp(-4.0_wp*(real(year, wp) - middle)/span))
  end function logistic

  !> Random walk of `steps` years with steps of unit deviation; zero before it starts.
  pure real(wp) function walk(seed, site_number, steps)
    integer, intent(in) :: seed  !< of the run
    integer, intent(in) :: site_number  !< number of the site
    integer, intent(in) :: steps  !< years since the start
    type(random_stream) :: stream
    real(wp) :: step, unused
    integer :: k
    walk = 0.0_wp
    call seed_stream(stream, ieor(seed, walk_stream), site_number)
    do k = 1, steps
      call normal_pair(stream, step, unused)
      walk = walk + step
    end do
  end function walk

  !> Deepest thaw of the year so far: the top of the first layer in which most of the water that can
  !> freeze is frozen.
  pure subroutine track_thaw(n, temperature, active_layer)
    integer, intent(in) :: n  !< number of sites
    real(wp), intent(in) :: temperature(n, nsoil)  !< [K]
    real(wp), intent(inout) :: active_layer(n)  !< [m]
    real(wp) :: depth
    integer :: i, k
    do i = 1, n
      depth = z_bottom(nsoil)
      do k = 1, nsoil
        if (temperature(i, k) > t_freeze - 0.5_wp*freezing_range) cycle
        depth = z_top(k)
        exit
      end do
      active_layer(i) = max(active_layer(i), depth)
    end do
  end subroutine track_thaw

  !> At the end of a year: permafrost that thawed beyond `thaw_depth` goes on collapsing. Ground
  !> without permafrost, which thaws to the bottom, goes on too once it began, but does not begin.
  pure subroutine end_thaw_year(p, state)
    type(site_parameters), intent(in) :: p  !< parameters
    type(column_type), intent(inout) :: state  !< state
    integer :: i
    do i = 1, state%nsite
      if (p%thaw_depth(i) > 0.0_wp .and. state%active_layer(i) > p%thaw_depth(i)) then
        if (state%thaw(i) > 0.0_wp .or. state%active_layer(i) < z_bottom(nsoil)) then
          state%thaw(i) = min(1.0_wp, state%thaw(i) + 1.0_wp/p%thaw_span(i))
        end if
      end if
      state%active_layer(i) = 0.0_wp
    end do
  end subroutine end_thaw_year

end module evolution
