"""Score a trained model on held-out years and sites: python -m emulator.evaluate RUN [--data D]"""

import argparse
import logging
import sys
from pathlib import Path

from emulator.baselines import runs as baselines
from emulator.data.dataset_file import DatasetError
from emulator.evaluation.held_out import evaluate
from emulator.evaluation.offline import PredictionError
from emulator.runs.checkpoint import CheckpointError
from emulator.runs.run_folder import RunFolder, RunFolderError
from foundations.command_end import ends_clearly
from foundations.file_faults import explain
from foundations.terminal import start_logging

log = logging.getLogger(__name__)


def command_parser(program: str = "python -m emulator.evaluate") -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(prog=program, description="Score a trained model on held-out data.")
    parser.add_argument("run", type=Path, metavar="RUN", help="run folder of emulator.train")
    parser.add_argument(
        "--data", type=Path, metavar="D", help="another dataset, or the training dataset where it has moved"
    )
    parser.add_argument(
        "--group-by",
        action="append",
        default=[],
        metavar="NAME",
        help="class variable of the sites to tell skill apart by, such as a plant functional type; the first is that "
        "of the climatology (default: evaluation.group_by of the configuration, else biome)",
    )
    return parser


@ends_clearly
def main(arguments: list[str] | None = None, program: str = "python -m emulator.evaluate") -> int:
    """Entry point; returns the exit status. program: what the command is called in its help."""
    options = command_parser(program).parse_args(arguments)
    start_logging()
    try:
        evaluate(RunFolder(options.run), options.data, options.group_by, load=baselines.load)
    except (DatasetError, CheckpointError, PredictionError, RunFolderError, OSError) as error:
        log.error("%s", explain(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
