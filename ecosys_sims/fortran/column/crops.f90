!> Crops: which one grows, sowing, development by heat, prescribed leaf area, harvest, fertiliser,
!> tillage and the demand for irrigation.
!>
!> Part of the land physics: it reads weather, soil moisture and its own state, never carbon or
!> nitrogen. What a day decides (crop, leaf area, fertiliser, irrigation) holds from the next day
!> on.
!>
!> **Rotation.** Each decimal digit of the parameter `rotation` is one crop year, in turn, the first
!> digit in year 1 of the calendar (so 12 has maize in odd and soybean in even years): 0 fallow, 1
!> maize, 2 soybean, 3 winter wheat, 4 rice, 5 winter wheat and maize after it. A crop year is the
!> calendar year in the north and ends on about 1 July in the south; a crop belongs to the year of
!> its harvest, so winter wheat is sown in the autumn before, once the field is free. A rotation
!> cannot begin with fallow: a leading 0 is no digit of a number.
module crops
  use column_state, only: site_static, column_type, daily_forcing, daily_fluxes
  use column_work, only: work_arrays
  use constants, only: t_freeze
  use kinds, only: wp
  use parameters, only: site_parameters
  use soil_grid, only: nsoil
  implicit none (type, external)
  private
  public :: crop_step, irrigation_demand, paddy_flooded, crop_of_year, years_of_rotation, &
    leaf_area_share, season_of
  public :: maize, soybean, wheat, rice, n_crops, irrigation_efficiency

  integer, parameter :: n_crops = 4
  integer, parameter :: maize = 1, soybean = 2, wheat = 3, rice = 4  !< flags
  integer, parameter :: wheat_and_maize = 5  !< digit of a rotation

  ! Traits by crop. Base and upper temperatures as in CERES and CROPGRO (Jones et al. 2003; wheat
  ! McMaster and Wilhelm 1997); heat sums are ours, set by the dates of sowing, flowering and
  ! maturity in Nebraska (maize, soybean), North China (wheat) and temperate Asia (rice).
  real(wp), parameter :: base(n_crops) = [8.0_wp, 7.0_wp, 0.0_wp, 10.0_wp]  !< [degC]
  real(wp), parameter :: upper(n_crops) = [30.0_wp, 30.0_wp, 30.0_wp, 35.0_wp]  !< [degC]
  !> heat from sowing to emergence [K day]
  real(wp), parameter :: heat_emergence(n_crops) = [90.0_wp, 90.0_wp, 120.0_wp, 60.0_wp]
  !> heat from emergence to anthesis [K day]
  real(wp), parameter :: heat_anthesis(n_crops) = [830.0_wp, 720.0_wp, 1020.0_wp, 1000.0_wp]
  !> heat from anthesis to maturity [K day]
  real(wp), parameter :: heat_maturity(n_crops) = [1010.0_wp, 1030.0_wp, 820.0_wp, 680.0_wp]
  ! cultivars suit the climate (ours): change of the heat that development needs with the annual
  ! mean temperature of the site, from that of the places above
  real(wp), parameter :: t_home(n_crops) = [284.0_wp, 284.0_wp, 286.0_wp, 289.0_wp]  !< [K]
  real(wp), parameter :: heat_slope(n_crops) = [0.05_wp, 0.05_wp, 0.0_wp, 0.04_wp]  !< [K-1]
  real(wp), parameter :: second_crop = 0.68_wp  !< heat that maize after wheat needs, relative [1]
  real(wp), parameter :: least_heat = 0.65_wp, most_heat = 1.3_wp  !< [1]
  !> 10-day mean air temperature that sowing waits for, rising (wheat: falling) [degC]
  real(wp), parameter :: t_sowing(n_crops) = [10.0_wp, 13.0_wp, 20.0_wp, 14.0_wp]
  !> first and last crop day on which it may pass
  integer, parameter :: first_day(n_crops) = [91, 91, 244, 91]
  integer, parameter :: last_day(n_crops) = [196, 196, 335, 196]
  !> crop day on which a crop that has not ripened is taken off the field (as fodder)
  integer, parameter :: latest_harvest(n_crops) = [330, 330, 227, 330]
  integer, parameter :: latest_before_wheat = 295  !< the same where winter wheat comes next
  integer, parameter :: latest_second_sowing = 212  !< for maize after wheat
  !> lowest air temperature that kills a crop beyond `hardy_stage` [degC]
  real(wp), parameter :: t_kill(n_crops) = [-2.0_wp, -2.0_wp, -60.0_wp, -1.0_wp]
  real(wp), parameter :: hardy_stage = 0.3_wp  !< younger plants grow again [1]
  !> from that temperature to sowing (farmers wait for warm, dry soil; ours) [day]
  real(wp), parameter :: sowing_delay(n_crops) = [15.0_wp, 20.0_wp, 15.0_wp, 15.0_wp]
  ! leaf area by development stage (ours; peak at silking for maize, in pod filling for soybean)
  real(wp), parameter :: leaf_factor(n_crops) = [1.0_wp, 0.85_wp, 1.0_wp, 1.0_wp]  !< of lai_max [1]
  real(wp), parameter :: stage_full(n_crops) = [0.95_wp, 1.2_wp, 0.9_wp, 0.95_wp]
  real(wp), parameter :: stage_yellow(n_crops) = [1.30_wp, 1.40_wp, 1.20_wp, 1.25_wp]
  real(wp), parameter :: leaf_left = 0.15_wp  !< share of leaf area at maturity [1]
  ! winter wheat needs cold: days of 0 to 10 degC until it goes on beyond a stage (Ritchie 1991)
  real(wp), parameter :: cold_days = 40.0_wp, stage_before_cold = 0.35_wp
  ! fertiliser: share of n_fertiliser, and of that at sowing; the rest at
  ! stage_topdressing, for wheat in spring
  real(wp), parameter :: n_share(n_crops) = [1.0_wp, 0.0_wp, 0.7_wp, 0.8_wp]
  real(wp), parameter :: n_at_sowing(n_crops) = [0.4_wp, 0.0_wp, 0.4_wp, 0.5_wp]
  real(wp), parameter :: stage_topdressing(n_crops) = [0.35_wp, 0.35_wp, 0.50_wp, 0.35_wp]
  real(wp), parameter :: tillage_days = 30.0_wp  !< that tillage speeds up decomposition [day]
  !> share of irrigation not lost as runoff [1]
  real(wp), parameter :: irrigation_efficiency = 0.85_wp
  ! irrigation of uplands: root-zone available water that starts and ends it, stage at which it ends
  real(wp), parameter :: water_low = 0.5_wp, water_high = 0.9_wp, stage_dry = 1.7_wp
  real(wp), parameter :: t_irrigation = 5.0_wp  !< no irrigation in colder weather [degC]
  real(wp), parameter :: drought = 0.3_wp  !< available water below which leaves suffer [1]
  real(wp), parameter :: stage_drained = 1.6_wp  !< at which paddies are drained for the harvest

