"""Runs from tower weather: what is asked of the program, and real runs where program and data are at hand."""

import stat
import sys
from datetime import date, datetime
from pathlib import Path

import f90nml
import netCDF4
import numpy as np
import pytest

from ecosys_sims import tower
from ecosys_sims.adapters import ecosys_weather, fluxnet_ch4
from ecosys_sims.formats.dataset_check import check_dataset
from ecosys_sims.formats.errors import FormatError
from ecosys_sims.formats.forcing_file import TowerSite, write_forcing
from ecosys_sims.program.executable import ModelError
from ecosys_sims.towers.errors import TowerError
from ecosys_sims.towers.forcing_period import Period, read_period
from ecosys_sims.towers.namelist_changes import parse_changes
from ecosys_sims.towers.tower_run import run_tower

SITE = TowerSite("XX-Abc", 60.0, 20.0, "fen", 10.0, 600.0, 30.0, 278.0)


def write_weather(path: Path, start: datetime, step_hours: int, count: int) -> Path:
    columns = {
        "Tair": 280.0,
        "Qair": 0.005,
        "SWdown": 100.0,
        "Tmin": 276.0,
        "Tmax": 284.0,
        "Rainf": 1e-5,
        "Wind": 3.0,
        "PSurf": 1e5,
    }
    write_forcing(path, SITE, start, step_hours, {k: np.full(count, v) for k, v in columns.items()}, "made up")
    return path


@pytest.mark.parametrize(
    ("start", "step", "count", "first", "days"),
    [
        (datetime(2001, 1, 1), 24, 365, date(2001, 1, 1), 365),
        (datetime(2001, 3, 5), 24, 1200, date(2002, 1, 1), 730),
        (datetime(2001, 3, 5, 6), 1, 24 * 40, date(2001, 3, 6), 39),
        (datetime(2003, 1, 1), 3, 8 * 731, date(2003, 1, 1), 731),
    ],
)
def test_whole_years_are_run_or_whole_days(tmp_path: Path, start, step, count, first, days) -> None:
    period = read_period(write_weather(tmp_path / "f.nc", start, step, count))
    assert (period.start, period.days) == (first, days)


def test_stamps_by_bounds_and_times_in_utc(tmp_path: Path) -> None:
    forcing = write_weather(tmp_path / "f.nc", datetime(2001, 1, 1), 1, 24 * 365)
    # Over 150 degrees east the last 10 hours of 2001 are missing and there are 10 more of the first day.
    assert read_period(forcing, 150.0) == Period(date(2001, 1, 2), 364, "standard")
    assert read_period(forcing, -120.0) == Period(date(2001, 1, 1), 364, "standard")
    assert read_period(forcing, 7.0) == Period(date(2001, 1, 1), 365, "standard")
    with netCDF4.Dataset(forcing, "a") as file:
        del file["time"].stamp
        file.createDimension("nv", 2)
        file["time"].bounds = "time_bnds"
        edges = np.arange(24 * 365 + 1.0)
        file.createVariable("time_bnds", "f8", ("time", "nv"))[:] = np.stack([edges[:-1], edges[1:]], axis=1)
        file["time"][:] = edges[1:]
    assert read_period(forcing) == Period(date(2001, 1, 1), 365, "standard")


def test_the_program_is_asked_for_this_site_and_period(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "ecosys"
    program.write_text(f"#!{sys.executable}\nimport sys\nsys.stderr.write('ecosys: I only read')\nsys.exit(1)\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("ECOSTEP_ECOSYS", str(program))
    forcing = write_weather(tmp_path / "f.nc", datetime(2001, 1, 1), 24, 730)
    with pytest.raises(ModelError, match=r"exit code 1 \(bad input\): ecosys: I only read"):
        run_tower(forcing, tmp_path / "out", {"ch4_nl": {"mgo": 0.4}}, spinup_years=3)
    namelist = f90nml.read(tmp_path / "out" / "run" / "case.nml")
    assert namelist["run_ctl"]["start_date"] == "2001-01-01"
    assert (namelist["run_ctl"]["stop_n"], namelist["run_ctl"]["spinup_years"]) == (730, 3)
    assert namelist["site_nl"]["site_id"] == "XX-Abc"
    assert (namelist["site_nl"]["lat"], namelist["site_nl"]["biome"]) == (60.0, "fen")
    assert namelist["forcing_nl"] == {"source": "netcdf", "file": str(forcing)}
    assert namelist["ch4_nl"]["mgo"] == 0.4


def test_changes_on_the_command_line_are_typed() -> None:
    changes = parse_changes(["ch4_nl.mgo=0.4", "run_ctl.bgc_scheme=emulator", "hist_nl.hist_diagnostics=.true."])
    assert changes["ch4_nl"]["mgo"] == 0.4
    assert changes["run_ctl"]["bgc_scheme"] == "emulator"
    assert changes["hist_nl"]["hist_diagnostics"] is True
    with pytest.raises(TowerError, match=r"--set mgo=1: expected GROUP\.KEY=VALUE"):
        parse_changes(["mgo=1"])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("run_ctl.stop_n=40", "follows from the days of the forcing file"),
        ("RUN_CTL.Start_Date=2001-06-01", "follows from the days of the forcing file"),
        ("run_ctl.spinup_years=4", "use --spinup-years"),
        ("run_ctl.outdir=elsewhere", "use --out"),
        ("site_nl.lat=12", "follows from the forcing file"),
        ("hist_nl.hist_fields=gpp", "would leave variables out"),
        ("hist_nl.hist_split=yearly", "would cut the history"),
    ],
)
def test_what_a_tower_run_sets_itself_is_refused(
    tmp_path: Path, fake_ecosys: Path, caplog: pytest.LogCaptureFixture, change: str, reason: str
) -> None:
    forcing = write_weather(tmp_path / "f.nc", datetime(2001, 1, 1), 24, 365)
    assert tower.main([str(forcing), "--out", str(tmp_path / "out"), "--set", change]) == 1
    assert f"--set {change.partition('=')[0].lower()}: " in caplog.text
    assert reason in caplog.text
    assert not (tmp_path / "out").exists()


