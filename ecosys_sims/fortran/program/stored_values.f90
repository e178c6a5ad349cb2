!> What the numbers of a netCDF variable mean by the attributes beside them (CF 1.11, section 2.5.1
!> and chapter 8): packing, fill and missing values, valid range, unsigned integers.
!>
!> The same rules in Python: foundations/netcdf_values.py; a test compares the two.
module stored_values
  use, intrinsic :: ieee_arithmetic, only: ieee_is_finite, ieee_is_nan
  use kinds, only: wp
  use netcdf, only: nf90_byte, nf90_char, nf90_double, nf90_float, nf90_get_att, &
    nf90_inquire_attribute, nf90_inquire_variable, nf90_int, nf90_int64, nf90_noerr, nf90_short, &
    nf90_string, nf90_strerror, nf90_ubyte, nf90_uint, nf90_uint64, nf90_ushort
  use netcdf_text, only: text_of_attribute
  implicit none (type, external)
  private

  public :: value_encoding, read_encoding, decode

  !> How a variable is stored; all but scale and offset are in units of the stored numbers.
  type :: value_encoding
    logical :: whole = .false.  !< whether numbers are stored as integers
    real(wp), allocatable :: fills(:)  !< _FillValue or that of the type, and missing_value
    !> Valid range; no limits where the file gives none.
    real(wp) :: lowest = -huge(1.0_wp), highest = huge(1.0_wp)
    logical :: range_unpacked = .false.  !< whether the valid range is that of unpacked values
    real(wp) :: wrap_from = 0.0_wp  !< stored numbers from here on ...
    real(wp) :: wrap = 0.0_wp  !< ... are changed by this: signed read as unsigned, or reverse
    logical :: packed = .false.  !< whether there is a scale_factor or an add_offset
    real(wp) :: scale = 1.0_wp, offset = 0.0_wp  !< value = scale * stored + offset
  end type value_encoding

