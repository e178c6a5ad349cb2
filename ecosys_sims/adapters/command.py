"""What the command lines of the adapters share: the site, and the run that may follow."""

import argparse
import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from ecosys_sims.formats.errors import AdapterError, FormatError
from ecosys_sims.towers.tower_run import run_and_report
from foundations.file_faults import explain
from foundations.output_file import OutputError, require_own_outputs
from foundations.terminal import start_logging

log = logging.getLogger(__name__)

ASSUMED_SOIL = {"sand": 0.4, "clay": 0.2}
"""Mass fractions of a soil that nobody describes, a loam."""


def add_site(parser: argparse.ArgumentParser, required: tuple[str, ...] = ()) -> None:
    """Options that describe a site; `required` names those without which there is none."""
    for name, kind, meaning in (
        ("site", str, "name of the site"),
        ("lat", float, "latitude, degrees north"),
        ("lon", float, "longitude, degrees east"),
        ("biome", str, "site class, for example cropland"),
        ("elevation", float, "m; gives the pressure where the file has none"),
        ("ph", float, "soil or peat pH; default: typical of the biome"),
    ):
        parser.add_argument(f"--{name}", type=kind, required=name in required, help=meaning)
    for name, fraction in ASSUMED_SOIL.items():
        parser.add_argument(f"--{name}", type=float, help=f"mass fraction (assumed where not given: {fraction:g})")


def soil(options: argparse.Namespace) -> dict[str, Any]:
    """`sand`, `clay` and `ph` of the command line; what is not given is assumed, and said."""
    given = {name: getattr(options, name) for name in ("sand", "clay", "ph")}
    tell_assumed(options.site, given)
    return ASSUMED_SOIL | {name: value for name, value in given.items() if value is not None}


def tell_assumed(site: str | None, given: Mapping[str, Any]) -> None:
    """Say which properties of the soil nobody gave, and what is taken in their place."""
    assumed = [f"{name} {fraction:g}" for name, fraction in ASSUMED_SOIL.items() if given.get(name) is None]
    assumed += ["ph typical of the site class"] if given.get("ph") is None else []
    if assumed:
        log.warning("%s: assumed: %s; give --sand, --clay and --ph", site or "the site", ", ".join(assumed))


def add_run(parser: argparse.ArgumentParser) -> None:
    """Options of the run of the process model that may follow."""
    parser.add_argument("--run", type=Path, metavar="DIR", help="also run the process model with this weather")
    parser.add_argument("--set", action="append", default=[], metavar="GROUP.KEY=VALUE", help="as of ecosys_sims.tower")
    parser.add_argument("--spinup-years", type=int, default=2, help="as of ecosys_sims.tower")


def run_model(forcing: Path, options: argparse.Namespace) -> int:
    """Run the process model where `--run` asks for it; its exit code."""
    if not options.run:
        return 0
    return run_and_report(forcing, options.run, options.set, options.spinup_years)


def complete(
    work: Callable[[], None], outputs: Mapping[str, Path | None] | None = None, inputs: Iterable[Path | None] = ()
) -> int:
    """Do the work of a command; 1 with a message where a file cannot be used, else 0.

    outputs: files to be written, by option, none of which may be one of the inputs, another output or a device.
    """
    start_logging("%(message)s")
    try:
        require_own_outputs(outputs or {}, inputs)
        work()
    except (AdapterError, FormatError, OutputError, OSError) as error:
        log.error("%s", explain(error))
        return 1
    return 0
