!> Quantities derived from parameters and scratch arrays of one block of sites: nothing to remember.
module column_work
  use kinds, only: wp
  use soil_grid, only: nsoil, nch4
  implicit none
  private
  public :: work_arrays, allocate_work

  !> derived once from parameters and texture, or anew at the start of each day
  type :: work_arrays
    ! from parameters and texture, for the run
    real(wp), allocatable :: capacity(:, :)      !< largest water content [kg m-2], (nsite, nsoil)
    real(wp), allocatable :: field_capacity(:, :)  !< water held against gravity [kg m-2]
    real(wp), allocatable :: wilting(:, :)       !< water out of reach of roots [kg m-2]
    real(wp), allocatable :: unfrozen(:, :)      !< water that never freezes [kg m-2]
    real(wp), allocatable :: solid_heat(:, :)    !< heat capacity of the solids [J m-2 K-1]
    real(wp), allocatable :: k_solid(:, :)       !< conductivity of the solids [W m-1 K-1]
    real(wp), allocatable :: k_dry(:, :)         !< conductivity of dry soil [W m-1 K-1]
    real(wp), allocatable :: root_share(:, :)    !< share of roots in each layer [1]
    real(wp), allocatable :: drainable(:, :)     !< saturated conductivity [kg m-2 s-1]
    real(wp), allocatable :: depth_substrate(:, :)  !< profile of methanogenic substrate [1]
    real(wp), allocatable :: depth_oxidation(:, :)  !< profile of methane oxidation [1]
    real(wp), allocatable :: root_conduit(:, :)  !< profile of plant transport, 2(1-z/RD)+ [1]
    real(wp), allocatable :: production(:)       !< mgo f(pH) [mol m-3 s-1]
    ! of the day
    real(wp), allocatable :: conductivity(:, :)  !< thermal conductivity [W m-1 K-1]
    real(wp), allocatable :: snow_resistance(:)  !< of snow and mat to heat [m2 K W-1]
    ! scratch
    real(wp), allocatable :: a(:, :), b(:, :), c(:, :), d(:, :), x(:, :), y(:, :)  !< (nsite, nsoil)
    real(wp), allocatable :: s1(:), s2(:), s3(:), s4(:), s5(:), s6(:)  !< (nsite)
  end type work_arrays

contains

  !> Room for the work arrays of `nsite` sites.
  subroutine allocate_work(work, nsite)
    type(work_arrays), intent(inout) :: work  !< work arrays
    integer, intent(in) :: nsite              !< number of sites
    allocate (work%capacity(nsite, nsoil), source=0.0_wp)
  end subroutine allocate_work

end module column_work
