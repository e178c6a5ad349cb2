"""Every parameter of the program changes the output, but for those that parameter_effects lists with a reason."""

from dataclasses import fields
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from benchmarks.model_runs import CODES, history_path, run_case, usual_sites, write_case_sites
from ecosys_sims.ensemble.parameter_effects import WITHOUT_EFFECT, why_without_effect
from ecosys_sims.formats import biomes, variables
from ecosys_sims.formats.site_table import SiteTable
from ecosys_sims.program.parameter_table import ParameterInfo, parameter_table

BLOCK = 24
OUTPUT = [variable.name for variable in variables.DAILY if variable.role in ("state", "target")]
# Where a parameter is tried by the quick test, the first at which it has an effect.
PREFERRED = ["fen", "temperate_forest", "cropland", "rice", *biomes.BY_NAME]
FITTING = {"b0": "temperate_forest", "thaw_depth": "wet_tundra", "thaw_span": "wet_tundra", "thaw_k_out": "wet_tundra",
           "thaw_h_max": "wet_tundra", "z_b": "marsh", "f_x": "marsh"}  # fmt: skip
# Parameters that change nothing at some of the sites tried, and why.
DEPENDS_ON_SITE = {
    "b0": "the soil is never dry enough",
    "k_out": "no water is left to drain",
    "drain_year": "no water is left to drain",
    "h_max": "water never stands so high",
    "z_b": "the water table never falls so low",
    "f_x": "methane never reaches the pressure of a bubble",
    "ddf": "no snow falls",
    "n_uptake": "nitrogen is never short",
    "n_limit": "nitrogen is never short",
    "k_denit": "the soil is never wet enough",
    "thaw_depth": "there is no permafrost",
}
INUNDATION = ("topo_shape", "topo_scale", "topo_f", "mgo_inund")  # act with that option of &run_ctl only
START = 2001
# Parameters of events: they act with one another. parameter -> what else is set
COMPANY: dict[str, dict[str, float]] = {
    "drain_span": {"drain_year": START},
    "drain_factor": {"drain_year": START, "drain_span": 2.0},
    "drain_year": {"drain_span": 2.0},
    "shift_span": {"shift_year": START},
    "shift_lai": {"shift_year": START},
    "shift_tveg": {"shift_year": START},
    "walk_year": {"mgo_walk": 0.3},
    "thaw_span": {"thaw_depth": 0.05},
    "thaw_k_out": {"thaw_depth": 0.05, "thaw_span": 2.0},
    "thaw_h_max": {"thaw_depth": 0.05, "thaw_span": 2.0, "h_max": 0.0},
}


def values_to_try(info: ParameterInfo, default: float) -> list[float]:
    """Two values on both sides of the default, well away from it."""
    if info.name in ("drain_year", "shift_year", "walk_year"):
        return [START - 1.0, float(START)]
    if info.name in CODES:
        return [code for code in CODES[info.name] if code != default and code < 10.0][:3]
    if info.name == "thaw_depth":
        return [0.05]
    steps = (default + 0.4 * (info.maximum - default), default - 0.4 * (default - info.minimum))
    return [value for value in steps if value != default]


def has_effect(
    program: Path,
    folder: Path,
    table: dict[str, ParameterInfo],
    cases: list[tuple[str, str]],
    company: bool,
    **options: str,
) -> dict[tuple[str, str], bool]:
    """(parameter, biome) -> whether any state or flux of any day differs from that of the site with its defaults."""
    drawn = usual_sites(300, 3)
    site_of = {biome.name: int(np.flatnonzero(drawn.biome == biome.flag)[0]) for biome in biomes.BIOMES}
    tundra = np.flatnonzero(drawn.biome == biomes.BY_NAME["wet_tundra"].flag)
    site_of["wet_tundra"] = int(tundra[np.argmin(drawn.t_ann[tundra])])  # on permafrost
    members: list[tuple[str, str, dict[str, float]]] = []  # parameter, biome, what is set
    for name, biome in cases:
        companions = COMPANY.get(name, {}) if company else {}
        members.append((name, biome, companions))
        default = table[name].biome_defaults[biome]
        members += [(name, biome, companions | {name: value}) for value in values_to_try(table[name], default)]
    index = [site_of[biome] for _, biome, _ in members]
    columns = {column.name: getattr(drawn, column.name)[index] for column in fields(SiteTable)}
    columns["site_id"] = np.array([f"M{number:05d}" for number in range(len(members))])
    sites = SiteTable(**columns)
    values = {name: np.array([companions.get(name, np.nan) for _, _, companions in members]) for name in table}
    rows = []
    for first in range(0, len(members), BLOCK):
        part, where = slice(first, first + BLOCK), folder / str(first)
        fsites = write_case_sites(where, sites.part(first, first + BLOCK), {n: v[part] for n, v in values.items()})
        run = run_case(program, where, {
            "run_ctl": {"fsites": fsites, "start_date": f"{START}-07-01", "stop_n": 365, "stop_option": "ndays",
                        "spinup_years": 1} | options,
            "hist_nl": {"hist_deflate": 0},
        })  # fmt: skip
        assert run.code == 0, run.message
        with netCDF4.Dataset(history_path(where)) as file:
            file.set_auto_mask(False)
            rows.append(np.stack([file[name][:] for name in OUTPUT], axis=1))
    output = np.concatenate(rows)
    effects: dict[tuple[str, str], bool] = {}
    base = 0
    for number, (name, biome, companions) in enumerate(members):
        if companions == (COMPANY.get(name, {}) if company else {}):
            base = number
            effects[name, biome] = False
        effects[name, biome] |= not np.array_equal(output[number], output[base])
    return effects


@pytest.mark.slow
def test_every_parameter_changes_the_output(ecosys_exe: Path, tmp_path: Path) -> None:
    """Each at one biome where it must, together with the parameters of the same event."""
    table = parameter_table(ecosys_exe)
    cases = [(name, fitting_biome(name)) for name in table if name not in INUNDATION]
    effects = has_effect(ecosys_exe, tmp_path / "most", table, cases, company=True)
    flooded = [(name, "fen") for name in INUNDATION]
    effects |= has_effect(ecosys_exe, tmp_path / "flooded", table, flooded, company=True, inundation="topmodel")
    expected = {case: case[0] in COMPANY or why_without_effect(*case) is None for case in cases}
    expected |= dict.fromkeys(flooded, True)
    assert {name for name, _ in effects} == set(table)
    assert [case for case in expected if effects[case] != expected[case]] == []


def fitting_biome(name: str) -> str:
    """Where the quick test tries a parameter."""
    if name in FITTING:
        return FITTING[name]
    return next((biome for biome in PREFERRED if why_without_effect(name, biome) is None), "fen")


@pytest.mark.slow
@pytest.mark.parametrize("biome", list(biomes.BY_NAME))
def test_parameters_without_effect_are_those_listed(ecosys_exe: Path, tmp_path: Path, biome: str) -> None:
    table = parameter_table(ecosys_exe)
    effects = has_effect(ecosys_exe, tmp_path, table, [(name, biome) for name in table], company=False)
    silent = {name for (name, _), changed in effects.items() if not changed}
    listed = {name for name in table if why_without_effect(name, biome)}
    assert listed <= silent, "they do change something"
    assert silent - listed <= set(DEPENDS_ON_SITE), "neither listed nor known to depend on the site"


def test_the_list_is_of_parameters_and_biomes_that_there_are(ecosys_exe: Path) -> None:
    table = parameter_table(ecosys_exe)
    for name, where in WITHOUT_EFFECT.items():
        assert name in table and set(where) <= set(biomes.BY_NAME) and all(where.values())
