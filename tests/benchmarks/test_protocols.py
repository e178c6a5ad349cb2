"""The suite of protocols: its splits, and a run that is done once."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import protocols
from benchmarks.sites import report
from benchmarks.sites.neighbour_flux import kriged_courses, with_neighbour_flux
from benchmarks.sites.trials import Trial, split_of
from emulator.data.dataset import Dataset
from emulator.data.signature import Signature
from tests.emulator.synthetic import write_dataset


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(tmp_path_factory.mktemp("protocols"))
    (folder / "wetland").mkdir()
    write_dataset(folder / "wetland" / "dataset.nc", sites=30, years=5)
    return folder


@pytest.fixture(scope="module")
def dataset(data: Path) -> Dataset:
    return Dataset.open(data / "wetland" / "dataset.nc", Signature.from_names(("tas",), targets=("fch4",)))


def test_random_folds_hold_each_site_out_once(dataset: Dataset) -> None:
    splits = [split_of(Trial("wetland", "interpolation", "lstm", seed), dataset) for seed in range(5)]
    assert (sum(split.test_sites.astype(int) for split in splits) == 1).all()
    for split in splits:
        assert not (split.train_sites & (split.test_sites | split.validation_sites)).any()
        assert len(np.unique(split.block)) == 30, "each site is told from all others"


def test_sparse_has_a_tenth_of_the_training_sites_and_the_same_tests(dataset: Dataset) -> None:
    whole, sparse = (split_of(Trial("wetland", name, "lstm", 1), dataset) for name in ("interpolation", "sparse"))
    assert (whole.test_sites == sparse.test_sites).all()
    assert 0 < sparse.train_sites.sum() < 0.4 * whole.train_sites.sum()
    assert not (sparse.train_sites & ~whole.train_sites).any()


def test_a_run_is_done_once_and_keeps_the_score_of_each_site(data: Path, dataset: Dataset, tmp_path: Path) -> None:
    options = ["--data", str(data), "--out", str(tmp_path), "--ensembles", "wetland", "--models", "climatology",
               "--seeds", "0"]  # fmt: skip
    assert protocols.main([*options, "--protocols", "interpolation"]) == 0
    (path,) = tmp_path.iterdir()
    assert path.name == "wetland-interpolation-climatology-0.json"
    scores = json.loads(path.read_text())["scores"]["none"]
    split = split_of(Trial("wetland", "interpolation", "climatology", 0), dataset)
    assert scores["new"]["sites"] == np.flatnonzero(split.test_sites).tolist()
    assert scores["later"]["sites"] == np.flatnonzero(split.train_sites).tolist()
    by_site = np.array(scores["new"]["fch4"]["site_rmse"])
    assert scores["new"]["fch4"]["rmse"] == pytest.approx(np.sqrt((by_site**2).mean()), rel=1e-3)
    written = path.stat().st_mtime_ns
    assert protocols.main([*options, "--protocols", "interpolation"]) == 0
    assert path.stat().st_mtime_ns == written
    assert "| wetland | interpolation | new | fch4 | none | climatology | 0 |" in report.report(tmp_path)


def test_variants_are_options_and_climate_normals() -> None:
    trial = Trial("wetland", "interpolation", "raci/fair+roles", 0)
    assert trial.options == {"coordinates": "standardised", "code_roles": True}


def test_the_first_seed_of_all_comes_before_the_second_of_any() -> None:
    trials = protocols.trials_of(["wetland", "corn_belt"], ["interpolation", "biome"], ["lstm", "raci"], [0, 1])
    assert [trial.seed for trial in trials] == sorted(trial.seed for trial in trials)
    assert {trial.ensemble for trial in trials if trial.protocol == "biome"} == {"wetland"}, "the other has one class"


def test_the_flux_of_neighbours_is_told_by_other_sites_in_training_years_alone(dataset: Dataset) -> None:
    split = split_of(Trial("wetland", "interpolation", "xgboost/neighbours", 0), dataset)
    told = with_neighbour_flux(dataset, split, ("fch4",))
    assert told.signature.input_names == ("tas", "neighbour_fch4")
    courses = kriged_courses(dataset, split, [0])
    changed = dataset.flux.clone()
    tested = ~split.days(dataset, "train")
    changed[tested] += 1000.0
    site = int(np.flatnonzero(split.train_sites)[0])
    changed[site] += 10.0
    other = kriged_courses(replace(dataset, flux=changed), split, [0])
    assert np.allclose(other[site], courses[site], atol=1.0), "its own flux tells a training site little, by the scale"
    assert not np.allclose(other, courses, atol=1e-6)
    assert np.abs(other - courses).max() < 20.0, "later years and held-out sites are not seen"


def scored(folder: Path, model: str, errors: list[float]) -> None:
    trial = {"ensemble": "wetland", "protocol": "interpolation", "model": model, "seed": 0}
    of_sites = {"sites": list(range(len(errors))), "fch4": {"rmse": float(np.sqrt(np.mean(np.square(errors)))),
                "site_rmse": errors}}  # fmt: skip
    content = {"trial": trial, "scores": {"none": {"new": of_sites}}}
    (folder / f"{model.replace('/', '+')}.json").write_text(json.dumps(content))


def test_ours_are_compared_with_the_best_baseline_and_never_with_what_is_told_parameters(tmp_path: Path) -> None:
    random = np.random.default_rng(0).uniform(0.5, 1.5, 60)
    for model, factor in (("raci/fair", 0.8), ("xgboost", 1.0), ("lstm/fair", 1.2), ("lstm/fair+true", 0.4)):
        scored(tmp_path, model, (factor * random).tolist())
    scored(tmp_path, "lstm/fair+code", (0.5 * random).tolist())
    rows = {row["over"]: row for row in report.comparisons(report.read(tmp_path))}
    assert rows["best baseline"]["opponent"] == "xgboost" and rows["best baseline"]["rmse_ratio"] == pytest.approx(0.8)
    assert rows["best network"]["opponent"] == "lstm/fair" and rows["best network"]["p_value"] < 0.01
    assert rows["true parameters"]["rmse_ratio"] == pytest.approx(2.0)
