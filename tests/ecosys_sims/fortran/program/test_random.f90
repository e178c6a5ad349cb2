!> Random streams, their deviates, and the long-term moments of the weather's residuals.
program test_random
  use, intrinsic :: iso_fortran_env, only: error_unit
  use kinds, only: wp
  use precipitation_amounts, only: amount_distribution, draw_amount, make_distribution, &
    stationary_wet_fraction, wet_probability
  use random, only: gamma_deviate, normal_pair, random_stream, seed_stream, uniform
  use weather_generator, only: next_residuals
  implicit none (type, external)
  integer, parameter :: n = 200000
  integer :: failures

  failures = 0
  call test_known_values()
  call test_streams_differ()
  call test_deviates()
  call test_residuals()
  call test_precipitation()
  if (failures > 0) error stop 1

contains

  !> The generator's definition, evaluated with exact integers elsewhere.
  subroutine test_known_values()
    real(wp), parameter :: expected(3) = &
      [0.05368723319329061_wp, 0.7842103595588352_wp, 0.43343121423211184_wp]
    type(random_stream) :: stream
    real(wp) :: drawn(3)
    integer :: i
    call seed_stream(stream, 7, 1234)
    do i = 1, 3
      call uniform(stream, drawn(i))
    end do
    call expect(maxval(abs(drawn - expected)) < 1.0e-16_wp, &
      'xoshiro256** differs from its definition')
  end subroutine test_known_values

  !> Neighbouring seeds and sites have unrelated streams.
  subroutine test_streams_differ()
    type(random_stream) :: stream
    real(wp) :: first(400), sum_squares
    integer :: i
    do i = 1, size(first)
      call seed_stream(stream, 1 + mod(i, 20), i/20)
      call uniform(stream, first(i))
    end do
    sum_squares = sum((first - 0.5_wp)**2)/size(first)
    call expect(abs(sum(first)/size(first) - 0.5_wp) < 0.05_wp, 'first deviates are biased')
    call expect(abs(sum_squares - 1.0_wp/12.0_wp) < 0.015_wp, 'first deviates are not uniform')
    do i = 2, size(first)
      call expect(.not. any(first(:i - 1) >= first(i) .and. first(:i - 1) <= first(i)), &
        'two streams are the same')
    end do
  end subroutine test_streams_differ

  subroutine test_deviates()
    type(random_stream) :: stream
    real(wp) :: u(n), x(n), y(n), g(n), small(n)
    integer :: i
    call seed_stream(stream, 42, 1)
    do i = 1, n
      call uniform(stream, u(i))
    end do
    do i = 1, n
      call normal_pair(stream, x(i), y(i))
      call gamma_deviate(stream, 2.5_wp, g(i))
      call gamma_deviate(stream, 0.8_wp, small(i))
    end do
    call expect(all(u >= 0.0_wp) .and. all(u < 1.0_wp), 'uniform deviates outside of [0, 1)')
    call expect(near(mean(u), 0.5_wp, 0.003_wp) .and. near(spread_of(u), 0.288675_wp, 0.002_wp), &
      'moments of the uniform deviates')
    call expect(near(mean(x), 0.0_wp, 0.01_wp) .and. near(spread_of(x), 1.0_wp, 0.01_wp), &
      'moments of the normal deviates')
    call expect(near(mean(x*y), 0.0_wp, 0.01_wp) .and. near(mean(x**4), 3.0_wp, 0.1_wp), &
      'normal deviates are correlated or not normal')
    call expect(near(mean(g), 2.5_wp, 0.02_wp) .and. near(spread_of(g)**2, 2.5_wp, 0.05_wp), &
      'moments of the gamma deviates of shape 2.5')
    call expect(near(mean(small), 0.8_wp, 0.01_wp) &
      .and. near(spread_of(small)**2, 0.8_wp, 0.03_wp), &
      'moments of the gamma deviates of shape 0.8')
  end subroutine test_deviates

  !> Stationary standard deviation 1.00 of all four residuals, correlation 0.59 of the temperatures.
  subroutine test_residuals()
    type(random_stream) :: stream
    real(wp) :: chi(4), eps(4), values(4, n)
    character(10) :: text
    integer :: i
    call seed_stream(stream, 1, 1)
    chi = 0.0_wp
    do i = -100, n
      call normal_pair(stream, eps(1), eps(2))
      call normal_pair(stream, eps(3), eps(4))
      chi = next_residuals(chi, eps)
      if (i > 0) values(:, i) = chi
    end do
    do i = 1, 4
      write(text, '(f10.4)') spread_of(values(i, :))
      call expect(near(spread_of(values(i, :)), 1.0_wp, 0.02_wp), 'residual has sd '//text)
      call expect(near(mean(values(i, :)), 0.0_wp, 0.03_wp), 'residual is biased')
    end do
    write(text, '(f10.4)') mean(values(1, :)*values(2, :))
    call expect(near(mean(values(1, :)*values(2, :)), 0.59_wp, 0.02_wp), &
      'Tmin and Tmax residuals have the correlation '//text)
  end subroutine test_residuals

  !> Mean amount and wet fraction are those computed in advance, which annual totals rely on.
  subroutine test_precipitation()
    type(random_stream) :: stream
    type(amount_distribution) :: distribution
    real(wp) :: amounts(n), u
    logical :: wet(-1:n)
    integer :: i, k
    real(wp), parameter :: means(*) = [3.0_wp, 7.0_wp, 12.0_wp]
    real(wp), parameter :: shares(*) = [0.04_wp, 0.35_wp, 0.9_wp]
    call seed_stream(stream, 2, 5)
    do k = 1, size(means)
      distribution = make_distribution(means(k))
      do i = 1, n
        call draw_amount(distribution, stream, amounts(i))
      end do
      call expect(all(amounts > 0.0_wp), 'a wet day without rain')
      call expect(near(mean(amounts)/distribution%mean, 1.0_wp, 0.015_wp), 'mean amount')
      wet = .false.
      do i = 1, n
        call uniform(stream, u)
        wet(i) = u < wet_probability(shares(k), wet(i - 1), wet(i - 2))
      end do
      call expect(near(count(wet)/(n*stationary_wet_fraction(shares(k))), 1.0_wp, 0.03_wp), &
        'share of wet days')
      call expect(near(stationary_wet_fraction(shares(k))/shares(k), 1.0_wp, 0.1_wp), &
        'the chain has another share of wet days than the climate')
    end do
  end subroutine test_precipitation

  pure real(wp) function mean(x)
    real(wp), intent(in) :: x(:)  !< sample
    mean = sum(x)/size(x)
  end function mean

  pure real(wp) function spread_of(x)
    real(wp), intent(in) :: x(:)  !< sample
    spread_of = sqrt(sum((x - mean(x))**2)/size(x))
  end function spread_of

  pure logical function near(value, expected, tolerance)
    real(wp), intent(in) :: value, expected, tolerance  !< value, expected value and tolerance
    near = abs(value - expected) <= tolerance
  end function near

  subroutine expect(ok, message)
    logical, intent(in) :: ok  !< what must hold
    character(*), intent(in) :: message  !< message if it does not
    if (ok) return
    failures = failures + 1
    write(error_unit, '(a)') 'test_random: '//message
  end subroutine expect

end program test_random
