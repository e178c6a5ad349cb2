!> Functions for C on a component that comes in a box, as NextGen calls Fortran components: names,
!> arguments and the box are those of its module iso_c_bmif_2_0, as far as the host uses them.
module iso_c_bmif_2_0
  use, intrinsic :: iso_c_binding, only: c_char, c_double, c_f_pointer, c_int, c_null_char, c_ptr
  use bmif_2_0_iso, only: bmi, BMI_MAX_COMPONENT_NAME, BMI_MAX_VAR_NAME, BMI_SUCCESS
  implicit none (type, external)
  private

  !> What the handle points to.
  type :: box
    class(bmi), pointer :: ptr => null()  !< the component
  end type box

contains

  !> The component behind a handle.
  function component(handle) result(found)
    type(c_ptr), intent(in) :: handle
    class(bmi), pointer :: found
    type(box), pointer :: holder

    call c_f_pointer(handle, holder)
    found => holder%ptr
  end function component

  !> Characters up to the null.
  pure function text(c_text)
    character(kind=c_char), intent(in) :: c_text(*)
    character(:), allocatable :: text
    integer :: i

    text = ''
    do i = 1, BMI_MAX_VAR_NAME
      if (c_text(i) == c_null_char) return
      text = text//c_text(i)
    end do
  end function text

  !> Copy a text with a null behind it.
  pure subroutine put(from, to)
    character(*), intent(in) :: from
    character(kind=c_char), intent(inout) :: to(*)
    integer :: i

    do i = 1, len_trim(from)
      to(i) = from(i:i)
    end do
    to(len_trim(from) + 1) = c_null_char
  end subroutine put

  function initialize(this, config_file) result(status) bind(c, name='initialize')
    type(c_ptr), intent(in) :: this
    character(kind=c_char), intent(in) :: config_file(*)
    integer(c_int) :: status
    class(bmi), pointer :: model

    model => component(this)
    status = model%initialize(text(config_file))
  end function initialize

  function update_until(this, time) result(status) bind(c, name='update_until')
    type(c_ptr), intent(in) :: this
    real(c_double), intent(in) :: time
    integer(c_int) :: status
    class(bmi), pointer :: model

    model => component(this)
    status = model%update_until(time)
  end function update_until

  function finalize(this) result(status) bind(c, name='finalize')
    type(c_ptr), intent(in) :: this
    integer(c_int) :: status
    type(box), pointer :: holder

    call c_f_pointer(this, holder)
    status = holder%ptr%finalize()
    if (associated(holder%ptr)) deallocate(holder%ptr)
    deallocate(holder)
  end function finalize

  function get_component_name(this, name) result(status) bind(c, name='get_component_name')
    type(c_ptr), intent(in) :: this
    character(kind=c_char), intent(inout) :: name(*)
    integer(c_int) :: status
    class(bmi), pointer :: model
    character(BMI_MAX_COMPONENT_NAME), pointer :: found

    model => component(this)
    status = model%get_component_name(found)
    call put(found, name)
  end function get_component_name

  function get_input_item_count(this, count) result(status) bind(c, name='get_input_item_count')
    type(c_ptr), intent(in) :: this
    integer(c_int), intent(out) :: count
    integer(c_int) :: status
    class(bmi), pointer :: model

    model => component(this)
    status = model%get_input_item_count(count)
  end function get_input_item_count

  function get_input_var_names(this, names) result(status) bind(c, name='get_input_var_names')
    type(c_ptr), intent(in) :: this
    type(c_ptr), intent(in) :: names(*)
    integer(c_int) :: status
    class(bmi), pointer :: model
    character(BMI_MAX_VAR_NAME), pointer :: found(:)
    character(kind=c_char), pointer :: buffer(:)
    integer :: i

    model => component(this)
    status = model%get_input_var_names(found)
    do i = 1, size(found)
      call c_f_pointer(names(i), buffer, [BMI_MAX_VAR_NAME])
      call put(found(i), buffer)
    end do
  end function get_input_var_names

  function get_var_type(this, name, type) result(status) bind(c, name='get_var_type')
    type(c_ptr), intent(in) :: this
    character(kind=c_char), intent(in) :: name(*)
    character(kind=c_char), intent(inout) :: type(*)
    integer(c_int) :: status
    class(bmi), pointer :: model
    character(BMI_MAX_VAR_NAME) :: found

    model => component(this)
    status = model%get_var_type(text(name), found)
    call put(found, type)
  end function get_var_type

  function get_value_double(this, name, dest) result(status) bind(c, name='get_value_double')
    type(c_ptr), intent(in) :: this
    character(kind=c_char), intent(in) :: name(*)
    real(c_double), intent(inout) :: dest(*)
    integer(c_int) :: status
    class(bmi), pointer :: model
    integer :: bytes, item

    model => component(this)
    status = model%get_var_nbytes(text(name), bytes)
    if (status == BMI_SUCCESS) status = model%get_var_itemsize(text(name), item)
    if (status == BMI_SUCCESS) status = model%get_value_double(text(name), dest(:bytes / item))
  end function get_value_double

  function set_value_double(this, name, src) result(status) bind(c, name='set_value_double')
    type(c_ptr), intent(in) :: this
    character(kind=c_char), intent(in) :: name(*)
    real(c_double), intent(in) :: src(*)
    integer(c_int) :: status
    class(bmi), pointer :: model
    integer :: bytes, item

    model => component(this)
    status = model%get_var_nbytes(text(name), bytes)
    if (status == BMI_SUCCESS) status = model%get_var_itemsize(text(name), item)
    if (status == BMI_SUCCESS) status = model%set_value_double(text(name), src(:bytes / item))
  end function set_value_double

end module iso_c_bmif_2_0
