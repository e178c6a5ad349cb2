"""Text files of process models and of flux programs: sums since new year, blocks, months, lines of units."""

from datetime import date, datetime, timedelta
from pathlib import Path

import netCDF4
import numpy as np
import pandas as pd
import pytest

from emulator.data.importers.command import main

from .made_up import days_from, values_of, weather

PLACE = ("--lat", "50", "--lon", "10", "--biome", "cropland", "--elevation", "100")
PER_DAY = 86400e3


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def ecosys_output(folder: Path, year: int) -> list[Path]:
    """Carbon and water of a year that add up since 1 January, and a plant type that tells nothing of the whole."""
    days = (date(year + 1, 1, 1) - date(year, 1, 1)).days
    carbon, water = ["DOY DATE ECO_GPP ECO_RA ECO_RH ATM_CO2 ECO_LAI"], ["DOY DATE PRECN ET SNOWPACK"]
    for number, day in enumerate(days_from(date(year, 1, 1), days), start=1):
        stamp = f"{number}.000 {day:%d%m%Y}"
        carbon.append(f"{stamp} {0.5e1 * number:.7E} {-2.0 * number:.7E} {-1.0 * number:.7E} 0.34E+003 3.0")
        water.append(f"{stamp} {number:.7E} {0.5 * number:.7E} 0.0")
    files = {"dc": carbon, "dw": water}
    paths = []
    for kind, lines in files.items():
        paths.append(folder / f"01010{year}{kind}")
        paths[-1].write_text("\n".join(lines) + "\n")
    paths.append(folder / f"01011{year}dc")
    paths[-1].write_text("DOY DATE SHOOT_C LAI GPP\n1 01011999 1 1 1\n")
    return paths


def ecosys_weather(folder: Path, year: int) -> Path:
    days = (date(year + 1, 1, 1) - date(year, 1, 1)).days
    lines = ["3J0305XDHTHWPR", "KRSMW", "10,1,12", "7,0.4,1"]
    for number in range(days * 8):
        lines.append(
            f"{year},{number // 8 + 1},{3 * (number % 8) + 3},283.15,50,2.5,0.5,{200 if number % 8 in (3, 4) else 0}"
        )
    (folder / f"w{year}").write_text("\n".join(lines) + "\n")
    return folder / f"w{year}"


def test_ecosys_output_is_taken_apart_into_days(tmp_path: Path) -> None:
    files = [path for year in (2003, 2004) for path in (*ecosys_output(tmp_path, year), ecosys_weather(tmp_path, year))]
    out = tmp_path / "out.nc"
    assert run("ecosys", *files, "--site", "Field", *PLACE, "--out", out) == 0
    assert values_of(out, "gpp").shape == (731,)
    assert values_of(out, "gpp") * PER_DAY == pytest.approx(5.0, rel=1e-5)
    assert values_of(out, "ra") * PER_DAY == pytest.approx(2.0, rel=1e-5)
    assert values_of(out, "nee") * PER_DAY == pytest.approx(-2.0, rel=1e-5)
    assert values_of(out, "evspsbl") * 86400 == pytest.approx(0.5, rel=1e-5)
    assert values_of(out, "tas") == pytest.approx(283.15)
    assert values_of(out, "pr") * 86400 == pytest.approx(4.0, rel=1e-5)
    assert values_of(out, "rsds") == pytest.approx(50.0)
    report = (tmp_path / "out_report" / "report.txt").read_text()
    assert "output files of single plant types, left out (2)" in report
    assert "Field rlds: estimated from temperature, humidity and clearness of the sky" in report
    assert main(["ecosys", str(files[0]), *PLACE, "--out", str(out)]) == 1  # no site is told


