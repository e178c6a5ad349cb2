!> Gross primary production: the P-model, with a 30-day memory of temperature and humidity.
!>
!> Prentice et al. (2014), Wang et al. (2017), Stocker et al. (2020); photorespiration and Michaelis
!> constants after Bernacchi et al. (2001). Crops have a C4 branch (maize; Cai and Prentice 2020)
!> and, as an option, a light-use efficiency model (Suyker and Verma 2012).
module photosynthesis
  use constants, only: t_freeze, gas_constant, p_standard, molar_mass_c, seconds_per_day
  use kinds, only: wp
  implicit none (type, external)
  private
  public :: gross_production, crop_production, light_absorbed

  real(wp), parameter :: beta = 146.0_wp  !< cost ratio of carboxylation to transpiration [1]
  real(wp), parameter :: c_star = 0.41_wp  !< cost of electron transport [1]
  real(wp), parameter :: quanta = 2.04e-6_wp  !< photosynthetic photons in shortwave [mol J-1]

  ! Crops: maize, soybean, winter wheat, rice.
  integer, parameter :: n_crops = 4
  logical, parameter :: is_c4(n_crops) = [.true., .false., .false., .false.]
  !> quantum yield relative to kphio (ours, set by the daily peaks of GPP at Mead, Nebraska)
  real(wp), parameter :: yield_factor(n_crops) = [1.4_wp, 1.42_wp, 1.2_wp, 1.5_wp]
  !> GPP per photosynthetic energy absorbed under clear skies [g MJ-1]: maize and soybean Suyker and
  !> Verma (2012); wheat and rice by their radiation use efficiency relative to maize's, 1.24, 1.39
  !> and 1.65 (Sinclair and Muchow 1999)
  real(wp), parameter :: light_use(n_crops) = [1.96_wp, 1.37_wp, 1.47_wp, 1.65_wp]
  real(wp), parameter :: par_share = 0.5_wp  !< photosynthetic share of shortwave [1]
  ! ramps of the light-use efficiency of croplands in MOD17 (Running and Zhao 2015)
  real(wp), parameter :: t_none = -8.0_wp, t_all = 12.02_wp  !< lowest temperature [degC]
  real(wp), parameter :: vpd_all = 650.0_wp, vpd_none = 4300.0_wp  !< vapour pressure deficit [Pa]

