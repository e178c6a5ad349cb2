"""Kinds of days: a native program has other operations where a month ends, where a year ends, and on other days."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

import torch
from torch import Tensor

from emulator.data import calendar as column

EXAMPLES = {
    "day": torch.tensor([2003, 3, 5, 64, 31, 365]),
    "month_end": torch.tensor([2003, 3, 31, 90, 31, 365]),
    "year_end": torch.tensor([2003, 12, 31, 365, 31, 365]),
}
"""A row of the calendar, (6,), of each kind of day."""


def kind_of_day(calendar: Sequence[int]) -> str:
    """One of EXAMPLES, from the six numbers of a day."""
    if calendar[column.DAY_OF_YEAR] == calendar[column.DAYS_IN_YEAR]:
        return "year_end"
    return "month_end" if calendar[column.DAY] == calendar[column.DAYS_IN_MONTH] else "day"


def days_of(kind: str) -> Iterator[Tensor]:
    """Calendars (6,) of all days of a kind, in a leap year, another, and one of 360 days."""
    for calendar in (*_year(2004), *_year(2003), *_year_of_360_days(2003)):
        if kind_of_day(calendar) == kind:
            yield torch.tensor(calendar)


def _year(year: int) -> Iterator[list[int]]:
    new_year = date(year, 1, 1)
    days_in_year = (date(year + 1, 1, 1) - new_year).days
    for elapsed in range(days_in_year):
        day = new_year + timedelta(elapsed)
        days_in_month = ((day.replace(day=28) + timedelta(4)).replace(day=1) - timedelta(1)).day
        yield [year, day.month, day.day, elapsed + 1, days_in_month, days_in_year]


def _year_of_360_days(year: int) -> Iterator[list[int]]:
    """Every 29th day, so that days of all months and places in a month are among them."""
    for elapsed in range(0, 360, 29):
        yield [year, elapsed // 30 + 1, elapsed % 30 + 1, elapsed + 1, 30, 360]
