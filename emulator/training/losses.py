"""Training loss for fluxes whose size differs a hundredfold between sites.

Three views of the same error are added, since each alone fails somewhere: plain squared error ignores all but the
largest sites, a transformed error under-predicts them, and only the per-site error treats a small site's season as
seriously as a large one's.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from emulator.data.scalers import asinh
from emulator.data.series import Moments, site_blocks

SHARE_OF_SIZE = 0.25
"""Share of a site's root mean square flux that its spread is not much below."""

HUBER_DELTA = 2.0
"""Normalised errors beyond this count linearly, so that a single extreme day cannot steer a batch."""


@dataclass(frozen=True)
class LossWeights:
    """Shares of the four terms; `uncertainty_floor`: see `FluxLoss.trust`, None = all days count alike."""

    transformed: float = 1.0
    site: float = 1.0
    physical: float = 1.0
    balance: float = 0.0
    uncertainty_floor: float | None = None


class FluxLoss(nn.Module):
    """Weighted sum of transformed, per-site and physical-space error, each averaged over known days, then over targets.

    Let t be the target, p the prediction, a(x) = asinh(x / scale):
    - transformed: Huber of (a(p) - a(t)) / spread, where spread is the standard deviation of a(t);
    - site: log(1 + z^2), z = (p - t) / site_spread of that site, so that every site counts alike, whatever its size;
      its influence falls for |z| > 1, else sites with a small spread hold all predictions near theirs;
    - physical: square of (p - t) / flux_spread, what pooled R2 is made of;
    - balance: log(1 + z^2) of the mean of z over each twelfth of a year, and over each year: what does not cancel in
      monthly and annual budgets counts again.
    """

    scale: Tensor
    transformed_spread: Tensor
    site_spread: Tensor
    flux_spread: Tensor
    target_weight: Tensor

    def __init__(
        self,
        weights: LossWeights,
        *,
        scale: Tensor,
        transformed_spread: Tensor,
        site_spread: Tensor,
        flux_spread: Tensor,
        target_weight: Tensor,
    ) -> None:
        """site_spread: (N, C) for all sites; the others: (C,). All are positive."""
        super().__init__()
        self.weights = weights
        for name, value in {
            "scale": scale,
            "transformed_spread": transformed_spread,
            "site_spread": site_spread,
            "flux_spread": flux_spread,
            "target_weight": target_weight,
        }.items():
            self.register_buffer(name, value.float())

    def forward(
        self,
        prediction: Tensor,
        target: Tensor,
        site: Tensor,
        weight: Tensor | None = None,
        deviation: Tensor | None = None,
    ) -> Tensor:
        """prediction, target: (B, T, C) analysis units, NaN in target = not scored; site: (B,); weight: (B,) of each
        window, None = all count alike; deviation: (B, T, C) standard deviation of the target, NaN = not known
        -> scalar.
        """
        scored = torch.isfinite(target)
        target = torch.where(scored, target, torch.zeros_like(target))
        prediction = torch.where(scored, prediction, torch.zeros_like(prediction))
        error = prediction - target
        transformed = _Asinh.apply(prediction / self.scale) - asinh(target / self.scale)
        terms = (
            self.weights.transformed * _huber(transformed / self.transformed_spread)
            + self.weights.site * torch.log1p((error / self.site_spread[site][:, None, :]) ** 2)
            + self.weights.physical * (error / self.flux_spread) ** 2
        )
        days = scored.sum(dim=(0, 1))
        trust = None if deviation is None else self.trust(deviation, scored, site)
        if weight is None and trust is None:
            by_target = (terms * scored).sum(dim=(0, 1)) / days.clamp(min=1)
        else:
            shares = scored * (1.0 if weight is None else weight[:, None, None]) * (1.0 if trust is None else trust)
            by_target = (terms * shares).sum(dim=(0, 1)) / shares.sum(dim=(0, 1)).clamp(min=1e-6)
        if self.weights.balance > 0.0:
            relative = error / self.site_spread[site][:, None, :]
            by_target = by_target + self.weights.balance * balance_error(relative, scored)
        by_weight = self.target_weight * (days > 0)
        return (by_target * by_weight).sum() / by_weight.sum().clamp(min=1e-12)

    def trust(self, deviation: Tensor, scored: Tensor, site: Tensor) -> Tensor:
        """Weights (B, T, C), 0 to 1, of days whose flux was measured with a standard deviation (B, T, C).

        f^2 / (f^2 + sd^2), the inverse of the variance with a floor, f being `uncertainty_floor` spreads of the site:
        no day counts more than one measured without error. Days of which it is not known count as the mean of those of
        which it is; all count alike where none is, or where there is no floor.
        """
        if self.weights.uncertainty_floor is None:
            return torch.ones_like(deviation)
        known = torch.isfinite(deviation) & scored
        relative = deviation / (self.weights.uncertainty_floor * self.site_spread[site][:, None, :])
        trust = torch.where(known, 1.0 / (1.0 + torch.nan_to_num(relative) ** 2), 0.0)
        count = known.sum(dim=(0, 1))
        mean = torch.where(count > 0, trust.sum(dim=(0, 1)) / count.clamp(min=1), 1.0)
        return torch.where(known, trust, mean)


