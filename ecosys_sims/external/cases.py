"""The case of a site: prepared from the user's own, run in a folder that is complete or absent."""

import csv
import shutil
import subprocess
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecosys_sims.ensemble.blocks import BLOCKS
from ecosys_sims.external.configuration import ExternalConfig
from ecosys_sims.external.simulators import SIMULATORS, Simulator
from ecosys_sims.external.weather import WRITERS, read_weather
from ecosys_sims.formats.errors import AdapterError
from ecosys_sims.program.executable import ModelError
from foundations.child_processes import end_with_parent
from foundations.json_record import read_record, write_record

RECORD = "case.json"
LOG = "simulator.log"
LAST_LINES = 8
NEEDED = ("site_id", "lat", "lon")


@dataclass(frozen=True)
class CaseTask:
    """What a worker needs to know of a site. `first` and `last` count sites, as those of a block do."""

    out: str
    number: int
    first: int
    last: int
    config: dict[str, Any]
    program: str
    site: dict[str, str]

    @property
    def folder(self) -> Path:
        """Where the case lies once it is complete."""
        return Path(self.out) / BLOCKS / self.site["site_id"]


def read_sites(path: Path) -> list[dict[str, str]]:
    """Rows of the table of sites; AdapterError where names or places are missing, or names are no names of folders."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [{key: value.strip() for key, value in row.items()} for row in csv.DictReader(file)]
    except (OSError, UnicodeDecodeError, csv.Error, AttributeError) as error:
        message = f"{path}: cannot be read as a table of sites: {error}"
        raise AdapterError(message) from error
    missing = [name for name in NEEDED if not rows or name not in rows[0]]
    if missing:
        message = f"{path}: has no column {missing[0]}, or no sites"
        raise AdapterError(message)
    seen: set[str] = set()
    for row in rows:
        name = row["site_id"]
        if not name or name in seen or name != Path(name).name or name.startswith("."):
            message = f"{path}: site_id {name!r} is empty, comes twice, or cannot be the name of a folder"
            raise AdapterError(message)
        seen.add(name)
    return rows


def run_case(task: CaseTask) -> dict[str, Any]:
    """Prepare and run the case of a site unless that is done; the record of the case.

    All is done in a folder of its own that is renamed at the end. Raises ModelError or AdapterError, naming the site.
    """
    if task.folder.exists():
        return read_case(task)
    config = ExternalConfig.model_validate(task.config)
    simulator = SIMULATORS[config.simulator]
    working = task.folder.with_name(f".{task.folder.name}.{uuid.uuid4().hex}")
    started = time.perf_counter()
    try:
        prepare(config, simulator, task.site, working)
        _run(config, simulator, Path(task.program), working, task.site)
        outputs = outputs_of(config, simulator, working)
        if not outputs:
            message = (
                f"site {task.site['site_id']}: {config.simulator} ended well but wrote none of "
                f"{', '.join(config.outputs or simulator.outputs)}; set `outputs`"
            )
            raise ModelError(message)
        record = {
            "site_id": task.site["site_id"],
            "site": task.site,
            "seconds": round(time.perf_counter() - started, 3),
        }
        write_record(working / RECORD, record)
        working.rename(task.folder)
    except ModelError:
        _keep_log(working, task)
        raise
    finally:
        shutil.rmtree(working, ignore_errors=True)
    return record


def read_case(task: CaseTask) -> dict[str, Any]:
    """The record of a case that is done; DamagedFile, or AdapterError where the table now says else of the site."""
    path, remedy = task.folder / RECORD, "remove the folder, and the same command runs it again"
    record = read_record(path, ("seconds",), remedy)
    if record.get("site", task.site) != task.site:
        message = f"{task.folder}: was run with other properties of the site than the table has now; {remedy}"
        raise AdapterError(message)
    return record


def prepare(config: ExternalConfig, simulator: Simulator, site: dict[str, str], folder: Path) -> None:
    """Copy the case into a new folder, fill in what is of the site, and write its weather."""
    shutil.copytree(config.case, folder, symlinks=False)
    values = {"first_year": str(config.first_year), "last_year": str(config.last_year), **site}
    for pattern in config.fill:
        for path in sorted(folder.rglob(pattern)):
            if path.is_file():
                path.write_text(_filled(path.read_text(encoding="utf-8"), values), encoding="utf-8")
    if config.forcing is not None:
        weather = read_weather(config.forcing, site["site_id"], config.first_year, config.last_year, _longitude(site))
        WRITERS[config.simulator](weather, folder, simulator.weather)


def _longitude(site: dict[str, str]) -> float:
    """Degrees east, -180 to 180."""
    try:
        return (float(site["lon"]) + 180.0) % 360.0 - 180.0
    except ValueError:
        message = f"site {site['site_id']}: lon is {site['lon']!r}, not a number"
        raise AdapterError(message) from None


def _filled(text: str, values: dict[str, str]) -> str:
    """The text with `{name}` replaced for the names of the site, other braces as they are."""
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def _run(config: ExternalConfig, simulator: Simulator, program: Path, folder: Path, site: dict[str, str]) -> None:
    arguments = [_filled(word, site) for word in (config.arguments or simulator.arguments)]
    place = f"site {site['site_id']}: {program.name}"
    standard_input = folder / simulator.standard_input if simulator.standard_input else None
    try:
        with (folder / LOG).open("w") as log, _opened(standard_input) as source:
            process = subprocess.run(
                [str(program), *arguments], cwd=folder, stdin=source, stdout=log, stderr=subprocess.STDOUT,
                timeout=config.timeout_s, check=False, preexec_fn=end_with_parent(),
            )  # fmt: skip
    except subprocess.TimeoutExpired:
        message = f"{place} took longer than {config.timeout_s:g} s and was stopped"
        raise ModelError(message) from None
    except OSError as error:
        message = f"{place}: cannot be started: {error.strerror} ({error.filename})"
        raise ModelError(message) from None
    if process.returncode != 0:
        lines = (folder / LOG).read_text(errors="replace").strip().splitlines()[-LAST_LINES:]
        message = f"{place} stopped with exit code {process.returncode}: " + (
            "\n  ".join(lines) or "it printed nothing"
        )
        raise ModelError(message)


def _opened(path: Path | None) -> Any:
    return path.open() if path is not None else Path("/dev/null").open()


def _keep_log(working: Path, task: CaseTask) -> None:
    """What a case that failed printed, beside the others."""
    if (working / LOG).exists():
        shutil.copy(working / LOG, task.folder.with_name(f"{task.folder.name}.failed.log"))


def outputs_of(config: ExternalConfig, simulator: Simulator, folder: Path) -> list[Path]:
    """What the simulator wrote, sorted, once each."""
    patterns = config.outputs or simulator.outputs
    return sorted({path for pattern in patterns for path in folder.rglob(pattern) if path.is_file()})
