"""A decoder that adapts to its site: an LSTM that the history of the site modulates, and a regression on its past.

Our reading of the decoder of CHAM-net (arXiv 2606.00338, abstract only), of which `kinds/cham_net.py` and
`kinds/unified.py` are made; they differ in whether neighbours tell of a site before its own past is known.
"""

from typing import Literal, NamedTuple, Self

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor, nn

from emulator.data.scalers import DriverScaling, Scalers, TargetScaling
from emulator.data.signature import Signature
from emulator.data.windows import Batch
from emulator.models.parts.coded_model import CodedModel
from emulator.models.parts.contrastive import info_nce
from emulator.models.parts.history import HistoryEncoder, NoHistory
from emulator.models.parts.layers import (
    Coordinates,
    FluxHead,
    PreciseLinear,
    StaticFeatures,
    StreamingLSTM,
    dropout_mask,
    mlp,
    season,
    second_harmonic,
    tanh,
    year_wave,
)
from emulator.models.parts.modulation import MetaNetwork, Modulation
from emulator.models.parts.seasons import calendars_differ, days_of_years, ends_year, year_of_series
from emulator.models.parts.site_code import SiteCode
from emulator.models.parts.site_regression import SiteRegression, adaptation
from emulator.models.parts.state_row import field_sizes
from emulator.models.streaming import ModelOutput

SEASON_WAVES = 5
"""A constant, and sine and cosine of two harmonics of the year."""
CONTRASTIVE_SIZE = 16
"""Size of the projected year embeddings that the contrastive term compares."""


