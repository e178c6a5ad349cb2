"""Fits the quantiles of a trained predictor on validation data, for new sites and for sites trained on.

Sites trained on are represented by their validation years, new sites by the validation sites. Errors at a new site are
alike on all its days, so that there are about as many independent errors as validation sites: sites count alike, the
heads are small, and how far the intervals reach is settled on sites that the heads were not fitted on.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call, vmap

from emulator.data.dataset import Dataset
from emulator.data.scalers import Scalers, fit_scalers_to
from emulator.data.series import marked_days
from emulator.data.split_days import AnySplit
from emulator.evaluation.quantile_series import quantile_inputs, scored_values
from emulator.evaluation.views import View
from emulator.models.wrappers.quantiles import QuantileHead, QuantileModel

log = logging.getLogger(__name__)

COVERAGE = 0.9
"""Share of the days of a further site that the widest interval is to cover."""
ROUNDS = 5
"""Groups of sites that are left out of a fit in turn."""
ROWS = 6_000
"""Site-days that a head is fitted on."""
STEPS = 120
BATCH = 512
NEW, TRAINED = 0, 1
"""The heads, for new sites and for sites trained on, in the order of `QuantileModel.factor`."""
LEARNING_RATE = 3e-2
STATIC_PENALTY = 20.0
"""Square penalty, divided by the number of sites, on weights of static features: by them the head could learn the sites
by heart. Without it, errors of left-out sites were twice as large as the head thought.
"""


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
        return _Rows(*(getattr(self, field.name)[index] for field in fields(self)))


def fit_quantiles(
    views: np.ndarray | View | Sequence[View],
    dataset: Dataset,
    split: AnySplit,
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
        scalers = fit_scalers_to(dataset, split.days(dataset, "train"), dataset.signature)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = QuantileModel(dataset.signature, scalers, uses_spread=views[0].members is not None)
        fitted_heads, most_years = [], 0.0
        for head, part in ((NEW, "validation_spatial"), (TRAINED, "validation_temporal")):
            rows = _rows(model, views, dataset, split, part, seed)
            if len(rows.site):
                _fit_head(model, head, rows)
                fitted_heads.append(head)
                most_years = max(most_years, float(rows.years_known.max()))
        model.most_years.fill_(most_years)
        if fitted_heads == [NEW]:
            model.trained.load_state_dict(model.new.state_dict())
            model.factor[TRAINED] = model.factor[NEW]
        elif fitted_heads == [TRAINED]:
            log.warning("%s: no validation sites: intervals at new sites are those of later years", dataset.path)
            model.new.load_state_dict(model.trained.state_dict())
            model.factor[NEW] = model.factor[TRAINED]
    return model.eval()


@torch.no_grad()
def _rows(
    model: QuantileModel, views: Sequence[View], dataset: Dataset, split: AnySplit, part: str, seed: int
) -> _Rows:
    """Random measured days of a part of the split, as many of each site."""
    of_part, has_flux = split.days(dataset, part), dataset.has_scored_flux
    random = np.random.default_rng(seed)
    sites = np.flatnonzero(marked_days(of_part, has_flux).numpy())
    days_per_site = max(1, ROWS // max(1, len(sites) * len(views)))
    static_features = model.static_features(dataset.static)
    samples = []
    for view in views:
        days_of_sites = [
            random.choice(np.flatnonzero((of_part[site] & has_flux[site]).numpy()), days_per_site) for site in sites
        ]
        site = np.repeat(sites, days_per_site)
        day = np.concatenate([*days_of_sites, np.empty(0, np.int64)]).astype(np.int64)
        fluxes, features, years_known = quantile_inputs(model, view, dataset, static_features, site, day)
        truth = scored_values(dataset, site, day)
        groups = np.unique(split.block[site], return_inverse=True)[1] if len(site) else site
        samples.append(_Rows(fluxes, features, years_known, truth, torch.as_tensor(site), torch.as_tensor(groups)))
    return _Rows(*(torch.cat([getattr(sample, field.name) for sample in samples]) for field in fields(_Rows)))


def _fit_head(model: QuantileModel, which: int, rows: _Rows) -> None:
    """Fit a head, NEW or TRAINED, and its factors by predictions for groups of sites that were left out of a fit."""
    head = model.trained if which == TRAINED else model.new
    groups = rows.group.unique()
    rounds = ROUNDS if len(groups) >= ROUNDS else 0
    round_of_group = torch.randperm(len(groups)) % max(rounds, 1)
    round_of_row = round_of_group[torch.searchsorted(groups, rows.group)]
    left_out = [round_of_row == number for number in range(rounds)]
    fitted_on = [torch.nonzero(~out).flatten() for out in left_out]
    weights_by_round = _train(model, head, rows, [*fitted_on, torch.arange(len(rows.site))])
    factor = torch.full_like(rows.truth, torch.nan)
    for out, weights in zip(left_out, weights_by_round, strict=False):
        head.load_state_dict(weights)
        factor[out] = _needed_factor(model, head, rows.cut(out))
    head.load_state_dict(weights_by_round[-1])
    gauged = rows.years_known > 0
    for column, members in enumerate((~gauged, gauged)):
        counted = members if members.any() else ~members
        model.factor[which, column] = _site_quantile(factor[counted], rows.site[counted])


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


def _site_quantile(factor: Tensor, site: Tensor) -> Tensor:
    """The factor (C,) by which intervals cover COVERAGE of the days of a further site on average.

    Sites weigh the same, and one site more than there are, of unlimited error, is counted in (Dunn, Wasserman and
    Ramdas 2023, J. Am. Stat. Assoc. 118:2491, on conformal prediction for groups).
    """
    quantile = torch.ones(factor.shape[1])
    for target in range(factor.shape[1]):
        observed = torch.isfinite(factor[:, target])
        if not observed.any():
            continue
        values = factor[observed, target].double()
        _, index, counts = site[observed].unique(return_inverse=True, return_counts=True)
        order = values.argsort()
        weight = (1.0 / counts.double() / (len(counts) + 1))[index][order].cumsum(0)
        position = int(torch.searchsorted(weight, torch.tensor(COVERAGE, dtype=torch.float64)))
        quantile[target] = float(values[order][min(position, len(values) - 1)])
    return quantile.clamp(min=0.05)
