"""Reads and writes the site table and the side file of true parameters (docs/formats.md sections 1 and 3)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import netCDF4
import numpy as np

from ecosys_sims.formats import variables
from ecosys_sims.formats.annual_temperature import annual_temperature
from ecosys_sims.formats.errors import FormatError
from ecosys_sims.formats.site_table_check import require_valid_site_table
from ecosys_sims.formats.units import ZERO_CELSIUS
from foundations import provenance
from foundations.netcdf_file import reading, writing
from foundations.netcdf_values import numbers, texts

FILL64 = 9.96921e36
MONTHLY = {
    "t_month": {
        "units": "K",
        "long_name": "mean air temperature of a month",
        "units_metadata": "temperature: on_scale",
    },
    "p_month": {"units": "kg m-2", "long_name": "precipitation of a month"},
}


@dataclass(frozen=True)
class SiteTable:
    """Sites (N,), in the units of docs/formats.md section 3."""

    site_id: np.ndarray  # str
    site_number: np.ndarray  # int32
    lat: np.ndarray  # degrees north
    lon: np.ndarray  # degrees east
    elevation: np.ndarray  # m
    sand: np.ndarray  # 1
    clay: np.ndarray  # 1
    ph: np.ndarray  # 1
    biome: np.ndarray  # flags of `formats.biomes`
    annual_precip: np.ndarray  # kg m-2 year-1
    continentality: np.ndarray  # Conrad index
    t_ann: np.ndarray  # K
    t_month: np.ndarray | None = None  # (N, 12), K; NaN where the climate is not given by month, as in all rows if None
    p_month: np.ndarray | None = None  # (N, 12), kg m-2 month-1

    def __post_init__(self) -> None:
        for name in MONTHLY:
            if getattr(self, name) is None:
                object.__setattr__(self, name, np.full((len(self.site_id), 12), np.nan, dtype=np.float32))

    def __len__(self) -> int:
        return len(self.site_id)

    def part(self, first: int, last: int) -> "SiteTable":
        """Sites first..last-1."""
        return self[slice(first, last)]

    def __getitem__(self, sites: np.ndarray | slice) -> "SiteTable":
        """The sites of these indices (or of a mask, or a slice), in that order."""
        return SiteTable(**{column.name: getattr(self, column.name)[sites] for column in fields(self)})


@dataclass(frozen=True)
class Members:
    """The members (M,) of a design.

    sites: their table, with a site_id of their own; values: parameter -> (M,), NaN where the biome's default holds;
    base_site_id, realization: which member of which site; perturbed: under `oat` the parameter that differs.
    """

    sites: SiteTable
    values: dict[str, np.ndarray]
    base_site_id: np.ndarray
    realization: np.ndarray
    perturbed: np.ndarray | None


def write_site_table(path: str | Path, sites: SiteTable, parameters: dict[str, np.ndarray] | None = None) -> None:
    """Write a site table for the program; `parameters` name -> (N,), NaN where the biome's default holds."""
    with writing(path) as file:
        file.Conventions = variables.CONVENTIONS
        file.history = "written by ecosys_sims"
        file.title = "site table of the process model ecosys"
        _write_sites(file, sites)
        for name, values in (parameters or {}).items():
            _write_parameter(file, name, values)


def read_site_table(path: str | Path) -> SiteTable:
    """The sites of a table, without parameters. Raises FormatError where it is not one."""
    require_valid_site_table(path)
    with reading(path) as file:
        columns = {
            column.name: _column(file[column.name]) for column in fields(SiteTable) if column.name in file.variables
        }
    if "t_ann" not in columns:
        normal = annual_temperature(columns["lat"], columns["elevation"], columns["continentality"])
        columns["t_ann"] = np.asarray(normal + ZERO_CELSIUS, dtype=np.float32)
    return SiteTable(**columns)


