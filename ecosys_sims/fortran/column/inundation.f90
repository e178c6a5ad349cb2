!> The inundated share of a site after TOPMODEL (Beven and Kirkby 1979), and what it carries along.
!>
!> The water table at a place lies at z = zbar - (lambda - lambda_bar)/f, lambda the topographic
!> index; it is at the surface where lambda >= lambda_bar + f zbar. The index follows a
!> three-parameter gamma distribution (Sivapalan et al. 1987); its location drops out of that
!> condition, so its shape and scale are all that is needed.
module inundation
  use kinds, only: wp
  implicit none (type, external)
  private
  public :: inundated_share, gamma_above, move_share

  real(wp), parameter :: largest_share = 0.99_wp  !< inundated at most [1]

contains

  !> Share of a site where the water table is at the surface.
  elemental real(wp) function inundated_share(zbar, shape_index, scale_index, f)
    real(wp), intent(in) :: zbar  !< mean water table depth [m]
    real(wp), intent(in) :: shape_index  !< of the distribution of the topographic index [1]
    real(wp), intent(in) :: scale_index  !< of the distribution of the topographic index [1]
    real(wp), intent(in) :: f  !< topographic index per depth of the water table [m-1]
    inundated_share = min(largest_share, gamma_above(shape_index, max(0.0_wp, shape_index &
      + f*zbar/scale_index)))
  end function inundated_share

  !> Probability that a gamma variable of unit scale exceeds x: the regularised upper incomplete
  !> gamma function, by its power series where x is small, else by its continued fraction from the
  !> tail (Abramowitz and Stegun 1964, 6.5.29 and 6.5.31).
  elemental real(wp) function gamma_above(a, x)
    real(wp), intent(in) :: a  !< shape [1]
    real(wp), intent(in) :: x  !< value [1]
    integer, parameter :: series_terms = 200, fraction_terms = 120
    real(wp) :: front, term, total, tail
    integer :: k
    if (x <= 0.0_wp) then
      gamma_above = 1.0_wp
      return
    end if
    front = exp(max(-600.0_wp, a*log(x) - x - log_gamma(a)))
    if (x < a + 1.0_wp) then
      term = 1.0_wp/a
      total = term
      do k = 1, series_terms
        term = term*x/(a + real(k, wp))
        total = total + term
        if (term < 1.0e-16_wp*total) exit
      end do
      gamma_above = 1.0_wp - front*total
    else
      tail = x + 2.0_wp*real(fraction_terms, wp) + 1.0_wp - a
      do k = fraction_terms, 1, -1
        tail = x + 2.0_wp*real(k, wp) - 1.0_wp - a + real(k, wp)*(a - real(k, wp))/tail
      end do
      gamma_above = front/tail
    end if
    gamma_above = min(1.0_wp, max(0.0_wp, gamma_above))
  end function gamma_above

  !> What a part of the site that dries or floods carries with it: amounts per volume in both parts
  !> after the share has changed, their sum over the site as before.
  elemental subroutine move_share(old, new, dry, flooded)
    real(wp), intent(in) :: old  !< inundated share before [1]
    real(wp), intent(in) :: new  !< inundated share after [1]
    real(wp), intent(inout) :: dry  !< amount in the part that is not inundated
    real(wp), intent(inout) :: flooded  !< amount in the inundated part
    if (new > old) then
      flooded = (old*flooded + (new - old)*dry)/new
    else if (new < old) then
      dry = ((1.0_wp - old)*dry + (old - new)*flooded)/(1.0_wp - new)
    end if
  end subroutine move_share

end module inundation
