"""Predictions for sites by models that never saw them: the runs of `emulator.calibrate` in a run's folder.

Each run of RUN/left_out/ is the same training without some of the sites. Its predictions there, on days of training and
validation only, tell how a model errs at sites that it does not know; test days are never among them.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from emulator.data.dataset import Dataset
from emulator.data.split_days import learnable_days
from emulator.evaluation.offline import nothing_yet
from emulator.evaluation.views import View, run_model
from emulator.models.wrappers.ensemble import Ensemble
from emulator.runs import trained_model
from emulator.runs.run_folder import FOLDS_FILE, RunFolder
from emulator.runs.run_split import split_of_run
from emulator.runs.trained_model import TrainedModel
from foundations.json_record import read_record

log = logging.getLogger(__name__)

Load = Callable[[RunFolder], TrainedModel]


@dataclass(frozen=True)
class LeftOut:
    """Predictions for sites that were left out.

    views: without past flux and, of a model that takes it, with it, (N, T, C), NaN at other sites; days: (N, T) bool,
    days that may be calibrated on.
    """

    views: tuple[View, ...]
    days: np.ndarray

    def only(self, sites: np.ndarray) -> "LeftOut":
        """The same for the sites marked in `sites` (N,) alone."""
        return replace(self, days=self.days & sites[:, None])


def read_left_out(run: RunFolder, trained: TrainedModel, dataset: Dataset, load: Load) -> LeftOut | None:
    """What the runs without some sites predict there, None where there are none; of an ensemble, the members' mean at
    sites that each of them was trained without.
    """
    if not run.members.exists():
        return _of_run(run, trained, dataset, load)
    parts = []
    for path in trained_model.member_paths(run):
        member = RunFolder(path)
        part = _of_run(member, load(member), dataset, load)
        if part is None:
            log.warning("%s: nothing was left out, so that %s has no intervals of sites left out", path, run.path)
            return None
        parts.append(part)
    return _mean(parts, trained, dataset)


def folds(run: RunFolder) -> list[RunFolder]:
    """Runs without some sites that are finished."""
    path = run.left_out / FOLDS_FILE
    if not path.exists():
        return []
    record = read_record(path, ("folds", "of"), f"run python -m emulator.calibrate {run.path}")
    if len(record["folds"]) < record["of"]:
        log.warning(
            "%s: %d of %d trainings are finished; the same command goes on", path, len(record["folds"]), record["of"]
        )
    return [RunFolder(run.left_out / str(name)) for name in record["folds"]]


def _of_run(run: RunFolder, trained: TrainedModel, dataset: Dataset, load: Load) -> LeftOut | None:
    runs = folds(run)
    if not runs:
        return None
    takes_past_flux = trained.model.past_flux != "none"
    predicted = [nothing_yet(dataset).numpy() for _ in range(1 + takes_past_flux)]
    years, days = np.zeros(dataset.flux.shape[:2], np.float32), np.zeros(dataset.flux.shape[:2], bool)
    learnable = learnable_days(split_of_run(run, trained, dataset), dataset).numpy()  # not those of its test sites
    for fold in runs:
        other = load(fold)
        if not _same_training(trained, other):
            log.warning("%s: of another configuration or dataset than the run; run emulator.calibrate again", fold.path)
            continue
        of_part = split_of_run(fold, other, dataset).days(dataset, "spatial").numpy() & learnable
        sites = np.flatnonzero(of_part.any(axis=1))
        if not len(sites):
            continue
        subset = dataset.site_subset(sites)
        days[sites] = of_part[sites]
        predicted[0][sites] = run_model(other.model, subset).predicted
        if takes_past_flux:
            gauged = run_model(other.model, subset, np.ones((len(sites), len(dataset.years)), bool))
            predicted[1][sites] = gauged.predicted
            years[sites] = gauged.years_known
    if not days.any():
        return None
    return LeftOut(tuple(View(values, past) for values, past in zip(predicted, (None, years), strict=False)), days)


def _same_training(trained: TrainedModel, other: TrainedModel) -> bool:
    """Whether two models are of the same dataset and configuration but for the split."""
    alike = {"split": trained.config.split, "data": trained.config.data}
    first, second = trained.config, other.config.model_copy(update=alike)
    return first == second and trained.provenance["dataset_hash"] == other.provenance["dataset_hash"]


def _mean(parts: Sequence[LeftOut], trained: TrainedModel, dataset: Dataset) -> LeftOut:
    assert isinstance(trained.model, Ensemble)
    views = []
    for of_members in zip(*(part.views for part in parts), strict=True):
        members = np.stack([view.predicted for view in of_members])
        mean = trained.model.average(torch.from_numpy(members), dataset.drivers).numpy()
        views.append(View(mean, of_members[0].years_known, members))
    return LeftOut(tuple(views), np.logical_and.reduce([part.days for part in parts]))
