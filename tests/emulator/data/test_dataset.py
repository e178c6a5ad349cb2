"""Reading datasets: values, units and calendars; and what each kind of bad file is told."""

from pathlib import Path

import netCDF4
import numpy as np
import pytest
import torch

from emulator.data.dataset import Dataset, read_extent
from emulator.data.dataset_file import DatasetError
from emulator.data.signature import Signature
from foundations.units import unit_conversion
from tests.emulator.synthetic import write_dataset

SIGNATURE = Signature.from_names(("tas", "pr", "co2", "lai"), ("lat", "elevation", "biome"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_dataset(tmp_path / "dataset.nc", sites=4, years=2, first_year=2003)


def read(path: Path, name: str) -> np.ndarray:
    with netCDF4.Dataset(path) as file:
        return np.ma.filled(file.variables[name][...].astype(np.float64), np.nan)


def test_values_are_those_of_the_file(path: Path) -> None:
    data = Dataset.open(path, SIGNATURE)
    assert data.drivers.shape == (4, 731, 4)
    assert data.static.shape == (4, 3)
    assert data.flux.shape == (4, 731, 5)
    assert data.drivers.dtype == data.flux.dtype == torch.float32
    assert np.allclose(data.drivers[..., 0], read(path, "tas"), rtol=1e-7)
    assert np.allclose(data.flux[..., 0], read(path, "gpp") * 86400 * 1e3, rtol=1e-6)
    assert np.allclose(data.flux[..., 4], read(path, "fch4") * 86400 * 1e6, rtol=1e-6)
    assert data.static[:, 2].tolist() == data.biome.tolist() == read(path, "biome").tolist()
    assert data.site_id.tolist() == ["S0000", "S0001", "S0002", "S0003"]
    assert data.years.tolist() == [2003, 2004]


@pytest.mark.parametrize(("calendar", "days"), [("standard", 366), ("noleap", 365)])
def test_calendars(tmp_path: Path, calendar: str, days: int) -> None:
    data = Dataset.open(write_dataset(tmp_path / "d.nc", sites=2, years=2, calendar=calendar), SIGNATURE)
    year = data.calendar[data.days(2004, 2004)]
    assert year[0].tolist() == [2004, 1, 1, 1, 31, days]
    assert year[58].tolist() == [2004, 2, 28, 59, days - 337, days]
    assert year[-1].tolist() == [2004, 12, 31, days, 31, days]


def test_day_mask_and_subset(path: Path) -> None:
    data = Dataset.open(path, SIGNATURE)
    site_years = np.zeros((4, 2), bool)
    site_years[1, 1] = True
    mask = data.day_mask(site_years)
    assert mask.sum() == 366
    assert mask[1, 365:].all()
    subset = data.site_subset(np.array([False, True, False, True]))
    assert subset.site_id.tolist() == ["S0001", "S0003"]
    assert torch.equal(subset.drivers, data.drivers[[1, 3]])


def test_missing_flux_is_nan_and_absent_flux_is_allowed_where_it_is_not_required(path: Path) -> None:
    with netCDF4.Dataset(path, "a") as file:
        file.variables["fch4"][2, 10:20] = np.ma.masked
        file.renameVariable("rh", "something_else")
    data = Dataset.open(path, SIGNATURE, require_targets=False)
    assert torch.isnan(data.flux[2, 10:20, 4]).all()
    assert torch.isnan(data.flux[..., 4]).sum() == 10
    assert torch.isnan(data.flux[..., 2]).all()
    with pytest.raises(DatasetError, match=r"dataset.nc: variable 'rh' is missing"):
        Dataset.open(path, SIGNATURE)


@pytest.mark.parametrize(
    ("variable", "source", "target", "value", "expected"),
    [
        ("tas", "degC", "K", 10.0, 283.15),
        ("ps", "hPa", "Pa", 3.0, 300.0),
        ("pr", "mm day-1", "kg m-2 s-1", 86.4, 1e-3),
        ("gpp", "kg m-2 s-1", "g m-2 day-1", 1e-8, 0.864),
        ("fch4", "kg m-2 s-1", "mg m-2 day-1", 1e-9, 86.4),
        ("ch4", "ppb", "1e-6", 1800.0, 1.8),
        ("sand", "%", "1", 40.0, 0.4),
    ],
)
def test_units_are_converted(variable: str, source: str, target: str, value: float, expected: float) -> None:
    factor, offset = unit_conversion(source, target, variable)
    assert factor * value + offset == pytest.approx(expected)
    back, shift = unit_conversion(target, source, variable)
    assert back * expected + shift == pytest.approx(value)


def test_file_units_are_converted(path: Path) -> None:
    before = Dataset.open(path, SIGNATURE)
    with netCDF4.Dataset(path, "a") as file:
        file.variables["tas"][:] = file.variables["tas"][:] - np.float32(273.15)
        file.variables["tas"].units = "degC"
    assert torch.allclose(Dataset.open(path, SIGNATURE).drivers, before.drivers, atol=1e-4)


def edit(path: Path, change) -> None:
    with netCDF4.Dataset(path, "a") as file:
        change(file)


def _not_a_number(file: netCDF4.Dataset) -> None:
    file.variables["tas"][1, 59] = np.nan


def _masked(file: netCDF4.Dataset) -> None:
    file.variables["pr"][3, 0] = np.ma.masked


def _celsius(file: netCDF4.Dataset) -> None:
    file.variables["tas"][2, 5] = 21.0


def _no_conventions(file: netCDF4.Dataset) -> None:
    file.Conventions = "none"


def _gap(file: netCDF4.Dataset) -> None:
    file.variables["time"][100:] = file.variables["time"][100:] + 1


def _same_names(file: netCDF4.Dataset) -> None:
    file.variables["site_id"][2] = "S0000"


CASES = {
    "missing": (lambda f: f.renameVariable("lai", "leaves"), r"dataset.nc: variable 'lai' is missing"),
    "unit": (lambda f: f["tas"].setncattr("units", "furlong"), r"dataset.nc: tas: cannot convert 'furlong' to 'K'"),
    "no unit": (lambda f: f["pr"].delncattr("units"), r"dataset.nc: pr: attribute units is missing"),
    "nan": (_not_a_number, r"dataset.nc: tas: is NaN or fill.*site S0001, 2003-03-01; 1 such"),
    "fill": (_masked, r"dataset.nc: pr: is NaN or fill.*site S0003, 2003-01-01"),
    "range": (_celsius, r"dataset.nc: tas: is 21 K, outside 170 to 350; check the unit \(site S0002, 2003-01-06"),
    "class": (lambda f: f["biome"].__setitem__(0, 17), r"dataset.nc: biome: is 17, not one of the flag values.*S0000"),
    "not CF": (_no_conventions, r"dataset.nc: not a CF file: attribute Conventions is 'none', expected 'CF-1.11'"),
    "feature type": (lambda f: f.setncattr("featureType", "grid"), r"dataset.nc: attribute featureType"),
    "role": (lambda f: f["co2"].setncattr("role", "fast"), r"dataset.nc: co2: role is 'fast', expected 'slow'"),
    "time units": (lambda f: f["time"].setncattr("units", "days"), r"dataset.nc: time: units 'days' are not"),
    "calendar": (lambda f: f["time"].setncattr("calendar", "lunar"), r"dataset.nc: time: calendar 'lunar'"),
    "gap": (_gap, r"dataset.nc: time: one value a day is expected, but 2003-04-12 .* follows 2003-04-10"),
    "julian": (
        lambda f: f["time"].setncatts({"units": "days since 1500-01-01", "calendar": "standard"}),
        r"dataset.nc: time: begins on 1500-01-01.*Julian before 1582-10-15",
    ),
    "no name": (lambda f: f["site_id"].__setitem__(1, ""), r"dataset.nc: site_id: a site has no name"),
    "names": (_same_names, r"dataset.nc: site_id: 'S0000' appears 2 times"),
    "newer": (lambda f: f.setncattr("ecostep_dataset_version", 3), r"ecostep_dataset_version 3 is newer than 2"),
}


@pytest.mark.parametrize(("change", "message"), CASES.values(), ids=CASES.keys())
def test_bad_files_are_told_apart(path: Path, change, message: str) -> None:
    edit(path, change)
    with pytest.raises(DatasetError, match=message):
        Dataset.open(path, SIGNATURE)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.97])
