"""Intervals for groups and for annual sums, and trainings that leave sites out."""

import csv
import json
import math
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import torch

from emulator import calibrate, evaluate, train
from emulator.data.near_sites import near_groups
from emulator.evaluation import annual, metrics
from emulator.evaluation.annual import AnnualErrors, SiteYear, fit_correlation
from emulator.evaluation.conformal import fewest_units, unit_quantile
from emulator.evaluation.quantile_fitting import left_out_together
from emulator.evaluation.report import __main__ as report
from emulator.evaluation.report.page import number
from tests.emulator.synthetic import write_dataset


def test_quantile_covers_the_days_of_a_further_unit_and_is_none_with_too_few() -> None:
    """Errors are a size of the unit times a number of the day: all days of a unit are large, or small."""
    random = np.random.default_rng(3)
    held = []
    for _ in range(150):
        size = np.exp(random.normal(size=13))
        scores = np.abs(size[:, None] * random.normal(size=(13, 50)))
        days = np.repeat(np.arange(12), 50)
        held.append((scores[12] <= unit_quantile(scores[:12].ravel(), days)).mean())
    assert 0.85 < np.mean(held) < 0.97
    assert fewest_units() == 9
    assert math.isnan(unit_quantile(np.ones(800), np.arange(800) % 8))
    assert unit_quantile(np.arange(9.0), np.arange(9)) == 8.0, "with the fewest units, the largest"
    unequal = unit_quantile(np.r_[np.zeros(900), np.ones(20)], np.r_[np.zeros(900, int), 1 + np.arange(20)])
    assert unequal == 1.0, "a unit weighs the same with 900 days and with one"


def test_towers_of_one_wetland_are_one_group() -> None:
    lat, lon = (64.696, 64.704, 61.83, -61.83, 64.73), (-148.32, -148.31, 24.2, 24.2, -148.31)
    group = near_groups(np.array(lat), np.array(lon))
    assert group[0] == group[1] == group[4], "a chain of near sites"
    assert len(set(group.tolist())) == 3
    across = near_groups(np.array([10.0, 10.0]), np.array([179.99, -179.99]))
    assert across[0] == across[1]


def errors_of_years(random: np.random.Generator, years: int, length: int, persistent: float, short: float, days: float):
    """Series with the correlation of `AnnualErrors`."""
    series = np.sqrt(persistent) * random.normal(size=(years, 1)) * np.ones(length)
    memory, keep = random.normal(size=years), math.exp(-1.0 / days)
    for day in range(length):
        series[:, day] += np.sqrt(short) * memory
        memory = keep * memory + math.sqrt(1 - keep**2) * random.normal(size=years)
    return series + np.sqrt(1 - persistent - short) * random.normal(size=(years, length))


def test_annual_intervals_know_that_errors_last() -> None:
    """The deviation of sums over the measured days of a year, half of which are missing in a row."""
    random = np.random.default_rng(5)
    truth = errors_of_years(random, 400, 365, 0.2, 0.5, 8.0)
    gaps = truth.copy()
    gaps[random.random(gaps.shape) < 0.3] = np.nan
    persistent, short, days = fit_correlation(list(gaps))
    assert persistent == pytest.approx(0.2, abs=0.05)
    assert short == pytest.approx(0.5, abs=0.1)
    assert days == 8.0
    table = [torch.tensor([[value]] * 2) for value in (persistent, short, days)]
    errors = AnnualErrors(*table, torch.full((2, 2, 1), 1.6449))
    spread = 1.0 + np.sin(np.arange(365) / 58.0) ** 2
    year = SiteYear(
        0,
        2001,
        np.arange(365),
        np.zeros((365, 1)),
        np.zeros((365, 1)),
        spread[:, None],
        2 * spread[:, None],
        knows_past=False,
    )
    rows = np.arange(365) >= 180
    sums = (truth * spread)[:, rows].sum(1)
    below, above = annual.deviations(errors, 0, 0, year, rows)
    assert below == pytest.approx(sums.std(), rel=0.12)
    assert above == pytest.approx(2 * below)
    assert below > 3 * np.sqrt((spread[rows] ** 2).sum()), "far more than independent days would give"
    low, high = annual.interval(errors, 0, 0, year, rows)
    assert ((sums > low) & (sums < -low)).mean() == pytest.approx(0.9, abs=0.05)
    assert high == pytest.approx(-2 * low)
    unknown = annual.interval(AnnualErrors.unknown(1), 0, 0, year, rows)
    assert np.isnan(unknown).all()


