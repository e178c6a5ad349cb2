!> The snow pack: one layer with mass, density and albedo; melt by degree-days and sunshine.
!>
!> Density after Verseghy (1991), conductivity after Yen (1981).
module snow
  use constants, only: t_freeze, seconds_per_day
  use kinds, only: wp
  implicit none (type, external)
  private
  public :: snow_step, snow_cover, snow_resistance, fresh_density, fresh_albedo

  real(wp), parameter :: fresh_density = 120.0_wp  !< density of new snow [kg m-3]
  real(wp), parameter :: old_density = 300.0_wp  !< density that old snow tends to [kg m-3]
  real(wp), parameter :: fresh_albedo = 0.85_wp  !< albedo of new snow [1]
  real(wp), parameter :: sun_melt = 0.008_wp  !< melt by sunshine [kg m-2 day-1 (W m-2)-1]

contains

  !> Fall, settle and melt snow over one step:
  !>
  !>     melt = (ddf T + 0.008 S) dt while T > 0 degC        [kg m-2, S in W m-2, dt in days]
  !>     d(density)/dt = (300 - density)/100 h               new snow 120 kg m-3
  !>     d(albedo)/dt  = -(albedo - 0.50)/5 d in thaw, -(albedo - 0.70)/10 d in frost, not below
  elemental subroutine snow_step(tair, swdown, snowfall, ddf, dt, swe, density, albedo, melt)
    real(wp), intent(in) :: tair  !< air temperature [K]
    real(wp), intent(in) :: swdown  !< downward shortwave [W m-2]
    real(wp), intent(in) :: snowfall  !< snow that falls in the step [kg m-2]
    real(wp), intent(in) :: ddf  !< degree-day factor [kg m-2 K-1 day-1]
    real(wp), intent(in) :: dt  !< step [s]
    real(wp), intent(inout) :: swe  !< snow water equivalent [kg m-2]
    real(wp), intent(inout) :: density  !< density [kg m-3]
    real(wp), intent(inout) :: albedo  !< albedo [1]
    real(wp), intent(out) :: melt  !< melt water of the step [kg m-2]
    real(wp) :: warm, mass
    warm = max(0.0_wp, tair - t_freeze)
    mass = swe + snowfall
    melt = 0.0_wp
    if (mass <= 0.0_wp) then
      swe = 0.0_wp
      density = fresh_density
      albedo = fresh_albedo
      return
    end if
    density = (swe*density + snowfall*fresh_density)/mass
    density = density + (old_density - density)*min(1.0_wp, dt/3.6e5_wp)
    albedo = albedo + (fresh_albedo - albedo)*min(1.0_wp, snowfall/5.0_wp)
    if (warm > 0.0_wp) then
      albedo = albedo - max(0.0_wp, albedo - 0.50_wp)*min(1.0_wp, dt/(5.0_wp*seconds_per_day))
      melt = min(mass, (ddf*warm + sun_melt*swdown)*dt/seconds_per_day)
    else
      albedo = albedo - max(0.0_wp, albedo - 0.70_wp)*min(1.0_wp, dt/(10.0_wp*seconds_per_day))
    end if
    swe = mass - melt
  end subroutine snow_step

  !> Share of the ground under snow [1]: W/(W + 8 kg m-2).
  elemental real(wp) function snow_cover(swe)
    real(wp), intent(in) :: swe  !< snow water equivalent [kg m-2]
    snow_cover = swe/(swe + 8.0_wp)
  end function snow_cover

  !> Resistance of the pack to heat [m2 K W-1], depth over conductivity (Yen 1981):
  !>
  !>     k = 2.22 (density/917)^1.88 [W m-1 K-1]
  elemental real(wp) function snow_resistance(swe, density)
    real(wp), intent(in) :: swe  !< snow water equivalent [kg m-2]
    real(wp), intent(in) :: density  !< density [kg m-3]
    snow_resistance = swe/density/(2.22_wp*(density/917.0_wp)**1.88_wp)
  end function snow_resistance

end module snow
