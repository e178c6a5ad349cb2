!> The sites of a run: from the site table (docs/formats.md section 3) or from the group &site_nl.
module site_table
  use climate_normals, only: annual_temperature
  use column_state, only: allocate_static, site_static
  use exit_codes, only: bad_input, success
  use input_files, only: close_input, dimension_length, find_values, has_variable, input_error, &
    open_input, read_reals, read_strings, string_length
  use kinds, only: wp
  use library_crash, only: end_watch, watch_for_crash
  use namelist_input, only: configuration, is_set, unset
  use namelist_keys, only: is_parameter_group
  use netcdf, only: nf90_get_var, nf90_inquire_dimension, nf90_inquire_variable, &
    nf90_max_var_dims, nf90_noerr
  use parameters, only: biome_names, default_parameters, get_parameter, is_wetland_biome, &
    n_biomes, parameter_info, parameter_table, set_parameter, site_parameters
  use stored_values, only: decode, value_encoding
  use text, only: to_text
  implicit none (type, external)
  private

  public :: site_set, read_sites

  !> Sand and clay together, with room for their rounding [1].
  real(wp), parameter :: largest_texture = 1.001_wp

  !> The sites of a run.
  type :: site_set
    character(string_length), allocatable :: id(:)  !< names, unique
    integer, allocatable :: number(:)  !< numbers that seed the weather
    type(site_static) :: static  !< what the column knows of them
    type(site_parameters) :: params  !< their parameters
    !> Normals by month where the table has them, (12, nsite): temperature [K] and precipitation
    !> [kg m-2]; unset at sites without.
    real(wp), allocatable :: t_month(:, :), p_month(:, :)
  end type site_set

