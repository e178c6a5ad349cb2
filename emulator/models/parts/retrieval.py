"""Memory of the training sites, and retrieval of responses from it by kriging.

After RACI (arXiv 2603.03531), of which the abstract is public: role-aware spatial retrieval supplies functionally
similar and geographically local context for each role. Our reading: what is retrieved of a role are coefficients, and
the estimate at a new place is the mean of a Gaussian process over the training sites, whose covariance is a sum of a
part that falls with the distance of static attributes (functional) and one that falls with distance on the sphere
(local). How far each reaches, and how much neighbours tell at all, is chosen for each role by leaving out blocks of
training sites, in `fit`. There is no search and no cut-off: estimates are smooth in place and attributes.
"""

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from emulator.data.splits import EARTH_RADIUS_KM, spatial_blocks
from emulator.models.parts.layers import unit_sphere

OWN_SITE_KM = 0.3
"""Bank sites closer than this to the query are the query itself."""
CHOICES = {
    "functional_share": (0.0, 0.1, 0.25, 0.5, 0.75, 1.0),
    "attribute_reach": (0.35, 0.7, 1.4, 2.8),
    "reach_km": (75.0, 150.0, 300.0, 600.0, 1200.0),
    "nugget": (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0),
}
"""Values that each option of a covariance is chosen from."""
BLOCK_DEGREES = 5.0
"""Blocks of sites that are left out in turn to choose from them."""
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


class ResponseMemory(nn.Module):
    """Kriging of the responses of Nm training sites, role by role.

        covariance(a, b) = COMMON + share exp(-(attributes / reach)^2 / 2) + (1 - share) exp(-distance / reach)
        estimate = covariance(query, sites) dual,    dual = (covariance(sites, sites) + nugget I)^-1 response

    Buffers: site_place (Nm, 3), site_features (Nm, F); choice (roles, 4), `CovarianceOptions`, and precision (roles,
    Nm, Nm), inverse of the covariance of the training sites with the nugget; for the coefficients of all roles (L K)
    response (Nm, L K) and dual (Nm, L K).
    """

    choice: Tensor
    site_place: Tensor
    site_features: Tensor
    precision: Tensor
    response: Tensor
    dual: Tensor

    def __init__(self, features: int, role_sizes: list[int], *, functional: bool = True, local: bool = True) -> None:
        super().__init__()
        self.role_sizes, self.size = role_sizes, sum(role_sizes)
        self.functional, self.local = functional, local
        self.common = COMMON
        self.earth_radius, self.own_site = EARTH_RADIUS_KM, OWN_SITE_KM / EARTH_RADIUS_KM
        roles = len(role_sizes)
        start = CovarianceOptions(0.5 if functional and local else float(functional), 1.4, 300.0, 2.0)
        self.register_buffer("choice", torch.tensor([start] * roles, dtype=torch.float64))
        self.register_buffer("site_place", torch.zeros(1, 3, dtype=torch.float64))
        self.register_buffer("site_features", torch.zeros(1, features, dtype=torch.float64))
        self.register_buffer("precision", torch.zeros(roles, 1, 1, dtype=torch.float64))
        self.register_buffer("response", torch.zeros(1, self.size, dtype=torch.float64))
        self.register_buffer("dual", torch.zeros(1, self.size, dtype=torch.float64))

    def forward(self, place: Tensor, features: Tensor) -> Tensor:
        """Responses (B, L K) at places (B, 3) with attributes (B, F), double, as a memory without the query itself
        would give them.
        """
        chord = distances(place, self.site_place)
        is_query = chord <= self.own_site
        responses = []
        for role, dual in enumerate(self.dual.split(self.role_sizes, 1)):
            covariance = self.covariance(self.choice[role], chord, distances(features, self.site_features))
            response = torch.matmul(covariance, dual)
            for row in range(place.shape[0]):
                if bool(is_query[row].any()):
                    query_sites = torch.nonzero(is_query[row]).flatten()
                    columns = self.precision[role].index_select(0, query_sites)
                    inner = torch.linalg.solve(columns.index_select(1, query_sites), dual.index_select(0, query_sites))
                    response[row] = response[row] - torch.matmul(torch.matmul(columns, covariance[row]), inner)
            responses.append(response)
        return torch.cat(responses, dim=1)

    def covariance(self, options: Tensor, chord: Tensor, attribute_distance: Tensor) -> Tensor:
        """Covariance by distance on the sphere, a chord in Earth radii, and by distance of attributes, in the shape of
        both; options: (4,) in the order of `CovarianceOptions`.
        """
        functional_share, attribute_reach, reach_km, _ = options.unbind(0)
        near = torch.exp(-chord * (self.earth_radius / reach_km))
        similar = torch.exp(-0.5 * (attribute_distance / attribute_reach) ** 2)
        return self.common + functional_share * similar + (1.0 - functional_share) * near

    @torch.jit.unused
    def fit_sites(self, lat: Tensor, lon: Tensor, static_features: Tensor, response: Tensor) -> None:
        """`fit` of training sites at lat, lon (Nm,), degrees, with static features (Nm, F) and responses (Nm, L K)."""
        block = torch.as_tensor(spatial_blocks(lat.cpu().numpy(), lon.cpu().numpy(), BLOCK_DEGREES))
        self.fit(unit_sphere(lat, lon), attributes(static_features), response, block)

    @torch.jit.unused
    @torch.no_grad()
    def fit(self, place: Tensor, features: Tensor, response: Tensor, block: Tensor) -> None:
        """Take in training sites: place (Nm, 3), attributes (Nm, F), responses (Nm, L K), and the block (Nm,) of each,
        by which the covariance is chosen: from the present choice as far as it gets better, or where the memory had as
        many sites before, as it does epoch after epoch, one step.
        """
        one_step = len(place) == len(self.site_place)
        self.site_place, self.site_features, self.response = place.double(), features.double(), response.double()
        chord = distances(self.site_place, self.site_place)
        attribute_distance = distances(self.site_features, self.site_features)
        blocks = [torch.nonzero(block == number).flatten() for number in block.unique()]
        precision = []
        for role, role_response in enumerate(self.response.split(self.role_sizes, 1)):
            error_of: dict[CovarianceOptions, float] = {}
            present = CovarianceOptions(*self.choice[role].tolist())
            while True:
                for candidate in (present, *self._neighbouring(present)):
                    if candidate not in error_of:
                        inverse = self._precision(candidate, chord, attribute_distance)
                        error_of[candidate] = _block_error(inverse, role_response, blocks)
                best = min(error_of, key=error_of.__getitem__)
                moved, present = best != present, best
                if one_step or not moved:
                    break
            self.choice[role] = torch.tensor(present, dtype=self.choice.dtype)
            precision.append(self._precision(present, chord, attribute_distance))
        self.precision = torch.stack(precision)
        responses = self.response.split(self.role_sizes, 1)
        self.dual = torch.cat([inverse @ values for inverse, values in zip(precision, responses, strict=True)], dim=1)

    def _precision(self, options: CovarianceOptions, chord: Tensor, attribute_distance: Tensor) -> Tensor:
        """Inverse of the covariance with the nugget, (Nm, Nm)."""
        covariance = self.covariance(torch.tensor(options, dtype=chord.dtype), chord, attribute_distance)
        return torch.linalg.inv(
            covariance + options.nugget * torch.eye(len(chord), dtype=chord.dtype, device=chord.device)
        )

    def _neighbouring(self, present: CovarianceOptions) -> list[CovarianceOptions]:
        """Options one step away, within what the ablations allow."""
        neighbours = []
        for name, values in CHOICES.items():
            if name == "functional_share" and not (self.functional and self.local):
                continue
            if name == "attribute_reach" and (not self.functional or present.functional_share == 0.0):
                continue
            if name == "reach_km" and (not self.local or present.functional_share == 1.0):
                continue
            steps_away = [abs(value - getattr(present, name)) for value in values]
            nearest = steps_away.index(min(steps_away))
            for step in (-1, 1):
                if 0 <= nearest + step < len(values):
                    neighbours.append(present._replace(**{name: values[nearest + step]}))
        return neighbours

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *arguments: Any) -> None:
        """A checkpoint may hold another number of sites than this model was built with."""
        for name, buffer in list(self.named_buffers(recurse=False)):
            stored = state_dict.get(prefix + name)
            if stored is not None and stored.dim() == buffer.dim():
                setattr(self, name, buffer.new_zeros(stored.shape))
        super()._load_from_state_dict(state_dict, prefix, *arguments)


