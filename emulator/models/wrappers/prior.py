"""Physics as prior: an input, such as the flux of a process model under the same weather, that a network corrects.

Knowledge-guided learning begins with a process model, too (KGML-ag, Liu et al. 2022, GMD 15, 2839), by training on its
output; here it runs beside the network, in a host as at a tower.
"""

import torch
from torch import Tensor, nn

from emulator.data.scalers import Scalers
from emulator.data.signature import Signature
from emulator.data.windows import Batch
from emulator.models.streaming import StreamingModel
from emulator.models.wrappers.departure import DepartureModel


class InputPrior(nn.Module):
    """Drivers (..., D) -> flux (..., C) in analysis units that they say to expect, 0 where no input is the prior."""

    column: Tensor
    factor: Tensor
    offset: Tensor
    present: Tensor

    def __init__(self, signature: Signature) -> None:
        super().__init__()
        given = signature.priors
        columns, factors, offsets = zip(
            *(given.get(i, (0, 0.0, 0.0)) for i in range(len(signature.targets))), strict=True
        )
        self.register_buffer("column", torch.tensor(columns), persistent=False)
        self.register_buffer("factor", torch.tensor(factors), persistent=False)
        self.register_buffer("offset", torch.tensor(offsets), persistent=False)
        present = torch.tensor([i in given for i in range(len(signature.targets))])
        self.register_buffer("present", present, persistent=False)

    def forward(self, drivers: Tensor) -> Tensor:
        """(..., D) -> (..., C)."""
        return drivers.index_select(-1, self.column) * self.factor + self.offset


class PriorModel(DepartureModel):
    """A model whose prior is among its inputs. State row: that of the network that learns the departure."""

    def __init__(self, model: StreamingModel, signature: Signature, scalers: Scalers) -> None:
        super().__init__(model, signature, scalers)
        self.prior = InputPrior(signature)

    def forward(self, drivers: Tensor, calendar: Tensor, static: Tensor, flux: Tensor) -> Tensor:
        """See StreamingModel.forward."""
        prior = self.expected(drivers)
        return self.fluxes(prior, self.model(drivers, calendar, static, self.space(flux) - prior), drivers)

    @torch.jit.export
    def init_state(self, static: Tensor) -> Tensor:
        """static: (N, P) -> state (N, state_size)."""
        return self.model.init_state(static)

    @torch.jit.export
    def step(self, drivers: Tensor, calendar: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """See StreamingModel.step."""
        departure, next_state = self.model.step(drivers, calendar, state)
        return self.fluxes(self.expected(drivers), departure, drivers), next_state

    def expected(self, drivers: Tensor) -> Tensor:
        """Drivers (..., D) -> prior in the space without bounds (..., C), 0 for a target without one."""
        v = self.space(self.prior(drivers))
        return torch.where(self.prior.present, v, torch.zeros_like(v))

    @torch.jit.unused
    def prior_of(self, batch: Batch) -> Tensor:
        """See DepartureModel.prior_of."""
        return self.expected(batch.drivers)


class PriorHistoryModel(PriorModel):
    """The same for a network that takes past flux. One that feeds itself is shown the whole flux, by a second call."""

    @torch.jit.export
    def step(self, drivers: Tensor, calendar: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """See StreamingModel.step."""
        prior = self.expected(drivers)
        departure, next_state = self.model.step(drivers, calendar, state)
        fluxes = self.fluxes(prior, departure, drivers)
        if self.self_fed:
            _, next_state = self.model.step_observed(drivers, calendar, self.space(fluxes) - prior, state)
        return fluxes, next_state

    @torch.jit.export
    def step_observed(self, drivers: Tensor, calendar: Tensor, flux: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """As `step`, with the measured flux of the day (N, C), NaN = not known; it moves later years only."""
        prior = self.expected(drivers)
        departure, next_state = self.model.step_observed(drivers, calendar, self.space(flux) - prior, state)
        return self.fluxes(prior, departure, drivers), next_state


def with_prior(model: StreamingModel, signature: Signature, scalers: Scalers) -> PriorModel:
    """The model whose departures `model` learns."""
    kind = PriorModel if model.past_flux == "none" else PriorHistoryModel
    return kind(model, signature, scalers)
