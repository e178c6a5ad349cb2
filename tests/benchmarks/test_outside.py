"""The comparison with neuralhydrology as far as it goes without it: data in its format, and scoring."""

import argparse
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import torch

from benchmarks import outside
from benchmarks.crosscheck import speed, theirs
from benchmarks.crosscheck.experiment import BATCH_YEARS, YEAR, CrossCheck, open_crosscheck, scores
from emulator.data import calendar as column
from tests.emulator.synthetic import write_dataset


@pytest.fixture(scope="module")
def crosscheck(tmp_path_factory: pytest.TempPathFactory) -> CrossCheck:
    """14 sites, 2001 to 2009, of which two are trained on."""
    folder: Path = tmp_path_factory.mktemp("outside")
    path = write_dataset(folder / "dataset.nc", sites=14, years=9, first_year=2001, seed=2)
    options = outside.make_parser().parse_args(
        ["--ensemble", str(path), "--work", str(folder / "work"), "--sites", "7"]
    )
    return open_crosscheck(argparse.Namespace(**{**vars(options), "test_sites": 3}))


def test_their_files_hold_our_inputs_and_the_transformed_target(crosscheck: CrossCheck) -> None:
    dynamic, attributes = theirs.write_their_data(crosscheck)
    data, dataset = crosscheck.work / "data", crosscheck.dataset
    row = int(np.flatnonzero(crosscheck.split.test_sites)[0])

    with netCDF4.Dataset(data / "time_series" / f"{dataset.site_id[row]}.nc") as file:
        assert set(file.variables) == {"date", *dynamic, "fch4"}
        assert file["date"].units == "days since 2001-01-01"
        assert len(file["date"]) == dataset.drivers.shape[1]
        back = float(crosscheck.scalers.target_scale[0]) * np.sinh(file["fch4"][:])
        np.testing.assert_allclose(back, dataset.flux[row, :, 0], rtol=1e-4, atol=1e-5)
        correlation = np.corrcoef(file["tas"][:], dataset.drivers[row, :, 0])[0, 1]
        assert correlation > 0.99999
    table = (data / "attributes" / "attributes.csv").read_text().splitlines()
    header, *rows = table
    assert header.split(",") == ["site", *attributes]
    assert len(rows) == dataset.n_sites
    trained = (data / "basins" / "train.txt").read_text().split()
    assert trained == [str(site) for site in dataset.site_id[crosscheck.split.train_sites]]


def test_scores_are_of_the_test_days_only(crosscheck: CrossCheck) -> None:
    flux = crosscheck.dataset.flux[..., 0].numpy().astype(float)
    predicted = flux + 2.0
    untested = ~crosscheck.dataset.day_mask(
        crosscheck.split.mask("temporal") | crosscheck.split.mask("spatiotemporal")
    ).numpy()
    early = crosscheck.dataset.calendar[:, column.YEAR].numpy() < 2003
    predicted[crosscheck.split.train_sites[:, None] & untested] = 1e9
    predicted[:, early] = np.nan

    skill = scores(crosscheck, predicted)

    assert set(skill) == {"temporal", "spatial", "spatiotemporal"}
    for part in skill.values():
        assert part["rmse"] == pytest.approx(2.0)
        assert part["bias"] == pytest.approx(2.0)


def test_all_trainings_run_through_as_many_site_years_in_an_update() -> None:
    for training in theirs.THEIRS.values():
        assert training.batch * training.days == BATCH_YEARS * YEAR


def test_every_registered_model_is_timed(crosscheck: CrossCheck) -> None:
    torch.manual_seed(0)
    speeds = speed.prediction_speed(crosscheck, sites=1, repeats=1)

    assert {"lstm", "cham_net", "raci"} <= set(speeds)
    assert speeds["lstm"]["over_lstm"] == 1.0
    assert all(speed_of_kind["ms_per_site_year"] > 0.0 for speed_of_kind in speeds.values())
