"""Evaluation: contents of metrics.json and predictions.nc, and that they are computed from what they should be."""

import dataclasses
import json
import shutil

import netCDF4
import numpy as np
import pytest
import torch

from emulator import evaluate
from emulator.configuration.schema import Config
from emulator.data import calendar as column
from emulator.data.dataset import Dataset
from emulator.data.split_days import LABELS
from emulator.evaluation import held_out, metrics
from emulator.evaluation import offline as prediction
from emulator.runs import trained_model
from emulator.runs.run_folder import RunFolder
from foundations import configuration_file

KINDS = ("lstm", "cham_net", "raci")
SKILL = {"rmse", "nrmse", "nrmse_sd", "r2", "bias", "kge", "n"}


@pytest.fixture(scope="module")
def evaluated(trained_run):
    """Run folder of a kind, evaluated on first use."""
    done = {}

    def run(kind):
        if kind not in done:
            assert evaluate.main([str(trained_run(kind))]) == 0
            done[kind] = trained_run(kind)
        return done[kind]

    return run


def table(run):
    return json.loads((run / "evaluation" / "metrics.json").read_text())


@pytest.mark.parametrize("kind", KINDS)
def test_metrics_file_has_the_promised_form(kind, evaluated):
    skill = table(evaluated(kind))
    assert skill["kind"] == kind
    assert skill["parameters"] > 100
    assert set(skill["splits"]) == {"temporal", "spatial", "spatiotemporal"}
    for name, part in skill["splits"].items():
        assert list(part["targets"]) == ["gpp", "ra", "rh", "nee", "fch4"]
        assert part["years"] == ([2003, 2004, 2005] if name == "spatial" else [2006])
        for target in part["targets"].values():
            assert set(target["pooled"]) == set(target["median_site"]) == set(target["climatology"]["pooled"]) == SKILL
            assert ("site_climatology" in target) == (name == "temporal")
            assert target["pooled"]["n"] == part["n_sites"] * (365 if name != "spatial" else 1096)
            assert target["pooled"]["n"] == sum(entry["n"] for entry in target["by_biome"].values())
            assert target["pooled"]["n"] == sum(entry["n"] for entry in target["by_season"].values())
        assert part["targets"]["fch4"]["units"] == "mg m-2 day-1"


def test_mode_of_past_flux_is_stated(evaluated):
    lstm, cham = table(evaluated("lstm")), table(evaluated("cham_net"))
    assert {part["mode"] for part in lstm["splits"].values()} == {"no past flux"}
    assert lstm["other_modes"] == {}
    assert {name: part["mode"] for name, part in cham["splits"].items()} == {
        "temporal": "gauged",
        "spatial": "ungauged",
        "spatiotemporal": "ungauged",
    }
    assert set(cham["other_modes"]) == {"temporal_ungauged", "spatial_gauged", "spatiotemporal_gauged"}


def test_prediction_file_gives_the_same_metrics(evaluated, tiny_dataset):
    run = evaluated("cham_net")
    with netCDF4.Dataset(run / "evaluation" / "predictions.nc") as file, netCDF4.Dataset(tiny_dataset) as truth:
        meanings = file["split"].flag_meanings.split()
        part = file["split"][:] == meanings.index("temporal")
        observed, predicted = file["fch4"][:], file["fch4_pred"][:]
        assert file["fch4"].units == "mg m-2 day-1"
        assert file["fch4_pred"].dimensions == ("site", "time")
        assert np.allclose(observed, truth["fch4"][:] * 86400e6, rtol=1e-5)
        assert np.array_equal(file["site_id"][:], truth["site_id"][:])
        nee = file["ra_pred"][:] + file["rh_pred"][:] - file["gpp_pred"][:]
        assert np.allclose(file["nee_pred"][:], nee, atol=1e-5)
        skill = metrics.pooled(np.where(part, observed, np.nan), predicted)
    expected = table(run)["splits"]["temporal"]["targets"]["fch4"]["pooled"]
    assert skill == pytest.approx(expected, rel=1e-5)


def test_split_labels_cover_the_parts(evaluated, tiny_dataset):
    run = evaluated("lstm")
    config = configuration_file.load(Config, run / "config.yaml")
    dataset = Dataset.open(tiny_dataset, config.data.signature())
    split = config.split.build(dataset.lat, dataset.lon, dataset.years)
    with netCDF4.Dataset(run / "evaluation" / "predictions.nc") as file:
        labels = np.array(file["split"].flag_meanings.split())[file["split"][:]]
    last_year = dataset.calendar[:, column.YEAR].numpy() == 2006
    assert (labels[split.test_sites][:, last_year] == "spatiotemporal").all()
    assert (labels[split.test_sites][:, ~last_year] == "spatial").all()
    assert (labels[split.train_sites][:, last_year] == "temporal").all()
    assert set(np.unique(labels[split.train_sites][:, ~last_year])) == {"train", "validation_temporal"}


@pytest.mark.parametrize("kind", KINDS)
def test_evaluation_is_deterministic(kind, evaluated, tmp_path):
    run = evaluated(kind)
    copy = tmp_path / "run"
    shutil.copytree(run, copy, ignore=shutil.ignore_patterns("evaluation"))
    held_out.evaluate(RunFolder(copy))
    assert table(copy) == table(run)


