"""A plain longitude-latitude map with coastlines, for points and for grids."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection

from emulator.evaluation.figures import style
from foundations import coastlines

SOUTH, NORTH = -60, 84  # degrees; Antarctica is not simulated


def prepare(axes: Axes) -> None:
    """Give axes land, lakes and degrees; what is drawn on them later stands above the land."""
    for kind, colour in ((coastlines.LAND, style.LAND), (coastlines.LAKE, style.PAPER)):
        shapes: Sequence[np.ndarray] = coastlines.outlines(kind)
        axes.add_collection(
            PolyCollection(shapes, facecolors=colour, edgecolors=style.MUTED, linewidths=0.35, zorder=0.5)
        )
    axes.set(xlim=(-180, 180), ylim=(SOUTH, NORTH), aspect="equal")
    axes.set_xticks(range(-180, 181, 60), labels=[_degrees(value, "W", "E") for value in range(-180, 181, 60)])
    axes.set_yticks(range(-60, 81, 30), labels=[_degrees(value, "S", "N") for value in range(-60, 81, 30)])
    axes.grid(visible=False)


def _degrees(value: int, negative: str, positive: str) -> str:
    return f"{abs(value)}°{negative if value < 0 else positive if value > 0 else ''}"
