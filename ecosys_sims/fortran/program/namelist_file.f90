!> Reads a Fortran namelist file into (group, key, values, line), whatever the groups and keys are.
!>
!> gfortran's own namelist read stops at an unknown name without saying which are known, and cannot
!> read groups whose keys are only known from a table. Understood: groups `&name ... /`, comments
!> from `!`, several keys on a line, values over several lines, 'text' and "text" with doubled
!> quotes, lists separated by commas or blanks. Not understood, and refused: subscripts, `r*value`.
module namelist_file
  use text, only: lower, to_text
  implicit none (type, external)
  private

  public :: namelist_entry, parse_namelist

  integer, parameter, public :: value_length = 4096  !< longest value
  integer, parameter, public :: name_length = 40  !< longest name

  !> One `key = value` of the file.
  type :: namelist_entry
    character(name_length) :: group = ''  !< group in lower case, without the ampersand
    !> Key in lower case; empty for the entry that only says that the group is there.
    character(name_length) :: key = ''
    !> Value without its quotes; the values of a list separated by commas.
    character(:), allocatable :: value
    logical :: quoted = .false.  !< whether the value was in quotes
    integer :: line = 0  !< line of the file
  end type namelist_entry

  character(*), parameter :: name_characters = &
    'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_'
  character(*), parameter :: blanks = ' '//achar(9)//achar(13)

