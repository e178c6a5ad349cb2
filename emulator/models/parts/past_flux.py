"""Features of a site's past flux: what a model without memory of years can still be told about them.

They come from tables over the days of the year, in which 29 February has its own slot. The flux of a year enters them
when the year ends, so it cannot reach its own prediction.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from emulator.data import calendar as column
from emulator.models.parts.seasons import count_years, ends_year, rows_of, sum_over, year_of_series
from emulator.models.parts.state_row import field_sizes

SLOTS = 366
"""Days of a leap year; slot 59, 29 February, stays empty in other years."""
LAST_YEAR_REACH = 2
"""Last year's flux of a day is a mean over this many days to either side, and"""
CLIMATE_REACH = 7
"""its mean over all past years over this many."""
LEAST_YEARS = 1e-4
"""Less than any share of a year that can be known: keeps the mean of nothing at 0."""


class PastFluxRow(NamedTuple):
    """State row: by slot of the year (366 2 C) the sums over all past years, over last year and over the year under
    way, and the sums of all past years over their slots (2 C).
    """

    past: Tensor
    last: Tensor
    pending: Tensor
    overall: Tensor


class PastFluxFeatures(nn.Module):
    """Last year's flux of the day, the mean of past years on the day, and the mean of past years, of each target.

    Flux (C) is in the standardised transformed space of `TargetScaling`, NaN where not known. Features (6 C): the three
    means, 0 where nothing is known, then for each how well it is known, n / (n + 1) with n years known.
    Sums over years go with the number of years known, (..., 2 C). Means are taken in double precision, so that the two
    faces agree to the last digits of the features.
    """

    def __init__(self, targets: int) -> None:
        super().__init__()
        self.slots, self.sums_size = SLOTS, 2 * targets
        self.last_reach, self.climate_reach, self.least = LAST_YEAR_REACH, CLIMATE_REACH, LEAST_YEARS
        self.size = 6 * targets
        table = self.slots * self.sums_size
        self.layout = field_sizes(PastFluxRow, past=table, last=table, pending=table, overall=self.sums_size)
        self.state_size = sum(self.layout)

    def forward(self, flux: Tensor, calendar: Tensor) -> Tensor:
        """flux: (B, T, C); calendar: (B, T, 6) -> features of each day (B, T, 6 C)."""
        batch, years = flux.shape[0], count_years(calendar)
        rows = rows_of(year_of_series(calendar) * self.slots + day_slot(calendar), years * self.slots)
        table = sum_over(flux_and_count(flux), rows, batch * years * self.slots)
        table = table.view(batch, years, self.slots, self.sums_size).double()
        last, past = torch.zeros_like(table), torch.zeros_like(table)
        last[:, 1:] = table[:, :-1]
        for year in range(1, years):
            past[:, year] = past[:, year - 1] + last[:, year]
        overall = past.mean(2, keepdim=True).expand_as(past)
        features = self.features(circular_mean(last, self.last_reach), circular_mean(past, self.climate_reach), overall)
        return features.flatten(0, 2).index_select(0, rows).view(batch, flux.shape[1], self.size)

    @torch.jit.export
    def init_state(self, like: Tensor) -> Tensor:
        """No flux known, for each row of `like` (N, ...): (N, state_size)."""
        return torch.zeros([like.shape[0], self.state_size], dtype=torch.float32, device=like.device)

    @torch.jit.export
    def read(self, calendar: Tensor, state: Tensor) -> Tensor:
        """Features of a day (N, 6 C); calendar: (6,)."""
        row = self.fields(state)
        slot = day_slot(calendar)
        last = self.window_mean(row.last, slot, self.last_reach)
        return self.features(last, self.window_mean(row.past, slot, self.climate_reach), row.overall.double())

    @torch.jit.export
    def advance(self, flux: Tensor, calendar: Tensor, state: Tensor) -> Tensor:
        """Take in a day's flux (N, C), NaN = not known; it is read from the next year on."""
        past, last, pending, overall = self.fields(state)
        table = pending.reshape(-1, self.slots, self.sums_size)
        table = table.index_copy(1, day_slot(calendar).view(1), flux_and_count(flux).unsqueeze(1))
        pending = table.flatten(1)
        if ends_year(calendar):
            past, last, overall = past + pending, pending, overall + table.double().mean(1).float()
            pending = torch.zeros_like(pending)
        return torch.cat(PastFluxRow(past, last, pending, overall), dim=1)

    def fields(self, state: Tensor) -> PastFluxRow:
        """State row (N, state_size) -> its fields."""
        past, last, pending, overall = state.split(self.layout, 1)
        return PastFluxRow(past, last, pending, overall)

    def window_mean(self, table: Tensor, slot: Tensor, reach: int) -> Tensor:
        """Mean over the days around one slot. table: (N, 366 * 2 C) -> (N, 2 C)."""
        window = (slot + torch.arange(-reach, reach + 1, device=table.device)) % self.slots
        return table.reshape(-1, self.slots, self.sums_size).index_select(1, window).double().mean(1)

    def features(self, last: Tensor, past: Tensor, overall: Tensor) -> Tensor:
        """Sums and years known (..., 2 C) of last year, of the season and of the site -> (..., 6 C)."""
        sums = torch.stack([last, past, overall], dim=-2)
        total, years = sums.chunk(2, -1)
        means = total / years.clamp(min=self.least)
        return torch.cat([means.flatten(-2), (years / (years + 1.0)).flatten(-2)], dim=-1).float()


def day_slot(calendar: Tensor) -> Tensor:
    """Slot of the day among those of a leap year, 0 to 365; (..., 6) -> (...) int64."""
    after_gap = (calendar[..., column.DAYS_IN_YEAR] < 366) & (calendar[..., column.MONTH] > 2)
    return calendar[..., column.DAY_OF_YEAR] - 1 + after_gap.to(torch.int64)


def flux_and_count(flux: Tensor) -> Tensor:
    """Flux, 0 where not known, and 1 where it is known, else 0, to be summed: (..., C) -> (..., 2 C)."""
    observed = torch.isfinite(flux)
    return torch.cat([torch.where(observed, flux, torch.zeros_like(flux)), observed.to(flux.dtype)], dim=-1)


def circular_mean(table: Tensor, reach: int) -> Tensor:
    """Running mean over the year as a circle, `reach` slots to either side; (B, Y, 366, F) -> the same shape."""
    padded = nn.functional.pad(table.flatten(0, 1).transpose(1, 2), (reach, reach), mode="circular")
    return nn.functional.avg_pool1d(padded, 2 * reach + 1, 1).transpose(1, 2).view_as(table)
