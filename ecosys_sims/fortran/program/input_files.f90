!> Opening and reading netCDF input, with messages that say which file and what is wrong with it.
module input_files
  use exit_codes, only: bad_input, success
  use file_seal, only: is_as_sealed
  use kinds, only: wp
  use library_crash, only: end_watch, watch_for_crash
  use netcdf, only: nf90_close, nf90_get_var, nf90_global, nf90_inq_dimid, nf90_inq_varid, &
    nf90_inquire_dimension, nf90_inquire_variable, nf90_max_var_dims, nf90_noerr, nf90_nowrite, &
    nf90_open, nf90_strerror
  use netcdf_text, only: read_texts, text_of_attribute
  use stored_values, only: decode, read_encoding, value_encoding
  use text, only: to_text
  implicit none (type, external)
  private

  public :: open_input, close_input, has_variable, dimension_length, text_attribute
  public :: find_values, read_reals, read_strings, input_error

  !> Longest string of a file, such as a site's name.
  integer, parameter, public :: string_length = 80

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
    if (.not. is_as_sealed(file)) then
      call input_error(file, 'is damaged: it does not fit the checksum at its end; restore it, '// &
        'or write it again', stat, errmsg)
      return
    end if
    call watch_for_crash(file)
    status = nf90_open(file, nf90_nowrite, ncid)
    call end_watch()
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
    integer :: varid
    value = ''
    varid = nf90_global
    if (variable /= '') then
      if (nf90_inq_varid(ncid, variable, varid) /= nf90_noerr) return
    end if
    value = text_of_attribute(ncid, varid, name)
  end function text_attribute

  !> Find a variable and how it is stored.
  subroutine find_values(file, ncid, name, varid, encoding, stat, errmsg)
    character(*), intent(in) :: file  !< path, for the message
    integer, intent(in) :: ncid  !< netCDF id
    character(*), intent(in) :: name  !< variable
    integer, intent(out) :: varid  !< id of the variable
    type(value_encoding), intent(out) :: encoding  !< how it is stored
    integer, intent(inout) :: stat  !< exit code
    character(:), allocatable, intent(inout) :: errmsg  !< message if stat is not 0
    character(:), allocatable :: fault
    if (nf90_inq_varid(ncid, name, varid) /= nf90_noerr) then
      call input_error(file, 'variable '//name//' is missing', stat, errmsg)
      return
    end if
    call read_encoding(ncid, varid, encoding, fault)
    if (fault /= '') call input_error(file, 'variable '//name//' '//fault, stat, errmsg)
  end subroutine find_values

  !> Read a whole variable of one dimension; NaN where a value is missing or fill.
  subroutine read_reals(file, ncid, name, missing, values, stat, errmsg)
    character(*), intent(in) :: file  !< path, for the message
    integer, intent(in) :: ncid  !< netCDF id
    character(*), intent(in) :: name  !< variable
    real(wp), intent(in) :: missing  !< value to put where the file has none
    real(wp), intent(out) :: values(:)  !< values, of the variable's length
    integer, intent(out) :: stat  !< exit code
    character(:), allocatable, intent(out) :: errmsg  !< message if stat is not 0
    type(value_encoding) :: encoding
    integer :: varid, status, ndims, dimids(nf90_max_var_dims), length
    stat = success
    values = missing
    call find_values(file, ncid, name, varid, encoding, stat, errmsg)
    if (stat /= success) return
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
    call decode(encoding, missing, values)
  end subroutine read_reals

  !> Read the names of sites, which must differ, stored as netCDF strings or as characters.
  subroutine read_strings(file, ncid, name, values, stat, errmsg)
    character(*), intent(in) :: file  !< path, for the message
    integer, intent(in) :: ncid  !< netCDF id
    character(*), intent(in) :: name  !< variable
    character(string_length), intent(out) :: values(:)  !< values
    integer, intent(out) :: stat  !< exit code
    character(:), allocatable, intent(out) :: errmsg  !< message if stat is not 0
    character(:), allocatable :: fault
    integer :: varid, i
    stat = success
    values = ''
    if (nf90_inq_varid(ncid, name, varid) /= nf90_noerr) then
      call input_error(file, 'variable '//name//' is missing', stat, errmsg)
      return
    end if
    call read_texts(ncid, varid, values, fault)
    if (fault /= '') call input_error(file, 'variable '//name//' '//fault, stat, errmsg)
    do i = 1, size(values)
      if (stat /= success) return
      if (values(i) == '') call input_error(file, name//' '//to_text(i)//' is empty', stat, errmsg)
      if (any(values(:i - 1) == values(i))) call input_error(file, name//' '// &
        trim(values(i))//' is there twice; names must differ', stat, errmsg)
    end do
  end subroutine read_strings

end module input_files
