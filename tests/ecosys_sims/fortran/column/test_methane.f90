!> Methane against analytic steady states, and its response to water table, warmth and time step.
program test_methane
  use checks, only: check, check_close, check_range, finish
  use column, only: column_model, biogeochemistry_step
  use column_runs, only: make_sites
  use column_state, only: step_forcing, allocate_forcing
  use kinds, only: wp
  use methane, only: transport, ph_response
  use soil_grid, only: nsoil, nch4, dz, z_mid, z_top
  use tridiagonal, only: tridiagonal_system, allocate_system
  use water_table, only: moisture_profile, table_depth
  implicit none (type, external)
  call constant_source()
  call first_order_sink()
  call water_table_profile()
  call table_response()
  call warmth_response()
  call step_response()
  call thaw_pulse()
  call check(ph_response(3.0_wp, 3.5_wp) < 1.0e-12_wp, 'methanogens live below their lowest pH')
  call check_close(ph_response(7.5_wp, 3.5_wp), 1.0_wp, 1.0e-12_wp, 'pH response at 7.5')
  call finish('test_methane')

contains

  !> Steady diffusion from a uniform source below a depth: the parabola below, a straight line
  !> above.
  subroutine constant_source()
    real(wp), parameter :: d_soil = 1.0e-9_wp, source = 1.0e-8_wp
    integer, parameter :: first = 8
    real(wp), dimension(1, nch4) :: store, d, none, gain, methane
    type(tridiagonal_system) :: system
    real(wp) :: oxidation(1), flux(1), plant(1), zw, expected, dt, bottom
    integer :: k
    dt = 1.0e12_wp
    store = 1.0_wp
    d = d_soil
    none = 0.0_wp
    gain = 0.0_wp
    gain(1, first:) = source*dt
    methane = 0.0_wp
    call allocate_system(system, 1, nch4)
    call transport(1, dt, store, d, none, none, gain, [d_soil/(0.5_wp*dz(1))], [0.0_wp], methane, &
      oxidation, flux, plant, system)
    zw = z_top(first)
    bottom = sum(dz(1:nch4))
    call check_close(flux(1)/dt, source*(bottom - zw), 1.0e-3_wp, 'flux of the source')
    do k = 2, nch4
      if (k < first) then
        expected = source*(bottom - zw)*z_mid(k)/d_soil
      else
        expected = source/d_soil*((bottom - zw)*zw + bottom*(z_mid(k) - zw) &
          - 0.5_wp*(z_mid(k)**2 - zw**2))
      end if
      call check_close(methane(1, k), expected, 0.01_wp, 'concentration over a source')
    end do
  end subroutine constant_source

  !> Uptake by a first-order sink in a deep soil is C0 sqrt(D k).
  subroutine first_order_sink()
    real(wp), parameter :: d_soil = 1.0e-6_wp, rate = 1.0e-4_wp, air = 2.0e-6_wp
    real(wp), dimension(1, nch4) :: store, d, sink, none, methane
    type(tridiagonal_system) :: system
    real(wp) :: oxidation(1), flux(1), plant(1), dt
    dt = 1.0e10_wp
    store = 1.0_wp
    d = d_soil
    sink = rate
    none = 0.0_wp
    methane = 0.0_wp
    call allocate_system(system, 1, nch4)
    call transport(1, dt, store, d, sink, none, none, [d_soil/(0.5_wp*dz(1))], [air], methane, &
      oxidation, flux, plant, system)
    call check_close(-flux(1)/dt, air*sqrt(d_soil*rate), 0.02_wp, 'uptake by a first-order sink')
    call check_close(oxidation(1), -flux(1), 1.0e-6_wp, 'oxidation')
  end subroutine first_order_sink

  !> The moisture profile holds exactly the water whose lack set its water table.
  subroutine water_table_profile()
    real(wp) :: water(nsoil), deficit, porosity, zwt
    integer :: k
    porosity = 0.88_wp
    do k = 1, 40
      deficit = 0.005_wp*real(k, wp)
      zwt = table_depth(deficit, porosity)
      call moisture_profile(zwt, porosity, water)
      call check(abs(1.0e3_wp*(porosity*sum(dz) - deficit) - sum(water)) < 1.0e-9_wp, &
        'the profile does not hold the water of its table')
      call check(all(water > 0.0_wp), 'a layer is dry')
    end do
  end subroutine water_table_profile

  !> Emission of fens with given water table and temperature, after half a year [mg m-2 day-1].
  subroutine held_fens(zwt, t_soil, dt, flux)
    real(wp), intent(in) :: zwt(:)  !< water table depth [m]
    real(wp), intent(in) :: t_soil(:)  !< soil temperature [K]
    real(wp), intent(in) :: dt  !< step [s]
    real(wp), intent(out) :: flux(:)  !< [mg m-2 day-1]
    type(column_model) :: c
    type(step_forcing) :: forcing
    real(wp) :: water(nsoil)
    integer :: i, step, n, steps_per_day
    n = size(zwt)
    call make_sites(c, spread(2, 1, n), spread(55.0_wp, 1, n), t_soil, spread(600.0_wp, 1, n), &
      spread(20.0_wp, 1, n))
    call allocate_forcing(forcing, n)
    forcing%tair = t_soil
    forcing%psurf = 101325.0_wp
    forcing%ch4 = 1900.0_wp
    forcing%wind = 3.0_wp
    do i = 1, n
      call moisture_profile(max(0.0_wp, zwt(i)), c%params%porosity(i), water)
      c%state%liquid(i, :) = water
      c%state%ice(i, :) = 0.0_wp
      c%state%soil_temperature(i, :) = t_soil(i)
    end do
    c%state%water_table = zwt
    c%state%ponded = max(0.0_wp, -1000.0_wp*zwt)
    c%state%lai = 1.0_wp
    steps_per_day = nint(86400.0_wp/dt)
    do step = 1, 180*steps_per_day
      c%state%substrate = 15.0_wp
      if (step == 179*steps_per_day + 1) then
        c%fluxes%ch4_diffusion = 0.0_wp
        c%fluxes%ch4_ebullition = 0.0_wp
        c%fluxes%ch4_plant = 0.0_wp
      end if
      call biogeochemistry_step(c, forcing, dt)
    end do
    flux = c%fluxes%ch4_diffusion + c%fluxes%ch4_ebullition + c%fluxes%ch4_plant
  end subroutine held_fens

  !> Emission falls as the water table falls; 0.10 to 0.30 m costs a factor of three.
  subroutine table_response()
    real(wp), parameter :: depth(6) = [0.0_wp, 0.05_wp, 0.10_wp, 0.20_wp, 0.30_wp, 0.40_wp]
    real(wp) :: flux(6)
    integer :: k
    call held_fens(depth, spread(287.0_wp, 1, 6), 3600.0_wp, flux)
    print '(a,6f9.3)', 'flux by water table [mg m-2 day-1]:', flux
    do k = 2, 6
      call check(flux(k) < flux(k - 1), 'emission does not fall with the water table')
    end do
    call check(flux(3) > 3.0_wp*flux(5), &
      'a fall from 0.10 to 0.30 m cuts emission less than threefold')
    call check_range(flux(1), 20.0_wp, 400.0_wp, 'emission of a wet, warm fen')
  end subroutine table_response

  !> The apparent Q10 of emission lies in the range of the literature.
  subroutine warmth_response()
    real(wp) :: flux(2)
    call held_fens([0.02_wp, 0.02_wp], [278.0_wp, 288.0_wp], 3600.0_wp, flux)
    print '(a,f6.2)', 'apparent Q10:', flux(2)/flux(1)
    call check_range(flux(2)/flux(1), 2.0_wp, 7.0_wp, 'apparent Q10 of emission')
  end subroutine warmth_response

  !> Half the step changes emission by less than 2 %.
  subroutine step_response()
    real(wp) :: flux(1), half(1)
    call held_fens([0.05_wp], [285.0_wp], 3600.0_wp, flux)
    call held_fens([0.05_wp], [285.0_wp], 1800.0_wp, half)
    call check_close(half(1), flux(1), 0.02_wp, 'emission with half the step')
  end subroutine step_response

  !> Ice on standing water holds methane back; it leaves in a pulse when the ice melts.
  subroutine thaw_pulse()
    type(column_model) :: c
    type(step_forcing) :: forcing
    real(wp) :: water, flux(300), open_water, winter, pulse
    integer :: day, hour
    call make_sites(c, [2], [60.0_wp], [278.0_wp], [600.0_wp], [20.0_wp])
    call allocate_forcing(forcing, 1)
    forcing%psurf = 101325.0_wp
    forcing%ch4 = 1900.0_wp
    forcing%wind = 3.0_wp
    c%state%liquid = c%work%soil%capacity
    c%state%ice = 0.0_wp
    c%state%soil_temperature = 276.0_wp
    c%state%water_table = -0.02_wp
    c%state%ponded = 20.0_wp
    c%state%lai = 0.0_wp
    water = c%work%soil%capacity(1, 1)
    do day = 1, size(flux)
      c%state%ice(1, 1) = merge(0.95_wp*water, 0.0_wp, day > 100 .and. day <= 200)
      c%state%liquid(1, 1) = water - c%state%ice(1, 1)
      c%state%substrate = 15.0_wp
      c%fluxes%ch4_diffusion = 0.0_wp
      c%fluxes%ch4_ebullition = 0.0_wp
      do hour = 1, 24
        call biogeochemistry_step(c, forcing, 3600.0_wp)
      end do
      flux(day) = c%fluxes%ch4_diffusion(1) + c%fluxes%ch4_ebullition(1)
    end do
    open_water = sum(flux(91:100))/10.0_wp
    winter = sum(flux(101:110))/10.0_wp
    pulse = sum(flux(201:210))/10.0_wp
    print '(a,3f9.3)', 'open water, under ice, at thaw [mg m-2 day-1]:', open_water, winter, pulse
    call check(winter < 0.5_wp*open_water, 'ice does not hold methane back')
    call check(pulse > 1.5_wp*open_water, 'no pulse at thaw')
    call check(flux(300) < 0.5_wp*pulse, 'the pulse does not end')
  end subroutine thaw_pulse

end program test_methane
