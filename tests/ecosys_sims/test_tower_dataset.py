"""Towers of a dataset as runs of the process model, and what comes back as inputs of the dataset."""

from datetime import date, timedelta
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from ecosys_sims import tower
from ecosys_sims.adapters import dataset as adapter
from ecosys_sims.adapters.dataset_towers import read_towers, whole_years
from ecosys_sims.formats import variables
from ecosys_sims.formats.dataset import common_attributes, create_layout
from foundations.netcdf_file import writing

DRIVERS = ("tas", "pr", "rsds", "rlds", "vpd", "sfcWind", "ps")
FIRST, DAYS = date(2009, 12, 20), 780
RECORDS = {"AA-One": slice(0, 700), "BB-Two": slice(60, 780)}


def write_towers(path: Path) -> Path:
    """Two towers with periods of their own; of the second the water table was measured."""
    statics = {name: np.array([value, value]) for name, value in (("elevation", 100.0), ("sand", np.nan))}
    statics |= {"clay": np.full(2, 0.2), "ph": np.full(2, np.nan), "biome": np.array([2, 3])}
    statics |= {"site_id": np.array([*RECORDS]), "lat": np.array([60.0, -35.0]), "lon": np.array([20.0, 140.0])}
    day = np.arange(DAYS)
    season = -np.cos(2 * np.pi * (day - 11) / 365.25)
    weather = {
        "tas": 283.0 + 8.0 * season + 0.01 * (day % 30), "pr": np.full(DAYS, 2e-5), "rsds": 130.0 + 90.0 * season,
        "rlds": np.full(DAYS, 300.0), "vpd": np.full(DAYS, 250.0), "sfcWind": np.full(DAYS, 3.0),
        "ps": np.full(DAYS, 1e5), "gpp": np.full(DAYS, 1e-8), "fch4": np.full(DAYS, 1e-10), "wtd": np.full(DAYS, 0.1),
    }  # fmt: skip
    with writing(path) as file:
        file.setncatts(common_attributes("towers", "nobody", "made up", "made for a test"))
        daily = tuple(variable for variable in variables.DAILY if variable.name in weather)
        create_layout(file, statics, FIRST, DAYS, "standard", 2, daily)
        for row, record in enumerate(RECORDS.values()):
            for name, series in weather.items():
                sign = -1.0 if row and name in ("tas", "rsds") else 1.0
                values = series if sign > 0 else 2.0 * series.mean() - series
                if name != "wtd" or row:
                    file[name][row, record] = values[record]
    return path


def stand_in(forcing: Path, out: Path, changes, spinup_years: int) -> Path:
    """A process model of which soil temperature is that of the air, and fluxes follow from it."""
    out.mkdir(parents=True, exist_ok=True)
    with netCDF4.Dataset(forcing) as file, netCDF4.Dataset(out / "dataset.nc", "w") as result:
        air = np.asarray(file["Tair"][:, 0])
        result.createDimension("site", 1)
        result.createDimension("time", len(air))
        for variable in (*variables.TARGETS, *variables.STATES):
            column = result.createVariable(variable.name, "f4", ("site", "time"))
            column.units = variable.units
            column[0] = air if variable.name == "tsl" else 1e-9 * (air - 200.0)
    return out / "dataset.nc"


def test_fluxes_and_states_come_back_on_the_days_of_each_tower(tmp_path, monkeypatch):
    monkeypatch.setattr(adapter, "run_tower", stand_in)
    source, out = write_towers(tmp_path / "towers.nc"), tmp_path / "with_process.nc"
    assert tower.main(["dataset", str(source), "--out", str(out)]) == 0
    with netCDF4.Dataset(source) as before, netCDF4.Dataset(out) as after:
        for name in before.variables:
            if name != "site_id":
                assert np.ma.allequal(before[name][:], after[name][:]), name
        assert {"gpp_process", "fch4_process", "tsl", "wtd_process", "lai"} <= set(after.variables)
        assert "nee_process" not in after.variables, "was not measured"
        assert after["fch4_process"].role == "state"
        assert after["fch4_process"].units == before["fch4"].units
        for row, record in enumerate(RECORDS.values()):
            inside = np.zeros(DAYS, bool)
            inside[record] = True
            assert np.array_equal(~np.ma.getmaskarray(after["tsl"][row]), inside)
            soil, air = (np.asarray(file[name][row, record]) for file, name in ((after, "tsl"), (before, "tas")))
            assert soil == pytest.approx(air, abs=1e-3)
    assert tower.main(["dataset", str(out), "--out", str(tmp_path / "again.nc")]) == 1


def test_weather_of_whole_years_has_the_season_of_each_day(tmp_path):
    first = read_towers(write_towers(tmp_path / "towers.nc"))[0]
    assert first.record.start == date(2009, 1, 1)
    assert len(first.record.days()) == 3 * 365
    days = np.datetime64("2018-01-01") + np.arange(273)  # to the end of September
    whole, source = whole_years(days)
    assert len(whole) == 365
    assert np.array_equal(source[:273], np.arange(273))
    december = source[date(2018, 12, 15).timetuple().tm_yday - 1]
    assert abs(int(days[december].astype(object).strftime("%j"))) < 40, "as dark as in December"
    leap = np.datetime64("2016-02-01") + np.arange(400)
    assert len(whole_years(leap)[0]) == 366 + 365


def test_what_cannot_drive_the_process_model_is_told(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(adapter, "run_tower", stand_in)
    source = write_towers(tmp_path / "towers.nc")
    with netCDF4.Dataset(source, "a") as file:
        file["vpd"][1, 300] = np.ma.masked
    assert tower.main(["dataset", str(source), "--out", str(tmp_path / "x.nc")]) == 1
    assert "site BB-Two: vpd has gaps" in caplog.text
    with netCDF4.Dataset(source, "a") as file:
        file.renameVariable("rlds", "longwave")
    assert tower.main(["dataset", str(source), "--out", str(tmp_path / "x.nc")]) == 1
    assert "has no rlds, without which the process model cannot run" in caplog.text
    assert not (tmp_path / "x.nc").exists()


@pytest.mark.external
def test_the_process_model_runs_at_the_towers(ecosys_exe, tmp_path, monkeypatch):
    monkeypatch.setenv("ECOSTEP_ECOSYS", str(ecosys_exe))
    source, out = write_towers(tmp_path / "towers.nc"), tmp_path / "with_process.nc"
    assert tower.main(["dataset", str(source), "--out", str(out), "--spinup-years", "1"]) == 0
    with netCDF4.Dataset(out) as file:
        for row, record in enumerate(RECORDS.values()):
            methane = file["fch4_process"][row, record]
            assert methane.count() == record.stop - record.start
            assert methane.mean() > 0
        dates = [FIRST + timedelta(days=day) for day in range(DAYS)]
        july = np.array([day.month == 7 for day in dates])
        assert file["tsl"][0, july].mean() > file["tsl"][1, july].mean(), "it is winter in the south"
