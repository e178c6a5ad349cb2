!> Meteorology from a netCDF file (docs/formats.md section 4), checked and in the model's units.
module forcing_file
  use calendar_dates, only : calendar_date, date_of_day, day_number, format_date
  use exit_codes, only : success
  use input_files, only : close_input, dimension_length, has_variable, input_error, is_fill, &
    open_input, read_strings, real_attribute, string_length, text_attribute
  use kinds, only : wp
  use namelist_input, only : configuration
  use netcdf, only : nf90_get_var, nf90_inq_dimid, nf90_inq_varid, nf90_inquire_variable, &
    nf90_max_var_dims, nf90_noerr, nf90_strerror
  use text, only : lower, to_text
  use time_axis, only : forcing_times, read_times
  use unit_conversion, only : convert_units
  implicit none
  private

  public :: meteorology_file, open_meteorology, close_meteorology, load_day, has_quantity
  public :: tair, qair, swdown, lwdown, rainf, snowf, wind, psurf, co2air, ch4air, tmin, tmax

  ! Quantities of a file.
  integer, parameter :: tair = 1, qair = 2, swdown = 3, lwdown = 4, rainf = 5, snowf = 6
  integer, parameter :: wind = 7, psurf = 8, co2air = 9, ch4air = 10, tmin = 11, tmax = 12
  integer, parameter :: n_quantities = 12
  integer, parameter :: buffer_days = 31

  !> Value of a quantity that may be derived where the file has none.
  real(wp), parameter, public :: absent = -1.0_wp

  !> What a quantity may be.
  type :: quantity_info
    !> ALMA name.
    character(6) :: name
    !> Units of the model.
    character(10) :: units
    !> Plausible range.
    real(wp) :: lowest, highest
    !> Whether gaps are derived.
    logical :: derivable
  end type quantity_info

  type(quantity_info), parameter :: quantities(n_quantities) = [ &
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
    quantity_info('Tmax  ', 'K         ', 170.0_wp, 340.0_wp, .false.)]

  !> A variable of the file.
  type :: file_variable
    !> Name on file.
    character(:), allocatable :: name
    !> netCDF id, -1 where the variable is not there.
    integer :: id = -1
    !> Whether it has a site dimension.
    logical :: by_site = .false.
    !> Fill values.
    real(wp) :: fill = 0.0_wp, missing = 0.0_wp
    !> Units of the model = scale * units of the file + offset.
    real(wp) :: scale = 1.0_wp, offset = 0.0_wp
    !> Values in the buffer, (nsite, record).
    real(wp), allocatable :: values(:, :)
  end type file_variable

  !> A forcing file.
  type :: meteorology_file
    !> Path.
    character(:), allocatable :: path
    !> netCDF id.
    integer :: ncid = -1
    !> When the records are.
    type(forcing_times) :: times
    !> Names of the run's sites.
    character(string_length), allocatable :: site_id(:)
    !> Place of each site of the run in the file.
    integer, allocatable :: place(:)
    !> The variables, by quantity.
    type(file_variable) :: variables(n_quantities)
    !> First day and number of days in the buffer.
    integer :: buffer_first = 0, buffer_length = 0
  end type meteorology_file

