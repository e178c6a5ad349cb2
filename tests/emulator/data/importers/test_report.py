"""The report names planted lies, and is silent about real towers."""

from pathlib import Path

import numpy as np
import pytest

from emulator.data.importers.command import main

from .made_up import ameriflux, fluxnet_ch4, sites, weather

DAYS = 500


def report(folder: Path, preset: str, *arguments: object) -> str:
    out = folder / "out.nc"
    assert main([preset, *map(str, arguments), "--out", str(out)]) == 0
    text = (folder / "out_report" / "report.txt").read_text()
    page = (folder / "out_report" / "report.html").read_text()
    assert page.startswith("<!DOCTYPE html>") and "<svg" in page
    return text


def doubts(text: str) -> list[str]:
    """Lines of the first section."""
    if "Doubtful" not in text:
        return []
    return text.split("Doubtful: look at these before you train\n", 1)[1].split("\n\n", 1)[0].splitlines()


def test_a_good_file_raises_no_doubt(tmp_path: Path) -> None:
    text = report(tmp_path, "fluxnet_ch4", fluxnet_ch4(tmp_path), "--sites", sites(tmp_path))
    assert doubts(text) == []
    assert "XX-Abc: 2014-01-02 to 2015-05-16, 500 days, 0 whole years" in text
    assert "sand: not told for any site, and not assumed" in text
    row = next(line.split() for line in text.splitlines() if line.split()[:2] == ["XX-Abc", "fch4"])
    assert row[2:7] == ["mg", "m-2", "day-1", "333", "333"]
    text = report(tmp_path, "ameriflux_base", ameriflux(tmp_path), "--lat", 50, "--lon", 15)
    assert doubts(text) == []


@pytest.mark.parametrize(
    ("columns", "factor", "name", "words"),
    [
        (("FCH4",), 1.3861, "fch4", "mg CH4 m-2 day-1, said to be nmol m-2 s-1"),
        (("FCH4", "FCH4_F", "FCH4_F_ANNOPTLM"), 1e-4, "fch4", "is the unit right?|prefix"),
        (("VPD", "VPD_F"), 0.1, "vpd", "kPa, said to be hPa"),
        (("NEE", "NEE_F"), -1.0, "nee", "its sign is turned round"),
        (("NEE_F",), -1.0, "nee", "has the opposite sign"),
        (("SW_IN", "SW_IN_F"), 0.0864, "rsds", "MJ m-2 day-1, said to be W m-2"),
        (("SW_IN", "SW_IN_F"), 2.02, "rsds", "photon flux"),
        (("GPP_DT", "RECO_DT", "NEE", "NEE_F"), 1e-3, "gpp", "prefix"),
        (("P", "P_F"), 1e-3, "pr", "mm in a year"),
    ],
)
def test_planted_units_and_signs_are_named(tmp_path: Path, columns, factor, name, words) -> None:
    made = weather(DAYS)
    missing = np.where(np.arange(DAYS) % 3 == 0, np.nan, 1.0)
    originals = {"NEE": (made["NEE"] - 0.5) * missing, "FCH4": made["FCH4"] * missing, "GPP_DT": made["GPP"],
                 "RECO_DT": made["RECO"], "FCH4_F_ANNOPTLM": made["FCH4"]}  # fmt: skip
    lies = {column: factor * originals.get(column, made[column.removesuffix("_F")] if column not in originals else 0)
            for column in columns}  # fmt: skip
    text = report(tmp_path, "fluxnet_ch4", fluxnet_ch4(tmp_path, **lies), "--sites", sites(tmp_path))
    lines = [line for line in doubts(text) if line.split()[1].rstrip(":") == name]
    assert lines and any(word in lines[0] for word in words.split("|")), text


def test_a_wrong_latitude_and_a_stuck_instrument_are_named(tmp_path: Path) -> None:
    wind = weather(DAYS)["WS"]
    wind[100:130] = 2.2
    file = fluxnet_ch4(tmp_path, WS=wind, WS_F=wind)
    text = report(tmp_path, "fluxnet_ch4", file, "--sites", sites(tmp_path, "XX-Abc,-50.0,10.0,Fen,"))
    assert any("tas: is lowest when the sun is highest" in line for line in doubts(text))
    assert any("sfcWind: has the same value for 30 days from 2014-04-12" in line for line in doubts(text))


def test_a_copied_site_is_named(tmp_path: Path) -> None:
    files = [fluxnet_ch4(tmp_path), fluxnet_ch4(tmp_path, "XX-Two")]
    text = report(tmp_path, "fluxnet_ch4", *files, "--sites", sites(tmp_path, "XX-Abc,50,10,Fen,", "XX-Two,51,10,Fen,"))
    assert any("XX-Two fch4: is that of site XX-Abc, value by value" in line for line in doubts(text))


