!> Land physics of a block of sites: evapotranspiration, snow, water, soil heat, leaf area.
!>
!> It reads forcing, parameters and its own state only, never what biogeochemistry computed.
module land_physics
  use column_state, only: site_static, column_type, step_forcing, daily_forcing, daily_fluxes, &
    zero_day, zero_fluxes
  use column_work, only: work_arrays
  use constants, only: t_freeze, seconds_per_day
  use crops, only: crop_step, irrigation_demand, irrigation_efficiency, paddy_flooded
  use evapotranspiration, only: potential_evaporation, intercept
  use kinds, only: wp
  use parameters, only: site_parameters
  use phenology, only: growing_season_index, leaf_area_step
  use photosynthesis, only: light_absorbed
  use radiation, only: day_length, saturation_pressure, saturation_slope, vapour_deficit, &
    net_radiation
  use snow, only: snow_step, snow_cover, snow_resistance
  use soil_grid, only: nsoil, i_10cm
  use soil_heat, only: heat_step, layer_conductance
  use soil_water, only: upland_water, groundwater
  use water_table, only: wetland_water
  implicit none (type, external)
  private
  public :: start_day, surface_of_step, soil_of_step, end_day

  real(wp), parameter :: air_resistance = 0.03_wp  !< surface to air, of heat [m2 K W-1]
  real(wp), parameter :: surface_warming = 0.01_wp  !< of bare surface by net radiation [m2 K W-1]
  !> evaporation of wetlands relative to wet grass [1]
  real(wp), parameter :: wetland_alpha = 0.85_wp
  real(wp), parameter :: longest_water_step = 10800.0_wp  !< of soil water [s]
  integer, parameter :: n_upper = 14  !< layers of the upper 0.40 m

