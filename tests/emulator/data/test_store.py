"""A dataset as a Zarr store is read like the file it was made of, in whole and in part."""

from pathlib import Path

import netCDF4
import numpy as np
import pytest

from emulator.data.dataset import Dataset, read_extent
from emulator.data.dataset_file import DatasetError
from emulator.data.signature import Signature
from foundations import zarr_dataset
from tests.emulator.synthetic import write_dataset


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "d.nc"
    write_dataset(path, sites=7, years=2)
    return path


def to_store(path: Path) -> Path:
    store = path.with_suffix(".zarr")
    with netCDF4.Dataset(path) as layout:
        zarr_dataset.create(store, layout, block_sites=3)
        for first in (3, 0, 6):
            rows = slice(first, first + 3)
            series = {n: v[rows] for n, v in layout.variables.items() if v.dimensions == zarr_dataset.SERIES}
            zarr_dataset.write_rows(store, first, series)
    zarr_dataset.finish(store, {})
    return store


def test_a_store_is_read_like_the_file(file: Path) -> None:
    store, signature = to_store(file), Signature.from_names()
    assert Dataset.open(store, signature).content_hash() == Dataset.open(file, signature).content_hash()
    part = {"sites": np.array([1, 4, 6]), "days": slice(10, 90)}
    some, same = (Dataset.open(path, signature, **part) for path in (store, file))
    assert some.content_hash() == same.content_hash()
    np.testing.assert_array_equal(some.site_id, same.site_id)
    assert read_extent(store)[0] == 7


@pytest.mark.parametrize("name", ["tas", "fch4"])
def test_a_lost_shard_is_told(file: Path, name: str) -> None:
    store = to_store(file)
    (store / name / "c" / "1" / "0").unlink()
    with pytest.raises(DatasetError, match=f"{name}: the shard c/1/0 is missing"):
        Dataset.open(store, Signature.from_names())


def test_a_folder_that_is_no_store_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.zarr").mkdir()
    with pytest.raises(DatasetError, match=r"x\.zarr: cannot be read as a Zarr store of version 3"):
        Dataset.open(tmp_path / "x.zarr", Signature.from_names())
