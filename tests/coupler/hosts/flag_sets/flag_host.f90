!> flag_host ARTEFACT RESULT: three days by the hour with a restart at noon through an unformatted file; writes every bit of fluxes and state
!> as text. Drivers are multiples of 1/4, which every kind of real holds exactly, so the result must not depend on the compiler's flags.
program flag_host
  use, intrinsic :: ieee_exceptions, only: ieee_get_halting_mode, ieee_overflow
  use, intrinsic :: iso_fortran_env, only: int32, int64, real32, real64
  use ecostep
  implicit none
  integer, parameter :: ncell = 70
  type(ecostep_model) :: model
  type(ecostep_cells) :: cells
  real, target :: tsoil(3, ncell), rain(ncell), gpp(ncell)  ! of the default kind, whatever the flags make of it
  real(real64), target :: zwt(ncell), lat(ncell), ch4(ncell)
  real(real32), allocatable, target :: state(:, :)
  character(len=1000) :: artefact, result
  integer :: hour, unit, i
  logical :: trapped_before, trapped_after

  call get_command_argument(1, artefact)
  call get_command_argument(2, result)
  call ieee_get_halting_mode(ieee_overflow, trapped_before)
  call model%open(artefact)
  call start()
  lat = [(40.0_real64 + 0.25_real64 * i, i = 1, ncell)]
  call cells%init_state()
  do hour = 0, 35
    call run_hour(hour)
  end do

  open (newunit=unit, status='scratch', form='unformatted')
  write (unit) state
  call cells%destroy()
  deallocate (state)
  rewind (unit)
  call start()
  read (unit) state
  close (unit)
  do hour = 36, 71
    call run_hour(hour)
  end do

  open (newunit=unit, file=result, status='replace', action='write')
  do i = 1, ncell
    write (unit, '(i0, 2(1x, z16.16), *(1x, z8.8))') i, transfer(ch4(i), 0_int64), &
        transfer(real(real(gpp(i), real32), real64), 0_int64), transfer(state(:, i), [0_int32])
  end do
  close (unit)
  call ieee_get_halting_mode(ieee_overflow, trapped_after)
  if (trapped_before .neqv. trapped_after) error stop 'the traps are not what they were'
  if (.not. maxval(ch4) > minval(ch4)) error stop 'no flux differs among cells'
  call cells%destroy()
  call model%close()

contains

  !> Register the host's arrays.
  subroutine start()
    call cells%create(model, ncell, calendar='noleap')
    call cells%input('tas', 'K', tsoil(2, :))
    call cells%input('pr', 'mm day-1', rain)
    call cells%input('wtd', 'm', zwt)
    call cells%static('lat', 'degrees_north', lat)
    call cells%output('gpp', 'g m-2 day-1', gpp)
    call cells%output('fch4', 'mg m-2 day-1', ch4)
    allocate (state(model%state_size(), ncell))
    call cells%state(state)
  end subroutine start

  !> One hour, counted from the start of the run.
  subroutine run_hour(count)
    integer, intent(in) :: count !< hour
    integer :: k

    do k = 1, ncell
      tsoil(:, k) = real(280 + mod(k, 8)) + 0.25 * real(mod(count, 24))
      rain(k) = 0.25 * real(mod(count + k, 7))
    end do
    zwt = 0.25_real64 + 0.0625_real64 * (count / 24)
    call cells%step(2001, 7, 1 + count / 24, 3600 * mod(count, 24), 3600)
  end subroutine run_hour

end program flag_host
