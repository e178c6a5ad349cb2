"""Cells of one file in another: matched by the sites' names or by coordinates, never by position."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import netCDF4
import numpy as np
from numpy.typing import NDArray

from coupler.cli.errors import CommandError
from foundations.site_names import repeated_name, site_names

log = logging.getLogger(__name__)

LATITUDE = ("lat", "latitude", "degrees_north")
LONGITUDE = ("lon", "longitude", "degrees_east")
SAME_PLACE = 1e-3
"""Degrees that two numbers of one place differ by, after rounding to few digits."""
SAME_SITE = 0.1
"""Degrees that coordinates of one site differ by at most in files of different makers."""

Places = Mapping[str, NDArray[np.int64]]
"""By dimension, the places in a file of the cells of the first file, in their order; the same ones where absent."""


@dataclass(frozen=True)
class Cells:
    """What a file says of the cells over some dimensions: names of sites, coordinates of cells and of each axis."""

    path: Path
    shape: tuple[int, ...]
    site_id: list[str] | None
    lat: NDArray[np.float64] | None
    lon: NDArray[np.float64] | None
    axes: dict[str, NDArray[np.float64]]
    dims: tuple[str, ...] = ()

    def at(self, index: NDArray[np.int64]) -> Cells:
        """The cells at some places of the grid (N,), with latitude and longitude by cell where they are told."""
        names = None if self.site_id is None else [self.site_id[place] for place in index.tolist()]
        lat, lon = (self._by_cell(values, words) for values, words in ((self.lat, LATITUDE), (self.lon, LONGITUDE)))
        if lat is None or lon is None:
            return Cells(self.path, (len(index),), names, None, None, {})
        return Cells(self.path, (len(index),), names, lat[index], lon[index], {})

    def _by_cell(self, values: NDArray[np.float64] | None, words: Sequence[str]) -> NDArray[np.float64] | None:
        """A coordinate of all cells (N,), from an axis where it is one."""
        if values is not None:
            return values.ravel()
        for dim, axis in self.axes.items():
            if dim.lower() in words:
                along = [size if name == dim else 1 for name, size in zip(self.dims, self.shape, strict=True)]
                return np.broadcast_to(axis.reshape(along), self.shape).ravel()
        return None

    def far_from(self, lat: NDArray | None, lon: NDArray | None, rows: NDArray[np.int64]) -> str:
        """The first site that is elsewhere by coordinates of another source, at its rows; "" where none is."""
        for coordinate, other, circle in ((self.lat, lat, False), (self.lon, lon, True)):
            if coordinate is not None and other is not None and self.site_id is not None:
                far = np.atleast_1d(_apart(coordinate.ravel(), np.atleast_1d(other).ravel()[rows], circle) > SAME_SITE)
                if far.any():
                    return self.site_id[int(np.argmax(far))]
        return ""


def cells_of(path: Path, file: netCDF4.Dataset, dims: Sequence[str]) -> Cells:
    """Read what a file says of its cells over `dims`; CommandError where names of sites are empty or repeated."""
    shape = tuple(len(file.dimensions[d]) if d in file.dimensions else 0 for d in dims)
    axes = {d: _numbers(file[d]) for d in dims if d in file.variables and _is_axis(file[d], d)}
    return Cells(
        path,
        shape,
        _names(path, file, dims),
        _coordinate(file, dims, LATITUDE),
        _coordinate(file, dims, LONGITUDE),
        axes,
        tuple(dims),
    )


def name_variable(file: netCDF4.Dataset) -> netCDF4.Variable | None:
    """The variable of the sites' names: `site_id`, or the one that CF marks so."""
    if "site_id" in file.variables:
        return file["site_id"]
    marked = file.get_variables_by_attributes(cf_role="timeseries_id")
    return marked[0] if marked else None


def align(reference: Cells, cells: Cells, dims: Sequence[str]) -> Places:
    """Where the cells of `reference` are in another file; CommandError where that cannot be told."""
    places = _places(reference, cells, dims)
    sizes = dict(zip(dims, cells.shape, strict=True))
    return {d: where for d, where in places.items() if not np.array_equal(where, np.arange(sizes[d]))}


