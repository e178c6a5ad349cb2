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
from foundations.cf_calendar import calendar_of

SECONDS = {
    **dict.fromkeys(("second", "seconds", "sec", "secs", "s"), 1),
    **dict.fromkeys(("minute", "minutes", "min", "mins"), 60),
    **dict.fromkeys(("hour", "hours", "hr", "hrs", "h"), 3600),
    **dict.fromkeys(("day", "days", "d"), 86400),
}
CALENDARS = ("standard", "proleptic_gregorian", "noleap", "360_day")
STAMPS = ("start", "middle", "end")
LARGEST = 2.0**53
"""Seconds that a double counts one by one."""
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
    if time.dimensions != ("time",) or not np.issubdtype(time.dtype, np.number):
        message = f"{path}: 'time' is not a series of numbers over the dimension 'time'"
        raise CommandError(message)
    if len(time) == 0:
        message = f"{path}: 'time' is empty, the file holds no step"
        raise CommandError(message)
    origin = _origin(path, time)
    starts, dt = _steps(path, file, origin)
    if dt > DAY or DAY % dt:
        message = f"{path}: the steps of time are {dt} s, which does not divide the day"
        raise CommandError(message)
    seconds = starts + origin.midnight
    offset = int(-seconds[0] % DAY // dt)
    if seconds[0] % dt:
        message = f"{path}: steps of {dt} s begin {int(seconds[0] % DAY)} s after midnight, which divides no day"
        raise CommandError(message)
    count = (len(seconds) - offset) * dt // DAY
    if count < 1:
        message = f"{path}: holds no whole day"
        raise CommandError(message)
    day = cftime.datetime(origin.date.year, origin.date.month, origin.date.day, calendar=origin.date.calendar)
    try:
        first = add_days(day, int(seconds[offset] // DAY))
        add_days(first, int(count))
    except (ValueError, OverflowError) as error:
        message = f"{path}: time leaves the years that the calendar has ({error})"
        raise CommandError(message) from error
    return Days(origin.calendar, dt, first, count, offset)


@dataclass(frozen=True)
class _Origin:
    """What the numbers of a time axis count from: calendar, date, seconds of it after midnight, seconds of the unit."""

    calendar: str
    date: cftime.datetime
    midnight: int
    unit: int


def _origin(path: Path, time: netCDF4.Variable) -> _Origin:
    units = str(getattr(time, "units", ""))
    unit, _, date = units.partition(" since ")
    if unit.strip().lower() not in SECONDS or not date:
        message = f"{path}: time is in '{units}'; expected seconds, minutes, hours or days since a date"
        raise CommandError(message)
    try:
        calendar = calendar_of(getattr(time, "calendar", "standard"))
    except ValueError as error:
        message = f"{path}: time: {error}"
        raise CommandError(message) from error
    if calendar not in CALENDARS:
        message = f"{path}: time: an artefact does not run in calendar '{calendar}' (it does in {', '.join(CALENDARS)})"
        raise CommandError(message)
    try:
        origin = cftime.num2date(0, units, calendar, only_use_cftime_datetimes=True)
    except (ValueError, OverflowError) as error:
        message = f"{path}: time is in '{units}', which is no date of calendar '{calendar}' ({error})"
        raise CommandError(message) from error
    midnight = origin.hour * 3600 + origin.minute * 60 + origin.second
    return _Origin(calendar, origin, midnight, SECONDS[unit.strip().lower()])


def _seconds(path: Path, variable: netCDF4.Variable, unit: int) -> NDArray[np.int64]:
    """Values of time or of its bounds in whole seconds."""
    numbers = np.ma.filled(np.ma.asarray(variable[:], np.float64), np.nan) * unit
    if not (np.abs(numbers) < LARGEST).all():  # NaN is not
        message = f"{path}: '{variable.name}' has missing or impossible values"
        raise CommandError(message)
    return np.rint(numbers).astype(np.int64)


def _bounds(path: Path, file: netCDF4.Dataset) -> netCDF4.Variable | None:
    """The variable of the steps' begins and ends; None where time names none."""
    time = file["time"]
    name = getattr(time, "bounds", None)
    if name not in file.variables:
        return None
    bounds = file[name]
    if bounds.dimensions[:1] != ("time",) or bounds.shape != (len(time), 2):
        message = f"{path}: '{name}', the bounds of time, has the shape {bounds.shape}, expected ({len(time)}, 2)"
        raise CommandError(message)
    for attribute in ("units", "calendar"):
        if getattr(bounds, attribute, getattr(time, attribute, "")) != getattr(time, attribute, ""):
            message = f"{path}: '{name}', the bounds of time, has other {attribute} than time"
            raise CommandError(message)
    return bounds


def _steps(path: Path, file: netCDF4.Dataset, origin: _Origin) -> tuple[NDArray[np.int64], int]:
    """Starts of the steps in s since the date of the units, and their length."""
    time = file["time"]
    stamps = _seconds(path, time, origin.unit)
    bounds = _bounds(path, file)
    if bounds is not None:
        edges = _seconds(path, bounds, origin.unit)
        starts, lengths = edges[:, 0], edges[:, 1] - edges[:, 0]
    else:
        lengths = np.diff(stamps) if len(stamps) > 1 else np.array([DAY])
        stamp = getattr(time, "stamp", "start")
        if stamp not in STAMPS:
            message = f"{path}: time: stamp is '{stamp}', expected {', '.join(STAMPS)}"
            raise CommandError(message)
        starts = stamps - {"start": 0, "middle": int(lengths[0]) // 2, "end": int(lengths[0])}[stamp]
        if lengths[0] == DAY and stamp != "end":  # daily values, stamped at any time of their day
            starts = (stamps + origin.midnight) // DAY * DAY - origin.midnight
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


def same_day(first: cftime.datetime, second: cftime.datetime) -> bool:
    """Whether two days have one date, by whatever names their calendars go."""
    return format_day(first) == format_day(second)


def format_day(day: cftime.datetime) -> str:
    """YYYY-MM-DD."""
    return f"{day.year:04d}-{day.month:02d}-{day.day:02d}"
