"""Skill and intervals at new sites, from predictions for sites that were left out of the training in turn.

Everything about a site comes from the others: the network, the climatology of the class, the head of the quantiles and
how far intervals reach.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from emulator.data.near_sites import near_groups
from emulator.data.series import both, marked_days, new_series, site_blocks
from emulator.evaluation import probabilistic
from emulator.evaluation.annual import Sums, of_mode
from emulator.evaluation.climatology import ClassMeans
from emulator.evaluation.conformal import unit_quantile
from emulator.evaluation.intervals import Intervals
from emulator.evaluation.left_out import LeftOut
from emulator.evaluation.material import Material, add_days
from emulator.evaluation.quantile_fitting import NEW
from emulator.evaluation.quantile_series import scored_values, site_quantiles
from emulator.evaluation.scoring import Series, SkillTable
from emulator.models.wrappers.quantiles import LEVELS

PART = "left_out"
"""Name of these scores beside those of the parts of the split."""


@dataclass(frozen=True)
class NewSites:
    """What is scored: predictions for sites left out, with intervals, and what they are compared with."""

    left_out: LeftOut
    intervals: Intervals
    material: Material


class ScoredNewSites:
    """Skill tables by mode of past flux, the main one first, of the days that were left out; blocks of sites are
    added.
    """

    def __init__(self, new: NewSites) -> None:
        self._new, data = new, new.material.dataset
        self._group = near_groups(data.lat, data.lon)
        self._means_of_group = lru_cache(maxsize=16)(self._add_group)
        modes = ("no past flux",) if len(new.left_out.views) == 1 else ("ungauged", "gauged")
        self._skill = {
            mode: SkillTable(data.signature.targets, new.material.classes, mode=mode, trained_on=False)
            for mode in modes
        }

    def add(self, rows: slice, series: Series) -> None:
        """Score a block of sites: their rows in the dataset, and what is compared."""
        others, days = replace(series, climatology=self._climatology_of_others(rows, series)), self._new.left_out.days
        for table, view in zip(self._skill.values(), self._new.left_out.views, strict=True):
            table.add(rows, others, view.predicted[rows], days[rows])

    def tables(self) -> dict[str, dict[str, Any]]:
        """The tables by mode, with scores of intervals."""
        tables = {mode: skill.table() for mode, skill in self._skill.items()}
        for table, uncertainty in zip(tables.values(), self._uncertainty(), strict=True):
            for target, of_target in zip(table["targets"].values(), uncertainty, strict=True):
                target["uncertainty"] = of_target
        return tables

    def _climatology_of_others(self, rows: slice, series: Series) -> np.ndarray:
        """Mean of the class at each site that was left out, without the sites of its group, (n, T, C)."""
        of_class, group = self._new.material.of_class, self._group[rows]
        climatology = series.climatology.copy()
        if of_class is None:
            return climatology
        for number in np.unique(group[self._new.left_out.days[rows].any(axis=1)]).tolist():
            members = np.flatnonzero(group == number)
            others = of_class.without(self._means_of_group(number))
            climatology[members] = others.at(self._new.material.sites.rows(rows.start + members))
        return climatology

    def _add_group(self, number: int) -> ClassMeans:
        """What the sites of a group add to the means of their classes."""
        material, members = self._new.material, np.flatnonzero(self._group == number)
        means = ClassMeans(material.dataset.flux.shape[2])
        for rows in site_blocks(len(members), len(material.dataset.time)):
            add_days(means, material.dataset, material.sites, material.learnable, members[rows])
        return means

    def _uncertainty(self) -> Iterator[list[dict[str, Any]]]:
        """Scores of intervals by mode and target, those of each site calibrated on the others."""
        new, dataset = self._new, self._new.material.dataset
        measured = both(torch.as_tensor(new.left_out.days), dataset.has_scored_flux)
        quantiles, observed = self._quantiles(measured)
        scored = marked_days(torch.as_tensor(new.left_out.days)).numpy() > 0
        for mode, values in enumerate(quantiles):
            yield [
                probabilistic.score(observed[:, target].numpy(), values[:, target].numpy(), LEVELS)
                | {"annual": _annual(new.intervals.sums[NEW][target], mode, scored)}
                for target in range(observed.shape[1])
            ]

    def _quantiles(self, measured: Tensor) -> tuple[list[Tensor], Tensor]:
        """Quantiles (n, C, Q) by mode, and flux (n, C), of the days marked in `measured` (N, T), site by site."""
        new, dataset = self._new, self._new.material.dataset
        fit, views, targets = new.intervals.of_new, new.left_out.views, len(dataset.signature.targets)
        count = marked_days(measured).numpy()
        end = np.cumsum(count)
        quantiles = [new_series(int(count.sum()), targets, len(LEVELS)) for _ in views]
        observed = new_series(int(count.sum()), targets, 1)[..., 0]
        for unit in np.unique(self._group[count > 0]).tolist():
            known = fit is not None and bool(fit.weights[1:])
            model = fit.without(new.intervals.daily, unit) if fit is not None and known else None
            for site in np.flatnonzero((self._group == unit) & (count > 0)).tolist():
                rows, days = slice(end[site] - count[site], end[site]), torch.nonzero(measured[site])[:, 0].numpy()
                observed[rows] = scored_values(dataset, np.full_like(days, site), days)
                for values, view in zip(quantiles, views, strict=True):
                    values[rows] = (
                        torch.nan
                        if model is None
                        else torch.from_numpy(site_quantiles(model, view, dataset, False, site, days))
                    )
        return quantiles, observed


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
