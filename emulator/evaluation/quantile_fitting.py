"""Fits the quantiles of a trained predictor on validation data, for new sites and for sites trained on.

Sites trained on are represented by their validation years, new sites by the validation sites and by the sites that were
left out in turn. Errors at a new site are alike on all its days, so that there are about as many independent errors as
sites: sites count alike, the heads are small, and how far the intervals reach is settled by conformal prediction on
sites that the heads were not fitted on. At known sites, whose own errors the next year resembles, the units are months.
Where there are too few units there is no interval: the factor is NaN, and so are the quantiles.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor
from torch.func import functional_call, vmap

from emulator.data import calendar as column
from emulator.data.dataset import Dataset
from emulator.data.near_sites import near_groups
from emulator.data.scalers import Scalers, fit_scalers_to
from emulator.data.series import either, marked_days, new_series, site_blocks
from emulator.data.split_days import AnySplit
from emulator.evaluation.conformal import unit_quantile
from emulator.evaluation.left_out import LeftOut
from emulator.evaluation.quantile_series import quantile_inputs, scored_values
from emulator.evaluation.views import View
from emulator.models.wrappers.quantiles import NEW, TRAINED, QuantileHead, QuantileModel

ROUNDS = 5
"""Groups of sites that are left out of a fit in turn."""
ROWS = 6_000
"""Site-days that a head is fitted on."""
STEPS = 120
BATCH = 512
LEARNING_RATE = 3e-2
STATIC_PENALTY = 20.0
"""Square penalty, divided by the number of sites, on weights of static features: by them the head could learn the sites
by heart. Without it, errors of left-out sites were twice as large as the head thought.
"""


@dataclass(frozen=True)
class _Rows:
    """Site-days to learn from: inputs of QuantileModel.forward, truth (R, C), site (R,), group of sites that are left
    out of a fit together (R,), and unit that errors are exchanged by (R,).
    """

    fluxes: Tensor
    features: Tensor
    years_known: Tensor
    truth: Tensor
    site: Tensor
    group: Tensor
    unit: Tensor

    def cut(self, index: Tensor) -> "_Rows":
        """Some of the rows."""
        return _Rows(*(getattr(self, field.name)[index] for field in fields(self)))


def fit_quantiles(
    views: np.ndarray | View | Sequence[View],
    dataset: Dataset,
    split: AnySplit,
    *,
    left_out: LeftOut | None = None,
    scalers: Scalers | None = None,
    seed: int = 0,
) -> QuantileModel:
    """Quantiles of a predictor from its errors on validation data, and at sites that were left out; nothing else of
    `dataset.flux` is read but, for `scalers` that are not given, the training data.

    views: predictions of all sites and days, in one or in several ways of running the predictor; left_out: in the same
    ways, by trainings without the sites.
    """
    return cross_fit(views, dataset, split, left_out=left_out, scalers=scalers, seed=seed)[0]


def cross_fit(
    views: np.ndarray | View | Sequence[View],
    dataset: Dataset,
    split: AnySplit,
    *,
    left_out: LeftOut | None = None,
    scalers: Scalers | None = None,
    seed: int = 0,
) -> tuple[QuantileModel, "CrossFit | None"]:
    """As `fit_quantiles`, and the fits of the head for new sites to all groups of sites but some, None without any."""
    if isinstance(views, np.ndarray):
        views = [View(views)]
    elif isinstance(views, View):
        views = [views]
    if scalers is None:
        scalers = fit_scalers_to(dataset, split.days(dataset, "train"), dataset.signature)
    of_new = None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = QuantileModel(dataset.signature, scalers, uses_spread=views[0].members is not None)
        most_years = 0.0
        model.factor.fill_(torch.nan)
        for head in (NEW, TRAINED):
            days, predicted = calibrated_on(views, split, dataset, left_out if head == NEW else None, head)
            rows = _rows(model, predicted, dataset, split, days, head, seed)
            if len(rows.site):
                fit = _fit_head(model, head, rows)
                of_new = fit if head == NEW else of_new
                most_years = max(most_years, float(rows.years_known.max()))
        model.most_years.fill_(most_years)
    return model.eval(), of_new


def calibrated_on(
    views: Sequence[View], split: AnySplit, dataset: Dataset, left_out: LeftOut | None, head: int
) -> tuple[np.ndarray, Sequence[View]]:
    """Days (N, T) whose errors a head learns from, and the predictions of those days."""
    part = "validation_temporal" if head == TRAINED else "validation_spatial"
    days = split.days(dataset, part).numpy()
    if left_out is None:
        return days, views
    return either(torch.as_tensor(days), torch.as_tensor(left_out.days)).numpy(), [
        merged(left, view, left_out.days) for left, view in zip(left_out.views, views, strict=True)
    ]


def merged(first: View, second: View, days: np.ndarray) -> View:
    """The first view on the days marked in `days` (N, T), the second elsewhere."""
    sites, times, targets = second.predicted.shape
    predicted = new_series(sites, times, targets).numpy()
    years = None if second.years_known is None else new_series(sites, times, 1)[..., 0].numpy()
    members = None
    if first.members is not None and second.members is not None:
        count = len(second.members)
        members = new_series(count * sites, times, targets).view(count, sites, times, targets).numpy()
    for rows in site_blocks(sites, times):
        marks, one, other = days[rows], first.rows(rows), second.rows(rows)
        predicted[rows] = np.where(marks[..., None], one.predicted, other.predicted)
        if years is not None and other.years_known is not None:
            known = other.years_known if one.years_known is None else one.years_known
            years[rows] = np.where(marks, known, other.years_known)
        if members is not None and one.members is not None and other.members is not None:
            members[:, rows] = np.where(marks[..., None], one.members, other.members)
    return View(predicted, years, second.members if members is None else members)


def _units(dataset: Dataset, head: int, site: np.ndarray, day: np.ndarray) -> np.ndarray:
    """What errors of site-days (R,) are exchanged by, (R,): near sites together, or the months of a site."""
    if head == NEW:
        return near_groups(dataset.lat, dataset.lon)[site]
    year, month = (dataset.calendar[:, number].numpy() for number in (column.YEAR, column.MONTH))
    of_record = 12 * (year - year.min()) + month
    return np.asarray(site * (of_record.max() + 1) + of_record[day])


def left_out_together(block: np.ndarray, near: np.ndarray) -> np.ndarray:
    """Groups of sites (N,) that no block and no group of near sites (N,) reaches across."""
    (blocks, block), (nears, near) = (np.unique(of, return_inverse=True) for of in (block, near))
    size = len(blocks) + len(nears)
    links = coo_array((np.ones(len(block)), (block, len(blocks) + near)), shape=(size, size))
    return np.asarray(connected_components(links, directed=False)[1][block], np.int64)


@torch.no_grad()
def _rows(
    model: QuantileModel,
    views: Sequence[View],
    dataset: Dataset,
    split: AnySplit,
    days: np.ndarray,
    head: int,
    seed: int,
) -> _Rows:
    """Random measured days of those marked in `days` (N, T), as many of each site."""
    of_part, has_flux = torch.as_tensor(days), dataset.has_scored_flux
    random = np.random.default_rng(seed)
    sites = np.flatnonzero(marked_days(of_part, has_flux).numpy())
    days_per_site = max(1, ROWS // max(1, len(sites) * len(views)))
    static_features = model.static_features(dataset.static)
    group_of_site = left_out_together(split.block, near_groups(dataset.lat, dataset.lon))
    samples = []
    for view in views:
        days_of_sites = [
            random.choice(np.flatnonzero((of_part[site] & has_flux[site]).numpy()), days_per_site) for site in sites
        ]
        site = np.repeat(sites, days_per_site)
        day = np.concatenate([*days_of_sites, np.empty(0, np.int64)]).astype(np.int64)
        fluxes, features, years_known = quantile_inputs(model, view, dataset, static_features, site, day)
        truth = scored_values(dataset, site, day)
        numbers = (torch.as_tensor(values) for values in (site, group_of_site[site], _units(dataset, head, site, day)))
        samples.append(_Rows(fluxes, features, years_known, truth, *numbers))
    return _Rows(*(torch.cat([getattr(sample, field.name) for sample in samples]) for field in fields(_Rows)))


@dataclass(frozen=True)
class CrossFit:
    """A head fitted to all groups of sites but some, in turn.

    weights: by round; round_of_row: (R,), in which the row was left out; factor: (R, C), how much wider the interval of
    that round would have to be to reach the truth; unit, gauged: (R,) of the rows.
    """

    weights: list[dict[str, Tensor]]
    round_of_row: Tensor
    factor: Tensor
    unit: Tensor
    gauged: Tensor

    def without(self, model: QuantileModel, unit: int) -> QuantileModel:
        """The model for new sites as the other units have it."""
        others, other = copy.deepcopy(model), self.unit != unit
        others.new.load_state_dict(self.weights[int(self.round_of_row[~other][0])])
        others.factor[NEW] = self.factors(other)
        return others

    def factors(self, counted: Tensor) -> Tensor:
        """The factors (2, C) of rows that are counted (R,), without and with known past flux."""
        tables = []
        for members in (counted & ~self.gauged, counted & self.gauged):
            rows = members if members.any() else counted
            tables.append(_unit_quantiles(self.factor[rows], self.unit[rows]))
        return torch.stack(tables)


def _fit_head(model: QuantileModel, which: int, rows: _Rows) -> CrossFit:
    """Fit a head, NEW or TRAINED, and its factors by predictions for groups of sites that were left out of a fit."""
    head = model.trained if which == TRAINED else model.new
    group = rows.group if len(rows.group.unique()) >= ROUNDS else rows.unit
    groups = group.unique()
    rounds = ROUNDS if len(groups) >= ROUNDS else 0
    round_of_group = torch.randperm(len(groups)) % max(rounds, 1)
    round_of_row = round_of_group[torch.searchsorted(groups, group)]
    left_out = [round_of_row == number for number in range(rounds)]
    fitted_on = [torch.nonzero(~out).flatten() for out in left_out]
    weights_by_round = _train(model, head, rows, [*fitted_on, torch.arange(len(rows.site))])
    factor = torch.full_like(rows.truth, torch.nan)
    for out, weights in zip(left_out, weights_by_round, strict=False):
        head.load_state_dict(weights)
        factor[out] = _needed_factor(model, head, rows.cut(out))
    head.load_state_dict(weights_by_round[-1])
    fit = CrossFit(weights_by_round, round_of_row, factor, rows.unit, rows.years_known > 0)
    model.factor[which] = fit.factors(torch.ones(len(rows.site), dtype=torch.bool))
    return fit


def _train(model: QuantileModel, head: QuantileHead, rows: _Rows, fitted_on: list[Tensor]) -> list[dict[str, Tensor]]:
    """Minimise the pinball loss in the standardised space, side by side for several choices of rows; the weights.

    Every site has the same number of rows.
    """
    truth, predicted = model.targets.standardise(rows.truth), model.targets.standardise(rows.fluxes)
    observed = torch.isfinite(truth).float()
    error = torch.where(observed > 0, truth - predicted, torch.zeros_like(predicted))
    penalty = STATIC_PENALTY / len(rows.site.unique())
    static_columns = slice(-model.static_features.size, None)

    def loss(weights: dict[str, Tensor], features: Tensor, error: Tensor, observed: Tensor) -> Tensor:
        shift, distance = functional_call(head, weights, (features,))
        beyond = (error - shift).unsqueeze(-1) - distance
        pinball = torch.maximum(model.levels * beyond, (model.levels - 1.0) * beyond).mean(-1)
        fit = (pinball * observed).sum() / observed.sum().clamp(min=1.0)
        return fit + penalty * weights["net.0.weight"][:, static_columns].pow(2).sum()

    weights = {
        name: value.detach().expand(len(fitted_on), *value.shape).clone().requires_grad_()
        for name, value in head.named_parameters()
    }
    optimizer = torch.optim.Adam(weights.values(), lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    with torch.enable_grad():
        for _ in range(STEPS):
            index = torch.stack([usable[torch.randint(len(usable), (BATCH,))] for usable in fitted_on])
            total = vmap(loss)(weights, rows.features[index], error[index], observed[index]).sum()
            optimizer.zero_grad()
            total.backward()
            optimizer.step()
            schedule.step()
    return [
        {name: value[number].detach().clone() for name, value in weights.items()} for number in range(len(fitted_on))
    ]


@torch.no_grad()
def _needed_factor(model: QuantileModel, head: QuantileHead, rows: _Rows) -> Tensor:
    """How much wider the 90 % interval would have to be to reach the truth, (R, C); NaN where it is not known."""
    shift, distance = head(rows.features)
    error = model.targets.standardise(rows.truth) - model.targets.standardise(rows.fluxes) - shift
    return torch.where(error < 0, error / distance[..., 0], error / distance[..., -1])


def _unit_quantiles(factor: Tensor, unit: Tensor) -> Tensor:
    """The factor (C,) by which intervals cover the days of a further unit on average; NaN with too few units."""
    quantiles = [unit_quantile(values.numpy(), unit.numpy()) for values in factor.unbind(1)]
    return torch.tensor(quantiles, dtype=torch.float32).clamp(min=0.05)
