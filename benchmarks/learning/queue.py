"""Runs shared among processes: each takes the first run of the plan that is not done and whose training nobody holds.

A claim is a lock on a file, which the system frees when its holder ends, however it ends; so a run whose process was
killed is simply taken again, and its training goes on from its last checkpoint.
"""

import fcntl
import logging
import os
import signal
import subprocess
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from benchmarks.learning.plan import Run
from benchmarks.learning.runner import Bench, execute, has_result, read_result
from emulator.training.trainer import Interrupted
from foundations import atomic_file

log = logging.getLogger("benchmarks.models")

ATTEMPTS = 2
"""Times that a run may take its process down with it before it counts as failed."""
POLL_S = 0.5
REPORT_S = 5.0


@contextmanager
def claimed(folder: Path, name: str) -> Iterator[bool]:
    """Hold the claim `name` if nobody else does; gives whether it is held."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / f"{name}.lock", "a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def work(runs: Sequence[Run], bench: Bench, since: float, parent: int | None = None) -> None:
    """Do runs until none is left, or until the process `parent`, which started this one, is gone.

    A run that failed before the time `since` is tried again.
    """
    while run_and_claim := next_run(runs, bench, since, parent):
        run, claim = run_and_claim
        with claim:
            _note(bench, run)
            try:
                execute(run, bench)
            except (Interrupted, KeyboardInterrupt):
                raise
            except Exception:
                log.debug("%s failed", run.name, exc_info=True)
                record_failure(run, bench, traceback.format_exc())
            finally:
                _note(bench, None)


def next_run(runs: Sequence[Run], bench: Bench, since: float, parent: int | None):
    """The next run and its claim, held; None where nothing is left to take."""
    for run in runs:
        if parent is not None and os.getppid() != parent:
            return None
        if is_settled(run, bench, since):
            continue
        claim = claimed(bench.work / "claims", bench.training_key(run))
        held = claim.__enter__()
        if held and not is_settled(run, bench, since):
            return run, _Held(claim)
        claim.__exit__(None, None, None)
    return None


class _Held:
    """A claim that is held already, to be let go at the end of a `with`."""

    def __init__(self, claim) -> None:
        self.claim = claim

    def __enter__(self) -> None:
        return None

    def __exit__(self, *details) -> None:
        self.claim.__exit__(None, None, None)


def is_settled(run: Run, bench: Bench, since: float) -> bool:
    """Whether a run is done, or has failed since the time `since`."""
    path = bench.result(run)
    return has_result(run, bench) or (path.exists() and path.stat().st_mtime >= since)


def record_failure(run: Run, bench: Bench, error: str) -> None:
    """Write the error in the place of a result."""
    atomic_file.write_json(bench.result(run), {"key": bench.key(run), "run": asdict(run), "error": error})


def _note(bench: Bench, run: Run | None) -> None:
    """Leave word of what this process is doing, for the one that watches it."""
    path = bench.work / "claims" / f"process-{os.getpid()}"
    if run is None:
        path.unlink(missing_ok=True)
    else:
        path.write_text(bench.key(run))


# ---- processes ----------------------------------------------------------------------------------------------------


class Crew:
    """Worker processes, started anew where one dies, and the progress that is printed meanwhile."""

    def __init__(self, command: list[str], runs: Sequence[Run], bench: Bench, workers: int, since: float) -> None:
        """command: starts one worker on the same plan."""
        self.command, self.runs, self.bench, self.since = command, runs, bench, since
        self.progress = Progress(runs, bench, workers)
        self.processes: list[subprocess.Popen] = []
        self.deaths: Counter[str] = Counter()
        self.workers = workers

    def run(self) -> None:
        """Until all runs are settled; SIGTERM and Ctrl-C are passed on to the workers."""
        (self.bench.work / "logs").mkdir(parents=True, exist_ok=True)
        former = {number: signal.signal(number, self._stop) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            self.processes = [self._start(number) for number in range(self.workers)]
            reported = time.monotonic()
            while self.processes:
                time.sleep(POLL_S)
                if time.monotonic() - reported > REPORT_S:
                    self.progress.report(self.since)
                    reported = time.monotonic()
                self.processes = [alive for process in self.processes if (alive := self._check(process))]
            self.progress.report(self.since)
        finally:
            for process in self.processes:
                process.terminate()
            for process in self.processes:
                process.wait()
            for number, handler in former.items():
                signal.signal(number, handler)

    def _start(self, number: int) -> subprocess.Popen:
        path = self.bench.work / "logs" / f"worker-{number}.log"
        environment = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "TQDM_DISABLE": "1"}
        with open(path, "a") as file:
            process = subprocess.Popen(
                self.command, stdout=file, stderr=subprocess.STDOUT, env=environment, start_new_session=True
            )
        process.number = number  # type: ignore[attr-defined]
        return process

    def _check(self, process: subprocess.Popen) -> subprocess.Popen | None:
        """The process, or another in its place if it died, or None if it ended."""
        status = process.poll()
        if status is None:
            return process
        note = self.bench.work / "claims" / f"process-{process.pid}"
        if status == 0:
            return None
        key = note.read_text() if note.exists() else ""
        note.unlink(missing_ok=True)
        self.deaths[key] += 1
        log.warning("a worker died (exit status %d) on %s", status, key or "no run")
        if self.deaths[key] >= ATTEMPTS:
            for run in self.runs:
                if self.bench.key(run) == key:
                    record_failure(run, self.bench, f"its process died {ATTEMPTS} times, exit status {status}")
            if not key:
                return None
        return self._start(process.number)  # type: ignore[attr-defined]

    def _stop(self, number: int, frame: object) -> None:
        raise Interrupted(number)


class Progress:
    """Prints what was done and how long the rest will take."""

    def __init__(self, runs: Sequence[Run], bench: Bench, workers: int) -> None:
        self.runs, self.bench, self.workers = runs, bench, max(1, workers)
        self.done = {run for run in runs if has_result(run, bench)}
        self.failed: set[Run] = set()
        self.seconds = {run: read_result(bench.result(run))["seconds"] for run in self.done}
        if self.done:
            log.info("%d of %d runs are done already", len(self.done), len(runs))

    def report(self, since: float) -> None:
        """Log the runs that have been settled since the last call."""
        for run in self.runs:
            if run in self.done or run in self.failed or not is_settled(run, self.bench, since):
                continue
            result = read_result(self.bench.result(run))
            if "error" in result:
                self.failed.add(run)
                log.error("%s failed: %s", run.name, result["error"].strip().splitlines()[-1])
                continue
            self.done.add(run)
            self.seconds[run] = result["seconds"]
            log.info(
                "%d/%d %s: %s; %.0f s; about %s left",
                len(self.done), len(self.runs), run.name, _skill(result), result["seconds"], self.remaining(),
            )  # fmt: skip

    def remaining(self) -> str:
        """Time for the runs that are left, from the mean time of runs of the same kind."""
        by_kind: dict[tuple, list[float]] = {}
        for run, seconds in self.seconds.items():
            by_kind.setdefault((run.kind, run.task), []).append(seconds)
        overall = sum(self.seconds.values()) / max(1, len(self.seconds))
        left = 0.0
        for run in self.runs:
            if run not in self.done and run not in self.failed:
                known = by_kind.get((run.kind, run.task))
                left += sum(known) / len(known) if known else overall
        minutes = left / self.workers / 60.0
        return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"


def _skill(result: dict) -> str:
    """Median-site and pooled R2 of the first record of each split."""
    first = {}
    for record in result["records"]:
        first.setdefault(record["split"], record)
    return ", ".join(f"{split} R2 {_short(record['r2'])}" for split, record in first.items())


def _short(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"


def worker_command(script: Path, arguments: Sequence[str]) -> list[str]:
    """How a worker is started: the same command with the process that waits for it."""
    return [sys.executable, str(script), *arguments, "--worker-of", str(os.getpid())]
