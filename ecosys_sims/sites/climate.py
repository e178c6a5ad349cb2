"""Climate normals of any place on land: monthly temperature and precipitation of ERA5, 2000 to 2025, at 0.5 degrees.

`climate_normals.nc` is made by scripts/geography_tables.py; source, citation and licence stand in it. Continentality
is Conrad's index (1946) as the process model's generator uses it (`climate_normals.f90`), so that the annual range of
temperature that it generates is that of the table.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from foundations.coastlines import land_fraction
from foundations.netcdf_file import reading

TABLE = Path(__file__).with_name("climate_normals.nc")
CELL = 0.5  # degrees
CONTINENTALITY = (0.0, 110.0)  # what a site table may hold
HOLDRIDGE = 58.93  # kg m-2 year-1 of potential evaporation a degree of biotemperature (Holdridge 1967)
LEAST_EVAPORATION = 150.0  # kg m-2 year-1, as in the program


@dataclass(frozen=True)
class Normals:
    """Climate of places (N,): `t_month` (N, 12), degC, and `p_month` (N, 12), kg m-2 month-1."""

    lat: np.ndarray
    t_month: np.ndarray
    p_month: np.ndarray

    def __getitem__(self, places: np.ndarray) -> "Normals":
        return Normals(self.lat[places], self.t_month[places], self.p_month[places])

    @property
    def t_ann(self) -> np.ndarray:
        """Annual mean temperature (N,), degC."""
        mean: np.ndarray = self.t_month.mean(axis=1)
        return mean

    @property
    def annual_precip(self) -> np.ndarray:
        """Annual precipitation (N,), kg m-2 year-1."""
        total: np.ndarray = self.p_month.sum(axis=1)
        return total

    @property
    def continentality(self) -> np.ndarray:
        """Conrad's index (N,), 1: 0 in the tropics and 5 on windward coasts to 100 in Yakutia."""
        annual_range = self.t_month.max(axis=1) - self.t_month.min(axis=1)
        index: np.ndarray = 1.7 * annual_range / np.sin(np.radians(np.abs(self.lat) + 10.0)) - 14.0
        return np.clip(index, *CONTINENTALITY)

    @property
    def wetness(self) -> np.ndarray:
        """Precipitation over potential evaporation (N,), 1: below 0.2 arid, below 0.05 desert (UNEP 1997)."""
        biotemperature = np.clip(self.t_month, 0.0, 30.0).mean(axis=1)
        evaporation: np.ndarray = np.maximum(LEAST_EVAPORATION, HOLDRIDGE * biotemperature)
        return self.annual_precip / evaporation

    @property
    def ice_cap(self) -> np.ndarray:
        """Whether no month is above freezing (N,): Koeppen's class EF, where nothing grows."""
        frozen: np.ndarray = self.t_month.max(axis=1) < 0.0
        return frozen


@cache
def _table() -> np.ndarray:
    """Normals (24, 360, 720), temperature first, from 90 S and 180 W; NaN far from land."""
    with reading(TABLE) as file:
        fields = [np.ma.filled(file[name][:].astype(np.float32), np.nan) for name in ("t_month", "p_month")]
    return np.concatenate(fields)


def normals_of_cells(lat: np.ndarray, lon: np.ndarray, cell: float) -> Normals:
    """The mean climate of the land in cells of a global grid with these centres (N,) and this width, degrees."""
    across = round(cell / CELL)
    if across < 2 or abs(across * CELL - cell) > 1e-9:
        return normals(lat, lon)
    row = np.floor((np.asarray(lat) - cell / 2 + 90.0) / CELL + 0.5).astype(int)
    column = np.floor((np.asarray(lon) - cell / 2 + 180.0) / CELL + 0.5).astype(int)
    land, table = land_fraction(CELL), _table()
    land = np.where(np.isfinite(table[0]), land, 0.0)
    monthly = np.empty((len(row), len(table)))
    for place, (r, c) in enumerate(zip(row, column, strict=True)):
        part = (slice(r, r + across), slice(c, c + across))
        if not land[part].any():
            raise _no_normals(lat[place], lon[place])
        monthly[place] = (np.nan_to_num(table[:, *part]) * land[part]).sum(axis=(1, 2)) / land[part].sum()
    return Normals(np.asarray(lat, dtype=float), monthly[:, :12], monthly[:, 12:])


def _no_normals(lat: float, lon: float) -> ValueError:
    return ValueError(f"no climate normals at {lat:.2f}, {lon:.2f}: not on land, or south of 60 S")


def normals(lat: np.ndarray, lon: np.ndarray) -> Normals:
    """The climate of places on land (N,), degrees, between the cells of the table; ValueError where it has none."""
    lat, lon = np.asarray(lat, dtype=float), np.asarray(lon, dtype=float)
    table = _table()
    row, column = (lat + 90.0) / CELL - 0.5, (lon + 180.0) / CELL - 0.5
    values, total = np.zeros((len(table), len(lat))), np.zeros(len(lat))
    for up in (0, 1):
        for right in (0, 1):
            r, c = np.floor(row).astype(int) + up, np.floor(column).astype(int) + right
            weight = np.abs(1 - up - row % 1.0) * np.abs(1 - right - column % 1.0)
            corner = table[:, np.clip(r, 0, table.shape[1] - 1), c % table.shape[2]]
            known = np.isfinite(corner[0])
            values += np.where(known, corner * weight, 0.0)
            total += np.where(known, weight, 0.0)
    if (total <= 0).any():
        first = int(np.argmin(total > 0))
        raise _no_normals(lat[first], lon[first])
    monthly = (values / total).T
    return Normals(lat, monthly[:, :12], monthly[:, 12:])