def _places(reference: Cells, cells: Cells, dims: Sequence[str]) -> Places:
    if len(dims) <= 1 and reference.site_id is not None and cells.site_id is not None:
        return _by_name(reference, cells, dims)
    coordinates = (reference.lat, reference.lon, cells.lat, cells.lon)
    if len(dims) == 1 and all(coordinate is not None for coordinate in coordinates):
        return {dims[0]: by_place(reference, cells)}
    places: dict[str, NDArray[np.int64]] = {}
    unmatched = []
    for dim, size, other_size in zip(dims, reference.shape, cells.shape, strict=True):
        if dim in reference.axes and dim in cells.axes:
            places[dim] = _by_axis(reference, cells, dim)
        elif (size, other_size) != (1, 1):
            unmatched.append(dim)
    if unmatched and not _same_places(reference, cells):
        message = (
            f"{cells.path}: which of its cells are those of {reference.path} cannot be told; along '{unmatched[0]}' "
            "both need site_id, or the same latitudes and longitudes"
        )
        raise CommandError(message)
    return places


def _is_axis(variable: netCDF4.Variable, dim: str) -> bool:
    return variable.dimensions == (dim,) and np.issubdtype(variable.dtype, np.number)


def _numbers(variable: netCDF4.Variable) -> NDArray[np.float64]:
    return np.ma.filled(np.ma.asarray(variable[...], np.float64), np.nan)


def _names(path: Path, file: netCDF4.Dataset, dims: Sequence[str]) -> list[str] | None:
    variable = name_variable(file)
    if variable is None or len(dims) > 1:
        return None
    over = variable.dimensions[:-1] if variable.dtype == "S1" and variable.ndim else variable.dimensions
    single = all(len(file.dimensions[d]) == 1 for d in over)
    if over != tuple(dims) and not (single and not dims):
        return None
    variable.set_auto_chartostring(False)
    stored = np.ma.asarray(variable[...])
    names = site_names(stored.reshape(-1, stored.shape[-1]) if variable.dtype == "S1" and stored.ndim else stored)
    if (name := repeated_name(names)) is not None:
        fault = f"'{name}' names two sites" if name else "a site has no name"
        message = f"{path}: {variable.name} is not unique: {fault} ({len(names)} sites); give each a name of its own"
        raise CommandError(message)
    return names


def _coordinate(file: netCDF4.Dataset, dims: Sequence[str], words: Sequence[str]) -> NDArray[np.float64] | None:
    """Latitudes or longitudes over all of the dimensions (or none where there is no dimension)."""
    for variable in file.variables.values():
        standard = str(getattr(variable, "standard_name", ""))
        is_coordinate = variable.name.lower() in words or standard in words
        if is_coordinate and variable.dimensions == tuple(dims) and np.issubdtype(variable.dtype, np.number):
            return _numbers(variable)
    return None


def _apart(first: NDArray, second: NDArray, circle: bool) -> NDArray[np.float64]:
    """Distance of two coordinates in degrees, along the circle for longitudes."""
    difference = np.abs(first - second)
    return np.minimum(difference % 360.0, -difference % 360.0) if circle else difference


def _by_name(reference: Cells, cells: Cells, dims: Sequence[str]) -> Places:
    assert reference.site_id is not None and cells.site_id is not None
    place_of = {name: place for place, name in enumerate(cells.site_id)}
    if absent := [name for name in reference.site_id if name not in place_of]:
        message = (
            f"{cells.path}: has no site '{absent[0]}' of {reference.path} ({len(absent)} of its sites are missing)"
        )
        raise CommandError(message)
    places = np.array([place_of[name] for name in reference.site_id], np.int64)
    if len(places) < len(place_of):
        names = [name for name in cells.site_id if name not in set(reference.site_id)]
        text = f"site '{names[0]}'" + (f" and {len(names) - 1} more" if len(names) > 1 else "")
        log.warning("warning: %s: %s left out, since %s lacks them", cells.path, text, reference.path)
    if far := reference.far_from(cells.lat, cells.lon, places):
        log.warning("warning: %s: site '%s' is at another place than in %s", cells.path, far, reference.path)
    return {dims[0]: places} if dims else {}


