!> The forcing of a day in physics steps, and how daily weather becomes steps.
module forcing_day
  use calendar_dates, only: calendar_date, day_of_year
  use column_state, only: step_forcing
  use constants, only: pi, seconds_per_day, sigma_sb, t_freeze
  use humidity, only: vapour_pressure
  use kinds, only: wp
  use random, only: random_stream, uniform
  use solar, only: step_shares, top_of_atmosphere
  use weather_generator, only: daily_weather
  implicit none (type, external)
  private

  public :: day_forcing, allocate_day_forcing, take_step, take_mean, disaggregate, surface_steps
  public :: snow_share, longwave, cloud_of_shortwave

  !> Forcing of a day, (nsite, nstep); units as in step_forcing.
  type :: day_forcing
    !> Air temperature [K], specific humidity [kg kg-1], shortwave and longwave [W m-2].
    real(wp), allocatable :: tair(:, :), qair(:, :), swdown(:, :), lwdown(:, :)
    !> Rain and snowfall [kg m-2 s-1], wind [m s-1], pressure [Pa], CO2 [ppm], CH4 [ppb].
    real(wp), allocatable :: rain(:, :), snow(:, :), wind(:, :), psurf(:, :), co2(:, :), ch4(:, :)
  end type day_forcing

contains

  !> Room for a day.
  subroutine allocate_day_forcing(day, nsite, nstep)
    type(day_forcing), intent(out) :: day  !< forcing of a day
    integer, intent(in) :: nsite  !< number of sites
    integer, intent(in) :: nstep  !< number of physics steps of a day
    allocate(day%tair(nsite, nstep), day%qair(nsite, nstep), day%swdown(nsite, nstep), &
      day%lwdown(nsite, nstep), day%rain(nsite, nstep), day%snow(nsite, nstep), &
      day%wind(nsite, nstep), day%psurf(nsite, nstep), day%co2(nsite, nstep), &
      day%ch4(nsite, nstep), source=0.0_wp)
  end subroutine allocate_day_forcing

  !> Copy the forcing of one step.
  pure subroutine take_step(day, k, forcing)
    type(day_forcing), intent(in) :: day  !< forcing of a day
    integer, intent(in) :: k  !< step, from 1
    type(step_forcing), intent(inout) :: forcing  !< forcing of the step
    forcing%tair = day%tair(:, k)
    forcing%qair = day%qair(:, k)
    forcing%swdown = day%swdown(:, k)
    forcing%lwdown = day%lwdown(:, k)
    forcing%rain = day%rain(:, k)
    forcing%snow = day%snow(:, k)
    forcing%wind = day%wind(:, k)
    forcing%psurf = day%psurf(:, k)
    forcing%co2 = day%co2(:, k)
    forcing%ch4 = day%ch4(:, k)
  end subroutine take_step

  !> Mean forcing over consecutive steps.
  pure subroutine take_mean(day, first, last, forcing)
    type(day_forcing), intent(in) :: day  !< forcing of a day
    integer, intent(in) :: first, last  !< first and last step, from 1
    type(step_forcing), intent(inout) :: forcing  !< their mean
    real(wp) :: n
    n = real(last - first + 1, wp)
    forcing%tair = sum(day%tair(:, first:last), dim=2)/n
    forcing%qair = sum(day%qair(:, first:last), dim=2)/n
    forcing%swdown = sum(day%swdown(:, first:last), dim=2)/n
    forcing%lwdown = sum(day%lwdown(:, first:last), dim=2)/n
    forcing%rain = sum(day%rain(:, first:last), dim=2)/n
    forcing%snow = sum(day%snow(:, first:last), dim=2)/n
    forcing%wind = sum(day%wind(:, first:last), dim=2)/n
    forcing%psurf = sum(day%psurf(:, first:last), dim=2)/n
    forcing%co2 = sum(day%co2(:, first:last), dim=2)/n
    forcing%ch4 = sum(day%ch4(:, first:last), dim=2)/n
  end subroutine take_mean

  !> Steps of the surface within a physics step: equal parts of at most an hour.
  pure integer function surface_steps(dt_phys)
    integer, intent(in) :: dt_phys  !< physics step [s]
    surface_steps = (dt_phys + 3599)/3600
    do while (mod(dt_phys, surface_steps) /= 0)
      surface_steps = surface_steps + 1
    end do
  end function surface_steps

  !> Spread daily weather over the steps: temperature as a cosine with its peak at 15 h, shortwave
  !> with the cosine of the zenith angle, precipitation in one block at a random time.
  pure subroutine disaggregate(weather, date, lat, streams, day)
    type(daily_weather), intent(in) :: weather  !< weather of the day
    type(calendar_date), intent(in) :: date  !< the day
    real(wp), intent(in) :: lat(:)  !< latitude [degrees north]
    type(random_stream), intent(inout) :: streams(:)  !< random numbers of each site
    type(day_forcing), intent(inout) :: day  !< forcing of the day
    real(wp) :: hours, hour
    integer :: i, k, nstep
    nstep = size(day%tair, 2)
    hours = 24.0_wp/nstep
    do k = 1, nstep
      hour = (k - 0.5_wp)*hours
      day%tair(:, k) = weather%tmean
      if (nstep > 1) day%tair(:, k) = weather%tmean + 0.5_wp*(weather%tmax - weather%tmin) &
        *cos(2.0_wp*pi*(hour - 15.0_wp)/24.0_wp)
      day%qair(:, k) = weather%qair
      day%wind(:, k) = weather%wind
      day%psurf(:, k) = weather%psurf
      day%co2(:, k) = weather%co2
      day%ch4(:, k) = weather%ch4
    end do
    do i = 1, size(lat)
      call step_shares(lat(i), day_of_year(date), day%swdown(i, :))
      day%swdown(i, :) = day%swdown(i, :)*weather%swdown(i)
      call spread_precipitation(weather%precip(i), streams(i), day%rain(i, :))
    end do
    do k = 1, nstep
      call split_precipitation(weather, k, day)
      where (weather%lwdown >= 0.0_wp)
        day%lwdown(:, k) = weather%lwdown
      else where
        day%lwdown(:, k) = longwave(day%tair(:, k), day%qair(:, k), day%psurf(:, k), weather%cloud)
      end where
    end do
  end subroutine disaggregate

  !> Put a day's precipitation into one block of 1 + P/3 hours, at most 12, at a random hour.
  pure subroutine spread_precipitation(amount, stream, rate)
    real(wp), intent(in) :: amount  !< precipitation of the day [kg m-2]
    type(random_stream), intent(inout) :: stream  !< random numbers of the site
    real(wp), intent(out) :: rate(:)  !< precipitation of each step [kg m-2 s-1]
    real(wp) :: u, hours, overlap
    integer :: k, length, first
    rate = 0.0_wp
    if (amount <= 0.0_wp) return
    call uniform(stream, u)
    length = min(12, 1 + int(min(amount, 100.0_wp)/3.0_wp))
    first = int(u*(25 - length))
    hours = 24.0_wp/size(rate)
    do k = 1, size(rate)
      overlap = min(k*hours, real(first + length, wp)) - max((k - 1)*hours, real(first, wp))
      if (overlap > 0.0_wp) rate(k) = amount*overlap/length*size(rate)/seconds_per_day
    end do
  end subroutine spread_precipitation

  !> Divide the precipitation of a step into rain and snow: as the day's, else by temperature.
  pure subroutine split_precipitation(weather, k, day)
    type(daily_weather), intent(in) :: weather  !< weather of the day
    integer, intent(in) :: k  !< step
    !> Forcing of the day; rain holds all precipitation on entry.
    type(day_forcing), intent(inout) :: day
    where (weather%snow >= 0.0_wp .and. weather%precip > 0.0_wp)
      day%snow(:, k) = day%rain(:, k)*(weather%snow/max(weather%precip, tiny(1.0_wp)))
    else where
      day%snow(:, k) = day%rain(:, k)*snow_share(day%tair(:, k))
    end where
    day%rain(:, k) = day%rain(:, k) - day%snow(:, k)
  end subroutine split_precipitation

  !> Share of precipitation that falls as snow: 1 below 0 C, 0 above 2 C [1].
  elemental real(wp) function snow_share(tair)
    real(wp), intent(in) :: tair  !< air temperature [K]
    snow_share = max(0.0_wp, min(1.0_wp, 1.0_wp - 0.5_wp*(tair - t_freeze)))
  end function snow_share

  !> Downward longwave radiation [W m-2] (Brutsaert 1975; Unsworth and Monteith 1975).
  elemental real(wp) function longwave(tair, qair, psurf, cloud)
    real(wp), intent(in) :: tair  !< air temperature [K]
    real(wp), intent(in) :: qair  !< specific humidity [kg kg-1]
    real(wp), intent(in) :: psurf  !< pressure [Pa]
    real(wp), intent(in) :: cloud  !< cloud cover [1]
    real(wp) :: clear
    clear = min(1.0_wp, 1.24_wp*(0.01_wp*vapour_pressure(qair, psurf)/tair)**(1.0_wp/7.0_wp))
    longwave = (clear*(1.0_wp - 0.84_wp*cloud) + 0.84_wp*cloud)*sigma_sb*tair**4
  end function longwave

  !> Cloud cover from the day's shortwave radiation; 0.5 where there is no sun [1].
  elemental real(wp) function cloud_of_shortwave(swdown, lat, doy)
    real(wp), intent(in) :: swdown  !< mean shortwave radiation of the day [W m-2]
    real(wp), intent(in) :: lat  !< latitude [degrees north]
    integer, intent(in) :: doy  !< day of year
    real(wp) :: extraterrestrial
    extraterrestrial = top_of_atmosphere(lat, doy)
    cloud_of_shortwave = 0.5_wp
    if (extraterrestrial > 5.0_wp) cloud_of_shortwave = &
      max(0.0_wp, min(1.0_wp, 1.0_wp - (swdown/extraterrestrial - 0.25_wp)/0.50_wp))
  end function cloud_of_shortwave

end module forcing_day
