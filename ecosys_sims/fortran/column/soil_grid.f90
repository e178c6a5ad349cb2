!> The vertical grid, one for heat, water and methane: 2 cm layers at the top, 5 m in all.
module soil_grid
  use kinds, only: wp
  implicit none (type, external)
  private
  public :: nsoil, nch4, dz, z_mid, z_top, z_bottom, i_10cm

  integer, parameter :: nsoil = 23  !< soil layers (heat and water)
  integer, parameter :: nch4 = 19  !< the upper layers (to 1.00 m) that carry methane
  integer, parameter :: i_10cm = 5  !< layer above 0.10 m
  integer :: layer

  !> thickness [m]
  real(wp), parameter :: dz(nsoil) = [ &
    0.02_wp, 0.02_wp, 0.02_wp, 0.02_wp, 0.02_wp, 0.02_wp, 0.02_wp, 0.02_wp, 0.02_wp, 0.02_wp, &
    0.05_wp, 0.05_wp, 0.05_wp, 0.05_wp, 0.10_wp, 0.10_wp, 0.10_wp, 0.10_wp, 0.20_wp, &
    0.40_wp, 0.70_wp, 1.10_wp, 1.80_wp]
  !> depth of the lower face [m]
  real(wp), parameter :: z_bottom(nsoil) = [(sum(dz(1:layer)), layer=1, nsoil)]
  !> depth of the upper face [m]
  real(wp), parameter :: z_top(nsoil) = [(sum(dz(1:layer)) - dz(layer), layer=1, nsoil)]
  !> depth of the middle [m]
  real(wp), parameter :: z_mid(nsoil) = [(sum(dz(1:layer)) - 0.5_wp*dz(layer), layer=1, nsoil)]

end module soil_grid
