!> Nitrogen: limits and slopes of the rates, conservation whatever the pools hold, no effect on
!> carbon where the limitation is switched off, and less growth where nitrogen is missing.
program test_nitrogen
  use balance, only: balance_broken, balances_close, n_balances
  use checks, only: check, check_close, check_range, same_bits, finish
  use column, only: column_model, column_initialise, check_balances, spinup_year_end
  use column_runs, only: random_sites, run_day
  use column_state, only: step_forcing
  use kinds, only: wp
  use nitrogen, only: litter_nitrogen, plant_nitrogen, mineral_changes, nitrification_rate, &
    denitrification_rate, nitrous_share, mineral_nitrogen_day, &
    organic_nitrogen_day, litter_of_plants, growth_limit, nitrogen_status, &
    uptake_capacity, soil_ratios, formation_ratios
  use soil_carbon, only: carbon_flows
  use synthetic_weather, only: unit_random
  implicit none (type, external)
  integer, parameter :: nsite = 13
  call rates_have_their_limits()
  call mineral_nitrogen_is_conserved()
  call organic_nitrogen_is_conserved()
  call poor_litter_waits_for_nitrogen()
  call carbon_ignores_nitrogen_without_limitation()
  call growth_follows_nitrogen()
  call a_leak_is_found()
  call finish('test_nitrogen')

