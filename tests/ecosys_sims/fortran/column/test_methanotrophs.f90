!> The two guilds of methanotrophs: responses, carbon, steady state, and uptake by uplands against
!> the published scheme of Ridgwell et al. (1999) and Curry (2007).
program test_methanotrophs
  use balance, only: n_balances
  use checks, only: check, check_close, check_range, finish
  use column, only: column_model, biogeochemistry_step, spinup_year_end
  use column_runs, only: make_sites, run_day
  use column_state, only: step_forcing, allocate_forcing
  use constants, only: t_freeze, gas_constant
  use exponential, only: exponentials
  use kinds, only: wp
  use methanotrophs, only: acidity_response, ammonium_response, moisture_response, biomass_day
  use soil_grid, only: nch4, dz
  implicit none (type, external)
  call exponential_function()
  call responses()
  call biomass()
  call moisture_and_warmth()
  call spun_up()
  call finish('test_methanotrophs')

contains

  !> The fast exponential against the exact one.
  subroutine exponential_function()
    real(wp) :: x(321), y(321)
    integer :: k
    x = [(0.1_wp*real(k, wp), k=-160, 160)]
    y = x
    call exponentials(size(y), y)
    call check(maxval(abs(y/exp(x) - 1.0_wp)) < 1.0e-4_wp, 'the exponential is off')
    call check(maxval(abs(y/exp(x) - 1.0_wp), abs(x) < 8.0_wp) < 1.0e-6_wp, &
      'the exponential is off near 1')
    y(1) = -1.0e3_wp
    call exponentials(1, y)
    call check_range(y(1), 0.0_wp, 1.2e-7_wp, 'the exponential of a large negative number')
  end subroutine exponential_function

  !> Responses to acidity, ammonium and moisture.
  subroutine responses()
    call check(all(acidity_response([4.0_wp, 5.5_wp, 7.0_wp]) >= 1.0_wp), 'pH 4 to 7 is not best')
    call check(all(acidity_response([2.0_wp, 10.0_wp]) <= 0.0_wp), 'uptake in acid or lye')
    call check_close(ammonium_response(0.0_wp, 20.0_wp, 0.5_wp), 1.0_wp, 1.0e-12_wp, 'no ammonium')
    ! 20 mg kg-1 in 0.30 m of soil of bulk density 1325 kg m-3
    call check_close(ammonium_response(7.95_wp, 20.0_wp, 0.5_wp), 0.5_wp, 1.0e-12_wp, &
      'ammonium that halves uptake')
    call check(moisture_response(0.4_wp) > 0.999_wp, 'moisture response at its optimum')
    call check(moisture_response(1.0_wp) < 1.0e-6_wp, 'moisture response of a full soil')
  end subroutine responses

  !> A day conserves carbon, and constant growth ends in the biomass that loses as much.
  subroutine biomass()
    real(wp), parameter :: yield = 0.3_wp, maintenance = 0.003_wp, death = 0.002_wp, &
      crowded = 0.03_wp
    real(wp), dimension(nch4) :: uptake, fit, heat, ham, active
    real(wp) :: uptake_carbon, respired, died, grown, before, lost
    integer :: day
    ham = 0.05_wp
    active = 0.5_wp
    do day = 1, 4000
      uptake = 1.0e-4_wp
      fit = 0.6_wp*86400.0_wp
      heat = 15.0_wp*86400.0_wp
      before = sum(ham*dz(1:nch4))
      call biomass_day(yield, maintenance, death, crowded, 10.0_wp, 40.0_wp, uptake, fit, heat, &
        ham, active, uptake_carbon, respired, died, grown)
      call check(abs(sum(ham*dz(1:nch4)) - before - (grown - respired - died)) < 1.0e-14_wp, &
        'carbon of the guild')
    end do
    call check_close(grown, yield*uptake_carbon, 1.0e-12_wp, 'yield')
    call check_close(active(1), 0.6_wp, 1.0e-6_wp, 'activity at rest')
    lost = maintenance*0.6_wp*2.0_wp**0.5_wp + death*(1.0_wp + ham(1)/crowded)
    call check_close(yield*12.011_wp*1.0e-4_wp, lost*ham(1), 1.0e-6_wp, 'steady biomass')
    call check(maxval(abs([uptake, fit, heat])) <= 0.0_wp, 'sums are not cleared')
  end subroutine biomass

  !> Uptake of uplands with given moisture and temperature, biomass as a mean year leaves it;
  !> `rate` is the mean first-order rate of the upper 0.10 m per concentration in soil air, the rate
  !> of D C'' = k C.
  subroutine held_uplands(filled, warmth, uptake, rate)
    real(wp), intent(in) :: filled(:)  !< water-filled share of the pores [1]
    real(wp), intent(in) :: warmth(:)  !< soil temperature [degC]
    real(wp), intent(out) :: uptake(:)  !< [mg m-2 day-1]
    real(wp), intent(out) :: rate(:)  !< [s-1]
    type(column_model) :: c
    type(step_forcing) :: forcing
    integer :: step, n, i
    n = size(filled)
    call make_sites(c, spread(8, 1, n), spread(45.0_wp, 1, n), spread(t_freeze + 12.0_wp, 1, n), &
      spread(900.0_wp, 1, n), spread(30.0_wp, 1, n))
    call allocate_forcing(forcing, n)
    forcing%tair = t_freeze + warmth
    forcing%psurf = 101325.0_wp
    forcing%ch4 = 1850.0_wp
    forcing%wind = 3.0_wp
    do i = 1, n
      c%state%liquid(i, :) = filled(i)*c%work%soil%capacity(i, :)
      c%state%ice(i, :) = 0.0_wp
      c%state%soil_temperature(i, :) = t_freeze + warmth(i)
    end do
    do step = 1, 20*24
      if (step == 19*24 + 1) c%fluxes%ch4_diffusion = 0.0_wp
      call biogeochemistry_step(c, forcing, 3600.0_wp)
    end do
    uptake = -c%fluxes%ch4_diffusion
    rate = matmul(c%work%oxidation%sink(:, 1:5)*c%work%methane%solubility(:, 1:5), dz(1:5)) &
      /sum(dz(1:5))*gas_constant*(t_freeze + warmth)
  end subroutine held_uplands

  !> Uptake of the published scheme [mg m-2 day-1], for the soil of `held_uplands`.
  elemental real(wp) function published(filled, warmth)
    real(wp), intent(in) :: filled  !< [1]
    real(wp), intent(in) :: warmth  !< [degC]
    real(wp), parameter :: porosity = 0.47_wp, b = 2.91_wp + 15.9_wp*0.2_wp
    real(wp) :: spread, rate, suction
    ! [kPa], after Clapp and Hornberger with the parameters of Cosby et al. (1984)
    suction = 9.81e-3_wp*10.0_wp*10.0_wp**(1.88_wp - 1.31_wp*0.4_wp)*filled**(-b)
    spread = 0.196_wp*(1.0_wp + 0.0055_wp*warmth)*porosity**(4.0_wp/3.0_wp) &
      *(1.0_wp - filled)**(1.5_wp + 3.0_wp/b)
    rate = 5.03e-5_wp*exp(0.0693_wp*warmth - 8.56e-7_wp*warmth**4)
    if (suction > 200.0_wp) then
      rate = rate*(1.0_wp - log10(suction/200.0_wp)/log10(1.0e5_wp/200.0_wp))**0.8_wp
    end if
    published = 586.7_wp*1.85_wp*sqrt(spread*rate)
  end function published

  !> Uptake over moisture and temperature.
  subroutine moisture_and_warmth()
    real(wp), parameter :: filled(8) = [0.2_wp, 0.3_wp, 0.4_wp, 0.5_wp, 0.6_wp, 0.7_wp, &
      0.8_wp, 0.9_wp]
    real(wp), parameter :: warmth(5) = [5.0_wp, 10.0_wp, 15.0_wp, 20.0_wp, 25.0_wp]
    real(wp) :: uptake(8), rate(8), warm(5), warm_rate(5)
    integer :: k
    call held_uplands(filled, spread(15.0_wp, 1, 8), uptake, rate)
    print '(a,8f8.3)', 'uptake by moisture [mg m-2 day-1]:', uptake
    print '(a,8f8.3)', 'published:                        ', published(filled, 15.0_wp)
    print '(a,8es8.1)', 'rate [s-1]:                       ', rate
    do k = 1, 6
      call check_range(uptake(k)/published(filled(k), 15.0_wp), 0.5_wp, 2.0_wp, &
        'uptake over that of Ridgwell and Curry, by moisture')
    end do
    do k = 4, 8
      call check(uptake(k) < uptake(k - 1), 'uptake does not fall as the soil fills')
    end do
    call check(uptake(8) < 0.1_wp*uptake(3), 'uptake of a wet soil')
    call check_range(rate(3), 2.0e-5_wp, 2.0e-4_wp, 'first-order rate at the methane of air')
    call held_uplands(spread(0.4_wp, 1, 5), warmth, warm, warm_rate)
    print '(a,5f8.3)', 'uptake by warmth [mg m-2 day-1]:  ', warm
    print '(a,5f8.3)', 'published:                        ', published(0.4_wp, warmth)
    do k = 1, 5
      call check_range(warm(k)/published(0.4_wp, warmth(k)), 0.5_wp, 2.0_wp, &
        'uptake over that of Ridgwell and Curry, by warmth')
    end do
    call check_range((warm(5)/warm(1))**0.5_wp, 1.05_wp, 1.6_wp, 'apparent Q10 of uptake')
  end subroutine moisture_and_warmth

  !> Two spin-up years bring the guild near its steady state: the third year is like the tenth.
  subroutine spun_up()
    integer, parameter :: n = 5, year = 365
    type(column_model) :: c
    type(step_forcing) :: forcing
    character(:), allocatable :: errmsg
    real(wp) :: worst(n_balances), early(n), late(n)
    integer :: day, stat, k
    worst = 0.0_wp
    early = 0.0_wp
    late = 0.0_wp
    call make_sites(c, [7, 8, 9, 10, 12], [60.0_wp, 45.0_wp, 0.0_wp, 42.0_wp, 68.0_wp], &
      t_freeze + [0.0_wp, 9.0_wp, 26.5_wp, 9.0_wp, -6.0_wp], &
      [500.0_wp, 1000.0_wp, 2600.0_wp, 600.0_wp, 350.0_wp], &
      [50.0_wp, 40.0_wp, 5.0_wp, 50.0_wp, 45.0_wp])
    do day = 0, 8*year - 1
      call run_day(c, forcing, [(k, k=1, n)], day, 0.0_wp, worst, stat, errmsg)
      call check(stat == 0, errmsg)
      if (day == year - 1 .or. day == 2*year - 1) call spinup_year_end(c)
      if (day >= 2*year .and. day < 4*year) early = early + 0.5_wp/year*c%fluxes%ch4_uptake_ham
      if (day >= 6*year) late = late + 0.5_wp/year*c%fluxes%ch4_uptake_ham
    end do
    print '(a,5f8.3)', 'uptake in years 3 and 4:', early
    print '(a,5f8.3)', 'uptake in years 7 and 8:', late
    do k = 1, n
      call check_close(early(k), late(k), 0.08_wp, 'uptake after the spin-up')
    end do
  end subroutine spun_up

end program test_methanotrophs
