"""Ensembles: the mean of members that streams as they do, with quantiles, from run folders to the artefact."""

import csv
import io
import json

import netCDF4
import numpy as np
import pytest
import torch

from emulator import ensemble, evaluate, export, predict, train
from emulator.artefact import exporting
from emulator.artefact import metadata as artefact
from emulator.data.dataset import Dataset
from emulator.data.signature import Signature
from emulator.evaluation.quantile_series import predict_quantiles
from emulator.evaluation.views import run_model
from emulator.models.streaming import step_through
from emulator.models.wrappers.ensemble import Ensemble, combine
from emulator.models.wrappers.quantiles import LEVELS
from emulator.runs import quantile_file, trained_model
from emulator.runs.run_folder import RunFolder

INPUTS = ("tas", "pr", "rsds", "vpd", "co2", "tsl", "wtd", "lai")
STATICS = ("lat", "lon", "elevation", "ph", "biome")
SITES = np.array([0, 7, 15])


@pytest.fixture(scope="module")
def dataset(tiny_dataset):
    return Dataset.open(tiny_dataset, Signature.from_names(INPUTS, STATICS))


@pytest.fixture(scope="module")
def members(tiny_config, tmp_path_factory):
    """Two runs of two kinds."""
    runs = []
    for seed, kind in ((1, "lstm"), (2, "gru")):
        out = tmp_path_factory.mktemp("members") / kind
        options = ["--set", f"model.kind={kind}", "--set", f"seed={seed}", "--set", "training.epochs=1"]
        assert train.main([str(tiny_config), "--out", str(out), *options]) == 0
        runs.append(out)
    return runs


@pytest.fixture(scope="module")
def combined(members, tmp_path_factory):
    """The folder of the ensemble, evaluated."""
    out = tmp_path_factory.mktemp("ensemble") / "run"
    assert ensemble.main([*map(str, members), "--out", str(out)]) == 0
    assert evaluate.main([str(out)]) == 0
    return out


def test_the_ensemble_predicts_the_mean_and_closes_the_carbon_balance(members, combined, dataset, tiny_dataset):
    view = run_model(trained_model.load(combined).model, dataset)
    each = [run_model(trained_model.load(run).model, dataset).predicted for run in members]
    assert view.predicted == pytest.approx(np.mean(each, axis=0), rel=1e-4, abs=1e-5)
    assert np.array_equal(view.members, np.stack(each))
    gpp, ra, rh, nee = (view.predicted[..., index] for index in range(4))
    assert np.array_equal(nee, ra + rh - gpp)
    with netCDF4.Dataset(combined / "evaluation" / "predictions.nc") as file:
        assert file["fch4_pred"][:].filled() == pytest.approx(view.predicted[..., 4])


def test_the_artefact_steps_as_predict_and_gives_the_quantiles(combined, dataset, tmp_path):
    out = tmp_path / "ensemble.pt"
    assert export.main([str(combined), "--out", str(out)]) == 0
    metadata = artefact.read_artefact(out).metadata
    assert metadata.members == 2
    assert metadata.quantiles == LEVELS
    module, view = exporting.load_module(out), run_model(trained_model.load(combined).model, dataset)
    state = module.init_state(dataset.static[SITES])
    assert state.shape[1] == metadata.state_size
    with torch.no_grad():
        fluxes, state = step_through(module, dataset.drivers[SITES, :500], dataset.calendar[:500], state)
    spread = dataset.flux.numpy().std(axis=(0, 1))
    assert (np.abs(fluxes.numpy() - view.predicted[SITES, :500]).max((0, 1)) <= 1e-5 * spread).all()
    days = np.zeros(view.predicted.shape[:2], bool)
    days[SITES, 499] = True
    trained = trained_model.load(combined)
    fitted = quantile_file.load(RunFolder(combined), trained.signature, trained.epoch, trained.model)
    trained_on = np.array([False] * 8 + [True] * 8)
    expected = predict_quantiles(fitted, view, dataset, trained_on, days)
    quantiles = module.quantiles(
        fluxes[:, -1],
        dataset.calendar[499],
        dataset.static[SITES],
        torch.zeros(3),
        torch.from_numpy(trained_on[SITES]),
        state,
    )
    assert quantiles.detach().numpy() == pytest.approx(expected, rel=1e-3, abs=1e-4, nan_ok=True)
    assert np.isfinite(expected[trained_on[SITES]]).all()
    assert np.isnan(expected[~trained_on[SITES]]).all(), "two validation sites are too few for intervals at new sites"


