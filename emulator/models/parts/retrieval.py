"""Kriging of what training sites know: how alike sites are, and how it is chosen.

After RACI (arXiv 2603.03531), of which the abstract is public: role-aware spatial retrieval supplies functionally
similar and geographically local context for each role. Our reading: the estimate at a new place is the mean of a
Gaussian process over the training sites, whose covariance is a sum of a part that falls with the distance of static
attributes (functional) and one that falls with distance on the sphere (local). How far each reaches, and how much
neighbours tell at all, is chosen for each role by leaving out blocks of training sites, those of the split, so that
training sites are as far from what tells of them as held-out ones. There is no search and no cut-off: estimates are
smooth in place and attributes.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from emulator.data.splits import EARTH_RADIUS_KM

CHOICES = {
    "functional_share": (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0),
    "attribute_reach": (0.35, 0.7, 1.4, 2.8),
    "reach_km": (75.0, 150.0, 300.0, 600.0, 1200.0, 2400.0),
    "nugget": (0.03, 0.06, 0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0),
}
"""Values that each option of a covariance is chosen from."""
COMMON = 1.0
"""Variance of what all sites share, over that of the field."""


class CovarianceOptions(NamedTuple):
    """Of the covariance of a role: the share of its variance that is functional, the rest being local; how far it
    reaches in attributes and in km; and the nugget, the variance of what is a site's alone.
    """

    functional_share: float
    attribute_reach: float
    reach_km: float
    nugget: float


class Covariance(nn.Module):
    """COMMON + share exp(-(attributes / reach)^2 / 2) + (1 - share) exp(-distance / reach)."""

    def __init__(self) -> None:
        super().__init__()
        self.common, self.earth_radius = COMMON, EARTH_RADIUS_KM

    def forward(self, options: Tensor, chord: Tensor, contrast: Tensor) -> Tensor:
        """Covariance by distance on the sphere, a chord in Earth radii, and by distance of attributes, in the shape of
        both; options: (4,) in the order of `CovarianceOptions`.
        """
        functional_share, attribute_reach, reach_km, _ = options.unbind(0)
        near = torch.exp(-chord * (self.earth_radius / reach_km))
        similar = torch.exp(-0.5 * (contrast / attribute_reach) ** 2)
        return self.common + functional_share * similar + (1.0 - functional_share) * near


def attributes(features: Tensor) -> Tensor:
    """What functional neighbours are alike in: static features (N, F) in double, with distances of order one."""
    return features.double().clamp(-4.0, 4.0) / math.sqrt(8.0)


def distances(a: Tensor, b: Tensor) -> Tensor:
    """Euclidean distances of rows, (n, F), (m, F) -> (n, m); exact also where points coincide."""
    return torch.cdist(a, b, 2.0, "donot_use_mm_for_euclid_dist")


def precision_of(covariance: Covariance, options: CovarianceOptions, chord: Tensor, contrast: Tensor) -> Tensor:
    """Inverse of the covariance of training sites with the nugget, (Nm, Nm); distances: (Nm, Nm)."""
    matrix = covariance(torch.tensor(options, dtype=chord.dtype, device=chord.device), chord, contrast)
    matrix.diagonal().add_(options.nugget)
    return torch.cholesky_inverse(torch.linalg.cholesky(matrix))


def held_out_weights(precision: Tensor, block: Tensor) -> Tensor:
    """Weights (Nm, Nm) by which the sites of other blocks tell of each site; precision: (Nm, Nm), block: (Nm,).

    values - weights values = precision(block, block)^-1 (precision values)(block)    (Dubrule 1983, Math. Geol. 15:687)
    """
    weights = torch.empty_like(precision)
    for members in _members(block):
        weights[members] = -torch.linalg.solve(precision[members][:, members], precision[members])
    weights[block[:, None] == block[None, :]] = 0.0
    return weights


def improved(
    covariance: Covariance,
    present: CovarianceOptions,
    allowed: tuple[bool, bool],
    chord: Tensor,
    contrast: Tensor,
    values: Tensor,
    block: Tensor,
) -> CovarianceOptions:
    """Of the present options and those a step away the ones by which values (Nm, Q) are best told from other blocks.

    allowed: whether functional and local neighbours may tell; distances: (Nm, Nm); block: (Nm,).
    """
    error_of = {}
    for options in (present, *neighbouring(present, allowed)):
        precision = precision_of(covariance, options, chord, contrast)
        error_of[options] = _held_out_error(precision, values, block)
    return min(error_of, key=error_of.__getitem__)


def neighbouring(present: CovarianceOptions, allowed: tuple[bool, bool]) -> list[CovarianceOptions]:
    """Options one step away, within what is allowed: functional and local neighbours."""
    functional, local = allowed
    neighbours = []
    for name, values in CHOICES.items():
        if name == "functional_share" and not (functional and local):
            continue
        if name == "attribute_reach" and (not functional or present.functional_share == 0.0):
            continue
        if name == "reach_km" and (not local or present.functional_share == 1.0):
            continue
        steps_away = [abs(value - getattr(present, name)) for value in values]
        nearest = steps_away.index(min(steps_away))
        for step in (-1, 1):
            if 0 <= nearest + step < len(values):
                neighbours.append(present._replace(**{name: values[nearest + step]}))
    return neighbours


def _held_out_error(precision: Tensor, values: Tensor, block: Tensor) -> float:
    """Sum of squared errors of values (Nm, Q), each told from the sites of other blocks."""
    dual = precision @ values
    if len(block.unique()) == len(block):
        return float(((dual / precision.diagonal()[:, None]) ** 2).sum())
    return sum(
        float((torch.linalg.solve(precision[members][:, members], dual[members]) ** 2).sum())
        for members in _members(block)
    )


def _members(block: Tensor) -> list[Tensor]:
    """Rows of each block."""
    order = torch.argsort(block, stable=True)
    _, sizes = torch.unique_consecutive(block[order], return_counts=True)
    return list(order.split(sizes.tolist()))
