"""Gaussian process regression on lag features, for few sites: a site is told by its own record as far as it has one.

Rasmussen and Williams 2006, Gaussian Processes for Machine Learning, chapters 2 and 5. A regression for each target in
its standardised asinh space; the prediction is the mean of the flux, which a skewed error raises. What a record says of
its site (`site_kernel.py`) is weighed by the marginal likelihood of the training days. Validation days choose nothing,
and are not learned from: intervals are calibrated on their errors.
"""

import math
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import NormalDist
from typing import Any

import numpy as np
import torch
from torch import Tensor

from emulator.baselines.flux_space import FluxSpace
from emulator.baselines.predictor import keep_bounds
from emulator.baselines.site_kernel import DAYS_PER_YEAR, Kernel, SiteDays
from emulator.data import calendar as column
from emulator.data.dataset import Dataset
from emulator.data.scalers import DriverScaling, Scalers, fit_scalers_to
from emulator.data.signature import Signature
from emulator.data.split_days import AnySplit

PIECE = 4000
"""Days that are predicted at once; it bounds memory."""
WINDOWS = (1, 7, 30, 90)
"""Days of the trailing means of the drivers."""
ROWS, SEARCH_ROWS = 1200, 400
"""Site-days that predictions rest on, and that each step of the search draws, at most."""
STEPS, RATE = 30, 0.07
LARGEST_VARIANCE = 1.0
"""Of the asinh of a flux, by which the mean of the flux is raised at most: where nothing is known it would run away."""
JITTER = 1e-6


@dataclass(frozen=True)
class Fitted:
    """The regression of one target: rows (SiteDays of R), standardised flux (R,), its mean, and the kernel."""

    kernel: Kernel
    rows: SiteDays
    values: Tensor
    mean: float

    def told(self, rows: SiteDays, values: Tensor) -> "Fitted":
        """The same with more days known."""
        return replace(self, rows=self.rows.join(rows), values=torch.cat([self.values, values]))

    @cached_property
    def root(self) -> Tensor:
        """Cholesky root of the covariance of the values, (R, R)."""
        noise = (self.kernel.noise() + JITTER) * torch.eye(len(self.values), dtype=torch.float64)
        return torch.linalg.cholesky(self.kernel.covariance(self.rows, self.rows) + noise)

    def predict(self, rows: SiteDays) -> tuple[Tensor, Tensor]:
        """Mean and variance, noise included, of standardised flux, (R',) and (R',): eq. 2.25 and 2.26."""
        weights = torch.cholesky_solve((self.values - self.mean)[:, None], self.root)[:, 0]
        kernel, known_rows, root = self.kernel.single(), self.rows.single(), self.root.float()
        weights, means, variances = weights.float(), [], []
        for piece in torch.arange(len(rows.site)).split(PIECE):
            across = kernel.covariance(known_rows, rows.take(piece).single())
            explained = torch.linalg.solve_triangular(root, across, upper=False)
            means.append(self.mean + across.T @ weights)
            variances.append(kernel.variance() + kernel.noise() - (explained * explained).sum(0))
        return torch.cat(means).double(), torch.cat(variances).double().clamp(min=1e-9)


