!> Where the sun stands: extraterrestrial radiation of a day and its share of each step (FAO-56).
module solar
  use constants, only: pi
  use kinds, only: wp
  implicit none (type, external)
  private

  public :: top_of_atmosphere, step_shares

  real(wp), parameter :: solar_constant = 1361.0_wp  !< [W m-2]

contains

  !> Solar declination [rad] (FAO-56, eq. 24).
  elemental real(wp) function declination(day_of_year)
    integer, intent(in) :: day_of_year  !< day of year, from 1
    declination = 0.409_wp*sin(2.0_wp*pi*day_of_year/365.0_wp - 1.39_wp)
  end function declination

  !> Hour angle of sunset [rad] (FAO-56, eq. 25); 0 in polar night, pi in polar day.
  elemental real(wp) function sunset_angle(lat, day_of_year)
    real(wp), intent(in) :: lat  !< latitude [degrees north]
    integer, intent(in) :: day_of_year  !< day of year, from 1
    real(wp) :: phi
    phi = max(-89.9_wp, min(89.9_wp, lat))*pi/180.0_wp
    sunset_angle = acos(max(-1.0_wp, min(1.0_wp, -tan(phi)*tan(declination(day_of_year)))))
  end function sunset_angle

  !> Daily mean radiation at the top of the atmosphere [W m-2] (FAO-56, eq. 21).
  elemental real(wp) function top_of_atmosphere(lat, day_of_year)
    real(wp), intent(in) :: lat  !< latitude [degrees north]
    integer, intent(in) :: day_of_year  !< day of year, from 1
    real(wp) :: phi, dec, ws, distance
    phi = lat*pi/180.0_wp
    dec = declination(day_of_year)
    ws = sunset_angle(lat, day_of_year)
    distance = 1.0_wp + 0.033_wp*cos(2.0_wp*pi*day_of_year/365.0_wp)
    top_of_atmosphere = max(0.0_wp, solar_constant/pi*distance &
      *(ws*sin(phi)*sin(dec) + cos(phi)*cos(dec)*sin(ws)))
  end function top_of_atmosphere

  !> Mean of each step relative to the mean of the day; the mean over the steps is 1.
  !>
  !> The cosine of the zenith angle is integrated exactly over each step; noon is at 12 h. In the
  !> polar night any light goes to the middle of the day.
  pure subroutine step_shares(lat, day_of_year, shares)
    real(wp), intent(in) :: lat  !< latitude [degrees north]
    integer, intent(in) :: day_of_year  !< day of year, from 1
    real(wp), intent(out) :: shares(:)  !< relative mean of each step [1]
    real(wp) :: phi, dec, ws, from, to, total
    integer :: k, n
    n = size(shares)
    phi = lat*pi/180.0_wp
    dec = declination(day_of_year)
    ws = sunset_angle(lat, day_of_year)
    do k = 1, n
      from = max(-ws, min(ws, -pi + 2.0_wp*pi*(k - 1)/n))
      to = max(-ws, min(ws, -pi + 2.0_wp*pi*k/n))
      shares(k) = max(0.0_wp, sin(phi)*sin(dec)*(to - from) &
        + cos(phi)*cos(dec)*(sin(to) - sin(from)))
    end do
    total = sum(shares)
    if (total > 1.0e-9_wp) then
      shares = shares*(n/total)
    else
      shares = 0.0_wp
      shares(n/2 + 1) = real(n, wp)
    end if
  end subroutine step_shares

end module solar
