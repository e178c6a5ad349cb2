"""Climate normals of a place, without external data: what the weather generator and the choice of biomes start from.

Continentality is the index of the process model's generator (Conrad 1946), as annual temperature is its analytic form
(`formats.annual_temperature`), so that Python and Fortran mean the same climate. Precipitation and continentality
follow from how far the air has come over land.
"""

import numpy as np

from ecosys_sims.sites.land import land_upwind_km


def _on_grid(grid: np.ndarray, lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    """Bilinear value at points (N,) of a 1 degree grid (180, 360) with cell centres from -89.5 and -179.5."""
    row = np.clip(np.asarray(lat) + 89.5, 0.0, 178.999)
    column = (np.asarray(lon) + 179.5) % 360.0
    r0, c0 = row.astype(int), column.astype(int) % 360
    dr, dc, c1 = row - r0, column - np.floor(column), (c0 + 1) % 360
    south = grid[r0, c0] * (1 - dc) + grid[r0, c1] * dc
    north = grid[r0 + 1, c0] * (1 - dc) + grid[r0 + 1, c1] * dc
    return south * (1 - dr) + north * dr


def continentality(lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    """Conrad's index (N,): 5 on windward coasts to 80 far inland; small in the tropics, as seasons are."""
    inland_west = _on_grid(land_upwind_km(-1), lat, lon)
    inland_east = _on_grid(land_upwind_km(+1), lat, lon)
    middle = 1.0 / (1.0 + np.exp(-(np.abs(lat) - 28.0) / 5.0))  # 0 in the trades, 1 in the westerlies
    westerly = 8.0 + 72.0 * (1.0 - np.exp(-inland_west / 2800.0))
    trade = 12.0 + 25.0 * (1.0 - np.exp(-np.minimum(inland_west, inland_east) / 1500.0))
    return middle * westerly + (1.0 - middle) * trade


def annual_precipitation(lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    """Annual precipitation (N,), kg m-2 year-1: wet equator, trades that dry westward, westerlies that dry eastward."""
    inland_west = _on_grid(land_upwind_km(-1), lat, lon)
    inland_east = _on_grid(land_upwind_km(+1), lat, lon)
    absolute = np.abs(lat)
    equatorial = 2300.0 * np.exp(-((absolute / 11.0) ** 2))
    trade = (120.0 + 1250.0 * np.exp(-inland_east / 1500.0)) * np.exp(-(((absolute - 24.0) / 11.0) ** 2))
    westerly = (380.0 + 650.0 * np.exp(-inland_west / 2500.0)) * np.exp(-(((absolute - 49.0) / 15.0) ** 2))
    return equatorial + trade + westerly + 130.0
