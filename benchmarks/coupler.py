"""What a call of an exported emulator costs, and what a coupled run gains by it: see docs/results/README.md.

    python benchmarks/coupler.py --json docs/results/coupler.json

Run the same command again after an interruption: what is done is kept in FILE.partial until all is done.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is loaded: one thread for every variant
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # works from a source tree that is not installed

from benchmarks.coupling import artefacts, calls, compiled, coupled, fresh, page
from benchmarks.sims import machine
from coupler import EcostepError, Model, library_version
from coupler.cli.backends import read_metadata
from ecosys_sims.program.executable import find_program
from emulator.runs import provenance
from foundations import atomic_file
from foundations.provenance import file_sha256, git_hash, now
from foundations.terminal import start_logging

log = logging.getLogger("benchmarks.coupler")

CELLS = (1, 16, 256, 4096, 65536)
SEED = 1
COUPLED_KIND = "cham_net"


class Extent(NamedTuple):
    """How much is simulated."""

    sites: int
    years: int


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    cells: tuple[int, ...]
    effort: calls.Effort
    memory_cells: int
    thread_cells: int
    sims: Extent
    coupled: Extent


FULL = Size(CELLS, calls.Effort(), 65536, 8192, Extent(144, 10), Extent(1000, 10))
QUICK = Size((1, 64), calls.Effort(2, 0.002, 2.0), 256, 128, Extent(24, 6), Extent(4, 1))


@dataclass(frozen=True)
class Setup:
    """What every measurement needs."""

    size: Size
    work: Path
    paths: dict[str, Path]
    coupled_paths: dict[str, Path]
    """Artefacts of the coupled runs, by what the tables call them."""

    @property
    def library(self) -> Path:
        """The host that calls libtorch alone."""
        return compiled.build_libtorch(self.work / "compiled")


def parts(setup: Setup) -> dict[str, Callable[[], Any]]:
    """All measurements in order, by name. The peak is measured often, since other work may run beside it."""
    todo: dict[str, Callable[[], Any]] = {}
    for kind, path in setup.paths.items():
        for cells in setup.size.cells:
            todo[f"calls {kind} {cells}"] = partial(with_peak, setup, path, cells)
    for kind, path in setup.paths.items():
        todo[f"stub {kind}"] = partial(stub_calls, setup, kind, path)
        todo[f"start {kind}"] = partial(start_up, path)
        todo[f"memory {kind}"] = partial(memory, path, setup.size.memory_cells)
        todo[f"threads {kind}"] = partial(threads, path, setup.size.thread_cells)
    common = setup.size.coupled._asdict() | {"seed": SEED}
    program, work = find_program(), setup.work / "coupled"
    todo["coupled process"] = partial(coupled.run, program, None, work, **common)
    for name, path in setup.coupled_paths.items():
        for dt_call in (3600, 86400):
            todo[f"coupled {name} {dt_call}"] = partial(coupled.run, program, path, work, dt_call=dt_call, **common)
    return todo


def with_peak(setup: Setup, path: Path, cells: int) -> dict[str, Any]:
    """Calls of all backends, and the peak before and after."""
    kernel = compiled.build_peak(setup.work / "compiled")
    before = compiled.measure_peak(kernel)
    times = calls.measure(path, setup.library, cells, setup.size.effort, calls.BACKENDS, SEED)
    return times | {"peak_gflops": max(before, compiled.measure_peak(kernel))}


def stub_calls(setup: Setup, kind: str, path: Path) -> dict[str, Any]:
    """A linear model with the same variables: what the library costs around any network."""
    stub = artefacts.write_stub(setup.work / f"stub_{kind}.pt", path)
    effort = setup.size.effort
    return {str(n): calls.measure(stub, None, n, effort, ("stub",), SEED)["stub"] for n in setup.size.cells}


def start_up(path: Path) -> dict[str, Any]:
    """Best of some fresh processes."""
    best_runs = {}
    for backend in working(path):
        runs = [fresh.measure("start", path, backend) for _ in range(5)]
        best_runs[backend] = min(runs, key=lambda run: run["ms"])
    return best_runs


def memory(path: Path, cells: int) -> dict[str, Any]:
    """A fresh process for each backend."""
    return {backend: fresh.measure("memory", path, backend, cells) for backend in working(path)}


def threads(path: Path, cells: int) -> dict[str, Any]:
    """Two threads over one."""
    return {backend: calls.thread_scaling(path, backend, cells) for backend in working(path)}


def working(path: Path) -> list[str]:
    """Backends that run an artefact here."""
    backends = []
    for backend in calls.BACKENDS:
        try:
            Model(path, backend)
        except EcostepError:
            continue
        backends.append(backend)
    return backends


# ---- all of it ----------------------------------------------------------------------------------------------------


def assemble(done: dict[str, Any], paths: dict[str, Path], size: Size, about: dict[str, Any]) -> dict[str, Any]:
    """The content of the JSON file; done: measurements by part."""
    peak = max(done[f"calls {kind} {cells}"]["peak_gflops"] for kind in paths for cells in size.cells)
    overhead = {kind: done[f"stub {kind}"][str(size.cells[0])]["us_per_call"] for kind in paths}
    runs = {name.removeprefix("coupled "): run for name, run in done.items() if name.startswith("coupled ")}
    speedups = {
        name: runs["process"]["biogeochemistry_cpu_s"] / run["biogeochemistry_cpu_s"]
        for name, run in runs.items()
        if name != "process"
    }
    return {
        "peak_gflops": peak,
        "records": [record for kind in paths for record in call_records(done, kind, size.cells, peak)],
        "startup_ms": by_backend(done, paths, "start", "ms"),
        "extra_mb_at_65536": by_backend(done, paths, "memory", "mb"),
        "overhead_us": max(overhead.values()),
        "overhead_us_by_model": overhead,
        "thread_scaling_2": by_backend(done, paths, "threads", "ratio"),
        "threads_bitwise": all(run["bitwise"] for kind in paths for run in done[f"threads {kind}"].values()),
        "native_without_libtorch": all(not done[f"start {kind}"].get("native", {}).get("libtorch") for kind in paths),
        "coupled_bgc_speedup": best(speedups, paths),
        "coupled": {**size.coupled._asdict(), "runs": runs, "bgc_speedup": speedups},
        "models": {kind: describe(path) for kind, path in paths.items()},
        "details": {
            name: done[name] for name in done if name.partition(" ")[0] in ("start", "memory", "threads")
        },
    } | about  # fmt: skip


def call_records(done: dict[str, Any], kind: str, cells: Iterable[int], peak: float) -> list[dict[str, Any]]:
    """Times of calls of a model, a record for each number of cells and backend."""
    records = []
    for number in cells:
        times = {name: times for name, times in done[f"calls {kind} {number}"].items() if name != "peak_gflops"}
        times["stub"] = done[f"stub {kind}"][str(number)]
        for backend, values in times.items():
            rate = values.get("gflops") if backend != "stub" else None
            share = {"fraction_of_peak": rate / peak if rate else None}
            records.append({"model": kind, "backend": backend, "cells": number, **values, **share})
    return records


def by_backend(done: dict[str, Any], kinds: Iterable[str], part: str, key: str) -> dict[str, dict[str, float]]:
    """A value of a part, by model and backend."""
    return {kind: {name: run[key] for name, run in done[f"{part} {kind}"].items()} for kind in kinds}


def best(speedups: dict[str, float], names: Iterable[str]) -> float | None:
    """The largest of the coupled runs of these networks, called every hour or once a day."""
    return max((ratio for run, ratio in speedups.items() if run.rsplit(" ", 1)[0] in names), default=None)


def describe(path: Path) -> dict[str, Any]:
    """What was timed."""
    about = read_metadata(path)
    return {
        "state_size": about["state_size"], "inputs": len(about["inputs"]), "statics": len(about["statics"]),
        "targets": len(about["targets"]), "backends": about["backends"], "sha256": file_sha256(path),
        "bytes": path.stat().st_size, "past_flux": about["past_flux"],
    }  # fmt: skip


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--json", required=True, type=Path, metavar="FILE", help="file to write, with a table beside it"
    )
    parser.add_argument("--artefact", action="append", default=[], metavar="KIND=FILE", help="time this artefact")
    parser.add_argument(
        "--models", nargs="+", choices=artefacts.KINDS, default=list(artefacts.KINDS), help="only these"
    )
    parser.add_argument("--coupled", nargs="*", choices=artefacts.KINDS, default=[COUPLED_KIND],
                        help=f"models of coupled runs (default {COUPLED_KIND})")  # fmt: skip
    parser.add_argument("--coupled-hidden", nargs="*", type=int, default=[], metavar="UNITS",
                        help="coupled runs of these models with so many hidden units, too")  # fmt: skip
    parser.add_argument("--coupled-size", nargs=2, type=int, metavar=("SITES", "YEARS"), help="default 1000 10")
    parser.add_argument("--work", type=Path, default=Path("runs/benchmark/coupler"), metavar="DIR",
                        help="artefacts made for the benchmark, which are kept, and its files")  # fmt: skip
    parser.add_argument(
        "--only", nargs="+", metavar="WORD", help="parts that begin so, for example 'calls lstm'; no file"
    )
    parser.add_argument("--quick", action="store_true", help="a few calls of each, to see that it works")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0: all was measured; bars that are missed are in the file, and do not change it."""
    options = parse_arguments(arguments)
    start_logging()
    size = QUICK if options.quick else FULL
    if options.coupled_size:
        size = replace(size, coupled=Extent(*options.coupled_size))
    setup = make_setup(options, size)
    target = options.json.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(target.name + ".partial")
    stored = measure_parts(setup, options, unfinished)
    if options.only:
        return 0
    content = assemble(stored["parts"], setup.paths, size, {
        "quick": options.quick, "seed": SEED, "created": now(), "git_hash": git_hash(),
        "library": library_version(), "versions": provenance.versions(),
        "machine": stored["machine"] | {"load_average_at_end": os.getloadavg()[0]}, "seconds": stored["seconds"],
    })  # fmt: skip
    content["bars"] = page.bars(content)
    atomic_file.write_json(target, content)
    atomic_file.write_text(target.with_suffix(".md"), page.write(content))
    unfinished.unlink()
    for row in content["bars"]:
        log.info("%-60s %10s   %-10s %s", row["what"], page.number(row["value"]), row["bar"], page.STATE[row["met"]])
    return 0


