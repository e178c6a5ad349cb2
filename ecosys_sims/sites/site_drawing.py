"""Draws the sites of an ensemble over the globe's land: place, class, soil and climate; all visible to an emulator."""

from dataclasses import dataclass, fields

import numpy as np

from ecosys_sims.formats import biomes
from ecosys_sims.formats.annual_temperature import annual_temperature
from ecosys_sims.formats.site_table import SiteTable
from ecosys_sims.formats.units import ZERO_CELSIUS
from ecosys_sims.sites import climate, land
from ecosys_sims.sites.biome_climates import CLIMATES, BiomeClimate
from ecosys_sims.sites.configuration import SitesConfig
from ecosys_sims.sites.random_field import gaussian_field
from ecosys_sims.sites.random_streams import stream

POOL_FACTOR, POOL_MINIMUM = 40, 6000  # places to choose from
LEAST_SUITABLE = 0.05  # below this a biome does not occur


@dataclass(frozen=True)
class _Places:
    """Candidate places and their climate, before any site class is given (M,)."""

    lat: np.ndarray
    lon: np.ndarray
    elevation: np.ndarray
    continentality: np.ndarray
    t_ann: np.ndarray  # degC
    annual_precip: np.ndarray

    def __getitem__(self, index: np.ndarray) -> "_Places":
        return _Places(**{column.name: getattr(self, column.name)[index] for column in fields(self)})


def draw_sites(config: SitesConfig, seed: int) -> SiteTable:
    """The sites of this configuration and seed; ValueError where no biome of a kind occurs between the latitudes."""
    places = _places(config, seed)
    wetlands = round(config.count * config.wetland_share)
    counts = _counts(config, places, True, wetlands) | _counts(config, places, False, config.count - wetlands)
    rng = stream(seed, "site places")
    free = np.ones(len(places.lat), dtype=bool)
    chosen, flags = [], []
    for name, count in counts.items():
        weight = np.where(free, suitability(CLIMATES[name], places.lat, places.t_ann, places.annual_precip), 0.0)
        with np.errstate(divide="ignore"):
            keys = np.log(weight) + rng.gumbel(size=weight.size)  # the highest keys are a weighted draw without repeats
        highest = np.argsort(keys)[::-1][:count]
        free[highest] = False
        chosen.append(highest)
        flags.append(np.full(count, biomes.BY_NAME[name].flag, dtype=np.int32))
    order = rng.permutation(config.count)  # blocks of neighbours in the table then cost about the same
    return _table(places[np.concatenate(chosen)[order]], np.concatenate(flags)[order], seed)


def suitability(occurrence: BiomeClimate, lat: np.ndarray, t_ann: np.ndarray, annual_precip: np.ndarray) -> np.ndarray:
    """How well places suit a biome (M,): 1 inside its climate, down to 0 over a margin; degrees, degC, kg m-2."""
    driest, wettest = np.log(occurrence.annual_precip)
    return (
        _window(np.abs(lat), occurrence.abs_lat, 2.0)
        * _window(t_ann, occurrence.t_ann, 1.5)
        * _window(np.log(annual_precip), (driest, wettest), 0.15)
    )


def _window(value: np.ndarray, limits: tuple[float, float], margin: float) -> np.ndarray:
    lowest, highest = limits
    outside = np.maximum(0.0, np.maximum(lowest - value, value - highest))
    return np.exp(-((outside / margin) ** 2))


