"""What oracles are told: parameters as they are, and as training sites alone let them be guessed."""

from dataclasses import replace
from pathlib import Path

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


@pytest.fixture(scope="module")
def field() -> np.ndarray:
    """Latitude, longitude, a smooth field, noise and climate, (5, N)."""
    random = np.random.default_rng(5)
    lat, lon = random.uniform(0, 30, SITES), random.uniform(0, 40, SITES)
    smooth = np.sin(lat / 4.0) + np.cos(lon / 5.0)
    return np.stack([lat, lon, smooth, random.normal(size=SITES), random.normal(size=SITES)])


@pytest.fixture(scope="module")
def ensemble(field: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ensemble")
    _, _, smooth, noise, climate = field
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
def dataset(field: np.ndarray) -> Dataset:
    lat, lon, _, _, climate = field
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


def test_true_parameters(ensemble: Path, dataset: Dataset, field: np.ndarray) -> None:
    names, values = true_parameters(ensemble, dataset.site_id[::-1])
    assert names == ("smooth", "noise", "climate", "late", "has_late", "late_too")
    smooth = (field[2] - field[2].mean()) / field[2].std()
    assert values[::-1, 0] == pytest.approx(smooth, abs=1e-5)
    missing = np.arange(SITES) % 10 != 0
    assert (values[::-1, 3][missing] == 0).all() and (values[::-1, 4] == ~missing).all()


def test_kriging_finds_what_can_be_found(ensemble: Path, dataset: Dataset, split: Split) -> None:
    names, truth = true_parameters(ensemble, dataset.site_id)
    kept, guess = kriged_parameters(ensemble, dataset, split)
    assert {"smooth", "climate"} <= set(kept) and "noise" not in kept
    for name, least in (("smooth", 0.5), ("climate", 0.9)):
        for sites in (split.train_sites, split.test_sites):
            assert skill(guess[sites, kept.index(name)], truth[sites, names.index(name)]) > least


def test_kriging_reads_training_sites_only(ensemble: Path, dataset: Dataset, split: Split, monkeypatch) -> None:
    names, truth = true_parameters(ensemble, dataset.site_id)
    _, before = kriged_parameters(ensemble, dataset, split)
    moved = np.where(split.train_sites[:, None], truth, -5.0 * truth)
    monkeypatch.setattr("benchmarks.learning.ceilings.true_parameters", lambda *_: (names, moved))
    _, after = kriged_parameters(ensemble, dataset, split)
    assert np.array_equal(before, after)


def test_a_site_is_guessed_without_its_own_block(ensemble: Path, dataset: Dataset, split: Split, monkeypatch) -> None:
    names, truth = true_parameters(ensemble, dataset.site_id)
    single = replace(split, block=np.where(split.block == split.block[split.train_sites][0], 1, 2 + split.block))
    _, before = kriged_parameters(ensemble, dataset, single)
    site = np.flatnonzero(split.train_sites)[0]
    moved = truth.copy()
    moved[site] += 0.01
    monkeypatch.setattr("benchmarks.learning.ceilings.true_parameters", lambda *_: (names, moved))
    _, after = kriged_parameters(ensemble, dataset, single)
    same = single.block == single.block[site]
    # the mean of the training sites moves by 0.01 / N for all
    assert np.abs(after - before)[same & split.train_sites].max() < 1e-4
    assert np.abs(after - before)[~same & split.train_sites].max() > 1e-4
