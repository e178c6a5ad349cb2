"""What `ecostep run` has to do: where each variable comes from, and over which days and cells."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass

import cftime
import numpy as np
from numpy.typing import NDArray

from coupler.cli.alignment import Cells
from coupler.cli.classes import class_meanings
from coupler.cli.errors import CommandError
from coupler.cli.forcing import Files, FileVariable, Grid, cell_dimensions, require_dimensions
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
    cells: Cells

    @property
    def site_id(self) -> NDArray | None:
        """Names of the sites (N,), None on grids and where the drivers name none."""
        return None if self.cells.site_id is None else np.array(self.cells.site_id, dtype=object)

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
    """What the options say of single variables; each must be of use."""

    def __init__(self, options: argparse.Namespace, model: Model):
        self.file_names, self.units = _pairs("--map", options.map), _pairs("--units", options.units)
        self.constants = _pairs("--set", options.constants)
        self.is_observed = options.observed
        self.targets = {variable.name for variable in model.targets}
        names = {variable.name for variable in (*model.inputs, *model.statics)} | self.targets
        for option, choices in (("--map", self.file_names), ("--units", self.units), ("--set", self.constants)):
            if strange := [name for name in choices if name not in names]:
                message = f"{option} {strange[0]}: the artefact has no such variable ({', '.join(sorted(names))})"
                raise CommandError(message)
            for name, text in choices.items():
                self._require_use(option, name, text)

    def _require_use(self, option: str, name: str, text: str) -> None:
        reason = ""
        if option == "--map" and name in self.constants:
            reason = f"--set {name}={self.constants[name]} gives its value"
        elif option != "--units" and name in self.targets and not self.is_observed:
            reason = "it is a flux, which is read from files with --observed alone"
        if reason:
            message = f"{option} {name}={text}: has no effect, since {reason}"
            raise CommandError(message)

    def source(
        self, files: Files, name: str, model_units: str, what: str, classes: Mapping[int, str] | None = None
    ) -> Source:
        """The source of a variable in files, or of the value that --set gives, in the artefact's units or --units.

        classes: meanings by code of a variable of classes, "" where the artefact has none.
        """
        if classes and self.units.get(name, "1") != "1":
            message = f"--units {name}={self.units[name]}: has no effect, since its values are classes"
            raise CommandError(message)
        if name in self.constants:
            value = _value(name, self.constants[name], classes or {})
            return Source(None, value, self.units.get(name, model_units))
        variable = files.find(self.file_names.get(name, name), f"{what} '{name}'", self.units.get(name), classes)
        units = self.units.get(name, variable.units) or ("1" if classes else "")
        if not units:
            message = f"{files.name}: '{variable.name}' has no units; give them with --units {name}=UNITS"
            raise CommandError(message)
        return Source(variable, np.nan, units)


def _pairs(option: str, pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Choices by name; CommandError where a name is given twice."""
    names = [name for name, _ in pairs]
    if repeated := [name for name in names if names.count(name) > 1]:
        message = (
            f"{option} {repeated[0]}: given twice ({', '.join(text for name, text in pairs if name == repeated[0])})"
        )
        raise CommandError(message)
    return dict(pairs)


def make_plan(
    options: argparse.Namespace, model: Model, forcing: Files, statics_file: Files, restart: Restart | None
) -> Plan:
    """Find all variables, dates and cells before anything is computed."""
    choices = _Choices(options, model)
    classes = {v["name"]: class_meanings(v) for v in (*model.metadata["inputs"], *model.metadata["statics"])}
    inputs = {v.name: choices.source(forcing, v.name, v.units, "driver", classes[v.name]) for v in model.inputs}
    statics = {v.name: choices.source(statics_file, v.name, v.units, "static", classes[v.name]) for v in model.statics}
    observed = {}
    if options.observed:
        observed = {v.name: choices.source(forcing, v.name, v.units, "measured flux") for v in model.targets}
    days = forcing.days()
    period = _period(options, days, restart)
    dims, shape = cell_dimensions(forcing, _variables(inputs))
    require_dimensions(forcing, _variables(observed), dims, forcing.name)
    require_dimensions(statics_file, _variables(statics), dims, forcing.name)
    cells = forcing.cells(dims)
    forcing.align_to(cells, dims)
    if any(variable.dims for variable in _variables(statics)):
        statics_file.align_to(cells, dims)
    flux_units = {v.name: choices.units.get(v.name, v.units) for v in model.targets}
    grid = Grid(dims, shape, period.start, period.count, days[0].calendar)
    return Plan(
        model, forcing, statics_file, inputs, statics, observed, flux_units, days, period.first_day, grid, cells
    )


def _variables(sources: dict[str, Source]) -> list[FileVariable]:
    return [source.variable for source in sources.values() if source.variable is not None]


def _value(name: str, text: str, classes: Mapping[int, str]) -> float:
    """The number of --set, or the code of a class that it names."""
    code = next((code for code, meaning in classes.items() if meaning == text), None)
    if code is not None:
        return float(code)
    try:
        number = float(text)
    except ValueError:
        number = np.nan
    if not np.isfinite(number):
        choice = (
            f" and none of the classes {' '.join(m for m in classes.values() if m)}" if any(classes.values()) else ""
        )
        message = f"--set {name}={text}: not a number{choice}"
        raise CommandError(message)
    return number


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
