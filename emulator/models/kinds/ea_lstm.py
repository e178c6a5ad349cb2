"""EA-LSTM (Kratzert et al. 2019, HESS 23:5089): an LSTM whose input gate is set by the statics alone.

The gate says, once per site, which parts of the cell listen to the drivers; all else is a plain LSTM on the drivers.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from emulator.data.scalers import Scalers
from emulator.data.signature import Signature
from emulator.models.parts.baseline import Baseline, BaselineConfig, with_still


class EALSTMConfig(BaselineConfig):
    """Options of the EA-LSTM."""

    kind: Literal["ea_lstm"] = "ea_lstm"

    def build(self, signature: Signature, scalers: Scalers) -> "EALSTMModel":
        return EALSTMModel(self, signature, scalers)


class EALSTMModel(Baseline):
    """See Baseline."""

    def __init__(self, config: EALSTMConfig, signature: Signature, scalers: Scalers) -> None:
        super().__init__(config, signature, scalers)
        self.core = EALSTMCore(self.daily_size, self.still_size, config.hidden)
        self.set_layout()


class EALSTMCore(nn.Module):
    """One EA-LSTM layer; memory: h (H), c (H), which start from the statics.

    It runs on torch's LSTM, which is much faster than a loop over days: the LSTM's input gate gets the static gate as
    further inputs, through an identity matrix, and nothing else. Gates are in torch's order: input, forget, cell,
    output.
    """

    full_precision = True

    def __init__(self, daily: int, still: int, hidden: int) -> None:
        super().__init__()
        self.initial = nn.Linear(still, 2 * hidden)
        self.input_gate = nn.Linear(still, hidden)
        self.from_daily = nn.Linear(daily, 3 * hidden)
        self.from_hidden = nn.Linear(hidden, 3 * hidden, bias=False)
        nn.init.orthogonal_(self.from_hidden.weight)
        with torch.no_grad():  # remember by default: forget gate open at the start of training
            self.from_daily.bias[:hidden].fill_(1.5)
        self.register_buffer("identity", torch.eye(hidden), persistent=False)
        self.memory_size = 2 * hidden

    def forward(self, daily: Tensor, still: Tensor) -> Tensor:
        """(B, T, X), (B, S) -> (B, T, H)."""
        h, c = self.start(still).unsqueeze(0).chunk(2, 2)
        inputs = with_still(daily, self.input_gate(still))
        start = [h.contiguous(), c.contiguous()]
        return torch.lstm(inputs, start, self.lstm_weights(), True, 1, 0.0, self.training, False, True)[0]

    @torch.jit.export
    def start(self, still: Tensor) -> Tensor:
        """(N, S) -> (N, 2 H)."""
        return torch.tanh(self.initial(still))

    @torch.jit.export
    def advance(self, daily: Tensor, still: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """(N, X), (N, S), (N, 2 H) -> hidden (N, H), memory."""
        h, c = memory.chunk(2, 1)
        weights = self.lstm_weights()
        inputs = torch.cat([daily, self.input_gate(still)], dim=1)
        h, c = torch.lstm_cell(inputs, [h, c], weights[0], weights[1], weights[2], weights[3])
        return h, torch.cat([h, c], dim=1)

    def lstm_weights(self) -> list[Tensor]:
        """Weights of inputs (4 H, X + H) and of the hidden state (4 H, H), and their biases (4 H)."""
        daily, hidden, bias = self.from_daily.weight, self.from_hidden.weight, self.from_daily.bias
        nothing = torch.zeros_like(self.identity)
        gate = torch.cat([torch.zeros_like(daily[: len(nothing)]), self.identity], dim=1)
        others = torch.cat([daily, torch.zeros_like(hidden)], dim=1)
        biases = torch.cat([torch.zeros_like(bias[: len(nothing)]), bias])
        return [torch.cat([gate, others]), torch.cat([nothing, hidden]), biases, torch.zeros_like(biases)]
