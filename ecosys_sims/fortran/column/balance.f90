!> Closure of the daily balances of carbon, water, energy, methane and nitrogen.
module balance
  use column_state, only: site_static, column_type, daily_fluxes, water_pool, groundwater_pool, &
    carbon_pool, methane_pool, methanotroph_carbon_pool, inundated_methane_pool, nitrogen_pool
  use column_work, only: work_arrays
  use constants, only: molar_mass_c, molar_mass_ch4, seconds_per_day
  use kinds, only: wp
  use soil_grid, only: nsoil
  use soil_heat, only: layer_heat
  implicit none (type, external)
  private
  public :: start_balances, close_balances, n_balances
  public :: carbon, water, energy, methane, nitrogen
  public :: balances_close, balance_broken

  enum, bind(c)
    enumerator :: carbon = 1, water, energy, methane, nitrogen  !< balances
  end enum
  enum, bind(c)
    enumerator :: balances_close = 0, balance_broken  !< outcomes of `close_balances`
  end enum
  integer, parameter :: n_balances = nitrogen  !< number of balances
  !> balances that only the biogeochemistry of the process model has
  logical, parameter :: of_biogeochemistry(n_balances) = [.true., .false., .false., .true., .true.]
  !> names, in the order of `worst`
  character(8), parameter :: balance_names(n_balances) = [character(8) :: &
    'carbon', 'water', 'energy', 'methane', 'nitrogen']
  !> units of the errors
  character(13), parameter :: balance_units(n_balances) = [character(13) :: &
    'g m-2 day-1', 'kg m-2 day-1', 'W m-2', '1', 'g m-2 day-1']
  !> largest error accepted [g m-2 day-1, kg m-2 day-1, W m-2, relative, g m-2 day-1]
  real(wp), parameter :: balance_tolerance(n_balances) = [1.0e-8_wp, 1.0e-6_wp, 1.0e-3_wp, &
    1.0e-10_wp, 1.0e-8_wp]
  real(wp), parameter :: mg_per_mol = 1.0e3_wp*molar_mass_ch4  !< CH4 [mg mol-1]

