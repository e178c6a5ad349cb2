!> The table of namelist groups and keys: what docs/namelists.md and error messages are made from.
module namelist_keys
  use namelist_file, only: name_length
  use parameters, only: biome_names, parameter_info, parameter_table
  use text, only: join
  implicit none (type, external)
  private

  public :: namelist_key, key_table, is_group, known_groups, known_keys, is_parameter_group

  !> One key.
  type :: namelist_key
    character(name_length) :: group = ''  !< group without the ampersand
    character(name_length) :: name = ''  !< key
    character(8) :: kind = ''  !< `text`, `integer`, `real` or `logical`
    !> Default as it would stand in the file; empty where the value is derived.
    character(:), allocatable :: default
    character(:), allocatable :: choices  !< choices separated by blanks; empty for any value
    character(:), allocatable :: meaning  !< meaning, with the unit
  end type namelist_key

contains

  !> All keys, in the order in which they are documented; parameters come last.
  function key_table() result(keys)
    type(namelist_key), allocatable :: keys(:)
    keys = [run_keys(), site_keys(), forcing_keys(), generator_keys(), emulator_keys(), &
      history_keys(), parameter_keys()]
  end function key_table

  function run_keys() result(keys)
    type(namelist_key), allocatable :: keys(:)
    character(*), parameter :: g = 'run_ctl'
    keys = [ &
      key(g, 'case_name', 'text', 'case', 'first part of the names of all output files'), &
      key(g, 'start_date', 'text', '2001-01-01', 'first day of output, YYYY-MM-DD'), &
      key(g, 'stop_n', 'integer', '1', 'length of the run in units of stop_option'), &
      key(g, 'stop_option', 'text', 'nyears', 'unit of stop_n', 'nyears ndays'), &
      key(g, 'calendar', 'text', 'standard', 'calendar of the run', 'standard noleap'), &
      key(g, 'dt_phys', 'integer', '3600', &
      'step of soil and methane [s], a divisor of 86400; 86400 is the daily mode'), &
      key(g, 'seed', 'integer', '1', 'seed of the weather, together with each site_number'), &
      key(g, 'finidat', 'text', '', 'restart file to start from; empty for a cold start'), &
      key(g, 'rest_frq', 'text', 'none', 'when restart files are written', 'none yearly end'), &
      key(g, 'fsites', 'text', '', 'site table (netCDF); empty for the one site of &site_nl'), &
      key(g, 'bgc_scheme', 'text', 'process', 'who computes the fluxes', 'process emulator'), &
      key(g, 'inundation', 'text', 'none', &
      'inundated share of each site: none, or TOPMODEL by the water table', 'none topmodel'), &
      key(g, 'spinup_years', 'integer', '2', 'years before start_date of a cold start'), &
      key(g, 'outdir', 'text', '.', 'directory of the output, which must exist')]
  end function run_keys

  function site_keys() result(keys)
    type(namelist_key), allocatable :: keys(:)
    character(*), parameter :: g = 'site_nl'
    keys = [ &
      key(g, 'site_id', 'text', 'site', 'name of the site'), &
      key(g, 'site_number', 'integer', '1', 'number that seeds the weather of the site'), &
      key(g, 'lat', 'real', '61.83', 'latitude [degrees north]'), &
      key(g, 'lon', 'real', '24.19', 'longitude [degrees east]'), &
      key(g, 'elevation', 'real', '160.0', 'elevation [m]'), &
      key(g, 'biome', 'text', 'fen', 'site class, see docs/formats.md', join(biome_names, ' ')), &
      key(g, 'sand', 'real', '0.4', 'sand, mass fraction of the mineral soil [1]'), &
      key(g, 'clay', 'real', '0.2', 'clay, mass fraction of the mineral soil [1]'), &
      key(g, 'ph', 'real', '5.0', 'pH of soil or peat [1]'), &
      key(g, 'annual_precip', 'real', '700.0', 'mean annual precipitation [kg m-2 year-1]'), &
      key(g, 'continentality', 'real', '30.0', 'Conrad index of continentality [1]'), &
      key(g, 't_ann', 'real', '', 'mean annual air temperature [K]; else from the climate normals')]
  end function site_keys

  function forcing_keys() result(keys)
    type(namelist_key), allocatable :: keys(:)
    character(*), parameter :: g = 'forcing_nl', name = 'name in the file of the '
    keys = [ &
      key(g, 'source', 'text', 'wgen', 'generated weather or a file', 'wgen netcdf'), &
      key(g, 'file', 'text', '', 'forcing file, see docs/formats.md section 4'), &
      key(g, 'time_zone', 'text', 'local', &
      'what the times of the file are: local solar time, or UTC, which is shifted by the '// &
      'longitude of each site', 'local utc'), &
      key(g, 'forcing_name_tair', 'text', 'Tair', name//'air temperature'), &
      key(g, 'forcing_name_qair', 'text', 'Qair', &
      name//'specific humidity, or relative humidity in %'), &
      key(g, 'forcing_name_swdown', 'text', 'SWdown', name//'downward shortwave radiation'), &
      key(g, 'forcing_name_lwdown', 'text', 'LWdown', &
      name//'downward longwave radiation; derived where it is not in the file'), &
      key(g, 'forcing_name_rainf', 'text', 'Rainf', &
      name//'rainfall; total precipitation where there is no snowfall in the file'), &
      key(g, 'forcing_name_snowf', 'text', 'Snowf', name//'snowfall'), &
      key(g, 'forcing_name_wind', 'text', 'Wind', &
      name//'wind speed, or of its two components: U2D,V2D'), &
      key(g, 'forcing_name_psurf', 'text', 'PSurf', name//'surface pressure'), &
      key(g, 'forcing_name_co2air', 'text', 'CO2air', &
      name//'CO2 mole fraction; global means by year where it is not in the file'), &
      key(g, 'forcing_name_ch4air', 'text', 'CH4air', &
      name//'CH4 mole fraction; global means by year where it is not in the file'), &
      key(g, 'forcing_name_tmin', 'text', 'Tmin', name//"day's lowest temperature, daily files"), &
      key(g, 'forcing_name_tmax', 'text', 'Tmax', name//"day's highest temperature, daily files")]
  end function forcing_keys

  function generator_keys() result(keys)
    type(namelist_key), allocatable :: keys(:)
    character(*), parameter :: g = 'wgen_nl'
    keys = [ &
      key(g, 'trend_k_per_decade', 'real', '0.0', 'linear warming [K per decade]'), &
      key(g, 'trend_reference_year', 'integer', '2000', 'year in which the trend is zero'), &
      key(g, 'annual_t_sd', 'real', '', &
      'standard deviation of the anomaly of a year'// &
      ' [K], on top of daily weather; else 0.6 + 0.01 max(|lat| - 20, 0)'), &
      key(g, 'annual_t_ar1', 'real', '0.3', 'autocorrelation of annual temperature [1]'), &
      key(g, 'annual_p_cv', 'real', '', &
      'coefficient of variation of annual precipitation [1]; else 0.15 (wet) to 0.30 (arid)'), &
      key(g, 'precip_seasonality', 'real', '0.3', &
      'amplitude of the seasonal cycle of precipitation, relative to the mean [1]'), &
      key(g, 'precip_peak_day', 'real', '', &
      'day of year with most precipitation; else 200 north and 17 south of the equator'), &
      key(g, 'wind_mean', 'real', '3.0', 'mean wind speed [m s-1]'), &
      key(g, 'correlation_km', 'real', '0.0', &
      'distance over which daily temperature, cloud and wind of sites fall to a correlation of'// &
      ' 1/e [km]; 0: each site has weather of its own'), &
      key(g, 'precip_correlation_km', 'real', '0.0', &
      'the same of what decides whether and how much it rains [km]; amounts are correlated over'// &
      ' half of it'), &
      key(g, 'co2', 'real', '', 'constant CO2 [ppm]; else the global mean of each year'), &
      key(g, 'ch4', 'real', '', 'constant CH4 [ppb]; else the global mean of each year')]
  end function generator_keys

  function emulator_keys() result(keys)
    type(namelist_key), allocatable :: keys(:)
    character(*), parameter :: g = 'emulator_nl'
    keys = [ &
      key(g, 'file', 'text', '', "artefact to load under bgc_scheme = 'emulator'"), &
      key(g, 'backend', 'text', '', 'backend of the coupler; empty for the first that fits'), &
      key(g, 'dt_call', 'integer', '3600', &
      'interval of calls [s], a multiple of dt_phys and a divisor of 86400')]
  end function emulator_keys

  function history_keys() result(keys)
    type(namelist_key), allocatable :: keys(:)
    character(*), parameter :: g = 'hist_nl'
    keys = [ &
      key(g, 'hist_fields', 'text', '', &
      'variables to write, separated by commas; empty for all of docs/formats.md section 1'), &
      key(g, 'hist_diagnostics', 'logical', '.false.', &
      "write methane pathways, nitrogen and pools too (only under bgc_scheme = 'process')"), &
      key(g, 'hist_nhtfrq', 'integer', '-24', &
      'time of a record as in CLM: -24 for days, 0 for months; datasets are of days'), &
      key(g, 'hist_split', 'text', 'none', 'files of a run: one, or one a calendar year', &
      'none yearly'), &
      key(g, 'hist_deflate', 'integer', '1', 'compression of the history file, 0 to 9')]
  end function history_keys

  !> Keys of the parameter groups; their default is the biome's.
  function parameter_keys() result(keys)
    type(namelist_key), allocatable :: keys(:)
    type(parameter_info), allocatable :: info(:)
    integer :: i
    allocate(info, source=parameter_table())
    allocate(keys(size(info)))
    do i = 1, size(info)
      keys(i) = key(trim(info(i)%group), trim(info(i)%name), 'real', '', &
        trim(info(i)%long_name)//' ['//trim(info(i)%units)//']')
    end do
  end function parameter_keys

  !> Constructor.
  pure function key(group, name, kind, default, meaning, choices) result(row)
    character(*), intent(in) :: group  !< group
    character(*), intent(in) :: name  !< name
    character(*), intent(in) :: kind  !< kind of value
    character(*), intent(in) :: default  !< default
    character(*), intent(in) :: meaning  !< meaning
    character(*), intent(in), optional :: choices  !< choices
    type(namelist_key) :: row
    row%group = group
    row%name = name
    row%kind = kind
    row%default = default
    row%meaning = meaning
    row%choices = ''
    if (present(choices)) row%choices = choices
  end function key

  !> Whether a group is in the table.
  pure logical function is_group(keys, group)
    type(namelist_key), intent(in) :: keys(:)  !< the table
    character(*), intent(in) :: group  !< group
    integer :: i
    is_group = any([(keys(i)%group == group, i=1, size(keys))])
  end function is_group

  !> Whether the keys of a group are parameters of the column.
  pure logical function is_parameter_group(group)
    character(*), intent(in) :: group  !< group
    select case (group)
    case ('run_ctl', 'site_nl', 'forcing_nl', 'wgen_nl', 'emulator_nl', 'hist_nl')
      is_parameter_group = .false.
    case default
      is_parameter_group = .true.
    end select
  end function is_parameter_group

  !> Names of all groups for a message: `&run_ctl, &site_nl, ...`.
  function known_groups(keys) result(names)
    type(namelist_key), intent(in) :: keys(:)  !< the table
    character(:), allocatable :: names
    integer :: i
    names = '&'//trim(keys(1)%group)
    do i = 2, size(keys)
      if (is_group(keys(:i - 1), trim(keys(i)%group))) cycle
      names = names//', &'//trim(keys(i)%group)
    end do
  end function known_groups

  !> Names of all keys of a group for a message: `case_name, start_date, ...`.
  function known_keys(keys, group) result(names)
    type(namelist_key), intent(in) :: keys(:)  !< the table
    character(*), intent(in) :: group  !< group
    character(:), allocatable :: names
    character(name_length), allocatable :: keys_of_group(:)
    integer :: i
    keys_of_group = pack([(keys(i)%name, i=1, size(keys))], &
      [(keys(i)%group == group, i=1, size(keys))])
    names = join(keys_of_group, ', ')
  end function known_keys

end module namelist_keys
