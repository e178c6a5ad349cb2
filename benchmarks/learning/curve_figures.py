"""Curves of RMSE by the share of training sites and by the years of past flux."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from benchmarks.learning import statistics
from benchmarks.learning.labels import (
    BASELINE_LINES,
    LINES,
    SPLIT_NAMES,
    Quantity,
    entry_name,
    quantity_name,
)
from benchmarks.learning.results import Case, Entry, Results
from emulator.evaluation.figures import style
from foundations.variables import VARIABLES

SHARE = "share_"
"""Begins the variants that are trained on a share of the sites."""
HISTORY = "history_"
"""Begins what entries were given of past flux where years of it were counted."""

Curves = dict[Entry, dict[float, float]]
"""RMSE by the quantity of the axis, by model."""


@style.styled
def data_efficiency(results: Results) -> Figure | None:
    """RMSE of models trained on fewer sites, at the sites that all of them were tested on."""
    quantities = {
        Quantity(case.ensemble, case.target)
        for case in results.main_cases()
        for entry in results.entries(case)
        if f"/{SHARE}" in entry.model
    }
    panels = [
        case
        for case in results.main_cases()
        if Quantity(case.ensemble, case.target) in quantities and case.split in ("temporal", "spatial")
    ]
    return _curves(results, panels, _rmse_by_share, "share of the training sites", logarithmic=True)


def _rmse_by_share(results: Results, case: Case) -> Curves:
    shares: dict[Entry, list[float]] = {}
    for entry in results.entries(case):
        if entry.variant.startswith(SHARE) and entry.past_flux in ("none", "gauged"):
            whole = Entry(entry.kind, entry.past_flux)
            shares.setdefault(whole, []).append(float(entry.variant.removeprefix(SHARE)))
    curves = {}
    for whole, shares_of_model in shares.items():
        entries = {1.0: whole} | {
            share: Entry(f"{whole.model}/{SHARE}{share:g}", whole.past_flux) for share in shares_of_model
        }
        curves[whole] = _common_rmse(results, case, entries)
    return curves


@style.styled
def history_length(results: Results) -> Figure | None:
    """RMSE in the first test year against the number of years whose flux is visible."""
    panels = [
        case
        for case in results.main_cases()
        if any(entry.past_flux == f"{HISTORY}0" for entry in results.entries(case))
    ]
    return _curves(results, panels, _rmse_by_years, "years of past flux", logarithmic=False)


def _rmse_by_years(results: Results, case: Case) -> Curves:
    entries: dict[Entry, dict[float, Entry]] = {}
    for entry in results.entries(case):
        if entry.past_flux.startswith(HISTORY):
            years = float(entry.past_flux.removeprefix(HISTORY))
            entries.setdefault(Entry(entry.model, "gauged"), {})[years] = entry
    return {whole: _common_rmse(results, case, by_years) for whole, by_years in entries.items()}


def _shared_seeds(results: Results, case: Case, entries: Iterable[Entry]) -> list[int]:
    return sorted(set.intersection(*(set(results.seeds(case, entry)) for entry in entries)))


def _common_rmse(results: Results, case: Case, entries: dict[float, Entry]) -> dict[float, float]:
    """Mean RMSE over the seeds that all entries have, at the sites that all were tested on."""
    by_abscissa: dict[float, list[float]] = {}
    for seed in _shared_seeds(results, case, entries.values()):
        sums = {abscissa: results.sums(case, entry, seed) for abscissa, entry in entries.items()}
        sites, *more_sites = (test.site for test in sums.values())
        for tested in more_sites:
            sites = np.intersect1d(sites, tested)
        for abscissa, test in sums.items():
            row = test.of_sites(sites).table.sum(axis=(0, 1, 2))
            by_abscissa.setdefault(abscissa, []).append(statistics.pooled(row)["rmse"])
    return {abscissa: float(np.mean(by_abscissa[abscissa])) for abscissa in sorted(by_abscissa)}


def _curves(
    results: Results,
    cases: Sequence[Case],
    curves_of: Callable[[Results, Case], Curves],
    label: str,
    *,
    logarithmic: bool,
) -> Figure | None:
    """A panel for each case that has curves."""
    curves = {case: curves_of(results, case) for case in cases}
    panels = {case: by_entry for case, by_entry in curves.items() if any(by_entry.values())}
    if not panels:
        return None
    columns = min(4, len(panels))
    rows = -(-len(panels) // columns)
    figure, grid = style.new_figure(9.6, 0.7 + 2.2 * rows, rows, columns, squeeze=False)
    handles: dict[str, Line2D] = {}
    for axes, (case, by_entry) in zip(grid.flat, panels.items(), strict=False):
        for entry, points in by_entry.items():
            if not points:
                continue
            stroke = LINES.get(entry.kind, BASELINE_LINES["with" if entry.past_flux == "gauged" else "without"])
            axes.plot(list(points), list(points.values()), **stroke.line())
            handles[entry_name(entry)] = Line2D([], [], label=entry_name(entry), **stroke.line())
        axes.set_title(f"{quantity_name(case.ensemble, case.target)}\n{SPLIT_NAMES[case.split]}", fontsize=8)
        axes.margins(y=0.08)
        axes.set_ylim(bottom=0)
        axes.set_ylabel(f"RMSE, {VARIABLES[case.target].analysis_units}", fontsize=8)
        _set_abscissa(axes, logarithmic=logarithmic)
    for axes in grid.flat[len(panels) :]:
        axes.set_visible(False)
    for axes in grid[-1]:
        axes.set_xlabel(label)
    style.shared_legend(figure, list(handles.values()))
    return figure


def _set_abscissa(axes: Axes, *, logarithmic: bool) -> None:
    if logarithmic:
        axes.set_xscale("log")
        axes.set_xticks([0.1, 0.25, 0.5, 1.0], labels=["10 %", "25 %", "50 %", "100 %"])
        axes.minorticks_off()
    else:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