def _column(variable: netCDF4.Variable) -> np.ndarray:
    """Values (N,) of a column, unpacked."""
    if variable.name == "site_id":
        return np.array(texts(variable), dtype=object)
    values = numbers(variable)
    if variable.name in MONTHLY:
        return values.astype(np.float32)
    if variable.name in variables.INTEGERS:
        return values.astype(np.int32)
    return values.astype(variable.dtype) if np.dtype(variable.dtype).kind == "f" else values


def read_parameters(path: str | Path, names: Iterable[str]) -> dict[str, np.ndarray]:
    """The parameters of these names in a site table, name -> (N,) float64, NaN where the biome's default holds."""
    with reading(path) as file:
        return {name: numbers(file[name]) for name in names if name in file.variables}


def write_true_parameters(
    path: str | Path,
    sites: SiteTable,
    parameters: dict[str, np.ndarray],
    units: Mapping[str, str],
    seed: int,
    members: Members | None = None,
) -> None:
    """Write the side file that training never opens; `units` of the parameters by their names."""
    with writing(path) as file:
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
            column = _write_parameter(file, name, values)
            if name in units:
                column.units = units[name]


def read_true_parameters(path: str | Path, site_id: Iterable[str]) -> dict[str, np.ndarray]:
    """name -> (N,) float64 of the sites of these names, in their order; NaN where the biome's default holds.

    FormatError where the file lacks one of the sites or has it twice.
    """
    with reading(path) as file:
        rows = rows_of(site_id, texts(file["site_id"]), path)
        return {
            name: numbers(variable)[rows]
            for name, variable in file.variables.items()
            if np.dtype(variable.dtype).kind == "f"
        }


def rows_of(site_id: Iterable[str], names: Sequence[str], path: str | Path) -> list[int]:
    """The row of each site among the `names` of a file; FormatError where one is not there or is there twice."""
    row: dict[str, int] = {}
    for number, name in enumerate(names):
        if row.setdefault(name, number) != number:
            message = f"{path}: site '{name}' is there twice; names must be unique"
            raise FormatError(message)
    missing = [str(name) for name in site_id if str(name) not in row]
    if missing:
        message = f"{path}: has no site '{missing[0]}', and no other of {len(missing) - 1} that are asked for"
        raise FormatError(message.removesuffix(", and no other of 0 that are asked for"))
    return [row[str(name)] for name in site_id]


def write_members(file: netCDF4.Dataset, members: Members) -> None:
    """The coordinates that tell the members of a design apart; the file has its dimension `site`."""
    base = file.createVariable("base_site_id", str, ("site",))
    base.long_name = "site of which this is a member"
    base[:] = np.asarray(members.base_site_id, dtype=object)
    realization = file.createVariable("realization", "i4", ("site",), fletcher32=True)
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
    for name in (column.name for column in fields(sites)):
        if name == "site_id" or name in MONTHLY:
            continue
        column = file.createVariable(name, "i4" if name in variables.INTEGERS else "f4", ("site",), fletcher32=True)
        column.setncatts(variables.attributes(variables.BY_NAME[name]))
        column[:] = getattr(sites, name)
    if any(np.isfinite(getattr(sites, name)).any() for name in MONTHLY):
        _write_months(file, sites)


def _write_months(file: netCDF4.Dataset, sites: SiteTable) -> None:
    file.createDimension("month", 12)
    for name, attributes in MONTHLY.items():
        column = file.createVariable(name, "f4", ("site", "month"), fill_value=variables.FILL, fletcher32=True)
        column.setncatts(attributes)
        column[:] = np.ma.masked_invalid(getattr(sites, name))


def _write_parameter(file: netCDF4.Dataset, name: str, values: np.ndarray) -> netCDF4.Variable:
    column = file.createVariable(name, "f8", ("site",), fill_value=FILL64, fletcher32=True)
    column.long_name = f"parameter {name}, see docs/parameters.md"
    column[:] = np.where(np.isnan(values), FILL64, values)
    return column