contains

  !> Read the sites; parameters are the biome's, else the namelist's, else the site table's.
  subroutine read_sites(config, sites, stat, errmsg)
    type(configuration), intent(in) :: config  !< configuration of the run
    type(site_set), intent(out) :: sites  !< the sites
    integer, intent(out) :: stat  !< exit code
    character(:), allocatable, intent(out) :: errmsg  !< message if stat is not 0
    integer :: ncid
    if (config%fsites == '') then
      call site_of_namelist(config, sites)
      call check_sites('&site_nl', sites, stat, errmsg)
      if (stat /= success) return
      call default_parameters(sites%params, sites%static%biome)
      call override_by_namelist(config, sites%params, stat, errmsg)
      return
    end if
    call open_input(config%fsites, ncid, stat, errmsg)
    if (stat /= success) return
    call watch_for_crash(config%fsites, opening=.false.)
    call read_table(config%fsites, ncid, sites, stat, errmsg)
    if (stat == success) call check_sites(config%fsites, sites, stat, errmsg)
    if (stat == success) then
      call default_parameters(sites%params, sites%static%biome)
      call override_by_namelist(config, sites%params, stat, errmsg)
    end if
    if (stat == success) call override_by_table(config%fsites, ncid, sites, stat, errmsg)
    call close_input(ncid)
    call end_watch()
  end subroutine read_sites

  !> One site from &site_nl.
  subroutine site_of_namelist(config, sites)
    type(configuration), intent(in) :: config  !< configuration of the run
    type(site_set), intent(inout) :: sites  !< the sites
    allocate(sites%id(1), sites%number(1))
    sites%id = config%site_id
    sites%number = config%site_number
    call allocate_static(sites%static, 1)
    sites%static%lat = config%lat
    sites%static%lon = config%lon
    sites%static%elevation = config%elevation
    sites%static%sand = config%sand
    sites%static%clay = config%clay
    sites%static%ph = config%ph
    sites%static%biome = findloc(biome_names == config%biome, .true., dim=1)
    sites%static%annual_precip = config%annual_precip
    sites%static%continentality = config%continentality
    sites%static%t_ann = config%t_ann
    call derive(sites%static)
  end subroutine site_of_namelist

  !> All sites of a table but their parameters.
  subroutine read_table(file, ncid, sites, stat, errmsg)
    character(*), intent(in) :: file  !< path
    integer, intent(in) :: ncid  !< netCDF id
    type(site_set), intent(inout) :: sites  !< the sites
    integer, intent(out) :: stat  !< exit code
    character(:), allocatable, intent(out) :: errmsg  !< message if stat is not 0
    real(wp), allocatable :: numbers(:)
    integer :: n
    logical :: by_month
    stat = success
    n = dimension_length(ncid, 'site')
    if (n < 1) then
      call input_error(file, 'not a site table: dimension site is missing or empty', stat, errmsg)
      return
    end if
    allocate(sites%id(n), sites%number(n), numbers(n))
    call allocate_static(sites%static, n)
    call read_strings(file, ncid, 'site_id', sites%id, stat, errmsg)
    call required_whole('site_number', sites%number)
    call required_whole('biome', sites%static%biome)
    call required('lat', sites%static%lat)
    call required('lon', sites%static%lon)
    call required('elevation', sites%static%elevation)
    call required('sand', sites%static%sand)
    call required('clay', sites%static%clay)
    call required('ph', sites%static%ph)
    call required('annual_precip', sites%static%annual_precip)
    call required('continentality', sites%static%continentality)
    if (stat /= success) return
    sites%static%t_ann = unset
    if (has_variable(ncid, 't_ann')) then
      call read_reals(file, ncid, 't_ann', unset, sites%static%t_ann, stat, errmsg)
    end if
    by_month = has_variable(ncid, 't_month')
    if (has_variable(ncid, 'p_month')) by_month = .true.
    if (stat == success .and. by_month) call read_months(file, ncid, sites, stat, errmsg)
    if (stat == success) call derive(sites%static)

  contains

    !> Read a variable that no site may lack.
    subroutine required(name, values)
      character(*), intent(in) :: name  !< variable
      real(wp), intent(out) :: values(:)  !< values
      integer :: i
      values = 0.0_wp
      if (stat /= success) return
      call read_reals(file, ncid, name, unset, values, stat, errmsg)
      if (stat /= success) return
      i = findloc(is_set(values), .false., dim=1)
      if (i > 0) call input_error(file, 'variable '//name//' is missing at site '// &
        trim(sites%id(i))//' (number '//to_text(i)//' of the table)', stat, errmsg)
    end subroutine required

    !> Read whole numbers that no site may lack.
    subroutine required_whole(name, values)
      character(*), intent(in) :: name  !< variable
      integer, intent(out) :: values(:)  !< values
      real(wp), parameter :: largest = real(huge(1), wp)
      integer :: i
      values = 0
      call required(name, numbers)
      if (stat /= success) return
      do i = 1, n
        if (abs(numbers(i)) <= largest .and. abs(numbers(i) - anint(numbers(i))) < 1.0e-6_wp) cycle
        call input_error(file, name//' of site '//trim(sites%id(i))//' is '// &
          to_text(numbers(i), 6)//', expected a whole number', stat, errmsg)
        return
      end do
      values = nint(numbers)
    end subroutine required_whole

  end subroutine read_table

  !> Normals by month; annual values follow from them.
  subroutine read_months(file, ncid, sites, stat, errmsg)
    character(*), intent(in) :: file  !< path
    integer, intent(in) :: ncid  !< netCDF id
    type(site_set), intent(inout) :: sites  !< the sites
    integer, intent(inout) :: stat  !< exit code
    character(:), allocatable, intent(inout) :: errmsg  !< message if stat is not 0
    integer :: i
    allocate(sites%t_month(12, size(sites%id)), sites%p_month(12, size(sites%id)))
    call read_table_of('t_month', 200.0_wp, 330.0_wp, sites%t_month)
    call read_table_of('p_month', 0.0_wp, 4000.0_wp, sites%p_month)
    do i = 1, size(sites%id)
      if (stat /= success) return
      if (all(.not. is_set(sites%t_month(:, i))) .and. all(.not. is_set(sites%p_month(:, i)))) cycle
      if (.not. (all(is_set(sites%t_month(:, i))) .and. all(is_set(sites%p_month(:, i))))) then
        call input_error(file, 't_month and p_month of site '//trim(sites%id(i))// &
          ' must have all months, or none', stat, errmsg)
        return
      end if
      sites%static%t_ann(i) = sum(sites%t_month(:, i))/12.0_wp
      sites%static%annual_precip(i) = sum(sites%p_month(:, i))
    end do

  contains

    !> Read a variable (site, month) and check its range.
    subroutine read_table_of(name, lowest, highest, values)
      character(*), intent(in) :: name  !< variable
      real(wp), intent(in) :: lowest, highest  !< lowest and highest that are accepted
      real(wp), intent(out) :: values(:, :)  !< values, (12, nsite)
      type(value_encoding) :: encoding
      integer :: varid, ndims, dimids(nf90_max_var_dims), lengths(2), status, k, at(2)
      values = unset
      if (stat == success) call find_values(file, ncid, name, varid, encoding, stat, errmsg)
      if (stat /= success) return
      lengths = 0
      status = nf90_inquire_variable(ncid, varid, ndims=ndims, dimids=dimids)
      do k = 1, merge(2, 0, ndims == 2)
        status = nf90_inquire_dimension(ncid, dimids(k), len=lengths(k))
      end do
      if (any(lengths /= shape(values))) then
        call input_error(file, 'variable '//name//' is missing or has not the shape '// &
          '(site, month = 12)', stat, errmsg)
        return
      end if
      if (nf90_get_var(ncid, varid, values) /= nf90_noerr) then
        call input_error(file, 'variable '//name//' cannot be read', stat, errmsg)
        return
      end if
      call decode(encoding, unset, values)
      at = findloc(.not. is_set(values) .or. (values >= lowest .and. values <= highest), .false.)
      if (at(1) > 0) call input_error(file, name//' of site '//trim(sites%id(at(2)))// &
        ' in month '//to_text(at(1))//' is '//to_text(values(at(1), at(2)), 6)//', expected '// &
        to_text(lowest, 6)//' to '//to_text(highest, 6), stat, errmsg)
    end subroutine read_table_of

  end subroutine read_months

  !> What follows from the rest.
  subroutine derive(static)
    type(site_static), intent(inout) :: static  !< the sites
    integer :: i
    where (.not. is_set(static%t_ann)) static%t_ann = &
      annual_temperature(static%lat, static%elevation, static%continentality)
    do i = 1, static%nsite
      static%wetland(i) = .false.
      if (static%biome(i) >= 1 .and. static%biome(i) <= n_biomes) then
        static%wetland(i) = is_wetland_biome(static%biome(i))
      end if
    end do
  end subroutine derive

  !> Check that values can be what they are said to be.
  subroutine check_sites(file, sites, stat, errmsg)
    character(*), intent(in) :: file  !< where the sites come from
    type(site_set), intent(in) :: sites  !< the sites
    integer, intent(out) :: stat  !< exit code
    character(:), allocatable, intent(out) :: errmsg  !< message if stat is not 0
    integer :: i
    stat = success
    call range('lat', sites%static%lat, -90.0_wp, 90.0_wp)
    call range('lon', sites%static%lon, -180.0_wp, 180.0_wp)
    call range('elevation', sites%static%elevation, -500.0_wp, 8000.0_wp)
    call range('sand', sites%static%sand, 0.0_wp, 1.0_wp)
    call range('clay', sites%static%clay, 0.0_wp, 1.0_wp)
    call range('ph', sites%static%ph, 2.0_wp, 11.0_wp)
    call range('biome', real(sites%static%biome, wp), 1.0_wp, real(n_biomes, wp))
    call range('annual_precip', sites%static%annual_precip, 0.0_wp, 15000.0_wp)
    call range('continentality', sites%static%continentality, -20.0_wp, 110.0_wp)
    call range('t_ann', sites%static%t_ann, 220.0_wp, 315.0_wp)
    do i = 1, size(sites%id)
      if (stat /= success) exit
      if (sites%static%sand(i) + sites%static%clay(i) > largest_texture) call input_error(file, &
        'sand and clay of site '//trim(sites%id(i))//' are '//to_text(sites%static%sand(i), 6)// &
        ' and '//to_text(sites%static%clay(i), 6)//', together more than 1', stat, errmsg)
    end do

  contains

    !> Check the range of a variable.
    subroutine range(name, values, lowest, highest)
      character(*), intent(in) :: name  !< variable
      real(wp), intent(in) :: values(:)  !< values
      real(wp), intent(in) :: lowest, highest  !< lowest and highest that are accepted
      integer :: at
      if (stat /= success) return
      at = findloc(values >= lowest .and. values <= highest, .false., dim=1)
      if (at > 0) call input_error(file, name//' of site '//trim(sites%id(at))//' is '// &
        to_text(values(at), 6)//', expected '//to_text(lowest, 6)//' to '//to_text(highest, 6), &
        stat, errmsg)
    end subroutine range

  end subroutine check_sites

  !> Parameters that the namelist gives for all sites.
  subroutine override_by_namelist(config, params, stat, errmsg)
    type(configuration), intent(in) :: config  !< configuration of the run
    type(site_parameters), intent(inout) :: params  !< the parameters
    integer, intent(out) :: stat  !< exit code
    character(:), allocatable, intent(out) :: errmsg  !< message if stat is not 0
    real(wp) :: value
    integer :: i
    stat = success
    do i = 1, size(config%settings)
      associate (setting => config%settings(i))
        if (setting%line == 0 .or. .not. is_parameter_group(setting%key%group)) cycle
        read(setting%value, *) value
        call set_parameter(params, trim(setting%key%name), [value], stat, errmsg)
        if (stat == success) cycle
        stat = bad_input
        errmsg = '&'//trim(setting%key%group)//': '//errmsg
        return
      end associate
    end do
  end subroutine override_by_namelist

  !> Parameters that the table gives; where it is fill, the parameter stays as it is.
  subroutine override_by_table(file, ncid, sites, stat, errmsg)
    character(*), intent(in) :: file  !< path
    integer, intent(in) :: ncid  !< netCDF id
    type(site_set), intent(inout) :: sites  !< the sites
    integer, intent(out) :: stat  !< exit code
    character(:), allocatable, intent(out) :: errmsg  !< message if stat is not 0
    type(parameter_info), allocatable :: info(:)
    real(wp), allocatable :: values(:), current(:)
    integer :: k, status
    stat = success
    allocate(info, source=parameter_table())
    allocate(values(size(sites%id)))
    do k = 1, size(info)
      if (.not. has_variable(ncid, trim(info(k)%name))) cycle
      call read_reals(file, ncid, trim(info(k)%name), unset, values, stat, errmsg)
      if (stat /= success) return
      call get_parameter(sites%params, trim(info(k)%name), current, status)
      where (.not. is_set(values)) values = current
      call set_parameter(sites%params, trim(info(k)%name), values, stat, errmsg)
      if (stat == success) cycle
      stat = bad_input
      errmsg = file//': '//errmsg
      return
    end do
  end subroutine override_by_table

end module site_table
