"""The site classes of docs/formats.md: flags, names, and where each is found."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Biome:
    """One site class and the climate in which it occurs (the ensemble's ranges, not nature's extremes)."""

    name: str
    flag: int
    wetland: bool
    weight: float  # share among the sites of its kind (wetland or upland), before normalisation
    abs_lat: tuple[float, float]  # degrees
    t_ann: tuple[float, float]  # annual mean air temperature, degC
    annual_precip: tuple[float, float]  # kg m-2 year-1
    ph: float  # typical soil or peat pH


BIOMES: tuple[Biome, ...] = (
    Biome("bog", 1, True, 0.20, (45, 68), (-6, 11), (350, 1600), 4.3),
    Biome("fen", 2, True, 0.24, (42, 70), (-8, 13), (300, 1500), 5.8),
    Biome("marsh", 3, True, 0.20, (15, 55), (5, 26), (400, 2200), 6.6),
    Biome("swamp", 4, True, 0.14, (0, 35), (14, 30), (900, 4000), 5.2),
    Biome("wet_tundra", 5, True, 0.14, (60, 76), (-16, -1), (120, 700), 5.5),
    Biome("rice", 6, True, 0.08, (5, 45), (11, 29), (600, 2800), 6.3),
    Biome("boreal_forest", 7, False, 0.20, (48, 69), (-10, 5), (300, 1100), 5.0),
    Biome("temperate_forest", 8, False, 0.20, (28, 56), (4, 18), (550, 2200), 5.6),
    Biome("tropical_forest", 9, False, 0.12, (0, 24), (19, 30), (1300, 4000), 4.9),
    Biome("grassland", 10, False, 0.16, (20, 56), (0, 24), (250, 900), 6.6),
    Biome("shrubland", 11, False, 0.08, (15, 45), (8, 25), (150, 600), 7.2),
    Biome("tundra", 12, False, 0.10, (60, 76), (-16, -1), (120, 600), 5.4),
    Biome("cropland", 13, False, 0.14, (20, 55), (4, 24), (400, 1500), 6.5),
)

BY_NAME: dict[str, Biome] = {biome.name: biome for biome in BIOMES}
BY_FLAG: dict[int, Biome] = {biome.flag: biome for biome in BIOMES}
FLAG_VALUES = np.array([biome.flag for biome in BIOMES], dtype=np.int32)
FLAG_MEANINGS = " ".join(biome.name for biome in BIOMES)


def is_wetland(flags: np.ndarray) -> np.ndarray:
    """Whether each biome flag (N,) is a wetland's."""
    wet = [biome.flag for biome in BIOMES if biome.wetland]
    return np.isin(flags, wet)
