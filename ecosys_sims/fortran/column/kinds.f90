!> Real and integer kinds of the process model.
module kinds
  use, intrinsic :: iso_fortran_env, only: int64, real64
  implicit none (type, external)
  private
  public :: wp, i8

  integer, parameter :: wp = real64  !< working precision of the physics
  integer, parameter :: i8 = int64  !< 8-byte integers (random numbers, counters)

end module kinds
