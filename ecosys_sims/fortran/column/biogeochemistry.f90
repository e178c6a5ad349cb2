!> The biogeochemistry of a block of sites: what an emulator replaces.
!>
!> Methane on the physics step; photosynthesis, plants, soil carbon and nitrogen once a day. Carbon
!> passes between them through the substrate pool: methanogenesis takes 2 C per CH4, one of which
!> becomes CO2.
module biogeochemistry
  use column_state, only: site_static, column_type, step_forcing, daily_forcing, daily_fluxes, &
    n_organic, n_spinup_sums
  use column_work, only: work_arrays
  use constants, only: molar_mass_c, molar_mass_ch4, seconds_per_hour, days_per_year, gas_constant
  use crop_carbon, only: crop_carbon_day, crop_store_nitrogen, crop_nitrogen_losses
  use crops, only: years_of_rotation, soybean
  use inundation, only: inundated_share, move_share
  use kinds, only: wp
  use methane, only: layer_storage, layer_production, transport, bubbles, redox_step, &
    surface_exchange, substrate_per_ch4, methane_column, methane_fluxes
  use methanotrophs, only: oxidation_arrays, oxidation_rates, add_uptake, biomass_day, &
    ammonium_response
  use nitrogen, only: litter_nitrogen, plant_nitrogen, mineral_changes, tissue_nitrogen, &
    nitrogen_status, growth_limit, plant_target, plant_demand, uptake_capacity, add_nitrogen, &
    litter_of_plants, organic_nitrogen_day, mineral_nitrogen_day, nitrification_rate, &
    denitrification_rate, steady_soil_nitrogen, n2o_per_n
  use parameters, only: site_parameters
  use photosynthesis, only: gross_production, crop_production
  use soil_carbon, only: decomposition_scalar, decomposing, soil_carbon_day, substrate_rate, &
    steady_soil_carbon, steady_slow_input, carbon_flows
  use soil_grid, only: nch4, dz, i_10cm
  use vegetation, only: plant_growth, vegetation_day, cn_leaf, cn_wood
  implicit none (type, external)
  private
  public :: methane_of_step, carbon_of_day, steady_pools

  real(wp), parameter :: mg_per_mol = 1.0e3_wp*molar_mass_ch4  !< CH4 [mg mol-1]
  real(wp), parameter :: gc_per_mg = molar_mass_c/mg_per_mol  !< C in CH4 [g mg-1]
  !> Least scalar of decomposition of a steady state [1], our choice: passive carbon is then 22,000
  !> years old, about the time since the last glacial maximum, and pools stay small enough that the
  !> carbon balance closes.
  real(wp), parameter :: slowest_steady = 1.0e-2_wp
  !> sums over the days of a spin-up, in `spinup_sums`
  enum, bind(c)
    enumerator :: i_days = 1, i_leaf, i_wood, i_root, i_exudation, i_methanogenesis, i_scalar, &
      i_to_wood, i_to_root, i_structural, i_leaf_n, i_root_n, i_mineral
  end enum
  integer, parameter :: n_means = i_mineral  !< sums of which means are taken
  integer, parameter :: i_years = n_spinup_sums  !< whole years so far
  !> faster decomposition after ploughing [1]
  real(wp), parameter :: tillage_effect = 0.3_wp

