!> A checksum behind the end of a netCDF file that we write: 24 bytes, `ECOSTEP CRC-32 hhhhhhhh` and a
!> line feed. Readers of HDF5 pass over what follows its end, and a program that changes the file takes
!> it away. The Python packages do the same (foundations/file_seal.py).
module file_seal
  use, intrinsic :: iso_fortran_env, only: int32, int64
  use file_identity, only: crc32_of_part
  implicit none (type, external)
  private

  public :: seal_file, is_as_sealed

  character(*), parameter :: mark = 'ECOSTEP CRC-32 '
  integer, parameter :: seal_length = len(mark) + 8 + 1

contains

  !> Put the checksum behind the end of a file that has none.
  subroutine seal_file(path, stat)
    character(*), intent(in) :: path  !< path
    integer, intent(out) :: stat  !< 0, else the file cannot be read or written
    character(8) :: digits
    integer(int32) :: crc
    integer(int64) :: length
    integer :: unit
    inquire(file=path, size=length)
    call crc32_of_part(path, length, crc, stat)
    if (stat /= 0) return
    write(digits, '(z8.8)') crc
    open(newunit=unit, file=path, access='stream', form='unformatted', action='write', &
      status='old', position='append', iostat=stat)
    if (stat /= 0) return
    write(unit, iostat=stat) mark//digits//new_line('a')
    if (stat == 0) close(unit, iostat=stat)
  end subroutine seal_file

  !> Whether a file is as it was sealed; true where it has no checksum.
  logical function is_as_sealed(path) result(same)
    character(*), intent(in) :: path  !< path
    character(seal_length) :: ending
    integer(int32) :: crc, expected
    integer(int64) :: length
    integer :: unit, stat
    same = .true.
    inquire(file=path, size=length)
    if (length < seal_length) return
    open(newunit=unit, file=path, access='stream', form='unformatted', action='read', &
      status='old', iostat=stat)
    if (stat /= 0) return
    read(unit, pos=length - seal_length + 1, iostat=stat) ending
    close(unit)
    if (stat /= 0 .or. ending(:len(mark)) /= mark) return
    if (verify(ending(len(mark) + 1:len(mark) + 8), '0123456789ABCDEF') > 0) return
    read(ending(len(mark) + 1:len(mark) + 8), '(z8)', iostat=stat) expected
    if (stat /= 0) return
    call crc32_of_part(path, length - seal_length, crc, stat)
    same = stat == 0 .and. crc == expected
  end function is_as_sealed

end module file_seal
