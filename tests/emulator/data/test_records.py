"""Records as they are: periods of their own, gaps of flux, filled days; windows, scalers and batches of them."""

import dataclasses
import itertools
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import torch

from emulator.configuration.schema import Config
from emulator.data import calendar as column
from emulator.data.calendar import record_years
from emulator.data.dataset import Dataset
from emulator.data.dataset_file import DatasetError
from emulator.data.reading import _deviation_factor
from emulator.data.scalers import Scalers, fit_scalers, fit_scalers_to
from emulator.data.signature import Signature
from emulator.data.windows import TrainingSites, WindowSampler, training_data, whole_records
from emulator.evaluation.offline import predict, predict_self_fed
from emulator.models import registry
from emulator.models.kinds.cham_net import ChamNetConfig
from emulator.models.kinds.lstm import LSTMConfig
from emulator.models.kinds.raci import RaciConfig
from emulator.models.kinds.unified import UnifiedConfig
from emulator.training.mixed_days import training_outputs
from tests.emulator.records import PERIODS, write_records

SIGNATURE = Signature.from_names(("tas", "pr", "rsds"), ("lat", "lon", "ph"), ("gpp", "fch4"))
CONFIGS = (
    LSTMConfig(hidden=4, past_flux="ungauged", ungauged_share=0.0, dropout=0.0),
    ChamNetConfig(hidden=4, dropout=0.0, ungauged_share=0.0, missing_year_share=0.0),
    RaciConfig(hidden=4, regime_size=4, dropout=0.0),
    UnifiedConfig(hidden=4, dropout=0.0, ungauged_share=0.0, missing_year_share=0.0),
)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_records(tmp_path_factory.mktemp("records") / "towers.nc")


@pytest.fixture(scope="module")
def data(path: Path) -> Dataset:
    return Dataset.open(path, SIGNATURE)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def everything(data: Dataset) -> np.ndarray:
    return np.ones((data.n_sites, len(data.time)), bool)


def model_of(config, data: Dataset):
    torch.manual_seed(0)
    model = registry.build(config, SIGNATURE, fit_scalers(training_data(data, everything(data)), SIGNATURE))
    rows = torch.arange(data.n_sites)
    model.enrol(TrainingSites(data.static, rows, rows))
    model.prepare()
    return model.eval()


def test_a_period_is_where_a_site_has_drivers(data: Dataset) -> None:
    assert data.period.tolist() == [list(period) for period in PERIODS]
    assert torch.equal(torch.isfinite(data.drivers).all(-1), data.in_record())
    assert not torch.isfinite(data.drivers).any(-1)[~data.in_record()].any()
    assert not torch.isfinite(data.flux).any(-1)[~data.in_record()].any()
    assert data.years.tolist() == [2004], "the only whole year of the time axis"


