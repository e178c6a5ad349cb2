"""The land model with its biogeochemistry computed and emulated."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from emulator.evaluation.figures import style


@dataclass(frozen=True)
class CoupledSeries:
    """One target at one site under both schemes, daily, (T,), in the units people read."""

    title: str
    year: np.ndarray
    """Decimal year, (T,)."""
    process: np.ndarray
    emulator: np.ndarray


@style.styled
def coupled_series(rows: Sequence[tuple[str, Sequence[CoupledSeries]]], kind: str) -> Figure:
    """Time series by target (rows, each with its axis label) and site (columns)."""
    columns = len(rows[0][1])
    figure, grid = style.new_figure(9.6, 0.7 + 1.7 * len(rows), len(rows), columns, sharex="col", squeeze=False)
    emulated: dict[str, Any] = {
        **style.model_line(kind),
        "linewidth": 1.1,
        "label": f"emulated ({style.model_line(kind)['label']})",
        "linestyle": "-",
    }
    for i, (label, series) in enumerate(rows):
        for j, site in enumerate(series):
            axes = grid[i, j]
            axes.plot(site.year, site.process, **{**style.TRUTH, "linewidth": 1.2})
            axes.plot(site.year, site.emulator, **emulated)
            axes.set_xlim(site.year[0], site.year[-1])
            axes.xaxis.get_major_locator().set_params(integer=True, nbins=5)
            axes.ticklabel_format(axis="x", useOffset=False)
            axes.axhline(0, color=style.MUTED, linewidth=0.6)
            if i == 0:
                axes.set_title(site.title)
        grid[i, 0].set_ylabel(label)
    figure.align_ylabels(grid[:, 0])
    style.shared_legend(figure, [Line2D([], [], **style.TRUTH, label="process model"), Line2D([], [], **emulated)])
    return figure


PARTS = (
    ("forcing_s", "weather", "#bbbcbd"),
    ("physics_s", "land physics", "#56b4e9"),
    ("biogeochemistry_s", "biogeochemistry", "#d55e00"),
    ("history_s", "output", "#8b8c8d"),
)


@style.styled
def timings(runs: Mapping[str, Mapping[str, float]]) -> Figure:
    """Wall time by part of the land model, for each scheme; seconds per site and simulated year, in ms."""
    figure, axes = style.new_figure(9.6, 0.9 + 0.55 * len(runs))
    for row, timing in enumerate(runs.values()):
        left = 0.0
        for key, _, colour in PARTS:
            width = 1e3 * timing.get(key, 0.0) / max(timing.get("site_years", 0.0), 1e-9)
            axes.barh(row, width, left=left, height=0.62, color=colour, edgecolor="none")
            left += width
        axes.text(left, row, f"  {left:.1f} ms", va="center", fontsize=8, color=style.INK)
    axes.set_yticks(range(len(runs)), labels=list(runs))
    axes.invert_yaxis()
    axes.margins(x=0.1)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("wall time per site and year, ms")
    style.shared_legend(figure, [Line2D([], [], color=colour, linewidth=6, label=label) for _, label, colour in PARTS])
    return figure
