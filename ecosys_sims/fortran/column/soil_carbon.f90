!> Litter and soil organic carbon of CENTURY type (Parton et al. 1987), with a labile substrate pool
!> that feeds methanogens.
!>
!> Moisture response after Del Grosso et al. (2005), temperature response of CENTURY. At the end of
!> a spin-up year the pools are set to the steady state of that year (semi-analytic, Xia et al.
!> 2012).
module soil_carbon
  use constants, only: pi, t_freeze, days_per_year
  use kinds, only: wp
  implicit none (type, external)
  private
  public :: decomposition_scalar, decomposing, formed, soil_carbon_day, substrate_rate
  public :: steady_soil_carbon, steady_slow_input, carbon_flows, carbon_formation

  real(wp), parameter :: k_metabolic = 14.8_wp/days_per_year  !< [day-1]
  real(wp), parameter :: k_structural = 2.14_wp/days_per_year  !< 3.9 exp(-3 x 0.2) [day-1]
  real(wp), parameter :: k_slow = 0.20_wp/days_per_year  !< [day-1]
  real(wp), parameter :: k_passive = 0.0045_wp/days_per_year  !< [day-1]
  real(wp), parameter :: lignin = 0.2_wp  !< lignin share of structural litter [1]
  real(wp), parameter, public :: leaf_metabolic = 0.6_wp  !< metabolic share of leaf litter [1]
  real(wp), parameter, public :: root_metabolic = 0.5_wp  !< metabolic share of root litter [1]
  !> share of wood litter to structural, rest slow [1]
  real(wp), parameter, public :: wood_structural = 0.6_wp
  real(wp), parameter :: to_passive = 0.004_wp  !< share of active carbon to passive [1]
  !> share of lost metabolic litter to active [1]
  real(wp), parameter :: metabolic_active = 0.25_wp
  !> share of lost metabolic litter to substrate [1]
  real(wp), parameter :: metabolic_substrate = 0.30_wp

  !> carbon of each pool that decomposes on a day [g m-2 day-1]
  type :: carbon_flows
    real(wp) :: metabolic = 0.0_wp  !< metabolic litter
    real(wp) :: structural = 0.0_wp  !< structural litter
    real(wp) :: active = 0.0_wp  !< active soil carbon
    real(wp) :: slow = 0.0_wp  !< slow soil carbon
    real(wp) :: passive = 0.0_wp  !< passive soil carbon
    real(wp) :: substrate = 0.0_wp  !< labile substrate, without what methanogens take
  end type carbon_flows

  !> carbon that becomes soil organic matter on a day [g m-2 day-1]
  type :: carbon_formation
    real(wp) :: active = 0.0_wp  !< active
    real(wp) :: slow = 0.0_wp  !< slow, without wood litter
    real(wp) :: passive = 0.0_wp  !< passive
  end type carbon_formation

