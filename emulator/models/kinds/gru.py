"""The GRU (Cho et al. 2014, arXiv 1406.1078) in the place of the LSTM: one gate and one state fewer."""

from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from emulator.data.scalers import Scalers
from emulator.data.signature import Signature
from emulator.models.parts.baseline import Baseline, BaselineConfig, with_static_embedding


class GRUConfig(BaselineConfig):
    """Options of the GRU."""

    label: ClassVar[str] = "GRU"
    kind: Literal["gru"] = "gru"

    def build(self, signature: Signature, scalers: Scalers) -> "GRUModel":
        return GRUModel(self, signature, scalers)


class GRUModel(Baseline):
    """See Baseline."""

    def __init__(self, config: GRUConfig, signature: Signature, scalers: Scalers) -> None:
        super().__init__(config, signature, scalers)
        self.core = GRUCore(self.daily_size, self.static_size, config.hidden)
        self.set_layout()


class GRUCore(nn.Module):
    """One GRU layer; memory: h (H), which starts from the statics. Gates are in torch's order: reset, update, new."""

    full_precision = True

    def __init__(self, daily_size: int, static_size: int, hidden: int) -> None:
        super().__init__()
        self.initial = nn.Linear(static_size, hidden)
        self.from_inputs = nn.Linear(daily_size + static_size, 3 * hidden)
        self.from_hidden = nn.Linear(hidden, 3 * hidden)
        nn.init.orthogonal_(self.from_hidden.weight)
        with torch.no_grad():  # remember by default: the update gate keeps h at the start of training
            self.from_inputs.bias[hidden : 2 * hidden].fill_(1.5)
            self.from_hidden.bias.zero_()
        self.memory_size = hidden

    def forward(self, daily: Tensor, static_embedding: Tensor) -> Tensor:
        """(B, T, X), (B, E) -> (B, T, H)."""
        gates = self.from_inputs(with_static_embedding(daily, static_embedding).transpose(0, 1))
        weight, bias = self.from_hidden.weight, self.from_hidden.bias
        if torch.jit.is_scripting():
            states = run_gru(gates, self.start(static_embedding), weight, bias)[0]
        else:
            states = RunGRU.apply(gates, self.start(static_embedding), weight, bias)
        return states.transpose(0, 1)

    @torch.jit.export
    def start(self, static_embedding: Tensor) -> Tensor:
        """(N, E) -> (N, H)."""
        return torch.tanh(self.initial(static_embedding))

    @torch.jit.export
    def advance(self, daily: Tensor, static_embedding: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """(N, X), (N, E), (N, H) -> hidden (N, H), memory."""
        gates = self.from_inputs(torch.cat([daily, static_embedding], dim=1)).unsqueeze(0)
        h = run_gru(gates, memory, self.from_hidden.weight, self.from_hidden.bias)[0][0]
        return h, h


def run_gru(gates: Tensor, h: Tensor, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """All days of a GRU. gates: (T, B, 3 H) what the inputs give to the gates; h: (B, H); weight: (3 H, H).

        reset, update = sigmoid(gates + weight h + bias),    new = tanh(gates + reset (weight h + bias))
        h' = new + update (h - new)

    Returns states, new gate, and what h gives to the new gate (T, B, H); reset and update gates (T, B, 2 H).
    """
    hidden = h.shape[1]
    states, reset_update_gates, new_gates, recurrent_to_new = [], [], [], []
    from_reset_update, from_new = gates[..., : 2 * hidden].unbind(0), gates[..., 2 * hidden :].unbind(0)
    transposed = weight.t()
    for day in range(gates.shape[0]):
        recurrent, recurrent_new = torch.addmm(bias, h, transposed).split([2 * hidden, hidden], 1)
        reset_update = torch.sigmoid(from_reset_update[day] + recurrent)
        reset, update = reset_update.chunk(2, 1)
        new = torch.tanh(torch.addcmul(from_new[day], reset, recurrent_new))
        h = torch.lerp(new, h, update)
        states.append(h)
        reset_update_gates.append(reset_update)
        new_gates.append(new)
        recurrent_to_new.append(recurrent_new)
    return (
        torch.stack(states),
        torch.stack(new_gates),
        torch.stack(recurrent_to_new),
        torch.stack(reset_update_gates),
    )


class RunGRU(torch.autograd.Function):
    """`run_gru` with the gradient written out: torch's own GRU takes four times as long as its LSTM on a CPU."""

    @staticmethod
    def forward(context: Any, gates: Tensor, h: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """The states (T, B, H)."""
        states, new, recurrent, reset_update = run_gru(gates, h, weight, bias)
        context.save_for_backward(torch.cat([h.unsqueeze(0), states[:-1]]), new, recurrent, reset_update, weight)
        return states

    @staticmethod
    def backward(context: Any, *upstream: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Gradients of the four arguments; upstream: (T, B, H)."""
        previous, new, recurrent, reset_update, weight = context.saved_tensors
        hidden = new.shape[2]
        reset, update = reset_update.chunk(2, 2)
        # d h / d (what enters each gate), and how the gradient of the new gate reaches the reset gate
        to_new = (1.0 - update) * (1.0 - new * new)
        to_update = (previous - new) * update * (1.0 - update)
        to_reset = to_new * recurrent * reset * (1.0 - reset)
        slopes = torch.cat([to_reset, to_update, to_new * reset], dim=2).view(*new.shape[:2], 3, hidden)
        from_hidden = torch.empty_like(slopes)
        state_gradients = torch.empty_like(new)
        later_days = torch.zeros_like(new[0])
        days = zip(upstream[0].unbind(0), slopes.unbind(0), update.unbind(0), from_hidden, state_gradients, strict=True)
        for same_day, slope, day_update, gate_gradient, state_gradient in reversed(list(days)):
            torch.add(later_days, same_day, out=state_gradient)
            torch.mul(state_gradient.unsqueeze(1), slope, out=gate_gradient)
            later_days = torch.addmm(state_gradient * day_update, gate_gradient.view(-1, 3 * hidden), weight)
        from_hidden = from_hidden.flatten(2)
        from_gates = torch.cat([from_hidden[..., : 2 * hidden], state_gradients * to_new], dim=2)
        flat = from_hidden.flatten(0, 1)
        return from_gates, later_days, flat.t() @ previous.flatten(0, 1), flat.sum(0)
