"""Whether a native program does what the model does: single steps from the model's own states."""

from typing import Protocol

import torch
from torch import Tensor

from emulator.artefact.native.interpreter import Interpreter, program_for
from emulator.data import calendar as column

FLUX_TOLERANCE = 1e-5
"""Fluxes may differ by this share of their spread, and"""
STATE_TOLERANCE = 1e-4
"""numbers x of the state by this share of 1 + |x|."""


class ProgramMismatch(Exception):
    """A native program gives other numbers than its model."""


class Steps(Protocol):
    """A model, or the TorchScript module of one."""

    def init_state(self, static: Tensor) -> Tensor: ...
    def step(self, drivers: Tensor, calendar: Tensor, state: Tensor) -> tuple[Tensor, Tensor]: ...
    def step_observed(
        self, drivers: Tensor, calendar: Tensor, flux: Tensor, state: Tensor
    ) -> tuple[Tensor, Tensor]: ...


@torch.no_grad()
def check_program(
    interpreter: Interpreter, model: Steps, static: Tensor, drivers: Tensor, calendar: Tensor, expected: Tensor
) -> int:
    """Compare on days of every kind and month; ProgramMismatch where they differ, else the number of steps compared.

    static: (N, P); drivers: (N, T, D); calendar: (T, 6); expected: (N, T, C) fluxes, which also serve as observations.
    """
    state = model.init_state(static)
    spread = expected.flatten(0, 1).std(0).clamp(min=1e-30)
    _compare("init", interpreter.init_state(static, state.shape[1]), state, 1.0 + state.abs(), STATE_TOLERANCE)
    takes_flux = any(name.endswith("_observed") for name in interpreter.programs)
    compared = 0
    for day in range(drivers.shape[1]):
        date = calendar[day]
        inputs, before = drivers[:, day], state
        flux, state = model.step(inputs, date, before)
        if not _is_checked(day, date):
            continue
        _compare_step(interpreter, inputs, date, before, None, flux, state, spread)
        compared += 1
        if takes_flux:
            observed = expected[:, day].clone()
            observed[0, day % observed.shape[1]] = torch.nan
            flux, after = model.step_observed(inputs, date, observed, before)
            _compare_step(interpreter, inputs, date, before, observed, flux, after, spread)
            compared += 1
    return compared


def _is_checked(day: int, date: Tensor) -> bool:
    """The first days, the middle of each month, 29 February, and each month's end."""
    month, day_of_month, days_in_month = date[[column.MONTH, column.DAY, column.DAYS_IN_MONTH]].tolist()
    leap_day = month == 2 and day_of_month == 29
    return day < 2 or day_of_month in (10, 20, days_in_month) or leap_day


def _compare_step(
    interpreter: Interpreter,
    drivers: Tensor,
    date: Tensor,
    before: Tensor,
    observed: Tensor | None,
    flux: Tensor,
    after: Tensor,
    spread: Tensor,
) -> None:
    native_flux, native_state = interpreter.step(drivers, date, before, observed)
    place = f"{program_for(date, observed is not None)} of {'-'.join(f'{part:02d}' for part in date[:3].tolist())}"
    _compare(f"fluxes, {place}", native_flux, flux, spread, FLUX_TOLERANCE)
    _compare(f"state, {place}", native_state, after, 1.0 + after.abs(), STATE_TOLERANCE)


def _compare(what: str, native: Tensor, expected: Tensor, scale: Tensor, tolerance: float) -> None:
    difference = (native - expected).abs() / scale
    if not bool((difference <= tolerance).all()):
        message = f"{what}: differs by {float(difference.nan_to_num(torch.inf).max()):.2g} of its scale"
        raise ProgramMismatch(message)
