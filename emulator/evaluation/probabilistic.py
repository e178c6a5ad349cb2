"""Skill of predicted quantiles: are intervals as wide as errors are large, and no wider than need be?

Quantiles are (..., Q) at levels (Q,), ascending. Between and beyond the levels the quantile function is taken as linear
in the normal deviate, which is exact for a normal distribution.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

FINE = 50
"""Equally likely values that a predicted distribution is represented by in scores."""

BINS = 10
"""Bins of predicted spread, equally full."""

_CHUNK = 100_000


def finer(levels: Sequence[float], number: int = FINE) -> np.ndarray:
    """Matrix (Q, number) that takes quantiles at `levels` to those at the midpoints of `number` equal parts of 0..1."""
    deviate, midpoint = _deviate(levels), _deviate((np.arange(number) + 0.5) / number)
    left = np.clip(np.searchsorted(deviate, midpoint) - 1, 0, len(deviate) - 2)
    share = (midpoint - deviate[left]) / (deviate[left + 1] - deviate[left])
    matrix = np.zeros((len(deviate), number))
    matrix[left, np.arange(number)] = 1.0 - share
    matrix[left + 1, np.arange(number)] += share
    return matrix


def pinball(observed: np.ndarray, quantiles: np.ndarray, levels: Sequence[float] | np.ndarray) -> np.ndarray:
    """Quantile loss (Koenker and Bassett 1978, Econometrica 46:33); observed (...), quantiles (..., Q) -> (..., Q)."""
    error = observed[..., None] - quantiles
    return np.maximum(np.asarray(levels) * error, (np.asarray(levels) - 1.0) * error)


def crps(observed: np.ndarray, quantiles: np.ndarray, levels: Sequence[float]) -> np.ndarray:
    """Continuous ranked probability score of each value, in its unit: twice the pinball loss over all levels.

    Gneiting and Raftery 2007, J. Am. Stat. Assoc. 102:359, section 4.2. For a single value it is the absolute error.
    """
    midpoints = (np.arange(FINE) + 0.5) / FINE
    return 2.0 * pinball(observed, quantiles @ finer(levels), midpoints).mean(-1)


def score(observed: np.ndarray, quantiles: np.ndarray, levels: Sequence[float]) -> dict[str, Any]:
    """All scores over the values that are known; observed (...), quantiles (..., Q) in the unit of the flux, NaN where
    there are none.

    crps: mean; coverage90 and width90: share of values within the 90 % interval, and its mean width; below: share of
    values below each quantile, for a reliability diagram; pit: histogram between the levels, 1 where calibrated;
    spread_skill: see `spread_skill`; n: number of values.
    """
    observed_days = np.isfinite(observed) & np.isfinite(quantiles).all(-1)
    o, q = np.asarray(observed, np.float64)[observed_days], quantiles[observed_days]
    if not len(o):
        return {"n": 0}
    low, high = q[:, _index(levels, 0.05)], q[:, _index(levels, 0.95)]
    fine = finer(levels)
    midpoints = (np.arange(FINE) + 0.5) / FINE
    total, mean, spread = 0.0, np.empty(len(o)), np.empty(len(o))
    for start in range(0, len(o), _CHUNK):
        rows = slice(start, start + _CHUNK)
        values = q[rows] @ fine
        total += 2.0 * pinball(o[rows], values, midpoints).mean(-1).sum()
        mean[rows], spread[rows] = values.mean(-1), values.std(-1)
    below = _share_below(o, q, levels)
    shares = np.diff(np.concatenate([[0.0], below, [1.0]]))
    widths = np.diff(np.concatenate([[0.0], levels, [1.0]]))
    return {
        "n": len(o),
        "crps": float(total / len(o)),
        "coverage90": float(((o >= low) & (o <= high)).mean()),
        "width90": float((high - low).mean()),
        "levels": [float(level) for level in levels],
        "below": below.tolist(),
        "pit": (shares / widths).tolist(),
        "spread_skill": spread_skill(o - mean, spread),
    }


def spread_skill(error: np.ndarray, spread: np.ndarray) -> dict[str, Any]:
    """Predicted spread against error in bins of the spread (Fortin et al. 2014, J. Hydrometeorol. 15:1708).

    error: (n,) from the mean of the predicted distribution; spread: (n,) its standard deviation. Gives root mean
    squares by bin, `slope`, of log error on log spread (1 where the spread tells the size of the error, 0 where
    it tells nothing), and `ratio`, spread over error of all values (1 where intervals are as wide as errors are large).
    """
    order = np.argsort(spread, kind="stable")
    parts = [part for part in np.array_split(order, BINS) if len(part)]
    by_bin = np.array([[np.sqrt(np.mean(spread[part] ** 2)), np.sqrt(np.mean(error[part] ** 2))] for part in parts])
    positive = by_bin[(by_bin > 0).all(axis=1)]
    slope = np.nan
    if len(positive) > 1 and np.ptp(np.log(positive[:, 0])) > 1e-6:
        slope = float(np.polyfit(np.log(positive[:, 0]), np.log(positive[:, 1]), 1)[0])
    total = np.sqrt(np.mean(error**2))
    ratio = float(np.sqrt(np.mean(spread**2)) / total) if total > 0 else np.nan
    return {"spread": by_bin[:, 0].tolist(), "error": by_bin[:, 1].tolist(), "slope": slope, "ratio": ratio}


def _share_below(observed: np.ndarray, quantiles: np.ndarray, levels: Sequence[float]) -> np.ndarray:
    """Share of values below each quantile; a value that several quantiles equal, such as 0, is spread over them."""
    ends = np.concatenate([[0.0], levels, [1.0]])
    low = ends[(quantiles < observed[:, None]).sum(1)]
    high = ends[len(levels) + 1 - (quantiles > observed[:, None]).sum(1)]
    return np.array([np.clip((level - low) / (high - low), 0.0, 1.0).mean() for level in levels])


def _deviate(levels: Sequence[float] | np.ndarray) -> np.ndarray:
    return torch.special.ndtri(torch.as_tensor(np.asarray(levels, np.float64))).numpy()


def _index(levels: Sequence[float], level: float) -> int:
    return int(np.argmin(np.abs(np.asarray(levels) - level)))
