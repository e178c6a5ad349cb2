!> make_forcing FILE NCELL NDAY: an invented forcing file with hourly weather and the attributes of
!> each cell; every fifth cell is sea
!> and has fill values.
program make_forcing
  use, intrinsic :: iso_fortran_env, only: real64
  use netcdf, only: nf90_64bit_offset, nf90_clobber, nf90_close, nf90_create, nf90_def_dim, &
    nf90_def_var, nf90_double, nf90_enddef, nf90_fill_double, nf90_global, nf90_noerr, &
    nf90_put_att, nf90_put_var, nf90_strerror, nf90_unlimited
  implicit none (type, external)

  !> mean + slope * (place of the cell, -1 to 1) + day * (course of the day, -1 to 1)
  type :: variable
    character(16) :: name
    character(16) :: units
    real(real64) :: mean, slope, day
  end type variable

  integer, parameter :: n_drivers = 16                   ! then come the attributes
  type(variable), parameter :: table(*) = [ &
    variable('tas', 'degC', 9.0_real64, -8.0_real64, 4.0_real64), &
    variable('pr', 'kg m-2 s-1', 4.0e-5_real64, 1.0e-5_real64, 2.0e-5_real64), &
    variable('rsds', 'W m-2', 200.0_real64, -40.0_real64, 150.0_real64), &
    variable('rlds', 'W m-2', 310.0_real64, -40.0_real64, 10.0_real64), &
    variable('vpd', 'hPa', 5.0_real64, -1.0_real64, 3.0_real64), &
    variable('sfcWind', 'm s-1', 3.0_real64, 1.0_real64, 1.0_real64), &
    variable('ps', 'hPa', 980.0_real64, 20.0_real64, 1.0_real64), &
    variable('co2', 'ppm', 371.0_real64, 0.0_real64, 0.0_real64), &
    variable('ch4', 'ppb', 1774.0_real64, 0.0_real64, 0.0_real64), &
    variable('tsl', 'K', 280.0_real64, -5.0_real64, 1.0_real64), &
    variable('mrsos', 'kg m-2', 40.0_real64, 10.0_real64, 0.0_real64), &
    variable('snw', 'kg m-2', 0.0_real64, 0.0_real64, 0.0_real64), &
    variable('lai', '1', 2.0_real64, 1.0_real64, 0.0_real64), &
    variable('evspsbl', 'mm day-1', 2.0_real64, 0.5_real64, 1.0_real64), &
    variable('crop', '1', 0.0_real64, 0.0_real64, 0.0_real64), &
    variable('fertilisation', 'kg m-2 s-1', 0.0_real64, 0.0_real64, 0.0_real64), &
    variable('lat', 'degrees_north', 60.0_real64, 10.0_real64, 0.0_real64), &
    variable('lon', 'degrees_east', 20.0_real64, 30.0_real64, 0.0_real64), &
    variable('elevation', 'm', 200.0_real64, 100.0_real64, 0.0_real64), &
    variable('sand', '%', 40.0_real64, 10.0_real64, 0.0_real64), &
    variable('clay', '%', 20.0_real64, 5.0_real64, 0.0_real64), &
    variable('ph', '1', 5.0_real64, 1.0_real64, 0.0_real64), &
    variable('biome', '1', 2.0_real64, 0.0_real64, 0.0_real64), &
    variable('sftlf', '%', 100.0_real64, 0.0_real64, 0.0_real64)]
  integer, parameter :: per_day = 24
  character(256) :: text
  character(:), allocatable :: path
  real(real64), allocatable :: place(:), values(:)
  integer :: ncell, nday, ncid, cell, time, record, i
  integer :: ids(size(table))
  real(real64) :: course

  call get_command_argument(1, text)
  path = trim(text)
  call get_command_argument(2, text)
  read (text, *) ncell
  call get_command_argument(3, text)
  read (text, *) nday
  allocate(values(ncell))
  place = [(-1.0_real64 + 2.0_real64 * i / ncell, i = 1, ncell)]

  call must(nf90_create(path, ior(nf90_clobber, nf90_64bit_offset), ncid))
  call must(nf90_def_dim(ncid, 'cell', ncell, cell))
  call must(nf90_def_dim(ncid, 'time', nf90_unlimited, time))
  call must(nf90_put_att(ncid, nf90_global, 'interval_seconds', 86400 / per_day))
  do i = 1, size(table)
    if (i <= n_drivers) then
      call must(nf90_def_var(ncid, trim(table(i)%name), nf90_double, [cell, time], ids(i)))
    else
      call must(nf90_def_var(ncid, trim(table(i)%name), nf90_double, [cell], ids(i)))
    end if
    call must(nf90_put_att(ncid, ids(i), 'units', trim(table(i)%units)))
  end do
  call must(nf90_enddef(ncid))
  do i = n_drivers + 1, size(table)
    values = table(i)%mean + table(i)%slope * place
    if (table(i)%name == 'sftlf') values(5::5) = 0.0_real64
    call must(nf90_put_var(ncid, ids(i), values))
  end do
  do record = 1, per_day * nday
    course = sin(0.2618_real64 * (mod(record - 1, per_day) - 9)) &
      * (0.6_real64 + 0.4_real64 * mod(record, 7) / 7)
    do i = 1, n_drivers
      values = table(i)%mean + table(i)%slope * place + table(i)%day * course
      values(5::5) = nf90_fill_double
      call must(nf90_put_var(ncid, ids(i), values, start=[1, record], count=[ncell, 1]))
    end do
  end do
  call must(nf90_close(ncid))

contains

  !> Stop on a failure of netCDF.
  subroutine must(status)
    integer, intent(in) :: status  !< of the netCDF call

    if (status /= nf90_noerr) error stop path//': '//trim(nf90_strerror(status))
  end subroutine must

end program make_forcing
