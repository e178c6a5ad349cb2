"""Mixed precision: matrix products in bfloat16, all that accumulates in float32.

Weights, the optimiser, the loss and validation stay in float32, and so do recurrences, whose errors would add up over
thousands of days, and the layers of the head, whose output is a flux. A module whose class says `full_precision = True`
is left in float32 as well, as one that sums over days or solves equations should be. bfloat16 has the range of float32
and needs no loss scaling.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from emulator.models.parts.layers import FluxHead


def autocast(device: torch.device, precision: str) -> AbstractContextManager:
    """The context of a model's forward pass in training."""
    if precision == "float32":
        return nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16)


def keep_recurrences_in_float32(model: nn.Module, device: torch.device) -> None:
    """Make the modules named above leave autocast, with their inputs brought to float32."""
    for module in model.modules():
        if isinstance(module, FluxHead):  # some models call its methods one by one, which passes its own hooks by
            for layer in module.children():
                _exempt(layer, device.type)
        elif isinstance(module, nn.RNNBase | nn.RNNCellBase) or getattr(type(module), "full_precision", False):
            _exempt(module, device.type)


def _exempt(module: nn.Module, device: str) -> None:
    contexts: list[torch.autocast] = []

    def enter(_: nn.Module, arguments: tuple, keywords: dict[str, Any]) -> tuple[tuple, dict[str, Any]]:
        contexts.append(torch.autocast(device, enabled=False))
        contexts[-1].__enter__()
        return _apply(arguments), {name: _apply(value) for name, value in keywords.items()}

    def leave(*_: Any) -> None:
        contexts.pop().__exit__(None, None, None)

    module.register_forward_pre_hook(enter, with_kwargs=True)
    module.register_forward_hook(leave, always_call=True)


def _apply(value: Any, change: Callable[[Tensor], Tensor] = Tensor.float) -> Any:
    """Change the low-precision tensors in nested tuples and lists."""
    if isinstance(value, Tensor):
        return change(value) if value.dtype in (torch.bfloat16, torch.float16) else value
    if isinstance(value, tuple | list):
        return type(value)(_apply(item, change) for item in value)
    return value
