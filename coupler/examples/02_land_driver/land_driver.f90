!> A land model whose carbon and methane fluxes come from an emulator: netCDF forcing in, history
!> and restart files out.
!>
!>     land_driver run.nml
program land_driver
  use, intrinsic :: iso_fortran_env, only: int32, real32, real64
  use ecostep, only: ecostep_cells, ecostep_model
  use land_files, only: forcing_file, history_file, read_restart, write_restart
  use land_model, only: configuration, date_of_step, read_configuration, soil_water_step, &
    water_table
  implicit none (type, external)
  character(*), parameter :: flux_units = 'kg m-2 s-1'
  type(configuration) :: config
  type(forcing_file) :: forcing
  type(history_file) :: history
  type(ecostep_model) :: model
  type(ecostep_cells) :: cells
  character(16), allocatable :: inputs(:), targets(:)
  integer, allocatable :: all_cells(:)
  logical, allocatable, target :: active(:)              ! land, among the cells of the forcing file
  real(real64), allocatable :: rain(:), water(:), share(:)  ! the land model's own
  real(real64), allocatable, target :: drivers(:, :), statics(:, :), fluxes(:, :)
  real(real32), allocatable, target :: state(:, :)
  integer(int32), allocatable :: checksum(:)             ! of each cell's state
  integer :: ncell, i, first, step, year, month, day, seconds

  call read_configuration(config)
  call forcing%open(trim(config%forcing))
  ncell = forcing%ncell
  all_cells = [(i, i = 1, ncell)]
  allocate(rain(ncell), water(ncell), share(ncell), active(ncell), checksum(ncell))
  call forcing%read_static('sftlf', all_cells, share)
  active = share > 0.0_real64

  ! ---- the emulator: open it, give it the host's arrays by name and unit ----
  call model%open(config%artefact, config%backend)
  call cells%create(model, ncell, calendar=config%calendar)
  call cells%mask(active)                                ! sea is neither read nor written
  allocate(inputs(model%n_inputs()), targets(model%n_targets()))
  allocate(drivers(ncell, model%n_inputs()), statics(ncell, model%n_statics()))
  allocate(fluxes(ncell, model%n_targets()), state(model%state_size(), ncell))
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
    call forcing%read_static(model%static_name(i), all_cells, statics(:, i))
    call cells%static(model%static_name(i), forcing%units(model%static_name(i)), statics(:, i))
  end do
  do i = 1, size(targets)
    targets(i) = model%target_name(i)
    call cells%output(targets(i), flux_units, fluxes(:, i))
  end do
  call cells%state(state)

  ! ---- start afresh or go on ----
  first = 0
  if (config%restart_in == '') then
    water = 350.0_real64
    call cells%init_state()
  else
    call read_restart(trim(config%restart_in), model%fingerprint(), first, water, state, checksum)
    call cells%check_state(checksum)                     ! is it what was written?
  end if

  call history%create(trim(config%history), ncell, targets, flux_units)
  do step = first, first + config%steps - 1
    call date_of_step(config, step, year, month, day, seconds)
    call forcing%read('pr', step * config%dt, all_cells, rain)
    where (active) water = soil_water_step(rain, config%dt, water)
    do i = 1, size(inputs)
      if (inputs(i) == 'wtd') then
        drivers(:, i) = water_table(water)
      else
        call forcing%read(trim(inputs(i)), step * config%dt, all_cells, drivers(:, i))
      end if
    end do
    call cells%step(year, month, day, seconds, config%dt)
    call history%write(step + 1, fluxes)
  end do
  call history%close()
  call cells%state_checksum(checksum)
  call write_restart(trim(config%restart_out), model%fingerprint(), first + config%steps, water, &
    state, checksum)
  print '(a, i0, a, i0, 4a)', 'land_driver: ', config%steps, ' steps of ', count(active), &
    ' land cells with ', model%name(), ', backend ', model%backend()
  call cells%destroy()
  call model%close()
  call forcing%close()

contains

  !> Extremes of the day are made by the library from the temperature of each step.
  pure function name_in_file(name) result(source)
    character(*), intent(in) :: name  !< in the artefact
    character(len=len(inputs)) :: source

    source = name
    if (name == 'tasmin' .or. name == 'tasmax') source = 'tas'
  end function name_in_file

end program land_driver