def test_predictions_of_a_held_out_year_do_not_see_its_flux(evaluated, tiny_dataset, tmp_path):
    """The gauged temporal test may see measured flux of earlier years only."""
    from tests.emulator.predicting import predictions

    run = RunFolder(evaluated("cham_net"))
    spoiled = tmp_path / "dataset.nc"
    spoiled.write_bytes(tiny_dataset.read_bytes())
    with netCDF4.Dataset(spoiled, "r+") as file:
        for name in ("gpp", "ra", "rh", "nee", "fch4"):
            file[name][:, 1096:] = 9e-7  # 2006, far from the truth and possible
            file[name][:, 366 : 366 + 365] = 1e-9  # almost all of 2004
    before = predictions(run, tiny_dataset, tmp_path / "a.nc", past_flux="observed")
    after = predictions(run, spoiled, tmp_path / "b.nc", past_flux="observed")
    assert np.array_equal(before[:, :731], after[:, :731])
    assert np.abs(before[:, 1096:] - after[:, 1096:]).max() > 1e-4, "2004 is history of 2006"
    with netCDF4.Dataset(spoiled, "r+") as file, netCDF4.Dataset(tiny_dataset) as truth:
        for name in ("gpp", "ra", "rh", "nee", "fch4"):
            file[name][:, :1096] = truth[name][:, :1096]
    after = predictions(run, spoiled, tmp_path / "b.nc", past_flux="observed")
    assert np.array_equal(before, after)


def test_another_dataset_is_scored_but_for_days_learned_from(trained_run, tiny_dataset, tmp_path, caplog):
    other = tmp_path / "other.nc"
    other.write_bytes(tiny_dataset.read_bytes())
    with netCDF4.Dataset(other, "r+") as file:
        file["tas"][0, 0] += 1.0
        file["site_id"][8] = "elsewhere"
    run = RunFolder(trained_run("lstm"))
    caplog.set_level("INFO")
    assert evaluate.main([str(run.path)]) == 0
    own = run.metrics.read_bytes()
    assert evaluate.main([str(run.path), "--data", str(other)]) == 0
    assert run.metrics.read_bytes() == own, "the evaluation on the run's own dataset stays"
    tables = json.loads((run.metrics.parent / "other" / "metrics.json").read_text())["splits"]
    split = [line.split(",") for line in run.split.read_text().splitlines()[1:]]
    trained = {site for site, _, _, part, *_ in split if part == "train"}
    assert tables["temporal"]["n_sites"] == len(trained - {"S0008"})
    assert tables["temporal"]["years"] == [2006], "at sites that trained, other years were learned from"
    assert "S0008" in trained
    held_out = {site for site, _, _, part, *_ in split if part != "train"} - trained
    assert tables["spatial"]["n_sites"] == len(held_out) + 1, "a site of another name is a new site"
    assert tables["temporal"]["targets"]["gpp"]["climatology"]["pooled"]["r2"] is not None
    assert tables["temporal"]["targets"]["gpp"]["uncertainty"]["n"] > 0
    assert (run.metrics.parent / "other" / "predictions.nc").exists()


def test_a_moved_dataset_is_accepted(trained_run, tiny_dataset, tmp_path):
    moved = tmp_path / "elsewhere.nc"
    moved.write_bytes(tiny_dataset.read_bytes())
    assert evaluate.main([str(trained_run("lstm")), "--data", str(moved)]) == 0


def test_a_folder_that_is_no_run(tmp_path, caplog):
    assert evaluate.main([str(tmp_path)]) == 1
    assert "train first: python -m emulator.train" in caplog.text


def test_a_prediction_that_is_no_number_is_an_error_and_not_left_out(trained_run, tiny_dataset, tmp_path):
    trained = trained_model.load(RunFolder(trained_run("lstm")))
    dataset = Dataset.open(tiny_dataset, trained.signature)
    drivers = dataset.drivers.clone()
    drivers[2, 40, 0] = torch.nan
    message = rf"predicts nan for gpp at site {dataset.site_id[2]} on 2003-02-10, and \d+ more"
    with pytest.raises(prediction.PredictionError, match=message):
        prediction.predict(trained.model, dataclasses.replace(dataset, drivers=drivers))


@pytest.mark.parametrize("kind", KINDS)
def test_uncertainty_is_scored_and_written(kind, evaluated):
    skill = table(evaluated(kind))
    parts = skill["splits"] | skill["other_modes"]
    assert any("no intervals at new sites" in line for line in skill["missing"]), "two validation sites are too few"
    assert all(of["uncertainty"]["n"] == 0 for of in parts["spatial"]["targets"].values())
    for part in (table for name, table in parts.items() if name.startswith("temporal")):
        for target in part["targets"].values():
            scores = target["uncertainty"]
            assert scores["annual"]["n"] == part["n_sites"]
            assert 0 <= scores["annual"]["coverage90"] <= 1
            assert scores["n"] == target["pooled"]["n"]
            assert 0 <= scores["coverage90"] <= 1
            assert scores["crps"] > 0
            assert scores["width90"] > 0
            assert len(scores["below"]) == len(scores["levels"]) == len(scores["pit"]) - 1
            assert set(scores["spread_skill"]) == {"spread", "error", "slope", "ratio"}
    with netCDF4.Dataset(evaluated(kind) / "evaluation" / "predictions.nc") as file:
        low, high = file["fch4_q05"][:].filled(), file["fch4_q95"][:].filled()
        observed, code = file["fch4"][:].filled(), file["split"][:]
        temporal = code == list(LABELS).index("temporal")
        covered = ((observed >= low) & (observed <= high))[temporal].mean()
    assert covered == pytest.approx(
        skill["splits"]["temporal"]["targets"]["fch4"]["uncertainty"]["coverage90"], abs=1e-3
    )
