!> The program `ecosys`: runs the column model for the sites and years of a namelist file.
program ecosys
  use, intrinsic :: iso_c_binding, only: c_funptr, c_int, c_intptr_t, c_null_funptr
  use, intrinsic :: iso_fortran_env, only: error_unit, output_unit
  use documentation, only: namelist_document, parameter_document
  use exit_codes, only: bad_namelist, success
  use namelist_input, only: configuration, read_configuration
  use simulation, only: run_simulation
  use text, only: printable
  use version, only: git_hash, program_version
  implicit none (type, external)

  interface
    !> End without the messages of `stop`, and without the exit handlers of libraries that may hold
    !> files on a full disk.
    subroutine c_exit(code) bind(c, name='_exit')
      import :: c_int
      implicit none (type, external)
      integer(c_int), value :: code
    end subroutine c_exit

    !> Set what happens on a signal.
    function c_signal(number, handler) bind(c, name='signal') result(previous)
      import :: c_funptr, c_int
      implicit none (type, external)
      integer(c_int), value :: number
      type(c_funptr), value :: handler
      type(c_funptr) :: previous
    end function c_signal
  end interface

  integer(c_int), parameter :: sigxfsz = 25  ! a file grew beyond its limit (Linux and macOS)
  integer(c_intptr_t), parameter :: sig_ign = 1
  type(c_funptr) :: previous

  character(*), parameter :: usage = &
    'usage: ecosys CASE.nml | --help | --version | --parameters | --namelists'
  type(configuration) :: config
  character(:), allocatable :: argument, errmsg
  integer :: length, stat

  ! A file beyond its limit is an error of the write, to be reported like a full disk; the Fortran
  ! run time would end the program by a signal.
  previous = c_signal(sigxfsz, transfer(sig_ign, c_null_funptr))

  if (command_argument_count() /= 1) call leave(bad_namelist, usage)
  call get_command_argument(1, length=length)
  allocate(character(length) :: argument)
  call get_command_argument(1, argument)
  select case (argument)
  case ('--help', '-h')
    write(output_unit, '(a)') usage, '', &
      'Runs the column model for the sites and years that the namelist file CASE.nml asks for.', &
      '  --parameters  table of the parameters (docs/parameters.md)', &
      '  --namelists   table of the namelist groups and keys (docs/namelists.md)', '', &
      'Exit codes: 0 success, 1 bad input, 2 bad namelist or usage, 3 balance not closed,', &
      '4 output could not be written, 5 emulator failed.'
  case ('--version')
    write(output_unit, '(a)') 'ecosys '//program_version//' ('//git_hash//')'
  case ('--parameters')
    write(output_unit, '(a)', advance='no') parameter_document()
  case ('--namelists')
    write(output_unit, '(a)', advance='no') namelist_document()
  case default
    if (argument(1:min(1, length)) == '-') call leave(bad_namelist, usage)
    call read_configuration(argument, config, stat, errmsg)
    if (stat == success) call run_simulation(config, stat, errmsg)
    if (stat /= success) call leave(stat, errmsg)
    write(output_unit, '(a)') 'SUCCESSFUL COMPLETION'
  end select

contains

  !> Say what is wrong and end with an exit code.
  subroutine leave(code, message)
    integer, intent(in) :: code  !< exit code
    character(*), intent(in) :: message  !< message
    flush(output_unit)
    write(error_unit, '(a)') 'ecosys: '//printable(message)
    flush(error_unit)
    call c_exit(int(code, c_int))
  end subroutine leave

end program ecosys
