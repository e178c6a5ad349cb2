!> Sun, humidity and net radiation.
!>
!> Allen et al. (1998, FAO-56) for the sun and for saturation vapour pressure.
module radiation
  use constants, only: pi, sigma_sb, t_freeze
  use kinds, only: wp
  implicit none (type, external)
  private
  public :: day_length, saturation_pressure, saturation_slope, vapour_deficit, net_radiation

contains

  !> Day length [h] (FAO-56 eq. 24, 25, 34):
  !>
  !>     N = 24/pi arccos(-tan(lat) tan(delta)),  delta = 0.409 sin(2 pi J/365 - 1.39)
  elemental real(wp) function day_length(lat, day_of_year)
    real(wp), intent(in) :: lat  !< latitude [degrees_north]
    integer, intent(in) :: day_of_year  !< 1..366
    real(wp) :: declination, cos_sunset
    declination = 0.409_wp*sin(2.0_wp*pi*real(day_of_year, wp)/365.0_wp - 1.39_wp)
    cos_sunset = -tan(lat*pi/180.0_wp*0.9999_wp)*tan(declination)
    day_length = 24.0_wp/pi*acos(min(1.0_wp, max(-1.0_wp, cos_sunset)))
  end function day_length

  !> Saturation vapour pressure [Pa] (FAO-56 eq. 11), over ice below freezing:
  !>
  !>     e = 610.8 exp(17.27 T/(T + 237.3)),  over ice 610.8 exp(21.87 T/(T + 265.5)),  T in degC
  elemental real(wp) function saturation_pressure(temperature)
    real(wp), intent(in) :: temperature  !< air temperature [K]
    real(wp) :: t
    t = temperature - t_freeze
    if (t >= 0.0_wp) then
      saturation_pressure = 610.8_wp*exp(17.27_wp*t/(t + 237.3_wp))
    else
      saturation_pressure = 610.8_wp*exp(21.87_wp*t/(t + 265.5_wp))
    end if
  end function saturation_pressure

  !> Slope of the saturation vapour pressure [Pa K-1], from that pressure.
  elemental real(wp) function saturation_slope(temperature, pressure)
    real(wp), intent(in) :: temperature  !< air temperature [K]
    real(wp), intent(in) :: pressure  !< saturation vapour pressure [Pa]
    real(wp) :: t
    t = temperature - t_freeze
    if (t >= 0.0_wp) then
      saturation_slope = pressure*4098.2_wp/(t + 237.3_wp)**2
    else
      saturation_slope = pressure*5806.5_wp/(t + 265.5_wp)**2
    end if
  end function saturation_slope

  !> Vapour pressure deficit [Pa], not below zero.
  elemental real(wp) function vapour_deficit(pressure, qair, psurf)
    real(wp), intent(in) :: pressure  !< saturation vapour pressure [Pa]
    real(wp), intent(in) :: qair  !< specific humidity [kg kg-1]
    real(wp), intent(in) :: psurf  !< surface pressure [Pa]
    vapour_deficit = max(0.0_wp, pressure - qair*psurf/(0.622_wp + 0.378_wp*qair))
  end function vapour_deficit

  !> Net radiation [W m-2] of a surface at air temperature and emissivity 0.97:
  !>
  !>     Rn = (1 - albedo) S + 0.97 (L - sigma T^4)
  elemental real(wp) function net_radiation(swdown, lwdown, tair, albedo)
    real(wp), intent(in) :: swdown  !< downward shortwave [W m-2]
    real(wp), intent(in) :: lwdown  !< downward longwave [W m-2]
    real(wp), intent(in) :: tair  !< air temperature [K]
    real(wp), intent(in) :: albedo  !< surface albedo [1]
    net_radiation = (1.0_wp - albedo)*swdown + 0.97_wp*(lwdown - sigma_sb*tair**4)
  end function net_radiation

end module radiation
