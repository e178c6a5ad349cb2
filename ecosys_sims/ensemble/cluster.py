"""Runs blocks of sites on Dask: a local cluster, or the user's own by the address of its scheduler."""

import logging
import os
import shutil
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import dask
from distributed import Client, KilledWorker, LocalCluster, as_completed
from distributed.comm.addressing import get_address_host_port
from distributed.security import Security
from tqdm import tqdm

from ecosys_sims.ensemble.blocks import DiskFullError, run_block
from ecosys_sims.program.executable import UNKNOWN_KEY, ModelError
from foundations.time_left import time_left

log = logging.getLogger(__name__)

SCRATCH = ".dask"
CONNECT_SECONDS = 30
FAILURES_SHOWN = 3


class EnsembleError(RuntimeError):
    """Some blocks failed or the cluster cannot be used; the message says which, why, and what to do."""


@dataclass(frozen=True)
class Scheduler:
    """A Dask cluster of the user's own: the address of its scheduler, and the files by which both know each other.

    ca_file, certificate, key: PEM files as `dask scheduler --tls-ca-file --tls-cert --tls-key` takes them; `key` may be
    left out where the certificate's file holds it. Without them those of Dask's own configuration are used.
    """

    address: str
    ca_file: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    def security(self) -> Security:
        """What encrypts and authenticates the connection; EnsembleError names a file that is none."""
        files = {"--tls-ca-file": self.ca_file, "--tls-cert": self.certificate, "--tls-key": self.key}
        if not any(files.values()):
            return Security()
        if self.ca_file is None or self.certificate is None:
            message = "TLS needs both --tls-ca-file and --tls-cert; --tls-key too, unless the certificate's file has it"
            raise EnsembleError(message)
        for option, path in files.items():
            if path is not None and not os.access(path, os.R_OK):
                message = f"{option} {path}: cannot be read"
                raise EnsembleError(message)
        security = Security(
            require_encryption=True,
            tls_ca_file=str(self.ca_file),
            tls_client_cert=str(self.certificate),
            tls_client_key=None if self.key is None else str(self.key),
        )
        try:
            security.get_connection_args("client")
        except (ssl.SSLError, OSError, ValueError) as error:
            names = ", ".join(f"{option} {path}" for option, path in files.items() if path is not None)
            message = f"{names}: not the PEM files of a certificate authority, a certificate and its key: {error}"
            raise EnsembleError(message) from None
        return security

    def checked_address(self) -> str:
        """The address; EnsembleError where there is none, a warning where anyone who reaches it may run code."""
        address = self.address.strip()
        if not address:
            message = "the address of the scheduler is empty; give one such as tls://host:8786, or leave it out"
            raise EnsembleError(message)
        scheme = address.partition("://")[0] if "://" in address else "tcp"
        try:  # before a client is made of it, whose threads could be waited for
            get_address_host_port(address if "://" in address else f"tcp://{address}", strict=True)
        except ValueError as error:
            message = f"--scheduler {address}: not an address such as tls://host:8786: {_reason(error)}"
            raise EnsembleError(message) from None
        if scheme in ("tls", "wss"):
            return address
        if self.ca_file or self.certificate or self.key:
            message = f"--scheduler {address}: --tls-* are for an address that begins with tls://"
            raise EnsembleError(message)
        log.warning(
            "%s is not encrypted: who can reach the scheduler can run programs as you; start it with TLS "
            "(docs/simulations.md), above all on a machine that others use",
            address,
        )
        return address


