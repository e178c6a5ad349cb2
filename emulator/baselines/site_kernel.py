"""Covariance of the flux of two site-days: what all sites share, what a site is, and what lasts for some time.

    k = k_all(x, x') + same class c + same site [s + k_site(x, x') + k_season(d, d') + k_days(t, t') + k_years(t, t')]

x are features of the weather (K), d the place in the year, t the time. k_all and k_site are squared exponentials with a
length for each feature, k_season is periodic, k_days and k_years are exponentials (Rasmussen and Williams 2006,
Gaussian Processes for Machine Learning, chapters 4 and 5). A new site has the class and k_all alone.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

DAYS_PER_YEAR = 365.25
TERMS = ("all", "class", "site", "site_weather", "season", "days", "years")
"""Terms of the covariance, in the order of `Kernel.log_deviation`."""
USUAL_DEVIATION = (0.5, 0.3, 0.3, 0.3, 0.3, 0.3, 0.2)
USUAL_NOISE = 0.3
USUAL_LENGTH = 4.0
USUAL_SEASON, USUAL_DAYS, USUAL_YEARS = 1.5, 20.0, 3.0 * DAYS_PER_YEAR


class SiteDays(NamedTuple):
    """Rows: features (R, K) of order one, site (R,) and site class (R,) as numbers, day (R,) on one axis of time."""

    features: Tensor
    site: Tensor
    group: Tensor
    day: Tensor

    def take(self, rows: Tensor) -> "SiteDays":
        """Some of the rows."""
        return SiteDays(*(column[rows] for column in self))

    def single(self) -> "SiteDays":
        """The same with features in single precision, in which a prediction costs half; times stay exact."""
        return self._replace(features=self.features.float())

    def join(self, other: "SiteDays") -> "SiteDays":
        """These rows, then others."""
        return SiteDays(*(torch.cat(pair) for pair in zip(self, other, strict=True)))


@dataclass
class Kernel:
    """Logarithms of: deviation of each term (7,), lengths of all and of site_weather (2, K), times (3,) of season, days
    and years, and deviation of the noise, ().
    """

    log_deviation: Tensor
    log_length: Tensor
    log_time: Tensor
    log_noise: Tensor

    @classmethod
    def usual(cls, features: int) -> "Kernel":
        """Where the search begins, and what it is drawn to."""
        return cls(
            torch.tensor(USUAL_DEVIATION, dtype=torch.float64).log(),
            torch.full((2, features), math.log(USUAL_LENGTH), dtype=torch.float64),
            torch.tensor([USUAL_SEASON, USUAL_DAYS, USUAL_YEARS], dtype=torch.float64).log(),
            torch.tensor(USUAL_NOISE, dtype=torch.float64).log(),
        )

    def parameters(self) -> list[Tensor]:
        """All of them, in the order of the fields."""
        return list(vars(self).values())

    def single(self) -> "Kernel":
        """The same in single precision."""
        return Kernel(*(value.float() for value in self.parameters()))

    def covariance(self, rows: SiteDays, others: SiteDays) -> Tensor:
        """(R, R'), without noise."""
        variance, time = (2.0 * self.log_deviation).exp(), self.log_time.exp()
        same_site = (rows.site[:, None] == others.site).to(variance.dtype)
        same_group = (rows.group[:, None] == others.group).to(variance.dtype)
        apart = (rows.day[:, None] - others.day).abs().to(variance.dtype)
        season = torch.exp(-2.0 * (torch.sin(math.pi / DAYS_PER_YEAR * apart) / time[0]) ** 2)
        lasting = variance[5] * torch.exp(-apart / time[1]) + variance[6] * torch.exp(-apart / time[2])
        weather = [_squared_exponential(rows.features, others.features, length) for length in self.log_length.exp()]
        of_site = variance[2] + variance[3] * weather[1] + variance[4] * season + lasting
        return variance[0] * weather[0] + variance[1] * same_group + same_site * of_site

    def variance(self) -> Tensor:
        """Of a day's flux before anything is known, without noise."""
        return (2.0 * self.log_deviation).exp().sum()

    def noise(self) -> Tensor:
        """Variance of the noise."""
        return (2.0 * self.log_noise).exp()

    def departure(self) -> Tensor:
        """How far the kernel is from the usual one: minus the logarithm of a prior, each logarithm with deviation 1."""
        usual = Kernel.usual(self.log_length.shape[1])
        pairs = zip(self.parameters(), usual.parameters(), strict=True)
        return torch.stack([0.5 * ((value - start) ** 2).sum() for value, start in pairs]).sum()


def _squared_exponential(x: Tensor, y: Tensor, length: Tensor) -> Tensor:
    x, y = x / length, y / length
    squares = (x * x).sum(1)[:, None] + (y * y).sum(1) - 2.0 * x @ y.T
    return torch.exp(-0.5 * squares.clamp(min=0.0))
