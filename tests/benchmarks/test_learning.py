"""The benchmark of the emulators: from a dataset to records, going on after a kill, and sums that give the metrics."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import models as benchmark
from benchmarks.learning import plan, statistics
from benchmarks.learning.plan import SUITES, Run
from benchmarks.learning.preparation import prepare
from benchmarks.learning.queue import claimed, next_run
from benchmarks.learning.workspace import Workspace, tuned_options
from emulator.evaluation import metrics
from foundations import atomic_file
from tests.emulator.synthetic import write_dataset

RECORD_KEYS = {
    "suite", "ensemble", "model", "past_flux", "target", "split", "seed", "rmse", "nrmse", "nrmse_sd", "r2",
    "r2_median_site", "bias", "kge", "crps", "coverage90", "params", "cpu_ms_per_site_year", "epoch_seconds",
    "train_seconds",
}  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ensembles")
    (folder / "wetland").mkdir()
    write_dataset(folder / "wetland" / "dataset.nc", sites=24, years=4)
    return folder


def arguments(data: Path, work: Path, *more: str) -> list[str]:
    models = ["--models", "climatology", "cham_net"]
    return ["--suite", "smoke", "--data", str(data), "--work", str(work), *models, *more]


@pytest.mark.slow
def test_smoke_suite_from_data_to_records(data: Path, tmp_path: Path) -> None:
    command = arguments(data, tmp_path / "work", "--workers", "0")
    assert benchmark.main(command) == 0
    results = [json.loads(path.read_text()) for path in (tmp_path / "work" / "results").glob("*.json")]
    records = [record for result in results for record in result["records"]]
    assert all(record.keys() >= RECORD_KEYS for record in records)
    seen = {(record["model"], record["past_flux"], record["split"]) for record in records}
    parts = {"temporal", "spatial", "spatiotemporal", "leave_biome_out"}
    assert seen >= {("climatology", "none", part) for part in parts}
    assert seen >= {("cham_net", mode, part) for part in parts for mode in ("gauged", "ungauged")}
    assert all(record["rmse"] > 0 and record["cpu_ms_per_site_year"] > 0 for record in records)
    gauged, ungauged = (
        next(r["rmse"] for r in records if (r["model"], r["past_flux"], r["split"]) == ("cham_net", mode, "temporal"))
        for mode in ("gauged", "ungauged")
    )
    assert gauged != ungauged
    assert benchmark.main(command) == 2  # results are there; neither --resume nor --fresh
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "work" / "results").iterdir()}
    assert benchmark.main([*command, "--resume"]) == 0
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "work" / "results").iterdir()}


@pytest.mark.slow
def test_a_killed_benchmark_goes_on(data: Path, tmp_path: Path, project_root: Path) -> None:
    work = tmp_path / "work"
    script = project_root / "benchmarks" / "models.py"
    command = [sys.executable, str(script), *arguments(data, work, "--workers", "1", "--splits", "folds")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until(lambda: list((work / "claims").glob("process-*")), process)
    worker = int(next((work / "claims").glob("process-*")).name.removeprefix("process-"))
    for number in (process.pid, worker):
        os.kill(number, signal.SIGKILL)
    process.wait()
    assert benchmark.main([*arguments(data, work, "--workers", "0", "--splits", "folds"), "--resume"]) == 0
    results = [json.loads(path.read_text()) for path in (work / "results").glob("*.json")]
    assert {result["run"]["kind"] for result in results} == {"climatology", "cham_net"}
    assert not any("error" in result for result in results)


def until(condition, process: subprocess.Popen, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_failed_run_is_recorded_and_the_others_go_on(data: Path, tmp_path: Path, monkeypatch) -> None:
    def succeeds(run: Run, workspace: Workspace) -> None:
        tried.append(run.kind)
        atomic_file.write_json(workspace.result(run), {"run": {"kind": run.kind}, "records": [], "seconds": 1.0})

    def fails(run: Run, workspace: Workspace) -> None:
        if run.kind == "climatology":
            message = "no such luck"
            raise RuntimeError(message)
        succeeds(run, workspace)

    tried: list[str] = []
    monkeypatch.setattr("benchmarks.learning.queue.execute", fails)
    command = arguments(data, tmp_path, "--workers", "0", "--splits", "folds")
    assert benchmark.main(command) == 1
    results = [json.loads(path.read_text()) for path in (tmp_path / "results").glob("*.json")]
    for result in results:
        assert ("no such luck" in result.get("error", "")) == (result["run"]["kind"] == "climatology")
    assert {result["run"]["kind"] for result in results} == {"climatology", "cham_net"}
    tried.clear()
    monkeypatch.setattr("benchmarks.learning.queue.execute", succeeds)
    assert benchmark.main([*command, "--resume"]) == 0
    assert set(tried) == {"climatology"}  # a new session tries again what failed, and that only


def test_only_a_single_process_holds_a_run(tmp_path: Path) -> None:
    with claimed(tmp_path, "run") as first, claimed(tmp_path, "run") as second, claimed(tmp_path, "other") as third:
        assert (first, second, third) == (True, False, True)
    with claimed(tmp_path, "run") as after_release:
        assert after_release


def test_runs_that_test_the_same_training_wait_for_each_other(tmp_path: Path) -> None:
    workspace = Workspace(SUITES["smoke"], tmp_path, tmp_path, tmp_path)
    score = Run("wetland", "cham_net", 0, history=True)
    self_fed, history_length = replace(score, task="self_fed"), replace(score, task="history_length")
    tests = [self_fed, history_length]
    assert workspace.key(self_fed) != workspace.key(score)
    assert next_run(tests, workspace, 0.0, None) is not None
    with claimed(workspace.claims, workspace.training_key(score)):
        assert next_run(tests, workspace, 0.0, None) is None
        run, _ = next_run([*tests, replace(score, seed=1)], workspace, 0.0, None)
        assert run.seed == 1


def test_sums_give_the_metrics() -> None:
    random = np.random.default_rng(0)
    day = np.arange("2003-11-20", "2005-02-10", dtype="datetime64[D]")
    year = day.astype("datetime64[Y]").astype(int) + 1970
    month = day.astype("datetime64[M]").astype(int) % 12 + 1
    observed = 3.0 * random.gamma(2.0, size=(4, len(day))) * np.array([[1.0], [10.0], [0.1], [5.0]])
    predicted = observed * random.normal(1.1, 0.3, observed.shape)
    observed[0, 5:400] = np.nan
    observed[1, :-20] = np.nan  # too few days for a median
    table = statistics.sums(observed, predicted, year, month)
    assert table.shape == (4, 3, 4, len(statistics.SUMS))
    skill, expected = statistics.metrics(table), metrics.pooled(observed, predicted)
    for name, value in expected.items():
        assert skill[name] == pytest.approx(value), name
    medians = metrics.median_over_sites(observed, predicted)
    for name in ("r2", "rmse", "nrmse", "nrmse_sd", "kge"):
        assert skill[f"{name}_median_site"] == pytest.approx(medians[name]), name
    summer = (year == 2004) & np.isin(month, (6, 7, 8))
    assert statistics.pooled(table[:, 1, 2].sum(0))["rmse"] == pytest.approx(
        metrics.rmse(observed[:, summer], predicted[:, summer])
    )


def test_plan_is_ordered_and_free_of_repetition() -> None:
    suite = plan.SUITES["small"]
    runs = plan.build(suite)
    keys = [plan.key(run, suite, {}) for run in runs]
    assert len(set(keys)) == len(keys)
    main = [run for run in runs if not run.variant and run.split == "folds" and run.task == "score" and run.share == 1]
    core = {"lstm", *plan.CHALLENGERS, *plan.CLASSICAL}
    first = sum(run.seed == 0 and run.kind in core for run in main)
    assert [run.seed for run in main[:first]] == [0] * first
    assert {run.kind for run in main[: 3 * first]} == core
    assert {(run.kind, run.seed) for run in main} == {(kind, seed) for kind in plan.MODELS for seed in (0, 1, 2)}
    history = next(run for run in runs if run.task == "history_length")
    assert plan.training_key(history, suite, {}) == plan.key(replace(history, task="score"), suite, {})
    assert plan.key(main[0], suite, {"model": {"hidden": 8}}) != plan.key(main[0], suite, {})
    only = plan.build(suite, models=("raci/no_roles",), ensembles=("wetland",), seeds=(1,))
    assert [(run.model, run.seed) for run in only] == [("raci/no_roles", 1)]


def test_parts_of_a_run(data: Path, tmp_path: Path) -> None:
    """Shares of training sites are nested, a biome left out is no input, oracles' parameters are added."""
    workspace = Workspace(plan.SUITES["smoke"], data, tmp_path, tmp_path)
    run = plan.Run("wetland", "lstm", 0)
    dataset, split, _ = prepare(run, workspace)
    quarter, half = (prepare(replace(run, share=share), workspace)[1] for share in (0.25, 0.5))
    assert 0 < quarter.train_sites.sum() < half.train_sites.sum() < split.train_sites.sum()
    assert not (quarter.train_sites & ~half.train_sites).any()
    assert not (half.train_sites & ~split.train_sites).any()
    assert (quarter.test_sites == split.test_sites).all()
    without, split, biome = prepare(replace(run, split="biome"), workspace)
    assert "biome" not in without.signature.static_names
    assert without.static.shape[1] == dataset.static.shape[1] - 1
    assert biome
    assert len(np.unique(without.biome[split.test_sites])) == 1
    assert not np.isin(without.biome[split.train_sites], without.biome[split.test_sites]).any()


