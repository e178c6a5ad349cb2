"""The page from towers to a coupled emulator: its commands run as they stand there, on files of made-up towers."""

import csv
import importlib
import json
import re
import shlex
from datetime import date
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from tests.emulator.data.importers.made_up import fluxnet_ch4, sites, weather

pytestmark = pytest.mark.slow  # trainings and a coupled run

TOWERS, DAYS = 10, 3 * 365
QUICKER = {
    "emulator.train": ["--set", "training.epochs=1", "--set", "model.hidden=8"],
    "emulator.calibrate": ["--folds", "2"],
}
"""Options that are added, so that the test is done in seconds."""
PACKAGES = {
    "emulator.data.importers": "emulator.data.importers.command",
    "emulator.evaluation.report": "emulator.evaluation.report.__main__",
}
"""Where the commands of packages are."""


def commands(page: Path) -> list[list[str]]:
    """Words of the commands of the page's only bash block."""
    (block,) = re.findall(r"```bash\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    return [shlex.split(line) for line in block.splitlines()]


def run(words: list[str]) -> int:
    """Run a command in this process, with the names of files filled in as a shell does."""
    words = [name for word in words for name in (sorted(map(str, Path().glob(word))) if "*" in word else [word])]
    if words[:2] == ["python", "-m"]:
        module = importlib.import_module(PACKAGES.get(words[2], words[2]))
        return int(module.main([*words[3:], *QUICKER.get(words[2], [])]))
    assert words[0] == "ecostep"
    return int(importlib.import_module("ecostep.command").main(words[1:]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> Path:
    """A working directory in which the page's commands were run."""
    pytest.importorskip("coupler.python._binding", reason="the coupler is not built; run bash scripts/setup.sh")
    folder = tmp_path_factory.mktemp("observations")
    (folder / "flux").mkdir()
    (folder / "configs").symlink_to(project_root / "configs")
    rows = []
    for number in range(TOWERS):
        name, size = f"XX-A{number + 1:02d}", np.exp(0.3 * np.random.default_rng(number).normal())
        made = weather(DAYS, seed=number)["FCH4"] * size
        missing = np.random.default_rng(number).random(DAYS) < 0.3
        fluxnet_ch4(folder / "flux", name, date(2013, 1, 1), DAYS, FCH4=np.where(missing, np.nan, made), FCH4_F=made)
        rows.append(f"{name},{50.0 + number},{10.0 + number},{('Fen', 'Bog')[number % 2]},")
    sites(folder / "flux", *rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for words in commands(project_root / "docs" / "observations.md"):
            assert run(words) == 0, " ".join(words)
    return folder


def test_towers_come_out_as_a_coupled_emulator(folder: Path) -> None:
    with netCDF4.Dataset(folder / "coupled.nc") as coupled, netCDF4.Dataset(folder / "filled.nc") as filled:
        assert np.isfinite(coupled["fch4"][:].filled(np.nan)).all()
        assert coupled["fch4"].shape == (1, DAYS)
        low, middle, high = (filled[f"fch4_{name}"][:].filled(np.nan) for name in ("q05", "q50", "q95"))
    assert low.shape == (TOWERS, DAYS)
    assert (low <= middle).all()
    assert (low < high).all()


def test_intervals_are_of_days_and_years_at_known_and_at_new_sites(folder: Path) -> None:
    metrics = json.loads((folder / "runs/methane/mean/evaluation/metrics.json").read_text())
    assert not any("interval" in line for line in metrics["missing"])
    for part, years in (("temporal", TOWERS), ("left_out", 2 * TOWERS)):
        table = metrics["splits"][part]
        assert table["n_sites"] == TOWERS
        scores = table["targets"]["fch4"]["uncertainty"]
        assert scores["n"] == table["targets"]["fch4"]["pooled"]["n"] > 0
        assert scores["coverage90"] > 0.7
        assert scores["annual"]["n"] == years
    with (folder / "budgets.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["target"] == "fch4"]
    assert len(rows) == 3 * TOWERS
    assert all(int(row["measured_days"]) < 365 and float(row["budget_q05"]) < float(row["budget"]) for row in rows)


def test_the_report_shows_every_tower(folder: Path) -> None:
    page = (folder / "runs/methane/mean/report.html").read_text()
    assert all(f"XX-A{number + 1:02d}, " in page for number in range(TOWERS))
    assert "left out in turn" in page
    assert "gaps filled" in page
