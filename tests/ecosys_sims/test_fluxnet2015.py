"""FLUXNET2015 files of every resolution: conversion, units and signs, quality, errors; the real monthly files."""

from datetime import datetime, timedelta
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from ecosys_sims import tower
from ecosys_sims.adapters import fluxnet2015
from ecosys_sims.adapters.fluxnet2015_record import read_record
from ecosys_sims.formats.dataset_check import check_dataset
from ecosys_sims.formats.errors import AdapterError
from ecosys_sims.formats.forcing_check import check_forcing

STEPS = {"HH": timedelta(minutes=30), "HR": timedelta(hours=1), "DD": timedelta(days=1)}
MINIMAL = ("TA_F", "SW_IN_F", "VPD_F", "P_F", "WS_F")
PLACE = ["--lat", "51.1", "--lon", "10.9", "--biome", "cropland"]


def rows_of(kind: str, start: datetime, days: int) -> list[dict[str, str]]:
    """A made-up tower: sun from 6 to 18 h, 4.8 mm of rain a day, NEE -2 umol by day and +1 by night."""
    step, rows = STEPS[kind], []
    count = int(timedelta(days=days) / step)
    for number in range(count):
        begin = start + number * step
        hour = begin.hour + begin.minute / 60 + (step.total_seconds() / 7200)
        warm = 8.0 - 10.0 * np.cos(2 * np.pi * (begin.timetuple().tm_yday - 20) / 365)
        sun = 150.0
        if kind != "DD":
            warm += 5.0 * np.cos(2 * np.pi * (hour - 15) / 24)
            sun = 150.0 * np.pi * max(0.0, -np.cos(2 * np.pi * hour / 24))
        net = -2.0 if sun > 0 else 1.0
        if kind == "DD":
            net = -2.5  # g C m-2 d-1
        cells = {"TA_F": warm, "SW_IN_F": sun, "LW_IN_F": 300.0, "VPD_F": 2.0, "PA_F": 98.0,
                 "P_F": 4.8 * step / timedelta(days=1), "WS_F": 3.0, "CO2_F_MDS": 410.0, "NEE_VUT_REF": net,
                 "NEE_VUT_REF_QC": 0.9 if kind == "DD" else number % 2, "GPP_NT_VUT_REF": 5.0, "GPP_DT_VUT_REF": 4.0,
                 "RECO_NT_VUT_REF": 5.0 + net, "LE_F_MDS": 50.02, "LE_F_MDS_QC": 1, "H_F_MDS": 20.0,
                 "H_F_MDS_QC": 1}  # fmt: skip
        row = {"TIMESTAMP": f"{begin:%Y%m%d}"}
        if kind != "DD":
            row = {"TIMESTAMP_START": f"{begin:%Y%m%d%H%M}", "TIMESTAMP_END": f"{begin + step:%Y%m%d%H%M}"}
        rows.append(row | {name: f"{value:.6g}" for name, value in cells.items()})
    return rows


def write_csv(path: Path, rows: list[dict[str, str]], without: tuple[str, ...] = ()) -> Path:
    names = [name for name in rows[0] if name not in without]
    path.write_text("\n".join([",".join(names), *(",".join(row[name] for name in names) for row in rows)]) + "\n")
    return path


def convert(tmp_path: Path, rows: list[dict[str, str]], *options: str, without: tuple[str, ...] = ()) -> int:
    source = write_csv(tmp_path / "FLX_XX-Abc_FLUXNET2015_FULLSET_x.csv", rows, without)
    command = [str(source), "--out", str(tmp_path / "forcing.nc"), "--observations", str(tmp_path / "observed.nc")]
    return fluxnet2015.main([*command, *PLACE, *options])


def of(path: Path, name: str) -> np.ndarray:
    with netCDF4.Dataset(path) as file:
        return np.ma.filled(np.ma.squeeze(file[name][:]).astype(float), np.nan)


