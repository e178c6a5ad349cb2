!> Text of netCDF files, which is stored as characters or as strings, in attributes and variables.
module netcdf_text
  use, intrinsic :: iso_c_binding, only: c_associated, c_char, c_f_pointer, c_int, c_null_char, &
    c_ptr, c_size_t
  use netcdf, only: nf90_char, nf90_get_att, nf90_get_var, nf90_global, nf90_inquire_attribute, &
    nf90_inquire_dimension, nf90_inquire_variable, nf90_max_var_dims, nf90_noerr, nf90_string
  implicit none (type, external)
  private

  public :: text_of_attribute, read_texts

  interface
    integer(c_int) function nc_get_var1_string(ncid, varid, at, value) &
      bind(c, name='nc_get_var1_string')
      import :: c_int, c_ptr, c_size_t
      implicit none (type, external)
      integer(c_int), value :: ncid, varid
      integer(c_size_t), intent(in) :: at(*)
      type(c_ptr), intent(out) :: value(*)
    end function nc_get_var1_string

    integer(c_int) function nc_get_att_string(ncid, varid, name, value) &
      bind(c, name='nc_get_att_string')
      import :: c_char, c_int, c_ptr
      implicit none (type, external)
      integer(c_int), value :: ncid, varid
      character(kind=c_char), intent(in) :: name(*)
      type(c_ptr), intent(out) :: value(*)
    end function nc_get_att_string

    integer(c_int) function nc_free_string(n, value) bind(c, name='nc_free_string')
      import :: c_int, c_ptr, c_size_t
      implicit none (type, external)
      integer(c_size_t), value :: n
      type(c_ptr), intent(inout) :: value(*)
    end function nc_free_string

    integer(c_size_t) function c_strlen(string) bind(c, name='strlen')
      import :: c_ptr, c_size_t
      implicit none (type, external)
      type(c_ptr), value :: string
    end function c_strlen
  end interface

contains

  !> A text attribute without blanks at its end; empty where it is not there or is not text.
  function text_of_attribute(ncid, varid, name) result(value)
    integer, intent(in) :: ncid  !< netCDF id
    integer, intent(in) :: varid  !< id of the variable, or nf90_global
    character(*), intent(in) :: name  !< attribute
    character(:), allocatable :: value
    type(c_ptr) :: strings(1)
    integer :: kind, length, freed
    value = ''
    if (nf90_inquire_attribute(ncid, varid, name, xtype=kind, len=length) /= nf90_noerr) return
    if (kind == nf90_char) then
      value = repeat(' ', length)
      if (nf90_get_att(ncid, varid, name, value) /= nf90_noerr) value = ''
    else if (kind == nf90_string .and. length == 1) then
      ! C counts variables from 0; nf90_global is 0 where C has -1.
      if (nc_get_att_string(ncid, merge(-1, varid - 1, varid == nf90_global), &
        name//c_null_char, strings) /= nf90_noerr) return
      value = text_of_pointer(strings(1))
      freed = nc_free_string(1_c_size_t, strings)
    end if
    do while (len(value) > 0)
      if (iachar(value(len(value):)) > 32) exit
      value = value(:len(value) - 1)
    end do
  end function text_of_attribute

  !> Read names, stored as strings or as characters; `fault` is not empty where that is impossible.
  subroutine read_texts(ncid, varid, values, fault)
    integer, intent(in) :: ncid  !< netCDF id
    integer, intent(in) :: varid  !< id of the variable
    character(*), intent(out) :: values(:)  !< names
    character(:), allocatable, intent(out) :: fault  !< what is wrong, without the variable's name
    character(:), allocatable :: name
    integer :: kind, ndims, dimids(nf90_max_var_dims), lengths(2), names, i, status
    fault = ''
    values = ''
    lengths = 1
    status = nf90_inquire_variable(ncid, varid, xtype=kind, ndims=ndims, dimids=dimids)
    names = merge(1, 0, kind == nf90_char)  ! dimensions of one name
    if (status /= nf90_noerr .or. (kind /= nf90_char .and. kind /= nf90_string)) then
      fault = 'is not text'
      return
    end if
    if (ndims - names < 0 .or. ndims - names > 1) then
      fault = 'is text of another shape than one name a site'
      return
    end if
    do i = 1, ndims
      status = nf90_inquire_dimension(ncid, dimids(i), len=lengths(i))
    end do
    if (lengths(names + 1) /= size(values)) then
      fault = 'is text of another shape than one name a site'
      return
    end if
    do i = 1, size(values)
      if (kind == nf90_string) then
        call read_string(ncid, varid, i, name, status)
      else
        name = repeat(' ', lengths(1))
        status = nf90_get_var(ncid, varid, name, start=[1, i], count=[lengths(1), 1])
        if (index(name, c_null_char) > 0) name = name(:index(name, c_null_char) - 1)
      end if
      if (status /= nf90_noerr) then
        fault = 'cannot be read; the file may be truncated'
        return
      end if
      if (len_trim(name) > len(values)) then
        fault = "has a name that is too long, '"//trim(name)//"'"
        return
      end if
      values(i) = name
    end do
  end subroutine read_texts

  !> Read one value of a variable of type string.
  subroutine read_string(ncid, varid, at, value, status)
    integer, intent(in) :: ncid  !< netCDF id
    integer, intent(in) :: varid  !< id of the variable
    integer, intent(in) :: at  !< position, from 1; not used for a scalar
    character(:), allocatable, intent(out) :: value  !< value
    integer, intent(out) :: status  !< what netCDF says
    type(c_ptr) :: strings(1)
    integer :: freed
    value = ''
    status = nc_get_var1_string(ncid, varid - 1, [int(at - 1, c_size_t)], strings)
    if (status /= nf90_noerr) return
    value = text_of_pointer(strings(1))
    freed = nc_free_string(1_c_size_t, strings)
  end subroutine read_string

  !> Text of a C string; empty for none.
  function text_of_pointer(string) result(value)
    type(c_ptr), intent(in) :: string  !< C string
    character(:), allocatable :: value
    character(kind=c_char), pointer :: characters(:)
    integer :: i
    value = ''
    if (.not. c_associated(string)) return
    call c_f_pointer(string, characters, [c_strlen(string)])
    value = repeat(' ', size(characters))
    do i = 1, size(characters)
      value(i:i) = characters(i)
    end do
  end function text_of_pointer

end module netcdf_text
