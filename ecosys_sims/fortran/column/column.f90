!> One block of sites: initial state, the physics and biogeochemistry of a step and a day, balances.
!>
!> The order of a day: `physics_day_start`; for each step of `dt_phys` one or more of
!> `surface_step`, then `soil_step` and, under the process scheme, `biogeochemistry_step`;
!> `physics_day_end`; under the process scheme `biogeochemistry_day`; `check_balances`. Physics
!> never reads what biogeochemistry wrote.
module column
  use balance, only: start_balances, close_balances, n_balances
  use biogeochemistry, only: methane_of_step, carbon_of_day, steady_pools
  use column_state, only: site_static, column_type, step_forcing, daily_forcing, daily_fluxes, &
    allocate_column, allocate_daily_forcing, allocate_fluxes
  use column_work, only: work_arrays, allocate_work, derive_work
  use evolution, only: parameters_of_year, track_thaw, end_thaw_year
  use initial_state, only: set_initial_state
  use kinds, only: wp
  use land_physics, only: start_day, surface_of_step, soil_of_step, end_day
  use parameters, only: site_parameters
  implicit none (type, external)
  private
  public :: column_model, column_initialise, column_year, physics_day_start
  public :: surface_step, soil_step, physics_day_end
  public :: biogeochemistry_step, biogeochemistry_day, check_balances, spinup_year_end

  !> a block of sites
  type :: column_model
    type(site_static) :: static  !< set by the caller before `column_initialise`
    type(site_parameters) :: params  !< set by the caller before `column_initialise`
    type(column_type) :: state  !< prognostic state; restart files overwrite it
    type(daily_forcing) :: day  !< forcing of the day, gathered by `surface_step`
    type(daily_fluxes) :: fluxes  !< results of the day
    type(work_arrays) :: work  !< derived and scratch arrays
  end type column_model

contains

  !> Derived arrays and initial state; `static` and `params` must be set. Call it before reading a
  !> restart.
  subroutine column_initialise(c)
    type(column_model), intent(inout) :: c  !< block of sites
    if (.not. allocated(c%state%swe)) then
      call allocate_column(c%state, c%static%nsite)
      call allocate_daily_forcing(c%day, c%static%nsite)
      call allocate_fluxes(c%fluxes, c%static%nsite)
      call allocate_work(c%work, c%static%nsite)
    end if
    c%state%topmodel = c%static%topmodel
    call derive_work(c%work, c%static, c%params)
    call set_initial_state(c%static, c%params, c%work, c%state)
  end subroutine column_initialise

  !> Parameters of a calendar year; before the first day of a run and, `year_ends` true, on each
  !> first of January, when thawed permafrost goes on collapsing.
  subroutine column_year(c, base, seed, site_number, year, year_ends)
    type(column_model), intent(inout) :: c  !< block of sites
    type(site_parameters), intent(in) :: base  !< parameters as given
    integer, intent(in) :: seed  !< of the run
    integer, intent(in) :: site_number(:)  !< (nsite)
    integer, intent(in) :: year  !< calendar year
    logical, intent(in) :: year_ends  !< whether a year of the run has just ended
    if (year_ends) call end_thaw_year(base, c%state)
    call parameters_of_year(seed, site_number, year, c%static, base, c%state%thaw, c%params)
    call derive_work(c%work, c%static, c%params)
  end subroutine column_year

  !> Start a day: zero the day's sums, set day length and slow soil properties.
  subroutine physics_day_start(c, year, day_of_year)
    type(column_model), intent(inout) :: c  !< block of sites
    integer, intent(in) :: year  !< calendar year
    integer, intent(in) :: day_of_year  !< 1..366
    c%day%year = year
    c%day%day_of_year = day_of_year
    call start_day(c%static, c%params, c%state, c%day, c%fluxes, c%work, day_of_year)
    call start_balances(c%static%nsite, c%state, c%work, c%fluxes)
  end subroutine physics_day_start

  !> One step of the surface, which follows the course of the day: an hour or less.
  subroutine surface_step(c, forcing, dt)
    type(column_model), intent(inout) :: c  !< block of sites
    type(step_forcing), intent(in) :: forcing  !< forcing of the step
    real(wp), intent(in) :: dt  !< step [s]
    call surface_of_step(c%static, c%params, c%state, forcing, c%day, c%fluxes, c%work, dt)
  end subroutine surface_step

  !> One step of soil water and heat, over all surface steps since the last one.
  subroutine soil_step(c, dt)
    type(column_model), intent(inout) :: c  !< block of sites
    real(wp), intent(in) :: dt  !< sum of those steps [s]
    call soil_of_step(c%static, c%params, c%state, c%fluxes, c%work, dt)
  end subroutine soil_step

  !> One step of the biogeochemistry: methane. Process scheme only, after `soil_step`. `forcing` is
  !> the mean over the step.
  subroutine biogeochemistry_step(c, forcing, dt)
    type(column_model), intent(inout) :: c  !< block of sites
    type(step_forcing), intent(in) :: forcing  !< forcing of the step
    real(wp), intent(in) :: dt  !< step [s]
    call methane_of_step(c%static, c%params, c%state, forcing, c%fluxes, c%work, dt)
  end subroutine biogeochemistry_step

  !> End a day of physics: day means, phenology.
  subroutine physics_day_end(c)
    type(column_model), intent(inout) :: c  !< block of sites
    call end_day(c%static, c%params, c%state, c%day, c%fluxes, c%work)
    call track_thaw(c%static%nsite, c%state%soil_temperature, c%state%active_layer)
  end subroutine physics_day_end

  !> The daily biogeochemistry: photosynthesis, plants, soil carbon, nitrogen. Process scheme only.
  subroutine biogeochemistry_day(c)
    type(column_model), intent(inout) :: c  !< block of sites
    call carbon_of_day(c%static, c%params, c%state, c%day, c%fluxes, c%work)
  end subroutine biogeochemistry_day

  !> Close the balances of the day: carbon 1e-8 gC m-2, water 1e-6 mm, energy 1e-3 W m-2, methane
  !> 1e-10, nitrogen 1e-8 gN m-2.
  subroutine check_balances(c, with_biogeochemistry, worst, stat, errmsg)
    type(column_model), intent(in) :: c  !< block of sites
    logical, intent(in) :: with_biogeochemistry  !< carbon, methane, nitrogen too
    !> largest errors: carbon, water, energy, methane, nitrogen
    real(wp), intent(inout) :: worst(n_balances)
    integer, intent(out) :: stat  !< 0, or 1 where a balance does not close
    character(:), allocatable, intent(out) :: errmsg  !< site, balance and amount
    call close_balances(c%static, c%state, c%work, c%fluxes, with_biogeochemistry, worst, stat, &
      errmsg)
  end subroutine check_balances

  !> After a spin-up year (process scheme): carbon and nitrogen pools at the steady state of that
  !> year.
  subroutine spinup_year_end(c)
    type(column_model), intent(inout) :: c  !< block of sites
    call steady_pools(c%static, c%params, c%state, c%work)
  end subroutine spinup_year_end

end module column
