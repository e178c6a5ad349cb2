"""Annual methane of every biome with other steps: half an hour and a day against an hour."""

from pathlib import Path

import numpy as np
import pytest

from tests.ecosys_sims.program_case import Case, write_sites

LAT = [55.0, 57.0, 42.0, 10.0, 69.0, 32.0, 60.0, 45.0, 0.0, 42.0, 32.0, 68.0, 41.0]
PRECIP = [650.0, 700.0, 900.0, 1900.0, 300.0, 1200.0, 500.0, 1000.0, 2600.0, 600.0, 300.0, 350.0, 850.0]
CONTINENTALITY = [40.0, 35.0, 40.0, 8.0, 45.0, 30.0, 50.0, 40.0, 5.0, 50.0, 30.0, 45.0, 50.0]


@pytest.fixture(scope="module")
def case(ecosys_exe: Path, tmp_path_factory: pytest.TempPathFactory) -> Case:
    case = Case(ecosys_exe, tmp_path_factory.mktemp("methane"))
    write_sites(case.folder / "sites.nc", LAT, biome=list(range(1, 14)), annual_precip=PRECIP,
                continentality=CONTINENTALITY)  # fmt: skip
    return case


def annual(case: Case, dt: int) -> np.ndarray:
    """Methane flux (13,) of a year after one of spin-up, mg m-2 day-1."""
    run = {"fsites": "sites.nc", "spinup_years": 1, "dt_phys": dt}
    history = case.complete({"run_ctl": run, "hist_nl": {"hist_fields": "fch4"}}, f"dt{dt}")
    return history["fch4"].mean(axis=1) * 86400e6


@pytest.fixture(scope="module")
def hourly(case: Case) -> np.ndarray:
    return annual(case, 3600)


@pytest.mark.parametrize(("dt", "bar"), [(1800, 0.02), (86400, 0.03)])
def test_annual_methane_hardly_depends_on_the_step(case, hourly, dt, bar):
    change = annual(case, dt) / hourly - 1
    assert np.all(np.abs(change) < bar), np.round(100 * change, 2)


def inundated(case: Case, name: str, days: int, start: str = "2001-01-01", **run_ctl) -> dict[str, np.ndarray]:
    """A run with inundation; its history."""
    run = {"fsites": "sites.nc", "spinup_years": 0, "inundation": "topmodel", "stop_option": "ndays", "stop_n": days,
           "start_date": start, "dt_phys": 10800} | run_ctl  # fmt: skip
    return case.complete({"run_ctl": run, "hist_nl": {"hist_diagnostics": True}}, name)


def test_inundated_share_emits_and_survives_a_restart(case):
    whole = inundated(case, "whole", 200)
    inundated(case, "first", 120, rest_frq="end")
    second = inundated(case, "second", 80, "2001-05-01", finidat="first.r.2001-05-01-00000.nc")
    for name in ("fch4", "finund", "ch4_uptake_ham", "c_ham", "redox_10cm"):
        assert whole[name][:, 120:].tobytes() == second[name].tobytes(), name
    assert np.all((whole["finund"] >= 0) & (whole["finund"] < 1))
    assert np.all(np.ptp(whole["finund"][:6], axis=1) > 0)
    summer = whole["fch4"][:, 160:].mean(axis=1)
    assert np.all(summer[6:] > 0), "uplands with an inundated share should emit"


def test_restart_without_an_inundated_share_is_refused(case):
    run = {"fsites": "sites.nc", "spinup_years": 0, "stop_option": "ndays", "stop_n": 2, "rest_frq": "end"}
    case.complete({"run_ctl": run}, "dry")
    run |= {"start_date": "2001-01-03", "finidat": "dry.r.2001-01-03-00000.nc", "inundation": "topmodel"}
    done = case.run({"run_ctl": run}, "flooded")
    assert done.returncode == 1 and "of another inundation in &run_ctl than the run, 'topmodel'" in done.stderr, (
        done.stderr
    )


def test_diagnostics_of_the_high_affinity_guild(case):
    run = {"fsites": "sites.nc", "spinup_years": 1, "dt_phys": 10800}
    found = case.complete({"run_ctl": run, "hist_nl": {"hist_diagnostics": True}}, "guild")
    uptake, oxidised = found["ch4_uptake_ham"].mean(axis=1), found["ch4_oxidation"].mean(axis=1)
    assert np.all(uptake[:6] == 0), "wetlands have no high-affinity guild by default"
    assert np.all(uptake[6:] > 0.5 * oxidised[6:]), "most of an upland's uptake is theirs"
    assert np.all((found["c_ham"][6:] > 1e-6) & (found["c_ham"][6:] < 2e-4))  # kg m-2
    assert np.all((found["redox_10cm"] >= -300) & (found["redox_10cm"] <= 600))
    assert found["redox_10cm"][:6].min() < -200 and found["redox_10cm"][6:].max() > 500
    assert not found["finund"].any()
