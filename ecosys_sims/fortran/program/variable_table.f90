! Made from variable_table.fypp and foundations/variables.csv by scripts/generate.sh; edit those.
!> Names, units and meanings that variables have on file: foundations/variables.csv.
module variable_table
  implicit none (type, external)
  private

  public :: variable_attributes, attributes_of

  !> The texts of a variable on file; empty where the table has none.
  type :: variable_attributes
    character(20) :: name = ''  !< name
    !> `static`, `fast`, `slow`, `state`, `target`; empty for diagnostics.
    character(8) :: role = ''
    character(14) :: units = ''  !< units
    character(14) :: analysis_units = ''  !< units that people read, for targets
    character(8) :: cell_method = ''  !< what the values are over the day
    character(100) :: standard_name = ''  !< CF standard name
    character(80) :: long_name = ''  !< meaning
  end type variable_attributes

contains

  !> The texts of a variable, which must be in the table.
  pure function attributes_of(name) result(row)
    character(*), intent(in) :: name  !< name
    type(variable_attributes) :: row
    select case (name)
    case ('lat')
      row%name = 'lat'
      row%role = 'static'
      row%units = 'degrees_north'
      row%standard_name = 'latitude'
      row%long_name = 'latitude'
    case ('lon')
      row%name = 'lon'
      row%role = 'static'
      row%units = 'degrees_east'
      row%standard_name = 'longitude'
      row%long_name = 'longitude'
    case ('elevation')
      row%name = 'elevation'
      row%role = 'static'
      row%units = 'm'
      row%standard_name = 'surface_altitude'
      row%long_name = 'elevation above sea level'
    case ('sand')
      row%name = 'sand'
      row%role = 'static'
      row%units = '1'
      row%long_name = 'sand, mass fraction of the mineral soil'
    case ('clay')
      row%name = 'clay'
      row%role = 'static'
      row%units = '1'
      row%long_name = 'clay, mass fraction of the mineral soil'
    case ('ph')
      row%name = 'ph'
      row%role = 'static'
      row%units = '1'
      row%long_name = 'pH of soil or peat'
    case ('biome')
      row%name = 'biome'
      row%role = 'static'
      row%units = '1'
      row%long_name = 'site class'
    case ('tas')
      row%name = 'tas'
      row%role = 'fast'
      row%units = 'K'
      row%cell_method = 'mean'
      row%standard_name = 'air_temperature'
      row%long_name = 'air temperature'
    case ('tasmin')
      row%name = 'tasmin'
      row%role = 'fast'
      row%units = 'K'
      row%cell_method = 'minimum'
      row%standard_name = 'air_temperature'
      row%long_name = 'lowest air temperature of the day'
    case ('tasmax')
      row%name = 'tasmax'
      row%role = 'fast'
      row%units = 'K'
      row%cell_method = 'maximum'
      row%standard_name = 'air_temperature'
      row%long_name = 'highest air temperature of the day'
    case ('pr')
      row%name = 'pr'
      row%role = 'fast'
      row%units = 'kg m-2 s-1'
      row%cell_method = 'mean'
      row%standard_name = 'precipitation_flux'
      row%long_name = 'precipitation, rain and snow'
    case ('rsds')
      row%name = 'rsds'
      row%role = 'fast'
      row%units = 'W m-2'
      row%cell_method = 'mean'
      row%standard_name = 'surface_downwelling_shortwave_flux_in_air'
      row%long_name = 'downward shortwave radiation'
    case ('rlds')
      row%name = 'rlds'
      row%role = 'fast'
      row%units = 'W m-2'
      row%cell_method = 'mean'
      row%standard_name = 'surface_downwelling_longwave_flux_in_air'
      row%long_name = 'downward longwave radiation'
    case ('vpd')
      row%name = 'vpd'
      row%role = 'fast'
      row%units = 'Pa'
      row%cell_method = 'mean'
      row%standard_name = 'water_vapor_saturation_deficit_in_air'
      row%long_name = 'vapour pressure deficit'
    case ('sfcWind')
      row%name = 'sfcWind'
      row%role = 'fast'
      row%units = 'm s-1'
      row%cell_method = 'mean'
      row%standard_name = 'wind_speed'
      row%long_name = 'wind speed'
    case ('ps')
      row%name = 'ps'
      row%role = 'fast'
      row%units = 'Pa'
      row%cell_method = 'mean'
      row%standard_name = 'surface_air_pressure'
      row%long_name = 'surface pressure'
    case ('co2')
      row%name = 'co2'
      row%role = 'slow'
      row%units = '1e-6'
      row%cell_method = 'mean'
      row%standard_name = 'mole_fraction_of_carbon_dioxide_in_air'
      row%long_name = 'CO2 mole fraction of air'
    case ('ch4')
      row%name = 'ch4'
      row%role = 'slow'
      row%units = '1e-9'
      row%cell_method = 'mean'
      row%standard_name = 'mole_fraction_of_methane_in_air'
      row%long_name = 'CH4 mole fraction of air'
    case ('crop')
      row%name = 'crop'
      row%role = 'slow'
      row%units = '1'
      row%cell_method = 'point'
      row%long_name = 'crop that stands: 0 none, 1 maize, 2 soybean, 3 wheat, 4 rice'
    case ('fertilisation')
      row%name = 'fertilisation'
      row%role = 'fast'
      row%units = 'kg m-2 s-1'
      row%cell_method = 'mean'
      row%long_name = 'mineral fertiliser, mass of nitrogen'
    case ('tsl')
      row%name = 'tsl'
      row%role = 'state'
      row%units = 'K'
      row%cell_method = 'mean'
      row%standard_name = 'soil_temperature'
      row%long_name = 'soil temperature at 0.10 m'
    case ('mrsos')
      row%name = 'mrsos'
      row%role = 'state'
      row%units = 'kg m-2'
      row%cell_method = 'mean'
      row%standard_name = 'mass_content_of_water_in_soil_layer'
      row%long_name = 'water in the upper 0.10 m of soil'
    case ('wtd')
      row%name = 'wtd'
      row%role = 'state'
      row%units = 'm'
      row%cell_method = 'mean'
      row%standard_name = 'water_table_depth'
      row%long_name = 'water table depth, positive below the surface'
    case ('snw')
      row%name = 'snw'
      row%role = 'state'
      row%units = 'kg m-2'
      row%cell_method = 'mean'
      row%standard_name = 'surface_snow_amount'
      row%long_name = 'snow water equivalent'
    case ('lai')
      row%name = 'lai'
      row%role = 'state'
      row%units = '1'
      row%cell_method = 'mean'
      row%standard_name = 'leaf_area_index'
      row%long_name = 'leaf area index'
    case ('evspsbl')
      row%name = 'evspsbl'
      row%role = 'state'
      row%units = 'kg m-2 s-1'
      row%cell_method = 'mean'
      row%standard_name = 'water_evapotranspiration_flux'
      row%long_name = 'evapotranspiration'
    case ('gpp')
      row%name = 'gpp'
      row%role = 'target'
      row%units = 'kg m-2 s-1'
      row%analysis_units = 'g m-2 day-1'
      row%cell_method = 'mean'
      row%standard_name = 'gross_primary_productivity_of_biomass_expressed_as_carbon'
      row%long_name = 'gross primary production, mass of carbon'
    case ('ra')
      row%name = 'ra'
      row%role = 'target'
      row%units = 'kg m-2 s-1'
      row%analysis_units = 'g m-2 day-1'
      row%cell_method = 'mean'
      row%standard_name = &
        'surface_upward_mass_flux_of_carbon_dioxide_expressed_as_carbon_due_to_plant_'// &
        'respiration'
      row%long_name = 'autotrophic respiration, mass of carbon'
    case ('rh')
      row%name = 'rh'
      row%role = 'target'
      row%units = 'kg m-2 s-1'
      row%analysis_units = 'g m-2 day-1'
      row%cell_method = 'mean'
      row%standard_name = &
        'surface_upward_mass_flux_of_carbon_dioxide_expressed_as_carbon_due_to_'// &
        'heterotrophic_respiration'
      row%long_name = 'heterotrophic respiration, mass of carbon'
    case ('nee')
      row%name = 'nee'
      row%role = 'target'
      row%units = 'kg m-2 s-1'
      row%analysis_units = 'g m-2 day-1'
      row%cell_method = 'mean'
      row%long_name = 'net ecosystem exchange, mass of carbon, upward'
    case ('fch4')
      row%name = 'fch4'
      row%role = 'target'
      row%units = 'kg m-2 s-1'
      row%analysis_units = 'mg m-2 day-1'
      row%cell_method = 'mean'
      row%long_name = 'net methane flux, mass of methane, upward'
    case ('fn2o')
      row%name = 'fn2o'
      row%role = 'target'
      row%units = 'kg m-2 s-1'
      row%analysis_units = 'mg m-2 day-1'
      row%cell_method = 'mean'
      row%long_name = 'nitrous oxide flux, mass of N2O, upward'
    case ('site_number')
      row%name = 'site_number'
      row%role = 'static'
      row%units = '1'
      row%long_name = 'number that seeds the weather of the site'
    case ('annual_precip')
      row%name = 'annual_precip'
      row%role = 'static'
      row%units = 'kg m-2 year-1'
      row%long_name = 'annual precipitation'
    case ('continentality')
      row%name = 'continentality'
      row%role = 'static'
      row%units = '1'
      row%long_name = 'Conrad continentality index'
    case ('t_ann')
      row%name = 't_ann'
      row%role = 'static'
      row%units = 'K'
      row%standard_name = 'air_temperature'
      row%long_name = 'annual mean air temperature'
    case ('fch4_diff')
      row%name = 'fch4_diff'
      row%units = 'kg m-2 s-1'
      row%cell_method = 'mean'
      row%long_name = 'methane diffused to the air'
    case ('fch4_ebul')
      row%name = 'fch4_ebul'
      row%units = 'kg m-2 s-1'
      row%cell_method = 'mean'
      row%long_name = 'methane bubbled to the air'
    case ('fch4_plant')
      row%name = 'fch4_plant'
      row%units = 'kg m-2 s-1'
      row%cell_method = 'mean'
      row%long_name = 'methane through plants to the air'
    case ('ch4_production')
      row%name = 'ch4_production'
      row%units = 'kg m-2 s-1'
      row%cell_method = 'mean'
      row%long_name = 'methane produced'
    case ('ch4_oxidation')
      row%name = 'ch4_oxidation'
      row%units = 'kg m-2 s-1'
      row%cell_method = 'mean'
      row%long_name = 'methane oxidised'
    case ('ch4_uptake_ham')
      row%name = 'ch4_uptake_ham'
      row%units = 'kg m-2 s-1'
      row%cell_method = 'mean'
      row%long_name = 'methane oxidised by high-affinity methanotrophs'
    case ('c_ham')
      row%name = 'c_ham'
      row%units = 'kg m-2'
      row%cell_method = 'point'
      row%long_name = 'carbon of high-affinity methanotrophs'
    case ('redox_10cm')
      row%name = 'redox_10cm'
      row%units = 'mV'
      row%cell_method = 'point'
      row%long_name = 'redox potential at 0.10 m'
    case ('finund')
      row%name = 'finund'
      row%units = '1'
      row%cell_method = 'mean'
      row%long_name = 'inundated share of the site'
    case ('mrro')
      row%name = 'mrro'
      row%units = 'kg m-2 s-1'
      row%cell_method = 'mean'
      row%standard_name = 'runoff_flux'
      row%long_name = 'runoff and drainage'
    case ('tran')
      row%name = 'tran'
      row%units = 'kg m-2 s-1'
      row%cell_method = 'mean'
      row%standard_name = 'transpiration_flux'
      row%long_name = 'transpiration'
    case ('harvest')
      row%name = 'harvest'
      row%units = 'kg m-2 s-1'
      row%cell_method = 'mean'
      row%long_name = 'carbon carried off by harvest'
    case ('yield')
      row%name = 'yield'
      row%units = 'kg m-2 s-1'
      row%cell_method = 'mean'
      row%long_name = 'carbon of harvested grain'
    case ('nbp')
      row%name = 'nbp'
      row%units = 'kg m-2 s-1'
      row%cell_method = 'mean'
      row%long_name = 'net biome production, mass of carbon, to the land'
    case ('irrigation')
      row%name = 'irrigation'
      row%units = 'kg m-2 s-1'
      row%cell_method = 'mean'
      row%long_name = 'irrigation'
    case ('dvs')
      row%name = 'dvs'
      row%units = '1'
      row%cell_method = 'point'
      row%long_name = 'development stage of the crop, 0 to 2; -1 without one'
    case ('c_grain')
      row%name = 'c_grain'
      row%units = 'kg m-2'
      row%cell_method = 'point'
      row%long_name = 'carbon of grain'
    case ('c_leaf')
      row%name = 'c_leaf'
      row%units = 'kg m-2'
      row%cell_method = 'point'
      row%long_name = 'carbon of leaves'
    case ('c_wood')
      row%name = 'c_wood'
      row%units = 'kg m-2'
      row%cell_method = 'point'
      row%long_name = 'carbon of wood'
    case ('c_root')
      row%name = 'c_root'
      row%units = 'kg m-2'
      row%cell_method = 'point'
      row%long_name = 'carbon of fine roots'
    case ('c_nsc')
      row%name = 'c_nsc'
      row%units = 'kg m-2'
      row%cell_method = 'point'
      row%long_name = 'non-structural carbon'
    case ('c_metabolic')
      row%name = 'c_metabolic'
      row%units = 'kg m-2'
      row%cell_method = 'point'
      row%long_name = 'carbon of metabolic litter'
    case ('c_structural')
      row%name = 'c_structural'
      row%units = 'kg m-2'
      row%cell_method = 'point'
      row%long_name = 'carbon of structural litter'
    case ('c_active')
      row%name = 'c_active'
      row%units = 'kg m-2'
      row%cell_method = 'point'
      row%long_name = 'carbon of the active soil pool'
    case ('c_slow')
      row%name = 'c_slow'
      row%units = 'kg m-2'
      row%cell_method = 'point'
      row%long_name = 'carbon of the slow soil pool'
    case ('c_passive')
      row%name = 'c_passive'
      row%units = 'kg m-2'
      row%cell_method = 'point'
      row%long_name = 'carbon of the passive soil pool'
    case ('c_substrate')
      row%name = 'c_substrate'
      row%units = 'kg m-2'
      row%cell_method = 'point'
      row%long_name = 'labile carbon'
    case ('n_ammonium')
      row%name = 'n_ammonium'
      row%units = 'kg m-2'
      row%cell_method = 'point'
      row%long_name = 'ammonium, mass of nitrogen'
    case ('n_nitrate')
      row%name = 'n_nitrate'
      row%units = 'kg m-2'
      row%cell_method = 'point'
      row%long_name = 'nitrate, mass of nitrogen'
    case ('n_plant')
      row%name = 'n_plant'
      row%units = 'kg m-2'
      row%cell_method = 'point'
      row%long_name = 'nitrogen of plants'
    case ('n_mineralisation')
      row%name = 'n_mineralisation'
      row%units = 'kg m-2 s-1'
      row%cell_method = 'mean'
      row%long_name = 'net mineralisation of nitrogen'
    case ('n_uptake')
      row%name = 'n_uptake'
      row%units = 'kg m-2 s-1'
      row%cell_method = 'mean'
      row%long_name = 'nitrogen taken up by roots'
    case ('n_leaching')
      row%name = 'n_leaching'
      row%units = 'kg m-2 s-1'
      row%cell_method = 'mean'
      row%long_name = 'nitrate leached, mass of nitrogen'
    case ('n_denitrification')
      row%name = 'n_denitrification'
      row%units = 'kg m-2 s-1'
      row%cell_method = 'mean'
      row%long_name = 'denitrification to N2 and N2O, mass of nitrogen'
    case ('n_input')
      row%name = 'n_input'
      row%units = 'kg m-2 s-1'
      row%cell_method = 'mean'
      row%long_name = 'nitrogen deposited and fixed'
    case ('n_harvest')
      row%name = 'n_harvest'
      row%units = 'kg m-2 s-1'
      row%cell_method = 'mean'
      row%long_name = 'nitrogen carried off by harvest'
    case ('f_n')
      row%name = 'f_n'
      row%units = '1'
      row%cell_method = 'mean'
      row%long_name = 'factor of nitrogen on photosynthesis'
    case default
      error stop 'a variable of the history is not in foundations/variables.csv'
    end select
  end function attributes_of

end module variable_table
