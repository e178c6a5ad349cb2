"""Codes of sites: a few numbers a site, learned with the network where it is trained, brought to new sites by kriging.

What drivers, statics and regime do not tell of a site, hidden parameters, is a latent vector. Each training site has a
free one (an embedding of entities, Guo and Berkhahn 2016, arXiv 1604.06737), which the network reads beside the static
embedding; a loss holds it near 0 and near what the other sites say of it. A new site gets the mean of a Gaussian
process over the codes of the training sites (`retrieval.py`): after RACI (arXiv 2603.03531), of which the abstract is
public, functionally similar and geographically local sites tell of each role. The reading is ours.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from emulator.data.processes import gather_rows
from emulator.data.splits import EARTH_RADIUS_KM
from emulator.data.windows import TrainingSites
from emulator.models.parts.layers import StaticFeatures, unit_sphere
from emulator.models.parts.many_sites import DENSE_SITES, ROWS, HeldOutOfMany, Sites, solution, some_of
from emulator.models.parts.retrieval import (
    Covariance,
    CovarianceOptions,
    attributes,
    distances,
    held_out_weights,
    improved,
    precision_of,
)

SAME_KM = 0.3
SAME_ATTRIBUTES = 0.01
"""A site is a training site where it lies no further from it, in km and in attributes that last: within rounding."""
SIZE_WEIGHT = 0.003
"""Weight of the mean square of the codes in the loss."""
KRIGED_WEIGHT = 0.03
"""Weight of the mean square of what departs from the code that the other sites tell of."""
KRIGED_SHARE = 0.5
"""Share of the sites of a batch that are given the code that the other sites tell of, from the second epoch on, so that
the network learns what such a code is worth, and codes to be told by one another.
"""
LEARNING_RATE = 3.0
"""Of the codes, over that of the other weights: a site is in a batch once an epoch, and few steps must do."""

FORMER_OPTIONS = ("response", "response_size", "memory_years")
"""Of the models that retrieved responses of errors, before there were codes."""


class TrainingCodes(NamedTuple):
    """Codes (B, Q) that the sites of a batch are given, and the loss that holds the codes together."""

    code: Tensor
    loss: Tensor


class SiteCode(nn.Module):
    """Codes (Q numbers, role by role) of Nm training sites and, by kriging, of all others.

        code(site) = its own, where the network was trained on it; else covariance(site, sites) dual
        dual = (covariance(sites, sites) + nugget I)^-1 own codes

    The weight is code (Nm, Q). Buffers: site (Nm,), rows in the dataset; block (Nm,), sites that are left out together;
    site_place (Nm, 3), site_features (Nm, F); choice (roles, 4), `CovarianceOptions` of each role; dual (Nm, Q); and
    kriged_share, of sites that see the kriged code in training. Without training sites, all codes are 0.
    """

    code: nn.Parameter
    site: Tensor
    block: Tensor
    choice: Tensor
    site_place: Tensor
    site_features: Tensor
    dual: Tensor
    lasting: Tensor
    kriged_share: Tensor

    def __init__(
        self,
        static_names: tuple[str, ...],
        features: StaticFeatures,
        role_sizes: list[int],
        *,
        functional: bool = True,
        local: bool = True,
    ) -> None:
        """features: what the network makes of the statics; functional, local: which neighbours tell.

        ValueError where place is not among the statics.
        """
        super().__init__()
        if "lat" not in static_names or "lon" not in static_names:
            message = "site codes are brought to new sites by place, and need 'lat' and 'lon' among the statics"
            raise ValueError(message)
        self.latitude, self.longitude = static_names.index("lat"), static_names.index("lon")
        self.role_sizes, self.size = role_sizes, sum(role_sizes)
        self.same_place, self.same_attributes = SAME_KM / EARTH_RADIUS_KM, SAME_ATTRIBUTES
        self.covariance = Covariance()
        self.allowed = (functional, local)
        start = CovarianceOptions(0.5 if functional and local else float(functional), 1.4, 300.0, 2.0)
        self.code = nn.Parameter(torch.zeros(1, self.size))
        self.register_buffer("site", torch.full((1,), -1))
        self.register_buffer("block", torch.zeros(1, dtype=torch.int64))
        self.register_buffer("choice", torch.tensor([start] * len(role_sizes), dtype=torch.float64))
        self.register_buffer("site_place", torch.zeros(1, 3, dtype=torch.float64))
        self.register_buffer("site_features", torch.zeros(1, features.size, dtype=torch.float64))
        self.register_buffer("lasting", torch.tensor(features.lasting), persistent=False)
        self.register_buffer("dual", torch.zeros(1, self.size, dtype=torch.float64))
        self.register_buffer("kriged_share", torch.zeros(()))
        self.held_out = _HeldOut()

    def forward(self, static: Tensor, features: Tensor) -> Tensor:
        """Codes (N, Q) of sites with statics (N, P), of which features (N, F) were made: own or kriged."""
        place = unit_sphere(static[:, self.latitude].double(), static[:, self.longitude].double())
        chord = distances(place, self.site_place)
        attribute = attributes(features)
        contrast = distances(attribute, self.site_features)
        kriged = []
        for role, dual in enumerate(self.dual.split(self.role_sizes, 1)):
            kriged.append(torch.matmul(self.covariance(self.choice[role], chord, contrast), dual))
        lasting = self.site_features.index_select(1, self.lasting)
        change = distances(attribute.index_select(1, self.lasting), lasting)
        same = ((chord <= self.same_place) & (change <= self.same_attributes)).double()
        count = same.sum(1, keepdim=True)
        own = torch.matmul(same, self.code.double()) / count.clamp(min=1.0)
        return torch.where(count > 0.0, own, torch.cat(kriged, dim=1)).float()

    # --- training ---

    @torch.jit.unused
    @torch.no_grad()
    def enrol(self, sites: TrainingSites, features: Tensor) -> None:
        """Make room for the codes of training sites with static features (Nm, F).

        They begin with what the model says of these sites: 0, or after another training what its sites tell.
        """
        device = self.code.device
        batches = zip(sites.static.to(device).split(ROWS), features.split(ROWS), strict=True)
        self.code = nn.Parameter(torch.cat([self(*batch) for batch in batches]))
        self.site, self.block = sites.row.to(device), sites.block.to(device)
        place = sites.static[:, [self.latitude, self.longitude]].double().to(device)
        self.site_place, self.site_features = unit_sphere(place[:, 0], place[:, 1]), attributes(features)
        self.dual = torch.zeros(len(sites.row), self.size, dtype=torch.float64, device=device)

    @torch.jit.unused
    def begin_epoch(self, epoch: int) -> None:
        """Fit the kriging to the present codes, and say who sees it."""
        if epoch > 0:
            self.choose()
            self.kriged_share.fill_(KRIGED_SHARE)

    @torch.jit.unused
    @torch.no_grad()
    def prepare(self) -> None:
        """Make the kriging that of the present codes."""
        self.choose()
        codes = self.code.double().split(self.role_sizes, 1)
        if self.are_many():
            former = self.dual.split(self.role_sizes, 1)
            self.dual = torch.cat(
                [
                    solution(self.covariance, options, self.training_places(), values, start)
                    for options, values, start in zip(self.options(), codes, former, strict=True)
                ],
                dim=1,
            )
            return
        chord, contrast = self.gaps()
        precision = [precision_of(self.covariance, options, chord, contrast) for options in self.options()]
        self.dual = torch.cat([inverse @ values for inverse, values in zip(precision, codes, strict=True)], dim=1)

    @torch.jit.unused
    @torch.no_grad()
    def choose(self) -> None:
        """Move the covariance of each role by a step, if blocks of sites that are left out are told better then.

        Of many sites a random choice of them is asked.
        """
        if not bool(self.code.any()):
            return
        some = some_of(len(self.site), self.code.device) if self.are_many() else slice(None)
        chord, contrast = self.gaps(some)
        for role, codes in enumerate(self.code[some].double().split(self.role_sizes, 1)):
            present = CovarianceOptions(*self.choice[role].tolist())
            best = improved(self.covariance, present, self.allowed, chord, contrast, codes, self.block[some])
            self.choice[role] = torch.tensor(best, dtype=self.choice.dtype)

    @torch.jit.unused
    def training_codes(self, site: Tensor) -> TrainingCodes:
        """Codes of the sites (B,), rows of the dataset: of a share of them what the other sites tell, else their own.

        A site that is told by others moves the codes of these, so that they become what tells of it.
        In training on several processes the loss is that of the whole batch.
        """
        row = torch.searchsorted(self.site, site)
        learned, kriged = self.code[row], self.told_by_others(row)
        departure = SIZE_WEIGHT * learned.square() + KRIGED_WEIGHT * (learned - kriged.detach()).square()
        sees_kriged = torch.rand(len(row), 1, device=learned.device) < self.kriged_share
        return TrainingCodes(torch.where(sees_kriged, kriged, learned), gather_rows(departure.mean(1)).mean())

    @torch.jit.unused
    def told_by_others(self, row: Tensor) -> Tensor:
        """Codes (B, Q) that training sites in other blocks tell of training sites (B,)."""
        codes = self.code.double().split(self.role_sizes, 1)
        told = [of.told(values, row) for of, values in zip(self.held_out.of(self), codes, strict=True)]
        return torch.cat(told, dim=1).to(self.code.dtype)

    @torch.jit.unused
    def gaps(self, rows: Tensor | slice = slice(None)) -> tuple[Tensor, Tensor]:
        """Distances of training sites, default all, from one another (Nm, Nm): on the sphere, and of attributes."""
        place, features = self.site_place[rows], self.site_features[rows]
        return distances(place, place), distances(features, features)

    @torch.jit.unused
    def are_many(self) -> bool:
        """Whether the training sites are too many for matrices of all of them."""
        return len(self.site) > DENSE_SITES

    @torch.jit.unused
    def training_places(self) -> Sites:
        """Where the training sites are."""
        return Sites(self.site_place, self.site_features)

    @torch.jit.unused
    def options(self) -> list[CovarianceOptions]:
        """The covariance of each role."""
        return [CovarianceOptions(*numbers) for numbers in self.choice.tolist()]

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *arguments: Any) -> None:
        """A checkpoint may hold another number of sites than this model was built with."""
        for name, buffer in list(self.named_buffers(recurse=False)):
            stored = state_dict.get(prefix + name)
            if stored is not None and stored.dim() == buffer.dim() and stored.shape != buffer.shape:
                setattr(self, name, buffer.new_zeros(stored.shape))
        code = state_dict.get(prefix + "code")
        if code is not None and code.shape != self.code.shape:
            self.code = nn.Parameter(self.code.detach().new_zeros(code.shape))
        super()._load_from_state_dict(state_dict, prefix, *arguments)


class _HeldOut:
    """What the other blocks tell of each training site, for each role. It follows from the covariance, so it is no part
    of a model's state; and no tensors of a scripted one.
    """

    def __init__(self) -> None:
        self._of: list[CovarianceOptions] = []
        self._sites = torch.zeros(0)
        self._roles: Sequence[_HeldOutOfFew | HeldOutOfMany] = []

    def of(self, code: SiteCode) -> "Sequence[_HeldOutOfFew | HeldOutOfMany]":
        """By the present covariance."""
        if self._of != code.options() or self._sites is not code.site_place:
            if code.are_many():
                self._roles = [
                    HeldOutOfMany(code.covariance, options, code.training_places(), code.block)
                    for options in code.options()
                ]
            else:
                chord, contrast = code.gaps()
                precision = [precision_of(code.covariance, options, chord, contrast) for options in code.options()]
                self._roles = [_HeldOutOfFew(inverse, code.block) for inverse in precision]
            self._of, self._sites = code.options(), code.site_place
        return self._roles


class _HeldOutOfFew:
    """By weights (Nm, Nm), of a precision of that shape."""

    def __init__(self, precision: Tensor, block: Tensor) -> None:
        self._weights = held_out_weights(precision, block)

    def told(self, values: Tensor, row: Tensor) -> Tensor:
        """Values (B, Q) that the other blocks tell of the sites (B,); values: (Nm, Q)."""
        return self._weights[row] @ values


def refuse_former_options(options: Any, label: str) -> Any:
    """The options of a model; ValueError where they are those of its form before there were codes."""
    former = [name for name in FORMER_OPTIONS if isinstance(options, dict) and name in options]
    if former:
        message = (
            f"{', '.join(former)}: {label} has site codes in place of retrieved responses; leave the options out "
            "(code_size: 0 for no retrieval), and train a run of the former model again"
        )
        raise ValueError(message)
    return options
