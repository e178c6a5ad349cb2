!> The weather of a run, day by day, whether it is generated or read from a file.
module forcing
  use calendar_dates, only: add_years, calendar_date, date_of_day, day_number, day_of_year, &
    format_date
  use climate_normals, only: ch4_of_year, co2_of_year
  use exit_codes, only: bad_input, success
  use forcing_day, only: allocate_day_forcing, cloud_of_shortwave, day_forcing, disaggregate, &
    longwave, snow_share, surface_steps
  use forcing_file, only: absent, ch4air, close_meteorology, co2air, has_quantity, load_day, &
    lwdown, meteorology_file, open_meteorology, psurf, qair, rainf, snowf, swdown, tair, tmax, &
    tmin, wind
  use input_files, only: input_error, string_length
  use kinds, only: wp
  use namelist_input, only: configuration, is_set
  use random, only: random_stream, seed_stream
  use site_table, only: site_set
  use solar, only: step_shares
  use text, only: to_text
  use weather_generator, only: allocate_daily_weather, daily_weather, generate_day, generator, &
    start_generator
  implicit none (type, external)
  private

  public :: forcing_source, open_forcing, close_forcing, read_day, spinup_start

  !> Where the weather comes from.
  type :: forcing_source
    logical :: from_file = .false.  !< whether it comes from a file
    type(random_stream), allocatable :: streams(:)  !< random numbers of each site
    type(generator) :: generator  !< the generator and its memory
    type(meteorology_file) :: file  !< the file
    character(string_length), allocatable :: site_id(:)  !< names of the sites
    real(wp), allocatable :: lat(:)  !< latitude [degrees north]
    !> Constant CO2 [ppm] and CH4 [ppb] where the file has none; unset for the series.
    real(wp) :: co2 = 0.0_wp, ch4 = 0.0_wp
    type(daily_weather) :: weather  !< weather of the day
    type(day_forcing) :: day  !< forcing of the day in steps
    real(wp), allocatable, private :: shares(:)  !< relative shortwave of each step, (nstep)
    real(wp), allocatable, private :: cloud(:)  !< cloud cover, (nsite)
  end type forcing_source

