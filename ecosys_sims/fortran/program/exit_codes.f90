!> Exit codes of the program, also used as the `stat` of procedures that can fail.
module exit_codes
  implicit none (type, external)
  private

  integer, parameter, public :: success = 0  !< success
  !> Site table, forcing or restart file is missing, unreadable or holds bad values.
  integer, parameter, public :: bad_input = 1
  integer, parameter, public :: bad_namelist = 2  !< the command line or the namelist file is wrong
  !> Carbon, water, energy or methane was not conserved.
  integer, parameter, public :: balance_failure = 3
  integer, parameter, public :: output_failure = 4  !< an output file could not be written
  !> The emulator could not be opened or refused its input.
  integer, parameter, public :: emulator_failure = 5

end module exit_codes
