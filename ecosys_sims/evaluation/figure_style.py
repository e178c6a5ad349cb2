"""One look for all figures of docs/validation.md: colour-blind safe, small, readable without colour."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

# Okabe and Ito (2008).
BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, RED, PINK = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7",
)  # fmt: skip
GREY = "#8a8a8a"
BIOME_COLOURS = {"bog": RED, "fen": BLUE, "marsh": GREEN, "swamp": PINK, "wet_tundra": SKY, "rice": ORANGE}
OBSERVED, DEFAULT, CALIBRATED = BLACK, ORANGE, BLUE
UNITS = {
    "gpp": "g C m⁻² d⁻¹", "nee": "g C m⁻² d⁻¹", "ra": "g C m⁻² d⁻¹", "rh": "g C m⁻² d⁻¹", "fch4": "mg CH₄ m⁻² d⁻¹",
    "lai": "m² m⁻²",
}  # fmt: skip
NAMES = {"gpp": "GPP", "nee": "NEE", "fch4": "CH₄", "ra": "Ra", "rh": "Rh", "lai": "Leaf area", "wtd": "water table"}
MONTH_STARTS = (0, 90, 181, 273)
MONTH_NAMES = ("Jan", "Apr", "Jul", "Oct")
DPI = 100
PALETTE = 128  # colours of a file


def label(biome: str) -> str:
    """A class as it is read."""
    return biome.replace("_", " ")


@contextmanager
def figure(
    path: Path, rows: int, columns: int, size: tuple[float, float], **options: Any
) -> Iterator[tuple[Figure, np.ndarray]]:
    """Axes (rows, columns) of a new figure, which is written to `path` at the end."""
    style: dict[Any, Any] = {
        "font.size": 8, "axes.titlesize": 8.5, "axes.spines.top": False, "axes.spines.right": False,
        "axes.linewidth": 0.6, "xtick.major.width": 0.6, "ytick.major.width": 0.6, "legend.frameon": False,
        "lines.linewidth": 1.3, "axes.titleweight": "bold", "figure.constrained_layout.use": True,
    }  # fmt: skip
    with plt.rc_context(style):
        drawn, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, **options)
        try:
            yield drawn, axes
            path.parent.mkdir(parents=True, exist_ok=True)
            _save_small(drawn, path)
        finally:
            plt.close(drawn)


def _save_small(drawn: Figure, path: Path) -> None:
    """Write a PNG with a palette and no metadata: a third of the size, and the same bytes for the same picture."""
    picture = BytesIO()
    drawn.savefig(picture, dpi=DPI, format="png", metadata={"Software": None})
    Image.open(picture).convert("RGB").quantize(PALETTE).save(path, optimize=True)


def months_below(axes: Axes) -> None:
    """Ticks at the start of every third month of a day-of-year axis."""
    axes.set_xticks(MONTH_STARTS, MONTH_NAMES)
    axes.set_xlim(0, 365)


def zero_line(axes: Axes) -> None:
    """A thin line at zero, behind the data."""
    axes.axhline(0.0, color=GREY, linewidth=0.5, zorder=0)
