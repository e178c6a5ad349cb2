"""Training on several processes that each have a share of every batch, started by torchrun.

The processes together do what one process does with the whole batch: predictions and targets of all shares are
gathered, every process computes the loss of the whole batch, and differentiates it by its own share alone; the sum of
the gradients over the processes is then the gradient of the whole batch, whatever the loss is made of. Alone, every
function here does nothing. Random masks (dropout, past flux that is hidden in training) are drawn by each process.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

TIMEOUT = timedelta(minutes=10)
"""A process that hears nothing from the others for so long ends with an error."""
_apart = False


@contextmanager
def joined() -> Iterator[None]:
    """Join the processes that torchrun started with this one, if any: gloo for CPU tensors, NCCL for those of GPUs."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or dist.is_initialized():
        yield
        return
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    dist.init_process_group(backend, timeout=TIMEOUT)
    try:
        yield
    finally:
        dist.destroy_process_group()


@contextmanager
def apart() -> Iterator[None]:
    """Within the context `gather_rows` leaves rows with their process: for what processes do not do in step."""
    global _apart  # noqa: PLW0603 - a state of the process, as the group of torch.distributed is
    former, _apart = _apart, True
    try:
        yield
    finally:
        _apart = former


def rank() -> int:
    """Number of this process, 0 to world_size() - 1; process 0 writes files."""
    return dist.get_rank() if _together() else 0


def world_size() -> int:
    """Number of processes."""
    return dist.get_world_size() if _together() else 1


def barrier() -> None:
    """Wait until all processes are here."""
    if _together():
        dist.barrier()


def choose_device(name: str) -> torch.device:
    """`auto`: the GPU of this process, if there is one; ValueError where `cuda` is asked for in vain."""
    if name == "cuda" and not torch.cuda.is_available():
        message = "training.device is cuda, but torch finds no GPU; use cpu or auto"
        raise ValueError(message)
    if name == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())
    torch.cuda.set_device(device)
    return device


def gather_rows(rows: Tensor) -> Tensor:
    """Rows (B_own, ...) of all processes, in order of rank: (B, ...). Gradients flow to the own rows only."""
    if _apart or not _together():
        return rows
    count = torch.tensor([len(rows)], device=rows.device)
    counts = [torch.zeros_like(count) for _ in range(world_size())]
    dist.all_gather(counts, count)
    sizes = [int(size) for size in counts]
    padded = rows.new_zeros((max(sizes), *rows.shape[1:]))
    padded[: len(rows)] = rows.detach()
    parts = [torch.empty_like(padded) for _ in sizes]
    dist.all_gather(parts, padded)
    parts = [part[:size] for part, size in zip(parts, sizes, strict=True)]
    parts[rank()] = rows
    return torch.cat(parts)


def sum_gradients(parameters: Iterable[nn.Parameter], stop: int = 0) -> int:
    """Add the gradients of all processes up, in place, and agree on a signal: the largest `stop` of all is returned.

    A parameter without a gradient on every process keeps none.
    """
    if not _together():
        return stop
    parameters = list(parameters)
    device = parameters[0].device
    stops = torch.zeros(world_size(), device=device)
    stops[rank()] = stop
    has = torch.tensor([float(p.grad is not None) for p in parameters], device=device)
    flat = [(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in parameters]
    total = torch.cat([stops, has, *flat])
    dist.all_reduce(total)
    stops, has, flat = total.split([len(stops), len(has), total.numel() - len(stops) - len(has)])
    used = has.tolist()
    for parameter, present, gradient in zip(parameters, used, flat.split([p.numel() for p in parameters]), strict=True):
        parameter.grad = gradient.view_as(parameter).clone() if present else None
    return int(stops.max())


def agree(stop: int) -> int:
    """The largest value of all processes."""
    if not _together():
        return stop
    value = torch.tensor(stop)
    dist.all_reduce(value, dist.ReduceOp.MAX)
    return int(value)


def total(values: list[float]) -> list[float]:
    """Sums over processes, the same to the last bit on each."""
    if not _together():
        return values
    wide = torch.tensor(values, dtype=torch.float64)
    dist.all_reduce(wide)
    dist.broadcast(wide, 0)
    return wide.tolist()


def gather_objects(value: Any) -> list[Any]:
    """A small object of each process, in order of rank."""
    if not _together():
        return [value]
    values: list[Any] = [None] * world_size()
    dist.all_gather_object(values, value)
    return values


def gather_states(state: Tensor) -> list[Tensor]:
    """A CPU tensor of the same shape of each process."""
    if not _together():
        return [state]
    states = [torch.empty_like(state) for _ in range(world_size())]
    dist.all_gather(states, state)
    return states


def _together() -> bool:
    return dist.is_available() and dist.is_initialized()
