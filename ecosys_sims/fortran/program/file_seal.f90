!> A checksum behind the end of a netCDF file that we write: 24 bytes, `ECOSTEP CRC-32 hhhhhhhh` and
!> a line feed. Readers of HDF5 pass over what follows its end, and a program that changes the file
!> takes it away. The Python packages do the same (foundations/file_seal.py).
module file_seal
  use, intrinsic :: iso_fortran_env, only: int32, int64, int8
  use file_identity, only: crc32_of_part
  implicit none (type, external)
  private

  public :: seal_file, is_as_sealed

  character(*), parameter :: mark = 'ECOSTEP CRC-32 '
  integer, parameter :: seal_length = len(mark) + 8 + 1
  integer, parameter :: superblock_length = 48  !< bytes that hold the end of the file

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

  !> Whether a file is as it was sealed; true where it has no checksum, false where that has been
  !> overwritten.
  logical function is_as_sealed(path) result(same)
    character(*), intent(in) :: path  !< path
    character(seal_length) :: ending
    integer(int8) :: superblock(superblock_length)
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
    superblock = 0
    if (length > size(superblock)) read(unit, pos=1) superblock
    close(unit)
    if (stat /= 0) return
    if (ending(:len(mark)) /= mark .or. &
      verify(ending(len(mark) + 1:len(mark) + 8), '0123456789ABCDEF') > 0) then
      same = length - seal_length /= end_of_hdf5(superblock)  ! else it has been overwritten
      return
    end if
    read(ending(len(mark) + 1:len(mark) + 8), '(z8)', iostat=stat) expected
    if (stat /= 0) return
    call crc32_of_part(path, length - seal_length, crc, stat)
    same = stat == 0 .and. crc == expected
  end function is_as_sealed

  !> Where an HDF5 file ends by its superblock; -1 for other files (HDF5 File Format Specification
  !> 3.0, section II.A).
  pure integer(int64) function end_of_hdf5(superblock) result(length)
    integer(int8), intent(in) :: superblock(:)  !< first bytes of the file
    integer(int8), parameter :: signature(*) = [-119_int8, 72_int8, 68_int8, 70_int8, 13_int8, &
      10_int8, 26_int8, 10_int8]
    integer :: first, i
    length = -1
    if (any(superblock(:size(signature)) /= signature)) return
    first = merge(29, 41, superblock(9) >= 2)
    length = 0
    do i = 7, 0, -1
      length = ior(shiftl(length, 8), iand(int(superblock(first + i), int64), 255_int64))
    end do
  end function end_of_hdf5

end module file_seal
