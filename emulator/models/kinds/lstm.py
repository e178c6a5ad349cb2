"""The plain LSTM (Hochreiter and Schmidhuber 1997): drivers, statics and season in, fluxes out; the baseline that the
hierarchical models must beat.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from emulator.data.scalers import Scalers
from emulator.data.signature import Signature
from emulator.models.parts.baseline import Baseline, BaselineConfig, with_still
from emulator.models.parts.layers import StreamingLSTM


class LSTMConfig(BaselineConfig):
    """Options of the plain LSTM."""

    kind: Literal["lstm"] = "lstm"

    def build(self, signature: Signature, scalers: Scalers) -> "LSTMModel":
        return LSTMModel(self, signature, scalers)


class LSTMModel(Baseline):
    """See Baseline."""

    def __init__(self, config: LSTMConfig, signature: Signature, scalers: Scalers) -> None:
        super().__init__(config, signature, scalers)
        self.core = LSTMCore(self.daily_size, self.still_size, config.hidden)
        self.set_layout()


class LSTMCore(nn.Module):
    """One LSTM layer; memory: h (H), c (H), which start from the statics."""

    def __init__(self, daily: int, still: int, hidden: int) -> None:
        super().__init__()
        self.initial = nn.Linear(still, 2 * hidden)
        self.lstm = StreamingLSTM(daily + still, hidden)
        self.memory_size = 2 * hidden

    def forward(self, daily: Tensor, still: Tensor) -> Tensor:
        """(B, T, X), (B, S) -> (B, T, H)."""
        h, c = self.start(still).chunk(2, 1)
        return self.lstm(with_still(daily, still), h, c)

    @torch.jit.export
    def start(self, still: Tensor) -> Tensor:
        """(N, S) -> (N, 2 H)."""
        return torch.tanh(self.initial(still))

    @torch.jit.export
    def advance(self, daily: Tensor, still: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """(N, X), (N, S), (N, 2 H) -> hidden (N, H), memory."""
        h, c = memory.chunk(2, 1)
        h, c = self.lstm.cell(torch.cat([daily, still], dim=1), h, c)
        return h, torch.cat([h, c], dim=1)
