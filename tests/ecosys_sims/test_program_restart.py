"""A run may be stopped and continued, and its sites cut into blocks, without changing a single bit."""

from pathlib import Path

import netCDF4
import numpy as np
import pytest

from tests.ecosys_sims.program_case import (
    ALL_INPUTS,
    ALL_STATICS,
    DATASET_VARIABLES,
    Case,
    synthetic_weather,
    write_forcing,
    write_sites,
    write_stub,
)  # fmt: skip

LAT = [64.0, 51.0, 41.0, -12.0, 70.0]


@pytest.fixture
def case(ecosys_exe: Path, tmp_path: Path) -> Case:
    write_sites(tmp_path / "sites.nc", LAT)
    write_stub(tmp_path / "stub.pt", ALL_INPUTS, ALL_STATICS)
    return Case(ecosys_exe, tmp_path)


def groups(scheme: str, **run_ctl) -> dict:
    run = {"fsites": "sites.nc", "seed": 5, "spinup_years": 1, "bgc_scheme": scheme} | run_ctl
    return {"run_ctl": run, "emulator_nl": {"file": "stub.pt"}}


def assert_same(whole: dict, parts: list[dict]) -> None:
    for name in DATASET_VARIABLES:
        joined = np.concatenate([part[name] for part in parts], axis=1)
        assert joined.tobytes() == whole[name].tobytes(), f"{name} differs"


@pytest.mark.parametrize("scheme", ["process", "emulator"])
def test_restart_is_bit_for_bit(case, scheme):
    whole = case.complete(groups(scheme, stop_n=3, rest_frq="yearly"), "whole")
    first = case.complete(groups(scheme, stop_n=1, rest_frq="end"), "first")
    second = case.complete(
        groups(scheme, start_date="2002-01-01", stop_n=2, finidat="first.r.2002-01-01-00000.nc"), "second"
    )
    assert_same(whole, [first, second])
    assert (case.folder / "rpointer.lnd").read_text() == "first.r.2002-01-01-00000.nc\n"
    files = [case.folder / f"{name}.r.2002-01-01-00000.nc" for name in ("whole", "first")]
    with netCDF4.Dataset(files[0]) as left, netCDF4.Dataset(files[1]) as right:
        assert left.variables.keys() == right.variables.keys()
        for name in left.variables:
            assert np.array_equal(left[name][:], right[name][:]), name


@pytest.mark.parametrize("scheme", ["process", "emulator"])
def test_restart_in_the_middle_of_a_year(case, scheme):
    whole = case.complete(groups(scheme, stop_n=150, stop_option="ndays"), "whole")
    first = case.complete(groups(scheme, stop_n=59, stop_option="ndays", rest_frq="end"), "first")
    second = case.complete(
        groups(scheme, start_date="2001-03-01", stop_n=91, stop_option="ndays", finidat="first.r.2001-03-01-00000.nc"),
        "second",
    )
    assert_same(whole, [first, second])


def test_restart_with_daily_forcing_file(case):
    """The random hour of rain comes from the restart file as well."""
    weather = {name: np.stack([values] * 5, axis=1) for name, values in synthetic_weather(730, 1).items()}
    write_forcing(case.folder / "met.nc", weather, 1, sites=[f"S{i}" for i in range(5)])
    forcing = {"forcing_nl": {"source": "netcdf", "file": "met.nc"}}
    whole = case.complete(groups("process", stop_n=2) | forcing, "whole")
    first = case.complete(groups("process", stop_n=200, stop_option="ndays", rest_frq="end") | forcing, "first")
    second = case.complete(
        groups("process", start_date="2001-07-20", stop_n=530, stop_option="ndays",
               finidat="first.r.2001-07-20-00000.nc") | forcing, "second")  # fmt: skip
    assert_same(whole, [first, second])


@pytest.mark.parametrize("scheme", ["process", "emulator"])
def test_sites_do_not_depend_on_their_block(case, scheme):
    whole = case.complete(groups(scheme), "whole")
    parts = []
    for k, order in enumerate(([3], [4, 0], [2, 1])):
        write_sites(case.folder / f"block{k}.nc", LAT, order=order)
        block = case.complete(groups(scheme, fsites=f"block{k}.nc"), f"block{k}")
        parts += [({name: block[name][[i]] for name in DATASET_VARIABLES}, site) for i, site in enumerate(order)]
    for block, site in parts:
        for name in DATASET_VARIABLES:
            assert block[name].tobytes() == whole[name][[site]].tobytes(), f"{name} of site {site} differs"


def test_restart_may_be_cut_into_other_blocks(case):
    whole = case.complete(groups("process", stop_n=2), "whole")
    case.complete(groups("process", rest_frq="end"), "first")
    write_sites(case.folder / "block.nc", LAT, order=[4, 2])
    block = case.complete(
        groups("process", fsites="block.nc", start_date="2002-01-01", finidat="first.r.2002-01-01-00000.nc"), "block"
    )
    for name in DATASET_VARIABLES:
        assert block[name].tobytes() == whole[name][[4, 2], 365:].tobytes(), f"{name} differs"


def test_physics_is_the_same_under_both_schemes(case):
    process = case.complete(groups("process", stop_n=2), "process")
    emulated = case.complete(groups("emulator", stop_n=2), "emulated")
    for name in DATASET_VARIABLES:
        if name in ("gpp", "ra", "rh", "nee", "fch4"):
            assert emulated[name].shape == process[name].shape
            assert emulated[name].tobytes() != process[name].tobytes()
        else:
            assert emulated[name].tobytes() == process[name].tobytes(), f"{name} differs"


def test_seed_and_site_number_make_the_weather(case):
    first = case.complete(groups("process"), "first")
    other = case.complete(groups("process", seed=6), "other")
    assert not np.any(first["tas"] == other["tas"])
    write_sites(case.folder / "sites.nc", LAT, site_number=[3, 3, 3, 4, 5])
    same = case.complete(groups("process", seed=5), "same")
    wet = same["pr"] > 0
    assert np.array_equal(first["tas"][3:], same["tas"][3:])
    assert not np.array_equal(first["tas"][0], same["tas"][0])
    assert np.array_equal(wet[0], wet[1]) and 0 < wet[0].mean() < 1  # one number, one sequence of rainy days
    assert not np.array_equal(wet[2], wet[3])


def test_restart_from_another_scheme_or_date(case):
    case.complete(groups("process", rest_frq="end"), "first")
    done = case.run(groups("emulator", start_date="2005-01-01", finidat="first.r.2002-01-01-00000.nc"), "second")
    assert done.returncode == 0, done.stderr
    assert "is of 2002-01-01, the run starts on 2005-01-01" in done.stdout
    assert "has no emulator state, the emulator starts without memory" in done.stdout


def test_bad_restart_files(case):
    case.complete(groups("process", rest_frq="end"), "first")
    file = "first.r.2002-01-01-00000.nc"
    write_sites(case.folder / "more.nc", [*LAT, 30.0])
    message = case.run(groups("process", fsites="more.nc", finidat=file)).stderr
    assert f"{file}: site S5 is not in the restart file" in message
    assert "sites.nc: not a restart file of ecosys" in case.run(groups("process", finidat="sites.nc")).stderr
    content = (case.folder / file).read_bytes()
    (case.folder / file).write_bytes(content[: len(content) // 2])
    done = case.run(groups("process", finidat=file))
    assert done.returncode == 1 and "truncated" in done.stderr
