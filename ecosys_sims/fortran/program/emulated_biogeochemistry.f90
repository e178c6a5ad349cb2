!> Biogeochemistry by an emulator: the coupler is called every physics step with what the land
!> model computes anyway, and gives the fluxes of a day on the step that completes it.
module emulated_biogeochemistry
  use, intrinsic :: iso_fortran_env, only : real32
  use calendar_dates, only : calendar_date
  use column, only : column_model
  use constants, only : seconds_per_day
  use column_state, only : site_static, step_forcing
  use ecostep, only : ecostep_cells, ecostep_model
  use exit_codes, only : emulator_failure, success
  use file_identity, only : describe_file
  use forcing_day, only : surface_steps
  use kinds, only : wp
  use namelist_input, only : configuration
  use text, only : join
  implicit none
  private

  public :: emulator, open_emulator, close_emulator, start_emulator, forget_date, emulator_step
  public :: take_fluxes

  integer, parameter :: n_drivers = 19, n_targets = 5

  !> Variables that the host offers, named as in docs/formats.md section 1.
  character(*), parameter :: driver_names(n_drivers) = [character(13) :: 'tas', 'tasmin', 'tasmax', &
    'pr', 'rsds', 'rlds', 'vpd', 'sfcWind', 'ps', 'co2', 'ch4', 'tsl', 'mrsos', 'wtd', 'snw', &
    'lai', 'evspsbl', 'crop', 'fertilisation']
  character(*), parameter :: driver_units(n_drivers) = [character(12) :: 'K', 'K', 'K', &
    'kg m-2 s-1', 'W m-2', 'W m-2', 'Pa', 'm s-1', 'Pa', '1e-6', '1e-9', 'K', 'kg m-2', 'm', &
    'kg m-2', '1', 'kg m-2 s-1', '1', 'kg m-2 s-1']
  character(*), parameter :: target_names(n_targets) = [character(4) :: 'gpp', 'ra', 'rh', 'nee', &
    'fch4']
  character(*), parameter :: target_units(n_targets) = [character(14) :: 'g m-2 day-1', &
    'g m-2 day-1', 'g m-2 day-1', 'g m-2 day-1', 'mg m-2 day-1']

  !> The emulator of a block of sites. Variables of this type must have the target attribute.
  type :: emulator
    !> The artefact.
    type(ecostep_model) :: model
    !> The cells.
    type(ecostep_cells) :: cells
    !> State rows, (state_size, nsite); they belong in the restart file.
    real(real32), allocatable :: state(:, :)
    !> What tells the artefact from others: name, kind, size and checksum.
    character(:), allocatable :: identity
    !> Whether the artefact gives a target, in the order gpp, ra, rh, nee, fch4.
    logical :: gives(n_targets) = .false.
    !> Drivers over the interval of calls, (nsite, n_drivers).
    real(wp), allocatable, private :: drivers(:, :)
    !> Fluxes, (nsite, n_targets).
    real(wp), allocatable, private :: fluxes(:, :)
    !> The column's sums of the day up to the last call, (nsite, n_drivers).
    real(wp), allocatable, private :: before(:, :)
    !> Whether the artefact asks for a driver.
    logical, private :: wanted(n_drivers) = .false.
    !> Interval of calls and step of the forcing [s].
    integer, private :: dt_call = 3600, dt = 3600
    !> Path of the artefact, for messages.
    character(:), allocatable, private :: file
  end type emulator

