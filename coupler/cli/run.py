"""`ecostep run`: an artefact over drivers in netCDF files, chunk of cells by chunk of cells, to daily fluxes."""

from __future__ import annotations

import argparse
import logging
import re
import sys
from dataclasses import dataclass

import cftime
import numpy as np
from numpy.typing import NDArray

from coupler.cli.command import CommandError
from coupler.cli.flux_file import FluxFile
from coupler.cli.forcing import Days, Files, Grid, Variable, add_days, cell_dimensions, parse_day, show
from coupler.cli.restart_file import Restart, file_sha256, read_restart, write_restart
from coupler.python.cells import Cells
from coupler.python.errors import EcostepError
from coupler.python.model import Model

log = logging.getLogger(__name__)

SLAB_BYTES = 128 * 2**20


@dataclass(frozen=True)
class Source:
    """Where the values of one variable of the artefact come from: a variable of files, or one value."""

    variable: Variable | None
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


def run(options: argparse.Namespace) -> int:
    """Run; returns 0. CommandError and EcostepError say what was wrong, and leave no output file."""
    model = Model(options.file, options.backend)
    with Files(options.forcing) as forcing:
        if options.statics is None:
            return _run(options, model, forcing, forcing)
        with Files([options.statics]) as statics_file:
            return _run(options, model, forcing, statics_file)