@pytest.mark.slow
def test_one_evaluated_run_exports_quantiles_and_keeps_its_state(members, dataset, tmp_path):
    run = members[0]
    assert evaluate.main([str(run)]) == 0
    assert export.main([str(run), "--out", str(tmp_path / "one.pt")]) == 0
    module, alone = exporting.load_module(tmp_path / "one.pt"), trained_model.load(run).model
    start = alone.init_state(dataset.static[SITES])
    assert torch.equal(module.init_state(dataset.static[SITES]), start)
    with torch.no_grad():
        expected, _ = step_through(alone, dataset.drivers[SITES, :50], dataset.calendar[:50], start)
        fluxes, state = step_through(module, dataset.drivers[SITES, :50], dataset.calendar[:50], start)
    assert torch.equal(fluxes, expected)
    quantiles = module.quantiles(
        fluxes[:, -1], dataset.calendar[49], dataset.static[SITES], torch.zeros(3), torch.ones(3).bool(), state
    )
    assert quantiles.shape == (3, 5, len(LEVELS))
    assert (quantiles.diff(dim=2) >= 0).all()
    assert quantiles[:, :3].min() >= 0


def test_several_runs_export_without_an_ensemble_folder(members, tmp_path):
    out = tmp_path / "mean.pt"
    assert export.main([*map(str, members), "--out", str(out)]) == 0
    metadata = artefact.read_artefact(out).metadata
    assert metadata.members == 2
    assert metadata.quantiles is None
    with pytest.raises(torch.jit.Error, match="without quantiles"):
        module = exporting.load_module(out)
        state = module.init_state(torch.zeros(1, 5))
        flags = torch.zeros(1), torch.zeros(1).bool()
        module.quantiles(torch.zeros(1, 5), torch.tensor([2003, 1, 1, 1, 31, 365]), torch.zeros(1, 5), *flags, state)


def test_a_self_fed_ensemble_feeds_its_mean_to_its_members(trained_run, dataset):
    model = trained_model.load(trained_run("cham_net"), past_flux="self_fed").model
    both = combine([model, trained_model.load(trained_run("cham_net"), past_flux="self_fed").model], dataset.signature)
    with torch.no_grad():
        for parameter in both.members[1].parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)))
        days, start = slice(250, 420), both.init_state(dataset.static[SITES])
        fed, _ = step_through(both, dataset.drivers[SITES, days], dataset.calendar[days], start)
        shown, _ = step_through(both, dataset.drivers[SITES, days], dataset.calendar[days], start, fed)
        calendar = dataset.calendar[days].expand(len(SITES), -1, -1)
        offline = both(dataset.drivers[SITES, days], calendar, dataset.static[SITES], fed)
    assert torch.equal(fed, shown)
    spread = dataset.flux.numpy().std(axis=(0, 1))
    assert (np.abs((offline - fed).numpy()).max((0, 1)) <= 1e-5 * spread).all()
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(both), buffer)


def test_predict_writes_quantiles_and_budgets(combined, tiny_dataset, tmp_path):
    budgets = tmp_path / "budgets.csv"
    options = ["--data", str(tiny_dataset), "--out", str(tmp_path / "p.nc"), "--quantiles", "trained_on"]
    assert predict.main([str(combined), *options, "--annual", str(budgets)]) == 0
    with netCDF4.Dataset(tmp_path / "p.nc") as file:
        low, middle, high = (file[f"gpp_{name}"][:].filled() for name in ("q05", "q50", "q95"))
        assert file["gpp_q05"].long_name.endswith("0.05 quantile")
    assert (low >= 0).all()
    assert (low <= middle).all()
    assert (middle <= high).all()
    assert (low < high).any()
    with budgets.open() as file:
        table = [row for row in csv.DictReader(file) if row["target"] == "gpp"]
    assert len(table) == 16 * 4
    with netCDF4.Dataset(tmp_path / "p.nc") as file:
        sums = file["gpp"][:, :365].filled().sum(1)
    of_2003 = [row for row in table if row["year"] == "2003"]
    assert [float(row["predicted"]) for row in of_2003] == pytest.approx(sums, rel=1e-4)
    assert {row["units"] for row in table} == {"g m-2 year-1"}
    for row in table:
        assert float(row["predicted_q05"]) < float(row["predicted"]) < float(row["predicted_q95"])
        assert float(row["budget_q05"]) == float(row["budget"]) == float(row["budget_q95"]), "no day is missing"


