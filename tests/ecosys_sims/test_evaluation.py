"""The page of published ranges and towers: its verdicts, its split of days, its calibration, its text."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from ecosys_sims.adapters.daily_record import TowerRecord
from ecosys_sims.adapters.fluxnet_ch4 import FLUX_COLUMNS, WEATHER_COLUMNS
from ecosys_sims.evaluation import published_ranges, tower_observations
from ecosys_sims.evaluation.calibration import Plan, Range, calibrate
from ecosys_sims.evaluation.comparison import CalibrationTask, compare, monthly_means
from ecosys_sims.evaluation.crop_cases import MEAD
from ecosys_sims.evaluation.duke_forest import read_fluxes
from ecosys_sims.evaluation.flux_scores import score, squared_misfit
from ecosys_sims.evaluation.member_runs import SiteCase, run_members
from ecosys_sims.evaluation.page import page
from ecosys_sims.evaluation.paired_runs import deep_over_shallow
from ecosys_sims.evaluation.published_ranges import Anchor, judge
from ecosys_sims.evaluation.steps import run_step
from ecosys_sims.evaluation.tower_observations import DaySplit, split_days

SMALL = Plan(rounds=(16, 12), seed=3)


def days(first: str, last: str) -> np.ndarray:
    return np.arange(np.datetime64(first), np.datetime64(last) + 1)


# ---- scores and verdicts ----


def test_a_score_counts_measured_days_only():
    observed = np.r_[np.linspace(1.0, 3.0, 50), np.full(20, np.nan)]
    skill = score(observed, np.r_[observed[:50] + 0.5, np.full(20, 99.0)])
    assert skill.n == 50
    assert skill.bias == pytest.approx(0.5)
    assert skill.rmse == pytest.approx(0.5)
    assert skill.correlation == pytest.approx(1.0)
    assert skill.r2 == pytest.approx(1.0 - 0.25 / observed[:50].var())
    assert score(observed[:9], observed[:9]) is None


def test_misfit_is_one_less_r2():
    rng = np.random.default_rng(1)
    observed, members = rng.normal(size=40), rng.normal(size=(3, 40))
    observed[5] = np.nan
    expected = [1.0 - score(observed, row).r2 for row in members]
    np.testing.assert_allclose(squared_misfit(observed, members), expected)


@pytest.mark.parametrize(
    ("values", "word"),
    [([4.0, 5.0, 6.0], "inside"), ([8.0, 9.5, 11.0], "partly"), ([20.0, 21.0, 22.0], "outside"), ([-1.0], "outside")],
)
def test_verdicts(values, word):
    verdict = judge(Anchor("k", "g", "q", "1", 3.0, 9.0, "s"), np.array(values))
    assert verdict.word == word


def test_every_range_is_well_formed():
    keys = [anchor.key for anchor in published_ranges.ANCHORS]
    assert len(set(keys)) == len(keys)
    assert all(anchor.low < anchor.high for anchor in published_ranges.ANCHORS)
    assert judge(published_ranges.ANCHORS[0], np.array([np.nan])) is None


# ---- towers ----


def test_years_with_methane_train_and_judge_in_turn():
    time = days("2011-01-01", "2014-12-31")
    year = time.astype("datetime64[Y]").astype(int) + 1970
    methane = np.where(year == 2012, np.nan, 1.0)
    split = split_days(time, methane)
    assert set(year[split.train]) == {2011, 2014}
    assert set(year[split.test]) == {2013}
    assert split.text == "2011, 2014 | 2013"


def test_weeks_train_and_judge_where_one_year_was_measured():
    time = days("2018-01-01", "2018-12-31")
    split = split_days(time, np.ones(len(time)))
    assert not (split.train & split.test).any()
    assert (split.train | split.test).all()
    assert split.train[:7].all() and split.test[7:14].all()
    assert "weeks" in split.text


def record(first: str, last: str) -> TowerRecord:
    time = days(first, last)
    doy = tower_observations.day_of_year(time)
    columns = {name: doy.astype(float) for name in WEATHER_COLUMNS}
    columns |= {column: np.ones(len(time)) for column, *_ in FLUX_COLUMNS.values()}
    columns["NEE_F"] = np.full(len(time), 2.0)
    return TowerRecord(Path("FLX_XX-Abc_x.csv"), date.fromisoformat(first), columns)


def test_weather_is_completed_and_fluxes_are_not():
    measured = record("2014-03-10", "2015-09-30")
    whole = tower_observations.complete_years(measured)
    time = whole.days()
    assert (time[0], time[-1]) == (np.datetime64("2014-01-01"), np.datetime64("2015-12-31"))
    doy = tower_observations.day_of_year(time)
    np.testing.assert_array_equal(whole.columns["TA_F"], doy)  # the same date of the other year
    inside = (time >= measured.days()[0]) & (time <= measured.days()[-1])
    assert np.isfinite(whole.columns["FCH4"][inside]).all()
    assert np.isnan(whole.columns["FCH4"][~inside]).all()


def test_weather_of_no_year_comes_from_the_same_sun():
    whole = tower_observations.complete_years(record("2018-01-01", "2018-09-30"))
    november = whole.columns["TA_F"][np.flatnonzero(whole.days() == np.datetime64("2018-11-05"))[0]]
    assert 30 <= november <= 45  # early February


def test_nee_is_the_filled_mean_of_measured_days():
    tower = record("2014-01-01", "2014-12-31")
    tower.columns["NEE"][:100] = np.nan
    fluxes = tower_observations.measured_fluxes(tower)
    assert np.isnan(fluxes["nee"][:100]).all()
    np.testing.assert_allclose(fluxes["nee"][100:], 2.0 * 86400 * 12.011e-6)
    np.testing.assert_allclose(fluxes["fch4"], 86400 * 16.043e-6)


def test_water_is_scored_where_it_was_measured():
    tower = record("2014-01-01", "2014-12-31")
    assert tower_observations.measured_water(tower) == {}
    size = len(tower.days())
    tower.columns.update(LE=np.r_[np.nan, np.full(size - 1, 1.0)], LE_F=np.full(size, 49.0), WTD=np.full(size, -0.2))
    water = tower_observations.measured_water(tower)
    assert np.isnan(water["evspsbl"][0])
    assert water["evspsbl"][1] == pytest.approx(49.0 * 86400 / 2.501e6)
    assert water["wtd"][0] == 0.2  # below the surface


# ---- calibration ----

RANGES = (Range("kphio", "carbon", 0.02, 0.12), Range("mgo", "methane", 0.05, 2.0, log=True))
JUDGED = {"carbon": ("gpp",), "methane": ("fch4",)}
WAVE = 2.0 + np.sin(np.arange(200) / 30.0)


def straight(members: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {"gpp": 100.0 * members["kphio"][:, None] * WAVE, "fch4": 10.0 * members["mgo"][:, None] * WAVE}


def test_calibration_finds_what_made_the_data_and_never_sees_the_other_half():
    truth = straight({"kphio": np.array([0.09]), "mgo": np.array([0.3])})
    observed = {name: values[0].copy() for name, values in truth.items()}
    train = np.arange(200) % 2 == 0
    for values in observed.values():
        values[~train] = -50.0
    defaults = {"kphio": 0.05, "mgo": 1.0}
    plan = Plan(rounds=(64, 48, 48))
    calibrated = calibrate(straight, observed, train, RANGES, JUDGED, defaults, plan)
    assert calibrated.members == 160
    assert calibrated.misfit < 0.02 < calibrated.default_misfit
    assert calibrated.parameters["kphio"] == pytest.approx(0.09, rel=0.05)
    assert calibrated.parameters["mgo"] == pytest.approx(0.3, rel=0.1)
    for values in observed.values():
        values[~train] = 1.0e6
    assert calibrate(straight, observed, train, RANGES, JUDGED, defaults, plan) == calibrated


def test_members_stay_in_their_ranges():
    conductance = Range("tveg", "methane", 0.3, 15.0, log=True)
    values = conductance.value(np.array([0.0, 0.5, 1.0]), 0.0)
    assert values.min() >= 0.3 and values.max() <= 15.0
    assert conductance.place(conductance.value(np.array([0.4]), 0.0)[0]) == pytest.approx(0.4)


def test_the_program_is_calibrated_on_a_synthetic_tower(tmp_path):
    """A fen whose truth is known: the score on days that were not seen must improve."""
    site = MEAD.__class__("Fen", 61.8, 24.2, "fen", 160.0, 700.0, 40.0, 277.0)
    case = SiteCase(site, None, date(2001, 1, 1), 365, spinup_years=1)
    truth = run_members(case, {"kphio": np.array([0.08]), "mgo": np.array([1.5])}, tmp_path / "truth")
    observed = {name: truth[name][0] for name in ("gpp", "fch4")}
    even = (np.arange(365) // 7) % 2 == 0
    task = CalibrationTask(case, observed, DaySplit(even, ~even, "weeks"), RANGES, JUDGED, SMALL)
    results, series = compare(task, tmp_path / "run")
    default, calibrated = (results["scores"][kind]["fch4"]["test"] for kind in ("default", "calibrated"))
    assert calibrated["rmse"] < 0.5 * default["rmse"]
    assert results["scores"]["calibrated"]["gpp"]["test"]["r2"] > 0.9
    assert series["default_gpp"].shape == (365,)
    assert not (tmp_path / "run").exists()


def test_monthly_means():
    daily = np.arange(59.0)[None, :]
    np.testing.assert_allclose(monthly_means(daily, date(2001, 1, 1)), [[15.0, 44.5]])


# ---- other sources ----


def test_sums_since_january_become_days(tmp_path):
    lines = ["DOY DATE ECO_GPP ECO_RA ECO_NPP ECO_RH"]
    for year, factor in ((1980, 1.0), (1981, 2.0)):
        body = [f"{d} x{d} {factor * d} {-factor * d / 2} 0 {-factor * d / 4}".replace(f"x{d}", "0") for d in (1, 2, 3)]
        (tmp_path / f"01010{year}dc").write_text("\n".join(lines + body) + "\n")
    start, fluxes = read_fluxes(tmp_path)
    assert start == date(1980, 1, 1)
    np.testing.assert_allclose(fluxes["gpp"], [1, 1, 1, 2, 2, 2])
    np.testing.assert_allclose(fluxes["ra"], [0.5, 0.5, 0.5, 1, 1, 1])
    np.testing.assert_allclose(fluxes["rh"], [0.25, 0.25, 0.25, 0.5, 0.5, 0.5])


def test_steps_are_done_once(tmp_path):
    calls = []

    def work() -> dict:
        calls.append(1)
        return {"value": len(calls)}

    assert run_step(tmp_path, "a", {"program": "x"}, work)["value"] == 1
    assert run_step(tmp_path, "a", {"program": "x"}, work)["value"] == 1
    assert run_step(tmp_path, "a", {"program": "y"}, work)["value"] == 2


class FakeEnsemble:
    """What deep_over_shallow asks of an ensemble: two fens and a rice field."""

    def __init__(self, depth: float, flux: float):
        self.values = {"wtd": np.full(3, depth), "fch4": np.array([flux, 2 * flux, flux])}

    def of(self, *_: str) -> np.ndarray:
        return np.array([True, True, False])

    def growing(self) -> None:
        return None

    def mean_where(self, name: str, _) -> np.ndarray:
        return self.values[name]


def test_water_tables_are_interpolated():
    runs = [FakeEnsemble(0.4, 0.0), FakeEnsemble(0.2, 30.0), FakeEnsemble(0.0, 50.0)]
    np.testing.assert_allclose(deep_over_shallow(runs), [15.0 / 40.0] * 2)


# ---- the page ----


def results(**changes) -> dict:
    anchors = [
        {"key": "gpp.fen", "verdict": "outside", "n": 5, "median": 1200.0, "p05": 1000.0, "p95": 1300.0,
         "share_inside": 0.0, "group": "Gross primary production", "quantity": "fen", "unit": "g", "low": 300,
         "high": 900, "source": "towers"},
        {"key": "crop.maize_gpp", "verdict": "not simulated", "group": "Crops", "quantity": "maize", "unit": "g",
         "low": 1, "high": 2, "source": "Mead"},
    ]  # fmt: skip
    made = {"created": "2026-01-01T00:00:00Z", "program": "ecosys 0", "git_hash": "abc", "seeds": {"ensemble": 1},
            "machine": {"processor": "cpu"}, "workers": 1}  # fmt: skip
    base = {"provenance": made, "ensemble": {"sites": 2, "years": 1, "pulse": {"pulses": 0}}, "anchors": anchors,
            "crops": False, "seconds": {"ensemble": 60.0}, "towers": [], "duke": None, "mead": None}  # fmt: skip
    return base | changes


def test_the_page_says_what_is_outside_and_what_was_skipped():
    text = page(results(), "figures/validation")
    assert "**outside**" in text
    assert "median 1200, above 900" in text
    assert "Not simulated by this version: maize" in text
    assert "Skipped: the data were not there" in text
    assert "rotation.png" not in text


def test_the_page_shows_towers():
    default = {"n": 40, "observed_mean": 2.0, "bias": -0.5, "rmse": 1.0, "nrmse": 0.8, "r2": 0.36, "correlation": 0.7}
    calibrated = default | {"rmse": 0.5, "r2": 0.84}
    scores = {kind: {flux: {"train": part, "test": part} for flux in ("gpp", "nee", "fch4")}
              for kind, part in (("default", default), ("calibrated", calibrated))}  # fmt: skip
    names = ("kphio", "lai_max", "rm25", "maturity", "mgo", "pq10", "tveg", "q_in")
    tower = {"site": "XX-Abc", "biome": "fen", "members": 40, "split": "2011 | 2012", "scores": scores,
             "parameters": {name: {"default": 1.0, "calibrated": 2.0} for name in names}}  # fmt: skip
    text = page(results(towers=[tower]), "figures/validation")
    assert "| XX-Abc, fen | CH₄ | 40 | 2.00 | -0.50 | 1.00 | 0.80 | 0.36 | 0.70 | -0.50 | 0.50 |" in text
    assert "GPP 0.36 to 0.84 (RMSE lower at 1 of 1 towers)" in text
    assert "Skipped" not in text
