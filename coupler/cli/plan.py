"""What `ecostep run` has to do: where each variable comes from, and over which days and cells."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import cftime
import numpy as np
from numpy.typing import NDArray

from coupler.cli.errors import CommandError
from coupler.cli.forcing import Files, FileVariable, Grid, cell_dimensions
from coupler.cli.restart_file import Restart
from coupler.cli.time_axis import Days, add_days, format_day, parse_day, same_day
from coupler.python.model import Model
from foundations.cf_calendar import is_mixed, same_calendar


@dataclass(frozen=True)
class Source:
    """Where the values of one variable of the artefact come from: a variable of files, or one value."""

    variable: FileVariable | None
    value: float
    units: str


@dataclass(frozen=True)
class Plan:
    """All that the run of a chunk needs."""

    model: Model
    forcing: Files
    statics_file: Files
    inputs: dict[str, Source]
    statics: dict[str, Source]
    observed: dict[str, Source]
    flux_units: dict[str, str]
    days: list[Days]
    first_day: int
    grid: Grid
    site_id: NDArray | None

    @property
    def cells_a_row(self) -> int:
        """Cells of one element of the first dimension."""
        return int(np.prod(self.grid.shape[1:], dtype=np.int64))


@dataclass(frozen=True)
class Period:
    """Days of a run: place of the first in the files, its date, and how many."""

    first_day: int
    start: cftime.datetime
    count: int


class _Choices:
    """What the options say of single variables."""

    def __init__(self, options: argparse.Namespace, model: Model):
        self.file_names, self.units = dict(options.map), dict(options.units)
        self.constants = dict(options.constants)
        names = {variable.name for variable in (*model.inputs, *model.statics, *model.targets)}
        for option, choices in (("--map", self.file_names), ("--units", self.units), ("--set", self.constants)):
            if strange := [name for name in choices if name not in names]:
                message = f"{option} {strange[0]}: the artefact has no such variable ({', '.join(sorted(names))})"
                raise CommandError(message)

    def source(self, files: Files, name: str, model_units: str, what: str, classes: bool = False) -> Source:
        """The source of a variable in files, or of the value that --set gives in the artefact's units."""
        if name in self.constants:
            return Source(None, _number(name, self.constants[name]), model_units)
        variable = files.find(self.file_names.get(name, name), f"{what} '{name}'")
        units = self.units.get(name, variable.units) or ("1" if classes else "")
        if not units:
            message = f"{files.name}: '{variable.name}' has no units; give them with --units {name}=UNITS"
            raise CommandError(message)
        return Source(variable, np.nan, units)


def make_plan(
    options: argparse.Namespace, model: Model, forcing: Files, statics_file: Files, restart: Restart | None
) -> Plan:
    """Find all variables and dates before anything is computed."""
    choices = _Choices(options, model)
    classes = {static["name"] for static in model.metadata["statics"] if static.get("flag_values")}
    inputs = {v.name: choices.source(forcing, v.name, v.units, "driver") for v in model.inputs}
    statics = {
        v.name: choices.source(statics_file, v.name, v.units, "static", v.name in classes) for v in model.statics
    }
    observed = {}
    if options.observed:
        observed = {v.name: choices.source(forcing, v.name, v.units, "measured flux") for v in model.targets}
    days = forcing.days()
    period = _period(options, days, restart)
    dims, shape = cell_dimensions(forcing, [s.variable for s in inputs.values() if s.variable is not None])
    site_id = None
    if len(dims) == 1 and "site_id" in forcing.first.variables and forcing.first["site_id"].dimensions == dims:
        site_id = np.array([str(site) for site in forcing.first["site_id"][:]], dtype=object)
    flux_units = {v.name: choices.units.get(v.name, v.units) for v in model.targets}
    grid = Grid(dims, shape, period.start, period.count, days[0].calendar)
    return Plan(
        model, forcing, statics_file, inputs, statics, observed, flux_units, days, period.first_day, grid, site_id
    )


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        message = f"--set {name}={text}: not a number"
        raise CommandError(message) from error


def _period(options: argparse.Namespace, days: list[Days], restart: Restart | None) -> Period:
    """The days that the options choose among those of the files, or that a restart goes on with."""
    first, calendar, total = days[0].first, days[0].calendar, sum(file_days.count for file_days in days)
    last = add_days(first, total - 1)
    if restart is not None and not same_calendar(restart.calendar, calendar):
        message = f"{options.restart_in}: calendar '{restart.calendar}', that of the drivers is '{calendar}'"
        raise CommandError(message)
    begin, end = first, last
    if options.start:
        begin = parse_day(options.start, first.calendar, "--start")
    elif restart is not None:
        begin = parse_day(format_day(restart.next_day), first.calendar, str(options.restart_in))
    if options.end:
        end = parse_day(options.end, first.calendar, "--end")
    if restart is not None and not same_day(begin, restart.next_day):
        message = (
            f"--start {options.start}: the state in {options.restart_in} goes on with {format_day(restart.next_day)}"
        )
        raise CommandError(message)
    if not first <= begin <= end <= last:
        message = (
            f"{format_day(begin)} to {format_day(end)} is not within the drivers' days, "
            f"{format_day(first)} to {format_day(last)}"
        )
        raise CommandError(message)
    if is_mixed(calendar, (begin.year, begin.month, begin.day)):
        message = (
            f"{options.forcing[0]}: begins on {format_day(begin)}, and calendar 'standard' is Julian before "
            "1582-10-15, which artefacts do not know; give the days in proleptic_gregorian, or --start 1582-10-15"
        )
        raise CommandError(message)
    return Period((begin - first).days, begin, (end - begin).days + 1)
