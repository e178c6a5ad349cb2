!> Heat conduction with freezing and thawing in a layered soil under snow and a moss or litter mat.
!>
!> Backward Euler in enthalpy for conduction and for the heat that moving water carries, taken at
!> the temperature of the layer it leaves (upwind). Newton's method for all sites side by side,
!> whose first step is exact where nothing freezes or thaws; sites where something does go on by
!> themselves. Their state is then moved on by the fluxes, so soil heat changes by what passed its
!> boundary, to round-off. Water freezes evenly between 0 and -0.5 C except for a share that never
!> does. Conductivity after Johansen (1975), Farouki (1981).
module soil_heat
  use constants, only: t_freeze, l_fusion, c_water, c_ice
  use kinds, only: wp
  use soil_grid, only: nsoil, dz
  use tridiagonal, only: solve_tridiagonal
  implicit none (type, external)
  private
  public :: freezing_range, heat_arrays, allocate_heat, heat_step, layer_conductance, layer_heat
  public :: heat_to_state, ice_at

  real(wp), parameter :: freezing_range = 0.5_wp  !< water freezes from 0 C to this below [K]
  real(wp), parameter :: heat_tolerance = 1.0_wp  !< residual of a converged layer [J m-2]
  real(wp), parameter :: round_off = 1.0e-5_wp  !< residual of an exact solution [J m-2]
  integer, parameter :: max_iterations = 12  !< of Newton's method
  real(wp), parameter :: far = 1.0e30_wp  !< beyond any temperature [K]
  !> just inside the freezing range [degC]
  real(wp), parameter :: frozen_edge = -freezing_range*(1.0_wp - 1.0e-9_wp)
  real(wp), parameter :: log_k_ice = log(2.29_wp)  !< of ice [W m-1 K-1]
  real(wp), parameter :: log_k_water = log(0.57_wp)  !< of water [W m-1 K-1]

  !> linear system of a heat step, (nsite, nsoil); heat relative to liquid water at 0 C
  type :: heat_system
    real(wp), allocatable :: theta(:, :)  !< temperature [degC]
    real(wp), allocatable :: heat(:, :)  !< heat of the layer [J m-2]
    !> heat of the layer and what comes with certainty [J m-2]
    real(wp), allocatable :: explicit_heat(:, :)
    real(wp), allocatable :: thawed(:, :)  !< heat capacity without ice [J m-2 K-1]
    real(wp), allocatable :: freezable(:, :)  !< water that can freeze [kg m-2]
    !> from the layers above and below [J m-2 K-1]
    real(wp), allocatable :: lower(:, :), upper(:, :)
    real(wp), allocatable :: leaving(:, :)  !< out of the layer [J m-2 K-1]
    real(wp), allocatable, dimension(:, :) :: slope, base, diagonal, right, x  !< scratch
    real(wp), allocatable :: worst(:)  !< largest residual of a site [J m-2]
    real(wp), allocatable :: active(:)  !< scratch: 1 where a site has not converged
  end type heat_system

  !> what the water of a step brings to soil heat, and scratch arrays
  type :: heat_arrays
    real(wp), allocatable :: water(:, :)  !< liquid water and ice after water has moved [kg m-2]
    !> liquid water that left the soil from a layer [kg m-2]
    real(wp), allocatable :: sink(:, :)
    real(wp), allocatable :: t_inflow(:)  !< temperature of water that enters at the surface [K]
    !> 1 where moving water has the ice of the layer it leaves
    real(wp), allocatable :: with_ice(:)
    !> scratch: water through the lower face of a layer, downward; (:, 0) the surface [kg m-2]
    real(wp), allocatable :: flow(:, :)
    !> scratch: heat flow that no temperature changes [J m-2]
    real(wp), allocatable :: fixed(:, :)
    real(wp), allocatable :: carried(:, :)  !< scratch: heat capacity of what moves [J kg-1 K-1]
    real(wp), allocatable :: latent(:, :)  !< scratch: its latent heat [J kg-1]
    integer, allocatable :: list(:)  !< scratch: sites that iterate, or where water freezes
    type(heat_system) :: all, iterating  !< scratch: all sites, those of the list
  end type heat_arrays

