!> Gross primary production: the P-model, with a 30-day memory of temperature and humidity.
!!
!! Prentice et al. (2014), Wang et al. (2017), Stocker et al. (2020); photorespiration and Michaelis
!! constants after Bernacchi et al. (2001).
module photosynthesis
  use kinds, only: wp
  use constants, only: t_freeze, gas_constant, p_standard, molar_mass_c
  implicit none
  private
  public :: gross_production, light_absorbed

  real(wp), parameter :: beta = 146.0_wp       !< cost ratio of carboxylation to transpiration [1]
  real(wp), parameter :: c_star = 0.41_wp      !< cost of electron transport [1]
  real(wp), parameter :: quanta = 2.04e-6_wp   !< photosynthetic photons in shortwave [mol J-1]

contains

  !> Share of light that leaves absorb [1].
  elemental real(wp) function light_absorbed(lai)
    real(wp), intent(in) :: lai  !< leaf area index [1]
    light_absorbed = 1.0_wp - exp(-0.5_wp*lai)
  end function light_absorbed

  !> Gross primary production [g m-2 day-1].
  elemental real(wp) function gross_production(rsds, t_day, tasmin, t_30d, vpd_30d, co2, ps, lai, &
                 gsi, soil_wetness, kphio, b0)
    real(wp), intent(in) :: rsds          !< mean downward shortwave [W m-2]
    real(wp), intent(in) :: t_day         !< daytime air temperature [K]
    real(wp), intent(in) :: tasmin        !< lowest air temperature [K]
    real(wp), intent(in) :: t_30d         !< air temperature of the last month [K]
    real(wp), intent(in) :: vpd_30d       !< daytime vapour pressure deficit of the last month [Pa]
    real(wp), intent(in) :: co2           !< mole fraction [1e-6]
    real(wp), intent(in) :: ps            !< surface pressure [Pa]
    real(wp), intent(in) :: lai           !< leaf area index not under snow [1]
    real(wp), intent(in) :: gsi           !< growing season index [1]
    real(wp), intent(in) :: soil_wetness  !< root-zone relative extractable water [1]
    real(wp), intent(in) :: kphio         !< quantum yield [1]
    real(wp), intent(in) :: b0            !< GPP at the wilting point relative to well-watered [1]
    real(wp) :: absorbed, efficiency, dry, water, frost
    absorbed = light_absorbed(lai)*rsds*86400.0_wp*quanta
    efficiency = kphio*yield_response(t_day - t_freeze)*carboxylation_share(t_30d, vpd_30d, co2, ps)
    dry = min(0.0_wp, soil_wetness - 0.6_wp)
    water = 1.0_wp + (b0 - 1.0_wp)/0.36_wp*dry*dry
    frost = min(1.0_wp, max(0.0_wp, (t_day - t_freeze + 1.0_wp)/6.0_wp)) &
            *min(1.0_wp, max(0.0_wp, (tasmin - t_freeze + 10.0_wp)/8.0_wp)) &
            *min(1.0_wp, 0.10_wp + 1.4_wp*gsi)
    gross_production = absorbed*efficiency*water*frost*molar_mass_c
  end function gross_production

  !> Temperature response of the quantum yield of C3 plants (Bernacchi et al. 2003), not below zero.
  elemental real(wp) function yield_response(t)
    real(wp), intent(in) :: t  !< leaf temperature [degC]
    yield_response = max(0.0_wp, 0.352_wp + 0.022_wp*t - 3.4e-4_wp*t*t)
  end function yield_response

  !> m' of the P-model: what carboxylation gets of the absorbed light under the optimal ci/ca [1].
  elemental real(wp) function carboxylation_share(temperature, vpd, co2, ps)
    real(wp), intent(in) :: temperature  !< acclimated temperature [K]
    real(wp), intent(in) :: vpd          !< acclimated vapour pressure deficit [Pa]
    real(wp), intent(in) :: co2          !< mole fraction [1e-6]
    real(wp), intent(in) :: ps           !< surface pressure [Pa]
    real(wp) :: t, inverse, ca, gamma_star, k_c, k_o, k_mm, viscosity, m
    t = min(320.0_wp, max(263.0_wp, temperature))
    inverse = (1.0_wp/298.15_wp - 1.0_wp/t)/gas_constant
    ca = 1.0e-6_wp*co2*ps
    gamma_star = 4.332_wp*ps/p_standard*exp(37830.0_wp*inverse)
    k_c = 39.97_wp*exp(79430.0_wp*inverse)
    k_o = 27480.0_wp*exp(36380.0_wp*inverse)
    k_mm = k_c*(1.0_wp + 0.2095_wp*ps/k_o)
    viscosity = exp(580.0_wp/(t - 138.0_wp) - 580.0_wp/160.15_wp)
    m = (ca - gamma_star)/(ca + 2.0_wp*gamma_star + 3.0_wp*gamma_star &
        *sqrt(1.6_wp*viscosity*max(20.0_wp, vpd)/(beta*(k_mm + gamma_star))))
    carboxylation_share = 0.0_wp
    if (m > c_star) carboxylation_share = m*sqrt(1.0_wp - (c_star/m)**(2.0_wp/3.0_wp))
  end function carboxylation_share

end module photosynthesis
