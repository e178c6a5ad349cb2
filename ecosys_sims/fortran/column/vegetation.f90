!> Carbon of plants: leaf, wood, fine root and non-structural carbon (NSC).
!>
!> Maintenance respiration by nitrogen (Ryan 1991; C:N of Sitch et al. 2003) with the temperature
!> response of Lloyd and Taylor (1994) and the thermal acclimation of Atkin et al. (2008). Leaf
!> carbon follows the phenology's leaf area as far as NSC allows; the rest of growth goes to wood
!> and roots.
module vegetation
  use column_state, only: column_type, daily_forcing, daily_fluxes
  use constants, only: t_freeze, days_per_year
  use kinds, only: wp
  use parameters, only: site_parameters
  implicit none (type, external)
  private
  public :: plant_growth, vegetation_day, nsc_reserve, lloyd_taylor, maintenance_rate, growth_cost
  public :: cn_leaf, cn_wood, cn_root

  real(wp), parameter :: cn_leaf = 29.0_wp  !< C:N of leaves
  real(wp), parameter :: cn_wood = 330.0_wp  !< C:N of sapwood
  real(wp), parameter :: cn_root = 29.0_wp  !< C:N of fine roots
  real(wp), parameter :: sapwood_max = 2000.0_wp  !< living wood at most [g m-2]
  real(wp), parameter :: sapwood_share = 0.2_wp  !< living share of wood [1]
  real(wp), parameter :: growth_cost = 0.25_wp  !< respired per carbon built [1]
  real(wp), parameter :: growth_days = 20.0_wp  !< NSC above the reserve lasts so long [day]
  !> loss rate of crop stems after the season [day-1]
  real(wp), parameter :: senescence = 0.08_wp

  !> carbon that plants of one site build and lose on a day [g m-2 day-1]
  type :: plant_growth
    real(wp) :: exudation = 0.0_wp  !< root exudation
    real(wp) :: to_wood = 0.0_wp  !< growth of wood, of crops the stem
    real(wp) :: to_root = 0.0_wp  !< growth of fine roots
    real(wp) :: leaf_litter = 0.0_wp  !< litter of leaves, of crops with that of stems
    real(wp) :: wood_litter = 0.0_wp  !< litter of wood
    real(wp) :: root_litter = 0.0_wp  !< litter of fine roots
  end type plant_growth

