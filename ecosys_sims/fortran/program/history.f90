!> Daily or monthly output as a CF-1.11 time series collection, written once a year.
module history
  use, intrinsic :: iso_fortran_env, only: real32
  use calendar_dates, only: calendar_date, day_number, format_date, next_day
  use column_variables, only: column_variable, site_variable, site_variables
  use exit_codes, only: bad_namelist, success
  use kinds, only: wp
  use namelist_input, only: configuration, resolved_namelist
  use netcdf, only: nf90_def_dim, nf90_def_var, nf90_double, nf90_enddef, nf90_float, &
    nf90_global, nf90_int, nf90_put_att, nf90_put_var, nf90_string, nf90_sync
  use output_files, only: netcdf_output, put_string
  use parameters, only: biome_names
  use site_table, only: site_set
  use text, only: join
  use variable_table, only: attributes_of, variable_attributes
  use version, only: git_hash, program_version
  implicit none (type, external)
  private

  public :: history_file, select_variables, open_history, record_day, close_history, &
    sync_history

  real(real32), parameter :: fill = 9.96921e36_real32

  !> The history file of a run.
  type :: history_file
    type(netcdf_output) :: out  !< the file
    type(column_variable), allocatable :: variables(:)  !< its variables
    integer, allocatable, private :: id(:)  !< netCDF ids of the variables
    integer, private :: time_id = -1, bounds_id = -1  !< ids of time and its bounds
    logical, private :: monthly = .false.  !< whether a record is the mean of a month; else of a day
    !> Records that are not yet on file, (record, site, variable).
    real(real32), allocatable, private :: buffer(:, :, :)
    real(wp), allocatable, private :: bounds(:, :)  !< their begin and end, (2, record), days
    integer, private :: n_buffer = 0, n_written = 0  !< records in the buffer and on file
    !> Sums over the days of a month so far, (site, variable), and how many days they are.
    real(wp), allocatable, private :: sums(:, :)
    integer, private :: n_days = 0
    integer, private :: day = 0  !< the next day since the time that is counted from
  end type history_file