SITES = 12
CONFIG = """\
data: {{path: {dataset}, inputs: [tas, gpp_process], statics: [lat, biome], targets: [gpp, fch4]}}
split: {{time: later_years, test_years: 1, validation_years: 1, space: none, validation_fraction: 0.0}}
model: {{kind: climatology}}
training: {{threads: 1}}
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of sites, two of which are near each other, with trainings without each of them."""
    folder = tmp_path_factory.mktemp("towers")
    dataset = write_dataset(folder / "towers.nc", sites=SITES, years=3, seed=6)
    with netCDF4.Dataset(dataset, "a") as file:
        file["lat"][1], file["lon"][1] = file["lat"][0] + 0.01, file["lon"][0]
        process = file.createVariable("gpp_process", "f4", ("site", "time"))
        process.setncatts({"role": "fast", "units": "kg m-2 s-1", "long_name": "gpp of a process model"})
        process[:] = 1.25 * file["gpp"][:]
    (folder / "c.yaml").write_text(CONFIG.format(dataset=dataset))
    assert train.main([str(folder / "c.yaml"), "--out", str(folder / "run")]) == 0
    assert calibrate.main([str(folder / "run"), "--folds", "3"]) == 0
    assert evaluate.main([str(folder / "run")]) == 0
    return folder / "run"


def test_sites_left_out_calibrate_and_test_new_sites(run: Path) -> None:
    table = json.loads((run / "evaluation" / "metrics.json").read_text())
    new, later = table["splits"]["left_out"], table["splits"]["temporal"]
    assert (new["n_sites"], later["n_sites"]) == (SITES, SITES)
    for target in ("gpp", "fch4"):
        scores, skill = new["targets"][target]["uncertainty"], new["targets"][target]
        assert scores["n"] == skill["pooled"]["n"] == SITES * 731, "training and validation days"
        assert "site_climatology" not in skill, "a new site has no years of its own"
        assert scores["coverage90"] > 0.8
        assert scores["annual"]["n"] == SITES * 2
        assert scores["annual"]["coverage90"] > 0.75
        assert scores["width90"] > later["targets"][target]["uncertainty"]["width90"]
        assert later["targets"][target]["uncertainty"]["annual"]["n"] == SITES
    assert not any("new sites" in line for line in table["missing"])
    with netCDF4.Dataset(run / "evaluation" / "predictions.nc") as file:
        part = file["split"][:]
        learnable = part > 0
        learnable &= part != file["split"].flag_meanings.split().index("temporal")
        assert np.array_equal(~np.ma.getmaskarray(file["gpp_left_out"][:]), learnable)
        assert not np.ma.getmaskarray(file["gpp_q05"][:]).any()


@pytest.mark.slow
def test_the_report_compares_with_the_process_model(run: Path) -> None:
    with netCDF4.Dataset(run / "evaluation" / "predictions.nc") as file:
        assert file["gpp_process"].units == file["gpp"].units == "g m-2 day-1"
        assert file["gpp_process"][:].filled() == pytest.approx(1.25 * file["gpp"][:].filled(), rel=1e-4)
        assert "fch4_process" not in file.variables
        later = file["split"][:] == file["split"].flag_meanings.split().index("temporal")
        error = metrics.rmse(file["gpp"][:][later], file["gpp_process"][:][later])
    assert report.main(["--run-dir", str(run)]) == 0
    page = (run / "report.html").read_text()
    assert page.index("process model") < page.index(f"{number(error)} (")
    assert all(f"S{site:04d}, " in page for site in range(SITES))


