!> The variables of the history file: the dataset of docs/formats.md section 1, and diagnostics.
module history_fields
  use column, only : column_model
  use kinds, only : wp
  implicit none
  private

  public :: history_field, dataset_fields, diagnostic_fields

  !> One variable of the history file.
  type :: history_field
    !> Name on file.
    character(20) :: name = ''
    !> Units on file.
    character(12) :: units = ''
    !> `fast`, `slow`, `state`, `target`; empty for diagnostics.
    character(8) :: role = ''
    !> What the values are over the day.
    character(16) :: cell_methods = ''
    !> Units that people read, for targets.
    character(12) :: analysis_units = ''
    !> CF standard name; empty where the table has none.
    character(100) :: standard_name = ''
    !> Meaning.
    character(80) :: long_name = ''
    !> Units on file per unit of the model.
    real(wp) :: scale = 1.0_wp
    !> Values of the day, (nsite), in the units of the model.
    real(wp), pointer :: values(:) => null()
    !> Whether there are values; false for a target that an emulator does not give.
    logical :: available = .true.
  end type history_field

  real(wp), parameter :: per_second = 1.0_wp/86400.0_wp
  real(wp), parameter :: kg_per_g = 1.0e-3_wp*per_second   !< g m-2 day-1 to kg m-2 s-1
  real(wp), parameter :: kg_per_mg = 1.0e-6_wp*per_second  !< mg m-2 day-1 to kg m-2 s-1
  character(*), parameter :: rate = 'kg m-2 s-1', grams = 'g m-2 day-1', milligrams = 'mg m-2 day-1'

