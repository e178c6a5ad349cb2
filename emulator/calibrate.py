"""Train a run again without some of its sites in turn, for intervals at new sites: python -m emulator.calibrate RUN"""

import argparse
import logging
import sys
from pathlib import Path

from emulator.baselines import runs as baselines
from emulator.data.dataset_file import DatasetError
from emulator.runs.checkpoint import CheckpointError
from emulator.runs.run_folder import RunFolder, RunFolderError
from emulator.training.leaving_out import MOST_FOLDS, leave_out
from emulator.training.trainer import Interrupted, TrainingDiverged
from foundations.command_end import INTERRUPTED
from foundations.configuration_file import ConfigError
from foundations.file_faults import explain
from foundations.folder_lock import FolderBusy
from foundations.terminal import start_logging

log = logging.getLogger(__name__)

USER_ERRORS = (ConfigError, DatasetError, CheckpointError, FolderBusy, RunFolderError, TrainingDiverged, OSError)


def command_parser(program: str = "python -m emulator.calibrate") -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(
        prog=program,
        description="Train a run again without some of its sites in turn, for intervals at new sites.",
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="run folder of emulator.train or emulator.ensemble")
    parser.add_argument(
        "--folds",
        type=int,
        metavar="K",
        help=f"trainings; each does without a K-th of the sites (default: one site each, at most {MOST_FOLDS})",
    )
    parser.add_argument(
        "--data", type=Path, metavar="D", help="the training dataset, where it has moved since the training"
    )
    return parser


def main(arguments: list[str] | None = None, program: str = "python -m emulator.calibrate") -> int:
    """Entry point; returns the exit status: 0 done, 1 failed, 143 stopped by SIGTERM; the same command goes on.

    program: what the command is called in its help.
    """
    options = command_parser(program).parse_args(arguments)
    start_logging()
    try:
        count = leave_out(RunFolder(options.run), options.folds, options.data, baselines.load, baselines.fit_at_once)
    except Interrupted as stop:
        log.warning("%s", stop)
        return stop.exit_status
    except KeyboardInterrupt:  # between trainings
        log.warning("interrupted")
        return INTERRUPTED
    except USER_ERRORS as error:
        log.error("%s", explain(error))
        return 1
    log.info("%d trainings without some of the sites; now: python -m emulator.evaluate %s", count, options.run)
    return 0


if __name__ == "__main__":
    sys.exit(main())
