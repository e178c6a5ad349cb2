"""What a network learns where something predicts the flux already: its departure from that prior.

The prior is an input, such as the flux of a process model driven by the same weather (`prior.py`), or an emulator that
stays as it was trained (`residual.py`). Departures are differences in a space without bounds,

    v = asinh(flux / scale)                   targets without a bound
    v = log(exp(asinh(flux / scale)) - 1)     targets that are never negative; with both signs turned, never positive

so that a prior that is wrong by a factor, as process models are at a tower, is wrong by about a constant, and bounds
hold whatever is learned.
"""

from dataclasses import replace

import torch
from torch import Tensor, nn

from emulator.data.scalers import Scalers, TargetScaling
from emulator.data.signature import Signature
from emulator.data.windows import Batch, TrainingSites
from emulator.models.streaming import ModelOutput, StreamingModel
from emulator.models.wrappers.derived import DerivedTargets

LEAST = 0.01
"""Smallest size in scales of a flux that has a bound: below it the logarithm would tell of noise."""


class DepartureSpace(nn.Module):
    """Fluxes (..., C) in analysis units <-> the space without bounds, v (..., C); NaN stays NaN."""

    sign: Tensor
    bounded: Tensor

    def __init__(self, signature: Signature, scalers: Scalers) -> None:
        super().__init__()
        self.scaling = TargetScaling(scalers)
        self.least = LEAST
        sign = [
            0.0 if target.bounded_classes else float(target.minimum == 0.0) - float(target.maximum == 0.0)
            for target in signature.targets
        ]
        self.register_buffer("sign", torch.tensor(sign), persistent=False)
        self.register_buffer("bounded", torch.tensor(sign) != 0.0, persistent=False)

    def forward(self, flux: Tensor) -> Tensor:
        """(..., C) analysis units -> v."""
        u = self.scaling.transform(flux)
        size = (self.sign * u).clamp(min=self.least)
        return torch.where(self.bounded, self.sign * (size + torch.log(1.0 - torch.exp(-size))), u)

    @torch.jit.export
    def inverse(self, v: Tensor) -> Tensor:
        """v -> (..., C) analysis units, bounds kept, within the largest flux that models predict."""
        u = torch.where(self.bounded, self.sign * nn.functional.softplus(self.sign * v), v)
        u = torch.minimum(torch.maximum(u, -self.scaling.limit), self.scaling.limit)
        return self.scaling.inverse(u)


def departure_signature(signature: Signature) -> Signature:
    """The signature of a network that learns departures: the same variables, targets without bounds and priors."""
    targets = (replace(v, minimum=None, maximum=None, bounded_classes=(), prior="") for v in signature.targets)
    return Signature(signature.inputs, signature.statics, tuple(targets))


class DepartureModel(StreamingModel):
    """What models of a departure share. A subclass says what is expected and steps; `model` learns departures.

    flux = inverse(v of the prior + departure). Past flux reaches `model` as past departure, so that a site that is
    always above its prior is known to be so.
    """

    def __init__(self, model: StreamingModel, signature: Signature, scalers: Scalers) -> None:
        super().__init__()
        self.model = model
        self.space = DepartureSpace(signature, scalers)
        self.derived = DerivedTargets(signature)
        self.past_flux, self.self_fed = model.past_flux, model.past_flux == "self_fed"
        self.state_size = model.state_size

    def fluxes(self, prior: Tensor, departure: Tensor, drivers: Tensor) -> Tensor:
        """Prior in the space without bounds and departure (..., C), drivers (..., D) -> fluxes (..., C)."""
        return self.derived(self.space.inverse(prior + departure), drivers)

    @torch.jit.unused
    def prior_of(self, batch: Batch) -> Tensor:
        """Prior of a batch in the space without bounds (B, T, C), 0 for a target without one; it learns nothing."""
        raise NotImplementedError

    @torch.jit.unused
    def training_outputs(self, batch: Batch) -> ModelOutput:
        """See StreamingModel.training_outputs."""
        prior = self.prior_of(batch)
        departure = self.space(batch.flux) - prior
        output = self.model.training_outputs(replace(batch, flux=departure))
        return ModelOutput(self.fluxes(prior, output.prediction, batch.drivers), output.auxiliary)

    @torch.jit.unused
    def enrol(self, sites: TrainingSites) -> None:
        """See StreamingModel.enrol."""
        self.model.enrol(sites)

    @torch.jit.unused
    def begin_epoch(self, epoch: int) -> None:
        """See StreamingModel.begin_epoch."""
        self.model.begin_epoch(epoch)

    @torch.jit.unused
    def prepare(self) -> None:
        """See StreamingModel.prepare."""
        self.model.prepare()
