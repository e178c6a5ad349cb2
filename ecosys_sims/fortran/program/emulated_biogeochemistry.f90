!> Biogeochemistry by an emulator: the coupler is called every physics step with what the land
!> model computes anyway, and gives the fluxes of a day on the step that completes it.
!>
!> What the land model offers is in the table of column_variables, by the names of docs/formats.md
!> section 1: its drivers and states are inputs, its targets are taken from the artefact.
module emulated_biogeochemistry
  use, intrinsic :: iso_fortran_env, only: real32
  use calendar_dates, only: calendar_date
  use column_state, only: step_forcing
  use column_variables, only: column_variable, grams_a_day, highest, lowest, share_integral, &
    site_variable, time_integral, whole_day_only
  use constants, only: seconds_per_day
  use ecostep, only: ecostep_cells, ecostep_model
  use exit_codes, only: emulator_failure, success
  use file_identity, only: describe_file
  use forcing_day, only: surface_steps
  use kinds, only: wp
  use namelist_input, only: configuration
  use text, only: join
  use variable_table, only: variable_attributes
  implicit none (type, external)
  private

  public :: emulator, open_emulator, close_emulator, start_emulator, forget_date, emulator_step
  public :: take_fluxes, gives

  !> An input of the artefact.
  type :: emulator_driver
    type(column_variable) :: variable  !< what the land model offers
    real(wp), allocatable :: mean(:)  !< over the interval of calls, or the value then, (nsite)
    real(wp), allocatable :: integral(:)  !< of the day up to the last call, (nsite)
  end type emulator_driver

  !> A target of the artefact that the land model has.
  type :: emulator_flux
    type(column_variable) :: variable  !< where the land model has it
    real(wp), allocatable :: of_day(:)  !< flux of the day that was completed last, (nsite)
  end type emulator_flux

  !> The emulator of a block of sites. Variables of this type must have the target attribute.
  type :: emulator
    type(ecostep_model) :: model  !< the artefact
    type(ecostep_cells) :: cells  !< the sites
    !> State rows, (state_size, nsite); they belong in the restart file.
    real(real32), allocatable :: state(:, :)
    !> What tells the artefact from others: name, kind, size and checksum.
    character(:), allocatable :: identity
    type(emulator_driver), allocatable, private :: drivers(:)  !< inputs of the artefact
    type(emulator_flux), allocatable, private :: fluxes(:)  !< targets that the land model has
    integer, private :: dt_call = 3600  !< interval of calls [s]
    integer, private :: dt = 3600  !< step of the forcing [s]
    character(:), allocatable, private :: file  !< path of the artefact, for messages
  end type emulator

