"""Several trained models as one, and what an exported model can say of its uncertainty."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from emulator.data.signature import Signature
from emulator.models.streaming import StreamingModel
from emulator.models.wrappers.derived import DerivedTargets
from emulator.models.wrappers.quantiles import QuantileModel


class Ensemble(StreamingModel):
    """Mean of members (deep ensemble, Lakshminarayanan et al. 2017, arXiv 1612.01474), with quantiles where given.

    State row: those of the members, then, where quantiles ask for it, how far the members lie apart on the last day
    (C). A single member keeps its state row and, to the last bit, its fluxes.
    """

    if TYPE_CHECKING:  # TorchScript takes no annotations of submodules
        members: Any

    def __init__(
        self, members: Sequence[StreamingModel], signature: Signature, quantile_model: QuantileModel | None = None
    ) -> None:
        """Members share inputs, statics, targets and the use of past flux; ValueError otherwise."""
        super().__init__()
        if len({member.past_flux for member in members}) != 1:
            uses = ", ".join(member.past_flux for member in members)
            message = f"members of an ensemble must use past flux alike, not: {uses}"
            raise ValueError(message)
        self.members = nn.ModuleList(members)
        self.quantile_model = quantile_model
        self.past_flux, self.self_fed = members[0].past_flux, members[0].past_flux == "self_fed"
        self.single = len(members) == 1
        self.keeps_spread = quantile_model is not None and quantile_model.uses_spread
        names = signature.target_names
        self.derived = DerivedTargets(signature)
        self.layout = [*(member.state_size for member in members), len(names) if self.keeps_spread else 0]
        self.state_size = sum(self.layout)

    def forward(self, drivers: Tensor, calendar: Tensor, static: Tensor, flux: Tensor) -> Tensor:
        """See StreamingModel.forward."""
        fluxes = torch.stack([member(drivers, calendar, static, flux) for member in self.members])
        return self.average(fluxes, drivers)

    @torch.jit.export
    def init_state(self, static: Tensor) -> Tensor:
        """static: (N, P) -> state (N, state_size)."""
        states = [member.init_state(static) for member in self.members]
        states.append(static.new_zeros(static.shape[0], self.layout[-1]))
        return torch.cat(states, dim=1)

    @torch.jit.export
    def step(self, drivers: Tensor, calendar: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """See StreamingModel.step."""
        member_fluxes, states = self.step_members(drivers, calendar, state)
        states.append(self.remembered_spread(member_fluxes))
        return self.average(member_fluxes, drivers), torch.cat(states, dim=1)

    def step_members(self, drivers: Tensor, calendar: Tensor, state: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Fluxes of the members (members, N, C) and their state rows after a day."""
        member_states = state.split(self.layout, 1)
        fluxes: list[Tensor] = []
        next_states: list[Tensor] = []
        for index, member in enumerate(self.members):
            flux, next_state = member.step(drivers, calendar, member_states[index])
            fluxes.append(flux)
            next_states.append(next_state)
        return torch.stack(fluxes), next_states

    @torch.jit.export
    def quantiles(
        self, fluxes: Tensor, calendar: Tensor, static: Tensor, years_known: Tensor, trained_on: Tensor, state: Tensor
    ) -> Tensor:
        """Quantiles (N, C, Q) about the fluxes of a day; state: the row that `step` gave with them."""
        spread = state.split(self.layout, 1)[-1]
        if self.quantile_model is not None:
            return self.quantile_model(fluxes, calendar, static, years_known, trained_on, spread)
        message = "this artefact was exported without quantiles"
        raise RuntimeError(message)

    @torch.jit.export
    def average(self, fluxes: Tensor, drivers: Tensor) -> Tensor:
        """Fluxes of the members (members, ..., C) and drivers (..., D) -> mean (..., C), identities to the last bit."""
        if self.single:
            return fluxes[0]
        return self.derived(fluxes.mean(0), drivers)

    @torch.jit.export
    def remembered_spread(self, fluxes: Tensor) -> Tensor:
        """Fluxes of the members (members, N, C) -> what the state row keeps of them, (N, C) or (N, 0)."""
        if self.quantile_model is not None:  # noqa: SIM102 - apart, so that scripting leaves it out where it is None
            if self.keeps_spread:
                return self.quantile_model.member_spread(fluxes)
        return fluxes[0, :, :0]


class HistoryEnsemble(Ensemble):
    """The same for members that take past flux. Where they feed themselves, they see the mean, by a second call."""

    @torch.jit.export
    def step(self, drivers: Tensor, calendar: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """See StreamingModel.step."""
        member_fluxes, states = self.step_members(drivers, calendar, state)
        mean = self.average(member_fluxes, drivers)
        if self.self_fed and not self.single:
            _, states = self.show_members(drivers, calendar, mean, state)
        states.append(self.remembered_spread(member_fluxes))
        return mean, torch.cat(states, dim=1)

    @torch.jit.export
    def step_observed(self, drivers: Tensor, calendar: Tensor, flux: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """As `step`, with the measured flux of the day (N, C), NaN = not known; it moves later years only."""
        member_fluxes, states = self.show_members(drivers, calendar, flux, state)
        states.append(self.remembered_spread(member_fluxes))
        return self.average(member_fluxes, drivers), torch.cat(states, dim=1)

    def show_members(
        self, drivers: Tensor, calendar: Tensor, flux: Tensor, state: Tensor
    ) -> tuple[Tensor, list[Tensor]]:
        """Fluxes of the members (members, N, C) and their state rows after a day whose flux they are shown."""
        member_states = state.split(self.layout, 1)
        fluxes: list[Tensor] = []
        next_states: list[Tensor] = []
        for index, member in enumerate(self.members):
            predicted, next_state = member.step_observed(drivers, calendar, flux, member_states[index])
            fluxes.append(predicted)
            next_states.append(next_state)
        return torch.stack(fluxes), next_states


def combine(
    members: Sequence[StreamingModel], signature: Signature, quantile_model: QuantileModel | None = None
) -> Ensemble:
    """One model of several, or of one and its quantiles, in eval mode."""
    kind = Ensemble if members[0].past_flux == "none" else HistoryEnsemble
    return kind(members, signature, quantile_model).eval()
