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
    real(wp) :: surface, curve, upper, lower
    integer :: k
    surface = porosity*max(dry_share, 1.0_wp - (1.0_wp - dry_share)*zwt/z_linear)
    curve = (porosity - surface)/(3.0_wp*max(zwt, 1.0e-6_wp)**2)
    do k = 1, nsoil
      upper = min(z_top(k), zwt)
      lower = min(z_bottom(k), zwt)
      water(k) = 1.0e3_wp*(surface*(lower - upper) + curve*(lower**3 - upper**3) &
                           + porosity*((z_bottom(k) - lower) - (z_top(k) - upper)))
    end do
  end subroutine moisture_profile

  !> One step of one wetland; all water in kg m-2 of the step.
  pure subroutine wetland_water(dt, supply, demand, porosity, k_out, l_out, q_in, h_max, &
                                irrigation, gsi, thawed, full, liquid, ice, ponded, zwt, runoff, &
                                inflow)
    real(wp), intent(in) :: dt          !< step [s]
    real(wp), intent(in) :: supply      !< throughfall and melt
    real(wp), intent(in) :: demand      !< evapotranspiration
    real(wp), intent(in) :: porosity    !< [1]
    !> outflow with the water table at the surface [kg m-2 day-1]
    real(wp), intent(in) :: k_out
    real(wp), intent(in) :: l_out       !< e-folding depth of outflow [m]
    real(wp), intent(in) :: q_in        !< inflow [kg m-2 day-1]
    real(wp), intent(in) :: h_max       !< largest standing water [m]
    real(wp), intent(in) :: irrigation  !< largest irrigation [kg m-2 day-1]
    real(wp), intent(in) :: gsi         !< growing season index [1]
    real(wp), intent(in) :: thawed      !< share of soil water near the surface that is liquid [1]
    real(wp), intent(in) :: full        !< water of the saturated column [kg m-2]
    real(wp), intent(inout) :: liquid(nsoil)  !< [kg m-2]
    real(wp), intent(inout) :: ice(nsoil)     !< [kg m-2]
    real(wp), intent(inout) :: ponded         !< standing water [kg m-2]
    real(wp), intent(inout) :: zwt            !< water table depth [m]
    real(wp), intent(out) :: runoff           !< outflow and overflow
    real(wp), intent(out) :: inflow           !< inflow and irrigation
    real(wp) :: water(nsoil), total, days, least
    integer :: k
    days = dt/86400.0_wp
    inflow = q_in*thawed*days
    if (irrigation > 0.0_wp .and. gsi > growing_season) then
      inflow = inflow + min(irrigation*days, max(0.0_wp, 1.0e3_wp*(zwt + paddy_depth)))
    end if
    runoff = k_out*thawed*exp(min(1.0_wp, -zwt/l_out))*days
    total = sum(liquid) + sum(ice) + ponded + supply + inflow - demand
    ! Water of the column with its table at the bottom: what lies deeper does not flow out.
    least = full - 1.0e3_wp*porosity*(1.0_wp - dry_share)*z_bottom(nsoil)/1.5_wp
    runoff = min(runoff, max(0.0_wp, total - least))
    total = total - runoff
    if (total >= full) then
      ponded = total - full
      if (ponded > 1.0e3_wp*h_max) then
        runoff = runoff + ponded - 1.0e3_wp*h_max
        ponded = 1.0e3_wp*h_max
      end if
      zwt = -1.0e-3_wp*ponded
      call moisture_profile(0.0_wp, porosity, water)
    else
      ponded = 0.0_wp
      zwt = table_depth(1.0e-3_wp*(full - total), porosity)
      call moisture_profile(zwt, porosity, water)
    end if
    do k = 1, nsoil
      ice(k) = min(ice(k), water(k))
      liquid(k) = water(k) - ice(k)
    end do
  end subroutine wetland_water

end module water_table
