"""Runs blocks of sites on Dask: a local cluster, or the user's own by the address of its scheduler."""

import logging
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from distributed import Client, KilledWorker, LocalCluster, as_completed
from tqdm import tqdm

from ecosys_sims.ensemble.blocks import BlockRecord, BlockTask, DiskFullError, run_block
from ecosys_sims.program.executable import UNKNOWN_KEY, ModelError

log = logging.getLogger(__name__)

SCRATCH = ".dask"
CONNECT_SECONDS = 30
FAILURES_SHOWN = 3


class EnsembleError(RuntimeError):
    """Some blocks failed or the cluster cannot be used; the message says which, why, and what to do."""


def default_workers() -> int:
    """As many as this process may use processors."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_blocks(
    tasks: list[BlockTask], out: Path, workers: int | None = None, scheduler: str | None = None
) -> list[BlockRecord]:
    """Simulate all blocks; returns their records in the order of completion.

    A worker that dies is replaced and its block done again. A block that fails does not stop the others, unless the
    reason is one that they share. Raises EnsembleError or DiskFullError.
    """
    if not tasks:
        return []
    workers = min(workers or default_workers(), len(tasks))
    with _client(out, workers, scheduler) as client:
        _check_workers(client, tasks[0], scheduler)
        return _gather(client, tasks)


@contextmanager
def _client(out: Path, workers: int, scheduler: str | None) -> Iterator[Client]:
    if scheduler is not None:
        if not scheduler.strip():
            message = "the address of the scheduler is empty; give one such as tcp://host:8786, or leave it out"
            raise EnsembleError(message)
        try:
            client = Client(scheduler, timeout=CONNECT_SECONDS)
        except (OSError, ValueError) as error:
            message = f"no Dask scheduler answers at {scheduler}: {error}"
            raise EnsembleError(message) from error
        with client:
            yield client
        return
    scratch = out / SCRATCH
    shutil.rmtree(scratch, ignore_errors=True)
    try:
        with (
            LocalCluster(
                n_workers=workers, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0",
                memory_limit=0, local_directory=str(scratch), silence_logs=logging.CRITICAL,
            ) as cluster,
            Client(cluster) as client,
        ):  # fmt: skip
            yield client
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def missing_at_worker(out: str, program: str) -> str | None:
    """Runs on each worker: what it lacks, or None."""
    if not Path(out).is_dir():
        return f"{socket.gethostname()} does not see {out}; --out must lie on a file system that all workers share"
    if not os.access(program, os.X_OK):
        return f"{socket.gethostname()} has no executable {program}; install ecostep at the same path on all nodes"
    return None


def _check_workers(client: Client, task: BlockTask, scheduler: str | None) -> None:
    """Find out before the work starts whether the workers can do it."""
    try:
        client.wait_for_workers(1, timeout=CONNECT_SECONDS)
    except TimeoutError as error:
        message = f"the scheduler at {scheduler or 'this machine'} has no workers; start some"
        raise EnsembleError(message) from error
    try:
        answers = client.run(missing_at_worker, task.out, task.program)
    except ModuleNotFoundError as error:
        message = f"a worker cannot import ecosys_sims ({error}); start workers in ecostep's .venv"
        raise EnsembleError(message) from error
    complaints = [text for text in answers.values() if text]
    if complaints:
        raise EnsembleError(complaints[0])


def _gather(client: Client, tasks: list[BlockTask]) -> list[BlockRecord]:
    futures = {client.submit(run_block, task, pure=False): task for task in tasks}
    records: list[BlockRecord] = []
    failures: list[str] = []
    sites = sum(task.last - task.first for task in tasks)
    with tqdm(total=sites, desc="simulating", unit="site", disable=None) as progress:
        for future in as_completed(futures):
            task = futures[future]
            try:
                records.append(future.result())
            except DiskFullError:
                client.cancel(list(futures), force=True)
                raise
            except KilledWorker:
                failures.append(_killed(task))
            except ModelError as error:
                failures.append(str(error))
                if error.exit_code == UNKNOWN_KEY:  # every block would fail so
                    client.cancel(list(futures), force=True)
                    break
            except Exception as error:  # of any kind: the other blocks go on, and the error is told at the end
                failures.append(str(error))
            progress.update(task.last - task.first)
            log.info("%d of %d blocks done, %d failed", len(records), len(tasks), len(failures))
            future.release()
    if failures:
        raise EnsembleError(_failure_message(failures, len(tasks)))
    return records


def _failure_message(failures: list[str], blocks: int) -> str:
    first_failures = "\n".join(failures[:FAILURES_SHOWN])
    unshown = len(failures) - FAILURES_SHOWN
    more = f"\n... and {unshown} more" if unshown > 0 else ""
    return f"{len(failures)} of {blocks} blocks failed; the others are kept.\n{first_failures}{more}"


def _killed(task: BlockTask) -> str:
    return (
        f"block {task.number} (sites {task.first} to {task.last - 1}): every worker that took it died "
        "(out of memory?); use a smaller run.block_size or fewer --workers"
    )
