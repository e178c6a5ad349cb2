!> Daily weather of each site, from its own random stream or from fields that neighbours share.
!>
!> Occurrence and amounts after GWGEN (Sommer and Kaplan 2017), residuals of temperature, cloud and
!> wind after Richardson (1981), year-to-year variation by an AR(1) of temperature and a lognormal
!> factor of precipitation. Conditional means are shifted so that the long-term mean over wet and
!> dry days is the climate normal.
module weather_generator
  use calendar_dates, only: calendar_date, day_number, day_of_year, days_in_year
  use climate_normals, only: annual_temperature, ch4_of_year, climate_of_site, co2_of_year, &
    daily_precipitation, daily_temperature, site_climate, use_months
  use constants, only: pi, t_freeze
  use humidity, only: specific_humidity
  use kinds, only: wp
  use namelist_input, only: configuration, is_set
  use precipitation_amounts, only: amount_distribution, amount_of_probability, draw_amount, &
    make_distribution, stationary_wet_fraction, wet_probability
  use radiation, only: saturation_pressure
  use random, only: normal_pair, random_stream, uniform
  use solar, only: top_of_atmosphere
  use weather_fields, only: deviate_amount, deviate_innovation, deviate_wet, deviate_year_p, &
    deviate_year_t, deviates_of_day, deviates_of_year, n_deviates, n_year_deviates, &
    normal_probability, shared_fields, start_fields
  implicit none (type, external)
  private

  public :: generator, daily_weather, start_generator, generate_day, next_residuals
  public :: allocate_daily_weather, pressure_of_elevation

  ! Residuals of Richardson's model.
  integer, parameter, public :: residual_tmin = 1, residual_tmax = 2
  integer, parameter, public :: residual_cloud = 3, residual_wind = 4, n_residuals = 4

  ! Memory of a site, in the order of the restart file.
  integer, parameter, public :: memory_wet_yesterday = 1, memory_wet_before = 2  !< 1 if it rained
  integer, parameter, public :: memory_residuals = 3  !< the first residual
  !> Anomaly of the temperature of the year [K].
  integer, parameter, public :: memory_anomaly = memory_residuals + n_residuals
  integer, parameter, public :: memory_factor = memory_anomaly + 1  !< of precipitation [1]
  integer, parameter, public :: memory_year = memory_factor + 1  !< their year, 0 for none yet
  integer, parameter, public :: generator_memory = memory_year  !< numbers per site

  ! Residuals chi of Tmin, Tmax, cloud and wind: chi = A chi + B eps. Rows as printed by Richardson;
  ! the transpose that `reshape` would give by itself has not the stationary standard deviation 1.
  real(wp), parameter :: a(n_residuals, n_residuals) = transpose(reshape([ &
    0.9154_wp, 0.0329_wp, -0.0203_wp, 0.0000_wp, &
    0.5001_wp, 0.1384_wp, -0.0727_wp, -0.0478_wp, &
    0.0020_wp, -0.0472_wp, 0.5894_wp, 0.0275_wp, &
    0.0099_wp, -0.0451_wp, -0.0185_wp, 0.6739_wp], [n_residuals, n_residuals]))
  real(wp), parameter :: b(n_residuals, n_residuals) = transpose(reshape([ &
    0.3553_wp, 0.0000_wp, 0.0000_wp, 0.0000_wp, &
    0.1151_wp, 0.7929_wp, 0.0000_wp, 0.0000_wp, &
    0.1490_wp, -0.0607_wp, 0.7836_wp, 0.0000_wp, &
    0.0807_wp, -0.0163_wp, 0.0658_wp, 0.7299_wp], [n_residuals, n_residuals]))
  real(wp), parameter :: tmin_tmax = 0.59_wp  !< stationary correlation of the first two residuals
  real(wp), parameter :: smallest_range = 1.0_wp  !< of a day's temperature, before scaling [K]

  !> Weather of one day, (nsite).
  type :: daily_weather
    !> Mean, lowest and highest air temperature [K].
    real(wp), allocatable :: tmean(:), tmin(:), tmax(:)
    real(wp), allocatable :: qair(:)  !< specific humidity [kg kg-1]
    !> Precipitation, rain and snow, and snow alone where it is known, else -1 [kg m-2 day-1].
    real(wp), allocatable :: precip(:), snow(:)
    !> Mean shortwave, and longwave where it is known, else -1 [W m-2].
    real(wp), allocatable :: swdown(:), lwdown(:)
    real(wp), allocatable :: cloud(:)  !< cloud cover [1]
    real(wp), allocatable :: wind(:), psurf(:)  !< wind speed [m s-1] and surface pressure [Pa]
    real(wp), allocatable :: co2(:), ch4(:)  !< CO2 [ppm] and CH4 [ppb]
  end type daily_weather

  !> The generator of a block of sites.
  type :: generator
    type(shared_fields) :: fields  !< deviates that sites share
    real(wp), allocatable :: lat(:), psurf(:)  !< latitude [degrees north] and surface pressure [Pa]
    type(site_climate), allocatable :: climate(:)  !< normals
    type(amount_distribution), allocatable :: amounts(:)  !< amounts of wet days
    !> Standard deviation of annual temperature [K], coefficient of variation of precipitation [1].
    real(wp), allocatable :: annual_t_sd(:), annual_p_cv(:)
    !> Autocorrelation of annual temperature [1], trend [K per decade], mean wind [m s-1].
    real(wp) :: ar1 = 0.0_wp, trend = 0.0_wp, wind_mean = 0.0_wp
    !> Constant CO2 [ppm] and CH4 [ppb], unset for the series.
    real(wp) :: co2 = 0.0_wp, ch4 = 0.0_wp
    integer :: reference_year = 2000  !< year without trend
    !> (generator_memory, nsite), rows as named above.
    real(wp), allocatable :: memory(:, :)
  end type generator

