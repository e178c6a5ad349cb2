"""EA-LSTM (Kratzert et al. 2019, HESS 23:5089): an LSTM whose input gate is set by the statics alone.

The gate says, once per site, which parts of the cell listen to the drivers; all else is a plain LSTM on the drivers.
"""

from typing import ClassVar, Literal, NamedTuple

import torch
from torch import Tensor, nn

from emulator.data.scalers import Scalers
from emulator.data.signature import Signature
from emulator.models.parts.baseline import Baseline, BaselineConfig, with_static_embedding


class EALSTMConfig(BaselineConfig):
    """Options of the EA-LSTM."""

    label: ClassVar[str] = "EA-LSTM"
    kind: Literal["ea_lstm"] = "ea_lstm"

    def build(self, signature: Signature, scalers: Scalers) -> "EALSTMModel":
        return EALSTMModel(self, signature, scalers)


class EALSTMModel(Baseline):
    """See Baseline."""

    def __init__(self, config: EALSTMConfig, signature: Signature, scalers: Scalers) -> None:
        super().__init__(config, signature, scalers)
        self.core = EALSTMCore(self.daily_size, self.static_size, config.hidden)
        self.set_layout()


class LSTMWeights(NamedTuple):
    """As torch's LSTM takes them: weights of the inputs (4 H, X + H) and of the hidden state (4 H, H), biases (4 H)."""

    of_inputs: Tensor
    of_hidden: Tensor
    input_bias: Tensor
    hidden_bias: Tensor


class EALSTMCore(nn.Module):
    """One EA-LSTM layer; memory: h (H), c (H), which start from the statics.

        i = sigmoid(W static + b),    f, g, o = sigmoid, tanh, sigmoid(V daily + U h + b)
        c' = f c + i g,    h' = o tanh(c')    (equations 1 to 6 of the paper)

    It runs on torch's LSTM, which is much faster than a loop over days: the LSTM's input gate gets the static gate as
    further inputs, through an identity matrix, and nothing else. Gates are in torch's order: input, forget, cell,
    output.
    """

    full_precision = True
    identity: Tensor

    def __init__(self, daily_size: int, static_size: int, hidden: int) -> None:
        super().__init__()
        self.initial = nn.Linear(static_size, 2 * hidden)
        self.input_gate = nn.Linear(static_size, hidden)
        self.from_daily = nn.Linear(daily_size, 3 * hidden)
        self.from_hidden = nn.Linear(hidden, 3 * hidden, bias=False)
        nn.init.orthogonal_(self.from_hidden.weight)
        with torch.no_grad():  # remember by default: forget gate open at the start of training
            self.from_daily.bias[:hidden].fill_(1.5)
        self.register_buffer("identity", torch.eye(hidden), persistent=False)
        self.memory_size = 2 * hidden

    def forward(self, daily: Tensor, static_embedding: Tensor) -> Tensor:
        """(B, T, X), (B, E) -> (B, T, H)."""
        h, c = self.start(static_embedding).unsqueeze(0).chunk(2, 2)
        inputs = with_static_embedding(daily, self.input_gate(static_embedding))
        start = [h.contiguous(), c.contiguous()]
        return torch.lstm(inputs, start, list(self.lstm_weights()), True, 1, 0.0, self.training, False, True)[0]

    @torch.jit.export
    def start(self, static_embedding: Tensor) -> Tensor:
        """(N, E) -> (N, 2 H)."""
        return torch.tanh(self.initial(static_embedding))

    @torch.jit.export
    def advance(self, daily: Tensor, static_embedding: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """(N, X), (N, E), (N, 2 H) -> hidden (N, H), memory."""
        h, c = memory.chunk(2, 1)
        of_inputs, of_hidden, input_bias, hidden_bias = self.lstm_weights()
        inputs = torch.cat([daily, self.input_gate(static_embedding)], dim=1)
        h, c = torch.lstm_cell(inputs, [h, c], of_inputs, of_hidden, input_bias, hidden_bias)
        return h, torch.cat([h, c], dim=1)

    def lstm_weights(self) -> LSTMWeights:
        """Those of an LSTM whose inputs are the daily ones and the static gate."""
        daily, hidden, bias = self.from_daily.weight, self.from_hidden.weight, self.from_daily.bias
        zeros = torch.zeros_like(self.identity)
        input_gate = torch.cat([torch.zeros_like(daily[: len(zeros)]), self.identity], dim=1)
        other_gates = torch.cat([daily, torch.zeros_like(hidden)], dim=1)
        biases = torch.cat([torch.zeros_like(bias[: len(zeros)]), bias])
        return LSTMWeights(
            torch.cat([input_gate, other_gates]), torch.cat([zeros, hidden]), biases, torch.zeros_like(biases)
        )
