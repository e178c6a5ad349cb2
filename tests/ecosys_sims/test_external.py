"""Ensembles of external simulators: prepared, run by a stand-in for the executable, imported; resumed, refused."""

import importlib.util
import stat
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import ModuleType

import netCDF4
import numpy as np
import pytest

from ecosys_sims.adapters.ecosim_climate import read_climate
from ecosys_sims.external.weather import SiteWeather, read_weather, write_ecosim, write_ecosys, write_noahmp
from ecosys_sims.formats.errors import AdapterError
from ecosys_sims.formats.forcing_file import TowerSite, write_forcing
from foundations.ecosys_weather import read_years
from foundations.file_seal import unseal

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """The command."""
    specification = importlib.util.spec_from_file_location("external_sims", ROOT / "scripts" / "external_sims.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


FAKE = """#!/usr/bin/env python3
import sys, datetime, pathlib
site, lat, first, last = sys.stdin.read().split()
if site == "bad":
    print("STOP: soil file not there"); sys.exit(3)
assert pathlib.Path("w%s" % first).exists() and pathlib.Path("soil").read_text() == "template {site_id} stays"
day, total = datetime.date(int(first), 1, 1), 0.0
for year in range(int(first), int(last) + 1):
    lines, total = ["DOY DATE ECO_GPP ECO_RA ECO_RH ATM_CO2 ECO_LAI"], 0.0
    while day.year == year:
        total += abs(float(lat)) / 10.0
        number = day.timetuple().tm_yday
        lines.append(f"{number} {day:%d%m%Y} {total:.7E} {-0.4 * total:.7E} {-0.2 * total:.7E} 0.34E3 2.0")
        day += datetime.timedelta(days=1)
    pathlib.Path("01010%ddc" % year).write_text("\\n".join(lines) + "\\n")
"""
CONFIG = """
simulator: ecosys
case: {case}
sites: {sites}
forcing: {forcing}
first_year: 2003
last_year: 2003
fill: [run]
"""


def weather(hours: int, days: int = 365) -> dict[str, np.ndarray]:
    """A year of a sunny place, under the names of a forcing file."""
    time = (np.arange(days * 24 // hours) + 0.5) * hours
    sun = np.maximum(np.sin((time % 24 - 6.0) * np.pi / 12.0), 0.0)
    return {
        "Tair": 283.0 + 8.0 * sun, "Qair": 0.004 + 0.001 * sun, "SWdown": 600.0 * sun, "LWdown": 300.0 + 10.0 * sun,
        "Rainf": np.where(np.arange(len(time)) % 7 == 0, 1e-4, 0.0), "Snowf": np.zeros(len(time)),
        "Wind": 2.0 + sun, "PSurf": np.full(len(time), 9.8e4),
    }  # fmt: skip


@pytest.fixture
def forcing(tmp_path: Path) -> Path:
    site = TowerSite("field", 41.0, -96.0, "cropland", 300.0, 600.0, 30.0, 283.0)
    write_forcing(tmp_path / "forcing.nc", site, datetime(2003, 1, 1), 1, weather(1), "made up")
    return tmp_path / "forcing.nc"


def test_weather_is_written_as_each_simulator_reads_it(tmp_path: Path, forcing: Path) -> None:
    made = weather(1)
    site = read_weather(forcing, "field", 2003, 2003)
    start, step, quantities = read_years(write_ecosys(site, tmp_path, "w{year}"), 300.0)
    assert (start.year, step) == (2003, 1)
    assert quantities["temperature"] == pytest.approx(made["Tair"] - 273.15, abs=1e-4)
    assert quantities["humidity"] == pytest.approx(made["Qair"], rel=1e-5)
    assert quantities["precipitation"] == pytest.approx(made["Rainf"] * 3600, rel=1e-5)
    assert quantities["longwave"] == pytest.approx(made["LWdown"], rel=1e-5)
    (climate,) = write_ecosim(site, tmp_path, "climate.nc")
    _, hourly = read_climate(climate)
    assert hourly["TMPH"] == pytest.approx(made["Tair"] - 273.15, abs=1e-4)
    vapour = made["Qair"] * made["PSurf"] / (0.622 + 0.378 * made["Qair"])
    assert hourly["DWPTH"] == pytest.approx(vapour / 1000, rel=1e-5)
    (tmp_path / "grid").mkdir()
    part = SiteWeather(site.start, 1, {name: values[:30] for name, values in site.columns.items()})
    paths = write_noahmp(part, tmp_path / "grid", "{stamp}.LDASIN_DOMAIN1")
    assert [paths[0].name, paths[25].name] == ["2003010100.LDASIN_DOMAIN1", "2003010201.LDASIN_DOMAIN1"]
    with netCDF4.Dataset(paths[9]) as file:
        assert file["Times"][0].tobytes().decode() == "2003-01-01_09:00:00"
        assert file["SWDOWN"][0, 0, 0] == pytest.approx(made["SWdown"][9], rel=1e-6)


def test_weather_that_does_not_do_is_refused(tmp_path: Path, forcing: Path) -> None:
    with pytest.raises(AdapterError, match=r"forcing\.nc: has no site north; it has field"):
        read_weather(forcing, "north", 2003, 2003)
    with pytest.raises(AdapterError, match=r"site field: 8760 values every 1 h in 2003 to 2004; .* of whole years"):
        read_weather(forcing, "field", 2003, 2004)
    three = SiteWeather(datetime(2003, 1, 1), 3, weather(3))
    with pytest.raises(AdapterError, match="EcoSIM reads hourly weather"):
        write_ecosim(three, tmp_path, "climate.nc")


def test_weather_is_read_in_its_units_and_by_its_stamps(tmp_path: Path, forcing: Path) -> None:
    """A file in degC and mm of the interval, stamped at the end, is the same weather."""
    made = read_weather(forcing, "field", 2003, 2003)
    unseal(forcing)
    with netCDF4.Dataset(forcing, "a") as file:
        file["Tair"][:] = np.asarray(file["Tair"][:]) - 273.15
        file["Tair"].units = "degC"
        file["Rainf"][:] = np.asarray(file["Rainf"][:]) * 3600.0
        file["Rainf"].units = "mm"
        file["time"][:] = np.asarray(file["time"][:]) + 1.0
        file["time"].stamp = "end"
    again = read_weather(forcing, "field", 2003, 2003)
    for name, values in made.columns.items():
        assert again.columns[name] == pytest.approx(values, rel=1e-5)
    with netCDF4.Dataset(forcing, "a") as file:
        file["Qair"].units = "%"
    with pytest.raises(AdapterError, match=r"forcing\.nc: Qair: units are '%', expected 'kg kg-1'"):
        read_weather(forcing, "field", 2003, 2003)
    with netCDF4.Dataset(forcing, "a") as file:
        file["Qair"].units = "kg kg-1"
        file["Wind"][100] = np.nan
    with pytest.raises(AdapterError, match="site field: Wind is missing at record 100"):
        read_weather(forcing, "field", 2003, 2003)


def test_local_times_and_utc_are_told_apart(tmp_path: Path, forcing: Path) -> None:
    """At 90 W noon is at 18 UTC, the time of Noah-MP; what is in UTC becomes local for the others."""
    local = read_weather(forcing, "field", 2003, 2003, lon=-90.0)
    two_days = replace(local, columns={name: values[:48] for name, values in local.columns.items()})
    path = write_noahmp(two_days, tmp_path, "{stamp}.LDASIN_DOMAIN1")[24 + 18]
    with netCDF4.Dataset(path) as file:
        assert file["SWDOWN"][0, 0, 0] == pytest.approx(local.columns["SWdown"][24 + 12], rel=1e-6)
    unseal(forcing)
    with netCDF4.Dataset(forcing, "a") as file:
        file["SWdown"][:] = np.roll(np.asarray(file["SWdown"][:]), 6, axis=0)
        file["time"].time_zone = "UTC"
    again = read_weather(forcing, "field", 2003, 2003, lon=-90.0)
    assert again.columns["SWdown"] == pytest.approx(local.columns["SWdown"])


@pytest.fixture
def case(tmp_path: Path, forcing: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration, its case and a stand-in for the executable."""
    executable = tmp_path / "fake_ecosys"
    executable.write_text(FAKE)
    executable.chmod(executable.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("ECOSTEP_GRANT_ECOSYS", str(executable))
    (tmp_path / "case").mkdir()
    (tmp_path / "case" / "run").write_text("{site_id} {lat} {first_year} {last_year}\n")
    (tmp_path / "case" / "soil").write_text("template {site_id} stays")
    (tmp_path / "sites.csv").write_text("site_id,lat,lon,elevation,biome\nfield,41,-96,300,cropland\n")
    text = CONFIG.format(case=tmp_path / "case", sites=tmp_path / "sites.csv", forcing=forcing)
    (tmp_path / "external.yaml").write_text(text)
    return tmp_path / "external.yaml"


def test_a_case_is_prepared_run_and_imported_once(
    script, case: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    out = tmp_path / "out"
    words = ["--config", str(case), "--out", str(out), "--workers", "1"]
    assert script.main(words) == 0
    with netCDF4.Dataset(out / "dataset.nc") as file:
        assert file["site_id"][:].tolist() == ["field"]
        assert np.asarray(file["gpp"][0]) * 86400e3 == pytest.approx(np.full(365, 4.1), rel=1e-5)
        assert file["tas"][0].mean() == pytest.approx(weather(1)["Tair"].mean(), abs=0.01)
        assert file["biome"][0] == 13
    assert (out / "report" / "report.html").exists()
    done = (out / "blocks" / "field" / "case.json").stat().st_mtime_ns
    caplog.set_level("INFO")
    assert script.main(words) == 0
    assert "1 sites: 0 to do" in caplog.text
    assert (out / "blocks" / "field" / "case.json").stat().st_mtime_ns == done
    table = (tmp_path / "sites.csv").read_text()
    (tmp_path / "sites.csv").write_text(table.replace("41,", "42,"))
    assert script.main(words) == 1
    assert "blocks/field: was run with other properties of the site than the table has now" in caplog.text
    (tmp_path / "sites.csv").write_text(table)
    (tmp_path / "case" / "soil").write_text("template {site_id} stays wet")
    assert script.main(words) == 1
    assert f"{tmp_path}/case/soil: has changed since sites of {out} were run (1 changed in all)" in caplog.text
    (tmp_path / "case" / "soil").write_text("template {site_id} stays")
    with pytest.raises(SystemExit):
        script.main([*words, "--tls-cert", "client.pem"])  # of no scheduler
    assert (
        script.main([*words, "--scheduler", "tls://127.0.0.1:9", "--tls-ca-file", "ca.pem", "--tls-cert", "c.pem"]) == 1
    )
    assert "--tls-ca-file ca.pem: cannot be read" in caplog.text
    case.write_text(case.read_text().replace("fill: [run]", "fill: [run, soil]"))
    assert script.main(words) == 1
    assert "holds an ensemble of another configuration" in caplog.text


def test_a_failing_site_is_named_and_the_others_are_there(script, case: Path, tmp_path: Path, caplog) -> None:
    (tmp_path / "sites.csv").write_text("site_id,lat,lon\nfield,41,-96\nbad,42,-96\n")
    text = case.read_text().replace(f"forcing: {tmp_path / 'forcing.nc'}\n", "")
    case.write_text(text)
    (tmp_path / "case" / "w2003").write_text("its own weather")
    out = tmp_path / "out"
    assert script.main(["--config", str(case), "--out", str(out), "--workers", "1"]) == 1
    assert "site bad: fake_ecosys stopped with exit code 3: STOP: soil file not there" in caplog.text
    assert (out / "blocks" / "field" / "case.json").exists()
    assert "STOP" in (out / "blocks" / "bad.failed.log").read_text()


def test_what_is_missing_is_told(
    script, case: Path, tmp_path: Path, monkeypatch, caplog: pytest.LogCaptureFixture
) -> None:
    out = tmp_path / "out"
    words = ["--config", str(case), "--out", str(out)]
    monkeypatch.delenv("ECOSTEP_GRANT_ECOSYS")
    assert script.main(words) == 1
    assert "ecosys: set ECOSTEP_GRANT_ECOSYS to your executable of it" in caplog.text
    monkeypatch.setenv("ECOSTEP_GRANT_ECOSYS", str(tmp_path / "sites.csv"))
    assert script.main(words) == 1
    assert "sites.csv, which is not an executable file" in caplog.text
    monkeypatch.setenv("ECOSTEP_GRANT_ECOSYS", str(tmp_path / "fake_ecosys"))
    (tmp_path / "sites.csv").write_text("site_id,lat,lon\n../up,41,-96\n")
    assert script.main(words) == 1
    assert "site_id '../up' is empty, comes twice, or cannot be the name of a folder" in caplog.text
    (tmp_path / "out").mkdir(exist_ok=True)
    (tmp_path / "out" / "config.yaml").write_text("mine")
    (tmp_path / "out" / ".ecostep.json").unlink(missing_ok=True)
    (tmp_path / "sites.csv").write_text("site_id,lat,lon\nfield,41,-96\n")
    assert script.main(words) == 1
    assert "config.yaml, which this command did not make" in caplog.text
    (tmp_path / "out" / "config.yaml").rename(tmp_path / "out" / "dataset.nc")
    assert script.main(words) == 1
    assert "dataset.nc, which this command did not make" in caplog.text
    assert (tmp_path / "out" / "dataset.nc").read_text() == "mine"
