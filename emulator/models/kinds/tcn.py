"""TCN (Bai et al. 2018, arXiv 1803.01271): causal convolutions over days whose taps lie ever further apart."""

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from emulator.data.scalers import Scalers
from emulator.data.signature import Signature
from emulator.models.parts.baseline import Baseline, BaselineConfig, with_static_embedding
from emulator.models.parts.layered import LayeredCore


class TCNConfig(BaselineConfig):
    """Options of the TCN. A prediction sees 1 + (kernel - 1) * sum(dilations) days, its own among them."""

    label: ClassVar[str] = "TCN"
    kind: Literal["tcn"] = "tcn"
    kernel: int = Field(default=5, ge=2)
    dilations: tuple[int, ...] = Field(default=(1, 4, 16, 64), min_length=1)

    def build(self, signature: Signature, scalers: Scalers) -> "TCNModel":
        return TCNModel(self, signature, scalers)


class TCNModel(Baseline):
    """See Baseline."""

    def __init__(self, config: TCNConfig, signature: Signature, scalers: Scalers) -> None:
        super().__init__(config, signature, scalers)
        self.core = TCNCore(self.daily_size, self.static_size, config.hidden, config.kernel, config.dilations)
        self.set_layout()


class TCNCore(LayeredCore):
    """Residual layers of one convolution each, and a tanh; memory: the past days that the taps of each layer
    still need, 0 before the first day.
    """

    def __init__(self, daily_size: int, static_size: int, hidden: int, kernel: int, dilations: tuple[int, ...]) -> None:
        super().__init__(daily_size + static_size, hidden)
        self.layers = nn.ModuleList(CausalConvolution(hidden, kernel, dilation) for dilation in dilations)
        self.layout = [hidden * (kernel - 1) * dilation for dilation in dilations]
        self.memory_size = sum(self.layout)

    def forward(self, daily: Tensor, static_embedding: Tensor) -> Tensor:
        """(B, T, X), (B, E) -> (B, T, H)."""
        series = self.embed(with_static_embedding(daily, static_embedding)).transpose(1, 2)
        for layer in self.layers:
            series = layer(series)
        return torch.tanh(series.transpose(1, 2))


class CausalConvolution(nn.Module):
    """x + ReLU(convolution of x with `kernel` taps, `dilation` days apart, the last of them today)."""

    def __init__(self, hidden: int, kernel: int, dilation: int) -> None:
        super().__init__()
        self.reach = (kernel - 1) * dilation
        self.taps = nn.Conv1d(hidden, hidden, kernel, dilation=dilation)

    def forward(self, series: Tensor) -> Tensor:
        """(B, H, T) -> (B, H, T)."""
        return series + torch.relu(self.taps(nn.functional.pad(series, (self.reach, 0))))

    @torch.jit.export
    def advance(self, today: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        """today: (N, H); past: (N, H * reach) -> (N, H), past of tomorrow."""
        days = torch.cat([past.reshape(today.shape[0], -1, self.reach), today.unsqueeze(2)], dim=2)
        return today + torch.relu(self.taps(days)[:, :, 0]), days[:, :, 1:].flatten(1)
