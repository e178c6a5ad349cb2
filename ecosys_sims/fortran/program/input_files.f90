!> Opening and reading netCDF input, with messages that say which file and what is wrong with it.
module input_files
  use, intrinsic :: ieee_arithmetic, only : ieee_is_nan
  use, intrinsic :: iso_c_binding, only : c_char, c_f_pointer, c_int, c_null_char, c_ptr, c_size_t
  use exit_codes, only : bad_input, success
  use kinds, only : wp
  use netcdf, only : nf90_char, nf90_close, nf90_get_att, nf90_get_var, nf90_global, &
    nf90_inq_dimid, nf90_inq_varid, nf90_inquire_attribute, nf90_inquire_dimension, &
    nf90_inquire_variable, nf90_max_var_dims, nf90_noerr, nf90_nowrite, nf90_open, &
    nf90_strerror, nf90_string
  implicit none
  private

  public :: open_input, close_input, has_variable, dimension_length, text_attribute
  public :: real_attribute, read_reals, read_strings, input_error, is_fill

  !> Longest string of a file, such as a site's name.
  integer, parameter, public :: string_length = 80

  interface
    integer(c_int) function nc_get_var1_string(ncid, varid, at, value) &
      bind(c, name='nc_get_var1_string')
      import :: c_int, c_ptr, c_size_t
      integer(c_int), value :: ncid, varid
      integer(c_size_t), intent(in) :: at(*)
      type(c_ptr), intent(out) :: value(*)
    end function nc_get_var1_string

    integer(c_int) function nc_free_string(n, value) bind(c, name='nc_free_string')
      import :: c_int, c_ptr, c_size_t
      integer(c_size_t), value :: n
      type(c_ptr), intent(inout) :: value(*)
    end function nc_free_string

    integer(c_size_t) function c_strlen(string) bind(c, name='strlen')
      import :: c_ptr, c_size_t
      type(c_ptr), value :: string
    end function c_strlen
  end interface

