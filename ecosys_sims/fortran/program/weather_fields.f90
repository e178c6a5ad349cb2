!> Normal deviates of days and years that neighbouring sites share: random fields on the sphere.
!>
!> A field is a sum of plane waves in space (Rahimi and Recht 2007) whose wave vectors stay and
!> whose amplitudes are drawn anew each day. Its covariance over the straight-line distance d is
!> exp(-d/range). Vectors and amplitudes follow from the seed and the date alone, so a site has the
!> same weather in any block, and a restart needs no memory of them.
module weather_fields
  use constants, only: pi
  use kinds, only: wp
  use random, only: normal_pair, random_stream, seed_stream, uniform
  implicit none (type, external)
  private

  public :: shared_fields, start_fields, deviates_of_day, deviates_of_year, normal_probability

  ! Deviates of a day: innovations of Tmin, Tmax, cloud and wind, whether and how much it rains.
  integer, parameter, public :: deviate_innovation = 1, deviate_wet = 5, deviate_amount = 6
  integer, parameter, public :: n_deviates = 6
  ! Deviates of a year: temperature and precipitation.
  integer, parameter, public :: deviate_year_t = 1, deviate_year_p = 2, n_year_deviates = 2

  integer, parameter :: n_waves = 256  !< correlations are then exact within some 0.04
  integer, parameter :: air = 1, rain = 2, n_kinds = 2  !< kinds of fields, by their range
  integer, parameter :: kind_of_day(n_deviates) = [air, air, air, air, rain, rain]
  integer, parameter :: kind_of_year(n_year_deviates) = [air, rain]
  real(wp), parameter :: earth_radius = 6371.0_wp  !< [km]
  !> Streams of sites have numbers from 1 on; those of wave vectors, years and days are below 0.
  integer, parameter :: stream_of_waves = -1, stream_of_year = -100000, stream_of_day = -10000000

  !> Waves at each site.
  type :: shared_fields
    logical :: active = .false.  !< whether sites share their deviates
    integer, private :: seed = 0  !< seed of the run
    !> Cosine and sine of each wave at each site, (n_waves, n_kinds, nsite).
    real(wp), allocatable, private :: cosine(:, :, :), sine(:, :, :)
  end type shared_fields

contains

  !> Set up the waves at sites; without ranges each site has deviates of its own.
  subroutine start_fields(self, seed, lat, lon, range_air, range_rain)
    type(shared_fields), intent(out) :: self  !< the fields
    integer, intent(in) :: seed  !< seed of the run
    real(wp), intent(in) :: lat(:), lon(:)  !< place [degrees], (nsite)
    real(wp), intent(in) :: range_air  !< of temperature, cloud and wind [km], 0 for none
    real(wp), intent(in) :: range_rain  !< of precipitation [km], 0 for none
    type(random_stream) :: stream
    real(wp) :: vector(3), spread, point(3, size(lat)), range(n_kinds), phase
    integer :: i, k, w
    self%active = range_air > 0.0_wp .and. range_rain > 0.0_wp
    self%seed = seed
    if (.not. self%active) return
    range = [range_air, range_rain]
    point(1, :) = cos(lat*pi/180.0_wp)*cos(lon*pi/180.0_wp)
    point(2, :) = cos(lat*pi/180.0_wp)*sin(lon*pi/180.0_wp)
    point(3, :) = sin(lat*pi/180.0_wp)
    allocate(self%cosine(n_waves, n_kinds, size(lat)), self%sine(n_waves, n_kinds, size(lat)))
    call seed_stream(stream, seed, stream_of_waves)
    do w = 1, n_waves
      ! the spectrum of exp(-d) in space: Student's t with one degree of freedom
      call normal_pair(stream, vector(1), vector(2))
      call normal_pair(stream, vector(3), spread)
      vector = vector/max(abs(spread), 1.0e-6_wp)
      do i = 1, size(lat)
        do k = 1, n_kinds
          phase = earth_radius/range(k)*sum(vector*point(:, i))
          self%cosine(w, k, i) = cos(phase)
          self%sine(w, k, i) = sin(phase)
        end do
      end do
    end do
  end subroutine start_fields

  !> Deviates of a day at each site, (n_deviates, nsite).
  subroutine deviates_of_day(self, day, deviates)
    type(shared_fields), intent(in) :: self  !< the fields
    integer, intent(in) :: day  !< number of the day
    real(wp), intent(out) :: deviates(:, :)  !< deviates of each site
    call draw(self, stream_of_day - day, kind_of_day, deviates)
  end subroutine deviates_of_day

  !> Deviates of a year at each site, (n_year_deviates, nsite).
  subroutine deviates_of_year(self, year, deviates)
    type(shared_fields), intent(in) :: self  !< the fields
    integer, intent(in) :: year  !< the year
    real(wp), intent(out) :: deviates(:, :)  !< deviates of each site
    call draw(self, stream_of_year - year, kind_of_year, deviates)
  end subroutine deviates_of_year

  !> Draw amplitudes and sum up the waves; the sum of so many is normal, whatever amplitudes are.
  subroutine draw(self, number, kind_of, deviates)
    type(shared_fields), intent(in) :: self  !< the fields
    integer, intent(in) :: number  !< number of the stream
    integer, intent(in) :: kind_of(:)  !< kind of each field
    real(wp), intent(out) :: deviates(:, :)  !< deviates of each site, (field, nsite)
    real(wp), parameter :: uniform_sd = sqrt(1.0_wp/12.0_wp)
    type(random_stream) :: stream
    real(wp) :: of_cosine(size(kind_of), n_waves), of_sine(size(kind_of), n_waves)
    integer :: f, i, w
    call seed_stream(stream, self%seed, number)
    do w = 1, n_waves
      do f = 1, size(kind_of)
        call uniform(stream, of_cosine(f, w))
        call uniform(stream, of_sine(f, w))
      end do
    end do
    of_cosine = (of_cosine - 0.5_wp)/(uniform_sd*sqrt(real(n_waves, wp)))
    of_sine = (of_sine - 0.5_wp)/(uniform_sd*sqrt(real(n_waves, wp)))
    deviates = 0.0_wp
    do i = 1, size(deviates, 2)
      do w = 1, n_waves
        deviates(:, i) = deviates(:, i) + of_cosine(:, w)*self%cosine(w, kind_of, i) &
          + of_sine(:, w)*self%sine(w, kind_of, i)
      end do
    end do
  end subroutine draw

  !> Probability below a standard normal deviate [1].
  elemental real(wp) function normal_probability(deviate)
    real(wp), intent(in) :: deviate  !< the deviate
    normal_probability = 0.5_wp*erfc(-deviate/sqrt(2.0_wp))
  end function normal_probability

end module weather_fields
