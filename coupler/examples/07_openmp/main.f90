!> A host with an OpenMP loop: each thread steps its own cells, and the number of threads changes no
!> bit.
program openmp_host
  use, intrinsic :: iso_fortran_env, only: real32, real64
  use ecostep, only: ecostep_cells, ecostep_model
  implicit none (type, external)
  integer, parameter :: ncell = 150, ndays = 5
  type(ecostep_model) :: model
  real(real64), target :: tair(ncell), rain(ncell), zwt(ncell), lat(ncell), ch4(ncell)
  real(real32), allocatable, target :: state(:, :)
  real(real64) :: ch4_of_one_thread(ncell)
  real(real32), allocatable :: state_of_one_thread(:, :)
  character(1000) :: artefact
  integer :: threads, i

  call get_command_argument(1, artefact)
  call model%open(artefact)
  allocate(state(model%state_size(), ncell))
  lat = [(40.0_real64 + 0.2_real64 * i, i = 1, ncell)]
  do threads = 1, 4
    call run(threads)
    print '(i0, a, f12.6)', threads, ' threads: mean CH4 flux (mg m-2 day-1)', sum(ch4) / ncell
    if (threads == 1) then
      ch4_of_one_thread = ch4
      state_of_one_thread = state
    end if
    if (any(ch4 /= ch4_of_one_thread) .or. any(state /= state_of_one_thread)) then
      error stop 'threads changed the result'
    end if
  end do
  call model%close()

contains

  !> Some days by the hour.
  subroutine run(threads)
    integer, intent(in) :: threads  !< number of threads
    type(ecostep_cells) :: cells(threads)
    integer :: thread, day, hour, first, last

    do thread = 1, threads
      first = 1 + (thread - 1) * ncell / threads
      last = thread * ncell / threads
      call cells(thread)%create(model, last - first + 1, calendar='noleap')
      call cells(thread)%input('tas', 'degC', tair(first:last))
      call cells(thread)%input('pr', 'mm day-1', rain(first:last))
      call cells(thread)%input('wtd', 'm', zwt(first:last))
      call cells(thread)%static('lat', 'degrees_north', lat(first:last))
      call cells(thread)%output('fch4', 'mg m-2 day-1', ch4(first:last))
      call cells(thread)%state(state(:, first:last))
      call cells(thread)%init_state()
    end do
    do day = 1, ndays
      do hour = 0, 23
        tair = 5.0_real64 + 0.1_real64 * lat + 0.5_real64 * hour
        rain = 2.0_real64
        zwt = 0.1_real64 + 0.01_real64 * day
        !$omp parallel do num_threads(threads) schedule(static, 1)
        do thread = 1, threads
          call cells(thread)%step(2001, 7, day, 3600 * hour, 3600)
        end do
        !$omp end parallel do
      end do
    end do
    do thread = 1, threads
      call cells(thread)%destroy()
    end do
  end subroutine run

end program openmp_host
