"""The calendar of a series: one row of six whole numbers a day, and the names of its columns.

Columns are named through the module, which TorchScript takes as constants where it refuses imported names:

    from emulator.data import calendar as column
    month = calendar[..., column.MONTH]
"""

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


def calendar_table(dates: np.ndarray) -> Tensor:
    """(T, 6) int64 from cftime dates: year, month, day, day of year, days in month, days in year."""
    rows = []
    for date in dates:
        days_in_year = 366 if date.calendar != "noleap" and _is_leap(date.year) else 365
        rows.append((date.year, date.month, date.day, date.dayofyr, date.daysinmonth, days_in_year))
    return torch.tensor(rows, dtype=torch.int64)


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
