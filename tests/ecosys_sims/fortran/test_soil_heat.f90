!> Soil heat against analytic solutions: damping of a temperature wave, Stefan's thaw depth,
!! closure.
program test_soil_heat
  use kinds, only: wp
  use constants, only: pi, t_freeze, l_fusion
  use soil_grid, only: nsoil, dz, z_mid
  use soil_heat, only: conduct_heat, layer_heat, heat_to_state
  use checks, only: check, check_close, finish
  implicit none
  real(wp), parameter :: hour = 3600.0_wp
  call temperature_wave()
  call stefan_thaw()
  call heat_round_trip()
  call finish('test_soil_heat')

contains

  !> Layer conductances of a uniform soil.
  pure function uniform_conductance(k_soil) result(conductance)
    real(wp), intent(in) :: k_soil  !< [W m-1 K-1]
    real(wp) :: conductance(nsoil)
    conductance(:nsoil - 1) = k_soil/(0.5_wp*(dz(:nsoil - 1) + dz(2:)))
    conductance(nsoil) = 0.0_wp
  end function uniform_conductance

  !> A 30-day wave decays with depth as exp(-z sqrt(omega/2 kappa)) and lags by the same angle.
  subroutine temperature_wave()
    real(wp), parameter :: k_soil = 1.0_wp, heat_capacity = 2.0e6_wp, period = 30.0_wp*86400.0_wp
    integer, parameter :: layer = 13
    real(wp) :: t(nsoil), liquid(nsoil), ice(nsoil), g, omega, decay, surface, top, sine, cosine, &
        deep
    real(wp) :: deep_sine, deep_cosine, time
    integer :: step, nstep
    omega = 2.0_wp*pi/period
    decay = sqrt(omega*heat_capacity/(2.0_wp*k_soil))
    t = 290.0_wp
    liquid = 0.0_wp
    ice = 0.0_wp
    top = k_soil/(0.5_wp*dz(1))
    nstep = nint(8.0_wp*period/hour)
    deep_sine = 0.0_wp
    deep_cosine = 0.0_wp
    do step = 1, nstep
      time = real(step, wp)*hour
      surface = 290.0_wp + 10.0_wp*sin(omega*time)
      call conduct_heat(hour, surface, top, uniform_conductance(k_soil), heat_capacity*dz, &
                        spread(0.0_wp, 1, nsoil), t, liquid, ice, g)
      if (time <= 7.0_wp*period) cycle
      deep = t(layer) - 290.0_wp
      sine = sin(omega*time)
      cosine = cos(omega*time)
      deep_sine = deep_sine + 2.0_wp*deep*sine*hour/period
      deep_cosine = deep_cosine + 2.0_wp*deep*cosine*hour/period
    end do
    call check_close(hypot(deep_sine, deep_cosine), 10.0_wp*exp(-z_mid(layer)*decay), 0.02_wp, &
                     'amplitude at depth')
    call check_close(-atan2(deep_cosine, deep_sine), z_mid(layer)*decay, 0.02_wp, &
        'phase lag at depth')
  end subroutine temperature_wave

  !> Thaw depth sqrt(2 k I/(L theta)) under a constant surface temperature.
  subroutine stefan_thaw()
    real(wp), parameter :: k_soil = 1.2_wp, heat_capacity = 2.0e5_wp, water = 450.0_wp
    real(wp) :: t(nsoil), liquid(nsoil), ice(nsoil), g, top, depth, warmth, gained, start
    integer :: step, nstep, k
    t = t_freeze - 0.5_wp
    ice = water*dz
    liquid = 0.0_wp
    top = k_soil/(0.5_wp*dz(1))
    nstep = 50*24
    warmth = 4.0_wp
    gained = 0.0_wp
    start = sum(layer_heat(t, liquid, ice, heat_capacity*dz))
    do step = 1, nstep
      call conduct_heat(hour, t_freeze + warmth, top, uniform_conductance(k_soil), &
                        heat_capacity*dz, spread(0.0_wp, 1, nsoil), t, liquid, ice, g)
      gained = gained + g
    end do
    depth = 0.0_wp
    do k = 1, nsoil
      depth = depth + dz(k)*liquid(k)/(liquid(k) + ice(k))
    end do
    call check_close(depth, sqrt(2.0_wp*k_soil*warmth*real(nstep, wp)*hour/(l_fusion*water)), &
                     0.05_wp, 'thaw depth')
    call check_close(sum(layer_heat(t, liquid, ice, heat_capacity*dz)) - start, gained, &
                     1.0e-10_wp, 'heat gained')
  end subroutine stefan_thaw

  !> Heat to state and back, over thawed, freezing and frozen layers.
  subroutine heat_round_trip()
    real(wp) :: heat, t, liquid, ice
    integer :: k
    do k = -40, 20
      heat = 5.0e5_wp*real(k, wp)
      call heat_to_state(heat, 30.0_wp, 4.0_wp, 5.0e4_wp, t, liquid, ice)
      call check(abs(layer_heat(t, liquid, ice, 5.0e4_wp) - heat) < 1.0e-6_wp, &
          'heat changed on the way')
      call check(ice >= 0.0_wp .and. liquid >= 4.0_wp - 1.0e-9_wp, 'ice and water out of bounds')
    end do
  end subroutine heat_round_trip

end program test_soil_heat
