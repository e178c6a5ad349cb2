"""Prediction and evaluation of many sites: one block of them in memory at a time, with the results of all at once."""

import shutil
import weakref
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from emulator.data import series
from emulator.data.dataset import Dataset
from emulator.evaluation import held_out, series_file
from emulator.runs.run_folder import RunFolder
from tests.emulator.predicting import predictions

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


def test_blocks_score_what_all_sites_at_once_do(trained_run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Series mapped from files, in blocks of a few sites: metrics, intervals and predictions.nc are the same."""
    results = []
    for number, at_once in enumerate((True, False)):
        run = RunFolder(shutil.copytree(trained_run("cham_net"), tmp_path / str(number)))
        if not at_once:
            monkeypatch.setenv("ECOSTEP_IN_MEMORY_GB", "0")
            monkeypatch.setattr(series, "AT_ONCE_VALUES", 0)
            monkeypatch.setattr(series, "BLOCK_VALUES", 3 * 1461)
            monkeypatch.setattr(series_file, "SITES_OF_CHUNK", 5)
            monkeypatch.setattr(series_file, "BLOCK_SITE_DAYS", 1)
        metrics = _numbers(held_out.evaluate(run))
        with netCDF4.Dataset(run.predictions) as file:
            results.append(
                (metrics, {name: file[name][:] for name in ("nee_pred", "nee_q05", "nee_climatology", "split")})
            )
    (expected, whole), (numbers, blocks) = results
    assert numbers.keys() == expected.keys()
    for path, number in expected.items():
        assert numbers[path] == pytest.approx(number, rel=1e-4, abs=1e-6), path
    for name, values in whole.items():
        np.testing.assert_allclose(blocks[name], values, rtol=1e-4, atol=1e-5 * np.abs(values).max())
