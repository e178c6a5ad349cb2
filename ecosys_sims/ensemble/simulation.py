"""A whole simulation in one folder: sites and parameters, the blocks that are missing, the dataset."""

import logging
import shutil
import time
from pathlib import Path
from typing import Any

from ecosys_sims.ensemble import configuration
from ecosys_sims.ensemble.blocks import (
    HISTORY,
    SITES,
    STORE,
    TRUTH,
    UNFINISHED_STORE,
    BlockRecord,
    BlockTask,
    DiskFullError,
    disk_is_full,
    is_whole,
    read_block_record,
    try_out,
    write_to_store,
)
from ecosys_sims.ensemble.cluster import Scheduler, default_workers, run_blocks
from ecosys_sims.ensemble.configuration import SimulationConfig
from ecosys_sims.ensemble.dataset import create_store, finish_store, write_simulated
from ecosys_sims.ensemble.drawing import DrawnSites, draw
from ecosys_sims.ensemble.output_folder import (
    DATASET,
    LAYOUT,
    SUMMARY,
    check_identity,
    clear,
    dataset_path,
    is_complete,
    locked,
    make_folder,
    remove_leftovers,
    require_own,
    require_whole,
    write_config,
)
from ecosys_sims.formats.dataset_check import require_valid_dataset, require_valid_frame
from ecosys_sims.formats.site_table import write_site_table, write_true_parameters
from ecosys_sims.program.executable import find_program, library_versions, program_version
from ecosys_sims.program.parameter_table import ParameterInfo, parameter_table
from foundations import own_folder, provenance
from foundations.atomic_file import remove_temporaries, replacing
from foundations.file_seal import seal
from foundations.json_record import read_record, write_record
from foundations.zarr_dataset import has_rows

log = logging.getLogger(__name__)


