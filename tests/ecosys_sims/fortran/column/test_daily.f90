!> The daily mode, one step of soil a day, agrees with hourly steps at a typical site of each biome.
program test_daily
  use balance, only: n_balances
  use checks, only: check, check_close, check_range, finish
  use column, only: column_model, physics_day_start, surface_step, soil_step, physics_day_end, &
    biogeochemistry_day, check_balances
  use column_runs, only: n_typical, typical_sites
  use column_state, only: step_forcing, allocate_forcing
  use kinds, only: wp
  use parameters, only: biome_names
  use synthetic_weather, only: weather_of_hour
  implicit none (type, external)
  integer, parameter :: n = n_typical, first_year = 1, years = 3, month = 73  !< fifths of a year
  integer, parameter :: n_months = 5*(years - first_year)
  real(wp), parameter :: et_tolerance = 0.05_wp  !< of annual evapotranspiration [1]
  real(wp), parameter :: gpp_tolerance = 0.03_wp  !< of annual GPP [1]
  real(wp), parameter :: t_tolerance = 0.7_wp  !< of soil temperature at 0.10 m [K]
  real(wp), parameter :: snow_tolerance = 1.0_wp  !< of snow water equivalent [kg m-2]
  real(wp), parameter :: table_tolerance = 0.15_wp  !< of water table depth [m]
  !> sums of a run
  type :: run_sums
    real(wp) :: et(n) = 0.0_wp, gpp(n) = 0.0_wp
    real(wp) :: tsl(n, n_months) = 0.0_wp, snw(n, n_months) = 0.0_wp, wtd(n, n_months) = 0.0_wp
  end type run_sums
  type(run_sums) :: hourly, daily
  integer :: k
  hourly = run(1)
  daily = run(24)
  print '(2a)', 'biome               ET hourly, daily [kg m-2]  GPP [gC m-2]    ', &
    'worst tsl [K]  snw [kg m-2]  wtd [m]'
  do k = 1, n
    print '(a16,4f10.1,3f12.3)', biome_names(k), hourly%et(k), daily%et(k), hourly%gpp(k), &
      daily%gpp(k), difference(daily%tsl, hourly%tsl), difference(daily%snw, hourly%snw), &
      difference(daily%wtd, hourly%wtd)
    call check_close(daily%et(k), hourly%et(k), et_tolerance, 'daily ET of '//trim(biome_names(k)))
    call check_close(daily%gpp(k), hourly%gpp(k), gpp_tolerance, &
      'daily GPP of '//trim(biome_names(k)))
    call check_range(difference(daily%tsl, hourly%tsl), 0.0_wp, t_tolerance, &
      'difference of soil temperature of '//trim(biome_names(k)))
    call check_range(difference(daily%snw, hourly%snw), 0.0_wp, snow_tolerance, &
      'difference of snow of '//trim(biome_names(k)))
    call check_range(difference(daily%wtd, hourly%wtd), 0.0_wp, table_tolerance, &
      'difference of the water table of '//trim(biome_names(k)))
  end do
  call check(any(abs(daily%et - hourly%et) > 1.0e-6_wp*hourly%et), &
    'the daily mode is not another one')
  call finish('test_daily')

contains

  !> Largest difference of the means of a fifth of a year at site k.
  real(wp) function difference(a, b)
    real(wp), intent(in) :: a(n, n_months), b(n, n_months)  !< means
    difference = maxval(abs(a(k, :) - b(k, :)))
  end function difference

  !> Some years with soil steps of `hours`.
  function run(hours) result(sums)
    integer, intent(in) :: hours  !< of a soil step
    type(run_sums) :: sums  !< of the years from `first_year`
    type(column_model) :: c
    type(step_forcing) :: forcing
    character(:), allocatable :: errmsg
    real(wp) :: worst(n_balances)
    integer :: day, hour, stat, i, m
    worst = 0.0_wp
    call typical_sites(c)
    call allocate_forcing(forcing, n)
    do day = 0, 365*years - 1
      call physics_day_start(c, 2001 + day/365, modulo(day, 365) + 1)
      do hour = 0, 23
        call weather_of_hour(c%static, [(i, i=1, n)], day, hour, 0.0_wp, forcing)
        call surface_step(c, forcing, 3600.0_wp)
        if (modulo(hour + 1, hours) == 0) call soil_step(c, 3600.0_wp*hours)
      end do
      call physics_day_end(c)
      call biogeochemistry_day(c)
      call check_balances(c, .false., worst, stat, errmsg)
      call check(stat == 0, errmsg)
      m = day/month - 5*first_year + 1
      if (m < 1) cycle
      sums%et = sums%et + c%fluxes%evaporation/(years - first_year)
      sums%gpp = sums%gpp + c%fluxes%gpp/(years - first_year)
      sums%tsl(:, m) = sums%tsl(:, m) + c%fluxes%tsl/month
      sums%snw(:, m) = sums%snw(:, m) + c%fluxes%snw/month
      sums%wtd(:, m) = sums%wtd(:, m) + c%fluxes%wtd/month
    end do
  end function run

end program test_daily
