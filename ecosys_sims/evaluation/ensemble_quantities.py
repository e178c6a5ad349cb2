"""What an ensemble says of each published quantity: one value a site."""

import numpy as np

from ecosys_sims.evaluation.ensemble_series import EnsembleSeries
from ecosys_sims.formats import biomes
from ecosys_sims.formats.units import CARBON_OF_METHANE

FORESTS = ("boreal_forest", "temperate_forest", "tropical_forest")
WETLANDS = tuple(biome.name for biome in biomes.BIOMES if biome.wetland)
UPLANDS = tuple(biome.name for biome in biomes.BIOMES if not biome.wetland)
CROP_LAI = 0.5  # a crop stands while its leaf area is above this
FROZEN_BOG_CELSIUS = -2.0
COLD_MONTHS = (10, 11, 12, 1, 2, 3, 4)
# Days from which the seasonal Q10 is fitted: degC, m, mg CH4 m-2 day-1; a site needs so many over so many K.
LEAST_CELSIUS, DEEPEST_TABLE, LEAST_FLUX, FEWEST_DAYS, LEAST_SPAN = 2.0, 0.10, 0.1, 100, 8.0
WARM_SOIL, FEWEST_PORE_DAYS = 5.0, 10
PATHWAYS = ("fch4_plant", "fch4_ebul", "fch4_diff")


def quantities(ensemble: EnsembleSeries) -> dict[str, np.ndarray]:
    """Key of published_ranges -> values (n,) over the sites that it is about."""
    return (
        _carbon(ensemble)
        | _emission(ensemble)
        | _shares(ensemble)
        | _uptake(ensemble)
        | {"sens.q10": seasonal_q10(ensemble), "sens.wet_uptake": wet_uptake(ensemble)}
    )


def _carbon(ensemble: EnsembleSeries) -> dict[str, np.ndarray]:
    gpp, ra, rh, nee = (ensemble.annual(name) for name in ("gpp", "ra", "rh", "nee"))
    by_biome = {f"gpp.{biome.name}": gpp[ensemble.of(biome.name)] for biome in biomes.BIOMES}
    peak = ensemble.mean_yearly_maximum("gpp")
    alive = gpp > 50.0
    methane = ensemble.annual("fch4") * 1.0e-3 * CARBON_OF_METHANE
    uplands, wetlands = ensemble.of(*UPLANDS), ensemble.of(*WETLANDS)
    return by_biome | {
        "peak.forest_gpp": peak[ensemble.of("boreal_forest", "temperate_forest")],
        "peak.tundra_gpp": peak[ensemble.of("tundra")],
        "nep.forest": -nee[ensemble.of(*FORESTS)],
        "ratio.hr_npp": (rh / (gpp - ra))[alive & (gpp > ra)],
        "ratio.ra_gpp": (ra / gpp)[alive],
        "ratio.ch4_hr": (methane / rh)[wetlands & (rh > 0)],
        "ratio.runoff": (ensemble.annual("mrro") / ensemble.annual("pr"))[uplands]
        if "mrro" in ensemble.series
        else np.array([]),
    }


def _emission(ensemble: EnsembleSeries) -> dict[str, np.ndarray]:
    season = ensemble.growing()
    rice = ensemble.of("rice")
    season[rice] = ensemble["lai"][rice] > CROP_LAI
    flux = ensemble.mean_where("fch4", season)
    annual = ensemble.annual("fch4") * 1.0e-3 * CARBON_OF_METHANE
    wetland, north = ensemble.of(*WETLANDS), ensemble.sites.lat
    frozen = ensemble["tas"].mean(axis=1) < FROZEN_BOG_CELSIUS
    by_biome = {f"ch4.{name}": flux[ensemble.of(name)] for name in WETLANDS if name != "bog"}
    by_biome |= {f"year.{name}": annual[ensemble.of(name)] for name in ("bog", "fen", "marsh")}
    return by_biome | {
        "ch4.bog": flux[ensemble.of("bog") & ~frozen],
        "ch4.permafrost_bog": flux[ensemble.of("bog") & frozen],
        "ch4.northern": flux[wetland & (north > 45.0)],
        "ch4.temperate": flux[wetland & (np.abs(north) > 23.0) & (np.abs(north) <= 45.0)],
        "ch4.tropical": flux[wetland & (np.abs(north) <= 23.0)],
    }


