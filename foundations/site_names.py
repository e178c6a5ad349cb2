"""Names of sites as netCDF stores them: strings, characters along a last dimension, or numbers."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def site_names(stored: NDArray) -> list[str]:
    """Names (N,) of strings (N,), of characters (N, length) or of whole numbers (N,); missing names are empty."""
    stored = np.ma.filled(stored, b"" if stored.dtype.kind == "S" else "") if stored.dtype.kind in "SU" else stored
    if stored.dtype.kind in "SU" and stored.ndim > 1:
        return [_text(row.tobytes() if stored.dtype.kind == "S" else "".join(row)) for row in stored]
    return [_text(name) for name in np.ma.asarray(stored).ravel().tolist()]


def _text(name: object) -> str:
    text = name.decode("utf-8", "replace") if isinstance(name, bytes) else "" if name is None else str(name)
    return text.split("\0")[0].strip()


def repeated_name(names: Sequence[str]) -> str | None:
    """The first name that is empty or that two sites have; None where every site has a name of its own."""
    earlier: set[str] = set()
    for name in names:
        if not name or name in earlier:
            return name
        earlier.add(name)
    return None
