"""Writes records of sites as a dataset (docs/formats.md, section 1): union of days, each site its own period."""

import shutil
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np

from emulator.data.importers.daily import without_leap_days
from emulator.data.importers.definitions import Described
from emulator.data.importers.errors import ImportFault
from emulator.data.importers.record_store import RecordStore
from emulator.data.importers.site_record import DRIVER_ROLES, SiteRecord
from foundations import provenance, zarr_dataset
from foundations.netcdf_file import writing
from foundations.variables import VARIABLES
from foundations.zarr_dataset import SUFFIX, is_store

CONVENTIONS = "CF-1.11"
DATASET_VERSION = 2
FILL = np.float32(9.96921e36)
FILL_FLAG = np.int8(-127)
CHUNK_VALUES = 1 << 18
BLOCK_SITES = 64
"""Sites of a chunk of a file, of a shard of a store, and whose values are held while they are written."""
DRIVER_SOURCE = "driver_source"
COORDINATES = "lat lon site_id"
EVER_MEASURED = 0.05
"""Share of days on which a driver must be measured to count in `driver_source`."""
SOURCES = ("measured", "filled", "other_year")
QUALITIES = ("measured", "filled_short_gap", "filled_long_gap")
REFERENCES = "https://cfconventions.org/cf-conventions/cf-conventions.html; docs/formats.md"


@dataclass(frozen=True)
class About:
    """Global attributes of a dataset."""

    title: str
    institution: str
    source: str
    history: str
    references: str = ""
    config: str = ""


def write_dataset(path: Path, records: RecordStore, statics: dict[str, Described], about: About) -> None:
    """Write a dataset of N sites, a netCDF file or, where `path` ends with .zarr, a store, in blocks of sites.

    statics: what the variables (N,) are besides the place.
    """
    calendar = _calendar(records)
    days = union_of_days(records, calendar)
    if path.suffix == SUFFIX:
        _write_store(path, records, statics, about, days)
        return
    with writing(path) as file:
        names = _lay_out(file, records, statics, about, days)
        for first, rows in _blocks(records, names, days):
            for name, values in rows.items():
                file[name][first : first + len(values)] = values


def _write_store(
    path: Path, records: RecordStore, statics: dict[str, Described], about: About, days: np.ndarray
) -> None:
    """Write a Zarr store: complete, or as it was before."""
    if path.exists() and not (is_store(path) and (path / "zarr.json").is_file()):
        message = f"{path}: is there, and no Zarr store; choose another --out"
        raise ImportFault(message)
    working = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with netCDF4.Dataset("layout.nc", "w", diskless=True) as file:
            names = _lay_out(file, records, statics, about, days)
            zarr_dataset.create(working, file, BLOCK_SITES)
        for first, rows in _blocks(records, names, days):
            zarr_dataset.write_rows(working, first, rows)
        zarr_dataset.finish(working, {})
        shutil.rmtree(path, ignore_errors=True)
        working.rename(path)
    finally:
        shutil.rmtree(working, ignore_errors=True)


def _lay_out(
    file: netCDF4.Dataset, records: RecordStore, statics: dict[str, Described], about: About, days: np.ndarray
) -> list[tuple[str, str, str]]:
    """Write all but daily values; the daily variables: name in the file, part of the records and name there."""
    outlines = records.outlines
    variables = {name: about for record in outlines for name, about in record.variables.items()}
    file.setncatts(_global_attributes(about))
    file.createDimension("site", len(records))
    file.createDimension("time", len(days))
    file.createDimension("nv", 2)
    _write_sites(file, outlines)
    write_time(file, days, outlines[0].calendar)
    _write_statics(file, outlines, statics)
    names = []
    quality, uncertainty = set(records.names("quality")), set(records.names("uncertainty"))
    for name in records.names():
        described = variables[name]
        series = _create(file, name, "f4", FILL)
        series.setncatts(attributes_of(described))
        names.append((name, "values", name))
        target = described.variable.role == "target"
        ancillary = _create_ancillary(file, name, described, target and name in quality, target and name in uncertainty)
        if ancillary:
            series.ancillary_variables = " ".join(of_file for of_file, _, _ in ancillary)
            names += ancillary
    if any(variables[name].variable.role in DRIVER_ROLES for name in records.names()):
        _create_sources(file)
        names.append((DRIVER_SOURCE, DRIVER_SOURCE, ""))
    return names


