"""Drivers, statics and measured flux in netCDF files, as a host would hold them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cftime
import netCDF4
import numpy as np
from numpy.typing import NDArray

from coupler.cli.alignment import Cells, Places, align, cells_of
from coupler.cli.class_codes import Recoding, recoding
from coupler.cli.errors import CommandError
from coupler.cli.netcdf_file import open_netcdf
from coupler.cli.time_axis import Days, add_days, format_day, same_day, whole_days
from foundations.cf_calendar import is_mixed, same_calendar
from foundations.units import unit_conversion


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
    """A variable of the files: name, units ("" where it has none), dimensions without time.

    scales: factor and offset to these units by file; None where the file has it in these units.
    recodings: of classes the artefact's code by that of the file, for each file; None where codes are the same.
    """

    name: str
    units: str
    dims: tuple[str, ...]
    timed: bool
    scales: tuple[tuple[float, float] | None, ...] = (None,)
    recodings: tuple[Recoding | None, ...] = (None,)


class Files:
    """One or more netCDF files in the order of time, with variables over `time` and the cells' dimensions.

    What differs between them is taken from each: time, units, the order of dimensions and, after `align_to`, of cells.
    """

    def __init__(self, paths: Sequence[Path]):
        self.paths = list(paths)
        self._files: list[netCDF4.Dataset] = []
        try:
            for path in self.paths:
                self._files.append(open_netcdf(path))
        except CommandError:
            self.close()
            raise
        self._places: list[Places] = [{} for _ in self.paths]
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

    def find(
        self, name: str, what: str, units: str | None = None, classes: Mapping[int, str] | None = None
    ) -> FileVariable:
        """The variable `name`, in `units` where they are given, else in those of the first file.

        classes: meanings by code in the artefact, by which the codes of files are matched.
        CommandError with what there is instead, and where files do not have it in one form.
        """
        for path, file in zip(self.paths, self._files, strict=True):
            if name not in file.variables:
                message = (
                    f"{path}: has no variable '{name}' for the {what}; --map NAME=VARIABLE names another, "
                    f"--set NAME=VALUE gives one value (the file has {', '.join(sorted(file.variables))})"
                )
                raise CommandError(message)
            if not np.issubdtype(file[name].dtype, np.number):
                message = f"{path}: '{name}' for the {what} holds no numbers"
                raise CommandError(message)
        variable = self.first[name]
        dims = tuple(d for d in variable.dimensions if d != "time")
        if classes:
            recodings = tuple(recoding(file[name], classes) for file in self._files)
            return FileVariable(name, "1", dims, "time" in variable.dimensions, (None,) * len(self.paths), recodings)
        scales = tuple(self._scale(place, name, units) for place in range(len(self.paths)))
        return FileVariable(
            name, _units(variable), dims, "time" in variable.dimensions, scales, (None,) * len(self.paths)
        )

    def _scale(self, place: int, name: str, units: str | None) -> tuple[float, float] | None:
        """Factor and offset from a file's units of a variable to those of the first file; None where they are one."""
        variables = [file[name] for file in self._files]
        first, variable = variables[0], variables[place]
        shapes = [{d for d in v.dimensions if v.shape[v.dimensions.index(d)] != 1 or d == "time"} for v in variables]
        if shapes[place] != shapes[0]:
            over = f"'{name}' is over {variable.dimensions}"
            message = f"{self.paths[place]}: {over}, in {self.paths[0]} over {first.dimensions}"
            raise CommandError(message)
        in_file, in_first = _units(variable), _units(first)
        if in_file == in_first or (units and not (in_file and in_first)):
            return None
        reason = "--units cannot be both"
        if not units:
            try:
                return unit_conversion(in_file, in_first, name)
            except ValueError as error:
                reason = str(error)
        message = f"{self.paths[place]}: '{name}' is in '{in_file}', in {self.paths[0]} in '{in_first}'; {reason}"
        raise CommandError(message)

    def cells(self, dims: Sequence[str]) -> Cells:
        """What the first file says of its cells."""
        return cells_of(self.paths[0], self.first, dims)

    def align_to(self, reference: Cells, dims: Sequence[str]) -> None:
        """Give the cells of each file in the order of `reference`; CommandError where they cannot be matched."""
        for place, (path, file) in enumerate(zip(self.paths, self._files, strict=True)):
            if path != reference.path:
                self._places[place] = align(reference, cells_of(path, file, dims), dims)

    @property
    def first_places(self) -> Places:
        """Where the cells of the run are in the first file."""
        return self._places[0]

    def days(self) -> list[Days]:
        """The whole days of each file, which must follow one another with one calendar and step."""
        days = [whole_days(path, file) for path, file in zip(self.paths, self._files, strict=True)]
        for i in range(1, len(days)):
            before, after = days[i - 1], days[i]
            mixed = before.calendar != after.calendar and any(
                is_mixed(d.calendar, _date(d.first)) for d in (before, after)
            )
            if before.dt != after.dt or mixed or not same_calendar(before.calendar, after.calendar):
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
        for place, file_days in enumerate(days):
            low, high = max(first, begin), min(first + count, begin + file_days.count)
            if low < high:
                steps = slice(
                    file_days.offset + (low - begin) * file_days.steps_a_day,
                    file_days.offset + (high - begin) * file_days.steps_a_day,
                )
                piece = _read(self._files[place][variable.name], steps, block, self._places[place])
                piece = _recoded(piece, variable.recodings[place], self.paths[place], variable.name)
                scale = variable.scales[place]
                pieces.append(piece if scale is None else piece * scale[0] + scale[1])
            begin += file_days.count
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)

    def static(self, variable: FileVariable, block: Block) -> NDArray:
        """A variable without time, (cells,), NaN where missing."""
        if variable.timed:
            message = f"{self.name}: '{variable.name}' has the dimension time, but is wanted as a static"
            raise CommandError(message)
        values = _read(self.first[variable.name], slice(0, 1), block, self._places[0])[0]
        return _recoded(values, variable.recodings[0], self.paths[0], variable.name)


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
    if empty := [d for d, size in sizes.items() if size == 0]:
        message = f"{files.name}: the dimension '{empty[0]}' is empty, the file holds no cell"
        raise CommandError(message)
    dims = tuple(d for d in widest.dims if sizes[d] > 1 or all(d in v.dims for v in timed))
    require_dimensions(files, variables, dims, widest.name)
    return dims, tuple(sizes[d] for d in dims)


