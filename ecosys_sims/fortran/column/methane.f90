!> Methane in the upper metre: production, oxidation, diffusion, ebullition, plant transport, redox.
!>
!> After TEM-MDM (Zhuang et al. 2004) with substrate memory and a prognostic redox potential:
!>
!>     d(R C)/dt = d/dz (D dC/dz) + production - oxidation - plants - bubbles
!>
!> C is the concentration in water [mol m-3], R = water + ice + air H the storage of a unit
!> concentration with H the gas/water ratio of Henry's law, D the diffusivity of C in the soil [m2
!> s-1]. The state is methane per soil volume S = R C. One implicit step: diffusion, oxidation
!> (Michaelis-Menten, linearised) and plant transport; production is explicit, bubbles follow.
module methane
  use constants, only: t_freeze, gas_constant, gravity, rho_water, molar_mass_c, seconds_per_hour, &
    seconds_per_day
  use exponential, only: exponentials
  use kinds, only: wp
  use soil_grid, only: nsoil, nch4, dz, z_mid, z_bottom
  use tridiagonal, only: tridiagonal_system, allocate_system, solve_tridiagonal
  implicit none (type, external)
  private
  public :: methane_column, methane_fluxes, allocate_methane_fluxes, ph_response
  public :: layer_storage, layer_production, transport, bubbles, redox_step, surface_exchange
  public :: substrate_per_ch4

  !> one profile of methane and what it lives in: views, (nsite) or (nsite, layer)
  type :: methane_column
    real(wp), pointer, contiguous :: temperature(:, :) => null()  !< [K]
    real(wp), pointer, contiguous :: liquid(:, :) => null()  !< [kg m-2]
    real(wp), pointer, contiguous :: ice(:, :) => null()  !< [kg m-2]
    real(wp), pointer, contiguous :: water_table(:) => null()  !< [m]
    real(wp), pointer, contiguous :: ponded(:) => null()  !< standing water [kg m-2]
    real(wp), pointer, contiguous :: swe(:) => null()  !< [kg m-2]
    real(wp), pointer, contiguous :: snow_density(:) => null()  !< [kg m-3]
    real(wp), pointer, contiguous :: lai(:) => null()  !< leaf area index [1]
    real(wp), pointer, contiguous :: substrate(:) => null()  !< [g m-2]
    real(wp), pointer, contiguous :: ham(:, :) => null()  !< methanotrophs, C [g m-3]
    real(wp), pointer, contiguous :: ham_active(:, :) => null()  !< active share of them [1]
    real(wp), pointer, contiguous :: potential(:) => null()  !< production [mol m-3 s-1]
    real(wp), pointer, contiguous :: methane(:, :) => null()  !< [mol m-3]
    real(wp), pointer, contiguous :: redox(:, :) => null()  !< [mV]
  end type methane_column

  !> fluxes of one step, (nsite) [mol m-2]
  type :: methane_fluxes
    real(wp), allocatable :: production(:)  !< produced
    real(wp), allocatable :: oxidation(:)  !< oxidised in the soil
    real(wp), allocatable :: diffusion(:)  !< diffused to the air
    real(wp), allocatable :: ebullition(:)  !< bubbled to the air
    real(wp), allocatable :: plant(:)  !< taken in by roots
    real(wp), allocatable :: conductance(:)  !< first layer to air [m s-1]
    real(wp), allocatable :: equilibrium(:)  !< concentration in equilibrium with air [mol m-3]
    real(wp), allocatable :: store(:, :)  !< R [1]
    real(wp), allocatable :: spread(:, :)  !< diffusivity [m2 s-1]
    real(wp), allocatable :: gain(:, :)  !< production of each layer [mol m-3]
    real(wp), allocatable :: solubility(:, :)  !< Henry's constant [mol m-3 Pa-1]
    real(wp), allocatable :: conduit(:, :)  !< plant transport [s-1]
    real(wp), allocatable :: limit(:)  !< scratch
    integer, allocatable :: bubble_layer(:)  !< scratch
    type(tridiagonal_system) :: system  !< transport of the step; x is the concentration C
  end type methane_fluxes

  real(wp), parameter :: d_air = 1.96e-5_wp  !< diffusivity in air at 0 C [m2 s-1]
  real(wp), parameter :: d_water = 1.0e-9_wp  !< diffusivity in water at 0 C [m2 s-1]
  real(wp), parameter :: henry_25 = 1.3e-3_wp*1.0e3_wp/101325.0_wp  !< at 25 C [mol m-3 Pa-1]
  real(wp), parameter :: eh_low = -300.0_wp  !< lowest redox potential [mV]
  real(wp), parameter :: eh_high = 600.0_wp  !< highest redox potential [mV]
  real(wp), parameter :: eh_recovery = 75.0_wp  !< rise of redox when drained [mV day-1]
  real(wp), parameter :: d_trace = 1.0e-12_wp  !< what no layer falls below [m2 s-1]
  real(wp), parameter :: log_warm_cap = log(8.0_wp)  !< largest temperature response of production
  !> production saturates at this multiple of reference
  real(wp), parameter :: substrate_cap = 5.0_wp
  !> substrate used at most [s-1]
  real(wp), parameter :: largest_use = 0.01_wp/seconds_per_hour
  real(wp), parameter :: snow_on_ice = 5.0_wp  !< snow that does not melt on open water [kg m-2]
  !> exchange through ice relative to open water, .01 to .05 in the literature [1]
  real(wp), parameter :: ice_exchange = 0.02_wp
  !> excess methane bubbles in so long [s]
  real(wp), parameter :: bubble_time = 6.0_wp*seconds_per_hour
  real(wp), parameter :: substrate_per_ch4 = 2.0_wp*molar_mass_c  !< used per CH4 [g mol-1]

