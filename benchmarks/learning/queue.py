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
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from benchmarks.learning.plan import Run
from benchmarks.learning.runner import execute
from benchmarks.learning.workspace import Workspace, read_result
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
    with (folder / f"{name}.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def work(runs: Sequence[Run], workspace: Workspace, since: float, parent: int | None = None) -> None:
    """Do runs until none is left, or until the process `parent`, which started this one, is gone.

    A run that failed before the time `since` is tried again.
    """
    while run_and_claim := next_run(runs, workspace, since, parent):
        run, claim = run_and_claim
        with claim:
            _note(workspace, run)
            try:
                execute(run, workspace)
            except (Interrupted, KeyboardInterrupt):
                raise
            except Exception:
                log.debug("%s failed", run.name, exc_info=True)
                record_failure(run, workspace, traceback.format_exc())
            finally:
                _note(workspace, None)


def next_run(
    runs: Sequence[Run], workspace: Workspace, since: float, parent: int | None
) -> tuple[Run, AbstractContextManager[Any]] | None:
    """The next run and its claim, held; None where nothing is left to take."""
    for run in runs:
        if parent is not None and os.getppid() != parent:
            return None
        if is_settled(run, workspace, since):
            continue
        with ExitStack() as claim:
            held = claim.enter_context(claimed(workspace.claims, workspace.training_key(run)))
            if held and not is_settled(run, workspace, since):
                return run, claim.pop_all()
    return None


def is_settled(run: Run, workspace: Workspace, since: float) -> bool:
    """Whether a run is done, or has failed since the time `since`."""
    path = workspace.result(run)
    return workspace.has_result(run) or (path.exists() and path.stat().st_mtime >= since)


def record_failure(run: Run, workspace: Workspace, error: str) -> None:
    """Write the error in the place of a result."""
    atomic_file.write_json(workspace.result(run), {"key": workspace.key(run), "run": asdict(run), "error": error})


def _note(workspace: Workspace, run: Run | None) -> None:
    """Leave word of what this process is doing, for the one that watches it."""
    path = workspace.claims / f"process-{os.getpid()}"
    if run is None:
        path.unlink(missing_ok=True)
    else:
        path.write_text(workspace.key(run))


# ---- processes ----------------------------------------------------------------------------------------------------


@dataclass
class Worker:
    """A process of the crew; number: of its log."""

    number: int
    process: subprocess.Popen[bytes]


class Crew:
    """Worker processes, started anew where one dies, and the progress that is printed meanwhile."""

    def __init__(self, command: list[str], runs: Sequence[Run], workspace: Workspace, size: int, since: float) -> None:
        """command: starts one worker on the same plan; size: number of workers."""
        self.command, self.runs, self.workspace, self.since = command, runs, workspace, since
        self.progress = Progress(runs, workspace, size)
        self.workers: list[Worker] = []
        self.deaths: Counter[str] = Counter()
        self.size = size

    def run(self) -> None:
        """Until all runs are settled; SIGTERM and Ctrl-C are passed on to the workers."""
        (self.workspace.work / "logs").mkdir(parents=True, exist_ok=True)
        former = {number: signal.signal(number, self._stop) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            self.workers = [self._start(number) for number in range(self.size)]
            reported = time.monotonic()
            while self.workers:
                time.sleep(POLL_S)
                if time.monotonic() - reported > REPORT_S:
                    self.progress.report(self.since)
                    reported = time.monotonic()
                self.workers = [alive for worker in self.workers if (alive := self._revived(worker))]
            self.progress.report(self.since)
        finally:
            for worker in self.workers:
                worker.process.terminate()
            for worker in self.workers:
                worker.process.wait()
            for number, handler in former.items():
                signal.signal(number, handler)

    def _start(self, number: int) -> Worker:
        path = self.workspace.work / "logs" / f"worker-{number}.log"
        environment = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "TQDM_DISABLE": "1"}
        with path.open("a") as file:
            process = subprocess.Popen(
                self.command, stdout=file, stderr=subprocess.STDOUT, env=environment, start_new_session=True
            )
        return Worker(number, process)

    def _revived(self, worker: Worker) -> Worker | None:
        """The worker, or another in its place if it died, or None if it ended."""
        status = worker.process.poll()
        if status is None:
            return worker
        note = self.workspace.claims / f"process-{worker.process.pid}"
        if status == 0:
            return None
        key = note.read_text() if note.exists() else ""
        note.unlink(missing_ok=True)
        self.deaths[key] += 1
        log.warning("a worker died (exit status %d) on %s", status, key or "no run")
        if self.deaths[key] >= ATTEMPTS:
            for run in self.runs:
                if self.workspace.key(run) == key:
                    record_failure(run, self.workspace, f"its process died {ATTEMPTS} times, exit status {status}")
            if not key:
                return None
        return self._start(worker.number)

    def _stop(self, signal_number: int, _frame: FrameType | None) -> None:
        raise Interrupted(signal_number)


class Progress:
    """Prints what was done and how long the rest will take."""

    def __init__(self, runs: Sequence[Run], workspace: Workspace, workers: int) -> None:
        self.runs, self.workspace, self.workers = runs, workspace, max(1, workers)
        self.done = {run for run in runs if workspace.has_result(run)}
        self.failed: set[Run] = set()
        self.seconds = {run: read_result(workspace.result(run))["seconds"] for run in self.done}
        if self.done:
            log.info("%d of %d runs are done already", len(self.done), len(runs))

    def report(self, since: float) -> None:
        """Log the runs that have been settled since the last call."""
        for run in self.runs:
            if run in self.done or run in self.failed or not is_settled(run, self.workspace, since):
                continue
            result = read_result(self.workspace.result(run))
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
        by_kind: dict[tuple[str, str], list[float]] = {}
        for run, seconds in self.seconds.items():
            by_kind.setdefault((run.kind, run.task), []).append(seconds)
        overall = sum(self.seconds.values()) / max(1, len(self.seconds))
        left = 0.0
        for run in self.runs:
            if run not in self.done and run not in self.failed:
                alike = by_kind.get((run.kind, run.task))
                left += sum(alike) / len(alike) if alike else overall
        minutes = left / self.workers / 60.0
        return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"


def _skill(result: dict[str, Any]) -> str:
    """Median-site and pooled R2 of the first record of each split."""
    first_of_split: dict[str, dict[str, Any]] = {}
    for record in result["records"]:
        first_of_split.setdefault(record["split"], record)
    return ", ".join(f"{split} R2 {_short(record['r2'])}" for split, record in first_of_split.items())


def _short(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"


def worker_command(script: Path, arguments: Sequence[str]) -> list[str]:
    """How a worker is started: the same command with the process that waits for it."""
    return [sys.executable, str(script), *arguments, "--worker-of", str(os.getpid())]