contains

  !> Load the artefact and register what it asks for.
  subroutine open_emulator(self, config, static, stat, errmsg)
    !> The emulator.
    type(emulator), intent(inout), target :: self
    !> Configuration of the run.
    type(configuration), intent(in) :: config
    !> The sites.
    type(site_static), intent(in), target :: static
    !> Exit code.
    integer, intent(out) :: stat
    !> Message if stat is not 0.
    character(:), allocatable, intent(out) :: errmsg
    integer :: i, k, n
    n = static%nsite
    self%file = config%emulator_file
    self%dt_call = config%emulator_dt
    self%dt = config%dt_phys/surface_steps(config%dt_phys)
    allocate(self%drivers(n, n_drivers), self%before(n, n_drivers), self%fluxes(n, n_targets), &
      source=0.0_wp)
    call self%model%open(self%file, config%emulator_backend, stat, errmsg)
    if (stat == 0) then
      self%identity = self%model%name()//' ('//self%model%kind()//', '// &
        describe_file(self%file)//')'
      allocate(self%state(self%model%state_size(), n), source=0.0_real32)
      call self%cells%create(self%model, n, config%calendar, stat, errmsg)
    end if
    if (stat == 0) call self%cells%state(self%state, stat, errmsg)
    do i = 1, self%model%n_inputs()
      if (stat /= 0) exit
      k = place(self%model%input_name(i), driver_names)
      if (k == 0) then
        call refuse('input', self%model%input_name(i), driver_names, stat, errmsg)
      else
        self%wanted(k) = .true.
        call self%cells%input(trim(driver_names(k)), trim(driver_units(k)), self%drivers(:, k), &
          stat, errmsg)
      end if
    end do
    do i = 1, self%model%n_statics()
      if (stat == 0) call register_static(self, self%model%static_name(i), static, stat, errmsg)
    end do
    do i = 1, self%model%n_targets()
      if (stat /= 0) exit
      k = place(self%model%target_name(i), target_names)
      if (k == 0) cycle ! a target that the land model has no use for
      self%gives(k) = .true.
      call self%cells%output(trim(target_names(k)), trim(target_units(k)), self%fluxes(:, k), &
        stat, errmsg)
    end do
    call settle(self, stat, errmsg)
  end subroutine open_emulator

  !> Give the artefact back.
  subroutine close_emulator(self)
    !> The emulator.
    type(emulator), intent(inout), target :: self
    call self%cells%destroy()
    call self%model%close()
  end subroutine close_emulator

  !> Register a static variable by its name.
  subroutine register_static(self, name, static, stat, errmsg)
    !> The emulator.
    type(emulator), intent(inout), target :: self
    !> Name in the artefact.
    character(*), intent(in) :: name
    !> The sites.
    type(site_static), intent(in), target :: static
    !> Status of the coupler.
    integer, intent(out) :: stat
    !> Message if stat is not 0.
    character(:), allocatable, intent(inout) :: errmsg
    select case (name)
    case ('lat')
      call self%cells%static(name, 'degrees_north', static%lat, stat, errmsg)
    case ('lon')
      call self%cells%static(name, 'degrees_east', static%lon, stat, errmsg)
    case ('elevation')
      call self%cells%static(name, 'm', static%elevation, stat, errmsg)
    case ('sand')
      call self%cells%static(name, '1', static%sand, stat, errmsg)
    case ('clay')
      call self%cells%static(name, '1', static%clay, stat, errmsg)
    case ('ph')
      call self%cells%static(name, '1', static%ph, stat, errmsg)
    case ('biome')
      call self%cells%static(name, '1', static%biome, stat, errmsg)
    case default
      call refuse('static', name, [character(9) :: 'lat', 'lon', 'elevation', 'sand', 'clay', &
        'ph', 'biome'], stat, errmsg)
    end select
  end subroutine register_static

  !> Fresh state rows.
  subroutine start_emulator(self, stat, errmsg)
    !> The emulator.
    type(emulator), intent(inout), target :: self
    !> Exit code.
    integer, intent(out) :: stat
    !> Message if stat is not 0.
    character(:), allocatable, intent(out) :: errmsg
    call self%cells%init_state(stat, errmsg)
    call settle(self, stat, errmsg)
  end subroutine start_emulator

  !> Keep the memory in the state rows but forget their date: a run that starts at another one.
  subroutine forget_date(self, stat, errmsg)
    !> The emulator.
    type(emulator), intent(inout), target :: self
    !> Exit code.
    integer, intent(out) :: stat
    !> Message if stat is not 0.
    character(:), allocatable, intent(out) :: errmsg
    call self%cells%reset_date(stat, errmsg)
    call settle(self, stat, errmsg)
  end subroutine forget_date

  !> One step of the forcing, after the soil step that spans it: when a call is due, take the
  !> drivers from the column's sums of the day and call the coupler.
  subroutine emulator_step(self, c, forcing, date, step, stat, errmsg)
    !> The emulator.
    type(emulator), intent(inout), target :: self
    !> The column.
    type(column_model), intent(in) :: c
    !> Forcing of the step.
    type(step_forcing), intent(in) :: forcing
    !> The day.
    type(calendar_date), intent(in) :: date
    !> Step of the day, from 1.
    integer, intent(in) :: step
    !> Exit code.
    integer, intent(out) :: stat
    !> Message if stat is not 0.
    character(:), allocatable, intent(out) :: errmsg
    integer :: per_call, in_call
    stat = success
    per_call = self%dt_call/self%dt
    in_call = mod(step - 1, per_call) + 1
    if (step == 1) self%before = 0.0_wp
    if (self%dt_call < 86400) call add_extremes(self, forcing, in_call == 1)
    if (in_call < per_call) return
    call gather(self, c)
    call self%cells%step(date%year, date%month, date%day, step*self%dt - self%dt_call, &
      self%dt_call, stat, errmsg)
    call settle(self, stat, errmsg)
  end subroutine emulator_step

  !> Lowest and highest temperature since the last call.
  subroutine add_extremes(self, forcing, first)
    !> The emulator.
    type(emulator), intent(inout) :: self
    !> Forcing of the step.
    type(step_forcing), intent(in) :: forcing
    !> Whether the step is the first since the last call.
    logical, intent(in) :: first
    if (first) then
      if (self%wanted(2)) self%drivers(:, 2) = forcing%tair
      if (self%wanted(3)) self%drivers(:, 3) = forcing%tair
    else
      if (self%wanted(2)) self%drivers(:, 2) = min(self%drivers(:, 2), forcing%tair)
      if (self%wanted(3)) self%drivers(:, 3) = max(self%drivers(:, 3), forcing%tair)
    end if
  end subroutine add_extremes

  !> The drivers since the last call: means, from what the column has summed over the day since then.
  subroutine gather(self, c)
    !> The emulator.
    type(emulator), intent(inout) :: self
    !> The column.
    type(column_model), intent(in) :: c
    real(wp) :: of_sum, of_mean
    integer :: k
    of_sum = 1.0_wp/self%dt_call ! sums over time: K s, kg m-2
    of_mean = seconds_per_day/self%dt_call ! sums of shares of the day
    do k = 1, n_drivers
      if (.not. self%wanted(k)) cycle
      associate (driver => self%drivers(:, k), before => self%before(:, k))
        select case (k)
        case (1)
          call since(c%day%tas, of_sum, before, driver)
        case (2)
          if (self%dt_call == 86400) driver = c%day%tasmin
        case (3)
          if (self%dt_call == 86400) driver = c%day%tasmax
        case (4)
          call since(c%day%pr, of_sum, before, driver)
        case (5)
          call since(c%day%rsds, of_sum, before, driver)
        case (6)
          call since(c%day%rlds, of_sum, before, driver)
        case (7)
          call since(c%day%vpd, of_sum, before, driver)
        case (8)
          call since(c%day%sfcwind, of_sum, before, driver)
        case (9)
          call since(c%day%ps, of_sum, before, driver)
        case (10)
          call since(c%day%co2, of_sum, before, driver)
        case (11)
          call since(c%day%ch4, of_sum, before, driver)
        case (12)
          call since(c%fluxes%tsl, of_mean, before, driver)
        case (13)
          call since(c%fluxes%mrsos, of_mean, before, driver)
        case (14)
          call since(c%fluxes%wtd, of_mean, before, driver)
        case (15)
          call since(c%fluxes%snw, of_mean, before, driver)
        case (16)
          driver = c%fluxes%lai
        case (17)
          call since(c%fluxes%evaporation, of_sum, before, driver)
        case (18)
          driver = c%fluxes%crop
        case (19)
          driver = 1.0e-3_wp*c%fluxes%fertiliser/seconds_per_day
        end select
      end associate
    end do
  end subroutine gather

  !> What a sum of the day has grown by since the last call, times a factor.
  pure subroutine since(now, factor, before, driver)
    !> The sum.
    real(wp), intent(in) :: now(:)
    !> Factor.
    real(wp), intent(in) :: factor
    !> The sum at the last call; becomes that of now.
    real(wp), intent(inout) :: before(:)
    !> The growth, scaled.
    real(wp), intent(out) :: driver(:)
    driver = factor*(now - before)
    before = now
  end subroutine since

  !> Put the fluxes of the day that has been completed into the column's results.
  subroutine take_fluxes(self, c)
    !> The emulator.
    type(emulator), intent(in) :: self
    !> The column.
    type(column_model), intent(inout) :: c
    c%fluxes%gpp = self%fluxes(:, 1)
    c%fluxes%ra = self%fluxes(:, 2)
    c%fluxes%rh = self%fluxes(:, 3)
    c%fluxes%nee = self%fluxes(:, 4)
    c%fluxes%fch4 = self%fluxes(:, 5)
  end subroutine take_fluxes

  !> Place of a name in a list; 0 where it is not there.
  pure integer function place(name, names)
    !> Name.
    character(*), intent(in) :: name
    !> List.
    character(*), intent(in) :: names(:)
    do place = size(names), 1, -1
      if (names(place) == name) return
    end do
  end function place

  !> The artefact asks for something that the host has not.
  subroutine refuse(role, name, known, stat, errmsg)
    !> Input or static.
    character(*), intent(in) :: role
    !> Its name.
    character(*), intent(in) :: name
    !> What the host has.
    character(*), intent(in) :: known(:)
    !> Status.
    integer, intent(out) :: stat
    !> Message.
    character(:), allocatable, intent(inout) :: errmsg
    stat = emulator_failure
    errmsg = 'the emulator asks for the '//role//' '''//name// &
      ''', which ecosys does not compute (known: '//join(known, ', ')//')'
  end subroutine refuse

  !> Turn a status of the coupler into an exit code and name the artefact.
  subroutine settle(self, stat, errmsg)
    !> The emulator.
    type(emulator), intent(in) :: self
    !> Status of the coupler on entry, exit code on return.
    integer, intent(inout) :: stat
    !> Message.
    character(:), allocatable, intent(inout) :: errmsg
    if (stat == success) return
    stat = emulator_failure
    if (index(errmsg, self%file) == 0) errmsg = self%file//': '//errmsg
  end subroutine settle

end module emulated_biogeochemistry
