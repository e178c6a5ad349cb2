!> Carbon of crops: growth is shared among leaves, stem, roots and grain by development stage; the
!! harvest carries grain and part of the straw away and ends the crop.
!!
!! Leaf carbon follows the prescribed leaf area as far as non-structural carbon (NSC) allows; the rest of
!! the growth goes to roots, to grain from anthesis on, and to the stem (the wood pool). Maintenance
!! respiration is that of `vegetation`. Harvest indices (grain per shoot at harvest) aim at 0.5 for maize,
!! 0.35-0.42 for soybean, 0.4 for wheat and 0.45 for rice (Hay 1995).
module crop_carbon
  use kinds, only: wp
  use constants, only: t_freeze, days_per_year
  use crops, only: n_crops
  use vegetation, only: lloyd_taylor, maintenance_rate, growth_cost
  implicit none
  private
  public :: crop_carbon_day, crop_store_nitrogen, crop_nitrogen_losses, seed_carbon, seed_nitrogen

  real(wp), parameter :: seed_carbon = 5.0_wp   !< NSC kept from the harvest for the next sowing [g m-2]
  real(wp), parameter :: seed_nitrogen = 0.2_wp !< the same of nitrogen [g m-2]
  !> C:N of ripe grain: maize 1.5 %, soybean 6.5 %, wheat 2.3 % and rice 1.3 % nitrogen
  real(wp), parameter :: cn_ripe(n_crops) = [30.0_wp, 8.0_wp, 19.0_wp, 33.0_wp]
  ! C:N of stems, green and when the grain has drawn on them (our choice)
  real(wp), parameter :: cn_green = 60.0_wp, cn_straw = 100.0_wp
  real(wp), parameter :: cn_litter = 29.0_wp  !< of leaf fall and roots, as in vegetation
  ! C:N of living tissue of fertilised crops, for maintenance: leaves 3.5 % N, the rest 1.5 %
  real(wp), parameter :: cn_leaf = 12.0_wp, cn_stem = 28.0_wp, cn_root = 28.0_wp, cn_grain = 28.0_wp
  real(wp), parameter :: growth_days = 4.0_wp   !< NSC beyond the reserve lasts so long [day]
  real(wp), parameter :: reserve_share = 0.05_wp  !< NSC that plants keep, of leaf and stem [1]
  real(wp), parameter :: root_at_emergence = 0.40_wp, root_at_anthesis = 0.05_wp  !< shares of growth
  !> share of dead leaves that falls; the rest stands with the stem until the harvest [1]
  real(wp), parameter :: leaves_fall(n_crops) = [0.0_wp, 1.0_wp, 0.0_wp, 0.0_wp]
  !> stage at which grain filling starts
  real(wp), parameter :: stage_grain(n_crops) = [1.0_wp, 1.15_wp, 0.9_wp, 0.95_wp]
  !> grain's share of shoot growth from 0.1 stages later on [1]
  real(wp), parameter :: grain_share(n_crops) = [1.0_wp, 0.8_wp, 1.0_wp, 1.0_wp]

