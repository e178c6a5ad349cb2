!> The biogeochemistry of a block of sites: what an emulator replaces.
!!
!! Methane on the physics step; photosynthesis, plants and soil carbon once a day. Carbon passes
!! between
!! them through the substrate pool: methanogenesis takes 2 C per CH4, one of which becomes CO2.
module biogeochemistry
  use kinds, only: wp
  use constants, only: molar_mass_c, molar_mass_ch4, seconds_per_hour, gas_constant
  use soil_grid, only: nch4, dz
  use parameters, only: site_parameters
  use column_state, only: site_static, column_type, step_forcing, daily_forcing, daily_fluxes
  use column_work, only: work_arrays
  use photosynthesis, only: gross_production
  use vegetation, only: vegetation_day
  use soil_carbon, only: decomposition_scalar, soil_carbon_day, substrate_rate, steady_soil_carbon
  use methane, only: layer_storage, layer_production, transport, bubbles, redox_step, &
      surface_exchange, substrate_per_ch4, methane_fluxes
  use methanotrophs, only: oxidation_rates, add_uptake, biomass_day, ammonium_response
  implicit none
  private
  public :: methane_of_step, carbon_of_day, steady_pools

  real(wp), parameter :: mg_per_mol = 1.0e3_wp*molar_mass_ch4  !< CH4 [mg mol-1]
  real(wp), parameter :: gc_per_mg = molar_mass_c/mg_per_mol   !< C in CH4 [g mg-1]
  integer, parameter :: i_10cm = 5   !< layer above 0.10 m
  ! places in spinup_sums
  integer, parameter :: i_days = 1, i_leaf = 2, i_wood = 3, i_root = 4, i_exudation = 5
  integer, parameter :: i_methanogenesis = 6, i_scalar = 7, i_to_wood = 8, i_to_root = 9
  !> Least scalar of decomposition of a steady state [1], our choice: passive carbon is then 22,000
  !! years old, about the time since the last glacial maximum, and pools stay small enough that
  !! the carbon balance closes.
  real(wp), parameter :: slowest_steady = 1.0e-2_wp

