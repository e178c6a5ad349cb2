!> Turns a namelist file into the configuration of a run, and echoes it with all defaults resolved.
module namelist_input
  use calendar_dates, only: calendar_date, day_number, is_mixed_calendar, leap_days, parse_date, &
    reform_day
  use exit_codes, only: bad_namelist, success
  use kinds, only: wp
  use namelist_file, only: namelist_entry, name_length, parse_namelist
  use namelist_keys, only: is_group, is_parameter_group, key_table, known_groups, known_keys, &
    namelist_key
  use text, only: lower, to_text
  implicit none (type, external)
  private

  public :: configuration, namelist_setting, read_configuration, resolved_namelist, is_set

  !> Value of a real key that is not set and has no default.
  real(wp), parameter, public :: unset = -huge(1.0_wp)

  !> A key of the table with the value that it has in this run.
  type :: namelist_setting
    type(namelist_key) :: key  !< the key
    character(:), allocatable :: value  !< value as text: as given, else the default
    integer :: line = 0  !< line of the file; 0 if not given
  end type namelist_setting

  !> What the namelist says about a run; keys are explained in docs/namelists.md.
  type :: configuration
    !> All settings, for parameters and for the echo.
    type(namelist_setting), allocatable :: settings(:)
    !> &run_ctl
    character(:), allocatable :: case_name, stop_option, calendar, finidat, rest_frq, fsites
    character(:), allocatable :: bgc_scheme, inundation, outdir  !< &run_ctl
    type(calendar_date) :: start_date  !< first day of output
    integer :: stop_n, dt_phys, seed, spinup_years  !< &run_ctl
    character(:), allocatable :: emulator_file, emulator_backend  !< &emulator_nl
    integer :: emulator_dt  !< &emulator_nl
    character(:), allocatable :: site_id, biome  !< &site_nl
    integer :: site_number  !< &site_nl
    !> &site_nl
    real(wp) :: lat, lon, elevation, sand, clay, ph, annual_precip, continentality, t_ann
    character(:), allocatable :: forcing_source, forcing_file  !< &forcing_nl
    real(wp) :: trend_k_per_decade, annual_t_sd, annual_t_ar1, annual_p_cv  !< &wgen_nl
    real(wp) :: precip_seasonality, precip_peak_day, wind_mean, co2, ch4  !< &wgen_nl
    real(wp) :: correlation_km, precip_correlation_km  !< &wgen_nl
    integer :: trend_reference_year  !< &wgen_nl
    character(:), allocatable :: hist_fields  !< &hist_nl
    logical :: hist_diagnostics  !< &hist_nl
    integer :: hist_deflate  !< &hist_nl
    integer :: hist_nhtfrq  !< -24 for daily records, 0 for monthly ones
    character(:), allocatable :: hist_split  !< `none` or `yearly`
  contains
    !> Value of a key as text.
    procedure :: text_of
  end type configuration

