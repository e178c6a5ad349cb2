!> bmi_host ARTEFACT: the Fortran BMI component steps as a framework would, straight and restarted,
!> and equals the direct calls in every bit.
program bmi_host
  use, intrinsic :: ieee_arithmetic, only: ieee_quiet_nan, ieee_value
  use, intrinsic :: iso_fortran_env, only: error_unit, real32, real64
  use bmif_2_0, only: bmi, BMI_FAILURE, BMI_MAX_COMPONENT_NAME, BMI_MAX_UNITS_NAME, &
    BMI_MAX_VAR_NAME, BMI_SUCCESS
  use ecostep, only: ecostep_cells, ecostep_model
  use ecostep_bmi, only: bmi_ecostep
  implicit none (type, external)
  integer, parameter :: ncell = 5, nsteps = 20, dt = 21600
  type(ecostep_model) :: model
  type(ecostep_cells) :: cells
  type(bmi_ecostep), target :: straight, stopped, resumed
  class(bmi), pointer :: component
  character(1000) :: artefact
  character(BMI_MAX_VAR_NAME), pointer :: inputs(:), outputs(:)
  character(BMI_MAX_UNITS_NAME) :: text
  character(BMI_MAX_COMPONENT_NAME), pointer :: name
  real(real64), target :: drivers(ncell, 3), lat(ncell), gpp(ncell), ch4(ncell)
  real(real64) :: fluxes(ncell, 2, nsteps), values(ncell), time, clock(1)
  real(real64), pointer :: pointed(:)
  real(real32), pointer :: rows(:)
  real(real32), allocatable, target :: state(:, :), saved(:)
  integer :: step, i, grid, number, integers(1), day_of_february
  logical :: failed

  failed = .false.
  call get_command_argument(1, artefact)
  lat = [(50.0_real64 + 2.0_real64 * i, i = 1, ncell)]

  ! ---- by the library's own calls ----
  call model%open(artefact)
  call cells%create(model, ncell)
  do i = 1, 3
    call cells%input(model%input_name(i), model%input_units(i), drivers(:, i))
  end do
  call cells%static('lat', 'degrees_north', lat)
  call cells%output('gpp', model%target_units(1), gpp)
  call cells%output('fch4', model%target_units(2), ch4)
  allocate(state(model%state_size(), ncell))
  call cells%state(state)
  call cells%init_state()
  do step = 0, nsteps - 1
    do i = 1, 3
      drivers(:, i) = driver(model%input_name(i), step)
    end do
    day_of_february = 27 + step * dt / 86400
    call cells%step(2004, 2 + (day_of_february - 1) / 29, 1 + mod(day_of_february - 1, 29), &
      mod(step * dt, 86400), dt)
    fluxes(:, 1, step + 1) = gpp
    fluxes(:, 2, step + 1) = ch4
  end do

  ! ---- by BMI ----
  call begin(straight, .true.)
  call good(straight%get_component_name(name))
  call expect(name == 'ecostep', 'name of the component')
  call good(straight%get_output_var_names(outputs))
  call good(straight%get_input_var_names(inputs))
  call expect(size(inputs) == 3 .and. size(outputs) == 2, 'numbers of variables')
  call expect(inputs(1) == 'land_surface_air__temperature' &
    .and. inputs(3) == 'soil_water_sat-zone_top__depth', 'names')
  call good(straight%get_var_units('tas', text))
  call expect(text == 'K', 'units')
  call good(straight%get_var_type('gpp', text))
  call expect(text == 'double precision', 'type of a flux')
  call good(straight%get_var_type('ecostep__state', text))
  call expect(text == 'real', 'type of the state')
  call good(straight%get_var_grid('gpp', grid))
  call good(straight%get_grid_type(grid, text))
  call good(straight%get_grid_size(grid, number))
  call expect(text == 'points' .and. number == ncell, 'grid')
  call good(straight%get_grid_shape(grid, integers))
  call expect(integers(1) == ncell, 'shape')
  call good(straight%get_grid_y(grid, values))
  call expect(all(values == lat), 'latitudes')
  call good(straight%get_var_nbytes('ecostep__state', number))
  call expect(number == 4 * size(state), 'bytes of the state')
  call good(straight%get_end_time(time))
  call expect(time == 5 * 86400.0_real64, 'end time over a leap day')
  call drive(straight, 0, nsteps)
  call good(straight%get_value_ptr('ecostep__state', rows))
  call expect(all(rows == reshape(state, [size(state)])), 'state')
  call good(straight%get_value_ptr('gpp', pointed))
  call expect(all(pointed == gpp), 'pointer to a flux')
  call good(straight%get_value_at_indices('gpp', values(1:2), [4, 2]))
  call expect(all(values(1:2) == gpp([4, 2])), 'values at indices')

  ! ---- stopped at noon and restarted in another component ----
  call begin(stopped, .true.)
  call drive(stopped, 0, 6)
  allocate(saved(size(state)))
  call good(stopped%get_value('ecostep__state', saved))
  call good(stopped%get_value('ecostep__time', clock))
  call good(stopped%finalize())
  call begin(resumed, .false.)
  call good(resumed%set_value('ecostep__state', saved))
  call good(resumed%set_value('ecostep__time', clock))
  call drive(resumed, 6, nsteps)

  ! ---- what must fail, and leaves the component usable ----
  component => straight
  call expect(component%get_var_units('rain', text) == BMI_FAILURE, 'unknown variable')
  call expect(component%get_value_int('gpp', integers) == BMI_FAILURE, 'integer getter')
  call expect(component%get_value_double('gpp', values(1:2)) == BMI_FAILURE, 'short array')
  call expect(component%get_value_float('gpp', saved) == BMI_FAILURE, 'real getter of a flux')
  call good(straight%get_value('ecostep__state', saved))
  call expect(component%set_value_float('ecostep__state', 0.0_real32 * saved) == BMI_FAILURE, &
    'state of zeros')
  call expect(all(rows == saved), 'state after one that was refused')
  call expect(component%set_value_at_indices_float('ecostep__state', [1], &
    [ieee_value(0.0_real32, ieee_quiet_nan)]) == BMI_FAILURE, 'NaN in the state')
  call expect(all(rows == saved), 'state after a number that was refused')
  call expect(component%update_until(1.0_real64) == BMI_FAILURE, 'time gone by')
  call expect(component%set_value_double('lat', lat) == BMI_FAILURE, 'static after the start')
  call expect(component%get_grid_spacing(grid, values) == BMI_FAILURE, 'spacing of points')
  call expect(component%set_value_at_indices_double('tas', [0], values(1:1)) == BMI_FAILURE, &
    'index 0')
  call expect(component%initialize('no such file') == BMI_FAILURE, 'no configuration')
  call expect(component%update() == BMI_FAILURE, 'update of what is not initialised')
  call good(resumed%finalize())
  call good(resumed%finalize())
  if (failed) error stop 1

