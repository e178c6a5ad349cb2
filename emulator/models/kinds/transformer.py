"""A causal Transformer over days (Vaswani et al. 2017, arXiv 1706.03762), whose attention reaches back some months.

How far back a day lies enters as a penalty on its score, linear in the lag and of another slope for each head (ALiBi,
Press et al. 2022, arXiv 2108.12409), so that nothing depends on when the series began.
"""

from typing import ClassVar, Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from emulator.data.scalers import Scalers
from emulator.data.signature import Signature
from emulator.models.parts.baseline import Baseline, BaselineConfig, with_static_embedding
from emulator.models.parts.layered import LayeredCore
from emulator.models.parts.layers import mlp


class TransformerConfig(BaselineConfig):
    """Options of the Transformer. A prediction sees 1 + layers * (window - 1) days, its own among them."""

    label: ClassVar[str] = "Transformer"
    kind: Literal["transformer"] = "transformer"
    window: int = Field(default=90, ge=2)
    heads: int = Field(default=2, ge=1)
    layers: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _heads_divide_hidden(self) -> Self:
        if self.hidden % self.heads:
            message = f"hidden ({self.hidden}) is not a multiple of heads ({self.heads})"
            raise ValueError(message)
        return self

    def build(self, signature: Signature, scalers: Scalers) -> "TransformerModel":
        return TransformerModel(self, signature, scalers)


class TransformerModel(Baseline):
    """See Baseline."""

    def __init__(self, config: TransformerConfig, signature: Signature, scalers: Scalers) -> None:
        super().__init__(config, signature, scalers)
        sizes = self.daily_size, self.static_size, config.hidden
        self.core = TransformerCore(*sizes, config.window, config.heads, config.layers)
        self.set_layout()


class TransformerCore(LayeredCore):
    """Layers of attention and feed-forward, and a tanh; memory: keys and values of the last window - 1 days of each
    layer, 0 before the first day.
    """

    def __init__(self, daily_size: int, static_size: int, hidden: int, window: int, heads: int, layers: int) -> None:
        super().__init__(daily_size + static_size, hidden)
        self.layers = nn.ModuleList(CausalLayer(hidden, window, heads) for _ in range(layers))
        self.layout = [(window - 1) * 2 * hidden] * layers
        self.memory_size = sum(self.layout)

    def forward(self, daily: Tensor, static_embedding: Tensor) -> Tensor:
        """(B, T, X), (B, E) -> (B, T, H)."""
        series = self.embed(with_static_embedding(daily, static_embedding))
        for layer in self.layers:
            series = layer(series)
        return torch.tanh(series)


class CausalLayer(nn.Module):
    """x + attention over the last `window` days, then x + feed-forward, both of normalised x.

    Whole series are cut into blocks of `window` days; a block attends to itself and to the block before.
    """

    penalty: Tensor

    def __init__(self, hidden: int, window: int, heads: int) -> None:
        super().__init__()
        self.window, self.heads = window, heads
        self.norm = nn.LayerNorm(hidden)
        self.query = nn.Linear(hidden, hidden)
        self.key_value = nn.Linear(hidden, 2 * hidden, bias=False)
        self.merge = nn.Linear(hidden, hidden)
        self.feed_forward = nn.Sequential(nn.LayerNorm(hidden), mlp(hidden, 2 * hidden, hidden))
        lag = torch.arange(window).unsqueeze(1) - torch.arange(-window, window)
        slope = 2.0 ** (-8.0 * torch.arange(1, heads + 1) / heads)
        penalty = torch.where((lag >= 0) & (lag < window), -slope.view(-1, 1, 1) * lag, -torch.inf)
        self.register_buffer("penalty", penalty, persistent=False)

    def forward(self, series: Tensor) -> Tensor:
        """(B, T, H) -> (B, T, H)."""
        batch, days, hidden = series.shape
        blocks = (days - 1) // self.window + 1
        padding = blocks * self.window - days
        normalised = self.norm(series)
        queries = nn.functional.pad(self.query(normalised), (0, 0, 0, padding)).view(
            batch * blocks, self.window, hidden
        )
        past = nn.functional.pad(self.key_value(normalised), (0, 0, self.window, padding))
        shape = [batch, blocks, self.window, 2 * hidden]
        past = torch.cat([past[:, : -self.window].reshape(shape), past[:, self.window :].reshape(shape)], dim=2)
        attended = self.attend(queries, past.flatten(0, 1), self.penalty)
        series = series + self.merge(attended.reshape(batch, -1, hidden)[:, :days])
        return series + self.feed_forward(series)

    @torch.jit.export
    def advance(self, today: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        """today: (N, H); past: (N, (window - 1) * 2 H) -> (N, H), past of tomorrow."""
        normalised = self.norm(today)
        past = torch.cat([past, self.key_value(normalised)], dim=1).view(today.shape[0], self.window, -1)
        attended = self.attend(self.query(normalised).unsqueeze(1), past, self.penalty[:, -1:, self.window :])
        today = today + self.merge(attended.squeeze(1))
        return today + self.feed_forward(today), past[:, 1:].flatten(1)

    def attend(self, queries: Tensor, past: Tensor, penalty: Tensor) -> Tensor:
        """softmax(queries keys / sqrt(H / heads) + penalty) values, head by head.

        queries: (R, q, H); past: (R, k, 2 H) keys and values; penalty: (heads, q, k) -> (R, q, H).
        """
        queries = queries.unflatten(2, [self.heads, -1]).transpose(1, 2)
        keys, values = past.unflatten(2, [2, self.heads, -1]).permute(2, 0, 3, 1, 4).unbind(0)
        attended = nn.functional.scaled_dot_product_attention(queries, keys, values, attn_mask=penalty.unsqueeze(0))
        return attended.transpose(1, 2).flatten(2)