class AdaptiveDecoderConfig(BaseModel):
    """Options of the decoder; a model kind narrows `kind` and builds itself.

    `ungauged_share` of the training sites get no past flux and, of the others, `missing_year_share` of the years lose
    theirs, so that the same model runs with and without past flux. `past_flux` is what a host's `step` puts in history.
    Ablations: `history: false` (drivers and statics only), `hierarchy: false` (one vector a year instead of days,
    months and seasons), `film: false` (context is an input only), `site_features: 0` (no
    regression on the site's past), `contrastive_weight: 0`. Options: `hypernetwork_rank`; `code_size`, numbers of a
    site's code (`site_code.py`), which `functional: false` and `local: false` bring from one kind of neighbour only.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    hidden: int = Field(default=64, ge=1)
    static_size: int = Field(default=8, ge=1)
    input_size: int = Field(default=24, ge=1)
    token_size: int = Field(default=8, ge=1)
    year_size: int = Field(default=16, ge=1)
    kernels: int = Field(default=3, ge=1)
    heads: int = Field(default=2, ge=1)
    dropout: float = Field(default=0.1, ge=0.0, lt=1.0)
    coordinates: Coordinates = "latitude"
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
    code_size: int = Field(default=0, ge=0)
    functional: bool = True
    local: bool = True

    @model_validator(mode="after")
    def _rank_needs_film(self) -> Self:
        if self.hypernetwork_rank and not self.film:
            message = "hypernetwork_rank has no effect with film: false; leave it at 0, or film at true"
            raise ValueError(message)
        return self


class AdaptiveDecoderRow(NamedTuple):
    """State row: hemisphere (1), static embedding and code of the site (E), h (H), c (H), modulation of the year,
    history, and regression on the site's past.
    """

    hemisphere: Tensor
    static_embedding: Tensor
    h: Tensor
    c: Tensor
    modulation: Tensor
    history: Tensor
    site_regression: Tensor


class SiteStart(NamedTuple):
    """What the decoder of a site starts with: hemisphere (N, 1), static embedding and code (N, E), h and c (N, H)."""

    hemisphere: Tensor
    static_embedding: Tensor
    h: Tensor
    c: Tensor


class AdaptiveDecoder(CodedModel):
    """An LSTM over days, modulated once a year by what the history of the site says, and a regression on its past.

        flux = head(LSTM(drivers, season; modulation(history)) + coefficients x features)

    Its state row is a `AdaptiveDecoderRow`. Layers that an ablation leaves out do not exist.
    """

    __constants__: tuple[str, ...] = ("adapts",)

    def __init__(self, config: AdaptiveDecoderConfig, signature: Signature, scalers: Scalers) -> None:
        super().__init__()
        self.past_flux = config.past_flux
        self.self_fed = config.past_flux == "self_fed"
        self.ungauged_share, self.missing_year_share = config.ungauged_share, config.missing_year_share
        self.contrastive_weight = config.contrastive_weight if config.history else 0.0
        self.temperature = config.temperature
        self.drivers = DriverScaling(scalers, signature)
        drivers, targets = self.drivers.size, len(signature.targets)
        self.targets = TargetScaling(scalers)
        self.static_features = StaticFeatures(signature, scalers, config.coordinates)
        self.static_embedding = nn.Sequential(PreciseLinear(self.static_features.size, config.static_size), nn.Tanh())
        self.code: SiteCode | None = None
        if config.code_size:
            self.code = SiteCode(
                signature.static_names,
                self.static_features,
                [config.code_size],
                functional=config.functional,
                local=config.local,
            )
        site_size = config.static_size + config.code_size
        self.history: HistoryEncoder | NoHistory = NoHistory()
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
            self.history.annual_size + site_size,
            config.hidden,
            config.input_size,
            config.hidden,
            config.static_size,
            film=config.film,
            rank=config.hypernetwork_rank,
        )
        self.initial = mlp(self.history.annual_size + site_size, config.hidden, 2 * config.hidden)
        self.embed = nn.Linear(drivers + 2, config.input_size)
        lstm_inputs = config.input_size + self.history.season_size + site_size + config.static_size
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
            self.project = mlp(config.year_size, config.year_size, CONTRASTIVE_SIZE)
        self.layout = field_sizes(
            AdaptiveDecoderRow,
            hemisphere=1,
            static_embedding=site_size,
            h=config.hidden,
            c=config.hidden,
            modulation=self.meta.size,
            history=self.history.state_size,
            site_regression=self.site.state_size if self.adapts else 0,
        )
        self.state_size = sum(self.layout)

    def forward(self, drivers: Tensor, calendar: Tensor, static: Tensor, flux: Tensor) -> Tensor:
        """See StreamingModel.forward."""
        if calendars_differ(calendar):
            rows = []
            for row in range(len(drivers)):
                site = slice(row, row + 1)
                start = self.start(static[site])
                rows.append(self.predict_and_embed(drivers[site], calendar[site], start, flux[site])[0])
            return torch.cat(rows)
        return self.predict_and_embed(drivers, calendar, self.start(static), flux)[0]

    def predict_and_embed(
        self, drivers: Tensor, calendar: Tensor, start: SiteStart, flux: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Fluxes (B, T, C), and the embedding of each year (B, Y, year), which the contrastive term shapes; sites of
        equal calendars.
        """
        days = days_of_years(calendar[0])
        past_flux = self.targets.standardise(flux).transpose(0, 1).contiguous()
        features, learned, year_embedding = self.decode_years(drivers, calendar[0], start, past_flux, days)
        if self.adapts:
            residual = [
                self.head.residual(year_flux, learned[year]) for year, year_flux in enumerate(past_flux.split(days))
            ]
            coefficients = self.site(features, residual, self.prior(drivers))
            for year in range(len(days)):
                learned[year] = learned[year] + adaptation(coefficients[:, year], features[year])
        return self.head.fluxes(torch.cat(learned).transpose(0, 1)), year_embedding

    def decode_years(
        self, drivers: Tensor, calendar: Tensor, start: SiteStart, past_flux: Tensor, days: list[int]
    ) -> tuple[list[Tensor], list[Tensor], Tensor]:
        """What the decoder says by itself, year by year, so that tensors stay in the processor's cache.

        drivers: (B, T, D); calendar: (T, 6); past_flux: (T, B, C), standardised; days: in each year
        -> features of the regression of each year (T, B, K), learned targets of each year (T, B, L), year embeddings.
        """
        hemisphere, static_embedding, h, c = start
        static_embedding = static_embedding.unsqueeze(0)
        scaled = self.drivers.by_day(drivers)
        annual, seasonal, year_embedding = self.history(scaled, past_flux, calendar)
        modulation_of_years = self.modulate(annual, static_embedding.transpose(0, 1).expand(-1, len(days), -1))
        wave = year_wave(calendar, scaled.dtype).unsqueeze(1) * hemisphere
        drops = self.training and self.dropout.p > 0.0
        mask = dropout_mask(h, len(calendar), self.dropout.p) if drops else h
        features, learned = [], []
        first = 0
        for year, length in enumerate(days):
            last = first + length
            modulation = self.meta.fields(modulation_of_years[:, year].unsqueeze(0))
            inputs = self.decoder_inputs(
                scaled[first:last],
                wave[first:last],
                static_embedding.expand(length, -1, -1),
                seasonal[first:last],
                modulation,
            )
            hidden, h, c = self.lstm.run(inputs, h, c)
            if drops:
                hidden = hidden * mask[first:last]
            learned.append(self.decode(hidden, seasonal[first:last], modulation))
            if self.adapts:
                features.append(self.response_features(hidden, wave[first:last]))
            first = last
        return features, learned, year_embedding

    @torch.jit.export
    def init_state(self, static: Tensor) -> Tensor:
        """static: (N, P) -> state (N, state_size)."""
        start, history = self.start(static), self.history.init_state(static)
        row = AdaptiveDecoderRow(
            start.hemisphere,
            start.static_embedding,
            start.h,
            start.c,
            self.modulate(self.history.annual(history), start.static_embedding),
            history,
            self.site.init_state(self.prior(static)) if self.adapts else static[:, :0],
        )
        return torch.cat(row, dim=1)

    def start(self, static: Tensor) -> SiteStart:
        """The start of sites with these attributes (N, P), before any history."""
        features = self.static_features(static)
        static_embedding = self.static_embedding(features)
        if self.code is not None:
            static_embedding = torch.cat([static_embedding, self.code(static, features)], dim=1)
        return self.start_of(features[:, :1], static_embedding)

    def start_of(self, hemisphere: Tensor, static_embedding: Tensor) -> SiteStart:
        """The start of sites with this hemisphere (N, 1), and static embedding and code (N, E)."""
        annual = self.history.annual(self.history.init_state(static_embedding))
        h, c = torch.tanh(self.initial(torch.cat([annual, static_embedding], dim=1))).chunk(2, 1)
        return SiteStart(hemisphere, static_embedding, h, c)

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
        hemisphere, static_embedding, h, c, year_modulation, history, site_regression = self.fields(state)
        scaled = self.drivers(drivers)
        seasonal = self.history.seasonal(calendar, history)
        modulation = self.meta.fields(year_modulation)
        wave = season(calendar.unsqueeze(0), hemisphere)
        h, c = self.lstm.cell(self.decoder_inputs(scaled, wave, static_embedding, seasonal, modulation), h, c)
        decoded = self.decode(h, seasonal, modulation)
        learned, features = decoded, decoded
        if self.adapts:
            features = self.response_features(h, wave)
            learned = decoded + adaptation(self.site.read(site_regression), features)
        fluxes = self.head.fluxes(learned)
        day_flux = self.targets.standardise(fluxes if self_fed else flux.expand_as(fluxes))
        history = self.history.advance(scaled, day_flux, calendar, history)
        if ends_year(calendar):
            year_modulation = self.modulate(self.history.annual(history), static_embedding)
        if self.adapts and (self_fed or observed or ends_year(calendar)):
            residual = self.head.residual(day_flux, decoded)
            site_regression = self.site.advance(features, residual, calendar, site_regression, self.prior(drivers))
        row = AdaptiveDecoderRow(hemisphere, static_embedding, h, c, year_modulation, history, site_regression)
        return fluxes, torch.cat(row, dim=1)

    def fields(self, state: Tensor) -> AdaptiveDecoderRow:
        """State row (N, state_size) -> its fields."""
        hemisphere, static_embedding, h, c, modulation, history, site_regression = state.split(self.layout, 1)
        return AdaptiveDecoderRow(hemisphere, static_embedding, h, c, modulation, history, site_regression)

    # --- decoder ---

    def modulate(self, annual: Tensor, static_embedding: Tensor) -> Tensor:
        """Annual context and static embedding -> modulation, which stays the same all year, (..., size)."""
        return self.meta(torch.cat([annual, static_embedding], dim=-1))

    def decoder_inputs(
        self, scaled: Tensor, wave: Tensor, static_embedding: Tensor, seasonal: Tensor, modulation: Modulation
    ) -> Tensor:
        """Modulated drivers and what is constant over the season or the year, (..., X)."""
        embedded = self.embed(torch.cat([scaled, wave], dim=-1))
        modulated = tanh(self.meta.modulate_input(embedded, modulation))
        gate_bias = modulation.gate_bias.expand(static_embedding.shape[:-1] + modulation.gate_bias.shape[-1:])
        return torch.cat([modulated, seasonal, static_embedding, gate_bias], dim=-1)

    def decode(self, hidden: Tensor, seasonal: Tensor, modulation: Modulation) -> Tensor:
        """Modulated hidden state and flux statistics -> the targets that are learned, standardised (..., L)."""
        modulated = self.meta.modulate_output(hidden, modulation)
        if self.n_statistics == 0:
            return self.head.learned(modulated)
        return self.head.learned(modulated, seasonal[..., seasonal.shape[-1] - self.n_statistics :])

    def response_features(self, hidden: Tensor, wave: Tensor) -> Tensor:
        """What the site's past is regressed on: two harmonics of the year and learned features, (..., K)."""
        learned = tanh(self.site_features(hidden))
        return torch.cat([torch.ones_like(wave[..., :1]), wave, second_harmonic(wave), learned], dim=-1)

    def prior(self, cells: Tensor) -> Tensor:
        """Coefficients expected of sites before their past is known, (N, L, K): 0, for the code tells what can be told;
        of `cells` (N, ...) only the number matters.
        """
        return cells.new_zeros([cells.shape[0], self.head.n_learned, self.n_responses])

    # --- training ---

    @torch.jit.unused
    def training_outputs(self, batch: Batch) -> ModelOutput:
        """Prediction with past flux dropped at random, the contrastive loss on the embeddings of years, and the loss of
        the codes.
        """
        flux = self.drop_past_flux(batch.flux, batch.calendar)
        features = self.static_features(batch.static)
        static_embedding, auxiliary = self.with_training_codes(self.static_embedding(features), batch)
        start = self.start_of(features[:, :1], static_embedding)
        prediction, year_embedding = self.predict_and_embed(batch.drivers, batch.calendar, start, flux)
        if self.contrastive_weight > 0.0:
            loss = info_nce(self.project(year_embedding), batch.site, self.temperature)
            auxiliary["contrastive"] = self.contrastive_weight * loss
        return ModelOutput(prediction, auxiliary)

    @torch.jit.unused
    def drop_past_flux(self, flux: Tensor, calendar: Tensor) -> Tensor:
        """NaN for all flux of some sites and for some years of the others."""
        year = year_of_series(calendar)
        visible = torch.rand(flux.shape[0], int(year.max()) + 1, device=flux.device) >= self.missing_year_share
        visible &= torch.rand(flux.shape[0], 1, device=flux.device) >= self.ungauged_share
        return torch.where(visible.gather(1, year).unsqueeze(2), flux, torch.full_like(flux, torch.nan))
