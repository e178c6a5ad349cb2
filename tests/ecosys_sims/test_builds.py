"""The same seed gives the same results however the program is built and however sites are cut into blocks."""

from pathlib import Path

import netCDF4
import numpy as np
import pytest

from benchmarks.model_runs import (
    build_program,
    history_path,
    largest_difference,
    run_case,
    usual_sites,
    write_case_sites,
    year_of_all_biomes,
)


@pytest.mark.slow
def test_builds_without_and_with_optimisation_agree(tmp_path: Path) -> None:
    """A site of each biome for a year: relative differences of states in double precision, and of all fluxes."""
    files = {
        level: year_of_all_biomes(build_program(tmp_path / f"build{level}", level), tmp_path / f"run{level}")
        for level in ("-O0", "-O2")
    }
    history, state = (largest_difference(files["-O0"][k], files["-O2"][k]) for k in (0, 1))
    assert len(state) > 20 and len(history) > 20
    assert max(state.values()) <= 1e-9, state
    assert max(history.values()) <= 1e-9, history  # float32 on file: the same numbers


def test_a_difference_is_found(tmp_path: Path) -> None:
    for name, change in (("a", 1.0), ("b", 1.0 + 1e-7)):
        with netCDF4.Dataset(tmp_path / f"{name}.nc", "w") as file:
            file.createDimension("site", 3)
            file.createVariable("x", "f8", ("site",))[:] = [1.0, 0.0, 1e-12 * change]
            file.createVariable("y", "f8", ("site",))[:] = [5.0, -3.0 * change, 2.0]
    differences = largest_difference(tmp_path / "a.nc", tmp_path / "b.nc")
    assert differences["y"] == pytest.approx(1e-7, rel=1e-3)
    assert differences["x"] < 1e-12  # far below the largest value of its variable


def simulate(program: Path, folder: Path, first: int, last: int) -> dict[str, np.ndarray]:
    """Some of 16 sites of all kinds in one block; every number of the history by site."""
    table = write_case_sites(folder, usual_sites(16, 9).part(first, last))
    groups = {
        "run_ctl": {"fsites": table, "stop_n": 45, "stop_option": "ndays", "start_date": "2001-05-01",
                    "spinup_years": 0},
        "hist_nl": {"hist_diagnostics": True},
    }  # fmt: skip
    run = run_case(program, folder, groups)
    assert run.code == 0, run.message
    with netCDF4.Dataset(history_path(folder)) as file:
        file.set_auto_mask(False)
        return {name: v[:] for name, v in file.variables.items() if "site" in v.dimensions and v.dtype is not str}


@pytest.fixture(scope="module")
def whole(ecosys_exe: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    return simulate(ecosys_exe, tmp_path_factory.mktemp("whole"), 0, 16)


@pytest.mark.parametrize("size", [1, 3, 7])
def test_any_blocking_gives_the_same_bits(whole, ecosys_exe: Path, tmp_path: Path, size: int) -> None:
    parts = [simulate(ecosys_exe, tmp_path / str(first), first, min(first + size, 16)) for first in range(0, 16, size)]
    assert len(whole) > 30
    for name, values in whole.items():
        assert np.concatenate([part[name] for part in parts]).tobytes() == values.tobytes(), name
