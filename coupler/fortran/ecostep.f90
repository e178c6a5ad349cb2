!> Run a trained ecosystem emulator inside a land model: Fortran face of libecostep.
!>
!> A host opens an artefact, registers its own arrays once by name and unit, and calls `step` every
!> time step. The arrays need the `target` attribute and must stay where they are. Without it, as
!> with an expression, the result of a function or a vector subscript, a host does not compile: the
!> library would keep the address of a copy. (Hence `pointer`, and `asynchronous`, which forbids
!> vector subscripts.) They are of rank 1, or of rank 2 for tiles (i, j), with any distances between
!> elements; the state is a list of rows in the order of the elements. A copy of a model or of cells
!> is another owner, and the last one gives it back. Every procedure that can fail has optional
!> `stat` (0 = success, otherwise one of the ecostep_... values below) and `errmsg`; without `stat`
!> a failure is an `error stop` with the message, as for `allocate`.
!> On failure neither state nor outputs were written.
!>
!> All kinds are explicit, so hosts compiled with -fdefault-real-8 may use the module as it is.
!> `coupler/include/ecostep.h` describes each call in full. Module files belong to one compiler: a
!> host with another one adds this file to its own build.
!>
!> Generated from ecostep.fypp, which is the file to edit.
module ecostep
  use, intrinsic :: iso_c_binding, only: c_associated, c_bool, c_char, c_double, c_f_pointer, &
    c_float, c_int, c_intptr_t, c_loc, c_null_char, c_null_ptr, c_ptr, c_ptrdiff_t, c_size_t
  use, intrinsic :: iso_fortran_env, only: compiler_version, int32, int64, real32, real64
  implicit none (type, external)
  private

  public :: ecostep_model, ecostep_cells
  public :: ecostep_version, ecostep_status_name, ecostep_unit_conversion

  ! Mirrors of ecostep_status and ecostep_type in ecostep.h. Those that hosts use are default
  ! integers, whatever kind these have in the host, as `stat` and `policy` are.
  integer, parameter :: ecostep_ok = 0
  integer, parameter :: ecostep_invalid_argument = 1
  integer, parameter :: ecostep_file_error = 2
  integer, parameter :: ecostep_not_an_artefact = 3
  integer, parameter :: ecostep_newer_format = 4
  integer, parameter :: ecostep_corrupt = 5
  integer, parameter :: ecostep_no_backend = 6
  integer, parameter :: ecostep_unknown_name = 7
  integer, parameter :: ecostep_bad_units = 8
  integer, parameter :: ecostep_wrong_size = 9
  integer, parameter :: ecostep_not_registered = 10
  integer, parameter :: ecostep_bad_value = 11
  integer, parameter :: ecostep_bad_date = 12
  integer, parameter :: ecostep_backend_failed = 13
  integer, parameter :: ecostep_mismatch = 14
  integer, parameter :: ecostep_not_available = 15
  integer, parameter :: ecostep_out_of_memory = 16
  integer, parameter :: ecostep_internal = 17
  integer, parameter :: ecostep_not_trusted = 18
  public :: ecostep_ok, ecostep_invalid_argument, ecostep_file_error, ecostep_not_an_artefact, &
    ecostep_newer_format, ecostep_corrupt, ecostep_no_backend, ecostep_unknown_name, &
    ecostep_bad_units, ecostep_wrong_size, ecostep_not_registered, ecostep_bad_value, &
    ecostep_bad_date, ecostep_backend_failed, ecostep_mismatch, ecostep_not_available, &
    ecostep_out_of_memory, ecostep_internal, ecostep_not_trusted

  ! Mirror of ecostep_policy.
  integer, parameter :: ecostep_policy_ignore = 0
  integer, parameter :: ecostep_policy_warn = 1
  integer, parameter :: ecostep_policy_error = 2
  integer, parameter :: ecostep_policy_clip = 3
  public :: ecostep_policy_ignore, ecostep_policy_warn, ecostep_policy_error, ecostep_policy_clip

  integer(c_int), parameter :: type_f32 = 1, type_f64 = 2, type_i32 = 3, type_i64 = 4, type_i8 = 5
  !> Which word of gfortran's descriptors holds the distance of elements.
  integer, parameter :: span_word = 5
  logical, parameter :: by_gfortran = index(compiler_version(), 'GCC') == 1 &
    .and. c_intptr_t == int64
  integer(c_int), parameter :: role_input = 1, role_static = 2, role_target = 3  ! ecostep_role

  !> An artefact read into memory; several threads may share it.
  type :: ecostep_model
    private
    type(c_ptr) :: handle = c_null_ptr  !< ecostep_model of the C library
  contains
    procedure :: open => model_open
    procedure :: close => model_close
    procedure :: verify => model_verify
    procedure :: name => model_name
    procedure :: kind => model_kind
    procedure :: backend => model_backend
    procedure :: backend_reason => model_backend_reason
    procedure :: past_flux => model_past_flux
    procedure :: flops => model_flops
    procedure :: fingerprint => model_fingerprint
    procedure :: metadata => model_metadata
    procedure :: state_size => model_state_size
    procedure :: n_inputs => model_n_inputs
    procedure :: n_statics => model_n_statics
    procedure :: n_targets => model_n_targets
    procedure, private :: share_model
    generic :: assignment(=) => share_model
    final :: finish_model
    procedure :: input_name => model_input_name
    procedure :: static_name => model_static_name
    procedure :: target_name => model_target_name
    procedure :: input_units => model_input_units
    procedure :: static_units => model_static_units
    procedure :: target_units => model_target_units
  end type ecostep_model

  !> The cells of one host thread or rank, and which host arrays hold what.
  type :: ecostep_cells
    private
    type(c_ptr) :: handle = c_null_ptr  !< ecostep_cells of the C library
    integer :: n_inputs = 0, n_targets = 0, state_size = 0  !< of the model
  contains
    procedure :: create => cells_create
    procedure :: destroy => cells_destroy
    procedure :: calendar => cells_calendar
    procedure :: state => cells_state
    procedure :: state_checksum => cells_state_checksum
    procedure :: check_state => cells_check_state
    procedure :: init_state => cells_init_state
    procedure :: write_outputs => cells_write_outputs
    procedure :: reset_date => cells_reset_date
    procedure :: step => cells_step
    procedure :: policy => cells_policy
    procedure :: range_count => cells_range_count
    procedure :: range_message => cells_range_message
    procedure :: staging => cells_staging
    procedure :: spin_up => cells_spin_up
    procedure :: gradient => cells_gradient
    !> Register a driver: call cells%input(name, units, values [, stat, errmsg]);
    !> a scalar serves all cells.
    generic :: input => input_real32, input_real64, input_2d_real32, input_2d_real64, &
      input_scalar_real32, input_scalar_real64
    !> Register a site attribute: call cells%static(name, units, values [, stat, errmsg]);
    !> a scalar serves all cells.
    generic :: static => static_real32, static_real64, static_int32, static_int64, &
      static_2d_real32, static_2d_real64, static_2d_int32, static_2d_int64, &
      static_scalar_real32, static_scalar_real64, &
      static_scalar_int32
    !> Register where a flux goes: call cells%output(name, units, values [, stat, errmsg]).
    generic :: output => output_real32, output_real64, output_2d_real32, output_2d_real64
    !> Register measured flux: call cells%observed(name, units, values [, stat, errmsg]);
    !> NaN where not known.
    generic :: observed => observed_real32, observed_real64, &
      observed_2d_real32, observed_2d_real64
    !> Register which cells are active: call cells%mask(active [, stat, errmsg]).
    generic :: mask => mask_logical, mask_bool, mask_int32, mask_int64, &
      mask_2d_logical, mask_2d_bool, mask_2d_int32, mask_2d_int64
    !> Register how far each cell's clock is ahead of the host's, or longitudes in 'degrees_east':
    !> call cells%local_time(units, offset [, stat, errmsg]).
    generic :: local_time => local_time_real32, local_time_real64, &
      local_time_2d_real32, local_time_2d_real64
    procedure, private :: share_cells
    generic :: assignment(=) => share_cells
    final :: finish_cells
    procedure, private :: input_real32, input_real64, input_2d_real32, input_2d_real64
    procedure, private :: static_real32, static_real64, static_int32, static_int64, &
      static_2d_real32, static_2d_real64, static_2d_int32, static_2d_int64
    procedure, private :: output_real32, output_real64, output_2d_real32, output_2d_real64
    procedure, private :: observed_real32, observed_real64, &
      observed_2d_real32, observed_2d_real64
    procedure, private :: input_scalar_real32, input_scalar_real64
    procedure, private :: static_scalar_real32, static_scalar_real64, &
      static_scalar_int32
    procedure, private :: mask_logical, mask_bool, mask_int32, mask_int64, &
      mask_2d_logical, mask_2d_bool, mask_2d_int32, mask_2d_int64
    procedure, private :: local_time_real32, local_time_real64, &
      local_time_2d_real32, local_time_2d_real64
  end type ecostep_cells

  !> struct ecostep_variable
  type, bind(c) :: variable_info
    type(c_ptr) :: name = c_null_ptr  !< name in the artefact
    type(c_ptr) :: units = c_null_ptr  !< units in the artefact
    type(c_ptr) :: long_name = c_null_ptr  !< description
    type(c_ptr) :: accumulate = c_null_ptr  !< rule over the day
    real(c_double) :: valid_min = 0.0_c_double  !< values below are refused
    real(c_double) :: valid_max = 0.0_c_double  !< values above are refused
    real(c_double) :: train_min = 0.0_c_double  !< smallest value in training
    real(c_double) :: train_max = 0.0_c_double  !< largest value in training
  end type variable_info

  ! Interface bodies, and no procedure(...) statements for functions that have the same arguments:
  ! gfortran (12 at least) forgets the VALUE attribute of those in all but one of their callers.
  interface
    function c_model_name(handle) result(text) &
      bind(c, name='ecostep_model_name')
      import :: c_ptr
      implicit none (type, external)
      type(c_ptr), value :: handle
      type(c_ptr) :: text
    end function c_model_name

    function c_model_kind(handle) result(text) &
      bind(c, name='ecostep_model_kind')
      import :: c_ptr
      implicit none (type, external)
      type(c_ptr), value :: handle
      type(c_ptr) :: text
    end function c_model_kind

    function c_model_backend(handle) result(text) &
      bind(c, name='ecostep_model_backend')
      import :: c_ptr
      implicit none (type, external)
      type(c_ptr), value :: handle
      type(c_ptr) :: text
    end function c_model_backend

    function c_model_backend_reason(handle) result(text) &
      bind(c, name='ecostep_model_backend_reason')
      import :: c_ptr
      implicit none (type, external)
      type(c_ptr), value :: handle
      type(c_ptr) :: text
    end function c_model_backend_reason

    function c_model_past_flux(handle) result(text) &
      bind(c, name='ecostep_model_past_flux')
      import :: c_ptr
      implicit none (type, external)
      type(c_ptr), value :: handle
      type(c_ptr) :: text
    end function c_model_past_flux

    function c_model_metadata(handle) result(text) &
      bind(c, name='ecostep_model_metadata')
      import :: c_ptr
      implicit none (type, external)
      type(c_ptr), value :: handle
      type(c_ptr) :: text
    end function c_model_metadata

    function c_range_message(handle) result(text) &
      bind(c, name='ecostep_range_message')
      import :: c_ptr
      implicit none (type, external)
      type(c_ptr), value :: handle
      type(c_ptr) :: text
    end function c_range_message

    function c_last_error() result(text) bind(c, name='ecostep_last_error')
      import :: c_ptr
      implicit none (type, external)
      type(c_ptr) :: text
    end function c_last_error

    function c_version() result(text) bind(c, name='ecostep_version')
      import :: c_ptr
      implicit none (type, external)
      type(c_ptr) :: text
    end function c_version

    function c_state_size(handle) result(n) bind(c, name='ecostep_state_size')
      import :: c_ptr, c_size_t
      implicit none (type, external)
      type(c_ptr), value :: handle
      integer(c_size_t) :: n
    end function c_state_size

    function c_cells_count(handle) result(n) bind(c, name='ecostep_cells_count')
      import :: c_ptr, c_size_t
      implicit none (type, external)
      type(c_ptr), value :: handle
      integer(c_size_t) :: n
    end function c_cells_count

    subroutine c_close(handle) bind(c, name='ecostep_close')
      import :: c_ptr
      implicit none (type, external)
      type(c_ptr), value :: handle
    end subroutine c_close

    subroutine c_cells_destroy(handle) bind(c, name='ecostep_cells_destroy')
      import :: c_ptr
      implicit none (type, external)
      type(c_ptr), value :: handle
    end subroutine c_cells_destroy

    function c_set_input(cells, name, units, data, type, &
      ncell, stride) result(status) &
      bind(c, name='ecostep_set_input')
      import :: c_char, c_int, c_ptr, c_ptrdiff_t, c_size_t
      implicit none (type, external)
      type(c_ptr), value :: cells, data
      character(kind=c_char), intent(in) :: name(*), units(*)
      integer(c_int), value :: type
      integer(c_size_t), value :: ncell
      integer(c_ptrdiff_t), value :: stride
      integer(c_int) :: status
    end function c_set_input

    function c_set_input_2d(cells, name, units, data, type, &
      n_1, stride_1, n_2, stride_2) result(status) &
      bind(c, name='ecostep_set_input_2d')
      import :: c_char, c_int, c_ptr, c_ptrdiff_t, c_size_t
      implicit none (type, external)
      type(c_ptr), value :: cells, data
      character(kind=c_char), intent(in) :: name(*), units(*)
      integer(c_int), value :: type
      integer(c_size_t), value :: n_1, n_2
      integer(c_ptrdiff_t), value :: stride_1, stride_2
      integer(c_int) :: status
    end function c_set_input_2d

    function c_set_static(cells, name, units, data, type, &
      ncell, stride) result(status) &
      bind(c, name='ecostep_set_static')
      import :: c_char, c_int, c_ptr, c_ptrdiff_t, c_size_t
      implicit none (type, external)
      type(c_ptr), value :: cells, data
      character(kind=c_char), intent(in) :: name(*), units(*)
      integer(c_int), value :: type
      integer(c_size_t), value :: ncell
      integer(c_ptrdiff_t), value :: stride
      integer(c_int) :: status
    end function c_set_static

    function c_set_static_2d(cells, name, units, data, type, &
      n_1, stride_1, n_2, stride_2) result(status) &
      bind(c, name='ecostep_set_static_2d')
      import :: c_char, c_int, c_ptr, c_ptrdiff_t, c_size_t
      implicit none (type, external)
      type(c_ptr), value :: cells, data
      character(kind=c_char), intent(in) :: name(*), units(*)
      integer(c_int), value :: type
      integer(c_size_t), value :: n_1, n_2
      integer(c_ptrdiff_t), value :: stride_1, stride_2
      integer(c_int) :: status
    end function c_set_static_2d

    function c_set_output(cells, name, units, data, type, &
      ncell, stride) result(status) &
      bind(c, name='ecostep_set_output')
      import :: c_char, c_int, c_ptr, c_ptrdiff_t, c_size_t
      implicit none (type, external)
      type(c_ptr), value :: cells, data
      character(kind=c_char), intent(in) :: name(*), units(*)
      integer(c_int), value :: type
      integer(c_size_t), value :: ncell
      integer(c_ptrdiff_t), value :: stride
      integer(c_int) :: status
    end function c_set_output

    function c_set_output_2d(cells, name, units, data, type, &
      n_1, stride_1, n_2, stride_2) result(status) &
      bind(c, name='ecostep_set_output_2d')
      import :: c_char, c_int, c_ptr, c_ptrdiff_t, c_size_t
      implicit none (type, external)
      type(c_ptr), value :: cells, data
      character(kind=c_char), intent(in) :: name(*), units(*)
      integer(c_int), value :: type
      integer(c_size_t), value :: n_1, n_2
      integer(c_ptrdiff_t), value :: stride_1, stride_2
      integer(c_int) :: status
    end function c_set_output_2d

    function c_set_observed(cells, name, units, data, type, &
      ncell, stride) result(status) &
      bind(c, name='ecostep_set_observed')
      import :: c_char, c_int, c_ptr, c_ptrdiff_t, c_size_t
      implicit none (type, external)
      type(c_ptr), value :: cells, data
      character(kind=c_char), intent(in) :: name(*), units(*)
      integer(c_int), value :: type
      integer(c_size_t), value :: ncell
      integer(c_ptrdiff_t), value :: stride
      integer(c_int) :: status
    end function c_set_observed

    function c_set_observed_2d(cells, name, units, data, type, &
      n_1, stride_1, n_2, stride_2) result(status) &
      bind(c, name='ecostep_set_observed_2d')
      import :: c_char, c_int, c_ptr, c_ptrdiff_t, c_size_t
      implicit none (type, external)
      type(c_ptr), value :: cells, data
      character(kind=c_char), intent(in) :: name(*), units(*)
      integer(c_int), value :: type
      integer(c_size_t), value :: n_1, n_2
      integer(c_ptrdiff_t), value :: stride_1, stride_2
      integer(c_int) :: status
    end function c_set_observed_2d

    function c_model_share(handle) result(same) bind(c, name='ecostep_model_share')
      import :: c_ptr
      implicit none (type, external)
      type(c_ptr), value :: handle
      type(c_ptr) :: same
    end function c_model_share

    function c_cells_share(handle) result(same) bind(c, name='ecostep_cells_share')
      import :: c_ptr
      implicit none (type, external)
      type(c_ptr), value :: handle
      type(c_ptr) :: same
    end function c_cells_share

    function c_init_state(cells) result(status) bind(c, name='ecostep_init_state')
      import :: c_int, c_ptr
      implicit none (type, external)
      type(c_ptr), value :: cells
      integer(c_int) :: status
    end function c_init_state

    function c_write_outputs(cells) result(status) bind(c, name='ecostep_write_outputs')
      import :: c_int, c_ptr
      implicit none (type, external)
      type(c_ptr), value :: cells
      integer(c_int) :: status
    end function c_write_outputs

    function c_reset_date(cells) result(status) bind(c, name='ecostep_reset_date')
      import :: c_int, c_ptr
      implicit none (type, external)
      type(c_ptr), value :: cells
      integer(c_int) :: status
    end function c_reset_date

    function c_open(path, backend, model) result(status) &
      bind(c, name='ecostep_open')
      import :: c_char, c_int, c_ptr
      implicit none (type, external)
      character(kind=c_char), intent(in) :: path(*), backend(*)
      type(c_ptr), intent(out) :: model
      integer(c_int) :: status
    end function c_open

    function c_open_trusted(path, backend, model) result(status) &
      bind(c, name='ecostep_open_trusted')
      import :: c_char, c_int, c_ptr
      implicit none (type, external)
      character(kind=c_char), intent(in) :: path(*), backend(*)
      type(c_ptr), intent(out) :: model
      integer(c_int) :: status
    end function c_open_trusted

    function c_variable_count(model, role) result(n) bind(c, name='ecostep_variable_count')
      import :: c_int, c_ptr, c_size_t
      implicit none (type, external)
      type(c_ptr), value :: model
      integer(c_int), value :: role
      integer(c_size_t) :: n
    end function c_variable_count

    function c_variable_info(model, role, index, info) result(status) &
      bind(c, name='ecostep_variable_info')
      import :: c_int, c_ptr, c_size_t, variable_info
      implicit none (type, external)
      type(c_ptr), value :: model
      integer(c_int), value :: role
      integer(c_size_t), value :: index
      type(variable_info), intent(out) :: info
      integer(c_int) :: status
    end function c_variable_info

    function c_verify(model, max_difference) result(status) bind(c, name='ecostep_verify')
      import :: c_double, c_int, c_ptr
      implicit none (type, external)
      type(c_ptr), value :: model
      real(c_double), intent(out) :: max_difference
      integer(c_int) :: status
    end function c_verify

    function c_cells_create(model, ncell, cells) result(status) &
      bind(c, name='ecostep_cells_create')
      import :: c_int, c_ptr, c_size_t
      implicit none (type, external)
      type(c_ptr), value :: model
      integer(c_size_t), value :: ncell
      type(c_ptr), intent(out) :: cells
      integer(c_int) :: status
    end function c_cells_create

    function c_set_state(cells, state, state_size, ncell) result(status) &
      bind(c, name='ecostep_set_state')
      import :: c_int, c_ptr, c_size_t
      implicit none (type, external)
      type(c_ptr), value :: cells, state
      integer(c_size_t), value :: state_size, ncell
      integer(c_int) :: status
    end function c_set_state

    function c_fingerprint(model) result(text) bind(c, name='ecostep_fingerprint')
      import :: c_ptr
      implicit none (type, external)
      type(c_ptr), value :: model
      type(c_ptr) :: text
    end function c_fingerprint

    function c_state_checksum(cells, checksum, ncell) result(status) &
      bind(c, name='ecostep_state_checksum')
      import :: c_int, c_ptr, c_size_t
      implicit none (type, external)
      type(c_ptr), value :: cells, checksum
      integer(c_size_t), value :: ncell
      integer(c_int) :: status
    end function c_state_checksum

    function c_state_check(cells, checksum, ncell) result(status) &
      bind(c, name='ecostep_state_check')
      import :: c_int, c_ptr, c_size_t
      implicit none (type, external)
      type(c_ptr), value :: cells, checksum
      integer(c_size_t), value :: ncell
      integer(c_int) :: status
    end function c_state_check

    function c_set_calendar(cells, calendar) result(status) bind(c, name='ecostep_set_calendar')
      import :: c_char, c_int, c_ptr
      implicit none (type, external)
      type(c_ptr), value :: cells
      character(kind=c_char), intent(in) :: calendar(*)
      integer(c_int) :: status
    end function c_set_calendar

    function c_step(cells, year, month, day, seconds, dt) result(status) &
      bind(c, name='ecostep_step')
      import :: c_int, c_ptr
      implicit none (type, external)
      type(c_ptr), value :: cells
      integer(c_int), value :: year, month, day, seconds, dt
      integer(c_int) :: status
    end function c_step

    function c_model_flops(model) result(flops) bind(c, name='ecostep_model_flops')
      import :: c_double, c_ptr
      implicit none (type, external)
      type(c_ptr), value :: model
      real(c_double) :: flops
    end function c_model_flops

    function c_set_mask(cells, active, type, &
      ncell, stride) result(status) &
      bind(c, name='ecostep_set_mask')
      import :: c_int, c_ptr, c_ptrdiff_t, c_size_t
      implicit none (type, external)
      type(c_ptr), value :: cells, active
      integer(c_int), value :: type
      integer(c_size_t), value :: ncell
      integer(c_ptrdiff_t), value :: stride
      integer(c_int) :: status
    end function c_set_mask

    function c_set_mask_2d(cells, active, type, &
      n_1, stride_1, n_2, stride_2) result(status) &
      bind(c, name='ecostep_set_mask_2d')
      import :: c_int, c_ptr, c_ptrdiff_t, c_size_t
      implicit none (type, external)
      type(c_ptr), value :: cells, active
      integer(c_int), value :: type
      integer(c_size_t), value :: n_1, n_2
      integer(c_ptrdiff_t), value :: stride_1, stride_2
      integer(c_int) :: status
    end function c_set_mask_2d

    function c_set_local_time(cells, units, offset, type, &
      ncell, stride) result(status) &
      bind(c, name='ecostep_set_local_time')
      import :: c_char, c_int, c_ptr, c_ptrdiff_t, c_size_t
      implicit none (type, external)
      type(c_ptr), value :: cells, offset
      character(kind=c_char), intent(in) :: units(*)
      integer(c_int), value :: type
      integer(c_size_t), value :: ncell
      integer(c_ptrdiff_t), value :: stride
      integer(c_int) :: status
    end function c_set_local_time

    function c_set_local_time_2d(cells, units, offset, type, &
      n_1, stride_1, n_2, stride_2) result(status) &
      bind(c, name='ecostep_set_local_time_2d')
      import :: c_char, c_int, c_ptr, c_ptrdiff_t, c_size_t
      implicit none (type, external)
      type(c_ptr), value :: cells, offset
      character(kind=c_char), intent(in) :: units(*)
      integer(c_int), value :: type
      integer(c_size_t), value :: n_1, n_2
      integer(c_ptrdiff_t), value :: stride_1, stride_2
      integer(c_int) :: status
    end function c_set_local_time_2d

    function c_set_policy(cells, name, policy) result(status) bind(c, name='ecostep_set_policy')
      import :: c_int, c_ptr
      implicit none (type, external)
      type(c_ptr), value :: cells, name
      integer(c_int), value :: policy
      integer(c_int) :: status
    end function c_set_policy

    function c_range_count(cells, name, count) result(status) bind(c, name='ecostep_range_count')
      import :: c_int, c_ptr, c_size_t
      implicit none (type, external)
      type(c_ptr), value :: cells, name
      integer(c_size_t), intent(out) :: count
      integer(c_int) :: status
    end function c_range_count

    function c_set_staging(cells, bytes) result(status) bind(c, name='ecostep_set_staging')
      import :: c_int, c_ptr, c_size_t
      implicit none (type, external)
      type(c_ptr), value :: cells
      integer(c_size_t), value :: bytes
      integer(c_int) :: status
    end function c_set_staging

    function c_spin_up(cells, year, month, day, nday, day_stride) result(status) &
      bind(c, name='ecostep_spin_up')
      import :: c_int, c_ptr, c_ptrdiff_t, c_size_t
      implicit none (type, external)
      type(c_ptr), value :: cells
      integer(c_int), value :: year, month, day
      integer(c_size_t), value :: nday
      integer(c_ptrdiff_t), value :: day_stride
      integer(c_int) :: status
    end function c_spin_up

    function c_step_gradient(cells, year, month, day, flux_weight, state_weight, input_gradient, &
      state_gradient) result(status) bind(c, name='ecostep_step_gradient')
      import :: c_int, c_ptr
      implicit none (type, external)
      type(c_ptr), value :: cells
      integer(c_int), value :: year, month, day
      type(c_ptr), value :: flux_weight, state_weight, input_gradient, state_gradient
      integer(c_int) :: status
    end function c_step_gradient

    function c_unit_conversion(variable, from, to, interval, scale, offset) result(status) &
      bind(c, name='ecostep_unit_conversion')
      import :: c_char, c_double, c_int
      implicit none (type, external)
      character(kind=c_char), intent(in) :: variable(*), from(*), to(*)
      real(c_double), value :: interval
      real(c_double), intent(inout) :: scale, offset
      integer(c_int) :: status
    end function c_unit_conversion

    function c_status_name(status) result(text) bind(c, name='ecostep_status_name')
      import :: c_int, c_ptr
      implicit none (type, external)
      integer(c_int), value :: status
      type(c_ptr) :: text
    end function c_status_name

    pure function c_strlen(text) result(n) bind(c, name='strlen')
      import :: c_ptr, c_size_t
      implicit none (type, external)
      type(c_ptr), value :: text
      integer(c_size_t) :: n
    end function c_strlen
  end interface

