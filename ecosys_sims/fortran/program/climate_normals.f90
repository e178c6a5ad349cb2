!> Climate of a site from its coordinates, and greenhouse gases of a year.
!>
!> Temperature after North (1975) and Conrad (1946) with a maritime term; good to about 3 K, which
!> `t_ann` mends where it is known; a table of months replaces it and precipitation.
!> The rest are simple closures of our own, see docs/process_model.md.
module climate_normals
  use calendar_dates, only: months_a_year
  use constants, only: pi, t_freeze
  use kinds, only: wp
  implicit none (type, external)
  private

  public :: site_climate, climate_of_site, use_months, daily_temperature, daily_precipitation
  public :: annual_temperature, co2_of_year, ch4_of_year

  !> Normals of one site.
  type :: site_climate
    real(wp) :: t_ann = 0.0_wp  !< annual mean temperature [K]
    real(wp) :: t_range = 0.0_wp  !< difference of the warmest and the coldest time of the year [K]
    real(wp) :: warmest_day = 0.0_wp  !< warmest day of the year
    real(wp) :: daily_range = 0.0_wp  !< daily temperature range [K]
    real(wp) :: wetness = 0.0_wp  !< annual precipitation over potential evaporation, at most 1
    real(wp) :: annual_precip = 0.0_wp  !< annual precipitation [kg m-2]
    !> Relative amplitude of the seasonal cycle of precipitation [1].
    real(wp) :: precip_seasonality = 0.0_wp
    real(wp) :: precip_peak_day = 0.0_wp  !< day of the year with most precipitation
    real(wp) :: wet_day_mean = 0.0_wp  !< mean precipitation of a wet day [kg m-2]
    !> Whether temperature and precipitation are those of a table of months.
    logical :: by_month = .false.
    !> Mean temperature [K] and precipitation [kg m-2] of each month of such a table.
    real(wp) :: t_month(months_a_year) = 0.0_wp, p_month(months_a_year) = 0.0_wp
  end type site_climate

  real(wp), parameter :: year_length = 365.0_wp
  !> Years of the greenhouse gas tables; rounded global means (NOAA GML; ice cores before 1960).
  real(wp), parameter :: gas_years(*) = [1850.0_wp, 1900.0_wp, 1950.0_wp, 1960.0_wp, 1970.0_wp, &
    1981.0_wp, 1990.0_wp, 2000.0_wp, 2007.0_wp, 2014.0_wp, 2020.0_wp, 2024.0_wp]
  real(wp), parameter :: co2_table(*) = [285.0_wp, 296.0_wp, 311.0_wp, 317.0_wp, 325.0_wp, &
    340.0_wp, 354.0_wp, 369.0_wp, 383.0_wp, 398.0_wp, 413.0_wp, 424.0_wp]          !< [ppm]
  real(wp), parameter :: ch4_table(*) = [810.0_wp, 890.0_wp, 1150.0_wp, 1260.0_wp, 1400.0_wp, &
    1655.0_wp, 1714.0_wp, 1773.0_wp, 1781.0_wp, 1823.0_wp, 1879.0_wp, 1930.0_wp]   !< [ppb]

