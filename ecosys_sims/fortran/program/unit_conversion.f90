!> Factor and offset from the units of forcing files to those of the model; the same in Python:
!> ecosys_sims/formats/forcing_variables.py.
module unit_conversion
  use kinds, only: wp
  implicit none (type, external)
  private

  public :: convert_units

contains

  !> value in `to` = scale * value in `from` + offset.
  subroutine convert_units(from, to, interval, scale, offset, convertible)
    character(*), intent(in) :: from  !< units on file
    !> Units of the model: K, kg kg-1, W m-2, kg m-2 s-1, m s-1, Pa, 1e-6, 1e-9.
    character(*), intent(in) :: to
    real(wp), intent(in) :: interval  !< interval of the file [s], for amounts such as mm
    real(wp), intent(out) :: scale  !< factor
    real(wp), intent(out) :: offset  !< offset
    logical, intent(out) :: convertible  !< whether the units can be converted
    character(:), allocatable :: unit
    unit = plain(from)
    scale = 1.0_wp
    offset = 0.0_wp
    convertible = unit == to
    if (convertible) return
    convertible = .true.
    select case (to)
    case ('K')
      select case (unit)
      case ('kelvin', 'Kelvin', 'kelvins', 'degK', 'deg_K', 'degrees_K')
      case ('degC', 'C', 'celsius', 'Celsius', 'degrees_C', 'degrees_Celsius', 'deg_C', &
        'degree_C', &
        'degrees_celsius', 'degree_Celsius', 'degrees C', 'deg C', 'degree C', 'degrees Celsius', &
        'oC')
        offset = 273.15_wp
      case default
        convertible = .false.
      end select
    case ('kg kg-1')
      call scale_of(['1      ', 'kg/kg  ', 'g kg-1 ', 'g/kg   '], &
        [1.0_wp, 1.0_wp, 1.0e-3_wp, 1.0e-3_wp])
    case ('W m-2')
      call scale_of(['W/m2         ', 'watt m-2     ', 'J m-2 s-1    ', 'MJ m-2 day-1 ', &
        'MJ m-2 d-1   ', 'J m-2 day-1  ', 'kJ m-2 day-1 '], &
        [1.0_wp, 1.0_wp, 1.0_wp, 1.0e6_wp/86400.0_wp, 1.0e6_wp/86400.0_wp, 1.0_wp/86400.0_wp, &
        1.0e3_wp/86400.0_wp])
    case ('kg m-2 s-1')
      call scale_of(['kg/m2/s      ', 'mm s-1       ', 'mm/s         ', 'm s-1        ', &
        'mm h-1       ', 'mm hr-1      ', 'mm/h         ', 'mm/hr        ', 'kg m-2 h-1   ', &
        'mm day-1     ', 'mm d-1       ', 'mm/day       ', 'mm/d         ', 'kg m-2 day-1 ', &
        'kg m-2 d-1   ', 'mm           ', 'kg m-2       '], &
        [1.0_wp, 1.0_wp, 1.0_wp, 1.0e3_wp, spread(1.0_wp/3600.0_wp, 1, 5), &
        spread(1.0_wp/86400.0_wp, 1, 6), 1.0_wp/interval, 1.0_wp/interval])
    case ('m s-1')
      call scale_of(['m/s    ', 'km h-1 ', 'km/h   '], [1.0_wp, 1.0_wp/3.6_wp, 1.0_wp/3.6_wp])
    case ('Pa')
      call scale_of(['hPa       ', 'mbar      ', 'mb        ', 'millibar  ', 'millibars ', &
        'kPa       '], [spread(100.0_wp, 1, 5), 1000.0_wp])
    case ('1e-6')
      call scale_of(['ppm        ', 'ppmv       ', 'umol mol-1 ', 'umol/mol   ', '1          ', &
        'mol mol-1  '], [1.0_wp, 1.0_wp, 1.0_wp, 1.0_wp, 1.0e6_wp, 1.0e6_wp])
    case ('1e-9')
      call scale_of(['ppb        ', 'ppbv       ', 'nmol mol-1 ', 'nmol/mol   ', '1e-6       ', &
        'ppm        ', 'umol mol-1 ', '1          ', 'mol mol-1  '], [1.0_wp, 1.0_wp, 1.0_wp, &
        1.0_wp, 1.0e3_wp, 1.0e3_wp, 1.0e3_wp, 1.0e9_wp, 1.0e9_wp])
    case default
      convertible = .false.
    end select

  contains

    !> Look the unit up.
    subroutine scale_of(units, factors)
      character(*), intent(in) :: units(:)  !< units
      real(wp), intent(in) :: factors(:)  !< their factors
      integer :: i
      convertible = .false.
      do i = 1, size(units)
        if (units(i) /= unit) cycle
        convertible = .true.
        scale = factors(i)
        return
      end do
    end subroutine scale_of

  end subroutine convert_units

  !> A unit without signs of exponentiation and with single blanks: `W m**-2` and `W m^{-2}` become
  !> `W m-2`.
  pure function plain(unit)
    character(*), intent(in) :: unit  !< unit
    character(:), allocatable :: plain
    integer :: i
    plain = ''
    do i = 1, len_trim(unit)
      if (index('^*{}', unit(i:i)) > 0) cycle
      if (unit(i:i) == ' ' .or. unit(i:i) == '.') then
        if (plain == '') cycle
        if (plain(len(plain):) == ' ') cycle
        plain = plain//' '
        cycle
      end if
      plain = plain//unit(i:i)
    end do
  end function plain

end module unit_conversion
