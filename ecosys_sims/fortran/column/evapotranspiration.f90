!> Potential evapotranspiration and interception.
!>
!> Priestley and Taylor (1972) with alpha 1.26; the canopy keeps up to 0.2 kg m-2 per leaf area.
module evapotranspiration
  use constants, only: c_air
  use kinds, only: wp
  implicit none (type, external)
  private
  public :: potential_evaporation, intercept

  real(wp), parameter :: alpha = 1.26_wp  !< Priestley-Taylor coefficient [1]
  real(wp), parameter :: canopy_capacity = 0.2_wp  !< interception store [kg m-2 per LAI]

contains

  !> Potential evapotranspiration [kg m-2 s-1] (Priestley and Taylor 1972):
  !>
  !>     E = 1.26 s/(s + gamma) max(0, Rn)/lambda
  !>     lambda = 2.501e6 - 2361 T [J kg-1],  gamma = cp p/(0.622 lambda) [Pa K-1]
  elemental real(wp) function potential_evaporation(net_radiation, slope, psurf, tair)
    real(wp), intent(in) :: net_radiation  !< [W m-2]
    real(wp), intent(in) :: slope  !< of saturation vapour pressure [Pa K-1]
    real(wp), intent(in) :: psurf  !< surface pressure [Pa]
    real(wp), intent(in) :: tair  !< air temperature [K]
    real(wp) :: latent_heat, psychrometer
    latent_heat = 2.501e6_wp - 2361.0_wp*(tair - 273.15_wp)
    psychrometer = c_air*psurf/(0.622_wp*latent_heat)
    potential_evaporation = alpha*slope/(slope + psychrometer)*max(0.0_wp, &
      net_radiation)/latent_heat
  end function potential_evaporation

  !> Catch rain in the canopy and evaporate it, within the demand:
  !>
  !>     store = store + cover rain - drip - min(store, demand),  drip = max(0, store - 0.2 LAI)
  elemental subroutine intercept(rain, lai, cover, demand, canopy_water, throughfall, evaporated)
    real(wp), intent(in) :: rain  !< rain of the step [kg m-2]
    real(wp), intent(in) :: lai  !< leaf area index [1]
    real(wp), intent(in) :: cover  !< share of light that leaves intercept [1]
    real(wp), intent(in) :: demand  !< potential evapotranspiration of the step [kg m-2]
    real(wp), intent(inout) :: canopy_water  !< intercepted water [kg m-2]
    real(wp), intent(out) :: throughfall  !< rain that reaches the ground [kg m-2]
    real(wp), intent(out) :: evaporated  !< from the canopy in the step [kg m-2]
    real(wp) :: store, drip
    store = canopy_water + cover*rain
    drip = max(0.0_wp, store - canopy_capacity*lai)
    throughfall = (1.0_wp - cover)*rain + drip
    store = store - drip
    evaporated = min(store, demand)
    canopy_water = store - evaporated
  end subroutine intercept

end module evapotranspiration
