"""Draws the crop rotation of each field of an ensemble among those that its climate suits."""

import numpy as np

from ecosys_sims import biomes
from ecosys_sims.config import CropsConfig
from ecosys_sims.random_streams import stream
from ecosys_sims.sites import SiteTable

# Annual mean air temperature, degC, in which each crop (digit of a rotation, docs/parameters.md) is grown here.
CLIMATE = {
    "1": (6.0, 28.0),  # maize
    "2": (7.5, 28.0),  # soybean
    "3": (3.0, 18.0),  # winter wheat, which needs a winter
    "4": (12.0, 30.0),  # rice
    "5": (11.5, 18.0),  # winter wheat and maize in one year
}


def draw_rotations(sites: SiteTable, config: CropsConfig, seed: int) -> dict[str, np.ndarray]:
    """`rotation` (N,) of the fields, NaN elsewhere and where none of the rotations asked for suits the climate.

    A rotation of several years starts with any of them, so that neighbours differ in phase.
    """
    if not config.rotations:
        return {}
    names = list(config.rotations)
    weights = np.array([config.rotations[name] for name in names])
    rng = stream(seed, "rotations")
    pick, phase = rng.uniform(size=len(sites)), rng.uniform(size=len(sites))
    values = np.full(len(sites), np.nan)
    for site in np.flatnonzero(sites.biome == biomes.BY_NAME["cropland"].flag):
        share = weights * [suits(name, float(sites.t_ann[site]) - 273.15) for name in names]
        if share.sum() == 0:
            continue
        name = names[int(np.searchsorted(np.cumsum(share) / share.sum(), pick[site], side="right"))]
        start = int(phase[site] * len(name))
        values[site] = float(name[start:] + name[:start])
    return {"rotation": values} if np.isfinite(values).any() else {}


def suits(rotation: str, t_ann: float) -> bool:
    """Whether all crops of a rotation are grown at an annual mean temperature, degC."""
    return all(CLIMATE[digit][0] <= t_ann <= CLIMATE[digit][1] for digit in rotation)
