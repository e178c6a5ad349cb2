"""The GRU (Cho et al. 2014, arXiv 1406.1078) in the place of the LSTM: one gate and one state fewer."""

from typing import Any, Literal

import torch
from torch import Tensor, nn

from emulator.data.scalers import Scalers
from emulator.data.signature import Signature
from emulator.models.parts.baseline import Baseline, BaselineConfig, with_still


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
    """One GRU layer; memory: h (H), which starts from the statics. Gates are in torch's order: reset, update, new."""

    full_precision = True

    def __init__(self, daily: int, still: int, hidden: int) -> None:
        super().__init__()
        self.initial = nn.Linear(still, hidden)
        self.from_inputs = nn.Linear(daily + still, 3 * hidden)
        self.from_hidden = nn.Linear(hidden, 3 * hidden)
        nn.init.orthogonal_(self.from_hidden.weight)
        with torch.no_grad():  # remember by default: the update gate keeps h at the start of training
            self.from_inputs.bias[hidden : 2 * hidden].fill_(1.5)
            self.from_hidden.bias.zero_()
        self.memory_size = hidden

    def forward(self, daily: Tensor, still: Tensor) -> Tensor:
        """(B, T, X), (B, S) -> (B, T, H)."""
        gates = self.from_inputs(with_still(daily, still).transpose(0, 1))
        weight, bias = self.from_hidden.weight, self.from_hidden.bias
        if torch.jit.is_scripting():
            states = run_gru(gates, self.start(still), weight, bias)[0]
        else:
            states = RunGRU.apply(gates, self.start(still), weight, bias)
        return states.transpose(0, 1)

    @torch.jit.export
    def start(self, still: Tensor) -> Tensor:
        """(N, S) -> (N, H)."""
        return torch.tanh(self.initial(still))

    @torch.jit.export
    def advance(self, daily: Tensor, still: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """(N, X), (N, S), (N, H) -> hidden (N, H), memory."""
        gates = self.from_inputs(torch.cat([daily, still], dim=1)).unsqueeze(0)
        h = run_gru(gates, memory, self.from_hidden.weight, self.from_hidden.bias)[0][0]
        return h, h


def run_gru(gates: Tensor, h: Tensor, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """All days of a GRU. gates: (T, B, 3 H) what the inputs give to the gates; h: (B, H); weight: (3 H, H).

    Returns states, new gate, and what h gives to the new gate (T, B, H); reset and update gates (T, B, 2 H).
    """
    hidden = h.shape[1]
    states, switches, new, recurrent = [], [], [], []
    from_reset_update, from_new = gates[..., : 2 * hidden].unbind(0), gates[..., 2 * hidden :].unbind(0)
    transposed = weight.t()
    for day in range(gates.shape[0]):
        own, own_new = torch.addmm(bias, h, transposed).split([2 * hidden, hidden], 1)
        switch = torch.sigmoid(from_reset_update[day] + own)
        reset, update = switch.chunk(2, 1)
        candidate = torch.tanh(torch.addcmul(from_new[day], reset, own_new))
        h = torch.lerp(candidate, h, update)
        states.append(h)
        switches.append(switch)
        new.append(candidate)
        recurrent.append(own_new)
    return torch.stack(states), torch.stack(new), torch.stack(recurrent), torch.stack(switches)


class RunGRU(torch.autograd.Function):
    """`run_gru` with the gradient written out: torch's own GRU takes four times as long as its LSTM on a CPU."""

    @staticmethod
    def forward(context: Any, gates: Tensor, h: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """The states (T, B, H)."""
        states, new, recurrent, switches = run_gru(gates, h, weight, bias)
        context.save_for_backward(torch.cat([h.unsqueeze(0), states[:-1]]), new, recurrent, switches, weight)
        return states

    @staticmethod
    def backward(context: Any, *upstream: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Gradients of the four arguments; upstream: (T, B, H)."""
        before, new, recurrent, switches, weight = context.saved_tensors
        hidden = new.shape[2]
        reset, update = switches.chunk(2, 2)
        # d h / d (what enters each gate), and how the gradient of the new gate reaches the reset gate
        to_new = (1.0 - update) * (1.0 - new * new)
        to_update = (before - new) * update * (1.0 - update)
        to_reset = to_new * recurrent * reset * (1.0 - reset)
        slopes = torch.cat([to_reset, to_update, to_new * reset], dim=2).view(*new.shape[:2], 3, hidden)
        from_hidden = torch.empty_like(slopes)
        grads = torch.empty_like(new)
        grad = torch.zeros_like(new[0])
        days = zip(upstream[0].unbind(0), slopes.unbind(0), update.unbind(0), from_hidden, grads, strict=True)
        for outer, slope, keep, out, total in reversed(list(days)):
            torch.add(grad, outer, out=total)
            torch.mul(total.unsqueeze(1), slope, out=out)
            grad = torch.addmm(total * keep, out.view(-1, 3 * hidden), weight)
        from_hidden = from_hidden.flatten(2)
        from_gates = torch.cat([from_hidden[..., : 2 * hidden], grads * to_new], dim=2)
        flat = from_hidden.flatten(0, 1)
        return from_gates, grad, flat.t() @ before.flatten(0, 1), flat.sum(0)