contains

  !> Open a file for reading.
  subroutine open_input(file, ncid, stat, errmsg)
    !> Path.
    character(*), intent(in) :: file
    !> netCDF id.
    integer, intent(out) :: ncid
    !> Exit code.
    integer, intent(out) :: stat
    !> Message if stat is not 0.
    character(:), allocatable, intent(out) :: errmsg
    logical :: there
    integer :: status
    stat = success
    inquire(file=file, exist=there)
    if (.not. there) then
      call input_error(file, 'no such file', stat, errmsg)
      return
    end if
    status = nf90_open(file, nf90_nowrite, ncid)
    if (status /= nf90_noerr) call input_error(file, 'cannot be read as netCDF ('// &
      trim(nf90_strerror(status))//'); the file is truncated or is not netCDF', stat, errmsg)
  end subroutine open_input

  !> Close a file that was read.
  subroutine close_input(ncid)
    !> netCDF id.
    integer, intent(in) :: ncid
    integer :: unused
    unused = nf90_close(ncid)
  end subroutine close_input

  !> Set status and message.
  pure subroutine input_error(file, message, stat, errmsg)
    !> Path.
    character(*), intent(in) :: file
    !> What is wrong.
    character(*), intent(in) :: message
    !> Exit code.
    integer, intent(inout) :: stat
    !> Message.
    character(:), allocatable, intent(inout) :: errmsg
    stat = bad_input
    errmsg = file//': '//message
  end subroutine input_error

  !> Whether a variable is in the file.
  logical function has_variable(ncid, name)
    !> netCDF id.
    integer, intent(in) :: ncid
    !> Variable.
    character(*), intent(in) :: name
    integer :: varid
    has_variable = .false.
    if (name /= '') has_variable = nf90_inq_varid(ncid, name, varid) == nf90_noerr
  end function has_variable

  !> Length of a dimension; -1 where it is not in the file.
  integer function dimension_length(ncid, name) result(length)
    !> netCDF id.
    integer, intent(in) :: ncid
    !> Dimension.
    character(*), intent(in) :: name
    integer :: dimid
    length = -1
    if (nf90_inq_dimid(ncid, name, dimid) /= nf90_noerr) return
    if (nf90_inquire_dimension(ncid, dimid, len=length) /= nf90_noerr) length = -1
  end function dimension_length

  !> A text attribute of a variable, or of the file where that is ''; empty where it is not there.
  function text_attribute(ncid, variable, name) result(value)
    !> netCDF id.
    integer, intent(in) :: ncid
    !> Variable.
    character(*), intent(in) :: variable
    !> Attribute.
    character(*), intent(in) :: name
    character(:), allocatable :: value
    integer :: varid, kind, length
    value = ''
    varid = nf90_global
    if (variable /= '') then
      if (nf90_inq_varid(ncid, variable, varid) /= nf90_noerr) return
    end if
    if (nf90_inquire_attribute(ncid, varid, name, xtype=kind, len=length) /= nf90_noerr) return
    if (kind /= nf90_char) return
    value = repeat(' ', length)
    if (nf90_get_att(ncid, varid, name, value) /= nf90_noerr) value = ''
    do while (len(value) > 0)
      if (iachar(value(len(value):)) > 32) exit
      value = value(:len(value) - 1)
    end do
  end function text_attribute

  !> A numeric attribute; the default where it is not there.
  real(wp) function real_attribute(ncid, variable, name, default) result(value)
    !> netCDF id.
    integer, intent(in) :: ncid
    !> Variable.
    character(*), intent(in) :: variable
    !> Attribute.
    character(*), intent(in) :: name
    !> Value where the attribute is not there.
    real(wp), intent(in) :: default
    integer :: varid, kind, length
    real(wp) :: values(1)
    value = default
    if (nf90_inq_varid(ncid, variable, varid) /= nf90_noerr) return
    if (nf90_inquire_attribute(ncid, varid, name, xtype=kind, len=length) /= nf90_noerr) return
    if (kind == nf90_char .or. length /= 1) return
    if (nf90_get_att(ncid, varid, name, values) == nf90_noerr) value = values(1)
  end function real_attribute

  !> Read a whole variable of one dimension; NaN where a value is missing or fill.
  subroutine read_reals(file, ncid, name, missing, values, stat, errmsg)
    !> Path, for the message.
    character(*), intent(in) :: file
    !> netCDF id.
    integer, intent(in) :: ncid
    !> Variable.
    character(*), intent(in) :: name
    !> Value to put where the file has none.
    real(wp), intent(in) :: missing
    !> Values, of the variable's length.
    real(wp), intent(out) :: values(:)
    !> Exit code.
    integer, intent(out) :: stat
    !> Message if stat is not 0.
    character(:), allocatable, intent(out) :: errmsg
    integer :: varid, status, ndims, dimids(nf90_max_var_dims), length
    real(wp) :: fill, other
    stat = success
    values = missing
    if (nf90_inq_varid(ncid, name, varid) /= nf90_noerr) then
      call input_error(file, 'variable '//name//' is missing', stat, errmsg)
      return
    end if
    status = nf90_inquire_variable(ncid, varid, ndims=ndims, dimids=dimids)
    length = -1
    if (ndims == 1) status = nf90_inquire_dimension(ncid, dimids(1), len=length)
    if (ndims == 0 .and. size(values) == 1) length = 1
    if (length /= size(values)) then
      call input_error(file, 'variable '//name//' has not the shape expected', stat, errmsg)
      return
    end if
    if (ndims == 0) then
      status = nf90_get_var(ncid, varid, values(1))
    else
      status = nf90_get_var(ncid, varid, values)
    end if
    if (status /= nf90_noerr) then
      call input_error(file, 'variable '//name//' cannot be read ('// &
        trim(nf90_strerror(status))//'); the file may be truncated', stat, errmsg)
      return
    end if
    fill = real_attribute(ncid, name, '_FillValue', 9.969209968386869e36_wp)
    other = real_attribute(ncid, name, 'missing_value', fill)
    where (is_fill(values, fill) .or. is_fill(values, other)) values = missing
  end subroutine read_reals

  !> Whether a value is NaN or the fill value, up to single precision.
  elemental logical function is_fill(value, fill)
    !> Value.
    real(wp), intent(in) :: value
    !> Fill value.
    real(wp), intent(in) :: fill
    is_fill = ieee_is_nan(value)
    if (is_fill .or. ieee_is_nan(fill)) return ! no comparison with NaN, which would trap
    is_fill = abs(value - fill) <= 1.0e-6_wp*abs(fill)
  end function is_fill

  !> Read strings, stored as netCDF strings or as characters.
  subroutine read_strings(file, ncid, name, values, stat, errmsg)
    !> Path, for the message.
    character(*), intent(in) :: file
    !> netCDF id.
    integer, intent(in) :: ncid
    !> Variable.
    character(*), intent(in) :: name
    !> Values.
    character(string_length), intent(out) :: values(:)
    !> Exit code.
    integer, intent(out) :: stat
    !> Message if stat is not 0.
    character(:), allocatable, intent(out) :: errmsg
    integer :: varid, status, kind, ndims, dimids(nf90_max_var_dims), length, i
    stat = success
    values = ''
    status = nf90_inq_varid(ncid, name, varid)
    if (status == nf90_noerr) &
      status = nf90_inquire_variable(ncid, varid, xtype=kind, ndims=ndims, dimids=dimids)
    if (status /= nf90_noerr) then
      call input_error(file, 'variable '//name//' is missing', stat, errmsg)
      return
    end if
    if (kind == nf90_string) then
      do i = 1, size(values)
        if (status == nf90_noerr) status = get_string(ncid, varid, ndims, i, values(i))
      end do
    else if (kind == nf90_char .and. ndims >= 1) then
      status = nf90_inquire_dimension(ncid, dimids(1), len=length)
      length = min(length, string_length)
      do i = 1, size(values)
        if (status == nf90_noerr) status = nf90_get_var(ncid, varid, values(i)(:length), &
          start=[1, i], count=[length, 1])
        if (index(values(i), c_null_char) > 0) &
          values(i) = values(i)(:index(values(i), c_null_char) - 1)
      end do
    else
      call input_error(file, 'variable '//name//' is not text', stat, errmsg)
      return
    end if
    if (status /= nf90_noerr) call input_error(file, 'variable '//name//' cannot be read ('// &
      trim(nf90_strerror(status))//')', stat, errmsg)
  end subroutine read_strings

  !> Read one value of a variable of type string.
  integer function get_string(ncid, varid, ndims, at, value) result(status)
    !> netCDF id.
    integer, intent(in) :: ncid
    !> Id of the variable.
    integer, intent(in) :: varid
    !> Dimensions of the variable.
    integer, intent(in) :: ndims
    !> Position, from 1; not used for a scalar.
    integer, intent(in) :: at
    !> Value.
    character(string_length), intent(out) :: value
    type(c_ptr) :: pointers(1)
    character(kind=c_char), pointer :: characters(:)
    integer :: i, unused
    value = ''
    status = nc_get_var1_string(ncid, varid - 1, &
      [int(merge(at, 1, ndims > 0) - 1, c_size_t)], pointers)
    if (status /= nf90_noerr) return
    call c_f_pointer(pointers(1), characters, [c_strlen(pointers(1))])
    do i = 1, min(size(characters), string_length)
      value(i:i) = characters(i)
    end do
    unused = nc_free_string(1_c_size_t, pointers)
  end function get_string

end module input_files
