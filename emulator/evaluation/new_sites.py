"""Skill and intervals at new sites, from predictions for sites that were left out of the training in turn.

Everything about a site comes from the others: the network, the climatology of the class, the head of the quantiles and
how far intervals reach.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from emulator.data.dataset import Dataset
from emulator.data.near_sites import near_groups
from emulator.data.split_days import AnySplit, learnable_days
from emulator.evaluation import probabilistic
from emulator.evaluation.annual import Sums, of_mode
from emulator.evaluation.climatology import Sites, class_climatology
from emulator.evaluation.conformal import unit_quantile
from emulator.evaluation.intervals import Intervals
from emulator.evaluation.left_out import LeftOut
from emulator.evaluation.quantile_fitting import NEW
from emulator.evaluation.quantile_series import predict_quantiles
from emulator.evaluation.scoring import Series, score
from emulator.models.wrappers.quantiles import LEVELS

PART = "left_out"
"""Name of these scores beside those of the parts of the split."""


@dataclass(frozen=True)
class NewSites:
    """What is scored: predictions for sites left out, with intervals, and the classes of the sites."""

    left_out: LeftOut
    intervals: Intervals
    split: AnySplit
    sites: Sites


def score_new_sites(series: Series, dataset: Dataset, new: NewSites) -> dict[str, dict[str, Any]]:
    """Skill tables by mode of past flux, the main one first, of the days that were left out."""
    modes = ("no past flux",) if len(new.left_out.views) == 1 else ("ungauged", "gauged")
    others = replace(series, climatology=_climatology_of_others(series, dataset, new))
    scores = [
        score(others, view.predicted, new.left_out.days, mode=mode, trained_on=False)
        for mode, view in zip(modes, new.left_out.views, strict=True)
    ]
    for table, uncertainty in zip(scores, _uncertainty(dataset, new), strict=True):
        for target, of_target in zip(table["targets"].values(), uncertainty, strict=True):
            target["uncertainty"] = of_target
    return dict(zip(modes, scores, strict=True))


def _climatology_of_others(series: Series, dataset: Dataset, new: NewSites) -> np.ndarray:
    """Mean of the class at each site that was left out, without the sites of its group, (N, T, C)."""
    group, learnable = near_groups(dataset.lat, dataset.lon), learnable_days(new.split, dataset).numpy()
    flux, climatology = dataset.flux.numpy(), series.climatology.copy()
    for number in np.unique(group[new.left_out.days.any(axis=1)]):
        members = group == number
        climatology[members] = class_climatology(flux, new.sites, learnable & ~members[:, None])[members]
    return climatology


def _uncertainty(dataset: Dataset, new: NewSites) -> list[list[dict[str, Any]]]:
    """Scores of intervals by mode and target, those of each site calibrated on the others."""
    group, days, views = near_groups(dataset.lat, dataset.lon), new.left_out.days, new.left_out.views
    quantiles = [np.full((*days.shape, len(dataset.signature.targets), len(LEVELS)), np.nan, np.float32) for _ in views]
    nowhere, fit = np.zeros(dataset.n_sites, bool), new.intervals.of_new
    measured = days & dataset.has_scored_flux.numpy()
    for unit in np.unique(group[measured.any(axis=1)]).tolist():
        if fit is None or not fit.weights[1:]:
            continue
        model, held_out = fit.without(new.intervals.daily, unit), measured & (group == unit)[:, None]
        for values, view in zip(quantiles, views, strict=True):
            values[held_out] = predict_quantiles(model, view, dataset, nowhere, held_out)
    observed = dataset.scored_flux().numpy()[measured]
    return [
        [
            probabilistic.score(observed[:, target], values[measured][:, target], LEVELS)
            | {"annual": _annual(new.intervals.sums[NEW][target], mode, days.any(axis=1))}
            for target in range(observed.shape[1])
        ]
        for mode, values in enumerate(quantiles)
    ]


def _annual(sums: Sums, with_past: int, scored: np.ndarray) -> dict[str, Any]:
    """How many annual sums of sites that are `scored` (N,) lie within intervals that reach as far as others say."""
    counted = of_mode(sums, with_past)
    held, widths = [], []
    for unit in np.unique(sums.unit[counted]):
        rows, others = counted & (sums.unit == unit) & scored[sums.site], counted & (sums.unit != unit)
        factor = unit_quantile(sums.score[others], sums.unit[others])
        if np.isfinite(factor):
            held += (sums.score[rows] <= factor).tolist()
            widths += (factor * sums.width[rows]).tolist()
    return {"n": len(held)} | ({"coverage90": float(np.mean(held)), "width90": float(np.mean(widths))} if held else {})
