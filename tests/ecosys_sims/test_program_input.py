"""Bad input of the program `ecosys`: each has its exit code and a message that says what to mend."""

import subprocess
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from tests.ecosys_sims.program_case import Case, synthetic_weather, write_forcing, write_sites

DAYS = 40


@pytest.fixture
def case(ecosys_exe: Path, tmp_path: Path) -> Case:
    return Case(ecosys_exe, tmp_path)


def from_file(file: str = "met.nc", **keys) -> dict:
    """Groups of a short run from a forcing file, without spin-up."""
    run = {"stop_n": 30, "stop_option": "ndays", "spinup_years": 0}
    return {"run_ctl": run, "forcing_nl": {"source": "netcdf", "file": file} | keys}


# ---- namelist ----


def test_unknown_key_is_named_with_the_known_ones(case):
    message = case.refuse({"ch4_nl": {"mgoo": 0.4}}, code=2)
    assert message.startswith("ecosys: case.nml: unknown key 'mgoo' in &ch4_nl (known: ")
    assert "mgo," in message and "pq10" in message


def test_unknown_group_is_named_with_the_known_ones(case):
    message = case.refuse({"chh4_nl": {"mgo": 0.4}}, code=2)
    assert "case.nml: unknown group &chh4_nl (known: &run_ctl, " in message and "&ch4_nl" in message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("&run_ctl stop_n = many /", "line 1: 'stop_n' in &run_ctl is 'many', expected an integer"),
        ("&run_ctl stop_n = 1.5 /", "expected an integer"),
        ("&wgen_nl\n co2 = 'four hundred' /", "line 2: 'co2' in &wgen_nl is 'four hundred', expected a number"),
        ("&hist_nl hist_diagnostics = 1 /", "expected .true. or .false."),
        ("&run_ctl bgc_scheme = 'proces' /", "expected one of process emulator"),
        ("&run_ctl start_date = '2001-02-29' /", "start_date '2001-02-29' in &run_ctl is not a date"),
        ("&run_ctl dt_phys = 7000 /", "dt_phys in &run_ctl is 7000 s, expected a divisor of 86400"),
        ("&run_ctl seed = 1, seed = 2 /", "key 'seed' in &run_ctl is given twice"),
        ("&run_ctl seed = 1", "group &run_ctl is not closed"),
        ("&run_ctl case_name = 'a /", "a quote is not closed"),
        ("&run_ctl bgc_scheme = 'emulator' /", "needs file in &emulator_nl"),
        ("&hist_nl hist_fields = 'gpp,npp' /", "names 'npp', which is not a variable (known: tas, "),
        ("seed = 3\n", "line 1: text outside of a group"),
    ],
)
def test_wrong_values_are_refused_with_their_place(case, text, expected):
    (case.folder / "case.nml").write_text(text + "\n")
    done = case.start(case.folder / "case.nml")
    assert done.returncode == 2 and expected in done.stderr, done.stderr


def test_namelist_as_fortran_programmers_write_it(case):
    (case.folder / "case.nml").write_text(
        "&RUN_CTL  ! comment with 'quotes\n CASE_NAME = \"it's\", stop_n=3\n stop_option = 'ndays',, seed = +2\n"
        " SPINUP_YEARS = 0 /\n\n&ch4_nl mgo = 4.0D-1 / \n&wgen_nl\n/\n"
    )
    done = case.start(case.folder / "case.nml")
    assert done.returncode == 0, done.stderr
    assert "mgo = 4.0D-1" in (case.folder / "it's.nml.resolved").read_text()


def test_missing_namelist(case):
    done = case.start(case.folder / "none.nml")
    assert done.returncode == 2 and "none.nml: cannot be opened" in done.stderr


def test_parameter_out_of_bounds(case):
    assert "parameter 'pq10' = 99" in case.refuse({"ch4_nl": {"pq10": 99.0}}, code=1)


# ---- site table ----


