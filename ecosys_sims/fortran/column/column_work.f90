!> Quantities derived from parameters and scratch arrays of one block of sites: nothing to remember.
module column_work
  use column_state, only: site_static
  use constants, only: seconds_per_hour, seconds_per_day, days_per_year, molar_mass_c, gravity, &
    l_fusion, t_freeze
  use kinds, only: wp
  use methane, only: methane_fluxes, allocate_methane_fluxes, ph_response
  use methanotrophs, only: guild_traits, oxidation_arrays, allocate_guilds, allocate_oxidation, &
    acidity_response
  use parameters, only: site_parameters, biome_swamp, biome_boreal_forest, biome_tropical_forest
  use soil_grid, only: nsoil, dz, z_top, z_bottom, z_mid
  use soil_heat, only: heat_arrays, allocate_heat
  use soil_water, only: soil_properties, water_flows, allocate_soil, allocate_flows, derive_rates, &
    texture_conductivity, texture_moisture
  implicit none (type, external)
  private
  public :: work_arrays, allocate_work, derive_work

  real(wp), parameter :: standing_water = 10.0_wp  !< on the inundated share [kg m-2]

  !> derived and scratch arrays, (nsite) or (nsite, layer)
  type :: work_arrays
    ! from parameters and texture
    type(soil_properties) :: soil  !< of water
    real(wp), allocatable :: solid_heat(:, :)  !< heat capacity of the solids [J m-2 K-1]
    real(wp), allocatable :: k_solid(:, :)  !< log of the solids' conductivity
    real(wp), allocatable :: k_dry(:, :)  !< conductivity of dry soil [W m-1 K-1]
    real(wp), allocatable :: root_share(:, :)  !< share of roots in each layer [1]
    real(wp), allocatable :: depth_substrate(:, :)  !< profile of methanogenic substrate [1]
    real(wp), allocatable :: root_conduit(:, :)  !< profile of plant transport [1]
    real(wp), allocatable :: full(:)  !< water of the saturated column [kg m-2]
    real(wp), allocatable :: fines(:)  !< silt and clay [1]
    real(wp), allocatable :: production(:)  !< methane potential, with pH [mol m-3 s-1]
    real(wp), allocatable :: production_inund(:)  !< the same of the inundated share
    real(wp), allocatable :: reference(:)  !< substrate at which it is reached [g m-2]
    real(wp), allocatable :: log_pq10(:)  !< log of pq10
    type(guild_traits) :: guilds  !< of methanotrophs; uptake with pH
    logical, allocatable :: tall(:)  !< trees stand above the snow
    integer, allocatable :: n_active(:)  !< upland: layers above the drainage base
    integer, allocatable :: wetlands(:), uplands(:)  !< places of either
    ! of the day
    real(wp), allocatable :: conductance(:, :)  !< of heat, layer to layer [W m-2 K-1]
    real(wp), allocatable :: surface_conductance(:)  !< of heat, air to first layer [W m-2 K-1]
    real(wp), allocatable :: light(:)  !< share of light absorbed by leaves [1]
    !> whether irrigation keeps a wetland flooded [1]
    real(wp), allocatable :: growing(:)
    ! of the surface, summed over a step of the soil
    real(wp), allocatable :: warmth(:)  !< surface temperature times time [K s]
    real(wp) :: seconds = 0.0_wp  !< time since soil water was computed [s]
    logical :: water_moved = .false.  !< whether it was since soil heat was
    ! of inundation
    real(wp), allocatable :: dry_share(:)  !< of the site [1]
    real(wp), allocatable :: full_liquid(:, :)  !< water of the inundated share [kg m-2]
    real(wp), allocatable :: surface(:)  !< its water table [m]
    real(wp), allocatable :: film(:)  !< its standing water [kg m-2]
    ! scratch
    real(wp), allocatable, dimension(:, :) :: a  !< (nsite, nsoil)
    real(wp), allocatable, dimension(:) :: warm, t_surface, thawed, wet  !< (nsite)
    type(water_flows) :: flows  !< water of a step of the soil
    type(heat_arrays) :: heat  !< moved water, scratch of soil heat
    type(methane_fluxes) :: methane  !< fluxes of a methane step
    type(oxidation_arrays) :: oxidation  !< oxidation of it, and of the day
  end type work_arrays

  !> suction of the water that stays liquid (Niu and Yang 2006, L dT/(g T)) at -5 degC, our choice
  !> of one temperature for all frozen soil [mm]
  real(wp), parameter :: supercooled_suction = 1.0e3_wp*l_fusion*5.0_wp &
    /(gravity*(t_freeze - 5.0_wp))