contains

  !> Parse a file; on failure errmsg names file, line and what is wrong.
  subroutine parse_namelist(file, entries, stat, errmsg)
    character(*), intent(in) :: file  !< path
    !> Entries in the order of the file.
    type(namelist_entry), allocatable, intent(out) :: entries(:)
    integer, intent(out) :: stat  !< 0 on success
    character(:), allocatable, intent(out) :: errmsg  !< message if stat is not 0
    character(value_length) :: line
    character(name_length) :: group
    character(200) :: iomsg
    integer :: unit, line_number
    allocate(entries(0))
    group = ''
    open(newunit=unit, file=file, status='old', action='read', iostat=stat, iomsg=iomsg)
    if (stat /= 0) then
      errmsg = file//': cannot be opened ('//trim(iomsg)//')'
      return
    end if
    line_number = 0
    do
      read(unit, '(a)', iostat=stat, iomsg=iomsg) line
      if (stat < 0) exit
      if (stat > 0) then
        errmsg = file//': cannot be read ('//trim(iomsg)//')'
        exit
      end if
      line_number = line_number + 1
      call parse_line(line, line_number, group, entries, errmsg)
      if (.not. allocated(errmsg)) cycle
      errmsg = file//': line '//to_text(line_number)//': '//errmsg
      stat = 1
      exit
    end do
    close(unit)
    if (stat > 0) return
    stat = 0
    if (group /= '') then
      errmsg = file//': group &'//trim(group)//' is not closed by a line with /'
      stat = 1
    end if
  end subroutine parse_namelist

  !> Parse one line; errmsg is allocated on failure.
  subroutine parse_line(line, line_number, group, entries, errmsg)
    character(*), intent(in) :: line  !< the line
    integer, intent(in) :: line_number  !< its number
    character(name_length), intent(inout) :: group  !< group that is open, '' for none
    !> Entries, to which those of the line are added.
    type(namelist_entry), allocatable, intent(inout) :: entries(:)
    character(:), allocatable, intent(out) :: errmsg  !< message
    character(:), allocatable :: token
    integer :: at, last
    last = len_trim(line)
    at = 1
    do
      call skip(line, last, ' ,'//achar(9)//achar(13), at)
      if (at > last) return
      select case (line(at:at))
      case ('!')
        return
      case ('&')
        call take_name(line, last, at, token)
        if (group /= '') errmsg = '&'//token//' begins before &'//trim(group)//' is closed by /'
        if (token == '') errmsg = '& without the name of a group'
        group = token
        if (.not. allocated(errmsg)) call append(entries, group, '', '', .false., line_number)
      case ('/')
        group = ''
        at = at + 1
      case default
        call take_item(line, last, line_number, group, at, entries, errmsg)
      end select
      if (allocated(errmsg)) return
    end do
  end subroutine parse_line

  !> Parse a `key =` or a value at the position.
  subroutine take_item(line, last, line_number, group, at, entries, errmsg)
    character(*), intent(in) :: line  !< the line
    integer, intent(in) :: last  !< its last character
    integer, intent(in) :: line_number  !< its number
    character(name_length), intent(in) :: group  !< group that is open
    integer, intent(inout) :: at  !< position, moved behind the item
    type(namelist_entry), allocatable, intent(inout) :: entries(:)  !< entries
    character(:), allocatable, intent(out) :: errmsg  !< message, allocated on failure
    character(:), allocatable :: token
    logical :: quoted
    integer :: after_name
    if (group == '') then
      errmsg = 'text outside of a group: '//trim(line(at:last))
      return
    end if
    if (scan(line(at:at), name_characters(:52)) == 1) then
      after_name = at - 1
      call take_name(line, last, after_name, token)
      call skip(line, last, blanks, after_name)
      if (after_name <= last) then
        if (line(after_name:after_name) == '(') then
          errmsg = "subscripts are not understood, at '"//trim(line(at:last))//"'"
          return
        end if
        if (line(after_name:after_name) == '=') then
          call append(entries, group, token, '', .false., line_number)
          at = after_name + 1
          return
        end if
      end if
    end if
    call take_value(line, last, at, token, quoted, errmsg)
    if (allocated(errmsg)) return
    associate (entry => entries(size(entries)))
      if (entry%key == '') then
        errmsg = "value '"//token//"' without a key"
      else if (entry%value == '' .and. .not. entry%quoted) then
        entry%value = token
        entry%quoted = quoted
      else
        entry%value = entry%value//','//token
      end if
    end associate
  end subroutine take_item

  !> Take the value at the position.
  subroutine take_value(line, last, at, token, quoted, errmsg)
    character(*), intent(in) :: line  !< the line
    integer, intent(in) :: last  !< its last character
    integer, intent(inout) :: at  !< position, moved behind the value
    character(:), allocatable, intent(out) :: token  !< the value without quotes
    logical, intent(out) :: quoted  !< whether there were quotes
    character(:), allocatable, intent(out) :: errmsg  !< message, allocated on failure
    character :: quote
    integer :: start
    token = ''
    quote = line(at:at)
    quoted = quote == "'" .or. quote == '"'
    start = at
    if (.not. quoted) then
      do while (at <= last)
        if (scan(line(at:at), blanks//',/!') == 1) exit
        at = at + 1
      end do
      token = line(start:at - 1)
      if (index(token, '*') > 0) errmsg = "repeated values are not understood, at '"//token//"'"
      return
    end if
    at = at + 1
    do while (at <= last)
      if (line(at:at) == quote) then
        if (at == last) exit
        if (line(at + 1:at + 1) /= quote) exit
        at = at + 1
      end if
      token = token//line(at:at)
      at = at + 1
    end do
    if (at > last) errmsg = 'a quote is not closed, at '//line(start:last)
    at = at + 1
  end subroutine take_value

  !> Take the name behind the position; the position is moved behind it.
  pure subroutine take_name(line, last, at, name)
    character(*), intent(in) :: line  !< the line
    integer, intent(in) :: last  !< its last character
    integer, intent(inout) :: at  !< position before the name
    character(:), allocatable, intent(out) :: name  !< name in lower case
    integer :: start
    start = at + 1
    at = start
    do while (at <= last)
      if (scan(line(at:at), name_characters) == 0) exit
      at = at + 1
    end do
    name = lower(line(start:at - 1))
  end subroutine take_name

  !> Move over characters of a set.
  pure subroutine skip(line, last, set, at)
    character(*), intent(in) :: line  !< the line
    integer, intent(in) :: last  !< its last character
    character(*), intent(in) :: set  !< characters to move over
    integer, intent(inout) :: at  !< position
    do while (at <= last)
      if (scan(line(at:at), set) == 0) exit
      at = at + 1
    end do
  end subroutine skip

  !> Add an entry.
  pure subroutine append(entries, group, key, value, quoted, line_number)
    type(namelist_entry), allocatable, intent(inout) :: entries(:)  !< entries
    character(*), intent(in) :: group  !< group
    character(*), intent(in) :: key  !< key
    character(*), intent(in) :: value  !< value
    logical, intent(in) :: quoted  !< whether the value was in quotes
    integer, intent(in) :: line_number  !< line of the file
    type(namelist_entry) :: entry
    entry%group = group
    entry%key = key
    entry%value = value
    entry%quoted = quoted
    entry%line = line_number
    entries = [entries, entry]
  end subroutine append

end module namelist_file
