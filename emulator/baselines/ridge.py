"""Ridge regression on lag features, their squares and some products: Hoerl and Kennard 1970, Technometrics 12:55."""

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from emulator.baselines.features import LAG_DAYS
from emulator.baselines.flux_space import FluxSpace
from emulator.baselines.sample import Design, Rows
from emulator.data.dataset import Dataset
from emulator.data.splits import Split
from emulator.data.variables import Signature

PENALTIES = tuple(10.0**power for power in np.arange(-6.0, 1.01, 0.5))
"""Candidates, as a share of the number of rows."""

TRAINING_ROWS, VALIDATION_ROWS = 400_000, 100_000

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
        return result

    def standardised(self, features: np.ndarray) -> np.ndarray:
        """(R, F') -> (R, L), in pieces that bound memory."""
        scaled = (self._scaled(features[start : start + 50_000]) for start in range(0, len(features), 50_000))
        return np.concatenate([part @ self.weights[:-1] + self.weights[-1] for part in scaled])

    def _scaled(self, features: np.ndarray) -> np.ndarray:
        return (expand(features, self.design) - self.mean) / self.std


def fit(dataset: Dataset, split: Split, signature: Signature, *, past_flux: bool, seed: int) -> RidgePredictor:
    """See emulator.baselines. One penalty per target, the one with the least squared error over both validation parts."""
    design = Design(dataset, split, signature, past_flux)
    rows = design.training_rows(dataset, split, TRAINING_ROWS, seed)
    judge = design.validation_rows(dataset, split, VALIDATION_ROWS, seed)
    inputs = expand(rows.features, design)
    mean, std = inputs.mean(axis=0, dtype=np.float64), inputs.std(axis=0, dtype=np.float64)
    mean, std = mean.astype(np.float32), np.where(std > 1e-6, std, np.inf).astype(np.float32)
    inputs = (inputs - mean) / std
    check = (expand(judge.features, design) - mean) / std
    best = [_solve(inputs, rows.target[:, i], check, judge, i) for i in range(rows.target.shape[1])]
    weights = np.stack([column for column, _ in best], axis=1).astype(np.float32)
    penalty = np.array([value for _, value in best])
    space = design.space.with_gain(check @ weights[:-1] + weights[-1], judge.flux, judge.weight)
    return RidgePredictor(design, space, mean, std, weights, penalty)


def expand(features: np.ndarray, design: Design) -> np.ndarray:
    """Features (R, F) with squares of the driver means over 1, 30 and 365 days, and products of the 30-day means with one
    another, with statics, season and past flux; (R, F').
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


def _solve(
    inputs: np.ndarray, target: np.ndarray, check: np.ndarray, judge: Rows, column: int
) -> tuple[np.ndarray, float]:
    """Weights with the intercept last (F + 1,), and the penalty. inputs: (R, F) of mean 0, target: (R,)."""
    known = np.isfinite(target)
    if not known.all():
        inputs, target = inputs[known], target[known]
    middle, centre = float(target.mean()), inputs.mean(axis=0, dtype=np.float64)
    gram = (inputs.T @ inputs).astype(np.float64) / len(inputs) - np.outer(centre, centre)
    moment = inputs.T.astype(np.float64) @ (target - middle) / len(inputs)
    values, vectors = np.linalg.eigh(gram)
    rotated = vectors.T @ moment
    observed = judge.target[:, column]
    weight = np.where(np.isfinite(observed), judge.weight, 0.0)
    observed = np.nan_to_num(observed)
    projected = check @ vectors.astype(np.float32)
    best: tuple[float, np.ndarray, float] = (np.inf, np.zeros(len(moment) + 1), 0.0)
    for penalty in PENALTIES:
        shrunk = rotated / (np.maximum(values, 0.0) + penalty)
        slope = vectors @ shrunk
        intercept = middle - float(centre @ slope)
        error = float(np.sum(weight * (projected @ shrunk + intercept - observed) ** 2))
        if error < best[0]:
            best = (error, np.append(slope, intercept), penalty)
    return best[1], best[2]
