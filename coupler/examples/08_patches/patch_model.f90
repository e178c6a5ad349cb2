!> A land model in small whose domain is cut into patches, in UTC, with half-hourly steps: four days
!> in one run, in two runs with a restart in the middle of a day, and with other patches.
!>
!>     patch_model ARTEFACT
program patch_model
  use emulator_hook, only: patch_emulator
  implicit none (type, external)
  integer, parameter :: ni = 6, nj = 5, nlevel = 2, dt = 1800, nstep = 4 * 48, restart_step = 77
  character(*), parameter :: restart_file = 'patches.restart'
  real :: lat(ni, nj), lon(ni, nj), straight(ni, nj), stopped(ni, nj), other(ni, nj)
  logical :: land(ni, nj)
  character(1000) :: artefact
  integer :: i, j

  call get_command_argument(1, artefact)
  do j = 1, nj
    do i = 1, ni
      lat(i, j) = 50.0 + 3.0 * j
      lon(i, j) = -180.0 + 60.0 * i
      land(i, j) = mod(i + 2 * j, 5) /= 0
    end do
  end do
  call run([1, 4], 1, nstep, straight, 'none')
  call run([1, 4], 1, restart_step, stopped, 'write')
  call run([1, 4], restart_step + 1, nstep, stopped, 'read')
  call run([1, 2, 6], 1, nstep, other, 'none')
  print '(a, es12.4, a, es12.4, a)', 'methane of the land points from', minval(straight, land), &
    ' to', maxval(straight, land), ' kg m-2 s-1'
  if (any(land .and. straight /= stopped)) error stop 'a restart changed the result'
  if (any(land .and. straight /= other)) error stop 'other patches changed the result'
  if (any(.not. land .and. straight /= 0.0)) error stop 'a point of the sea was written'
  print '(a)', 'the same after a restart, and with other patches'

contains

  !> Steps `first` to `last` on patches that begin at these rows.
  subroutine run(first_rows, first, last, flux, restart)
    integer, intent(in) :: first_rows(:)  !< i at which each patch begins
    integer, intent(in) :: first, last  !< steps from 1
    real, intent(out) :: flux(ni, nj)  !< methane after the last [kg m-2 s-1]
    character(*), intent(in) :: restart  !< 'none', 'write' or 'read'
    type(patch_emulator), allocatable :: patches(:)
    real :: t_phy(ni, nlevel, nj), rainrate(ni, nj), zwt(ni, nj)
    integer :: last_rows(size(first_rows)), n, step, unit

    last_rows = [first_rows(2:) - 1, ni]
    allocate(patches(size(first_rows)))
    flux = 0.0
    if (restart == 'read') then
      open (newunit=unit, file=restart_file, form='unformatted', status='old', action='read')
    end if
    do n = 1, size(patches)
      associate (its => first_rows(n), ite => last_rows(n))
        call patches(n)%start(trim(artefact), its, 1, land(its:ite, :), lat(its:ite, :), &
          lon(its:ite, :))
        if (restart == 'read') call patches(n)%read_restart(unit, its, 1, flux(its:ite, :))
      end associate
    end do
    if (restart == 'read') close (unit)
    do step = first, last
      call weather(step, t_phy, rainrate, zwt)
      do n = 1, size(patches)
        associate (its => first_rows(n), ite => last_rows(n))
          call patches(n)%step(2001, 7, 1 + (step - 1) / 48, mod(step - 1, 48) * dt, dt, its, 1, &
            t_phy(its:ite, :, :), rainrate(its:ite, :), zwt(its:ite, :), flux(its:ite, :))
        end associate
      end do
    end do
    if (restart /= 'write') return
    open (newunit=unit, file=restart_file, form='unformatted', status='replace', action='write')
    do n = 1, size(patches)
      call patches(n)%save_restart(unit)
    end do
    close (unit)
  end subroutine run

  !> What the land model would give to its own biogeochemistry.
  subroutine weather(step, t_phy, rainrate, zwt)
    integer, intent(in) :: step  !< from 1
    real, intent(out) :: t_phy(:, :, :), rainrate(:, :), zwt(:, :)  !< [K], [mm s-1], [m]
    integer :: k

    do k = 1, nlevel
      t_phy(:, k, :) = 285.0 - k + 6.0 * sin(0.1309 * step + lon / 57.3) - 0.1 * (lat - 60.0)
    end do
    rainrate = 1.0e-5 * (1.0 + cos(0.05 * step))
    zwt = 0.1 + 0.001 * lat
  end subroutine weather

end program patch_model