contains

  !> Open a file and check that it has what a run needs.
  subroutine open_meteorology(self, config, site_id, stat, errmsg)
    !> The file.
    type(meteorology_file), intent(out) :: self
    !> Configuration of the run.
    type(configuration), intent(in) :: config
    !> Names of the run's sites.
    character(string_length), intent(in) :: site_id(:)
    !> Exit code.
    integer, intent(out) :: stat
    !> Message if stat is not 0.
    character(:), allocatable, intent(out) :: errmsg
    integer :: q
    self%path = config%forcing_file
    self%site_id = site_id
    call open_input(self%path, self%ncid, stat, errmsg)
    if (stat == success) call read_times(self%path, self%ncid, self%times, stat, errmsg)
    if (stat == success) call find_places(self, stat, errmsg)
    do q = 1, n_quantities
      if (stat /= success) return
      self%variables(q)%name = config%text_of('forcing_name_'//trim(lower(quantities(q)%name)))
      call open_variable(self, q, stat, errmsg)
    end do
  end subroutine open_meteorology

  !> Close the file.
  subroutine close_meteorology(self)
    !> The file.
    type(meteorology_file), intent(inout) :: self
    if (self%ncid >= 0) call close_input(self%ncid)
    self%ncid = -1
  end subroutine close_meteorology

  !> Whether the file has a quantity.
  pure logical function has_quantity(self, q)
    !> The file.
    type(meteorology_file), intent(in) :: self
    !> Quantity.
    integer, intent(in) :: q
    has_quantity = self%variables(q)%id >= 0
  end function has_quantity

  !> Find the sites of the run in the file: by site_id if it is there, else by their order.
  subroutine find_places(self, stat, errmsg)
    !> The file.
    type(meteorology_file), intent(inout) :: self
    !> Exit code.
    integer, intent(inout) :: stat
    !> Message if stat is not 0.
    character(:), allocatable, intent(inout) :: errmsg
    character(string_length), allocatable :: names(:)
    integer :: i, n
    n = dimension_length(self%ncid, 'site')
    self%place = [(i, i=1, size(self%site_id))]
    if (n < 1) return
    if (has_variable(self%ncid, 'site_id') .and. n > 1) then
      allocate(names(n))
      call read_strings(self%path, self%ncid, 'site_id', names, stat, errmsg)
      if (stat /= success) return
      do i = 1, size(self%site_id)
        self%place(i) = findloc(names == self%site_id(i), .true., dim=1)
        if (self%place(i) > 0) cycle
        call input_error(self%path, 'site '//trim(self%site_id(i))//' is not in the file', &
          stat, errmsg)
        return
      end do
    else if (n /= size(self%site_id)) then
      call input_error(self%path, 'the file has '//to_text(n)//' sites, the run '// &
        to_text(size(self%site_id))//', and there is no site_id to match them', stat, errmsg)
    end if
  end subroutine find_places

  !> Find a variable and check its units and shape.
  subroutine open_variable(self, q, stat, errmsg)
    !> The file.
    type(meteorology_file), intent(inout) :: self
    !> Quantity.
    integer, intent(in) :: q
    !> Exit code.
    integer, intent(inout) :: stat
    !> Message if stat is not 0.
    character(:), allocatable, intent(inout) :: errmsg
    character(:), allocatable :: units
    integer :: ndims, dimids(nf90_max_var_dims), time_dim, site_dim
    logical :: known, needed
    associate (variable => self%variables(q))
      if (.not. has_variable(self%ncid, variable%name)) then
        needed = .not. (quantities(q)%derivable .or. q == snowf)
        if (q == tmin .or. q == tmax) needed = self%times%per_day == 1
        if (needed) call input_error(self%path, 'variable '//variable%name//' is missing'// &
          trim(merge(' (daily files need it)', '                      ', q >= tmin))// &
          '; add it, or name it by forcing_name_'//trim(lower(quantities(q)%name))// &
          ' in &forcing_nl', stat, errmsg)
        return
      end if
      stat = nf90_inq_varid(self%ncid, variable%name, variable%id)
      units = text_attribute(self%ncid, variable%name, 'units')
      if (units == '') then
        call input_error(self%path, 'not a CF forcing file: variable '//variable%name// &
          ' has no units (expected '//trim(quantities(q)%units)//')', stat, errmsg)
        return
      end if
      call convert_units(units, trim(quantities(q)%units), real(self%times%interval, wp), &
        variable%scale, variable%offset, known)
      if (.not. known) then
        call input_error(self%path, 'variable '//variable%name//' has units '''//units// &
          ''', which cannot be converted to '//trim(quantities(q)%units), stat, errmsg)
        return
      end if
      stat = nf90_inquire_variable(self%ncid, variable%id, ndims=ndims, dimids=dimids)
      if (nf90_inq_dimid(self%ncid, 'time', time_dim) /= nf90_noerr) time_dim = -1
      if (nf90_inq_dimid(self%ncid, 'site', site_dim) /= nf90_noerr) site_dim = -1
      variable%by_site = ndims == 2
      known = ndims == 1 .and. dimids(1) == time_dim
      if (ndims == 2) known = dimids(1) == site_dim .and. dimids(2) == time_dim
      if (.not. known) then
        call input_error(self%path, 'variable '//variable%name// &
          ' has not the dimensions (time) or (time, site)', stat, errmsg)
        return
      end if
      variable%fill = real_attribute(self%ncid, variable%name, '_FillValue', &
        9.969209968386869e36_wp)
      variable%missing = real_attribute(self%ncid, variable%name, 'missing_value', variable%fill)
      allocate(variable%values(size(self%place), buffer_days*self%times%per_day))
    end associate
  end subroutine open_variable

  !> Make a day available; `first` is its first record in the buffers.
  subroutine load_day(self, date, first, stat, errmsg)
    !> The file.
    type(meteorology_file), intent(inout) :: self
    !> The day.
    type(calendar_date), intent(in) :: date
    !> First record of the day in variables%values.
    integer, intent(out) :: first
    !> Exit code.
    integer, intent(out) :: stat
    !> Message if stat is not 0.
    character(:), allocatable, intent(out) :: errmsg
    type(calendar_date) :: in_file
    integer :: day, q
    stat = success
    first = 1
    in_file = calendar_date(date%year, date%month, date%day, self%times%leap_days)
    day = day_number(in_file) - self%times%first_day
    if (date%leap_days .and. .not. self%times%leap_days .and. date%month == 2 &
      .and. date%day == 29) then
      call input_error(self%path, 'has no '//format_date(date)//': its calendar is noleap; '// &
        'say calendar = ''noleap'' in &run_ctl', stat, errmsg)
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
      do q = 1, n_quantities
        if (stat == success .and. has_quantity(self, q)) call fill_buffer(self, q, stat, errmsg)
      end do
      if (stat /= success) self%buffer_length = 0
    end if
    first = (day - self%buffer_first)*self%times%per_day + 1

  contains

    !> A day of the file as text.
    pure function day_text(number)
      !> Day number.
      integer, intent(in) :: number
      character(10) :: day_text
      day_text = format_date(date_of_day(number, self%times%leap_days))
    end function day_text

  end subroutine load_day

  !> Read a variable for the days of the buffer, convert and check it.
  subroutine fill_buffer(self, q, stat, errmsg)
    !> The file.
    type(meteorology_file), intent(inout) :: self
    !> Quantity.
    integer, intent(in) :: q
    !> Exit code.
    integer, intent(inout) :: stat
    !> Message if stat is not 0.
    character(:), allocatable, intent(inout) :: errmsg
    real(wp), allocatable :: raw(:, :)
    integer :: lowest, record, count, status, i
    record = self%times%first_record + self%buffer_first*self%times%per_day
    count = self%buffer_length*self%times%per_day
    associate (variable => self%variables(q))
      if (variable%by_site) then
        lowest = minval(self%place)
        allocate(raw(maxval(self%place) - lowest + 1, count))
        status = nf90_get_var(self%ncid, variable%id, raw, start=[lowest, record], &
          count=[size(raw, 1), count])
      else
        lowest = 1
        allocate(raw(1, count))
        status = nf90_get_var(self%ncid, variable%id, raw(1, :), start=[record], count=[count])
      end if
      if (status /= nf90_noerr) then
        call input_error(self%path, 'variable '//variable%name//' cannot be read ('// &
          trim(nf90_strerror(status))//'); the file is truncated or damaged', stat, errmsg)
        return
      end if
      do i = 1, size(self%place)
        call take_values(self, q, i, raw(merge(self%place(i) - lowest + 1, 1, &
          variable%by_site), :), stat, errmsg)
        if (stat /= success) return
      end do
    end associate
  end subroutine fill_buffer

  !> Convert and check the values of a site.
  subroutine take_values(self, q, site, raw, stat, errmsg)
    !> The file.
    type(meteorology_file), intent(inout) :: self
    !> Quantity.
    integer, intent(in) :: q
    !> Site of the run.
    integer, intent(in) :: site
    !> Values as they are on file.
    real(wp), intent(in) :: raw(:)
    !> Exit code.
    integer, intent(inout) :: stat
    !> Message if stat is not 0.
    character(:), allocatable, intent(inout) :: errmsg
    type(quantity_info) :: info
    real(wp) :: value
    integer :: k
    info = quantities(q)
    associate (variable => self%variables(q))
      do k = 1, size(raw)
        if (is_fill(raw(k), variable%fill) .or. is_fill(raw(k), variable%missing)) then
          variable%values(site, k) = absent
          if (info%derivable) cycle
          call input_error(self%path, 'variable '//variable%name//' is missing (NaN or fill)'// &
            place_text(k), stat, errmsg)
          return
        end if
        value = variable%scale*raw(k) + variable%offset
        if (value < info%lowest .or. value > info%highest) then
          call input_error(self%path, 'variable '//variable%name//' is '//to_text(value, 6)//' '// &
            trim(info%units)//place_text(k)//', expected '//to_text(info%lowest, 6)//' to '// &
            to_text(info%highest, 6)//'; are its units right?', stat, errmsg)
          return
        end if
        variable%values(site, k) = max(0.0_wp, value)
      end do
    end associate

  contains

    !> ` at site X on 2001-01-01 (record 5)`.
    function place_text(k)
      !> Record in the buffer.
      integer, intent(in) :: k
      character(:), allocatable :: place_text
      integer :: day
      day = self%buffer_first + (k - 1)/self%times%per_day
      place_text = ' at site '//trim(self%site_id(site))//' on '// &
        format_date(date_of_day(self%times%first_day + day, self%times%leap_days))//' (record '// &
        to_text(self%times%first_record + self%buffer_first*self%times%per_day + k - 1)//')'
    end function place_text

  end subroutine take_values

end module forcing_file
