"""Predict fluxes for all sites and days of a dataset: python -m emulator.predict RUN --data D [--out F]"""

import argparse
import logging
import sys
from pathlib import Path
from typing import Any

from emulator.baselines import runs as baselines
from emulator.data.dataset_file import DatasetError
from emulator.evaluation.grid_products import add_options, write_products
from emulator.evaluation.grids import GridError
from emulator.evaluation.offline import PredictionError
from emulator.evaluation.parallel_prediction import predict_in_parts
from emulator.evaluation.prediction import predict
from emulator.runs.checkpoint import CheckpointError
from emulator.runs.run_folder import RunFolder, RunFolderError
from foundations.command_end import ends_clearly
from foundations.file_faults import explain
from foundations.folder_lock import FolderBusy
from foundations.output_file import OutputError, require_own_outputs
from foundations.terminal import start_logging

log = logging.getLogger(__name__)


def command_parser(program: str = "python -m emulator.predict") -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(prog=program, description="Predict fluxes of a dataset's sites.")
    parser.add_argument("run", type=Path, metavar="RUN", help="run folder of emulator.train")
    parser.add_argument(
        "--data", type=Path, required=True, metavar="D", help="dataset with the drivers; targets may be absent"
    )
    parser.add_argument("--out", type=Path, metavar="F", help="netCDF file to write (default RUN/predictions_<D>.nc)")
    parser.add_argument(
        "--past-flux",
        choices=("none", "observed", "self_fed"),
        default="none",
        help="flux that the model's history sees: none (default; equals a coupled run), the dataset's of earlier "
        "years, or the model's own (equals a coupled run of an artefact exported with --past-flux self_fed)",
    )
    parser.add_argument(
        "--quantiles",
        choices=("new", "trained_on"),
        help="also write quantiles 0.05, 0.5 and 0.95, as of new sites or as of sites that the model was trained on; "
        "needs an evaluated run",
    )
    parser.add_argument(
        "--annual",
        type=Path,
        metavar="F",
        help="also write annual budgets with 90 %% intervals, a line for each site, year and target, as CSV; needs "
        "--quantiles",
    )
    parser.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="predict parts of the sites by N processes; the same command goes on after an interruption",
    )
    parser.add_argument(
        "--scheduler", metavar="ADDRESS", help="the same by a Dask cluster, for example tls://host:8786"
    )
    add_options(parser)
    return parser


@ends_clearly
def main(arguments: list[str] | None = None, program: str = "python -m emulator.predict") -> int:
    """Entry point; returns the exit status. program: what the command is called in its help."""
    parser = command_parser(program)
    options = parser.parse_args(arguments)
    start_logging()
    if options.annual is not None and options.quantiles is None:
        parser.error("--annual needs --quantiles new or trained_on: what the sites are to the model")
    if options.workers is not None and options.workers < 1:
        parser.error("--workers must be 1 or more")
    in_parts = options.workers is not None or options.scheduler is not None
    if options.annual is not None and in_parts:
        parser.error("--annual is made by one process; leave out --workers and --scheduler")
    run = RunFolder(options.run)
    out = options.out or run.path / f"predictions_{options.data.stem}.nc"
    try:
        outputs = {"--out": out} | ({} if options.annual is None else {"--annual": options.annual})
        outputs |= {} if options.grid is None else {"--grid": options.grid}
        require_own_outputs(outputs, [options.data, *run.files(), run.artefact])
        how: dict[str, Any] = {"past_flux": options.past_flux, "quantiles": options.quantiles, "load": baselines.load}
        if in_parts:
            predict_in_parts(run, options.data, out, workers=options.workers or 1, scheduler=options.scheduler, **how)
        else:
            predict(run, options.data, out, annual=options.annual, **how)
        write_products(out, options.grid, options.every, options.maps)
    except (
        DatasetError,
        GridError,
        FolderBusy,
        CheckpointError,
        PredictionError,
        RunFolderError,
        OutputError,
        OSError,
    ) as error:
        log.error("%s", explain(error))
        return 1
    log.info("wrote %s", out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
