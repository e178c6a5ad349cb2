"""What the checks of files against docs/formats.md share; all faults of a file are told at once."""

from collections.abc import Callable
from pathlib import Path

import netCDF4
import numpy as np

from ecosys_sims.formats import biomes
from ecosys_sims.formats.errors import FormatError
from ecosys_sims.formats.variables import Variable, possible_range
from foundations.file_name import netcdf_name

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
        with netCDF4.Dataset(**netcdf_name(path)) as file:
            file.set_auto_mask(False)
            return faults_of(file)
    except (OSError, RuntimeError, UnicodeError) as error:
        return [f"not a readable netCDF file; is it truncated? ({error})"]


def site_id_faults(file: netCDF4.Dataset) -> list[str]:
    """Faults of the variable `site_id`, whose names must differ."""
    if "site_id" not in file.variables:
        return ["variable 'site_id' is missing"]
    ids = [str(name) for name in file["site_id"][:]]
    faults = []
    if getattr(file["site_id"], "cf_role", None) != "timeseries_id":
        faults.append("site_id: cf_role is not 'timeseries_id'")
    repeated = sorted({name for name in ids if ids.count(name) > 1}) if len(set(ids)) < len(ids) else []
    if repeated:
        faults.append(f"site_id: {repeated[0]!r} occurs more than once")
    return faults


def static_faults(file: netCDF4.Dataset, expected: Variable) -> list[str]:
    """Faults of a variable with one value a site."""
    if expected.name not in file.variables:
        return [f"variable {expected.name!r} is missing"]
    column = file[expected.name]
    if column.dimensions != ("site",):
        return [f"{expected.name}: dimensions are {column.dimensions}, expected ('site',)"]
    faults = units_faults(column, expected.units)
    if expected.name == "biome":
        unknown = np.setdiff1d(column[:], biomes.FLAG_VALUES)
        return faults + ([f"biome: {unknown[0]} is not a flag of docs/formats.md"] if unknown.size else [])
    return faults + range_faults(column, *possible_range(expected))


def units_faults(column: netCDF4.Variable, expected: str) -> list[str]:
    """A fault where the units are not those expected."""
    units = getattr(column, "units", None)
    return [] if units == expected else [f"{column.name}: units are {units!r}, expected {expected!r}"]


def range_faults(column: netCDF4.Variable, lowest: float, highest: float, gaps: bool = False) -> list[str]:
    """The first value that is missing (unless `gaps` are allowed) or impossible, with its place."""
    fill = getattr(column, "_FillValue", None)
    for first_row in range(0, column.shape[0], ROWS_AT_ONCE):
        values = np.asarray(column[first_row : first_row + ROWS_AT_ONCE], dtype=float)
        absent = np.isnan(values) | (values == fill if fill is not None else False)
        faulty = (~absent & ~((values >= lowest) & (values <= highest))) | (absent & (not gaps))
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
