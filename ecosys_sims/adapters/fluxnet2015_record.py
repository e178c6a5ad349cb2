"""Reads a FLUXNET2015 file: evenly spaced intervals of weather and fluxes, half-hourly to monthly."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ecosys_sims.adapters.csv_columns import CsvColumns, read_columns, read_header
from ecosys_sims.formats.errors import AdapterError
from foundations.gap_filling import bridged, diurnal_course

log = logging.getLogger(__name__)

# column -> (lowest, highest), for sub-daily and longer intervals
WEATHER = {
    "TA_F": (-75.0, 60.0), "SW_IN_F": (-30.0, 1500.0), "VPD_F": (0.0, 150.0), "P_F": (0.0, 1000.0),
    "WS_F": (0.0, 60.0), "PA_F": (40.0, 115.0), "LW_IN_F": (50.0, 700.0),
}  # fmt: skip
OPTIONAL = ("PA_F", "LW_IN_F")
MOST_MISSING = 0.25
"""Share of an optional column that may be missing; the gaps are filled, and a column with more of them is left out."""
LONGEST_BRIDGE_DAYS = 10
CO2 = "CO2_F_MDS"
REFERENCES = ("VUT_REF", "CUT_REF")  # friction velocity threshold by year, else one for all years
TIME_FORMATS = {12: ("%Y%m%d%H%M", "m"), 8: ("%Y%m%d", "D"), 6: ("%Y%m", "M")}  # by the length of a stamp
HOURS = {"HH": 0.5, "HR": 1.0, "DD": 24.0}
MINUTES_OF_HALF_HOUR, MINUTES_OF_HOUR = 30, 60
GOOD_FILL = 1  # highest flag of a value that was measured or filled well


class FluxColumns(NamedTuple):
    """A flux's column, and the column of its quality."""

    values: str
    quality: str


@dataclass(frozen=True)
class FluxnetRecord:
    """A file: evenly spaced intervals, columns (T,) with NaN where missing. `kind` is HH, HR, DD or MM."""

    table: CsvColumns
    kind: str
    times: np.ndarray  # (T,) starts of the intervals, numpy datetimes
    columns: dict[str, np.ndarray]
    absent_qualities: tuple[str, ...] = ()  # columns without which fluxes of the file cannot be used

    @property
    def path(self) -> Path:
        """The file."""
        return self.table.path

    @property
    def hours(self) -> float:
        """Length of an interval; of monthly files none."""
        return HOURS[self.kind]

    @property
    def sub_daily(self) -> bool:
        """Whether the intervals are half-hours or hours."""
        return self.kind in ("HH", "HR")


def read_record(path: str | Path, partitioning: str = "NT") -> FluxnetRecord:
    """Read a file; AdapterError for missing columns, gaps in time or weather, and values that are no numbers.

    Monthly files are not asked for weather without gaps. partitioning: NT or DT, the method of GPP and RECO.
    """
    path = Path(path)
    header = read_header(path)
    stamp = next((name for name in ("TIMESTAMP_START", "TIMESTAMP") if name in header), None)
    if stamp is None:
        message = f"{path}: no column TIMESTAMP or TIMESTAMP_START; is it a FLUXNET2015 file?"
        raise AdapterError(message)
    missing = [name for name in WEATHER if name not in header and name not in OPTIONAL]
    if missing:
        message = f"{path}: column {missing[0]} is missing; is it a FLUXNET2015 file?"
        raise AdapterError(message)
    fluxes = flux_columns(header, partitioning)
    names = [name for name in (*WEATHER, CO2) if name in header]
    names += [name for columns in fluxes.values() for name in columns]
    names += [name for name in ("TIMESTAMP_END", "Site", "Lat", "Lon", "PFT") if name in header]
    table = read_columns(path, stamp, names)
    kind, times = _times(table)
    columns = {name: table.numbers(name) for name in names if name in WEATHER or name == CO2}
    absent = absent_qualities(header, fluxes)
    for quality in absent:
        log.warning("%s: column %s is missing; the fluxes that it judges are left out", path.name, quality)
    for target, flux in fluxes.items():
        columns[target], columns[f"{target}_qc"] = table.numbers(flux.values), table.numbers(flux.quality)
    if kind != "MM":
        _check_weather(table, columns, 1 if kind == "DD" else round(24 / HOURS[kind]))
    return FluxnetRecord(table, kind, times, columns, absent)


def flux_columns(header: list[str], partitioning: str) -> dict[str, FluxColumns]:
    """Our name of each flux in the file -> its columns."""
    fluxes: dict[str, FluxColumns] = {}
    for reference in REFERENCES:
        net = f"NEE_{reference}"
        if net not in header or f"{net}_QC" not in header:
            continue
        candidates = {
            "nee": (net,),
            "gpp": (f"GPP_{partitioning}_{reference}",),
            "reco": (f"RECO_{partitioning}_{reference}", "RECO"),
        }
        for target, names in candidates.items():
            present = [name for name in names if name in header]
            if present:
                fluxes[target] = FluxColumns(present[0], f"{net}_QC")
        break
    for target, letters in (("evspsbl", "LE"), ("hfss", "H")):
        present = [name for name in (f"{letters}_F_MDS", f"{letters}_CORR") if name in header]
        if present and f"{letters}_F_MDS_QC" in header:
            fluxes[target] = FluxColumns(present[0], f"{letters}_F_MDS_QC")
    return fluxes


