"""Reads and writes the site table and the side file of true parameters (docs/formats.md sections 1 and 3)."""

from dataclasses import fields
from pathlib import Path

import netCDF4
import numpy as np

from ecosys_sims import provenance, variables
from ecosys_sims.atomic_file import replacing
from ecosys_sims.climate import ZERO_CELSIUS, annual_temperature
from ecosys_sims.designs import Members
from ecosys_sims.model import ParameterInfo
from ecosys_sims.sites import SiteTable

FILL64 = 9.96921e36


def write_site_table(path: str | Path, sites: SiteTable, parameters: dict[str, np.ndarray] | None = None) -> None:
    """Write a site table for the program; `parameters` name -> (N,), NaN where the biome's default holds."""
    with replacing(path) as temporary, netCDF4.Dataset(temporary, "w", format="NETCDF4") as file:
        file.Conventions = variables.CONVENTIONS
        file.history = "written by ecosys_sims"
        file.title = "site table of the process model ecosys"
        _write_sites(file, sites)
        for name, values in (parameters or {}).items():
            _write_parameter(file, name, values)


def read_site_table(path: str | Path) -> SiteTable:
    """The sites of a table, without parameters. Raises FormatError where it is not one."""
    from ecosys_sims.validation import FormatError, require_valid_site_table

    require_valid_site_table(path)
    with netCDF4.Dataset(path) as file:
        file.set_auto_mask(False)
        for name in ("t_month", "p_month"):
            if name in file.variables:
                raise FormatError(
                    f"{path}: {name} is for the program's own fsites, ensembles do not read it; remove it"
                )
        columns = {
            item.name: np.asarray(file[item.name][:]) for item in fields(SiteTable) if item.name in file.variables
        }
    if "t_ann" not in columns:
        normal = annual_temperature(columns["lat"], columns["elevation"], columns["continentality"])
        columns["t_ann"] = np.asarray(normal + ZERO_CELSIUS, dtype=np.float32)
    return SiteTable(**columns)


def read_parameters(path: str | Path, table: dict[str, ParameterInfo]) -> dict[str, np.ndarray]:
    """The parameters in a site table, name -> (N,) float64, NaN where the biome's default holds."""
    with netCDF4.Dataset(path) as file:
        return {
            name: np.ma.filled(np.ma.asarray(file[name][:], dtype=float), np.nan)
            for name in table
            if name in file.variables
        }


def write_true_parameters(
    path: str | Path,
    sites: SiteTable,
    parameters: dict[str, np.ndarray],
    table: dict[str, ParameterInfo],
    seed: int,
    members: Members | None = None,
) -> None:
    """Write the side file that training never opens."""
    with replacing(path) as temporary, netCDF4.Dataset(temporary, "w", format="NETCDF4") as file:
        file.Conventions = variables.CONVENTIONS
        file.history = "written by ecosys_sims"
        file.title = "true hidden parameters of the sites; not an input of training"
        file.comment = "A fill value means that the site has the default of its biome."
        file.seed = np.int32(seed)
        file.git_hash = provenance.git_hash()
        _write_site_ids(file, sites.site_id)
        if members is not None:
            write_members(file, members)
            if members.perturbed is not None:
                perturbed = file.createVariable("perturbed_parameter", str, ("site",))
                perturbed.long_name = "the parameter in which the member differs from its site; empty for none"
                perturbed[:] = members.perturbed.astype(object)
        for name, values in parameters.items():
            written = _write_parameter(file, name, values)
            if name in table:
                written.units = table[name].units


def read_true_parameters(path: str | Path) -> dict[str, np.ndarray]:
    """name -> (N,) float64, NaN where the biome's default holds."""
    with netCDF4.Dataset(path) as file:
        file.set_auto_mask(True)
        return {
            name: np.ma.filled(variable[:].astype(float), np.nan)
            for name, variable in file.variables.items()
            if np.dtype(variable.dtype).kind == "f"
        }


def write_members(file: netCDF4.Dataset, members: Members) -> None:
    """The coordinates that tell the members of a design apart; the file has its dimension `site`."""
    base = file.createVariable("base_site_id", str, ("site",))
    base.long_name = "site of which this is a member"
    base[:] = np.asarray(members.base_site_id, dtype=object)
    realization = file.createVariable("realization", "i4", ("site",))
    realization.setncatts({"standard_name": "realization", "units": "1", "long_name": "member of its site"})
    realization[:] = members.realization


def _write_site_ids(file: netCDF4.Dataset, site_id: np.ndarray) -> None:
    file.createDimension("site", len(site_id))
    identifier = file.createVariable("site_id", str, ("site",))
    identifier.long_name = "site identifier"
    identifier.cf_role = "timeseries_id"
    identifier[:] = np.asarray(site_id, dtype=object)


def _write_sites(file: netCDF4.Dataset, sites: SiteTable) -> None:
    _write_site_ids(file, sites.site_id)
    for item in fields(sites):
        if item.name == "site_id":
            continue
        kind = "i4" if item.name in variables.INTEGERS else "f4"
        written = file.createVariable(item.name, kind, ("site",))
        written.setncatts(variables.attributes(variables.BY_NAME[item.name]))
        written[:] = getattr(sites, item.name)


def _write_parameter(file: netCDF4.Dataset, name: str, values: np.ndarray) -> netCDF4.Variable:
    written = file.createVariable(name, "f8", ("site",), fill_value=FILL64)
    written.long_name = f"parameter {name}, see docs/parameters.md"
    written[:] = np.where(np.isnan(values), FILL64, values)
    return written
