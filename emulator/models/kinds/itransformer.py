"""A model in the style of the iTransformer (Liu et al. 2024, arXiv 2310.06625): attention across variables, not days.

The past weeks of each variable are one token. In the paper tokens forecast several steps of their own variable; here
they give a context for the next days, and each day is decoded from that context and its own drivers.
"""

from typing import ClassVar, Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from emulator.data.scalers import Scalers
from emulator.data.signature import Signature
from emulator.models.parts.baseline import Baseline, BaselineConfig, with_static_embedding
from emulator.models.parts.layers import mlp


class ITransformerConfig(BaselineConfig):
    """Options: tokens see `window` days, and their context is renewed every `horizon` days."""

    label: ClassVar[str] = "iTransformer"
    kind: Literal["itransformer"] = "itransformer"
    window: int = Field(default=60, ge=1)
    horizon: int = Field(default=7, ge=1)
    token_size: int = Field(default=16, ge=1)
    heads: int = Field(default=2, ge=1)
    layers: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _heads_divide_tokens(self) -> Self:
        if self.token_size % self.heads:
            message = f"token_size ({self.token_size}) is not a multiple of heads ({self.heads})"
            raise ValueError(message)
        if self.window < self.horizon:
            message = f"window ({self.window}) is shorter than horizon ({self.horizon})"
            raise ValueError(message)
        return self

    def build(self, signature: Signature, scalers: Scalers) -> "ITransformerModel":
        return ITransformerModel(self, signature, scalers)


class ITransformerModel(Baseline):
    """See Baseline."""

    def __init__(self, config: ITransformerConfig, signature: Signature, scalers: Scalers) -> None:
        super().__init__(config, signature, scalers)
        variables = self.drivers.size + 2  # the season is one, too; past flux is not, it has no weather in it
        self.core = ITransformerCore(variables, self.daily_size, self.static_size, config)
        self.set_layout()


class ITransformerCore(nn.Module):
    """The first `variables` of the daily inputs are tokens. Memory: days until the context is renewed (1), context (H),
    the past `window` days of the variables, 0 before the first day.
    """

    def __init__(self, variables: int, daily_size: int, static_size: int, config: ITransformerConfig) -> None:
        super().__init__()
        self.variables = variables
        token, hidden = config.token_size, config.hidden
        self.window, self.horizon = config.window, config.horizon
        self.embed = nn.Linear(self.window, token)
        self.variable = nn.Parameter(0.5 * torch.randn(variables, token))
        self.embed_still = nn.Linear(static_size, token)
        self.layers = nn.ModuleList(VariableLayer(token, config.heads) for _ in range(config.layers))
        self.summary = nn.Linear((variables + 1) * token, hidden)
        self.decode = mlp(daily_size + variables + static_size + hidden, hidden, hidden)
        self.layout = [1, hidden, self.window * variables]
        self.memory_size = sum(self.layout)

    def forward(self, daily: Tensor, static_embedding: Tensor) -> Tensor:
        """(B, T, X), (B, E) -> (B, T, H)."""
        days = daily.shape[1]
        padded = nn.functional.pad(daily[:, :, : self.variables], (0, 0, self.window, 0))
        past = padded[:, :-1].unfold(1, self.window, self.horizon)
        context = self.context(past, static_embedding.unsqueeze(1).expand(-1, past.shape[1], -1))
        context = context.unsqueeze(2).expand(-1, -1, self.horizon, -1).flatten(1, 2)[:, :days]
        recent = padded[:, self.window - self.horizon + 1 :].transpose(1, 2)
        recent = nn.functional.avg_pool1d(recent, self.horizon, 1).transpose(1, 2)
        return torch.tanh(
            self.decode(with_static_embedding(torch.cat([daily, recent, context], dim=2), static_embedding))
        )

    @torch.jit.export
    def start(self, static_embedding: Tensor) -> Tensor:
        """(N, E) -> (N, memory_size)."""
        return torch.zeros(
            [static_embedding.shape[0], self.memory_size], dtype=static_embedding.dtype, device=static_embedding.device
        )

    @torch.jit.export
    def advance(self, daily: Tensor, static_embedding: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """(N, X), (N, E), (N, memory_size) -> hidden (N, H), memory."""
        wait, context, past = memory.split(self.layout, 1)
        past = past.reshape(daily.shape[0], self.window, -1)
        due = wait < 0.5
        if bool(due.any()):
            context = torch.where(due, self.context(past.transpose(1, 2), static_embedding), context)
        wait = torch.where(due, torch.full_like(wait, self.horizon - 1.0), wait - 1.0)
        past = torch.cat([past[:, 1:], daily[:, : self.variables].unsqueeze(1)], dim=1)
        recent = past[:, self.window - self.horizon :].mean(1)
        hidden = torch.tanh(self.decode(torch.cat([daily, recent, context, static_embedding], dim=1)))
        return hidden, torch.cat([wait, context, past.flatten(1)], dim=1)

    def context(self, past: Tensor, static_embedding: Tensor) -> Tensor:
        """Past days of each variable (..., V, window) and static embedding (..., E) -> (..., H)."""
        tokens = torch.cat([self.embed(past) + self.variable, self.embed_still(static_embedding).unsqueeze(-2)], dim=-2)
        for layer in self.layers:
            tokens = layer(tokens)
        return torch.tanh(self.summary(tokens.flatten(-2)))


class VariableLayer(nn.Module):
    """x + attention across variables, then x + feed-forward, both of normalised x."""

    def __init__(self, token: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(token)
        self.query = nn.Linear(token, token)
        self.key_value = nn.Linear(token, 2 * token, bias=False)
        self.merge = nn.Linear(token, token)
        self.feed_forward = nn.Sequential(nn.LayerNorm(token), mlp(token, 2 * token, token))

    def forward(self, tokens: Tensor) -> Tensor:
        """(..., V, token) -> (..., V, token)."""
        normalised = self.norm(tokens).flatten(0, -3)
        queries = self.query(normalised).unflatten(2, [self.heads, -1]).transpose(1, 2)
        keys, values = self.key_value(normalised).unflatten(2, [2, self.heads, -1]).permute(2, 0, 3, 1, 4).unbind(0)
        attended = nn.functional.scaled_dot_product_attention(queries, keys, values)
        tokens = tokens + self.merge(attended.transpose(1, 2).reshape(tokens.shape))
        return tokens + self.feed_forward(tokens)
