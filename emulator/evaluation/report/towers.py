"""The report's part on sites one by one: gaps, fluxes with bands, annual budgets, and who is better."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from emulator.evaluation.figures import towers as figures
from emulator.evaluation.figures.style import biome_name, model_name, to_svg
from emulator.evaluation.figures.towers import Budget, SiteSeries
from emulator.evaluation.metrics import pooled
from emulator.evaluation.report.page import figure, folded_html, notice, number, paragraph, table, tiles
from emulator.evaluation.report.products import (
    SPLIT_NAMES,
    SUBSTANCES,
    ModelRun,
    Simulations,
    target_name,
    target_units,
)
from emulator.evaluation.report.skill_tables import R2_DIGITS, scored_targets
from foundations.file_faults import read_text

MOST_SITES = 40
"""Sites that are shown one by one."""
COMPARED = ("temporal", "spatial", "left_out")
FEWEST_DAYS = 30
"""Days of a group, below which it is not compared."""


def towers_section(run: ModelRun, places: Simulations | None) -> str:
    """What was measured and predicted at each site; a notice where there is nothing to show."""
    targets = scored_targets({run.kind: run})
    if places is None or not targets:
        return notice("There are no predictions to show: run emulator.evaluate.")
    first, *others = targets
    parts = [_of_target(run, places, first)]
    parts += [
        folded_html(f"The same of {target_name(target, {run.kind: run})}", _of_target(run, places, target))
        for target in others
    ]
    return "".join(parts)


def _of_target(run: ModelRun, places: Simulations, target: str) -> str:
    models = {run.kind: run}
    name, units = target_name(target, models), target_units(target, models)
    sites = list(_series(run, places, target))
    if not sites:
        return paragraph(f"No {name} was measured.")
    shown = sites[:MOST_SITES]
    more = f" Of {len(sites)} sites the first {MOST_SITES} are shown." if len(sites) > MOST_SITES else ""
    gaps = figure(to_svg(figures.measured_days(shown, f"{name}: days"), f"Measured days of {name}"), _GAPS + more)
    drawings = [to_svg(figures.site_series(site, units), f"{name} at {site.title}") for site in shown]
    key = figure(to_svg(figures.series_key(), "Key"), _SERIES.format(name=name.capitalize(), units=units))
    compared = _comparison(run, places, target)
    return gaps + compared + key + tiles(drawings) + _budgets(run, target)


_GAPS = "Days of each record on which the flux was measured; the days in between are gaps, and learned from by nobody."
_SERIES = (
    "{name}, {units}. Black, measured days; blue, the prediction, with flux of earlier years where the model takes it; "
    "pale blue, its 90 % interval, where one could be calibrated; on the grey shade, test days. Vertical scales "
    "differ, and cut off the far ends of wide intervals."
)


def _series(run: ModelRun, places: Simulations, target: str) -> Iterator[SiteSeries]:
    """Sites with measurements of the target, each over its record."""
    data = run.predictions
    days = data["time"].values.astype("datetime64[D]")
    values = {
        name: data[f"{target}{name}"].values for name in ("", "_pred", "_q05", "_q95") if f"{target}{name}" in data
    }
    absent = np.full(values[""].shape, np.nan)
    measured, predicted = values[""], values["_pred"]
    low, high = values.get("_q05", absent), values.get("_q95", absent)
    tested = _of_parts(run, ("temporal", "spatial", "spatiotemporal"))
    for row, (name, place) in enumerate(zip(data["site_id"].values, places.biome, strict=True)):
        inside = np.flatnonzero(np.isfinite(predicted[row]))
        if not len(inside) or not np.isfinite(measured[row]).any():
            continue
        cut = slice(inside[0], inside[-1] + 1)
        parts = (values_of[row, cut] for values_of in (measured, predicted, low, high, tested))
        yield SiteSeries(f"{name}, {biome_name(place)}", days[cut], *parts)


def _of_parts(run: ModelRun, parts: Sequence[str]) -> np.ndarray:
    """Days (N, T) of parts of the split."""
    labels = run.predictions["split"]
    codes = [labels.attrs["flag_meanings"].split().index(part) for part in parts]
    return np.isin(labels.values, codes)


def _comparison(run: ModelRun, places: Simulations, target: str) -> str:
    """The model beside the climatology of the class and the process model, by class and hemisphere."""
    data, south = run.predictions, run.predictions["lat"].values < 0.0
    rivals = {"climatology of the class": run.climatology(target)}
    if f"{target}_process" in data:
        rivals["process model"] = data[f"{target}_process"].values
    rows = []
    for part in (part for part in COMPARED if run.tables(part)):
        observed, predicted = run.pairs(part, target)
        by_rival = {model_name(run.kind): predicted} | (rivals if part != "left_out" else _but_climatology(rivals))
        for position, (group, members) in enumerate(_groups(places.biome, south)):
            counted = np.isfinite(observed[members])
            if counted.sum() >= FEWEST_DAYS:
                skill = {who: pooled(observed[members], values[members]) for who, values in by_rival.items()}
                cells = [_cell(skill.get(who)) for who in (model_name(run.kind), *rivals)]
                sites = str(int(counted.any(axis=1).sum()))
                rows.append([SPLIT_NAMES[part] if position == 0 else "", group, sites, str(int(counted.sum())), *cells])
    if not rows:
        return ""
    units = target_units(target, {run.kind: run})
    caption = (
        f"{target_name(target, {run.kind: run}).capitalize()}: RMSE in {units} and R², by class of sites and "
        "hemisphere. The climatology counts days of southern sites half a year on."
    )
    return table(["tested on", "sites", "number", "days", model_name(run.kind), *rivals], rows, caption, text_columns=2)


def _but_climatology(rivals: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """At sites left out the climatology of the file knows the site; a fair one is in the table of skill."""
    return {name: values for name, values in rivals.items() if name == "process model"}


def _groups(biome: np.ndarray, south: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """All sites, then each class and hemisphere, with the sites that belong to it."""
    yield "all", np.ones(len(biome), bool)
    for name in dict.fromkeys(biome.tolist()):
        for hemisphere, members in (("north", ~south), ("south", south)):
            rows = (biome == name) & members
            if rows.any():
                yield f"{biome_name(name)}, {hemisphere}", rows


def _cell(skill: Mapping[str, float] | None) -> str:
    return "–" if skill is None else f"{number(skill['rmse'])} ({number(skill['r2'], R2_DIGITS - 1)})"


def _budgets(run: ModelRun, target: str) -> str:
    """Figure and table of annual budgets; empty where evaluation wrote none."""
    path = run.folder.metrics.parent / "annual.csv"
    rows = [row for row in _read(path) if row["target"] == target and int(row["measured_days"]) > 0]
    rows = rows[: 4 * MOST_SITES]
    if not rows:
        return ""
    units, name = _annual_units(rows[0]["units"], target), target_name(target, {run.kind: run})
    budgets = [
        Budget(
            f"{row['site']} {row['year']}", *map(_value, _numbers(row)), tested=row["part"] in ("temporal", "spatial")
        )
        for row in rows
    ]
    drawing = to_svg(figures.annual_budgets(budgets, units), f"Annual budgets of {name}")
    lines = [
        [
            row["site"],
            row["year"],
            row["days"],
            row["measured_days"],
            _with_interval(row, "budget"),
            _with_interval(row, "predicted"),
        ]
        for row in rows
    ]
    head = ["site", "year", "days", "measured", "measured, gaps filled", "predicted"]
    caption = f"Annual budgets of {name}, {units}, over the days of the record; in brackets the 90 % interval."
    words = _BUDGETS if any(row["predicted_q05"] for row in rows) else _NO_INTERVALS
    return figure(drawing, words.format(name=name)) + folded_html("Table of budgets", table(head, lines, caption))


_BUDGETS = (
    "Annual sums of {name}: the prediction with its 90 % interval, which knows that errors of a year's days go "
    "together, and the sum of measured days with predictions in the gaps."
)
_NO_INTERVALS = (
    "Annual sums of {name}. There is no interval: too few years and sites that the model did not learn from were "
    "measured to calibrate one."
)


def _annual_units(units: str, target: str) -> str:
    """Unit of annual sums as people write it."""
    mass, area_and_time, _ = units.partition(" m-2 year-1")
    return " ".join(filter(None, (mass, SUBSTANCES.get(target, ""), "m⁻² yr⁻¹"))) if area_and_time else units


def _numbers(row: Mapping[str, str]) -> tuple[str, str, str, str]:
    return row["predicted"], row["predicted_q05"], row["predicted_q95"], row["budget"]


def _value(text: str) -> float:
    return float(text) if text else np.nan


def _with_interval(row: Mapping[str, str], name: str) -> str:
    low, high = row[f"{name}_q05"], row[f"{name}_q95"]
    total = number(_value(row[name]))
    return f"{total} ({number(float(low))} to {number(float(high))})" if low and high else total


def _read(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    text = read_text(path, "run python -m emulator.evaluate again")
    return list(csv.DictReader(text.splitlines()))
