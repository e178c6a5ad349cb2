"""A run may be stopped and continued, and its sites cut into blocks, without changing a single bit."""

import os
import resource
import zlib
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


def test_daily_mode_restarts_and_parts_bit_for_bit(case):
    whole = case.complete(groups("process", stop_n=2, dt_phys=86400), "whole")
    first = case.complete(groups("process", dt_phys=86400, rest_frq="end"), "first")
    restart = {"start_date": "2002-01-01", "finidat": "first.r.2002-01-01-00000.nc", "dt_phys": 86400}
    assert_same(whole, [first, case.complete(groups("process", **restart), "second")])
    write_sites(case.folder / "block.nc", LAT, order=[4, 2])
    block = case.complete(groups("process", fsites="block.nc", stop_n=2, dt_phys=86400), "block")
    for name in DATASET_VARIABLES:
        assert block[name].tobytes() == whole[name][[4, 2]].tobytes(), f"{name} differs"


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
    weather["SWdown"] *= 0.2  # no more than arrives at the northernmost site
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
        if name in ("gpp", "ra", "rh", "nee", "fch4", "fn2o"):
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


# ---- a restart file of something else ----


def test_restart_of_another_calendar(case):
    case.complete(groups("process", rest_frq="end"), "first")
    message = case.run(groups("process", calendar="noleap", finidat="first.r.2002-01-01-00000.nc")).stderr
    assert "first.r.2002-01-01-00000.nc: the restart file is of the calendar 'standard', the run of 'noleap'" in message


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"biome": [1, 4, 2, 10, 13]}, "biome of site S2 is 7 in the restart file and 2 in the run"),
        ({"north": [64.0, 51.0, 41.0, 12.0, 70.0]}, "lat of site S3 is -12 in the restart file and 12 in the run"),
        ({"site_number": [1, 2, 3, 4, 9]}, "site_number of site S4 is 5 in the restart file and 9 in the run"),
    ],
)
def test_restart_of_other_sites_of_the_same_name(case, columns, expected):
    case.complete(groups("process", rest_frq="end"), "first")
    columns = dict(columns)
    write_sites(case.folder / "other.nc", columns.pop("north", LAT), **columns)
    file = "first.r.2002-01-01-00000.nc"
    done = case.run(groups("process", fsites="other.nc", start_date="2002-01-01", finidat=file))
    assert done.returncode == 1 and f"{file}: {expected}" in done.stderr, done.stderr


def test_restart_of_another_artefact(case):
    case.complete(groups("emulator", rest_frq="end"), "first")
    first = (case.folder / "stub.pt").read_bytes()
    again = groups("emulator", start_date="2002-01-01", finidat="first.r.2002-01-01-00000.nc")
    write_stub(case.folder / "stub.pt", ALL_INPUTS, ALL_STATICS, limits={"valid_max": 1e9})
    second = (case.folder / "stub.pt").read_bytes()
    done = case.run(again, "second")
    assert done.returncode == 1, done.stdout
    for content in (first, second):  # the checksum is that of zip files
        assert f"stub (stub, {len(content)} bytes, CRC-32 {zlib.crc32(content):08X})" in done.stderr
    (case.folder / "stub.pt").write_bytes(first)
    case.complete(again, "second")


# ---- runs that end early ----


def daily_weather(case: Case, bad_day: int | None) -> dict:
    """Groups of a run of one site and three years from a file, with a gap at `bad_day`."""
    weather = synthetic_weather(3 * 365, 1)
    if bad_day is not None:
        weather["SWdown"][bad_day] = np.nan
    write_forcing(case.folder / "met.nc", weather, 1)
    return {"run_ctl": {"spinup_years": 0, "stop_n": 3, "rest_frq": "yearly"},
            "forcing_nl": {"source": "netcdf", "file": "met.nc"}}  # fmt: skip


def test_failure_after_a_restart_keeps_the_history_that_leads_to_it(case):
    whole = case.complete(daily_weather(case, None), "whole")
    done = case.run(daily_weather(case, 2 * 365 + 40), "broken")
    name = "broken.h0.2001-01-01-00000.nc"
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert "SWdown is missing (NaN, fill or outside its valid range)" in done.stderr
    assert f"the history up to the restart file of 2003-01-01 is kept as ./{name}.tmp" in done.stderr
    assert not (case.folder / name).exists()
    assert (case.folder / "rpointer.lnd").read_text() == "broken.r.2003-01-01-00000.nc\n"
    with netCDF4.Dataset(case.folder / f"{name}.tmp") as file:
        for variable in ("tas", "nee", "fch4"):
            assert np.array_equal(file[variable][:, :730], whole[variable][:, :730])
            assert np.all(np.ma.getmaskarray(file[variable][:, 730:]))


def test_failure_before_a_restart_leaves_no_history(case):
    done = case.run(daily_weather(case, 40), "broken")
    assert done.returncode == 1 and "is kept" not in done.stderr
    assert not list(case.folder.glob("broken.h0.*")) and not list(case.folder.glob("*.tmp"))


