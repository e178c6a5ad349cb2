"""Comparisons, gaps and bars of the benchmark from results whose errors are known."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks.learning import comparisons, plan, report, skill_figures
from benchmarks.learning.bars import all_bars
from benchmarks.learning.plan import SUITES
from benchmarks.learning.results import Case, Entry, Results
from benchmarks.learning.statistics import metrics, sums
from benchmarks.learning.workspace import Workspace

SITES, YEARS = 60, (2016, 2017)
DAYS = np.arange("2016-01-01", "2018-01-01", 9, dtype="datetime64[D]")
YEAR = DAYS.astype("datetime64[Y]").astype(int) + 1970
MONTH = DAYS.astype("datetime64[M]").astype(int) % 12 + 1


def write_result(
    folder: Path,
    model: str,
    errors: dict[str, float],
    seed: int,
    split: str = "spatial",
    *,
    options: str = "0123456789",
    created: str = "2026-01-01",
) -> None:
    """A run whose predictions miss the truth by a factor of one pattern that all models share; errors: by mode, and,
    as `k3`, of the mode with three years of past flux.
    """
    random = np.random.default_rng(seed)
    site = np.sort(random.choice(200, SITES, replace=False))
    truth = random.gamma(2.0, 20.0, (SITES, 1)) * (1.5 + np.sin(2 * np.pi * MONTH / 12))
    pattern = random.normal(size=truth.shape)
    key = f"{model.replace('/', '-')}-{seed}-{split}-{'-'.join(errors)}-{options}"
    arrays = {f"site__{split}": site, f"year__{split}": np.array(YEARS)}
    records = []
    for mode, error in errors.items():
        table = sums(truth, truth + error * pattern, YEAR, MONTH)
        arrays[f"{mode}__{split}__fch4"] = table
        history = {"history_years": int(mode[1:]), "past_flux": "gauged"} if mode.startswith("k") else {}
        records.append(
            {
                "suite": "small", "ensemble": "wetland", "model": model, "past_flux": mode, "target": "fch4",
                "split": split, "seed": seed, "params": 100, "cpu_ms_per_site_year": 0.5, "epoch_seconds": 1.0,
                "train_seconds": 5.0, "crps": None, "coverage90": None, "trained_with_past_flux": "gauged" in errors,
                **metrics(table), **history,
            }
        )  # fmt: skip
    places = {"lat": np.linspace(-60, 70, 200), "lon": np.linspace(-170, 170, 200), "biome": np.arange(200) % 5 + 1}
    np.savez(folder / f"{key}.npz", **arrays, **places)
    run = {"kind": model.partition("/")[0], "ensemble": "wetland", "task": "score", "split": "folds"}
    content = {"key": key, "run": run, "records": records, "seconds": 3.0, "epochs": 5,
               "provenance": {"git_hash": "abc", "tuned": {}, "created": created}}  # fmt: skip
    (folder / f"{key}.json").write_text(json.dumps(content))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "work" / "results"
    path.mkdir(parents=True)
    for seed in (0, 1, 2):
        write_result(path, "lstm", {"none": 10.0}, seed)
        write_result(path, "ridge", {"none": 14.0}, seed)
        write_result(path, "gru", {"gauged": 8.0, "ungauged": 11.0}, seed)
        write_result(path, "cham_net", {"gauged": 6.0, "ungauged": 10.5}, seed)
        write_result(path, "cham_net/no_contrast", {"gauged": 6.6, "ungauged": 10.0}, seed)
        write_result(path, "cham_net/true_parameters", {"gauged": 5.0, "ungauged": 7.0}, seed)
        write_result(path, "raci", {"none": 9.0}, seed)
        write_result(path, "raci/kriged_parameters", {"none": 12.0}, seed)
    write_result(path, "tcn", {"none": 1.0}, 0)  # of one seed only
    write_result(path, "cham_net", {"self_fed": 12.0}, 0)
    write_result(path, "cham_net", {"k0": 12.0, "k1": 9.0}, 0)
    for share in (0.1, 0.5):
        write_result(path, f"lstm/share_{share:g}", {"none": 12.0 / share}, 0)
    return path


CASE = Case("wetland", "fch4", "spatial")


def entry_with(entries: list[dict], **values: object) -> dict:
    """The one comparison or gap whose keys have these values."""
    (entry,) = [entry for entry in entries if all(entry[key] == value for key, value in values.items())]
    return entry


def test_best_baseline_and_ratios(folder: Path) -> None:
    results = Results.read(folder)
    compared = comparisons.all_comparisons(results)
    without = entry_with(compared, kind="baseline", model="cham_net", past_flux="gauged", table="without")
    assert (without["baseline"], without["seeds"]) == ("lstm", [0, 1, 2])
    assert (without["candidates"], without["overlooked"]) == (2, ["tcn"])  # it has one seed, where it is better
    assert without["rmse_ratio"] == pytest.approx(0.6)
    assert without["p_value"] < 0.001
    with_flux = entry_with(compared, kind="baseline", model="cham_net", past_flux="gauged", table="with")
    assert (with_flux["baseline"], with_flux["baseline_past_flux"]) == ("gru", "gauged")
    assert with_flux["rmse_ratio"] == pytest.approx(0.75)
    worse = entry_with(compared, kind="baseline", model="cham_net", past_flux="ungauged", table="without")
    assert worse["rmse_ratio"] == pytest.approx(1.05)
    assert worse["p_value"] > 0.99
    assert not [comparison for comparison in compared if (comparison["model"], comparison["table"]) == ("raci", "with")]
    ratios = {
        comparison["past_flux"]: round(comparison["rmse_ratio"], 3)
        for comparison in compared
        if comparison["kind"] == "ablation"
    }
    assert ratios == {"gauged": 0.909, "ungauged": 1.05}
    sites = {int(site) for seed in (0, 1, 2) for site in results.sums(CASE, Entry("lstm", "none"), seed).site}
    assert without["sites"] == len(sites)


def test_shares_of_gaps(folder: Path) -> None:
    gaps = list(comparisons.gaps(Results.read(folder)))
    closed = entry_with(gaps, model="cham_net", past_flux="gauged", table="without")
    assert closed["share_closed"] == pytest.approx(0.8, rel=1e-6)  # (10 - 6) / (10 - 5)
    with_flux = entry_with(gaps, model="cham_net", past_flux="gauged", table="with")
    assert with_flux["share_closed"] == pytest.approx(2 / 3)
    no_gap = entry_with(gaps, model="raci", table="without")
    assert np.isnan(no_gap["share_closed"])  # an oracle that is no better


def test_bars_are_judged_by_the_numbers(folder: Path) -> None:
    results = Results.read(folder)
    judged = all_bars(results, comparisons.all_comparisons(results), list(comparisons.gaps(results)))
    bars = {bar.what: bar for bar in judged}
    place = "CH4 emission of wetlands, new sites"
    assert bars[f"CHAM-net (gauged) over the best baseline without past flux, {place}"].met is True
    raci = bars[f"RACI over the best baseline without past flux, {place}"]
    assert (raci.met, raci.seeds) == (False, 3)
    assert raci.value == pytest.approx(0.9)
    assert bars["CHAM-net (gauged): R2, CH4 emission of wetlands, later years"].met is None
    gap = f"CHAM-net (gauged): share of the gap from the best baseline {{}} past flux to true parameters, {place}"
    assert bars[gap.format("without")].met is True
    assert bars[gap.format("with")].value == pytest.approx(2 / 3)


def test_the_page_shows_what_the_records_hold(folder: Path, tmp_path: Path) -> None:
    workspace = Workspace(SUITES["small"], tmp_path / "data", folder.parent, tmp_path)
    report.write(workspace, tmp_path / "docs" / "results" / "models.json")
    content = json.loads((tmp_path / "docs" / "results" / "models.json").read_text())
    page = (tmp_path / "docs" / "results" / "models.md").read_text()
    assert len(content["records"]) == 3 * 12 + 1 + 1 + 2 + 2
    assert content["comparisons"]
    assert content["bars"]
    rmse = np.mean([r["rmse"] for r in content["records"] if (r["model"], r["past_flux"]) == ("lstm", "none")])
    (row,) = re.findall(r"^\| \*\*LSTM\*\* \| 3 \| ([\d.]+) ", page, re.MULTILINE)
    assert float(row) == pytest.approx(rmse, rel=5e-3)
    assert re.search(r"^\| TCN \| 1 of 3 \|", page, re.MULTILINE)
    with_past = page.partition("### New sites, with past flux")[2].partition("###")[0]
    assert "| **GRU (gauged)** | 3 |" in with_past
    assert "self-fed" not in with_past
    assert "CHAM-net (self-fed)" in page  # its own flux is no measured one
    assert "fewer seeds, but better on them: TCN" in page
    assert "Not all runs are done" in page
    drawn = re.findall(r"\]\((\.\./figures/[^)]+)\)", page)
    assert len(drawn) >= 3
    assert all((tmp_path / "docs" / "results" / path).exists() for path in drawn)


def test_of_a_run_done_twice_the_newest_counts(tmp_path: Path) -> None:
    write_result(tmp_path, "lstm", {"none": 10.0}, 0, options="0" * 10, created="2026-03-02")
    write_result(tmp_path, "lstm", {"none": 20.0}, 0, options="f" * 10, created="2026-03-01")
    failed = {"key": f"lstm-0-spatial-none-{'a' * 10}", "error": "an older failure"}
    (tmp_path / f"{failed['key']}.json").write_text(json.dumps(failed))
    results = Results.read(tmp_path)
    assert len(results.records) == 1
    assert not results.failures
    write_result(tmp_path / ".", "gru", {"none": 10.0}, 0)
    results = Results.read(tmp_path)
    assert results.mean(CASE, Entry("lstm", "none"), "rmse") == results.mean(CASE, Entry("gru", "none"), "rmse")


def test_seasons_are_those_of_the_hemisphere(tmp_path: Path) -> None:
    """The same flux with its phase turned by half a year in the south is the same by season."""
    north = np.arange(SITES) % 2 == 0
    truth = np.where(north[:, None], MONTH, (MONTH + 5) % 12 + 1).astype(float)
    error = np.where(np.isin(truth, (6, 7, 8)), 4.0, 1.0)
    tables = {"none__spatial__fch4": sums(truth, truth + error, YEAR, MONTH)}
    write_result(tmp_path, "lstm", {"none": 1.0}, 0)
    (path,) = tmp_path.glob("*.npz")
    places = {"lat": np.where(north, 50.0, -50.0), "lon": np.zeros(SITES), "biome": np.ones(SITES, int)}
    np.savez(path, **tables, **places, site__spatial=np.arange(SITES), year__spatial=np.array(YEARS))
    seasons = skill_figures.by_group(Results.read(tmp_path), CASE, Entry("lstm", "none")).season
    assert list(seasons) == ["winter", "spring", "summer", "autumn"]
    assert seasons["summer"] == pytest.approx(4.0 * seasons["spring"], rel=0.1)


def test_the_report_counts_the_runs_of_each_part(tmp_path: Path) -> None:
    workspace = Workspace(SUITES["small"], tmp_path, tmp_path, tmp_path)
    run = next(run for run in plan.build(workspace.suite) if run.kind == "lstm" and run.seed == 1 and not run.variant)
    contents = [{"key": f"{run.name}-{'0' * 10}", "records": []}]
    counts = report.coverage(workspace, Results(tmp_path, contents))
    assert counts["all models, seed 1"][run.ensemble] == [1, 23]
    assert sum(done for part in counts.values() for done, _ in part.values()) == 1
    assert sum(planned for part in counts.values() for _, planned in part.values()) == len(plan.build(workspace.suite))
