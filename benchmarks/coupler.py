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
from pathlib import Path
from typing import Any

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

log = logging.getLogger("benchmarks.coupler")

CELLS = (1, 16, 256, 4096, 65536)
SEED = 1
COUPLED_KIND = "cham_net"


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    cells: tuple[int, ...]
    effort: calls.Effort
    memory_cells: int
    thread_cells: int
    sims: tuple[int, int]
    coupled: tuple[int, int]


FULL = Size(CELLS, calls.Effort(), 65536, 8192, (144, 10), (1000, 10))
QUICK = Size((1, 64), calls.Effort(2, 0.002, 2.0), 256, 128, (24, 6), (4, 1))


@dataclass(frozen=True)
class Bench:
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


def parts(bench: Bench) -> dict[str, Callable[[], Any]]:
    """All measurements in order, by name. The peak is measured often, since other work may run beside it."""
    todo: dict[str, Callable[[], Any]] = {}
    for kind, path in bench.paths.items():
        for cells in bench.size.cells:
            todo[f"calls {kind} {cells}"] = lambda path=path, cells=cells: with_peak(bench, path, cells)
    for kind, path in bench.paths.items():
        todo[f"stub {kind}"] = lambda kind=kind, path=path: stub_calls(bench, kind, path)
        todo[f"start {kind}"] = lambda path=path: start_up(path)
        todo[f"memory {kind}"] = lambda path=path: memory(path, bench.size.memory_cells)
        todo[f"threads {kind}"] = lambda path=path: threads(path, bench.size.thread_cells)
    sites, years = bench.size.coupled
    common = {"sites": sites, "years": years, "seed": SEED}
    program, work = find_program(), bench.work / "coupled"
    todo["coupled process"] = lambda: coupled.run(program, None, work, **common)
    for name, path in bench.coupled_paths.items():
        for dt_call in (3600, 86400):
            todo[f"coupled {name} {dt_call}"] = lambda path=path, dt_call=dt_call: coupled.run(
                program, path, work, dt_call=dt_call, **common
            )
    return todo


def with_peak(bench: Bench, path: Path, cells: int) -> dict[str, Any]:
    """Calls of all backends, and the peak before and after."""
    kernel = compiled.build_peak(bench.work / "compiled")
    before = compiled.measure_peak(kernel)
    found = calls.measure(path, bench.library, cells, bench.size.effort, calls.BACKENDS, SEED)
    return found | {"peak_gflops": max(before, compiled.measure_peak(kernel))}


def stub_calls(bench: Bench, kind: str, path: Path) -> dict[str, Any]:
    """A linear model with the same variables: what the library costs around any network."""
    stub = artefacts.write_stub(bench.work / f"stub_{kind}.pt", path)
    effort = bench.size.effort
    return {str(n): calls.measure(stub, None, n, effort, ("stub",), SEED)["stub"] for n in bench.size.cells}


def start_up(path: Path) -> dict[str, Any]:
    """Best of some fresh processes."""
    found = {}
    for backend in working(path):
        runs = [fresh.measure("start", path, backend) for _ in range(5)]
        found[backend] = min(runs, key=lambda run: run["ms"])
    return found


def memory(path: Path, cells: int) -> dict[str, Any]:
    """A fresh process for each backend."""
    return {backend: fresh.measure("memory", path, backend, cells) for backend in working(path)}


def threads(path: Path, cells: int) -> dict[str, Any]:
    """Two threads over one."""
    return {backend: calls.thread_scaling(path, backend, cells) for backend in working(path)}


def working(path: Path) -> list[str]:
    """Backends that run an artefact here."""
    found = []
    for backend in calls.BACKENDS:
        try:
            Model(path, backend)
        except EcostepError:
            continue
        found.append(backend)
    return found


# ---- all of it ----------------------------------------------------------------------------------------------------


