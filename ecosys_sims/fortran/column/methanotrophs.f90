!> Methanotrophs, the two guilds that oxidise methane in the soil.
!>
!> The low-affinity guild lives near the water table: Michaelis-Menten kinetics per volume of soil
!> water with a fixed potential (`omax`, `kch4`; Zhuang et al. 2004). The high-affinity guild lives
!> on methane of the air: its biomass grows on what it takes up, is respired by maintenance and
!> dies, and a part of it is dormant (after the idea of Oh et al. 2020; the equations are ours):
!>
!>     uptake = vmax B a C/(K + C) f(T) f(moisture) f(oxygen) f(pH) f(ammonium)
!>     dB/dt  = Y uptake - m(T) a B - d (1 + B/B_half) (B - B_rest)
!>     da/dt  = (a_target - a)/tau,  tau = tau_on where a rises, tau_off where it falls
!>
!> a_target is the product of the responses to moisture, oxygen and frost. Death that quickens with
!> crowding spreads the guild over the layers that methane of the air reaches; without it all would
!> live in the first layer. The rates act on the physics step, biomass and activity on the day.
module methanotrophs
  use constants, only: t_freeze, molar_mass_c, seconds_per_day, pi
  use exponential, only: exponentials
  use kinds, only: wp
  use soil_grid, only: nsoil, nch4, dz
  use tridiagonal, only: solve_tridiagonal
  implicit none (type, external)
  private
  public :: guild_traits, oxidation_arrays, allocate_guilds, allocate_oxidation
  public :: oxidation_rates, add_uptake, biomass_day, steady_biomass
  public :: acidity_response, ammonium_response, moisture_response

  !> water-filled pore space of fastest oxidation [1]
  real(wp), parameter :: filled_best = 0.4_wp
  real(wp), parameter :: surface_film = 0.10_wp  !< oxic share of a flooded top layer [1]
  real(wp), parameter :: least_active = 0.05_wp  !< of the biomass, however bad the times [1]
  real(wp), parameter :: resting = 1.0e-4_wp  !< biomass that does not die, our choice [g m-3]
  !> Q10 of maintenance, that of soil respiration [1]
  real(wp), parameter :: maintenance_q10 = 2.0_wp
  real(wp), parameter :: ammonium_depth = 0.30_wp  !< soil that holds the mineral nitrogen [m]
  real(wp), parameter :: solid_density = 2650.0_wp  !< of minerals [kg m-3]

  !> what the guilds can do, (nsite) or (nsite, nsoil)
  type :: guild_traits
    real(wp), allocatable :: omax(:)  !< low affinity: potential per water [mol m-3 s-1]
    real(wp), allocatable :: kch4(:)  !< low affinity: half-saturation [mol m-3]
    real(wp), allocatable :: log_q10(:)  !< low affinity: log of the Q10 [1]
    real(wp), allocatable :: profile(:, :)  !< low affinity: oxidation with depth [1]
    real(wp), allocatable :: ham_rate(:)  !< high affinity: uptake per biomass [mol g-1 s-1]
    real(wp), allocatable :: ham_k(:)  !< high affinity: half-saturation [mol m-3]
    real(wp), allocatable :: ham_log_q10(:)  !< high affinity: log of the Q10 [1]
    real(wp), allocatable :: t_ref(:)  !< reference temperature of both [degC]
  end type guild_traits

  !> oxidation of a step, and of the day for the biomass of the high-affinity guild
  type :: oxidation_arrays
    real(wp), allocatable :: sink(:, :)  !< both guilds, of the concentration in water [s-1]
    real(wp), allocatable :: high(:, :)  !< the same of the high-affinity guild [s-1]
    real(wp), allocatable :: fit(:, :)  !< its moisture, oxygen and frost, 0..1
    real(wp), allocatable :: ham_rate(:)  !< its largest uptake, with ammonium [mol g-1 s-1]
    real(wp), allocatable :: warm(:)  !< scratch
    real(wp), allocatable :: ham_warm(:)  !< scratch
    real(wp), allocatable :: uptake(:, :)  !< methane it took up on the day so far [mol m-3]
    real(wp), allocatable :: fit_sum(:, :)  !< target of its activity times time [s]
    real(wp), allocatable :: temperature_sum(:, :)  !< above freezing, times time [K s]
  end type oxidation_arrays

