"""States of the random generators of all processes, which checkpoints carry."""

from typing import Any

import torch

from emulator.data import processes as parallel


def collect() -> dict[str, Any]:
    """States of torch's generators, one of each process. Batches need none: they follow from seed and epoch."""
    states = {"torch": torch.get_rng_state(), "processes": parallel.gather_states(torch.get_rng_state())}
    if torch.cuda.is_initialized():
        states["cuda"] = parallel.gather_states(torch.cuda.get_rng_state())
    return states


def restore(states: dict[str, Any]) -> None:
    """Set the generators to their saved states. A process more than there were gets a state of its own."""
    saved = states.get("processes", [states["torch"]])
    rank = parallel.rank()
    if rank < len(saved):
        torch.set_rng_state(saved[rank])
    else:
        torch.set_rng_state(saved[0])
        torch.manual_seed(int(torch.randint(2**31, ())) + rank)
    if torch.cuda.is_initialized() and rank < len(states.get("cuda", [])):
        torch.cuda.set_rng_state(states["cuda"][rank])