contains

  !> Room for the work arrays of `n` sites.
  subroutine allocate_work(work, n)
    type(work_arrays), intent(inout) :: work  !< work arrays
    integer, intent(in) :: n  !< number of sites
    allocate(work%solid_heat(n, nsoil), work%k_solid(n, nsoil), &
      work%k_dry(n, nsoil), work%root_share(n, nsoil), work%depth_substrate(n, nsoil), &
      work%root_conduit(n, nsoil), &
      work%conductance(n, nsoil), work%a(n, nsoil), source=0.0_wp)
    allocate(work%full(n), work%fines(n), work%production(n), work%reference(n), &
      work%log_pq10(n), work%production_inund(n), work%surface_conductance(n), &
      work%light(n), work%growing(n), work%warmth(n), work%warm(n), work%t_surface(n), &
      work%thawed(n), work%wet(n), source=0.0_wp)
    allocate(work%dry_share(n), source=1.0_wp)
    allocate(work%full_liquid(n, nsoil), work%surface(n), source=0.0_wp)
    allocate(work%film(n), source=standing_water)
    allocate(work%tall(n), source=.false.)
    allocate(work%n_active(n), source=nsoil)
    call allocate_soil(work%soil, n)
    call allocate_heat(work%heat, n)
    call allocate_methane_fluxes(work%methane, n)
    call allocate_flows(work%flows, n)
    call allocate_guilds(work%guilds, n)
    call allocate_oxidation(work%oxidation, n)
  end subroutine allocate_work

  !> Fill what follows from the site description and the parameters.
  subroutine derive_work(work, static, p)
    type(work_arrays), intent(inout) :: work  !< work arrays
    type(site_static), intent(in) :: static  !< site description
    type(site_parameters), intent(in) :: p  !< parameters
    call derive_soil(work, static, p)
    call derive_roots(work, static, p)
    work%tall = static%biome == biome_swamp .or. (static%biome >= biome_boreal_forest &
      .and. static%biome <= biome_tropical_forest)
    work%soil%conductivity = texture_conductivity(static%sand)
    work%fines = min(1.0_wp, max(0.0_wp, 1.0_wp - static%sand))
    work%production = 1.0e-3_wp/seconds_per_hour*p%mgo*ph_response(static%ph, p%ph_min)
    work%production_inund = 1.0e-3_wp/seconds_per_hour*p%mgo_inund*ph_response(static%ph, p%ph_min)
    work%reference = 0.6_wp*p%fresh_ref/days_per_year*p%tau_sub
    work%log_pq10 = log(p%pq10)
    work%guilds%log_q10 = log(p%oq10)
    work%guilds%omax = 1.0e-3_wp/seconds_per_hour*p%omax
    work%guilds%kch4 = 1.0e-3_wp*p%kch4
    work%guilds%t_ref = p%t_or
    work%guilds%ham_rate = p%ham_vmax/(seconds_per_day*molar_mass_c)*acidity_response(static%ph)
    work%guilds%ham_k = 1.0e-3_wp*p%ham_k
    work%guilds%ham_log_q10 = log(p%ham_q10)
  end subroutine derive_work

  !> Water capacities and thermal properties. Organic solids reach 1.5 m in wetlands and fade over
  !> 0.2 m in uplands.
  subroutine derive_soil(work, static, p)
    type(work_arrays), intent(inout) :: work  !< work arrays
    type(site_static), intent(in) :: static  !< site description
    type(site_parameters), intent(in) :: p  !< parameters
    real(wp) :: sand, clay, organic, wet, dry, bound, mineral_heat, mineral_k, mineral_dry, bulk
    integer :: i, k
    do i = 1, static%nsite
      sand = max(0.03_wp, static%sand(i))
      clay = max(0.03_wp, static%clay(i))
      mineral_heat = (2.128e6_wp*sand + 2.385e6_wp*clay)/(sand + clay)
      mineral_k = (8.80_wp*sand + 2.92_wp*clay)/(sand + clay)
      bulk = 2700.0_wp*(1.0_wp - p%porosity(i))
      mineral_dry = (0.135_wp*bulk + 64.7_wp)/(2700.0_wp - 0.947_wp*bulk)
      wet = min(0.85_wp*p%porosity(i), texture_moisture(p%porosity(i), sand, clay, 3.3e3_wp))
      dry = min(0.6_wp*wet, texture_moisture(p%porosity(i), sand, clay, 1.5e5_wp))
      bound = min(dry, texture_moisture(p%porosity(i), sand, clay, supercooled_suction))
      do k = 1, nsoil
        organic = p%organic(i)*exp(-z_mid(k)/0.2_wp)
        if (static%wetland(i)) organic = merge(p%organic(i), 0.0_wp, z_mid(k) < 1.5_wp)
        work%soil%capacity(i, k) = 1.0e3_wp*dz(k)*p%porosity(i)
        work%soil%field_capacity(i, k) = 1.0e3_wp*dz(k)*wet
        work%soil%wilting(i, k) = 1.0e3_wp*dz(k)*dry
        work%soil%unfrozen(i, k) = 1.0e3_wp*dz(k)*(0.03_wp*organic + bound*(1.0_wp - organic))
        work%solid_heat(i, k) = dz(k)*(1.0_wp - p%porosity(i)) &
          *(2.5e6_wp*organic + mineral_heat*(1.0_wp - organic))
        work%k_solid(i, k) = organic*log(0.25_wp) + (1.0_wp - organic)*log(mineral_k)
        work%k_dry(i, k) = organic*0.05_wp + (1.0_wp - organic)*mineral_dry
      end do
      work%full(i) = sum(work%soil%capacity(i, :))
      work%n_active(i) = max(5, count(z_mid < p%d_water(i)))
    end do
    call derive_rates(work%soil)
    work%wetlands = pack([(i, i=1, static%nsite)], static%wetland)
    work%uplands = pack([(i, i=1, static%nsite)], .not. static%wetland)
    work%heat%with_ice = merge(1.0_wp, 0.0_wp, static%wetland)
  end subroutine derive_soil

  !> Root and substrate profiles.
  subroutine derive_roots(work, static, p)
    type(work_arrays), intent(inout) :: work  !< work arrays
    type(site_static), intent(in) :: static  !< site description
    type(site_parameters), intent(in) :: p  !< parameters
    real(wp) :: upper, lower
    integer :: i, k
    do i = 1, static%nsite
      do k = 1, nsoil
        upper = min(z_top(k), p%root_depth(i))
        lower = min(z_bottom(k), p%root_depth(i))
        work%root_share(i, k) = p%beta_root(i)**(100.0_wp*upper) - p%beta_root(i)**(100.0_wp*lower)
        work%depth_substrate(i, k) = exp(-max(0.0_wp, z_mid(k) - 0.10_wp)/(0.5_wp*p%root_depth(i)))
        work%guilds%profile(i, k) = 1.0_wp
        if (.not. static%wetland(i)) work%guilds%profile(i, k) = exp(-z_mid(k)/0.3_wp)
        work%root_conduit(i, k) = 2.0_wp*max(0.0_wp, 1.0_wp - z_mid(k)/p%root_depth(i))
      end do
      if (.not. static%wetland(i)) then
        work%root_share(i, work%n_active(i) + 1:) = 0.0_wp
      end if
      work%root_share(i, :) = work%root_share(i, :)/sum(work%root_share(i, :))
    end do
  end subroutine derive_roots

end module column_work
