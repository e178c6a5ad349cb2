!> What tells one file from another: its size and the CRC-32 of its bytes, as zip files use it.
module file_identity
  use, intrinsic :: iso_fortran_env, only: int8, int32, int64
  use text, only: to_text
  implicit none (type, external)
  private

  public :: describe_file

contains

  !> `N bytes, CRC-32 hhhhhhhh`; empty where the file cannot be read.
  function describe_file(path) result(description)
    character(*), intent(in) :: path  !< path
    character(:), allocatable :: description
    integer(int8), allocatable :: bytes(:)
    character(8) :: digits
    integer(int64) :: length
    integer :: unit, stat
    description = ''
    open(newunit=unit, file=path, access='stream', form='unformatted', action='read', &
      status='old', iostat=stat)
    if (stat /= 0) return
    inquire(unit=unit, size=length)
    allocate(bytes(max(length, 0_int64)))
    read(unit, iostat=stat) bytes  ! single bytes, so that their order in a word does not matter
    close(unit)
    if (stat /= 0) return
    write(digits, '(z8.8)') crc32(bytes)
    description = to_text(length)//' bytes, CRC-32 '//digits
  end function describe_file

  !> CRC-32 of ISO 3309.
  pure integer(int32) function crc32(bytes) result(crc)
    integer(int8), intent(in) :: bytes(:)  !< bytes
    integer(int32), parameter :: polynomial = -306674912_int32  ! EDB88320, the bits reversed
    integer, parameter :: largest_byte = 255
    integer(int32) :: table(0:largest_byte)
    integer(int64) :: i
    integer :: bit, k
    do k = 0, largest_byte
      table(k) = int(k, int32)
      do bit = 1, 8
        table(k) = merge(ieor(shiftr(table(k), 1), polynomial), shiftr(table(k), 1), &
          btest(table(k), 0))
      end do
    end do
    crc = not(0_int32)
    do i = 1_int64, size(bytes, kind=int64)
      crc = ieor(table(iand(ieor(crc, int(bytes(i), int32)), 255_int32)), shiftr(crc, 8))
    end do
    crc = not(crc)
  end function crc32

end module file_identity
