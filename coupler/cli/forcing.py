"""Drivers, statics and measured flux in netCDF files, as a host would hold them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import cftime
import netCDF4
import numpy as np
from numpy.typing import NDArray

from coupler.cli.command import CommandError

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


@dataclass(frozen=True)
class Grid:
    """Cells' dimensions and their sizes, and the days of a run."""

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    start: cftime.datetime
    count: int
    calendar: str


@dataclass(frozen=True)
class Variable:
    """A variable of the files: name, units ("" where it has none), dimensions without time."""

    name: str
    units: str
    dims: tuple[str, ...]
    timed: bool


class Files:
    """One or more netCDF files in the order of time, with variables over `time` and the cells' dimensions."""

    def __init__(self, paths: Sequence[Path]):
        self.paths = list(paths)
        self._files: list[netCDF4.Dataset] = []
        try:
            for path in self.paths:
                self._files.append(_open(path))
        except CommandError:
            self.close()
            raise
        self.first = self._files[0]
        self.name = str(self.paths[0])

    def __enter__(self) -> Files:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all files."""
        for file in self._files:
            file.close()

    def find(self, name: str, what: str) -> Variable:
        """The variable `name`; CommandError with what there is instead."""
        for path, file in zip(self.paths, self._files, strict=True):
            if name not in file.variables:
                known = ", ".join(sorted(file.variables))
                raise CommandError(
                    f"{path}: has no variable '{name}' for the {what}; --map NAME=VARIABLE names another, "
                    f"--set NAME=VALUE gives one value (the file has {known})"
                )
        one = self.first[name]
        dims = tuple(d for d in one.dimensions if d != "time")
        return Variable(name, str(getattr(one, "units", "")), dims, "time" in one.dimensions)

    def days(self) -> list[Days]:
        """The whole days of each file, which must follow one another with one calendar and step."""
        found = [_days(path, file) for path, file in zip(self.paths, self._files, strict=True)]
        for i in range(1, len(found)):
            before, after = found[i - 1], found[i]
            if (before.calendar, before.dt) != (after.calendar, after.dt):
                raise CommandError(
                    f"{self.paths[i]}: calendar {after.calendar}, step {after.dt} s; {self.paths[i - 1]} has "
                    f"{before.calendar} and {before.dt} s"
                )
            expected = add_days(before.first, before.count)
            if after.first != expected:
                raise CommandError(
                    f"{self.paths[i]}: begins on {show(after.first)}; after {self.paths[i - 1]} {show(expected)} is due"
                )
        return found

    def values(self, variable: Variable, days: list[Days], first: int, count: int, rows: slice, dims: tuple[str, ...],
               shape: tuple[int, ...]) -> NDArray:  # fmt: skip
        """Steps of `count` days from day `first` on, (steps, cells), NaN where missing; (1, cells) of what has no time.

        `rows` cuts the first of `dims`. shape: sizes of `dims` after that. Missing dimensions are repeated.
        """
        if not variable.timed:
            return self.static(variable, rows, dims, shape)[None]
        parts, begin = [], 0
        for file, own in zip(self._files, days, strict=True):
            low, high = max(first, begin), min(first + count, begin + own.count)
            if low < high:
                steps = slice(
                    own.offset + (low - begin) * own.steps_a_day, own.offset + (high - begin) * own.steps_a_day
                )
                parts.append(_read(file[variable.name], steps, rows, dims, shape))
            begin += own.count
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def static(self, variable: Variable, rows: slice, dims: tuple[str, ...], shape: tuple[int, ...]) -> NDArray:
        """A variable without time, (cells,), NaN where missing."""
        if variable.timed:
            raise CommandError(f"{self.name}: '{variable.name}' has the dimension time, but is wanted as a static")
        return _read(self.first[variable.name], slice(0, 1), rows, dims, shape)[0]


def cell_dimensions(files: Files, variables: Sequence[Variable]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The cells' dimensions, those of the driver that has most, and their sizes.

    Dimensions of length 1 that another driver lacks are passed over, such as a height.
    """
    timed = [variable for variable in variables if variable.timed]
    if not timed:
        raise CommandError(f"{files.name}: no driver has the dimension time")
    widest = max(timed, key=lambda variable: len(variable.dims))
    sizes = {d: len(files.first.dimensions[d]) for d in widest.dims}
    dims = tuple(d for d in widest.dims if sizes[d] > 1 or all(d in v.dims for v in timed))
    for variable in variables:
        if strange := [d for d in variable.dims if d not in dims and len(files.first.dimensions.get(d, ())) != 1]:
            raise CommandError(
                f"{files.name}: '{variable.name}' has the dimension '{strange[0]}', which '{widest.name}' has not"
            )
    return dims, tuple(sizes[d] for d in dims)


