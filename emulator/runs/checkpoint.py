"""Checkpoints: one file with everything a run needs to go on as if it had never stopped."""

import json
import pickle
import zipfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from foundations import atomic_file

FORMAT_VERSION = 1


class CheckpointError(ValueError):
    """A checkpoint that cannot be used; the message names the file and what to do."""


@dataclass
class Progress:
    """How far training has come. `batch` counts the finished batches of the present epoch, `epoch`."""

    epoch: int = 0
    batch: int = 0
    loss_sum: float = 0.0
    seconds: float = 0.0
    best_epoch: int = -1
    best_val_loss: float = float("inf")


@dataclass
class Checkpoint:
    """State of a run. `description`, plain containers, is what rebuilds and exports the model without data."""

    model: dict[str, Tensor]
    description: dict[str, Any]
    progress: Progress
    average: dict[str, Tensor] = field(default_factory=dict)
    optimizer: dict[str, Any] = field(default_factory=dict)
    scheduler: dict[str, Any] = field(default_factory=dict)
    random_states: dict[str, Any] = field(default_factory=dict)
    git_hash: str = "unknown"
    config_hash: str = ""


def save(path: str | Path, checkpoint: Checkpoint) -> None:
    """Write atomically: a kill at any moment leaves the former file or the new one."""
    content = {
        "format_version": FORMAT_VERSION,
        "model": _on_cpu(checkpoint.model),
        "description": json.dumps(checkpoint.description),
        "progress": asdict(checkpoint.progress),
        "average": _on_cpu(checkpoint.average),
        "optimizer": _on_cpu(checkpoint.optimizer),
        "scheduler": checkpoint.scheduler,
        "random_states": checkpoint.random_states,
        "git_hash": checkpoint.git_hash,
        "config_hash": checkpoint.config_hash,
    }
    with atomic_file.replacing(path) as temporary:
        torch.save(content, temporary)


def load(path: str | Path) -> Checkpoint:
    """Read a checkpoint; only tensors and plain containers are unpickled (`weights_only`)."""
    path = Path(path)
    if not path.is_file():
        message = f"{path}: no such checkpoint; train first: python -m emulator.train CONFIG --out RUN"
        raise CheckpointError(message)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, zipfile.BadZipFile, RuntimeError, EOFError, KeyError) as error:
        cause = (str(error) or "the file ends early").splitlines()[0]
        message = f"{path}: not a readable checkpoint: {cause}"
        raise CheckpointError(message) from None
    if not isinstance(content, dict) or "format_version" not in content:
        message = f"{path}: not an ecostep checkpoint"
        raise CheckpointError(message)
    version = content.pop("format_version")
    if version != FORMAT_VERSION:
        message = f"{path}: checkpoint format version {version}, this ecostep reads {FORMAT_VERSION}; train again"
        raise CheckpointError(message)
    content["description"] = json.loads(content["description"])
    content["progress"] = Progress(**content["progress"])
    return Checkpoint(**content)


def load_weights(model: nn.Module, state: dict[str, Tensor]) -> None:
    """Load saved weights. Buffers whose size depends on data, such as a retrieval memory, take the saved shape."""
    for name, buffer in list(model.named_buffers()):
        if name in state and state[name].shape != buffer.shape:
            module_name, _, buffer_name = name.rpartition(".")
            setattr(model.get_submodule(module_name), buffer_name, torch.empty_like(state[name], device=buffer.device))
    model.load_state_dict(state)


def _on_cpu(state: Any) -> Any:
    """The same containers with tensors that any machine can load."""
    if isinstance(state, Tensor):
        return state.detach().cpu()
    if isinstance(state, dict):
        return {key: _on_cpu(value) for key, value in state.items()}
    return [_on_cpu(value) for value in state] if isinstance(state, list) else state
