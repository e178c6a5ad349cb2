"""Put series of sites on their grid and on maps: python -m emulator.maps FILE [--grid F] [--maps DIR]

FILE: what emulator.predict or `ecostep run` wrote, or a dataset, netCDF or Zarr.
"""

import argparse
import logging
import sys
from pathlib import Path

from emulator.evaluation.grid_products import add_options, write_products
from emulator.evaluation.grids import GridError
from foundations.command_end import ends_clearly
from foundations.file_faults import explain
from foundations.output_file import OutputError, require_own_outputs
from foundations.terminal import start_logging

log = logging.getLogger(__name__)


def command_parser(program: str = "python -m emulator.maps") -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(prog=program, description="Put series of sites on their grid and on maps.")
    parser.add_argument("file", type=Path, metavar="FILE", help="predictions, output of ecostep run, or a dataset")
    parser.add_argument("--variables", nargs="+", metavar="V", help="series to take (default: all)")
    add_options(parser)
    return parser


@ends_clearly
def main(arguments: list[str] | None = None, program: str = "python -m emulator.maps") -> int:
    """Entry point; returns the exit status. program: what the command is called in its help."""
    parser = command_parser(program)
    options = parser.parse_args(arguments)
    start_logging()
    if options.grid is None and options.maps is None:
        parser.error("nothing to do: give --grid F, --maps DIR or both")
    try:
        if options.grid is not None:
            require_own_outputs({"--grid": options.grid}, [options.file])
        write_products(options.file, options.grid, options.every, options.maps, options.variables)
    except (GridError, OutputError, OSError) as error:
        log.error("%s", explain(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
