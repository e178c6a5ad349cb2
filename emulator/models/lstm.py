"""The plain LSTM: drivers, statics and season in, fluxes out; the baseline that the hierarchical models must beat."""

from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from emulator.data.scalers import DriverScaling, Scalers
from emulator.data.variables import Signature
from emulator.models.layers import FluxHead, StaticFeatures, StreamingLSTM, season
from emulator.models.streaming import StreamingModel


class LSTMConfig(BaseModel):
    """Options of the plain LSTM."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["lstm"] = "lstm"
    hidden: int = Field(default=64, ge=1)
    static_size: int = Field(default=16, ge=1)
    dropout: float = Field(default=0.1, ge=0.0, lt=1.0)
    coordinates: Literal["none", "latitude", "sphere"] = "latitude"

    def build(self, signature: Signature, scalers: Scalers) -> "LSTMModel":
        return LSTMModel(self, signature, scalers)


class LSTMModel(StreamingModel):
    """State row: hemisphere (1), static embedding (S), h (H), c (H)."""

    def __init__(self, config: LSTMConfig, signature: Signature, scalers: Scalers) -> None:
        super().__init__()
        self.drivers = DriverScaling(scalers)
        self.static_features = StaticFeatures(signature, scalers, config.coordinates)
        self.static_embedding = nn.Sequential(nn.Linear(self.static_features.size, config.static_size), nn.Tanh())
        self.initial = nn.Linear(config.static_size, 2 * config.hidden)
        self.lstm = StreamingLSTM(len(signature.inputs) + 2 + config.static_size, config.hidden)
        self.dropout = nn.Dropout(config.dropout)
        self.head = FluxHead(signature, scalers, config.hidden)
        self.layout = [1, config.static_size, config.hidden, config.hidden]
        self.state_size = sum(self.layout)

    def forward(self, drivers: Tensor, calendar: Tensor, static: Tensor, flux: Tensor) -> Tensor:
        """See StreamingModel.forward; `flux` is not used."""
        parts = self.init_state(static).split(self.layout, 1)
        days = drivers.shape[1]
        embedding = parts[1].unsqueeze(1).expand(-1, days, -1)
        inputs = torch.cat([self.drivers(drivers), season(calendar, parts[0]), embedding], dim=2)
        return self.head(self.dropout(self.lstm(inputs, parts[2], parts[3])))

    @torch.jit.export
    def init_state(self, static: Tensor) -> Tensor:
        """static: (N, P) -> state (N, state_size)."""
        features = self.static_features(static)
        embedding = self.static_embedding(features)
        return torch.cat([features[:, :1], embedding, torch.tanh(self.initial(embedding))], dim=1)

    @torch.jit.export
    def step(self, drivers: Tensor, calendar: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """See StreamingModel.step."""
        parts = state.split(self.layout, 1)
        wave = season(calendar.unsqueeze(0), parts[0])
        inputs = torch.cat([self.drivers(drivers), wave, parts[1]], dim=1)
        h, c = self.lstm.cell(inputs, parts[2], parts[3])
        return self.head(h), torch.cat([parts[0], parts[1], h, c], dim=1)
