!> Opening and reading netCDF input, with messages that say which file and what is wrong with it.
module input_files
  use, intrinsic :: ieee_arithmetic, only: ieee_is_nan
  use, intrinsic :: iso_c_binding, only: c_char, c_f_pointer, c_int, c_null_char, c_ptr, c_size_t
  use exit_codes, only: bad_input, success
  use kinds, only: wp
  use netcdf, only: nf90_char, nf90_close, nf90_get_att, nf90_get_var, nf90_global, &
    nf90_inq_dimid, nf90_inq_varid, nf90_inquire_attribute, nf90_inquire_dimension, &
    nf90_inquire_variable, nf90_max_var_dims, nf90_noerr, nf90_nowrite, nf90_open, &
    nf90_strerror, nf90_string
  implicit none (type, external)
  private

  public :: open_input, close_input, has_variable, dimension_length, text_attribute
  public :: real_attribute, read_reals, read_strings, input_error, is_fill

  !> Longest string of a file, such as a site's name.
  integer, parameter, public :: string_length = 80

  interface
    integer(c_int) function nc_get_var1_string(ncid, varid, at, value) &
      bind(c, name='nc_get_var1_string')
      import :: c_int, c_ptr, c_size_t
      implicit none (type, external)
      integer(c_int), value :: ncid, varid
      integer(c_size_t), intent(in) :: at(*)
      type(c_ptr), intent(out) :: value(*)
    end function nc_get_var1_string

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

  !> Open a file for reading.
  subroutine open_input(file, ncid, stat, errmsg)
    character(*), intent(in) :: file  !< path
    integer, intent(out) :: ncid  !< netCDF id
    integer, intent(out) :: stat  !< exit code
    character(:), allocatable, intent(out) :: errmsg  !< message if stat is not 0
    logical :: exists
    integer :: status
    stat = success
    inquire(file=file, exist=exists)
    if (.not. exists) then
      call input_error(file, 'no such file', stat, errmsg)
      return
    end if
    status = nf90_open(file, nf90_nowrite, ncid)
    if (status /= nf90_noerr) call input_error(file, 'cannot be read as netCDF ('// &
      trim(nf90_strerror(status))//'); the file is truncated or is not netCDF', stat, errmsg)
  end subroutine open_input

  !> Close a file that was read.
  subroutine close_input(ncid)
    integer, intent(in) :: ncid  !< netCDF id
    integer :: status
    status = nf90_close(ncid)
  end subroutine close_input

  !> Set status and message.
  pure subroutine input_error(file, message, stat, errmsg)
    character(*), intent(in) :: file  !< path
    character(*), intent(in) :: message  !< what is wrong
    integer, intent(inout) :: stat  !< exit code
    character(:), allocatable, intent(inout) :: errmsg  !< message
    stat = bad_input
    errmsg = file//': '//message
  end subroutine input_error

  !> Whether a variable is in the file.
  logical function has_variable(ncid, name)
    integer, intent(in) :: ncid  !< netCDF id
    character(*), intent(in) :: name  !< variable
    integer :: varid
    has_variable = .false.
    if (name /= '') has_variable = nf90_inq_varid(ncid, name, varid) == nf90_noerr
  end function has_variable

  !> Length of a dimension; -1 where it is not in the file.
  integer function dimension_length(ncid, name) result(length)
    integer, intent(in) :: ncid  !< netCDF id
    character(*), intent(in) :: name  !< dimension
    integer :: dimid
    length = -1
    if (nf90_inq_dimid(ncid, name, dimid) /= nf90_noerr) return
    if (nf90_inquire_dimension(ncid, dimid, len=length) /= nf90_noerr) length = -1
  end function dimension_length

  !> A text attribute of a variable, or of the file where that is ''; empty where it is not there.
  function text_attribute(ncid, variable, name) result(value)
    integer, intent(in) :: ncid  !< netCDF id
    character(*), intent(in) :: variable  !< variable
    character(*), intent(in) :: name  !< attribute
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
    integer, intent(in) :: ncid  !< netCDF id
    character(*), intent(in) :: variable  !< variable
    character(*), intent(in) :: name  !< attribute
    real(wp), intent(in) :: default  !< value where the attribute is not there
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
    character(*), intent(in) :: file  !< path, for the message
    integer, intent(in) :: ncid  !< netCDF id
    character(*), intent(in) :: name  !< variable
    real(wp), intent(in) :: missing  !< value to put where the file has none
    real(wp), intent(out) :: values(:)  !< values, of the variable's length
    integer, intent(out) :: stat  !< exit code
    character(:), allocatable, intent(out) :: errmsg  !< message if stat is not 0
    integer :: varid, status, ndims, dimids(nf90_max_var_dims), length
    real(wp) :: fill, missing_value
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
    missing_value = real_attribute(ncid, name, 'missing_value', fill)
    where (is_fill(values, fill) .or. is_fill(values, missing_value)) values = missing
  end subroutine read_reals

  !> Whether a value is NaN or the fill value, up to single precision.
  elemental logical function is_fill(value, fill)
    real(wp), intent(in) :: value  !< value
    real(wp), intent(in) :: fill  !< fill value
    is_fill = ieee_is_nan(value)
    if (is_fill .or. ieee_is_nan(fill)) return  ! no comparison with NaN, which would trap
    is_fill = abs(value - fill) <= 1.0e-6_wp*abs(fill)
  end function is_fill

  !> Read strings, stored as netCDF strings or as characters.
  subroutine read_strings(file, ncid, name, values, stat, errmsg)
    character(*), intent(in) :: file  !< path, for the message
    integer, intent(in) :: ncid  !< netCDF id
    character(*), intent(in) :: name  !< variable
    character(string_length), intent(out) :: values(:)  !< values
    integer, intent(out) :: stat  !< exit code
    character(:), allocatable, intent(out) :: errmsg  !< message if stat is not 0
    integer :: varid, status, kind, ndims, dimids(nf90_max_var_dims), length, i
    stat = success
    values = ''
    status = nf90_inq_varid(ncid, name, varid)
    if (status == nf90_noerr) then
      status = nf90_inquire_variable(ncid, varid, xtype=kind, ndims=ndims, dimids=dimids)
    end if
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
        if (index(values(i), c_null_char) > 0) then
          values(i) = values(i)(:index(values(i), c_null_char) - 1)
        end if
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
    integer, intent(in) :: ncid  !< netCDF id
    integer, intent(in) :: varid  !< id of the variable
    integer, intent(in) :: ndims  !< dimensions of the variable
    integer, intent(in) :: at  !< position, from 1; not used for a scalar
    character(string_length), intent(out) :: value  !< value
    type(c_ptr) :: pointers(1)
    character(kind=c_char), pointer :: characters(:)
    integer :: i, freed
    value = ''
    status = nc_get_var1_string(ncid, varid - 1, &
      [int(merge(at, 1, ndims > 0) - 1, c_size_t)], pointers)
    if (status /= nf90_noerr) return
    call c_f_pointer(pointers(1), characters, [c_strlen(pointers(1))])
    do i = 1, min(size(characters), string_length)
      value(i:i) = characters(i)
    end do
    freed = nc_free_string(1_c_size_t, pointers)
  end function get_string

end module input_files
