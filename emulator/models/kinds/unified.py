"""The unified model: neighbours tell what to expect of a site, its own past then tells better.

CHAM-net (arXiv 2606.00338) and RACI (arXiv 2603.03531) in one, our own combination: the decoder, the history of the
site and the regression on its past are CHAM-net's (`adaptive_decoder.py`); the prior of that regression is RACI's
retrieval (`retrieval.py`), responses of training sites brought to a new site by kriging with a covariance for each
role. Without past flux the prior stands; as the site's own years come in, the posterior leaves it.
"""

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from emulator.data.scalers import Scalers
from emulator.data.signature import Signature
from emulator.data.windows import TrainingData
from emulator.models.parts.adaptive_decoder import SEASON_WAVES, AdaptiveDecoder, AdaptiveDecoderConfig
from emulator.models.parts.layers import unit_sphere
from emulator.models.parts.responses import response_statistics, site_responses, sites_with_flux
from emulator.models.parts.retrieval import ResponseMemory, attributes, by_role, by_target
from emulator.models.parts.seasons import days_of_years

SITES_AT_ONCE = 32


class UnifiedConfig(AdaptiveDecoderConfig):
    """Options of the unified model: those of CHAM-net, with its ablations, and of RACI's retrieval.

    Ablations of retrieval: `roles: false` (one covariance for level, season and driver responses), `functional: false`,
    `local: false`, `response: regime` (level and season only) or `none`.
    """

    label: ClassVar[str] = "unified"
    kind: Literal["unified"] = "unified"
    static_size: int = Field(default=4, ge=1)
    roles: bool = True
    functional: bool = True
    local: bool = True
    response: Literal["full", "regime", "none"] = "full"
    memory_years: int = Field(default=4, ge=1, description="last training years that the memory is made of")

    def build(self, signature: Signature, scalers: Scalers) -> "Unified":
        return Unified(self, signature, scalers)


class Unified(AdaptiveDecoder):
    """CHAM-net whose regression on a site's past starts from what neighbours tell: `prior` (L K) of its state row is
    the retrieved responses.
    """

    __constants__ = ("adapts", "retrieves")

    def __init__(self, config: UnifiedConfig, signature: Signature, scalers: Scalers) -> None:
        names = signature.static_names
        if "lat" not in names or "lon" not in names:
            message = "model.kind = 'unified' retrieves by place and needs 'lat' and 'lon' among the statics"
            raise ValueError(message)
        super().__init__(config, signature, scalers)
        self.latitude, self.longitude = names.index("lat"), names.index("lon")
        self.memory_years = config.memory_years
        self.retrieves = config.response != "none" and self.adapts
        learned = self.head.n_learned
        response = self.n_responses - SEASON_WAVES if config.response == "full" else 0
        if self.adapts:
            sizes = [learned * SEASON_WAVES, learned * response]
            self.n_unretrieved = self.n_responses - SEASON_WAVES - response
            self.memory = ResponseMemory(
                self.static_features.size,
                sizes if config.roles and response else [sum(sizes)],
                functional=config.functional,
                local=config.local,
            )
        self.set_layout(config, prior_size=learned * self.n_responses)

    def prior(self, static: Tensor) -> Tensor:
        """Responses that neighbours tell of, (N, L, K); in training 0, lest the decoder leave to neighbours what it can
        learn.
        """
        prior = static.new_zeros([static.shape[0], self.head.n_learned, self.n_responses])
        if self.retrieves and not self.training:
            place = unit_sphere(static[:, self.latitude], static[:, self.longitude])
            retrieved = self.memory(place.double(), attributes(self.static_features(static))).float()
            retrieved = by_target(retrieved, self.memory.role_sizes, self.head.n_learned)
            prior = torch.cat([retrieved, prior[:, :, : self.n_unretrieved]], dim=2)
        return prior

    def remembered_prior(self, prior: Tensor) -> Tensor:
        """Prior (N, L, K) -> the field of the state row (N, L K)."""
        return prior.flatten(1)

    def prior_coefficients(self, remembered: Tensor) -> Tensor:
        """The prior (N, L, K) from its field of the state row."""
        return remembered.view(-1, self.head.n_learned, self.n_responses)

    @torch.jit.unused
    @torch.no_grad()
    def prepare(self, data: TrainingData) -> None:
        """Fill the memory with the residuals that the decoder leaves at training sites without past flux."""
        if not self.retrieves:
            return
        training = self.training
        self.eval()
        device, remembered, responses = self.head.learned_index.device, [], []
        for members, days in data.last_years(self.memory_years):
            for rows in members[sites_with_flux(data.flux[members][:, days])].split(SITES_AT_ONCE):
                if len(rows) == 0:
                    continue
                remembered.append(rows)
                calendar = data.calendar[days].expand(len(rows), -1, -1)
                features, residual = self.residuals_without_past(
                    data.drivers[rows][:, days].to(device),
                    calendar.to(device),
                    data.static[rows].to(device),
                    data.flux[rows][:, days].to(device),
                )
                if self.n_unretrieved:
                    features = features[:, :, :SEASON_WAVES]
                response = site_responses(*(sums.double() for sums in response_statistics(features, residual)))
                responses.append(by_role(response, self.memory.role_sizes))
        if responses:
            static = data.static[torch.cat(remembered)].to(device)
            lat, lon = static[:, self.latitude], static[:, self.longitude]
            self.memory.fit_sites(lat, lon, self.static_features(static), torch.cat(responses))
        self.train(training)

    @torch.jit.unused
    def residuals_without_past(
        self, drivers: Tensor, calendar: Tensor, static: Tensor, flux: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Daily features (B, T, K) and residuals (B, T, L), NaN where flux is not known, of the decoder alone."""
        days = days_of_years(calendar[0])
        unknown = torch.full_like(flux, torch.nan).transpose(0, 1)
        features, learned, _ = self.decode_years(drivers, calendar[0], self.start(static), unknown, days)
        residual = self.head.residual(self.targets.standardise(flux), torch.cat(learned).transpose(0, 1))
        return torch.cat(features).transpose(0, 1), residual
