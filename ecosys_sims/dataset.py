"""Concatenates the histories of the blocks to one dataset (docs/formats.md section 1), one block at a time."""

import json
from datetime import date
from pathlib import Path

import netCDF4
import numpy as np

from ecosys_sims import config as configuration
from ecosys_sims import namelists, provenance, variables
from ecosys_sims.blocks import HISTORY, BlockTask, days_of_period
from ecosys_sims.config import SimulationConfig
from ecosys_sims.designs import Members
from ecosys_sims.hidden_parameters import structured_share
from ecosys_sims.site_table import write_members
from ecosys_sims.sites import SiteTable

CHUNK_VALUES = 1 << 18  # 1 MiB of float32: one chunk is one block of sites over some years
REFERENCES = "https://cfconventions.org/cf-conventions/cf-conventions.html; docs/formats.md"


def write_simulated(
    path: Path,
    config: SimulationConfig,
    sites: SiteTable,
    tasks: list[BlockTask],
    shares: dict,
    program_version: str,
    members: Members | None = None,
) -> None:
    """Write the dataset of a finished ensemble; its data depend on configuration and seed alone."""
    days = days_of_period(config)
    first_day = date(config.period.start_year, 1, 1)
    with netCDF4.Dataset(path, "w", format="NETCDF4") as file:
        _global_attributes(file, config, tasks, shares, program_version)
        create_layout(file, sites_as_statics(sites), first_day, days, config.period.calendar, config.run.block_size)
        if members is not None:
            write_members(file, members)
            for variable in variables.DAILY:
                file[variable.name].coordinates += " realization base_site_id"
        for task in tasks:
            with netCDF4.Dataset(task.folder / HISTORY) as history:
                history.set_auto_mask(False)
                for variable in variables.DAILY:
                    file[variable.name][task.first : task.last, :] = history[variable.name][:, :]


def sites_as_statics(sites: SiteTable) -> dict[str, np.ndarray]:
    """The static variables of a dataset, and `site_id`."""
    return {"site_id": sites.site_id, **{v.name: getattr(sites, v.name) for v in variables.STATICS}}


def create_layout(
    file: netCDF4.Dataset,
    statics: dict[str, np.ndarray],
    first_day: date,
    days: int,
    calendar: str,
    chunk_sites: int,
    daily: tuple[variables.Variable, ...] = variables.DAILY,
) -> None:
    """Dimensions, coordinates, statics with their values, and the empty daily variables of a dataset."""
    count = len(statics["site_id"])
    file.createDimension("site", count)
    file.createDimension("time", days)
    file.createDimension("nv", 2)
    identifier = file.createVariable("site_id", str, ("site",))
    identifier.setncatts({"long_name": "site identifier", "cf_role": "timeseries_id"})
    identifier[:] = np.asarray(statics["site_id"], dtype=object)
    _write_time(file, first_day, days, calendar)
    for variable in variables.STATICS:
        integer = variable.name in variables.INTEGERS
        fill = None if variable.name in ("lat", "lon") or integer else np.float32(variables.FILL)
        written = file.createVariable(variable.name, "i4" if integer else "f4", ("site",), fill_value=fill)
        written.setncatts(variables.attributes(variable))
        values = np.asarray(statics[variable.name])
        written[:] = values if integer else np.where(np.isnan(values), variables.FILL, values)
    chunk_sites = min(chunk_sites, count)
    chunks = (chunk_sites, max(1, min(days, CHUNK_VALUES // chunk_sites)))
    for variable in daily:
        written = file.createVariable(
            variable.name, "f4", ("site", "time"), fill_value=np.float32(variables.FILL),
            zlib=True, complevel=1, shuffle=True, chunksizes=chunks,
        )  # fmt: skip
        written.setncatts(variables.attributes(variable))
        written.set_auto_mask(False)


def _write_time(file: netCDF4.Dataset, first_day: date, days: int, calendar: str) -> None:
    units = f"days since {first_day:%Y-%m-%d} 00:00:00"
    time = file.createVariable("time", "f8", ("time",))
    time.setncatts(
        {"standard_name": "time", "long_name": "middle of the day", "axis": "T", "units": units, "calendar": calendar,
         "bounds": "time_bnds"}
    )  # fmt: skip
    if calendar == "standard":
        time.units_metadata = "leap_seconds: none"
    time[:] = np.arange(days) + 0.5
    bounds = file.createVariable("time_bnds", "f8", ("time", "nv"))
    bounds[:, 0] = np.arange(days)
    bounds[:, 1] = np.arange(days) + 1.0


def common_attributes(title: str, institution: str, source: str, history: str) -> dict:
    """Global attributes that every dataset has, simulated or observed."""
    return {
        "Conventions": variables.CONVENTIONS,
        "featureType": "timeSeries",
        "title": title,
        "institution": institution,
        "source": source,
        "history": f"{provenance.now()} {history}",
        "references": REFERENCES,
        "ecostep_dataset_version": np.int32(variables.DATASET_VERSION),
        "git_hash": provenance.git_hash(),
    }


def _global_attributes(
    file: netCDF4.Dataset, config: SimulationConfig, tasks: list[BlockTask], shares: dict, program_version: str
) -> None:
    source = f"process model {program_version}"
    file.setncatts(common_attributes(config.title, config.institution, source, "written by scripts/gen_sims.py"))
    file.seed = np.int32(config.seed)
    file.config = configuration.to_yaml(config)
    file.namelist = namelists.resolved_text(tasks[0].folder)
    file.design = config.design.kind
    if shares:
        file.hidden_parameter_structured_share = structured_share(shares)
    file.hidden_parameter_variance_shares = json.dumps(shares)
