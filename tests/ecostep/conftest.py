"""A small dataset, a run trained on it, and its artefact, each made once a session."""

from pathlib import Path

import pandas as pd
import pytest
import torch
import xarray as xr

import ecostep
from tests.emulator.synthetic import write_dataset

OPTIONS = {
    "data.inputs": ["tas", "pr", "rsds", "vpd", "tsl", "wtd"],
    "data.statics": ["lat", "lon", "elevation", "ph", "biome"],
    "split.test_years": 1,
    "split.validation_years": 1,
    "model.kind": "lstm",
    "model.hidden": 8,
    "training.epochs": 1,
    "training.years_per_window": 2,
}


@pytest.fixture(autouse=True)
def _torch_settings():
    """Training and prediction set threads and determinism for their process; tests give them back."""
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(deterministic)


@pytest.fixture(scope="session")
def dataset_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12 sites, 2003 to 2005."""
    return write_dataset(tmp_path_factory.mktemp("face") / "towers.nc", sites=12, years=3)


@pytest.fixture(scope="session")
def run(dataset_path: Path) -> ecostep.RunModel:
    """A run of an LSTM."""
    model = ecostep.train("quickstart", str(dataset_path), dataset_path.with_name("run"), options=OPTIONS)
    assert isinstance(model, ecostep.RunModel)
    return model


@pytest.fixture(scope="session")
def run_scores(run: ecostep.RunModel) -> pd.DataFrame:
    """Scores of the run on its own dataset, by which its quantiles are fitted."""
    return run.evaluate()


@pytest.fixture(scope="session")
def artefact(run: ecostep.RunModel) -> ecostep.ArtefactModel:
    """The run as an artefact."""
    return run.export()


@pytest.fixture
def data(dataset_path: Path) -> xr.Dataset:
    """The dataset in memory."""
    return ecostep.open_dataset(dataset_path).load()
