"""Concatenates the histories of the blocks to one dataset (docs/formats.md section 1), one block at a time."""

import json
from datetime import date
from pathlib import Path

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
    days = days_of_period(config)
    first_day = date(config.period.start_year, 1, 1)
    with netCDF4.Dataset(path, "w", format="NETCDF4") as file:
        _write_attributes(file, config, tasks, shares, program_version)
        create_layout(file, sites_as_statics(sites), first_day, days, config.period.calendar, config.run.block_size)
        if members is not None:
            write_members(file, members)
            for variable in variables.DAILY:
                file[variable.name].coordinates += " realization base_site_id"
        for task in tasks:
            history.copy_daily(task.folder / HISTORY, file, slice(task.first, task.last))


def _write_attributes(
    file: netCDF4.Dataset, config: SimulationConfig, tasks: list[BlockTask], shares: VarianceShares, program: str
) -> None:
    source = f"process model {program}"
    file.setncatts(common_attributes(config.title, config.institution, source, "written by scripts/gen_sims.py"))
    file.seed = np.int32(config.seed)
    file.config = configuration.to_yaml(config)
    file.namelist = namelists.resolved_text(tasks[0].folder, CASE_NAME)
    file.design = config.design.kind
    if shares:
        file.hidden_parameter_structured_share = structured_share(shares)
    file.hidden_parameter_variance_shares = json.dumps(shares)
