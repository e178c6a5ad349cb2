!> Long series of the weather generator against what it is asked for: wet days, amounts,
!> transitions, residuals, annual means, daily range, anomalies of years. Tolerances are 4 standard
!> errors, by the theory or by the spread of the years.
program test_weather_generator
  use, intrinsic :: iso_fortran_env, only: error_unit
  use calendar_dates, only: calendar_date, date_of_day, day_number, day_of_year
  use climate_normals, only: daily_precipitation, daily_temperature
  use kinds, only: wp
  use namelist_input, only: configuration, unset
  use precipitation_amounts, only: stationary_wet_fraction, wet_probability
  use random, only: random_stream, seed_stream
  use weather_generator, only: allocate_daily_weather, daily_weather, generate_day, generator, &
    memory_anomaly, memory_factor, memory_residuals, n_residuals, residual_cloud, residual_tmax, &
    residual_tmin, start_generator
  implicit none (type, external)
  integer, parameter :: climates = 4, members = 8, years = 100
  integer, parameter :: n = climates*members, days = 365*years
  real(wp), parameter :: errors = 4.0_wp  !< standard errors that are allowed
  character(*), parameter :: names(climates) = [character(9) :: 'temperate', 'boreal', 'tropical', &
    'arid']
  real(wp), parameter :: lat(climates) = [41.0_wp, 65.0_wp, 2.0_wp, -35.0_wp]
  real(wp), parameter :: continentality(climates) = [50.0_wp, 58.0_wp, 5.0_wp, 20.0_wp]
  real(wp), parameter :: annual_precip(climates) = [700.0_wp, 350.0_wp, 2400.0_wp, 150.0_wp]
  real(wp), parameter :: t_ann(climates) = [284.0_wp, 268.0_wp, 299.0_wp, 289.0_wp]

  type(generator) :: self
  !> Series, (day, site).
  real(wp), allocatable :: precip(:, :), tmean(:, :), range(:, :), wind(:, :)
  !> Residuals, (day, site, residual); anomaly of temperature and factor of precipitation,
  !> (year, site).
  real(wp), allocatable :: chi(:, :, :), anomaly(:, :), factor(:, :)
  integer :: failures, c

  failures = 0
  allocate(precip(days, n), tmean(days, n), range(days, n), wind(days, n))
  allocate(chi(days, n, n_residuals))
  allocate(anomaly(years, n), factor(years, n))
  call generate(precip, tmean, range, wind, chi, anomaly, factor)
  do c = 1, climates
    call test_wet_days(c)
    call test_amounts(c)
    call test_temperature(c)
    call test_years(c)
  end do
  call test_residuals()
  call test_same_seed()
  if (failures > 0) error stop 1

