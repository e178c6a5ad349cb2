"""Exponential moving average of weights (Polyak averaging): steadier than those of the last step."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class WeightAverage:
    """Average of a model's parameters with a given decay per batch; decay 0 switches it off.

    The decay is ramped as (1 + n) / (10 + n) over the first batches n, so that the random start is soon forgotten.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.batches = 0
        self._average = {name: value.detach().clone() for name, value in model.named_parameters()} if decay else {}

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Take in the weights of a new batch."""
        if not self.decay:
            return
        decay = min(self.decay, (1 + self.batches) / (10 + self.batches))
        self.batches += 1
        for name, value in model.named_parameters():
            self._average[name].lerp_(value, 1.0 - decay)

    @contextmanager
    def applied(self, model: nn.Module) -> Iterator[None]:
        """Within the context the model has the averaged weights."""
        weights = {name: value.detach().clone() for name, value in model.named_parameters()} if self.decay else {}
        self._assign(model, self._average)
        try:
            yield
        finally:
            self._assign(model, weights)

    def state_dict(self) -> dict[str, Tensor]:
        """Averaged weights and the number of batches seen."""
        return {**self._average, "batches": torch.tensor(self.batches)} if self.decay else {}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Take up a saved average."""
        if self.decay:
            self.batches = int(state["batches"])
            self._average = {name: state[name].to(average.device, copy=True) for name, average in self._average.items()}

    @staticmethod
    @torch.no_grad()
    def _assign(model: nn.Module, values: dict[str, Tensor]) -> None:
        for name, value in model.named_parameters():
            if name in values:
                value.copy_(values[name])
