"""The GRU (Cho et al. 2014, arXiv 1406.1078) in the place of the LSTM: one gate and one state fewer."""

from typing import Literal

import torch
from torch import Tensor, nn

from emulator.data.scalers import Scalers
from emulator.data.variables import Signature
from emulator.models.baseline import Baseline, BaselineConfig, with_still


class GRUConfig(BaselineConfig):
    """Options of the GRU."""

    kind: Literal["gru"] = "gru"

    def build(self, signature: Signature, scalers: Scalers) -> "GRUModel":
        return GRUModel(self, signature, scalers)


class GRUModel(Baseline):
    """See Baseline."""

    def __init__(self, config: GRUConfig, signature: Signature, scalers: Scalers) -> None:
        super().__init__(config, signature, scalers)
        self.core = GRUCore(self.daily_size, self.still_size, config.hidden)
        self.set_layout()


class GRUCore(nn.Module):
    """One GRU layer; memory: h (H), which starts from the statics."""

    def __init__(self, daily: int, still: int, hidden: int) -> None:
        super().__init__()
        self.initial = nn.Linear(still, hidden)
        self.gru = nn.GRU(daily + still, hidden, batch_first=True)
        with torch.no_grad():  # remember by default: update gate, which keeps h in torch, open at the start of training
            self.gru.bias_ih_l0[hidden : 2 * hidden].fill_(1.5)
            self.gru.bias_hh_l0[hidden : 2 * hidden].zero_()
        self.memory_size = hidden

    def forward(self, daily: Tensor, still: Tensor) -> Tensor:
        """(B, T, X), (B, S) -> (B, T, H)."""
        return self.gru(with_still(daily, still), self.start(still).unsqueeze(0))[0]

    @torch.jit.export
    def start(self, still: Tensor) -> Tensor:
        """(N, S) -> (N, H)."""
        return torch.tanh(self.initial(still))

    @torch.jit.export
    def advance(self, daily: Tensor, still: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """(N, X), (N, S), (N, H) -> hidden (N, H), memory."""
        weights = self.gru
        h = torch.gru_cell(
            torch.cat([daily, still], dim=1),
            memory,
            weights.weight_ih_l0,
            weights.weight_hh_l0,
            weights.bias_ih_l0,
            weights.bias_hh_l0,
        )
        return h, h
