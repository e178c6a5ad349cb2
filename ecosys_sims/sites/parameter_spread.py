"""How the hidden parameters spread between sites of one biome: size, limits, and what climate and soil have to do.

Ranges follow the literature that docs/process_model.md cites; the biome's default, the centre of the spread, is the
program's own.
"""

from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Spread:
    """Spread of one parameter among the sites of one kind (wetlands or uplands).

    sd: standard deviation between sites of a biome, in the parameter's unit, or of its logarithm where `log`; lowest,
    highest: limits of the drawn values; drivers: weights of standardised predictors in the climate and soil
    regression (sites.py's columns and `npp`); only: biomes that have it, empty for all of the kind.
    """

    name: str
    sd: float
    lowest: float
    highest: float
    log: bool = True
    drivers: dict[str, float] = field(default_factory=dict)
    only: tuple[str, ...] = ()


# Parameters whose field and noise go together, with their correlation: (first, second, correlation).
PAIRS: tuple[tuple[str, str, float], ...] = (("omax", "kch4", 0.6),)

_VEGETATION: tuple[Spread, ...] = (
    Spread("kphio", 0.12, 0.02, 0.15, drivers={"npp": 0.8, "ph": 0.4}),
    Spread("b0", 0.08, 0.1, 1.0, log=False, drivers={"annual_precip": -0.8, "sand": -0.4}),
    Spread("lai_max", 0.22, 0.3, 7.5, drivers={"npp": 0.9, "ph": 0.3}),
    Spread("sla", 0.12, 0.006, 0.06, drivers={"t_ann": 0.5, "annual_precip": 0.5}),
    Spread("rm25", 0.15, 0.03, 0.4, drivers={"t_ann": -0.9, "ph": 0.3}),
    Spread("turn_leaf", 0.12, 0.15, 2.5, drivers={"t_ann": 0.7, "annual_precip": -0.4}),
    Spread("turn_root", 0.15, 0.2, 2.0, drivers={"t_ann": 0.9}),
    Spread("f_exud", 0.25, 0.01, 0.2, drivers={"npp": 0.7, "sand": 0.5}),
    Spread("som_mult", 0.4, 0.3, 3.0, drivers={"clay": -0.6, "ph": 0.6}),
    Spread("mat_depth", 0.35, 0.005, 0.12, drivers={"t_ann": -0.8, "annual_precip": 0.4}),
    Spread("mat_k", 0.2, 0.08, 0.6, drivers={"annual_precip": 0.8, "sand": 0.3}),
    Spread("ddf", 0.15, 2.0, 6.0, drivers={"continentality": 0.8}),
    # The program's defaults with a spread of our choice.
    Spread("n_dep", 0.4, 0.05, 5.0, drivers={"t_ann": 0.5, "annual_precip": 0.6}),
    Spread("n_fix", 0.3, 0.05, 5.0, drivers={"npp": 0.8, "ph": 0.3}),
    Spread("k_nit", 0.3, 0.005, 0.3, drivers={"ph": 0.8, "clay": -0.3}),
    Spread("k_denit", 0.4, 0.01, 0.25, drivers={"clay": 0.7, "npp": 0.4}),
    Spread("n2o_nit", 0.4, 0.005, 0.08, drivers={"clay": 0.5, "ph": -0.6}),
)

_CROPS: tuple[Spread, ...] = tuple(
    replace(spread, only=("cropland", "rice"))
    for spread in (
        Spread("sow_shift", 6.0, -15.0, 15.0, log=False, drivers={"annual_precip": 0.5, "clay": 0.5}),
        Spread("gdd_factor", 0.04, 0.9, 1.1, log=False, drivers={"t_ann": 0.8}),
        Spread("n_fertiliser", 6.0, 0.0, 25.0, log=False, drivers={"annual_precip": 0.6, "npp": 0.4}),
        Spread("residue", 0.25, 0.2, 1.0, log=False, drivers={"sand": 0.4, "t_ann": -0.4}),
    )
)

