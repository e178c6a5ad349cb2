"""Runs the process model at one site with the weather of a forcing file, and writes a dataset."""

import logging
from pathlib import Path

import f90nml
import netCDF4
import numpy as np

from ecosys_sims.formats import biomes, variables
from ecosys_sims.formats.dataset import common_attributes, create_layout
from ecosys_sims.formats.dataset_check import require_valid_dataset
from ecosys_sims.formats.errors import FormatError
from ecosys_sims.formats.forcing_check import require_valid_forcing
from ecosys_sims.program import namelists
from ecosys_sims.program.executable import ModelError, find_program, program_version, run_program
from ecosys_sims.program.history import copy_daily, history_path
from ecosys_sims.towers.errors import TowerError
from ecosys_sims.towers.forcing_period import Period, read_period
from ecosys_sims.towers.namelist_changes import NamelistGroups, parse_changes, refuse_reserved_keys
from foundations import own_folder, provenance
from foundations.bounded_text import read_json_value
from foundations.file_faults import explain
from foundations.json_record import write_record
from foundations.netcdf_file import reading, writing
from foundations.netcdf_values import numbers, texts

log = logging.getLogger(__name__)

CASE_NAME = "tower"
DATASET, SUMMARY = "dataset.nc", "simulation.json"
KIND = "tower run"
RUN_FILES = (f"run/{namelists.NAMELIST}", "run/ecosys.log", f"run/{CASE_NAME}.*")
LAYOUT = (DATASET, SUMMARY, *RUN_FILES)
"""What a run leaves in its folder and the next one replaces."""
SITE_NUMBERS = (
    "site_number", "lat", "lon", "elevation", "sand", "clay", "ph", "biome", "annual_precip", "continentality", "t_ann",
)  # fmt: skip

SiteDescription = dict[str, float | int | str]
"""A site by the keys of &site_nl."""


def read_site(forcing: Path) -> SiteDescription:
    """The site's description in a forcing file; raises TowerError where the file has none."""
    with reading(forcing) as file:
        missing = [name for name in ("site_id", *SITE_NUMBERS) if name not in file.variables]
        if missing:
            message = f"{forcing}: does not describe its site (no variable {missing[0]}); write it with an adapter"
            raise TowerError(message)
        described = {name: _only_value(forcing, file[name]) for name in SITE_NUMBERS}
        names = texts(file["site_id"])
        if len(names) != 1:
            message = f"{forcing}: describes {len(names)} sites, expected one; cut it out"
            raise TowerError(message)
        (site_id,) = names
    return {**described, "site_id": site_id, "biome": biomes.BY_FLAG[int(described["biome"])].name}


def _only_value(forcing: Path, variable: netCDF4.Variable) -> float | int:
    """The one value; float32 as the decimal number that it stands for."""
    values = numbers(variable).ravel()
    if len(values) != 1 or np.isnan(values[0]):
        message = f"{forcing}: {variable.name} of the site is missing, or there are several"
        raise TowerError(message)
    value = float(values[0])
    return int(value) if variable.name in variables.INTEGERS else float(f"{value:.7g}")


def run_tower(
    forcing: Path, out: Path, changes: NamelistGroups | None = None, spinup_years: int = 2, seed: int = 1
) -> Path:
    """Run the process model over the whole years of a forcing file; returns the path of the dataset, `out/dataset.nc`.

    changes: namelist group -> key -> value, over what this function sets. Raises FormatError, TowerError or ModelError.
    """
    changes = changes or {}
    refuse_reserved_keys(changes)
    program = find_program()
    forcing, out = forcing.resolve(), out.resolve()
    in_utc = str(changes.get("forcing_nl", {}).get("time_zone", "")).lower() == "utc"
    require_valid_forcing(forcing, in_utc)
    site = read_site(forcing)
    period = read_period(forcing, float(site["lon"]) if in_utc else None)
    working = out / "run"
    _require_own(out, forcing)
    own_folder.remove(out, RUN_FILES)
    working.mkdir(parents=True, exist_ok=True)
    own_folder.mark(out, KIND)
    groups: NamelistGroups = {
        "run_ctl": {
            "case_name": CASE_NAME, "start_date": period.start.isoformat(), **period.length,
            "calendar": period.calendar, "seed": seed, "spinup_years": spinup_years, "outdir": ".",
        },
        "site_nl": dict(site),
        "forcing_nl": {"source": "netcdf", "file": str(forcing)},
    }  # fmt: skip
    for group, keys in changes.items():
        groups.setdefault(group, {}).update(keys)
    namelists.write_namelist(f90nml.Namelist(groups), working / namelists.NAMELIST)
    run_program(program, Path(namelists.NAMELIST), working)
    _write_dataset(out / DATASET, working, site, period, program_version(program), forcing)
    require_valid_dataset(out / DATASET)
    summary = {"site": site["site_id"], "start": str(period.start), "days": period.days, "forcing": str(forcing)}
    write_record(out / SUMMARY, summary | {"git_hash": provenance.git_hash(), "created": provenance.now()})
    return out / DATASET


def _require_own(out: Path, forcing: Path) -> None:
    """TowerError where the folder holds files that no run of a tower made, or the forcing among what is replaced."""
    try:
        own_folder.refuse_inputs(out, LAYOUT, [forcing])
        names = own_folder.present(out, (*LAYOUT, "run/*"))
        if not own_folder.is_marked(out, KIND) and not _is_former_run(out):
            own_folder.refuse_foreign(out, names)
    except own_folder.ForeignFiles as error:
        raise TowerError(str(error)) from None


def _is_former_run(out: Path) -> bool:
    """Whether a run made before there were manifests lies there."""
    try:
        summary = read_json_value(out / SUMMARY)
    except (OSError, ValueError):
        return False
    return isinstance(summary, dict) and {"site", "days", "forcing"} <= summary.keys()


def _write_dataset(
    path: Path, working: Path, site: SiteDescription, period: Period, program: str, forcing: Path
) -> None:
    statics = {"site_id": np.array([site["site_id"]])}
    statics |= {static.name: np.array([site[static.name]]) for static in variables.STATICS}
    statics["biome"] = np.array([biomes.BY_NAME[str(site["biome"])].flag])
    with writing(path) as file:
        title = f"process model at {site['site_id']}"
        file.setncatts(
            common_attributes(title, "not given", f"process model {program}", "written by ecosys_sims.tower")
        )
        file.setncatts({"forcing": forcing.name, "namelist": (working / namelists.NAMELIST).read_text()})
        create_layout(file, statics, period.start, period.days, period.calendar, 1)
        copy_daily(history_path(working, CASE_NAME, period.start), file)


def run_and_report(forcing: Path, out: Path, change_texts: list[str], spinup_years: int) -> int:
    """Run as a command does, with changes as `group.key=value`; the exit code, 1 with a message for an error."""
    try:
        dataset = run_tower(forcing, out, parse_changes(change_texts), spinup_years)
    except (FormatError, TowerError, ModelError, OSError) as error:
        log.error("%s", explain(error))
        return 1
    log.info("%s", dataset)
    return 0
