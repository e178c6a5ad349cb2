"""The split that a run was trained with, split.csv of its folder, and what it says of another dataset."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from emulator.data.dataset import Dataset
from emulator.data.split_days import LABELS, AnySplit, DaySplit
from emulator.data.split_file import read_places, read_split
from emulator.data.split_rules import split_dataset
from emulator.runs import trained_model
from emulator.runs.run_folder import RunFolder
from emulator.runs.trained_model import TrainedModel

SAME_PLACE_DEGREES = 0.02
"""Sites of two datasets are the same where their names are, and their coordinates to about 2 km."""


def split_of_run(run: RunFolder, trained: TrainedModel, dataset: Dataset) -> AnySplit:
    """The split of the run's own dataset; of runs from before it was kept, that of the configuration."""
    path = _file(run)
    if path.is_file():
        split = read_split(path, dataset, trained.config.split.block_degrees)
        if trained.config.split.space == "random":
            split = replace(split, block=np.arange(dataset.n_sites))
        return split
    return split_dataset(trained.config.split, dataset)


def split_elsewhere(run: RunFolder, trained: TrainedModel, dataset: Dataset) -> DaySplit:
    """A split of another dataset: days that the run learned from at sites of its own stay what they were; its other
    days at sites of the run are 'temporal', sites that it does not know 'spatial'.
    """
    path, everything = _file(run), dataset.in_record().numpy()
    part = np.where(everything, LABELS.index("spatial"), 0).astype(np.int8)
    if not path.is_file():
        return DaySplit(part, np.zeros(dataset.n_sites, np.int64))
    places = read_places(path)
    of_run = np.array([_is_same(places.get(str(name)), lat, lon) for name, lat, lon in _sites(dataset)], bool)
    names = np.where(of_run, dataset.site_id, "")
    former = read_split(path, replace(dataset, site_id=names), trained.config.split.block_degrees, foreign=True)
    part = np.where(former.train_sites[:, None] & everything, LABELS.index("temporal"), part)
    return replace(former, part=np.where(former.part > 0, former.part, part).astype(np.int8))


def _file(run: RunFolder) -> Path:
    """split.csv of a run, or of the first member of an ensemble."""
    return RunFolder(trained_model.member_paths(run)[0]).split if run.members.exists() else run.split


def _sites(dataset: Dataset) -> list[tuple[str, float, float]]:
    return list(zip(dataset.site_id.tolist(), dataset.lat.tolist(), dataset.lon.tolist(), strict=True))


def _is_same(place: tuple[float, float] | None, lat: float, lon: float) -> bool:
    if place is None:
        return False
    degrees_east = (place[1] - lon + 180.0) % 360.0 - 180.0  # longitudes count from 0 or from -180
    return max(abs(place[0] - lat), abs(degrees_east)) < SAME_PLACE_DEGREES
