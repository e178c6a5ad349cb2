"""A whole simulation in one folder: sites and parameters, the blocks that are missing, the dataset."""

import fcntl
import hashlib
import json
import logging
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

import numpy as np

from ecosys_sims import biomes, provenance
from ecosys_sims import config as configuration
from ecosys_sims.atomic_file import remove_temporaries, replacing, write_json, write_text
from ecosys_sims.blocks import (
    BLOCKS,
    HISTORY,
    RECORD,
    SITES,
    TRUTH,
    BlockTask,
    DiskFullError,
    block_folder,
    disk_is_full,
)
from ecosys_sims.config import ConfigError, SimulationConfig
from ecosys_sims.dataset import write_simulated
from ecosys_sims.designs import BASELINE, Members, expand
from ecosys_sims.ensemble import default_workers, run_blocks
from ecosys_sims.evolution import draw_evolution
from ecosys_sims.hidden_parameters import HiddenParameters, draw_parameters
from ecosys_sims.model import ParameterInfo, find_program, parameter_table, program_version
from ecosys_sims.parameter_effects import why_without_effect
from ecosys_sims.rotations import draw_rotations
from ecosys_sims.site_table import read_parameters, read_site_table, write_site_table, write_true_parameters
from ecosys_sims.sites import SiteTable, draw_sites
from ecosys_sims.validation import require_valid_dataset

log = logging.getLogger(__name__)

DATASET = "dataset.nc"
SUMMARY = "simulation.json"
CONFIG = "config.yaml"
IDENTITY = "run.json"  # what the results in the folder depend on
LOCK = ".lock"


class StaleOutputError(RuntimeError):
    """The output folder holds another simulation, or cannot be used."""


def simulate(
    config: SimulationConfig,
    out: Path,
    workers: int | None = None,
    scheduler: str | None = None,
    overwrite: bool = False,
) -> dict:
    """Bring `out` to hold the simulation of `config`, doing only what is missing; returns what simulation.json says.

    Killed at any moment, the same call goes on from the completed blocks and ends with the same data. Raises
    ModelError (no program), StaleOutputError, EnsembleError, DiskFullError.
    """
    started = time.perf_counter()
    program = find_program()
    out = out.resolve()
    _make_folder(out)
    with _locked(out):
        remove_temporaries(out)
        if overwrite:
            _clear(out)
        try:
            return _simulate(config, out, program, workers, scheduler, started)
        except OSError as error:
            if disk_is_full(out, error):
                raise _disk_full(out) from error
            raise


def _simulate(config: SimulationConfig, out: Path, program: Path, workers, scheduler, started: float) -> dict:
    table = parameter_table(program)
    sites, hidden, members = draw(config, table)
    _check_identity(out, config, sites, hidden, program)
    tasks = _tasks(config, out, program, len(sites))
    if (out / DATASET).exists() and (out / SUMMARY).exists():
        log.info("%s is complete already", out / DATASET)
        _drop_histories(config, tasks)
        return json.loads((out / SUMMARY).read_text())
    write_text(out / CONFIG, configuration.to_yaml(config))
    write_site_table(out / SITES, sites)
    write_true_parameters(out / TRUTH, sites, hidden.values, table, config.seed, members)
    _remove_leftovers(out)
    missing = [task for task in tasks if not task.folder.exists()]
    log.info("%d sites, %d years: %d of %d blocks to do", len(sites), config.period.years, len(missing), len(tasks))
    done = run_blocks(missing, out, workers, scheduler)
    _remove_leftovers(out)
    with replacing(out / DATASET) as temporary:
        try:
            write_simulated(temporary, config, sites, tasks, hidden.shares, program_version(program), members)
        except (OSError, RuntimeError) as error:  # netCDF's are RuntimeErrors; look before the partial file is removed
            if disk_is_full(out, error):
                raise _disk_full(out) from error
            raise
    require_valid_dataset(out / DATASET)
    summary = _summary(config, tasks, done, program, workers, scheduler, time.perf_counter() - started)
    write_json(out / SUMMARY, summary)
    _drop_histories(config, tasks)
    return summary


