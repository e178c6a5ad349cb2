"""Months and years of daily series: where a day falls, sums over months, and values interpolated between months.

A series covers years 0..Y-1 from the year of its first day; a month's slot is 12 * year + month - 1, so that a series
has S = 12 Y slots, of which those before its first or after its last month stay empty. Leap years need no special care.

All sites of a batch share their days almost always, so that `forward` of a model runs through a series year by year,
with tensors (T, B, ...) whose months and years are blocks of memory; `own_calendars` is for the other batches.
"""

import torch
from torch import Tensor


def year_of_series(calendar: Tensor) -> Tensor:
    """(..., T, 6) -> (..., T) int64, 0 in the year of the first day."""
    return calendar[..., 0] - calendar[..., :1, 0]


def count_years(calendar: Tensor) -> int:
    """Number of calendar years that the longest row of (B, T, 6) touches."""
    return int((calendar[:, -1, 0] - calendar[:, 0, 0]).max().item()) + 1


def own_calendars(calendar: Tensor) -> bool:
    """Whether rows of (B, T, 6) are of different days."""
    if calendar.shape[0] == 1 or calendar.stride(0) == 0:
        return False
    return not bool((calendar == calendar[:1]).all())


def days_of_years(calendar: Tensor) -> list[int]:
    """Number of days in each of the Y years of a series (T, 6)."""
    days: list[int] = torch.bincount(year_of_series(calendar)).tolist()
    return days


def sum_months(values: Tensor, month: Tensor, months: int = 12) -> Tensor:
    """Sums (S, B, F) of values (T, B, F) by month (T,), 0 to S - 1, added in the order of days."""
    sums = torch.zeros([months, values[0].numel()], dtype=values.dtype, device=values.device)
    return sums.index_add(0, month, values.flatten(1)).view(months, values.shape[1], -1)


def rows_of(slot: Tensor, slots: int) -> Tensor:
    """Index of each day's slot in a table flattened to (B * slots, ...); (B, T) -> (B * T,)."""
    row = torch.arange(slot.shape[0], device=slot.device).unsqueeze(1)
    return (row * slots + slot).flatten()


def sum_over(values: Tensor, rows: Tensor, count: int) -> Tensor:
    """Sum (B, T, F) over the days of each slot -> (count, F), with rows from `rows_of`."""
    flat = values.flatten(0, 1)
    return torch.zeros([count, flat.shape[1]], dtype=flat.dtype, device=flat.device).index_add(0, rows, flat)


def month_neighbour(calendar: Tensor) -> tuple[Tensor, Tensor]:
    """Month to interpolate with, relative to the day's own (-1 or 1), and its weight (0 to 0.5), so that values at
    mid-month are the month's and the year is a circle. calendar: (..., 6) -> (...) int64, (...) float32.
    """
    place = (calendar[..., 2].float() - 0.5) / calendar[..., 4].float() - 0.5
    return torch.where(place < 0, -torch.ones_like(calendar[..., 2]), torch.ones_like(calendar[..., 2])), place.abs()


def month_weights(calendar: Tensor) -> Tensor:
    """Weights (T, 12) of the twelve months of its year in the value of each day of (T, 6); see `month_neighbour`."""
    offset, weight = month_neighbour(calendar)
    month = (calendar[:, 1] - 1).unsqueeze(1)
    weight = weight.unsqueeze(1)
    which = torch.arange(12, device=calendar.device)
    own = (month == which).to(weight.dtype)
    other = ((month + offset.unsqueeze(1)) % 12 == which).to(weight.dtype)
    return (1.0 - weight) * own + weight * other
