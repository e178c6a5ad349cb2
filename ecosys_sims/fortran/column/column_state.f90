! Made from column_state.fypp and the tables it names by scripts/generate.sh; edit those.
!> Everything the column model remembers, is given and hands out, for a block of sites.
!>
!> Sites are the first (innermost) dimension everywhere. `column_state` holds the whole prognostic
!> state at midnight: a run that starts from it continues bit for bit. `state_fields` lists it for
!> restart files. Tables: state.csv, fluxes.csv, inputs.csv.
module column_state
  use kinds, only: wp
  use soil_grid, only: nsoil, nch4, dz
  implicit none (type, external)
  private
  public :: site_static, column_type, state_field, step_forcing, daily_forcing, daily_fluxes
  public :: n_organic, organic_metabolic, organic_structural, organic_active, organic_slow, &
    organic_passive
  public :: n_spinup_sums
  public :: allocate_static, allocate_column, allocate_forcing, allocate_daily_forcing, &
    allocate_fluxes
  public :: set_constant_state, zero_day, zero_fluxes, state_fields
  public :: water_pool
  public :: groundwater_pool
  public :: carbon_pool
  public :: methane_pool
  public :: methanotroph_carbon_pool
  public :: inundated_methane_pool
  public :: nitrogen_pool

  !> pools of litter and soil organic matter, in the order of `soil_nitrogen`
  enum, bind(c)
    enumerator :: &
      organic_metabolic = 1, organic_structural, organic_active, organic_slow, organic_passive
  end enum
  integer, parameter :: n_organic = organic_passive  !< number of those pools
  integer, parameter :: n_spinup_sums = 24  !< sums that the spin-up needs

  !> what is known of each site, (nsite)
  type :: site_static
    integer :: nsite = 0  !< number of sites
    logical :: topmodel = .false.  !< a part of each site is inundated, see inundation
    real(wp), allocatable :: lat(:)  !< [degrees_north] latitude
    real(wp), allocatable :: lon(:)  !< [degrees_east] longitude
    real(wp), allocatable :: elevation(:)  !< [m] elevation above the sea
    real(wp), allocatable :: sand(:)  !< [1] sand, mass fraction of the mineral soil
    real(wp), allocatable :: clay(:)  !< [1] clay, mass fraction of the mineral soil
    real(wp), allocatable :: ph(:)  !< [1] pH of the soil
    integer, allocatable :: biome(:)  !< [1] flag of docs/formats.md
    logical, allocatable :: wetland(:)  !< [1] wetland hydrology (biomes 1 to 6)
    !> [kg m-2 year-1] annual precipitation, for the initial state
    real(wp), allocatable :: annual_precip(:)
    real(wp), allocatable :: continentality(:)  !< [1] Conrad index, for the initial state
    real(wp), allocatable :: t_ann(:)  !< [K] annual mean air temperature, for the initial state
  end type site_static

  !> prognostic state, (nsite) or (nsite, layer)
  type :: column_type
    integer :: nsite = 0  !< number of sites
    logical :: topmodel = .false.  !< copy of the static one: the inundated share has a state
    real(wp), allocatable :: soil_temperature(:, :)  !< [K] soil temperature
    real(wp), allocatable :: liquid(:, :)  !< [kg m-2] liquid water of each layer
    real(wp), allocatable :: ice(:, :)  !< [kg m-2] ice of each layer
    real(wp), allocatable :: ponded(:)  !< [kg m-2] standing water
    real(wp), allocatable :: aquifer(:)  !< [kg m-2] groundwater above the drainage base of uplands
    real(wp), allocatable :: swe(:)  !< [kg m-2] snow water equivalent
    real(wp), allocatable :: snow_density(:)  !< [kg m-3] snow density
    real(wp), allocatable :: snow_albedo(:)  !< [1] snow albedo
    real(wp), allocatable :: canopy_water(:)  !< [kg m-2] intercepted water
    real(wp), allocatable :: water_table(:)  !< [m] water table depth, negative where water stands
    real(wp), allocatable :: lai(:)  !< [1] leaf area index
    real(wp), allocatable :: gsi(:)  !< [1] growing season index, 21-day memory
    real(wp), allocatable :: t_30d(:)  !< [K] air temperature, 30-day memory
    real(wp), allocatable :: vpd_30d(:)  !< [Pa] daytime vapour pressure deficit, 30-day memory
    real(wp), allocatable :: t_year(:)  !< [K] air temperature, 365-day memory
    real(wp), allocatable :: active_layer(:)  !< [m] deepest thaw of the year so far
    real(wp), allocatable :: thaw(:)  !< [1] collapse of thawed permafrost
    real(wp), allocatable :: crop(:)  !< [1] crop that stands, 0 for none (flag of module crops)
    real(wp), allocatable :: dvs(:)  !< [1] development stage of the crop, -1 without one (0 to 2)
    real(wp), allocatable :: gdd(:)  !< [K day] heat since sowing
    real(wp), allocatable :: cold(:)  !< [day] cold days of winter wheat
    real(wp), allocatable :: grown(:)  !< [1] whether the summer crop was sown (of the crop year)
    !> [day] time since it was warm enough to sow (-1 before)
    real(wp), allocatable :: sowing_clock(:)
    real(wp), allocatable :: tilled(:)  !< [day] rest of the time that tillage acts
    real(wp), allocatable :: t_10d(:)  !< [K] air temperature, 10-day memory
    !> [kg m-2 day-1] irrigation of the next day (uplands)
    real(wp), allocatable :: irrigation_due(:)
    real(wp), allocatable :: fertiliser_due(:)  !< [g m-2 day-1] nitrogen spread the next day
    real(wp), allocatable :: leaf(:)  !< [g m-2] leaf carbon
    real(wp), allocatable :: wood(:)  !< [g m-2] wood carbon
    real(wp), allocatable :: root(:)  !< [g m-2] fine root carbon
    real(wp), allocatable :: nsc(:)  !< [g m-2] non-structural carbon
    real(wp), allocatable :: grain(:)  !< [g m-2] grain carbon of a crop
    real(wp), allocatable :: metabolic(:)  !< [g m-2] metabolic litter carbon
    real(wp), allocatable :: structural(:)  !< [g m-2] structural litter carbon
    real(wp), allocatable :: active(:)  !< [g m-2] active soil carbon
    real(wp), allocatable :: slow(:)  !< [g m-2] slow soil carbon
    real(wp), allocatable :: passive(:)  !< [g m-2] passive soil carbon
    real(wp), allocatable :: substrate(:)  !< [g m-2] labile substrate of methanogens and microbes
    real(wp), allocatable :: spinup_sums(:, :)  !< [1] sums over the spin-up, see soil_carbon
    real(wp), allocatable :: methane(:, :)  !< [mol m-3] methane per soil volume
    real(wp), allocatable :: redox(:, :)  !< [mV] redox potential
    real(wp), allocatable :: ham(:, :)  !< [g m-3] high-affinity methanotrophs, carbon
    real(wp), allocatable :: ham_active(:, :)  !< [1] active share of them
    real(wp), allocatable :: finund(:)  !< [1] inundated share
    real(wp), allocatable :: methane_inund(:, :)  !< [mol m-3] methane of the inundated share
    real(wp), allocatable :: redox_inund(:, :)  !< [mV] redox potential of the inundated share
    real(wp), allocatable :: plant_nitrogen(:)  !< [g m-2] nitrogen of plants (tissues and store)
    !> [g m-2] nitrogen of litter and soil carbon pools (metabolic, structural, active, slow,
    !> passive)
    real(wp), allocatable :: soil_nitrogen(:, :)
    real(wp), allocatable :: ammonium(:)  !< [g m-2] ammonium, mass of nitrogen
    real(wp), allocatable :: nitrate(:)  !< [g m-2] nitrate, mass of nitrogen
  end type column_type

  !> one field of the state, for restart files
  type :: state_field
    character(20) :: name = ''  !< name on file
    character(12) :: units = ''  !< unit
    character(48) :: long_name = ''  !< meaning
    real(wp), pointer :: values(:, :) => null()  !< view of the state, (nsite, level)
  end type state_field

  !> forcing of one physics step, (nsite)
  type :: step_forcing
    real(wp), allocatable :: tair(:)  !< [K] air temperature
    real(wp), allocatable :: qair(:)  !< [kg kg-1] specific humidity
    real(wp), allocatable :: swdown(:)  !< [W m-2] downward shortwave
    real(wp), allocatable :: lwdown(:)  !< [W m-2] downward longwave
    real(wp), allocatable :: rain(:)  !< [kg m-2 s-1] rain
    real(wp), allocatable :: snow(:)  !< [kg m-2 s-1] snowfall
    real(wp), allocatable :: wind(:)  !< [m s-1] wind speed
    real(wp), allocatable :: psurf(:)  !< [Pa] surface pressure
    real(wp), allocatable :: co2(:)  !< [1e-6] CO2 mole fraction
    real(wp), allocatable :: ch4(:)  !< [1e-9] CH4 mole fraction
  end type step_forcing

  !> forcing of a day, gathered by the physics steps, (nsite)
  type :: daily_forcing
    real(wp), allocatable :: tas(:)  !< [K] mean air temperature
    real(wp), allocatable :: tasmin(:)  !< [K] lowest air temperature
    real(wp), allocatable :: tasmax(:)  !< [K] highest air temperature
    real(wp), allocatable :: pr(:)  !< [kg m-2 day-1] precipitation
    real(wp), allocatable :: rsds(:)  !< [W m-2] mean downward shortwave
    real(wp), allocatable :: rlds(:)  !< [W m-2] mean downward longwave
    real(wp), allocatable :: vpd(:)  !< [Pa] mean vapour pressure deficit
    real(wp), allocatable :: sfcwind(:)  !< [m s-1] mean wind speed
    real(wp), allocatable :: ps(:)  !< [Pa] mean surface pressure
    real(wp), allocatable :: co2(:)  !< [1e-6] mean CO2 mole fraction
    real(wp), allocatable :: ch4(:)  !< [1e-9] mean CH4 mole fraction
    real(wp), allocatable :: t_day(:)  !< [K] shortwave-weighted (daytime) air temperature
    !> [Pa] shortwave-weighted (daytime) vapour pressure deficit
    real(wp), allocatable :: vpd_day(:)
    real(wp), allocatable :: day_length(:)  !< [h] day length
    real(wp), allocatable :: seconds(:)  !< [s] seconds gathered so far
    integer :: year = 1  !< calendar year
    integer :: day_of_year = 1  !< 1..366
  end type daily_forcing

  !> what one day brought, (nsite)
  type :: daily_fluxes
    real(wp), allocatable :: gpp(:)  !< [g m-2 day-1] gross primary production, C
    real(wp), allocatable :: ra(:)  !< [g m-2 day-1] autotrophic respiration, C
    !> [g m-2 day-1] heterotrophic respiration with CO2 of methane oxidation, C
    real(wp), allocatable :: rh(:)
    real(wp), allocatable :: nee(:)  !< [g m-2 day-1] ra + rh - gpp, C
    real(wp), allocatable :: fch4(:)  !< [mg m-2 day-1] net methane flux, CH4, upward
    real(wp), allocatable :: ch4_diffusion(:)  !< [mg m-2 day-1] methane diffused to the air
    real(wp), allocatable :: ch4_ebullition(:)  !< [mg m-2 day-1] methane bubbled to the air
    real(wp), allocatable :: ch4_plant(:)  !< [mg m-2 day-1] methane through plants to the air
    real(wp), allocatable :: ch4_production(:)  !< [mg m-2 day-1] methane produced
    !> [mg m-2 day-1] methane oxidised in soil and rhizosphere
    real(wp), allocatable :: ch4_oxidation(:)
    !> [mg m-2 day-1] methane oxidised by high-affinity methanotrophs
    real(wp), allocatable :: ch4_uptake_ham(:)
    real(wp), allocatable :: ham(:)  !< [g m-2] high-affinity methanotrophs, carbon
    real(wp), allocatable :: finund(:)  !< [1] inundated share
    real(wp), allocatable :: redox_10cm(:)  !< [mV] redox potential at 0.10 m
    !> [mg m-2 day-1] methane taken in by roots, before rhizosphere oxidation
    real(wp), allocatable :: ch4_plant_uptake(:)
    !> [g m-2 day-1] substrate carbon used by methanogenesis, CH4 and CO2
    real(wp), allocatable :: methanogenesis(:)
    real(wp), allocatable :: harvest(:)  !< [g m-2 day-1] carbon carried off by harvest
    real(wp), allocatable :: fertiliser(:)  !< [g m-2 day-1] nitrogen of fertiliser
    !> [g m-2 day-1] nitrogen from air and water, fixed in the soil and by nodules
    real(wp), allocatable :: nitrogen_input(:)
    real(wp), allocatable :: harvest_nitrogen(:)  !< [g m-2 day-1] nitrogen carried off by harvest
    real(wp), allocatable :: n_mineralisation(:)  !< [g m-2 day-1] net mineralisation, nitrogen
    real(wp), allocatable :: n_uptake(:)  !< [g m-2 day-1] nitrogen taken up by roots
    real(wp), allocatable :: n_leaching(:)  !< [g m-2 day-1] nitrate leached, nitrogen
    real(wp), allocatable :: n_denitrification(:)  !< [g m-2 day-1] nitrate to N2 or N2O, nitrogen
    real(wp), allocatable :: n_gas(:)  !< [g m-2 day-1] nitrogen of the N2 and N2O given off
    real(wp), allocatable :: fn2o(:)  !< [mg m-2 day-1] nitrous oxide flux, N2O, upward
    real(wp), allocatable :: f_n(:)  !< [1] factor of nitrogen on photosynthesis
    real(wp), allocatable :: yield(:)  !< [g m-2 day-1] carbon of harvested grain
    !> [g m-2 day-1] net biome production, C: -nee - harvest - methane's carbon
    real(wp), allocatable :: nbp(:)
    real(wp), allocatable :: crop(:)  !< [1] crop that stood at the start of the day, 0 for none
    real(wp), allocatable :: harvested(:)  !< [1] crop harvested at the end of the day, 0 for none
    real(wp), allocatable :: irrigation(:)  !< [kg m-2 day-1] irrigation
    real(wp), allocatable :: precipitation(:)  !< [kg m-2 day-1] rain and snowfall
    real(wp), allocatable :: inflow(:)  !< [kg m-2 day-1] lateral inflow and irrigation
    real(wp), allocatable :: evaporation(:)  !< [kg m-2 day-1] evapotranspiration
    real(wp), allocatable :: transpiration(:)  !< [kg m-2 day-1] transpiration
    real(wp), allocatable :: runoff(:)  !< [kg m-2 day-1] runoff and drainage
    real(wp), allocatable :: melt(:)  !< [kg m-2 day-1] snow melt
    !> [J m-2 day-1] heat conducted into the soil, positive downward
    real(wp), allocatable :: ground_heat(:)
    !> [J m-2 day-1] heat that water brought into the soil, less what it took away
    real(wp), allocatable :: heat_with_water(:)
    real(wp), allocatable :: tsl(:)  !< [K] soil temperature at 0.10 m, day mean
    real(wp), allocatable :: mrsos(:)  !< [kg m-2] water of the upper 0.10 m, day mean
    real(wp), allocatable :: wtd(:)  !< [m] water table depth, day mean
    real(wp), allocatable :: snw(:)  !< [kg m-2] snow water equivalent, day mean
    real(wp), allocatable :: lai(:)  !< [1] leaf area index of the day
    real(wp), allocatable :: soil_wetness(:)  !< [1] root-zone relative extractable water, day mean
    real(wp), allocatable :: soil_temperature(:)  !< [K] root-zone soil temperature, day mean
    real(wp), allocatable :: oxic(:)  !< [1] air-filled pore share of the root zone, day mean
    real(wp), allocatable :: snow_cover(:)  !< [1] snow-covered share, day mean
    !> [kg m-2] water of the column at the start of the day
    real(wp), allocatable :: water_start(:)
    real(wp), allocatable :: heat_start(:)  !< [J m-2] heat of the soil at the start of the day
    !> [g m-2] carbon of the column at the start of the day
    real(wp), allocatable :: carbon_start(:)
    !> [mol m-2] methane of the column at the start of the day
    real(wp), allocatable :: methane_start(:)
    !> [g m-2] nitrogen of the column at the start of the day
    real(wp), allocatable :: nitrogen_start(:)
  end type daily_fluxes