def _by_axis(reference: Cells, cells: Cells, dim: str) -> NDArray[np.int64]:
    """Places along an axis by its coordinates, longitudes by any convention."""
    circle = dim.lower() in LONGITUDE
    order = [_keys(axis % 360.0 if circle else axis, axis * 0) for axis in (reference.axes[dim], cells.axes[dim])]
    places = _match(reference, cells, order[0], order[1], f"'{dim}'", circle)
    _tell_left_out(reference, cells, len(order[1]) - len(places))
    return places


def by_place(reference: Cells, cells: Cells, *, whole: bool = True) -> NDArray[np.int64]:
    """Places of the cells of `reference` by latitude and longitude; whole: say which cells are left out."""
    assert reference.lat is not None and reference.lon is not None and cells.lat is not None and cells.lon is not None
    first, second = _keys(reference.lon % 360.0, reference.lat), _keys(cells.lon % 360.0, cells.lat)
    places = _match(reference, cells, first, second, "latitude and longitude", True)
    if whole:
        _tell_left_out(reference, cells, len(second) - len(places))
    return places


def _tell_left_out(reference: Cells, cells: Cells, count: int) -> None:
    if count:
        log.warning("warning: %s: %d cells left out, since %s lacks them", cells.path, count, reference.path)


def _keys(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([x, y], axis=1) / SAME_PLACE


def _match(
    reference: Cells, cells: Cells, first: NDArray, second: NDArray, what: str, circle: bool
) -> NDArray[np.int64]:
    """Places of the points `first` among the points `second`, (N, 2) and (M, 2) in units of the tolerance."""
    turn = round(360.0 / SAME_PLACE)
    boxes: dict[tuple[int, int], list[int]] = {}
    if not np.isfinite(first).all() or not np.isfinite(second).all():
        message = f"{cells.path}: {what} has missing values, here or in {reference.path}; no cell can be matched"
        raise CommandError(message)
    if first.shape == second.shape and (first == second).all() and len(np.unique(first, axis=0)) == len(first):
        return np.arange(len(first))
    for place, (x, y) in enumerate(np.floor(second).astype(np.int64).tolist()):
        boxes.setdefault((x % turn if circle else x, y), []).append(place)
    places = []
    for point, (x, y) in zip(first, np.floor(first).astype(np.int64).tolist(), strict=True):
        near = []
        for dx, dy in itertools.product((-1, 0, 1), (-1, 0, 1)):
            near += boxes.get(((x + dx) % turn if circle else x + dx, y + dy), [])
        near = [place for place in near if _is_near(point, second[place], turn if circle else 0)]
        if len(near) != 1:
            fault = "has no cell" if not near else f"has {len(near)} cells"
            text = f"{fault} at {what} {point[0] * SAME_PLACE:g} {point[1] * SAME_PLACE:g}" if what[0] != "'" else (
                f"{fault} at {what} {point[0] * SAME_PLACE:g}")  # fmt: skip
            message = f"{cells.path}: {text} of {reference.path}; give both files the same cells, or site_id"
            raise CommandError(message)
        places.append(near[0])
    if len(set(places)) < len(places):
        message = f"{reference.path}: two cells have the same {what}; site_id tells them apart"
        raise CommandError(message)
    return np.array(places, np.int64)


def _is_near(first: NDArray, second: NDArray, turn: int) -> bool:
    x, y = np.abs(first - second)
    return bool((min(x, turn - x) if turn else x) <= 1.0 and y <= 1.0)


def _same_places(reference: Cells, cells: Cells) -> bool:
    """Whether both files give the same latitudes and longitudes, cell by cell."""
    if reference.lat is None or reference.lon is None or cells.lat is None or cells.lon is None:
        return False
    if reference.lat.shape != cells.lat.shape:
        return False
    near = _apart(reference.lat, cells.lat, False) <= SAME_PLACE
    return bool((near & (_apart(reference.lon, cells.lon, True) <= SAME_PLACE)).all())
