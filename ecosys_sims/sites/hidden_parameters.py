"""Draws the parameters that differ between sites but are not told to an emulator, with spatial structure.

Each parameter is its biome's default + what climate and soil tell + a Gaussian random field + site noise. What they
tell is a linear sum, the same for all biomes, or a smooth curved map of each biome, as calibrated models have one set
of parameters for each type of vegetation and wetland. The
ranks of the sum within a kind (wetlands, uplands) fill a Latin hypercube, one site in each of N equal strata of the
distribution (a copula form: ranks carry the structure, strata the distribution; Iman and Conover 1982).
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from ecosys_sims.formats import biomes
from ecosys_sims.formats.site_table import SiteTable
from ecosys_sims.formats.units import ZERO_CELSIUS
from ecosys_sims.program.parameter_table import ParameterInfo
from ecosys_sims.sites.configuration import HiddenParametersConfig, SharesConfig
from ecosys_sims.sites.parameter_spread import PAIRS, UPLAND, WETLAND, Spread
from ecosys_sims.sites.random_field import gaussian_field
from ecosys_sims.sites.random_streams import stream

CURVE_WAVES = 200  # of a curved map
CUT = 2.5  # standard deviations at which the distribution of the deviations ends

VarianceShares = dict[str, dict[str, dict[str, float]]]
"""Parameter -> kind (wetland, upland) -> component (biome, climate_soil, field, noise) -> share of variance."""


@dataclass(frozen=True)
class HiddenParameters:
    """Drawn values, name -> (N,), NaN where a site keeps its biome's default; and how they came about."""

    values: dict[str, np.ndarray]
    shares: VarianceShares


def draw_parameters(
    sites: SiteTable,
    table: dict[str, ParameterInfo],
    config: HiddenParametersConfig,
    seed: int,
    fixed: Collection[str] = (),
) -> HiddenParameters:
    """Parameters of all sites but the `fixed` ones; `table` is the program's: bounds and biome defaults."""
    values: dict[str, np.ndarray] = {}
    shares: VarianceShares = {}
    wetland = biomes.is_wetland(sites.biome)
    for kind, spreads, of_kind in (("wetland", WETLAND, wetland), ("upland", UPLAND, ~wetland)):
        for spread in spreads:
            if spread.name in fixed:
                continue
            if spread.name not in table:
                message = f"the program has no parameter {spread.name!r}: ecosys_sims and it differ in version"
                raise ValueError(message)
            info = table[spread.name]
            defaults = np.array([info.biome_defaults[biomes.BY_FLAG[flag].name] for flag in sites.biome])
            index = np.flatnonzero(of_kind & _varies(spread, sites, defaults))
            if index.size == 0:
                continue
            drawn, parameter_shares = _draw(
                spread, defaults[index], info, sites.biome[index],
                _predictors(sites, index), _Deviates(sites, index, config, seed, kind), config,
            )  # fmt: skip
            values.setdefault(spread.name, np.full(len(sites), np.nan))[index] = drawn
            shares.setdefault(spread.name, {})[kind] = parameter_shares
    return HiddenParameters(values, shares)


def _varies(spread: Spread, sites: SiteTable, defaults: np.ndarray) -> np.ndarray:
    """Whether the parameter differs from the biome's default at each site (N,)."""
    varies = np.ones(len(sites), dtype=bool)
    if spread.log:
        # A biome whose default is zero lacks the process (inflow to a bog): it has no logarithm and no spread.
        varies = defaults > 0.0
    if spread.only:
        varies = varies & np.isin(sites.biome, [biomes.BY_NAME[name].flag for name in spread.only])
    return varies


def net_primary_production(t_ann: np.ndarray, annual_precip: np.ndarray) -> np.ndarray:
    """A proxy (N,), g m-2 year-1 of dry matter, from degC and kg m-2 year-1: the Miami model (Lieth 1975)."""
    warm = 3000.0 / (1.0 + np.exp(1.315 - 0.119 * t_ann))
    wet = 3000.0 * (1.0 - np.exp(-0.000664 * annual_precip))
    return np.minimum(warm, wet)


