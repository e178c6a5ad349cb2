!> The parameters that a run used, as a file: what ensembles read back.
module parameter_record
  use exit_codes, only: success
  use kinds, only: wp
  use netcdf, only: nf90_def_dim, nf90_def_var, nf90_double, nf90_enddef, nf90_global, &
    nf90_put_att, nf90_put_var, nf90_string
  use output_files, only: netcdf_output, put_string
  use parameters, only: get_parameter, n_parameters, parameter_info, parameter_table, &
    site_parameters
  use version, only: git_hash, program_version
  implicit none (type, external)
  private

  public :: write_parameter_record

contains

  !> Write `CASE.params.nc`: every parameter of the table at every site, in double precision.
  subroutine write_parameter_record(path, site_id, params, stat, errmsg)
    character(*), intent(in) :: path  !< path
    character(*), intent(in) :: site_id(:)  !< names of the sites
    type(site_parameters), intent(in) :: params  !< what the column computes with
    integer, intent(out) :: stat  !< exit code
    character(:), allocatable, intent(out) :: errmsg  !< message if stat is not 0
    type(netcdf_output) :: out
    type(parameter_info), allocatable :: info(:)
    real(wp), allocatable :: values(:)
    integer :: site_dim, parameter_ids(n_parameters), name_id, k, status
    allocate(info, source=parameter_table())
    call out%create(path)
    call out%check(nf90_def_dim(out%ncid, 'site', size(site_id), site_dim), 'define site')
    call attribute(nf90_global, 'Conventions', 'CF-1.11')
    call attribute(nf90_global, 'history', 'written by ecosys '//program_version)
    call attribute(nf90_global, 'title', &
      'parameters of a run of ecosys, before any change over the years')
    call attribute(nf90_global, 'source', 'ecosys '//program_version//' ('//git_hash//')')
    call out%check(nf90_def_var(out%ncid, 'site_id', nf90_string, [site_dim], name_id), &
      'define site_id')
    do k = 1, n_parameters
      call out%check(nf90_def_var(out%ncid, trim(info(k)%name), nf90_double, [site_dim], &
        parameter_ids(k)), 'define '//trim(info(k)%name))
      call attribute(parameter_ids(k), 'units', trim(info(k)%units))
      call attribute(parameter_ids(k), 'long_name', trim(info(k)%long_name))
    end do
    call out%check(nf90_enddef(out%ncid), 'end the definitions')
    do k = 1, size(site_id)
      call out%check(put_string(out%ncid, name_id, k, site_id(k)), 'write site_id')
    end do
    do k = 1, n_parameters
      call get_parameter(params, trim(info(k)%name), values, status)
      call out%check(nf90_put_var(out%ncid, parameter_ids(k), values), 'write '//trim(info(k)%name))
    end do
    call out%finish()
    stat = out%stat
    if (stat /= success) errmsg = out%errmsg

  contains

    !> Write a text attribute.
    subroutine attribute(of, name, value)
      integer, intent(in) :: of  !< id of the variable, or nf90_global
      character(*), intent(in) :: name, value  !< name and value
      call out%check(nf90_put_att(out%ncid, of, name, value), 'write attributes')
    end subroutine attribute

  end subroutine write_parameter_record

end module parameter_record
