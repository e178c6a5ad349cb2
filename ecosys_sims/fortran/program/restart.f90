!> Restart files: everything that a run needs to go on as if it had not stopped, bit for bit.
!>
!> Column state (double precision), random streams, memory of the weather generator, and under the
!> emulator scheme its state rows. Sites are found by their name, so blocks may be cut differently.
!> All numbers have checksums, so that a damaged file cannot be read.
module restart
  use, intrinsic :: ieee_arithmetic, only: ieee_is_finite
  use, intrinsic :: iso_fortran_env, only: int64, real32
  use calendar_dates, only: calendar_date, format_date
  use column_state, only: column_type, state_field, state_fields
  use exit_codes, only: success
  use forcing, only: forcing_source
  use input_files, only: close_input, dimension_length, has_variable, input_error, open_input, &
    read_reals, read_strings, string_length, text_attribute
  use kinds, only: wp
  use library_crash, only: end_watch, watch_for_crash
  use namelist_input, only: configuration, unset
  use netcdf, only: nf90_def_dim, nf90_def_var, nf90_double, nf90_enddef, nf90_float, &
    nf90_get_var, nf90_global, nf90_inq_varid, nf90_int, nf90_int64, nf90_inquire_dimension, &
    nf90_inquire_variable, nf90_noerr, nf90_put_att, nf90_put_var, nf90_string, nf90_strerror
  use output_files, only: netcdf_output, put_string, write_text_file
  use random, only: stream_words
  use site_table, only: site_set
  use text, only: to_text
  use version, only: git_hash, program_version
  use weather_generator, only: generator_memory
  implicit none (type, external)
  private

  public :: write_restart, read_restart

  !> A restart file being read.
  type :: restart_input
    character(:), allocatable :: path  !< path
    integer :: ncid = -1  !< netCDF id
    integer :: n_sites = 0  !< sites of the file
    integer, allocatable :: place(:)  !< where each of the run's sites is in the file
  end type restart_input