def _open(path: Path) -> netCDF4.Dataset:
    try:
        return netCDF4.Dataset(path)
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror or error}") from error


def _days(path: Path, file: netCDF4.Dataset) -> Days:
    if "time" not in file.variables:
        raise CommandError(f"{path}: has no variable 'time'")
    time = file["time"]
    units, calendar = str(getattr(time, "units", "")), str(getattr(time, "calendar", "standard"))
    word = units.split(" ")[0].lower().rstrip("s")
    if word not in SECONDS or " since " not in units:
        raise CommandError(f"{path}: time is in '{units}'; expected seconds, minutes, hours or days since a date")
    starts, dt = _steps(path, file, SECONDS[word])
    if dt > DAY or DAY % dt:
        raise CommandError(f"{path}: the steps of time are {dt} s, which does not divide the day")
    origin = cftime.num2date(0, units, calendar, only_use_cftime_datetimes=True)
    midnight = origin.hour * 3600 + origin.minute * 60 + origin.second
    seconds = starts + midnight
    offset = int(-seconds[0] % DAY // dt)
    if seconds[0] % dt:
        raise CommandError(
            f"{path}: steps of {dt} s begin {int(seconds[0] % DAY)} s after midnight, which divides no day"
        )
    count = (len(seconds) - offset) * dt // DAY
    if count < 1:
        raise CommandError(f"{path}: holds no whole day")
    day = cftime.datetime(origin.year, origin.month, origin.day, calendar=origin.calendar)
    first = add_days(day, int(seconds[offset] // DAY))
    return Days(calendar, dt, first, count, offset)


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
            origin = cftime.num2date(
                0, time.units, getattr(time, "calendar", "standard"), only_use_cftime_datetimes=True
            )
            midnight = origin.hour * 3600 + origin.minute * 60 + origin.second
            starts = (stamps + midnight) // DAY * DAY - midnight  # daily values, stamped at any time of their day
    dt = int(lengths[0])
    if dt < 1 or (lengths != dt).any() or (np.diff(starts) != dt).any():
        raise CommandError(f"{path}: the steps of time are not equally long, or do not follow one another")
    return starts, dt


def _read(
    variable: netCDF4.Variable, steps: slice, rows: slice, dims: tuple[str, ...], shape: tuple[int, ...]
) -> NDArray:
    """(steps, cells) of a variable, floats with NaN where missing."""
    index = tuple(
        steps if d == "time" else rows if dims and d == dims[0] else slice(None) if d in dims else 0
        for d in variable.dimensions
    )
    values = variable[index] if index else variable[...]
    kept = [d for d in variable.dimensions if d == "time" or d in dims]
    values = np.ma.asarray(values)
    kind = values.dtype if values.dtype in (np.float32, np.float64) else np.float64
    full = np.ma.filled(values.astype(kind), np.nan)
    order = [d for d in ("time", *dims) if d in kept]
    full = np.transpose(full, [kept.index(d) for d in order])
    expand = tuple(slice(None) if d in kept else None for d in ("time", *dims))
    full = np.broadcast_to(full[expand], (full.shape[0] if "time" in kept else 1, *shape))
    return np.ascontiguousarray(full.reshape(full.shape[0], -1))


def add_days(day: cftime.datetime, count: int) -> cftime.datetime:
    """A later day of the same calendar."""
    return day + timedelta(days=count)


def parse_day(text: str, calendar: str, option: str) -> cftime.datetime:
    """YYYY-MM-DD in a calendar."""
    try:
        year, month, day = (int(part) for part in text.split("-"))
        return cftime.datetime(year, month, day, calendar=calendar)
    except ValueError as error:
        raise CommandError(f"{option} {text}: expected YYYY-MM-DD in the calendar '{calendar}'") from error


def show(day: cftime.datetime) -> str:
    """YYYY-MM-DD."""
    return f"{day.year:04d}-{day.month:02d}-{day.day:02d}"
