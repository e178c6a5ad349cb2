"""The validation loss, by which checkpoints are chosen: later years of training sites, and new sites."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from emulator.data import processes as parallel
from emulator.data.dataset import Dataset
from emulator.data.splits import Split
from emulator.data.windows import Batch, whole_records
from emulator.models.streaming import StreamingModel
from emulator.training.losses import FluxLoss


class Validation:
    """Mean of two losses, each over all its site-days: training sites in later years, and sites never trained on.

    Training sites are run with their past flux visible and scored in validation years, as in the temporal test;
    validation sites are run without flux and scored in all years but test years, as in the spatial test. Test years are
    cut off before anything runs. `max_sites` bounds the sites of either part, drawn once by the seed, and
    `record_years` the years that are run, the last before the test years; None runs them all.
    """

    def __init__(
        self,
        dataset: Dataset,
        split: Split,
        loss: FluxLoss,
        *,
        batch_size: int,
        max_sites: int,
        seed: int,
        record_years: int | None = None,
    ) -> None:
        """Raises ValueError where the split leaves nothing to validate on."""
        early = dataset.years[~split.test_years][-record_years if record_years else None :]
        days = dataset.days(int(early[0]), int(early[-1]))
        seen, later, new = (
            dataset.day_mask(split.mask(part))[:, days]
            for part in ("train", "validation_temporal", "validation_spatial")
        )
        trimmed = _cut(dataset, days)
        training_sites = _at_most(np.flatnonzero(split.train_sites), max_sites, seed)
        new_sites = _at_most(np.flatnonzero(split.validation_sites), max_sites, seed)
        gauged = whole_records(trimmed, training_sites, batch_size, visible_flux=seen, scored=later)
        ungauged = whole_records(trimmed, new_sites, batch_size, scored=new)
        parts = [[batch for batch in part if _scored_values(batch) > 0] for part in (gauged, ungauged)]
        self.parts = [part for part in parts if part]
        self._own = [part[parallel.rank() :: parallel.world_size()] for part in self.parts]
        self.loss = loss
        if not self.parts:
            message = (
                f"{dataset.path}: the split leaves no flux to validate on; "
                "raise split.validation_years or split.validation_fraction"
            )
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


def _cut(dataset: Dataset, days: slice) -> Dataset:
    """The dataset with some of its days only."""
    flux: Tensor = dataset.flux[:, days]
    return replace(
        dataset, drivers=dataset.drivers[:, days], calendar=dataset.calendar[days], flux=flux, time=dataset.time[days]
    )
