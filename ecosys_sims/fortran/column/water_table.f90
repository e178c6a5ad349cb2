!> Water of a wetland: one store, whose deficit sets the water table and the moisture above it.
!!
!! Granberg et al. (1999) in the form of Zhuang et al. (2004): above the water table moisture rises
!! with
!! the square of depth from a surface value that falls to `theta_min`. The factor 1.5 follows from
!! the
!! mass of that profile. Outflow decays exponentially with water table depth.
module water_table
  use kinds, only: wp
  use soil_grid, only: nsoil, z_top, z_bottom
  implicit none
  private
  public :: wetland_water, moisture_profile, table_depth

  real(wp), parameter :: z_linear = 0.10_wp         !< depth over which the surface dries [m]
  real(wp), parameter :: dry_share = 0.28_wp        !< driest surface moisture per porosity [1]
  !> growing season index that starts irrigation [1]
  real(wp), parameter :: growing_season = 0.30_wp
  real(wp), parameter :: paddy_depth = 0.05_wp      !< standing water that irrigation keeps [m]

contains

  !> Water table depth [m] for a deficit of water [m] below full saturation.
  elemental real(wp) function table_depth(deficit, porosity)
    real(wp), intent(in) :: deficit   !< [m]
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
    real(wp), intent(in) :: zwt           !< water table depth, > 0 [m]
    real(wp), intent(in) :: porosity      !< [1]
    real(wp), intent(out) :: water(nsoil) !< [kg m-2]
    real(wp) :: surface, curve
    integer :: k
    call profile_shape(zwt, porosity, surface, curve)
    do k = 1, nsoil
      water(k) = layer_water(k, min(z_top(k), zwt), min(z_bottom(k), zwt), porosity, surface, curve)
    end do
  end subroutine moisture_profile

  !> One step of the wetlands of a block; all water in kg m-2 of the step, arrays (n) or (n, nsoil).
  pure subroutine wetland_water(n, m, sites, dt, supply, demand, porosity, k_out, l_out, q_in, h_max, &
                                irrigation, gsi, thawed, full, water, ponded, zwt, runoff, &
                                inflow, surface, curve)
    integer, intent(in) :: n            !< number of sites
    integer, intent(in) :: m            !< number of wetlands
    integer, intent(in) :: sites(n)     !< the first `m`: their places
    real(wp), intent(in) :: dt          !< step [s]
    real(wp), intent(in) :: supply(n)   !< throughfall and melt
    real(wp), intent(in) :: demand(n)   !< evapotranspiration
    real(wp), intent(in) :: porosity(n) !< [1]
    !> outflow with the water table at the surface [kg m-2 day-1]
    real(wp), intent(in) :: k_out(n)
    real(wp), intent(in) :: l_out(n)    !< e-folding depth of outflow [m]
    real(wp), intent(in) :: q_in(n)     !< inflow [kg m-2 day-1]
    real(wp), intent(in) :: h_max(n)    !< largest standing water [m]
    real(wp), intent(in) :: irrigation(n)  !< largest irrigation [kg m-2 day-1]
    real(wp), intent(in) :: gsi(n)      !< growing season index [1]
    real(wp), intent(in) :: thawed(n)   !< share of soil water near the surface that is liquid [1]
    real(wp), intent(in) :: full(n)     !< water of the saturated column [kg m-2]
    real(wp), intent(inout) :: water(n, nsoil)   !< liquid water and ice [kg m-2]
    real(wp), intent(inout) :: ponded(n)         !< standing water [kg m-2]
    real(wp), intent(inout) :: zwt(n)            !< water table depth [m]
    real(wp), intent(inout) :: runoff(n)         !< outflow and overflow
    real(wp), intent(inout) :: inflow(n)         !< inflow and irrigation
    real(wp), intent(inout) :: surface(n), curve(n)  !< scratch
    real(wp) :: total, days, least, upper, lower
    integer :: i, j, k
    days = dt/86400.0_wp
    do k = 1, nsoil
      do j = 1, m
        i = sites(j)
        if (k == 1) surface(i) = 0.0_wp
        surface(i) = surface(i) + water(i, k)
      end do
    end do
    do j = 1, m
      i = sites(j)
      inflow(i) = q_in(i)*thawed(i)*days
      if (irrigation(i) > 0.0_wp .and. gsi(i) > growing_season) then
        inflow(i) = inflow(i) &
                    + min(irrigation(i)*days, max(0.0_wp, 1.0e3_wp*(zwt(i) + paddy_depth)))
      end if
      runoff(i) = k_out(i)*thawed(i)*exp(min(1.0_wp, -zwt(i)/l_out(i)))*days
      total = surface(i) + ponded(i) + supply(i) + inflow(i) - demand(i)
      ! Water of the column with its table at the bottom: what lies deeper does not flow out.
      least = full(i) - 1.0e3_wp*porosity(i)*(1.0_wp - dry_share)*z_bottom(nsoil)/1.5_wp
      runoff(i) = min(runoff(i), max(0.0_wp, total - least))
      total = total - runoff(i)
      ponded(i) = max(0.0_wp, total - full(i))
      if (ponded(i) > 1.0e3_wp*h_max(i)) then
        runoff(i) = runoff(i) + ponded(i) - 1.0e3_wp*h_max(i)
        ponded(i) = 1.0e3_wp*h_max(i)
      end if
      zwt(i) = -1.0e-3_wp*ponded(i)
      if (total < full(i)) zwt(i) = table_depth(1.0e-3_wp*(full(i) - total), porosity(i))
      call profile_shape(zwt(i), porosity(i), surface(i), curve(i))
    end do
    do k = 1, nsoil
      do j = 1, m
        i = sites(j)
        upper = min(z_top(k), max(0.0_wp, zwt(i)))
        lower = min(z_bottom(k), max(0.0_wp, zwt(i)))
        water(i, k) = layer_water(k, upper, lower, porosity(i), surface(i), curve(i))
      end do
    end do
  end subroutine wetland_water

  !> Surface moisture [m3 m-3] and curvature [m-2] of the profile.
  elemental subroutine profile_shape(zwt, porosity, surface, curve)
    real(wp), intent(in) :: zwt       !< water table depth [m]
    real(wp), intent(in) :: porosity  !< [1]
    real(wp), intent(out) :: surface  !< [1]
    real(wp), intent(out) :: curve    !< a third of it [m-2]
    surface = porosity*max(dry_share, 1.0_wp - (1.0_wp - dry_share)*max(0.0_wp, zwt)/z_linear)
    curve = (porosity - surface)/(3.0_wp*max(zwt, 1.0e-6_wp)**2)
  end subroutine profile_shape

  !> Water of a layer [kg m-2] whose part above the water table lies between two depths.
  elemental real(wp) function layer_water(k, upper, lower, porosity, surface, curve)
    integer, intent(in) :: k          !< layer
    real(wp), intent(in) :: upper     !< [m]
    real(wp), intent(in) :: lower     !< [m]
    real(wp), intent(in) :: porosity  !< [1]
    real(wp), intent(in) :: surface   !< moisture at the surface [1]
    real(wp), intent(in) :: curve     !< [m-2]
    layer_water = 1.0e3_wp*(surface*(lower - upper) + curve*(lower**3 - upper**3) &
                            + porosity*((z_bottom(k) - lower) - (z_top(k) - upper)))
  end function layer_water

end module water_table
