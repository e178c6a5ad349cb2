!> The land model of example 02 on several ranks: each has its own cells and its own state rows;
!> rank 0 writes the files.
!>
!>     mpirun -n 3 mpi_driver run.nml
program mpi_driver
  use, intrinsic :: iso_fortran_env, only: error_unit, int32, real32, real64
  use decomposition, only: cell_decomposition
  use ecostep, only: ecostep_cells, ecostep_model
  use land_files, only: forcing_file, history_file, read_restart, write_restart
  use land_model, only: configuration, date_of_step, read_configuration, soil_water_step, &
    water_table
  use mpi_f08, only: MPI_Abort, MPI_COMM_WORLD, MPI_Finalize, MPI_Init
  implicit none (type, external)
  character(*), parameter :: flux_units = 'kg m-2 s-1'
  type(configuration) :: config
  type(cell_decomposition) :: parts
  type(forcing_file) :: forcing
  type(history_file) :: history
  type(ecostep_model) :: model
  type(ecostep_cells) :: cells
  character(16), allocatable :: inputs(:), targets(:)
  logical, allocatable, target :: active(:)              ! land, among this rank's cells
  real(real64), allocatable :: rain(:), water(:), share(:), all_water(:), all_fluxes(:, :)
  real(real64), allocatable, target :: drivers(:, :), statics(:, :), fluxes(:, :)
  real(real32), allocatable, target :: state(:, :)
  real(real32), allocatable :: all_state(:, :)
  integer(int32), allocatable :: checksum(:), all_checksum(:)
  character(:), allocatable :: message
  integer :: ncell, n_all, i, first, step, year, month, day, seconds, status

  call MPI_Init()
  call read_configuration(config)
  call forcing%open(trim(config%forcing))
  n_all = forcing%ncell
  call parts%create(n_all, config%round_robin)
  ncell = size(parts%mine)
  allocate(rain(ncell), water(ncell), all_water(n_all), share(ncell), active(ncell))
  allocate(checksum(ncell), all_checksum(n_all))
  call forcing%read_static('sftlf', parts%mine, share)
  active = share > 0.0_real64

  ! ---- as in example 02, with this rank's cells; 0 cells are allowed ----
  call model%open(config%artefact, config%backend, stat=status, errmsg=message)
  call must()
  call cells%create(model, ncell, calendar=config%calendar)
  call cells%mask(active)
  allocate(inputs(model%n_inputs()), targets(model%n_targets()))
  allocate(drivers(ncell, model%n_inputs()), statics(ncell, model%n_statics()))
  allocate(fluxes(ncell, model%n_targets()), state(model%state_size(), ncell))
  allocate(all_fluxes(n_all, model%n_targets()), all_state(model%state_size(), n_all))
  fluxes = 0.0_real64
  state = 0.0_real32
  do i = 1, size(inputs)
    inputs(i) = name_in_file(model%input_name(i))
    if (inputs(i) == 'wtd') then
      call cells%input('wtd', 'm', drivers(:, i))
    else
      call cells%input(model%input_name(i), forcing%units(trim(inputs(i))), drivers(:, i))
    end if
  end do
  do i = 1, model%n_statics()
    call forcing%read_static(model%static_name(i), parts%mine, statics(:, i))
    call cells%static(model%static_name(i), forcing%units(model%static_name(i)), statics(:, i))
  end do
  do i = 1, size(targets)
    targets(i) = model%target_name(i)
    call cells%output(targets(i), flux_units, fluxes(:, i))
  end do
  call cells%state(state)

  first = 0
  if (config%restart_in == '') then
    water = 350.0_real64
    call cells%init_state(status, message)
    call must()
  else
    call read_restart(trim(config%restart_in), model%fingerprint(), first, all_water, all_state, &
      all_checksum)
    water = all_water(parts%mine)
    state = all_state(:, parts%mine)
    call cells%check_state(all_checksum(parts%mine), status, message)
    call must()
  end if

  if (parts%rank == 0) call history%create(trim(config%history), n_all, targets, flux_units)
  do step = first, first + config%steps - 1
    call date_of_step(config, step, year, month, day, seconds)
    call forcing%read('pr', step * config%dt, parts%mine, rain)
    where (active) water = soil_water_step(rain, config%dt, water)
    do i = 1, size(inputs)
      if (inputs(i) == 'wtd') then
        drivers(:, i) = water_table(water)
      else
        call forcing%read(trim(inputs(i)), step * config%dt, parts%mine, drivers(:, i))
      end if
    end do
    call cells%step(year, month, day, seconds, config%dt, status, message)
    call must()
    do i = 1, size(targets)
      call parts%gather(fluxes(:, i), all_fluxes(:, i))
    end do
    if (parts%rank == 0) call history%write(step + 1, all_fluxes)
  end do
  call parts%gather(water, all_water)
  call parts%gather(state, all_state)
  call cells%state_checksum(checksum)
  call parts%gather(checksum, all_checksum)
  if (parts%rank == 0) then
    call history%close()
    call write_restart(trim(config%restart_out), model%fingerprint(), first + config%steps, &
      all_water, all_state, all_checksum)
    print '(a, i0, a, *(1x, i0))', 'mpi_driver: ', config%steps, ' steps, cells of the ranks:', &
      parts%counts
  end if
  call cells%destroy()
  call model%close()
  call forcing%close()
  call MPI_Finalize()

contains

  !> An error of one rank ends all of them, with its message.
  subroutine must()
    if (status == 0) return
    write (error_unit, '(a, i0, 2a)') 'rank ', parts%rank, ': ', message
    call MPI_Abort(MPI_COMM_WORLD, 1)
  end subroutine must

  !> Extremes of the day are made by the library from the temperature of each step.
  pure function name_in_file(name) result(source)
    character(*), intent(in) :: name  !< in the artefact
    character(len=len(inputs)) :: source

    source = name
    if (name == 'tasmin' .or. name == 'tasmax') source = 'tas'
  end function name_in_file

end program mpi_driver
