!> Meteorology from a netCDF file (docs/formats.md section 4), checked and in the model's units.
module forcing_file
  use, intrinsic :: iso_fortran_env, only: error_unit
  use calendar_dates, only: calendar_date, date_of_day, day_number, day_of_year, format_date
  use constants, only: pi
  use ecostep, only: ecostep_ok, ecostep_unit_conversion
  use exit_codes, only: success
  use humidity, only: specific_humidity
  use input_files, only: close_input, dimension_length, find_values, has_variable, input_error, &
    open_input, read_reals, read_strings, string_length, text_attribute
  use kinds, only: wp
  use namelist_input, only: configuration, is_set, unset
  use netcdf, only: nf90_get_var, nf90_inq_dimid, nf90_inquire_dimension, &
    nf90_inquire_variable, nf90_max_var_dims, nf90_noerr, nf90_strerror
  use radiation, only: saturation_pressure
  use solar, only: top_of_atmosphere
  use stored_values, only: decode, value_encoding
  use text, only: lower, printable, to_text
  use time_axis, only: forcing_times, read_times
  implicit none (type, external)
  private

  public :: meteorology_file, open_meteorology, close_meteorology, load_day, has_quantity
  public :: tair, qair, swdown, lwdown, rainf, snowf, wind, psurf, co2air, ch4air, tmin, tmax

  ! Quantities of a file.
  integer, parameter :: tair = 1, qair = 2, swdown = 3, lwdown = 4, rainf = 5, snowf = 6
  integer, parameter :: wind = 7, psurf = 8, co2air = 9, ch4air = 10, tmin = 11, tmax = 12
  integer, parameter :: n_quantities = 12
  integer, parameter :: wind_north = 13  !< northward component, where a file has the two
  integer, parameter :: n_variables = 13
  integer, parameter :: buffer_days = 31

  ! The sun is judged on so many days at once; more light than factor * (above the air) + margin
  ! [W m-2] is impossible. The same numbers in Python: ecosys_sims/formats/sun.py.
  integer, parameter :: fewest_days = 5
  real(wp), parameter :: light_factor = 1.1_wp, light_margin = 30.0_wp
  real(wp), parameter :: least_light = 5.0_wp  !< mean that has a daily course [W m-2]

  !> Value of a quantity that may be derived where the file has none.
  real(wp), parameter, public :: absent = -1.0_wp

  !> What a quantity may be.
  type :: quantity_info
    character(6) :: name  !< ALMA name
    character(10) :: units  !< units of the model
    real(wp) :: lowest, highest  !< plausible range
    logical :: derivable  !< whether gaps are derived
  end type quantity_info

  type(quantity_info), parameter :: quantities(n_variables) = [ &
    quantity_info('Tair  ', 'K         ', 170.0_wp, 340.0_wp, .false.), &
    quantity_info('Qair  ', 'kg kg-1   ', -1.0e-5_wp, 0.1_wp, .false.), &
    quantity_info('SWdown', 'W m-2     ', -20.0_wp, 1600.0_wp, .false.), &
    quantity_info('LWdown', 'W m-2     ', 30.0_wp, 800.0_wp, .true.), &
    quantity_info('Rainf ', 'kg m-2 s-1', -1.0e-7_wp, 0.2_wp, .false.), &
    quantity_info('Snowf ', 'kg m-2 s-1', -1.0e-7_wp, 0.2_wp, .false.), &
    quantity_info('Wind  ', 'm s-1     ', -1.0e-3_wp, 120.0_wp, .false.), &
    quantity_info('PSurf ', 'Pa        ', 30000.0_wp, 115000.0_wp, .false.), &
    quantity_info('CO2air', '1e-6      ', 100.0_wp, 5000.0_wp, .true.), &
    quantity_info('CH4air', '1e-9      ', 300.0_wp, 100000.0_wp, .true.), &
    quantity_info('Tmin  ', 'K         ', 170.0_wp, 340.0_wp, .false.), &
    quantity_info('Tmax  ', 'K         ', 170.0_wp, 340.0_wp, .false.), &
    quantity_info('Wind  ', 'm s-1     ', -120.0_wp, 120.0_wp, .false.)]

  !> A variable of the file.
  type :: file_variable
    character(:), allocatable :: name  !< name on file
    integer :: id = -1  !< netCDF id, -1 where the variable is not there
    logical :: by_site = .false.  !< whether it has a site dimension
    type(value_encoding) :: encoding  !< how it is stored
    !> Units of the model = scale * units of the file + offset.
    real(wp) :: scale = 1.0_wp, offset = 0.0_wp
    !> Plausible range, and what smaller values are raised to.
    real(wp) :: lowest = 0.0_wp, highest = 0.0_wp, floor = 0.0_wp
    logical :: relative = .false.  !< whether it is relative humidity
    real(wp), allocatable :: values(:, :)  !< values in the buffer, (nsite, record)
  end type file_variable

  !> A forcing file.
  type :: meteorology_file
    character(:), allocatable :: path  !< path
    integer :: ncid = -1  !< netCDF id
    type(forcing_times) :: times  !< when the records are
    character(string_length), allocatable :: site_id(:)  !< names of the run's sites
    integer, allocatable :: place(:)  !< place of each site of the run in the file
    !> Records between local midnight and midnight of the file's times, by site of the run.
    integer, allocatable :: shift(:)
    type(file_variable) :: variables(n_variables)  !< the variables, by quantity
    real(wp), allocatable :: lat(:)  !< latitude of the run's sites [degrees north]
    logical :: warned = .false.  !< whether it was warned of too much light
    integer :: buffer_first = 0, buffer_length = 0  !< first day and number of days in the buffer
  end type meteorology_file

