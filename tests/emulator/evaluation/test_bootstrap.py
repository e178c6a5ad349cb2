"""The paired bootstrap gives known answers."""

import numpy as np
import pytest

from emulator.evaluation.bootstrap import by_site, rmse_ratio


def test_interval_is_that_of_the_exact_distribution() -> None:
    """Three sites: all 27 resamples are known, so the distribution of the ratio is known exactly."""
    model, reference = np.array([4.0, 1.0, 9.0]), np.array([8.0, 4.0, 1.0])
    days = np.array([10, 10, 10])
    draws = np.stack(np.meshgrid(*[np.arange(3)] * 3), axis=-1).reshape(-1, 3)
    exact = np.sqrt(model[draws].sum(1) / reference[draws].sum(1))
    test = rmse_ratio(model, reference, days, resamples=20_000, confidence=0.8)
    assert test.ratio == pytest.approx(np.sqrt(14 / 13))
    assert test.p_value == pytest.approx((exact >= 1).mean(), abs=0.015)
    assert test.low == pytest.approx(np.quantile(exact, 0.1, method="inverted_cdf"))
    assert test.high == pytest.approx(np.quantile(exact, 0.9, method="inverted_cdf"))


def test_p_values_are_uniform_where_models_are_equally_good() -> None:
    random = np.random.default_rng(1)
    p_values = []
    for _ in range(200):
        error = random.normal(size=(2, 60)) ** 2
        p_values.append(rmse_ratio(error[0], error[1], np.ones(60), resamples=400).p_value)
    assert 0.02 < np.mean(np.array(p_values) < 0.1) < 0.2
    assert 0.4 < np.mean(p_values) < 0.6


def test_a_pair_that_is_always_better_has_the_least_p_value() -> None:
    reference = np.random.default_rng(2).gamma(1.0, size=50)
    test = rmse_ratio(0.64 * reference, reference, np.full(50, 365), resamples=999)
    assert [test.ratio, test.low, test.high] == pytest.approx([0.8] * 3)
    assert test.p_value == pytest.approx(1 / 1000)
    other_way = rmse_ratio(reference, 0.64 * reference, np.full(50, 365), resamples=999)
    assert other_way.p_value == 1.0
    assert rmse_ratio(reference, 0.64 * reference, np.full(50, 365), resamples=999, two_sided=True).p_value < 0.01


def test_sites_without_days_do_not_count() -> None:
    model, reference = np.array([1.0, np.nan, 2.0, 100.0]), np.array([2.0, 1.0, 4.0, 1.0])
    test = rmse_ratio(model, reference, np.array([5, 5, 5, 0]), resamples=100)
    assert test.sites == 2
    assert test.ratio == pytest.approx(np.sqrt(0.5))
    assert np.isnan(rmse_ratio(model[:0], reference[:0], np.array([])).ratio)


def test_tests_of_one_site_are_taken_together() -> None:
    names, error, days = by_site(np.array([7, 3, 7]), np.array([1.0, 2.0, 4.0]), np.array([10, 20, 30]))
    assert names.tolist() == [3, 7]
    assert error.tolist() == [2.0, 5.0]
    assert days.tolist() == [20, 40]
