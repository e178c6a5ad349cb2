"""The calendar of a series: one row of six whole numbers a day, and the names of its columns.

Columns are named through the module, which TorchScript takes as constants where it refuses imported names:

    from emulator.data import calendar as column
    month = calendar[..., column.MONTH]
"""

import itertools
from typing import Final

import numpy as np
import torch
from torch import Tensor

YEAR: Final = 0
MONTH: Final = 1
"""1 to 12."""
DAY: Final = 2
"""Of the month, from 1."""
DAY_OF_YEAR: Final = 3
"""From 1."""
DAYS_IN_MONTH: Final = 4
DAYS_IN_YEAR: Final = 5
COLUMNS: Final = 6
HALF_YEAR: Final = 183
"""Days below which the end of a record is no year of its own."""


def calendar_table(dates: np.ndarray) -> Tensor:
    """(T, 6) int64 from cftime dates: year, month, day, day of year, days in month, days in year."""
    rows = []
    for date in dates:
        days_in_year = 366 if date.calendar != "noleap" and _is_leap(date.year) else 365
        rows.append((date.year, date.month, date.day, date.dayofyr, date.daysinmonth, days_in_year))
    return torch.tensor(rows, dtype=torch.int64)


def record_years(calendar: Tensor, first: int, last: int) -> list[tuple[int, int]]:
    """Years of a record from day `first` to day `last` of a calendar (T, 6): (first day, day after the last) of each.

    They are calendar years; less than half a year at either end goes with its neighbour, so that no day is left out.
    """
    year = calendar[first : last + 1, YEAR]
    turns = (torch.nonzero(year[1:] != year[:-1]).flatten() + first + 1).tolist()
    edges = [first, *turns, last + 1]
    if len(edges) > 2 and edges[1] - edges[0] < HALF_YEAR:
        del edges[1]
    if len(edges) > 2 and edges[-1] - edges[-2] < HALF_YEAR:
        del edges[-2]
    return list(itertools.pairwise(edges))


def day_numbers(calendar: Tensor) -> np.ndarray:
    """Dates as ascending numbers yyyymmdd, (T, 6) -> (T,)."""
    return (10_000 * calendar[:, YEAR] + 100 * calendar[:, MONTH] + calendar[:, DAY]).numpy()


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
