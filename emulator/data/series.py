"""Series of many sites: in memory, or, where they are large, in a file without a name that is paged in as it is read.

Statistics over all sites and days are made in blocks of sites, so that none of them needs another array of that size.
"""

import math
import os
import tempfile
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

IN_MEMORY_GB = 0.5
"""Series up to this size are kept in memory; ECOSTEP_IN_MEMORY_GB sets another, TMPDIR the folder of larger ones."""
AT_ONCE_VALUES = 1 << 23
"""Up to so many values of a variable, all sites are looked at together."""
BLOCK_VALUES = 1 << 21
"""Values of a variable that are looked at together otherwise: 16 MiB in double precision."""


def new_series(sites: int, days: int, variables: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """An array (N, T, V) to be filled; its file, where it has one, is gone when the process ends."""
    limit = float(os.environ.get("ECOSTEP_IN_MEMORY_GB", IN_MEMORY_GB)) * 1e9
    shape = (sites, days, variables)
    if dtype.itemsize * math.prod(shape) <= limit:
        return torch.empty(shape, dtype=dtype)
    with tempfile.TemporaryFile(prefix="ecostep_") as file:  # the mapping keeps the file after it is closed
        bytes_per_day = variables * dtype.itemsize
        mapped = np.memmap(file, np.uint8, mode="w+", shape=(sites, days, bytes_per_day))
        return torch.from_numpy(mapped).view(dtype)


def site_blocks(sites: int, days: int) -> Iterator[slice]:
    """Consecutive blocks of sites, as large as BLOCK_VALUES allows; one block for small data."""
    rows = max(1, sites) if sites * days <= AT_ONCE_VALUES else max(1, BLOCK_VALUES // days)
    for first in range(0, sites, rows):
        yield slice(first, min(first + rows, sites))


def has_values(series: Tensor) -> Tensor:
    """Days of (N, T, V) on which any variable has a value, (N, T) bool."""
    present = torch.empty(series.shape[:2], dtype=torch.bool)
    for rows in site_blocks(*series.shape[:2]):
        present[rows] = torch.isfinite(series[rows]).any(-1)
    return present
