"""A user's own mapping: any variable of any table; faults are told by file, key and line; datasets are merged."""

import re
from datetime import date
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from emulator.data.dataset import Dataset
from emulator.data.importers.command import main
from emulator.data.importers.preset_files import load_mapping, mapping_text, preset_names
from emulator.data.signature import Signature

from .made_up import ameriflux, fluxnet_ch4, sites, values_of

MAPPING = """
name: mine
table: {delimiter: ";", missing: [-999, "n/a"]}
time: {parts: {year: Jahr, doy: Tag}}
site: {column: Ort}
variables:
  tas: {column: T, units: degC}
  radn: {column: R, units: MJ m-2 day-1, definition: {units: MJ m-2 day-1, role: fast, long_name: radiation}}
  rain: {column: N, units: mm, per: interval, definition: {units: mm day-1, role: fast, cell_method: mean}}
  yield_class:
    column: K
    definition: {units: "1", role: static, flags: {low: 1, high: 2}}
    classes: {"7": low, "9": high}
  nee: {column: C, units: gC m-2 day-1, sign: -1, uncertainty: CS}
"""


def own(folder: Path, text: str = MAPPING, rows: list[str] | None = None) -> tuple[Path, Path]:
    """A mapping, and a table of two fields with a text for missing values."""
    (folder / "mine.yaml").write_text(text)
    lines = ["Ort;Jahr;Tag;T;R;N;K;C;CS"]
    for place, kind, year in (("north", 7, 2001), ("south", 9, 2002)):
        for day in range(1, 101):
            lines.append(f"{place};{year};{day};{day / 10};12.5;3.0;{kind};{'n/a' if day % 2 else 4.5};0.5")
    (folder / "mine.csv").write_text("\n".join(rows or lines) + "\n")
    (folder / "places.csv").write_text("site_id,lat,lon\nnorth,55,10\nsouth,45,10\n")
    return folder / "mine.yaml", folder / "mine.csv"


def test_any_variable_may_be_imported(tmp_path: Path) -> None:
    mapping, table = own(tmp_path)
    out = tmp_path / "out.nc"
    assert main([str(mapping), str(table), "--sites", str(tmp_path / "places.csv"), "--out", str(out)]) == 0
    with netCDF4.Dataset(out) as file:
        assert file["site_id"][:].tolist() == ["north", "south"]
        assert file["yield_class"][:].tolist() == [1, 2] and file["yield_class"].flag_meanings == "low high"
        assert file["radn"].role == "fast" and file["radn"].units == "MJ m-2 day-1"
        assert file["nee"].ancillary_variables == "nee_qc nee_sd"
        assert "name: mine" in file.config
    assert values_of(out, "radn")[:100] == pytest.approx(12.5)
    assert values_of(out, "rain")[:100] == pytest.approx(3.0)
    flux = values_of(out, "nee")
    assert flux[1] * 86400e3 == pytest.approx(-4.5, rel=1e-6) and np.isnan(flux[0])
    assert values_of(out, "nee_sd")[1] * 86400e3 == pytest.approx(0.5, rel=1e-6)
    assert len(flux) == 365 + 100  # from the first day of the one to the last of the other


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("units: degC", "unit: degC", r"mine.yaml:7: unknown key 'variables.tas.unit' .*did you mean units\?"),
        ("role: fast, long_name: radiation", "long_name: light", "variables.radn: is not in our table; .* which role"),
        ("units: gC m-2 day-1", "units: gallons", "mine.csv .*nee: .*unknown unit 'gallons'"),
        ("{column: T, units: degC}", "{column: T}", "variables.tas: the file does not tell the unit of T; give units"),
        ("{column: T, units: degC}", "{units: degC}", "give one of column, sum and derive"),
        ("doy: Tag", "doy: Datum", "mine.csv: no column Datum, which tells the doy"),
        ('"7": low', '"7": medium', "K is 7, which has no class in mine: variables.yield_class.classes"),
        ('"n/a"', '"none"', "mine.csv line 2: C is 'n/a', not a number; if it marks .* table.missing"),
    ],
)  # fmt: skip
def test_faults_of_a_mapping_are_told(tmp_path: Path, caplog, old: str, new: str, words: str) -> None:
    mapping, table = own(tmp_path, MAPPING.replace(old, new))
    assert (
        main([str(mapping), str(table), "--sites", str(tmp_path / "places.csv"), "--out", str(tmp_path / "o.nc")]) == 1
    )
    assert len(caplog.messages) == 1 and "Traceback" not in caplog.text
    assert re.search(words, caplog.text), caplog.text
    assert not (tmp_path / "o.nc").exists()