contains

  !> Set up a generator without memory.
  subroutine start_generator(self, config, lat, lon, elevation, continentality, annual_precip, &
    t_ann, t_month, p_month)
    type(generator), intent(out) :: self  !< the generator
    type(configuration), intent(in) :: config  !< configuration of the run
    real(wp), intent(in) :: lat(:), lon(:)  !< place [degrees north and east], (nsite)
    real(wp), intent(in) :: elevation(:)  !< elevation [m], (nsite)
    real(wp), intent(in) :: continentality(:)  !< Conrad index of continentality [1], (nsite)
    real(wp), intent(in) :: annual_precip(:)  !< annual precipitation [kg m-2], (nsite)
    real(wp), intent(in) :: t_ann(:)  !< annual mean temperature [K], (nsite)
    !> Mean temperature [K] and precipitation [kg m-2] of each month, (12, nsite), unset at sites
    !> without; they replace the analytic ones.
    real(wp), intent(in), optional :: t_month(:, :), p_month(:, :)
    real(wp), allocatable :: peak(:)
    integer :: i
    call start_fields(self%fields, config%seed, lat, lon, config%correlation_km, &
      config%precip_correlation_km)
    self%lat = lat
    self%psurf = pressure_of_elevation(elevation)
    allocate(peak, source=merge(200.0_wp, 17.0_wp, lat >= 0.0_wp))
    if (is_set(config%precip_peak_day)) peak = config%precip_peak_day
    self%climate = climate_of_site(lat, continentality, annual_precip, t_ann, &
      config%precip_seasonality, peak)
    if (present(t_month) .and. present(p_month)) then
      do i = 1, size(lat)
        if (.not. all(is_set(t_month(:, i)))) cycle
        call use_months(self%climate(i), t_month(:, i), p_month(:, i))
      end do
    end if
    self%amounts = make_distribution(self%climate%wet_day_mean)
    self%annual_t_sd = 0.6_wp + 0.01_wp*max(abs(lat) - 20.0_wp, 0.0_wp)
    if (is_set(config%annual_t_sd)) self%annual_t_sd = config%annual_t_sd
    self%annual_p_cv = 0.30_wp - 0.15_wp*self%climate%wetness
    if (is_set(config%annual_p_cv)) self%annual_p_cv = config%annual_p_cv
    self%ar1 = config%annual_t_ar1
    self%trend = config%trend_k_per_decade
    self%reference_year = config%trend_reference_year
    self%wind_mean = config%wind_mean
    self%co2 = config%co2
    self%ch4 = config%ch4
    allocate(self%memory(generator_memory, size(lat)), source=0.0_wp)
  end subroutine start_generator

  !> Room for the weather of a day.
  subroutine allocate_daily_weather(day, nsite)
    type(daily_weather), intent(out) :: day  !< weather
    integer, intent(in) :: nsite  !< number of sites
    allocate(day%tmean(nsite), day%tmin(nsite), day%tmax(nsite), day%qair(nsite), &
      day%precip(nsite), day%snow(nsite), day%swdown(nsite), day%lwdown(nsite), &
      day%cloud(nsite), day%wind(nsite), day%psurf(nsite), day%co2(nsite), day%ch4(nsite), &
      source=-1.0_wp)
  end subroutine allocate_daily_weather

  !> Draw the weather of a day for all sites.
  subroutine generate_day(self, date, streams, day)
    type(generator), intent(inout) :: self  !< the generator
    type(calendar_date), intent(in) :: date  !< the day
    type(random_stream), intent(inout) :: streams(:)  !< random numbers of each site
    type(daily_weather), intent(inout) :: day  !< weather of the day
    real(wp) :: deviates(n_deviates, size(streams))
    integer :: i
    call begin_years(self, date, streams)
    if (self%fields%active) call deviates_of_day(self%fields, day_number(date), deviates)
    do i = 1, size(streams)
      call draw_site_day(self, i, date, deviates(:, i), streams(i), day)
    end do
    day%psurf = self%psurf
    day%snow = -1.0_wp
    day%lwdown = -1.0_wp
    day%co2 = co2_of_year(date%year)
    day%ch4 = ch4_of_year(date%year)
    if (is_set(self%co2)) day%co2 = self%co2
    if (is_set(self%ch4)) day%ch4 = self%ch4
  end subroutine generate_day

  !> Draw the anomalies of a year where one begins; the first time also a start of the daily memory.
  subroutine begin_years(self, date, streams)
    type(generator), intent(inout) :: self  !< the generator
    type(calendar_date), intent(in) :: date  !< the day
    type(random_stream), intent(inout) :: streams(:)  !< random numbers of each site
    integer, parameter :: days_to_forget = 50
    real(wp) :: deviates(n_deviates, size(streams)), of_year(n_year_deviates, size(streams))
    real(wp) :: s, persistence
    logical :: first(size(streams)), begins(size(streams))
    integer :: i, k
    first = nint(self%memory(memory_year, :)) == 0
    begins = nint(self%memory(memory_year, :)) /= date%year
    if (.not. any(begins)) return
    do k = 1, merge(days_to_forget, 0, any(first))
      if (self%fields%active) call deviates_of_day(self%fields, &
        day_number(date) - days_to_forget - 1 + k, deviates)
      do i = 1, size(streams)
        if (first(i)) call advance_residuals(self, i, deviates(:, i), streams(i))
      end do
    end do
    if (self%fields%active) call deviates_of_year(self%fields, date%year, of_year)
    do i = 1, size(streams)
      if (.not. begins(i)) cycle
      if (.not. self%fields%active) call normal_pair(streams(i), of_year(deviate_year_t, i), &
        of_year(deviate_year_p, i))
      persistence = merge(0.0_wp, self%ar1, first(i))
      self%memory(memory_anomaly, i) = persistence*self%memory(memory_anomaly, i) &
        + self%annual_t_sd(i)*sqrt(1.0_wp - persistence**2)*of_year(deviate_year_t, i)
      s = sqrt(log(1.0_wp + self%annual_p_cv(i)**2))
      self%memory(memory_factor, i) = exp(s*of_year(deviate_year_p, i) - 0.5_wp*s*s)
      self%memory(memory_year, i) = real(date%year, wp)
    end do
  end subroutine begin_years

  !> Advance the residuals of a site by a day.
  pure subroutine advance_residuals(self, i, deviates, stream)
    type(generator), intent(inout) :: self  !< the generator
    integer, intent(in) :: i  !< site
    real(wp), intent(in) :: deviates(:)  !< of the day, where sites share them
    type(random_stream), intent(inout) :: stream  !< random numbers of the site, where they do not
    real(wp) :: eps(n_residuals)
    if (self%fields%active) then
      eps = deviates(deviate_innovation:deviate_innovation + n_residuals - 1)
    else
      call normal_pair(stream, eps(1), eps(2))
      call normal_pair(stream, eps(3), eps(4))
    end if
    associate (chi => self%memory(memory_residuals:memory_residuals + n_residuals - 1, i))
      chi = next_residuals(chi, eps)
    end associate
  end subroutine advance_residuals

  !> Residuals of the next day; in the long run each has mean 0 and standard deviation 1.
  pure function next_residuals(chi, eps) result(next)
    real(wp), intent(in) :: chi(n_residuals)  !< residuals of Tmin, Tmax, cloud, wind
    real(wp), intent(in) :: eps(n_residuals)  !< independent normal deviates
    real(wp) :: next(n_residuals)
    next = matmul(a, chi) + matmul(b, eps)
  end function next_residuals

  !> Draw the day of one site.
  pure subroutine draw_site_day(self, i, date, deviates, stream, day)
    type(generator), intent(inout) :: self  !< the generator
    integer, intent(in) :: i  !< site
    type(calendar_date), intent(in) :: date  !< the day
    real(wp), intent(in) :: deviates(:)  !< of the day, where sites share them
    type(random_stream), intent(inout) :: stream  !< random numbers of the site
    type(daily_weather), intent(inout) :: day  !< weather of the day
    real(wp) :: normal, wet_share, share, u, cloud_mean, celsius, dew, extraterrestrial
    real(wp) :: tmin, tmax, tmin_mean, tmax_mean, tmin_sd, tmax_sd, range
    logical :: wet
    integer :: doy
    doy = day_of_year(date)
    associate (climate => self%climate(i), memory => self%memory(:, i), &
      chi => self%memory(memory_residuals:memory_residuals + n_residuals - 1, i))
      normal = daily_precipitation(climate, doy)
      share = max(0.03_wp, min(0.9_wp, normal/climate%wet_day_mean))
      wet_share = stationary_wet_fraction(share)
      if (self%fields%active) then
        u = normal_probability(deviates(deviate_wet))
      else
        call uniform(stream, u)
      end if
      wet = u < wet_probability(share, memory(memory_wet_yesterday) > 0.5_wp, &
        memory(memory_wet_before) > 0.5_wp)
      memory(memory_wet_before) = memory(memory_wet_yesterday)
      memory(memory_wet_yesterday) = merge(1.0_wp, 0.0_wp, wet)
      day%precip(i) = 0.0_wp
      if (wet) then
        if (self%fields%active) then
          day%precip(i) = amount_of_probability(self%amounts(i), &
            normal_probability(deviates(deviate_amount)))
        else
          call draw_amount(self%amounts(i), stream, day%precip(i))
        end if
        day%precip(i) = day%precip(i)*memory(memory_factor)*normal &
          /(wet_share*self%amounts(i)%mean)
      end if
      call advance_residuals(self, i, deviates, stream)

      celsius = daily_temperature(climate, doy) - t_freeze
      call minimum_temperature(celsius - 0.5_wp*climate%daily_range, wet, wet_share, tmin_mean, &
        tmin_sd)
      call maximum_temperature(celsius + 0.5_wp*climate%daily_range, wet, wet_share, tmax_mean, &
        tmax_sd)
      tmin = tmin_mean + tmin_sd*chi(residual_tmin)
      tmax = tmax_mean + tmax_sd*chi(residual_tmax)
      day%tmean(i) = 0.5_wp*(tmin + tmax) + t_freeze + memory(memory_anomaly) &
        + self%trend*0.1_wp*(date%year - self%reference_year &
        + real(doy - 1, wp)/days_in_year(date))
      range = range_factor(tmax_mean - tmin_mean, sqrt(tmin_sd**2 + tmax_sd**2 &
        - 2.0_wp*tmin_tmax*tmin_sd*tmax_sd))*max(smallest_range, abs(tmax - tmin))
      day%tmin(i) = day%tmean(i) - 0.5_wp*range
      day%tmax(i) = day%tmean(i) + 0.5_wp*range

      cloud_mean = max(0.05_wp, min(0.95_wp, 0.25_wp + 0.6_wp*share))
      cloud_mean = cloud_mean + 0.3_wp*(merge(1.0_wp, 0.0_wp, wet) - wet_share)
      cloud_mean = max(0.02_wp, min(0.98_wp, cloud_mean))
      day%cloud(i) = max(0.0_wp, min(1.0_wp, &
        cloud_mean + 1.05_wp*cloud_mean*(1.0_wp - cloud_mean)*chi(residual_cloud)))
      extraterrestrial = top_of_atmosphere(self%lat(i), doy)
      day%swdown(i) = extraterrestrial*(0.25_wp + 0.50_wp*(1.0_wp - day%cloud(i)))
      day%wind(i) = wind_speed(self%wind_mean, wet, wet_share, chi(residual_wind))

      dew = day%tmin(i) - 4.0_wp*(1.0_wp - climate%wetness)
      day%qair(i) = specific_humidity(saturation_pressure(dew), self%psurf(i))
    end associate
  end subroutine draw_site_day

  !> Mean and standard deviation of the lowest temperature of a wet or dry day.
  pure subroutine minimum_temperature(normal, wet, wet_share, mean, sd)
    real(wp), intent(in) :: normal  !< climatological lowest temperature [degC]
    logical, intent(in) :: wet  !< whether the day is wet
    real(wp), intent(in) :: wet_share  !< share of wet days [1]
    real(wp), intent(out) :: mean, sd  !< mean [degC] and standard deviation [K]
    real(wp) :: on_wet, on_dry
    on_wet = 1.039_wp + 0.963_wp*normal
    on_dry = -0.547_wp + 1.025_wp*normal
    mean = merge(on_wet, on_dry, wet)
    sd = max(0.5_wp, merge(3.62_wp - 0.098_wp*mean, 4.15_wp - 0.096_wp*mean, wet))
    mean = mean + normal - wet_share*on_wet - (1.0_wp - wet_share)*on_dry
  end subroutine minimum_temperature

  !> Mean and standard deviation of the highest temperature of a wet or dry day.
  pure subroutine maximum_temperature(normal, wet, wet_share, mean, sd)
    real(wp), intent(in) :: normal  !< climatological highest temperature [degC]
    logical, intent(in) :: wet  !< whether the day is wet
    real(wp), intent(in) :: wet_share  !< share of wet days [1]
    real(wp), intent(out) :: mean, sd  !< mean [degC] and standard deviation [K]
    real(wp) :: on_wet, on_dry
    on_wet = -0.091_wp + 0.932_wp*normal
    on_dry = -0.128_wp + 1.030_wp*normal
    mean = merge(on_wet, on_dry, wet)
    sd = max(0.5_wp, merge(4.22_wp - 0.050_wp*mean, 5.07_wp - 0.070_wp*mean, wet))
    mean = mean + normal - wet_share*on_wet - (1.0_wp - wet_share)*on_dry
  end subroutine maximum_temperature

  !> What the drawn difference of Tmax and Tmin, folded to be positive, is multiplied by to keep its
  !> mean: mean/E[max(smallest_range, |x|)] of a normal x [1].
  elemental real(wp) function range_factor(mean, sd)
    real(wp), intent(in) :: mean  !< mean difference [K]
    real(wp), intent(in) :: sd  !< its standard deviation, above 0 [K]
    range_factor = max(smallest_range, mean)/(smallest_range &
      + excess(mean - smallest_range) + excess(-mean - smallest_range))

  contains

    !> E[max(0, y)] of a normal y.
    pure real(wp) function excess(mean)
      real(wp), intent(in) :: mean  !< its mean [K]
      excess = sd*exp(-0.5_wp*(mean/sd)**2)/sqrt(2.0_wp*pi) &
        + 0.5_wp*mean*erfc(-mean/(sqrt(2.0_wp)*sd))
    end function excess

  end function range_factor

  !> Wind speed [m s-1], whose square root has a normal residual.
  elemental real(wp) function wind_speed(mean, wet, wet_share, chi)
    real(wp), intent(in) :: mean  !< long-term mean [m s-1]
    logical, intent(in) :: wet  !< whether the day is wet
    real(wp), intent(in) :: wet_share  !< share of wet days [1]
    real(wp), intent(in) :: chi  !< residual [1]
    real(wp) :: of_day, spread
    of_day = mean*merge(1.056_wp, 0.966_wp, wet)/(0.966_wp + 0.090_wp*wet_share)
    spread = 0.5_wp*merge(0.29_wp, 0.32_wp, wet)  ! of the root, by the delta method
    wind_speed = max(0.1_wp, of_day/(1.0_wp + spread**2)*max(0.0_wp, 1.0_wp + spread*chi)**2)
  end function wind_speed

  !> Pressure of the standard atmosphere [Pa].
  elemental real(wp) function pressure_of_elevation(elevation)
    real(wp), intent(in) :: elevation  !< elevation [m]
    pressure_of_elevation = 101325.0_wp*(1.0_wp - 2.25577e-5_wp*elevation)**5.25588_wp
  end function pressure_of_elevation

end module weather_generator
