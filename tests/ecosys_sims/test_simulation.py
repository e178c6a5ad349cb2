"""Whole simulations with a stand-in for the program: determinism, resuming, and every way to fail."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import netCDF4
import numpy as np
import psutil
import pytest
from distributed import Client

from ecosys_sims.ensemble import blocks, configuration, output_folder
from ecosys_sims.ensemble.blocks import DiskFullError
from ecosys_sims.ensemble.cluster import EnsembleError, Scheduler
from ecosys_sims.ensemble.configuration import SimulationConfig
from ecosys_sims.ensemble.output_folder import StaleOutputError
from ecosys_sims.ensemble.simulation import simulate
from ecosys_sims.formats.dataset_check import check_dataset
from ecosys_sims.formats.site_table_check import check_site_table
from ecosys_sims.program.executable import ModelError
from foundations import atomic_file
from foundations.json_record import CHECKSUM

from .conftest import ROOT, use_program


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory, fake_program: Path, small_config: SimulationConfig) -> Path:
    """An uninterrupted run with two workers."""
    out = tmp_path_factory.mktemp("reference") / "sims"
    with pytest.MonkeyPatch.context() as patch:
        use_program(patch, fake_program)
        simulate(small_config, out, workers=2)
    return out


def data_of(path: Path) -> dict[str, bytes]:
    """All data of a file, byte for byte."""
    with netCDF4.Dataset(path) as file:
        file.set_auto_mask(False)
        return {
            name: "\0".join(v[:]).encode() if v.dtype is str else np.asarray(v[:]).tobytes()
            for name, v in file.variables.items()
        }


def write_config(path: Path, config: SimulationConfig) -> Path:
    path.write_text(configuration.to_yaml(config))
    return path


def start_gen_sims(config: Path, out: Path, *options: str) -> subprocess.Popen:
    command = [
        sys.executable,
        str(ROOT / "scripts" / "gen_sims.py"),
        "--config",
        str(config),
        "--out",
        str(out),
        *options,
    ]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def complete_blocks(out: Path) -> list[str]:
    return sorted(path.name for path in (out / "blocks").glob("b?????"))


def test_a_run_leaves_a_valid_dataset_and_its_side_files(reference: Path, small_config: SimulationConfig) -> None:
    assert check_dataset(reference / "dataset.nc") == []
    assert check_site_table(reference / "sites.nc") == []
    with netCDF4.Dataset(reference / "dataset.nc") as file, netCDF4.Dataset(reference / "params_truth.nc") as truth:
        assert file["fch4"].shape == (5, 365)
        assert file["fch4"].analysis_units == "mg m-2 day-1"
        assert file["time"].units == "days since 2003-01-01 00:00:00"
        assert file.seed == 11
        assert configuration.parse(configuration.YAML(typ="safe").load(file.config), "attribute") == small_config
        assert "&run_ctl" in file.namelist
        assert 0.5 < file.hidden_parameter_structured_share < 0.95
        assert "mgo" not in file.variables
        assert {"mgo", "omax", "tau_sub"} <= set(truth.variables)
        assert list(truth["site_id"][:]) == list(file["site_id"][:])
    summary = json.loads((reference / "simulation.json").read_text())
    assert summary["total"]["site_years"] == summary["site_years"] == 5
    assert summary["provenance"]["seed"] == 11
    assert complete_blocks(reference) == ["b00000", "b00001", "b00002"]
    assert not list(reference.glob("blocks/*/*.nc"))  # histories are in the dataset, true parameters in the side file


def test_a_second_call_changes_nothing(reference: Path, small_config: SimulationConfig, fake_ecosys: Path) -> None:
    modified = {path: path.stat().st_mtime_ns for path in reference.glob("*.nc")}
    summary = simulate(small_config, reference)
    written = json.loads((reference / "simulation.json").read_text())
    assert summary == {key: value for key, value in written.items() if key != CHECKSUM}
    assert modified == {path: path.stat().st_mtime_ns for path in reference.glob("*.nc")}


def test_a_killed_worker_is_replaced_and_one_worker_gives_the_same_data(
    reference: Path, small_config: SimulationConfig, fake_ecosys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_ECOSYS", f"kill {tmp_path / 'killed'}")
    simulate(small_config, tmp_path / "sims", workers=1)
    assert (tmp_path / "killed").exists()
    for name in ("dataset.nc", "sites.nc", "params_truth.nc"):
        assert data_of(tmp_path / "sims" / name) == data_of(reference / name)


def test_a_run_killed_with_signal_9_resumes_to_the_same_data(
    reference: Path, small_config: SimulationConfig, fake_ecosys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, config = tmp_path / "sims", write_config(tmp_path / "sims.yaml", small_config)
    monkeypatch.setenv("FAKE_ECOSYS", "slow 1.0")
    process = start_gen_sims(config, out, "--workers", "1")
    deadline = time.monotonic() + 120
    while not complete_blocks(out) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    completed = complete_blocks(out)
    assert 0 < len(completed) < 3
    assert not (out / "dataset.nc").exists()
    times = {name: (out / "blocks" / name / "block.json").stat().st_mtime_ns for name in completed}
    monkeypatch.delenv("FAKE_ECOSYS")
    summary = simulate(small_config, out, workers=2)
    assert summary["resumed"]
    assert all((out / "blocks" / name / "block.json").stat().st_mtime_ns == times[name] for name in completed)
    assert data_of(out / "dataset.nc") == data_of(reference / "dataset.nc")
    assert not list((out / "blocks").glob(".*"))


def test_a_failing_block_is_told_and_the_others_are_kept(
    small_config: SimulationConfig, fake_ecosys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_ECOSYS", "fail S00004")
    with pytest.raises(EnsembleError) as error:
        simulate(small_config, tmp_path, workers=2)
    text = str(error.value)
    assert "1 of 3 blocks failed; the others are kept" in text
    assert "block 1 (sites S00003, S00004)" in text
    assert "exit code 3 (a balance did not close): ecosys: site S00004: carbon does not balance by 1.5 g m-2" in text
    assert complete_blocks(tmp_path) == ["b00000", "b00002"]
    assert "carbon does not balance" in (tmp_path / "blocks" / "b00001.failed.log").read_text()


@contextmanager
def dask_cluster(folder: Path, workers: int) -> Iterator[tuple[str, list[subprocess.Popen]]]:
    """A scheduler and workers as a user starts them, each a process of its own; gives the address and the workers."""
    address_file = folder / "scheduler.json"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
    scheduler = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--port", "0", "--no-dashboard"]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", "--nthreads", "1", "--no-dashboard", "--no-nanny"]
    processes = [subprocess.Popen([*scheduler, "--scheduler-file", str(address_file)], **quiet)]
    try:
        command = [*worker, "--scheduler-file", str(address_file)]  # the workers wait for it
        processes += [subprocess.Popen(command, **quiet) for _ in range(workers)]
        deadline = time.monotonic() + 60
        while not address_file.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        yield json.loads(address_file.read_text())["address"], processes[1:]
    finally:
        for process in reversed(processes):
            process.kill()
            process.wait()


def programs_of(worker: subprocess.Popen) -> list[psutil.Process]:
    """The runs of the stand-in that a worker has started."""
    children = psutil.Process(worker.pid).children(recursive=True)
    return [child for child in children if "ecosys" in " ".join(child.cmdline())]


@pytest.mark.slow
def test_a_worker_of_the_users_cluster_is_killed_and_nothing_is_lost(
    reference: Path, small_config: SimulationConfig, fake_ecosys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scheduler started apart with two workers, one killed while it simulates; the data are those of a local run."""
    out, config = tmp_path / "sims", write_config(tmp_path / "sims.yaml", small_config)
    monkeypatch.setenv("FAKE_ECOSYS", "slow 1.5")
    with dask_cluster(tmp_path, 2) as (address, workers):
        with Client(address) as client:
            client.wait_for_workers(2, timeout=60)
        run = start_gen_sims(config, out, "--scheduler", address)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not all(programs_of(worker) for worker in workers):
            time.sleep(0.02)
        in_work = programs_of(workers[0])
        assert in_work and run.poll() is None
        assert len(complete_blocks(out)) < 3
        workers[0].send_signal(signal.SIGKILL)
        for process in in_work:  # a node that goes down takes its programs with it
            process.kill()
        _, printed = run.communicate(timeout=120)
        assert run.returncode == 0, printed
        assert workers[0].wait() == -signal.SIGKILL and workers[1].poll() is None
    assert json.loads((out / "simulation.json").read_text())["scheduler"] == address
    assert complete_blocks(out) == ["b00000", "b00001", "b00002"] and not list((out / "blocks").glob(".*"))
    for name in ("dataset.nc", "sites.nc", "params_truth.nc"):
        assert data_of(out / name) == data_of(reference / name)