contains

  !> Nitrification, denitrification and the share of N2O at their ends and in between.
  subroutine rates_have_their_limits()
    type(formation_ratios) :: poor, rich
    real(wp) :: filled, last_share, last_rate, last_wet
    integer :: k
    call check(nitrification_rate(0.1_wp, 272.0_wp, 0.6_wp, 7.0_wp) <= 0.0_wp, &
      'nitrification in frozen soil')
    call check(nitrification_rate(0.1_wp, 290.0_wp, 1.0_wp, 7.0_wp) <= 0.0_wp, &
      'nitrification in flooded soil')
    call check(nitrification_rate(0.1_wp, 290.0_wp, 0.6_wp, 7.0_wp) &
      > nitrification_rate(0.1_wp, 290.0_wp, 0.6_wp, 4.0_wp), 'nitrification is not slowed by acid')
    call check(nitrification_rate(0.1_wp, 303.0_wp, 0.6_wp, 8.0_wp) <= 0.1_wp, &
      'nitrification beyond its rate')
    call check(denitrification_rate(0.05_wp, 1.0_wp, 0.9_wp, 272.0_wp, 0.2_wp) <= 0.0_wp, &
      'denitrification in frozen soil')
    call check_close(denitrification_rate(0.05_wp, 1.0_wp, 1.0_wp, 290.0_wp, 0.2_wp), 0.025_wp, &
      1.0e-12_wp, 'denitrification of flooded soil at 1 g m-2 day-1 of respiration')
    call check_close(nitrous_share(0.0_wp), 0.7_wp, 1.0e-12_wp, 'share of N2O in dry soil')
    call check_close(nitrous_share(1.0_wp), 0.1_wp, 1.0e-12_wp, 'share of N2O in flooded soil')
    call check_close(nitrous_share(0.8_wp), 0.4_wp, 1.0e-12_wp, 'share of N2O at 0.8')
    call check_close(denitrification_rate(0.05_wp, 1.0_wp, 1.0_wp, 290.0_wp, 0.9_wp), &
      0.025_wp/3.0_wp, 1.0e-12_wp, 'denitrification of a root zone of 0.9 m')
    last_share = 1.0_wp
    last_rate = -1.0_wp
    last_wet = 0.0_wp
    do k = 0, 100
      filled = 0.01_wp*k
      call check(nitrous_share(filled) <= last_share, 'the share of N2O rises with water')
      call check(denitrification_rate(0.05_wp, 2.0_wp, filled, 290.0_wp, 0.2_wp) >= last_rate, &
        'denitrification falls with water')
      if (k <= 60) call check(nitrification_rate(0.1_wp, 290.0_wp, filled, 6.0_wp) >= last_wet, &
        'nitrification falls with water below 60 %')
      if (k > 60) call check(nitrification_rate(0.1_wp, 290.0_wp, filled, 6.0_wp) <= last_wet, &
        'nitrification rises with water above 60 %')
      last_share = nitrous_share(filled)
      last_rate = denitrification_rate(0.05_wp, 2.0_wp, filled, 290.0_wp, 0.2_wp)
      last_wet = nitrification_rate(0.1_wp, 290.0_wp, filled, 6.0_wp)
    end do
    call check(denitrification_rate(0.05_wp, 2.0_wp, 0.55_wp, 290.0_wp, 0.2_wp) <= 0.0_wp, &
      'denitrification at 55 %')
    call check(last_rate > 0.03_wp, 'no denitrification under water')
    call check_close(growth_limit(0.6_wp, 1.0_wp), 0.6_wp, 1.0e-12_wp, 'limit at full strength')
    call check_close(growth_limit(0.6_wp, 0.5_wp), 0.8_wp, 1.0e-12_wp, 'limit at half strength')
    call check(same_bits(growth_limit(1.7_wp, 1.0_wp), 1.0_wp), 'growth beyond its potential')
    call check(nitrogen_status(1.0_wp, 2.0_wp, 3.0_wp) <= 0.0_wp, 'wood lends nitrogen')
    call check(uptake_capacity(2.0_wp, 200.0_wp, 262.0_wp, 0.004_wp) <= 0.0_wp, &
      'uptake from frozen soil')
    poor = soil_ratios(0.0_wp)
    rich = soil_ratios(5.0_wp)
    call check(rich%active > poor%active .and. rich%slow > poor%slow &
      .and. rich%passive > poor%passive, 'soil is not richer where nitrogen is plentiful')
  end subroutine rates_have_their_limits

  !> Nitrification, denitrification and leaching take no more than there is, and lose nothing.
  subroutine mineral_nitrogen_is_conserved()
    type(mineral_changes) :: change
    real(wp) :: ammonium, nitrate, before, r(6)
    integer :: k, j
    do k = 1, 2000
      r = [(unit_random(k, 21, j), j=1, 6)]
      ammonium = 10.0_wp*r(1)**4
      nitrate = 10.0_wp*r(2)**4
      before = ammonium + nitrate
      call mineral_nitrogen_day(2.0_wp*r(3), 2.0_wp*r(4), 0.02_wp, r(5), 100.0_wp*(r(6) - 0.2_wp), &
        50.0_wp, ammonium, nitrate, change)
      call check(ammonium >= 0.0_wp .and. nitrate >= 0.0_wp, 'mineral nitrogen is negative')
      call check(change%n2o >= 0.0_wp .and. change%n2o <= change%gas, 'more N2O than gas')
      call check(abs(before - ammonium - nitrate - change%gas - change%leaching) < 1.0e-12_wp, &
        'mineral nitrogen is not conserved')
    end do
  end subroutine mineral_nitrogen_is_conserved

  !> A day of organic nitrogen keeps the sum, and all pools above zero, whatever they hold.
  subroutine organic_nitrogen_is_conserved()
    type(carbon_flows) :: flows
    type(litter_nitrogen) :: litter
    type(plant_nitrogen) :: plants
    real(wp) :: carbon(5), pools(5), tissue, ammonium, nitrate, before, mineralisation, slowed
    real(wp) :: r(20)
    integer :: k, j
    do k = 1, 3000
      r = [(unit_random(k, 22, j), j=1, 20)]
      carbon = [100.0_wp, 500.0_wp, 300.0_wp, 5000.0_wp, 8000.0_wp]*r(1:5)
      pools = carbon*r(6:10)**2*[0.06_wp, 0.01_wp, 0.13_wp, 0.08_wp, 0.14_wp]
      ammonium = 3.0_wp*r(11)**6
      nitrate = 3.0_wp*r(12)**6
      tissue = 20.0_wp*r(13)
      flows%metabolic = 0.04_wp*carbon(1)
      flows%structural = r(14)*0.02_wp*carbon(2)
      flows%active = r(14)*0.02_wp*carbon(3)
      flows%slow = r(14)*0.0006_wp*carbon(4)
      flows%passive = r(14)*1.0e-5_wp*carbon(5)
      flows%substrate = 5.0_wp*r(15)
      plants%demand = r(16)
      plants%fixed = 0.2_wp*r(17)
      before = sum(pools) + ammonium + nitrate + tissue
      call litter_of_plants(2.0_wp*r(18), 0.5_wp, 10.0_wp*r(19), 5.0_wp, 3.0_wp*r(20), &
        50.0_wp*r(19), 30.0_wp, tissue, litter)
      call organic_nitrogen_day(merge(0.0_wp, r(17), modulo(k, 3) == 0), litter, 10.0_wp*r(19), &
        3.0_wp*r(20), carbon, flows, 0.6_wp, plants, pools, tissue, ammonium, &
        nitrate, mineralisation, slowed)
      call check(minval(pools) >= 0.0_wp .and. min(ammonium, nitrate, tissue) >= 0.0_wp, &
        'a pool of nitrogen is negative')
      call check(slowed >= 0.0_wp .and. slowed <= 1.0_wp, 'structural litter is hastened')
      call check(abs(sum(pools) + ammonium + nitrate + tissue + litter%harvest - plants%fixed &
        - before) < 1.0e-11_wp, 'organic nitrogen is not conserved')
    end do
  end subroutine organic_nitrogen_is_conserved

  !> Straw needs nitrogen to rot: it waits without, unless the limitation is off.
  subroutine poor_litter_waits_for_nitrogen()
    call check_range(straw(0.0_wp, 1.0_wp), 0.0_wp, 0.2_wp, 'rotting of straw without nitrogen')
    call check_range(straw(0.3_wp, 1.0_wp), 0.3_wp, 0.9_wp, 'rotting of straw with some nitrogen')
    call check(same_bits(straw(8.0_wp, 1.0_wp), 1.0_wp), 'straw waits where nitrogen is plentiful')
    call check(same_bits(straw(0.0_wp, 0.0_wp), 1.0_wp), 'straw waits though the limitation is off')
  end subroutine poor_litter_waits_for_nitrogen

  !> Decomposition of straw of C:N 150, relative to its potential.
  real(wp) function straw(ammonium_there, strength)
    real(wp), intent(in) :: ammonium_there  !< [g m-2]
    real(wp), intent(in) :: strength  !< of the limitation
    type(carbon_flows) :: flows
    type(plant_nitrogen) :: plants
    real(wp) :: carbon(5), pools(5), tissue, ammonium, nitrate, mineralisation
    carbon = [0.0_wp, 400.0_wp, 50.0_wp, 0.0_wp, 0.0_wp]
    pools = carbon/[30.0_wp, 150.0_wp, 10.0_wp, 15.0_wp, 9.0_wp]
    flows%structural = 2.0_wp
    flows%active = 0.05_wp
    tissue = 1.0_wp
    ammonium = ammonium_there
    nitrate = 0.0_wp
    call organic_nitrogen_day(strength, litter_nitrogen(), 0.0_wp, 0.0_wp, carbon, flows, 0.6_wp, &
      plants, pools, tissue, ammonium, nitrate, mineralisation, straw)
  end function straw

  !> Run random sites with some nitrogen input and limitation.
  subroutine run_sites(c, strength, input, nday)
    type(column_model), intent(inout) :: c  !< block of sites
    real(wp), intent(in) :: strength  !< of the limitation
    real(wp), intent(in) :: input  !< deposition [g m-2 year-1]
    integer, intent(in) :: nday  !< days
    type(step_forcing) :: forcing
    character(:), allocatable :: errmsg
    real(wp) :: worst(n_balances)
    integer :: day, stat, k
    worst = 0.0_wp
    call random_sites(c, 1, nsite, .false.)
    c%params%n_limit = strength
    c%params%n_dep = input
    c%params%n_fix = 0.0_wp
    c%params%ham_vmax = 0.0_wp  ! ammonium slows the high-affinity methanotrophs
    call column_initialise(c)
    do day = 0, nday - 1
      call run_day(c, forcing, [(k, k=1, nsite)], day, 0.0_wp, worst, stat, errmsg)
      call check(stat == 0, errmsg)
      if (day == 199) call spinup_year_end(c)
    end do
  end subroutine run_sites

  !> With strength 0 carbon is the same bits without nitrogen input and with plenty.
  subroutine carbon_ignores_nitrogen_without_limitation()
    type(column_model) :: poor, rich
    call run_sites(poor, 0.0_wp, 0.0_wp, 300)
    call run_sites(rich, 0.0_wp, 20.0_wp, 300)
    call check(all(same_bits(poor%fluxes%gpp, rich%fluxes%gpp)), 'nitrogen changes GPP')
    call check(all(same_bits(poor%fluxes%nee, rich%fluxes%nee)), 'nitrogen changes NEE')
    call check(all(same_bits(poor%state%structural, rich%state%structural)), &
      'nitrogen changes litter')
    call check(all(same_bits(poor%state%slow, rich%state%slow)), 'nitrogen changes the soil')
    call check(sum(rich%state%ammonium + rich%state%nitrate) &
      > 2.0_wp*sum(poor%state%ammonium + poor%state%nitrate), 'deposition is lost')
    call check(sum(rich%fluxes%fn2o) > sum(poor%fluxes%fn2o), 'deposition brings no N2O')
  end subroutine carbon_ignores_nitrogen_without_limitation

  !> Plants that have lost half of the nitrogen beyond wood grow less.
  subroutine growth_follows_nitrogen()
    type(column_model) :: c
    type(step_forcing) :: forcing
    character(:), allocatable :: errmsg
    real(wp) :: worst(n_balances), well(nsite)
    integer :: stat, k
    worst = 0.0_wp
    call run_sites(c, 1.0_wp, 5.0_wp, 180)
    well = c%fluxes%gpp
    c%state%plant_nitrogen = c%state%wood/330.0_wp &
      + 0.5_wp*(c%state%plant_nitrogen - c%state%wood/330.0_wp)
    call run_day(c, forcing, [(k, k=1, nsite)], 180, 0.0_wp, worst, stat, errmsg)
    call check(stat == 0, errmsg)
    call check(any(well > 1.0_wp), 'nothing grows')
    call check(all(c%fluxes%f_n < 1.0_wp .or. c%state%leaf < 20.0_wp), &
      'poor plants are not limited')
    call check(all(c%fluxes%f_n > 0.0_wp), 'plants with nitrogen do not grow at all')
  end subroutine growth_follows_nitrogen

  !> A loss of a milligram is reported with its site.
  subroutine a_leak_is_found()
    type(column_model) :: c
    type(step_forcing) :: forcing
    character(:), allocatable :: errmsg
    real(wp) :: worst(n_balances)
    integer :: stat, k
    worst = 0.0_wp
    call random_sites(c, 1, 3, .false.)
    call run_day(c, forcing, [(k, k=1, 3)], 0, 0.0_wp, worst, stat, errmsg)
    c%state%ammonium(3) = c%state%ammonium(3) - 1.0e-3_wp
    call check_balances(c, .true., worst, stat, errmsg)
    call check(stat == balance_broken .and. index(errmsg, 'nitrogen balance of site 3') > 0, &
      'a nitrogen leak passed')
    call check_balances(c, .false., worst, stat, errmsg)
    call check(stat == balances_close, 'nitrogen was checked without biogeochemistry')
  end subroutine a_leak_is_found

end program test_nitrogen
