"""Checks a forcing file against docs/formats.md section 4."""

import logging
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

import cftime
import netCDF4
import numpy as np

from ecosys_sims.formats.checks import ROWS_AT_ONCE, faults_of_file, require, site_id_faults, static_faults
from ecosys_sims.formats.forcing_variables import (
    FORCING,
    HIGHEST_RELATIVE,
    LOWEST_RELATIVE,
    RELATIVE_HUMIDITY,
    ForcingVariable,
    conversion,
)
from ecosys_sims.formats.variables import BY_NAME
from foundations.netcdf_file import reading
from foundations.netcdf_values import numbers
from foundations.sun import excessive_light, foreign_hour

log = logging.getLogger(__name__)

MIXED_CALENDARS = ("standard", "gregorian")  # Julian before 15 October 1582
CALENDARS = (*MIXED_CALENDARS, "proleptic_gregorian", "noleap", "365_day")
REFORM = (1582, 10, 15)
STAMPS = ("start", "middle", "end")
SECONDS = {
    **dict.fromkeys(("days", "day", "d"), 86400.0),
    **dict.fromkeys(("hours", "hour", "hr", "h"), 3600.0),
    **dict.fromkeys(("minutes", "minute", "min"), 60.0),
    **dict.fromkeys(("seconds", "second", "sec", "s"), 1.0),
}
STEPS = (3600.0, 10800.0, 86400.0)  # s
SMALLEST_SHIFT = 1.0  # s, that is no rounding of a stamp
ROUNDING = 0.5  # K, of packed and interpolated daily extremes
FARTHEST = 1.0  # degree, from the coordinates of another variable


@dataclass(frozen=True)
class TimeAxis:
    """The records of a file: their length, the first that begins at midnight, and the date of that."""

    step: float  # s
    first_record: int
    midnight: cftime.datetime

    @property
    def per_day(self) -> int:
        """Records of a day."""
        return round(86400.0 / self.step)


def require_valid_forcing(path: str | Path, utc: bool = False) -> None:
    """Raise FormatError unless the file is a forcing file of section 4; warns of what is improbable."""
    require(path, partial(check_forcing, utc=utc))
    for doubt in forcing_doubts(path):
        log.warning("%s: warning: %s", path, doubt)


def check_forcing(path: str | Path, utc: bool = False) -> list[str]:
    """Faults of a forcing file with ALMA names, one sentence each; empty for none. `utc`: its times are in UTC."""
    return faults_of_file(path, partial(_forcing_faults, utc=utc))


def _forcing_faults(file: netCDF4.Dataset, utc: bool) -> list[str]:
    if "time" not in file.variables:
        return ["variable 'time' is missing"]
    axis, faults = read_time_axis(file)
    read: dict[str, np.ndarray] = {}
    for name, expected in FORCING.items():
        daily_extreme = name in ("Tmin", "Tmax") and axis is not None and axis.per_day == 1
        if name not in file.variables:
            if not expected.optional or daily_extreme:
                faults.append(f"variable {name!r} is missing")
            continue
        series = file[name]
        if series.dimensions not in (("time",), ("time", "site")):
            faults.append(f"{name}: dimensions are {series.dimensions}, expected (time) or (time, site)")
            continue
        faults += _series_faults(series, expected, axis.step if axis else 3600.0)
    faults += _site_faults(file)
    if axis is None or faults:
        return faults
    if axis.per_day == 1:
        read = {name: _rows(file[name], axis) for name in ("Tmin", "Tair", "Tmax")}
        faults += _extreme_faults(axis, *(_in_kelvin(file[name], values) for name, values in read.items()))
    in_utc = utc or str(getattr(file["time"], "time_zone", "")).lower() == "utc"
    return faults if in_utc else faults + _sun_faults(file, axis)


