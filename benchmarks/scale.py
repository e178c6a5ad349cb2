"""Seconds and peak memory of the chain against the number of sites, as one JSON file: see docs/results/README.md.

    python benchmarks/scale.py --json docs/results/scale.json --work /scratch/scale --sites 1000 5000 20000
    python benchmarks/scale.py --json scale.json --work /scratch/scale --only train --sites 20000

Simulated are `--simulated` sites into a Zarr store, by one worker and by two in turn, `--repeats` times each; beside it
stands what two copies of the process model, started alone at once, reach over one: no engine can do better on that
machine. Larger datasets repeat the sites under other names, a little apart, which costs memory and time as other sites
would. Training is one epoch with one window a site. Memory is the anonymous memory of the process (RssAnon), read ten
times a second: pages of the mapped series, which the system takes back when it needs room, do not count in it, and are
given as `peak_rss_mb` with all else. The command goes on where it was stopped; what it has measured it measures again
only when it is taken out of the JSON file.
"""

import argparse
import json
import logging
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # works from a source tree that is not installed

import netCDF4
import numpy as np
import psutil

from benchmarks.machine import processor
from ecosys_sims.ensemble import configuration
from ecosys_sims.ensemble.blocks import SITES, TRUTH, block_namelist
from ecosys_sims.ensemble.configuration import SimulationConfig
from ecosys_sims.formats.site_table import read_site_table, read_true_parameters, write_site_table
from ecosys_sims.program import namelists
from ecosys_sims.program.executable import find_program
from foundations import zarr_dataset
from foundations.atomic_file import write_json
from foundations.provenance import git_hash, now, versions
from foundations.terminal import start_logging

log = logging.getLogger("benchmarks.scale")
ROOT = Path(__file__).resolve().parents[1]
STEPS = ("simulate", "train", "evaluate", "predict")
BLOCK = 16
APART = 0.003
"""Degrees between copies of a site: further than what counts as the same place."""
INPUTS = "[tas, pr, rsds, rlds, vpd, sfcWind, co2, ch4, tsl, mrsos, wtd, snw, lai]"


def simulate(work: Path, sites: int, years: int, workers: int) -> dict[str, float]:
    """Seconds of an ensemble that its workers write into a store: the whole command, inside it, and in blocks."""
    out = work / f"sims_{workers}"
    shutil.rmtree(out, ignore_errors=True)
    config = work / "sims.yaml"
    config.write_text(
        f"sites: {{count: {sites}}}\nperiod: {{start_year: 2001, years: {years}, spinup_years: 1}}\n"
        f"run: {{block_size: {BLOCK}, store: zarr}}\n"
    )
    measured = run([sys.executable, "scripts/gen_sims.py", "--config", config, "--out", out, "--workers", workers])
    summary = json.loads((out / "simulation.json").read_text())
    blocks = {"block_seconds": summary["total"]["block_seconds"], "seconds_inside": summary["seconds"]}
    return {"workers": workers, "sites": sites, "years": years, **measured, **blocks}


def simulate_in_turn(work: Path, sites: int, years: int, repeats: int, results: dict[str, Any], save: Any) -> None:
    """Runs of one worker and of two, each after the other, into `results`, which `save` writes after each."""
    runs = results.setdefault("simulate", [])
    if others := [run for run in runs if (run["sites"], run["years"]) != (sites, years) or "block_seconds" not in run]:
        message = (
            f"the JSON file has simulations of {others[0]['sites']} sites, or older ones; take them out of it first"
        )
        raise SystemExit(message)
    measured = results.get("two_workers_over_one")
    complete = len(runs) >= 2 * repeats and isinstance(measured, dict)
    while len(runs) < 2 * repeats:
        runs.append(simulate(work, sites, years, 1 + len(runs) % 2))
        save()
    if not (work / "sims_1" / "dataset.zarr").exists():
        simulate(work, sites, years, 1)
    if complete:
        return
    ratio = {key: over_one(runs, key) for key in ("seconds", "seconds_inside")}
    results["two_workers_over_one"] = {**ratio, "program_alone": program_alone(work / "sims_1")}
    save()


def over_one(runs: list[dict[str, float]], key: str) -> float:
    """How many times as fast two workers were as one, by medians."""
    single, double = (statistics.median(run[key] for run in runs if run["workers"] == workers) for workers in (1, 2))
    return round(single / double, 3)


