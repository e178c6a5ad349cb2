!> Carbon of crops: growth is shared among leaves, stem, roots and grain by development stage; the
!> harvest carries grain and part of the straw away and ends the crop.
!>
!> Leaf carbon follows the prescribed leaf area as far as non-structural carbon (NSC) allows; the
!> rest of the growth goes to roots, to grain from anthesis on, and to the stem (the wood pool).
!> Maintenance respiration is that of `vegetation`. Harvest indices (grain per shoot at harvest) aim
!> at 0.5 for maize, 0.35-0.42 for soybean, 0.4 for wheat and 0.45 for rice (Hay 1995).
module crop_carbon
  use column_state, only: column_type, daily_forcing, daily_fluxes
  use constants, only: t_freeze, days_per_year
  use crops, only: n_crops
  use kinds, only: wp
  use parameters, only: site_parameters
  use vegetation, only: plant_growth, lloyd_taylor, maintenance_rate, growth_cost
  implicit none (type, external)
  private
  public :: crop_carbon_day, crop_store_nitrogen, crop_nitrogen_losses, seed_carbon, seed_nitrogen

  !> NSC kept from the harvest for the next sowing [g m-2]
  real(wp), parameter :: seed_carbon = 5.0_wp
  real(wp), parameter :: seed_nitrogen = 0.2_wp  !< the same of nitrogen [g m-2]
  !> C:N of ripe grain: maize 1.5 %, soybean 6.5 %, wheat 2.3 % and rice 1.3 % nitrogen
  real(wp), parameter :: cn_ripe(n_crops) = [30.0_wp, 8.0_wp, 19.0_wp, 33.0_wp]
  ! C:N of stems, green and when the grain has drawn on them (our choice)
  real(wp), parameter :: cn_green = 60.0_wp, cn_straw = 100.0_wp
  real(wp), parameter :: cn_litter = 29.0_wp  !< of leaf fall and roots, as in vegetation
  ! C:N of living tissue of fertilised crops, for maintenance: leaves 3.5 % N, the rest 1.5 %
  real(wp), parameter :: cn_leaf = 12.0_wp, cn_stem = 28.0_wp, cn_root = 28.0_wp, cn_grain = 28.0_wp
  real(wp), parameter :: growth_days = 4.0_wp  !< NSC beyond the reserve lasts so long [day]
  real(wp), parameter :: reserve_share = 0.05_wp  !< NSC that plants keep, of leaf and stem [1]
  !> shares of growth
  real(wp), parameter :: root_at_emergence = 0.40_wp, root_at_anthesis = 0.05_wp
  !> share of dead leaves that falls; the rest stands with the stem until the harvest [1]
  real(wp), parameter :: leaves_fall(n_crops) = [0.0_wp, 1.0_wp, 0.0_wp, 0.0_wp]
  !> stage at which grain filling starts
  real(wp), parameter :: stage_grain(n_crops) = [1.0_wp, 1.15_wp, 0.9_wp, 0.95_wp]
  !> grain's share of shoot growth from 0.1 stages later on [1]
  real(wp), parameter :: grain_share(n_crops) = [1.0_wp, 0.8_wp, 1.0_wp, 1.0_wp]