@dataclass(frozen=True)
class GaussianProcessPredictor:
    """A regression of each learned target; sites: names of those that it was fitted to, by their numbers in rows."""

    scalers: Scalers
    space: FluxSpace
    signature: Signature
    fitted: tuple[Fitted, ...]
    sites: tuple[str, ...]
    groups: tuple[str, ...]
    learned_days: tuple[Tensor, ...]
    past_flux: bool

    @property
    def parameters(self) -> int:
        """Of the kernels, and the fluxes that predictions rest on."""
        return sum(len(one.values) + sum(value.numel() for value in one.kernel.parameters()) for one in self.fitted)

    def state(self) -> dict[str, Any]:
        """See Predictor.state."""
        fitted = [
            {"kernel": vars(one.kernel), "rows": one.rows._asdict(), "values": one.values, "mean": one.mean}
            for one in self.fitted
        ]
        names = {"sites": list(self.sites), "groups": list(self.groups)}
        days = {"learned_days": list(self.learned_days), "past_flux": self.past_flux}
        return {"scalers": vars(self.scalers), "fitted": fitted, **days, **names}

    def predict(self, dataset: Dataset, visible_flux: Tensor | None = None) -> np.ndarray:
        """See Predictor.predict."""
        return self.fluxes(*self.distribution(dataset, visible_flux), dataset)

    def fluxes(self, mean: np.ndarray, variance: np.ndarray, dataset: Dataset) -> np.ndarray:
        """Mean of the flux where that of the standardised one has this mean and variance, (N, T, L) -> (N, T, C)."""
        raised = np.exp(0.5 * np.minimum(variance * self.space.std**2, LARGEST_VARIANCE))
        return self._in_units(mean, raised, dataset)

    def quantile(self, level: float, mean: np.ndarray, variance: np.ndarray, dataset: Dataset) -> np.ndarray:
        """Quantile of the flux of a day, noise of measurement included, (N, T, L) -> (N, T, C)."""
        return self._in_units(mean + NormalDist().inv_cdf(level) * np.sqrt(variance), 1.0, dataset)

    def _in_units(self, standardised: np.ndarray, factor: np.ndarray | float, dataset: Dataset) -> np.ndarray:
        space, shape = self.space, tuple(dataset.flux.shape)
        u = np.clip(standardised * space.std + space.mean, -space.limit, space.limit)
        learned = np.sinh(u) * np.broadcast_to(factor, u.shape)
        scaled = (np.arcsinh(learned) - space.mean) / space.std  # so that one place knows bounds and identities
        fluxes = space.fluxes(scaled.reshape(-1, scaled.shape[-1])).reshape(shape)
        return keep_bounds(fluxes, dataset, self.signature)

    def distribution(
        self, dataset: Dataset, visible_flux: Tensor | None = None, wanted: Tensor | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Mean and variance of standardised flux, each (N, T, L), NaN outside the records of sites, and on days that
        are not wanted (N, T), default all.
        """
        mean = np.full((*dataset.flux.shape[:2], len(self.fitted)), np.nan)
        variance = mean.copy()
        days = _Days(dataset, self)
        in_record, year = dataset.in_record(), dataset.calendar[:, column.YEAR]
        in_record = in_record if wanted is None else in_record & wanted
        new = self._unknown_flux(dataset, visible_flux)
        known_before = None
        for present in year.unique().tolist():
            site, day = torch.nonzero(in_record & (year == present), as_tuple=True)
            if not len(site):
                continue
            past = new & (year < present)[:, None]
            if known_before is None or int(past.sum()) != int(known_before.sum()):
                known_before = past
                told = [
                    self._told(one, target, past[..., target], dataset, days) for target, one in enumerate(self.fitted)
                ]
            for target, one in enumerate(told):
                moments = one.predict(days.rows(site, day))
                mean[site, day, target], variance[site, day, target] = (moment.numpy() for moment in moments)
        return mean, variance

    def _unknown_flux(self, dataset: Dataset, visible_flux: Tensor | None) -> Tensor:
        """(N, T, L) bool: flux that may be seen and was not learned from."""
        flux = dataset.flux[..., self.space.learned]
        if visible_flux is None or not self.past_flux:
            return torch.zeros_like(flux, dtype=torch.bool)
        new = torch.isfinite(flux) & visible_flux[..., None]
        place = {name: number for number, name in enumerate(self.sites)}
        numbers = day_axis(dataset)
        for row, name in enumerate(dataset.site_id.astype(str)):
            if name in place:
                new[row] &= ~torch.isin(numbers, self.learned_days[place[name]])[:, None]
        return new

    def _told(self, one: Fitted, target: int, past: Tensor, dataset: Dataset, days: "_Days") -> Fitted:
        """A regression that knows the marked days (N, T), too; of many, evenly spread ones."""
        site, day = torch.nonzero(past, as_tuple=True)
        if not len(site):
            return one
        every = math.ceil(len(site) / (ROWS // 2))
        site, day = site[::every], day[::every]
        values = self.space.standardise(dataset.flux[site, day].double().numpy())[:, target]
        return one.told(days.rows(site, day), torch.from_numpy(values))


class _Days:
    """Rows of the kernel for the site-days of a dataset."""

    def __init__(self, dataset: Dataset, model: GaussianProcessPredictor) -> None:
        self.features = features(dataset, model.signature, model.scalers)
        self.day = day_axis(dataset)
        names, classes = dataset.site_id.astype(str).tolist(), dataset.group().names().tolist()
        self.site = torch.tensor(_numbers(names, model.sites))
        self.group = torch.tensor(_numbers(classes, model.groups))

    def rows(self, site: Tensor, day: Tensor) -> SiteDays:
        """site, day: (R,)."""
        return SiteDays(self.features[site, day], self.site[site], self.group[site], self.day[day])


def fit(
    dataset: Dataset,
    split: AnySplit,
    signature: Signature,
    *,
    past_flux: bool,
    seed: int,
) -> GaussianProcessPredictor:
    """See emulator.baselines; the seed draws the site-days."""
    marked = split.days(dataset, "train")
    scalers = fit_scalers_to(dataset, marked, signature)
    space = FluxSpace.of(signature, scalers)
    model = GaussianProcessPredictor(
        scalers,
        space,
        signature,
        (),
        tuple(dataset.site_id.astype(str).tolist()),
        tuple(sorted(set(dataset.group().names().tolist()))),
        tuple(day_axis(dataset)[row] for row in marked),
        past_flux,
    )
    days, random = _Days(dataset, model), np.random.default_rng(seed)
    fitted = []
    for target, place in enumerate(space.learned):
        site, day = _sample(marked & torch.isfinite(dataset.flux[..., place]), random)
        values = torch.from_numpy(space.standardise(dataset.flux[site, day].double().numpy())[:, target])
        fitted.append(_search(days.rows(site, day), values, random))
    return replace(model, fitted=tuple(fitted))


def rebuilt(state: dict[str, Any], signature: Signature) -> GaussianProcessPredictor:
    """The predictor of a state."""
    scalers = Scalers(**state["scalers"])
    fitted = tuple(
        Fitted(Kernel(**one["kernel"]), SiteDays(**one["rows"]), one["values"], one["mean"]) for one in state["fitted"]
    )
    space, names = FluxSpace.of(signature, scalers), (tuple(state["sites"]), tuple(state["groups"]))
    learned = tuple(state["learned_days"])
    return GaussianProcessPredictor(scalers, space, signature, fitted, *names, learned, state["past_flux"])


def features(dataset: Dataset, signature: Signature, scalers: Scalers) -> Tensor:
    """Trailing means of the scaled drivers over WINDOWS, window by window, (N, T, K), of what there is of a record."""
    scaled = torch.nan_to_num(DriverScaling(scalers, signature)(dataset.drivers)).double()
    sums = torch.nn.functional.pad(scaled.cumsum(1), (0, 0, 1, 0))
    day = torch.arange(len(dataset.time)).expand(dataset.n_sites, -1)
    first = torch.as_tensor(dataset.periods[:, :1])
    means = []
    for window in WINDOWS:
        start = torch.maximum(day + 1 - window, first).minimum(day)
        before = sums.gather(1, start[..., None].expand(-1, -1, sums.shape[2]))
        means.append((sums[:, 1:] - before) / (day + 1 - start)[..., None])
    return torch.cat(means, dim=2)


def day_axis(dataset: Dataset) -> Tensor:
    """Days (T,) on an axis that all datasets share: years of 365.25 days, to a day."""
    year, day = dataset.calendar[:, column.YEAR], dataset.calendar[:, column.DAY_OF_YEAR]
    return (year.double() * DAYS_PER_YEAR).floor() + day


def _sample(marked: Tensor, random: np.random.Generator) -> tuple[Tensor, Tensor]:
    """At most ROWS of the marked site-days (N, T), every site with as many as it has, or its share."""
    chosen, spare = torch.zeros_like(marked), ROWS
    rows = sorted(np.flatnonzero(marked.any(1)), key=lambda row: int(marked[row].sum()))
    for left, row in zip(range(len(rows), 0, -1), rows, strict=True):
        share = max(1, spare // left)
        days = np.flatnonzero(marked[row])
        days = days if len(days) <= share else random.permutation(days)[:share]
        chosen[row, torch.as_tensor(days)] = True
        spare -= len(days)
    site, day = torch.nonzero(chosen, as_tuple=True)
    return site, day


def _search(rows: SiteDays, values: Tensor, random: np.random.Generator) -> Fitted:
    """The kernel of the largest marginal likelihood (eq. 2.30) and prior, by ascent on draws of the rows."""
    kernel, mean = Kernel.usual(rows.features.shape[1]), float(values.mean())
    for value in kernel.parameters():
        value.requires_grad_()
    optimizer = torch.optim.Adam(kernel.parameters(), lr=RATE)
    for _ in range(STEPS):
        drawn = torch.as_tensor(random.permutation(len(values))[:SEARCH_ROWS])
        part, residual = rows.take(drawn), values[drawn] - mean
        noise = (kernel.noise() + JITTER) * torch.eye(len(drawn), dtype=torch.float64)
        root = torch.linalg.cholesky(kernel.covariance(part, part) + noise)
        solved = torch.linalg.solve_triangular(root, residual[:, None], upper=False)[:, 0]
        loss = 0.5 * (solved * solved).sum() + root.diagonal().log().sum() + kernel.departure()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return Fitted(Kernel(*(value.detach() for value in kernel.parameters())), rows, values, mean)


def _numbers(names: list[str], first: tuple[str, ...]) -> list[int]:
    """Number of each name: its place among the known ones, or one of its own after them."""
    place = {name: number for number, name in enumerate(first)}
    return [place.setdefault(name, len(place)) for name in names]
