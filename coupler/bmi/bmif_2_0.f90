!> The Basic Model Interface 2.0 of CSDMS for Fortran, as an abstract type: the names, arguments and
!> constants of the module `bmif_2_0` of bmi-fortran, which frameworks compile against. Only for
!> builds that have no bmi-fortran; where there is one, leave this file out. The functions are
!> described at https://bmi.csdms.io; each returns BMI_SUCCESS or BMI_FAILURE.
!>
!> Generated from bmif_2_0.fypp, which is the file to edit.
module bmif_2_0
  implicit none (type, external)
  private

  public :: bmi
  public :: BMI_SUCCESS, BMI_FAILURE
  public :: BMI_MAX_COMPONENT_NAME, BMI_MAX_VAR_NAME, BMI_MAX_TYPE_NAME, BMI_MAX_UNITS_NAME

  integer, parameter :: BMI_SUCCESS = 0, BMI_FAILURE = 1
  integer, parameter :: BMI_MAX_COMPONENT_NAME = 2048, BMI_MAX_VAR_NAME = 2048
  integer, parameter :: BMI_MAX_TYPE_NAME = 2048, BMI_MAX_UNITS_NAME = 2048

  !> A component.
  type, abstract :: bmi
  contains
    procedure(bmif_initialize), deferred :: initialize
    procedure(bmif_update), deferred :: update
    procedure(bmif_update_until), deferred :: update_until
    procedure(bmif_finalize), deferred :: finalize
    procedure(bmif_get_component_name), deferred :: get_component_name
    procedure(bmif_get_input_item_count), deferred :: get_input_item_count
    procedure(bmif_get_output_item_count), deferred :: get_output_item_count
    procedure(bmif_get_input_var_names), deferred :: get_input_var_names
    procedure(bmif_get_output_var_names), deferred :: get_output_var_names
    procedure(bmif_get_var_grid), deferred :: get_var_grid
    procedure(bmif_get_var_type), deferred :: get_var_type
    procedure(bmif_get_var_units), deferred :: get_var_units
    procedure(bmif_get_var_itemsize), deferred :: get_var_itemsize
    procedure(bmif_get_var_nbytes), deferred :: get_var_nbytes
    procedure(bmif_get_var_location), deferred :: get_var_location
    procedure(bmif_get_current_time), deferred :: get_current_time
    procedure(bmif_get_start_time), deferred :: get_start_time
    procedure(bmif_get_end_time), deferred :: get_end_time
    procedure(bmif_get_time_units), deferred :: get_time_units
    procedure(bmif_get_time_step), deferred :: get_time_step
    procedure(bmif_get_value_int), deferred :: get_value_int
    procedure(bmif_get_value_float), deferred :: get_value_float
    procedure(bmif_get_value_double), deferred :: get_value_double
    procedure(bmif_get_value_ptr_int), deferred :: get_value_ptr_int
    procedure(bmif_get_value_ptr_float), deferred :: get_value_ptr_float
    procedure(bmif_get_value_ptr_double), deferred :: get_value_ptr_double
    procedure(bmif_get_value_at_indices_int), deferred :: get_value_at_indices_int
    procedure(bmif_get_value_at_indices_float), deferred :: get_value_at_indices_float
    procedure(bmif_get_value_at_indices_double), deferred :: get_value_at_indices_double
    procedure(bmif_set_value_int), deferred :: set_value_int
    procedure(bmif_set_value_float), deferred :: set_value_float
    procedure(bmif_set_value_double), deferred :: set_value_double
    procedure(bmif_set_value_at_indices_int), deferred :: set_value_at_indices_int
    procedure(bmif_set_value_at_indices_float), deferred :: set_value_at_indices_float
    procedure(bmif_set_value_at_indices_double), deferred :: set_value_at_indices_double
    procedure(bmif_get_grid_rank), deferred :: get_grid_rank
    procedure(bmif_get_grid_size), deferred :: get_grid_size
    procedure(bmif_get_grid_type), deferred :: get_grid_type
    procedure(bmif_get_grid_shape), deferred :: get_grid_shape
    procedure(bmif_get_grid_spacing), deferred :: get_grid_spacing
    procedure(bmif_get_grid_origin), deferred :: get_grid_origin
    procedure(bmif_get_grid_x), deferred :: get_grid_x
    procedure(bmif_get_grid_y), deferred :: get_grid_y
    procedure(bmif_get_grid_z), deferred :: get_grid_z
    procedure(bmif_get_grid_node_count), deferred :: get_grid_node_count
    procedure(bmif_get_grid_edge_count), deferred :: get_grid_edge_count
    procedure(bmif_get_grid_face_count), deferred :: get_grid_face_count
    procedure(bmif_get_grid_edge_nodes), deferred :: get_grid_edge_nodes
    procedure(bmif_get_grid_face_edges), deferred :: get_grid_face_edges
    procedure(bmif_get_grid_face_nodes), deferred :: get_grid_face_nodes
    procedure(bmif_get_grid_nodes_per_face), deferred :: get_grid_nodes_per_face
  end type bmi

  abstract interface
    function bmif_initialize(self, config_file) result(bmi_status)
      import :: bmi
      implicit none (type, external)
      class(bmi), intent(out) :: self
      character(*), intent(in) :: config_file
      integer :: bmi_status
    end function bmif_initialize

    function bmif_update(self) result(bmi_status)
      import :: bmi
      implicit none (type, external)
      class(bmi), intent(inout) :: self
      integer :: bmi_status
    end function bmif_update

    function bmif_update_until(self, time) result(bmi_status)
      import :: bmi
      implicit none (type, external)
      class(bmi), intent(inout) :: self
      double precision, intent(in) :: time
      integer :: bmi_status
    end function bmif_update_until

    function bmif_finalize(self) result(bmi_status)
      import :: bmi
      implicit none (type, external)
      class(bmi), intent(inout) :: self
      integer :: bmi_status
    end function bmif_finalize

    function bmif_get_component_name(self, name) result(bmi_status)
      import :: bmi
      implicit none (type, external)
      class(bmi), intent(in) :: self
      character(*), pointer, intent(out) :: name
      integer :: bmi_status
    end function bmif_get_component_name

    function bmif_get_input_item_count(self, count) result(bmi_status)
      import :: bmi
      implicit none (type, external)
      class(bmi), intent(in) :: self
      integer, intent(out) :: count
      integer :: bmi_status
    end function bmif_get_input_item_count

    function bmif_get_output_item_count(self, count) result(bmi_status)
      import :: bmi
      implicit none (type, external)
      class(bmi), intent(in) :: self
      integer, intent(out) :: count
      integer :: bmi_status
    end function bmif_get_output_item_count

    function bmif_get_input_var_names(self, names) result(bmi_status)
      import :: bmi
      implicit none (type, external)
      class(bmi), intent(in) :: self
      character(*), pointer, intent(out) :: names(:)
      integer :: bmi_status
    end function bmif_get_input_var_names

    function bmif_get_output_var_names(self, names) result(bmi_status)
      import :: bmi
      implicit none (type, external)
      class(bmi), intent(in) :: self
      character(*), pointer, intent(out) :: names(:)
      integer :: bmi_status
    end function bmif_get_output_var_names

    function bmif_get_var_grid(self, name, grid) result(bmi_status)
      import :: bmi
      implicit none (type, external)
      class(bmi), intent(in) :: self
      character(*), intent(in) :: name
      integer, intent(out) :: grid
      integer :: bmi_status
    end function bmif_get_var_grid

    function bmif_get_var_type(self, name, type) result(bmi_status)
      import :: bmi
      implicit none (type, external)
      class(bmi), intent(in) :: self
      character(*), intent(in) :: name
      character(*), intent(out) :: type
      integer :: bmi_status
    end function bmif_get_var_type

    function bmif_get_var_units(self, name, units) result(bmi_status)
      import :: bmi
      implicit none (type, external)
      class(bmi), intent(in) :: self
      character(*), intent(in) :: name
      character(*), intent(out) :: units
      integer :: bmi_status
    end function bmif_get_var_units

    function bmif_get_var_itemsize(self, name, size) result(bmi_status)
      import :: bmi
      implicit none (type, external)
      class(bmi), intent(in) :: self
      character(*), intent(in) :: name
      integer, intent(out) :: size
      integer :: bmi_status
    end function bmif_get_var_itemsize

    function bmif_get_var_nbytes(self, name, nbytes) result(bmi_status)
      import :: bmi
      implicit none (type, external)
      class(bmi), intent(in) :: self
      character(*), intent(in) :: name
      integer, intent(out) :: nbytes
      integer :: bmi_status
    end function bmif_get_var_nbytes

    function bmif_get_var_location(self, name, location) result(bmi_status)
      import :: bmi
      implicit none (type, external)
      class(bmi), intent(in) :: self
      character(*), intent(in) :: name
      character(*), intent(out) :: location
      integer :: bmi_status
    end function bmif_get_var_location

    function bmif_get_current_time(self, time) result(bmi_status)
      import :: bmi
      implicit none (type, external)
      class(bmi), intent(in) :: self
      double precision, intent(out) :: time
      integer :: bmi_status
    end function bmif_get_current_time

    function bmif_get_start_time(self, time) result(bmi_status)
      import :: bmi
      implicit none (type, external)
      class(bmi), intent(in) :: self
      double precision, intent(out) :: time
      integer :: bmi_status
    end function bmif_get_start_time

    function bmif_get_end_time(self, time) result(bmi_status)
      import :: bmi
      implicit none (type, external)
      class(bmi), intent(in) :: self
      double precision, intent(out) :: time
      integer :: bmi_status
    end function bmif_get_end_time

    function bmif_get_time_units(self, units) result(bmi_status)
      import :: bmi
      implicit none (type, external)
      class(bmi), intent(in) :: self
      character(*), intent(out) :: units
      integer :: bmi_status
    end function bmif_get_time_units

    function bmif_get_time_step(self, time_step) result(bmi_status)
      import :: bmi
      implicit none (type, external)
      class(bmi), intent(in) :: self
      double precision, intent(out) :: time_step
      integer :: bmi_status
    end function bmif_get_time_step

    function bmif_get_value_int(self, name, dest) result(bmi_status)
      import :: bmi
      implicit none (type, external)
      class(bmi), intent(in) :: self
      character(*), intent(in) :: name
      integer, intent(inout) :: dest(:)
      integer :: bmi_status
    end function bmif_get_value_int

    function bmif_get_value_float(self, name, dest) result(bmi_status)
      import :: bmi
      implicit none (type, external)
      class(bmi), intent(in) :: self
      character(*), intent(in) :: name
      real, intent(inout) :: dest(:)
      integer :: bmi_status
    end function bmif_get_value_float

    function bmif_get_value_double(self, name, dest) result(bmi_status)
      import :: bmi
      implicit none (type, external)
      class(bmi), intent(in) :: self
      character(*), intent(in) :: name
      double precision, intent(inout) :: dest(:)
      integer :: bmi_status
    end function bmif_get_value_double

    function bmif_get_value_ptr_int(self, name, dest_ptr) result(bmi_status)
      import :: bmi
      implicit none (type, external)
      class(bmi), intent(in) :: self
      character(*), intent(in) :: name
      integer, pointer, intent(inout) :: dest_ptr(:)
      integer :: bmi_status
    end function bmif_get_value_ptr_int

    function bmif_get_value_ptr_float(self, name, dest_ptr) result(bmi_status)
      import :: bmi
      implicit none (type, external)
      class(bmi), intent(in) :: self
      character(*), intent(in) :: name
      real, pointer, intent(inout) :: dest_ptr(:)
      integer :: bmi_status
    end function bmif_get_value_ptr_float

    function bmif_get_value_ptr_double(self, name, dest_ptr) result(bmi_status)
      import :: bmi
      implicit none (type, external)
      class(bmi), intent(in) :: self
      character(*), intent(in) :: name
      double precision, pointer, intent(inout) :: dest_ptr(:)
      integer :: bmi_status
    end function bmif_get_value_ptr_double

    function bmif_get_value_at_indices_int(self, name, dest, inds) result(bmi_status)
      import :: bmi
      implicit none (type, external)
      class(bmi), intent(in) :: self
      character(*), intent(in) :: name
      integer, intent(inout) :: dest(:)
      integer, intent(in) :: inds(:)
      integer :: bmi_status
    end function bmif_get_value_at_indices_int

    function bmif_get_value_at_indices_float(self, name, dest, inds) result(bmi_status)
      import :: bmi
      implicit none (type, external)
      class(bmi), intent(in) :: self
      character(*), intent(in) :: name
      real, intent(inout) :: dest(:)
      integer, intent(in) :: inds(:)
      integer :: bmi_status
    end function bmif_get_value_at_indices_float

    function bmif_get_value_at_indices_double(self, name, dest, inds) result(bmi_status)
      import :: bmi
      implicit none (type, external)
      class(bmi), intent(in) :: self
      character(*), intent(in) :: name
      double precision, intent(inout) :: dest(:)
      integer, intent(in) :: inds(:)
      integer :: bmi_status
    end function bmif_get_value_at_indices_double

    function bmif_set_value_int(self, name, src) result(bmi_status)
      import :: bmi
      implicit none (type, external)
      class(bmi), intent(inout) :: self
      character(*), intent(in) :: name
      integer, intent(in) :: src(:)
      integer :: bmi_status
    end function bmif_set_value_int

    function bmif_set_value_float(self, name, src) result(bmi_status)
      import :: bmi
      implicit none (type, external)
      class(bmi), intent(inout) :: self
      character(*), intent(in) :: name
      real, intent(in) :: src(:)
      integer :: bmi_status
    end function bmif_set_value_float

    function bmif_set_value_double(self, name, src) result(bmi_status)
      import :: bmi
      implicit none (type, external)
      class(bmi), intent(inout) :: self
      character(*), intent(in) :: name
      double precision, intent(in) :: src(:)
      integer :: bmi_status
    end function bmif_set_value_double

    function bmif_set_value_at_indices_int(self, name, inds, src) result(bmi_status)
      import :: bmi
      implicit none (type, external)
      class(bmi), intent(inout) :: self
      character(*), intent(in) :: name
      integer, intent(in) :: inds(:)
      integer, intent(in) :: src(:)
      integer :: bmi_status
    end function bmif_set_value_at_indices_int

    function bmif_set_value_at_indices_float(self, name, inds, src) result(bmi_status)
      import :: bmi
      implicit none (type, external)
      class(bmi), intent(inout) :: self
      character(*), intent(in) :: name
      integer, intent(in) :: inds(:)
      real, intent(in) :: src(:)
      integer :: bmi_status
    end function bmif_set_value_at_indices_float

    function bmif_set_value_at_indices_double(self, name, inds, src) result(bmi_status)
      import :: bmi
      implicit none (type, external)
      class(bmi), intent(inout) :: self
      character(*), intent(in) :: name
      integer, intent(in) :: inds(:)
      double precision, intent(in) :: src(:)
      integer :: bmi_status
    end function bmif_set_value_at_indices_double

    function bmif_get_grid_rank(self, grid, rank) result(bmi_status)
      import :: bmi
      implicit none (type, external)
      class(bmi), intent(in) :: self
      integer, intent(in) :: grid
      integer, intent(out) :: rank
      integer :: bmi_status
    end function bmif_get_grid_rank

    function bmif_get_grid_size(self, grid, size) result(bmi_status)
      import :: bmi
      implicit none (type, external)
      class(bmi), intent(in) :: self
      integer, intent(in) :: grid
      integer, intent(out) :: size
      integer :: bmi_status
    end function bmif_get_grid_size

    function bmif_get_grid_type(self, grid, type) result(bmi_status)
      import :: bmi
      implicit none (type, external)
      class(bmi), intent(in) :: self
      integer, intent(in) :: grid
      character(*), intent(out) :: type
      integer :: bmi_status
    end function bmif_get_grid_type

    function bmif_get_grid_shape(self, grid, shape) result(bmi_status)
      import :: bmi
      implicit none (type, external)
      class(bmi), intent(in) :: self
      integer, intent(in) :: grid
      integer, intent(out) :: shape(:)
      integer :: bmi_status
    end function bmif_get_grid_shape

    function bmif_get_grid_spacing(self, grid, spacing) result(bmi_status)
      import :: bmi
      implicit none (type, external)
      class(bmi), intent(in) :: self
      integer, intent(in) :: grid
      double precision, intent(out) :: spacing(:)
      integer :: bmi_status
    end function bmif_get_grid_spacing

    function bmif_get_grid_origin(self, grid, origin) result(bmi_status)
      import :: bmi
      implicit none (type, external)
      class(bmi), intent(in) :: self
      integer, intent(in) :: grid
      double precision, intent(out) :: origin(:)
      integer :: bmi_status
    end function bmif_get_grid_origin

    function bmif_get_grid_x(self, grid, x) result(bmi_status)
      import :: bmi
      implicit none (type, external)
      class(bmi), intent(in) :: self
      integer, intent(in) :: grid
      double precision, intent(out) :: x(:)
      integer :: bmi_status
    end function bmif_get_grid_x

    function bmif_get_grid_y(self, grid, y) result(bmi_status)
      import :: bmi
      implicit none (type, external)
      class(bmi), intent(in) :: self
      integer, intent(in) :: grid
      double precision, intent(out) :: y(:)
      integer :: bmi_status
    end function bmif_get_grid_y

    function bmif_get_grid_z(self, grid, z) result(bmi_status)
      import :: bmi
      implicit none (type, external)
      class(bmi), intent(in) :: self
      integer, intent(in) :: grid
      double precision, intent(out) :: z(:)
      integer :: bmi_status
    end function bmif_get_grid_z

    function bmif_get_grid_node_count(self, grid, count) result(bmi_status)
      import :: bmi
      implicit none (type, external)
      class(bmi), intent(in) :: self
      integer, intent(in) :: grid
      integer, intent(out) :: count
      integer :: bmi_status
    end function bmif_get_grid_node_count

    function bmif_get_grid_edge_count(self, grid, count) result(bmi_status)
      import :: bmi
      implicit none (type, external)
      class(bmi), intent(in) :: self
      integer, intent(in) :: grid
      integer, intent(out) :: count
      integer :: bmi_status
    end function bmif_get_grid_edge_count

    function bmif_get_grid_face_count(self, grid, count) result(bmi_status)
      import :: bmi
      implicit none (type, external)
      class(bmi), intent(in) :: self
      integer, intent(in) :: grid
      integer, intent(out) :: count
      integer :: bmi_status
    end function bmif_get_grid_face_count

    function bmif_get_grid_edge_nodes(self, grid, edge_nodes) result(bmi_status)
      import :: bmi
      implicit none (type, external)
      class(bmi), intent(in) :: self
      integer, intent(in) :: grid
      integer, intent(out) :: edge_nodes(:)
      integer :: bmi_status
    end function bmif_get_grid_edge_nodes

    function bmif_get_grid_face_edges(self, grid, face_edges) result(bmi_status)
      import :: bmi
      implicit none (type, external)
      class(bmi), intent(in) :: self
      integer, intent(in) :: grid
      integer, intent(out) :: face_edges(:)
      integer :: bmi_status
    end function bmif_get_grid_face_edges

    function bmif_get_grid_face_nodes(self, grid, face_nodes) result(bmi_status)
      import :: bmi
      implicit none (type, external)
      class(bmi), intent(in) :: self
      integer, intent(in) :: grid
      integer, intent(out) :: face_nodes(:)
      integer :: bmi_status
    end function bmif_get_grid_face_nodes

    function bmif_get_grid_nodes_per_face(self, grid, nodes_per_face) result(bmi_status)
      import :: bmi
      implicit none (type, external)
      class(bmi), intent(in) :: self
      integer, intent(in) :: grid
      integer, intent(out) :: nodes_per_face(:)
      integer :: bmi_status
    end function bmif_get_grid_nodes_per_face

  end interface

end module bmif_2_0
