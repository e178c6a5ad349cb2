"""The report's part on uncertainty: how often intervals hold, and what they cost."""

from collections.abc import Mapping
from typing import Any

from emulator.evaluation.figures.style import model_name, to_svg
from emulator.evaluation.figures.uncertainty import reliability
from emulator.evaluation.report.page import figure, number, paragraph, table
from emulator.evaluation.report.products import SPLIT_NAMES, ModelRun, target_name, target_units

SHOWN_SPLITS = ("temporal", "spatial", "left_out")

_INTRO = (
    "Predictions come with quantiles, fitted on validation years, on validation sites and on sites left out in turn, "
    "and judged here on test data, or at each site left out by what the others say. The interval from the 0.05 to the "
    "0.95 quantile should hold 90 % of the days; with few sites, whose days err alike, it may miss that by some per "
    "cent by chance."
)

_CAPTION = (
    "CRPS: mean absolute error of a predicted distribution. Spread over error is 1 where intervals are neither too "
    "wide nor too narrow, and the slope of error on spread is 1 where they are wide where errors are large."
)

_FIGURE = (
    "Left: share of test days below each predicted quantile; on the dashed line intervals hold what they say. Right: "
    "error of days with small to large predicted spread, in ten bins."
)


def uncertainty_part(models: Mapping[str, ModelRun], target: str, *, with_intro: bool = True) -> str:
    """Table and figure of one target; empty where no model was evaluated with quantiles."""
    scores = {split: _scores(models, split, target) for split in SPLIT_NAMES}
    rows = []
    for split, by_kind in scores.items():
        for position, (kind, score) in enumerate(by_kind.items()):
            skill = score["spread_skill"]
            values = (score["coverage90"], score["width90"], score["crps"], skill["ratio"], skill["slope"])
            first = SPLIT_NAMES[split] if position == 0 else ""
            rows.append([first, model_name(kind), *map(number, values), _annual(score.get("annual", {}))])
    if not rows:
        return ""
    units = target_units(target, models)
    head = ["tested on", "model", "held by 90 % interval", f"its width, {units}", f"CRPS, {units}"]
    head += ["spread / error", "slope", "annual sums held"]
    title = f"Uncertainty of {target_name(target, models)}. {_CAPTION}"
    shown = {split: by_kind for split, by_kind in scores.items() if by_kind and split in SHOWN_SPLITS}
    drawing = reliability(shown, units, SPLIT_NAMES) if shown else None
    picture = (
        "" if drawing is None else figure(to_svg(drawing, f"Uncertainty of {target_name(target, models)}"), _FIGURE)
    )
    intro = paragraph(_INTRO) if with_intro else ""
    return intro + table(head, rows, title, text_columns=2) + picture


def _annual(score: Mapping[str, Any]) -> str:
    """Share of annual sums that the 90 % interval holds, and their number."""
    return f"{number(score['coverage90'])} of {score['n']}" if score.get("n") else "–"


def _scores(models: Mapping[str, ModelRun], split: str, target: str) -> dict[str, Mapping[str, Any]]:
    """Scores by model kind, of models and splits that have any."""
    by_kind = {kind: run.tables(split).get(target, {}).get("uncertainty", {}) for kind, run in models.items()}
    return {kind: scores for kind, scores in by_kind.items() if scores.get("n")}