contains

  !> One day of crop carbon; all fluxes in g m-2 day-1. Without a crop all plant carbon but the seed
  !! becomes litter.
  elemental subroutine crop_carbon_day(gpp, t_air, t_soil, t_30d, lai, crop, dvs, harvested, sla, rm25, &
                                       turn_root, f_exud, residue, leaf, stem, root, grain, nsc, ra, &
                                       exudation, leaf_litter, root_litter, to_stem, to_root, yield, &
                                       harvest)
    real(wp), intent(in) :: gpp        !< gross primary production
    real(wp), intent(in) :: t_air      !< day-mean air temperature [K]
    real(wp), intent(in) :: t_soil     !< day-mean root-zone temperature [K]
    real(wp), intent(in) :: t_30d      !< air temperature of the last month [K]
    real(wp), intent(in) :: lai        !< leaf area index that development asks for [1]
    real(wp), intent(in) :: crop       !< crop that stands at the end of the day, 0 for none
    real(wp), intent(in) :: dvs        !< development stage at the end of the day
    real(wp), intent(in) :: harvested  !< crop harvested today, 0 for none
    real(wp), intent(in) :: sla        !< leaf area per leaf carbon [m2 g-1]
    real(wp), intent(in) :: rm25       !< maintenance respiration at 25 C [g g-1 day-1]
    real(wp), intent(in) :: turn_root  !< root turnover [year-1]
    real(wp), intent(in) :: f_exud     !< exudation per GPP [1]
    real(wp), intent(in) :: residue    !< share of the straw left on the field [1]
    real(wp), intent(inout) :: leaf    !< leaf carbon [g m-2]
    real(wp), intent(inout) :: stem    !< stem carbon [g m-2]
    real(wp), intent(inout) :: root    !< root carbon [g m-2]
    real(wp), intent(inout) :: grain   !< grain carbon [g m-2]
    real(wp), intent(inout) :: nsc     !< non-structural carbon [g m-2]
    real(wp), intent(out) :: ra           !< autotrophic respiration
    real(wp), intent(out) :: exudation    !< root exudation
    real(wp), intent(out) :: leaf_litter  !< litter of leaves and stems
    real(wp), intent(out) :: root_litter  !< root litter
    real(wp), intent(out) :: to_stem      !< growth of stems
    real(wp), intent(out) :: to_root      !< growth of roots
    real(wp), intent(out) :: yield        !< grain carried off
    real(wp), intent(out) :: harvest      !< grain and straw carried off
    real(wp) :: maintenance, dead, flush, growth, to_grain, share, straw, taken
    integer :: k
    exudation = f_exud*gpp
    nsc = nsc + gpp - exudation
    maintenance = maintenance_rate(rm25, t_30d)*((leaf/cn_leaf + stem/cn_stem + grain/cn_grain) &
        *lloyd_taylor(t_air)         + root/cn_root*lloyd_taylor(t_soil))
    maintenance = min(maintenance, 0.1_wp*nsc)
    nsc = nsc - maintenance
    ra = maintenance
    to_stem = 0.0_wp
    to_root = 0.0_wp
    yield = 0.0_wp
    harvest = 0.0_wp
    k = nint(crop)
    if (k > 0) then
      dead = max(0.0_wp, leaf - lai/sla)
      leaf_litter = leaves_fall(k)*dead
      leaf = leaf - dead
      stem = stem + (dead - leaf_litter)
      flush = min(max(0.0_wp, lai/sla - leaf), 0.3_wp*nsc/(1.0_wp + growth_cost))
      leaf = leaf + flush
      nsc = nsc - flush*(1.0_wp + growth_cost)
      growth = max(0.0_wp, nsc - seed_carbon - reserve_share*(leaf + stem))/growth_days/(1.0_wp + growth_cost) &
               *min(1.0_wp, max(0.0_wp, (t_air - t_freeze)/8.0_wp))
      nsc = nsc - growth*(1.0_wp + growth_cost)
      to_root = growth*(root_at_emergence + (root_at_anthesis - root_at_emergence)*min(1.0_wp, dvs))
      share = grain_share(k)*min(1.0_wp, max(0.0_wp, (dvs - stage_grain(k))/0.1_wp))
      to_grain = share*(growth - to_root)
      to_stem = growth - to_root - to_grain
      grain = grain + to_grain
      stem = stem + to_stem
      root_litter = root*turn_root/days_per_year
      root = root + to_root - root_litter
      ra = ra + growth_cost*(flush + growth)
    else
      taken = 0.0_wp
      if (harvested > 0.0_wp) taken = 1.0_wp - residue
      straw = leaf + stem + max(0.0_wp, nsc - seed_carbon)
      yield = grain
      harvest = yield + taken*straw
      leaf_litter = straw - taken*straw
      root_litter = root
      nsc = min(nsc, seed_carbon)
      leaf = 0.0_wp
      stem = 0.0_wp
      root = 0.0_wp
      grain = 0.0_wp
    end if
  end subroutine crop_carbon_day

  !> Nitrogen that stem and grain of a crop ask for [g m-2]: stems hold what grain needs later.
  elemental real(wp) function crop_store_nitrogen(stem, grain, crop)
    real(wp), intent(in) :: stem   !< stem carbon [g m-2]
    real(wp), intent(in) :: grain  !< grain carbon [g m-2]
    real(wp), intent(in) :: crop   !< flag, 0 for none
    crop_store_nitrogen = 0.0_wp
    if (crop > 0.0_wp) crop_store_nitrogen = max(stem/cn_green, stem/cn_straw + grain/cn_ripe(nint(crop)))
  end function crop_store_nitrogen

  !> Nitrogen that leaves a crop with leaf fall and dying roots, and all but the seed's at the harvest: with the
  !! grain, roots, and straw that is left or carried off [g m-2 day-1].
  elemental subroutine crop_nitrogen_losses(status, leaf_fall, root_litter, crop_before, crop, taken, grain, &
                                            root, nitrogen, leaf_n, root_n, harvest_n)
    real(wp), intent(in) :: status       !< nitrogen over demand [1]
    real(wp), intent(in) :: leaf_fall    !< litter carbon of leaves and stems [g m-2 day-1]
    real(wp), intent(in) :: root_litter  !< root litter carbon [g m-2 day-1]
    real(wp), intent(in) :: crop_before  !< crop at the start of the day
    real(wp), intent(in) :: crop         !< crop at the end of the day, 0 for none
    real(wp), intent(in) :: taken        !< share of straw carried off [1]
    real(wp), intent(in) :: grain        !< grain carbon before the harvest [g m-2]
    real(wp), intent(in) :: root         !< root carbon before the harvest [g m-2]
    real(wp), intent(inout) :: nitrogen  !< of the crop [g m-2]
    real(wp), intent(out) :: leaf_n      !< nitrogen of leaf litter and straw left
    real(wp), intent(out) :: root_n      !< nitrogen of root litter
    real(wp), intent(out) :: harvest_n   !< nitrogen carried off
    real(wp) :: poor, ripe, lost
    poor = min(1.0_wp, status)
    if (crop > 0.0_wp) then
      leaf_n = min(0.5_wp*nitrogen, poor*leaf_fall/cn_litter)
      root_n = min(0.5_wp*nitrogen, poor*root_litter/cn_litter)
      harvest_n = 0.0_wp
      nitrogen = max(0.0_wp, nitrogen - (leaf_n + root_n))
    else
      lost = max(0.0_wp, nitrogen - seed_nitrogen)
      ripe = 0.0_wp
      if (crop_before > 0.0_wp) ripe = min(0.9_wp*lost, grain/cn_ripe(nint(crop_before)))
      root_n = min(0.5_wp*(lost - ripe), root/cn_litter)
      harvest_n = ripe + taken*(lost - ripe - root_n)
      leaf_n = lost - root_n - harvest_n
      nitrogen = nitrogen - lost
    end if
  end subroutine crop_nitrogen_losses

end module crop_carbon
