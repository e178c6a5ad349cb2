"""Skill tables of the parts of a split, to which blocks of sites are added."""

import logging
from typing import Any

import numpy as np

from emulator.evaluation.intervals import Intervals, score_sums
from emulator.evaluation.material import Material
from emulator.evaluation.quantile_series import score_quantiles
from emulator.evaluation.scoring import Series, SkillTable
from emulator.evaluation.views import Views

log = logging.getLogger(__name__)

TEST_PARTS = ("temporal", "spatial", "spatiotemporal")
TRAINED_PARTS = ("temporal", "train")
"""Parts of sites that the model was trained on."""


class ScoredParts:
    """Skill tables of every part of the split.

    Sites that were trained on are scored with their past flux where the model takes it; held-out sites are new places
    without measurements. The other combinations are reported apart, under `other_modes`. Where nothing was held out,
    training days are scored, which tells how well they were learned and no more.
    """

    def __init__(self, material: Material) -> None:
        self._material = material
        dataset, split = material.dataset, material.split
        self._days = {part: days for part in TEST_PARTS if (days := split.days(dataset, part)).any()}
        if not self._days:
            log.warning("%s: nothing is held out: the training days are scored, which is no test", dataset.path)
            days = split.days(dataset, "train")
            self._days = {"train": days} if days.any() else {}
        self._skill = {
            (part, mode): SkillTable(
                dataset.signature.targets, material.classes, mode=mode, trained_on=part in TRAINED_PARTS
            )
            for part in self._days
            for mode in _modes(material.views, part)
        }

    def add(self, rows: slice, series: Series) -> None:
        """Score a block of sites: their rows in the dataset, and what is compared."""
        for (part, mode), table in self._skill.items():
            predicted = self._material.views.of_mode(mode).predicted[rows]
            table.add(rows, series, predicted, self._days[part][rows].numpy())

    def tables(self, intervals: Intervals | None) -> dict[str, Any]:
        """Tables of the main modes by part, `splits`, and of the others, `other_modes`, with scores of intervals where
        there are any.
        """
        tables: dict[str, Any] = {"splits": {}, "other_modes": {}}
        for (part, mode), skill in self._skill.items():
            table = skill.table()
            if intervals is not None:
                self._add_uncertainty(table, intervals, mode, self._days[part].numpy())
            if mode == _modes(self._material.views, part)[0]:
                tables["splits"][part] = table
            else:
                tables["other_modes"][f"{part}_{mode}"] = table
        return tables

    def _add_uncertainty(self, table: dict[str, Any], intervals: Intervals, mode: str, days: np.ndarray) -> None:
        """Add `uncertainty` to every target of a skill table of the days (N, T)."""
        dataset, trained_on = self._material.dataset, self._material.split.train_sites
        view = self._material.views.of_mode(mode)
        scores = score_quantiles(intervals.daily, view, dataset, trained_on, days)
        sums = score_sums(intervals, view, dataset, trained_on, days)
        for (target, uncertainty), of_years in zip(scores.items(), sums, strict=True):
            table["targets"][target]["uncertainty"] = uncertainty | {"annual": of_years}


def _modes(views: Views, part: str) -> tuple[str, ...]:
    """Modes to score a part in, first that of the main table."""
    if views.gauged is None:
        return ("no past flux",)
    return ("gauged", "ungauged") if part in TRAINED_PARTS else ("ungauged", "gauged")
