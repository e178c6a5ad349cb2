!> The tridiagonal solver against matrices that are multiplied out.
program test_tridiagonal
  use checks, only: check, same_bits, finish
  use kinds, only: wp
  use synthetic_weather, only: unit_random
  use tridiagonal, only: solve_tridiagonal
  implicit none (type, external)
  integer, parameter :: nsite = 7, n = 19
  real(wp), dimension(nsite, n) :: lower, diagonal, upper, right, x, expected, d, r
  integer :: i, k
  do k = 1, n
    do i = 1, nsite
      lower(i, k) = unit_random(i, k, 1) - 0.5_wp
      upper(i, k) = unit_random(i, k, 2) - 0.5_wp
      diagonal(i, k) = 1.2_wp + unit_random(i, k, 3)
      expected(i, k) = 100.0_wp*(unit_random(i, k, 4) - 0.5_wp)
    end do
  end do
  do k = 1, n
    right(:, k) = diagonal(:, k)*expected(:, k)
    if (k > 1) right(:, k) = right(:, k) + lower(:, k)*expected(:, max(1, k - 1))
    if (k < n) right(:, k) = right(:, k) + upper(:, k)*expected(:, min(n, k + 1))
  end do
  d = diagonal
  r = right
  call solve_tridiagonal(nsite, n, lower, d, upper, r, x)
  call check(maxval(abs(x - expected)) < 1.0e-11_wp, 'the solution differs from the one put in')
  ! a block of one site gives the same bits
  d = diagonal
  r = right
  do i = 1, nsite
    block
      real(wp), dimension(1, n) :: l1, d1, u1, r1, x1
      l1(1, :) = lower(i, :)
      d1(1, :) = diagonal(i, :)
      u1(1, :) = upper(i, :)
      r1(1, :) = right(i, :)
      call solve_tridiagonal(1, n, l1, d1, u1, r1, x1)
      call check(all(same_bits(x1(1, :), x(i, :))), 'a site alone differs from the site in a block')
    end block
  end do
  call finish('test_tridiagonal')
end program test_tridiagonal
