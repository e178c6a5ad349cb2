!> Crops: dates of sowing, flowering and harvest, rotations, both hemispheres, climates in which
!> nothing ripens, conservation, restart in the middle of a season and blocks.
program test_crops
  use balance, only: n_balances
  use checks, only: check, check_range, same_bits, finish
  use column, only: column_model, column_initialise
  use column_runs, only: make_sites, run_day
  use column_state, only: step_forcing, state_field, state_fields
  use crops, only: crop_of_year, season_of, leaf_area_share, maize, soybean, wheat, rice
  use kinds, only: wp
  implicit none (type, external)
  integer, parameter :: n = 9
  ! one site each: Nebraska; continuous maize; North China, double cropped; wheat; southern maize;
  ! tropical maize; tropical rice; a summer too short; a place that is never warm enough
  integer, parameter :: biome(n) = [13, 13, 13, 13, 13, 13, 6, 13, 13]
  real(wp), parameter :: lat(n) = [41.2_wp, 41.2_wp, 36.7_wp, 45.0_wp, -34.0_wp, 8.0_wp, 15.0_wp, &
    62.0_wp, 72.0_wp]
  real(wp), parameter :: t_ann(n) = [284.0_wp, 284.0_wp, 286.5_wp, 282.0_wp, 290.0_wp, 299.0_wp, &
    299.5_wp, 273.5_wp, 258.0_wp]
  real(wp), parameter :: rain(n) = [850.0_wp, 850.0_wp, 600.0_wp, 700.0_wp, 1000.0_wp, 1300.0_wp, &
    1600.0_wp, 600.0_wp, 300.0_wp]
  real(wp), parameter :: continental(n) = [50.0_wp, 50.0_wp, 55.0_wp, 35.0_wp, 20.0_wp, 10.0_wp, &
    8.0_wp, 45.0_wp, 45.0_wp]
  real(wp), parameter :: rotation(n) = [12.0_wp, 1.0_wp, 5.0_wp, 3.0_wp, 1.0_wp, 1.0_wp, 4.0_wp, &
    12.0_wp, 12.0_wp]
  integer, parameter :: n_days = 4*365
  type(column_model), target :: whole
  type(step_forcing) :: forcing
  integer :: crop_on(n, 0:n_days - 1), sown(n, 4), flowers(n, 4), harvested(n, 4)
  real(wp) :: lai_max(n, 4), gpp(n, 4), peak(n, 4), yield(n, 4), nitrogen(n, 4), irrigation(n, 4)
  call rotations_by_digit()
  call leaves_by_stage()
  call fields(whole)
  call run_years(whole)
  call dates_in_nebraska()
  call other_places()
  call seasons_resume()
  call irrigation_helps()
  call finish('test_crops')

