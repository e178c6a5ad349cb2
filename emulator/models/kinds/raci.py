"""RACI: fast drivers act through a response that slow conditions set and neighbours tell of.

After RACI (arXiv 2603.03531), of which the abstract is public: covariates have roles, hierarchical temporal encoding
separates slow regime conditioners from fast drivers, role-aware spatial retrieval supplies similar and near context,
and prediction is conditional inference. The layers are our reading. Roles come from the variable table: `fast` and
`state` drive the daily path; the slow path sees every driver, `slow` ones included, by month, and modulates the daily
path. What is retrieved is the response of neighbours: how their flux departs from the shared network's. The network is
trained without retrieval, so that it leaves nothing to neighbours that it can learn itself, and the memory is made in
closed form from its errors.
"""

from typing import ClassVar, Literal, NamedTuple

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from emulator.data.scalers import DriverScaling, Scalers, TargetScaling, features_of_role
from emulator.data.signature import Signature
from emulator.data.windows import Batch, TrainingData
from emulator.models.parts.layers import (
    FluxHead,
    PreciseLinear,
    StaticFeatures,
    StreamingLSTM,
    dropout_mask,
    mlp,
    season,
    second_harmonic,
    unit_sphere,
    year_wave,
)
from emulator.models.parts.modulation import MetaNetwork, Modulation, modulation_of_days
from emulator.models.parts.regime import RegimeEncoder
from emulator.models.parts.responses import principal_components, response_statistics, site_responses, sites_with_flux
from emulator.models.parts.retrieval import ResponseMemory, attributes, by_role, by_target
from emulator.models.parts.seasons import calendars_differ, days_of_years, ends_month, month_of_series
from emulator.models.parts.state_row import field_sizes
from emulator.models.streaming import ModelOutput, StreamingModel

HARMONICS = 2
"""Waves of the year among the features of the regime's role."""
SITES_AT_ONCE = 32
COMPONENT_DAYS = 10
"""Every so many days count for the principal components."""


