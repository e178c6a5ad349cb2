"""Independent, named random streams: a stream depends on the seed and its name only, never on who draws first."""

import zlib

import numpy as np


def stream(seed: int, name: str) -> np.random.Generator:
    """The generator of this name (Philox, counter-based: the same numbers on every machine)."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, zlib.crc32(name.encode())])))