contains

  !> Value of a driver in all cells.
  pure function driver(variable, step) result(forcing)
    character(*), intent(in) :: variable  !< name, either one
    integer, intent(in) :: step  !< from 0
    real(real64) :: forcing(ncell)
    integer :: k

    forcing = [(k + 0.7_real64 * step, k = 1, ncell)]
    select case (variable)
    case ('tas', 'land_surface_air__temperature')
      forcing = 275.0_real64 + forcing
    case ('pr', 'atmosphere_water__precipitation_mass_flux')
      forcing = 1.0e-6_real64 * forcing
    case ('wtd', 'soil_water_sat-zone_top__depth')
      forcing = 0.01_real64 * forcing
    case default  ! as it is
    end select
  end function driver

  !> Write a configuration and initialise a component.
  subroutine begin(emulator, fresh)
    type(bmi_ecostep), intent(inout) :: emulator
    logical, intent(in) :: fresh  !< set latitudes
    integer :: unit

    open(newunit=unit, file='bmi_host.nml', status='replace', action='write')
    write(unit, '(3a)') "&ecostep artefact = '", trim(artefact), "', start = '2004-02-27',"
    write(unit, '(2(a, i0), a)') "end = '2004-03-03', time_step = ", dt, ', ncell = ', ncell, ' /'
    close(unit)
    call good(emulator%initialize('bmi_host.nml'))
    if (fresh) call good(emulator%set_value('land_surface__latitude', lat))
  end subroutine begin

  !> Steps, compared with the direct calls.
  subroutine drive(emulator, first, last)
    type(bmi_ecostep), intent(inout) :: emulator
    integer, intent(in) :: first, last  !< steps done before and after
    character(BMI_MAX_VAR_NAME), pointer :: names(:)
    integer :: n, k

    do n = first, last - 1
      call good(emulator%get_input_var_names(names))
      do k = 1, size(names)
        call good(emulator%set_value(trim(names(k)), driver(trim(names(k)), n)))
      end do
      call good(emulator%update())
      call good(emulator%get_output_var_names(names))
      do k = 1, size(names)
        call good(emulator%get_value(trim(names(k)), values))
        call expect(all(values == fluxes(:, k, n + 1)), 'flux '//trim(names(k)))
      end do
    end do
    call good(emulator%get_current_time(time))
    call expect(time == real(last, real64) * dt, 'time')
  end subroutine drive

  !> A call that must succeed.
  subroutine good(status)
    integer, intent(in) :: status  !< of BMI

    call expect(status == BMI_SUCCESS, 'a BMI function')
  end subroutine good

  !> Note a failure and go on.
  subroutine expect(true, what)
    logical, intent(in) :: true  !< the condition
    character(*), intent(in) :: what  !< what it is about

    if (true) return
    failed = .true.
    write(error_unit, '(2a)') 'FAILED: ', what
  end subroutine expect

end program bmi_host
