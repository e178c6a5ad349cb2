"""A model that changes part of its state on the 17th of a month, and may write into the state it is given."""

import torch
from torch import Tensor, nn


class OddDays(nn.Module):
    """State row: a sum over all days, the sum on the last 17th of a month, a number that never changes."""

    state_size: int

    def __init__(self, in_place: bool) -> None:
        super().__init__()
        self.in_place = in_place
        self.state_size = 3

    @torch.jit.export
    def init_state(self, static: Tensor) -> Tensor:
        return static.clone()

    @torch.jit.export
    def step(self, drivers: Tensor, calendar: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        total, held_total, constant = state[:, :1], state[:, 1:2], state[:, 2:]
        if self.in_place:
            total += 0.01 * drivers[:, :1]
        else:
            total = total + 0.01 * drivers[:, :1]
        day_of_month = int(calendar[2])
        if day_of_month == 17:
            held_total = 2.0 * total
        return torch.cat([total, held_total], dim=1), torch.cat([total, held_total, constant], dim=1)
