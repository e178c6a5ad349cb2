!> tile_host ARTEFACT: a land model with tiles (i, j), whose arrays have a halo and levels between,
!> beside one with a list of the same cells.
program tile_host
  use, intrinsic :: iso_fortran_env, only: compiler_version, error_unit, real32, real64
  use ecostep, only: ecostep_cells, ecostep_invalid_argument, ecostep_model, ecostep_wrong_size
  implicit none (type, external)
  integer, parameter :: nx = 7, ny = 5, nlevel = 3, ncell = nx * ny
  real(real64), parameter :: untouched = -5.0_real64

  type :: column
    real(real64) :: zwt = 0.1_real64, other = -99.0_real64
  end type column

  type(ecostep_model) :: model
  type(ecostep_cells) :: tile, list
  real(real32), target :: t_phy(0:nx + 1, nlevel, 0:ny + 1)
  real(real64), target :: rain(nx, ny), zwt(nx, ny), longitude(nx, ny), latitude(nx, ny, 2)
  real(real64), target :: ch4(0:nx + 1, 0:ny + 1), gpp(nx, ny)
  logical, target :: land(nx, ny)
  real(real32), target :: t_list(ncell)
  real(real64), target :: rain_list(ncell), zwt_list(ncell), longitude_list(ncell)
  real(real64), target :: latitude_list(ncell), ch4_list(ncell), gpp_list(ncell)
  logical, target :: land_list(ncell)
  real(real32), allocatable, target :: state(:, :), state_of_list(:, :)
  type(column), target :: columns(nx, ny)
  character(1000) :: path
  character(:), allocatable :: message
  integer :: status, hour, i, j
  logical :: failed

  failed = .false.
  call get_command_argument(1, path)
  call model%open(path)
  do j = 1, ny
    do i = 1, nx
      longitude(i, j) = 50.0_real64 * i - 180.0_real64
      latitude(i, j, :) = 40.0_real64 + 3 * j + 0.1_real64 * i
      zwt(i, j) = 0.01_real64 * (i + j)
      land(i, j) = mod(i + 2 * j, 4) /= 0
    end do
  end do
  allocate(state(model%state_size(), ncell), state_of_list(model%state_size(), ncell))
  state = 0.0_real32
  state_of_list = 0.0_real32
  ch4 = untouched
  gpp = untouched
  ch4_list = untouched
  gpp_list = untouched
  call start_tile()
  call start_list()

  t_phy = -huge(1.0_real32)  ! halo and other levels are never read
  do hour = 0, 71
    do j = 1, ny
      do i = 1, nx
        t_phy(i, 1, j) = real(10 + i, real32) + 0.3_real32 * real(j + mod(hour, 24), real32)
        rain(i, j) = 0.1_real64 * mod(i * j + hour, 13)
      end do
    end do
    t_list = reshape(t_phy(nx:1:-1, 1, 1:ny), [ncell])
    rain_list = reshape(rain(nx:1:-1, :), [ncell])
    call tile%step(2001, 7, 1 + hour / 24, 3600 * mod(hour, 24), 3600)
    call list%step(2001, 7, 1 + hour / 24, 3600 * mod(hour, 24), 3600)
  end do
  call check(all(state == state_of_list), 'state')
  call check(all(reshape(ch4(nx:1:-1, 1:ny), [ncell]) == ch4_list), 'methane flux')
  call check(all(reshape(gpp(nx:1:-1, :), [ncell]) == gpp_list), 'gpp')
  call check(count(ch4 /= untouched) == count(land), 'flux of land alone, and no halo')
  call check(maxval(ch4) > 0.0_real64, 'flux')

  t_phy(3, 1, 4) = 9000.0_real32
  land(3, 4) = .true.
  call tile%step(2001, 7, 4, 0, 3600, status, message)
  call check(status /= 0, 'a value that cannot be')
  call check(index(message, 'in cell 26 of 35') > 0, 'element 5 of row 4: '//message)
  call tile%input('pr', 'mm day-1', rain(1:3, :), status, message)
  call check(status == ecostep_wrong_size, 'size: '//message)
  call tile%input('wtd', 'm', columns%zwt, status, message)
  ! gfortran does not tell where they lie; other compilers do
  call check(status == merge(ecostep_invalid_argument, 0, index(compiler_version(), 'GCC') == 1), &
    'components of structures')
  if (allocated(message)) deallocate(message)
  if (failed) error stop 1

contains

  !> Cells of the tile from east to west, so that some distances are negative.
  subroutine start_tile()
    call tile%create(model, ncell)
    call tile%input('tas', 'degC', t_phy(nx:1:-1, 1, 1:ny))
    call tile%input('pr', 'mm day-1', rain(nx:1:-1, :))
    call tile%input('wtd', 'm', zwt(nx:1:-1, :))
    call tile%local_time('degrees_east', longitude(nx:1:-1, :))
    call tile%mask(land(nx:1:-1, :))
    call tile%output('fch4', 'kg m-2 s-1', ch4(nx:1:-1, 1:ny))
    call tile%output('gpp', 'g m-2 day-1', gpp(nx:1:-1, :))
    call tile%static('lat', 'degrees_north', latitude(nx:1:-1, :, 2))
    call tile%state(state)
    call tile%init_state()
  end subroutine start_tile

  !> The same cells as a list.
  subroutine start_list()
    latitude_list = reshape(latitude(nx:1:-1, :, 1), [ncell])
    longitude_list = reshape(longitude(nx:1:-1, :), [ncell])
    zwt_list = reshape(zwt(nx:1:-1, :), [ncell])
    land_list = reshape(land(nx:1:-1, :), [ncell])
    call list%create(model, ncell)
    call list%input('tas', 'degC', t_list)
    call list%input('pr', 'mm day-1', rain_list)
    call list%input('wtd', 'm', zwt_list)
    call list%local_time('degrees_east', longitude_list)
    call list%mask(land_list)
    call list%output('fch4', 'kg m-2 s-1', ch4_list)
    call list%output('gpp', 'g m-2 day-1', gpp_list)
    call list%static('lat', 'degrees_north', latitude_list)
    call list%state(state_of_list)
    call list%init_state()
  end subroutine start_list

  !> Tell what does not hold.
  subroutine check(holds, what)
    logical, intent(in) :: holds  !< whether it does
    character(*), intent(in) :: what  !< what should

    if (holds) return
    write(error_unit, '(2a)') 'tile_host: ', what
    failed = .true.
  end subroutine check

end program tile_host
