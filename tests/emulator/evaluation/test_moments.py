"""Moments of blocks of sites give the metrics of all pairs at once."""

import numpy as np
import pytest

from emulator.evaluation import metrics
from emulator.evaluation.moments import median_of, moments, pooled_of


def _pairs(offset: float) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(4)
    observed = random.normal(size=(9, 200)) * random.lognormal(size=(9, 1)) + offset
    predicted = observed + 0.3 * random.normal(size=observed.shape)
    observed[random.random(observed.shape) < 0.2] = np.nan
    observed[3] = 0.7
    observed[5, 20:] = np.nan
    predicted[6] = -1.25
    predicted[7, :50] = np.nan
    return observed, predicted


@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_moments_give_the_metrics(offset: float) -> None:
    observed, predicted = _pairs(offset)
    made = moments(observed, predicted)
    for rows in (slice(0, 9), slice(3, 4), slice(6, 7), slice(0, 0)):
        expected = metrics.pooled(observed[rows], predicted[rows])
        assert pooled_of(made[rows]) == pytest.approx(expected, rel=1e-9, nan_ok=True)
    assert median_of(made) == pytest.approx(metrics.median_over_sites(observed, predicted), rel=1e-9, nan_ok=True)
