!> What tells one file from another: its size and the CRC-32 of its bytes, as zip files use it.
module file_identity
  use, intrinsic :: iso_fortran_env, only: int8, int32, int64
  use text, only: to_text
  implicit none (type, external)
  private

  public :: describe_file, crc32_of_part

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
    write(digits, '(z8.8)') crc32(bytes, 0_int32)
    description = to_text(length)//' bytes, CRC-32 '//digits
  end function describe_file

  !> CRC-32 of the first bytes of a file, which is read in pieces.
  subroutine crc32_of_part(path, length, crc, stat)
    character(*), intent(in) :: path  !< path
    integer(int64), intent(in) :: length  !< number of bytes
    integer(int32), intent(out) :: crc  !< checksum
    integer, intent(out) :: stat  !< 0, else the file cannot be read
    integer(int64), parameter :: piece = 2_int64**20
    integer(int8), allocatable :: bytes(:)
    integer(int64) :: position
    integer :: unit
    crc = 0
    open(newunit=unit, file=path, access='stream', form='unformatted', action='read', &
      status='old', iostat=stat)
    if (stat /= 0) return
    position = 0
    do while (position < length .and. stat == 0)
      allocate(bytes(min(piece, length - position)))
      read(unit, iostat=stat) bytes
      if (stat == 0) crc = crc32(bytes, crc)
      position = position + size(bytes)
      deallocate(bytes)
    end do
    close(unit)
  end subroutine crc32_of_part

  !> CRC-32 of ISO 3309 of bytes that follow others.
  pure integer(int32) function crc32(bytes, before) result(crc)
    integer(int8), intent(in) :: bytes(:)  !< bytes
    integer(int32), intent(in) :: before  !< checksum of the others, 0 where there are none
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
    crc = not(before)
    do i = 1_int64, size(bytes, kind=int64)
      crc = ieor(table(iand(ieor(crc, int(bytes(i), int32)), 255_int32)), shiftr(crc, 8))
    end do
    crc = not(crc)
  end function crc32

end module file_identity
