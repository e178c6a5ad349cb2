!> The inundated share of a site: its distribution, what moves with it, and whole columns with it.
program test_inundation
  use balance, only: n_balances
  use checks, only: check, check_close, check_range, same_bits, finish
  use column, only: column_model, column_initialise
  use column_runs, only: random_sites, run_day
  use column_state, only: step_forcing
  use inundation, only: inundated_share, gamma_above, move_share
  use kinds, only: wp
  use soil_grid, only: nch4
  implicit none (type, external)
  call distribution()
  call moves()
  call columns()
  call finish('test_inundation')

contains

  !> The upper tail of the gamma distribution, and the share against the water table.
  subroutine distribution()
    real(wp) :: x, share, last
    integer :: k
    do k = 0, 60
      x = 0.5_wp*real(k, wp)
      call check(abs(gamma_above(1.0_wp, x) - exp(-x)) < 1.0e-13_wp, 'tail of shape 1')
      call check(abs(gamma_above(2.0_wp, x) - (1.0_wp + x)*exp(-x)) < 1.0e-13_wp, 'tail of shape 2')
      call check(abs(gamma_above(0.5_wp, x) - erfc(sqrt(x))) < 1.0e-10_wp, 'tail of shape 0.5')
    end do
    last = 1.0_wp
    do k = -5, 40
      share = inundated_share(0.1_wp*real(k, wp), 1.8_wp, 1.7_wp, 2.0_wp)
      call check(share < last, 'a lower water table does not inundate less')
      last = share
    end do
    call check_close(inundated_share(0.0_wp, 1.0_wp, 1.0_wp, 2.0_wp), exp(-1.0_wp), 1.0e-12_wp, &
      'share with the mean water table at the surface')
    call check_range(inundated_share(-9.0_wp, 1.8_wp, 1.7_wp, 2.0_wp), 0.9_wp, 0.99_wp, &
      'share of a drowned site')
  end subroutine distribution

  !> Nothing is lost where a share floods or dries.
  subroutine moves()
    real(wp), parameter :: shares(6) = [0.0_wp, 0.2_wp, 0.5_wp, 0.1_wp, 0.0_wp, 0.99_wp]
    real(wp) :: dry, flooded, total
    integer :: k
    dry = 1.0_wp
    flooded = 7.0_wp
    do k = 2, 6
      total = (1.0_wp - shares(k - 1))*dry + shares(k - 1)*flooded
      call move_share(shares(k - 1), shares(k), dry, flooded)
      call check_close((1.0_wp - shares(k))*dry + shares(k)*flooded, total, 1.0e-14_wp, &
        'methane of a site whose inundated share changes')
    end do
  end subroutine moves

  !> Whole columns: balances close day by day, the share moves, blocks do not matter.
  subroutine columns()
    integer, parameter :: n = 13
    type(column_model) :: whole, single, off
    real(wp) :: lowest(n), highest(n)
    integer :: k
    call run(whole, 1, n, .true., lowest, highest)
    call check(any(highest - lowest > 0.05_wp), 'the inundated share does not move')
    call check(all(lowest >= 0.0_wp .and. highest <= 0.99_wp), 'the inundated share is no share')
    call check(all(whole%state%methane_inund(:, nch4) > 0.0_wp), 'nothing below the flooded share')
    do k = 5, 7
      call run(single, k, k, .true., lowest(k:k), highest(k:k))
      call check(all(same_bits(single%state%methane_inund(1, :), &
        whole%state%methane_inund(k, :))), &
        'methane of the inundated share depends on the block')
      call check(all(same_bits(single%state%methane(1, :), whole%state%methane(k, :))), &
        'methane depends on the block')
    end do
    call run(off, 7, 7, .false., lowest(7:7), highest(7:7))
    call check(maxval(off%state%methane_inund) <= 0.0_wp, 'methane of a share that is not there')
  end subroutine columns

  !> Run sites with or without inundation.
  subroutine run(c, first, last, topmodel, lowest, highest)
    type(column_model), intent(inout) :: c  !< block of sites
    integer, intent(in) :: first, last  !< site numbers
    logical, intent(in) :: topmodel  !< with inundation
    real(wp), intent(out) :: lowest(:), highest(:)  !< inundated share
    type(step_forcing) :: forcing
    character(:), allocatable :: errmsg
    real(wp) :: worst(n_balances)
    integer :: day, stat, k
    call fresh(c, first, last)
    c%static%topmodel = topmodel
    call column_initialise(c)
    worst = 0.0_wp
    lowest = 1.0_wp
    highest = 0.0_wp
    do day = 0, 399
      call run_day(c, forcing, [(k, k=first, last)], day, 0.0_wp, worst, stat, errmsg)
      call check(stat == 0, errmsg)
      lowest = min(lowest, c%fluxes%finund)
      highest = max(highest, c%fluxes%finund)
    end do
  end subroutine run

  !> A block that has not run yet.
  subroutine fresh(c, first, last)
    type(column_model), intent(out) :: c  !< block of sites
    integer, intent(in) :: first, last  !< site numbers
    call random_sites(c, first, last, .false.)
  end subroutine fresh

end program test_inundation
