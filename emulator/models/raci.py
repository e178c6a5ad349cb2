"""RACI: fast drivers act through a response that slow conditions and retrieved neighbours set.

After RACI (arXiv 2603.03531), of which the abstract is public: covariates have roles, hierarchical temporal encoding
separates slow regime conditioners from fast drivers, role-aware spatial retrieval supplies similar and near context,
and prediction is conditional inference. The layers are our reading. Roles come from the variable table: `fast` and
`state` drive the daily path; the slow path sees every driver, `slow` ones included, by month. Regime and retrieval
change at the turn of months only.
"""

from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from emulator.data.scalers import DriverScaling, Scalers, TargetScaling
from emulator.data.variables import Signature
from emulator.data.windows import Batch, TrainingData
from emulator.models.layers import FluxHead, MetaNetwork, StaticFeatures, StreamingLSTM, mlp, season, unit_sphere
from emulator.models.regime import RegimeEncoder
from emulator.models.responses import site_responses
from emulator.models.retrieval import EARTH_RADIUS_KM, MemoryBank
from emulator.models.seasons import count_years, month_neighbour, month_slot, rows_of
from emulator.models.streaming import ModelOutput, StreamingModel


class RaciConfig(BaseModel):
    """Options of RACI. In training, `blind_share` of the samples see no bank site within a random distance of up to
    `blind_km`, so that the model learns what far neighbours are worth, as held-out regions have no others.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["raci"] = "raci"
    hidden: int = Field(default=64, ge=1)
    static_size: int = Field(default=16, ge=1)
    input_size: int = Field(default=32, ge=1)
    regime_size: int = Field(default=32, ge=1)
    value_size: int = Field(default=16, ge=1)
    neighbours: int = Field(default=8, ge=1)
    dropout: float = Field(default=0.1, ge=0.0, lt=1.0)
    coordinates: Literal["none", "latitude", "sphere"] = "latitude"
    blind_share: float = Field(default=0.5, ge=0.0, le=1.0)
    blind_km: float = Field(default=1500.0, ge=0.0)

    def build(self, signature: Signature, scalers: Scalers) -> "Raci":
        return Raci(self, signature, scalers)


class Raci(StreamingModel):
    """State row: hemisphere (1), static embedding (E), place (3), h (H), c (H), month under way, regime (R), whether
    the month's conditions are set (1), conditions (modulation of the fast path and neighbours' flux).
    """

    def __init__(self, config: RaciConfig, signature: Signature, scalers: Scalers) -> None:
        super().__init__()
        names = signature.static_names
        if "lat" not in names or "lon" not in names:
            raise ValueError("model.kind = 'raci' retrieves by place and needs 'lat' and 'lon' among the statics")
        self.latitude, self.longitude = names.index("lat"), names.index("lon")
        self.blind_share, self.blind_radius = config.blind_share, config.blind_km / EARTH_RADIUS_KM
        drivers, targets, static_size = len(signature.inputs), len(signature.targets), config.static_size
        fast = signature.inputs_of_role("fast", "state")
        self.register_buffer("fast", torch.tensor(fast, dtype=torch.int64))
        self.drivers = DriverScaling(scalers)
        self.targets = TargetScaling(scalers)
        self.static_features = StaticFeatures(signature, scalers, config.coordinates)
        self.static_embedding = nn.Sequential(nn.Linear(self.static_features.size, static_size), nn.Tanh()).double()
        self.regime = RegimeEncoder(drivers, static_size, config.regime_size)
        self.bank = MemoryBank(
            drivers=drivers,
            statics=len(names),
            targets=targets,
            static_size=static_size,
            regime=config.regime_size,
            value=config.value_size,
            neighbours=config.neighbours,
        )
        conditions = config.regime_size + static_size
        self.trust = nn.Linear(conditions + self.bank.context_size, self.bank.context_size)
        self.meta = MetaNetwork(
            conditions + self.bank.context_size, config.hidden, config.input_size, config.hidden, static_size
        )
        self.initial = mlp(static_size, config.hidden, 2 * config.hidden)
        self.embed = nn.Linear(len(fast) + 2, config.input_size)
        self.n_targets = targets
        self.lstm = StreamingLSTM(config.input_size + 2 * static_size + 4 * targets, config.hidden)
        self.dropout = nn.Dropout(config.dropout)
        # the head starts from the flux of functional and local neighbours, not from how well it is known
        self.head = FluxHead(signature, scalers, config.hidden, skip=(0.4, 0.0, 0.4, 0.0))
        self.condition_layout = [self.meta.size, 12 * targets]
        self.layout = [1, static_size, 3, config.hidden, config.hidden]
        self.layout += [self.regime.state_size, config.regime_size, 1, sum(self.condition_layout)]
        self.state_size = sum(self.layout)
        self.frozen = False
        self.register_buffer("frozen_keys", torch.zeros(0), persistent=False)
        self.register_buffer("frozen_values", torch.zeros(0), persistent=False)

    def forward(self, drivers: Tensor, calendar: Tensor, static: Tensor, flux: Tensor) -> Tensor:
        """See StreamingModel.forward; `flux` is not used."""
        return self.predict(drivers, calendar, static, torch.zeros_like(static[:, 0]))

    def predict(self, drivers: Tensor, calendar: Tensor, static: Tensor, blind: Tensor) -> Tensor:
        """Fluxes (B, T, C); blind: (B,) chord, in Earth radii, within which nothing is retrieved."""
        parts = self.init_state(static).split(self.layout, 1)
        scaled, years = self.drivers(drivers), count_years(calendar)
        months, present = self.regime.month_features(scaled, calendar, years)
        regime = self.regime(months, present, parts[1])
        regime = regime.view(regime.shape[0], years, 12, -1)
        keys, values = self.memory()
        conditions = self.month_conditions(parts[1], parts[2], regime.permute(2, 0, 1, 3), blind, keys, values)
        table = conditions.permute(1, 2, 0, 3).flatten(0, 2)
        daily = table.index_select(0, rows_of(month_slot(calendar), 12 * years))
        daily = daily.view(drivers.shape[0], drivers.shape[1], -1)
        modulation, neighbours = daily.split(self.condition_layout, 2)
        still = parts[1].unsqueeze(1).expand(-1, drivers.shape[1], -1)
        statistics = self.neighbour_flux(neighbours, calendar)
        inputs = self.fast_inputs(scaled, season(calendar, parts[0]), still, modulation, statistics)
        hidden = self.lstm(inputs, parts[3], parts[4])
        return self.decode(self.dropout(hidden), modulation, statistics)

    @torch.jit.export
    def init_state(self, static: Tensor) -> Tensor:
        """static: (N, P) -> state (N, state_size)."""
        features = self.static_features(static)
        embedding = self.static_embedding(features.double()).float()
        place = unit_sphere(static[:, self.latitude], static[:, self.longitude])
        start = torch.tanh(self.initial(embedding))
        unset = torch.zeros([static.shape[0], 1 + sum(self.condition_layout)], dtype=static.dtype, device=static.device)
        month = torch.zeros([static.shape[0], self.regime.state_size], dtype=static.dtype, device=static.device)
        return torch.cat([features[:, :1], embedding, place, start, month, self.regime.first(embedding), unset], dim=1)

    @torch.jit.export
    def step(self, drivers: Tensor, calendar: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """See StreamingModel.step."""
        parts = state.split(self.layout, 1)
        hemisphere, still, place, h, c, month, regime, is_set, conditions = (
            parts[0], parts[1], parts[2], parts[3], parts[4], parts[5], parts[6], parts[7], parts[8],
        )  # fmt: skip
        scaled = self.drivers(drivers)
        due = (is_set < 0.5) | (calendar[2] == 1)
        if bool(due.any()):
            conditions = torch.where(due, self.conditions_now(still, place, regime, calendar), conditions)
        modulation, neighbours = conditions.split(self.condition_layout, 1)
        statistics = self.neighbour_flux(neighbours, calendar.unsqueeze(0))
        inputs = self.fast_inputs(scaled, season(calendar.unsqueeze(0), hemisphere), still, modulation, statistics)
        h, c = self.lstm.cell(inputs, h, c)
        month = self.regime.add_day(scaled, month)
        if bool(calendar[2] == calendar[4]):
            regime = self.regime.turn_month(month, regime, still)
            month = torch.zeros_like(month)
        row = [hemisphere, still, place, h, c, month, regime, torch.ones_like(is_set), conditions]
        return self.decode(h, modulation, statistics), torch.cat(row, dim=1)

    # --- slow path: once a month ---

    def memory(self) -> tuple[Tensor, Tensor]:
        """Keys and values of the memory bank, encoded with the present weights unless frozen."""
        if self.frozen:
            return self.frozen_keys, self.frozen_values
        static = self.static_embedding(self.static_features(self.bank.site_static).double()).float()
        climate = self.bank.site_climate
        twice = torch.cat([climate, climate], dim=1).double()
        regime = self.regime(twice, torch.ones_like(twice[:, :, :1]), static)
        return self.bank(static, regime[:, 12:])

    def month_conditions(
        self, still: Tensor, place: Tensor, regime: Tensor, blind: Tensor, keys: Tensor, values: Tensor
    ) -> Tensor:
        """What the fast path needs in a month. regime: (M, B, Q, R); keys, values: of those M months -> (M, B, Q,
        conditions).
        """
        embedding = still.unsqueeze(1).unsqueeze(0).expand(regime.shape[0], -1, regime.shape[2], -1)
        own = self.bank.conditions(embedding, regime)
        context, statistics = self.bank.retrieve(self.bank.keys(own), place, blind, keys, values)
        everything = torch.cat([own, context], dim=3)
        trusted = torch.sigmoid(self.trust(everything)) * context
        return torch.cat([self.meta(torch.cat([own, trusted], dim=3)), statistics], dim=3)

    def conditions_now(self, still: Tensor, place: Tensor, regime: Tensor, calendar: Tensor) -> Tensor:
        """Conditions (N, ...) of the month of `calendar` (6,)."""
        keys, values = self.memory()
        month = int(calendar[1].item()) - 1
        query = regime.unsqueeze(1).unsqueeze(0)
        blind = torch.zeros_like(place[:, 0])
        now = self.month_conditions(still, place, query, blind, keys[month : month + 1], values[month : month + 1])
        return now.view(still.shape[0], -1)

    # --- fast path: every day ---

    def neighbour_flux(self, neighbours: Tensor, calendar: Tensor) -> Tensor:
        """Neighbours' mean flux and known share on a day, functional then local: (..., 12 C), (..., 6) -> (..., 4
        C).
        """
        offset, weight = month_neighbour(calendar)
        offset, weight = offset.unsqueeze(-1), weight.unsqueeze(-1)
        size = 2 * self.n_targets
        parts = neighbours.split(size, -1)  # functional: month before, this month, next month; local: the same
        daily = []
        for kind in range(2):
            here = parts[3 * kind + 1]
            there = torch.where(offset < 0, parts[3 * kind], parts[3 * kind + 2])
            total, known = (here + weight * (there - here)).split(self.n_targets, -1)
            daily += [total / (known + 0.02), known]
        return torch.cat(daily, dim=-1)

    def fast_inputs(
        self, scaled: Tensor, wave: Tensor, still: Tensor, modulation: Tensor, statistics: Tensor
    ) -> Tensor:
        """Modulated fast drivers and what is constant over the month, (..., X)."""
        parts = modulation.split(self.meta.sizes, -1)
        fast = torch.cat([scaled.index_select(-1, self.fast), wave], dim=-1)
        modulated = torch.tanh(self.embed(fast) * (1.0 + parts[0]) + parts[1])
        return torch.cat([modulated, statistics, still, parts[4]], dim=-1)

    def decode(self, hidden: Tensor, modulation: Tensor, statistics: Tensor) -> Tensor:
        """Hidden state and neighbours' flux -> fluxes (..., C)."""
        parts = modulation.split(self.meta.sizes, -1)
        return self.head(hidden * (1.0 + parts[2]) + parts[3], statistics)

    # --- training ---

    @torch.jit.unused
    def training_outputs(self, batch: Batch) -> ModelOutput:
        """Prediction, with neighbours hidden at random."""
        rows = batch.static.shape[0]
        radius = torch.rand(rows, device=batch.static.device) * self.blind_radius
        hidden = torch.rand(rows, device=batch.static.device) < self.blind_share
        return ModelOutput(self.predict(batch.drivers, batch.calendar, batch.static, radius * hidden))

    @torch.jit.unused
    @torch.no_grad()
    def prepare(self, data: TrainingData) -> None:
        """Fill the memory bank with the training sites and years."""
        calendar = data.calendar.expand(len(data.static), -1, -1)
        device = self.fast.device
        drivers = self.drivers(data.drivers.to(device))
        flux = self.targets.standardise(data.flux.to(device))
        months, present = self.regime.month_features(drivers, calendar.to(device), count_years(calendar))
        responses = site_responses(drivers.cpu(), flux.cpu(), data.calendar, months.float().cpu(), present.cpu())
        place = unit_sphere(data.static[:, self.latitude], data.static[:, self.longitude])
        self.bank.fill(data.static, place, responses)

    @torch.jit.unused
    @torch.no_grad()
    def freeze(self) -> None:
        """Keep the encoded memory, so that a month's turn need not encode it again."""
        self.frozen = False
        self.frozen_keys, self.frozen_values = self.memory()
        self.frozen = True
