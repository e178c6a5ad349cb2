"""`EcostepBmi`, the emulator behind the 41 functions of BMI 2.0."""

from __future__ import annotations

import datetime
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coupler import Cells, EcostepError, Model
from coupler.bmi.configuration import SECONDS_PER_DAY, Configuration, read_configuration
from coupler.bmi.names import CSDMS_NAMES, MADE_OF, SOURCES, STATE, TIME
from coupler.bmi.point_grid import PointGrid
from coupler.python.arrays import refuse_more_than_numbers

CELLS, ROWS, CLOCK = range(3)
"""Grids: the cells of the host, the numbers of their state rows, and one number for all of them."""


@dataclass(frozen=True)
class _ExchangeItem:
    """An array that the framework may ask for."""

    values: NDArray
    units: str
    grid: int
    role: str  # input, output, static, state or time


def require_fit(what: str, source: NDArray, dest: NDArray, size: int) -> None:
    """Raise where an array is not plain, has not `size` values, or cannot hold those of the other."""
    if not isinstance(dest, np.ndarray):
        message = f"{what}: expected a numpy array, not {type(dest).__name__}"
        raise TypeError(message)
    for values in (source, dest):
        refuse_more_than_numbers(what, values)
        if np.size(values) != size:
            message = f"{what}: the array has {np.size(values)} values, expected {size}"
            raise ValueError(message)
    given, wanted = np.asarray(source).dtype, dest.dtype
    if given.kind not in "fiu" or wanted.kind not in "fiu" or not np.can_cast(given, wanted, "same_kind"):
        message = f"{what}: values of type {given} do not fit into {wanted}"
        raise TypeError(message)


