! Made from parameters.fypp and parameters.csv by scripts/generate.sh; edit those.
!> Parameters of the column model: what they are, their bounds and the defaults of the biomes.
!>
!> Each parameter is one array over sites, so that any of them may differ between sites. Where the
!> defaults come from is told in docs/process_model.md. `parameter_table` is the list from which
!> namelist keys, site-table variables and docs/parameters.md come.
module parameters
  use kinds, only: wp
  implicit none (type, external)
  private
  public :: site_parameters, parameter_info, n_parameters, n_biomes, biome_names, is_wetland_biome
  public :: parameter_table, default_parameters, set_parameter, get_parameter, set_bounded
  public :: &
    biome_bog, biome_fen, biome_marsh, biome_swamp, biome_wet_tundra, biome_rice, &
    biome_boreal_forest, biome_temperate_forest, biome_tropical_forest, biome_grassland, &
    biome_shrubland, biome_tundra, biome_cropland
  public :: parameter_unknown, parameter_outside, parameter_count

  integer, parameter :: parameter_unknown = 1  !< status: no such name
  integer, parameter :: parameter_outside = 2  !< status: a value outside its bounds
  integer, parameter :: parameter_count = 3  !< status: neither one value nor one a site

  integer, parameter :: n_parameters = 87  !< parameters in the table
  integer, parameter :: n_biomes = 13  !< site classes of docs/formats.md

  !> flags of the site classes
  enum, bind(c)
    enumerator :: &
      biome_bog = 1, biome_fen = 2, biome_marsh = 3, biome_swamp = 4, biome_wet_tundra = 5, &
      biome_rice = 6, biome_boreal_forest = 7, biome_temperate_forest = 8, &
      biome_tropical_forest = 9, biome_grassland = 10, biome_shrubland = 11, biome_tundra = 12, &
      biome_cropland = 13
  end enum
  !> names of the site classes, in the order of their flags
  character(16), parameter :: biome_names(n_biomes) = [character(16) :: &
    'bog', 'fen', 'marsh', 'swamp', 'wet_tundra', 'rice', 'boreal_forest', 'temperate_forest', &
    'tropical_forest', 'grassland', 'shrubland', 'tundra', 'cropland']

  !> one entry of the parameter table
  type :: parameter_info
    character(16) :: name = ''  !< key in namelists and site tables
    character(16) :: units = ''  !< unit
    character(12) :: group = ''  !< namelist group
    real(wp) :: minimum = 0.0_wp  !< smallest value accepted
    real(wp) :: maximum = 0.0_wp  !< largest value accepted
    real(wp) :: biome_default(n_biomes) = 0.0_wp  !< default of each biome
    character(88) :: long_name = ''  !< meaning
  end type parameter_info

  !> parameters of a block of sites, each (nsite)
  type :: site_parameters
    integer :: nsite = 0  !< number of sites
    ! veg_nl
    !> [1] quantum yield of C3 photosynthesis before its temperature response
    real(wp), allocatable :: kphio(:)
    real(wp), allocatable :: b0(:)  !< [1] GPP at the wilting point relative to well-watered
    !> [1 cm-1] root profile: the share of roots below z is beta_root**z
    real(wp), allocatable :: beta_root(:)
    real(wp), allocatable :: root_depth(:)  !< [m] rooting depth
    real(wp), allocatable :: lai_max(:)  !< [1] largest leaf area index
    real(wp), allocatable :: lai_min(:)  !< [1] share of lai_max that is kept all year
    real(wp), allocatable :: sla(:)  !< [m2 g-1] leaf area per leaf carbon
    real(wp), allocatable :: rm25(:)  !< [g g-1 day-1] maintenance respiration at 25 C per nitrogen
    real(wp), allocatable :: turn_leaf(:)  !< [year-1] leaf turnover while leaves are kept
    real(wp), allocatable :: turn_root(:)  !< [year-1] fine root turnover
    real(wp), allocatable :: turn_wood(:)  !< [year-1] wood turnover
    real(wp), allocatable :: alloc_wood(:)  !< [1] share of growth beyond leaves that goes to wood
    real(wp), allocatable :: f_exud(:)  !< [1] root exudation per GPP
    !> [1] share of lost leaves and stems carried off by harvest
    real(wp), allocatable :: harvest_fraction(:)
    !> [1] wood and slow soil carbon relative to equilibrium at the start
    real(wp), allocatable :: maturity(:)
    ! soil_nl
    real(wp), allocatable :: som_mult(:)  !< [1] factor on all soil carbon turnover rates
    real(wp), allocatable :: porosity(:)  !< [m3 m-3] porosity of soil or peat
    real(wp), allocatable :: organic(:)  !< [1] organic volume share of the soil solids
    real(wp), allocatable :: mat_depth(:)  !< [m] depth of the moss or litter mat
    real(wp), allocatable :: mat_k(:)  !< [W m-1 K-1] thermal conductivity of the mat
    ! hydro_nl
    !> [mm day-1] wetland: outflow with the water table at the surface; upland: largest drainage
    real(wp), allocatable :: k_out(:)
    real(wp), allocatable :: l_out(:)  !< [m] e-folding depth of the wetland outflow
    !> [mm day-1] mean groundwater and surface inflow in the frost-free season
    real(wp), allocatable :: q_in(:)
    real(wp), allocatable :: h_max(:)  !< [m] standing water beyond which all water runs off
    real(wp), allocatable :: z_b(:)  !< [m] deepest water table of a wetland
    !> [m] upland: depth of the permanent water table or of the drainage base
    real(wp), allocatable :: d_water(:)
    !> [mm day-1] largest irrigation in the growing season (keeps rice flooded)
    real(wp), allocatable :: irrigation(:)
    real(wp), allocatable :: ddf(:)  !< [mm K-1 day-1] degree-day factor of snow melt
    !> [1] shape of the gamma distribution of the topographic index (inundation)
    real(wp), allocatable :: topo_shape(:)
    !> [1] scale of the gamma distribution of the topographic index (inundation)
    real(wp), allocatable :: topo_scale(:)
    !> [m-1] topographic index per metre of water table depth (inundation)
    real(wp), allocatable :: topo_f(:)
    ! ch4_nl
    !> [umol L-1 h-1] methane production potential per soil volume at t_pr
    real(wp), allocatable :: mgo(:)
    real(wp), allocatable :: pq10(:)  !< [1] Q10 of methane production
    real(wp), allocatable :: t_pr(:)  !< [degC] reference temperature of methane production
    !> [umol L-1 h-1] methane oxidation potential of low-affinity methanotrophs per soil water
    real(wp), allocatable :: omax(:)
    real(wp), allocatable :: kch4(:)  !< [umol L-1] half-saturation of low-affinity methanotrophs
    real(wp), allocatable :: oq10(:)  !< [1] Q10 of methane oxidation
    real(wp), allocatable :: t_or(:)  !< [degC] reference temperature of methane oxidation
    real(wp), allocatable :: tveg(:)  !< [1] ability of plants to conduct methane
    !> [1] share of plant-mediated methane oxidised in the rhizosphere
    real(wp), allocatable :: pox(:)
    real(wp), allocatable :: kp(:)  !< [h-1] rate constant of plant transport
    !> [1] methane share of the bubble pressure at which ebullition starts
    real(wp), allocatable :: f_x(:)
    !> [mV day-1] rate at which the redox potential falls under water
    real(wp), allocatable :: c_r(:)
    !> [day] turnover time of the methanogenic substrate at 25 C
    real(wp), allocatable :: tau_sub(:)
    !> [g m-2 year-1] substrate input at which production reaches mgo
    real(wp), allocatable :: fresh_ref(:)
    real(wp), allocatable :: ph_min(:)  !< [1] lowest pH of methanogenesis
    !> [day-1] largest methane uptake of high-affinity methanotrophs per biomass, C
    real(wp), allocatable :: ham_vmax(:)
    real(wp), allocatable :: ham_k(:)  !< [umol L-1] half-saturation of high-affinity methanotrophs
    real(wp), allocatable :: ham_q10(:)  !< [1] Q10 of their uptake, around t_or
    real(wp), allocatable :: ham_yield(:)  !< [1] biomass that they build per methane, C
    real(wp), allocatable :: ham_maint(:)  !< [day-1] their maintenance at 10 C per active biomass
    real(wp), allocatable :: ham_death(:)  !< [day-1] their death rate where sparse
    !> [g m-3] biomass carbon at which their death rate is doubled
    real(wp), allocatable :: ham_half(:)
    real(wp), allocatable :: ham_on(:)  !< [day] time in which they wake
    real(wp), allocatable :: ham_off(:)  !< [day] time in which they fall dormant
    real(wp), allocatable :: ham_kn(:)  !< [mg kg-1] ammonium nitrogen that halves their uptake
    !> [umol L-1 h-1] methane production potential of the inundated share of a site
    real(wp), allocatable :: mgo_inund(:)
    ! crop_nl
    !> [1] crops in turn, a digit a year: 1 maize 2 soybean 3 wheat 4 rice 5 wheat+maize, 0 none
    real(wp), allocatable :: rotation(:)
    real(wp), allocatable :: sow_shift(:)  !< [day] sowing later than usual
    real(wp), allocatable :: gdd_factor(:)  !< [1] heat that development needs, relative
    !> [g m-2 year-1] nitrogen of fertiliser to maize; wheat 0.7, rice 0.8, soybean 0 of it
    real(wp), allocatable :: n_fertiliser(:)
    real(wp), allocatable :: residue(:)  !< [1] share of straw left on the field
    real(wp), allocatable :: tillage(:)  !< [1] tillage before sowing, 0 none, 1 by plough
    real(wp), allocatable :: lue_scheme(:)  !< [1] GPP of crops: 0 P-model, 1 light-use efficiency
    ! nitrogen_nl
    !> [1] strength of nitrogen limitation; 0: carbon does not depend on nitrogen
    real(wp), allocatable :: n_limit(:)
    !> [g m-2 year-1] nitrogen from the air, in wetlands with that of inflowing water
    real(wp), allocatable :: n_dep(:)
    real(wp), allocatable :: n_fix(:)  !< [g m-2 year-1] nitrogen fixed without legumes
    !> [1] share of the nitrogen demand of soybean that its nodules fix
    real(wp), allocatable :: n_legume(:)
    real(wp), allocatable :: n_retrans(:)  !< [1] leaf nitrogen kept by plants when leaves fall
    !> [g g-1 day-1] largest nitrogen uptake per carbon of fine roots
    real(wp), allocatable :: n_uptake(:)
    real(wp), allocatable :: k_nit(:)  !< [day-1] rate constant of nitrification
    real(wp), allocatable :: k_denit(:)  !< [day-1] rate constant of denitrification
    real(wp), allocatable :: n2o_nit(:)  !< [1] share of nitrified nitrogen lost as N2O
    ! evolution_nl
    !> [year] first year of drainage or rewetting, 0 for never
    real(wp), allocatable :: drain_year(:)
    real(wp), allocatable :: drain_span(:)  !< [year] years that drainage or rewetting takes
    !> [1] k_out after drainage (above 1) or rewetting (below 1), relative
    real(wp), allocatable :: drain_factor(:)
    !> [year] year of half a change of vegetation, 0 for never
    real(wp), allocatable :: shift_year(:)
    !> [year] years from 12 to 88 per cent of the change of vegetation
    real(wp), allocatable :: shift_span(:)
    real(wp), allocatable :: shift_lai(:)  !< [1] lai_max after the change of vegetation, relative
    real(wp), allocatable :: shift_tveg(:)  !< [1] tveg after the change of vegetation, relative
    real(wp), allocatable :: walk_year(:)  !< [year] year in which the random walk of mgo starts
    real(wp), allocatable :: mgo_walk(:)  !< [1] standard deviation of the yearly step of log(mgo)
    !> [m] yearly thaw beyond which permafrost ground collapses, 0 for never
    real(wp), allocatable :: thaw_depth(:)
    real(wp), allocatable :: thaw_span(:)  !< [year] years of such thaw that a whole collapse takes
    real(wp), allocatable :: thaw_k_out(:)  !< [1] k_out after the collapse, relative
    real(wp), allocatable :: thaw_h_max(:)  !< [m] rise of h_max by the collapse
    !> [year-1] yearly rise of the quantum yield of crops, relative to 2000
    real(wp), allocatable :: cultivar_trend(:)
  end type site_parameters