contains

  !> One day of crop carbon at one site; all fluxes in g m-2 day-1. Without a crop all plant carbon
  !> but the seed becomes litter. The wood of the state is the stem; crop and development stage are
  !> those of the end of the day.
  !>
  !>     dNSC/dt  = GPP - E - M - (1 + c) (F + G)       E = f_exud GPP, at most a tenth of NSC for M
  !>     dleaf/dt = F - (leaf - LAI/sla)+               F = min(LAI/sla - leaf, 0.3 NSC/(1 + c))
  !>     droot/dt = s_root G - root turn_root           s_root = 0.40 - 0.35 min(1, DVS)
  !>     dgrain/dt = s_grain (1 - s_root) G             s_grain = share (DVS - stage)/0.1, 0..share
  !>     dstem/dt = (1 - s_grain) (1 - s_root) G + dead leaves that do not fall
  !>     M = r [(leaf/12 + stem/28 + grain/28) g(T air) + root/28 g(T soil)]
  !>     G = (NSC - seed - 0.05 (leaf + stem))/(4 d)/(1 + c) min(1, T air/8 degC)
  !>     Ra = M + c (F + G)
  !>
  !> with growth cost c = 0.25, g and r of `vegetation`.
  pure subroutine crop_carbon_day(i, p, day, state, fluxes, growth)
    integer, intent(in) :: i  !< site
    type(site_parameters), intent(in) :: p  !< parameters
    type(daily_forcing), intent(in) :: day  !< forcing of the day
    !> state; its leaf area is what development asks for
    type(column_type), intent(inout) :: state
    type(daily_fluxes), intent(inout) :: fluxes  !< of the day: sets `ra`, `yield` and `harvest`
    type(plant_growth), intent(out) :: growth  !< growth and litter
    real(wp) :: maintenance, dead, flush, built, to_grain, share, straw, carried_off
    integer :: k
    associate (leaf => state%leaf(i), stem => state%wood(i), root => state%root(i), &
      grain => state%grain(i), nsc => state%nsc(i), lai => state%lai(i), &
      dvs => state%dvs(i), gpp => fluxes%gpp(i), ra => fluxes%ra(i), t_air => day%tas(i))
      growth%exudation = p%f_exud(i)*gpp
      nsc = nsc + gpp - growth%exudation
      maintenance = maintenance_rate(p%rm25(i), state%t_30d(i)) &
        *((leaf/cn_leaf + stem/cn_stem + grain/cn_grain)*lloyd_taylor(t_air) &
        + root/cn_root*lloyd_taylor(fluxes%soil_temperature(i)))
      maintenance = min(maintenance, 0.1_wp*nsc)
      nsc = nsc - maintenance
      ra = maintenance
      growth%wood_litter = 0.0_wp
      growth%to_wood = 0.0_wp
      growth%to_root = 0.0_wp
      fluxes%yield(i) = 0.0_wp
      fluxes%harvest(i) = 0.0_wp
      k = nint(state%crop(i))
      if (k > 0) then
        dead = max(0.0_wp, leaf - lai/p%sla(i))
        growth%leaf_litter = leaves_fall(k)*dead
        leaf = leaf - dead
        stem = stem + (dead - growth%leaf_litter)
        flush = min(max(0.0_wp, lai/p%sla(i) - leaf), 0.3_wp*nsc/(1.0_wp + growth_cost))
        leaf = leaf + flush
        nsc = nsc - flush*(1.0_wp + growth_cost)
        built = max(0.0_wp, nsc - seed_carbon - reserve_share*(leaf + stem))/growth_days &
          /(1.0_wp + growth_cost)*min(1.0_wp, max(0.0_wp, (t_air - t_freeze)/8.0_wp))
        nsc = nsc - built*(1.0_wp + growth_cost)
        growth%to_root = built*(root_at_emergence + (root_at_anthesis - root_at_emergence) &
          *min(1.0_wp, dvs))
        share = grain_share(k)*min(1.0_wp, max(0.0_wp, (dvs - stage_grain(k))/0.1_wp))
        to_grain = share*(built - growth%to_root)
        growth%to_wood = built - growth%to_root - to_grain
        grain = grain + to_grain
        stem = stem + growth%to_wood
        growth%root_litter = root*p%turn_root(i)/days_per_year
        root = root + growth%to_root - growth%root_litter
        ra = ra + growth_cost*(flush + built)
      else
        carried_off = 0.0_wp
        if (fluxes%harvested(i) > 0.0_wp) carried_off = 1.0_wp - p%residue(i)
        straw = leaf + stem + max(0.0_wp, nsc - seed_carbon)
        fluxes%yield(i) = grain
        fluxes%harvest(i) = fluxes%yield(i) + carried_off*straw
        growth%leaf_litter = straw - carried_off*straw
        growth%root_litter = root
        nsc = min(nsc, seed_carbon)
        leaf = 0.0_wp
        stem = 0.0_wp
        root = 0.0_wp
        grain = 0.0_wp
      end if
    end associate
  end subroutine crop_carbon_day

  !> Nitrogen that stem and grain of a crop ask for [g m-2]: stems hold what grain needs later.
  elemental real(wp) function crop_store_nitrogen(stem, grain, crop)
    real(wp), intent(in) :: stem  !< stem carbon [g m-2]
    real(wp), intent(in) :: grain  !< grain carbon [g m-2]
    real(wp), intent(in) :: crop  !< flag, 0 for none
    crop_store_nitrogen = 0.0_wp
    if (crop > 0.0_wp) then
      crop_store_nitrogen = max(stem/cn_green, stem/cn_straw + grain/cn_ripe(nint(crop)))
    end if
  end function crop_store_nitrogen

  !> Nitrogen that leaves a crop with leaf fall and dying roots, and all but the seed's at the
  !> harvest: with the grain, roots, and straw that is left or carried off [g m-2 day-1].
  elemental subroutine crop_nitrogen_losses(status, leaf_fall, root_litter, crop_before, crop, &
    straw_removed, grain, root, nitrogen, leaf_n, &
    root_n, harvest_n)
    real(wp), intent(in) :: status  !< nitrogen over demand [1]
    real(wp), intent(in) :: leaf_fall  !< litter carbon of leaves and stems [g m-2 day-1]
    real(wp), intent(in) :: root_litter  !< root litter carbon [g m-2 day-1]
    real(wp), intent(in) :: crop_before  !< crop at the start of the day
    real(wp), intent(in) :: crop  !< crop at the end of the day, 0 for none
    real(wp), intent(in) :: straw_removed  !< share of straw carried off [1]
    real(wp), intent(in) :: grain  !< grain carbon before the harvest [g m-2]
    real(wp), intent(in) :: root  !< root carbon before the harvest [g m-2]
    real(wp), intent(inout) :: nitrogen  !< of the crop [g m-2]
    real(wp), intent(out) :: leaf_n  !< nitrogen of leaf litter and straw left
    real(wp), intent(out) :: root_n  !< nitrogen of root litter
    real(wp), intent(out) :: harvest_n  !< nitrogen carried off
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
      harvest_n = ripe + straw_removed*(lost - ripe - root_n)
      leaf_n = lost - root_n - harvest_n
      nitrogen = nitrogen - lost
    end if
  end subroutine crop_nitrogen_losses

end module crop_carbon
