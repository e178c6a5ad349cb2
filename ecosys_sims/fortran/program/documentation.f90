!> The tables of docs/parameters.md and docs/namelists.md, from the program's own tables.
module documentation
  use namelist_file, only: name_length
  use namelist_keys, only: is_parameter_group, key_table, namelist_key
  use parameters, only: biome_names, parameter_info, parameter_table
  use text, only: to_text
  implicit none (type, external)
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
      'Written by `ecosys --parameters`; do not edit. Each parameter is a key of its '// &
      'namelist group (for '// &
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
      'Written by `ecosys --namelists`; do not edit. All groups and keys are optional. A '// &
      'group or '// &
      'key that is not listed'//nl//'stops the program with exit code 2 and the names that it '// &
      'knows. `CASE.nml.resolved` in the output directory repeats'//nl//'every key with its '// &
      'value.'//nl
    group = ''
    do i = 1, size(keys)
      if (is_parameter_group(trim(keys(i)%group))) cycle
      if (keys(i)%group /= group) then
        group = keys(i)%group
        document = document//nl//'## &'//trim(group)//nl//nl// &
          '| key | type | default | meaning |'//nl//'|---|---|---|---|'//nl
      end if
      default = keys(i)%default
      if (keys(i)%kind == 'text') default = "'"//default//"'"
      if (default /= '') default = '`'//default//'`'
      document = document//'| `'//trim(keys(i)%name)//'` | '//trim(keys(i)%kind)//' | '// &
        default//' | '//keys(i)%meaning
      if (keys(i)%choices /= '') document = document//' (`'//keys(i)%choices//'`)'
      document = document//' |'//nl
    end do
    document = document//nl//'## '//parameter_groups(keys)//nl//nl// &
      'Parameters of the column by their names, for all sites: see '// &
      '[parameters.md](parameters.md).'// &
      nl//nl//running_document()
  end function namelist_document

  !> Names of the groups of parameters: `&veg_nl, &soil_nl, ...`.
  function parameter_groups(keys) result(names)
    type(namelist_key), intent(in) :: keys(:)  !< the table of keys
    character(:), allocatable :: names, group
    integer :: i
    names = ''
    group = ''
    do i = 1, size(keys)
      if (keys(i)%group == group .or. .not. is_parameter_group(trim(keys(i)%group))) cycle
      group = trim(keys(i)%group)
      if (names /= '') names = names//', '
      names = names//'&'//group
    end do
  end function parameter_groups

  !> How to run, what is written, exit codes.
  function running_document() result(document)
    character(:), allocatable :: document
    document = &
      '## Examples'//nl//nl// &
      'Sites of a table, generated weather:'//nl//nl// &
      '    &run_ctl'//nl// &
      "      case_name = 'block0', fsites = 'sites.nc', start_date = '1990-01-01', "// &
      'stop_n = 20'//nl// &
      "      seed = 7, spinup_years = 5, rest_frq = 'end'"//nl// &
      '    /'//nl// &
      '    &wgen_nl trend_k_per_decade = 0.3 /'//nl//nl// &
      'One site, weather of a tower:'//nl//nl// &
      '    &run_ctl'//nl// &
      "      case_name = 'tower', start_date = '2013-01-01', stop_n = 6, spinup_years = "// &
      '4'//nl// &
      '    /'//nl// &
      '    &site_nl'//nl// &
      "      site_id = 'FI-Sii', lat = 61.83, lon = 24.19, elevation = 160.0, biome = "// &
      "'fen'"//nl// &
      '    /'//nl// &
      "    &forcing_nl source = 'netcdf', file = 'forcing.nc', forcing_name_tair = "// &
      "'TA' /"//nl// &
      '    &ch4_nl mgo = 0.4, pq10 = 3.2 /  ! parameters.md'//nl//nl// &
      'The same with its biogeochemistry emulated, from the restart file of an earlier '// &
      'year:'//nl//nl// &
      "    &run_ctl ... bgc_scheme = 'emulator', finidat = "// &
      "'tower.r.2014-01-01-00000.nc' /"//nl// &
      "    &emulator_nl file = 'model.pt' /"//nl//nl// &
      '## Weather'//nl//nl// &
      'Days begin at local midnight. Daily weather is spread over the physics steps: '// &
      'temperature as a '// &
      'cosine with its peak'//nl//'at 15 h, shortwave with the sun, precipitation in one '// &
      'block of '// &
      '1 + P/3 hours (P in mm, at most 12 h) at a random time.'//nl// &
      'Records finer than the step are averaged; coarser ones are held, but temperature is '// &
      'interpolated and shortwave follows'//nl//'the sun. Where a file has no snowfall, '// &
      'precipitation '// &
      'is snow below 0 C and rain above 2 C. Spin-up takes the generated'//nl//'years before '// &
      'start_date, or the first whole years of the file from start_date in turn.'//nl//nl// &
      '## Files written to outdir'//nl//nl// &
      '| file | content |'//nl//'|---|---|'//nl// &
      '| `CASE.h0.DATE-00000.nc` | history, [formats.md](formats.md) section 1; a month cut by '// &
      'the end of the run is the mean of its days |'//nl// &
      '| `CASE.r.DATE-00000.nc`, `rpointer.lnd` | restart file, and the name of the newest '// &
      '|'//nl// &
      '| `CASE.nml.resolved` | namelist with all keys |'//nl// &
      '| `CASE.params.nc` | every parameter at every site, as the run began with it |'//nl// &
      '| `CASE.timing.json` | seconds spent in each part; site-years, spin-up included |'//nl// &
      '| `CASE.balance.json` | largest daily errors of the balances |'//nl//nl// &
      'Files are written as `NAME.tmp` and renamed when complete. A run from a restart file '// &
      'goes on bit '// &
      'for bit, also when'//nl//'sites are cut into other blocks; sites are found by '// &
      '`site_id`.'//nl//nl// &
      '## Exit codes'//nl//nl// &
      '| code | meaning |'//nl//'|---|---|'//nl// &
      '| 0 | success; the last line of output is `SUCCESSFUL COMPLETION` |'//nl// &
      '| 1 | site table, forcing or restart file is missing, unreadable or holds bad values '// &
      '|'//nl// &
      '| 2 | the command line or the namelist is wrong |'//nl// &
      '| 3 | carbon, water, energy, methane or nitrogen was not conserved |'//nl// &
      '| 4 | an output file could not be written |'//nl// &
      '| 5 | the emulator could not be opened or refused its input |'//nl
  end function running_document

end module documentation