def test_a_scheduler_that_does_not_answer_is_named(
    small_config: SimulationConfig, fake_ecosys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ecosys_sims.ensemble.cluster.CONNECT_SECONDS", 1)
    with pytest.raises(EnsembleError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        simulate(small_config, tmp_path, scheduler=Scheduler("tcp://127.0.0.1:9"))


def test_another_simulation_in_the_folder_is_refused(
    reference: Path, small_config: SimulationConfig, fake_ecosys: Path
) -> None:
    other = small_config.model_copy(update={"seed": 12})
    with pytest.raises(StaleOutputError, match=r"different: seed was 11, is 12.*--overwrite"):
        simulate(other, reference)
    assert (reference / "dataset.nc").exists()


def test_a_running_simulation_holds_its_folder(
    small_config: SimulationConfig, fake_ecosys: Path, tmp_path: Path
) -> None:
    with (tmp_path / output_folder.LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(StaleOutputError, match="another simulation is running"):
            simulate(small_config, tmp_path)


def test_results_of_unknown_origin_are_not_touched(
    small_config: SimulationConfig, fake_ecosys: Path, tmp_path: Path
) -> None:
    (tmp_path / "dataset.nc").write_text("precious")
    with pytest.raises(StaleOutputError, match="unknown origin"):
        simulate(small_config, tmp_path)
    assert (tmp_path / "dataset.nc").read_text() == "precious"


def test_the_command_says_that_the_disk_is_full_and_what_to_do(
    small_config: SimulationConfig, fake_ecosys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_ECOSYS", "full")
    process = start_gen_sims(write_config(tmp_path / "sims.yaml", small_config), tmp_path / "sims", "--workers", "1")
    _, printed = process.communicate(timeout=120)
    assert process.returncode == 1
    assert f"no space left in {tmp_path / 'sims'}; completed blocks are kept" in printed
    assert "Traceback" not in printed


def prepared_task(config: SimulationConfig, out: Path, program: Path) -> blocks.BlockTask:
    """The first block of a simulation whose tables are written, without Dask."""
    from ecosys_sims.formats.site_table import write_site_table, write_true_parameters
    from ecosys_sims.program.parameter_table import parameter_table
    from ecosys_sims.sites.hidden_parameters import draw_parameters
    from ecosys_sims.sites.site_drawing import draw_sites

    sites, table = draw_sites(config.sites, config.seed), parameter_table(program)
    hidden = draw_parameters(sites, table, config.hidden_parameters, config.seed)
    (out / "blocks").mkdir(parents=True)
    write_site_table(out / "sites.nc", sites)
    units = {info.name: info.units for info in table.values()}
    write_true_parameters(out / "params_truth.nc", sites, hidden.values, units, config.seed)
    return blocks.BlockTask(str(out), 0, 0, 2, config.model_dump(mode="json"), str(program))


def test_a_block_is_done_once_and_leaves_nothing_when_it_fails(
    small_config: SimulationConfig, fake_ecosys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = prepared_task(small_config, tmp_path / "sims", fake_ecosys)
    monkeypatch.setenv("FAKE_ECOSYS", "badkey")
    with pytest.raises(ModelError, match=r"block 0 .*unknown key 'mgoo' in &ch4_nl \(known: mgo, pq10\)"):
        blocks.run_block(task)
    assert [path.name for path in (tmp_path / "sims" / "blocks").iterdir()] == ["b00000.failed.log"]
    monkeypatch.setenv("FAKE_ECOSYS", "full")
    with pytest.raises(DiskFullError, match="block 0 .*no space left"):
        blocks.run_block(task)
    monkeypatch.delenv("FAKE_ECOSYS")
    record = blocks.run_block(task)
    monkeypatch.setenv("FAKE_ECOSYS", "badkey")
    assert blocks.run_block(task) == record  # it is done and not run again
    assert record["sites"] == 2


@pytest.mark.parametrize(
    ("error", "disk_is_full"),
    [
        (ModelError("a balance did not close", 3), False),
        (ModelError("took longer than 5 s"), False),
        (ValueError("wrong shape"), False),
        (ModelError("a file could not be written", 4), True),
        (ModelError("was killed by signal 7", -7), True),
        (OSError("Input/output error"), True),
        (RuntimeError("NetCDF: HDF error"), True),
    ],
)
def test_little_room_explains_failed_writes_only(
    small_config: SimulationConfig, fake_ecosys: Path, tmp_path: Path, monkeypatch, error: Exception, disk_is_full: bool
) -> None:
    def fail(*_) -> None:
        raise error

    task = prepared_task(small_config, tmp_path / "sims", fake_ecosys)
    monkeypatch.setattr(blocks, "run_program", fail)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1 << 20))
    with pytest.raises(RuntimeError) as raised:
        blocks.run_block(task)
    assert isinstance(raised.value, DiskFullError) == disk_is_full
    assert str(error) in str(raised.value)


def test_temporary_files_of_killed_writers_are_removed(
    reference: Path, small_config: SimulationConfig, fake_ecosys: Path
) -> None:
    (reference / ".dataset.nc.123456.tmp").write_text("half a dataset")
    (reference / "notes.tmp").write_text("mine")
    simulate(small_config, reference)
    assert [path.name for path in reference.iterdir() if path.suffix == ".tmp"] == ["notes.tmp"]
    (reference / "notes.tmp").unlink()


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = []

    def record(number: int) -> None:
        synced.append((os.fstat(number).st_ino, [path.name for path in tmp_path.iterdir()]))

    monkeypatch.setattr(os, "fsync", record)
    atomic_file.write_text(tmp_path / "a.txt", "words")
    assert synced == [((tmp_path / "a.txt").stat().st_ino, [f".a.txt.{os.getpid()}.tmp"])]


def test_a_folder_that_cannot_be_written_is_named(
    small_config: SimulationConfig, fake_ecosys: Path, tmp_path: Path
) -> None:
    long = tmp_path / ("x" * 300)
    with pytest.raises(StaleOutputError, match=r"--out .*xxx: cannot be written: File name too long"):
        simulate(small_config, long)
    (tmp_path / "sims" / output_folder.LOCK).mkdir(parents=True)  # as open() fails in a folder of someone else
    with pytest.raises(StaleOutputError, match=r"--out .*/sims: cannot be written: Is a directory"):
        simulate(small_config, tmp_path / "sims")


def test_a_program_that_is_not_built_is_told(small_config: SimulationConfig, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv("ECOSTEP_ECOSYS", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(ModelError, match=r"`ecosys` is not built: .* run `bash scripts/setup.sh`"):
        simulate(small_config, tmp_path / "sims")
    monkeypatch.setenv("ECOSTEP_ECOSYS", str(tmp_path / "nothing"))
    with pytest.raises(ModelError, match="ECOSTEP_ECOSYS names .*nothing"):
        simulate(small_config, tmp_path / "sims")


def test_the_command_line_helps_and_refuses(tmp_path: Path) -> None:
    script = [sys.executable, str(ROOT / "scripts" / "gen_sims.py")]
    shown = subprocess.run([*script, "--help"], capture_output=True, text=True, check=True, env=os.environ)
    assert all(option in shown.stdout for option in ("--sites", "--years", "--seed", "--workers", "--scheduler"))
    (tmp_path / "bad.yaml").write_text("seeds: 3\n")
    refused = subprocess.run(
        [*script, "--config", str(tmp_path / "bad.yaml"), "--out", str(tmp_path / "out")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert refused.returncode == 2
    assert "unknown key 'seeds'; did you mean 'seed'?" in refused.stderr
    assert not (tmp_path / "out").exists()
    (tmp_path / "good.yaml").write_text("seed: 3\n")
    refused = subprocess.run(
        [*script, "--config", str(tmp_path / "good.yaml"), "--out", str(tmp_path / "out"), "--sites", "0"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert refused.returncode == 2
    assert "--sites: Input should be greater than or equal to 1 (found 0)" in refused.stderr
