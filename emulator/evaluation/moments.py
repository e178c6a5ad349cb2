"""Metrics of pairs that are never all in memory: moments of each site and season, which add up.

Moments are (..., MOMENTS): count, means of observed and predicted, sums of squares from these means, sum of products,
sum of squared errors, sum of errors, largest sizes. Sets are joined after Chan, Golub and LeVeque (1983, Am. Stat.
37:242, eq. 2.1), so that nothing is lost where a mean is large.
"""

import numpy as np

from emulator.evaluation.metrics import MINIMUM_PAIRS_PER_SITE

MOMENTS = 10
_COUNT, _MEAN_O, _MEAN_P, _SQUARES_O, _SQUARES_P, _PRODUCTS, _SQUARED_ERROR, _ERROR, _LARGEST_O, _LARGEST_P = range(10)


def moments(observed: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Moments of each row, (n, T), (n, T) -> (n, MOMENTS); pairs with a NaN on either side do not count."""
    known = np.isfinite(observed) & np.isfinite(predicted)
    o, p = (np.where(known, values, 0.0).astype(np.float64) for values in (observed, predicted))
    made = np.zeros((len(o), MOMENTS))
    count = np.maximum(known.sum(1), 1)
    made[:, _COUNT] = known.sum(1)
    made[:, _LARGEST_O], made[:, _LARGEST_P] = np.abs(o).max(1, initial=0.0), np.abs(p).max(1, initial=0.0)
    error = p - o
    made[:, _SQUARED_ERROR], made[:, _ERROR] = (error * error).sum(1), error.sum(1)
    made[:, _MEAN_O], made[:, _MEAN_P] = o.sum(1) / count, p.sum(1) / count
    o, p = (o - made[:, _MEAN_O, None]) * known, (p - made[:, _MEAN_P, None]) * known
    made[:, _SQUARES_O], made[:, _SQUARES_P], made[:, _PRODUCTS] = (o * o).sum(1), (p * p).sum(1), (o * p).sum(1)
    return made


def together(parts: np.ndarray) -> np.ndarray:
    """Moments of all pairs of the sets along the first axis, (k, ..., MOMENTS) -> (..., MOMENTS)."""
    joined = parts.sum(0)
    count, total = parts[..., _COUNT], np.maximum(joined[..., _COUNT], 1.0)
    away = {}
    for mean in (_MEAN_O, _MEAN_P):
        joined[..., mean] = (count * parts[..., mean]).sum(0) / total
        away[mean] = parts[..., mean] - joined[..., mean]
    for moment, a, b in (
        (_SQUARES_O, _MEAN_O, _MEAN_O), (_SQUARES_P, _MEAN_P, _MEAN_P), (_PRODUCTS, _MEAN_O, _MEAN_P)
    ):  # fmt: skip
        joined[..., moment] += (count * away[a] * away[b]).sum(0)
    for largest in (_LARGEST_O, _LARGEST_P):
        joined[..., largest] = parts[..., largest].max(0, initial=0.0)
    return joined


def metrics_of(made: np.ndarray) -> dict[str, np.ndarray]:
    """Every metric of `emulator.evaluation.metrics`, (..., MOMENTS) -> (...) each; NaN where it is not defined."""
    count, mean_o, mean_p = (made[..., index] for index in (_COUNT, _MEAN_O, _MEAN_P))
    with np.errstate(divide="ignore", invalid="ignore"):
        squares_o = _beyond_rounding(made[..., _SQUARES_O], count, made[..., _LARGEST_O])
        squares_p = _beyond_rounding(made[..., _SQUARES_P], count, made[..., _LARGEST_P])
        spread_o, spread_p = np.sqrt(squares_o / count), np.sqrt(squares_p / count)
        rmse = np.sqrt(made[..., _SQUARED_ERROR] / count)
        alpha, beta = _ratio(spread_p, spread_o), _ratio(mean_p, mean_o)
        correlated = np.where(squares_p > 0.0, made[..., _PRODUCTS] / (count * spread_o * spread_p), 0.0)
        kge = 1.0 - np.sqrt((correlated - 1.0) ** 2 + (alpha - 1.0) ** 2 + (beta - 1.0) ** 2)
        return {
            "rmse": rmse,
            "nrmse": _ratio(rmse, np.abs(mean_o)),
            "nrmse_sd": _ratio(rmse, spread_o),
            "r2": 1.0 - _ratio(made[..., _SQUARED_ERROR], squares_o),
            "bias": made[..., _ERROR] / count,
            "kge": kge,
        }


def pooled_of(made: np.ndarray) -> dict[str, float]:
    """As `metrics.pooled`, of moments (k, MOMENTS) of sets of pairs."""
    joined = together(made)
    return {name: float(value) for name, value in metrics_of(joined).items()} | {"n": int(joined[_COUNT])}


def median_of(sites: np.ndarray) -> dict[str, float]:
    """As `metrics.median_over_sites`, of moments (N, MOMENTS) of sites."""
    enough = sites[sites[:, _COUNT] >= MINIMUM_PAIRS_PER_SITE]
    medians = {name: _median(values) for name, values in metrics_of(enough).items()}
    return medians | {"n": len(enough)}


def _beyond_rounding(squares: np.ndarray, count: np.ndarray, largest: np.ndarray) -> np.ndarray:
    """Sums of squares; exactly zero for values that differ by rounding of their mean only."""
    return np.where(np.sqrt(squares / count) > 1e-12 * largest, squares, 0.0)


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    return np.where(denominator != 0.0, numerator / denominator, np.nan)


def _median(values: np.ndarray) -> float:
    defined = values[np.isfinite(values)]
    return float(np.median(defined)) if len(defined) else float("nan")
