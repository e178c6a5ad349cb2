"""`ecostep run` reads time as CF means it, and refuses by the file's name what it cannot read."""

from __future__ import annotations

import os
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from coupler.cli.errors import CommandError
from coupler.cli.time_axis import format_day, whole_days
from tests.coupler.test_cli import write_dataset
from tests.coupler.test_cli_alignment import later, run, write_sites


def write_time(path: Path, values: object = (0.0, 1.0, 2.0), **attributes: str) -> Path:
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("time", len(np.atleast_1d(values)))
        time = file.createVariable("time", "f8", ("time",), fill_value=-1.0)
        time.setncatts({"units": "days since 2001-01-01"} | attributes)
        time[:] = values
    return path


def read(path: Path) -> tuple[str, int, str]:
    with netCDF4.Dataset(path) as file:
        days = whole_days(path, file)
    return format_day(days.first), days.count, days.calendar


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({}, ("2001-01-01", 3, "standard")),
        ({"calendar": "gregorian"}, ("2001-01-01", 3, "standard")),
        ({"calendar": "365_DAY"}, ("2001-01-01", 3, "noleap")),
        ({"units": "d since 1582-10-03", "calendar": "standard"}, ("1582-10-03", 3, "standard")),
        ({"units": "days since 0001-01-01", "calendar": "standard"}, ("0001-01-01", 3, "standard")),
        ({"units": "Days since 2001-01-01T00:00:00Z"}, ("2001-01-01", 3, "standard")),
    ],
)
def test_time_is_read(tmp_path: Path, attributes: dict, expected: tuple) -> None:
    assert read(write_time(tmp_path / "t.nc", **attributes)) == expected


def test_standard_counts_from_year_one_as_cf_does(tmp_path: Path) -> None:
    days = netCDF4.date2num(
        netCDF4.num2date(0, "days since 2001-01-01", "standard"), "days since 0001-01-01", "standard"
    )
    path = write_time(tmp_path / "t.nc", days + np.arange(3.0), units="days since 0001-01-01", calendar="gregorian")
    assert read(path) == ("2001-01-01", 3, "standard")


@pytest.mark.parametrize(
    ("values", "attributes", "words"),
    [
        ([], {}, "empty"),
        ([0.0, 1.0, 2.0], {"calendar": "none"}, "calendar 'none' is not known"),
        ([0.0, 1.0, 2.0], {"calendar": "julian"}, "does not run in calendar 'julian'"),
        ([0.0, 1.0, 2.0], {"units": "days since yesterday"}, "days since yesterday"),
        ([0.0, 1.0, 2.0], {"units": "days since 2001-02-30"}, "no date"),
        ([0.0, 1.0, 2.0], {"units": "months since 2001-01-01"}, "months since"),
        ([0.0, -1.0, 2.0], {}, "missing or impossible"),
        ([0.0, np.nan, 2.0], {}, "missing or impossible"),
        ([0.0, np.inf, 2.0], {}, "missing or impossible"),
        ([1e7, 1e7 + 1, 1e7 + 2], {"units": "days since 2001-01-01", "stamp": "noon"}, "stamp is 'noon'"),
        ([0.0, 1.0, 3.0], {}, "equally long"),
    ],
)
def test_strange_time_is_refused(tmp_path: Path, values: list, attributes: dict, words: str) -> None:
    path = write_time(tmp_path / "strange.nc", values, **attributes)
    with pytest.raises(CommandError, match=f"{path}.*{words}"):
        read(path)


@pytest.mark.parametrize(
    ("first", "second"),
    [("gregorian", "standard"), ("proleptic_gregorian", "standard"), ("365_day", "noleap"), ("noleap", "365_day")],
)
def test_calendars_go_together(lstm_file: Path, tmp_path: Path, first: str, second: str) -> None:
    one, two, out = write_sites(tmp_path / "a.nc"), write_sites(tmp_path / "b.nc", later), tmp_path / "out.nc"
    for path, calendar in ((one, first), (two, second)):
        with netCDF4.Dataset(path, "a") as file:
            file["time"].calendar = calendar
    assert run(lstm_file, "--forcing", one, two, "--out", out) == 0
    assert run(lstm_file, "--forcing", one, "--out", out, "--restart-out", tmp_path / "s.nc") == 0
    assert run(lstm_file, "--forcing", two, "--out", out, "--restart-in", tmp_path / "s.nc") == 0


def test_julian_days_of_the_mixed_calendar_are_refused(stub_file: Path, tmp_path: Path, capsys) -> None:
    path = write_dataset(tmp_path / "old.nc")
    with netCDF4.Dataset(path, "a") as file:
        file["time"].units = "days since 1582-10-01"
    words = ("--forcing", path, "--out", tmp_path / "out.nc")
    assert run(stub_file, *words) == 1
    message = capsys.readouterr().err
    assert str(path) in message and "Julian before 1582-10-15" in message
    assert run(stub_file, *words, "--start", "1582-10-15") == 0
    with netCDF4.Dataset(path, "a") as file:
        file["time"].calendar = "proleptic_gregorian"
    assert run(stub_file, *words) == 0


def test_outputs_are_none_of_the_inputs(stub_file: Path, tmp_path: Path, capsys) -> None:
    drivers, state = write_sites(tmp_path / "drivers.nc"), tmp_path / "state.nc"
    content = drivers.read_bytes()
    words = (stub_file, "--forcing", drivers, "--out")
    for out, more in ((drivers, ()), (stub_file, ()), (state, ("--restart-out", state)), (tmp_path, ())):
        assert run(*words, out, *more) == 1
        assert "--out" in capsys.readouterr().err or out == tmp_path
    assert drivers.read_bytes() == content and [path.name for path in tmp_path.iterdir()] == ["drivers.nc"]


def test_damaged_files_are_named(stub_file: Path, tmp_path: Path, capsys) -> None:
    content = write_sites(tmp_path / "drivers.nc").read_bytes()
    path, out = tmp_path / "damaged.nc", tmp_path / "out.nc"
    for damaged in (b"", b"text", content[: len(content) // 2]):
        path.write_bytes(damaged)
        assert run(stub_file, "--forcing", path, "--out", out) == 1
        assert f"{path}: cannot be read as netCDF" in capsys.readouterr().err
    write_dataset(path, 0, 3)
    assert run(stub_file, "--forcing", path, "--out", out) == 1
    assert f"{path}: the dimension 'site' is empty" in capsys.readouterr().err and not out.exists()


def test_names_of_files_need_not_be_utf8(stub_file: Path, tmp_path: Path) -> None:
    drivers, artefact, out = (tmp_path / os.fsdecode(b"\xe4" + end) for end in (b"d.nc", b"m.pt", b"o.nc"))
    artefact.write_bytes(stub_file.read_bytes())
    drivers.write_bytes(write_sites(tmp_path / "d.nc").read_bytes())
    assert run(artefact, "--forcing", drivers, "--out", out, "--restart-out", f"{out}.state") == 0
    assert run(artefact, "--forcing", tmp_path / os.fsdecode(b"\xe4absent.nc"), "--out", out) == 1
    assert {b"\xe4o.nc", b"\xe4o.nc.state"} <= {os.fsencode(path.name) for path in tmp_path.iterdir()}
