"""Tables of skill: all models, tests and targets beside the climatologies."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from emulator.evaluation.figures.style import model_name
from emulator.evaluation.report.page import number, table
from emulator.evaluation.report.products import SPLIT_NAMES, ModelRun, ordered_targets, target_name, target_units

METRIC_NAMES = {"r2": "R²", "rmse": "RMSE", "nrmse": "nRMSE", "nrmse_sd": "RMSE/sd", "bias": "bias", "kge": "KGE"}
MEDIANS = ("r2", "kge")
BASELINES = {"climatology": "climatology by biome", "site_climatology": "climatology of the site itself"}
R2_DIGITS = 4
"""Three decimals where models and climatologies are compared: with two, some that differ look the same."""


def scored_targets(models: Mapping[str, ModelRun]) -> list[str]:
    """Targets that any model was scored on, the primary one first."""
    present = {target for run in models.values() for split in SPLIT_NAMES for target in run.tables(split)}
    return ordered_targets(present)


def overview_table(models: Mapping[str, ModelRun]) -> str:
    """Pooled R2 of every model, test and target on one view."""
    targets, rows = scored_targets(models), []
    for split, split_name in SPLIT_NAMES.items():
        columns = [_scored(models, split, target) for target in targets]
        labels = dict.fromkeys(label for column in columns for label in column)
        cells = [
            [label, *(number(column.get(label, {}).get("pooled", {}).get("r2"), R2_DIGITS) for column in columns)]
            for label in labels
        ]
        rows += _grouped(split_name, cells)
    return table(["tested on", "model", *targets], rows, _OVERVIEW_CAPTION, text_columns=2)


_OVERVIEW_CAPTION = (
    "R² over all test days together, by target. Only a model marked “with past flux” was given flux of earlier years "
    "at the sites; the other models see drivers and site properties alone, and RACI and the unified model a code of "
    "each site that they were trained on."
)


def skill_table(models: Mapping[str, ModelRun], target: str) -> str:
    """All metrics of one target, by test."""
    head = ["tested on", "model", *METRIC_NAMES.values(), *(f"{METRIC_NAMES[name]}, median site" for name in MEDIANS)]
    rows = [row for split, name in SPLIT_NAMES.items() for row in _grouped(name, _lines(models, split, target))]
    caption = (
        f"{target_name(target, models).capitalize()} ({target}); RMSE and bias in {target_units(target, models)}. "
        "The best pooled R² of each test is in bold."
    )
    return table(head, rows, caption, text_columns=2)


def _lines(models: Mapping[str, ModelRun], split: str, target: str) -> list[list[str]]:
    """Lines of one test, the best in bold."""
    scored = _scored(models, split, target)
    best = max(scored, key=lambda label: _value(scored[label].get("pooled", {}).get("r2")), default=None)
    return [[f"{'*' if label == best else ''}{label}", *_scores(scores)] for label, scores in scored.items()]


def _scored(models: Mapping[str, ModelRun], split: str, target: str) -> dict[str, Mapping[str, Any]]:
    """Scores of one test by label: every model, after it the same without the past flux it was given, baselines."""
    scored, baselines = {}, {}
    for kind, run in models.items():
        if target not in run.tables(split):
            continue
        name, baselines = model_name(kind), run.tables(split)[target]
        scored[f"{name}, with past flux" if run.sees_past_flux(split) else name] = baselines
        if other := run.tables_without_past_flux(split):
            scored[f"{name}, without past flux"] = other[target]
    return scored | {label: baselines[key] for key, label in BASELINES.items() if key in baselines}


def _grouped(name: str, lines: list[list[str]]) -> list[list[str]]:
    """The same lines with the group's name before the first."""
    return [[name if position == 0 else "", *line] for position, line in enumerate(lines)]


def _scores(scores: Mapping[str, Any]) -> list[str]:
    whole, median = scores.get("pooled", {}), scores.get("median_site", {})
    return [number(whole.get(name)) for name in METRIC_NAMES] + [number(median.get(name)) for name in MEDIANS]


def _value(score: float | None) -> float:
    return -np.inf if score is None else score