contains

  !> Rate of decomposition relative to the pools' rate constants [1] (warmth of CENTURY, wetness w
  !> of Del Grosso et al. 2005, air-filled share of the pores a, ours):
  !>
  !>     s = (0.56 + 0.465 arctan(0.097 (T - 15.7)))
  !>         5/3.3 (0.287 + arctan(0.009 pi (100 w - 17.47))/pi) (0.30 + 0.70 min(1, a/0.35))
  elemental real(wp) function decomposition_scalar(temperature, wetness, oxic)
    real(wp), intent(in) :: temperature  !< soil temperature [K]
    real(wp), intent(in) :: wetness  !< relative extractable water [1]
    real(wp), intent(in) :: oxic  !< air-filled share of the pores [1]
    real(wp) :: warm, wet, air
    warm = max(0.0_wp, 0.56_wp + 0.465_wp*atan(0.097_wp*(temperature - t_freeze - 15.7_wp)))
    wet = 5.0_wp/3.3_wp*(0.287_wp + atan(0.009_wp*pi*(100.0_wp*wetness - 17.47_wp))/pi)
    air = 0.30_wp + 0.70_wp*min(1.0_wp, oxic/0.35_wp)
    decomposition_scalar = warm*max(0.0_wp, wet)*air
  end function decomposition_scalar

  !> Rate of aerobic use of the substrate [day-1], by Q10 of 2 from its turnover at 25 C.
  elemental real(wp) function substrate_rate(temperature, tau)
    real(wp), intent(in) :: temperature  !< soil temperature [K]
    real(wp), intent(in) :: tau  !< turnover time at 25 C [day]
    substrate_rate = exp(0.0693147_wp*(min(40.0_wp, temperature - t_freeze) - 25.0_wp))/tau
    if (temperature < t_freeze) substrate_rate = 0.3_wp*substrate_rate
  end function substrate_rate

  !> Rate constant of the active pool [day-1].
  elemental real(wp) function k_active(fines)
    real(wp), intent(in) :: fines  !< silt and clay [1]
    k_active = 7.3_wp*(1.0_wp - 0.75_wp*fines)/days_per_year
  end function k_active

  !> Share of decomposed active carbon that is respired [1].
  elemental real(wp) function active_respired(fines)
    real(wp), intent(in) :: fines  !< silt and clay [1]
    active_respired = 0.85_wp - 0.68_wp*fines
  end function active_respired

  !> Carbon of each pool that decomposes on a day: k s C, with s of `decomposition_scalar`; at most
  !> the whole pool.
  elemental subroutine decomposing(scalar, rate_substrate, fines, metabolic, structural, active, &
    slow, passive, substrate, flows)
    real(wp), intent(in) :: scalar  !< of decomposition, with the site's multiplier [1]
    real(wp), intent(in) :: rate_substrate  !< use of substrate [day-1]
    real(wp), intent(in) :: fines  !< silt and clay [1]
    real(wp), intent(in) :: metabolic  !< metabolic litter [g m-2]
    real(wp), intent(in) :: structural  !< structural litter [g m-2]
    real(wp), intent(in) :: active  !< active soil carbon [g m-2]
    real(wp), intent(in) :: slow  !< slow soil carbon [g m-2]
    real(wp), intent(in) :: passive  !< passive soil carbon [g m-2]
    real(wp), intent(in) :: substrate  !< labile substrate [g m-2]
    type(carbon_flows), intent(out) :: flows  !< carbon that decomposes
    flows%metabolic = min(1.0_wp, k_metabolic*scalar)*metabolic
    flows%structural = min(1.0_wp, k_structural*scalar)*structural
    flows%active = min(1.0_wp, k_active(fines)*scalar)*active
    flows%slow = min(1.0_wp, k_slow*scalar)*slow
    flows%passive = min(1.0_wp, k_passive*scalar)*passive
    flows%substrate = min(1.0_wp, rate_substrate)*substrate
  end subroutine decomposing

  !> What decomposing carbon forms in the soil pools.
  elemental type(carbon_formation) function formed(flows, fines)
    type(carbon_flows), intent(in) :: flows  !< carbon that decomposes
    real(wp), intent(in) :: fines  !< silt and clay [1]
    formed%active = metabolic_active*flows%metabolic + 0.45_wp*(1.0_wp - lignin)*flows%structural &
      + 0.42_wp*flows%slow + 0.45_wp*flows%passive + 0.45_wp*flows%substrate
    formed%slow = 0.70_wp*lignin*flows%structural &
      + (1.0_wp - active_respired(fines) - to_passive)*flows%active
    formed%passive = to_passive*flows%active + 0.03_wp*flows%slow
  end function formed

  !> One day of litter and soil carbon; all fluxes in g m-2 day-1. For each pool
  !>
  !>     dC/dt = litter + what others form - k s C
  !>
  !> and what decomposes without forming anything is respired.
  elemental subroutine soil_carbon_day(flows, fines, leaf_litter, wood_litter, root_litter, &
    exudation, metabolic, structural, active, slow, passive, &
    substrate, respiration)
    type(carbon_flows), intent(in) :: flows  !< carbon that decomposes
    real(wp), intent(in) :: fines  !< silt and clay [1]
    real(wp), intent(in) :: leaf_litter  !< leaf litter
    real(wp), intent(in) :: wood_litter  !< wood litter
    real(wp), intent(in) :: root_litter  !< root litter
    real(wp), intent(in) :: exudation  !< root exudation
    real(wp), intent(inout) :: metabolic  !< metabolic litter [g m-2]
    real(wp), intent(inout) :: structural  !< structural litter [g m-2]
    real(wp), intent(inout) :: active  !< active soil carbon [g m-2]
    real(wp), intent(inout) :: slow  !< slow soil carbon [g m-2]
    real(wp), intent(inout) :: passive  !< passive soil carbon [g m-2]
    real(wp), intent(inout) :: substrate  !< labile substrate [g m-2]
    real(wp), intent(out) :: respiration  !< CO2
    type(carbon_formation) :: new
    new = formed(flows, fines)
    metabolic = metabolic - flows%metabolic + leaf_metabolic*leaf_litter &
      + root_metabolic*root_litter
    structural = structural - flows%structural + (1.0_wp - leaf_metabolic)*leaf_litter &
      + (1.0_wp - root_metabolic)*root_litter + wood_structural*wood_litter
    active = active - flows%active + new%active
    slow = slow - flows%slow + new%slow + (1.0_wp - wood_structural)*wood_litter
    passive = passive - flows%passive + new%passive
    substrate = substrate - flows%substrate + exudation + metabolic_substrate*flows%metabolic
    respiration = (1.0_wp - metabolic_active - metabolic_substrate)*flows%metabolic &
      + (0.30_wp*lignin + 0.55_wp*(1.0_wp - lignin))*flows%structural &
      + active_respired(fines)*flows%active + 0.55_wp*flows%slow &
      + 0.55_wp*flows%passive + 0.55_wp*flows%substrate
  end subroutine soil_carbon_day

  !> Pools at the steady state of mean inputs and rates (Xia et al. 2012): C = input/(k s), inputs
  !> of pools from one another by iteration; the slower three times `maturity`.
  elemental subroutine steady_soil_carbon(scalar, slowed, fines, leaf_litter, wood_litter, &
    root_litter, aerobic_use, maturity, metabolic, &
    structural, active, slow, passive)
    real(wp), intent(in) :: scalar  !< mean scalar of decomposition [1]
    real(wp), intent(in) :: slowed  !< mean factor on that of structural litter [1]
    real(wp), intent(in) :: fines  !< silt and clay [1]
    real(wp), intent(in) :: leaf_litter  !< mean leaf litter [g m-2 day-1]
    real(wp), intent(in) :: wood_litter  !< mean wood litter [g m-2 day-1]
    real(wp), intent(in) :: root_litter  !< mean root litter [g m-2 day-1]
    real(wp), intent(in) :: aerobic_use  !< mean substrate used without methanogenesis [g m-2 day-1]
    real(wp), intent(in) :: maturity  !< slow pools relative to their steady state [1]
    real(wp), intent(out) :: metabolic, structural, active, slow, passive  !< pools [g m-2]
    real(wp) :: d_met, d_str, d_act, d_slow, d_pas, lost
    integer :: iteration
    lost = active_respired(fines)
    d_met = leaf_metabolic*leaf_litter + root_metabolic*root_litter
    d_str = (1.0_wp - leaf_metabolic)*leaf_litter + (1.0_wp - root_metabolic)*root_litter &
      + wood_structural*wood_litter
    d_act = 0.0_wp
    d_slow = 0.0_wp
    d_pas = 0.0_wp
    do iteration = 1, 60
      d_act = metabolic_active*d_met + 0.45_wp*(1.0_wp - lignin)*d_str + 0.42_wp*d_slow &
        + 0.45_wp*d_pas + 0.45_wp*aerobic_use
      d_slow = 0.70_wp*lignin*d_str + (1.0_wp - lost - to_passive)*d_act &
        + (1.0_wp - wood_structural)*wood_litter
      d_pas = to_passive*d_act + 0.03_wp*d_slow
    end do
    metabolic = d_met/(k_metabolic*scalar)
    structural = d_str/(k_structural*scalar*slowed)
    active = maturity*d_act/(k_active(fines)*scalar)
    slow = maturity*d_slow/(k_slow*scalar)
    passive = maturity*d_pas/(k_passive*scalar)
  end subroutine steady_soil_carbon

  !> Carbon that enters the slow pool when all pools are steady [g m-2 day-1].
  elemental real(wp) function steady_slow_input(scalar, maturity, slow)
    real(wp), intent(in) :: scalar  !< mean scalar of decomposition [1]
    real(wp), intent(in) :: maturity  !< slow pool relative to its steady state [1]
    real(wp), intent(in) :: slow  !< slow soil carbon [g m-2]
    steady_slow_input = slow*k_slow*scalar/maturity
  end function steady_slow_input

end module soil_carbon
