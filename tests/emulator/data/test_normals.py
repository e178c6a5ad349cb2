"""Climate normals: of drivers, over the whole record, in its unit; a file's own come first."""

from pathlib import Path

import netCDF4
import numpy as np
import pytest

from emulator.data import vocabulary
from emulator.data.dataset import Dataset
from emulator.data.dataset_file import DatasetError
from emulator.data.signature import CLIMATE_NORMALS, Signature
from tests.emulator.synthetic import write_dataset

PLACE = ("lat", "lon")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(Path(tmp_path_factory.mktemp("normals")) / "dataset.nc", sites=5, years=2)


def signature(path: Path, *normals: str) -> Signature:
    return vocabulary.resolve(path, ("tas", "pr"), PLACE + normals, ("fch4",))


def test_normals_are_mean_and_deviation_of_the_whole_record(path: Path) -> None:
    described = signature(path, "tas_normal", "tas_spread", "pr_normal")
    data = Dataset.open(path, described)
    expected = [data.drivers[..., 0].mean(1), data.drivers[..., 0].std(1, correction=0), data.drivers[..., 1].mean(1)]
    for column, values in enumerate(expected, 2):
        assert np.allclose(data.static[:, column], values, rtol=1e-4)
    part = Dataset.open(path, described, sites=np.array([1, 4]), days=slice(30, 60))
    assert np.allclose(part.static, data.static[[1, 4]])


def test_normals_are_statics_in_the_unit_of_their_driver(path: Path) -> None:
    statics = signature(path, *CLIMATE_NORMALS).statics[2:]
    assert {static.role for static in statics} == {"static"}
    assert [static.units for static in statics] == ["K", "K", "kg m-2 s-1", "W m-2", "Pa"]
    assert statics[1].long_name == "standard deviation of air temperature"


def test_normals_of_the_file_come_first_and_in_any_unit_of_theirs(tmp_path: Path) -> None:
    path = write_dataset(tmp_path / "dataset.nc", sites=5, years=1)
    with netCDF4.Dataset(path, "a") as file:
        own = file.createVariable("tas_normal", "f4", ("site",))
        own.setncatts({"role": "static", "units": "K", "long_name": "mean of 1991 to 2020"})
        own[:] = 280.0
        file["tas"].units = "degC"
        file["tas"][:] = file["tas"][:] - 273.15
    data = Dataset.open(path, signature(path, "tas_normal", "tas_spread"))
    assert (data.static[:, 2] == 280.0).all()
    assert np.allclose(data.static[:, 3], data.drivers[..., 0].std(1, correction=0), rtol=1e-4)


def test_a_normal_of_nothing_is_named(path: Path) -> None:
    with pytest.raises(DatasetError, match="'rain_normal' is neither in the file nor in the table"):
        signature(path, "rain_normal")
