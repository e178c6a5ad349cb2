"""The validator catches each fault of a file, and says where it is."""

import shutil
from datetime import date
from pathlib import Path

import netCDF4
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecosys_sims import check
from ecosys_sims.formats import variables
from ecosys_sims.formats.dataset import common_attributes, create_layout, sites_as_statics
from ecosys_sims.formats.dataset_check import check_dataset, require_valid_dataset
from ecosys_sims.formats.errors import FormatError
from ecosys_sims.formats.forcing_check import check_forcing
from ecosys_sims.formats.forcing_variables import FORCING
from ecosys_sims.formats.site_table import write_site_table
from ecosys_sims.formats.site_table_check import check_site_table
from ecosys_sims.sites.configuration import SitesConfig
from ecosys_sims.sites.site_drawing import draw_sites

SITES = draw_sites(SitesConfig(count=3), 2)
MIDDLE = {
    "tas": 280.0, "tasmin": 275.0, "tasmax": 284.0, "pr": 3e-5, "rsds": 120.0, "rlds": 290.0, "vpd": 500.0, "ps": 1e5,
    "co2": 380.0, "ch4": 1800.0, "tsl": 281.0, "mrsos": 40.0, "gpp": 4e-8, "ra": 2e-8, "rh": 1e-8, "nee": -1e-8,
    "fch4": 5e-10,
}  # fmt: skip


@pytest.fixture(scope="session")
def good_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("good") / "dataset.nc"
    with netCDF4.Dataset(path, "w") as file:
        file.setncatts(common_attributes("test", "tests", "made up", "for tests"))
        create_layout(file, sites_as_statics(SITES), date(2004, 1, 1), 366, "standard", 2)
        for variable in variables.DAILY:
            file[variable.name][:] = MIDDLE.get(variable.name, 0.0)
    return path


@pytest.fixture
def dataset(good_dataset: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(good_dataset, tmp_path / "dataset.nc"))


def test_a_good_dataset_has_no_faults(good_dataset: Path) -> None:
    assert check_dataset(good_dataset) == []
    assert check.main(["dataset", str(good_dataset)]) == 0


def set_value(name: str, place: tuple, value: float):
    def change(file: netCDF4.Dataset) -> None:
        file[name].set_auto_mask(False)
        file[name][place] = value

    return change


def set_attribute(name: str | None, key: str, value):
    def change(file: netCDF4.Dataset) -> None:
        (file[name] if name else file).setncattr(key, value)

    return change


def drop_attribute(name: str | None, key: str):
    return lambda file: (file[name] if name else file).delncattr(key)


def rename(name: str):
    return lambda file: file.renameVariable(name, name + "_")


def shift_time(first: int, days: float):
    def change(file: netCDF4.Dataset) -> None:
        file["time"][first:] = file["time"][first:] + days

    return change


FAULTS = [
    (drop_attribute(None, "Conventions"), "global attribute 'Conventions' is missing"),
    (drop_attribute(None, "git_hash"), "global attribute 'git_hash' is missing"),
    (set_attribute(None, "featureType", "grid"), "featureType is 'grid'"),
    (set_attribute(None, "ecostep_dataset_version", np.int32(3)), "ecostep_dataset_version is 3"),
    (rename("site_id"), "variable 'site_id' is missing"),
    (rename("time"), "variable 'time' is missing"),
    (rename("lat"), "variable 'lat' is missing"),
    (set_attribute(None, "Conventions", "ACDD-1.3"), "Conventions is 'ACDD-1.3', expected 'CF-1.11'"),
    (set_value("fch4", (1, 30), 9999.0), "fch4: the value at site 1, time 30 is 9999, a mark of missing values"),
    (lambda f: f["site_id"].__setitem__(1, str(f["site_id"][0])), "'S00001' occurs more than once"),
    (drop_attribute("site_id", "cf_role"), "cf_role is not 'timeseries_id'"),
    (set_attribute("time", "units", "hours since 2004-01-01"), "time: units are 'hours since 2004-01-01'"),
    (set_attribute("time", "calendar", "360_day"), "time: calendar is '360_day'"),
    (shift_time(59, 1.0), "time: after 2004-02-28 the next value is 2 days later"),
    (shift_time(0, -0.5), "values are not stamped 12:00"),
    (drop_attribute("time", "bounds"), "bounds = 'time_bnds'"),
    (set_attribute("tas", "units", "degC"), "tas: units are 'degC', expected 'K'"),
    (set_attribute("elevation", "units", "km"), "elevation: units are 'km', expected 'm'"),
    (drop_attribute("pr", "long_name"), "pr: attribute 'long_name' is missing"),
    (set_attribute("vpd", "role", "input"), "vpd: role is 'input'"),
    (set_attribute("vpd", "role", "static"), "vpd: role is 'static', but it has a value a day"),
    (drop_attribute("fch4", "analysis_units"), "fch4: attribute 'analysis_units' is missing"),
    (set_value("biome", (1,), 14), "biome: 14 is not a flag"),
    (set_value("lat", (2,), 97.0), "lat: the value at site 2 = 97 is outside -90 to 90"),
    (set_value("tas", (1, 40), 12.0), "tas: the value at site 1, time 40 = 12 is outside 170 to 340"),
    (set_value("rsds", (0, 3), np.nan), "rsds: the value at site 0, time 3 is missing"),
    (set_value("ps", (2, 365), variables.FILL), "ps: the value at site 2, time 365 is missing"),
    (set_value("nee", (1, 7), 3e-8), "nee differs from ra + rh - gpp at site 1, time 7"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "message"), FAULTS, ids=[message[:40] for _, message in FAULTS])
