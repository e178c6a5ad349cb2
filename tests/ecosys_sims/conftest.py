"""A stand-in for the process model, so that these tests are quick and do not need a compiler."""

import os
import stat
import sys
from pathlib import Path

import pytest

from ecosys_sims import config as configuration
from ecosys_sims.config import SimulationConfig

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def fake_ecosys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An executable `ecosys` in Python, and the environment that makes simulations use it."""
    program = tmp_path / "bin" / "ecosys"
    program.parent.mkdir()
    script = Path(__file__).with_name("fake_ecosys.py")
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" "{script}" "$@"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("ECOSTEP_ECOSYS", str(program))
    monkeypatch.delenv("FAKE_ECOSYS", raising=False)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])))
    return program


@pytest.fixture
def small_config() -> SimulationConfig:
    """Seven sites in blocks of two, one year: four blocks, the last one smaller."""
    content = {
        "seed": 11,
        "sites": {"count": 7},
        "period": {"start_year": 2003, "years": 1, "spinup_years": 0},
        "run": {"block_size": 2},
    }
    return configuration.parse(content, "small_config")
