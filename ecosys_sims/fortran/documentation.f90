!> The tables of docs/parameters.md and docs/namelists.md, from the program's own tables.
module documentation
  use namelist_file, only : name_length
  use namelist_keys, only : is_parameter_group, key_table, namelist_key
  use parameters, only : biome_names, parameter_info, parameter_table
  use text, only : to_text
  implicit none
  private

  public :: parameter_document, namelist_document

  character, parameter :: nl = new_line('a')

contains

  !> docs/parameters.md.
  function parameter_document() result(document)
    character(:), allocatable :: document
    type(parameter_info), allocatable :: info(:)
    integer :: i, k
    allocate(info, source=parameter_table())
    document = '# Parameters of the column model'//nl//nl// &
      'Written by `ecosys --parameters`; do not edit. Each parameter is a key of its namelist group (for '// &
      'all sites) and may be'//nl//'a variable of the site table (for each site, which wins). '// &
      'Where neither gives it, the default of the biome holds.'//nl//nl// &
      '| name | group | units | minimum | maximum | meaning |'//nl//'|---|---|---|---|---|---|'//nl
    do i = 1, size(info)
      document = document//'| `'//trim(info(i)%name)//'` | &'//trim(info(i)%group)//' | '// &
        trim(info(i)%units)//' | '//to_text(info(i)%minimum, 6)//' | '// &
        to_text(info(i)%maximum, 6)//' | '//trim(info(i)%long_name)//' |'//nl
    end do
    document = document//nl//'## Defaults by biome'//nl//nl//'| name |'
    do k = 1, size(biome_names)
      document = document//' '//trim(biome_names(k))//' |'
    end do
    document = document//nl//'|---|'//repeat('---|', size(biome_names))//nl
    do i = 1, size(info)
      document = document//'| `'//trim(info(i)%name)//'` |'
      do k = 1, size(biome_names)
        document = document//' '//to_text(info(i)%biome_default(k), 6)//' |'
      end do
      document = document//nl
    end do
  end function parameter_document

  !> docs/namelists.md.
  function namelist_document() result(document)
    character(:), allocatable :: document
    type(namelist_key), allocatable :: keys(:)
    character(name_length) :: group
    character(:), allocatable :: default
    integer :: i
    allocate(keys, source=key_table())
    document = '# Namelist of `ecosys`'//nl//nl// &
      'Written by `ecosys --namelists`; do not edit. All groups and keys are optional. A group or '// &
      'key that is not listed'//nl//'stops the program with exit code 2 and the names that it '// &
      'knows. `CASE.nml.resolved` in the output directory repeats'//nl//'every key with its value.'//nl
    group = ''
    do i = 1, size(keys)
      if (is_parameter_group(trim(keys(i)%group))) cycle
      if (keys(i)%group /= group) then
        group = keys(i)%group
        document = document//nl//'## &'//trim(group)//nl//nl// &
          '| key | type | default | meaning |'//nl//'|---|---|---|---|'//nl
      end if
      default = keys(i)%default
      if (keys(i)%kind == 'text') default = ''''//default//''''
      if (default /= '') default = '`'//default//'`'
      document = document//'| `'//trim(keys(i)%name)//'` | '//trim(keys(i)%kind)//' | '// &
        default//' | '//keys(i)%meaning
      if (keys(i)%choices /= '') document = document//' (`'//keys(i)%choices//'`)'
      document = document//' |'//nl
    end do
    document = document//nl//'## &veg_nl, &soil_nl, &hydro_nl, &ch4_nl'//nl//nl// &
      'Parameters of the column by their names, for all sites: see [parameters.md](parameters.md).'//nl
  end function namelist_document

end module documentation
