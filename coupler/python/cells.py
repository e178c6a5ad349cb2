"""The cells of one thread of a host, and the step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from coupler.python import _binding
from coupler.python.errors import check

if TYPE_CHECKING:
    from coupler.python.model import Model


class Cells:
    """``ncell`` cells (N) of a host, whose numpy arrays are read and written in place at every step.

    Arrays are one-dimensional (N,) and may be strided; drivers and outputs are float32 or float64, statics also int32
    or int64. They are kept alive as long as the cells. ``calendar`` is ``"standard"``, ``"noleap"`` or ``"360_day"``.
    All methods raise :class:`coupler.EcostepError`.
    """

    def __init__(self, model: Model, ncell: int, calendar: str = "standard"):
        if ncell < 0:
            raise ValueError(f"number of cells is {ncell}")
        self._handle = _binding.Cells()
        self._arrays: dict[tuple[str, str], NDArray] = {}
        check(self._handle.create(model._handle, ncell))
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
        rows = isinstance(state, np.ndarray) and state.ndim == 2 and state.flags.c_contiguous
        if not rows or state.dtype != np.float32:
            raise TypeError("state: expected a C-contiguous float32 array (ncell, state_size)")
        if not state.flags.writeable:
            raise TypeError("state: the array is read-only")
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
        if isinstance(values, np.ndarray) and not values.flags.writeable:
            raise TypeError(f"output '{name}': the array is read-only")
        self._register("output", name, values, units)

    def set_observed(self, name: str, values: NDArray, units: str) -> None:
        """Register measured flux (N,), NaN = not known, read on the step that completes a day."""
        self._register("observed", name, values, units)

    def init_state(self) -> None:
        """Fill the state for a fresh start from the registered statics."""
        check(self._handle.init_state())

    def reset_date(self) -> None:
        """Forget the date in the state, but keep the model's memory, to go on at another date."""
        check(self._handle.reset_date())

    def step(self, year: int, month: int, day: int, seconds: int = 0, dt: int = 86400) -> None:
        """One host step of ``dt`` s that starts ``seconds`` after midnight; see ``ecostep_step`` in ecostep.h."""
        check(self._handle.step(year, month, day, seconds, dt))

    def time_days(self, year: int, month: int, day: int, count: int = 1) -> float:
        """Step over `count` days of one month, and return the seconds that the C library took."""
        status, seconds = self._handle.time_days(year, month, day, count)
        check(status)
        return seconds

    def _register(self, role: str, name: str, values: NDArray, units: str) -> None:
        if not isinstance(values, np.ndarray) or values.ndim != 1:
            raise TypeError(f"{role} '{name}': expected a one-dimensional numpy array")
        if values.dtype.name not in _binding.TYPES or not values.dtype.isnative:
            raise TypeError(f"{role} '{name}': type {values.dtype} is not one of {', '.join(_binding.TYPES)}")
        check(self._handle.register(role, name, units, values))
        self._arrays[role, name] = values