contains

  !> NSC that plants keep to flush their leaves again [g m-2].
  elemental real(wp) function nsc_reserve(lai_max, lai_min, sla)
    real(wp), intent(in) :: lai_max  !< largest leaf area index [1]
    real(wp), intent(in) :: lai_min  !< share kept all year [1]
    real(wp), intent(in) :: sla  !< leaf area per leaf carbon [m2 g-1]
    nsc_reserve = 15.0_wp + 0.7_wp*lai_max*(1.0_wp - lai_min)/sla
  end function nsc_reserve

  !> Response of respiration to temperature, 1 at 10 C (Lloyd and Taylor 1994):
  !>
  !>     g(T) = exp(308.56 (1/56.02 - 1/(T + 46.02))),  T in degC within -30..45
  elemental real(wp) function lloyd_taylor(temperature)
    real(wp), intent(in) :: temperature  !< [K]
    real(wp) :: t
    t = min(45.0_wp, max(-30.0_wp, temperature - t_freeze))
    lloyd_taylor = exp(308.56_wp*(1.0_wp/56.02_wp - 1.0_wp/(t + 46.02_wp)))
  end function lloyd_taylor

  !> Maintenance respiration per nitrogen at 10 C [g g-1 day-1], acclimated to the last month (Atkin
  !> et al. 2008):
  !>
  !>     r = rm25/3.2 10^(-0.00794 (T30 - 25)),  T30 in degC; 3.2 = g(25)/g(10)
  elemental real(wp) function maintenance_rate(rm25, t_30d)
    real(wp), intent(in) :: rm25  !< at 25 C [g g-1 day-1]
    real(wp), intent(in) :: t_30d  !< air temperature of the last month [K]
    maintenance_rate = rm25/3.2_wp*10.0_wp**(-0.00794_wp*(t_30d - t_freeze - 25.0_wp))
  end function maintenance_rate

  !> One day of plant carbon at one site; all fluxes in g m-2 day-1.
  !>
  !>     dNSC/dt  = GPP - E - M - (1 + c) (F + G)       E = f_exud GPP, at most a tenth of NSC for M
  !>     dleaf/dt = F - leaf turn_leaf - (leaf - LAI/sla)+
  !>     dwood/dt = alloc_wood G - wood (turn_wood [+ senescence])
  !>     droot/dt = (1 - alloc_wood) G - root turn_root
  !>     M = r [(leaf/29 + sapwood/330) g(T air) + root/29 g(T soil)]
  !>     F = min(LAI/sla - leaf, 0.2 NSC/(1 + c))
  !>     G = (NSC - reserve)/(20 d)/(1 + c) min(1, T air/8 degC)
  !>     Ra = M + c (F + G)
  !>
  !> with growth cost c = 0.25, g of `lloyd_taylor` and r of `maintenance_rate`.
  pure subroutine vegetation_day(i, p, day, state, fluxes, growth)
    integer, intent(in) :: i  !< site
    type(site_parameters), intent(in) :: p  !< parameters
    type(daily_forcing), intent(in) :: day  !< forcing of the day
    type(column_type), intent(inout) :: state  !< state; its leaf area is what phenology asks for
    type(daily_fluxes), intent(inout) :: fluxes  !< results of the day: sets `ra` and `harvest`
    type(plant_growth), intent(out) :: growth  !< growth and litter
    real(wp) :: maintenance, rate, flush, built, lost_leaf, lost_wood, spare
    associate (leaf => state%leaf(i), wood => state%wood(i), root => state%root(i), &
      nsc => state%nsc(i), lai => state%lai(i), gpp => fluxes%gpp(i), &
      t_air => day%tas(i))
      rate = maintenance_rate(p%rm25(i), state%t_30d(i))
      maintenance = rate*((leaf/cn_leaf + min(sapwood_max, sapwood_share*wood)/cn_wood) &
        *lloyd_taylor(t_air) &
        + root/cn_root*lloyd_taylor(fluxes%soil_temperature(i)))
      growth%exudation = p%f_exud(i)*gpp
      nsc = nsc + gpp - growth%exudation
      maintenance = min(maintenance, 0.1_wp*nsc)
      nsc = nsc - maintenance

      lost_leaf = leaf*p%turn_leaf(i)/days_per_year
      lost_leaf = lost_leaf + max(0.0_wp, leaf - lost_leaf - lai/p%sla(i))
      leaf = leaf - lost_leaf
      flush = min(max(0.0_wp, lai/p%sla(i) - leaf), 0.2_wp*nsc/(1.0_wp + growth_cost))
      leaf = leaf + flush
      nsc = nsc - flush*(1.0_wp + growth_cost)

      spare = max(0.0_wp, nsc - nsc_reserve(p%lai_max(i), p%lai_min(i), p%sla(i)))
      built = spare/growth_days/(1.0_wp + growth_cost) &
        *min(1.0_wp, max(0.0_wp, (t_air - t_freeze)/8.0_wp))
      nsc = nsc - built*(1.0_wp + growth_cost)
      growth%to_wood = p%alloc_wood(i)*built
      growth%to_root = built - growth%to_wood

      lost_wood = wood*p%turn_wood(i)/days_per_year
      if (p%harvest_fraction(i) > 0.0_wp .and. state%gsi(i) < 0.3_wp) then
        lost_wood = lost_wood + senescence*wood
      end if
      growth%root_litter = root*p%turn_root(i)/days_per_year
      wood = wood + growth%to_wood - lost_wood
      root = root + growth%to_root - growth%root_litter
      fluxes%harvest(i) = p%harvest_fraction(i)*(lost_leaf + lost_wood)
      growth%leaf_litter = (1.0_wp - p%harvest_fraction(i))*lost_leaf
      growth%wood_litter = (1.0_wp - p%harvest_fraction(i))*lost_wood
      fluxes%ra(i) = maintenance + growth_cost*(flush + built)
    end associate
  end subroutine vegetation_day

end module vegetation