contains

  !> Load the artefact and register what it asks for.
  subroutine open_emulator(self, config, variables, statics, nsite, stat, errmsg)
    type(emulator), intent(inout), target :: self  !< the emulator
    type(configuration), intent(in) :: config  !< configuration of the run
    type(column_variable), intent(in) :: variables(:)  !< what the column offers and takes
    type(site_variable), intent(in) :: statics(:)  !< what is known of the sites
    integer, intent(in) :: nsite  !< number of sites
    integer, intent(out) :: stat  !< exit code
    character(:), allocatable, intent(out) :: errmsg  !< message if stat is not 0
    integer :: i
    self%file = config%emulator_file
    self%dt_call = config%emulator_dt
    self%dt = config%dt_phys/surface_steps(config%dt_phys)
    call self%model%open(self%file, config%emulator_backend, stat, errmsg)
    if (stat == success) then
      self%identity = self%model%name()//' ('//self%model%kind()//', '// &
        describe_file(self%file)//')'
      allocate(self%state(self%model%state_size(), nsite), source=0.0_real32)
      call self%cells%create(self%model, nsite, config%calendar, stat, errmsg)
    end if
    if (stat == success) call self%cells%state(self%state, stat, errmsg)
    if (stat == success) call register_drivers(self, variables, nsite, stat, errmsg)
    do i = 1, self%model%n_statics()
      if (stat == success) call register_static(self, self%model%static_name(i), statics, stat, &
        errmsg)
    end do
    if (stat == success) call register_fluxes(self, variables, nsite, stat, errmsg)
    call settle(self, stat, errmsg)
  end subroutine open_emulator

  !> Give the artefact back.
  subroutine close_emulator(self)
    type(emulator), intent(inout), target :: self  !< the emulator
    call self%cells%destroy()
    call self%model%close()
  end subroutine close_emulator

  !> Register every input of the artefact; the land model must offer each.
  subroutine register_drivers(self, variables, nsite, stat, errmsg)
    type(emulator), intent(inout), target :: self  !< the emulator
    type(column_variable), intent(in) :: variables(:)  !< what the column offers
    integer, intent(in) :: nsite  !< number of sites
    integer, intent(inout) :: stat  !< status of the coupler
    character(:), allocatable, intent(inout) :: errmsg  !< message if stat is not 0
    type(column_variable), allocatable :: offered(:)
    integer :: i, place
    allocate(offered, source=pack(variables, variables%within_day /= whole_day_only))
    allocate(self%drivers(self%model%n_inputs()))
    do i = 1, size(self%drivers)
      if (stat /= success) return
      place = findloc(offered%name == self%model%input_name(i), .true., dim=1)
      if (place == 0) then
        call refuse('input', self%model%input_name(i), offered, stat, errmsg)
        return
      end if
      associate (driver => self%drivers(i))
        driver%variable = offered(place)
        allocate(driver%mean(nsite), driver%integral(nsite), source=0.0_wp)
        call self%cells%input(trim(driver%variable%name), trim(driver%variable%units), &
          driver%mean, stat, errmsg)
      end associate
    end do
  end subroutine register_drivers

  !> Register a static variable by its name.
  subroutine register_static(self, name, statics, stat, errmsg)
    type(emulator), intent(inout), target :: self  !< the emulator
    character(*), intent(in) :: name  !< name in the artefact
    type(site_variable), intent(in) :: statics(:)  !< what is known of the sites
    integer, intent(out) :: stat  !< status of the coupler
    character(:), allocatable, intent(inout) :: errmsg  !< message if stat is not 0
    integer :: place
    place = findloc(statics%name == name, .true., dim=1)
    if (place == 0) then
      call refuse('static', name, statics, stat, errmsg)
    else if (associated(statics(place)%classes)) then
      call self%cells%static(name, trim(statics(place)%units), statics(place)%classes, stat, errmsg)
    else
      call self%cells%static(name, trim(statics(place)%units), statics(place)%values, stat, errmsg)
    end if
  end subroutine register_static

  !> Register every target of the artefact that the land model has; it has no use for others.
  subroutine register_fluxes(self, variables, nsite, stat, errmsg)
    type(emulator), intent(inout), target :: self  !< the emulator
    type(column_variable), intent(in) :: variables(:)  !< what the column takes
    integer, intent(in) :: nsite  !< number of sites
    integer, intent(inout) :: stat  !< status of the coupler
    character(:), allocatable, intent(inout) :: errmsg  !< message if stat is not 0
    logical :: is_given(size(variables))
    integer :: i, place
    is_given = .false.
    do i = 1, self%model%n_targets()
      place = findloc(variables%name == self%model%target_name(i), .true., dim=1)
      if (place > 0) is_given(place) = variables(place)%role == 'target'
    end do
    allocate(self%fluxes(count(is_given)))
    self%fluxes%variable = pack(variables, is_given)
    do i = 1, size(self%fluxes)
      if (stat /= success) return
      associate (flux => self%fluxes(i))
        allocate(flux%of_day(nsite), source=0.0_wp)
        call self%cells%output(trim(flux%variable%name), trim(flux%variable%analysis_units), &
          flux%of_day, stat, errmsg)
      end associate
    end do
  end subroutine register_fluxes

  !> Whether the artefact gives a flux of the land model.
  pure logical function gives(self, name)
    type(emulator), intent(in) :: self  !< the emulator
    character(*), intent(in) :: name  !< name of the flux
    gives = any(self%fluxes%variable%name == name)
  end function gives

  !> Fresh state rows.
  subroutine start_emulator(self, stat, errmsg)
    type(emulator), intent(inout), target :: self  !< the emulator
    integer, intent(out) :: stat  !< exit code
    character(:), allocatable, intent(out) :: errmsg  !< message if stat is not 0
    call self%cells%init_state(stat, errmsg)
    call settle(self, stat, errmsg)
  end subroutine start_emulator

  !> Keep the memory in the state rows but forget their date: a run that starts at another one.
  subroutine forget_date(self, stat, errmsg)
    type(emulator), intent(inout), target :: self  !< the emulator
    integer, intent(out) :: stat  !< exit code
    character(:), allocatable, intent(out) :: errmsg  !< message if stat is not 0
    call self%cells%reset_date(stat, errmsg)
    call settle(self, stat, errmsg)
  end subroutine forget_date

  !> One step of the forcing, after the soil step that spans it: when a call is due, take the
  !> drivers from the column's sums of the day and call the coupler.
  subroutine emulator_step(self, forcing, date, step, stat, errmsg)
    type(emulator), intent(inout), target :: self  !< the emulator
    type(step_forcing), intent(in) :: forcing  !< forcing of the step
    type(calendar_date), intent(in) :: date  !< the day
    integer, intent(in) :: step  !< step of the day, from 1
    integer, intent(out) :: stat  !< exit code
    character(:), allocatable, intent(out) :: errmsg  !< message if stat is not 0
    integer :: i, steps_of_call, step_of_call
    stat = success
    steps_of_call = self%dt_call/self%dt
    step_of_call = mod(step - 1, steps_of_call) + 1
    do i = 1, size(self%drivers)
      associate (driver => self%drivers(i))
        if (step == 1) driver%integral = 0.0_wp
        if (self%dt_call < 86400) call add_extreme(driver, forcing%tair, step_of_call == 1)
        if (step_of_call == steps_of_call) call end_interval(driver, self%dt_call)
      end associate
    end do
    if (step_of_call < steps_of_call) return
    call self%cells%step(date%year, date%month, date%day, step*self%dt - self%dt_call, &
      self%dt_call, stat, errmsg)
    call settle(self, stat, errmsg)
  end subroutine emulator_step

  !> Lowest or highest temperature since the last call; no other driver is changed.
  pure subroutine add_extreme(driver, tair, first)
    type(emulator_driver), intent(inout) :: driver  !< the driver
    real(wp), intent(in) :: tair(:)  !< air temperature of the step [K], (nsite)
    logical, intent(in) :: first  !< whether the step is the first since the last call
    select case (driver%variable%within_day)
    case (lowest)
      if (.not. first) driver%mean = min(driver%mean, tair)
      if (first) driver%mean = tair
    case (highest)
      if (.not. first) driver%mean = max(driver%mean, tair)
      if (first) driver%mean = tair
    case default  ! no extreme
    end select
  end subroutine add_extreme

  !> The driver since the last call, from what the column has summed over the day since then.
  pure subroutine end_interval(driver, dt_call)
    type(emulator_driver), intent(inout) :: driver  !< the driver
    integer, intent(in) :: dt_call  !< interval of calls [s]
    associate (now => driver%variable%values)
      select case (driver%variable%within_day)
      case (time_integral)
        driver%mean = 1.0_wp/dt_call*(now - driver%integral)
        driver%integral = now
      case (share_integral)
        driver%mean = seconds_per_day/dt_call*(now - driver%integral)
        driver%integral = now
      case (lowest, highest)
        if (dt_call == 86400) driver%mean = now
      case (grams_a_day)
        driver%mean = 1.0e-3_wp*now/seconds_per_day
      case default  ! value_of_day
        driver%mean = now
      end select
    end associate
  end subroutine end_interval

  !> Put the fluxes of the day that has been completed into the column's results.
  subroutine take_fluxes(self)
    type(emulator), intent(in) :: self  !< the emulator
    integer :: i
    do i = 1, size(self%fluxes)
      self%fluxes(i)%variable%values = self%fluxes(i)%of_day
    end do
  end subroutine take_fluxes

  !> The artefact asks for something that the host has not.
  subroutine refuse(role, name, offered, stat, errmsg)
    character(*), intent(in) :: role  !< input or static
    character(*), intent(in) :: name  !< its name
    class(variable_attributes), intent(in) :: offered(:)  !< what the host has
    integer, intent(out) :: stat  !< status
    character(:), allocatable, intent(inout) :: errmsg  !< message
    character(len(offered%name)) :: names(size(offered))
    names = offered%name
    stat = emulator_failure
    errmsg = 'the emulator asks for the '//role//" '"//name// &
      "', which ecosys does not compute (known: "//join(names, ', ')//')'
  end subroutine refuse

  !> Turn a status of the coupler into an exit code and name the artefact.
  subroutine settle(self, stat, errmsg)
    type(emulator), intent(in) :: self  !< the emulator
    integer, intent(inout) :: stat  !< status of the coupler on entry, exit code on return
    character(:), allocatable, intent(inout) :: errmsg  !< message
    if (stat == success) return
    stat = emulator_failure
    if (index(errmsg, self%file) == 0) errmsg = self%file//': '//errmsg
  end subroutine settle

end module emulated_biogeochemistry