def test_a_gap_of_drivers_within_a_period_is_refused_by_site_and_day(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "gap.nc"
    other.write_bytes(path.read_bytes())
    with netCDF4.Dataset(other, "a") as file:
        file["pr"][1, 200:203] = np.ma.masked
    record = r"record of the site, 2003-05-12 to 2005-05-11.*site S0001, 2003-07-21; 3 such"
    with pytest.raises(DatasetError, match=f"gap.nc: pr: is NaN or fill within the {record}"):
        Dataset.open(other, SIGNATURE)
    with netCDF4.Dataset(other, "a") as file:
        for name in ("tas", "pr", "rsds"):
            file[name][1] = np.ma.masked
    with pytest.raises(DatasetError, match=r"gap.nc: site S0001 has no drivers on any day"):
        Dataset.open(other, SIGNATURE)


def test_flux_without_drivers_is_left_out_and_the_log_says_so(path: Path, tmp_path: Path, caplog) -> None:
    other = tmp_path / "flux.nc"
    other.write_bytes(path.read_bytes())
    with netCDF4.Dataset(other, "a") as file:
        file["gpp"][3, 400:407] = 1e-8
    data = Dataset.open(other, SIGNATURE)
    assert torch.isnan(data.flux[3, 364:]).all()
    assert "flux.nc: 7 values of flux are on days without drivers" in caplog.text


def test_filled_days_are_not_scored(data: Dataset, path: Path) -> None:
    lost = torch.isfinite(data.flux) & ~torch.isfinite(data.scored_flux())
    gpp, fch4 = lost[..., 0], lost[..., 1]
    assert set(torch.nonzero(gpp)[:, 1].tolist()) <= set(range(40, 50))
    assert set(torch.nonzero(fch4)[:, 1].tolist()) <= {*range(40, 50), *range(60, 70)}
    assert gpp.sum() > 3
    assert fch4.sum() > 6
    assert not lost[1:].any()
    (first, *_) = whole_records(data, np.array([0]), 1)
    assert torch.isnan(first.target[0, 40:50]).all()
    plain = dataclasses.replace(data, measured=None)
    assert plain.scored_flux() is plain.flux
    assert plain.content_hash() != data.content_hash()


def test_a_driver_of_time_alone_is_that_of_all_sites(data: Dataset, path: Path, tmp_path: Path) -> None:
    shared = tmp_path / "shared.nc"
    shared.write_bytes(path.read_bytes())
    with netCDF4.Dataset(shared, "a") as file:
        file.renameVariable("tas", "tas_of_sites")
        tas = file.createVariable("tas", "f4", ("time",))
        tas.units, tas.role = "degC", "fast"
        tas[:] = np.linspace(-10.0, 10.0, len(file.dimensions["time"]))
    read = Dataset.open(shared, data.signature)
    place = data.signature.input_names.index("tas")
    assert np.array_equal(read.period, data.period), "it does not lengthen records"
    inside = read.in_record()
    assert not torch.isfinite(read.drivers[~inside]).any()
    assert torch.allclose(
        read.drivers[1, 130:860, place], torch.linspace(263.15, 283.15, len(read.time))[130:860], atol=1e-2
    )
    others = [other for other in range(len(data.signature.inputs)) if other != place]
    assert torch.equal(read.drivers[inside][:, others], data.drivers[inside][:, others])


def test_filled_flux_is_left_out_where_it_is_not_to_be_learned_from(data: Dataset, path: Path) -> None:
    """By the mark of the flux itself: a day whose drivers were filled has a measured flux."""
    measured = Dataset.open(path, data.signature, filled_flux=False)
    gone = torch.isfinite(data.flux) & ~torch.isfinite(measured.flux)
    assert set(torch.nonzero(gone[..., 1])[:, 1].tolist()) <= set(range(60, 70)) and gone[..., 1].sum() > 3
    assert not gone[..., 0].any() and not gone[1:].any()
    data_section = {"data": {"path": str(path)}, "model": {"kind": "lstm"}}
    assert not Config.model_validate(data_section).reads_filled_flux
    assert Config.model_validate(data_section | {"evaluation": {"score_filled": True}}).reads_filled_flux
    data_section["data"] |= {"filled_flux": "use"}
    assert Config.model_validate(data_section).reads_filled_flux


def test_parts_of_a_dataset_keep_their_periods(data: Dataset) -> None:
    part = data.site_subset(np.array([1, 4])).day_subset(slice(100, 800))
    assert part.period.tolist() == [[30, 699], [625, 699]]
    assert torch.equal(torch.isfinite(part.drivers).all(-1), part.in_record())
    assert part.measured.shape == part.flux.shape


def test_years_of_a_record_leave_no_day_out(data: Dataset) -> None:
    for first, last in (*PERIODS, (0, 3), (360, 370), (0, 200)):
        years = record_years(data.calendar, first, last)
        assert years[0][0] == first
        assert years[-1][1] == last + 1
        assert all(stop == start for (_, stop), (start, _) in itertools.pairwise(years))
        assert len(years) == 1 or all(stop - start >= 183 for start, stop in years)
    assert [stop - start for start, stop in record_years(data.calendar, 130, 860)] == [234, 497]


def test_scalers_know_days_of_records_only(data: Dataset) -> None:
    scalers = fit_scalers(training_data(data, everything(data)), SIGNATURE)
    tas = data.drivers[..., 0]
    seen = tas[torch.isfinite(tas)]
    assert scalers.driver_mean[0] == pytest.approx(float(seen.double().mean()), rel=1e-6)
    assert scalers.driver_min[0] == seen.min()
    assert all(torch.isfinite(getattr(scalers, item.name)).all() for item in dataclasses.fields(Scalers))


def test_windows_lie_within_records_where_there_is_flux(data: Dataset) -> None:
    bare = data.flux.clone()
    bare[0, :364] = torch.nan
    data = dataclasses.replace(data, flux=bare)
    sampler = WindowSampler(data, everything(data), years_per_window=1, batch_size=3, seed=2)
    batches = [batch for epoch in range(6) for batch in sampler.epoch(epoch)]
    assert len(batches) == 6 * len(sampler)
    starts = {}
    for batch in batches:
        lengths = [batch.target.shape[1]] * len(batch.site) if batch.length is None else batch.length.tolist()
        for row, (site, length) in enumerate(zip(batch.site.tolist(), lengths, strict=True)):
            assert torch.isfinite(batch.target[row, :length]).any()
            assert torch.isnan(batch.target[row, length:]).all()
            assert torch.isfinite(batch.drivers[row, :length]).all()
            starts.setdefault(site, set()).add(tuple(batch.calendar[row, 0, : column.DAY + 1].tolist()))
    assert starts[0] == {(2004, 1, 1), (2005, 1, 1)}, "2003 has no flux"
    assert starts[1] == {(2003, 5, 12), (2004, 1, 1)}
    assert starts[3] == {(2003, 1, 2)}
    assert starts[4] == {(2004, 12, 27)}, "five days of December go with 2005"
    again = list(sampler.epoch(3))
    assert all(
        torch.equal(a.drivers, b.drivers) and a.site.tolist() == b.site.tolist()
        for a, b in zip(again, sampler.epoch(3), strict=True)
    )


def test_processes_share_mixed_batches(data: Dataset) -> None:
    options = {"years_per_window": 1, "batch_size": 4, "seed": 2}
    whole = list(WindowSampler(data, everything(data), **options).epoch(0))
    shares = [list(WindowSampler(data, everything(data), **options, rank=r, world_size=2).epoch(0)) for r in range(2)]
    assert any(batch.length is not None for batch in whole)
    for batch, *parts in zip(whole, *shares, strict=True):
        assert torch.equal(torch.cat([part.drivers for part in parts]), batch.drivers)
        assert [part.length is None for part in parts] == [batch.length is None] * 2


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.kind)
def test_a_mixed_batch_gives_each_site_what_it_has_alone(data: Dataset, config) -> None:
    model = model_of(config, data)
    sampler = WindowSampler(data, everything(data), years_per_window=2, batch_size=6, seed=1)
    batch = next(batch for batch in sampler.epoch(0) if batch.length is not None)
    prediction = training_outputs(model, batch).prediction
    assert prediction.shape == batch.target.shape
    for row, length in enumerate(batch.length.tolist()):
        site = slice(row, row + 1)
        alone = dataclasses.replace(
            batch,
            **{name: getattr(batch, name)[site, :length] for name in ("drivers", "calendar", "flux", "target")},
            static=batch.static[site], site=batch.site[site], length=None,
        )  # fmt: skip
        expected = model.training_outputs(alone).prediction[0]
        assert torch.allclose(prediction[row, :length], expected, rtol=1e-4, atol=1e-5)
        assert (prediction[row, length:] == 0).all()


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.kind)
def test_predictions_of_a_record_are_those_of_the_site_alone(data: Dataset, config) -> None:
    model = model_of(config, data)
    seen = torch.ones(data.in_record().shape, dtype=torch.bool)
    together = predict(model, data, seen)
    fed = predict_self_fed(model, data) if config.kind == "lstm" else None
    assert np.array_equal(np.isfinite(together).all(-1), data.in_record().numpy())
    for site, (first, last) in list(enumerate(PERIODS))[1:5]:
        alone = data.site_subset(np.array([site])).day_subset(slice(first, last + 1))
        assert np.allclose(
            predict(model, alone, seen[:1, first : last + 1])[0], together[site, first : last + 1], atol=1e-5
        )
        if fed is not None:
            assert np.allclose(predict_self_fed(model, alone)[0], fed[site, first : last + 1], atol=1e-5)


