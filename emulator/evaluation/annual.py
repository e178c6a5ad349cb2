"""Annual sums of fluxes with intervals, which daily ones do not give: errors of a year's days are not independent.

The variance of a sum is sum_ij s_i s_j r(|i - j|), with s the daily spread that the quantiles say, to either side, and

    r(k) = persistent + short exp(-k / days),  r(0) = 1,

fitted to the standardised errors of site-years that the model did not learn from: errors that stay all year, errors
that last for some days, and the rest, which is independent from day to day. How many such deviations an interval
reaches is then settled by conformal prediction on the sums over the measured days of those site-years.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from emulator.data import calendar as column
from emulator.data.dataset import Dataset
from emulator.data.near_sites import near_groups
from emulator.data.series import both
from emulator.evaluation.conformal import unit_quantile
from emulator.evaluation.quantile_series import scored_values, site_quantiles
from emulator.evaluation.views import View
from emulator.models.wrappers.quantiles import LEVELS, QuantileModel

FEWEST_DAYS = 60
"""Measured days of a year, below which its sum tells nothing of annual sums."""
DEVIATES = 1.6449
"""Of the 0.95 quantile of a normal distribution."""
LAGS = 120
"""Days up to which correlations are estimated; those of the second half are the persistent part."""
DECAYS = (1.0, 2.0, 3.0, 5.0, 8.0, 12.0, 20.0, 30.0)
LARGEST_ERROR = 5.0
"""Standardised errors are cut here where correlations are estimated."""
LOW, MEDIAN, HIGH = (LEVELS.index(level) for level in (0.05, 0.5, 0.95))


@dataclass(frozen=True)
class AnnualErrors:
    """How errors of days add up to those of years, by head (new sites, sites trained on) and target.

    persistent, short, days: (2, C), see the head of the module; factor: (2, 2, C), by head and by whether past flux is
    known, deviations that the 90 % interval reaches to either side; NaN where there were too few site-years.
    """

    persistent: Tensor
    short: Tensor
    days: Tensor
    factor: Tensor

    @classmethod
    def unknown(cls, targets: int) -> "AnnualErrors":
        """Without any interval."""
        table = torch.full((2, targets), torch.nan)
        return cls(table.clone(), table.clone(), table.clone(), torch.full((2, 2, targets), torch.nan))

    def state(self) -> dict[str, Tensor]:
        """Tensors by name, for a file."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def variance(self, head: int, target: int, spread: np.ndarray) -> float:
        """Variance of the sum of errors of consecutive days; spread: (n,), 0 on days that do not count."""
        shape = (float(part[head, target]) for part in (self.persistent, self.short, self.days))
        return float(spread @ _correlation(*shape)[: len(spread), : len(spread)] @ spread)


@lru_cache(maxsize=64)
def _correlation(persistent: float, short: float, days: float) -> np.ndarray:
    """r(k) of the days of a year with one another, (366, 366)."""
    lag = np.abs(np.subtract.outer(np.arange(366), np.arange(366)))
    return np.where(lag == 0, 1.0, persistent + short * np.exp(-lag / days))


@dataclass(frozen=True)
class SiteYear:
    """A year of a site: its days (n,) of the dataset; flux that predictions may be judged by, NaN where there is none;
    predicted flux, and spread below and above it, (n, C) each.
    """

    site: int
    year: int
    day: np.ndarray
    observed: np.ndarray
    predicted: np.ndarray
    below: np.ndarray
    above: np.ndarray
    knows_past: bool


def site_years(
    model: QuantileModel, view: View, dataset: Dataset, trained_on: np.ndarray, wanted: np.ndarray
) -> Iterator[SiteYear]:
    """Calendar years of the records of sites with a day that is marked in `wanted` (N, T)."""
    year_of_day = dataset.calendar[:, column.YEAR].numpy()
    for site in np.flatnonzero(wanted.any(axis=1)).tolist():
        first, last = dataset.periods[site].tolist()
        days = np.arange(first, last + 1)
        days = days[np.isin(year_of_day[days], year_of_day[days][wanted[site, days]])]
        quantiles = site_quantiles(model, view, dataset, bool(trained_on[site]), site, days)
        predicted = view.predicted[site, days].astype(np.float64)
        below, above = _spreads(predicted, quantiles)
        observed = scored_values(dataset, np.full_like(days, site), days).numpy()
        for year in np.unique(year_of_day[days][wanted[site, days]]).tolist():
            rows = year_of_day[days] == year
            knows_past = view.years_known is not None and bool(view.years_known[site, days[rows]].max() > 0)
            fluxes = (observed[rows], predicted[rows], below[rows], above[rows])
            yield SiteYear(site, year, days[rows], *fluxes, knows_past)


