"""Wrong inputs of the process model are refused or warned of, never run in silence."""

from pathlib import Path

import cftime
import netCDF4
import numpy as np
import pytest

from ecosys_sims.adapters.fluxnet2015_record import absent_qualities, flux_columns
from ecosys_sims.formats.forcing_check import check_forcing, forcing_doubts
from foundations.file_seal import unseal
from foundations.netcdf_values import StoredValueError, numbers, texts
from foundations.sun import excessive_light, foreign_hour
from tests.ecosys_sims.program_case import Case, synthetic_weather, write_forcing, write_sites


@pytest.fixture
def case(ecosys_exe: Path, tmp_path: Path) -> Case:
    return Case(ecosys_exe, tmp_path)


def run_of(days: int = 5, start: str = "2001-01-01", **more: object) -> dict:
    return {"run_ctl": {"start_date": start, "stop_n": days, "stop_option": "ndays", "spinup_years": 0} | more}


FORCING = {"forcing_nl": {"source": "netcdf", "file": "met.nc"}}


@pytest.mark.parametrize(
    "fault",
    ["co2=-1000.0", "ch4=1.0", "wind_mean=1000.0", "trend_k_per_decade=500.0", "annual_t_sd=90.0", "annual_p_cv=-1.0"],
)
def test_generated_weather_is_held_to_ranges(case: Case, fault: str) -> None:
    key, value = fault.split("=")
    message = case.refuse(run_of() | {"wgen_nl": {key: float(value)}}, 2)
    assert f"{key} in &wgen_nl is {value}, expected" in message


def test_a_trend_that_leaves_the_possible_is_refused(case: Case) -> None:
    trend = {"trend_k_per_decade": 20.0, "trend_reference_year": 1900}
    assert "K, expected 150 to 350" in case.refuse(run_of() | {"wgen_nl": trend}, 1)


@pytest.mark.parametrize(("low", "high"), [(284.0, 272.0), (290.0, 300.0), (250.0, 260.0)])
def test_daily_extremes_must_be_around_the_mean(case: Case, low: float, high: float) -> None:
    weather = synthetic_weather(5, 1)
    weather |= {"Tair": np.full(5, 278.0), "Tmin": np.full(5, low), "Tmax": np.full(5, high)}
    write_forcing(case.folder / "met.nc", weather, 1)
    assert "Tmin, Tair and Tmax are" in case.refuse(run_of() | FORCING, 1)
    assert "expected in rising order" in check_forcing(case.folder / "met.nc")[0]


def test_sand_and_clay_are_no_more_than_the_soil(case: Case) -> None:
    write_sites(case.folder / "sites.nc", [60.0], sand=[0.7], clay=[0.5])
    message = case.refuse(run_of(fsites="sites.nc"), 1)
    assert "sites.nc: sand and clay of site S0 are 0.7 and 0.5, together more than 1" in message


def test_control_characters_of_names_are_written_out(case: Case) -> None:
    write_sites(case.folder / "sites.nc", [60.0], sand=[0.7], clay=[0.5])
    with netCDF4.Dataset(case.folder / "sites.nc", "a") as file:
        file["site_id"][0] = "SE-Deg\x1b[2J\x9b1m\x7f\u00e9\r"
    message = case.refuse(run_of(fsites="sites.nc"), 1)
    assert "site SE-Deg\\x1b[2J\\x9b1m\\x7f\u00e9\\x0d are" in message


@pytest.mark.parametrize("origin", ["0001-01-01", "1500-03-01", "1582-10-04"])
@pytest.mark.parametrize("calendar", ["standard", "gregorian", "proleptic_gregorian"])
def test_origins_before_the_reform_of_the_calendar(case: Case, calendar: str, origin: str) -> None:
    weather = synthetic_weather(10, 1)
    weather["Wind"] = np.arange(1.0, 11.0)
    write_forcing(case.folder / "met.nc", weather, 1, start=origin, calendar=calendar)
    with netCDF4.Dataset(case.folder / "met.nc", "a") as file:
        first = cftime.date2num(cftime.datetime(2001, 1, 1, calendar=calendar), file["time"].units, calendar)
        file["time"][:] = np.arange(10) + first
    assert check_forcing(case.folder / "met.nc") == []
    fields = {"hist_nl": {"hist_fields": "sfcWind"}}
    wind = case.complete(run_of(start="2001-01-03") | FORCING | fields)["sfcWind"][0]
    assert wind.tolist() == [3.0, 4.0, 5.0, 6.0, 7.0]


