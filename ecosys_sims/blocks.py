"""One block of sites: the unit of work, done completely or not at all, by whichever process gets to it."""

import errno
import json
import os
import shutil
import threading
import time
import uuid
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import netCDF4
import numpy as np

from ecosys_sims import config as configuration
from ecosys_sims import namelists, variables
from ecosys_sims.atomic_file import write_json
from ecosys_sims.config import SimulationConfig
from ecosys_sims.model import FILE_ERROR, ModelError, run_program
from ecosys_sims.site_table import read_site_table, read_true_parameters, write_site_table
from ecosys_sims.sites import SiteTable

BLOCKS = "blocks"
SITES = "sites.nc"
TRUTH = "params_truth.nc"
HISTORY = "history.nc"
RECORD = "block.json"
NETCDF = threading.Lock()  # the netCDF library is not thread-safe, and a user's workers may have several threads
FULL_BYTES = 8 << 20  # less free space than this explains any failed write


class DiskFullError(RuntimeError):
    """There is no room for results; completed blocks are kept."""


@dataclass(frozen=True)
class BlockTask:
    """What a worker needs to know; sites first..last-1 of the tables in `out`."""

    out: str
    number: int
    first: int
    last: int
    config: dict
    program: str

    @property
    def folder(self) -> Path:
        """Where the block's results lie once it is complete."""
        return block_folder(Path(self.out), self.number)


def block_folder(out: Path, number: int) -> Path:
    """The folder of a complete block."""
    return out / BLOCKS / f"b{number:05d}"


def run_block(task: BlockTask) -> dict:
    """Simulate a block unless that is done; returns its record: `number sites seconds`.

    All is written in a folder of its own that is renamed at the end, so that a killed worker leaves nothing that
    counts, and two workers at the same block do no harm. Raises ModelError or DiskFullError, naming block and sites.
    """
    if task.folder.exists():
        return json.loads((task.folder / RECORD).read_text())
    working = task.folder.with_name(f".{task.folder.name}.{uuid.uuid4().hex}")
    try:
        working.mkdir(parents=True)
        record = _simulate(task, working)
        try:
            os.rename(working, task.folder)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            shutil.rmtree(working)  # another worker was first, with the same numbers
        return record
    except Exception as error:
        raise _explained(error, task, working) from error
    finally:
        shutil.rmtree(working, ignore_errors=True)


def _simulate(task: BlockTask, working: Path) -> dict:
    started = time.perf_counter()
    config = configuration.parse(task.config, "the simulation's configuration")
    out = Path(task.out)
    with NETCDF:
        sites = read_site_table(out / SITES).part(task.first, task.last)
        truth = {name: values[task.first : task.last] for name, values in read_true_parameters(out / TRUTH).items()}
        write_site_table(working / namelists.SITE_TABLE, sites, truth)
    namelists.write_namelist(namelists.block_namelist(config), working / namelists.NAMELIST)
    run_program(Path(task.program), Path(namelists.NAMELIST), working, config.run.block_timeout_s)
    os.rename(_history_file(working, config), working / HISTORY)
    used = working / f"{namelists.CASE_NAME}.params.nc"
    with NETCDF:
        check_history(working / HISTORY, sites, days_of_period(config))
        read_back = check_parameters(used, sites, truth)
    for path in (working / namelists.SITE_TABLE, used):
        path.unlink()  # they hold the true parameters
    record = {
        "number": task.number, "sites": len(sites), "seconds": time.perf_counter() - started,
        "parameters_read_back": read_back,
    }  # fmt: skip
    write_json(working / RECORD, record)
    return record


def _history_file(folder: Path, config: SimulationConfig) -> Path:
    path = folder / f"{namelists.CASE_NAME}.h0.{config.period.start_year:04d}-01-01-00000.nc"
    if not path.exists():
        raise ModelError(f"the program completed but left no {path.name}")
    return path


def days_of_period(config: SimulationConfig) -> int:
    """Days from the first of January of the first year to the end of the last."""
    first, years = config.period.start_year, config.period.years
    if config.period.calendar == "noleap":
        return 365 * years
    return (date(first + years, 1, 1) - date(first, 1, 1)).days


