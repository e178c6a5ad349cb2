"""Sensitivities by pairs of ensembles that differ in one thing only."""

from pathlib import Path

import numpy as np

from ecosys_sims.ensemble.configuration import SimulationConfig
from ecosys_sims.evaluation.ensemble_quantities import WETLANDS, pathway_shares
from ecosys_sims.evaluation.ensemble_series import EnsembleSeries, read_ensemble_series
from ecosys_sims.evaluation.steps import simulate_anew

# Inflow and outflow, mm day-1, which set the water table from deep to flooded.
DRAINAGES = ({"q_in": 0.0, "k_out": 50.0}, {"q_in": 0.0, "k_out": 8.0}, {"q_in": 0.3}, {"q_in": 1.0}, {"q_in": 4.0})
CARBON_DIOXIDE = (400.0, 560.0)  # 1e-6
SHALLOW, DEEP = 0.10, 0.30  # m
LEAST_GPP = 50.0  # g C m-2 year-1
LEAST_FLUX = 1.0  # mg CH4 m-2 day-1 at the shallow water table


def paired_configs(base: SimulationConfig, sites: int, years: int) -> dict[str, SimulationConfig]:
    """Name -> configuration: fewer sites and years of `base`, each with a namelist key or two changed."""
    every = _smaller(base, sites, years, base.sites.wetland_share)
    wet = _smaller(base, sites, years, 1.0)
    configs = {f"co2_{value:.0f}": _with(every, "wgen_nl", co2=value) for value in CARBON_DIOXIDE}
    configs |= {f"drainage_{k}": _with(wet, "hydro_nl", **keys) for k, keys in enumerate(DRAINAGES)}
    return configs | {"bare": _with(_with(wet, "hydro_nl", **DRAINAGES[-1]), "ch4_nl", tveg=0.0)}


def _smaller(base: SimulationConfig, sites: int, years: int, wetland_share: float) -> SimulationConfig:
    return base.model_copy(
        update={
            "sites": base.sites.model_copy(update={"count": sites, "wetland_share": wetland_share}),
            "period": base.period.model_copy(update={"years": years, "spinup_years": 2}),
        }
    )


def _with(config: SimulationConfig, group: str, **keys: float) -> SimulationConfig:
    groups = {name: dict(content) for name, content in config.namelist.items()}
    groups.setdefault(group, {}).update(keys)
    return config.model_copy(update={"namelist": groups})


def run_pairs(base: SimulationConfig, sites: int, years: int, folder: Path, workers: int) -> dict[str, np.ndarray]:
    """Key of published_ranges -> values (n,); simulates what `folder` does not hold yet."""
    ensembles = {}
    for name, config in paired_configs(base, sites, years).items():
        simulate_anew(config, folder / name, workers)
        ensembles[name] = read_ensemble_series(folder / name)
    present, doubled = (ensembles[f"co2_{value:.0f}"].annual("gpp") for value in CARBON_DIOXIDE)
    return {
        "sens.co2": (doubled / np.where(present > LEAST_GPP, present, np.nan))[present > LEAST_GPP],
        "sens.water_table": deep_over_shallow([ensembles[f"drainage_{k}"] for k in range(len(DRAINAGES))]),
        "share.bare_bubbles": pathway_shares(ensembles["bare"])["fch4_ebul"][ensembles["bare"].of("marsh")],
    }


def deep_over_shallow(runs: list[EnsembleSeries]) -> np.ndarray:
    """CH4 with the water table at 30 cm over that at 10 cm (n,): growing-season means of the runs, interpolated.

    Rice, which is irrigated, is left out, and sites whose water table does not span both depths.
    """
    season = [run.growing() for run in runs]
    depth = np.array([run.mean_where("wtd", days) for run, days in zip(runs, season, strict=True)])
    flux = np.array([run.mean_where("fch4", days) for run, days in zip(runs, season, strict=True)])
    ratios = []
    for site in np.flatnonzero(runs[0].of(*(name for name in WETLANDS if name != "rice"))):
        order = np.argsort(depth[:, site])
        depths, fluxes = depth[order, site], flux[order, site]
        if np.isfinite(depths).all() and depths[0] <= SHALLOW and depths[-1] >= DEEP:
            shallow, deep = np.interp([SHALLOW, DEEP], depths, fluxes)
            if shallow >= LEAST_FLUX:
                ratios.append(max(float(deep / shallow), 0.0))
    return np.array(ratios)