@pytest.mark.parametrize(("kind", "expected"), [("HH", 24 * 366), ("HR", 24 * 366), ("DD", 366)])
def test_each_resolution_becomes_forcing_and_observations(tmp_path: Path, kind: str, expected: int) -> None:
    assert convert(tmp_path, rows_of(kind, datetime(2012, 1, 1), 366)) == 0
    forcing, observed = tmp_path / "forcing.nc", tmp_path / "observed.nc"
    assert check_forcing(forcing) == []
    assert check_dataset(observed) == []
    rain = of(forcing, "Rainf") + of(forcing, "Snowf")
    assert rain.shape == (expected,)
    assert rain == pytest.approx(4.8 / 86400.0, rel=1e-4)
    assert of(forcing, "SWdown").mean() == pytest.approx(150.0, rel=0.01)
    assert of(forcing, "PSurf") == pytest.approx(98000.0)
    assert of(forcing, "CO2air") == pytest.approx(410.0)
    assert of(forcing, "Tair").mean() == pytest.approx(281.15, abs=0.2)
    with netCDF4.Dataset(forcing) as file:
        assert ("Tmin" in file.variables) == (kind == "DD")
        assert file["time"].units == "hours since 2012-01-01 00:00:00"
        assert file["elevation"][0] == pytest.approx(-8434 * np.log(98 / 101.325), rel=1e-3)
    seconds = 86400e3  # kg m-2 s-1 -> g m-2 d-1
    net = -2.5 if kind == "DD" else -0.5 * 12.011e-6 * 86400  # half of the day -2, half +1 umol
    assert of(observed, "nee") * seconds == pytest.approx(net, rel=0.02)
    gpp = 5.0 if kind == "DD" else 5.0 * 12.011e-6 * 86400
    assert of(observed, "gpp") * seconds == pytest.approx(gpp, rel=1e-3)
    assert (of(observed, "reco") - of(observed, "gpp")) * seconds == pytest.approx(net, rel=0.02)
    assert of(observed, "evspsbl") == pytest.approx(2e-5, rel=1e-3)
    assert of(observed, "hfss") == pytest.approx(20.0)
    assert of(observed, "pr") * 86400 == pytest.approx(4.8, rel=1e-4)
    assert of(observed, "vpd") == pytest.approx(200.0)
    assert (of(observed, "tasmax") - of(observed, "tasmin")).mean() == pytest.approx(9.9, abs=3.0)


def test_days_without_enough_measured_half_hours_are_left_out(tmp_path: Path) -> None:
    rows = rows_of("HH", datetime(2013, 1, 1), 365)
    for row in rows[48 * 100 : 48 * 100 + 13]:  # 27 % of day 101 filled badly
        row["NEE_VUT_REF_QC"] = "3"
    for row in rows[48 * 200 : 48 * 200 + 12]:  # 25 % of day 201
        row["NEE_VUT_REF_QC"] = "-9999"
    for row in rows[48 * 300 : 48 * 301]:
        row["NEE_VUT_REF"] = "900"  # an instrument fault
    assert convert(tmp_path, rows) == 0
    missing = np.flatnonzero(np.isnan(of(tmp_path / "observed.nc", "nee")))
    assert list(missing) == [100, 300]
    assert not np.isnan(of(tmp_path / "observed.nc", "evspsbl")).any()
    assert convert(tmp_path, rows, "--min-quality", "0.7", "--partitioning", "DT") == 0
    assert list(np.flatnonzero(np.isnan(of(tmp_path / "observed.nc", "nee")))) == [300]
    assert of(tmp_path / "observed.nc", "gpp")[0] * 86400e3 == pytest.approx(4.0 * 12.011e-6 * 86400, rel=1e-3)


