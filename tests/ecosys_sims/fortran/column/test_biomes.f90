!> Annual carbon and methane fluxes of typical sites lie in the ranges of the literature.
program test_biomes
  use checks, only: check, check_range, finish
  use column, only: column_model, spinup_year_end
  use column_runs, only: n_typical, typical_sites, run_day
  use column_state, only: step_forcing
  use kinds, only: wp
  use parameters, only: biome_names
  implicit none (type, external)
  integer, parameter :: n = n_typical
  real(wp), parameter :: gpp_low(n) = [250.0_wp, 350.0_wp, 800.0_wp, 1200.0_wp, 100.0_wp, &
    1000.0_wp, &
    500.0_wp, 1000.0_wp, 2500.0_wp, 400.0_wp, 50.0_wp, &
    100.0_wp, 900.0_wp]
  real(wp), parameter :: gpp_high(n) = [900.0_wp, 900.0_wp, 2000.0_wp, 2600.0_wp, 500.0_wp, &
    2400.0_wp, &
    1100.0_wp, 1900.0_wp, 3700.0_wp, 1500.0_wp, 400.0_wp, &
    500.0_wp, &
    2000.0_wp]
  real(wp), parameter :: ch4_low(n) = [5.0_wp, 40.0_wp, 60.0_wp, 30.0_wp, 10.0_wp, 50.0_wp, &
    -2.0_wp, &
    -3.0_wp, -3.0_wp, -3.0_wp, -3.0_wp, -2.0_wp, -1.0_wp]
  real(wp), parameter :: ch4_high(n) = [60.0_wp, 200.0_wp, 300.0_wp, 150.0_wp, 80.0_wp, 400.0_wp, &
    -0.3_wp, &
    -0.3_wp, -0.3_wp, -0.2_wp, -0.2_wp, -0.1_wp, -0.1_wp]
  type(column_model) :: c
  type(step_forcing) :: forcing
  character(:), allocatable :: errmsg
  real(wp) :: gpp(n), ra(n), nee(n), ch4(n), days(n), worst(5), lai_low(n), lai_high(n)
  real(wp) :: limited(n), mineral(n)
  integer :: day, stat, k
  worst = 0.0_wp
  gpp = 0.0_wp
  limited = 0.0_wp
  mineral = 0.0_wp
  ra = 0.0_wp
  nee = 0.0_wp
  ch4 = 0.0_wp
  days = 0.0_wp
  lai_low = 99.0_wp
  lai_high = 0.0_wp
  call typical_sites(c)
  do day = 0, 4*365 - 1
    call run_day(c, forcing, [(k, k=1, n)], day, 0.0_wp, worst, stat, errmsg)
    call check(stat == 0, errmsg)
    if (day == 364 .or. day == 729) call spinup_year_end(c)
    if (day < 730) cycle
    gpp = gpp + 0.5_wp*c%fluxes%gpp
    limited = limited + 0.5_wp*c%fluxes%gpp*c%fluxes%f_n
    mineral = mineral + (c%state%ammonium + c%state%nitrate)/730.0_wp
    ra = ra + 0.5_wp*c%fluxes%ra
    nee = nee + 0.5_wp*(c%fluxes%nee + c%fluxes%harvest)  ! what is harvested is eaten elsewhere
    lai_low = min(lai_low, c%fluxes%lai)
    lai_high = max(lai_high, c%fluxes%lai)
    where (merge(c%fluxes%crop > 0.0_wp, c%state%gsi > 0.4_wp, c%params%rotation > 0.0_wp) &
      .or. .not. c%static%wetland)
      days = days + 1.0_wp
      ch4 = ch4 + c%fluxes%fch4
    end where
  end do
  ch4 = ch4/max(1.0_wp, days)
  print '(2a)', 'biome               GPP      NEE  [gC m-2 year-1]  Ra/GPP   ', &
    'CH4 of the season [mg m-2 day-1]  f_n, mineral N [g m-2]'
  do k = 1, n
    print '(a16,2f9.0,18x,f6.2,f12.2,2f8.2)', biome_names(k), gpp(k), nee(k), ra(k)/gpp(k), &
      ch4(k), limited(k)/gpp(k), mineral(k)
    call check_range(gpp(k), gpp_low(k), gpp_high(k), 'GPP of '//trim(biome_names(k)))
    call check_range(ch4(k), ch4_low(k), ch4_high(k), 'CH4 flux of '//trim(biome_names(k)))
    call check_range(limited(k)/gpp(k), 0.7_wp, 1.0_wp, 'nitrogen limit of '//trim(biome_names(k)))
    call check_range(mineral(k), 0.1_wp, 15.0_wp, 'mineral nitrogen of '//trim(biome_names(k)))
    call check_range(ra(k)/gpp(k), 0.25_wp, 0.70_wp, 'Ra/GPP of '//trim(biome_names(k)))
    call check_range(nee(k), -20.0_wp - 0.2_wp*gpp(k), 20.0_wp + 0.1_wp*gpp(k), &
      'NEE of '//trim(biome_names(k)))
  end do
  call check(lai_high(2) > 4.0_wp*lai_low(2), 'fens keep their leaves in winter')
  call check(lai_low(9) > 0.9_wp*lai_high(9), 'tropical forest sheds its leaves')
  call finish('test_biomes')
end program test_biomes
