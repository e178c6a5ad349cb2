"""A split that gives every day of every site its part, as records of different periods need."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from emulator.data.calendar import record_years
from emulator.data.dataset import Dataset
from emulator.data.series import either, marks, site_blocks
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
        code = LABELS.index(part)
        return dataset.day_mask(
            marks(dataset.n_sites, len(dataset.time), lambda rows: torch.as_tensor(self.part[rows] == code))
        )

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
        codes = [LABELS.index(part) for part in parts]
        blocks = site_blocks(*self.part.shape)
        return np.concatenate([np.isin(self.part[rows], codes).any(axis=1) for rows in blocks])


AnySplit = Split | DaySplit


def part_codes(split: AnySplit, dataset: Dataset) -> np.ndarray:
    """Part of every day as its position in LABELS, (N, T) int8; 0 outside the record of a site."""
    days_of = {code: split.days(dataset, part) for code, part in enumerate(LABELS[1:], start=1)}

    def block(rows: slice) -> Tensor:
        codes = torch.zeros(days_of[1][rows].shape, dtype=torch.int8)
        for code, days in days_of.items():
            codes[days[rows]] = code
        return codes

    return np.asarray(marks(dataset.n_sites, len(dataset.time), block).numpy())


def learnable_days(split: AnySplit, dataset: Dataset) -> Tensor:
    """Days of training and validation, (N, T) bool."""
    parts = ("train", "validation_temporal", "validation_spatial")
    return either(*(split.days(dataset, part) for part in parts))


def validation_days(split: AnySplit, dataset: Dataset) -> Tensor:
    """Days of both validation parts, (N, T) bool."""
    return either(*(split.days(dataset, part) for part in ("validation_temporal", "validation_spatial")))


def split_own_years(config: SplitConfig, dataset: Dataset) -> DaySplit:
    """Split by the years of each site's own record (`config.time` later_years or index), and by space.

    A year counts where it has flux. Of later_years a site with too few years for all parts trains first, then tests,
    then validates; of index one of one or two years tests alone.
    """
    sites = split_sites(config, dataset.lat, dataset.lon, dataset.groups, dataset.site_id)

    def uses_of(rows: slice) -> Tensor:
        days = [_days_of_site(config, dataset, site) for site in range(rows.start, rows.stop)]
        return torch.from_numpy(np.stack(days))

    later = marks(dataset.n_sites, len(dataset.time), uses_of).numpy()
    choice = (
        ("train", sites.train, (TRAIN,)),
        ("validation_temporal", sites.train, (VALIDATION,)),
        ("validation_spatial", sites.validation, (TRAIN, VALIDATION)),
        ("temporal", sites.train, (TEST,)),
        ("spatial", sites.test, (TRAIN, VALIDATION)),
        ("spatiotemporal", sites.test, (TEST,)),
    )
    in_record = dataset.in_record().numpy()

    def block(rows: slice) -> Tensor:
        part = np.zeros(later[rows].shape, np.int8)
        for name, members, uses in choice:
            part[members[rows, None] & np.isin(later[rows], uses) & in_record[rows]] = LABELS.index(name)
        return torch.from_numpy(part)

    return DaySplit(marks(dataset.n_sites, len(dataset.time), block).numpy(), sites.block)


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
