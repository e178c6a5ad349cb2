"""The command `ecostep`: info, verify, bench, and offline runs over netCDF files."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from coupler.cli.command import main
from tests.coupler import artefacts

DAYS = 40
START = "2003-12-20"
NAMES = [driver["name"] for driver in artefacts.INPUTS]
STATICS = [static["name"] for static in artefacts.STATICS]


def write_dataset(path: Path, ncell: int = 5, days: int = DAYS, calendar: str = "standard") -> Path:
    """Daily drivers and statics by (site, time), the first static missing at the last site."""
    inputs, statics = artefacts.sample_inputs(ncell, days), artefacts.sample_statics(ncell)
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("site", ncell)
        file.createDimension("time", days)
        axis = file.createVariable("time", "f8", ("time",))
        axis.units, axis.calendar = f"days since {START} 00:00:00", calendar
        axis[:] = np.arange(days) + 0.5
        file.createVariable("site_id", str, ("site",))[:] = np.array([f"S{i}" for i in range(ncell)], dtype=object)
        for i, static in enumerate(artefacts.STATICS):
            variable = file.createVariable(static["name"], "i4" if "flag_values" in static else "f4", ("site",))
            variable.units = static["units"]
            variable[:] = statics[:, i]
        for i, driver in enumerate(artefacts.INPUTS):
            variable = file.createVariable(driver["name"], "f4", ("site", "time"))
            variable.units = driver["units"]
            variable[:] = inputs[:, :, i].T
    return path


def fluxes(path: Path) -> dict[str, np.ndarray]:
    with netCDF4.Dataset(path) as file:
        return {name: np.ma.filled(file[name][:], np.nan) for name in ("gpp", "fch4")}


def run(*words: object) -> int:
    return main([str(word) for word in words])


def expected(host, path: Path, ncell: int = 5, days: int = DAYS) -> np.ndarray:
    return host(path, ncell, artefacts.sample_statics(ncell)).run(artefacts.sample_inputs(ncell, days))


def test_info_needs_no_torch_and_starts_quickly(stub_file: Path) -> None:
    code = (
        "import sys; from coupler.cli.command import main; status = main(['info', sys.argv[1]]); "
        "sys.exit(status or 3 * any(name in sys.modules for name in ('torch', 'netCDF4', 'xarray')))"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code, stub_file], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.6  # 0.15 s on an idle machine


def test_info_tells_everything_as_json(gauged_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("info", gauged_file, "--json") == 0
    about = json.loads(capsys.readouterr().out)
    assert [entry["name"] for entry in about["inputs"]] == NAMES
    assert about["inputs"][1]["accumulate"] == "min" and about["inputs"][1]["valid_max"] == 340.0
    assert about["past_flux"] == "ungauged" and about["backend"] == "torchscript"
    assert about["state_size"] > about["model_state_size"] > 0
    native = next(entry for entry in about["backends"] if entry["name"] == "native")
    assert not native["usable"] and "native program" in native["reason"]


def test_info_as_text_names_variables_and_backends(stub_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("info", stub_file) == 0
    text = capsys.readouterr().out
    for words in ("tas", "180 .. 340", "kg m-2 s-1", "classes 1 .. 13", "stub", "works (taken by default)"):
        assert words in text


def test_info_of_an_artefact_that_no_backend_runs(lstm_file: Path, tmp_path: Path, capsys) -> None:
    command = [sys.executable, "-m", "coupler.cli", "info", lstm_file, "--backends", "--json"]
    environment = os.environ | {"ECOSTEP_PLUGIN_DIR": str(tmp_path)}
    info = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    about = json.loads(info.stdout)
    assert about["backend"] is None and not about["backends"][0]["usable"] and about["backends"][0]["reason"]
    assert about["name"] == "test" and about["state_size"] > about["model_state_size"]
    (tmp_path / "text.pt").write_text("nothing")
    assert run("info", tmp_path / "text.pt") == 1
    assert "NOT_AN_ARTEFACT" in capsys.readouterr().err


def test_verify(lstm_file: Path, stub_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("verify", lstm_file) == 0
    assert "agrees" in capsys.readouterr().out
    assert run("verify", stub_file) == 1  # holds no reference
    assert run("verify", lstm_file, "--backend", "stub") == 1
    changed = artefacts.write_torchscript(tmp_path / "changed.pt", nstep=5, reference={
        "ncell": 3, "nstep": 5, "start_date": "2003-06-15", "calendar": "standard",
    })  # fmt: skip
    capsys.readouterr()
    assert run("verify", changed, "--json") == 1
    result = json.loads(capsys.readouterr().out)
    assert not result["agrees"] and result["backends"]["torchscript"]["status"] == "MISMATCH"


def test_bench_times_every_number_of_cells(stub_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("bench", stub_file, "--cells", 1, 64, "--seconds", 0.05, "--json") == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [row["cells"] for row in rows] == [1, 64]
    assert all(0 < row["us_per_call"] < 1e5 and row["us_year_end"] > 0 for row in rows)


def test_run_gives_what_a_host_gets(any_file: Path, host, tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data.nc")
    assert run("run", any_file, "--forcing", data, "--out", tmp_path / "out.nc") == 0
    written, reference = fluxes(tmp_path / "out.nc"), expected(host, any_file)
    for i, name in enumerate(("gpp", "fch4")):
        np.testing.assert_array_equal(written[name].T, reference[:, :, i].astype(np.float32))
    with netCDF4.Dataset(tmp_path / "out.nc") as file:
        assert file.featureType == "timeSeries" and file["gpp"].units == "g m-2 day-1"
        assert file["gpp"].dimensions == ("site", "time") and "site_id" in file["gpp"].coordinates
        assert netCDF4.num2date(file["time"][0], file["time"].units).strftime("%Y-%m-%d %H") == "2003-12-20 12"
        assert list(file["site_id"][:]) == [f"S{i}" for i in range(5)]


def test_chunks_of_cells_and_slabs_of_days_change_nothing(stub_file: Path, tmp_path: Path, monkeypatch) -> None:
    data = write_dataset(tmp_path / "data.nc")
    assert run("run", stub_file, "--forcing", data, "--out", tmp_path / "a.nc") == 0
    monkeypatch.setattr("coupler.cli.chunk.SLAB_BYTES", 8 * 6 * 2 * 7)
    assert run("run", stub_file, "--forcing", data, "--out", tmp_path / "b.nc", "--chunk", 2) == 0
    a, b = fluxes(tmp_path / "a.nc"), fluxes(tmp_path / "b.nc")
    for name in a:
        np.testing.assert_array_equal(a[name], b[name])


def test_a_restart_file_goes_on_bit_for_bit(lstm_file: Path, stub_file: Path, tmp_path: Path, capsys) -> None:
    data = write_dataset(tmp_path / "data.nc")
    common, state = ("--forcing", data), tmp_path / "state.nc"
    assert run("run", lstm_file, *common, "--out", tmp_path / "all.nc") == 0
    first = ("--out", tmp_path / "a.nc", "--end", "2004-01-04", "--restart-out", state, "--chunk", 2)
    assert run("run", lstm_file, *common, *first) == 0
    assert run("run", lstm_file, *common, "--out", tmp_path / "b.nc", "--restart-in", state) == 0
    whole, a, b = (fluxes(tmp_path / f"{name}.nc") for name in ("all", "a", "b"))
    for name in whole:
        np.testing.assert_array_equal(np.concatenate([a[name], b[name]], axis=1), whole[name])
    for words, complaint in [
        ((lstm_file, *common, "--restart-in", state, "--start", "2004-01-09"), "goes on with 2004-01-05"),
        ((stub_file, *common, "--restart-in", state), "another artefact"),
        ((lstm_file, *common, "--restart-in", data), "is not a restart file"),
    ]:
        capsys.readouterr()
        assert run("run", *words, "--out", tmp_path / "c.nc") == 1
        assert complaint in capsys.readouterr().err


def test_hourly_drivers_on_a_grid_with_names_and_units_of_another_model(stub_file: Path, host, tmp_path: Path) -> None:
    statics, inputs = artefacts.sample_statics(6), artefacts.sample_inputs(6, 3)
    hours = np.repeat(inputs, 24, axis=0).reshape(72, 2, 3, -1)
    land = np.array([[True, True, False], [True, True, True]])
    with netCDF4.Dataset(tmp_path / "grid.nc", "w") as file:
        for name, size in (("time", 72), ("lat", 2), ("lon", 3), ("height", 1)):
            file.createDimension(name, size)
        axis = file.createVariable("time", "i4", ("time",))
        axis.units, axis.calendar, axis.stamp = "hours since 2003-12-20 00:00:00", "noleap", "end"
        axis[:] = np.arange(1, 73)
        for i, name in enumerate(("elevation", "biome")):
            variable = file.createVariable(name, "f4", ("lat", "lon"), fill_value=-999.0)
            variable.units = "m" if name == "elevation" else "1"
            variable[:] = np.where(land, statics[:, i + 1].reshape(2, 3), -999.0)
        lat = file.createVariable("lat", "f8", ("lat",))
        lat.units, lat[:] = "degrees_north", (10.0, 60.0)
        for i, name in enumerate(NAMES[:-1]):
            dims = ("time", "height", "lat", "lon") if name == "tas" else ("time", "lat", "lon")
            variable = file.createVariable("TBOT" if name == "tas" else name, "f8", dims)
            variable.units = "degC" if name == "tas" else artefacts.INPUTS[i]["units"]
            values = hours[..., i] - 273.15 if name == "tas" else hours[..., i]
            variable[:] = values[:, None] if name == "tas" else values
    words = ("--forcing", tmp_path / "grid.nc", "--out", tmp_path / "out.nc", "--map", "tas=TBOT", "--set", "co2=400")
    assert run("run", stub_file, *words, "--units", "fch4=kg m-2 s-1") == 0
    statics[:, 0] = np.repeat([10.0, 60.0], 3)
    inputs[..., 5] = 400.0
    reference = host(stub_file, 6, statics).run(inputs)
    written = fluxes(tmp_path / "out.nc")
    assert written["gpp"].shape == (3, 2, 3)
    np.testing.assert_allclose(written["gpp"][:, land], reference[:, land.ravel(), 0], rtol=1e-4)
    np.testing.assert_allclose(written["fch4"][:, land], reference[:, land.ravel(), 1] / 86400e6, rtol=1e-4)
    assert np.isnan(written["gpp"][:, 0, 2]).all()


def test_files_of_a_run_follow_one_another(stub_file: Path, tmp_path: Path, capsys) -> None:
    data = write_dataset(tmp_path / "data.nc")
    parts = [tmp_path / "a.nc", tmp_path / "b.nc"]
    for path, days in zip(parts, (slice(0, 15), slice(15, DAYS)), strict=True):
        with netCDF4.Dataset(data) as whole, netCDF4.Dataset(path, "w") as part:
            part.createDimension("site", 5)
            part.createDimension("time", days.stop - days.start)
            for name, variable in whole.variables.items():
                copy = part.createVariable(name, variable.dtype, variable.dimensions)
                copy.setncatts({key: variable.getncattr(key) for key in variable.ncattrs() if key != "_FillValue"})
                copy[...] = variable[..., days] if "time" in variable.dimensions else variable[...]
    assert run("run", stub_file, "--forcing", data, "--out", tmp_path / "whole.nc") == 0
    assert run("run", stub_file, "--forcing", *parts, "--out", tmp_path / "parts.nc", "--start", "2003-12-20") == 0
    for name, values in fluxes(tmp_path / "whole.nc").items():
        np.testing.assert_array_equal(fluxes(tmp_path / "parts.nc")[name], values)
    assert run("run", stub_file, "--forcing", *reversed(parts), "--out", tmp_path / "wrong.nc") == 1
    assert "2004-01-29 is due" in capsys.readouterr().err


def test_measured_flux_is_shown_to_models_that_take_it(
    gauged_file: Path, stub_file: Path, tmp_path: Path, capsys
) -> None:
    data = write_dataset(tmp_path / "data.nc")
    with netCDF4.Dataset(data, "a") as file:
        for name, units in (("gpp", "g m-2 day-1"), ("fch4", "mg m-2 day-1")):
            flux = file.createVariable(name, "f4", ("site", "time"), fill_value=9.9e36)
            flux.units = units
            flux[:] = np.ma.masked_less(np.random.default_rng(1).normal(5.0, 3.0, (5, DAYS)), 3.0)
    words = ("--forcing", data, "--out")
    assert run("run", gauged_file, *words, tmp_path / "without.nc") == 0
    assert run("run", gauged_file, *words, tmp_path / "with.nc", "--observed") == 0
    without, shown = (fluxes(tmp_path / name)["gpp"] for name in ("without.nc", "with.nc"))
    np.testing.assert_array_equal(without[:, :12], shown[:, :12])  # the rest of 2003
    assert (without[:, 12:] != shown[:, 12:]).any()
    assert run("run", stub_file, *words, tmp_path / "no.nc", "--observed") == 1
    assert "takes no measured flux" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "words", "message_words"),
    [
        ({("tas", 2, 7): np.nan}, (), ["data.nc", "'tas'", "site 'S2'", "2003-12-27", "NaN"]),
        ({("pr", 4, 0): -1.0}, (), ["variable 'pr'", "site 'S4'", "2003-12-20", "valid range"]),
        ({("elevation", 1): 1e9}, ("--units", "elevation=K"), ["elevation", "--units elevation=UNITS"]),
        ({("biome", 3): 77}, (), ["biome", "site 'S3'", "not one of the classes 1 2"]),
        ({}, ("--map", "tas=TBOT"), ["no variable 'TBOT'", "driver 'tas'", "tasmin"]),
        ({}, ("--map", "tos=TBOT"), ["--map tos", "tasmax"]),
        ({}, ("--end", "2005-01-01"), ["2005-01-01", "2004-01-28"]),
        ({}, ("--end", "2004-02-30"), ["--end 2004-02-30"]),
        ({}, ("--set", "co2=much"), ["co2=much", "not a number"]),
        ({}, ("--backend", "native"), ["native"]),
    ],
)
def test_errors_name_file_variable_site_and_leave_no_file(
    stub_file: Path, tmp_path: Path, capsys, change: dict, words: tuple, message_words: list[str]
) -> None:
    data = write_dataset(tmp_path / "data.nc")
    with netCDF4.Dataset(data, "a") as file:
        for (name, *place), value in change.items():
            file[name][tuple(place)] = value
    assert run("run", stub_file, "--forcing", data, "--out", tmp_path / "out.nc", *words) == 1
    message = capsys.readouterr().err
    for word in message_words:
        assert word in message, message
    assert message.count("variable '") <= 1, message
    assert [path.name for path in tmp_path.iterdir()] == ["data.nc"]
