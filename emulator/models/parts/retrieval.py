"""Memory of the training sites, and retrieval of responses from it by kriging.

After RACI (arXiv 2603.03531), of which the abstract is public: role-aware spatial retrieval supplies functionally
similar and geographically local context for each role. Our reading: what is retrieved of a role are coefficients, and
the estimate at a new place is the mean of a Gaussian process over the training sites, whose covariance is a sum of a
part that falls with the distance of static attributes (functional) and one that falls with distance on the sphere
(local). How far each reaches, and how much neighbours tell at all, is chosen for each role by leaving out blocks of
training sites, in `fit`. There is no search and no cut-off: estimates are smooth in place and attributes.
"""

import math

import torch
from torch import Tensor, nn

from emulator.data.splits import EARTH_RADIUS_KM, spatial_blocks
from emulator.models.parts.layers import unit_sphere

OWN_SITE_KM = 0.3
"""Bank sites closer than this to the query are the query itself."""
CHOICES = (
    (0.0, 0.1, 0.25, 0.5, 0.75, 1.0),
    (0.35, 0.7, 1.4, 2.8),
    (75.0, 150.0, 300.0, 600.0, 1200.0),
    (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0),
)
"""Functional share, reach in attributes, reach in km, nugget: values to choose from."""
BLOCK_DEGREES = 5.0
"""Blocks of sites that are left out in turn to choose from them."""
COMMON = 1.0
"""Variance of what all sites share, over that of the field."""


