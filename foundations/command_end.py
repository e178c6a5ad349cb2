"""How a command ends: with a status and one line that says why, and with nothing left running that it has started."""

import functools
import logging
import os
import sys
from collections.abc import Callable
from typing import ParamSpec

from foundations.child_processes import Stopped, ended_by_signals
from foundations.file_faults import explain

FAILED, INTERRUPTED, PIPE_CLOSED = 1, 130, 141

Arguments = ParamSpec("Arguments")


def ends_clearly(main: Callable[Arguments, int]) -> Callable[Arguments, int]:
    """Decorate the `main` of a command, which returns its exit status and tells the errors of its own.

    SIGTERM, SIGHUP and Ctrl-C end the processes that it has started at once, and then the command, after its files are
    tidied up (status 128 + signal). Errors of the system, as of a file that cannot be read or a disk that is full, and
    too little memory are told in one line (status 1); where the reader of its output has gone, nothing is (status 141).
    """

    @functools.wraps(main)
    def command(*arguments: Arguments.args, **options: Arguments.kwargs) -> int:
        log = logging.getLogger(main.__module__)
        try:
            with ended_by_signals():
                return main(*arguments, **options)
        except Stopped as stop:
            log.error("%s", stop)
            return stop.exit_status
        except KeyboardInterrupt:
            log.error("interrupted")
            return INTERRUPTED
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it closes it
            return PIPE_CLOSED
        except OSError as error:
            log.error("%s", explain(error))
            return FAILED
        except MemoryError as error:
            reason = f" ({error})" if str(error) else ""
            log.error("not enough memory%s; use fewer sites, years or processes at a time", reason)
            return FAILED

    return command
