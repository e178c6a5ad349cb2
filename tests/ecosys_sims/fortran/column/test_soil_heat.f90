!> Soil heat against analytic solutions: damping of a temperature wave, Stefan's thaw depth, warm
!> rain and percolation; closure, and extremes.
program test_soil_heat
  use, intrinsic :: ieee_arithmetic, only: ieee_is_finite
  use checks, only: check, check_close, check_range, finish
  use constants, only: pi, t_freeze, l_fusion, c_water
  use kinds, only: wp
  use soil_grid, only: nsoil, dz, z_mid
  use soil_heat, only: heat_arrays, allocate_heat, heat_step, layer_heat, heat_to_state
  use synthetic_weather, only: unit_random
  implicit none (type, external)
  real(wp), parameter :: hour = 3600.0_wp
  call temperature_wave()
  call stefan_thaw()
  call heat_round_trip()
  call percolation()
  call warm_rain()
  call extremes_close()
  call finish('test_soil_heat')

contains

  !> One heat step of one column; water stays where it is.
  subroutine conduct_heat(dt, t_surface, top, conductance, solid_heat, t, liquid, ice, gained)
    real(wp), intent(in) :: dt  !< step [s]
    real(wp), intent(in) :: t_surface  !< [K]
    real(wp), intent(in) :: top  !< surface to first layer [W m-2 K-1]
    real(wp), intent(in) :: conductance(nsoil)  !< layer to layer [W m-2 K-1]
    real(wp), intent(in) :: solid_heat(nsoil)  !< [J m-2 K-1]
    real(wp), intent(inout) :: t(nsoil), liquid(nsoil), ice(nsoil)  !< [K], [kg m-2]
    real(wp), intent(out) :: gained  !< [J m-2]
    real(wp) :: brought
    call move_heat(dt, t_surface, top, conductance, solid_heat, liquid + ice, &
      spread(0.0_wp, 1, nsoil), t_surface, t, liquid, ice, gained, brought)
  end subroutine conduct_heat

  !> One heat step of one column whose water changes to `water` and leaves it by `sink`.
  subroutine move_heat(dt, t_surface, top, conductance, solid_heat, water, sink, t_inflow, t, &
    liquid, ice, gained, brought)
    real(wp), intent(in) :: dt  !< step [s]
    real(wp), intent(in) :: t_surface  !< [K]
    real(wp), intent(in) :: top  !< surface to first layer [W m-2 K-1]
    real(wp), intent(in) :: conductance(nsoil)  !< layer to layer [W m-2 K-1]
    real(wp), intent(in) :: solid_heat(nsoil)  !< [J m-2 K-1]
    real(wp), intent(in) :: water(nsoil)  !< after water has moved [kg m-2]
    real(wp), intent(in) :: sink(nsoil)  !< out of a layer [kg m-2]
    real(wp), intent(in) :: t_inflow  !< of water that enters [K]
    real(wp), intent(inout) :: t(nsoil), liquid(nsoil), ice(nsoil)  !< [K], [kg m-2]
    real(wp), intent(out) :: gained, brought  !< by conduction and with water [J m-2]
    type(heat_arrays) :: h
    real(wp), dimension(1, nsoil) :: t2, liquid2, ice2
    real(wp) :: gained2(1), brought2(1)
    call allocate_heat(h, 1)
    h%water(1, :) = water
    h%sink(1, :) = sink
    h%t_inflow = t_inflow
    t2(1, :) = t
    liquid2(1, :) = liquid
    ice2(1, :) = ice
    gained2 = 0.0_wp
    brought2 = 0.0_wp
    call heat_step(1, dt, [t_surface], [top], reshape(conductance, [1, nsoil]), &
      reshape(solid_heat, [1, nsoil]), reshape(spread(0.0_wp, 1, nsoil), [1, nsoil]), &
      h, t2, liquid2, ice2, gained2, brought2)
    t = t2(1, :)
    liquid = liquid2(1, :)
    ice = ice2(1, :)
    gained = gained2(1)
    brought = brought2(1)
  end subroutine move_heat

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
        t, liquid, ice, g)
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
        heat_capacity*dz, t, liquid, ice, g)
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

  !> Steady percolation bends the profile between two fixed temperatures as (exp(P z/L) - 1)/
  !> (exp(P) - 1), P = q c L/k (Bredehoeft and Papadopulos 1965).
  subroutine percolation()
    real(wp), parameter :: k_soil = 1.0_wp, rate = 1.0e-3_wp, dt = 1.0e5_wp
    real(wp), parameter :: ends(2) = [290.0_wp, 280.0_wp]
    integer, parameter :: last = 10
    real(wp) :: t(nsoil), liquid(nsoil), ice(nsoil), capacity(nsoil), sink(nsoil), gained, brought
    real(wp) :: peclet, share, bent, expected
    integer :: step
    t = ends(1)
    t(last) = ends(2)
    liquid = 300.0_wp*dz
    ice = 0.0_wp
    sink = 0.0_wp
    sink(last) = rate*dt
    capacity = 1.0e6_wp*dz
    capacity(last) = 1.0e15_wp
    do step = 1, 60
      call move_heat(dt, ends(1), k_soil/(0.5_wp*dz(1)), uniform_conductance(k_soil), capacity, &
        liquid, sink, ends(1), t, liquid, ice, gained, brought)
    end do
    share = z_mid(5)/z_mid(last)
    peclet = rate*c_water*z_mid(last)/k_soil
    expected = (exp(peclet*share) - 1.0_wp)/(exp(peclet) - 1.0_wp) - share
    bent = (t(5) - ends(1))/(ends(2) - ends(1)) - share
    call check_close(bent, expected, 0.10_wp, 'bend of the profile under percolation')
  end subroutine percolation

  !> A day's rain, far more than the first layers hold, brings its heat and no more: no layer gets
  !> warmer than the rain, and what enters is found again.
  subroutine warm_rain()
    real(wp) :: t(nsoil), liquid(nsoil), ice(nsoil), sink(nsoil), gained, brought, start
    t = t_freeze + 5.0_wp
    liquid = 300.0_wp*dz
    ice = 0.0_wp
    sink = 0.0_wp
    sink(15) = 80.0_wp
    start = sum(layer_heat(t, liquid, ice, 1.5e6_wp*dz))
    call move_heat(86400.0_wp, t_freeze, 0.0_wp, spread(0.0_wp, 1, nsoil), 1.5e6_wp*dz, liquid, &
      sink, t_freeze + 20.0_wp, t, liquid, ice, gained, brought)
    call check_close(sum(layer_heat(t, liquid, ice, 1.5e6_wp*dz)) - start, brought, 1.0e-9_wp, &
      'heat of rain and drainage')
    call check_close(brought, c_water*80.0_wp*(20.0_wp - (t(15) - t_freeze)), 1.0e-9_wp, &
      'heat that rain brought and drainage took')
    call check_range(maxval(t), t_freeze + 15.0_wp, t_freeze + 20.0_wp, &
      'warmest layer after warm rain')
    call check(all(t(2:15) <= t(1:14) + 1.0e-9_wp), &
      'warm rain left a layer warmer than the one above')
  end subroutine warm_rain

  !> Any temperatures, water and steps: heat closes, temperatures stay between those around.
  subroutine extremes_close()
    real(wp) :: t(nsoil), liquid(nsoil), ice(nsoil), water(nsoil), sink(nsoil), gained, brought
    real(wp) :: start, low, high, surface, inflow, dt
    integer :: trial, k
    do trial = 1, 400
      surface = 193.0_wp + 150.0_wp*unit_random(trial, 1, 1)
      inflow = max(t_freeze, surface)
      dt = merge(86400.0_wp, 3600.0_wp, modulo(trial, 2) == 0)
      do k = 1, nsoil
        call heat_to_state( &
          dz(k)*1.0e8_wp*(unit_random(trial, k, 2)**3 - unit_random(trial, k, 3)), &
          900.0_wp*dz(k)*unit_random(trial, k, 4), 0.0_wp, 1.0e5_wp*dz(k), t(k), &
          liquid(k), ice(k))
        water(k) = 900.0_wp*dz(k)*unit_random(trial, k, 5)
        sink(k) = 5.0_wp*unit_random(trial, k, 6)
      end do
      if (modulo(trial, 3) == 0) water = liquid + ice
      if (modulo(trial, 3) == 0) sink = 0.0_wp
      low = min(minval(t), surface)
      high = max(maxval(t), surface)
      start = sum(layer_heat(t, liquid, ice, 1.0e5_wp*dz))
      call move_heat(dt, surface, 30.0_wp, uniform_conductance(2.0_wp), 1.0e5_wp*dz, water, sink, &
        inflow, t, liquid, ice, gained, brought)
      call check(all(ieee_is_finite(t)) .and. all(liquid >= -1.0e-9_wp) .and. all(ice >= 0.0_wp), &
        'a state is not possible')
      call check(maxval(abs(liquid + ice - water)) < 1.0e-9_wp, 'water was made or lost')
      call check(abs(sum(layer_heat(t, liquid, ice, 1.0e5_wp*dz)) - start - gained - brought) &
        < 1.0e-3_wp*3600.0_wp, 'heat does not close')
      if (modulo(trial, 3) == 0) call check(minval(t) > low - 0.01_wp &
        .and. maxval(t) < high + 0.01_wp, 'conduction left the range of temperatures')
    end do
  end subroutine extremes_close

end program test_soil_heat
