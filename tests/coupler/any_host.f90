!> A host of any artefact: names, units, statics and daily drivers from a text file, fluxes to
!> standard output.
!>
!> The file: the artefact; numbers of cells, days, inputs, statics and targets, and year, month,
!> day of the first day; a line for the name and one for the units of each input, static and
!> target; a line of all cells for each static, and of each day one for each input. Days are of the
!> calendar noleap.
program any_host
  use, intrinsic :: iso_fortran_env, only: real32, real64
  use ecostep, only: ecostep_cells, ecostep_model
  implicit none (type, external)
  integer, parameter :: month_days(12) = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
  type(ecostep_model) :: model
  type(ecostep_cells) :: cells
  real(real64), allocatable, target :: drivers(:, :), statics(:, :), fluxes(:, :)
  real(real32), allocatable, target :: state(:, :)
  character(1000) :: path, artefact
  character(200) :: name, units
  integer :: unit, ncell, ndays, counts(3), date(3), day, variable

  call get_command_argument(1, path)
  open (newunit=unit, file=path, status='old', action='read')
  read (unit, '(a)') artefact
  read (unit, *) ncell, ndays, counts, date
  allocate(drivers(ncell, counts(1)), statics(ncell, counts(2)), fluxes(ncell, counts(3)))
  call model%open(artefact)
  call cells%create(model, ncell, calendar='noleap')
  do variable = 1, sum(counts)
    read (unit, '(a)') name, units
    if (variable <= counts(1)) then
      call cells%input(trim(name), trim(units), drivers(:, variable))
    else if (variable <= counts(1) + counts(2)) then
      call cells%static(trim(name), trim(units), statics(:, variable - counts(1)))
    else
      call cells%output(trim(name), trim(units), fluxes(:, variable - counts(1) - counts(2)))
    end if
  end do
  do variable = 1, counts(2)
    read (unit, *) statics(:, variable)
  end do
  allocate(state(model%state_size(), ncell))
  call cells%state(state)
  call cells%init_state()
  do day = 1, ndays
    do variable = 1, counts(1)
      read (unit, *) drivers(:, variable)
    end do
    call cells%step(date(1), date(2), date(3), seconds=0, dt=86400)
    do variable = 1, counts(3)
      print '(*(es24.16))', fluxes(:, variable)
    end do
    date(3) = date(3) + 1
    if (date(3) > month_days(date(2))) date = [date(1), date(2) + 1, 1]
    if (date(2) > 12) date = [date(1) + 1, 1, 1]
  end do
  close (unit)
  call cells%destroy()
  call model%close()
end program any_host
