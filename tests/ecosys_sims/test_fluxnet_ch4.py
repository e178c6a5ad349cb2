"""FLUXNET-CH4 daily files: conversion, units and signs, errors; the real files where they are at hand."""

from datetime import date, timedelta
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from ecosys_sims.adapters import fluxnet_ch4
from ecosys_sims.adapters import tower_weather as weather
from ecosys_sims.adapters.daily_record import site_id_of
from ecosys_sims.formats.dataset_check import check_dataset
from ecosys_sims.formats.errors import AdapterError
from ecosys_sims.formats.forcing_check import check_forcing
from ecosys_sims.formats.units import CARBON_OF_MICROMOL, METHANE_OF_NANOMOL

# fmt: off
HEADER = [
    "TIMESTAMP", "NEE", "FCH4", "GPP_DT", "WTD_F", "SW_IN_F", "LW_IN_F", "VPD_F", "PA_F", "TA_F", "P_F", "WS_F",
]
# fmt: on
META = """SITE_ID,LAT,LON,SITE_CLASSIFICATION,UPLAND_CLASS
XX-Abc,60.5,24.0,Fen,
XX-Lak,60.5,24.0,Lake,
XX-Cro,45,9,Upland,Crop - corn
"""


def write_csv(path: Path, start: date = date(2014, 12, 20), days: int = 400, changes: dict | None = None) -> Path:
    """A made-up tower: NEE -2 umol, CH4 40 nmol but missing every third day; `changes` maps (line, column) to text."""
    lines = [list(HEADER)]
    for number in range(days):
        day = start + timedelta(days=number)
        warm = 5.0 - 12.0 * np.cos(2 * np.pi * (day.timetuple().tm_yday - 20) / 365)
        methane, carbon = "-9999" if number % 3 == 0 else "40.0", "-2.0" if number % 2 else "-9999"
        weather_cells = ["150", "300", "4.0", "100.0", f"{warm:.3f}", "2.0", "3.0"]
        lines.append([f"{day:%Y%m%d}", carbon, methane, "3.0", "-0.1", *weather_cells])
    for (line, column), text in (changes or {}).items():
        lines[line - 1][HEADER.index(column)] = text
    path.write_text("\n".join(",".join(cells) for cells in lines) + "\n")
    return path


@pytest.fixture
def meta(tmp_path: Path) -> Path:
    (tmp_path / "meta.csv").write_text(META)
    return tmp_path / "meta.csv"


def test_a_file_becomes_forcing_and_observations_in_our_units(tmp_path: Path, meta: Path) -> None:
    source = write_csv(tmp_path / "FLX_XX-Abc_FLUXNET-CH4_DD_2014-2016_1-1.csv")
    forcing, observed = tmp_path / "forcing.nc", tmp_path / "observed.nc"
    assert (
        fluxnet_ch4.main([str(source), "--meta", str(meta), "--out", str(forcing), "--observations", str(observed)])
        == 0
    )
    assert check_forcing(forcing) == []
    assert check_dataset(observed) == []
    with netCDF4.Dataset(forcing) as file:
        assert file["time"].units == "hours since 2014-12-20 00:00:00"
        total = np.asarray(file["Rainf"][:] + file["Snowf"][:])
        assert total == pytest.approx(2.0 / 86400.0)
        assert 0.2 < (file["Snowf"][:] > 0).mean() < 0.6
        assert (file["Tmin"][:] < file["Tair"][:]).all()
        assert file["PSurf"][0, 0] == 1e5
        assert file["biome"][0] == 2
        humidity, celsius = file["Qair"][0, 0], file["Tair"][0, 0] - 273.15
    vapour = humidity * 1e5 / (0.622 + 0.378 * humidity)
    assert weather.saturation_vapour_pressure(np.array(celsius)) - vapour == pytest.approx(
        min(400.0, 0.95 * weather.saturation_vapour_pressure(np.array(celsius))), rel=1e-3
    )
    with netCDF4.Dataset(observed) as file:
        assert len(file.dimensions["time"]) == 400  # from 20 December on: no day is lost
        methane = np.asarray(file["fch4"][0].compressed())
        assert methane * 86400e6 == pytest.approx(40.0 * 1.3861, rel=1e-3)  # mg CH4 m-2 d-1, upward positive
        assert 0.6 < methane.size / 400 < 0.7
        assert np.asarray(file["nee"][0].compressed()) * 86400e3 == pytest.approx(-2.0 * 12.011e-6 * 86400, rel=1e-3)
        assert np.ma.getmaskarray(file["ra"][0]).all()  # not measured
        assert (np.ma.getmaskarray(file["gpp"][0]) == np.ma.getmaskarray(file["nee"][0])).all()
        assert file["wtd"][0, 0] == pytest.approx(0.1)  # positive below the surface
        assert file["vpd"][0, 0] == pytest.approx(400.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {(31, "TA_F"): "-9999"},
            r"line 31 \(2015-01-18\): TA_F = -9999, expected -75 to 60; weather must have no gaps",
        ),
        ({(12, "P_F"): "wet"}, r"line 12 \(20141230\): P_F = 'wet' is not a number"),
        ({(40, "TIMESTAMP"): "20150301"}, r"line 40: 2015-03-01 follows 2015-01-26; days must be consecutive"),
        ({(9, "TIMESTAMP"): "2015-1-1"}, r"line 9: TIMESTAMP '2015-1-1' is not yyyymmdd"),
        ({(77, "SW_IN_F"): "5000"}, r"line 77 .*SW_IN_F = 5000, expected -10 to 600"),
        ({(1, "LW_IN_F"): "LW"}, r"column LW_IN_F is missing"),
    ],
)
def test_errors_name_file_line_and_column(tmp_path: Path, changes: dict, message: str) -> None:
    path = write_csv(tmp_path / "FLX_XX-Abc_x.csv", changes=changes)
    with pytest.raises(AdapterError, match=message) as error:
        fluxnet_ch4.read_daily(path)
    assert str(error.value).startswith(str(path))


