!> The emulator as a component that speaks BMI 2.0: drivers are its input variables, daily fluxes
!> its output variables.
!>
!> The functions do what those of coupler/bmi/component.py do. Numbers are double precision, those
!> of the state real, so this file is compiled without flags that change default kinds. A failure
!> writes its message to the error unit and returns BMI_FAILURE.
!>
!> Generated from ecostep_bmi.fypp, which is the file to edit.
module ecostep_bmi
  use, intrinsic :: ieee_arithmetic, only: ieee_is_nan, ieee_quiet_nan, ieee_value
  use, intrinsic :: iso_fortran_env, only: error_unit, int64, real32, real64
  use bmif_2_0, only: bmi, BMI_FAILURE, BMI_MAX_COMPONENT_NAME, BMI_MAX_VAR_NAME, BMI_SUCCESS
  use ecostep, only: ecostep_cells, ecostep_model
  implicit none (type, external)
  private

  public :: bmi_ecostep

  integer, parameter :: seconds_a_day = 86400
  integer, parameter :: role_input = 1, role_output = 2, role_static = 3, role_state = 4
  integer, parameter :: role_time = 5
  integer, parameter :: grid_cells = 0, grid_rows = 1, grid_clock = 2
  integer, parameter :: short = 64, max_statics = 100

  !> CSDMS standard names, as NextGen writes them; variables without one keep the artefact's name.
  character(*), parameter :: artefact_names(*) = [character(short) :: 'tas', 'pr', 'rsds', &
    'rlds', 'ps', 'sfcWind', 'uas', 'vas', 'huss', 'lai', 'tsl', 'wtd', 'lat', 'lon', 'elevation']
  character(*), parameter :: csdms_names(*) = [character(short) :: &
    'land_surface_air__temperature', 'atmosphere_water__precipitation_mass_flux', &
    'land_surface_radiation~incoming~shortwave__energy_flux', &
    'land_surface_radiation~incoming~longwave__energy_flux', 'land_surface_air__pressure', &
    'land_surface_wind__speed', 'land_surface_wind__x_component_of_velocity', &
    'land_surface_wind__y_component_of_velocity', &
    'atmosphere_air_water~vapor__relative_saturation', &
    'vegetation__leaf-area_index', 'soil__temperature', &
    'soil_water_sat-zone_top__depth', 'land_surface__latitude', 'land_surface__longitude', &
    'land_surface__elevation']
  !> What the library makes inputs of that a framework has not, and units of that. The name of
  !> `huss` is NextGen's, for specific humidity.
  character(*), parameter :: source_names(*) = [character(short) :: 'tas', 'hurs', 'huss', 'tdps', &
    'ps', 'uas', 'vas']
  character(*), parameter :: source_units(*) = [character(short) :: 'K', '%', 'kg kg-1', 'K', &
    'Pa', 'm s-1', 'm s-1']
  character(*), parameter :: state_name = 'ecostep__state', time_name = 'ecostep__time'

  character(BMI_MAX_COMPONENT_NAME), target :: component_name = 'ecostep'

  !> An array that the framework may ask for.
  type :: variable
    character(short) :: artefact_name = ''  !< name in the artefact
    character(short) :: name = ''  !< name in the framework
    character(short) :: units = ''  !< the artefact's
    integer :: role = 0  !< one of role_...
    real(real64), pointer :: values(:) => null()  !< (ncell), the time (1); not the state
  end type variable

  !> A date, and how many days of the run it has behind it.
  type :: run_date
    integer :: year = 0, month = 0, day = 0  !< the date
    integer(int64) :: count = 0  !< days since the start
  end type run_date

  !> The namelist `ecostep` of the configuration file, with its defaults.
  type :: configuration
    character(512) :: artefact = 'model.pt'  !< file
    character(short) :: backend = ''  !< '': the first that works
    character(short) :: start = ''  !< date of time 0
    character(short) :: end = ''  !< date after the last step, '' for none
    character(short) :: calendar = 'standard'  !< of the run
    integer :: ncell = 1  !< number of cells
    integer :: time_step = 3600  !< [s]
    character(short) :: statics(max_statics) = ''  !< names of site attributes
    real(real64) :: static_values(max_statics)  !< their values
    !> What the framework has in place of inputs that can be made of it.
    character(short) :: sources(size(source_names)) = ''
    real(real64) :: longitude  !< of all cells, or NaN: days of the host [degrees_east]
  end type configuration

  !> An open artefact with its arrays. Behind a pointer, since BMI's getters have `self` with
  !> intent(in).
  type :: emulator
    type(ecostep_model) :: model  !< the artefact
    type(ecostep_cells) :: cells  !< its cells
    type(variable), allocatable :: variables(:)  !< all that have a name
    character(BMI_MAX_VAR_NAME), pointer :: inputs(:) => null()  !< names of drivers
    character(BMI_MAX_VAR_NAME), pointer :: outputs(:) => null()  !< names of fluxes
    real(real32), pointer :: state(:, :) => null()  !< (state_size, ncell)
    real(real32), pointer :: rows(:) => null()  !< the same in one dimension
    real(real64), pointer :: longitude(:) => null()  !< (ncell) [degrees_east]
    real(real64), pointer :: clock(:) => null()  !< time since the start, (1) [s]
    character(short) :: calendar = 'standard'  !< of the run
    type(run_date) :: start  !< date of time 0
    type(run_date) :: today  !< date of the last step
    real(real64) :: end_time = huge(1.0_real64)  !< [s]
    integer :: ncell = 1  !< number of cells
    integer :: time_step = 3600  !< [s]
    logical :: started = .false.  !< whether the state has been filled
  end type emulator

  !> The component.
  type, extends(bmi) :: bmi_ecostep
    private
    type(emulator), pointer :: emulator => null()  !< null before `initialize` and after `finalize`
  contains
    procedure :: initialize, update, update_until, finalize
    procedure :: get_component_name, get_input_item_count, get_output_item_count
    procedure :: get_input_var_names, get_output_var_names
    procedure :: get_var_grid, get_var_type, get_var_units, get_var_itemsize, get_var_nbytes
    procedure :: get_var_location
    procedure :: get_current_time, get_start_time, get_end_time, get_time_units, get_time_step
    procedure :: get_value_int, get_value_float, get_value_double
    procedure :: get_value_ptr_int, get_value_ptr_float, get_value_ptr_double
    procedure :: get_value_at_indices_int, get_value_at_indices_float, get_value_at_indices_double
    procedure :: set_value_int, set_value_float, set_value_double
    procedure :: set_value_at_indices_int, set_value_at_indices_float, set_value_at_indices_double
    procedure :: get_grid_rank, get_grid_size, get_grid_type
    procedure :: get_grid_shape, get_grid_spacing, get_grid_origin
    procedure :: get_grid_x, get_grid_y, get_grid_z
    procedure :: get_grid_node_count, get_grid_edge_count, get_grid_face_count
    procedure :: get_grid_edge_nodes, get_grid_face_edges, get_grid_face_nodes
    procedure :: get_grid_nodes_per_face
    generic :: get_value => get_value_int, get_value_float, &
      get_value_double
    generic :: get_value_ptr => get_value_ptr_int, get_value_ptr_float, &
      get_value_ptr_double
    generic :: get_value_at_indices => get_value_at_indices_int, get_value_at_indices_float, &
      get_value_at_indices_double
    generic :: set_value => set_value_int, set_value_float, &
      set_value_double
    generic :: set_value_at_indices => set_value_at_indices_int, set_value_at_indices_float, &
      set_value_at_indices_double
  end type bmi_ecostep

