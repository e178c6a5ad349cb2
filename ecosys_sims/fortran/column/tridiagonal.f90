!> Tridiagonal systems, one for each site, solved side by side (Thomas algorithm).
module tridiagonal
  use kinds, only: wp
  implicit none
  private
  public :: solve_tridiagonal

contains

  !> Solve lower x(k-1) + diagonal x(k) + upper x(k+1) = right for all sites.
  !! The matrix must be diagonally dominant; `diagonal` and `right` are used as scratch.
  pure subroutine solve_tridiagonal(nsite, n, lower, diagonal, upper, right, x)
    integer, intent(in) :: nsite                       !< number of sites
    integer, intent(in) :: n                           !< number of unknowns of a site
    real(wp), intent(in) :: lower(nsite, n)            !< below the diagonal, (:, 1) unused
    real(wp), intent(inout) :: diagonal(nsite, n)      !< the diagonal, overwritten
    real(wp), intent(in) :: upper(nsite, n)            !< above the diagonal, (:, n) unused
    real(wp), intent(inout) :: right(nsite, n)         !< right-hand side, overwritten
    real(wp), intent(out) :: x(nsite, n)               !< solution
    real(wp) :: factor
    integer :: i, k
    do i = 1, nsite
      diagonal(i, 1) = 1.0_wp/diagonal(i, 1)
    end do
    do k = 2, n
      do i = 1, nsite
        factor = lower(i, k)*diagonal(i, k - 1)
        diagonal(i, k) = 1.0_wp/(diagonal(i, k) - factor*upper(i, k - 1))
        right(i, k) = right(i, k) - factor*right(i, k - 1)
      end do
    end do
    do i = 1, nsite
      x(i, n) = right(i, n)*diagonal(i, n)
    end do
    do k = n - 1, 1, -1
      do i = 1, nsite
        x(i, k) = (right(i, k) - upper(i, k)*x(i, k + 1))*diagonal(i, k)
      end do
    end do
  end subroutine solve_tridiagonal

end module tridiagonal