def test_other_errors_say_what_to_do(tmp_path: Path, meta: Path, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(AdapterError, match=r"does not begin with FLX_<SITE>_; give --site"):
        site_id_of("daily.csv")
    with pytest.raises(AdapterError, match=r"no site YY-Zzz"):
        fluxnet_ch4.read_site(meta, "YY-Zzz")
    with pytest.raises(AdapterError, match=r"class 'Lake'.*give --biome"):
        fluxnet_ch4.biome_of(fluxnet_ch4.read_site(meta, "XX-Lak"))
    assert fluxnet_ch4.biome_of(fluxnet_ch4.read_site(meta, "XX-Cro")) == "cropland"
    record = fluxnet_ch4.read_daily(write_csv(tmp_path / "short.csv", days=200))
    with pytest.raises(AdapterError, match="holds no whole calendar year"):
        record.whole_years()
    assert fluxnet_ch4.main([str(tmp_path / "no.csv"), "--meta", str(meta), "--out", str(tmp_path / "f.nc")]) == 1
    assert "cannot be read" in caplog.text


def test_outputs_replace_no_input_and_no_other_output(tmp_path: Path, meta: Path, caplog) -> None:
    source, table = write_csv(tmp_path / "FLX_XX-Abc_x.csv"), meta.read_text()
    content = source.read_text()
    for out, observed in ((source, "o.nc"), (meta, "o.nc"), ("f.nc", source), ("f.nc", "f.nc"), (tmp_path, "o.nc")):
        words = ["--out", str(tmp_path / out), "--observations", str(tmp_path / observed)]
        caplog.clear()
        assert fluxnet_ch4.main([str(source), "--meta", str(meta), *words]) == 1
        assert "name" in caplog.text and len(caplog.records) == 1
    assert source.read_text() == content and meta.read_text() == table
    assert not (tmp_path / "f.nc").exists() and not (tmp_path / "o.nc").exists()


def test_nee_is_the_filled_mean_of_measured_days(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """NEE itself is the mean of measured half-hours, more of them by day than by night."""
    path = write_csv(tmp_path / "FLX_XX-Abc_x.csv")
    lines = [line.split(",") for line in path.read_text().splitlines()]
    filled = [["NEE_F"], *([f"{-0.5 - 0.001 * number:.3f}"] for number in range(len(lines) - 1))]
    path.write_text("\n".join(",".join(line + extra) for line, extra in zip(lines, filled, strict=True)) + "\n")
    net = fluxnet_ch4.fluxes(fluxnet_ch4.read_daily(path))["nee"] / CARBON_OF_MICROMOL
    assert np.isnan(net[0::2]).all()
    assert net[1::2] == pytest.approx(-0.5 - 0.001 * np.arange(1, 400, 2))
    assert "NEE_F" not in caplog.text
    fluxnet_ch4.fluxes(fluxnet_ch4.read_daily(write_csv(tmp_path / "FLX_XX-Abc_x.csv")))
    assert "no column NEE_F; NEE, of measured half-hours, leans to the day" in caplog.text


def test_faults_of_the_instrument_are_left_out(tmp_path: Path) -> None:
    path = write_csv(
        tmp_path / "FLX_XX-Abc_x.csv", changes={(30, "FCH4"): "-1710", (31, "FCH4"): "3318", (33, "FCH4"): "inf"}
    )
    methane = fluxnet_ch4.fluxes(fluxnet_ch4.read_daily(path))["fch4"]
    assert np.isnan(methane[[28, 29, 31]]).all()
    assert np.nanmax(methane) == pytest.approx(40 * METHANE_OF_NANOMOL)


@pytest.mark.external
@pytest.mark.parametrize(
    ("site", "biome", "days"), [("DE-Zrk", "fen", 1642), ("FI-Sii", "fen", 1413), ("RU-Ch2", "wet_tundra", 698)]
)
def test_real_towers(data_dir: Path, tmp_path: Path, site: str, biome: str, days: int) -> None:
    source = next((data_dir / "fluxnet_ch4_daily").glob(f"FLX_{site}_*.csv"))
    meta = next((data_dir / "fluxnet_ch4_meta").glob("*META*.csv"))
    record = fluxnet_ch4.read_daily(source)
    described = fluxnet_ch4.describe_site(record, fluxnet_ch4.read_site(meta, site))
    assert described.biome == biome
    fluxnet_ch4.write_tower_forcing(record, described, tmp_path / "forcing.nc")
    fluxnet_ch4.write_observations(record, described, tmp_path / "observed.nc")
    with netCDF4.Dataset(tmp_path / "observed.nc") as file:
        assert abs(file["fch4"][0].count() - days) <= 3  # a few are faults of the instrument
        assert file["tas"][0].count() == file.dimensions["time"].size
        assert 5 < file["fch4"][0].mean() * 86400e6 < 300
