"""Cores of several layers, each with a memory of past days, that run one after another."""

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn


class LayeredCore(nn.Module):
    """An embedding of the inputs, layers, and a tanh; memory: that of the layers, 0 before the first day.

    A subclass sets `layers`, whose members take a day by `advance(today (N, H), past (N, ...))`, and `layout`, the size
    of the memory of each, and defines `forward`.
    """

    if TYPE_CHECKING:  # TorchScript takes no annotations of submodules
        layers: Any

    layout: list[int]
    memory_size: int

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.embed = nn.Linear(inputs, hidden)

    def forward(self, daily: Tensor, static_embedding: Tensor) -> Tensor:
        """(B, T, X), (B, E) -> (B, T, H)."""
        raise NotImplementedError

    @torch.jit.export
    def start(self, static_embedding: Tensor) -> Tensor:
        """(N, E) -> (N, memory_size)."""
        return torch.zeros(
            [static_embedding.shape[0], self.memory_size], dtype=static_embedding.dtype, device=static_embedding.device
        )

    @torch.jit.export
    def advance(self, daily: Tensor, static_embedding: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """(N, X), (N, E), (N, memory_size) -> hidden (N, H), memory."""
        today, memories = self.embed(torch.cat([daily, static_embedding], dim=1)), []
        memory_of_layer = memory.split(self.layout, 1)
        for index, layer in enumerate(self.layers):
            today, past = layer.advance(today, memory_of_layer[index])
            memories.append(past)
        return torch.tanh(today), torch.cat(memories, dim=1)
