"""Run the land model with its biogeochemistry computed and emulated, and check that the coupling is exact.

    python scripts/couple.py --sims OUT/sims --run OUT/models/cham_net --out OUT/coupled

Writes coupled.json (checks, skill against the process run, timings) and series.nc (daily targets of both runs).
Exit status: 0 all checks hold, 1 a run failed, 3 a check does not hold.
"""

import argparse
import logging
import os
import sys
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # one thread a process, as under MPI; set before torch is loaded
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # works from a source tree that is not installed

import numpy as np
from coupled_checks import (
    LIMIT,
    check_restart,
    check_single_cells,
    check_site_blocks,
    compare_offline,
    largest_difference,
)
from coupled_runs import IDENTITY, RUN_FILES, Host, HostRun, host_from_simulation, read_history, run_host, write_dataset

import coupler
from ecosys_sims.formats import biomes
from ecosys_sims.formats.errors import FormatError
from ecosys_sims.program.executable import ModelError, find_program
from emulator.artefact.metadata import ArtefactError, read_artefact
from emulator.data.dataset import Dataset
from emulator.data.dataset_file import DatasetError
from emulator.evaluation.metrics import to_json
from emulator.evaluation.offline import PredictionError
from emulator.runs import provenance, trained_model
from emulator.runs.checkpoint import CheckpointError
from emulator.runs.run_folder import RunFolder, RunFolderError
from foundations import own_folder
from foundations.command_end import ends_clearly
from foundations.configuration_file import ConfigError
from foundations.file_faults import explain
from foundations.folder_lock import FolderBusy, locked
from foundations.json_record import write_record
from foundations.netcdf_file import writing
from foundations.own_folder import ForeignFiles
from foundations.provenance import file_sha256, git_hash, now
from foundations.terminal import start_logging
from foundations.units import unit_conversion
from foundations.variables import Variable

log = logging.getLogger("couple")

FILE_ERRORS = (
    ArtefactError, CheckpointError, ConfigError, DatasetError, FolderBusy, ForeignFiles, FormatError, RunFolderError
)  # fmt: skip
USER_ERRORS = (*FILE_ERRORS, coupler.EcostepError, ModelError, PredictionError, OSError)
CHECK_FAILED = 3
"""Exit status of a run to the end of which a check does not hold."""
KIND = "coupled run"
RESULTS = ("dataset.nc", "offline.nc", "series.nc", "coupled.json")
FOLDERS = ("process", "emulator", "until_restart", "from_restart", "first_sites", "other_sites")


Fluxes = dict[str, np.ndarray]
"""Targets in analysis units by name, (N, T)."""


def couple(sims: Path, run: RunFolder, artefact: Path, out: Path, sites: int) -> dict[str, Any]:
    """All runs and checks; returns what coupled.json holds."""
    started = time.perf_counter()
    _require_own(out, [artefact, sims / "dataset.nc", *run.files()])
    out.mkdir(parents=True, exist_ok=True)
    own_folder.mark(out, KIND)
    trained = trained_model.load(run)
    past_flux = "self_fed" if read_artefact(artefact).metadata.past_flux == "self_fed" else "none"
    host = host_from_simulation(sims, artefact, sites, find_program())
    log.info("%d sites, %d days, %s", len(host.sites), host.days, artefact)
    process = run_host(host, out / "process", "process")
    log.info("process: %s", _spent(process))
    emulated = run_host(host, out / "emulator", "emulator")
    log.info("emulator: %s", _spent(emulated))
    write_dataset(out / "dataset.nc", host, emulated)
    targets = trained.signature.targets
    fluxes = [_targets(host, run_of_scheme, targets) for run_of_scheme in (process, emulated)]
    compared = compare_offline(run, out / "dataset.nc", *fluxes, out / "offline.nc", past_flux=past_flux)
    worst = largest_difference(compared)
    equal = worst <= LIMIT  # False where it is NaN
    log.info(
        "coupled against offline: %s, at most %.2g of sd + |flux| (limit %g)",
        "equal" if equal else "DIFFERENT",
        worst,
        LIMIT,
    )
    restart = check_restart(host, emulated, out)
    log.info("restart on %s: %s", restart["date"], _verdict(restart))
    blocks = check_site_blocks(host, emulated, out)
    single = check_single_cells(artefact, Dataset.open(sims / "dataset.nc", trained.signature, require_targets=False))
    log.info("two blocks of sites: %s; 64 cells one by one: %s", _verdict(blocks), _verdict(single))
    _write_series(out / "series.nc", host, targets, *fluxes)
    timing = {"process": process.timing, "emulator": emulated.timing}
    return {
        "model": {"kind": trained.config.model.kind, "name": artefact.stem, "sha256": file_sha256(artefact)},
        "sites": len(host.sites),
        "start_date": host.start.strftime("%Y-%m-%d"),
        "days": host.days,
        "targets": compared,
        "equals_offline": equal,
        "equals_offline_limit": LIMIT,
        "max_diff_over_scale": worst,
        "max_abs_diff_over_sd": largest_difference(compared, "max_abs_diff_over_sd"),
        "restart": restart,
        "restart_bitwise": restart["bitwise"],
        "decomposition": {"site_blocks": blocks, "single_cells": single, "description": _description(blocks, single)},
        "decomposition_bitwise": blocks["bitwise"] and single["bitwise"],
        "timing": timing,
        "speedup": _speedup(host, timing),
        "speedup_total": timing["process"]["wall_s"] / timing["emulator"]["wall_s"],
        "seconds": time.perf_counter() - started,
        "provenance": {
            "created": now(),
            "git_hash": git_hash(),
            "versions": provenance.versions(),
        },
    }


