"""Work that is done once: a step leaves its results in a file, and is skipped while what it depends on is the same."""

import hashlib
import json
import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ecosys_sims.ensemble.configuration import SimulationConfig
from ecosys_sims.ensemble.output_folder import StaleOutputError
from ecosys_sims.ensemble.simulation import simulate
from ecosys_sims.program.executable import find_program
from foundations import provenance
from foundations.file_faults import DamagedFile
from foundations.json_record import read_record, write_record

log = logging.getLogger(__name__)


def digest_of(content: Any) -> str:
    """Short hash of a JSON-able description."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:16]


def run_step(folder: Path, name: str, depends: Any, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The results of a step: read from `folder/name.json` where it was done with the same `depends`, else computed.

    `work` returns what JSON can hold; the seconds that it took are added as `seconds`.
    """
    path, key = folder / f"{name}.json", digest_of(depends)
    if path.exists():
        try:
            stored = read_record(path, ("depends", "results"), "the step is done again")
        except DamagedFile as error:
            log.warning("%s", error)
            stored = {}
        if stored.get("depends") == key:
            stored_results: dict[str, Any] = stored["results"]
            return stored_results
    log.info("%s ...", name)
    started = time.perf_counter()
    results = work() | {"seconds": round(time.perf_counter() - started, 1)}
    folder.mkdir(parents=True, exist_ok=True)
    write_record(path, {"depends": key, "results": results})
    log.info("%s: %.0f s", name, results["seconds"])
    return results


def simulate_anew(config: SimulationConfig, out: Path, workers: int) -> dict[str, Any]:
    """Go on with the simulation in `out`, or replace it where it is another one; what simulation.json says."""
    try:
        summary = simulate(config, out, workers)
        if summary["provenance"]["program_sha256"] == provenance.file_sha256(find_program()):
            return summary
        log.info("simulating anew: %s was simulated by another build of the program", out)
    except StaleOutputError as error:
        log.info("simulating anew: %s", error)
    return simulate(config, out, workers, overwrite=True)


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write named arrays as a compressed npz file."""
    named: dict[str, Any] = dict(arrays)
    np.savez_compressed(path, **named)