def balance_error(relative: Tensor, scored: Tensor) -> Tensor:
    """Error of sums over months and years, (C,): mean of log(1 + z^2), z being the mean error of scored days.

    relative: (B, T, C) error in spreads of the site, 0 where not scored, over whole years; scored: (B, T, C). A month
    or year counts where half of its days are scored. Months are twelfths of a year.
    """
    days = relative.shape[1]
    years = max(1, round(days / 365.25))
    month = torch.arange(days, device=relative.device) * (12 * years) // days
    shape = (relative.shape[0], 12 * years, relative.shape[2])
    sums = relative.new_zeros(shape).index_add(1, month, relative)
    counts = relative.new_zeros(shape).index_add(1, month, scored.to(relative.dtype))
    total = relative.new_zeros(shape[2])
    for size, length in ((1, days / (12 * years)), (12, days / years)):
        error = sums.unflatten(1, (-1, size)).sum(2)
        number = counts.unflatten(1, (-1, size)).sum(2)
        enough = (number >= 0.5 * length).to(relative.dtype)
        terms = torch.log1p((error / number.clamp(min=1.0)) ** 2) * enough
        total = total + terms.sum(dim=(0, 1)) / enough.sum(dim=(0, 1)).clamp(min=1.0)
    return total


def flux_loss(weights: LossWeights, flux: Tensor, usable: Tensor, scale: Tensor, target_weight: Tensor) -> FluxLoss:
    """Build the loss from data.

    flux: (N, T, C), NaN = missing; usable: (N, T), True where data may be learned from (never test data); scale: (C,)
    asinh scale. A site's spread is its standard deviation and, added in squares, a share of the size of its flux: a
    steady flux need not be right to a small part of its size.
    """
    spreads = [_spreads(flux[..., target], usable, float(scale[target])) for target in range(flux.shape[2])]
    site_spread, flux_spread, transformed_spread = (torch.stack(parts, dim=-1) for parts in zip(*spreads, strict=True))
    return FluxLoss(
        weights,
        scale=scale,
        transformed_spread=_positive(transformed_spread),
        site_spread=_positive(site_spread),
        flux_spread=_positive(flux_spread),
        target_weight=target_weight,
    )


def _spreads(flux: Tensor, usable: Tensor, scale: float) -> tuple[Tensor, Tensor, Tensor]:
    """Of one target (N, T), in double precision: spread of each site (N,), of all flux and of all transformed flux.

    NaN where nothing is known.
    """
    blocks = list(site_blocks(*flux.shape))
    if len(blocks) > 1:
        return _spreads_in_blocks(flux, usable, scale, blocks)
    learnable = usable & torch.isfinite(flux)
    flux = torch.where(learnable, flux, torch.zeros_like(flux)).double()
    days = learnable.sum(dim=1)
    mean_square = (flux * flux).sum(dim=1) / days
    away = (flux - (flux.sum(dim=1) / days)[:, None]) * learnable
    site = ((away * away).sum(dim=1) / days + SHARE_OF_SIZE**2 * mean_square).sqrt()
    values = flux[learnable]
    return site, _spread(values), _spread(asinh(values / scale))


def _spreads_in_blocks(
    flux: Tensor, usable: Tensor, scale: float, blocks: list[slice]
) -> tuple[Tensor, Tensor, Tensor]:
    """As `_spreads`, of large data, of which one block of sites at a time is looked at."""
    sites, values, transformed = [], Moments(), Moments()
    for rows in blocks:
        column = flux[rows].contiguous()
        sites.append(_spreads(column, usable[rows], 1.0)[0])
        known = column[usable[rows] & torch.isfinite(column)].double()
        values.add(known)
        transformed.add(asinh(known / scale))
    of_all, of_transformed = torch.tensor([values.deviation, transformed.deviation], dtype=torch.float64)
    return torch.cat(sites), of_all, of_transformed


def _spread(values: Tensor) -> Tensor:
    """Population standard deviation; NaN where there are no values."""
    return ((values - values.mean()) ** 2).mean().sqrt()


def _positive(spread: Tensor) -> Tensor:
    """A divisor: 1 for a target without any data, which is then never scored."""
    return torch.nan_to_num(spread, nan=1.0).clamp(min=1e-6)


class _Asinh(torch.autograd.Function):
    """`asinh` with its derivative, 1 / sqrt(1 + x^2), in one step."""

    @staticmethod
    def forward(context: Any, x: Tensor) -> Tensor:
        context.save_for_backward(x)
        return asinh(x)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        (x,) = context.saved_tensors
        return gradient * torch.rsqrt(1.0 + x * x)


def _huber(error: Tensor) -> Tensor:
    """Error squared near zero and linear beyond HUBER_DELTA; slope of the square so that terms compare."""
    return 2.0 * functional.huber_loss(error, torch.zeros_like(error), reduction="none", delta=HUBER_DELTA)
