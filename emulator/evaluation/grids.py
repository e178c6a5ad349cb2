"""Series of sites that are the cells of a regular grid, as CF grids (time, lat, lon) and as means for maps.

Read are files of `emulator.predict`, datasets (docs/formats.md section 1) and what `ecostep run` wrote, netCDF or Zarr:
series of the dimensions (site, time) or (time, lat, lon). A part of them is in memory at a time.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cftime
import numpy as np

from foundations.netcdf_file import reading, writing
from foundations.netcdf_values import numbers, texts

BYTES_AT_ONCE = 256 << 20  # of series that are read before they are written
LARGEST_GRID = 50_000_000  # cells
OFF_LATTICE = 0.02  # of a cell, which places in single precision may be away from the lattice
FILL = np.float32(9.96921e36)
GRIDDED = ("time", "lat", "lon")
SHAPES = (("site", "time"), ("time", "site"), GRIDDED)
STEPS = ("day", "month", "year")
SEASONS = {"DJF": (12, 1, 2), "MAM": (3, 4, 5), "JJA": (6, 7, 8), "SON": (9, 10, 11)}


class GridError(ValueError):
    """Sites that are no grid, or a file without series; the message names file and site."""


@dataclass(frozen=True)
class Lattice:
    """A regular grid: centres `lat` (rows,) and `lon` (columns,), degrees, ascending; `cell`, their width.

    row and column (N,): where each site lies.
    """

    lat: np.ndarray
    lon: np.ndarray
    cell: tuple[float, float]
    row: np.ndarray
    column: np.ndarray

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Values (..., N) of the sites on the grid (..., rows, columns), NaN where there is no site."""
        grid = np.full((*values.shape[:-1], len(self.lat), len(self.lon)), np.nan, dtype=np.float32)
        grid[..., self.row, self.column] = values
        return grid


def lattice_of(lat: np.ndarray, lon: np.ndarray, names: Sequence[str], path: Path | str = "the file") -> Lattice:
    """The coarsest regular grid whose cells the places (N,), degrees, are; GridError where there is none."""
    rows, row, tall = _axis(lat)
    columns, column, wide = _axis(lon)
    if tall == 0.0 and wide == 0.0:
        message = f"{path}: a single place is no grid"
        raise GridError(message)
    tall, wide = tall or wide, wide or tall
    if len(rows) * len(columns) > LARGEST_GRID:
        message = f"{path}: sites are not the cells of a regular grid (they are {tall:g} and {wide:g} degrees apart)"
        raise GridError(message)
    for axis, index, of_sites, cell in ((rows, row, lat, tall), (columns, column, lon, wide)):
        off = np.abs(axis[index] - of_sites)
        if off.max() > OFF_LATTICE * cell:
            site = int(off.argmax())
            message = f"{path}: sites are not the cells of a regular grid: {names[site]} is between them"
            raise GridError(message)
    _, first, count = np.unique(row * len(columns) + column, return_index=True, return_counts=True)
    if (count > 1).any():
        message = f"{path}: two sites are in the cell of {names[int(first[count.argmax()])]}; a grid has one"
        raise GridError(message)
    return Lattice(rows, columns, (tall, wide), row, column)


