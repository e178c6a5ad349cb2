"""The wheel in an empty environment runs the chain: simulate, train, export, verify, from any folder."""

import os
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from tests.coupler.test_install import environment_packages, run, source  # noqa: F401  a fixture

pytestmark = pytest.mark.slow

SETTINGS = ("training.epochs=1", "training.years_per_window=1", "split.test_years=1", "split.validation_years=1")


def test_the_wheel_runs_the_chain(source: Path, tmp_path: Path) -> None:  # noqa: F811
    pytest.importorskip("scikit_build_core")
    scripts = sysconfig.get_path("scripts")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")
    build = ("wheel", "--no-build-isolation", "--no-deps", "--no-index", "-w", tmp_path, source)
    run(*pip, *build, PATH=f"{scripts}:{os.environ['PATH']}")
    (wheel,) = tmp_path.glob("ecostep-*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"ecostep/py.typed", "foundations/configs/quickstart.yaml", "foundations/configs/sims/smoke.yaml"} <= names
    assert {"foundations/configs/models/raci.yaml", "foundations/configs/tuning/lstm.yaml"} <= names

    environment, elsewhere = tmp_path / "environment", tmp_path / "elsewhere"
    venv.create(environment, with_pip=False)
    run(*pip, "--python", environment / "bin" / "python", "install", "--no-deps", "--no-index", wheel)
    elsewhere.mkdir()
    libraries = os.pathsep.join([str(environment_packages(environment)), sysconfig.get_path("platlib")])

    def ecostep(*words: str) -> str:
        return run(environment / "bin" / "ecostep", *words, cwd=elsewhere, PYTHONPATH=libraries, ECOSTEP_ECOSYS="")

    settings = [word for setting in SETTINGS for word in ("--set", setting)]
    ecostep("simulate", "smoke", "--out", "sims", "--sites", "12", "--years", "3", "--workers", "1")
    ecostep("train", "quickstart", "--data", "sims/dataset.nc", "--out", "lstm", *settings)
    ecostep("export", "lstm", "--out", "lstm.pt")
    assert "native" in ecostep("verify", "lstm.pt")
    assert ecostep("--version").startswith("ecostep ")
    assert "inputs" in ecostep("info", "lstm.pt")
