"""Watches how much memory this process and all its descendants hold together."""

import threading
from types import TracebackType

import psutil


class MemoryMonitor:
    """Context in which the resident memory of the process tree is sampled.

    Pages that processes share count for each of them, so that the sum is an upper bound.
    """

    def __init__(self, interval_s: float = 0.5) -> None:
        self.peak_mb = 0.0
        self._interval_s = interval_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "MemoryMonitor":
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            self.peak_mb = max(self.peak_mb, tree_memory_mb())
            if self._stop.wait(self._interval_s):
                return


def tree_memory_mb() -> float:
    """Resident memory of this process and its descendants, MB (10^6 bytes)."""
    root = psutil.Process()
    total = 0
    for process in (root, *root.children(recursive=True)):
        try:
            total += process.memory_info().rss
        except psutil.Error:  # ended meanwhile
            continue
    return total / 1e6