class ResponseMemory(nn.Module):
    """Kriging of the responses of Nb training sites, of R roles.

    Buffers: site_place (Nb, 3), site_features (Nb, F); per role choice (R, 4) and precision (R, Nb, Nb), inverse of the
    covariance of the training sites with the nugget; for all coefficients Q of all roles response (Nb, Q) and dual (Nb,
    Q) = precision x response.
    """

    def __init__(self, features: int, role_sizes: list[int], *, functional: bool = True, local: bool = True) -> None:
        super().__init__()
        self.role_sizes, self.size = role_sizes, sum(role_sizes)
        self.functional, self.local = functional, local
        self.common = COMMON
        self.earth_radius, self.own_site = EARTH_RADIUS_KM, OWN_SITE_KM / EARTH_RADIUS_KM
        roles = len(role_sizes)
        share = 0.5 if functional and local else float(functional)
        self.register_buffer("choice", torch.tensor([[share, 1.4, 300.0, 2.0]] * roles, dtype=torch.float64))
        self.register_buffer("site_place", torch.zeros(1, 3, dtype=torch.float64))
        self.register_buffer("site_features", torch.zeros(1, features, dtype=torch.float64))
        self.register_buffer("precision", torch.zeros(roles, 1, 1, dtype=torch.float64))
        self.register_buffer("response", torch.zeros(1, self.size, dtype=torch.float64))
        self.register_buffer("dual", torch.zeros(1, self.size, dtype=torch.float64))

    def forward(self, place: Tensor, features: Tensor) -> Tensor:
        """Responses (B, Q) at places (B, 3) with attributes (B, F), double, as a memory without the query itself would
        give them.
        """
        gap = distances(place, self.site_place)
        hidden = gap <= self.own_site
        parts = []
        for role, dual in enumerate(self.dual.split(self.role_sizes, 1)):
            covariance = self.covariance(self.choice[role], gap, distances(features, self.site_features))
            found = torch.matmul(covariance, dual)
            for row in range(place.shape[0]):
                if bool(hidden[row].any()):
                    without = torch.nonzero(hidden[row]).flatten()
                    columns = self.precision[role].index_select(0, without)
                    inner = torch.linalg.solve(columns.index_select(1, without), dual.index_select(0, without))
                    found[row] = found[row] - torch.matmul(torch.matmul(columns, covariance[row]), inner)
            parts.append(found)
        return torch.cat(parts, dim=1)

    def covariance(self, choice: Tensor, gap: Tensor, contrast: Tensor) -> Tensor:
        """Covariance by distance on the sphere, a chord in Earth radii, and by distance of attributes."""
        near = torch.exp(-gap * (self.earth_radius / choice[2]))
        similar = torch.exp(-0.5 * (contrast / choice[1]) ** 2)
        return self.common + choice[0] * similar + (1.0 - choice[0]) * near

    @torch.jit.unused
    def fit_sites(self, lat: Tensor, lon: Tensor, static_features: Tensor, response: Tensor) -> None:
        """`fit` of training sites at lat, lon (Nb,), degrees, with static features (Nb, F) and responses (Nb, Q)."""
        block = torch.as_tensor(spatial_blocks(lat.cpu().numpy(), lon.cpu().numpy(), BLOCK_DEGREES))
        self.fit(unit_sphere(lat, lon), attributes(static_features), response, block)

    @torch.jit.unused
    @torch.no_grad()
    def fit(self, place: Tensor, features: Tensor, response: Tensor, block: Tensor) -> None:
        """Take in training sites: place (Nb, 3), attributes (Nb, F), responses (Nb, Q), and the block (Nb,) of each, by
        which the covariance is chosen: from the present choice as far as it gets better, or where the memory had as
        many sites before, as it does epoch after epoch, one step.
        """
        known = len(place) == len(self.site_place)
        self.site_place, self.site_features, self.response = place.double(), features.double(), response.double()
        gap = distances(self.site_place, self.site_place)
        contrast = distances(self.site_features, self.site_features)
        groups = [torch.nonzero(block == number).flatten() for number in block.unique()]
        precision = []
        for role, values in enumerate(self.response.split(self.role_sizes, 1)):
            tried: dict[tuple[float, ...], float] = {}
            present = tuple(self.choice[role].tolist())
            while True:
                for candidate in (present, *self._neighbouring(present)):
                    if candidate not in tried:
                        inverse = self._precision(candidate, gap, contrast)
                        tried[candidate] = _block_error(inverse, values, groups)
                best = min(tried, key=tried.__getitem__)
                moved, present = best != present, best
                if known or not moved:
                    break
            self.choice[role] = torch.tensor(present, dtype=self.choice.dtype)
            precision.append(self._precision(present, gap, contrast))
        self.precision = torch.stack(precision)
        values = self.response.split(self.role_sizes, 1)
        self.dual = torch.cat([inverse @ value for inverse, value in zip(precision, values, strict=True)], dim=1)

    def _precision(self, choice: tuple[float, ...], gap: Tensor, contrast: Tensor) -> Tensor:
        covariance = self.covariance(torch.tensor(choice, dtype=gap.dtype), gap, contrast)
        return torch.linalg.inv(covariance + choice[3] * torch.eye(len(gap), dtype=gap.dtype, device=gap.device))

    def _neighbouring(self, choice: tuple[float, ...]) -> list[tuple[float, ...]]:
        """Choices one step away, within what the options allow."""
        found = []
        for index, values in enumerate(CHOICES):
            if index == 0 and not (self.functional and self.local):
                continue
            if index == 1 and (not self.functional or choice[0] == 0.0):
                continue
            if index == 2 and (not self.local or choice[0] == 1.0):
                continue
            at = min(range(len(values)), key=lambda i: abs(values[i] - choice[index]))
            for step in (-1, 1):
                if 0 <= at + step < len(values):
                    found.append((*choice[:index], values[at + step], *choice[index + 1 :]))
        return found

    def _load_from_state_dict(self, state_dict, prefix, *arguments) -> None:
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
    """Responses of each target (B, L, K) -> one row, role by role, (B, Q)."""
    sizes = [size // response.shape[1] for size in role_sizes]
    return torch.cat([part.flatten(1) for part in response.split(sizes, 2)], dim=1)


def by_target(response: Tensor, role_sizes: list[int], targets: int) -> Tensor:
    """The inverse of `by_role`: (B, Q) -> (B, L, K)."""
    parts = response.split(role_sizes, 1)
    return torch.cat([part.view(part.shape[0], targets, -1) for part in parts], dim=2)


def distances(a: Tensor, b: Tensor) -> Tensor:
    """Euclidean, (A, F), (B, F) -> (A, B); exact also where points coincide."""
    return torch.cdist(a, b, 2.0, "donot_use_mm_for_euclid_dist")


def _block_error(precision: Tensor, values: Tensor, groups: list[Tensor]) -> float:
    """Sum of squared errors of each block's values, estimated from the other blocks."""
    dual = precision @ values
    return sum(
        float((torch.linalg.solve(precision[members][:, members], dual[members]) ** 2).sum()) for members in groups
    )