contains

  !> Room for the heat of `n` sites.
  subroutine allocate_heat(h, n)
    type(heat_arrays), intent(inout) :: h  !< arrays
    integer, intent(in) :: n  !< number of sites
    allocate(h%water(n, nsoil), h%flow(n, 0:nsoil), h%sink(n, nsoil), h%t_inflow(n), &
      h%fixed(n, 0:nsoil), h%carried(n, nsoil), h%latent(n, nsoil), source=0.0_wp)
    allocate(h%with_ice(n), source=0.0_wp)
    allocate(h%list(n), source=0)
    call allocate_system(h%all, n)
    call allocate_system(h%iterating, n)
  end subroutine allocate_heat

  !> Room for a linear system.
  subroutine allocate_system(s, n)
    type(heat_system), intent(inout) :: s  !< system
    integer, intent(in) :: n  !< number of sites
    allocate(s%theta(n, nsoil), s%heat(n, nsoil), s%explicit_heat(n, nsoil), s%thawed(n, nsoil), &
      s%freezable(n, nsoil), s%lower(n, nsoil), s%upper(n, nsoil), s%leaving(n, nsoil), &
      s%slope(n, nsoil), s%base(n, nsoil), s%diagonal(n, nsoil), s%right(n, nsoil), &
      s%x(n, nsoil), s%worst(n), s%active(n), source=0.0_wp)
  end subroutine allocate_system

  !> Heat of a layer relative to liquid water at 0 C [J m-2].
  elemental real(wp) function layer_heat(temperature, liquid, ice, solid_heat)
    real(wp), intent(in) :: temperature  !< [K]
    real(wp), intent(in) :: liquid  !< [kg m-2]
    real(wp), intent(in) :: ice  !< [kg m-2]
    real(wp), intent(in) :: solid_heat  !< heat capacity of the solids [J m-2 K-1]
    layer_heat = (solid_heat + c_water*liquid + c_ice*ice)*(temperature - t_freeze) - l_fusion*ice
  end function layer_heat

  !> Ice of a layer in equilibrium with its temperature [kg m-2].
  elemental real(wp) function ice_at(temperature, freezable)
    real(wp), intent(in) :: temperature  !< [K]
    real(wp), intent(in) :: freezable  !< water that can freeze [kg m-2]
    ice_at = freezable*min(1.0_wp, max(0.0_wp, (t_freeze - temperature)/freezing_range))
  end function ice_at

  !> Temperature and ice of a layer from its heat.
  elemental subroutine heat_to_state(heat, water, unfrozen, solid_heat, temperature, liquid, ice)
    real(wp), intent(in) :: heat  !< heat of the layer [J m-2]
    real(wp), intent(in) :: water  !< liquid water and ice [kg m-2]
    real(wp), intent(in) :: unfrozen  !< water that never freezes [kg m-2]
    real(wp), intent(in) :: solid_heat  !< heat capacity of the solids [J m-2 K-1]
    real(wp), intent(out) :: temperature  !< [K]
    real(wp), intent(out) :: liquid  !< [kg m-2]
    real(wp), intent(out) :: ice  !< [kg m-2]
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
  !> layer.
  pure subroutine layer_conductance(nsite, liquid, ice, capacity, porosity, k_solid, k_dry, &
    conductance, top_half, half)
    integer, intent(in) :: nsite  !< number of sites
    real(wp), intent(in) :: liquid(nsite, nsoil)  !< [kg m-2]
    real(wp), intent(in) :: ice(nsite, nsoil)  !< [kg m-2]
    real(wp), intent(in) :: capacity(nsite, nsoil)  !< largest water content [kg m-2]
    real(wp), intent(in) :: porosity(nsite)  !< [1]
    !> log conductivity of solids [log(W m-1 K-1)]
    real(wp), intent(in) :: k_solid(nsite, nsoil)
    real(wp), intent(in) :: k_dry(nsite, nsoil)  !< conductivity of dry soil [W m-1 K-1]
    real(wp), intent(out) :: conductance(nsite, nsoil)  !< to the layer below; 0 for the last
    !> resistance of the upper half layer [m2 K W-1]
    real(wp), intent(out) :: top_half(nsite)
    real(wp), intent(inout) :: half(nsite, nsoil)  !< scratch
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

  !> One step of conduction, moving water and phase change of all sites. `h` tells what water did.
  !> With heat H of a layer, conductance g to the next one and water q through its lower face:
  !>
  !>     dH(k)/dt = g(k-1) (T(k-1) - T(k)) - g(k) (T(k) - T(k+1)) + q(k-1) cT(up) - q(k) cT(up)
  !>     H = (C solids + c_water water + c_ice ice) T - L ice,  ice = freezable min(1, -T/0.5)
  pure subroutine heat_step(n, dt, t_surface, surface_conductance, conductance, solid_heat, &
    unfrozen, h, temperature, liquid, ice, ground_heat, water_heat)
    integer, intent(in) :: n  !< number of sites
    real(wp), intent(in) :: dt  !< step [s]
    real(wp), intent(in) :: t_surface(n)  !< surface temperature [K]
    real(wp), intent(in) :: surface_conductance(n)  !< surface to first layer [W m-2 K-1]
    real(wp), intent(in) :: conductance(n, nsoil)  !< layer to layer [W m-2 K-1]
    real(wp), intent(in) :: solid_heat(n, nsoil)  !< heat capacity of solids [J m-2 K-1]
    real(wp), intent(in) :: unfrozen(n, nsoil)  !< water that never freezes [kg m-2]
    type(heat_arrays), intent(inout) :: h  !< moved water and scratch
    real(wp), intent(inout) :: temperature(n, nsoil)  !< [K]
    real(wp), intent(inout) :: liquid(n, nsoil)  !< before water moved on entry [kg m-2]
    real(wp), intent(inout) :: ice(n, nsoil)  !< [kg m-2]
    real(wp), intent(inout) :: ground_heat(n)  !< conducted into the soil, added to [J m-2]
    !> brought by water less what water took away, added to [J m-2]
    real(wp), intent(inout) :: water_heat(n)
    integer :: i, j, m
    call start_system(n, solid_heat, unfrozen, h, temperature, liquid, ice)
    call set_fluxes(n, dt, t_surface, surface_conductance, conductance, h)
    h%all%worst = huge(1.0_wp)
    call iterate(n, h%all)
    m = 0
    do i = 1, n
      if (h%all%worst(i) < heat_tolerance) cycle
      m = m + 1
      h%list(m) = i
    end do
    if (m > 0) then
      call take_sites(n, m, h%list, h%all, h%iterating)
      do j = 2, max_iterations
        call iterate(m, h%iterating)
        if (all(h%iterating%worst(1:m) < heat_tolerance)) exit
      end do
      call return_sites(n, m, h%list, h%iterating%theta, h%all%theta)
    end if
    m = 0
    do i = 1, n
      if (h%all%worst(i) < round_off) cycle
      m = m + 1
      h%list(m) = i
    end do
    call finish_state(n, m, h, unfrozen, solid_heat, temperature, liquid, ice)
    do i = 1, n
      associate (theta => h%all%theta(i, 1), top => dt*surface_conductance(i))
        ground_heat(i) = ground_heat(i) + top*(t_surface(i) - t_freeze - theta)
        water_heat(i) = water_heat(i) + h%fixed(i, 0) - top*(t_surface(i) - t_freeze) &
          - max(0.0_wp, -h%flow(i, 0))*h%carried(i, 1)*theta
      end associate
    end do
    do j = 1, nsoil
      do i = 1, n
        water_heat(i) = water_heat(i) - c_water*h%sink(i, j)*h%all%theta(i, j)
      end do
    end do
  end subroutine heat_step

  !> Heat before the step, capacities after water has moved, what moved and its composition.
  pure subroutine start_system(n, solid_heat, unfrozen, h, temperature, liquid, ice)
    integer, intent(in) :: n  !< number of sites
    real(wp), intent(in) :: solid_heat(n, nsoil)  !< [J m-2 K-1]
    real(wp), intent(in) :: unfrozen(n, nsoil)  !< [kg m-2]
    type(heat_arrays), intent(inout) :: h  !< moved water and scratch
    real(wp), intent(in) :: temperature(n, nsoil)  !< [K]
    real(wp), intent(in) :: liquid(n, nsoil)  !< [kg m-2]
    real(wp), intent(in) :: ice(n, nsoil)  !< [kg m-2]
    real(wp) :: share
    integer :: i, k
    h%flow(:, nsoil) = 0.0_wp
    do k = nsoil, 1, -1
      do i = 1, n
        h%flow(i, k - 1) = h%flow(i, k) + h%sink(i, k) + &
          (h%water(i, k) - (liquid(i, k) + ice(i, k)))
        h%all%theta(i, k) = temperature(i, k) - t_freeze
        h%all%heat(i, k) = (solid_heat(i, k) + c_water*liquid(i, k) + c_ice*ice(i, k)) &
          *h%all%theta(i, k) - l_fusion*ice(i, k)
        h%all%thawed(i, k) = solid_heat(i, k) + c_water*h%water(i, k)
        h%all%freezable(i, k) = max(0.0_wp, h%water(i, k) - unfrozen(i, k))
        share = h%with_ice(i)*ice(i, k)/max(1.0e-9_wp, liquid(i, k) + ice(i, k))
        h%carried(i, k) = c_water - share*(c_water - c_ice)
        h%latent(i, k) = -share*l_fusion
      end do
    end do
  end subroutine start_system

  !> Coefficients of the heat that passes between layers: conduction, and water upwind.
  pure subroutine set_fluxes(n, dt, t_surface, surface_conductance, conductance, h)
    integer, intent(in) :: n  !< number of sites
    real(wp), intent(in) :: dt  !< step [s]
    real(wp), intent(in) :: t_surface(n)  !< [K]
    real(wp), intent(in) :: surface_conductance(n)  !< [W m-2 K-1]
    real(wp), intent(in) :: conductance(n, nsoil)  !< [W m-2 K-1]
    type(heat_arrays), intent(inout) :: h  !< moved water and scratch
    real(wp) :: link, down, up
    integer :: i, k
    do i = 1, n
      link = dt*surface_conductance(i)
      down = max(0.0_wp, h%flow(i, 0))
      up = max(0.0_wp, -h%flow(i, 0))
      h%fixed(i, 0) = link*(t_surface(i) - t_freeze) + c_water*down*(h%t_inflow(i) - t_freeze) &
        - up*h%latent(i, 1)
      h%all%leaving(i, 1) = link + up*h%carried(i, 1)
      h%all%lower(i, 1) = 0.0_wp
    end do
    do k = 1, nsoil - 1
      do i = 1, n
        link = dt*conductance(i, k)
        down = max(0.0_wp, h%flow(i, k))
        up = max(0.0_wp, -h%flow(i, k))
        h%fixed(i, k) = down*h%latent(i, k) - up*h%latent(i, k + 1)
        h%all%lower(i, k + 1) = -(link + down*h%carried(i, k))
        h%all%upper(i, k) = -(link + up*h%carried(i, k + 1))
        h%all%leaving(i, k) = h%all%leaving(i, k) - h%all%lower(i, k + 1) + c_water*h%sink(i, k)
        h%all%leaving(i, k + 1) = -h%all%upper(i, k)
        h%all%explicit_heat(i, k) = h%all%heat(i, k) + h%fixed(i, k - 1) - h%fixed(i, k)
      end do
    end do
    do i = 1, n
      h%all%upper(i, nsoil) = 0.0_wp
      h%all%leaving(i, nsoil) = h%all%leaving(i, nsoil) + c_water*h%sink(i, nsoil)
      h%all%explicit_heat(i, nsoil) = h%all%heat(i, nsoil) + h%fixed(i, nsoil - 1)
    end do
  end subroutine set_fluxes

  !> One iteration of a system.
  pure subroutine iterate(m, s)
    integer, intent(in) :: m  !< number of sites
    type(heat_system), intent(inout) :: s  !< system
    call newton_step(m, s%explicit_heat, s%thawed, s%freezable, s%lower, s%upper, s%leaving, &
      s%theta, s%worst, s%active, s%slope, s%base, s%diagonal, s%right, s%x)
  end subroutine iterate

  !> One step of Newton's method; sites that have converged stay as they are. `worst` becomes the
  !> difference of heat from its linear form, which is round-off where no layer freezes or thaws.
  pure subroutine newton_step(m, explicit_heat, thawed, freezable, lower, upper, leaving, theta, &
    worst, active, slope, base, diagonal, right, x)
    integer, intent(in) :: m  !< number of sites
    real(wp), intent(in) :: explicit_heat(m, nsoil)  !< as in heat_system, and all that follow
    real(wp), intent(in) :: thawed(m, nsoil)
    real(wp), intent(in) :: freezable(m, nsoil)
    real(wp), intent(in) :: lower(m, nsoil)
    real(wp), intent(in) :: upper(m, nsoil)
    real(wp), intent(in) :: leaving(m, nsoil)
    real(wp), intent(inout) :: theta(m, nsoil)
    real(wp), intent(inout) :: worst(m)
    real(wp), intent(inout) :: active(m)
    real(wp), intent(inout), dimension(m, nsoil) :: slope, base, diagonal, right, x
    real(wp) :: share, capacity, t, change, within
    integer :: i, k
    do k = 1, nsoil
      do i = 1, m
        t = theta(i, k)
        share = min(1.0_wp, max(0.0_wp, -t/freezing_range))
        capacity = thawed(i, k) - (c_water - c_ice)*share*freezable(i, k)
        change = freezable(i, k)/freezing_range*(l_fusion + (c_water - c_ice)*t)
        ! 1 within the freezing range, 0 outside, without a branch
        within = (0.5_wp + sign(0.5_wp, 0.0_wp - t))*(0.5_wp + sign(0.5_wp, t + freezing_range))
        slope(i, k) = capacity + within*change
        base(i, k) = (capacity - slope(i, k))*t - l_fusion*share*freezable(i, k)
        diagonal(i, k) = slope(i, k) + leaving(i, k)
        right(i, k) = explicit_heat(i, k) - base(i, k)
      end do
    end do
    call solve_tridiagonal(m, nsoil, lower, diagonal, upper, right, x)
    active = merge(1.0_wp, 0.0_wp, worst >= heat_tolerance)
    worst = 0.0_wp
    do k = 1, nsoil
      do i = 1, m
        t = bounded(theta(i, k), x(i, k), freezable(i, k))
        share = min(1.0_wp, max(0.0_wp, -t/freezing_range))
        capacity = thawed(i, k) - (c_water - c_ice)*share*freezable(i, k)
        change = abs(capacity*t - l_fusion*share*freezable(i, k) &
          - (base(i, k) + slope(i, k)*x(i, k)))
        change = max(change, merge(2.0_wp*round_off, 0.0_wp, &
          share*(1.0_wp - share)*freezable(i, k) > 0.0_wp))
        theta(i, k) = active(i)*t + (1.0_wp - active(i))*theta(i, k)
        worst(i) = max(worst(i), active(i)*change)
      end do
    end do
  end subroutine newton_step

  !> Newton's new temperature; a step into the freezing range from outside stops at its edge [degC].
  elemental real(wp) function bounded(old, new, freezable)
    real(wp), intent(in) :: old  !< temperature [degC]
    real(wp), intent(in) :: new  !< that of the linear system [degC]
    real(wp), intent(in) :: freezable  !< water that can freeze [kg m-2]
    real(wp) :: low, high, free
    free = merge(0.0_wp, 1.0_wp, freezable > 0.0_wp)
    low = -far*max(free, merge(0.0_wp, 1.0_wp, old > 0.0_wp))
    high = frozen_edge + far*max(free, merge(0.0_wp, 1.0_wp, old <= -freezing_range))
    bounded = min(high, max(low, new))
  end function bounded

  !> Copy the systems of listed sites side by side.
  pure subroutine take_sites(n, m, list, from, to)
    integer, intent(in) :: n  !< number of all sites
    integer, intent(in) :: m  !< number of listed sites
    integer, intent(in) :: list(n)  !< their places
    type(heat_system), intent(in) :: from  !< all sites
    type(heat_system), intent(inout) :: to  !< listed sites
    call take_layers(n, m, list, from%explicit_heat, to%explicit_heat)
    call take_layers(n, m, list, from%thawed, to%thawed)
    call take_layers(n, m, list, from%freezable, to%freezable)
    call take_layers(n, m, list, from%lower, to%lower)
    call take_layers(n, m, list, from%upper, to%upper)
    call take_layers(n, m, list, from%leaving, to%leaving)
    call take_layers(n, m, list, from%theta, to%theta)
    to%worst(1:m) = from%worst(list(1:m))
  end subroutine take_sites

  !> Copy the layers of listed sites.
  pure subroutine take_layers(n, m, list, from, to)
    integer, intent(in) :: n  !< number of all sites
    integer, intent(in) :: m  !< number of listed sites
    integer, intent(in) :: list(n)  !< their places
    real(wp), intent(in) :: from(n, nsoil)  !< all sites
    real(wp), intent(inout) :: to(m, nsoil)  !< listed sites
    integer :: j, k
    do k = 1, nsoil
      do j = 1, m
        to(j, k) = from(list(j), k)
      end do
    end do
  end subroutine take_layers

  !> Copy the layers of listed sites back.
  pure subroutine return_sites(n, m, list, from, to)
    integer, intent(in) :: n  !< number of all sites
    integer, intent(in) :: m  !< number of listed sites
    integer, intent(in) :: list(n)  !< their places
    real(wp), intent(in) :: from(m, nsoil)  !< listed sites
    real(wp), intent(inout) :: to(n, nsoil)  !< all sites
    integer :: j, k
    do k = 1, nsoil
      do j = 1, m
        to(list(j), k) = from(j, k)
      end do
    end do
  end subroutine return_sites

  !> Temperature, liquid water and ice: as solved where that is exact, at the `m` listed sites from
  !> the heat that the fluxes brought.
  pure subroutine finish_state(n, m, h, unfrozen, solid_heat, temperature, liquid, ice)
    integer, intent(in) :: n  !< number of sites
    integer, intent(in) :: m  !< number of listed sites
    type(heat_arrays), intent(in) :: h  !< moved water and solution
    real(wp), intent(in) :: unfrozen(n, nsoil)  !< [kg m-2]
    real(wp), intent(in) :: solid_heat(n, nsoil)  !< [J m-2 K-1]
    real(wp), intent(inout) :: temperature(n, nsoil)  !< [K]
    real(wp), intent(inout) :: liquid(n, nsoil)  !< [kg m-2]
    real(wp), intent(inout) :: ice(n, nsoil)  !< [kg m-2]
    real(wp) :: heat
    integer :: i, j, k
    do k = 1, nsoil
      do i = 1, n
        temperature(i, k) = t_freeze + h%all%theta(i, k)
        ice(i, k) = merge(h%all%freezable(i, k), 0.0_wp, h%all%theta(i, k) <= -freezing_range)
        liquid(i, k) = h%water(i, k) - ice(i, k)
      end do
    end do
    associate (s => h%all, theta => h%all%theta)
      do k = 1, nsoil
        do j = 1, m
          i = h%list(j)
          heat = s%explicit_heat(i, k) - s%leaving(i, k)*theta(i, k)
          if (k > 1) heat = heat - s%lower(i, k)*theta(i, k - 1)
          if (k < nsoil) heat = heat - s%upper(i, k)*theta(i, k + 1)
          call heat_to_state(heat, h%water(i, k), unfrozen(i, k), solid_heat(i, k), &
            temperature(i, k), liquid(i, k), ice(i, k))
        end do
      end do
    end associate
  end subroutine finish_state

end module soil_heat