class EcostepBmi(PointGrid):
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
        self.finalize()
        try:
            self._open(config_file)
        except BaseException:
            self.finalize()
            raise

    def _open(self, config_file: str) -> None:
        self._config = config = read_configuration(config_file)
        self._model = Model(config.artefact, config.backend)
        self._cells = cells = self._model.cells(config.ncell, config.calendar)
        self._clock = np.zeros(1)
        self._started = False
        self._items: dict[str, _ExchangeItem] = {}
        names = [driver.name for driver in self._model.inputs]
        for driver in self._model.inputs:
            if driver.name in ("tasmin", "tasmax") and config.time_step < SECONDS_PER_DAY and "tas" in names:
                continue
            if set(MADE_OF.get(driver.name, ())) & set(config.sources):
                continue
            cells.set_input(driver.name, self._add(driver.name, driver.units, "input"), driver.units)
        for name in [source for source in config.sources if source not in names]:
            cells.set_input(name, self._add(name, SOURCES[name], "input"), SOURCES[name])
        for name in {"tasmin", "tasmax"} & set(names) - set(self._items):
            cells.set_input(name, self._items["tas"].values, self._items["tas"].units)
        for static in self._model.statics:
            values = self._add(static.name, static.units, "static")
            values[:] = self._static_values(config_file, static.name)
            cells.set_static(static.name, values, static.units)
        for target in self._model.targets:
            cells.set_output(target.name, self._add(target.name, target.units, "output"), target.units)
        if config.longitude is not None:
            self._longitude = self._numbers(config_file, "longitude", config.longitude)
            cells.set_local_time(self._longitude, "degrees_east")
        unknown = set(config.statics) - {static.name for static in self._model.statics}
        if unknown:
            message = f"{config_file}: the artefact has no static '{sorted(unknown)[0]}'"
            raise ValueError(message)
        self._items[STATE] = _ExchangeItem(cells.state.reshape(-1), "1", ROWS, "state")
        self._items[TIME] = _ExchangeItem(self._clock, "s", CLOCK, "time")

    def update(self) -> None:
        """One step of the configured length, with the drivers as they are. ValueError past the end of the run."""
        self._start()
        if self._clock[0] + self._config.time_step > self.get_end_time():
            message = f"update: the run ends at {self.get_end_time():g} s and has come to {self._clock[0]:g} s"
            raise ValueError(message)
        day, seconds = divmod(round(self._clock[0]), SECONDS_PER_DAY)
        date = self._config.start + datetime.timedelta(days=day)
        self._require_cells().step(date.year, date.month, date.day, seconds, self._config.time_step)
        self._clock[0] += self._config.time_step

    def update_until(self, time: float) -> None:
        """Steps up to `time` [s], which must be a whole number of steps away."""
        self._require_cells()
        steps = (time - self._clock[0]) / self._config.time_step
        if not math.isfinite(steps) or steps < 0 or abs(steps - round(steps)) > 1e-6:
            message = f"time {time} s is no whole number of steps of {self._config.time_step} s from {self._clock[0]} s"
            raise ValueError(message)
        if time > self.get_end_time():
            message = f"time {time} s is after the end of the run, {self.get_end_time():g} s"
            raise ValueError(message)
        for _ in range(round(steps)):
            self.update()

    def finalize(self) -> None:
        """Give everything back."""
        self._cells = None
        self._items = {}

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

    def get_input_var_names(self) -> tuple[str, ...]:  # type: ignore[override]  # bmipy means tuple[str, ...]
        """Names of the drivers."""
        return self._names("input")

    def get_output_var_names(self) -> tuple[str, ...]:  # type: ignore[override]  # the same
        """Names of the fluxes."""
        return self._names("output")

    def get_var_grid(self, name: str) -> int:
        """Grid of a variable."""
        return self._item(name).grid

    def get_var_type(self, name: str) -> str:
        """numpy's name of its type."""
        return self._item(name).values.dtype.name

    def get_var_units(self, name: str) -> str:
        """Its units, the artefact's, in the manner of UDUNITS."""
        return self._item(name).units

    def get_var_itemsize(self, name: str) -> int:
        """Bytes of one value."""
        return self._item(name).values.itemsize

    def get_var_nbytes(self, name: str) -> int:
        """Bytes of all values."""
        return self._item(name).values.nbytes

    def get_var_location(self, name: str) -> str:
        """Where on its grid a variable lies."""
        self._item(name)
        return "node"

    # ---- time ----

    def get_current_time(self) -> float:
        """Seconds since the start date."""
        self._require_cells()
        return float(self._clock[0])

    def get_start_time(self) -> float:
        """0."""
        self._require_cells()
        return 0.0

    def get_end_time(self) -> float:
        """Seconds from the start date to the end date; the largest number there is where none is configured."""
        self._require_cells()
        if self._config.end is None:
            return float(np.finfo(np.float64).max)
        return (self._config.end - self._config.start).total_seconds()

    def get_time_units(self) -> str:
        """s."""
        self._require_cells()
        return "s"

    def get_time_step(self) -> float:
        """Length of a step [s]."""
        self._require_cells()
        return float(self._config.time_step)

    # ---- values ----

    def get_value(self, name: str, dest: NDArray) -> NDArray:
        """Copy of a variable."""
        values = self.get_value_ptr(name)
        require_fit(f"get_value of '{name}'", values, dest, values.size)
        dest[:] = values.reshape(np.shape(dest))
        return dest

    def get_value_ptr(self, name: str) -> NDArray:
        """The array itself. That of the state is filled from the site attributes first, if no step has done it."""
        item = self._item(name)
        if item.role == "state":
            self._start()
        return item.values

    def get_value_at_indices(self, name: str, dest: NDArray, inds: NDArray[np.int_]) -> NDArray:
        """Copy of some values."""
        values = self.get_value_ptr(name)[self._indices(name, inds)]
        require_fit(f"get_value_at_indices of '{name}'", values, dest, values.size)
        dest[:] = values.reshape(np.shape(dest))
        return dest

    def set_value(self, name: str, src: NDArray) -> None:
        """Set all values of a variable; site attributes before the first step only."""
        self.set_value_at_indices(name, np.arange(self._item(name).values.size), src)

    def set_value_at_indices(self, name: str, inds: NDArray[np.int_], src: NDArray) -> None:
        """Set some values of a variable."""
        item, indices = self._item(name), self._indices(name, inds)
        require_fit(f"value of '{name}'", src, item.values[indices], indices.size)
        if item.role == "static" and self._started:
            message = f"'{name}' is read when a run starts and cannot be set after that"
            raise ValueError(message)
        if item.role == "time" and not float(np.ravel(src)[0] / self._config.time_step).is_integer():
            message = f"time {np.ravel(src)[0]} s is no whole number of steps of {self._config.time_step} s"
            raise ValueError(message)
        was_started = self._started
        if item.role == "state" and not self._started:
            if np.size(src) == item.values.size:
                self._started = True  # a restart: site attributes are not asked for
            else:
                self._start()
        if item.role != "state":
            item.values[indices] = np.ravel(src)
            return
        before = item.values.copy()
        item.values[indices] = np.ravel(src)
        try:
            self._require_cells().check_state()
        except EcostepError:
            item.values[:] = before
            self._started = was_started
            raise

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
            message = "a scalar has no shape"
            raise NotImplementedError(message)
        size = np.array([self._grid_size(grid)])
        require_fit("get_grid_shape", size, shape, 1)
        shape[:] = size
        return shape

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

    # ---- inside ----

    def _require_cells(self) -> Cells:
        if self._cells is None:
            message = "the component is not initialised, or was finalised"
            raise RuntimeError(message)
        return self._cells

    def _add(self, name: str, units: str, role: str) -> NDArray[np.float64]:
        """A new array (ncell,) for a variable. Drivers never set stay NaN, which the library refuses by name."""
        values = np.full(self._config.ncell, 0.0 if role == "output" else np.nan)
        self._items[name] = _ExchangeItem(values, units, CELLS, role)
        return values

    def _static_values(self, file: str, name: str) -> NDArray[np.float64]:
        """One number for all cells, or one for each; NaN where the configuration has none."""
        return self._numbers(file, f"statics: '{name}'", self._config.statics.get(name, np.nan))

    def _numbers(self, file: str, what: str, given: object) -> NDArray[np.float64]:
        try:
            values = np.asarray(given)
        except ValueError:  # lists of unequal length
            values = np.asarray(str(given))
        if values.dtype.kind not in "fiu" or values.shape not in ((), (self._config.ncell,)):
            message = f"{file}: {what} is {given!r}, expected a number, or a list of {self._config.ncell}"
            raise ValueError(message)
        return np.ascontiguousarray(np.broadcast_to(values.astype(np.float64), (self._config.ncell,)))

    def _start(self) -> None:
        cells = self._require_cells()
        if not self._started:
            cells.init_state()
            self._started = True

    def _names(self, role: str) -> tuple[str, ...]:
        self._require_cells()
        return tuple(CSDMS_NAMES.get(name, name) for name, item in self._items.items() if item.role == role)

    def _item(self, name: str) -> _ExchangeItem:
        self._require_cells()
        for artefact_name, item in self._items.items():
            if name in (artefact_name, CSDMS_NAMES.get(artefact_name)):
                return item
        names = ", ".join(CSDMS_NAMES.get(artefact_name, artefact_name) for artefact_name in self._items)
        message = f"unknown variable '{name}' (known: {names})"
        raise KeyError(message)

    def _indices(self, name: str, inds: NDArray[np.int_]) -> NDArray[np.int_]:
        """Indices as one row of whole numbers from 0 to below the size of a variable."""
        refuse_more_than_numbers(f"indices of '{name}'", inds)
        indices, size = np.ravel(inds), self._item(name).values.size
        if indices.dtype.kind not in "iu" and indices.size > 0:
            message = f"indices of '{name}' are {indices.dtype}, expected whole numbers"
            raise TypeError(message)
        outside = indices[(indices < 0) | (indices >= size)]
        if outside.size > 0:
            message = f"index {outside[0]} of '{name}' is not from 0 to {size - 1}"
            raise IndexError(message)
        return indices.astype(np.intp)

    def _grid_size(self, grid: int) -> int:
        cells = self._require_cells()
        if grid not in (CELLS, ROWS, CLOCK):
            message = f"unknown grid {grid}"
            raise KeyError(message)
        return (self._config.ncell, cells.state.size, 1)[grid]

    def _coordinate(self, name: str, grid: int, values: NDArray) -> NDArray:
        if grid != CELLS or name not in self._items:
            message = f"the artefact has no '{name}' of its cells"
            raise NotImplementedError(message)
        require_fit(f"coordinate '{name}'", self._items[name].values, values, self._items[name].values.size)
        values[:] = self._items[name].values
        return values
