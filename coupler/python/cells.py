"""The cells of one thread of a host, and the step."""

from __future__ import annotations

import calendar as gregorian
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from coupler.python import _binding
from coupler.python.arrays import CHECKSUMS, MASKS, NUMBERS, REALS, require_array, require_shape
from coupler.python.errors import check

CELL_DAYS_AT_ONCE = 20_000
"""Days of cells that a spin-up steps over before it looks whether it should stop."""

POLICIES = ("ignore", "warn", "error", "clip")  # ecostep_policy


class ModelOfCells(Protocol):
    """What cells need of their model (:class:`coupler.Model`)."""

    @property
    def handle(self) -> _binding.Model:
        """The model in the C library."""

    @property
    def state_size(self) -> int:
        """Floats per cell of the state row."""

    @property
    def inputs(self) -> Sequence[object]:
        """Drivers of each step."""

    @property
    def targets(self) -> Sequence[object]:
        """Fluxes."""


def spans_of_days(
    year: int, month: int, day: int, n_days: int, most: int, calendar: str
) -> Iterator[tuple[int, int, int, int, int]]:
    """Cut `n_days` from a date on into spans of at most `most` within a month: (first, number, year, month, day)."""
    first = 0
    while first < n_days:
        if calendar == "360_day":
            days_of_month = 30
        else:
            year_alike = year if calendar == "standard" else 2001  # no leap year
            days_of_month = gregorian.monthrange(year_alike, month)[1] if 1 <= month <= 12 else 0
        n = max(1, min(most, n_days - first, days_of_month - day + 1))
        yield first, n, year, month, day
        first, day = first + n, day + n
        if day > days_of_month:
            day, month = 1, month + 1
        if month > 12:
            month, year = 1, year + 1


