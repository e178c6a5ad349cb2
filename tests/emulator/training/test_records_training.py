"""From records to an artefact: training, evaluation, prediction and export where sites have periods of their own."""

import json
from dataclasses import replace
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import torch

from emulator import evaluate, export, predict, train
from emulator.data.dataset import Dataset
from emulator.data.signature import Signature
from emulator.data.split_days import LABELS, DaySplit
from emulator.evaluation.quantile_fitting import fit_quantiles
from emulator.evaluation.quantile_series import score_quantiles
from emulator.evaluation.report import __main__ as report
from emulator.runs import trained_model
from emulator.runs.run_folder import RunFolder
from emulator.runs.run_split import split_elsewhere
from emulator.training.losses import FluxLoss
from emulator.training.validation_loss import Validation
from foundations.provenance import file_sha256
from tests.emulator.data.test_store import to_store
from tests.emulator.records import PERIODS, write_records
from tests.emulator.synthetic import write_dataset

CONFIG = """\
seed: 3
data: {{path: {dataset}, inputs: [tas, pr, rsds], statics: [lat, lon, biome], targets: [gpp, fch4]}}
split: {split}
model: {{kind: lstm, hidden: 6, past_flux: ungauged}}
training: {{epochs: 2, batch_size: 4, years_per_window: 1, learning_rate: 1e-2, threads: 1}}
"""
OWN_YEARS = "{time: later_years, space: none, test_years: 1, validation_years: 1, validation_fraction: 0.0}"


@pytest.fixture(scope="module")
def towers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_records(tmp_path_factory.mktemp("records") / "towers.nc")


def write_config(folder: Path, dataset: Path, split: str) -> str:
    path = folder / "config.yaml"
    path.write_text(CONFIG.format(dataset=dataset, split=split))
    return str(path)


@pytest.mark.parametrize(
    "kind", ["lstm", "raci", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("cham_net", "unified"))]
)
def test_records_go_the_whole_way(towers: Path, tmp_path: Path, kind: str, caplog) -> None:
    config, run = write_config(tmp_path, towers, OWN_YEARS), tmp_path / "run"
    caplog.set_level("INFO")
    choice = ["--set", f"model.kind={kind}"]
    assert train.main([config, "--out", str(run), *choice]) == 0
    assert "split: train: 6 sites" in caplog.text
    assert "no spatial test: no site is held out" in caplog.text
    assert evaluate.main([str(run)]) == 0
    metrics = json.loads((run / "evaluation" / "metrics.json").read_text())
    assert list(metrics["splits"]) == ["temporal"]
    assert metrics["splits"]["temporal"]["n_sites"] == 3, "three sites have one year"
    spatial, *intervals = metrics["missing"]
    assert spatial == "no spatial test: no site is held out"
    assert intervals and all(line.startswith("no intervals") for line in intervals)  # of six sites
    with netCDF4.Dataset(run / "evaluation" / "predictions.nc") as file, netCDF4.Dataset(towers) as truth:
        inside = ~np.ma.getmaskarray(truth["tas"][:])
        assert np.array_equal(~np.ma.getmaskarray(file["gpp_pred"][:]), inside)
        scored = file["split"][:] == file["split"].flag_meanings.split().index("temporal")
        days = np.isfinite(np.ma.filled(truth["gpp"][:].astype(float), np.nan)) & scored
        assert metrics["splits"]["temporal"]["targets"]["gpp"]["pooled"]["n"] == days.sum()
    if kind == "lstm":
        assert report.main(["--run-dir", str(run), "--out", str(tmp_path / "page.html")]) == 0
        page = (tmp_path / "page.html").read_text()
        for text in (
            "No spatial test: no site is held out.",
            "Seasonal cycle of methane flux",
            "2003-01-02",
            "towers.nc",
        ):
            assert text in page, text
    assert predict.main([str(run), "--data", str(towers), "--out", str(tmp_path / "p.nc")]) == 0
    assert export.main([str(run), "--out", str(tmp_path / "model.pt")]) == 0


