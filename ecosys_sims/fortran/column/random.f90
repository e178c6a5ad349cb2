!> Random numbers that are the same on every machine: one xoshiro256** stream per site.
!>
!> Generator: Blackman and Vigna (2021), ACM Trans. Math. Softw. 47, 36. The stream of a site
!> depends on (seed, site_number) only, so results do not depend on how sites are cut into blocks.
!> Arithmetic modulo 2**64 is built from shorter products: Fortran leaves integer overflow
!> undefined.
module random
  use, intrinsic :: iso_fortran_env, only: int64
  use kinds, only: wp
  implicit none (type, external)
  private

  public :: random_stream, seed_stream, uniform, normal_pair, gamma_deviate
  public :: stream_words

  !> Number of 64-bit words in a stream's state.
  integer, parameter :: stream_words = 4

  !> State of one stream; four words, not all zero.
  type :: random_stream
    !> State words, kept in the restart file.
    integer(int64) :: word(stream_words) = 0_int64
  end type random_stream

  integer(int64), parameter :: low_half = int(z'00000000FFFFFFFF', int64)
  ! Constants of splitmix64 (Steele et al. 2014); the sign bit is set apart from the literal.
  integer(int64), parameter :: golden = ibset(int(z'1E3779B97F4A7C15', int64), 63)
  integer(int64), parameter :: mix_1 = ibset(int(z'3F58476D1CE4E5B9', int64), 63)
  integer(int64), parameter :: mix_2 = ibset(int(z'14D049BB133111EB', int64), 63)

contains

  !> Start the stream of a site.
  pure subroutine seed_stream(stream, seed, site_number)
    !> Stream to start.
    type(random_stream), intent(out) :: stream
    !> Seed of the run.
    integer, intent(in) :: seed
    !> Number of the site within the ensemble.
    integer, intent(in) :: site_number
    integer(int64) :: key
    integer :: i
    key = mix(add(int(seed, int64), golden))
    key = mix(ieor(key, int(site_number, int64)))
    do i = 1, stream_words
      key = add(key, golden)
      stream%word(i) = mix(key)
    end do
  end subroutine seed_stream

  !> Next deviate of the uniform distribution on [0, 1), 53 bits.
  pure subroutine uniform(stream, deviate)
    !> Stream, advanced by one.
    type(random_stream), intent(inout) :: stream
    !> Deviate, never 1.
    real(wp), intent(out) :: deviate
    integer(int64) :: bits
    call next_bits(stream, bits)
    deviate = real(ishft(bits, -11), wp)*2.0_wp**(-53)
  end subroutine uniform

  !> Two independent standard normal deviates (Box and Muller 1958).
  pure subroutine normal_pair(stream, first, second)
    !> Stream, advanced by two.
    type(random_stream), intent(inout) :: stream
    !> Deviate.
    real(wp), intent(out) :: first
    !> Deviate.
    real(wp), intent(out) :: second
    real(wp), parameter :: two_pi = 6.283185307179586_wp
    real(wp) :: u, v, radius
    call uniform(stream, u)
    call uniform(stream, v)
    radius = sqrt(-2.0_wp*log(1.0_wp - u))
    first = radius*cos(two_pi*v)
    second = radius*sin(two_pi*v)
  end subroutine normal_pair

  !> Deviate of the gamma distribution with unit scale (Marsaglia and Tsang 2000, boosted below 1).
  pure subroutine gamma_deviate(stream, shape, deviate)
    !> Stream, advanced by as many as the rejection takes.
    type(random_stream), intent(inout) :: stream
    !> Shape, above 0.
    real(wp), intent(in) :: shape
    !> Deviate, above 0.
    real(wp), intent(out) :: deviate
    real(wp) :: boosted, d, c, x, unused, v, u
    boosted = shape
    if (shape < 1.0_wp) boosted = shape + 1.0_wp
    d = boosted - 1.0_wp/3.0_wp
    c = 1.0_wp/sqrt(9.0_wp*d)
    do
      call normal_pair(stream, x, unused)
      call uniform(stream, u)
      v = 1.0_wp + c*x
      if (v <= 0.0_wp) cycle
      v = v**3
      if (log(1.0_wp - u) < 0.5_wp*x*x + d - d*v + d*log(v)) exit
    end do
    deviate = d*v
    if (shape < 1.0_wp) then
      call uniform(stream, u)
      deviate = deviate*(1.0_wp - u)**(1.0_wp/shape)
    end if
  end subroutine gamma_deviate

  !> Advance the stream; xoshiro256**.
  pure subroutine next_bits(stream, bits)
    !> Stream, advanced by one.
    type(random_stream), intent(inout) :: stream
    !> 64 random bits.
    integer(int64), intent(out) :: bits
    integer(int64) :: s(stream_words), shifted
    s = stream%word
    bits = times_nine(ishftc(times_five(s(2)), 7))
    shifted = ishft(s(2), 17)
    s(3) = ieor(s(3), s(1))
    s(4) = ieor(s(4), s(2))
    s(2) = ieor(s(2), s(3))
    s(1) = ieor(s(1), s(4))
    s(3) = ieor(s(3), shifted)
    s(4) = ishftc(s(4), 45)
    stream%word = s
  end subroutine next_bits

  !> Finaliser of splitmix64 (Steele et al. 2014): spreads a key over all bits.
  pure function mix(key) result(mixed)
    !> Any integer.
    integer(int64), intent(in) :: key
    integer(int64) :: mixed
    mixed = multiply(ieor(key, ishft(key, -30)), mix_1)
    mixed = multiply(ieor(mixed, ishft(mixed, -27)), mix_2)
    mixed = ieor(mixed, ishft(mixed, -31))
  end function mix

  pure function times_five(a) result(product)
    !> Factor.
    integer(int64), intent(in) :: a
    integer(int64) :: product
    product = add(ishft(a, 2), a)
  end function times_five

  pure function times_nine(a) result(product)
    !> Factor.
    integer(int64), intent(in) :: a
    integer(int64) :: product
    product = add(ishft(a, 3), a)
  end function times_nine

  !> Sum modulo 2**64.
  pure function add(a, b) result(total)
    !> Term.
    integer(int64), intent(in) :: a
    !> Term.
    integer(int64), intent(in) :: b
    integer(int64) :: total
    integer(int64) :: low, high
    low = iand(a, low_half) + iand(b, low_half)
    high = ishft(a, -32) + ishft(b, -32) + ishft(low, -32)
    total = ior(ishft(high, 32), iand(low, low_half))
  end function add

  !> Product modulo 2**64, by 16-bit limbs.
  pure function multiply(a, b) result(product)
    !> Factor.
    integer(int64), intent(in) :: a
    !> Factor.
    integer(int64), intent(in) :: b
    integer(int64) :: product
    integer(int64) :: left
    integer :: i, j
    product = 0_int64
    do i = 0, 3
      left = ibits(a, 16*i, 16)
      do j = 0, 3 - i
        product = add(product, ishft(left*ibits(b, 16*j, 16), 16*(i + j)))
      end do
    end do
  end function multiply

end module random