contains

  !> Share of light that leaves absorb [1] (Beer): 1 - exp(-0.5 LAI).
  elemental real(wp) function light_absorbed(lai)
    real(wp), intent(in) :: lai  !< leaf area index [1]
    light_absorbed = 1.0_wp - exp(-0.5_wp*lai)
  end function light_absorbed

  !> Gross primary production [g m-2 day-1] (Stocker et al. 2020, reductions by frost and season
  !> ours):
  !>
  !>     GPP = M_C absorbed photons kphio phi(T) m' f(soil) f(frost) min(1, 0.10 + 1.4 GSI)
  !>
  !> phi is `yield_response`, m' `carboxylation_share`.
  elemental real(wp) function gross_production(rsds, t_day, tasmin, t_30d, vpd_30d, co2, ps, lai, &
    gsi, soil_wetness, kphio, b0)
    real(wp), intent(in) :: rsds  !< mean downward shortwave [W m-2]
    real(wp), intent(in) :: t_day  !< daytime air temperature [K]
    real(wp), intent(in) :: tasmin  !< lowest air temperature [K]
    real(wp), intent(in) :: t_30d  !< air temperature of the last month [K]
    real(wp), intent(in) :: vpd_30d  !< daytime vapour pressure deficit of the last month [Pa]
    real(wp), intent(in) :: co2  !< mole fraction [1e-6]
    real(wp), intent(in) :: ps  !< surface pressure [Pa]
    real(wp), intent(in) :: lai  !< leaf area index not under snow [1]
    real(wp), intent(in) :: gsi  !< growing season index [1]
    real(wp), intent(in) :: soil_wetness  !< root-zone relative extractable water [1]
    real(wp), intent(in) :: kphio  !< quantum yield [1]
    real(wp), intent(in) :: b0  !< GPP at the wilting point relative to well-watered [1]
    real(wp) :: absorbed, efficiency, frost
    absorbed = light_absorbed(lai)*rsds*seconds_per_day*quanta
    efficiency = kphio*yield_response(t_day - t_freeze)*carboxylation_share(t_30d, vpd_30d, co2, ps)
    frost = frost_response(t_day, tasmin)*min(1.0_wp, 0.10_wp + 1.4_wp*gsi)
    gross_production = absorbed*efficiency*drought_response(soil_wetness, b0)*frost*molar_mass_c
  end function gross_production

  !> Gross primary production of a crop [g m-2 day-1]: the P-model, C3 or C4, or light-use
  !> efficiency.
  elemental real(wp) function crop_production(crop, by_light_use, rsds, t_day, tasmin, vpd_day, &
    t_30d, vpd_30d, co2, ps, lai, soil_wetness, kphio, b0)
    integer, intent(in) :: crop  !< flag
    logical, intent(in) :: by_light_use  !< light-use efficiency in place of the P-model
    real(wp), intent(in) :: rsds  !< mean downward shortwave [W m-2]
    real(wp), intent(in) :: t_day  !< daytime air temperature [K]
    real(wp), intent(in) :: tasmin  !< lowest air temperature [K]
    real(wp), intent(in) :: vpd_day  !< daytime vapour pressure deficit [Pa]
    real(wp), intent(in) :: t_30d  !< air temperature of the last month [K]
    real(wp), intent(in) :: vpd_30d  !< daytime vapour pressure deficit of the last month [Pa]
    real(wp), intent(in) :: co2  !< mole fraction [1e-6]
    real(wp), intent(in) :: ps  !< surface pressure [Pa]
    real(wp), intent(in) :: lai  !< leaf area index not under snow [1]
    real(wp), intent(in) :: soil_wetness  !< root-zone relative extractable water [1]
    real(wp), intent(in) :: kphio  !< quantum yield [1]
    real(wp), intent(in) :: b0  !< GPP at the wilting point relative to well-watered [1]
    real(wp) :: absorbed
    absorbed = light_absorbed(lai)*rsds*seconds_per_day
    if (by_light_use) then
      crop_production = 1.0e-6_wp*par_share*absorbed*light_use(crop) &
        *min(1.0_wp, max(0.0_wp, (tasmin - t_freeze - t_none)/(t_all - t_none))) &
        *min(1.0_wp, max(0.0_wp, (vpd_none - vpd_day)/(vpd_none - vpd_all)))
    else if (is_c4(crop)) then
      crop_production = absorbed*quanta*yield_factor(crop)*kphio*c4_yield_response( &
        t_day - t_freeze)*molar_mass_c
    else
      crop_production = absorbed*quanta*yield_factor(crop)*kphio*yield_response(t_day - t_freeze) &
        *carboxylation_share(t_30d, vpd_30d, co2, ps)*molar_mass_c
    end if
    crop_production = crop_production*drought_response(soil_wetness, b0) &
      *frost_response(t_day, tasmin)
  end function crop_production

  !> Reduction of GPP by dry soil [1] (form of Stocker et al. 2020): with wetness w below 0.6,
  !>
  !>     f = 1 + (b0 - 1) ((w - 0.6)/0.6)^2
  elemental real(wp) function drought_response(soil_wetness, b0)
    real(wp), intent(in) :: soil_wetness  !< root-zone relative extractable water [1]
    real(wp), intent(in) :: b0  !< GPP at the wilting point relative to well-watered [1]
    real(wp) :: dry
    dry = min(0.0_wp, soil_wetness - 0.6_wp)
    drought_response = 1.0_wp + (b0 - 1.0_wp)/0.36_wp*dry*dry
  end function drought_response

  !> Reduction of GPP by cold days and frost at night [1], each factor held to 0..1 (ours):
  !>
  !>     f = (T_day + 1)/6 (T_min + 10)/8,  in degC
  elemental real(wp) function frost_response(t_day, tasmin)
    real(wp), intent(in) :: t_day  !< daytime air temperature [K]
    real(wp), intent(in) :: tasmin  !< lowest air temperature [K]
    frost_response = min(1.0_wp, max(0.0_wp, (t_day - t_freeze + 1.0_wp)/6.0_wp)) &
      *min(1.0_wp, max(0.0_wp, (tasmin - t_freeze + 10.0_wp)/8.0_wp))
  end function frost_response

  !> Temperature response of the quantum yield of C4 plants (Cai and Prentice 2020), relative to
  !> kphio, with ci high enough for no photorespiration (m' = 1).
  elemental real(wp) function c4_yield_response(t)
    real(wp), intent(in) :: t  !< leaf temperature [degC]
    c4_yield_response = 8.0_wp*max(0.0_wp, -0.008_wp + 0.00375_wp*t - 5.8e-5_wp*t*t)
  end function c4_yield_response

  !> Temperature response of the quantum yield of C3 plants (Bernacchi et al. 2003), not below zero.
  elemental real(wp) function yield_response(t)
    real(wp), intent(in) :: t  !< leaf temperature [degC]
    yield_response = max(0.0_wp, 0.352_wp + 0.022_wp*t - 3.4e-4_wp*t*t)
  end function yield_response

  !> m' of the P-model: what carboxylation gets of the absorbed light under the optimal ci/ca [1]
  !> (Wang et al. 2017; Stocker et al. 2020):
  !>
  !>     m' = m sqrt(1 - (0.41/m)^(2/3))
  !>     m  = (ca - G)/(ca + 2 G + 3 G sqrt(1.6 eta VPD/(146 (K + G))))
  !>
  !> G is the photorespiratory compensation point, K the Michaelis constant of Rubisco, eta the
  !> viscosity of water relative to 25 C.
  elemental real(wp) function carboxylation_share(temperature, vpd, co2, ps)
    real(wp), intent(in) :: temperature  !< acclimated temperature [K]
    real(wp), intent(in) :: vpd  !< acclimated vapour pressure deficit [Pa]
    real(wp), intent(in) :: co2  !< mole fraction [1e-6]
    real(wp), intent(in) :: ps  !< surface pressure [Pa]
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
