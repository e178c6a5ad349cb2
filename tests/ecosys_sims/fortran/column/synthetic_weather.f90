!> Deterministic weather for tests of the column model: seasons, days, showers and weather noise.
module synthetic_weather
  use column_state, only: site_static, step_forcing
  use constants, only: pi, t_freeze, sigma_sb
  use kinds, only: wp, i8
  implicit none (type, external)
  private
  public :: weather_of_hour, daily_noise, unit_random

contains

  !> A number in 0..1 that depends on three integers only (a small hash).
  pure real(wp) function unit_random(a, b, c)
    integer, intent(in) :: a, b, c  !< any integers
    integer(i8) :: h
    integer :: round
    h = modulo(int(a, i8)*7919_i8 + int(b, i8)*104729_i8 + int(c, i8)*1299709_i8, 2147483647_i8)
    do round = 1, 4
      h = modulo(h*48271_i8 + 12345_i8, 2147483647_i8)
    end do
    unit_random = real(h, wp)/2147483647.0_wp
  end function unit_random

  !> Smooth weather noise of a day, about -1..1, with a memory of days.
  pure real(wp) function daily_noise(site, day)
    integer, intent(in) :: site  !< site number
    integer, intent(in) :: day  !< days since the start
    integer :: lag
    real(wp) :: weight
    daily_noise = 0.0_wp
    weight = 1.0_wp
    do lag = 0, 7
      daily_noise = daily_noise + weight*(2.0_wp*unit_random(site, day - lag + 1000, 3) - 1.0_wp)
      weight = 0.75_wp*weight
    end do
    daily_noise = 0.8_wp*daily_noise
  end function daily_noise

  !> Forcing of one hour. `site_number` seeds the noise, `day` counts from 0, `offset` [K] warms
  !> all.
  subroutine weather_of_hour(static, site_number, day, hour, offset, forcing)
    type(site_static), intent(in) :: static  !< site description
    integer, intent(in) :: site_number(:)  !< (nsite)
    integer, intent(in) :: day  !< days since the start
    integer, intent(in) :: hour  !< 0..23
    real(wp), intent(in) :: offset  !< added to air temperature [K]
    type(step_forcing), intent(inout) :: forcing  !< the hour's forcing
    real(wp) :: year, lat, declination, cos_zenith, t, noise, cloud, rain, dew, e, warmest, &
      amplitude
    integer :: i
    year = 2.0_wp*pi*real(modulo(day, 365) + 1, wp)/365.0_wp
    declination = 0.409_wp*sin(year - 1.39_wp)
    do i = 1, static%nsite
      lat = static%lat(i)*pi/180.0_wp
      warmest = merge(205.0_wp, 22.0_wp, static%lat(i) >= 0.0_wp)
      amplitude = 0.5_wp*(static%continentality(i) + 14.0_wp) &
        *sin(min(0.5_wp*pi, abs(lat) + 10.0_wp*pi/180.0_wp))/1.7_wp
      noise = daily_noise(site_number(i), day)
      t = static%t_ann(i) + amplitude*cos(year - 2.0_wp*pi*warmest/365.0_wp) + offset &
        + (1.0_wp + 4.0_wp*abs(sin(lat)))*noise
      rain = 0.0_wp
      if (unit_random(site_number(i), day, 1) < 0.4_wp) then
        rain = -log(max(1.0e-6_wp, unit_random(site_number(i), day, &
          2)))*static%annual_precip(i)/146.0_wp
      end if
      cloud = merge(0.75_wp, 0.35_wp, rain > 0.0_wp)
      cos_zenith = sin(lat)*sin(declination) &
        + cos(lat)*cos(declination)*cos(2.0_wp*pi*(real(hour, wp) - 11.5_wp)/24.0_wp)
      forcing%swdown(i) = 1361.0_wp*max(0.0_wp, cos_zenith)*(0.25_wp + 0.5_wp*(1.0_wp - cloud))
      dew = t - 3.0_wp - 4.0_wp*(1.0_wp - cloud) - t_freeze
      e = 610.8_wp*exp(17.27_wp*dew/(dew + 237.3_wp))
      t = t + (2.0_wp + 5.0_wp*(1.0_wp - cloud))*cos(2.0_wp*pi*(real(hour, wp) - 15.0_wp)/24.0_wp)
      forcing%tair(i) = t
      forcing%psurf(i) = 101325.0_wp*exp(-static%elevation(i)/8400.0_wp)
      forcing%qair(i) = 0.622_wp*e/(forcing%psurf(i) - 0.378_wp*e)
      forcing%lwdown(i) = sigma_sb*t**4*(1.24_wp*(0.01_wp*e/t)**(1.0_wp/7.0_wp) &
        *(1.0_wp - 0.84_wp*cloud) + 0.84_wp*cloud)
      forcing%rain(i) = 0.0_wp
      forcing%snow(i) = 0.0_wp
      if (hour >= 6 .and. hour < 12) then
        if (t > t_freeze + 1.0_wp) then
          forcing%rain(i) = rain/21600.0_wp
        else
          forcing%snow(i) = rain/21600.0_wp
        end if
      end if
      forcing%wind(i) = 3.0_wp + 2.0_wp*unit_random(site_number(i), day, 5)
      forcing%co2(i) = 390.0_wp
      forcing%ch4(i) = 1850.0_wp
    end do
  end subroutine weather_of_hour

end module synthetic_weather
