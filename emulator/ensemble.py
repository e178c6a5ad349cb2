"""Combine trained runs into one: python -m emulator.ensemble RUN1 RUN2 ... --out RUN

The folder that is written is evaluated, used for prediction and exported like any other run.
"""

import argparse
import logging
import sys
from pathlib import Path

from emulator.runs.checkpoint import CheckpointError
from emulator.runs.ensemble import create
from emulator.runs.run_folder import RunFolder, RunFolderError
from foundations.command_end import ends_clearly
from foundations.file_faults import explain
from foundations.terminal import start_logging

log = logging.getLogger(__name__)


def command_parser(program: str = "python -m emulator.ensemble") -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(prog=program, description="Combine trained runs into an ensemble.")
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="run folders of emulator.train")
    parser.add_argument("--out", type=Path, required=True, metavar="RUN", help="folder of the ensemble")
    return parser


@ends_clearly
def main(arguments: list[str] | None = None, program: str = "python -m emulator.ensemble") -> int:
    """Entry point; returns the exit status. program: what the command is called in its help."""
    options = command_parser(program).parse_args(arguments)
    start_logging()
    try:
        create(options.runs, RunFolder(options.out))
    except (CheckpointError, RunFolderError, OSError) as error:
        log.error("%s", explain(error))
        return 1
    log.info("wrote %s; evaluate it: python -m emulator.evaluate %s", options.out, options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
