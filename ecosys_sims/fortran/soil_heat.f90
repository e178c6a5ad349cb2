!> Heat conduction with freezing and thawing in a layered soil under snow and a moss or litter mat.
!!
!! Backward Euler in enthalpy, solved by Newton's method for each site; the state is then moved on
!! by the
!! fluxes themselves, so soil heat changes by what passed the surface, to round-off. Water freezes
!! evenly
!! between 0 and -0.5 C except for a share that never does. Conductivity after Johansen (1975),
!! Farouki
!! (1981).
module soil_heat
  use kinds, only: wp
  use constants, only: t_freeze, l_fusion, c_water, c_ice
  use soil_grid, only: nsoil, dz
  use tridiagonal, only: solve_tridiagonal
  implicit none
  private
  public :: conduct_heat, layer_conductance, layer_heat, heat_to_state, ice_at

  real(wp), parameter :: freezing_range = 0.5_wp     !< water freezes from 0 C to this below [K]
  real(wp), parameter :: heat_tolerance = 1.0_wp     !< residual of a converged layer [J m-2]
  integer, parameter :: max_iterations = 12          !< of Newton's method
  real(wp), parameter :: log_k_ice = log(2.29_wp)    !< of ice [W m-1 K-1]
  real(wp), parameter :: log_k_water = log(0.57_wp)  !< of water [W m-1 K-1]

