"""Tables of skill: all models, tests and targets beside the climatologies."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from emulator.evaluation.figures.style import model_name
from emulator.evaluation.report.page import number, table
from emulator.evaluation.report.products import SPLIT_NAMES, TARGET_NAMES, TARGET_ORDER, ModelRun, target_units

METRIC_NAMES = {"r2": "R²", "rmse": "RMSE", "nrmse": "nRMSE", "nrmse_sd": "RMSE/sd", "bias": "bias", "kge": "KGE"}
MEDIANS = ("r2", "kge")
BASELINES = {"climatology": "climatology by biome", "site_climatology": "climatology of the site itself"}


def scored_targets(models: Mapping[str, ModelRun]) -> list[str]:
    """Targets that any model was scored on, the primary one first."""
    present = {target for run in models.values() for split in SPLIT_NAMES for target in run.tables(split)}
    return [target for target in TARGET_ORDER if target in present]


def overview_table(models: Mapping[str, ModelRun]) -> str:
    """Pooled R2 of every model, test and target on one view."""
    targets, rows = scored_targets(models), []
    for split, split_name in SPLIT_NAMES.items():
        scored = {kind: run.tables(split) for kind, run in models.items() if run.tables(split)}
        if not scored:
            continue
        lines = {
            model_name(kind): {target: one[target]["pooled"] for target in targets} for kind, one in scored.items()
        }
        first = next(iter(scored.values()))
        lines[BASELINES["climatology"]] = {target: first[target]["climatology"]["pooled"] for target in targets}
        cells = [[name, *(number(scores[target].get("r2")) for target in targets)] for name, scores in lines.items()]
        rows += _grouped(split_name, cells)
    return table(["tested on", "model", *targets], rows, "R² over all test days together, by target.", text_columns=2)


def skill_table(models: Mapping[str, ModelRun], target: str) -> str:
    """All metrics of one target, by test."""
    head = ["tested on", "model", *METRIC_NAMES.values(), *(f"{METRIC_NAMES[name]}, median site" for name in MEDIANS)]
    rows = [row for split, name in SPLIT_NAMES.items() for row in _grouped(name, _lines(models, split, target))]
    caption = (
        f"{TARGET_NAMES[target].capitalize()} ({target}); RMSE and bias in {target_units(target)}. The best pooled R² "
        "of "
        "each test is in bold."
    )
    return table(head, rows, caption, text_columns=2)


def _lines(models: Mapping[str, ModelRun], split: str, target: str) -> list[list[str]]:
    """Lines of one test: the models, the same models where they see less of the past, baselines."""
    scored = {kind: tables[target] for kind, run in models.items() if target in (tables := run.tables(split))}
    if not scored:
        return []
    best = max(scored, key=lambda kind: _value(scored[kind]["pooled"].get("r2")))
    lines = []
    for kind, scores in scored.items():
        past = ", past flux" if models[kind].metrics["splits"][split].get("mode") == "gauged" else ""
        lines.append([f"{'*' if kind == best else ''}{model_name(kind)}{past}", *_scores(scores)])
    for kind in scored:
        if other := models[kind].metrics.get("other_modes", {}).get(f"{split}_ungauged"):
            lines.append([f"{model_name(kind)}, drivers alone", *_scores(other["targets"][target])])
    baselines = next(iter(scored.values()))
    return lines + [[label, *_scores(baselines[key])] for key, label in BASELINES.items() if key in baselines]


def _grouped(name: str, lines: list[list[str]]) -> list[list[str]]:
    """The same lines with the group's name before the first."""
    return [[name if position == 0 else "", *line] for position, line in enumerate(lines)]


def _scores(scores: Mapping[str, Any]) -> list[str]:
    whole, median = scores.get("pooled", {}), scores.get("median_site", {})
    return [number(whole.get(name)) for name in METRIC_NAMES] + [number(median.get(name)) for name in MEDIANS]


def _value(score: float | None) -> float:
    return -np.inf if score is None else score
