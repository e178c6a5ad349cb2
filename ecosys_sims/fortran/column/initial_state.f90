!> A plausible state on the first of January, from latitude, climate and parameters.
module initial_state
  use column_state, only: site_static, column_type, set_constant_state
  use column_work, only: work_arrays
  use constants, only: pi, t_freeze, p_standard, days_per_year
  use crop_carbon, only: seed_carbon, seed_nitrogen
  use inundation, only: inundated_share
  use kinds, only: wp
  use methane, only: layer_storage
  use methanotrophs, only: steady_biomass
  use nitrogen, only: tissue_nitrogen
  use parameters, only: site_parameters
  use snow, only: fresh_density, fresh_albedo
  use soil_grid, only: nsoil, nch4, z_mid, dz
  use soil_heat, only: freezing_range, ice_at
  use vegetation, only: nsc_reserve
  use water_table, only: moisture_profile
  implicit none (type, external)
  private
  public :: set_initial_state

  real(wp), parameter :: damping_depth = 2.2_wp  !< of the annual wave of soil temperature [m]
  real(wp), parameter :: start_ch4 = 1850.0e-9_wp  !< mole fraction of methane in air [1]
  !> deep soil over air at most, by snow, in uplands and in wetlands, whose peat conducts better
  !> when frozen (from runs of 60 years with annual means of -4 to -12 degC) [K]
  real(wp), parameter :: snow_offset_upland = 5.0_wp, snow_offset_wetland = 2.0_wp
  real(wp), parameter :: active_depth = 1.5_wp  !< permafrost is frozen all year below [m]
  real(wp), parameter :: start_table = 0.05_wp  !< water table of wetlands [m]