def test_classes_of_the_igbp_are_ours(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file, out = ameriflux(tmp_path, days=70), tmp_path / "o.nc"
    (tmp_path / "badm.csv").write_text(
        "SITE_ID,VARIABLE,DATAVALUE\nXX-Fld,LOCATION_LAT,61\nXX-Fld,LOCATION_LONG,10\n"
        "XX-Fld,LOCATION_ELEV,200\nXX-Fld,IGBP,ENF\n"
    )
    words = [str(file), "--sites", str(tmp_path / "badm.csv"), "--out", str(out)]
    assert main(["ameriflux_base", *words]) == 0
    with netCDF4.Dataset(out) as dataset:
        assert dataset["biome"][:].tolist() == [7] and dataset["elevation"][:].tolist() == [200.0]
    (tmp_path / "badm.csv").write_text((tmp_path / "badm.csv").read_text().replace("ENF", "URB"))
    assert main(["ameriflux_base", *words]) == 1
    assert "site XX-Fld: igbp" in caplog.text and "give its class in a column of our name" in caplog.text


def test_faults_of_files_and_tables_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file, table = fluxnet_ch4(tmp_path), sites(tmp_path, "XX-Other,50,10,Fen,")
    out = tmp_path / "o.nc"
    assert main(["fluxnet_ch4", str(file), "--sites", str(table), "--out", str(out)]) == 1
    assert "site XX-Abc: its lat is not known" in caplog.text and "sites.csv" in caplog.text
    assert main(["fluxnet_ch4", str(tmp_path / "none.csv"), "--out", str(out)]) == 1
    assert "none.csv: no such file" in caplog.text
    assert main(["flux", str(file), "--out", str(out)]) == 1
    assert "no such preset (there are ameriflux_base, clm," in caplog.text
    other = tmp_path / "weather.csv"
    other.write_text("a,b\n1,2\n")
    assert main(["fluxnet_ch4", str(other), "--out", str(out)]) == 1
    assert "has none of the columns of fluxnet_ch4; its columns are a, b" in caplog.text
    assert main(["fluxnet_ch4", str(file), "--lat", "50", "--lon", "10", "--out", str(file)]) == 1
    assert "is the input" in caplog.text and file.read_text().startswith("TIMESTAMP")
    assert main(["fluxnet_ch4", str(file), "--lat", "95", "--lon", "10", "--out", str(out)]) == 1
    assert "lat 95.0, lon 10.0 is no place on Earth" in caplog.text
    assert main(["fluxnet_ch4", str(file), "--lat", "50", "--lon", "10", "--biome", "lake", "--out", str(out)]) == 1
    assert "biome 'lake' is not one of bog, fen" in caplog.text


@pytest.mark.parametrize("name", preset_names())
def test_presets_are_read_and_written_alike(name: str, tmp_path: Path) -> None:
    mapping = load_mapping(name)
    assert mapping.name == name and mapping.description
    (tmp_path / "again.yaml").write_text(mapping_text(mapping))
    assert load_mapping(str(tmp_path / "again.yaml")) == mapping


def test_an_imported_dataset_is_read_by_the_trainer(tmp_path: Path) -> None:
    table = sites(tmp_path, "XX-Abc,50,10,Fen,")
    out = tmp_path / "out.nc"
    assert main(["fluxnet_ch4", str(fluxnet_ch4(tmp_path)), "--sites", str(table), "--out", str(out)]) == 0
    signature = Signature.from_names(statics=("lat", "lon", "biome"), targets=("gpp", "nee", "fch4"))
    dataset = Dataset.open(out, signature)
    assert tuple(dataset.drivers.shape) == (1, 500, 9)
    assert 0.6 < np.isfinite(dataset.flux[0, :, 2].numpy()).mean() < 0.7


def test_datasets_are_merged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Sites of both; of a site that both have, days of both, and the first counts where they contradict."""
    caplog.set_level("INFO")
    table = sites(tmp_path, "XX-Abc,50,10,Fen,", "XX-Two,60,10,Bog,")
    parts = {"a.nc": [fluxnet_ch4(tmp_path, days=200)]}
    assert main(["fluxnet_ch4", *map(str, parts["a.nc"]), "--sites", str(table), "--out", str(tmp_path / "a.nc")]) == 0
    later = fluxnet_ch4(tmp_path, start=date(2014, 7, 1), days=200)
    second = fluxnet_ch4(tmp_path, "XX-Two", days=100)
    assert main(["fluxnet_ch4", str(later), str(second), "--sites", str(table), "--out", str(tmp_path / "b.nc")]) == 0
    assert main(["merge", str(tmp_path / "a.nc"), str(tmp_path / "b.nc"), "--out", str(tmp_path / "c.nc")]) == 0
    first, whole = values_of(tmp_path / "a.nc", "tas"), values_of(tmp_path / "c.nc", "tas")
    begin = (date(2014, 7, 1) - date(2014, 1, 2)).days
    assert len(whole) == begin + 200 and np.array_equal(whole[:200], first)
    assert np.array_equal(whole[200:], values_of(tmp_path / "b.nc", "tas")[-(len(whole) - 200) :])
    assert "XX-Abc tas: differs between a.nc and b.nc; the first counts (20 days)" in caplog.text
    with netCDF4.Dataset(tmp_path / "c.nc") as file:
        assert file["site_id"][:].tolist() == ["XX-Abc", "XX-Two"] and file["biome"][:].tolist() == [2, 1]
        assert set(file.variables) == set(netCDF4.Dataset(tmp_path / "a.nc").variables)
    quality = values_of(tmp_path / "c.nc", "fch4_qc")
    assert np.isfinite(quality).sum() == np.isfinite(values_of(tmp_path / "c.nc", "fch4")).sum() > 200


def test_merged_classes_go_by_meaning_and_units_by_the_first(tmp_path: Path) -> None:
    """`low` is 1 in the one file and 2 in the other; radiation is in MJ here and in W there."""
    mapping, table = own(tmp_path)
    words = ["--sites", str(tmp_path / "places.csv")]
    assert main([str(mapping), str(table), *words, "--out", str(tmp_path / "a.nc")]) == 0
    text = MAPPING.replace("{low: 1, high: 2}", "{middle: 1, low: 2, high: 3}")
    text = text.replace("definition: {units: MJ m-2 day-1", "definition: {units: W m-2")
    lines = table.read_text().replace("north", "east").replace("south", "west").splitlines()
    mapping, table = own(tmp_path, text, lines)
    (tmp_path / "places.csv").write_text("site_id,lat,lon\neast,55,20\nwest,45,20\n")
    assert main([str(mapping), str(table), *words, "--out", str(tmp_path / "b.nc")]) == 0
    with netCDF4.Dataset(tmp_path / "b.nc") as file:
        assert file["yield_class"][:].tolist() == [2, 3] and file["radn"].units == "W m-2"
    assert main(["merge", str(tmp_path / "a.nc"), str(tmp_path / "b.nc"), "--out", str(tmp_path / "c.nc")]) == 0
    with netCDF4.Dataset(tmp_path / "c.nc") as file:
        assert file["site_id"][:].tolist() == ["north", "south", "east", "west"]
        assert file["yield_class"][:].tolist() == [1, 2, 1, 2]
        assert file["yield_class"].flag_meanings == "low high middle"
        assert file["radn"].units == "MJ m-2 day-1"
    for site in range(4):
        assert np.nanmean(values_of(tmp_path / "c.nc", "radn", site)) == pytest.approx(12.5, rel=1e-6)


def test_merged_sites_of_one_name_must_be_one_place(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name, lat in (("a", 50), ("b", 51)):
        file = fluxnet_ch4(tmp_path, days=100)
        assert (
            main(["fluxnet_ch4", str(file), "--lat", str(lat), "--lon", "10", "--out", str(tmp_path / f"{name}.nc")])
            == 0
        )
    assert main(["merge", str(tmp_path / "a.nc"), str(tmp_path / "b.nc"), "--out", str(tmp_path / "c.nc")]) == 1
    assert "site XX-Abc: lat is 51, in a.nc it is 50; give one of the two sites another name" in caplog.text
    (tmp_path / "d.nc").write_text("no")
    assert main(["merge", str(tmp_path / "a.nc"), str(tmp_path / "d.nc"), "--out", str(tmp_path / "c.nc")]) == 1
    assert "d.nc: cannot be read as netCDF" in caplog.text
