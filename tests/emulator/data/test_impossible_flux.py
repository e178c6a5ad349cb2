"""Targets and classes that a file has wrong are told apart, never learnt."""

import logging
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from emulator.data.dataset import Dataset
from emulator.data.dataset_file import DatasetError
from emulator.data.signature import Signature
from tests.emulator.synthetic import write_dataset

SIGNATURE = Signature.from_names(("tas", "pr"), ("lat", "biome"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_dataset(tmp_path / "dataset.nc", sites=3, years=1, first_year=2003)


def _change(path: Path, name: str, factor: float = 1.0, value: float | None = None) -> None:
    with netCDF4.Dataset(path, "r+") as file:
        series = file[name]
        series[:] = factor * series[:]
        if value is not None:
            series[1, 40] = value


@pytest.mark.parametrize("value", [-9999.0, 1e20, -999.0, 9999.0, np.inf])
@pytest.mark.parametrize("name", ["fch4", "nee", "gpp"])
def test_a_mark_of_missing_flux_is_refused_by_site_and_day(path: Path, name: str, value: float) -> None:
    _change(path, name, value=value)
    with pytest.raises(DatasetError, match=rf"dataset.nc: {name}: .*site S0001, 2003-02-10"):
        Dataset.open(path, SIGNATURE)


def test_flux_of_another_unit_is_refused_and_the_likely_unit_named(path: Path) -> None:
    _change(path, "gpp", factor=86400e3)
    with pytest.raises(DatasetError, match=r"gpp: .*would fit the unit 'g m-2 day-1'; check the unit"):
        Dataset.open(path, SIGNATURE)


def test_flux_that_is_far_too_small_is_warned_of(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        Dataset.open(path, SIGNATURE)
    assert not caplog.text
    _change(path, "gpp", factor=1e-8)
    with caplog.at_level(logging.WARNING):
        Dataset.open(path, SIGNATURE)
    assert "gpp: the largest value is" in caplog.text
    assert "check the unit" in caplog.text


def test_classes_go_by_their_meanings(path: Path) -> None:
    usual = Dataset.open(path, SIGNATURE)
    with netCDF4.Dataset(path, "r+") as file:
        biome = file["biome"]
        numbers, names = np.arange(1, 14), "bog fen marsh swamp wet_tundra rice boreal_forest temperate_forest "
        names += "tropical_forest grassland shrubland tundra cropland"
        biome[:] = 14 - biome[:]
        biome.flag_values, biome.flag_meanings = (14 - numbers).astype("i4"), names
    other = Dataset.open(path, SIGNATURE)
    assert other.biome.tolist() == usual.biome.tolist()
    assert other.static.tolist() == usual.static.tolist()


@pytest.mark.parametrize(
    ("numbers", "names", "message"),
    [
        (range(1, 14), "a b c d e f g h i j k l m", "class '.' is not one of bog, fen"),
        (range(1, 3), "bog fen marsh", "not as many"),
        ((98, 99), "bog fen", "not one of its flag_values"),
    ],
)
def test_classes_without_a_known_meaning_are_refused(path: Path, numbers, names: str, message: str) -> None:
    with netCDF4.Dataset(path, "r+") as file:
        file["biome"].flag_values, file["biome"].flag_meanings = np.array(numbers, "i4"), names
    with pytest.raises(DatasetError, match=message):
        Dataset.open(path, SIGNATURE)
