"""The cells of a CF file: where they are, how they are called, and means of columns and patches over grid cells."""

from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray

from emulator.data.importers.errors import ImportFault
from foundations.site_names import site_names

LATITUDES = ("lat", "latitude", "LATIXY", "XLAT", "XLAT_M", "nav_lat", "grid1d_lat", "LAT", "Latitude", "y_lat")
LONGITUDES = ("lon", "longitude", "LONGXY", "XLONG", "XLONG_M", "nav_lon", "grid1d_lon", "LON", "Longitude", "x_lon")
NAMES = ("site_id", "station_id", "station_name", "station", "site", "site_name")
SUBGRID = {"column": "cols1d", "pft": "pfts1d", "patch": "pfts1d", "landunit": "land1d"}
"""Dimensions of land models below the grid cell -> prefix of the variables that tell their cell and share."""


@dataclass(frozen=True)
class Cells:
    """Places (N,), degrees, NaN where a file does not tell them, and names."""

    lat: np.ndarray
    lon: np.ndarray
    names: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.lat)

    @property
    def located(self) -> bool:
        """Whether all places are told."""
        return bool(np.isfinite(self.lat).all() and np.isfinite(self.lon).all())

    def keys(self, decimals: int) -> list[Hashable]:
        """What tells a cell from others, in two files alike."""
        if self.names:
            return list(self.names)
        if not self.located:
            return list(range(len(self)))
        lon = (self.lon + 180.0) % 360.0 - 180.0
        return list(zip(np.round(self.lat, decimals).tolist(), np.round(lon, decimals).tolist(), strict=True))

    def name(self, cell: int, decimals: int = 3) -> str:
        """The name of a cell, by its place where the file has none, to so many decimals of a degree."""
        if self.names:
            return self.names[cell]
        if not self.located:
            return f"cell{cell + 1}"
        lat, lon = float(self.lat[cell]), float((self.lon[cell] + 180.0) % 360.0 - 180.0)
        return f"{abs(lat):.{decimals}f}{'N' if lat >= 0 else 'S'}_{abs(lon):.{decimals}f}{'E' if lon >= 0 else 'W'}"

    def place(self, cell: int) -> dict[str, float | str]:
        """lat and lon of a cell, where they are told."""
        if not np.isfinite(self.lat[cell]):
            return {}
        return {"lat": float(self.lat[cell]), "lon": float((self.lon[cell] + 180.0) % 360.0 - 180.0)}


def cells_of(
    file: xarray.Dataset, variable: xarray.DataArray, time: Hashable | None, space: list[str], path: Path
) -> tuple[Cells, np.ndarray]:
    """The cells of a variable, and its values (T, N), T = 1 without time. ImportFault for dimensions left over."""
    space = [dim for dim in space if variable.sizes[dim] > 1 or _is_place(file, dim)]
    ordered = variable.squeeze([dim for dim in variable.dims if dim != time and dim not in space])
    ordered = ordered.expand_dims("time_of_constant") if time is None else ordered
    first = "time_of_constant" if time is None else time
    values = np.asarray(ordered.transpose(first, *space).values)
    values = values if values.dtype == np.float32 else values.astype(float)
    if len(space) > 2:
        message = (
            f"{path}: {variable.name}: has the dimensions {', '.join(map(str, variable.dims))}; say which layer by "
            f"select: {{{space[0]}: 0}}"
        )
        raise ImportFault(message)
    if len(space) == 1 and (prefix := SUBGRID.get(space[0])) and f"{prefix}_wtgcell" in file.variables:
        return _of_grid_cells(file, prefix, values, path)
    shape = values.shape[1:]
    lat, lon = _coordinate(file, LATITUDES, space, shape), _coordinate(file, LONGITUDES, space, shape)
    names: tuple[str, ...] = ()
    if len(space) == 1:
        stored = next((n for n in NAMES if n in file.variables and file[n].dims[:1] == (space[0],)), None)
        names = tuple(site_names(np.asarray(file[stored].values))) if stored else ()
    return Cells(lat.ravel(), lon.ravel(), names), values.reshape(len(values), -1)


def _is_place(file: xarray.Dataset, dim: str) -> bool:
    return dim in (*LATITUDES, *LONGITUDES) or any(n in file.variables and file[n].dims == (dim,) for n in LATITUDES)


def _coordinate(file: xarray.Dataset, names: tuple[str, ...], space: list[str], shape: tuple[int, ...]) -> np.ndarray:
    """Latitude or longitude of each cell, of the shape of the cells; NaN where the file does not tell."""
    for name in names:
        if name not in file.variables:
            continue
        variable = file[name]
        if not space and np.unique(variable.values).size > 1:
            continue  # places of others: this value, such as CO2, has none
        extra = [dim for dim in variable.dims if dim not in space]
        variable = variable.isel(dict.fromkeys(extra, 0))
        if tuple(variable.dims) == tuple(space):
            return np.asarray(variable.values, float)
        if len(space) == 2 and variable.dims and variable.dims[0] in space and variable.ndim == 1:
            along = space.index(str(variable.dims[0]))
            values = np.asarray(variable.values, float)
            return np.broadcast_to(values[:, None] if along == 0 else values[None, :], shape)
        if variable.ndim == 0 and not space:
            return np.asarray([float(variable.values)])
        if set(variable.dims) == set(space):
            return np.asarray(variable.transpose(*space).values, float)
    return np.full(shape or (1,), np.nan)


def _of_grid_cells(file: xarray.Dataset, prefix: str, values: np.ndarray, path: Path) -> tuple[Cells, np.ndarray]:
    """Means of columns or patches (T, n) over their grid cells (T, N), by their share of the cell's area.

    Parts without values do not count, as in CLM's own averages (c2g, p2g).
    """
    try:
        weight = np.asarray(file[f"{prefix}_wtgcell"].values, float)
        east = np.asarray(file[f"{prefix}_ixy"].values, float)
        north = np.asarray(file[f"{prefix}_jxy"].values, float)
        lat, lon = (np.asarray(file[f"{prefix}_{name}"].values, float) for name in ("lat", "lon"))
    except KeyError as error:
        message = f"{path}: variable {error.args[0]} is missing, without which {prefix} have no grid cell"
        raise ImportFault(message) from None
    active = file.variables.get(f"{prefix}_active")
    if active is not None:
        weight = np.where(np.asarray(active.values, float) > 0, weight, 0.0)
    key = np.stack([north, east], axis=1)
    _, first, cell = np.unique(key, axis=0, return_index=True, return_inverse=True)
    cell = np.ravel(cell)
    count = len(first)
    present = np.isfinite(values)
    order = np.argsort(cell, kind="stable")
    begins = np.searchsorted(cell[order], np.arange(count))
    weighted = np.where(present, values, 0.0) * weight
    sums = np.add.reduceat(weighted[:, order], begins, axis=1)
    shares = np.add.reduceat((present * weight)[:, order], begins, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.where(shares > 0.0, sums / shares, np.nan)
    return Cells(lat[first], lon[first]), means