contains

  !> Years of a rotation: its digits.
  elemental integer function years_of_rotation(rotation)
    real(wp), intent(in) :: rotation  !< digits
    years_of_rotation = 1
    do while (10**years_of_rotation <= nint(rotation))
      years_of_rotation = years_of_rotation + 1
    end do
  end function years_of_rotation

  !> Digit of a rotation for a crop year.
  elemental integer function crop_of_year(rotation, season)
    real(wp), intent(in) :: rotation  !< digits
    integer, intent(in) :: season  !< crop year
    integer :: years
    years = years_of_rotation(rotation)
    crop_of_year = modulo(nint(rotation)/10**(years - 1 - modulo(season - 1, years)), 10)
  end function crop_of_year

  !> Crop year and crop day: the calendar's in the north, half a year ahead in the south.
  elemental subroutine season_of(lat, year, day_of_year, season, crop_day)
    real(wp), intent(in) :: lat  !< [degrees_north]
    integer, intent(in) :: year  !< calendar year
    integer, intent(in) :: day_of_year  !< 1..366
    integer, intent(out) :: season  !< crop year
    integer, intent(out) :: crop_day  !< 1..366
    season = year
    crop_day = day_of_year
    if (lat >= 0.0_wp) return
    crop_day = day_of_year + 182
    if (crop_day > 365) then
      crop_day = crop_day - 365
      season = year + 1
    end if
  end subroutine season_of

  !> Leaf area at a development stage, as a share of the crop's largest.
  elemental real(wp) function leaf_area_share(crop, dvs)
    integer, intent(in) :: crop  !< flag
    real(wp), intent(in) :: dvs  !< development stage, 0..2
    real(wp) :: x
    x = min(1.0_wp, max(0.0_wp, dvs/stage_full(crop)))
    leaf_area_share = x*x*(3.0_wp - 2.0_wp*x)
    if (dvs > stage_yellow(crop)) leaf_area_share = 1.0_wp - (1.0_wp - leaf_left) &
      *min(1.0_wp, (dvs - stage_yellow(crop))/(2.0_wp - stage_yellow(crop)))
  end function leaf_area_share

  !> Whether a paddy is kept under water: while rice stands, until it ripens.
  elemental logical function paddy_flooded(crop, dvs)
    real(wp), intent(in) :: crop  !< flag
    real(wp), intent(in) :: dvs  !< development stage
    paddy_flooded = nint(crop) == rice .and. dvs < stage_drained
  end function paddy_flooded

  !> One day of the crop of one site with `rotation` above 0.
  subroutine crop_step(i, static, p, day, state, fluxes)
    integer, intent(in) :: i  !< site
    type(site_static), intent(in) :: static  !< site description
    type(site_parameters), intent(in) :: p  !< parameters
    type(daily_forcing), intent(in) :: day  !< forcing of the day, complete
    type(column_type), intent(inout) :: state  !< state
    type(daily_fluxes), intent(inout) :: fluxes  !< results of the day; sets `harvested`
    integer :: season, crop_day, this, next
    logical :: summer_turn, wheat_turn, second
    call season_of(static%lat(i), day%year, day%day_of_year, season, crop_day)
    this = crop_of_year(p%rotation(i), season)
    next = crop_of_year(p%rotation(i), season + 1)
    wheat_turn = (next == wheat .or. next == wheat_and_maize) .and. crop_day >= first_day(wheat)
    second = this == wheat_and_maize
    if (second) this = maize
    if (this == wheat) this = 0
    summer_turn = this > 0 .and. crop_day < first_day(wheat)
    state%t_10d(i) = state%t_10d(i) + (day%tas(i) - state%t_10d(i))/10.0_wp
    state%tilled(i) = max(0.0_wp, state%tilled(i) - 1.0_wp)
    state%fertiliser_due(i) = 0.0_wp
    if (crop_day < first_day(maize)) state%grown(i) = 0.0_wp
    if (wheat_turn) then
      call count_days(crop_day, wheat, t_sowing(wheat) - (state%t_10d(i) - t_freeze), &
        state%sowing_clock(i))
    else if (summer_turn) then
      call count_days(crop_day, this, state%t_10d(i) - t_freeze - t_sowing(this), &
        state%sowing_clock(i))
    else
      state%sowing_clock(i) = -1.0_wp
    end if
    if (state%crop(i) > 0.0_wp) then
      call develop(i, static%t_ann(i), p, day, fluxes%soil_wetness(i), crop_day, &
        next == wheat .or. next == wheat_and_maize, second, state, fluxes)
    else if (state%sowing_clock(i) >= 0.0_wp) then
      if (wheat_turn) then
        this = wheat
      else if (state%grown(i) > 0.5_wp .or. crop_day > latest_second_sowing) then
        return
      end if
      if (state%sowing_clock(i) < sowing_delay(this) + p%sow_shift(i)) return
      call sow(i, this, p, state)
      if (.not. wheat_turn) state%grown(i) = 1.0_wp
    end if
  end subroutine crop_step

  !> Days since the temperature for sowing passed within its window; -1 before and outside.
  pure subroutine count_days(crop_day, crop, beyond, clock)
    integer, intent(in) :: crop_day  !< day of the crop year
    integer, intent(in) :: crop  !< flag
    real(wp), intent(in) :: beyond  !< temperature beyond the threshold [K]
    real(wp), intent(inout) :: clock  !< [day]
    if (crop_day < first_day(crop)) then
      clock = -1.0_wp
    else if (clock >= 0.0_wp) then
      if (crop_day == first_day(crop)) clock = -1.0_wp
      if (crop_day > first_day(crop)) clock = clock + 1.0_wp
    end if
    if (clock < 0.0_wp .and. beyond > 0.0_wp .and. crop_day >= first_day(crop) &
      .and. crop_day <= last_day(crop)) clock = 0.0_wp
  end subroutine count_days

  !> Prepare the seedbed and sow.
  subroutine sow(i, crop, p, state)
    integer, intent(in) :: i  !< site
    integer, intent(in) :: crop  !< flag
    type(site_parameters), intent(in) :: p  !< parameters
    type(column_type), intent(inout) :: state  !< state
    state%crop(i) = real(crop, wp)
    state%dvs(i) = 0.0_wp
    state%gdd(i) = 0.0_wp
    state%cold(i) = 0.0_wp
    state%lai(i) = 0.0_wp
    state%tilled(i) = tillage_days
    state%fertiliser_due(i) = p%n_fertiliser(i)*n_share(crop)*n_at_sowing(crop)
  end subroutine sow

  !> Heat, stage, leaf area and topdressing of a day; ends with the harvest where it is due.
  subroutine develop(i, t_ann, p, day, wetness, crop_day, wheat_next, second, state, fluxes)
    integer, intent(in) :: i  !< site
    real(wp), intent(in) :: t_ann  !< annual mean air temperature [K]
    type(site_parameters), intent(in) :: p  !< parameters
    type(daily_forcing), intent(in) :: day  !< forcing of the day
    real(wp), intent(in) :: wetness  !< root-zone relative extractable water [1]
    integer, intent(in) :: crop_day  !< day of the crop year
    logical, intent(in) :: wheat_next  !< winter wheat is sown this autumn
    logical, intent(in) :: second  !< maize is the second crop of the year
    type(column_type), intent(inout) :: state  !< state
    type(daily_fluxes), intent(inout) :: fluxes  !< results of the day
    real(wp) :: heat, need, stage_before, start, anthesis, maturity
    integer :: crop, latest
    crop = nint(state%crop(i))
    heat = max(0.0_wp, 0.5_wp*(min(day%tasmax(i) - t_freeze, upper(crop)) &
      + min(upper(crop), max(day%tasmin(i) - t_freeze, base(crop)))) - base(crop))
    stage_before = state%dvs(i)
    if (crop == wheat) then
      if (day%tas(i) > t_freeze .and. day%tas(i) < t_freeze + 10.0_wp) then
        state%cold(i) = state%cold(i) + 1.0_wp
      end if
      if (stage_before >= stage_before_cold .and. state%cold(i) < cold_days) heat = 0.0_wp
    end if
    state%gdd(i) = state%gdd(i) + heat
    start = heat_emergence(crop)
    need = p%gdd_factor(i)*min(most_heat, max(least_heat, &
      1.0_wp + heat_slope(crop)*(t_ann - t_home(crop))))
    if (second .and. crop == maize) need = second_crop*need
    anthesis = need*heat_anthesis(crop)
    maturity = need*heat_maturity(crop)
    state%dvs(i) = max(0.0_wp, (state%gdd(i) - start)/anthesis)
    if (state%dvs(i) > 1.0_wp) then
      state%dvs(i) = min(2.0_wp, 1.0_wp + (state%gdd(i) - start - anthesis)/maturity)
    end if
    if (stage_before < stage_topdressing(crop) .and. state%dvs(i) >= stage_topdressing(crop)) then
      state%fertiliser_due(i) = p%n_fertiliser(i)*n_share(crop)*(1.0_wp - n_at_sowing(crop))
    end if

    call change_leaf_area(i, p, wetness, stage_before, state)

    latest = latest_harvest(crop)
    if (wheat_next .and. crop /= wheat) latest = latest_before_wheat
    if (state%dvs(i) < 2.0_wp .and. .not. overdue(crop, crop_day, latest) &
      .and. .not. (state%dvs(i) > hardy_stage &
      .and. day%tasmin(i) - t_freeze < t_kill(crop))) return
    fluxes%harvested(i) = state%crop(i)
    state%crop(i) = 0.0_wp
    state%dvs(i) = -1.0_wp
    state%gdd(i) = 0.0_wp
    state%cold(i) = 0.0_wp
    state%lai(i) = 0.0_wp
  end subroutine develop

  !> Leaf area after a day: it follows the stage; a dry root zone slows its growth and thins it.
  subroutine change_leaf_area(i, p, wetness, stage_before, state)
    integer, intent(in) :: i  !< site
    type(site_parameters), intent(in) :: p  !< parameters
    real(wp), intent(in) :: wetness  !< root-zone relative extractable water [1]
    real(wp), intent(in) :: stage_before  !< stage of yesterday
    type(column_type), intent(inout) :: state  !< state; sets `lai`
    real(wp) :: share, share_before, vigour
    integer :: crop
    crop = nint(state%crop(i))
    share = leaf_area_share(crop, state%dvs(i))
    share_before = leaf_area_share(crop, stage_before)
    vigour = min(1.0_wp, wetness/drought)
    if (share >= share_before) then
      state%lai(i) = state%lai(i) + p%lai_max(i)*leaf_factor(crop)*(share - share_before)*vigour
    else
      state%lai(i) = state%lai(i)*share/share_before
    end if
    if (stage_before > hardy_stage) then
      state%lai(i) = state%lai(i)*(1.0_wp - 0.02_wp*(1.0_wp - vigour))
    end if
  end subroutine change_leaf_area

  !> Whether a crop has stood for too long. Winter wheat stands through the turn of the crop year.
  elemental logical function overdue(crop, crop_day, latest)
    integer, intent(in) :: crop  !< flag
    integer, intent(in) :: crop_day  !< day of the crop year
    integer, intent(in) :: latest  !< last crop day
    overdue = crop_day >= latest
    if (crop == wheat) overdue = crop_day >= latest .and. crop_day < first_day(wheat)
    if (crop /= wheat .and. crop_day < first_day(maize)) overdue = .true.
  end function overdue

  !> Irrigation of an upland for the next day [kg m-2 day-1]: it starts where half of the available
  !> water of the root zone is used and goes on until nine tenths are there again.
  subroutine irrigation_demand(i, p, work, state, wetness)
    integer, intent(in) :: i  !< site
    type(site_parameters), intent(in) :: p  !< parameters
    type(work_arrays), intent(in) :: work  !< work arrays
    type(column_type), intent(inout) :: state  !< state; sets `irrigation_due`
    real(wp), intent(in) :: wetness  !< root-zone relative extractable water [1]
    real(wp) :: need
    integer :: k
    if (state%crop(i) <= 0.0_wp .or. state%dvs(i) > stage_dry .or. p%irrigation(i) <= 0.0_wp &
      .or. state%t_10d(i) < t_freeze + t_irrigation &
      .or. wetness >= merge(water_high, water_low, state%irrigation_due(i) > 0.0_wp)) then
      state%irrigation_due(i) = 0.0_wp
      return
    end if
    need = 0.0_wp
    do k = 1, nsoil
      if (work%root_share(i, k) <= 0.0_wp) exit
      need = need + max(0.0_wp, work%soil%wilting(i, k) &
        + water_high*(work%soil%field_capacity(i, k) - work%soil%wilting(i, k)) &
        - state%liquid(i, k) - state%ice(i, k))
    end do
    state%irrigation_due(i) = min(p%irrigation(i), need/irrigation_efficiency)
  end subroutine irrigation_demand

end module crops
