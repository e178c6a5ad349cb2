"""Quantiles of flux around a point prediction, for any model: a small head that is fitted after training.

The head works in the standardised space of `TargetScaling`, where errors of large and small sites compare. The median
is the prediction plus a shift; the other quantiles stand to both sides of it at distances that are sums of softplus
terms, times a spread that depends on the circumstances, so that they never cross. See
`emulator.evaluation.quantile_fitting` for how it is fitted.
"""

import math

import torch
from torch import Tensor, nn

from emulator.data.scalers import Scalers, TargetScaling
from emulator.data.signature import Signature
from emulator.models.parts.layers import StaticFeatures, season, shrink_output
from emulator.models.wrappers.bounded import TargetBounds

LEVELS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
"""Levels of the quantiles, ascending and symmetric about the median."""

MEDIAN = LEVELS.index(0.5)

NEW, TRAINED = 0, 1
"""The heads, for new sites and for sites trained on, in the order of `QuantileModel.factor`."""

FARTHEST = 4.0
"""Standardised predictions are cut to this range as features, so that spreads do not run away outside training."""


class QuantileHead(nn.Module):
    """Features (R, F) -> where the quantiles stand about the prediction, in deviations of the transformed flux.

    shift, below, above = net(features)
    distance = 0 at the median, - cumulative softplus(gap) exp(3 tanh(below / 3)) below it, likewise above
    """

    def __init__(self, features: int, targets: int, hidden: int = 8) -> None:
        super().__init__()
        self.targets, self.median = targets, MEDIAN
        self.net = nn.Sequential(nn.Linear(features, hidden), nn.Tanh(), nn.Linear(hidden, 3 * targets))
        shrink_output(self.net, 0.1)
        self.gap = nn.Parameter(_gaussian_gaps().repeat(targets, 1))

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """(R, F) -> shift of the median (R, C), and distances of all levels from it, ascending, (R, C, Q)."""
        shift, below, above = self.net(features).unflatten(-1, (self.targets, 3)).unbind(-1)
        steps = nn.functional.softplus(self.gap)
        upper = steps[:, self.median :].cumsum(-1) * torch.exp(3.0 * torch.tanh(above / 3.0)).unsqueeze(-1)
        lower = steps[:, : self.median].cumsum(-1) * torch.exp(3.0 * torch.tanh(below / 3.0)).unsqueeze(-1)
        return shift, torch.cat([-lower.flip(-1), torch.zeros_like(shift).unsqueeze(-1), upper], dim=-1)


class QuantileModel(nn.Module):
    """Prediction and circumstances -> quantiles of flux at LEVELS, in analysis units, within the target's bounds.

    There are two heads: for sites that the model was trained on, whose own errors in later years they know, and for new
    sites. `factor` (2, 2, C) widens the distances from the median so that intervals cover what they say: by head (new,
    trained on) and by whether past flux is known. More years of past flux than the `most_years` of the fit say nothing
    more. Of an ensemble the heads may see how far its members lie apart.
    """

    factor: Tensor
    most_years: Tensor
    levels: Tensor

    def __init__(self, signature: Signature, scalers: Scalers, hidden: int = 8, uses_spread: bool = False) -> None:
        super().__init__()
        self.uses_spread = uses_spread
        targets = len(signature.targets)
        self.farthest = FARTHEST
        self.targets = TargetScaling(scalers)
        self.static_features = StaticFeatures(signature, scalers)
        size = targets + 2 + 2 + targets * uses_spread + self.static_features.size
        self.new = QuantileHead(size, targets, hidden)
        self.trained = QuantileHead(size, targets, hidden)
        self.bounds = TargetBounds(signature)
        self.register_buffer("factor", torch.ones(2, 2, targets))
        self.register_buffer("most_years", torch.tensor(1e9))
        self.register_buffer("levels", torch.tensor(LEVELS))

    def forward(
        self, fluxes: Tensor, calendar: Tensor, static: Tensor, years_known: Tensor, trained_on: Tensor, spread: Tensor
    ) -> Tensor:
        """Quantiles of N cells of one day, or of N site-days.

        fluxes: (N, C) point prediction, analysis units; calendar: (6,) or (N, 6); static: (N, P); years_known: (N,)
        years of past flux that the prediction had; trained_on: (N,) bool, whether the model was trained on the site;
        spread: (N, C) `member_spread`, or (N, 0) -> (N, C, Q).
        """
        if calendar.dim() == 1:
            calendar = calendar.unsqueeze(0)
        features = self.features(fluxes, calendar, self.static_features(static), years_known, spread)
        low, high = self.bounds(static)
        return self.from_features(fluxes, features, years_known, trained_on, low, high)

    @torch.jit.export
    def member_spread(self, fluxes: Tensor) -> Tensor:
        """Fluxes of members (members, ..., C) -> their standard deviation in the standardised space (..., C)."""
        z = self.targets.standardise(fluxes)  # without torch.std, which native programs do not have
        away = z - z.mean(0)
        return (away * away).mean(0).sqrt()

    def features(
        self, fluxes: Tensor, calendar: Tensor, static_features: Tensor, years_known: Tensor, spread: Tensor
    ) -> Tensor:
        """What the heads see, (N, F)."""
        z = self.targets.standardise(fluxes).clamp(-self.farthest, self.farthest)
        wave = season(calendar, static_features[:, :1])
        years = torch.minimum(years_known, self.most_years)
        history = torch.stack([torch.log1p(years) / 3.0, (years > 0).to(z.dtype)], dim=1)
        features = [z, wave, history]
        if self.uses_spread:
            features.append(0.5 * torch.log(spread + 0.01) + 1.0)
        features.append(static_features)
        return torch.cat(features, dim=1)

    def from_features(
        self, fluxes: Tensor, features: Tensor, years_known: Tensor, trained_on: Tensor, low: Tensor, high: Tensor
    ) -> Tensor:
        """See `forward`; low, high: (N, C) bounds."""
        shift, distance = self.new(features)
        shift_trained, distance_trained = self.trained(features)
        trained = trained_on.unsqueeze(1)
        shift = torch.where(trained, shift_trained, shift)
        distance = torch.where(trained.unsqueeze(2), distance_trained, distance)
        factor = self.factor[trained_on.long(), (years_known > 0).long()]
        z = (self.targets.standardise(fluxes) + shift).unsqueeze(-1) + factor.unsqueeze(-1) * distance
        flux = self.to_flux(z)
        return torch.minimum(torch.maximum(flux, low.unsqueeze(-1)), high.unsqueeze(-1))

    def to_flux(self, z: Tensor) -> Tensor:
        """Standardised (N, C, Q) -> analysis units, within what models can predict."""
        limit = self.targets.limit.unsqueeze(-1)
        u = self.targets.mean.unsqueeze(-1) + self.targets.std.unsqueeze(-1) * z
        return self.targets.scale.unsqueeze(-1) * torch.sinh(torch.minimum(torch.maximum(u, -limit), limit))


def _gaussian_gaps() -> Tensor:
    """Inputs of softplus that give quantiles of a normal distribution of deviation 0.3, (Q - 1,): below, then above."""
    levels = torch.tensor(LEVELS[MEDIAN:], dtype=torch.float64)
    steps = 0.3 * math.sqrt(2.0) * torch.erfinv(2.0 * levels - 1.0).diff()
    gap = torch.log(torch.expm1(steps)).float()
    return torch.cat([gap, gap])