@pytest.mark.parametrize("deflate", [0, 4])
def test_full_disk_after_a_restart_keeps_the_history_that_leads_to_it(case, deflate):
    """The first years and their restart files fit below the limit, the later ones do not."""
    run = groups("process", stop_n=6, rest_frq="yearly") | {"hist_nl": {"hist_deflate": deflate}}
    whole = case.complete(run, "whole")
    sizes = [path.stat().st_size for path in case.folder.glob("whole.*.nc")]
    limit = max(sizes) // 2
    done = case.run(run, "broken", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    assert done.returncode == 4 and "is the disk full" in done.stderr and "is kept as" in done.stderr, done.stderr
    until = (case.folder / "rpointer.lnd").read_text().split(".r.")[1][:4]
    assert f"restart file of {until}-01-01" in done.stderr and until > "2001"
    assert not list(case.folder.glob("broken.h0.*.nc"))
    days = (np.datetime64(until) - np.datetime64("2001")).astype("M8[D]").astype(int)
    partial = case.folder / "broken.h0.2001-01-01-00000.nc.tmp"
    os.truncate(partial, partial.stat().st_size + 2**24)
    with netCDF4.Dataset(partial) as file:
        for name in DATASET_VARIABLES:
            assert np.array_equal(file[name][:, :days], whole[name][:, :days]), name


def test_no_restart_without_its_history(case):
    """A history that cannot get its name leaves neither a last restart file nor a pointer to it."""
    (case.folder / "case.h0.2001-01-01-00000.nc").mkdir()
    done = case.run(groups("process", rest_frq="end"))
    assert done.returncode == 4 and "cannot rename" in done.stderr
    assert not list(case.folder.glob("case.r.*")) and not (case.folder / "rpointer.lnd").exists()


def test_restart_goes_on_with_the_change_over_the_years(case):
    """Drainage, a random walk and a collapse of permafrost under way: the same years with and without a stop."""
    change = {"evolution_nl": {"drain_year": 2002, "drain_span": 3, "mgo_walk": 0.1, "walk_year": 2000,
                               "shift_year": 2003, "thaw_depth": 0.02, "thaw_span": 2}}  # fmt: skip
    whole = case.complete(groups("process", stop_n=3) | change, "whole")
    first = case.complete(groups("process", stop_n=2, rest_frq="end") | change, "first")
    second = case.complete(
        groups("process", start_date="2003-01-01", stop_n=1, finidat="first.r.2003-01-01-00000.nc") | change, "second"
    )
    assert_same(whole, [first, second])
    still = case.complete(groups("process", stop_n=3), "still")
    wetland = [0, 1]  # the bog and the swamp of the table
    year = [slice(0, 365), slice(365, 730), slice(730, 1095)]
    assert not np.array_equal(whole["fch4"][wetland][:, year[2]], still["fch4"][wetland][:, year[2]])
    assert whole["wtd"][wetland][:, year[2]].mean() > still["wtd"][wetland][:, year[2]].mean()  # drained
    assert np.array_equal(whole["tas"], still["tas"])  # the weather's random numbers are its own


def test_a_crop_that_stands_needs_its_rotation(ecosys_exe, tmp_path):
    field = {"site_nl": {"biome": "cropland", "lat": 41.0, "t_ann": 284.0}}
    case = Case(ecosys_exe, tmp_path)
    run = {"spinup_years": 0, "start_date": "2001-01-01", "stop_n": 200, "stop_option": "ndays", "rest_frq": "end"}
    case.complete({"run_ctl": run, "crop_nl": {"rotation": 1}} | field, "grown")
    run |= {"start_date": "2001-07-20", "stop_n": 2, "finidat": "grown.r.2001-07-20-00000.nc", "rest_frq": "none"}
    done = case.run({"run_ctl": run, "crop_nl": {"rotation": 0}} | field, "bare")
    assert done.returncode == 1 and "a crop stands at site site in the restart file" in done.stderr, done.stderr


def test_clay_that_is_cold_is_not_taken_for_thawed(ecosys_exe, tmp_path):
    """Water that never freezes is more than half of what cold clay holds; its active layer is that of its warmth."""
    case = Case(ecosys_exe, tmp_path)
    site = {"biome": "tundra", "lat": 70.0, "t_ann": 261.0, "continentality": 70.0, "sand": 0.2, "clay": 0.6}
    run = {"spinup_years": 1, "start_date": "2001-01-01", "stop_n": 300, "stop_option": "ndays", "rest_frq": "end"}
    case.complete({"run_ctl": run, "site_nl": site}, "cold")
    with netCDF4.Dataset(tmp_path / "cold.r.2001-10-28-00000.nc") as file:
        assert 0.1 < float(file["active_layer"][0, 0]) < 1.5
        assert float(np.max(file["soil_temperature"][-4:, 0])) < 273.0  # the ground below is frozen


def test_a_spin_up_from_a_short_file_grows_all_crops_of_a_rotation(ecosys_exe, tmp_path):
    write_forcing(tmp_path / "weather.nc", synthetic_weather(372, 1), 1, calendar="noleap")
    case = Case(ecosys_exe, tmp_path)
    site = {"biome": "cropland", "lat": 41.0, "t_ann": 284.0}
    run = {"spinup_years": 2, "start_date": "2001-01-01", "stop_n": 5, "stop_option": "ndays", "calendar": "noleap",
           "rest_frq": "end"}  # fmt: skip
    found = {}
    for rotation in (12, 11):
        groups = {"run_ctl": run, "site_nl": site, "crop_nl": {"rotation": rotation},
                  "forcing_nl": {"source": "netcdf", "file": "weather.nc"}}  # fmt: skip
        case.complete(groups, f"r{rotation}")
        with netCDF4.Dataset(tmp_path / f"r{rotation}.r.2001-01-06-00000.nc") as file:
            found[rotation] = np.array(file["metabolic"][:])
    assert not np.array_equal(found[12], found[11])
