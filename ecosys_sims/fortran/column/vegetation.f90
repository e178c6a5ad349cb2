!> Carbon of plants: leaf, wood, fine root and non-structural carbon (NSC).
!!
!! Maintenance respiration by nitrogen (Ryan 1991; C:N of Sitch et al. 2003) with the temperature
!! response of Lloyd and Taylor (1994) and the thermal acclimation of Atkin et al. (2008). Leaf
!! carbon
!! follows the phenology's leaf area as far as NSC allows; the rest of growth goes to wood and
!! roots.
module vegetation
  use kinds, only: wp
  use constants, only: t_freeze, days_per_year
  implicit none
  private
  public :: vegetation_day, nsc_reserve, lloyd_taylor, maintenance_rate, growth_cost
  public :: cn_leaf, cn_wood, cn_root

  real(wp), parameter :: cn_leaf = 29.0_wp      !< C:N of leaves
  real(wp), parameter :: cn_wood = 330.0_wp     !< C:N of sapwood
  real(wp), parameter :: cn_root = 29.0_wp      !< C:N of fine roots
  real(wp), parameter :: sapwood_max = 2000.0_wp    !< living wood at most [g m-2]
  real(wp), parameter :: sapwood_share = 0.2_wp     !< living share of wood [1]
  real(wp), parameter :: growth_cost = 0.25_wp      !< respired per carbon built [1]
  real(wp), parameter :: growth_days = 20.0_wp      !< NSC above the reserve lasts so long [day]
  !> loss rate of crop stems after the season [day-1]
  real(wp), parameter :: senescence = 0.08_wp

