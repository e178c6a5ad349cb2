"""Runs the process model at one site with the weather of a forcing file, and writes a dataset.

    python -m ecosys_sims.tower forcing.nc --out runs/DE-Zrk --set ch4_nl.mgo=0.4

The forcing file also says where the site is; the adapters write it so. An adapter's name in front runs that adapter,
which converts a tower's own files and, with --run, runs the model at once:

    python -m ecosys_sims.tower fluxnet2015 FLX_DE-Geb_FLUXNET2015_FULLSET_HH_2001-2014_1-4.csv \\
        --lat 51.1 --lon 10.91 --biome cropland --out forcing.nc --run runs/DE-Geb
"""

import argparse
import importlib
import sys
from pathlib import Path

from ecosys_sims.towers.tower_run import run_and_report
from foundations.command_end import ends_clearly
from foundations.terminal import start_logging

ADAPTERS = ("dataset", "ecosim_climate", "ecosys_weather", "fluxnet2015", "fluxnet_ch4", "greenhouse_gases")


@ends_clearly
def main(arguments: list[str] | None = None) -> int:
    """Command line; 0 done, 1 failed."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments and arguments[0] in ADAPTERS:
        exit_code: int = importlib.import_module(f"ecosys_sims.adapters.{arguments[0]}").main(arguments[1:])
        return exit_code
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "forcing", type=Path, help=f"forcing file, or the name of an adapter ({', '.join(ADAPTERS)}) and its arguments"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the results")
    parser.add_argument("--set", action="append", default=[], metavar="GROUP.KEY=VALUE", help="change a namelist value")
    parser.add_argument("--spinup-years", type=int, default=2, help="years before the first, with repeated weather")
    options = parser.parse_args(arguments)
    start_logging("%(message)s")
    return run_and_report(options.forcing, options.out, options.set, options.spinup_years)


if __name__ == "__main__":
    sys.exit(main())