class Cells:
    """``ncell`` cells (N) of a host, whose numpy arrays are read and written in place at every step.

    Arrays are one-dimensional (N,) and may be strided; drivers and outputs are float32 or float64, statics also int32
    or int64. They are kept alive as long as the cells. ``calendar`` is ``"standard"``, ``"noleap"`` or ``"360_day"``.
    All methods raise :class:`coupler.EcostepError`.
    """

    def __init__(self, model: ModelOfCells, ncell: int, calendar: str = "standard"):
        if ncell < 0:
            message = f"number of cells is {ncell}"
            raise ValueError(message)
        self._model, self._ncell, self._calendar = model, ncell, calendar
        self._handle = _binding.Cells()
        self._arrays: dict[tuple[str, str], NDArray] = {}
        check(self._handle.create(model.handle, ncell))
        check(self._handle.set_calendar(calendar))
        self._state = np.zeros((ncell, model.state_size), np.float32)
        check(self._handle.set_state(self._state))

    @property
    def state(self) -> NDArray[np.float32]:
        """State rows (N, state_size): the whole memory of the emulator, to be written to restart files as it is."""
        return self._state

    @state.setter
    def state(self, state: NDArray[np.float32]) -> None:
        """Use another array as the state; it is written at every step, not copied."""
        require_array("state", state, ("float32",), (2,), written=True)
        if not state.flags.c_contiguous:
            message = "state: expected a C-contiguous float32 array (ncell, state_size)"
            raise TypeError(message)
        check(self._handle.set_state(state))
        self._state = state

    def set_input(self, name: str, values: NDArray, units: str) -> None:
        """Register driver ``name``: array (N,) in ``units``."""
        self._register("input", name, values, units)

    def set_static(self, name: str, values: NDArray, units: str) -> None:
        """Register site attribute ``name``: array (N,) in ``units`` (not looked at for classes such as the biome)."""
        self._register("static", name, values, units)

    def set_output(self, name: str, values: NDArray, units: str) -> None:
        """Register the array (N,) that receives the flux of target ``name`` in ``units``."""
        self._register("output", name, values, units)

    def set_observed(self, name: str, values: NDArray, units: str) -> None:
        """Register measured flux (N,), NaN = not known, read on the step that completes a day."""
        self._register("observed", name, values, units)

    def set_mask(self, active: NDArray | None) -> None:
        """Register which cells are active: bool, int32 or int64 (N,), read at every call; None = all.

        Inactive cells are neither read, tested nor written.
        """
        if active is None:
            active = np.ones(self._ncell, np.int32)
        require_array("mask", active, MASKS, (1,))
        check(self._handle.register("mask", "", "", active))
        self._arrays["mask", ""] = active

    def set_local_time(self, offset: NDArray, units: str) -> None:
        """Register how far each cell's clock is ahead of the host's: float32 or float64 (N,), read at every step.

        ``units`` are those of a time (``"h"``, ``"s"``), or ``"degrees_east"`` for longitudes: mean solar time. Each
        cell's day is then that of its own clock; dates of :meth:`step` stay the host's (ecostep_set_local_time).
        """
        require_array("local time", offset, REALS, (1,))
        check(self._handle.register("local time", "", units, offset))
        self._arrays["local time", ""] = offset

    def set_policy(self, policy: str, name: str | None = None) -> None:
        """What to do with values of an input or static (None: of all) outside the range seen in training.

        ``"warn"`` (the default; counted: :meth:`range_count`), ``"ignore"``, ``"error"`` or ``"clip"``.
        """
        if policy not in POLICIES:
            message = f"policy '{policy}' is not one of {', '.join(POLICIES)}"
            raise ValueError(message)
        check(self._handle.set_policy(name or "", POLICIES.index(policy)))

    def range_count(self, name: str | None = None) -> int:
        """How many values of an input or static (None: of all) were warned of or clipped."""
        status, count = self._handle.range_count(name or "")
        check(status)
        return count

    @property
    def range_message(self) -> str:
        """The first value that was warned of or clipped, and shares by variable; empty where there was none."""
        return self._handle.range_message()

    def set_staging(self, size: int) -> None:
        """Bytes in which results of a step wait until they are known to be sound (ecostep_set_staging)."""
        check(self._handle.set_staging(size))

    def state_checksum(self) -> NDArray[np.uint32]:
        """Checksums (N,) of the state rows, for a restart file (ecostep_state_checksum)."""
        checksum = np.zeros(self._ncell, np.uint32)
        check(self._handle.state_checksum(checksum))
        return checksum

    def check_state(self, checksum: NDArray | None = None) -> None:
        """After a restart: refuse state rows that the checksums (N,) were not made of, or without numbers or a date.

        Raises :class:`coupler.EcostepError` with status CORRUPT, which names the first such cell.
        """
        if checksum is not None:
            require_array("checksum", checksum, CHECKSUMS, (1,))
            checksum = np.ascontiguousarray(checksum).view(np.uint32)
        check(self._handle.check_state(checksum, self._ncell if checksum is None else len(checksum)))

    def init_state(self) -> None:
        """Fill the state for a fresh start from the registered statics."""
        check(self._handle.init_state())

    def write_outputs(self) -> None:
        """After a restart: write the flux of the last complete day, which the state holds, to the outputs."""
        check(self._handle.write_outputs())

    def reset_date(self) -> None:
        """Forget the date in the state, but keep the model's memory, to go on at another date."""
        check(self._handle.reset_date())

    def step(self, year: int, month: int, day: int, seconds: int = 0, dt: int = 86400) -> None:
        """One host step of ``dt`` s that starts ``seconds`` after midnight; see ``ecostep_step`` in ecostep.h."""
        check(self._handle.step(year, month, day, seconds, dt))

    def time_days(self, year: int, month: int, day: int, count: int = 1) -> float:
        """Step over `count` days of one month, and return the processor time that the C library took, s."""
        status, seconds = self._handle.time_days(year, month, day, count)
        check(status)
        return seconds

    def spin_up(
        self,
        year: int,
        month: int,
        day: int,
        inputs: dict[str, tuple[NDArray, str]],
        observed: dict[str, tuple[NDArray, str]] | None = None,
    ) -> None:
        """Run days of the past from a date on: for each input, (T, N) or, the same for all cells, (T,), and its units.

        ``observed`` likewise holds measured flux, NaN = not known. The state goes on from where it is; outputs are not
        written. :meth:`reset_date` allows another date afterwards. Ctrl-C is heard between days, and
        leaves the state of the last one done.
        """
        for role, series in (("input", inputs), ("observed", observed or {})):
            for name, (values, _) in series.items():
                what = f"{role} '{name}'"
                require_array(what, values, NUMBERS if role == "input" else REALS, (1, 2))
                require_shape(what, values, (len(values),), (len(values), self._ncell))
        days = {len(values) for values, _ in [*inputs.values(), *(observed or {}).values()]}
        if len(days) != 1:
            message = f"spin_up: the series have {sorted(days)} days"
            raise ValueError(message)
        registered: list[tuple[str, str, NDArray[np.float64], str]] = []
        past = Cells(self._model, self._ncell, self._calendar)
        past.state = self._state
        if ("mask", "") in self._arrays:
            past.set_mask(self._arrays["mask", ""])
        for role, series in (("input", inputs), ("observed", observed or {})):
            for name, (values, units) in series.items():
                by_cell = np.ascontiguousarray(np.broadcast_to(values.T, (self._ncell, len(values))).T, np.float64)
                past._register(role, name, by_cell[0] if len(by_cell) else np.zeros(self._ncell), units)
                registered.append((role, name, by_cell, units))
        n_days = days.pop()
        most = max(1, CELL_DAYS_AT_ONCE // max(1, self._ncell))
        for first, n, *date in spans_of_days(year, month, day, n_days, most, self._calendar):
            for role, name, by_cell, units in registered:
                past._register(role, name, by_cell[first], units)
            check(past._handle.spin_up(date[0], date[1], date[2], n, self._ncell))

    def gradient(
        self, year: int, month: int, day: int, flux_weight: NDArray, state_weight: NDArray | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Derivative of a day's step at the present inputs and state, which stay as they are (ecostep_step_gradient).

        flux_weight: (N, C) of the fluxes in the units of their registered outputs; state_weight: (N, state_size) of the
        new state or None -> derivatives of the weighted sum with respect to the inputs in their registered units (N, D)
        and to the state (N, state_size).
        """
        require_array("flux_weight", flux_weight, NUMBERS, (2,))
        require_shape("flux_weight", flux_weight, (self._ncell, len(self._model.targets)))
        if state_weight is not None:
            require_array("state_weight", state_weight, NUMBERS, (2,))
            require_shape("state_weight", state_weight, self._state.shape)
        to_inputs, to_state = np.zeros((self._ncell, len(self._model.inputs))), np.zeros(self._state.shape)
        weights = None if state_weight is None else np.ascontiguousarray(state_weight, np.float64)
        flux = np.ascontiguousarray(flux_weight, np.float64)
        check(self._handle.gradient(year, month, day, flux, weights, to_inputs, to_state))
        return to_inputs, to_state

    def _register(self, role: str, name: str, values: NDArray, units: str) -> None:
        require_array(f"{role} '{name}'", values, NUMBERS, (1,), written=role == "output")
        check(self._handle.register(role, name, units, values))
        self._arrays[role, name] = values
