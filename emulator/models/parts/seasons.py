"""Months and years of daily series: where a day falls, sums over months, and values interpolated between months.

A series covers years 0..Y-1 from the year of its first day; a month's slot is 12 * year + month - 1, so that a series
has M = 12 Y slots, of which those before its first or after its last month stay empty. Leap years need no special care.

All sites of a batch share their days almost always, so that `forward` of a model runs through a series year by year,
with tensors (T, B, ...) whose months and years are blocks of memory; `calendars_differ` tells of the other batches.
"""

import torch
from torch import Tensor

from emulator.data import calendar as column


def ends_month(calendar: Tensor) -> bool:
    """Whether a day (6,) is the last of its month."""
    return bool(calendar[column.DAY] == calendar[column.DAYS_IN_MONTH])


def ends_year(calendar: Tensor) -> bool:
    """Whether a day (6,) is the last of its year."""
    return bool(calendar[column.DAY_OF_YEAR] == calendar[column.DAYS_IN_YEAR])


def month_of_year(calendar: Tensor) -> Tensor:
    """(..., 6) -> (...) int64, 0 in January to 11."""
    return calendar[..., column.MONTH] - 1


def year_of_series(calendar: Tensor) -> Tensor:
    """(..., T, 6) -> (..., T) int64, 0 in the year of the first day."""
    return calendar[..., column.YEAR] - calendar[..., :1, column.YEAR]


def month_of_series(calendar: Tensor) -> Tensor:
    """(..., T, 6) -> (..., T) int64, 0 in January of the first day's year."""
    return 12 * year_of_series(calendar) + calendar[..., column.MONTH] - 1


def count_years(calendar: Tensor) -> int:
    """Number of calendar years that the longest row of (B, T, 6) touches."""
    return int((calendar[:, -1, column.YEAR] - calendar[:, 0, column.YEAR]).max().item()) + 1


def calendars_differ(calendar: Tensor) -> bool:
    """Whether rows of (B, T, 6) are of different days."""
    if calendar.shape[0] == 1 or calendar.stride(0) == 0:
        return False
    return not bool((calendar == calendar[:1]).all())


def days_of_years(calendar: Tensor) -> list[int]:
    """Number of days in each of the Y years of a series (T, 6)."""
    days: list[int] = torch.bincount(year_of_series(calendar)).tolist()
    return days


def sum_months(values: Tensor, month: Tensor, months: int = 12) -> Tensor:
    """Sums (M, B, F) of values (T, B, F) by month (T,), 0 to M - 1, added in the order of days; months: M."""
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
    day, length = calendar[..., column.DAY], calendar[..., column.DAYS_IN_MONTH]
    from_middle = (day.float() - 0.5) / length.float() - 0.5
    return torch.where(from_middle < 0, -torch.ones_like(day), torch.ones_like(day)), from_middle.abs()


def month_weights(calendar: Tensor) -> Tensor:
    """Weights (T, 12) of the twelve months of its year in the value of each day of (T, 6); see `month_neighbour`."""
    offset, weight = month_neighbour(calendar)
    month = month_of_year(calendar).unsqueeze(1)
    weight = weight.unsqueeze(1)
    months = torch.arange(12, device=calendar.device)
    is_month = (month == months).to(weight.dtype)
    is_neighbour = ((month + offset.unsqueeze(1)) % 12 == months).to(weight.dtype)
    return (1.0 - weight) * is_month + weight * is_neighbour
