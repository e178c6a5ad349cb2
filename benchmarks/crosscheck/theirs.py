"""Trainings with neuralhydrology, in a process of its own Python."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import torch

from benchmarks.crosscheck.experiment import BATCH_YEARS, INPUTS, LEARNING_RATE, TARGET, YEAR, CrossCheck
from emulator.data.scalers import DriverScaling
from emulator.models.parts.layers import StaticFeatures, season

THEIR_LEARNING_RATES = {0.0: LEARNING_RATE, 0.5: 2e-3, 0.75: 5e-4}
"""By the share of the epochs that are done; about our cosine."""

FEW = 40
"""Sites that neuralhydrology's speed is measured with: it takes long to index many."""


@dataclass(frozen=True)
class Theirs:
    """A training with neuralhydrology: `days` in a sequence, of which the last `scored` are in the loss."""

    model: str
    days: int
    scored: int

    @property
    def batch(self) -> int:
        return BATCH_YEARS * YEAR // self.days


THEIRS = {
    "neuralhydrology cudalstm, last year of two": Theirs("cudalstm", 2 * YEAR, YEAR),
    "neuralhydrology ealstm, last year of two": Theirs("ealstm", 2 * YEAR, YEAR),
    "neuralhydrology cudalstm, sequence to one": Theirs("cudalstm", YEAR, 1),
}


def write_their_data(crosscheck: CrossCheck) -> tuple[list[str], list[str]]:
    """The generic dataset of neuralhydrology: a netCDF file a site and one table of attributes; names of both.

    Inputs are those that our LSTM computes inside: skewed drivers compressed, position in the season, one-hot classes;
    the target is asinh(flux / scale). neuralhydrology standardises them itself.
    """
    dataset = crosscheck.dataset
    features = StaticFeatures(dataset.signature, crosscheck.scalers)
    static = features(dataset.static)
    wave = season(dataset.calendar.expand(dataset.n_sites, -1, -1), static[:, :1]).numpy()
    drivers = DriverScaling(crosscheck.scalers, crosscheck.dataset.signature)(dataset.drivers).numpy()
    target = torch.asinh(dataset.flux / crosscheck.scalers.target_scale).numpy()
    dynamic = [*INPUTS, "season_sine", "season_cosine"]
    static = static.numpy()
    varies = np.flatnonzero(static[crosscheck.split.train_sites].std(axis=0) > 1e-6)
    attributes = [f"attribute_{column:02d}" for column in varies]
    folder = crosscheck.work / "data"
    if (folder / "complete").exists():
        return dynamic, attributes
    for name in ("time_series", "attributes", "basins"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    rows = [",".join([str(dataset.site_id[row]), *map(str, static[row, varies])]) for row in range(dataset.n_sites)]
    (folder / "attributes" / "attributes.csv").write_text("\n".join([",".join(["site", *attributes]), *rows]) + "\n")
    first = f"{dataset.years[0]}-01-01"
    for row in range(dataset.n_sites):
        with netCDF4.Dataset(folder / "time_series" / f"{dataset.site_id[row]}.nc", "w") as file:
            file.createDimension("date", dataset.drivers.shape[1])
            date = file.createVariable("date", "i4", ("date",))
            date.setncatts({"units": f"days since {first}", "calendar": "standard"})
            date[:] = np.arange(dataset.drivers.shape[1])
            columns = np.concatenate([drivers[row], wave[row], target[row]], axis=1)
            for name, values in zip([*dynamic, TARGET], columns.T, strict=True):
                file.createVariable(name, "f4", ("date",))[:] = values
    basins = [f"{site}\n" for site in dataset.site_id[crosscheck.split.train_sites]]
    (folder / "basins" / "train.txt").write_text("".join(basins))
    (folder / "basins" / "few.txt").write_text("".join(basins[:FEW]))
    (folder / "complete").write_text("")
    return dynamic, attributes


def neuralhydrology(
    crosscheck: CrossCheck, name: str, theirs: Theirs, *, epochs: int, updates: int, period: dict[str, Any] | None
) -> dict[str, np.ndarray]:
    """Train with neuralhydrology in a process of its Python; what neuralhydrology_run.py gives.

    period: what to predict (see there); None where only the speed is asked for, which a few sites tell.
    """
    folder = crosscheck.work / "theirs" / name.replace(", ", "-").replace(" ", "_")
    folder.mkdir(parents=True, exist_ok=True)
    basins = crosscheck.work / "data" / "basins" / ("train.txt" if period else "few.txt")
    config = their_config(crosscheck, theirs, folder, basins, epochs=epochs, updates=updates)
    out = folder / f"{epochs}x{updates}.npz"
    spec = folder / "spec.json"
    spec.write_text(json.dumps({"config": config, "out": str(out), "predict": period}))
    script = Path(__file__).with_name("neuralhydrology_run.py")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [crosscheck.python, script, spec], capture_output=True, text=True, check=False, env=environment
    )
    if done.returncode != 0:
        message = f"neuralhydrology failed:\n{(done.stdout + done.stderr)[-3000:]}"
        raise RuntimeError(message)
    with np.load(out) as file:
        return dict(file)


def their_config(
    crosscheck: CrossCheck, theirs: Theirs, folder: Path, basins: Path, *, epochs: int, updates: int
) -> dict[str, Any]:
    """Options of a training with neuralhydrology in `folder`, on the sites that the file `basins` lists."""
    dynamic, attributes = write_their_data(crosscheck)
    years = crosscheck.training_years
    span = {"start": f"01/01/{years[0]}", "end": f"31/12/{years[-1]}"}
    return {
        "experiment_name": "outside",
        "run_dir": str(folder),
        "dataset": "generic",
        "data_dir": str(crosscheck.work / "data"),
        **{f"{part}_basin_file": str(basins) for part in ("train", "validation", "test")},
        **{f"{part}_{end}_date": date for part in ("train", "validation", "test") for end, date in span.items()},
        "dynamic_inputs": dynamic,
        "static_attributes": attributes,
        "target_variables": [TARGET],
        "model": theirs.model,
        "head": "regression",
        "output_activation": "linear",
        "hidden_size": crosscheck.hidden,
        "initial_forget_bias": 3,
        "output_dropout": 0.1,
        "optimizer": "Adam",
        "loss": "MSE",
        "learning_rate": {round(share * epochs): rate for share, rate in THEIR_LEARNING_RATES.items()},
        "clip_gradient_norm": 1,
        "batch_size": theirs.batch,
        "epochs": epochs,
        "max_updates_per_epoch": updates,
        "seq_length": theirs.days,
        "predict_last_n": theirs.scored,
        "seed": crosscheck.seed,
        "device": "cpu",
        "num_workers": 0,
        "validate_every": None,
        "save_weights_every": epochs,
        "log_interval": 10_000,
        "log_tensorboard": False,
        "log_n_figures": 0,
        "verbose": 0,
        "metrics": [],
    }
