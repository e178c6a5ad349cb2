!> Parameters of a year: drainage, vegetation shift, random walk, collapse of permafrost, cultivars.
program test_evolution
  use checks, only: check, check_close, check_range, same_bits, finish
  use column, only: column_model
  use column_runs, only: make_sites
  use evolution, only: parameters_of_year, track_thaw, end_thaw_year
  use kinds, only: wp
  use parameters, only: site_parameters
  implicit none (type, external)
  integer, parameter :: n = 400
  type(column_model) :: c
  type(site_parameters) :: p
  integer :: number(n), k
  real(wp) :: thaw(n), step(n)

  number = [(k, k=1, n)]
  thaw = 0.0_wp
  call make_sites(c, [(2, k=1, n)], [(62.0_wp, k=1, n)], [(276.0_wp, k=1, n)], &
    [(600.0_wp, k=1, n)], [(30.0_wp, k=1, n)])
  p = c%params
  call parameters_of_year(1, number, 2030, c%static, c%params, thaw, p)
  call check(all(same_bits(p%k_out, c%params%k_out)) .and. all(same_bits(p%mgo, c%params%mgo)), &
    'parameters change though nothing is asked for')
  call test_drainage()
  call test_shift()
  call test_walk()
  call test_collapse()
  call test_cultivars()
  call finish('evolution')

contains

  subroutine test_drainage()
    c%params%drain_year = 2010.0_wp
    c%params%drain_span = 4.0_wp
    c%params%drain_factor = 3.0_wp
    call parameters_of_year(1, number, 2009, c%static, c%params, thaw, p)
    call check_close(p%k_out(1), c%params%k_out(1), 1.0e-12_wp, 'k_out before drainage')
    call parameters_of_year(1, number, 2011, c%static, c%params, thaw, p)
    call check_close(p%k_out(1), c%params%k_out(1)*sqrt(3.0_wp), 1.0e-12_wp, 'k_out half-way')
    call parameters_of_year(1, number, 2050, c%static, c%params, thaw, p)
    call check_close(p%k_out(1), c%params%k_out(1)*3.0_wp, 1.0e-12_wp, 'k_out after drainage')
    c%params%drain_year = 0.0_wp
  end subroutine test_drainage

  subroutine test_shift()
    c%params%shift_year = 2010.0_wp
    c%params%shift_span = 10.0_wp
    c%params%shift_lai = 2.0_wp
    c%params%shift_tveg = 5.0_wp
    call parameters_of_year(1, number, 2010, c%static, c%params, thaw, p)
    call check_close(p%lai_max(1), c%params%lai_max(1)*sqrt(2.0_wp), 1.0e-12_wp, 'half-way')
    call parameters_of_year(1, number, 2015, c%static, c%params, thaw, p)
    call check_close(log(p%lai_max(1)/c%params%lai_max(1))/log(2.0_wp), 0.8808_wp, 1.0e-3_wp, &
      'share of the shift half a span later')
    call parameters_of_year(1, number, 2090, c%static, c%params, thaw, p)
    call check_close(p%tveg(1), 15.0_wp, 1.0e-12_wp, 'tveg held at its bound')
    c%params%shift_year = 0.0_wp
  end subroutine test_shift

  subroutine test_walk()
    type(site_parameters) :: later
    real(wp) :: mean, deviation
    c%params%mgo_walk = 0.05_wp
    c%params%walk_year = 2000.0_wp
    call parameters_of_year(1, number, 2000, c%static, c%params, thaw, p)
    call check(all(same_bits(p%mgo, c%params%mgo)), 'the walk moves before its first year')
    call parameters_of_year(1, number, 2016, c%static, c%params, thaw, p)
    step = log(p%mgo/c%params%mgo)
    mean = sum(step)/n
    deviation = sqrt(sum((step - mean)**2)/(n - 1))
    call check(abs(mean) < 4.0_wp*0.2_wp/sqrt(real(n, wp)), 'the walk has a drift')
    call check_close(deviation, 0.05_wp*4.0_wp, 0.15_wp, 'deviation after 16 years')
    later = p
    call parameters_of_year(1, number, 2017, c%static, c%params, thaw, later)
    step = log(later%mgo/p%mgo)
    call check_close(sqrt(sum(step**2)/n), 0.05_wp, 0.15_wp, 'deviation of one step')
    call parameters_of_year(2, number, 2016, c%static, c%params, thaw, later)
    call check(count(same_bits(later%mgo, p%mgo)) == 0, 'two seeds give the same walk')
    c%params%mgo_walk = 0.0_wp
  end subroutine test_walk

  subroutine test_collapse()
    c%params%thaw_depth = 0.6_wp
    c%params%thaw_span = 4.0_wp
    c%state%thaw = 0.0_wp
    c%state%soil_temperature = 274.0_wp
    c%state%active_layer = 0.0_wp
    c%state%soil_temperature(1, 12:) = 270.0_wp  ! frozen below 0.25 m
    c%state%soil_temperature(2, 17:) = 270.0_wp  ! frozen below 0.60 m
    c%state%soil_temperature(3, 18:) = 270.0_wp  ! frozen below 0.70 m
    call track_thaw(n, c%state%soil_temperature, c%state%active_layer)
    call check_close(c%state%active_layer(1), 0.25_wp, 1.0e-9_wp, 'active layer')
    call check_close(c%state%active_layer(4), 5.0_wp, 1.0e-9_wp, 'without permafrost')
    c%state%soil_temperature(3, 1) = 270.0_wp    ! winter freezes the surface, the year's thaw stays
    call track_thaw(n, c%state%soil_temperature, c%state%active_layer)
    call check_close(c%state%active_layer(3), 0.70_wp, 1.0e-9_wp, 'deepest thaw of the year')
    call end_thaw_year(c%params, c%state)
    call check(c%state%thaw(1) <= 0.0_wp .and. c%state%thaw(4) <= 0.0_wp, 'collapse without cause')
    call check_close(c%state%thaw(3), 0.25_wp, 1.0e-12_wp, 'collapse of a year')
    call check(c%state%active_layer(3) <= 0.0_wp, 'the thaw of a year is not forgotten')
    c%params%thaw_k_out = 0.3_wp
    call parameters_of_year(1, number, 2016, c%static, c%params, c%state%thaw, p)
    call check_close(p%k_out(3), c%params%k_out(3)*0.3_wp**0.25_wp, 1.0e-12_wp, 'k_out of collapse')
    call check_close(p%h_max(3), c%params%h_max(3) + 0.25_wp*c%params%thaw_h_max(3), 1.0e-12_wp, &
      'h_max of collapse')
  end subroutine test_collapse

  subroutine test_cultivars()
    c%params%cultivar_trend = 0.01_wp
    c%params%rotation = 0.0_wp
    c%params%rotation(1) = 12.0_wp
    call parameters_of_year(1, number, 2010, c%static, c%params, thaw, p)
    call check_close(p%kphio(1), c%params%kphio(1)*1.01_wp**10, 1.0e-9_wp, 'a field')
    call check_close(p%kphio(2), c%params%kphio(2), 1.0e-12_wp, 'a fen has no cultivars')
  end subroutine test_cultivars

end program test_evolution