def latin_hypercube(ranked: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Probabilities (N,) in the order of `ranked` (N,), exactly one in each of N equal strata."""
    ranks = np.argsort(np.argsort(ranked, kind="stable"), kind="stable")
    return (ranks + rng.uniform(size=ranked.size)) / ranked.size


def cut_normal(probability: np.ndarray) -> np.ndarray:
    """Quantiles (N,) of a normal distribution that ends at 2.5 standard deviations, scaled to variance 1."""
    outside = ndtr(-CUT)
    inside = 1.0 - 2.0 * outside
    variance = 1.0 - 2.0 * CUT * np.exp(-(CUT**2) / 2.0) / np.sqrt(2.0 * np.pi) / inside
    return ndtri(outside + probability * inside) / np.sqrt(variance)


class _Deviates:
    """Standard normal fields and noise by parameter, pairs correlated; the same for any order of asking."""

    def __init__(
        self, sites: SiteTable, index: np.ndarray, config: HiddenParametersConfig, seed: int, kind: str
    ) -> None:
        self.lat, self.lon = sites.lat[index], sites.lon[index]
        self.config, self.seed, self.kind = config, seed, kind

    def field(self, name: str) -> np.ndarray:
        """The parameter's random field at the sites; its range is drawn from the configured interval."""
        return self._paired(name, self._independent_field)

    def noise(self, name: str) -> np.ndarray:
        """The parameter's site noise."""
        return self._paired(name, self._independent_noise)

    def _paired(self, name: str, deviates: Callable[[str], np.ndarray]) -> np.ndarray:
        """Deviates of a parameter, correlated with those of the parameter that it goes together with."""
        for first, second, correlation in PAIRS:
            if name == second:
                return correlation * deviates(first) + np.sqrt(1.0 - correlation**2) * deviates(second)
        return deviates(name)

    def _independent_field(self, name: str) -> np.ndarray:
        rng = stream(self.seed, f"field {name}")  # one field for wetlands and uplands
        return gaussian_field(rng, self.lat, self.lon, rng.uniform(*self.config.range_km))

    def _independent_noise(self, name: str) -> np.ndarray:
        return stream(self.seed, f"noise {self.kind} {name}").standard_normal(self.lat.size)

    def strata(self, name: str) -> np.random.Generator:
        """The generator that places a site within its stratum."""
        return stream(self.seed, f"strata {self.kind} {name}")

    def curve(self, name: str, flag: int) -> np.random.Generator:
        """The generator of the curved map of a parameter in a biome."""
        return stream(self.seed, f"curve {biomes.BY_FLAG[flag].name} {name}")


def _predictors(sites: SiteTable, index: np.ndarray) -> dict[str, np.ndarray]:
    """Standardised climate and soil (n,) of the sites of one kind."""
    predictors = {
        name: np.asarray(getattr(sites, name)[index], dtype=float)
        for name in ("t_ann", "annual_precip", "continentality", "sand", "clay", "ph")
    }
    predictors["npp"] = net_primary_production(predictors["t_ann"] - ZERO_CELSIUS, predictors["annual_precip"])
    predictors["annual_precip"] = np.log(predictors["annual_precip"])
    return {name: _standardised(values) for name, values in predictors.items()}


def _standardised(values: np.ndarray) -> np.ndarray:
    """Mean 0 and variance 1; zeros where the values do not differ."""
    deviation = values.std()
    return (values - values.mean()) / deviation if deviation > 0 else np.zeros_like(values)


def _within_biomes(values: np.ndarray, flags: np.ndarray) -> np.ndarray:
    """Deviations from the mean of each biome, so that a regression does not repeat what the biome says."""
    deviations = np.array(values, dtype=float)
    for flag in np.unique(flags):
        deviations[flags == flag] -= deviations[flags == flag].mean()
    return deviations


def _draw(
    spread: Spread,
    defaults: np.ndarray,
    info: ParameterInfo,
    flags: np.ndarray,
    predictors: dict[str, np.ndarray],
    deviates: _Deviates,
    config: HiddenParametersConfig,
) -> tuple[np.ndarray, dict[str, float]]:
    """Values (n,) of one parameter at the sites of one kind, and the shares of its variance by design."""
    centre = np.log(defaults) if spread.log else defaults
    sd = config.spread * spread.sd
    shares = variance_shares(centre.var(), sd**2, config.shares)
    if config.climate_soil_map == "linear":
        told = np.zeros(len(defaults))
        for name, weight in spread.drivers.items():
            told = told + weight * predictors[name]
    else:
        told = _curved(spread, flags, predictors, deviates)
    deviation = (
        np.sqrt(shares["climate_soil"]) * _standardised(_within_biomes(told, flags))
        + np.sqrt(shares["field"]) * deviates.field(spread.name)
        + np.sqrt(shares["noise"]) * deviates.noise(spread.name)
    )
    values = centre + sd * cut_normal(latin_hypercube(deviation, deviates.strata(spread.name)))
    if spread.log:
        values = np.exp(values)
    lowest, highest = max(spread.lowest, info.minimum), min(spread.highest, info.maximum)
    # A default outside the range of the literature stands; only the spread is held within it.
    return np.clip(values, np.minimum(lowest, defaults), np.maximum(highest, defaults)), shares


def _curved(spread: Spread, flags: np.ndarray, predictors: dict[str, np.ndarray], deviates: _Deviates) -> np.ndarray:
    """A random smooth map (n,) of the parameter's drivers, another one in each biome.

    It is a Gaussian process over the standardised drivers, scaled by their weights, with covariance exp(-d^2 / 2), as a
    sum of random waves (Rahimi and Recht 2007, eq. 1); drivers of full weight bend it over one standard deviation.
    """
    scaled = np.stack([weight * predictors[name] for name, weight in spread.drivers.items()], axis=1)
    told = np.empty(len(flags))
    for flag in np.unique(flags):
        rng = deviates.curve(spread.name, int(flag))
        vectors = rng.standard_normal((CURVE_WAVES, scaled.shape[1]))
        phases = rng.uniform(0.0, 2.0 * np.pi, CURVE_WAVES)
        told[flags == flag] = np.cos(scaled[flags == flag] @ vectors.T + phases).sum(axis=1)
    return told


def variance_shares(between: float, within: float, shares: SharesConfig) -> dict[str, float]:
    """Shares of a parameter's variance: `between` biomes (the program's defaults) and `within` them (all the rest).

    Noise has its configured share of the whole, unless biomes alone explain nearly all; then it has that share, or
    half if that is more, of the variance within biomes.
    """
    if within <= 0.0:
        return {"biome": 1.0, "climate_soil": 0.0, "field": 0.0, "noise": 0.0}
    inside = within / (between + within)
    noise = min(1.0 - shares.structured, max(0.5, 1.0 - shares.structured) * inside)
    climate_soil = (inside - noise) * shares.climate_soil
    components = {
        "biome": 1.0 - inside,
        "climate_soil": climate_soil,
        "field": inside - noise - climate_soil,
        "noise": noise,
    }
    return {name: float(share) for name, share in components.items()}


def structured_share(shares: VarianceShares) -> float:
    """Mean over parameters and kinds of the share of variance that is not site noise."""
    return float(np.mean([1.0 - components["noise"] for kinds in shares.values() for components in kinds.values()]))
