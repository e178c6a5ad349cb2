"""Curves of RMSE by the share of training sites and by the years of past flux."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from benchmarks.learning import statistics
from benchmarks.learning.labels import (
    BASELINE_LINES,
    LINES,
    SPLIT_NAMES,
    entry_name,
    quantity_name,
)
from benchmarks.learning.results import Case, Entry, Results
from emulator.evaluation.figures import style
from foundations.variables import VARIABLES


@style.styled
def data_efficiency(results: Results) -> Figure | None:
    """RMSE of models trained on fewer sites, at the sites that all of them were tested on."""
    prefix = "share_"
    shared = {
        (case.ensemble, case.target)
        for case in results.main_cases()
        for entry in results.entries(case)
        if f"/{prefix}" in entry.model
    }
    panels = [
        case
        for case in results.main_cases()
        if (case.ensemble, case.target) in shared and case.split in ("temporal", "spatial")
    ]

    def series(case: Case) -> dict[Entry, dict[float, float]]:
        found: dict[Entry, dict[float, float]] = {}
        for entry in results.entries(case):
            kind, _, variant = entry.model.partition("/")
            if variant.startswith(prefix) and entry.past_flux in ("none", "gauged"):
                whole = Entry(kind, entry.past_flux)
                found.setdefault(whole, {})[float(variant.removeprefix(prefix))] = np.nan
        for whole, points in found.items():
            names = {1.0: whole} | {
                share: Entry(f"{whole.model}/{prefix}{share:g}", whole.past_flux) for share in points
            }
            found[whole] = _common_rmse(results, case, names, _shared_seeds(results, case, names.values()))
        return found

    return _curves(results, panels, series, "share of the training sites", logarithmic=True)


@style.styled
def history_length(results: Results) -> Figure | None:
    """RMSE in the first test year against the number of years whose flux is visible."""
    panels = [
        case for case in results.main_cases() if any(entry.past_flux == "history_0" for entry in results.entries(case))
    ]

    def series(case: Case) -> dict[Entry, dict[float, float]]:
        found: dict[Entry, dict[float, Entry]] = {}
        for entry in results.entries(case):
            if entry.past_flux.startswith("history_"):
                years = float(entry.past_flux.removeprefix("history_"))
                found.setdefault(Entry(entry.model, "gauged"), {})[years] = entry
        return {
            whole: _common_rmse(results, case, points, _shared_seeds(results, case, points.values()))
            for whole, points in found.items()
        }

    return _curves(results, panels, series, "years of past flux", logarithmic=False)


def _shared_seeds(results: Results, case: Case, entries: Iterable[Entry]) -> list[int]:
    return sorted(set.intersection(*(set(results.seeds(case, entry)) for entry in entries)))


def _common_rmse(results: Results, case: Case, entries: dict[float, Entry], seeds: Sequence[int]) -> dict[float, float]:
    """Mean RMSE over seeds at the sites that all entries were tested on."""
    found: dict[float, list[float]] = {}
    for seed in seeds:
        sums = {x: results.sums(case, entry, seed) for x, entry in entries.items()}
        common = None
        for some in sums.values():
            common = some.site if common is None else np.intersect1d(common, some.site)
        for x, some in sums.items():
            row = some.of_sites(common).table.sum(axis=(0, 1, 2))
            found.setdefault(x, []).append(statistics.pooled(row)["rmse"])
    return {x: float(np.mean(found[x])) for x in sorted(found)}


def _curves(
    results: Results,
    panels: list[Case],
    series: Callable[[Case], dict[Entry, dict[float, float]]],
    label: str,
    *,
    logarithmic: bool,
) -> Figure | None:
    panels = [case for case in panels if any(series(case).values())]
    if not panels:
        return None
    columns = min(4, len(panels))
    rows = -(-len(panels) // columns)
    figure, grid = style.new_figure(9.6, 0.7 + 2.2 * rows, rows, columns, squeeze=False)
    handles: dict[str, Line2D] = {}
    for axes, case in zip(grid.flat, panels, strict=False):
        for entry, points in series(case).items():
            if not points:
                continue
            colour, dash = LINES.get(entry.kind, BASELINE_LINES["with" if entry.past_flux == "gauged" else "without"])
            look = {"color": colour, "linestyle": dash, "marker": "o", "markersize": 3.5}
            axes.plot(list(points), list(points.values()), **look)
            handles[entry_name(entry)] = Line2D([], [], label=entry_name(entry), **look)
        axes.set_title(f"{quantity_name(case.ensemble, case.target)}\n{SPLIT_NAMES[case.split]}", fontsize=8)
        axes.margins(y=0.08)
        axes.set_ylim(bottom=0)
        if logarithmic:
            axes.set_xscale("log")
            axes.set_xticks([0.1, 0.25, 0.5, 1.0], labels=["10 %", "25 %", "50 %", "100 %"])
            axes.minorticks_off()
        else:
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    for axes in grid.flat[len(panels) :]:
        axes.set_visible(False)
    for axes in grid[-1]:
        axes.set_xlabel(label)
    for axes, case in zip(grid.flat, panels, strict=False):
        axes.set_ylabel(f"RMSE, {VARIABLES[case.target].analysis_units}", fontsize=8)
    style.shared_legend(figure, list(handles.values()))
    return figure