contains

  ! ---- the artefact ------------------------------------------------------------------------------

  !> Read the artefact in file `path`; `backend` is 'native', 'torchscript', 'stub', 'none' to
  !> describe it only, or the first that works.
  subroutine model_open(self, path, backend, stat, errmsg, trust)
    class(ecostep_model), intent(inout) :: self
    character(*), intent(in) :: path  !< artefact file
    character(*), intent(in), optional :: backend  !< which backend runs it
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status
    logical, intent(in), optional :: trust  !< run whatever TorchScript code it has
    character(:), allocatable :: backend_name
    logical :: trusted

    call self%close()
    backend_name = ''
    if (present(backend)) backend_name = trim(backend)
    trusted = .false.
    if (present(trust)) trusted = trust
    if (trusted) then
      status = c_open_trusted(trim(path)//c_null_char, backend_name//c_null_char, self%handle)
    else
      status = c_open(trim(path)//c_null_char, backend_name//c_null_char, self%handle)
    end if
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine model_open

  !> Give the artefact back; cells made from it stay usable.
  subroutine model_close(self)
    class(ecostep_model), intent(inout) :: self

    if (c_associated(self%handle)) call c_close(self%handle)
    self%handle = c_null_ptr
  end subroutine model_close

  !> Replay the artefact's reference run.
  subroutine model_verify(self, max_difference, stat, errmsg)
    class(ecostep_model), intent(in) :: self
    real(real64), intent(out), optional :: max_difference  !< largest relative difference of a flux
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status
    real(c_double) :: difference

    status = c_verify(self%handle, difference)
    if (present(max_difference)) max_difference = difference
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine model_verify

  !> Label of the artefact.
  function model_name(self) result(text)
    class(ecostep_model), intent(in) :: self
    character(:), allocatable :: text

    text = fortran_string(c_model_name(self%handle))
  end function model_name

  !> Kind of model, such as 'lstm'.
  function model_kind(self) result(text)
    class(ecostep_model), intent(in) :: self
    character(:), allocatable :: text

    text = fortran_string(c_model_kind(self%handle))
  end function model_kind

  !> Backend in use.
  function model_backend(self) result(text)
    class(ecostep_model), intent(in) :: self
    character(:), allocatable :: text

    text = fortran_string(c_model_backend(self%handle))
  end function model_backend

  !> Why the backend in use is not the one that would come first; '' where it is, or was asked for.
  function model_backend_reason(self) result(text)
    class(ecostep_model), intent(in) :: self
    character(:), allocatable :: text

    text = fortran_string(c_model_backend_reason(self%handle))
  end function model_backend_reason

  !> 'none', 'ungauged' or 'self_fed': what `step` puts in the model's history.
  function model_past_flux(self) result(text)
    class(ecostep_model), intent(in) :: self
    character(:), allocatable :: text

    text = fortran_string(c_model_past_flux(self%handle))
  end function model_past_flux

  !> The artefact's metadata, as JSON.
  function model_metadata(self) result(text)
    class(ecostep_model), intent(in) :: self
    character(:), allocatable :: text

    text = fortran_string(c_model_metadata(self%handle))
  end function model_metadata

  !> Floating-point operations of an ordinary day's step of one cell; 0 where not known.
  function model_flops(self) result(flops)
    class(ecostep_model), intent(in) :: self
    real(real64) :: flops

    flops = c_model_flops(self%handle)
  end function model_flops

  !> 64 hexadecimal digits that tell the artefact from any other: for the host's restart file, since
  !> a state means nothing to another model.
  function model_fingerprint(self) result(text)
    class(ecostep_model), intent(in) :: self
    character(:), allocatable :: text

    text = fortran_string(c_fingerprint(self%handle))
  end function model_fingerprint

  !> Floats per cell of the state: allocate(state(model%state_size(), ncell)). 0 before `open`.
  function model_state_size(self) result(n)
    class(ecostep_model), intent(in) :: self
    integer :: n

    n = int(c_state_size(self%handle))
  end function model_state_size

  !> Number of inputs.
  function model_n_inputs(self) result(n)
    class(ecostep_model), intent(in) :: self
    integer :: n

    n = int(c_variable_count(self%handle, role_input))
  end function model_n_inputs

  !> Name of input `i`, counted from 1; '' out of bounds.
  function model_input_name(self, i) result(text)
    class(ecostep_model), intent(in) :: self
    integer, intent(in) :: i  !< index from 1
    character(:), allocatable :: text
    type(variable_info) :: info

    info = info_of(self, role_input, i)
    text = fortran_string(info%name)
  end function model_input_name

  !> Units of input `i` in the artefact.
  function model_input_units(self, i) result(text)
    class(ecostep_model), intent(in) :: self
    integer, intent(in) :: i  !< index from 1
    character(:), allocatable :: text
    type(variable_info) :: info

    info = info_of(self, role_input, i)
    text = fortran_string(info%units)
  end function model_input_units

  !> Number of statics.
  function model_n_statics(self) result(n)
    class(ecostep_model), intent(in) :: self
    integer :: n

    n = int(c_variable_count(self%handle, role_static))
  end function model_n_statics

  !> Name of static `i`, counted from 1; '' out of bounds.
  function model_static_name(self, i) result(text)
    class(ecostep_model), intent(in) :: self
    integer, intent(in) :: i  !< index from 1
    character(:), allocatable :: text
    type(variable_info) :: info

    info = info_of(self, role_static, i)
    text = fortran_string(info%name)
  end function model_static_name

  !> Units of static `i` in the artefact.
  function model_static_units(self, i) result(text)
    class(ecostep_model), intent(in) :: self
    integer, intent(in) :: i  !< index from 1
    character(:), allocatable :: text
    type(variable_info) :: info

    info = info_of(self, role_static, i)
    text = fortran_string(info%units)
  end function model_static_units

  !> Number of targets.
  function model_n_targets(self) result(n)
    class(ecostep_model), intent(in) :: self
    integer :: n

    n = int(c_variable_count(self%handle, role_target))
  end function model_n_targets

  !> Name of target `i`, counted from 1; '' out of bounds.
  function model_target_name(self, i) result(text)
    class(ecostep_model), intent(in) :: self
    integer, intent(in) :: i  !< index from 1
    character(:), allocatable :: text
    type(variable_info) :: info

    info = info_of(self, role_target, i)
    text = fortran_string(info%name)
  end function model_target_name

  !> Units of target `i` in the artefact.
  function model_target_units(self, i) result(text)
    class(ecostep_model), intent(in) :: self
    integer, intent(in) :: i  !< index from 1
    character(:), allocatable :: text
    type(variable_info) :: info

    info = info_of(self, role_target, i)
    text = fortran_string(info%units)
  end function model_target_units

  ! ---- cells -------------------------------------------------------------------------------------

  !> Make a set of `ncell` cells; `calendar` is 'standard' (default), 'noleap' or '360_day'.
  subroutine cells_create(self, model, ncell, calendar, stat, errmsg)
    class(ecostep_cells), intent(inout) :: self
    class(ecostep_model), intent(in) :: model  !< an open artefact
    integer, intent(in) :: ncell  !< number of cells, 0 is allowed
    character(*), intent(in), optional :: calendar  !< calendar of the host
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status

    call self%destroy()
    status = c_cells_create(model%handle, int(ncell, c_size_t), self%handle)
    self%n_inputs = model%n_inputs()
    self%n_targets = model%n_targets()
    self%state_size = model%state_size()
    if (status == ecostep_ok .and. present(calendar)) then
      status = c_set_calendar(self%handle, trim(calendar)//c_null_char)
    end if
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine cells_create

  !> Give the set back; host arrays are not touched.
  subroutine cells_destroy(self)
    class(ecostep_cells), intent(inout) :: self

    if (c_associated(self%handle)) call c_cells_destroy(self%handle)
    self%handle = c_null_ptr
  end subroutine cells_destroy

  !> Set the calendar: 'standard', 'noleap' or '360_day'.
  subroutine cells_calendar(self, calendar, stat, errmsg)
    class(ecostep_cells), intent(in) :: self
    character(*), intent(in) :: calendar  !< calendar of the host
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status

    status = c_set_calendar(self%handle, trim(calendar)//c_null_char)
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine cells_calendar

  !> Register the state array (state_size, ncell), which the host owns, writes to restart files
  !> and decomposes.
  subroutine cells_state(self, state, stat, errmsg)
    class(ecostep_cells), intent(in) :: self
    !> (state_size, ncell), contiguous
    real(c_float), pointer, intent(in), asynchronous :: state(:, :)
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status
    type(c_ptr) :: address
    integer(c_size_t) :: extent(2)

    address = c_null_ptr
    extent = 0
    if (associated(state)) then
      extent = shape(state, kind=c_size_t)
      if (all(extent > 0)) address = contiguous_address(state)
    end if
    status = c_set_state(self%handle, address, extent(1), extent(2))
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine cells_state

  !> Address of the state, null where its elements do not lie side by side, which the library
  !> refuses.
  function contiguous_address(values) result(address)
    real(c_float), pointer, intent(in) :: values(:, :)  !< (state_size, ncell), not empty
    type(c_ptr) :: address
    type :: descriptor_of_values
      real(c_float), pointer :: values(:, :)  !< the host's
    end type descriptor_of_values
    type(descriptor_of_values) :: descriptor
    integer(int64) :: words(span_word)

    descriptor%values => values
    words = 0
    if (by_gfortran) words = transfer(descriptor, words, size(words))
    address = c_null_ptr
    if (.not. is_contiguous(values)) return
    if (.not. of_structures(words, storage_size(values))) address = c_loc(values(1, 1))
  end function contiguous_address

  !> A checksum of each cell's state, for the host's restart file.
  subroutine cells_state_checksum(self, checksum, stat, errmsg)
    class(ecostep_cells), intent(in) :: self
    integer(int32), intent(inout), contiguous, target :: checksum(:)  !< (ncell)
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status
    type(c_ptr) :: address

    address = c_null_ptr
    if (size(checksum) > 0) address = c_loc(checksum)
    status = c_state_checksum(self%handle, address, size(checksum, kind=c_size_t))
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine cells_state_checksum

  !> After a restart: whether each active cell's state is the one that its checksum was made of
  !> (where there are checksums), and holds finite numbers and a date.
  subroutine cells_check_state(self, checksum, stat, errmsg)
    class(ecostep_cells), intent(in) :: self
    integer(int32), intent(in), contiguous, target, optional :: checksum(:)  !< (ncell)
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status
    type(c_ptr) :: address
    integer(c_size_t) :: n

    address = c_null_ptr
    n = c_cells_count(self%handle)
    if (present(checksum)) then
      n = size(checksum, kind=c_size_t)
      if (n > 0) address = c_loc(checksum)
    end if
    status = c_state_check(self%handle, address, n)
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine cells_check_state

  !> Fill the state for a fresh start. Not called after a restart.
  subroutine cells_init_state(self, stat, errmsg)
    class(ecostep_cells), intent(in) :: self
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status

    status = c_init_state(self%handle)
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine cells_init_state

  !> After a restart: write the flux of the last complete day, which the state holds, to outputs.
  subroutine cells_write_outputs(self, stat, errmsg)
    class(ecostep_cells), intent(in) :: self
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status

    status = c_write_outputs(self%handle)
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine cells_write_outputs

  !> Forget the date in the state but keep the model's memory, to go on at another date.
  subroutine cells_reset_date(self, stat, errmsg)
    class(ecostep_cells), intent(in) :: self
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status

    status = c_reset_date(self%handle)
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine cells_reset_date

  !> One host step of `dt` seconds that starts `seconds` after midnight of year, month, day.
  subroutine cells_step(self, year, month, day, seconds, dt, stat, errmsg)
    class(ecostep_cells), intent(in) :: self
    integer, intent(in) :: year, month, day  !< date of the start of the step
    integer, intent(in) :: seconds  !< seconds of the day at the start (s)
    integer, intent(in) :: dt  !< length of the step (s)
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status

    status = c_step(self%handle, int(year, c_int), int(month, c_int), int(day, c_int), &
      int(seconds, c_int), int(dt, c_int))
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine cells_step

  !> Register a driver of kind real32.
  subroutine input_real32(self, name, units, values, stat, errmsg)
    class(ecostep_cells), intent(in) :: self
    character(*), intent(in) :: name  !< name in the artefact
    character(*), intent(in) :: units  !< units of `values`
    real(real32), pointer, intent(in), asynchronous :: values(:)  !< (ncell)
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status
    type :: descriptor_of_values
      real(real32), pointer :: values(:)  !< the host's
    end type descriptor_of_values
    type(descriptor_of_values) :: descriptor
    integer(int64) :: words(span_word)
    type(c_ptr) :: first
    integer(c_size_t) :: n_values
    integer(c_ptrdiff_t) :: stride

    descriptor%values => values
    words = 0
    if (by_gfortran) words = transfer(descriptor, words, size(words))
    first = c_null_ptr
    n_values = 0
    stride = 1
    if (associated(values)) then
      n_values = size(values, kind=c_size_t)
      if (n_values > 0) first = c_loc(values(1))
      if (n_values > 1) call find_stride(first, c_loc(values(2)), storage_size(values), stride)
      if (of_structures(words, storage_size(values))) first = c_null_ptr
    end if
    status = c_set_input(self%handle, trim(name)//c_null_char, trim(units)//c_null_char, &
      first, type_f32, n_values, stride)
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine input_real32

  !> Register a driver of kind real64.
  subroutine input_real64(self, name, units, values, stat, errmsg)
    class(ecostep_cells), intent(in) :: self
    character(*), intent(in) :: name  !< name in the artefact
    character(*), intent(in) :: units  !< units of `values`
    real(real64), pointer, intent(in), asynchronous :: values(:)  !< (ncell)
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status
    type :: descriptor_of_values
      real(real64), pointer :: values(:)  !< the host's
    end type descriptor_of_values
    type(descriptor_of_values) :: descriptor
    integer(int64) :: words(span_word)
    type(c_ptr) :: first
    integer(c_size_t) :: n_values
    integer(c_ptrdiff_t) :: stride

    descriptor%values => values
    words = 0
    if (by_gfortran) words = transfer(descriptor, words, size(words))
    first = c_null_ptr
    n_values = 0
    stride = 1
    if (associated(values)) then
      n_values = size(values, kind=c_size_t)
      if (n_values > 0) first = c_loc(values(1))
      if (n_values > 1) call find_stride(first, c_loc(values(2)), storage_size(values), stride)
      if (of_structures(words, storage_size(values))) first = c_null_ptr
    end if
    status = c_set_input(self%handle, trim(name)//c_null_char, trim(units)//c_null_char, &
      first, type_f64, n_values, stride)
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine input_real64

  !> Register a driver of kind real32, of rank 2.
  subroutine input_2d_real32(self, name, units, values, stat, errmsg)
    class(ecostep_cells), intent(in) :: self
    character(*), intent(in) :: name  !< name in the artefact
    character(*), intent(in) :: units  !< units of `values`
    real(real32), pointer, intent(in), asynchronous :: values(:, :)  !< (ni, nj)
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status
    type :: descriptor_of_values
      real(real32), pointer :: values(:, :)  !< the host's
    end type descriptor_of_values
    type(descriptor_of_values) :: descriptor
    integer(int64) :: words(span_word)
    type(c_ptr) :: first
    integer(c_size_t) :: n_values(2)
    integer(c_ptrdiff_t) :: stride(2)

    descriptor%values => values
    words = 0
    if (by_gfortran) words = transfer(descriptor, words, size(words))
    first = c_null_ptr
    n_values = 0
    stride = 1
    if (associated(values)) then
      n_values = shape(values, kind=c_size_t)
      if (all(n_values > 0)) first = c_loc(values(1, 1))
      if (n_values(1) > 1 .and. n_values(2) > 0) call find_stride(first, c_loc(values(2, 1)), &
        storage_size(values), stride(1))
      if (n_values(2) > 1 .and. n_values(1) > 0) call find_stride(first, c_loc(values(1, 2)), &
        storage_size(values), stride(2))
      if (of_structures(words, storage_size(values))) first = c_null_ptr
    end if
    status = c_set_input_2d(self%handle, trim(name)//c_null_char, trim(units)//c_null_char, &
      first, type_f32, n_values(1), stride(1), n_values(2), stride(2))
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine input_2d_real32

  !> Register a driver of kind real64, of rank 2.
  subroutine input_2d_real64(self, name, units, values, stat, errmsg)
    class(ecostep_cells), intent(in) :: self
    character(*), intent(in) :: name  !< name in the artefact
    character(*), intent(in) :: units  !< units of `values`
    real(real64), pointer, intent(in), asynchronous :: values(:, :)  !< (ni, nj)
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status
    type :: descriptor_of_values
      real(real64), pointer :: values(:, :)  !< the host's
    end type descriptor_of_values
    type(descriptor_of_values) :: descriptor
    integer(int64) :: words(span_word)
    type(c_ptr) :: first
    integer(c_size_t) :: n_values(2)
    integer(c_ptrdiff_t) :: stride(2)

    descriptor%values => values
    words = 0
    if (by_gfortran) words = transfer(descriptor, words, size(words))
    first = c_null_ptr
    n_values = 0
    stride = 1
    if (associated(values)) then
      n_values = shape(values, kind=c_size_t)
      if (all(n_values > 0)) first = c_loc(values(1, 1))
      if (n_values(1) > 1 .and. n_values(2) > 0) call find_stride(first, c_loc(values(2, 1)), &
        storage_size(values), stride(1))
      if (n_values(2) > 1 .and. n_values(1) > 0) call find_stride(first, c_loc(values(1, 2)), &
        storage_size(values), stride(2))
      if (of_structures(words, storage_size(values))) first = c_null_ptr
    end if
    status = c_set_input_2d(self%handle, trim(name)//c_null_char, trim(units)//c_null_char, &
      first, type_f64, n_values(1), stride(1), n_values(2), stride(2))
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine input_2d_real64

  !> Register a site attribute of kind real32.
  subroutine static_real32(self, name, units, values, stat, errmsg)
    class(ecostep_cells), intent(in) :: self
    character(*), intent(in) :: name  !< name in the artefact
    character(*), intent(in) :: units  !< units of `values`
    real(real32), pointer, intent(in), asynchronous :: values(:)  !< (ncell)
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status
    type :: descriptor_of_values
      real(real32), pointer :: values(:)  !< the host's
    end type descriptor_of_values
    type(descriptor_of_values) :: descriptor
    integer(int64) :: words(span_word)
    type(c_ptr) :: first
    integer(c_size_t) :: n_values
    integer(c_ptrdiff_t) :: stride

    descriptor%values => values
    words = 0
    if (by_gfortran) words = transfer(descriptor, words, size(words))
    first = c_null_ptr
    n_values = 0
    stride = 1
    if (associated(values)) then
      n_values = size(values, kind=c_size_t)
      if (n_values > 0) first = c_loc(values(1))
      if (n_values > 1) call find_stride(first, c_loc(values(2)), storage_size(values), stride)
      if (of_structures(words, storage_size(values))) first = c_null_ptr
    end if
    status = c_set_static(self%handle, trim(name)//c_null_char, trim(units)//c_null_char, &
      first, type_f32, n_values, stride)
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine static_real32

  !> Register a site attribute of kind real64.
  subroutine static_real64(self, name, units, values, stat, errmsg)
    class(ecostep_cells), intent(in) :: self
    character(*), intent(in) :: name  !< name in the artefact
    character(*), intent(in) :: units  !< units of `values`
    real(real64), pointer, intent(in), asynchronous :: values(:)  !< (ncell)
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status
    type :: descriptor_of_values
      real(real64), pointer :: values(:)  !< the host's
    end type descriptor_of_values
    type(descriptor_of_values) :: descriptor
    integer(int64) :: words(span_word)
    type(c_ptr) :: first
    integer(c_size_t) :: n_values
    integer(c_ptrdiff_t) :: stride

    descriptor%values => values
    words = 0
    if (by_gfortran) words = transfer(descriptor, words, size(words))
    first = c_null_ptr
    n_values = 0
    stride = 1
    if (associated(values)) then
      n_values = size(values, kind=c_size_t)
      if (n_values > 0) first = c_loc(values(1))
      if (n_values > 1) call find_stride(first, c_loc(values(2)), storage_size(values), stride)
      if (of_structures(words, storage_size(values))) first = c_null_ptr
    end if
    status = c_set_static(self%handle, trim(name)//c_null_char, trim(units)//c_null_char, &
      first, type_f64, n_values, stride)
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine static_real64

  !> Register a site attribute of kind int32.
  subroutine static_int32(self, name, units, values, stat, errmsg)
    class(ecostep_cells), intent(in) :: self
    character(*), intent(in) :: name  !< name in the artefact
    character(*), intent(in) :: units  !< units of `values`
    integer(int32), pointer, intent(in), asynchronous :: values(:)  !< (ncell)
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status
    type :: descriptor_of_values
      integer(int32), pointer :: values(:)  !< the host's
    end type descriptor_of_values
    type(descriptor_of_values) :: descriptor
    integer(int64) :: words(span_word)
    type(c_ptr) :: first
    integer(c_size_t) :: n_values
    integer(c_ptrdiff_t) :: stride

    descriptor%values => values
    words = 0
    if (by_gfortran) words = transfer(descriptor, words, size(words))
    first = c_null_ptr
    n_values = 0
    stride = 1
    if (associated(values)) then
      n_values = size(values, kind=c_size_t)
      if (n_values > 0) first = c_loc(values(1))
      if (n_values > 1) call find_stride(first, c_loc(values(2)), storage_size(values), stride)
      if (of_structures(words, storage_size(values))) first = c_null_ptr
    end if
    status = c_set_static(self%handle, trim(name)//c_null_char, trim(units)//c_null_char, &
      first, type_i32, n_values, stride)
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine static_int32

  !> Register a site attribute of kind int64.
  subroutine static_int64(self, name, units, values, stat, errmsg)
    class(ecostep_cells), intent(in) :: self
    character(*), intent(in) :: name  !< name in the artefact
    character(*), intent(in) :: units  !< units of `values`
    integer(int64), pointer, intent(in), asynchronous :: values(:)  !< (ncell)
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status
    type :: descriptor_of_values
      integer(int64), pointer :: values(:)  !< the host's
    end type descriptor_of_values
    type(descriptor_of_values) :: descriptor
    integer(int64) :: words(span_word)
    type(c_ptr) :: first
    integer(c_size_t) :: n_values
    integer(c_ptrdiff_t) :: stride

    descriptor%values => values
    words = 0
    if (by_gfortran) words = transfer(descriptor, words, size(words))
    first = c_null_ptr
    n_values = 0
    stride = 1
    if (associated(values)) then
      n_values = size(values, kind=c_size_t)
      if (n_values > 0) first = c_loc(values(1))
      if (n_values > 1) call find_stride(first, c_loc(values(2)), storage_size(values), stride)
      if (of_structures(words, storage_size(values))) first = c_null_ptr
    end if
    status = c_set_static(self%handle, trim(name)//c_null_char, trim(units)//c_null_char, &
      first, type_i64, n_values, stride)
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine static_int64

  !> Register a site attribute of kind real32, of rank 2.
  subroutine static_2d_real32(self, name, units, values, stat, errmsg)
    class(ecostep_cells), intent(in) :: self
    character(*), intent(in) :: name  !< name in the artefact
    character(*), intent(in) :: units  !< units of `values`
    real(real32), pointer, intent(in), asynchronous :: values(:, :)  !< (ni, nj)
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status
    type :: descriptor_of_values
      real(real32), pointer :: values(:, :)  !< the host's
    end type descriptor_of_values
    type(descriptor_of_values) :: descriptor
    integer(int64) :: words(span_word)
    type(c_ptr) :: first
    integer(c_size_t) :: n_values(2)
    integer(c_ptrdiff_t) :: stride(2)

    descriptor%values => values
    words = 0
    if (by_gfortran) words = transfer(descriptor, words, size(words))
    first = c_null_ptr
    n_values = 0
    stride = 1
    if (associated(values)) then
      n_values = shape(values, kind=c_size_t)
      if (all(n_values > 0)) first = c_loc(values(1, 1))
      if (n_values(1) > 1 .and. n_values(2) > 0) call find_stride(first, c_loc(values(2, 1)), &
        storage_size(values), stride(1))
      if (n_values(2) > 1 .and. n_values(1) > 0) call find_stride(first, c_loc(values(1, 2)), &
        storage_size(values), stride(2))
      if (of_structures(words, storage_size(values))) first = c_null_ptr
    end if
    status = c_set_static_2d(self%handle, trim(name)//c_null_char, trim(units)//c_null_char, &
      first, type_f32, n_values(1), stride(1), n_values(2), stride(2))
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine static_2d_real32

  !> Register a site attribute of kind real64, of rank 2.
  subroutine static_2d_real64(self, name, units, values, stat, errmsg)
    class(ecostep_cells), intent(in) :: self
    character(*), intent(in) :: name  !< name in the artefact
    character(*), intent(in) :: units  !< units of `values`
    real(real64), pointer, intent(in), asynchronous :: values(:, :)  !< (ni, nj)
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status
    type :: descriptor_of_values
      real(real64), pointer :: values(:, :)  !< the host's
    end type descriptor_of_values
    type(descriptor_of_values) :: descriptor
    integer(int64) :: words(span_word)
    type(c_ptr) :: first
    integer(c_size_t) :: n_values(2)
    integer(c_ptrdiff_t) :: stride(2)

    descriptor%values => values
    words = 0
    if (by_gfortran) words = transfer(descriptor, words, size(words))
    first = c_null_ptr
    n_values = 0
    stride = 1
    if (associated(values)) then
      n_values = shape(values, kind=c_size_t)
      if (all(n_values > 0)) first = c_loc(values(1, 1))
      if (n_values(1) > 1 .and. n_values(2) > 0) call find_stride(first, c_loc(values(2, 1)), &
        storage_size(values), stride(1))
      if (n_values(2) > 1 .and. n_values(1) > 0) call find_stride(first, c_loc(values(1, 2)), &
        storage_size(values), stride(2))
      if (of_structures(words, storage_size(values))) first = c_null_ptr
    end if
    status = c_set_static_2d(self%handle, trim(name)//c_null_char, trim(units)//c_null_char, &
      first, type_f64, n_values(1), stride(1), n_values(2), stride(2))
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine static_2d_real64

  !> Register a site attribute of kind int32, of rank 2.
  subroutine static_2d_int32(self, name, units, values, stat, errmsg)
    class(ecostep_cells), intent(in) :: self
    character(*), intent(in) :: name  !< name in the artefact
    character(*), intent(in) :: units  !< units of `values`
    integer(int32), pointer, intent(in), asynchronous :: values(:, :)  !< (ni, nj)
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status
    type :: descriptor_of_values
      integer(int32), pointer :: values(:, :)  !< the host's
    end type descriptor_of_values
    type(descriptor_of_values) :: descriptor
    integer(int64) :: words(span_word)
    type(c_ptr) :: first
    integer(c_size_t) :: n_values(2)
    integer(c_ptrdiff_t) :: stride(2)

    descriptor%values => values
    words = 0
    if (by_gfortran) words = transfer(descriptor, words, size(words))
    first = c_null_ptr
    n_values = 0
    stride = 1
    if (associated(values)) then
      n_values = shape(values, kind=c_size_t)
      if (all(n_values > 0)) first = c_loc(values(1, 1))
      if (n_values(1) > 1 .and. n_values(2) > 0) call find_stride(first, c_loc(values(2, 1)), &
        storage_size(values), stride(1))
      if (n_values(2) > 1 .and. n_values(1) > 0) call find_stride(first, c_loc(values(1, 2)), &
        storage_size(values), stride(2))
      if (of_structures(words, storage_size(values))) first = c_null_ptr
    end if
    status = c_set_static_2d(self%handle, trim(name)//c_null_char, trim(units)//c_null_char, &
      first, type_i32, n_values(1), stride(1), n_values(2), stride(2))
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine static_2d_int32

  !> Register a site attribute of kind int64, of rank 2.
  subroutine static_2d_int64(self, name, units, values, stat, errmsg)
    class(ecostep_cells), intent(in) :: self
    character(*), intent(in) :: name  !< name in the artefact
    character(*), intent(in) :: units  !< units of `values`
    integer(int64), pointer, intent(in), asynchronous :: values(:, :)  !< (ni, nj)
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status
    type :: descriptor_of_values
      integer(int64), pointer :: values(:, :)  !< the host's
    end type descriptor_of_values
    type(descriptor_of_values) :: descriptor
    integer(int64) :: words(span_word)
    type(c_ptr) :: first
    integer(c_size_t) :: n_values(2)
    integer(c_ptrdiff_t) :: stride(2)

    descriptor%values => values
    words = 0
    if (by_gfortran) words = transfer(descriptor, words, size(words))
    first = c_null_ptr
    n_values = 0
    stride = 1
    if (associated(values)) then
      n_values = shape(values, kind=c_size_t)
      if (all(n_values > 0)) first = c_loc(values(1, 1))
      if (n_values(1) > 1 .and. n_values(2) > 0) call find_stride(first, c_loc(values(2, 1)), &
        storage_size(values), stride(1))
      if (n_values(2) > 1 .and. n_values(1) > 0) call find_stride(first, c_loc(values(1, 2)), &
        storage_size(values), stride(2))
      if (of_structures(words, storage_size(values))) first = c_null_ptr
    end if
    status = c_set_static_2d(self%handle, trim(name)//c_null_char, trim(units)//c_null_char, &
      first, type_i64, n_values(1), stride(1), n_values(2), stride(2))
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine static_2d_int64

  !> Register where a flux goes, an array of kind real32.
  subroutine output_real32(self, name, units, values, stat, errmsg)
    class(ecostep_cells), intent(in) :: self
    character(*), intent(in) :: name  !< name in the artefact
    character(*), intent(in) :: units  !< units of `values`
    real(real32), pointer, intent(in), asynchronous :: values(:)  !< (ncell)
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status
    type :: descriptor_of_values
      real(real32), pointer :: values(:)  !< the host's
    end type descriptor_of_values
    type(descriptor_of_values) :: descriptor
    integer(int64) :: words(span_word)
    type(c_ptr) :: first
    integer(c_size_t) :: n_values
    integer(c_ptrdiff_t) :: stride

    descriptor%values => values
    words = 0
    if (by_gfortran) words = transfer(descriptor, words, size(words))
    first = c_null_ptr
    n_values = 0
    stride = 1
    if (associated(values)) then
      n_values = size(values, kind=c_size_t)
      if (n_values > 0) first = c_loc(values(1))
      if (n_values > 1) call find_stride(first, c_loc(values(2)), storage_size(values), stride)
      if (of_structures(words, storage_size(values))) first = c_null_ptr
    end if
    status = c_set_output(self%handle, trim(name)//c_null_char, trim(units)//c_null_char, &
      first, type_f32, n_values, stride)
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine output_real32

  !> Register where a flux goes, an array of kind real64.
  subroutine output_real64(self, name, units, values, stat, errmsg)
    class(ecostep_cells), intent(in) :: self
    character(*), intent(in) :: name  !< name in the artefact
    character(*), intent(in) :: units  !< units of `values`
    real(real64), pointer, intent(in), asynchronous :: values(:)  !< (ncell)
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status
    type :: descriptor_of_values
      real(real64), pointer :: values(:)  !< the host's
    end type descriptor_of_values
    type(descriptor_of_values) :: descriptor
    integer(int64) :: words(span_word)
    type(c_ptr) :: first
    integer(c_size_t) :: n_values
    integer(c_ptrdiff_t) :: stride

    descriptor%values => values
    words = 0
    if (by_gfortran) words = transfer(descriptor, words, size(words))
    first = c_null_ptr
    n_values = 0
    stride = 1
    if (associated(values)) then
      n_values = size(values, kind=c_size_t)
      if (n_values > 0) first = c_loc(values(1))
      if (n_values > 1) call find_stride(first, c_loc(values(2)), storage_size(values), stride)
      if (of_structures(words, storage_size(values))) first = c_null_ptr
    end if
    status = c_set_output(self%handle, trim(name)//c_null_char, trim(units)//c_null_char, &
      first, type_f64, n_values, stride)
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine output_real64

  !> Register where a flux goes, an array of kind real32, of rank 2.
  subroutine output_2d_real32(self, name, units, values, stat, errmsg)
    class(ecostep_cells), intent(in) :: self
    character(*), intent(in) :: name  !< name in the artefact
    character(*), intent(in) :: units  !< units of `values`
    real(real32), pointer, intent(in), asynchronous :: values(:, :)  !< (ni, nj)
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status
    type :: descriptor_of_values
      real(real32), pointer :: values(:, :)  !< the host's
    end type descriptor_of_values
    type(descriptor_of_values) :: descriptor
    integer(int64) :: words(span_word)
    type(c_ptr) :: first
    integer(c_size_t) :: n_values(2)
    integer(c_ptrdiff_t) :: stride(2)

    descriptor%values => values
    words = 0
    if (by_gfortran) words = transfer(descriptor, words, size(words))
    first = c_null_ptr
    n_values = 0
    stride = 1
    if (associated(values)) then
      n_values = shape(values, kind=c_size_t)
      if (all(n_values > 0)) first = c_loc(values(1, 1))
      if (n_values(1) > 1 .and. n_values(2) > 0) call find_stride(first, c_loc(values(2, 1)), &
        storage_size(values), stride(1))
      if (n_values(2) > 1 .and. n_values(1) > 0) call find_stride(first, c_loc(values(1, 2)), &
        storage_size(values), stride(2))
      if (of_structures(words, storage_size(values))) first = c_null_ptr
    end if
    status = c_set_output_2d(self%handle, trim(name)//c_null_char, trim(units)//c_null_char, &
      first, type_f32, n_values(1), stride(1), n_values(2), stride(2))
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine output_2d_real32

  !> Register where a flux goes, an array of kind real64, of rank 2.
  subroutine output_2d_real64(self, name, units, values, stat, errmsg)
    class(ecostep_cells), intent(in) :: self
    character(*), intent(in) :: name  !< name in the artefact
    character(*), intent(in) :: units  !< units of `values`
    real(real64), pointer, intent(in), asynchronous :: values(:, :)  !< (ni, nj)
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status
    type :: descriptor_of_values
      real(real64), pointer :: values(:, :)  !< the host's
    end type descriptor_of_values
    type(descriptor_of_values) :: descriptor
    integer(int64) :: words(span_word)
    type(c_ptr) :: first
    integer(c_size_t) :: n_values(2)
    integer(c_ptrdiff_t) :: stride(2)

    descriptor%values => values
    words = 0
    if (by_gfortran) words = transfer(descriptor, words, size(words))
    first = c_null_ptr
    n_values = 0
    stride = 1
    if (associated(values)) then
      n_values = shape(values, kind=c_size_t)
      if (all(n_values > 0)) first = c_loc(values(1, 1))
      if (n_values(1) > 1 .and. n_values(2) > 0) call find_stride(first, c_loc(values(2, 1)), &
        storage_size(values), stride(1))
      if (n_values(2) > 1 .and. n_values(1) > 0) call find_stride(first, c_loc(values(1, 2)), &
        storage_size(values), stride(2))
      if (of_structures(words, storage_size(values))) first = c_null_ptr
    end if
    status = c_set_output_2d(self%handle, trim(name)//c_null_char, trim(units)//c_null_char, &
      first, type_f64, n_values(1), stride(1), n_values(2), stride(2))
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine output_2d_real64

  !> Register measured flux of kind real32.
  subroutine observed_real32(self, name, units, values, stat, errmsg)
    class(ecostep_cells), intent(in) :: self
    character(*), intent(in) :: name  !< name in the artefact
    character(*), intent(in) :: units  !< units of `values`
    real(real32), pointer, intent(in), asynchronous :: values(:)  !< (ncell)
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status
    type :: descriptor_of_values
      real(real32), pointer :: values(:)  !< the host's
    end type descriptor_of_values
    type(descriptor_of_values) :: descriptor
    integer(int64) :: words(span_word)
    integer(c_int) :: type
    type(c_ptr) :: first
    integer(c_size_t) :: n_values
    integer(c_ptrdiff_t) :: stride

    descriptor%values => values
    words = 0
    if (by_gfortran) words = transfer(descriptor, words, size(words))
    first = c_null_ptr
    n_values = 0
    stride = 1
    if (associated(values)) then
      n_values = size(values, kind=c_size_t)
      if (n_values > 0) first = c_loc(values(1))
      if (n_values > 1) call find_stride(first, c_loc(values(2)), storage_size(values), stride)
      if (of_structures(words, storage_size(values))) first = c_null_ptr
    end if
    type = type_f32
    ! no address: an array of structures, which without a type is not taken for no measured flux
    if (n_values > 0 .and. .not. c_associated(first)) type = 0
    status = c_set_observed(self%handle, trim(name)//c_null_char, trim(units)//c_null_char, &
      first, type, n_values, stride)
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine observed_real32

  !> Register measured flux of kind real64.
  subroutine observed_real64(self, name, units, values, stat, errmsg)
    class(ecostep_cells), intent(in) :: self
    character(*), intent(in) :: name  !< name in the artefact
    character(*), intent(in) :: units  !< units of `values`
    real(real64), pointer, intent(in), asynchronous :: values(:)  !< (ncell)
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status
    type :: descriptor_of_values
      real(real64), pointer :: values(:)  !< the host's
    end type descriptor_of_values
    type(descriptor_of_values) :: descriptor
    integer(int64) :: words(span_word)
    integer(c_int) :: type
    type(c_ptr) :: first
    integer(c_size_t) :: n_values
    integer(c_ptrdiff_t) :: stride

    descriptor%values => values
    words = 0
    if (by_gfortran) words = transfer(descriptor, words, size(words))
    first = c_null_ptr
    n_values = 0
    stride = 1
    if (associated(values)) then
      n_values = size(values, kind=c_size_t)
      if (n_values > 0) first = c_loc(values(1))
      if (n_values > 1) call find_stride(first, c_loc(values(2)), storage_size(values), stride)
      if (of_structures(words, storage_size(values))) first = c_null_ptr
    end if
    type = type_f64
    ! no address: an array of structures, which without a type is not taken for no measured flux
    if (n_values > 0 .and. .not. c_associated(first)) type = 0
    status = c_set_observed(self%handle, trim(name)//c_null_char, trim(units)//c_null_char, &
      first, type, n_values, stride)
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine observed_real64

  !> Register measured flux of kind real32, of rank 2.
  subroutine observed_2d_real32(self, name, units, values, stat, errmsg)
    class(ecostep_cells), intent(in) :: self
    character(*), intent(in) :: name  !< name in the artefact
    character(*), intent(in) :: units  !< units of `values`
    real(real32), pointer, intent(in), asynchronous :: values(:, :)  !< (ni, nj)
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status
    type :: descriptor_of_values
      real(real32), pointer :: values(:, :)  !< the host's
    end type descriptor_of_values
    type(descriptor_of_values) :: descriptor
    integer(int64) :: words(span_word)
    integer(c_int) :: type
    type(c_ptr) :: first
    integer(c_size_t) :: n_values(2)
    integer(c_ptrdiff_t) :: stride(2)

    descriptor%values => values
    words = 0
    if (by_gfortran) words = transfer(descriptor, words, size(words))
    first = c_null_ptr
    n_values = 0
    stride = 1
    if (associated(values)) then
      n_values = shape(values, kind=c_size_t)
      if (all(n_values > 0)) first = c_loc(values(1, 1))
      if (n_values(1) > 1 .and. n_values(2) > 0) call find_stride(first, c_loc(values(2, 1)), &
        storage_size(values), stride(1))
      if (n_values(2) > 1 .and. n_values(1) > 0) call find_stride(first, c_loc(values(1, 2)), &
        storage_size(values), stride(2))
      if (of_structures(words, storage_size(values))) first = c_null_ptr
    end if
    type = type_f32
    ! no address: an array of structures, which without a type is not taken for no measured flux
    if (all(n_values > 0) .and. .not. c_associated(first)) type = 0
    status = c_set_observed_2d(self%handle, trim(name)//c_null_char, trim(units)//c_null_char, &
      first, type, n_values(1), stride(1), n_values(2), stride(2))
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine observed_2d_real32

  !> Register measured flux of kind real64, of rank 2.
  subroutine observed_2d_real64(self, name, units, values, stat, errmsg)
    class(ecostep_cells), intent(in) :: self
    character(*), intent(in) :: name  !< name in the artefact
    character(*), intent(in) :: units  !< units of `values`
    real(real64), pointer, intent(in), asynchronous :: values(:, :)  !< (ni, nj)
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status
    type :: descriptor_of_values
      real(real64), pointer :: values(:, :)  !< the host's
    end type descriptor_of_values
    type(descriptor_of_values) :: descriptor
    integer(int64) :: words(span_word)
    integer(c_int) :: type
    type(c_ptr) :: first
    integer(c_size_t) :: n_values(2)
    integer(c_ptrdiff_t) :: stride(2)

    descriptor%values => values
    words = 0
    if (by_gfortran) words = transfer(descriptor, words, size(words))
    first = c_null_ptr
    n_values = 0
    stride = 1
    if (associated(values)) then
      n_values = shape(values, kind=c_size_t)
      if (all(n_values > 0)) first = c_loc(values(1, 1))
      if (n_values(1) > 1 .and. n_values(2) > 0) call find_stride(first, c_loc(values(2, 1)), &
        storage_size(values), stride(1))
      if (n_values(2) > 1 .and. n_values(1) > 0) call find_stride(first, c_loc(values(1, 2)), &
        storage_size(values), stride(2))
      if (of_structures(words, storage_size(values))) first = c_null_ptr
    end if
    type = type_f64
    ! no address: an array of structures, which without a type is not taken for no measured flux
    if (all(n_values > 0) .and. .not. c_associated(first)) type = 0
    status = c_set_observed_2d(self%handle, trim(name)//c_null_char, trim(units)//c_null_char, &
      first, type, n_values(1), stride(1), n_values(2), stride(2))
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine observed_2d_real64

  !> Register one driver value of kind real32 for all cells, read at each step.
  subroutine input_scalar_real32(self, name, units, value, stat, errmsg)
    class(ecostep_cells), intent(in) :: self
    character(*), intent(in) :: name  !< name in the artefact
    character(*), intent(in) :: units  !< units of `value`
    real(real32), pointer, intent(in), asynchronous :: value  !< one for all cells
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status
    type(c_ptr) :: address

    address = c_null_ptr
    if (associated(value)) address = c_loc(value)
    status = c_set_input(self%handle, trim(name)//c_null_char, trim(units)//c_null_char, &
      address, type_f32, c_cells_count(self%handle), 0_c_ptrdiff_t)
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine input_scalar_real32

  !> Register one driver value of kind real64 for all cells, read at each step.
  subroutine input_scalar_real64(self, name, units, value, stat, errmsg)
    class(ecostep_cells), intent(in) :: self
    character(*), intent(in) :: name  !< name in the artefact
    character(*), intent(in) :: units  !< units of `value`
    real(real64), pointer, intent(in), asynchronous :: value  !< one for all cells
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status
    type(c_ptr) :: address

    address = c_null_ptr
    if (associated(value)) address = c_loc(value)
    status = c_set_input(self%handle, trim(name)//c_null_char, trim(units)//c_null_char, &
      address, type_f64, c_cells_count(self%handle), 0_c_ptrdiff_t)
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine input_scalar_real64

  !> Register one site attribute of kind real32 for all cells, read by init_state.
  subroutine static_scalar_real32(self, name, units, value, stat, errmsg)
    class(ecostep_cells), intent(in) :: self
    character(*), intent(in) :: name  !< name in the artefact
    character(*), intent(in) :: units  !< units of `value`
    real(real32), pointer, intent(in), asynchronous :: value  !< one for all cells
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status
    type(c_ptr) :: address

    address = c_null_ptr
    if (associated(value)) address = c_loc(value)
    status = c_set_static(self%handle, trim(name)//c_null_char, trim(units)//c_null_char, &
      address, type_f32, c_cells_count(self%handle), 0_c_ptrdiff_t)
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine static_scalar_real32

  !> Register one site attribute of kind real64 for all cells, read by init_state.
  subroutine static_scalar_real64(self, name, units, value, stat, errmsg)
    class(ecostep_cells), intent(in) :: self
    character(*), intent(in) :: name  !< name in the artefact
    character(*), intent(in) :: units  !< units of `value`
    real(real64), pointer, intent(in), asynchronous :: value  !< one for all cells
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status
    type(c_ptr) :: address

    address = c_null_ptr
    if (associated(value)) address = c_loc(value)
    status = c_set_static(self%handle, trim(name)//c_null_char, trim(units)//c_null_char, &
      address, type_f64, c_cells_count(self%handle), 0_c_ptrdiff_t)
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine static_scalar_real64

  !> Register one site attribute of kind int32 for all cells, read by init_state.
  subroutine static_scalar_int32(self, name, units, value, stat, errmsg)
    class(ecostep_cells), intent(in) :: self
    character(*), intent(in) :: name  !< name in the artefact
    character(*), intent(in) :: units  !< units of `value`
    integer(int32), pointer, intent(in), asynchronous :: value  !< one for all cells
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status
    type(c_ptr) :: address

    address = c_null_ptr
    if (associated(value)) address = c_loc(value)
    status = c_set_static(self%handle, trim(name)//c_null_char, trim(units)//c_null_char, &
      address, type_i32, c_cells_count(self%handle), 0_c_ptrdiff_t)
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine static_scalar_int32

  !> Register which cells are active, as an array of kind default logical; it is read at
  !> every call.
  subroutine mask_logical(self, values, stat, errmsg)
    class(ecostep_cells), intent(in) :: self
    logical, pointer, intent(in), asynchronous :: values(:)  !< (ncell)
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status
    type :: descriptor_of_values
      logical, pointer :: values(:)  !< the host's
    end type descriptor_of_values
    type(descriptor_of_values) :: descriptor
    integer(int64) :: words(span_word)
    integer(c_int) :: type
    type(c_ptr) :: first
    integer(c_size_t) :: n_values
    integer(c_ptrdiff_t) :: stride

    descriptor%values => values
    words = 0
    if (by_gfortran) words = transfer(descriptor, words, size(words))
    first = c_null_ptr
    n_values = 0
    stride = 1
    if (associated(values)) then
      n_values = size(values, kind=c_size_t)
      if (n_values > 0) first = c_loc(values(1))
      if (n_values > 1) call find_stride(first, c_loc(values(2)), storage_size(values), stride)
      if (of_structures(words, storage_size(values))) first = c_null_ptr
    end if
    type = integer_type(storage_size(values))
    ! no address: an array of structures, which without a type is not taken for no mask
    if (n_values > 0 .and. .not. c_associated(first)) type = 0
    status = c_set_mask(self%handle, first, type, n_values, stride)
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine mask_logical

  !> Register which cells are active, as an array of kind logical(c_bool); it is read at
  !> every call.
  subroutine mask_bool(self, values, stat, errmsg)
    class(ecostep_cells), intent(in) :: self
    logical(c_bool), pointer, intent(in), asynchronous :: values(:)  !< (ncell)
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status
    type :: descriptor_of_values
      logical(c_bool), pointer :: values(:)  !< the host's
    end type descriptor_of_values
    type(descriptor_of_values) :: descriptor
    integer(int64) :: words(span_word)
    integer(c_int) :: type
    type(c_ptr) :: first
    integer(c_size_t) :: n_values
    integer(c_ptrdiff_t) :: stride

    descriptor%values => values
    words = 0
    if (by_gfortran) words = transfer(descriptor, words, size(words))
    first = c_null_ptr
    n_values = 0
    stride = 1
    if (associated(values)) then
      n_values = size(values, kind=c_size_t)
      if (n_values > 0) first = c_loc(values(1))
      if (n_values > 1) call find_stride(first, c_loc(values(2)), storage_size(values), stride)
      if (of_structures(words, storage_size(values))) first = c_null_ptr
    end if
    type = integer_type(storage_size(values))
    ! no address: an array of structures, which without a type is not taken for no mask
    if (n_values > 0 .and. .not. c_associated(first)) type = 0
    status = c_set_mask(self%handle, first, type, n_values, stride)
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine mask_bool

  !> Register which cells are active, as an array of kind int32, 0 = inactive; it is read at
  !> every call.
  subroutine mask_int32(self, values, stat, errmsg)
    class(ecostep_cells), intent(in) :: self
    integer(int32), pointer, intent(in), asynchronous :: values(:)  !< (ncell)
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status
    type :: descriptor_of_values
      integer(int32), pointer :: values(:)  !< the host's
    end type descriptor_of_values
    type(descriptor_of_values) :: descriptor
    integer(int64) :: words(span_word)
    integer(c_int) :: type
    type(c_ptr) :: first
    integer(c_size_t) :: n_values
    integer(c_ptrdiff_t) :: stride

    descriptor%values => values
    words = 0
    if (by_gfortran) words = transfer(descriptor, words, size(words))
    first = c_null_ptr
    n_values = 0
    stride = 1
    if (associated(values)) then
      n_values = size(values, kind=c_size_t)
      if (n_values > 0) first = c_loc(values(1))
      if (n_values > 1) call find_stride(first, c_loc(values(2)), storage_size(values), stride)
      if (of_structures(words, storage_size(values))) first = c_null_ptr
    end if
    type = integer_type(storage_size(values))
    ! no address: an array of structures, which without a type is not taken for no mask
    if (n_values > 0 .and. .not. c_associated(first)) type = 0
    status = c_set_mask(self%handle, first, type, n_values, stride)
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine mask_int32

  !> Register which cells are active, as an array of kind int64, 0 = inactive; it is read at
  !> every call.
  subroutine mask_int64(self, values, stat, errmsg)
    class(ecostep_cells), intent(in) :: self
    integer(int64), pointer, intent(in), asynchronous :: values(:)  !< (ncell)
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status
    type :: descriptor_of_values
      integer(int64), pointer :: values(:)  !< the host's
    end type descriptor_of_values
    type(descriptor_of_values) :: descriptor
    integer(int64) :: words(span_word)
    integer(c_int) :: type
    type(c_ptr) :: first
    integer(c_size_t) :: n_values
    integer(c_ptrdiff_t) :: stride

    descriptor%values => values
    words = 0
    if (by_gfortran) words = transfer(descriptor, words, size(words))
    first = c_null_ptr
    n_values = 0
    stride = 1
    if (associated(values)) then
      n_values = size(values, kind=c_size_t)
      if (n_values > 0) first = c_loc(values(1))
      if (n_values > 1) call find_stride(first, c_loc(values(2)), storage_size(values), stride)
      if (of_structures(words, storage_size(values))) first = c_null_ptr
    end if
    type = integer_type(storage_size(values))
    ! no address: an array of structures, which without a type is not taken for no mask
    if (n_values > 0 .and. .not. c_associated(first)) type = 0
    status = c_set_mask(self%handle, first, type, n_values, stride)
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine mask_int64

  !> Register which cells are active, as an array of kind default logical; it is read at
  !> every call.
  subroutine mask_2d_logical(self, values, stat, errmsg)
    class(ecostep_cells), intent(in) :: self
    logical, pointer, intent(in), asynchronous :: values(:, :)  !< (ni, nj)
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status
    type :: descriptor_of_values
      logical, pointer :: values(:, :)  !< the host's
    end type descriptor_of_values
    type(descriptor_of_values) :: descriptor
    integer(int64) :: words(span_word)
    integer(c_int) :: type
    type(c_ptr) :: first
    integer(c_size_t) :: n_values(2)
    integer(c_ptrdiff_t) :: stride(2)

    descriptor%values => values
    words = 0
    if (by_gfortran) words = transfer(descriptor, words, size(words))
    first = c_null_ptr
    n_values = 0
    stride = 1
    if (associated(values)) then
      n_values = shape(values, kind=c_size_t)
      if (all(n_values > 0)) first = c_loc(values(1, 1))
      if (n_values(1) > 1 .and. n_values(2) > 0) call find_stride(first, c_loc(values(2, 1)), &
        storage_size(values), stride(1))
      if (n_values(2) > 1 .and. n_values(1) > 0) call find_stride(first, c_loc(values(1, 2)), &
        storage_size(values), stride(2))
      if (of_structures(words, storage_size(values))) first = c_null_ptr
    end if
    type = integer_type(storage_size(values))
    ! no address: an array of structures, which without a type is not taken for no mask
    if (all(n_values > 0) .and. .not. c_associated(first)) type = 0
    status = c_set_mask_2d(self%handle, first, type, n_values(1), stride(1), n_values(2), stride(2))
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine mask_2d_logical

  !> Register which cells are active, as an array of kind logical(c_bool); it is read at
  !> every call.
  subroutine mask_2d_bool(self, values, stat, errmsg)
    class(ecostep_cells), intent(in) :: self
    logical(c_bool), pointer, intent(in), asynchronous :: values(:, :)  !< (ni, nj)
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status
    type :: descriptor_of_values
      logical(c_bool), pointer :: values(:, :)  !< the host's
    end type descriptor_of_values
    type(descriptor_of_values) :: descriptor
    integer(int64) :: words(span_word)
    integer(c_int) :: type
    type(c_ptr) :: first
    integer(c_size_t) :: n_values(2)
    integer(c_ptrdiff_t) :: stride(2)

    descriptor%values => values
    words = 0
    if (by_gfortran) words = transfer(descriptor, words, size(words))
    first = c_null_ptr
    n_values = 0
    stride = 1
    if (associated(values)) then
      n_values = shape(values, kind=c_size_t)
      if (all(n_values > 0)) first = c_loc(values(1, 1))
      if (n_values(1) > 1 .and. n_values(2) > 0) call find_stride(first, c_loc(values(2, 1)), &
        storage_size(values), stride(1))
      if (n_values(2) > 1 .and. n_values(1) > 0) call find_stride(first, c_loc(values(1, 2)), &
        storage_size(values), stride(2))
      if (of_structures(words, storage_size(values))) first = c_null_ptr
    end if
    type = integer_type(storage_size(values))
    ! no address: an array of structures, which without a type is not taken for no mask
    if (all(n_values > 0) .and. .not. c_associated(first)) type = 0
    status = c_set_mask_2d(self%handle, first, type, n_values(1), stride(1), n_values(2), stride(2))
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine mask_2d_bool

  !> Register which cells are active, as an array of kind int32, 0 = inactive; it is read at
  !> every call.
  subroutine mask_2d_int32(self, values, stat, errmsg)
    class(ecostep_cells), intent(in) :: self
    integer(int32), pointer, intent(in), asynchronous :: values(:, :)  !< (ni, nj)
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status
    type :: descriptor_of_values
      integer(int32), pointer :: values(:, :)  !< the host's
    end type descriptor_of_values
    type(descriptor_of_values) :: descriptor
    integer(int64) :: words(span_word)
    integer(c_int) :: type
    type(c_ptr) :: first
    integer(c_size_t) :: n_values(2)
    integer(c_ptrdiff_t) :: stride(2)

    descriptor%values => values
    words = 0
    if (by_gfortran) words = transfer(descriptor, words, size(words))
    first = c_null_ptr
    n_values = 0
    stride = 1
    if (associated(values)) then
      n_values = shape(values, kind=c_size_t)
      if (all(n_values > 0)) first = c_loc(values(1, 1))
      if (n_values(1) > 1 .and. n_values(2) > 0) call find_stride(first, c_loc(values(2, 1)), &
        storage_size(values), stride(1))
      if (n_values(2) > 1 .and. n_values(1) > 0) call find_stride(first, c_loc(values(1, 2)), &
        storage_size(values), stride(2))
      if (of_structures(words, storage_size(values))) first = c_null_ptr
    end if
    type = integer_type(storage_size(values))
    ! no address: an array of structures, which without a type is not taken for no mask
    if (all(n_values > 0) .and. .not. c_associated(first)) type = 0
    status = c_set_mask_2d(self%handle, first, type, n_values(1), stride(1), n_values(2), stride(2))
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine mask_2d_int32

  !> Register which cells are active, as an array of kind int64, 0 = inactive; it is read at
  !> every call.
  subroutine mask_2d_int64(self, values, stat, errmsg)
    class(ecostep_cells), intent(in) :: self
    integer(int64), pointer, intent(in), asynchronous :: values(:, :)  !< (ni, nj)
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status
    type :: descriptor_of_values
      integer(int64), pointer :: values(:, :)  !< the host's
    end type descriptor_of_values
    type(descriptor_of_values) :: descriptor
    integer(int64) :: words(span_word)
    integer(c_int) :: type
    type(c_ptr) :: first
    integer(c_size_t) :: n_values(2)
    integer(c_ptrdiff_t) :: stride(2)

    descriptor%values => values
    words = 0
    if (by_gfortran) words = transfer(descriptor, words, size(words))
    first = c_null_ptr
    n_values = 0
    stride = 1
    if (associated(values)) then
      n_values = shape(values, kind=c_size_t)
      if (all(n_values > 0)) first = c_loc(values(1, 1))
      if (n_values(1) > 1 .and. n_values(2) > 0) call find_stride(first, c_loc(values(2, 1)), &
        storage_size(values), stride(1))
      if (n_values(2) > 1 .and. n_values(1) > 0) call find_stride(first, c_loc(values(1, 2)), &
        storage_size(values), stride(2))
      if (of_structures(words, storage_size(values))) first = c_null_ptr
    end if
    type = integer_type(storage_size(values))
    ! no address: an array of structures, which without a type is not taken for no mask
    if (all(n_values > 0) .and. .not. c_associated(first)) type = 0
    status = c_set_mask_2d(self%handle, first, type, n_values(1), stride(1), n_values(2), stride(2))
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine mask_2d_int64

  !> Register how far each cell's clock is ahead of the host's, an array of kind real32; it is
  !> read at every step, and days become those of the cell's own clock.
  subroutine local_time_real32(self, units, values, stat, errmsg)
    class(ecostep_cells), intent(in) :: self
    character(*), intent(in) :: units  !< 'h', 'min', 's', or 'degrees_east' for longitudes
    real(real32), pointer, intent(in), asynchronous :: values(:)  !< (ncell)
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status
    type :: descriptor_of_values
      real(real32), pointer :: values(:)  !< the host's
    end type descriptor_of_values
    type(descriptor_of_values) :: descriptor
    integer(int64) :: words(span_word)
    type(c_ptr) :: first
    integer(c_size_t) :: n_values
    integer(c_ptrdiff_t) :: stride

    descriptor%values => values
    words = 0
    if (by_gfortran) words = transfer(descriptor, words, size(words))
    first = c_null_ptr
    n_values = 0
    stride = 1
    if (associated(values)) then
      n_values = size(values, kind=c_size_t)
      if (n_values > 0) first = c_loc(values(1))
      if (n_values > 1) call find_stride(first, c_loc(values(2)), storage_size(values), stride)
      if (of_structures(words, storage_size(values))) first = c_null_ptr
    end if
    status = c_set_local_time(self%handle, trim(units)//c_null_char, &
      first, type_f32, n_values, stride)
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine local_time_real32

  !> Register how far each cell's clock is ahead of the host's, an array of kind real64; it is
  !> read at every step, and days become those of the cell's own clock.
  subroutine local_time_real64(self, units, values, stat, errmsg)
    class(ecostep_cells), intent(in) :: self
    character(*), intent(in) :: units  !< 'h', 'min', 's', or 'degrees_east' for longitudes
    real(real64), pointer, intent(in), asynchronous :: values(:)  !< (ncell)
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status
    type :: descriptor_of_values
      real(real64), pointer :: values(:)  !< the host's
    end type descriptor_of_values
    type(descriptor_of_values) :: descriptor
    integer(int64) :: words(span_word)
    type(c_ptr) :: first
    integer(c_size_t) :: n_values
    integer(c_ptrdiff_t) :: stride

    descriptor%values => values
    words = 0
    if (by_gfortran) words = transfer(descriptor, words, size(words))
    first = c_null_ptr
    n_values = 0
    stride = 1
    if (associated(values)) then
      n_values = size(values, kind=c_size_t)
      if (n_values > 0) first = c_loc(values(1))
      if (n_values > 1) call find_stride(first, c_loc(values(2)), storage_size(values), stride)
      if (of_structures(words, storage_size(values))) first = c_null_ptr
    end if
    status = c_set_local_time(self%handle, trim(units)//c_null_char, &
      first, type_f64, n_values, stride)
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine local_time_real64

  !> Register how far each cell's clock is ahead of the host's, an array of kind real32; it is
  !> read at every step, and days become those of the cell's own clock.
  subroutine local_time_2d_real32(self, units, values, stat, errmsg)
    class(ecostep_cells), intent(in) :: self
    character(*), intent(in) :: units  !< 'h', 'min', 's', or 'degrees_east' for longitudes
    real(real32), pointer, intent(in), asynchronous :: values(:, :)  !< (ni, nj)
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status
    type :: descriptor_of_values
      real(real32), pointer :: values(:, :)  !< the host's
    end type descriptor_of_values
    type(descriptor_of_values) :: descriptor
    integer(int64) :: words(span_word)
    type(c_ptr) :: first
    integer(c_size_t) :: n_values(2)
    integer(c_ptrdiff_t) :: stride(2)

    descriptor%values => values
    words = 0
    if (by_gfortran) words = transfer(descriptor, words, size(words))
    first = c_null_ptr
    n_values = 0
    stride = 1
    if (associated(values)) then
      n_values = shape(values, kind=c_size_t)
      if (all(n_values > 0)) first = c_loc(values(1, 1))
      if (n_values(1) > 1 .and. n_values(2) > 0) call find_stride(first, c_loc(values(2, 1)), &
        storage_size(values), stride(1))
      if (n_values(2) > 1 .and. n_values(1) > 0) call find_stride(first, c_loc(values(1, 2)), &
        storage_size(values), stride(2))
      if (of_structures(words, storage_size(values))) first = c_null_ptr
    end if
    status = c_set_local_time_2d(self%handle, trim(units)//c_null_char, &
      first, type_f32, n_values(1), stride(1), n_values(2), stride(2))
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine local_time_2d_real32

  !> Register how far each cell's clock is ahead of the host's, an array of kind real64; it is
  !> read at every step, and days become those of the cell's own clock.
  subroutine local_time_2d_real64(self, units, values, stat, errmsg)
    class(ecostep_cells), intent(in) :: self
    character(*), intent(in) :: units  !< 'h', 'min', 's', or 'degrees_east' for longitudes
    real(real64), pointer, intent(in), asynchronous :: values(:, :)  !< (ni, nj)
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status
    type :: descriptor_of_values
      real(real64), pointer :: values(:, :)  !< the host's
    end type descriptor_of_values
    type(descriptor_of_values) :: descriptor
    integer(int64) :: words(span_word)
    type(c_ptr) :: first
    integer(c_size_t) :: n_values(2)
    integer(c_ptrdiff_t) :: stride(2)

    descriptor%values => values
    words = 0
    if (by_gfortran) words = transfer(descriptor, words, size(words))
    first = c_null_ptr
    n_values = 0
    stride = 1
    if (associated(values)) then
      n_values = shape(values, kind=c_size_t)
      if (all(n_values > 0)) first = c_loc(values(1, 1))
      if (n_values(1) > 1 .and. n_values(2) > 0) call find_stride(first, c_loc(values(2, 1)), &
        storage_size(values), stride(1))
      if (n_values(2) > 1 .and. n_values(1) > 0) call find_stride(first, c_loc(values(1, 2)), &
        storage_size(values), stride(2))
      if (of_structures(words, storage_size(values))) first = c_null_ptr
    end if
    status = c_set_local_time_2d(self%handle, trim(units)//c_null_char, &
      first, type_f64, n_values(1), stride(1), n_values(2), stride(2))
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine local_time_2d_real64

  !> The ecostep_type of an integer or logical of so many bits.
  pure function integer_type(bits) result(type)
    integer, intent(in) :: bits  !< 8, 32 or 64
    integer(c_int) :: type

    type = merge(type_i8, merge(type_i64, type_i32, bits == 64), bits == 8)
  end function integer_type

  !> What to do with values of an input or static (default: of all) outside the range seen in
  !> training: one of ecostep_policy_ignore, _warn, _error and _clip.
  subroutine cells_policy(self, policy, name, stat, errmsg)
    class(ecostep_cells), intent(in) :: self
    integer, intent(in) :: policy  !< one of ecostep_policy_...
    character(*), intent(in), optional :: name  !< name in the artefact
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status
    character(:), allocatable, target :: c_name
    type(c_ptr) :: address

    address = c_null_ptr
    if (present(name)) then
      c_name = trim(name)//c_null_char
      address = c_loc(c_name)
    end if
    status = c_set_policy(self%handle, address, int(policy, c_int))
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine cells_policy

  !> How many values of an input or static (default: of all) were warned of or clipped.
  function cells_range_count(self, name) result(n)
    class(ecostep_cells), intent(in) :: self
    character(*), intent(in), optional :: name  !< name in the artefact
    integer(int64) :: n  !< -1 where there is no such variable
    character(:), allocatable, target :: c_name
    type(c_ptr) :: address
    integer(c_size_t) :: count

    address = c_null_ptr
    if (present(name)) then
      c_name = trim(name)//c_null_char
      address = c_loc(c_name)
    end if
    n = -1
    if (c_range_count(self%handle, address, count) == ecostep_ok) n = int(count, int64)
  end function cells_range_count

  !> The first value that was warned of or clipped; '' where there was none.
  function cells_range_message(self) result(text)
    class(ecostep_cells), intent(in) :: self
    character(:), allocatable :: text

    text = fortran_string(c_range_message(self%handle))
  end function cells_range_message

  !> Memory in which results of a step wait until they are known to be sound.
  subroutine cells_staging(self, bytes, stat, errmsg)
    class(ecostep_cells), intent(in) :: self
    integer(int64), intent(in) :: bytes  !< at most so many
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status

    status = c_set_staging(self%handle, int(bytes, c_size_t))
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine cells_staging

  !> Run `nday` days from year, month, day on, as for a spin-up: day k of a registered array `a(:)`
  !> lies `day_stride` elements after day k - 1. For arrays a(ncell, nday) register a(:, 1) and
  !> give size(a, 1); scalars advance by one element a day.
  subroutine cells_spin_up(self, year, month, day, nday, day_stride, stat, errmsg)
    class(ecostep_cells), intent(in) :: self
    integer, intent(in) :: year, month, day  !< first day
    integer, intent(in) :: nday  !< number of days
    integer, intent(in) :: day_stride  !< elements from day to day
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status

    status = c_spin_up(self%handle, int(year, c_int), int(month, c_int), int(day, c_int), &
      int(nday, c_size_t), int(day_stride, c_ptrdiff_t))
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine cells_spin_up

  !> Derivative of the sum of flux_weight * flux + state_weight * new state of a day's step, at the
  !> present inputs and state, with respect to the inputs and the state. Units are the host's.
  subroutine cells_gradient(self, year, month, day, flux_weight, input_gradient, state_gradient, &
    state_weight, stat, errmsg)
    class(ecostep_cells), intent(in) :: self
    integer, intent(in) :: year, month, day  !< date of the step
    real(real64), intent(in), contiguous, target :: flux_weight(:, :)  !< (n_targets, ncell)
    real(real64), intent(inout), contiguous, target :: input_gradient(:, :)  !< (n_inputs, ncell)
    real(real64), intent(inout), contiguous, target :: state_gradient(:, :)  !< (state_size, ncell)
    !> (state_size, ncell)
    real(real64), intent(in), contiguous, target, optional :: state_weight(:, :)
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status
    type(c_ptr) :: weights
    integer :: ncell
    logical :: shapes_agree

    ncell = int(c_cells_count(self%handle))
    shapes_agree = all(shape(flux_weight) == [self%n_targets, ncell]) &
      .and. all(shape(input_gradient) == [self%n_inputs, ncell]) &
      .and. all(shape(state_gradient) == [self%state_size, ncell])
    weights = c_null_ptr
    if (present(state_weight)) then
      shapes_agree = shapes_agree .and. all(shape(state_weight) == [self%state_size, ncell])
      if (size(state_weight) > 0) weights = c_loc(state_weight)
    end if
    if (.not. shapes_agree) then
      if (.not. present(stat)) error stop 'ecostep: arrays of gradient have the wrong shape'
      stat = ecostep_wrong_size
      if (present(errmsg)) errmsg = 'gradient: weights and results are (n_targets, ncell),' &
        //' (n_inputs, ncell) and (state_size, ncell)'
      return
    end if
    status = ecostep_ok
    if (ncell > 0) status = c_step_gradient(self%handle, int(year, c_int), int(month, c_int), &
      int(day, c_int), c_loc(flux_weight), weights, c_loc(input_gradient), c_loc(state_gradient))
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine cells_gradient

  ! ---- owners ------------------------------------------------------------------------------------

  !> a = b: both own the artefact, which is given back with the last of them.
  impure elemental subroutine share_model(self, other)
    class(ecostep_model), intent(inout) :: self
    class(ecostep_model), intent(in) :: other  !< owner of the artefact
    type(c_ptr) :: handle

    handle = c_model_share(other%handle)
    if (c_associated(self%handle)) call c_close(self%handle)
    self%handle = handle
  end subroutine share_model

  !> Give the artefact back where its owner goes out of scope.
  impure elemental subroutine finish_model(self)
    type(ecostep_model), intent(inout) :: self

    if (c_associated(self%handle)) call c_close(self%handle)
    self%handle = c_null_ptr
  end subroutine finish_model

  !> a = b: both own the set of cells, which is given back with the last of them.
  impure elemental subroutine share_cells(self, other)
    class(ecostep_cells), intent(inout) :: self
    class(ecostep_cells), intent(in) :: other  !< owner of the set of cells
    type(c_ptr) :: handle

    handle = c_cells_share(other%handle)
    if (c_associated(self%handle)) call c_cells_destroy(self%handle)
    self%handle = handle
    self%n_inputs = other%n_inputs
    self%n_targets = other%n_targets
    self%state_size = other%state_size
  end subroutine share_cells

  !> Give the set of cells back where its owner goes out of scope.
  impure elemental subroutine finish_cells(self)
    type(ecostep_cells), intent(inout) :: self

    if (c_associated(self%handle)) call c_cells_destroy(self%handle)
    self%handle = c_null_ptr
  end subroutine finish_cells

  ! ---- units -------------------------------------------------------------------------------------

  !> Value in `to` = scale * value in `from` + offset, as for a registered array of that name;
  !> `variable` '' for any. With `interval`, amounts of records of so many seconds are made rates.
  subroutine ecostep_unit_conversion(variable, from, to, scale, offset, interval, stat, errmsg)
    character(*), intent(in) :: variable  !< name in the artefact
    character(*), intent(in) :: from  !< units of the values
    character(*), intent(in) :: to  !< units wanted
    real(real64), intent(out) :: scale  !< factor
    real(real64), intent(out) :: offset  !< added to the product
    real(real64), intent(in), optional :: interval  !< length of a record (s)
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout), optional :: errmsg  !< message
    integer(c_int) :: status
    real(c_double) :: seconds

    scale = 1.0_real64
    offset = 0.0_real64
    seconds = 0.0_c_double
    if (present(interval)) seconds = interval
    status = c_unit_conversion(trim(variable)//c_null_char, trim(from)//c_null_char, &
      trim(to)//c_null_char, seconds, scale, offset)
    call finish(status, stat)
    if (present(errmsg)) call explain(stat, errmsg)
  end subroutine ecostep_unit_conversion

  ! ---- texts and errors --------------------------------------------------------------------------

  !> Version of the library.
  function ecostep_version() result(text)
    character(:), allocatable :: text

    text = fortran_string(c_version())
  end function ecostep_version

  !> Name of a status, such as 'BAD_UNITS'.
  function ecostep_status_name(status) result(text)
    integer, intent(in) :: status  !< value of `stat`
    character(:), allocatable :: text

    text = fortran_string(c_status_name(int(status, c_int)))
  end function ecostep_status_name

  !> Hand a status to the caller, or stop with its message where the caller did not ask for it.
  subroutine finish(status, stat)
    integer(c_int), intent(in) :: status  !< of the C call
    integer, intent(out), optional :: stat  !< status, 0 = success
    character(:), allocatable :: message

    if (present(stat)) stat = int(status)
    if (status == ecostep_ok .or. present(stat)) return
    message = 'ecostep: '//fortran_string(c_last_error())
    error stop message
  end subroutine finish

  !> Set the message of a call that failed. Not part of `finish`: gfortran (12 at least) loses the
  !> length of a deferred-length string that goes from one optional argument to another.
  subroutine explain(stat, errmsg)
    integer, intent(in), optional :: stat  !< status, 0 = success
    character(:), allocatable, intent(inout) :: errmsg  !< message

    if (.not. present(stat)) return
    if (stat /= ecostep_ok) errmsg = fortran_string(c_last_error())
  end subroutine explain

  !> Whether the elements of an array are components of structures. gfortran (12 at least) then
  !> hands over the address of the structure, or takes the array to be contiguous; in its descriptor
  !> such elements lie further apart than their size.
  pure logical function of_structures(words, bits)
    integer(int64), intent(in) :: words(span_word)  !< of the descriptor
    integer, intent(in) :: bits  !< size of an element

    of_structures = by_gfortran .and. words(span_word) /= int(bits / 8, int64)
  end function of_structures

  !> Distance of two addresses, in bytes.
  pure function distance(first, second) result(bytes)
    type(c_ptr), intent(in) :: first, second  !< addresses
    integer(c_ptrdiff_t) :: bytes

    bytes = int(transfer(second, 0_c_intptr_t) - transfer(first, 0_c_intptr_t), c_ptrdiff_t)
  end function distance

  !> Distance of two neighbouring elements, in elements; where it is no whole number of them, the
  !> address of the first becomes null.
  pure subroutine find_stride(first, second, bits, stride)
    type(c_ptr), intent(inout) :: first  !< address of element 1
    type(c_ptr), intent(in) :: second  !< address of element 2
    integer, intent(in) :: bits  !< size of an element
    integer(c_ptrdiff_t), intent(out) :: stride  !< elements
    integer(c_ptrdiff_t) :: bytes

    bytes = int(bits / 8, c_ptrdiff_t)
    stride = distance(first, second) / bytes
    if (stride * bytes /= distance(first, second)) first = c_null_ptr
  end subroutine find_stride

  !> What the artefact says of variable `i` (from 1) of a role; its texts are null out of bounds.
  function info_of(model, role, i) result(info)
    class(ecostep_model), intent(in) :: model
    integer(c_int), intent(in) :: role  !< input, static or target
    integer, intent(in) :: i  !< index from 1
    type(variable_info) :: info
    integer(c_int) :: status

    status = ecostep_invalid_argument
    if (i > 0) status = c_variable_info(model%handle, role, int(i - 1, c_size_t), info)
    if (status /= ecostep_ok) info = variable_info()
  end function info_of

  !> Copy of a C string; '' for null.
  function fortran_string(text) result(copy)
    type(c_ptr), intent(in) :: text  !< zero-terminated
    character(:), allocatable :: copy
    character(kind=c_char), pointer :: letters(:)
    integer :: i

    if (.not. c_associated(text)) then
      copy = ''
      return
    end if
    call c_f_pointer(text, letters, [c_strlen(text)])
    allocate(character(len=size(letters)) :: copy)
    do i = 1, size(letters)
      copy(i:i) = letters(i)
    end do
  end function fortran_string

end module ecostep
