"""Where a parameter of the process model changes nothing, and why: what one-at-a-time designs warn of.

A test perturbs every parameter at every biome. Parameters that are not listed here may still change nothing at one
site or another: the degree-day factor where there is no snow, the lowest water table where it is never reached.
"""

from ecosys_sims.formats import biomes

EVERYWHERE = frozenset(biomes.BY_NAME)
WETLANDS = frozenset(biome.name for biome in biomes.BIOMES if biome.wetland)
UPLANDS = EVERYWHERE - WETLANDS
CROPS = frozenset({"cropland", "rice"})
HERBS = frozenset({"marsh", "rice", "grassland", "cropland"})

# Reason, biomes at whose defaults it holds, parameters.
_REASONS: tuple[tuple[str, frozenset[str], tuple[str, ...]], ...] = (
    ("the water table of a wetland does not rest on groundwater below it", WETLANDS, ("d_water",)),
    ("uplands have no outflow, inflow or lower boundary of a wetland's store", UPLANDS, ("l_out", "q_in", "z_b")),
    ("only fields and paddies are irrigated", UPLANDS - CROPS, ("irrigation",)),
    ("no methane is produced in the soil of uplands (mgo is 0)", UPLANDS,
     ("pq10", "t_pr", "f_x", "ph_min", "walk_year", "mgo_walk")),
    ("the water table lies below the soil that can produce methane", UPLANDS - {"tundra"}, ("mgo", "c_r")),
    ("no plants that conduct methane (tveg is 0)", UPLANDS - {"tundra"}, ("pox", "kp", "shift_tveg")),
    ("no high-affinity methanotrophs (ham_vmax is 0)", WETLANDS,
     ("ham_k", "ham_q10", "ham_yield", "ham_maint", "ham_death", "ham_half", "ham_on", "ham_off", "ham_kn")),
    ("no wood is grown (alloc_wood is 0)", HERBS, ("turn_wood",)),
    ("no soybean is grown", EVERYWHERE - {"cropland"}, ("n_legume",)),
    ("crops follow their development and are harvested by kind", CROPS,
     ("alloc_wood", "harvest_fraction", "lai_min", "turn_leaf")),
    ("nothing is drained or rewetted while drain_year is 0", EVERYWHERE, ("drain_span", "drain_factor")),
    ("vegetation does not shift while shift_year is 0", EVERYWHERE, ("shift_span", "shift_lai", "shift_tveg")),
    ("methane production does not wander while mgo_walk is 0", EVERYWHERE, ("walk_year",)),
    ("no ground collapses while thaw_depth is 0", EVERYWHERE, ("thaw_span", "thaw_k_out", "thaw_h_max")),
    ("the inundated share of a site is computed with inundation = 'topmodel' only", EVERYWHERE,
     ("topo_shape", "topo_scale", "topo_f", "mgo_inund")),
    ("no crops", EVERYWHERE - CROPS,
     ("cultivar_trend", "sow_shift", "gdd_factor", "n_fertiliser", "residue", "tillage", "lue_scheme")),
)  # fmt: skip


def _by_parameter() -> dict[str, dict[str, str]]:
    reasons: dict[str, dict[str, str]] = {}
    for reason, where, names in _REASONS:
        for name in names:
            for biome in where:
                reasons.setdefault(name, {}).setdefault(biome, reason)
    return reasons


# parameter -> biome -> why the parameter changes nothing at a site with the biome's other defaults
WITHOUT_EFFECT: dict[str, dict[str, str]] = _by_parameter()


def why_without_effect(name: str, biome: str) -> str | None:
    """The reason for which a parameter changes nothing at a biome; None where it does change something."""
    return WITHOUT_EFFECT.get(name, {}).get(biome)
