"""Weather files of the original ecosys: header, units, padded years, errors; the real files where they are at hand."""

import calendar
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from ecosys_sims.adapters import ecosys_weather
from ecosys_sims.formats.errors import AdapterError
from ecosys_sims.formats.forcing_check import check_forcing

HOURLY = "HJ0311XDHTXHXWXPXXXR,,,\nCXGXSXMXXXW,,,\n6,0,12\n7,0.25,0.30\n"
THREE_HOURLY = "3J0305XDHTHWPR\nKRSMW\n10.00,1.00,17.27\n7.00,0.37,0.96\n"
SITE = ["--site", "XX-Fld", "--lat", "41.0", "--lon", "-96.0", "--biome", "cropland", "--elevation", "300"]


def write_hourly(path: Path, year: int, header: str = HOURLY, padded: bool = True) -> Path:
    """18 columns; the temperature of an hour is its number in the day. A year of 365 days is padded with a 366th."""
    hours = (366 if padded or calendar.isleap(year) else 365) * 24
    lines = []
    for hour in range(1, hours + 1):
        day, clock = hour // 24 + 1, hour % 24
        sun = max(0, 600 - 100 * abs(clock - 12))
        lines.append(f"{year},{day},{clock},{clock - 12.0},0,0.002,0,3.0,0,3.6,0,97.5,0,{sun},0,280.0,0,375.0")
    path.write_text(header + "\n".join(lines) + "\n")
    return path


def test_years_are_joined_in_our_units_with_stamps_at_the_start(tmp_path: Path) -> None:
    files = [write_hourly(tmp_path / f"w{year}.csv", year) for year in (2004, 2003)]
    out = tmp_path / "forcing.nc"
    assert ecosys_weather.main([*map(str, files), *SITE, "--out", str(out)]) == 0
    assert check_forcing(out) == []
    with netCDF4.Dataset(out) as file:
        assert file["time"].units == "hours since 2003-01-01 00:00:00"
        assert file["time"].stamp == "start"
        assert len(file.dimensions["time"]) == (365 + 366) * 24  # the padded day of 2003 is left out
        assert file["Tair"][0, 0] - 273.15 == pytest.approx(-11.0, abs=1e-4)  # hour 1 ends the first hour of the day
        assert np.asarray(file["Rainf"][:] + file["Snowf"][:]) == pytest.approx(1e-3)  # 3.6 mm in an hour
        assert file["PSurf"][5, 0] == 97500.0
        assert file["LWdown"][5, 0] == 280.0
        assert file["CO2air"][5, 0] == 375.0
        assert file["annual_precip"][0] == pytest.approx(3.6 * 24 * 365.25)
        assert file["biome"][0] == 13


def test_three_hourly_kelvin_and_relative_humidity(tmp_path: Path) -> None:
    lines = [f"1981.00,{h // 8 + 1}.00,{3 * (h % 8) + 3}.00,283.15,50.00,2.50,3.00,200.00" for h in range(365 * 8)]
    (tmp_path / "w1981").write_text(THREE_HOURLY + "\n".join(lines) + "\n")
    start, step, quantities = ecosys_weather.read_years([tmp_path / "w1981"], elevation=130.0)
    forcing = ecosys_weather.drivers(quantities, step)
    assert (start.year, step) == (1981, 3)
    assert forcing["Tair"][0] == pytest.approx(283.15)
    assert forcing["Qair"][0] == pytest.approx(0.5 * 1228 * 0.622 / 99770, rel=0.01)
    assert forcing["PSurf"][0] == pytest.approx(99770, rel=1e-3)
    assert forcing["Rainf"][0] == pytest.approx(3.0 / 10800)
    assert "LWdown" not in forcing  # the program derives it


