!> Restart files: everything that a run needs to go on as if it had not stopped, bit for bit.
!>
!> Column state (double precision), random streams, memory of the weather generator, and under the
!> emulator scheme its state rows. Sites are found by their name, so blocks may be cut differently.
module restart
  use, intrinsic :: iso_fortran_env, only: int64, real32
  use calendar_dates, only: calendar_date, format_date
  use column_state, only: column_type, state_field, state_fields
  use exit_codes, only: success
  use forcing, only: forcing_source
  use input_files, only: close_input, dimension_length, has_variable, input_error, open_input, &
    read_reals, read_strings, string_length, text_attribute
  use kinds, only: wp
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
    integer :: site_dim, word_dim, memory_dim, row_dim, ids(7), k
    integer, allocatable :: id(:)
    integer(int64), allocatable :: words(:, :)
    name = config%case_name//'.r.'//format_date(date)//'-00000.nc'
    call state_fields(state, fields)
    allocate(id(size(fields)))
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
    call out%check(nf90_def_var(out%ncid, 'site_id', nf90_string, [site_dim], ids(1)), &
      'define site_id')
    call out%check(nf90_def_var(out%ncid, 'random_stream', nf90_int64, [word_dim, site_dim], &
      ids(2)), 'define random_stream')
    call out%check(nf90_def_var(out%ncid, 'weather_memory', nf90_double, [memory_dim, site_dim], &
      ids(3)), 'define weather_memory')
    call out%check(nf90_def_var(out%ncid, 'biome', nf90_int, [site_dim], ids(5)), 'define biome')
    call out%check(nf90_def_var(out%ncid, 'lat', nf90_double, [site_dim], ids(6)), 'define lat')
    call out%check(nf90_def_var(out%ncid, 'site_number', nf90_int, [site_dim], ids(7)), &
      'define site_number')
    if (size(emulator_state) > 0) then
      call out%check(nf90_def_dim(out%ncid, 'row', size(emulator_state, 1), row_dim), 'define row')
      call out%check(nf90_def_var(out%ncid, 'emulator_state', nf90_float, [row_dim, site_dim], &
        ids(4)), 'define emulator_state')
      call out%check(nf90_put_att(out%ncid, ids(4), 'artefact', identity), 'write artefact')
    end if
    call out%check(nf90_enddef(out%ncid), 'end the definition')
    if (out%stat == success) then
      do k = 1, size(sites%id)
        call out%check(put_string(out%ncid, ids(1), k, sites%id(k)), 'write site_id')
      end do
      call out%check(nf90_put_var(out%ncid, ids(5), sites%static%biome), 'write biome')
      call out%check(nf90_put_var(out%ncid, ids(6), sites%static%lat), 'write lat')
      call out%check(nf90_put_var(out%ncid, ids(7), sites%number), 'write site_number')
      do k = 1, size(fields)
        call out%check(nf90_put_var(out%ncid, id(k), fields(k)%values), 'write '//fields(k)%name)
      end do
      allocate(words(stream_words, size(sites%id)))
      do k = 1, size(sites%id)
        words(:, k) = source%streams(k)%word
      end do
      call out%check(nf90_put_var(out%ncid, ids(2), words), 'write random_stream')
      call out%check(nf90_put_var(out%ncid, ids(3), source%generator%memory), &
        'write weather_memory')
      if (size(emulator_state) > 0) call out%check(nf90_put_var(out%ncid, ids(4), &
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
        [site_dim, level_dim], id(k)), 'define '//fields(k)%name)
      call out%check(nf90_put_att(out%ncid, id(k), 'units', trim(fields(k)%units)), 'write units')
      call out%check(nf90_put_att(out%ncid, id(k), 'long_name', trim(fields(k)%long_name)), &
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
    type(state_field), allocatable :: fields(:)
    character(string_length), allocatable :: names(:)
    real(wp), allocatable :: values(:, :)
    real(real32), allocatable :: rows(:, :)
    integer(int64), allocatable :: words(:, :)
    integer, allocatable :: place(:)
    character(:), allocatable :: file, written
    integer :: ncid, k, n, id
    logical :: known
    with_emulator = .false.
    date = ''
    file = config%finidat
    call open_input(file, ncid, stat, errmsg)
    if (stat /= success) return
    n = dimension_length(ncid, 'site')
    known = has_variable(ncid, 'random_stream')
    allocate(names(max(n, 0)), place(size(sites%id)))
    if (n < 1 .or. .not. known) then
      call input_error(file, 'not a restart file of ecosys', stat, errmsg)
    else
      date = text_attribute(ncid, '', 'date')
      call read_strings(file, ncid, 'site_id', names, stat, errmsg)
      do k = 1, size(sites%id)
        place(k) = findloc(names == sites%id(k), .true., dim=1)
        if (stat == success .and. place(k) == 0) call input_error(file, 'site '// &
          trim(sites%id(k))//' is not in the restart file', stat, errmsg)
      end do
    end if
    written = text_attribute(ncid, '', 'calendar')
    if (stat == success .and. written /= config%calendar) call input_error(file, &
      "the restart file is of the calendar '"//written//"', the run of '"// &
      config%calendar//"'", stat, errmsg)
    if (stat == success) call compare_sites(file, ncid, sites, n, place, stat, errmsg)
    call state_fields(state, fields)
    known = has_variable(ncid, 'finund')
    if (stat == success .and. (known .neqv. any(fields%name == 'finund'))) call input_error(file, &
      "the restart file is of another inundation in &run_ctl than the run, '"// &
      config%inundation//"'", stat, errmsg)
    do k = 1, size(fields)
      if (stat /= success) exit
      allocate(values(n, size(fields(k)%values, 2)))
      call read_array(file, ncid, trim(fields(k)%name), shape(values), id, stat, errmsg)
      if (stat == success) call check(nf90_get_var(ncid, id, values), fields(k)%name)
      if (stat == success) fields(k)%values = values(place, :)
      deallocate(values)
    end do
    do k = 1, size(sites%id)
      if (stat == success .and. state%crop(k) > 0.0_wp .and. sites%params%rotation(k) <= 0.0_wp) then
        call input_error(file, 'a crop stands at site '//trim(sites%id(k))// &
          ' in the restart file, the run has rotation = 0 there', stat, errmsg)
      end if
    end do
    if (stat == success) then
      allocate(words(stream_words, n), values(generator_memory, n))
      call read_array(file, ncid, 'random_stream', shape(words), id, stat, errmsg)
      if (stat == success) call check(nf90_get_var(ncid, id, words), 'random_stream')
      if (stat == success) call read_array(file, ncid, 'weather_memory', shape(values), id, stat, &
        errmsg)
      if (stat == success) call check(nf90_get_var(ncid, id, values), 'weather_memory')
      if (stat == success) then
        do k = 1, size(sites%id)
          source%streams(k)%word = words(:, place(k))
        end do
        source%generator%memory = values(:, place)
      end if
    end if
    if (stat == success .and. size(emulator_state) > 0) then
      with_emulator = has_variable(ncid, 'emulator_state')
      written = text_attribute(ncid, 'emulator_state', 'artefact')
      if (with_emulator .and. written /= identity) call input_error(file, &
        'the emulator state is that of the artefact '//written//', the run has '//identity// &
        '; start from a restart file of this artefact or of the process scheme', stat, errmsg)
      if (with_emulator .and. stat == success) then
        allocate(rows(size(emulator_state, 1), n))
        call read_array(file, ncid, 'emulator_state', shape(rows), id, stat, errmsg)
        if (stat == success) call check(nf90_get_var(ncid, id, rows), 'emulator_state')
        if (stat == success) emulator_state = rows(:, place)
      end if
    end if
    call close_input(ncid)

  contains

    !> Keep the failure of a netCDF call.
    subroutine check(status, name)
      integer, intent(in) :: status  !< what the call returned
      character(*), intent(in) :: name  !< variable
      if (status /= nf90_noerr) call input_error(file, 'variable '//trim(name)// &
        ' cannot be read ('//trim(nf90_strerror(status))//')', stat, errmsg)
    end subroutine check

  end subroutine read_restart

  !> Refuse a restart whose sites have changed under their names.
  subroutine compare_sites(file, ncid, sites, n, place, stat, errmsg)
    character(*), intent(in) :: file  !< path
    integer, intent(in) :: ncid  !< netCDF id
    type(site_set), intent(in) :: sites  !< the run's sites
    integer, intent(in) :: n  !< sites of the file
    integer, intent(in) :: place(:)  !< where each of the run's sites is in the file
    integer, intent(inout) :: stat  !< exit code
    character(:), allocatable, intent(inout) :: errmsg  !< message if stat is not 0
    real(wp) :: values(n)
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
      call read_reals(file, ncid, name, unset, values, stat, errmsg)
      do k = 1, size(place)
        if (stat /= success) return
        if (abs(values(place(k)) - expected(k)) <= tolerance) cycle
        call input_error(file, name//' of site '//trim(sites%id(k))//' is '// &
          shown(values(place(k)))//' in the restart file and '//shown(expected(k))// &
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
  subroutine read_array(file, ncid, name, expected, id, stat, errmsg)
    character(*), intent(in) :: file  !< path
    integer, intent(in) :: ncid  !< netCDF id
    character(*), intent(in) :: name  !< variable
    integer, intent(in) :: expected(2)  !< shape that the run has
    integer, intent(out) :: id  !< id of the variable
    integer, intent(inout) :: stat  !< exit code
    character(:), allocatable, intent(inout) :: errmsg  !< message if stat is not 0
    integer :: dims(2), k, length, status
    id = -1
    if (.not. has_variable(ncid, name)) then
      call input_error(file, 'variable '//name//' is missing; was it written by another version?', &
        stat, errmsg)
      return
    end if
    status = nf90_inq_varid(ncid, name, id)
    status = nf90_inquire_variable(ncid, id, dimids=dims)
    do k = 1, 2
      if (status == nf90_noerr) status = nf90_inquire_dimension(ncid, dims(k), len=length)
      if (status == nf90_noerr .and. length == expected(k)) cycle
      call input_error(file, 'variable '//name//' has length '//to_text(length)// &
        ', the run needs '//to_text(expected(k))//'; was it written by another version or emulator?', stat, errmsg)
      return
    end do
  end subroutine read_array

end module restart
