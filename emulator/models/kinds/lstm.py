"""The plain LSTM (Hochreiter and Schmidhuber 1997): drivers, statics and season in, fluxes out; the baseline that the
hierarchical models must beat.
"""

from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from emulator.data.scalers import Scalers
from emulator.data.signature import Signature
from emulator.models.parts.baseline import Baseline, BaselineConfig, with_static_embedding
from emulator.models.parts.layers import StreamingLSTM


class LSTMConfig(BaselineConfig):
    """Options of the plain LSTM."""

    label: ClassVar[str] = "LSTM"
    kind: Literal["lstm"] = "lstm"

    def build(self, signature: Signature, scalers: Scalers) -> "LSTMModel":
        return LSTMModel(self, signature, scalers)


class LSTMModel(Baseline):
    """See Baseline."""

    def __init__(self, config: LSTMConfig, signature: Signature, scalers: Scalers) -> None:
        super().__init__(config, signature, scalers)
        self.core = LSTMCore(self.daily_size, self.static_size, config.hidden)
        self.set_layout()


class LSTMCore(nn.Module):
    """One LSTM layer; memory: h (H), c (H), which start from the statics."""

    def __init__(self, daily_size: int, static_size: int, hidden: int) -> None:
        super().__init__()
        self.initial = nn.Linear(static_size, 2 * hidden)
        self.lstm = StreamingLSTM(daily_size + static_size, hidden)
        self.memory_size = 2 * hidden

    def forward(self, daily: Tensor, static_embedding: Tensor) -> Tensor:
        """(B, T, X), (B, E) -> (B, T, H)."""
        h, c = self.start(static_embedding).chunk(2, 1)
        return self.lstm(with_static_embedding(daily, static_embedding), h, c)

    @torch.jit.export
    def start(self, static_embedding: Tensor) -> Tensor:
        """(N, E) -> (N, 2 H)."""
        return torch.tanh(self.initial(static_embedding))

    @torch.jit.export
    def advance(self, daily: Tensor, static_embedding: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """(N, X), (N, E), (N, 2 H) -> hidden (N, H), memory."""
        h, c = memory.chunk(2, 1)
        h, c = self.lstm.cell(torch.cat([daily, static_embedding], dim=1), h, c)
        return h, torch.cat([h, c], dim=1)
