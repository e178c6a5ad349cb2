"""Coastlines of the globe and what lies within them, from Natural Earth 1:50m (public domain), without a network.

Land is what lies within a shore and not in a lake; islands below some 20 km are missing, and a shore may be 5 km out.
The table is made by scripts/geography_tables.py.
"""

from functools import cache
from pathlib import Path

import numpy as np

from foundations.netcdf_file import reading

TABLE = Path(__file__).with_name("coastlines.nc")
LAND, LAKE = 0, 1
FEWEST_NODES = 3  # of a ring, besides the one that closes it
MASK_SHAPE = (3600, 7200)  # cells of 0.05 degrees


@cache
def shores(kind: int = LAND) -> list[np.ndarray]:
    """Rings (nodes, 2) of longitude and latitude, degrees, closed; LAND: coasts (the Caspian's too), LAKE: lakes."""
    with reading(TABLE) as file:
        nodes = np.stack([np.asarray(file["lon"][:], dtype=float), np.asarray(file["lat"][:], dtype=float)], axis=-1)
        counts, kinds = np.asarray(file["node_count"][:]), np.asarray(file["kind"][:])
    rings = np.split(nodes, np.cumsum(counts)[:-1])
    return [ring for ring, which in zip(rings, kinds, strict=True) if which == kind]


@cache
def outlines(kind: int = LAND, step: float = 0.4, smallest: float = 1.0) -> list[np.ndarray]:
    """The shores thinned out for maps of the globe: nodes at least `step` degrees apart, rings `smallest` across."""
    thinned = []
    for ring in shores(kind):
        if (np.ptp(ring, axis=0) < smallest).all():
            continue
        kept = [0]
        for node in range(1, len(ring) - 1):
            if np.abs(ring[node] - ring[kept[-1]]).max() >= step:
                kept.append(node)
        thinned.append(ring[[*kept, len(ring) - 1]])
    return thinned


@cache
def _land_mask() -> np.ndarray:
    """Land (3600, 7200), from the south and the west, cells of 0.05 degrees."""
    with reading(TABLE) as file:
        return np.asarray(file["land"][:], dtype=bool)


def is_land(lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    """Whether points are on land and in no lake, of the shape of `lat` and `lon`; degrees, any longitude."""
    rows, columns = MASK_SHAPE
    row = ((np.asarray(lat, dtype=float) + 90.0) / 180.0 * rows).astype(int)
    column = ((np.asarray(lon, dtype=float) + 180.0) / 360.0 * columns).astype(int)
    return _land_mask()[np.clip(row, 0, rows - 1), column % columns]


def land_fraction(cell: float) -> np.ndarray:
    """Share of land (180 / cell, 360 / cell) of the cells of a global grid, from 90 S and 180 W.

    cell: width, degrees; a whole multiple of 0.05, ValueError else.
    """
    rows, columns = MASK_SHAPE
    across = round(cell * rows / 180.0)
    if across < 1 or abs(across * 180.0 / rows - cell) > 1e-9 or rows % across:
        message = f"cells of {cell:g} degrees: expected a multiple of {180.0 / rows:g} that divides 180"
        raise ValueError(message)
    parts: np.ndarray = _land_mask().reshape(rows // across, across, columns // across, across)
    return parts.mean(axis=(1, 3))
