"""Prediction and evaluation of many sites: one block of them in memory at a time, with the results of all at once."""

import weakref
from pathlib import Path

import numpy as np
import pytest

from emulator.data.dataset import Dataset
from emulator.evaluation import prediction
from emulator.runs.run_folder import RunFolder
from tests.emulator.predicting import predictions


@pytest.fixture
def blocks(monkeypatch: pytest.MonkeyPatch) -> list[weakref.ref[Dataset]]:
    """Blocks of 5 sites, each of which must be gone when the next one is read."""
    read, former = Dataset._read, []

    def one_at_a_time(reader, rows):
        assert not [block for block in former if block() is not None], "the block before is still in memory"
        block = read(reader, rows)
        former.append(weakref.ref(block))
        return block

    monkeypatch.setattr(prediction, "SITES_OF_CHUNK", 5)
    monkeypatch.setattr(prediction, "BLOCK_SITE_DAYS", 1)
    monkeypatch.setattr(Dataset, "_read", one_at_a_time)
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
