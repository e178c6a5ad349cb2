"""Steps of a longer job: each is skipped where its products are complete; its time and memory go to steps.json."""

import hashlib
import logging
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from memory_monitor import MemoryMonitor

from foundations.file_faults import DamagedFile
from foundations.json_record import read_record, write_record
from foundations.provenance import git_hash, now

log = logging.getLogger("quickstart")


class StepFailed(RuntimeError):
    """A command of a step exited with a status that is not among the accepted ones."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Step:
    """A named piece of work.

    commands are run one after the other; inputs are files and words that the result depends on; products must exist
    afterwards; accepted are the exit statuses that count as done.
    """

    name: str
    does: str
    commands: Sequence[Sequence[str]]
    products: Sequence[Path]
    inputs: Sequence[Path | str] = ()
    after: Sequence[str] = ()
    accepted: Sequence[int] = (0,)
    before: Callable[[], None] | None = field(default=None, compare=False)


class Journal:
    """What was done in a folder, read from and kept in its steps.json."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.records: dict[str, dict[str, Any]] = _read(path) if path.exists() else {}

    def run(self, step: Step) -> None:
        """Run a step unless it is done; raises StepFailed."""
        fingerprint = self._fingerprint(step)
        if self._is_done(step, fingerprint):
            made_by, present = self.records[step.name]["git_hash"], git_hash()
            log.info("%s: done already%s", step.name, "" if made_by == present else f", by other code ({made_by[:12]})")
            return
        if self.records.pop(step.name, None) is not None:  # on disk too: a kill from here on must not leave it as done
            write_record(self.path, self.records)
        log.info("%s: %s", step.name, step.does)
        started = time.perf_counter()
        with MemoryMonitor() as memory:
            if step.before:
                step.before()
            for command in step.commands:
                _run(step, command)
        missing = [str(path) for path in step.products if not path.exists()]
        if missing:
            message = f"{step.name}: the commands succeeded but {', '.join(missing)} is not there"
            raise StepFailed(message, 1)
        seconds = time.perf_counter() - started
        self.records[step.name] = {
            "seconds": round(seconds, 1),
            "peak_rss_mb": round(memory.peak_mb),
            "finished": now(),
            "git_hash": git_hash(),
            "fingerprint": fingerprint,
        }
        write_record(self.path, self.records)
        log.info("%s: done in %.0f s, %.1f GB", step.name, seconds, memory.peak_mb / 1000)

    def _is_done(self, step: Step, fingerprint: str) -> bool:
        same = self.records.get(step.name, {}).get("fingerprint") == fingerprint
        return same and all(path.exists() for path in step.products)

    def _fingerprint(self, step: Step) -> str:
        """Hash of what the step's result depends on, earlier steps' included."""
        digest = hashlib.sha256()
        for source in step.inputs:
            digest.update(source.read_bytes() if isinstance(source, Path) else source.encode())
        for name in step.after:
            record = self.records.get(name, {})
            digest.update(f"{record.get('fingerprint')} {record.get('finished')}".encode())
        return digest.hexdigest()


def _read(path: Path) -> dict[str, dict[str, Any]]:
    """The records of a folder's steps; none, with a warning, where the file is damaged: the steps are done again."""
    try:
        records = read_record(path, (), "all steps are done again")
    except DamagedFile as error:
        log.warning("%s", error)
        return {}
    return {name: record for name, record in records.items() if isinstance(record, dict)}


def _run(step: Step, command: Sequence[str]) -> None:
    status = subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode
    if status not in step.accepted:
        message = f"{step.name}: failed with status {status}, its message is above: {' '.join(command)}"
        raise StepFailed(message, status)
