"""Draws which sites change over the years, and how: parameters of group evolution_nl, hidden from an emulator."""

import numpy as np

from ecosys_sims.formats import biomes
from ecosys_sims.formats.site_table import SiteTable
from ecosys_sims.sites.configuration import EvolutionConfig, PeriodConfig
from ecosys_sims.sites.random_streams import stream

PERMAFROST_T_ANN = 271.15  # K: annual mean air temperature below which ground may hold permafrost
CROPS = ("cropland", "rice")


def draw_evolution(sites: SiteTable, config: EvolutionConfig, period: PeriodConfig, seed: int) -> dict[str, np.ndarray]:
    """Values (N,) of the parameters that tell the change; NaN at sites that keep the default, which is no change.

    A site's draw depends on the seed and its place in the table only, not on the other shares.
    """
    wetland = biomes.is_wetland(sites.biome)
    crops = np.isin(sites.biome, [biomes.BY_NAME[name].flag for name in CROPS])
    cold = sites.t_ann < PERMAFROST_T_ANN
    values: dict[str, np.ndarray] = {}
    values |= _drainage(_chosen(sites, config.drained_share, seed, "drained") & wetland & ~crops, period, seed)
    values |= _shift(_chosen(sites, config.shifted_share, seed, "shifted") & ~crops, period, seed)
    values |= _thaw(_chosen(sites, config.thawing_share, seed, "thawing") & cold, seed)
    if config.mgo_walk > 0:
        values["mgo_walk"] = np.where(wetland, config.mgo_walk, np.nan)
        values["walk_year"] = np.where(wetland, float(period.start_year), np.nan)
    if config.cultivar_trend != 0:
        values["cultivar_trend"] = np.where(crops, config.cultivar_trend, np.nan)
    return {name: of_sites for name, of_sites in values.items() if np.isfinite(of_sites).any()}


def _chosen(sites: SiteTable, share: float, seed: int, name: str) -> np.ndarray:
    return stream(seed, f"evolution {name}").uniform(size=len(sites)) < share


def _years(rng: np.random.Generator, period: PeriodConfig, count: int) -> np.ndarray:
    """Years within the period, so that training and test years see the change."""
    return np.floor(rng.uniform(period.start_year, period.start_year + period.years, count))


def _drainage(chosen: np.ndarray, period: PeriodConfig, seed: int) -> dict[str, np.ndarray]:
    """Half of the wetlands chosen are drained, half rewetted."""
    rng = stream(seed, "evolution drainage")
    count = chosen.size
    strength = np.exp(rng.uniform(np.log(1.8), np.log(6.0), count))
    return _at(
        chosen,
        drain_year=_years(rng, period, count),
        drain_span=rng.uniform(1.0, 6.0, count),
        drain_factor=np.where(rng.uniform(size=count) < 0.5, strength, 1.0 / strength),
    )


def _shift(chosen: np.ndarray, period: PeriodConfig, seed: int) -> dict[str, np.ndarray]:
    """Denser or sparser vegetation, with more or fewer plants that conduct methane, over 5 to 20 years."""
    rng = stream(seed, "evolution vegetation")
    count = chosen.size
    return _at(
        chosen,
        shift_year=_years(rng, period, count),
        shift_span=rng.uniform(5.0, 20.0, count),
        shift_lai=np.exp(rng.uniform(np.log(0.6), np.log(1.8), count)),
        shift_tveg=np.exp(rng.uniform(np.log(0.4), np.log(2.5), count)),
    )


def _thaw(chosen: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """Permafrost ground that collapses into wetter ground once a year thaws it deeper than before."""
    rng = stream(seed, "evolution thaw")
    count = chosen.size
    return _at(
        chosen,
        thaw_depth=rng.uniform(0.4, 1.2, count),
        thaw_span=rng.uniform(4.0, 15.0, count),
        thaw_k_out=np.exp(rng.uniform(np.log(0.15), np.log(0.7), count)),
        thaw_h_max=rng.uniform(0.03, 0.2, count),
    )


def _at(chosen: np.ndarray, **columns: np.ndarray) -> dict[str, np.ndarray]:
    return {name: np.where(chosen, column, np.nan) for name, column in columns.items()}
