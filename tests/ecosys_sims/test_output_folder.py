"""Folders of simulations and tower runs: the user's files stay, damage is told, and what was done is kept."""

import json
import os
import shutil
import signal
import time
from pathlib import Path

import psutil
import pytest

from ecosys_sims.ensemble import output_folder
from ecosys_sims.ensemble.cluster import EnsembleError, Scheduler
from ecosys_sims.ensemble.configuration import SimulationConfig
from ecosys_sims.ensemble.output_folder import StaleOutputError
from ecosys_sims.ensemble.simulation import simulate
from ecosys_sims.program.executable import ModelError
from ecosys_sims.towers import tower_run
from ecosys_sims.towers.errors import TowerError
from foundations import own_folder
from foundations.configuration_file import ConfigError

from .conftest import use_program
from .test_simulation import data_of, start_gen_sims, write_config


@pytest.fixture(scope="module")
def config(small_config: SimulationConfig) -> SimulationConfig:
    run = small_config.run.model_copy(update={"keep_block_histories": True})
    return small_config.model_copy(update={"run": run})


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, fake_program: Path, config: SimulationConfig) -> Path:
    out = tmp_path_factory.mktemp("finished") / "sims"
    with pytest.MonkeyPatch.context() as patch:
        use_program(patch, fake_program)
        simulate(config, out, workers=1)
    return out


@pytest.fixture
def sims(finished: Path, tmp_path: Path, fake_ecosys: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "sims"))


@pytest.mark.parametrize("name", ["config.yaml", "simulation.json", "sites.nc", "blocks/b00000/history.nc"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_files_of_the_user_are_not_replaced(config, fake_ecosys, tmp_path, name: str, overwrite: bool) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("mine")
    with pytest.raises(StaleOutputError, match="which this command did not make"):
        simulate(config, tmp_path, overwrite=overwrite)
    assert (tmp_path / name).read_text() == "mine"


def test_what_is_wrong_is_found_before_the_former_simulation_goes(config, sims: Path, monkeypatch) -> None:
    (sims / "notes.txt").write_text("mine")
    design = config.design.model_copy(update={"kind": "lhs", "members": 2, "parameters": {"nosuch": None}})
    with pytest.raises((ConfigError, ValueError)):
        simulate(config.model_copy(update={"design": design}), sims, overwrite=True)
    monkeypatch.setenv("FAKE_ECOSYS", "badkey")
    with pytest.raises(ModelError, match="unknown key 'mgoo'"):
        simulate(config, sims, overwrite=True)
    assert (sims / "dataset.nc").exists()
    assert (sims / "notes.txt").read_text() == "mine"


def test_clearing_removes_the_layout_alone(sims: Path) -> None:
    (sims / "blocks" / "thesis").mkdir()
    (sims / "blocks" / "thesis" / "text").write_text("mine")
    output_folder.clear(sims)
    output_folder.remove_leftovers(sims)
    left = sorted(str(path.relative_to(sims)) for path in sims.rglob("*") if path.is_file())
    assert left == [".lock", "blocks/thesis/text"]


@pytest.mark.parametrize("fault", ["bit", "empty record", "no record"])
def test_a_damaged_block_is_simulated_again(config, finished, sims: Path, fault: str, caplog) -> None:
    for name in ("dataset.nc", "simulation.json"):
        (sims / name).unlink()
    block = sims / "blocks" / "b00001"
    if fault == "bit":
        content = bytearray((block / "history.nc").read_bytes())
        content[len(content) // 2] ^= 4
        (block / "history.nc").write_bytes(content)
    else:
        (block / "block.json").write_text("" if fault == "empty record" else "{}")
    simulate(config, sims, workers=1)
    assert "b00001" in caplog.text
    assert data_of(sims / "dataset.nc") == data_of(finished / "dataset.nc")


def test_a_damaged_dataset_is_not_complete(config, sims: Path) -> None:
    whole = (sims / "dataset.nc").read_bytes()
    (sims / "dataset.nc").write_bytes(whole[:-100])
    with pytest.raises(StaleOutputError, match=r"dataset\.nc: is not as the simulation wrote it"):
        simulate(config, sims)
    assert len((sims / "dataset.nc").read_bytes()) == len(whole) - 100


def test_an_edited_configuration_is_not_replaced(config, sims: Path) -> None:
    (sims / "config.yaml").write_text("# mine\n")
    with pytest.raises(StaleOutputError, match=r"config\.yaml: has been changed since"):
        simulate(config, sims, overwrite=True)
    assert (sims / "config.yaml").read_text() == "# mine\n"


def test_all_that_a_simulation_started_ends_with_it(config, fake_ecosys, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("FAKE_ECOSYS", "slow 60")
    out = tmp_path / "sims"
    process = start_gen_sims(write_config(tmp_path / "c.yaml", config), out, "--workers", "1")
    started: list[psutil.Process] = []
    for _ in range(600):
        started = psutil.Process(process.pid).children(recursive=True)
        if any("case.nml" in _command(child) for child in started):
            break
        time.sleep(0.1)
    os.kill(process.pid, signal.SIGTERM)
    _, printed = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    assert "stopped by SIGTERM" in printed
    assert "Traceback" not in printed
    _, alive = psutil.wait_procs(started, timeout=10)
    assert not alive
    assert not (out / ".dask").exists()


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_a_tower_run_replaces_only_what_a_tower_run_made(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("mine")
    with pytest.raises(TowerError, match=r"holds run/thesis\.txt"):
        tower_run._require_own(tmp_path, tmp_path / "forcing.nc")
    (tmp_path / "simulation.json").write_text(json.dumps({"site": "a", "days": 3, "forcing": "f.nc"}))
    tower_run._require_own(tmp_path, tmp_path / "forcing.nc")  # a run made before there were manifests
    own_folder.mark(tmp_path, tower_run.KIND)
    (tmp_path / "dataset.nc").touch()
    with pytest.raises(TowerError, match=r"dataset\.nc: is an input"):
        tower_run._require_own(tmp_path, tmp_path / "dataset.nc")
    own_folder.remove(tmp_path, tower_run.RUN_FILES)
    assert (tmp_path / "run" / "thesis.txt").read_text() == "mine"


def test_an_empty_address_of_a_scheduler_is_told(config, fake_ecosys, tmp_path) -> None:
    with pytest.raises(EnsembleError, match="address of the scheduler is empty"):
        simulate(config, tmp_path, scheduler=Scheduler(""))