def test_missing_site_table(case):
    message = case.refuse({"run_ctl": {"fsites": "none.nc"}}, code=1)
    assert message == "ecosys: none.nc: no such file\n"


def test_site_table_names_variable_and_site(case):
    write_sites(case.folder / "sites.nc", [50.0, 60.0], ph=[5.0, -999.0])
    message = case.refuse({"run_ctl": {"fsites": "sites.nc"}}, code=1)
    assert "sites.nc: variable ph is missing at site S1" in message
    write_sites(case.folder / "sites.nc", [50.0, 60.0], biome=[2, 14])
    assert "sites.nc: biome of site S1 is 14" in case.refuse({"run_ctl": {"fsites": "sites.nc"}}, code=1)
    write_sites(case.folder / "sites.nc", [50.0, 60.0], omax=[20.0, 2000.0])
    assert "parameter 'omax' = 2000" in case.refuse({"run_ctl": {"fsites": "sites.nc"}}, code=1)


# ---- forcing ----


def test_missing_forcing_file(case):
    assert case.refuse(from_file("none.nc"), code=1) == "ecosys: none.nc: no such file\n"


@pytest.mark.parametrize("share", [0.3, 0.7, 0.97])
def test_truncated_forcing_file(case, share):
    path = write_forcing(case.folder / "met.nc", synthetic_weather(DAYS, 24), 24)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    message = case.refuse(from_file(), code=1)
    assert "met.nc: " in message and "truncated" in message


def test_text_in_place_of_netcdf(case):
    (case.folder / "met.nc").write_text("Tair,Qair\n280,0.004\n")
    assert "met.nc: cannot be read as netCDF" in case.refuse(from_file(), code=1)


def test_forcing_without_cf_time(case):
    path = write_forcing(case.folder / "met.nc", synthetic_weather(DAYS, 24), 24)
    with netCDF4.Dataset(path, "a") as file:
        file["time"].units = "hours"
    message = case.refuse(from_file(), code=1)
    assert "not a CF forcing file: units of time are 'hours', expected such as 'days since 2001-01-01'" in message
    with netCDF4.Dataset(path, "a") as file:
        file.renameVariable("time", "stamp")
    assert "met.nc: not a CF forcing file: the coordinate variable time is missing" in case.refuse(from_file(), code=1)


def test_forcing_without_units(case):
    write_forcing(case.folder / "met.nc", synthetic_weather(DAYS, 24), 24, units={"Wind": ""})
    message = case.refuse(from_file(), code=1)
    assert "not a CF forcing file: variable Wind has no units (expected m s-1)" in message


def test_inconvertible_units(case):
    write_forcing(case.folder / "met.nc", synthetic_weather(DAYS, 24), 24, units={"Tair": "m s-1"})
    message = case.refuse(from_file(), code=1)
    assert "met.nc: variable Tair has units 'm s-1', which cannot be converted to K" in message


def test_mistaken_units_are_found_by_range(case):
    weather = synthetic_weather(DAYS, 24)
    weather["Tair"] -= 273.15
    write_forcing(case.folder / "met.nc", weather, 24)
    message = case.refuse(from_file(), code=1)
    assert "variable Tair is -" in message and "K at site site on 2001-01-01 (record 1)" in message


@pytest.mark.parametrize("value", [np.nan, -9999.0])
def test_gap_in_a_driver_names_variable_site_and_date(case, value):
    weather = synthetic_weather(DAYS, 24)
    weather["SWdown"][24 * 12 + 5] = value
    write_forcing(case.folder / "met.nc", weather, 24)
    message = case.refuse(from_file(), code=1)
    assert "met.nc: variable SWdown is missing (NaN, fill or outside its valid range)" in message
    assert "at site site on 2001-01-13 (record 294)" in message


