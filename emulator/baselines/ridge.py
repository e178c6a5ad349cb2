"""Ridge regression on lag features, their squares and some products: Hoerl and Kennard 1970, Technometrics 12:55."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from emulator.baselines.features import LAG_DAYS
from emulator.baselines.flux_space import FluxSpace
from emulator.baselines.predictor import keep_bounds
from emulator.baselines.sample import Design
from emulator.data.dataset import Dataset
from emulator.data.signature import Signature
from emulator.data.splits import Split

PENALTIES = tuple(10.0**power for power in np.arange(-6.0, 1.01, 0.5))
"""Candidates, as a share of the number of rows."""

TRAINING_ROWS, VALIDATION_ROWS = 200_000, 50_000

ROWS_AT_ONCE = 20_000

PRODUCT_WINDOW = LAG_DAYS.index(30)
"""Window of the driver means that are multiplied with one another, with statics, season and past flux."""


@dataclass(frozen=True)
class RidgePredictor:
    """weights: (F + 1, L), the last row the intercept; mean, std: (F,) of the expanded features."""

    design: Design
    space: FluxSpace
    mean: np.ndarray
    std: np.ndarray
    weights: np.ndarray
    penalty: np.ndarray

    @property
    def parameters(self) -> int:
        """Weights and intercepts."""
        return self.weights.size

    def predict(self, dataset: Dataset, visible_flux: Tensor | None = None) -> np.ndarray:
        """See Predictor.predict."""
        result = np.empty(tuple(dataset.flux.shape), np.float32)
        for sites, features in self.design.all_days(dataset, visible_flux):
            fluxes = self.space.fluxes(self.standardised(features))
            result[sites.numpy()] = fluxes.reshape(len(sites), -1, result.shape[-1])
        return keep_bounds(result, dataset, self.design.signature)

    def standardised(self, features: np.ndarray) -> np.ndarray:
        """(R, F') -> (R, L), in pieces that bound memory."""
        slope = self.weights[:-1] / self.std[:, None]
        intercept = self.weights[-1] - self.mean @ slope
        return np.concatenate([expand(features[rows], self.design) @ slope + intercept for rows in _pieces(features)])


def fit(dataset: Dataset, split: Split, signature: Signature, *, past_flux: bool, seed: int) -> RidgePredictor:
    """See emulator.baselines. Each target has the penalty with the least squared error over both validation parts."""
    design = Design(dataset, split, signature, past_flux)
    rows = design.training_rows(dataset, split, TRAINING_ROWS, seed)
    judge = design.validation_rows(dataset, split, VALIDATION_ROWS, seed)
    mean, std = _spread(rows.features, design)
    check = (expand(judge.features, design) - mean) / std
    systems: dict[bytes, tuple[np.ndarray, ...]] = {}
    best = []
    for column in range(rows.target.shape[1]):
        known = np.isfinite(rows.target[:, column])
        if known.tobytes() not in systems:
            target = np.nan_to_num(rows.target[known])
            systems[known.tobytes()] = _normal_equations(rows.features[known], target, design, mean, std)
        best.append(_solve(*systems[known.tobytes()], column, check, judge.target[:, column], judge.weight))
    weights = np.stack([found for found, _ in best], axis=1).astype(np.float32)
    space = design.space.with_gain(check @ weights[:-1] + weights[-1], judge.flux, judge.weight)
    return RidgePredictor(design, space, mean, std, weights, np.array([penalty for _, penalty in best]))


def expand(features: np.ndarray, design: Design) -> np.ndarray:
    """Features (R, F) with squares of the driver means over 1, 30 and 365 days, and products of the 30-day means with
    one another, with statics, season and past flux; (R, F').
    """
    lags = design.lags
    drivers = lags.lagged // len(LAG_DAYS)
    windows = features[:, : lags.lagged].reshape(len(features), len(LAG_DAYS), drivers)
    month = windows[:, PRODUCT_WINDOW]
    others = features[:, lags.lagged :]
    first, second = np.triu_indices(drivers)
    parts = [
        features,
        windows[:, 0] ** 2,
        windows[:, -1] ** 2,
        month[:, first] * month[:, second],
        _products(month, others),
    ]
    return np.concatenate(parts, axis=1)


def _products(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(R, A), (R, B) -> (R, A B)."""
    return (left[:, :, None] * right[:, None, :]).reshape(len(left), -1)


def _pieces(features: np.ndarray) -> Iterator[slice]:
    """Slices of rows, so that expanded features are never all in memory."""
    return (slice(start, start + ROWS_AT_ONCE) for start in range(0, len(features), ROWS_AT_ONCE))


def _spread(features: np.ndarray, design: Design) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of the expanded features, (F,) float32; a constant one gets an infinite deviation."""
    total, squares = 0.0, 0.0
    for rows in _pieces(features):
        piece = expand(features[rows], design).astype(np.float64)
        total, squares = total + piece.sum(axis=0), squares + (piece**2).sum(axis=0)
    mean = total / len(features)
    std = np.sqrt(np.maximum(squares / len(features) - mean**2, 0.0))
    return mean.astype(np.float32), np.where(std > 1e-6, std, np.inf).astype(np.float32)


def _normal_equations(
    features: np.ndarray, target: np.ndarray, design: Design, mean: np.ndarray, std: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Means of inputs (F,) and targets (L,), covariance of inputs (F, F) and of inputs with targets (F, L)."""
    gram, moment = np.zeros((len(mean), len(mean))), np.zeros((len(mean), target.shape[1]))
    centre, middle = np.zeros(len(mean)), target.mean(axis=0, dtype=np.float64)
    for rows in _pieces(features):
        inputs = (expand(features[rows], design) - mean) / std
        gram += inputs.T @ inputs
        moment += inputs.T @ (target[rows] - middle).astype(np.float32)
        centre += inputs.sum(axis=0, dtype=np.float64)
    gram, moment, centre = gram / len(features), moment / len(features), centre / len(features)
    return centre, middle, gram - np.outer(centre, centre), moment


def _solve(
    centre: np.ndarray,
    middle: np.ndarray,
    gram: np.ndarray,
    moment: np.ndarray,
    column: int,
    check: np.ndarray,
    observed: np.ndarray,
    weight: np.ndarray,
) -> tuple[np.ndarray, float]:
    """Weights of one target with the intercept last (F + 1,), and the penalty with the least error on rows to check by.

    check: (R, F); observed: (R,), NaN = missing; weight: (R,).
    """
    values, vectors = np.linalg.eigh(gram)
    rotated = vectors.T @ moment[:, column]
    weight, observed = np.where(np.isfinite(observed), weight, 0.0), np.nan_to_num(observed)
    projected = check @ vectors.astype(np.float32)
    best: tuple[float, np.ndarray, float] = (np.inf, np.zeros(len(gram) + 1), 0.0)
    for penalty in PENALTIES:
        shrunk = rotated / (np.maximum(values, 0.0) + penalty)
        slope = vectors @ shrunk
        intercept = middle[column] - float(centre @ slope)
        error = float(np.sum(weight * (projected @ shrunk + intercept - observed) ** 2))
        if error < best[0]:
            best = (error, np.append(slope, intercept), penalty)
    return best[1], best[2]
