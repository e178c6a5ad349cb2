"""One block of sites: the unit of work, done completely or not at all, by whichever process gets to it."""

import errno
import logging
import shutil
import tempfile
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, NotRequired, TypedDict, cast

import f90nml
import numpy as np

from ecosys_sims.ensemble import configuration
from ecosys_sims.ensemble.configuration import SimulationConfig
from ecosys_sims.formats.dataset_check import series_faults
from ecosys_sims.formats.site_table import SiteTable, read_site_table, read_true_parameters, write_site_table
from ecosys_sims.program import namelists
from ecosys_sims.program.executable import FILE_ERROR, ModelError, run_program
from ecosys_sims.program.history import check_history, history_path, read_daily
from foundations import zarr_dataset
from foundations.file_faults import DamagedFile, explain
from foundations.json_record import read_record, write_record
from foundations.netcdf_file import reading
from foundations.provenance import file_sha256

log = logging.getLogger(__name__)

BLOCKS = "blocks"
BLOCK_FOLDERS = "b[0-9][0-9][0-9][0-9][0-9]"
SITES = "sites.nc"
TRUTH = "params_truth.nc"
HISTORY = "history.nc"
STORE = "dataset.zarr"
UNFINISHED_STORE = f"{STORE}.partial"
RECORD = "block.json"
CASE_NAME = "block"
NETCDF = threading.Lock()  # the netCDF library is not thread-safe, and a user's workers may have several threads
FULL_BYTES = 8 << 20  # less free space than this explains any failed write
SITES_NAMED = 4  # of a block that failed, all by their names


class DiskFullError(RuntimeError):
    """There is no room for results; completed blocks are kept."""


class BlockRecord(TypedDict):
    """What `block.json` says of a block: `parameters_read_back` is the number of values that were compared.

    `history_sha256` is of the history as it was checked; records of former versions have none.
    """

    number: int
    sites: int
    seconds: float
    parameters_read_back: int
    history_sha256: NotRequired[str]


@dataclass(frozen=True)
class BlockTask:
    """What a worker needs to know; sites first..last-1 of the tables in `out`."""

    out: str
    number: int
    first: int
    last: int
    config: dict[str, Any]
    program: str

    @property
    def folder(self) -> Path:
        """Where the block's results lie once it is complete."""
        return Path(self.out) / BLOCKS / f"b{self.number:05d}"


def run_block(task: BlockTask) -> BlockRecord:
    """Simulate a block unless that is done.

    All is written in a folder of its own that is renamed at the end, so that a killed worker leaves nothing that
    counts, and two workers at the same block do no harm. Raises ModelError or DiskFullError, naming block and sites.
    """
    if task.folder.exists():
        return read_block_record(task)
    working = task.folder.with_name(f".{task.folder.name}.{uuid.uuid4().hex}")
    try:
        working.mkdir(parents=True)
        record = _simulate(task, working)
        try:
            working.rename(task.folder)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            shutil.rmtree(working)  # another worker was first, with the same numbers
    except Exception as error:
        raise _explained(error, task, working) from error
    else:
        return record
    finally:
        shutil.rmtree(working, ignore_errors=True)


def read_block_record(task: BlockTask) -> BlockRecord:
    """What a finished block says of itself; DamagedFile where its file is not as it was written."""
    path, remedy = task.folder / RECORD, "the block is simulated again"
    content = read_record(path, ("sites", "seconds", "parameters_read_back"), remedy)
    numbers = [content[name] for name in ("sites", "seconds", "parameters_read_back")]
    if not all(isinstance(value, int | float) for value in numbers):
        raise DamagedFile(path, "is not the record of a block", remedy)
    return cast("BlockRecord", content)


def is_whole(task: BlockTask) -> bool:
    """Whether a finished block is as it was written; a warning names the file that is not."""
    history = task.folder / HISTORY
    try:
        content = read_block_record(task)
        if content.get("history_sha256", "") not in ("", file_sha256(history)):
            raise DamagedFile(history, "is damaged (SHA-256 differs)", "the block is simulated again")
    except OSError as error:
        log.warning("%s", explain(error))
        return False
    return True


def try_out(config: SimulationConfig, sites: SiteTable, truth: dict[str, np.ndarray], program: Path) -> None:
    """Simulate the first site for a year, and leave nothing: raises the ModelError that the blocks would end with."""
    period = config.period.model_copy(update={"years": 1, "spinup_years": 0})
    with tempfile.TemporaryDirectory(prefix="ecostep_") as name:
        working = Path(name)
        write_site_table(working / namelists.SITE_TABLE, sites.part(0, 1), {key: row[:1] for key, row in truth.items()})
        groups = block_namelist(config.model_copy(update={"period": period}))
        namelists.write_namelist(groups, working / namelists.NAMELIST)
        run_program(program, Path(namelists.NAMELIST), working, config.run.block_timeout_s)