def _spreads(predicted: np.ndarray, quantiles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Deviations below and above the prediction (n, C) of which the quantiles (n, C, Q) tell; never 0."""
    low, high = quantiles[..., LOW].astype(np.float64), quantiles[..., HIGH].astype(np.float64)
    least = 1e-3 * (high - low) + 1e-12
    return np.maximum(predicted - low, least) / DEVIATES, np.maximum(high - predicted, least) / DEVIATES


@dataclass(frozen=True)
class Calibration:
    """Site-years of one head whose errors are known: predictions in one or more ways, the days to use (N, T), and
    whether units are near sites together or single site-years.
    """

    views: Sequence[View]
    days: np.ndarray
    by_group: bool


@dataclass(frozen=True)
class Sums:
    """Sums of errors of the measured days of site-years, (n,): `score`, their size in deviations; `unit`, by which they
    are exchanged; `knows_past`, whether past flux was known; `width`, both deviations together; `site`.
    """

    score: np.ndarray
    unit: np.ndarray
    knows_past: np.ndarray
    width: np.ndarray
    site: np.ndarray


def fit_annual(
    model: QuantileModel, dataset: Dataset, calibrations: Sequence[Calibration]
) -> tuple[AnnualErrors, list[list[Sums]]]:
    """How errors add up, from the site-years of new sites and of sites trained on, in this order; and the sums that say
    so, by head and target.
    """
    targets = len(dataset.signature.targets)
    errors, group = AnnualErrors.unknown(targets), near_groups(dataset.lat, dataset.lon)
    sums = []
    for head, calibration in enumerate(calibrations):
        days = both(torch.as_tensor(calibration.days), dataset.has_scored_flux).numpy()
        trained_on = np.full(dataset.n_sites, head == 1)
        years = [
            year
            for number, view in enumerate(calibration.views)
            for year in site_years(model, view, dataset, trained_on, days)
            if number == 0 or year.knows_past  # without past flux all views are alike
        ]
        of_head = []
        for target in range(targets):
            usable = [(year, _measured(year, days, target)) for year in years]
            usable = [
                (year, rows)
                for year, rows in usable
                if rows.sum() >= FEWEST_DAYS and np.isfinite(year.below[rows, target]).all()
            ]
            of_head.append(_fit_target(errors, head, target, usable, group if calibration.by_group else None))
        sums.append(of_head)
    return errors, sums


def _measured(year: SiteYear, days: np.ndarray, target: int) -> np.ndarray:
    """Days of the year (n,) that are measured and may be used."""
    return np.isfinite(year.observed[:, target]) & days[year.site, year.day]


def _fit_target(
    errors: AnnualErrors,
    head: int,
    target: int,
    usable: Sequence[tuple[SiteYear, np.ndarray]],
    group: np.ndarray | None,
) -> Sums:
    """Fill the entries of a head and a target. group: (N,) of sites that are one unit; None, a site-year is one."""
    fitted = fit_correlation([_standardised(year, rows, target) for year, rows in usable])
    for part, value in zip((errors.persistent, errors.short, errors.days), fitted, strict=True):
        part[head, target] = value
    scores, widths = np.empty(len(usable)), np.empty(len(usable))
    for number, (year, rows) in enumerate(usable):
        below, above = deviations(errors, head, target, year, rows)
        away = float((year.observed[:, target] - year.predicted[:, target])[rows].sum())
        scores[number], widths[number] = (away / above if away > 0 else -away / below), below + above
    site = np.array([year.site for year, _ in usable], np.int64)
    unit = np.array([10_000 * year.site + year.year for year, _ in usable], np.int64) if group is None else group[site]
    sums = Sums(scores, unit, np.array([year.knows_past for year, _ in usable], bool), widths, site)
    for with_past in (0, 1):
        counted = of_mode(sums, with_past)
        errors.factor[head, with_past, target] = unit_quantile(scores[counted], unit[counted])
    return sums


def of_mode(sums: Sums, with_past: int) -> np.ndarray:
    """Sums (n,) with, or without, known past flux; all where there are none such."""
    members = sums.knows_past == bool(with_past)
    return members if members.any() else ~members


def _standardised(year: SiteYear, rows: np.ndarray, target: int) -> np.ndarray:
    """Errors of a year's days in deviations, (n,), NaN where they are not known."""
    error = year.observed[:, target] - year.predicted[:, target]
    z = np.where(error > 0, error / year.above[:, target], error / year.below[:, target])
    return np.where(rows, np.clip(z, -LARGEST_ERROR, LARGEST_ERROR), np.nan)


def fit_correlation(errors: Sequence[np.ndarray]) -> tuple[float, float, float]:
    """Persistent share, short share and decay in days of r(k), from series of errors (n,) with NaN in gaps."""
    series = np.full((len(errors), 366 + LAGS), np.nan)
    for row, values in zip(series, errors, strict=True):
        row[: len(values)] = values
    observed = np.isfinite(series)
    values = np.where(observed, series, 0.0)
    ends = [(slice(0, 366), slice(lag, 366 + lag)) for lag in range(LAGS + 1)]
    products = np.array([(values[:, first] * values[:, second]).sum() for first, second in ends])
    pairs = np.array([(observed[:, first] & observed[:, second]).sum() for first, second in ends])
    covariance = np.divide(products, pairs, out=np.full(LAGS + 1, np.nan), where=pairs > 0)
    correlation = covariance / covariance[0] if covariance[0] > 0 else np.zeros(LAGS + 1)
    far = correlation[LAGS // 2 :][pairs[LAGS // 2 :] > 0]
    persistent = float(np.clip(far.mean(), 0.0, 0.98)) if len(far) else 0.0
    lags = np.arange(1, LAGS // 4)
    near, weight = correlation[lags] - persistent, pairs[lags]
    usable = weight > 0
    best = (np.inf, 0.0, DECAYS[0])
    for days in DECAYS:
        shape = np.exp(-lags[usable] / days)
        size = float(
            np.clip(
                (weight[usable] * shape * near[usable]).sum() / max((weight[usable] * shape**2).sum(), 1e-12),
                0.0,
                1.0 - persistent,
            )
        )
        misfit = float((weight[usable] * (near[usable] - size * shape) ** 2).sum())
        best = min(best, (misfit, size, days))
    return persistent, best[1], best[2]


def deviations(errors: AnnualErrors, head: int, target: int, year: SiteYear, rows: np.ndarray) -> tuple[float, float]:
    """Deviation of the sum over some of a year's days, `rows` (n,), below and above the sum of the predictions."""
    spreads = (np.where(rows, spread[:, target], 0.0) for spread in (year.below, year.above))
    low, high = (math.sqrt(max(errors.variance(head, target, spread), 1e-24)) for spread in spreads)
    return low, high


def interval(errors: AnnualErrors, head: int, target: int, year: SiteYear, rows: np.ndarray) -> tuple[float, float]:
    """The 90 % interval of the sum of the flux over some of a year's days; NaN where none could be calibrated."""
    factor = float(errors.factor[head, int(year.knows_past), target])
    if not np.isfinite(factor):
        return np.nan, np.nan
    below, above = deviations(errors, head, target, year, rows)
    total = float(year.predicted[rows, target].sum())
    return total - factor * below, total + factor * above


def score_annual(
    errors: AnnualErrors, years: Sequence[SiteYear], targets: int, days: np.ndarray, head: Callable[[int], int]
) -> list[dict[str, float]]:
    """By target, how many sums over the measured days marked in `days` (N, T) the intervals hold: `coverage90`, over
    `n` site-years, and `width90` over the size of the sum.
    """
    scores = []
    for target in range(targets):
        held, widths = [], []
        for year in years:
            rows = _measured(year, days, target)
            if rows.sum() < FEWEST_DAYS:
                continue
            low, high = interval(errors, head(year.site), target, year, rows)
            if np.isfinite(low):
                total = float(year.observed[rows, target].sum())
                held.append(low <= total <= high)
                widths.append(high - low)
        scores.append(
            {"n": len(held)} | ({"coverage90": float(np.mean(held)), "width90": float(np.mean(widths))} if held else {})
        )
    return scores
