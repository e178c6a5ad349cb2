"""Time of a call, by backend and number of cells, measured in turns with libtorch alone in the same process."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.coupling.compiled import LibtorchHost
from coupler import EcostepError, Model
from coupler.cli.bench import Host

log = logging.getLogger(__name__)

BACKENDS = ("native", "torchscript")
RAW = "libtorch"
DAYS = {"day": (1, 2), "month_end": (1, 31), "year_end": (12, 31)}
"""Dates of the three kinds of day; those after 2 January are ordinary days, up to the 29th."""

SLOW = 0.3
"""Seconds of a call that needs no calls before it to be timed well."""


@dataclass(frozen=True)
class Effort:
    """How long to measure: rounds, seconds of one measurement, seconds of all rounds of a number of cells."""

    rounds: int = 9
    least_s: float = 0.02
    most_s: float = 20.0


def measure(
    path: Path, library: Path | None, cells: int, effort: Effort, backends: tuple[str, ...] = BACKENDS, seed: int = 1
) -> dict[str, dict[str, Any]]:
    """Best times (us) of each backend that works, and of libtorch; ratios are those of the best times.

    library: from `compiled.build_libtorch`; None leaves libtorch out.
    """
    timers: dict[str, Callable[[str, int], float]] = {}
    hosts: dict[str, Host] = {}
    reasons: dict[str, str] = {}
    for name in backends:
        try:
            model = Model(path, name)
        except EcostepError as error:
            reasons[name] = str(error)
            continue
        hosts[name] = Host(model, cells, seed)
        timers[name] = lambda kind, count, host=hosts[name]: host.time(2001, *DAYS[kind], count)
    raw = None
    if library is not None:
        drivers, statics = host_arrays(next(iter(hosts.values())))
        raw = LibtorchHost(library, path, drivers, statics)
        timers[RAW] = lambda kind, count: raw.time(*DAYS[kind], count)
    best = _in_turns(timers, effort)
    if raw is not None:
        raw.close()
    found = {name: _record(times, best.get(RAW)) for name, times in best.items()}
    for name, host in hosts.items():
        flops = getattr(host.model, "flops", 0.0)
        found[name]["flops_per_cell"] = flops or None
    flops = max((one.get("flops_per_cell") or 0.0 for one in found.values()), default=0.0)
    for one in found.values():
        one["gflops"] = flops * cells / one["us_per_call"] * 1e-3 if flops else None
    return found | {name: {"reason": reason} for name, reason in reasons.items()}


def host_arrays(host: Host) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Drivers (N, D) and statics (N, P) of a host, as a caller of libtorch must lay them out."""
    return tuple(np.stack(list(arrays.values()), axis=1) for arrays in (host.drivers, host.statics))


def _in_turns(timers: dict[str, Callable[[str, int], float]], effort: Effort) -> dict[str, dict[str, float]]:
    counts, repeats = {}, {}
    for name, timer in timers.items():
        single = timer("day", 1)
        if single < SLOW:  # torch compiles anew on its first calls
            for kind in DAYS:
                timer(kind, 3 if kind == "day" else 1)
            single = min(timer("day", 1) for _ in range(3))
        counts[name] = int(np.clip(effort.least_s / single, 1, 28))
        repeats[name] = int(np.clip(effort.least_s / (single * counts[name]), 1, 200))
    best = {name: dict.fromkeys(DAYS, np.inf) for name in timers}
    began = time.perf_counter()
    for _ in range(effort.rounds):
        for name, timer in timers.items():
            times = [timer("day", counts[name]) for _repeat in range(repeats[name])]
            best[name]["day"] = min(best[name]["day"], *times)
            for kind in ("month_end", "year_end"):
                best[name][kind] = min(best[name][kind], timer(kind, 1))
        if time.perf_counter() - began > effort.most_s:
            break
    return best


def _record(times: dict[str, float], raw: dict[str, float] | None) -> dict[str, Any]:
    year = _year(times)
    return {
        "us_per_call": 1e6 * times["day"],
        "us_month_end": 1e6 * times["month_end"],
        "us_year_end": 1e6 * times["year_end"],
        "us_mean_of_a_year": 1e6 * year,
        "ratio_to_libtorch": raw["day"] / times["day"] if raw else None,
        "ratio_of_a_year": _year(raw) / year if raw else None,
    }


def _year(times: dict[str, float]) -> float:
    return (353 * times["day"] + 11 * times["month_end"] + times["year_end"]) / 365


def thread_scaling(path: Path, backend: str, cells: int = 8192, rounds: int = 40) -> dict[str, Any]:
    """One thread with all cells over two threads with half of them each, in turns; best times, and equal bits?

    By the clock, so that it means something only where two processors are idle.
    """
    model = Model(path, backend)
    one = Host(model, cells)
    two = [Host(model, cells // 2), Host(model, cells // 2)]
    for host, part in zip(two, (slice(0, cells // 2), slice(cells // 2, cells)), strict=True):
        host.take(one, part)
    count = 3
    best = [np.inf, np.inf]
    for _ in range(rounds):
        began = time.perf_counter()
        one.time(2001, 1, 2, count)
        best[0] = min(best[0], (time.perf_counter() - began) / count)
        barrier = threading.Barrier(3)
        threads = [threading.Thread(target=_wait_and_step, args=(host, barrier, count)) for host in two]
        for thread in threads:
            thread.start()
        began = time.perf_counter()
        barrier.wait()
        for thread in threads:
            thread.join()
        best[1] = min(best[1], (time.perf_counter() - began) / count)
    same = np.array_equal(one.cells.state.view(np.int32), np.concatenate([h.cells.state for h in two]).view(np.int32))
    return {"cells": cells, "one_thread_us": 1e6 * best[0], "two_threads_us": 1e6 * best[1], "ratio": best[0] / best[1],
            "bitwise": bool(same)}  # fmt: skip


def _wait_and_step(host: Host, barrier: threading.Barrier, count: int) -> None:
    barrier.wait()
    host.time(2001, 1, 2, count)
