"""The land cells of a regular grid as sites: one site class a cell, by climate and by smooth random fields."""

from dataclasses import replace

import numpy as np
from scipy.special import ndtr

from ecosys_sims.formats import biomes
from ecosys_sims.formats.site_table import SiteTable
from ecosys_sims.sites import climate
from ecosys_sims.sites.biome_climates import CLIMATES
from ecosys_sims.sites.configuration import GridConfig, SitesConfig
from ecosys_sims.sites.random_field import gaussian_field
from ecosys_sims.sites.random_streams import stream
from ecosys_sims.sites.site_drawing import Places, fit, places_of, site_table, suitability
from foundations import coastlines

PATCH_KM = 300.0  # how far neighbours tend to have the same class


def grid_sites(config: SitesConfig, grid: GridConfig, seed: int) -> SiteTable:
    """A site for each cell that is land enough and not under ice, row by row from the south.

    lat and lon are the centres. A cell keeps its number, and with it its weather, in any region of the same grid.
    ValueError where there is no such cell.
    """
    lat, lon, number = _land_cells(config, grid)
    normals = climate.normals_of_cells(lat, lon, grid.resolution)
    grown = ~normals.ice_cap
    if not grown.any():
        message = (
            "sites.grid: no cell of the region is land that is free of ice; widen it or lower sites.grid.least_land"
        )
        raise ValueError(message)
    lat, lon, number, normals = lat[grown], lon[grown], number[grown], normals[grown]
    places = places_of(normals, lon, seed)
    sites = site_table(places, _classes(config, places, seed), seed)
    names = [_name(*place) for place in zip(lat, lon, strict=True)]
    return replace(sites, site_id=np.array(names), site_number=number.astype(np.int32))


def _land_cells(config: SitesConfig, grid: GridConfig) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Centres, degrees, and numbers (counted over the globe) of the cells of the region that are land enough."""
    cell = grid.resolution
    fraction = coastlines.land_fraction(cell)
    rows, columns = fraction.shape
    lat, lon = -90.0 + cell * (np.arange(rows) + 0.5), -180.0 + cell * (np.arange(columns) + 0.5)
    chosen = fraction >= max(grid.least_land, 1e-9)
    chosen &= ((lat >= config.lat_min) & (lat <= config.lat_max))[:, None]
    chosen &= (lon >= config.lon_min) & (lon <= config.lon_max)
    row, column = np.nonzero(chosen)
    return lat[row], lon[column], row * columns + column + 1


def _classes(config: SitesConfig, places: Places, seed: int) -> np.ndarray:
    """Flags (N,): a share of wetlands among the cells that may have any, and within each kind by weight and climate."""
    wet = _uniform(places, seed, "cell kinds") < config.wetland_share
    pick = _uniform(places, seed, "cell classes")
    flags = np.zeros(len(pick), dtype=np.int32)
    if config.wetland_share > 0:
        flags, may_be_wet = _class_of_kind(config, places, True, pick)
        wet &= may_be_wet | (config.wetland_share >= 1)
    if config.wetland_share < 1:
        uplands, _ = _class_of_kind(config, places, False, pick)
        flags = np.where(wet, flags, uplands)
    return flags


def _class_of_kind(
    config: SitesConfig, places: Places, wetland: bool, pick: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Flags (N,) of one kind, and whether the climate suits any of it (N,); else that whose climate is nearest."""
    of_kind = [biome for biome in biomes.BIOMES if biome.wetland == wetland]
    weights = [config.biome_weights.get(biome.name, CLIMATES[biome.name].weight) for biome in of_kind]
    if not any(weights):
        message = f"sites.biome_weights leave no {'wetland' if wetland else 'upland'}"
        raise ValueError(message)
    shares = np.array([
        weight * suitability(CLIMATES[biome.name], places) for biome, weight in zip(of_kind, weights, strict=True)
    ])  # fmt: skip
    total = shares.sum(axis=0)
    flags = np.array([biome.flag for biome in of_kind], dtype=np.int32)
    with np.errstate(invalid="ignore", divide="ignore"):
        drawn = (np.cumsum(shares, axis=0) / total < pick).sum(axis=0)
    misfit = np.array([
        fit(CLIMATES[biome.name], places) if weight > 0 else np.full(len(pick), np.inf)
        for biome, weight in zip(of_kind, weights, strict=True)
    ])  # fmt: skip
    index = np.where(total > 0, np.minimum(drawn, len(of_kind) - 1), misfit.argmin(axis=0))
    return flags[index], total > 0


def _uniform(places: Places, seed: int, name: str) -> np.ndarray:
    """A smooth field (N,), uniform from 0 to 1; its value at a place does not depend on the other places."""
    uniform: np.ndarray = ndtr(gaussian_field(stream(seed, name), places.lat, places.lon, PATCH_KM))
    return uniform


def _name(lat: float, lon: float) -> str:
    """N52.250E013.750 without its points: three decimals of degrees."""
    south, west = lat < 0, lon < 0
    return f"{'S' if south else 'N'}{round(abs(lat) * 1000):05d}{'W' if west else 'E'}{round(abs(lon) * 1000):06d}"