def simulate(
    config: SimulationConfig,
    out: Path,
    workers: int | None = None,
    scheduler: Scheduler | None = None,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Bring `out` to hold the simulation of `config`, doing only what is missing; returns what simulation.json says.

    Killed at any moment, the same call goes on from the completed blocks and ends with the same data. Raises
    ModelError (no program), StaleOutputError, EnsembleError, DiskFullError.
    """
    started = time.perf_counter()
    program = find_program()
    out = out.resolve()
    tables = [table for table in (config.sites.table, config.design.table) if table]
    require_own(out, tables)
    table = parameter_table(program)
    drawn = draw(config, table)
    if overwrite and own_folder.present(out, LAYOUT):  # all that can fail is tried before anything is removed
        try_out(config, drawn.sites, drawn.hidden.values, program)
    make_folder(out)
    with locked(out):
        require_own(out, tables)
        remove_temporaries(out)
        if overwrite:
            clear(out)
        try:
            return _complete(config, out, program, table, drawn, workers, scheduler, started)
        except OSError as error:
            if disk_is_full(out, error):
                raise _disk_full(out) from error
            raise


def _complete(
    config: SimulationConfig,
    out: Path,
    program: Path,
    table: dict[str, ParameterInfo],
    drawn: DrawnSites,
    workers: int | None,
    scheduler: Scheduler | None,
    started: float,
) -> dict[str, Any]:
    check_identity(out, config, drawn.sites, drawn.hidden, program)
    tasks = _tasks(config, out, program, len(drawn.sites))
    if is_complete(out):
        summary: dict[str, Any] = read_record(
            out / SUMMARY, ("seconds", "site_years_per_s", "total"), "remove it, and the same command writes it again"
        )
        require_whole(out, summary)
        log.info("%s is complete already", dataset_path(out))
        _drop_histories(config, tasks)
        return summary
    write_config(out, configuration.to_yaml(config))
    write_site_table(out / SITES, drawn.sites)
    units = {info.name: info.units for info in table.values()}
    write_true_parameters(out / TRUTH, drawn.sites, drawn.hidden.values, units, config.seed, drawn.members)
    remove_leftovers(out)
    for task in tasks:
        if task.folder.exists() and not is_whole(task):
            shutil.rmtree(task.folder)
    missing = [task for task in tasks if not task.folder.exists()]
    log.info(
        "%d sites, %d years: %d of %d blocks to do", len(drawn.sites), config.period.years, len(missing), len(tasks)
    )
    if config.run.store == "zarr":
        _prepare_store(out, config, drawn, [task for task in tasks if task.folder.exists()])
    records = run_blocks(missing, out, workers, scheduler)
    remove_leftovers(out)
    if config.run.store == "zarr":
        path = _finish_store(out, config, tasks, drawn, program_version(program))
    else:
        path = _write_dataset(out, config, tasks, drawn, program_version(program))
    used_workers = None if scheduler else min(workers or default_workers(), len(tasks))
    session = {"workers": used_workers, "scheduler": scheduler.address if scheduler else None}
    summary = _summary(config, tasks, records, program, session, time.perf_counter() - started)
    summary["sha256"] = {path.name: provenance.file_sha256(path)}
    write_record(out / SUMMARY, summary)
    _drop_histories(config, tasks)
    return summary


def _write_dataset(
    out: Path, config: SimulationConfig, tasks: list[BlockTask], drawn: DrawnSites, program: str
) -> Path:
    with replacing(out / DATASET) as temporary:
        try:
            write_simulated(temporary, config, drawn.sites, tasks, drawn.hidden.shares, program, drawn.members)
            seal(temporary)
        except (OSError, RuntimeError) as error:  # netCDF's are RuntimeErrors; look before the partial file is removed
            if disk_is_full(out, error):
                raise _disk_full(out) from error
            raise
    require_valid_dataset(out / DATASET)
    return out / DATASET


def _prepare_store(out: Path, config: SimulationConfig, drawn: DrawnSites, done: list[BlockTask]) -> None:
    """The store that workers write into, from an earlier session or anew, with the blocks that are done already.

    A session may have ended while it wrote these, or after the store had its name and before there was a summary.
    """
    store = out / UNFINISHED_STORE
    if not store.exists() and (out / STORE).exists():
        (out / STORE).rename(store)
    if not store.exists():
        create_store(store, config, drawn.sites, drawn.members)
    there = has_rows(store, [task.first for task in done])
    for task in (task for task, written in zip(done, there, strict=True) if not written):
        write_to_store(task.folder / HISTORY, drawn.sites.site_id[task.first : task.last], store, task.first)


def _finish_store(out: Path, config: SimulationConfig, tasks: list[BlockTask], drawn: DrawnSites, program: str) -> Path:
    store = out / UNFINISHED_STORE
    finish_store(store, config, tasks, drawn.hidden.shares, program)
    require_valid_frame(store)
    return store.rename(out / STORE)


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


def _summary(
    config: SimulationConfig,
    tasks: list[BlockTask],
    records: list[BlockRecord],
    program: Path,
    session: dict[str, Any],
    seconds: float,
) -> dict[str, Any]:
    """Timing of this session, whose blocks are `records`; totals over all sessions; provenance."""
    years = config.period.years + config.period.spinup_years
    site_years = sum(record["sites"] for record in records) * years
    all_records: list[BlockRecord] = [read_block_record(task) for task in tasks]
    sites = tasks[-1].last
    return {
        "seconds": round(seconds, 3),
        "site_years": site_years,
        "site_years_per_s": round(site_years / seconds, 3),
        **session,
        "resumed": len(records) < len(tasks),
        "total": {
            "sites": sites,
            "years": config.period.years,
            "spinup_years": config.period.spinup_years,
            "site_years": sites * years,
            "parameters_read_back": sum(record["parameters_read_back"] for record in all_records),
            "block_seconds": round(sum(record["seconds"] for record in all_records), 3),
        },
        "provenance": {
            "created": provenance.now(),
            "git_hash": provenance.git_hash(),
            "config_hash": configuration.result_hash(config),
            "seed": config.seed,
            "program": program_version(program),
            "program_sha256": provenance.file_sha256(program),
            "versions": library_versions(),
        },
    }


def _drop_histories(config: SimulationConfig, tasks: list[BlockTask]) -> None:
    """The dataset holds them now; logs, timings and namelists stay."""
    if not config.run.keep_block_histories:
        for task in tasks:
            (task.folder / HISTORY).unlink(missing_ok=True)
