"""Run your own EcoSIM, ecosys or Noah-MP at many sites, and import what it writes: see docs/importing.md.

    export ECOSTEP_ECOSIM=/path/to/ecosim.x
    python scripts/external_sims.py --config ecosim.yaml --out runs/ecosim

Run the same command again after any interruption: it goes on from the sites that are done.
"""

import argparse
import logging
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # works from a source tree that is not installed

from ecosys_sims.ensemble.cluster import EnsembleError, Scheduler
from ecosys_sims.external.configuration import ExternalConfig
from ecosys_sims.external.ensemble import DATASET, outputs, simulate
from ecosys_sims.external.simulators import SIMULATORS
from ecosys_sims.program.executable import ModelError
from emulator.data.importers.importing import Imported, add_files, finished, write_imported
from emulator.data.importers.preset_files import load_mapping
from emulator.data.importers.report.pages import write_report
from emulator.data.importers.sites import read_sites
from foundations.command_end import ends_clearly
from foundations.configuration_file import ConfigError, load
from foundations.file_faults import FileFault, SourceFault
from foundations.own_folder import ForeignFiles
from foundations.terminal import start_logging

log = logging.getLogger("external_sims")


@ends_clearly
def main(arguments: list[str] | None = None) -> int:
    """Command line; 0 done, 1 something cannot be used or failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", required=True, type=Path, help="YAML file: simulator, case, sites, years, forcing")
    parser.add_argument("--out", required=True, type=Path, help="folder of the results; may hold an interrupted run")
    parser.add_argument("--workers", type=int, help="processes of the local cluster; default: all processors")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="use this Dask cluster, for example tls://host:8786")
    tls = parser.add_argument_group("encryption of --scheduler, as `dask scheduler` takes them")
    tls.add_argument("--tls-ca-file", type=Path, metavar="PEM", help="certificate authority of the cluster")
    tls.add_argument("--tls-cert", type=Path, metavar="PEM", help="certificate of this client")
    tls.add_argument("--tls-key", type=Path, metavar="PEM", help="its key, if it is not in the file of --tls-cert")
    options = parser.parse_args(arguments)
    if options.workers is not None and options.workers < 1:
        parser.error("--workers must be 1 or more")
    if options.scheduler is None and (options.tls_ca_file or options.tls_cert or options.tls_key):
        parser.error("--tls-ca-file, --tls-cert and --tls-key are for --scheduler; a local cluster makes its own keys")
    start_logging()
    try:
        _run(options)
    except (ConfigError, ModelError, EnsembleError, SourceFault, FileFault, ForeignFiles) as error:
        log.error("%s", error)
        return 1
    return 0


def _run(options: argparse.Namespace) -> None:
    config = load(ExternalConfig, options.config)
    scheduler = None
    if options.scheduler:
        scheduler = Scheduler(options.scheduler, options.tls_ca_file, options.tls_cert, options.tls_key)
        scheduler.security()  # files that are not there are told before anything runs
    tasks = simulate(config, options.out, options.workers, scheduler)
    mapping = load_mapping(config.preset or SIMULATORS[config.simulator].preset)
    imported, table, files = Imported(options.out), read_sites(config.sites), []
    for task, paths in outputs(config, tasks):
        add_files(imported, mapping, paths, table, {"site_id": task.site["site_id"]})
        files += paths
    finished(imported, mapping)
    contents = imported.contents(f"Import of {config.simulator} at {len(tasks)} sites")
    write_report(contents, options.out / "report")
    write_imported(imported, mapping, files, options.out / DATASET)
    for note in contents.suspicions:
        log.warning("%s %s: %s", note.site, note.variable, note.text)
    log.info("%s: %d sites", options.out / DATASET, len(imported.records))


if __name__ == "__main__":
    sys.exit(main())