contains

  !> True for the flags of wetlands (1 to 6).
  elemental logical function is_wetland_biome(biome)
    integer, intent(in) :: biome  !< flag of docs/formats.md
    is_wetland_biome = biome >= biome_bog .and. biome <= biome_rice
  end function is_wetland_biome

  !> The table of all parameters, in a fixed order.
  pure function parameter_table() result(info)
    type(parameter_info) :: info(n_parameters)  !< one entry for each parameter
    info(1) = parameter_info( &
      'kphio', '1', 'veg_nl', 0.02_wp, 0.15_wp, &
      [0.042_wp, 0.055_wp, 0.07_wp, 0.072_wp, 0.055_wp, 0.072_wp, 0.082_wp, 0.081_wp, 0.106_wp, &
      0.068_wp, 0.055_wp, 0.06_wp, 0.075_wp], &
      'quantum yield of C3 photosynthesis before its temperature response')
    info(2) = parameter_info( &
      'b0', '1', 'veg_nl', 0.05_wp, 1.0_wp, &
      [0.7_wp, 0.7_wp, 0.7_wp, 0.7_wp, 0.7_wp, 0.7_wp, 0.6_wp, 0.5_wp, 0.5_wp, 0.35_wp, 0.35_wp, &
      0.6_wp, 0.6_wp], &
      'GPP at the wilting point relative to well-watered')
    info(3) = parameter_info( &
      'beta_root', '1 cm-1', 'veg_nl', 0.85_wp, 0.995_wp, &
      [0.914_wp, 0.93_wp, 0.95_wp, 0.96_wp, 0.914_wp, 0.94_wp, 0.943_wp, 0.966_wp, 0.962_wp, &
      0.952_wp, 0.964_wp, 0.914_wp, 0.961_wp], &
      'root profile: the share of roots below z is beta_root**z')
    info(4) = parameter_info( &
      'root_depth', 'm', 'veg_nl', 0.05_wp, 3.0_wp, &
      [0.25_wp, 0.35_wp, 0.5_wp, 0.7_wp, 0.25_wp, 0.3_wp, 0.6_wp, 1.2_wp, 1.5_wp, 0.8_wp, 1.0_wp, &
      0.4_wp, 1.0_wp], &
      'rooting depth')
    info(5) = parameter_info( &
      'lai_max', '1', 'veg_nl', 0.05_wp, 9.0_wp, &
      [1.5_wp, 2.0_wp, 4.0_wp, 4.5_wp, 1.2_wp, 5.0_wp, 3.2_wp, 5.0_wp, 6.0_wp, 2.8_wp, 1.2_wp, &
      1.0_wp, 6.0_wp], &
      'largest leaf area index')
    info(6) = parameter_info( &
      'lai_min', '1', 'veg_nl', 0.0_wp, 1.0_wp, &
      [0.35_wp, 0.06_wp, 0.05_wp, 0.15_wp, 0.12_wp, 0.0_wp, 0.75_wp, 0.15_wp, 0.8_wp, 0.1_wp, &
      0.4_wp, 0.25_wp, 0.0_wp], &
      'share of lai_max that is kept all year')
    info(7) = parameter_info( &
      'sla', 'm2 g-1', 'veg_nl', 0.004_wp, 0.08_wp, &
      [0.016_wp, 0.028_wp, 0.032_wp, 0.026_wp, 0.02_wp, 0.035_wp, 0.012_wp, 0.026_wp, 0.016_wp, &
      0.032_wp, 0.018_wp, 0.018_wp, 0.035_wp], &
      'leaf area per leaf carbon')
    info(8) = parameter_info( &
      'rm25', 'g g-1 day-1', 'veg_nl', 0.01_wp, 0.6_wp, &
      [0.16_wp, 0.16_wp, 0.16_wp, 0.12_wp, 0.16_wp, 0.16_wp, 0.11_wp, 0.12_wp, 0.09_wp, 0.16_wp, &
      0.14_wp, 0.16_wp, 0.21_wp], &
      'maintenance respiration at 25 C per nitrogen')
    info(9) = parameter_info( &
      'turn_leaf', 'year-1', 'veg_nl', 0.1_wp, 4.0_wp, &
      [0.5_wp, 1.0_wp, 1.0_wp, 1.0_wp, 0.7_wp, 1.2_wp, 0.25_wp, 0.9_wp, 0.6_wp, 1.0_wp, 0.5_wp, &
      0.6_wp, 1.2_wp], &
      'leaf turnover while leaves are kept')
    info(10) = parameter_info( &
      'turn_root', 'year-1', 'veg_nl', 0.1_wp, 3.0_wp, &
      [0.6_wp, 0.8_wp, 0.9_wp, 0.8_wp, 0.5_wp, 1.2_wp, 0.6_wp, 0.8_wp, 0.8_wp, 0.7_wp, 0.6_wp, &
      0.5_wp, 1.2_wp], &
      'fine root turnover')
    info(11) = parameter_info( &
      'turn_wood', 'year-1', 'veg_nl', 0.002_wp, 1.0_wp, &
      [0.1_wp, 0.1_wp, 0.1_wp, 0.03_wp, 0.1_wp, 0.5_wp, 0.02_wp, 0.02_wp, 0.025_wp, 0.1_wp, &
      0.06_wp, 0.08_wp, 0.5_wp], &
      'wood turnover')
    info(12) = parameter_info( &
      'alloc_wood', '1', 'veg_nl', 0.0_wp, 0.8_wp, &
      [0.15_wp, 0.05_wp, 0.0_wp, 0.4_wp, 0.08_wp, 0.0_wp, 0.45_wp, 0.5_wp, 0.45_wp, 0.0_wp, &
      0.35_wp, 0.15_wp, 0.0_wp], &
      'share of growth beyond leaves that goes to wood')
    info(13) = parameter_info( &
      'f_exud', '1', 'veg_nl', 0.0_wp, 0.3_wp, &
      [0.05_wp, 0.08_wp, 0.1_wp, 0.08_wp, 0.06_wp, 0.08_wp, 0.04_wp, 0.04_wp, 0.04_wp, 0.05_wp, &
      0.04_wp, 0.05_wp, 0.05_wp], &
      'root exudation per GPP')
    info(14) = parameter_info( &
      'harvest_fraction', '1', 'veg_nl', 0.0_wp, 1.0_wp, &
      [0.0_wp, 0.0_wp, 0.0_wp, 0.0_wp, 0.0_wp, 0.45_wp, 0.0_wp, 0.0_wp, 0.0_wp, 0.0_wp, 0.0_wp, &
      0.0_wp, 0.5_wp], &
      'share of lost leaves and stems carried off by harvest')
    info(15) = parameter_info( &
      'maturity', '1', 'veg_nl', 0.1_wp, 1.5_wp, &
      [0.85_wp, 0.87_wp, 0.92_wp, 0.9_wp, 0.92_wp, 1.0_wp, 0.78_wp, 0.8_wp, 0.85_wp, 0.95_wp, &
      0.88_wp, 0.95_wp, 1.0_wp], &
      'wood and slow soil carbon relative to equilibrium at the start')
    info(16) = parameter_info( &
      'som_mult', '1', 'soil_nl', 0.1_wp, 10.0_wp, &
      spread(1.0_wp, 1, n_biomes), &
      'factor on all soil carbon turnover rates')
    info(17) = parameter_info( &
      'porosity', 'm3 m-3', 'soil_nl', 0.3_wp, 0.97_wp, &
      [0.92_wp, 0.9_wp, 0.8_wp, 0.72_wp, 0.86_wp, 0.55_wp, 0.5_wp, 0.47_wp, 0.5_wp, 0.46_wp, &
      0.43_wp, 0.55_wp, 0.46_wp], &
      'porosity of soil or peat')
    info(18) = parameter_info( &
      'organic', '1', 'soil_nl', 0.0_wp, 1.0_wp, &
      [1.0_wp, 1.0_wp, 0.5_wp, 0.5_wp, 0.7_wp, 0.08_wp, 0.12_wp, 0.05_wp, 0.03_wp, 0.05_wp, &
      0.02_wp, 0.25_wp, 0.03_wp], &
      'organic volume share of the soil solids')
    info(19) = parameter_info( &
      'mat_depth', 'm', 'soil_nl', 0.0_wp, 0.2_wp, &
      [0.06_wp, 0.04_wp, 0.02_wp, 0.02_wp, 0.03_wp, 0.01_wp, 0.06_wp, 0.03_wp, 0.02_wp, 0.02_wp, &
      0.01_wp, 0.04_wp, 0.01_wp], &
      'depth of the moss or litter mat')
    info(20) = parameter_info( &
      'mat_k', 'W m-1 K-1', 'soil_nl', 0.05_wp, 1.0_wp, &
      [0.2_wp, 0.25_wp, 0.3_wp, 0.25_wp, 0.35_wp, 0.4_wp, 0.15_wp, 0.15_wp, 0.2_wp, 0.2_wp, &
      0.2_wp, 0.2_wp, 0.3_wp], &
      'thermal conductivity of the mat')
    info(21) = parameter_info( &
      'k_out', 'mm day-1', 'hydro_nl', 0.01_wp, 200.0_wp, &
      [1.2_wp, 2.0_wp, 1.5_wp, 2.0_wp, 1.2_wp, 3.0_wp, 20.0_wp, 30.0_wp, 40.0_wp, 30.0_wp, &
      30.0_wp, 15.0_wp, 30.0_wp], &
      'wetland: outflow with the water table at the surface; upland: largest drainage')
    info(22) = parameter_info( &
      'l_out', 'm', 'hydro_nl', 0.02_wp, 1.0_wp, &
      [0.08_wp, 0.1_wp, 0.12_wp, 0.12_wp, 0.08_wp, 0.12_wp, 0.1_wp, 0.1_wp, 0.1_wp, 0.1_wp, &
      0.1_wp, 0.1_wp, 0.1_wp], &
      'e-folding depth of the wetland outflow')
    info(23) = parameter_info( &
      'q_in', 'mm day-1', 'hydro_nl', 0.0_wp, 20.0_wp, &
      [0.2_wp, 1.5_wp, 2.0_wp, 1.5_wp, 1.0_wp, 0.0_wp, 0.0_wp, 0.0_wp, 0.0_wp, 0.0_wp, 0.0_wp, &
      0.0_wp, 0.0_wp], &
      'mean groundwater and surface inflow in the frost-free season')
    info(24) = parameter_info( &
      'h_max', 'm', 'hydro_nl', 0.0_wp, 0.6_wp, &
      [0.03_wp, 0.08_wp, 0.3_wp, 0.25_wp, 0.08_wp, 0.1_wp, 0.005_wp, 0.005_wp, 0.005_wp, 0.005_wp, &
      0.005_wp, 0.01_wp, 0.005_wp], &
      'standing water beyond which all water runs off')
    info(25) = parameter_info( &
      'z_b', 'm', 'hydro_nl', 0.2_wp, 1.5_wp, &
      [0.45_wp, 0.45_wp, 0.5_wp, 0.5_wp, 0.4_wp, 0.5_wp, 0.5_wp, 0.5_wp, 0.5_wp, 0.5_wp, 0.5_wp, &
      0.5_wp, 0.5_wp], &
      'deepest water table of a wetland')
    info(26) = parameter_info( &
      'd_water', 'm', 'hydro_nl', 0.3_wp, 5.0_wp, &
      [0.5_wp, 0.5_wp, 0.5_wp, 0.5_wp, 0.5_wp, 0.5_wp, 2.0_wp, 3.0_wp, 3.0_wp, 3.0_wp, 3.0_wp, &
      0.9_wp, 2.5_wp], &
      'upland: depth of the permanent water table or of the drainage base')
    info(27) = parameter_info( &
      'irrigation', 'mm day-1', 'hydro_nl', 0.0_wp, 60.0_wp, &
      [0.0_wp, 0.0_wp, 0.0_wp, 0.0_wp, 0.0_wp, 25.0_wp, 0.0_wp, 0.0_wp, 0.0_wp, 0.0_wp, 0.0_wp, &
      0.0_wp, 0.0_wp], &
      'largest irrigation in the growing season (keeps rice flooded)')
    info(28) = parameter_info( &
      'ddf', 'mm K-1 day-1', 'hydro_nl', 1.0_wp, 8.0_wp, &
      [3.5_wp, 3.5_wp, 3.5_wp, 3.0_wp, 4.0_wp, 4.0_wp, 2.5_wp, 3.0_wp, 3.0_wp, 4.0_wp, 4.0_wp, &
      4.0_wp, 4.0_wp], &
      'degree-day factor of snow melt')
    info(29) = parameter_info( &
      'topo_shape', '1', 'hydro_nl', 0.2_wp, 20.0_wp, &
      spread(1.8_wp, 1, n_biomes), &
      'shape of the gamma distribution of the topographic index (inundation)')
    info(30) = parameter_info( &
      'topo_scale', '1', 'hydro_nl', 0.1_wp, 10.0_wp, &
      spread(1.7_wp, 1, n_biomes), &
      'scale of the gamma distribution of the topographic index (inundation)')
    info(31) = parameter_info( &
      'topo_f', 'm-1', 'hydro_nl', 0.1_wp, 20.0_wp, &
      spread(2.0_wp, 1, n_biomes), &
      'topographic index per metre of water table depth (inundation)')
    info(32) = parameter_info( &
      'mgo', 'umol L-1 h-1', 'ch4_nl', 0.0_wp, 5.0_wp, &
      [1.0_wp, 0.9_wp, 0.85_wp, 0.75_wp, 0.71_wp, 0.85_wp, 0.0_wp, 0.0_wp, 0.0_wp, 0.0_wp, 0.0_wp, &
      0.0_wp, 0.0_wp], &
      'methane production potential per soil volume at t_pr')
    info(33) = parameter_info( &
      'pq10', '1', 'ch4_nl', 1.0_wp, 16.0_wp, &
      [4.0_wp, 4.5_wp, 3.5_wp, 2.7_wp, 4.0_wp, 2.7_wp, 3.0_wp, 3.0_wp, 3.0_wp, 3.0_wp, 3.0_wp, &
      3.0_wp, 3.0_wp], &
      'Q10 of methane production')
    info(34) = parameter_info( &
      't_pr', 'degC', 'ch4_nl', -10.0_wp, 35.0_wp, &
      [8.0_wp, 8.0_wp, 13.0_wp, 20.0_wp, 3.0_wp, 22.0_wp, 8.0_wp, 12.0_wp, 24.0_wp, 12.0_wp, &
      14.0_wp, 2.0_wp, 14.0_wp], &
      'reference temperature of methane production')
    info(35) = parameter_info( &
      'omax', 'umol L-1 h-1', 'ch4_nl', 0.01_wp, 200.0_wp, &
      [25.0_wp, 25.0_wp, 30.0_wp, 25.0_wp, 15.0_wp, 25.0_wp, 5.0_wp, 5.0_wp, 5.0_wp, 5.0_wp, &
      5.0_wp, 5.0_wp, 5.0_wp], &
      'methane oxidation potential of low-affinity methanotrophs per soil water')
    info(36) = parameter_info( &
      'kch4', 'umol L-1', 'ch4_nl', 0.02_wp, 100.0_wp, &
      spread(5.0_wp, 1, n_biomes), &
      'half-saturation of low-affinity methanotrophs')
    info(37) = parameter_info( &
      'oq10', '1', 'ch4_nl', 1.0_wp, 4.0_wp, &
      [1.9_wp, 1.9_wp, 1.9_wp, 1.9_wp, 1.9_wp, 1.9_wp, 1.5_wp, 1.5_wp, 1.5_wp, 1.5_wp, 1.5_wp, &
      1.5_wp, 1.5_wp], &
      'Q10 of methane oxidation')
    info(38) = parameter_info( &
      't_or', 'degC', 'ch4_nl', -5.0_wp, 35.0_wp, &
      [10.0_wp, 10.0_wp, 13.0_wp, 20.0_wp, 5.0_wp, 20.0_wp, 10.0_wp, 12.0_wp, 22.0_wp, 12.0_wp, &
      15.0_wp, 5.0_wp, 14.0_wp], &
      'reference temperature of methane oxidation')
    info(39) = parameter_info( &
      'tveg', '1', 'ch4_nl', 0.0_wp, 15.0_wp, &
      [1.5_wp, 10.0_wp, 12.0_wp, 4.0_wp, 10.0_wp, 12.0_wp, 0.0_wp, 0.0_wp, 0.0_wp, 0.0_wp, 0.0_wp, &
      2.0_wp, 0.0_wp], &
      'ability of plants to conduct methane')
    info(40) = parameter_info( &
      'pox', '1', 'ch4_nl', 0.0_wp, 1.0_wp, &
      [0.5_wp, 0.5_wp, 0.45_wp, 0.5_wp, 0.5_wp, 0.5_wp, 0.5_wp, 0.5_wp, 0.5_wp, 0.5_wp, 0.5_wp, &
      0.5_wp, 0.5_wp], &
      'share of plant-mediated methane oxidised in the rhizosphere')
    info(41) = parameter_info( &
      'kp', 'h-1', 'ch4_nl', 0.0_wp, 0.1_wp, &
      spread(0.004_wp, 1, n_biomes), &
      'rate constant of plant transport')
    info(42) = parameter_info( &
      'f_x', '1', 'ch4_nl', 0.1_wp, 1.0_wp, &
      [0.5_wp, 0.45_wp, 0.4_wp, 0.35_wp, 0.45_wp, 0.4_wp, 0.6_wp, 0.6_wp, 0.6_wp, 0.6_wp, 0.6_wp, &
      0.6_wp, 0.6_wp], &
      'methane share of the bubble pressure at which ebullition starts')
    info(43) = parameter_info( &
      'c_r', 'mV day-1', 'ch4_nl', 5.0_wp, 300.0_wp, &
      [40.0_wp, 40.0_wp, 50.0_wp, 50.0_wp, 40.0_wp, 50.0_wp, 40.0_wp, 40.0_wp, 40.0_wp, 40.0_wp, &
      40.0_wp, 40.0_wp, 40.0_wp], &
      'rate at which the redox potential falls under water')
    info(44) = parameter_info( &
      'tau_sub', 'day', 'ch4_nl', 3.0_wp, 200.0_wp, &
      [30.0_wp, 30.0_wp, 25.0_wp, 25.0_wp, 30.0_wp, 25.0_wp, 30.0_wp, 30.0_wp, 30.0_wp, 30.0_wp, &
      30.0_wp, 30.0_wp, 30.0_wp], &
      'turnover time of the methanogenic substrate at 25 C')
    info(45) = parameter_info( &
      'fresh_ref', 'g m-2 year-1', 'ch4_nl', 10.0_wp, 1000.0_wp, &
      [60.0_wp, 90.0_wp, 200.0_wp, 200.0_wp, 60.0_wp, 150.0_wp, 100.0_wp, 150.0_wp, 250.0_wp, &
      100.0_wp, 60.0_wp, 60.0_wp, 100.0_wp], &
      'substrate input at which production reaches mgo')
    info(46) = parameter_info( &
      'ph_min', '1', 'ch4_nl', 2.0_wp, 6.5_wp, &
      [3.0_wp, 3.5_wp, 4.5_wp, 3.5_wp, 3.5_wp, 4.5_wp, 4.0_wp, 4.0_wp, 4.0_wp, 4.0_wp, 4.0_wp, &
      4.0_wp, 4.0_wp], &
      'lowest pH of methanogenesis')
    info(47) = parameter_info( &
      'ham_vmax', 'day-1', 'ch4_nl', 0.0_wp, 20.0_wp, &
      [0.0_wp, 0.0_wp, 0.0_wp, 0.0_wp, 0.0_wp, 0.0_wp, 2.7_wp, 2.5_wp, 2.8_wp, 2.0_wp, 1.6_wp, &
      1.9_wp, 1.4_wp], &
      'largest methane uptake of high-affinity methanotrophs per biomass, C')
    info(48) = parameter_info( &
      'ham_k', 'umol L-1', 'ch4_nl', 0.01_wp, 1.0_wp, &
      spread(0.08_wp, 1, n_biomes), &
      'half-saturation of high-affinity methanotrophs')
    info(49) = parameter_info( &
      'ham_q10', '1', 'ch4_nl', 1.0_wp, 3.0_wp, &
      spread(1.5_wp, 1, n_biomes), &
      'Q10 of their uptake, around t_or')
    info(50) = parameter_info( &
      'ham_yield', '1', 'ch4_nl', 0.05_wp, 0.6_wp, &
      spread(0.3_wp, 1, n_biomes), &
      'biomass that they build per methane, C')
    info(51) = parameter_info( &
      'ham_maint', 'day-1', 'ch4_nl', 0.0_wp, 0.1_wp, &
      spread(0.003_wp, 1, n_biomes), &
      'their maintenance at 10 C per active biomass')
    info(52) = parameter_info( &
      'ham_death', 'day-1', 'ch4_nl', 0.0001_wp, 0.1_wp, &
      spread(0.002_wp, 1, n_biomes), &
      'their death rate where sparse')
    info(53) = parameter_info( &
      'ham_half', 'g m-3', 'ch4_nl', 0.001_wp, 1.0_wp, &
      spread(0.03_wp, 1, n_biomes), &
      'biomass carbon at which their death rate is doubled')
    info(54) = parameter_info( &
      'ham_on', 'day', 'ch4_nl', 1.0_wp, 60.0_wp, &
      spread(10.0_wp, 1, n_biomes), &
      'time in which they wake')
    info(55) = parameter_info( &
      'ham_off', 'day', 'ch4_nl', 1.0_wp, 200.0_wp, &
      spread(40.0_wp, 1, n_biomes), &
      'time in which they fall dormant')
    info(56) = parameter_info( &
      'ham_kn', 'mg kg-1', 'ch4_nl', 1.0_wp, 1000.0_wp, &
      spread(20.0_wp, 1, n_biomes), &
      'ammonium nitrogen that halves their uptake')
    info(57) = parameter_info( &
      'mgo_inund', 'umol L-1 h-1', 'ch4_nl', 0.0_wp, 5.0_wp, &
      [1.0_wp, 0.9_wp, 0.85_wp, 0.75_wp, 0.71_wp, 0.85_wp, 0.5_wp, 0.2_wp, 0.8_wp, 0.12_wp, &
      0.2_wp, 0.5_wp, 0.12_wp], &
      'methane production potential of the inundated share of a site')
    info(58) = parameter_info( &
      'rotation', '1', 'crop_nl', 0.0_wp, 99999.0_wp, &
      [0.0_wp, 0.0_wp, 0.0_wp, 0.0_wp, 0.0_wp, 4.0_wp, 0.0_wp, 0.0_wp, 0.0_wp, 0.0_wp, 0.0_wp, &
      0.0_wp, 12.0_wp], &
      'crops in turn, a digit a year: 1 maize 2 soybean 3 wheat 4 rice 5 wheat+maize, 0 none')
    info(59) = parameter_info( &
      'sow_shift', 'day', 'crop_nl', -15.0_wp, 15.0_wp, &
      spread(0.0_wp, 1, n_biomes), &
      'sowing later than usual')
    info(60) = parameter_info( &
      'gdd_factor', '1', 'crop_nl', 0.6_wp, 1.5_wp, &
      spread(1.0_wp, 1, n_biomes), &
      'heat that development needs, relative')
    info(61) = parameter_info( &
      'n_fertiliser', 'g m-2 year-1', 'crop_nl', 0.0_wp, 50.0_wp, &
      [0.0_wp, 0.0_wp, 0.0_wp, 0.0_wp, 0.0_wp, 15.0_wp, 0.0_wp, 0.0_wp, 0.0_wp, 0.0_wp, 0.0_wp, &
      0.0_wp, 15.0_wp], &
      'nitrogen of fertiliser to maize; wheat 0.7, rice 0.8, soybean 0 of it')
    info(62) = parameter_info( &
      'residue', '1', 'crop_nl', 0.0_wp, 1.0_wp, &
      [1.0_wp, 1.0_wp, 1.0_wp, 1.0_wp, 1.0_wp, 0.5_wp, 1.0_wp, 1.0_wp, 1.0_wp, 1.0_wp, 1.0_wp, &
      1.0_wp, 0.9_wp], &
      'share of straw left on the field')
    info(63) = parameter_info( &
      'tillage', '1', 'crop_nl', 0.0_wp, 1.0_wp, &
      [0.0_wp, 0.0_wp, 0.0_wp, 0.0_wp, 0.0_wp, 1.0_wp, 0.0_wp, 0.0_wp, 0.0_wp, 0.0_wp, 0.0_wp, &
      0.0_wp, 1.0_wp], &
      'tillage before sowing, 0 none, 1 by plough')
    info(64) = parameter_info( &
      'lue_scheme', '1', 'crop_nl', 0.0_wp, 1.0_wp, &
      spread(0.0_wp, 1, n_biomes), &
      'GPP of crops: 0 P-model, 1 light-use efficiency')
    info(65) = parameter_info( &
      'n_limit', '1', 'nitrogen_nl', 0.0_wp, 1.0_wp, &
      spread(1.0_wp, 1, n_biomes), &
      'strength of nitrogen limitation; 0: carbon does not depend on nitrogen')
    info(66) = parameter_info( &
      'n_dep', 'g m-2 year-1', 'nitrogen_nl', 0.0_wp, 20.0_wp, &
      [0.4_wp, 0.5_wp, 1.0_wp, 0.8_wp, 0.1_wp, 1.5_wp, 0.3_wp, 1.0_wp, 0.6_wp, 0.7_wp, 0.3_wp, &
      0.1_wp, 1.2_wp], &
      'nitrogen from the air, in wetlands with that of inflowing water')
    info(67) = parameter_info( &
      'n_fix', 'g m-2 year-1', 'nitrogen_nl', 0.0_wp, 20.0_wp, &
      [0.2_wp, 0.4_wp, 0.8_wp, 1.0_wp, 0.2_wp, 3.0_wp, 0.3_wp, 0.8_wp, 1.8_wp, 0.4_wp, 0.3_wp, &
      0.2_wp, 0.4_wp], &
      'nitrogen fixed without legumes')
    info(68) = parameter_info( &
      'n_legume', '1', 'nitrogen_nl', 0.0_wp, 1.0_wp, &
      spread(0.6_wp, 1, n_biomes), &
      'share of the nitrogen demand of soybean that its nodules fix')
    info(69) = parameter_info( &
      'n_retrans', '1', 'nitrogen_nl', 0.0_wp, 0.9_wp, &
      [0.5_wp, 0.5_wp, 0.5_wp, 0.5_wp, 0.5_wp, 0.0_wp, 0.5_wp, 0.5_wp, 0.5_wp, 0.5_wp, 0.5_wp, &
      0.5_wp, 0.0_wp], &
      'leaf nitrogen kept by plants when leaves fall')
    info(70) = parameter_info( &
      'n_uptake', 'g g-1 day-1', 'nitrogen_nl', 0.0_wp, 0.05_wp, &
      [0.004_wp, 0.0055_wp, 0.0055_wp, 0.003_wp, 0.0055_wp, 0.01_wp, 0.003_wp, 0.003_wp, 0.003_wp, &
      0.0055_wp, 0.003_wp, 0.004_wp, 0.02_wp], &
      'largest nitrogen uptake per carbon of fine roots')
    info(71) = parameter_info( &
      'k_nit', 'day-1', 'nitrogen_nl', 0.0_wp, 1.0_wp, &
      [0.02_wp, 0.05_wp, 0.1_wp, 0.1_wp, 0.1_wp, 0.1_wp, 0.1_wp, 0.1_wp, 0.1_wp, 0.1_wp, 0.1_wp, &
      0.1_wp, 0.1_wp], &
      'rate constant of nitrification')
    info(72) = parameter_info( &
      'k_denit', 'day-1', 'nitrogen_nl', 0.0_wp, 2.0_wp, &
      [0.05_wp, 0.05_wp, 0.05_wp, 0.05_wp, 0.05_wp, 0.05_wp, 0.05_wp, 0.05_wp, 0.05_wp, 0.05_wp, &
      0.05_wp, 0.05_wp, 0.02_wp], &
      'rate constant of denitrification')
    info(73) = parameter_info( &
      'n2o_nit', '1', 'nitrogen_nl', 0.0_wp, 0.1_wp, &
      [0.02_wp, 0.02_wp, 0.02_wp, 0.02_wp, 0.02_wp, 0.02_wp, 0.02_wp, 0.02_wp, 0.02_wp, 0.02_wp, &
      0.02_wp, 0.02_wp, 0.015_wp], &
      'share of nitrified nitrogen lost as N2O')
    info(74) = parameter_info( &
      'drain_year', 'year', 'evolution_nl', 0.0_wp, 3000.0_wp, &
      spread(0.0_wp, 1, n_biomes), &
      'first year of drainage or rewetting, 0 for never')
    info(75) = parameter_info( &
      'drain_span', 'year', 'evolution_nl', 1.0_wp, 100.0_wp, &
      spread(3.0_wp, 1, n_biomes), &
      'years that drainage or rewetting takes')
    info(76) = parameter_info( &
      'drain_factor', '1', 'evolution_nl', 0.02_wp, 50.0_wp, &
      spread(4.0_wp, 1, n_biomes), &
      'k_out after drainage (above 1) or rewetting (below 1), relative')
    info(77) = parameter_info( &
      'shift_year', 'year', 'evolution_nl', 0.0_wp, 3000.0_wp, &
      spread(0.0_wp, 1, n_biomes), &
      'year of half a change of vegetation, 0 for never')
    info(78) = parameter_info( &
      'shift_span', 'year', 'evolution_nl', 1.0_wp, 100.0_wp, &
      spread(10.0_wp, 1, n_biomes), &
      'years from 12 to 88 per cent of the change of vegetation')
    info(79) = parameter_info( &
      'shift_lai', '1', 'evolution_nl', 0.2_wp, 5.0_wp, &
      spread(1.5_wp, 1, n_biomes), &
      'lai_max after the change of vegetation, relative')
    info(80) = parameter_info( &
      'shift_tveg', '1', 'evolution_nl', 0.0_wp, 10.0_wp, &
      spread(2.0_wp, 1, n_biomes), &
      'tveg after the change of vegetation, relative')
    info(81) = parameter_info( &
      'walk_year', 'year', 'evolution_nl', 1.0_wp, 3000.0_wp, &
      spread(2000.0_wp, 1, n_biomes), &
      'year in which the random walk of mgo starts')
    info(82) = parameter_info( &
      'mgo_walk', '1', 'evolution_nl', 0.0_wp, 0.5_wp, &
      spread(0.0_wp, 1, n_biomes), &
      'standard deviation of the yearly step of log(mgo)')
    info(83) = parameter_info( &
      'thaw_depth', 'm', 'evolution_nl', 0.0_wp, 5.0_wp, &
      spread(0.0_wp, 1, n_biomes), &
      'yearly thaw beyond which permafrost ground collapses, 0 for never')
    info(84) = parameter_info( &
      'thaw_span', 'year', 'evolution_nl', 1.0_wp, 100.0_wp, &
      spread(8.0_wp, 1, n_biomes), &
      'years of such thaw that a whole collapse takes')
    info(85) = parameter_info( &
      'thaw_k_out', '1', 'evolution_nl', 0.02_wp, 50.0_wp, &
      spread(0.3_wp, 1, n_biomes), &
      'k_out after the collapse, relative')
    info(86) = parameter_info( &
      'thaw_h_max', 'm', 'evolution_nl', 0.0_wp, 0.5_wp, &
      spread(0.1_wp, 1, n_biomes), &
      'rise of h_max by the collapse')
    info(87) = parameter_info( &
      'cultivar_trend', 'year-1', 'evolution_nl', -0.02_wp, 0.05_wp, &
      spread(0.0_wp, 1, n_biomes), &
      'yearly rise of the quantum yield of crops, relative to 2000')
  end function parameter_table

  !> Room for the parameters of `nsite` sites.
  subroutine allocate_parameters(p, nsite)
    type(site_parameters), intent(inout) :: p  !< parameters
    integer, intent(in) :: nsite  !< number of sites
    p%nsite = nsite
    allocate(p%kphio(nsite), source=0.0_wp)
    allocate(p%b0(nsite), source=0.0_wp)
    allocate(p%beta_root(nsite), source=0.0_wp)
    allocate(p%root_depth(nsite), source=0.0_wp)
    allocate(p%lai_max(nsite), source=0.0_wp)
    allocate(p%lai_min(nsite), source=0.0_wp)
    allocate(p%sla(nsite), source=0.0_wp)
    allocate(p%rm25(nsite), source=0.0_wp)
    allocate(p%turn_leaf(nsite), source=0.0_wp)
    allocate(p%turn_root(nsite), source=0.0_wp)
    allocate(p%turn_wood(nsite), source=0.0_wp)
    allocate(p%alloc_wood(nsite), source=0.0_wp)
    allocate(p%f_exud(nsite), source=0.0_wp)
    allocate(p%harvest_fraction(nsite), source=0.0_wp)
    allocate(p%maturity(nsite), source=0.0_wp)
    allocate(p%som_mult(nsite), source=0.0_wp)
    allocate(p%porosity(nsite), source=0.0_wp)
    allocate(p%organic(nsite), source=0.0_wp)
    allocate(p%mat_depth(nsite), source=0.0_wp)
    allocate(p%mat_k(nsite), source=0.0_wp)
    allocate(p%k_out(nsite), source=0.0_wp)
    allocate(p%l_out(nsite), source=0.0_wp)
    allocate(p%q_in(nsite), source=0.0_wp)
    allocate(p%h_max(nsite), source=0.0_wp)
    allocate(p%z_b(nsite), source=0.0_wp)
    allocate(p%d_water(nsite), source=0.0_wp)
    allocate(p%irrigation(nsite), source=0.0_wp)
    allocate(p%ddf(nsite), source=0.0_wp)
    allocate(p%topo_shape(nsite), source=0.0_wp)
    allocate(p%topo_scale(nsite), source=0.0_wp)
    allocate(p%topo_f(nsite), source=0.0_wp)
    allocate(p%mgo(nsite), source=0.0_wp)
    allocate(p%pq10(nsite), source=0.0_wp)
    allocate(p%t_pr(nsite), source=0.0_wp)
    allocate(p%omax(nsite), source=0.0_wp)
    allocate(p%kch4(nsite), source=0.0_wp)
    allocate(p%oq10(nsite), source=0.0_wp)
    allocate(p%t_or(nsite), source=0.0_wp)
    allocate(p%tveg(nsite), source=0.0_wp)
    allocate(p%pox(nsite), source=0.0_wp)
    allocate(p%kp(nsite), source=0.0_wp)
    allocate(p%f_x(nsite), source=0.0_wp)
    allocate(p%c_r(nsite), source=0.0_wp)
    allocate(p%tau_sub(nsite), source=0.0_wp)
    allocate(p%fresh_ref(nsite), source=0.0_wp)
    allocate(p%ph_min(nsite), source=0.0_wp)
    allocate(p%ham_vmax(nsite), source=0.0_wp)
    allocate(p%ham_k(nsite), source=0.0_wp)
    allocate(p%ham_q10(nsite), source=0.0_wp)
    allocate(p%ham_yield(nsite), source=0.0_wp)
    allocate(p%ham_maint(nsite), source=0.0_wp)
    allocate(p%ham_death(nsite), source=0.0_wp)
    allocate(p%ham_half(nsite), source=0.0_wp)
    allocate(p%ham_on(nsite), source=0.0_wp)
    allocate(p%ham_off(nsite), source=0.0_wp)
    allocate(p%ham_kn(nsite), source=0.0_wp)
    allocate(p%mgo_inund(nsite), source=0.0_wp)
    allocate(p%rotation(nsite), source=0.0_wp)
    allocate(p%sow_shift(nsite), source=0.0_wp)
    allocate(p%gdd_factor(nsite), source=0.0_wp)
    allocate(p%n_fertiliser(nsite), source=0.0_wp)
    allocate(p%residue(nsite), source=0.0_wp)
    allocate(p%tillage(nsite), source=0.0_wp)
    allocate(p%lue_scheme(nsite), source=0.0_wp)
    allocate(p%n_limit(nsite), source=0.0_wp)
    allocate(p%n_dep(nsite), source=0.0_wp)
    allocate(p%n_fix(nsite), source=0.0_wp)
    allocate(p%n_legume(nsite), source=0.0_wp)
    allocate(p%n_retrans(nsite), source=0.0_wp)
    allocate(p%n_uptake(nsite), source=0.0_wp)
    allocate(p%k_nit(nsite), source=0.0_wp)
    allocate(p%k_denit(nsite), source=0.0_wp)
    allocate(p%n2o_nit(nsite), source=0.0_wp)
    allocate(p%drain_year(nsite), source=0.0_wp)
    allocate(p%drain_span(nsite), source=0.0_wp)
    allocate(p%drain_factor(nsite), source=0.0_wp)
    allocate(p%shift_year(nsite), source=0.0_wp)
    allocate(p%shift_span(nsite), source=0.0_wp)
    allocate(p%shift_lai(nsite), source=0.0_wp)
    allocate(p%shift_tveg(nsite), source=0.0_wp)
    allocate(p%walk_year(nsite), source=0.0_wp)
    allocate(p%mgo_walk(nsite), source=0.0_wp)
    allocate(p%thaw_depth(nsite), source=0.0_wp)
    allocate(p%thaw_span(nsite), source=0.0_wp)
    allocate(p%thaw_k_out(nsite), source=0.0_wp)
    allocate(p%thaw_h_max(nsite), source=0.0_wp)
    allocate(p%cultivar_trend(nsite), source=0.0_wp)
  end subroutine allocate_parameters

  !> Fill all parameters with the defaults of each site's biome; allocates where needed.
  subroutine default_parameters(p, biome)
    type(site_parameters), intent(inout), target :: p  !< parameters
    integer, intent(in) :: biome(:)  !< flags, (nsite), 1..n_biomes
    type(parameter_info) :: info(n_parameters)
    real(wp), pointer :: values(:)
    integer :: k
    if (.not. allocated(p%kphio)) call allocate_parameters(p, size(biome))
    info = parameter_table()
    do k = 1, n_parameters
      values => locate(p, trim(info(k)%name))
      values = info(k)%biome_default(biome)
    end do
  end subroutine default_parameters

  !> Set one parameter for all sites (one value) or for each site. `stat` is 0 or one of
  !> `parameter_unknown`, `parameter_outside` and `parameter_count`; nothing is set on error.
  subroutine set_parameter(p, name, values, stat, errmsg)
    type(site_parameters), intent(inout), target :: p  !< parameters
    character(*), intent(in) :: name  !< name in the table
    real(wp), intent(in) :: values(:)  !< (1) or (nsite)
    integer, intent(out) :: stat  !< status
    character(:), allocatable, intent(out) :: errmsg  !< what is wrong
    type(parameter_info) :: info(n_parameters)
    real(wp), pointer :: current(:)
    character(160) :: text
    integer :: k, site
    stat = 0
    current => locate(p, name)
    if (.not. associated(current)) then
      stat = parameter_unknown
      errmsg = "unknown parameter '"//trim(name)//"'"
      return
    end if
    if (size(values) /= 1 .and. size(values) /= p%nsite) then
      stat = parameter_count
      write(text, '(3a,i0,a,i0)') "parameter '", trim(name), "' has ", size(values), &
        ' values, expected 1 or ', p%nsite
      errmsg = trim(text)
      return
    end if
    info = parameter_table()
    do k = 1, n_parameters
      if (info(k)%name == name) exit
    end do
    do site = 1, size(values)
      if (values(site) >= info(k)%minimum .and. values(site) <= info(k)%maximum) cycle
      stat = parameter_outside
      write(text, '(3a,g0.6,a,i0,a,g0.6,a,g0.6,2a)') "parameter '", trim(name), "' = ", &
        values(site), ' at site ', site, ' is outside ', info(k)%minimum, ' to ', &
        info(k)%maximum, ' ', trim(info(k)%units)
      errmsg = trim(text)
      return
    end do
    if (name == 'rotation') then
      do site = 1, size(values)
        if (is_rotation(values(site))) cycle
        stat = parameter_outside
        write(text, '(a,g0.6,a,i0,a)') "parameter 'rotation' = ", values(site), &
          ' at site ', site, ' is not a whole number of digits 0 to 5'
        errmsg = trim(text)
        return
      end do
    end if
    if (size(values) == 1) then
      current = values(1)
    else
      current = values
    end if
  end subroutine set_parameter

  !> Whether a number is a rotation: whole, digits 0 to 5.
  pure logical function is_rotation(value)
    real(wp), intent(in) :: value  !< number
    integer :: digits
    digits = nint(value)
    is_rotation = abs(value - real(digits, wp)) <= 0.0_wp
    do while (digits > 0)
      if (modulo(digits, 10) > 5) is_rotation = .false.
      digits = digits/10
    end do
  end function is_rotation

  !> Hold some parameters within their bounds.
  subroutine set_bounded(p, names)
    type(site_parameters), intent(inout), target :: p  !< parameters
    character(*), intent(in) :: names(:)  !< names in the table
    type(parameter_info) :: info(n_parameters)
    real(wp), pointer :: values(:)
    integer :: k
    info = parameter_table()
    do k = 1, n_parameters
      if (all(names /= info(k)%name)) cycle
      values => locate(p, trim(info(k)%name))
      values = min(info(k)%maximum, max(info(k)%minimum, values))
    end do
  end subroutine set_bounded

  !> The values of one parameter; `stat` is `parameter_unknown` where there is none.
  subroutine get_parameter(p, name, values, stat)
    type(site_parameters), intent(in), target :: p  !< parameters
    character(*), intent(in) :: name  !< name in the table
    real(wp), allocatable, intent(out) :: values(:)  !< (nsite)
    integer, intent(out) :: stat  !< status
    real(wp), pointer :: current(:)
    current => locate(p, name)
    stat = merge(0, parameter_unknown, associated(current))
    if (stat == 0) values = current
  end subroutine get_parameter

  !> The array of a parameter by its name; null where there is none.
  function locate(p, name) result(values)
    type(site_parameters), intent(in), target :: p  !< parameters
    character(*), intent(in) :: name  !< name in the table
    real(wp), pointer :: values(:)  !< the array
    select case (name)
    case ('kphio')
      values => p%kphio
    case ('b0')
      values => p%b0
    case ('beta_root')
      values => p%beta_root
    case ('root_depth')
      values => p%root_depth
    case ('lai_max')
      values => p%lai_max
    case ('lai_min')
      values => p%lai_min
    case ('sla')
      values => p%sla
    case ('rm25')
      values => p%rm25
    case ('turn_leaf')
      values => p%turn_leaf
    case ('turn_root')
      values => p%turn_root
    case ('turn_wood')
      values => p%turn_wood
    case ('alloc_wood')
      values => p%alloc_wood
    case ('f_exud')
      values => p%f_exud
    case ('harvest_fraction')
      values => p%harvest_fraction
    case ('maturity')
      values => p%maturity
    case ('som_mult')
      values => p%som_mult
    case ('porosity')
      values => p%porosity
    case ('organic')
      values => p%organic
    case ('mat_depth')
      values => p%mat_depth
    case ('mat_k')
      values => p%mat_k
    case ('k_out')
      values => p%k_out
    case ('l_out')
      values => p%l_out
    case ('q_in')
      values => p%q_in
    case ('h_max')
      values => p%h_max
    case ('z_b')
      values => p%z_b
    case ('d_water')
      values => p%d_water
    case ('irrigation')
      values => p%irrigation
    case ('ddf')
      values => p%ddf
    case ('topo_shape')
      values => p%topo_shape
    case ('topo_scale')
      values => p%topo_scale
    case ('topo_f')
      values => p%topo_f
    case ('mgo')
      values => p%mgo
    case ('pq10')
      values => p%pq10
    case ('t_pr')
      values => p%t_pr
    case ('omax')
      values => p%omax
    case ('kch4')
      values => p%kch4
    case ('oq10')
      values => p%oq10
    case ('t_or')
      values => p%t_or
    case ('tveg')
      values => p%tveg
    case ('pox')
      values => p%pox
    case ('kp')
      values => p%kp
    case ('f_x')
      values => p%f_x
    case ('c_r')
      values => p%c_r
    case ('tau_sub')
      values => p%tau_sub
    case ('fresh_ref')
      values => p%fresh_ref
    case ('ph_min')
      values => p%ph_min
    case ('ham_vmax')
      values => p%ham_vmax
    case ('ham_k')
      values => p%ham_k
    case ('ham_q10')
      values => p%ham_q10
    case ('ham_yield')
      values => p%ham_yield
    case ('ham_maint')
      values => p%ham_maint
    case ('ham_death')
      values => p%ham_death
    case ('ham_half')
      values => p%ham_half
    case ('ham_on')
      values => p%ham_on
    case ('ham_off')
      values => p%ham_off
    case ('ham_kn')
      values => p%ham_kn
    case ('mgo_inund')
      values => p%mgo_inund
    case ('rotation')
      values => p%rotation
    case ('sow_shift')
      values => p%sow_shift
    case ('gdd_factor')
      values => p%gdd_factor
    case ('n_fertiliser')
      values => p%n_fertiliser
    case ('residue')
      values => p%residue
    case ('tillage')
      values => p%tillage
    case ('lue_scheme')
      values => p%lue_scheme
    case ('n_limit')
      values => p%n_limit
    case ('n_dep')
      values => p%n_dep
    case ('n_fix')
      values => p%n_fix
    case ('n_legume')
      values => p%n_legume
    case ('n_retrans')
      values => p%n_retrans
    case ('n_uptake')
      values => p%n_uptake
    case ('k_nit')
      values => p%k_nit
    case ('k_denit')
      values => p%k_denit
    case ('n2o_nit')
      values => p%n2o_nit
    case ('drain_year')
      values => p%drain_year
    case ('drain_span')
      values => p%drain_span
    case ('drain_factor')
      values => p%drain_factor
    case ('shift_year')
      values => p%shift_year
    case ('shift_span')
      values => p%shift_span
    case ('shift_lai')
      values => p%shift_lai
    case ('shift_tveg')
      values => p%shift_tveg
    case ('walk_year')
      values => p%walk_year
    case ('mgo_walk')
      values => p%mgo_walk
    case ('thaw_depth')
      values => p%thaw_depth
    case ('thaw_span')
      values => p%thaw_span
    case ('thaw_k_out')
      values => p%thaw_k_out
    case ('thaw_h_max')
      values => p%thaw_h_max
    case ('cultivar_trend')
      values => p%cultivar_trend
    case default
      nullify(values)
    end select
  end function locate

end module parameters