def test_optional_columns_may_be_absent_or_have_gaps(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = rows_of("HR", datetime(2013, 1, 1), 365)
    rows[7]["LW_IN_F"] = "-9999"
    rows[8]["CO2_F_MDS"] = "-9999"
    rows[9]["CO2_F_MDS"] = "20"
    assert convert(tmp_path, rows, "--elevation", "500", without=("PA_F",)) == 0
    assert "gaps of LW_IN_F (0.011 %) are filled from days near by" in caplog.text
    with netCDF4.Dataset(tmp_path / "forcing.nc") as file:
        assert file["LWdown"][7, 0] == pytest.approx(float(rows[7 + 24]["LW_IN_F"]), rel=0.05)
        assert file["PSurf"][0, 0] == pytest.approx(95461, abs=5)
        assert np.asarray(file["CO2air"][:12, 0]) == pytest.approx([410.0] * 8 + [395.86] * 2 + [410.0] * 2, abs=0.01)
    assert check_forcing(tmp_path / "forcing.nc") == []
    assert check_dataset(tmp_path / "observed.nc") == []


def test_a_column_that_is_mostly_missing_is_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = rows_of("HR", datetime(2013, 1, 1), 365)
    for row in rows[:3000]:
        row["LW_IN_F"] = "-9999"
    assert convert(tmp_path, rows) == 0
    assert "LW_IN_F has gaps (34 %) and is left out" in caplog.text
    with netCDF4.Dataset(tmp_path / "forcing.nc") as file:
        assert "LWdown" not in file.variables


def test_a_record_may_begin_within_a_day(tmp_path: Path) -> None:
    assert convert(tmp_path, rows_of("HH", datetime(2012, 12, 30, 10, 30), 370)) == 0
    with netCDF4.Dataset(tmp_path / "forcing.nc") as file:
        assert file["time"].units == "hours since 2012-12-30 11:00:00"
        assert file.dimensions["time"].size == 24 * 370 - 1
    with netCDF4.Dataset(tmp_path / "observed.nc") as file:
        assert file["time"].units == "days since 2012-12-31 00:00:00"  # the first whole day
        assert file.dimensions["time"].size == 369
        assert file["rsds"][0].std() < 0.1  # every day has its own sun


def _change(rows: list[dict[str, str]], line: int, **cells: str) -> None:
    rows[line - 2].update(cells)


@pytest.mark.parametrize(
    ("kind", "line", "cells", "message"),
    [
        ("HH", 31, {"TA_F": "-9999"}, r"line 31 \(201301011430\): TA_F = -9999, expected -75 to 60; weather must have"),
        ("HR", 12, {"P_F": "wet"}, r"line 12 \(201301011000\): P_F = 'wet' is not a number"),
        ("HR", 12, {"NEE_VUT_REF": "x"}, r"line 12 \(201301011000\): NEE_VUT_REF = 'x' is not a number"),
        ("DD", 40, {"TIMESTAMP": "20130301"}, r"line 40 \(20130301\): follows 20130207; times must have no gaps"),
        ("HH", 9, {"TIMESTAMP_START": "2013010104x0"}, r"line 9 \(2013010104x0\): TIMESTAMP_START is not a time"),
        ("DD", 77, {"SW_IN_F": ""}, r"line 77 \(20130317\): SW_IN_F = missing, expected -30 to 1500"),
        ("HR", 2, {"TIMESTAMP_END": "201301080000"}, r"intervals of 168 h; expected HH, HR, DD or MM files"),
        ("DD", 2, {"TIMESTAMP": "2013"}, r"expected half-hourly, hourly, daily or monthly data"),
    ],
)
def test_errors_name_file_line_time_and_column(tmp_path: Path, kind: str, line: int, cells: dict, message: str) -> None:
    rows = rows_of(kind, datetime(2013, 1, 1), 80)
    _change(rows, line, **cells)
    path = write_csv(tmp_path / "FLX_XX-Abc_x.csv", rows)
    with pytest.raises(AdapterError, match=message) as error:
        read_record(path)
    assert str(error.value).startswith(str(path))


def test_missing_columns_cut_lines_and_other_files_are_told(tmp_path: Path) -> None:
    rows = rows_of("DD", datetime(2013, 1, 1), 30)
    with pytest.raises(AdapterError, match=r"column VPD_F is missing; is it a FLUXNET2015 file\?"):
        read_record(write_csv(tmp_path / "a.csv", rows, without=("VPD_F",)))
    path = write_csv(tmp_path / "b.csv", rows)
    path.write_text(path.read_text().rsplit(",", 3)[0])
    with pytest.raises(AdapterError, match=r"b\.csv line 31: \d+ cells for 18 columns"):
        read_record(path)
    with pytest.raises(AdapterError, match="no column TIMESTAMP or TIMESTAMP_START"):
        read_record(write_csv(tmp_path / "c.csv", rows, without=("TIMESTAMP",)))
    with pytest.raises(AdapterError, match="cannot be read"):
        read_record(tmp_path / "none.csv")


def test_times_in_utc_are_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = rows_of("HR", datetime(2013, 1, 1), 365)
    sun = [row["SW_IN_F"] for row in rows]
    for row, value in zip(rows, sun[-6:] + sun[:-6], strict=True):  # noon at 18 h, as in UTC over America
        row["SW_IN_F"] = value
    assert convert(tmp_path, rows) == 1
    assert "SW_IN_F: the sun is highest at 18:" in caplog.text
    assert "times must be local, not UTC" in caplog.text
    assert not (tmp_path / "forcing.nc").exists()


def test_the_table_of_sites_gives_place_height_and_class(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source = write_csv(tmp_path / "FLX_XX-Abc_FULLSET_DD.csv", rows_of("DD", datetime(2013, 1, 1), 365))
    badm = tmp_path / "badm.csv"
    lines = ["SITE_ID,GROUP_ID,VARIABLE,DATAVALUE", "YY-Zzz,1,LOCATION_LAT,1"]
    lines += [f"XX-Abc,1,{name},{value}" for name, value in
              (("LOCATION_LAT", 61.8), ("LOCATION_LONG", 24.3), ("LOCATION_ELEV", 181), ("IGBP", "ENF"))]  # fmt: skip
    badm.write_text("\n".join(lines) + "\n")
    forcing = tmp_path / "forcing.nc"
    assert fluxnet2015.main([str(source), "--meta", str(badm), "--out", str(forcing)]) == 0
    assert (of(forcing, "lat"), of(forcing, "elevation"), of(forcing, "biome")) == (pytest.approx(61.8), 181, 7)
    assert fluxnet2015.main([str(source), "--out", str(forcing)]) == 1
    assert "the place of XX-Abc is not known; give --lat or --meta" in caplog.text
    assert fluxnet2015.main([str(source), "--out", str(forcing), "--lat", "50", "--lon", "9"]) == 1
    assert "class '' has no biome here; give --biome" in caplog.text
    assert fluxnet2015.main([str(source), "--meta", str(badm), "--site", "XX-Xyz", "--out", str(forcing)]) == 1
    assert "no site XX-Xyz" in caplog.text


def test_monthly_files_hold_observations_only(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = rows_of("DD", datetime(2013, 1, 1), 15)
    for month, row in enumerate(rows):
        row["TIMESTAMP"] = f"{2013 + month // 12}{month % 12 + 1:02d}"
    rows[3]["NEE_VUT_REF_QC"], rows[4]["WS_F"] = "0.3", ""
    assert convert(tmp_path, rows) == 1
    assert "monthly values cannot drive the process model, which needs hourly or daily weather" in caplog.text
    assert not (tmp_path / "forcing.nc").exists()
    observed = tmp_path / "observed.nc"
    source = tmp_path / "FLX_XX-Abc_FLUXNET2015_FULLSET_x.csv"
    assert fluxnet2015.main([str(source), "--observations", str(observed), *PLACE]) == 0
    with netCDF4.Dataset(observed) as file:
        assert file["time_bnds"][:2].tolist() == [[0, 31], [31, 59]]
        assert file["time"][0] == 15.5
    net = of(observed, "nee") * 86400e3
    assert np.isnan(net[3])
    assert np.delete(net, 3) == pytest.approx(-2.5, rel=1e-5)
    assert np.isnan(of(observed, "sfcWind")[4])


@pytest.mark.external
def test_half_hours_drive_the_model(ecosys_exe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECOSTEP_ECOSYS", str(ecosys_exe))
    source = write_csv(tmp_path / "FLX_XX-Abc_FULLSET_HH.csv", rows_of("HH", datetime(2013, 1, 1), 365))
    forcing, out = tmp_path / "forcing.nc", tmp_path / "run"
    command = ["fluxnet2015", str(source), *PLACE, "--out", str(forcing), "--run", str(out), "--spinup-years", "1"]
    assert tower.main([*command, "--set", "run_ctl.dt_phys=10800"]) == 0
    assert check_dataset(out / "dataset.nc") == []
    assert of(out / "dataset.nc", "pr").sum() * 86400 == pytest.approx(365 * 4.8, rel=1e-4)
    assert of(out / "dataset.nc", "tas").mean() == pytest.approx(281.15, abs=0.1)


@pytest.mark.external
def test_real_monthly_files(data_dir: Path, tmp_path: Path) -> None:
    observed = tmp_path / "observed.nc"
    source = data_dir / "fluxnet2015_monthly_cro_wet" / "US-Ne1_MM.csv"
    assert fluxnet2015.main([str(source), "--observations", str(observed)]) == 0
    assert (of(observed, "lat"), of(observed, "biome")) == (pytest.approx(41.165, abs=1e-3), 13)
    net, gpp, reco = (of(observed, name) * 86400e3 for name in ("nee", "gpp", "reco"))
    assert len(net) == 156
    assert np.isnan(net[:4]).all()  # nothing was measured before May 2001
    assert (net[6], gpp[6], reco[6]) == pytest.approx((-11.6368, 21.7022, 10.0654), rel=1e-4)
    assert of(observed, "tas")[0] == pytest.approx(273.15 - 4.761)
