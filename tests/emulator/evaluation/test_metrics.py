"""Metrics against naive implementations and hand-worked numbers."""

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from emulator.evaluation import metrics

finite = st.floats(-1e3, 1e3, allow_subnormal=False).map(lambda x: round(x, 3))
pairs = st.integers(2, 40).flatmap(
    lambda n: st.tuples(hnp.arrays(np.float64, n, elements=finite), hnp.arrays(np.float64, n, elements=finite))
)


def naive(o: list[float], p: list[float]) -> dict[str, float]:
    """The formulas as one writes them on paper, without numpy."""
    n = len(o)
    mean_o, mean_p = math.fsum(o) / n, math.fsum(p) / n
    sse = math.fsum((b - a) ** 2 for a, b in zip(o, p, strict=True))
    sst = math.fsum((a - mean_o) ** 2 for a in o)
    rmse = math.sqrt(sse / n)
    result = {"rmse": rmse, "bias": mean_p - mean_o}
    result["nrmse"] = rmse / abs(mean_o) if mean_o else math.nan
    sd_o, sd_p = statistics.pstdev(o), statistics.pstdev(p)
    result["nrmse_sd"] = rmse / sd_o if sst else math.nan
    result["r2"] = 1 - sse / sst if sst else math.nan
    if sst == 0 or mean_o == 0:
        result["kge"] = math.nan
    else:
        r = math.fsum((a - mean_o) * (b - mean_p) for a, b in zip(o, p, strict=True)) / n / sd_o / sd_p if sd_p else 0.0
        result["kge"] = 1 - math.sqrt((r - 1) ** 2 + (sd_p / sd_o - 1) ** 2 + (mean_p / mean_o - 1) ** 2)
    return result


@given(pairs)
def test_metrics_equal_naive_formulas(data):
    observed, predicted = data
    if 0 < abs(observed.mean()) < 1e-6 or len(set(observed)) == 1 or len(set(predicted)) == 1:
        return  # ratios of rounding errors; the defined edge cases have their own tests
    expected = naive(observed.tolist(), predicted.tolist())
    skill = metrics.pooled(observed, predicted)
    assert skill.pop("n") == observed.size
    assert skill == pytest.approx(expected, rel=1e-7, abs=1e-9, nan_ok=True)


@given(pairs, st.floats(0.1, 100).map(lambda x: round(x, 2)))
def test_dimensionless_metrics_do_not_depend_on_the_unit(data, factor):
    observed, predicted = data[0] + 2000.0, data[1] + 2000.0
    before, after = metrics.pooled(observed, predicted), metrics.pooled(factor * observed, factor * predicted)
    for name in ("nrmse", "nrmse_sd", "r2", "kge"):
        assert after[name] == pytest.approx(before[name], rel=1e-5, abs=1e-5, nan_ok=True)
    assert after["rmse"] == pytest.approx(factor * before["rmse"], abs=1e-7)


def test_hand_worked_example():
    observed, predicted = [1.0, 2.0, 3.0, 6.0], [2.0, 2.0, 4.0, 4.0]
    skill = metrics.pooled(observed, predicted)
    assert skill["rmse"] == pytest.approx(math.sqrt(6 / 4))
    assert skill["bias"] == pytest.approx(0.0)
    assert skill["nrmse"] == pytest.approx(math.sqrt(1.5) / 3)
    assert skill["r2"] == pytest.approx(1 - 6 / 14)
    assert skill["nrmse_sd"] ** 2 == pytest.approx(1 - skill["r2"])
    # r = 6 / sqrt(14 * 4), alpha = sqrt(4 / 14), beta = 1
    assert skill["kge"] == pytest.approx(1 - math.hypot(6 / math.sqrt(56) - 1, math.sqrt(4 / 14) - 1))


def test_missing_pairs_do_not_count():
    observed = np.array([1.0, np.nan, 3.0, 6.0, 7.0])
    predicted = np.array([2.0, 5.0, np.nan, 4.0, 7.5])
    assert metrics.pooled(observed, predicted) == metrics.pooled([1.0, 6.0, 7.0], [2.0, 4.0, 7.5])


@pytest.mark.parametrize("observed", [[], [np.nan, np.nan]])
def test_nothing_to_score_gives_nan(observed):
    skill = metrics.pooled(observed, np.ones(len(observed)))
    assert skill.pop("n") == 0
    assert all(math.isnan(value) for value in skill.values())


def test_observations_without_variance_have_no_r2_nrmse_sd_or_kge():
    skill = metrics.pooled([0.3] * 40, np.linspace(0, 1, 40))
    assert math.isnan(skill["r2"])
    assert math.isnan(skill["nrmse_sd"])
    assert math.isnan(skill["kge"])
    assert skill["rmse"] > 0
    assert skill["nrmse"] > 0


def test_zero_mean_has_no_nrmse():
    assert math.isnan(metrics.nrmse([-1.0, 1.0], [0.0, 0.5]))


def test_predicting_the_mean_scores_the_known_benchmarks():
    observed = np.arange(20.0) ** 2
    mean = np.full(20, observed.mean())
    assert metrics.r2(observed, mean) == pytest.approx(0.0)
    assert metrics.kge(observed, mean) == pytest.approx(1 - math.sqrt(2))


def test_median_over_sites_counts_sites_with_enough_days():
    generator = np.random.default_rng(5)
    observed = generator.normal(3, 1, (4, 60))
    predicted = observed + np.array([0.1, 0.2, 0.4, 50.0])[:, None]
    observed[3, 10:] = np.nan
    skill = metrics.median_over_sites(observed, predicted)
    assert skill["n"] == 3
    assert skill["bias"] == pytest.approx(0.2)


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=r"observed \(3,\) and predicted \(2,\)"):
        metrics.rmse([1, 2, 3], [1, 2])


def test_json_has_null_for_undefined_values():
    assert metrics.to_json({"a": math.nan, "b": [np.float64(1.5), np.int64(3)], 4: math.inf}) == {
        "a": None,
        "b": [1.5, 3],
        "4": None,
    }
