"""Designed ensembles: sites run several times with parameters set on purpose (docs/simulations.md).

A member is a site of its own on the `site` dimension. It has the place, the weather and all else of its base site
but the parameters that the design sets.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ecosys_sims.ensemble.configuration import DesignConfig, RangeConfig
from ecosys_sims.ensemble.design_table import read_design_table, unknown_parameter
from ecosys_sims.formats import biomes
from ecosys_sims.formats.site_table import Members, SiteTable
from ecosys_sims.program.parameter_table import ParameterInfo
from ecosys_sims.sites.parameter_spread import UPLAND, WETLAND, Spread
from ecosys_sims.sites.random_streams import stream
from foundations.configuration_file import ConfigError

BASELINE = ""  # what a member perturbs that has the parameters of its base site


class Setting(NamedTuple):
    """What the design sets for one member: parameters of one base site (its index)."""

    site: int
    parameters: dict[str, float]


@dataclass(frozen=True)
class _ParameterRange:
    """Values of one parameter at one site, from `low` to `high`."""

    low: float
    high: float
    log: bool

    def at(self, share: np.ndarray) -> np.ndarray:
        """Values at shares 0..1 of the range; the ends are exact."""
        if self.log:
            values = np.exp(np.log(self.low) + share * (np.log(self.high) - np.log(self.low)))
        else:
            values = self.low + share * (self.high - self.low)
        return np.where(share == 0.0, self.low, np.where(share == 1.0, self.high, values))


def expand(
    design: DesignConfig, base: SiteTable, values: dict[str, np.ndarray], table: dict[str, ParameterInfo], seed: int
) -> Members:
    """The members of a design over base sites (N,) with parameters `values` name -> (N,).

    table: the program's parameters. Raises ConfigError: unknown parameter, value out of bounds, faults of the table.
    """
    settings: list[Setting] = []  # in the order of members
    if design.kind == "table":
        rows = read_design_table(Path(design.table or ""), base.site_id, table)
        settings = [Setting(*row) for row in rows]
    else:
        for site in range(len(base)):
            ranges = _ranges(design, base, site, values, table)
            if design.kind == "lhs":
                parameter_sets = _hypercube(design.members, ranges, int(base.site_number[site]), seed)
            else:
                parameter_sets = _one_at_a_time(design.levels, ranges)
            settings += [Setting(site, parameters) for parameters in parameter_sets]
    return _members(base, values, settings, design.kind == "oat")


def _members(base: SiteTable, values: dict[str, np.ndarray], settings: list[Setting], one_at_a_time: bool) -> Members:
    base_site = np.array([setting.site for setting in settings])
    realization = np.zeros(len(base_site), dtype=np.int32)
    for site in np.unique(base_site):
        realization[base_site == site] = np.arange((base_site == site).sum())
    sites = base[base_site]
    member_id = [f"{name}.{number:04d}" for name, number in zip(sites.site_id, realization, strict=True)]
    member_values = {name: of_sites[base_site].copy() for name, of_sites in values.items()}
    for member, setting in enumerate(settings):
        for name, value in setting.parameters.items():
            member_values.setdefault(name, np.full(len(base_site), np.nan))[member] = value
    perturbed = None
    if one_at_a_time:
        perturbed = np.array([next(iter(setting.parameters), BASELINE) for setting in settings])
    return Members(replace(sites, site_id=np.array(member_id)), member_values, sites.site_id, realization, perturbed)


# ---- ranges -------------------------------------------------------------------------------------------------------


def _ranges(
    design: DesignConfig, base: SiteTable, site: int, values: dict[str, np.ndarray], table: dict[str, ParameterInfo]
) -> dict[str, _ParameterRange]:
    """The range of each chosen parameter at one site; without a choice, all whose spread is known."""
    flag = base.biome[site]
    biome = biomes.BY_FLAG[flag].name
    spreads = {
        spread.name: spread
        for spread in (WETLAND if biomes.is_wetland(flag) else UPLAND)
        if not spread.only or biome in spread.only
    }
    chosen = design.parameters or {name: None for name in spreads if name in table}
    ranges = {}
    for name, limits in chosen.items():
        if name not in table:
            message = f"design.parameters: {unknown_parameter(name, table)}"
            raise ConfigError(message)
        info = table[name]
        default = info.biome_defaults[biome]
        drawn = values[name][site] if name in values else np.nan
        centre = default if np.isnan(drawn) else float(drawn)
        if limits is None:
            ranges[name] = _range_of_literature(name, spreads.get(name), info)
        else:
            ranges[name] = _configured_range(name, limits, centre, info)
    return ranges


def _range_of_literature(name: str, spread: Spread | None, info: ParameterInfo) -> _ParameterRange:
    if spread is None:
        message = (
            f"design.parameters.{name}: no range of the literature is known for this kind of site; give [low, high]"
        )
        raise ConfigError(message)
    low, high = max(spread.lowest, info.minimum), min(spread.highest, info.maximum)
    return _ParameterRange(low, high, spread.log and low > 0.0)


def _configured_range(name: str, limits: RangeConfig, centre: float, info: ParameterInfo) -> _ParameterRange:
    """The configured limits, times the site's value `centre` where they are relative."""
    low, high = (limits.low * centre, limits.high * centre) if limits.relative else (limits.low, limits.high)
    if limits.relative:  # a site's own value may lie near a bound
        low, high = (min(max(value, info.minimum), info.maximum) for value in (low, high))
        if low == high:
            message = (
                f"design.parameters.{name}: relative values change nothing at a site that has {centre:g} "
                f"{info.units}; give [low, high] in the parameter's unit"
            )
            raise ConfigError(message)
    for value in (low, high):
        if not info.minimum <= value <= info.maximum:
            message = (
                f"design.parameters.{name}: {value:g} is outside the bounds of the program, "
                f"{info.minimum:g} to {info.maximum:g} {info.units}"
            )
            raise ConfigError(message)
    return _ParameterRange(low, high, limits.log and low > 0.0)


# ---- Latin hypercube and one at a time ----------------------------------------------------------------------------


def _hypercube(members: int, ranges: dict[str, _ParameterRange], site_number: int, seed: int) -> list[dict[str, float]]:
    """`members` members, of each parameter one in every of as many equal strata (McKay et al. 1979)."""
    drawn = {}
    for name, parameter_range in ranges.items():
        rng = stream(seed, f"hypercube {site_number} {name}")
        drawn[name] = parameter_range.at((rng.permutation(members) + rng.uniform(size=members)) / members)
    return [{name: float(values[member]) for name, values in drawn.items()} for member in range(members)]


def _one_at_a_time(levels: int, ranges: dict[str, _ParameterRange]) -> list[dict[str, float]]:
    """The base site itself, then every parameter at each level."""
    shares = np.linspace(0.0, 1.0, levels)
    return [
        {},
        *({name: float(value)} for name, parameter_range in ranges.items() for value in parameter_range.at(shares)),
    ]
