"""Cores of several layers, each with a memory of past days, that run one after another."""

import torch
from torch import Tensor, nn


class LayeredCore(nn.Module):
    """An embedding of the inputs, layers, and a tanh; memory: that of the layers, 0 before the first day.

    A subclass sets `layers`, whose members take a day by `advance(today (N, H), past (N, ...))`, and `layout`, the size
    of the memory of each, and defines `forward`.
    """

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.embed = nn.Linear(inputs, hidden)

    def forward(self, daily: Tensor, still: Tensor) -> Tensor:
        """(B, T, X), (B, S) -> (B, T, H)."""
        raise NotImplementedError

    @torch.jit.export
    def start(self, still: Tensor) -> Tensor:
        """(N, S) -> (N, memory_size)."""
        return torch.zeros([still.shape[0], self.memory_size], dtype=still.dtype, device=still.device)

    @torch.jit.export
    def advance(self, daily: Tensor, still: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """(N, X), (N, S), (N, memory_size) -> hidden (N, H), memory."""
        today, after, parts = self.embed(torch.cat([daily, still], dim=1)), [], memory.split(self.layout, 1)
        for index, layer in enumerate(self.layers):
            today, past = layer.advance(today, parts[index])
            after.append(past)
        return torch.tanh(today), torch.cat(after, dim=1)
