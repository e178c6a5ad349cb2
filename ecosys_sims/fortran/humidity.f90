!> Water vapour of the air.
module humidity
  use constants, only : t_freeze
  use kinds, only : wp
  implicit none
  private

  public :: saturation_pressure, specific_humidity, vapour_pressure

contains

  !> Saturation vapour pressure over water, below freezing over ice [Pa].
  elemental real(wp) function saturation_pressure(temperature)
    !> Temperature [K].
    real(wp), intent(in) :: temperature
    real(wp) :: celsius
    celsius = max(-100.0_wp, temperature - t_freeze)
    if (celsius >= 0.0_wp) then
      saturation_pressure = 610.8_wp*exp(17.27_wp*celsius/(celsius + 237.3_wp))
    else
      saturation_pressure = 610.8_wp*exp(21.87_wp*celsius/(celsius + 265.5_wp))
    end if
  end function saturation_pressure

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
