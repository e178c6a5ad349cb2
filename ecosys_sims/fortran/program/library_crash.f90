!> A library that crashes on a damaged file: the program then says which file it was and ends.
!>
!> HDF5 1.10 frees what it never made where the groups of a file are damaged, and loops for ever in
!> some heaps of strings. While a file is opened, the signals of both end the program with a line.
module library_crash
  use, intrinsic :: iso_c_binding, only: c_char, c_funloc, c_funptr, c_int, c_loc, &
    c_null_funptr, c_ptr, c_size_t
  use exit_codes, only: bad_input
  implicit none (type, external)
  private

  public :: watch_for_crash, end_watch

  !> Signals of Linux and others: abort, bus error, segmentation fault, alarm clock.
  integer(c_int), parameter :: signals(4) = [6_c_int, 7_c_int, 11_c_int, 14_c_int]
  integer(c_int), parameter :: patience = 120  ! seconds
  character(kind=c_char), allocatable, target :: message(:)
  type(c_funptr) :: former(size(signals)) = c_null_funptr

  interface
    function c_signal(number, handler) bind(c, name='signal') result(before)
      import :: c_funptr, c_int
      implicit none (type, external)
      integer(c_int), value :: number
      type(c_funptr), value :: handler
      type(c_funptr) :: before
    end function c_signal

    function c_write(descriptor, bytes, count) bind(c, name='write') result(written)
      import :: c_int, c_ptr, c_size_t
      implicit none (type, external)
      integer(c_int), value :: descriptor
      type(c_ptr), value :: bytes
      integer(c_size_t), value :: count
      integer(c_size_t) :: written
    end function c_write

    integer(c_int) function c_alarm(seconds) bind(c, name='alarm')
      import :: c_int
      implicit none (type, external)
      integer(c_int), value :: seconds
    end function c_alarm

    subroutine c_exit(status) bind(c, name='_exit')
      import :: c_int
      implicit none (type, external)
      integer(c_int), value :: status
    end subroutine c_exit
  end interface

contains

  !> From now on a crash is one of the library that opens this file.
  subroutine watch_for_crash(file)
    character(*), intent(in) :: file  !< path
    character(:), allocatable :: text
    integer(c_int) :: left
    integer :: i
    text = 'ecosys: '//file//': cannot be read as netCDF, the library fails on it; the file is '// &
      'damaged, restore it from a copy or write it again'//new_line('a')
    if (allocated(message)) deallocate(message)
    allocate(message(len(text)))
    do i = 1, len(text)
      message(i) = text(i:i)
    end do
    do i = 1, size(signals)
      former(i) = c_signal(signals(i), c_funloc(tell_and_end))
    end do
    left = c_alarm(patience)
  end subroutine watch_for_crash

  !> A crash is again what it was before.
  subroutine end_watch()
    type(c_funptr) :: ours
    integer(c_int) :: left
    integer :: i
    left = c_alarm(0_c_int)
    do i = 1, size(signals)
      ours = c_signal(signals(i), former(i))
    end do
  end subroutine end_watch

  !> Say what was being opened, with nothing but calls that a handler of signals may make.
  subroutine tell_and_end(number) bind(c)
    integer(c_int), value :: number  !< the signal
    integer(c_size_t) :: written
    if (number > 0) written = c_write(2_c_int, c_loc(message), size(message, kind=c_size_t))
    call c_exit(int(bad_input, c_int))
  end subroutine tell_and_end

end module library_crash
