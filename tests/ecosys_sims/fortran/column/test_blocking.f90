!> Results do not depend on how sites are split into blocks, nor on a stop at midnight: bit for bit.
program test_blocking
  use checks, only: check, same_bits, finish
  use column, only: column_model
  use column_runs, only: random_sites, run_day
  use column_state, only: step_forcing, state_field, state_fields
  use kinds, only: wp
  implicit none (type, external)
  integer, parameter :: nsite = 67, nday = 60
  type(column_model), target :: whole
  real(wp) :: gpp(nsite), fch4(nsite)
  call run_sites(whole, 1, nsite, 0, nday)
  gpp = whole%fluxes%gpp
  fch4 = whole%fluxes%fch4
  call compare(1, 1)
  call compare(2, 2)
  call compare(3, 10)
  call compare(11, 66)
  call compare(67, 67)
  call resume()
  call finish('test_blocking')

contains

  !> Start sites `first` to `last` and run them.
  subroutine run_sites(c, first, last, from, until)
    type(column_model), intent(inout) :: c  !< block of sites
    integer, intent(in) :: first, last  !< site numbers
    integer, intent(in) :: from, until  !< first day and day after the last
    call random_sites(c, first, last, .false.)
    call go_on(c, first, last, from, until)
  end subroutine run_sites

  !> Run a block for some days.
  subroutine go_on(c, first, last, from, until)
    type(column_model), intent(inout) :: c  !< block of sites
    integer, intent(in) :: first, last  !< site numbers
    integer, intent(in) :: from, until  !< first day and day after the last
    type(step_forcing) :: forcing
    character(:), allocatable :: errmsg
    real(wp) :: worst(5)
    integer :: day, stat, k
    worst = 0.0_wp
    do day = from, until - 1
      call run_day(c, forcing, [(k, k=first, last)], day, 0.0_wp, worst, stat, errmsg)
      call check(stat == 0, errmsg)
    end do
  end subroutine go_on

  !> A smaller block must end in the same state as the whole.
  subroutine compare(first, last)
    integer, intent(in) :: first, last  !< site numbers
    type(column_model), target :: part
    type(state_field), allocatable :: a(:), b(:)
    integer :: k
    call run_sites(part, first, last, 0, nday)
    call state_fields(whole%state, a)
    call state_fields(part%state, b)
    do k = 1, size(a)
      call check(all(same_bits(a(k)%values(first:last, :), b(k)%values)), &
        'block and whole differ in '//trim(a(k)%name))
    end do
    call check(all(same_bits(part%fluxes%gpp, gpp(first:last))) &
      .and. all(same_bits(part%fluxes%fch4, fch4(first:last))), &
      'block and whole differ in fluxes')
  end subroutine compare

  !> Copy the state at midnight into a fresh block and go on: the same end.
  subroutine resume()
    type(column_model), target :: early, late
    type(state_field), allocatable :: a(:), b(:)
    integer :: k
    call run_sites(early, 1, 13, 0, 25)
    call random_sites(late, 1, 13, .false.)
    call state_fields(early%state, a)
    call state_fields(late%state, b)
    do k = 1, size(a)
      b(k)%values = a(k)%values
    end do
    call go_on(late, 1, 13, 25, nday)
    call state_fields(whole%state, a)
    do k = 1, size(a)
      call check(all(same_bits(a(k)%values(1:13, :), b(k)%values)), &
        'restart differs in '//trim(a(k)%name))
    end do
  end subroutine resume

end program test_blocking
