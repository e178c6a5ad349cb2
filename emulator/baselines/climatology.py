"""Day-of-year means: of the biome; with past flux, of the site's own past years where it has any."""

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from emulator.baselines.predictor import keep_bounds, seen_flux
from emulator.data.dataset import Dataset
from emulator.data.signature import Signature
from emulator.data.splits import Split
from emulator.evaluation.climatology import SLOTS, day_slot, slot_means, window_sum


@dataclass(frozen=True)
class ClimatologyPredictor:
    """Tables (366, C) by biome code, and one for other biomes; `past_flux`: whether to read a site's own past."""

    tables: dict[int, np.ndarray]
    everywhere: np.ndarray
    past_flux: bool
    signature: Signature

    @property
    def parameters(self) -> int:
        """Values of the tables."""
        return sum(table.size for table in self.tables.values()) + self.everywhere.size

    def predict(self, dataset: Dataset, visible_flux: Tensor | None = None) -> np.ndarray:
        """See Predictor.predict."""
        slot = slots(dataset)
        result = np.stack([self.tables.get(int(code), self.everywhere)[slot] for code in dataset.biome])
        if self.past_flux and visible_flux is not None:
            own = past_climatology(seen_flux(dataset, visible_flux).numpy(), dataset.calendar[:, 0].numpy(), slot)
            result = np.where(np.isfinite(own), own, result)
        return keep_bounds(result, dataset, self.signature)


def fit(dataset: Dataset, split: Split, signature: Signature, *, past_flux: bool, seed: int) -> ClimatologyPredictor:
    """See emulator.baselines; nothing is random."""
    known = seen_flux(dataset, dataset.day_mask(split.mask("train"))).numpy()
    slot = slots(dataset)
    everywhere = slot_means(known, slot)
    if not np.isfinite(everywhere).all():
        everywhere = np.where(np.isfinite(everywhere), everywhere, np.nanmean(known, axis=(0, 1)))
    tables = {}
    for code in np.unique(dataset.biome[split.train_sites]).tolist():
        own = slot_means(known[dataset.biome == code], slot)
        tables[code] = np.where(np.isfinite(own), own, everywhere)
    return ClimatologyPredictor(tables, everywhere, past_flux, signature)


def slots(dataset: Dataset) -> np.ndarray:
    """Slot 0..365 of each day of the record, (T,)."""
    return day_slot(dataset.calendar[:, 1].numpy(), dataset.calendar[:, 2].numpy())


def past_climatology(flux: np.ndarray, year: np.ndarray, slot: np.ndarray) -> np.ndarray:
    """Day-of-year mean of each site's years before the present one, (N, T, C) -> (N, T, C); NaN where there is none."""
    result = np.full(flux.shape, np.nan, np.float32)
    sums = np.zeros((SLOTS, len(flux), flux.shape[2]))
    counts = np.zeros_like(sums)
    known = np.isfinite(flux)
    for present in np.unique(year).tolist():
        now = year == present
        total, count = window_sum(sums), window_sum(counts)
        mean = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
        result[:, now] = mean[slot[now]].transpose(1, 0, 2)
        sums[slot[now]] += np.where(known[:, now], flux[:, now], 0.0).transpose(1, 0, 2)
        counts[slot[now]] += known[:, now].transpose(1, 0, 2)
    return result
