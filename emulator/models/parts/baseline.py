"""What the baselines share: the same inputs and the same head around a core of their own.

A core turns the inputs of a day and of the site into a hidden state. It is a scriptable module with `memory_size` and

    forward(daily (B, T, X), static_embedding (B, E))          -> hidden states (B, T, H)      whole series
    start(static_embedding (N, E))                             -> memory (N, memory_size)      before the first day
    advance(daily (N, X), static_embedding (N, E), memory)     -> hidden (N, H), memory        one day

where `daily` are scaled drivers, season and, if asked for, features of past flux. Advancing day by day from `start`
gives what `forward` gives.
"""

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from emulator.data.scalers import DriverScaling, Scalers, TargetScaling
from emulator.data.signature import Signature
from emulator.data.windows import Batch
from emulator.models.parts.coded_model import CodedModel
from emulator.models.parts.layers import Coordinates, FluxHead, PreciseLinear, StaticFeatures, season
from emulator.models.parts.past_flux import PastFluxFeatures
from emulator.models.parts.site_code import SiteCode
from emulator.models.parts.state_row import field_sizes
from emulator.models.streaming import ModelOutput


class BaselineConfig(BaseModel):
    """Options that all baselines have.

    `past_flux`: 'none', or features of the flux of earlier years as further inputs, of which a host's `step` gives none
    ('ungauged') or the model's own ('self_fed'). In training `ungauged_share` of the sites get no past flux, so that
    the same model runs without. `code_size`: numbers of a site's code (`site_code.py`); 0, none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    hidden: int = Field(default=64, ge=1)
    static_size: int = Field(default=16, ge=1)
    dropout: float = Field(default=0.1, ge=0.0, lt=1.0)
    coordinates: Coordinates = "latitude"
    past_flux: Literal["none", "ungauged", "self_fed"] = "none"
    ungauged_share: float = Field(default=0.1, ge=0.0, le=1.0)
    code_size: int = Field(default=0, ge=0)


class BaselineRow(NamedTuple):
    """State row: hemisphere (1), static embedding and code of the site (E), memory of the core, tables of past flux
    where there are any.
    """

    hemisphere: Tensor
    static_embedding: Tensor
    memory: Tensor
    past_flux: Tensor


class Baseline(CodedModel):
    """flux = head(core(scaled drivers, season, features of past flux; static embedding)); its state row is a
    `BaselineRow`.

    A subclass sets `core` in its constructor and then calls `set_layout`.
    """

    if TYPE_CHECKING:  # TorchScript takes no annotations of submodules
        core: Any

    def __init__(self, config: BaselineConfig, signature: Signature, scalers: Scalers) -> None:
        super().__init__()
        self.past_flux, self.self_fed = config.past_flux, config.past_flux == "self_fed"
        self.ungauged_share = config.ungauged_share
        self.drivers = DriverScaling(scalers, signature)
        self.targets = TargetScaling(scalers)
        self.static_features = StaticFeatures(signature, scalers, config.coordinates)
        self.static_embedding = nn.Sequential(PreciseLinear(self.static_features.size, config.static_size), nn.Tanh())
        self.code: SiteCode | None = None
        if config.code_size:
            self.code = SiteCode(signature.static_names, self.static_features, [config.code_size])
        self.dropout = nn.Dropout(config.dropout)
        self.daily_size, self.static_size = self.drivers.size + 2, config.static_size + config.code_size
        self.past: PastFluxFeatures | None = None
        skip: tuple[float, ...] = ()
        if config.past_flux != "none":
            self.past = PastFluxFeatures(len(signature.targets))
            self.daily_size += self.past.size
            # the head starts from last year's flux and that of the season; the site's mean and how well all are known
            # it has to learn to use
            skip = (0.4, 0.4, 0.0, 0.0, 0.0, 0.0)
        self.head = FluxHead(signature, scalers, config.hidden, skip)

    def set_layout(self) -> None:
        """Set the sizes of the state row's fields."""
        self.layout = field_sizes(
            BaselineRow,
            hemisphere=1,
            static_embedding=self.static_size,
            memory=self.core.memory_size,
            past_flux=0 if self.past is None else self.past.state_size,
        )
        self.state_size = sum(self.layout)

    def forward(self, drivers: Tensor, calendar: Tensor, static: Tensor, flux: Tensor) -> Tensor:
        """See StreamingModel.forward."""
        features = self.static_features(static)
        return self.predict(drivers, calendar, features[:, :1], self.site(static, features), flux)

    def site(self, static: Tensor, features: Tensor) -> Tensor:
        """Static embedding and code (N, E) of sites with statics (N, P), of which features (N, F) were made."""
        embedding = self.static_embedding(features)
        if self.code is not None:
            embedding = torch.cat([embedding, self.code(static, features)], dim=1)
        return embedding

    def predict(
        self, drivers: Tensor, calendar: Tensor, hemisphere: Tensor, static_embedding: Tensor, flux: Tensor
    ) -> Tensor:
        """As `forward`, of sites with this hemisphere (B, 1) and embedding (B, E)."""
        # day by day in memory, as recurrences take it
        scaled = self.drivers.by_day(drivers)
        wave = season(calendar, hemisphere).transpose(0, 1)
        daily = torch.cat([scaled, wave], dim=2).transpose(0, 1)
        if self.past is not None:
            past = self.past(self.targets.standardise(flux), calendar)
            hidden = self.core(torch.cat([daily, past], dim=2), static_embedding)
            fluxes = self.head(self.dropout(hidden), past)
        else:
            fluxes = self.head(self.dropout(self.core(daily, static_embedding)))
        return fluxes

    @torch.jit.export
    def init_state(self, static: Tensor) -> Tensor:
        """static: (N, P) -> state (N, state_size)."""
        features = self.static_features(static)
        static_embedding = self.site(static, features)
        past_flux = static[:, :0]
        if self.past is not None:
            past_flux = self.past.init_state(static)
        row = BaselineRow(features[:, :1], static_embedding, self.core.start(static_embedding), past_flux)
        return torch.cat(row, dim=1)

    @torch.jit.export
    def step(self, drivers: Tensor, calendar: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """See StreamingModel.step."""
        fluxes, memory = self.predict_day(drivers, calendar, state)
        seen_flux = fluxes if self.self_fed else torch.full_like(fluxes, float("nan"))
        return fluxes, self.next_state(memory, seen_flux, calendar, state)

    @torch.jit.export
    def step_observed(self, drivers: Tensor, calendar: Tensor, flux: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """As `step`, with the measured flux of the day (N, C), NaN = not known; it moves later years only."""
        fluxes, memory = self.predict_day(drivers, calendar, state)
        return fluxes, self.next_state(memory, flux, calendar, state)

    def predict_day(self, drivers: Tensor, calendar: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Fluxes (N, C) of one day and the memory of the core after it."""
        row = self.fields(state)
        daily = torch.cat([self.drivers(drivers), season(calendar.unsqueeze(0), row.hemisphere)], dim=1)
        if self.past is not None:
            past = self.past.read(calendar, row.past_flux)
            hidden, memory = self.core.advance(torch.cat([daily, past], dim=1), row.static_embedding, row.memory)
            fluxes = self.head(hidden, past)
        else:
            hidden, memory = self.core.advance(daily, row.static_embedding, row.memory)
            fluxes = self.head(hidden)
        return fluxes, memory

    def next_state(self, memory: Tensor, flux: Tensor, calendar: Tensor, state: Tensor) -> Tensor:
        """State after a day that left this memory of the core and this flux (N, C), NaN = not known."""
        hemisphere, static_embedding, _, past_flux = self.fields(state)
        if self.past is not None:
            past_flux = self.past.advance(self.targets.standardise(flux), calendar, past_flux)
        return torch.cat(BaselineRow(hemisphere, static_embedding, memory, past_flux), dim=1)

    def fields(self, state: Tensor) -> BaselineRow:
        """State row (N, state_size) -> its fields."""
        hemisphere, static_embedding, memory, past_flux = state.split(self.layout, 1)
        return BaselineRow(hemisphere, static_embedding, memory, past_flux)

    @torch.jit.unused
    def training_outputs(self, batch: Batch) -> ModelOutput:
        """Prediction, with the past flux of some sites hidden, and the loss of the codes where there are any."""
        flux = batch.flux
        if self.past is not None:
            hidden = torch.rand(len(flux), 1, 1, device=flux.device) < self.ungauged_share
            flux = torch.where(hidden, torch.full_like(flux, torch.nan), flux)
        features = self.static_features(batch.static)
        embedding, auxiliary = self.with_training_codes(self.static_embedding(features), batch)
        return ModelOutput(self.predict(batch.drivers, batch.calendar, features[:, :1], embedding, flux), auxiliary)


def with_static_embedding(daily: Tensor, static_embedding: Tensor) -> Tensor:
    """Daily inputs (B, T, X) and the same static embedding (B, E) on every day -> (B, T, X + E)."""
    every_day = static_embedding.unsqueeze(0).expand(daily.shape[1], -1, -1)
    return torch.cat([daily.transpose(0, 1), every_day], dim=2).transpose(0, 1)
