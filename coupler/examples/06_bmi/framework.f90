!> A framework in small, in the manner of NextGen: it gets a component from `register_bmi` and knows
!> nothing of it but BMI 2.0.
!>
!>     framework component.nml
program framework
  use, intrinsic :: iso_c_binding, only: c_f_pointer, c_int, c_ptr
  use bmif_2_0, only: bmi, BMI_MAX_COMPONENT_NAME, BMI_MAX_UNITS_NAME, BMI_MAX_VAR_NAME, BMI_SUCCESS
  implicit none (type, external)

  interface
    function register_bmi(this) result(bmi_status) bind(c)
      import :: c_int, c_ptr
      implicit none (type, external)
      type(c_ptr), intent(out) :: this
      integer(c_int) :: bmi_status
    end function register_bmi
  end interface

  type :: box
    class(bmi), pointer :: ptr => null()
  end type box

  type(c_ptr) :: handle
  type(box), pointer :: component
  character(BMI_MAX_COMPONENT_NAME), pointer :: name
  character(BMI_MAX_VAR_NAME), pointer :: inputs(:), outputs(:)
  character(BMI_MAX_UNITS_NAME) :: units
  character(512) :: config_file
  double precision, allocatable :: values(:)
  real, allocatable :: state(:)
  double precision :: time(1), flux, flux_after_restart
  integer :: grid, ncell, nstate, day, i

  call get_command_argument(1, config_file)
  call must(register_bmi(handle))
  call c_f_pointer(handle, component)
  call must(component%ptr%initialize(trim(config_file)))
  call must(component%ptr%get_component_name(name))
  call must(component%ptr%get_input_var_names(inputs))
  call must(component%ptr%get_output_var_names(outputs))
  call must(component%ptr%get_var_grid(outputs(1), grid))
  call must(component%ptr%get_grid_size(grid, ncell))
  allocate(values(ncell))
  print '(3a, i0, a)', 'component ', trim(name), ', ', ncell, ' cells'
  do i = 1, size(inputs)
    call must(component%ptr%get_var_units(inputs(i), units))
    print '(5a)', '  input  ', trim(inputs(i)), ' [', trim(units), ']'
  end do
  do i = 1, size(outputs)
    call must(component%ptr%get_var_units(outputs(i), units))
    print '(5a)', '  output ', trim(outputs(i)), ' [', trim(units), ']'
  end do

  ! ---- ten days, the state put by after five ----
  do day = 1, 10
    if (day == 6) then
      call must(component%ptr%get_var_grid('ecostep__state', grid))
      call must(component%ptr%get_grid_size(grid, nstate))
      allocate(state(nstate))
      call must(component%ptr%get_value_float('ecostep__state', state))
      call must(component%ptr%get_current_time(time(1)))
    end if
    call run_day(day)
  end do
  call must(component%ptr%get_value_double(outputs(1), values))
  flux = values(1)

  ! ---- and the last five again from that state ----
  call must(component%ptr%finalize())
  call must(component%ptr%initialize(trim(config_file)))
  call must(component%ptr%get_input_var_names(inputs))
  call must(component%ptr%get_output_var_names(outputs))
  call must(component%ptr%set_value_float('ecostep__state', state))
  call must(component%ptr%set_value_double('ecostep__time', time))
  do day = 6, 10
    call run_day(day)
  end do
  call must(component%ptr%get_value_double(outputs(1), values))
  flux_after_restart = values(1)
  print '(2a, es23.15, a, es23.15)', trim(outputs(1)), ' of the last day', flux, &
    ', after a restart', flux_after_restart
  call must(component%ptr%finalize())
  if (flux /= flux_after_restart) error stop 'a restart changed the result'

contains

  !> Set all drivers and go on to the end of the day.
  subroutine run_day(number)
    integer, intent(in) :: number  !< day of the run
    integer :: k

    do k = 1, size(inputs)
      select case (trim(inputs(k)))
      case ('land_surface_air__temperature')
        values = 280.0d0 + number
      case ('atmosphere_water__precipitation_mass_flux')
        values = 2.0d-5
      case default
        values = 0.1d0
      end select
      call must(component%ptr%set_value_double(inputs(k), values))
    end do
    call must(component%ptr%update_until(86400.0d0 * number))
  end subroutine run_day

  !> Stop where a function failed; the component has said why.
  subroutine must(status)
    integer, intent(in) :: status  !< of BMI

    if (status /= BMI_SUCCESS) error stop 'the component failed'
  end subroutine must

end program framework
