"""Gathering the rows of a batch that several processes share, for losses that compare all of them."""

import torch
from torch import Tensor, distributed


def gather_rows(rows: Tensor) -> Tensor:
    """Rows (rows of this process, ...) of all processes, in order of rank: (B, ...).

    Gradients flow to the rows of this process only. Without several processes it gives `rows` itself.
    """
    if not (distributed.is_available() and distributed.is_initialized()):
        return rows
    processes = distributed.get_world_size()
    count = torch.tensor([len(rows)], device=rows.device)
    counts = [torch.zeros_like(count) for _ in range(processes)]
    distributed.all_gather(counts, count)
    sizes = [int(size) for size in counts]
    padded = rows.new_zeros((max(sizes), *rows.shape[1:]))
    padded[: len(rows)] = rows.detach()
    gathered = [torch.empty_like(padded) for _ in sizes]
    distributed.all_gather(gathered, padded)
    rows_by_rank = [part[:size] for part, size in zip(gathered, sizes, strict=True)]
    rows_by_rank[distributed.get_rank()] = rows
    return torch.cat(rows_by_rank)
