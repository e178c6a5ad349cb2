"""Imports of more than fits into memory, and Zarr stores: the same values as of files that are held."""

from pathlib import Path

import netCDF4
import numpy as np
import pytest
import xarray

from emulator.data.dataset import Dataset
from emulator.data.importers import dataset_writer, record_store
from emulator.data.importers.command import main
from emulator.data.importers.readers import cell_columns, gridded, tem
from emulator.data.vocabulary import resolve

MAPPING = """\
name: grid
reader: grid
variables:
  tas: {column: TSA}
  rsds: {column: SW}
  gpp: {column: GPP, units: g C m-2 s-1}
"""


def grid_file(path: Path, *, first_day: int, days: int, seed: int) -> Path:
    """A CF grid of 3 x 5 cells, one of them sea, with one value of CO2 for all."""
    random = np.random.default_rng(seed)
    with netCDF4.Dataset(path, "w") as file:
        for name, size in (("time", days), ("lat", 3), ("lon", 5)):
            file.createDimension(name, size)
        time = file.createVariable("time", "f8", ("time",))
        time.units, time.calendar = "days since 2001-01-01", "noleap"
        time[:] = first_day + np.arange(days)
        file.createVariable("lat", "f8", ("lat",))[:] = [10.0, 20.0, 30.0]
        file.createVariable("lon", "f8", ("lon",))[:] = [0.0, 60.0, 120.0, 180.0, 240.0]
        for name, units, low, high in (("TSA", "K", 280, 290), ("SW", "W m-2", 100, 300), ("GPP", "", 1e-5, 5e-5)):
            values = random.uniform(low, high, (days, 3, 5))
            values[:, 1, 2] = np.nan
            variable = file.createVariable(name, "f4", ("time", "lat", "lon"), fill_value=np.float32(1e20))
            variable.units = units
            variable[:] = np.ma.masked_invalid(values)
        co2 = file.createVariable("CO2", "f8", ("time",))
        co2.units = "ppm"
        co2[:] = 380.0 + 0.01 * (first_day + np.arange(days))
    return path


@pytest.fixture
def tiny_memory(monkeypatch):
    """Limits so low that all goes through files, and blocks are of few cells."""
    monkeypatch.setattr(gridded, "SLAB_VALUES", 100)
    monkeypatch.setattr(cell_columns, "SLAB_VALUES", 100)
    monkeypatch.setattr(cell_columns, "BLOCK_VALUES", 3000)
    monkeypatch.setattr(dataset_writer, "BLOCK_SITES", 4)
    monkeypatch.setattr(tem, "MEMORY", 2000)
    for kind in (cell_columns.CellColumns, record_store.RecordStore):
        monkeypatch.setattr(kind.__init__, "__defaults__", (None, 1))


@pytest.fixture
def grids(tmp_path):
    files = [grid_file(tmp_path / f"{n}.nc", first_day=90 * n, days=90, seed=n) for n in (1, 0)]
    (tmp_path / "grid.yaml").write_text(MAPPING + "  co2: {column: CO2}\n")
    return [str(tmp_path / "grid.yaml"), *map(str, files)]


def test_blocks_of_cells_through_files_are_the_whole(grids, tmp_path, request):
    assert main([*grids, "--out", str(tmp_path / "held.nc")]) == 0
    request.getfixturevalue("tiny_memory")
    assert main([*grids, "--out", str(tmp_path / "blocks.nc")]) == 0
    with xarray.open_dataset(tmp_path / "held.nc") as held, xarray.open_dataset(tmp_path / "blocks.nc") as blocks:
        assert held.sizes["site"] == 14
        assert held.drop_attrs().identical(blocks.drop_attrs())
        with xarray.open_dataset(grids[2]) as source:
            cell = held.isel(site=int(np.flatnonzero((held.lat == 30) & (held.lon == 60))[0]), time=slice(0, 90))
            assert np.allclose(cell.tas, source.TSA[:, 2, 1], rtol=1e-6)
            assert np.allclose(held.co2[:, 0], 380.0), "one value for all cells"
    report = (tmp_path / "blocks_report" / "report.txt").read_text()
    assert report.splitlines()[2:] == (tmp_path / "held_report" / "report.txt").read_text().splitlines()[2:]


def test_a_store_has_the_values_of_the_file(grids, tmp_path, tiny_memory):
    file, store = tmp_path / "d.nc", tmp_path / "d.zarr"
    assert main([*grids, "--out", str(file)]) == 0
    for _ in range(2):  # it replaces a store of before
        assert main([*grids, "--out", str(store)]) == 0
    assert not list(tmp_path.glob(".d.zarr*"))
    first, other = (Dataset.open(path, resolve(path)) for path in (file, store))
    assert first.signature == other.signature
    for part in ("drivers", "flux", "static"):
        assert np.array_equal(getattr(first, part).numpy(), getattr(other, part).numpy(), equal_nan=True)
    merged = tmp_path / "m.zarr"
    assert main(["merge", str(store), str(file), "--out", str(merged)]) == 0
    assert Dataset.open(merged, resolve(merged)).flux.shape == first.flux.shape
    (tmp_path / "other.zarr").mkdir()
    assert main([*grids, "--out", str(tmp_path / "other.zarr")]) == 1, "a folder that is no store stays"


def test_text_of_tem_is_read_in_parts(tmp_path, request):
    random = np.random.default_rng(5)
    rows = [
        f"{lon}.0,{lat}.0,{name},1,{year},0,0,0,0," + ",".join(f"{v:.3f}" for v in random.uniform(low, high, 12))
        for year in (2001, 2002)
        for lat in (40, 50, 60)
        for lon in (-100, 20)
        for name, low, high in (("TAIR", 1, 20), ("SOLR", 50, 200), ("CH4EMI", -50, -1))
    ]
    (tmp_path / "t.txt").write_text("\n".join(rows) + "\n")
    command = ["tem", str(tmp_path / "t.txt"), "--out"]
    assert main([*command, str(tmp_path / "held.nc")]) == 0
    request.getfixturevalue("tiny_memory")
    assert main([*command, str(tmp_path / "parts.nc")]) == 0
    with xarray.open_dataset(tmp_path / "held.nc") as held, xarray.open_dataset(tmp_path / "parts.nc") as parts:
        assert held.sizes["site"] == 6
        assert held.sortby("site_id").drop_attrs().identical(parts.sortby("site_id").drop_attrs())
