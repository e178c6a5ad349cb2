"""Methods made of others: their predictions are kept, so that a combination costs no training."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from benchmarks.observing.tasks import Task, validation
from emulator.data.dataset import Dataset

TOWARDS_EQUAL = 0.1
"""Strength that draws weights to equal ones, as a share of the flux's sum of squares: there is one such year."""
SUM_IS_ONE = 100.0
"""Weight of the equation that says so, beside all days."""
Learned = Callable[[str, int, Task], dict[str, np.ndarray]]
"""Fluxes (N, T, C) by view of a method, a seed and a task."""


@dataclass(frozen=True)
class Seeds:
    """Mean of a method's seeds: that of a run and those that follow it."""

    method: str
    count: int = 3

    def combine(self, task: Task, _: Dataset, seed: int, learned: Learned) -> dict[str, np.ndarray]:
        """Fluxes by view."""
        members = [learned(self.method, seed * self.count + member, task) for member in range(self.count)]
        return {
            view.name: np.mean([fluxes[view.name] for fluxes in members], axis=0)
            for view in task.views
            if view.name in members[0]
        }


@dataclass(frozen=True)
class Stack:
    """Weighted mean of methods (Breiman 1996, Machine Learning 24:49), weights by target and never negative.

    Weights of the temporal protocol are from the last year before the test, predicted from those before. At new sites
    they are equal: nothing that has been seen says how methods compare there.
    """

    methods: tuple[str, ...]

    def combine(self, task: Task, dataset: Dataset, seed: int, learned: Learned) -> dict[str, np.ndarray]:
        """Fluxes by view."""
        weights = np.full((len(dataset.signature.targets), len(self.methods)), 1.0 / len(self.methods))
        if task.name == "temporal":
            weights = self._weights(task, dataset, learned)
        members = [learned(method, seed, task) for method in self.methods]
        return {
            view.name: np.einsum("cm,mntc->ntc", weights, np.stack([fluxes[view.name] for fluxes in members]))
            for view in task.views
            if view.name in members[0]
        }

    def _weights(self, task: Task, dataset: Dataset, learned: Learned) -> np.ndarray:
        """Weights of each target and method, (C, methods)."""
        choice = validation(task)
        (view,) = choice.views
        members = np.stack([learned(method, 0, choice)[view.name] for method in self.methods])
        weights = []
        for target in range(members.shape[-1]):
            flux = dataset.flux[..., target].numpy()
            days = view.scored & np.isfinite(flux) & np.isfinite(members[..., target]).all(0)
            weights.append(stack_weights(flux[days], members[..., target][:, days]))
        return np.stack(weights)


def stack_weights(observed: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Weights (M,) of predictions (M, R), of sum 1, of the least squared error about fluxes (R,), drawn to equal ones.

    With a free sum a single high year would raise all later ones.
    """
    count, size = len(predicted), np.sqrt(np.sum(observed.astype(float) ** 2))
    pull = np.sqrt(TOWARDS_EQUAL) * size
    rows = np.vstack([predicted.T.astype(float), pull * np.eye(count), SUM_IS_ONE * size * np.ones((1, count))])
    right = np.concatenate([observed.astype(float), np.full(count, pull / count), [SUM_IS_ONE * size]])
    return np.asarray(nnls(rows, right)[0])
