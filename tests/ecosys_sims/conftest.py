"""A stand-in for the process model, so that these tests are quick and do not need a compiler."""

import os
import stat
import sys
from pathlib import Path

import pytest

from ecosys_sims.ensemble import configuration
from ecosys_sims.ensemble.configuration import SimulationConfig

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def fake_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An executable `ecosys` in Python."""
    program = tmp_path_factory.mktemp("bin") / "ecosys"
    script = Path(__file__).with_name("fake_ecosys.py")
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" "{script}" "$@"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


@pytest.fixture
def fake_ecosys(fake_program: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, and the environment that makes simulations use it."""
    use_program(monkeypatch, fake_program)
    return fake_program


def use_program(monkeypatch: pytest.MonkeyPatch, program: Path) -> None:
    """Let this process and its children run `program` as `ecosys`, and find the source tree."""
    monkeypatch.setenv("ECOSTEP_ECOSYS", str(program))
    monkeypatch.delenv("FAKE_ECOSYS", raising=False)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])))


@pytest.fixture(scope="session")
def small_config() -> SimulationConfig:
    """Five sites in blocks of two, one year: three blocks, the last one smaller."""
    content = {
        "seed": 11,
        "sites": {"count": 5},
        "period": {"start_year": 2003, "years": 1, "spinup_years": 0},
        "run": {"block_size": 2},
    }
    return configuration.parse(content, "small_config")