def test_days_outside_records_move_nothing(data: Dataset) -> None:
    drivers = data.drivers.clone()
    drivers[~data.in_record()] = 1e4
    spoiled = dataclasses.replace(data, drivers=drivers)
    for config in CONFIGS[1:3]:
        first, second = model_of(config, data), model_of(config, spoiled)
        for name, value in first.state_dict().items():
            assert torch.equal(value, second.state_dict()[name]), name


def test_a_noleap_record(tmp_path: Path) -> None:
    data = Dataset.open(write_records(tmp_path / "noleap.nc", calendar="noleap"), SIGNATURE)
    sampler = WindowSampler(data, everything(data), years_per_window=1, batch_size=6, seed=0)
    assert {batch.target.shape[1] for batch in sampler.epoch(0)} <= set(range(300, 500))
    model = model_of(CONFIGS[1], data)
    assert np.array_equal(np.isfinite(predict(model, data)).all(-1), data.in_record().numpy())


def test_scalers_see_drivers_and_flux_of_training_days_alone(data: Dataset) -> None:
    """Days within the training days of a site that a split leaves to another part."""
    marked = data.in_record()
    marked[0, 300:500] = False
    drivers, flux = data.drivers.clone(), data.flux.clone()
    drivers[0, 300:500] += 1e4
    flux[0, 300:500] += 1e4
    spoilt = dataclasses.replace(data, drivers=drivers, flux=flux)
    expected, seen = (vars(fit_scalers_to(dataset, marked, SIGNATURE)) for dataset in (data, spoilt))
    assert all(torch.equal(seen[name], expected[name]) for name in expected)


@pytest.mark.parametrize(
    ("units", "factor"), [("g CO2 m-2 day-1", 12.011 / 44.009), ("umol m-2 s-1", 86400e-6 * 12.011)]
)
def test_a_standard_deviation_is_of_what_its_target_is(tmp_path: Path, units: str, factor: float) -> None:
    gpp = Signature.from_names(("tas",), ("lat",), ("gpp",)).targets[0]
    with netCDF4.Dataset(tmp_path / "sd.nc", "w", diskless=True) as file:
        file.createDimension("site", 1)
        file.createDimension("time", 1)
        for name in ("gpp", "gpp_sd"):
            file.createVariable(name, "f4", ("site", "time")).units = units
        assert _deviation_factor(file, tmp_path, gpp) == pytest.approx(factor, rel=1e-4)