def test_dssat_runs_become_sites(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    head = "*RUN   {run}        : TREATMENT {run}\n MODEL          : MZCER048\n"
    head += " EXPERIMENT     : UFGA8201 MZ TEST\n TREATMENT  {run}   : LOW N\n\n"
    growth, sky = "*GROWTH ASPECTS OUTPUT FILE\n", "*Weather module daily output file\n"
    for number in (1, 2):
        growth += head.format(run=number) + "! comment\n@YEAR DOY   DAS   DAP   LAID   CWAD\n"
        sky += head.format(run=number) + "@YEAR DOY   DAS   PRED   SRAD   TMXD   TMND   TAVD   WDSD   CO2D\n"
        for day in range(1, 81):
            growth += f" 1982 {day:03d} {day:5d} {day:5d} {0.05 * day * number:6.2f} {100 * day:6d}\n"
            sky += f" 1982 {day:03d} {day:5d}   5.0   15.0   20.0   10.0   15.0  172.8  340.0\n"
    (tmp_path / "PlantGro.OUT").write_text(growth)
    (tmp_path / "Weather.OUT").write_text(sky)
    (tmp_path / "sites.csv").write_text(
        "site_id,lat,lon,biome\nUFGA8201_1,29.6,-82.4,cropland\nUFGA8201_2,29.6,-82.4,cropland\n"
    )
    out = tmp_path / "out.nc"
    files = (tmp_path / "PlantGro.OUT", tmp_path / "Weather.OUT")
    assert run("dssat", *files, "--sites", tmp_path / "sites.csv", "--out", out) == 0
    with netCDF4.Dataset(out) as file:
        assert file["site_id"][:].tolist() == ["UFGA8201_1", "UFGA8201_2"]
        assert file["biomass"].role == "state"
    assert values_of(out, "lai", 1)[9] == pytest.approx(1.0)
    assert values_of(out, "biomass")[9] == pytest.approx(0.1)
    assert values_of(out, "rsds")[0] == pytest.approx(15e6 / 86400, rel=1e-6)
    assert values_of(out, "sfcWind")[0] == pytest.approx(2.0, rel=1e-6)
    assert values_of(out, "pr")[0] * 86400 == pytest.approx(5.0, rel=1e-6)
    (tmp_path / "PlantGro.OUT").write_text(growth.replace("  0.05 ", "  "))
    assert run("dssat", *files, "--sites", tmp_path / "sites.csv", "--out", out) == 1
    assert "PlantGro.OUT line" in caplog.text and "5 values for 6 columns" in caplog.text


def test_tem_days_and_months_and_double_lines(tmp_path: Path) -> None:
    """CH4EMI is negative for emission; January comes twice and is averaged; NPP is of months."""
    methane, air, npp = [], [], []
    for lon, lat in ((-180.0, 65.0), (20.5, -5.5)):
        for month, days in enumerate((31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31), start=1):
            for factor in (1.0, 3.0) if month == 1 and lon < 0 else (1.0,):
                cells = ",".join(f"{-factor * day:.1f}" for day in range(1, days + 1))
                methane.append(
                    f" {lon}, {lat}, CH4EMI , 3, 3, 55.00, 0, 1294, 1978, {month}, 0.0, 0.0, 0.00, 0.0, {cells}, ASIA"
                )
            cells = ",".join(["12.5"] * days)
            air.append(f" {lon}, {lat}, TAIR , 3, 1978, {month}, 0.0, 0.0, 0.00, 0.0, {cells}")
        npp.append(f"{lon},{lat}, NPP ,1294,1978,0,0,0,0,{','.join(['31.0'] + ['28.0'] * 11)}, ASIA")
    files = {"ch4emi.day": methane, "tair.tem": air, "npp.tem": npp}
    for name, lines in files.items():
        (tmp_path / name).write_text("\n".join(lines) + "\n")
    out = tmp_path / "out.nc"
    assert run("tem", *(tmp_path / name for name in files), "--out", out) == 0
    flux = values_of(out, "fch4") * 86400e6  # mg m-2 day-1
    assert flux[:3] == pytest.approx([2.0, 4.0, 6.0], rel=1e-5) and flux[31] == pytest.approx(1.0, rel=1e-5)
    assert values_of(out, "fch4", 1)[2] * 86400e6 == pytest.approx(3.0, rel=1e-5)
    assert values_of(out, "tas") == pytest.approx(285.65)
    assert values_of(out, "npp")[[0, 40]] * PER_DAY == pytest.approx([1.0, 1.0], rel=1e-5)  # 31 g in 31 days
    with netCDF4.Dataset(out) as file:
        assert file["site_id"][:].tolist() == ["65.000N_180.000W", "5.500S_20.500E"]
    assert (
        "lines of a cell that come again (cohorts), averaged (1)"
        in (tmp_path / "out_report" / "report.txt").read_text()
    )


@pytest.mark.parametrize("units", [["-\t-\t-\tumolm-2s-1\tWm-2\tdegC\thPa\tms-1"], []])
def test_reddyproc_table_with_and_without_a_line_of_units(tmp_path: Path, units: list[str]) -> None:
    made = weather(80, 48)
    rows = ["Year\tDoY\tHour\tNEE\tRg\tTair\tVPD\tUstar", *units]
    for step in range(80 * 48):
        values = (made[name][step] for name in ("NEE", "SW_IN", "TA", "VPD"))
        rows.append(
            f"2005\t{step // 48 + 1}\t{(step % 48 + 1) / 2}\t" + "\t".join(f"{value:.8g}" for value in values) + "\t0.3"
        )
    (tmp_path / "DE-Xyz.txt").write_text("\n".join(rows) + "\n")
    out = tmp_path / "out.nc"
    assert run("reddyproc", tmp_path / "DE-Xyz.txt", *PLACE, "--out", out) == 0
    assert values_of(out, "nee") == pytest.approx(made["NEE"].reshape(-1, 48).mean(axis=1) * 12.011e-9, rel=1e-5)
    assert values_of(out, "tas") == pytest.approx(made["TA"].reshape(-1, 48).mean(axis=1) + 273.15, rel=1e-6)
    with netCDF4.Dataset(out) as file:
        assert file["site_id"][:].tolist() == ["DE-Xyz"]


def test_eddypro_counts_no_flux_of_the_worst_quality(tmp_path: Path) -> None:
    made = weather(70, 48)
    names = (
        "filename,date,time,co2_flux,qc_co2_flux,air_temperature,SW_IN_1_1_1,VPD,wind_speed,air_pressure,LE,"
        "P_RAIN_1_1_1"
    )
    rows = ["DATAH,,,CO2,,,BIOMET,,,,,", names,
            ",[yyyy-mm-dd],[HH:MM],[umol],[#],[K],[W+1m-2],[Pa],[m+1s-1],[Pa],[W+1m-2],[m]"]  # fmt: skip
    for step in range(70 * 48):
        end = datetime(2019, 1, 1) + timedelta(minutes=30 * (step + 1))
        bad = step % 48 < 6 or 480 <= step < 500
        flux = 1e3 if bad else made["NEE"][step]
        rows.append(f"f,{end:%Y-%m-%d},{end:%H:%M},{flux:.8g},{2 if bad else 0},{made['TA'][step] + 273.15:.8g},"
                    f"{made['SW_IN'][step]:.8g},{100 * made['VPD'][step]:.8g},2.0,98000,50,0.0002")  # fmt: skip
    (tmp_path / "eddypro_full.csv").write_text("\n".join(rows) + "\n")
    out = tmp_path / "out.nc"
    assert run("eddypro", tmp_path / "eddypro_full.csv", "--site", "XX-Edd", *PLACE, "--out", out) == 0
    days = made["NEE"].reshape(-1, 48)[:, 6:].mean(axis=1) * 12.011e-9
    net = values_of(out, "nee")
    assert np.isnan(net[10]) and np.delete(net, 10) == pytest.approx(np.delete(days, 10), rel=1e-5)
    assert values_of(out, "ps") == pytest.approx(98000.0)
    assert values_of(out, "pr") * 86400.0 == pytest.approx(48 * 0.2, rel=1e-5)  # m of half an hour to mm of a day


@pytest.mark.parametrize("preset", ["fluxnet2015", "icos_etc"])
def test_fluxnet2015_half_hours_and_days_agree(tmp_path: Path, preset: str) -> None:
    """The quality of a day is the share of its half-hours that were measured or filled well, in either file."""
    made, days = weather(90, 48), 90
    quality = np.zeros(days * 48)
    quality[48 : 48 + 24], quality[96 : 96 + 24] = 1.0, 2.0  # well filled, and badly
    columns = {"TA_F": made["TA"], "SW_IN_F": made["SW_IN"], "VPD_F": made["VPD"], "P_F": made["P"], "WS_F": made["WS"],
               "PA_F": made["PA"], "LW_IN_F": made["LW_IN"], "NEE_VUT_REF": made["NEE"], "NEE_VUT_REF_QC": quality,
               "GPP_NT_VUT_REF": made["GPP"], "TA_F_QC": quality,
               "NEE_VUT_REF_RANDUNC": np.full(days * 48, 1.0)}  # fmt: skip
    frame = pd.DataFrame(columns)
    start = pd.date_range("2012-01-01", periods=days * 48, freq="30min")
    frame.insert(0, "TIMESTAMP_START", start.strftime("%Y%m%d%H%M"))
    name = "FLX_XX-Abc_FLUXNET2015_FULLSET" if preset == "fluxnet2015" else "ICOSETC_XX-Abc_FLUXNET"
    frame.to_csv(tmp_path / f"{name}_HH_2012-2012_1-4.csv", index=False)
    daily = pd.DataFrame({key: values.reshape(-1, 48).mean(axis=1) for key, values in columns.items()})
    daily["P_F"] *= 48
    for flux in ("NEE_VUT_REF", "GPP_NT_VUT_REF"):
        daily[flux] *= 12.011e-6 * 86400
    for flag in ("NEE_VUT_REF_QC", "TA_F_QC"):
        daily[flag] = (columns[flag].reshape(-1, 48) <= 1).mean(axis=1)
    daily.insert(0, "TIMESTAMP", start[::48].strftime("%Y%m%d"))
    daily.to_csv(tmp_path / f"{name}_DD_2012-2012_1-4.csv", index=False)
    results = []
    for kind in ("HH", "DD"):
        out = tmp_path / f"{kind}.nc"
        assert run(preset, next(tmp_path.glob(f"*_{kind}_*")), *PLACE, "--out", out) == 0
        results.append({key: values_of(out, key) for key in ("tas", "pr", "vpd", "nee", "gpp")})
    for key, values in results[0].items():
        assert values == pytest.approx(results[1][key], rel=1e-5, nan_ok=True), key
    net = results[0]["nee"]
    assert np.isfinite(net[1]) and np.isnan(net[2]) and np.isfinite(net[3:]).all()
    assert values_of(tmp_path / "HH.nc", "nee_qc")[[1, 3]].tolist() == [1.0, 0.0]  # half of the second day was filled
    assert values_of(tmp_path / "HH.nc", "nee_sd")[5] == pytest.approx(12.011e-9 / np.sqrt(48), rel=1e-5)
    assert values_of(tmp_path / "HH.nc", "driver_source")[[1, 2, 3]].tolist() == [1.0, 1.0, 0.0]


def test_fluxnet_ch4_half_hours(tmp_path: Path) -> None:
    made = weather(70, 48)
    methane = made["FCH4"].copy()
    methane[:13] = np.nan  # 35 of 48 are left on the first day
    columns = {f"{name}_F": made[name] for name in ("TA", "SW_IN", "LW_IN", "VPD", "PA", "WS", "P", "NEE", "FCH4")}
    columns |= {name: made[name] for name in ("TA", "SW_IN", "LW_IN", "VPD", "PA", "WS", "P", "NEE")} | {
        "FCH4": methane
    }
    frame = pd.DataFrame(columns).fillna(-9999)
    frame.insert(
        0, "TIMESTAMP_START", pd.date_range("2012-01-01", periods=70 * 48, freq="30min").strftime("%Y%m%d%H%M")
    )
    frame.to_csv(tmp_path / "FLX_XX-Abc_FLUXNET-CH4_HH_2012-2012_1-1.csv", index=False)
    out = tmp_path / "out.nc"
    assert run("fluxnet_ch4_hh", next(tmp_path.glob("*.csv")), *PLACE, "--out", out) == 0
    flux = values_of(out, "fch4")
    assert np.isnan(flux[0])
    assert flux[1:] == pytest.approx(made["FCH4"].reshape(-1, 48).mean(axis=1)[1:] * 16.043e-12, rel=1e-6)


@pytest.mark.external
def test_duke_forest_has_the_sums_of_its_files(data_dir: Path, tmp_path: Path) -> None:
    folder, out = data_dir / "ecosys_dukeforest", tmp_path / "duke.nc"
    files = [*(folder / "output_daily").iterdir(), *(folder / "forcing").iterdir()]
    assert (
        run("ecosys", *files, "--site", "DukeForest", "--lat", 35.875, "--lon", -79.1, "--elevation", 130, "--out", out)
        == 0
    )
    first = np.datetime64("1980-01-01")
    with netCDF4.Dataset(out) as file:
        assert file["time"].units == "days since 1980-01-01 00:00:00"
    for year in (1980, 1987, 1993):
        carbon = pd.read_csv(folder / "output_daily" / f"01010{year}dc", sep=r"\s+")
        begin = (np.datetime64(f"{year}-01-01") - first).astype(int)
        days = slice(begin, begin + len(carbon))
        for name, column, sign in (("gpp", "ECO_GPP", 1), ("ra", "ECO_RA", -1), ("rh", "ECO_RH", -1)):
            daily = sign * np.diff(carbon[column], prepend=0.0) / PER_DAY
            assert values_of(out, name)[days] == pytest.approx(daily, rel=1e-6, abs=1e-16)
        water = pd.read_csv(folder / "output_daily" / f"01010{year}dw", sep=r"\s+")
        assert values_of(out, "pr")[days].sum() * 86400 == pytest.approx(water.PRECN.iloc[-1], rel=0.01)


@pytest.mark.external
def test_real_months_are_held_on_their_days(data_dir: Path, tmp_path: Path) -> None:
    path, out = data_dir / "fluxnet2015_monthly_cro_wet" / "DE-Geb_MM.csv", tmp_path / "out.nc"
    assert run("fluxnet2015", path, *PLACE, "--out", out) == 0
    source = pd.read_csv(path)
    month = pd.date_range("2001-01-01", periods=len(values_of(out, "tas"))).strftime("%Y%m").astype(int)
    of_days = source.set_index("TIMESTAMP").loc[month]
    assert values_of(out, "tas") == pytest.approx(of_days.TA_F.to_numpy() + 273.15, rel=1e-6)
    assert values_of(out, "pr") == pytest.approx(of_days.P_F.to_numpy() / 86400, rel=1e-6)  # mm day-1 in such files
    net = of_days.NEE_VUT_REF.where(of_days.NEE_VUT_REF_QC >= 0.75).to_numpy() * 1e-3 / 86400
    assert values_of(out, "nee") == pytest.approx(net, rel=1e-5, nan_ok=True)
    assert (
        "values of months or years are held on each of their days" in (tmp_path / "out_report/report.txt").read_text()
    )


def test_a_month_is_no_day(tmp_path: Path) -> None:
    """200012 is December 2000, though `%Y%m%d` could read it as 2 January."""
    months = [f"{year}{month:02d}" for year in (2000, 2001) for month in range(1, 13)][11:]
    rows = [f"{month},10,100,300,5,{number},2,100" for number, month in enumerate(months)]
    header = "TIMESTAMP,TA_F,SW_IN_F,LW_IN_F,VPD_F,P_F,WS_F,PA_F"
    (tmp_path / "FLX_XX-Abc_FLUXNET2015_SUBSET_MM_2000-2001_1.csv").write_text("\n".join([header, *rows]) + "\n")
    out = tmp_path / "out.nc"
    assert run("fluxnet2015", next(tmp_path.glob("FLX*")), *PLACE, "--out", out) == 0
    rain = values_of(out, "pr") * 86400
    assert len(rain) == 31 + 365 and rain[[0, 30, 31]] == pytest.approx([0.0, 0.0, 1.0], abs=1e-6)


ENDS = """name: ends
time: {column: date, format: "%Y-%m-%d", stamp: end}
site: {column: site}
variables:
  nee: {column: flux, units: "g C m-2 day-1"}
"""


def write_mapping(folder: Path, text: str) -> Path:
    (folder / "mapping.yaml").write_text(text)
    return folder / "mapping.yaml"


@pytest.mark.parametrize(
    "ends", [("2001-01-31", "2001-02-28", "2001-03-31"), ("2001-02-01", "2001-03-01", "2001-04-01")]
)
def test_the_end_of_a_month_belongs_to_it(tmp_path: Path, ends: tuple[str, ...]) -> None:
    (tmp_path / "months.csv").write_text(
        "date,site,flux\n" + "".join(f"{end},A,{n}\n" for n, end in enumerate(ends, 1))
    )
    out = tmp_path / "out.nc"
    assert run(write_mapping(tmp_path, ENDS), tmp_path / "months.csv", *PLACE, "--out", out) == 0
    months = np.repeat([1.0, 2.0, 3.0], [31, 28, 31])
    assert values_of(out, "nee") * PER_DAY == pytest.approx(months, rel=1e-5)


def test_stamps_of_several_sites_that_alternate_mark_ends_as_well(tmp_path: Path) -> None:
    rows = [f"2001-01-{day:02d},{site},{day - 1}" for day in range(2, 32) for site in "AB"]
    (tmp_path / "sites.csv").write_text("site_id,lat,lon\nA,50,10\nB,51,10\n")
    (tmp_path / "days.csv").write_text("\n".join(["date,site,flux", *rows]) + "\n")
    out, table = tmp_path / "out.nc", tmp_path / "sites.csv"
    assert run(write_mapping(tmp_path, ENDS), tmp_path / "days.csv", "--sites", table, "--out", out) == 0
    assert values_of(out, "nee", 1) * PER_DAY == pytest.approx(np.arange(1.0, 31.0), rel=1e-5)
    with netCDF4.Dataset(out) as file:
        assert file["time"].units == "days since 2001-01-01 00:00:00"


def test_months_of_what_adds_up_are_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Each day of a month would have the sum, or the first all of it."""
    (tmp_path / "months.csv").write_text("date,site,flux\n2001-01-31,A,1\n2001-02-28,A,2\n2001-03-31,A,3\n")
    text = ENDS.replace('"g C m-2 day-1"', "g C m-2, cumulative: year")
    out = tmp_path / "out.nc"
    assert run(write_mapping(tmp_path, text), tmp_path / "months.csv", *PLACE, "--out", out) == 1
    assert "nee adds up, and the intervals are months or years" in caplog.text and not out.exists()


def test_the_mapping_is_not_replaced(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "days.csv").write_text("date,site,flux\n2001-01-02,A,1\n2001-01-03,A,1\n")
    mapping = write_mapping(tmp_path, ENDS)
    assert run(mapping, tmp_path / "days.csv", *PLACE, "--out", mapping) == 1
    assert "which would be lost" in caplog.text and mapping.read_text() == ENDS


@pytest.mark.parametrize(
    ("values", "told"),
    [("58,20", "site A: sand is 58 1, possible is 1 at most"), ("0.7,0.6", "site A: sand and clay are 0.7 and 0.6")],
)
def test_soil_that_cannot_be_is_refused(
    tmp_path: Path, values: str, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "sites.csv").write_text(f"site_id,lat,lon,sand,clay\nA,50,10,{values}\n")
    (tmp_path / "days.csv").write_text("date,site,flux\n2001-01-02,A,1\n2001-01-03,A,1\n")
    words = ("--sites", tmp_path / "sites.csv", "--out", tmp_path / "out.nc")
    assert run(write_mapping(tmp_path, ENDS), tmp_path / "days.csv", *words) == 1
    assert told in caplog.text


def test_marks_of_missing_in_a_table_of_sites_are_no_heights(tmp_path: Path) -> None:
    (tmp_path / "sites.csv").write_text("site_id,lat,lon,elevation,ph\nA,50,10,-9999.0,NaN\n")
    (tmp_path / "days.csv").write_text("date,site,flux\n" + "".join(f"2001-01-{d:02d},A,1\n" for d in range(2, 32)))
    out, table = tmp_path / "out.nc", tmp_path / "sites.csv"
    assert run(write_mapping(tmp_path, ENDS), tmp_path / "days.csv", "--sites", table, "--out", out) == 0
    with netCDF4.Dataset(out) as file:
        assert "elevation" not in file.variables and "ph" not in file.variables


PLAIN = """\
name: plain
time: {column: TIMESTAMP, format: "%Y%m%d"}
variables:
  tas: {column: TA, units: degC}
  rsds: {column: SW_IN, units: W m-2}
  nee: {column: NEE, units: umol m-2 s-1, of: CO2}
"""


@pytest.mark.parametrize(
    "form", ["bom", "carriage", "quoted", "reversed", "empty_lines", "semicolons", "tabs", "decimal"]
)
def test_forms_of_one_table_give_the_same(tmp_path: Path, form: str) -> None:
    columns = {name: weather(90)[name] for name in ("TA", "SW_IN", "NEE")}
    stamps = [f"{day:%Y%m%d}" for day in days_from(date(2012, 1, 15), 90)]  # over 29 February
    rows = [["TIMESTAMP", *columns]]
    rows += [[stamp, *(f"{v[i]:.6f}" for v in columns.values())] for i, stamp in enumerate(stamps)]
    table = rows[:1] + rows[:0:-1] if form == "reversed" else rows
    cells = [[f'"{cell}"' for cell in row] for row in table] if form == "quoted" else table
    separator = {"semicolons": ";", "tabs": "\t", "decimal": ";"}.get(form, ",")
    text = "\n".join(separator.join(row) for row in cells) + "\n"
    text = text.replace(".", ",") if form == "decimal" else text
    text = text.replace("\n", "\r\n") if form == "carriage" else text
    text += "\n,,,\n" if form == "empty_lines" else ""
    (tmp_path / "plain.yaml").write_text(PLAIN + ('table: {decimal: ","}\n' if form == "decimal" else ""))
    (tmp_path / "t.csv").write_bytes(text.encode("utf-8-sig" if form == "bom" else "utf-8"))
    out = tmp_path / "out.nc"
    assert run(tmp_path / "plain.yaml", tmp_path / "t.csv", *PLACE, "--out", out) == 0
    assert values_of(out, "tas") == pytest.approx(columns["TA"] + 273.15, abs=1e-4)
    assert values_of(out, "nee") == pytest.approx(columns["NEE"] * 12.011e-9, rel=1e-3, abs=1e-12)
    with netCDF4.Dataset(out) as file:
        assert netCDF4.num2date(file["time"][45], file["time"].units).strftime("%m-%d") == "02-29"


def test_a_site_without_values_is_left_out_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "plain.yaml").write_text(PLAIN)
    for name, value in (("good", "1.5"), ("none", "-9999")):
        lines = [f"201201{day:02d},{value},{value},{value}" for day in range(1, 31)]
        (tmp_path / f"{name}.csv").write_text("\n".join(["TIMESTAMP,TA,SW_IN,NEE", *lines]) + "\n")
    (tmp_path / "sites.csv").write_text("site_id,lat,lon\ngood,50,10\nnone,51,10\n")
    files = [tmp_path / "none.csv", tmp_path / "good.csv"]
    options = [tmp_path / "plain.yaml", "--sites", tmp_path / "sites.csv", "--out", tmp_path / "out.nc"]
    assert run(*options, *files) == 0
    with netCDF4.Dataset(tmp_path / "out.nc") as file:
        assert list(file["site_id"][:]) == ["good"]
    assert "none: the site: no day has values" in (tmp_path / "out_report" / "report.txt").read_text()
    assert run(*options, files[0]) == 1
    assert "site none: no day has values; is the mark of missing values right?" in caplog.text


def test_exports_of_reddyproc_with_quotes_and_quantiles_of_ustar(tmp_path: Path) -> None:
    made, steps = weather(30, 48), range(30 * 48)
    names = ["", "Year", "DoY", "Hour", "Tair", "Rg", "VPD", "NEE", "NEE_U50_f", "GPP_U50_f", "Reco_U50"]
    lines = [",".join(f'"{name}"' for name in names)]
    for step in steps:
        clock = [2014, step // 48 + 1, (step % 48 + 1) / 2]
        values = [made[name][step] for name in ("TA", "SW_IN", "VPD", "NEE", "NEE", "GPP", "RECO")]
        lines.append(f'"{step}",' + ",".join(f"{value:.6g}" for value in [*clock, *values]))
    (tmp_path / "site.csv").write_text("\n".join(lines) + "\n")
    assert run("reddyproc", tmp_path / "site.csv", *PLACE, "--out", tmp_path / "out.nc") == 0
    days = made["GPP"].reshape(30, 48).mean(axis=1) * 12.011e-9
    assert values_of(tmp_path / "out.nc", "gpp") == pytest.approx(days, rel=1e-3)
