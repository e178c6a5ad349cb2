"""Runs a site with default parameters, calibrates it on one half of its days, and scores both on both halves."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ecosys_sims.evaluation.calibration import Plan, Range, calibrate
from ecosys_sims.evaluation.flux_scores import rounded, score
from ecosys_sims.evaluation.member_runs import SiteCase, run_members
from ecosys_sims.evaluation.tower_observations import DaySplit
from ecosys_sims.program.executable import find_program
from ecosys_sims.program.parameter_table import ParameterInfo, parameter_table

KINDS = ("default", "calibrated")


@dataclass(frozen=True)
class CalibrationTask:
    """What is calibrated at a site, and what judges it."""

    case: SiteCase
    observed: dict[str, np.ndarray]  # flux -> (T,), T the steps of `to_steps`
    split: DaySplit
    ranges: tuple[Range, ...]
    judged_by: dict[str, tuple[str, ...]]
    plan: Plan
    months: bool = False  # observations are monthly means, in the order of the months of the run


class Comparison(NamedTuple):
    """Scores and parameters as JSON, and the series (T,) `default_NAME`, `calibrated_NAME`, `observed_NAME`."""

    results: dict[str, Any]
    series: dict[str, np.ndarray]


def compare(task: CalibrationTask, folder: Path, extra: dict[str, np.ndarray] | None = None) -> Comparison:
    """Default parameters and those calibrated on the training days, both against the observations.

    extra: further observed series that are scored and not calibrated on.
    """
    table = parameter_table(find_program())
    biome = task.case.site.biome
    defaults = {parameter.name: table[parameter.name].biome_defaults[biome] for parameter in task.ranges}
    ranges = tuple(
        within_bounds(parameter, table[parameter.name], defaults[parameter.name]) for parameter in task.ranges
    )
    calibrated = calibrate(
        lambda members: _series(task, members, folder, tuple(task.observed)),
        task.observed, task.split.train, ranges, task.judged_by, defaults, task.plan,
    )  # fmt: skip
    default_and_calibrated = {name: np.array([np.nan, calibrated.parameters[name]]) for name in defaults}
    scored = task.observed | (extra or {})
    simulated = _series(task, default_and_calibrated, folder, tuple(scored))
    results = {
        "split": task.split.text,
        "members": calibrated.members,
        "misfit": {"default": rounded(calibrated.default_misfit), "calibrated": rounded(calibrated.misfit)},
        "parameters": {
            name: {"default": rounded(defaults[name]), "calibrated": rounded(value)}
            for name, value in calibrated.parameters.items()
        },
        "scores": {
            kind: {name: _halves(series, simulated[name][row], task.split) for name, series in scored.items()}
            for row, kind in enumerate(KINDS)
        },
    }
    series = {f"observed_{name}": values for name, values in scored.items()}
    for row, kind in enumerate(KINDS):
        series |= {f"{kind}_{name}": simulated[name][row] for name in scored}
    return Comparison(results, series | {"train": task.split.train, "test": task.split.test})


def within_bounds(parameter: Range, info: ParameterInfo, default: float) -> Range:
    """A range in the parameter's unit, cut to what the program accepts."""
    low, high = parameter.bounds(default)
    low, high = max(low, info.minimum), min(high, info.maximum)
    return Range(parameter.name, parameter.group, low, high, log=parameter.log)


def _series(
    task: CalibrationTask, members: dict[str, np.ndarray], folder: Path, names: tuple[str, ...]
) -> dict[str, np.ndarray]:
    daily = run_members(task.case, members, folder, names)
    return {name: monthly_means(values, task.case.start) for name, values in daily.items()} if task.months else daily


def monthly_means(daily: np.ndarray, start: date) -> np.ndarray:
    """Means of calendar months (M, months) of daily series (M, T) that begin with a month."""
    days = np.datetime64(start) + np.arange(daily.shape[1])
    month = days.astype("datetime64[M]").astype(int)
    first = np.flatnonzero(np.r_[True, month[1:] != month[:-1]])
    count = np.diff(np.r_[first, len(month)])
    return np.add.reduceat(daily, first, axis=1) / count


def _halves(
    observed: np.ndarray, simulated: np.ndarray, split: DaySplit
) -> dict[str, dict[str, float | int | None] | None]:
    """Scores of the days that calibration saw, and of those that judge it."""
    scores = {}
    for name, days in (("train", split.train), ("test", split.test)):
        skill = score(observed[days], simulated[days])
        scores[name] = skill.as_json() if skill else None
    return scores