contains

  !> Room for the fluxes and the scratch arrays.
  subroutine allocate_methane_fluxes(fluxes, nsite)
    type(methane_fluxes), intent(inout) :: fluxes  !< fluxes
    integer, intent(in) :: nsite  !< number of sites
    allocate(fluxes%production(nsite), fluxes%oxidation(nsite), fluxes%diffusion(nsite), &
      fluxes%ebullition(nsite), fluxes%plant(nsite), fluxes%limit(nsite), &
      fluxes%conductance(nsite), fluxes%equilibrium(nsite), source=0.0_wp)
    allocate(fluxes%bubble_layer(nsite), source=0)
    allocate(fluxes%store(nsite, nch4), fluxes%spread(nsite, nch4), fluxes%gain(nsite, nch4), &
      fluxes%solubility(nsite, nch4), fluxes%conduit(nsite, nch4), source=0.0_wp)
    call allocate_system(fluxes%system, nsite, nch4)
  end subroutine allocate_methane_fluxes

  !> Response of methanogenesis to pH, 0..1, best at 7.5, none above 9 (Cao et al. 1996):
  !>
  !>     f = a/(a - (pH - 7.5)^2),  a = (pH - ph_min)(pH - 9)
  elemental real(wp) function ph_response(ph, ph_min)
    real(wp), intent(in) :: ph  !< pH
    real(wp), intent(in) :: ph_min  !< lowest pH of methanogenesis
    real(wp) :: product
    ph_response = 0.0_wp
    if (ph <= ph_min .or. ph >= 9.0_wp) return
    product = (ph - ph_min)*(ph - 9.0_wp)
    ph_response = product/(product - (ph - 7.5_wp)**2)
  end function ph_response

  !> Storage per concentration in water, diffusivity and solubility of each layer.
  pure subroutine layer_storage(n, temperature, liquid, ice, porosity, store, spread, solubility)
    integer, intent(in) :: n  !< number of sites
    real(wp), intent(in) :: temperature(n, nsoil)  !< [K]
    real(wp), intent(in) :: liquid(n, nsoil)  !< [kg m-2]
    real(wp), intent(in) :: ice(n, nsoil)  !< [kg m-2]
    real(wp), intent(in) :: porosity(n)  !< [1]
    real(wp), intent(out) :: store(n, nch4)  !< R [1]
    real(wp), intent(out) :: spread(n, nch4)  !< diffusivity of C in the soil [m2 s-1]
    real(wp), intent(out) :: solubility(n, nch4)  !< Henry's constant [mol m-3 Pa-1]
    real(wp) :: t, water, air, gas_ratio, share
    integer :: i, k
    do k = 1, nch4
      do i = 1, n
        solubility(i, k) = 1700.0_wp/temperature(i, k) - 1700.0_wp/298.15_wp
      end do
      call exponentials(n, solubility(:, k))
      share = 1.0e-3_wp/dz(k)
      do i = 1, n
        solubility(i, k) = henry_25*solubility(i, k)
        t = temperature(i, k) - t_freeze
        water = (liquid(i, k) + ice(i, k))*share
        air = max(0.0_wp, porosity(i) - water)
        gas_ratio = 1.0_wp/(solubility(i, k)*gas_constant*temperature(i, k)*porosity(i))
        store(i, k) = max(0.05_wp, water + air*gas_ratio*porosity(i))
        spread(i, k) = d_air*(1.0_wp + 0.0055_wp*t)*air*air*sqrt(air)*gas_ratio &
          + d_water*max(0.3_wp, 1.0_wp + 0.03_wp*t)*0.66_wp*liquid(i, k)*share &
          + d_trace
      end do
    end do
  end subroutine layer_storage

  !> Methane produced in the step in each layer [mol m-3], within what the substrate allows:
  !>
  !>     gain = dt rate min(5, S/S_ref) profile(z) wet share Q10^((T - t_ref)/10) f(redox) f(frost)
  !>     f(redox) = -Eh/100 - 1, held to 0..1,  f(frost) = 1 + 2 T, held to 0..1
  pure subroutine layer_production(n, dt, temperature, water_table, redox, rate, log_q10, t_ref, &
    profile, substrate, reference, warm, limit, gain, total)
    integer, intent(in) :: n  !< number of sites
    real(wp), intent(in) :: dt  !< step [s]
    real(wp), intent(in) :: temperature(n, nsoil)  !< [K]
    real(wp), intent(in) :: water_table(n)  !< [m]
    real(wp), intent(in) :: redox(n, nch4)  !< [mV]
    real(wp), intent(in) :: rate(n)  !< potential at t_ref [mol m-3 s-1]
    real(wp), intent(in) :: log_q10(n)  !< log of the Q10 [1]
    real(wp), intent(in) :: t_ref(n)  !< reference temperature [degC]
    real(wp), intent(in) :: profile(n, nsoil)  !< of substrate with depth [1]
    real(wp), intent(in) :: substrate(n)  !< [g m-2]
    !> substrate at which the potential is reached [g m-2]
    real(wp), intent(in) :: reference(n)
    real(wp), intent(inout) :: warm(n), limit(n)  !< scratch
    real(wp), intent(out) :: gain(n, nch4)  !< [mol m-3]
    real(wp), intent(out) :: total(n)  !< [mol m-2]
    real(wp) :: wet_share, reduced, per_depth
    integer :: i, k
    total = 0.0_wp
    do i = 1, n
      limit(i) = dt*rate(i)*min(substrate_cap, substrate(i)/reference(i))
    end do
    do k = 1, nch4
      do i = 1, n
        warm(i) = min(0.1_wp*log_q10(i)*(temperature(i, k) - t_freeze - t_ref(i)), log_warm_cap)
      end do
      call exponentials(n, warm)
      per_depth = 1.0_wp/dz(k)
      do i = 1, n
        wet_share = min(1.0_wp, max(0.0_wp, (z_bottom(k) - water_table(i))*per_depth))
        reduced = min(1.0_wp, max(0.0_wp, -0.01_wp*redox(i, k) - 1.0_wp))
        gain(i, k) = limit(i)*profile(i, k)*wet_share*reduced*warm(i) &
          *min(1.0_wp, max(0.0_wp, 1.0_wp + 2.0_wp*(temperature(i, k) - t_freeze)))
        total(i) = total(i) + gain(i, k)*dz(k)
      end do
    end do
    do i = 1, n
      limit(i) = min(1.0_wp, largest_use*dt*substrate(i) &
        /max(1.0e-30_wp, substrate_per_ch4*total(i)))
      total(i) = limit(i)*total(i)
    end do
    do k = 1, nch4
      gain(:, k) = gain(:, k)*limit
    end do
  end subroutine layer_production

  !> Diffusion, oxidation and plant transport of the step, implicit; adds production. For layer k of
  !> depth dz, with conductance g = 2 D(k) D(k+1)/(dz(k) D(k+1) + dz(k+1) D(k)) to the next one:
  !>
  !>     dz(k) (R C' - S)/dt = dz(k) gain/dt + g(k) (C'(k+1) - C'(k)) - g(k-1) (C'(k) - C'(k-1))
  !>                           - dz(k) (sink + conduit) C'
  !>
  !> and the air above the first layer in the place of layer 0.
  pure subroutine transport(n, dt, store, spread, sink, conduit, gain, air_conductance, &
    equilibrium, methane, oxidation, diffusion, plant, system)
    integer, intent(in) :: n  !< number of sites
    real(wp), intent(in) :: dt  !< step [s]
    real(wp), intent(in) :: store(n, nch4)  !< R [1]
    real(wp), intent(in) :: spread(n, nch4)  !< diffusivity [m2 s-1]
    real(wp), intent(in) :: sink(n, nch4)  !< oxidation [s-1]
    real(wp), intent(in) :: conduit(n, nch4)  !< plant transport [s-1]
    real(wp), intent(in) :: gain(n, nch4)  !< production of the step [mol m-3]
    real(wp), intent(in) :: air_conductance(n)  !< first layer to air [m s-1]
    !> concentration in equilibrium with air [mol m-3]
    real(wp), intent(in) :: equilibrium(n)
    real(wp), intent(inout) :: methane(n, nch4)  !< [mol m-3]
    real(wp), intent(out) :: oxidation(n)  !< [mol m-2]
    real(wp), intent(out) :: diffusion(n)  !< to the air [mol m-2]
    real(wp), intent(out) :: plant(n)  !< into roots [mol m-2]
    type(tridiagonal_system), intent(inout) :: system  !< scratch; x is C at the end of the step
    real(wp) :: link, per_time
    integer :: i, k
    per_time = 1.0_wp/dt
    associate (lower => system%lower, diagonal => system%diagonal, upper => system%upper, &
      right => system%right, x => system%x)
      do k = 1, nch4
        do i = 1, n
          diagonal(i, k) = dz(k)*(store(i, k)*per_time + sink(i, k) + conduit(i, k))
          right(i, k) = dz(k)*per_time*(methane(i, k) + gain(i, k))
        end do
      end do
      do k = 1, nch4 - 1
        do i = 1, n
          link = 2.0_wp*spread(i, k)*spread(i, k + 1) &
            /(dz(k)*spread(i, k + 1) + dz(k + 1)*spread(i, k))
          upper(i, k) = -link
          lower(i, k + 1) = -link
          diagonal(i, k) = diagonal(i, k) + link
          diagonal(i, k + 1) = diagonal(i, k + 1) + link
        end do
      end do
      do i = 1, n
        diagonal(i, 1) = diagonal(i, 1) + air_conductance(i)
        right(i, 1) = right(i, 1) + air_conductance(i)*equilibrium(i)
      end do
      call solve_tridiagonal(n, nch4, lower, diagonal, upper, right, x)
      diffusion = dt*air_conductance*(x(:, 1) - equilibrium)
      oxidation = 0.0_wp
      plant = 0.0_wp
      do k = 1, nch4
        do i = 1, n
          methane(i, k) = store(i, k)*x(i, k)
          oxidation(i) = oxidation(i) + dt*dz(k)*sink(i, k)*x(i, k)
          plant(i) = plant(i) + dt*dz(k)*conduit(i, k)*x(i, k)
        end do
      end do
    end associate
  end subroutine transport

  !> Bubbles: what exceeds the solubility at depth rises to the air or, where the water table is
  !> below the surface, to the layer above it; ice lets a little through:
  !>
  !>     dS/dt = -max(0, S - R f_x H (p + rho g (z - water table)))/6 h,  H Henry's constant
  pure subroutine bubbles(n, dt, liquid, ice, store, solubility, water_table, psurf, f_x, methane, &
    ebullition, limit, bubble_layer)
    integer, intent(in) :: n  !< number of sites
    real(wp), intent(in) :: dt  !< step [s]
    real(wp), intent(in) :: liquid(n, nsoil)  !< [kg m-2]
    real(wp), intent(in) :: ice(n, nsoil)  !< [kg m-2]
    real(wp), intent(in) :: store(n, nch4)  !< R [1]
    real(wp), intent(in) :: solubility(n, nch4)  !< [mol m-3 Pa-1]
    real(wp), intent(in) :: water_table(n)  !< [m]
    real(wp), intent(in) :: psurf(n)  !< [Pa]
    real(wp), intent(in) :: f_x(n)  !< methane share of bubble pressure [1]
    real(wp), intent(inout) :: methane(n, nch4)  !< [mol m-3]
    real(wp), intent(out) :: ebullition(n)  !< to the air [mol m-2]
    real(wp), intent(inout) :: limit(n)  !< scratch: 1 where the way up is open
    integer, intent(inout) :: bubble_layer(n)  !< scratch: layer that takes the bubbles
    real(wp) :: threshold, excess, share
    integer :: i, k
    share = dt/(dt + bubble_time)
    ebullition = 0.0_wp
    limit = 1.0_wp
    bubble_layer = 0
    do k = 1, nch4
      do i = 1, n
        if (z_mid(k) < water_table(i)) then
          bubble_layer(i) = k
        else
          if (ice(i, k) > liquid(i, k)) limit(i) = ice_exchange
          threshold = f_x(i)*solubility(i, k)*(psurf(i) + rho_water*gravity*(z_mid(k) &
            - water_table(i)))
          excess = limit(i)*share*max(0.0_wp, methane(i, k) - store(i, k)*threshold)
          if (excess > 0.0_wp) then
            methane(i, k) = methane(i, k) - excess
            if (bubble_layer(i) == 0) then
              ebullition(i) = ebullition(i) + excess*dz(k)
            else
              methane(i, bubble_layer(i)) = methane(i, bubble_layer(i)) &
                + excess*dz(k)/dz(bubble_layer(i))
            end if
          end if
        end if
      end do
    end do
  end subroutine bubbles

  !> Redox potential: falls under water (slower in the cold), rises when drained:
  !>
  !>     dEh/dt = 75 mV day-1 (1 - wet share) - c_r wet share (0.2 + 0.08 T),  -300..600 mV
  pure subroutine redox_step(n, dt, water_table, temperature, c_r, redox)
    integer, intent(in) :: n  !< number of sites
    real(wp), intent(in) :: dt  !< step [s]
    real(wp), intent(in) :: water_table(n)  !< [m]
    real(wp), intent(in) :: temperature(n, nsoil)  !< [K]
    real(wp), intent(in) :: c_r(n)  !< fall under water [mV day-1]
    real(wp), intent(inout) :: redox(n, nch4)  !< [mV]
    real(wp) :: wet_share, live, per_depth
    integer :: i, k
    do k = 1, nch4
      per_depth = 1.0_wp/dz(k)
      do i = 1, n
        wet_share = min(1.0_wp, max(0.0_wp, (z_bottom(k) - water_table(i))*per_depth))
        live = min(1.0_wp, max(0.0_wp, 0.2_wp + 0.08_wp*(temperature(i, k) - t_freeze)))
        redox(i, k) = redox(i, k) + dt/seconds_per_day*(eh_recovery*(1.0_wp - wet_share) &
          - c_r(i)*wet_share*live)
        redox(i, k) = min(eh_high, max(eh_low, redox(i, k)))
      end do
    end do
  end subroutine redox_step

  !> Conductance between the first layer and the air [m s-1]: soil pores, open water (Cole and
  !> Caraco 1998, Schmidt number Sc of methane from Wanninkhof 1992), snow, ice:
  !>
  !>     water: (2.07 + 0.215 U^1.7) sqrt(600/Sc) [cm h-1] in series with the first layer
  !>     soil:  1/(dz/(2 D) + depth of snow/(D of air/2))
  elemental real(wp) function surface_exchange(spread, gas_ratio, ponded, temperature, liquid, &
    ice, wind, swe, snow_density)
    real(wp), intent(in) :: spread  !< diffusivity of the first layer [m2 s-1]
    real(wp), intent(in) :: gas_ratio  !< gas/water ratio [1]
    real(wp), intent(in) :: ponded  !< standing water [kg m-2]
    real(wp), intent(in) :: temperature  !< of the first layer [K]
    real(wp), intent(in) :: liquid  !< of the first layer [kg m-2]
    real(wp), intent(in) :: ice  !< of the first layer [kg m-2]
    real(wp), intent(in) :: wind  !< [m s-1]
    real(wp), intent(in) :: swe  !< [kg m-2]
    real(wp), intent(in) :: snow_density  !< [kg m-3]
    real(wp) :: t, schmidt, resistance
    if (ponded > 0.0_wp) then
      t = min(30.0_wp, max(0.0_wp, temperature - t_freeze))
      schmidt = 1898.0_wp - 110.1_wp*t + 2.834_wp*t**2 - 0.02791_wp*t**3
      surface_exchange = (2.07_wp &
        + 0.215_wp*wind**1.7_wp)/3.6e5_wp*sqrt(600.0_wp/schmidt)
      surface_exchange = 1.0_wp/(1.0_wp/surface_exchange + 0.02_wp*dz(1)/spread)
      if (ice > liquid .or. swe > snow_on_ice) surface_exchange = ice_exchange*surface_exchange
    else
      resistance = 0.5_wp*dz(1)/spread
      resistance = resistance + swe/snow_density/(0.5_wp*d_air*gas_ratio)
      surface_exchange = 1.0_wp/resistance
    end if
  end function surface_exchange

end module methane
