!> Output files that appear under their name only when they are complete.
!>
!> A file is written as `NAME.tmp` and renamed. The first failure is kept and later calls do
!> nothing, so that a writer needs one test at its end; the message names the file and what failed.
module output_files
  use, intrinsic :: iso_c_binding, only: c_associated, c_char, c_int, c_loc, c_null_char, &
    c_ptr, c_size_t
  use exit_codes, only: output_failure, success
  use file_seal, only: seal_file
  use netcdf, only: nf90_close, nf90_clobber, nf90_create, nf90_eperm, nf90_netcdf4, nf90_noerr, &
    nf90_strerror
  implicit none (type, external)
  private

  public :: netcdf_output, write_text_file, put_string

  !> A netCDF-4 file being written.
  type :: netcdf_output
    character(:), allocatable :: path  !< final path
    integer :: ncid = -1  !< netCDF id
    !> Whether the temporary file stays when the file cannot be completed.
    logical :: keep_partial = .false.
    integer :: stat = success  !< exit code of the first failure, 0 for none
    character(:), allocatable :: errmsg  !< message of the first failure
  contains
    !> Create the temporary file.
    procedure :: create
    !> Keep the failure of a netCDF call.
    procedure :: check
    !> Close and give the file its name.
    procedure :: finish
    !> Close the temporary file and delete it unless it is to be kept.
    procedure :: discard
  end type netcdf_output

  interface
    integer(c_int) function c_rename(old, new) bind(c, name='rename')
      import :: c_char, c_int
      implicit none (type, external)
      character(kind=c_char), intent(in) :: old(*), new(*)
    end function c_rename

    ! C streams, because gfortran's `close` does not report that buffered text could not be written.
    type(c_ptr) function c_fopen(path, mode) bind(c, name='fopen')
      import :: c_char, c_ptr
      implicit none (type, external)
      character(kind=c_char), intent(in) :: path(*), mode(*)
    end function c_fopen

    integer(c_size_t) function c_fwrite(content, size, n, stream) bind(c, name='fwrite')
      import :: c_char, c_ptr, c_size_t
      implicit none (type, external)
      character(kind=c_char), intent(in) :: content(*)
      integer(c_size_t), value :: size, n
      type(c_ptr), value :: stream
    end function c_fwrite

    integer(c_int) function c_fclose(stream) bind(c, name='fclose')
      import :: c_int, c_ptr
      implicit none (type, external)
      type(c_ptr), value :: stream
    end function c_fclose

    integer(c_int) function nc_put_var1_string(ncid, varid, at, value) &
      bind(c, name='nc_put_var1_string')
      import :: c_int, c_ptr, c_size_t
      implicit none (type, external)
      integer(c_int), value :: ncid, varid
      integer(c_size_t), intent(in) :: at(*)
      type(c_ptr), intent(in) :: value(*)
    end function nc_put_var1_string
  end interface

contains

  !> Create the temporary file.
  subroutine create(self, path)
    class(netcdf_output), intent(inout) :: self  !< the file
    character(*), intent(in) :: path  !< final path
    self%path = path
    self%stat = success
    call self%check(nf90_create(path//'.tmp', ior(nf90_clobber, nf90_netcdf4), self%ncid), 'create')
  end subroutine create

  !> Keep the failure of a netCDF call.
  subroutine check(self, status, action)
    class(netcdf_output), intent(inout) :: self  !< the file
    integer, intent(in) :: status  !< what the netCDF call returned
    character(*), intent(in) :: action  !< what it was to do, such as `write gpp`
    if (self%stat /= success .or. status == nf90_noerr) return
    self%stat = output_failure
    self%errmsg = self%path//': cannot '//action//' ('//trim(nf90_strerror(status))// &
      '); is the disk full or the directory missing?'
  end subroutine check

  !> Close and give the file its name.
  subroutine finish(self)
    class(netcdf_output), intent(inout) :: self  !< the file
    integer :: status
    if (self%stat == success) then
      call self%check(nf90_close(self%ncid), 'close')
      self%ncid = -1
      if (self%stat == success) then
        call seal_file(self%path//'.tmp', status)
        if (status /= 0) call self%check(nf90_eperm, 'write the checksum')
      end if
      if (self%stat == success) call rename_file(self%path, self%stat, self%errmsg)
    end if
    if (self%stat /= success) call self%discard()
  end subroutine finish

  !> Close the temporary file and delete it unless it is to be kept.
  subroutine discard(self)
    class(netcdf_output), intent(inout) :: self  !< the file
    integer :: status
    ! After a write that failed, closing would spoil what the last nf90_sync brought to the disk.
    ! The header may already promise a longer file than there is; lengthened, it can be read.
    if (self%keep_partial .and. self%stat /= success) return
    if (self%ncid >= 0) status = nf90_close(self%ncid)
    self%ncid = -1
    if (.not. self%keep_partial) call delete_file(self%path//'.tmp')
  end subroutine discard

  !> Write a text file under its name only when it is complete.
  subroutine write_text_file(path, content, stat, errmsg)
    character(*), intent(in) :: path  !< path
    character(*), intent(in) :: content  !< content
    integer, intent(out) :: stat  !< exit code
    character(:), allocatable, intent(out) :: errmsg  !< message if stat is not 0
    type(c_ptr) :: stream
    integer(c_size_t) :: written
    stat = output_failure
    errmsg = path//': cannot write this file; is the disk full or the directory missing?'
    stream = c_fopen(path//'.tmp'//c_null_char, 'wb'//c_null_char)
    if (.not. c_associated(stream)) return
    written = c_fwrite(content, 1_c_size_t, len(content, c_size_t), stream)
    if (c_fclose(stream) /= 0 .or. written /= len(content, c_size_t)) then
      call delete_file(path//'.tmp')
      return
    end if
    deallocate(errmsg)
    call rename_file(path, stat, errmsg)
  end subroutine write_text_file

  !> Write one value of a variable of type string.
  integer function put_string(ncid, varid, at, value) result(status)
    integer, intent(in) :: ncid  !< netCDF id
    integer, intent(in) :: varid  !< id of the variable
    integer, intent(in) :: at  !< position, from 1
    character(*), intent(in) :: value  !< value
    character(kind=c_char), target :: buffer(len_trim(value) + 1)
    integer :: i
    do i = 1, len_trim(value)
      buffer(i) = value(i:i)
    end do
    buffer(size(buffer)) = c_null_char
    status = nc_put_var1_string(ncid, varid - 1, [int(at - 1, c_size_t)], [c_loc(buffer)])
  end function put_string

  !> `PATH.tmp` becomes `PATH`.
  subroutine rename_file(path, stat, errmsg)
    character(*), intent(in) :: path  !< final path
    integer, intent(out) :: stat  !< exit code
    character(:), allocatable, intent(inout) :: errmsg  !< message if stat is not 0
    stat = success
    if (c_rename(path//'.tmp'//c_null_char, path//c_null_char) == 0) return
    stat = output_failure
    errmsg = path//': cannot rename '//path//'.tmp to this name'
  end subroutine rename_file

  !> Delete a file if it is there.
  subroutine delete_file(path)
    character(*), intent(in) :: path  !< path
    integer :: unit, stat
    open(newunit=unit, file=path, status='old', action='readwrite', iostat=stat)
    if (stat == 0) close(unit, status='delete', iostat=stat)
  end subroutine delete_file

end module output_files