def test_a_forcing_file_without_a_site_or_with_a_fault_is_told(tmp_path: Path, fake_ecosys: Path) -> None:
    forcing = write_weather(tmp_path / "f.nc", datetime(2001, 1, 1), 24, 365)
    with netCDF4.Dataset(forcing, "a") as file:
        file["Tair"][100, 0] = np.nan
    with pytest.raises(FormatError, match=r"f\.nc: Tair: the value at time 100, site 0 is missing"):
        run_tower(forcing, tmp_path / "out")
    with netCDF4.Dataset(forcing, "a") as file:
        file["Tair"][100, 0] = 280.0
        file.renameVariable("biome", "class")
    with pytest.raises(TowerError, match=r"does not describe its site \(no variable biome\)"):
        run_tower(forcing, tmp_path / "out")


@pytest.mark.external
@pytest.mark.parametrize("site", ["DE-Zrk", "FI-Sii"])
def test_real_daily_tower_weather_runs(
    ecosys_exe: Path, data_dir: Path, tmp_path: Path, monkeypatch, site: str
) -> None:
    monkeypatch.setenv("ECOSTEP_ECOSYS", str(ecosys_exe))
    source = next((data_dir / "fluxnet_ch4_daily").glob(f"FLX_{site}_*.csv"))
    meta = next((data_dir / "fluxnet_ch4_meta").glob("*META*.csv"))
    forcing, out = tmp_path / "forcing.nc", tmp_path / "run"
    command = [str(source), "--meta", str(meta), "--out", str(forcing), "--run", str(out)]
    assert fluxnet_ch4.main([*command, "--observations", str(tmp_path / "observed.nc")]) == 0
    assert check_dataset(out / "dataset.nc") == []
    with netCDF4.Dataset(out / "dataset.nc") as run, netCDF4.Dataset(tmp_path / "observed.nc") as seen:
        assert run["fch4"].shape == (1, 2191) == seen["fch4"].shape
        assert np.asarray(run["tas"][0]) == pytest.approx(
            np.asarray(seen["tas"][0]), abs=0.6
        )  # mean of the hours within the day
        assert run["pr"][0].mean() == pytest.approx(seen["pr"][0].mean(), rel=1e-3)
        assert run["rsds"][0].mean() == pytest.approx(seen["rsds"][0].mean(), rel=0.02)
        methane = run["fch4"][0] * 86400e6
        assert 1 < methane.mean() < 200  # a fen emits
        summer = np.isin(np.arange(2191) % 365 // 30, [5, 6, 7])
        assert methane[summer].mean() > 1.5 * methane[~summer].mean()


@pytest.mark.external
def test_real_hourly_field_weather_runs(ecosys_exe: Path, data_dir: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("ECOSTEP_ECOSYS", str(ecosys_exe))
    files = sorted((data_dir / "ecosys_mead_forcing").glob("me0?w.csv"))
    forcing, out = tmp_path / "forcing.nc", tmp_path / "run"
    place = ["--site", "US-Ne", "--lat", "41.18", "--lon", "-96.44", "--elevation", "361", "--biome", "cropland"]
    assert ecosys_weather.main([*map(str, files), *place, "--out", str(forcing), "--run", str(out)]) == 0
    with netCDF4.Dataset(out / "dataset.nc") as file, netCDF4.Dataset(forcing) as weather:
        assert file["gpp"].shape == (1, 2191)
        daily = np.asarray(weather["Tair"][:, 0]).reshape(-1, 24)
        assert np.asarray(file["tas"][0]) == pytest.approx(daily.mean(1), abs=1e-3)
        assert np.asarray(file["tasmax"][0]) == pytest.approx(daily.max(1), abs=1e-3)
        precipitation = np.asarray(weather["Rainf"][:] + weather["Snowf"][:]).sum() / 24
        assert np.asarray(file["pr"][0]).sum() == pytest.approx(precipitation, rel=1e-4)
        assert 300 < file["gpp"][0].mean() * 86400e3 * 365 < 2500
        assert file["fch4"][0].mean() < 0  # upland soil takes methane up