def _blocks(
    records: RecordStore, names: list[tuple[str, str, str]], days: np.ndarray
) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
    """First site and daily values (M, T) of each block of sites, by name in the file."""
    for first in range(0, len(records), BLOCK_SITES):
        block = records[first : first + BLOCK_SITES]
        places = [np.searchsorted(days, record.days) for record in block]
        rows = {}
        for of_file, part, name in names:
            flags = part in ("quality", DRIVER_SOURCE)
            values = np.full((len(block), len(days)), FILL_FLAG if flags else FILL)
            for row, record, place in zip(values, block, places, strict=True):
                own = driver_source(record) if part == DRIVER_SOURCE else getattr(record, part).get(name)
                if own is not None:
                    row[place] = np.where(np.isnan(own), values.dtype.type(FILL_FLAG if flags else FILL), own)
            rows[of_file] = values
        yield first, rows


def _global_attributes(about: About) -> dict[str, Any]:
    attributes = {
        "Conventions": CONVENTIONS, "featureType": "timeSeries", "title": about.title,
        "institution": about.institution or "unknown", "source": about.source,
        "history": f"{provenance.now()} {about.history}",
        "references": "; ".join(text for text in (about.references, REFERENCES) if text),
        "ecostep_dataset_version": np.int32(DATASET_VERSION), "git_hash": provenance.git_hash(),
    }  # fmt: skip
    return attributes | ({"config": about.config} if about.config else {})


def _calendar(records: RecordStore) -> str:
    calendars = {record.calendar for record in records.outlines}
    if len(calendars) > 1:
        message = f"sites have the calendars {' and '.join(sorted(calendars))}; a dataset has one, import them apart"
        raise ImportFault(message)
    return calendars.pop()


def union_of_days(records: RecordStore, calendar: str) -> np.ndarray:
    """All days (T,) from the first of any site to the last, without 29 February where the calendar has none."""
    periods = [record.days for record in records.outlines]
    first, last = min(days[0] for days in periods), max(days[-1] for days in periods)
    days = np.arange(first, last + 1)
    return days[without_leap_days(days)] if calendar == "noleap" else days


def _write_sites(file: netCDF4.Dataset, records: Sequence[SiteRecord]) -> None:
    identifier = file.createVariable("site_id", str, ("site",))
    identifier.setncatts({"long_name": "site identifier", "cf_role": "timeseries_id"})
    identifier[:] = np.array([record.site_id for record in records], dtype=object)


def write_time(file: netCDF4.Dataset, days: np.ndarray, calendar: str) -> None:
    """The coordinate `time` of days (T,), stamped 12:00, with its bounds."""
    first: date = days[0].astype(object)
    time = file.createVariable("time", "f8", ("time",))
    time.setncatts(
        {"standard_name": "time", "long_name": "middle of the day", "axis": "T",
         "units": f"days since {first:%Y-%m-%d} 00:00:00", "calendar": calendar, "bounds": "time_bnds"}
    )  # fmt: skip
    if calendar == "standard":
        time.units_metadata = "leap_seconds: none"
    count = np.arange(len(days), dtype=float)
    time[:] = count + 0.5
    file.createVariable("time_bnds", "f8", ("time", "nv"))[:] = np.stack([count, count + 1.0], axis=1)


