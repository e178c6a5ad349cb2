"""What a verb loads: prediction needs no trainer."""

import subprocess
import sys
from pathlib import Path

import pytest

LOADED = "import sys, {module}; print(*sorted(name for name in sys.modules if name.startswith('emulator.')))"


@pytest.mark.parametrize(
    "verb", ["predict", *(pytest.param(verb, marks=pytest.mark.slow) for verb in ("evaluate", "export", "ensemble"))]
)
def test_no_verb_but_train_and_tune_loads_the_trainer(verb: str, project_root: Path) -> None:
    command = [sys.executable, "-c", LOADED.format(module=f"emulator.{verb}")]
    loaded = subprocess.run(command, cwd=project_root, check=True, capture_output=True, text=True).stdout.split()
    assert f"emulator.{verb}" in loaded
    assert not [name for name in loaded if name.startswith("emulator.training")]


def test_prediction_loads_nothing_that_fits_or_exports(project_root: Path) -> None:
    command = [sys.executable, "-c", LOADED.format(module="emulator.predict")]
    loaded = subprocess.run(command, cwd=project_root, check=True, capture_output=True, text=True).stdout.split()
    assert "emulator.evaluation.quantile_series" in loaded
    assert not {"emulator.evaluation.quantile_fitting", "emulator.evaluation.held_out"} & set(loaded)
    assert not [name for name in loaded if name.startswith("emulator.artefact")]
