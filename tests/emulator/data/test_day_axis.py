"""The day of each value, for whatever stamps and bounds CF allows; nothing is dropped without a word."""

from pathlib import Path

import netCDF4
import numpy as np
import pytest

from emulator.data import calendar as column
from emulator.data.dataset import Dataset
from emulator.data.dataset_file import DatasetError
from emulator.data.signature import Signature
from tests.emulator.synthetic import write_dataset

SIGNATURE = Signature.from_names(["tas"], ["elevation"], ["gpp"])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_dataset(tmp_path / "dataset.nc", sites=3, years=2)


def edit(path: Path, stamp: float, bounds: tuple[float, float] | None, units: str | None = None) -> Path:
    """Stamps at a time of day, in days, with bounds relative to midnight."""
    with netCDF4.Dataset(path, "a") as file:
        days = np.floor(file["time"][:])
        file["time"][:] = days + stamp
        if units:
            file["time"].units = units
        if "bounds" in file["time"].ncattrs():
            file["time"].delncattr("bounds")
        if bounds:
            file["time"].bounds = "edges"
            file.createDimension("edge", 2)
            file.createVariable("edges", "f8", ("time", "edge"))[:] = days[:, None] + bounds
    return path


@pytest.mark.parametrize("stamp", [0.0, 0.5, 1.0, 0.25])
@pytest.mark.parametrize("bounds", [(0.0, 1.0), (1.0, 0.0)])
def test_bounds_say_which_day_it_is(path: Path, stamp: float, bounds: tuple[float, float]) -> None:
    data = Dataset.open(edit(path, stamp, bounds), SIGNATURE)
    assert data.calendar[[0, -1], : column.DAY + 1].tolist() == [[2003, 1, 1], [2004, 12, 31]]
    assert data.years.tolist() == [2003, 2004]
    assert np.array_equal(np.floor(data.time), np.arange(731))  # what predictions are stamped with


@pytest.mark.parametrize("stamp", [0.0, 0.5, 0.99])
def test_without_bounds_a_stamp_lies_in_its_day(path: Path, stamp: float) -> None:
    assert Dataset.open(edit(path, stamp, None), SIGNATURE).years.tolist() == [2003, 2004]


def test_units_may_begin_at_any_time_of_day(path: Path) -> None:
    data = Dataset.open(edit(path, 0.5, (0.3167, 1.3167), "days since 2002-12-31 16:24:00"), SIGNATURE)
    assert data.calendar[0, : column.DAY + 1].tolist() == [2003, 1, 1]
    with netCDF4.Dataset(path, "a") as file:
        file["time"][:] = file["time"][:] - 0.1
    assert Dataset.open(path, SIGNATURE).years.tolist() == [2003, 2004]


def test_stamps_at_the_end_of_days_without_bounds_are_doubted(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    data = Dataset.open(edit(path, 1.0, None), SIGNATURE)
    assert data.calendar[0, : column.DAY + 1].tolist() == [2003, 1, 2]
    assert "begins on 2 January and ends on 1 January; if stamps are at the end of days (24:00)" in caplog.text


@pytest.mark.parametrize("calendar", ["noleap", "365_day", "standard", "gregorian", "proleptic_gregorian"])
def test_years_are_whole_in_every_calendar(tmp_path: Path, calendar: str) -> None:
    path = write_dataset(tmp_path / "dataset.nc", sites=2, years=2, calendar=calendar)
    data = Dataset.open(edit(path, 1.0, (0.0, 1.0)), SIGNATURE)
    assert data.years.tolist() == [2003, 2004]
    assert len(data.time) == (730 if calendar in ("noleap", "365_day") else 731)


def test_bounds_of_other_lengths_are_refused(path: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"dataset\.nc: time: its bounds span 30 days at value 1, expected one day"):
        Dataset.open(edit(path, 0.5, (0.0, 30.0)), SIGNATURE)
    other = write_dataset(tmp_path / "other.nc", sites=2, years=1)
    with pytest.raises(DatasetError, match=r"other\.nc: time: value 1 lies outside its bounds"):
        Dataset.open(edit(other, 0.5, (5.0, 6.0)), SIGNATURE)
    with netCDF4.Dataset(other, "a") as file:
        file["time"].bounds = "absent"
    with pytest.raises(DatasetError, match=r"other\.nc: time: its bounds 'absent' are not in the file"):
        Dataset.open(other, SIGNATURE)


@pytest.mark.parametrize(("name", "value", "told"), [("lat", np.nan, "missing"), ("lon", 999.0, "999 degrees")])
def test_a_site_without_a_place_is_refused_by_name(path: Path, name: str, value: float, told: str) -> None:
    with netCDF4.Dataset(path, "a") as file:
        file[name][1] = value
        site = str(file["site_id"][1])
    with pytest.raises(DatasetError, match=rf"dataset\.nc: {name}: is {told} at site {site} \(1 such sites\)"):
        Dataset.open(path, SIGNATURE)