def default_workers() -> int:
    """As many as this process may use processors."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Task(Protocol):
    """A unit of work: sites first..last-1 of an ensemble in the folder `out`, done by an executable."""

    @property
    def out(self) -> str: ...
    @property
    def number(self) -> int: ...
    @property
    def first(self) -> int: ...
    @property
    def last(self) -> int: ...
    @property
    def program(self) -> str: ...


def run_blocks(
    tasks: Sequence[Task],
    out: Path,
    workers: int | None = None,
    scheduler: Scheduler | None = None,
    work: Callable[[Any], Any] = run_block,
) -> list[Any]:
    """Do all tasks by `work`, blocks of sites by default; returns their records in the order of completion.

    A worker that dies is replaced and its block done again. A block that fails does not stop the others, unless the
    reason is one that they share. Raises EnsembleError or DiskFullError.
    """
    if not tasks:
        return []
    workers = min(workers or default_workers(), len(tasks))
    with _client(out, workers, scheduler) as client:
        _check_workers(client, tasks[0], scheduler)
        return _gather(client, tasks, work)


@contextmanager
def _client(out: Path, workers: int, scheduler: Scheduler | None) -> Iterator[Client]:
    if scheduler is not None:
        address, security = scheduler.checked_address(), scheduler.security()
        try:
            client = Client(address, timeout=CONNECT_SECONDS, security=security, set_as_default=False)
        except (OSError, ValueError, TypeError, RuntimeError, AssertionError) as error:  # the last: no loop after 10 s
            message = f"no Dask scheduler answers at {address}: {_reason(error)}"
            raise EnsembleError(message) from error
        with client:
            yield client
        return
    scratch = out / SCRATCH
    shutil.rmtree(scratch, ignore_errors=True)
    try:
        with local_cluster(workers, scratch) as cluster, Client(cluster, set_as_default=False) as client:
            yield client
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def local_cluster(workers: int, scratch: Path) -> Iterator[LocalCluster]:
    """Processes of this machine that take work of this process alone: TLS with keys that live as long as the cluster.

    Without it any user of the machine could connect to a port of the cluster and run code as this one. Dask's web pages
    are left out, which anyone could read.
    """
    try:
        security = Security.temporary()
    except ImportError:
        message = "the Python package cryptography is missing; pip install cryptography, or run scripts/setup.sh"
        raise EnsembleError(message) from None
    pages: dict[str, list[str]] = {"distributed.scheduler.http.routes": [], "distributed.worker.http.routes": []}
    with (
        dask.config.set(pages),
        LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, security=security, host="127.0.0.1",
            dashboard_address="127.0.0.1:0", scheduler_kwargs={"dashboard": False}, memory_limit=0,
            local_directory=str(scratch), silence_logs=logging.CRITICAL,
        ) as cluster,
    ):  # fmt: skip
        yield cluster


def _reason(error: Exception) -> str:
    """The first line of what a library says, or the kind of error where it says nothing."""
    return next(iter(str(error).splitlines()), type(error).__name__)


def missing_at_worker(out: str, program: str) -> str | None:
    """Runs on each worker: what it lacks, or None."""
    if not Path(out).is_dir():
        return f"{socket.gethostname()} does not see {out}; --out must lie on a file system that all workers share"
    if not os.access(program, os.X_OK):
        return f"{socket.gethostname()} has no executable {program}; install ecostep at the same path on all nodes"
    return None


def _check_workers(client: Client, task: Task, scheduler: Scheduler | None) -> None:
    """Find out before the work starts whether the workers can do it."""
    try:
        client.wait_for_workers(1, timeout=CONNECT_SECONDS)
    except TimeoutError as error:
        place = f"the scheduler at {scheduler.address}" if scheduler else "the local cluster"
        remedy = "start some with `dask worker`" if scheduler else "start with fewer --workers"
        message = f"{place} has no workers after {CONNECT_SECONDS:g} s; {remedy}, and run the same command again"
        raise EnsembleError(message) from error
    try:
        answers = client.run(missing_at_worker, task.out, task.program)
    except ModuleNotFoundError as error:
        message = f"a worker cannot import ecosys_sims ({error}); start workers in ecostep's .venv"
        raise EnsembleError(message) from error
    complaints = [text for text in answers.values() if text]
    if complaints:
        raise EnsembleError(complaints[0])


def _gather(client: Client, tasks: Sequence[Task], work: Callable[[Any], Any]) -> list[Any]:
    futures = {client.submit(work, task, pure=False): task for task in tasks}
    records: list[Any] = []
    failures: list[str] = []
    sites = sum(task.last - task.first for task in tasks)
    started = time.perf_counter()
    with tqdm(total=sites, desc="simulating", unit="site", disable=None) as progress:
        for future in as_completed(futures, loop=client.loop):
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
            done = len(records) + len(failures)
            left = time_left(time.perf_counter() - started, done, len(tasks))
            ending = f", {left}" if left else ""
            log.info("%d of %d blocks done, %d failed%s", len(records), len(tasks), len(failures), ending)
            future.release()
    if failures:
        raise EnsembleError(_failure_message(failures, len(tasks)))
    return records


def _failure_message(failures: list[str], blocks: int) -> str:
    first_failures = "\n".join(failures[:FAILURES_SHOWN])
    unshown = len(failures) - FAILURES_SHOWN
    more = f"\n... and {unshown} more" if unshown > 0 else ""
    return f"{len(failures)} of {blocks} blocks failed; the others are kept.\n{first_failures}{more}"


def _killed(task: Task) -> str:
    return (
        f"block {task.number} (sites {task.first} to {task.last - 1}): every worker that took it died "
        "(out of memory?); use a smaller run.block_size or fewer --workers"
    )
