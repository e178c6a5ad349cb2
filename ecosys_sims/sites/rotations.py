"""Draws the crop rotation of each field of an ensemble among those that its climate suits."""

import numpy as np

from ecosys_sims.formats import biomes
from ecosys_sims.formats.site_table import SiteTable
from ecosys_sims.formats.units import ZERO_CELSIUS
from ecosys_sims.sites.configuration import CropsConfig
from ecosys_sims.sites.random_streams import stream

# Annual mean air temperature, degC, in which each crop (digit of a rotation, docs/parameters.md) is grown here.
CLIMATE = {
    "1": (6.0, 28.0),  # maize
    "2": (7.5, 28.0),  # soybean
    "3": (3.0, 18.0),  # winter wheat, which needs a winter
    "4": (12.0, 30.0),  # rice
    "5": (11.5, 18.0),  # winter wheat and maize in one year
}


def draw_rotations(sites: SiteTable, config: CropsConfig, seed: int) -> dict[str, np.ndarray]:
    """`rotation` (N,) of the fields, NaN elsewhere and where none of the configured rotations suits the climate.

    A rotation of several years starts with any of them, so that neighbours differ in phase.
    """
    if not config.rotations:
        return {}
    rotations = list(config.rotations)
    weights = np.array([config.rotations[rotation] for rotation in rotations])
    rng = stream(seed, "rotations")
    pick, phase = rng.uniform(size=len(sites)), rng.uniform(size=len(sites))
    values = np.full(len(sites), np.nan)
    for site in np.flatnonzero(sites.biome == biomes.BY_NAME["cropland"].flag):
        share = weights * [suits(rotation, float(sites.t_ann[site]) - ZERO_CELSIUS) for rotation in rotations]
        if share.sum() == 0:
            continue
        rotation = rotations[int(np.searchsorted(np.cumsum(share) / share.sum(), pick[site], side="right"))]
        first_year = int(phase[site] * len(rotation))
        values[site] = float(rotation[first_year:] + rotation[:first_year])
    return {"rotation": values} if np.isfinite(values).any() else {}


def suits(rotation: str, t_ann: float) -> bool:
    """Whether all crops of a rotation are grown at an annual mean temperature, degC."""
    return all(coldest <= t_ann <= warmest for coldest, warmest in (CLIMATE[digit] for digit in rotation))
