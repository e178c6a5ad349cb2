"""Programs that a command starts end with it, whatever ends it."""

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

import psutil

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform.startswith("linux") else None


class Stopped(KeyboardInterrupt):
    """A signal ended the command; the processes that it had started are gone."""

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.exit_status = 128 + number


def end_with_parent() -> Callable[[], None] | None:
    """For `preexec_fn` of subprocess: the child is killed when the thread that starts it ends, SIGKILL included.

    None where the system has no such thing; it is Linux that does.
    """
    library = _LIBC
    if library is None:
        return None
    parent = os.getpid()

    def bind() -> None:
        library.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended in between
            os._exit(1)

    return bind


@contextmanager
def ended_by_signals(grace_s: float = 0.0) -> Iterator[None]:
    """Within the context SIGTERM, SIGHUP and SIGINT end all descendants at once and raise Stopped.

    grace_s: seconds that children have to end by SIGTERM, as commands do that save their state, before they are killed.
    A signal that is ignored, as nohup does, stays so; outside the main thread, which alone may set handlers, they are
    left as they are.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, _: FrameType | None) -> None:
        for other in former:
            signal.signal(other, signal.SIG_IGN)  # once is enough; what follows cleans up
        kill_descendants(grace_s)
        raise Stopped(number)

    numbers = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]
    former = {number: signal.getsignal(number) for number in numbers}
    former = {number: handler for number, handler in former.items() if handler is not signal.SIG_IGN}
    for number in former:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def kill_descendants(grace_s: float = 0.0) -> None:
    """Kill all processes that this one has started, and theirs; its children may end by SIGTERM before.

    Python's own tracker of shared resources cleans up after them, and ends by itself with this process.
    """
    with suppress(psutil.Error):
        here = psutil.Process()
        descendants = here.children(recursive=True)
        if grace_s > 0.0:
            children = here.children()
            for child in children:
                with suppress(psutil.Error):
                    child.terminate()
            psutil.wait_procs(children, timeout=grace_s)
        for process in descendants:
            with suppress(psutil.Error):
                if "resource_tracker" not in " ".join(process.cmdline()):
                    process.kill()
