"""The benchmark of the process model runs, and its file has the keys that others read."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import sims as benchmark
from benchmarks.model_runs import CODES, any_parameters, extreme_sites
from ecosys_sims.formats import biomes
from ecosys_sims.program.parameter_table import parameter_table


def quick_measuring(program: Path, folder: Path) -> benchmark.Measuring:
    return benchmark.Measuring(program, benchmark.QUICK, folder, 2, lambda _name, _content: None, lambda _name: None)


def test_measurements_of_the_program(ecosys_exe: Path, tmp_path: Path) -> None:
    measuring = quick_measuring(ecosys_exe, tmp_path)
    hourly, daily = benchmark.speed(measuring, benchmark.HOUR), benchmark.speed(measuring, benchmark.DAY)
    assert hourly["site_years_per_s_per_core"] > 0
    assert 0 < hourly["output_fraction"] < 1
    assert sum(hourly["time_fractions"].values()) == pytest.approx(1.0, abs=1e-3)
    assert daily["site_years_per_s_per_core"] or daily["reason"]
    blocks = benchmark.block_sizes(measuring)
    assert [row["sites"] for row in blocks["rows"]] == list(benchmark.QUICK.block_sizes)
    assert np.isfinite(blocks["mb_per_site"])
    assert blocks["rows"][0]["peak_rss_mb"] > 5
    errors = benchmark.conservation(measuring)
    assert errors["failed_blocks"] == errors["blocks_with_values_not_finite"] == 0
    assert errors["sites"] == benchmark.QUICK.extreme_sites
    for name in ("carbon", "water", "energy", "methane"):
        assert 0 < errors[name] <= benchmark.TOLERANCE[name], name
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_the_quick_benchmark_writes_its_keys(ecosys_exe: Path, project_root: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("ECOSTEP_ECOSYS", str(ecosys_exe))
    command = [sys.executable, str(project_root / "benchmarks" / "sims.py"), "--quick", "--json", "sims.json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    content = json.loads((tmp_path / "sims.json").read_text())
    assert content["hourly"]["site_years_per_s_per_core"] > 0
    assert content["daily"]["site_years_per_s_per_core"] or content["daily"]["reason"]
    assert content["worker_scaling_2"] > 0
    assert np.isfinite(content["mb_per_site"])
    for name in ("carbon", "water", "energy", "methane"):
        assert 0 < content["conservation"][name] <= benchmark.TOLERANCE[name], name
    assert content["conservation"]["sites"] == benchmark.QUICK.extreme_sites
    assert content["machine"]["cpu"]
    assert content["seed"] == benchmark.SEED
    assert content["git_hash"]
    assert not (tmp_path / "sims.json.partial").exists()


def test_an_interrupted_benchmark_goes_on(ecosys_exe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECOSTEP_ECOSYS", str(ecosys_exe))
    calls: list[str] = []

    def part(name: str, content: dict):
        def measure(measuring: benchmark.Measuring) -> dict:
            calls.append(name)
            if name == "conservation" and calls.count(name) == 1:
                measuring.store(name, {"blocks": {"0": 1}})
                raise KeyboardInterrupt
            if name == "conservation":
                assert measuring.stored(name) == {"blocks": {"0": 1}}
            return content

        return measure

    contents = {
        "block_sizes": {"mb_per_site": 0.1}, "worker_scaling": {"ratio": 1.9},
        "conservation": {"failed_blocks": 0, "blocks_with_values_not_finite": 0, "carbon": 1e-9},
    }  # fmt: skip
    monkeypatch.setattr(benchmark, "PARTS", {name: part(name, contents.get(name, {})) for name in benchmark.PARTS})
    arguments = ["--json", str(tmp_path / "sims.json"), "--quick"]
    with pytest.raises(KeyboardInterrupt):
        benchmark.main(arguments)
    assert benchmark.main(arguments) == 0
    assert calls == ["hourly", "daily", "block_sizes", "worker_scaling", "conservation", "conservation", "optimisation"]
    bars = json.loads((tmp_path / "sims.json").read_text())["bars"]
    assert bars["worker_scaling_2"] == {"value": 1.9, "bar": ">= 1.8", "met": True}
    assert bars["hourly.site_years_per_s_per_core"]["met"] is None


def test_extremes_reach_the_ends_of_the_ranges(ecosys_exe: Path) -> None:
    sites, table = extreme_sites(400, 1), parameter_table(ecosys_exe)
    assert set(sites.biome) == set(biomes.BY_FLAG)
    assert sites.t_ann.min() < 240.0
    assert sites.t_ann.max() > 310.0
    assert sites.annual_precip.min() < 10.0
    assert sites.annual_precip.max() > 5000.0
    parameters = any_parameters(table, 400, 1)
    assert set(parameters) == set(table)
    for name, info in table.items():
        if name in CODES:
            assert set(parameters[name]) == set(CODES[name])
            continue
        drawn = parameters[name][~np.isnan(parameters[name])]
        assert (drawn.min(), drawn.max()) == (info.minimum, info.maximum), name
