"""How figures look, and how they enter a page.

Colours are those of Okabe and Ito (2008, "Color Universal Design"), told apart with any colour vision; lines differ in
dash and biomes in marker too. Ink, muted ink, grid and land are drawn in stand-in colours that `to_svg` turns into the
page's CSS variables, so a figure follows the page into dark mode and onto paper.
"""

import io
import re
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from emulator.models.registry import LABELS

INK, MUTED, GRID, LAND, PAPER = "#1c1d1e", "#6b6c6d", "#d8d9da", "#e8e9ea", "#fdfeff"
BLUE, ORANGE, GREEN, VERMILION, SKY, PURPLE, YELLOW = (
    "#0072b2", "#e69f00", "#009e73", "#d55e00", "#56b4e9", "#cc79a7", "#f0e442",
)  # fmt: skip

CSS_VARIABLES = {
    INK: "--ink", MUTED: "--muted", GRID: "--grid", LAND: "--land", PAPER: "--paper", BLUE: "--blue", GREEN: "--green",
}  # fmt: skip

TRUTH: dict[str, Any] = {"color": INK, "linewidth": 1.6, "linestyle": "-"}
CLIMATOLOGY = {"color": MUTED, "linewidth": 1.3, "linestyle": (0, (1, 1.5))}
MODEL_LINES: dict[str, dict[str, Any]] = {
    "lstm": {"color": ORANGE, "linestyle": (0, (5, 1.5))},
    "cham_net": {"color": BLUE, "linestyle": "-"},
    "raci": {"color": GREEN, "linestyle": (0, (4, 1, 1, 1))},
}
SPARE_COLOURS = (VERMILION, PURPLE, SKY, YELLOW)
MODEL_MARKERS = {"lstm": "s", "cham_net": "o", "raci": "D"}
PREDICTOR_NAMES = {"ridge": "ridge regression", "xgboost": "XGBoost", "nearest": "nearest site"}

# Wetlands are filled circles, uplands triangles.
BIOME_MARKS: dict[str, tuple[str, str]] = {
    "bog": ("o", VERMILION), "fen": ("o", ORANGE), "marsh": ("o", BLUE), "swamp": ("o", GREEN),
    "wet_tundra": ("o", SKY), "rice": ("o", PURPLE),
    "boreal_forest": ("^", BLUE), "temperate_forest": ("^", GREEN), "tropical_forest": ("^", VERMILION),
    "grassland": ("^", YELLOW), "shrubland": ("^", ORANGE), "tundra": ("^", SKY), "cropland": ("^", PURPLE),
}  # fmt: skip

SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "ecostep",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.titleweight": "normal",
    "axes.labelsize": 9,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "legend.labelcolor": INK,
    "lines.linewidth": 1.4,
}

styled = matplotlib.rc_context(SETTINGS)
"""Decorator of every function that draws: matplotlib reads its settings when a text or line is made."""

PHONE_WIDTH = 5.0
"""Inches of the widest figure that phones show whole; a wider one is scrolled."""
_PATH, _DECIMALS = re.compile(r' d="[^"]*"'), re.compile(r"(\d\.\d{2})\d+")
"""Coordinates in pictures, of which hundredths of a point are enough."""
_figure_numbers = count(1)


def new_figure(width: float, height: float, rows: int = 1, columns: int = 1, **options: Any) -> tuple[Figure, Any]:
    """A figure and its axes, as `pyplot.subplots` gives them; inches. To be called in a `styled` function."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(rows, columns, **options)


def model_line(kind: str) -> dict[str, Any]:
    """Colour, dash and label of a model's line; kinds without a place of their own share the spare colours."""
    line = MODEL_LINES.get(kind) or {"color": SPARE_COLOURS[sum(map(ord, kind)) % len(SPARE_COLOURS)]}
    return {"linewidth": 1.4, "label": model_name(kind), **line}


def model_name(kind: str) -> str:
    """How a model kind is written for people."""
    return (LABELS | PREDICTOR_NAMES).get(kind, kind.replace("_", " "))


def biome_mark(biome: str) -> tuple[str, str]:
    """Marker and colour of a biome."""
    return BIOME_MARKS.get(biome, ("P", MUTED))


def biome_name(biome: str) -> str:
    """A biome's name for people: `wet_tundra` becomes "wet tundra"."""
    return biome.replace("_", " ")


def biome_order(biome: str) -> int:
    """Place of a biome where all are listed: wetlands first."""
    return list(BIOME_MARKS).index(biome) if biome in BIOME_MARKS else len(BIOME_MARKS)


def month_axis(axes: Axes) -> None:
    """Label a day-of-year axis with months."""
    starts = (1, 32, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335)
    axes.set_xlim(1, 366)
    axes.set_xticks(starts[::3], labels=("Jan", "Apr", "Jul", "Oct"))
    axes.set_xticks(starts, minor=True)


def shared_legend(figure: Figure, handles: Sequence[Any], **options: Any) -> None:
    """One legend over the whole figure."""
    figure.legend(handles=handles, **{"loc": "outside upper left", "ncols": len(handles), **options})


def to_svg(figure: Figure, title: str) -> str:
    """The figure as SVG to stand inside a page: no outside references, own ids, the page's fonts and colours.

    title: said by screen readers in place of the picture.
    """
    buffer = io.StringIO()
    with matplotlib.rc_context(SETTINGS):
        figure.savefig(
            buffer,
            format="svg",
            transparent=True,
            metadata={"Date": None, "Creator": None, "Type": None, "Format": None},
        )
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' xmlns(:xlink)?="[^"]*"', "", svg)
    svg = re.sub(r"font: ([\d.]+px) [^;\"]*", r"font: \1 var(--sans)", svg)
    svg = svg.replace("xlink:href", "href")
    for colour, variable in CSS_VARIABLES.items():
        svg = re.sub(colour, f"var({variable})", svg, flags=re.IGNORECASE)
    prefix = f"f{next(_figure_numbers)}-"
    svg = re.sub(r'\bid="', f'id="{prefix}', svg)
    svg = re.sub(r'(href="|url\()#', rf"\1#{prefix}", svg)
    svg = re.sub(r'<svg ([^>]*?)width="[^"]*"', r"<svg \1", svg, count=1)
    svg = re.sub(r'<svg ([^>]*?)height="[^"]*"', r"<svg \1", svg, count=1)
    svg = _PATH.sub(lambda path: _DECIMALS.sub(r"\1", path.group()), svg)
    wide = 'class="wide" ' if figure.get_figwidth() > PHONE_WIDTH else ""
    return svg.replace(
        "<svg ", f'<svg {wide}role="img" aria-label="{title}" style="max-width:{figure.get_figwidth() * 96:.0f}px" ', 1
    )


def to_png(figure: Figure, path: str | Path, dots_per_inch: int = 150) -> None:
    """The figure as a PNG on white, for documents that cannot hold SVG."""
    with matplotlib.rc_context(SETTINGS):
        figure.savefig(path, dpi=dots_per_inch, facecolor="white", metadata={"Software": None})
