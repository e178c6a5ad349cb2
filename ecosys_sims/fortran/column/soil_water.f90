!> Water of an upland soil: layers that fill, drain downwards and are emptied by roots.
!>
!> Water above field capacity drains as a linear reservoir at the saturated conductivity (the
!> storage routing of SWAT, Neitsch et al. 2011, solved implicitly), slowed by ice. What the soil
!> below cannot take backs up to the surface. Texture functions after Cosby et al. (1984).
module soil_water
  use constants, only: seconds_per_day
  use kinds, only: wp
  use parameters, only: site_parameters
  use soil_grid, only: nsoil
  implicit none (type, external)
  private
  public :: soil_properties, water_flows, allocate_soil, allocate_flows, derive_rates
  public :: upland_water, groundwater, texture_conductivity, texture_moisture

  integer, parameter :: n_evaporating = 5  !< layers that bare soil dries (0.10 m)
  real(wp), parameter :: recession = 60.0_wp  !< groundwater runs off in so long [day]
  real(wp), parameter :: specific_yield = 0.15_wp  !< water per rise of the groundwater [1]
  !> share of the available water below which roots take up less [1]
  real(wp), parameter :: stress_onset = 0.6_wp
  !> evaporation through litter relative to bare soil [1]
  real(wp), parameter :: mulch = 0.7_wp

  !> what soils hold, (nsite) or (nsite, nsoil)
  type :: soil_properties
    real(wp), allocatable :: capacity(:, :)  !< largest water content [kg m-2]
    real(wp), allocatable :: field_capacity(:, :)  !< water held against gravity [kg m-2]
    real(wp), allocatable :: wilting(:, :)  !< water out of reach of roots [kg m-2]
    real(wp), allocatable :: air_dry(:, :)  !< water that does not evaporate [kg m-2]
    real(wp), allocatable :: unfrozen(:, :)  !< water that never freezes [kg m-2]
    real(wp), allocatable :: per_capacity(:, :)  !< one over the capacity [m2 kg-1]
    real(wp), allocatable :: per_drainable(:, :)  !< one over what can drain [m2 kg-1]
    real(wp), allocatable :: per_uptake(:, :)  !< one over what limits roots [m2 kg-1]
    real(wp), allocatable :: per_evaporable(:, :)  !< one over what can evaporate [m2 kg-1]
    real(wp), allocatable :: conductivity(:)  !< saturated, of water [kg m-2 s-1]
  end type soil_properties

  !> water of a step, (nsite) [kg m-2]
  type :: water_flows
    real(wp), allocatable :: supply(:)  !< throughfall and melt
    real(wp), allocatable :: demand(:)  !< evaporative demand on soil and plants
    real(wp), allocatable :: root_demand(:)  !< upland: that on plants
    real(wp), allocatable :: soil_demand(:)  !< upland: that on the surface of the soil
    real(wp), allocatable :: inflow(:)  !< lateral inflow and irrigation
    real(wp), allocatable :: drainage(:)  !< upland: out of the lowest active layer
    real(wp), allocatable :: runoff(:)  !< outflow and overflow
    real(wp), allocatable :: evaporated(:)  !< from the surface of the soil
    real(wp), allocatable :: transpired(:)  !< by roots
  end type water_flows

