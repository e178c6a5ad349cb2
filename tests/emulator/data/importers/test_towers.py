"""FLUXNET-CH4 and AmeriFlux files to datasets: values, periods, sources, quality; the real files where they are."""

from datetime import date
from pathlib import Path

import netCDF4
import numpy as np
import pandas as pd
import pytest

from emulator.data.importers.command import main
from foundations.air import saturation_vapour_pressure

from .made_up import ameriflux, fluxnet_ch4, sites, values_of

G_PER_DAY = 86400e3
CARBON, METHANE = 12.011e-9, 16.043e-12  # kg of a umol CO2, of a nmol CH4


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def test_a_record_that_begins_on_2_january_keeps_its_first_year(tmp_path: Path) -> None:
    file, out = fluxnet_ch4(tmp_path), tmp_path / "out.nc"
    assert run("fluxnet_ch4", file, "--sites", sites(tmp_path), "--out", out) == 0
    source = pd.read_csv(file, na_values=-9999)
    with netCDF4.Dataset(out) as dataset:
        assert dataset["time"].units == "days since 2014-01-02 00:00:00"
        assert len(dataset.dimensions["time"]) == 500
        assert dataset["biome"][0] == 2 and dataset["biome"].flag_meanings.split()[1] == "fen"
        assert dataset["fch4"].ancillary_variables == "fch4_qc"
        assert "sand" not in dataset.variables  # not told, so not assumed
    assert values_of(out, "tas") == pytest.approx(source.TA_F.to_numpy() + 273.15, rel=1e-6)
    assert values_of(out, "pr") == pytest.approx(source.P_F.to_numpy() / 86400, rel=1e-6)
    assert values_of(out, "wtd") == pytest.approx(0.1)
    methane = values_of(out, "fch4")
    assert methane == pytest.approx(source.FCH4.to_numpy() * METHANE, rel=1e-6, nan_ok=True)


def test_nee_is_the_filled_mean_on_measured_days(tmp_path: Path) -> None:
    """NEE of the file is the mean of the measured half-hours, more of them by day than by night."""
    file, out = fluxnet_ch4(tmp_path), tmp_path / "out.nc"
    assert run("fluxnet_ch4", file, "--sites", sites(tmp_path), "--out", out) == 0
    source = pd.read_csv(file, na_values=-9999)
    expected = source.NEE_F.where(source.NEE.notna()).to_numpy() * CARBON
    assert values_of(out, "nee") == pytest.approx(expected, rel=1e-6, nan_ok=True)
    assert np.nanmax(values_of(out, "nee_qc")) == 0


def test_filled_fluxes_are_written_where_asked_for_and_marked(tmp_path: Path) -> None:
    file, out = fluxnet_ch4(tmp_path), tmp_path / "out.nc"
    assert run("fluxnet_ch4", file, "--sites", sites(tmp_path), "--out", out, "--filled-targets") == 0
    quality = values_of(out, "fch4_qc")
    assert np.isfinite(values_of(out, "fch4")).all()
    assert quality[:100][::3].tolist() == [1.0] * 34 and quality[102::3].min() == 2.0
    assert (quality[1::3] == 0).all()


def test_days_that_the_source_filled_are_marked(tmp_path: Path) -> None:
    made, out = fluxnet_ch4(tmp_path), tmp_path / "out.nc"
    temperature = pd.read_csv(made).TA.to_numpy().astype(float)
    temperature[50:60] = np.nan
    file = fluxnet_ch4(tmp_path, TA=temperature)
    assert run("fluxnet_ch4", file, "--sites", sites(tmp_path), "--out", out) == 0
    source = values_of(out, "driver_source")
    assert (source[50:60] == 1).all() and source.sum() == 10


def test_a_driver_that_a_site_never_measures_does_not_mark_its_days(tmp_path: Path) -> None:
    made, out = fluxnet_ch4(tmp_path), tmp_path / "out.nc"
    wind = pd.read_csv(made).WS.to_numpy().astype(float)
    wind[7] = np.nan
    file = fluxnet_ch4(tmp_path, LW_IN=np.full(500, np.nan), WS=wind)
    assert run("fluxnet_ch4", file, "--sites", sites(tmp_path), "--out", out) == 0
    assert np.flatnonzero(values_of(out, "driver_source")).tolist() == [7]
    assert "XX-Abc rlds: days that the source filled (500)" in (tmp_path / "out_report" / "report.txt").read_text()


