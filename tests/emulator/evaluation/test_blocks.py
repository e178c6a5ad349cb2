"""Prediction and evaluation of many sites: one block of them in memory at a time, with the results of all at once."""

import shutil
import weakref
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from emulator import calibrate, train
from emulator.baselines import runs as baselines
from emulator.data import series
from emulator.data.dataset import Dataset
from emulator.evaluation import held_out, series_file
from emulator.evaluation.material import Material
from emulator.evaluation.scoring import Series
from emulator.runs.run_folder import RunFolder
from tests.emulator.predicting import predictions
from tests.emulator.synthetic import write_dataset

WRITTEN = ("nee_pred", "nee_q05", "nee_climatology", "split")


@pytest.fixture
def blocks(monkeypatch: pytest.MonkeyPatch) -> list[weakref.ref[Dataset]]:
    """Blocks of 5 sites, each of which must be gone when the next one is read."""
    read, former = Dataset.read, []

    def one_at_a_time(reader, rows):
        assert not [block for block in former if block() is not None], "the block before is still in memory"
        block = read(reader, rows)
        former.append(weakref.ref(block))
        return block

    monkeypatch.setattr(series_file, "SITES_OF_CHUNK", 5)
    monkeypatch.setattr(series_file, "BLOCK_SITE_DAYS", 1)
    monkeypatch.setattr(Dataset, "read", one_at_a_time)
    return former


@pytest.mark.parametrize(("kind", "past_flux"), [("lstm", "none"), ("cham_net", "observed"), ("cham_net", "self_fed")])
def test_blocks_predict_what_all_sites_at_once_do(
    trained_run, tiny_dataset: Path, tmp_path: Path, request: pytest.FixtureRequest, kind: str, past_flux: str
) -> None:
    run = RunFolder(trained_run(kind))
    at_once = predictions(run, tiny_dataset, tmp_path / "a.nc", past_flux=past_flux)
    former = request.getfixturevalue("blocks")
    in_blocks = predictions(run, tiny_dataset, tmp_path / "b.nc", past_flux=past_flux)
    assert len(former) == 4
    assert np.isfinite(in_blocks).all()
    np.testing.assert_allclose(in_blocks, at_once, rtol=1e-5, atol=1e-6 * np.abs(at_once).max())


def _numbers(value: object, name: str = "") -> dict[str, float]:
    """Numbers of nested tables by their path."""
    if isinstance(value, dict):
        return {path: number for key, item in value.items() for path, number in _numbers(item, f"{name}/{key}").items()}
    if isinstance(value, list):
        return _numbers(dict(enumerate(value)), name)
    return {name: float(value)} if isinstance(value, int | float) else {}


def _calibrated(dataset: Path, folder: Path) -> Path:
    """A run with trainings without each of its sites, two of which are near each other."""
    with netCDF4.Dataset(dataset, "a") as file:
        file["lat"][9], file["lon"][9] = file["lat"][0] + 0.01, file["lon"][0]
    (folder / "c.yaml").write_text(
        f"data: {{path: {dataset}, inputs: [tas], statics: [lat, biome], targets: [gpp, fch4]}}\n"
        "split: {time: later_years, test_years: 1, validation_years: 1, space: none, validation_fraction: 0.0}\n"
        "model: {kind: climatology}\ntraining: {threads: 1}\n"
    )
    assert train.main([str(folder / "c.yaml"), "--out", str(folder / "run")]) == 0
    assert calibrate.main([str(folder / "run"), "--folds", "3"]) == 0
    return folder / "run"


def _at_most_one(monkeypatch: pytest.MonkeyPatch) -> list[weakref.ref[Series]]:
    """Series of blocks, each of which must be gone when the next one is made."""
    make, former = Material.series, []

    def one_at_a_time(material, rows):
        assert not [block for block in former if block() is not None], "the block before is still in memory"
        block = make(material, rows)
        former.append(weakref.ref(block))
        return block

    monkeypatch.setattr(Material, "series", one_at_a_time)
    return former


@pytest.mark.parametrize("left_out", [pytest.param(False, marks=pytest.mark.slow), True])
def test_blocks_score_what_all_sites_at_once_do(
    trained_run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, left_out: bool
) -> None:
    """Series mapped from files, in blocks of a few sites of which one is in memory: every file is the same."""
    if left_out:
        trained = _calibrated(write_dataset(tmp_path / "d.nc", sites=12, years=3, seed=6), tmp_path)
    else:
        trained = trained_run("cham_net")
    results, budgets = [], []
    for number, at_once in enumerate((True, False)):
        run = RunFolder(shutil.copytree(trained, tmp_path / str(number)))
        if not at_once:
            monkeypatch.setenv("ECOSTEP_IN_MEMORY_GB", "0")
            monkeypatch.setattr(series, "AT_ONCE_VALUES", 0)
            monkeypatch.setattr(series, "BLOCK_VALUES", 3 * 1461)
            monkeypatch.setattr(series_file, "SITES_OF_CHUNK", 5)
            monkeypatch.setattr(series_file, "BLOCK_SITE_DAYS", 1)
            former = _at_most_one(monkeypatch)
        metrics = _numbers(held_out.evaluate(run, load=baselines.load))
        with netCDF4.Dataset(run.predictions) as file:
            daily = {name: of[:] for name, of in file.variables.items() if of.dimensions == ("site", "time")}
        results.append((metrics, daily))
        budgets.append((run.predictions.parent / "annual.csv").read_bytes())
    (expected, whole), (numbers, blocks) = results
    assert len(former) > 2
    assert numbers.keys() == expected.keys()
    assert any("left_out" in path for path in numbers) == left_out
    for path, number in expected.items():
        assert numbers[path] == pytest.approx(number, rel=1e-9, abs=1e-12, nan_ok=True), path
    for name, values in whole.items():
        assert np.array_equal(np.ma.getmaskarray(values), np.ma.getmaskarray(blocks[name])), name
        np.testing.assert_allclose(blocks[name], values, rtol=1e-6, atol=1e-7 * np.abs(values).max(), err_msg=name)
    assert budgets[0] == budgets[1]
