"""Export a trained model as an artefact that hosts couple: python -m emulator.export RUN --out model.pt"""

import argparse
import logging
import sys
from pathlib import Path

from emulator.artefact.exporting import ExportError, export
from emulator.data.dataset_file import DatasetError
from emulator.runs.checkpoint import CheckpointError
from emulator.runs.run_folder import RunFolder, RunFolderError
from foundations.command_end import ends_clearly
from foundations.file_faults import explain
from foundations.output_file import OutputError, require_own_outputs
from foundations.terminal import start_logging

log = logging.getLogger(__name__)


def command_parser(program: str = "python -m emulator.export") -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(prog=program, description="Export a trained model as an artefact.")
    parser.add_argument(
        "run",
        type=Path,
        nargs="+",
        metavar="RUN",
        help="run folder of emulator.train or emulator.ensemble; the mean of several, which must share data and split",
    )
    parser.add_argument("--out", type=Path, metavar="F", help="artefact to write (default RUN/model.pt)")
    parser.add_argument(
        "--data", type=Path, metavar="D", help="dataset for the reference run (default: the training dataset)"
    )
    parser.add_argument("--name", help="label in the artefact (default: the file name without .pt)")
    parser.add_argument(
        "--past-flux",
        choices=("ungauged", "self_fed"),
        help="what a host's step puts in the history of a model that has one: no flux (ungauged) or its own "
        "(self_fed); default: model.past_flux of the configuration",
    )
    return parser


@ends_clearly
def main(arguments: list[str] | None = None, program: str = "python -m emulator.export") -> int:
    """Entry point; returns the exit status. program: what the command is called in its help."""
    options = command_parser(program).parse_args(arguments)
    start_logging()
    runs = [RunFolder(path) for path in options.run]
    out = options.out or runs[0].artefact
    try:
        require_own_outputs({"--out": out}, [options.data, *(file for run in runs for file in run.files())])
        metadata = export(
            runs[0] if len(runs) == 1 else runs, out, data=options.data, past_flux=options.past_flux, name=options.name
        )
    except (DatasetError, CheckpointError, RunFolderError, ExportError, OutputError, OSError) as error:
        log.error("%s", explain(error))
        return 1
    log.info("wrote %s: %s, %d state values a cell", out, metadata.kind, metadata.state_size)
    return 0


if __name__ == "__main__":
    sys.exit(main())