contains

  !> The sites above; maize in North China and rice are watered.
  subroutine fields(c)
    type(column_model), intent(inout) :: c  !< block of sites
    call make_sites(c, biome, lat, t_ann, rain, continental)
    c%params%rotation = rotation
    c%params%irrigation(3) = 10.0_wp
    call column_initialise(c)
  end subroutine fields

  !> The first digit is the odd years'; southern crop years end in the middle of the calendar's.
  subroutine rotations_by_digit()
    integer :: season, crop_day
    call check(crop_of_year(12.0_wp, 2001) == maize .and. crop_of_year(12.0_wp, 2002) == soybean, &
      'rotation 12')
    call check(all(crop_of_year(312.0_wp, [2002, 2003, 2004]) == [wheat, maize, soybean]), &
      'rotation 312')
    call check(crop_of_year(4.0_wp, 1999) == rice .and. crop_of_year(4.0_wp, 2000) == rice, &
      'rotation 4')
    call season_of(50.0_wp, 2001, 300, season, crop_day)
    call check(season == 2001 .and. crop_day == 300, 'northern season')
    call season_of(-30.0_wp, 2001, 300, season, crop_day)
    call check(season == 2002 .and. crop_day == 117, 'southern season')
    call season_of(-30.0_wp, 2002, 40, season, crop_day)
    call check(season == 2002 .and. crop_day == 222, 'southern season after the turn of the year')
  end subroutine rotations_by_digit

  !> Leaf area rises to flowering or pod filling, then falls.
  subroutine leaves_by_stage()
    integer :: k
    do k = 1, 4
      call check(leaf_area_share(k, 0.0_wp) <= 0.0_wp, 'leaves before emergence')
      call check(leaf_area_share(k, 1.2_wp) >= 1.0_wp, 'not in full leaf')
      call check(leaf_area_share(k, 2.0_wp) < 0.2_wp, 'green when ripe')
    end do
  end subroutine leaves_by_stage

  !> Four years of all sites, and what each brought.
  subroutine run_years(c)
    type(column_model), intent(inout) :: c  !< block of sites
    character(:), allocatable :: errmsg
    real(wp) :: worst(n_balances), stage_before(n)
    integer :: day, day_of_year, year, stat, i, k
    worst = 0.0_wp
    sown = 0
    flowers = 0
    harvested = 0
    lai_max = 0.0_wp
    gpp = 0.0_wp
    peak = 0.0_wp
    yield = 0.0_wp
    nitrogen = 0.0_wp
    irrigation = 0.0_wp
    stage_before = 0.0_wp
    do day = 0, n_days - 1
      year = 1 + day/365
      day_of_year = modulo(day, 365) + 1
      call run_day(c, forcing, [(k, k=1, n)], day, 0.0_wp, worst, stat, errmsg)
      call check(stat == 0, errmsg)
      crop_on(:, day) = nint(c%state%crop)
      do i = 1, n
        if (c%state%crop(i) > 0.0_wp .and. c%fluxes%crop(i) <= 0.0_wp) sown(i, year) = day_of_year
        if (stage_before(i) < 1.0_wp .and. c%state%dvs(i) >= 1.0_wp) flowers(i, year) = day_of_year
        if (c%fluxes%harvested(i) > 0.0_wp) harvested(i, year) = day_of_year
      end do
      stage_before = c%state%dvs
      lai_max(:, year) = max(lai_max(:, year), c%fluxes%lai)
      gpp(:, year) = gpp(:, year) + c%fluxes%gpp
      peak(:, year) = max(peak(:, year), c%fluxes%gpp)
      yield(:, year) = yield(:, year) + c%fluxes%yield
      nitrogen(:, year) = nitrogen(:, year) + c%fluxes%fertiliser
      irrigation(:, year) = irrigation(:, year) + c%fluxes%irrigation
      call check(all(c%fluxes%yield <= c%fluxes%harvest), 'more grain than harvest')
      call check(all(c%state%crop > 0.0_wp .or. c%params%rotation <= 0.0_wp &
        .or. c%state%lai <= 0.0_wp), 'leaves without a crop')
    end do
  end subroutine run_years

  !> Maize and soybean in turn at 41 N: dates of Mead, Nebraska.
  subroutine dates_in_nebraska()
    integer :: y
    do y = 1, 4
      call check_range(real(sown(1, y), wp), 110.0_wp, 165.0_wp, 'day of sowing')
      call check_range(real(flowers(1, y), wp), 178.0_wp, 212.0_wp, 'day of flowering')
      call check_range(real(harvested(1, y), wp), 232.0_wp, 300.0_wp, 'day of harvest')
      call check(all(crop_on(1, 365*(y - 1) + 190:365*(y - 1) + 210) &
        == merge(maize, soybean, modulo(y, 2) == 1)), 'wrong crop of the year')
      call check(all(crop_on(2, 365*(y - 1) + 190:365*(y - 1) + 210) == maize), &
        'no continuous maize')
      call check_range(lai_max(2, y), 4.0_wp, 6.01_wp, 'largest leaf area of maize')
      call check_range(gpp(2, y), 900.0_wp, 2100.0_wp, 'GPP of maize')
      call check_range(yield(2, y), 150.0_wp, 700.0_wp, 'yield of maize')
    end do
    call check_range(peak(1, 1), 18.0_wp, 32.0_wp, 'highest daily GPP of maize')
    call check_range(peak(1, 2), 9.0_wp, 20.0_wp, 'highest daily GPP of soybean')
    call check_range(nitrogen(1, 1), 14.99_wp, 15.01_wp, 'fertiliser to maize')
    call check(nitrogen(1, 2) <= 0.0_wp, 'soybean is fertilised')
    call check_range(sum(gpp(1, [2, 4]))/sum(gpp(1, [1, 3])), 0.4_wp, 0.8_wp, &
      'GPP of soybean per maize')
  end subroutine dates_in_nebraska

  !> Two crops a year, winter wheat, the south, the tropics, and places where nothing ripens.
  subroutine other_places()
    integer :: y
    do y = 2, 4
      call check(crop_on(3, 365*(y - 1) + 100) == wheat &
        .and. crop_on(3, 365*(y - 1) + 220) == maize &
        .and. crop_on(3, 365*(y - 1) + 340) == wheat, 'no two crops a year')
      call check_range(real(sown(4, y), wp), 244.0_wp, 320.0_wp, 'sowing of winter wheat')
      call check_range(real(flowers(4, y), wp), 120.0_wp, 185.0_wp, 'flowering of winter wheat')
      call check_range(real(harvested(4, y), wp), 160.0_wp, 227.0_wp, 'harvest of winter wheat')
      call check_range(real(sown(5, y), wp), 270.0_wp, 340.0_wp, 'sowing in the south')
      call check_range(real(harvested(5, y), wp), 20.0_wp, 150.0_wp, 'harvest in the south')
      call check_range(gpp(6, y), 700.0_wp, 2200.0_wp, 'GPP of tropical maize')
      call check_range(gpp(7, y), 700.0_wp, 2200.0_wp, 'GPP of rice')
      call check(harvested(7, y) > 0, 'rice stands for ever')
      call check(irrigation(7, y) > 0.0_wp, 'paddies are not watered')
      call check(harvested(8, y) > 0 .or. sown(8, y) == 0, &
        'a crop that does not ripen stands for ever')
      call check(sown(9, y) == 0 .and. gpp(9, y) <= 0.0_wp, 'crops on frozen ground')
    end do
    call check(all(irrigation(3, 2:) > 50.0_wp), 'no irrigation of the double crop')
    call check(all(irrigation([1, 2, 4, 5, 6], :) <= 0.0_wp), &
      'fields without irrigation are watered')
    call check(count(crop_on(:, n_days - 1) > 0) < n, 'no field is bare in winter')
  end subroutine other_places

  !> A stop in the middle of the season, and sites alone, give the same bits.
  subroutine seasons_resume()
    type(column_model), target :: uninterrupted, resumed
    type(state_field), allocatable :: expected(:), restored(:)
    integer :: k, i
    call fields(uninterrupted)
    call go_on(uninterrupted, 0, 200)
    call fields(resumed)
    call state_fields(uninterrupted%state, expected)
    call state_fields(resumed%state, restored)
    do k = 1, size(expected)
      restored(k)%values = expected(k)%values
    end do
    call check(any(uninterrupted%state%dvs > 0.5_wp), 'no crop stands at the stop')
    call go_on(uninterrupted, 200, 420)
    call go_on(resumed, 200, 420)
    do k = 1, size(expected)
      call check(all(same_bits(expected(k)%values, restored(k)%values)), &
        'restart differs in '//trim(expected(k)%name))
    end do
    do i = 1, n, 4
      block
        type(column_model), target :: alone
        type(state_field), allocatable :: lone_fields(:)
        type(step_forcing) :: weather
        character(:), allocatable :: errmsg
        real(wp) :: worst(n_balances)
        integer :: day, stat
        call make_sites(alone, biome(i:i), lat(i:i), t_ann(i:i), rain(i:i), continental(i:i))
        alone%params%rotation = rotation(i)
        call column_initialise(alone)
        worst = 0.0_wp
        do day = 0, 419
          call run_day(alone, weather, [i], day, 0.0_wp, worst, stat, errmsg)
        end do
        call state_fields(alone%state, lone_fields)
        do k = 1, size(expected)
          call check(all(same_bits(expected(k)%values(i:i, :), lone_fields(k)%values)), &
            'alone differs in '//trim(expected(k)%name))
        end do
      end block
    end do
  end subroutine seasons_resume

  !> Days from `from` to before `until`.
  subroutine go_on(c, from, until)
    type(column_model), intent(inout) :: c  !< block of sites
    integer, intent(in) :: from, until  !< first day and day after the last
    type(step_forcing) :: weather
    character(:), allocatable :: errmsg
    real(wp) :: worst(n_balances)
    integer :: day, stat, k
    worst = 0.0_wp
    do day = from, until - 1
      call run_day(c, weather, [(k, k=1, n)], day, 0.0_wp, worst, stat, errmsg)
      call check(stat == 0, errmsg)
    end do
  end subroutine go_on

  !> In a dry climate irrigation, fertiliser and light-use efficiency change what maize gains.
  subroutine irrigation_helps()
    type(column_model) :: c
    character(:), allocatable :: errmsg
    real(wp) :: worst(n_balances), total(4)
    integer :: day, stat
    call make_sites(c, [13, 13, 13, 13], [41.2_wp, 41.2_wp, 41.2_wp, 41.2_wp], &
      [284.0_wp, 284.0_wp, 284.0_wp, 284.0_wp], [300.0_wp, 300.0_wp, 300.0_wp, 300.0_wp], &
      [50.0_wp, 50.0_wp, 50.0_wp, 50.0_wp])
    c%params%rotation = 1.0_wp
    c%params%irrigation(2:4) = 15.0_wp
    c%params%n_fertiliser(3) = 0.0_wp
    c%params%lue_scheme(4) = 1.0_wp
    call column_initialise(c)
    worst = 0.0_wp
    total = 0.0_wp
    do day = 0, 729
      call run_day(c, forcing, [1, 1, 1, 1], day, 0.0_wp, worst, stat, errmsg)
      call check(stat == 0, errmsg)
      if (day >= 365) total = total + c%fluxes%gpp
    end do
    call check(total(2) > 1.2_wp*total(1), 'irrigation does not help')
    call check(total(3) < 0.85_wp*total(2), 'fertiliser does not help')
    call check_range(total(4)/total(2), 0.6_wp, 1.4_wp, &
      'light-use efficiency relative to the P-model')
  end subroutine irrigation_helps

end program test_crops