def _run(options: argparse.Namespace, model: Model, forcing: Files, statics_file: Files) -> int:
    artefact = file_sha256(options.file)
    restart = read_restart(options.restart_in, artefact, model.state_size) if options.restart_in else None
    plan = make_plan(options, model, forcing, statics_file, restart)
    last = add_days(plan.grid.start, plan.grid.count - 1)
    size, period = " x ".join(map(str, plan.grid.shape)) or "1", f"{show(plan.grid.start)} to {show(last)}"
    log.info("%s (%s): %s cells, %s, steps of %d s", model.name, model.backend, size, period, plan.days[0].dt)
    attributes = {
        "source": f"{model.name} ({model.kind}), ecostep artefact {artefact}",
        "history": "ecostep " + " ".join(sys.argv[1:]),
        "forcing": " ".join(path.name for path in options.forcing),
    }
    states: list[tuple[NDArray, NDArray]] = []
    targets = [(one.name, plan.flux_units[one.name], one.long_name) for one in model.targets]
    sources = (forcing.first, statics_file.first)
    with FluxFile(options.out, sources, plan.grid, targets, attributes) as out:
        rows_at_once = max(1, options.chunk // plan.cells_a_row)
        rows_total = plan.grid.shape[0] if plan.grid.shape else 1
        for begin in range(0, rows_total, rows_at_once):
            rows = slice(begin, min(begin + rows_at_once, rows_total))
            chunk = _Chunk(plan, rows)
            states.append((chunk.index, chunk.run(out, restart)))
            log.info("%d of %d rows done, %d cells of them computed", rows.stop, rows_total, len(chunk.index))
        if sum(len(index) for index, _ in states) == 0:
            raise CommandError(f"{statics_file.name}: no cell has all statics ({', '.join(plan.statics)}) and drivers")
        if options.restart_out:
            index = np.concatenate([one for one, _ in states])
            rows_of_state = np.concatenate([one for _, one in states])
            sites = None if plan.site_id is None else plan.site_id[index]
            next_day = add_days(plan.grid.start, plan.grid.count)
            saved = Restart(artefact, model.name, plan.grid.calendar, next_day, index, sites, rows_of_state)
            write_restart(options.restart_out, saved)
    log.info("wrote %s%s", options.out, f" and {options.restart_out}" if options.restart_out else "")
    return 0


def make_plan(
    options: argparse.Namespace, model: Model, forcing: Files, statics_file: Files, restart: Restart | None
) -> Plan:
    """Find all variables and dates before anything is computed."""
    renamed, units, constants = dict(options.map), dict(options.units), dict(options.constants)
    known = {one.name for one in (*model.inputs, *model.statics, *model.targets)}
    for option, given in (("--map", renamed), ("--units", units), ("--set", constants)):
        if strange := [name for name in given if name not in known]:
            raise CommandError(f"{option} {strange[0]}: the artefact has no such variable ({', '.join(sorted(known))})")

    def source(files: Files, name: str, own_units: str, what: str, classes: bool = False) -> Source:
        if name in constants:
            return Source(None, _number(name, constants[name]), own_units)
        found = files.find(renamed.get(name, name), f"{what} '{name}'")
        unit = units.get(name, found.units) or ("1" if classes else "")
        if not unit:
            raise CommandError(f"{files.name}: '{found.name}' has no units; give them with --units {name}=UNITS")
        return Source(found, np.nan, unit)

    flags = {one["name"] for one in model.metadata["statics"] if one.get("flag_values")}
    inputs = {v.name: source(forcing, v.name, v.units, "driver") for v in model.inputs}
    statics = {v.name: source(statics_file, v.name, v.units, "static", v.name in flags) for v in model.statics}
    observed = {}
    if options.observed:
        observed = {v.name: source(forcing, v.name, v.units, "measured flux") for v in model.targets}
    days = forcing.days()
    first_day, start, count = _period(options, days, restart)
    dims, shape = cell_dimensions(forcing, [s.variable for s in inputs.values() if s.variable is not None])
    site_id = None
    if len(dims) == 1 and "site_id" in forcing.first.variables and forcing.first["site_id"].dimensions == dims:
        site_id = np.array([str(one) for one in forcing.first["site_id"][:]], dtype=object)
    flux_units = {v.name: units.get(v.name, v.units) for v in model.targets}
    grid = Grid(dims, shape, start, count, days[0].calendar)
    return Plan(model, forcing, statics_file, inputs, statics, observed, flux_units, days, first_day, grid, site_id)


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise CommandError(f"--set {name}={text}: not a number") from error


def _period(options: argparse.Namespace, days: list[Days], restart: Restart | None) -> tuple[int, cftime.datetime, int]:
    """Place of the first day in the files, its date, and the number of days."""
    first, calendar, total = days[0].first, days[0].calendar, sum(one.count for one in days)
    last = add_days(first, total - 1)
    if restart is not None and restart.calendar != calendar:
        raise CommandError(f"{options.restart_in}: calendar '{restart.calendar}', that of the drivers is '{calendar}'")
    begin = parse_day(options.start, calendar, "--start") if options.start else restart.next_day if restart else first
    begin = cftime.datetime(begin.year, begin.month, begin.day, calendar=first.calendar)
    end = parse_day(options.end, calendar, "--end") if options.end else last
    end = cftime.datetime(end.year, end.month, end.day, calendar=first.calendar)
    if restart is not None and options.start and show(begin) != show(restart.next_day):
        raise CommandError(
            f"--start {options.start}: the state in {options.restart_in} goes on with {show(restart.next_day)}"
        )
    if not first <= begin <= end <= last:
        raise CommandError(
            f"{show(begin)} to {show(end)} is not within the drivers' days, {show(first)} to {show(last)}"
        )
    return (begin - first).days, begin, (end - begin).days + 1


class _Chunk:
    """Some rows of the cells' first dimension, and those of their cells that have values."""

    def __init__(self, plan: Plan, rows: slice):
        self.plan, self.rows = plan, rows
        self.shape = (rows.stop - rows.start, *plan.grid.shape[1:]) if plan.grid.shape else ()
        size = int(np.prod(self.shape, dtype=np.int64))
        statics = {name: self._static(source, size) for name, source in plan.statics.items()}
        active = np.ones(size, bool)
        for values in statics.values():
            active &= ~np.isnan(values)
        first = [
            self._slab(s, plan.forcing, 0, 1)[0]
            for s in plan.inputs.values()
            if s.variable is not None and s.variable.dims
        ]
        if first:
            active &= ~np.isnan(first).all(axis=0)
        self.active = np.flatnonzero(active)
        self.index = self.active + rows.start * plan.cells_a_row
        self.statics = {name: np.ascontiguousarray(values[self.active]) for name, values in statics.items()}

    def _static(self, source: Source, size: int) -> NDArray:
        if source.variable is None:
            return np.full(size, source.value)
        return self.plan.statics_file.static(source.variable, self.rows, self.plan.grid.dims, self.shape)

    def _slab(self, source: Source, files: Files, first: int, count: int) -> NDArray:
        """Values of some days of the run, (steps, cells of the rows), or (1, cells) of what has no time."""
        assert source.variable is not None
        plan = self.plan
        return files.values(
            source.variable, plan.days, plan.first_day + first, count, self.rows, plan.grid.dims, self.shape
        )

    def run(self, out: FluxFile, restart: Restart | None) -> NDArray[np.float32]:
        """Step over all days and write the fluxes; returns the state rows of the cells computed."""
        plan, n = self.plan, len(self.active)
        if n == 0:
            return np.zeros((0, plan.model.state_size), np.float32)
        cells = plan.model.cells(n, plan.grid.calendar)
        for name, values in self.statics.items():
            self._located(
                lambda name=name, values=values: cells.set_static(name, values, plan.statics[name].units), name
            )
        fluxes = {name: np.zeros(n, np.float32) for name in plan.flux_units}
        for name, values in fluxes.items():
            self._located(lambda name=name, values=values: cells.set_output(name, values, plan.flux_units[name]), name)
        if restart is None:
            self._located(cells.init_state, None)
        else:
            sites = None if plan.site_id is None else plan.site_id[self.index]
            cells.state[:] = restart.rows(self.index, sites)
        feeds = self._register(cells)
        steps = plan.days[0].steps_a_day
        days_at_once = max(1, SLAB_BYTES // (8 * steps * max(1, len(feeds)) * int(np.prod(self.shape, dtype=np.int64))))
        for first in range(0, plan.grid.count, days_at_once):
            count = min(days_at_once, plan.grid.count - first)
            slabs = [
                (buffer, self._slab(source, plan.forcing, first, count)[:, self.active]) for source, buffer in feeds
            ]
            results = {name: np.empty((count, n), np.float32) for name in fluxes}
            for day in range(count):
                date = add_days(plan.grid.start, first + day)
                self._day(cells, date, day, steps, slabs)
                for name, values in fluxes.items():
                    results[name][day] = values
            out.write(first, self.rows, self.shape, self.active, results)
        return cells.state

    def _register(self, cells: Cells) -> list[tuple[Source, NDArray]]:
        """Give the library one array for each driver; those that are read from the files are returned."""
        plan, n, feeds = self.plan, len(self.active), []
        calls = [(cells.set_input, name, source) for name, source in plan.inputs.items()]
        calls += [(cells.set_observed, name, source) for name, source in plan.observed.items()]
        for call, name, source in calls:
            buffer = np.full(n, source.value, np.float64)
            self._located(
                lambda call=call, name=name, buffer=buffer, units=source.units: call(name, buffer, units), name
            )
            if source.variable is not None:
                feeds.append((source, buffer))
        return feeds

    def _day(
        self, cells: Cells, date: cftime.datetime, day: int, steps: int, slabs: list[tuple[NDArray, NDArray]]
    ) -> None:
        dt = 86400 // steps
        for step in range(steps):
            for buffer, slab in slabs:
                buffer[:] = slab[day * steps + step if len(slab) > 1 else 0]
            try:
                cells.step(date.year, date.month, date.day, step * dt, dt)
            except EcostepError as error:
                raise self._where(
                    error, f" on {show(date)} {step * dt // 3600:02d}:{step * dt % 3600 // 60:02d}"
                ) from error

    def _located(self, call, name: str | None) -> None:
        try:
            call()
        except EcostepError as error:
            raise self._where(error, "", name) from error

    def _where(self, error: EcostepError, when: str, name: str | None = None) -> CommandError:
        """The library's message with the file, the variable in it, and the site or the cell's place."""
        plan, message = self.plan, str(error)
        found = re.search(r"'(\w+)'", message)
        name = name or (found.group(1) if found else None)
        source = plan.statics.get(name) or plan.inputs.get(name) or plan.observed.get(name)
        file = (plan.statics_file if name in plan.statics else plan.forcing).name
        place = re.search(r"cell (\d+) of \d+ \(counted from 1\)|cell (\d+) of \d+", message)
        if place:
            cell = int(self.index[int(place.group(1) or place.group(2)) - 1])
            message = message.replace(place.group(0), self._cell_name(cell))
        variable = f": variable '{source.variable.name}'" if source and source.variable else ""
        if variable and variable.endswith(f"'{name}'"):  # the library's message begins with the same
            message = message.removeprefix(f"variable '{name}': ")
        hint = f"; --units {name}=UNITS says what they are" if error.status == "BAD_UNITS" else ""
        return CommandError(f"{file}{variable}{when}: {message}{hint}")

    def _cell_name(self, cell: int) -> str:
        plan = self.plan
        if plan.site_id is not None:
            return f"site '{plan.site_id[cell]}'"
        place = np.unravel_index(cell, plan.grid.shape) if plan.grid.shape else ()
        return (
            "cell "
            + (", ".join(f"{d} {int(i) + 1}" for d, i in zip(plan.grid.dims, place, strict=True)) or "1")
            + " (from 1)"
        )
