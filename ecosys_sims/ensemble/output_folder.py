"""The folder of a simulation: what lies in it, who may write, and whose results it holds."""

import hashlib
import logging
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

from ecosys_sims.ensemble import configuration
from ecosys_sims.ensemble.blocks import BLOCK_FOLDERS, BLOCKS, HISTORY, SITES, STORE, TRUTH, UNFINISHED_STORE
from ecosys_sims.ensemble.configuration import SimulationConfig
from ecosys_sims.formats.dataset_check import require_valid_dataset
from ecosys_sims.formats.site_table import SiteTable
from ecosys_sims.sites.hidden_parameters import HiddenParameters
from foundations import folder_lock, own_folder, provenance
from foundations.atomic_file import write_text
from foundations.bounded_text import read_json_value
from foundations.file_faults import explain
from foundations.json_record import read_record, write_record

log = logging.getLogger(__name__)

DATASET = "dataset.nc"
SUMMARY = "simulation.json"
CONFIG = "config.yaml"
IDENTITY = "run.json"  # what the results in the folder depend on
LOCK = ".lock"

KIND = "simulation"
LAYOUT = (
    DATASET, f"{STORE}/**/*", f"{UNFINISHED_STORE}/**/*", f".{UNFINISHED_STORE}.*/**/*",
    SUMMARY, CONFIG, IDENTITY, SITES, TRUTH,
    f"{BLOCKS}/{BLOCK_FOLDERS}/*", f"{BLOCKS}/.{BLOCK_FOLDERS}.*/*", f"{BLOCKS}/{BLOCK_FOLDERS}.failed.log",
)  # fmt: skip
"""What a simulation leaves in its folder, and all that `clear` removes."""

_REMEDY = "choose another --out, or replace it with --overwrite"


class StaleOutputError(RuntimeError):
    """The output folder holds another simulation, or cannot be used."""


def require_own(out: Path, inputs: Iterable[str | Path] = ()) -> None:
    """StaleOutputError where the folder holds files of the layout that no simulation made, or one of the inputs."""
    try:
        if not _is_simulation(out):
            own_folder.refuse_foreign(out, own_folder.present(out, LAYOUT))
        own_folder.refuse_inputs(out, LAYOUT, inputs)
    except own_folder.ForeignFiles as error:
        message = f"results of unknown origin: {error}"
        raise StaleOutputError(message) from None
    written = own_folder.digest(out, CONFIG)
    if written is not None and (out / CONFIG).exists() and provenance.file_sha256(out / CONFIG) != written:
        message = f"{out / CONFIG}: has been changed since it was written; move it away, or choose another --out"
        raise StaleOutputError(message)


def _is_simulation(out: Path) -> bool:
    """Whether a simulation of ours made what lies in the folder, also before there were manifests."""
    if own_folder.is_marked(out, KIND):
        return True
    try:
        return "program_sha256" in read_json_value(out / IDENTITY)
    except (OSError, ValueError, TypeError):
        return False


def write_config(out: Path, text: str) -> None:
    """Write the resolved configuration, and the manifest that says of it and of all else that it is ours."""
    own_folder.mark(out, KIND, {CONFIG: hashlib.sha256(text.encode()).hexdigest()})
    write_text(out / CONFIG, text)


def require_whole(out: Path, summary: dict[str, Any]) -> None:
    """StaleOutputError unless the dataset of a finished simulation is as it was written, by its checksum."""
    path = dataset_path(out)
    written = _digests(summary).get(path.name)
    if written is None:  # of a version without checksums
        require_valid_dataset(path)
    elif provenance.file_sha256(path) != written:
        message = (
            f"{path}: is not as the simulation wrote it (SHA-256 differs): damaged or changed; restore it, choose "
            "another --out, or simulate again with --overwrite"
        )
        raise StaleOutputError(message)


def _digests(summary: dict[str, Any]) -> dict[str, str]:
    digests = summary.get("sha256", {})
    if not isinstance(digests, dict):
        message = f"{SUMMARY}: 'sha256' names no files; remove it, and the same command writes it again"
        raise StaleOutputError(message)
    return digests


def make_folder(out: Path) -> None:
    """Make the folder; StaleOutputError where it cannot be made or written."""
    try:
        (out / BLOCKS).mkdir(parents=True, exist_ok=True)
        with (out / LOCK).open("a"):
            pass  # a folder that exists may still be one that cannot be written
    except (FileExistsError, NotADirectoryError) as error:
        message = f"--out {out}: is a file or lies below one; choose another folder"
        raise StaleOutputError(message) from error
    except OSError as error:
        message = f"--out {out}: cannot be written: {error.strerror}; choose another folder"
        raise StaleOutputError(message) from error