def test_tuned_options_replace_those_of_the_suite(tmp_path: Path) -> None:
    workspace = Workspace(plan.SUITES["smoke"], tmp_path, tmp_path, tmp_path)
    run = plan.Run("wetland", "lstm", 0)
    assert workspace.options(run) == {}
    content = "kind: lstm\nmodel: {dropout: 0.25}\ntraining: {learning_rate: 2e-3}\ntrials: []\n"
    (tmp_path / "lstm.yaml").write_text(content)
    (tmp_path / "upland").mkdir()
    (tmp_path / "upland" / "lstm.yaml").write_text("model: {dropout: 0.4}\n")
    tuned_options.cache_clear()
    config = plan.configuration(run, workspace.suite, "d.nc", workspace.options(run))
    assert (config.model.dropout, config.training.learning_rate, config.model.hidden) == (0.25, 2e-3, 4)
    assert workspace.options(replace(run, ensemble="upland")) == {"model": {"dropout": 0.4}}


def test_a_kind_is_tuned_once_and_its_choice_is_used(data: Path, tmp_path: Path) -> None:
    work, tuned = tmp_path / "work", tmp_path / "tuned"
    command = ["--suite", "smoke", "--data", str(data), "--work", str(work), "--tuned", str(tuned), "--models", "lstm"]
    assert benchmark.main([*command, "--tune", "2"]) == 0
    choice = tuned / "lstm.yaml"
    assert len(list((work / "tuning" / "lstm" / "trials").iterdir())) == 2
    tuned_options.cache_clear()
    workspace = Workspace(plan.SUITES["smoke"], data, work, tuned)
    run = plan.Run("wetland", "lstm", 0)
    assert workspace.options(run).keys() == {"model", "training"}
    plan.configuration(run, workspace.suite, "d.nc", workspace.options(run))
    before = choice.stat().st_mtime_ns
    assert benchmark.main([*command, "--tune", "2"]) == 0
    assert choice.stat().st_mtime_ns == before
