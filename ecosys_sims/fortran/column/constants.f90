!> Physical constants and unit factors (SI, carbon in g).
module constants
  use kinds, only: wp
  implicit none (type, external)
  private
  public :: pi, sigma_sb, t_freeze, rho_water, l_fusion, c_water, c_ice, c_air
  public :: gas_constant, gravity, p_standard, molar_mass_c, molar_mass_ch4
  public :: seconds_per_day, seconds_per_hour, days_per_year

  real(wp), parameter :: pi = 3.14159265358979323846_wp
  real(wp), parameter :: sigma_sb = 5.670374e-8_wp  !< Stefan-Boltzmann [W m-2 K-4]
  real(wp), parameter :: t_freeze = 273.15_wp  !< freezing point [K]
  real(wp), parameter :: rho_water = 1000.0_wp  !< density of water [kg m-3]
  real(wp), parameter :: l_fusion = 3.34e5_wp  !< latent heat of fusion [J kg-1]
  real(wp), parameter :: c_water = 4188.0_wp  !< heat capacity of water [J kg-1 K-1]
  real(wp), parameter :: c_ice = 2117.0_wp  !< heat capacity of ice [J kg-1 K-1]
  real(wp), parameter :: c_air = 1005.0_wp  !< heat capacity of air [J kg-1 K-1]
  real(wp), parameter :: gas_constant = 8.314462_wp  !< [J mol-1 K-1]
  real(wp), parameter :: gravity = 9.80665_wp  !< [m s-2]
  real(wp), parameter :: p_standard = 101325.0_wp  !< [Pa]
  real(wp), parameter :: molar_mass_c = 12.011_wp  !< [g mol-1]
  real(wp), parameter :: molar_mass_ch4 = 16.043_wp  !< [g mol-1]
  real(wp), parameter :: seconds_per_day = 86400.0_wp
  real(wp), parameter :: seconds_per_hour = 3600.0_wp
  real(wp), parameter :: days_per_year = 365.25_wp

end module constants