def test_half_hours_in_any_order_of_columns_become_hours(tmp_path: Path) -> None:
    """S is sub-hourly; hours and minutes mark the end, rain adds up, and the columns stand as the header says."""
    lines = []
    for half in range(1, 365 * 48 + 1):
        day, clock = (half - 1) // 48 + 1, (half - 1) % 48 + 1
        stamp = 100 * (clock // 2) + 30 * (clock % 2)
        lines.append(f"{stamp},{day},2003,0.2,{clock % 2 * 36},50,68,1.2,1080")
    header = "SJ0306HDYPRHTWL\nCKRFHK\n6,0,12\n7,0.25,0.30\n"
    (tmp_path / "w.csv").write_text(header + "\n".join(lines) + "\n")
    year, step, quantities = ecosys_weather.read_year(tmp_path / "w.csv", 0.0)
    assert (year, step, len(quantities["wind"])) == (2003, 1, 8760)
    assert quantities["precipitation"] == pytest.approx(4.0)  # 0.2 cm twice
    assert quantities["shortwave"] == pytest.approx(5.0)  # 36 and 0 kJ m-2 h-1
    assert quantities["temperature"] == pytest.approx(20.0)
    assert quantities["wind"] == pytest.approx(1.2 / 3.6)
    assert quantities["longwave"] == pytest.approx(300.0)


def test_times_are_moved_to_solar_noon(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The header says when the sun is highest: at 12 h in these files, whatever it says."""
    caplog.set_level("INFO")
    out, noon = tmp_path / "forcing.nc", HOURLY.replace("6,0,12\n", "6,0,17.3\n")
    lines = write_hourly(tmp_path / "w.csv", 2003, padded=False).read_text().splitlines()
    header, rows = lines[:4], [line.split(",") for line in lines[4:]]
    sun = [row[13] for row in rows]
    for row, value in zip(rows, sun[-5:] + sun[:-5], strict=True):  # as in UTC over America
        row[13] = value
    (tmp_path / "w.csv").write_text(noon + "\n".join(",".join(row) for row in rows) + "\n")
    assert ecosys_weather.main([str(tmp_path / "w.csv"), *SITE, "--out", str(out)]) == 0
    assert "times are moved by -5 h to local solar time" in caplog.text
    with netCDF4.Dataset(out) as file:
        assert file["time"].units == "hours since 2003-01-01 00:00:00"
        assert len(file.dimensions["time"]) == 365 * 24
        assert np.asarray(file["SWdown"][:, 0]).reshape(-1, 24).argmax(axis=1).tolist() == [11] * 365
        assert file["Tair"][0, 0] - 273.15 == pytest.approx(-6.0, abs=1e-4)
    (tmp_path / "w.csv").write_text("\n".join(header) + "\n" + "\n".join(",".join(row) for row in rows) + "\n")
    assert ecosys_weather.main([str(tmp_path / "w.csv"), *SITE, "--out", str(out)]) == 1
    assert "w.csv: shortwave: the sun is highest at 16:" in caplog.text
    assert ecosys_weather.main([str(tmp_path / "w.csv"), *SITE, "--utc-offset", "-5", "--out", str(out)]) == 0
    (tmp_path / "w.csv").write_text("a\nb\n6,0\n")
    with pytest.raises(AdapterError, match=r"w\.csv line 3: no hour of solar noon"):
        ecosys_weather.read_noon(tmp_path / "w.csv")


@pytest.mark.parametrize(
    ("header", "edit", "message"),
    [
        ("TIME,T,RH\nC,P\n1\n2\n", None, r"line 1: 'TIME' is not the header of an ecosys weather file"),
        (HOURLY.replace("CXGX", "QXGX"), None, r"line 2: unit 'Q' of column 'T' is not known here"),
        (HOURLY.replace("HXWXP", "HXXXP"), None, r"line 1: no column of wind"),
        (
            HOURLY,
            (9, "2003,1,7,", "2003,1,8,"),
            r"line 11: year 2003, day 1, hour 8 is out of sequence; expected day 1, hour 7",
        ),
        (HOURLY, (9, "0.002", "soft"), r"line 9: not numbers only"),
        (HOURLY, (9, "97.5", "975"), r"line 9: pressure = 975, expected 40 to 115"),
    ],
)
def test_errors_name_file_and_line(tmp_path: Path, header: str, edit: tuple | None, message: str) -> None:
    path = write_hourly(tmp_path / "w.csv", 2003, header)
    if edit:
        line, old, new = edit
        lines = path.read_text().splitlines()
        at = line - 1 if old in lines[line - 1] else next(i for i, text in enumerate(lines) if text.startswith(old))
        lines[at] = lines[at].replace(old, new, 1)
        path.write_text("\n".join(lines))
    with pytest.raises(AdapterError, match=message) as error:
        ecosys_weather.read_year(path, 300.0)
    assert str(error.value).startswith(str(path))


def test_a_truncated_year_and_missing_years_are_told(tmp_path: Path) -> None:
    path = write_hourly(tmp_path / "w.csv", 2003)
    path.write_text("\n".join(path.read_text().splitlines()[:5000]))
    with pytest.raises(AdapterError, match=r"4996 data lines, expected 8760 for 2003; the file is truncated"):
        ecosys_weather.read_year(path, 300.0)
    files = [write_hourly(tmp_path / f"w{year}.csv", year, padded=False) for year in (2001, 2003)]
    with pytest.raises(AdapterError, match="years 2001 and 2003 are not consecutive"):
        ecosys_weather.read_years(files, 300.0)


@pytest.mark.external
def test_real_hourly_and_three_hourly_weather(data_dir: Path) -> None:
    mead = sorted((data_dir / "ecosys_mead_forcing").glob("me0?w.csv"))
    start, step, quantities = ecosys_weather.read_years(mead, 361.0)
    assert (start.year, step, len(quantities["temperature"])) == (2001, 1, 2191 * 24)
    assert quantities["temperature"].mean() == pytest.approx(10.8, abs=0.5)
    assert quantities["precipitation"].sum() / 6 == pytest.approx(626, abs=20)
    noon = quantities["shortwave"].reshape(-1, 24).mean(0).argmax()
    assert noon in (10, 11, 12)
    duke = sorted((data_dir / "ecosys_dukeforest" / "forcing").glob("w*"))
    start, step, quantities = ecosys_weather.read_years(duke, 130.0, ecosys_weather.offset_to_local(duke))
    assert (start.year, step, len(duke)) == (1980, 3, 14)
    assert np.isfinite(quantities["humidity"]).all()
    assert quantities["shortwave"].reshape(-1, 8).mean(0).argmax() in (3, 4)  # they are in UTC, noon at 17.27 h