def make_setup(options: argparse.Namespace, size: Size) -> Setup:
    """Artefacts, made where they are missing."""
    work = options.work.resolve() / ("quick" if options.quick else "full")
    exported = {}
    for word in options.artefact:
        kind, _, path = word.partition("=")
        exported[kind] = Path(path).resolve()
    paths = artefacts.make(work, tuple(options.models), exported, **size.sims._asdict())
    kinds = tuple(kind for kind in options.coupled if kind in paths)
    coupled_paths = {kind: paths[kind] for kind in kinds}
    for hidden in options.coupled_hidden:
        resized = artefacts.make(work, kinds, {}, **size.sims._asdict(), hidden=hidden)
        coupled_paths |= {f"{kind} of {hidden} units": path for kind, path in resized.items()}
    return Setup(size, work, paths, coupled_paths)


def measure_parts(setup: Setup, options: argparse.Namespace, unfinished: Path) -> dict[str, Any]:
    """Measure what `unfinished`, a file, does not hold yet, and keep each part there; returns its content."""
    identity = {
        "git_hash": git_hash(),
        "quick": options.quick,
        "coupled": list(setup.size.coupled),
        "artefacts": {name: file_sha256(path) for name, path in (setup.paths | setup.coupled_paths).items()},
    }
    stored = json.loads(unfinished.read_text()) if unfinished.exists() else {}
    if stored.get("identity") != identity:
        stored = {"identity": identity, "machine": machine(), "parts": {}, "seconds": {}}
    for name, measure in parts(setup).items():
        if name in stored["parts"] or (options.only and not name.startswith(tuple(options.only))):
            continue
        began = time.perf_counter()
        stored["parts"][name] = measure()
        stored["seconds"][name] = round(time.perf_counter() - began, 1)
        atomic_file.write_json(unfinished, stored)
        log.info("%s: %.1f s", name, stored["seconds"][name])
        if options.only:
            log.info("%s", json.dumps(stored["parts"][name], indent=1))
    return stored


if __name__ == "__main__":
    sys.exit(main())
