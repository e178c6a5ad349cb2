"""Windows of whole years, as models are trained on, and whole records, as they are judged on."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

from emulator.data.dataset import Dataset
from emulator.data.dataset_file import DatasetError


@dataclass(frozen=True)
class Batch:
    """B site windows of T days, beginning on 1 January.

    drivers: (B, T, D); calendar: (B, T, 6); static: (B, P);
    flux: (B, T, C) past flux the model may see, NaN = not known; the flux of a year moves the predictions of later
    years only;
    target: (B, T, C), NaN = not scored; site: (B,) row of the site in its dataset. Physical units throughout.
    """

    drivers: Tensor
    calendar: Tensor
    static: Tensor
    flux: Tensor
    target: Tensor
    site: Tensor

    def to(self, device: torch.device | str) -> "Batch":
        return Batch(*(getattr(self, field.name).to(device) for field in fields(self)))


@dataclass(frozen=True)
class TrainingData:
    """Training sites and training years, nothing else.

    drivers: (N, T, D); calendar: (T, 6); static: (N, P); flux: (N, T, C), NaN = missing; site: (N,) rows in the
    dataset.
    """

    drivers: Tensor
    calendar: Tensor
    static: Tensor
    flux: Tensor
    site: Tensor


@dataclass(frozen=True)
class TrainingSites:
    """Sites that a model is trained on: static (Nm, P); row (Nm,) of each in the dataset, ascending; block (Nm,), by
    which they are left out together where it is asked what the others tell of them.
    """

    static: Tensor
    row: Tensor
    block: Tensor


def training_data(dataset: Dataset, site_years: np.ndarray) -> TrainingData:
    """Cut the training sites and years out of a dataset; site_years: (N, Y) bool in the order of `dataset.years`.

    Flux of a site-year that is not marked is NaN. Where the sites are consecutive and all their years marked, the
    tensors are views.
    """
    sites, years = _marked(dataset, site_years)
    days = dataset.days(int(years[0]), int(years[-1]))
    rows = torch.as_tensor(sites)
    chosen = _as_slice(sites)
    flux = _visible(dataset.flux[chosen, days], dataset.day_mask(site_years)[chosen, days])
    return TrainingData(dataset.drivers[chosen, days], dataset.calendar[days], dataset.static[chosen], flux, rows)


class WindowSampler:
    """Random windows of consecutive years of the marked site-years, the same for the same (seed, epoch).

    All windows of a batch span the same years, and a batch holds different sites. In each epoch every site is drawn
    `windows_per_site` times, by default ceil(years / years_per_window), with starts spread over the marked years.
    Of several processes each gets its share of the sites of every batch, so that a batch is the same for any number of
    them.
    """

    def __init__(
        self,
        dataset: Dataset,
        site_years: np.ndarray,
        *,
        years_per_window: int,
        batch_size: int,
        seed: int,
        windows_per_site: int | None = None,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        """site_years: (N, Y) bool; the marked years must be consecutive and whole.

        Raises ValueError where a batch has fewer sites than there are processes.
        """
        self.dataset = dataset
        self.sites, self.years = _marked(dataset, site_years)
        self.length = min(years_per_window, len(self.years))
        self.batch_size, self.seed, self.rank, self.world_size = batch_size, seed, rank, world_size
        self.rounds = windows_per_site or math.ceil(len(self.years) / self.length)
        self._pieces = math.ceil(len(self.sites) / batch_size)
        smallest = len(self.sites) // self._pieces
        if smallest < world_size:
            message = (
                f"training.batch_size: {world_size} processes share batches of {smallest} sites; "
                "use fewer processes or larger batches"
            )
            raise ValueError(message)
        self._visible = dataset.day_mask(site_years)

    def __len__(self) -> int:
        """Batches of one epoch."""
        return self._pieces * self.rounds

    def epoch(self, number: int) -> Iterator[Batch]:
        """The batches of one epoch in random order."""
        for sites, start in self._plan(np.random.default_rng([self.seed, number])):
            share = np.array_split(sites, self.world_size)[self.rank]
            yield self._window(share, int(self.years[start]))

    def _plan(self, random: np.random.Generator) -> list[tuple[np.ndarray, int]]:
        last_start = len(self.years) - self.length
        plan = []
        for turn in range(self.rounds):
            for sites in np.array_split(random.permutation(self.sites), self._pieces):
                position = (turn + random.random()) / self.rounds
                plan.append((sites, min(int(position * (last_start + 1)), last_start)))
        return [plan[index] for index in random.permutation(len(plan))]

    def _window(self, sites: np.ndarray, first_year: int) -> Batch:
        days = self.dataset.days(first_year, first_year + self.length - 1)
        rows = torch.as_tensor(sites)
        flux = _visible(self.dataset.flux[rows, days], self._visible[rows, days])
        return _batch(self.dataset, rows, days, flux, flux)


def whole_records(
    dataset: Dataset,
    sites: np.ndarray,
    batch_size: int,
    *,
    visible_flux: Tensor | None = None,
    scored: Tensor | None = None,
) -> Iterator[Batch]:
    """The full record of each of `sites` (an index array), in order, for offline prediction.

    visible_flux, scored: (N, T) bool, which days' flux the model may see, default none, and which are scored, default
    all.
    """
    for start in range(0, len(sites), batch_size):
        rows = torch.as_tensor(np.asarray(sites)[start : start + batch_size])
        flux = dataset.flux[rows]
        nothing = torch.full_like(flux, torch.nan)
        seen = nothing if visible_flux is None else _visible(flux, visible_flux[rows])
        target = flux if scored is None else _visible(flux, scored[rows])
        yield _batch(dataset, rows, slice(None), seen, target)


def _batch(dataset: Dataset, rows: Tensor, days: slice, flux: Tensor, target: Tensor) -> Batch:
    calendar = dataset.calendar[days].expand(len(rows), -1, -1)
    return Batch(dataset.drivers[rows, days], calendar, dataset.static[rows], flux, target, rows)


def _visible(flux: Tensor, mask: Tensor) -> Tensor:
    """NaN where the mask (…, T) is False; the flux itself where it is True throughout."""
    return flux if bool(mask.all()) else flux.masked_fill(~mask[..., None], torch.nan)


def _as_slice(rows: np.ndarray) -> slice | Tensor:
    """Consecutive rows as a slice, with which a tensor gives a view."""
    first, last = int(rows[0]), int(rows[-1])
    return slice(first, last + 1) if last - first + 1 == len(rows) else torch.as_tensor(rows)


def _marked(dataset: Dataset, site_years: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of sites and the years with at least one mark."""
    site_years = np.asarray(site_years, bool)
    expected = (dataset.n_sites, len(dataset.years))
    if site_years.shape != expected:
        message = f"mask over sites and years has shape {site_years.shape}, expected {expected}"
        raise ValueError(message)
    sites, years = np.flatnonzero(site_years.any(axis=1)), dataset.years[site_years.any(axis=0)]
    if len(sites) == 0 or len(years) == 0:
        message = f"{dataset.path}: no site-year is left to train on; check the split"
        raise DatasetError(message)
    if (np.diff(years) != 1).any():
        message = f"{dataset.path}: the years to train on are not consecutive: {years.tolist()}"
        raise DatasetError(message)
    return sites, years
