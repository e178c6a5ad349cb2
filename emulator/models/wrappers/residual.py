"""The residual model of X-MethaneWet (arXiv 2505.18355): an emulator that stays as simulations trained it, and a second
network that learns what measurements depart from it.
"""

import torch
from torch import Tensor

from emulator.data.scalers import Scalers
from emulator.data.signature import Signature
from emulator.data.windows import Batch, TrainingSites
from emulator.models.streaming import ModelOutput, StreamingModel
from emulator.models.wrappers.departure import DepartureModel


class ResidualModel(DepartureModel):
    """A model whose prior is another one, `base`, which is not trained.

    State row: that of the base, then that of the network that learns the departure.
    """

    driver_column: Tensor
    static_column: Tensor
    seen_column: Tensor
    prior_column: Tensor
    present: Tensor

    def __init__(
        self, model: StreamingModel, base: StreamingModel, given: Signature, signature: Signature, scalers: Scalers
    ) -> None:
        """given: the signature of the base, whose inputs and statics are among those of `signature`."""
        super().__init__(model, signature, scalers)
        self.base = base.eval().requires_grad_(False)
        names = given.target_names
        place = {name: index for index, name in enumerate(names)}
        ours = {name: index for index, name in enumerate(signature.target_names)}
        buffers = {
            "driver_column": [signature.input_names.index(name) for name in given.input_names],
            "static_column": [signature.static_names.index(name) for name in given.static_names],
            "prior_column": [place.get(name, 0) for name in signature.target_names],
            "seen_column": [ours.get(name, len(ours)) for name in names],  # the last is a column of NaN
        }
        for name, values in buffers.items():
            self.register_buffer(name, torch.tensor(values, dtype=torch.int64), persistent=False)
        present = torch.tensor([name in place for name in signature.target_names])
        self.register_buffer("present", present, persistent=False)
        self.layout = [base.state_size, model.state_size]
        self.state_size = sum(self.layout)

    def forward(self, drivers: Tensor, calendar: Tensor, static: Tensor, flux: Tensor) -> Tensor:
        """See StreamingModel.forward."""
        prior = self.expected(self.base_series(drivers, calendar, static, flux))
        return self.fluxes(prior, self.model(drivers, calendar, static, self.space(flux) - prior), drivers)

    @torch.jit.export
    def init_state(self, static: Tensor) -> Tensor:
        """static: (N, P) -> state (N, state_size)."""
        base = self.base.init_state(static.index_select(1, self.static_column))
        return torch.cat([base, self.model.init_state(static)], dim=1)

    @torch.jit.export
    def step(self, drivers: Tensor, calendar: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """See StreamingModel.step."""
        base_state, model_state = state.split(self.layout, 1)
        flux, base_state = self.base.step(drivers.index_select(1, self.driver_column), calendar, base_state)
        departure, model_state = self.model.step(drivers, calendar, model_state)
        return self.fluxes(self.expected(flux), departure, drivers), torch.cat([base_state, model_state], dim=1)

    def base_series(self, drivers: Tensor, calendar: Tensor, static: Tensor, flux: Tensor) -> Tensor:
        """Fluxes of the base over whole series (B, T, its targets)."""
        inputs, places = drivers.index_select(2, self.driver_column), static.index_select(1, self.static_column)
        return self.base(inputs, calendar, places, self.seen(flux))

    def seen(self, flux: Tensor) -> Tensor:
        """Past flux (..., C) as the base takes it, NaN for a target of its that is none of ours."""
        unknown = torch.full_like(flux[..., :1], float("nan"))
        return torch.cat([flux, unknown], dim=-1).index_select(-1, self.seen_column)

    def expected(self, flux: Tensor) -> Tensor:
        """Fluxes of the base -> prior in the space without bounds (..., C), 0 for a target that the base has not."""
        v = self.space(flux.index_select(-1, self.prior_column))
        return torch.where(self.present, v, torch.zeros_like(v))

    @torch.jit.unused
    @torch.no_grad()
    def prior_of(self, batch: Batch) -> Tensor:
        """See DepartureModel.prior_of."""
        self.base.eval()
        return self.expected(self.base_series(batch.drivers, batch.calendar, batch.static, batch.flux))


class ResidualHistoryModel(ResidualModel):
    """The same with past flux. Where the parts feed themselves, they are shown the flux of both, by a second call."""

    @torch.jit.export
    def step(self, drivers: Tensor, calendar: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """See StreamingModel.step."""
        base_state, model_state = state.split(self.layout, 1)
        inputs = drivers.index_select(1, self.driver_column)
        base_flux, next_base_state = self.base.step(inputs, calendar, base_state)
        departure, next_model_state = self.model.step(drivers, calendar, model_state)
        fluxes = self.fluxes(self.expected(base_flux), departure, drivers)
        if self.self_fed:
            return fluxes, self.show(drivers, calendar, fluxes, state)[1]
        return fluxes, torch.cat([next_base_state, next_model_state], dim=1)

    @torch.jit.export
    def step_observed(self, drivers: Tensor, calendar: Tensor, flux: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """As `step`, with the measured flux of the day (N, C), NaN = not known; it moves later years only."""
        return self.show(drivers, calendar, flux, state)

    def show(self, drivers: Tensor, calendar: Tensor, flux: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Fluxes (N, C) of a day, and the state row after it with its flux known to both."""
        base_state, model_state = state.split(self.layout, 1)
        inputs = drivers.index_select(1, self.driver_column)
        base_flux, base_state = self.base.step_observed(inputs, calendar, self.seen(flux), base_state)
        prior = self.expected(base_flux)
        departure, model_state = self.model.step_observed(drivers, calendar, self.space(flux) - prior, model_state)
        return self.fluxes(prior, departure, drivers), torch.cat([base_state, model_state], dim=1)


class WithoutMemory(StreamingModel):
    """A model without past flux, as one that is told it and passes it over: to stand beside one that takes it."""

    def __init__(self, model: StreamingModel, past_flux: str) -> None:
        super().__init__()
        self.model, self.past_flux, self.state_size = model, past_flux, model.state_size

    def forward(self, drivers: Tensor, calendar: Tensor, static: Tensor, flux: Tensor) -> Tensor:
        """See StreamingModel.forward."""
        return self.model(drivers, calendar, static, flux)

    @torch.jit.export
    def init_state(self, static: Tensor) -> Tensor:
        """static: (N, P) -> state (N, state_size)."""
        return self.model.init_state(static)

    @torch.jit.export
    def step(self, drivers: Tensor, calendar: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """See StreamingModel.step."""
        return self.model.step(drivers, calendar, state)

    @torch.jit.export
    def step_observed(
        self,
        drivers: Tensor,
        calendar: Tensor,
        flux: Tensor,  # noqa: ARG002 - passed over
        state: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """As `step`; the flux (N, C) moves nothing."""
        return self.model.step(drivers, calendar, state)

    @torch.jit.unused
    def training_outputs(self, batch: Batch) -> ModelOutput:
        """See StreamingModel.training_outputs."""
        return self.model.training_outputs(batch)

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


def with_base(
    model: StreamingModel, base: StreamingModel, given: Signature, signature: Signature, scalers: Scalers
) -> ResidualModel:
    """The model that predicts by `base`, with the signature `given`, and the departures that `model` learns."""
    if model.past_flux == base.past_flux == "none":
        return ResidualModel(model, base, given, signature, scalers)
    takes = model.past_flux if model.past_flux != "none" else base.past_flux
    model, base = (part if part.past_flux != "none" else WithoutMemory(part, takes) for part in (model, base))
    return ResidualHistoryModel(model, base, given, signature, scalers)
