"""Maps of a series: its annual mean and its seasons, on a grid or at sites."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from emulator.evaluation.figures import style, world_map
from emulator.evaluation.grids import Lattice
from foundations import coastlines

TITLES = {
    "annual": "annual mean", "DJF": "December to February", "MAM": "March to May", "JJA": "June to August",
    "SON": "September to November",
}  # fmt: skip
OUTER_SHARE = 2.0  # per cent of the values at either end that share its colour
SITE_SIZE = 12.0  # points squared


@style.styled
def season_maps(means: Mapping[str, np.ndarray], places: Lattice | tuple[np.ndarray, np.ndarray], label: str) -> Figure:
    """Means (N,) by the names of TITLES, in one scale of colours; places: the grid, or latitude and longitude (N,)."""
    figure = Figure(figsize=(9.6, 9.4), layout="constrained")
    layout: Any = [["annual", "annual"], ["DJF", "MAM"], ["JJA", "SON"]]
    panels: dict[str, Axes] = figure.subplot_mosaic(layout, height_ratios=[1.8, 1.0, 1.0])
    colours = _colours(np.concatenate(list(means.values())))
    drawn: Any = None
    for season, axes in panels.items():
        world_map.prepare(axes)
        axes.set_title(TITLES[season])
        drawn = _draw(axes, means[season], places, colours)
        if season != "annual":
            axes.set_xticks(range(-180, 181, 120))
    every = list(panels.values())
    figure.colorbar(drawn, ax=every, location="bottom", shrink=0.6, aspect=40, extend="both", label=label)
    return figure


def _draw(
    axes: Axes, values: np.ndarray, places: Lattice | tuple[np.ndarray, np.ndarray], colours: dict[str, Any]
) -> Any:
    if not isinstance(places, Lattice):
        lat, lon = places
        return axes.scatter(lon, lat, c=values, s=SITE_SIZE, linewidths=0.2, edgecolors=style.INK, **colours)
    edges = [_edges(centres, cell) for centres, cell in zip((places.lon, places.lat), places.cell[::-1], strict=True)]
    drawn = axes.pcolormesh(*edges, places.spread(values), rasterized=True, **colours)
    shores = coastlines.outlines()
    axes.add_collection(PolyCollection(shores, facecolors="none", edgecolors=style.INK, linewidths=0.35, zorder=2))
    axes.set(xlim=(-180, 180), ylim=(world_map.SOUTH, world_map.NORTH))
    return drawn


def _edges(centres: np.ndarray, cell: float) -> np.ndarray:
    return np.append(centres - cell / 2, centres[-1] + cell / 2)


def _colours(values: np.ndarray) -> dict[str, Any]:
    """Blue to red about zero where values have both signs, else light to dark; the outer values share a colour."""
    there = values[np.isfinite(values)]
    if not there.size:
        return {"cmap": "viridis", "vmin": 0.0, "vmax": 1.0}
    low, high = np.percentile(there, [OUTER_SHARE, 100 - OUTER_SHARE])
    if low < 0 < high and min(-low, high) > 0.02 * max(-low, high):
        widest = max(-low, high)
        return {"cmap": "RdBu_r", "vmin": -widest, "vmax": widest}
    return {"cmap": "viridis" if high > 0 else "viridis_r", "vmin": low, "vmax": max(high, low + 1e-30)}
