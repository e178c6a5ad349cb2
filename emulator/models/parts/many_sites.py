"""Kriging of more sites than a matrix of all of them can be held or inverted of.

The weights that predictions are made with are exact, a solution by conjugate gradients whose products with the
covariance are made of a few rows at a time. What the sites of other blocks tell of a training site, which is asked at
every batch, comes from a covariance of low rank that goes through some of the sites (Snelson and Ghahramani 2006, Adv.
Neural Inf. Process. Syst. 18:1257); it also preconditions the gradients.
"""

import logging
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from emulator.models.parts.retrieval import Covariance, CovarianceOptions, distances

log = logging.getLogger(__name__)

DENSE_SITES = 2500
"""Up to so many sites all is computed with matrices of all sites."""
SOME_SITES = 1000
"""Sites that the covariance of low rank goes through, and by which covariances are compared."""
ROWS = 128
"""Rows of the covariance that are made at a time: 12 MB for 12,000 sites."""
TOLERANCE = 1e-7
"""Size of what is left of a system of equations, over that of its right side."""
MOST_STEPS = 1000


class Sites(NamedTuple):
    """Where N sites are: place (N, 3) on the unit sphere, and features (N, F), both in double precision."""

    place: Tensor
    features: Tensor

    def rows(self, index: Tensor | slice) -> "Sites":
        """Some of the sites."""
        return Sites(self.place[index], self.features[index])


def some_of(count: int, device: torch.device) -> Tensor:
    """Rows of SOME_SITES of `count` sites, ascending: a random choice that is always the same."""
    order = torch.randperm(count, generator=torch.Generator().manual_seed(count))
    return order[:SOME_SITES].sort().values.to(device)


def covariance_between(covariance: Covariance, options: CovarianceOptions, a: Sites, b: Sites) -> Tensor:
    """Covariance (n, m) of the sites of a and of b, without the nugget: `Covariance` in place, for speed."""
    near = distances(a.place, b.place).mul_(-covariance.earth_radius / options.reach_km).exp_()
    contrast = torch.cdist(a.features, b.features)  # by products, for it is squared
    similar = contrast.square_().mul_(-0.5 / options.attribute_reach**2).exp_().mul_(options.functional_share)
    return similar.add_(near, alpha=1.0 - options.functional_share).add_(covariance.common)


def solution(covariance: Covariance, options: CovarianceOptions, sites: Sites, right: Tensor, start: Tensor) -> Tensor:
    """(covariance + nugget I)^-1 right, (N, Q), to TOLERANCE; start: (N, Q), the nearer the quicker."""

    def multiply(values: Tensor) -> Tensor:
        product = options.nugget * values
        for first in range(0, len(values), ROWS):
            rows, on = slice(first, first + ROWS), slice(first, None)
            half = covariance_between(covariance, options, sites.rows(rows), sites.rows(on))
            product[rows] += half @ values[on]
            product[first + ROWS :] += half[:, ROWS:].T @ values[rows]
        return product

    return conjugate_gradients(multiply, LowRank(covariance, options, sites).precision_times, right, start)


def conjugate_gradients(
    multiply: Callable[[Tensor], Tensor], precondition: Callable[[Tensor], Tensor], right: Tensor, start: Tensor
) -> Tensor:
    """Solve multiply(x) = right (N, Q), a positive definite system, column by column (Hestenes and Stiefel 1952, J.
    Res. Natl. Bur. Stand. 49:409); precondition: about the inverse of `multiply`.
    """
    x, wanted = start.clone(), TOLERANCE * right.norm(dim=0)
    rest = right - multiply(x)
    direction = refined = precondition(rest)
    size = (rest * refined).sum(0)
    for _ in range(MOST_STEPS):
        if bool((rest.norm(dim=0) <= wanted).all()):
            return x
        product = multiply(direction)
        step = _ratio(size, (direction * product).sum(0))
        x, rest = x + step * direction, rest - step * product
        refined = precondition(rest)
        former, size = size, (rest * refined).sum(0)
        direction = refined + _ratio(size, former) * direction
    log.warning("kriging: %.1e of the codes is left after %d steps", float(rest.norm() / right.norm()), MOST_STEPS)
    return x


class LowRank:
    """Covariance of sites that is exact at some of them and on its diagonal, C = F F' + D: what its inverse does.

    F = K(sites, some) K(some, some)^-1/2; the inverse is 1/D - G G', with G (N, M).
    """

    def __init__(self, covariance: Covariance, options: CovarianceOptions, sites: Sites) -> None:
        sample = sites.rows(some_of(len(sites.place), sites.place.device))
        among = covariance_between(covariance, options, sample, sample)
        among.diagonal().add_(1e-9 * float(among.diagonal().mean()))
        root = torch.linalg.cholesky(among)
        factor = torch.empty(len(sites.place), len(among), dtype=among.dtype, device=among.device)
        for first in range(0, len(factor), ROWS):
            rows = slice(first, first + ROWS)
            between = covariance_between(covariance, options, sample, sites.rows(rows))
            factor[rows] = torch.linalg.solve_triangular(root, between, upper=False).T
        variance = covariance.common + 1.0
        self.inverse_own = 1.0 / (options.nugget + (variance - factor.square().sum(1)).clamp(min=0.0))
        scaled = factor * self.inverse_own[:, None]
        inner = factor.T @ scaled
        inner.diagonal().add_(1.0)
        self.shared = torch.linalg.solve_triangular(torch.linalg.cholesky(inner), scaled.T, upper=False).T

    def precision_times(self, values: Tensor) -> Tensor:
        """The inverse of the covariance times values (N, Q)."""
        return self.inverse_own[:, None] * values - self.shared @ (self.shared.T @ values)

    def precision_among(self, members: Tensor) -> Tensor:
        """Rows and columns of the inverse of some sites, (n, n)."""
        shared = self.shared[members]
        return torch.diag(self.inverse_own[members]) - shared @ shared.T


class HeldOutOfMany:
    """What sites of other blocks tell of each training site, by the covariance of low rank; block: (N,)."""

    def __init__(self, covariance: Covariance, options: CovarianceOptions, sites: Sites, block: Tensor) -> None:
        self._covariance = LowRank(covariance, options, sites)
        self._number, sizes = block.unique(return_inverse=True, return_counts=True)[1:]
        self._members = torch.argsort(self._number, stable=True).split(sizes.tolist())
        self._among: dict[int, Tensor] = {}

    def told(self, values: Tensor, row: Tensor) -> Tensor:
        """Values (B, Q) that the other blocks tell of the sites (B,); values: (N, Q) of all sites.

        values - told = precision(block, block)^-1 (precision values)(block)    (Dubrule 1983, Math. Geol. 15:687)
        """
        dual, told = self._covariance.precision_times(values), values[row]
        for number in self._number[row].unique().tolist():
            members, here = self._members[number], self._number[row] == number
            if number not in self._among:
                self._among[number] = torch.linalg.inv(self._covariance.precision_among(members))
            departure = self._among[number] @ dual[members]
            told[here] -= departure[torch.searchsorted(members, row[here])]
        return told


def _ratio(a: Tensor, b: Tensor) -> Tensor:
    return torch.where(b > 0.0, a / b.clamp(min=torch.finfo(b.dtype).tiny), torch.zeros_like(a))