def assemble(done: dict[str, Any], paths: dict[str, Path], size: Size, about: dict[str, Any]) -> dict[str, Any]:
    """The content of the JSON file."""
    peak = max(done[f"calls {kind} {cells}"]["peak_gflops"] for kind in paths for cells in size.cells)
    records, startup, extra, scaling, overhead = [], {}, {}, {}, {}
    for kind in paths:
        for cells in size.cells:
            found = dict(done[f"calls {kind} {cells}"])
            found.pop("peak_gflops")
            found["stub"] = done[f"stub {kind}"][str(cells)]
            for backend, values in found.items():
                rate = values.get("gflops") if backend != "stub" else None
                share = {"fraction_of_peak": rate / peak if rate else None}
                records.append({"model": kind, "backend": backend, "cells": cells, **values, **share})
        startup[kind] = {name: one["ms"] for name, one in done[f"start {kind}"].items()}
        extra[kind] = {name: one["mb"] for name, one in done[f"memory {kind}"].items()}
        scaling[kind] = {name: one["ratio"] for name, one in done[f"threads {kind}"].items()}
        overhead[kind] = done[f"stub {kind}"][str(size.cells[0])]["us_per_call"]
    process = done["coupled process"]
    runs = {name.removeprefix("coupled "): one for name, one in done.items() if name.startswith("coupled ")}
    speedups = {
        name: process["biogeochemistry_cpu_s"] / one["biogeochemistry_cpu_s"]
        for name, one in runs.items()
        if name != "process"
    }
    return {
        "peak_gflops": peak,
        "records": records,
        "startup_ms": startup,
        "extra_mb_at_65536": extra,
        "overhead_us": max(overhead.values()),
        "overhead_us_by_model": overhead,
        "thread_scaling_2": scaling,
        "threads_bitwise": all(one["bitwise"] for kind in paths for one in done[f"threads {kind}"].values()),
        "native_without_libtorch": all(not done[f"start {kind}"].get("native", {}).get("libtorch") for kind in paths),
        "coupled_bgc_speedup": best(speedups, paths),
        "coupled": {"sites": size.coupled[0], "years": size.coupled[1], "runs": runs, "bgc_speedup": speedups},
        "models": {kind: describe(path) for kind, path in paths.items()},
        "details": {
            name: done[name] for name in done if name.split()[0] in ("start", "memory", "threads")
        },
    } | about  # fmt: skip


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
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    size = QUICK if options.quick else FULL
    if options.coupled_size:
        size = replace(size, coupled=tuple(options.coupled_size))
    work = options.work.resolve() / ("quick" if options.quick else "full")
    given = {kind: Path(path).resolve() for kind, _, path in (one.partition("=") for one in options.artefact)}
    sites, years = size.sims
    paths = artefacts.make(work, tuple(options.models), given, sites=sites, years=years)
    kinds = tuple(kind for kind in options.coupled if kind in paths)
    coupled_paths = {kind: paths[kind] for kind in kinds}
    for hidden in options.coupled_hidden:
        found = artefacts.make(work, kinds, {}, sites=sites, years=years, hidden=hidden)
        coupled_paths |= {f"{kind} of {hidden} units": path for kind, path in found.items()}
    identity = {
        "git_hash": git_hash(),
        "quick": options.quick,
        "coupled": list(size.coupled),
        "artefacts": {name: file_sha256(path) for name, path in (paths | coupled_paths).items()},
    }
    target = options.json.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".partial")
    stored = json.loads(partial.read_text()) if partial.exists() else {}
    if stored.get("identity") != identity:
        stored = {"identity": identity, "machine": machine(), "parts": {}, "seconds": {}}
    bench = Bench(size, work, paths, coupled_paths)
    for name, measure in parts(bench).items():
        if name in stored["parts"] or (options.only and not any(name.startswith(one) for one in options.only)):
            continue
        began = time.perf_counter()
        stored["parts"][name] = measure()
        stored["seconds"][name] = round(time.perf_counter() - began, 1)
        atomic_file.write_json(partial, stored)
        log.info("%s: %.1f s", name, stored["seconds"][name])
        if options.only:
            log.info("%s", json.dumps(stored["parts"][name], indent=1))
    if options.only:
        return 0
    content = assemble(stored["parts"], paths, size, {
        "quick": options.quick, "seed": SEED, "created": now(), "git_hash": git_hash(),
        "library": library_version(), "versions": provenance.versions(),
        "machine": stored["machine"] | {"load_average_at_end": os.getloadavg()[0]}, "seconds": stored["seconds"],
    })  # fmt: skip
    content["bars"] = page.bars(content)
    atomic_file.write_json(target, content)
    atomic_file.write_bytes(target.with_suffix(".md"), page.write(content).encode())
    partial.unlink()
    for row in content["bars"]:
        log.info("%-60s %10s   %-10s %s", row["what"], page.number(row["value"]), row["bar"], page.STATE[row["met"]])
    return 0


if __name__ == "__main__":
    sys.exit(main())
