"""`EcostepBmi`, the emulator behind the 41 functions of BMI 2.0."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import numpy as np
from bmipy import Bmi
from numpy.typing import NDArray

from coupler import Cells, Model
from coupler.bmi.configuration import Configuration, read_configuration
from coupler.bmi.names import CSDMS_NAMES, STATE, TIME

CELLS, ROWS, CLOCK = 0, 1, 2
"""Grids: the cells of the host, the numbers of their state rows, and one number for all of them."""


@dataclass(frozen=True)
class _Variable:
    """An array that the framework may ask for."""

    values: NDArray
    units: str
    grid: int
    role: str  # input, output, static, state or time


class EcostepBmi(Bmi):
    """An artefact as a component: drivers are its input variables, daily fluxes its output variables.

    Variables carry CSDMS standard names where those exist (:mod:`coupler.bmi.names`) and the artefact's names else;
    both are understood everywhere. Units are the artefact's. Site attributes, ``ecostep__state`` and ``ecostep__time``
    are variables too, but not listed, since no other component feeds them. With steps below a day, ``tasmin`` and
    ``tasmax`` are taken from the temperature of each step and are no variables of their own.

    ``get_value_ptr`` gives the arrays that the emulator reads and writes at each step. Setting ``ecostep__state`` and
    ``ecostep__time`` to what another run had goes on from there, bit for bit. Failures raise
    :class:`coupler.EcostepError`, KeyError for an unknown variable, and ValueError for values that cannot be.
    """

    _config: Configuration
    _cells: Cells | None = None

    # ---- initialize, run, finalize ----

    def initialize(self, config_file: str) -> None:
        """Open the artefact and allocate all arrays; `config_file` is described in :mod:`coupler.bmi.configuration`."""
        self._config = config = read_configuration(config_file)
        self._model = Model(config.artefact, config.backend)
        self._cells = cells = self._model.cells(config.ncell, config.calendar)
        self._clock = np.zeros(1)
        self._started = False
        self._variables: dict[str, _Variable] = {}
        names = [entry.name for entry in self._model.inputs]
        for entry in self._model.inputs:
            if entry.name in ("tasmin", "tasmax") and config.time_step < 86400 and "tas" in names:
                continue
            cells.set_input(entry.name, self._add(entry.name, entry.units, "input"), entry.units)
        for name in {"tasmin", "tasmax"} & set(names) - set(self._variables):
            cells.set_input(name, self._variables["tas"].values, self._variables["tas"].units)
        for entry in self._model.statics:
            values = self._add(entry.name, entry.units, "static")
            values[:] = config.statics.get(entry.name, np.nan)
            cells.set_static(entry.name, values, entry.units)
        for entry in self._model.targets:
            cells.set_output(entry.name, self._add(entry.name, entry.units, "output"), entry.units)
        unknown = set(config.statics) - {entry.name for entry in self._model.statics}
        if unknown:
            raise ValueError(f"{config_file}: the artefact has no static '{sorted(unknown)[0]}'")
        self._variables[STATE] = _Variable(cells.state.reshape(-1), "1", ROWS, "state")
        self._variables[TIME] = _Variable(self._clock, "s", CLOCK, "time")

    def update(self) -> None:
        """One step of the configured length, with the drivers as they are."""
        self._start()
        day, seconds = divmod(round(self._clock[0]), 86400)
        date = self._config.start + datetime.timedelta(days=day)
        self._require_cells().step(date.year, date.month, date.day, seconds, self._config.time_step)
        self._clock[0] += self._config.time_step

    def update_until(self, time: float) -> None:
        """Steps up to `time` [s], which must be a whole number of steps away."""
        steps = (time - self._clock[0]) / self._config.time_step
        if steps < 0 or abs(steps - round(steps)) > 1e-6:
            raise ValueError(
                f"time {time} s is no whole number of steps of {self._config.time_step} s from {self._clock[0]} s"
            )
        for _ in range(round(steps)):
            self.update()

    def finalize(self) -> None:
        """Give everything back."""
        self._cells = None
        self._variables = {}

    # ---- variables ----

    def get_component_name(self) -> str:
        """Name of the component."""
        return "ecostep"

    def get_input_item_count(self) -> int:
        """Number of drivers."""
        return len(self.get_input_var_names())

    def get_output_item_count(self) -> int:
        """Number of fluxes."""
        return len(self.get_output_var_names())

    def get_input_var_names(self) -> tuple[str, ...]:
        """Names of the drivers."""
        return self._names("input")

    def get_output_var_names(self) -> tuple[str, ...]:
        """Names of the fluxes."""
        return self._names("output")

    def get_var_grid(self, name: str) -> int:
        """Grid of a variable."""
        return self._variable(name).grid

    def get_var_type(self, name: str) -> str:
        """numpy's name of its type."""
        return self._variable(name).values.dtype.name

    def get_var_units(self, name: str) -> str:
        """Its units, the artefact's, in the manner of UDUNITS."""
        return self._variable(name).units

    def get_var_itemsize(self, name: str) -> int:
        """Bytes of one value."""
        return self._variable(name).values.itemsize

    def get_var_nbytes(self, name: str) -> int:
        """Bytes of all values."""
        return self._variable(name).values.nbytes

    def get_var_location(self, name: str) -> str:
        """Where on its grid a variable lies."""
        self._variable(name)
        return "node"

    # ---- time ----

    def get_current_time(self) -> float:
        """Seconds since the start date."""
        return float(self._clock[0])

    def get_start_time(self) -> float:
        """0."""
        return 0.0

    def get_end_time(self) -> float:
        """Seconds from the start date to the end date; the largest number there is where none is configured."""
        if self._config.end is None:
            return float(np.finfo(np.float64).max)
        return (self._config.end - self._config.start).total_seconds()

    def get_time_units(self) -> str:
        """s."""
        return "s"

    def get_time_step(self) -> float:
        """Length of a step [s]."""
        return float(self._config.time_step)

    # ---- values ----

    def get_value(self, name: str, dest: NDArray) -> NDArray:
        """Copy of a variable."""
        dest[:] = self.get_value_ptr(name) if self._variable(name).role == "state" else self._variable(name).values
        return dest

    def get_value_ptr(self, name: str) -> NDArray:
        """The array itself. That of the state is filled from the site attributes first, if no step has done it."""
        variable = self._variable(name)
        if variable.role == "state":
            self._start()
        return variable.values

    def get_value_at_indices(self, name: str, dest: NDArray, inds: NDArray[np.int_]) -> NDArray:
        """Copy of some values."""
        dest[:] = self.get_value_ptr(name)[inds]
        return dest

    def set_value(self, name: str, src: NDArray) -> None:
        """Set all values of a variable; site attributes before the first step only."""
        self.set_value_at_indices(name, slice(None), src)  # type: ignore[arg-type]

    def set_value_at_indices(self, name: str, inds: NDArray[np.int_], src: NDArray) -> None:
        """Set some values of a variable."""
        variable = self._variable(name)
        if variable.role == "static" and self._started:
            raise ValueError(f"'{name}' is read when a run starts and cannot be set after that")
        if variable.role == "time" and not float(np.ravel(src)[0] / self._config.time_step).is_integer():
            raise ValueError(f"time {np.ravel(src)[0]} s is no whole number of steps of {self._config.time_step} s")
        if variable.role == "state" and not self._started:
            if np.size(src) == variable.values.size:
                self._started = True  # a restart: site attributes are not asked for
            else:
                self._start()
        variable.values[inds] = np.ravel(src)

    # ---- grids ----

    def get_grid_rank(self, grid: int) -> int:
        """Number of dimensions: 0 for one number, otherwise 1."""
        self._grid_size(grid)
        return 0 if grid == CLOCK else 1

    def get_grid_size(self, grid: int) -> int:
        """Number of values."""
        return self._grid_size(grid)

    def get_grid_type(self, grid: int) -> str:
        """points: the cells; vector: the state rows; scalar: the time."""
        self._grid_size(grid)
        return ("points", "vector", "scalar")[grid]

    def get_grid_shape(self, grid: int, shape: NDArray[np.int_]) -> NDArray[np.int_]:
        """Number of values along the one dimension."""
        if grid == CLOCK:
            raise NotImplementedError("a scalar has no shape")
        shape[:] = self._grid_size(grid)
        return shape

    def get_grid_spacing(self, grid: int, spacing: NDArray) -> NDArray:
        """Points have none."""
        raise NotImplementedError("get_grid_spacing: the cells are points")

    def get_grid_origin(self, grid: int, origin: NDArray) -> NDArray:
        """Points have none."""
        raise NotImplementedError("get_grid_origin: the cells are points")

    def get_grid_x(self, grid: int, x: NDArray) -> NDArray:
        """Longitudes, where the artefact has them among its site attributes."""
        return self._coordinate("lon", grid, x)

    def get_grid_y(self, grid: int, y: NDArray) -> NDArray:
        """Latitudes, where the artefact has them among its site attributes."""
        return self._coordinate("lat", grid, y)

    def get_grid_z(self, grid: int, z: NDArray) -> NDArray:
        """Elevations, where the artefact has them among its site attributes."""
        return self._coordinate("elevation", grid, z)

    def get_grid_node_count(self, grid: int) -> int:
        """Number of cells."""
        return self._grid_size(grid)

    def get_grid_edge_count(self, grid: int) -> int:
        """Points have none."""
        raise NotImplementedError("get_grid_edge_count: the cells are points")

    def get_grid_face_count(self, grid: int) -> int:
        """Points have none."""
        raise NotImplementedError("get_grid_face_count: the cells are points")

    def get_grid_edge_nodes(self, grid: int, edge_nodes: NDArray) -> NDArray:
        """Points have none."""
        raise NotImplementedError("get_grid_edge_nodes: the cells are points")

    def get_grid_face_edges(self, grid: int, face_edges: NDArray) -> NDArray:
        """Points have none."""
        raise NotImplementedError("get_grid_face_edges: the cells are points")

    def get_grid_face_nodes(self, grid: int, face_nodes: NDArray) -> NDArray:
        """Points have none."""
        raise NotImplementedError("get_grid_face_nodes: the cells are points")

    def get_grid_nodes_per_face(self, grid: int, nodes_per_face: NDArray) -> NDArray:
        """Points have none."""
        raise NotImplementedError("get_grid_nodes_per_face: the cells are points")

    # ---- inside ----

    def _require_cells(self) -> Cells:
        if self._cells is None:
            raise RuntimeError("the component is not initialised, or was finalised")
        return self._cells

    def _add(self, name: str, units: str, role: str) -> NDArray[np.float64]:
        """A new array (ncell,) for a variable. Drivers never set stay NaN, which the library refuses by name."""
        values = np.full(self._config.ncell, 0.0 if role == "output" else np.nan)
        self._variables[name] = _Variable(values, units, CELLS, role)
        return values

    def _start(self) -> None:
        cells = self._require_cells()
        if not self._started:
            cells.init_state()
            self._started = True

    def _names(self, role: str) -> tuple[str, ...]:
        self._require_cells()
        return tuple(CSDMS_NAMES.get(name, name) for name, entry in self._variables.items() if entry.role == role)

    def _variable(self, name: str) -> _Variable:
        self._require_cells()
        for own, variable in self._variables.items():
            if name in (own, CSDMS_NAMES.get(own)):
                return variable
        raise KeyError(
            f"unknown variable '{name}' (known: {', '.join(CSDMS_NAMES.get(own, own) for own in self._variables)})"
        )

    def _grid_size(self, grid: int) -> int:
        cells = self._require_cells()
        if grid not in (CELLS, ROWS, CLOCK):
            raise KeyError(f"unknown grid {grid}")
        return (self._config.ncell, cells.state.size, 1)[grid]

    def _coordinate(self, name: str, grid: int, values: NDArray) -> NDArray:
        if grid != CELLS or name not in self._variables:
            raise NotImplementedError(f"the artefact has no '{name}' of its cells")
        values[:] = self._variables[name].values
        return values