def test_light_of_another_time_zone_is_found_anywhere_in_the_record() -> None:
    hour = np.arange(24 * 93) % 24 + 0.5
    local = 300.0 * np.clip(np.cos(2 * np.pi * (hour - 12) / 24), 0, None)
    assert foreign_hour(local, 24) is None
    night_first = np.where(np.arange(local.size) < 24 * 31, 0.0, np.roll(local, 7))
    day, reason = foreign_hour(night_first, 24) or (0, "")
    assert day == 31 and "the sun is highest at" in reason


def test_light_of_the_other_hemisphere_is_warned_of(case: Case) -> None:
    days = np.arange(172, 203)
    assert excessive_light(np.full(31, 246.0), days, 52.0) is None
    assert excessive_light(np.full(31, 246.0), days, -52.0) is not None
    weather = synthetic_weather(10, 24)
    weather["SWdown"] *= 10.0
    write_forcing(case.folder / "met.nc", weather, 24)
    with netCDF4.Dataset(case.folder / "met.nc", "a") as file:
        file.createDimension("site", 1)
        file.createVariable("lat", "f8", ("site",))[:] = 61.0
    done = case.run(run_of() | FORCING)
    assert done.returncode == 0 and done.stderr.count("warning: met.nc: variable SWdown is") == 1
    assert "above the air arrive" in forcing_doubts(case.folder / "met.nc")[0]


def test_a_forcing_file_of_another_place_is_refused(case: Case) -> None:
    write_forcing(case.folder / "met.nc", synthetic_weather(5, 24), 24)
    with netCDF4.Dataset(case.folder / "met.nc", "a") as file:
        file.createDimension("site", 1)
        file.createVariable("lat", "f8", ("site",))[:] = -61.0
    assert "latitude lat of site site is -61.0 in the file" in case.refuse(run_of() | FORCING, 1)


def test_names_that_are_not_unique_are_refused(case: Case) -> None:
    write_sites(case.folder / "sites.nc", [60.0, 61.0])
    two = {name: np.stack([values] * 2, axis=1) for name, values in synthetic_weather(5, 24).items()}
    write_forcing(case.folder / "met.nc", two, 24, sites=["S0", "S0"])
    message = case.refuse(run_of(fsites="sites.nc") | FORCING, 1)
    assert "met.nc: site_id S0 is there twice" in message


@pytest.mark.parametrize("name", ["soil_temperature", "random_stream", "weather_memory"])
def test_a_damaged_restart_file_is_refused(case: Case, name: str) -> None:
    case.complete(run_of(rest_frq="end"), "first")
    path = next(case.folder.glob("first.r.*.nc"))
    unseal(path)  # of a program that wrote no checksum of the whole file; that of a variable remains
    with netCDF4.Dataset(path) as file:
        name = name if name in file.variables else next(key for key in file.variables if file[key].dtype == "f8")
        file[name].set_auto_mask(False)
        stored = np.ascontiguousarray(file[name][:]).tobytes()
    content = bytearray(path.read_bytes())
    place = bytes(content).find(stored)
    assert place > 0
    content[place + 3] ^= 1
    path.write_bytes(bytes(content))
    for old in case.folder.glob("first.h0*"):
        old.unlink()
    message = case.refuse(run_of(start="2001-01-06", finidat=path.name), 1)
    assert f"variable {name} cannot be read" in message and "restart file is damaged" in message


def test_names_as_characters_are_read_as_text(tmp_path: Path) -> None:
    write_sites(tmp_path / "strings.nc", [60.0, 50.0])
    with netCDF4.Dataset(tmp_path / "strings.nc") as strings, netCDF4.Dataset(tmp_path / "names.nc", "w") as file:
        file.createDimension("site", 2)
        file.createDimension("c", 6)
        names = file.createVariable("site_id", "S1", ("site", "c"))
        names.cf_role = "timeseries_id"
        names[:] = netCDF4.stringtochar(np.array(["S0", "S1"], "S6"))
        assert texts(names) == ["S0", "S1"] == texts(strings["site_id"])
        with pytest.raises(StoredValueError, match="site_id: is not numbers"):
            numbers(names)
        number = file.createVariable("lat", "f4", ("site",))
        with pytest.raises(StoredValueError, match="lat: is not text"):
            texts(number)


def test_a_flux_without_its_quality_is_told() -> None:
    header = ["NEE_VUT_REF", "GPP_NT_VUT_REF", "LE_F_MDS", "LE_F_MDS_QC", "H_F_MDS"]
    fluxes = flux_columns(header, "NT")
    assert absent_qualities(header, fluxes) == ("NEE_VUT_REF_QC", "H_F_MDS_QC")
