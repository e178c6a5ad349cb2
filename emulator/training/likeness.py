"""Weights of windows in the loss: those of the source domain by their likeness to the target domain.

Sample re-weighting is one of the four transfers of X-MethaneWet (arXiv 2505.18355). A logistic regression tells years
of target sites from those of source sites by what drives them; the odds that it gives a year of the source, times the
ratio of the numbers of years, estimate the ratio of the densities of both domains (Bickel, Brueckner and Scheffer 2009,
JMLR 10, 2137), by which a loss over the source becomes one over the target (Shimodaira 2000).
"""

import logging
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from emulator.data import calendar as column
from emulator.data.dataset import Dataset
from emulator.data.signature import Signature
from emulator.data.windows import Batch

log = logging.getLogger(__name__)

RIDGE = 1.0
"""Penalty of squared coefficients of standardised features: some sites of the target are few to learn from."""
LEAST_DAYS = 180
"""Days that a year must have for its mean and spread to be those of a year."""
Values = NDArray[np.float64]


@dataclass(frozen=True)
class WindowWeights:
    """weight: (N, Y) of the years of each site from `first_year` on; of a window the mean over its days counts."""

    weight: Tensor
    first_year: int

    def of(self, batch: Batch) -> Tensor:
        """Weights of the windows of a batch, (B,)."""
        year = batch.calendar[..., column.YEAR]
        inside = (year > 0).float()  # padding has the year 0
        index = (year - self.first_year).clamp(0, self.weight.shape[1] - 1)
        weights = self.weight.to(year.device)[batch.site].gather(1, index)
        return (weights * inside).sum(1) / inside.sum(1)


def window_weights(
    dataset: Dataset,
    training_days: Tensor,
    source: np.ndarray,
    signature: Signature,
    *,
    source_weight: float,
    by_likeness: bool,
    largest: float,
) -> WindowWeights:
    """Weights of all windows: 1 in the target domain, `source_weight` in the source, there times the likeness, whose
    mean is 1. training_days: (N, T) bool; source: (N,) bool. ValueError where a domain has no year to compare.
    """
    year = dataset.calendar[:, column.YEAR].numpy()
    first, last = int(year.min()), int(year.max())
    weight = np.ones((dataset.n_sites, last - first + 1))
    weight[source] = source_weight
    if by_likeness:
        features, site, number = year_features(dataset, training_days, signature)
        of_source = source[site]
        likeness = likeness_of(features, of_source, largest)
        weight[site[of_source], number[of_source] - first] *= likeness
        effective = likeness.sum() ** 2 / (likeness**2).sum()
        log.info(
            "likeness: %d source years count as %.0f, weights %.2g to %.2g",
            len(likeness), effective, likeness.min(), likeness.max(),
        )  # fmt: skip
    return WindowWeights(torch.as_tensor(weight, dtype=torch.float32), first)


def year_features(
    dataset: Dataset, training_days: Tensor, signature: Signature
) -> tuple[Values, NDArray[np.int64], NDArray[np.int64]]:
    """Means and deviations of the drivers over years of training days, standardised (n, 2 D), and site and year (n,).

    Drivers that are the same everywhere, such as CO2, tell the date and not the climate: slow ones are left out.
    """
    columns = [i for i, v in enumerate(signature.inputs) if not v.flag_values and v.role != "slow"] or [0]
    year = dataset.calendar[:, column.YEAR].numpy()
    rows, sites, years = [], [], []
    for site in np.flatnonzero(training_days.any(1).numpy()).tolist():
        present = training_days[site].numpy()
        for number in np.unique(year[present]).tolist():
            days = present & (year == number)
            if days.sum() >= LEAST_DAYS:
                values = dataset.drivers[site, torch.as_tensor(days)][:, columns].double().numpy()
                rows.append(np.concatenate([values.mean(0), values.std(0)]))
                sites.append(site)
                years.append(number)
    features = np.array(rows).reshape(-1, 2 * len(columns))
    spread = features.std(0) if len(features) else np.ones(features.shape[1])
    return (
        (features - features.mean(0)) / np.where(spread > 1e-9, spread, 1.0),
        np.array(sites, int),
        np.array(years, int),
    )


def likeness_of(features: Values, source: NDArray[np.bool_], largest: float) -> Values:
    """Density of the target over that of the source at each row of the source, mean 1, within 1/largest and largest.

    features: (n, F), standardised; source: (n,) bool. ValueError where either domain has no row.
    """
    if source.all() or not source.any():
        which = "target" if source.all() else "source"
        message = f"transfer.reweighting: the {which} domain has no training year of {LEAST_DAYS} days"
        raise ValueError(message)
    logit = logistic_regression(features, ~source)[source]
    ratio = np.exp(np.clip(logit + np.log(source.sum() / (~source).sum()), -20.0, 20.0))
    ratio = np.clip(ratio / ratio.mean(), 1.0 / largest, largest)
    return np.asarray(ratio / ratio.mean())


def logistic_regression(features: Values, label: NDArray[np.bool_], steps: int = 50) -> Values:
    """Log odds of the label for each row, by Newton's method with a ridge of RIDGE on all but the intercept."""
    x = np.column_stack([np.ones(len(features)), features])
    penalty = RIDGE * np.diag([1e-6, *np.ones(features.shape[1])])
    coefficients = np.zeros(x.shape[1])
    for _ in range(steps):
        p = 1.0 / (1.0 + np.exp(-np.clip(x @ coefficients, -30.0, 30.0)))
        gradient = x.T @ (p - label) + penalty @ coefficients
        hessian = (x * (p * (1.0 - p))[:, None]).T @ x + penalty
        change = np.linalg.solve(hessian, gradient)
        coefficients = coefficients - change
        if np.abs(change).max() < 1e-8:
            break
    return np.asarray(x @ coefficients)
