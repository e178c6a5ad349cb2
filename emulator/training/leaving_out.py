"""Trains a run again without some of its sites in turn: how the model errs where it was not trained."""

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np

from emulator.data.dataset import Dataset
from emulator.data.near_sites import near_groups
from emulator.data.split_days import LABELS, AnySplit, DaySplit, part_codes
from emulator.data.split_file import split_text
from emulator.runs import trained_model
from emulator.runs.run_folder import FOLDS_FILE, RunFolder, RunFolderError
from emulator.runs.run_split import split_of_run
from emulator.runs.trained_model import TrainedModel
from emulator.training.fit import AtOnce, train
from foundations import atomic_file
from foundations.json_record import write_record
from foundations.provenance import file_sha256

log = logging.getLogger(__name__)

MOST_FOLDS = 20
"""Trainings, where their number is not given."""
HELD_OUT = {"train": "spatial", "validation_temporal": "spatial", "temporal": "spatiotemporal"}
"""What parts of a site that is left out become: days of training and validation are predicted, test days stay so."""


def leave_out(
    run: RunFolder, folds: int | None, data: Path | None, load: Callable[[RunFolder], TrainedModel], at_once: AtOnce
) -> int:
    """Train a run, or each member of an ensemble, again without some of its sites in turn, into RUN/left_out/.

    Sites within 5 km of one another are left out together. folds: trainings of a run, default one for each such group,
    at most MOST_FOLDS; data: the training dataset, where it has moved. Goes on where it was stopped. Returns the number
    of trainings. RunFolderError where there are too few sites.
    """
    if run.members.exists():
        members = [RunFolder(path) for path in trained_model.member_paths(run)]
        return sum(leave_out(member, folds, data, load, at_once) for member in members)
    trained = load(run)
    path = data or trained.config.data.path
    if file_sha256(path) != trained.provenance["dataset_hash"]:
        message = f"{path}: is not the dataset that {run.path} was trained on; give that one by --data"
        raise RunFolderError(message)
    dataset = Dataset.open(path, trained.signature, filled_flux=trained.config.reads_filled_flux)
    split = split_of_run(run, trained, dataset)
    sites = _sites_of_folds(run, dataset, split, folds)
    done: list[str] = []
    for number, held_out in enumerate(sites):
        names = ", ".join(map(str, dataset.site_id[held_out]))
        log.info("%s: training %d of %d, without %s", run.path, number + 1, len(sites), names)
        fold = RunFolder(run.left_out / f"fold_{number:02d}")
        _train_without(fold, trained, path, dataset, split, held_out, at_once)
        done.append(fold.path.name)
        write_record(run.left_out / FOLDS_FILE, {"folds": done, "of": len(sites)})
    for extra in sorted(run.left_out.glob("fold_*/"))[len(sites) :]:
        RunFolder(extra).clear()
    return len(sites)


def _sites_of_folds(run: RunFolder, dataset: Dataset, split: AnySplit, folds: int | None) -> list[np.ndarray]:
    """Numbers of the training sites that each fold does without."""
    group = near_groups(dataset.lat, dataset.lon)
    groups = np.unique(group[split.train_sites])
    count = min(len(groups), folds or MOST_FOLDS)
    if count < 2:
        message = (
            f"{run.path}: to leave sites out in turn takes two folds of training sites that are not near; has {count}"
        )
        raise RunFolderError(message)
    return [np.flatnonzero(split.train_sites & np.isin(group, groups[fold::count])) for fold in range(count)]


def _train_without(
    fold: RunFolder,
    trained: TrainedModel,
    path: Path,
    dataset: Dataset,
    split: AnySplit,
    held_out: np.ndarray,
    at_once: AtOnce,
) -> None:
    """One training, by the split that lies beside its folder."""
    codes = part_codes(split, dataset)
    for part, becomes in HELD_OUT.items():
        codes[held_out] = np.where(codes[held_out] == LABELS.index(part), LABELS.index(becomes), codes[held_out])
    file = fold.path.with_suffix(".csv")
    text = split_text(DaySplit(codes, split.block), dataset)
    atomic_file.write_text(file, text)
    config = trained.config.model_copy(
        update={
            "split": trained.config.split.model_copy(update={"file": file}),
            "data": trained.config.data.model_copy(update={"path": path}),
        }
    )
    try:
        train(config, fold, at_once=at_once)
    except RunFolderError as error:  # of a former training of the run, or of other sites
        log.info("%s; it is trained anew", error)
        train(config, fold, overwrite=True, at_once=at_once)