def _axis(places: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Centres of the cells along an axis, the cell of each place, and the width (0 for one cell)."""
    places = np.asarray(places, dtype=float)
    apart = np.diff(np.unique(np.round(places, 4)))
    if not apart.size:
        return places[:1], np.zeros(len(places), dtype=int), 0.0
    cell = float(apart.min())
    if float(np.ptp(places)) / cell < LARGEST_GRID:  # thirds of a degree are not whole numbers of the last digit
        near = apart[apart < 1.5 * cell].mean()
        cell = float(apart.sum() / np.round(apart / near).sum())
    count = round(float(np.ptp(places)) / cell) + 1
    if count > LARGEST_GRID:
        return places, np.arange(len(places)), cell
    cell = float(np.ptp(places)) / (count - 1)
    centres = np.round(places.min() + cell * np.arange(count), 6)
    return centres, np.round((places - places.min()) / cell).astype(int), cell


@dataclass(frozen=True)
class SeriesOfSites:
    """An open file of series: names and places of the sites, days, and the names of the series to read."""

    path: Path
    file: Any
    site_id: list[str]
    lat: np.ndarray
    lon: np.ndarray
    dates: np.ndarray  # cftime
    names: list[str]

    def values(self, name: str, sites: slice, days: slice) -> np.ndarray:
        """A series (sites, days), float64, NaN where there is none."""
        variable = self.file[name]
        if variable.dimensions == ("site", "time"):
            return numbers(variable, (sites, days))
        if variable.dimensions == ("time", "site"):
            return numbers(variable, (days, sites)).T
        first, last, _ = sites.indices(len(self.lat))
        columns = variable.shape[2]
        rows = slice(first // columns, -(-last // columns))
        flat = numbers(variable, (days, rows)).reshape(-1, (rows.stop - rows.start) * columns)
        return flat[:, first - rows.start * columns : last - rows.start * columns].T

    def lattice(self) -> Lattice:
        """The grid whose cells the sites are; GridError where they are none."""
        return lattice_of(self.lat, self.lon, self.site_id, self.path)


@contextmanager
def series_of_sites(path: Path, names: Sequence[str] | None = None) -> Iterator[SeriesOfSites]:
    """Open a file; names: the series to read, all by default. GridError where it has none, or not that one."""
    with reading(path) as file:
        series = {
            name: variable.dimensions for name, variable in file.variables.items()
            if variable.dimensions in SHAPES and np.dtype(variable.dtype).kind == "f"
        }  # fmt: skip
        on_grid = GRIDDED in series.values()
        there = [name for name, dimensions in series.items() if (dimensions == GRIDDED) == on_grid]
        unknown = [name for name in names or () if name not in there]
        if unknown or not there:
            has = (
                f"it has {', '.join(there)}"
                if there
                else "it has no variable of the dimensions (site, time) or (time, lat, lon)"
            )
            message = f"{path}: no series {unknown[0] if unknown else ''}".rstrip() + f"; {has}"
            raise GridError(message)
        time = file["time"]
        dates = cftime.num2date(
            numbers(time), time.units, getattr(time, "calendar", "standard"), only_use_cftime_datetimes=True
        )
        lat, lon = numbers(file["lat"]), (numbers(file["lon"]) + 180.0) % 360.0 - 180.0
        if on_grid:
            lat, lon = (axis.ravel() for axis in np.meshgrid(lat, lon, indexing="ij"))
        named = "site_id" in file.variables and not on_grid
        site_id = texts(file["site_id"]) if named else [f"{y:g}, {x:g}" for y, x in zip(lat, lon, strict=True)]
        yield SeriesOfSites(Path(path), file, site_id, lat, lon, np.atleast_1d(dates), list(names or there))


def write_grid(source: Path, out: Path, every: str = "month", names: Sequence[str] | None = None) -> Lattice:
    """Write the series of a file as means of each day, month or year on their grid: CF netCDF, complete or absent."""
    with series_of_sites(source, names) as series:
        lattice = series.lattice()
        steps = _steps(series.dates, every)
        with writing(out) as file:
            history = f"{source.name} on its grid, by ecostep; " + str(getattr(series.file, "history", ""))
            title = str(getattr(series.file, "title", source.name))
            file.setncatts({"Conventions": "CF-1.11", "title": title, "history": history.rstrip("; ")})
            _write_axes(file, lattice, series, steps)
            for name in series.names:
                _write_series(file, lattice, series, name, steps, every)
    return lattice


def _steps(dates: np.ndarray, every: str) -> list[slice]:
    """The days of each step, whole or not at the ends."""
    parts = STEPS.index(every)
    keys = [(date.year, date.month, date.day)[: 3 - parts] for date in dates]
    changes = [day for day in range(1, len(keys)) if keys[day] != keys[day - 1]]
    return [slice(first, last) for first, last in zip([0, *changes], [*changes, len(keys)], strict=True)]


def _write_axes(file: Any, lattice: Lattice, series: SeriesOfSites, steps: list[slice]) -> None:
    file.createDimension("nv", 2)
    for name, centres, cell, units, axis in (
        ("lat", lattice.lat, lattice.cell[0], "degrees_north", "Y"),
        ("lon", lattice.lon, lattice.cell[1], "degrees_east", "X"),
    ):
        file.createDimension(name, len(centres))
        out = file.createVariable(name, "f8", (name,))
        standard_name = "latitude" if name == "lat" else "longitude"
        out.setncatts({"units": units, "standard_name": standard_name, "axis": axis, "bounds": f"{name}_bnds"})
        out[:] = centres
        bounds = file.createVariable(f"{name}_bnds", "f8", (name, "nv"))
        bounds[:] = centres[:, None] + cell * np.array([-0.5, 0.5])
    given = series.file["time"]
    days = np.floor(numbers(given))
    file.createDimension("time", len(steps))
    time = file.createVariable("time", "f8", ("time",))
    calendar = getattr(given, "calendar", "standard")
    time.setncatts({
        "units": given.units, "calendar": calendar, "standard_name": "time", "axis": "T", "bounds": "time_bnds"
    })  # fmt: skip
    ends = np.array([(days[step.start], days[step.stop - 1] + 1.0) for step in steps])
    time[:] = ends.mean(axis=1)
    file.createVariable("time_bnds", "f8", ("time", "nv"))[:] = ends


def _write_series(
    file: Any, lattice: Lattice, series: SeriesOfSites, name: str, steps: list[slice], every: str
) -> None:
    shape = len(lattice.lat), len(lattice.lon)
    out = file.createVariable(
        name, "f4", ("time", "lat", "lon"), zlib=True, complevel=1, fletcher32=True, chunksizes=(1, *shape),
        fill_value=FILL,
    )  # fmt: skip
    given = series.file[name]
    attributes = {key: getattr(given, key) for key in ("units", "long_name", "standard_name") if hasattr(given, key)}
    what = "time: mean" if every == "day" else "time: mean (interval: 1 day)"
    out.setncatts({**attributes, "cell_methods": what})
    for group in _groups(steps, len(series.lat)):
        days = slice(steps[group.start].start, steps[group.stop - 1].stop)
        values = series.values(name, slice(None), days)
        means = [_mean(values[:, step.start - days.start : step.stop - days.start]) for step in steps[group]]
        grid = lattice.spread(np.stack(means))
        out[group] = np.where(np.isfinite(grid), grid, FILL)


def _groups(steps: list[slice], sites: int) -> Iterator[slice]:
    """Steps in groups that fit into BYTES_AT_ONCE, one at least."""
    days = max(1, BYTES_AT_ONCE // (8 * sites))
    first = 0
    for step in range(1, len(steps) + 1):
        if step == len(steps) or steps[step].stop - steps[first].start > days:
            yield slice(first, step)
            first = step


def _mean(values: np.ndarray) -> np.ndarray:
    """Means (N,) of the days (N, T) that are there, NaN where none is."""
    there = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        mean: np.ndarray = np.where(there, values, 0.0).sum(axis=1) / there.sum(axis=1)
    return mean


def seasonal_means(series: SeriesOfSites, name: str) -> dict[str, np.ndarray]:
    """Means (N,) of a series over all days (`annual`) and over the days of each season, block of sites by block."""
    month = np.array([date.month for date in series.dates])
    of_season = {"annual": np.ones(len(month), bool)} | {
        season: np.isin(month, months) for season, months in SEASONS.items()
    }
    means = {season: np.full(len(series.lat), np.nan) for season in of_season}
    at_once = max(1, BYTES_AT_ONCE // (16 * len(month)))
    for first in range(0, len(series.lat), at_once):
        rows = slice(first, min(first + at_once, len(series.lat)))
        values = series.values(name, rows, slice(None))
        for season, days in of_season.items():
            means[season][rows] = _mean(values[:, days])
    return means
