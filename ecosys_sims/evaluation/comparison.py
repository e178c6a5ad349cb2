"""Runs a site with default parameters, calibrates it on one half of its days, and scores both on both halves."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ecosys_sims.evaluation.calibration import Plan, Range, calibrate
from ecosys_sims.evaluation.flux_scores import rounded, score
from ecosys_sims.evaluation.member_runs import SiteCase, run_members
from ecosys_sims.evaluation.tower_observations import Split
from ecosys_sims.model import find_program, parameter_table


@dataclass(frozen=True)
class Task:
    """What is calibrated at a site, and what judges it."""

    case: SiteCase
    observed: dict[str, np.ndarray]  # flux -> (T,), T the steps of `to_steps`
    split: Split
    ranges: tuple[Range, ...]
    judged_by: dict[str, tuple[str, ...]]
    plan: Plan
    months: bool = False  # observations are monthly means, in the order of the months of the run


def compare(task: Task, folder: Path, extra: dict[str, np.ndarray] | None = None) -> tuple[dict, dict]:
    """Scores and parameters as JSON, and the series (T,) `default_NAME`, `calibrated_NAME`, `observed_NAME`.

    extra: further observed series that are scored and not calibrated on.
    """
    table = parameter_table(find_program())
    defaults = {item.name: table[item.name].biome_defaults[task.case.site.biome] for item in task.ranges}
    ranges = tuple(within_bounds(item, table[item.name], defaults[item.name]) for item in task.ranges)
    found = calibrate(
        lambda members: _series(task, members, folder, tuple(task.observed)),
        task.observed, task.split.train, ranges, task.judged_by, defaults, task.plan,
    )  # fmt: skip
    pair = {name: np.array([np.nan, found.parameters[name]]) for name in defaults}
    scored = task.observed | (extra or {})
    simulated = _series(task, pair, folder, tuple(scored))
    results = {
        "split": task.split.text,
        "members": found.members,
        "misfit": {"default": rounded(found.default_misfit), "calibrated": rounded(found.misfit)},
        "parameters": {
            name: {"default": rounded(defaults[name]), "calibrated": rounded(value)}
            for name, value in found.parameters.items()
        },
        "scores": {
            kind: {name: _halves(series, simulated[name][row], task.split) for name, series in scored.items()}
            for row, kind in enumerate(("default", "calibrated"))
        },
    }
    series = {f"observed_{name}": values for name, values in scored.items()}
    for row, kind in enumerate(("default", "calibrated")):
        series |= {f"{kind}_{name}": simulated[name][row] for name in scored}
    return results, series | {"train": task.split.train, "test": task.split.test}


def within_bounds(item: Range, info, default: float) -> Range:
    """A range in the parameter's unit, cut to what the program accepts."""
    low, high = item.bounds(default)
    return Range(item.name, item.group, max(low, info.minimum), min(high, info.maximum), log=item.log)


def _series(task: Task, members: dict[str, np.ndarray], folder: Path, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    found = run_members(task.case, members, folder, names)
    return {name: monthly_means(values, task.case.start) for name, values in found.items()} if task.months else found


def monthly_means(daily: np.ndarray, start) -> np.ndarray:
    """Means of calendar months (M, months) of daily series (M, T) that begin with a month."""
    days = np.datetime64(start) + np.arange(daily.shape[1])
    month = days.astype("datetime64[M]").astype(int)
    first = np.flatnonzero(np.r_[True, month[1:] != month[:-1]])
    count = np.diff(np.r_[first, len(month)])
    return np.add.reduceat(daily, first, axis=1) / count


def _halves(observed: np.ndarray, simulated: np.ndarray, split: Split) -> dict:
    found = {}
    for name, days in (("train", split.train), ("test", split.test)):
        judged = score(observed[days], simulated[days])
        found[name] = judged.as_json() if judged else None
    return found