contains

  !> Keep the variables that the namelist asks for.
  subroutine select_variables(config, variables, stat, errmsg)
    type(configuration), intent(in) :: config  !< configuration of the run
    type(column_variable), allocatable, intent(inout) :: variables(:)  !< on entry all variables
    integer, intent(out) :: stat  !< exit code
    character(:), allocatable, intent(out) :: errmsg  !< message if stat is not 0
    logical :: selected(size(variables))
    character(:), allocatable :: names, name
    integer :: comma, place
    stat = success
    names = config%hist_fields//','
    if (names == ',') return
    selected = .false.
    do while (len(names) > 0)
      comma = index(names, ',')
      name = trim(adjustl(names(:comma - 1)))
      names = names(comma + 1:)
      if (name == '') cycle
      place = findloc(variables%name == name, .true., dim=1)
      if (place == 0) then
        stat = bad_namelist
        errmsg = "hist_fields in &hist_nl names '"//name//"', which is not a variable "// &
          '(known: '//join(variables%name, ', ')//')'
        return
      end if
      selected(place) = .true.
    end do
    variables = pack(variables, selected)
  end subroutine select_variables

  !> Create the file and write what does not change with time.
  subroutine open_history(self, config, sites, first_day, end_day)
    !> The file; variables must be set. Failures are kept in self%out.
    type(history_file), intent(inout) :: self
    type(configuration), intent(in) :: config  !< configuration of the run
    type(site_set), intent(in), target :: sites  !< the sites
    type(calendar_date), intent(in) :: first_day  !< first day of the file
    type(calendar_date), intent(in) :: end_day  !< the day after its last one
    integer :: time_dim, site_dim, nv_dim, i, n_sites, n_records, records_a_year, n_buffered
    n_sites = size(sites%id)
    self%monthly = config%hist_nhtfrq == 0
    self%day = day_number(first_day) - day_number(time_origin(config))
    n_records = day_number(end_day) - day_number(first_day)
    records_a_year = 366
    if (self%monthly) then
      n_records = 12*(end_day%year - first_day%year) + end_day%month - first_day%month &
        + merge(1, 0, end_day%day > 1)
      records_a_year = 12
    end if
    if (allocated(self%id)) deallocate(self%id, self%buffer, self%bounds, self%sums)
    allocate(self%id(size(self%variables)))
    n_buffered = min(records_a_year, n_records)
    allocate(self%buffer(n_buffered, n_sites, size(self%variables)), source=fill)
    allocate(self%bounds(2, n_buffered), source=0.0_wp)
    allocate(self%sums(n_sites, size(self%variables)), source=0.0_wp)
    self%n_buffer = 0
    self%n_written = 0
    self%n_days = 0
    call self%out%create(config%outdir//'/'//config%case_name//'.h0.'//format_date(first_day)// &
      '-00000.nc')
    if (self%out%stat /= success) return
    associate (out => self%out, ncid => self%out%ncid)
      call out%check(nf90_def_dim(ncid, 'site', n_sites, site_dim), 'define site')
      call out%check(nf90_def_dim(ncid, 'time', n_records, time_dim), 'define time')
      call out%check(nf90_def_dim(ncid, 'nv', 2, nv_dim), 'define nv')
      call define_time(self, config, time_dim, nv_dim)
      do i = 1, size(self%variables)
        call define_variable(self, i, [time_dim, site_dim], &
          [min(365, n_records), min(64, n_sites)], config%hist_deflate)
      end do
      call global_attributes(out, config)
      call write_statics(out, sites, site_dim)
    end associate
  end subroutine open_history

  !> Define time and its bounds.
  subroutine define_time(self, config, time_dim, nv_dim)
    type(history_file), intent(inout) :: self  !< the file
    type(configuration), intent(in) :: config  !< configuration of the run
    integer, intent(in) :: time_dim  !< dimension time
    integer, intent(in) :: nv_dim  !< dimension nv
    associate (out => self%out, ncid => self%out%ncid)
      call out%check(nf90_def_var(ncid, 'time', nf90_double, [time_dim], self%time_id), &
        'define time')
      call put(out, self%time_id, 'units', 'days since '//format_date(time_origin(config))// &
        ' 00:00:00')
      call put(out, self%time_id, 'calendar', config%calendar)
      if (config%calendar == 'standard') call put(out, self%time_id, 'units_metadata', &
        'leap_seconds: none')
      call put(out, self%time_id, 'standard_name', 'time')
      call put(out, self%time_id, 'long_name', 'middle of the '//merge('month', 'day  ', &
        self%monthly))
      call put(out, self%time_id, 'axis', 'T')
      call put(out, self%time_id, 'bounds', 'time_bnds')
      call out%check(nf90_def_var(ncid, 'time_bnds', nf90_double, [nv_dim, time_dim], &
        self%bounds_id), 'define time_bnds')
    end associate
  end subroutine define_time

  !> The first of January from which time is counted, the same in all files of a run.
  pure function time_origin(config) result(origin)
    type(configuration), intent(in) :: config  !< configuration of the run
    type(calendar_date) :: origin
    origin = calendar_date(config%start_date%year, 1, 1, config%start_date%leap_days)
  end function time_origin

  !> What the values of a record are over its time, as CF cell methods.
  pure function cell_methods(cell_method, monthly) result(text)
    !> What the values of a day are over the day: mean, minimum, maximum or point.
    character(*), intent(in) :: cell_method
    logical, intent(in) :: monthly  !< whether a record is a month
    character(:), allocatable :: text
    text = 'time: '//trim(cell_method)
    if (.not. monthly .or. cell_method == 'mean') return
    text = text//' within days time: mean over days'
    if (cell_method == 'point') text = 'time: mean'
  end function cell_methods

  !> Define one variable.
  subroutine define_variable(self, i, dims, chunks, deflate)
    type(history_file), intent(inout) :: self  !< the file
    integer, intent(in) :: i  !< the variable
    integer, intent(in) :: dims(2)  !< its dimensions
    integer, intent(in) :: chunks(2)  !< its chunks
    integer, intent(in) :: deflate  !< compression
    associate (out => self%out, id => self%id(i), variable => self%variables(i))
      call out%check(nf90_def_var(out%ncid, trim(variable%name), nf90_float, dims, id, &
        chunksizes=chunks, deflate_level=deflate, shuffle=deflate > 0, fletcher32=.true.), &
        'define '//trim(variable%name))
      call out%check(nf90_put_att(out%ncid, id, '_FillValue', fill), 'write _FillValue')
      call put(out, id, 'units', trim(variable%units))
      call put(out, id, 'long_name', trim(variable%long_name))
      if (variable%standard_name /= '') call put(out, id, 'standard_name', &
        trim(variable%standard_name))
      if (index(variable%standard_name, 'temperature') > 0) call put(out, id, 'units_metadata', &
        'temperature: on_scale')
      if (variable%role /= '') call put(out, id, 'role', trim(variable%role))
      call put(out, id, 'cell_methods', cell_methods(variable%cell_method, self%monthly))
      call put(out, id, 'coordinates', 'lat lon site_id')
      if (variable%analysis_units /= '') call put(out, id, 'analysis_units', &
        trim(variable%analysis_units))
    end associate
  end subroutine define_variable

  !> Define and write the variables of the sites; ends the definition of the file.
  subroutine write_statics(out, sites, site_dim)
    type(netcdf_output), intent(inout) :: out  !< the file
    type(site_set), intent(in), target :: sites  !< the sites
    integer, intent(in) :: site_dim  !< dimension site
    type(site_variable), allocatable :: statics(:)
    type(variable_attributes) :: seed_number
    integer, allocatable :: static_ids(:)
    integer :: k, name_id, number_id
    allocate(statics, source=site_variables(sites%static))
    allocate(static_ids(size(statics)))
    call out%check(nf90_def_var(out%ncid, 'site_id', nf90_string, [site_dim], name_id), &
      'define site_id')
    call put(out, name_id, 'cf_role', 'timeseries_id')
    call put(out, name_id, 'long_name', 'name of the site')
    do k = 1, size(statics)
      call define_static(out, statics(k), site_dim, static_ids(k))
    end do
    seed_number = attributes_of('site_number')
    call out%check(nf90_def_var(out%ncid, 'site_number', nf90_int, [site_dim], number_id), &
      'define site_number')
    call put(out, number_id, 'long_name', trim(seed_number%long_name))
    call out%check(nf90_enddef(out%ncid), 'end the definition')
    do k = 1, size(sites%id)
      if (out%stat == success) call out%check(put_string(out%ncid, name_id, k, sites%id(k)), &
        'write site_id')
    end do
    do k = 1, size(statics)
      if (out%stat /= success) return
      if (associated(statics(k)%classes)) then
        call out%check(nf90_put_var(out%ncid, static_ids(k), statics(k)%classes), &
          'write '//trim(statics(k)%name))
      else
        call out%check(nf90_put_var(out%ncid, static_ids(k), real(statics(k)%values, real32)), &
          'write the sites')
      end if
    end do
    if (out%stat == success) call out%check(nf90_put_var(out%ncid, number_id, sites%number), &
      'write site_number')
  end subroutine write_statics

  !> Define a static variable: a number with its units or a class with its meanings.
  subroutine define_static(out, static, site_dim, id)
    type(netcdf_output), intent(inout) :: out  !< the file
    type(site_variable), intent(in) :: static  !< the variable
    integer, intent(in) :: site_dim  !< dimension site
    integer, intent(out) :: id  !< id of the variable
    integer :: biome
    if (associated(static%classes)) then
      call out%check(nf90_def_var(out%ncid, trim(static%name), nf90_int, [site_dim], id), &
        'define '//trim(static%name))
      call put(out, id, 'long_name', trim(static%long_name))
      call put(out, id, 'role', trim(static%role))
      call out%check(nf90_put_att(out%ncid, id, 'flag_values', [(biome, biome=1, &
        size(biome_names))]), 'write flag_values')
      call put(out, id, 'flag_meanings', join(biome_names, ' '))
    else
      call out%check(nf90_def_var(out%ncid, trim(static%name), nf90_float, [site_dim], id), &
        'define '//trim(static%name))
      call put(out, id, 'units', trim(static%units))
      call put(out, id, 'long_name', trim(static%long_name))
      if (static%standard_name /= '') call put(out, id, 'standard_name', trim(static%standard_name))
      call put(out, id, 'role', trim(static%role))
    end if
  end subroutine define_static

  !> Write the global attributes.
  subroutine global_attributes(out, config)
    type(netcdf_output), intent(inout) :: out  !< the file
    type(configuration), intent(in) :: config  !< configuration of the run
    character(8) :: date
    character(10) :: clock
    call date_and_time(date, clock)
    call put(out, nf90_global, 'Conventions', 'CF-1.11')
    call put(out, nf90_global, 'featureType', 'timeSeries')
    call put(out, nf90_global, 'title', 'ecosys column model, case '//config%case_name)
    call put(out, nf90_global, 'institution', 'ecostep')
    call put(out, nf90_global, 'source', 'ecosys '//program_version//' ('//git_hash// &
      '), bgc_scheme = '//config%bgc_scheme)
    call put(out, nf90_global, 'history', date(:4)//'-'//date(5:6)//'-'//date(7:8)//'T'// &
      clock(:2)//':'//clock(3:4)//':'//clock(5:6)//' written by ecosys '//program_version)
    call put(out, nf90_global, 'references', 'docs/process_model.md')
    call out%check(nf90_put_att(out%ncid, nf90_global, 'ecostep_dataset_version', 1), &
      'write attributes')
    call put(out, nf90_global, 'git_hash', git_hash)
    call out%check(nf90_put_att(out%ncid, nf90_global, 'seed', config%seed), 'write attributes')
    call put(out, nf90_global, 'namelist', resolved_namelist(config))
  end subroutine global_attributes

  !> Write a text attribute.
  subroutine put(out, varid, name, value)
    type(netcdf_output), intent(inout) :: out  !< the file
    integer, intent(in) :: varid  !< id of the variable
    character(*), intent(in) :: name  !< attribute
    character(*), intent(in) :: value  !< value
    if (out%stat == success) call out%check(nf90_put_att(out%ncid, varid, name, value), &
      'write attribute '//name)
  end subroutine put

  !> Take the values of a day; on the last day of a year the year is written.
  subroutine record_day(self, date)
    type(history_file), intent(inout) :: self  !< the file
    type(calendar_date), intent(in) :: date  !< the day
    type(calendar_date) :: tomorrow
    integer :: i
    do i = 1, size(self%variables)
      if (self%variables(i)%available) self%sums(:, i) = self%sums(:, i) &
        + self%variables(i)%scale*self%variables(i)%values
    end do
    self%n_days = self%n_days + 1
    self%day = self%day + 1
    tomorrow = next_day(date)
    if (tomorrow%day == 1 .or. .not. self%monthly) call end_record(self)
    if ((date%month == 12 .and. date%day == 31) .or. self%n_buffer == size(self%buffer, 1)) then
      call flush_history(self)
    end if
  end subroutine record_day

  !> Put the mean of the days since the last record into the buffer.
  subroutine end_record(self)
    type(history_file), intent(inout) :: self  !< the file
    integer :: i
    if (self%n_days == 0) return
    self%n_buffer = self%n_buffer + 1
    do i = 1, size(self%variables)
      if (self%variables(i)%available) self%buffer(self%n_buffer, :, i) = &
        real(self%sums(:, i)/self%n_days, real32)
    end do
    self%bounds(:, self%n_buffer) = real([self%day - self%n_days, self%day], wp)
    self%sums = 0.0_wp
    self%n_days = 0
  end subroutine end_record

  !> Write the buffer, and a month that has begun as the mean of its days so far.
  subroutine flush_history(self)
    type(history_file), intent(inout) :: self  !< the file
    integer :: i, first_record, n_records
    if (self%n_buffer < size(self%buffer, 1)) call end_record(self)
    n_records = self%n_buffer
    if (n_records == 0 .or. self%out%stat /= success) return
    first_record = self%n_written + 1
    associate (out => self%out, ncid => self%out%ncid, bounds => self%bounds(:, :n_records))
      call out%check(nf90_put_var(ncid, self%time_id, 0.5_wp*(bounds(1, :) + bounds(2, :)), &
        start=[first_record], count=[n_records]), 'write time')
      call out%check(nf90_put_var(ncid, self%bounds_id, bounds, start=[1, first_record], &
        count=[2, n_records]), 'write time_bnds')
      do i = 1, size(self%variables)
        if (out%stat == success) call out%check(nf90_put_var(ncid, self%id(i), &
          self%buffer(:n_records, :, i), start=[first_record, 1], &
          count=[n_records, size(self%buffer, 2)]), 'write '//trim(self%variables(i)%name))
      end do
    end associate
    self%n_written = self%n_written + n_records
    self%n_buffer = 0
  end subroutine flush_history

  !> Write what is left and give the file its name.
  subroutine close_history(self)
    type(history_file), intent(inout) :: self  !< the file
    call flush_history(self)
    call self%out%finish()
  end subroutine close_history

  !> Write the buffer and bring all to the disk: what comes next relies on it.
  subroutine sync_history(self)
    type(history_file), intent(inout) :: self  !< the file
    call flush_history(self)
    if (self%out%stat == success) call self%out%check(nf90_sync(self%out%ncid), 'write')
  end subroutine sync_history

end module history
