"""Writes records of sites as a dataset (docs/formats.md, section 1): union of days, each site its own period."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np

from emulator.data.importers.daily import without_leap_days
from emulator.data.importers.definitions import Described
from emulator.data.importers.errors import ImportFault
from emulator.data.importers.site_record import DRIVER_ROLES, SiteRecord
from foundations import provenance
from foundations.netcdf_file import writing
from foundations.variables import VARIABLES

CONVENTIONS = "CF-1.11"
DATASET_VERSION = 2
FILL = np.float32(9.96921e36)
FILL_FLAG = np.int8(-127)
CHUNK_VALUES = 1 << 18
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


def write_dataset(path: Path, records: Sequence[SiteRecord], statics: dict[str, Described], about: About) -> None:
    """Write a dataset of N sites; statics: what the variables (N,) are besides the place."""
    calendar = _calendar(records)
    days = union_of_days(records, calendar)
    variables = {name: about for record in records for name, about in record.variables.items() if name in record.values}
    with writing(path) as file:
        file.setncatts(_global_attributes(about))
        file.createDimension("site", len(records))
        file.createDimension("time", len(days))
        file.createDimension("nv", 2)
        _write_sites(file, records)
        write_time(file, days, calendar)
        _write_statics(file, records, statics)
        places = [np.searchsorted(days, record.days) for record in records]
        for name, described in variables.items():
            _write_series(file, name, described, records, places)
        _write_sources(file, records, places)


def _global_attributes(about: About) -> dict[str, Any]:
    attributes = {
        "Conventions": CONVENTIONS, "featureType": "timeSeries", "title": about.title,
        "institution": about.institution or "unknown", "source": about.source,
        "history": f"{provenance.now()} {about.history}",
        "references": "; ".join(text for text in (about.references, REFERENCES) if text),
        "ecostep_dataset_version": np.int32(DATASET_VERSION), "git_hash": provenance.git_hash(),
    }  # fmt: skip
    return attributes | ({"config": about.config} if about.config else {})


def _calendar(records: Sequence[SiteRecord]) -> str:
    calendars = {record.calendar for record in records}
    if len(calendars) > 1:
        message = f"sites have the calendars {' and '.join(sorted(calendars))}; a dataset has one, import them apart"
        raise ImportFault(message)
    return calendars.pop()


def union_of_days(records: Sequence[SiteRecord], calendar: str) -> np.ndarray:
    """All days (T,) from the first of any site to the last, without 29 February where the calendar has none."""
    first, last = min(record.days[0] for record in records), max(record.days[-1] for record in records)
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
    chunk = min(sites, 64)
    series = file.createVariable(
        name, kind, ("site", "time"), fill_value=fill, zlib=True, complevel=1, shuffle=True, fletcher32=True,
        chunksizes=(chunk, max(1, min(days, CHUNK_VALUES // chunk))),
    )  # fmt: skip
    series.coordinates = COORDINATES
    return series


def _fill_series(
    series: netCDF4.Variable, parts: Sequence[np.ndarray | None], places: Sequence[np.ndarray], days: int, fill: Any
) -> None:
    """Write the series (D,) of each site at its places among the days; None is fill throughout."""
    for site, (values, place) in enumerate(zip(parts, places, strict=True)):
        row = np.full(days, fill)
        if values is not None:
            row[place] = np.where(np.isnan(values), fill, values)
        series[site] = row


def _write_series(
    file: netCDF4.Dataset,
    name: str,
    described: Described,
    records: Sequence[SiteRecord],
    places: Sequence[np.ndarray],
) -> None:
    days = file.dimensions["time"].size
    series = _create(file, name, "f4", FILL)
    series.setncatts(attributes_of(described))
    _fill_series(series, [record.values.get(name) for record in records], places, days, FILL)
    ancillary = []
    if described.variable.role == "target":
        if any(name in record.quality for record in records):
            ancillary.append(f"{name}_qc")
            quality = _create(file, f"{name}_qc", "i1", FILL_FLAG)
            quality.setncatts(
                {"long_name": f"quality of {described.variable.long_name}", "standard_name": "quality_flag",
                 "flag_values": np.array([0, 1, 2], np.int8), "flag_meanings": " ".join(QUALITIES)}
            )  # fmt: skip
            _fill_series(quality, [record.quality.get(name) for record in records], places, days, FILL_FLAG)
        if any(name in record.uncertainty for record in records):
            ancillary.append(f"{name}_sd")
            deviation = _create(file, f"{name}_sd", "f4", FILL)
            deviation.setncatts(
                {
                    "long_name": f"standard deviation of {described.variable.long_name}",
                    "units": described.variable.units,
                }
            )
            _fill_series(deviation, [record.uncertainty.get(name) for record in records], places, days, FILL)
    if ancillary:
        series.ancillary_variables = " ".join(ancillary)


def _write_sources(file: netCDF4.Dataset, records: Sequence[SiteRecord], places: Sequence[np.ndarray]) -> None:
    """`driver_source`: of each day the worst source of its drivers."""
    if not any(record.of_role(*DRIVER_ROLES) for record in records):
        return
    variable = _create(file, "driver_source", "i1", FILL_FLAG)
    variable.setncatts(
        {"long_name": "where the drivers of the day come from, the worst of those that the site measures",
         "standard_name": "status_flag",
         "flag_values": np.array([0, 1, 2], np.int8), "flag_meanings": " ".join(SOURCES)}
    )  # fmt: skip
    parts: list[np.ndarray | None] = [driver_source(record) for record in records]
    _fill_series(variable, parts, places, file.dimensions["time"].size, FILL_FLAG)


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
