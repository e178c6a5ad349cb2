!> Permafrost of cold sites: the ground starts near the temperature that it keeps, freezes to the
!> bottom and thaws to a plausible depth in summer.
program test_permafrost
  use balance, only: n_balances
  use checks, only: check, check_range, finish
  use column, only: column_model, physics_day_start, surface_step, soil_step, physics_day_end, &
    check_balances
  use column_runs, only: make_sites
  use column_state, only: step_forcing, allocate_forcing
  use constants, only: t_freeze
  use evolution, only: track_thaw
  use kinds, only: wp
  use soil_grid, only: nsoil
  use synthetic_weather, only: weather_of_hour
  implicit none (type, external)
  integer, parameter :: n = 6
  ! wet tundra and tundra at -8, -10 and -12 degC
  integer, parameter :: biome(n) = [5, 5, 5, 12, 12, 12]
  real(wp), parameter :: t_ann(n) = t_freeze - [8.0_wp, 10.0_wp, 12.0_wp, 8.0_wp, 10.0_wp, 12.0_wp]
  type(column_model) :: c
  real(wp) :: early(n), late(n), thaw(n)
  integer :: i
  call make_sites(c, biome, spread(69.0_wp, 1, n), t_ann, spread(300.0_wp, 1, n), &
    spread(50.0_wp, 1, n))
  call run_years(1, 3, early, thaw)
  do i = 1, n
    call check_range(thaw(i), 0.25_wp, 1.0_wp, 'active layer [m]')
    call check(all(c%state%ice(i, nsoil - 3:) > c%state%liquid(i, nsoil - 3:)), &
      'the ground is not frozen')
  end do
  call run_years(4, 25, late, thaw)
  do i = 1, n
    print '(i4,f8.1,3f9.2)', biome(i), t_ann(i) - t_freeze, early(i) - t_freeze, &
      late(i) - t_freeze, thaw(i)
    call check_range(late(i) - early(i), -1.5_wp, 1.5_wp, &
      'change of the ground at 4 m over 22 years [K]')
    call check_range(thaw(i), 0.25_wp, 1.0_wp, 'active layer of later years [m]')
    call check_range(late(i) - t_ann(i), 0.0_wp, 7.0_wp, 'ground over air [K]')
  end do
  call finish('test_permafrost')

contains

  !> Run years in daily mode.
  subroutine run_years(first, last, deep, thaw)
    integer, intent(in) :: first, last  !< years
    real(wp), intent(out) :: deep(n)  !< lowest layer, mean of the last year [K]
    real(wp), intent(out) :: thaw(n)  !< deepest thaw of the last year [m]
    type(step_forcing) :: forcing
    character(:), allocatable :: errmsg
    real(wp) :: worst(n_balances)
    integer :: day, hour, stat, k
    worst = 0.0_wp
    deep = 0.0_wp
    thaw = 0.0_wp
    call allocate_forcing(forcing, n)
    do day = 365*(first - 1), 365*last - 1
      call physics_day_start(c, 2001 + day/365, modulo(day, 365) + 1)
      do hour = 0, 23
        call weather_of_hour(c%static, [(k, k=1, n)], day, hour, 0.0_wp, forcing)
        call surface_step(c, forcing, 3600.0_wp)
      end do
      call soil_step(c, 86400.0_wp)
      call physics_day_end(c)
      call check_balances(c, .false., worst, stat, errmsg)
      call check(stat == 0, errmsg)
      if (day < 365*(last - 1)) cycle
      deep = deep + c%state%soil_temperature(:, nsoil)/365.0_wp
      call track_thaw(n, c%state%soil_temperature, thaw)
    end do
  end subroutine run_years

end program test_permafrost