contains

  !> The variables of the dataset, in the order of docs/formats.md.
  function dataset_fields(c) result(fields)
    !> The column, which must outlive the fields.
    type(column_model), intent(in), target :: c
    type(history_field), allocatable :: fields(:)
    character(*), parameter :: gross = 'gross_primary_productivity_of_biomass_expressed_as_carbon'
    fields = [ &
      field('tas', 'K', 'fast', 'air temperature', c%day%tas, 'air_temperature'), &
      field('tasmin', 'K', 'fast', 'lowest air temperature of the day', c%day%tasmin, &
        'air_temperature', 'time: minimum'), &
      field('tasmax', 'K', 'fast', 'highest air temperature of the day', c%day%tasmax, &
        'air_temperature', 'time: maximum'), &
      field('pr', rate, 'fast', 'precipitation, rain and snow', c%day%pr, 'precipitation_flux', &
        scale=per_second), &
      field('rsds', 'W m-2', 'fast', 'downward shortwave radiation', c%day%rsds, &
        'surface_downwelling_shortwave_flux_in_air'), &
      field('rlds', 'W m-2', 'fast', 'downward longwave radiation', c%day%rlds, &
        'surface_downwelling_longwave_flux_in_air'), &
      field('vpd', 'Pa', 'fast', 'vapour pressure deficit', c%day%vpd, &
        'water_vapor_saturation_deficit_in_air'), &
      field('sfcWind', 'm s-1', 'fast', 'wind speed', c%day%sfcwind, 'wind_speed'), &
      field('ps', 'Pa', 'fast', 'surface pressure', c%day%ps, 'surface_air_pressure'), &
      field('co2', '1e-6', 'slow', 'CO2 mole fraction of air', c%day%co2, &
        'mole_fraction_of_carbon_dioxide_in_air'), &
      field('ch4', '1e-9', 'slow', 'CH4 mole fraction of air', c%day%ch4, &
        'mole_fraction_of_methane_in_air'), &
      field('crop', '1', 'slow', 'crop that stands: 0 none, 1 maize, 2 soybean, 3 wheat, 4 rice', &
        c%fluxes%crop, cell_methods='time: point'), &
      field('fertilisation', rate, 'fast', 'mineral fertiliser, mass of nitrogen', &
        c%fluxes%fertiliser, scale=kg_per_g), &
      field('tsl', 'K', 'state', 'soil temperature at 0.10 m', c%fluxes%tsl, 'soil_temperature'), &
      field('mrsos', 'kg m-2', 'state', 'water in the upper 0.10 m of soil', c%fluxes%mrsos, &
        'mass_content_of_water_in_soil_layer'), &
      field('wtd', 'm', 'state', 'water table depth, positive below the surface', c%fluxes%wtd, &
        'water_table_depth'), &
      field('snw', 'kg m-2', 'state', 'snow water equivalent', c%fluxes%snw, &
        'surface_snow_amount'), &
      field('lai', '1', 'state', 'leaf area index', c%fluxes%lai, 'leaf_area_index'), &
      field('evspsbl', rate, 'state', 'evapotranspiration', c%fluxes%evaporation, &
        'water_evapotranspiration_flux', scale=per_second), &
      field('gpp', rate, 'target', 'gross primary production, mass of carbon', c%fluxes%gpp, &
        gross, scale=kg_per_g, analysis_units=grams), &
      field('ra', rate, 'target', 'autotrophic respiration, mass of carbon', c%fluxes%ra, &
        'surface_upward_mass_flux_of_carbon_dioxide_expressed_as_carbon_'// &
        'due_to_plant_respiration', scale=kg_per_g, analysis_units=grams), &
      field('rh', rate, 'target', 'heterotrophic respiration, mass of carbon', c%fluxes%rh, &
        'surface_upward_mass_flux_of_carbon_dioxide_expressed_as_carbon_'// &
        'due_to_heterotrophic_respiration', scale=kg_per_g, analysis_units=grams), &
      field('nee', rate, 'target', 'net ecosystem exchange, mass of carbon, upward', c%fluxes%nee, &
        scale=kg_per_g, analysis_units=grams), &
      field('fch4', rate, 'target', 'net methane flux, mass of methane, upward', c%fluxes%fch4, &
        scale=kg_per_mg, analysis_units=milligrams), & ! CF names methane fluxes by source only
      field('fn2o', rate, 'target', 'nitrous oxide flux, mass of N2O, upward', c%fluxes%fn2o, &
        scale=kg_per_mg, analysis_units=milligrams)]
  end function dataset_fields

  !> Methane pathways, nitrogen and pools.
  function diagnostic_fields(c) result(fields)
    !> The column, which must outlive the fields.
    type(column_model), intent(in), target :: c
    type(history_field), allocatable :: fields(:)
    fields = [ &
      field('fch4_diff', rate, '', 'methane diffused to the air', c%fluxes%ch4_diffusion, &
        scale=kg_per_mg), &
      field('fch4_ebul', rate, '', 'methane bubbled to the air', c%fluxes%ch4_ebullition, &
        scale=kg_per_mg), &
      field('fch4_plant', rate, '', 'methane through plants to the air', c%fluxes%ch4_plant, &
        scale=kg_per_mg), &
      field('ch4_production', rate, '', 'methane produced', c%fluxes%ch4_production, &
        scale=kg_per_mg), &
      field('ch4_oxidation', rate, '', 'methane oxidised', c%fluxes%ch4_oxidation, &
        scale=kg_per_mg), &
      field('ch4_uptake_ham', rate, '', 'methane oxidised by high-affinity methanotrophs', &
        c%fluxes%ch4_uptake_ham, scale=kg_per_mg), &
      pool('c_ham', 'carbon of high-affinity methanotrophs', c%fluxes%ham), &
      field('redox_10cm', 'mV', '', 'redox potential at 0.10 m', c%fluxes%redox_10cm, &
        cell_methods='time: point'), &
      field('finund', '1', '', 'inundated share of the site', c%fluxes%finund), &
      field('mrro', rate, '', 'runoff and drainage', c%fluxes%runoff, 'runoff_flux', &
        scale=per_second), &
      field('tran', rate, '', 'transpiration', c%fluxes%transpiration, 'transpiration_flux', &
        scale=per_second), &
      field('harvest', rate, '', 'carbon carried off by harvest', c%fluxes%harvest, &
        scale=kg_per_g), &
      field('yield', rate, '', 'carbon of harvested grain', c%fluxes%yield, scale=kg_per_g), &
      field('nbp', rate, '', 'net biome production, mass of carbon, to the land', c%fluxes%nbp, &
        scale=kg_per_g), &
      field('irrigation', rate, '', 'irrigation', c%fluxes%irrigation, scale=per_second), &
      field('dvs', '1', '', 'development stage of the crop, 0 to 2; -1 without one', c%state%dvs, &
        cell_methods='time: point'), &
      pool('c_grain', 'carbon of grain', c%state%grain), &
      pool('c_leaf', 'carbon of leaves', c%state%leaf), &
      pool('c_wood', 'carbon of wood', c%state%wood), &
      pool('c_root', 'carbon of fine roots', c%state%root), &
      pool('c_nsc', 'non-structural carbon', c%state%nsc), &
      pool('c_metabolic', 'carbon of metabolic litter', c%state%metabolic), &
      pool('c_structural', 'carbon of structural litter', c%state%structural), &
      pool('c_active', 'carbon of the active soil pool', c%state%active), &
      pool('c_slow', 'carbon of the slow soil pool', c%state%slow), &
      pool('c_passive', 'carbon of the passive soil pool', c%state%passive), &
      pool('c_substrate', 'labile carbon', c%state%substrate), &
      pool('n_ammonium', 'ammonium, mass of nitrogen', c%state%ammonium), &
      pool('n_nitrate', 'nitrate, mass of nitrogen', c%state%nitrate), &
      pool('n_plant', 'nitrogen of plants', c%state%plant_nitrogen), &
      field('n_mineralisation', rate, '', 'net mineralisation of nitrogen', &
        c%fluxes%n_mineralisation, scale=kg_per_g), &
      field('n_uptake', rate, '', 'nitrogen taken up by roots', c%fluxes%n_uptake, &
        scale=kg_per_g), &
      field('n_leaching', rate, '', 'nitrate leached, mass of nitrogen', c%fluxes%n_leaching, &
        scale=kg_per_g), &
      field('n_denitrification', rate, '', 'denitrification to N2 and N2O, mass of nitrogen', &
        c%fluxes%n_denitrification, scale=kg_per_g), &
      field('n_input', rate, '', 'nitrogen deposited and fixed', c%fluxes%nitrogen_input, &
        scale=kg_per_g), &
      field('n_harvest', rate, '', 'nitrogen carried off by harvest', c%fluxes%harvest_nitrogen, &
        scale=kg_per_g), &
      field('f_n', '1', '', 'factor of nitrogen on photosynthesis', c%fluxes%f_n)]
  end function diagnostic_fields

  !> A carbon pool.
  function pool(name, long_name, values) result(new)
    !> Name.
    character(*), intent(in) :: name
    !> Meaning.
    character(*), intent(in) :: long_name
    !> Values [g m-2].
    real(wp), intent(in), target :: values(:)
    type(history_field) :: new
    new = field(name, 'kg m-2', '', long_name, values, cell_methods='time: point', scale=1.0e-3_wp)
  end function pool

  !> Constructor.
  function field(name, units, role, long_name, values, standard_name, cell_methods, scale, &
    analysis_units) result(new)
    !> Name.
    character(*), intent(in) :: name
    !> Units on file.
    character(*), intent(in) :: units
    !> Role.
    character(*), intent(in) :: role
    !> Meaning.
    character(*), intent(in) :: long_name
    !> Values.
    real(wp), intent(in), target :: values(:)
    !> CF standard name.
    character(*), intent(in), optional :: standard_name
    !> Cell methods; mean by default.
    character(*), intent(in), optional :: cell_methods
    !> Units on file per unit of the model; 1 by default.
    real(wp), intent(in), optional :: scale
    !> Units that people read.
    character(*), intent(in), optional :: analysis_units
    type(history_field) :: new
    new%name = name
    new%units = units
    new%role = role
    new%long_name = long_name
    new%values => values
    new%cell_methods = 'time: mean'
    if (present(standard_name)) new%standard_name = standard_name
    if (present(cell_methods)) new%cell_methods = cell_methods
    if (present(scale)) new%scale = scale
    if (present(analysis_units)) new%analysis_units = analysis_units
  end function field

end module history_fields
