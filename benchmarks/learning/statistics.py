"""Sums by site, year and season from which every number of the report is made, without predictions."""

import math

import numpy as np

from emulator.evaluation.metrics import MINIMUM_PAIRS_PER_SITE
from emulator.evaluation.scoring import SEASONS

SUMS = ("n", "error2", "o", "o2", "p", "p2", "op")
"""Number of days, and sums of squared error, observed, its square, predicted, its square, and their product."""
DAYS, SQUARED_ERROR = SUMS.index("n"), SUMS.index("error2")
"""Columns of tables of SUMS."""


def sums(observed: np.ndarray, predicted: np.ndarray, year: np.ndarray, month: np.ndarray) -> np.ndarray:
    """Sums by year and season, (N, Y, 4, len(SUMS)) float64, over days known on both sides.

    observed, predicted: (N, T), NaN = not scored; year, month: (T,). Years are those of `np.unique(year)`; a season is
    within a calendar year, so that DJF is the December of the same year.
    """
    years = np.unique(year)
    season = np.select([np.isin(month, months) for months in SEASONS.values()], list(range(len(SEASONS))))
    group = np.searchsorted(years, year) * len(SEASONS) + season
    order = np.argsort(group, kind="stable")
    present, starts = np.unique(group[order], return_index=True)
    o, p = observed[:, order].astype(np.float64), predicted[:, order].astype(np.float64)
    scored = np.isfinite(o) & np.isfinite(p)
    o, p = np.where(scored, o, 0.0), np.where(scored, p, 0.0)
    daily = {"n": scored, "error2": (p - o) ** 2, "o": o, "o2": o * o, "p": p, "p2": p * p, "op": o * p}
    table = np.zeros((len(o), len(years) * len(SEASONS), len(SUMS)))
    for index, name in enumerate(SUMS):
        table[:, present, index] = np.add.reduceat(daily[name], starts, axis=1, dtype=np.float64)
    return table.reshape(len(o), len(years), len(SEASONS), len(SUMS))


def metrics(table: np.ndarray) -> dict[str, float]:
    """Pooled metrics of emulator.evaluation.metrics, and medians over sites, from sums (N, ..., len(SUMS))."""
    by_site = table.reshape(len(table), -1, len(SUMS)).sum(axis=1)
    skill = pooled(by_site.sum(axis=0))
    enough = by_site[by_site[:, DAYS] >= MINIMUM_PAIRS_PER_SITE]
    skill_of_sites = [pooled(row) for row in enough]
    for name in ("r2", "rmse", "nrmse", "nrmse_sd", "kge"):
        values = [site[name] for site in skill_of_sites if math.isfinite(site[name])]
        skill[f"{name}_median_site"] = float(np.median(values)) if values else math.nan
    return skill


def pooled(row: np.ndarray) -> dict[str, float]:
    """Metrics from one row of sums, (len(SUMS),); NaN where undefined."""
    n, error2, o, o2, p, p2, _ = (float(value) for value in row)
    if n == 0:
        return dict.fromkeys(("rmse", "nrmse", "nrmse_sd", "r2", "bias", "kge"), math.nan) | {"n": 0}
    mean_o, mean_p = o / n, p / n
    sd_o, sd_p = _deviation(o2, mean_o, n), _deviation(p2, mean_p, n)
    rmse = math.sqrt(error2 / n)
    alpha, beta = _ratio(sd_p, sd_o), _ratio(mean_p, mean_o)
    r = correlation(row)
    return {
        "rmse": rmse,
        "nrmse": _ratio(rmse, abs(mean_o)),
        "nrmse_sd": _ratio(rmse, sd_o),
        "r2": 1.0 - error2 / (n * sd_o**2) if sd_o > 0 else math.nan,
        "bias": mean_p - mean_o,
        "kge": 1.0 - math.sqrt(((0.0 if math.isnan(r) else r) - 1.0) ** 2 + (alpha - 1.0) ** 2 + (beta - 1.0) ** 2)
        if math.isfinite(alpha) and math.isfinite(beta)
        else math.nan,
        "n": int(n),
    }


def correlation(row: np.ndarray) -> float:
    """Linear correlation from one row of sums; NaN where a side does not vary."""
    n, _, o, o2, p, p2, op = (float(value) for value in row)
    if n == 0:
        return math.nan
    sd_o, sd_p = _deviation(o2, o / n, n), _deviation(p2, p / n, n)
    return (op / n - o * p / n**2) / (sd_o * sd_p) if sd_o > 0 and sd_p > 0 else math.nan


def deviations(row: np.ndarray) -> tuple[float, float]:
    """Population standard deviations of observed and predicted from one row of sums."""
    n, _, o, o2, p, p2, _ = (float(value) for value in row)
    return _deviation(o2, o / n, n), _deviation(p2, p / n, n)


def _deviation(squares: float, mean: float, n: float) -> float:
    """From a sum of squares; exactly zero where the variance is rounding error of float32 data."""
    variance = squares / n - mean**2
    return math.sqrt(variance) if variance > 1e-12 * mean**2 and variance > 0 else 0.0


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator != 0.0 else math.nan
