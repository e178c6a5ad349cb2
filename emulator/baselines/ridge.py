"""Ridge regression on lag features, their squares and some products: Hoerl and Kennard 1970, Technometrics 12:55."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from emulator.baselines.features import LAG_DAYS
from emulator.baselines.flux_space import FluxSpace
from emulator.baselines.predictor import keep_bounds
from emulator.baselines.sample import Design
from emulator.data.dataset import Dataset
from emulator.data.signature import Signature
from emulator.data.split_days import AnySplit

PENALTIES = tuple(10.0**power for power in np.arange(-6.0, 1.01, 0.5))
"""Candidates, as a share of the number of rows."""

TRAINING_ROWS, VALIDATION_ROWS = 200_000, 50_000

ROWS_AT_ONCE = 20_000

PRODUCT_WINDOW = LAG_DAYS.index(30)
"""Window of the driver means that are multiplied with one another, with statics, season and past flux."""


ARRAYS = ("mean", "std", "weights", "penalty")


class NormalEquations(NamedTuple):
    """Means of inputs (F,) and of targets (L,); gram: covariance of inputs (F, F); moment: with targets (F, L)."""

    input_mean: np.ndarray
    target_mean: np.ndarray
    gram: np.ndarray
    moment: np.ndarray


class Solution(NamedTuple):
    """Weights of one target with the intercept last (F + 1,), and their penalty."""

    weights: np.ndarray
    penalty: float


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

    def state(self) -> dict[str, Any]:
        """See Predictor.state."""
        arrays = {name: torch.from_numpy(getattr(self, name)) for name in ARRAYS}
        return {**arrays, "gain": torch.from_numpy(self.space.gain), "design": self.design.state()}

    def predict(self, dataset: Dataset, visible_flux: Tensor | None = None) -> np.ndarray:
        """See Predictor.predict."""
        fluxes = np.empty(tuple(dataset.flux.shape), np.float32)
        for sites, features in self.design.all_days(dataset, visible_flux):
            site_fluxes = self.space.fluxes(self.standardised(features))
            fluxes[sites.numpy()] = site_fluxes.reshape(len(sites), -1, fluxes.shape[-1])
        return keep_bounds(fluxes, dataset, self.design.signature)

    def standardised(self, features: np.ndarray) -> np.ndarray:
        """(R, F') -> (R, L), in pieces that bound memory."""
        slope = self.weights[:-1] / self.std[:, None]
        intercept = self.weights[-1] - self.mean @ slope
        return np.concatenate([expand(features[rows], self.design) @ slope + intercept for rows in _pieces(features)])


def fit(dataset: Dataset, split: AnySplit, signature: Signature, *, past_flux: bool, seed: int) -> RidgePredictor:
    """See emulator.baselines. Each target has the penalty with the least squared error over both validation parts."""
    design = Design.of(dataset, split, signature, past_flux)
    rows = design.training_rows(dataset, split, TRAINING_ROWS, seed)
    validation = design.validation_rows(dataset, split, VALIDATION_ROWS, seed)
    mean, std = _spread(rows.features, design)
    validation_inputs = (expand(validation.features, design) - mean) / std
    equations: dict[bytes, NormalEquations] = {}
    solutions = []
    for target in range(rows.target.shape[1]):
        observed = np.isfinite(rows.target[:, target])
        if observed.tobytes() not in equations:
            targets = np.nan_to_num(rows.target[observed])
            equations[observed.tobytes()] = _normal_equations(rows.features[observed], targets, design, mean, std)
        solutions.append(
            _solve(
                equations[observed.tobytes()],
                target,
                inputs=validation_inputs,
                observed=validation.target[:, target],
                weight=validation.weight,
            )
        )
    weights = np.stack([solution.weights for solution in solutions], axis=1).astype(np.float32)
    predicted = validation_inputs @ weights[:-1] + weights[-1]
    space = design.space.with_gain(predicted, validation.flux, validation.weight)
    return RidgePredictor(design, space, mean, std, weights, np.array([solution.penalty for solution in solutions]))


def rebuilt(state: dict[str, Any], signature: Signature) -> RidgePredictor:
    """The predictor of a state."""
    design = Design.rebuilt(state["design"], signature)
    arrays = {name: state[name].numpy() for name in ARRAYS}
    return RidgePredictor(design, replace(design.space, gain=state["gain"].numpy()), **arrays)


def expand(features: np.ndarray, design: Design) -> np.ndarray:
    """Features (R, F) with squares of the driver means over 1, 30 and 365 days, and products of the 30-day means with
    one another, with statics, season and past flux; (R, F').
    """
    lags = design.lags
    drivers = lags.lagged // len(LAG_DAYS)
    windows = features[:, : lags.lagged].reshape(len(features), len(LAG_DAYS), drivers)
    month = windows[:, PRODUCT_WINDOW]
    beside_drivers = features[:, lags.lagged :]
    first, second = np.triu_indices(drivers)
    columns = [
        features,
        windows[:, 0] ** 2,
        windows[:, -1] ** 2,
        month[:, first] * month[:, second],
        _products(month, beside_drivers),
    ]
    return np.concatenate(columns, axis=1)


def _products(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Products of each column of one with each of the other, (R, n), (R, m) -> (R, n m)."""
    return (left[:, :, None] * right[:, None, :]).reshape(len(left), -1)


def _pieces(features: np.ndarray) -> Iterator[slice]:
    """Slices of rows, so that expanded features are never all in memory."""
    return (slice(start, start + ROWS_AT_ONCE) for start in range(0, len(features), ROWS_AT_ONCE))


def _spread(features: np.ndarray, design: Design) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of the expanded features, (F,) float32; a constant one gets an infinite deviation."""
    sums, squares = 0.0, 0.0
    for rows in _pieces(features):
        piece = expand(features[rows], design).astype(np.float64)
        sums, squares = sums + piece.sum(axis=0), squares + (piece**2).sum(axis=0)
    mean = np.asarray(sums / len(features))
    std = np.sqrt(np.maximum(squares / len(features) - mean**2, 0.0))
    return mean.astype(np.float32), np.where(std > 1e-6, std, np.inf).astype(np.float32)


def _normal_equations(
    features: np.ndarray, target: np.ndarray, design: Design, mean: np.ndarray, std: np.ndarray
) -> NormalEquations:
    """Of standardised inputs and targets (R, L)."""
    gram, moment = np.zeros((len(mean), len(mean))), np.zeros((len(mean), target.shape[1]))
    input_sum, target_mean = np.zeros(len(mean)), target.mean(axis=0, dtype=np.float64)
    for rows in _pieces(features):
        inputs = (expand(features[rows], design) - mean) / std
        gram += inputs.T @ inputs
        moment += inputs.T @ (target[rows] - target_mean).astype(np.float32)
        input_sum += inputs.sum(axis=0, dtype=np.float64)
    gram, moment, input_mean = gram / len(features), moment / len(features), input_sum / len(features)
    return NormalEquations(input_mean, target_mean, gram - np.outer(input_mean, input_mean), moment)


def _solve(
    equations: NormalEquations, target: int, *, inputs: np.ndarray, observed: np.ndarray, weight: np.ndarray
) -> Solution:
    """The ridge regression of a target whose penalty gives the least error on validation rows.

        weights = (gram + penalty I)^-1 moment

    inputs: (R, F), standardised; observed: (R,), NaN = missing; weight: (R,).
    """
    values, vectors = np.linalg.eigh(equations.gram)
    rotated = vectors.T @ equations.moment[:, target]
    weight, observed = np.where(np.isfinite(observed), weight, 0.0), np.nan_to_num(observed)
    projected = inputs @ vectors.astype(np.float32)
    least_error, best = np.inf, Solution(np.zeros(len(equations.gram) + 1), 0.0)
    for penalty in PENALTIES:
        shrunk = rotated / (np.maximum(values, 0.0) + penalty)
        slope = vectors @ shrunk
        intercept = equations.target_mean[target] - float(equations.input_mean @ slope)
        error = float(np.sum(weight * (projected @ shrunk + intercept - observed) ** 2))
        if error < least_error:
            least_error, best = error, Solution(np.append(slope, intercept), penalty)
    return best