contains

  !> Methane of one step.
  subroutine methane_of_step(static, p, state, forcing, fluxes, work, dt)
    type(site_static), intent(in) :: static     !< site description
    type(site_parameters), intent(in) :: p      !< parameters
    type(column_type), intent(inout) :: state   !< state
    type(step_forcing), intent(in) :: forcing   !< forcing of the step
    type(daily_fluxes), intent(inout) :: fluxes !< results of the day
    type(work_arrays), intent(inout) :: work    !< work arrays
    real(wp), intent(in) :: dt                  !< step [s]
    integer :: n
    n = static%nsite
    associate (m => work%methane)
      call layer_storage(n, state%soil_temperature, state%liquid, state%ice, p%porosity, m%store, &
                         m%spread, m%solubility)
      call layer_production(n, dt, state%soil_temperature, state%water_table, state%redox, &
                            work%production, work%log_pq10, p%t_pr, work%depth_substrate, &
                            state%substrate, work%reference, work%warm, m%limit, m%gain, &
                            m%production)
      m%ham_rate = work%ham_rate
      call oxidation_rates(n, dt, state%soil_temperature, state%liquid, state%ice, work%soil%capacity, &
                           state%ponded, state%redox, state%methane, m%store, work%omax, &
                           work%kch4, work%log_oq10, p%t_or, work%depth_oxidation, state%ham, &
                           state%ham_active, m%ham_rate, work%ham_k, work%ham_log_q10, &
                           work%warm, m%ham_warm, m%sink, m%high, m%fit_sum, m%temperature_sum)
      call exchange_rates(n, p, state, forcing, work)
      call transport(n, dt, m%store, m%spread, m%sink, m%conduit, m%gain, m%conductance, &
                     m%equilibrium, state%methane, m%oxidation, m%diffusion, m%plant, &
                     work%ma, work%mb, work%mc, work%md, work%mx)
      call add_uptake(n, dt, m%high, work%mx, m%uptake)
      call bubbles(n, dt, state%liquid, state%ice, m%store, m%solubility, state%water_table, &
                   forcing%psurf, p%f_x, state%methane, m%ebullition, m%limit, m%bubble_layer)
      call redox_step(n, dt, state%water_table, state%soil_temperature, p%c_r, state%redox)
    end associate
    call add_methane(n, p, state, fluxes, work)
  end subroutine methane_of_step

  !> Exchange with the air and plant conductance of the step.
  subroutine exchange_rates(n, p, state, forcing, work)
    integer, intent(in) :: n                   !< number of sites
    type(site_parameters), intent(in) :: p     !< parameters
    type(column_type), intent(in) :: state     !< state
    type(step_forcing), intent(in) :: forcing  !< forcing of the step
    type(work_arrays), intent(inout) :: work   !< work arrays
    real(wp) :: uptake, gas_ratio
    integer :: i, k
    associate (m => work%methane)
      do i = 1, n
        m%equilibrium(i) = m%solubility(i, 1)*1.0e-9_wp*forcing%ch4(i)*forcing%psurf(i)
        gas_ratio = 1.0_wp/(m%solubility(i, 1)*gas_constant*state%soil_temperature(i, 1))
        m%conductance(i) = surface_exchange(m%spread(i, 1), gas_ratio, state%ponded(i), &
                                            state%soil_temperature(i, 1), state%liquid(i, 1), &
                                            state%ice(i, 1), forcing%wind(i), state%swe(i), &
                                            state%snow_density(i))
      end do
      do k = 1, nch4
        do i = 1, n
          uptake = p%kp(i)/seconds_per_hour*p%tveg(i)*4.0_wp*state%lai(i)/p%lai_max(i)
          m%conduit(i, k) = uptake*work%root_conduit(i, k)*state%liquid(i, k)/work%soil%capacity(i, k)
        end do
      end do
    end associate
  end subroutine exchange_rates

  !> Add the step's methane to the day and take its carbon from the substrate.
  subroutine add_methane(n, p, state, fluxes, work)
    integer, intent(in) :: n                    !< number of sites
    type(site_parameters), intent(in) :: p      !< parameters
    type(column_type), intent(inout) :: state   !< state
    type(daily_fluxes), intent(inout) :: fluxes !< results of the day
    type(work_arrays), intent(in) :: work       !< work arrays
    real(wp) :: rhizosphere, plant, used
    integer :: i
    do i = 1, n
      rhizosphere = p%pox(i)*work%methane%plant(i)
      plant = work%methane%plant(i) - rhizosphere
      used = substrate_per_ch4*work%methane%production(i)
      state%substrate(i) = state%substrate(i) - used
      fluxes%methanogenesis(i) = fluxes%methanogenesis(i) + used
      fluxes%ch4_production(i) = fluxes%ch4_production(i) + mg_per_mol*work%methane%production(i)
      fluxes%ch4_oxidation(i) = fluxes%ch4_oxidation(i) &
                                + mg_per_mol*(work%methane%oxidation(i) + rhizosphere)
      fluxes%ch4_plant_uptake(i) = fluxes%ch4_plant_uptake(i) + mg_per_mol*work%methane%plant(i)
      fluxes%ch4_plant(i) = fluxes%ch4_plant(i) + mg_per_mol*plant
      fluxes%ch4_diffusion(i) = fluxes%ch4_diffusion(i) + mg_per_mol*work%methane%diffusion(i)
      fluxes%ch4_ebullition(i) = fluxes%ch4_ebullition(i) + mg_per_mol*work%methane%ebullition(i)
    end do
  end subroutine add_methane

  !> Biomass of the high-affinity methanotrophs: their CO2 and what they leave to the soil.
  subroutine methanotrophs_of_day(i, p, state, fluxes, m, released)
    integer, intent(in) :: i                    !< site
    type(site_parameters), intent(in) :: p      !< parameters
    type(column_type), intent(inout) :: state   !< state
    type(daily_fluxes), intent(inout) :: fluxes !< results of the day
    type(methane_fluxes), intent(inout) :: m    !< methane of the day
    real(wp), intent(out) :: released           !< maintenance less growth, C [g m-2 day-1]
    real(wp), dimension(nch4) :: uptake, fit_sum, temperature_sum, ham, active
    real(wp) :: taken, respired, died, grown
    uptake = m%uptake(i, :)
    fit_sum = m%fit_sum(i, :)
    temperature_sum = m%temperature_sum(i, :)
    ham = state%ham(i, :)
    active = state%ham_active(i, :)
    call biomass_day(p%ham_yield(i), p%ham_maint(i), p%ham_death(i), p%ham_half(i), p%ham_on(i), &
                     p%ham_off(i), uptake, fit_sum, temperature_sum, ham, active, taken, respired, &
                     died, grown)
    m%uptake(i, :) = uptake
    m%fit_sum(i, :) = fit_sum
    m%temperature_sum(i, :) = temperature_sum
    state%ham(i, :) = ham
    state%ham_active(i, :) = active
    state%active(i) = state%active(i) + died
    released = respired - grown
    fluxes%ch4_uptake_ham(i) = taken/gc_per_mg
    fluxes%ham(i) = sum(ham*dz(1:nch4))
    fluxes%redox_10cm(i) = 0.5_wp*(state%redox(i, i_10cm) + state%redox(i, i_10cm + 1))
  end subroutine methanotrophs_of_day

  !> Photosynthesis, plants and soil carbon of the day; completes the day's carbon and methane
  !! fluxes.
  subroutine carbon_of_day(static, p, state, day, fluxes, work)
    type(site_static), intent(in) :: static     !< site description
    type(site_parameters), intent(in) :: p      !< parameters
    type(column_type), intent(inout) :: state   !< state
    type(daily_forcing), intent(in) :: day      !< forcing of the day
    type(daily_fluxes), intent(inout) :: fluxes !< results of the day
    type(work_arrays), intent(inout) :: work    !< work arrays
    real(wp) :: exposed, exudation, leaf_litter, wood_litter, root_litter, to_wood, to_root
    real(wp) :: respiration, scalar, rate, methanotrophs
    integer :: i
    do i = 1, static%nsite
      exposed = fluxes%lai(i)
      if (.not. work%tall(i)) exposed = exposed*(1.0_wp - fluxes%snow_cover(i))
      fluxes%gpp(i) = gross_production(day%rsds(i), day%t_day(i), day%tasmin(i), state%t_30d(i), &
                                       state%vpd_30d(i), day%co2(i), day%ps(i), exposed, &
                                       state%gsi(i), fluxes%soil_wetness(i), p%kphio(i), p%b0(i))
      call vegetation_day(fluxes%gpp(i), day%tas(i), fluxes%soil_temperature(i), state%t_30d(i), &
                          state%lai(i), state%gsi(i), p%lai_max(i), p%lai_min(i), p%sla(i), &
                          p%rm25(i), p%turn_leaf(i), p%turn_root(i), p%turn_wood(i), &
                          p%alloc_wood(i), p%f_exud(i), p%harvest_fraction(i), state%leaf(i), &
                          state%wood(i), state%root(i), state%nsc(i), fluxes%ra(i), exudation, &
                          leaf_litter, wood_litter, root_litter, to_wood, to_root, &
                          fluxes%harvest(i))
      scalar = p%som_mult(i)*decomposition_scalar(fluxes%soil_temperature(i), &
                                                  fluxes%soil_wetness(i), fluxes%oxic(i))
      rate = substrate_rate(fluxes%soil_temperature(i), p%tau_sub(i))
      call soil_carbon_day(scalar, rate, work%fines(i), leaf_litter, wood_litter, root_litter, &
                           exudation, state%metabolic(i), state%structural(i), state%active(i), &
                           state%slow(i), state%passive(i), state%substrate(i), respiration)
      call methanotrophs_of_day(i, p, state, fluxes, work%methane, methanotrophs)
      fluxes%rh(i) = respiration + 0.5_wp*fluxes%methanogenesis(i) &
          + gc_per_mg*fluxes%ch4_oxidation(i) + methanotrophs
      fluxes%nee(i) = fluxes%ra(i) + fluxes%rh(i) - fluxes%gpp(i)
      fluxes%fch4(i) = fluxes%ch4_diffusion(i) + fluxes%ch4_ebullition(i) + fluxes%ch4_plant(i)
      associate (sums => state%spinup_sums)
        sums(i, i_days) = sums(i, i_days) + 1.0_wp
        sums(i, i_leaf) = sums(i, i_leaf) + leaf_litter
        sums(i, i_wood) = sums(i, i_wood) + wood_litter
        sums(i, i_root) = sums(i, i_root) + root_litter
        sums(i, i_exudation) = sums(i, i_exudation) + exudation
        sums(i, i_methanogenesis) = sums(i, i_methanogenesis) + fluxes%methanogenesis(i)
        sums(i, i_scalar) = sums(i, i_scalar) + scalar
        sums(i, i_to_wood) = sums(i, i_to_wood) + to_wood
        sums(i, i_to_root) = sums(i, i_to_root) + to_root
      end associate
    end do
  end subroutine carbon_of_day

  !> Set wood, root and soil carbon to the steady state of the days summed so far. The sums are
  !! quartered,
  !! so that the next year counts four times.
  subroutine steady_pools(static, p, state, work)
    type(site_static), intent(in) :: static    !< site description
    type(site_parameters), intent(in) :: p     !< parameters
    type(column_type), intent(inout) :: state  !< state
    type(work_arrays), intent(in) :: work      !< work arrays
    real(wp) :: mean(9), wood_litter, metabolic_loss
    integer :: i
    do i = 1, static%nsite
      if (state%spinup_sums(i, i_days) <= 0.0_wp) cycle
      mean = state%spinup_sums(i, 1:9)/state%spinup_sums(i, i_days)
      wood_litter = mean(i_wood)
      if (p%harvest_fraction(i) <= 0.0_wp) then
        state%wood(i) = p%maturity(i)*365.25_wp*mean(i_to_wood)/p%turn_wood(i)
        wood_litter = p%maturity(i)*mean(i_to_wood)
      end if
      state%root(i) = 365.25_wp*mean(i_to_root)/p%turn_root(i)
      metabolic_loss = 0.6_wp*mean(i_leaf) + 0.5_wp*mean(i_to_root)
      call steady_soil_carbon(max(slowest_steady, mean(i_scalar)), work%fines(i), mean(i_leaf), &
                              wood_litter, mean(i_to_root), max(0.0_wp, mean(i_exudation) &
                              + 0.3_wp*metabolic_loss - mean(i_methanogenesis)), p%maturity(i), &
                              state%metabolic(i), state%structural(i), state%active(i), &
                              state%slow(i), state%passive(i))
    end do
    state%spinup_sums = 0.25_wp*state%spinup_sums
  end subroutine steady_pools

end module biogeochemistry