def draw(
    config: SimulationConfig, table: dict[str, ParameterInfo]
) -> tuple[SiteTable, HiddenParameters, Members | None]:
    """The sites of a simulation with their parameters; and which member of which site they are, under a design.

    table: the program's parameters. Raises ConfigError or ValueError where that cannot be.
    """
    given: dict[str, np.ndarray] = {}
    if config.sites.table:
        sites = read_site_table(config.sites.table)
        given = read_parameters(config.sites.table, table)
    else:
        sites = draw_sites(config.sites, config.seed)
    fixed = _fixed_by_namelist(config, table)
    for where, names in (("sites.table", given), ("design.parameters", config.design.parameters)):
        taken = sorted(fixed & set(names))
        if taken:
            raise ConfigError(f"{taken[0]} has one value for all sites in the namelist and is in {where} as well")
    hidden = draw_parameters(sites, table, config.hidden_parameters, config.seed, fixed)
    change = draw_evolution(sites, config.evolution, config.period, config.seed)
    change |= draw_rotations(sites, config.crops, config.seed)
    hidden.values.update({name: values for name, values in change.items() if name not in fixed})
    for name, values in given.items():
        drawn = hidden.values.get(name, np.full(len(sites), np.nan))
        hidden.values[name] = np.where(np.isnan(values), drawn, values)
    if config.design.kind == "sites":
        return sites, hidden, None
    members = expand(config.design, sites, hidden.values, table, config.seed)
    _warn_of_no_effect(members)
    return members.sites, HiddenParameters(members.values, hidden.shares), members


def _warn_of_no_effect(members: Members) -> None:
    if members.perturbed is None:
        return
    for name in dict.fromkeys(members.perturbed[members.perturbed != BASELINE]):
        for flag in np.unique(members.sites.biome[members.perturbed == name]):
            biome = biomes.BY_FLAG[flag].name
            reason = why_without_effect(name, biome)
            if reason:
                log.warning("%s changes nothing at a site of class %s: %s", name, biome, reason)


def _fixed_by_namelist(config: SimulationConfig, table: dict[str, ParameterInfo]) -> set[str]:
    """Parameters to which the configuration's namelist gives one value for all sites."""
    return {info.name for info in table.values() if info.name in config.namelist.get(info.group, {})}


def _tasks(config: SimulationConfig, out: Path, program: Path, count: int) -> list[BlockTask]:
    size = config.run.block_size
    content = config.model_dump(mode="json")
    return [
        BlockTask(str(out), number, first, min(first + size, count), content, str(program))
        for number, first in enumerate(range(0, count, size))
    ]


def _disk_full(out: Path) -> DiskFullError:
    return DiskFullError(
        f"no space left in {out}; completed blocks are kept: free some space and run the same command again"
    )


def _remove_leftovers(out: Path) -> None:
    """What killed workers left, and blocks whose history has been deleted."""
    for folder in (out / BLOCKS).iterdir():
        if folder.is_dir() and (folder.name.startswith(".") or not (folder / HISTORY).exists()):
            shutil.rmtree(folder, ignore_errors=True)


def _summary(
    config: SimulationConfig, tasks: list[BlockTask], done: list[dict], program: Path, workers, scheduler, seconds
):
    """Timing of this session, totals over all sessions, provenance."""
    years = config.period.years + config.period.spinup_years
    site_years = sum(record["sites"] for record in done) * years
    records = [json.loads((task.folder / RECORD).read_text()) for task in tasks]
    return {
        "seconds": round(seconds, 3),
        "site_years": site_years,
        "site_years_per_s": round(site_years / seconds, 3),
        "workers": None if scheduler else min(workers or default_workers(), len(tasks)),
        "scheduler": scheduler,
        "resumed": len(done) < len(tasks),
        "total": {
            "sites": tasks[-1].last,
            "years": config.period.years,
            "spinup_years": config.period.spinup_years,
            "site_years": tasks[-1].last * years,
            "parameters_read_back": sum(record["parameters_read_back"] for record in records),
            "block_seconds": round(sum(record["seconds"] for record in records), 3),
        },
        "provenance": {
            "created": provenance.now(),
            "git_hash": provenance.git_hash(),
            "config_hash": configuration.result_hash(config),
            "seed": config.seed,
            "program": program_version(program),
            "program_sha256": provenance.file_sha256(program),
            "versions": provenance.versions(),
        },
    }


