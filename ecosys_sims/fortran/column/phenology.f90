!> Leaf area from the growing season index (Jolly et al. 2005), as in a satellite-phenology mode.
!>
!> Leaf area is independent of the carbon pools, so land physics is the same under any
!> biogeochemistry.
module phenology
  use constants, only: t_freeze
  use kinds, only: wp
  implicit none (type, external)
  private
  public :: growing_season_index, leaf_area_step

  real(wp), parameter :: memory = 21.0_wp  !< of the index [day]
  real(wp), parameter :: flush_days = 18.0_wp  !< from bare to full leaf at the fastest [day]
  real(wp), parameter :: fall_days = 25.0_wp  !< from full leaf to bare at the fastest [day]

contains

  !> The index of one day, 0..1: coldness, dry air, day length and dry soil (Jolly et al. 2005, with
  !> a factor for dry soil), each factor held to 0..1:
  !>
  !>     i = (Tmin + 2)/7 (1 - (VPD - 900)/3200) (N - 10) w/0.3     [degC, Pa, h, 1]
  elemental real(wp) function growing_season_index(tasmin, vpd, day_length, soil_wetness)
    real(wp), intent(in) :: tasmin  !< lowest air temperature [K]
    real(wp), intent(in) :: vpd  !< daytime vapour pressure deficit [Pa]
    real(wp), intent(in) :: day_length  !< [h]
    real(wp), intent(in) :: soil_wetness  !< root-zone relative extractable water [1]
    real(wp) :: warm, moist, light, wet
    warm = min(1.0_wp, max(0.0_wp, (tasmin - t_freeze + 2.0_wp)/7.0_wp))
    moist = 1.0_wp - min(1.0_wp, max(0.0_wp, (vpd - 900.0_wp)/3200.0_wp))
    light = min(1.0_wp, max(0.0_wp, day_length - 10.0_wp))
    wet = min(1.0_wp, max(0.0_wp, soil_wetness/0.3_wp))
    growing_season_index = warm*moist*light*wet
  end function growing_season_index

  !> Move the index and the leaf area on by one day:
  !>
  !>     GSI = GSI + (i - GSI)/21
  !>     LAI -> lai_max (lai_min + (1 - lai_min) min(1, max(0, (GSI - 0.10)/0.55)))
  !>
  !> at most lai_max/18 up or lai_max/25 down in a day.
  elemental subroutine leaf_area_step(index_of_day, lai_max, lai_min, gsi, lai)
    real(wp), intent(in) :: index_of_day  !< growing season index of the day [1]
    real(wp), intent(in) :: lai_max  !< largest leaf area index [1]
    real(wp), intent(in) :: lai_min  !< share kept all year [1]
    real(wp), intent(inout) :: gsi  !< index with its memory [1]
    real(wp), intent(inout) :: lai  !< leaf area index [1]
    real(wp) :: target, green
    gsi = gsi + (index_of_day - gsi)/memory
    green = min(1.0_wp, max(0.0_wp, (gsi - 0.10_wp)/0.55_wp))
    target = lai_max*(lai_min + (1.0_wp - lai_min)*green)
    lai = min(max(target, lai - lai_max/fall_days), lai + lai_max/flush_days)
  end subroutine leaf_area_step

end module phenology