class RaciConfig(BaseModel):
    """Options of RACI.

    Ablations: `roles: false` gives the daily path all drivers, leaves the slow path out and retrieves with one
    covariance; `functional: false` and `local: false` leave one kind of neighbour out; `film: false` lets the regime be
    an input instead of a modulation; `response` retrieves level, season and driver responses ('full'), level and
    season ('regime') or nothing ('none').
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: ClassVar[str] = "RACI"
    kind: Literal["raci"] = "raci"
    hidden: int = Field(default=64, ge=1)
    static_size: int = Field(default=4, ge=1)
    regime_size: int = Field(default=16, ge=1)
    response_size: int = Field(default=4, ge=1)
    dropout: float = Field(default=0.1, ge=0.0, lt=1.0)
    coordinates: Literal["none", "latitude", "sphere"] = "latitude"
    roles: bool = True
    functional: bool = True
    local: bool = True
    film: bool = True
    response: Literal["full", "regime", "none"] = "full"
    memory_years: int = Field(default=4, ge=1, description="last training years that the memory is made of")

    def build(self, signature: Signature, scalers: Scalers) -> "Raci":
        return Raci(self, signature, scalers)


class RaciRow(NamedTuple):
    """State row: hemisphere (1), static embedding (E), retrieved response (L K, role by role), h (H), c (H), sums of
    the month under way, regime (its size), and the modulation that it gives.
    """

    hemisphere: Tensor
    static_embedding: Tensor
    response: Tensor
    h: Tensor
    c: Tensor
    month: Tensor
    regime: Tensor
    modulation: Tensor


class Raci(StreamingModel):
    """An LSTM over the fast drivers, modulated once a month by the regime, and the response that neighbours tell of.

        flux = head(LSTM(fast drivers, season; modulation(regime)) + response x features)

    Its state row is a `RaciRow`.
    """

    fast: Tensor
    hidden_mean: Tensor
    projection: Tensor

    def __init__(self, config: RaciConfig, signature: Signature, scalers: Scalers) -> None:
        super().__init__()
        names = signature.static_names
        if "lat" not in names or "lon" not in names:
            message = "model.kind = 'raci' retrieves by place and needs 'lat' and 'lon' among the statics"
            raise ValueError(message)
        self.latitude, self.longitude = names.index("lat"), names.index("lon")
        self.memory_years = config.memory_years
        self.roles, self.film, self.retrieves = config.roles, config.film, config.response != "none"
        self.drivers = DriverScaling(scalers, signature)
        drivers, static_size = self.drivers.size, config.static_size
        fast = features_of_role(signature, "fast", "state") if config.roles else list(range(drivers))
        self.register_buffer("fast", torch.tensor(fast, dtype=torch.int64))
        self.targets = TargetScaling(scalers)
        self.static_features = StaticFeatures(signature, scalers, config.coordinates)
        self.static_embedding = PreciseLinear(self.static_features.size, static_size)
        self.regime = RegimeEncoder(drivers, static_size, config.regime_size)
        inputs = len(fast) + 2
        self.meta = MetaNetwork(config.regime_size + static_size, config.hidden, inputs, config.hidden, static_size)
        self.initial = mlp(static_size, config.hidden, 2 * config.hidden)
        self.lstm = StreamingLSTM(inputs + 2 * static_size, config.hidden)
        self.dropout = nn.Dropout(config.dropout)
        self.response_size = config.response_size if config.response == "full" else 0
        self.register_buffer("hidden_mean", torch.zeros(config.hidden))
        self.register_buffer("projection", torch.zeros(config.hidden, self.response_size))
        self.head = FluxHead(signature, scalers, config.hidden)
        self.n_targets = self.head.n_learned
        self.n_features = 1 + 2 * HARMONICS + self.response_size
        role_sizes = [self.n_targets * (1 + 2 * HARMONICS), self.n_targets * self.response_size]
        role_sizes = role_sizes if config.roles and config.response == "full" else [sum(role_sizes)]
        self.memory = ResponseMemory(
            self.static_features.size, role_sizes, functional=config.functional, local=config.local
        )
        self.layout = field_sizes(
            RaciRow,
            hemisphere=1,
            static_embedding=static_size,
            response=self.memory.size,
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
        hidden, wave, learned = self.trunk(drivers, calendar, static, True)
        response = self.retrieve(static).transpose(1, 2)
        for year in range(len(learned)):
            features = self.features(hidden[year], wave[year]).transpose(0, 1)
            learned[year] = learned[year] + torch.matmul(features, response).transpose(0, 1)
        return self.head.fluxes(torch.cat(learned).transpose(0, 1))

    def trunk(
        self, drivers: Tensor, calendar: Tensor, static: Tensor, drops: bool
    ) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
        """Hidden states (T, B, H), position in the year (T, B, 2) and what the network says of all sites alike
        (T, B, L), each a list of years, so that tensors stay in the processor's cache.

        drivers: (B, T, D); calendar: (T, 6); drops: whether there is dropout in training.
        """
        features = self.static_features(static)
        static_embedding = torch.tanh(self.static_embedding(features))
        scaled = self.drivers.by_day(drivers)
        regime = self.regime(scaled, calendar, static_embedding, not self.roles)
        series_embedding = static_embedding.unsqueeze(0)
        modulation_of_months = self.meta.fields(self.modulate(regime, series_embedding.expand(regime.shape[0], -1, -1)))
        waves = year_wave(calendar, scaled.dtype).unsqueeze(1) * features[:, :1]
        month = month_of_series(calendar)
        h, c = torch.tanh(self.initial(static_embedding)).chunk(2, 1)
        drops = drops and self.training and self.dropout.p > 0.0
        mask = dropout_mask(h, len(calendar), self.dropout.p) if drops else h
        hidden, wave, learned = [], [], []
        first = 0
        for length in days_of_years(calendar):
            last = first + length
            modulation = modulation_of_days(modulation_of_months, month[first:last])
            inputs = self.inputs(
                scaled[first:last], waves[first:last], series_embedding.expand(length, -1, -1), modulation
            )
            states, h, c = self.lstm.run(inputs, h, c)
            if drops:
                states = states * mask[first:last]
            hidden.append(states)
            wave.append(waves[first:last])
            learned.append(self.decode(states, modulation))
            first = last
        return hidden, wave, learned

    @torch.jit.export
    def init_state(self, static: Tensor) -> Tensor:
        """static: (N, P) -> state (N, state_size)."""
        features = self.static_features(static)
        static_embedding = torch.tanh(self.static_embedding(features))
        response = by_role(self.retrieve(static), self.memory.role_sizes)
        h, c = torch.tanh(self.initial(static_embedding)).chunk(2, 1)
        month = torch.zeros([static.shape[0], self.regime.state_size], dtype=static.dtype, device=static.device)
        regime = self.regime.first(static_embedding)
        modulation = self.modulate(regime, static_embedding)
        return torch.cat(RaciRow(features[:, :1], static_embedding, response, h, c, month, regime, modulation), dim=1)

    @torch.jit.export
    def step(self, drivers: Tensor, calendar: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """See StreamingModel.step."""
        hemisphere, static_embedding, response, h, c, month, regime, month_modulation = self.fields(state)
        scaled = self.drivers(drivers)
        wave = season(calendar.unsqueeze(0), hemisphere)
        modulation = self.meta.fields(month_modulation)
        h, c = self.lstm.cell(self.inputs(scaled, wave, static_embedding, modulation), h, c)
        coefficients = by_target(response, self.memory.role_sizes, self.n_targets)
        change = torch.matmul(self.features(h, wave).unsqueeze(1), coefficients.transpose(1, 2)).squeeze(1)
        flux = self.head.fluxes(self.decode(h, modulation) + change)
        month = self.regime.add_day(scaled, month)
        if ends_month(calendar):
            features = self.regime.features_of(month)
            if not self.roles:
                features = torch.zeros_like(features)
            regime = self.regime.turn_month(features, regime, static_embedding)
            month_modulation = self.modulate(regime, static_embedding)
            month = torch.zeros_like(month)
        row = RaciRow(hemisphere, static_embedding, response, h, c, month, regime, month_modulation)
        return flux, torch.cat(row, dim=1)

    def fields(self, state: Tensor) -> RaciRow:
        """State row (N, state_size) -> its fields."""
        hemisphere, static_embedding, response, h, c, month, regime, modulation = state.split(self.layout, 1)
        return RaciRow(hemisphere, static_embedding, response, h, c, month, regime, modulation)

    def modulate(self, regime: Tensor, static_embedding: Tensor) -> Tensor:
        """Modulation of the daily path, constant over a month."""
        return self.meta(torch.cat([regime, static_embedding], dim=-1))

    def inputs(self, scaled: Tensor, wave: Tensor, static_embedding: Tensor, modulation: Modulation) -> Tensor:
        """Modulated fast drivers and what is constant over the month, (..., X)."""
        fast = torch.cat([scaled.index_select(-1, self.fast), wave], dim=-1)
        if self.film:
            fast = self.meta.modulate_input(fast, modulation)
        return torch.cat([fast, static_embedding, modulation.gate_bias], dim=-1)

    def decode(self, hidden: Tensor, modulation: Modulation) -> Tensor:
        """What the network says of all sites alike, (..., L)."""
        if self.film:
            hidden = self.meta.modulate_output(hidden, modulation)
        return self.head.learned(hidden)

    def features(self, hidden: Tensor, wave: Tensor) -> Tensor:
        """Of each day what responses multiply, (..., K): of the regime's role 1 and waves, of the response's role the
        leading principal components of the hidden state.
        """
        components = torch.matmul(hidden - self.hidden_mean, self.projection)
        return torch.cat([torch.ones_like(wave[..., :1]), wave, second_harmonic(wave), components], dim=-1)

    def retrieve(self, static: Tensor) -> Tensor:
        """Responses (B, L, K) that neighbours tell of."""
        if not self.retrieves:
            return torch.zeros([static.shape[0], self.n_targets, self.n_features], device=static.device)
        place = unit_sphere(static[:, self.latitude], static[:, self.longitude])
        response = self.memory(place.double(), attributes(self.static_features(static)))
        return by_target(response.float(), self.memory.role_sizes, self.n_targets)

    # --- training ---

    @torch.jit.unused
    def training_outputs(self, batch: Batch) -> ModelOutput:
        """Prediction of the network alone, without the response of neighbours."""
        if calendars_differ(batch.calendar):
            message = "sites of a training batch must be of the same days"
            raise ValueError(message)
        _, _, learned = self.trunk(batch.drivers, batch.calendar[0], batch.static, True)
        return ModelOutput(self.head.fluxes(torch.cat(learned).transpose(0, 1)))

    @torch.jit.unused
    @torch.no_grad()
    def prepare(self, data: TrainingData) -> None:
        """Fill the memory with the training sites that have flux in the last training years."""
        if not self.retrieves:
            return
        device, remembered, passes = self.fast.device, [], []
        for members, days in data.last_years(self.memory_years):
            calendar = data.calendar[days].to(device)
            for rows in members[sites_with_flux(data.flux[members][:, days])].split(SITES_AT_ONCE):
                if len(rows) == 0:
                    continue
                remembered.append(rows)
                drivers, static = data.drivers[rows][:, days].to(device), data.static[rows].to(device)
                hidden, wave, learned = (torch.cat(years) for years in self.trunk(drivers, calendar, static, False))
                flux = self.targets.standardise(data.flux[rows][:, days].to(device)).transpose(0, 1)
                passes.append((hidden, wave, self.head.residual(flux, learned)))
        if not passes:
            return
        sites = torch.cat(remembered)
        if self.response_size:
            states = [hidden[::COMPONENT_DAYS].transpose(0, 1).flatten(0, 1) for hidden, _, _ in passes]
            self.hidden_mean, self.projection = principal_components(torch.cat(states), self.response_size)
        responses = []
        for hidden, wave, residual in passes:
            features = self.features(hidden, wave).transpose(0, 1)
            gram, moment = response_statistics(features, residual.transpose(0, 1))
            responses.append(by_role(site_responses(gram.double(), moment.double()), self.memory.role_sizes))
        static = data.static[sites].to(device)
        lat, lon = static[:, self.latitude], static[:, self.longitude]
        self.memory.fit_sites(lat, lon, self.static_features(static), torch.cat(responses))
