"""Features of a site-day for regressions: what drivers were lately and over the past year, statics, season, past flux.

All of them are causal: a day's features hold nothing of later days, and no flux of its own year.
"""

import math

import torch
from torch import Tensor

from emulator.data import calendar as column
from emulator.data.scalers import DriverScaling, Scalers
from emulator.data.signature import Signature
from emulator.models.parts.layers import StaticFeatures, season
from foundations.variables import Variable

LAG_DAYS = (1, 3, 7, 15, 30, 90, 365)
"""Trailing windows, the present day included; where the record is shorter, the mean is over what there is."""

MOST_CODES = 32
"""A driver with a wider range, such as the year, is a number."""


class LagFeatures:
    """Rows of features for chosen site-days.

    Columns: trailing means of the scaled drivers (window by window), each class of a driver that is a flag, scaled
    statics with one-hot classes, sine and cosine of the season with and without the sign of the hemisphere.
    """

    def __init__(self, signature: Signature, scalers: Scalers) -> None:
        self.scaling = DriverScaling(scalers, signature)
        self.static_features = StaticFeatures(signature, scalers, "sphere" if _has_place(signature) else "none")
        self.flags = [
            (index, float(value)) for index, variable in enumerate(signature.inputs) for value in _codes(variable)
        ]
        self.lagged = len(LAG_DAYS) * self.scaling.size
        self.first_season = self.lagged + len(self.flags) + self.static_features.size
        self.size = self.first_season + 4

    def rows(self, drivers: Tensor, calendar: Tensor, static: Tensor, site: Tensor, day: Tensor) -> Tensor:
        """drivers: (N, T, D) table units; calendar: (T, 6); static: (N, P); site, day: (R,) -> (R, size)."""
        scaled = self.scaling(drivers)
        first = _first_days(drivers)
        running_sums = torch.nn.functional.pad(torch.nan_to_num(scaled).double().cumsum(1), (0, 0, 1, 0))
        means = [self._trailing_mean(running_sums, site, day, first[site], days) for days in LAG_DAYS]
        today = drivers[site, day]
        flags = [(today[:, index : index + 1].round() == value).float() for index, value in self.flags]
        static_features = self.static_features(static)[site]
        wave = season(calendar[day], static_features[:, :1])
        day_of_year = calendar[day, column.DAY_OF_YEAR].unsqueeze(1)
        days_in_year = calendar[day, column.DAYS_IN_YEAR].unsqueeze(1)
        angle = (2.0 * math.pi) * day_of_year.float() / days_in_year.float()
        return torch.cat([*means, *flags, static_features, wave, torch.sin(angle), torch.cos(angle)], dim=1)

    def _trailing_mean(self, sums: Tensor, site: Tensor, day: Tensor, first: Tensor, days: int) -> Tensor:
        """Mean over the last `days` days, from day `first` (R,) on, from running sums (N, T + 1, D); (R, D)."""
        start = torch.maximum(day + 1 - days, first).minimum(day)
        return ((sums[site, day + 1] - sums[site, start]) / (day + 1 - start).unsqueeze(1)).float()


def _codes(variable: Variable) -> range:
    """Codes of a driver that is a flag by its range alone, as `crop` of our simulations; those that a file gives as
    classes are columns of their own already.
    """
    if variable.flag_values or variable.accumulate != "last" or variable.valid_max is None:
        return range(0)
    codes = range(int(variable.valid_min or 0), int(variable.valid_max) + 1)
    return codes if len(codes) <= MOST_CODES else range(0)


def _first_days(drivers: Tensor) -> Tensor:
    """The first day of each site's record, (N, T, D) -> (N,)."""
    return torch.isfinite(drivers).all(-1).int().argmax(1)


def _has_place(signature: Signature) -> bool:
    return {"lat", "lon"} <= set(signature.static_names)
