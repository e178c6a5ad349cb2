"""Targets that identities give, such as nee = ra + rh - gpp: computed from the other targets and from inputs."""

import torch
from torch import Tensor, nn

from emulator.data.signature import Signature
from emulator.data.windows import Batch, TrainingSites
from emulator.models.parts.layers import signed_sum
from emulator.models.streaming import ModelOutput, StreamingModel


class DerivedTargets(nn.Module):
    """Fluxes (..., C) and drivers (..., D) -> fluxes of which those with an identity are its sum."""

    places: list[int]
    of_targets: list[list[tuple[int, float]]]
    of_inputs: list[list[tuple[int, float]]]

    def __init__(self, signature: Signature) -> None:
        super().__init__()
        self.places = [identity.target for identity in signature.identities]
        self.of_targets = [list(identity.targets) for identity in signature.identities]
        self.of_inputs = [list(identity.inputs) for identity in signature.identities]
        self.any = len(self.places) > 0

    def forward(self, fluxes: Tensor, drivers: Tensor) -> Tensor:
        """fluxes: (..., C) analysis units; drivers: (..., D) the signature's units -> (..., C)."""
        if not self.any:
            return fluxes
        columns = list(fluxes.unbind(-1))
        for number, place in enumerate(self.places):
            targets, inputs = self.of_targets[number], self.of_inputs[number]
            if len(targets) > 0:
                total = signed_sum(fluxes, targets)
                if len(inputs) > 0:
                    total = total + signed_sum(drivers, inputs)
            else:
                total = signed_sum(drivers, inputs).expand_as(columns[place])
            columns[place] = total
        return torch.stack(columns, dim=-1)


class DerivedModel(StreamingModel):
    """A model whose derived targets are computed anew from what it predicts and what it is driven by.

    State row: that of the model.
    """

    def __init__(self, model: StreamingModel, signature: Signature) -> None:
        super().__init__()
        self.model = model
        self.derived = DerivedTargets(signature)
        self.past_flux, self.self_fed = model.past_flux, model.past_flux == "self_fed"
        self.state_size = model.state_size

    def forward(self, drivers: Tensor, calendar: Tensor, static: Tensor, flux: Tensor) -> Tensor:
        """See StreamingModel.forward."""
        return self.derived(self.model(drivers, calendar, static, flux), drivers)

    @torch.jit.export
    def init_state(self, static: Tensor) -> Tensor:
        """static: (N, P) -> state (N, state_size)."""
        return self.model.init_state(static)

    @torch.jit.export
    def step(self, drivers: Tensor, calendar: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """See StreamingModel.step."""
        fluxes, next_state = self.model.step(drivers, calendar, state)
        return self.derived(fluxes, drivers), next_state

    @torch.jit.unused
    def training_outputs(self, batch: Batch) -> ModelOutput:
        """See StreamingModel.training_outputs."""
        output = self.model.training_outputs(batch)
        return ModelOutput(self.derived(output.prediction, batch.drivers), output.auxiliary)

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


class DerivedHistoryModel(DerivedModel):
    """The same for a model that takes past flux. One that feeds itself is shown the derived flux, by a second call."""

    @torch.jit.export
    def step(self, drivers: Tensor, calendar: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """See StreamingModel.step."""
        fluxes, next_state = self.model.step(drivers, calendar, state)
        fluxes = self.derived(fluxes, drivers)
        if self.self_fed:
            _, next_state = self.model.step_observed(drivers, calendar, fluxes, state)
        return fluxes, next_state

    @torch.jit.export
    def step_observed(self, drivers: Tensor, calendar: Tensor, flux: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """As `step`, with the measured flux of the day (N, C), NaN = not known; it moves later years only."""
        fluxes, next_state = self.model.step_observed(drivers, calendar, flux, state)
        return self.derived(fluxes, drivers), next_state


def keep_identities(model: StreamingModel, signature: Signature) -> StreamingModel:
    """The model, wrapped where its head cannot keep an identity: of inputs, or of fluxes bounded in some classes."""
    if not needs_derivation(signature):
        return model
    wrapper = DerivedModel if model.past_flux == "none" else DerivedHistoryModel
    return wrapper(model, signature)


def needs_derivation(signature: Signature) -> bool:
    """Whether an identity has inputs among its terms, or fluxes that are bounded in some classes of sites."""
    return any(
        identity.inputs or any(signature.targets[position].bounded_classes for position, _ in identity.targets)
        for identity in signature.identities
    )
