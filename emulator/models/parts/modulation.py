"""Modulation: how context, such as the history of a site, changes the LSTM that decodes its days."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from emulator.models.parts.layers import mlp, shrink_output
from emulator.models.parts.state_row import field_sizes


class Modulation(NamedTuple):
    """What context does to an LSTM, each field (..., size): factors less 1 and shifts of its input (X) and output (H),
    a bias to its gates, and the weights (H rank) of the low-rank change of its output.
    """

    input_scale: Tensor
    input_shift: Tensor
    output_scale: Tensor
    output_shift: Tensor
    gate_bias: Tensor
    output_weights: Tensor


def modulation_of_days(modulation: Modulation, month: Tensor) -> Modulation:
    """Fields by month (M, B, size) -> by day (T, B, size); month: (T,) rows of the former."""
    return Modulation(
        modulation.input_scale.index_select(0, month),
        modulation.input_shift.index_select(0, month),
        modulation.output_scale.index_select(0, month),
        modulation.output_shift.index_select(0, month),
        modulation.gate_bias.index_select(0, month),
        modulation.output_weights.index_select(0, month),
    )


class MetaNetwork(nn.Module):
    """Context -> modulation of an LSTM: FiLM (Perez et al. 2018, arXiv 1709.07871) on its input and output, a bias to
    its gates, and a low-rank change of its output: a hypernetwork (Ha et al. 2016, arXiv 1609.09106) that writes
    H x rank weights, the other factor being shared by all sites.

        input' = input (1 + scale) + shift
        output' = output (1 + scale) + shift + tanh(weights (factor output))

    `film: False` leaves the bias only, so that the context is no more than an input.
    """

    def __init__(
        self,
        context: int,
        hidden: int,
        input_size: int,
        output_size: int,
        bias_size: int,
        *,
        film: bool = True,
        rank: int = 0,
    ) -> None:
        super().__init__()
        self.film, self.rank, self.output_size = film, rank if film else 0, output_size
        self.sizes = field_sizes(
            Modulation,
            input_scale=input_size if film else 0,
            input_shift=input_size if film else 0,
            output_scale=output_size if film else 0,
            output_shift=output_size if film else 0,
            gate_bias=bias_size,
            output_weights=output_size * self.rank,
        )
        self.size = sum(self.sizes)
        self.net = mlp(context, hidden, self.size)
        self.factor = nn.Linear(output_size, self.rank, bias=False) if self.rank else nn.Identity()
        shrink_output(self.net, 0.3)

    def forward(self, context: Tensor) -> Tensor:
        """(..., context) -> modulation in one piece, as state rows keep it, (..., size)."""
        return self.net(context)

    @torch.jit.export
    def fields(self, modulation: Tensor) -> Modulation:
        """Modulation (..., size) -> its fields, each a block of memory where there are series."""
        input_scale, input_shift, output_scale, output_shift, gate_bias, output_weights = modulation.split(
            self.sizes, -1
        )
        if modulation.dim() == 2:
            return Modulation(input_scale, input_shift, output_scale, output_shift, gate_bias, output_weights)
        return Modulation(
            input_scale.contiguous(),
            input_shift.contiguous(),
            output_scale.contiguous(),
            output_shift.contiguous(),
            gate_bias.contiguous(),
            output_weights.contiguous(),
        )

    @torch.jit.export
    def modulate_input(self, embedded: Tensor, modulation: Modulation) -> Tensor:
        """(..., input_size) -> (..., input_size)."""
        if not self.film:
            return embedded
        return embedded * (1.0 + modulation.input_scale) + modulation.input_shift

    @torch.jit.export
    def modulate_output(self, hidden: Tensor, modulation: Modulation) -> Tensor:
        """(..., output_size) -> (..., output_size)."""
        if not self.film:
            return hidden
        modulated = hidden * (1.0 + modulation.output_scale) + modulation.output_shift
        if self.rank > 0:
            weights = modulation.output_weights.unflatten(-1, [self.output_size, self.rank])
            modulated = modulated + torch.tanh((weights * self.factor(hidden).unsqueeze(-2)).sum(-1))
        return modulated
