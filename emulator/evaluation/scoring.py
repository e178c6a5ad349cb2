"""Skill tables: one part of the split, all targets, against the climatology baselines."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from emulator.data.classes import SiteClasses
from emulator.evaluation import metrics
from foundations.variables import Variable

SEASONS = {"DJF": (12, 1, 2), "MAM": (3, 4, 5), "JJA": (6, 7, 8), "SON": (9, 10, 11)}


@dataclass(frozen=True)
class Series:
    """Everything that is compared, (N, T, C) in analysis units; year, month: (T,).

    groups: the classes of the sites, by class variable, that skill is told apart by.
    """

    observed: np.ndarray
    climatology: np.ndarray
    site_climatology: np.ndarray
    groups: dict[str, SiteClasses]
    year: np.ndarray
    month: np.ndarray
    targets: tuple[Variable, ...]


def score(series: Series, predicted: np.ndarray, days: np.ndarray, *, mode: str, trained_on: bool) -> dict[str, Any]:
    """Skill of predictions (N, T, C) on the site-days marked in `days` (N, T).

    mode: what the model was given of past flux. trained_on: whether the sites have training years, so that their own
    climatology is a baseline too.
    """
    sites, times = np.asarray(days.any(axis=1)), np.asarray(days.any(axis=0))
    cut = np.ix_(sites, times)
    skill: dict[str, Any] = {
        "mode": mode,
        "n_sites": int(sites.sum()),
        "years": sorted({int(year) for year in series.year[times]}),
        "targets": {},
    }
    for index, target in enumerate(series.targets):
        observed = np.where(days[cut], series.observed[..., index][cut], np.nan)
        skill["targets"][target.name] = {"units": target.analysis_units, "long_name": target.long_name} | _score_target(
            observed, predicted[..., index][cut], _members(series.groups, sites), series.month[times]
        )
        baselines = {"climatology": series.climatology}
        if trained_on:
            baselines["site_climatology"] = series.site_climatology
        for name, baseline in baselines.items():
            values = baseline[..., index][cut]
            skill["targets"][target.name][name] = {
                "pooled": metrics.pooled(observed, values),
                "median_site": metrics.median_over_sites(observed, values),
            }
    return skill


def _members(groups: Mapping[str, SiteClasses], sites: np.ndarray) -> dict[str, dict[str, np.ndarray]]:
    """By class variable and meaning, which of the marked sites are of that class, (n,) bool."""
    names = {variable: classes.names()[sites] for variable, classes in groups.items()}
    return {variable: {name: of == name for name in dict.fromkeys(of.tolist())} for variable, of in names.items()}


def _score_target(
    observed: np.ndarray, predicted: np.ndarray, groups: Mapping[str, Mapping[str, np.ndarray]], month: np.ndarray
) -> dict[str, dict[str, Any]]:
    """Pooled, median over sites, and pooled by season and by class; observed, predicted: (N, T).

    The classes of the biome are `by_biome`, those of other variables `by_class`, by variable.
    """
    by_season = {name: np.isin(month, months) for name, months in SEASONS.items()}
    by_class = {
        variable: {name: metrics.pooled(observed[rows], predicted[rows]) for name, rows in members.items()}
        for variable, members in groups.items()
    }
    biome = {"by_biome": by_class.pop("biome")} if "biome" in by_class else {}
    return {
        "pooled": metrics.pooled(observed, predicted),
        "median_site": metrics.median_over_sites(observed, predicted),
        **biome,
        **({"by_class": by_class} if by_class else {}),
        "by_season": {name: metrics.pooled(observed[:, days], predicted[:, days]) for name, days in by_season.items()},
    }
