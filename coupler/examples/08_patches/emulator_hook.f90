!> The hook of a land model whose arrays are two-dimensional patches (i, j) with a halo, such as
!> HRLDAS/Noah-MP: land points are packed into lists, which the emulator reads and writes in place.
module emulator_hook
  use, intrinsic :: iso_fortran_env, only: int32, real32, real64
  use ecostep, only: ecostep_cells, ecostep_model
  implicit none (type, external)
  private

  public :: patch_emulator

  !> The emulator of one patch.
  type :: patch_emulator
    integer :: ncell = 0  !< land points of the patch
    integer, allocatable :: i(:), j(:)  !< where they are, (ncell)
    type(ecostep_model) :: model  !< the artefact
    type(ecostep_cells) :: cells  !< its cells
    !> Lists of the land points, (ncell), that the emulator reads and writes.
    real(real64), pointer :: tair(:) => null(), rain(:) => null(), zwt(:) => null()
    real(real64), pointer :: lat(:) => null(), lon(:) => null(), ch4(:) => null()
    real(real32), pointer :: state(:, :) => null()  !< (state_size, ncell)
  contains
    procedure :: start, step, save_restart, read_restart
    final :: finish
  end type patch_emulator

contains

  !> Open the artefact and register the lists of a patch, whose `land` is (its:ite, jts:jte).
  subroutine start(self, artefact, its, jts, land, lat, lon)
    class(patch_emulator), intent(inout) :: self
    character(*), intent(in) :: artefact  !< file
    integer, intent(in) :: its, jts  !< first row and column of the patch
    logical, intent(in) :: land(its:, jts:)  !< points that the emulator is for
    real, intent(in) :: lat(its:, jts:), lon(its:, jts:)  !< [degrees]
    integer :: i, j

    self%ncell = count(land)
    self%i = [((i, i = its, ubound(land, 1)), j = jts, ubound(land, 2))]
    self%j = [((j, i = its, ubound(land, 1)), j = jts, ubound(land, 2))]
    self%i = pack(self%i, pack(land, .true.))
    self%j = pack(self%j, pack(land, .true.))
    allocate(self%tair(self%ncell), self%rain(self%ncell), self%zwt(self%ncell))
    allocate(self%ch4(self%ncell), source=0.0_real64)
    allocate(self%lat(self%ncell), source=real(pack(lat, land), real64))
    allocate(self%lon(self%ncell), source=real(pack(lon, land), real64))

    call self%model%open(artefact)
    allocate(self%state(self%model%state_size(), self%ncell))
    call self%cells%create(self%model, self%ncell)
    call self%cells%local_time('degrees_east', self%lon)      ! the host's clock is UTC
    call self%cells%input('tas', 'K', self%tair)
    call self%cells%input('pr', 'mm s-1', self%rain)
    call self%cells%input('wtd', 'm', self%zwt)
    call self%cells%static('lat', 'degrees_north', self%lat)
    call self%cells%output('fch4', 'kg m-2 s-1', self%ch4)
    call self%cells%state(self%state)
    call self%cells%init_state()
  end subroutine start

  !> One step of the host: pack, step, unpack. Air is (i, k, j), the rest (i, j).
  subroutine step(self, year, month, day, seconds, dt, its, jts, t_phy, rainrate, zwt, ch4_flux)
    class(patch_emulator), intent(inout) :: self
    integer, intent(in) :: year, month, day, seconds, dt  !< UTC; start and length of the step [s]
    integer, intent(in) :: its, jts  !< first row and column of the patch
    real, intent(in) :: t_phy(its:, :, jts:)  !< air temperature by level [K]
    real, intent(in) :: rainrate(its:, jts:)  !< precipitation [mm s-1]
    real, intent(in) :: zwt(its:, jts:)  !< water table [m below the surface]
    real, intent(inout) :: ch4_flux(its:, jts:)  !< methane at land points [kg m-2 s-1]
    integer :: c

    do c = 1, self%ncell
      self%tair(c) = t_phy(self%i(c), 1, self%j(c))
      self%rain(c) = rainrate(self%i(c), self%j(c))
      self%zwt(c) = zwt(self%i(c), self%j(c))
    end do
    call self%cells%step(year, month, day, seconds, dt)
    do c = 1, self%ncell
      ch4_flux(self%i(c), self%j(c)) = real(self%ch4(c))
    end do
  end subroutine step

  !> Write what the host's restart file must hold: who made the state, the state, its checksums.
  subroutine save_restart(self, unit)
    class(patch_emulator), intent(in) :: self
    integer, intent(in) :: unit  !< unformatted file
    integer(int32), allocatable :: checksum(:)

    allocate(checksum(self%ncell))
    call self%cells%state_checksum(checksum)
    write (unit) self%model%fingerprint(), self%state, checksum
  end subroutine save_restart

  !> Read it back into a patch that was started, and give the held flux to the host again.
  subroutine read_restart(self, unit, its, jts, ch4_flux)
    class(patch_emulator), intent(inout) :: self
    integer, intent(in) :: unit  !< unformatted file
    integer, intent(in) :: its, jts  !< first row and column of the patch
    real, intent(inout) :: ch4_flux(its:, jts:)  !< [kg m-2 s-1]
    integer(int32), allocatable :: checksum(:)
    character(64) :: fingerprint
    integer :: c

    allocate(checksum(self%ncell))
    read (unit) fingerprint, self%state, checksum
    if (fingerprint /= self%model%fingerprint()) error stop 'the restart is of another artefact'
    call self%cells%check_state(checksum)
    call self%cells%write_outputs()
    do c = 1, self%ncell
      ch4_flux(self%i(c), self%j(c)) = real(self%ch4(c))
    end do
  end subroutine read_restart

  !> Give back lists and cells.
  subroutine finish(self)
    type(patch_emulator), intent(inout) :: self

    call self%cells%destroy()
    call self%model%close()
    if (associated(self%tair)) deallocate(self%tair, self%rain, self%zwt)
    if (associated(self%lat)) deallocate(self%lat, self%lon, self%ch4)
    if (associated(self%state)) deallocate(self%state)
  end subroutine finish

end module emulator_hook
