!> What NextGen looks for in the shared library of a Fortran component: a function that makes one
!> and hands out a pointer to it.
!>
!> The pointer is to a box with one component, a class pointer of type `bmi`, as in NextGen's module
!> iso_c_bmif_2_0.
function register_bmi(this) result(bmi_status) bind(c, name='register_bmi')
  use, intrinsic :: iso_c_binding, only: c_int, c_loc, c_ptr
  use bmif_2_0, only: bmi, BMI_SUCCESS
  use ecostep_bmi, only: bmi_ecostep
  implicit none (type, external)

  type :: box
    class(bmi), pointer :: ptr => null()  !< the component
  end type box

  type(c_ptr), intent(out) :: this  !< the box
  integer(c_int) :: bmi_status
  type(box), pointer :: component_box

  allocate(component_box)
  allocate(bmi_ecostep :: component_box%ptr)
  this = c_loc(component_box)
  bmi_status = BMI_SUCCESS
end function register_bmi
