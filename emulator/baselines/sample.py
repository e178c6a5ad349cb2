"""Site-days that a regression is fitted to and judged on, as rows of features and fluxes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from emulator.baselines.features import LagFeatures
from emulator.baselines.flux_space import FluxSpace
from emulator.baselines.predictor import seen_flux
from emulator.data.dataset import Dataset
from emulator.data.scalers import Scalers, TargetScaling, fit_scalers_to
from emulator.data.signature import Signature
from emulator.data.split_days import AnySplit, learnable_days
from emulator.models.parts.past_flux import PastFluxFeatures

SITES_AT_ONCE = 25
"""It bounds memory: about 80 MB of running sums for 20 years of 13 drivers, and as much again for features."""

UNGAUGED_SHARE = 0.1
"""Share of the training sites whose flux is hidden from the features, so that a model learns to do without."""


@dataclass(frozen=True)
class Rows:
    """features: (R, F) float32; target: (R, L) standardised, NaN = missing; flux: (R, C) analysis units;
    weight: (R,).
    """

    features: np.ndarray
    target: np.ndarray
    flux: np.ndarray
    weight: np.ndarray


class Design:
    """How site-days become features, with scalers from training sites and years only.

    Past flux is described by the features that the neural baselines read (see emulator.models.parts.past_flux).
    """

    def __init__(self, scalers: Scalers, signature: Signature, past_flux: bool) -> None:
        self.scalers = scalers
        self.lags = LagFeatures(signature, scalers)
        self.space = FluxSpace.of(signature, scalers)
        self.scaling = TargetScaling(scalers)
        self.past_flux, self.signature = past_flux, signature
        self.past = PastFluxFeatures(len(signature.targets))

    @classmethod
    def of(cls, dataset: Dataset, split: AnySplit, signature: Signature, past_flux: bool) -> "Design":
        """The design of a training, with scalers of its days."""
        return cls(fit_scalers_to(dataset, split.days(dataset, "train"), signature), signature, past_flux)

    def state(self) -> dict[str, Any]:
        """Tensors and plain containers, for a file."""
        return {"scalers": vars(self.scalers), "past_flux": self.past_flux}

    @classmethod
    def rebuilt(cls, state: dict[str, Any], signature: Signature) -> "Design":
        """The inverse of `state`."""
        return cls(Scalers(**state["scalers"]), signature, state["past_flux"])

    def rows(self, dataset: Dataset, sites: Tensor, seen: Tensor, site: Tensor, day: Tensor) -> Tensor:
        """Features of site-days.

        sites: (n,) rows of the dataset; seen: (n, T, C) flux that may be seen; site: (R,) positions in `sites`; day:
        (R,) -> (R, size).
        """
        features = self.lags.rows(dataset.drivers[sites], dataset.calendar, dataset.static[sites], site, day)
        if not self.past_flux:
            return features
        past = self.past(self.scaling.standardise(seen), dataset.calendar.expand(len(sites), -1, -1))
        return torch.cat([features, past[site, day]], dim=1)

    def all_days(self, dataset: Dataset, visible_flux: Tensor | None) -> Iterator[tuple[Tensor, np.ndarray]]:
        """Features of every day for a few sites at a time: rows of the dataset (n,) and features (n * T, size)."""
        days = len(dataset.calendar)
        seen = seen_flux(dataset, visible_flux)
        for sites in torch.arange(dataset.n_sites).split(SITES_AT_ONCE):
            site = torch.arange(len(sites)).repeat_interleave(days)
            day = torch.arange(days).repeat(len(sites))
            yield sites, self.rows(dataset, sites, seen[sites], site, day).numpy()

    def training_rows(self, dataset: Dataset, split: AnySplit, size: int, seed: int) -> Rows:
        """At most about `size` random site-days of the training sites and years, every site with as many."""
        random = np.random.default_rng([seed, 0])
        hidden = random.random(dataset.n_sites) < UNGAUGED_SHARE
        mask = split.days(dataset, "train").numpy()
        visible = torch.as_tensor(mask & ~hidden[:, None])
        return self._sample(dataset, mask, visible, size, random)

    def validation_rows(self, dataset: Dataset, split: AnySplit, size: int, seed: int) -> Rows:
        """Random site-days of both validation parts, which weigh the same whatever their sizes.

        Past flux: of the training years at training sites, of all earlier years at validation sites. A target without
        validation flux has training days in its place, as checkpoints of networks do.
        """
        random = np.random.default_rng([seed, 1])
        validation_parts = [split.days(dataset, part).numpy() for part in ("validation_temporal", "validation_spatial")]
        visible = learnable_days(split, dataset)
        has_flux = dataset.has_flux.numpy()
        samples = [
            self._sample(dataset, days, visible, size // 2, random)
            for days in validation_parts
            if (days & has_flux).any()
        ]
        validated = np.zeros(len(self.space.learned), bool)
        for rows in samples:
            validated |= np.isfinite(rows.target).any(axis=0)
        if not validated.all():
            instead = self._sample(dataset, split.days(dataset, "train").numpy(), visible, size // 2, random)
            instead.target[:, validated], instead.flux[:, self.space.learned[validated]] = np.nan, np.nan
            samples.append(instead)
        return Rows(
            np.concatenate([rows.features for rows in samples]),
            np.concatenate([rows.target for rows in samples]),
            np.concatenate([rows.flux for rows in samples]),
            np.concatenate([np.full(len(rows.weight), 1.0 / len(rows.weight)) for rows in samples]),
        )

    def _sample(
        self, dataset: Dataset, mask: np.ndarray, visible: Tensor, size: int, random: np.random.Generator
    ) -> Rows:
        """Random site-days of a mask (N, T) whose flux is known for some target."""
        mask = mask & dataset.has_flux.numpy()
        per_site = max(1, size // max(1, int(mask.any(axis=1).sum())))
        days_of_site = [
            (row, np.sort(random.permutation(np.flatnonzero(mask[row]))[:per_site]))
            for row in np.flatnonzero(mask.any(axis=1))
        ]
        seen = seen_flux(dataset, visible)
        features = []
        for start in range(0, len(days_of_site), SITES_AT_ONCE):
            piece = days_of_site[start : start + SITES_AT_ONCE]
            sites = torch.tensor([row for row, _ in piece])
            site = torch.as_tensor(np.repeat(np.arange(len(piece)), [len(days) for _, days in piece]))
            day = torch.as_tensor(np.concatenate([days for _, days in piece]))
            features.append(self.rows(dataset, sites, seen[sites], site, day).numpy())
        flux = np.concatenate([dataset.flux[row, days].numpy() for row, days in days_of_site]).astype(np.float64)
        target = self.space.standardise(flux).astype(np.float32)
        return Rows(np.concatenate(features), target, flux, np.full(len(flux), 1.0 / len(flux)))
