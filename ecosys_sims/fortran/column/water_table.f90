!> Water of a wetland: one store, whose deficit sets the water table and the moisture above it.
!>
!> Granberg et al. (1999) in the form of Zhuang et al. (2004): above the water table zwt moisture
!> rises with the square of depth from a surface value theta_s, which falls to `dry_share` of the
!> porosity P as the table falls to `z_linear`:
!>
!>     theta(z) = theta_s + (P - theta_s) (z/zwt)^2
!>     theta_s  = P max(0.28, 1 - 0.72 zwt/0.10 m)
!>
!> The factor 1.5 of `table_depth` follows from the mass of that profile.
module water_table
  use constants, only: seconds_per_day
  use kinds, only: wp
  use parameters, only: site_parameters
  use soil_grid, only: nsoil, z_top, z_bottom
  use soil_water, only: water_flows
  implicit none (type, external)
  private
  public :: wetland_water, moisture_profile, table_depth

  real(wp), parameter :: z_linear = 0.10_wp  !< depth over which the surface dries [m]
  real(wp), parameter :: dry_share = 0.28_wp  !< driest surface moisture per porosity [1]
  !> growing season index that starts irrigation [1]
  real(wp), parameter :: growing_season = 0.30_wp
  real(wp), parameter :: paddy_depth = 0.05_wp  !< standing water that irrigation keeps [m]

