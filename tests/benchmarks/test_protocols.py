"""The suite of protocols: its splits, and a run that is done once."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import protocols
from benchmarks.protocols import Trial, split_of
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
    options = ["--data", str(data), "--out", str(tmp_path), "--ensembles", "wetland", "--models", "climatology"]
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
    assert "| wetland | interpolation | new | fch4 | climatology | 0 |" in protocols.report(tmp_path)


def test_variants_are_options_and_climate_normals() -> None:
    trial = Trial("wetland", "interpolation", "raci/fair+roles", 0)
    assert trial.options == {"coordinates": "standardised", "code_roles": True}
