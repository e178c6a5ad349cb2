!> One run: spin-up or restart, then day after day forcing, physics, biogeochemistry and output.
module simulation
  use, intrinsic :: iso_fortran_env, only: output_unit
  use balance, only: carbon, energy, methane, n_balances, nitrogen, water
  use calendar_dates, only: add_years, calendar_date, date_of_day, day_number, day_of_year, &
    format_date, next_day, operator(==)
  use column, only: biogeochemistry_day, biogeochemistry_step, check_balances, &
    column_initialise, column_model, column_year, physics_day_end, physics_day_start, soil_step, &
    spinup_year_end, surface_step
  use column_state, only: allocate_forcing, step_forcing
  use column_variables, only: dataset_variables, diagnostic_variables, site_variables
  use emulated_biogeochemistry, only: close_emulator, emulator, emulator_step, forget_date, &
    gives, open_emulator, start_emulator, take_fluxes
  use exit_codes, only: balance_failure, success
  use forcing, only: close_forcing, forcing_source, open_forcing, read_day, spinup_start
  use forcing_day, only: surface_steps, take_mean, take_step
  use history, only: close_history, history_file, open_history, record_day, select_variables, &
    sync_history
  use kinds, only: wp
  use namelist_input, only: configuration, resolved_namelist
  use output_files, only: write_text_file
  use parameter_record, only: write_parameter_record
  use restart, only: read_restart, write_restart
  use site_table, only: read_sites, site_set
  use text, only: to_text
  use timing, only: lap, part_biogeochemistry, part_forcing, part_history, part_other, &
    part_physics, start_watch, stopwatch, timing_json
  use version, only: program_version
  implicit none (type, external)
  private

  public :: run_simulation

  !> Everything that a run holds.
  type :: run_state
    type(site_set) :: sites  !< the sites
    type(forcing_source) :: source  !< their weather
    type(column_model) :: column  !< the column model
    type(emulator) :: emulator  !< the emulator, under bgc_scheme = 'emulator'
    logical :: emulated = .false.  !< whether the emulator gives the fluxes
    type(history_file) :: history  !< the history file
    type(step_forcing) :: forcing  !< forcing of a step
    !> Date of the last restart file that was written before the end of the run.
    character(:), allocatable :: restart_date
    type(stopwatch) :: watch  !< time spent in each part
    !> Largest balance errors: carbon, water, energy, methane, nitrogen.
    real(wp) :: worst(n_balances) = 0.0_wp
    integer :: days = 0  !< days simulated, spin-up included
  end type run_state