contains

  !> Methane of one step.
  subroutine methane_of_step(static, p, state, forcing, fluxes, work, dt)
    type(site_static), intent(in) :: static  !< site description
    type(site_parameters), intent(in) :: p  !< parameters
    type(column_type), intent(inout), target :: state  !< state
    type(step_forcing), intent(in) :: forcing  !< forcing of the step
    type(daily_fluxes), intent(inout) :: fluxes  !< results of the day
    type(work_arrays), intent(inout), target :: work  !< work arrays
    real(wp), intent(in) :: dt  !< step [s]
    type(methane_column) :: profile
    integer :: n
    n = static%nsite
    work%oxidation%ham_rate = work%guilds%ham_rate &
      *ammonium_response(state%ammonium, p%ham_kn, p%porosity)
    if (static%topmodel) work%dry_share = 1.0_wp - state%finund
    profile%temperature => state%soil_temperature
    profile%liquid => state%liquid
    profile%ice => state%ice
    profile%water_table => state%water_table
    profile%ponded => state%ponded
    profile%swe => state%swe
    profile%snow_density => state%snow_density
    profile%lai => state%lai
    profile%substrate => state%substrate
    profile%ham => state%ham
    profile%ham_active => state%ham_active
    profile%potential => work%production
    profile%methane => state%methane
    profile%redox => state%redox
    call methane_profile(n, dt, p, forcing, profile, work)
    call add_uptake(n, dt, work%dry_share, work%methane%system%x, state%soil_temperature, &
      work%oxidation)
    call add_methane(n, p, work%dry_share, work%methane, state, fluxes)
    if (.not. static%topmodel) return
    ! the inundated share: the water table at the surface, the same temperature
    work%oxidation%ham_rate = 0.0_wp
    work%full_liquid = work%soil%capacity - state%ice
    profile%liquid => work%full_liquid
    profile%water_table => work%surface
    profile%ponded => work%film
    profile%potential => work%production_inund
    profile%methane => state%methane_inund
    profile%redox => state%redox_inund
    call methane_profile(n, dt, p, forcing, profile, work)
    call add_methane(n, p, state%finund, work%methane, state, fluxes)
  end subroutine methane_of_step

  !> One step of one profile of methane and redox.
  subroutine methane_profile(n, dt, p, forcing, profile, work)
    integer, intent(in) :: n  !< number of sites
    real(wp), intent(in) :: dt  !< step [s]
    type(site_parameters), intent(in) :: p  !< parameters
    type(step_forcing), intent(in) :: forcing  !< forcing of the step
    type(methane_column), intent(in) :: profile  !< the profile; its methane and redox move on
    type(work_arrays), intent(inout) :: work  !< work arrays, with the fluxes of the step
    associate (m => work%methane, oxidation => work%oxidation)
      call layer_storage(n, profile%temperature, profile%liquid, profile%ice, p%porosity, &
        m%store, m%spread, m%solubility)
      call layer_production(n, dt, profile%temperature, profile%water_table, profile%redox, &
        profile%potential, work%log_pq10, p%t_pr, work%depth_substrate, &
        profile%substrate, work%reference, work%warm, m%limit, m%gain, &
        m%production)
      call oxidation_rates(n, profile%temperature, profile%liquid, profile%ice, &
        work%soil%capacity, profile%ponded, profile%redox, profile%methane, &
        m%store, work%guilds, profile%ham, profile%ham_active, oxidation)
      call exchange_rates(n, p, forcing, profile, work)
      call transport(n, dt, m%store, m%spread, oxidation%sink, m%conduit, m%gain, m%conductance, &
        m%equilibrium, profile%methane, m%oxidation, m%diffusion, m%plant, m%system)
      call bubbles(n, dt, profile%liquid, profile%ice, m%store, m%solubility, &
        profile%water_table, forcing%psurf, p%f_x, profile%methane, m%ebullition, &
        m%limit, m%bubble_layer)
      call redox_step(n, dt, profile%water_table, profile%temperature, p%c_r, profile%redox)
    end associate
  end subroutine methane_profile

  !> Exchange with the air and plant conductance of the step.
  subroutine exchange_rates(n, p, forcing, profile, work)
    integer, intent(in) :: n  !< number of sites
    type(site_parameters), intent(in) :: p  !< parameters
    type(step_forcing), intent(in) :: forcing  !< forcing of the step
    type(methane_column), intent(in) :: profile  !< the profile
    type(work_arrays), intent(inout) :: work  !< work arrays
    real(wp) :: gas_ratio
    integer :: i, k
    associate (m => work%methane, liquid => profile%liquid, temperature => profile%temperature)
      do i = 1, n
        m%equilibrium(i) = m%solubility(i, 1)*1.0e-9_wp*forcing%ch4(i)*forcing%psurf(i)
        gas_ratio = 1.0_wp/(m%solubility(i, 1)*gas_constant*temperature(i, 1))
        m%conductance(i) = surface_exchange(m%spread(i, 1), gas_ratio, profile%ponded(i), &
          temperature(i, 1), liquid(i, 1), profile%ice(i, 1), &
          forcing%wind(i), profile%swe(i), &
          profile%snow_density(i))
      end do
      do i = 1, n
        m%limit(i) = p%kp(i)/seconds_per_hour*p%tveg(i)*4.0_wp*profile%lai(i)/p%lai_max(i)
      end do
      do k = 1, nch4
        do i = 1, n
          m%conduit(i, k) = m%limit(i)*work%root_conduit(i, k)*liquid(i, k) &
            /work%soil%capacity(i, k)
        end do
      end do
    end associate
  end subroutine exchange_rates

  !> Add the methane of a step in a share of the sites to the day and take its carbon from the
  !> substrate.
  subroutine add_methane(n, p, share, m, state, fluxes)
    integer, intent(in) :: n  !< number of sites
    type(site_parameters), intent(in) :: p  !< parameters
    real(wp), intent(in) :: share(n)  !< share of the site [1]
    type(methane_fluxes), intent(in) :: m  !< fluxes of the step
    type(column_type), intent(inout) :: state  !< state
    type(daily_fluxes), intent(inout) :: fluxes  !< results of the day
    real(wp) :: scale, rhizosphere, plant, used
    integer :: i
    do i = 1, n
      scale = mg_per_mol*share(i)
      rhizosphere = p%pox(i)*m%plant(i)
      plant = m%plant(i) - rhizosphere
      used = substrate_per_ch4*share(i)*m%production(i)
      state%substrate(i) = state%substrate(i) - used
      fluxes%methanogenesis(i) = fluxes%methanogenesis(i) + used
      fluxes%ch4_production(i) = fluxes%ch4_production(i) + scale*m%production(i)
      fluxes%ch4_oxidation(i) = fluxes%ch4_oxidation(i) + scale*(m%oxidation(i) + rhizosphere)
      fluxes%ch4_plant_uptake(i) = fluxes%ch4_plant_uptake(i) + scale*m%plant(i)
      fluxes%ch4_plant(i) = fluxes%ch4_plant(i) + scale*plant
      fluxes%ch4_diffusion(i) = fluxes%ch4_diffusion(i) + scale*m%diffusion(i)
      fluxes%ch4_ebullition(i) = fluxes%ch4_ebullition(i) + scale*m%ebullition(i)
    end do
  end subroutine add_methane

  !> The inundated share of the next day: parts that flood or dry take their methane and redox
  !> potential along.
  subroutine move_inundation(n, p, state, fluxes)
    integer, intent(in) :: n  !< number of sites
    type(site_parameters), intent(in) :: p  !< parameters
    type(column_type), intent(inout) :: state  !< state
    type(daily_fluxes), intent(inout) :: fluxes  !< results of the day
    real(wp) :: share
    integer :: i, k
    do i = 1, n
      fluxes%finund(i) = state%finund(i)
      share = inundated_share(state%water_table(i), p%topo_shape(i), p%topo_scale(i), p%topo_f(i))
      do k = 1, nch4
        call move_share(state%finund(i), share, state%methane(i, k), state%methane_inund(i, k))
        call move_share(state%finund(i), share, state%redox(i, k), state%redox_inund(i, k))
      end do
      state%finund(i) = share
    end do
  end subroutine move_inundation

  !> Biomass of the high-affinity methanotrophs: their CO2 and what they leave to the soil.
  subroutine methanotrophs_of_day(i, p, state, fluxes, oxidation, released)
    integer, intent(in) :: i  !< site
    type(site_parameters), intent(in) :: p  !< parameters
    type(column_type), intent(inout) :: state  !< state
    type(daily_fluxes), intent(inout) :: fluxes  !< results of the day
    type(oxidation_arrays), intent(inout) :: oxidation  !< oxidation of the day
    real(wp), intent(out) :: released  !< maintenance less growth, C [g m-2 day-1]
    real(wp), dimension(nch4) :: uptake, fit_sum, temperature_sum, ham, active
    real(wp) :: uptake_carbon, respired, died, grown
    uptake = oxidation%uptake(i, :)
    fit_sum = oxidation%fit_sum(i, :)
    temperature_sum = oxidation%temperature_sum(i, :)
    ham = state%ham(i, :)
    active = state%ham_active(i, :)
    call biomass_day(p%ham_yield(i), p%ham_maint(i), p%ham_death(i), p%ham_half(i), p%ham_on(i), &
      p%ham_off(i), uptake, fit_sum, temperature_sum, ham, active, uptake_carbon, &
      respired, died, grown)
    oxidation%uptake(i, :) = uptake
    oxidation%fit_sum(i, :) = fit_sum
    oxidation%temperature_sum(i, :) = temperature_sum
    state%ham(i, :) = ham
    state%ham_active(i, :) = active
    state%active(i) = state%active(i) + died
    released = respired - grown
    fluxes%ch4_uptake_ham(i) = uptake_carbon/gc_per_mg
    fluxes%ham(i) = sum(ham*dz(1:nch4))
    fluxes%redox_10cm(i) = 0.5_wp*(state%redox(i, i_10cm) + state%redox(i, i_10cm + 1))
  end subroutine methanotrophs_of_day

  !> Photosynthesis, plants and soil carbon of the day; completes the day's carbon and methane
  !> fluxes:
  !>
  !>     Rh = soil respiration + CO2 of methanogenesis, of methane oxidation and of methanotrophs
  !>     NEE = Ra + Rh - GPP
  !>     FCH4 = diffusion + ebullition + plants
  !>     NBP = -NEE - harvest - carbon of FCH4
  subroutine carbon_of_day(static, p, state, day, fluxes, work)
    type(site_static), intent(in) :: static  !< site description
    type(site_parameters), intent(in) :: p  !< parameters
    type(column_type), intent(inout) :: state  !< state
    type(daily_forcing), intent(in) :: day  !< forcing of the day
    type(daily_fluxes), intent(inout) :: fluxes  !< results of the day
    type(work_arrays), intent(inout) :: work  !< work arrays
    real(wp) :: respiration, scalar, rate, status, slowed, mineral, methanotrophs
    real(wp) :: root_before, grain_before
    type(plant_growth) :: growth
    type(carbon_flows) :: flows
    type(litter_nitrogen) :: litter
    integer :: i
    if (static%topmodel) call move_inundation(static%nsite, p, state, fluxes)
    do i = 1, static%nsite
      status = status_of(i, p, state)
      root_before = state%root(i)
      grain_before = state%grain(i)
      call plants_of_day(i, p, day, status, .not. work%tall(i), state, fluxes, growth)
      scalar = p%som_mult(i)*decomposition_scalar(fluxes%soil_temperature(i), &
        fluxes%soil_wetness(i), fluxes%oxic(i))
      if (state%tilled(i) > 0.0_wp) scalar = scalar*(1.0_wp + tillage_effect*p%tillage(i))
      rate = substrate_rate(fluxes%soil_temperature(i), p%tau_sub(i))
      call decomposing(scalar, rate, work%fines(i), state%metabolic(i), state%structural(i), &
        state%active(i), state%slow(i), state%passive(i), state%substrate(i), flows)
      if (p%rotation(i) > 0.0_wp) then
        litter%wood = 0.0_wp
        call crop_nitrogen_losses(status, growth%leaf_litter, growth%root_litter, fluxes%crop(i), &
          state%crop(i), merge(1.0_wp - p%residue(i), 0.0_wp, &
          fluxes%harvested(i) > 0.0_wp), &
          grain_before, root_before, state%plant_nitrogen(i), &
          litter%leaf, litter%root, litter%harvest)
      else
        call litter_of_plants(status, p%n_retrans(i), growth%leaf_litter, growth%wood_litter, &
          growth%root_litter, fluxes%harvest(i), cn_leaf, &
          state%plant_nitrogen(i), litter)
      end if
      call soil_nitrogen(i, p, state, fluxes, work%fines(i), litter, growth, flows, slowed)
      mineral = state%ammonium(i) + state%nitrate(i)
      call soil_carbon_day(flows, work%fines(i), growth%leaf_litter, growth%wood_litter, &
        growth%root_litter, growth%exudation, state%metabolic(i), &
        state%structural(i), state%active(i), state%slow(i), &
        state%passive(i), state%substrate(i), respiration)
      call mineral_nitrogen(i, static, p, state, fluxes, respiration)
      call methanotrophs_of_day(i, p, state, fluxes, work%oxidation, methanotrophs)
      fluxes%rh(i) = respiration + 0.5_wp*fluxes%methanogenesis(i) &
        + gc_per_mg*fluxes%ch4_oxidation(i) + methanotrophs
      fluxes%nee(i) = fluxes%ra(i) + fluxes%rh(i) - fluxes%gpp(i)
      fluxes%fch4(i) = fluxes%ch4_diffusion(i) + fluxes%ch4_ebullition(i) + fluxes%ch4_plant(i)
      fluxes%nbp(i) = -fluxes%nee(i) - fluxes%harvest(i) - gc_per_mg*fluxes%fch4(i)
      associate (sums => state%spinup_sums)
        sums(i, i_days) = sums(i, i_days) + 1.0_wp
        sums(i, i_leaf) = sums(i, i_leaf) + growth%leaf_litter
        sums(i, i_wood) = sums(i, i_wood) + growth%wood_litter
        sums(i, i_root) = sums(i, i_root) + growth%root_litter
        sums(i, i_exudation) = sums(i, i_exudation) + growth%exudation
        sums(i, i_methanogenesis) = sums(i, i_methanogenesis) + fluxes%methanogenesis(i)
        sums(i, i_scalar) = sums(i, i_scalar) + scalar
        sums(i, i_to_wood) = sums(i, i_to_wood) + growth%to_wood
        sums(i, i_to_root) = sums(i, i_to_root) + growth%to_root
        sums(i, i_structural) = sums(i, i_structural) + slowed*scalar
        sums(i, i_leaf_n) = sums(i, i_leaf_n) + litter%leaf
        sums(i, i_root_n) = sums(i, i_root_n) + litter%root
        sums(i, i_mineral) = sums(i, i_mineral) + mineral
      end associate
    end do
  end subroutine carbon_of_day

  !> Photosynthesis and plant carbon of one site: natural vegetation, or the crop that stands.
  subroutine plants_of_day(i, p, day, status, low, state, fluxes, growth)
    integer, intent(in) :: i  !< site
    type(site_parameters), intent(in) :: p  !< parameters
    type(daily_forcing), intent(in) :: day  !< forcing of the day
    real(wp), intent(in) :: status  !< nitrogen over demand [1]
    logical, intent(in) :: low  !< whether snow buries leaves
    type(column_type), intent(inout) :: state  !< state
    type(daily_fluxes), intent(inout) :: fluxes  !< results of the day
    type(plant_growth), intent(out) :: growth  !< growth and litter
    real(wp) :: exposed
    fluxes%f_n(i) = growth_limit(status, p%n_limit(i))
    exposed = fluxes%lai(i)
    if (low) exposed = exposed*(1.0_wp - fluxes%snow_cover(i))
    if (p%rotation(i) > 0.0_wp) then
      if (fluxes%crop(i) > 0.0_wp) fluxes%gpp(i) = fluxes%f_n(i)*crop_production( &
        nint(fluxes%crop(i)), p%lue_scheme(i) > 0.5_wp, day%rsds(i), day%t_day(i), &
        day%tasmin(i), day%vpd_day(i), state%t_30d(i), state%vpd_30d(i), day%co2(i), &
        day%ps(i), exposed, fluxes%soil_wetness(i), p%kphio(i), p%b0(i))
      call crop_carbon_day(i, p, day, state, fluxes, growth)
    else
      fluxes%gpp(i) = gross_production(day%rsds(i), day%t_day(i), day%tasmin(i), state%t_30d(i), &
        state%vpd_30d(i), day%co2(i), day%ps(i), exposed, &
        state%gsi(i), fluxes%soil_wetness(i), p%kphio(i), p%b0(i)) &
        *fluxes%f_n(i)
      call vegetation_day(i, p, day, state, fluxes, growth)
    end if
  end subroutine plants_of_day

  !> Nitrogen at the disposal of leaves and roots of one site relative to their demand [1].
  pure real(wp) function status_of(i, p, state)
    integer, intent(in) :: i  !< site
    type(site_parameters), intent(in) :: p  !< parameters
    type(column_type), intent(in) :: state  !< state
    real(wp) :: woody, active
    call tissue_nitrogen(state%leaf(i), state%wood(i), state%root(i), woody, active)
    if (p%rotation(i) > 0.0_wp) then
      woody = crop_store_nitrogen(state%wood(i), state%grain(i), state%crop(i))
    end if
    status_of = nitrogen_status(state%plant_nitrogen(i), woody, active)
    if (p%rotation(i) > 0.0_wp .and. state%crop(i) <= 0.0_wp) status_of = 1.0_wp
  end function status_of

  !> Inputs, uptake and organic nitrogen of one site, before soil carbon moves on; it slows the
  !> decomposition of structural litter where nitrogen is short.
  subroutine soil_nitrogen(i, p, state, fluxes, fines, litter, growth, flows, slowed)
    integer, intent(in) :: i  !< site
    type(site_parameters), intent(in) :: p  !< parameters
    type(column_type), intent(inout) :: state  !< state
    type(daily_fluxes), intent(inout) :: fluxes  !< results of the day
    real(wp), intent(in) :: fines  !< silt and clay [1]
    type(litter_nitrogen), intent(in) :: litter  !< nitrogen of litter
    type(plant_growth), intent(in) :: growth  !< carbon of litter
    type(carbon_flows), intent(inout) :: flows  !< carbon that decomposes
    real(wp), intent(out) :: slowed  !< decomposition of structural litter [1]
    type(plant_nitrogen) :: plants
    real(wp) :: woody, active, capacity, target, pools(n_organic), carbon(n_organic)
    call add_nitrogen(p%n_dep(i), p%n_fix(i), fluxes%fertiliser(i), state%ammonium(i), &
      state%nitrate(i), fluxes%nitrogen_input(i), fluxes%n_gas(i))
    call tissue_nitrogen(state%leaf(i), state%wood(i), state%root(i), woody, active)
    if (p%rotation(i) > 0.0_wp) then
      woody = crop_store_nitrogen(state%wood(i), state%grain(i), state%crop(i))
    end if
    target = plant_target(woody, state%leaf(i), state%root(i), p%lai_max(i)/p%sla(i), &
      p%n_retrans(i))
    capacity = uptake_capacity(state%ammonium(i) + state%nitrate(i), state%root(i), &
      fluxes%soil_temperature(i), p%n_uptake(i))
    if (p%rotation(i) > 0.0_wp .and. state%crop(i) <= 0.0_wp) target = 0.0_wp
    plants = plant_demand(target, state%plant_nitrogen(i), capacity, &
      merge(p%n_legume(i), 0.0_wp, nint(state%crop(i)) == soybean))
    carbon = [state%metabolic(i), state%structural(i), state%active(i), state%slow(i), &
      state%passive(i)]
    pools = state%soil_nitrogen(i, :)
    call organic_nitrogen_day(p%n_limit(i), litter, growth%leaf_litter, growth%root_litter, &
      carbon, flows, fines, plants, pools, state%plant_nitrogen(i), &
      state%ammonium(i), state%nitrate(i), fluxes%n_mineralisation(i), &
      slowed)
    state%soil_nitrogen(i, :) = pools
    fluxes%n_uptake(i) = plants%uptake
    fluxes%nitrogen_input(i) = fluxes%nitrogen_input(i) + plants%fixed
    fluxes%harvest_nitrogen(i) = litter%harvest
  end subroutine soil_nitrogen

  !> Nitrification, denitrification, leaching and N2O of one site; pores and warmth are those of the
  !> upper 0.10 m.
  subroutine mineral_nitrogen(i, static, p, state, fluxes, respiration)
    integer, intent(in) :: i  !< site
    type(site_static), intent(in) :: static  !< site description
    type(site_parameters), intent(in) :: p  !< parameters
    type(column_type), intent(inout) :: state  !< state
    type(daily_fluxes), intent(inout) :: fluxes  !< results of the day
    real(wp), intent(in) :: respiration  !< heterotrophic [g m-2 day-1]
    type(mineral_changes) :: change
    real(wp) :: filled, water
    filled = min(1.0_wp, fluxes%mrsos(i)/(100.0_wp*p%porosity(i)))
    water = 1.0e3_wp*p%root_depth(i)*p%porosity(i)*max(0.1_wp, 1.0_wp - fluxes%oxic(i))
    call mineral_nitrogen_day( &
      nitrification_rate(p%k_nit(i), fluxes%tsl(i), filled, static%ph(i)), &
      denitrification_rate(p%k_denit(i), respiration, filled, fluxes%tsl(i), p%root_depth(i)), &
      p%n2o_nit(i), filled, fluxes%runoff(i), water, state%ammonium(i), state%nitrate(i), change)
    fluxes%n_leaching(i) = change%leaching
    fluxes%n_denitrification(i) = change%denitrification
    fluxes%n_gas(i) = fluxes%n_gas(i) + change%gas
    fluxes%fn2o(i) = 1.0e3_wp*n2o_per_n*change%n2o
  end subroutine mineral_nitrogen

  !> Set wood, root, soil carbon and soil nitrogen to the steady state of the days summed so far.
  !> The sums are quartered, so that the next year counts four times; with a rotation of n years
  !> they are of whole rotations as soon as there is one, and the next rotation counts four times.
  subroutine steady_pools(static, p, state, work)
    type(site_static), intent(in) :: static  !< site description
    type(site_parameters), intent(in) :: p  !< parameters
    type(column_type), intent(inout) :: state  !< state
    type(work_arrays), intent(in) :: work  !< work arrays
    real(wp) :: mean(n_means), wood_litter, root_litter, metabolic_loss
    real(wp) :: woody, active, scalar, tissue
    type(litter_nitrogen) :: litter
    integer :: i, years, cycle_years
    do i = 1, static%nsite
      if (state%spinup_sums(i, i_days) <= 0.0_wp) cycle
      state%spinup_sums(i, i_years) = state%spinup_sums(i, i_years) + 1.0_wp
      years = nint(state%spinup_sums(i, i_years))
      cycle_years = years_of_rotation(p%rotation(i))
      if (years > cycle_years .and. modulo(years, cycle_years) /= 0) cycle
      mean = state%spinup_sums(i, :n_means)/state%spinup_sums(i, i_days)
      call tissue_nitrogen(state%leaf(i), state%wood(i), state%root(i), woody, active)
      tissue = woody + active
      wood_litter = mean(i_wood)
      root_litter = mean(i_root)
      if (p%rotation(i) <= 0.0_wp .and. p%harvest_fraction(i) <= 0.0_wp) then
        state%wood(i) = p%maturity(i)*days_per_year*mean(i_to_wood)/p%turn_wood(i)
        wood_litter = p%maturity(i)*mean(i_to_wood)
      end if
      if (p%rotation(i) <= 0.0_wp) then
        state%root(i) = days_per_year*mean(i_to_root)/p%turn_root(i)
        root_litter = mean(i_to_root)
      end if
      metabolic_loss = 0.6_wp*mean(i_leaf) + 0.5_wp*root_litter
      scalar = max(slowest_steady, mean(i_scalar))
      call steady_soil_carbon(scalar, max(0.05_wp, min(1.0_wp, mean(i_structural) &
        /max(1.0e-9_wp, mean(i_scalar)))), work%fines(i), mean(i_leaf), &
        wood_litter, root_litter, max(0.0_wp, mean(i_exudation) &
        + 0.3_wp*metabolic_loss - mean(i_methanogenesis)), p%maturity(i), &
        state%metabolic(i), state%structural(i), state%active(i), &
        state%slow(i), state%passive(i))
      ! plants keep their surplus or deficit of nitrogen
      if (p%rotation(i) <= 0.0_wp) then
        call tissue_nitrogen(state%leaf(i), state%wood(i), state%root(i), woody, active)
        state%plant_nitrogen(i) = max(woody, state%plant_nitrogen(i) + (woody + active - tissue))
      end if
      litter%leaf = mean(i_leaf_n)
      litter%wood = wood_litter/cn_wood
      litter%root = root_litter*mean(i_root_n)/max(1.0e-9_wp, mean(i_root))
      state%soil_nitrogen(i, :) = steady_soil_nitrogen(litter, mean(i_leaf), root_litter, &
        wood_litter, mean(i_mineral), steady_slow_input(scalar, p%maturity(i), state%slow(i)), &
        [state%metabolic(i), state%structural(i), state%active(i), state%slow(i), &
        state%passive(i)])
      if (modulo(years, cycle_years) == 0) then
        state%spinup_sums(i, :i_years - 1) = 0.25_wp*state%spinup_sums(i, :i_years - 1)
      end if
    end do
  end subroutine steady_pools

end module biogeochemistry
