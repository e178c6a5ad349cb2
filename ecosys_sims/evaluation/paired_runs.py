"""Sensitivities by pairs of ensembles that differ in one thing only."""

from pathlib import Path

import numpy as np

from ecosys_sims.config import SimulationConfig
from ecosys_sims.evaluation.ensemble_quantities import WETLANDS, pathway_shares
from ecosys_sims.evaluation.ensemble_series import Ensemble, read_ensemble
from ecosys_sims.evaluation.steps import simulate_anew

# Inflow and outflow, mm day-1, which set the water table from deep to flooded.
DRAINAGES = ({"q_in": 0.0, "k_out": 50.0}, {"q_in": 0.0, "k_out": 8.0}, {"q_in": 0.3}, {"q_in": 1.0}, {"q_in": 4.0})
CARBON_DIOXIDE = (400.0, 560.0)  # 1e-6
SHALLOW, DEEP = 0.10, 0.30  # m
LEAST_FLUX = 1.0  # mg CH4 m-2 day-1 at the shallow water table


def paired_configs(base: SimulationConfig, sites: int, years: int) -> dict[str, SimulationConfig]:
    """Name -> configuration: fewer sites and years of `base`, each with a namelist key or two changed."""
    every = _smaller(base, sites, years, base.sites.wetland_share)
    wet = _smaller(base, sites, years, 1.0)
    found = {f"co2_{value:.0f}": _with(every, "wgen_nl", co2=value) for value in CARBON_DIOXIDE}
    found |= {f"drainage_{k}": _with(wet, "hydro_nl", **keys) for k, keys in enumerate(DRAINAGES)}
    return found | {"bare": _with(_with(wet, "hydro_nl", **DRAINAGES[-1]), "ch4_nl", tveg=0.0)}


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
        ensembles[name] = read_ensemble(folder / name)
    less, more = (ensembles[f"co2_{value:.0f}"].annual("gpp") for value in CARBON_DIOXIDE)
    return {
        "sens.co2": (more / np.where(less > 50.0, less, np.nan))[less > 50.0],
        "sens.water_table": deep_over_shallow([ensembles[f"drainage_{k}"] for k in range(len(DRAINAGES))]),
        "share.bare_bubbles": pathway_shares(ensembles["bare"])[1][ensembles["bare"].of("marsh")],
    }


def deep_over_shallow(runs: list[Ensemble]) -> np.ndarray:
    """CH4 with the water table at 30 cm over that at 10 cm (n,): growing-season means of the runs, interpolated.

    Rice, which is irrigated, is left out, and sites whose water table does not span both depths.
    """
    season = [run.growing() for run in runs]
    depth = np.array([run.mean_where("wtd", days) for run, days in zip(runs, season, strict=True)])
    flux = np.array([run.mean_where("fch4", days) for run, days in zip(runs, season, strict=True)])
    found = []
    for k in np.flatnonzero(runs[0].of(*(name for name in WETLANDS if name != "rice"))):
        order = np.argsort(depth[:, k])
        x, y = depth[order, k], flux[order, k]
        if np.isfinite(x).all() and x[0] <= SHALLOW and x[-1] >= DEEP:
            shallow, deep = np.interp([SHALLOW, DEEP], x, y)
            if shallow >= LEAST_FLUX:
                found.append(max(float(deep / shallow), 0.0))
    return np.array(found)
