"""`ecostep run` matches the cells of its files by name or by coordinates, and refuses what it cannot match."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from coupler.cli.command import main
from tests.coupler import artefacts
from tests.coupler.test_cli import fluxes, write_dataset

SITES = 4
DAYS = 6
LATITUDES, LONGITUDES = [10.0, 40.0], [-120.0, 5.0, 60.0]
NAMES = [driver["name"] for driver in artefacts.INPUTS]
SHUFFLED = [2, 0, 3, 1]


def run(*words: object) -> int:
    return main(["run", *(str(word) for word in words)])


def write_sites(path: Path, change: Callable[[netCDF4.Dataset], None] | None = None, days: int = DAYS) -> Path:
    write_dataset(path, SITES, days)
    if change is not None:
        with netCDF4.Dataset(path, "a") as file:
            change(file)
    return path


def shuffle(file: netCDF4.Dataset) -> None:
    for variable in file.variables.values():
        if variable.dimensions[:1] == ("site",):
            variable[:] = variable[:][SHUFFLED]


def add_places(file: netCDF4.Dataset, lon_shift: float = 0.0) -> None:
    file.renameVariable("site_id", "label")
    file["lat"][:] = [1.0, 1.0, 50.0, 70.0]
    lon = file.createVariable("lon", "f8", ("site",))
    lon.units = "degrees_east"
    lon[:] = np.array([10.0, 200.0, 359.9999, 20.0]) + lon_shift


def later(file: netCDF4.Dataset) -> None:
    file["time"][:] = file["time"][:] + DAYS


def write_statics_grid(path: Path, latitudes: list[float], longitudes: list[float]) -> Path:
    with netCDF4.Dataset(path, "w") as file:
        write_axes(file, latitudes, longitudes)
        lat, lon = np.meshgrid(latitudes, np.mod(longitudes, 360.0), indexing="ij")
        for name, values in (("elevation", 10.0 * lat + lon), ("biome", np.where(lon > 100.0, 1, 2))):
            variable = file.createVariable(name, "f4", ("lat", "lon"))
            variable.units = "m" if name == "elevation" else "1"
            variable[:] = values
    return path


def write_axes(file: netCDF4.Dataset, latitudes: list[float], longitudes: list[float]) -> None:
    for name, values, units in (("lat", latitudes, "degrees_north"), ("lon", longitudes, "degrees_east")):
        file.createDimension(name, len(values))
        axis = file.createVariable(name, "f8", (name,))
        axis.units, axis[:] = units, values


def write_drivers_grid(path: Path, latitudes: list[float] = LATITUDES, longitudes: list[float] = LONGITUDES) -> Path:
    with netCDF4.Dataset(path, "w") as file:
        write_axes(file, latitudes, longitudes)
        file.createDimension("time", DAYS)
        time = file.createVariable("time", "f8", ("time",))
        time.units, time.calendar, time[:] = "days since 2003-12-20", "noleap", np.arange(DAYS)
        inputs = artefacts.sample_inputs(1, DAYS)
        warmer = np.array(latitudes)[:, None] / 100 + np.mod(longitudes, 360.0) / 1000
        for i, driver in enumerate(artefacts.INPUTS):
            variable = file.createVariable(driver["name"], "f8", ("time", "lat", "lon"))
            variable.units = driver["units"]
            variable[:] = inputs[:, 0, i, None, None] * (1 + 1e-3 * warmer)
    return path


@pytest.fixture
def drivers(tmp_path: Path) -> Path:
    return write_sites(tmp_path / "drivers.nc")


@pytest.fixture
def right(stub_file: Path, drivers: Path, tmp_path: Path) -> dict[str, np.ndarray]:
    assert run(stub_file, "--forcing", drivers, "--out", tmp_path / "right.nc") == 0
    return fluxes(tmp_path / "right.nc")


def test_statics_are_matched_by_site(stub_file: Path, drivers: Path, right: dict, tmp_path: Path) -> None:
    statics = write_sites(tmp_path / "statics.nc", shuffle)
    out = tmp_path / "out.nc"
    assert run(stub_file, "--forcing", drivers, "--statics", statics, "--out", out, "--chunk", 3) == 0
    for name, values in fluxes(out).items():
        np.testing.assert_array_equal(values, right[name])
    with netCDF4.Dataset(out) as file, netCDF4.Dataset(drivers) as source:
        np.testing.assert_array_equal(file["lat"][:], source["lat"][:])


@pytest.mark.parametrize("change", [shuffle, lambda file: None])
def test_names_may_be_characters(stub_file: Path, drivers: Path, right: dict, tmp_path: Path, change) -> None:
    def characters(file: netCDF4.Dataset) -> None:
        change(file)
        names = file["site_id"][:]
        file.renameVariable("site_id", "label")
        file.createDimension("length", 5)
        variable = file.createVariable("site_id", "S1", ("site", "length"))
        variable[:] = netCDF4.stringtochar(np.array(names, "S5"))

    statics, out = write_sites(tmp_path / "statics.nc", characters), tmp_path / "out.nc"
    assert run(stub_file, "--forcing", drivers, "--statics", statics, "--out", out) == 0
    np.testing.assert_array_equal(fluxes(out)["gpp"], right["gpp"])
    assert run(stub_file, "--forcing", statics, "--out", out) == 0
    with netCDF4.Dataset(out) as file:
        assert set(file["site_id"][:]) == {f"S{i}" for i in range(SITES)}


def test_later_drivers_are_matched_by_site_and_unit(stub_file: Path, drivers: Path, tmp_path: Path, capsys) -> None:
    def celsius(file: netCDF4.Dataset) -> None:
        later(file)
        shuffle(file)
        file["tas"][:] = file["tas"][:] - 273.15
        file["tas"].units = "degC"

    same, other = write_sites(tmp_path / "same.nc", later), write_sites(tmp_path / "other.nc", celsius)
    for second, out in ((same, "a.nc"), (other, "b.nc")):
        assert run(stub_file, "--forcing", drivers, second, "--out", tmp_path / out) == 0
    np.testing.assert_allclose(fluxes(tmp_path / "b.nc")["gpp"], fluxes(tmp_path / "a.nc")["gpp"], rtol=1e-4)
    with netCDF4.Dataset(other, "a") as file:
        file["tas"].units = "W m-2"
    assert run(stub_file, "--forcing", drivers, other, "--out", tmp_path / "c.nc") == 1
    assert "'tas' is in 'W m-2'" in capsys.readouterr().err


def test_sites_are_matched_by_coordinates(stub_file: Path, tmp_path: Path, capsys) -> None:
    def shuffled_places(file: netCDF4.Dataset) -> None:
        add_places(file, -360.0)
        shuffle(file)

    forcing, statics = write_sites(tmp_path / "f.nc", add_places), write_sites(tmp_path / "s.nc", shuffled_places)
    assert run(stub_file, "--forcing", forcing, "--out", tmp_path / "a.nc") == 0
    assert run(stub_file, "--forcing", forcing, "--statics", statics, "--out", tmp_path / "b.nc") == 0
    np.testing.assert_array_equal(fluxes(tmp_path / "a.nc")["gpp"], fluxes(tmp_path / "b.nc")["gpp"])
    with netCDF4.Dataset(statics, "a") as file:
        file["lon"][:] = file["lon"][:] + 1.0
    assert run(stub_file, "--forcing", forcing, "--statics", statics, "--out", tmp_path / "c.nc") == 1
    assert "has no cell at latitude and longitude" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("latitudes", "longitudes"),
    [
        (LATITUDES[::-1], LONGITUDES),
        (LATITUDES, [5.0, 60.0, 240.0]),
        ([0.0, *LATITUDES], [-120.0, 0.0, 5.0, 60.0]),
    ],
)
def test_grids_are_matched_by_coordinates(stub_file: Path, tmp_path: Path, latitudes: list, longitudes: list) -> None:
    forcing, state = write_drivers_grid(tmp_path / "drivers.nc"), tmp_path / "state.nc"
    same = write_statics_grid(tmp_path / "same.nc", LATITUDES, LONGITUDES)
    other = write_statics_grid(tmp_path / "other.nc", latitudes, longitudes)
    for statics, out in ((same, "a.nc"), (other, "b.nc")):
        words = ("--forcing", forcing, "--statics", statics, "--out", tmp_path / out, "--restart-out", state)
        assert run(stub_file, *words, "--chunk", 3) == 0
    a, b = fluxes(tmp_path / "a.nc"), fluxes(tmp_path / "b.nc")
    np.testing.assert_array_equal(a["gpp"], b["gpp"])
    with netCDF4.Dataset(tmp_path / "b.nc") as file:
        np.testing.assert_array_equal(file["lat"][:], LATITUDES)


def test_grids_that_differ_are_refused(stub_file: Path, tmp_path: Path, capsys) -> None:
    forcing = write_drivers_grid(tmp_path / "drivers.nc")
    for latitudes, longitudes, word in (
        ([10.0, 41.0], LONGITUDES, "has no cell at 'lat' 40"),
        (LATITUDES, LONGITUDES[:2], "has no cell at 'lon'"),
    ):
        statics = write_statics_grid(tmp_path / "statics.nc", latitudes, longitudes)
        assert run(stub_file, "--forcing", forcing, "--statics", statics, "--out", tmp_path / "out.nc") == 1
        assert word in capsys.readouterr().err


def test_a_restart_on_a_grid_is_matched_by_coordinates(lstm_file: Path, tmp_path: Path) -> None:
    forcing = write_drivers_grid(tmp_path / "drivers.nc")
    turned = write_drivers_grid(tmp_path / "turned.nc", LATITUDES[::-1], LONGITUDES[::-1])
    statics, state = write_statics_grid(tmp_path / "statics.nc", LATITUDES, LONGITUDES), tmp_path / "state.nc"
    words = ("--statics", statics, "--out")
    assert run(lstm_file, "--forcing", forcing, *words, tmp_path / "whole.nc") == 0
    first = ("--end", "2003-12-22", "--restart-out", state)
    assert run(lstm_file, "--forcing", forcing, *words, tmp_path / "a.nc", *first) == 0
    assert run(lstm_file, "--forcing", turned, *words, tmp_path / "b.nc", "--restart-in", state) == 0
    whole, rest = fluxes(tmp_path / "whole.nc")["gpp"], fluxes(tmp_path / "b.nc")["gpp"]
    np.testing.assert_array_equal(rest[:, ::-1, ::-1], whole[3:])


def test_what_cannot_be_matched_is_refused(stub_file: Path, drivers: Path, tmp_path: Path, capsys) -> None:
    def rename(file: netCDF4.Dataset) -> None:
        file["site_id"][1] = "elsewhere"

    def repeat(file: netCDF4.Dataset) -> None:
        file["site_id"][1] = "S0"

    def forget(file: netCDF4.Dataset) -> None:
        file["site_id"][1] = ""

    def without(file: netCDF4.Dataset) -> None:
        file.renameVariable("site_id", "label")

    def other_dimension(file: netCDF4.Dataset) -> None:
        file.renameDimension("site", "station")

    for number, (change, words) in enumerate(
        {
            rename: ["has no site 'S1'"], repeat: ["'S0' names two sites"], forget: ["a site has no name"],
            without: ["cannot be told"], other_dimension: ["'station'"],
        }.items()
    ):  # fmt: skip
        for option in ("--statics", "--forcing"):
            path = tmp_path / f"{number}{option}.nc"
            write_sites(path, change)
            if option == "--forcing":
                with netCDF4.Dataset(path, "a") as file:
                    later(file)
            files = [drivers, path] if option == "--forcing" else [drivers, "--statics", path]
            assert run(stub_file, "--forcing", *files, "--out", tmp_path / "out.nc") == 1
            message = capsys.readouterr().err
            assert str(path) in message and all(word in message for word in words), message
    assert not (tmp_path / "out.nc").exists()


def test_a_site_more_is_told(stub_file: Path, drivers: Path, tmp_path: Path, caplog) -> None:
    more = write_dataset(tmp_path / "more.nc", SITES + 1, DAYS)
    assert run(stub_file, "--forcing", drivers, "--statics", more, "--out", tmp_path / "out.nc") == 0
    assert "site 'S4' left out" in caplog.text


def test_a_damaged_restart_is_refused(lstm_file: Path, drivers: Path, tmp_path: Path, capsys) -> None:
    state = tmp_path / "state.nc"
    words = ("--forcing", drivers, "--out", tmp_path / "out.nc")
    assert run(lstm_file, *words, "--end", "2003-12-22", "--restart-out", state) == 0
    with netCDF4.Dataset(state) as file:
        sites = file["site_id"][:]
    for name, place in itertools.product(("state", "lat", "cell"), (0, -1)):
        with netCDF4.Dataset(state, "a") as file:
            file.set_auto_mask(False)
            if name not in file.variables:
                continue
            value = file[name][place]
            file[name][place] = value + 1
        assert run(lstm_file, *words, "--restart-in", state) == 1
        message = capsys.readouterr().err
        assert "is damaged" in message and str(state) in message
        assert name != "state" or f"the state of site '{sites[place]}'" in message
        with netCDF4.Dataset(state, "a") as file:
            file[name][place] = value
    assert run(lstm_file, *words, "--restart-in", state) == 0


def test_a_restart_of_an_earlier_version_is_read_with_a_word(
    lstm_file: Path, drivers: Path, tmp_path: Path, caplog
) -> None:
    state = tmp_path / "state.nc"
    words = ("--forcing", drivers, "--out", tmp_path / "out.nc")
    assert run(lstm_file, *words, "--end", "2003-12-22", "--restart-out", state) == 0
    with netCDF4.Dataset(state, "a") as file:
        file.delncattr("fingerprint")
        file.renameVariable("state_checksum", "unused")
    assert run(lstm_file, *words, "--restart-in", state) == 0
    assert f"{state}: holds no checksums" in caplog.text


def test_a_restart_whose_checksums_are_of_other_cells_is_refused(
    lstm_file: Path, drivers: Path, tmp_path: Path, capsys
) -> None:
    state = tmp_path / "state.nc"
    words = ("--forcing", drivers, "--out", tmp_path / "out.nc")
    assert run(lstm_file, *words, "--end", "2003-12-22", "--restart-out", state) == 0
    with netCDF4.Dataset(state, "a") as file:
        file.renameVariable("state_checksum", "unused")
        file.createVariable("state_checksum", "u4", ("value",))
    assert run(lstm_file, *words, "--restart-in", state) == 1
    assert f"{state}: is damaged (its variables are not of the same cells" in capsys.readouterr().err


CLASSES = [f"class_{code}" for code in range(1, 14)]


def biomes(file: netCDF4.Dataset, values: list[int], flag_values: list[int] | str) -> None:
    file["biome"][:] = values
    file["biome"].setncatts({"flag_values": flag_values, "flag_meanings": " ".join(CLASSES[:3])})


@pytest.mark.parametrize(
    ("values", "flag_values", "refusal"),
    [
        ([1, 2, 3, 1], [1, 2, 3], ""),
        ([7, 1, 2, 7], [7, 1, 2], ""),
        ([7, 1, 5, 7], [7, 1, 2], "'biome' is 5 in a cell, which is none of its flag_values"),
        ([1, 2, 3, 1], "1, 2, 3", "'biome': flag_values ['1, 2, 3'] are not whole numbers"),
        ([1, 2, 3, 1], [1, 2], "'biome' has 2 different flag_values and 3 flag_meanings"),
        ([1, 2, 3, 1], [1, 1, 2], "'biome' has 2 different flag_values and 3 flag_meanings"),
    ],
)
def test_classes_are_matched_by_meaning_or_refused(
    values: list[int], flag_values: list[int] | str, refusal: str, tmp_path: Path, capsys
) -> None:
    statics = artefacts.variables(artefacts.STATICS, "static")
    statics[2] |= {"flag_meanings": CLASSES}
    artefact = artefacts.write_stub(tmp_path / "classes.pt", statics=statics)
    plain = write_sites(tmp_path / "plain.nc", lambda file: biomes(file, [1, 2, 3, 1], [1, 2, 3]))
    data = write_sites(tmp_path / "data.nc", lambda file: biomes(file, values, flag_values))
    assert run(artefact, "--forcing", plain, "--out", tmp_path / "a.nc") == 0
    assert run(artefact, "--forcing", data, "--out", tmp_path / "b.nc") == bool(refusal)
    if refusal:
        assert f"{data}: {refusal}" in capsys.readouterr().err
        return
    for name, flux in fluxes(tmp_path / "a.nc").items():
        np.testing.assert_array_equal(fluxes(tmp_path / "b.nc")[name], flux)


@pytest.mark.parametrize("chunk", [1, 100])
def test_a_gap_on_the_first_day_is_refused(stub_file: Path, drivers: Path, tmp_path: Path, capsys, chunk: int) -> None:
    with netCDF4.Dataset(drivers, "a") as file:
        for name in NAMES:
            file[name][1, 0] = np.nan
    assert run(stub_file, "--forcing", drivers, "--out", tmp_path / "out.nc", "--chunk", chunk) == 1
    message = capsys.readouterr().err
    assert "site 'S1'" in message and "2003-12-20" in message and not (tmp_path / "out.nc").exists()


@pytest.mark.parametrize("value", [-9999.0, 1e20, 8.64e7])
def test_impossible_measured_flux_is_refused(gauged_file: Path, drivers: Path, tmp_path: Path, capsys, value) -> None:
    with netCDF4.Dataset(drivers, "a") as file:
        for name, units in (("gpp", "g m-2 day-1"), ("fch4", "mg m-2 day-1")):
            flux = file.createVariable(name, "f4", ("site", "time"), fill_value=False)
            flux.units, flux[:] = units, np.nan
        file["fch4"][2, 3] = value
    assert run(gauged_file, "--forcing", drivers, "--out", tmp_path / "out.nc", "--observed") == 1
    message = capsys.readouterr().err
    assert "'fch4' on 2003-12-23: site 'S2'" in message
    assert ("a flux is within" if value == 8.64e7 else "the usual mark of a missing value") in message


def test_set_is_in_the_units_given(stub_file: Path, drivers: Path, tmp_path: Path, capsys) -> None:
    words = ("--forcing", drivers, "--out")
    assert run(stub_file, *words, tmp_path / "a.nc", "--set", "tas=280.15") == 0
    assert run(stub_file, *words, tmp_path / "b.nc", "--set", "tas=7", "--units", "tas=degC") == 0
    np.testing.assert_allclose(fluxes(tmp_path / "a.nc")["gpp"], fluxes(tmp_path / "b.nc")["gpp"], rtol=1e-5)
    for options, word in (
        (("--set", "tas=7", "--units", "tas=W m-2"), "--set tas"),
        (("--set", "tas=7", "--map", "tas=TBOT"), "--map tas=TBOT: has no effect"),
        (("--set", "tas=7", "--set", "tas=8"), "--set tas: given twice"),
        (("--set", "tas=nan"), "not a number"),
        (("--set", "gpp=1"), "--set gpp=1: has no effect"),
        (("--units", "biome=K"), "--units biome=K: has no effect"),
    ):
        assert run(stub_file, *words, tmp_path / "c.nc", *options) == 1
        assert word in capsys.readouterr().err


def test_drivers_outside_training_are_told_of_every_chunk(drivers: Path, tmp_path: Path, caplog) -> None:
    inputs = artefacts.variables(artefacts.INPUTS, "fast")
    inputs[0] |= {"train_min": 282.0, "train_max": 284.0}
    artefact = artefacts.write_stub(tmp_path / "ranged.pt", inputs=inputs)
    assert run(artefact, "--forcing", drivers, "--out", tmp_path / "out.nc", "--chunk", 2) == 0
    told = [record.getMessage() for record in caplog.records if "seen in training" in record.getMessage()]
    with netCDF4.Dataset(drivers) as file:
        assert len(told) == -(-len(file.dimensions["site"]) // 2) > 1
    for message in told:
        assert "input 'tas' is" in message and " in site 'S" in message and "; shares outside so far: tas " in message
    assert len({message.partition(" in site ")[2][:6] for message in told}) == len(told), "each names a site of its own"