contains

  !> Zero the day's sums; day length and what changes slowly.
  subroutine start_day(static, p, state, day, fluxes, work, day_of_year)
    type(site_static), intent(in) :: static  !< site description
    type(site_parameters), intent(in) :: p  !< parameters
    type(column_type), intent(in) :: state  !< state
    type(daily_forcing), intent(inout) :: day  !< forcing of the day
    type(daily_fluxes), intent(inout) :: fluxes  !< results of the day
    type(work_arrays), intent(inout) :: work  !< work arrays
    integer, intent(in) :: day_of_year  !< 1..366
    call zero_day(day)
    call zero_fluxes(fluxes)
    day%day_length = day_length(static%lat, day_of_year)
    fluxes%lai = state%lai
    fluxes%crop = state%crop
    fluxes%fertiliser = state%fertiliser_due
    work%growing = merge(merge(1.0_wp, 0.0_wp, paddy_flooded(state%crop, state%dvs)), state%gsi, &
      p%rotation > 0.0_wp)
    work%light = light_absorbed(state%lai)
    call layer_conductance(static%nsite, state%liquid, state%ice, work%soil%capacity, p%porosity, &
      work%k_solid, work%k_dry, work%conductance, work%warm, work%a)
    work%surface_conductance = 1.0_wp/(air_resistance + p%mat_depth/p%mat_k + work%warm &
      + snow_resistance(state%swe, state%snow_density))
  end subroutine start_day

  !> One step of the surface: forcing sums, net radiation, interception and snow, which follow the
  !> course of the day. What they hand to the soil is summed until the step of the soil.
  subroutine surface_of_step(static, p, state, forcing, day, fluxes, work, dt)
    type(site_static), intent(in) :: static  !< site description
    type(site_parameters), intent(in) :: p  !< parameters
    type(column_type), intent(inout) :: state  !< state
    type(step_forcing), intent(in) :: forcing  !< forcing of the step
    type(daily_forcing), intent(inout) :: day  !< forcing of the day
    type(daily_fluxes), intent(inout) :: fluxes  !< results of the day
    type(work_arrays), intent(inout) :: work  !< work arrays
    real(wp), intent(in) :: dt  !< step [s]
    real(wp) :: saturation, net, cover, albedo, demand, throughfall, wet_canopy, sublimation, melt
    real(wp) :: t_surface, share
    integer :: i
    share = dt/seconds_per_day
    do i = 1, static%nsite
      saturation = saturation_pressure(forcing%tair(i))
      call add_forcing(i, dt, forcing, vapour_deficit(saturation, forcing%qair(i), &
        forcing%psurf(i)), day)
      cover = snow_cover(state%swe(i))
      albedo = state%snow_albedo(i)
      if (work%tall(i)) albedo = albedo*(1.0_wp - work%light(i)) + 0.14_wp*work%light(i)
      albedo = 0.16_wp + (albedo - 0.16_wp)*cover
      net = net_radiation(forcing%swdown(i), forcing%lwdown(i), forcing%tair(i), albedo)
      t_surface = forcing%tair(i) + surface_warming*net*(1.0_wp - 0.8_wp*work%light(i))
      if (state%swe(i) > 1.0_wp) t_surface = min(t_freeze, t_surface)
      demand = dt*potential_evaporation(net, saturation_slope(forcing%tair(i), saturation), &
        forcing%psurf(i), forcing%tair(i))
      call intercept(forcing%rain(i)*dt, state%lai(i), work%light(i), demand, &
        state%canopy_water(i), throughfall, wet_canopy)
      sublimation = min(state%swe(i), 0.5_wp*cover*(demand - wet_canopy))
      state%swe(i) = state%swe(i) - sublimation
      demand = (demand - wet_canopy)*(1.0_wp - cover)
      call snow_step(forcing%tair(i), forcing%swdown(i), forcing%snow(i)*dt, p%ddf(i), dt, &
        state%swe(i), state%snow_density(i), state%snow_albedo(i), melt)
      fluxes%precipitation(i) = fluxes%precipitation(i) + (forcing%rain(i) + forcing%snow(i))*dt
      fluxes%melt(i) = fluxes%melt(i) + melt
      fluxes%evaporation(i) = fluxes%evaporation(i) + wet_canopy + sublimation
      fluxes%snw(i) = fluxes%snw(i) + share*state%swe(i)
      fluxes%snow_cover(i) = fluxes%snow_cover(i) + share*snow_cover(state%swe(i))
      work%flows%supply(i) = work%flows%supply(i) + throughfall + melt
      work%flows%demand(i) = work%flows%demand(i) + demand
      work%warmth(i) = work%warmth(i) + dt*t_surface
    end do
    work%seconds = work%seconds + dt
    if (work%seconds >= longest_water_step) call water_of_step(static, p, state, fluxes, work)
  end subroutine surface_of_step

  !> One step of the soil, after the surface steps that it spans: the rest of its water, heat, day
  !> means.
  subroutine soil_of_step(static, p, state, fluxes, work, dt)
    type(site_static), intent(in) :: static  !< site description
    type(site_parameters), intent(in) :: p  !< parameters
    type(column_type), intent(inout) :: state  !< state
    type(daily_fluxes), intent(inout) :: fluxes  !< results of the day
    type(work_arrays), intent(inout) :: work  !< work arrays
    real(wp), intent(in) :: dt  !< step [s]
    if (work%seconds > 0.0_wp) call water_of_step(static, p, state, fluxes, work)
    work%t_surface = work%warmth/dt
    work%heat%t_inflow = max(t_freeze, work%t_surface)
    call heat_step(static%nsite, dt, work%t_surface, work%surface_conductance, work%conductance, &
      work%solid_heat, work%soil%unfrozen, work%heat, state%soil_temperature, &
      state%liquid, state%ice, fluxes%ground_heat, fluxes%heat_with_water)
    work%warmth = 0.0_wp
    work%water_moved = .false.
    call add_day_means(static%nsite, dt/seconds_per_day, state, fluxes)
  end subroutine soil_of_step

  !> Soil water of the surface steps since it was last computed; heat follows with the soil step.
  subroutine water_of_step(static, p, state, fluxes, work)
    type(site_static), intent(in) :: static  !< site description
    type(site_parameters), intent(in) :: p  !< parameters
    type(column_type), intent(inout) :: state  !< state
    type(daily_fluxes), intent(inout) :: fluxes  !< results of the day
    type(work_arrays), intent(inout) :: work  !< work arrays
    if (.not. work%water_moved) then
      work%heat%water = state%liquid + state%ice
      work%heat%sink = 0.0_wp
      work%water_moved = .true.
    end if
    work%flows%inflow = 0.0_wp
    call wetlands_of_step(static, p, state, fluxes, work, work%seconds)
    call irrigate_uplands(state, fluxes, work, work%seconds)
    work%flows%root_demand = work%flows%demand*work%light
    work%flows%soil_demand = work%flows%demand*(1.0_wp - work%light)
    call upland_water(static%nsite, work%uplands, work%seconds, p, work%n_active, work%soil, &
      work%root_share, state%ice, work%heat%water, work%heat%sink, state%ponded, &
      work%wet, work%flows)
    call groundwater_of_step(p, state, work, work%seconds)
    fluxes%inflow = fluxes%inflow + work%flows%inflow
    fluxes%evaporation = fluxes%evaporation + work%flows%evaporated + work%flows%transpired
    fluxes%transpiration = fluxes%transpiration + work%flows%transpired
    fluxes%runoff = fluxes%runoff + work%flows%runoff
    work%flows%supply = 0.0_wp
    work%flows%demand = 0.0_wp
    work%seconds = 0.0_wp
  end subroutine water_of_step

  !> Evapotranspiration and water of the wetlands.
  subroutine wetlands_of_step(static, p, state, fluxes, work, dt)
    type(site_static), intent(in) :: static  !< site description
    type(site_parameters), intent(in) :: p  !< parameters
    type(column_type), intent(inout) :: state  !< state
    type(daily_fluxes), intent(inout) :: fluxes  !< results of the day
    type(work_arrays), intent(inout) :: work  !< work arrays
    real(wp), intent(in) :: dt  !< step [s]
    real(wp) :: dry
    integer :: i, j, k
    do j = 1, size(work%wetlands)
      work%thawed(work%wetlands(j)) = 0.0_wp
      work%wet(work%wetlands(j)) = 0.0_wp
    end do
    do k = 1, n_upper
      do j = 1, size(work%wetlands)
        i = work%wetlands(j)
        work%thawed(i) = work%thawed(i) + state%liquid(i, k)
        work%wet(i) = work%wet(i) + state%liquid(i, k) + state%ice(i, k)
      end do
    end do
    do j = 1, size(work%wetlands)
      i = work%wetlands(j)
      work%thawed(i) = work%thawed(i)/work%wet(i)
      dry = min(1.0_wp, max(0.0_wp, (p%z_b(i) - state%water_table(i))/0.1_wp))
      if (state%ice(i, 1) > state%liquid(i, 1)) dry = 0.1_wp*dry
      dry = wetland_alpha*dry
      work%flows%transpired(i) = work%flows%demand(i)*work%light(i)*dry
      work%flows%evaporated(i) = work%flows%demand(i)*(1.0_wp - work%light(i))*dry &
        *min(1.0_wp, max(0.2_wp, 1.0_wp - (state%water_table(i) - 0.03_wp)/0.35_wp))
    end do
    call wetland_water(static%nsite, work%wetlands, dt, p, work%growing, work%thawed, work%full, &
      work%flows, work%heat%water, state%ponded, state%water_table, work%warm, &
      work%wet)
    do j = 1, size(work%wetlands)
      i = work%wetlands(j)
      fluxes%irrigation(i) = fluxes%irrigation(i) + work%flows%inflow(i) &
        - p%q_in(i)*work%thawed(i)*(dt/seconds_per_day)
    end do
  end subroutine wetlands_of_step

  !> Irrigation of the uplands, as the day before asked for; what is lost runs off with the
  !> baseflow.
  subroutine irrigate_uplands(state, fluxes, work, dt)
    type(column_type), intent(in) :: state  !< state
    type(daily_fluxes), intent(inout) :: fluxes  !< results of the day
    type(work_arrays), intent(inout) :: work  !< work arrays
    real(wp), intent(in) :: dt  !< step [s]
    integer :: i, j
    do j = 1, size(work%uplands)
      i = work%uplands(j)
      work%flows%inflow(i) = state%irrigation_due(i)*(dt/seconds_per_day)
      work%flows%supply(i) = work%flows%supply(i) + irrigation_efficiency*work%flows%inflow(i)
      fluxes%irrigation(i) = fluxes%irrigation(i) + work%flows%inflow(i)
    end do
  end subroutine irrigate_uplands

  !> Groundwater of the uplands.
  subroutine groundwater_of_step(p, state, work, dt)
    type(site_parameters), intent(in) :: p  !< parameters
    type(column_type), intent(inout) :: state  !< state
    type(work_arrays), intent(inout) :: work  !< work arrays
    real(wp), intent(in) :: dt  !< step [s]
    real(wp) :: baseflow
    integer :: i, j
    do j = 1, size(work%uplands)
      i = work%uplands(j)
      call groundwater(dt, work%flows%drainage(i), p%d_water(i), state%aquifer(i), baseflow, &
        state%water_table(i))
      work%flows%runoff(i) = work%flows%runoff(i) + baseflow &
        + (1.0_wp - irrigation_efficiency)*work%flows%inflow(i)
    end do
  end subroutine groundwater_of_step

  !> Add the forcing of a step to the day.
  subroutine add_forcing(i, dt, forcing, vpd, day)
    integer, intent(in) :: i  !< site
    real(wp), intent(in) :: dt  !< step [s]
    type(step_forcing), intent(in) :: forcing  !< forcing of the step
    real(wp), intent(in) :: vpd  !< vapour pressure deficit [Pa]
    type(daily_forcing), intent(inout) :: day  !< forcing of the day
    day%seconds(i) = day%seconds(i) + dt
    day%tas(i) = day%tas(i) + dt*forcing%tair(i)
    day%tasmin(i) = min(day%tasmin(i), forcing%tair(i))
    day%tasmax(i) = max(day%tasmax(i), forcing%tair(i))
    day%pr(i) = day%pr(i) + dt*(forcing%rain(i) + forcing%snow(i))
    day%rsds(i) = day%rsds(i) + dt*forcing%swdown(i)
    day%rlds(i) = day%rlds(i) + dt*forcing%lwdown(i)
    day%vpd(i) = day%vpd(i) + dt*vpd
    day%sfcwind(i) = day%sfcwind(i) + dt*forcing%wind(i)
    day%ps(i) = day%ps(i) + dt*forcing%psurf(i)
    day%co2(i) = day%co2(i) + dt*forcing%co2(i)
    day%ch4(i) = day%ch4(i) + dt*forcing%ch4(i)
    day%t_day(i) = day%t_day(i) + dt*forcing%swdown(i)*forcing%tair(i)
    day%vpd_day(i) = day%vpd_day(i) + dt*forcing%swdown(i)*vpd
  end subroutine add_forcing

  !> Add the state of a step to the day means.
  subroutine add_day_means(n, share, state, fluxes)
    integer, intent(in) :: n  !< number of sites
    real(wp), intent(in) :: share  !< of the day [1]
    type(column_type), intent(in) :: state  !< state
    type(daily_fluxes), intent(inout) :: fluxes  !< results of the day
    integer :: i, k
    do i = 1, n
      fluxes%tsl(i) = fluxes%tsl(i) + share*0.5_wp*(state%soil_temperature(i, i_10cm) &
        + state%soil_temperature(i, i_10cm + 1))
      fluxes%wtd(i) = fluxes%wtd(i) + share*state%water_table(i)
    end do
    do k = 1, i_10cm
      do i = 1, n
        fluxes%mrsos(i) = fluxes%mrsos(i) + share*(state%liquid(i, k) + state%ice(i, k))
      end do
    end do
  end subroutine add_day_means

  !> Means of the day, then leaf area and memories of the next.
  subroutine end_day(static, p, state, day, fluxes, work)
    type(site_static), intent(in) :: static  !< site description
    type(site_parameters), intent(in) :: p  !< parameters
    type(column_type), intent(inout) :: state  !< state
    type(daily_forcing), intent(inout) :: day  !< forcing of the day
    type(daily_fluxes), intent(inout) :: fluxes  !< results of the day
    type(work_arrays), intent(in) :: work  !< work arrays
    real(wp) :: index_of_day, unused
    integer :: i
    do i = 1, static%nsite
      call finish_means(i, day)
      call root_zone(i, static, p, state, work, fluxes%soil_wetness(i), &
        fluxes%soil_temperature(i), fluxes%oxic(i))
      state%t_30d(i) = state%t_30d(i) + (day%tas(i) - state%t_30d(i))/30.0_wp
      state%vpd_30d(i) = state%vpd_30d(i) + (day%vpd_day(i) - state%vpd_30d(i))/30.0_wp
      state%t_year(i) = state%t_year(i) + (day%tas(i) - state%t_year(i))/365.0_wp
      index_of_day = growing_season_index(day%tasmin(i), day%vpd_day(i), day%day_length(i), &
        fluxes%soil_wetness(i))
      if (p%rotation(i) > 0.0_wp) then
        unused = 0.0_wp
        call leaf_area_step(index_of_day, p%lai_max(i), p%lai_min(i), state%gsi(i), unused)
        call crop_step(i, static, p, day, state, fluxes)
        if (.not. static%wetland(i)) call irrigation_demand(i, p, work, state, &
          fluxes%soil_wetness(i))
      else
        call leaf_area_step(index_of_day, p%lai_max(i), p%lai_min(i), state%gsi(i), state%lai(i))
      end if
    end do
  end subroutine end_day

  !> Divide the sums of a day's forcing by its length.
  subroutine finish_means(i, day)
    integer, intent(in) :: i  !< site
    type(daily_forcing), intent(inout) :: day  !< forcing of the day
    real(wp) :: sunshine
    sunshine = day%rsds(i)
    day%tas(i) = day%tas(i)/day%seconds(i)
    day%rlds(i) = day%rlds(i)/day%seconds(i)
    day%vpd(i) = day%vpd(i)/day%seconds(i)
    day%sfcwind(i) = day%sfcwind(i)/day%seconds(i)
    day%ps(i) = day%ps(i)/day%seconds(i)
    day%co2(i) = day%co2(i)/day%seconds(i)
    day%ch4(i) = day%ch4(i)/day%seconds(i)
    day%rsds(i) = sunshine/day%seconds(i)
    if (sunshine > 0.0_wp) then
      day%t_day(i) = day%t_day(i)/sunshine
      day%vpd_day(i) = day%vpd_day(i)/sunshine
    else
      day%t_day(i) = day%tas(i)
      day%vpd_day(i) = day%vpd(i)
    end if
  end subroutine finish_means

  !> Wetness, temperature and air of the root zone of one site; frozen layers do not count for
  !> wetness.
  pure subroutine root_zone(i, static, p, state, work, wetness, temperature, oxic)
    integer, intent(in) :: i  !< site
    type(site_static), intent(in) :: static  !< site description
    type(site_parameters), intent(in) :: p  !< parameters
    type(column_type), intent(in) :: state  !< state
    type(work_arrays), intent(in) :: work  !< work arrays
    real(wp), intent(out) :: wetness  !< relative extractable water [1]
    real(wp), intent(out) :: temperature  !< [K]
    real(wp), intent(out) :: oxic  !< air-filled share of the pores [1]
    real(wp) :: share, water, thawed, thawed_roots
    integer :: k
    wetness = 0.0_wp
    temperature = 0.0_wp
    oxic = 0.0_wp
    thawed_roots = 1.0e-3_wp
    do k = 1, nsoil
      share = work%root_share(i, k)
      if (share <= 0.0_wp) exit
      water = state%liquid(i, k) + state%ice(i, k)
      temperature = temperature + share*state%soil_temperature(i, k)
      oxic = oxic + share*max(0.0_wp, 1.0_wp - water/work%soil%capacity(i, k))
      thawed = share*state%liquid(i, k)/water
      thawed_roots = thawed_roots + thawed
      water = (state%liquid(i, k) - work%soil%wilting(i, k)) &
        /(work%soil%field_capacity(i, k) - work%soil%wilting(i, k))
      wetness = wetness + thawed*min(1.0_wp, max(0.0_wp, water))
    end do
    wetness = wetness/thawed_roots
    if (static%wetland(i)) then
      wetness = 1.0_wp - min(1.0_wp, max(0.0_wp, (state%water_table(i) - 0.4_wp*p%z_b(i))/p%z_b(i)))
    end if
  end subroutine root_zone

end module land_physics