def program_alone(simulation: Path, repeats: int = 3) -> float:
    """How much more two copies of the process model do at once than one, a block each, without anything of ours."""
    seconds: dict[int, list[float]] = {1: [], 2: []}
    config = configuration.load(simulation / "config.yaml")
    for _ in range(repeats):
        for copies in (1, 2):
            with tempfile.TemporaryDirectory() as name:
                folders = [Path(name) / str(copy) for copy in range(copies)]
                for folder in folders:
                    _block_to_run(simulation, config, folder)
                started = time.perf_counter()
                program = [str(find_program()), namelists.NAMELIST]
                running = [subprocess.Popen(program, cwd=folder, stdout=subprocess.DEVNULL) for folder in folders]
                if sum(process.wait() != 0 for process in running):  # waits for all of them
                    message = f"{program[0]} failed on a block of {simulation}"
                    raise RuntimeError(message)
                seconds[copies].append(time.perf_counter() - started)
    return round(2.0 * statistics.median(seconds[1]) / statistics.median(seconds[2]), 3)


def _block_to_run(simulation: Path, config: SimulationConfig, folder: Path) -> None:
    folder.mkdir()
    sites = read_site_table(simulation / SITES).part(0, BLOCK)
    write_site_table(folder / namelists.SITE_TABLE, sites, read_true_parameters(simulation / TRUTH, sites.site_id))
    namelists.write_namelist(block_namelist(config), folder / namelists.NAMELIST)


