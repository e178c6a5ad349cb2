"""A split that gives every day of every site its part, as records of different periods need."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from emulator.data.calendar import record_years
from emulator.data.dataset import Dataset
from emulator.data.splits import PARTS, Split, SplitConfig, split_sites

LABELS = ("unused", *PARTS)
"""Names of the codes of parts."""
TRAIN, VALIDATION, TEST = 0, 1, 2
"""Of the days of a site: those to learn from, to choose by, and to be judged on."""


@dataclass(frozen=True)
class DaySplit:
    """part: (N, T) int8, position in LABELS; block: (N,) spatial block of each site."""

    part: np.ndarray
    block: np.ndarray

    def days(self, dataset: Dataset, part: str) -> Tensor:
        """Days of a part within the records of the sites, (N, T) bool."""
        if part not in PARTS:
            message = f"split part '{part}' is not one of {', '.join(PARTS)}"
            raise ValueError(message)
        return dataset.day_mask(self.part == LABELS.index(part))

    @property
    def train_sites(self) -> np.ndarray:
        """Sites with training days, (N,) bool."""
        return self._sites("train")

    @property
    def validation_sites(self) -> np.ndarray:
        """Sites that are not trained on and validate, (N,) bool."""
        return self._sites("validation_spatial") & ~self.train_sites

    @property
    def test_sites(self) -> np.ndarray:
        """Sites that are not trained on and test, (N,) bool."""
        return self._sites("spatial", "spatiotemporal") & ~self.train_sites

    def _sites(self, *parts: str) -> np.ndarray:
        return np.asarray(np.isin(self.part, [LABELS.index(part) for part in parts]).any(axis=1))


AnySplit = Split | DaySplit


def part_codes(split: AnySplit, dataset: Dataset) -> np.ndarray:
    """Part of every day as its position in LABELS, (N, T) int8; 0 outside the record of a site."""
    codes = np.zeros((dataset.n_sites, len(dataset.time)), np.int8)
    for code, part in enumerate(LABELS[1:], start=1):
        codes[split.days(dataset, part).numpy()] = code
    return codes


def learnable_days(split: AnySplit, dataset: Dataset) -> Tensor:
    """Days of training and validation, (N, T) bool."""
    return split.days(dataset, "train") | validation_days(split, dataset)


def validation_days(split: AnySplit, dataset: Dataset) -> Tensor:
    """Days of both validation parts, (N, T) bool."""
    return split.days(dataset, "validation_temporal") | split.days(dataset, "validation_spatial")


def split_own_years(config: SplitConfig, dataset: Dataset) -> DaySplit:
    """Split by the years of each site's own record (`config.time` later_years or index), and by space.

    A year counts where it has flux. Of later_years a site with too few years for all parts trains first, then tests,
    then validates; of index one of one or two years tests alone.
    """
    sites = split_sites(config, dataset.lat, dataset.lon, dataset.groups, dataset.site_id)
    later = np.zeros((dataset.n_sites, len(dataset.time)), np.int8)
    for site in range(dataset.n_sites):
        later[site] = _days_of_site(config, dataset, site)
    early = later != TEST
    choice: Sequence[tuple[str, np.ndarray, np.ndarray]] = (
        ("train", sites.train, later == TRAIN),
        ("validation_temporal", sites.train, later == VALIDATION),
        ("validation_spatial", sites.validation, early),
        ("temporal", sites.train, later == TEST),
        ("spatial", sites.test, early),
        ("spatiotemporal", sites.test, later == TEST),
    )
    part = np.zeros_like(later)
    in_record = dataset.in_record().numpy()
    for name, members, days in choice:
        part[members[:, None] & days & in_record] = LABELS.index(name)
    return DaySplit(part, sites.block)


def _days_of_site(config: SplitConfig, dataset: Dataset, site: int) -> np.ndarray:
    """TRAIN, VALIDATION or TEST for each day, (T,); in this order in time."""
    has_flux = torch.isfinite(dataset.flux[site]).any(-1).numpy()
    years = record_years(dataset.calendar, *dataset.periods[site].tolist())
    starts = [start for start, stop in years if has_flux[start:stop].any()]
    count = len(starts)
    if config.time == "index":
        trained = max(0, (count - 1) * 6 // 7)
        validated = min(config.validation_years, max(0, trained - 1))
    else:
        tested = min(config.test_years, max(0, count - 1))
        trained = count - tested
        validated = min(config.validation_years, max(0, trained - 1))
    ends = [*starts, len(dataset.time)]
    days = np.full(len(dataset.time), TRAIN, np.int8)
    if count:
        days[ends[trained - validated] if trained else 0 :] = VALIDATION
        days[ends[trained] if trained else 0 :] = TEST
    return days