contains

  !> Room for the properties of `n` soils.
  subroutine allocate_soil(soil, n)
    type(soil_properties), intent(inout) :: soil  !< properties
    integer, intent(in) :: n  !< number of sites
    allocate(soil%capacity(n, nsoil), soil%field_capacity(n, nsoil), soil%wilting(n, nsoil), &
      soil%air_dry(n, nsoil), soil%unfrozen(n, nsoil), soil%per_capacity(n, nsoil), &
      soil%per_drainable(n, nsoil), soil%per_uptake(n, nsoil), &
      soil%per_evaporable(n, nsoil), soil%conductivity(n), source=0.0_wp)
  end subroutine allocate_soil

  !> Room for the flows of `n` sites.
  subroutine allocate_flows(flows, n)
    type(water_flows), intent(inout) :: flows  !< flows
    integer, intent(in) :: n  !< number of sites
    allocate(flows%supply(n), flows%demand(n), flows%root_demand(n), flows%soil_demand(n), &
      flows%inflow(n), flows%drainage(n), flows%runoff(n), flows%evaporated(n), &
      flows%transpired(n), source=0.0_wp)
  end subroutine allocate_flows

  !> What follows from capacity, field capacity and wilting point.
  subroutine derive_rates(soil)
    type(soil_properties), intent(inout) :: soil  !< properties
    soil%air_dry = 0.1_wp*soil%capacity
    soil%per_capacity = 1.0_wp/soil%capacity
    soil%per_drainable = 1.0_wp/(soil%capacity - soil%field_capacity)
    soil%per_uptake = 1.0_wp/(stress_onset*(soil%field_capacity - soil%wilting))
    soil%per_evaporable = 1.0_wp/(soil%field_capacity - soil%air_dry)
  end subroutine derive_rates

  !> Saturated conductivity [kg m-2 s-1] from sand (Cosby et al. 1984).
  elemental real(wp) function texture_conductivity(sand)
    real(wp), intent(in) :: sand  !< mass fraction [1]
    texture_conductivity = 0.0070556_wp*10.0_wp**(-0.884_wp + 1.53_wp*sand)
  end function texture_conductivity

  !> Moisture [m3 m-3] at a suction: Clapp-Hornberger with Cosby's parameters.
  elemental real(wp) function texture_moisture(porosity, sand, clay, suction)
    real(wp), intent(in) :: porosity  !< [1]
    real(wp), intent(in) :: sand  !< mass fraction [1]
    real(wp), intent(in) :: clay  !< mass fraction [1]
    real(wp), intent(in) :: suction  !< [mm of water]
    real(wp) :: b, entry
    b = 2.91_wp + 15.9_wp*clay
    entry = 10.0_wp*10.0_wp**(1.88_wp - 1.31_wp*sand)
    texture_moisture = porosity*min(1.0_wp, (suction/entry)**(-1.0_wp/b))
  end function texture_moisture

  !> One step of the uplands of a block; all water in kg m-2 of the step, arrays (n) or (n, nsoil).
  !>
  !>     flow into layer 1 = min(ponded + supply, dt K f(ice))
  !>     flow out of layer k = free r/(1 + r),  r = dt K f(ice)/(capacity - field capacity)
  !>
  !> `free` is liquid water above field capacity, K the saturated conductivity, f `impedance`; out
  !> of the lowest active layer k_out dt at most. What a layer cannot hold backs up.
  pure subroutine upland_water(n, sites, dt, p, n_active, soil, root_share, ice, water, sink, &
    ponded, percolation, flows)
    integer, intent(in) :: n  !< number of sites
    integer, intent(in) :: sites(:)  !< places of the uplands
    real(wp), intent(in) :: dt  !< step [s]
    type(site_parameters), intent(in) :: p  !< parameters
    integer, intent(in) :: n_active(n)  !< layers above the drainage base
    type(soil_properties), intent(in) :: soil  !< what the soils hold
    real(wp), intent(in) :: root_share(n, nsoil)  !< [1]
    real(wp), intent(in) :: ice(n, nsoil)  !< [kg m-2]
    real(wp), intent(inout) :: water(n, nsoil)  !< liquid water and ice [kg m-2]
    real(wp), intent(inout) :: sink(n, nsoil)  !< left a layer, not to another one; added to
    real(wp), intent(inout) :: ponded(n)  !< standing water [kg m-2]
    real(wp), intent(inout) :: percolation(n)  !< scratch: into a layer from above
    type(water_flows), intent(inout) :: flows  !< sets drainage, runoff, evaporation
    real(wp) :: open, free, rate, over
    integer :: i, j, k
    call take_up(n, sites, soil, root_share, ice, water, sink, flows)
    do j = 1, size(sites)
      i = sites(j)
      over = ponded(i) + flows%supply(i)
      open = impedance(ice(i, 1), soil%per_capacity(i, 1))
      percolation(i) = min(over, dt*soil%conductivity(i)*open)
      ponded(i) = over - percolation(i)
    end do
    do k = 1, nsoil
      do j = 1, size(sites)
        i = sites(j)
        if (k > n_active(i)) cycle
        water(i, k) = water(i, k) + percolation(i)
        free = min(max(0.0_wp, water(i, k) - ice(i, k)), &
          max(0.0_wp, water(i, k) - soil%field_capacity(i, k)))
        open = impedance(ice(i, k), soil%per_capacity(i, k))
        rate = dt*soil%conductivity(i)*open*soil%per_drainable(i, k)
        percolation(i) = free*rate/(1.0_wp + rate)
        if (k == n_active(i)) then
          percolation(i) = min(percolation(i), p%k_out(i)*dt/seconds_per_day)
          sink(i, k) = sink(i, k) + percolation(i)
          flows%drainage(i) = percolation(i)
        end if
        water(i, k) = water(i, k) - percolation(i)
      end do
    end do
    do k = nsoil, 2, -1
      do j = 1, size(sites)
        i = sites(j)
        if (k > n_active(i)) cycle
        over = max(0.0_wp, min(water(i, k) - ice(i, k), water(i, k) - soil%capacity(i, k)))
        water(i, k) = water(i, k) - over
        water(i, k - 1) = water(i, k - 1) + over
      end do
    end do
    do j = 1, size(sites)
      i = sites(j)
      over = max(0.0_wp, min(water(i, 1) - ice(i, 1), water(i, 1) - soil%capacity(i, 1)))
      water(i, 1) = water(i, 1) - over
      ponded(i) = ponded(i) + over
      flows%runoff(i) = max(0.0_wp, ponded(i) - 1.0e3_wp*p%h_max(i))
      ponded(i) = ponded(i) - flows%runoff(i)
    end do
  end subroutine upland_water

  !> Slowing of flow by ice, 0..1.
  elemental real(wp) function impedance(ice, per_capacity)
    real(wp), intent(in) :: ice  !< [kg m-2]
    real(wp), intent(in) :: per_capacity  !< one over the largest water content [m2 kg-1]
    real(wp) :: free
    free = max(0.0_wp, 1.0_wp - ice*per_capacity)
    free = free*free
    impedance = free*free
  end function impedance

  !> Evaporation from the upper layers and water uptake by roots. Both slow down as the layer dries
  !> in the step itself (implicit), so that no step takes more than there is. With `wet` the
  !> available water over what limits uptake at the start of the step and d the demand over the
  !> same:
  !>
  !>     roots:  uptake      = demand min(1, wet/(1 + d))
  !>     soil:   evaporation = demand w^2,  w = wet - d w^2, at most 1
  pure subroutine take_up(n, sites, soil, root_share, ice, water, sink, flows)
    integer, intent(in) :: n  !< number of sites
    integer, intent(in) :: sites(:)  !< places of the uplands
    type(soil_properties), intent(in) :: soil  !< what the soils hold
    real(wp), intent(in) :: root_share(n, nsoil)  !< [1]
    real(wp), intent(in) :: ice(n, nsoil)  !< [kg m-2]
    real(wp), intent(inout) :: water(n, nsoil)  !< liquid water and ice [kg m-2]
    real(wp), intent(inout) :: sink(n, nsoil)  !< out of a layer [kg m-2]
    type(water_flows), intent(inout) :: flows  !< demands; sets what evaporates and transpires
    real(wp) :: uptake, evaporation, wet, need, per
    integer :: i, j, k
    do j = 1, size(sites)
      flows%transpired(sites(j)) = 0.0_wp
      flows%evaporated(sites(j)) = 0.0_wp
    end do
    do k = 1, nsoil
      do j = 1, size(sites)
        i = sites(j)
        if (root_share(i, k) <= 0.0_wp) cycle
        need = root_share(i, k)*flows%root_demand(i)
        per = soil%per_uptake(i, k)
        wet = max(0.0_wp, water(i, k) - ice(i, k) - soil%wilting(i, k))*per
        uptake = need*min(1.0_wp, wet/(1.0_wp + need*per))
        water(i, k) = water(i, k) - uptake
        sink(i, k) = sink(i, k) + uptake
        flows%transpired(i) = flows%transpired(i) + uptake
      end do
    end do
    do k = 1, n_evaporating
      do j = 1, size(sites)
        i = sites(j)
        need = mulch*flows%soil_demand(i)/real(n_evaporating, wp)
        per = soil%per_evaporable(i, k)
        wet = max(0.0_wp, water(i, k) - ice(i, k) - soil%air_dry(i, k))*per
        wet = min(1.0_wp, 2.0_wp*wet/(1.0_wp + sqrt(1.0_wp + 4.0_wp*wet*need*per)))
        evaporation = need*wet*wet
        water(i, k) = water(i, k) - evaporation
        sink(i, k) = sink(i, k) + evaporation
        flows%evaporated(i) = flows%evaporated(i) + evaporation
      end do
    end do
  end subroutine take_up

  !> Drainage feeds the groundwater A, which runs off as a linear reservoir in 60 days; its level is
  !> the water table z, with a specific yield of 0.15:
  !>
  !>     dA/dt = recharge - A/60 d,  z = max(0.1 m, d_water - 0.001 A/0.15)
  elemental subroutine groundwater(dt, recharge, d_water, aquifer, baseflow, zwt)
    real(wp), intent(in) :: dt  !< step [s]
    real(wp), intent(in) :: recharge  !< drainage of the step [kg m-2]
    real(wp), intent(in) :: d_water  !< depth of the drainage base [m]
    real(wp), intent(inout) :: aquifer  !< groundwater above that base [kg m-2]
    real(wp), intent(out) :: baseflow  !< runoff from it in the step [kg m-2]
    real(wp), intent(out) :: zwt  !< water table depth [m]
    aquifer = aquifer + recharge
    baseflow = aquifer*min(1.0_wp, dt/(seconds_per_day*recession))
    aquifer = aquifer - baseflow
    zwt = max(0.1_wp, d_water - 1.0e-3_wp*aquifer/specific_yield)
  end subroutine groundwater

end module soil_water