def test_one_gap_of_longwave_does_not_remove_it(tmp_path: Path) -> None:
    made, out = fluxnet_ch4(tmp_path), tmp_path / "out.nc"
    longwave = pd.read_csv(made).LW_IN.to_numpy().astype(float)
    longwave[200:202], longwave[400:420] = np.nan, np.nan
    file = fluxnet_ch4(tmp_path, LW_IN=longwave, LW_IN_F=longwave)
    assert run("fluxnet_ch4", file, "--sites", sites(tmp_path), "--out", out) == 0
    filled, source = values_of(out, "rlds"), values_of(out, "driver_source")
    assert filled[200:202] == pytest.approx(np.linspace(longwave[199], longwave[202], 4)[1:3], rel=1e-6)
    assert filled[400:420] == pytest.approx(longwave[400 - 365 : 420 - 365], rel=1e-6)  # the same days of 2014
    assert source[200] == 1 and (source[400:420] == 2).all()


def test_each_site_has_its_own_period_on_a_common_axis(tmp_path: Path) -> None:
    table = sites(tmp_path, "XX-Abc,50.0,10.0,Fen,", "XX-Two,60.0,10.0,Bog,")
    files = [fluxnet_ch4(tmp_path), fluxnet_ch4(tmp_path, "XX-Two", date(2015, 3, 1), 400)]
    out = tmp_path / "out.nc"
    assert run("fluxnet_ch4", *files, "--sites", table, "--out", out) == 0
    first, second = values_of(out, "tas", 0), values_of(out, "tas", 1)
    begin = (date(2015, 3, 1) - date(2014, 1, 2)).days
    assert len(first) == begin + 400
    assert np.isfinite(first[:500]).all() and np.isnan(first[500:]).all()
    assert np.isnan(second[:begin]).all() and np.isfinite(second[begin:]).all()
    assert np.isnan(values_of(out, "driver_source", 1)[:begin]).all()
    with netCDF4.Dataset(out) as dataset:
        assert dataset["biome"][:].tolist() == [2, 1]


