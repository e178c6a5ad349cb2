"""Regime of a site: what RACI's slow encoder makes of the months that have passed.

After RACI (arXiv 2603.03531), of which the abstract is public: slow regime conditioners are encoded apart from fast
dynamic drivers. Our reading: every driver enters the slow path as its monthly mean and spread, one recurrent step a
month updates the regime, which starts from the static attributes.
"""

import torch
from torch import Tensor, nn

from emulator.models.parts.layers import mlp
from emulator.models.parts.seasons import count_years, month_of_series, month_of_year, sum_months


class RegimeEncoder(nn.Module):
    """Months of standardised drivers (D) -> regime (`size`). State of a month under way: count (1), sums (D), sums of
    squares (D), added up in the order of days as `forward` does.
    """

    full_precision = True

    def __init__(self, drivers: int, static_size: int, regime: int) -> None:
        super().__init__()
        self.n_drivers, self.size = drivers, regime
        self.start = nn.Linear(static_size, regime)
        self.token = mlp(2 * drivers + static_size, regime, regime)
        self.cell = nn.GRUCell(regime, regime)
        self.layout = [1, drivers, drivers]
        self.state_size = 1 + 2 * drivers

    def forward(self, drivers: Tensor, calendar: Tensor, static_embedding: Tensor, blind: bool = False) -> Tensor:
        """Regime with which each month begins, (M, B, size); drivers: (T, B, D); calendar: (T, 6); static_embedding:
        (B, E).

        blind: the months say nothing.
        """
        months = self.months_of(drivers, calendar)
        if blind:
            months = torch.zeros_like(months)
        every_month = static_embedding.unsqueeze(0).expand(months.shape[0], -1, -1)
        tokens = self.token(torch.cat([months, every_month], dim=2))
        regime, cell = self.first(static_embedding).unsqueeze(0), self.cell
        # months before the first day do not count; those after the last one move none that does
        months_before = int(month_of_year(calendar)[0].item())
        weights = [cell.weight_ih, cell.weight_hh, cell.bias_ih, cell.bias_hh]
        regime_after = torch.gru(tokens[months_before:], regime, weights, True, 1, 0.0, False, False, False)[0]
        return torch.cat([regime.expand(months_before + 1, -1, -1), regime_after[:-1]])

    @torch.jit.export
    def first(self, static_embedding: Tensor) -> Tensor:
        """Regime before any month has passed, from static embedding (N, E)."""
        return torch.tanh(self.start(static_embedding))

    def months_of(self, drivers: Tensor, calendar: Tensor) -> Tensor:
        """Mean and spread (M, B, 2 D) of the M = 12 Y months of drivers (T, B, D)."""
        month = month_of_series(calendar)
        months = 12 * count_years(calendar.unsqueeze(0))
        days = torch.bincount(month, minlength=months).to(drivers.dtype).view(months, 1, 1)
        return self.summarise(days, sum_months(drivers, month, months), sum_months(drivers * drivers, month, months))

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
    def turn_month(self, features: Tensor, regime: Tensor, static_embedding: Tensor) -> Tensor:
        """Regime (N, size) after a month with these features (N, 2 D)."""
        return self.cell(self.token(torch.cat([features, static_embedding], dim=1)), regime)

    def summarise(self, days: Tensor, sums: Tensor, squares: Tensor) -> Tensor:
        """Mean and spread of each driver, (..., 2 D), in double: the variance is a small difference."""
        days = days.double().clamp(min=1.0)
        mean = sums.double() / days
        variance = (squares.double() / days - mean * mean).clamp(min=0.0)
        return torch.cat([mean, torch.sqrt(variance + 1e-3)], dim=-1).float()