contains

  !> Run the generator: sites of a climate are neighbours, each with a number of its own.
  subroutine generate(precip, tmean, range, wind, chi, anomaly, factor)
    real(wp), intent(out) :: precip(:, :), tmean(:, :), range(:, :), wind(:, :)
    real(wp), intent(out) :: chi(:, :, :), anomaly(:, :), factor(:, :)
    type(random_stream) :: streams(n)
    type(daily_weather) :: weather
    type(configuration) :: config
    type(calendar_date) :: date
    integer :: i, k, year
    config%precip_seasonality = 0.3_wp
    config%precip_peak_day = unset
    config%annual_t_sd = unset
    config%annual_p_cv = unset
    config%annual_t_ar1 = 0.3_wp
    config%trend_k_per_decade = 0.0_wp
    config%trend_reference_year = 2000
    config%wind_mean = 3.0_wp
    config%correlation_km = 0.0_wp
    config%precip_correlation_km = 0.0_wp
    config%seed = 5
    config%co2 = unset
    config%ch4 = unset
    call start_generator(self, config, [(spread(lat(i), 1, members), i=1, climates)], &
      spread(0.0_wp, 1, n), spread(100.0_wp, 1, n), &
      [(spread(continentality(i), 1, members), i=1, climates)], &
      [(spread(annual_precip(i), 1, members), i=1, climates)], &
      [(spread(t_ann(i), 1, members), i=1, climates)])
    call allocate_daily_weather(weather, n)
    do i = 1, n
      call seed_stream(streams(i), 5, i)
    end do
    date = calendar_date(1901, 1, 1, .false.)
    do k = 1, size(precip, 1)
      date = date_of_day(day_number(calendar_date(1901, 1, 1, .false.)) + k - 1, .false.)
      call generate_day(self, date, streams, weather)
      precip(k, :) = weather%precip
      tmean(k, :) = weather%tmean
      range(k, :) = weather%tmax - weather%tmin
      wind(k, :) = weather%wind
      do i = 1, 4
        chi(k, :, i) = self%memory(memory_residuals + i - 1, :)
      end do
      year = 1 + (k - 1)/365
      anomaly(year, :) = self%memory(memory_anomaly, :)
      factor(year, :) = self%memory(memory_factor, :)
    end do
  end subroutine generate

  !> Climatological share of wet days of a day of the year.
  pure real(wp) function share_of(c, doy)
    integer, intent(in) :: c, doy
    associate (climate => self%climate((c - 1)*members + 1))
      share_of = max(0.03_wp, min(0.9_wp, daily_precipitation(climate, doy)/climate%wet_day_mean))
    end associate
  end function share_of

  !> Frequency of wet days, and the chain's probabilities after a wet day, after one and two dry
  !> ones.
  subroutine test_wet_days(c)
    integer, intent(in) :: c
    character(*), parameter :: before(3) = ['a wet day   ', 'one dry day ', 'two dry days']
    !> Probabilities of GWGEN (Sommer and Kaplan 2017): constant + slope * share of wet days.
    real(wp), parameter :: constant(3) = [0.2448_wp, 0.0_wp, 0.0_wp]
    real(wp), parameter :: slope(3) = [0.7552_wp, 0.8649_wp, 0.7000_wp]
    real(wp) :: p, excess(3), variance(3), persistence, sigma
    real(wp) :: stationary_share, climatological_share, wet_share
    integer :: i, k, state, doy
    logical :: wet(days)
    excess = 0.0_wp
    variance = 0.0_wp
    wet_share = 0.0_wp
    do i = (c - 1)*members + 1, c*members
      wet = precip(:, i) > 0.0_wp
      wet_share = wet_share + count(wet)/real(days*members, wp)
      do k = 3, days
        state = merge(1, merge(2, 3, wet(k - 2)), wet(k - 1))
        p = constant(state) + slope(state)*share_of(c, 1 + mod(k - 1, 365))
        excess(state) = excess(state) + merge(1.0_wp, 0.0_wp, wet(k)) - p
        variance(state) = variance(state) + p*(1.0_wp - p)
      end do
    end do
    do state = 1, 3
      call expect(excess(state), 0.0_wp, errors*sqrt(variance(state)), &
        trim(names(c))//': rain days too many after '//trim(before(state)))
    end do
    stationary_share = 0.0_wp
    climatological_share = 0.0_wp
    do doy = 1, 365
      stationary_share = stationary_share + stationary_wet_fraction(share_of(c, doy))/365.0_wp
      climatological_share = climatological_share + share_of(c, doy)/365.0_wp
    end do
    persistence = wet_probability(stationary_share, .true., .true.) &
      - wet_probability(stationary_share, .false., .false.)
    sigma = sqrt(stationary_share*(1.0_wp - stationary_share)/(days*members) &
      *(1.0_wp + persistence)/(1.0_wp - persistence))
    call expect(wet_share, stationary_share, errors*sigma, &
      trim(names(c))//': frequency of wet days')
    ! The chain's own long-term frequency is not quite the climate's; amounts make up for it.
    call expect(wet_share, climatological_share, 0.08_wp*climatological_share + errors*sigma, &
      trim(names(c))//': frequency of wet days against the climate')
  end subroutine test_wet_days

  !> Annual and seasonal precipitation, and the mean amount of wet days.
  subroutine test_amounts(c)
    integer, intent(in) :: c
    real(wp) :: yearly(years*members), season(years*members), wet_sum(years*members), normal
    integer :: i, y, first, sample, k, doy
    associate (climate => self%climate((c - 1)*members + 1))
      sample = 0
      do i = (c - 1)*members + 1, c*members
        do y = 1, years
          sample = sample + 1
          first = (y - 1)*365
          yearly(sample) = sum(precip(first + 1:first + 365, i))
          season(sample) = sum(precip(first + 151:first + 240, i))
          wet_sum(sample) = 0.0_wp
          do k = first + 1, first + 365
            doy = k - first
            if (precip(k, i) > 0.0_wp) wet_sum(sample) = wet_sum(sample) + precip(k, i) &
              - daily_precipitation(climate, doy)/stationary_wet_fraction(share_of(c, doy))
          end do
        end do
      end do
      call expect_mean(yearly, annual_precip(c), trim(names(c))//': annual precipitation')
      normal = 0.0_wp
      do doy = 151, 240
        normal = normal + daily_precipitation(climate, doy)
      end do
      call expect_mean(season, normal, trim(names(c))//': precipitation of June to August')
      call expect_mean(wet_sum, 0.0_wp, trim(names(c))//': amounts of wet days beyond the normal')
    end associate
  end subroutine test_amounts

  !> Mean temperature of the year and of its coldest and warmest month, daily range, wind.
  subroutine test_temperature(c)
    integer, intent(in) :: c
    real(wp) :: yearly(years*members), month(years*members, 2), span(years*members)
    real(wp) :: air(years*members), normal(2)
    integer :: i, y, first, sample, m, doy, begin(2)
    associate (climate => self%climate((c - 1)*members + 1))
      begin(1) = modulo(nint(climate%warmest_day) - 15, 365)
      begin(2) = modulo(nint(climate%warmest_day) - 15 + 182, 365)
      begin = min(begin, 335)
      normal = 0.0_wp
      do m = 1, 2
        do doy = begin(m) + 1, begin(m) + 30
          normal(m) = normal(m) + daily_temperature(climate, doy)/30.0_wp
        end do
      end do
      sample = 0
      do i = (c - 1)*members + 1, c*members
        do y = 1, years
          sample = sample + 1
          first = (y - 1)*365
          yearly(sample) = sum(tmean(first + 1:first + 365, i))/365.0_wp
          do m = 1, 2
            month(sample, m) = sum(tmean(first + begin(m) + 1:first + begin(m) + 30, i))/30.0_wp
          end do
          span(sample) = sum(range(first + 1:first + 365, i))/365.0_wp
          air(sample) = sum(wind(first + 1:first + 365, i))/365.0_wp
        end do
      end do
      ! Years are correlated: the error of their mean is larger by sqrt((1 + r)/(1 - r)), 1.36.
      call expect_mean(yearly, climate%t_ann, trim(names(c))//': annual temperature', 1.36_wp)
      call expect_mean(month(:, 1), normal(1), trim(names(c))//': warmest month', 1.36_wp)
      call expect_mean(month(:, 2), normal(2), trim(names(c))//': coldest month', 1.36_wp)
      call expect(sum(span)/size(span), climate%daily_range, 0.02_wp*climate%daily_range, &
        trim(names(c))//': daily temperature range')
      call expect(sum(air)/size(air), 3.0_wp, 0.03_wp, trim(names(c))//': wind speed')
    end associate
  end subroutine test_temperature

  !> Anomalies of the years: standard deviation, autocorrelation, and the factor of precipitation.
  subroutine test_years(c)
    integer, intent(in) :: c
    real(wp) :: sd, lagged, both, cv
    integer :: first, last, count
    first = (c - 1)*members + 1
    last = c*members
    count = years*members
    associate (t => anomaly(:, first:last), p => factor(:, first:last))
      sd = sqrt(sum(t**2)/count)
      ! The variance of an AR(1) has count (1 - r^2)/(1 + r^2) independent values.
      call expect(sd, self%annual_t_sd(first), errors*self%annual_t_sd(first) &
        *sqrt(1.09_wp/0.91_wp/(2.0_wp*count)), trim(names(c))//': spread of annual temperature')
      lagged = sum(t(2:, :)*t(:years - 1, :))/((years - 1)*members)
      both = 0.5_wp*(sum(t(2:, :)**2) + sum(t(:years - 1, :)**2))/((years - 1)*members)
      call expect(lagged/both, 0.3_wp, errors*sqrt(0.91_wp/count), &
        trim(names(c))//': autocorrelation of annual temperature')
      cv = self%annual_p_cv(first)
      call expect(sum(p)/count, 1.0_wp, errors*cv/sqrt(real(count, wp)), &
        trim(names(c))//': mean factor of annual precipitation')
      ! Kurtosis of a lognormal with this spread: 3 + 16 cv^2 to the leading order.
      call expect(sqrt(sum((p - sum(p)/count)**2)/count), cv, errors*cv &
        *sqrt((2.0_wp + 16.0_wp*cv**2)/(4.0_wp*count)), &
        trim(names(c))//': variation of annual precipitation')
    end associate
  end subroutine test_years

  !> Residuals have mean 0 and standard deviation 1; those of Tmin and Tmax are correlated by 0.59.
  subroutine test_residuals()
    character(*), parameter :: which(4) = ['Tmin ', 'Tmax ', 'cloud', 'wind ']
    !> Lag-1 autocorrelation, the diagonal of A and what the others add [1].
    real(wp), parameter :: r(4) = [0.93_wp, 0.44_wp, 0.60_wp, 0.68_wp]
    real(wp) :: total, mean, sd(4)
    integer :: i
    total = real(days, wp)*n
    do i = 1, 4
      mean = sum(chi(:, :, i))/total
      sd(i) = sqrt(sum(chi(:, :, i)**2)/total)
      call expect(mean, 0.0_wp, errors*sqrt((1.0_wp + r(i))/(1.0_wp - r(i))/total), &
        'mean residual of '//trim(which(i)))
      ! Richardson's matrices are rounded: their stationary deviation is 1 within 0.01.
      call expect(sd(i), 1.0_wp, 0.01_wp + errors*sqrt((1.0_wp + r(i)**2)/(1.0_wp - r(i)**2) &
        /(2.0_wp*total)), 'standard deviation of the residual of '//trim(which(i)))
    end do
    call expect(sum(chi(:, :, residual_tmin)*chi(:, :, residual_tmax))/total &
      /(sd(residual_tmin)*sd(residual_tmax)), 0.59_wp, 0.01_wp, &
      'correlation of the residuals of Tmin and Tmax')
    do i = 1, 2
      call expect(sum(chi(2:, :, i)*chi(:days - 1, :, i))/total/sd(i)**2, r(i), 0.01_wp, &
        'persistence of the residual of '//trim(which(i)))
    end do
  end subroutine test_residuals

  !> The same seed gives the same weather bit for bit, and another site other weather.
  subroutine test_same_seed()
    real(wp), allocatable, dimension(:, :) :: precip_repeated, tmean_repeated, range_repeated
    real(wp), allocatable, dimension(:, :) :: wind_repeated, anomaly_repeated, factor_repeated
    real(wp), allocatable :: chi_repeated(:, :, :)
    real(wp) :: correlation
    integer :: i
    allocate(precip_repeated(730, n), tmean_repeated(730, n), range_repeated(730, n))
    allocate(wind_repeated(730, n), chi_repeated(730, n, n_residuals))
    allocate(anomaly_repeated(2, n), factor_repeated(2, n))
    call generate(precip_repeated, tmean_repeated, range_repeated, wind_repeated, chi_repeated, &
      anomaly_repeated, factor_repeated)
    call require(all(precip_repeated <= precip(:730, :) .and. precip_repeated >= precip(:730, :)), &
      'the same seed gives other precipitation')
    call require(all(tmean_repeated <= tmean(:730, :) .and. tmean_repeated >= tmean(:730, :)), &
      'the same seed gives other temperature')
    do i = 1, n
      if (mod(i, members) == 0) cycle
      correlation = sum(chi(:, i, residual_cloud)*chi(:, i + 1, residual_cloud))/days
      ! Two independent series of persistence r: n (1 - r^2)/(1 + r^2) independent pairs.
      call expect(correlation, 0.0_wp, &
        4.5_wp*sqrt((1.0_wp + 0.6_wp**2)/(1.0_wp - 0.6_wp**2)/days), 'correlation of two sites')
    end do
  end subroutine test_same_seed

  !> The mean of independent years must be the normal within their own standard error.
  subroutine expect_mean(values, normal, what, inflation)
    real(wp), intent(in) :: values(:), normal
    character(*), intent(in) :: what
    real(wp), intent(in), optional :: inflation  !< of the standard error [1]
    real(wp) :: mean, error
    mean = sum(values)/size(values)
    error = sqrt(sum((values - mean)**2)/(size(values) - 1.0_wp)/size(values))
    if (present(inflation)) error = error*inflation
    call expect(mean, normal, errors*error, what)
  end subroutine expect_mean

  subroutine expect(value, expected, tolerance, what)
    real(wp), intent(in) :: value, expected, tolerance
    character(*), intent(in) :: what
    character(90) :: numbers
    write(numbers, '(" is", es12.4, ", expected", es12.4, " within", es9.2)') value, expected, &
      tolerance
    call require(abs(value - expected) <= tolerance, what//trim(numbers))
  end subroutine expect

  subroutine require(condition, message)
    logical, intent(in) :: condition
    character(*), intent(in) :: message
    if (condition) return
    failures = failures + 1
    write(error_unit, '(a)') 'FAILED: '//message
  end subroutine require

end program test_weather_generator