def _series_faults(series: netCDF4.Variable, expected: ForcingVariable, interval: float) -> list[str]:
    """Units that do not fit, and the first value that is missing or impossible."""
    units = str(getattr(series, "units", "")).strip()
    lowest, highest, shown = expected.lowest, expected.highest, expected.units
    converted: tuple[float, float] | None
    if expected.name == "Qair" and units in RELATIVE_HUMIDITY:
        converted, lowest, highest, shown = (0.01, 0.0), LOWEST_RELATIVE, HIGHEST_RELATIVE, "1"
    else:
        converted = conversion(units, expected, interval) if units else None
    if converted is None:
        return [f"{series.name}: units are {units or None!r}, expected {expected.units!r}"]
    for first in range(0, series.shape[0], ROWS_AT_ONCE * 64):
        values = converted[0] * numbers(series, slice(first, first + ROWS_AT_ONCE * 64)) + converted[1]
        absent = np.isnan(values)
        faulty = (~absent & ~((values >= lowest) & (values <= highest))) | (absent & (not expected.derivable))
        if not faulty.any():
            continue
        row, *site = (int(index) for index in np.argwhere(faulty)[0])
        value = values[(row, *site)]
        place = f"time {first + row}" + "".join(f", site {index}" for index in site)
        if np.isnan(value):
            return [f"{series.name}: the value at {place} is missing (NaN, fill or outside its valid range)"]
        return [f"{series.name}: the value at {place} = {value:g} {shown} is outside {lowest:g} to {highest:g}"]
    return []


def _site_faults(file: netCDF4.Dataset) -> list[str]:
    """Faults of the description of the sites, where the file has one."""
    faults = []
    if file.dimensions["site"].size > 1 if "site" in file.dimensions else False:
        names = ("site_id",) if "site_id" in file.variables else ("lat", "lon")
        if any(name not in file.variables or "site" not in file[name].dimensions for name in names):
            faults = ["has several sites, and neither site_id(site) nor lat(site) and lon(site) to tell which they are"]
    if "site_id" in file.variables and "site" in file.dimensions:
        faults += [fault for fault in site_id_faults(file) if "cf_role" not in fault]
    described = ("lat", "lon", "elevation", "sand", "clay", "ph", "biome")
    for name in described:
        if name in file.variables and file[name].dimensions == ("site",):
            faults += [fault for fault in static_faults(file, BY_NAME[name]) if "units" not in fault]
    return faults