def test_intervals_that_could_not_be_calibrated_are_refused(combined, tiny_dataset, tmp_path, caplog):
    options = ["--data", str(tiny_dataset), "--out", str(tmp_path / "p.nc"), "--quantiles", "new"]
    assert predict.main([str(combined), *options]) == 1
    assert "no quantiles at new sites: too few groups of sites that were not trained on" in caplog.text
    assert "emulator.calibrate" in caplog.text


def test_quantiles_need_an_evaluated_run_and_the_same_checkpoint(members, combined, tiny_dataset, tmp_path, caplog):
    arguments = ["--data", str(tiny_dataset), "--out", str(tmp_path / "p.nc"), "--quantiles", "trained_on"]
    assert predict.main([str(members[1]), *arguments]) == 1
    assert "emulator.evaluate" in caplog.text
    run = RunFolder(combined)
    content = torch.load(run.quantiles, weights_only=True)
    torch.save(content | {"epoch": 99}, run.quantiles)
    try:
        assert predict.main([str(combined), *arguments]) == 1
        assert "belongs to another checkpoint" in caplog.text
    finally:
        torch.save(content, run.quantiles)


def test_quantiles_are_of_the_weights_and_of_this_version(members, combined, tiny_dataset, tmp_path, caplog):
    """A member that was trained anew up to the same epoch is another model."""
    arguments = ["--data", str(tiny_dataset), "--out", str(tmp_path / "p.nc"), "--quantiles", "trained_on"]
    run, best = RunFolder(combined), RunFolder(members[1]).best
    checkpoint, content = best.read_bytes(), torch.load(run.quantiles, weights_only=True)
    changed = torch.load(best, weights_only=True)
    next(iter(changed["model"].values())).add_(0.1)
    torch.save(changed, best)
    try:
        assert predict.main([str(combined), *arguments]) == 1
        assert "belongs to another checkpoint" in caplog.text
    finally:
        best.write_bytes(checkpoint)
    before = {key: value for key, value in content.items() if key != "weights"}
    torch.save(before, run.quantiles)
    assert predict.main([str(combined), *arguments]) == 0
    torch.save(before | {"state": {k: v for k, v in content["state"].items() if k != "most_years"}}, run.quantiles)
    try:
        assert predict.main([str(combined), *arguments]) == 1
        assert "another version of ecostep; run python -m emulator.evaluate" in caplog.text
    finally:
        torch.save(content, run.quantiles)


def test_a_folder_never_mixes_an_ensemble_with_another_or_a_run(members, tiny_config, tmp_path, caplog):
    out = RunFolder(tmp_path / "e")
    assert ensemble.main([*map(str, members), "--out", str(out.path)]) == 0
    out.quantiles.parent.mkdir()
    out.quantiles.write_bytes(b"of the former ensemble")
    assert ensemble.main([str(members[1]), str(members[0]), "--out", str(out.path)]) == 0
    assert not out.quantiles.exists()
    arguments = [str(tiny_config), "--out", str(out.path), "--set", "training.epochs=1"]
    assert train.main(arguments) == 2
    assert "holds an ensemble" in caplog.text
    assert train.main([*arguments, "--overwrite"]) == 0
    assert not isinstance(trained_model.load(out).model, Ensemble)


def test_runs_that_do_not_go_together_are_refused(members, tiny_config, tmp_path, caplog):
    other = tmp_path / "other"
    options = ["--set", "split.test_fold=1", "--set", "training.epochs=1"]
    assert train.main([str(tiny_config), "--out", str(other), *options]) == 0
    assert ensemble.main([str(members[0]), str(other), "--out", str(tmp_path / "e")]) == 1
    assert "differs from" in caplog.text
    assert "split" in caplog.text
    assert ensemble.main([*map(str, members), "--out", str(other)]) == 1
    assert json.loads((tmp_path / "other" / "provenance.json").read_text())
