!> Numbers as text, letter case, lists of names, JSON strings, and what may be printed of files.
module text
  use, intrinsic :: iso_fortran_env, only: int64
  use kinds, only: wp
  implicit none (type, external)
  private

  public :: to_text, lower, join, json_string, printable

  !> Shortest readable form of a number; reals keep all their digits.
  interface to_text
    module procedure integer_text, long_text, real_text, logical_text
  end interface to_text

contains

  pure function integer_text(value) result(string)
    integer, intent(in) :: value  !< number
    character(:), allocatable :: string
    string = long_text(int(value, int64))
  end function integer_text

  pure function long_text(value) result(string)
    integer(int64), intent(in) :: value  !< number
    character(:), allocatable :: string
    character(24) :: buffer
    write(buffer, '(i0)') value
    string = trim(buffer)
  end function long_text

  pure function real_text(value, digits) result(string)
    real(wp), intent(in) :: value  !< number
    !> Significant digits; 17 by default, with which the number can be read back exactly.
    integer, intent(in), optional :: digits
    character(:), allocatable :: string
    character(40) :: buffer, form
    real(wp) :: reread
    integer :: n_digits, most_digits, integer_digits, status
    most_digits = 17
    if (present(digits)) most_digits = digits
    integer_digits = 0  ! digits before the decimal point, negative for zeros behind it
    if (abs(value) > 0.0_wp) integer_digits = floor(log10(abs(value))) + 1
    do n_digits = 1, most_digits
      if (integer_digits > -4 .and. integer_digits < 8) then
        write(form, '("(f40.", i0, ")")') max(1, n_digits - integer_digits)
      else
        write(form, '("(es40.", i0, "e3)")') n_digits - 1
      end if
      write(buffer, form) value
      read(buffer, *, iostat=status) reread
      if (status == 0 .and. .not. (reread > value .or. reread < value)) exit
    end do
    string = tidy(trim(adjustl(buffer)))
  end function real_text

  !> Drop the zeros after the last digit that counts: `0.500000` becomes `0.5`, `1.0E-012`
  !> `1.0e-12`.
  pure function tidy(number) result(string)
    character(*), intent(in) :: number  !< a number as written by the formats f and es
    character(:), allocatable :: string
    character(:), allocatable :: exponent
    integer :: e, last
    e = scan(number, 'Ee')
    exponent = ''
    last = len(number)
    if (e > 0) then
      exponent = 'e'//number(e + 1:e + 1)
      if (number(e + 2:e + 2) /= '0') exponent = exponent//number(e + 2:e + 2)
      exponent = exponent//number(e + 3:)
      last = e - 1
    end if
    if (index(number(:last), '.') > 0) last = verify(number(:last), '0', back=.true.)
    string = number(:last)
    if (string(last:last) == '.') string = string//'0'
    string = string//exponent
  end function tidy

  pure function logical_text(value) result(string)
    logical, intent(in) :: value  !< truth value
    character(:), allocatable :: string
    string = merge('.true. ', '.false.', value)
    string = trim(string)
  end function logical_text

  !> The text in lower case.
  pure function lower(string) result(lowered)
    character(*), intent(in) :: string  !< text
    character(len(string)) :: lowered
    integer :: i, code
    lowered = string
    do i = 1, len(string)
      code = iachar(string(i:i))
      if (code >= iachar('A') .and. code <= iachar('Z')) lowered(i:i) = achar(code + 32)
    end do
  end function lower

  !> Trimmed words with a separator between them.
  pure function join(words, separator) result(joined)
    character(*), intent(in) :: words(:)  !< words
    character(*), intent(in) :: separator  !< separator
    character(:), allocatable :: joined
    integer :: i
    joined = ''
    do i = 1, size(words)
      if (i > 1) joined = joined//separator
      joined = joined//trim(words(i))
    end do
  end function join

  !> The text in double quotes, quotes and backslashes escaped.
  pure function json_string(string) result(quoted)
    character(*), intent(in) :: string  !< text
    character(:), allocatable :: quoted
    integer :: i
    quoted = '"'
    do i = 1, len_trim(string)
      if (string(i:i) == '"' .or. string(i:i) == '\') quoted = quoted//'\'
      if (iachar(string(i:i)) < 32) then
        quoted = quoted//' '
      else
        quoted = quoted//string(i:i)
      end if
    end do
    quoted = quoted//'"'
  end function json_string

  !> The text with its control characters, which a terminal would follow, written as `\x1b`: C0,
  !> DEL, and C1 in UTF-8 (bytes C2 80 to C2 9F). Line feeds stay.
  pure function printable(string) result(plain)
    character(*), intent(in) :: string  !< text
    character(:), allocatable :: plain
    character(*), parameter :: digits = '0123456789abcdef'
    integer, parameter :: line_feed = 10, delete = 127, c1_lead = 194, c1_last = 159
    integer :: i, code
    logical :: after_lead
    plain = ''
    after_lead = .false.
    do i = 1, len(string)
      code = iachar(string(i:i))
      if ((code < 32 .and. code /= line_feed) .or. code == delete .or. &
        (after_lead .and. code > delete .and. code <= c1_last)) then
        if (code > delete) plain = plain(1:len(plain) - 1)
        plain = plain//'\x'//digits(code/16 + 1:code/16 + 1)//digits(mod(code, 16) + 1: &
          mod(code, 16) + 1)
      else
        plain = plain//string(i:i)
      end if
      after_lead = code == c1_lead
    end do
  end function printable

end module text
