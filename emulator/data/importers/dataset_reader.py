"""Reads a dataset (docs/formats.md, section 1) back as records of sites, each with its own period."""

import logging
from dataclasses import dataclass
from pathlib import Path

import netCDF4
import numpy as np
from pydantic import ValidationError

from emulator.data.importers.definitions import Described, described
from emulator.data.importers.errors import ImportFault
from emulator.data.importers.mapping import Definition
from emulator.data.importers.readers.gridded import dates_of
from emulator.data.importers.site_record import DRIVER_ROLES, SiteRecord
from foundations.file_faults import FileFault
from foundations.netcdf_file import reading
from foundations.netcdf_values import numbers, texts

log = logging.getLogger(__name__)

_ATTRIBUTES = (
    "units", "role", "long_name", "standard_name", "analysis_units", "minimum", "maximum", "identity",
)  # fmt: skip
_METHODS = ("mean", "minimum", "maximum", "sum", "point")


@dataclass(frozen=True)
class StoredDataset:
    """A dataset: its records, what its variables are, and which of them are statics."""

    path: Path
    records: list[SiteRecord]
    variables: dict[str, Described]
    statics: list[str]
    institution: str
    source: str


def read_dataset(path: Path) -> StoredDataset:
    """All of a dataset, netCDF or Zarr; ImportFault or DamagedFile for other files."""
    try:
        with reading(path) as file:
            return _read(file, path)
    except (FileFault, ImportFault):
        raise
    except ValidationError as error:
        first = error.errors()[0]
        message = f"{path}: attribute {first['loc'][0]} is {first['input']!r}: {first['msg']}"
        raise ImportFault(message) from None
    except (OSError, KeyError, AttributeError, ValueError) as error:
        message = f"{path}: is no dataset of docs/formats.md: {error}"
        raise ImportFault(message) from None


def _read(file: netCDF4.Dataset, path: Path) -> StoredDataset:
    time = file["time"]
    days, calendar = dates_of(numbers(time), str(time.units), str(getattr(time, "calendar", "standard")), str(path))
    days = days.astype("datetime64[D]")
    variables: dict[str, Described] = {}
    daily: list[str] = []
    statics: list[str] = []
    for name, column in file.variables.items():
        if "role" not in column.ncattrs() or column.dimensions not in (("site",), ("site", "time")):
            if column.dimensions == ("site", "time") and not (name == "driver_source" or name.endswith(("_qc", "_sd"))):
                log.warning("%s: %s has no role, it is left out", path, name)
            continue
        variables[name] = _described(column, path)
        (statics if column.dimensions == ("site",) else daily).append(name)
    values = {name: numbers(file[name]) for name in daily}
    names = {name: f"{name}{suffix}" for name in daily for suffix in ("_qc", "_sd")}
    quality = {name: numbers(file[f"{name}_qc"]) for name in names if f"{name}_qc" in file.variables}
    spread = {name: numbers(file[f"{name}_sd"]) for name in names if f"{name}_sd" in file.variables}
    source = numbers(file["driver_source"]) if "driver_source" in file.variables else None
    properties = {name: numbers(file[name]) for name in statics}
    records = []
    for site, site_id in enumerate(texts(file["site_id"])):
        inside = np.zeros(len(days), bool)
        for series in values.values():
            inside |= np.isfinite(series[site])
        if not inside.any():
            log.warning("%s: site %s has no values, it is left out", path, site_id)
            continue
        first, last = np.flatnonzero(inside)[[0, -1]]
        period = slice(int(first), int(last) + 1)
        present = {name: series[site, period] for name, series in values.items() if np.isfinite(series[site]).any()}
        drivers = [name for name in present if variables[name].variable.role in DRIVER_ROLES]
        worst = np.zeros(period.stop - period.start) if source is None else np.nan_to_num(source[site, period])
        records.append(
            SiteRecord(
                site_id, path.name, days[period], present, {name: variables[name] for name in present},
                source=dict.fromkeys(drivers, worst.astype(np.int8)),
                quality={name: series[site, period] for name, series in quality.items() if name in present},
                uncertainty={name: series[site, period] for name, series in spread.items() if name in present},
                statics={name: float(column[site]) for name, column in properties.items()}, calendar=calendar,
            )
        )  # fmt: skip
    institution, origin = (str(getattr(file, name, "unknown")) for name in ("institution", "source"))
    return StoredDataset(path, records, variables, statics, institution, origin)


def _described(column: netCDF4.Variable, path: Path) -> Described:
    given = {name: getattr(column, name) for name in _ATTRIBUTES if name in column.ncattrs()}
    given = {name: value.item() if isinstance(value, np.generic) else value for name, value in given.items()}
    method = str(getattr(column, "cell_methods", "")).removeprefix("time: ").split()[:1]
    if method and method[0] in _METHODS:
        given["cell_method"] = method[0]
    for bound in ("min", "max"):
        for kind in ("valid", "plausible"):
            if f"{kind}_{bound}" in column.ncattrs():
                given[f"valid_{bound}"] = float(getattr(column, f"{kind}_{bound}"))
    if str(getattr(column, "skewed", "")) == "yes":
        given["skewed"] = True
    if "flag_meanings" in column.ncattrs():
        codes = np.atleast_1d(column.flag_values).astype(int).tolist()
        given["flags"] = dict(zip(str(column.flag_meanings).split(), codes, strict=False))
    return described(column.name, Definition(**given), None, f"{path}: {column.name}")