contains

  !> Open a file and check that it has what a run needs.
  subroutine open_meteorology(self, config, site_id, lat, lon, stat, errmsg)
    type(meteorology_file), intent(out) :: self  !< the file
    type(configuration), intent(in) :: config  !< configuration of the run
    character(string_length), intent(in) :: site_id(:)  !< names of the run's sites
    real(wp), intent(in) :: lat(:)  !< latitude of the run's sites [degrees north]
    real(wp), intent(in) :: lon(:)  !< longitude of the run's sites [degrees east]
    integer, intent(out) :: stat  !< exit code
    character(:), allocatable, intent(out) :: errmsg  !< message if stat is not 0
    integer :: q, comma
    self%path = config%forcing_file
    self%site_id = site_id
    self%lat = lat
    call open_input(self%path, self%ncid, stat, errmsg)
    if (stat == success) call read_times(self%path, self%ncid, self%times, stat, errmsg)
    if (stat == success) call find_places(self, lon, stat, errmsg)
    if (stat == success) call compare_coordinates(self, lon, stat, errmsg)
    if (stat == success) call set_shift(self, config%text_of('time_zone') == 'utc', lon, stat, &
      errmsg)
    if (stat /= success) return
    do q = 1, n_quantities
      self%variables(q)%name = config%text_of('forcing_name_'//trim(lower(quantities(q)%name)))
    end do
    comma = index(self%variables(wind)%name, ',')
    if (comma > 0) then
      self%variables(wind_north)%name = trim(adjustl(self%variables(wind)%name(comma + 1:)))
      self%variables(wind)%name = trim(self%variables(wind)%name(:comma - 1))
    end if
    do q = 1, merge(n_variables, n_quantities, comma > 0)
      call open_variable(self, q, stat, errmsg)
      if (stat /= success) return
    end do
    if (comma > 0) then
      self%variables(wind)%lowest = quantities(wind_north)%lowest
      self%variables(wind)%floor = -huge(1.0_wp)
      self%variables(wind_north)%floor = -huge(1.0_wp)
    end if
  end subroutine open_meteorology

  !> Close the file.
  subroutine close_meteorology(self)
    type(meteorology_file), intent(inout) :: self  !< the file
    if (self%ncid >= 0) call close_input(self%ncid)
    self%ncid = -1
  end subroutine close_meteorology

  !> Whether the file has a quantity.
  pure logical function has_quantity(self, q)
    type(meteorology_file), intent(in) :: self  !< the file
    integer, intent(in) :: q  !< quantity
    has_quantity = self%variables(q)%id >= 0
  end function has_quantity

  !> Set the shift of each site from the file's times to local solar time, and the days left.
  subroutine set_shift(self, utc, lon, stat, errmsg)
    type(meteorology_file), intent(inout) :: self  !< the file
    logical, intent(in) :: utc  !< whether the file's times are in UTC
    real(wp), intent(in) :: lon(:)  !< longitude of the run's sites [degrees east]
    integer, intent(inout) :: stat  !< exit code
    character(:), allocatable, intent(inout) :: errmsg  !< message if stat is not 0
    allocate(self%shift(size(lon)), source=0)
    if (lower(text_attribute(self%ncid, 'time', 'time_zone')) == 'utc' .and. .not. utc) then
      call input_error(self%path, 'its times are in UTC (time:time_zone); say time_zone = '// &
        "'utc' in &forcing_nl", stat, errmsg)
      return
    end if
    associate (times => self%times)
      if (.not. utc .or. times%per_day == 1) return
      self%shift = -nint(lon/360.0_wp*times%per_day)
      do while (times%first_record + minval(self%shift) < 1)
        times%first_record = times%first_record + times%per_day
        times%first_day = times%first_day + 1
        times%n_days = times%n_days - 1
      end do
      do while (times%first_record + times%n_days*times%per_day - 1 + maxval(self%shift) &
        > times%n_records)
        times%n_days = times%n_days - 1
      end do
      if (times%n_days < 1) call input_error(self%path, 'holds no whole day of local solar '// &
        "time at all sites (time_zone = 'utc')", stat, errmsg)
    end associate
  end subroutine set_shift

  !> Find the sites of the run in the file: by site_id if it is there, else by their coordinates.
  subroutine find_places(self, lon, stat, errmsg)
    type(meteorology_file), intent(inout) :: self  !< the file
    real(wp), intent(in) :: lon(:)  !< longitude of the run's sites [degrees east]
    integer, intent(inout) :: stat  !< exit code
    character(:), allocatable, intent(inout) :: errmsg  !< message if stat is not 0
    character(string_length), allocatable :: file_site_id(:)
    integer :: i, n
    n = dimension_length(self%ncid, 'site')
    self%place = [(i, i=1, size(self%site_id))]
    if (n < 1 .or. (n == 1 .and. size(self%site_id) == 1)) return
    if (.not. has_variable(self%ncid, 'site_id')) then
      call find_by_coordinates(self, n, lon, stat, errmsg)
      return
    end if
    allocate(file_site_id(n))
    call read_strings(self%path, self%ncid, 'site_id', file_site_id, stat, errmsg)
    if (stat /= success) return
    do i = 1, size(self%site_id)
      self%place(i) = findloc(file_site_id == self%site_id(i), .true., dim=1)
      if (self%place(i) > 0) cycle
      call input_error(self%path, 'site '//trim(self%site_id(i))//' is not in the file', &
        stat, errmsg)
      return
    end do
  end subroutine find_places

  !> Find the sites of the run in a file without site_id: each has the place that is nearest to it.
  subroutine find_by_coordinates(self, n, lon, stat, errmsg)
    type(meteorology_file), intent(inout) :: self  !< the file
    integer, intent(in) :: n  !< sites of the file
    real(wp), intent(in) :: lon(:)  !< longitude of the run's sites [degrees east]
    integer, intent(inout) :: stat  !< exit code
    character(:), allocatable, intent(inout) :: errmsg  !< message if stat is not 0
    real(wp), parameter :: degree = acos(-1.0_wp)/180.0_wp, farthest = 1.0_wp, same = 1.0e-3_wp
    real(wp) :: file_lat(n), file_lon(n), distance(n)
    character(:), allocatable :: fault
    logical :: has_places
    integer :: i
    has_places = by_site('lat')
    if (has_places) has_places = by_site('lon')
    if (.not. has_places) then
      call input_error(self%path, 'has '//to_text(n)//' sites, and neither site_id(site) nor '// &
        'lat(site) and lon(site) to tell which are those of the run; add them', stat, errmsg)
      return
    end if
    call read_reals(self%path, self%ncid, 'lat', unset, file_lat, stat, errmsg)
    if (stat /= success) return
    call read_reals(self%path, self%ncid, 'lon', unset, file_lon, stat, errmsg)
    if (stat /= success) return
    do i = 1, size(lon)
      distance = hypot(file_lat - self%lat(i), &
        cos(degree*self%lat(i))*(modulo(file_lon - lon(i) + 180.0_wp, 360.0_wp) - 180.0_wp))
      where (.not. (is_set(file_lat) .and. is_set(file_lon))) distance = huge(1.0_wp)
      self%place(i) = minloc(distance, dim=1)
      if (minval(distance) > farthest) then
        fault = ' is not in the file, none of whose sites lies within a degree'
      else if (count(distance <= minval(distance) + same) > 1) then
        fault = ' lies where several sites of the file do, and there is no site_id to tell '// &
          'them apart'
      else
        cycle
      end if
      call input_error(self%path, 'site '//trim(self%site_id(i))//' at '// &
        to_text(self%lat(i), 6)//' N, '//to_text(lon(i), 6)//' E'//fault, stat, errmsg)
      return
    end do

  contains

    !> Whether the file has a variable that is no coordinate of a grid.
    logical function by_site(name)
      character(*), intent(in) :: name  !< variable
      by_site = has_variable(self%ncid, name)
      if (by_site) by_site = dimension_length(self%ncid, name) < 0
    end function by_site

  end subroutine find_by_coordinates

  !> Refuse a file whose sites are elsewhere than the run's.
  subroutine compare_coordinates(self, lon, stat, errmsg)
    type(meteorology_file), intent(in) :: self  !< the file
    real(wp), intent(in) :: lon(:)  !< longitude of the run's sites [degrees east]
    integer, intent(inout) :: stat  !< exit code
    character(:), allocatable, intent(inout) :: errmsg  !< message if stat is not 0
    integer :: n
    n = dimension_length(self%ncid, 'site')
    if (n < 1) return
    call compare('lat', self%lat, 'latitude')
    call compare('lon', lon, 'longitude')

  contains

    !> Compare a coordinate, to a degree; 350 and -10 degrees east are the same.
    subroutine compare(name, expected, long_name)
      character(*), intent(in) :: name  !< variable
      real(wp), intent(in) :: expected(:)  !< coordinate of the run's sites
      character(*), intent(in) :: long_name  !< what it is
      real(wp) :: values(n), difference
      logical :: is_there
      integer :: i
      is_there = has_variable(self%ncid, name)
      if (stat /= success .or. .not. is_there) return
      if (dimension_length(self%ncid, name) >= 0) return  ! a grid of a point, not sites
      call read_reals(self%path, self%ncid, name, unset, values, stat, errmsg)
      do i = 1, size(expected)
        if (stat /= success) return
        if (.not. is_set(values(self%place(i)))) cycle
        difference = abs(values(self%place(i)) - expected(i))
        if (name == 'lon') difference = min(difference, abs(difference - 360.0_wp))
        if (difference <= 1.0_wp) cycle
        call input_error(self%path, long_name//' '//name//' of site '//trim(self%site_id(i))// &
          ' is '//to_text(values(self%place(i)), 6)//' in the file and '// &
          to_text(expected(i), 6)//' in the run', stat, errmsg)
      end do
    end subroutine compare

  end subroutine compare_coordinates

  !> Find a variable and check its units and shape.
  subroutine open_variable(self, q, stat, errmsg)
    type(meteorology_file), intent(inout) :: self  !< the file
    integer, intent(in) :: q  !< quantity
    integer, intent(inout) :: stat  !< exit code
    character(:), allocatable, intent(inout) :: errmsg  !< message if stat is not 0
    associate (variable => self%variables(q))
      if (.not. has_variable(self%ncid, variable%name)) then
        if (is_needed(self, q)) call input_error(self%path, 'variable '//variable%name// &
          ' is missing'//trim(merge(' (daily files need it)', repeat(' ', 22), q == tmin &
          .or. q == tmax))//'; add it, or name it by forcing_name_'// &
          trim(lower(quantities(q)%name))//' in &forcing_nl', stat, errmsg)
        return
      end if
      call find_values(self%path, self%ncid, variable%name, variable%id, variable%encoding, stat, &
        errmsg)
      if (stat == success) call set_units(self, q, stat, errmsg)
      if (stat /= success) return
      if (.not. fits_time_and_sites(self%ncid, variable)) then
        call input_error(self%path, 'variable '//variable%name// &
          ' has not the dimensions (time) or (time, site); others must be of length 1', &
          stat, errmsg)
        return
      end if
      allocate(variable%values(size(self%place), buffer_days*self%times%per_day))
    end associate
  end subroutine open_variable

  !> Whether a run is impossible without a quantity.
  pure logical function is_needed(self, q)
    type(meteorology_file), intent(in) :: self  !< the file
    integer, intent(in) :: q  !< quantity
    is_needed = .not. (quantities(q)%derivable .or. q == snowf)
    if (q == tmin .or. q == tmax) is_needed = self%times%per_day == 1
  end function is_needed

  !> Set how a variable is converted to the units of the model, and its plausible range.
  subroutine set_units(self, q, stat, errmsg)
    type(meteorology_file), intent(inout) :: self  !< the file
    integer, intent(in) :: q  !< quantity
    integer, intent(inout) :: stat  !< exit code
    character(:), allocatable, intent(inout) :: errmsg  !< message if stat is not 0
    character(:), allocatable :: units, reason
    integer :: status
    associate (variable => self%variables(q))
      units = text_attribute(self%ncid, variable%name, 'units')
      if (units == '') then
        call input_error(self%path, 'not a CF forcing file: variable '//variable%name// &
          ' has no units (expected '//trim(quantities(q)%units)//')', stat, errmsg)
        return
      end if
      variable%lowest = quantities(q)%lowest
      variable%highest = quantities(q)%highest
      variable%relative = q == qair .and. (units == '%' .or. units == 'percent')
      if (variable%relative) then
        variable%scale = 0.01_wp
        variable%lowest = -0.05_wp
        variable%highest = 1.25_wp
        return
      end if
      call ecostep_unit_conversion(trim(quantities(q)%name), units, trim(quantities(q)%units), &
        variable%scale, variable%offset, real(self%times%interval, wp), status, reason)
      if (status /= ecostep_ok) call input_error(self%path, 'variable '//variable%name// &
        " has units '"//units//"', which cannot be converted to "//trim(quantities(q)%units)// &
        reason(index(reason, "': ", back=.true.) + 1:), stat, errmsg)
    end associate
  end subroutine set_units

  !> Whether a variable has the dimensions (time) or (time, site) and others of length 1; sets
  !> whether it is by site.
  logical function fits_time_and_sites(ncid, variable) result(fits)
    integer, intent(in) :: ncid  !< netCDF id
    type(file_variable), intent(inout) :: variable  !< the variable
    integer :: ndims, dimids(nf90_max_var_dims), time_dim, site_dim, length, i, status
    status = nf90_inquire_variable(ncid, variable%id, ndims=ndims, dimids=dimids)
    if (nf90_inq_dimid(ncid, 'time', time_dim) /= nf90_noerr) time_dim = -1
    if (nf90_inq_dimid(ncid, 'site', site_dim) /= nf90_noerr) site_dim = -1
    fits = ndims >= 1
    if (fits) fits = dimids(ndims) == time_dim
    do i = 1, ndims - 1
      variable%by_site = variable%by_site .or. dimids(i) == site_dim
      status = nf90_inquire_dimension(ncid, dimids(i), len=length)
      fits = fits .and. (length == 1 .or. dimids(i) == site_dim)
    end do
    if (variable%by_site .and. ndims > 2) fits = .false.
  end function fits_time_and_sites

  !> Make a day available; `first` is its first record in the buffers.
  subroutine load_day(self, date, first, stat, errmsg)
    type(meteorology_file), intent(inout) :: self  !< the file
    type(calendar_date), intent(in) :: date  !< the day
    integer, intent(out) :: first  !< first record of the day in variables%values
    integer, intent(out) :: stat  !< exit code
    character(:), allocatable, intent(out) :: errmsg  !< message if stat is not 0
    type(calendar_date) :: in_file
    integer :: day, q
    stat = success
    first = 1
    in_file = calendar_date(date%year, date%month, date%day, self%times%leap_days)
    day = day_number(in_file) - self%times%first_day
    if (date%leap_days .and. .not. self%times%leap_days .and. date%month == 2 &
      .and. date%day == 29) then
      call input_error(self%path, 'has no '//format_date(date)//': its calendar is noleap; '// &
        "say calendar = 'noleap' in &run_ctl", stat, errmsg)
      return
    end if
    if (day < 0 .or. day >= self%times%n_days) then
      call input_error(self%path, 'covers '//day_text(self%times%first_day)//' to '// &
        day_text(self%times%first_day + self%times%n_days - 1)//', the run needs '// &
        format_date(date), stat, errmsg)
      return
    end if
    if (day < self%buffer_first .or. day >= self%buffer_first + self%buffer_length) then
      self%buffer_first = day
      self%buffer_length = min(buffer_days, self%times%n_days - day)
      do q = 1, n_variables
        if (stat == success .and. has_quantity(self, q)) call fill_buffer(self, q, stat, errmsg)
      end do
      if (stat == success) call combine_variables(self)
      if (stat == success .and. self%times%per_day == 1) call check_extremes(self, stat, errmsg)
      if (stat == success) call warn_of_strong_sun(self)
      if (stat == success) call check_hour_of_sun(self, stat, errmsg)
      if (stat /= success) self%buffer_length = 0
    end if
    first = (day - self%buffer_first)*self%times%per_day + 1

  contains

    !> A day of the file as text.
    pure function day_text(number)
      integer, intent(in) :: number  !< day number
      character(10) :: day_text
      day_text = format_date(date_of_day(number, self%times%leap_days))
    end function day_text

  end subroutine load_day

  !> Read a variable for the days of the buffer, convert and check it.
  subroutine fill_buffer(self, q, stat, errmsg)
    type(meteorology_file), intent(inout) :: self  !< the file
    integer, intent(in) :: q  !< quantity
    integer, intent(inout) :: stat  !< exit code
    character(:), allocatable, intent(inout) :: errmsg  !< message if stat is not 0
    real(wp), allocatable :: raw(:, :)
    integer :: lowest, record, count, ndims, status, i, k
    k = minval(self%shift)
    record = self%times%first_record + self%buffer_first*self%times%per_day + k
    count = self%buffer_length*self%times%per_day + maxval(self%shift) - k
    associate (variable => self%variables(q))
      if (variable%by_site) then
        lowest = minval(self%place)
        allocate(raw(maxval(self%place) - lowest + 1, count))
        status = nf90_get_var(self%ncid, variable%id, raw, start=[lowest, record], &
          count=[size(raw, 1), count])
      else
        lowest = 1
        allocate(raw(1, count))
        status = nf90_inquire_variable(self%ncid, variable%id, ndims=ndims)
        status = nf90_get_var(self%ncid, variable%id, raw(1, :), &
          start=[(1, i=1, ndims - 1), record], count=[(1, i=1, ndims - 1), count])
      end if
      if (status /= nf90_noerr) then
        call input_error(self%path, 'variable '//variable%name//' cannot be read ('// &
          trim(nf90_strerror(status))//'); the file is truncated or damaged', stat, errmsg)
        return
      end if
      call decode(variable%encoding, unset, raw)
      do i = 1, size(self%place)
        associate (first => self%shift(i) - k)
          call take_values(self, q, i, raw(merge(self%place(i) - lowest + 1, 1, variable%by_site), &
            first + 1:first + self%buffer_length*self%times%per_day), stat, errmsg)
        end associate
        if (stat /= success) return
      end do
    end associate
  end subroutine fill_buffer

  !> Convert and check the values of a site.
  subroutine take_values(self, q, site, raw, stat, errmsg)
    type(meteorology_file), intent(inout) :: self  !< the file
    integer, intent(in) :: q  !< quantity
    integer, intent(in) :: site  !< site of the run
    real(wp), intent(in) :: raw(:)  !< values in the units of the file; unset where it has none
    integer, intent(inout) :: stat  !< exit code
    character(:), allocatable, intent(inout) :: errmsg  !< message if stat is not 0
    type(quantity_info) :: info
    real(wp) :: value
    integer :: k
    info = quantities(q)
    associate (variable => self%variables(q))
      do k = 1, size(raw)
        if (.not. is_set(raw(k))) then
          variable%values(site, k) = absent
          if (info%derivable) cycle
          call input_error(self%path, 'variable '//variable%name// &
            ' is missing (NaN, fill or outside its valid range)'//place_text(self, site, k), stat, &
            errmsg)
          return
        end if
        value = variable%scale*raw(k) + variable%offset
        if (value < variable%lowest .or. value > variable%highest) then
          call input_error(self%path, 'variable '//variable%name//' is '//to_text(value, 6)//' '// &
            trim(merge('1         ', info%units, variable%relative))// &
            place_text(self, site, k)// &
            ', expected '//to_text(variable%lowest, 6)//' to '//to_text(variable%highest, 6)// &
            '; are its units right?', stat, errmsg)
          return
        end if
        variable%values(site, k) = max(variable%floor, value)
      end do
    end associate

  end subroutine take_values

  !> ` at site X on 2001-01-01 (record 5)`.
  function place_text(self, site, k)
    type(meteorology_file), intent(in) :: self  !< the file
    integer, intent(in) :: site  !< site of the run
    integer, intent(in) :: k  !< record in the buffer
    character(:), allocatable :: place_text
    integer :: day
    day = self%buffer_first + (k - 1)/self%times%per_day
    place_text = ' at site '//trim(self%site_id(site))//' on '// &
      format_date(date_of_day(self%times%first_day + day, self%times%leap_days))//' (record '// &
      to_text(self%times%first_record + self%buffer_first*self%times%per_day + k - 1 &
      + self%shift(site))//')'
  end function place_text

  !> Wind speed from its components, specific from relative humidity.
  pure subroutine combine_variables(self)
    type(meteorology_file), intent(inout) :: self  !< the file; its buffers are filled
    integer :: k
    associate (v => self%variables)
      do k = 1, self%buffer_length*self%times%per_day
        if (v(wind_north)%id >= 0) v(wind)%values(:, k) = &
          sqrt(v(wind)%values(:, k)**2 + v(wind_north)%values(:, k)**2)
        if (v(qair)%relative) v(qair)%values(:, k) = specific_humidity( &
          min(1.0_wp, v(qair)%values(:, k))*saturation_pressure(v(tair)%values(:, k)), &
          v(psurf)%values(:, k))
      end do
    end associate
  end subroutine combine_variables

  !> Refuse daily extremes of temperature that are not around its mean.
  subroutine check_extremes(self, stat, errmsg)
    type(meteorology_file), intent(in) :: self  !< the file; its buffers are filled
    integer, intent(inout) :: stat  !< exit code
    character(:), allocatable, intent(inout) :: errmsg  !< message if stat is not 0
    real(wp), parameter :: rounding = 0.5_wp  !< of packed and interpolated temperatures [K]
    integer :: i, k
    associate (v => self%variables)
      do k = 1, self%buffer_length
        do i = 1, size(self%place)
          if (v(tmin)%values(i, k) <= v(tair)%values(i, k) + rounding .and. &
            v(tmax)%values(i, k) >= v(tair)%values(i, k) - rounding) cycle
          call input_error(self%path, v(tmin)%name//', '//v(tair)%name//' and '//v(tmax)%name// &
            ' are '//to_text(v(tmin)%values(i, k), 6)//', '//to_text(v(tair)%values(i, k), 6)// &
            ' and '//to_text(v(tmax)%values(i, k), 6)//' K'//place_text(self, i, k)// &
            ', expected in rising order; are they exchanged, or in other units?', stat, errmsg)
          return
        end do
      end do
    end associate
  end subroutine check_extremes

  !> Warn, once, of more light over some days than arrives above the air at the latitude: the place
  !> or the time of year is another one.
  subroutine warn_of_strong_sun(self)
    type(meteorology_file), intent(inout) :: self  !< the file; its buffers are filled
    real(wp) :: light, above
    type(calendar_date) :: date
    integer :: i, k
    if (self%warned .or. self%buffer_length < fewest_days) return
    do i = 1, size(self%place)
      light = sum(max(0.0_wp, self%variables(swdown)%values(i, &
        :self%buffer_length*self%times%per_day)))/(self%buffer_length*self%times%per_day)
      above = 0.0_wp
      do k = 0, self%buffer_length - 1
        date = date_of_day(self%times%first_day + self%buffer_first + k, self%times%leap_days)
        above = above + top_of_atmosphere(self%lat(i), day_of_year(date))/self%buffer_length
      end do
      if (light <= light_factor*above + light_margin) cycle
      date = date_of_day(self%times%first_day + self%buffer_first, self%times%leap_days)
      write(error_unit, '(a)') 'ecosys: warning: '//printable(self%path//': variable '// &
        self%variables(swdown)%name//' is '//to_text(light, 4)//' W m-2 in the mean of '// &
        to_text(self%buffer_length)//' days from '//format_date(date)//' at site '// &
        trim(self%site_id(i))//', above the air arrive '//to_text(above, 4)//' at latitude '// &
        to_text(self%lat(i), 6)//'; are the sign of the latitude, the dates and the units right?')
      self%warned = .true.
      return
    end do
  end subroutine warn_of_strong_sun

  !> Refuse a file whose sun is highest more than 3 hours from noon: its times are no local times.
  !> (Zones and the equation of time move the noon of local standard time by up to 3 hours.)
  subroutine check_hour_of_sun(self, stat, errmsg)
    type(meteorology_file), intent(in) :: self  !< the file; its buffers are filled
    integer, intent(inout) :: stat  !< exit code
    character(:), allocatable, intent(inout) :: errmsg  !< message if stat is not 0
    real(wp), parameter :: farthest = 3.0_wp  !< [h]
    real(wp), parameter :: weakest = 0.2_wp  !< share of the light that has a daily course [1]
    real(wp) :: angle, east, north, total, hour
    character(5) :: clock
    integer :: i, k
    if (self%times%per_day < 4) return
    if (self%buffer_length < min(fewest_days, self%times%n_days)) return
    do i = 1, size(self%place)
      east = 0.0_wp
      north = 0.0_wp
      total = 0.0_wp
      do k = 1, self%buffer_length*self%times%per_day
        angle = 2.0_wp*pi*(k - 0.5_wp)/self%times%per_day
        associate (light => max(0.0_wp, self%variables(swdown)%values(i, k)))
          east = east + light*sin(angle)
          north = north + light*cos(angle)
          total = total + light
        end associate
      end do
      if (hypot(east, north) <= weakest*total .or. &
        total < least_light*self%buffer_length*self%times%per_day) cycle
      hour = modulo(atan2(east, north)*12.0_wp/pi, 24.0_wp)
      if (abs(hour - 12.0_wp) <= farthest) cycle
      write(clock, '(i2.2, ":", i2.2)') int(hour), int(60.0_wp*modulo(hour, 1.0_wp))
      call input_error(self%path, 'the sun is highest at '//clock//' at site '// &
        trim(self%site_id(i))//' by variable '//self%variables(swdown)%name// &
        ', expected about noon, from '//format_date(date_of_day(self%times%first_day &
        + self%buffer_first, self%times%leap_days))//' on: times are taken as local '// &
        "solar time; if they are in UTC, say time_zone = 'utc' in &forcing_nl", stat, errmsg)
      return
    end do
  end subroutine check_hour_of_sun

end module forcing_file
