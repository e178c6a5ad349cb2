"""Figures of skill: by model, by group of sites or days, and of predicted intervals."""

from collections.abc import Sequence

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


@style.styled
def skill(results: Results, ensemble: str, target: str) -> Figure | None:
    """RMSE of all models, one column for each split; above those that see measured flux of earlier years."""
    cases = cases_of(results, ensemble, target)
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
    blocks = {name: _ordered(results, cases, some) for name, some in blocks.items() if some}
    if not blocks:
        return None
    rows = [len(some) for some in blocks.values()]
    figure, grid = style.new_figure(9.6, 0.8 + 0.21 * sum(rows), len(rows), len(cases), sharex="col", sharey="row",
                                    squeeze=False, height_ratios=rows)  # fmt: skip
    most = max(len(results.seeds(case, entry)) for case in cases for entry in entries)
    for line, (name, some) in zip(grid, blocks.items(), strict=True):
        for axes, case in zip(line, cases, strict=True):
            _bars(axes, results, case, some)
        line[0].set_ylim(-0.7, len(some) - 0.3)
        line[0].set_yticks(range(len(some)), labels=[_with_seeds(results, cases, entry, most) for entry in some])
        line[0].set_ylabel(name)
    for axes, case in zip(grid[0], cases, strict=True):
        axes.set_title(SPLIT_NAMES[case.split])
    for axes in grid[-1]:
        axes.set_xlabel(f"RMSE, {VARIABLES[target].analysis_units}")
    return figure


def _bars(axes: Axes, results: Results, case: Case, entries: Sequence[Entry]) -> None:
    for row, entry in enumerate(entries):
        values = results.values(case, entry, "rmse")
        if values:
            mean = np.mean(values)
            colour = LINES[entry.kind][0] if entry.kind in LINES else "#a9aaab"
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
        found = [results.mean(case, entry, "rmse") / least[case] for case in cases]
        known = [value for value in found if np.isfinite(value)]
        return -float(np.mean(known)) if known else 0.0

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
def groups(results: Results, ensemble: str, target: str) -> Figure | None:
    """RMSE over the standard deviation of the observations within each biome, season and year; splits are rows."""
    cases = [case for case in cases_of(results, ensemble, target) if case.split in ("temporal", "spatial")]
    if not cases:
        return None
    figure, grid = style.new_figure(
        9.6, 0.9 + 2.3 * len(cases), len(cases), 3, sharey="row", squeeze=False, width_ratios=(1.4, 1.0, 1.7)
    )
    names: dict[tuple, list[str]] = {}
    for row, case in zip(grid, cases, strict=True):
        shown = leaders(results, case)
        highest = 0.0
        for number, (entry, label, colour, dash) in enumerate(shown):
            look = {"color": colour, "linestyle": dash, "marker": "o", "markersize": 3.5, "linewidth": 1.2}
            dodge = 0.11 * (number - (len(shown) - 1) / 2)
            tables = by_group(results, case, entry)
            for axes, values in zip(row, tables, strict=True):
                is_year = values is tables[2]
                places = np.arange(len(values)) + (0.0 if is_year else dodge)
                axes.plot(places, list(values.values()), **(look if is_year else look | {"linestyle": ""}))
                axes.set_xticks(range(len(values)), labels=list(values))
                highest = max(highest, *np.nan_to_num(list(values.values())))
            names.setdefault((colour, dash), []).append(label)
        row[0].set_ylabel(f"{SPLIT_NAMES[case.split]}\nRMSE / sd")
        row[0].set_ylim(0, min(1.05 * highest, HIGHEST_ERROR))
        row[0].tick_params(axis="x", rotation=25)
        row[2].tick_params(axis="x", rotation=45)
        for axes in row[:2]:
            axes.grid(axis="x", visible=False)
    for axes, title in zip(grid[0], ("biome", "season", "year"), strict=True):
        axes.set_title(title)
    style.shared_legend(figure, [legend_handle(*look, labels) for look, labels in names.items()], ncols=3)
    return figure


