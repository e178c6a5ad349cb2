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


@pytest.mark.parametrize(("dt", "bar"), [(1800, 0.02), (86400, 0.055)])
def test_annual_methane_hardly_depends_on_the_step(case, hourly, dt, bar):
    change = annual(case, dt) / hourly - 1
    assert np.all(np.abs(change) < bar), np.round(100 * change, 2)
