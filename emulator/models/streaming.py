"""The interface of every emulator: a causal step that a land model can call, and the same thing vectorised for
training.

Stepping day by day gives what `forward` gives. All that a model remembers is its state row, one flat float32 row per
cell, which the host owns and writes to its restart file. See docs/formats.md, section 2, for the exported methods.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from emulator.data.dataset import Dataset
from emulator.data.windows import Batch, TrainingSites


@dataclass(frozen=True)
class ModelOutput:
    """prediction: (B, T, C) analysis units; auxiliary: named scalar losses, already weighted, which the trainer
    adds.
    """

    prediction: Tensor
    auxiliary: dict[str, Tensor] = field(default_factory=dict)


class StreamingModel(nn.Module):
    """Base class. Physical units in and out; scalers, classes and retrieval memory are buffers inside.

    A subclass sets `state_size` and defines `forward`, `init_state` and `step`, the latter two under
    `torch.jit.export`. Where past flux is used it also exports `step_observed(drivers, calendar, flux, state)`.
    `past_flux` says what `step` puts in the model's history: 'none' (the model has none), 'ungauged' (no flux) or
    'self_fed' (its own prediction).
    """

    state_size: int
    past_flux: str

    def __init__(self) -> None:
        super().__init__()
        self.state_size = 0
        self.past_flux = "none"

    def forward(self, drivers: Tensor, calendar: Tensor, static: Tensor, flux: Tensor) -> Tensor:
        """Predict whole series from the initial state.

        drivers: (B, T, D) table units; calendar: (B, T, 6) int64; static: (B, P); flux: (B, T, C) analysis units, NaN =
        not known
        -> (B, T, C) analysis units. The flux of a year moves the predictions of later years only.
        """
        raise NotImplementedError

    def init_state(self, static: Tensor) -> Tensor:
        """static: (N, P) -> state (N, state_size)."""
        raise NotImplementedError

    def step(self, drivers: Tensor, calendar: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """One day. drivers: (N, D); calendar: (6,) int64; state: (N, state_size) -> fluxes (N, C), new state."""
        raise NotImplementedError

    if TYPE_CHECKING:  # models without past flux have none, and a host asks by name

        def step_observed(
            self, drivers: Tensor, calendar: Tensor, flux: Tensor, state: Tensor
        ) -> tuple[Tensor, Tensor]:
            """As `step`, with the measured flux of the day (N, C), NaN = not known; it moves later years only."""

    @torch.jit.unused
    def training_outputs(self, batch: Batch) -> ModelOutput:
        """Prediction and auxiliary losses of a training batch; a model may hide some past flux from itself here."""
        return ModelOutput(self(batch.drivers, batch.calendar, batch.static, batch.flux))

    @torch.jit.unused
    def enrol(self, sites: TrainingSites) -> None:
        """Make room for what is learned of each training site, such as its code. Called once, before training."""

    @torch.jit.unused
    def begin_epoch(self, epoch: int) -> None:
        """Derive from the present weights what training needs of them. Called before the first batch of each epoch."""

    @torch.jit.unused
    def prepare(self) -> None:
        """Derive from the present weights what use needs of them, such as the kriging of codes. Called before training
        and, with the averaged weights, before each validation, so that a checkpoint holds what belongs to its weights.
        """

    @torch.jit.unused
    def count_weights(self) -> int:
        """Number of values learned from data."""
        return sum(weights.numel() for weights in self.parameters())


class WholeDatasetModel(StreamingModel):
    """A model without a daily step: it predicts whole datasets, and cannot be coupled."""

    def predict_dataset(self, dataset: Dataset, visible_flux: Tensor | None = None) -> np.ndarray:
        """Fluxes of all sites and days, (N, T, C) float32 in analysis units, NaN outside the records of sites.

        visible_flux: (N, T) bool, days whose flux later years may see, default none.
        """
        raise NotImplementedError


def step_through(
    model: StreamingModel, drivers: Tensor, calendar: Tensor, state: Tensor, flux: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Step a model over T days. drivers: (N, T, D); calendar: (T, 6); flux: (N, T, C) for `step_observed`, else `step`.

    Returns fluxes (N, T, C) and the last state.
    """
    outputs = []
    for day in range(drivers.shape[1]):
        if flux is None:
            prediction, state = model.step(drivers[:, day], calendar[day], state)
        else:
            prediction, state = model.step_observed(drivers[:, day], calendar[day], flux[:, day], state)
        outputs.append(prediction)
    return torch.stack(outputs, dim=1), state