contains

  !> Run a case from its configuration to its last file.
  subroutine run_simulation(config, stat, errmsg)
    type(configuration), intent(in) :: config  !< configuration
    integer, intent(out) :: stat  !< exit code
    character(:), allocatable, intent(out) :: errmsg  !< message if stat is not 0
    type(run_state), target :: run
    type(calendar_date) :: end_day
    call start_watch(run%watch)
    end_day = end_of_run(config)
    call prepare(run, config, stat, errmsg)
    if (stat == success) then
      write(output_unit, '(a)') 'ecosys '//program_version//': case '//config%case_name//', '// &
        to_text(run%sites%static%nsite)//' sites, '//format_date(config%start_date)//' to '// &
        format_date(date_of_day(day_number(end_day) - 1, end_day%leap_days))//', '// &
        config%forcing_source//', '//config%bgc_scheme
      call begin_state(run, config, stat, errmsg)
    end if
    if (stat == success) call run_days(run, config, end_day, stat, errmsg)
    if (stat == success) call write_summaries(run, config, stat, errmsg)
    if (stat /= success) call leave_history(run, errmsg)
    call close_forcing(run%source)
    if (run%emulated) call close_emulator(run%emulator)
  end subroutine run_simulation

  !> After a failure the history is deleted, or kept where a restart file continues it.
  subroutine leave_history(run, errmsg)
    type(run_state), intent(inout) :: run  !< the run
    !> Message of the failure, to which is added what is kept.
    character(:), allocatable, intent(inout) :: errmsg
    logical :: exists
    if (run%history%out%ncid >= 0) call run%history%out%discard()
    if (.not. run%history%out%keep_partial) return
    inquire(file=run%history%out%path//'.tmp', exist=exists)
    if (exists) errmsg = errmsg//'; the history up to the restart file of '//run%restart_date// &
      ' is kept as '//run%history%out%path//'.tmp'
    if (exists .and. run%history%out%stat /= success) errmsg = errmsg// &
      ' (if it does not open: make room and lengthen it by `truncate -s +16M`)'
  end subroutine leave_history

  !> The day after the last one of the run.
  pure function end_of_run(config) result(end_day)
    type(configuration), intent(in) :: config  !< configuration
    type(calendar_date) :: end_day
    if (config%stop_option == 'nyears') then
      end_day = add_years(config%start_date, config%stop_n)
    else
      end_day = date_of_day(day_number(config%start_date) + config%stop_n, &
        config%start_date%leap_days)
    end if
  end function end_of_run

  !> Read the sites, open the weather and the emulator, set up the column.
  subroutine prepare(run, config, stat, errmsg)
    type(run_state), intent(inout), target :: run  !< the run
    type(configuration), intent(in) :: config  !< configuration
    integer, intent(out) :: stat  !< exit code
    character(:), allocatable, intent(out) :: errmsg  !< message if stat is not 0
    integer :: i
    call write_text_file(config%outdir//'/'//config%case_name//'.nml.resolved', &
      resolved_namelist(config), stat, errmsg)
    if (stat == success) call read_sites(config, run%sites, stat, errmsg)
    if (stat /= success) return
    call open_forcing(run%source, config, run%sites, stat, errmsg)
    if (stat /= success) return
    run%column%static = run%sites%static
    run%column%static%topmodel = config%inundation == 'topmodel'
    run%column%params = run%sites%params
    call column_initialise(run%column)
    call write_parameter_record(config%outdir//'/'//config%case_name//'.params.nc', run%sites%id, &
      run%column%params, stat, errmsg)
    if (stat /= success) return
    call allocate_forcing(run%forcing, run%sites%static%nsite)
    run%history%variables = dataset_variables(run%column)
    run%emulated = config%bgc_scheme == 'emulator'
    if (run%emulated) then
      call open_emulator(run%emulator, config, run%history%variables, &
        site_variables(run%column%static), run%sites%static%nsite, stat, errmsg)
      if (stat /= success) return
      do i = 1, size(run%history%variables)
        associate (variable => run%history%variables(i))
          variable%available = variable%role /= 'target' .or. gives(run%emulator, variable%name)
        end associate
      end do
    else
      allocate(run%emulator%state(0, 0))
      run%emulator%identity = ''
    end if
    if (config%hist_diagnostics) run%history%variables = &
      [run%history%variables, diagnostic_variables(run%column)]
    call select_variables(config, run%history%variables, stat, errmsg)
  end subroutine prepare

  !> Spin up, or go on from a restart file.
  subroutine begin_state(run, config, stat, errmsg)
    type(run_state), intent(inout), target :: run  !< the run
    type(configuration), intent(in) :: config  !< configuration
    integer, intent(out) :: stat  !< exit code
    character(:), allocatable, intent(out) :: errmsg  !< message if stat is not 0
    character(:), allocatable :: date
    logical :: with_emulator
    stat = success
    with_emulator = .false.
    call begin_year(run, config, config%start_date%year, .false.)
    if (config%finidat == '') then
      call spin_up(run, config, stat, errmsg)
    else
      call read_restart(config, run%sites, date, run%column%state, run%source, &
        run%emulator%state, run%emulator%identity, with_emulator, stat, errmsg)
      if (stat /= success) return
      if (date /= format_date(config%start_date)) then
        write(output_unit, '(a)') 'ecosys: note: '//config%finidat//' is of '//date// &
          ', the run starts on '//format_date(config%start_date)
        if (with_emulator) call forget_date(run%emulator, stat, errmsg)
      end if
    end if
    if (stat == success) call begin_year(run, config, config%start_date%year, .false.)
    if (stat /= success .or. .not. run%emulated .or. with_emulator) return
    if (config%finidat /= '') write(output_unit, '(a)') 'ecosys: note: '//config%finidat// &
      ' has no emulator state, the emulator starts without memory'
    call start_emulator(run%emulator, stat, errmsg)
  end subroutine begin_state

  !> Give the column the parameters of a year.
  subroutine begin_year(run, config, year, year_ends)
    type(run_state), intent(inout) :: run  !< the run
    type(configuration), intent(in) :: config  !< configuration
    integer, intent(in) :: year  !< calendar year
    logical, intent(in) :: year_ends  !< whether a year of the run has just ended
    call column_year(run%column, run%sites%params, config%seed, run%sites%number, year, year_ends)
  end subroutine begin_year

  !> Years before the run, without output, with the parameters of its first year; the emulator is
  !> not called.
  subroutine spin_up(run, config, stat, errmsg)
    type(run_state), intent(inout), target :: run  !< the run
    type(configuration), intent(in) :: config  !< configuration
    integer, intent(out) :: stat  !< exit code
    character(:), allocatable, intent(out) :: errmsg  !< message if stat is not 0
    type(calendar_date) :: date, end_day
    integer :: year, crop_year
    stat = success
    do year = 1, config%spinup_years
      call spinup_start(run%source, config%start_date, config%spinup_years, year, date, stat, &
        errmsg)
      if (stat /= success) return
      crop_year = config%start_date%year - config%spinup_years + year - 1 - date%year
      end_day = add_years(date, 1)
      do while (.not. date == end_day)
        call advance_day(run, config, date, crop_year + date%year, .false., stat, errmsg)
        if (stat /= success) return
        date = next_day(date)
      end do
      if (.not. run%emulated) call spinup_year_end(run%column)
      run%column%state%active_layer = 0.0_wp
      call lap(run%watch, part_biogeochemistry)
    end do
  end subroutine spin_up

  !> The days of the run with history and restart files; a restart file follows the history that
  !> leads to it, so that nothing is lost where a run ends early.
  subroutine run_days(run, config, end_day, stat, errmsg)
    type(run_state), intent(inout), target :: run  !< the run
    type(configuration), intent(in) :: config  !< configuration
    type(calendar_date), intent(in) :: end_day  !< the day after the last one
    integer, intent(out) :: stat  !< exit code
    character(:), allocatable, intent(out) :: errmsg  !< message if stat is not 0
    type(calendar_date) :: date
    call lap(run%watch, part_other)
    call open_history(run%history, config, run%sites, config%start_date, &
      end_of_file(config, config%start_date, end_day))
    call lap(run%watch, part_history)
    stat = success
    date = config%start_date
    do while (.not. date == end_day .and. run%history%out%stat == success)
      if (date%month == 1 .and. date%day == 1) call begin_year(run, config, date%year, .true.)
      call advance_day(run, config, date, date%year, .true., stat, errmsg)
      if (stat /= success) return
      call record_day(run%history, date)
      date = next_day(date)
      if (date%month == 1 .and. date%day == 1 .and. .not. date == end_day) then
        call turn_year(run, config, date, end_day, stat, errmsg)
        if (stat /= success) return
      else
        call lap(run%watch, part_history)
      end if
    end do
    call close_history(run%history)
    call lap(run%watch, part_history)
    stat = run%history%out%stat
    if (stat /= success) errmsg = run%history%out%errmsg
    if (stat /= success .or. config%rest_frq == 'none') return
    call write_state(run, config, date, stat, errmsg)
    call lap(run%watch, part_other)
  end subroutine run_days

  !> At the turn of a year: a new history file and a restart file, where the namelist asks for them.
  subroutine turn_year(run, config, date, end_day, stat, errmsg)
    type(run_state), intent(inout), target :: run  !< the run
    type(configuration), intent(in) :: config  !< configuration
    type(calendar_date), intent(in) :: date  !< first of January that begins
    type(calendar_date), intent(in) :: end_day  !< the day after the last one of the run
    integer, intent(out) :: stat  !< exit code; a failure of the history is in run%history%out
    character(:), allocatable, intent(out) :: errmsg  !< message if stat is not 0
    stat = success
    if (config%hist_split == 'yearly') then
      call close_history(run%history)
      if (run%history%out%stat /= success) return
      call open_history(run%history, config, run%sites, date, end_of_file(config, date, end_day))
    end if
    call lap(run%watch, part_history)
    if (config%rest_frq /= 'yearly') return
    call sync_history(run%history)
    call lap(run%watch, part_history)
    if (run%history%out%stat /= success) return
    call write_state(run, config, date, stat, errmsg)
    if (stat /= success) return
    run%history%out%keep_partial = config%hist_split == 'none'
    run%restart_date = format_date(date)
    call lap(run%watch, part_other)
  end subroutine turn_year

  !> Write the restart file of a midnight.
  subroutine write_state(run, config, date, stat, errmsg)
    type(run_state), intent(inout), target :: run  !< the run
    type(configuration), intent(in) :: config  !< configuration
    type(calendar_date), intent(in) :: date  !< the day that begins
    integer, intent(out) :: stat  !< exit code
    character(:), allocatable, intent(out) :: errmsg  !< message if stat is not 0
    call write_restart(config, run%sites, date, run%column%state, run%source, &
      run%emulator%state, run%emulator%identity, stat, errmsg)
  end subroutine write_state

  !> The day after the last one of the history file that starts on `first`.
  pure function end_of_file(config, first, end_day) result(last)
    type(configuration), intent(in) :: config  !< configuration
    type(calendar_date), intent(in) :: first  !< first day of the file
    type(calendar_date), intent(in) :: end_day  !< the day after the last one of the run
    type(calendar_date) :: last
    last = end_day
    if (config%hist_split == 'yearly' .and. end_day%year > first%year) then
      last = calendar_date(first%year + 1, 1, 1, first%leap_days)
    end if
  end function end_of_file

  !> One day of all sites.
  subroutine advance_day(run, config, date, crop_year, with_emulator, stat, errmsg)
    type(run_state), intent(inout), target :: run  !< the run
    type(configuration), intent(in) :: config  !< configuration
    type(calendar_date), intent(in) :: date  !< the day
    !> Calendar year by which rotations go; a spin-up may take the weather of another one.
    integer, intent(in) :: crop_year
    logical, intent(in) :: with_emulator  !< whether the emulator is called, if there is one
    integer, intent(out) :: stat  !< exit code
    character(:), allocatable, intent(out) :: errmsg  !< message if stat is not 0
    integer :: step, part, parts, first
    real(wp) :: dt
    call read_day(run%source, date, stat, errmsg)
    if (stat /= success) return
    call lap(run%watch, part_forcing)
    dt = real(config%dt_phys, wp)
    parts = surface_steps(config%dt_phys)
    call physics_day_start(run%column, crop_year, day_of_year(date))
    do step = 1, 86400/config%dt_phys
      first = (step - 1)*parts + 1
      do part = first, first + parts - 1
        call take_step(run%source%day, part, run%forcing)
        call surface_step(run%column, run%forcing, dt/parts)
      end do
      call soil_step(run%column, dt)
      call lap(run%watch, part_physics)
      if (.not. run%emulated) then
        if (parts > 1) call take_mean(run%source%day, first, first + parts - 1, run%forcing)
        call biogeochemistry_step(run%column, run%forcing, dt)
      else if (with_emulator) then
        do part = first, first + parts - 1
          if (parts > 1) call take_step(run%source%day, part, run%forcing)
          call emulator_step(run%emulator, run%forcing, date, part, stat, errmsg)
          if (stat /= success) return
        end do
      end if
      call lap(run%watch, part_biogeochemistry)
    end do
    call physics_day_end(run%column)
    call lap(run%watch, part_physics)
    if (.not. run%emulated) then
      call biogeochemistry_day(run%column)
    else if (with_emulator) then
      call take_fluxes(run%emulator)
    end if
    call lap(run%watch, part_biogeochemistry)
    call check_balances(run%column, .not. run%emulated, run%worst, stat, errmsg)
    if (stat /= success) then
      stat = balance_failure
      errmsg = format_date(date)//': '//errmsg
    end if
    run%days = run%days + 1
    call lap(run%watch, part_physics)
  end subroutine advance_day

  !> Write the timing and balance files.
  subroutine write_summaries(run, config, stat, errmsg)
    type(run_state), intent(inout) :: run  !< the run
    type(configuration), intent(in) :: config  !< configuration
    integer, intent(out) :: stat  !< exit code
    character(:), allocatable, intent(out) :: errmsg  !< message if stat is not 0
    character(:), allocatable :: base
    base = config%outdir//'/'//config%case_name
    call write_text_file(base//'.balance.json', &
      '{"carbon_g_m2_day": '//to_text(run%worst(carbon), 6)// &
      ', "water_mm_day": '//to_text(run%worst(water), 6)// &
      ', "energy_w_m2": '//to_text(run%worst(energy), 6)// &
      ', "methane_relative": '//to_text(run%worst(methane), 6)// &
      ', "nitrogen_g_m2_day": '//to_text(run%worst(nitrogen), 6)//'}'//new_line('a'), stat, errmsg)
    if (stat == success) call write_text_file(base//'.timing.json', timing_json(run%watch, &
      run%days/365.25_wp*run%sites%static%nsite, config%bgc_scheme), stat, errmsg)
  end subroutine write_summaries

end module simulation
