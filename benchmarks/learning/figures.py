"""Figures of the benchmark, as PNG: all of them, maps and Taylor diagrams."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from benchmarks.learning import plan, statistics
from benchmarks.learning.comparisons import BASELINE_MODES, best_baseline
from benchmarks.learning.curve_figures import data_efficiency, history_length
from benchmarks.learning.labels import (
    CHALLENGERS_SHOWN,
    MODE_COLOURS,
    MODE_NAMES,
    SPLIT_NAMES,
    Quantity,
    entry_name,
    quantities,
    quantity_name,
)
from benchmarks.learning.results import Case, Entry, Results, error_sums
from benchmarks.learning.skill_figures import groups, skill, uncertainty
from emulator.evaluation.figures import style, world_map
from foundations.variables import VARIABLES

TAYLOR_MODES = ("none", "gauged")


class Drawing(NamedTuple):
    """A file of a figure and its caption."""

    file: str
    caption: str


def draw_all(results: Results, folder: Path) -> list[Drawing]:
    """Write the figures that there are results for; returns their names and captions."""
    folder.mkdir(parents=True, exist_ok=True)
    for former in folder.glob("*.png"):
        former.unlink()
    drawings = []
    for name, caption, figure in _all_figures(results):
        if figure is not None:
            style.to_png(figure, folder / f"{name}.png", 110)
            drawings.append(Drawing(f"{name}.png", caption))
    return drawings


def _all_figures(results: Results) -> Iterator[tuple[str, str, Figure | None]]:
    """Name, caption and figure, None where nothing is to be drawn."""
    for quantity in quantities(results):
        label = quantity_name(*quantity)
        stem = "_".join(quantity)
        yield (
            f"skill_{stem}",
            f"RMSE of {label}, with the measured flux of earlier years and without; bars: mean over seeds, whiskers: "
            "their range. Colours: our models; grey: baselines",
            skill(results, quantity),
        )
        yield (
            f"groups_{stem}",
            f"RMSE over the standard deviation of {label} by biome, season of the site's hemisphere, and year",
            groups(results, quantity),
        )
        yield (
            f"map_{stem}",
            f"{label} at new sites: RMSE of the best baseline without past flux, and that of our models over that of "
            "the best baseline with past flux, or without for a model that takes none; green: our model is better",
            maps(results, quantity),
        )
    yield (
        "taylor",
        "Taylor diagrams: distance from the origin is the standard deviation over the observed one, the angle is the "
        "correlation, and the distance from the star is the error without bias",
        taylor(results),
    )
    yield (
        "data_efficiency",
        "RMSE by the share of training sites, at sites that all were tested on; smaller shares train twice the epochs",
        data_efficiency(results),
    )
    yield (
        "history_length",
        "RMSE in the first test year by the years of flux that are visible",
        history_length(results),
    )
    yield (
        "uncertainty",
        "Predicted intervals: coverage of the 90 % interval (grey: the bar), share of observations below each quantile "
        "and predicted spread against error at new sites (first seed)",
        uncertainty(results),
    )


class SiteErrors(NamedTuple):
    """RMSE by row of a site in the dataset, and latitudes and longitudes of all rows."""

    rmse: dict[int, float]
    lat: np.ndarray
    lon: np.ndarray


@style.styled
def maps(results: Results, quantity: Quantity) -> Figure | None:
    """Error of the best baseline, and where our models are better or worse, at new sites of all seeds."""
    case = Case(*quantity, "spatial")
    references = {table: best_baseline(results, case, table) for table in BASELINE_MODES}
    present = results.entries(case)
    duels = [
        (entry, opponent.entry, opponent.seeds)
        for entry in CHALLENGERS_SHOWN
        if entry in present and entry.past_flux != "ungauged"
        and (opponent := references["with" if entry.past_flux == "gauged" else "without"]).entry is not None
    ]  # fmt: skip
    baseline, seeds = references["without"]
    if baseline is None or not duels:
        return None
    rows = -(-(len(duels) + 1) // 2)
    figure, grid = style.new_figure(9.6, 0.3 + 2.15 * rows, rows, 2, sharex=True, sharey=True, squeeze=False)
    errors = _site_errors(results, case, baseline, seeds)
    top = float(np.nanpercentile(list(errors.rmse.values()), 95))
    points = _scatter(grid.flat[0], errors, "viridis", vmin=0.0, vmax=top)
    grid.flat[0].set_title(f"{style.model_name(baseline.kind)}: RMSE, {VARIABLES[quantity.target].analysis_units}")
    figure.colorbar(points, ax=grid.flat[0], shrink=0.75, extend="max", pad=0.01)
    for axes, (entry, reference, reference_seeds) in zip(grid.flat[1:], duels, strict=False):
        shared = [seed for seed in reference_seeds if seed in results.seeds(case, entry)]
        errors = _site_errors(results, case, entry, shared)
        baseline_rmse = _site_errors(results, case, reference, shared).rmse
        ratio = {
            site: rmse / baseline_rmse[site] for site, rmse in errors.rmse.items() if baseline_rmse.get(site, 0.0) > 0.0
        }
        points = _scatter(axes, errors._replace(rmse=ratio), "BrBG_r", norm=LogNorm(0.4, 2.5))
        better = np.mean([value < 1.0 for value in ratio.values()]) if ratio else np.nan
        axes.set_title(f"{entry_name(entry)} over {entry_name(reference)}; lower at {better:.0%}")
        bar = figure.colorbar(points, ax=axes, shrink=0.75, extend="both", pad=0.01)
        bar.set_ticks([0.5, 0.7, 1.0, 1.4, 2.0], labels=["0.5", "0.7", "1", "1.4", "2"])
        bar.minorticks_off()
    for axes in grid.flat[len(duels) + 1 :]:
        axes.set_visible(False)
    return figure


def _site_errors(results: Results, case: Case, entry: Entry, seeds: Sequence[int]) -> SiteErrors:
    """RMSE of each site, mean over seeds, and places of all sites."""
    by_site: dict[int, list[float]] = {}
    places: dict[str, np.ndarray] = {}
    for seed in seeds:
        sums = results.sums(case, entry, seed)
        places = results.places(case, entry, seed)
        for site, squared_error, days in zip(sums.site.tolist(), *error_sums(sums), strict=True):
            if days > 0:
                by_site.setdefault(site, []).append(float(np.sqrt(squared_error / days)))
    rmse = {site: float(np.mean(values)) for site, values in by_site.items()}
    return SiteErrors(rmse, places["lat"], places["lon"])


def _scatter(axes: Axes, sites: SiteErrors, colours: str, **options: Any) -> PathCollection:
    world_map.prepare(axes)
    rows = np.array(list(sites.rmse), int)
    return axes.scatter(
        sites.lon[rows],
        sites.lat[rows],
        c=list(sites.rmse.values()),
        s=13,
        cmap=colours,
        linewidths=0.25,
        edgecolors=style.MUTED,
        **options,
    )


@style.styled
def taylor(results: Results) -> Figure | None:
    """Standard deviation against correlation (Taylor 2001, J. Geophys. Res. 106:7183), new sites and later years."""
    splits = ("temporal", "spatial")
    columns = quantities(results)
    if not columns:
        return None
    figure, grid = style.new_figure(
        9.6, 1.2 + 2.3 * len(splits), len(splits), len(columns), squeeze=False, sharex=True, sharey=True
    )
    handles: dict[str, Line2D] = {}
    for row, split in zip(grid, splits, strict=True):
        for axes, quantity in zip(row, columns, strict=True):
            case = Case(*quantity, split)
            _taylor_axes(axes)
            for entry in results.entries(case):
                if "/" in entry.model or entry.past_flux not in TAYLOR_MODES:
                    continue
                ratio, correlation = _taylor_point(results, case, entry)
                colour, marker = MODE_COLOURS[entry.past_flux], _marker(entry.kind)
                angle = np.arccos(np.clip(correlation, 0.0, 1.0))
                axes.plot(ratio * np.cos(angle), ratio * np.sin(angle), marker, color=colour, markersize=4.5,
                          markeredgecolor=style.INK, markeredgewidth=0.4)  # fmt: skip
                handles[entry.kind] = Line2D([], [], linestyle="", marker=marker, color=style.MUTED,
                                             label=style.model_name(entry.kind))  # fmt: skip
            axes.set_title(f"{quantity_name(*quantity)}\n{SPLIT_NAMES[split]}", fontsize=8)
        row[0].set_ylabel("sd / observed sd")
    for axes in grid[-1]:
        axes.set_xlabel("sd / observed sd")
    ordered = [handles[kind] for kind in plan.MODELS if kind in handles]
    modes = [Patch(color=MODE_COLOURS[mode], label=MODE_NAMES[mode]) for mode in TAYLOR_MODES]
    style.shared_legend(figure, [*ordered, *modes], ncols=6)
    return figure


def _taylor_axes(axes: Axes) -> None:
    """Quarter circles of equal deviation around the origin, and of equal centred error around the observation."""
    angle = np.linspace(0, np.pi / 2, 90)
    for radius in (0.5, 1.0):
        axes.plot(radius * np.cos(angle), radius * np.sin(angle), color=style.MUTED if radius == 1.0 else style.GRID,
                  linewidth=0.8)  # fmt: skip
    around = np.linspace(0, np.pi, 90)
    for radius in (0.25, 0.5, 0.75):
        axes.plot(1 + radius * np.cos(around), radius * np.sin(around), color=style.GRID, linewidth=0.6, linestyle=":")
    for correlation in (0.2, 0.5, 0.8, 0.9, 0.95, 0.99):
        x, y = 1.25 * correlation, 1.25 * np.sqrt(1 - correlation**2)
        axes.plot([0, x], [0, y], color=style.GRID, linewidth=0.5)
        axes.annotate(f"{correlation:g}", (x, y), fontsize=6, color=style.MUTED)
    axes.plot(1, 0, "*", color=style.INK, markersize=8, clip_on=False)
    axes.set(xlim=(0, 1.45), ylim=(0, 1.3), aspect="equal")
    axes.grid(visible=False)


def _taylor_point(results: Results, case: Case, entry: Entry) -> tuple[float, float]:
    total = sum(results.sums(case, entry, seed).table.sum(axis=(0, 1, 2)) for seed in results.seeds(case, entry))
    observed, predicted = statistics.deviations(total)
    return predicted / observed if observed else np.nan, np.nan_to_num(statistics.correlation(total))


def _marker(kind: str) -> str:
    markers = dict(zip(plan.MODELS, "v<>^soDP*hXdp8", strict=False))
    return markers.get(kind, "o")
