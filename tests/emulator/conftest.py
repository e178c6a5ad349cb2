"""A tiny dataset, a tiny configuration, and runs trained with it once a session."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tests.emulator.synthetic import write_dataset

CONFIG = """\
seed: 3
data:
  path: {dataset}
  inputs: [tas, pr, rsds, vpd, co2, tsl, wtd, lai]
  statics: [lat, lon, elevation, ph, biome]
split: {{test_years: 1, validation_years: 1, folds: 4, validation_fraction: 0.15, block_degrees: 5.0}}
model: {{kind: lstm, hidden: 8}}
training:
  epochs: 3
  batch_size: 4
  years_per_window: 2
  learning_rate: 1e-2
  average_decay: 0.9
  threads: 1
"""


@pytest.fixture(autouse=True)
def _torch_settings():
    """Entry points set threads and determinism for their process; tests give them back."""
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(deterministic)


@pytest.fixture(scope="session")
def tiny_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """16 sites, 2003 to 2006."""
    return write_dataset(tmp_path_factory.mktemp("data") / "dataset.nc", sites=16, years=4, first_year=2003, seed=8)


@pytest.fixture(scope="session")
def tiny_config(tiny_dataset: Path) -> Path:
    """A configuration for the tiny dataset that trains in a second."""
    path = tiny_dataset.with_name("tiny.yaml")
    path.write_text(CONFIG.format(dataset=tiny_dataset))
    return path


@pytest.fixture(scope="session")
def trained_run(tiny_config: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Run folder of a model kind, trained on first use."""
    from emulator import train

    runs: dict[str, Path] = {}

    def run(kind: str) -> Path:
        if kind not in runs:
            out = tmp_path_factory.mktemp("runs") / kind
            assert train.main([str(tiny_config), "--out", str(out), "--set", f"model.kind={kind}"]) == 0
            runs[kind] = out
        return runs[kind]

    return run
