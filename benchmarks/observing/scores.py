"""Scores of a run: sums by site, small enough for a file in the repository, and the records that follow from them."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.observing.tasks import View
from emulator.evaluation.metrics import MINIMUM_PAIRS_PER_SITE

SUMS = ("days", "flux", "flux_squared", "error", "error_squared")
"""Of the scored days of a site: number, and sums of flux, its square, error and its square."""


def site_sums(
    flux: np.ndarray, predicted: np.ndarray, view: View, band: Sequence[np.ndarray] = ()
) -> dict[str, dict[str, float]]:
    """Sums by the position of each site with scored days. flux, predicted, and both ends of `band`, if any: (N, T)."""
    sums = {}
    for site in range(len(flux)):
        days = view.scored[site] & np.isfinite(flux[site])
        if not days.any():
            continue
        observed, error = flux[site, days].astype(float), (predicted[site, days] - flux[site, days]).astype(float)
        values = (len(error), observed.sum(), (observed**2).sum(), error.sum(), (error**2).sum())
        sums[str(site)] = {name: float(f"{value:.8g}") for name, value in zip(SUMS, values, strict=True)}
        if band:
            inside = (observed >= band[0][site, days]) & (observed <= band[1][site, days])
            sums[str(site)]["inside"] = float(inside.sum())
    return sums


def record(sums: dict[str, dict[str, float]]) -> dict[str, Any]:
    """Metrics over all scored days, and the median over sites; null where they are not defined."""
    table = {name: np.array([site[name] for site in sums.values()]) for name in SUMS}
    days, mean = table["days"].sum(), table["flux"].sum() / table["days"].sum()
    rmse = math.sqrt(table["error_squared"].sum() / days)
    by_site = site_r2(sums)
    covered = [site.get("inside") for site in sums.values()]
    return {
        "rmse": rmse,
        "nrmse": rmse / abs(mean) if mean else None,
        "r2": 1.0 - table["error_squared"].sum() / (table["flux_squared"].sum() - days * mean**2),
        "r2_median_site": float(np.median(list(by_site.values()))) if by_site else None,
        "r2_worst_site": min(by_site.values()) if by_site else None,
        "coverage90": None if None in covered else sum(filter(None, covered)) / days,
        "n_days": int(days),
        "n_sites": len(sums),
    }


def site_r2(sums: dict[str, dict[str, float]]) -> dict[str, float]:
    """R2 of each site with enough days, by its position."""
    return {
        site: 1.0 - values["error_squared"] / (values["flux_squared"] - values["flux"] ** 2 / values["days"])
        for site, values in sums.items()
        if values["days"] >= MINIMUM_PAIRS_PER_SITE
    }
