"""Series too large for memory: mapped from a file, and looked at in blocks of sites, with the same results."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import torch

from emulator.configuration.schema import SplitConfig
from emulator.data import scalers, series
from emulator.data.bounds import check_bounds
from emulator.data.dataset import Dataset
from emulator.data.dataset_file import DatasetError
from emulator.data.scalers import fit_scalers_to
from emulator.data.signature import Signature
from emulator.data.windows import WindowSampler
from emulator.training.losses import LossWeights, flux_loss
from tests.emulator.synthetic import write_dataset

SITES, YEARS = 11, 3
SIGNATURE = Signature.from_names()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_dataset(tmp_path / "d.nc", sites=SITES, years=YEARS)
    return tmp_path / "d.nc"


@pytest.fixture
def small(path: Path) -> Dataset:
    return Dataset.open(path, SIGNATURE)


@pytest.fixture
def large(path: Path, small: Dataset, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    """The same as if it were large: blocks of three sites, nothing kept in memory."""
    monkeypatch.setenv("ECOSTEP_IN_MEMORY_GB", "0")
    monkeypatch.setattr(series, "AT_ONCE_VALUES", 0)
    monkeypatch.setattr(series, "BLOCK_VALUES", 3 * 366 * YEARS)
    assert len(list(series.site_blocks(SITES, len(small.time)))) == 4
    return Dataset.open(path, SIGNATURE)


def is_mapped(values: torch.Tensor) -> bool:
    """Whether the values lie in a file, which has no name any more."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        first, last = (int(edge, 16) for edge in line.split(maxsplit=1)[0].split("-"))
        if first <= values.data_ptr() < last:
            return line.endswith("(deleted)")
    return False


def test_mapped_series_are_those_in_memory(small: Dataset, large: Dataset) -> None:
    assert is_mapped(large.drivers) and is_mapped(large.flux) and not is_mapped(small.drivers)
    assert large.content_hash() == small.content_hash()
    assert torch.equal(large.has_flux, small.has_flux)


def test_blocks_give_the_scalers_of_the_whole(small: Dataset, large: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    marked = np.ones((SITES, YEARS), bool)
    marked[4] = False
    marked[7, 2] = False
    in_blocks = fit_scalers_to(large, marked, SIGNATURE)
    monkeypatch.undo()
    whole = fit_scalers_to(small, marked, SIGNATURE)
    for field in fields(whole):
        torch.testing.assert_close(
            getattr(in_blocks, field.name), getattr(whole, field.name), rtol=2e-6, atol=1e-9, msg=field.name
        )


def test_the_scale_of_many_values_is_of_a_sample_of_all_sites(large: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    marked = np.ones((SITES, YEARS), bool)
    large.flux[:] = torch.arange(1.0, SITES + 1.0)[:, None, None]  # each site its own size
    monkeypatch.setattr(scalers, "SAMPLE_VALUES", 100)
    sampled = fit_scalers_to(large, marked, SIGNATURE)
    torch.testing.assert_close(sampled.target_scale, torch.full((5,), (SITES + 1) / 2))


def test_a_target_of_zeros_has_scale_one_in_blocks(large: Dataset) -> None:
    large.flux[..., 0] = 0.0
    fitted = fit_scalers_to(large, np.ones((SITES, YEARS), bool), SIGNATURE)
    assert (float(fitted.target_scale[0]), float(fitted.target_std[0]), float(fitted.target_limit[0])) == (1, 1, 10)


def test_moments_of_unequal_blocks_are_those_of_the_whole() -> None:
    values = 1e4 + torch.randn(1000, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    moments = series.Moments()
    for block in values.split([1, 0, 699, 300]):
        moments.add(block)
    assert moments.mean == pytest.approx(float(values.mean()), rel=1e-12)
    assert moments.deviation == pytest.approx(float(values.std(correction=0)), rel=1e-9)


def test_blocks_give_the_loss_of_the_whole(small: Dataset, large: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    usable = torch.ones(SITES, len(small.time), dtype=torch.bool)
    usable[2, :500] = False
    usable[5] = False
    scale, weight = torch.full((5,), 0.7), torch.ones(5)
    in_blocks = flux_loss(LossWeights(), large.flux, usable, scale, weight)
    monkeypatch.undo()
    whole = flux_loss(LossWeights(), small.flux, usable, scale, weight)
    for name, expected in whole.state_dict().items():
        torch.testing.assert_close(in_blocks.state_dict()[name], expected, rtol=1e-6, atol=0.0, msg=name)


def test_windows_are_the_same(small: Dataset, large: Dataset) -> None:
    marked = np.ones((SITES, YEARS), bool)
    options = {"years_per_window": 2, "batch_size": 4, "seed": 3}
    pairs = zip(*(WindowSampler(data, marked, **options).epoch(0) for data in (small, large)), strict=True)
    for one, other in pairs:
        assert torch.equal(one.drivers, other.drivers)
        assert torch.equal(one.site, other.site)


def test_a_bound_that_is_not_kept_is_told_in_blocks(large: Dataset) -> None:
    split = SplitConfig(test_years=1, validation_years=1, folds=2).build(large.lat, large.lon, large.years)
    days = split.days(large, "train").numpy()
    check_bounds(large, SIGNATURE, days)
    large.flux[:, :, SIGNATURE.target_names.index("gpp")] *= -1.0
    with pytest.raises(DatasetError, match="gpp: the bound min 0 is not kept"):
        check_bounds(large, SIGNATURE, days)