def attributes(features: Tensor) -> Tensor:
    """What functional neighbours are alike in: static features (N, F) in double, with distances of order one."""
    return features.double().clamp(-4.0, 4.0) / math.sqrt(8.0)


def by_role(response: Tensor, role_sizes: list[int]) -> Tensor:
    """Responses of each target (B, L, K) -> one row, role by role, (B, L K)."""
    sizes = [size // response.shape[1] for size in role_sizes]
    return torch.cat([role_response.flatten(1) for role_response in response.split(sizes, 2)], dim=1)


def by_target(response: Tensor, role_sizes: list[int], targets: int) -> Tensor:
    """The inverse of `by_role`: (B, L K) -> (B, L, K)."""
    roles = response.split(role_sizes, 1)
    return torch.cat([role_response.view(role_response.shape[0], targets, -1) for role_response in roles], dim=2)


def distances(a: Tensor, b: Tensor) -> Tensor:
    """Euclidean distances of rows, (n, F), (m, F) -> (n, m); exact also where points coincide."""
    return torch.cdist(a, b, 2.0, "donot_use_mm_for_euclid_dist")


def _block_error(precision: Tensor, values: Tensor, blocks: list[Tensor]) -> float:
    """Sum of squared errors of each block's values (Nm, L K), estimated from the other blocks; blocks: rows of each."""
    dual = precision @ values
    return sum(
        float((torch.linalg.solve(precision[members][:, members], dual[members]) ** 2).sum()) for members in blocks
    )