def _make_folder(out: Path) -> None:
    try:
        (out / BLOCKS).mkdir(parents=True, exist_ok=True)
        with open(out / LOCK, "a"):
            pass  # a folder that exists may still be one that cannot be written
    except (FileExistsError, NotADirectoryError) as error:
        raise StaleOutputError(f"--out {out}: is a file or lies below one; choose another folder") from error
    except OSError as error:
        raise StaleOutputError(f"--out {out}: cannot be written: {error.strerror}; choose another folder") from error


@contextmanager
def _locked(out: Path) -> Iterator[None]:
    """Only one simulation at a time in a folder; the system frees the lock of a killed one."""
    with open(out / LOCK, "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StaleOutputError(
                f"another simulation is running in {out}; wait for it or choose another --out"
            ) from error
        yield


def _clear(out: Path) -> None:
    """Remove what a simulation leaves in its folder, and nothing else."""
    for name in (DATASET, SUMMARY, CONFIG, IDENTITY, SITES, TRUTH):
        (out / name).unlink(missing_ok=True)
    shutil.rmtree(out / BLOCKS, ignore_errors=True)
    (out / BLOCKS).mkdir()


def _check_identity(
    out: Path, config: SimulationConfig, sites: SiteTable, hidden: HiddenParameters, program: Path
) -> None:
    """Refuse to mix results of different configurations, drawn numbers or programs."""
    mine = {
        "config_hash": configuration.result_hash(config),
        "tables_hash": _tables_hash(sites, hidden),
        "program_sha256": provenance.file_sha256(program),
        "config": config.model_dump(mode="json"),
    }
    path = out / IDENTITY
    if not path.exists():
        if (out / DATASET).exists() or any((out / BLOCKS).glob("b*")):
            raise StaleOutputError(f"{out} holds results of unknown origin (no {IDENTITY}); {_REMEDY}")
        write_json(path, mine)
        return
    try:
        theirs = json.loads(path.read_text())
    except ValueError as error:
        raise StaleOutputError(f"{path}: not readable ({error}); {_REMEDY}") from error
    if theirs.get("config_hash") != mine["config_hash"]:
        differing = ", ".join(_differences(theirs.get("config", {}), mine["config"])) or "another version of the schema"
        raise StaleOutputError(f"{out} holds another simulation (different: {differing}); {_REMEDY}")
    if (out / DATASET).exists() and (out / SUMMARY).exists():
        if theirs != mine:
            log.warning("%s was simulated by another build of the program; --overwrite simulates again", out / DATASET)
        return
    if theirs.get("program_sha256") != mine["program_sha256"]:
        raise StaleOutputError(f"{out} was simulated by another build of the program {program}; {_REMEDY}")
    if theirs.get("tables_hash") != mine["tables_hash"]:
        raise StaleOutputError(
            f"{out}: this version of ecosys_sims draws other sites or parameters, or a table "
            f"of the configuration has changed; {_REMEDY}"
        )


_REMEDY = "choose another --out, or replace it with --overwrite"


def _differences(theirs: dict, mine: dict, prefix: str = "") -> list[str]:
    found = []
    for key in dict.fromkeys([*theirs, *mine]):
        old, new = theirs.get(key), mine.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            found += _differences(old, new, f"{prefix}{key}.")
        elif old != new:
            found.append(f"{prefix}{key} was {old!r}, is {new!r}")
    return found


def _tables_hash(sites: SiteTable, hidden: HiddenParameters) -> str:
    digest = hashlib.sha256()
    for item in fields(sites):
        digest.update(getattr(sites, item.name).tobytes())
    for name in sorted(hidden.values):
        digest.update(name.encode() + hidden.values[name].tobytes())
    return digest.hexdigest()


def _drop_histories(config: SimulationConfig, tasks: list[BlockTask]) -> None:
    """The dataset holds them now; logs, timings and namelists stay."""
    if not config.run.keep_block_histories:
        for task in tasks:
            (block_folder(Path(task.out), task.number) / HISTORY).unlink(missing_ok=True)
