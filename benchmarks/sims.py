"""Speed, memory, scaling and conservation of the process model, as one JSON file: see docs/results/README.md.

    python benchmarks/sims.py --json docs/results/sims.json

Run the same command again after an interruption: what is done is kept in FILE.partial until all is done.
"""

import argparse
import json
import logging
import math
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # works from a source tree that is not installed

import numpy as np

from benchmarks.model_runs import (
    any_parameters,
    build_program,
    extreme_sites,
    history_path,
    largest_difference,
    run_case,
    usual_sites,
    values_that_are_not_finite,
    write_case_sites,
    year_of_all_biomes,
)
from ecosys_sims.ensemble import configuration
from ecosys_sims.ensemble.blocks import NETCDF
from ecosys_sims.ensemble.cluster import default_workers
from ecosys_sims.formats.site_table import SiteTable
from ecosys_sims.program.executable import find_program, library_versions, program_version
from ecosys_sims.program.parameter_table import parameter_table
from foundations.atomic_file import write_json
from foundations.provenance import file_sha256, git_hash, now
from foundations.terminal import start_logging

log = logging.getLogger("benchmarks.sims")

SEED = 20
PROGRAM_PARTS = ("forcing", "physics", "biogeochemistry", "history")  # whose time the program measures
DAY, HOUR = 86400, 3600
BLOCK_SITES = 13  # of a run that looks for errors of balances
# Largest errors that the process model may make: docs/process_model.md.
TOLERANCE = {"carbon": 1e-8, "water": 1e-6, "energy": 1e-3, "methane": 1e-10, "nitrogen": 1e-8}
BARS = {
    "hourly.site_years_per_s_per_core": (">=", 20.0),
    "daily.site_years_per_s_per_core": (">=", 150.0),
    "worker_scaling_2": (">=", 1.8),
    **{f"conservation.{name}": ("<=", value) for name, value in TOLERANCE.items()},
    "conservation.blocks_with_values_not_finite": ("<=", 0),
    "conservation.failed_blocks": ("<=", 0),
    "optimisation.history": ("<=", 1e-9),
    "optimisation.state": ("<=", 1e-9),
}


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    speed_sites: int
    speed_years: int
    repeats: int
    block_sizes: tuple[int, ...]
    block_site_years: int
    scaling_sites: int
    scaling_years: int
    extreme_sites: int
    extreme_years: int
    builds: bool


FULL = Size(64, 4, 3, (1, 4, 16, 64, 256, 1024), 128, 256, 8, 1040, 10, True)
QUICK = Size(13, 1, 1, (1, 8, 16), 16, 8, 1, 26, 1, False)


@dataclass(frozen=True)
class Measuring:
    """What every measurement needs."""

    program: Path
    size: Size
    work: Path
    workers: int
    store: Callable[[str, dict], None]  # a part of a measurement
    stored: Callable[[str], dict | None]  # what is stored of it


# ---- speed --------------------------------------------------------------------------------------------------------