WETLAND: tuple[Spread, ...] = (
    _VEGETATION
    + _CROPS
    + (
        Spread("irrigation", 0.3, 5.0, 60.0, drivers={"annual_precip": -0.8, "sand": 0.5}, only=("rice",)),
        Spread("root_depth", 0.3, 0.1, 1.0, drivers={"t_ann": 0.6, "annual_precip": -0.6}),
        Spread("porosity", 0.025, 0.45, 0.96, log=False, drivers={"annual_precip": 0.6, "ph": -0.6}),
        Spread("k_out", 0.35, 0.5, 6.0, drivers={"annual_precip": 0.8, "sand": 0.5}),
        Spread("l_out", 0.25, 0.05, 0.2, drivers={"sand": 0.6, "clay": -0.4}),
        Spread("q_in", 0.3, 0.0, 4.0, drivers={"annual_precip": 0.6, "ph": 0.6}),
        Spread("h_max", 0.4, 0.01, 0.4, drivers={"clay": 0.7, "annual_precip": 0.4}),
        Spread("z_b", 0.05, 0.3, 0.6, log=False, drivers={"t_ann": 0.7, "sand": 0.4}),
        Spread("mgo", 0.5, 0.05, 2.0, drivers={"npp": 0.8, "ph": 0.6}),
        Spread("pq10", 0.2, 1.7, 8.0, drivers={"t_ann": -0.9, "continentality": 0.3}),
        Spread("t_pr", 2.5, -5.0, 30.0, log=False, drivers={"t_ann": 1.0}),
        Spread("omax", 0.6, 0.5, 100.0, drivers={"sand": 0.7, "t_ann": 0.5}),
        Spread("kch4", 0.5, 1.0, 66.0, drivers={"sand": 0.6, "ph": -0.5}),
        Spread("oq10", 0.12, 1.1, 2.6, drivers={"t_ann": -0.8, "ph": 0.4}),
        Spread("t_or", 2.0, 2.0, 26.0, log=False, drivers={"t_ann": 1.0}),
        Spread("tveg", 0.35, 0.3, 15.0, drivers={"ph": 0.8, "t_ann": 0.4}),
        Spread("pox", 0.1, 0.3, 0.9, log=False, drivers={"sand": 0.6, "annual_precip": -0.6}),
        Spread("kp", 0.3, 0.003, 0.02, drivers={"npp": 0.9}),
        Spread("f_x", 0.08, 0.3, 0.8, log=False, drivers={"clay": 0.7, "t_ann": -0.4}),
        Spread("c_r", 0.4, 10.0, 100.0, drivers={"npp": 0.7, "ph": 0.5}),
        Spread("tau_sub", 0.3, 10.0, 60.0, drivers={"t_ann": -0.8, "ph": -0.4}),
        Spread("fresh_ref", 0.25, 20.0, 900.0, drivers={"npp": 0.9}),
    )
)

UPLAND: tuple[Spread, ...] = (
    _VEGETATION
    + _CROPS
    + (
        Spread("root_depth", 0.3, 0.3, 2.0, drivers={"t_ann": 0.5, "annual_precip": -0.7}),
        Spread("porosity", 0.03, 0.35, 0.65, log=False, drivers={"clay": 0.8, "sand": -0.4}),
        Spread("k_out", 0.4, 3.0, 120.0, drivers={"sand": 0.8, "annual_precip": 0.4}),
        Spread("d_water", 0.3, 0.5, 5.0, drivers={"annual_precip": -0.7, "sand": 0.6}),
        Spread("omax", 0.45, 0.5, 50.0, drivers={"sand": 0.7, "t_ann": 0.5}),
        Spread("kch4", 0.5, 1.0, 66.0, drivers={"sand": 0.6, "ph": -0.5}),
        Spread("oq10", 0.08, 1.1, 2.0, drivers={"t_ann": -0.8, "ph": 0.4}),
        Spread("ham_vmax", 0.3, 0.5, 10.0, drivers={"sand": 0.7, "annual_precip": -0.4}),
        Spread("ham_k", 0.25, 0.03, 0.12, drivers={"sand": 0.5, "ph": -0.5}),
        Spread("ham_q10", 0.08, 1.3, 2.0, drivers={"t_ann": -0.8, "ph": 0.4}),
        Spread("ham_half", 0.4, 0.005, 0.2, drivers={"clay": -0.6, "npp": 0.4}),
        Spread("ham_on", 0.25, 5.0, 15.0, drivers={"t_ann": -0.7}),
        Spread("ham_off", 0.25, 20.0, 60.0, drivers={"clay": 0.6}),
        Spread("ham_kn", 0.3, 10.0, 40.0, drivers={"clay": 0.7}),
        Spread("t_or", 2.0, 0.0, 28.0, log=False, drivers={"t_ann": 1.0}),
    )
)
