"""RACI: fast drivers act through a response that slow conditions set and neighbours tell of.

After RACI (arXiv 2603.03531), of which the abstract is public: covariates have roles, hierarchical temporal encoding
separates slow regime conditioners from fast drivers, role-aware spatial retrieval supplies similar and near context,
and prediction is conditional inference. The layers are our reading. Roles come from the variable table: `fast` and
`state` drive the daily path; the slow path sees every driver, `slow` ones included, by month, and modulates the daily
path. What is retrieved is the code of a site (`site_code.py`): where the network was trained it is the site's own,
elsewhere neighbours tell it.
"""

from typing import Any, ClassVar, Literal, NamedTuple, Self

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor, nn

from emulator.data.scalers import DriverScaling, Scalers, TargetScaling, features_of_role
from emulator.data.signature import Signature
from emulator.data.windows import Batch
from emulator.models.parts.coded_model import CodedModel
from emulator.models.parts.layers import (
    Coordinates,
    FluxHead,
    PreciseLinear,
    StaticFeatures,
    StreamingLSTM,
    dropout_mask,
    mlp,
    season,
    year_wave,
)
from emulator.models.parts.modulation import MetaNetwork, Modulation, modulation_of_days
from emulator.models.parts.regime import RegimeEncoder
from emulator.models.parts.seasons import calendars_differ, days_of_years, ends_month, month_of_series
from emulator.models.parts.site_code import SiteCode, refuse_former_options
from emulator.models.parts.state_row import field_sizes
from emulator.models.streaming import ModelOutput


