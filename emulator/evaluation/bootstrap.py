"""Paired bootstrap over sites: is one model's error lower than another's, beyond the chance of which sites were drawn?

Days of a site are dependent, so sites, not days, are drawn again (Efron and Tibshirani 1993, An Introduction to the
Bootstrap, chapters 8 and 13). Both models are scored on the same sites in every resample.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

RESAMPLES = 10_000
_CHUNK = 500


@dataclass(frozen=True)
class RatioTest:
    """RMSE of a model over that of a reference, pooled over sites.

    low, high: percentile interval; p_value: share of resamples in which the ratio is 1 or more (one-sided: that the
    model is not better), or, two-sided, twice the smaller tail.
    """

    ratio: float
    low: float
    high: float
    p_value: float
    sites: int


def rmse_ratio(
    model: np.ndarray,
    reference: np.ndarray,
    days: np.ndarray,
    *,
    resamples: int = RESAMPLES,
    confidence: float = 0.95,
    two_sided: bool = False,
    seed: int = 0,
) -> RatioTest:
    """Test the ratio sqrt(sum model / sum reference) of pooled RMSE.

    model, reference: (N,) sums of squared errors of each site over the same days; days: (N,) their number. Sites
    without days, or with a sum that is not finite on either side, are left out. Where a site was tested in several
    trainings, give the sums over them (`by_site`), so that a resample takes all its tests or none. The p-value counts
    the sample itself among the resamples, and so is never zero (Davison and Hinkley 1997, eq. 4.11).
    """
    model, reference, days = (np.asarray(values, np.float64) for values in (model, reference, days))
    if not model.shape == reference.shape == days.shape:
        message = f"shapes differ: model {model.shape}, reference {reference.shape}, days {days.shape}"
        raise ValueError(message)
    used = (days > 0) & np.isfinite(model) & np.isfinite(reference)
    pairs = np.stack([model[used], reference[used]], axis=1)
    count = len(pairs)
    if count == 0 or reference[used].sum() == 0.0:
        return RatioTest(math.nan, math.nan, math.nan, math.nan, count)
    weights = _weights(count, resamples, seed)
    squares = np.concatenate(
        [_resampled_ratio(pairs, weights[start : start + _CHUNK]) for start in range(0, resamples, _CHUNK)]
    )
    worse, better = (np.count_nonzero(squares >= 1.0), np.count_nonzero(squares <= 1.0))
    one_sided = (1 + worse) / (resamples + 1)
    p_value = min(1.0, 2.0 * min(one_sided, (1 + better) / (resamples + 1))) if two_sided else one_sided
    tail = 50.0 * (1.0 - confidence)
    low, high = np.sqrt(np.percentile(squares, [tail, 100.0 - tail]))
    model_total, reference_total = pairs.sum(axis=0)
    return RatioTest(float(np.sqrt(model_total / reference_total)), float(low), float(high), float(p_value), count)


def by_site(site: np.ndarray, *values: np.ndarray) -> tuple[np.ndarray, ...]:
    """Unique sites, ascending, and the sums of each of `values` (M,) over the entries of each site."""
    names, position = np.unique(np.asarray(site), return_inverse=True)
    return names, *(np.bincount(position, np.asarray(value, np.float64), len(names)) for value in values)


def _resampled_ratio(pairs: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Ratio of summed squares by resample; weights: (R, N), how often each site is drawn."""
    sums = weights.astype(np.float64) @ pairs
    return np.divide(sums[:, 0], sums[:, 1], out=np.full(len(sums), np.inf), where=sums[:, 1] > 0)


@lru_cache(maxsize=3)
def _weights(count: int, resamples: int, seed: int) -> np.ndarray:
    """(R, N) uint8, how often each of N sites is drawn in each resample; kept, since many tests share them."""
    random = np.random.default_rng(seed)
    share = np.full(count, 1.0 / count)
    return np.concatenate(
        [
            np.minimum(random.multinomial(count, share, size=min(_CHUNK, resamples - start)), 255).astype(np.uint8)
            for start in range(0, resamples, _CHUNK)
        ]
    )
