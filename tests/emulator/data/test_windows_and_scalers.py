"""Windows hold whole years of marked site-years only; scalers know training data only."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from emulator.data import calendar as column
from emulator.data.dataset import Dataset
from emulator.data.scalers import DriverScaling, Scalers, TargetScaling, asinh, fit_scalers
from emulator.data.signature import Signature
from emulator.data.windows import WindowSampler, training_data, whole_records
from tests.emulator.synthetic import write_dataset

MASK = np.zeros((9, 6), bool)
MASK[:7, :4] = True


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    path = write_dataset(Path(tmp_path_factory.mktemp("windows")) / "d.nc", sites=9, years=6)
    return Dataset.open(path, Signature.from_names(("tas", "pr", "rsds", "co2"), ("lat", "sand", "biome")))


def sampler(data: Dataset, **options) -> WindowSampler:
    return WindowSampler(data, MASK, **{"years_per_window": 2, "batch_size": 3, "seed": 5, **options})


def test_windows_are_whole_years_of_training_data(data: Dataset) -> None:
    batches = list(sampler(data).epoch(0))
    assert len(batches) == len(sampler(data)) == 6
    drawn = torch.cat([batch.site for batch in batches])
    assert sorted(drawn.tolist()) == sorted([*range(7), *range(7)])
    for batch in batches:
        first, last = batch.calendar[0, 0], batch.calendar[0, -1]
        assert first[1:3].tolist() == [1, 1]
        assert last[1:3].tolist() == [12, 31]
        assert last[0] - first[0] == 1
        assert last[0] <= 2006
        assert len(set(batch.site.tolist())) == len(batch.site)
        days = data.days(int(first[0]), int(last[0]))
        assert torch.equal(batch.drivers, data.drivers[batch.site, days])
        assert torch.equal(batch.target, data.flux[batch.site, days])


def test_epochs_repeat_by_number_and_differ_from_one_another(data: Dataset) -> None:
    def starts(epoch: int, seed: int = 5) -> list[tuple[list[int], int]]:
        return [(b.site.tolist(), int(b.calendar[0, 0, 0])) for b in sampler(data, seed=seed).epoch(epoch)]

    assert starts(3) == starts(3)
    assert starts(3) != starts(4)
    assert starts(3) != starts(3, seed=6)
    assert {year for epoch in range(8) for _, year in starts(epoch)} == {2003, 2004, 2005}


def test_drivers_of_which_none_is_skewed_can_be_scripted(data: Dataset) -> None:
    signature = Signature.from_names(("tas", "rsds"), ("lat",))
    scaling = DriverScaling(Scalers.identity(signature), signature)
    assert torch.equal(torch.jit.script(scaling)(data.drivers[..., :2]), scaling(data.drivers[..., :2]))


def test_ranks_share_every_batch(data: Dataset) -> None:
    whole = [(b.site.tolist(), b.calendar[0, 0].tolist()) for b in sampler(data).epoch(1)]
    shares = [list(sampler(data, rank=r, world_size=2).epoch(1)) for r in range(2)]
    for (sites, start), *parts in zip(whole, *shares, strict=True):
        assert [site for part in parts for site in part.site.tolist()] == sites
        assert all(part.calendar[0, 0].tolist() == start and len(part.site) > 0 for part in parts)
    with pytest.raises(ValueError, match="3 processes share batches of 2 sites"):
        sampler(data, world_size=3)


@pytest.mark.parametrize("number", [1, 3])
def test_an_epoch_draws_each_site_as_often_as_told(data: Dataset, number: int) -> None:
    batches = sampler(data, windows_per_site=number)
    drawn = [site for batch in batches.epoch(0) for site in batch.site.tolist()]
    assert sorted(drawn) == sorted(list(range(7)) * number)
    assert len(list(batches.epoch(0))) == len(batches)
    starts = {int(batch.calendar[0, 0, column.YEAR]) for epoch in range(8) for batch in batches.epoch(epoch)}
    assert starts == {2003, 2004, 2005}, "few windows an epoch, but all years in the end"


def test_training_data_of_consecutive_sites_are_views(data: Dataset) -> None:
    training = training_data(data, MASK)
    assert training.drivers.data_ptr() == data.drivers.data_ptr()
    assert training.flux.data_ptr() == data.flux.data_ptr()
    scattered = MASK.copy()
    scattered[2] = False
    material = training_data(data, scattered)
    assert material.site.tolist() == [0, 1, 3, 4, 5, 6]
    assert torch.equal(material.flux[2], data.flux[3, : material.flux.shape[1]])


def test_sampling_leaves_the_dataset_as_it_is(data: Dataset) -> None:
    uneven = MASK.copy()
    uneven[0, 1] = False
    flux, drivers = data.flux.clone(), data.drivers.clone()
    batches = WindowSampler(data, uneven, years_per_window=4, batch_size=7, seed=0)
    (batch,) = batches.epoch(0)
    unmarked = batch.flux[batch.site == 0, 365:731]
    assert torch.isnan(unmarked).all()
    assert torch.isfinite(batch.flux[batch.site == 1]).all()
    assert torch.equal(data.flux, flux)
    assert torch.equal(data.drivers, drivers)


def test_asinh_is_asinh() -> None:
    x = torch.cat([torch.linspace(-30, 30, 2001), 10.0 ** torch.arange(-12.0, 15.0), torch.tensor([0.0])])
    exact = torch.asinh(x.double())
    assert ((asinh(x).double() - exact).abs() <= 2.5e-7 * exact.abs()).all()
    assert torch.isnan(asinh(torch.tensor([float("nan")]))).all()


def test_a_day_is_scaled_as_a_series_is(data: Dataset) -> None:
    training = training_data(data, MASK)
    scaling = DriverScaling(fit_scalers(training, data.signature), data.signature)
    day = training.drivers[:, 100]
    assert torch.allclose(scaling(day), scaling(training.drivers)[:, 100], rtol=1e-6, atol=1e-6)
    assert torch.equal(training.drivers, data.drivers[:7, : training.drivers.shape[1]]), "the input was changed"
    rebuilt = DriverScaling(Scalers.identity(data.signature), data.signature)
    rebuilt.load_state_dict(scaling.state_dict())
    assert torch.equal(rebuilt(training.drivers), scaling(training.drivers))


def test_a_window_longer_than_the_record_is_the_record(data: Dataset) -> None:
    batch = next(sampler(data, years_per_window=50).epoch(0))
    assert batch.drivers.shape[1] == data.days(2003, 2006).stop


def test_whole_records_show_and_score_what_they_are_told(data: Dataset) -> None:
    seen, scored = data.day_mask(MASK), ~data.day_mask(MASK)
    batches = list(whole_records(data, np.array([8, 2, 4]), 2, visible_flux=seen, scored=scored))
    assert [batch.site.tolist() for batch in batches] == [[8, 2], [4]]
    test_days = data.days(2007, 2008)
    assert torch.isnan(batches[0].flux[0]).all()
    assert torch.isfinite(batches[0].target[0]).all()
    early = slice(0, test_days.start)
    assert torch.isnan(batches[1].flux[0, test_days]).all()
    assert torch.isfinite(batches[1].flux[0, early]).all()
    assert torch.isnan(batches[1].target[0, early]).all()
    blind = next(iter(whole_records(data, np.array([2]), 1)))
    assert torch.isnan(blind.flux).all()
    assert torch.isfinite(blind.target).all()


def test_masks_must_fit_and_mark_something(data: Dataset) -> None:
    with pytest.raises(ValueError, match=r"shape \(2, 6\), expected \(9, 6\)"):
        training_data(data, MASK[:2])
    with pytest.raises(ValueError, match="no site-year is left"):
        training_data(data, np.zeros_like(MASK))
    bare = dataclasses.replace(data, flux=torch.full_like(data.flux, torch.nan))
    with pytest.raises(ValueError, match="have no flux to learn from"):
        WindowSampler(bare, MASK, years_per_window=2, batch_size=3, seed=0)


def test_scalers_do_not_know_test_data(data: Dataset) -> None:
    training_days = data.day_mask(MASK)
    drivers, flux, static = data.drivers.clone(), data.flux.clone(), data.static.clone()
    drivers[~training_days] = drivers[~training_days] * 3 + 1
    flux[~training_days] = 999.0
    static[7:] = 5.0
    changed = dataclasses.replace(data, drivers=drivers, flux=flux, static=static)
    before = fit_scalers(training_data(data, MASK), data.signature)
    after = fit_scalers(training_data(changed, MASK), data.signature)
    for item in dataclasses.fields(Scalers):
        assert torch.equal(getattr(before, item.name), getattr(after, item.name)), item.name


def test_scaled_training_data_is_of_order_one(data: Dataset) -> None:
    training = training_data(data, MASK)
    scalers = fit_scalers(training, data.signature)
    scaled = DriverScaling(scalers, data.signature)(training.drivers).flatten(0, 1)
    assert torch.allclose(scaled.mean(0), torch.zeros(4), atol=1e-3)
    assert torch.allclose(scaled.std(0)[:3], torch.ones(3), atol=1e-3)
    co2 = training.drivers[..., 3]
    assert 0.0 < co2.std() < 100.0, "a trend shorter than the least spread of CO2, or this test says nothing"
    assert scaled.std(0)[3] == pytest.approx(float(co2.std()) / 100.0, rel=1e-3)
    assert scaled[:, 1].max() < 5 < 0.8 * (training.drivers[..., 1] / training.drivers[..., 1].std()).max()
    targets = TargetScaling(scalers)
    standard = targets.standardise(training.flux).flatten(0, 1)
    assert torch.allclose(standard.std(0), torch.ones(5), atol=1e-3)
    fch4 = training.flux[..., 4].abs()
    assert scalers.target_scale[4] == pytest.approx(float(fch4[fch4 > 1e-4 * fch4.max()].median()), rel=1e-6)
    assert torch.allclose(targets.inverse(targets.transform(training.flux)), training.flux, rtol=1e-4, atol=1e-4)


def test_constant_and_missing_variables_do_no_harm(data: Dataset) -> None:
    training = training_data(data, MASK)
    drivers, flux = training.drivers.clone(), training.flux.clone()
    drivers[..., 3] = 400.0
    flux[..., 4] = torch.nan
    flux[..., 1] = 0.0
    scalers = fit_scalers(dataclasses.replace(training, drivers=drivers, flux=flux), data.signature)
    assert DriverScaling(scalers, data.signature)(drivers)[..., 3].abs().max() < 1e-3
    assert scalers.target_scale[[1, 4]].tolist() == [1.0, 1.0]
    assert all(torch.isfinite(getattr(scalers, item.name)).all() for item in dataclasses.fields(Scalers))
