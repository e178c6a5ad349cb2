"""What evaluation compares: observations, predictions and baselines of a dataset, block of sites by block."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from torch import Tensor

from emulator.data import calendar as column
from emulator.data.classes import SiteClasses
from emulator.data.dataset import Dataset
from emulator.data.split_days import AnySplit, learnable_days
from emulator.evaluation.climatology import ClassMeans, Sites, day_slot, site_climatology
from emulator.evaluation.scoring import Series
from emulator.evaluation.series_file import site_blocks_of
from emulator.evaluation.views import Views


@dataclass(frozen=True)
class Material:
    """A dataset and its split, the class variables that skill is told apart by, the views of a predictor, the means of
    classes, None where they are not known, and the sites as these means see them.
    """

    dataset: Dataset
    split: AnySplit
    groups: list[str]
    views: Views
    of_class: ClassMeans | None
    sites: Sites

    @cached_property
    def learnable(self) -> Tensor:
        """Days that baselines may learn from, (N, T) bool."""
        return learnable_days(self.split, self.dataset)

    @cached_property
    def classes(self) -> dict[str, SiteClasses]:
        """Classes of all sites by class variable."""
        return {name: self.dataset.group(name) for name in self.groups}

    @cached_property
    def with_past(self) -> np.ndarray:
        """Sites that are predicted with past flux, where the model takes it, (N,) bool."""
        return self.split.train_sites | self.split.validation_sites

    def series(self, rows: slice) -> Series:
        """Observations and baselines of a block of sites. Climatologies come from all site-years but test data."""
        data = self.dataset
        flux, calendar = data.flux[rows].numpy(), data.calendar.numpy()
        month, day = calendar[:, column.MONTH], calendar[:, column.DAY]
        sites, unknown = self.sites.rows(rows), np.full(flux.shape, np.nan)
        return Series(
            observed=data.scored_flux(rows).numpy(),
            climatology=unknown if self.of_class is None else self.of_class.at(sites),
            site_climatology=site_climatology(flux, month, day, self.learnable[rows].numpy()),
            groups={name: of.of_sites(np.r_[rows]) for name, of in self.classes.items()},
            year=calendar[:, column.YEAR],
            month=month,
            targets=data.signature.targets,
            deviation=None if data.uncertainty is None else data.uncertainty[rows].numpy(),
        )


def sites_of(dataset: Dataset, codes: np.ndarray) -> Sites:
    """The sites of a dataset, of classes with codes (N,), as climatologies see them."""
    month, day = (dataset.calendar[:, number].numpy() for number in (column.MONTH, column.DAY))
    return Sites(codes, dataset.lat < 0.0, day_slot(month, day))


def class_means(dataset: Dataset, sites: Sites, learnable: Tensor) -> ClassMeans:
    """Means of the classes of sites over the days (N, T) that may be learned from."""
    means = ClassMeans(dataset.flux.shape[2])
    for rows in site_blocks_of(dataset):
        add_days(means, dataset, sites, learnable, np.r_[rows])
    return means


def add_days(means: ClassMeans, dataset: Dataset, sites: Sites, days: Tensor, index: np.ndarray) -> None:
    """Add the flux of sites, by their numbers (n,), on the days marked in `days` (N, T)."""
    flux = np.where(days[index].numpy()[..., None], dataset.flux[index].numpy(), np.nan)
    means.add(flux, sites.rows(index))
