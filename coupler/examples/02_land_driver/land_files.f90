!> The netCDF files of the land model: forcing that it reads, history and restart files that it
!> writes. Any failure stops the program with the file's name; a real model would hand the status
!> up.
module land_files
  use, intrinsic :: iso_fortran_env, only: int32, real32, real64
  use netcdf, only: nf90_64bit_offset, nf90_clobber, nf90_close, nf90_create, nf90_def_dim, &
    nf90_def_var, nf90_double, nf90_enddef, nf90_float, nf90_get_att, nf90_get_var, nf90_global, &
    nf90_inq_dimid, nf90_inq_varid, nf90_inquire_attribute, nf90_inquire_dimension, &
    nf90_inquire_variable, nf90_int, nf90_noerr, nf90_nowrite, nf90_open, nf90_put_att, &
    nf90_put_var, nf90_strerror, nf90_unlimited
  implicit none (type, external)
  private

  public :: forcing_file, history_file, write_restart, read_restart

  !> Drivers (cell, time) and site attributes (cell), one file of all times.
  type :: forcing_file
    integer :: ncid = -1  !< handle
    integer :: ncell = 0  !< cells in the file
    integer :: nrecord = 0  !< records
    integer :: interval = 0  !< time from record to record [s]
    character(:), allocatable :: path  !< file
  contains
    procedure :: open => forcing_open
    procedure :: close => forcing_close
    procedure :: units => forcing_units
    procedure :: read => forcing_read
    procedure :: read_static => forcing_read_static
  end type forcing_file

  !> Fluxes of each step.
  type :: history_file
    integer :: ncid = -1  !< handle
    integer :: nrecord = 0  !< records written
    integer, allocatable :: variables(:)  !< handles of the fluxes
    character(:), allocatable :: path  !< file
  contains
    procedure :: create => history_create
    procedure :: write => history_write
    procedure :: close => history_close
  end type history_file

