"""Gaps of sub-daily series: bridged, or filled by the mean of the same time of day of days near by.

Mean diurnal variation: Falge et al. 2001, Agric. For. Meteorol. 107, 43.
"""

import numpy as np

WINDOW = 7
"""Days to each side."""
FEWEST_IN_WINDOW = 4


def bridged(values: np.ndarray, longest: int) -> np.ndarray:
    """Gaps of up to `longest` values (T,) bridged linearly; those at the ends stay."""
    missing = np.isnan(values)
    if longest < 1 or not missing.any() or missing.all():
        return values
    edges = np.diff(np.concatenate([[0], missing.astype(np.int8), [0]]))
    begins, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    filled = values.copy()
    index = np.arange(len(values))
    bridge = np.interp(index, index[~missing], values[~missing])
    for begin, end in zip(begins, ends, strict=True):
        if begin > 0 and end < len(values) and end - begin <= longest:
            filled[begin:end] = bridge[begin:end]
    return filled


def diurnal_course(laid: np.ndarray) -> np.ndarray:
    """Values (days, steps of a day) with gaps filled by the mean of the same step of the day within the window."""
    present = np.isfinite(laid)
    if present.all():
        return laid
    days = len(laid)
    sums = np.concatenate([np.zeros((1, laid.shape[1])), np.cumsum(np.where(present, laid, 0.0), axis=0)])
    counts = np.concatenate([np.zeros((1, laid.shape[1])), np.cumsum(present, axis=0)])
    low = np.maximum(np.arange(days) - WINDOW, 0)
    high = np.minimum(np.arange(days) + WINDOW + 1, days)
    count = counts[high] - counts[low]
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (sums[high] - sums[low]) / count
    return np.where(present, laid, np.where(count >= FEWEST_IN_WINDOW, mean, np.nan))
