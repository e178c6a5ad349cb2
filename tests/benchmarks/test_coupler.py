"""The benchmark of the coupler measures what it says, and its file has the keys that others read."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import coupler as benchmark
from benchmarks.coupling import artefacts, calls, compiled, coupled, fresh, page
from tests.coupler import artefacts as small

EFFORT = calls.Effort(2, 0.001, 1.0)


@pytest.fixture(scope="module")
def lstm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small TorchScript artefact."""
    return small.write_torchscript(tmp_path_factory.mktemp("lstm") / "lstm.pt", nstep=5)


def test_calls_are_timed_for_all_kinds_of_days(lstm: Path, tmp_path: Path) -> None:
    records = calls.measure(lstm, None, 8, EFFORT)
    assert records["torchscript"]["us_per_call"] > 0
    assert records["torchscript"]["us_year_end"] > 0
    assert records["torchscript"]["ratio_to_libtorch"] is None
    assert records["native"]["reason"]
    stub = artefacts.write_stub(tmp_path / "stub.pt", lstm)
    assert 0 < calls.measure(stub, None, 8, EFFORT, ("stub",))["stub"]["us_per_call"] < 1e5


def test_two_threads_compute_the_bits_of_one(lstm: Path) -> None:
    scaling = calls.thread_scaling(lstm, "torchscript", cells=128, rounds=2)
    assert scaling["bitwise"]
    assert scaling["ratio"] > 0


def test_start_and_memory_are_of_a_process_of_their_own(lstm: Path, tmp_path: Path) -> None:
    stub = artefacts.write_stub(tmp_path / "stub.pt", lstm)
    started = fresh.measure("start", stub, "stub")
    assert 0 < started["ms"] < 1000
    assert started["libtorch"] is False
    used = fresh.measure("memory", stub, "stub", 20000)
    assert used["mb"] < 100
    assert used["state_mb"] > 0.5


def test_rows_of_the_calendar() -> None:
    assert compiled.calendar_row(3, 1).tolist() == [2001, 3, 1, 60, 31, 365]
    assert compiled.calendar_row(12, 31).tolist() == [2001, 12, 31, 365, 31, 365]


def test_the_peak_of_the_processor(tmp_path: Path) -> None:
    assert 1.0 < compiled.measure_peak(compiled.build_peak(tmp_path), 0.02) < 1000.0


@pytest.mark.slow
def test_libtorch_alone_computes_the_same(lstm: Path, tmp_path: Path) -> None:
    from coupler import Model
    from coupler.cli.bench import Host

    host = Host(Model(lstm), 70)
    raw = compiled.LibtorchHost(compiled.build_libtorch(tmp_path), lstm, *calls.host_arrays(host))
    host.time(2001, 1, 2, 3)
    assert raw.time(1, 2, 3) > 0
    flux_sum = sum(float(flux.sum(dtype=np.float64)) for flux in host.fluxes.values())
    assert flux_sum == pytest.approx(raw.flux_sum, rel=1e-5)
    raw.close()


def test_the_land_model_is_profiled(ecosys_exe: Path, tmp_path: Path) -> None:
    profile = coupled.run(ecosys_exe, None, tmp_path, sites=2, years=1, seed=1)
    assert profile["biogeochemistry_s"] > 0
    assert profile["wall_s"] > profile["physics_s"] > 0
    assert not list(tmp_path.iterdir())


def content() -> dict:
    record = {"us_month_end": 2.0, "us_year_end": 3.0, "us_mean_of_a_year": 1.0, "ratio_of_a_year": 2.0, "gflops": 60.0}
    records = [
        {"model": "lstm", "backend": backend, "cells": cells, "us_per_call": 1.0, "ratio_to_libtorch": ratio,
         "fraction_of_peak": 0.6} | record
        for backend, ratio in (("native", 4.0), ("torchscript", 1.5), ("libtorch", 1.0))
        for cells in (256, 65536)
    ]  # fmt: skip
    run = {"biogeochemistry_cpu_s": 10.0, "physics_s": 5.0, "wall_s": 20.0}
    return {
        "records": records, "models": {"lstm": {}}, "extra_mb_at_65536": {"lstm": {"native": 9.0}},
        "startup_ms": {"lstm": {"native": 5.0}}, "thread_scaling_2": {"lstm": {"native": 1.9}}, "overhead_us": 0.2,
        "coupled_bgc_speedup": None, "coupled": {"sites": 2, "years": 1, "runs": {"process": run}, "bgc_speedup": {}},
        "machine": {"cpu": "CPU", "load_average_at_start": 0.1, "load_average_at_end": 0.2}, "created": "2026-01-01T00",
        "peak_gflops": 100.0,
    }  # fmt: skip


def test_bars_are_met_missed_or_not_measured() -> None:
    met = {row["what"]: row["met"] for row in page.bars(content())}
    assert met["lstm native over libtorch, 65536 cells"]
    assert met["lstm native, share of the peak"]
    assert met["lstm torchscript over libtorch, 65536 cells"] is False
    assert met["lstm native, extra memory [MB]"] is False
    assert met["coupled biogeochemistry, computed over emulated"] is None
    assert "lstm native over libtorch, 1 cells" not in met


def test_the_speedup_is_of_the_networks_that_are_timed_and_others_are_told_apart() -> None:
    speedups = {"lstm 3600": 3.0, "lstm 86400": 12.0, "lstm of 32 units 86400": 60.0}
    assert benchmark.best(speedups, ["lstm"]) == 12.0
    assert benchmark.best(speedups, ["raci"]) is None
    changed = content() | {"coupled_bgc_speedup": 12.0}
    changed["coupled"]["bgc_speedup"] = speedups
    met = {row["what"]: row["met"] for row in page.bars(changed)}
    assert met["coupled biogeochemistry, computed over emulated"] is False
    assert met["the same, lstm of 32 units"] is True


def test_the_page_shows_ratios_and_bars() -> None:
    shown = content()
    text = page.write(shown | {"bars": page.bars(shown)})
    assert "| lstm | native | 1 (4) | 1 (4) | 60 % |" in text
    assert "| lstm native, extra memory [MB] | 9 | <= 8 | missed |" in text


@pytest.mark.slow
@pytest.mark.usefixtures("ecosys_exe")
def test_the_quick_benchmark_writes_its_keys(lstm: Path, project_root: Path, tmp_path: Path) -> None:
    script = project_root / "benchmarks" / "coupler.py"
    words = ["--quick", "--json", "coupler.json", "--models", "lstm", "--artefact", f"lstm={lstm}", "--coupled"]
    done = subprocess.run([sys.executable, str(script), *words, "--work", "work"], cwd=tmp_path, check=False,
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr
    content = json.loads((tmp_path / "coupler.json").read_text())
    assert content["peak_gflops"] > 1
    assert content["startup_ms"]["lstm"]["torchscript"] > 0
    for record in content["records"]:
        assert record["us_per_call"] > 0 if record["backend"] != "native" else record["reason"]
    assert {record["cells"] for record in content["records"]} == {1, 64}
    assert "## Bars" in (tmp_path / "coupler.md").read_text()
    assert not (tmp_path / "coupler.json.partial").exists()
