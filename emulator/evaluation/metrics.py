"""Skill of predictions: formulas with references. Pairs with a NaN on either side do not count.

A metric that is not defined for a sample (no pairs, zero variance, zero mean) is NaN, never infinity or a silent zero;
`to_json` writes it as null.
"""

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

MINIMUM_PAIRS_PER_SITE = 30
"""Sites with fewer scored days are left out of medians over sites."""


def _pairs(observed: ArrayLike, predicted: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Pairs known on both sides, flattened to float64 of shape (n,)."""
    observed, predicted = np.asarray(observed, np.float64), np.asarray(predicted, np.float64)
    if observed.shape != predicted.shape:
        message = f"observed {observed.shape} and predicted {predicted.shape} must have the same shape"
        raise ValueError(message)
    complete = np.isfinite(observed) & np.isfinite(predicted)
    return observed[complete], predicted[complete]


def rmse(observed: ArrayLike, predicted: ArrayLike) -> float:
    """Root mean square error, sqrt(mean((p - o)^2)), in the unit of the data."""
    o, p = _pairs(observed, predicted)
    return float(np.sqrt(np.mean((p - o) ** 2))) if o.size else math.nan


def bias(observed: ArrayLike, predicted: ArrayLike) -> float:
    """Mean error, mean(p - o), in the unit of the data; positive where the prediction is too high."""
    o, p = _pairs(observed, predicted)
    return float(np.mean(p - o)) if o.size else math.nan


def nrmse(observed: ArrayLike, predicted: ArrayLike) -> float:
    """RMSE / |mean(o)|, the normalisation of the methane-emulation literature; NaN where the mean is zero.

    It explodes for fluxes that change sign, which is why `nrmse_sd` is always given beside it.
    """
    o, p = _pairs(observed, predicted)
    return _ratio(rmse(o, p), abs(float(np.mean(o)))) if o.size else math.nan


def nrmse_sd(observed: ArrayLike, predicted: ArrayLike) -> float:
    """RMSE / sd(o), population standard deviation, so that R2 = 1 - nrmse_sd^2; NaN where o does not vary."""
    o, p = _pairs(observed, predicted)
    return _ratio(rmse(o, p), _spread(o)) if o.size else math.nan


def r2(observed: ArrayLike, predicted: ArrayLike) -> float:
    """Coefficient of determination, 1 - SSE / SST (Nash and Sutcliffe 1970, J. Hydrol. 10:282, eq. 3); not corr^2."""
    o, p = _pairs(observed, predicted)
    if not o.size or _spread(o) == 0.0:
        return math.nan
    return float(1.0 - np.sum((p - o) ** 2) / np.sum((o - np.mean(o)) ** 2))


def kge(observed: ArrayLike, predicted: ArrayLike) -> float:
    """Kling-Gupta efficiency, 1 - sqrt((r - 1)^2 + (alpha - 1)^2 + (beta - 1)^2).

    Gupta et al. 2009, J. Hydrol. 377:80, eq. 9. r is the linear correlation, alpha = sd(p) / sd(o), beta = mean(p) /
    mean(o). A constant prediction has r = 0, so that predicting the observed mean scores 1 - sqrt(2) (Knoben et al.
    2019, HESS 23:4323). NaN where sd(o) or mean(o) is zero.
    """
    o, p = _pairs(observed, predicted)
    if not o.size:
        return math.nan
    alpha, beta = _ratio(_spread(p), _spread(o)), _ratio(float(np.mean(p)), float(np.mean(o)))
    if math.isnan(alpha) or math.isnan(beta):
        return math.nan
    covariance = float(np.mean((o - np.mean(o)) * (p - np.mean(p))))
    r = covariance / (_spread(o) * _spread(p)) if _spread(p) > 0.0 else 0.0
    return 1.0 - math.sqrt((r - 1.0) ** 2 + (alpha - 1.0) ** 2 + (beta - 1.0) ** 2)


def count(observed: ArrayLike, predicted: ArrayLike) -> int:
    """Number of pairs known on both sides."""
    return int(_pairs(observed, predicted)[0].size)


METRICS: dict[str, Callable[[ArrayLike, ArrayLike], float]] = {
    "rmse": rmse,
    "nrmse": nrmse,
    "nrmse_sd": nrmse_sd,
    "r2": r2,
    "bias": bias,
    "kge": kge,
}


def pooled(observed: ArrayLike, predicted: ArrayLike) -> dict[str, float]:
    """All metrics over all pairs together, and their number `n`."""
    o, p = _pairs(observed, predicted)
    return {name: metric(o, p) for name, metric in METRICS.items()} | {"n": int(o.size)}


def median_over_sites(observed: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Median over sites of every metric; `n` is the number of sites with enough days.

    observed, predicted: (N, T). A site where a metric is undefined drops out of that metric's median.
    """
    rows = [_pairs(o, p) for o, p in zip(observed, predicted, strict=True)]
    rows = [(o, p) for o, p in rows if o.size >= MINIMUM_PAIRS_PER_SITE]
    return {name: _median(metric(o, p) for o, p in rows) for name, metric in METRICS.items()} | {"n": len(rows)}


def to_json(value: Any) -> Any:
    """The same structure with NaN and infinity replaced by None and numpy scalars by Python's."""
    if isinstance(value, dict):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _spread(values: np.ndarray) -> float:
    """Population standard deviation; exactly zero for values that differ by rounding of their mean only."""
    spread = float(np.std(values))
    return spread if spread > 1e-12 * float(np.max(np.abs(values))) else 0.0


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator != 0.0 else math.nan


def _median(values: Iterable[float]) -> float:
    defined = [value for value in values if math.isfinite(value)]
    return float(np.median(defined)) if defined else math.nan
