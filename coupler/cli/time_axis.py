"""Days and dates: the time axis of a netCDF file, and dates in its calendar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import cftime
import netCDF4
import numpy as np
from numpy.typing import NDArray

from coupler.cli.errors import CommandError

SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
DAY = 86400


@dataclass(frozen=True)
class Days:
    """Whole days in a file: calendar, length of its steps (s), first day, number of days, place of the first step."""

    calendar: str
    dt: int
    first: cftime.datetime
    count: int
    offset: int

    @property
    def steps_a_day(self) -> int:
        """Steps of the file in a day."""
        return DAY // self.dt


def whole_days(path: Path, file: netCDF4.Dataset) -> Days:
    """The whole days of a file with equal steps that divide the day; CommandError where it has none."""
    if "time" not in file.variables:
        message = f"{path}: has no variable 'time'"
        raise CommandError(message)
    time = file["time"]
    units = str(getattr(time, "units", ""))
    unit = units.split(" ", maxsplit=1)[0].lower().rstrip("s")
    if unit not in SECONDS or " since " not in units:
        message = f"{path}: time is in '{units}'; expected seconds, minutes, hours or days since a date"
        raise CommandError(message)
    starts, dt = _steps(path, file, SECONDS[unit])
    if dt > DAY or DAY % dt:
        message = f"{path}: the steps of time are {dt} s, which does not divide the day"
        raise CommandError(message)
    origin, midnight = _origin(time)
    seconds = starts + midnight
    offset = int(-seconds[0] % DAY // dt)
    if seconds[0] % dt:
        message = f"{path}: steps of {dt} s begin {int(seconds[0] % DAY)} s after midnight, which divides no day"
        raise CommandError(message)
    count = (len(seconds) - offset) * dt // DAY
    if count < 1:
        message = f"{path}: holds no whole day"
        raise CommandError(message)
    day = cftime.datetime(origin.year, origin.month, origin.day, calendar=origin.calendar)
    first = add_days(day, int(seconds[offset] // DAY))
    return Days(_calendar(time), dt, first, count, offset)


def _calendar(time: netCDF4.Variable) -> str:
    return str(getattr(time, "calendar", "standard"))


def _origin(time: netCDF4.Variable) -> tuple[cftime.datetime, int]:
    """The date of the units, and its seconds after midnight."""
    origin = cftime.num2date(0, time.units, _calendar(time), only_use_cftime_datetimes=True)
    return origin, origin.hour * 3600 + origin.minute * 60 + origin.second


def _steps(path: Path, file: netCDF4.Dataset, unit: int) -> tuple[NDArray[np.int64], int]:
    """Starts of the steps in s since the date of the units, and their length."""
    time = file["time"]
    stamps = np.rint(np.asarray(time[:], np.float64) * unit).astype(np.int64)
    bounds = getattr(time, "bounds", None)
    if bounds in file.variables:
        edges = np.rint(np.asarray(file[bounds][:], np.float64) * unit).astype(np.int64)
        starts, lengths = edges[:, 0], edges[:, 1] - edges[:, 0]
    else:
        lengths = np.diff(stamps) if len(stamps) > 1 else np.array([DAY])
        stamp = getattr(time, "stamp", "start")
        starts = stamps - {"start": 0, "middle": int(lengths[0]) // 2, "end": int(lengths[0])}.get(stamp, 0)
        if lengths[0] == DAY and stamp != "end":
            _, midnight = _origin(time)
            starts = (stamps + midnight) // DAY * DAY - midnight  # daily values, stamped at any time of their day
    dt = int(lengths[0])
    if dt < 1 or (lengths != dt).any() or (np.diff(starts) != dt).any():
        message = f"{path}: the steps of time are not equally long, or do not follow one another"
        raise CommandError(message)
    return starts, dt


def add_days(day: cftime.datetime, count: int) -> cftime.datetime:
    """A later day of the same calendar."""
    return day + timedelta(days=count)


def parse_day(text: str, calendar: str, option: str) -> cftime.datetime:
    """YYYY-MM-DD in a calendar."""
    try:
        year, month, day = (int(number) for number in text.split("-"))
        return cftime.datetime(year, month, day, calendar=calendar)
    except ValueError as error:
        message = f"{option} {text}: expected YYYY-MM-DD in the calendar '{calendar}'"
        raise CommandError(message) from error


def format_day(day: cftime.datetime) -> str:
    """YYYY-MM-DD."""
    return f"{day.year:04d}-{day.month:02d}-{day.day:02d}"
