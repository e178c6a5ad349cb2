"""The same numbers on every run with the same number of threads."""

import os

import torch

from emulator.runs import allocator


def make_deterministic(threads: int) -> None:
    """Make torch give the same numbers on every run with the same number of threads."""
    torch.set_num_threads(threads)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS reads it when it starts
    torch.use_deterministic_algorithms(True, warn_only=torch.cuda.is_available())  # CUDA lacks some operations
    # a debugging aid that costs a sixth of the time
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    allocator.keep_freed_memory()
