"""Day-of-year means: of the class of the site, by default its biome, by season (days of the southern hemisphere are
counted half a year on); with past flux, of the site's own past years where it has any.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from emulator.baselines.predictor import keep_bounds, seen_flux
from emulator.data import calendar as column
from emulator.data.dataset import Dataset
from emulator.data.signature import Signature
from emulator.data.split_days import AnySplit
from emulator.evaluation.climatology import SLOTS, day_slot, of_season, season_means, window_sum


@dataclass(frozen=True)
class ClimatologyPredictor:
    """Tables (366, C) by meaning of a class, and one for other classes; `past_flux`: whether to read a site's own past.

    group_by: the class variable, None for the first that a dataset has.
    """

    tables: dict[str, np.ndarray]
    everywhere: np.ndarray
    past_flux: bool
    signature: Signature
    group_by: str | None = None

    @property
    def parameters(self) -> int:
        """Values of the tables."""
        return sum(table.size for table in self.tables.values()) + self.everywhere.size

    def state(self) -> dict[str, Any]:
        """See Predictor.state."""
        tables = {code: torch.from_numpy(table) for code, table in self.tables.items()}
        everywhere = torch.from_numpy(self.everywhere)
        return {"tables": tables, "everywhere": everywhere, "past_flux": self.past_flux, "group_by": self.group_by}

    def predict(self, dataset: Dataset, visible_flux: Tensor | None = None) -> np.ndarray:
        """See Predictor.predict."""
        slot, names = slots(dataset), dataset.group(self.group_by).names().tolist()
        places = zip(names, dataset.lat < 0.0, strict=True)
        fluxes = np.concatenate(
            [of_season(self.tables.get(name, self.everywhere), slot, np.array([south])) for name, south in places]
        )
        if self.past_flux and visible_flux is not None:
            year = dataset.calendar[:, column.YEAR].numpy()
            of_site = past_climatology(seen_flux(dataset, visible_flux).numpy(), year, slot)
            fluxes = np.where(np.isfinite(of_site), of_site, fluxes)
        return keep_bounds(fluxes, dataset, self.signature)


def fit(
    dataset: Dataset,
    split: AnySplit,
    signature: Signature,
    *,
    past_flux: bool,
    seed: int,  # noqa: ARG001 - that of every baseline
    group_by: str | None = None,
) -> ClimatologyPredictor:
    """See emulator.baselines; nothing is random. group_by: the class variable, None for the first of the dataset."""
    training_flux = seen_flux(dataset, split.days(dataset, "train")).numpy()
    slot, south = slots(dataset), dataset.lat < 0.0
    everywhere = season_means(training_flux, slot, south)
    if not np.isfinite(everywhere).all():
        everywhere = np.where(np.isfinite(everywhere), everywhere, np.nanmean(training_flux, axis=(0, 1)))
    tables = {}
    names = dataset.group(group_by).names()
    for name in np.unique(names[split.train_sites]).tolist():
        of_class = season_means(training_flux[names == name], slot, south[names == name])
        tables[name] = np.where(np.isfinite(of_class), of_class, everywhere)
    return ClimatologyPredictor(tables, everywhere, past_flux, signature, group_by)


def rebuilt(state: dict[str, Any], signature: Signature) -> ClimatologyPredictor:
    """The predictor of a state."""
    tables = {code: table.numpy() for code, table in state["tables"].items()}
    everywhere, group_by = state["everywhere"].numpy(), state.get("group_by")
    return ClimatologyPredictor(tables, everywhere, state["past_flux"], signature, group_by)


def slots(dataset: Dataset) -> np.ndarray:
    """Slot 0..365 of each day of the record, (T,)."""
    return day_slot(dataset.calendar[:, column.MONTH].numpy(), dataset.calendar[:, column.DAY].numpy())


def past_climatology(flux: np.ndarray, year: np.ndarray, slot: np.ndarray) -> np.ndarray:
    """Day-of-year mean of each site's years before the present one, (N, T, C) -> (N, T, C); NaN where there is none."""
    climatology = np.full(flux.shape, np.nan, np.float32)
    sums = np.zeros((SLOTS, len(flux), flux.shape[2]))
    counts = np.zeros_like(sums)
    observed = np.isfinite(flux)
    for present in np.unique(year).tolist():
        in_year = year == present
        window_total, window_count = window_sum(sums), window_sum(counts)
        mean = np.divide(window_total, window_count, out=np.full_like(window_total, np.nan), where=window_count > 0)
        climatology[:, in_year] = mean[slot[in_year]].transpose(1, 0, 2)
        sums[slot[in_year]] += np.where(observed[:, in_year], flux[:, in_year], 0.0).transpose(1, 0, 2)
        counts[slot[in_year]] += observed[:, in_year].transpose(1, 0, 2)
    return climatology
