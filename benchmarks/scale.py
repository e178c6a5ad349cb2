"""Seconds and peak memory of the chain against the number of sites, as one JSON file: see docs/results/README.md.

    python benchmarks/scale.py --json docs/results/scale.json --work /scratch/scale --sites 1000 5000 20000

Simulated are `--simulated` sites into a Zarr store, by one worker and by two; larger datasets repeat them under other
names, a little apart, which costs memory and time as other sites would. Training is one epoch with one window a site.
Memory is the anonymous memory of the process (RssAnon), read ten times a second: pages of the mapped series, which the
system takes back when it needs room, do not count in it, and are given as `peak_rss_mb` with all else. The command goes
on where it was stopped.
"""

import argparse
import json
import logging
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # works from a source tree that is not installed

import netCDF4
import numpy as np
import psutil

from benchmarks.machine import processor
from foundations import zarr_dataset
from foundations.atomic_file import write_json
from foundations.provenance import git_hash, now, versions
from foundations.terminal import start_logging

log = logging.getLogger("benchmarks.scale")
ROOT = Path(__file__).resolve().parents[1]
BLOCK = 16
APART = 0.003
"""Degrees between copies of a site: further than what counts as the same place."""
INPUTS = "[tas, pr, rsds, rlds, vpd, sfcWind, co2, ch4, tsl, mrsos, wtd, snw, lai]"


def simulate(work: Path, sites: int, years: int, workers: int) -> dict[str, float]:
    """Seconds and site-years a second of an ensemble that its workers write into a store."""
    out = work / f"sims_{workers}"
    shutil.rmtree(out, ignore_errors=True)
    config = work / "sims.yaml"
    config.write_text(
        f"sites: {{count: {sites}}}\nperiod: {{start_year: 2001, years: {years}, spinup_years: 1}}\n"
        f"run: {{block_size: {BLOCK}, store: zarr}}\n"
    )
    measured = run([sys.executable, "scripts/gen_sims.py", "--config", config, "--out", out, "--workers", workers])
    summary = json.loads((out / "simulation.json").read_text())
    return {"workers": workers, "sites": sites, "years": years, **measured, "seconds_inside": summary["seconds"]}


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
    for first in range(0, sites, BLOCK):
        rows = np.arange(first, min(first + BLOCK, sites)) % there
        series = {
            name: variable[rows, :] for name, variable in store.variables.items()
            if variable.dimensions == zarr_dataset.SERIES
        }  # fmt: skip
        zarr_dataset.write_rows(partial, first, series)
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
    """Run a command; seconds, and the largest anonymous and resident memory of all its processes together, MB."""
    started = time.perf_counter()
    process = subprocess.Popen([str(word) for word in command], cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"})
    anonymous = resident = 0.0
    while process.poll() is None:
        own, all_pages = _memory(process.pid)
        anonymous, resident = max(anonymous, own), max(resident, all_pages)
        time.sleep(0.1)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    seconds = round(time.perf_counter() - started, 2)
    return {"seconds": seconds, "peak_anonymous_mb": round(anonymous, 1), "peak_rss_mb": round(resident, 1)}


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


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="folder of datasets and models")
    parser.add_argument("--sites", type=int, nargs="+", default=[1000, 5000, 20000])
    parser.add_argument("--simulated", type=int, default=320, help="sites that are really simulated")
    parser.add_argument("--years", type=int, default=10)
    parser.add_argument("--kind", default="lstm", help="model that is trained")
    options = parser.parse_args(arguments)
    start_logging()
    options.work.mkdir(parents=True, exist_ok=True)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    results: dict[str, Any] = json.loads(options.json.read_text()) if options.json.exists() else {}
    results["provenance"] = {
        "created": now(), "git_hash": git_hash(), "processor": processor(), "cpus": os.cpu_count(),
        "versions": versions(("torch", "numpy", "zarr")),
    }  # fmt: skip
    source = options.work / "sims_2" / "dataset.zarr"
    if "simulate" not in results or not source.exists():
        size = (options.work, options.simulated, options.years)
        results["simulate"] = [simulate(*size, workers) for workers in (1, 2)]
        results["two_workers_over_one"] = results["simulate"][0]["seconds"] / results["simulate"][1]["seconds"]
        write_json(options.json, results)
    for sites in options.sites:
        steps = results.setdefault("sites", {}).setdefault(str(sites), {})
        dataset = options.work / f"sites_{sites}.zarr"
        if "store" not in steps or not dataset.exists():
            started = time.perf_counter()
            repeat(source, dataset, sites)
            size_mb = sum(file.stat().st_size for file in dataset.rglob("*") if file.is_file()) / 1e6
            steps["store"] = {"seconds": round(time.perf_counter() - started, 2), "size_mb": round(size_mb, 1)}
            write_json(options.json, results)
        out = options.work / "models" / f"{dataset.stem}_{options.kind}"
        for step in ("train", "evaluate", "predict"):
            if step in steps and (step != "train" or out.exists()):
                continue
            steps[step] = learn(dataset, options.kind, out) if step == "train" else apply(step, dataset, out)
            steps[step]["site_years_per_s"] = round(sites * options.years / steps[step]["seconds"], 1)
            write_json(options.json, results)
        log.info("%d sites: %s", sites, steps)
    return 0


if __name__ == "__main__":
    sys.exit(main())
