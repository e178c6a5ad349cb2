"""Conformal prediction for groups: how far an interval must reach to hold at a further site, or in a further month.

Days of a site err alike, so that sites, not days, are what can be exchanged. With n units, each of the weight
1 / (n + 1) whatever its number of days, and one further unit of unlimited error, the quantile of the weighted scores
covers the days of a further unit with the probability that is asked for (Dunn, Wasserman and Ramdas 2023, J. Am.
Stat. Assoc. 118:2491; Lee, Barber and Willett 2023, arXiv 2306.06342). With too few units that quantile is unlimited:
there is no interval.
"""

import math

import numpy as np

COVERAGE = 0.9
"""Share of the days of a further unit that an interval is to hold."""


def fewest_units(coverage: float = COVERAGE) -> int:
    """The fewest units for which there is an interval of that coverage: 9 for 0.9."""
    return math.ceil(round(coverage / (1.0 - coverage), 9))


def unit_quantile(scores: np.ndarray, unit: np.ndarray, coverage: float = COVERAGE) -> float:
    """The score (n,) that holds `coverage` of the scores of a further unit on average; NaN with too few units.

    unit: (n,) numbers of the units that the scores are of; scores that are not finite do not count.
    """
    scored = np.isfinite(scores)
    values = scores[scored].astype(np.float64)
    _, index, counts = np.unique(unit[scored], return_inverse=True, return_counts=True)
    if len(counts) < fewest_units(coverage):
        return math.nan
    order = np.argsort(values)
    weight = np.cumsum((1.0 / counts / (len(counts) + 1))[index][order])
    position = int(np.searchsorted(weight, coverage * (1.0 - 1e-9)))
    return float(values[order][min(position, len(values) - 1)])
