"""The comparison with neuralhydrology as far as it goes without it: data in its format, and scoring."""

import argparse
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import torch

from benchmarks import outside
from benchmarks.crosscheck import bench as benches
from benchmarks.crosscheck import speed, theirs
from tests.emulator.synthetic import write_dataset


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> benches.Bench:
    """14 sites, 2001 to 2009, of which two are trained on."""
    folder: Path = tmp_path_factory.mktemp("outside")
    path = write_dataset(folder / "dataset.nc", sites=14, years=9, first_year=2001, seed=2)
    options = outside._parser().parse_args(["--ensemble", str(path), "--work", str(folder / "work"), "--sites", "7"])
    return benches.open_bench(argparse.Namespace(**{**vars(options), "test_sites": 3}))


def test_their_files_hold_our_inputs_and_the_transformed_target(bench):
    dynamic, attributes = theirs.write_their_data(bench)
    data, dataset = bench.work / "data", bench.dataset
    row = int(np.flatnonzero(bench.split.test_sites)[0])

    with netCDF4.Dataset(data / "time_series" / f"{dataset.site_id[row]}.nc") as file:
        assert set(file.variables) == {"date", *dynamic, "fch4"}
        assert file["date"].units == "days since 2001-01-01" and len(file["date"]) == dataset.drivers.shape[1]
        back = float(bench.scalers.target_scale[0]) * np.sinh(file["fch4"][:])
        np.testing.assert_allclose(back, dataset.flux[row, :, 0], rtol=1e-4, atol=1e-5)
        correlation = np.corrcoef(file["tas"][:], dataset.drivers[row, :, 0])[0, 1]
        assert correlation > 0.99999
    table = (data / "attributes" / "attributes.csv").read_text().splitlines()
    assert table[0].split(",") == ["site", *attributes] and len(table) == 1 + dataset.n_sites
    trained = (data / "basins" / "train.txt").read_text().split()
    assert trained == [str(site) for site in dataset.site_id[bench.split.train_sites]]


def test_scores_are_of_the_test_days_only(bench):
    flux = bench.dataset.flux[..., 0].numpy().astype(float)
    predicted = flux + 2.0
    untested = ~bench.dataset.day_mask(bench.split.mask("temporal") | bench.split.mask("spatiotemporal")).numpy()
    early = bench.dataset.calendar[:, 0].numpy() < 2003
    predicted[bench.split.train_sites[:, None] & untested] = 1e9
    predicted[:, early] = np.nan

    found = benches.scores(bench, predicted)

    assert set(found) == {"temporal", "spatial", "spatiotemporal"}
    for part in found.values():
        assert part["rmse"] == pytest.approx(2.0) and part["bias"] == pytest.approx(2.0)


def test_all_trainings_run_through_as_many_site_years_in_an_update():
    for training in theirs.THEIRS.values():
        assert training.batch * training.days == benches.BATCH_YEARS * benches.YEAR


def test_every_registered_model_is_timed(bench):
    torch.manual_seed(0)
    found = speed.prediction_speed(bench, sites=1, repeats=1)

    assert {"lstm", "cham_net", "raci"} <= set(found)
    assert found["lstm"]["over_lstm"] == 1.0 and all(part["ms_per_site_year"] > 0.0 for part in found.values())
