!> Blocks of sites with synthetic weather, and runs of them, for the column tests.
module column_runs
  use column, only: column_model, column_initialise, physics_day_start, surface_step, soil_step, &
    physics_day_end, biogeochemistry_step, biogeochemistry_day, check_balances
  use column_state, only: allocate_static, allocate_forcing, step_forcing
  use kinds, only: wp
  use parameters, only: default_parameters, is_wetland_biome
  use synthetic_weather, only: weather_of_hour, unit_random
  implicit none (type, external)
  private
  public :: n_typical, typical_sites, make_sites, random_sites, run_day

  integer, parameter :: n_typical = 13  !< biomes

contains

  !> One typical site of each biome.
  subroutine typical_sites(c)
    type(column_model), intent(inout) :: c  !< block of sites
    real(wp), parameter :: lat(n_typical) = [ &
      55.0_wp, 57.0_wp, 42.0_wp, 10.0_wp, 69.0_wp, 32.0_wp, 60.0_wp, 45.0_wp, 0.0_wp, 42.0_wp, &
      32.0_wp, 68.0_wp, 41.0_wp]
    real(wp), parameter :: t_ann(n_typical) = 273.15_wp + [ &
      3.0_wp, 3.0_wp, 11.0_wp, 26.0_wp, -6.0_wp, 16.0_wp, 0.0_wp, 9.0_wp, 26.5_wp, 9.0_wp, &
      18.0_wp, -6.0_wp, 10.5_wp]
    real(wp), parameter :: rain(n_typical) = [ &
      650.0_wp, 700.0_wp, 900.0_wp, 1900.0_wp, 300.0_wp, 1200.0_wp, 500.0_wp, 1000.0_wp, &
      2600.0_wp, 600.0_wp, 300.0_wp, 350.0_wp, 850.0_wp]
    real(wp), parameter :: continental(n_typical) = [ &
      40.0_wp, 35.0_wp, 40.0_wp, 8.0_wp, 45.0_wp, 30.0_wp, 50.0_wp, 40.0_wp, 5.0_wp, 50.0_wp, &
      30.0_wp, 45.0_wp, 50.0_wp]
    integer :: k
    call make_sites(c, [(k, k=1, n_typical)], lat, t_ann, rain, continental)
  end subroutine typical_sites

  !> A block of sites with the defaults of their biomes, ready to run.
  subroutine make_sites(c, biome, lat, t_ann, annual_precip, continentality)
    type(column_model), intent(inout) :: c  !< block of sites
    integer, intent(in) :: biome(:)  !< flags
    real(wp), intent(in) :: lat(:)  !< [degrees_north]
    real(wp), intent(in) :: t_ann(:)  !< [K]
    real(wp), intent(in) :: annual_precip(:)  !< [kg m-2 year-1]
    real(wp), intent(in) :: continentality(:)  !< Conrad index [1]
    call allocate_static(c%static, size(biome))
    c%static%biome = biome
    c%static%wetland = is_wetland_biome(biome)
    c%static%lat = lat
    c%static%lon = 0.0_wp
    c%static%elevation = 150.0_wp
    c%static%sand = 0.4_wp
    c%static%clay = 0.2_wp
    c%static%ph = merge(4.3_wp, 6.0_wp, biome == 1)
    c%static%t_ann = t_ann
    c%static%annual_precip = annual_precip
    c%static%continentality = continentality
    call default_parameters(c%params, biome)
    call column_initialise(c)
  end subroutine make_sites

  !> Sites `first` to `last` of an endless random list; the same site is the same in any block.
  subroutine random_sites(c, first, last, extreme)
    type(column_model), intent(inout) :: c  !< block of sites
    integer, intent(in) :: first, last  !< site numbers
    logical, intent(in) :: extreme  !< annual means of -35 to 38 C, droughts and floods
    integer :: biome(first:last), k
    real(wp), dimension(first:last) :: lat, t_ann, rain, continentality, r
    do k = first, last
      biome(k) = 1 + modulo(k, 13)
      r(k) = unit_random(k, 11, 1)
      lat(k) = 170.0_wp*(r(k) - 0.5_wp)
      t_ann(k) = 300.0_wp - 40.0_wp*abs(r(k) - 0.5_wp)*2.0_wp*unit_random(k, 11, 2)
      rain(k) = 100.0_wp + 1900.0_wp*unit_random(k, 11, 3)**2
      continentality(k) = 5.0_wp + 60.0_wp*unit_random(k, 11, 4)
      if (extreme) then
        t_ann(k) = merge(311.0_wp, 238.0_wp, modulo(k, 2) == 0)
        rain(k) = merge(5.0_wp, 6000.0_wp, modulo(k, 3) == 0)
        continentality(k) = 90.0_wp
      end if
    end do
    call make_sites(c, biome, lat, t_ann, rain, continentality)
    do k = first, last
      c%static%sand(k - first + 1) = 0.05_wp + 0.85_wp*unit_random(k, 11, 5)
      c%static%clay(k - first + 1) = (0.95_wp - c%static%sand(k - first + 1))*unit_random(k, 11, 6)
      c%static%ph(k - first + 1) = 3.2_wp + 5.0_wp*unit_random(k, 11, 7)
    end do
    call column_initialise(c)
  end subroutine random_sites

  !> One whole day of the process scheme, balances included.
  subroutine run_day(c, forcing, site_number, day, offset, worst, stat, errmsg, hours)
    type(column_model), intent(inout) :: c  !< block of sites
    type(step_forcing), intent(inout) :: forcing  !< room for the forcing
    integer, intent(in) :: site_number(:)  !< seeds of the weather
    integer, intent(in) :: day  !< days since the start
    real(wp), intent(in) :: offset  !< warming [K]
    real(wp), intent(inout) :: worst(5)  !< largest balance errors
    integer, intent(out) :: stat  !< 0, or 1 where a balance failed
    character(:), allocatable, intent(out) :: errmsg  !< what failed
    integer, intent(in), optional :: hours  !< of a step of soil and methane, else 1
    integer :: hour, step
    step = 1
    if (present(hours)) step = hours
    if (.not. allocated(forcing%tair)) call allocate_forcing(forcing, c%static%nsite)
    call physics_day_start(c, 2001 + day/365, modulo(day, 365) + 1)
    do hour = 0, 23
      call weather_of_hour(c%static, site_number, day, hour, offset, forcing)
      call surface_step(c, forcing, 3600.0_wp)
      if (modulo(hour + 1, step) /= 0) cycle
      call soil_step(c, 3600.0_wp*step)
      call biogeochemistry_step(c, forcing, 3600.0_wp*step)
    end do
    call physics_day_end(c)
    call biogeochemistry_day(c)
    call check_balances(c, .true., worst, stat, errmsg)
  end subroutine run_day

end module column_runs