def test_the_split_is_read_from_the_run_folder(towers: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.csv"
    mine.write_text("site,from,to,part\nS0000,,2004-06-30,train\nS0000,2004-07-01,,validation\nS0001,,,test\n")
    config, run = write_config(tmp_path, towers, f"{{file: {mine}}}"), tmp_path / "run"
    assert train.main([config, "--out", str(run)]) == 0
    kept = (run / "split.csv").read_text().splitlines()
    assert [line.split(",")[:4] for line in kept] == [
        ["site", "from", "to", "part"],
        ["S0000", "2003-01-02", "2004-06-30", "train"],
        ["S0000", "2004-07-01", "2005-12-30", "validation_temporal"],
        ["S0001", "2003-05-12", "2005-05-11", "spatial"],
    ]
    mine.write_text("site,from,to,part\nS0001,,,train\n")
    assert evaluate.main([str(run)]) == 0
    metrics = json.loads((run / "evaluation" / "metrics.json").read_text())
    assert metrics["splits"]["spatial"]["n_sites"] == 1
    assert train.main([config, "--out", str(run)]) == 2, "the run began with another split"
    mine.unlink()
    assert evaluate.main([str(run)]) == 0


def test_one_tower_and_one_year(towers: Path, tmp_path: Path, caplog) -> None:
    alone = write_records(tmp_path / "alone.nc", periods=(PERIODS[3],))
    config, run = write_config(tmp_path, alone, "{time: later_years}"), tmp_path / "run"
    assert train.main([config, "--out", str(run)]) == 0
    assert "no validation flux: epochs are judged by training days" in caplog.text
    assert evaluate.main([str(run)]) == 0
    assert "nothing is held out: the training days are scored" in caplog.text
    metrics = json.loads((run / "evaluation" / "metrics.json").read_text())
    assert list(metrics["splits"]) == ["train"]
    assert metrics["splits"]["train"]["targets"]["fch4"]["pooled"]["r2"] is not None
    assert len(metrics["missing"]) == 3
    assert "uncertainty" not in metrics["splits"]["train"]["targets"]["fch4"]
    assert export.main([str(run), "--out", str(tmp_path / "model.pt")]) == 0
    assert report.main(["--run-dir", str(run)]) == 0
    page = (run / "report.html").read_text()
    for text in ("No temporal test", "No validation", "training days, no test", "What it learned from"):
        assert text in page, text


def test_filled_days_are_scored_where_asked_for(towers: Path, tmp_path: Path) -> None:
    split = tmp_path / "s.csv"
    split.write_text("site,from,to,part\nS0001,,,train\nS0002,,,validation\nS0000,,,test\n")
    counts = []
    for score_filled in ("false", "true"):
        run = tmp_path / score_filled
        config = write_config(tmp_path, towers, f"{{file: {split}}}")
        options = ["--set", f"evaluation.score_filled={score_filled}", "--set", "training.epochs=1"]
        assert train.main([config, "--out", str(run), *options]) == 0
        assert evaluate.main([str(run)]) == 0
        targets = json.loads((run / "evaluation" / "metrics.json").read_text())["splits"]["spatial"]["targets"]
        counts.append([targets[name]["pooled"]["n"] for name in ("gpp", "fch4")])
    with netCDF4.Dataset(towers) as file:
        known = {name: ~np.ma.getmaskarray(file[name][0]) for name in ("gpp", "fch4")}
    filled = np.zeros_like(known["gpp"])
    filled[40:50] = True
    assert counts[1] == [known["gpp"].sum(), known["fch4"].sum()]
    assert counts[0][0] == (known["gpp"] & ~filled).sum()
    filled[60:70] = True
    assert counts[0][1] == (known["fch4"] & ~filled).sum()


def test_training_on_records_goes_on_to_the_bit(towers: Path, tmp_path: Path) -> None:
    config = write_config(tmp_path, towers, OWN_YEARS)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert train.main([config, "--out", str(whole), "--set", "training.schedule=constant"]) == 0
    options = ["--out", str(parts), "--set", "training.schedule=constant"]
    assert train.main([config, *options, "--set", "training.epochs=1"]) == 0
    assert train.main([config, *options]) == 0, "more epochs on a finished run"
    entries = [[json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()] for run in (whole, parts)]
    for entry in (*entries[0], *entries[1]):
        del entry["seconds"], entry["checksum"]
    assert entries[0] == entries[1]
    weights = [torch.load(run / "checkpoints" / "best.pt", weights_only=True)["model"] for run in (whole, parts)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_a_site_without_training_flux_has_no_code(towers: Path, tmp_path: Path, caplog) -> None:
    """Nothing moves its code from 0, and neighbours would be told that 0."""
    data = tmp_path / "towers.nc"
    data.write_bytes(towers.read_bytes())
    with netCDF4.Dataset(data, "a") as file:
        for name in ("gpp", "fch4"):
            file[name][1] = np.ma.masked
    run, options = tmp_path / "run", ["--set", "model.kind=raci", "--set", "training.epochs=1"]
    assert train.main([write_config(tmp_path, data, OWN_YEARS), "--out", str(run), *options]) == 0
    assert trained_model.load(run).model.code.site.tolist() == [0, 2, 3, 4, 5]


def test_sites_of_the_run_are_the_same_by_longitudes_from_0_or_from_180(towers: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert train.main([write_config(tmp_path, towers, OWN_YEARS), "--out", str(run), "--set", "training.epochs=1"]) == 0
    trained = trained_model.load(run)
    data = Dataset.open(towers, trained.signature)
    expected = split_elsewhere(RunFolder(run), trained, data)
    turned = replace(data, lon=np.where(data.lon < 0.0, data.lon + 360.0, data.lon - 360.0))
    assert expected.train_sites.all()
    assert np.array_equal(split_elsewhere(RunFolder(run), trained, turned).part, expected.part)


def test_a_run_on_a_store_knows_its_own_dataset(tmp_path: Path) -> None:
    store = to_store(write_dataset(tmp_path / "sims.nc", sites=5, years=3))
    split = "{space: none, test_years: 1, validation_years: 1, validation_fraction: 0.0}"
    run = tmp_path / "run"
    options = ["--set", "training.epochs=1"]
    assert train.main([write_config(tmp_path, store, split), "--out", str(run), *options]) == 0
    assert evaluate.main([str(run)]) == 0
    metrics = json.loads((run / "evaluation" / "metrics.json").read_text())
    assert "uncertainty" in metrics["splits"]["temporal"]["targets"]["gpp"]
    assert len(metrics["provenance"]["dataset_hash"]) == 64
    assert export.main([str(run), "--out", str(tmp_path / "model.pt")]) == 0
    assert predict.main([str(run), "--data", str(store), "--out", str(tmp_path / "p.nc")]) == 0
    (store / "gpp" / "c" / "0" / "0").write_bytes(b"")
    assert file_sha256(store) != metrics["provenance"]["dataset_hash"]


def test_validation_sites_are_drawn_among_those_that_can_be_scored(towers: Path) -> None:
    signature = Signature.from_names(("tas", "pr"), ("lat", "lon"), ("gpp",))
    data = Dataset.open(towers, signature)
    part = np.full((data.n_sites, len(data.time)), LABELS.index("train"), np.int8)
    part[5, 600:] = LABELS.index("validation_temporal")
    split = DaySplit(part, np.arange(data.n_sites))
    options = {"batch_size": 4, "max_sites": 1}
    for seed in range(4):
        validation = Validation(data, split, FluxLoss.__new__(FluxLoss), seed=seed, **options)
        assert [batch.site.tolist() for batch in validation.parts[0]] == [[5]]


def test_filled_days_are_not_scored_by_quantiles_either(towers: Path) -> None:
    torch.set_num_threads(1)
    signature = Signature.from_names(("tas", "pr"), ("lat", "lon"), ("gpp", "fch4"))
    data = Dataset.open(towers, signature)
    part = np.zeros((data.n_sites, len(data.time)), np.int8)
    part[1:] = LABELS.index("train")
    part[2] = LABELS.index("validation_spatial")
    split = DaySplit(part, np.arange(data.n_sites))
    predicted = np.nan_to_num(data.flux.numpy()) + 0.1
    quantiles = fit_quantiles(predicted, data, split)
    assert torch.isnan(quantiles.factor).all(), "no interval of one site"
    quantiles.factor.fill_(1.0)
    days = np.zeros(part.shape, bool)
    days[0, 30:80] = True
    scores = score_quantiles(quantiles, predicted, data, split.train_sites, days)
    known = torch.isfinite(data.flux[0, 30:80]).numpy()
    known[10:20] = False
    assert scores["gpp"]["n"] == known[:, 0].sum()
    known[30:40] = False
    assert scores["fch4"]["n"] == known[:, 1].sum()


def test_the_uncertainty_of_measurements_is_scored_and_weighs_days(towers: Path, tmp_path: Path, caplog) -> None:
    data = tmp_path / "towers.nc"
    data.write_bytes(towers.read_bytes())
    options = ["--set", "training.epochs=1", "--set", "loss.uncertainty_floor=0.5"]
    config = write_config(tmp_path, data, OWN_YEARS)
    assert train.main([config, "--out", str(tmp_path / "no_sd"), *options]) == 2
    assert "no standard deviation: gpp_sd, fch4_sd" in caplog.text
    with netCDF4.Dataset(data, "a") as file:
        deviation = file.createVariable("fch4_sd", "f4", ("site", "time"), fill_value=np.float32(-9999.0))
        deviation.units = file["fch4"].units
        deviation[:] = 0.3 * np.abs(file["fch4"][:])
    losses = []
    for name, chosen in (("plain", options[:2]), ("weighed", options)):
        run = tmp_path / name
        assert train.main([config, "--out", str(run), *chosen]) == 0
        losses.append(json.loads((run / "log.jsonl").read_text().splitlines()[0])["train_loss"])
    assert losses[0] != losses[1]
    assert evaluate.main([str(run)]) == 0
    targets = json.loads((run / "evaluation" / "metrics.json").read_text())["splits"]["temporal"]["targets"]
    assert "measurement_noise" not in targets["gpp"]
    noise, skill = targets["fch4"]["measurement_noise"], targets["fch4"]["pooled"]
    assert noise["n"] == skill["n"]
    assert noise["share_of_error"] == pytest.approx((noise["sd"] / skill["rmse"]) ** 2, rel=1e-4)
    with netCDF4.Dataset(data, "a") as file:
        file["fch4_sd"][0, 5] = -1.0
    assert train.main([config, "--out", str(tmp_path / "bad"), *options]) == 1
    assert "fch4_sd: -1 at site S0000, 2003-01-07" in caplog.text
