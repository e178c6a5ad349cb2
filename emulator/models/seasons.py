"""Months and years of daily series: where a day falls, sums over months, and values interpolated between months.

A series covers years 0..Y-1 from the year of its first day; a month's slot is 12 * year + month - 1, so that a series
has S = 12 Y slots, of which those before its first or after its last month stay empty. Leap years need no special care.
"""

import torch
from torch import Tensor


def year_of_series(calendar: Tensor) -> Tensor:
    """(B, T, 6) -> (B, T) int64, 0 in the year of the first day."""
    return calendar[:, :, 0] - calendar[:, :1, 0]


def count_years(calendar: Tensor) -> int:
    """Number of calendar years that the longest row of (B, T, 6) touches."""
    return int((calendar[:, -1, 0] - calendar[:, 0, 0]).max().item()) + 1


def month_slot(calendar: Tensor) -> Tensor:
    """(B, T, 6) -> (B, T) int64."""
    return year_of_series(calendar) * 12 + calendar[:, :, 1] - 1


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


def interpolate_months(table: Tensor, calendar: Tensor) -> Tensor:
    """Daily values from a table of each year's twelve months. table: (B, Y, 12, F); calendar: (B, T, 6) -> (B, T,
    F).
    """
    offset, weight = month_neighbour(calendar)
    month = calendar[:, :, 1] - 1
    first = year_of_series(calendar) * 12
    flat = table.flatten(0, 2)
    slots = table.shape[1] * 12
    here = flat.index_select(0, rows_of(first + month, slots))
    there = flat.index_select(0, rows_of(first + (month + offset) % 12, slots))
    share = weight.flatten().unsqueeze(1)
    return (here + share * (there - here)).view(calendar.shape[0], calendar.shape[1], -1)


def spread_years(table: Tensor, calendar: Tensor) -> Tensor:
    """Each day gets its year's row. table: (B, Y, F); calendar: (B, T, 6) -> (B, T, F)."""
    rows = rows_of(year_of_series(calendar), table.shape[1])
    return table.flatten(0, 1).index_select(0, rows).view(calendar.shape[0], calendar.shape[1], -1)