def attributes_of(described: Described) -> dict[str, Any]:
    """The netCDF attributes of a variable."""
    variable = described.variable
    attributes: dict[str, Any] = {"units": variable.units, "long_name": variable.long_name, "role": variable.role}
    optional = {
        "standard_name": variable.standard_name, "analysis_units": variable.analysis_units,
        "cell_methods": f"time: {variable.cell_method}" if variable.cell_method else "",
    }  # fmt: skip
    attributes |= {name: text for name, text in optional.items() if text}
    if "temperature" in variable.standard_name:
        attributes["units_metadata"] = "temperature: on_scale"
    if described.flags:
        attributes["flag_values"] = np.array(list(described.flags.values()), dtype=np.int32)
        attributes["flag_meanings"] = " ".join(described.flags)
    low, high = described.daily_range
    if low is not None and high is not None and not described.flags:
        if variable.role == "target":
            attributes["plausible_min"], attributes["plausible_max"] = np.float32(low), np.float32(high)
        elif variable.name not in VARIABLES:
            attributes["valid_min"], attributes["valid_max"] = np.float32(low), np.float32(high)
    if variable.role == "target":
        attributes |= {bound: np.float32(0.0) for bound in ("minimum", "maximum") if getattr(variable, bound) == 0.0}
        attributes |= {"identity": variable.identity} if variable.identity and variable.name not in VARIABLES else {}
    if variable.skewed and variable.name not in VARIABLES:
        attributes["skewed"] = "yes"
    return attributes


def _write_statics(file: netCDF4.Dataset, records: Sequence[SiteRecord], statics: dict[str, Described]) -> None:
    for name, described in statics.items():
        values = np.array([float(record.statics.get(name, np.nan)) for record in records])
        attributes = attributes_of(described)
        if described.flags and np.isfinite(values).all():
            column = file.createVariable(name, "i4", ("site",))
            column[:] = values.astype(np.int32)
        else:
            fill = None if name in ("lat", "lon") else FILL
            column = file.createVariable(name, "f4", ("site",), fill_value=fill)
            column[:] = np.where(np.isnan(values), FILL, values)
            if described.flags:
                attributes["flag_values"] = attributes["flag_values"].astype(np.float32)
        if name not in ("lat", "lon"):
            attributes["coordinates"] = COORDINATES
        column.setncatts(attributes)


def _create(file: netCDF4.Dataset, name: str, kind: str, fill: Any) -> netCDF4.Variable:
    sites, days = file.dimensions["site"].size, file.dimensions["time"].size
    chunk = min(sites, BLOCK_SITES)
    series = file.createVariable(
        name, kind, ("site", "time"), fill_value=fill, zlib=True, complevel=1, shuffle=True, fletcher32=True,
        chunksizes=(chunk, max(1, min(days, CHUNK_VALUES // chunk))),
    )  # fmt: skip
    series.coordinates = COORDINATES
    return series


def _create_ancillary(
    file: netCDF4.Dataset, name: str, described: Described, quality: bool, uncertainty: bool
) -> list[tuple[str, str, str]]:
    """Variables that tell of a target: name in the file, part of the records, name there."""
    names = []
    if quality:
        flags = _create(file, f"{name}_qc", "i1", FILL_FLAG)
        flags.setncatts(
            {"long_name": f"quality of {described.variable.long_name}", "standard_name": "quality_flag",
             "flag_values": np.array([0, 1, 2], np.int8), "flag_meanings": " ".join(QUALITIES)}
        )  # fmt: skip
        names.append((f"{name}_qc", "quality", name))
    if uncertainty:
        deviation = _create(file, f"{name}_sd", "f4", FILL)
        what = f"standard deviation of {described.variable.long_name}"
        deviation.setncatts({"long_name": what, "units": described.variable.units})
        names.append((f"{name}_sd", "uncertainty", name))
    return names


def _create_sources(file: netCDF4.Dataset) -> None:
    """`driver_source`: of each day the worst source of its drivers."""
    variable = _create(file, DRIVER_SOURCE, "i1", FILL_FLAG)
    variable.setncatts(
        {"long_name": "where the drivers of the day come from, the worst of those that the site measures",
         "standard_name": "status_flag",
         "flag_values": np.array([0, 1, 2], np.int8), "flag_meanings": " ".join(SOURCES)}
    )  # fmt: skip


def driver_source(record: SiteRecord) -> np.ndarray:
    """Of each day (D,) the worst source of its drivers, but for those that the site never measured.

    Such a driver, as longwave radiation often is, comes from a reanalysis on all days alike: it would mark them all.
    """
    sources = [record.source[name] for name in record.of_role(*DRIVER_ROLES) if name in record.source]
    measured_there = [source for source in sources if (source == 0).mean() >= EVER_MEASURED]
    if not sources:
        return np.zeros(len(record.days))
    worst: np.ndarray = np.max(measured_there or sources, axis=0)
    return worst.astype(float)
