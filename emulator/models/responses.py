"""What the memory bank stores of each training site: its climate by month and how its fluxes respond.

Computed once from training sites and years, without learned weights; small networks encode it later.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

RIDGE = 0.05
"""Ridge of the driver sensitivities, as a share of the number of days."""


@dataclass(frozen=True)
class SiteResponses:
    """climate: (N, 12, F) mean over years of monthly features; flux: (N, 12, 2 C) known share x mean standardised flux,
    known share; spread: (N, 12, C) of daily flux about that mean; sensitivity: (N, C * D) slope of flux anomalies on
    driver anomalies.
    """

    climate: Tensor
    flux: Tensor
    spread: Tensor
    sensitivity: Tensor


def site_responses(drivers: Tensor, flux: Tensor, calendar: Tensor, months: Tensor, present: Tensor) -> SiteResponses:
    """Summarise training sites.

    drivers: (N, T, D) standardised; flux: (N, T, C) standardised, NaN = missing; calendar: (T, 6); months: (N, S, F)
    features of each month of the record; present: (N, S, 1).
    """
    month = calendar[:, 1] - 1
    mask = torch.isfinite(flux).to(drivers.dtype)
    value = torch.nan_to_num(flux)
    days = _by_month(torch.ones_like(drivers[:, :, :1]), month)
    known = _by_month(mask, month)
    mean = _by_month(value, month) / known.clamp(min=1.0)
    anomaly = (value - mean[:, month]) * mask
    spread = (_by_month(anomaly**2, month) / known.clamp(min=1.0)).sqrt()
    share = known / days.clamp(min=1.0)
    driver_mean = _by_month(drivers, month) / days.clamp(min=1.0)
    sensitivity = _sensitivity(drivers - driver_mean[:, month], anomaly, mask)
    sites, slots, features = months.shape
    by_year = (months * present).view(sites, slots // 12, 12, features).sum(1)
    climate = by_year / present.view(sites, slots // 12, 12, 1).sum(1).clamp(min=1.0)
    return SiteResponses(climate, torch.cat([share * mean, share], dim=2), spread, sensitivity)


def _by_month(values: Tensor, month: Tensor) -> Tensor:
    """Sum of (N, T, F) over the days of each calendar month: (N, 12, F)."""
    return torch.zeros(values.shape[0], 12, values.shape[2]).index_add(1, month, values)


def _sensitivity(drivers: Tensor, flux: Tensor, mask: Tensor) -> Tensor:
    """Ridge regression slopes of anomalies, each site and target by itself, over days with known flux: (N, C * D)."""
    eye = torch.eye(drivers.shape[2])
    slopes = []
    for target in range(flux.shape[2]):
        seen = drivers * mask[:, :, target : target + 1]
        days = mask[:, :, target].sum(1)[:, None, None].clamp(min=1.0)
        gram = seen.transpose(1, 2) @ seen / days + RIDGE * eye
        moment = seen.transpose(1, 2) @ flux[:, :, target : target + 1] / days
        slopes.append(torch.linalg.solve(gram, moment).squeeze(2))
    return torch.cat(slopes, dim=1)