class RaciConfig(BaseModel):
    """Options of RACI.

    `code_size` numbers are a site's code; `code_roles: true` gives one half of them to the regime and the other to the
    daily path, each brought from neighbours by a covariance of its own. Ablations: `code_size: 0` (no codes, so no
    retrieval); `roles: false` gives the daily path all drivers and leaves the slow path out; `functional: false` and
    `local: false` leave one kind of neighbour out; `film: false` lets the regime be an input instead of a modulation.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: ClassVar[str] = "RACI"
    kind: Literal["raci"] = "raci"
    hidden: int = Field(default=64, ge=1)
    static_size: int = Field(default=4, ge=1)
    regime_size: int = Field(default=16, ge=1)
    code_size: int = Field(default=8, ge=0)
    code_roles: bool = False
    dropout: float = Field(default=0.1, ge=0.0, lt=1.0)
    coordinates: Coordinates = "latitude"
    roles: bool = True
    functional: bool = True
    local: bool = True
    film: bool = True

    @model_validator(mode="before")
    @classmethod
    def _is_of_site_codes(cls, options: Any) -> Any:
        return refuse_former_options(options, "RACI")

    @model_validator(mode="after")
    def _two_roles_need_two_numbers(self) -> Self:
        if self.code_roles and (self.code_size == 0 or self.code_size % 2):
            message = f"code_roles: true divides the code in two halves, but code_size is {self.code_size}"
            raise ValueError(message)
        return self

    def build(self, signature: Signature, scalers: Scalers) -> "Raci":
        return Raci(self, signature, scalers)


class RaciRow(NamedTuple):
    """State row: hemisphere (1), static embedding (E) and code of the site (Q), h (H), c (H), sums of the month under
    way, regime (its size), and the modulation that it gives.
    """

    hemisphere: Tensor
    site: Tensor
    h: Tensor
    c: Tensor
    month: Tensor
    regime: Tensor
    modulation: Tensor


class Raci(CodedModel):
    """An LSTM over the fast drivers, modulated once a month by the regime; both are of a site, which its code tells.

        flux = head(LSTM(fast drivers, season, site; modulation(regime, site)))

    Its state row is a `RaciRow`.
    """

    fast: Tensor

    def __init__(self, config: RaciConfig, signature: Signature, scalers: Scalers) -> None:
        super().__init__()
        self.roles, self.film, self.code_roles = config.roles, config.film, config.code_roles
        self.drivers = DriverScaling(scalers, signature)
        drivers, static_size = self.drivers.size, config.static_size
        fast = features_of_role(signature, "fast", "state") if config.roles else list(range(drivers))
        self.register_buffer("fast", torch.tensor(fast, dtype=torch.int64))
        self.targets = TargetScaling(scalers)
        self.static_features = StaticFeatures(signature, scalers, config.coordinates)
        self.static_embedding = PreciseLinear(self.static_features.size, static_size)
        self.code: SiteCode | None = None
        if config.code_size:
            half = config.code_size // 2
            self.code = SiteCode(
                signature.static_names,
                self.static_features,
                [half, half] if config.code_roles else [config.code_size],
                functional=config.functional,
                local=config.local,
            )
        self.static_size, site_size = static_size, static_size + config.code_size
        self.slow_size = static_size + config.code_size // 2 if config.code_roles else site_size
        fast_size = site_size - (self.slow_size - static_size) if config.code_roles else site_size
        self.regime = RegimeEncoder(drivers, self.slow_size, config.regime_size)
        inputs = len(fast) + 2
        self.meta = MetaNetwork(config.regime_size + self.slow_size, config.hidden, inputs, config.hidden, static_size)
        self.initial = mlp(fast_size, config.hidden, 2 * config.hidden)
        self.lstm = StreamingLSTM(inputs + fast_size + static_size, config.hidden)
        self.dropout = nn.Dropout(config.dropout)
        self.head = FluxHead(signature, scalers, config.hidden)
        self.layout = field_sizes(
            RaciRow,
            hemisphere=1,
            site=site_size,
            h=config.hidden,
            c=config.hidden,
            month=self.regime.state_size,
            regime=config.regime_size,
            modulation=self.meta.size,
        )
        self.state_size = sum(self.layout)

    def forward(self, drivers: Tensor, calendar: Tensor, static: Tensor, flux: Tensor) -> Tensor:  # noqa: ARG002
        """See StreamingModel.forward; `flux` is not used."""
        if calendars_differ(calendar):
            rows = []
            for row in range(drivers.shape[0]):
                rows.append(self.predict(drivers[row : row + 1], calendar[row], static[row : row + 1]))
            return torch.cat(rows)
        return self.predict(drivers, calendar[0], static)

    def predict(self, drivers: Tensor, calendar: Tensor, static: Tensor) -> Tensor:
        """Fluxes (B, T, C) of sites that share their calendar (T, 6)."""
        features = self.static_features(static)
        return self.fluxes_of(drivers, calendar, features[:, :1], self.site(static, features))

    def site(self, static: Tensor, features: Tensor) -> Tensor:
        """Static embedding and code (N, E + Q) of sites with statics (N, P), of which features (N, F) were made."""
        embedding = torch.tanh(self.static_embedding(features))
        if self.code is not None:
            embedding = torch.cat([embedding, self.code(static, features)], dim=1)
        return embedding

    def fluxes_of(self, drivers: Tensor, calendar: Tensor, hemisphere: Tensor, site: Tensor) -> Tensor:
        """Fluxes (B, T, C), year by year, so that tensors stay in the processor's cache.

        drivers: (B, T, D); calendar: (T, 6); hemisphere: (B, 1); site: (B, E + Q).
        """
        scaled = self.drivers.by_day(drivers)
        slow = self.slow_site(site)
        regime = self.regime(scaled, calendar, slow, not self.roles)
        modulation_of_months = self.meta.fields(
            self.modulate(regime, slow.unsqueeze(0).expand(regime.shape[0], -1, -1))
        )
        waves = year_wave(calendar, scaled.dtype).unsqueeze(1) * hemisphere
        month = month_of_series(calendar)
        fast = self.fast_site(site)
        h, c = torch.tanh(self.initial(fast)).chunk(2, 1)
        drops = self.training and self.dropout.p > 0.0
        mask = dropout_mask(h, len(calendar), self.dropout.p) if drops else h
        learned = []
        first = 0
        for length in days_of_years(calendar):
            last = first + length
            modulation = modulation_of_days(modulation_of_months, month[first:last])
            site_of_days = fast.unsqueeze(0).expand(length, -1, -1)
            states, h, c = self.lstm.run(
                self.inputs(scaled[first:last], waves[first:last], site_of_days, modulation), h, c
            )
            if drops:
                states = states * mask[first:last]
            learned.append(self.decode(states, modulation))
            first = last
        return self.head.fluxes(torch.cat(learned).transpose(0, 1))

    @torch.jit.export
    def init_state(self, static: Tensor) -> Tensor:
        """static: (N, P) -> state (N, state_size)."""
        features = self.static_features(static)
        site = self.site(static, features)
        h, c = torch.tanh(self.initial(self.fast_site(site))).chunk(2, 1)
        month = torch.zeros([static.shape[0], self.regime.state_size], dtype=static.dtype, device=static.device)
        slow = self.slow_site(site)
        regime = self.regime.first(slow)
        row = RaciRow(features[:, :1], site, h, c, month, regime, self.modulate(regime, slow))
        return torch.cat(row, dim=1)

    @torch.jit.export
    def step(self, drivers: Tensor, calendar: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """See StreamingModel.step."""
        hemisphere, site, h, c, month, regime, month_modulation = self.fields(state)
        scaled = self.drivers(drivers)
        wave = season(calendar.unsqueeze(0), hemisphere)
        modulation = self.meta.fields(month_modulation)
        h, c = self.lstm.cell(self.inputs(scaled, wave, self.fast_site(site), modulation), h, c)
        flux = self.head.fluxes(self.decode(h, modulation))
        month = self.regime.add_day(scaled, month)
        if ends_month(calendar):
            slow = self.slow_site(site)
            features = self.regime.features_of(month)
            if not self.roles:
                features = torch.zeros_like(features)
            regime = self.regime.turn_month(features, regime, slow)
            month_modulation = self.modulate(regime, slow)
            month = torch.zeros_like(month)
        row = RaciRow(hemisphere, site, h, c, month, regime, month_modulation)
        return flux, torch.cat(row, dim=1)

    def fields(self, state: Tensor) -> RaciRow:
        """State row (N, state_size) -> its fields."""
        hemisphere, site, h, c, month, regime, modulation = state.split(self.layout, 1)
        return RaciRow(hemisphere, site, h, c, month, regime, modulation)

    def slow_site(self, site: Tensor) -> Tensor:
        """Of a site (N, E + Q) what the slow path reads: static embedding and the code of the regime."""
        return site[:, : self.slow_size]

    def fast_site(self, site: Tensor) -> Tensor:
        """Of a site (N, E + Q) what the daily path reads: static embedding and the code of the response."""
        if not self.code_roles:
            return site
        return torch.cat([site[:, : self.static_size], site[:, self.slow_size :]], dim=1)

    def modulate(self, regime: Tensor, site: Tensor) -> Tensor:
        """Modulation of the daily path, constant over a month; site: what the slow path reads of it."""
        return self.meta(torch.cat([regime, site], dim=-1))

    def inputs(self, scaled: Tensor, wave: Tensor, site: Tensor, modulation: Modulation) -> Tensor:
        """Modulated fast drivers and what is constant over the month, (..., X); site: what the daily path reads."""
        fast = torch.cat([scaled.index_select(-1, self.fast), wave], dim=-1)
        if self.film:
            fast = self.meta.modulate_input(fast, modulation)
        return torch.cat([fast, site, modulation.gate_bias], dim=-1)

    def decode(self, hidden: Tensor, modulation: Modulation) -> Tensor:
        """Learned targets, standardised, (..., L)."""
        if self.film:
            hidden = self.meta.modulate_output(hidden, modulation)
        return self.head.learned(hidden)

    # --- training ---

    @torch.jit.unused
    def training_outputs(self, batch: Batch) -> ModelOutput:
        """Prediction from the sites' own codes or, of a share of them, what neighbours tell; loss of the codes."""
        if calendars_differ(batch.calendar):
            message = "sites of a training batch must be of the same days"
            raise ValueError(message)
        features = self.static_features(batch.static)
        site, auxiliary = self.with_training_codes(torch.tanh(self.static_embedding(features)), batch)
        return ModelOutput(self.fluxes_of(batch.drivers, batch.calendar[0], features[:, :1], site), auxiliary)
