"""Time of a call, by backend and number of cells, measured in turns with libtorch alone in the same process."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.coupling.compiled import LibtorchHost
from coupler import EcostepError, Model
from coupler.cli.bench import Host

log = logging.getLogger(__name__)

BACKENDS = ("native", "torchscript")
RAW = "libtorch"
YEAR = 2001


class Date(NamedTuple):
    """A day of YEAR."""

    month: int
    day: int


DAYS = {"day": Date(1, 2), "month_end": Date(1, 31), "year_end": Date(12, 31)}
"""Dates of the three kinds of day; those after 2 January are ordinary days, up to the 29th."""

SLOW = 0.3
"""Seconds of a call that needs no calls before it to be timed well."""
THREAD_CALLS = 3
"""Calls of one measurement of threads."""


Timer = Callable[[str, int], float]
"""Seconds of a call on a kind of day, mean over a number of calls."""


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
    hosts, reasons = _hosts(path, cells, backends, seed)
    timers = {name: _timer(host) for name, host in hosts.items()}
    raw = None
    if library is not None:
        drivers, statics = host_arrays(next(iter(hosts.values())))
        raw = LibtorchHost(library, path, drivers, statics)
        timers[RAW] = _raw_timer(raw)
    best = _in_turns(timers, effort)
    if raw is not None:
        raw.close()
    records = {name: _record(times, best.get(RAW)) for name, times in best.items()}
    for name, host in hosts.items():
        records[name]["flops_per_cell"] = getattr(host.model, "flops", 0.0) or None
    flops = max((record.get("flops_per_cell") or 0.0 for record in records.values()), default=0.0)
    for record in records.values():
        record["gflops"] = flops * cells / record["us_per_call"] * 1e-3 if flops else None
    return records | {name: {"reason": reason} for name, reason in reasons.items()}


def _hosts(path: Path, cells: int, backends: Sequence[str], seed: int) -> tuple[dict[str, Host], dict[str, str]]:
    """Hosts of the backends that work, and why the others do not."""
    hosts: dict[str, Host] = {}
    reasons: dict[str, str] = {}
    for name in backends:
        try:
            model = Model(path, name)
        except EcostepError as error:
            reasons[name] = str(error)
        else:
            hosts[name] = Host(model, cells, seed)
    return hosts, reasons


def _timer(host: Host) -> Timer:
    return lambda kind, count: host.time(YEAR, *DAYS[kind], count)


def _raw_timer(raw: LibtorchHost) -> Timer:
    return lambda kind, count: raw.time(*DAYS[kind], count)


def host_arrays(host: Host) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Drivers (N, D) and statics (N, P) of a host, as a caller of libtorch must lay them out."""
    drivers, statics = (np.stack(list(arrays.values()), axis=1) for arrays in (host.drivers, host.statics))
    return drivers, statics


def _in_turns(timers: dict[str, Timer], effort: Effort) -> dict[str, dict[str, float]]:
    counts: dict[str, int] = {}
    repeats: dict[str, int] = {}
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
            times = [timer("day", counts[name]) for _ in range(repeats[name])]
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
    whole, halves = Host(model, cells), [Host(model, cells // 2), Host(model, cells // 2)]
    for host, part in zip(halves, (slice(0, cells // 2), slice(cells // 2, cells)), strict=True):
        host.take(whole, part)
    one_thread, two_threads = np.inf, np.inf
    for _ in range(rounds):
        began = time.perf_counter()
        whole.time(YEAR, *DAYS["day"], THREAD_CALLS)
        one_thread = min(one_thread, (time.perf_counter() - began) / THREAD_CALLS)
        two_threads = min(two_threads, _time_together(halves) / THREAD_CALLS)
    state = np.concatenate([host.cells.state for host in halves])
    return {
        "cells": cells,
        "one_thread_us": 1e6 * one_thread,
        "two_threads_us": 1e6 * two_threads,
        "ratio": one_thread / two_threads,
        "bitwise": bool(np.array_equal(whole.cells.state.view(np.int32), state.view(np.int32))),
    }


def _time_together(hosts: Sequence[Host]) -> float:
    """Seconds of THREAD_CALLS calls of each host, every host in a thread of its own."""
    barrier = threading.Barrier(len(hosts) + 1)
    threads = [threading.Thread(target=_wait_and_step, args=(host, barrier)) for host in hosts]
    for thread in threads:
        thread.start()
    began = time.perf_counter()
    barrier.wait()
    for thread in threads:
        thread.join()
    return time.perf_counter() - began


def _wait_and_step(host: Host, barrier: threading.Barrier) -> None:
    barrier.wait()
    host.time(YEAR, *DAYS["day"], THREAD_CALLS)
