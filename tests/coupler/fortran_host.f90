!> fortran_host ARTEFACT: a land model in Fortran, compiled with the flags that real ones use
!> (default reals of 8 bytes, trapped floating-point exceptions, big-endian restart files).
program fortran_host
  use, intrinsic :: ieee_arithmetic, only: ieee_quiet_nan, ieee_value
  use, intrinsic :: iso_fortran_env, only: error_unit, int32, real32, real64
  use ecostep, only: ecostep_bad_units, ecostep_bad_value, ecostep_cells, ecostep_corrupt, &
    ecostep_file_error, ecostep_no_backend, &
    ecostep_model, ecostep_policy_clip, ecostep_policy_warn, ecostep_status_name, &
    ecostep_unknown_name, ecostep_version, ecostep_wrong_size
  implicit none (type, external)
  integer, parameter :: ncell = 70, nlevel = 3

  type :: land
    type(ecostep_cells) :: cells
    ! of the default kind; level 2 is what the emulator wants
    real, pointer :: tsoil(:, :) => null()
    real(real32), pointer :: rain(:) => null()
    real(real64), pointer :: zwt => null()         ! one value for all cells
    real(real64), pointer :: lat(:) => null(), ch4(:) => null()
    real(real32), pointer :: gpp(:) => null()
    real(real32), pointer :: state(:, :) => null()
  end type land

  type(ecostep_model) :: model
  type(land) :: straight, stopped, resumed
  integer(int32) :: checksum(ncell)
  character(1000) :: path
  character(:), allocatable :: message
  integer :: status, unit, hour
  logical :: failed
  real(real32), target :: lat32 = 45.0_real32
  real(real64), target :: lat64 = 95.0_real64
  integer(int32), target :: lat_whole = -91_int32

  failed = .false.
  call get_command_argument(1, path)
  call model%open(path)
  call check(model%n_inputs() == 3 .and. model%input_name(1) == 'tas' &
    .and. model%input_units(1) == 'K', 'inputs')
  call check(model%target_name(2) == 'fch4' .and. model%target_name(3) == '' &
    .and. model%target_name(0) == '', 'targets')
  call check(ecostep_version() == '0.1.0', 'version')
  call check(ecostep_status_name(ecostep_bad_units) == 'BAD_UNITS', 'name of a status')

  ! A run of three days by the hour, straight and with a restart at noon of the second day.
  call start(straight)
  call start(stopped)
  do hour = 0, 71
    call run_hour(straight, hour)
    if (hour < 36) call run_hour(stopped, hour)
  end do
  open(newunit=unit, status='scratch', form='unformatted', action='readwrite')
  call stopped%cells%state_checksum(checksum)
  write(unit) stopped%state, checksum
  rewind (unit)
  call start(resumed)
  read(unit) resumed%state, checksum
  close(unit)
  call resumed%cells%check_state(checksum)
  call resumed%cells%check_state()
  checksum(ncell) = ieor(checksum(ncell), 1)
  call resumed%cells%check_state(checksum, status, message)
  call check_failure(ecostep_corrupt, 'the state of cell 70 of 70', 'checksum')
  call check(len(model%fingerprint()) == 64, 'fingerprint')
  do hour = 36, 71
    call run_hour(resumed, hour)
  end do
  call check(all(straight%state == resumed%state), 'state after a restart')
  call check(all(straight%ch4 == resumed%ch4), 'methane flux after a restart')
  call check(all(straight%gpp == resumed%gpp), 'gpp after a restart')
  call check(maxval(straight%ch4) > minval(straight%ch4), 'cells differ')

  ! Errors are values where the caller asks for them.
  call straight%cells%input('tas', 'mm', straight%tsoil(1, :), status, message)
  call check_failure(ecostep_bad_units, "cannot convert 'mm' to 'K'", 'units')
  call straight%cells%input('pr', 'mm s-1', straight%rain(1:3), status, message)
  call check_failure(ecostep_wrong_size, "'pr' has 3 values for 70 cells", 'number of cells')
  call straight%cells%output('co2', 'g m-2 day-1', straight%ch4, status, message)
  call check_failure(ecostep_unknown_name, 'it has: gpp fch4', 'name')
  straight%tsoil(2, 5) = ieee_value(1.0, ieee_quiet_nan)
  call straight%cells%step(2001, 7, 4, 0, 3600, status, message)
  call check_failure(ecostep_bad_value, "input 'tas' is NaN in cell 5 of 70", 'NaN')

  ! One site attribute for all cells, of each kind.
  call straight%cells%static('lat', 'degrees_north', lat32)
  call straight%cells%init_state()
  call check(all(straight%state(:, 1) == straight%state(:, ncell)), 'one static for all cells')
  call straight%cells%static('lat', 'degrees_north', lat64)
  call straight%cells%init_state(status, message)
  call check_failure(ecostep_bad_value, "static 'lat' is 95", 'scalar static of kind real64')
  call straight%cells%static('lat', 'degrees_north', lat_whole)
  call straight%cells%init_state(status, message)
  call check_failure(ecostep_bad_value, "static 'lat' is -91", 'scalar static of kind int32')
  call test_choices()
  call model%open(path, backend='none')
  call check(model%backend() == 'none' .and. model%n_inputs() == 3, 'a model to be described')
  call straight%cells%create(model, 1, stat=status, errmsg=message)
  call check_failure(ecostep_no_backend, "opened with backend 'none'", 'cells without backend')
  call model%open(path, trust=.true.)
  call check(model%backend() /= 'none', 'a trusted model')
  call model%open('no such file', stat=status, errmsg=message)
  call check_failure(ecostep_file_error, 'no such file: cannot be opened', 'file')
  if (allocated(message)) deallocate(message)  ! what lives at the end of a program counts as lost
  if (failed) error stop 1