def speed(measuring: Measuring, dt_phys: int) -> dict:
    """Site-years per second of one process, start-up and output included; medians over repeats.

    Where the program refuses the step, the value is null and `reason` says so.
    """
    size = measuring.size
    sites = usual_sites(size.speed_sites, SEED)
    about: dict = {"dt_phys_s": dt_phys, "sites": size.speed_sites, "years": size.speed_years}
    runs = []
    for repeat in range(size.repeats):
        folder = measuring.work / f"speed_{dt_phys}_{repeat}"
        table = write_case_sites(folder, sites)
        run = run_case(measuring.program, folder, {
            "run_ctl": {"fsites": table, "stop_n": size.speed_years, "spinup_years": 0, "dt_phys": dt_phys},
        })  # fmt: skip
        shutil.rmtree(folder)
        if run.code != 0:
            return about | {"site_years_per_s_per_core": None, "reason": run.message}
        runs.append(run)
    median = sorted(runs, key=lambda run: run.wall_s)[len(runs) // 2]
    shares = {name: median.timing[f"{name}_s"] / median.wall_s for name in PROGRAM_PARTS}
    time_fractions = shares | {"start_up_and_rest": 1.0 - sum(shares.values())}
    return about | {
        "site_years_per_s_per_core": round(median.site_years_per_s, 2),
        "site_years_per_s_of_processor_time": round(median.timing["site_years"] / median.cpu_s, 2),
        "all_runs": [round(run.site_years_per_s, 2) for run in runs],
        "output_fraction": round(shares["history"], 4),
        "time_fractions": {name: round(share, 4) for name, share in time_fractions.items()},
        "peak_rss_mb": round(median.peak_rss_mb, 1),
    }


def block_sizes(measuring: Measuring) -> dict:
    """Speed and memory by the number of sites to a run of the program; what each further site takes."""
    rows = []
    for count in measuring.size.block_sizes:
        folder = measuring.work / f"block_{count}"
        table = write_case_sites(folder, usual_sites(count, SEED))
        years = max(1, min(8, measuring.size.block_site_years // count))
        groups = {"run_ctl": {"fsites": table, "stop_n": years, "spinup_years": 0}}
        runs = [run_case(measuring.program, folder, groups) for _ in range(measuring.size.repeats if count < 64 else 1)]
        _require_success(runs)
        shutil.rmtree(folder)
        rows.append({
            "sites": count, "years": years,
            "site_years_per_s": round(statistics.median(run.site_years_per_s for run in runs), 2),
            "site_years_per_s_without_start": round(
                statistics.median(run.timing["site_years"] / _seconds_of_parts(run.timing) for run in runs), 2
            ),
            "peak_rss_mb": round(statistics.median(run.peak_rss_mb for run in runs), 2),
        })  # fmt: skip
        measuring.store("block_sizes", {"rows": rows})
    sites = np.array([row["sites"] for row in rows], float)
    memory = np.array([row["peak_rss_mb"] for row in rows])
    slope, base = np.polyfit(sites[-3:], memory[-3:], 1)  # the largest: small blocks hide in the libraries' own memory
    return {"rows": rows, "mb_per_site": round(float(slope), 4), "mb_of_program": round(float(base), 1)}


def _seconds_of_parts(timing: dict) -> float:
    return sum(timing[f"{name}_s"] for name in PROGRAM_PARTS)


def _require_success(runs: list) -> None:
    for run in runs:
        if run.code != 0:
            message = f"the program failed: {run.message}"
            raise RuntimeError(message)


# ---- workers ------------------------------------------------------------------------------------------------------


def worker_scaling(measuring: Measuring) -> dict:
    """Throughput of scripts/gen_sims.py with two workers over one, alternately; medians."""
    size = measuring.size
    config = {
        "seed": SEED,
        "sites": {"count": size.scaling_sites, "wetland_share": 0.5},
        "period": {"years": size.scaling_years, "spinup_years": 1},
        "run": {"block_size": 16 if size is FULL else 2},
    }
    path = measuring.work / "scaling.yaml"
    path.write_text(configuration.to_yaml(configuration.parse(config, "benchmark")))
    seconds: dict[str, list[float]] = (measuring.stored("worker_scaling") or {}).get("seconds", {"1": [], "2": []})
    memory: list[float] = []
    for _ in range(size.repeats):
        for workers in ("1", "2"):
            if len(seconds[workers]) >= size.repeats:
                continue
            out = measuring.work / "scaling"
            shutil.rmtree(out, ignore_errors=True)
            peak = _generate(path, out, workers)
            memory.append(peak)
            seconds[workers].append(json.loads((out / "simulation.json").read_text())["seconds"])
            measuring.store("worker_scaling", {"seconds": seconds})
            shutil.rmtree(out)
    alone, pair = (statistics.median(seconds[workers]) for workers in ("1", "2"))
    site_years = size.scaling_sites * (size.scaling_years + 1)
    return {
        "ratio": round(alone / pair, 3),
        "seconds": {workers: [round(value, 2) for value in values] for workers, values in seconds.items()},
        "site_years_per_s": {"1": round(site_years / alone, 2), "2": round(site_years / pair, 2)},
        "peak_rss_of_all_processes_mb": round(max(memory), 1) if memory else None,
    }


def _generate(config: Path, out: Path, workers: str) -> float:
    """Run gen_sims; returns the peak of the memory of all its processes together, MB."""
    import psutil

    script = Path(__file__).resolve().parents[1] / "scripts" / "gen_sims.py"
    command = [sys.executable, str(script), "--config", str(config), "--out", str(out), "--workers", workers]
    process = psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    peak = 0.0
    while process.poll() is None:
        total = 0
        try:
            for member in [process, *process.children(recursive=True)]:
                total += member.memory_info().rss
        except psutil.NoSuchProcess:
            pass
        peak = max(peak, total / 2**20)
        time.sleep(0.25)
    printed = process.stderr.read()
    if process.returncode != 0:
        message = f"gen_sims failed: {printed[-1000:]}"
        raise RuntimeError(message)
    return peak


# ---- conservation -------------------------------------------------------------------------------------------------


def conservation(measuring: Measuring) -> dict:
    """Largest error of each balance on any day of any site, over random sites and parameters with extremes.

    Sites have any biome in any climate, parameters any value that the program accepts. Blocks that are done are kept.
    """
    size = measuring.size
    table = parameter_table(measuring.program)
    blocks: dict[str, dict] = (measuring.stored("conservation") or {}).get("blocks", {})
    sites = extreme_sites(size.extreme_sites, SEED)
    parameters = any_parameters(table, size.extreme_sites, SEED)

    def simulate(first: int) -> tuple[int, dict]:
        last = min(first + BLOCK_SITES, size.extreme_sites)
        of_block = {name: values[first:last] for name, values in parameters.items()}
        return first, _balance_of_block(measuring, first, sites.part(first, last), of_block)

    missing = [first for first in range(0, size.extreme_sites, BLOCK_SITES) if str(first) not in blocks]
    with ThreadPoolExecutor(1 if measuring.workers == 1 else 2) as pool:
        for first, record in pool.map(simulate, missing):
            blocks[str(first)] = record
            measuring.store("conservation", {"blocks": blocks})
    completed = [record for record in blocks.values() if "failure" not in record]
    failures = [record["failure"] for record in blocks.values() if "failure" in record]
    worst: dict[str, float] = {}
    for record in completed:
        for name, value in record["balance"].items():
            kind = name.split("_")[0]
            if isinstance(value, int | float):
                worst[kind] = max(worst.get(kind, 0.0), value)
    return worst | {
        "sites": sum(record["sites"] for record in completed),
        "years": size.extreme_years,
        "spinup_years": 2,
        "blocks_with_values_not_finite": sum(bool(record.get("not_finite")) for record in completed),
        "failed_blocks": len(failures),
        "failures": failures[:5],
        "units": {"carbon": "g m-2 day-1", "water": "mm day-1", "energy": "W m-2", "methane": "1",
                  "nitrogen": "g m-2 day-1"},
    }  # fmt: skip


def _balance_of_block(measuring: Measuring, first: int, sites: SiteTable, parameters: dict[str, np.ndarray]) -> dict:
    """Simulate one block; its number of sites, largest errors of balances, and what failed."""
    folder = measuring.work / f"extreme_{first}"
    with NETCDF:
        fsites = write_case_sites(folder, sites, parameters)
    run = run_case(measuring.program, folder, {
        "run_ctl": {"fsites": fsites, "stop_n": measuring.size.extreme_years, "spinup_years": 2, "seed": SEED},
        "hist_nl": {"hist_diagnostics": True},
    })  # fmt: skip
    record = {"sites": len(sites), "balance": run.balance}
    if run.code != 0:
        record["failure"] = f"exit code {run.code}: {run.message}"
    else:
        with NETCDF:
            record["not_finite"] = values_that_are_not_finite(history_path(folder))
    shutil.rmtree(folder)
    return record


# ---- builds -------------------------------------------------------------------------------------------------------


def optimisation(measuring: Measuring) -> dict:
    """Largest relative difference between builds at -O0 and -O2 after a year at a site of each biome."""
    if not measuring.size.builds:
        return {"history": None, "state": None, "reason": "left out by --quick"}
    files = {}
    for level in ("-O0", "-O2"):
        program = build_program(measuring.work / f"build{level}", level)
        files[level] = year_of_all_biomes(program, measuring.work / f"year{level}")
    history, state = (largest_difference(files["-O0"][k], files["-O2"][k]) for k in (0, 1))
    return {
        "history": max(history.values()),
        "state": max(state.values()),
        "state_of": max(state, key=state.get),
        "note": "history is float32 on file; state is the restart file at the year's end, double precision",
    }


# ---- all of it ----------------------------------------------------------------------------------------------------

PARTS: dict[str, Callable[[Measuring], dict]] = {
    "hourly": lambda measuring: speed(measuring, HOUR),
    "daily": lambda measuring: speed(measuring, DAY),
    "block_sizes": block_sizes,
    "worker_scaling": worker_scaling,
    "conservation": conservation,
    "optimisation": optimisation,
}


def machine() -> dict:
    """What the numbers were measured on."""
    model = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = lines[0].partition(":")[2].strip() if lines else model
    compiler = subprocess.run(["gfortran", "--version"], capture_output=True, text=True, check=False)
    return {
        "cpu": model,
        "processors": default_workers(),
        "system": platform.platform(),
        "gfortran": compiler.stdout.splitlines()[0] if compiler.returncode == 0 else None,
        "load_average_at_start": os.getloadavg()[0],
    }


def assemble(parts: dict[str, dict], about: dict) -> dict:
    """The content of the JSON file."""
    blocks, workers = parts["block_sizes"], parts["worker_scaling"]
    content = {
        "hourly": parts["hourly"],
        "daily": parts["daily"],
        "worker_scaling_2": workers["ratio"],
        "mb_per_site": blocks["mb_per_site"],
        "conservation": parts["conservation"],
        "optimisation": parts["optimisation"],
        "block_sizes": blocks,
        "worker_scaling": workers,
    }
    bars = {}
    for name, (sense, bar) in BARS.items():
        value = content
        for key in name.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        if value is None and name == "conservation.nitrogen":
            continue
        met = None if value is None else (value >= bar if sense == ">=" else value <= bar)
        bars[name] = {"value": value, "bar": f"{sense} {bar:g}", "met": met}
    return content | {"bars": bars} | about


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", required=True, type=Path, metavar="FILE", help="file to write")
    parser.add_argument("--quick", action="store_true", help="a few sites for a year, to see that it works")
    parser.add_argument("--workers", type=int, default=2, help="processes of the conservation runs, 1 or 2")
    return parser.parse_args(arguments)


class PartialResults:
    """What is measured already, in a file beside the one to write; anew for another program or another code."""

    def __init__(self, path: Path, identity: dict) -> None:
        self.path = path
        self.content = json.loads(path.read_text()) if path.exists() else {}
        if self.content.get("identity") != identity:
            self.content = {
                "identity": identity, "machine": machine(), "parts": {}, "unfinished": {}, "seconds": {}
            }  # fmt: skip

    def store(self, name: str, part: dict) -> None:
        """Store a part of a measurement that is not finished."""
        self.content["unfinished"][name] = part
        write_json(self.path, self.content)

    def stored(self, name: str) -> dict | None:
        """What is stored of an unfinished measurement."""
        return self.content["unfinished"].get(name)

    def measure_missing(self, measuring: Measuring) -> None:
        """Take every measurement that is not there."""
        for name, measure in PARTS.items():
            if name in self.content["parts"]:
                continue
            begun = time.perf_counter()
            self.content["parts"][name] = measure(measuring)
            self.content["seconds"][name] = round(time.perf_counter() - begun, 1)
            self.content["unfinished"].pop(name, None)
            write_json(self.path, self.content)
            log.info("%s: %.1f s", name, self.content["seconds"][name])


def main(arguments: list[str] | None = None) -> int:
    """Exit code: 0 done, 1 a run of the program failed or a value was not finite."""
    options = parse_arguments(arguments)
    start_logging()
    os.environ["OMP_NUM_THREADS"] = "1"
    program, started = find_program(), time.perf_counter()
    path = options.json.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    identity = {"program_sha256": file_sha256(program), "git_hash": git_hash(), "quick": options.quick}
    partial = PartialResults(path.with_name(path.name + ".partial"), identity)
    with tempfile.TemporaryDirectory(prefix="ecosys_benchmark_") as work:
        size = QUICK if options.quick else FULL
        partial.measure_missing(Measuring(program, size, Path(work), options.workers, partial.store, partial.stored))
    measured = partial.content
    content = assemble(measured["parts"], {
        "quick": options.quick,
        "seed": SEED,
        "created": now(),
        "git_hash": git_hash(),
        "program": program_version(program),
        "versions": library_versions(),
        "machine": measured["machine"],
        "seconds": measured["seconds"] | {"this_session": round(time.perf_counter() - started, 1)},
    })  # fmt: skip
    write_json(path, content)
    partial.path.unlink()
    report(content)
    conserved = content["conservation"]
    failed = conserved["failed_blocks"] or conserved["blocks_with_values_not_finite"]
    return 1 if failed or not all(math.isfinite(conserved.get(name, 0.0)) for name in TOLERANCE) else 0


def report(content: dict) -> None:
    """Log each value beside its bar."""
    for name, row in content["bars"].items():
        state = {True: "met", False: "NOT met", None: "not measured"}[row["met"]]
        value = "-" if row["value"] is None else f"{row['value']:.4g}"
        log.info("%-45s %12s   %-10s %s", name, value, row["bar"], state)


if __name__ == "__main__":
    sys.exit(main())
