"""Baselines by the commands of networks: trained, evaluated, predicting; and refused where they have no daily step."""

import json
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import torch

from emulator import ensemble, evaluate, export, predict, train, tune
from emulator.baselines import climatology, ridge, runs
from emulator.baselines.sample import Design
from emulator.data.dataset import Dataset
from emulator.data.signature import Signature
from emulator.data.split_rules import split_dataset
from emulator.data.splits import SplitConfig
from emulator.runs import checkpoint
from emulator.runs.run_folder import RunFolder
from emulator.runs.run_split import split_of_run
from tests.emulator.records import PERIODS, write_records

KINDS = ("climatology", "nearest", "ridge", "xgboost", "gaussian_process")
CONFIG = """\
seed: 2
data: {{path: {dataset}, inputs: [tas, pr, rsds], statics: [lat, lon, biome], targets: [gpp, fch4]}}
split: {{time: later_years, space: none, test_years: 1, validation_years: 1, validation_fraction: 0.0}}
model: {{kind: ridge}}
training: {{threads: 1}}
"""


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few rows and rounds."""
    monkeypatch.setattr("emulator.baselines.ridge.TRAINING_ROWS", 2000)
    monkeypatch.setattr("emulator.baselines.ridge.VALIDATION_ROWS", 500)


def shrink_xgboost(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("xgboost", reason="xgboost is not installed: pip install 'ecostep[benchmarks]'")
    for name, value in {"TRAINING_ROWS": 2000, "VALIDATION_ROWS": 500, "ROUNDS": 5}.items():
        monkeypatch.setattr(f"emulator.baselines.xgboost.{name}", value)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("baselines")
    path = folder / "config.yaml"
    path.write_text(CONFIG.format(dataset=write_records(folder / "towers.nc")))
    return path


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=pytest.mark.slow) if kind == "gaussian_process" else kind for kind in KINDS]
)
def test_a_baseline_is_a_kind_like_any_other(config: Path, tmp_path: Path, kind: str, monkeypatch, caplog) -> None:
    if kind == "xgboost":
        shrink_xgboost(monkeypatch)
    run, towers = tmp_path / kind, config.parent / "towers.nc"
    options = [str(config), "--out", str(run), "--set", f"model.kind={kind}", "--set", "model.past_flux=ungauged"]
    assert train.main(options) == 0
    assert evaluate.main([str(run)]) == 0
    metrics = json.loads((run / "evaluation" / "metrics.json").read_text())
    assert metrics["kind"] == kind
    assert metrics["parameters"] > 10
    assert metrics["splits"]["temporal"]["mode"] == "gauged"
    assert metrics["splits"]["temporal"]["targets"]["gpp"]["uncertainty"]["n"] > 0
    assert np.isfinite(metrics["checkpoint"]["val_loss"])
    assert predict.main([str(run), "--data", str(towers), "--out", str(tmp_path / "p.nc")]) == 0
    with netCDF4.Dataset(tmp_path / "p.nc") as file:
        inside = ~np.ma.getmaskarray(file["gpp"][:])
    assert inside.sum() == sum(last - first + 1 for first, last in PERIODS)

    trained = runs.load(RunFolder(run))
    dataset = Dataset.open(towers, trained.signature, filled_flux=trained.config.reads_filled_flux)
    split = split_of_run(RunFolder(run), trained, dataset)
    module = import_module(f"emulator.baselines.{kind}")
    direct = module.fit(dataset, split, trained.signature, past_flux=True, seed=2)
    visible = dataset.in_record()
    again = trained.model.predict_dataset(dataset, visible)
    assert np.array_equal(again, direct.predict(dataset, visible), equal_nan=True)
    assert np.nanstd(again[..., 0]) > 0.1
    if kind != "xgboost":  # whose few trees here split on drivers alone
        assert np.nanmax(np.abs(again - trained.model.predict_dataset(dataset))) > 1e-3, "past flux moves nothing"

    weights = (run / "checkpoints" / "best.pt").read_bytes()
    assert train.main(options) == 0, "finished already"
    assert (run / "checkpoints" / "best.pt").read_bytes() == weights
    assert export.main([str(run)]) == 1
    assert f"a baseline of kind {kind} has no daily step" in caplog.text
    assert not (run / "model.pt").exists()


def test_verbs_that_need_a_network_say_so(config: Path, tmp_path: Path, caplog) -> None:
    options = [str(config), "--out", str(tmp_path / "run"), "--set", "model.kind=climatology"]
    assert train.main(options) == 0
    assert ensemble.main([str(tmp_path / "run"), str(tmp_path / "run"), "--out", str(tmp_path / "e")]) == 1
    assert "cannot be exported or join an ensemble" in caplog.text
    begin = ["--out", str(tmp_path / "b"), "--set", "model.kind=lstm", "--init", str(tmp_path / "run")]
    assert train.main([str(config), *begin]) == 2
    assert "a baseline of kind climatology has no weights to begin with; give --init a network" in caplog.text
    space = tmp_path / "space.yaml"
    space.write_text("kind: climatology\nparameters: {training.learning_rate: {uniform: [0.1, 0.2]}}\n")
    tuning = [*options[:1], *options[3:], "--space", str(space), "--out", str(tmp_path / "t"), "--trials", "1"]
    assert tune.main(tuning) == 2
    assert "model.kind = climatology is fitted at once, by emulator.train alone" in caplog.text
    assert predict.main(
        [str(tmp_path / "run"), "--data", str(config.parent / "towers.nc"), "--past-flux", "self_fed"]
    ) == 1  # fmt: skip


def test_a_baseline_of_another_version_is_told(config: Path, tmp_path: Path, caplog) -> None:
    run = RunFolder(tmp_path / "run")
    assert train.main([str(config), "--out", str(run.path), "--set", "model.kind=climatology"]) == 0
    saved = checkpoint.load(run.best)
    saved.description["config"]["model"]["smoothing"] = 3
    checkpoint.save(run.best, saved)
    assert evaluate.main([str(run.path)]) == 1
    assert "best.pt: of another version of ecostep, its model cannot be built" in caplog.text


def test_a_baseline_is_chosen_by_filled_days_where_asked_for(config: Path, tmp_path: Path) -> None:
    data = tmp_path / "filled.nc"
    write_records(data)
    with netCDF4.Dataset(data, "a") as file:
        source = file["driver_source"]
        source[:] = np.ma.masked_where(np.ma.getmaskarray(source[:]), np.ones(source.shape, "i1"))
    options = ["--set", f"data.path={data}", "--set", "model.kind=climatology"]
    chosen = [*options, "--set", "evaluation.score_filled=true", "--out", str(tmp_path / "run")]
    assert train.main([str(config), *chosen]) == 0
    assert np.isfinite(json.loads((tmp_path / "run" / "log.jsonl").read_text())["val_loss"])


def test_climatology_comes_back_with_its_class(config: Path) -> None:
    signature = Signature.from_names(("tas", "pr"), ("lat", "lon"), ("gpp",))
    data = Dataset.open(config.parent / "towers.nc", signature)
    split = split_dataset(SplitConfig(time="later_years", space="none"), data)
    fitted = climatology.fit(data, split, signature, past_flux=False, seed=0, group_by="biome")
    assert climatology.rebuilt(fitted.state(), signature).group_by == "biome"


def test_one_tower_has_baselines_too(config: Path, tmp_path: Path) -> None:
    alone = write_records(tmp_path / "alone.nc", periods=(PERIODS[3],))
    for kind in ("climatology", "nearest", "ridge"):
        options = ["--set", f"data.path={alone}", "--set", f"model.kind={kind}", "--set", "split={time: later_years}"]
        assert train.main([str(config), "--out", str(tmp_path / kind), *options]) == 0
        assert evaluate.main([str(tmp_path / kind)]) == 0
        metrics = json.loads((tmp_path / kind / "evaluation" / "metrics.json").read_text())
        assert metrics["splits"]["train"]["targets"]["gpp"]["pooled"]["n"] > 100


def test_a_target_without_validation_flux_is_chosen_by_training_days(config: Path) -> None:
    signature = Signature.from_names(("tas", "pr"), ("lat", "lon"), ("gpp", "fch4"))
    data = Dataset.open(config.parent / "towers.nc", signature)
    split = split_dataset(SplitConfig(time="later_years", space="none", validation_fraction=0.0, test_years=0), data)
    days = split.days(data, "validation_temporal")
    assert days.any()
    for targets, expected in (((1,), ("gpp",)), ((0, 1), ())):
        flux = data.flux.clone()
        for target in targets:
            flux[..., target][days] = torch.nan
        lacking = replace(data, flux=flux)
        rows = Design.of(lacking, split, signature, False).validation_rows(lacking, split, 400, 1)
        assert np.isfinite(rows.target).any(axis=0).all()
        assert np.isfinite(rows.flux).any(axis=0).all()
        both = np.isfinite(rows.target).all(axis=1)
        assert both.any() == (not expected), "training days stand for the target that lacks others alone"
        weights = ridge.fit(lacking, split, signature, past_flux=False, seed=1).weights
        assert (np.abs(weights[:-1]).max(axis=0) > 1e-6).all()


def test_days_before_a_record_are_not_in_its_lags(config: Path) -> None:
    signature = Signature.from_names(("tas", "pr"), ("lat", "lon"), ("gpp",))
    data = Dataset.open(config.parent / "towers.nc", signature)
    split = split_dataset(SplitConfig(time="later_years", space="none"), data)
    design = Design.of(data, split, signature, False)
    sites, unseen = torch.tensor([4]), torch.full_like(data.flux[4:5], torch.nan)
    first = PERIODS[4][0]
    rows = design.rows(data, sites, unseen, torch.zeros(2, dtype=torch.int64), torch.tensor([first, first + 40]))
    alone = data.site_subset(np.array([4])).day_subset(slice(first, None))
    expected = design.rows(
        alone, torch.tensor([0]), unseen[:, first:], torch.zeros(2, dtype=torch.int64), torch.tensor([0, 40])
    )
    assert torch.allclose(rows, expected, atol=1e-5)
    assert torch.isfinite(rows).all()
