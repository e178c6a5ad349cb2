"""Quantiles of whole series by a fitted quantile model, and their scores."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from emulator.data.dataset import Dataset
from emulator.data.series import site_blocks
from emulator.evaluation import probabilistic
from emulator.evaluation.views import View
from emulator.models.wrappers.quantiles import LEVELS, QuantileModel
from foundations.variables import Variable

BANDS = {0.05: "q05", 0.5: "q50", 0.95: "q95"}
"""Levels that are written to files, and the endings of their names."""

DAYS_AT_ONCE = 65_536
"""Site-days whose quantiles are computed at once; it bounds memory."""

DAYS_SCORED = 300_000
"""Site-days that scores are computed from at most."""


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
    return _of_site_days(model, view, dataset, trained_on, site, day)


@torch.no_grad()
def site_quantiles(
    model: QuantileModel, view: View, dataset: Dataset, trained_on: bool, site: int, days: np.ndarray
) -> np.ndarray:
    """Quantiles (n, C, Q) of some days (n,) of a site; trained_on: whether the predictor was."""
    marks = np.zeros(dataset.n_sites, bool)
    marks[site] = trained_on
    return _of_site_days(model, view, dataset, marks, np.full_like(days, site), days)


def _of_site_days(
    model: QuantileModel, view: View, dataset: Dataset, trained_on: np.ndarray, site: np.ndarray, day: np.ndarray
) -> np.ndarray:
    """Quantiles (n, C, Q) of site-days: rows (n,) and days (n,)."""
    static_features = model.static_features(dataset.static)
    low, high = model.bounds(dataset.static)
    chunks = []
    for start in range(0, len(site), DAYS_AT_ONCE):
        rows, times = site[start : start + DAYS_AT_ONCE], day[start : start + DAYS_AT_ONCE]
        fluxes, features, years_known = quantile_inputs(model, view, dataset, static_features, rows, times)
        trained = torch.as_tensor(np.asarray(trained_on, bool)[rows])
        chunks.append(model.from_features(fluxes, features, years_known, trained, low[rows], high[rows]).numpy())
    return np.concatenate(chunks) if chunks else np.empty((0, len(dataset.signature.targets), len(LEVELS)), np.float32)


def _spread_out(days: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Sites and days that are marked in `days` (N, T), in their order, or every so many-th of them."""
    blocks = list(site_blocks(*days.shape))
    every = max(1, -(-sum(int(days[rows].sum()) for rows in blocks) // most))
    before, sites, times = 0, [], []
    for rows in blocks:
        site, day = np.nonzero(days[rows])
        chosen = slice(-before % every, None, every)
        sites.append(rows.start + site[chosen])
        times.append(day[chosen])
        before += len(site)
    return np.concatenate([*sites, np.empty(0, np.int64)]), np.concatenate([*times, np.empty(0, np.int64)])


def scored_values(dataset: Dataset, site: np.ndarray, day: np.ndarray) -> Tensor:
    """Flux (n, C) of site-days that predictions may be judged by, as `Dataset.scored_flux`."""
    rows, days = torch.as_tensor(site), torch.as_tensor(day)
    flux = dataset.flux[rows, days]
    return flux if dataset.measured is None else flux.masked_fill(~dataset.measured[rows, days], torch.nan)


def quantile_inputs(
    model: QuantileModel, view: View, dataset: Dataset, static_features: Tensor, site: np.ndarray, day: np.ndarray
) -> tuple[Tensor, Tensor, Tensor]:
    """Predictions (R, C), features (R, F) and years of known flux (R,) of R site-days."""
    fluxes = torch.as_tensor(view.predicted[site, day], dtype=torch.float32)
    years_known = torch.zeros(len(site))
    if view.years_known is not None:
        years_known = torch.as_tensor(view.years_known[site, day], dtype=torch.float32)
    spread = torch.zeros(len(site), 0)
    if view.members is not None:
        spread = model.member_spread(torch.as_tensor(view.members[:, site, day], dtype=torch.float32))
    features = model.features(fluxes, dataset.calendar[day], static_features[site], years_known, spread)
    return fluxes, features, years_known


@torch.no_grad()
def predict_bands(model: QuantileModel, view: View, dataset: Dataset, trained_on: np.ndarray) -> np.ndarray:
    """Quantiles of BANDS for all sites and days, (N, T, C, 3)."""
    columns = [LEVELS.index(level) for level in BANDS]
    bands = np.empty((*view.predicted.shape, len(columns)), np.float32)
    day = np.arange(view.predicted.shape[1])
    for site in range(dataset.n_sites):
        bands[site] = _of_site_days(model, view, dataset, trained_on, np.full_like(day, site), day)[..., columns]
    return bands


def band_content(target: Variable) -> dict[str, tuple[Variable, str]]:
    """The bands of a target as `series_file.Content` has them."""
    return {f"{target.name}_{name}": (target, f"{level:g} quantile") for level, name in BANDS.items()}


def band_series(target: Variable, bands: np.ndarray) -> dict[str, np.ndarray]:
    """The bands (N, T, 3) of a target by their names in the file."""
    return {f"{target.name}_{name}": bands[..., index] for index, name in enumerate(BANDS.values())}


@torch.no_grad()
def score_quantiles(
    model: QuantileModel, view: np.ndarray | View, dataset: Dataset, trained_on: np.ndarray, days: np.ndarray
) -> dict[str, dict[str, Any]]:
    """`probabilistic.score` by target on the site-days marked in `days` (N, T), or on every so many-th of them where
    they are more than DAYS_SCORED.
    """
    view = view if isinstance(view, View) else View(view)
    site, day = _spread_out(days, DAYS_SCORED)
    quantiles = _of_site_days(model, view, dataset, trained_on, site, day)
    observed = scored_values(dataset, site, day).numpy()
    return {
        target.name: probabilistic.score(observed[:, index], quantiles[:, index], LEVELS)
        for index, target in enumerate(dataset.signature.targets)
    }
