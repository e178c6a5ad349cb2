"""Bounds of fluxes by site: which hold where, and a wrapper that keeps those of some site classes only."""

import math

import torch
from torch import Tensor, nn

from emulator.data.scalers import Scalers, TargetScaling
from emulator.data.signature import Signature
from emulator.data.windows import Batch, TrainingSites
from emulator.models.streaming import ModelOutput, StreamingModel


class TargetBounds(nn.Module):
    """Static attributes (N, P) -> lowest and highest flux (N, C), infinite where there is no bound."""

    lowest: Tensor
    highest: Tensor
    code: Tensor
    free: Tensor
    everywhere: Tensor
    columns: list[int]

    def __init__(self, signature: Signature) -> None:
        super().__init__()
        names, targets = signature.static_names, signature.targets
        limits = sorted({limit for variable in targets for limit in variable.bounded_classes})
        self.columns = [names.index(name) for name, _ in limits]
        lowest = [-math.inf if variable.minimum is None else variable.minimum for variable in targets]
        highest = [math.inf if variable.maximum is None else variable.maximum for variable in targets]
        most = max((len(codes) for _, codes in limits), default=0)
        code = [[*codes, *([codes[0]] * (most - len(codes)))] for _, codes in limits]  # rows of the same length
        needed = [[limit in variable.bounded_classes for variable in targets] for limit in limits]
        buffers = {
            "lowest": torch.tensor(lowest),
            "highest": torch.tensor(highest),
            "code": torch.tensor(code, dtype=torch.float32).reshape(len(limits), most),
            "free": ~torch.tensor(needed, dtype=torch.bool).reshape(len(limits), len(targets)),
            "everywhere": torch.ones(len(targets), dtype=torch.bool),
        }
        for name, value in buffers.items():
            self.register_buffer(name, value, persistent=False)

    def forward(self, static: Tensor) -> tuple[Tensor, Tensor]:
        """static: (N, P) -> lowest, highest (N, C)."""
        holds = self.everywhere.expand(static.shape[0], -1)
        for number, column in enumerate(self.columns):
            inside = (static[:, column : column + 1].round() == self.code[number]).any(dim=1)
            holds = holds & (inside.unsqueeze(1) | self.free[number])
        infinity = torch.full_like(self.highest, float("inf"))
        return torch.where(holds, self.lowest, -infinity), torch.where(holds, self.highest, infinity)


class BoundedModel(StreamingModel):
    """A model whose fluxes pass through a softplus where a bound holds for the class of the site.

    State row: that of the model, and for each target -1 (at most 0), 1 (at least 0) or 0 (no bound).
    """

    by_class: Tensor

    def __init__(self, model: StreamingModel, signature: Signature, scalers: Scalers) -> None:
        super().__init__()
        self.model = model
        self.bounds = TargetBounds(signature)
        self.targets = TargetScaling(scalers)
        by_class = [bool(variable.bounded_classes) for variable in signature.targets]
        self.register_buffer("by_class", torch.tensor(by_class), persistent=False)
        self.past_flux, self.self_fed = model.past_flux, model.past_flux == "self_fed"
        self.layout = [model.state_size, len(signature.targets)]
        self.state_size = sum(self.layout)

    def forward(self, drivers: Tensor, calendar: Tensor, static: Tensor, flux: Tensor) -> Tensor:
        """See StreamingModel.forward."""
        return self.bound(self.model(drivers, calendar, static, flux), self.side(static).unsqueeze(1))

    @torch.jit.export
    def init_state(self, static: Tensor) -> Tensor:
        """static: (N, P) -> state (N, state_size)."""
        return torch.cat([self.model.init_state(static), self.side(static)], dim=1)

    @torch.jit.export
    def step(self, drivers: Tensor, calendar: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """See StreamingModel.step."""
        model_state, side = state.split(self.layout, 1)
        fluxes, next_model_state = self.model.step(drivers, calendar, model_state)
        return self.bound(fluxes, side), torch.cat([next_model_state, side], dim=1)

    def side(self, static: Tensor) -> Tensor:
        """Which bound holds at each site, (N, C)."""
        low, high = self.bounds(static)
        sides = (low == 0.0).to(static.dtype) - (high == 0.0).to(static.dtype)
        return torch.where(self.by_class, sides, torch.zeros_like(sides))

    def bound(self, fluxes: Tensor, side: Tensor) -> Tensor:
        """Fluxes and sides (..., C) -> fluxes (..., C) within their bounds."""
        u = self.targets.transform(fluxes)
        u = side * nn.functional.softplus(side * u)
        bounded_fluxes = self.targets.inverse(torch.minimum(torch.maximum(u, -self.targets.limit), self.targets.limit))
        return torch.where(side == 0.0, fluxes, bounded_fluxes)

    @torch.jit.unused
    def training_outputs(self, batch: Batch) -> ModelOutput:
        """See StreamingModel.training_outputs."""
        output = self.model.training_outputs(batch)
        prediction = self.bound(output.prediction, self.side(batch.static).unsqueeze(1))
        return ModelOutput(prediction, output.auxiliary)

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


class BoundedHistoryModel(BoundedModel):
    """The same for a model that takes past flux. One that feeds itself is shown the bounded flux, by a second call."""

    @torch.jit.export
    def step(self, drivers: Tensor, calendar: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """See StreamingModel.step."""
        model_state, side = state.split(self.layout, 1)
        fluxes, next_model_state = self.model.step(drivers, calendar, model_state)
        fluxes = self.bound(fluxes, side)
        if self.self_fed:
            _, next_model_state = self.model.step_observed(drivers, calendar, fluxes, model_state)
        return fluxes, torch.cat([next_model_state, side], dim=1)

    @torch.jit.export
    def step_observed(self, drivers: Tensor, calendar: Tensor, flux: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """As `step`, with the measured flux of the day (N, C), NaN = not known; it moves later years only."""
        model_state, side = state.split(self.layout, 1)
        fluxes, next_model_state = self.model.step_observed(drivers, calendar, flux, model_state)
        return self.bound(fluxes, side), torch.cat([next_model_state, side], dim=1)


def keep_class_bounds(model: StreamingModel, signature: Signature, scalers: Scalers) -> StreamingModel:
    """The model, wrapped where the signature has bounds of some site classes only."""
    if not any(variable.bounded_classes for variable in signature.targets):
        return model
    wrapper = BoundedModel if model.past_flux == "none" else BoundedHistoryModel
    return wrapper(model, signature, scalers)
