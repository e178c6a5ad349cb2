!> Amounts of wet days: a gamma distribution with a generalised Pareto tail above 15 mm
!> (Sommer and Kaplan 2017; Geng et al. 1986), and the frequency of wet days of the Markov chain.
module precipitation_amounts
  use kinds, only: wp
  use random, only: gamma_deviate, random_stream, uniform
  implicit none (type, external)
  private

  public :: amount_distribution, make_distribution, draw_amount, amount_of_probability
  public :: wet_probability, stationary_wet_fraction

  real(wp), parameter :: scale_per_mean = 1.249_wp
  real(wp), parameter :: shape = 1.0_wp/scale_per_mean
  real(wp), parameter :: threshold = 15.0_wp     !< [kg m-2]
  real(wp), parameter :: tail_shape = 0.083_wp

  !> Distribution of the amounts of one site.
  type :: amount_distribution
    real(wp) :: scale = 1.0_wp  !< scale of the gamma distribution [kg m-2]
    real(wp) :: tail_scale = 1.0_wp  !< scale of the Pareto tail [kg m-2]
    real(wp) :: mean = 1.0_wp  !< mean with the tail [kg m-2]
    real(wp) :: tail_probability = 0.0_wp  !< of amounts above the threshold [1]
  end type amount_distribution

contains

  !> Probability of rain given that of the season and whether it rained on the two days before.
  elemental real(wp) function wet_probability(wet_fraction, wet_yesterday, wet_before)
    real(wp), intent(in) :: wet_fraction  !< climatological share of wet days [1]
    logical, intent(in) :: wet_yesterday  !< whether yesterday was wet
    logical, intent(in) :: wet_before  !< whether the day before was wet
    if (wet_yesterday) then
      wet_probability = 0.2448_wp + 0.7552_wp*wet_fraction
    else if (wet_before) then
      wet_probability = 0.8649_wp*wet_fraction
    else
      wet_probability = 0.7000_wp*wet_fraction
    end if
  end function wet_probability

  !> Share of wet days that the chain has in the long run [1].
  elemental real(wp) function stationary_wet_fraction(wet_fraction)
    real(wp), intent(in) :: wet_fraction  !< climatological share of wet days, above 0 [1]
    real(wp) :: after_wet, after_dry, after_two_dry
    after_wet = wet_probability(wet_fraction, .true., .true.)
    after_dry = wet_probability(wet_fraction, .false., .true.)
    after_two_dry = wet_probability(wet_fraction, .false., .false.)
    stationary_wet_fraction = 1.0_wp/(1.0_wp &
      + (1.0_wp - after_wet)*(1.0_wp + (1.0_wp - after_dry)/after_two_dry))
  end function stationary_wet_fraction

  !> Distribution from the mean amount of the gamma part.
  elemental function make_distribution(wet_day_mean) result(distribution)
    real(wp), intent(in) :: wet_day_mean  !< mean of the gamma distribution [kg m-2]
    type(amount_distribution) :: distribution
    real(wp) :: x, tail_probability, density
    distribution%scale = scale_per_mean*wet_day_mean
    x = threshold/distribution%scale
    tail_probability = 1.0_wp - lower_gamma(shape, x)
    density = x**(shape - 1.0_wp)*exp(-x)/(gamma(shape)*distribution%scale)
    distribution%tail_probability = tail_probability
    distribution%tail_scale = tail_probability/density
    distribution%mean = shape*distribution%scale*lower_gamma(shape + 1.0_wp, x) &
      + tail_probability*(threshold + distribution%tail_scale/(1.0_wp - tail_shape))
  end function make_distribution

  !> Draw the amount of a wet day [kg m-2].
  pure subroutine draw_amount(distribution, stream, amount)
    type(amount_distribution), intent(in) :: distribution  !< distribution of the site
    type(random_stream), intent(inout) :: stream  !< random numbers of the site
    real(wp), intent(out) :: amount  !< amount, above 0 [kg m-2]
    real(wp) :: u
    call gamma_deviate(stream, shape, amount)
    amount = amount*distribution%scale
    if (amount <= threshold) return
    call uniform(stream, u)
    amount = tail_amount(distribution, u)
  end subroutine draw_amount

  !> Amount above which 1 - probability of the wet days lie [kg m-2].
  pure real(wp) function amount_of_probability(distribution, probability) result(amount)
    type(amount_distribution), intent(in) :: distribution  !< distribution of the site
    real(wp), intent(in) :: probability  !< probability below the amount, above 0 and below 1 [1]
    real(wp), parameter :: smallest = 0.01_wp  !< as little as that does not differ from it [kg m-2]
    real(wp), parameter :: narrowness = 1.0e-10_wp  !< of the interval, relative
    real(wp) :: low, high
    if (probability >= 1.0_wp - distribution%tail_probability) then
      amount = tail_amount(distribution, &
        1.0_wp - (1.0_wp - probability)/distribution%tail_probability)
      return
    end if
    low = smallest
    high = threshold
    do while (high > low*(1.0_wp + narrowness))
      amount = sqrt(low*high)
      if (lower_gamma(shape, amount/distribution%scale) < probability) then
        low = amount
      else
        high = amount
      end if
    end do
    amount = sqrt(low*high)
  end function amount_of_probability

  !> Amount above the threshold by the probability below it, of the tail alone [kg m-2].
  pure real(wp) function tail_amount(distribution, probability)
    type(amount_distribution), intent(in) :: distribution  !< distribution of the site
    real(wp), intent(in) :: probability  !< probability, below 1 [1]
    tail_amount = threshold + distribution%tail_scale/tail_shape &
      *((1.0_wp - probability)**(-tail_shape) - 1.0_wp)
  end function tail_amount

  !> Regularised lower incomplete gamma function, by its series; for x below 10.
  pure real(wp) function lower_gamma(a, x)
    real(wp), intent(in) :: a  !< shape
    real(wp), intent(in) :: x  !< upper limit
    real(wp) :: term
    integer :: n
    term = 1.0_wp
    lower_gamma = term
    do n = 1, 200
      term = term*x/(a + n)
      lower_gamma = lower_gamma + term
      if (term < 1.0e-16_wp*lower_gamma) exit
    end do
    lower_gamma = lower_gamma*x**a*exp(-x)/gamma(a + 1.0_wp)
  end function lower_gamma

end module precipitation_amounts
