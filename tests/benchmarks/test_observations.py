"""The benchmark of observations: what is seen and scored by each protocol, its scores, and a run that is done once."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import observations
from benchmarks.observing import scores, summary
from benchmarks.observing.combinations import stack_weights
from benchmarks.observing.methods import METHODS, RECIPES
from benchmarks.observing.sources import SOURCES, open_source
from benchmarks.observing.tasks import TRAIN, View, site_groups, tasks, temporal, validation
from emulator.configuration.schema import Config
from emulator.data.dataset import Dataset
from emulator.evaluation import metrics
from foundations import configuration_file
from tests.emulator.synthetic import write_dataset

SITES, YEARS = 6, 6


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the towers imported: six sites, 2003 to 2008."""
    folder = Path(tmp_path_factory.mktemp("observations"))
    write_dataset(folder / "towers.nc", sites=SITES, years=YEARS)
    return folder


@pytest.fixture(scope="module")
def dataset(work: Path) -> Dataset:
    """The first two sites are 1 km apart; the third has no flux before the last two years."""
    towers = open_source("towers", work / "towers.nc")
    lat, lon, flux = towers.lat.copy(), towers.lon.copy(), towers.flux.clone()
    lat[1], lon[1] = lat[0] + 0.009, lon[0]
    flux[2, towers.days(2003, 2006)] = torch.nan
    return replace(towers, lat=lat, lon=lon, flux=flux)


def years(dataset: Dataset, days: np.ndarray) -> list[int]:
    return np.unique(dataset.calendar[:, 0].numpy()[days]).tolist()


def test_later_years_are_tested_and_not_seen_but_rolling(dataset: Dataset) -> None:
    task = temporal(dataset)
    strict, rolling = task.views
    learned = task.refitted().days(dataset, "train").numpy()
    assert not (learned & strict.scored).any() and not (strict.visible & strict.scored).any()
    assert years(dataset, strict.scored[0]) == [2007, 2008]  # (6 - 1) * 6 // 7 = 4 years come before
    assert years(dataset, learned[0]) == [2003, 2004, 2005, 2006]
    assert not strict.scored[2].any(), "of two years (2 - 1) * 6 // 7 = 0 come before: nothing is known of the site"
    assert rolling.visible.all() and (rolling.scored == strict.scored).all()


def test_choices_are_made_by_the_year_before_the_test(dataset: Dataset) -> None:
    choice = validation(temporal(dataset))
    (view,) = choice.views
    assert years(dataset, view.scored[0]) == [2006]
    assert years(dataset, choice.split.part[0] == TRAIN) == years(dataset, view.visible[0]) == [2003, 2004, 2005]


def test_sites_close_to_one_another_are_left_out_together(dataset: Dataset) -> None:
    assert [group.sum() for group in site_groups(dataset)] == [2, 1, 1, 1, 1]
    left_out = tasks("leave_site_out", dataset, "fch4")
    scored = np.zeros(SITES, int)
    for task in left_out:
        ungauged = task.views[0]
        scored += ungauged.scored.any(1)
        assert not ungauged.visible.any()
        assert not (task.split.train_sites & ungauged.scored.any(1)).any()
    assert (scored == 1).all()


def test_years_of_own_record_are_seen_and_later_ones_scored(dataset: Dataset) -> None:
    task = tasks("leave_site_out", dataset, "fch4")[0]
    by_name = {view.name: view for view in task.views}
    for count in (1, 2, 3):
        view = by_name[f"own_years_{count}"]
        assert years(dataset, view.visible[0]) == list(range(2003, 2003 + count))
        assert years(dataset, view.scored[0]) == list(range(2003 + count, 2009))
    of_two_years = tasks("leave_site_out", dataset, "fch4")[1].views
    assert [bool(view.scored.any()) for view in of_two_years] == [True, True, False, False]


def test_records_follow_from_sums() -> None:
    random = np.random.default_rng(2)
    flux, predicted = random.normal(3.0, 1.0, (2, 4, 100))
    flux[1] += 5.0
    flux[:, ::7] = np.nan
    scored = random.random(flux.shape) < 0.9
    band = (predicted - 1.0, predicted + 1.0)
    sums = scores.site_sums(flux, predicted, View("temporal", True, scored, scored), band)
    record = scores.record(sums)
    days = scored & np.isfinite(flux)
    assert record["rmse"] == pytest.approx(metrics.rmse(flux[days], predicted[days]), rel=1e-6)
    assert record["r2"] == pytest.approx(metrics.r2(flux[days], predicted[days]), rel=1e-6)
    assert record["nrmse"] == pytest.approx(metrics.nrmse(flux[days], predicted[days]), rel=1e-6)
    by_site = [metrics.r2(flux[site, days[site]], predicted[site, days[site]]) for site in range(4)]
    assert record["r2_median_site"] == pytest.approx(np.median(by_site), rel=1e-5)
    assert record["coverage90"] == pytest.approx(np.mean(np.abs(flux - predicted)[days] <= 1.0), rel=1e-6)
    assert (record["n_days"], record["n_sites"]) == (days.sum(), 4)


def test_weights_of_a_stack_are_of_the_better_and_never_negative() -> None:
    random = np.random.default_rng(3)
    truth = random.normal(2.0, 3.0, 2000)
    predicted = np.stack([truth + random.normal(0.0, 0.5, 2000), random.normal(2.0, 3.0, 2000), -truth])
    weights = stack_weights(truth, predicted)
    assert weights[0] > 0.8 and (weights >= 0.0).all() and weights[2] < 0.05


def test_a_run_is_done_once_and_its_records_are_collected(work: Path, tmp_path: Path) -> None:
    words = ["--work", str(work), "--out", str(tmp_path / "observations"), "--methods", "climatology"]
    assert observations.main([*words, "--protocols", "temporal", "leave_site_out"]) == 0
    path = tmp_path / "observations" / "towers-temporal-climatology-0.json"
    before = path.read_bytes()
    assert observations.main(words) == 0
    assert path.read_bytes() == before
    assert observations.main([*words, "--report"]) == 0
    records = json.loads((tmp_path / "observations.json").read_text())["records"]
    assert {record["protocol"] for record in records} >= {"temporal", "leave_site_out", "own_years_1"}
    known, unknown = (
        next(r for r in records if (r["protocol"], r["target"], r["strict"]) == (protocol, "fch4", True))
        for protocol in ("own_years_3", "leave_site_out")
    )
    assert known["r2"] > unknown["r2"], "own years say more than those of others"
    assert "| climatology |" in (tmp_path / "observations.md").read_text()


def test_without_data_the_folder_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    words = ["--data", str(tmp_path / "nothing"), "--work", str(tmp_path), "--out", str(tmp_path / "out")]
    assert observations.main([*words, "--methods", "climatology"]) == 1
    assert f"{tmp_path / 'nothing'}: holds none of {SOURCES['towers'].files[0]}" in caplog.text


def test_a_summary_of_nothing_has_no_records(tmp_path: Path) -> None:
    assert summary.collect(tmp_path)["records"] == []


@pytest.mark.parametrize("name", ["cham_net", "lstm"])
def test_recipes_are_what_was_measured(name: str, dataset: Dataset) -> None:
    method, recipe = METHODS[name], configuration_file.load(Config, RECIPES / f"{name}.yaml")
    measured = method.configuration(dataset, 0)
    assert recipe.model == measured.model and recipe.loss == measured.loss
    free = {"threads": recipe.training.threads}
    assert recipe.training == measured.training.model_copy(update=free)
    assert recipe.data.targets == measured.data.targets and recipe.data.inputs == measured.data.inputs
