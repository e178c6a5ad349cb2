"""Draws the sites of an ensemble over the globe's land: place, class, soil and climate; all visible to an emulator."""

from dataclasses import dataclass, fields

import numpy as np

from ecosys_sims.formats import biomes
from ecosys_sims.formats.annual_temperature import LAPSE_RATE, annual_temperature
from ecosys_sims.formats.site_table import SiteTable
from ecosys_sims.formats.units import ZERO_CELSIUS
from ecosys_sims.sites import climate, land
from ecosys_sims.sites.biome_climates import CLIMATES, BiomeClimate
from ecosys_sims.sites.configuration import SitesConfig
from ecosys_sims.sites.random_field import gaussian_field
from ecosys_sims.sites.random_streams import stream

POOL_FACTOR, POOL_MINIMUM = 40, 6000  # places to choose from
LEAST_SUITABLE = 0.05  # below this a biome does not occur
LEAST_PRECIPITATION = 1.0  # kg m-2 year-1


@dataclass(frozen=True)
class Places:
    """Candidate places and their climate, before any site class is given (M,)."""

    lat: np.ndarray
    lon: np.ndarray
    elevation: np.ndarray
    continentality: np.ndarray
    t_ann: np.ndarray  # degC
    annual_precip: np.ndarray
    wetness: np.ndarray  # precipitation over potential evaporation
    t_month: np.ndarray  # (M, 12), degC
    p_month: np.ndarray  # (M, 12), kg m-2

    def __getitem__(self, index: np.ndarray) -> "Places":
        return Places(**{column.name: getattr(self, column.name)[index] for column in fields(self)})


def draw_sites(config: SitesConfig, seed: int) -> SiteTable:
    """The sites of this configuration and seed; ValueError where no biome of a kind occurs between the latitudes."""
    places = _places(config, seed)
    wetlands = round(config.count * config.wetland_share)
    counts = _counts(config, places, True, wetlands) | _counts(config, places, False, config.count - wetlands)
    rng = stream(seed, "site places")
    free = np.ones(len(places.lat), dtype=bool)
    chosen, flags = [], []
    for name, count in counts.items():
        weight = np.where(free, suitability(CLIMATES[name], places), 0.0)
        with np.errstate(divide="ignore"):
            keys = np.log(weight) + rng.gumbel(size=weight.size)  # the highest keys are a weighted draw without repeats
        highest = np.argsort(keys)[::-1][:count]
        free[highest] = False
        chosen.append(highest)
        flags.append(np.full(count, biomes.BY_NAME[name].flag, dtype=np.int32))
    order = rng.permutation(config.count)  # blocks of neighbours in the table then cost about the same
    return site_table(places[np.concatenate(chosen)[order]], np.concatenate(flags)[order], seed)


def suitability(occurrence: BiomeClimate, places: Places) -> np.ndarray:
    """How well places suit a biome (M,): 1 inside its climate, down to 0 over a margin."""
    share = np.exp(-fit(occurrence, places)) * (places.wetness >= occurrence.least_wetness)
    return np.where(share < LEAST_SUITABLE, 0.0, share)


def fit(occurrence: BiomeClimate, places: Places) -> np.ndarray:
    """How far places are from the climate of a biome (M,), squared, in units of its margins; 0 inside."""
    driest, wettest = np.log(occurrence.annual_precip)
    distance: np.ndarray = (
        _outside(np.abs(places.lat), occurrence.abs_lat, 2.0) ** 2
        + _outside(places.t_ann, occurrence.t_ann, 1.5) ** 2
        + _outside(np.log(places.annual_precip), (driest, wettest), 0.15) ** 2
    )
    return distance


def _outside(value: np.ndarray, limits: tuple[float, float], margin: float) -> np.ndarray:
    lowest, highest = limits
    outside: np.ndarray = np.maximum(0.0, np.maximum(lowest - value, value - highest)) / margin
    return outside


def _places(config: SitesConfig, seed: int) -> Places:
    bounds = (config.lat_min, config.lat_max), (config.lon_min, config.lon_max)
    if config.grid_degrees > 0.0:
        lat, lon = land.land_cells(config.grid_degrees, *bounds)
    else:
        count = max(POOL_MINIMUM, POOL_FACTOR * config.count)
        lat, lon = land.random_land_points(stream(seed, "land points"), count, *bounds)
    return places_of(climate.normals(lat, lon), lon, seed)


def places_of(normals: climate.Normals, lon: np.ndarray, seed: int) -> Places:
    """Places of these normals and longitudes (M,), degrees, with heights."""
    lat = normals.lat
    relief = gaussian_field(stream(seed, "relief"), lat, lon, 700.0)
    hills = 15.0 + 2.2 * normals.continentality * np.exp(1.1 * relief)
    # Highlands are at least as high as explains how cold they are for their latitude.
    sea_level = annual_temperature(lat, np.zeros(len(lat)), normals.continentality)
    return Places(
        lat=lat,
        lon=lon,
        elevation=np.clip(np.maximum(hills, (sea_level - normals.t_ann) / LAPSE_RATE), 1.0, 5000.0),
        continentality=normals.continentality,
        t_ann=normals.t_ann,
        annual_precip=np.maximum(normals.annual_precip, LEAST_PRECIPITATION),
        wetness=normals.wetness,
        t_month=normals.t_month,
        p_month=normals.p_month,
    )


def _counts(config: SitesConfig, places: Places, wetland: bool, count: int) -> dict[str, int]:
    """How many sites each biome of a kind gets: by weight, among those that occur, by the largest remainder."""
    if count == 0:
        return {}
    weights: dict[str, float] = {}
    for biome in biomes.BIOMES:
        occurrence = CLIMATES[biome.name]
        weight = config.biome_weights.get(biome.name, occurrence.weight)
        if biome.wetland != wetland or weight <= 0:
            continue
        suitable = suitability(occurrence, places) > 0
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


def site_table(places: Places, flags: np.ndarray, seed: int) -> SiteTable:
    """The sites at places of these classes; soil by smooth fields and site noise, all rounded to float32 as on file."""
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
        "t_ann": places.t_ann + ZERO_CELSIUS, "t_month": places.t_month + ZERO_CELSIUS, "p_month": places.p_month,
    }  # fmt: skip
    return SiteTable(
        site_id=np.array([f"S{n:05d}" for n in number]),
        site_number=number,
        biome=flags,
        **{name: np.asarray(values, dtype=np.float32) for name, values in as_on_file.items()},
    )
