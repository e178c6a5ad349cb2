"""Reads a user's table of members: CSV or netCDF, a row for each member, a column for each parameter that it sets."""

import csv
import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import netCDF4
import numpy as np

from ecosys_sims.program.parameter_table import ParameterInfo
from foundations.configuration_file import ConfigError
from foundations.file_faults import FileFault
from foundations.netcdf_file import reading
from foundations.netcdf_values import StoredValueError, numbers
from foundations.site_names import site_names

CLASSIC_FORMAT, HDF5_FORMAT = b"CDF", b"\x89HDF"  # first bytes of a file
NAMES_SHOWN = 5


class DesignTable(NamedTuple):
    """Site of each row, where the table has a column `site_id`, and the parameters (rows,); NaN for no number."""

    site_ids: list[str] | None
    columns: dict[str, np.ndarray]


def read_design_table(
    path: Path, base_site_ids: np.ndarray, table: dict[str, ParameterInfo]
) -> list[tuple[int, dict[str, float]]]:
    """Index of the base site and parameters of each member.

    A member for each row, of the site in the column site_id; without that column, each row at every site. Raises
    ConfigError naming file, row and column.
    """
    site_ids, columns = _read(path)
    _check_columns(path, columns, table)
    rows = len(next(iter(columns.values())))
    if rows == 0:
        message = f"{path}: has no rows"
        raise ConfigError(message)
    members = [{name: float(values[row]) for name, values in columns.items()} for row in range(rows)]
    if site_ids is None:
        return [(site, member) for site in range(len(base_site_ids)) for member in members]
    index = {site_id: site for site, site_id in enumerate(base_site_ids)}
    for row, site_id in enumerate(site_ids):
        if site_id not in index:
            message = (
                f"{path}: row {row + 1}, column 'site_id': there is no site {site_id!r} "
                f"(known: {_first_names(base_site_ids)})"
            )
            raise ConfigError(message)
    return [(index[site_id], member) for site_id, member in zip(site_ids, members, strict=True)]


def unknown_parameter(name: str, table: Iterable[str]) -> str:
    """What to say of a parameter that the program does not have."""
    names = list(table)
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"the program has no parameter {name!r}{hint} (known: {', '.join(names)})"


def _first_names(names: np.ndarray) -> str:
    return ", ".join(names[:NAMES_SHOWN]) + (", ..." if len(names) > NAMES_SHOWN else "")


def _check_columns(path: Path, columns: dict[str, np.ndarray], table: dict[str, ParameterInfo]) -> None:
    unknown = [name for name in columns if name not in table]
    if unknown:
        message = f"{path}: column {unknown[0]!r}: {unknown_parameter(unknown[0], table)}"
        raise ConfigError(message)
    if not columns:
        message = f"{path}: has no column of a parameter"
        raise ConfigError(message)
    for name, values in columns.items():
        info = table[name]
        outside = np.flatnonzero(~((values >= info.minimum) & (values <= info.maximum)))
        if outside.size:
            row = outside[0]
            fault = "is not a number"
            if not np.isnan(values[row]):
                fault = f"is {values[row]:g}, expected {info.minimum:g} to {info.maximum:g} {info.units}"
            message = f"{path}: row {row + 1}, column {name!r} {fault}"
            raise ConfigError(message)


def _read(path: Path) -> DesignTable:
    try:
        with path.open("rb") as file:
            first_bytes = file.read(4)
    except OSError as error:
        message = f"design.table: cannot read {path}: {error.strerror}"
        raise ConfigError(message) from error
    return _read_netcdf(path) if first_bytes.startswith((CLASSIC_FORMAT, HDF5_FORMAT)) else _read_csv(path)


def _read_csv(path: Path) -> DesignTable:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = [row for row in csv.reader(file) if any(cell.strip() for cell in row)]
    except (UnicodeDecodeError, csv.Error) as error:
        message = f"{path}: neither a CSV file nor netCDF: {error}"
        raise ConfigError(message) from error
    header = [cell.strip() for cell in lines[0]] if lines else []
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        message = f"{path}: column {twice[0]!r} is there twice"
        raise ConfigError(message)
    for number, row in enumerate(lines[1:], start=1):
        if len(row) != len(header):
            message = f"{path}: row {number} has {len(row)} cells, the header {len(header)}"
            raise ConfigError(message)
    cells = {name: [row[column].strip() for row in lines[1:]] for column, name in enumerate(header)}
    site_ids = cells.pop("site_id", None)
    return DesignTable(site_ids, {name: np.array([_number(cell) for cell in column]) for name, column in cells.items()})


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return float("nan")


def _read_netcdf(path: Path) -> DesignTable:
    try:
        with reading(path, "mend it, or give a CSV file") as file:
            names = [name for name in file.variables if name not in file.dimensions]
            if not _share_one_dimension([file[name] for name in names]):
                message = f"{path}: all variables must have the same single dimension, one value a member"
                raise ConfigError(message)
            site_ids = site_names(file["site_id"][:]) if "site_id" in names else None
            columns: dict[str, np.ndarray] = {name: numbers(file[name]) for name in names if name != "site_id"}
    except ConfigError:
        raise
    except FileFault as error:
        raise ConfigError(str(error)) from None
    except StoredValueError as error:
        message = f"{path}: not a table of numbers: {error}"
        raise ConfigError(message) from error
    return DesignTable(site_ids, columns)


def _share_one_dimension(columns: list[netCDF4.Variable]) -> bool:
    dimensions = {column.dimensions for column in columns}
    return len(dimensions) == 1 and len(next(iter(dimensions))) == 1