contains

  !> Whether a real key has a value.
  elemental logical function is_set(value)
    real(wp), intent(in) :: value  !< value of a real key
    is_set = value > unset
  end function is_set

  !> Read a namelist file; on failure errmsg names file, group, key and what is known.
  subroutine read_configuration(file, config, stat, errmsg)
    character(*), intent(in) :: file  !< path
    type(configuration), intent(out) :: config  !< the configuration
    integer, intent(out) :: stat  !< exit code
    character(:), allocatable, intent(out) :: errmsg  !< message if stat is not 0
    type(namelist_entry), allocatable :: entries(:)
    type(namelist_key), allocatable :: keys(:)
    integer :: i
    keys = key_table()
    allocate(config%settings(size(keys)))
    do i = 1, size(keys)
      config%settings(i)%key = keys(i)
      config%settings(i)%value = keys(i)%default
    end do
    call parse_namelist(file, entries, stat, errmsg)
    do i = 1, size(entries)
      if (allocated(errmsg)) exit
      call apply_entry(entries(i), keys, config%settings, errmsg)
      if (allocated(errmsg)) errmsg = file//': '//errmsg
    end do
    if (.not. allocated(errmsg)) then
      call fill(config)
      call check_run(config, errmsg)
      call check_output(config, errmsg)
      if (config%bgc_scheme == 'emulator') call check_emulator(config, errmsg)
      call check_climate(config, errmsg)
      if (allocated(errmsg)) errmsg = file//': '//errmsg
    end if
    stat = merge(bad_namelist, success, allocated(errmsg))
  end subroutine read_configuration

  !> Put one entry of the file in its place.
  subroutine apply_entry(entry, keys, settings, errmsg)
    type(namelist_entry), intent(in) :: entry  !< entry of the file
    type(namelist_key), intent(in) :: keys(:)  !< the table
    type(namelist_setting), intent(inout) :: settings(:)  !< settings in the order of the table
    character(:), allocatable, intent(out) :: errmsg  !< message, allocated on failure
    integer :: i
    if (.not. is_group(keys, trim(entry%group))) then
      errmsg = 'unknown group &'//trim(entry%group)//' (known: '//known_groups(keys)//')'
      return
    end if
    if (entry%key == '') return
    do i = 1, size(keys)
      if (keys(i)%group /= entry%group .or. keys(i)%name /= entry%key) cycle
      if (settings(i)%line > 0) then
        errmsg = 'line '//to_text(entry%line)//": key '"//trim(entry%key)//"' in &"// &
          trim(entry%group)//' is given twice, first in line '//to_text(settings(i)%line)
        return
      end if
      if (entry%value == '' .and. .not. entry%quoted) return  ! `key =`: the default, as in Fortran
      settings(i)%line = entry%line
      settings(i)%value = entry%value
      call check_kind(entry, keys(i), errmsg)
      return
    end do
    errmsg = "unknown key '"//trim(entry%key)//"' in &"//trim(entry%group)//' (known: '// &
      known_keys(keys, trim(entry%group))//')'
  end subroutine apply_entry

  !> Check that a value is of the key's kind and among its choices.
  subroutine check_kind(entry, key, errmsg)
    type(namelist_entry), intent(in) :: entry  !< entry of the file
    type(namelist_key), intent(in) :: key  !< its key
    character(:), allocatable, intent(out) :: errmsg  !< message, allocated on failure
    real(wp) :: number
    integer :: whole_number, iostat
    logical :: fits
    character(:), allocatable :: expected
    select case (key%kind)
    case ('integer')
      expected = 'an integer'
      read(entry%value, *, iostat=iostat) whole_number
      fits = iostat == 0 .and. verify(entry%value, '+-0123456789') == 0
    case ('real')
      expected = 'a number'
      read(entry%value, *, iostat=iostat) number
      fits = iostat == 0 .and. verify(lower(entry%value), '+-.0123456789ed') == 0
    case ('logical')
      expected = '.true. or .false.'
      fits = index(' .true. .false. t f true false ', ' '//lower(entry%value)//' ') > 0
    case default
      expected = 'text in quotes'
      fits = entry%quoted
      if (key%choices /= '') then
        expected = 'one of '//key%choices
        fits = fits .and. index(' '//key%choices//' ', ' '//trim(entry%value)//' ') > 0
      end if
    end select
    if (entry%quoted .and. key%kind /= 'text') fits = .false.
    if (.not. fits) errmsg = 'line '//to_text(entry%line)//": '"//trim(entry%key)//"' in &"// &
      trim(entry%group)//" is '"//entry%value//"', expected "//expected
  end subroutine check_kind

  !> Set the components from the settings.
  subroutine fill(c)
    type(configuration), intent(inout) :: c  !< the configuration
    integer :: stat
    c%case_name = c%text_of('case_name')
    c%stop_option = c%text_of('stop_option')
    c%calendar = c%text_of('calendar')
    c%finidat = c%text_of('finidat')
    c%rest_frq = c%text_of('rest_frq')
    c%fsites = c%text_of('fsites')
    c%bgc_scheme = c%text_of('bgc_scheme')
    c%inundation = c%text_of('inundation')
    c%outdir = c%text_of('outdir')
    c%stop_n = whole_of(c, 'stop_n')
    c%dt_phys = whole_of(c, 'dt_phys')
    c%seed = whole_of(c, 'seed')
    c%spinup_years = whole_of(c, 'spinup_years')
    call parse_date(c%text_of('start_date'), leap_days(c%calendar), c%start_date, stat)
    c%emulator_file = c%text_of('file', 'emulator_nl')
    c%emulator_backend = c%text_of('backend')
    c%emulator_dt = whole_of(c, 'dt_call')
    c%site_id = c%text_of('site_id')
    c%biome = c%text_of('biome')
    c%site_number = whole_of(c, 'site_number')
    c%lat = real_of(c, 'lat')
    c%lon = real_of(c, 'lon')
    c%elevation = real_of(c, 'elevation')
    c%sand = real_of(c, 'sand')
    c%clay = real_of(c, 'clay')
    c%ph = real_of(c, 'ph')
    c%annual_precip = real_of(c, 'annual_precip')
    c%continentality = real_of(c, 'continentality')
    c%t_ann = real_of(c, 't_ann')
    c%forcing_source = c%text_of('source')
    c%forcing_file = c%text_of('file', 'forcing_nl')
    c%trend_k_per_decade = real_of(c, 'trend_k_per_decade')
    c%trend_reference_year = whole_of(c, 'trend_reference_year')
    c%annual_t_sd = real_of(c, 'annual_t_sd')
    c%annual_t_ar1 = real_of(c, 'annual_t_ar1')
    c%annual_p_cv = real_of(c, 'annual_p_cv')
    c%precip_seasonality = real_of(c, 'precip_seasonality')
    c%precip_peak_day = real_of(c, 'precip_peak_day')
    c%wind_mean = real_of(c, 'wind_mean')
    c%correlation_km = real_of(c, 'correlation_km')
    c%precip_correlation_km = real_of(c, 'precip_correlation_km')
    c%co2 = real_of(c, 'co2')
    c%ch4 = real_of(c, 'ch4')
    c%hist_fields = c%text_of('hist_fields')
    c%hist_diagnostics = index('tT', first_letter(c%text_of('hist_diagnostics'))) > 0
    c%hist_deflate = whole_of(c, 'hist_deflate')
    c%hist_nhtfrq = whole_of(c, 'hist_nhtfrq')
    c%hist_split = c%text_of('hist_split')
  end subroutine fill

  !> Check what &run_ctl and &forcing_nl must hold beyond single keys; the last failure is told.
  subroutine check_run(c, errmsg)
    type(configuration), intent(in) :: c  !< the configuration
    character(:), allocatable, intent(inout) :: errmsg  !< message, allocated on failure
    type(calendar_date) :: date
    integer :: stat
    call parse_date(c%text_of('start_date'), leap_days(c%calendar), date, stat)
    if (stat /= 0) errmsg = "start_date '"//c%text_of('start_date')// &
      "' in &run_ctl is not a date YYYY-MM-DD of the calendar "//c%calendar
    if (stat == 0 .and. is_mixed_calendar(c%calendar)) then
      if (day_number(date) < reform_day) errmsg = "start_date '"//c%text_of('start_date')// &
        "' in &run_ctl is before 15 October 1582, where the calendar "//c%calendar//' is Julian'
    end if
    if (c%stop_n < 1) errmsg = 'stop_n in &run_ctl must be 1 or more'
    if (c%spinup_years < 0) errmsg = 'spinup_years in &run_ctl must be 0 or more'
    if (c%start_date%year <= c%spinup_years) then
      errmsg = 'start_date in &run_ctl leaves no room for spinup_years'
    end if
    if (.not. divides(c%dt_phys, 86400)) then
      errmsg = 'dt_phys in &run_ctl is '//to_text(c%dt_phys)//' s, expected a divisor of 86400 s'
    end if
    if (c%case_name == '' .or. scan(c%case_name, '/ ') > 0) then
      errmsg = 'case_name in &run_ctl must be a name without blanks or slashes'
    end if
    if (c%forcing_source == 'netcdf' .and. c%forcing_file == '') then
      errmsg = "source = 'netcdf' in &forcing_nl needs file"
    end if
  end subroutine check_run

  !> Check what &hist_nl must hold beyond single keys.
  subroutine check_output(c, errmsg)
    type(configuration), intent(in) :: c  !< the configuration
    character(:), allocatable, intent(inout) :: errmsg  !< message, allocated on failure
    if (c%hist_nhtfrq /= -24 .and. c%hist_nhtfrq /= 0) then
      errmsg = 'hist_nhtfrq in &hist_nl must be -24 (days) or 0 (months)'
    end if
    if (c%hist_deflate < 0 .or. c%hist_deflate > 9) then
      errmsg = 'hist_deflate in &hist_nl must be 0 to 9'
    end if
  end subroutine check_output

  !> Check what an emulator needs.
  subroutine check_emulator(c, errmsg)
    type(configuration), intent(in) :: c  !< the configuration
    character(:), allocatable, intent(inout) :: errmsg  !< message, allocated on failure
    if (c%emulator_file == '') errmsg = "bgc_scheme = 'emulator' needs file in &emulator_nl"
    if (.not. (divides(c%dt_phys, c%emulator_dt) .and. divides(c%emulator_dt, 86400))) then
      errmsg = 'dt_call in &emulator_nl is '//to_text(c%emulator_dt)// &
        ' s, expected a multiple of dt_phys and a divisor of 86400 s'
    end if
    if (c%hist_diagnostics) errmsg = 'hist_diagnostics in &hist_nl needs '// &
      "bgc_scheme = 'process': an emulator has no pools and pathways"
  end subroutine check_emulator

  !> Check what &site_nl and &wgen_nl must hold beyond single keys.
  subroutine check_climate(c, errmsg)
    type(configuration), intent(in) :: c  !< the configuration
    character(:), allocatable, intent(inout) :: errmsg  !< message, allocated on failure
    if (abs(c%lat) > 90.0_wp) errmsg = 'lat in &site_nl must be -90 to 90'
    if (c%annual_t_ar1 < 0.0_wp .or. c%annual_t_ar1 >= 1.0_wp) then
      errmsg = 'annual_t_ar1 in &wgen_nl must be 0 or more and below 1'
    end if
    if (abs(c%precip_seasonality) > 1.0_wp) then
      errmsg = 'precip_seasonality in &wgen_nl must be -1 to 1'
    end if
    if (c%wind_mean <= 0.0_wp) errmsg = 'wind_mean in &wgen_nl must be above 0'
    ! Constants are held to the ranges of a forcing file; the others to what climates have.
    call range('correlation_km', c%correlation_km, 0.0_wp, 20000.0_wp)
    call range('precip_correlation_km', c%precip_correlation_km, 0.0_wp, 20000.0_wp)
    if ((c%correlation_km > 0.0_wp) .neqv. (c%precip_correlation_km > 0.0_wp)) errmsg = &
      'correlation_km and precip_correlation_km in &wgen_nl must both be above 0, or both 0'
    call range('wind_mean', c%wind_mean, 0.0_wp, 40.0_wp)
    call range('co2', c%co2, 100.0_wp, 5000.0_wp)
    call range('ch4', c%ch4, 300.0_wp, 100000.0_wp)
    call range('trend_k_per_decade', c%trend_k_per_decade, -20.0_wp, 20.0_wp)
    call range('annual_t_sd', c%annual_t_sd, 0.0_wp, 10.0_wp)
    call range('annual_p_cv', c%annual_p_cv, 0.0_wp, 2.0_wp)
    call range('precip_peak_day', c%precip_peak_day, -366.0_wp, 366.0_wp)

  contains

    !> Check the range of a value of &wgen_nl that is set.
    subroutine range(name, value, lowest, highest)
      character(*), intent(in) :: name  !< key
      real(wp), intent(in) :: value  !< its value
      real(wp), intent(in) :: lowest, highest  !< lowest and highest that are accepted
      if (allocated(errmsg) .or. .not. is_set(value)) return
      if (value >= lowest .and. value <= highest) return
      errmsg = name//' in &wgen_nl is '//to_text(value, 6)//', expected '//to_text(lowest, 6)// &
        ' to '//to_text(highest, 6)
    end subroutine range

  end subroutine check_climate

  !> Whether an interval is a whole number of shorter ones.
  pure logical function divides(part, total)
    integer, intent(in) :: part  !< divisor
    integer, intent(in) :: total  !< dividend
    divides = .false.
    if (part > 0) divides = mod(total, part) == 0
  end function divides

  !> First letter of a logical value.
  pure character function first_letter(value)
    character(*), intent(in) :: value  !< `.true.`, `T`, ...
    integer :: position
    position = verify(value, '.')
    first_letter = value(position:position)
  end function first_letter

  !> Value of a key as text; a key that is in two groups needs its group.
  pure function text_of(self, name, group) result(value)
    class(configuration), intent(in) :: self  !< the configuration
    character(*), intent(in) :: name  !< key
    character(*), intent(in), optional :: group  !< group
    character(:), allocatable :: value
    integer :: i
    value = ''
    do i = 1, size(self%settings)
      if (self%settings(i)%key%name /= name) cycle
      if (present(group)) then
        if (self%settings(i)%key%group /= group) cycle
      end if
      value = trim(self%settings(i)%value)
      return
    end do
  end function text_of

  !> Value of an integer key.
  integer function whole_of(c, name)
    type(configuration), intent(in) :: c  !< the configuration
    character(*), intent(in) :: name  !< key
    character(:), allocatable :: value
    value = c%text_of(name)
    read(value, *) whole_of
  end function whole_of

  !> Value of a real key; `unset` where it has none.
  real(wp) function real_of(c, name)
    type(configuration), intent(in) :: c  !< the configuration
    character(*), intent(in) :: name  !< key
    character(:), allocatable :: value
    value = c%text_of(name)
    real_of = unset
    if (value /= '') read(value, *) real_of
  end function real_of

  !> The namelist with every key, as it would be written to have exactly this run.
  function resolved_namelist(config) result(content)
    type(configuration), intent(in) :: config  !< the configuration
    character(:), allocatable :: content
    character(name_length) :: group
    integer :: i
    content = ''
    group = ''
    do i = 1, size(config%settings)
      associate (key => config%settings(i)%key, value => config%settings(i)%value)
        if (key%group /= group) then
          if (group /= '') content = content//'/'//new_line('a')
          content = content//'&'//trim(key%group)//new_line('a')
          group = key%group
        end if
        if (is_parameter_group(key%group) .and. config%settings(i)%line == 0) cycle
        content = content//resolved_line(key, value)
      end associate
    end do
    content = content//'/'//new_line('a')
  end function resolved_namelist

  !> One line of the resolved namelist.
  function resolved_line(key, value) result(line)
    type(namelist_key), intent(in) :: key  !< key
    character(*), intent(in) :: value  !< its value
    character(:), allocatable :: line
    integer :: i
    if (key%kind == 'text') then
      line = ''
      do i = 1, len(value)
        line = line//value(i:i)
        if (value(i:i) == "'") line = line//"'"
      end do
      line = '  '//trim(key%name)//" = '"//line//"'"//new_line('a')
    else if (value == '') then
      line = '  ! '//trim(key%name)//': '//key%meaning//new_line('a')
    else
      line = '  '//trim(key%name)//' = '//value//new_line('a')
    end if
  end function resolved_line

end module namelist_input