def test_near_sites_are_left_out_together_and_test_days_stay_unseen(run: Path) -> None:
    folds = sorted((run / "left_out").glob("fold_*.csv"))
    assert len(folds) == 3
    without = []
    for fold in folds:
        lines = fold.read_text().splitlines()
        held_out = {line.split(",")[0] for line in lines if line.split(",")[3:4] == ["spatial"]}
        for line in lines[1:]:
            site, first, _, part, *_ = line.split(",")
            assert part == ("spatiotemporal" if first >= "2005" else "spatial") or site not in held_out
        without.append(held_out)
    assert sum(map(len, without)) == SITES
    assert any({"S0000", "S0001"} <= sites for sites in without)


def test_budgets_have_intervals_and_calibrating_again_trains_nothing(run: Path) -> None:
    with (run / "evaluation" / "annual.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == SITES * 3 * 2
    assert {row["part"] for row in rows} == {"train", "validation_temporal", "temporal"}
    assert all(float(row["predicted_q05"]) <= float(row["predicted"]) <= float(row["predicted_q95"]) for row in rows)
    stamps = {path: path.stat().st_mtime_ns for path in (run / "left_out").rglob("best.pt")}
    assert calibrate.main([str(run), "--folds", "3"]) == 0
    assert stamps == {path: path.stat().st_mtime_ns for path in (run / "left_out").rglob("best.pt")}


def test_held_out_sites_calibrate_nothing(run: Path, tmp_path: Path) -> None:
    """Sites that test the run are held out of its folds too, where nothing may be learned of them."""
    dataset = next(run.parent.glob("towers.nc"))
    text = CONFIG.format(dataset=dataset).replace("space: none", "space: random, folds: 4")
    (tmp_path / "c.yaml").write_text(text)
    assert train.main([str(tmp_path / "c.yaml"), "--out", str(tmp_path / "run")]) == 0
    assert calibrate.main([str(tmp_path / "run"), "--folds", "2"]) == 0
    assert evaluate.main([str(tmp_path / "run")]) == 0
    table = json.loads((tmp_path / "run" / "evaluation" / "metrics.json").read_text())
    assert table["splits"]["spatial"]["n_sites"] == SITES // 4
    assert table["splits"]["left_out"]["n_sites"] == SITES - SITES // 4
    with netCDF4.Dataset(tmp_path / "run" / "evaluation" / "predictions.nc") as file:
        tested = file["split"][:] == file["split"].flag_meanings.split().index("spatial")
        assert np.ma.getmaskarray(file["gpp_left_out"][:])[tested].all()


def test_calibrating_a_run_that_was_trained_anew_trains_anew(run: Path, tmp_path: Path) -> None:
    text = CONFIG.format(dataset=run.parent / "towers.nc")
    command = [str(tmp_path / "c.yaml"), "--out", str(tmp_path / "run")]
    (tmp_path / "c.yaml").write_text(text)
    assert train.main(command) == 0
    assert calibrate.main([str(tmp_path / "run"), "--folds", "2"]) == 0
    (tmp_path / "c.yaml").write_text(text + "seed: 5\n")
    assert train.main([*command, "--overwrite"]) == 0
    assert calibrate.main([str(tmp_path / "run"), "--folds", "2"]) == 0
    assert "seed: 5" in (tmp_path / "run" / "left_out" / "fold_01" / "config.yaml").read_text()


def test_near_sites_of_two_blocks_are_left_out_of_a_fit_together() -> None:
    block, near = np.array([7, 7, 3, 9, 3]), np.array([0, 1, 1, 2, 4])
    group = left_out_together(block, near)
    assert group[0] == group[1] == group[2] == group[4] != group[3]
