"""Conformal prediction for groups: how far an interval must reach to hold at a further site, or in a further month.

Days of a site err alike, so that sites, not days, are what can be exchanged. With n units, each of the weight
1 / (n + 1) whatever its number of days, and one further unit of unlimited error, the quantile of the weighted scores
covers the days of a further unit with the probability that is asked for (Dunn, Wasserman and Ramdas 2023, J. Am.
Stat. Assoc. 118:2491; Lee, Barber and Willett 2023, arXiv 2306.06342). With too few units that quantile is unlimited:
there is no interval.

That is safe whatever the errors, and too wide where units are alike. The smallest level that holds what is asked for at
each unit by the scores of the others, on average, is too narrow where whole units err. Of few units with many scores
the geometric mean of both is taken, a compromise without a guarantee.
"""

import math

import numpy as np

COVERAGE = 0.9
"""Share of the days of a further unit that an interval is to hold."""
MOST_TRIED = 100
"""Units up to which the level is chosen by leaving each out; with more, the safe level is hardly above it."""
LEVELS_TRIED = 21
FEWEST_SCORES = 30
"""Scores of a unit, such as days of a site; with fewer, as of annual sums, the level is the safe one."""


def fewest_units(coverage: float = COVERAGE) -> int:
    """The fewest units for which there is an interval of that coverage: 9 for 0.9."""
    return math.ceil(round(coverage / (1.0 - coverage), 9))


def unit_quantile(scores: np.ndarray, unit: np.ndarray, coverage: float = COVERAGE) -> float:
    """The score that holds `coverage` of the scores of a further unit on average; NaN with too few units.

    scores: (n,), those that are not finite do not count; unit: (n,), numbers of the units that they are of.
    """
    scored = np.isfinite(scores)
    values = scores[scored].astype(np.float64)
    _, index, counts = np.unique(unit[scored], return_inverse=True, return_counts=True)
    if len(counts) < fewest_units(coverage):
        return math.nan
    order = np.argsort(values)
    values, index = values[order], index[order]
    weight = (1.0 / counts)[index]
    safe = _quantile(values, weight, coverage * (len(counts) + 1) / len(counts))
    if len(counts) > MOST_TRIED or np.median(counts) < FEWEST_SCORES:
        return safe
    levels = np.linspace(coverage, 1.0, LEVELS_TRIED)
    held = np.zeros(LEVELS_TRIED)
    for number in range(len(counts)):
        others = index != number
        reach = [_quantile(values[others], weight[others], level) for level in levels]
        held += np.searchsorted(values[~others], reach, side="right") / counts[number] / len(counts)
    enough = np.flatnonzero(held >= coverage)
    return math.sqrt(safe * min(safe, _quantile(values, weight, levels[enough[0]]))) if len(enough) else safe


def _quantile(values: np.ndarray, weight: np.ndarray, level: float) -> float:
    """Quantile of ascending values (n,) with weights (n,); the largest where the level is 1 or more."""
    total = np.cumsum(weight)
    position = int(np.searchsorted(total, level * total[-1] * (1.0 - 1e-9)))
    return float(values[min(position, len(values) - 1)])