contains

  !> Fill the whole state.
  subroutine set_initial_state(static, p, work, state)
    type(site_static), intent(in) :: static  !< site description
    type(site_parameters), intent(in) :: p  !< parameters
    type(work_arrays), intent(in) :: work  !< work arrays
    type(column_type), intent(inout) :: state  !< state
    integer :: i
    call set_constant_state(state)
    state%snow_density = fresh_density
    state%snow_albedo = fresh_albedo
    do i = 1, static%nsite
      call start_soil(i, static, p, work, state)
      call start_carbon(i, static, p, state)
      call start_nitrogen(i, state)
      if (p%rotation(i) > 0.0_wp) state%plant_nitrogen(i) = seed_nitrogen
    end do
  end subroutine set_initial_state

  !> Soil temperature, water, methane and redox of one site.
  subroutine start_soil(i, static, p, work, state)
    integer, intent(in) :: i  !< site
    type(site_static), intent(in) :: static  !< site description
    type(site_parameters), intent(in) :: p  !< parameters
    type(work_arrays), intent(in) :: work  !< work arrays
    type(column_type), intent(inout) :: state  !< state
    real(wp) :: mean, amplitude, water(nsoil), warmest, amplitude_air, snow_offset
    integer :: k
    warmest = merge(205.0_wp, 22.0_wp, static%lat(i) >= 0.0_wp)
    amplitude_air = 0.5_wp*(static%continentality(i) + 14.0_wp) &
      *sin((min(80.0_wp, abs(static%lat(i))) + 10.0_wp)*pi/180.0_wp)/1.7_wp
    amplitude = 0.7_wp*amplitude_air
    snow_offset = merge(snow_offset_wetland, snow_offset_upland, static%wetland(i))
    mean = static%t_ann(i) + min(snow_offset, &
      max(0.0_wp, 0.25_wp*(t_freeze + 8.0_wp - static%t_ann(i))))
    if (static%wetland(i)) then
      call moisture_profile(start_table, p%porosity(i), water)
      state%water_table(i) = start_table
    else
      water = work%soil%field_capacity(i, :)
      water(work%n_active(i) + 1:) = work%soil%capacity(i, work%n_active(i) + 1:)
      state%water_table(i) = p%d_water(i)
    end if
    do k = 1, nsoil
      state%soil_temperature(i, k) = mean + amplitude*exp(-z_mid(k)/damping_depth) &
        *cos(2.0_wp*pi*(1.0_wp - warmest)/365.0_wp &
        - z_mid(k)/damping_depth)
      if (mean < t_freeze .and. z_mid(k) > active_depth) state%soil_temperature(i, k) = &
        min(state%soil_temperature(i, k), mean, t_freeze - freezing_range)
      state%ice(i, k) = ice_at(state%soil_temperature(i, k), max(0.0_wp, water(k) &
        - work%soil%unfrozen(i, k)))
      state%liquid(i, k) = water(k) - state%ice(i, k)
    end do
    state%redox(i, :) = merge(-300.0_wp, 600.0_wp, z_mid(1:size(state%redox, 2)) &
      - 0.5_wp*dz(1:size(state%redox, 2)) >= state%water_table(i))
    call start_methanotrophs(i, p, work, mean, amplitude, water, state)
    state%finund(i) = inundated_share(state%water_table(i), p%topo_shape(i), p%topo_scale(i), &
      p%topo_f(i))
    state%t_30d(i) = static%t_ann(i) + amplitude_air*cos(2.0_wp*pi*(1.0_wp - warmest)/365.0_wp)
    state%t_10d(i) = state%t_30d(i)
    state%t_year(i) = static%t_ann(i)
    state%vpd_30d(i) = 500.0_wp
  end subroutine start_soil

  !> High-affinity methanotrophs of one site, in the steady state of a mean year.
  subroutine start_methanotrophs(i, p, work, mean, amplitude, water, state)
    integer, intent(in) :: i  !< site
    type(site_parameters), intent(in) :: p  !< parameters
    type(work_arrays), intent(in) :: work  !< work arrays
    real(wp), intent(in) :: mean  !< temperature of the soil [K]
    real(wp), intent(in) :: amplitude  !< of its annual wave at the surface [K]
    real(wp), intent(in) :: water(nsoil)  !< [kg m-2]
    type(column_type), intent(inout) :: state  !< state
    real(wp), dimension(1, nch4) :: store, spread, solubility
    real(wp), dimension(1, nsoil) :: temperature, liquid, ice
    real(wp) :: ham(nch4), active(nch4)
    temperature = max(mean, t_freeze)
    liquid(1, :) = water
    ice = 0.0_wp
    call layer_storage(1, temperature, liquid, ice, p%porosity(i:i), store, spread, solubility)
    call steady_biomass(temperature(1, :nch4) - max(0.0_wp, t_freeze - mean), &
      amplitude*exp(-z_mid(:nch4)/damping_depth), &
      min(1.0_wp, water(:nch4)/work%soil%capacity(i, :nch4)), spread(1, :), &
      solubility(1, 1)*start_ch4*p_standard, work%guilds%ham_rate(i), &
      work%guilds%ham_k(i), work%guilds%ham_log_q10(i), p%t_or(i), &
      p%ham_yield(i), p%ham_maint(i), p%ham_death(i), p%ham_half(i), ham, active)
    state%ham(i, :) = ham
    state%ham_active(i, :) = active
  end subroutine start_methanotrophs

  !> Leaf area and carbon pools of one site; a spin-up year replaces the slow ones.
  subroutine start_carbon(i, static, p, state)
    integer, intent(in) :: i  !< site
    type(site_static), intent(in) :: static  !< site description
    type(site_parameters), intent(in) :: p  !< parameters
    type(column_type), intent(inout) :: state  !< state
    state%gsi(i) = merge(0.8_wp, 0.0_wp, state%t_30d(i) > t_freeze + 12.0_wp)
    state%lai(i) = p%lai_max(i)*(p%lai_min(i) + (1.0_wp - p%lai_min(i))*state%gsi(i))
    if (p%rotation(i) > 0.0_wp) state%lai(i) = 0.0_wp  ! no crop stands
    state%leaf(i) = state%lai(i)/p%sla(i)
    state%nsc(i) = 1.2_wp*nsc_reserve(p%lai_max(i), p%lai_min(i), p%sla(i))
    state%root(i) = 150.0_wp
    state%wood(i) = 60.0_wp*p%alloc_wood(i)/p%turn_wood(i)
    if (p%rotation(i) > 0.0_wp) then
      state%nsc(i) = seed_carbon
      state%root(i) = 0.0_wp
      state%wood(i) = 0.0_wp
    end if
    state%slow(i) = merge(8000.0_wp, 4000.0_wp, static%wetland(i))
    state%passive(i) = merge(20000.0_wp, 3000.0_wp, static%wetland(i))
    state%substrate(i) = p%fresh_ref(i)/days_per_year*p%tau_sub(i)
  end subroutine start_carbon

  !> Nitrogen of one site: plants at their C:N ratios, soil at common ones (Cleveland and Liptzin
  !> 2007; the litter's our choice); a spin-up year replaces that of the soil.
  subroutine start_nitrogen(i, state)
    integer, intent(in) :: i  !< site
    type(column_type), intent(inout) :: state  !< state
    real(wp) :: woody, active
    call tissue_nitrogen(state%leaf(i), state%wood(i), state%root(i), woody, active)
    state%plant_nitrogen(i) = woody + 1.2_wp*active
    state%soil_nitrogen(i, :) = [state%metabolic(i)/30.0_wp, state%structural(i)/150.0_wp, &
      state%active(i)/10.0_wp, state%slow(i)/18.0_wp, &
      state%passive(i)/9.0_wp]
  end subroutine start_nitrogen

end module initial_state
