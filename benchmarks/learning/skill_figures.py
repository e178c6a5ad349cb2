"""Figures of skill: by model, by group of sites or days, and of predicted intervals."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter

from benchmarks.learning import plan, statistics
from benchmarks.learning.labels import (
    LINES,
    MODE_COLOURS,
    SPLIT_NAMES,
    Quantity,
    Stroke,
    cases_of,
    leaders,
    legend_handle,
    quantities,
    quantity_name,
)
from benchmarks.learning.results import Case, Entry, Results
from emulator.evaluation.figures import style
from emulator.evaluation.scoring import SEASONS
from foundations.variables import BIOMES, VARIABLES

LOCAL_SEASONS = ("winter", "spring", "summer", "autumn")
"""Names of SEASONS on the northern hemisphere; on the southern one they are two further."""

HIGHEST_ERROR = 2.5
"""Top of an axis of RMSE over standard deviation; in a biome with next to no flux it has no limit."""


BAR_COLOUR = "#a9aaab"
"""Of baselines."""


@style.styled
def skill(results: Results, quantity: Quantity) -> Figure | None:
    """RMSE of all models, one column for each split; above those that see measured flux of earlier years."""
    cases = cases_of(results, quantity)
    entries = [
        entry
        for entry in dict.fromkeys(entry for case in cases for entry in results.entries(case))
        if "/" not in entry.model and entry.past_flux in MODE_COLOURS
        and (entry.past_flux != "ungauged" or entry.kind in plan.CHALLENGERS)
    ]  # fmt: skip
    blocks = {
        "with\npast flux": [entry for entry in entries if entry.past_flux == "gauged"],
        "without\npast flux": [entry for entry in entries if entry.past_flux != "gauged"],
    }
    blocks = {name: _ordered(results, cases, members) for name, members in blocks.items() if members}
    if not blocks:
        return None
    heights = [len(members) for members in blocks.values()]
    figure, grid = style.new_figure(9.6, 0.8 + 0.21 * sum(heights), len(heights), len(cases), sharex="col",
                                    sharey="row", squeeze=False, height_ratios=heights)  # fmt: skip
    most = max(len(results.seeds(case, entry)) for case in cases for entry in entries)
    for row, (name, members) in zip(grid, blocks.items(), strict=True):
        for axes, case in zip(row, cases, strict=True):
            _bars(axes, results, case, members)
        row[0].set_ylim(-0.7, len(members) - 0.3)
        row[0].set_yticks(range(len(members)), labels=[_with_seeds(results, cases, entry, most) for entry in members])
        row[0].set_ylabel(name)
    for axes, case in zip(grid[0], cases, strict=True):
        axes.set_title(SPLIT_NAMES[case.split])
    for axes in grid[-1]:
        axes.set_xlabel(f"RMSE, {VARIABLES[quantity.target].analysis_units}")
    return figure


def _bars(axes: Axes, results: Results, case: Case, entries: Sequence[Entry]) -> None:
    for row, entry in enumerate(entries):
        values = results.values(case, entry, "rmse")
        if values:
            mean = np.mean(values)
            colour = LINES[entry.kind].colour if entry.kind in LINES else BAR_COLOUR
            axes.barh(row, mean, 0.74, color=colour, alpha=1.0 if entry.past_flux in ("none", "gauged") else 0.55,
                      xerr=[[mean - min(values)], [max(values) - mean]],
                      error_kw={"elinewidth": 0.9, "ecolor": style.INK})  # fmt: skip
            axes.annotate(f"{mean:.3g}", (max(values), row), (3, 0), textcoords="offset points", va="center",
                          fontsize=6.5, color=style.MUTED)  # fmt: skip
    axes.margins(x=0.14)
    axes.grid(axis="y", visible=False)


def _ordered(results: Results, cases: Sequence[Case], entries: Sequence[Entry]) -> list[Entry]:
    """The worst first, by RMSE over the lowest of each case, mean over the cases that a model was tested on."""

    def place(entry: Entry) -> float:
        ratios = [results.mean(case, entry, "rmse") / least[case] for case in cases]
        tested = [ratio for ratio in ratios if np.isfinite(ratio)]
        return -float(np.mean(tested)) if tested else 0.0

    least = {case: np.nanmin([results.mean(case, entry, "rmse") for entry in results.entries(case)]) for case in cases}
    return sorted(entries, key=place)


def _with_seeds(results: Results, cases: Sequence[Case], entry: Entry, most: int) -> str:
    """Name of a model, and its number of seeds where others have more."""
    name = style.model_name(entry.kind)
    if entry.past_flux in ("ungauged", "self_fed"):
        name += f", {entry.past_flux.replace('_', '-')}"
    seeds = max(len(results.seeds(case, entry)) for case in cases)
    return name if seeds == most else f"{name} ({seeds} of {most} seeds)"


@style.styled
def groups(results: Results, quantity: Quantity) -> Figure | None:
    """RMSE over the standard deviation of the observations within each biome, season and year; splits are rows."""
    cases = [case for case in cases_of(results, quantity) if case.split in ("temporal", "spatial")]
    if not cases:
        return None
    figure, grid = style.new_figure(
        9.6, 0.9 + 2.3 * len(cases), len(cases), 3, sharey="row", squeeze=False, width_ratios=(1.4, 1.0, 1.7)
    )
    labels: dict[Stroke, list[str]] = {}
    for row, case in zip(grid, cases, strict=True):
        panels = dict(zip(GroupErrors._fields, row, strict=True))
        shown = leaders(results, case)
        highest = 0.0
        for number, (entry, label, stroke) in enumerate(shown):
            dodge = 0.11 * (number - (len(shown) - 1) / 2)
            errors = by_group(results, case, entry)
            for grouping, axes in panels.items():
                values = getattr(errors, grouping)
                _plot_groups(axes, values, stroke, None if grouping == "year" else dodge)
                highest = max(highest, *np.nan_to_num(list(values.values())))
            labels.setdefault(stroke, []).append(label)
        panels["biome"].set_ylabel(f"{SPLIT_NAMES[case.split]}\nRMSE / sd")
        panels["biome"].set_ylim(0, min(1.05 * highest, HIGHEST_ERROR))
        panels["biome"].tick_params(axis="x", rotation=25)
        panels["year"].tick_params(axis="x", rotation=45)
        for grouping in ("biome", "season"):
            panels[grouping].grid(axis="x", visible=False)
    for axes, title in zip(grid[0], GroupErrors._fields, strict=True):
        axes.set_title(title)
    style.shared_legend(figure, [legend_handle(stroke, names) for stroke, names in labels.items()], ncols=3)
    return figure


def _plot_groups(axes: Axes, values: dict[str, float], stroke: Stroke, dodge: float | None) -> None:
    """Points beside each other, `dodge` from the tick, or a line where it is None."""
    look = stroke.line(linewidth=1.2)
    if dodge is None:
        axes.plot(np.arange(len(values)) + 0.0, list(values.values()), **look)
    else:
        axes.plot(np.arange(len(values)) + dodge, list(values.values()), **look | {"linestyle": ""})
    axes.set_xticks(range(len(values)), labels=list(values))


class GroupErrors(NamedTuple):
    """nrmse_sd by biome, by season of the hemisphere and by year."""

    biome: dict[str, float]
    season: dict[str, float]
    year: dict[str, float]


def by_group(results: Results, case: Case, entry: Entry) -> GroupErrors:
    """RMSE over the standard deviation of the observations within each group, pooled over seeds."""
    biomes: dict[str, np.ndarray] = {}
    years: dict[str, np.ndarray] = {}
    seasons = np.zeros((len(SEASONS), len(statistics.SUMS)))
    for seed in results.seeds(case, entry):
        sums = results.sums(case, entry, seed)
        places = results.places(case, entry, seed)
        biome, south = places["biome"][sums.site], places["lat"][sums.site] < 0.0
        for code in np.unique(biome):
            name = style.biome_name(BIOMES[int(code)])
            biomes[name] = biomes.get(name, 0) + sums.table[biome == code].sum(axis=(0, 1, 2))
        for index, year in enumerate(sums.year):
            years[str(year)] = years.get(str(year), 0) + sums.table[:, index].sum(axis=(0, 1))
        seasons += sums.table[~south].sum(axis=(0, 1)) + np.roll(sums.table[south].sum(axis=(0, 1)), 2, axis=0)
    order = sorted(biomes, key=lambda name: style.biome_order(name.replace(" ", "_")))
    return GroupErrors(
        biome=_nrmse_sd({name: biomes[name] for name in order}),
        season=_nrmse_sd(dict(zip(LOCAL_SEASONS, seasons, strict=True))),
        year=_nrmse_sd(dict(sorted(years.items()))),
    )


def _nrmse_sd(rows: dict[str, np.ndarray]) -> dict[str, float]:
    return {name: statistics.pooled(row)["nrmse_sd"] for name, row in rows.items()}


def log_ticks(axis: Axis, ratio: float) -> None:
    """Label powers of ten, or 1, 2 and 5 where the ends of a logarithmic axis are at most a `ratio` of 50 apart."""
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if ratio <= 50.0 else (1.0,)))
    axis.set_major_formatter(FormatStrFormatter("%g"))
    axis.set_minor_formatter(NullFormatter())


@style.styled
def uncertainty(results: Results) -> Figure | None:
    """Coverage of the 90 % interval by split, reliability of all levels, and predicted spread against error."""
    columns = quantities(results)
    records = {
        (case, entry): results.record(case, entry, results.seeds(case, entry)[0])
        for case in results.main_cases()
        for entry in results.entries(case)
        if "/" not in entry.model and entry.past_flux in MODE_COLOURS and results.values(case, entry, "coverage90")
    }
    if not records:
        return None
    figure, grid = style.new_figure(9.6, 7.2, 3, len(columns), squeeze=False)
    splits = [split for split in SPLIT_NAMES if any(case.split == split for case, _ in records)]
    labels: dict[Stroke, list[str]] = {}
    for quantity, (coverage, reliability, spread) in zip(columns, grid.T, strict=True):
        coverage.sharey(grid[0, 0])
        coverage.set_title(quantity_name(*quantity))
        _plot_coverage(coverage, results, cases_of(results, quantity), splits, labels)
        for axes in (reliability, spread):
            axes.set_box_aspect(0.75)
        case = Case(*quantity, "spatial")
        shown = [
            (records[case, entry], stroke.line(2.5, linewidth=1.2))
            for entry, _, stroke in leaders(results, case)
            if (case, entry) in records
        ]
        _plot_reliability(reliability, shown)
        _plot_spread(spread, shown)
        spread.set_xlabel(f"predicted spread, {VARIABLES[quantity.target].analysis_units}")
    row_labels = ("coverage of the\n90 % interval", "share below, new sites", "error, new sites")
    for axes, label in zip(grid[:, 0], row_labels, strict=True):
        axes.set_ylabel(label)
    style.shared_legend(figure, [legend_handle(stroke, names) for stroke, names in labels.items()], ncols=3)
    return figure


def _plot_coverage(
    axes: Axes, results: Results, cases: Sequence[Case], splits: Sequence[str], labels: dict[Stroke, list[str]]
) -> None:
    """Coverage of each split; adds what the models are called to `labels`."""
    axes.axhspan(0.88, 0.92, color=style.GRID, zorder=0)
    for case in cases:
        shown = leaders(results, case)
        for number, (entry, label, stroke) in enumerate(shown):
            place = splits.index(case.split) + 0.12 * (number - (len(shown) - 1) / 2)
            axes.plot(place, results.mean(case, entry, "coverage90"), "o", markersize=5, color=stroke.colour)
            labels.setdefault(stroke, []).append(label)
    axes.set_xlim(-0.6, len(splits) - 0.4)
    axes.set_xticks(range(len(splits)), labels=[SPLIT_NAMES[split] for split in splits], rotation=20, ha="right")
    axes.grid(axis="x", visible=False)


def _plot_reliability(axes: Axes, shown: Sequence[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    """Share of observations below each level; shown: records with the looks of their lines."""
    axes.plot([0, 1], [0, 1], color=style.MUTED, linewidth=0.8)
    for record, look in shown:
        axes.plot(record["reliability"]["levels"], record["reliability"]["below"], **look)
    axes.set_xlabel("level of the quantile")


def _plot_spread(axes: Axes, shown: Sequence[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    """Error against predicted spread."""
    limits: list[float] = []
    for record, look in shown:
        axes.plot(record["spread_skill"]["spread"], record["spread_skill"]["error"], **look)
        limits += [*record["spread_skill"]["spread"], *record["spread_skill"]["error"]]
    if positive := [limit for limit in limits if limit]:
        low, high = min(positive), max(positive)
        axes.plot([low, high], [low, high], color=style.MUTED, linewidth=0.8)
        axes.set(xscale="log", yscale="log")
        for axis in (axes.xaxis, axes.yaxis):
            log_ticks(axis, high / low)
