"""How well the emulators do on years and sites they never saw."""

from collections.abc import Mapping
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from emulator.evaluation.figures import style

DENSITY_COLOURS = ListedColormap(matplotlib.colormaps["cividis_r"](np.linspace(0.03, 0.8, 128)))
"""Neither so light that it is lost on white paper nor so dark that it is lost on a dark page."""


@style.styled
def seasonal_cycles(
    cycles: Mapping[str, Mapping[str, np.ndarray]], label: str, site_counts: Mapping[str, int]
) -> Figure:
    """Mean seasonal cycle by biome.

    cycles: {biome: {"process" | "climatology" | model kind: (366,)}}; label: the vertical axis' name and unit.
    """
    columns = min(4, len(cycles))
    rows = -(-len(cycles) // columns)
    figure, grid = style.new_figure(9.6, 0.8 + 1.75 * rows, rows, columns, sharex=True, squeeze=False)
    kinds: list[str] = []
    for axes, (biome, series) in zip(grid.flat, cycles.items(), strict=False):
        for name, values in series.items():
            axes.plot(np.arange(1, len(values) + 1), values, **_line(name))
            kinds += [name] if name not in kinds else []
        sites = site_counts[biome]
        axes.set_title(f"{style.biome_name(biome)}, {sites} site{'s' if sites != 1 else ''}")
        axes.axhline(0, color=style.MUTED, linewidth=0.6)
        style.month_axis(axes)
    for axes in grid.flat[len(cycles) :]:
        axes.set_visible(False)
    for row in grid:
        row[0].set_ylabel(label)
    style.shared_legend(figure, [Line2D([], [], **_line(name)) for name in kinds])
    return figure


def _line(name: str) -> dict[str, Any]:
    if name == "process":
        return {**style.TRUTH, "label": "process model"}
    if name == "observed":
        return {**style.TRUTH, "label": "dataset"}
    return {**style.CLIMATOLOGY, "label": "climatology"} if name == "climatology" else style.model_line(name)


@style.styled
def density(
    pairs: Mapping[str, Mapping[str, tuple[np.ndarray, np.ndarray]]],
    label: str,
    linear_width: float,
    split_names: Mapping[str, str],
    truth: str = "simulated",
) -> Figure:
    """Predicted against simulated days, on asinh axes that are linear within linear_width.

    pairs: {model kind: {split: (simulated (n,), predicted (n,))}}; truth: what the first of a pair is called.
    """
    splits = list(next(iter(pairs.values())))
    figure, grid = style.new_figure(
        9.6, 0.6 + 3.0 * len(splits), len(splits), len(pairs), sharex=True, sharey=True, squeeze=False
    )
    everything = np.concatenate(
        [values for by_split in pairs.values() for pair in by_split.values() for values in pair]
    )
    transformed = np.arcsinh(everything[np.isfinite(everything)] / linear_width)
    low, high = np.percentile(transformed, [0.02, 99.98])
    margin = 0.03 * (high - low)
    edges = np.linspace(low - margin, high + margin, 91)
    for column, (kind, by_split) in enumerate(pairs.items()):
        for row, split in enumerate(splits):
            _density_panel(grid[row, column], *by_split[split], linear_width, edges)
            if row == 0:
                grid[row, column].set_title(style.model_name(kind))
    for row, split in enumerate(splits):
        grid[row, 0].set_ylabel(f"{split_names[split]}\nemulated, {label}")
    for axes in grid[-1]:
        axes.set_xlabel(f"{truth}, {label}")
    return figure


def _density_panel(
    axes: Axes, simulated: np.ndarray, predicted: np.ndarray, linear_width: float, edges: np.ndarray
) -> None:
    counts, _, _ = np.histogram2d(
        np.arcsinh(simulated / linear_width), np.arcsinh(predicted / linear_width), bins=(edges, edges)
    )
    shown = np.ma.masked_equal(counts.T, 0)
    extent = (edges[0], edges[-1], edges[0], edges[-1])
    colours = DENSITY_COLOURS
    norm = LogNorm(1, max(float(counts.max()), 2.0))
    axes.imshow(
        shown, origin="lower", extent=extent, cmap=colours, norm=norm, interpolation="nearest", aspect="equal", zorder=2
    )
    axes.plot(extent[:2], extent[:2], color=style.INK, linewidth=0.8, linestyle=(0, (3, 2)), zorder=3)
    ticks = [tick for tick in _decades(linear_width) if edges[0] <= np.arcsinh(tick / linear_width) <= edges[-1]]
    places = [np.arcsinh(tick / linear_width) for tick in ticks]
    axes.set_xticks(places, labels=[f"{tick:g}" for tick in ticks])
    axes.set_yticks(places, labels=[f"{tick:g}" for tick in ticks])


def _decades(linear_width: float) -> list[float]:
    positive = [10.0**k for k in range(-3, 6) if 10.0**k >= 0.99 * linear_width]
    return [-value for value in reversed(positive)] + [0.0] + positive


@style.styled
def biome_skill(skill: Mapping[str, Mapping[str, Mapping[str, float]]], split_names: Mapping[str, str]) -> Figure:
    """Share of the climatology's squared error that a model removes, by biome.

    skill: {split: {biome: {model kind: 1 - MSE / MSE_climatology}}}. Values under -1 are arrows at the left edge.
    """
    splits = list(skill)
    biomes = sorted({biome for by_biome in skill.values() for biome in by_biome}, key=style.biome_order, reverse=True)
    figure, grid = style.new_figure(
        9.6, 1.0 + 0.31 * len(biomes), 1, len(splits), sharey=True, sharex=True, squeeze=False
    )
    kinds: list[str] = []
    for axes, split in zip(grid[0], splits, strict=True):
        axes.axvline(0, color=style.INK, linewidth=0.9)
        for row, biome in enumerate(biomes):
            values = skill[split].get(biome, {})
            for place, (kind, value) in enumerate(values.items()):
                kinds += [kind] if kind not in kinds else []
                _skill_mark(axes, row + 0.22 * ((len(values) - 1) / 2 - place), kind, value)
        axes.set(
            title=split_names[split], xlabel="share of the climatology's squared error removed", xlim=(-1.05, 1.05)
        )
    grid[0, 0].set_yticks(range(len(biomes)), labels=[style.biome_name(biome) for biome in biomes])
    handles = [
        Line2D(
            [],
            [],
            linestyle="",
            marker=style.MODEL_MARKERS.get(kind, "v"),
            color=style.model_line(kind)["color"],
            label=style.model_name(kind),
        )
        for kind in kinds
    ]
    style.shared_legend(figure, handles)
    return figure


def _skill_mark(axes: Axes, row: float, kind: str, value: float) -> None:
    if not np.isfinite(value):
        return
    marker = style.MODEL_MARKERS.get(kind, "v") if value > -1 else "<"
    axes.plot(
        max(value, -1.0),
        row,
        linestyle="",
        marker=marker,
        color=style.model_line(kind)["color"],
        markersize=6,
        alpha=0.9,
    )