contains

  !> Write `<case>.r.<date>-00000.nc` and the pointer file.
  subroutine write_restart(config, sites, date, state, source, emulator_state, identity, stat, &
    errmsg)
    type(configuration), intent(in) :: config  !< configuration of the run
    type(site_set), intent(in) :: sites  !< the sites
    type(calendar_date), intent(in) :: date  !< day whose midnight the state is of
    type(column_type), intent(inout), target :: state  !< column state
    type(forcing_source), intent(in) :: source  !< source of the weather
    !> State rows of the emulator, (state_size, nsite); of size 0 under the process scheme.
    real(real32), intent(in) :: emulator_state(:, :)
    character(*), intent(in) :: identity  !< what tells the emulator from others
    integer, intent(out) :: stat  !< exit code
    character(:), allocatable, intent(out) :: errmsg  !< message if stat is not 0
    type(state_field), allocatable :: fields(:)
    type(netcdf_output) :: out
    character(:), allocatable :: name
    integer :: site_dim, word_dim, memory_dim, row_dim, k
    integer :: name_id, stream_id, memory_id, emulator_id, biome_id, lat_id, number_id
    integer, allocatable :: field_ids(:)
    integer(int64), allocatable :: words(:, :)
    name = config%case_name//'.r.'//format_date(date)//'-00000.nc'
    call state_fields(state, fields)
    allocate(field_ids(size(fields)))
    call out%create(config%outdir//'/'//name)
    call out%check(nf90_def_dim(out%ncid, 'site', size(sites%id), site_dim), 'define site')
    call out%check(nf90_def_dim(out%ncid, 'word', stream_words, word_dim), 'define word')
    call out%check(nf90_def_dim(out%ncid, 'memory', generator_memory, memory_dim), 'define memory')
    call attribute('title', 'restart file of ecosys, case '//config%case_name)
    call attribute('source', 'ecosys '//program_version//' ('//git_hash//')')
    call attribute('date', format_date(date))
    call attribute('calendar', config%calendar)
    call attribute('bgc_scheme', config%bgc_scheme)
    call out%check(nf90_put_att(out%ncid, nf90_global, 'seed', config%seed), 'write attributes')
    do k = 1, size(fields)
      call define_state(k)
    end do
    call out%check(nf90_def_var(out%ncid, 'site_id', nf90_string, [site_dim], name_id), &
      'define site_id')
    call out%check(nf90_def_var(out%ncid, 'random_stream', nf90_int64, [word_dim, site_dim], &
      stream_id, fletcher32=.true.), 'define random_stream')
    call out%check(nf90_def_var(out%ncid, 'weather_memory', nf90_double, [memory_dim, site_dim], &
      memory_id, fletcher32=.true.), 'define weather_memory')
    call out%check(nf90_def_var(out%ncid, 'biome', nf90_int, [site_dim], biome_id, &
      fletcher32=.true.), 'define biome')
    call out%check(nf90_def_var(out%ncid, 'lat', nf90_double, [site_dim], lat_id, &
      fletcher32=.true.), 'define lat')
    call out%check(nf90_def_var(out%ncid, 'site_number', nf90_int, [site_dim], number_id, &
      fletcher32=.true.), &
      'define site_number')
    if (size(emulator_state) > 0) then
      call out%check(nf90_def_dim(out%ncid, 'row', size(emulator_state, 1), row_dim), 'define row')
      call out%check(nf90_def_var(out%ncid, 'emulator_state', nf90_float, [row_dim, site_dim], &
        emulator_id, fletcher32=.true.), 'define emulator_state')
      call out%check(nf90_put_att(out%ncid, emulator_id, 'artefact', identity), 'write artefact')
    end if
    call out%check(nf90_enddef(out%ncid), 'end the definition')
    if (out%stat == success) then
      do k = 1, size(sites%id)
        call out%check(put_string(out%ncid, name_id, k, sites%id(k)), 'write site_id')
      end do
      call out%check(nf90_put_var(out%ncid, biome_id, sites%static%biome), 'write biome')
      call out%check(nf90_put_var(out%ncid, lat_id, sites%static%lat), 'write lat')
      call out%check(nf90_put_var(out%ncid, number_id, sites%number), 'write site_number')
      do k = 1, size(fields)
        call out%check(nf90_put_var(out%ncid, field_ids(k), fields(k)%values), &
          'write '//fields(k)%name)
      end do
      allocate(words(stream_words, size(sites%id)))
      do k = 1, size(sites%id)
        words(:, k) = source%streams(k)%word
      end do
      call out%check(nf90_put_var(out%ncid, stream_id, words), 'write random_stream')
      call out%check(nf90_put_var(out%ncid, memory_id, source%generator%memory), &
        'write weather_memory')
      if (size(emulator_state) > 0) call out%check(nf90_put_var(out%ncid, emulator_id, &
        emulator_state), 'write emulator_state')
    end if
    call out%finish()
    stat = out%stat
    if (stat /= success) errmsg = out%errmsg
    if (stat == success) call write_text_file(config%outdir//'/rpointer.lnd', &
      name//new_line('a'), stat, errmsg)

  contains

    !> Write a global attribute.
    subroutine attribute(key, value)
      character(*), intent(in) :: key  !< name
      character(*), intent(in) :: value  !< value
      if (out%stat == success) call out%check(nf90_put_att(out%ncid, nf90_global, key, value), &
        'write attributes')
    end subroutine attribute

    !> Define a field of the column.
    subroutine define_state(k)
      integer, intent(in) :: k  !< the field
      character(:), allocatable :: level
      integer :: level_dim
      if (out%stat /= success) return
      level = 'level_'//trim(fields(k)%name)
      call out%check(nf90_def_dim(out%ncid, level, size(fields(k)%values, 2), level_dim), &
        'define '//level)
      call out%check(nf90_def_var(out%ncid, trim(fields(k)%name), nf90_double, &
        [site_dim, level_dim], field_ids(k), fletcher32=.true.), 'define '//fields(k)%name)
      call out%check(nf90_put_att(out%ncid, field_ids(k), 'units', trim(fields(k)%units)), &
        'write units')
      call out%check(nf90_put_att(out%ncid, field_ids(k), 'long_name', trim(fields(k)%long_name)), &
        'write long_name')
    end subroutine define_state

  end subroutine write_restart

  !> Read the restart file that the namelist names; it must be of the same calendar, sites and
  !> emulator.
  subroutine read_restart(config, sites, date, state, source, emulator_state, identity, &
    with_emulator, stat, errmsg)
    type(configuration), intent(in) :: config  !< configuration of the run
    type(site_set), intent(in) :: sites  !< the sites
    character(:), allocatable, intent(out) :: date  !< date of the file, `YYYY-MM-DD`
    type(column_type), intent(inout), target :: state  !< column state
    type(forcing_source), intent(inout) :: source  !< source of the weather
    !> State rows of the emulator, (state_size, nsite); left as they are if the file has none.
    real(real32), intent(inout) :: emulator_state(:, :)
    character(*), intent(in) :: identity  !< what tells the run's emulator from others
    logical, intent(out) :: with_emulator  !< whether the file has the emulator's state
    integer, intent(out) :: stat  !< exit code
    character(:), allocatable, intent(out) :: errmsg  !< message if stat is not 0
    type(restart_input) :: input
    with_emulator = .false.
    date = ''
    input%path = config%finidat
    call open_input(input%path, input%ncid, stat, errmsg)
    if (stat /= success) return
    call watch_for_crash(input%path, opening=.false.)
    call match_sites(input, sites, date, stat, errmsg)
    if (stat == success) call compare_calendar(input, config, stat, errmsg)
    if (stat == success) call compare_sites(input, sites, stat, errmsg)
    if (stat == success) call read_column(input, config, state, stat, errmsg)
    if (stat == success) call compare_rotations(input, sites, state, stat, errmsg)
    if (stat == success) call read_weather(input, source, stat, errmsg)
    if (stat == success .and. size(emulator_state) > 0) then
      call read_emulator(input, identity, emulator_state, with_emulator, stat, errmsg)
    end if
    call close_input(input%ncid)
    call end_watch()
  end subroutine read_restart

  !> Find the run's sites in the file by their names, and the date of the file.
  subroutine match_sites(input, sites, date, stat, errmsg)
    type(restart_input), intent(inout) :: input  !< the file
    type(site_set), intent(in) :: sites  !< the run's sites
    character(:), allocatable, intent(inout) :: date  !< date of the file, `YYYY-MM-DD`
    integer, intent(inout) :: stat  !< exit code
    character(:), allocatable, intent(inout) :: errmsg  !< message if stat is not 0
    character(string_length), allocatable :: site_id(:)
    logical :: is_restart
    integer :: k
    input%n_sites = dimension_length(input%ncid, 'site')
    is_restart = has_variable(input%ncid, 'random_stream')
    if (input%n_sites < 1 .or. .not. is_restart) then
      call input_error(input%path, 'not a restart file of ecosys', stat, errmsg)
      return
    end if
    date = text_attribute(input%ncid, '', 'date')
    allocate(site_id(input%n_sites), input%place(size(sites%id)))
    call read_strings(input%path, input%ncid, 'site_id', site_id, stat, errmsg)
    do k = 1, size(sites%id)
      input%place(k) = findloc(site_id == sites%id(k), .true., dim=1)
      if (stat == success .and. input%place(k) == 0) call input_error(input%path, 'site '// &
        trim(sites%id(k))//' is not in the restart file', stat, errmsg)
    end do
  end subroutine match_sites

  !> Refuse a restart of another calendar.
  subroutine compare_calendar(input, config, stat, errmsg)
    type(restart_input), intent(in) :: input  !< the file
    type(configuration), intent(in) :: config  !< configuration of the run
    integer, intent(inout) :: stat  !< exit code
    character(:), allocatable, intent(inout) :: errmsg  !< message if stat is not 0
    character(:), allocatable :: calendar
    calendar = text_attribute(input%ncid, '', 'calendar')
    if (calendar /= config%calendar) call input_error(input%path, &
      "the restart file is of the calendar '"//calendar//"', the run of '"// &
      config%calendar//"'", stat, errmsg)
  end subroutine compare_calendar

  !> Read every field of the column.
  subroutine read_column(input, config, state, stat, errmsg)
    type(restart_input), intent(in) :: input  !< the file
    type(configuration), intent(in) :: config  !< configuration of the run
    type(column_type), intent(inout), target :: state  !< column state
    integer, intent(inout) :: stat  !< exit code
    character(:), allocatable, intent(inout) :: errmsg  !< message if stat is not 0
    type(state_field), allocatable :: fields(:)
    real(wp), allocatable :: values(:, :)
    logical :: is_inundated
    integer :: k, id
    call state_fields(state, fields)
    is_inundated = has_variable(input%ncid, 'finund')
    if (is_inundated .neqv. any(fields%name == 'finund')) then
      call input_error(input%path, &
        "the restart file is of another inundation in &run_ctl than the run, '"// &
        config%inundation//"'", stat, errmsg)
    end if
    do k = 1, size(fields)
      if (stat /= success) return
      allocate(values(input%n_sites, size(fields(k)%values, 2)))
      call find_array(input, trim(fields(k)%name), shape(values), id, stat, errmsg)
      if (stat == success) call check_read(input, nf90_get_var(input%ncid, id, values), &
        fields(k)%name, stat, errmsg)
      if (stat == success .and. .not. all(ieee_is_finite(values))) call input_error(input%path, &
        'variable '//trim(fields(k)%name)//' has values that are no numbers; the restart file '// &
        'is damaged', stat, errmsg)
      if (stat == success) fields(k)%values = values(input%place, :)
      deallocate(values)
    end do
  end subroutine read_column

  !> Refuse a crop that stands where the run has no rotation.
  subroutine compare_rotations(input, sites, state, stat, errmsg)
    type(restart_input), intent(in) :: input  !< the file
    type(site_set), intent(in) :: sites  !< the run's sites
    type(column_type), intent(in) :: state  !< column state
    integer, intent(inout) :: stat  !< exit code
    character(:), allocatable, intent(inout) :: errmsg  !< message if stat is not 0
    integer :: k
    do k = 1, size(sites%id)
      if (state%crop(k) <= 0.0_wp .or. sites%params%rotation(k) > 0.0_wp) cycle
      call input_error(input%path, 'a crop stands at site '//trim(sites%id(k))// &
        ' in the restart file, the run has rotation = 0 there', stat, errmsg)
      return
    end do
  end subroutine compare_rotations

  !> Read the random streams and the memory of the weather generator.
  subroutine read_weather(input, source, stat, errmsg)
    type(restart_input), intent(in) :: input  !< the file
    type(forcing_source), intent(inout) :: source  !< source of the weather
    integer, intent(inout) :: stat  !< exit code
    character(:), allocatable, intent(inout) :: errmsg  !< message if stat is not 0
    integer(int64), allocatable :: words(:, :)
    real(wp), allocatable :: memory(:, :)
    integer :: k, id
    allocate(words(stream_words, input%n_sites), memory(generator_memory, input%n_sites))
    call find_array(input, 'random_stream', shape(words), id, stat, errmsg)
    if (stat == success) call check_read(input, nf90_get_var(input%ncid, id, words), &
      'random_stream', stat, errmsg)
    if (stat == success) call find_array(input, 'weather_memory', shape(memory), id, stat, errmsg)
    if (stat == success) call check_read(input, nf90_get_var(input%ncid, id, memory), &
      'weather_memory', stat, errmsg)
    if (stat /= success) return
    do k = 1, size(input%place)
      source%streams(k)%word = words(:, input%place(k))
    end do
    source%generator%memory = memory(:, input%place)
  end subroutine read_weather

  !> Read the state rows of the emulator, if the file has any; they must be of the same artefact.
  subroutine read_emulator(input, identity, emulator_state, with_emulator, stat, errmsg)
    type(restart_input), intent(in) :: input  !< the file
    character(*), intent(in) :: identity  !< what tells the run's emulator from others
    real(real32), intent(inout) :: emulator_state(:, :)  !< state rows, (state_size, nsite)
    logical, intent(out) :: with_emulator  !< whether the file has them
    integer, intent(inout) :: stat  !< exit code
    character(:), allocatable, intent(inout) :: errmsg  !< message if stat is not 0
    real(real32), allocatable :: rows(:, :)
    character(:), allocatable :: artefact
    integer :: id
    with_emulator = has_variable(input%ncid, 'emulator_state')
    if (.not. with_emulator) return
    artefact = text_attribute(input%ncid, 'emulator_state', 'artefact')
    if (artefact /= identity) then
      call input_error(input%path, 'the emulator state is that of the artefact '//artefact// &
        ', the run has '//identity// &
        '; start from a restart file of this artefact or of the process scheme', stat, errmsg)
      return
    end if
    allocate(rows(size(emulator_state, 1), input%n_sites))
    call find_array(input, 'emulator_state', shape(rows), id, stat, errmsg)
    if (stat == success) call check_read(input, nf90_get_var(input%ncid, id, rows), &
      'emulator_state', stat, errmsg)
    if (stat == success) emulator_state = rows(:, input%place)
  end subroutine read_emulator

  !> Turn the failure of a netCDF call into an exit code.
  subroutine check_read(input, status, name, stat, errmsg)
    type(restart_input), intent(in) :: input  !< the file
    integer, intent(in) :: status  !< what the call returned
    character(*), intent(in) :: name  !< variable
    integer, intent(inout) :: stat  !< exit code
    character(:), allocatable, intent(inout) :: errmsg  !< message if stat is not 0
    if (status /= nf90_noerr) call input_error(input%path, 'variable '//trim(name)// &
      ' cannot be read ('//trim(nf90_strerror(status))//'); the restart file is damaged', stat, &
      errmsg)
  end subroutine check_read

  !> Refuse a restart whose sites have changed under their names.
  subroutine compare_sites(input, sites, stat, errmsg)
    type(restart_input), intent(in) :: input  !< the file
    type(site_set), intent(in) :: sites  !< the run's sites
    integer, intent(inout) :: stat  !< exit code
    character(:), allocatable, intent(inout) :: errmsg  !< message if stat is not 0
    real(wp) :: values(input%n_sites)
    call compare('biome', real(sites%static%biome, wp), 0.5_wp)
    call compare('lat', sites%static%lat, 1.0e-4_wp)  ! what single precision may have rounded
    call compare('site_number', real(sites%number, wp), 0.5_wp)

  contains

    !> Compare a variable.
    subroutine compare(name, expected, tolerance)
      character(*), intent(in) :: name  !< variable
      real(wp), intent(in) :: expected(:)  !< values of the run
      real(wp), intent(in) :: tolerance  !< difference that is none
      integer :: k
      if (stat /= success) return
      call read_reals(input%path, input%ncid, name, unset, values, stat, errmsg)
      do k = 1, size(input%place)
        if (stat /= success) return
        if (abs(values(input%place(k)) - expected(k)) <= tolerance) cycle
        call input_error(input%path, name//' of site '//trim(sites%id(k))//' is '// &
          shown(values(input%place(k)))//' in the restart file and '//shown(expected(k))// &
          ' in the run', stat, errmsg)
      end do
    end subroutine compare

    !> A value as text, whole numbers without decimals.
    function shown(value)
      real(wp), intent(in) :: value  !< value
      character(:), allocatable :: shown
      shown = to_text(value, 10)
      if (index(shown, '.0') == len(shown) - 1) shown = shown(:len(shown) - 2)
    end function shown

  end subroutine compare_sites

  !> Find a variable and check its shape.
  subroutine find_array(input, name, expected, id, stat, errmsg)
    type(restart_input), intent(in) :: input  !< the file
    character(*), intent(in) :: name  !< variable
    integer, intent(in) :: expected(2)  !< shape that the run has
    integer, intent(out) :: id  !< id of the variable
    integer, intent(inout) :: stat  !< exit code
    character(:), allocatable, intent(inout) :: errmsg  !< message if stat is not 0
    integer :: dims(2), k, length, status
    id = -1
    if (.not. has_variable(input%ncid, name)) then
      call input_error(input%path, 'variable '//name// &
        ' is missing; was it written by another version?', stat, errmsg)
      return
    end if
    status = nf90_inq_varid(input%ncid, name, id)
    status = nf90_inquire_variable(input%ncid, id, dimids=dims)
    do k = 1, 2
      if (status == nf90_noerr) status = nf90_inquire_dimension(input%ncid, dims(k), len=length)
      if (status == nf90_noerr .and. length == expected(k)) cycle
      call input_error(input%path, 'variable '//name//' has length '//to_text(length)// &
        ', the run needs '//to_text(expected(k))// &
        '; was it written by another version or emulator?', stat, errmsg)
      return
    end do
  end subroutine find_array

end module restart
