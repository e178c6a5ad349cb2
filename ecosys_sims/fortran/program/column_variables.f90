!> What the column gives to others: the variables of the dataset, diagnostics and site attributes.
!>
!> One row is a name of foundations/variables.csv, where in the column its values are, and how they
!> are read. The history writes every row; an emulator reads those that are known within the day
!> and gives those whose role is `target`.
module column_variables
  use column, only: column_model
  use column_state, only: site_static
  use constants, only: seconds_per_day
  use kinds, only: wp
  use variable_table, only: attributes_of, variable_attributes
  implicit none (type, external)
  private

  public :: column_variable, dataset_variables, diagnostic_variables
  public :: site_variable, site_variables

  ! What the values of the column are within a day, for who reads them before it ends:
  enum, bind(c)
    enumerator :: whole_day_only  !< nothing yet; all diagnostics and targets
    enumerator :: time_integral  !< integral over the day so far [units s]
    enumerator :: share_integral  !< the same over shares of the day [units]
    enumerator :: lowest, highest  !< air temperature, extreme of the day so far
    enumerator :: value_of_day  !< that of the whole day
    enumerator :: grams_a_day  !< that of the whole day [g m-2 day-1] for units of kg m-2 s-1
  end enum
  public :: whole_day_only, time_integral, share_integral, lowest, highest, value_of_day, &
    grams_a_day

  !> One variable of the column.
  type, extends(variable_attributes) :: column_variable
    real(wp), pointer :: values(:) => null()  !< values of the day in units of the model, (nsite)
    real(wp) :: scale = 1.0_wp  !< units on file per unit of the model
    integer :: within_day = whole_day_only  !< what the values are before the day ends
    logical :: available = .true.  !< false for a target that an emulator does not give
  end type column_variable

  !> One attribute of the sites, either a number or a class.
  type, extends(variable_attributes) :: site_variable
    real(wp), pointer :: values(:) => null()  !< numbers, (nsite)
    integer, pointer :: classes(:) => null()  !< classes, (nsite)
  end type site_variable

  real(wp), parameter :: per_second = 1.0_wp/seconds_per_day  !< 1 day-1 to s-1
  real(wp), parameter :: kg_per_g = 1.0e-3_wp*per_second  !< g m-2 day-1 to kg m-2 s-1
  real(wp), parameter :: kg_per_mg = 1.0e-6_wp*per_second  !< mg m-2 day-1 to kg m-2 s-1

