"""The dataset of an ensemble (docs/formats.md section 1): one netCDF file, into which the histories of the blocks are
copied at the end, or a Zarr store, into which workers write their blocks when they have them.
"""

import json
import uuid
from datetime import date
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np

from ecosys_sims.ensemble import configuration
from ecosys_sims.ensemble.blocks import CASE_NAME, HISTORY, BlockTask, days_of_period
from ecosys_sims.ensemble.configuration import SimulationConfig
from ecosys_sims.formats import variables
from ecosys_sims.formats.dataset import common_attributes, create_layout, sites_as_statics
from ecosys_sims.formats.site_table import Members, SiteTable, write_members
from ecosys_sims.program import history, namelists
from ecosys_sims.sites.hidden_parameters import VarianceShares, structured_share
from foundations import zarr_dataset


def write_simulated(
    path: Path,
    config: SimulationConfig,
    sites: SiteTable,
    tasks: list[BlockTask],
    shares: VarianceShares,
    program_version: str,
    members: Members | None = None,
) -> None:
    """Write the dataset of a finished ensemble; its data depend on configuration and seed alone."""
    with netCDF4.Dataset(path, "w", format="NETCDF4") as file:
        file.setncatts(_attributes(config, tasks, shares, program_version))
        _lay_out(file, config, sites, members)
        for task in tasks:
            history.copy_daily(task.folder / HISTORY, file, slice(task.first, task.last))


def create_store(path: Path, config: SimulationConfig, sites: SiteTable, members: Members | None = None) -> None:
    """Make the Zarr store of an ensemble, complete but for its daily series and some attributes; atomic."""
    creating = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    with netCDF4.Dataset("layout.nc", "w", diskless=True) as file:
        _lay_out(file, config, sites, members)
        zarr_dataset.create(creating, file, config.run.block_size)
    creating.rename(path)


def finish_store(
    path: Path, config: SimulationConfig, tasks: list[BlockTask], shares: VarianceShares, program_version: str
) -> None:
    """Add the attributes that tell how the data were made, which is known at the end."""
    zarr_dataset.finish(path, _attributes(config, tasks, shares, program_version))


def _lay_out(file: netCDF4.Dataset, config: SimulationConfig, sites: SiteTable, members: Members | None) -> None:
    days = days_of_period(config)
    first_day = date(config.period.start_year, 1, 1)
    create_layout(file, sites_as_statics(sites), first_day, days, config.period.calendar, config.run.block_size)
    if members is not None:
        write_members(file, members)
        for variable in variables.DAILY:
            file[variable.name].coordinates += " realization base_site_id"


def _attributes(
    config: SimulationConfig, tasks: list[BlockTask], shares: VarianceShares, program: str
) -> dict[str, Any]:
    source = f"process model {program}"
    attributes: dict[str, Any] = {
        **common_attributes(config.title, config.institution, source, "written by scripts/gen_sims.py"),
        "seed": np.int32(config.seed),
        "config": configuration.to_yaml(config),
        "namelist": namelists.resolved_text(tasks[0].folder, CASE_NAME),
        "design": config.design.kind,
    }
    if shares:
        attributes["hidden_parameter_structured_share"] = structured_share(shares)
    return {**attributes, "hidden_parameter_variance_shares": json.dumps(shares)}
