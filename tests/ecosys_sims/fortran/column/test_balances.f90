!> Carbon, water, energy and methane close on every day, in ordinary and in impossible climates.
program test_balances
  use, intrinsic :: ieee_arithmetic, only: ieee_is_finite
  use balance, only: balance_broken, balances_close
  use checks, only: check, same_bits, finish
  use column, only: column_model, check_balances
  use column_runs, only: random_sites, run_day
  use column_state, only: step_forcing
  use kinds, only: wp
  implicit none (type, external)
  call years_close(first=1, last=26, nday=800, extreme=.false., hours=1)
  call years_close(first=101, last=126, nday=500, extreme=.true., hours=1)
  call years_close(first=1, last=52, nday=1100, extreme=.false., hours=24)
  call years_close(first=101, last=152, nday=1100, extreme=.true., hours=24)
  call a_leak_is_found()
  call finish('test_balances')

contains

  !> Run random sites and let every day's balances close and every number be finite.
  subroutine years_close(first, last, nday, extreme, hours)
    integer, intent(in) :: first, last  !< site numbers
    integer, intent(in) :: nday  !< days to run
    logical, intent(in) :: extreme  !< air of about -60 to 50 C, drought and flood
    integer, intent(in) :: hours  !< of a step of soil and methane
    type(column_model) :: c
    type(step_forcing) :: forcing
    character(:), allocatable :: errmsg
    real(wp) :: worst(5), coldest, hottest
    integer :: day, stat, k
    worst = 0.0_wp
    coldest = 400.0_wp
    hottest = 0.0_wp
    call random_sites(c, first, last, extreme)
    do day = 0, nday - 1
      call run_day(c, forcing, [(k, k=first, last)], day, 0.0_wp, worst, stat, errmsg, hours)
      call check(stat == 0, errmsg)
      call check(all(ieee_is_finite(c%fluxes%nee)) .and. all(ieee_is_finite(c%fluxes%fch4)), &
        'a flux is not finite')
      call check(all(c%fluxes%gpp >= 0.0_wp) .and. all(c%fluxes%ra >= 0.0_wp) &
        .and. all(c%fluxes%rh >= 0.0_wp), 'gpp, ra or rh is negative')
      call check(minval(c%state%methane) >= 0.0_wp .and. minval(c%state%substrate) >= 0.0_wp, &
        'methane or substrate is negative')
      call check(minval(c%state%liquid) >= -1.0e-9_wp .and. minval(c%state%ice) >= 0.0_wp, &
        'soil water is negative')
      if (stat /= 0) exit
      coldest = min(coldest, minval(c%day%tasmin))
      hottest = max(hottest, maxval(c%day%tasmax))
    end do
    print '(a,5es10.2,a,2f8.1)', 'worst balances', worst, '   air temperature', coldest, hottest
    call check(all(same_bits(c%fluxes%nee, c%fluxes%ra + c%fluxes%rh - c%fluxes%gpp)), &
      'nee is not ra + rh - gpp')
  end subroutine years_close

  !> A loss of a milligram is reported with its site.
  subroutine a_leak_is_found()
    type(column_model) :: c
    type(step_forcing) :: forcing
    character(:), allocatable :: errmsg
    real(wp) :: worst(5)
    integer :: stat, k
    worst = 0.0_wp
    call random_sites(c, 1, 3, .false.)
    call run_day(c, forcing, [(k, k=1, 3)], 0, 0.0_wp, worst, stat, errmsg)
    c%state%slow(2) = c%state%slow(2) - 1.0e-3_wp
    call check_balances(c, .true., worst, stat, errmsg)
    call check(stat == balance_broken .and. index(errmsg, 'carbon balance of site 2') > 0, &
      'a carbon leak passed')
    call check_balances(c, .false., worst, stat, errmsg)
    call check(stat == balances_close, 'carbon was checked without biogeochemistry')
    c%state%ponded(3) = c%state%ponded(3) + 1.0e-3_wp
    call check_balances(c, .false., worst, stat, errmsg)
    call check(stat == balance_broken .and. index(errmsg, 'water balance of site 3') > 0, &
      'a water leak passed')
  end subroutine a_leak_is_found

end program test_balances
