"""Predictions of a run as arrays, through the file that the command writes."""

from pathlib import Path

import numpy as np

from emulator.evaluation.prediction import predict
from emulator.evaluation.series_file import read_predictions
from emulator.runs.run_folder import RunFolder
from emulator.runs.trained_model import load


def predictions(run: RunFolder, data: Path, out: Path, **options: str) -> np.ndarray:
    """Fluxes (N, T, C) that `emulator.predict` writes to `out`."""
    predict(run, data, out, **options)
    return read_predictions(out, load(run).signature.targets)
