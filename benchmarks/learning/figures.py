"""Figures of the benchmark, as PNG."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Polygon
from matplotlib.ticker import MaxNLocator

from benchmarks.learning import plan, statistics
from benchmarks.learning.comparisons import TABLES, baselines, best
from benchmarks.learning.results import Case, Entry, Results
from ecosys_sims import land
from emulator.data.variables import BIOMES, VARIABLES
from emulator.evaluation.figures import style
from emulator.evaluation.scoring import SEASONS

SPLIT_NAMES = {
    "temporal": "later years",
    "spatial": "new sites",
    "spatiotemporal": "new sites, later years",
    "leave_biome_out": "biome left out",
}
OWN = (Entry("cham_net", "gauged"), Entry("cham_net", "ungauged"), Entry("raci", "none"), Entry("unified", "gauged"))
MODE_COLOURS = {"none": style.MUTED, "ungauged": style.SKY, "gauged": style.BLUE, "self_fed": style.GREEN}
MODE_NAMES = {
    "none": "no past flux", "ungauged": "takes past flux, has none", "gauged": "measured past flux",
    "self_fed": "its own past flux",
}  # fmt: skip
LOCAL_SEASONS = ("winter", "spring", "summer", "autumn")
"""Names of SEASONS on the northern hemisphere; on the southern one they are two further."""
LINES = {"cham_net": (style.BLUE, "-"), "raci": (style.GREEN, (0, (4, 1, 1, 1))), "unified": (style.VERMILION, "-")}
BASELINE_LINES = {"without": (style.MUTED, (0, (1, 1.5))), "with": (style.ORANGE, (0, (5, 1.5)))}


def draw_all(results: Results, folder: Path) -> list[tuple[str, str]]:
    """Write the figures that there are results for; returns their names and captions."""
    folder.mkdir(parents=True, exist_ok=True)
    for former in folder.glob("*.png"):
        former.unlink()
    written = []

    def keep(name: str, caption: str, figure: Figure | None) -> None:
        if figure is not None:
            style.to_png(figure, folder / f"{name}.png", 110)
            written.append((f"{name}.png", caption))

    for ensemble, target in quantities(results):
        label = quantity_name(ensemble, target)
        stem = f"{ensemble}_{target}"
        keep(
            f"skill_{stem}",
            f"RMSE of {label}, with the measured flux of earlier years and without; bars: mean over seeds, whiskers: "
            "their range. Colours: our models; grey: baselines",
            skill(results, ensemble, target),
        )
        keep(
            f"groups_{stem}",
            f"RMSE over the standard deviation of {label} by biome, season of the site's hemisphere, and year",
            groups(results, ensemble, target),
        )
        keep(
            f"map_{stem}",
            f"{label} at new sites: RMSE of the best baseline without past flux, and that of our models over that of "
            "the best baseline with past flux, or without for a model that takes none; green: our model is better",
            maps(results, ensemble, target),
        )
    keep(
        "taylor",
        "Taylor diagrams: distance from the origin is the standard deviation over the observed one, the angle is the "
        "correlation, and the distance from the star is the error without bias",
        taylor(results),
    )
    keep(
        "data_efficiency",
        "RMSE by the share of training sites, at sites that all were tested on; smaller shares train twice the epochs",
        data_efficiency(results),
    )
    keep("history_length", "RMSE in the first test year by the years of flux that are visible", history_length(results))
    keep(
        "uncertainty",
        "Predicted intervals: coverage of the 90 % interval (grey: the bar), share of observations below each quantile "
        "and predicted spread against error at new sites (first seed)",
        uncertainty(results),
    )
    return written


def quantities(results: Results) -> list[tuple[str, str]]:
    """Ensembles and targets of the tables, in order."""
    return list(dict.fromkeys((case.ensemble, case.target) for case in results.main_cases()))


def quantity_name(ensemble: str, target: str) -> str:
    """A quantity for people."""
    if target == "fch4":
        return {"wetland": "CH4 emission of wetlands", "upland": "CH4 flux of uplands"}.get(ensemble, "CH4 flux")
    return {"gpp": "GPP", "nee": "NEE"}.get(target, target.upper()) + f" of {ensemble}"


def entry_name(entry: Entry) -> str:
    """A model as it was run, for people."""
    kind, _, variant = entry.model.partition("/")
    name = style.model_name(kind) + (f", {variant.replace('_', ' ')}" if variant else "")
    return name if entry.past_flux == "none" else f"{name} ({entry.past_flux.replace('_', '-')})"


def _cases(results: Results, ensemble: str, target: str) -> list[Case]:
    return [case for case in results.main_cases() if (case.ensemble, case.target) == (ensemble, target)]


# ---- skill --------------------------------------------------------------------------------------------------------


@style.styled
def skill(results: Results, ensemble: str, target: str) -> Figure | None:
    """RMSE of all models, one column for each split; above those that see measured flux of earlier years."""
    cases = _cases(results, ensemble, target)
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


def leaders(results: Results, case: Case) -> list[tuple[Entry, str, object, object]]:
    """The models that are shown where not all can be: the best baseline of either table and our own.

    Entry, label, colour, dash.
    """
    found = []
    for table in TABLES:
        candidates = baselines(results, case, table)
        seeds = sorted({seed for entry in candidates for seed in results.seeds(case, entry)})
        entry, _ = best(results, case, candidates, seeds)
        if entry is not None:
            label = f"best baseline {table} past flux: {style.model_name(entry.kind)}"
            found.append((entry, label, *BASELINE_LINES[table]))
    present = results.entries(case)
    for entry in OWN:
        if entry in present:
            colour, dash = LINES[entry.kind]
            if entry == Entry("cham_net", "ungauged"):
                colour = style.SKY
            found.append((entry, entry_name(entry), colour, dash))
    return found


@style.styled
def groups(results: Results, ensemble: str, target: str) -> Figure | None:
    """RMSE over the standard deviation of the observations within each biome, season and year; splits are rows."""
    cases = [case for case in _cases(results, ensemble, target) if case.split in ("temporal", "spatial")]
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
    style.shared_legend(figure, [_handle(*look, labels) for look, labels in names.items()], ncols=3)
    return figure


HIGHEST_ERROR = 2.5
"""Top of an axis of RMSE over standard deviation; in a biome with next to no flux it has no limit."""


def _handle(colour: object, dash: object, labels: Sequence[str]) -> Line2D:
    """A line of a legend for what has one look; the best baseline may be another one in each panel."""
    first, _, name = labels[0].rpartition(": ")
    others = dict.fromkeys(label.rpartition(": ")[2] for label in labels)
    label = f"{first}: {', '.join(others)}" if first else name
    return Line2D([], [], color=colour, linestyle=dash, marker="o", markersize=3.5, linewidth=1.2, label=label)


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


# ---- maps ---------------------------------------------------------------------------------------------------------


@style.styled
def maps(results: Results, ensemble: str, target: str) -> Figure | None:
    """Error of the best baseline, and where our models are better or worse, at new sites of all seeds."""
    case = Case(ensemble, target, "spatial")
    references = {}
    for table in TABLES:
        candidates = baselines(results, case, table)
        seeds = sorted({seed for entry in candidates for seed in results.seeds(case, entry)})
        references[table] = best(results, case, candidates, seeds)
    pairs = [
        (entry, *references["with" if entry.past_flux == "gauged" else "without"])
        for entry in OWN
        if entry in results.entries(case) and entry.past_flux != "ungauged"
    ]
    pairs = [pair for pair in pairs if pair[1] is not None]
    first, seeds = references["without"]
    if first is None or not pairs:
        return None
    rows = -(-(len(pairs) + 1) // 2)
    figure, grid = style.new_figure(9.6, 0.3 + 2.15 * rows, rows, 2, sharex=True, sharey=True, squeeze=False)
    error, lat, lon = _site_error(results, case, first, seeds)
    top = float(np.nanpercentile(list(error.values()), 95))
    points = _scatter(grid.flat[0], lat, lon, error, "viridis", vmin=0.0, vmax=top)
    grid.flat[0].set_title(f"{style.model_name(first.kind)}: RMSE, {VARIABLES[target].analysis_units}")
    figure.colorbar(points, ax=grid.flat[0], shrink=0.75, extend="max", pad=0.01)
    for axes, (entry, reference, seeds) in zip(grid.flat[1:], pairs, strict=False):
        shared = [seed for seed in seeds if seed in results.seeds(case, entry)]
        own, lat, lon = _site_error(results, case, entry, shared)
        error, *_ = _site_error(results, case, reference, shared)
        ratio = {site: own[site] / error[site] for site in own if error.get(site, 0.0) > 0.0}
        points = _scatter(axes, lat, lon, ratio, "BrBG_r", norm=LogNorm(0.4, 2.5))
        better = np.mean([value < 1.0 for value in ratio.values()]) if ratio else np.nan
        axes.set_title(f"{entry_name(entry)} over {entry_name(reference)}; lower at {better:.0%}")
        bar = figure.colorbar(points, ax=axes, shrink=0.75, extend="both", pad=0.01)
        bar.set_ticks([0.5, 0.7, 1.0, 1.4, 2.0], labels=["0.5", "0.7", "1", "1.4", "2"])
        bar.minorticks_off()
    for axes in grid.flat[len(pairs) + 1 :]:
        axes.set_visible(False)
    return figure


def _site_error(results: Results, case: Case, entry: Entry, seeds: Sequence[int]):
    """RMSE of each site, mean over seeds, and places of all sites."""
    found: dict[int, list[float]] = {}
    places = None
    for seed in seeds:
        sums = results.sums(case, entry, seed)
        places = results.places(case, entry, seed)
        by_site = sums.table.sum(axis=(1, 2))
        for site, row in zip(sums.site.tolist(), by_site, strict=True):
            if row[0] > 0:
                found.setdefault(site, []).append(float(np.sqrt(row[1] / row[0])))
    assert places is not None
    return {site: float(np.mean(values)) for site, values in found.items()}, places["lat"], places["lon"]


def _scatter(axes: Axes, lat: np.ndarray, lon: np.ndarray, values: dict[int, float], colours: str, **options):
    for outlines, colour in ((land.LAND_OUTLINES, style.LAND), (land.WATER_OUTLINES, style.PAPER)):
        for outline in outlines.values():
            axes.add_patch(
                Polygon(outline, closed=True, facecolor=colour, edgecolor=style.GRID, linewidth=0.5, zorder=0)
            )
    rows = np.array(list(values), int)
    axes.set(xlim=(-180, 180), ylim=(-60, 84), aspect="equal")
    axes.set_xticks(range(-180, 181, 60), labels=["180", "120 W", "60 W", "0", "60 E", "120 E", "180"])
    axes.set_yticks(range(-60, 81, 30), labels=["60 S", "30 S", "0", "30 N", "60 N"])
    axes.grid(visible=False)
    return axes.scatter(lon[rows], lat[rows], c=list(values.values()), s=13, cmap=colours, linewidths=0.25,
                        edgecolors=style.MUTED, **options)  # fmt: skip


# ---- Taylor diagrams ----------------------------------------------------------------------------------------------


TAYLOR_MODES = ("none", "gauged")


@style.styled
def taylor(results: Results) -> Figure | None:
    """Standard deviation against correlation (Taylor 2001, J. Geophys. Res. 106:7183), new sites and later years."""
    splits = ("temporal", "spatial")
    wanted = quantities(results)
    if not wanted:
        return None
    figure, grid = style.new_figure(
        9.6, 1.2 + 2.3 * len(splits), len(splits), len(wanted), squeeze=False, sharex=True, sharey=True
    )
    handles: dict[str, Line2D] = {}
    for row, split in zip(grid, splits, strict=True):
        for axes, (ensemble, target) in zip(row, wanted, strict=True):
            case = Case(ensemble, target, split)
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
            axes.set_title(f"{quantity_name(ensemble, target)}\n{SPLIT_NAMES[split]}", fontsize=8)
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


# ---- curves -------------------------------------------------------------------------------------------------------


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
        for case in _cases(results, ensemble, target):
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
    style.shared_legend(figure, [_handle(*look, labels) for look, labels in names.items()], ncols=3)
    return figure
