"""Reads damaged copies of a file in a process apart, so that one that is killed is counted and the rest goes on."""

import faulthandler
import os
import pickle
import resource
import shutil
import signal
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tests.mutations.cases import Case
from tests.mutations.mutators import mutated

MEMORY = 6 << 30
"""Address space a reader may take besides what it has: what a damaged size asks for beyond is refused by the system."""
FAILED = "the trial itself failed"
SECONDS = 20
"""A file that takes longer is one that hangs its reader."""


@dataclass
class Outcome:
    """How many damaged copies were refused, read as the whole file, or read as other values; and what must not be."""

    refused: int = 0
    same: int = 0
    changed: list[int] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        counts = f"{self.refused} refused, {self.same} read as before, {len(self.changed)} changed"
        return f"{counts}, {len(self.faults)} faults"


def try_all(case: Case, folder: Path, numbers: Iterable[int]) -> Outcome:
    """Damage the file of a case once for each number and read it; the file itself is read first."""
    path = case.make(folder)
    whole = path.read_bytes()
    outcome, remaining = Outcome(), list(numbers)
    while remaining:
        records, end = _in_child(case, path, whole, remaining)
        for kind, text in records:
            number = remaining.pop(0)
            if kind == "refused":
                outcome.refused += 1
            elif kind == "same":
                outcome.same += 1
            elif kind == "changed":
                outcome.changed.append(number)
            else:
                outcome.faults.append(f"{case.name} {number}: {text}")
        if end == FAILED:
            message = f"{case.name}: {end}"
            raise RuntimeError(message)
        if end:
            _keep(case, path)
            outcome.faults.append(f"{case.name} {remaining.pop(0) if remaining else ''}: {end}")
    path.write_bytes(whole)
    return outcome


def _keep(case: Case, path: Path) -> None:
    """Keep the file that ended its reader in the folder MUTATIONS_KEPT, where that is set."""
    folder = os.environ.get("MUTATIONS_KEPT")
    if folder:
        count = len(list(Path(folder).glob(f"{case.name}_*")))
        shutil.copyfile(path, Path(folder) / f"{case.name}_{count}{path.suffix}")


def _in_child(case: Case, path: Path, whole: bytes, numbers: list[int]) -> tuple[list[tuple[str, str]], str]:
    """What became of the numbers, in order, as far as the process came; and how it ended where it did not finish."""
    with tempfile.TemporaryFile() as results:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                _work(case, path, whole, numbers, results.fileno())
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(status)
        _, status = os.waitpid(child, 0)
        results.seek(0)
        records = []
        while True:
            try:
                records.append(pickle.load(results))
            except (EOFError, pickle.UnpicklingError):
                break
    if os.WIFSIGNALED(status):
        return records, f"ended by {signal.Signals(os.WTERMSIG(status)).name}"
    return records, "" if os.WEXITSTATUS(status) == 0 else FAILED


def _work(case: Case, path: Path, whole: bytes, numbers: list[int], results: int) -> None:
    faulthandler.disable()
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    warnings.simplefilter("ignore")
    path.write_bytes(whole)
    expected = case.read(path)
    for number in numbers:
        path.unlink()  # HDF5 may still hold the file before, and knows files by their inode
        path.write_bytes(mutated(whole, number))
        signal.alarm(SECONDS)
        os.write(results, pickle.dumps(_record(case, path, expected)))
        signal.alarm(0)


def _record(case: Case, path: Path, expected: object) -> tuple[str, str]:
    try:
        values = case.read(path)
    except case.errors as error:
        text = str(error)
        told = str(path.parent) in text or path.name in text
        return ("refused", "") if told else ("fault", f"does not name the file: {type(error).__name__}: {text}")
    except BaseException:
        last = traceback.format_exc(limit=-3)
        return "fault", last
    return ("same", "") if values == expected else ("changed", "")


def kinds_of_faults(faults: list[str]) -> Counter:
    """Faults by their last line, which names the error."""
    return Counter(fault.strip().splitlines()[-1][:160] for fault in faults)
