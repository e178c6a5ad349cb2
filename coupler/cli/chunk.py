"""A chunk of cells of `ecostep run`: registered with the library, stepped over all days, its fluxes written."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import cftime
import numpy as np
from numpy.typing import NDArray

from coupler.cli.errors import CommandError
from coupler.cli.flux_file import FluxFile
from coupler.cli.forcing import Block, Files
from coupler.cli.plan import Plan, Source
from coupler.cli.restart_file import Restart
from coupler.cli.time_axis import DAY, add_days, format_day
from coupler.python.cells import Cells
from coupler.python.errors import EcostepError
from foundations.flux_range import impossible_flux
from foundations.variables import VARIABLES

log = logging.getLogger(__name__)

SLAB_BYTES = 128 * 2**20


@dataclass(frozen=True)
class _Feed:
    """A registered array (cells,) and the variable of the files that its values of each step come from."""

    name: str
    source: Source
    buffer: NDArray[np.float64]


class Chunk:
    """Some rows of the cells' first dimension, and those of their cells that have values."""

    def __init__(self, plan: Plan, rows: slice):
        self.plan = plan
        shape = (rows.stop - rows.start, *plan.grid.shape[1:]) if plan.grid.shape else ()
        self.block = Block(rows, plan.grid.dims, shape)
        statics = {name: self._static(source) for name, source in plan.statics.items()}
        active = np.ones(self.block.size, bool)
        for values in statics.values():
            active &= ~np.isnan(values)
        has_drivers = self._have_drivers()
        self._tell_left_out(statics, active, has_drivers)
        self._without_drivers = np.flatnonzero(active & ~has_drivers)
        active &= has_drivers
        self.beyond_training = ""
        """What was outside the range seen in training: the first value, and shares by variable."""
        self.active = np.flatnonzero(active)
        self.index = self.active + rows.start * plan.cells_a_row
        self.statics = {name: np.ascontiguousarray(values[self.active]) for name, values in statics.items()}

    def run(self, out: FluxFile, restart: Restart | None) -> NDArray[np.float32]:
        """Step over all days and write the fluxes; returns the state rows of the cells computed."""
        plan = self.plan
        day_bytes = 8 * plan.days[0].steps_a_day * max(1, len(plan.inputs) + len(plan.observed)) * self.block.size
        days_at_once = max(1, SLAB_BYTES // day_bytes)
        if len(self.active) == 0:
            for first in range(0, plan.grid.count if len(self._without_drivers) else 0, days_at_once):
                count = min(days_at_once, plan.grid.count - first)
                drivers = self._drivers_of_cells().values()
                self._require_no_drivers(first, [self._slab(source, plan.forcing, first, count) for source in drivers])
            return np.zeros((0, plan.model.state_size), np.float32)
        cells = plan.model.cells(len(self.active), plan.grid.calendar)
        fluxes = self._register_statics_and_fluxes(cells)
        if restart is None:
            with self._located(None):
                cells.init_state()
        else:
            cells.state[:] = restart.rows(self.index, plan.cells)
        feeds = self._register_drivers(cells)
        for first in range(0, plan.grid.count, days_at_once):
            count = min(days_at_once, plan.grid.count - first)
            out.write(first, self.block, self.active, self._step_days(cells, fluxes, feeds, first, count))
        self.beyond_training = self._name_cells(cells.range_message)
        return cells.state

    def _have_drivers(self) -> NDArray[np.bool_]:
        """Which cells (N,) of the rows have a driver at the first step."""
        first_steps = [self._slab(source, self.plan.forcing, 0, 1)[0] for source in self._drivers_of_cells().values()]
        if not first_steps:
            return np.ones(self.block.size, bool)
        return np.asarray(~np.isnan(first_steps).all(axis=0))

    def _drivers_of_cells(self) -> dict[str, Source]:
        """Drivers that the files have for each cell and step."""
        sources = self.plan.inputs.items()
        return {
            name: source
            for name, source in sources
            if source.variable and source.variable.dims and source.variable.timed
        }

    def _tell_left_out(self, statics: dict[str, NDArray], active: NDArray, has_drivers: NDArray) -> None:
        """Say which cells have drivers and are not computed, since a static is missing."""
        left_out = np.flatnonzero(has_drivers & ~active)
        if len(left_out) and self.plan.site_id is not None:  # on grids, statics are the mask of land
            names = [name for name, values in statics.items() if np.isnan(values[left_out[0]])]
            cell = self._cell_name(int(left_out[0]) + self._first_cell)
            log.warning(
                "warning: %s: %s has drivers and no %s, so it is left out (%d such cells)",
                self.plan.statics_file.name, cell, ", ".join(names), len(left_out),
            )  # fmt: skip

    @property
    def _first_cell(self) -> int:
        return self.block.rows.start * self.plan.cells_a_row

    def _require_no_drivers(self, first: int, series: Sequence[NDArray]) -> None:
        """CommandError where a cell that has no driver at the first step has one later, (steps, cells) by driver."""
        if not len(self._without_drivers) or not series:
            return
        there = np.any([~np.isnan(values[:, self._without_drivers]) for values in series], axis=0)
        if there.any():
            step, cell = np.argwhere(there)[0]
            start, steps_a_day = self.plan.grid.start, self.plan.days[0].steps_a_day
            later = format_day(add_days(start, first + int(step) // steps_a_day))
            name = self._cell_name(int(self._without_drivers[cell]) + self._first_cell)
            message = (
                f"{self.plan.forcing.name}: {name}: all drivers are missing on {format_day(start)}, "
                f"and on {later} they are not; fill the gap"
            )
            raise CommandError(message)

    def _require_flux(self, feed: _Feed, first: int, series: NDArray) -> None:
        """CommandError where measured flux (steps, active cells) is none that can be."""
        plan = self.plan
        flux = VARIABLES.get(feed.name) if feed.name in plan.observed else None
        fault = impossible_flux(flux, series, feed.source.units) if flux is not None else None
        if fault is None:
            return
        step, cell = fault.place
        day = format_day(add_days(plan.grid.start, first + step // plan.days[0].steps_a_day))
        variable = feed.source.variable.name if feed.source.variable else feed.name
        message = (
            f"{plan.forcing.name}: variable '{variable}' on {day}: {self._cell_name(int(self.index[cell]))} "
            f"{fault.text} ({fault.count} such values)"
        )
        raise CommandError(message)

    def _static(self, source: Source) -> NDArray:
        if source.variable is None:
            return np.full(self.block.size, source.value)
        return self.plan.statics_file.static(source.variable, self.block)

    def _slab(self, source: Source, files: Files, first: int, count: int) -> NDArray:
        """Values of some days of the run, (steps, cells of the rows), or (1, cells) of what has no time."""
        assert source.variable is not None
        plan = self.plan
        return files.values(source.variable, plan.days, plan.first_day + first, count, self.block)

    def _register_statics_and_fluxes(self, cells: Cells) -> dict[str, NDArray[np.float32]]:
        """Give the library the statics, and one array for each flux, which are returned."""
        plan = self.plan
        for name, values in self.statics.items():
            with self._located(name):
                cells.set_static(name, values, plan.statics[name].units)
        fluxes = {name: np.zeros(len(self.active), np.float32) for name in plan.flux_units}
        for name, values in fluxes.items():
            with self._located(name):
                cells.set_output(name, values, plan.flux_units[name])
        return fluxes

    def _register_drivers(self, cells: Cells) -> list[_Feed]:
        """Give the library one array for each driver; those that are read from the files are returned."""
        plan, feeds = self.plan, []
        calls: list[tuple[Callable[[str, NDArray, str], None], dict[str, Source]]] = [
            (cells.set_input, plan.inputs),
            (cells.set_observed, plan.observed),
        ]
        for register, sources in calls:
            for name, source in sources.items():
                buffer = np.full(len(self.active), source.value, np.float64)
                with self._located(name):
                    register(name, buffer, source.units)
                if source.variable is not None:
                    feeds.append(_Feed(name, source, buffer))
        return feeds

    def _step_days(
        self, cells: Cells, fluxes: dict[str, NDArray[np.float32]], feeds: list[_Feed], first: int, count: int
    ) -> dict[str, NDArray[np.float32]]:
        """Step over days whose drivers fit into memory; the fluxes (days, cells) by target."""
        plan = self.plan
        whole_slabs = [self._slab(feed.source, plan.forcing, first, count) for feed in feeds]
        names = self._drivers_of_cells()
        self._require_no_drivers(first, [s for feed, s in zip(feeds, whole_slabs, strict=True) if feed.name in names])
        slabs = [(feed.buffer, slab[:, self.active]) for feed, slab in zip(feeds, whole_slabs, strict=True)]
        for feed, (_, slab) in zip(feeds, slabs, strict=True):
            self._require_flux(feed, first, slab)
        daily = {name: np.empty((count, len(self.active)), np.float32) for name in fluxes}
        for day in range(count):
            self._step_day(cells, add_days(plan.grid.start, first + day), day, slabs)
            for name, values in fluxes.items():
                daily[name][day] = values
        return daily

    def _step_day(self, cells: Cells, date: cftime.datetime, day: int, slabs: list[tuple[NDArray, NDArray]]) -> None:
        steps = self.plan.days[0].steps_a_day
        dt = DAY // steps
        for step in range(steps):
            for buffer, slab in slabs:
                buffer[:] = slab[day * steps + step if len(slab) > 1 else 0]
            try:
                cells.step(date.year, date.month, date.day, step * dt, dt)
            except EcostepError as error:
                clock = f"{step * dt // 3600:02d}:{step * dt % 3600 // 60:02d}"
                raise self._error(error, f" on {format_day(date)} {clock}") from error

    @contextmanager
    def _located(self, name: str | None) -> Iterator[None]:
        """Errors of the library say where the variable comes from."""
        try:
            yield
        except EcostepError as error:
            raise self._error(error, "", name) from error

    def _error(self, error: EcostepError, when: str, name: str | None = None) -> CommandError:
        """The library's message with the file, the variable in it, and the site or the cell's place."""
        plan, message = self.plan, str(error)
        quoted = re.search(r"'(\w+)'", message)
        name = name or (quoted.group(1) if quoted else "")
        source = plan.statics.get(name) or plan.inputs.get(name) or plan.observed.get(name)
        file = (plan.statics_file if name in plan.statics else plan.forcing).name
        if source is not None and source.variable is None:
            file = f"--set {name}"
        message = self._name_cells(message)
        variable = f": variable '{source.variable.name}'" if source and source.variable else ""
        if variable and variable.endswith(f"'{name}'"):  # the library's message begins with the same
            message = message.removeprefix(f"variable '{name}': ")
        hint = f"; --units {name}=UNITS says what they are" if error.status == "BAD_UNITS" else ""
        return CommandError(f"{file}{variable}{when}: {message}{hint}")

    def _name_cells(self, message: str) -> str:
        """A message of the library with the name of its cell in place of the number."""
        place = re.search(r"cell (\d+) of \d+( \(counted from 1\))?", message)
        if place is None:
            return message
        return message.replace(place.group(0), self._cell_name(int(self.index[int(place.group(1)) - 1])))

    def _cell_name(self, cell: int) -> str:
        plan = self.plan
        if plan.site_id is not None:
            return f"site '{plan.site_id[cell]}'"
        indices = np.unravel_index(cell, plan.grid.shape) if plan.grid.shape else ()
        counted = ", ".join(f"{d} {int(i) + 1}" for d, i in zip(plan.grid.dims, indices, strict=True))
        return f"cell {counted or '1'} (from 1)"
