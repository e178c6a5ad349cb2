!> Assertions of the Fortran tests: print what failed, go on, stop with the count.
module checks
  use kinds, only: wp, i8
  implicit none (type, external)
  private
  public :: check, check_close, check_range, same_bits, finish

  integer :: failures = 0  !< failed assertions so far

contains

  !> Fail with a message unless the condition holds.
  subroutine check(condition, message)
    logical, intent(in) :: condition  !< must be true
    character(*), intent(in) :: message  !< what went wrong
    if (condition) return
    failures = failures + 1
    print '(2a)', 'FAILED: ', message
  end subroutine check

  !> Fail unless two numbers agree to a relative tolerance.
  subroutine check_close(value, expected, tolerance, what)
    real(wp), intent(in) :: value, expected  !< numbers to compare
    real(wp), intent(in) :: tolerance  !< relative [1]
    character(*), intent(in) :: what  !< name of the quantity
    character(120) :: text
    write(text, '(2a,es13.5,a,es13.5,a,es8.1)') what, ' is', value, ', expected', expected, &
      ' within', tolerance
    call check(abs(value - expected) <= tolerance*abs(expected), trim(text))
  end subroutine check_close

  !> Fail unless a number lies in a range.
  subroutine check_range(value, low, high, what)
    real(wp), intent(in) :: value  !< number
    real(wp), intent(in) :: low, high  !< range
    character(*), intent(in) :: what  !< name of the quantity
    character(140) :: text
    write(text, '(2a,g0.5,a,g0.5,a,g0.5)') what, ' is ', value, ', expected ', low, ' to ', high
    call check(value >= low .and. value <= high, trim(text))
  end subroutine check_range

  !> True where two numbers are the same bit for bit.
  elemental logical function same_bits(a, b)
    real(wp), intent(in) :: a, b  !< numbers to compare
    same_bits = transfer(a, 1_i8) == transfer(b, 1_i8)
  end function same_bits

  !> End the program; non-zero where something failed.
  subroutine finish(name)
    character(*), intent(in) :: name  !< of the test
    if (failures > 0) then
      print '(i0,2a)', failures, ' failed in ', name
      error stop 1
    end if
    print '(2a)', name, ' passed'
  end subroutine finish

end module checks