def _rows(series: netCDF4.Variable, axis: TimeAxis) -> np.ndarray:
    """Values (T, sites) of the whole days, in the units of the file."""
    values = numbers(series, slice(axis.first_record, None))
    values = values.reshape(len(values), -1)
    return values[: len(values) // axis.per_day * axis.per_day]


def _in_kelvin(series: netCDF4.Variable, values: np.ndarray) -> np.ndarray:
    factor, offset = conversion(str(series.units), FORCING["Tair"], 1.0) or (1.0, 0.0)
    return factor * values + offset


def _extreme_faults(axis: TimeAxis, lowest: np.ndarray, mean: np.ndarray, highest: np.ndarray) -> list[str]:
    """The first day whose extremes are not around its mean; all (days, sites), K."""
    faulty = np.argwhere(~((lowest <= mean + ROUNDING) & (highest >= mean - ROUNDING)))
    if not len(faulty):
        return []
    day, site = (int(index) for index in faulty[0])
    extremes = ", ".join(f"{values[day, min(site, values.shape[1] - 1)]:g}" for values in (lowest, mean, highest))
    date = axis.midnight + timedelta(days=day)
    return [
        f"Tmin, Tair and Tmax are {extremes} K at site {site} on {date:%Y-%m-%d}, expected in rising order; "
        "are they exchanged, or in other units?"
    ]


def _sun_faults(file: netCDF4.Dataset, axis: TimeAxis) -> list[str]:
    """Light that is highest far from noon, at any site."""
    light = _light(file, axis)
    for site in range(light.shape[1]):
        fault = foreign_hour(light[:, site], axis.per_day)
        if fault:
            date = axis.midnight + timedelta(days=fault[0])
            return [f"SWdown: from {date:%Y-%m-%d} on at site {site} {fault[1]}"]
    return []


def _light(file: netCDF4.Dataset, axis: TimeAxis) -> np.ndarray:
    """Shortwave radiation (T, sites) of the whole days, W m-2."""
    series = file["SWdown"]
    factor, _offset = conversion(str(series.units), FORCING["SWdown"], axis.step) or (1.0, 0.0)
    return factor * _rows(series, axis)


def forcing_doubts(path: str | Path) -> list[str]:
    """What is improbable in a good forcing file: more light than arrives above the air at its latitude."""
    with reading(path) as file:
        axis, _faults = read_time_axis(file)
        if axis is None or "lat" not in file.variables:
            return []
        light = _light(file, axis)
        latitudes = numbers(file["lat"]).ravel()
        if light.shape[1] not in (1, len(latitudes)):
            return []
        mean = np.maximum(light, 0.0).reshape(-1, axis.per_day, light.shape[1]).mean(axis=1)
        day_of_year = np.array([(axis.midnight + timedelta(days=day)).dayofyr for day in range(len(mean))])
        for site, lat in enumerate(latitudes.tolist()):
            doubt = excessive_light(mean[:, min(site, light.shape[1] - 1)], day_of_year, lat)
            if doubt:
                date = axis.midnight + timedelta(days=doubt[0])
                return [f"SWdown: from {date:%Y-%m-%d} on at site {site} {doubt[1]}"]
    return []


def read_time_axis(file: netCDF4.Dataset) -> tuple[TimeAxis | None, list[str]]:
    """The time axis of a forcing file; None and the fault where it cannot be used."""
    time = file["time"]
    calendar = str(getattr(time, "calendar", "standard")).lower() or "standard"
    if calendar not in CALENDARS:
        return None, [f"time: calendar is {calendar!r}, expected one of {', '.join(CALENDARS)}"]
    stamp = str(getattr(time, "stamp", "") or "start").lower()
    if stamp not in STAMPS:
        return None, [f"time: stamp is {stamp!r}, expected start, middle or end"]
    units = str(getattr(time, "units", ""))
    try:
        unit = SECONDS[units.partition(" since ")[0].strip().lower()]
        cftime.num2date(0, units, calendar)
    except (KeyError, ValueError):
        return None, [f"time: units are {units or None!r}, expected such as 'hours since 2001-01-01 00:00:00'"]
    stamps = numbers(time)
    if np.isnan(stamps).any():
        return None, ["time: values are missing"]
    steps = np.diff(stamps) * unit
    if steps.size == 0:
        return None, ["time: fewer than two values"]
    if min(abs(steps[0] - seconds) for seconds in STEPS) > SMALLEST_SHIFT:
        return None, [f"time: the step is {steps[0]:g} s, expected hourly, 3-hourly or daily"]
    uneven = np.flatnonzero(np.abs(steps - steps[0]) > SMALLEST_SHIFT)
    if uneven.size:
        before = cftime.num2date(float(stamps[uneven[0]]), units, calendar)
        return None, [
            f"time: after {before:%Y-%m-%d %H:%M} the step is {steps[uneven[0]]:g} s, expected {steps[0]:g} s"
        ]
    step = float(round(steps[0]))
    begin = cftime.num2date(float(stamps[0]), units, calendar) + timedelta(seconds=start_of_interval(file) * step)
    return _from_midnight(begin, step, len(stamps), calendar)


def _from_midnight(
    begin: cftime.datetime, step: float, records: int, calendar: str
) -> tuple[TimeAxis | None, list[str]]:
    """The axis whose first record begins at a time."""
    for record in range(min(records, round(86400.0 / step))):
        near = begin + timedelta(seconds=record * step + SMALLEST_SHIFT)
        if near.hour == 0 and near.minute == 0 and near.second <= 2.0 * SMALLEST_SHIFT:
            if calendar in MIXED_CALENDARS and (near.year, near.month, near.day) < REFORM:
                return None, [
                    f"time: {near:%Y-%m-%d} is before 15 October 1582, where the calendar {calendar!r} is Julian; "
                    "use proleptic_gregorian"
                ]
            midnight = near.replace(hour=0, minute=0, second=0, microsecond=0)
            return TimeAxis(step, record, midnight), []
    return None, [f"time: no interval begins at midnight (the first at {begin:%Y-%m-%d %H:%M})"]


def start_of_interval(file: netCDF4.Dataset) -> float:
    """Where an interval begins relative to its stamp, in intervals: by the attribute `stamp`, else by CF bounds."""
    time = file["time"]
    stamp, bounds = str(getattr(time, "stamp", "")).lower(), getattr(time, "bounds", None)
    if not stamp and bounds in file.variables:
        first, last = (float(edge) for edge in numbers(file[bounds])[0])
        if last > first:
            return round(2.0 * (first - float(numbers(time)[0])) / (last - first)) / 2.0
    return {"start": 0.0, "middle": -0.5, "end": -1.0}.get(stamp, 0.0)
