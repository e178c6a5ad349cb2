"""A chunk of cells of `ecostep run`: registered with the library, stepped over all days, its fluxes written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
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

SLAB_BYTES = 128 * 2**20


@dataclass(frozen=True)
class _Feed:
    """A registered array (cells,) and the variable of the files that its values of each step come from."""

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
        first_steps = [
            self._slab(source, plan.forcing, 0, 1)[0]
            for source in plan.inputs.values()
            if source.variable is not None and source.variable.dims
        ]
        if first_steps:
            active &= ~np.isnan(first_steps).all(axis=0)
        self.active = np.flatnonzero(active)
        self.index = self.active + rows.start * plan.cells_a_row
        self.statics = {name: np.ascontiguousarray(values[self.active]) for name, values in statics.items()}

    def run(self, out: FluxFile, restart: Restart | None) -> NDArray[np.float32]:
        """Step over all days and write the fluxes; returns the state rows of the cells computed."""
        plan = self.plan
        if len(self.active) == 0:
            return np.zeros((0, plan.model.state_size), np.float32)
        cells = plan.model.cells(len(self.active), plan.grid.calendar)
        fluxes = self._register_statics_and_fluxes(cells)
        if restart is None:
            with self._located(None):
                cells.init_state()
        else:
            sites = None if plan.site_id is None else plan.site_id[self.index]
            cells.state[:] = restart.rows(self.index, sites)
        feeds = self._register_drivers(cells)
        day_bytes = 8 * plan.days[0].steps_a_day * max(1, len(feeds)) * self.block.size
        days_at_once = max(1, SLAB_BYTES // day_bytes)
        for first in range(0, plan.grid.count, days_at_once):
            count = min(days_at_once, plan.grid.count - first)
            out.write(first, self.block, self.active, self._step_days(cells, fluxes, feeds, first, count))
        return cells.state

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
                    feeds.append(_Feed(source, buffer))
        return feeds

    def _step_days(
        self, cells: Cells, fluxes: dict[str, NDArray[np.float32]], feeds: list[_Feed], first: int, count: int
    ) -> dict[str, NDArray[np.float32]]:
        """Step over days whose drivers fit into memory; the fluxes (days, cells) by target."""
        plan = self.plan
        slabs = [(feed.buffer, self._slab(feed.source, plan.forcing, first, count)[:, self.active]) for feed in feeds]
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
        place = re.search(r"cell (\d+) of \d+( \(counted from 1\))?", message)
        if place:
            cell = int(self.index[int(place.group(1)) - 1])
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
        indices = np.unravel_index(cell, plan.grid.shape) if plan.grid.shape else ()
        counted = ", ".join(f"{d} {int(i) + 1}" for d, i in zip(plan.grid.dims, indices, strict=True))
        return f"cell {counted or '1'} (from 1)"
