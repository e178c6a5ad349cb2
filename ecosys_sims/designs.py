"""Designed ensembles: sites run several times with parameters set on purpose (docs/simulations.md).

A member is a site of its own on the `site` dimension. It has the place, the weather and all else of its base site
but the parameters that the design sets.
"""

import csv
import difflib
from dataclasses import dataclass, fields
from pathlib import Path

import netCDF4
import numpy as np

from ecosys_sims import biomes
from ecosys_sims.config import ConfigError, DesignConfig, RangeConfig
from ecosys_sims.model import ParameterInfo
from ecosys_sims.parameter_spread import UPLAND, WETLAND, Spread
from ecosys_sims.random_streams import stream
from ecosys_sims.sites import SiteTable

BASELINE = ""  # what a member perturbs that has the parameters of its base site


@dataclass(frozen=True)
class Members:
    """The members (M,) of a design.

    sites: their table, with a site_id of their own; values: parameter -> (M,), NaN where the biome's default holds;
    base_site_id, realization: which member of which site; perturbed: under `oat` the parameter that differs.
    """

    sites: SiteTable
    values: dict[str, np.ndarray]
    base_site_id: np.ndarray
    realization: np.ndarray
    perturbed: np.ndarray | None


@dataclass(frozen=True)
class _Range:
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
    settings: list[tuple[int, dict[str, float]]] = []  # base site, parameters set; in the order of members
    if design.kind == "table":
        settings = _from_table(Path(design.table or ""), base, table)
    else:
        for site in range(len(base)):
            ranges = _ranges(design, base, site, values, table)
            make = _hypercube if design.kind == "lhs" else _one_at_a_time
            settings += [(site, member) for member in make(design, ranges, int(base.site_number[site]), seed)]
    return _members(base, values, settings, design.kind == "oat")


def _members(
    base: SiteTable, values: dict[str, np.ndarray], settings: list[tuple[int, dict[str, float]]], one_at_a_time: bool
) -> Members:
    index = np.array([site for site, _ in settings])
    realization = np.zeros(len(index), dtype=np.int32)
    for site in np.unique(index):
        realization[index == site] = np.arange((index == site).sum())
    columns = {item.name: getattr(base, item.name)[index] for item in fields(base)}
    base_id = columns["site_id"]
    columns["site_id"] = np.array([f"{name}.{number:04d}" for name, number in zip(base_id, realization, strict=True)])
    found = {name: array[index].copy() for name, array in values.items()}
    for member, (_, own) in enumerate(settings):
        for name, value in own.items():
            found.setdefault(name, np.full(len(index), np.nan))[member] = value
    perturbed = np.array([next(iter(own), BASELINE) for _, own in settings]) if one_at_a_time else None
    return Members(SiteTable(**columns), found, base_id, realization, perturbed)


# ---- ranges -------------------------------------------------------------------------------------------------------


def _ranges(
    design: DesignConfig, base: SiteTable, site: int, values: dict[str, np.ndarray], table: dict[str, ParameterInfo]
) -> dict[str, _Range]:
    """The range of each chosen parameter at one site; without a choice, all whose spread is known."""
    flag = base.biome[site]
    biome = biomes.BY_FLAG[flag].name
    spreads = {
        spread.name: spread
        for spread in (WETLAND if biomes.is_wetland(flag) else UPLAND)
        if not spread.only or biome in spread.only
    }
    chosen = design.parameters or {name: None for name in spreads if name in table}
    found = {}
    for name, given in chosen.items():
        if name not in table:
            raise ConfigError(f"design.parameters: {_unknown(name, table)}")
        info = table[name]
        default = info.biome_defaults[biome]
        drawn = values[name][site] if name in values else np.nan
        found[name] = _range(name, given, default if np.isnan(drawn) else float(drawn), spreads.get(name), info)
    return found


def _range(name: str, given: RangeConfig | None, centre: float, spread: Spread | None, info: ParameterInfo) -> _Range:
    if given is None:
        if spread is None:
            raise ConfigError(
                f"design.parameters.{name}: no range of the literature is known for this kind of site; give [low, high]"
            )
        low, high = max(spread.lowest, info.minimum), min(spread.highest, info.maximum)
        return _Range(low, high, spread.log and low > 0.0)
    low, high = (given.low * centre, given.high * centre) if given.relative else (given.low, given.high)
    if given.relative:  # a site's own value may lie near a bound
        low, high = (min(max(value, info.minimum), info.maximum) for value in (low, high))
        if low == high:
            raise ConfigError(
                f"design.parameters.{name}: relative values change nothing at a site that has {centre:g} "
                f"{info.units}; give [low, high] in the parameter's unit"
            )
    for value in (low, high):
        if not info.minimum <= value <= info.maximum:
            raise ConfigError(
                f"design.parameters.{name}: {value:g} is outside the bounds of the program, "
                f"{info.minimum:g} to {info.maximum:g} {info.units}"
            )
    return _Range(low, high, given.log and low > 0.0)


