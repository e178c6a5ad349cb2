"""Memory of the training sites, and role-aware retrieval from it.

After RACI (arXiv 2603.03531), of which the abstract is public: role-aware spatial retrieval supplies functionally
similar and geographically local context for each role. The layers are our reading. Each of two roles, regime and
response, has its own key projection and its own attention; functional neighbours are the nearest by cosine of keys,
local ones by distance over the sphere. Weights fall to zero at the edge of a neighbourhood, so that results do not jump
where one neighbour takes the place of another. A query never sees a bank site at its own place, in training or later,
and the bank never holds a held-out site.
"""

import math

import torch
from torch import Tensor, nn

from emulator.models.layers import mlp
from emulator.models.responses import SiteResponses

EARTH_RADIUS_KM = 6371.0
OWN_SITE_KM = 0.3
"""Bank sites closer than this to the query are the query itself."""
FIGURES = 7
"""Entries of a context beside the values: nearest distance and, per role, highest similarity and concentration of the
two attentions.
"""


class MemoryBank(nn.Module):
    """Encoded memory of Nb training sites for each calendar month, and attention over it.

    `forward` gives keys (12, Nb, 2 K), for the roles regime and response, and values (12, Nb, 2 V + 6 C), these last
    the mean flux of the month before, this and the next month, with known shares. Buffers `site_*` are raw data
    and follow the training sites.
    """

    def __init__(
        self, *, drivers: int, statics: int, targets: int, static_size: int, regime: int, value: int, neighbours: int
    ) -> None:
        super().__init__()
        self.k, self.key_size, self.value_size = neighbours, regime, value
        # keys are double: weights of neighbours multiply what rounding does to them
        self.key_regime = nn.Linear(regime + static_size, regime, dtype=torch.float64)
        self.key_response = nn.Linear(regime + static_size, regime, dtype=torch.float64)
        self.value_regime = nn.Linear(regime + static_size, value)
        self.value_response = mlp(5 * targets + targets * drivers, 2 * value, value)
        self.log_temperature = nn.Parameter(torch.full((2,), math.log(0.1)))
        self.log_length = nn.Parameter(torch.full((2,), math.log(1000.0 / EARTH_RADIUS_KM)))
        self.local_similarity = nn.Parameter(torch.ones(2))
        self.own_site = 2.0 * math.sin(OWN_SITE_KM / EARTH_RADIUS_KM / 2.0)
        self.context_size = 4 * value + FIGURES
        self.register_buffer("site_static", torch.zeros(1, statics))
        self.register_buffer("site_place", torch.zeros(1, 3))
        self.register_buffer("site_climate", torch.zeros(1, 12, 2 * drivers))
        self.register_buffer("site_flux", torch.zeros(1, 12, 2 * targets))
        self.register_buffer("site_spread", torch.zeros(1, 12, targets))
        self.register_buffer("site_sensitivity", torch.zeros(1, targets * drivers))
        self.register_buffer("site_valid", torch.zeros(1, dtype=torch.bool))

    @torch.jit.unused
    def fill(self, static: Tensor, place: Tensor, responses: SiteResponses) -> None:
        """Replace the memory. static: (Nb, P) physical units; place: (Nb, 3) unit sphere."""
        device = self.site_static.device
        self.site_static = static.to(device)
        self.site_place = place.to(device)
        self.site_climate = responses.climate.to(device)
        self.site_flux = responses.flux.to(device)
        self.site_spread = responses.spread.to(device)
        self.site_sensitivity = responses.sensitivity.to(device)
        self.site_valid = torch.ones(len(static), dtype=torch.bool, device=device)

    def _load_from_state_dict(self, state_dict, prefix, *arguments) -> None:
        """A checkpoint may hold another number of sites than this model was built with."""
        for name, buffer in list(self.named_buffers(recurse=False)):
            stored = state_dict.get(prefix + name)
            if stored is not None and stored.shape[1:] == buffer.shape[1:]:
                setattr(self, name, buffer.new_zeros(stored.shape))
        super()._load_from_state_dict(state_dict, prefix, *arguments)

    def forward(self, static: Tensor, regime: Tensor) -> tuple[Tensor, Tensor]:
        """Encode the memory: static embedding (Nb, E) and regime with which each month begins (Nb, 12, R) of the bank
        sites.

        Returns keys (12, Nb, 2 K) and values (12, Nb, 2 V + 6 C).
        """
        conditions = self.conditions(static.unsqueeze(1).expand(-1, 12, -1), regime)
        slopes = self.site_sensitivity.unsqueeze(1).expand(-1, 12, -1)
        after, before = self.site_flux.roll(-1, 1), self.site_flux.roll(1, 1)
        response = self.value_response(torch.cat([self.site_flux, after, self.site_spread, slopes], dim=2))
        raw = torch.cat([before, self.site_flux, after], dim=2)
        values = torch.cat([self.value_regime(conditions), torch.tanh(response), raw], dim=2)
        return self.keys(conditions).transpose(0, 1).contiguous(), values.transpose(0, 1).contiguous()

    @torch.jit.export
    def conditions(self, static: Tensor, regime: Tensor) -> Tensor:
        return torch.cat([regime, static], dim=-1)

    @torch.jit.export
    def keys(self, conditions: Tensor) -> Tensor:
        """Unit vectors of the two roles, (..., R + E) -> (..., 2 K) double."""
        normal = torch.nn.functional.normalize
        conditions = conditions.double()
        return torch.cat(
            [normal(self.key_regime(conditions), dim=-1), normal(self.key_response(conditions), dim=-1)], dim=-1
        )

    @torch.jit.export
    def retrieve(
        self, query: Tensor, place: Tensor, blind: Tensor, keys: Tensor, values: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Contexts of B places in M calendar months of Q years.

        query: (M, B, Q, 2 K) keys of the queries; place: (B, 3); blind: (B,) chord, in Earth radii, within which
        nothing is retrieved;
        keys: (M, Nb, 2 K); values: (M, Nb, 2 V + 6 C).
        Returns contexts (M, B, Q, 4 V + FIGURES), with figures that say how near the neighbours are and how many count,
        and statistics (M, B, Q, 12 C): flux of functional, then of local neighbours.
        """
        gap = place.unsqueeze(1) - self.site_place.unsqueeze(0)
        distance = torch.sqrt((gap * gap).sum(2))
        hidden = (distance <= blind.clamp(min=self.own_site).unsqueeze(1)) | ~self.site_valid
        near, local, envelope = local_neighbours(distance, hidden, self.k)
        nearest = torch.exp(-near[:, :1].clamp(max=2.0))
        local = local.unsqueeze(1).unsqueeze(0).expand(query.shape[0], -1, query.shape[2], -1)
        contexts = [nearest.unsqueeze(1).unsqueeze(0).expand(query.shape[0], -1, query.shape[2], -1)]
        statistics = []
        for role in range(2):
            part = slice_role(keys, role, self.key_size)
            similarity = torch.matmul(slice_role(query, role, self.key_size).flatten(1, 2), part.transpose(1, 2))
            similarity = similarity.view(query.shape[0], query.shape[1], query.shape[2], -1)
            memory = values[..., : self.value_size] if role == 0 else values[..., self.value_size :]

            temperature = torch.exp(self.log_temperature[role])
            weight, index, best = functional_neighbours(similarity, hidden.unsqueeze(1), self.k, temperature)
            weight = weight.float()
            functional = pool_neighbours(memory, index, weight)

            score = self.local_similarity[role] * similarity.gather(3, local)
            score = score - (near * torch.exp(-self.log_length[role])).unsqueeze(1).unsqueeze(0)
            weight_local = torch.exp(score - score.amax(3, keepdim=True)) * envelope.unsqueeze(1).unsqueeze(0)
            weight_local = (weight_local / (weight_local.sum(3, keepdim=True) + 1e-6)).float()
            geographic = pool_neighbours(memory, local, weight_local)

            contexts += [functional[..., : self.value_size], geographic[..., : self.value_size], best.float()]
            contexts += [(weight**2).sum(3, keepdim=True), (weight_local**2).sum(3, keepdim=True)]
            if role == 1:
                statistics += [functional[..., self.value_size :], geographic[..., self.value_size :]]
        return torch.cat(contexts, dim=3), torch.cat(statistics, dim=3)


def slice_role(keys: Tensor, role: int, size: int) -> Tensor:
    return keys[..., role * size : (role + 1) * size]


def local_neighbours(distance: Tensor, hidden: Tensor, k: int) -> tuple[Tensor, Tensor, Tensor]:
    """The k nearest on the sphere, and the first one outside.

    distance, hidden: (B, Nb) -> distances, indices and envelope (B, k + 1); the envelope falls from 1 at the query to 0
    at the first neighbour outside.
    """
    masked = distance.masked_fill(hidden, 1.0e4)
    near, index = torch.topk(masked, min(k + 1, masked.shape[1]), 1, largest=False)
    reach = near[:, -1:] if near.shape[1] > k else torch.full_like(near[:, :1], 1.0e4)
    return near, index, (1.0 - near / reach).clamp(min=0.0)


def functional_neighbours(
    similarity: Tensor, hidden: Tensor, k: int, temperature: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Attention over the k most similar: weights that are zero at the similarity of the first one outside.

    similarity: (M, B, Q, Nb); hidden: (B, 1, Nb) -> weights and indices (M, B, Q, k + 1), highest similarity (M, B, Q,
    1).
    """
    masked = similarity.masked_fill(hidden, -1.0e4)
    score, index = torch.topk(masked, min(k + 1, masked.shape[3]), 3)
    usable = (score > -5.0e3).to(score.dtype)
    weight = torch.exp((score - score[..., :1]) / temperature) * usable
    if weight.shape[3] > k:
        weight = weight - weight[..., -1:]
    return weight / (weight.sum(3, keepdim=True) + 1e-6), index, score[..., :1].clamp(min=-1.0)


def pool_neighbours(memory: Tensor, index: Tensor, weight: Tensor) -> Tensor:
    """Weighted sum of chosen rows. memory: (M, Nb, F); index, weight: (M, B, Q, k) -> (M, B, Q, F)."""
    base = torch.arange(memory.shape[0], device=index.device).view(-1, 1, 1, 1) * memory.shape[1]
    chosen = memory.flatten(0, 1).index_select(0, (index + base).flatten())
    shape = [index.shape[0], index.shape[1], index.shape[2], index.shape[3], memory.shape[2]]
    return (weight.unsqueeze(-1) * chosen.view(shape)).sum(3)
