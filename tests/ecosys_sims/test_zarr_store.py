"""The dataset of an ensemble as a Zarr store, which the workers write into: the same data, whoever wrote them."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from ecosys_sims.ensemble import blocks
from ecosys_sims.ensemble.configuration import SimulationConfig
from ecosys_sims.ensemble.output_folder import StaleOutputError
from ecosys_sims.ensemble.simulation import simulate
from ecosys_sims.formats.dataset_check import check_dataset
from foundations import zarr_dataset
from foundations.file_faults import DamagedFile
from foundations.netcdf_file import reading
from foundations.netcdf_values import numbers

from .conftest import use_program


@pytest.fixture(autouse=True)
def program(fake_program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_program(monkeypatch, fake_program)


def as_store(config: SimulationConfig) -> SimulationConfig:
    return config.model_copy(update={"run": config.run.model_copy(update={"store": "zarr"})})


def without_attributes(store: Path) -> dict[str, bytes]:
    """All files of a store but the one of its global attributes, which tell the time."""
    files = (file for file in store.rglob("*") if file.is_file() and file != store / "zarr.json")
    return {file.relative_to(store).as_posix(): file.read_bytes() for file in files}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, fake_program: Path, small_config: SimulationConfig) -> Path:
    out = tmp_path_factory.mktemp("zarr") / "sims"
    with pytest.MonkeyPatch.context() as patch:
        use_program(patch, fake_program)
        simulate(as_store(small_config), out, workers=2)
    return out / "dataset.zarr"


def test_a_store_holds_what_the_file_holds_and_is_as_valid(
    store: Path, small_config: SimulationConfig, tmp_path: Path
) -> None:
    simulate(small_config, tmp_path / "netcdf", workers=1)
    assert check_dataset(store) == check_dataset(tmp_path / "netcdf" / "dataset.nc") == []
    with (
        xr.open_zarr(store, consolidated=False) as stored,
        xr.open_dataset(tmp_path / "netcdf" / "dataset.nc") as file,
    ):
        assert set(stored.variables) == set(file.variables)
        for name, expected in file.variables.items():
            assert stored[name].dims == expected.dims, name
            np.testing.assert_array_equal(stored[name].values, expected.values, name)
            assert stored[name].attrs.keys() == expected.attrs.keys(), name
        assert stored.attrs.keys() == file.attrs.keys() | {zarr_dataset.WHOLE}
        assert stored.attrs["namelist"] == file.attrs["namelist"]


def test_a_lost_worker_and_a_lost_store_change_no_byte(
    store: Path, small_config: SimulationConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "sims"
    config = as_store(small_config).model_copy(deep=True)
    tried = []

    def stop_after_one(tasks: list[blocks.BlockTask], *_options: object) -> list[blocks.BlockRecord]:
        tried.append(len(tasks))
        blocks.run_block(tasks[0])
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("ecosys_sims.ensemble.simulation.run_blocks", stop_after_one)
        with pytest.raises(KeyboardInterrupt):
            simulate(config, out, workers=1)
        shutil.rmtree(out / blocks.UNFINISHED_STORE)  # the block that is done is written from its history
        with pytest.raises(KeyboardInterrupt):
            simulate(config, out, workers=1)
    assert not (out / "dataset.zarr").exists()
    simulate(config, out, workers=1)
    assert tried[1] == tried[0] - 1
    assert without_attributes(out / "dataset.zarr") == without_attributes(store)


def test_what_an_end_between_two_steps_leaves_is_gone_on_from(
    store: Path, small_config: SimulationConfig, tmp_path: Path
) -> None:
    """The store has its name and there is no summary; one of the blocks that are done is not in it."""
    out = shutil.copytree(store.parent, tmp_path / "sims")
    (out / "simulation.json").unlink()
    shutil.rmtree(out / "dataset.zarr" / "gpp" / "c" / "0")
    simulate(as_store(small_config), out, workers=1)
    assert without_attributes(out / "dataset.zarr") == without_attributes(store)


def test_a_damaged_chunk_is_told_by_store_and_variable(
    store: Path, small_config: SimulationConfig, tmp_path: Path
) -> None:
    out = shutil.copytree(store.parent, tmp_path / "sims")
    shard = max((out / "dataset.zarr" / "gpp").rglob("c/*/*"), key=lambda file: file.stat().st_size)
    content = bytearray(shard.read_bytes())
    content[10] ^= 1
    shard.write_bytes(content)
    with pytest.raises(DamagedFile, match=r"dataset\.zarr: gpp: is damaged"), reading(out / "dataset.zarr") as file:
        numbers(file["gpp"])
    with pytest.raises(StaleOutputError, match=r"dataset\.zarr: is not as the simulation wrote it"):
        simulate(as_store(small_config), out, workers=1)


@pytest.mark.slow
def test_overwriting_replaces_a_store_and_nothing_else(
    store: Path, small_config: SimulationConfig, tmp_path: Path
) -> None:
    out = shutil.copytree(store.parent, tmp_path / "sims")
    (out / "notes.txt").write_text("mine")
    other = as_store(small_config).model_copy(update={"seed": small_config.seed + 1})
    simulate(other, out, workers=1, overwrite=True)
    assert (out / "notes.txt").read_text() == "mine"
    with xr.open_zarr(out / "dataset.zarr", consolidated=False) as dataset:
        assert dataset.attrs["seed"] == other.seed
        assert dataset.sizes["site"] == len(dataset.site_id)