def test_times_in_utc_and_a_net_flux_turned_round_are_named(tmp_path: Path) -> None:
    made = weather(120, 48)
    shifted = {name: np.roll(made[source], 16) for name, source in (("SW_IN", "SW_IN"),)}
    text = report(tmp_path, "ameriflux_base", ameriflux(tmp_path, **shifted), "--lat", 50, "--lon", -120)
    assert any("rsds: is highest at 20:00" in line for line in doubts(text))
    turned = {"FC": -made["NEE"], "FC_PI_F": -made["NEE"]}
    text = report(tmp_path, "ameriflux_base", ameriflux(tmp_path, **turned), "--lat", 50, "--lon", 10)
    assert any("nee:" in line and "sign is turned round" in line for line in doubts(text))


def test_stamps_of_the_end_taken_for_the_start_are_named(tmp_path: Path) -> None:
    shifted = {"SW_IN": np.roll(weather(120, 48)["SW_IN"], 1)}
    text = report(tmp_path, "ameriflux_base", ameriflux(tmp_path, **shifted), "--lat", 50, "--lon", 15)
    (line,) = doubts(text)
    assert "rsds: is highest at 12:30, half an hour from the sun's noon at longitude 15" in line


def test_days_pasted_twice_and_kelvin_said_to_be_celsius_are_named(tmp_path: Path) -> None:
    file = fluxnet_ch4(tmp_path)
    rows = [line.split(",") for line in file.read_text().splitlines()]
    for number in range(20):  # rows 301 to 320 have the values of rows 101 to 120
        rows[301 + number][1:] = rows[101 + number][1:]
    file.write_text("\n".join(",".join(row) for row in rows) + "\n")
    text = report(tmp_path, "fluxnet_ch4", file, "--sites", sites(tmp_path))
    (line,) = doubts(text)
    assert "20 days have the values of other days, 2014-10-29 those of 2014-04-12: pasted twice" in line
    kelvin = weather(DAYS)["TA"] + 273.15
    mapping = tmp_path / "kelvin.yaml"
    mapping.write_text(
        "name: kelvin\ntime: {column: TIMESTAMP, format: '%Y%m%d'}\nvariables:\n"
        "  tas: {column: TA_F, units: degC}\n  fch4: {column: FCH4, units: nmol m-2 s-1, of: CH4}\n"
    )
    file = fluxnet_ch4(tmp_path, TA=kelvin, TA_F=kelvin)
    text = report(tmp_path, str(mapping), file, "--lat", 50, "--lon", 15)
    assert any("tas: the median is" in line and "in K, said to be degC" in line for line in doubts(text))


def test_a_cold_season_is_no_doubtful_humidity(tmp_path: Path) -> None:
    text = report(tmp_path, "ameriflux_base", ameriflux(tmp_path, days=40), "--lat", 50, "--lon", 15)
    assert doubts(text) == []


def test_doubled_times_are_counted_once_and_told(tmp_path: Path) -> None:
    file = fluxnet_ch4(tmp_path)
    lines = file.read_text().splitlines()
    file.write_text("\n".join([*lines[:200], lines[150], *lines[200:]]) + "\n")
    text = report(tmp_path, "fluxnet_ch4", file, "--sites", sites(tmp_path))
    assert "Twice" in text and "times that come twice, the first at 2014-05-31" in text


def test_what_is_dropped_is_told_with_its_reason(tmp_path: Path) -> None:
    methane = weather(DAYS)["FCH4"]
    methane[10:14] = 1710.0
    text = report(tmp_path, "fluxnet_ch4", fluxnet_ch4(tmp_path, FCH4=methane), "--sites", sites(tmp_path))
    assert "XX-Abc fch4: outside -100 to 1500, what the instrument or the unit allows; left out (4)" in text


def test_a_report_replaces_no_file_of_another(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "out_report").mkdir()
    (tmp_path / "out_report" / "report.txt").write_text("mine")
    arguments = [str(fluxnet_ch4(tmp_path)), "--sites", str(sites(tmp_path)), "--out", str(tmp_path / "out.nc")]
    assert main(["fluxnet_ch4", *arguments]) == 1
    assert "report.txt, which this command did not make" in caplog.text
    assert not (tmp_path / "out.nc").exists()


@pytest.mark.external
def test_real_towers_raise_no_doubts(data_dir: Path, tmp_path: Path) -> None:
    files, meta = (
        sorted((data_dir / "fluxnet_ch4_daily").glob("*.csv")),
        next((data_dir / "fluxnet_ch4_meta").glob("*.csv")),
    )
    assert doubts(report(tmp_path, "fluxnet_ch4", *files, "--sites", meta)) == []