def absent_qualities(header: list[str], fluxes: dict[str, FluxColumns]) -> tuple[str, ...]:
    """Quality columns that the file lacks for fluxes that it has and that are therefore not in `fluxes`."""
    absent = []
    references = [f"NEE_{reference}" for reference in REFERENCES if f"NEE_{reference}" in header]
    if references and "nee" not in fluxes:
        absent.append(f"{references[0]}_QC")
    for target, letters in (("evspsbl", "LE"), ("hfss", "H")):
        if target not in fluxes and any(f"{letters}_{suffix}" in header for suffix in ("F_MDS", "CORR")):
            absent.append(f"{letters}_F_MDS_QC")
    return tuple(absent)


def _times(table: CsvColumns) -> tuple[str, np.ndarray]:
    """Kind of the file and starts of its intervals; raises AdapterError for gaps and for other files."""
    time_format, unit = TIME_FORMATS.get(len(table.stamps[0]), ("", ""))
    if not time_format:
        message = f"{table.place(0)}: expected half-hourly, hourly, daily or monthly data (HH, HR, DD, MM)"
        raise AdapterError(message)
    starts = []
    for row, text in enumerate(table.stamps):
        try:
            starts.append(datetime.strptime(text, time_format))
        except ValueError as error:
            message = f"{table.place(row)}: {table.stamp_name} is not a time such as {time_format}"
            raise AdapterError(message) from error
    times = np.array(starts, dtype=f"datetime64[{unit}]")
    kind, step = {"D": ("DD", 1), "M": ("MM", 1), "m": ("HH", MINUTES_OF_HALF_HOUR)}[unit]
    if "TIMESTAMP_END" in table.cells:
        minutes = _length_of_first(table, starts[0], time_format)
        if unit != "m" or minutes not in (MINUTES_OF_HALF_HOUR, MINUTES_OF_HOUR):
            message = f"{table.place(0)}: intervals of {minutes / 60:g} h; expected HH, HR, DD or MM files"
            raise AdapterError(message)
        kind, step = ("HH" if minutes == MINUTES_OF_HALF_HOUR else "HR"), minutes
    gaps = np.flatnonzero(np.diff(times).astype(int) != step)
    if gaps.size:
        row = int(gaps[0]) + 1
        message = f"{table.place(row)}: follows {table.stamps[row - 1]}; times must have no gaps"
        raise AdapterError(message)
    return kind, times


def _length_of_first(table: CsvColumns, start: datetime, time_format: str) -> int:
    """Minutes of the first interval."""
    try:
        end = datetime.strptime(table.cells["TIMESTAMP_END"][0], time_format)
    except ValueError as error:
        message = f"{table.place(0)}: TIMESTAMP_END is not a time such as {time_format}"
        raise AdapterError(message) from error
    return int((end - start).total_seconds() / 60)


def _check_weather(table: CsvColumns, columns: dict[str, np.ndarray], per_day: int) -> None:
    for name in OPTIONAL:
        if name not in columns or not np.isnan(columns[name]).any():
            continue
        share = float(np.isnan(columns[name]).mean())
        filled = _filled(columns[name], per_day) if share <= MOST_MISSING else columns[name]
        if np.isnan(filled).any():
            log.warning("%s: %s has gaps (%.0f %%) and is left out", table.path.name, name, 100.0 * share)
            del columns[name]
        else:
            log.warning("%s: gaps of %s (%.2g %%) are filled from days near by", table.path.name, name, 100.0 * share)
            columns[name] = filled
    for name, (lowest, highest) in WEATHER.items():
        if name in columns:
            table.require_range(name, columns[name], lowest, highest)


def _filled(values: np.ndarray, per_day: int) -> np.ndarray:
    """Values (T,) with gaps filled by the course of the days near by, what is left of them bridged."""
    whole = len(values) // per_day * per_day
    laid = diurnal_course(values[:whole].reshape(-1, per_day)).ravel()
    return bridged(np.concatenate([laid, values[whole:]]), LONGEST_BRIDGE_DAYS * per_day)


def hourly(record: FluxnetRecord) -> FluxnetRecord:
    """Half-hours as hours: means, sums of precipitation; from the first full hour on. Other records unchanged."""
    if record.kind != "HH":
        return record
    first = int(record.times[0].astype(int) % MINUTES_OF_HOUR != 0)
    count = (len(record.times) - first) // 2
    if count < 1:
        message = f"{record.path}: holds no full hour"
        raise AdapterError(message)

    def pairs(values: np.ndarray) -> np.ndarray:
        return values[first : first + 2 * count].reshape(count, 2)

    columns = {
        name: pairs(values).sum(axis=1) if name == "P_F" else pairs(values).mean(axis=1)
        for name, values in record.columns.items()
    }
    times = record.times[first : first + 2 * count : 2]
    return FluxnetRecord(record.table, "HR", times, columns, record.absent_qualities)


def by_day(record: FluxnetRecord, values: np.ndarray, reduce: Callable[..., Any] = np.mean) -> np.ndarray:
    """Values (T,) of whole days, from the first midnight on, reduced to (days,) by `reduce(rows, axis=1)`."""
    per_day = round(24 / record.hours)
    minutes = int((record.times[0] - record.times[0].astype("datetime64[D]")).astype(int))
    after_midnight = round(minutes / MINUTES_OF_HOUR / record.hours)
    first = per_day - after_midnight if after_midnight else 0
    days = (len(values) - first) // per_day
    reduced: np.ndarray = reduce(values[first : first + days * per_day].reshape(days, per_day), axis=1)
    return reduced
