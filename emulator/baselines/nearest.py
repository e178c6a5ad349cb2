"""Fluxes of the nearest training site, by great-circle distance."""

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor

from emulator.baselines.climatology import slots
from emulator.baselines.predictor import keep_bounds, seen_flux
from emulator.data import calendar as column
from emulator.data.dataset import Dataset
from emulator.data.signature import Signature
from emulator.data.split_days import AnySplit
from emulator.data.split_rules import named_sites
from emulator.evaluation.climatology import SLOTS, slot_means
from emulator.models.parts.layers import unit_sphere

log = logging.getLogger(__name__)
ARRAYS = ("place", "date", "flux", "climatology")
LEAP_SLOT = 59
"""Slot of 29 February."""


@dataclass(frozen=True)
class NearestPredictor:
    """What the training sites were measured or simulated to do.

    place: (Nm, 3) on the unit sphere; site_id: (Nm,); date: (Y, 366) -> day of `flux`, -1 = none, with first_year;
    flux: (Nm, T, C) of the training years; climatology: (Nm, 366, C) day-of-year means.
    """

    place: np.ndarray
    site_id: np.ndarray
    first_year: int
    date: np.ndarray
    flux: np.ndarray
    climatology: np.ndarray
    past_flux: bool
    signature: Signature

    @property
    def parameters(self) -> int:
        """Values of fluxes and climatologies."""
        return self.flux.size + self.climatology.size

    def state(self) -> dict[str, Any]:
        """See Predictor.state."""
        arrays = {name: torch.from_numpy(getattr(self, name)) for name in ARRAYS}
        names = [str(name) for name in self.site_id]
        return {**arrays, "site_id": names, "first_year": self.first_year, "past_flux": self.past_flux}

    def predict(self, dataset: Dataset, visible_flux: Tensor | None = None) -> np.ndarray:
        """See Predictor.predict. A site is not its own neighbour: in training years that would be the answer itself.

        With past flux the nearest is the site itself a year ago, where that is known.
        """
        slot, year = slots(dataset), dataset.calendar[:, column.YEAR].numpy()
        neighbour = self._nearest(dataset)
        fluxes = self.climatology[neighbour][:, slot]
        year_row = year - self.first_year
        in_record = (year_row >= 0) & (year_row < len(self.date))
        position = np.where(in_record, self.date[np.clip(year_row, 0, len(self.date) - 1), slot], -1)
        days = np.flatnonzero(position >= 0)
        same_day = self.flux[neighbour][:, position[days]]
        fluxes[:, days] = np.where(np.isfinite(same_day), same_day, fluxes[:, days])
        if self.past_flux and visible_flux is not None:
            year_ago = last_year(seen_flux(dataset, visible_flux).numpy(), year, slot)
            fluxes = np.where(np.isfinite(year_ago), year_ago, fluxes)
        return keep_bounds(fluxes, dataset, self.signature)

    def _nearest(self, dataset: Dataset) -> np.ndarray:
        """Row of the nearest other training site, (N,)."""
        place = _place(dataset)
        candidates = cKDTree(self.place).query(place, k=min(2, len(self.place)))[1].reshape(len(place), -1)
        itself = self.site_id[candidates[:, 0]] == dataset.site_id
        return np.where(itself, candidates[:, -1], candidates[:, 0])


def fit(
    dataset: Dataset,
    split: AnySplit,
    signature: Signature,
    *,
    past_flux: bool,
    seed: int,  # noqa: ARG001 - that of every baseline
) -> NearestPredictor:
    """See emulator.baselines; nothing is random."""
    rows = np.flatnonzero(split.train_sites)
    training_flux = seen_flux(dataset, split.days(dataset, "train"))[torch.as_tensor(rows)].numpy()
    rows, training_flux = _with_data(rows, training_flux, dataset, signature)
    slot, year = slots(dataset), dataset.calendar[:, column.YEAR].numpy()
    training = split.days(dataset, "train").any(0).numpy()
    first_year = int(year[training].min())
    date = np.full((int(year[training].max()) - first_year + 1, SLOTS), -1)
    date[year[training] - first_year, slot[training]] = np.arange(training.sum())
    tables = np.stack([slot_means(site_flux[None], slot) for site_flux in training_flux])
    tables = np.where(np.isfinite(tables), tables, np.nanmean(training_flux, axis=1)[:, None])
    return NearestPredictor(
        place=_place(dataset)[rows],
        site_id=dataset.site_id[rows],
        first_year=first_year,
        date=date,
        flux=training_flux[:, training],
        climatology=tables.astype(np.float32),
        past_flux=past_flux,
        signature=signature,
    )


def rebuilt(state: dict[str, Any], signature: Signature) -> NearestPredictor:
    """The predictor of a state."""
    arrays = {name: state[name].numpy() for name in ARRAYS}
    return NearestPredictor(
        **arrays,
        site_id=np.array(state["site_id"]),
        first_year=state["first_year"],
        past_flux=state["past_flux"],
        signature=signature,
    )


def last_year(flux: np.ndarray, year: np.ndarray, slot: np.ndarray) -> np.ndarray:
    """Flux of the same day a year ago, (N, T, C) -> (N, T, C), NaN where not known; 29 February takes the 28th's."""
    year_ago = np.full(flux.shape, np.nan, flux.dtype)
    for present in np.unique(year).tolist():
        table = np.full((len(flux), SLOTS, flux.shape[2]), np.nan, flux.dtype)
        table[:, slot[year == present - 1]] = flux[:, year == present - 1]
        is_leap_day = slot[year == present] == LEAP_SLOT
        slot_year_ago = np.where(is_leap_day, LEAP_SLOT - 1, slot[year == present])
        year_ago[:, year == present] = table[:, slot_year_ago]
    return year_ago


def _with_data(
    rows: np.ndarray, flux: np.ndarray, dataset: Dataset, signature: Signature
) -> tuple[np.ndarray, np.ndarray]:
    """The sites that have a day with flux (n, T, C) of every target; the log names the others and what they lack."""
    has_data = np.isfinite(flux).any(axis=1)
    complete = has_data.all(axis=1)
    if not complete.any():
        message = "nearest site: no training site has data of every target"
        raise ValueError(message)
    if not complete.all():
        lacking = [name for name, present in zip(signature.target_names, has_data.T, strict=True) if not present.all()]
        log.warning(
            "nearest site: %d of %d training sites are no neighbours of any other, for they lack %s: %s",
            (~complete).sum(), len(complete), " or ".join(lacking), named_sites(dataset.site_id[rows[~complete]]),
        )  # fmt: skip
    return rows[complete], flux[complete]


def _place(dataset: Dataset) -> np.ndarray:
    """(N, 3) on the unit sphere."""
    return unit_sphere(torch.as_tensor(dataset.lat).float(), torch.as_tensor(dataset.lon).float()).numpy()