def test_half_hours_become_days_where_three_quarters_were_measured(tmp_path: Path) -> None:
    flux = np.full(120 * 48, -1.0)
    flux[48 : 48 + 12], flux[96 : 96 + 13] = np.nan, np.nan  # 36 and 35 of 48 are left
    file, out = ameriflux(tmp_path, FC=flux), tmp_path / "out.nc"
    place = ("--lat", 50, "--lon", 10, "--biome", "cropland", "--elevation", 0)
    assert run("ameriflux_base", file, *place, "--out", out) == 0
    source = pd.read_csv(file, comment="#", na_values=-9999)
    days = source.groupby(np.arange(len(source)) // 48)
    net = values_of(out, "nee")
    assert np.isfinite(net[:2]).all() and np.isnan(net[2]) and np.isfinite(net[3:]).all()
    assert net[3:] == pytest.approx(days.FC_PI_F.mean().to_numpy()[3:] * CARBON, rel=1e-6)
    assert values_of(out, "tas") == pytest.approx(days.TA_1_1_1.mean().to_numpy() + 273.15, rel=1e-6)
    assert values_of(out, "pr") == pytest.approx(days.P.sum().to_numpy() / 86400, rel=1e-6)
    deficit = saturation_vapour_pressure(source.TA_1_1_1.to_numpy()) * (1 - source.RH_1_1_1 / 100)
    assert values_of(out, "vpd") == pytest.approx(deficit.to_numpy().reshape(-1, 48).mean(axis=1), rel=1e-6)
    assert values_of(out, "evspsbl") == pytest.approx(50.0 / 2.501e6, rel=1e-6)
    with netCDF4.Dataset(out) as dataset:
        assert dataset["site_id"][0] == "XX-Fld"


def test_gaps_of_hours_are_filled_from_hours_and_days_near_by(tmp_path: Path) -> None:
    whole = pd.read_csv(ameriflux(tmp_path), comment="#").TA_1_1_1.to_numpy().astype(float)
    holes = whole.copy()
    holes[100:103], holes[48 * 20 : 48 * 21] = np.nan, np.nan
    file, out = ameriflux(tmp_path, TA_1_1_1=holes), tmp_path / "out.nc"
    assert run("ameriflux_base", file, "--lat", 50, "--lon", 10, "--out", out) == 0
    true = whole.reshape(-1, 48).mean(axis=1) + 273.15
    filled = values_of(out, "tas")
    assert filled[2] == pytest.approx(true[2], abs=0.05)
    assert filled[20] == pytest.approx(true[20], abs=1.5)
    assert values_of(out, "driver_source")[[2, 20]].tolist() == [0.0, 1.0]


@pytest.mark.external
def test_real_towers_have_the_values_of_their_files(data_dir: Path, tmp_path: Path) -> None:
    files = sorted((data_dir / "fluxnet_ch4_daily").glob("*.csv"))
    meta = next((data_dir / "fluxnet_ch4_meta").glob("*.csv"))
    out = tmp_path / "towers.nc"
    assert run("fluxnet_ch4", *files, "--sites", meta, "--out", out) == 0
    with netCDF4.Dataset(out) as dataset:
        time = dataset["time"]
        first = np.datetime64(time.units.split()[2])
        names = dataset["site_id"][:].tolist()
        assert len(names) == 13 and dataset["biome"][:].tolist() == [4, 1, 2, 1, 2, 1, 2, 2, 5, 1, 2, 3, 5]
        for site, (name, path) in enumerate(zip(names, files, strict=True)):
            source = pd.read_csv(path, na_values=-9999)
            day = pd.to_datetime(source.TIMESTAMP.astype(str)).to_numpy().astype("datetime64[D]")
            place = (day - first).astype(int)
            assert name in path.name
            series = {
                n: np.ma.filled(dataset[n][site].astype(float), np.nan)[place] for n in ("tas", "vpd", "ps", "fch4")
            }
            assert series["tas"] == pytest.approx(source.TA_F.to_numpy() + 273.15, rel=1e-6)
            assert series["vpd"] == pytest.approx(100.0 * source.VPD_F.to_numpy(), rel=1e-6, abs=1e-4)
            assert series["ps"] == pytest.approx(1000.0 * source.PA_F.to_numpy(), rel=1e-6)
            possible = source.FCH4.where((source.FCH4 >= -100) & (source.FCH4 <= 1500)).to_numpy() * METHANE
            assert series["fch4"] == pytest.approx(possible, rel=1e-6, abs=1e-18, nan_ok=True)
    net, gaps = values_of(out, "nee", names.index("DE-Zrk")) * G_PER_DAY, 0
    source = pd.read_csv(files[names.index("DE-Zrk")], na_values=-9999)
    assert np.nanmean(net) == pytest.approx((source.NEE_F[source.NEE.notna()] * 12.011e-6 * 86400).mean(), rel=1e-5)
    assert gaps == 0


@pytest.mark.external
def test_a_real_half_hourly_tower(data_dir: Path, tmp_path: Path) -> None:
    path, out = next((data_dir / "ameriflux_base").glob("*US-Tw3*")), tmp_path / "tw3.nc"
    assert run("ameriflux_base", path, "--lat", 38.1152, "--lon", -121.6469, "--biome", "cropland", "--out", out) == 0
    source = pd.read_csv(path, comment="#", na_values=-9999)
    per_day = source.groupby(source.TIMESTAMP_START // 10000)
    measured = per_day.FC.count().to_numpy() >= 36
    flux = np.where(measured, per_day.FC_PI_F.mean().to_numpy(), np.nan) * CARBON
    with netCDF4.Dataset(out) as dataset:
        begin = (np.datetime64(dataset["time"].units.split()[2]) - np.datetime64("2013-01-01")).astype(int)
    net = values_of(out, "nee")
    assert net == pytest.approx(flux[begin : begin + len(net)], rel=1e-6, nan_ok=True)
    whole = (per_day.TA.count() == 48).to_numpy()[begin : begin + len(net)]
    celsius = per_day.TA.mean().to_numpy()[begin : begin + len(net)]
    assert values_of(out, "tas")[whole] == pytest.approx(celsius[whole] + 273.15, rel=1e-6)
    assert whole.sum() > 1000 and np.isfinite(net).sum() > 1000
