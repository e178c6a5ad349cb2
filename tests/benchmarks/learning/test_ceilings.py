"""What oracles are told: parameters as they are, and as training sites alone let them be guessed."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import cftime
import netCDF4
import numpy as np
import pytest
import torch

from benchmarks.learning.ceilings import kriged_parameters, true_parameters
from emulator.data.calendar import calendar_table
from emulator.data.dataset import Dataset
from emulator.data.signature import Signature
from emulator.data.splits import Split, SplitConfig

SITES = 240


class Field(NamedTuple):
    """Places of the sites, and what varies over them, (N,) each."""

    lat: np.ndarray
    lon: np.ndarray
    smooth: np.ndarray
    noise: np.ndarray
    climate: np.ndarray


@pytest.fixture(scope="module")
def field() -> Field:
    random = np.random.default_rng(5)
    lat, lon = random.uniform(0, 30, SITES), random.uniform(0, 40, SITES)
    smooth = np.sin(lat / 4.0) + np.cos(lon / 5.0)
    return Field(lat, lon, smooth, random.normal(size=SITES), random.normal(size=SITES))


@pytest.fixture(scope="module")
def ensemble(field: Field, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ensemble")
    smooth, noise, climate = field.smooth, field.noise, field.climate
    missing = np.where(np.arange(SITES) % 10 == 0, 2.0 + noise, np.nan)
    columns = {
        "smooth": np.exp(smooth), "noise": noise, "climate": climate + 0.1 * noise, "same": np.full(SITES, 0.05),
        "late": missing, "late_too": 2.0 * missing,
    }  # fmt: skip
    with netCDF4.Dataset(folder / "params_truth.nc", "w") as file:
        file.createDimension("site", SITES)
        names = file.createVariable("site_id", str, ("site",))
        names[:] = np.array([f"s{i}" for i in range(SITES)], object)
        for name, values in columns.items():
            file.createVariable(name, "f8", ("site",), fill_value=1e30)[:] = np.ma.masked_invalid(values)
    return folder


@pytest.fixture(scope="module")
def dataset(field: Field) -> Dataset:
    lat, lon, climate = field.lat, field.lon, field.climate
    dates = cftime.num2date(np.arange(3 * 365), "days since 2001-01-01", "noleap")
    drivers = torch.as_tensor(climate[:, None, None] + np.random.default_rng(1).normal(0, 0.2, (SITES, 1095, 1)))
    return Dataset(
        path=Path("none"),
        signature=Signature.from_names(("tas",), ("lat", "lon"), ("fch4",)),
        drivers=drivers.float(),
        calendar=calendar_table(dates),
        static=torch.as_tensor(np.stack([lat, lon], 1)).float(),
        flux=torch.zeros(SITES, 1095, 1),
        site_id=np.array([f"s{i}" for i in range(SITES)]),
        lat=lat,
        lon=lon,
        biome=np.ones(SITES, int),
        time=np.arange(1095.0),
        time_units="days since 2001-01-01",
        calendar_name="noleap",
    )


@pytest.fixture(scope="module")
def split(dataset: Dataset) -> Split:
    return SplitConfig(test_years=1, validation_years=1, block_degrees=4.0).build(
        dataset.lat, dataset.lon, dataset.years
    )


def skill(estimate: np.ndarray, truth: np.ndarray) -> float:
    return 1.0 - ((estimate - truth) ** 2).mean() / truth.var()


def test_true_parameters(ensemble: Path, dataset: Dataset, field: Field) -> None:
    names, values = true_parameters(ensemble, dataset.site_id[::-1])
    assert names == ("smooth", "noise", "climate", "late", "has_late", "late_too")
    parameters = dict(zip(names, values[::-1].T, strict=True))
    assert parameters["smooth"] == pytest.approx((field.smooth - field.smooth.mean()) / field.smooth.std(), abs=1e-5)
    missing = np.arange(SITES) % 10 != 0
    assert (parameters["late"][missing] == 0).all()
    assert (parameters["has_late"] == ~missing).all()


def test_kriging_finds_what_can_be_found(ensemble: Path, dataset: Dataset, split: Split) -> None:
    names, truth = true_parameters(ensemble, dataset.site_id)
    explained, estimate = kriged_parameters(ensemble, dataset, split, buffer_km=100.0)
    assert {"smooth", "climate"} <= set(explained)
    assert "noise" not in explained
    for name, least in (("smooth", 0.5), ("climate", 0.9)):
        for sites in (split.train_sites, split.test_sites):
            assert skill(estimate[sites, explained.index(name)], truth[sites, names.index(name)]) > least


def test_kriging_reads_training_sites_only(ensemble: Path, dataset: Dataset, split: Split, monkeypatch) -> None:
    names, truth = true_parameters(ensemble, dataset.site_id)
    _, before = kriged_parameters(ensemble, dataset, split, buffer_km=100.0)
    moved = np.where(split.train_sites[:, None], truth, -5.0 * truth)
    monkeypatch.setattr("benchmarks.learning.ceilings.true_parameters", lambda *_: (names, moved))
    _, after = kriged_parameters(ensemble, dataset, split, buffer_km=100.0)
    assert np.array_equal(before, after)


def test_no_block_informs_the_estimate_at_its_sites(
    ensemble: Path, dataset: Dataset, split: Split, monkeypatch
) -> None:
    names, truth = true_parameters(ensemble, dataset.site_id)
    single = replace(split, block=np.where(split.block == split.block[split.train_sites][0], 1, 2 + split.block))
    _, before = kriged_parameters(ensemble, dataset, single, buffer_km=100.0)
    site = np.flatnonzero(split.train_sites)[0]
    moved = truth.copy()
    moved[site] += 0.01
    monkeypatch.setattr("benchmarks.learning.ceilings.true_parameters", lambda *_: (names, moved))
    _, after = kriged_parameters(ensemble, dataset, single, buffer_km=100.0)
    same = single.block == single.block[site]
    # the mean of the training sites moves by 0.01 / N for all
    assert np.abs(after - before)[same & split.train_sites].max() < 1e-4
    assert np.abs(after - before)[~same & split.train_sites].max() > 1e-4


def test_random_folds_without_buffer_have_a_ceiling(ensemble: Path, dataset: Dataset) -> None:
    """Each site is a block of its own, and its neighbours tell of it."""
    random = SplitConfig(test_years=1, validation_years=1, space="random").build(
        dataset.lat, dataset.lon, dataset.years
    )
    names, truth = true_parameters(ensemble, dataset.site_id)
    explained, estimate = kriged_parameters(ensemble, dataset, random, buffer_km=0.0)
    for sites in (random.train_sites, random.test_sites):
        assert skill(estimate[sites, explained.index("smooth")], truth[sites, names.index("smooth")]) > 0.5