def test_truncated_file(path: Path, share: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(DatasetError, match=r"dataset.nc: .*truncated"):
        Dataset.open(path, SIGNATURE)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"nothing.nc: no such file"):
        Dataset.open(tmp_path / "nothing.nc", SIGNATURE)
    (tmp_path / "text.nc").write_text("site,flux\n")
    with pytest.raises(DatasetError, match=r"text.nc: cannot be read as netCDF"):
        Dataset.open(tmp_path / "text.nc", SIGNATURE)


def test_unknown_names_are_told_with_the_choice() -> None:
    with pytest.raises(ValueError, match=r"inputs: 'tass' is not among the known ones: tas, tasmin"):
        Signature.from_names(("tass",))
    with pytest.raises(ValueError, match=r"targets: 'tas' is not among"):
        Signature.from_names(targets=("tas",))
    with pytest.raises(ValueError, match="twice"):
        Signature.from_names(("tas", "tas"))


def test_a_part_of_a_file_is_that_part_of_the_whole(tmp_path):
    path = write_dataset(tmp_path / "d.nc", sites=5, years=2)
    whole = Dataset.open(path, SIGNATURE)
    rows, days = np.array([1, 4]), slice(300, 420)
    part = Dataset.open(path, SIGNATURE, sites=rows, days=days)
    assert part.site_id.tolist() == whole.site_id[rows].tolist()
    assert torch.equal(part.drivers, whole.drivers[rows, days])
    assert torch.equal(part.flux, whole.flux[rows, days])
    assert torch.equal(part.static, whole.static[rows])
    assert torch.equal(part.calendar, whole.calendar[days])
    assert part.time.tolist() == whole.time[days].tolist()
    assert part.lat.tolist() == whole.lat[rows].tolist()
    assert part.biome.tolist() == whole.biome[rows].tolist()
    n_sites, calendar = read_extent(path)
    assert n_sites == 5
    assert torch.equal(calendar, whole.calendar)