contains

  !> Water table depth [m] for a deficit of water [m] below full saturation.
  elemental real(wp) function table_depth(deficit, porosity)
    real(wp), intent(in) :: deficit  !< [m]
    real(wp), intent(in) :: porosity  !< [1]
    real(wp) :: span
    span = porosity*(1.0_wp - dry_share)
    if (1.5_wp*deficit <= span*z_linear) then
      table_depth = sqrt(1.5_wp*max(0.0_wp, deficit)*z_linear/span)
    else
      table_depth = 1.5_wp*deficit/span
    end if
  end function table_depth

  !> Water of each layer [kg m-2] for a water table depth: the exact integral of the profile.
  pure subroutine moisture_profile(zwt, porosity, water)
    real(wp), intent(in) :: zwt  !< water table depth, > 0 [m]
    real(wp), intent(in) :: porosity  !< [1]
    real(wp), intent(out) :: water(nsoil)  !< [kg m-2]
    real(wp) :: surface, curve
    integer :: k
    call profile_shape(zwt, porosity, surface, curve)
    do k = 1, nsoil
      water(k) = layer_water(k, min(z_top(k), zwt), min(z_bottom(k), zwt), porosity, surface, curve)
    end do
  end subroutine moisture_profile

  !> One step of the wetlands of a block; all water in kg m-2 of the step, arrays (n) or (n, nsoil).
  !>
  !>     dW/dt = supply + inflow - evaporated - transpired - outflow - overflow
  !>     inflow  = q_in thawed, and irrigation up to 0.05 m of standing water
  !>     outflow = k_out thawed exp(-zwt/l_out)
  !>
  !> What exceeds h_max of standing water overflows.
  pure subroutine wetland_water(n, sites, dt, p, growing, thawed, full, flows, water, ponded, zwt, &
    surface, curve)
    integer, intent(in) :: n  !< number of sites
    integer, intent(in) :: sites(:)  !< places of the wetlands
    real(wp), intent(in) :: dt  !< step [s]
    type(site_parameters), intent(in) :: p  !< parameters
    real(wp), intent(in) :: growing(n)  !< growing season index, or whether a paddy is flooded [1]
    real(wp), intent(in) :: thawed(n)  !< share of soil water near the surface that is liquid [1]
    real(wp), intent(in) :: full(n)  !< water of the saturated column [kg m-2]
    type(water_flows), intent(inout) :: flows  !< supply, evaporation; sets inflow and runoff
    real(wp), intent(inout) :: water(n, nsoil)  !< liquid water and ice [kg m-2]
    real(wp), intent(inout) :: ponded(n)  !< standing water [kg m-2]
    real(wp), intent(inout) :: zwt(n)  !< water table depth [m]
    real(wp), intent(inout) :: surface(n), curve(n)  !< scratch
    real(wp) :: total, days, least, upper, lower
    integer :: i, j, k
    days = dt/seconds_per_day
    do k = 1, nsoil
      do j = 1, size(sites)
        i = sites(j)
        if (k == 1) surface(i) = 0.0_wp
        surface(i) = surface(i) + water(i, k)
      end do
    end do
    do j = 1, size(sites)
      i = sites(j)
      flows%inflow(i) = p%q_in(i)*thawed(i)*days
      if (p%irrigation(i) > 0.0_wp .and. growing(i) > growing_season) then
        flows%inflow(i) = flows%inflow(i) &
          + min(p%irrigation(i)*days, max(0.0_wp, 1.0e3_wp*(zwt(i) + paddy_depth)))
      end if
      flows%runoff(i) = p%k_out(i)*thawed(i)*exp(min(1.0_wp, -zwt(i)/p%l_out(i)))*days
      total = surface(i) + ponded(i) + flows%supply(i) + flows%inflow(i) &
        - (flows%transpired(i) + flows%evaporated(i))
      ! Water of the column with its table at the bottom: what lies deeper does not flow out.
      least = full(i) - 1.0e3_wp*p%porosity(i)*(1.0_wp - dry_share)*z_bottom(nsoil)/1.5_wp
      flows%runoff(i) = min(flows%runoff(i), max(0.0_wp, total - least))
      total = total - flows%runoff(i)
      ponded(i) = max(0.0_wp, total - full(i))
      if (ponded(i) > 1.0e3_wp*p%h_max(i)) then
        flows%runoff(i) = flows%runoff(i) + ponded(i) - 1.0e3_wp*p%h_max(i)
        ponded(i) = 1.0e3_wp*p%h_max(i)
      end if
      zwt(i) = -1.0e-3_wp*ponded(i)
      if (total < full(i)) zwt(i) = table_depth(1.0e-3_wp*(full(i) - total), p%porosity(i))
      call profile_shape(zwt(i), p%porosity(i), surface(i), curve(i))
    end do
    do k = 1, nsoil
      do j = 1, size(sites)
        i = sites(j)
        upper = min(z_top(k), max(0.0_wp, zwt(i)))
        lower = min(z_bottom(k), max(0.0_wp, zwt(i)))
        water(i, k) = layer_water(k, upper, lower, p%porosity(i), surface(i), curve(i))
      end do
    end do
  end subroutine wetland_water

  !> Surface moisture [m3 m-3] and curvature [m-2] of the profile.
  elemental subroutine profile_shape(zwt, porosity, surface, curve)
    real(wp), intent(in) :: zwt  !< water table depth [m]
    real(wp), intent(in) :: porosity  !< [1]
    real(wp), intent(out) :: surface  !< [1]
    real(wp), intent(out) :: curve  !< a third of it [m-2]
    surface = porosity*max(dry_share, 1.0_wp - (1.0_wp - dry_share)*max(0.0_wp, zwt)/z_linear)
    curve = (porosity - surface)/(3.0_wp*max(zwt, 1.0e-6_wp)**2)
  end subroutine profile_shape

  !> Water of a layer [kg m-2] whose part above the water table lies between two depths.
  elemental real(wp) function layer_water(k, upper, lower, porosity, surface, curve)
    integer, intent(in) :: k  !< layer
    real(wp), intent(in) :: upper  !< [m]
    real(wp), intent(in) :: lower  !< [m]
    real(wp), intent(in) :: porosity  !< [1]
    real(wp), intent(in) :: surface  !< moisture at the surface [1]
    real(wp), intent(in) :: curve  !< [m-2]
    layer_water = 1.0e3_wp*(surface*(lower - upper) + curve*(lower**3 - upper**3) &
      + porosity*((z_bottom(k) - lower) - (z_top(k) - upper)))
  end function layer_water

end module water_table