contains

  !> Read how a variable is stored; `fault` is not empty where its attributes make no sense.
  ! The attributes one after another, as the conventions list them: parts of it would hide that.
  ! allow(too-complex)
  subroutine read_encoding(ncid, varid, encoding, fault)
    integer, intent(in) :: ncid  !< netCDF id
    integer, intent(in) :: varid  !< id of the variable
    type(value_encoding), intent(out) :: encoding  !< how it is stored
    character(:), allocatable, intent(out) :: fault  !< what is wrong, without the variable's name
    real(wp), allocatable :: numbers(:)
    character(:), allocatable :: unsigned
    integer :: kind, status, widest, range_kind
    fault = ''
    allocate(encoding%fills(0))
    status = nf90_inquire_variable(ncid, varid, xtype=kind)
    if (status /= nf90_noerr) fault = trim(nf90_strerror(status))
    if (fault == '' .and. (kind == nf90_char .or. kind == nf90_string)) then
      fault = 'is text, not numbers'
    end if
    if (fault /= '') return
    encoding%whole = kind /= nf90_float .and. kind /= nf90_double
    unsigned = text_of_attribute(ncid, varid, '_Unsigned')
    call set_wrap(encoding, kind, unsigned == 'true' .or. unsigned == 'True', &
      unsigned == 'false' .or. unsigned == 'False')
    call attribute('scale_factor', 1, numbers)
    if (size(numbers) == 1) encoding%scale = numbers(1)
    encoding%packed = size(numbers) == 1
    call attribute('add_offset', 1, numbers)
    if (size(numbers) == 1) encoding%offset = numbers(1)
    encoding%packed = encoding%packed .or. size(numbers) == 1
    if (fault == '' .and. .not. (ieee_is_finite(encoding%scale) &
      .and. ieee_is_finite(encoding%offset))) then
      fault = 'has a scale_factor or add_offset that is no number'
    end if
    if (fault == '') then
      if (.not. abs(encoding%scale) > 0.0_wp) fault = 'has the scale_factor 0'
    end if
    if (fault /= '') return
    call attribute('_FillValue', 0, numbers)
    if (size(numbers) == 0) numbers = default_fill(kind)
    encoding%fills = unwrapped(encoding, numbers)
    call attribute('missing_value', 0, numbers)
    encoding%fills = [encoding%fills, unwrapped(encoding, numbers)]
    widest = max(rank_of(attribute_kind('scale_factor')), rank_of(attribute_kind('add_offset')))
    range_kind = 0
    call attribute('valid_min', 1, numbers)
    if (size(numbers) == 1) call limit(numbers(1), 'valid_min', lowest=.true.)
    call attribute('valid_max', 1, numbers)
    if (size(numbers) == 1) call limit(numbers(1), 'valid_max', lowest=.false.)
    call attribute('valid_range', 2, numbers)
    if (size(numbers) == 2) then
      call limit(numbers(1), 'valid_range', lowest=.true.)
      call limit(numbers(2), 'valid_range', lowest=.false.)
    end if
    ! NetCDF Users' Guide, appendix A: of the type of the unpacked values if that is wider.
    encoding%range_unpacked = encoding%packed .and. range_kind == widest &
      .and. range_kind > rank_of(kind)

  contains

    !> Numbers of an attribute, none where it is not there; `length` is 0 for any.
    subroutine attribute(name, length, numbers)
      character(*), intent(in) :: name  !< attribute
      integer, intent(in) :: length  !< numbers that it must have
      real(wp), allocatable, intent(out) :: numbers(:)  !< its numbers
      integer :: kind, n, status
      allocate(numbers(0))
      status = nf90_inquire_attribute(ncid, varid, name, xtype=kind, len=n)
      if (status /= nf90_noerr .or. fault /= '') return
      if (kind == nf90_char .or. kind == nf90_string .or. (length > 0 .and. n /= length) &
        .or. n == 0) then
        fault = 'has an attribute '//name//' that is not '//trim(merge('two numbers', &
          'a number   ', length == 2))
        return
      end if
      deallocate(numbers)
      allocate(numbers(n))
      status = nf90_get_att(ncid, varid, name, numbers)
      if (status /= nf90_noerr) fault = 'has an attribute '//name//' that cannot be read ('// &
        trim(nf90_strerror(status))//')'
    end subroutine attribute

    !> Type of an attribute, 0 where it is not there.
    integer function attribute_kind(name)
      character(*), intent(in) :: name  !< attribute
      if (nf90_inquire_attribute(ncid, varid, name, xtype=attribute_kind) /= nf90_noerr) then
        attribute_kind = 0
      end if
    end function attribute_kind

    !> Narrow the valid range.
    subroutine limit(bound, name, lowest)
      real(wp), intent(in) :: bound  !< the limit
      character(*), intent(in) :: name  !< attribute that gives it
      logical, intent(in) :: lowest  !< whether it is the lower one
      real(wp) :: stored(1)
      if (ieee_is_nan(bound)) return
      range_kind = max(range_kind, rank_of(attribute_kind(name)))
      stored = [bound]
      if (rank_of(attribute_kind(name)) <= rank_of(kind)) stored = unwrapped(encoding, stored)
      if (lowest) encoding%lowest = max(encoding%lowest, stored(1))
      if (.not. lowest) encoding%highest = min(encoding%highest, stored(1))
    end subroutine limit

  end subroutine read_encoding

  !> Set how signed numbers are read as unsigned (attribute _Unsigned), or the reverse.
  pure subroutine set_wrap(encoding, kind, unsigned, signed)
    type(value_encoding), intent(inout) :: encoding  !< how the variable is stored
    integer, intent(in) :: kind  !< netCDF type
    logical, intent(in) :: unsigned, signed  !< what the file says
    integer :: bits
    select case (kind)
    case (nf90_byte, nf90_ubyte)
      bits = 8
    case (nf90_short, nf90_ushort)
      bits = 16
    case (nf90_int, nf90_uint)
      bits = 32
    case default
      return
    end select
    if (unsigned .and. any(kind == [nf90_byte, nf90_short, nf90_int])) then
      encoding%wrap = 2.0_wp**bits
    else if (signed .and. any(kind == [nf90_ubyte, nf90_ushort, nf90_uint])) then
      encoding%wrap = -2.0_wp**bits
      encoding%wrap_from = 2.0_wp**(bits - 1)
    end if
  end subroutine set_wrap

  !> Stored numbers with the sign that the file means.
  pure function unwrapped(encoding, stored)
    type(value_encoding), intent(in) :: encoding  !< how the variable is stored
    real(wp), intent(in) :: stored(:)  !< numbers of the file
    real(wp) :: unwrapped(size(stored))
    integer :: i
    unwrapped = stored
    do i = 1, size(stored)
      if (ieee_is_nan(stored(i))) cycle
      if (encoding%wrap > 0.0_wp .and. stored(i) < 0.0_wp) unwrapped(i) = stored(i) + encoding%wrap
      if (encoding%wrap < 0.0_wp .and. stored(i) >= encoding%wrap_from) then
        unwrapped(i) = stored(i) + encoding%wrap
      end if
    end do
  end function unwrapped

  !> What netCDF fills a variable with where the file does not say; bytes have no such value.
  pure function default_fill(kind) result(fill)
    integer, intent(in) :: kind  !< netCDF type
    real(wp), allocatable :: fill(:)
    select case (kind)
    case (nf90_short)
      fill = [-32767.0_wp]
    case (nf90_ushort)
      fill = [65535.0_wp]
    case (nf90_int)
      fill = [-2147483647.0_wp]
    case (nf90_uint)
      fill = [4294967295.0_wp]
    case (nf90_int64)
      fill = [-9223372036854775806.0_wp]
    case (nf90_uint64)
      fill = [18446744073709551614.0_wp]
    case (nf90_float, nf90_double)
      fill = [9.969209968386869e36_wp]
    case default
      allocate(fill(0))
    end select
  end function default_fill

  !> How wide a type is: integers by their bytes, below single and double precision.
  pure integer function rank_of(kind)
    integer, intent(in) :: kind  !< netCDF type, 0 for none
    select case (kind)
    case (nf90_byte, nf90_ubyte, nf90_char)
      rank_of = 1
    case (nf90_short, nf90_ushort)
      rank_of = 2
    case (nf90_int, nf90_uint)
      rank_of = 3
    case (nf90_int64, nf90_uint64)
      rank_of = 4
    case (nf90_float)
      rank_of = 5
    case (nf90_double)
      rank_of = 6
    case default
      rank_of = 0
    end select
  end function rank_of

  !> Replace stored numbers by the values that they mean, or by `missing`.
  elemental subroutine decode(encoding, missing, values)
    type(value_encoding), intent(in) :: encoding  !< how the variable is stored
    real(wp), intent(in) :: missing  !< value to put where the file has none
    real(wp), intent(inout) :: values  !< on entry numbers of the file
    real(wp) :: stored(1), ranged
    if (.not. is_number(encoding, values)) then
      values = missing
      return
    end if
    stored = unwrapped(encoding, [values])
    values = stored(1)
    if (encoding%packed) values = encoding%scale*stored(1) + encoding%offset
    ranged = merge(values, stored(1), encoding%range_unpacked)
    if (.not. ieee_is_finite(ranged)) return  ! no gap: refused by the range of the quantity
    if (ranged < encoding%lowest .or. ranged > encoding%highest) values = missing
  end subroutine decode

  !> Whether a stored number is neither NaN nor a fill value; reals match up to single precision.
  pure logical function is_number(encoding, stored)
    type(value_encoding), intent(in) :: encoding  !< how the variable is stored
    real(wp), intent(in) :: stored  !< number of the file
    real(wp) :: meant(1)
    integer :: i
    is_number = .not. ieee_is_nan(stored)
    if (.not. is_number) return
    meant = unwrapped(encoding, [stored])
    do i = 1, size(encoding%fills)
      if (.not. ieee_is_finite(encoding%fills(i))) cycle
      if (abs(meant(1) - encoding%fills(i)) <= merge(0.0_wp, 1.0e-6_wp, encoding%whole) &
        *abs(encoding%fills(i))) is_number = .false.
    end do
  end function is_number

end module stored_values