contains

  !> Room for the guilds of `n` sites.
  subroutine allocate_guilds(guilds, n)
    type(guild_traits), intent(inout) :: guilds  !< guilds
    integer, intent(in) :: n  !< number of sites
    allocate(guilds%omax(n), guilds%kch4(n), guilds%log_q10(n), guilds%ham_rate(n), &
      guilds%ham_k(n), guilds%ham_log_q10(n), guilds%t_ref(n), source=0.0_wp)
    allocate(guilds%profile(n, nsoil), source=0.0_wp)
  end subroutine allocate_guilds

  !> Room for the oxidation of `n` sites.
  subroutine allocate_oxidation(oxidation, n)
    type(oxidation_arrays), intent(inout) :: oxidation  !< oxidation
    integer, intent(in) :: n  !< number of sites
    allocate(oxidation%sink(n, nch4), oxidation%high(n, nch4), oxidation%fit(n, nch4), &
      oxidation%uptake(n, nch4), oxidation%fit_sum(n, nch4), &
      oxidation%temperature_sum(n, nch4), source=0.0_wp)
    allocate(oxidation%ham_rate(n), oxidation%warm(n), oxidation%ham_warm(n), source=0.0_wp)
  end subroutine allocate_oxidation

  !> Response of oxidation to the water-filled share of the pores, 1 at `filled_best`.
  elemental real(wp) function moisture_response(filled)
    real(wp), intent(in) :: filled  !< [1]
    moisture_response = hump(filled)
  end function moisture_response

  !> The same for this module: private, so that it can be part of vector loops.
  elemental real(wp) function hump(filled)
    real(wp), intent(in) :: filled  !< [1]
    real(wp) :: product
    product = filled*(filled - 1.0_wp)
    hump = product/(product - (filled - filled_best)**2 - 1.0e-9_wp)
  end function hump

  !> Response of the high-affinity guild to pH: best from 4 to 7, none below 2.5 and above 9.5, our
  !> choice.
  elemental real(wp) function acidity_response(ph)
    real(wp), intent(in) :: ph  !< pH
    acidity_response = min(1.0_wp, max(0.0_wp, (ph - 2.5_wp)/1.5_wp), &
      max(0.0_wp, (9.5_wp - ph)/2.5_wp))
  end function acidity_response

  !> Inhibition of the high-affinity guild by ammonium, 1 where there is none.
  elemental real(wp) function ammonium_response(ammonium, half, porosity)
    real(wp), intent(in) :: ammonium  !< nitrogen of the column's ammonium [g m-2]
    real(wp), intent(in) :: half  !< that halves the rate [mg kg-1]
    real(wp), intent(in) :: porosity  !< [1]
    real(wp) :: content
    content = 1.0e3_wp*ammonium/(ammonium_depth*solid_density*(1.0_wp - porosity))
    ammonium_response = 1.0_wp/(1.0_wp + max(0.0_wp, content)/half)
  end function ammonium_response

  !> First-order rates of oxidation of each layer [s-1 per concentration in water C = S/R]:
  !>
  !>     sink = high + water omax profile fit Q10^((T - t_ref)/10)/(kch4 + C)
  !>     high = ham_rate ham active fit ham_Q10^((T - t_ref)/10)/(ham_k + C)
  !>     fit = f(frost) f(oxygen) f(moisture), of a thin film under standing water
  pure subroutine oxidation_rates(n, temperature, liquid, ice, capacity, ponded, redox, methane, &
    store, guilds, ham, active, oxidation)
    integer, intent(in) :: n  !< number of sites
    real(wp), intent(in) :: temperature(n, nsoil)  !< [K]
    real(wp), intent(in) :: liquid(n, nsoil)  !< [kg m-2]
    real(wp), intent(in) :: ice(n, nsoil)  !< [kg m-2]
    real(wp), intent(in) :: capacity(n, nsoil)  !< largest water content [kg m-2]
    real(wp), intent(in) :: ponded(n)  !< [kg m-2]
    real(wp), intent(in) :: redox(n, nch4)  !< [mV]
    real(wp), intent(in) :: methane(n, nch4)  !< S [mol m-3]
    real(wp), intent(in) :: store(n, nch4)  !< R [1]
    type(guild_traits), intent(in) :: guilds  !< what the guilds can do
    real(wp), intent(in) :: ham(n, nch4)  !< biomass, C [g m-3]
    real(wp), intent(in) :: active(n, nch4)  !< active share of it [1]
    type(oxidation_arrays), intent(inout) :: oxidation  !< sets `sink`, `high` and `fit`
    real(wp) :: suitable, oxygen, thawed, low_affinity, high_affinity, t, share, top
    integer :: i, k
    associate (warm => oxidation%warm, ham_warm => oxidation%ham_warm)
      do k = 1, nch4
        do i = 1, n
          t = 0.1_wp*(temperature(i, k) - t_freeze - guilds%t_ref(i))
          warm(i) = guilds%log_q10(i)*t
          ham_warm(i) = guilds%ham_log_q10(i)*t
        end do
        call exponentials(n, warm)
        call exponentials(n, ham_warm)
        share = 1.0e-3_wp/dz(k)
        ! any standing water on the first layer counts; without a branch, for vector code
        top = merge(1.0e12_wp, 0.0_wp, k == 1)
        do i = 1, n
          t = temperature(i, k) - t_freeze
          thawed = min(1.0_wp, max(0.0_wp, 1.0_wp + t*(1.0_wp/3.0_wp)))
          oxygen = min(1.0_wp, max(0.0_wp, (redox(i, k) + 250.0_wp)*(1.0_wp/350.0_wp)))
          suitable = oxygen*hump(min(1.0_wp, (liquid(i, k) + ice(i, k))/capacity(i, k)))
          suitable = thawed*(suitable + min(1.0_wp, top*ponded(i))*(surface_film - suitable))
          oxidation%fit(i, k) = suitable
          ! per concentration in water, methane over store
          low_affinity = liquid(i, k)*share*guilds%omax(i)*guilds%profile(i, k)*suitable*warm(i) &
            *store(i, k)
          high_affinity = oxidation%ham_rate(i)*ham(i, k)*active(i, k)*suitable*ham_warm(i) &
            *store(i, k)
          high_affinity = high_affinity/(guilds%ham_k(i)*store(i, k) + methane(i, k))
          oxidation%high(i, k) = high_affinity
          oxidation%sink(i, k) = high_affinity &
            + low_affinity/(guilds%kch4(i)*store(i, k) + methane(i, k))
        end do
      end do
    end associate
  end subroutine oxidation_rates

  !> Add what the high-affinity guild took up in the step, and the times it had.
  pure subroutine add_uptake(n, dt, share, concentration, temperature, oxidation)
    integer, intent(in) :: n  !< number of sites
    real(wp), intent(in) :: dt  !< step [s]
    real(wp), intent(in) :: share(n)  !< of the site that is not inundated [1]
    real(wp), intent(in) :: concentration(n, nch4)  !< at the end of the step [mol m-3]
    real(wp), intent(in) :: temperature(n, nsoil)  !< [K]
    type(oxidation_arrays), intent(inout) :: oxidation  !< rates of the step, sums of the day
    integer :: i, k
    associate (uptake => oxidation%uptake, fit_sum => oxidation%fit_sum, &
      temperature_sum => oxidation%temperature_sum)
      do k = 1, nch4
        do i = 1, n
          uptake(i, k) = uptake(i, k) + dt*share(i)*oxidation%high(i, k)*concentration(i, k)
          fit_sum(i, k) = fit_sum(i, k) + dt*oxidation%fit(i, k)
          temperature_sum(i, k) = temperature_sum(i, k) + dt*(temperature(i, k) - t_freeze)
        end do
      end do
    end associate
  end subroutine add_uptake

  !> Growth, maintenance, death and activity of the day at one site; clears the sums of the day.
  pure subroutine biomass_day(yield, maintenance, death, crowded, tau_on, tau_off, uptake, &
    fit_sum, temperature_sum, ham, active, uptake_carbon, respired, &
    died, grown)
    real(wp), intent(in) :: yield  !< biomass per methane, C [1]
    real(wp), intent(in) :: maintenance  !< of active biomass at 10 C [day-1]
    real(wp), intent(in) :: death  !< rate of sparse biomass [day-1]
    real(wp), intent(in) :: crowded  !< biomass that doubles it [g m-3]
    real(wp), intent(in) :: tau_on, tau_off  !< times of waking and falling dormant [day]
    real(wp), intent(inout) :: uptake(nch4)  !< of the day [mol m-3]
    real(wp), intent(inout) :: fit_sum(nch4)  !< target of activity times time [s]
    real(wp), intent(inout) :: temperature_sum(nch4)  !< above freezing, times time [K s]
    real(wp), intent(inout) :: ham(nch4)  !< biomass, C [g m-3]
    real(wp), intent(inout) :: active(nch4)  !< active share [1]
    real(wp), intent(out) :: uptake_carbon  !< methane uptake_carbon up, C [g m-2 day-1]
    real(wp), intent(out) :: respired  !< by maintenance, C [g m-2 day-1]
    real(wp), intent(out) :: died  !< C [g m-2 day-1]
    real(wp), intent(out) :: grown  !< from methane, C [g m-2 day-1]
    real(wp) :: rate, upkeep, before, growth, target, t
    integer :: k
    uptake_carbon = 0.0_wp
    respired = 0.0_wp
    died = 0.0_wp
    grown = 0.0_wp
    do k = 1, nch4
      t = max(0.0_wp, temperature_sum(k)/seconds_per_day)
      growth = yield*molar_mass_c*uptake(k)
      before = ham(k)
      upkeep = maintenance*active(k)*exp(0.1_wp*log(maintenance_q10)*(t - 10.0_wp))
      rate = death*(1.0_wp + before/crowded)
      if (before <= resting) then
        upkeep = 0.0_wp
        rate = 0.0_wp
      end if
      ham(k) = (before + growth)/(1.0_wp + upkeep + rate)
      grown = grown + growth*dz(k)
      uptake_carbon = uptake_carbon + molar_mass_c*uptake(k)*dz(k)
      respired = respired + upkeep*ham(k)*dz(k)
      died = died + rate*ham(k)*dz(k)
      target = max(least_active, min(1.0_wp, fit_sum(k)/seconds_per_day))
      active(k) = active(k) + (target - active(k))/(1.0_wp + merge(tau_on, tau_off, &
        target > active(k)))
    end do
    uptake = 0.0_wp
    fit_sum = 0.0_wp
    temperature_sum = 0.0_wp
  end subroutine biomass_day

  !> Biomass and activity of the high-affinity guild at one site at the steady state of a mean year:
  !> diffusion from the air against uptake, growth against maintenance and death, iterated.
  pure subroutine steady_biomass(mean, amplitude, filled, spread, air, rate, half, log_q10, t_ref, &
    yield, maintenance, death, crowded, ham, active)
    real(wp), intent(in) :: mean(nch4)  !< annual mean temperature [K]
    real(wp), intent(in) :: amplitude(nch4)  !< of the annual wave [K]
    real(wp), intent(in) :: filled(nch4)  !< water-filled share of the pores [1]
    real(wp), intent(in) :: spread(nch4)  !< diffusivity [m2 s-1]
    real(wp), intent(in) :: air  !< concentration in equilibrium with air [mol m-3]
    real(wp), intent(in) :: rate  !< largest uptake per biomass [mol g-1 s-1]
    real(wp), intent(in) :: half  !< half-saturation [mol m-3]
    real(wp), intent(in) :: log_q10  !< log of the Q10 [1]
    real(wp), intent(in) :: t_ref  !< reference temperature [degC]
    real(wp), intent(in) :: yield  !< biomass per methane, C [1]
    real(wp), intent(in) :: maintenance  !< of active biomass at 10 C [day-1]
    real(wp), intent(in) :: death  !< rate of sparse biomass [day-1]
    real(wp), intent(in) :: crowded  !< biomass that doubles it [g m-3]
    real(wp), intent(out) :: ham(nch4)  !< biomass, C [g m-3]
    real(wp), intent(out) :: active(nch4)  !< active share [1]
    integer, parameter :: months = 12, rounds = 60
    real(wp), dimension(1, nch4) :: a, b, c, d, x
    real(wp) :: speed(nch4), upkeep(nch4), fit, thawed, awake, t, link, growth, target
    integer :: k, month, round
    do k = 1, nch4
      fit = moisture_response(filled(k))
      active(k) = 0.0_wp
      speed(k) = 0.0_wp
      upkeep(k) = 0.0_wp
      do month = 1, months
        t = mean(k) + amplitude(k)*cos(2.0_wp*pi*real(month, wp)/real(months, wp)) - t_freeze
        thawed = min(1.0_wp, max(0.0_wp, 1.0_wp + t/3.0_wp))
        awake = max(least_active, thawed*fit)/real(months, wp)
        active(k) = active(k) + awake
        speed(k) = speed(k) + rate*awake*thawed*fit*exp(0.1_wp*log_q10*(t - t_ref))
        upkeep(k) = upkeep(k) + maintenance*awake &
          *exp(0.1_wp*log(maintenance_q10)*(max(0.0_wp, t) - 10.0_wp))
      end do
    end do
    ham = 0.0_wp
    if (rate <= 0.0_wp) return
    ham = crowded
    x = air
    do round = 1, rounds
      do k = 1, nch4
        b(1, k) = dz(k)*speed(k)*ham(k)/(half + x(1, k))
        d(1, k) = 0.0_wp
      end do
      do k = 1, nch4 - 1
        link = 2.0_wp/(dz(k)/spread(k) + dz(k + 1)/spread(k + 1))
        c(1, k) = -link
        a(1, k + 1) = -link
        b(1, k) = b(1, k) + link
        b(1, k + 1) = b(1, k + 1) + link
      end do
      a(1, 1) = 0.0_wp
      c(1, nch4) = 0.0_wp
      b(1, 1) = b(1, 1) + 2.0_wp*spread(1)/dz(1)
      d(1, 1) = 2.0_wp*spread(1)/dz(1)*air
      call solve_tridiagonal(1, nch4, a, b, c, d, x)
      do k = 1, nch4
        growth = yield*molar_mass_c*seconds_per_day*speed(k)*x(1, k)/(half + x(1, k))
        target = max(resting, crowded*((growth - upkeep(k))/death - 1.0_wp))
        ham(k) = ham(k) + 0.3_wp*(target - ham(k))
      end do
    end do
  end subroutine steady_biomass

end module methanotrophs
