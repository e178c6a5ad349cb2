"""The whole chain, small: simulate to couple. What must be exact is exact for any weights, so one epoch will do."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

SMALL = {
    "lstm": ["model.hidden=8"],
    "cham_net": [],
    "raci": [],
}


def run(project_root: Path, *words: object, program: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = os.environ | ({"ECOSTEP_ECOSYS": str(program)} if program else {})
    command = [sys.executable, *map(str, words)]
    return subprocess.run(
        command, cwd=project_root, env=environment, capture_output=True, text=True, timeout=600, check=False
    )


def succeed(*arguments: object, **options: Path) -> None:
    done = run(*arguments, **options)  # type: ignore[arg-type]
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def sims(tmp_path_factory: pytest.TempPathFactory, project_root: Path, ecosys_exe: Path) -> Path:
    out = tmp_path_factory.mktemp("chain") / "sims"
    config = project_root / "configs" / "sims" / "smoke.yaml"
    size = ("--sites", 12, "--years", 3, "--workers", 2)
    succeed(project_root, "scripts/gen_sims.py", "--config", config, "--out", out, *size, program=ecosys_exe)
    return out


@pytest.fixture(
    scope="module", params=["lstm", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("cham_net", "raci"))]
)
def trained(request: pytest.FixtureRequest, sims: Path, project_root: Path) -> Path:
    """A run folder with model.pt."""
    kind = request.param
    folder = sims.parent / kind
    changes = [f"model.kind={kind}", f"data.path={sims / 'dataset.nc'}", *SMALL[kind], "training.epochs=1"]
    changes += ["training.years_per_window=1", "split.test_years=1", "split.validation_years=1"]
    settings = [word for change in changes for word in ("--set", change)]
    succeed(project_root, "-m", "emulator.train", "configs/quickstart.yaml", "--out", folder, *settings)
    succeed(project_root, "-m", "emulator.evaluate", folder)
    succeed(project_root, "-m", "emulator.export", folder, "--out", folder / "model.pt")
    return folder


@pytest.fixture(scope="module")
def coupled(trained: Path, sims: Path, project_root: Path, ecosys_exe: Path) -> Path:
    out = trained / "coupled"
    words = ("scripts/couple.py", "--sims", sims, "--run", trained, "--out", out, "--sites", 5)
    succeed(project_root, *words, program=ecosys_exe)
    return out


def test_the_coupled_run_equals_offline_prediction_on_every_day(coupled: Path) -> None:
    content = json.loads((coupled / "coupled.json").read_text())
    assert set(content["targets"]) == {"gpp", "ra", "rh", "nee", "fch4"}
    assert content["equals_offline"]
    assert 0.0 <= content["max_diff_over_scale"] <= 1e-5 / 3  # other processors round in another order
    series, offline = xr.open_dataset(coupled / "series.nc"), xr.open_dataset(coupled / "offline.nc")
    for target, scores in content["targets"].items():
        difference = np.abs(series[f"{target}_emulator"].values - offline[target].values)
        assert (difference <= 1e-5 * (scores["sd"] + np.abs(offline[target].values))).all()
        assert offline[target].shape == (5, 365 * 3)


def test_restart_and_decomposition_are_exact(coupled: Path) -> None:
    content = json.loads((coupled / "coupled.json").read_text())
    assert content["restart"] | {"bitwise": True, "differing": []} == content["restart"]
    assert content["decomposition"]["site_blocks"]["bitwise"]
    assert content["decomposition"]["single_cells"] == {"cells": 64, "days": 45, "bitwise": True}
    assert content["restart_bitwise"]
    assert content["decomposition_bitwise"]


def test_both_schemes_see_the_same_physics_and_give_different_fluxes(coupled: Path) -> None:
    process, emulator = (
        xr.open_dataset(next((coupled / scheme).glob("*.h0.*.nc"))) for scheme in ("process", "emulator")
    )
    for name in ("tas", "tsl", "wtd", "snw", "lai", "mrsos"):
        assert process[name].values.tobytes() == emulator[name].values.tobytes(), name
    assert np.abs(process["fch4"].values - emulator["fch4"].values).max() > 0


def test_true_parameters_do_not_stay_beside_the_runs(coupled: Path) -> None:
    assert list(coupled.glob("*/sites.nc")) == []


def test_couple_names_what_is_missing(tmp_path: Path, project_root: Path) -> None:
    words = ("scripts/couple.py", "--sims", tmp_path, "--run", tmp_path, "--out", tmp_path / "out")
    done = run(project_root, *words)
    assert done.returncode == 1
    assert "dataset.nc is not there; make it with scripts/gen_sims.py" in done.stderr


def test_a_difference_that_is_no_number_passes_no_limit(project_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(project_root / "scripts"))
    from coupled_checks import largest_difference

    differences = {name: {"max_diff_over_scale": value} for name, value in (("gpp", 1e-7), ("fch4", 3e-6))}
    assert largest_difference(differences) == 3e-6
    assert not largest_difference(differences | {"nee": {"max_diff_over_scale": float("nan")}}) <= 1e-5