def _simulate(task: BlockTask, working: Path) -> BlockRecord:
    started = time.perf_counter()
    config = configuration.parse(task.config, "the simulation's configuration")
    out = Path(task.out)
    with NETCDF:
        sites = read_site_table(out / SITES).part(task.first, task.last)
        truth = read_true_parameters(out / TRUTH, sites.site_id)
        write_site_table(working / namelists.SITE_TABLE, sites, truth)
    namelists.write_namelist(block_namelist(config), working / namelists.NAMELIST)
    run_program(Path(task.program), Path(namelists.NAMELIST), working, config.run.block_timeout_s)
    _history_of_run(working, config).rename(working / HISTORY)
    used = working / f"{CASE_NAME}.params.nc"
    with NETCDF:
        check_history(working / HISTORY, sites.site_id, days_of_period(config))
        parameters_read_back = check_parameters(used, sites, truth)
        if config.run.store == "zarr":
            write_to_store(working / HISTORY, sites.site_id, out / UNFINISHED_STORE, task.first)
    for path in (working / namelists.SITE_TABLE, used):
        path.unlink()  # they hold the true parameters
    record = BlockRecord(
        number=task.number,
        sites=len(sites),
        seconds=time.perf_counter() - started,
        parameters_read_back=parameters_read_back,
        history_sha256=file_sha256(working / HISTORY),
    )
    write_record(working / RECORD, {**record})
    return record


def write_to_store(history: Path, site_ids: Sequence[str] | np.ndarray, store: Path, first: int) -> None:
    """Check the daily series of a block's history and write them to its rows of the store, which begin with `first`."""
    with reading(history, "run the block again") as file:
        faults = series_faults(file)
    if faults:
        message = f"{history.name}: " + "; ".join(faults)
        raise ModelError(message)
    zarr_dataset.write_rows(store, first, dict(read_daily(history, list(site_ids))))


def block_namelist(config: SimulationConfig) -> f90nml.Namelist:
    """The namelist of any block: paths in it are relative to the block's own folder, so that it is the same for all."""
    period = config.period
    groups: dict[str, dict[str, Any]] = {
        "run_ctl": {
            "case_name": CASE_NAME,
            "start_date": f"{period.start_year:04d}-01-01",
            "stop_n": period.years,
            "stop_option": "nyears",
            "calendar": period.calendar,
            "seed": config.seed,
            "fsites": namelists.SITE_TABLE,
            "spinup_years": period.spinup_years,
            "outdir": ".",
        },
        "forcing_nl": {"source": "wgen"},
    }
    for group, keys in config.namelist.items():
        groups.setdefault(group, {}).update(keys)
    return f90nml.Namelist(groups)


def _history_of_run(folder: Path, config: SimulationConfig) -> Path:
    path = history_path(folder, CASE_NAME, date(config.period.start_year, 1, 1))
    if not path.exists():
        message = f"the program completed but left no {path.name}"
        raise ModelError(message)
    return path


def days_of_period(config: SimulationConfig) -> int:
    """Days from the first of January of the first year to the end of the last."""
    first_year, years = config.period.start_year, config.period.years
    if config.period.calendar == "noleap":
        return 365 * years
    return (date(first_year + years, 1, 1) - date(first_year, 1, 1)).days


def check_parameters(path: Path, sites: SiteTable, true_parameters: dict[str, np.ndarray]) -> int:
    """Raise ModelError unless the program says that it used the true parameters, name -> (N,), NaN for any.

    Returns the number of values compared; they agree to the last bit.
    """
    compared = 0
    try:
        with reading(path, "run the block again") as file:
            file.set_auto_mask(False)
            if list(file["site_id"][:]) != list(sites.site_id):
                message = f"{path.name}: holds other sites than the block"
                raise ModelError(message)
            for name, values in true_parameters.items():
                used = file[name][:]
                differing = np.flatnonzero(~np.isnan(values) & (used != values))
                if differing.size:
                    site = differing[0]
                    message = (
                        f"{path.name}: the program used {name} = {used[site]!r} at site {sites.site_id[site]}, "
                        f"asked was {values[site]!r}"
                    )
                    raise ModelError(message)
                compared += int(np.isfinite(values).sum())
    except OSError as error:
        message = f"{path.name}: not the record of parameters expected: {error}"
        raise ModelError(message) from error
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
    block = f"block {task.number} (sites {_site_names(task)})"
    # The program removes what it could not complete, so there may be room again when we look.
    full_by_message = "is the disk full" in text or "No space left on device" in text
    if full_by_message or (_may_be_full_disk(error) and disk_is_full(Path(task.out), error)):
        return DiskFullError(
            f"{block}: no space left in {task.out}; completed blocks are kept: free some space and run "
            f"the same command again ({text.splitlines()[0] if text else type(error).__name__})"
        )
    log = working / "ecosys.log"
    if log.exists():
        copy = task.folder.with_name(f"{task.folder.name}.failed.log")
        shutil.copyfile(log, copy)
        text += f"\n  (all that the program printed: {copy})"
    if isinstance(error, ModelError):
        return ModelError(f"{block}: {text}", error.exit_code)
    return RuntimeError(f"{block}: {type(error).__name__}: {text}")


def _site_names(task: BlockTask) -> str:
    try:
        with NETCDF:
            ids = list(read_site_table(Path(task.out) / SITES).site_id[task.first : task.last])
    except (OSError, ValueError):
        return f"{task.first} to {task.last - 1}"
    return ", ".join(ids) if len(ids) <= SITES_NAMED else f"{ids[0]} to {ids[-1]}"
