"""What a site's flux was in earlier years, as features of a day: the same that the neural baselines read."""

import torch
from torch import Tensor

from emulator.evaluation.climatology import SLOTS, day_slot

NEAR_DAYS, SEASON_DAYS = 2, 7
"""Days on either side for last year's flux and for the mean of all past years."""


def past_flux_features(flux: Tensor, calendar: Tensor) -> Tensor:
    """flux: (B, T, C), NaN = not known, in the space that means are to be taken in; calendar: (T, 6) -> (B, T, 6 C).

    Groups of C: last year's flux near the same day, mean of past years near the same day, mean of all past days, and
    how well each is known, between 0 and 1. What is not known is 0. The flux of a year moves later years only.
    """
    batch, _, targets = flux.shape
    slot = torch.as_tensor(day_slot(calendar[:, 1].numpy(), calendar[:, 2].numpy()))
    year = calendar[:, 0]
    known = torch.isfinite(flux)
    value, known = torch.where(known, flux, torch.zeros_like(flux)), known.to(flux.dtype)
    result = torch.zeros(batch, flux.shape[1], 6 * targets)
    last = torch.zeros(2, batch, SLOTS, targets)
    past = torch.zeros_like(last)
    previous = None
    for present in year.unique().tolist():
        if previous is not None and present != previous + 1:
            last = torch.zeros_like(last)
        days = torch.nonzero(year == present).flatten()
        result[:, days] = _features(last, past)[:, slot[days]]
        last = torch.zeros_like(last)
        last[0][:, slot[days]], last[1][:, slot[days]] = value[:, days], known[:, days]
        past = past + last
        previous = present
    return result


def _features(last: Tensor, past: Tensor) -> Tensor:
    """Sums and counts (2, B, 366, C) of last year and of all past years -> (B, 366, 6 C)."""
    near, season = _window_sum(last, NEAR_DAYS), _window_sum(past, SEASON_DAYS)
    everything = past.sum(dim=2, keepdim=True).expand_as(past)
    means = [total / count.clamp(min=1.0) for total, count in (near, season, everything)]
    years = season[1] / (2 * SEASON_DAYS + 1)
    all_years = everything[1] / 365.0
    known = [near[1] / (2 * NEAR_DAYS + 1), years / (years + 1.0), all_years / (all_years + 1.0)]
    return torch.cat(means + known, dim=-1)


def _window_sum(values: Tensor, days: int) -> Tensor:
    """Sum over the slots within `days` of each, the year being a circle; (2, B, 366, C)."""
    return torch.stack([values.roll(shift, dims=2) for shift in range(-days, days + 1)]).sum(0)