contains

  !> Open a forcing file.
  subroutine forcing_open(self, path)
    class(forcing_file), intent(inout) :: self
    character(*), intent(in) :: path  !< file
    integer :: dimension

    self%path = path
    call must(nf90_open(path, nf90_nowrite, self%ncid), path)
    call must(nf90_inq_dimid(self%ncid, 'cell', dimension), path)
    call must(nf90_inquire_dimension(self%ncid, dimension, len=self%ncell), path)
    call must(nf90_inq_dimid(self%ncid, 'time', dimension), path)
    call must(nf90_inquire_dimension(self%ncid, dimension, len=self%nrecord), path)
    call must(nf90_get_att(self%ncid, nf90_global, 'interval_seconds', self%interval), path)
  end subroutine forcing_open

  !> Close it.
  subroutine forcing_close(self)
    class(forcing_file), intent(inout) :: self

    call must(nf90_close(self%ncid), self%path)
  end subroutine forcing_close

  !> Units of a variable, as the file has them.
  function forcing_units(self, name) result(units)
    class(forcing_file), intent(in) :: self
    character(*), intent(in) :: name  !< variable
    character(:), allocatable :: units
    integer :: id, length

    call must(nf90_inq_varid(self%ncid, name, id), self%path//', '//name)
    call must(nf90_inquire_attribute(self%ncid, id, 'units', len=length), self%path//', '//name)
    allocate(character(length) :: units)
    call must(nf90_get_att(self%ncid, id, 'units', units), self%path//', '//name)
  end function forcing_units

  !> One record of a driver; the file is used again from its start when it ends.
  subroutine forcing_read(self, name, seconds, cells, values)
    class(forcing_file), intent(in) :: self
    character(*), intent(in) :: name  !< variable
    integer, intent(in) :: seconds  !< since the start of the run
    integer, intent(in) :: cells(:)  !< which cells of the file
    real(real64), intent(out) :: values(:)  !< (size(cells))
    real(real64) :: record(self%ncell)
    integer :: id, n

    n = mod(seconds / self%interval, self%nrecord) + 1
    call must(nf90_inq_varid(self%ncid, name, id), self%path//', '//name)
    call must(nf90_get_var(self%ncid, id, record, start=[1, n], count=[self%ncell, 1]), name)
    values = record(cells)
  end subroutine forcing_read

  !> A site attribute.
  subroutine forcing_read_static(self, name, cells, values)
    class(forcing_file), intent(in) :: self
    character(*), intent(in) :: name  !< variable
    integer, intent(in) :: cells(:)  !< which cells of the file
    real(real64), intent(out) :: values(:)  !< (size(cells))
    real(real64) :: all_cells(self%ncell)
    integer :: id

    call must(nf90_inq_varid(self%ncid, name, id), self%path//', '//name)
    call must(nf90_get_var(self%ncid, id, all_cells), self%path//', '//name)
    values = all_cells(cells)
  end subroutine forcing_read_static

  !> Begin a history file with one variable for each flux.
  subroutine history_create(self, path, ncell, names, units)
    class(history_file), intent(inout) :: self
    character(*), intent(in) :: path  !< file
    integer, intent(in) :: ncell  !< number of cells
    character(*), intent(in) :: names(:)  !< of the fluxes
    character(*), intent(in) :: units  !< of all of them
    integer :: cell, time, i

    self%path = path
    self%nrecord = 0
    allocate(self%variables(0:size(names)))
    call must(nf90_create(path, ior(nf90_clobber, nf90_64bit_offset), self%ncid), path)
    call must(nf90_def_dim(self%ncid, 'cell', ncell, cell), path)
    call must(nf90_def_dim(self%ncid, 'time', nf90_unlimited, time), path)
    call must(nf90_def_var(self%ncid, 'step', nf90_int, [time], self%variables(0)), path)
    do i = 1, size(names)
      call must(nf90_def_var(self%ncid, trim(names(i)), nf90_double, [cell, time], &
        self%variables(i)), path)
      call must(nf90_put_att(self%ncid, self%variables(i), 'units', units), path)
    end do
    call must(nf90_enddef(self%ncid), path)
  end subroutine history_create

  !> Add the fluxes after a step.
  subroutine history_write(self, step, fluxes)
    class(history_file), intent(inout) :: self
    integer, intent(in) :: step  !< steps done since the start of the run
    real(real64), intent(in) :: fluxes(:, :)  !< (ncell, number of fluxes)
    integer :: i

    self%nrecord = self%nrecord + 1
    call must(nf90_put_var(self%ncid, self%variables(0), step, start=[self%nrecord]), self%path)
    do i = 1, size(fluxes, 2)
      call must(nf90_put_var(self%ncid, self%variables(i), fluxes(:, i), &
        start=[1, self%nrecord], count=[size(fluxes, 1), 1]), self%path)
    end do
  end subroutine history_write

  !> Close it.
  subroutine history_close(self)
    class(history_file), intent(inout) :: self

    call must(nf90_close(self%ncid), self%path)
  end subroutine history_close

  !> The land model's whole memory: the step, its own soil water, and the state rows of the
  !> emulator.
  subroutine write_restart(path, artefact, step, water, state, checksum)
    character(*), intent(in) :: path  !< file
    character(*), intent(in) :: artefact  !< fingerprint of the artefact that the state belongs to
    integer, intent(in) :: step  !< steps done since the start of the run
    real(real64), intent(in) :: water(:)  !< soil water [kg m-2], (ncell)
    real(real32), intent(in) :: state(:, :)  !< (state_size, ncell)
    integer(int32), intent(in) :: checksum(:)  !< of each state row, (ncell)
    integer :: ncid, cell, row, id_step, id_water, id_state, id_checksum

    call must(nf90_create(path, ior(nf90_clobber, nf90_64bit_offset), ncid), path)
    call must(nf90_def_dim(ncid, 'cell', size(state, 2), cell), path)
    call must(nf90_def_dim(ncid, 'emulator_row', size(state, 1), row), path)
    call must(nf90_def_var(ncid, 'step', nf90_int, id_step), path)
    call must(nf90_def_var(ncid, 'soil_water', nf90_double, [cell], id_water), path)
    call must(nf90_put_att(ncid, id_water, 'units', 'kg m-2'), path)
    call must(nf90_def_var(ncid, 'emulator_state', nf90_float, [row, cell], id_state), path)
    call must(nf90_put_att(ncid, id_state, 'artefact', artefact), path)
    call must(nf90_def_var(ncid, 'emulator_checksum', nf90_int, [cell], id_checksum), path)
    call must(nf90_enddef(ncid), path)
    call must(nf90_put_var(ncid, id_step, step), path)
    call must(nf90_put_var(ncid, id_water, water), path)
    call must(nf90_put_var(ncid, id_state, state), path)
    call must(nf90_put_var(ncid, id_checksum, checksum), path)
    call must(nf90_close(ncid), path)
  end subroutine write_restart

  !> Read it back. The array of the state has the size that the artefact asks for.
  subroutine read_restart(path, artefact, step, water, state, checksum)
    character(*), intent(in) :: path  !< file
    character(*), intent(in) :: artefact  !< fingerprint of the artefact in use
    integer, intent(out) :: step  !< steps done since the start of the run
    real(real64), intent(out) :: water(:)  !< soil water [kg m-2], (ncell)
    real(real32), intent(out) :: state(:, :)  !< (state_size, ncell)
    integer(int32), intent(out) :: checksum(:)  !< of each state row, (ncell)
    integer :: ncid, id, dimensions(2), row, cell, length
    character(:), allocatable :: written_with

    call must(nf90_open(path, nf90_nowrite, ncid), path)
    call must(nf90_inq_varid(ncid, 'emulator_state', id), path)
    call must(nf90_inquire_attribute(ncid, id, 'artefact', len=length), path)
    allocate(character(length) :: written_with)
    call must(nf90_get_att(ncid, id, 'artefact', written_with), path)
    call must(nf90_inquire_variable(ncid, id, dimids=dimensions), path)
    call must(nf90_inquire_dimension(ncid, dimensions(1), len=row), path)
    call must(nf90_inquire_dimension(ncid, dimensions(2), len=cell), path)
    if (written_with /= artefact .or. row /= size(state, 1) .or. cell /= size(state, 2)) then
      error stop path//': written with another artefact ('//written_with//') or for other cells'
    end if
    call must(nf90_get_var(ncid, id, state), path)
    call must(nf90_inq_varid(ncid, 'emulator_checksum', id), path)
    call must(nf90_get_var(ncid, id, checksum), path)
    call must(nf90_inq_varid(ncid, 'soil_water', id), path)
    call must(nf90_get_var(ncid, id, water), path)
    call must(nf90_inq_varid(ncid, 'step', id), path)
    call must(nf90_get_var(ncid, id, step), path)
    call must(nf90_close(ncid), path)
  end subroutine read_restart

  !> Stop on a failure of netCDF.
  subroutine must(status, what)
    integer(int32), intent(in) :: status  !< of the netCDF call
    character(*), intent(in) :: what  !< file or variable

    if (status /= nf90_noerr) error stop what//': '//trim(nf90_strerror(status))
  end subroutine must

end module land_files
