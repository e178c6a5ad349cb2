"""A run's training, done once for all runs that test it."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.learning import plan
from benchmarks.learning.plan import Run
from benchmarks.learning.workspace import Workspace
from emulator.data.dataset import Dataset
from emulator.data.splits import Split
from emulator.evaluation.offline import predict
from emulator.runs import trained_model
from emulator.runs.run_folder import RunFolder, RunFolderError
from emulator.training.fit import fit
from foundations import configuration_file

log = logging.getLogger(__name__)

TIMED_SITES = 32
"""Sites whose whole records are predicted to measure the time that a site-year takes."""

Predict = Callable[[Dataset, Tensor | None], np.ndarray]
"""Fluxes (N, T, C) of a dataset; the tensor marks the site-days (N, T) whose measured flux is visible, None = none."""


@dataclass(frozen=True)
class TrainedModel:
    """A model after training: how it predicts, and what training took.

    modes: ways to run it, 'none', 'gauged' and 'ungauged'; folder: of the training, None for classical models.
    """

    predict: Predict
    parameters: int
    modes: tuple[str, ...]
    train_seconds: float
    epoch_seconds: float | None
    epochs: int | None
    folder: Path | None


def train(run: Run, workspace: Workspace, dataset: Dataset, split: Split, biome: str) -> TrainedModel:
    """Train, or take up what is trained already."""
    torch.set_num_threads(1)
    if not plan.is_network(run.kind):
        return _train_classical(run, dataset, split)
    options = workspace.options(run)
    config = plan.configuration(run, workspace.suite, dataset.path, options, biome)
    folder = RunFolder(workspace.work / "trainings" / workspace.training_key(run))
    try:
        fit(config, dataset, split, folder, signature=dataset.signature)
    except (RunFolderError, configuration_file.ConfigError) as error:
        if not folder.last.exists():
            raise
        log.warning("%s; training it anew", error)
        fit(config, dataset, split, folder, signature=dataset.signature, overwrite=True)
    network = trained_model.load(folder).model
    seconds = [entry["seconds"] for entry in folder.read_log()]
    return TrainedModel(
        predict=lambda sites, visible: predict(network, sites, visible),
        parameters=sum(weight.numel() for weight in network.parameters()),
        modes=("none",) if network.past_flux == "none" else ("gauged", "ungauged"),
        train_seconds=seconds[-1],
        epoch_seconds=round(float(np.median(np.diff([0.0, *seconds]))), 3),
        epochs=len(seconds),
        folder=folder.path,
    )


def _train_classical(run: Run, dataset: Dataset, split: Split) -> TrainedModel:
    baseline = import_module(f"emulator.baselines.{run.kind}")
    began = time.perf_counter()
    fitted = baseline.fit(dataset, split, dataset.signature, past_flux=run.history, seed=run.seed)
    return TrainedModel(
        predict=fitted.predict,
        parameters=int(fitted.parameters),
        modes=("gauged", "ungauged") if run.history else ("none",),
        train_seconds=round(time.perf_counter() - began, 3),
        epoch_seconds=None,
        epochs=None,
        folder=None,
    )


def all_visible(dataset: Dataset) -> Tensor:
    """All site-days visible, (N, T): a model sees the flux of earlier years only, whatever is marked."""
    return torch.ones(dataset.flux.shape[:2], dtype=torch.bool)


def cpu_ms_per_site_year(trained: TrainedModel, dataset: Dataset, split: Split) -> float:
    """Processor time of offline prediction in one thread, ms; with past flux where the model takes it."""
    timed = dataset.site_subset(np.flatnonzero(split.train_sites | split.test_sites)[:TIMED_SITES])
    visible = all_visible(timed) if "gauged" in trained.modes else None
    times = []
    for _ in range(2):
        began = time.process_time()
        trained.predict(timed, visible)
        times.append(time.process_time() - began)
    return round(1000.0 * min(times) / (timed.n_sites * len(timed.years)), 4)
