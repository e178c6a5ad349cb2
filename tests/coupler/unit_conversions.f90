!> Reads interval, variable, unit and unit wanted, a line each; writes status, scale and offset.
program unit_conversions
  use, intrinsic :: iso_fortran_env, only: int64, output_unit, real64
  use ecostep, only: ecostep_unit_conversion
  implicit none (type, external)
  character(200) :: variable, from, to
  character(:), allocatable :: errmsg
  real(real64) :: interval, scale, offset
  integer :: stat, iostat

  do
    read(*, *, iostat=iostat) interval
    if (iostat /= 0) exit
    read(*, '(a)') variable
    read(*, '(a)') from
    read(*, '(a)') to
    call ecostep_unit_conversion(trim(variable), trim(from), trim(to), scale, offset, interval, &
      stat, errmsg)
    write(output_unit, '(i0, 2(1x, i0))') stat, transfer(scale, 0_int64), transfer(offset, 0_int64)
  end do
end program unit_conversions
