!> Water of an upland soil: layers that fill, drain downwards and are emptied by roots.
!!
!! Water above field capacity drains as a linear reservoir at the saturated conductivity (the
!! storage
!! routing of SWAT, Neitsch et al. 2011, solved implicitly), slowed by ice. What the soil below
!! cannot
!! take backs up to the surface. Texture functions after Cosby et al. (1984).
module soil_water
  use kinds, only: wp
  use soil_grid, only: nsoil
  implicit none
  private
  public :: upland_water, groundwater, texture_conductivity, texture_moisture

  integer, parameter :: n_evaporating = 5     !< layers that bare soil dries (0.10 m)
  real(wp), parameter :: recession = 60.0_wp  !< groundwater runs off in so long [day]
  real(wp), parameter :: specific_yield = 0.15_wp  !< water per rise of the groundwater [1]
  !> evaporation through litter relative to bare soil [1]
  real(wp), parameter :: mulch = 0.7_wp

contains

  !> Saturated conductivity [kg m-2 s-1] from sand (Cosby et al. 1984).
  elemental real(wp) function texture_conductivity(sand)
    real(wp), intent(in) :: sand  !< mass fraction [1]
    texture_conductivity = 0.0070556_wp*10.0_wp**(-0.884_wp + 1.53_wp*sand)
  end function texture_conductivity

  !> Moisture [m3 m-3] at a suction: Clapp-Hornberger with Cosby's parameters.
  elemental real(wp) function texture_moisture(porosity, sand, clay, suction)
    real(wp), intent(in) :: porosity  !< [1]
    real(wp), intent(in) :: sand      !< mass fraction [1]
    real(wp), intent(in) :: clay      !< mass fraction [1]
    real(wp), intent(in) :: suction   !< [mm of water]
    real(wp) :: b, entry
    b = 2.91_wp + 15.9_wp*clay
    entry = 10.0_wp*10.0_wp**(1.88_wp - 1.31_wp*sand)
    texture_moisture = porosity*min(1.0_wp, (suction/entry)**(-1.0_wp/b))
  end function texture_moisture

  !> One step of one upland soil; all water in kg m-2 of the step.
  pure subroutine upland_water(dt, n_active, supply, transpiration, soil_evaporation, k_out, &
                               h_max, capacity, field_capacity, wilting, conductivity, &
                               root_share, liquid, ice, ponded, drainage, runoff, evaporated, &
                               transpired)
    real(wp), intent(in) :: dt                     !< step [s]
    integer, intent(in) :: n_active                !< layers above the drainage base
    real(wp), intent(in) :: supply                 !< throughfall and melt
    real(wp), intent(in) :: transpiration          !< demand of roots
    real(wp), intent(in) :: soil_evaporation       !< demand at the surface
    real(wp), intent(in) :: k_out                  !< largest drainage [kg m-2 day-1]
    real(wp), intent(in) :: h_max                  !< largest standing water [m]
    real(wp), intent(in) :: capacity(:)        !< [kg m-2]
    real(wp), intent(in) :: field_capacity(:)  !< [kg m-2]
    real(wp), intent(in) :: wilting(:)         !< [kg m-2]
    real(wp), intent(in) :: conductivity           !< saturated [kg m-2 s-1]
    real(wp), intent(in) :: root_share(:)      !< [1]
    real(wp), intent(inout) :: liquid(nsoil)       !< [kg m-2]
    real(wp), intent(in) :: ice(nsoil)             !< [kg m-2]
    real(wp), intent(inout) :: ponded              !< standing water [kg m-2]
    real(wp), intent(out) :: drainage              !< out of the lowest active layer
    real(wp), intent(out) :: runoff                !< from the surface
    real(wp), intent(out) :: evaporated            !< from the soil surface
    real(wp), intent(out) :: transpired            !< by roots
    real(wp) :: flow, over, rate, free
    integer :: k
    call take_up(transpiration, soil_evaporation, capacity, field_capacity, wilting, root_share, &
                 liquid, evaporated, transpired)
    over = ponded + supply
    flow = min(over, dt*conductivity*impedance(ice(1), capacity(1)))
    ponded = over - flow
    do k = 1, n_active
      liquid(k) = liquid(k) + flow
      free = min(liquid(k), max(0.0_wp, liquid(k) + ice(k) - field_capacity(k)))
      rate = dt*conductivity*impedance(ice(k), capacity(k))/(capacity(k) - field_capacity(k))
      flow = free*rate/(1.0_wp + rate)
      if (k == n_active) flow = min(flow, k_out*dt/86400.0_wp)
      liquid(k) = liquid(k) - flow
    end do
    drainage = flow
    over = 0.0_wp
    do k = n_active, 1, -1
      liquid(k) = liquid(k) + over
      over = max(0.0_wp, min(liquid(k), liquid(k) + ice(k) - capacity(k)))
      liquid(k) = liquid(k) - over
    end do
    ponded = ponded + over
    over = max(0.0_wp, ponded - 1.0e3_wp*h_max)
    ponded = ponded - over
    runoff = over
  end subroutine upland_water

  !> Slowing of flow by ice, 0..1.
  elemental real(wp) function impedance(ice, capacity)
    real(wp), intent(in) :: ice       !< [kg m-2]
    real(wp), intent(in) :: capacity  !< [kg m-2]
    real(wp) :: free
    free = max(0.0_wp, 1.0_wp - ice/capacity)
    free = free*free
    impedance = free*free
  end function impedance

  !> Evaporation from the upper layers and water uptake by roots, each within what is there.
  pure subroutine take_up(transpiration, soil_evaporation, capacity, field_capacity, wilting, &
                          root_share, liquid, evaporated, transpired)
    real(wp), intent(in) :: transpiration          !< demand of roots [kg m-2]
    real(wp), intent(in) :: soil_evaporation       !< demand at the surface [kg m-2]
    real(wp), intent(in) :: capacity(:)        !< [kg m-2]
    real(wp), intent(in) :: field_capacity(:)  !< [kg m-2]
    real(wp), intent(in) :: wilting(:)         !< [kg m-2]
    real(wp), intent(in) :: root_share(:)      !< [1]
    real(wp), intent(inout) :: liquid(nsoil)       !< [kg m-2]
    real(wp), intent(out) :: evaporated            !< [kg m-2]
    real(wp), intent(out) :: transpired            !< [kg m-2]
    real(wp) :: taken, wet, floor
    integer :: k
    transpired = 0.0_wp
    evaporated = 0.0_wp
    do k = 1, nsoil
      if (root_share(k) <= 0.0_wp) exit
      wet = (liquid(k) - wilting(k))/(0.6_wp*(field_capacity(k) - wilting(k)))
      taken = root_share(k)*transpiration*min(1.0_wp, max(0.0_wp, wet))
      taken = min(taken, max(0.0_wp, liquid(k) - wilting(k)))
      liquid(k) = liquid(k) - taken
      transpired = transpired + taken
    end do
    do k = 1, n_evaporating
      floor = 0.1_wp*capacity(k)
      wet = min(1.0_wp, max(0.0_wp, (liquid(k) - floor)/(field_capacity(k) - floor)))
      taken = min(mulch*soil_evaporation*wet*wet/real(n_evaporating, wp), max(0.0_wp, liquid(k) &
          - floor))
      liquid(k) = liquid(k) - taken
      evaporated = evaporated + taken
    end do
  end subroutine take_up

  !> Drainage feeds the groundwater, which runs off as a linear reservoir; its level is the water
  !! table.
  elemental subroutine groundwater(dt, recharge, d_water, aquifer, baseflow, zwt)
    real(wp), intent(in) :: dt          !< step [s]
    real(wp), intent(in) :: recharge    !< drainage of the step [kg m-2]
    real(wp), intent(in) :: d_water     !< depth of the drainage base [m]
    real(wp), intent(inout) :: aquifer  !< groundwater above that base [kg m-2]
    real(wp), intent(out) :: baseflow   !< runoff from it in the step [kg m-2]
    real(wp), intent(out) :: zwt        !< water table depth [m]
    aquifer = aquifer + recharge
    baseflow = aquifer*min(1.0_wp, dt/(86400.0_wp*recession))
    aquifer = aquifer - baseflow
    zwt = max(0.1_wp, d_water - 1.0e-3_wp*aquifer/specific_yield)
  end subroutine groundwater

end module soil_water
