"""Series of many sites: in memory, or, where they are large, in a file without a name that is paged in as it is read.

Statistics over all sites and days are made in blocks of sites, so that none of them needs another array of that size.
"""

import math
import os
import tempfile
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

IN_MEMORY_GB = 0.5
"""Series up to this size are kept in memory; ECOSTEP_IN_MEMORY_GB sets another, TMPDIR the folder of larger ones."""
AT_ONCE_VALUES = 1 << 23
"""Up to so many values of a variable, all sites are looked at together."""
BLOCK_VALUES = 1 << 19
"""Values of a variable that are looked at together otherwise: 4 MiB in double precision."""


def new_series(sites: int, days: int, variables: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """An array (N, T, V) to be filled; its file, where it has one, is gone when the process ends."""
    limit = float(os.environ.get("ECOSTEP_IN_MEMORY_GB", IN_MEMORY_GB)) * 1e9
    shape = (sites, days, variables)
    if 4.0 * math.prod(shape) <= limit:
        return torch.empty(shape, dtype=dtype)
    return _mapped(shape, dtype)


def marks(sites: int, days: int, of: Callable[[slice], Tensor]) -> Tensor:
    """Marks (N, T) of days, bool or codes of a byte, by a function that makes those of a block of sites."""
    made = None
    for rows in site_blocks(sites, days):
        block = of(rows)
        if made is None:
            if len(block) == sites:
                return block
            made = _mapped((sites, days, 1), block.dtype)[..., 0]
        made[rows] = block
    return torch.zeros(sites, days, dtype=torch.bool) if made is None else made


def marked_days(*masks: Tensor) -> Tensor:
    """Number of days of each site, (N,), that all masks (N, T) mark."""
    count = torch.zeros(len(masks[0]), dtype=torch.int64)
    for rows in site_blocks(*masks[0].shape):
        shared = masks[0][rows]
        for mask in masks[1:]:
            shared = shared & mask[rows]
        count[rows] = shared.sum(1)
    return count


def both(first: Tensor, second: Tensor) -> Tensor:
    """Days that both masks (N, T) mark, (N, T)."""
    sites, days = first.shape
    return marks(sites, days, lambda rows: first[rows] & second[rows])


def either(*masks: Tensor) -> Tensor:
    """Days that any of the masks (N, T) marks, (N, T)."""

    def block(rows: slice) -> Tensor:
        together = masks[0][rows].clone()
        for mask in masks[1:]:
            together |= mask[rows]
        return together

    sites, days = masks[0].shape
    return marks(sites, days, block)


def _mapped(shape: tuple[int, int, int], dtype: torch.dtype) -> Tensor:
    """An array in a file without a name."""
    with tempfile.TemporaryFile(prefix="ecostep_") as file:  # the mapping keeps the file after it is closed
        mapped = np.memmap(file, np.uint8, mode="w+", shape=(*shape[:2], shape[2] * dtype.itemsize))
        return torch.from_numpy(mapped).view(dtype)


def site_blocks(sites: int, days: int) -> Iterator[slice]:
    """Consecutive blocks of sites, as large as BLOCK_VALUES allows; one block for small data."""
    rows = max(1, sites) if sites * days <= AT_ONCE_VALUES else max(1, BLOCK_VALUES // days)
    for first in range(0, sites, rows):
        yield slice(first, min(first + rows, sites))


class Moments:
    """Mean and deviation of values that come in blocks, in double precision, by the pairwise update of Chan, Golub and
    LeVeque (1983), The American Statistician 37, 242-247.
    """

    def __init__(self) -> None:
        self.count, self.mean, self._squares = 0, 0.0, 0.0

    def add(self, values: Tensor) -> None:
        """Values of any shape, all finite."""
        added = values.numel()
        if not added:
            return
        wide = values.double()
        mean = float(wide.mean())
        away, self.count = mean - self.mean, self.count + added
        self._squares += float((wide - mean).square().sum()) + away * away * added * (1.0 - added / self.count)
        self.mean += away * added / self.count

    @property
    def deviation(self) -> float:
        """Population standard deviation; NaN without values."""
        return math.sqrt(self._squares / self.count) if self.count else math.nan


def has_values(series: Tensor) -> Tensor:
    """Days of (N, T, V) on which any variable has a value, (N, T) bool."""
    sites, days = series.shape[:2]
    return marks(sites, days, lambda rows: torch.isfinite(series[rows]).any(-1))