contains

  !> Keep what the columns hold at the start of a day.
  subroutine start_balances(n, state, work, fluxes)
    integer, intent(in) :: n  !< number of sites
    type(column_type), intent(in) :: state  !< state
    type(work_arrays), intent(in) :: work  !< work arrays
    type(daily_fluxes), intent(inout) :: fluxes  !< results of the day
    integer :: i
    do i = 1, n
      fluxes%water_start(i) = water_of(i, state)
      fluxes%heat_start(i) = heat_of(i, state, work)
      fluxes%methane_start(i) = methane_of(i, state)
      fluxes%carbon_start(i) = carbon_of(i, state)
      fluxes%nitrogen_start(i) = nitrogen_pool(i, state)
    end do
  end subroutine start_balances

  !> Water of a column [kg m-2].
  pure real(wp) function water_of(i, state)
    integer, intent(in) :: i  !< site
    type(column_type), intent(in) :: state  !< state
    water_of = water_pool(i, state) + groundwater_pool(i, state)
  end function water_of

  !> Heat of a soil column relative to liquid water at 0 C [J m-2].
  pure real(wp) function heat_of(i, state, work)
    integer, intent(in) :: i  !< site
    type(column_type), intent(in) :: state  !< state
    type(work_arrays), intent(in) :: work  !< work arrays
    integer :: k
    heat_of = 0.0_wp
    do k = 1, nsoil
      heat_of = heat_of + layer_heat(state%soil_temperature(i, k), state%liquid(i, k), &
        state%ice(i, k), work%solid_heat(i, k))
    end do
  end function heat_of

  !> Methane of a column [mol m-2].
  pure real(wp) function methane_of(i, state)
    integer, intent(in) :: i  !< site
    type(column_type), intent(in) :: state  !< state
    methane_of = methane_pool(i, state)
    if (state%topmodel) methane_of = (1.0_wp - state%finund(i))*methane_of &
      + state%finund(i)*inundated_methane_pool(i, state)
  end function methane_of

  !> Carbon of a column, with that of methane and methanotrophs [g m-2].
  pure real(wp) function carbon_of(i, state)
    integer, intent(in) :: i  !< site
    type(column_type), intent(in) :: state  !< state
    carbon_of = carbon_pool(i, state) + molar_mass_c*methane_of(i, state) &
      + methanotroph_carbon_pool(i, state)
  end function carbon_of

  !> Errors of the day at one site, in the units of the tolerances.
  pure function day_errors(i, state, work, f) result(error)
    integer, intent(in) :: i  !< site
    type(column_type), intent(in) :: state  !< state
    type(work_arrays), intent(in) :: work  !< work arrays
    type(daily_fluxes), intent(in) :: f  !< results of the day
    real(wp) :: error(n_balances)  !< in the order of `balance_names`
    real(wp) :: methane_end, gross
    error(carbon) = carbon_of(i, state) - f%carbon_start(i) &
      - (f%gpp(i) - f%ra(i) - f%rh(i) - f%harvest(i) - molar_mass_c/mg_per_mol*f%fch4(i))
    error(water) = water_of(i, state) - f%water_start(i) &
      - (f%precipitation(i) + f%inflow(i) - f%evaporation(i) - f%runoff(i))
    error(energy) = (heat_of(i, state, work) - f%heat_start(i) - f%ground_heat(i) &
      - f%heat_with_water(i)) &
      /seconds_per_day
    methane_end = methane_of(i, state)
    gross = (f%ch4_production(i) - f%ch4_oxidation(i) - f%ch4_diffusion(i) - f%ch4_ebullition(i) &
      - f%ch4_plant(i))/mg_per_mol
    error(methane) = (methane_end - f%methane_start(i) - gross) &
      /max(1.0e-9_wp, methane_end, f%methane_start(i), f%ch4_production(i)/mg_per_mol, &
      f%ch4_oxidation(i)/mg_per_mol)
    error(nitrogen) = nitrogen_pool(i, state) - f%nitrogen_start(i) &
      - (f%nitrogen_input(i) + f%fertiliser(i) - f%harvest_nitrogen(i) &
      - f%n_leaching(i) - f%n_gas(i))
  end function day_errors

  !> Check all sites. An error that is not a number exceeds its tolerance too.
  subroutine close_balances(static, state, work, fluxes, with_biogeochemistry, worst, stat, errmsg)
    type(site_static), intent(in) :: static  !< site description
    type(column_type), intent(in) :: state  !< state
    type(work_arrays), intent(in) :: work  !< work arrays
    type(daily_fluxes), intent(in) :: fluxes  !< results of the day
    logical, intent(in) :: with_biogeochemistry  !< carbon, methane, nitrogen too
    real(wp), intent(inout) :: worst(n_balances)  !< largest errors so far
    integer, intent(out) :: stat  !< whether all balances close
    character(:), allocatable, intent(out) :: errmsg  !< site, balance and amount
    real(wp) :: error(n_balances)
    character(160) :: text
    integer :: i, kind
    stat = balances_close
    errmsg = ''
    do i = 1, static%nsite
      error = abs(day_errors(i, state, work, fluxes))
      do kind = 1, n_balances
        if (of_biogeochemistry(kind) .and. .not. with_biogeochemistry) cycle
        worst(kind) = max(worst(kind), error(kind))
        if (error(kind) <= balance_tolerance(kind)) cycle
        if (stat == balances_close) then
          write(text, '(3a,i0,a,2(f0.2,a),es10.3,a,es8.1,2a)') 'the ', trim(balance_names(kind)), &
            ' balance of site ', i, ' (lat ', static%lat(i), ', lon ', static%lon(i), &
            ') is off by ', error(kind), ', more than ', balance_tolerance(kind), ' ', &
            trim(balance_units(kind))
          errmsg = trim(text)
        end if
        stat = balance_broken
      end do
    end do
  end subroutine close_balances

end module balance
