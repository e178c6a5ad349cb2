"""Skill tables: one part of the split, all targets, against the climatology baselines."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from emulator.evaluation import metrics
from foundations.variables import BIOMES, Variable

SEASONS = {"DJF": (12, 1, 2), "MAM": (3, 4, 5), "JJA": (6, 7, 8), "SON": (9, 10, 11)}


@dataclass(frozen=True)
class Series:
    """Everything that is compared, (N, T, C) in analysis units; biome: (N,); year, month: (T,)."""

    observed: np.ndarray
    climatology: np.ndarray
    site_climatology: np.ndarray
    biome: np.ndarray
    year: np.ndarray
    month: np.ndarray
    targets: tuple[Variable, ...]


def score(series: Series, predicted: np.ndarray, days: np.ndarray, *, mode: str, trained_on: bool) -> dict[str, Any]:
    """Skill of predictions (N, T, C) on the site-days marked in `days` (N, T).

    mode: what the model was given of past flux. trained_on: whether the sites have training years, so that their own
    climatology is a baseline too.
    """
    sites, times = days.any(axis=1), days.any(axis=0)
    cut = np.ix_(sites, times)
    skill: dict[str, Any] = {
        "mode": mode,
        "n_sites": int(sites.sum()),
        "years": sorted({int(year) for year in series.year[times]}),
        "targets": {},
    }
    for index, target in enumerate(series.targets):
        observed = np.where(days[cut], series.observed[..., index][cut], np.nan)
        skill["targets"][target.name] = {"units": target.analysis_units} | _score_target(
            observed, predicted[..., index][cut], series.biome[sites], series.month[times]
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


def _score_target(
    observed: np.ndarray, predicted: np.ndarray, biome: np.ndarray, month: np.ndarray
) -> dict[str, dict[str, Any]]:
    """Pooled, median over sites, and pooled by biome and by season; observed, predicted: (N, T)."""
    by_biome = {BIOMES.get(code, str(code)): biome == code for code in np.unique(biome).tolist()}
    by_season = {name: np.isin(month, months) for name, months in SEASONS.items()}
    return {
        "pooled": metrics.pooled(observed, predicted),
        "median_site": metrics.median_over_sites(observed, predicted),
        "by_biome": {name: metrics.pooled(observed[rows], predicted[rows]) for name, rows in by_biome.items()},
        "by_season": {name: metrics.pooled(observed[:, days], predicted[:, days]) for name, days in by_season.items()},
    }
