"""Runs of the program `ecosys` on one set of sites, with its biogeochemistry computed or emulated."""

import hashlib
from dataclasses import dataclass, fields
from datetime import date, timedelta
from pathlib import Path

import cftime
import f90nml
import numpy as np

from ecosys_sims.ensemble import configuration
from ecosys_sims.ensemble.blocks import CASE_NAME, block_namelist
from ecosys_sims.ensemble.configuration import SimulationConfig
from ecosys_sims.formats.dataset import common_attributes, create_layout, sites_as_statics
from ecosys_sims.formats.site_table import (
    SiteTable,
    read_site_table,
    read_true_parameters,
    rows_of,
    write_site_table,
)
from ecosys_sims.program import namelists
from ecosys_sims.program.executable import run_program
from ecosys_sims.program.history import copy_daily
from foundations import own_folder
from foundations.file_faults import DamagedFile, read_json
from foundations.netcdf_file import reading, writing
from foundations.netcdf_values import texts
from foundations.provenance import file_sha256

ARTEFACT = "model.pt"
IDENTITY = "identity.txt"
RUN_FILES = (namelists.SITE_TABLE, namelists.NAMELIST, ARTEFACT, IDENTITY, "ecosys.log", f"{CASE_NAME}.*")
"""What a run leaves in its folder, and all that the next one removes."""


@dataclass(frozen=True)
class Host:
    """The land model ready to run: program, configuration, sites with their hidden parameters, and the artefact."""

    program: Path
    config: SimulationConfig
    sites: SiteTable
    parameters: dict[str, np.ndarray]
    artefact: Path

    @property
    def start(self) -> cftime.datetime:
        """First day."""
        return cftime.datetime(self.config.period.start_year, 1, 1, calendar=self.config.period.calendar)

    @property
    def days(self) -> int:
        """Days of the whole period."""
        end = cftime.datetime(
            self.config.period.start_year + self.config.period.years, 1, 1, calendar=self.config.period.calendar
        )
        return (end - self.start).days

    def part(self, first: int, last: int) -> "Host":
        """The same with sites first..last-1 only."""
        parameters = {name: values[first:last] for name, values in self.parameters.items()}
        return Host(self.program, self.config, self.sites.part(first, last), parameters, self.artefact)


@dataclass(frozen=True)
class HostRun:
    """A finished run of the program."""

    folder: Path
    history: Path

    @property
    def timing(self) -> dict[str, float]:
        """Seconds by part of the land model."""
        path = self.folder / f"{CASE_NAME}.timing.json"
        content = read_json(path, f"remove {self.folder}, and it is made again")
        parts = ("wall_s", "biogeochemistry_s")
        if not isinstance(content, dict) or not all(isinstance(content.get(part), int | float) for part in parts):
            raise DamagedFile(path, "is damaged, it holds no timings", f"remove {self.folder}, and it is made again")
        return content

    def restart_file(self, day: cftime.datetime) -> Path:
        """The restart file of a day."""
        return self.folder / f"{CASE_NAME}.r.{_stamp(day)}-00000.nc"


def host_from_simulation(sims: Path, artefact: Path, count: int, program: Path) -> Host:
    """A host on `count` sites of a simulation made by gen_sims.py, spread over its table."""
    config = configuration.load(sims / "config.yaml")
    sites = read_site_table(sims / "sites.nc")
    parameters = read_true_parameters(sims / "params_truth.nc", sites.site_id)
    chosen = np.unique(np.linspace(0, len(sites) - 1, min(count, len(sites))).round().astype(int))
    columns = {column.name: getattr(sites, column.name)[chosen] for column in fields(SiteTable)}
    return Host(
        program=program,
        config=config,
        sites=SiteTable(**columns),
        parameters={name: values[chosen] for name, values in parameters.items()},
        artefact=artefact.resolve(),
    )


def run_host(
    host: Host,
    folder: Path,
    scheme: str,
    *,
    first_day: int = 0,
    days: int | None = None,
    restart_from: Path | None = None,
    write_restart: bool = False,
) -> HostRun:
    """Run the program in `folder` for `days` from `first_day` of the period, unless it is there already.

    scheme: 'process' or 'emulator'. Raises ModelError with the program's own message.
    """
    start = host.start + timedelta(days=first_day)
    namelist = _namelist(
        host, scheme, start, host.days - first_day if days is None else days, restart_from, write_restart
    )
    run = HostRun(folder, folder / f"{CASE_NAME}.h0.{_stamp(start)}-00000.nc")
    identity = _identity(host, namelist, restart_from)
    written = folder / IDENTITY
    if run.history.exists() and written.exists() and written.read_text(errors="replace") == identity:
        return run
    own_folder.remove(folder, RUN_FILES)
    folder.mkdir(parents=True, exist_ok=True)
    write_site_table(folder / namelists.SITE_TABLE, host.sites, host.parameters)
    (folder / ARTEFACT).symlink_to(host.artefact)
    namelists.write_namelist(namelist, folder / namelists.NAMELIST)
    run_program(host.program, Path(namelists.NAMELIST), folder)
    (folder / namelists.SITE_TABLE).unlink()  # it holds the true parameters
    (folder / IDENTITY).write_text(identity)
    return run


def _namelist(
    host: Host, scheme: str, start: cftime.datetime, days: int, restart_from: Path | None, write_restart: bool
) -> f90nml.Namelist:
    namelist = block_namelist(host.config)
    control = namelist["run_ctl"]
    control.update(start_date=_stamp(start), stop_n=days, stop_option="ndays", bgc_scheme=scheme)
    control["rest_frq"] = "end" if write_restart else "none"
    if restart_from is not None:
        control["finidat"] = str(restart_from)
    if scheme == "emulator":
        namelist["emulator_nl"] = {"file": ARTEFACT}
    return namelist


def _stamp(day: cftime.datetime) -> str:
    return f"{day.year:04d}-{day.month:02d}-{day.day:02d}"


def _identity(host: Host, namelist: f90nml.Namelist, restart_from: Path | None) -> str:
    """Hash of all that the numbers depend on."""
    digest = hashlib.sha256(namelists.as_text(namelist).encode())
    for path in (host.program, host.artefact, restart_from):
        digest.update(file_sha256(path).encode() if path else b"")
    for column in fields(SiteTable):
        digest.update(getattr(host.sites, column.name).tobytes())
    for values in host.parameters.values():
        digest.update(values.tobytes())
    return digest.hexdigest()


def write_dataset(path: Path, host: Host, run: HostRun) -> None:
    """Bring a run's history to the dataset format (docs/formats.md), for offline prediction from its drivers."""
    with writing(path) as file:
        attributes = common_attributes("coupled run of ecosys", host.config.institution, "ecosys", "scripts/couple.py")
        file.setncatts(attributes)
        file.seed = np.int32(host.config.seed)
        file.config = configuration.to_yaml(host.config)
        file.namelist = namelists.resolved_text(run.folder, CASE_NAME)
        first_day = date(host.config.period.start_year, 1, 1)
        statics = sites_as_statics(host.sites)
        create_layout(file, statics, first_day, host.days, host.config.period.calendar, len(host.sites))
        copy_daily(run.history, file)


def read_history(path: Path, names: tuple[str, ...], sites: SiteTable) -> dict[str, np.ndarray]:
    """Daily variables of a history, float32 (N, T), rows in the order of the sites, fill values as they are."""
    with reading(path, "remove it, and it is made again") as file:
        rows = rows_of(sites.site_id, texts(file["site_id"]), path)
        file.set_auto_mask(False)
        return {name: np.asarray(file[name][:])[rows] for name in names}