contains

  !> Allocate the arrays of a land model, register them and start afresh.
  subroutine start(host)
    type(land), intent(inout) :: host
    integer :: i

    allocate(host%tsoil(nlevel, ncell), host%rain(ncell), host%zwt, host%lat(ncell))
    allocate(host%ch4(ncell), host%gpp(ncell))
    allocate(host%state(model%state_size(), ncell))
    call host%cells%create(model, ncell, calendar='noleap')
    call host%cells%input('tas', 'degC', host%tsoil(2, :))
    call host%cells%input('pr', 'mm day-1', host%rain)
    call host%cells%input('wtd', 'm', host%zwt)
    call host%cells%static('lat', 'degrees_north', host%lat(ncell:1:-1))
    call host%cells%output('gpp', 'g m-2 s-1', host%gpp)
    call host%cells%output('fch4', 'kg m-2 s-1', host%ch4)
    call host%cells%state(host%state)
    host%lat = [(40.0_real64 + 0.5_real64 * i, i = 1, ncell)]
    call host%cells%init_state()
  end subroutine start

  !> One hour, counted from the start of the run.
  subroutine run_hour(host, count)
    type(land), intent(inout) :: host
    integer, intent(in) :: count
    integer :: i

    do i = 1, ncell
      host%tsoil(:, i) = 5.0 + 0.2 * i + 3.0 * sin(0.2618 * count)
      host%rain(i) = real(mod(count + i, 7), real32)
    end do
    host%zwt = 0.1_real64 + 0.001_real64 * count
    call host%cells%step(2001, 7, 1 + count / 24, 3600 * mod(count, 24), 3600)
  end subroutine run_hour

  !> Masks, policies, spin-up and derivatives.
  subroutine test_choices()
    type(land) :: spun
    logical, target :: active(2, ncell)
    real(real64), target :: tas(ncell, 3), pr(ncell, 3), wtd(3)
    real(real64), target :: weight(2, ncell), to_inputs(3, ncell)
    real(real64), allocatable :: to_state(:, :)
    real(real32), allocatable :: state_before(:, :)
    real(real64) :: above, below
    integer :: i, day

    call start(spun)
    tas = reshape([(280.0_real64 + 0.05_real64 * i, i = 1, 3 * ncell)], [ncell, 3])
    pr = 1.0e-5_real64
    wtd = [0.1_real64, 0.2_real64, 0.3_real64]
    call spun%cells%input('tas', 'K', tas(:, 1))
    call spun%cells%input('pr', 'kg m-2 s-1', pr(:, 1))
    call spun%cells%input('wtd', 'm', wtd(1))
    call spun%cells%spin_up(2001, 7, 1, 3, ncell)
    state_before = spun%state
    call spun%cells%init_state()
    do day = 1, 3
      call spun%cells%input('tas', 'K', tas(:, day))
      call spun%cells%input('pr', 'kg m-2 s-1', pr(:, day))
      call spun%cells%input('wtd', 'm', wtd(day))
      call spun%cells%step(2001, 7, day, 0, 86400)
    end do
    call check(all(spun%state == state_before), 'spin-up')

    weight = 1.0_real64
    allocate(to_state(model%state_size(), ncell))
    call spun%cells%output('gpp', 'g m-2 day-1', spun%gpp)
    call spun%cells%output('fch4', 'mg m-2 day-1', spun%ch4)
    call spun%cells%gradient(2001, 7, 4, weight, to_inputs, to_state)
    tas(5, 3) = tas(5, 3) + 0.5_real64
    call spun%cells%step(2001, 7, 4, 0, 86400)
    above = spun%gpp(5) + spun%ch4(5)
    spun%state = state_before
    tas(5, 3) = tas(5, 3) - 1.0_real64
    call spun%cells%step(2001, 7, 4, 0, 86400)
    below = spun%gpp(5) + spun%ch4(5)
    call check(abs(above - below - to_inputs(1, 5)) &
      <= 1.0e-3_real64 + 0.02_real64 * abs(to_inputs(1, 5)), 'derivative')
    call spun%cells%gradient(2001, 7, 5, weight(:, 2:), to_inputs, to_state, stat=status, &
      errmsg=message)
    call check_failure(ecostep_wrong_size, '(n_targets, ncell)', 'shape of weights')

    spun%state = state_before
    active = .false.
    active(2, 1::2) = .true.
    call spun%cells%mask(active(2, :))
    call spun%cells%policy(ecostep_policy_clip)
    call spun%cells%policy(ecostep_policy_warn, name='tas')
    tas(2, 3) = ieee_value(1.0_real64, ieee_quiet_nan)
    call spun%cells%step(2001, 7, 4, 0, 86400)
    call check(all(spun%state(:, 2::2) == state_before(:, 2::2)), 'mask: inactive cells')
    call check(any(spun%state(:, 1::2) /= state_before(:, 1::2)), 'mask: active cells')
    call check(spun%cells%range_count('tas') >= 0, 'count')
    call check(spun%cells%range_count('no such') == -1, 'count of no variable')
    call spun%cells%policy(ecostep_policy_clip, name='no such', stat=status, errmsg=message)
    call check(status == ecostep_unknown_name, 'policy of no variable')
    call check(model%backend_reason() == '' &
      .or. index(model%backend_reason(), 'native') > 0, 'reason')
    call spun%cells%destroy()
    deallocate(spun%tsoil, spun%rain, spun%zwt, spun%lat, spun%ch4, spun%gpp, spun%state)
  end subroutine test_choices

  !> The last call failed with this status and a message that has these words.
  subroutine check_failure(expected, words, what)
    integer, intent(in) :: expected  !< status
    character(*), intent(in) :: words  !< in the message
    character(*), intent(in) :: what  !< is tested

    call check(status == expected .and. index(message, words) > 0, what)
  end subroutine check_failure

  !> Note a failure and go on.
  subroutine check(holds, what)
    logical, intent(in) :: holds
    character(*), intent(in) :: what

    if (holds) return
    failed = .true.
    write(error_unit, '(2a)') 'FAILED: ', what
    if (allocated(message)) write(error_unit, '(2a)') '  last message: ', message
  end subroutine check

end program fortran_host
