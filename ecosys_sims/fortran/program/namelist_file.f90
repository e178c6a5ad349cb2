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

  !> Outcomes of parse_namelist.
  enum, bind(c)
    enumerator :: namelist_parsed = 0
    enumerator :: namelist_unreadable  !< not there, or the system does not let us read it
    enumerator :: namelist_malformed  !< not as a namelist is written
  end enum
  public :: namelist_parsed, namelist_unreadable, namelist_malformed

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
    integer, intent(out) :: stat  !< outcome
    character(:), allocatable, intent(out) :: errmsg  !< message unless parsed
    character(value_length) :: line
    character(name_length) :: group
    character(200) :: iomsg
    integer :: iostat, line_number, unit
    allocate(entries(0))
    group = ''
    open(newunit=unit, file=file, status='old', action='read', iostat=iostat, iomsg=iomsg)
    if (iostat /= 0) then
      stat = namelist_unreadable
      errmsg = file//': cannot be opened ('//trim(iomsg)//')'
      return
    end if
    stat = namelist_parsed
    line_number = 0
    do
      read(unit, '(a)', iostat=iostat, iomsg=iomsg) line
      if (iostat < 0) exit
      if (iostat > 0) then
        stat = namelist_unreadable
        errmsg = file//': cannot be read ('//trim(iomsg)//')'
        exit
      end if
      line_number = line_number + 1
      call parse_line(line, line_number, group, entries, errmsg)
      if (.not. allocated(errmsg)) cycle
      errmsg = file//': line '//to_text(line_number)//': '//errmsg
      stat = namelist_malformed
      exit
    end do
    close(unit)
    if (stat /= namelist_parsed) return
    if (group /= '') then
      errmsg = file//': group &'//trim(group)//' is not closed by a line with /'
      stat = namelist_malformed
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
    integer :: position, last
    last = len_trim(line)
    position = 1
    do
      call skip(line, last, ' ,'//achar(9)//achar(13), position)
      if (position > last) return
      select case (line(position:position))
      case ('!')
        return
      case ('&')
        call take_name(line, last, position, token)
        if (group /= '') errmsg = '&'//token//' begins before &'//trim(group)//' is closed by /'
        if (token == '') errmsg = '& without the name of a group'
        group = token
        if (.not. allocated(errmsg)) call append(entries, group, '', '', .false., line_number)
      case ('/')
        group = ''
        position = position + 1
      case default
        call take_item(line, last, line_number, group, position, entries, errmsg)
      end select
      if (allocated(errmsg)) return
    end do
  end subroutine parse_line

  !> Parse a `key =` or a value at the position.
  subroutine take_item(line, last, line_number, group, position, entries, errmsg)
    character(*), intent(in) :: line  !< the line
    integer, intent(in) :: last  !< its last character
    integer, intent(in) :: line_number  !< its number
    character(name_length), intent(in) :: group  !< group that is open
    integer, intent(inout) :: position  !< position, moved behind the item
    type(namelist_entry), allocatable, intent(inout) :: entries(:)  !< entries
    character(:), allocatable, intent(out) :: errmsg  !< message, allocated on failure
    character(:), allocatable :: token
    logical :: quoted
    integer :: after_name
    if (group == '') then
      errmsg = 'text outside of a group: '//trim(line(position:last))
      return
    end if
    if (scan(line(position:position), name_characters(:52)) == 1) then
      after_name = position - 1
      call take_name(line, last, after_name, token)
      call skip(line, last, blanks, after_name)
      if (after_name <= last) then
        if (line(after_name:after_name) == '(') then
          errmsg = "subscripts are not understood, at '"//trim(line(position:last))//"'"
          return
        end if
        if (line(after_name:after_name) == '=') then
          call append(entries, group, token, '', .false., line_number)
          position = after_name + 1
          return
        end if
      end if
    end if
    call take_value(line, last, position, token, quoted, errmsg)
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
  subroutine take_value(line, last, position, token, quoted, errmsg)
    character(*), intent(in) :: line  !< the line
    integer, intent(in) :: last  !< its last character
    integer, intent(inout) :: position  !< position, moved behind the value
    character(:), allocatable, intent(out) :: token  !< the value without quotes
    logical, intent(out) :: quoted  !< whether there were quotes
    character(:), allocatable, intent(out) :: errmsg  !< message, allocated on failure
    character :: quote
    integer :: start
    token = ''
    quote = line(position:position)
    quoted = quote == "'" .or. quote == '"'
    start = position
    if (.not. quoted) then
      do while (position <= last)
        if (scan(line(position:position), blanks//',/!') == 1) exit
        position = position + 1
      end do
      token = line(start:position - 1)
      if (index(token, '*') > 0) errmsg = "repeated values are not understood, at '"//token//"'"
      return
    end if
    position = position + 1
    do while (position <= last)
      if (line(position:position) == quote) then
        if (position == last) exit
        if (line(position + 1:position + 1) /= quote) exit
        position = position + 1
      end if
      token = token//line(position:position)
      position = position + 1
    end do
    if (position > last) errmsg = 'a quote is not closed, at '//line(start:last)
    position = position + 1
  end subroutine take_value

  !> Take the name behind the position; the position is moved behind it.
  pure subroutine take_name(line, last, position, name)
    character(*), intent(in) :: line  !< the line
    integer, intent(in) :: last  !< its last character
    integer, intent(inout) :: position  !< position before the name
    character(:), allocatable, intent(out) :: name  !< name in lower case
    integer :: start
    start = position + 1
    position = start
    do while (position <= last)
      if (scan(line(position:position), name_characters) == 0) exit
      position = position + 1
    end do
    name = lower(line(start:position - 1))
  end subroutine take_name

  !> Move over characters of a set.
  pure subroutine skip(line, last, set, position)
    character(*), intent(in) :: line  !< the line
    integer, intent(in) :: last  !< its last character
    character(*), intent(in) :: set  !< characters to move over
    integer, intent(inout) :: position  !< position
    do while (position <= last)
      if (scan(line(position:position), set) == 0) exit
      position = position + 1
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