def require_dimensions(files: Files, variables: Sequence[FileVariable], dims: Sequence[str], widest: str) -> None:
    """CommandError where a variable has a dimension, longer than 1, that the cells do not have."""
    for variable in variables:
        if strange := [d for d in variable.dims if d not in dims and len(files.first.dimensions.get(d, ())) != 1]:
            message = f"{files.name}: '{variable.name}' has the dimension '{strange[0]}', which '{widest}' has not"
            raise CommandError(message)


def _recoded(values: NDArray, codes: Recoding | None, path: Path, name: str) -> NDArray:
    return values if codes is None else codes.apply(values, f"{path}: '{name}'")


def _units(variable: netCDF4.Variable) -> str:
    return str(getattr(variable, "units", ""))


def _date(day: cftime.datetime) -> tuple[int, int, int]:
    return day.year, day.month, day.day


def _read(variable: netCDF4.Variable, steps: slice, block: Block, places: Places) -> NDArray:
    """(steps, cells) of a variable, floats with NaN where missing."""
    dims = block.dims
    spans = {d: block.rows if d == dims[0] else slice(None) for d in dims}
    takes = {}
    for d in set(places) & set(variable.dimensions):
        block_places = places[d][spans[d]]
        low = int(block_places.min())
        spans[d] = slice(low, int(block_places.max()) + 1)
        takes[d] = block_places - low
    index = tuple(steps if d == "time" else spans.get(d, 0) for d in variable.dimensions)
    try:
        masked = np.ma.asarray(variable[index] if index else variable[...])
    except (OSError, RuntimeError) as error:
        message = f"{variable.group().filepath()}: '{variable.name}' cannot be read, the file is damaged ({error})"
        raise CommandError(message) from error
    kind = masked.dtype if masked.dtype in (np.float32, np.float64) else np.float64
    values = np.ma.filled(masked.astype(kind), np.nan)
    value_dims = [d for d in variable.dimensions if d == "time" or d in dims]
    for d, block_places in takes.items():
        values = np.take(values, block_places, axis=value_dims.index(d))
    values = np.transpose(values, [value_dims.index(d) for d in ("time", *dims) if d in value_dims])
    values = values[tuple(slice(None) if d in value_dims else None for d in ("time", *dims))]
    values = np.broadcast_to(values, (values.shape[0] if "time" in value_dims else 1, *block.shape))
    return np.ascontiguousarray(values.reshape(values.shape[0], -1))