contains

  !> The variables of the dataset, in the order of docs/formats.md.
  function dataset_variables(c) result(variables)
    type(column_model), intent(in), target :: c  !< the column, which must outlive the variables
    type(column_variable), allocatable :: variables(:)
    variables = [ &
      variable('tas', c%day%tas, within_day=time_integral), &
      variable('tasmin', c%day%tasmin, within_day=lowest), &
      variable('tasmax', c%day%tasmax, within_day=highest), &
      variable('pr', c%day%pr, per_second, time_integral), &
      variable('rsds', c%day%rsds, within_day=time_integral), &
      variable('rlds', c%day%rlds, within_day=time_integral), &
      variable('vpd', c%day%vpd, within_day=time_integral), &
      variable('sfcWind', c%day%sfcwind, within_day=time_integral), &
      variable('ps', c%day%ps, within_day=time_integral), &
      variable('co2', c%day%co2, within_day=time_integral), &
      variable('ch4', c%day%ch4, within_day=time_integral), &
      variable('crop', c%fluxes%crop, within_day=value_of_day), &
      variable('fertilisation', c%fluxes%fertiliser, kg_per_g, grams_a_day), &
      variable('tsl', c%fluxes%tsl, within_day=share_integral), &
      variable('mrsos', c%fluxes%mrsos, within_day=share_integral), &
      variable('wtd', c%fluxes%wtd, within_day=share_integral), &
      variable('snw', c%fluxes%snw, within_day=share_integral), &
      variable('lai', c%fluxes%lai, within_day=value_of_day), &
      variable('evspsbl', c%fluxes%evaporation, per_second, time_integral), &
      variable('gpp', c%fluxes%gpp, kg_per_g), &
      variable('ra', c%fluxes%ra, kg_per_g), &
      variable('rh', c%fluxes%rh, kg_per_g), &
      variable('nee', c%fluxes%nee, kg_per_g), &
      variable('fch4', c%fluxes%fch4, kg_per_mg), &
      variable('fn2o', c%fluxes%fn2o, kg_per_mg)]
  end function dataset_variables

  !> Methane pathways, nitrogen and pools.
  function diagnostic_variables(c) result(variables)
    type(column_model), intent(in), target :: c  !< the column, which must outlive the variables
    type(column_variable), allocatable :: variables(:)
    real(wp), parameter :: kg = 1.0e-3_wp  ! g m-2 to kg m-2
    variables = [ &
      variable('fch4_diff', c%fluxes%ch4_diffusion, kg_per_mg), &
      variable('fch4_ebul', c%fluxes%ch4_ebullition, kg_per_mg), &
      variable('fch4_plant', c%fluxes%ch4_plant, kg_per_mg), &
      variable('ch4_production', c%fluxes%ch4_production, kg_per_mg), &
      variable('ch4_oxidation', c%fluxes%ch4_oxidation, kg_per_mg), &
      variable('ch4_uptake_ham', c%fluxes%ch4_uptake_ham, kg_per_mg), &
      variable('c_ham', c%fluxes%ham, kg), &
      variable('redox_10cm', c%fluxes%redox_10cm), &
      variable('finund', c%fluxes%finund), &
      variable('mrro', c%fluxes%runoff, per_second), &
      variable('tran', c%fluxes%transpiration, per_second), &
      variable('harvest', c%fluxes%harvest, kg_per_g), &
      variable('yield', c%fluxes%yield, kg_per_g), &
      variable('nbp', c%fluxes%nbp, kg_per_g), &
      variable('irrigation', c%fluxes%irrigation, per_second), &
      variable('dvs', c%state%dvs), &
      variable('c_grain', c%state%grain, kg), &
      variable('c_leaf', c%state%leaf, kg), &
      variable('c_wood', c%state%wood, kg), &
      variable('c_root', c%state%root, kg), &
      variable('c_nsc', c%state%nsc, kg), &
      variable('c_metabolic', c%state%metabolic, kg), &
      variable('c_structural', c%state%structural, kg), &
      variable('c_active', c%state%active, kg), &
      variable('c_slow', c%state%slow, kg), &
      variable('c_passive', c%state%passive, kg), &
      variable('c_substrate', c%state%substrate, kg), &
      variable('n_ammonium', c%state%ammonium, kg), &
      variable('n_nitrate', c%state%nitrate, kg), &
      variable('n_plant', c%state%plant_nitrogen, kg), &
      variable('n_mineralisation', c%fluxes%n_mineralisation, kg_per_g), &
      variable('n_uptake', c%fluxes%n_uptake, kg_per_g), &
      variable('n_leaching', c%fluxes%n_leaching, kg_per_g), &
      variable('n_denitrification', c%fluxes%n_denitrification, kg_per_g), &
      variable('n_input', c%fluxes%nitrogen_input, kg_per_g), &
      variable('n_harvest', c%fluxes%harvest_nitrogen, kg_per_g), &
      variable('f_n', c%fluxes%f_n)]
  end function diagnostic_variables

  !> Attributes of the sites, in the order of docs/formats.md.
  function site_variables(static) result(variables)
    type(site_static), intent(in), target :: static  !< the sites, which must outlive the variables
    type(site_variable), allocatable :: variables(:)
    variables = [ &
      site_number('lat', static%lat), &
      site_number('lon', static%lon), &
      site_number('elevation', static%elevation), &
      site_number('sand', static%sand), &
      site_number('clay', static%clay), &
      site_number('ph', static%ph), &
      site_class('biome', static%biome)]
  end function site_variables

  !> A row of the column's variables.
  function variable(name, values, scale, within_day) result(row)
    character(*), intent(in) :: name  !< name in the table of variables
    real(wp), intent(in), target :: values(:)  !< values of the day in units of the model, (nsite)
    real(wp), intent(in), optional :: scale  !< units on file per unit of the model; 1 by default
    integer, intent(in), optional :: within_day  !< what the values are before the day ends
    type(column_variable) :: row
    row%variable_attributes = attributes_of(name)
    row%values => values
    if (present(scale)) row%scale = scale
    if (present(within_day)) row%within_day = within_day
  end function variable

  !> A row of the sites' variables that is a number.
  function site_number(name, values) result(row)
    character(*), intent(in) :: name  !< name in the table of variables
    real(wp), intent(in), target :: values(:)  !< (nsite)
    type(site_variable) :: row
    row%variable_attributes = attributes_of(name)
    row%values => values
  end function site_number

  !> A row of the sites' variables that is a class.
  function site_class(name, classes) result(row)
    character(*), intent(in) :: name  !< name in the table of variables
    integer, intent(in), target :: classes(:)  !< (nsite)
    type(site_variable) :: row
    row%variable_attributes = attributes_of(name)
    row%classes => classes
  end function site_class

end module column_variables