@contextmanager
def locked(out: Path) -> Iterator[None]:
    """Only one simulation at a time in a folder; the system frees the lock of a killed one."""
    with ExitStack() as stack:
        try:
            stack.enter_context(folder_lock.locked(out, "simulating"))
        except folder_lock.FolderBusy as error:
            message = f"another simulation is running in {out}; wait for it or choose another --out"
            raise StaleOutputError(message) from error
        yield


def clear(out: Path) -> None:
    """Remove what a simulation leaves in its folder, and nothing else."""
    own_folder.remove(out, (*LAYOUT, own_folder.MARK))
    (out / BLOCKS).mkdir(exist_ok=True)


def remove_leftovers(out: Path) -> None:
    """What killed workers left, and blocks whose history has been deleted."""
    for folder in [*(out / BLOCKS).glob(f".{BLOCK_FOLDERS}.*"), *out.glob(f".{UNFINISHED_STORE}.*")]:
        shutil.rmtree(folder, ignore_errors=True)
    for folder in (out / BLOCKS).glob(BLOCK_FOLDERS):
        if folder.is_dir() and not (folder / HISTORY).exists():
            shutil.rmtree(folder, ignore_errors=True)


def dataset_path(out: Path) -> Path:
    """The dataset that a folder holds, or, where it holds none, that of the netCDF form."""
    return out / STORE if (out / STORE).exists() else out / DATASET


def is_complete(out: Path) -> bool:
    """Whether the folder holds a finished simulation."""
    return dataset_path(out).exists() and (out / SUMMARY).exists()


def check_identity(
    out: Path, config: SimulationConfig, sites: SiteTable, hidden: HiddenParameters, program: Path
) -> None:
    """Refuse to mix results of different configurations, drawn numbers or programs."""
    identity = {
        "config_hash": configuration.result_hash(config),
        "tables_hash": _tables_hash(sites, hidden),
        "program_sha256": provenance.file_sha256(program),
        "config": config.model_dump(mode="json"),
    }
    path = out / IDENTITY
    if path.exists():
        _compare_identity(out, _read_identity(path), identity, program)
        return
    if dataset_path(out).exists() or any((out / BLOCKS).glob("b*")):
        message = f"{out} holds results of unknown origin (no {IDENTITY}); {_REMEDY}"
        raise StaleOutputError(message)
    write_record(path, identity)


def _read_identity(path: Path) -> dict[str, Any]:
    try:
        return read_record(path, ("config_hash", "config"), _REMEDY)
    except OSError as error:
        raise StaleOutputError(explain(error)) from None


def _compare_identity(out: Path, stored: dict[str, Any], identity: dict[str, Any], program: Path) -> None:
    if stored.get("config_hash") != identity["config_hash"]:
        differences = _differences(stored.get("config", {}), identity["config"])
        differing = ", ".join(differences) or "another version of the schema"
        message = f"{out} holds another simulation (different: {differing}); {_REMEDY}"
        raise StaleOutputError(message)
    if is_complete(out):
        if stored != identity:
            log.warning(
                "%s was simulated by another build of the program; --overwrite simulates again", dataset_path(out)
            )
        return
    if stored.get("program_sha256") != identity["program_sha256"]:
        message = f"{out} was simulated by another build of the program {program}; {_REMEDY}"
        raise StaleOutputError(message)
    if stored.get("tables_hash") != identity["tables_hash"]:
        message = (
            f"{out}: this version of ecosys_sims draws other sites or parameters, or a table "
            f"of the configuration has changed; {_REMEDY}"
        )
        raise StaleOutputError(message)


def _differences(stored: dict[str, Any], new: dict[str, Any], prefix: str = "") -> list[str]:
    differences = []
    for key in dict.fromkeys([*stored, *new]):
        before, after = stored.get(key), new.get(key)
        if isinstance(before, dict) and isinstance(after, dict):
            differences += _differences(before, after, f"{prefix}{key}.")
        elif before != after:
            differences.append(f"{prefix}{key} was {before!r}, is {after!r}")
    return differences


def _tables_hash(sites: SiteTable, hidden: HiddenParameters) -> str:
    digest = hashlib.sha256()
    for column in fields(sites):
        digest.update(getattr(sites, column.name).tobytes())
    for name in sorted(hidden.values):
        digest.update(name.encode() + hidden.values[name].tobytes())
    return digest.hexdigest()