contains

  !> Set up the weather of a run.
  subroutine open_forcing(self, config, sites, stat, errmsg)
    type(forcing_source), intent(out) :: self  !< the source
    type(configuration), intent(in) :: config  !< configuration of the run
    type(site_set), intent(in) :: sites  !< the sites
    integer, intent(out) :: stat  !< exit code
    character(:), allocatable, intent(out) :: errmsg  !< message if stat is not 0
    integer :: i, n, nstep
    stat = success
    n = sites%static%nsite
    nstep = 86400/config%dt_phys*surface_steps(config%dt_phys)
    self%from_file = config%forcing_source == 'netcdf'
    self%site_id = sites%id
    self%lat = sites%static%lat
    self%co2 = config%co2
    self%ch4 = config%ch4
    allocate(self%streams(n), self%shares(nstep), self%cloud(n))
    do i = 1, n
      call seed_stream(self%streams(i), config%seed, sites%number(i))
    end do
    call allocate_daily_weather(self%weather, n)
    call allocate_day_forcing(self%day, n, nstep)
    call start_generator(self%generator, config, self%lat, sites%static%lon, &
      sites%static%elevation, sites%static%continentality, sites%static%annual_precip, &
      sites%static%t_ann, sites%t_month, sites%p_month)
    if (.not. self%from_file) return
    call open_meteorology(self%file, config, sites%id, self%lat, sites%static%lon, stat, errmsg)
    if (stat /= success) return
    associate (per_day => self%file%times%per_day)
      if (mod(per_day, nstep) /= 0 .and. mod(nstep, per_day) /= 0) call input_error( &
        self%file%path, 'its interval of '//to_text(self%file%times%interval)// &
        ' s does not fit dt_phys = '//to_text(config%dt_phys), stat, errmsg)
    end associate
  end subroutine open_forcing

  !> Close the file, if any.
  subroutine close_forcing(self)
    type(forcing_source), intent(inout) :: self  !< the source
    if (self%from_file) call close_meteorology(self%file)
  end subroutine close_forcing

  !> First day of a year of the spin-up: generated years lead up to the start of the run; of a file
  !> the first whole years from the start of the run are taken in turn.
  subroutine spinup_start(self, start, years, year, date, stat, errmsg)
    type(forcing_source), intent(in) :: self  !< the source
    type(calendar_date), intent(in) :: start  !< first day of the run
    integer, intent(in) :: years  !< years of spin-up
    integer, intent(in) :: year  !< year of the spin-up, from 1
    type(calendar_date), intent(out) :: date  !< first day of that year
    integer, intent(out) :: stat  !< exit code
    character(:), allocatable, intent(out) :: errmsg  !< message if stat is not 0
    type(calendar_date) :: end_of_file
    integer :: whole_years
    stat = success
    if (.not. self%from_file) then
      date = add_years(start, year - 1 - years)
      return
    end if
    end_of_file = date_of_day(self%file%times%first_day + self%file%times%n_days, &
      self%file%times%leap_days)
    whole_years = 0
    do while (whole_years < years)
      date = add_years(start, whole_years + 1)
      date%leap_days = end_of_file%leap_days
      if (day_number(date) > day_number(end_of_file)) exit
      whole_years = whole_years + 1
    end do
    if (whole_years == 0) then
      call input_error(self%file%path, 'holds no whole year from the start of the run for the '// &
        'spin-up; say spinup_years = 0 in &run_ctl or start earlier', stat, errmsg)
      return
    end if
    date = add_years(start, mod(year - 1, whole_years))
  end subroutine spinup_start

  !> Set self%day to the forcing of a day.
  subroutine read_day(self, date, stat, errmsg)
    type(forcing_source), intent(inout) :: self  !< the source
    type(calendar_date), intent(in) :: date  !< the day
    integer, intent(out) :: stat  !< exit code
    character(:), allocatable, intent(out) :: errmsg  !< message if stat is not 0
    integer :: first_record
    stat = success
    if (.not. self%from_file) then
      call generate_day(self%generator, date, self%streams, self%weather)
      call check_generated(self%weather, self%site_id, date, stat, errmsg)
      if (stat /= success) return
      call disaggregate(self%weather, date, self%lat, self%streams, self%day)
      return
    end if
    call load_day(self%file, date, first_record, stat, errmsg)
    if (stat /= success) return
    if (self%file%times%per_day == 1) then
      call take_daily(self, date, first_record)
      call disaggregate(self%weather, date, self%lat, self%streams, self%day)
    else
      call take_records(self, date, first_record)
    end if
    where (self%day%co2 <= 0.0_wp) self%day%co2 = gas(self%co2, co2_of_year(date%year))
    where (self%day%ch4 <= 0.0_wp) self%day%ch4 = gas(self%ch4, ch4_of_year(date%year))
  end subroutine read_day

  !> Refuse generated days whose middle between lowest and highest temperature no place has, as of a
  !> strong trend over many years.
  subroutine check_generated(weather, site_id, date, stat, errmsg)
    type(daily_weather), intent(in) :: weather  !< weather of the day
    character(*), intent(in) :: site_id(:)  !< names of the sites
    type(calendar_date), intent(in) :: date  !< the day
    integer, intent(inout) :: stat  !< exit code
    character(:), allocatable, intent(inout) :: errmsg  !< message if stat is not 0
    real(wp), parameter :: lowest = 150.0_wp, highest = 350.0_wp  !< [K]
    real(wp) :: middle
    integer :: i
    do i = 1, size(site_id)
      middle = 0.5_wp*(weather%tmin(i) + weather%tmax(i))
      if (middle >= lowest .and. middle <= highest) cycle
      stat = bad_input
      errmsg = 'the generated weather of site '//trim(site_id(i))//' on '//format_date(date)// &
        ' is '//to_text(weather%tmin(i), 6)//' to '//to_text(weather%tmax(i), 6)// &
        ' K, expected 150 to 350; check t_ann, and trend_k_per_decade and '// &
        'trend_reference_year in &wgen_nl'
      return
    end do
  end subroutine check_generated

  !> The constant if it is set, else the value of the series.
  elemental real(wp) function gas(constant_value, series_value)
    real(wp), intent(in) :: constant_value  !< constant, may be unset
    real(wp), intent(in) :: series_value  !< value of the series
    gas = series_value
    if (is_set(constant_value)) gas = constant_value
  end function gas

  !> Daily weather from the record of a daily file.
  subroutine take_daily(self, date, k)
    type(forcing_source), intent(inout) :: self  !< the source
    type(calendar_date), intent(in) :: date  !< the day
    integer, intent(in) :: k  !< record
    associate (weather => self%weather, v => self%file%variables)
      weather%tmean = v(tair)%values(:, k)
      weather%tmin = min(v(tmin)%values(:, k), weather%tmean)
      weather%tmax = max(v(tmax)%values(:, k), weather%tmean)
      weather%qair = v(qair)%values(:, k)
      weather%swdown = v(swdown)%values(:, k)
      weather%wind = v(wind)%values(:, k)
      weather%psurf = v(psurf)%values(:, k)
      weather%precip = 86400.0_wp*v(rainf)%values(:, k)
      weather%snow = absent
      if (has_quantity(self%file, snowf)) then
        weather%snow = 86400.0_wp*v(snowf)%values(:, k)
        weather%precip = weather%precip + weather%snow
      end if
      weather%lwdown = absent
      if (has_quantity(self%file, lwdown)) weather%lwdown = v(lwdown)%values(:, k)
      weather%co2 = absent
      if (has_quantity(self%file, co2air)) weather%co2 = v(co2air)%values(:, k)
      weather%ch4 = absent
      if (has_quantity(self%file, ch4air)) weather%ch4 = v(ch4air)%values(:, k)
      weather%cloud = cloud_of_shortwave(weather%swdown, self%lat, day_of_year(date))
    end associate
  end subroutine take_daily

  !> Steps of a day from the records of a sub-daily file: means of finer records; coarser ones are
  !> held, but temperature is interpolated and shortwave follows the sun within a record.
  subroutine take_records(self, date, first_record)
    type(forcing_source), intent(inout) :: self  !< the source
    type(calendar_date), intent(in) :: date  !< the day
    integer, intent(in) :: first_record  !< first record of the day
    integer :: i, nstep
    nstep = size(self%shares)
    associate (day => self%day, file => self%file)
      call spread_records(file, tair, first_record, day%tair)
      call spread_records(file, qair, first_record, day%qair)
      call spread_records(file, swdown, first_record, day%swdown)
      call spread_records(file, lwdown, first_record, day%lwdown)
      call spread_records(file, rainf, first_record, day%rain)
      call spread_records(file, snowf, first_record, day%snow)
      call spread_records(file, wind, first_record, day%wind)
      call spread_records(file, psurf, first_record, day%psurf)
      call spread_records(file, co2air, first_record, day%co2)
      call spread_records(file, ch4air, first_record, day%ch4)
      if (.not. has_quantity(file, snowf)) then
        day%snow = day%rain*snow_share(day%tair)
        day%rain = day%rain - day%snow
      end if
      self%cloud = cloud_of_shortwave(sum(day%swdown, dim=2)/nstep, self%lat, day_of_year(date))
      if (file%times%per_day < nstep) then
        do i = 1, size(self%lat)
          call step_shares(self%lat(i), day_of_year(date), self%shares)
          call follow_sun(self%shares, file%times%per_day, day%swdown(i, :))
          call interpolate(file%times%per_day, day%tair(i, :))
        end do
      end if
      where (day%lwdown < 0.0_wp) day%lwdown = &
        longwave(day%tair, day%qair, day%psurf, spread(self%cloud, 2, nstep))
    end associate
  end subroutine take_records

  !> Means of finer records, or coarser records held; absent where the file lacks the quantity.
  subroutine spread_records(file, q, first_record, steps)
    type(meteorology_file), intent(in) :: file  !< the file
    integer, intent(in) :: q  !< quantity
    integer, intent(in) :: first_record  !< first record of the day
    real(wp), intent(inout) :: steps(:, :)  !< value of each step, (nsite, nstep)
    integer :: k, nstep, records_a_step, begin
    steps = absent
    if (.not. has_quantity(file, q)) return
    nstep = size(steps, 2)
    records_a_step = file%times%per_day/nstep
    do k = 1, nstep
      if (records_a_step <= 1) then
        steps(:, k) = file%variables(q)%values(:, first_record + (k - 1)*file%times%per_day/nstep)
      else
        begin = first_record + (k - 1)*records_a_step
        steps(:, k) = sum(file%variables(q)%values(:, begin:begin + records_a_step - 1), dim=2) &
          /records_a_step
      end if
    end do
  end subroutine spread_records

  !> Distribute the shortwave of each record over its steps like the sun; the mean is kept.
  pure subroutine follow_sun(shares, per_day, steps)
    real(wp), intent(in) :: shares(:)  !< relative mean of each step [1]
    integer, intent(in) :: per_day  !< records of a day
    real(wp), intent(inout) :: steps(:)  !< shortwave of each step [W m-2]
    real(wp) :: mean
    integer :: first, last, steps_a_record
    steps_a_record = size(steps)/per_day
    do first = 1, per_day*steps_a_record, steps_a_record
      last = first + steps_a_record - 1
      mean = sum(shares(first:last))/steps_a_record
      if (mean < 0.05_wp) cycle
      steps(first:last) = steps(first:last)*shares(first:last)/mean
    end do
  end subroutine follow_sun

  !> Interpolate between the middles of records within a day.
  pure subroutine interpolate(per_day, steps)
    integer, intent(in) :: per_day  !< records of a day
    real(wp), intent(inout) :: steps(:)  !< values, on entry held over each record
    real(wp) :: record(per_day), position, weight
    integer :: k, n, left
    n = size(steps)/per_day
    record = steps(1::n)
    do k = 1, size(steps)
      position = max(1.0_wp, min(real(per_day, wp), (k - 0.5_wp)/n + 0.5_wp))
      left = min(per_day - 1, int(position))
      weight = position - left
      steps(k) = (1.0_wp - weight)*record(left) + weight*record(left + 1)
    end do
  end subroutine interpolate

end module forcing
