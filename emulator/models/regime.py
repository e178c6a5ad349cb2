"""Regime of a site: what RACI's slow encoder makes of the months that have passed.

After RACI (arXiv 2603.03531), of which the abstract is public: slow regime conditioners are encoded apart from fast
dynamic drivers. Our reading: every driver enters the slow path as its monthly mean and spread, one recurrent step a
month updates the regime, which starts from the static attributes.
"""

import torch
from torch import Tensor, nn

from emulator.models.layers import mlp
from emulator.models.seasons import month_slot, rows_of, sum_over


class RegimeEncoder(nn.Module):
    """Months of standardised drivers (D) -> regime (R). State of a month under way: count (1), sums (D), sums of
    squares (D), added up in the order of days as `forward` does.
    """

    def __init__(self, drivers: int, static_size: int, regime: int) -> None:
        super().__init__()
        self.n_drivers, self.size = drivers, regime
        self.start = nn.Linear(static_size, regime)
        self.token = mlp(2 * drivers + static_size, regime, regime)
        self.cell = nn.GRUCell(regime, regime)
        self.layout = [1, drivers, drivers]
        self.state_size = 1 + 2 * drivers

    def forward(self, months: Tensor, present: Tensor, static: Tensor) -> Tensor:
        """Regime with which each month begins, (B, S, R). months: (B, S, 2 D); present: (B, S, 1); static: (B, E)."""
        regime = self.first(static)
        still = static.unsqueeze(1).expand(-1, months.shape[1], -1)
        tokens = self.token(torch.cat([months, still], dim=2))
        before = []
        for month in range(months.shape[1]):
            before.append(regime)
            regime = torch.where(present[:, month] > 0, self.cell(tokens[:, month], regime), regime)
        return torch.stack(before, dim=1)

    @torch.jit.export
    def first(self, static: Tensor) -> Tensor:
        """Regime before any month has passed, from static embedding (N, E)."""
        return torch.tanh(self.start(static))

    @torch.jit.export
    def month_features(self, drivers: Tensor, calendar: Tensor, years: int) -> tuple[Tensor, Tensor]:
        """Mean and spread (B, S, 2 D) and presence (B, S, 1) of the S = 12 Y months of drivers (B, T, D)."""
        batch, slots = drivers.shape[0], 12 * years
        rows = rows_of(month_slot(calendar), slots)
        days = sum_over(torch.ones_like(drivers[:, :, :1]), rows, batch * slots)
        sums, squares = sum_over(drivers, rows, batch * slots), sum_over(drivers * drivers, rows, batch * slots)
        features = self.summarise(days, sums, squares)
        return features.view(batch, slots, -1), (days > 0).to(drivers.dtype).view(batch, slots, 1)

    @torch.jit.export
    def add_day(self, drivers: Tensor, month: Tensor) -> Tensor:
        """Take a day's drivers (N, D) into the month under way (N, state_size)."""
        return month + torch.cat([torch.ones_like(drivers[:, :1]), drivers, drivers * drivers], dim=1)

    @torch.jit.export
    def features_of(self, month: Tensor) -> Tensor:
        """Mean and spread (N, 2 D) of the month under way (N, state_size)."""
        days, sums, squares = month.split(self.layout, 1)
        return self.summarise(days, sums, squares)

    @torch.jit.export
    def turn_month(self, features: Tensor, regime: Tensor, static: Tensor) -> Tensor:
        """Regime (N, R) after a month with these features (N, 2 D)."""
        return self.cell(self.token(torch.cat([features, static], dim=1)), regime)

    def summarise(self, days: Tensor, sums: Tensor, squares: Tensor) -> Tensor:
        """Mean and spread of each driver, (..., 2 D), in double: the variance is a small difference."""
        days = days.double().clamp(min=1.0)
        mean = sums.double() / days
        variance = (squares.double() / days - mean * mean).clamp(min=0.0)
        return torch.cat([mean, torch.sqrt(variance + 1e-3)], dim=1).float()
