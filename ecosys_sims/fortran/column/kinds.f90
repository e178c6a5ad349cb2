!> Real and integer kinds of the process model.
module kinds
  use, intrinsic :: iso_fortran_env, only: int32, int64, real32, real64
  implicit none
  private
  public :: wp, sp, i4, i8

  integer, parameter :: wp = real64  !< working precision of the physics
  integer, parameter :: sp = real32  !< precision of history files and emulators
  integer, parameter :: i4 = int32   !< 4-byte integers (site numbers, flags)
  integer, parameter :: i8 = int64   !< 8-byte integers (random numbers, counters)

end module kinds
