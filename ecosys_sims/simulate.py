"""Simulate sites over the globe with the process model and write one dataset: ecostep simulate CONFIG --out DIR

CONFIG is a YAML file (docs/simulations.md), or the name of one that comes with ecostep: quickstart, smoke, upland, ...
Run the same command again after any interruption: it goes on from the completed blocks.
"""

import argparse
import logging
import sys
from pathlib import Path
from typing import Any

from ecosys_sims.ensemble import configuration
from ecosys_sims.ensemble.blocks import DiskFullError
from ecosys_sims.ensemble.cluster import EnsembleError, Scheduler
from ecosys_sims.ensemble.output_folder import StaleOutputError, dataset_path
from ecosys_sims.ensemble.plan import plan
from ecosys_sims.ensemble.simulation import simulate
from ecosys_sims.program.executable import ModelError
from foundations.child_processes import Stopped, ended_by_signals
from foundations.configuration_file import ConfigError, parse_override
from foundations.file_faults import explain
from foundations.shipped_configurations import configuration_path
from foundations.terminal import start_logging

log = logging.getLogger(__name__)


def command_parser(program: str = "python -m ecosys_sims.simulate") -> argparse.ArgumentParser:
    """Options, which replace values of the configuration."""
    parser = argparse.ArgumentParser(
        prog=program, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    config = parser.add_mutually_exclusive_group(required=True)
    config.add_argument("name", nargs="?", metavar="CONFIG", help="YAML file, or a name such as quickstart or smoke")
    config.add_argument("--config", metavar="CONFIG", help="the same")
    parser.add_argument("--out", required=True, type=Path, help="folder of the results; may hold an interrupted run")
    parser.add_argument("--sites", type=int, help="number of sites (sites.count)")
    parser.add_argument("--years", type=int, help="number of years (period.years)")
    parser.add_argument("--seed", type=int, help="seed of sites, parameters and weather (seed)")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE",
                        help="any value, for example hidden_parameters.shares.structured=1.0")  # fmt: skip
    parser.add_argument("--workers", type=int, help="processes of the local cluster; default: all processors")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="use this Dask cluster, for example tls://host:8786")
    tls = parser.add_argument_group("encryption of --scheduler, as `dask scheduler` takes them")
    tls.add_argument("--tls-ca-file", type=Path, metavar="PEM", help="certificate authority of the cluster")
    tls.add_argument("--tls-cert", type=Path, metavar="PEM", help="certificate of this client")
    tls.add_argument("--tls-key", type=Path, metavar="PEM", help="its key, if it is not in the file of --tls-cert")
    parser.add_argument("--overwrite", action="store_true", help="discard another simulation in --out")
    parser.add_argument("--check", action="store_true", help="check the configuration, print it resolved, and stop")
    parser.add_argument("--dry-run", action="store_true", help="count sites, blocks and bytes of the dataset, and stop")
    return parser


def parse_arguments(arguments: list[str] | None, program: str) -> argparse.Namespace:
    """The options of a command line."""
    parser = command_parser(program)
    options = parser.parse_args(arguments)
    if options.workers is not None and options.workers < 1:
        parser.error("--workers must be 1 or more")
    if options.scheduler is None and (options.tls_ca_file or options.tls_cert or options.tls_key):
        parser.error("--tls-ca-file, --tls-cert and --tls-key are for --scheduler; a local cluster makes its own keys")
    return options


def _scheduler(options: argparse.Namespace) -> Scheduler | None:
    if options.scheduler is None:
        return None
    return Scheduler(options.scheduler, options.tls_ca_file, options.tls_cert, options.tls_key)


def _changes(options: argparse.Namespace) -> tuple[dict[str, Any], dict[str, str]]:
    """Values by dotted key that replace the configuration's, and the option that gave each."""
    changes, names = {}, {}
    for text in options.set:
        key, value = parse_override(text)
        changes[".".join(key)], names[".".join(key)] = value, f"--set {text}"
    settings = {"sites.count": "sites", "period.years": "years", "seed": "seed"}
    for dotted, option in settings.items():
        if getattr(options, option) is not None:
            changes[dotted], names[dotted] = getattr(options, option), f"--{option}"
    return changes, names


def main(arguments: list[str] | None = None, program: str = "python -m ecosys_sims.simulate") -> int:
    """Exit code: 0 done, 1 failed, 2 wrong use, 130 interrupted. program: what the command is called in its help."""
    options = parse_arguments(arguments, program)
    start_logging()
    logging.getLogger("distributed").setLevel(logging.ERROR)
    try:
        changes, names = _changes(options)
        path = configuration_path(options.config or options.name, "simulation")
        config = configuration.load(path, changes, names)
        if options.sites is not None and (config.sites.table or config.sites.grid):
            which = "sites.table" if config.sites.table else "sites.grid"
            message = f"--sites: the sites are those of {which}; leave the option out"
            raise ConfigError(message)
        if options.check:
            sys.stdout.write(configuration.to_yaml(config))
            return 0
        if options.dry_run:
            sys.stdout.write(plan(config))
            return 0
        with ended_by_signals():
            summary = simulate(config, options.out, options.workers, _scheduler(options), options.overwrite)
    except ConfigError as error:
        log.error("%s", error)
        return 2
    except (ModelError, EnsembleError, DiskFullError, StaleOutputError, ValueError, OSError) as error:
        log.error("%s", explain(error))
        return 1
    except Stopped as stop:
        log.error("%s; run the same command again to go on", stop)
        return stop.exit_status
    except KeyboardInterrupt:
        log.error("interrupted; run the same command again to go on")
        return 130
    total = summary["total"]
    log.info("%s: %d sites, %d years", dataset_path(options.out), total["sites"], total["years"])
    log.info("%.1f s, %.1f site-years per second", summary["seconds"], summary["site_years_per_s"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
