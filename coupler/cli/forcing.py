"""Drivers, statics and measured flux in netCDF files, as a host would hold them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cftime
import netCDF4
import numpy as np
from numpy.typing import NDArray

from coupler.cli.errors import CommandError
from coupler.cli.time_axis import Days, add_days, format_day, same_day, whole_days
from foundations.cf_calendar import same_calendar
from foundations.file_name import netcdf_name


@dataclass(frozen=True)
class Grid:
    """Cells' dimensions and their sizes, and the days of a run."""

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    start: cftime.datetime
    count: int
    calendar: str


@dataclass(frozen=True)
class Block:
    """Some rows of the cells' first dimension: the cut, all dimensions, and their sizes after the cut."""

    rows: slice
    dims: tuple[str, ...]
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of cells."""
        return int(np.prod(self.shape, dtype=np.int64))


@dataclass(frozen=True)
class FileVariable:
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

    def find(self, name: str, what: str) -> FileVariable:
        """The variable `name`; CommandError with what there is instead."""
        for path, file in zip(self.paths, self._files, strict=True):
            if name not in file.variables:
                message = (
                    f"{path}: has no variable '{name}' for the {what}; --map NAME=VARIABLE names another, "
                    f"--set NAME=VALUE gives one value (the file has {', '.join(sorted(file.variables))})"
                )
                raise CommandError(message)
        variable = self.first[name]
        dims = tuple(d for d in variable.dimensions if d != "time")
        return FileVariable(name, str(getattr(variable, "units", "")), dims, "time" in variable.dimensions)

    def days(self) -> list[Days]:
        """The whole days of each file, which must follow one another with one calendar and step."""
        days = [whole_days(path, file) for path, file in zip(self.paths, self._files, strict=True)]
        for i in range(1, len(days)):
            before, after = days[i - 1], days[i]
            if before.dt != after.dt or not same_calendar(before.calendar, after.calendar):
                message = (
                    f"{self.paths[i]}: calendar {after.calendar}, step {after.dt} s; {self.paths[i - 1]} has "
                    f"{before.calendar} and {before.dt} s"
                )
                raise CommandError(message)
            due = add_days(before.first, before.count)
            if not same_day(after.first, due):
                message = (
                    f"{self.paths[i]}: begins on {format_day(after.first)}; after {self.paths[i - 1]} "
                    f"{format_day(due)} is due"
                )
                raise CommandError(message)
        return days

    def values(self, variable: FileVariable, days: list[Days], first: int, count: int, block: Block) -> NDArray:
        """Steps of `count` days from day `first` on, (steps, cells), NaN where missing; (1, cells) of what has no time.

        Dimensions of the block that the variable lacks are repeated.
        """
        if not variable.timed:
            return self.static(variable, block)[None]
        pieces, begin = [], 0
        for file, file_days in zip(self._files, days, strict=True):
            low, high = max(first, begin), min(first + count, begin + file_days.count)
            if low < high:
                steps = slice(
                    file_days.offset + (low - begin) * file_days.steps_a_day,
                    file_days.offset + (high - begin) * file_days.steps_a_day,
                )
                pieces.append(_read(file[variable.name], steps, block))
            begin += file_days.count
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)

    def static(self, variable: FileVariable, block: Block) -> NDArray:
        """A variable without time, (cells,), NaN where missing."""
        if variable.timed:
            message = f"{self.name}: '{variable.name}' has the dimension time, but is wanted as a static"
            raise CommandError(message)
        return _read(self.first[variable.name], slice(0, 1), block)[0]


def cell_dimensions(files: Files, variables: Sequence[FileVariable]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The cells' dimensions, those of the driver that has most, and their sizes.

    Dimensions of length 1 that another driver lacks are passed over, such as a height.
    """
    timed = [variable for variable in variables if variable.timed]
    if not timed:
        message = f"{files.name}: no driver has the dimension time"
        raise CommandError(message)
    widest = max(timed, key=lambda variable: len(variable.dims))
    sizes = {d: len(files.first.dimensions[d]) for d in widest.dims}
    dims = tuple(d for d in widest.dims if sizes[d] > 1 or all(d in v.dims for v in timed))
    for variable in variables:
        if strange := [d for d in variable.dims if d not in dims and len(files.first.dimensions.get(d, ())) != 1]:
            message = f"{files.name}: '{variable.name}' has the dimension '{strange[0]}', which '{widest.name}' has not"
            raise CommandError(message)
    return dims, tuple(sizes[d] for d in dims)


def _open(path: Path) -> netCDF4.Dataset:
    try:
        return netCDF4.Dataset(**netcdf_name(path))
    except OSError as error:
        message = f"{path}: {error.strerror or error}"
        raise CommandError(message) from error


def _read(variable: netCDF4.Variable, steps: slice, block: Block) -> NDArray:
    """(steps, cells) of a variable, floats with NaN where missing."""
    dims = block.dims
    index = tuple(
        steps if d == "time" else block.rows if dims and d == dims[0] else slice(None) if d in dims else 0
        for d in variable.dimensions
    )
    masked = np.ma.asarray(variable[index] if index else variable[...])
    kind = masked.dtype if masked.dtype in (np.float32, np.float64) else np.float64
    values = np.ma.filled(masked.astype(kind), np.nan)
    value_dims = [d for d in variable.dimensions if d == "time" or d in dims]
    values = np.transpose(values, [value_dims.index(d) for d in ("time", *dims) if d in value_dims])
    values = values[tuple(slice(None) if d in value_dims else None for d in ("time", *dims))]
    values = np.broadcast_to(values, (values.shape[0] if "time" in value_dims else 1, *block.shape))
    return np.ascontiguousarray(values.reshape(values.shape[0], -1))