contains

  !> Room for what is known of `nsite` sites.
  subroutine allocate_static(static, nsite)
    type(site_static), intent(inout) :: static  !< site description
    integer, intent(in) :: nsite  !< number of sites
    static%nsite = nsite
    allocate(static%lat(nsite), source=0.0_wp)
    allocate(static%lon(nsite), source=0.0_wp)
    allocate(static%elevation(nsite), source=0.0_wp)
    allocate(static%sand(nsite), source=0.3_wp)
    allocate(static%clay(nsite), source=0.3_wp)
    allocate(static%ph(nsite), source=6.0_wp)
    allocate(static%biome(nsite), source=2)
    allocate(static%wetland(nsite), source=.true.)
    allocate(static%annual_precip(nsite), source=700.0_wp)
    allocate(static%continentality(nsite), source=40.0_wp)
    allocate(static%t_ann(nsite), source=280.0_wp)
  end subroutine allocate_static

  !> Room for the state of `nsite` sites, at its constants of a cold start.
  subroutine allocate_column(state, nsite)
    type(column_type), intent(inout) :: state  !< state
    integer, intent(in) :: nsite  !< number of sites
    state%nsite = nsite
    allocate(state%soil_temperature(nsite, nsoil), source=0.0_wp)
    allocate(state%liquid(nsite, nsoil), source=0.0_wp)
    allocate(state%ice(nsite, nsoil), source=0.0_wp)
    allocate(state%ponded(nsite), source=0.0_wp)
    allocate(state%aquifer(nsite), source=0.0_wp)
    allocate(state%swe(nsite), source=0.0_wp)
    allocate(state%snow_density(nsite), source=0.0_wp)
    allocate(state%snow_albedo(nsite), source=0.0_wp)
    allocate(state%canopy_water(nsite), source=0.0_wp)
    allocate(state%water_table(nsite), source=0.0_wp)
    allocate(state%lai(nsite), source=0.0_wp)
    allocate(state%gsi(nsite), source=0.0_wp)
    allocate(state%t_30d(nsite), source=0.0_wp)
    allocate(state%vpd_30d(nsite), source=0.0_wp)
    allocate(state%t_year(nsite), source=0.0_wp)
    allocate(state%active_layer(nsite), source=0.0_wp)
    allocate(state%thaw(nsite), source=0.0_wp)
    allocate(state%crop(nsite), source=0.0_wp)
    allocate(state%dvs(nsite), source=-1.0_wp)
    allocate(state%gdd(nsite), source=0.0_wp)
    allocate(state%cold(nsite), source=0.0_wp)
    allocate(state%grown(nsite), source=0.0_wp)
    allocate(state%sowing_clock(nsite), source=-1.0_wp)
    allocate(state%tilled(nsite), source=0.0_wp)
    allocate(state%t_10d(nsite), source=0.0_wp)
    allocate(state%irrigation_due(nsite), source=0.0_wp)
    allocate(state%fertiliser_due(nsite), source=0.0_wp)
    allocate(state%leaf(nsite), source=0.0_wp)
    allocate(state%wood(nsite), source=0.0_wp)
    allocate(state%root(nsite), source=0.0_wp)
    allocate(state%nsc(nsite), source=0.0_wp)
    allocate(state%grain(nsite), source=0.0_wp)
    allocate(state%metabolic(nsite), source=20.0_wp)
    allocate(state%structural(nsite), source=150.0_wp)
    allocate(state%active(nsite), source=150.0_wp)
    allocate(state%slow(nsite), source=0.0_wp)
    allocate(state%passive(nsite), source=0.0_wp)
    allocate(state%substrate(nsite), source=0.0_wp)
    allocate(state%spinup_sums(nsite, n_spinup_sums), source=0.0_wp)
    allocate(state%methane(nsite, nch4), source=0.0_wp)
    allocate(state%redox(nsite, nch4), source=0.0_wp)
    allocate(state%ham(nsite, nch4), source=0.0_wp)
    allocate(state%ham_active(nsite, nch4), source=0.0_wp)
    allocate(state%finund(nsite), source=0.0_wp)
    allocate(state%methane_inund(nsite, nch4), source=0.0_wp)
    allocate(state%redox_inund(nsite, nch4), source=-300.0_wp)
    allocate(state%plant_nitrogen(nsite), source=0.0_wp)
    allocate(state%soil_nitrogen(nsite, n_organic), source=0.0_wp)
    allocate(state%ammonium(nsite), source=1.0_wp)
    allocate(state%nitrate(nsite), source=0.5_wp)
  end subroutine allocate_column

  !> Room for the forcing of one step.
  subroutine allocate_forcing(forcing, nsite)
    type(step_forcing), intent(inout) :: forcing  !< forcing of one step
    integer, intent(in) :: nsite  !< number of sites
    allocate(forcing%tair(nsite), source=0.0_wp)
    allocate(forcing%qair(nsite), source=0.0_wp)
    allocate(forcing%swdown(nsite), source=0.0_wp)
    allocate(forcing%lwdown(nsite), source=0.0_wp)
    allocate(forcing%rain(nsite), source=0.0_wp)
    allocate(forcing%snow(nsite), source=0.0_wp)
    allocate(forcing%wind(nsite), source=0.0_wp)
    allocate(forcing%psurf(nsite), source=0.0_wp)
    allocate(forcing%co2(nsite), source=0.0_wp)
    allocate(forcing%ch4(nsite), source=0.0_wp)
  end subroutine allocate_forcing

  !> Room for the forcing of one day.
  subroutine allocate_daily_forcing(day, nsite)
    type(daily_forcing), intent(inout) :: day  !< forcing of one day
    integer, intent(in) :: nsite  !< number of sites
    allocate(day%tas(nsite), source=0.0_wp)
    allocate(day%tasmin(nsite), source=0.0_wp)
    allocate(day%tasmax(nsite), source=0.0_wp)
    allocate(day%pr(nsite), source=0.0_wp)
    allocate(day%rsds(nsite), source=0.0_wp)
    allocate(day%rlds(nsite), source=0.0_wp)
    allocate(day%vpd(nsite), source=0.0_wp)
    allocate(day%sfcwind(nsite), source=0.0_wp)
    allocate(day%ps(nsite), source=0.0_wp)
    allocate(day%co2(nsite), source=0.0_wp)
    allocate(day%ch4(nsite), source=0.0_wp)
    allocate(day%t_day(nsite), source=0.0_wp)
    allocate(day%vpd_day(nsite), source=0.0_wp)
    allocate(day%day_length(nsite), source=0.0_wp)
    allocate(day%seconds(nsite), source=0.0_wp)
  end subroutine allocate_daily_forcing

  !> Room for the results of one day.
  subroutine allocate_fluxes(fluxes, nsite)
    type(daily_fluxes), intent(inout) :: fluxes  !< results of one day
    integer, intent(in) :: nsite  !< number of sites
    allocate(fluxes%gpp(nsite), source=0.0_wp)
    allocate(fluxes%ra(nsite), source=0.0_wp)
    allocate(fluxes%rh(nsite), source=0.0_wp)
    allocate(fluxes%nee(nsite), source=0.0_wp)
    allocate(fluxes%fch4(nsite), source=0.0_wp)
    allocate(fluxes%ch4_diffusion(nsite), source=0.0_wp)
    allocate(fluxes%ch4_ebullition(nsite), source=0.0_wp)
    allocate(fluxes%ch4_plant(nsite), source=0.0_wp)
    allocate(fluxes%ch4_production(nsite), source=0.0_wp)
    allocate(fluxes%ch4_oxidation(nsite), source=0.0_wp)
    allocate(fluxes%ch4_uptake_ham(nsite), source=0.0_wp)
    allocate(fluxes%ham(nsite), source=0.0_wp)
    allocate(fluxes%finund(nsite), source=0.0_wp)
    allocate(fluxes%redox_10cm(nsite), source=0.0_wp)
    allocate(fluxes%ch4_plant_uptake(nsite), source=0.0_wp)
    allocate(fluxes%methanogenesis(nsite), source=0.0_wp)
    allocate(fluxes%harvest(nsite), source=0.0_wp)
    allocate(fluxes%fertiliser(nsite), source=0.0_wp)
    allocate(fluxes%nitrogen_input(nsite), source=0.0_wp)
    allocate(fluxes%harvest_nitrogen(nsite), source=0.0_wp)
    allocate(fluxes%n_mineralisation(nsite), source=0.0_wp)
    allocate(fluxes%n_uptake(nsite), source=0.0_wp)
    allocate(fluxes%n_leaching(nsite), source=0.0_wp)
    allocate(fluxes%n_denitrification(nsite), source=0.0_wp)
    allocate(fluxes%n_gas(nsite), source=0.0_wp)
    allocate(fluxes%fn2o(nsite), source=0.0_wp)
    allocate(fluxes%f_n(nsite), source=1.0_wp)
    allocate(fluxes%yield(nsite), source=0.0_wp)
    allocate(fluxes%nbp(nsite), source=0.0_wp)
    allocate(fluxes%crop(nsite), source=0.0_wp)
    allocate(fluxes%harvested(nsite), source=0.0_wp)
    allocate(fluxes%irrigation(nsite), source=0.0_wp)
    allocate(fluxes%precipitation(nsite), source=0.0_wp)
    allocate(fluxes%inflow(nsite), source=0.0_wp)
    allocate(fluxes%evaporation(nsite), source=0.0_wp)
    allocate(fluxes%transpiration(nsite), source=0.0_wp)
    allocate(fluxes%runoff(nsite), source=0.0_wp)
    allocate(fluxes%melt(nsite), source=0.0_wp)
    allocate(fluxes%ground_heat(nsite), source=0.0_wp)
    allocate(fluxes%heat_with_water(nsite), source=0.0_wp)
    allocate(fluxes%tsl(nsite), source=0.0_wp)
    allocate(fluxes%mrsos(nsite), source=0.0_wp)
    allocate(fluxes%wtd(nsite), source=0.0_wp)
    allocate(fluxes%snw(nsite), source=0.0_wp)
    allocate(fluxes%lai(nsite), source=0.0_wp)
    allocate(fluxes%soil_wetness(nsite), source=0.0_wp)
    allocate(fluxes%soil_temperature(nsite), source=0.0_wp)
    allocate(fluxes%oxic(nsite), source=0.0_wp)
    allocate(fluxes%snow_cover(nsite), source=0.0_wp)
    allocate(fluxes%water_start(nsite), source=0.0_wp)
    allocate(fluxes%heat_start(nsite), source=0.0_wp)
    allocate(fluxes%carbon_start(nsite), source=0.0_wp)
    allocate(fluxes%methane_start(nsite), source=0.0_wp)
    allocate(fluxes%nitrogen_start(nsite), source=0.0_wp)
  end subroutine allocate_fluxes

  !> The part of the state that is constant at a cold start; the rest is set in `initial_state`.
  subroutine set_constant_state(state)
    type(column_type), intent(inout) :: state  !< state
    state%ponded = 0.0_wp
    state%aquifer = 0.0_wp
    state%swe = 0.0_wp
    state%canopy_water = 0.0_wp
    state%active_layer = 0.0_wp
    state%thaw = 0.0_wp
    state%crop = 0.0_wp
    state%dvs = -1.0_wp
    state%gdd = 0.0_wp
    state%cold = 0.0_wp
    state%grown = 0.0_wp
    state%sowing_clock = -1.0_wp
    state%tilled = 0.0_wp
    state%irrigation_due = 0.0_wp
    state%fertiliser_due = 0.0_wp
    state%grain = 0.0_wp
    state%metabolic = 20.0_wp
    state%structural = 150.0_wp
    state%active = 150.0_wp
    state%spinup_sums = 0.0_wp
    state%methane = 0.0_wp
    state%methane_inund = 0.0_wp
    state%redox_inund = -300.0_wp
    state%ammonium = 1.0_wp
    state%nitrate = 0.5_wp
  end subroutine set_constant_state

  !> Start the sums and extremes of a day's forcing.
  subroutine zero_day(day)
    type(daily_forcing), intent(inout) :: day  !< forcing of the day
    day%tas = 0.0_wp
    day%tasmin = huge(1.0_wp)
    day%tasmax = -huge(1.0_wp)
    day%pr = 0.0_wp
    day%rsds = 0.0_wp
    day%rlds = 0.0_wp
    day%vpd = 0.0_wp
    day%sfcwind = 0.0_wp
    day%ps = 0.0_wp
    day%co2 = 0.0_wp
    day%ch4 = 0.0_wp
    day%t_day = 0.0_wp
    day%vpd_day = 0.0_wp
    day%seconds = 0.0_wp
  end subroutine zero_day

  !> Start the sums of a day's results.
  subroutine zero_fluxes(fluxes)
    type(daily_fluxes), intent(inout) :: fluxes  !< results of the day
    fluxes%gpp = 0.0_wp
    fluxes%ra = 0.0_wp
    fluxes%rh = 0.0_wp
    fluxes%nee = 0.0_wp
    fluxes%fch4 = 0.0_wp
    fluxes%ch4_diffusion = 0.0_wp
    fluxes%ch4_ebullition = 0.0_wp
    fluxes%ch4_plant = 0.0_wp
    fluxes%ch4_production = 0.0_wp
    fluxes%ch4_oxidation = 0.0_wp
    fluxes%ch4_plant_uptake = 0.0_wp
    fluxes%methanogenesis = 0.0_wp
    fluxes%harvest = 0.0_wp
    fluxes%yield = 0.0_wp
    fluxes%nbp = 0.0_wp
    fluxes%harvested = 0.0_wp
    fluxes%irrigation = 0.0_wp
    fluxes%precipitation = 0.0_wp
    fluxes%inflow = 0.0_wp
    fluxes%evaporation = 0.0_wp
    fluxes%transpiration = 0.0_wp
    fluxes%runoff = 0.0_wp
    fluxes%melt = 0.0_wp
    fluxes%ground_heat = 0.0_wp
    fluxes%heat_with_water = 0.0_wp
    fluxes%tsl = 0.0_wp
    fluxes%mrsos = 0.0_wp
    fluxes%wtd = 0.0_wp
    fluxes%snw = 0.0_wp
    fluxes%snow_cover = 0.0_wp
  end subroutine zero_fluxes

  !> Sum of the water of a column [kg m-2].
  pure real(wp) function water_pool(i, state) result(pool)
    integer, intent(in) :: i  !< site
    type(column_type), intent(in) :: state  !< state
    pool = &
      sum(state%liquid(i, :)) + sum(state%ice(i, :)) + state%ponded(i) + state%swe(i) &
      + state%canopy_water(i)
  end function water_pool

  !> Sum of the groundwater of a column [kg m-2].
  pure real(wp) function groundwater_pool(i, state) result(pool)
    integer, intent(in) :: i  !< site
    type(column_type), intent(in) :: state  !< state
    pool = &
      state%aquifer(i)
  end function groundwater_pool

  !> Sum of the carbon of a column [g m-2].
  pure real(wp) function carbon_pool(i, state) result(pool)
    integer, intent(in) :: i  !< site
    type(column_type), intent(in) :: state  !< state
    pool = &
      state%leaf(i) + state%wood(i) + state%root(i) + state%nsc(i) + state%grain(i) &
      + state%metabolic(i) + state%structural(i) + state%active(i) + state%slow(i) &
      + state%passive(i) + state%substrate(i)
  end function carbon_pool

  !> Sum of the methane of a column [mol m-2].
  pure real(wp) function methane_pool(i, state) result(pool)
    integer, intent(in) :: i  !< site
    type(column_type), intent(in) :: state  !< state
    pool = &
      sum(state%methane(i, :)*dz(1:nch4))
  end function methane_pool

  !> Sum of the methanotroph carbon of a column [g m-2].
  pure real(wp) function methanotroph_carbon_pool(i, state) result(pool)
    integer, intent(in) :: i  !< site
    type(column_type), intent(in) :: state  !< state
    pool = &
      sum(state%ham(i, :)*dz(1:nch4))
  end function methanotroph_carbon_pool

  !> Sum of the inundated methane of a column [mol m-2].
  pure real(wp) function inundated_methane_pool(i, state) result(pool)
    integer, intent(in) :: i  !< site
    type(column_type), intent(in) :: state  !< state
    pool = &
      sum(state%methane_inund(i, :)*dz(1:nch4))
  end function inundated_methane_pool

  !> Sum of the nitrogen of a column [g m-2].
  pure real(wp) function nitrogen_pool(i, state) result(pool)
    integer, intent(in) :: i  !< site
    type(column_type), intent(in) :: state  !< state
    pool = &
      state%plant_nitrogen(i) + sum(state%soil_nitrogen(i, :)) + state%ammonium(i) &
      + state%nitrate(i)
  end function nitrogen_pool

  !> Views of all prognostic fields, for reading and writing restart files.
  subroutine state_fields(state, fields)
    type(column_type), intent(inout), target :: state  !< state
    type(state_field), allocatable, intent(out) :: fields(:)  !< one view for each field
    fields = [ &
      land_fields(state), crop_fields(state), carbon_fields(state), methane_fields(state), &
      nitrogen_fields(state)]
  end subroutine state_fields

  !> State of the part `land`.
  function land_fields(state) result(fields)
    type(column_type), intent(inout), target :: state  !< state
    type(state_field), allocatable :: fields(:)  !< one view for each field
    fields = [ &
      layered('soil_temperature', 'K', 'soil temperature', state%soil_temperature), &
      layered('liquid', 'kg m-2', 'liquid water of each layer', state%liquid), &
      layered('ice', 'kg m-2', 'ice of each layer', state%ice), &
      single('ponded', 'kg m-2', 'standing water', state%ponded), &
      single('aquifer', 'kg m-2', 'groundwater above the drainage base of uplands', &
      state%aquifer), &
      single('swe', 'kg m-2', 'snow water equivalent', state%swe), &
      single('snow_density', 'kg m-3', 'snow density', state%snow_density), &
      single('snow_albedo', '1', 'snow albedo', state%snow_albedo), &
      single('canopy_water', 'kg m-2', 'intercepted water', state%canopy_water), &
      single('water_table', 'm', 'water table depth, negative where water stands', &
      state%water_table), &
      single('lai', '1', 'leaf area index', state%lai), &
      single('gsi', '1', 'growing season index, 21-day memory', state%gsi), &
      single('t_30d', 'K', 'air temperature, 30-day memory', state%t_30d), &
      single('vpd_30d', 'Pa', 'daytime vapour pressure deficit, 30-day memory', state%vpd_30d), &
      single('t_year', 'K', 'air temperature, 365-day memory', state%t_year), &
      single('active_layer', 'm', 'deepest thaw of the year so far', state%active_layer), &
      single('thaw', '1', 'collapse of thawed permafrost', state%thaw)]
  end function land_fields

  !> State of the part `crop`.
  function crop_fields(state) result(fields)
    type(column_type), intent(inout), target :: state  !< state
    type(state_field), allocatable :: fields(:)  !< one view for each field
    fields = [ &
      single('crop', '1', 'crop that stands, 0 for none', state%crop), &
      single('dvs', '1', 'development stage of the crop, -1 without one', state%dvs), &
      single('gdd', 'K day', 'heat since sowing', state%gdd), &
      single('cold', 'day', 'cold days of winter wheat', state%cold), &
      single('grown', '1', 'whether the summer crop was sown', state%grown), &
      single('sowing_clock', 'day', 'time since it was warm enough to sow', state%sowing_clock), &
      single('tilled', 'day', 'rest of the time that tillage acts', state%tilled), &
      single('t_10d', 'K', 'air temperature, 10-day memory', state%t_10d), &
      single('irrigation_due', 'kg m-2 day-1', 'irrigation of the next day', &
      state%irrigation_due), &
      single('fertiliser_due', 'g m-2 day-1', 'nitrogen spread the next day', state%fertiliser_due)]
  end function crop_fields

  !> State of the part `carbon`.
  function carbon_fields(state) result(fields)
    type(column_type), intent(inout), target :: state  !< state
    type(state_field), allocatable :: fields(:)  !< one view for each field
    fields = [ &
      single('leaf', 'g m-2', 'leaf carbon', state%leaf), &
      single('wood', 'g m-2', 'wood carbon', state%wood), &
      single('root', 'g m-2', 'fine root carbon', state%root), &
      single('nsc', 'g m-2', 'non-structural carbon', state%nsc), &
      single('grain', 'g m-2', 'grain carbon of a crop', state%grain), &
      single('metabolic', 'g m-2', 'metabolic litter carbon', state%metabolic), &
      single('structural', 'g m-2', 'structural litter carbon', state%structural), &
      single('active', 'g m-2', 'active soil carbon', state%active), &
      single('slow', 'g m-2', 'slow soil carbon', state%slow), &
      single('passive', 'g m-2', 'passive soil carbon', state%passive), &
      single('substrate', 'g m-2', 'labile substrate of methanogens and microbes', &
      state%substrate), &
      layered('spinup_sums', '1', 'sums over the spin-up, see soil_carbon', state%spinup_sums)]
  end function carbon_fields

  !> State of the part `methane`.
  function methane_fields(state) result(fields)
    type(column_type), intent(inout), target :: state  !< state
    type(state_field), allocatable :: fields(:)  !< one view for each field
    fields = [ &
      layered('methane', 'mol m-3', 'methane per soil volume', state%methane), &
      layered('redox', 'mV', 'redox potential', state%redox), &
      layered('ham', 'g m-3', 'high-affinity methanotrophs, carbon', state%ham), &
      layered('ham_active', '1', 'active share of them', state%ham_active)]
    if (state%topmodel) fields = [fields, &
      single('finund', '1', 'inundated share', state%finund), &
      layered('methane_inund', 'mol m-3', 'methane of the inundated share', state%methane_inund), &
      layered('redox_inund', 'mV', 'redox potential of the inundated share', state%redox_inund)]
  end function methane_fields

  !> State of the part `nitrogen`.
  function nitrogen_fields(state) result(fields)
    type(column_type), intent(inout), target :: state  !< state
    type(state_field), allocatable :: fields(:)  !< one view for each field
    fields = [ &
      single('plant_nitrogen', 'g m-2', 'nitrogen of plants', state%plant_nitrogen), &
      layered('soil_nitrogen', 'g m-2', 'nitrogen of litter and soil carbon pools', &
      state%soil_nitrogen), &
      single('ammonium', 'g m-2', 'ammonium, mass of nitrogen', state%ammonium), &
      single('nitrate', 'g m-2', 'nitrate, mass of nitrogen', state%nitrate)]
  end function nitrogen_fields

  !> View of a field without levels.
  function single(name, units, long_name, values) result(field)
    character(*), intent(in) :: name, units, long_name  !< texts
    real(wp), intent(in), target, contiguous :: values(:)  !< (nsite)
    type(state_field) :: field  !< the view
    field%name = name
    field%units = units
    field%long_name = long_name
    field%values(1:size(values), 1:1) => values
  end function single

  !> View of a layered field.
  function layered(name, units, long_name, values) result(field)
    character(*), intent(in) :: name, units, long_name  !< texts
    real(wp), intent(in), target :: values(:, :)  !< (nsite, level)
    type(state_field) :: field  !< the view
    field%name = name
    field%units = units
    field%long_name = long_name
    field%values => values
  end function layered

end module column_state