contains

  ! ---- initialize, run, finalize -----------------------------------------------------------------

  !> Read the namelist file, open the artefact and allocate all arrays.
  function initialize(self, config_file) result(bmi_status)
    class(bmi_ecostep), intent(out) :: self
    character(*), intent(in) :: config_file  !< file with the namelist `ecostep`
    integer :: bmi_status
    type(configuration) :: config
    type(emulator), pointer :: e
    character(:), allocatable :: message
    integer :: stat

    bmi_status = BMI_FAILURE
    call read_configuration(config_file, config, message)
    if (message /= '') then
      call complain(config_file//': '//message)
      return
    end if
    allocate(e)
    call open_emulator(e, config, stat, message)
    if (stat == 0) then
      self%emulator => e
      bmi_status = BMI_SUCCESS
    else
      call complain(config_file//': '//message)
      call discard(e)
    end if
  end function initialize

  !> Read the namelist `ecostep` and test its numbers.
  subroutine read_configuration(config_file, config, message)
    character(*), intent(in) :: config_file  !< file
    type(configuration), intent(out) :: config  !< what it says
    character(:), allocatable, intent(out) :: message  !< what is wrong with it, or ''
    character(512) :: artefact
    character(short) :: backend, start, end, calendar, statics(max_statics)
    character(short) :: sources(size(source_names))
    real(real64) :: static_values(max_statics), longitude
    integer :: ncell, time_step, unit, iostat, i
    character(256) :: iomsg
    namelist /ecostep/ artefact, backend, start, end, calendar, ncell, time_step, statics, &
      static_values, sources, longitude

    artefact = config%artefact
    backend = config%backend
    start = config%start
    end = config%end
    calendar = config%calendar
    ncell = config%ncell
    time_step = config%time_step
    statics = config%statics
    sources = config%sources
    longitude = ieee_value(1.0_real64, ieee_quiet_nan)
    static_values = ieee_value(1.0_real64, ieee_quiet_nan)
    open (newunit=unit, file=config_file, status='old', action='read', iostat=iostat, iomsg=iomsg)
    if (iostat == 0) then
      read (unit, nml=ecostep, iostat=iostat, iomsg=iomsg)
      close (unit)
    end if
    message = ''
    if (iostat /= 0) then
      message = trim(iomsg)
    else if (time_step < 1 .or. ncell < 0) then
      message = 'time_step or ncell is not positive'
    else if (mod(seconds_a_day, time_step) /= 0) then
      message = 'time_step does not divide the day'
    end if
    do i = 1, size(sources)
      if (sources(i) == '' .or. any(source_names == sources(i))) cycle
      message = "source '"//trim(sources(i))//"' is none of: tas hurs huss tdps ps uas vas"
    end do
    config = configuration(artefact, backend, start, end, calendar, ncell, time_step, statics, &
      static_values, sources, longitude)
  end subroutine read_configuration

  !> Take over dates and sizes of the configuration, open the artefact and register all arrays.
  subroutine open_emulator(e, config, stat, message)
    type(emulator), intent(inout) :: e
    type(configuration), intent(in) :: config  !< of the component
    integer, intent(out) :: stat  !< 0 = success
    character(:), allocatable, intent(inout) :: message  !< what is wrong
    type(run_date) :: last

    message = ''
    e%ncell = config%ncell
    e%time_step = config%time_step
    e%calendar = config%calendar
    if (.not. read_date(config%start, e%start)) message = not_a_date('start', config%start)
    if (config%end /= '') then
      if (.not. read_date(config%end, last)) message = not_a_date('end', config%end)
      if (message == '') e%end_time = real(seconds_a_day, real64) &
        * days_between(e%start, last, e%calendar)
    end if
    e%today = e%start
    stat = BMI_FAILURE
    if (message /= '') return
    call e%model%open(config%artefact, config%backend, stat=stat, errmsg=message)
    if (stat == 0) call register(e, config, stat, message)
  end subroutine open_emulator

  !> What is said of a text that should be a date.
  pure function not_a_date(key, text) result(message)
    character(*), intent(in) :: key  !< of the namelist
    character(*), intent(in) :: text  !< its value
    character(:), allocatable :: message

    message = key//" '"//trim(text)//"' is not a date (YYYY-MM-DD)"
  end function not_a_date

  !> Allocate the arrays of an open artefact and register them.
  subroutine register(e, config, stat, message)
    type(emulator), intent(inout) :: e
    type(configuration), intent(in) :: config  !< of the component
    integer, intent(out) :: stat  !< status of the library
    character(:), allocatable, intent(inout) :: message  !< message
    character(short) :: name, units
    real(real64), pointer :: values(:)
    integer :: i, tas

    allocate(e%variables(0))
    call e%cells%create(e%model, e%ncell, e%calendar, stat, message)
    do i = 1, e%model%n_inputs()
      name = e%model%input_name(i)
      units = e%model%input_units(i)
      if (stat /= 0) return
      if (replaced(name, config%sources)) cycle
      tas = index_of('tas', e)
      if (tas > 0 .and. (name == 'tasmin' .or. name == 'tasmax') &
        .and. e%time_step < seconds_a_day) then
        units = e%variables(tas)%units
        values => e%variables(tas)%values
      else
        call add(e, name, units, role_input, values)
      end if
      call e%cells%input(trim(name), trim(units), values, stat, message)
    end do
    if (stat == 0) call register_framework(e, config, stat, message)
    do i = 1, e%model%n_statics()
      name = e%model%static_name(i)
      units = e%model%static_units(i)
      if (stat /= 0) return
      call add(e, name, units, role_static, values)
      if (any(config%statics == name)) then
        values = config%static_values(findloc(config%statics, name, dim=1))
      end if
      call e%cells%static(trim(name), trim(units), values, stat, message)
    end do
    do i = 1, e%model%n_targets()
      name = e%model%target_name(i)
      units = e%model%target_units(i)
      if (stat /= 0) return
      call add(e, name, units, role_output, values)
      values = 0.0_real64
      call e%cells%output(trim(name), trim(units), values, stat, message)
    end do
    if (stat /= 0) return
    call add(e, state_name, '1', role_state, values)
    call add(e, time_name, 's', role_time, e%clock)
    allocate(e%rows(e%model%state_size() * e%ncell), source=0.0_real32)
    e%state(1:e%model%state_size(), 1:e%ncell) => e%rows
    call e%cells%state(e%state, stat, message)
    call list(e, role_input, e%inputs)
    call list(e, role_output, e%outputs)
  end subroutine register

  !> Register what the framework has in place of inputs, and its longitude.
  subroutine register_framework(e, config, stat, message)
    type(emulator), intent(inout) :: e
    type(configuration), intent(in) :: config  !< of the component
    integer, intent(out) :: stat  !< status of the library
    character(:), allocatable, intent(inout) :: message  !< message
    real(real64), pointer :: values(:)
    integer :: i

    stat = 0
    do i = 1, size(source_names)
      if (stat /= 0) return
      if (.not. any(config%sources == source_names(i))) cycle
      if (index_of(source_names(i), e) > 0) cycle
      call add(e, source_names(i), source_units(i), role_input, values)
      call e%cells%input(trim(source_names(i)), trim(source_units(i)), values, stat, message)
    end do
    if (stat == 0 .and. .not. ieee_is_nan(config%longitude)) then
      allocate(e%longitude(e%ncell), source=config%longitude)
      call e%cells%local_time('degrees_east', e%longitude, stat, message)
    end if
  end subroutine register_framework

  !> Whether an input is made of what the framework has in place of it.
  pure logical function replaced(name, sources)
    character(*), intent(in) :: name  !< input of the artefact
    character(*), intent(in) :: sources(:)  !< what the framework has

    select case (name)
    case ('vpd')
      replaced = any(sources == 'hurs' .or. sources == 'huss' .or. sources == 'tdps')
    case ('sfcWind')
      replaced = any(sources == 'uas')
    case default
      replaced = .false.
    end select
  end function replaced

  !> One step, with the drivers as they are.
  function update(self) result(bmi_status)
    class(bmi_ecostep), intent(inout) :: self
    integer :: bmi_status
    integer :: stat, seconds
    integer(int64) :: now
    character(:), allocatable :: message

    bmi_status = BMI_FAILURE
    if (.not. associated(self%emulator)) return
    associate (e => self%emulator, today => self%emulator%today)
      if (.not. has_state(e)) return
      if (e%clock(1) + e%time_step > e%end_time) then
        call complain('update: the run has come to its end')
        return
      end if
      now = nint(e%clock(1), int64)
      seconds = int(mod(now, int(seconds_a_day, int64)))
      call seek(today, e%start, now / seconds_a_day, e%calendar)
      call e%cells%step(today%year, today%month, today%day, seconds, e%time_step, stat, message)
      if (stat /= 0) then
        call complain(message)
        return
      end if
      e%clock(1) = e%clock(1) + e%time_step
    end associate
    bmi_status = BMI_SUCCESS
  end function update

  !> Steps up to a time that is a whole number of steps away.
  function update_until(self, time) result(bmi_status)
    class(bmi_ecostep), intent(inout) :: self
    double precision, intent(in) :: time  !< [s]
    integer :: bmi_status
    integer(int64) :: i
    real(real64) :: now, steps

    bmi_status = get_current_time(self, now)
    if (bmi_status /= BMI_SUCCESS) return
    steps = (time - now) / self%emulator%time_step
    if (steps < 0.0_real64 .or. abs(steps - anint(steps)) > 1.0e-6_real64) then
      call complain('update_until: the time is no whole number of steps away')
      bmi_status = BMI_FAILURE
      return
    end if
    do i = 1, nint(steps, int64)
      bmi_status = update(self)
      if (bmi_status /= BMI_SUCCESS) return
    end do
  end function update_until

  !> Give everything back.
  function finalize(self) result(bmi_status)
    class(bmi_ecostep), intent(inout) :: self
    integer :: bmi_status

    bmi_status = BMI_SUCCESS
    if (associated(self%emulator)) call discard(self%emulator)
  end function finalize

  ! ---- variables ---------------------------------------------------------------------------------

  !> Name of the component.
  function get_component_name(self, name) result(bmi_status)
    class(bmi_ecostep), intent(in) :: self
    character(*), pointer, intent(out) :: name  !< 'ecostep'
    integer :: bmi_status

    bmi_status = BMI_FAILURE
    name => component_name
    if (.not. associated(self%emulator)) return
    bmi_status = BMI_SUCCESS
  end function get_component_name

  !> Number of drivers.
  function get_input_item_count(self, count) result(bmi_status)
    class(bmi_ecostep), intent(in) :: self
    integer, intent(out) :: count  !< number
    integer :: bmi_status

    bmi_status = BMI_FAILURE
    count = 0
    if (.not. associated(self%emulator)) return
    count = size(self%emulator%inputs)
    bmi_status = BMI_SUCCESS
  end function get_input_item_count

  !> Number of fluxes.
  function get_output_item_count(self, count) result(bmi_status)
    class(bmi_ecostep), intent(in) :: self
    integer, intent(out) :: count  !< number
    integer :: bmi_status

    bmi_status = BMI_FAILURE
    count = 0
    if (.not. associated(self%emulator)) return
    count = size(self%emulator%outputs)
    bmi_status = BMI_SUCCESS
  end function get_output_item_count

  !> Names of the drivers.
  function get_input_var_names(self, names) result(bmi_status)
    class(bmi_ecostep), intent(in) :: self
    character(*), pointer, intent(out) :: names(:)  !< length BMI_MAX_VAR_NAME
    integer :: bmi_status

    bmi_status = BMI_FAILURE
    nullify (names)
    if (.not. associated(self%emulator)) return
    names => self%emulator%inputs
    bmi_status = BMI_SUCCESS
  end function get_input_var_names

  !> Names of the fluxes.
  function get_output_var_names(self, names) result(bmi_status)
    class(bmi_ecostep), intent(in) :: self
    character(*), pointer, intent(out) :: names(:)  !< length BMI_MAX_VAR_NAME
    integer :: bmi_status

    bmi_status = BMI_FAILURE
    nullify (names)
    if (.not. associated(self%emulator)) return
    names => self%emulator%outputs
    bmi_status = BMI_SUCCESS
  end function get_output_var_names

  !> Grid of a variable.
  function get_var_grid(self, name, grid) result(bmi_status)
    class(bmi_ecostep), intent(in) :: self
    character(*), intent(in) :: name  !< variable
    integer, intent(out) :: grid  !< its grid
    integer :: bmi_status
    integer :: i

    grid = -1
    bmi_status = find(self, name, i)
    if (bmi_status /= BMI_SUCCESS) return
    grid = grid_cells
    if (self%emulator%variables(i)%role == role_state) grid = grid_rows
    if (self%emulator%variables(i)%role == role_time) grid = grid_clock
  end function get_var_grid

  !> Type of a variable, in Fortran's words.
  function get_var_type(self, name, type) result(bmi_status)
    class(bmi_ecostep), intent(in) :: self
    character(*), intent(in) :: name  !< variable
    character(*), intent(out) :: type  !< 'real' for the state, otherwise 'double precision'
    integer :: bmi_status
    integer :: i

    type = ''
    bmi_status = find(self, name, i)
    if (bmi_status /= BMI_SUCCESS) return
    type = 'double precision'
    if (self%emulator%variables(i)%role == role_state) type = 'real'
  end function get_var_type

  !> Units of a variable, the artefact's.
  function get_var_units(self, name, units) result(bmi_status)
    class(bmi_ecostep), intent(in) :: self
    character(*), intent(in) :: name  !< variable
    character(*), intent(out) :: units  !< in the manner of UDUNITS
    integer :: bmi_status
    integer :: i

    units = ''
    bmi_status = find(self, name, i)
    if (bmi_status == BMI_SUCCESS) units = self%emulator%variables(i)%units
  end function get_var_units

  !> Bytes of one value.
  function get_var_itemsize(self, name, size) result(bmi_status)
    class(bmi_ecostep), intent(in) :: self
    character(*), intent(in) :: name  !< variable
    integer, intent(out) :: size  !< bytes
    integer :: bmi_status
    integer :: i

    size = 0
    bmi_status = find(self, name, i)
    if (bmi_status /= BMI_SUCCESS) return
    size = storage_size(1.0_real64) / 8
    if (self%emulator%variables(i)%role == role_state) size = storage_size(1.0_real32) / 8
  end function get_var_itemsize

  !> Bytes of all values.
  function get_var_nbytes(self, name, nbytes) result(bmi_status)
    class(bmi_ecostep), intent(in) :: self
    character(*), intent(in) :: name  !< variable
    integer, intent(out) :: nbytes  !< bytes
    integer :: bmi_status
    integer :: grid, count, itemsize

    nbytes = 0
    bmi_status = get_var_grid(self, name, grid)
    if (bmi_status == BMI_SUCCESS) bmi_status = get_grid_size(self, grid, count)
    if (bmi_status == BMI_SUCCESS) bmi_status = get_var_itemsize(self, name, itemsize)
    if (bmi_status == BMI_SUCCESS) nbytes = count * itemsize
  end function get_var_nbytes

  !> Where on its grid a variable lies.
  function get_var_location(self, name, location) result(bmi_status)
    class(bmi_ecostep), intent(in) :: self
    character(*), intent(in) :: name  !< variable
    character(*), intent(out) :: location  !< 'node'
    integer :: bmi_status
    integer :: i

    location = 'node'
    bmi_status = find(self, name, i)
  end function get_var_location

  ! ---- time --------------------------------------------------------------------------------------

  !> Time since the start date.
  function get_current_time(self, time) result(bmi_status)
    class(bmi_ecostep), intent(in) :: self
    double precision, intent(out) :: time  !< [s]
    integer :: bmi_status

    bmi_status = BMI_FAILURE
    time = 0.0_real64
    if (.not. associated(self%emulator)) return
    time = self%emulator%clock(1)
    bmi_status = BMI_SUCCESS
  end function get_current_time

  !> Time at which a run starts.
  function get_start_time(self, time) result(bmi_status)
    class(bmi_ecostep), intent(in) :: self
    double precision, intent(out) :: time  !< 0
    integer :: bmi_status

    bmi_status = BMI_FAILURE
    time = 0.0_real64
    if (.not. associated(self%emulator)) return
    bmi_status = BMI_SUCCESS
  end function get_start_time

  !> Time after the last step; the largest number where none is configured.
  function get_end_time(self, time) result(bmi_status)
    class(bmi_ecostep), intent(in) :: self
    double precision, intent(out) :: time  !< [s]
    integer :: bmi_status

    bmi_status = BMI_FAILURE
    time = 0.0_real64
    if (.not. associated(self%emulator)) return
    time = self%emulator%end_time
    bmi_status = BMI_SUCCESS
  end function get_end_time

  !> Units of time.
  function get_time_units(self, units) result(bmi_status)
    class(bmi_ecostep), intent(in) :: self
    character(*), intent(out) :: units  !< 's'
    integer :: bmi_status

    bmi_status = BMI_FAILURE
    units = 's'
    if (.not. associated(self%emulator)) return
    bmi_status = BMI_SUCCESS
  end function get_time_units

  !> Length of a step.
  function get_time_step(self, time_step) result(bmi_status)
    class(bmi_ecostep), intent(in) :: self
    double precision, intent(out) :: time_step  !< [s]
    integer :: bmi_status

    bmi_status = BMI_FAILURE
    time_step = 0.0_real64
    if (.not. associated(self%emulator)) return
    time_step = self%emulator%time_step
    bmi_status = BMI_SUCCESS
  end function get_time_step

  ! ---- values ------------------------------------------------------------------------------------

  !> No variable is an integer.
  function get_value_int(self, name, dest) result(bmi_status)
    class(bmi_ecostep), intent(in) :: self
    character(*), intent(in) :: name  !< variable
    integer, intent(inout) :: dest(:)  !< not changed
    integer :: bmi_status

    bmi_status = unsupported(self, name, size(dest))
  end function get_value_int

  !> No variable is an integer.
  function get_value_at_indices_int(self, name, dest, inds) result(bmi_status)
    class(bmi_ecostep), intent(in) :: self
    character(*), intent(in) :: name  !< variable
    integer, intent(inout) :: dest(:)  !< not changed
    integer, intent(in) :: inds(:)  !< from 1
    integer :: bmi_status

    bmi_status = unsupported(self, name, size(dest) + size(inds))
  end function get_value_at_indices_int

  !> No variable is an integer.
  function set_value_int(self, name, src) result(bmi_status)
    class(bmi_ecostep), intent(inout) :: self
    character(*), intent(in) :: name  !< variable
    integer, intent(in) :: src(:)  !< values
    integer :: bmi_status

    bmi_status = unsupported(self, name, size(src))
  end function set_value_int

  !> No variable is an integer.
  function set_value_at_indices_int(self, name, inds, src) result(bmi_status)
    class(bmi_ecostep), intent(inout) :: self
    character(*), intent(in) :: name  !< variable
    integer, intent(in) :: inds(:)  !< from 1
    integer, intent(in) :: src(:)  !< values
    integer :: bmi_status

    bmi_status = unsupported(self, name, size(src) + size(inds))
  end function set_value_at_indices_int

  !> No variable is an integer.
  function get_value_ptr_int(self, name, dest_ptr) result(bmi_status)
    class(bmi_ecostep), intent(in) :: self
    character(*), intent(in) :: name  !< variable
    integer, pointer, intent(inout) :: dest_ptr(:)  !< null
    integer :: bmi_status

    nullify (dest_ptr)
    bmi_status = unsupported(self, name, 0)
  end function get_value_ptr_int

  !> Copy of the state.
  function get_value_float(self, name, dest) result(bmi_status)
    class(bmi_ecostep), intent(in) :: self
    character(*), intent(in) :: name  !< variable
    real, intent(inout) :: dest(:)  !< its values
    integer :: bmi_status
    real, pointer :: values(:)

    nullify (values)
    bmi_status = get_value_ptr_float(self, name, values)
    if (bmi_status == BMI_SUCCESS) bmi_status = same_size(name, size(dest), size(values))
    if (bmi_status == BMI_SUCCESS) dest = values
  end function get_value_float

  !> Copy of some numbers of the state.
  function get_value_at_indices_float(self, name, dest, inds) result(bmi_status)
    class(bmi_ecostep), intent(in) :: self
    character(*), intent(in) :: name  !< variable
    real, intent(inout) :: dest(:)  !< values
    integer, intent(in) :: inds(:)  !< from 1
    integer :: bmi_status
    real, pointer :: values(:)

    nullify (values)
    bmi_status = get_value_ptr_float(self, name, values)
    if (bmi_status == BMI_SUCCESS) bmi_status = within(name, inds, size(dest), size(values))
    if (bmi_status == BMI_SUCCESS) dest = values(inds)
  end function get_value_at_indices_float

  !> Copy of a variable.
  function get_value_double(self, name, dest) result(bmi_status)
    class(bmi_ecostep), intent(in) :: self
    character(*), intent(in) :: name  !< variable
    double precision, intent(inout) :: dest(:)  !< its values
    integer :: bmi_status
    double precision, pointer :: values(:)

    nullify (values)
    bmi_status = get_value_ptr_double(self, name, values)
    if (bmi_status == BMI_SUCCESS) bmi_status = same_size(name, size(dest), size(values))
    if (bmi_status == BMI_SUCCESS) dest = values
  end function get_value_double

  !> Copy of some numbers of a variable.
  function get_value_at_indices_double(self, name, dest, inds) result(bmi_status)
    class(bmi_ecostep), intent(in) :: self
    character(*), intent(in) :: name  !< variable
    double precision, intent(inout) :: dest(:)  !< values
    integer, intent(in) :: inds(:)  !< from 1
    integer :: bmi_status
    double precision, pointer :: values(:)

    nullify (values)
    bmi_status = get_value_ptr_double(self, name, values)
    if (bmi_status == BMI_SUCCESS) bmi_status = within(name, inds, size(dest), size(values))
    if (bmi_status == BMI_SUCCESS) dest = values(inds)
  end function get_value_at_indices_double

  !> The state, filled from the site attributes unless a step has done it.
  function get_value_ptr_float(self, name, dest_ptr) result(bmi_status)
    class(bmi_ecostep), intent(in) :: self
    character(*), intent(in) :: name  !< variable
    real, pointer, intent(inout) :: dest_ptr(:)  !< the array
    integer :: bmi_status
    integer :: i

    bmi_status = find(self, name, i, role_state)
    if (bmi_status /= BMI_SUCCESS) return
    bmi_status = merge(BMI_SUCCESS, BMI_FAILURE, has_state(self%emulator))
    if (bmi_status == BMI_SUCCESS) dest_ptr => self%emulator%rows
  end function get_value_ptr_float

  !> The array that the emulator reads or writes.
  function get_value_ptr_double(self, name, dest_ptr) result(bmi_status)
    class(bmi_ecostep), intent(in) :: self
    character(*), intent(in) :: name  !< variable
    double precision, pointer, intent(inout) :: dest_ptr(:)  !< the array
    integer :: bmi_status
    integer :: i

    bmi_status = find(self, name, i, role_input)
    if (bmi_status == BMI_SUCCESS) dest_ptr => self%emulator%variables(i)%values
  end function get_value_ptr_double

  !> Set the state: a restart where no step has been done. A state that is none is refused.
  function set_value_float(self, name, src) result(bmi_status)
    class(bmi_ecostep), intent(inout) :: self
    character(*), intent(in) :: name  !< variable
    real, intent(in) :: src(:)  !< values
    integer :: bmi_status
    real, allocatable :: before(:)
    integer :: i

    bmi_status = find(self, name, i, role_state)
    if (bmi_status == BMI_SUCCESS) bmi_status = same_size(name, size(src), size(self%emulator%rows))
    if (bmi_status /= BMI_SUCCESS) return
    allocate(before, source=self%emulator%rows)
    self%emulator%rows = src
    bmi_status = sound_state(self, before)
    if (bmi_status == BMI_SUCCESS) self%emulator%started = .true.
  end function set_value_float

  !> Put back the state as it was before, where it is none as it is.
  function sound_state(self, before) result(bmi_status)
    class(bmi_ecostep), intent(inout) :: self
    real, intent(in) :: before(:)  !< state rows one after the other
    integer :: bmi_status
    character(:), allocatable :: message
    integer :: stat

    bmi_status = BMI_SUCCESS
    call self%emulator%cells%check_state(stat=stat, errmsg=message)
    if (stat == 0) return
    self%emulator%rows = before
    call complain(message)
    bmi_status = BMI_FAILURE
  end function sound_state

  !> Set a variable; site attributes before the first step only.
  function set_value_double(self, name, src) result(bmi_status)
    class(bmi_ecostep), intent(inout) :: self
    character(*), intent(in) :: name  !< variable
    double precision, intent(in) :: src(:)  !< values
    integer :: bmi_status
    integer :: i

    bmi_status = find(self, name, i, role_input)
    if (bmi_status /= BMI_SUCCESS) return
    bmi_status = same_size(name, size(src), size(self%emulator%variables(i)%values))
    if (bmi_status == BMI_SUCCESS) then
      bmi_status = set_value_at_indices_double(self, name, [(i, i = 1, size(src))], src)
    end if
  end function set_value_double

  !> Set some numbers of the state. A state that is none is refused.
  function set_value_at_indices_float(self, name, inds, src) result(bmi_status)
    class(bmi_ecostep), intent(inout) :: self
    character(*), intent(in) :: name  !< variable
    integer, intent(in) :: inds(:)  !< from 1
    real, intent(in) :: src(:)  !< values
    integer :: bmi_status
    real, pointer :: values(:)
    real, allocatable :: before(:)

    nullify (values)
    bmi_status = get_value_ptr_float(self, name, values)
    if (bmi_status == BMI_SUCCESS) bmi_status = within(name, inds, size(src), size(values))
    if (bmi_status /= BMI_SUCCESS) return
    allocate(before, source=values)
    values(inds) = src
    bmi_status = sound_state(self, before)
  end function set_value_at_indices_float

  !> Set some numbers of a variable.
  function set_value_at_indices_double(self, name, inds, src) result(bmi_status)
    class(bmi_ecostep), intent(inout) :: self
    character(*), intent(in) :: name  !< variable
    integer, intent(in) :: inds(:)  !< from 1
    double precision, intent(in) :: src(:)  !< values
    integer :: bmi_status
    integer :: i

    bmi_status = find(self, name, i, role_input)
    if (bmi_status /= BMI_SUCCESS) return
    associate (v => self%emulator%variables(i))
      bmi_status = within(name, inds, size(src), size(v%values))
      if (v%role == role_static .and. self%emulator%started) then
        call complain("'"//trim(name)//"' is read when a run starts and cannot be set after that")
        bmi_status = BMI_FAILURE
      end if
      if (bmi_status == BMI_SUCCESS) v%values(inds) = src
    end associate
  end function set_value_at_indices_double

  ! ---- grids -------------------------------------------------------------------------------------

  !> Number of dimensions.
  function get_grid_rank(self, grid, rank) result(bmi_status)
    class(bmi_ecostep), intent(in) :: self
    integer, intent(in) :: grid  !< grid
    integer, intent(out) :: rank  !< 0 for one number, otherwise 1
    integer :: bmi_status
    integer :: count

    rank = merge(0, 1, grid == grid_clock)
    bmi_status = get_grid_size(self, grid, count)
  end function get_grid_rank

  !> Number of values.
  function get_grid_size(self, grid, size) result(bmi_status)
    class(bmi_ecostep), intent(in) :: self
    integer, intent(in) :: grid  !< grid
    integer, intent(out) :: size  !< number
    integer :: bmi_status

    bmi_status = BMI_FAILURE
    size = 0
    if (.not. associated(self%emulator) .or. grid < grid_cells .or. grid > grid_clock) return
    bmi_status = BMI_SUCCESS
    if (grid == grid_cells) size = self%emulator%ncell
    if (grid == grid_rows) size = self%emulator%ncell * self%emulator%model%state_size()
    if (grid == grid_clock) size = 1
  end function get_grid_size

  !> Type of a grid.
  function get_grid_type(self, grid, type) result(bmi_status)
    class(bmi_ecostep), intent(in) :: self
    integer, intent(in) :: grid  !< grid
    character(*), intent(out) :: type  !< points: the cells; vector: the state; scalar: the time
    integer :: bmi_status
    integer :: count

    type = 'points'
    if (grid == grid_rows) type = 'vector'
    if (grid == grid_clock) type = 'scalar'
    bmi_status = get_grid_size(self, grid, count)
  end function get_grid_type

  !> Number of values along the one dimension.
  function get_grid_shape(self, grid, shape) result(bmi_status)
    class(bmi_ecostep), intent(in) :: self
    integer, intent(in) :: grid  !< grid
    integer, intent(out) :: shape(:)  !< (1)
    integer :: bmi_status
    integer :: count

    shape = 0
    bmi_status = get_grid_size(self, grid, count)
    if (bmi_status == BMI_SUCCESS .and. size(shape) > 0) shape(1) = count
    if (grid == grid_clock) bmi_status = BMI_FAILURE
  end function get_grid_shape

  !> Longitudes, where the artefact has them among its site attributes.
  function get_grid_x(self, grid, x) result(bmi_status)
    class(bmi_ecostep), intent(in) :: self
    integer, intent(in) :: grid  !< grid
    double precision, intent(out) :: x(:)  !< [degrees_east]
    integer :: bmi_status

    x = 0.0_real64
    bmi_status = merge(get_value_double(self, 'lon', x), BMI_FAILURE, grid == grid_cells)
  end function get_grid_x

  !> Latitudes, where the artefact has them among its site attributes.
  function get_grid_y(self, grid, y) result(bmi_status)
    class(bmi_ecostep), intent(in) :: self
    integer, intent(in) :: grid  !< grid
    double precision, intent(out) :: y(:)  !< [degrees_north]
    integer :: bmi_status

    y = 0.0_real64
    bmi_status = merge(get_value_double(self, 'lat', y), BMI_FAILURE, grid == grid_cells)
  end function get_grid_y

  !> Elevations, where the artefact has them among its site attributes.
  function get_grid_z(self, grid, z) result(bmi_status)
    class(bmi_ecostep), intent(in) :: self
    integer, intent(in) :: grid  !< grid
    double precision, intent(out) :: z(:)  !< [m]
    integer :: bmi_status

    z = 0.0_real64
    bmi_status = merge(get_value_double(self, 'elevation', z), BMI_FAILURE, grid == grid_cells)
  end function get_grid_z

  !> Number of cells.
  function get_grid_node_count(self, grid, count) result(bmi_status)
    class(bmi_ecostep), intent(in) :: self
    integer, intent(in) :: grid  !< grid
    integer, intent(out) :: count  !< number
    integer :: bmi_status

    bmi_status = get_grid_size(self, grid, count)
  end function get_grid_node_count

  !> Points have none.
  function get_grid_spacing(self, grid, spacing) result(bmi_status)
    class(bmi_ecostep), intent(in) :: self
    integer, intent(in) :: grid  !< grid
    double precision, intent(out) :: spacing(:)  !< 0
    integer :: bmi_status

    spacing = 0.0_real64
    bmi_status = unsupported(self, 'get_grid_spacing', grid)
  end function get_grid_spacing

  !> Points have none.
  function get_grid_origin(self, grid, origin) result(bmi_status)
    class(bmi_ecostep), intent(in) :: self
    integer, intent(in) :: grid  !< grid
    double precision, intent(out) :: origin(:)  !< 0
    integer :: bmi_status

    origin = 0.0_real64
    bmi_status = unsupported(self, 'get_grid_origin', grid)
  end function get_grid_origin

  !> Points have none.
  function get_grid_edge_count(self, grid, count) result(bmi_status)
    class(bmi_ecostep), intent(in) :: self
    integer, intent(in) :: grid  !< grid
    integer, intent(out) :: count  !< 0
    integer :: bmi_status

    count = 0
    bmi_status = unsupported(self, 'get_grid_edge_count', grid)
  end function get_grid_edge_count

  !> Points have none.
  function get_grid_face_count(self, grid, count) result(bmi_status)
    class(bmi_ecostep), intent(in) :: self
    integer, intent(in) :: grid  !< grid
    integer, intent(out) :: count  !< 0
    integer :: bmi_status

    count = 0
    bmi_status = unsupported(self, 'get_grid_face_count', grid)
  end function get_grid_face_count

  !> Points have none.
  function get_grid_edge_nodes(self, grid, edge_nodes) result(bmi_status)
    class(bmi_ecostep), intent(in) :: self
    integer, intent(in) :: grid  !< grid
    integer, intent(out) :: edge_nodes(:)  !< 0
    integer :: bmi_status

    edge_nodes = 0
    bmi_status = unsupported(self, 'get_grid_edge_nodes', grid)
  end function get_grid_edge_nodes

  !> Points have none.
  function get_grid_face_edges(self, grid, face_edges) result(bmi_status)
    class(bmi_ecostep), intent(in) :: self
    integer, intent(in) :: grid  !< grid
    integer, intent(out) :: face_edges(:)  !< 0
    integer :: bmi_status

    face_edges = 0
    bmi_status = unsupported(self, 'get_grid_face_edges', grid)
  end function get_grid_face_edges

  !> Points have none.
  function get_grid_face_nodes(self, grid, face_nodes) result(bmi_status)
    class(bmi_ecostep), intent(in) :: self
    integer, intent(in) :: grid  !< grid
    integer, intent(out) :: face_nodes(:)  !< 0
    integer :: bmi_status

    face_nodes = 0
    bmi_status = unsupported(self, 'get_grid_face_nodes', grid)
  end function get_grid_face_nodes

  !> Points have none.
  function get_grid_nodes_per_face(self, grid, nodes_per_face) result(bmi_status)
    class(bmi_ecostep), intent(in) :: self
    integer, intent(in) :: grid  !< grid
    integer, intent(out) :: nodes_per_face(:)  !< 0
    integer :: bmi_status

    nodes_per_face = 0
    bmi_status = unsupported(self, 'get_grid_nodes_per_face', grid)
  end function get_grid_nodes_per_face

  ! ---- inside ------------------------------------------------------------------------------------

  !> Give back all that a component holds.
  subroutine discard(e)
    type(emulator), pointer, intent(inout) :: e
    integer :: i

    call e%cells%destroy()
    call e%model%close()
    if (allocated(e%variables)) then
      do i = 1, size(e%variables)
        if (associated(e%variables(i)%values)) deallocate(e%variables(i)%values)
      end do
    end if
    if (associated(e%rows)) deallocate(e%rows)
    if (associated(e%longitude)) deallocate(e%longitude)
    if (associated(e%inputs)) deallocate(e%inputs)
    if (associated(e%outputs)) deallocate(e%outputs)
    deallocate(e)
  end subroutine discard

  !> Add a variable and allocate its values; drivers that are never set stay NaN, which the library
  !> refuses by name.
  subroutine add(e, name, units, role, values)
    type(emulator), intent(inout) :: e
    character(*), intent(in) :: name  !< in the artefact
    character(*), intent(in) :: units  !< in the artefact
    integer, intent(in) :: role  !< one of role_...
    real(real64), pointer, intent(out) :: values(:)  !< (ncell), the time (1), null for the state
    type(variable) :: added
    integer :: i

    added%artefact_name = name
    added%name = name
    do i = 1, size(artefact_names)
      if (artefact_names(i) == name) added%name = csdms_names(i)
    end do
    added%units = units
    added%role = role
    if (role == role_time) then
      allocate(added%values(1), source=0.0_real64)
    else if (role /= role_state) then
      allocate(added%values(e%ncell), source=ieee_value(1.0_real64, ieee_quiet_nan))
    end if
    values => added%values
    e%variables = [e%variables, added]
  end subroutine add

  !> Names of the variables of a role.
  subroutine list(e, role, names)
    type(emulator), intent(in) :: e
    integer, intent(in) :: role  !< one of role_...
    character(BMI_MAX_VAR_NAME), pointer, intent(out) :: names(:)  !< the names
    integer :: i, n

    allocate(names(count(e%variables%role == role)))
    n = 0
    do i = 1, size(e%variables)
      if (e%variables(i)%role /= role) cycle
      n = n + 1
      names(n) = e%variables(i)%name
    end do
  end subroutine list

  !> Index of a variable by either of its names; 0 where there is none.
  pure integer function index_of(name, e)
    character(*), intent(in) :: name  !< variable
    type(emulator), intent(in) :: e

    do index_of = size(e%variables), 1, -1
      if (any([e%variables(index_of)%name, e%variables(index_of)%artefact_name] == name)) return
    end do
  end function index_of

  !> Find a variable; with `role` state or input, one whose values are real or double precision.
  integer function find(self, name, i, role)
    class(bmi_ecostep), intent(in) :: self
    character(*), intent(in) :: name  !< variable
    integer, intent(out) :: i  !< its index
    integer, intent(in), optional :: role  !< role_state: the state; role_input: any other

    find = BMI_FAILURE
    i = 0
    if (.not. associated(self%emulator)) then
      call complain('the component is not initialised, or was finalised')
      return
    end if
    i = index_of(name, self%emulator)
    if (i == 0) then
      call complain("unknown variable '"//trim(name)//"'")
    else if (present(role)) then
      if ((role == role_state) .eqv. (self%emulator%variables(i)%role == role_state)) then
        find = BMI_SUCCESS
      else
        call complain("'"//trim(name)//"' is of another type")
      end if
    else
      find = BMI_SUCCESS
    end if
  end function find

  !> Fill the state from the site attributes unless that was done, or the state was set; whether it
  !> is filled then.
  logical function has_state(e)
    type(emulator), intent(inout) :: e
    integer :: stat
    character(:), allocatable :: message

    stat = 0
    if (.not. e%started) call e%cells%init_state(stat, message)
    if (stat /= 0) call complain(message)
    e%started = stat == 0
    has_state = e%started
  end function has_state

  !> Whether an array of the framework has the size of the variable.
  integer function same_size(name, array_size, variable_size)
    character(*), intent(in) :: name  !< variable
    integer, intent(in) :: array_size, variable_size  !< number of values

    same_size = merge(BMI_SUCCESS, BMI_FAILURE, array_size == variable_size)
    if (array_size /= variable_size) then
      call complain("array for '"//trim(name)//"' has another size than the variable")
    end if
  end function same_size

  !> Whether indices are within bounds.
  integer function within(name, inds, array_size, bound)
    character(*), intent(in) :: name  !< variable
    integer, intent(in) :: inds(:)  !< from 1
    integer, intent(in) :: array_size  !< size of the array that goes with them
    integer, intent(in) :: bound  !< largest index

    within = same_size(name, array_size, size(inds))
    if (all(inds >= 1 .and. inds <= bound)) return
    call complain("index out of bounds for '"//trim(name)//"'")
    within = BMI_FAILURE
  end function within

  !> Failure of what the component has not.
  integer function unsupported(self, what, number)
    class(bmi_ecostep), intent(in) :: self
    character(*), intent(in) :: what  !< function or variable
    integer, intent(in) :: number  !< grid or size, not used

    unsupported = BMI_FAILURE
    if (associated(self%emulator) .and. number >= -1) then
      call complain(trim(what)//': cells are points, values are no integers')
    end if
  end function unsupported

  !> Go to the day `count` of the run, forwards from where the date is.
  subroutine seek(date, start_date, count, calendar)
    type(run_date), intent(inout) :: date  !< in, out
    type(run_date), intent(in) :: start_date  !< day 0
    integer(int64), intent(in) :: count  !< days since the start
    character(*), intent(in) :: calendar  !< of the run

    if (count < date%count) date = start_date
    do while (date%count < count)
      call next_day(date, calendar)
    end do
  end subroutine seek

  !> The day after.
  pure subroutine next_day(date, calendar)
    type(run_date), intent(inout) :: date
    character(*), intent(in) :: calendar  !< 'standard', 'noleap' or '360_day'
    integer, parameter :: days(*) = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    integer :: length

    length = days(date%month)
    if (date%month == 2 .and. calendar == 'standard' .and. ((mod(date%year, 4) == 0 .and. &
      mod(date%year, 100) /= 0) .or. mod(date%year, 400) == 0)) length = 29
    if (calendar == '360_day') length = 30
    date%count = date%count + 1
    date%day = date%day + 1
    if (date%day <= length) return
    date%day = 1
    date%month = date%month + 1
    if (date%month <= 12) return
    date%month = 1
    date%year = date%year + 1
  end subroutine next_day

  !> Days from one date to a later one; the largest number where it never comes.
  integer(int64) function days_between(first, last, calendar)
    type(run_date), intent(in) :: first, last  !< dates
    character(*), intent(in) :: calendar  !< of the run
    type(run_date) :: date

    date = first
    do while (date%year <= last%year)
      if (date%year == last%year .and. date%month == last%month .and. date%day == last%day) exit
      call next_day(date, calendar)
    end do
    days_between = date%count
  end function days_between

  !> Read YYYY-MM-DD; whether the day exists in its calendar the library tests at the first step.
  logical function read_date(text, date)
    character(*), intent(in) :: text  !< the date
    type(run_date), intent(out) :: date  !< the same
    integer :: iostat

    read (text, '(i4, 1x, i2, 1x, i2)', iostat=iostat) date%year, date%month, date%day
    read_date = iostat == 0 .and. date%month >= 1 .and. date%month <= 12 .and. date%day >= 1 &
      .and. date%day <= 31
  end function read_date

  !> Say what failed: BMI's functions return nothing but a status.
  subroutine complain(message)
    character(*), intent(in) :: message  !< what

    write (error_unit, '(2a)') 'ecostep: ', message
  end subroutine complain

end module ecostep_bmi
