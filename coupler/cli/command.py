"""Command line of `ecostep`."""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from coupler.cli.errors import CommandError
from coupler.python.errors import EcostepError
from foundations import file_name
from foundations.child_processes import Stopped, ended_by_signals
from foundations.command_end import PIPE_CLOSED
from foundations.file_faults import FileFault
from foundations.terminal import printable, start_logging

BENCH_CELLS = (1, 16, 256, 4096, 65536)


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit status: 0 done, 1 failed, 2 wrong use."""
    options = command_parser().parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # names of files and units need not be of the locale
    start_logging("%(message)s")
    try:
        with ended_by_signals() if options.command == "run" else _ended_by_interrupt():
            return _run(options)
    except (CommandError, EcostepError) as error:
        status = f" ({error.status})" if isinstance(error, EcostepError) else ""
        sys.stderr.write(printable(f"ecostep {options.command}: {error}{status}\n", lines=True))
        return 1
    except Stopped as stop:
        sys.stderr.write(f"ecostep {options.command}: {stop}\n")
        return stop.exit_status
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it closes it
        return PIPE_CLOSED
    except MemoryError as error:
        sys.stderr.write(f"ecostep {options.command}: not enough memory ({error}); a smaller --chunk needs less\n")
        return 1
    except FileFault as error:
        sys.stderr.write(f"ecostep {options.command}: {error}\n")
        return 1
    except OSError as error:
        name = file_name.printable(error.filename) if isinstance(error.filename, str) else options.file
        sys.stderr.write(printable(f"ecostep {options.command}: {name}: {error.strerror or error}\n", lines=True))
        return 1


@contextmanager
def _ended_by_interrupt() -> Iterator[None]:
    """Within the context Ctrl-C ends the process at once, also within a long call of the library: no file is half done.

    Python would hear it only after the call. It stays ignored where it is.
    """
    former = signal.getsignal(signal.SIGINT)
    alone = threading.current_thread() is threading.main_thread()
    if not alone or former is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former)


def _run(options: argparse.Namespace) -> int:
    # Imported here, so that `info` does not wait for netCDF.
    if options.command == "info":
        from coupler.cli import info

        return info.show(options.file, as_json=options.json, all_backends=options.backends, trust=options.trust)
    if options.command == "verify":
        from coupler.cli import verify

        return verify.verify(options.file, options.backend, as_json=options.json, trust=options.trust)
    if options.command == "bench":
        from coupler.cli import bench

        return bench.report(
            options.file, options.backend, options.cells, options.seconds, as_json=options.json, trust=options.trust
        )
    from coupler.cli import run

    return run.run(options)


def command_parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    parser = argparse.ArgumentParser(prog="ecostep", description="Look at, verify, time and run exported emulators.")
    commands = parser.add_subparsers(dest="command", required=True)
    info = _command(commands, "info", "what an artefact needs and gives, and which backends run it here")
    info.add_argument(
        "--backends", action="store_true", help="try all backends; that of torch runs code of the artefact, in a second"
    )
    info.add_argument("--json", action="store_true", help="as JSON")
    verify = _command(commands, "verify", "replay the reference run in the artefact with every backend that is here")
    verify.add_argument("--backend", help="this backend only")
    verify.add_argument("--json", action="store_true", help="as JSON")
    bench = _command(commands, "bench", "time of a call on this machine, one thread, by number of cells")
    bench.add_argument("--backend", action="append", help="this backend; may be repeated (default: all that work)")
    bench.add_argument("--cells", type=_count, nargs="+", default=list(BENCH_CELLS), metavar="N", help="cells a call")
    bench.add_argument("--seconds", type=float, default=1.0, help="time for each number of cells (default 1)")
    bench.add_argument("--json", action="store_true", help="as JSON")
    _run_options(_command(commands, "run", "run an artefact over drivers in netCDF files"))
    return parser


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, does: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=does, description=does[0].upper() + does[1:] + ".")
    parser.add_argument("file", type=Path, metavar="FILE", help="artefact, NAME.pt")
    parser.add_argument(
        "--trust", action="store_true", help="let TorchScript code of the artefact do anything (docs/security.md)"
    )
    return parser


def _run_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--forcing", type=Path, nargs="+", required=True, metavar="NC",
                        help="drivers: dataset.nc, or files in the order of time, daily or finer")  # fmt: skip
    parser.add_argument("--out", type=Path, required=True, metavar="NC", help="netCDF file of daily fluxes to write")
    parser.add_argument(
        "--statics", type=Path, metavar="NC", help="file of the statics (default: the first of --forcing)"
    )
    parser.add_argument("--map", type=_pair, action="append", default=[], metavar="NAME=VARIABLE",
                        help="what a driver or static is called in the file, such as tas=TBOT")  # fmt: skip
    parser.add_argument("--units", type=_pair, action="append", default=[], metavar="NAME=UNITS",
                        help="units of a driver or static in the file, or those that a flux is written in")  # fmt: skip
    parser.add_argument("--set", type=_pair, action="append", default=[], metavar="NAME=VALUE", dest="constants",
                        help="one value for a driver or static, in the artefact's units")  # fmt: skip
    parser.add_argument(
        "--start", metavar="YYYY-MM-DD", help="first day (default: the first in the files, or that of the restart)"
    )
    parser.add_argument("--end", metavar="YYYY-MM-DD", help="last day (default: the last in the files)")
    parser.add_argument("--restart-in", type=Path, metavar="NC", help="go on from this restart file")
    parser.add_argument("--restart-out", type=Path, metavar="NC", help="write the state after the last day")
    parser.add_argument("--observed", action="store_true",
                        help="show the model the measured flux in the file, where it takes past flux")  # fmt: skip
    parser.add_argument(
        "--chunk", type=_count, default=4096, metavar="N", help="cells in memory at a time (default 4096)"
    )
    parser.add_argument("--backend", help="backend (default: the artefact's first that works)")


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        message = f"{text} is not 1 or more"
        raise argparse.ArgumentTypeError(message)
    return count


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        message = f"expected NAME=SOMETHING, not '{text}'"
        raise argparse.ArgumentTypeError(message)
    return name.strip(), value.strip()
