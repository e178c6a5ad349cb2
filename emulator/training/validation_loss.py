"""The validation loss, by which checkpoints are chosen: later years of training sites, and new sites."""

import logging

import numpy as np
import torch
from torch import Tensor

from emulator.data import processes as parallel
from emulator.data.calendar import record_years as record_years_of
from emulator.data.dataset import Dataset
from emulator.data.series import either, marked_days
from emulator.data.split_days import AnySplit
from emulator.data.windows import Batch, whole_records
from emulator.models.streaming import StreamingModel
from emulator.training.losses import FluxLoss

log = logging.getLogger(__name__)


class Validation:
    """Mean of two losses, each over all its site-days: training sites in later years, and sites never trained on.

    Training sites are run with their past flux visible and scored in validation years, as in the temporal test;
    validation sites are run without flux and scored in all years but test years, as in the spatial test. Days after the
    last of training and validation are cut off before anything runs, and only measured flux is scored. `max_sites`
    bounds the sites of either part, drawn once by the seed, and `record_years` the years that are run, the last of
    those; None runs them all. A split without validation flux is judged by its training days, of which a warning tells.
    """

    def __init__(
        self,
        dataset: Dataset,
        split: AnySplit,
        loss: FluxLoss,
        *,
        batch_size: int,
        max_sites: int,
        seed: int,
        record_years: int | None = None,
    ) -> None:
        """Raises ValueError where no flux of training or validation days was measured."""
        marks = [split.days(dataset, part) for part in ("train", "validation_temporal", "validation_spatial")]
        days = _days_run(dataset, either(*marks), record_years)
        seen, later, new = (mark[:, days] for mark in marks)
        trimmed = dataset.day_subset(days)
        has_flux = trimmed.has_scored_flux
        if not (marked_days(has_flux, later).any() or marked_days(has_flux, new).any()):
            log.warning("%s: no validation flux: epochs are judged by training days", dataset.path)
            later = seen
        gauges, places = (marked_days(has_flux, mark).numpy() > 0 for mark in (later, new))  # sites that can be scored
        training_sites = _at_most(np.flatnonzero(split.train_sites & gauges), max_sites, seed)
        new_sites = _at_most(np.flatnonzero(split.validation_sites & places), max_sites, seed)
        gauged = whole_records(trimmed, training_sites, batch_size, visible_flux=seen, scored=later)
        ungauged = whole_records(trimmed, new_sites, batch_size, scored=new)
        parts = [[batch for batch in part if _scored_values(batch) > 0] for part in (gauged, ungauged)]
        self.parts = [part for part in parts if part]
        self._own = [part[parallel.rank() :: parallel.world_size()] for part in self.parts]
        self.loss = loss
        if not self.parts:
            message = f"{dataset.path}: no flux of training or validation days was measured; choose another split"
            raise ValueError(message)

    @torch.no_grad()
    def __call__(self, model: StreamingModel) -> float:
        """Loss of a prepared model in eval mode."""
        return float(np.mean([self._part_loss(model, part) for part in self._own]))

    def _part_loss(self, model: StreamingModel, part: list[Batch]) -> float:
        """Of the batches of all processes; each runs its own."""
        total, weight = 0.0, 0.0
        for cpu_batch in part:
            batch = cpu_batch.to(self.loss.scale.device)
            prediction = model(batch.drivers, batch.calendar, batch.static, batch.flux)
            scored = _scored_values(batch)
            total += self.loss(prediction, batch.target, batch.site).item() * scored
            weight += scored
        total, weight = parallel.total([total, weight])
        return total / weight


def _scored_values(batch: Batch) -> int:
    """Number of scored values."""
    return int(torch.isfinite(batch.target).sum())


def _at_most(sites: np.ndarray, number: int, seed: int) -> np.ndarray:
    """All sites or a random choice of `number`, ascending."""
    if len(sites) <= number:
        return sites
    return np.sort(np.random.default_rng(seed).choice(sites, number, replace=False))


def _days_run(dataset: Dataset, used: Tensor, record_years: int | None) -> slice:
    """From the first to the last day that is used at any site, (N, T) bool, or the last years of them."""
    days = torch.nonzero(used.any(0)).flatten().tolist()
    first, last = days[0], days[-1]
    years = record_years_of(dataset.calendar, first, last)[-record_years if record_years else None :]
    return slice(years[0][0], last + 1)