def repeat(source: Path, out: Path, sites: int) -> None:
    """A store of as many sites, which are those of `source` over and over."""
    shutil.rmtree(out, ignore_errors=True)
    partial = out.with_name(out.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    store = zarr_dataset.ZarrDataset(source)
    store.set_auto_mask(False)
    there = store.dimensions["site"].size
    with netCDF4.Dataset("layout.nc", "w", diskless=True) as layout:
        layout.setncatts({name: store.getncattr(name) for name in store.ncattrs()})
        for name, dimension in store.dimensions.items():
            layout.createDimension(name, sites if name == "site" else dimension.size)
        for name, variable in store.variables.items():
            attributes = {key: variable.getncattr(key) for key in variable.ncattrs()}
            fill = attributes.pop("_FillValue", None)
            column = layout.createVariable(name, variable.dtype, variable.dimensions, fill_value=fill)
            column.setncatts(attributes)
            if variable.dimensions != zarr_dataset.SERIES:
                column[...] = _repeated(name, variable[...], variable.dimensions, sites)
        zarr_dataset.create(partial, layout, BLOCK)
    daily = [name for name, variable in store.variables.items() if variable.dimensions == zarr_dataset.SERIES]
    for first in range(0, sites, BLOCK):
        rows = np.arange(first, min(first + BLOCK, sites)) % there
        if len(rows) == BLOCK and rows[0] % BLOCK == 0 and rows[-1] == rows[0] + BLOCK - 1:  # shards as they are
            for name in daily:
                shard = partial / name / "c" / str(first // BLOCK) / "0"
                shard.parent.mkdir(parents=True)
                shutil.copyfile(source / name / "c" / str(rows[0] // BLOCK) / "0", shard)
        else:
            zarr_dataset.write_rows(partial, first, {name: store[name][rows, :] for name in daily})
    zarr_dataset.finish(partial, {})
    partial.rename(out)


def _repeated(name: str, values: np.ndarray, dimensions: tuple[str, ...], sites: int) -> np.ndarray:
    if dimensions[:1] != ("site",):
        return values
    turn, row = np.divmod(np.arange(sites), len(values))
    if name == "site_id":
        return np.array([f"{values[k]}_{n:03d}" for n, k in zip(turn, row, strict=True)], dtype=object)
    return values[row] + APART * turn if name == "lon" else values[row]


def learn(dataset: Path, kind: str, out: Path) -> dict[str, float]:
    """Training of one epoch into a run folder."""
    shutil.rmtree(out, ignore_errors=True)
    settings = {
        "model.kind": kind, "data.path": dataset, "data.inputs": INPUTS,
        "data.targets": "[gpp, ra, rh, nee, fch4]", "model.hidden": 32,
        "training.epochs": 1, "training.windows_per_site": 1, "training.threads": 1, "split.test_years": 2,
    }  # fmt: skip
    changes = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    trained = run([sys.executable, "-m", "emulator.train", "configs/quickstart.yaml", "--out", out, *changes])
    first = json.loads((out / "log.jsonl").read_text().splitlines()[0])
    return {**trained, "epoch_seconds": first["seconds"]}


def apply(verb: str, dataset: Path, out: Path) -> dict[str, float]:
    """Evaluation of the run in `out`, or prediction of all sites and days by it."""
    data = ["--data", dataset, "--out", out / "predicted.nc"] if verb == "predict" else []
    return run([sys.executable, "-m", f"emulator.{verb}", out, *data])


def run(command: list[Any]) -> dict[str, float]:
    """Run a command; seconds, those of processors, and the largest anonymous and resident memory of it all, MB."""
    started, spent = time.perf_counter(), _processor_seconds()
    process = subprocess.Popen([str(word) for word in command], cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"})
    anonymous = resident = 0.0
    while process.poll() is None:
        private, all_pages = _memory(process.pid)
        anonymous, resident = max(anonymous, private), max(resident, all_pages)
        time.sleep(0.1)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    seconds = round(time.perf_counter() - started, 2)
    cpu = round(_processor_seconds() - spent, 2)
    return {
        "seconds": seconds,
        "cpu_seconds": cpu,
        "peak_anonymous_mb": round(anonymous, 1),
        "peak_rss_mb": round(resident, 1),
    }


def _processor_seconds() -> float:
    """Seconds of processors that ended processes of this one have used, theirs with them."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _memory(pid: int) -> tuple[float, float]:
    """Anonymous and resident memory of a process and its children, MB."""
    sizes = {"RssAnon": 0, "VmRSS": 0}
    try:
        processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0, 0.0
    for process in processes:
        try:
            lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
        except OSError:
            continue
        for line in lines:
            key, _, value = line.partition(":")
            if key in sizes:
                sizes[key] += int(value.split()[0])
    return sizes["RssAnon"] / 1e3, sizes["VmRSS"] / 1e3


def measure_sites(options: argparse.Namespace, sites: int, results: dict[str, Any], save: Any) -> None:
    """The steps that are asked for, of one size of dataset, but for those that `results` has."""
    steps = results.setdefault("sites", {}).setdefault(str(sites), {})
    source, dataset = options.work / "sims_1" / "dataset.zarr", options.work / f"sites_{sites}.zarr"
    if not dataset.exists():
        if not source.exists():
            message = f"{source} is missing: begin with --only simulate"
            raise SystemExit(message)
        started = time.perf_counter()
        repeat(source, dataset, sites)
        size_mb = sum(file.stat().st_size for file in dataset.rglob("*") if file.is_file()) / 1e6
        steps["store"] = {"seconds": round(time.perf_counter() - started, 2), "size_mb": round(size_mb, 1)}
        save()
    of_kind = steps if options.kind == "lstm" else steps.setdefault(options.kind, {})
    out = options.work / "models" / f"{dataset.stem}_{options.kind}"
    for step in ("train", "evaluate", "predict"):
        if step not in options.only or (step in of_kind and (step != "train" or out.exists())):
            continue
        if step != "train" and not out.exists():
            message = f"{out} is missing: begin with --only train"
            raise SystemExit(message)
        of_kind[step] = learn(dataset, options.kind, out) if step == "train" else apply(step, dataset, out)
        of_kind[step]["site_years_per_s"] = round(sites * options.years / of_kind[step]["seconds"], 1)
        save()
    log.info("%d sites: %s", sites, steps)


def begin(path: Path) -> dict[str, Any]:
    """What the file has of this machine, with provenance of today."""
    results: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    before = results.get("provenance", {}).get("processor", processor())
    if before != processor():
        message = f"{path}: was measured on {before}, this machine is {processor()}: give another --json"
        raise SystemExit(message)
    results["provenance"] = {
        "created": now(), "git_hash": git_hash(), "processor": processor(), "cpus": os.cpu_count(),
        "versions": versions(("torch", "numpy", "zarr")),
    }  # fmt: skip
    return results


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="folder of datasets and models")
    parser.add_argument("--only", nargs="+", choices=STEPS, default=STEPS, help="steps that are measured, default all")
    parser.add_argument("--sites", type=int, nargs="+", default=[1000, 5000, 20000])
    parser.add_argument("--simulated", type=int, default=640, help="sites that are really simulated")
    parser.add_argument("--repeats", type=int, default=2, help="simulations by one worker, and by two")
    parser.add_argument("--years", type=int, default=10)
    parser.add_argument("--kind", default="lstm", help="model that is trained; others than lstm are kept by name")
    options = parser.parse_args(arguments)
    start_logging()
    options.work.mkdir(parents=True, exist_ok=True)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    results = begin(options.json)
    save = partial(write_json, options.json, results)
    if "simulate" in options.only:
        simulate_in_turn(options.work, options.simulated, options.years, options.repeats, results, save)
    if set(options.only) - {"simulate"}:
        for sites in options.sites:
            measure_sites(options, sites, results, save)
    return 0


if __name__ == "__main__":
    sys.exit(main())