def pathway_shares(ensemble: EnsembleSeries) -> dict[str, np.ndarray]:
    """Shares (N,) of plants, bubbles and diffusion in what the soil emits, by the names of `PATHWAYS`.

    NaN where a site emits nothing.
    """
    emitted = np.array([np.maximum(ensemble[name], 0.0).sum(axis=1) for name in PATHWAYS])
    total = emitted.sum(axis=0)
    shares = np.divide(emitted, total, out=np.full(emitted.shape, np.nan), where=total > 0.0)
    return dict(zip(PATHWAYS, shares, strict=True))


def _shares(ensemble: EnsembleSeries) -> dict[str, np.ndarray]:
    shares = pathway_shares(ensemble)
    cold = np.isin(ensemble.month, COLD_MONTHS)
    whole = ensemble["fch4"].sum(axis=1)
    polar = ensemble.of(*WETLANDS) & (ensemble.sites.lat > 60.0) & (whole > 0.0)
    return {
        "share.fen_plants": shares["fch4_plant"][ensemble.of("fen")],
        "share.bog_soil": (shares["fch4_ebul"] + shares["fch4_diff"])[ensemble.of("bog")],
        "share.cold_season": (ensemble["fch4"][:, cold].sum(axis=1) / np.where(whole > 0, whole, 1.0))[polar],
    }


def _uptake(ensemble: EnsembleSeries) -> dict[str, np.ndarray]:
    uptake = -ensemble["fch4"].mean(axis=1)
    native = np.median(uptake[ensemble.of("grassland", "temperate_forest")])
    names = ("temperate_forest", "boreal_forest", "tropical_forest", "grassland", "tundra")
    return {f"uptake.{name}": uptake[ensemble.of(name)] for name in names} | {
        "uptake.cropland": uptake[ensemble.of("cropland")] / native,
        "uptake.highest": np.array([uptake[ensemble.of(*UPLANDS)].max()]),
    }


def seasonal_q10(ensemble: EnsembleSeries) -> np.ndarray:
    """Apparent Q10 (n,) of wetland sites: slope of log CH4 over soil temperature at 10 cm.

    Days above 2 degC with the water table within 10 cm of the surface; sites with 100 such days over 8 K or more.
    """
    q10 = []
    for site in np.flatnonzero(ensemble.of(*WETLANDS)):
        celsius, flux = ensemble["tsl"][site], ensemble["fch4"][site]
        fitted = (celsius > LEAST_CELSIUS) & (ensemble["wtd"][site] < DEEPEST_TABLE) & (flux > LEAST_FLUX)
        if fitted.sum() >= FEWEST_DAYS and np.ptp(np.percentile(celsius[fitted], [5, 95])) >= LEAST_SPAN:
            slope, _ = np.polyfit(celsius[fitted], np.log(flux[fitted]), 1)
            q10.append(float(np.exp(10.0 * slope)))
    return np.array(q10)


def filled_pores(ensemble: EnsembleSeries) -> np.ndarray:
    """Water-filled share of the pores of the upper 10 cm (N, T)."""
    return ensemble["mrsos"] / (100.0 * ensemble.truth["porosity"][:, None])


def wet_uptake(ensemble: EnsembleSeries) -> np.ndarray:
    """Uptake with 80-95 % of the pores filled over that with 30-50 % (n,), upland sites with both; above 5 degC."""
    pores, warm = filled_pores(ensemble), ensemble["tsl"] > WARM_SOIL
    ratios = []
    for site in np.flatnonzero(ensemble.of(*UPLANDS)):
        dry = warm[site] & (pores[site] > 0.30) & (pores[site] < 0.50)
        wet = warm[site] & (pores[site] > 0.80) & (pores[site] < 0.95)
        if min(dry.sum(), wet.sum()) >= FEWEST_PORE_DAYS:
            ratios.append(float(ensemble["fch4"][site][wet].mean() / ensemble["fch4"][site][dry].mean()))
    return np.array(ratios)