def _unknown(name: str, table: dict[str, ParameterInfo]) -> str:
    close = difflib.get_close_matches(name, table, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"the program has no parameter {name!r}{hint} (known: {', '.join(table)})"


# ---- Latin hypercube and one at a time ----------------------------------------------------------------------------


def _hypercube(design: DesignConfig, ranges: dict[str, _Range], number: int, seed: int) -> list[dict[str, float]]:
    """`members` members, of each parameter one in every of as many equal strata (McKay et al. 1979)."""
    drawn = {}
    for name, span in ranges.items():
        rng = stream(seed, f"hypercube {number} {name}")
        drawn[name] = span.at((rng.permutation(design.members) + rng.uniform(size=design.members)) / design.members)
    return [{name: float(drawn[name][k]) for name in drawn} for k in range(design.members)]


def _one_at_a_time(design: DesignConfig, ranges: dict[str, _Range], number: int, seed: int) -> list[dict[str, float]]:
    """The base site itself, then every parameter at each level."""
    shares = np.linspace(0.0, 1.0, design.levels)
    return [{}] + [{name: float(value)} for name, span in ranges.items() for value in span.at(shares)]


# ---- a table of the user ------------------------------------------------------------------------------------------


def _from_table(path: Path, base: SiteTable, table: dict[str, ParameterInfo]) -> list[tuple[int, dict[str, float]]]:
    """A member for each row, of the site in the column site_id; without that column, each row at every site."""
    site_ids, columns = _read_table(path)
    known = {name: k for k, name in enumerate(base.site_id)}
    unknown = [name for name in columns if name not in table]
    if unknown:
        raise ConfigError(f"{path}: column {unknown[0]!r}: {_unknown(unknown[0], table)}")
    if not columns:
        raise ConfigError(f"{path}: has no column of a parameter")
    for name, values in columns.items():
        info = table[name]
        wrong = np.flatnonzero(~((values >= info.minimum) & (values <= info.maximum)))
        if wrong.size:
            row, value = wrong[0], values[wrong[0]]
            fault = "is not a number" if np.isnan(value) else f"is {value:g}, expected"
            bounds = "" if np.isnan(value) else f" {info.minimum:g} to {info.maximum:g} {info.units}"
            raise ConfigError(f"{path}: row {row + 1}, column {name!r} {fault}{bounds}")
    rows = len(next(iter(columns.values())))
    if rows == 0:
        raise ConfigError(f"{path}: has no rows")
    members = [{name: float(columns[name][row]) for name in columns} for row in range(rows)]
    if site_ids is None:
        return [(site, member) for site in range(len(base)) for member in members]
    for row, name in enumerate(site_ids):
        if name not in known:
            raise ConfigError(
                f"{path}: row {row + 1}, column 'site_id': there is no site {name!r} (known: {_some(base.site_id)})"
            )
    return [(known[name], member) for name, member in zip(site_ids, members, strict=True)]


def _some(names: np.ndarray) -> str:
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")


def _read_table(path: Path) -> tuple[list[str] | None, dict[str, np.ndarray]]:
    """Names of the sites, if there are any, and the columns (rows,); NaN where there is no number."""
    try:
        with open(path, "rb") as file:
            start = file.read(4)
    except OSError as error:
        raise ConfigError(f"design.table: cannot read {path}: {error.strerror}") from error
    if start[:3] == b"CDF" or start == b"\x89HDF":
        return _read_netcdf(path)
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            lines = [row for row in csv.reader(file) if any(cell.strip() for cell in row)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path}: neither a CSV file nor netCDF: {error}") from error
    header = [cell.strip() for cell in lines[0]] if lines else []
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise ConfigError(f"{path}: column {twice[0]!r} is there twice")
    for number, row in enumerate(lines[1:], start=1):
        if len(row) != len(header):
            raise ConfigError(f"{path}: row {number} has {len(row)} cells, the header {len(header)}")
    cells = {name: [row[k].strip() for row in lines[1:]] for k, name in enumerate(header)}
    site_ids = cells.pop("site_id", None)
    return site_ids, {name: np.array([_number(cell) for cell in column]) for name, column in cells.items()}


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return float("nan")


def _read_netcdf(path: Path) -> tuple[list[str] | None, dict[str, np.ndarray]]:
    try:
        with netCDF4.Dataset(path) as file:
            rows = {variable.dimensions for name, variable in file.variables.items() if name not in file.dimensions}
            if len(rows) != 1 or len(next(iter(rows))) != 1:
                raise ConfigError(f"{path}: all variables must have the same single dimension, one value a member")
            names = [name for name in file.variables if name not in file.dimensions]
            site_ids = [str(name) for name in file["site_id"][:]] if "site_id" in names else None
            columns = {
                name: np.ma.filled(np.ma.asarray(file[name][:], dtype=float), np.nan)
                for name in names
                if name != "site_id"
            }
    except (OSError, ValueError, TypeError) as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(f"{path}: not a table of numbers: {error}") from error
    return site_ids, columns
