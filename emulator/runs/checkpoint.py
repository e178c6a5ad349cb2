"""Checkpoints: one file with everything a run needs to go on as if it had never stopped."""

import io
import json
import pickle
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from foundations.bounded_text import json_value
from foundations import atomic_file
from foundations.file_faults import check_archive, explain

FORMAT_VERSION = 1
REMEDY = "restore it from a copy, or train again with --overwrite"


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
    """State of a run. `description`, plain containers, is what rebuilds and exports the model without data;
    `adversary`, weights of a network that it is trained against.
    """

    model: dict[str, Tensor]
    description: dict[str, Any]
    progress: Progress
    average: dict[str, Tensor] = field(default_factory=dict)
    optimizer: dict[str, Any] = field(default_factory=dict)
    scheduler: dict[str, Any] = field(default_factory=dict)
    random_states: dict[str, Any] = field(default_factory=dict)
    git_hash: str = "unknown"
    config_hash: str = ""
    adversary: dict[str, Tensor] = field(default_factory=dict)


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
    if checkpoint.adversary:
        content["adversary"] = _on_cpu(checkpoint.adversary)
    save_tensors(path, content)


def save_tensors(path: str | Path, content: dict[str, Any]) -> None:
    """Write tensors and plain containers atomically, as an archive that holds a CRC of each entry."""
    archive = io.BytesIO()
    torch.save(content, archive)
    atomic_file.write_bytes(path, archive.getbuffer())


def load_tensors(path: Path, what: str, remedy: str) -> dict[str, Any]:
    """Read what `save_tensors` wrote; CheckpointError where a byte is not as it was written, or it is no `what`.

    Only tensors and plain containers are unpickled (`weights_only`).
    """
    try:
        entries = check_archive(path, remedy)
        if "constants.pkl" in entries:
            message = f"{path}: an exported artefact (TorchScript), no {what}; {remedy}"
            raise CheckpointError(message)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise CheckpointError(explain(error)) from None
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, ValueError, TypeError, AttributeError) as error:
        if isinstance(error, CheckpointError):
            raise
        message = f"{path}: not a readable {what}; {remedy}"  # the library's words advise to run code from the file
        raise CheckpointError(message) from None
    if not isinstance(content, dict) or "format_version" not in content:
        message = f"{path}: not an ecostep {what}; {remedy}"
        raise CheckpointError(message)
    return content


def load(path: str | Path) -> Checkpoint:
    """Read a checkpoint; CheckpointError names the file where it is damaged, cut short or of another kind."""
    path = Path(path)
    if not path.is_file():
        message = f"{path}: no such checkpoint; train first: python -m emulator.train CONFIG --out RUN"
        raise CheckpointError(message)
    content = load_tensors(path, "checkpoint", REMEDY)
    version = content.pop("format_version")
    if version != FORMAT_VERSION:
        message = f"{path}: checkpoint format version {version}, this ecostep reads {FORMAT_VERSION}; train again"
        raise CheckpointError(message)
    try:
        content["description"] = json_value(content["description"])
        content["progress"] = Progress(**content["progress"])
        return Checkpoint(**content)
    except (KeyError, TypeError, ValueError):
        message = f"{path}: not a checkpoint of this ecostep: its entries are others; {REMEDY}"
        raise CheckpointError(message) from None


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