contains

  !> Heat of a layer relative to liquid water at 0 C [J m-2].
  elemental real(wp) function layer_heat(temperature, liquid, ice, solid_heat)
    real(wp), intent(in) :: temperature  !< [K]
    real(wp), intent(in) :: liquid       !< [kg m-2]
    real(wp), intent(in) :: ice          !< [kg m-2]
    real(wp), intent(in) :: solid_heat   !< heat capacity of the solids [J m-2 K-1]
    layer_heat = (solid_heat + c_water*liquid + c_ice*ice)*(temperature - t_freeze) - l_fusion*ice
  end function layer_heat

  !> Ice of a layer in equilibrium with its temperature [kg m-2].
  elemental real(wp) function ice_at(temperature, freezable)
    real(wp), intent(in) :: temperature  !< [K]
    real(wp), intent(in) :: freezable    !< water that can freeze [kg m-2]
    ice_at = freezable*min(1.0_wp, max(0.0_wp, (t_freeze - temperature)/freezing_range))
  end function ice_at

  !> Temperature and ice of a layer from its heat.
  elemental subroutine heat_to_state(heat, water, unfrozen, solid_heat, temperature, liquid, ice)
    real(wp), intent(in) :: heat         !< heat of the layer [J m-2]
    real(wp), intent(in) :: water        !< liquid water and ice [kg m-2]
    real(wp), intent(in) :: unfrozen     !< water that never freezes [kg m-2]
    real(wp), intent(in) :: solid_heat   !< heat capacity of the solids [J m-2 K-1]
    real(wp), intent(out) :: temperature !< [K]
    real(wp), intent(out) :: liquid      !< [kg m-2]
    real(wp), intent(out) :: ice         !< [kg m-2]
    real(wp) :: freezable, slope, curve, frozen_heat, below
    freezable = max(0.0_wp, water - unfrozen)
    frozen_heat = -(solid_heat + c_water*(water - freezable) + c_ice*freezable)*freezing_range &
                  - l_fusion*freezable
    if (heat >= 0.0_wp) then
      ice = 0.0_wp
    else if (heat <= frozen_heat) then
      ice = freezable
    else
      slope = solid_heat + c_water*water + l_fusion*freezable/freezing_range
      curve = (c_water - c_ice)*freezable/freezing_range
      below = -2.0_wp*heat/(slope + sqrt(slope*slope + 4.0_wp*curve*heat))
      ice = freezable*min(1.0_wp, below/freezing_range)
    end if
    liquid = water - ice
    temperature = t_freeze + (heat + l_fusion*ice)/(solid_heat + c_water*liquid + c_ice*ice)
  end subroutine heat_to_state

  !> Conductance from each layer's middle to the next one's [W m-2 K-1], and of the upper half
  !! layer.
  pure subroutine layer_conductance(nsite, liquid, ice, capacity, porosity, k_solid, k_dry, &
                                    conductance, top_half, half)
    integer, intent(in) :: nsite                        !< number of sites
    real(wp), intent(in) :: liquid(nsite, nsoil)        !< [kg m-2]
    real(wp), intent(in) :: ice(nsite, nsoil)           !< [kg m-2]
    real(wp), intent(in) :: capacity(nsite, nsoil)      !< largest water content [kg m-2]
    real(wp), intent(in) :: porosity(nsite)             !< [1]
    !> log conductivity of solids [log(W m-1 K-1)]
    real(wp), intent(in) :: k_solid(nsite, nsoil)
    real(wp), intent(in) :: k_dry(nsite, nsoil)         !< conductivity of dry soil [W m-1 K-1]
    real(wp), intent(out) :: conductance(nsite, nsoil)  !< to the layer below; 0 for the last
    !> resistance of the upper half layer [m2 K W-1]
    real(wp), intent(out) :: top_half(nsite)
    real(wp), intent(inout) :: half(nsite, nsoil)       !< scratch
    real(wp) :: water, thawed, saturation, k_saturated, kersten, resistance
    integer :: i, k
    do k = 1, nsoil
      do i = 1, nsite
        water = liquid(i, k) + ice(i, k)
        thawed = liquid(i, k)/max(water, 1.0e-9_wp)
        saturation = min(1.0_wp, water/capacity(i, k))
        k_saturated = exp((1.0_wp - porosity(i))*k_solid(i, k) &
                          + porosity(i)*(thawed*log_k_water + (1.0_wp - thawed)*log_k_ice))
        kersten = thawed*(1.0_wp + log10(max(0.1_wp, saturation))) + (1.0_wp - thawed)*saturation
        resistance = 0.5_wp*dz(k)/(k_dry(i, k) + kersten*max(0.0_wp, k_saturated - k_dry(i, k)))
        half(i, k) = resistance
      end do
    end do
    top_half = half(:, 1)
    do k = 1, nsoil - 1
      conductance(:, k) = 1.0_wp/(half(:, k) + half(:, k + 1))
    end do
    conductance(:, nsoil) = 0.0_wp
  end subroutine layer_conductance

  !> One step of conduction and phase change of one site.
  pure subroutine conduct_heat(dt, t_surface, surface_conductance, conductance, solid_heat, &
                               unfrozen, temperature, liquid, ice, ground_heat)
    real(wp), intent(in) :: dt                    !< step [s]
    real(wp), intent(in) :: t_surface             !< surface temperature [K]
    real(wp), intent(in) :: surface_conductance   !< surface to first layer [W m-2 K-1]
    real(wp), intent(in) :: conductance(:)        !< layer to layer [W m-2 K-1], (nsoil)
    real(wp), intent(in) :: solid_heat(:)         !< heat capacity of solids [J m-2 K-1], (nsoil)
    real(wp), intent(in) :: unfrozen(:)           !< water that never freezes [kg m-2], (nsoil)
    real(wp), intent(inout) :: temperature(nsoil) !< [K]
    real(wp), intent(inout) :: liquid(nsoil)      !< [kg m-2]
    real(wp), intent(inout) :: ice(nsoil)         !< [kg m-2]
    real(wp), intent(out) :: ground_heat          !< heat into the soil in the step [J m-2]
    real(wp), dimension(nsoil) :: heat, water, freezable, link, gain, t, lower, upper
    real(wp) :: diagonal(1, nsoil), right(1, nsoil), change(1, nsoil), ice_new, slope, worst
    integer :: iteration, k
    water = liquid + ice
    do k = 1, nsoil
      heat(k) = layer_heat(temperature(k), liquid(k), ice(k), solid_heat(k))
      freezable(k) = max(0.0_wp, water(k) - unfrozen(k))
      link(k) = dt*conductance(k)
    end do
    lower(1) = -dt*surface_conductance
    lower(2:) = -link(:nsoil - 1)
    upper = -link
    t = temperature
    do iteration = 1, max_iterations
      call heat_gain(dt*surface_conductance, t_surface, link, t, gain)
      worst = 0.0_wp
      do k = 1, nsoil
        ice_new = ice_at(t(k), freezable(k))
        right(1, k) = heat(k) + gain(k) - layer_heat(t(k), water(k) - ice_new, ice_new, &
            solid_heat(k))
        slope = solid_heat(k) + c_water*(water(k) - ice_new) + c_ice*ice_new
        if (t(k) <= t_freeze .and. t(k) > t_freeze - freezing_range) then
          slope = slope + freezable(k)/freezing_range*(l_fusion + (c_water - c_ice)*(t_freeze &
              - t(k)))
        end if
        diagonal(1, k) = slope - lower(k) - upper(k)
        worst = max(worst, abs(right(1, k)))
      end do
      if (worst < heat_tolerance) exit
      call solve_tridiagonal(1, nsoil, lower, diagonal, upper, right, change)
      do k = 1, nsoil
        t(k) = bounded_change(t(k), change(1, k), freezable(k))
      end do
    end do
    call heat_gain(dt*surface_conductance, t_surface, link, t, gain)
    ground_heat = dt*surface_conductance*(t_surface - t(1))
    do k = 1, nsoil
      call heat_to_state(heat(k) + gain(k), water(k), unfrozen(k), solid_heat(k), temperature(k), &
                         liquid(k), ice(k))
    end do
  end subroutine conduct_heat

  !> Heat that each layer gains from its neighbours in the step [J m-2].
  pure subroutine heat_gain(surface_link, t_surface, link, t, gain)
    real(wp), intent(in) :: surface_link  !< surface to first layer, times the step [J m-2 K-1]
    real(wp), intent(in) :: t_surface     !< surface temperature [K]
    real(wp), intent(in) :: link(nsoil)   !< layer to layer, times the step [J m-2 K-1]
    real(wp), intent(in) :: t(nsoil)      !< [K]
    real(wp), intent(out) :: gain(nsoil)  !< [J m-2]
    real(wp) :: above, below
    integer :: k
    above = surface_link*(t_surface - t(1))
    do k = 1, nsoil - 1
      below = link(k)*(t(k) - t(k + 1))
      gain(k) = above - below
      above = below
    end do
    gain(nsoil) = above
  end subroutine heat_gain

  !> Newton's new temperature; a step across the freezing range stops at its near edge.
  elemental real(wp) function bounded_change(t, change, freezable)
    real(wp), intent(in) :: t          !< [K]
    real(wp), intent(in) :: change     !< Newton's step [K]
    real(wp), intent(in) :: freezable  !< water that can freeze [kg m-2]
    bounded_change = t + change
    if (freezable <= 0.0_wp) return
    if (t > t_freeze .and. bounded_change < t_freeze) then
      bounded_change = t_freeze
    else if (t <= t_freeze - freezing_range .and. bounded_change > t_freeze - freezing_range) then
      bounded_change = t_freeze - freezing_range*(1.0_wp - 1.0e-9_wp)
    end if
  end function bounded_change

end module soil_heat