def test_missing_variable_says_how_to_name_it(case):
    weather = synthetic_weather(DAYS, 24)
    weather["T2D"] = weather.pop("Tair")
    write_forcing(case.folder / "met.nc", weather, 24, units={"T2D": "K"})
    message = case.refuse(from_file(), code=1)
    assert "met.nc: variable Tair is missing; add it, or name it by forcing_name_tair in &forcing_nl" in message
    case.complete(from_file(forcing_name_tair="T2D"))


def test_forcing_that_does_not_cover_the_run(case):
    write_forcing(case.folder / "met.nc", synthetic_weather(20, 24), 24)
    message = case.refuse(from_file(), code=1)
    assert "met.nc: covers 2001-01-01 to 2001-01-20, the run needs 2001-01-21" in message


def test_spin_up_needs_a_whole_year(case):
    write_forcing(case.folder / "met.nc", synthetic_weather(DAYS, 24), 24)
    groups = from_file()
    groups["run_ctl"]["spinup_years"] = 2
    assert "holds no whole year from the start of the run for the spin-up" in case.refuse(groups, code=1)


@pytest.mark.parametrize("zone", [" +05:00", "+05:00", " -3", " 5:00", " UTC+1", "T06:00:00-06:00"])
def test_time_with_an_offset_from_utc(case, zone):
    write_forcing(case.folder / "met.nc", synthetic_weather(DAYS, 24), 24)
    with netCDF4.Dataset(case.folder / "met.nc", "a") as file:
        file["time"].units = f"days since 2001-01-01{zone if zone[0] == 'T' else ' 00:00:00' + zone}"
    message = case.refuse(from_file(), code=1)
    assert "with an offset from UTC, but times are taken as local solar time" in message


@pytest.mark.parametrize(
    "clock", ["", " 00:00", "T00:00:00Z", " 00:00:00.0 UTC", " 00:00:00 +00:00", " 0:0:0 -0", " Z"]
)
def test_time_without_an_offset_from_utc(case, clock):
    write_forcing(case.folder / "met.nc", synthetic_weather(DAYS, 24), 24)
    with netCDF4.Dataset(case.folder / "met.nc", "a") as file:
        file["time"].units = f"days since 2001-01-01{clock}"
    case.complete(from_file())


def test_uneven_time(case):
    path = write_forcing(case.folder / "met.nc", synthetic_weather(DAYS, 24), 24)
    with netCDF4.Dataset(path, "a") as file:
        file["time"][100:] = file["time"][100:] + 0.5
    assert "not evenly spaced: 46800 s after 2001-01-05 03:00, 3600 s before" in case.refuse(from_file(), code=1)


def test_time_without_midnight_asks_for_stamp(case):
    weather = synthetic_weather(DAYS, 1)
    write_forcing(case.folder / "met.nc", weather, 1, offset_days=0.5)
    assert "no interval begins at midnight" in case.refuse(from_file(), code=1)
    write_forcing(case.folder / "met.nc", weather, 1, offset_days=0.5, stamp="middle")
    case.complete(from_file())


def test_unknown_site(case):
    weather = {name: np.stack([values] * 2, axis=1) for name, values in synthetic_weather(DAYS, 24).items()}
    write_forcing(case.folder / "met.nc", weather, 24, sites=["A", "B"])
    assert "met.nc: site site is not in the file" in case.refuse(from_file(), code=1)


# ---- the rest ----


def test_usage(case):
    for arguments in ([], ["--nonsense"], ["a.nml", "b.nml"]):
        done = subprocess.run([case.exe, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 2 and "usage: ecosys CASE.nml" in done.stderr


def test_missing_output_folder_is_an_output_failure(case):
    message = case.refuse({"run_ctl": {"outdir": "nowhere"}}, code=4)
    assert "nowhere/case.nml.resolved: cannot write this file" in message


def test_missing_artefact_is_an_emulator_failure(case):
    groups = {"run_ctl": {"bgc_scheme": "emulator"}, "emulator_nl": {"file": "none.pt"}}
    assert "none.pt" in case.refuse(groups, code=5)
