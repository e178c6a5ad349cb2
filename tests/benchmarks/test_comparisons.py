"""Comparisons, gaps and bars of the benchmark from results whose errors are known."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks.learning import comparisons, report
from benchmarks.learning.bars import all_bars
from benchmarks.learning.plan import SUITES
from benchmarks.learning.results import Case, Entry, Results
from benchmarks.learning.runner import Bench
from benchmarks.learning.statistics import metrics, sums

SITES, YEARS = 60, (2016, 2017)
DAYS = np.arange("2016-01-01", "2018-01-01", 9, dtype="datetime64[D]")
YEAR = DAYS.astype("datetime64[Y]").astype(int) + 1970
MONTH = DAYS.astype("datetime64[M]").astype(int) % 12 + 1


def write_result(folder: Path, model: str, errors: dict[str, float], seed: int, split: str = "spatial") -> None:
    """A run whose predictions miss the truth by a factor of one pattern that all models share; errors: by mode."""
    random = np.random.default_rng(seed)
    site = np.sort(random.choice(200, SITES, replace=False))
    truth = random.gamma(2.0, 20.0, (SITES, 1)) * (1.5 + np.sin(2 * np.pi * MONTH / 12))
    pattern = random.normal(size=truth.shape)
    key = f"{model.replace('/', '-')}-{seed}-{split}"
    arrays = {f"site__{split}": site, f"year__{split}": np.array(YEARS)}
    records = []
    for mode, error in errors.items():
        table = sums(truth, truth + error * pattern, YEAR, MONTH)
        arrays[f"{mode}__{split}__fch4"] = table
        records.append(
            {
                "suite": "small", "ensemble": "wetland", "model": model, "past_flux": mode, "target": "fch4",
                "split": split, "seed": seed, "params": 100, "cpu_ms_per_site_year": 0.5, "epoch_seconds": 1.0,
                "train_seconds": 5.0, "crps": None, "coverage90": None, "trained_with_past_flux": "gauged" in errors,
                **metrics(table),
            }
        )  # fmt: skip
    places = {"lat": np.linspace(-60, 70, 200), "lon": np.linspace(-170, 170, 200), "biome": np.arange(200) % 5 + 1}
    np.savez(folder / f"{key}.npz", **arrays, **places)
    run = {"kind": model.split("/")[0], "ensemble": "wetland", "task": "score", "split": "folds"}
    content = {"key": key, "run": run, "records": records, "seconds": 3.0, "epochs": 5,
               "provenance": {"git_hash": "abc", "tuned": {}, "created": "now"}}  # fmt: skip
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
    return path


CASE = Case("wetland", "fch4", "spatial")


def find(items: list[dict], **wanted: object) -> dict:
    (found,) = [item for item in items if all(item[key] == value for key, value in wanted.items())]
    return found


def test_best_baseline_and_ratios(folder: Path) -> None:
    results = Results.read(folder)
    found = comparisons.all_comparisons(results)
    without = find(found, kind="baseline", model="cham_net", past_flux="gauged", table="without")
    assert without["baseline"] == "lstm" and without["seeds"] == [0, 1, 2]
    assert without["rmse_ratio"] == pytest.approx(0.6) and without["p_value"] < 0.001
    given = find(found, kind="baseline", model="cham_net", past_flux="gauged", table="with")
    assert (given["baseline"], given["baseline_past_flux"]) == ("gru", "gauged")
    assert given["rmse_ratio"] == pytest.approx(0.75)
    worse = find(found, kind="baseline", model="cham_net", past_flux="ungauged", table="without")
    assert worse["rmse_ratio"] == pytest.approx(1.05) and worse["p_value"] > 0.99
    assert not [item for item in found if item["model"] == "raci" and item["table"] == "with"]
    ablated = [item for item in found if item["kind"] == "ablation"]
    assert {item["past_flux"]: round(item["rmse_ratio"], 3) for item in ablated} == {"gauged": 0.909, "ungauged": 1.05}
    sites = {int(site) for seed in (0, 1, 2) for site in results.sums(CASE, Entry("lstm", "none"), seed).site}
    assert without["sites"] == len(sites)


def test_shares_of_gaps(folder: Path) -> None:
    found = list(comparisons.gaps(Results.read(folder)))
    closed = find(found, model="cham_net", past_flux="gauged", table="without")
    assert closed["share_closed"] == pytest.approx(0.8, rel=1e-6)  # (10 - 6) / (10 - 5)
    assert find(found, model="cham_net", past_flux="gauged", table="with")["share_closed"] == pytest.approx(2 / 3)
    assert np.isnan(find(found, model="raci", table="without")["share_closed"])  # an oracle that is no better


def test_bars_are_judged_by_the_numbers(folder: Path) -> None:
    results = Results.read(folder)
    found = comparisons.all_comparisons(results)
    bars = {bar.what: bar for bar in all_bars(results, found, list(comparisons.gaps(results)))}
    spatial = "best baseline {} past flux, wetland fch4, spatial"
    assert bars[f"cham_net (gauged) / {spatial.format('without')}"].met is True
    raci = bars[f"raci (none) / {spatial.format('without')}"]
    assert raci.met is False and raci.value == pytest.approx(0.9)
    assert bars["CH4 emission, temporal: CHAM-net r2"].met is None
    assert bars["cham_net: share of the gap to true_parameters closed, wetland fch4, spatial"].met is True


def test_the_page_shows_what_the_records_hold(folder: Path, tmp_path: Path) -> None:
    bench = Bench(SUITES["small"], tmp_path / "data", folder.parent, tmp_path)
    report.write(bench, tmp_path / "docs" / "results" / "models.json")
    content = json.loads((tmp_path / "docs" / "results" / "models.json").read_text())
    page = (tmp_path / "docs" / "results" / "models.md").read_text()
    assert len(content["records"]) == 3 * 12 + 1 and content["comparisons"] and content["bars"]
    rmse = np.mean([r["rmse"] for r in content["records"] if (r["model"], r["past_flux"]) == ("lstm", "none")])
    (row,) = re.findall(r"^\| \*\*LSTM\*\* \| 3 \| ([\d.]+) ", page, re.MULTILINE)
    assert float(row) == pytest.approx(rmse, rel=5e-3)
    drawn = re.findall(r"\]\((\.\./figures/[^)]+)\)", page)
    assert len(drawn) >= 3 and all((tmp_path / "docs" / "results" / path).exists() for path in drawn)
