!> Specific humidity and vapour pressure of the air.
module humidity
  use kinds, only: wp
  implicit none (type, external)
  private

  public :: specific_humidity, vapour_pressure

contains

  !> Specific humidity [kg kg-1].
  elemental real(wp) function specific_humidity(vapour, pressure)
    !> Vapour pressure [Pa].
    real(wp), intent(in) :: vapour
    !> Air pressure [Pa].
    real(wp), intent(in) :: pressure
    specific_humidity = 0.622_wp*vapour/(pressure - 0.378_wp*vapour)
  end function specific_humidity

  !> Vapour pressure [Pa].
  elemental real(wp) function vapour_pressure(humid, pressure)
    !> Specific humidity [kg kg-1].
    real(wp), intent(in) :: humid
    !> Air pressure [Pa].
    real(wp), intent(in) :: pressure
    vapour_pressure = humid*pressure/(0.622_wp + 0.378_wp*humid)
  end function vapour_pressure

end module humidity
