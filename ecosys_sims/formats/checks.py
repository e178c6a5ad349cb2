"""What the checks of files against docs/formats.md share; all faults of a file are told at once."""

from collections.abc import Callable
from pathlib import Path

import netCDF4
import numpy as np

from ecosys_sims.formats import biomes
from ecosys_sims.formats.errors import FormatError
from ecosys_sims.formats.variables import Variable, possible_range
from foundations.file_faults import DamagedFile, FileFault
from foundations.netcdf_file import reading
from foundations.netcdf_values import StoredValueError, numbers, texts

LARGEST_TEXTURE = 1.001  # sand and clay together, with room for their rounding
ROWS_AT_ONCE = 64  # sites whose values are looked at together, so that a large file takes little memory


def require(path: str | Path, check: Callable[[str | Path], list[str]]) -> None:
    """Raise FormatError with the faults that `check` finds in a file, if there are any."""
    faults = check(path)
    if faults:
        message = f"{path}: " + "; ".join(faults)
        raise FormatError(message)


def faults_of_file(path: str | Path, faults_of: Callable[[netCDF4.Dataset], list[str]]) -> list[str]:
    """Faults of a file by `faults_of` its content; one fault where it cannot be opened or read."""
    if not Path(path).exists():
        return ["no such file"]
    try:
        with reading(path) as file:
            return faults_of(file)
    except StoredValueError as error:
        return [str(error)]
    except DamagedFile as error:
        return [f"not a readable netCDF file; is it truncated? ({error.fault})"]
    except FileFault as error:
        return [str(error).removeprefix(f"{path}: ")]


def site_id_faults(file: netCDF4.Dataset) -> list[str]:
    """Faults of the variable `site_id`, whose names must differ."""
    if "site_id" not in file.variables:
        return ["variable 'site_id' is missing"]
    ids = texts(file["site_id"])
    sites = file.dimensions["site"].size if "site" in file.dimensions else len(ids)
    if len(ids) != sites:
        return [f"site_id: {len(ids)} names for {sites} sites"]
    faults = ["site_id: a name is empty"] if "" in ids else []
    if getattr(file["site_id"], "cf_role", None) != "timeseries_id":
        faults.append("site_id: cf_role is not 'timeseries_id'")
    repeated = sorted({name for name in ids if ids.count(name) > 1}) if len(set(ids)) < len(ids) else []
    if repeated:
        faults.append(f"site_id: {repeated[0]!r} occurs more than once")
    return faults


def static_faults(file: netCDF4.Dataset, expected: Variable, gaps: bool = False) -> list[str]:
    """Faults of a variable with one value a site, of which `gaps` may be missing."""
    if expected.name not in file.variables:
        return [f"variable {expected.name!r} is missing"]
    column = file[expected.name]
    if column.dimensions != ("site",):
        return [f"{expected.name}: dimensions are {column.dimensions}, expected ('site',)"]
    faults = units_faults(column, expected.units)
    if expected.name == "biome":
        flags = numbers(column)
        choice = np.atleast_1d(getattr(column, "flag_values", biomes.FLAG_VALUES))
        unknown = np.setdiff1d(flags[np.isfinite(flags)] if gaps else flags, choice)
        return faults + ([f"biome: {unknown[0]:g} is not a flag of docs/formats.md"] if unknown.size else [])
    return faults + range_faults(column, *possible_range(expected), gaps)


def units_faults(column: netCDF4.Variable, expected: str) -> list[str]:
    """A fault where the units are not those expected."""
    units = getattr(column, "units", None)
    return [] if units == expected else [f"{column.name}: units are {units!r}, expected {expected!r}"]


def texture_faults(sand: np.ndarray, clay: np.ndarray) -> list[str]:
    """The first site whose sand and clay (N,) are more than the whole soil."""
    faulty = np.flatnonzero(sand + clay > LARGEST_TEXTURE)
    if not faulty.size:
        return []
    site = faulty[0]
    return [f"sand and clay at site {site} are {sand[site]:g} and {clay[site]:g}, together more than 1"]


def range_faults(column: netCDF4.Variable, lowest: float, highest: float, gaps: bool | np.ndarray = False) -> list[str]:
    """The first value that is missing (unless `gaps` are allowed, or by a mask are) or impossible, with its place."""
    for first_row in range(0, column.shape[0], ROWS_AT_ONCE):
        values = numbers(column, slice(first_row, first_row + ROWS_AT_ONCE))
        absent = np.isnan(values)
        allowed = gaps[first_row : first_row + ROWS_AT_ONCE] if isinstance(gaps, np.ndarray) else np.bool_(gaps)
        faulty = (~absent & ~((values >= lowest) & (values <= highest))) | (absent & ~allowed)
        if faulty.any():
            first_fault = np.argwhere(faulty)[0]
            value = values[tuple(first_fault)]
            fault = "is missing" if absent[tuple(first_fault)] else f"= {value:g} is outside {lowest:g} to {highest:g}"
            row, *columns = first_fault
            place = ", ".join(
                f"{dimension} {index}"
                for dimension, index in zip(column.dimensions, [first_row + row, *columns], strict=True)
            )
            return [f"{column.name}: the value at {place} {fault}"]
    return []
