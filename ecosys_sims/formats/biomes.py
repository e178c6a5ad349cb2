"""The site classes of docs/formats.md: flags, names, and what is typical of each."""

from dataclasses import dataclass

import numpy as np

from foundations.variables import BIOMES as NAMES
from foundations.variables import wetland_classes


@dataclass(frozen=True)
class Biome:
    """One site class."""

    name: str
    flag: int
    wetland: bool
    ph: float  # typical soil or peat pH


TYPICAL_PH = {
    "bog": 4.3, "fen": 5.8, "marsh": 6.6, "swamp": 5.2, "wet_tundra": 5.5, "rice": 6.3, "boreal_forest": 5.0,
    "temperate_forest": 5.6, "tropical_forest": 4.9, "grassland": 6.6, "shrubland": 7.2, "tundra": 5.4, "cropland": 6.5,
}  # fmt: skip
BIOMES: tuple[Biome, ...] = tuple(
    Biome(name, flag, flag in wetland_classes(), TYPICAL_PH[name]) for flag, name in NAMES.items()
)
BY_NAME: dict[str, Biome] = {biome.name: biome for biome in BIOMES}
BY_FLAG: dict[int, Biome] = {biome.flag: biome for biome in BIOMES}
FLAG_VALUES = np.array([biome.flag for biome in BIOMES], dtype=np.int32)
FLAG_MEANINGS = " ".join(biome.name for biome in BIOMES)


def is_wetland(flags: np.ndarray) -> np.ndarray:
    """Whether each biome flag (N,) is a wetland's."""
    return np.isin(flags, [biome.flag for biome in BIOMES if biome.wetland])