contains

  !> Analytic annual mean temperature [K].
  elemental real(wp) function annual_temperature(lat, elevation, continentality)
    real(wp), intent(in) :: lat  !< latitude [degrees north]
    real(wp), intent(in) :: elevation  !< elevation [m]
    real(wp), intent(in) :: continentality  !< Conrad index of continentality, 0 to 100 [1]
    real(wp) :: s2, celsius
    s2 = sin(lat*pi/180.0_wp)**2
    celsius = 14.9_wp - 28.0_wp*(3.0_wp*s2 - 1.0_wp)/2.0_wp &
      + 12.0_wp*(1.0_wp - continentality/60.0_wp)*s2
    annual_temperature = t_freeze + min(27.5_wp, celsius) - 0.0065_wp*elevation
  end function annual_temperature

  !> Normals of one site.
  elemental function climate_of_site(lat, continentality, annual_precip, t_ann, &
    precip_seasonality, precip_peak_day) result(climate)
    real(wp), intent(in) :: lat  !< latitude [degrees north]
    real(wp), intent(in) :: continentality  !< Conrad index of continentality [1]
    real(wp), intent(in) :: annual_precip  !< annual precipitation [kg m-2]
    real(wp), intent(in) :: t_ann  !< annual mean temperature [K]
    !> Relative amplitude of the seasonal cycle of precipitation [1].
    real(wp), intent(in) :: precip_seasonality
    real(wp), intent(in) :: precip_peak_day  !< day of the year with most precipitation
    type(site_climate) :: climate
    climate%t_ann = t_ann
    climate%t_range = max(1.0_wp, &
      (continentality + 14.0_wp)*sin((abs(lat) + 10.0_wp)*pi/180.0_wp)/1.7_wp)
    climate%warmest_day = 222.0_wp - 22.0_wp*max(0.0_wp, min(1.0_wp, continentality/60.0_wp))
    if (lat < 0.0_wp) climate%warmest_day = climate%warmest_day - 182.5_wp
    climate%annual_precip = annual_precip
    climate%precip_seasonality = precip_seasonality
    climate%precip_peak_day = precip_peak_day
    call derive(climate)
  end function climate_of_site

  !> Replace the analytic temperature and precipitation by those of a table of months.
  pure subroutine use_months(climate, t_month, p_month)
    type(site_climate), intent(inout) :: climate  !< normals
    real(wp), intent(in) :: t_month(months_a_year)  !< mean temperature of each month [K]
    real(wp), intent(in) :: p_month(months_a_year)  !< precipitation of each month [kg m-2]
    climate%by_month = .true.
    climate%t_month = t_month
    climate%p_month = p_month
    climate%t_ann = sum(t_month)/12.0_wp
    climate%annual_precip = sum(p_month)
    climate%t_range = maxval(t_month) - minval(t_month)
    call derive(climate)
  end subroutine use_months

  !> What follows from temperature and precipitation.
  pure subroutine derive(climate)
    type(site_climate), intent(inout) :: climate  !< normals
    climate%wet_day_mean = max(3.0_wp, min(12.0_wp, 3.0_wp + 0.004_wp*climate%annual_precip))
    climate%wetness = min(1.0_wp, climate%annual_precip/potential_evaporation(climate))
    climate%daily_range = 6.0_wp + 9.0_wp*(1.0_wp - climate%wetness)
  end subroutine derive

  !> Annual potential evaporation [kg m-2] from biotemperature (Holdridge 1967), at least 150.
  pure real(wp) function potential_evaporation(climate)
    type(site_climate), intent(in) :: climate  !< normals; temperatures are used
    integer :: month
    real(wp) :: biotemperature
    biotemperature = 0.0_wp
    do month = 1, 12
      biotemperature = biotemperature + max(0.0_wp, min(30.0_wp, &
        daily_temperature(climate, nint(30.4_wp*month - 15.0_wp)) - t_freeze))/12.0_wp
    end do
    potential_evaporation = max(150.0_wp, 58.93_wp*biotemperature)
  end function potential_evaporation

  !> Climatological mean temperature of a day [K].
  elemental real(wp) function daily_temperature(climate, day_of_year)
    type(site_climate), intent(in) :: climate  !< normals
    integer, intent(in) :: day_of_year  !< day of year, from 1
    if (climate%by_month) then
      daily_temperature = between_months(climate%t_month, day_of_year)
      return
    end if
    daily_temperature = climate%t_ann + 0.5_wp*climate%t_range &
      *cos(2.0_wp*pi*(day_of_year - climate%warmest_day)/year_length)
  end function daily_temperature

  !> Climatological precipitation of a day [kg m-2].
  elemental real(wp) function daily_precipitation(climate, day_of_year)
    type(site_climate), intent(in) :: climate  !< normals
    integer, intent(in) :: day_of_year  !< day of year, from 1
    if (climate%by_month) then
      daily_precipitation = between_months(climate%p_month, day_of_year)*12.0_wp/year_length
      return
    end if
    daily_precipitation = climate%annual_precip/year_length*(1.0_wp + climate%precip_seasonality &
      *cos(2.0_wp*pi*(day_of_year - climate%precip_peak_day)/year_length))
  end function daily_precipitation

  !> Linear interpolation between the middles of twelve equal months, around the year.
  pure real(wp) function between_months(values, day_of_year)
    real(wp), intent(in) :: values(months_a_year)  !< values of the months
    integer, intent(in) :: day_of_year  !< day of year, from 1
    real(wp) :: position
    integer :: month_before
    position = (day_of_year - 0.5_wp)*12.0_wp/year_length + 0.5_wp
    month_before = int(position)
    between_months = values(1 + modulo(month_before - 1, 12))*(month_before + 1 - position) &
      + values(1 + modulo(month_before, 12))*(position - month_before)
  end function between_months

  !> Global mean CO2 [ppm].
  elemental real(wp) function co2_of_year(year)
    integer, intent(in) :: year  !< year
    co2_of_year = interpolate(co2_table, real(year, wp))
  end function co2_of_year

  !> Global mean CH4 [ppb].
  elemental real(wp) function ch4_of_year(year)
    integer, intent(in) :: year  !< year
    ch4_of_year = interpolate(ch4_table, real(year, wp))
  end function ch4_of_year

  !> Linear interpolation in a gas table; constant before it, with its last slope after it.
  pure real(wp) function interpolate(table, year)
    real(wp), intent(in) :: table(:)  !< values at gas_years
    real(wp), intent(in) :: year  !< year
    integer :: i, n
    n = size(table)
    i = max(1, min(n - 1, count(gas_years <= year)))
    interpolate = table(i) + (table(i + 1) - table(i)) &
      *max(0.0_wp, year - gas_years(i))/(gas_years(i + 1) - gas_years(i))
  end function interpolate

end module climate_normals
