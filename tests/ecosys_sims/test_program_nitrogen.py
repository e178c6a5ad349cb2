"""Nitrogen through the program: what fertiliser does to maize, its emission factor of N2O, and the balance."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.ecosys_sims.program_case import Case, write_sites

N_PER_N2O = 28.014 / 44.013
DAY = 86400.0
YEARS = 4


@pytest.fixture(scope="module")
def maize(tmp_path_factory: pytest.TempPathFactory, ecosys_exe: Path) -> dict[str, np.ndarray]:
    """Continuous maize in Nebraska and in a wetter place, each without fertiliser and with 15 g m-2 a year."""
    case = Case(ecosys_exe, tmp_path_factory.mktemp("maize"))
    n = 4
    write_sites(case.folder / "sites.nc", [41.2, 41.2, 40.1, 40.1], biome=[13] * n, ph=[6.3] * n, sand=[0.2] * n,
                clay=[0.25] * n, t_ann=[283.65, 283.65, 284.65, 284.65], annual_precip=[750.0, 750.0, 950.0, 950.0],
                continentality=[50.0] * n, site_number=[1, 2, 3, 4],
                rotation=[1.0] * n, n_fertiliser=[0.0, 15.0, 0.0, 15.0])  # fmt: skip
    history = case.complete({
        "run_ctl": {"fsites": "sites.nc", "stop_n": YEARS, "spinup_years": 2},
        "hist_nl": {"hist_diagnostics": True},
    })  # fmt: skip
    balance = json.loads((case.folder / "case.balance.json").read_text())
    assert 0 < balance["nitrogen_g_m2_day"] < 1e-8
    return history


@pytest.fixture
def case(ecosys_exe: Path, tmp_path: Path) -> Case:
    return Case(ecosys_exe, tmp_path)


def yearly(values: np.ndarray) -> np.ndarray:
    """kg m-2 s-1 (site, day) to the mean g m-2 year-1 of each site."""
    return values.astype(float).sum(axis=1) * DAY * 1e3 / YEARS


def test_fertiliser_is_given_and_taken_up(maize):
    assert yearly(maize["fertilisation"]) == pytest.approx([0, 15, 0, 15], rel=1e-3)
    uptake = yearly(maize["n_uptake"])
    assert np.all(uptake[1::2] - uptake[::2] > 5)
    harvest = yearly(maize["n_harvest"])
    assert np.all((harvest[1::2] > 8) & (harvest[1::2] < 18))  # 8 t ha-1 of grain hold about 11 g m-2


def test_maize_without_fertiliser_is_limited(maize):
    gpp = yearly(maize["gpp"])
    limit = (maize["f_n"] * maize["gpp"]).sum(axis=1) / maize["gpp"].sum(axis=1)
    assert np.all(limit[1::2] > 0.85) and np.all(limit[::2] < limit[1::2] - 0.05)
    assert np.all(gpp[1::2] > 1.1 * gpp[::2])


def test_emission_factor_of_fertiliser(maize):
    """0.5-5 kg N ha-1 a year from fertilised maize; 0.3 to 3 % of the fertiliser (IPCC 2019)."""
    n2o = yearly(maize["fn2o"]) * N_PER_N2O
    assert np.all((n2o[1::2] > 0.05) & (n2o[1::2] < 0.5))
    factor = (n2o[1::2] - n2o[::2]) / 15.0
    assert np.all((factor > 0.003) & (factor < 0.03))


def test_carbon_does_not_depend_on_nitrogen_where_the_limit_is_off(case):
    # without the methanotrophs, which ammonium slows
    groups = {"run_ctl": {"spinup_years": 1}, "site_nl": {"biome": "cropland", "lat": 41.2, "t_ann": 283.65}}
    runs = {}
    for strength in (0.0, 1.0):
        for fertiliser in (0.0, 25.0):
            name = f"n{strength:.0f}f{fertiliser:.0f}"
            more = {"nitrogen_nl": {"n_limit": strength}, "crop_nl": {"n_fertiliser": fertiliser, "rotation": 1.0},
                    "ch4_nl": {"ham_vmax": 0.0}}  # fmt: skip
            runs[strength, fertiliser] = case.complete(groups | more, name)
    for name in ("gpp", "ra", "rh", "nee", "fch4"):
        assert runs[0.0, 0.0][name].tobytes() == runs[0.0, 25.0][name].tobytes(), name
        if name != "fch4":
            assert runs[1.0, 0.0][name].tobytes() != runs[1.0, 25.0][name].tobytes(), name
    assert runs[0.0, 25.0]["fn2o"].sum() > runs[0.0, 0.0]["fn2o"].sum() > 0
