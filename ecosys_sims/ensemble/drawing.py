"""All that is drawn or read of a simulation's sites: their table, their hidden parameters, and members of a design."""

import logging
from typing import NamedTuple

import numpy as np

from ecosys_sims.ensemble.configuration import SimulationConfig
from ecosys_sims.ensemble.designs import BASELINE, expand
from ecosys_sims.ensemble.parameter_effects import why_without_effect
from ecosys_sims.formats import biomes
from ecosys_sims.formats.site_table import Members, SiteTable, read_parameters, read_site_table
from ecosys_sims.program.parameter_table import ParameterInfo
from ecosys_sims.sites.evolution import draw_evolution
from ecosys_sims.sites.grid_cells import grid_sites
from ecosys_sims.sites.hidden_parameters import HiddenParameters, draw_parameters
from ecosys_sims.sites.rotations import draw_rotations
from ecosys_sims.sites.site_drawing import draw_sites
from foundations.configuration_file import ConfigError

log = logging.getLogger(__name__)


class DrawnSites(NamedTuple):
    """The sites of a simulation with their parameters; which member of which site they are, under a design."""

    sites: SiteTable
    hidden: HiddenParameters
    members: Members | None


def sites_of(config: SimulationConfig) -> SiteTable:
    """The sites of a simulation: those of the user's table, the cells of a grid, or drawn."""
    if config.sites.table:
        return read_site_table(config.sites.table)
    if config.sites.grid:
        return grid_sites(config.sites, config.sites.grid, config.seed)
    return draw_sites(config.sites, config.seed)


def draw(config: SimulationConfig, table: dict[str, ParameterInfo]) -> DrawnSites:
    """The sites of a simulation, drawn or as the user's table has them.

    table: the program's parameters. Raises ConfigError or ValueError where that cannot be.
    """
    sites = sites_of(config)
    tabulated = read_parameters(config.sites.table, table) if config.sites.table else {}  # of the user's table
    fixed = _fixed_by_namelist(config, table)
    for place, names in (("sites.table", tabulated), ("design.parameters", config.design.parameters)):
        twice = sorted(fixed & set(names))
        if twice:
            message = f"{twice[0]} has one value for all sites in the namelist and is in {place} as well"
            raise ConfigError(message)
    hidden = draw_parameters(sites, table, config.hidden_parameters, config.seed, fixed)
    change = draw_evolution(sites, config.evolution, config.period, config.seed)
    change |= draw_rotations(sites, config.crops, config.seed)
    hidden.values.update({name: values for name, values in change.items() if name not in fixed})
    for name, values in tabulated.items():
        drawn = hidden.values.get(name, np.full(len(sites), np.nan))
        hidden.values[name] = np.where(np.isnan(values), drawn, values)
    if config.design.kind == "sites":
        return DrawnSites(sites, hidden, None)
    members = expand(config.design, sites, hidden.values, table, config.seed)
    _warn_of_no_effect(members)
    return DrawnSites(members.sites, HiddenParameters(members.values, hidden.shares), members)


def _warn_of_no_effect(members: Members) -> None:
    if members.perturbed is None:
        return
    for name in dict.fromkeys(members.perturbed[members.perturbed != BASELINE]):
        for flag in np.unique(members.sites.biome[members.perturbed == name]):
            biome = biomes.BY_FLAG[flag].name
            reason = why_without_effect(name, biome)
            if reason:
                log.warning("%s changes nothing at a site of class %s: %s", name, biome, reason)


def _fixed_by_namelist(config: SimulationConfig, table: dict[str, ParameterInfo]) -> set[str]:
    """Parameters to which the configuration's namelist gives one value for all sites."""
    return {info.name for info in table.values() if info.name in config.namelist.get(info.group, {})}