def check_history(path: Path, sites: SiteTable, days: int) -> None:
    """Raise ModelError unless a history holds all daily variables of these sites and days."""
    try:
        with netCDF4.Dataset(path) as file:
            found_ids = list(file["site_id"][:])
            for variable in variables.DAILY:
                shape = file[variable.name].shape
                if shape != (len(sites), days):
                    raise ModelError(f"{path.name}: {variable.name} has shape {shape}, expected {(len(sites), days)}")
                units = getattr(file[variable.name], "units", None)
                if units != variable.units:
                    raise ModelError(f"{path.name}: {variable.name} has units {units!r}, expected {variable.units!r}")
    except (OSError, IndexError) as error:
        raise ModelError(f"{path.name}: not the history expected: {error}") from error
    if found_ids != list(sites.site_id):
        raise ModelError(f"{path.name}: sites {found_ids[:3]}..., expected {list(sites.site_id[:3])}...")


def check_parameters(path: Path, sites: SiteTable, asked: dict[str, np.ndarray]) -> int:
    """Raise ModelError unless the program says that it used the parameters `asked`, name -> (N,), NaN for any.

    Returns the number of values compared; they agree to the last bit.
    """
    compared = 0
    try:
        with netCDF4.Dataset(path) as file:
            file.set_auto_mask(False)
            if list(file["site_id"][:]) != list(sites.site_id):
                raise ModelError(f"{path.name}: holds other sites than the block")
            for name, values in asked.items():
                used = file[name][:]
                wrong = np.flatnonzero(~np.isnan(values) & (used != values))
                if wrong.size:
                    site = wrong[0]
                    raise ModelError(
                        f"{path.name}: the program used {name} = {used[site]!r} at site {sites.site_id[site]}, "
                        f"asked was {values[site]!r}"
                    )
                compared += int(np.isfinite(values).sum())
    except (OSError, IndexError) as error:
        raise ModelError(f"{path.name}: not the record of parameters expected: {error}") from error
    return compared


def disk_is_full(folder: Path, error: Exception | None = None) -> bool:
    """Whether the error says so, or nothing worth mentioning can be written there."""
    if getattr(error, "errno", None) == errno.ENOSPC:
        return True
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free < FULL_BYTES


def _may_be_full_disk(error: Exception) -> bool:
    """Whether a full disk can be the reason; only then does the space that is left tell anything."""
    if isinstance(error, ModelError):
        code = error.exit_code
        return code is not None and (code == FILE_ERROR or code < 0)  # below zero: killed by a signal
    return isinstance(error, OSError) or str(error).startswith("NetCDF:")  # the netCDF library's are RuntimeErrors


def _explained(error: Exception, task: BlockTask, working: Path) -> Exception:
    """The same failure, told with its block, its sites and what to do."""
    text = str(error)
    where = f"block {task.number} (sites {_site_names(task)})"
    # The program removes what it could not complete, so there may be room again when we look.
    told = "is the disk full" in text or "No space left on device" in text
    if told or (_may_be_full_disk(error) and disk_is_full(Path(task.out), error)):
        return DiskFullError(
            f"{where}: no space left in {task.out}; completed blocks are kept: free some space and run "
            f"the same command again ({text.splitlines()[0] if text else type(error).__name__})"
        )
    log = working / "ecosys.log"
    if log.exists():
        kept = task.folder.with_name(f"{task.folder.name}.failed.log")
        shutil.copyfile(log, kept)
        text += f"\n  (all that the program printed: {kept})"
    if isinstance(error, ModelError):
        return ModelError(f"{where}: {text}", error.exit_code)
    return RuntimeError(f"{where}: {type(error).__name__}: {text}")


def _site_names(task: BlockTask) -> str:
    try:
        with NETCDF:
            ids = list(read_site_table(Path(task.out) / SITES).site_id[task.first : task.last])
    except (OSError, ValueError):
        return f"{task.first} to {task.last - 1}"
    return ", ".join(ids) if len(ids) <= 4 else f"{ids[0]} to {ids[-1]}"