def by_group(results: Results, case: Case, entry: Entry) -> tuple[dict[str, float], ...]:
    """nrmse_sd by biome, by season of the hemisphere and by year, pooled over seeds."""
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
    by_season = dict(zip(LOCAL_SEASONS, seasons, strict=True))
    ordered = {
        name: biomes[name] for name in sorted(biomes, key=lambda name: style.biome_order(name.replace(" ", "_")))
    }
    return tuple(
        {name: statistics.pooled(row)["nrmse_sd"] for name, row in table.items()}
        for table in (ordered, by_season, dict(sorted(years.items())))
    )


def log_ticks(axis: Axis, ratio: float) -> None:
    """Label powers of ten, or 1, 2 and 5 where the ends of a logarithmic axis are at most a `ratio` of 50 apart."""
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if ratio <= 50.0 else (1.0,)))
    axis.set_major_formatter(FormatStrFormatter("%g"))
    axis.set_minor_formatter(NullFormatter())


@style.styled
def uncertainty(results: Results) -> Figure | None:
    """Coverage of the 90 % interval by split, reliability of all levels, and predicted spread against error."""
    wanted = quantities(results)
    rows = {
        (case, entry): results.record(case, entry, results.seeds(case, entry)[0])
        for case in results.main_cases()
        for entry in results.entries(case)
        if "/" not in entry.model and entry.past_flux in MODE_COLOURS and results.values(case, entry, "coverage90")
    }
    if not rows:
        return None
    figure, grid = style.new_figure(9.6, 7.2, 3, len(wanted), squeeze=False)
    splits = [split for split in SPLIT_NAMES if any(case.split == split for case, _ in rows)]
    names: dict[tuple, list[str]] = {}
    for (ensemble, target), (covered, reliable, spread) in zip(wanted, grid.T, strict=True):
        covered.sharey(grid[0, 0])
        covered.axhspan(0.88, 0.92, color=style.GRID, zorder=0)
        for case in cases_of(results, ensemble, target):
            shown = leaders(results, case)
            for number, (entry, label, colour, dash) in enumerate(shown):
                place = splits.index(case.split) + 0.12 * (number - (len(shown) - 1) / 2)
                covered.plot(place, results.mean(case, entry, "coverage90"), "o", markersize=5, color=colour)
                names.setdefault((colour, dash), []).append(label)
        case = Case(ensemble, target, "spatial")
        for axes in (reliable, spread):
            axes.set_box_aspect(0.75)
        reliable.plot([0, 1], [0, 1], color=style.MUTED, linewidth=0.8)
        limits: list[float] = []
        for entry, _, colour, dash in leaders(results, case):
            record = rows.get((case, entry))
            if record is None:
                continue
            look = {"color": colour, "linestyle": dash, "marker": "o", "markersize": 2.5, "linewidth": 1.2}
            reliable.plot(record["reliability"]["levels"], record["reliability"]["below"], **look)
            spread.plot(record["spread_skill"]["spread"], record["spread_skill"]["error"], **look)
            limits += [*record["spread_skill"]["spread"], *record["spread_skill"]["error"]]
        if positive := [value for value in limits if value]:
            spread.plot(
                [min(positive), max(positive)], [min(positive), max(positive)], color=style.MUTED, linewidth=0.8
            )
            spread.set(xscale="log", yscale="log")
            for axis in (spread.xaxis, spread.yaxis):
                log_ticks(axis, max(positive) / min(positive))
        covered.set_title(quantity_name(ensemble, target))
        covered.set_xlim(-0.6, len(splits) - 0.4)
        covered.set_xticks(range(len(splits)), labels=[SPLIT_NAMES[split] for split in splits], rotation=20, ha="right")
        covered.grid(axis="x", visible=False)
        reliable.set_xlabel("level of the quantile")
        spread.set_xlabel(f"predicted spread, {VARIABLES[target].analysis_units}")
    for axes, label in zip(
        grid[:, 0], ("coverage of the\n90 % interval", "share below, new sites", "error, new sites"), strict=True
    ):
        axes.set_ylabel(label)
    style.shared_legend(figure, [legend_handle(*look, labels) for look, labels in names.items()], ncols=3)
    return figure
