"""CHAM-net: an LSTM whose behaviour is set, per site and year, by the history of the site.

After CHAM-net (arXiv 2606.00338), of which the abstract is public: a hierarchical encoder-decoder whose encoder
conditions the decoder through an adaptive meta-network, with a contrastive term on the site representation. The layers
are our reading of it.
"""

from typing import Literal, Self

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor, nn

from emulator.data.scalers import DriverScaling, Scalers, TargetScaling
from emulator.data.signature import Signature
from emulator.data.windows import Batch
from emulator.models.parts.contrastive import info_nce
from emulator.models.parts.history import HistoryEncoder, NoHistory
from emulator.models.parts.layers import (
    FluxHead,
    MetaNetwork,
    PreciseLinear,
    StaticFeatures,
    StreamingLSTM,
    dropout_factors,
    mlp,
    season,
    second_harmonic,
    tanh,
    year_wave,
)
from emulator.models.parts.seasons import days_of_years, own_calendars
from emulator.models.parts.site_regression import SiteRegression, adaptation
from emulator.models.streaming import ModelOutput, StreamingModel

SEASON_WAVES = 5
"""A constant, and sine and cosine of two harmonics of the year."""


class ChamNetConfig(BaseModel):
    """Options of CHAM-net.

    `ungauged_share` of the training sites get no past flux and, of the others, `missing_year_share` of the years lose
    theirs, so that the same model runs with and without past flux. `past_flux` is what a host's `step` puts in history.
    Ablations: `history: false` (drivers and statics only), `hierarchy: false` (one vector a year instead of days,
    months and seasons), `film: false` (context is an input only), `site_features: 0` (no
    regression on the site's past), `contrastive_weight: 0`. Option: `hypernetwork_rank`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["cham_net"] = "cham_net"
    hidden: int = Field(default=64, ge=1)
    static_size: int = Field(default=8, ge=1)
    input_size: int = Field(default=24, ge=1)
    token_size: int = Field(default=8, ge=1)
    year_size: int = Field(default=16, ge=1)
    kernels: int = Field(default=3, ge=1)
    heads: int = Field(default=2, ge=1)
    dropout: float = Field(default=0.1, ge=0.0, lt=1.0)
    coordinates: Literal["none", "latitude", "sphere"] = "latitude"
    past_flux: Literal["ungauged", "self_fed"] = "ungauged"
    ungauged_share: float = Field(default=0.4, ge=0.0, le=1.0)
    missing_year_share: float = Field(default=0.2, ge=0.0, le=1.0)
    contrastive_weight: float = Field(default=0.05, ge=0.0)
    temperature: float = Field(default=0.1, gt=0.0)
    history: bool = True
    hierarchy: bool = True
    film: bool = True
    hypernetwork_rank: int = Field(default=0, ge=0)
    site_features: int = Field(default=12, ge=0)

    @model_validator(mode="after")
    def _rank_needs_film(self) -> Self:
        if self.hypernetwork_rank and not self.film:
            raise ValueError("hypernetwork_rank has no effect with film: false; leave it at 0, or film at true")
        return self

    def build(self, signature: Signature, scalers: Scalers) -> "ChamNet":
        return ChamNet(self, signature, scalers)


class ChamNet(StreamingModel):
    """State row: hemisphere (1), static embedding (S), h (H), c (H), modulation of the year, history, regression on the
    site's past.

    Layers that an ablation leaves out do not exist.
    """

    __constants__ = ("adapts",)

    def __init__(self, config: ChamNetConfig, signature: Signature, scalers: Scalers) -> None:
        super().__init__()
        self.past_flux = config.past_flux
        self.self_fed = config.past_flux == "self_fed"
        self.ungauged_share, self.missing_year_share = config.ungauged_share, config.missing_year_share
        self.contrastive_weight = config.contrastive_weight if config.history else 0.0
        self.temperature = config.temperature
        drivers, targets = len(signature.inputs), len(signature.targets)
        self.drivers = DriverScaling(scalers)
        self.targets = TargetScaling(scalers)
        self.static_features = StaticFeatures(signature, scalers, config.coordinates)
        self.static_embedding = nn.Sequential(PreciseLinear(self.static_features.size, config.static_size), nn.Tanh())
        self.history = NoHistory()
        if config.history:
            self.history = HistoryEncoder(
                drivers,
                targets,
                token=config.token_size,
                year=config.year_size,
                season=config.token_size,
                kernels=config.kernels,
                heads=config.heads,
                hierarchy=config.hierarchy,
            )
        self.meta = MetaNetwork(
            self.history.annual_size + config.static_size,
            config.hidden,
            config.input_size,
            config.hidden,
            config.static_size,
            film=config.film,
            rank=config.hypernetwork_rank,
        )
        self.initial = mlp(self.history.annual_size + config.static_size, config.hidden, 2 * config.hidden)
        self.embed = nn.Linear(drivers + 2, config.input_size)
        lstm_inputs = config.input_size + self.history.season_size + 2 * config.static_size
        self.lstm = StreamingLSTM(lstm_inputs, config.hidden)
        self.dropout = nn.Dropout(config.dropout)
        # the head starts from what is known of the season: climatology and last year, not how well they are known
        skip = (0.4, 0.0, 0.4, 0.0) if self.history.season_size else ()
        self.head = FluxHead(signature, scalers, config.hidden, skip=skip)
        self.n_statistics = len(skip) * targets
        self.adapts = config.history and config.site_features > 0
        self.n_responses = SEASON_WAVES + config.site_features if self.adapts else 0
        if self.adapts:
            self.site_features = nn.Linear(config.hidden, config.site_features)
            self.site = SiteRegression(self.n_responses, self.head.n_learned)
        if self.contrastive_weight > 0.0:
            self.project = mlp(config.year_size, config.year_size, 16)
        self.layout = [1, config.static_size, config.hidden, config.hidden]
        self.layout += [self.meta.size, self.history.state_size, self.site.state_size if self.adapts else 0]
        self.state_size = sum(self.layout)

    def forward(self, drivers: Tensor, calendar: Tensor, static: Tensor, flux: Tensor) -> Tensor:
        """See StreamingModel.forward."""
        if own_calendars(calendar):
            rows = []
            for row in range(len(drivers)):
                one = slice(row, row + 1)
                rows.append(self.predict_and_embed(drivers[one], calendar[one], static[one], flux[one])[0])
            return torch.cat(rows)
        return self.predict_and_embed(drivers, calendar, static, flux)[0]

    def predict_and_embed(
        self, drivers: Tensor, calendar: Tensor, static: Tensor, flux: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Fluxes (B, T, C), and the embedding of each year (B, Y, year), which the contrastive term shapes; sites of
        equal calendars.
        """
        days = days_of_years(calendar[0])
        known = self.targets.standardise(flux).transpose(0, 1).contiguous()
        features, learned, embedding = self.decode_years(drivers, calendar[0], self.start(static), known, days)
        if self.adapts:
            error = [self.head.error(part, learned[year]) for year, part in enumerate(known.split(days))]
            found = self.site(features, error, self.prior(static))
            for year in range(len(days)):
                learned[year] = learned[year] + adaptation(found[:, year], features[year])
        return self.head.fluxes(torch.cat(learned).transpose(0, 1)), embedding

    def decode_years(
        self, drivers: Tensor, calendar: Tensor, start: Tensor, known: Tensor, days: list[int]
    ) -> tuple[list[Tensor], list[Tensor], Tensor]:
        """What the decoder says by itself, year by year, so that tensors stay in the processor's cache.

        drivers: (B, T, D); calendar: (T, 6); start: see there; known: (T, B, C); days in each year
        -> features of the regression of each year (T, B, p), learned targets of each year (T, B, L), year embeddings.
        """
        hemisphere, still, h, c = start.split(self.layout[:4], 1)
        still = still.unsqueeze(0)
        scaled = self.drivers.by_day(drivers)
        annual, seasonal, embedding = self.history(scaled, known, calendar)
        modulation = self.modulate(annual, still.transpose(0, 1).expand(-1, len(days), -1))
        wave = year_wave(calendar, scaled.dtype).unsqueeze(1) * hemisphere
        drops = self.training and self.dropout.p > 0.0
        kept = dropout_factors(h, len(calendar), self.dropout.p) if drops else h
        features, learned = [], []
        first = 0
        for year, length in enumerate(days):
            last = first + length
            own = self.meta.parts(modulation[:, year].unsqueeze(0))
            inputs = self.decoder_inputs(
                scaled[first:last], wave[first:last], still.expand(length, -1, -1), seasonal[first:last], own
            )
            hidden, h, c = self.lstm.run(inputs, h, c)
            if drops:
                hidden = hidden * kept[first:last]
            learned.append(self.decode(hidden, seasonal[first:last], own))
            if self.adapts:
                features.append(self.response_features(hidden, wave[first:last]))
            first = last
        return features, learned, embedding

    @torch.jit.export
    def init_state(self, static: Tensor) -> Tensor:
        """static: (N, P) -> state (N, state_size)."""
        prior = self.prior(static)
        start, history = self.start(static), self.history.init_state(static)
        row = [start, self.modulate(self.history.annual(history), start.split(self.layout[:4], 1)[1]), history]
        if self.adapts:
            row.append(self.site.init_state(prior))
        return torch.cat(row + self.kept(prior), dim=1)

    def start(self, static: Tensor) -> Tensor:
        """Hemisphere, static embedding, h and c that a site starts with, (N, 1 + S + 2 H)."""
        features = self.static_features(static)
        embedding = self.static_embedding(features)
        past = self.history.init_state(static).split(self.history.layout, 1)[2]
        hidden = torch.tanh(self.initial(torch.cat([self.history.annual_context(past), embedding], dim=1)))
        return torch.cat([features[:, :1], embedding, hidden], dim=1)

    @torch.jit.export
    def step(self, drivers: Tensor, calendar: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """See StreamingModel.step."""
        unknown = torch.full_like(drivers[:, :1], float("nan"))
        return self.day(drivers, calendar, unknown, self.self_fed, False, state)

    @torch.jit.export
    def step_observed(self, drivers: Tensor, calendar: Tensor, flux: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """As `step`, with the measured flux of the day (N, C), NaN = not known; it moves later years only."""
        return self.day(drivers, calendar, flux, False, True, state)

    def day(
        self, drivers: Tensor, calendar: Tensor, flux: Tensor, self_fed: bool, observed: bool, state: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Predict a day, then take `flux` (or the prediction itself) into the history; without either, the regression
        on the site's past has nothing to take in before the year turns.
        """
        parts = state.split(self.layout, 1)
        hemisphere, still, h, c, kept, history, site = parts[:7]
        scaled = self.drivers(drivers)
        seasonal = self.history.seasonal(calendar, history)
        modulation = self.meta.parts(kept)
        wave = season(calendar.unsqueeze(0), hemisphere)
        h, c = self.lstm.cell(self.decoder_inputs(scaled, wave, still, seasonal, modulation), h, c)
        general = self.decode(h, seasonal, modulation)
        learned, features = general, general
        if self.adapts:
            features = self.response_features(h, wave)
            learned = general + adaptation(self.site.read(site), features)
        fluxes = self.head.fluxes(learned)
        known = self.targets.standardise(fluxes if self_fed else flux.expand_as(fluxes))
        history = self.history.advance(scaled, known, calendar, history)
        if bool(calendar[3] == calendar[5]):
            kept = self.modulate(self.history.annual(history), still)
        if self.adapts and (self_fed or observed or bool(calendar[3] == calendar[5])):
            error = self.head.error(known, general)
            site = self.site.advance(features, error, calendar, site, self.prior_of(state))
        return fluxes, torch.cat([hemisphere, still, h, c, kept, history, site] + list(parts[7:]), dim=1)

    # --- decoder ---

    def modulate(self, annual: Tensor, still: Tensor) -> Tensor:
        """Annual context and static embedding -> modulation, which stays the same all year, (..., size)."""
        return self.meta(torch.cat([annual, still], dim=-1))

    def decoder_inputs(
        self, scaled: Tensor, wave: Tensor, still: Tensor, seasonal: Tensor, modulation: list[Tensor]
    ) -> Tensor:
        """Modulated drivers and what is constant over the season or the year, (..., X)."""
        embedded = self.embed(torch.cat([scaled, wave], dim=-1))
        modulated = tanh(self.meta.modulate_input(embedded, modulation))
        return torch.cat([modulated, seasonal, still, self.meta.bias(modulation).expand_as(still)], dim=-1)

    def decode(self, hidden: Tensor, seasonal: Tensor, modulation: list[Tensor]) -> Tensor:
        """Modulated hidden state and flux statistics -> the targets that are learned, standardised (..., L)."""
        modulated = self.meta.modulate_output(hidden, modulation)
        if self.n_statistics == 0:
            return self.head.learned(modulated)
        return self.head.learned(modulated, seasonal[..., seasonal.shape[-1] - self.n_statistics :])

    def response_features(self, hidden: Tensor, wave: Tensor) -> Tensor:
        """What the site's past is regressed on: two harmonics of the year and learned features, (..., p)."""
        learned = tanh(self.site_features(hidden))
        return torch.cat([torch.ones_like(wave[..., :1]), wave, second_harmonic(wave), learned], dim=-1)

    # --- what is expected of a site before its own past is known ---

    def prior(self, static: Tensor) -> Tensor:
        """Without neighbours, a site is expected to respond as all do: coefficients 0, (N, L, p)."""
        return static.new_zeros([static.shape[0], self.head.n_learned, self.n_responses])

    def prior_of(self, state: Tensor) -> Tensor:
        """The same from a state row."""
        return state.new_zeros([state.shape[0], self.head.n_learned, self.n_responses])

    def kept(self, prior: Tensor) -> list[Tensor]:
        """What more of the prior the state row keeps: nothing, for it is 0."""
        return []

    # --- training ---

    @torch.jit.unused
    def training_outputs(self, batch: Batch) -> ModelOutput:
        """Prediction with past flux dropped at random, and the contrastive loss on the embeddings of years."""
        flux = self.drop_past_flux(batch.flux, batch.calendar)
        prediction, embedding = self.predict_and_embed(batch.drivers, batch.calendar, batch.static, flux)
        if self.contrastive_weight == 0.0:
            return ModelOutput(prediction)
        loss = info_nce(self.project(embedding), batch.site, self.temperature)
        return ModelOutput(prediction, {"contrastive": self.contrastive_weight * loss})

    @torch.jit.unused
    def drop_past_flux(self, flux: Tensor, calendar: Tensor) -> Tensor:
        """NaN for all flux of some sites and for some years of the others."""
        year = calendar[:, :, 0] - calendar[:, :1, 0]
        kept = torch.rand(flux.shape[0], int(year.max()) + 1, device=flux.device) >= self.missing_year_share
        kept &= torch.rand(flux.shape[0], 1, device=flux.device) >= self.ungauged_share
        return torch.where(kept.gather(1, year).unsqueeze(2), flux, torch.full_like(flux, torch.nan))
