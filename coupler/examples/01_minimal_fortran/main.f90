!> A land model in twenty lines: three wetland cells, hourly steps, fluxes every day.
program minimal_host
  use, intrinsic :: iso_fortran_env, only: real32, real64
  use ecostep, only: ecostep_cells, ecostep_model
  implicit none (type, external)
  integer, parameter :: ncell = 3
  type(ecostep_model) :: model
  type(ecostep_cells) :: cells
  real(real64), target :: tair(ncell), rain(ncell), zwt(ncell), lat(ncell), ch4(ncell), gpp(ncell)
  real(real32), allocatable, target :: state(:, :)
  character(1000) :: artefact
  integer :: day, hour

  call get_command_argument(1, artefact)
  call model%open(artefact)
  call cells%create(model, ncell)
  call cells%input('tas', 'degC', tair)
  call cells%input('pr', 'mm day-1', rain)
  call cells%input('wtd', 'cm', zwt)
  call cells%static('lat', 'degrees_north', lat)
  call cells%output('gpp', 'g m-2 day-1', gpp)
  call cells%output('fch4', 'mg m-2 day-1', ch4)
  allocate(state(model%state_size(), ncell))
  call cells%state(state)

  lat = [52.0_real64, 61.8_real64, 68.4_real64]
  call cells%init_state()
  do day = 1, 3
    do hour = 0, 23
      tair = [14.0_real64, 9.0_real64, 4.0_real64] + 4.0_real64 * sin(0.2618_real64 * (hour - 9))
      rain = 2.0_real64
      zwt = [5.0_real64, 12.0_real64, 0.0_real64]
      call cells%step(2001, 7, day, 3600 * hour, 3600)
    end do
    print '(a, i0, 2(a, 3f8.3))', 'July ', day, '  gpp (g m-2 day-1)', gpp, &
      '  ch4 (mg m-2 day-1)', ch4
  end do
  call cells%destroy()
  call model%close()
end program minimal_host
