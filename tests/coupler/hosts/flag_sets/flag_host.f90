!> flag_host ARTEFACT RESULT BACKEND: three days by the hour with a restart at noon through an
!> unformatted file; writes every bit of fluxes and state as text. The artefact must run on BACKEND
!> by itself. Drivers are sums of few powers of 2, which every kind of real holds exactly, so the
!> result must not depend on the compiler's flags.
program flag_host
  use, intrinsic :: ieee_exceptions, only: ieee_get_halting_mode, ieee_overflow
  use, intrinsic :: iso_fortran_env, only: int32, int64, real32, real64
  use ecostep, only: ecostep_cells, ecostep_model
  implicit none (type, external)
  integer, parameter :: ncell = 70
  type(ecostep_model) :: model
  type(ecostep_cells) :: cells
  real, target :: tsoil(3, ncell), gpp(ncell)  ! of the default kind, whatever the flags make of it
  real(real64), target :: ch4(ncell)
  real(real64), allocatable, target :: drivers(:, :), statics(:, :)
  real(real32), allocatable, target :: state(:, :)
  character(1000) :: artefact, result, backend
  integer :: hour, unit, i
  logical :: trapped_before, trapped_after

  call get_command_argument(1, artefact)
  call get_command_argument(2, result)
  call get_command_argument(3, backend)
  call ieee_get_halting_mode(ieee_overflow, trapped_before)
  call model%open(artefact)
  if (model%backend() /= backend) then
    error stop 'runs on '//model%backend()//', not on '//trim(backend)//': '//model%backend_reason()
  end if
  allocate(drivers(ncell, model%n_inputs()), statics(ncell, model%n_statics()))
  call start()
  do i = 1, model%n_statics()
    statics(:, i) = site(model%static_name(i))
  end do
  call cells%init_state()
  do hour = 0, 35
    call run_hour(hour)
  end do

  open(newunit=unit, status='scratch', form='unformatted', action='readwrite')
  write(unit) state
  call cells%destroy()
  deallocate(state)
  rewind (unit)
  call start()
  read(unit) state
  close(unit)
  do hour = 36, 71
    call run_hour(hour)
  end do

  open(newunit=unit, file=result, status='replace', action='write')
  do i = 1, ncell
    write(unit, '(i0, 2(1x, z16.16), *(1x, z8.8))') i, transfer(ch4(i), 0_int64), &
      transfer(real(real(gpp(i), real32), real64), 0_int64), transfer(state(:, i), [0_int32])
  end do
  close(unit)
  call ieee_get_halting_mode(ieee_overflow, trapped_after)
  if (trapped_before .neqv. trapped_after) error stop 'the traps are not what they were'
  if (.not. maxval(ch4) > minval(ch4)) error stop 'no flux differs among cells'
  call cells%destroy()
  call model%close()

contains

  !> Register the host's arrays.
  subroutine start()
    integer :: k

    call cells%create(model, ncell, calendar='noleap')
    do k = 1, model%n_inputs()
      if (model%input_name(k) == 'tas') then
        call cells%input('tas', 'K', tsoil(2, :))
      else
        call cells%input(model%input_name(k), model%input_units(k), drivers(:, k))
      end if
    end do
    do k = 1, model%n_statics()
      call cells%static(model%static_name(k), model%static_units(k), statics(:, k))
    end do
    call cells%output('gpp', 'g m-2 day-1', gpp)
    call cells%output('fch4', 'mg m-2 day-1', ch4)
    allocate(state(model%state_size(), ncell))
    call cells%state(state)
  end subroutine start

  !> One hour, counted from the start of the run.
  subroutine run_hour(count)
    integer, intent(in) :: count  !< hour
    integer :: k

    do k = 1, ncell
      tsoil(:, k) = real(280 + mod(k, 8)) + 0.25 * real(mod(count, 24))
    end do
    do k = 1, model%n_inputs()
      drivers(:, k) = driver(model%input_name(k), count)
    end do
    call cells%step(2001, 7, 1 + count / 24, 3600 * mod(count, 24), 3600)
  end subroutine run_hour

  !> A driver in the artefact's units.
  function driver(name, count) result(values)
    character(*), intent(in) :: name  !< in the artefact
    integer, intent(in) :: count  !< hour
    real(real64) :: values(ncell)
    real(real64) :: mean, step
    integer :: k

    step = 0.25_real64
    select case (name)
    case ('tas', 'tasmin', 'tasmax', 'tsl')
      mean = 280.0_real64
    case ('pr', 'evspsbl')
      mean = 0.0_real64
      step = 2.0_real64**(-17)
    case ('rsds', 'rlds', 'co2')
      mean = 400.0_real64
    case ('vpd')
      mean = 512.0_real64
      step = 16.0_real64
    case ('ps')
      mean = 100000.0_real64
    case ('ch4')
      mean = 1800.0_real64
    case ('crop', 'fertilisation')
      mean = 0.0_real64
      step = 0.0_real64
    case default
      mean = 0.5_real64
      step = 0.0625_real64
    end select
    values = [(mean + step * mod(count + k, 7), k = 1, ncell)]
  end function driver

  !> A site attribute in the artefact's units.
  function site(name) result(values)
    character(*), intent(in) :: name  !< in the artefact
    real(real64) :: values(ncell)
    integer :: k

    select case (name)
    case ('lat', 'elevation')
      values = [(40.0_real64 + 0.25_real64 * k, k = 1, ncell)]
    case ('biome')
      values = [(real(1 + mod(k, 13), real64), k = 1, ncell)]
    case ('ph')
      values = 5.0_real64
    case default
      values = 0.25_real64
    end select
  end function site

end program flag_host