contains

  !> NSC that plants keep to flush their leaves again [g m-2].
  elemental real(wp) function nsc_reserve(lai_max, lai_min, sla)
    real(wp), intent(in) :: lai_max  !< largest leaf area index [1]
    real(wp), intent(in) :: lai_min  !< share kept all year [1]
    real(wp), intent(in) :: sla      !< leaf area per leaf carbon [m2 g-1]
    nsc_reserve = 15.0_wp + 0.7_wp*lai_max*(1.0_wp - lai_min)/sla
  end function nsc_reserve

  !> Lloyd-Taylor response, 1 at 10 C.
  elemental real(wp) function lloyd_taylor(temperature)
    real(wp), intent(in) :: temperature  !< [K]
    real(wp) :: t
    t = min(45.0_wp, max(-30.0_wp, temperature - t_freeze))
    lloyd_taylor = exp(308.56_wp*(1.0_wp/56.02_wp - 1.0_wp/(t + 46.02_wp)))
  end function lloyd_taylor

  !> Maintenance respiration per nitrogen at 10 C [g g-1 day-1], acclimated to the last month.
  elemental real(wp) function maintenance_rate(rm25, t_30d)
    real(wp), intent(in) :: rm25   !< at 25 C [g g-1 day-1]
    real(wp), intent(in) :: t_30d  !< air temperature of the last month [K]
    maintenance_rate = rm25/3.2_wp*10.0_wp**(-0.00794_wp*(t_30d - t_freeze - 25.0_wp))
  end function maintenance_rate

  !> One day of plant carbon; all fluxes in g m-2 day-1.
  elemental subroutine vegetation_day(gpp, t_air, t_soil, t_30d, lai, gsi, lai_max, lai_min, sla, &
                                      rm25, turn_leaf, turn_root, turn_wood, alloc_wood, f_exud, &
                                      harvest_fraction, leaf, wood, root, nsc, ra, exudation, &
                                      leaf_litter, wood_litter, root_litter, to_wood, to_root, &
                                      harvest)
    real(wp), intent(in) :: gpp        !< gross primary production
    real(wp), intent(in) :: t_air      !< day-mean air temperature [K]
    real(wp), intent(in) :: t_soil     !< day-mean root-zone temperature [K]
    real(wp), intent(in) :: t_30d      !< air temperature of the last month [K]
    real(wp), intent(in) :: lai        !< leaf area index that phenology asks for [1]
    real(wp), intent(in) :: gsi        !< growing season index [1]
    real(wp), intent(in) :: lai_max    !< largest leaf area index [1]
    real(wp), intent(in) :: lai_min    !< share kept all year [1]
    real(wp), intent(in) :: sla        !< leaf area per leaf carbon [m2 g-1]
    real(wp), intent(in) :: rm25       !< maintenance respiration at 25 C [g g-1 day-1]
    real(wp), intent(in) :: turn_leaf  !< leaf turnover [year-1]
    real(wp), intent(in) :: turn_root  !< root turnover [year-1]
    real(wp), intent(in) :: turn_wood  !< wood turnover [year-1]
    real(wp), intent(in) :: alloc_wood !< share of growth beyond leaves that goes to wood [1]
    real(wp), intent(in) :: f_exud     !< exudation per GPP [1]
    real(wp), intent(in) :: harvest_fraction  !< share of lost leaf and wood carried off [1]
    real(wp), intent(inout) :: leaf    !< leaf carbon [g m-2]
    real(wp), intent(inout) :: wood    !< wood or stem carbon [g m-2]
    real(wp), intent(inout) :: root    !< fine root carbon [g m-2]
    real(wp), intent(inout) :: nsc     !< non-structural carbon [g m-2]
    real(wp), intent(out) :: ra           !< autotrophic respiration
    real(wp), intent(out) :: exudation    !< root exudation
    real(wp), intent(out) :: leaf_litter  !< leaf litter
    real(wp), intent(out) :: wood_litter  !< wood litter
    real(wp), intent(out) :: root_litter  !< root litter
    real(wp), intent(out) :: to_wood      !< growth of wood
    real(wp), intent(out) :: to_root      !< growth of roots
    real(wp), intent(out) :: harvest      !< harvest
    real(wp) :: maintenance, rate, flush, growth, lost_leaf, lost_wood, spare
    rate = maintenance_rate(rm25, t_30d)
    maintenance = rate*((leaf/cn_leaf + min(sapwood_max, sapwood_share*wood)/cn_wood) &
                        *lloyd_taylor(t_air) + root/cn_root*lloyd_taylor(t_soil))
    exudation = f_exud*gpp
    nsc = nsc + gpp - exudation
    maintenance = min(maintenance, 0.1_wp*nsc)
    nsc = nsc - maintenance

    lost_leaf = leaf*turn_leaf/days_per_year
    lost_leaf = lost_leaf + max(0.0_wp, leaf - lost_leaf - lai/sla)
    leaf = leaf - lost_leaf
    flush = min(max(0.0_wp, lai/sla - leaf), 0.2_wp*nsc/(1.0_wp + growth_cost))
    leaf = leaf + flush
    nsc = nsc - flush*(1.0_wp + growth_cost)

    spare = max(0.0_wp, nsc - nsc_reserve(lai_max, lai_min, sla))
    growth = spare/growth_days/(1.0_wp + growth_cost) &
             *min(1.0_wp, max(0.0_wp, (t_air - t_freeze)/8.0_wp))
    nsc = nsc - growth*(1.0_wp + growth_cost)
    to_wood = alloc_wood*growth
    to_root = growth - to_wood

    lost_wood = wood*turn_wood/days_per_year
    if (harvest_fraction > 0.0_wp .and. gsi < 0.3_wp) lost_wood = lost_wood + senescence*wood
    root_litter = root*turn_root/days_per_year
    wood = wood + to_wood - lost_wood
    root = root + to_root - root_litter
    harvest = harvest_fraction*(lost_leaf + lost_wood)
    leaf_litter = (1.0_wp - harvest_fraction)*lost_leaf
    wood_litter = (1.0_wp - harvest_fraction)*lost_wood
    ra = maintenance + growth_cost*(flush + growth)
  end subroutine vegetation_day

end module vegetation