def test_each_fault_of_a_dataset_is_told(dataset: Path, change, message: str) -> None:
    with netCDF4.Dataset(dataset, "a") as file:
        file.set_auto_mask(False)
        change(file)
    faults = check_dataset(dataset)
    assert any(message in fault for fault in faults), faults
    with pytest.raises(FormatError, match=r"dataset\.nc: "):
        require_valid_dataset(dataset)
    assert check.main(["dataset", str(dataset)]) == 1


def test_missing_fluxes_are_allowed_missing_weather_is_not(dataset: Path) -> None:
    with netCDF4.Dataset(dataset, "a") as file:
        file.set_auto_mask(False)
        file["fch4"][1, 10:200] = variables.FILL
        file["ra"][:] = variables.FILL
        file["wtd"][0, 5] = variables.FILL
    assert check_dataset(dataset) == []


def test_each_site_may_have_its_own_period(dataset: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Outside it drivers are missing; a gap within it is a fault. What is not told of all sites is a doubt."""
    drivers = [variable.name for variable in variables.DAILY if variable.role in ("fast", "slow")]
    with netCDF4.Dataset(dataset, "a") as file:
        file.set_auto_mask(False)
        for name in drivers:
            file[name][1, :30] = variables.FILL
        file.renameVariable("ph", "soil_ph_of_another")
        file["wtd"][0, 5] = variables.FILL
        source = file.createVariable("driver_source", "i1", ("site", "time"), fill_value=np.int8(-127))
        source.flag_values, source.flag_meanings = np.array([0, 1, 2], np.int8), "measured filled other_year"
        source[:] = 0
    assert check_dataset(dataset) == []
    assert check.main(["dataset", str(dataset)]) == 0
    assert "wtd: 1 values are missing within the sites' periods; a model that takes it is refused" in caplog.text
    with netCDF4.Dataset(dataset, "a") as file:
        file["tas"][1, 60] = variables.FILL
        file["driver_source"][0, 0] = 5
    assert check_dataset(dataset) == [
        "tas: the value at site 1, time 60 is missing", "driver_source: 5 is not one of its flag_values",
    ]  # fmt: skip


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    name=st.sampled_from([v.name for v in variables.DAILY if v.role in ("fast", "slow")]),
    site=st.integers(0, 2),
    day=st.integers(0, 365),
    value=st.sampled_from([np.nan, np.inf, -np.inf, -1e6, 1e9]),
)
def test_any_impossible_driver_is_found_where_it_is(
    dataset: Path, name: str, site: int, day: int, value: float
) -> None:
    with netCDF4.Dataset(dataset, "a") as file:
        file.set_auto_mask(False)
        possible = file[name][site, day]
        file[name][site, day] = value
    faults = check_dataset(dataset)
    with netCDF4.Dataset(dataset, "a") as file:
        file[name][site, day] = possible
    assert len(faults) == 1
    assert faults[0].startswith(f"{name}: the value at site {site}, time {day} ")


@pytest.mark.parametrize("keep", [0, 100, 5000])
def test_a_truncated_or_foreign_file_is_told(good_dataset: Path, tmp_path: Path, keep: int) -> None:
    path = tmp_path / "cut.nc"
    path.write_bytes(good_dataset.read_bytes()[:keep] if keep else b"not netCDF at all")
    assert "not a readable netCDF file; is it truncated?" in check_dataset(path)[0]
    assert check_dataset(tmp_path / "absent.nc") == ["no such file"]


def test_a_site_table_is_checked(tmp_path: Path) -> None:
    path = tmp_path / "sites.nc"
    write_site_table(path, SITES)
    assert check_site_table(path) == []
    with netCDF4.Dataset(path, "a") as file:
        file["site_number"][2] = file["site_number"][0]
        file["sand"][1] = 1.7
        file["annual_precip"].units = "mm"
    faults = " | ".join(check_site_table(path))
    assert "site_number: 1 is that of two places" in faults
    assert "sand: the value at site 1 = 1.7 is outside 0 to 1" in faults
    assert "annual_precip: units are 'mm'" in faults


def write_forcing_file(path: Path, **changes) -> Path:
    """A good hourly file of three days, with changes: name -> values, or None to leave the variable out."""
    values = {"Tair": 280.0, "Qair": 0.005, "SWdown": 100.0, "Rainf": 1e-5, "Wind": 3.0, "PSurf": 1e5}
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("time", 72)
        time = file.createVariable("time", "f8", ("time",))
        time.units = changes.pop("time_units", "hours since 2001-01-01 00:00:00")
        time[:] = changes.pop("time", np.arange(72.0))
        for name, value in (values | changes).items():
            if value is not None:
                written = file.createVariable(name, "f4", ("time",))
                written.units = FORCING[name].units
                written[:] = value
    return path


def test_a_forcing_file_is_checked(tmp_path: Path) -> None:
    assert check_forcing(write_forcing_file(tmp_path / "good.nc")) == []
    gap = np.concatenate([np.arange(30.0), np.arange(31.0, 73.0)])
    cases = [
        ({"Wind": None}, "variable 'Wind' is missing"),
        ({"Tair": np.where(np.arange(72) == 9, np.nan, 280.0)}, "Tair: the value at time 9 is missing"),
        ({"Tair": 7.0}, "Tair: the value at time 0 = 7 K is outside 170 to 340"),
        ({"time": gap}, "time: after 2001-01-02 05:00 the step is 7200 s, expected 3600 s"),
        ({"time": np.arange(72.0) * 2}, "time: the step is 7200 s, expected hourly, 3-hourly or daily"),
        ({"time_units": "fortnights since 2001-01-01"}, "time: units are 'fortnights since 2001-01-01'"),
    ]
    for number, (changes, message) in enumerate(cases):
        faults = check_forcing(write_forcing_file(tmp_path / f"{number}.nc", **changes))
        assert faults and message in faults[0], (changes, faults)
