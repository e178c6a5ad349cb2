"""What was simulated: where the sites are, and what some of their years look like."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from emulator.evaluation.figures import style, world_map


@dataclass(frozen=True)
class SiteYear:
    """One year of one site in the units people read; every series is (T,), T 365 or 366."""

    title: str
    tas: np.ndarray
    """Air temperature, deg C."""
    wtd: np.ndarray
    """Water table depth, m, positive below the surface."""
    snw: np.ndarray
    """Snow water, kg m-2."""
    gpp: np.ndarray
    """Gross primary production, g C m-2 d-1."""
    reco: np.ndarray
    """Ecosystem respiration, g C m-2 d-1."""
    fch4: np.ndarray
    """Methane flux, mg CH4 m-2 d-1, positive upward."""


@style.styled
def site_map(lat: np.ndarray, lon: np.ndarray, biome: Sequence[str]) -> Figure:
    """Sites (N,) by biome on a map of the globe."""
    figure, axes = style.new_figure(9.6, 4.9)
    world_map.prepare(axes)
    present = sorted(set(biome), key=style.biome_order)
    names = np.asarray(biome)
    for name in present:
        marker, colour = style.biome_mark(name)
        members = names == name
        axes.plot(
            lon[members],
            lat[members],
            linestyle="",
            marker=marker,
            markersize=5.5,
            color=colour,
            markeredgecolor=style.INK,
            markeredgewidth=0.5,
        )
    handles = []
    for name in present:
        marker, colour = style.biome_mark(name)
        label = f"{style.biome_name(name)} ({int((names == name).sum())})"
        look: dict[str, Any] = {"marker": marker, "color": colour, "markeredgecolor": style.INK, "markeredgewidth": 0.5}
        handles.append(Line2D([], [], linestyle="", label=label, **look))
    style.shared_legend(figure, handles, loc="outside lower center", ncols=min(7, len(handles)))
    return figure


@style.styled
def site_years(examples: Sequence[SiteYear]) -> Figure:
    """Weather, water and fluxes over one year of each example site, one column a site."""
    figure, grid = style.new_figure(9.6, 6.6, 4, len(examples), sharex=True, squeeze=False)
    for row in (0, 2, 3):  # not the water table: that of a dry upland would flatten the others
        for axes in grid[row, 1:]:
            axes.sharey(grid[row, 0])
    for column, example in enumerate(examples):
        _weather(grid[0, column], example)
        _water(grid[1, column], example)
        _carbon(grid[2, column], example)
        _methane(grid[3, column], example)
        grid[0, column].set_title(example.title)
        style.month_axis(grid[3, column])
    emission = np.concatenate([example.fch4 for example in examples])
    grid[3, 0].set_ylim(min(-5.0, float(np.nanmin(emission))), max(20.0, 1.2 * float(np.nanmax(emission))))
    rows = (
        "air temperature\n°C",
        "water table\nm above surface",
        "GPP, respiration\ng C m⁻² d⁻¹",
        "methane\nmg CH₄ m⁻² d⁻¹",
    )
    for axes, label in zip(grid[:, 0], rows, strict=True):
        axes.set_ylabel(label)
    figure.align_ylabels(grid[:, 0])
    handles = [
        Line2D([], [], color=style.VERMILION, label="air temperature"),
        Line2D([], [], color=style.BLUE, label="water table"),
        Line2D([], [], color=style.SKY, linewidth=4, label="days with snow"),
        Line2D([], [], color=style.GREEN, label="GPP"),
        Line2D([], [], color=style.INK, linestyle=(0, (4, 1.5)), label="respiration"),
        Line2D([], [], color=style.INK, label="methane"),
    ]
    style.shared_legend(figure, handles)
    return figure


def _weather(axes: Axes, example: SiteYear) -> None:
    axes.plot(_days(example.tas), example.tas, color=style.VERMILION, linewidth=0.9)
    axes.axhline(0, color=style.MUTED, linewidth=0.6)


def _water(axes: Axes, example: SiteYear) -> None:
    level = -example.wtd
    snow = np.where(example.snw > 1.0, 0.0, np.nan)
    axes.plot(_days(level), level, color=style.BLUE)
    axes.plot(_days(level), snow, color=style.SKY, linewidth=4, solid_capstyle="butt")
    axes.axhline(0, color=style.MUTED, linewidth=0.6)


def _carbon(axes: Axes, example: SiteYear) -> None:
    axes.plot(_days(example.gpp), example.gpp, color=style.GREEN)
    axes.plot(_days(example.reco), example.reco, color=style.INK, linestyle=(0, (4, 1.5)), linewidth=1.1)


def _methane(axes: Axes, example: SiteYear) -> None:
    axes.plot(_days(example.fch4), example.fch4, color=style.INK, linewidth=1.1)
    axes.set_yscale("asinh", linear_width=10.0)
    axes.set_yticks((-10, 0, 10, 100, 1000))
    axes.set_yticks((), minor=True)
    axes.yaxis.set_major_formatter("{x:g}")
    axes.axhline(0, color=style.MUTED, linewidth=0.6)


def _days(series: np.ndarray) -> np.ndarray:
    return np.arange(1, len(series) + 1)
