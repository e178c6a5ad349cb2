"""A tiny recurrent network with the methods that docs/formats.md asks of an exported module."""

import torch
from torch import Tensor, nn


class TinyLSTM(nn.Module):
    """State row: h (H), c (H), sum and count of this year's known CH4 flux, last year's mean of it."""

    state_size: int

    def __init__(self, normal: Tensor, spread: Tensor, static_scale: Tensor, hidden: int) -> None:
        super().__init__()
        self.hidden = hidden
        self.state_size = 2 * hidden + 3
        self.register_buffer("normal", normal)
        self.register_buffer("spread", spread)
        self.register_buffer("static_scale", static_scale)
        self.cell = nn.LSTMCell(normal.numel() + 2, hidden)
        self.start = nn.Linear(static_scale.numel(), 2 * hidden)
        self.head = nn.Linear(hidden + 1, 2)

    @torch.jit.export
    def init_state(self, static: Tensor) -> Tensor:
        return torch.cat([torch.tanh(self.start(static / self.static_scale)), torch.zeros(static.size(0), 3)], dim=1)

    @torch.jit.export
    def step(self, drivers: Tensor, calendar: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        return self.step_observed(drivers, calendar, torch.full((drivers.size(0), 2), float("nan")), state)

    @torch.jit.export
    def step_observed(self, drivers: Tensor, calendar: Tensor, flux: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        day_of_year, days_in_year = calendar[3], calendar[5]
        angle = 6.2831853 * day_of_year.to(torch.float32) / days_in_year.to(torch.float32)
        season = torch.stack([torch.sin(angle), torch.cos(angle)]).expand(drivers.size(0), 2)
        h, c = state[:, : self.hidden], state[:, self.hidden : 2 * self.hidden]
        h, c = self.cell(torch.cat([(drivers - self.normal) / self.spread, season], dim=1), (h, c))
        total, count, last_year = state[:, -3], state[:, -2], state[:, -1]
        raw = self.head(torch.cat([h, last_year.unsqueeze(1)], dim=1))
        out = torch.stack([nn.functional.softplus(raw[:, 0]) * 3.0, raw[:, 1] * 20.0], dim=1)
        measured = ~torch.isnan(flux[:, 1])
        total = total + torch.where(measured, flux[:, 1], torch.zeros_like(total))
        count = count + measured.to(torch.float32)
        if int(day_of_year) == int(days_in_year):
            last_year = torch.where(count > 0, total / count.clamp(min=1.0) / 20.0, last_year)
            total, count = torch.zeros_like(total), torch.zeros_like(count)
        return out, torch.cat([h, c, torch.stack([total, count, last_year], dim=1)], dim=1)
