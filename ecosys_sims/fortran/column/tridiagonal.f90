!> Tridiagonal systems, one for each site, solved side by side (Thomas algorithm).
module tridiagonal
  use kinds, only: wp
  implicit none (type, external)
  private
  public :: tridiagonal_system, allocate_system, solve_tridiagonal

  !> a system for each site, (nsite, n)
  type :: tridiagonal_system
    real(wp), allocatable :: lower(:, :)  !< below the diagonal
    real(wp), allocatable :: diagonal(:, :)  !< the diagonal
    real(wp), allocatable :: upper(:, :)  !< above the diagonal
    real(wp), allocatable :: right(:, :)  !< right-hand side
    real(wp), allocatable :: x(:, :)  !< solution
  end type tridiagonal_system

contains

  !> Room for systems of `n` unknowns of `nsite` sites.
  subroutine allocate_system(system, nsite, n)
    type(tridiagonal_system), intent(inout) :: system  !< systems
    integer, intent(in) :: nsite  !< number of sites
    integer, intent(in) :: n  !< number of unknowns of a site
    allocate(system%lower(nsite, n), system%diagonal(nsite, n), system%upper(nsite, n), &
      system%right(nsite, n), system%x(nsite, n), source=0.0_wp)
  end subroutine allocate_system

  !> Solve for all sites
  !>
  !>     lower(k) x(k-1) + diagonal(k) x(k) + upper(k) x(k+1) = right(k),  k = 1..n
  !>
  !> The matrix must be diagonally dominant; `diagonal` and `right` are used as scratch.
  pure subroutine solve_tridiagonal(nsite, n, lower, diagonal, upper, right, x)
    integer, intent(in) :: nsite  !< number of sites
    integer, intent(in) :: n  !< number of unknowns of a site
    real(wp), intent(in) :: lower(nsite, n)  !< below the diagonal, (:, 1) unused
    real(wp), intent(inout) :: diagonal(nsite, n)  !< the diagonal, overwritten
    real(wp), intent(in) :: upper(nsite, n)  !< above the diagonal, (:, n) unused
    real(wp), intent(inout) :: right(nsite, n)  !< right-hand side, overwritten
    real(wp), intent(out) :: x(nsite, n)  !< solution
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
