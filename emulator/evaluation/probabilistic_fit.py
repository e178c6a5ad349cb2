"""Fits the quantiles of a trained predictor on validation data, and applies them to whole series.

Sites trained on are represented by their validation years, new sites by the validation sites. Errors at a new site are
alike on all its days, so that there are about as many independent errors as validation sites: sites count alike, the
heads are small, and how far the intervals reach is settled on sites that the heads were not fitted on.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call, vmap

from emulator.data import calendar as column
from emulator.data.dataset import Dataset
from emulator.data.scalers import Scalers, fit_scalers
from emulator.data.splits import Split
from emulator.data.windows import training_data
from emulator.evaluation import probabilistic
from emulator.evaluation.offline import predict, predict_self_fed
from emulator.models.streaming import StreamingModel
from emulator.models.wrappers.ensemble import Ensemble
from emulator.models.wrappers.quantiles import LEVELS, QuantileHead, QuantileModel
from foundations.variables import Variable

log = logging.getLogger(__name__)

COVERAGE = 0.9
ROUNDS = 5
ROWS = 6_000
MOST = 300_000
STEPS = 120
BATCH = 512
LEARNING_RATE = 3e-2
STATIC_PENALTY = 20.0
"""Square penalty, divided by the number of sites, on weights of static features: by them the head could learn the sites
by heart. Without it, errors of left-out sites were twice as large as the head thought.
"""


@dataclass(frozen=True)
class View:
    """One way to run a predictor: predictions (N, T, C) in analysis units, of how many past years they knew flux,
    (N, T), None = of none, and, of an ensemble, the predictions of its members (M, N, T, C).
    """

    predicted: np.ndarray
    years_known: np.ndarray | None = None
    members: np.ndarray | None = None


@dataclass(frozen=True)
class _Rows:
    """Site-days to learn from: inputs of QuantileModel.forward, truth (R, C), site (R,) and group of sites (R,)."""

    fluxes: Tensor
    features: Tensor
    years_known: Tensor
    truth: Tensor
    site: Tensor
    group: Tensor

    def cut(self, index: Tensor) -> "_Rows":
        """Some of the rows."""
        return _Rows(*(getattr(self, name)[index] for name in self.__dataclass_fields__))


def fit_quantiles(
    views: np.ndarray | View | Sequence[View],
    dataset: Dataset,
    split: Split,
    *,
    scalers: Scalers | None = None,
    seed: int = 0,
) -> QuantileModel:
    """Quantiles of a predictor from its errors on validation data; nothing else of `dataset.flux` is read but, for
    `scalers` that are not given, the training data.

    views: predictions of all sites and days, in one or in several ways of running the predictor.
    """
    if isinstance(views, np.ndarray):
        views = [View(views)]
    elif isinstance(views, View):
        views = [views]
    if scalers is None:
        scalers = fit_scalers(training_data(dataset, split.mask("train")), dataset.signature)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = QuantileModel(dataset.signature, scalers, uses_spread=views[0].members is not None)
        fitted, most_years = [], 0.0
        for head, part in ((0, "validation_spatial"), (1, "validation_temporal")):
            rows = _rows(model, views, dataset, split, part, seed)
            if len(rows.site):
                _fit_part(model, head, rows)
                fitted.append(head)
                most_years = max(most_years, float(rows.years_known.max()))
        model.most_years.fill_(most_years)
        if fitted == [0]:
            model.trained.load_state_dict(model.new.state_dict())
            model.factor[1] = model.factor[0]
        elif fitted == [1]:
            log.warning("%s: no validation sites: intervals at new sites are those of later years", dataset.path)
            model.new.load_state_dict(model.trained.state_dict())
            model.factor[0] = model.factor[1]
    return model.eval()


def years_known(dataset: Dataset, visible: np.ndarray | None = None) -> np.ndarray:
    """Number of earlier years with any flux on days that are `visible` (N, T), default all; (N, T) float32."""
    known = torch.isfinite(dataset.flux).any(-1).numpy()
    if visible is not None:
        known = known & np.asarray(visible, bool)
    year = dataset.calendar[:, column.YEAR].numpy()
    has_flux = np.stack([known[:, year == one].any(axis=1) for one in np.unique(year)], axis=1)
    before = np.cumsum(has_flux, axis=1) - has_flux
    return before[:, np.searchsorted(np.unique(year), year)].astype(np.float32)


@torch.no_grad()
def predict_quantiles(
    model: QuantileModel,
    view: np.ndarray | View,
    dataset: Dataset,
    trained_on: np.ndarray,
    days: np.ndarray | None = None,
) -> np.ndarray:
    """Quantiles (n, C, Q), float32, of the site-days marked in `days` (N, T), default all, in their order.

    trained_on: (N,) bool, `split.train_sites` of the predictor.
    """
    view = view if isinstance(view, View) else View(view)
    site, day = np.nonzero(np.ones(view.predicted.shape[:2], bool) if days is None else days)
    static_features = model.static_features(dataset.static)
    low, high = model.bounds(dataset.static)
    parts = []
    for start in range(0, len(site), 65536):
        rows, columns = site[start : start + 65536], day[start : start + 65536]
        fluxes, features, known = _inputs(model, view, dataset, static_features, rows, columns)
        trained = torch.as_tensor(np.asarray(trained_on, bool)[rows])
        quantiles = model.from_features(fluxes, features, known, trained, low[rows], high[rows])
        parts.append(quantiles.numpy())
    return np.concatenate(parts) if parts else np.empty((0, len(dataset.signature.targets), len(LEVELS)), np.float32)


BANDS = {0.05: "q05", 0.5: "q50", 0.95: "q95"}
"""Levels that are written to files, and the endings of their names."""


def predict_bands(model: QuantileModel, view: View, dataset: Dataset, trained_on: np.ndarray) -> np.ndarray:
    """Quantiles of BANDS for all sites and days, (N, T, C, 3)."""
    columns = [LEVELS.index(level) for level in BANDS]
    result = np.empty((*view.predicted.shape, len(columns)), np.float32)
    for site in range(dataset.n_sites):
        days = np.zeros(view.predicted.shape[:2], bool)
        days[site] = True
        result[site] = predict_quantiles(model, view, dataset, trained_on, days)[..., columns]
    return result


def band_series(target: Variable, bands: np.ndarray) -> dict[str, tuple[Variable, np.ndarray, str]]:
    """The bands (N, T, 3) of a target as `write_predictions` takes them."""
    return {
        f"{target.name}_{name}": (target, bands[..., index], f"{level:g} quantile")
        for index, (level, name) in enumerate(BANDS.items())
    }


def run_model(
    model: StreamingModel, dataset: Dataset, visible: np.ndarray | None = None, self_fed: bool = False
) -> View:
    """Predictions of all sites and days, of an ensemble with the spread of its members.

    visible: (N, Y) site-years whose flux later years may see; self_fed: the model's own flux instead.
    """
    seen = None if visible is None else dataset.day_mask(visible)
    known = None if seen is None else years_known(dataset, seen.numpy())
    deep = isinstance(model, Ensemble)
    if self_fed:
        predicted = predict_self_fed(model, dataset)
        if not deep:
            return View(predicted)
        dataset, seen = replace(dataset, flux=torch.from_numpy(predicted)), torch.ones(predicted.shape[:2]).bool()
    elif not deep:
        return View(predict(model, dataset, seen), known)
    members = np.stack([predict(member, dataset, seen) for member in model.members])
    return View(model.average(torch.from_numpy(members)).numpy(), known, members)


def score_quantiles(
    model: QuantileModel, view: np.ndarray | View, dataset: Dataset, trained_on: np.ndarray, days: np.ndarray
) -> dict[str, dict[str, Any]]:
    """`probabilistic.score` by target on the site-days marked in `days` (N, T), or on every so many-th of them where
    they are more than MOST.
    """
    marked = np.flatnonzero(days)
    days = np.zeros(days.shape, bool)
    days.flat[marked[:: max(1, -(-len(marked) // MOST))]] = True
    quantiles = predict_quantiles(model, view, dataset, trained_on, days)
    observed = dataset.flux[torch.as_tensor(days)].numpy()
    return {
        target.name: probabilistic.score(observed[:, index], quantiles[:, index], LEVELS)
        for index, target in enumerate(dataset.signature.targets)
    }


def _inputs(
    model: QuantileModel, view: View, dataset: Dataset, static_features: Tensor, site: np.ndarray, day: np.ndarray
) -> tuple[Tensor, Tensor, Tensor]:
    """Predictions, features and years known of some site-days."""
    fluxes = torch.as_tensor(view.predicted[site, day], dtype=torch.float32)
    known = torch.zeros(len(site))
    if view.years_known is not None:
        known = torch.as_tensor(view.years_known[site, day], dtype=torch.float32)
    spread = torch.zeros(len(site), 0)
    if view.members is not None:
        spread = model.member_spread(torch.as_tensor(view.members[:, site, day], dtype=torch.float32))
    features = model.features(fluxes, dataset.calendar[day], static_features[site], known, spread)
    return fluxes, features, known


@torch.no_grad()
def _rows(model: QuantileModel, views: Sequence[View], dataset: Dataset, split: Split, part: str, seed: int) -> _Rows:
    """Random days of a part of the split, as many of each site."""
    days = dataset.day_mask(split.mask(part)).numpy() & torch.isfinite(dataset.flux).any(-1).numpy()
    random = np.random.default_rng(seed)
    sites = np.flatnonzero(days.any(axis=1))
    each = max(1, ROWS // max(1, len(sites) * len(views)))
    static_features = model.static_features(dataset.static)
    parts = []
    for view in views:
        chosen = [random.choice(np.flatnonzero(days[site]), each) for site in sites]
        site, day = np.repeat(sites, each), np.concatenate([*chosen, np.empty(0, np.int64)]).astype(np.int64)
        fluxes, features, known = _inputs(model, view, dataset, static_features, site, day)
        truth = dataset.flux[torch.as_tensor(site), torch.as_tensor(day)]
        groups = np.unique(split.block[site], return_inverse=True)[1] if len(site) else site
        parts.append(_Rows(fluxes, features, known, truth, torch.as_tensor(site), torch.as_tensor(groups)))
    return _Rows(*(torch.cat([getattr(p, name) for p in parts]) for name in _Rows.__dataclass_fields__))


def _fit_part(model: QuantileModel, which: int, rows: _Rows) -> None:
    """Fit one of the two heads, and its factors by predictions for groups of sites that were left out of a fit."""
    head = model.trained if which else model.new
    groups = rows.group.unique()
    rounds = ROUNDS if len(groups) >= ROUNDS else 0
    turn = torch.randperm(len(groups)) % max(rounds, 1)
    round_of_row = turn[torch.searchsorted(groups, rows.group)]
    left_out = [round_of_row == number for number in range(rounds)]
    kept = [torch.nonzero(~out).flatten() for out in left_out]
    fitted = _train(model, head, rows, [*kept, torch.arange(len(rows.site))])
    needed = torch.full_like(rows.truth, torch.nan)
    for out, weights in zip(left_out, fitted, strict=False):
        head.load_state_dict(weights)
        needed[out] = _needed_factor(model, head, rows.cut(out))
    head.load_state_dict(fitted[-1])
    gauged = rows.years_known > 0
    for known, members in enumerate((~gauged, gauged)):
        chosen = members if members.any() else ~members
        model.factor[which, known] = _site_quantile(needed[chosen], rows.site[chosen])


def _train(model: QuantileModel, head: QuantileHead, rows: _Rows, kept: list[Tensor]) -> list[dict[str, Tensor]]:
    """Minimise the pinball loss in the standardised space, side by side for several choices of rows; the weights.

    Every site has the same number of rows.
    """
    truth, z = model.targets.standardise(rows.truth), model.targets.standardise(rows.fluxes)
    known = torch.isfinite(truth).float()
    error = torch.where(known > 0, truth - z, torch.zeros_like(z))
    penalty = STATIC_PENALTY / len(rows.site.unique())
    static_columns = slice(-model.static_features.size, None)

    def loss(weights: dict[str, Tensor], features: Tensor, error: Tensor, known: Tensor) -> Tensor:
        shift, distance = functional_call(head, weights, (features,))
        beyond = (error - shift).unsqueeze(-1) - distance
        pinball = torch.maximum(model.levels * beyond, (model.levels - 1.0) * beyond).mean(-1)
        fit = (pinball * known).sum() / known.sum().clamp(min=1.0)
        return fit + penalty * weights["net.0.weight"][:, static_columns].pow(2).sum()

    weights = {
        name: value.detach().expand(len(kept), *value.shape).clone().requires_grad_()
        for name, value in head.named_parameters()
    }
    optimizer = torch.optim.Adam(weights.values(), lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    with torch.enable_grad():
        for _ in range(STEPS):
            index = torch.stack([some[torch.randint(len(some), (BATCH,))] for some in kept])
            total = vmap(loss)(weights, rows.features[index], error[index], known[index]).sum()
            optimizer.zero_grad()
            total.backward()
            optimizer.step()
            schedule.step()
    return [{name: value[number].detach().clone() for name, value in weights.items()} for number in range(len(kept))]


@torch.no_grad()
def _needed_factor(model: QuantileModel, head: QuantileHead, rows: _Rows) -> Tensor:
    """How much wider the 90 % interval would have to be to reach the truth, (R, C); NaN where it is not known."""
    shift, distance = head(rows.features)
    error = model.targets.standardise(rows.truth) - model.targets.standardise(rows.fluxes) - shift
    return torch.where(error < 0, error / distance[..., 0], error / distance[..., -1])


def _site_quantile(needed: Tensor, site: Tensor) -> Tensor:
    """The factor (C,) by which intervals cover COVERAGE of the days of a further site on average.

    Sites weigh the same, and one site more than there are, of unlimited error, is counted in (Dunn, Wasserman and
    Ramdas 2023, J. Am. Stat. Assoc. 118:2491, on conformal prediction for groups).
    """
    result = torch.ones(needed.shape[1])
    for target in range(needed.shape[1]):
        known = torch.isfinite(needed[:, target])
        if not known.any():
            continue
        values, members = needed[known, target].double(), site[known]
        _, index, counts = members.unique(return_inverse=True, return_counts=True)
        order = values.argsort()
        weight = (1.0 / counts.double() / (len(counts) + 1))[index][order].cumsum(0)
        position = int(torch.searchsorted(weight, torch.tensor(COVERAGE, dtype=torch.float64)))
        result[target] = float(values[order][min(position, len(values) - 1)])
    return result.clamp(min=0.05)