def _require_own(out: Path, inputs: list[Path]) -> None:
    """ForeignFiles where the folder holds files that no coupled run made, or an input among what is replaced."""
    layout = (*RESULTS, *(f"{folder}/{name}" for folder in FOLDERS for name in RUN_FILES))
    made_before_manifests = (out / "process" / IDENTITY).exists()
    if not own_folder.is_marked(out, KIND) and not made_before_manifests:
        own_folder.refuse_foreign(out, own_folder.present(out, layout))
    own_folder.refuse_inputs(out, layout, inputs)


def _speedup(host: Host, timing: dict[str, dict[str, float]]) -> float:
    """Time of biogeochemistry a year, computed / emulated; spin-up years are computed but not emulated."""
    years, spinup = host.config.period.years, host.config.period.spinup_years
    computed = timing["process"]["biogeochemistry_s"] / (years + spinup)
    return computed / (timing["emulator"]["biogeochemistry_s"] / years)


def _targets(host: Host, run: HostRun, targets: tuple[Variable, ...]) -> Fluxes:
    """Targets of a run in analysis units, float64 (N, T)."""
    series = read_history(run.history, tuple(target.name for target in targets), host.sites)
    return {
        target.name: series[target.name] * unit_conversion(target.units, target.analysis_units, target.name)[0]
        for target in targets
    }


def _write_series(path: Path, host: Host, targets: tuple[Variable, ...], process: Fluxes, emulated: Fluxes) -> None:
    """Daily targets of both runs, for the report."""
    names = {biome.flag: name for name, biome in biomes.BY_NAME.items()}
    with writing(path) as file:
        file.createDimension("site", len(host.sites))
        file.createDimension("time", host.days)
        for name, values in (("site_id", host.sites.site_id), ("biome", [names[int(k)] for k in host.sites.biome])):
            file.createVariable(name, str, ("site",))[:] = np.array(values, dtype=object)
        axis = file.createVariable("time", "f8", ("time",), fletcher32=True)
        axis.units = f"days since {host.start.strftime('%Y-%m-%d')} 00:00:00"
        axis.calendar = host.config.period.calendar
        axis[:] = np.arange(host.days) + 0.5
        for target in targets:
            for scheme, series in (("process", process), ("emulator", emulated)):
                name = f"{target.name}_{scheme}"
                variable = file.createVariable(name, "f4", ("site", "time"), zlib=True, complevel=1, fletcher32=True)
                variable.units = target.analysis_units
                variable[:] = series[target.name]


def _description(blocks: dict[str, Any], single: dict[str, Any]) -> str:
    first_sites, other_sites = blocks["sites"]
    return (
        f"{first_sites} and {other_sites} sites in two runs instead of one ({blocks['days']} days), "
        f"{single['cells']} cells called one by one instead of in one call ({single['days']} days): "
        "all compared bit for bit"
    )


def _spent(run: HostRun) -> str:
    timing = run.timing
    return f"{timing['wall_s']:.1f} s, of which biogeochemistry {timing['biogeochemistry_s']:.2f} s"


def _verdict(check: dict[str, Any]) -> str:
    return "equal bit for bit" if check["bitwise"] else f"DIFFERENT {check.get('differing', '')}"


@ends_clearly
def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sims", type=Path, required=True, help="folder that gen_sims.py wrote")
    parser.add_argument("--run", type=Path, required=True, help="run folder of the trained model")
    parser.add_argument("--artefact", type=Path, help="exported model; default RUN/model.pt")
    parser.add_argument("--out", type=Path, required=True, help="folder of the results")
    parser.add_argument("--sites", type=int, default=64, help="number of sites (default 64)")
    options = parser.parse_args(arguments)
    if options.sites < 2:
        parser.error("--sites must be 2 or more: the sites are also run in two blocks")
    start_logging()
    artefact = options.artefact or RunFolder(options.run).artefact
    for path, maker in ((options.sims / "dataset.nc", "scripts/gen_sims.py"), (artefact, "python -m emulator.export")):
        if not path.exists():
            log.error("%s is not there; make it with %s", path, maker)
            return 1
    try:
        with locked(options.out, "running coupled"):
            content = couple(options.sims, RunFolder(options.run), artefact, options.out, options.sites)
    except USER_ERRORS as error:
        log.error("%s", explain(error))
        return 1
    write_record(options.out / "coupled.json", to_json(content))
    holds = all(content[check] for check in ("equals_offline", "restart_bitwise", "decomposition_bitwise"))
    log.info("biogeochemistry %.2g times as fast emulated as computed", content["speedup"])
    return 0 if holds else CHECK_FAILED


if __name__ == "__main__":
    sys.exit(main())