def _places(config: SitesConfig, seed: int) -> _Places:
    bounds = (config.lat_min, config.lat_max), (config.lon_min, config.lon_max)
    if config.grid_degrees > 0.0:
        lat, lon = land.land_cells(config.grid_degrees, *bounds)
    else:
        count = max(POOL_MINIMUM, POOL_FACTOR * config.count)
        lat, lon = land.random_land_points(stream(seed, "land points"), count, *bounds)
    continentality = climate.continentality(lat, lon)
    relief = gaussian_field(stream(seed, "relief"), lat, lon, 700.0)
    elevation = np.clip(15.0 + 2.2 * continentality * np.exp(1.1 * relief), 1.0, 3000.0)
    warmth = gaussian_field(stream(seed, "warmth"), lat, lon, 2500.0)
    wetness = gaussian_field(stream(seed, "wetness"), lat, lon, 1500.0)
    return _Places(
        lat=lat,
        lon=lon,
        elevation=elevation,
        continentality=continentality,
        t_ann=annual_temperature(lat, elevation, continentality) + 1.0 * warmth,
        annual_precip=climate.annual_precipitation(lat, lon) * np.exp(0.2 * wetness - 0.02),
    )


def _counts(config: SitesConfig, places: _Places, wetland: bool, count: int) -> dict[str, int]:
    """How many sites each biome of a kind gets: by weight, among those that occur, by the largest remainder."""
    if count == 0:
        return {}
    weights: dict[str, float] = {}
    for biome in biomes.BIOMES:
        occurrence = CLIMATES[biome.name]
        weight = config.biome_weights.get(biome.name, occurrence.weight)
        if biome.wetland != wetland or weight <= 0:
            continue
        suitable = suitability(occurrence, places.lat, places.t_ann, places.annual_precip) > LEAST_SUITABLE
        if suitable.sum() >= count:
            weights[biome.name] = weight
    if not weights:
        kind = "wetland" if wetland else "upland"
        message = (
            f"no {kind} biome occurs at {count} places between lat_min {config.lat_min:g} and lat_max "
            f"{config.lat_max:g} with the biome_weights given; widen sites.lat_min and sites.lat_max (and lon_min and "
            "lon_max), narrow grid_degrees, or change sites.wetland_share"
        )
        raise ValueError(message)
    shares = np.array(list(weights.values()))
    exact = count * shares / shares.sum()
    whole = np.floor(exact).astype(int)
    for index in np.argsort(whole - exact, kind="stable")[: count - whole.sum()]:
        whole[index] += 1
    return {name: int(sites) for name, sites in zip(weights, whole, strict=True)}


def _table(places: _Places, flags: np.ndarray, seed: int) -> SiteTable:
    """Soil by smooth fields and site noise; numbers rounded to float32 as they stand on file."""
    count = len(flags)
    lat, lon = places.lat, places.lon
    rng = stream(seed, "site soils")
    wetland = biomes.is_wetland(flags)
    texture = gaussian_field(stream(seed, "texture"), lat, lon, 600.0)
    acidity = gaussian_field(stream(seed, "acidity"), lat, lon, 600.0)
    sand = np.clip(0.42 + 0.15 * texture + 0.08 * rng.standard_normal(count), 0.05, 0.90)
    clay = np.clip(0.9 * (1.0 - sand) * (0.42 + 0.10 * rng.standard_normal(count)), 0.03, 0.60)
    typical = np.array([biomes.BY_FLAG[flag].ph for flag in flags])
    leached = 0.3 * np.log(places.annual_precip / 800.0)
    ph = np.clip(typical - leached + 0.35 * acidity + 0.25 * rng.standard_normal(count), 3.5, 8.3)
    elevation = np.where(wetland, 0.6, 1.0) * places.elevation
    number = np.arange(1, count + 1, dtype=np.int32)
    as_on_file = {
        "lat": lat, "lon": lon, "elevation": elevation, "sand": sand, "clay": clay, "ph": ph,
        "annual_precip": places.annual_precip, "continentality": places.continentality,
        "t_ann": places.t_ann + ZERO_CELSIUS,
    }  # fmt: skip
    return SiteTable(
        site_id=np.array([f"S{n:05d}" for n in number]),
        site_number=number,
        biome=flags,
        **{name: np.asarray(values, dtype=np.float32) for name, values in as_on_file.items()},
    )
