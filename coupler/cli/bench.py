"""`ecostep bench`: time of a call on this machine."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coupler.cli import backends
from coupler.python.cells import Cells
from coupler.python.model import Model, Variable

ROUNDS = 5
HEADER = (
    f"{'backend':12} {'cells':>7} {'us per call':>12} {'cells/s':>12} {'month end':>12} {'year end':>12} "
    f"{'GFLOP/s':>9}\n"
)


@dataclass(frozen=True)
class Timing:
    """Seconds of one call for a day that ends no month, for the last of a month, and for the last of a year."""

    day: float
    month_end: float
    year_end: float

    @property
    def mean(self) -> float:
        """Mean over a year of 365 days."""
        return (353 * self.day + 11 * self.month_end + self.year_end) / 365


class Host:
    """Cells with plausible statics and drivers, in the artefact's units, that step over days of any date.

    start: False leaves the state as it is.
    """

    def __init__(self, model: Model, ncell: int, seed: int = 1, *, start: bool = True):
        self.model = model
        self.cells: Cells = model.cells(ncell)
        self._random = np.random.default_rng(seed)
        variables = (*model.metadata["inputs"], *model.metadata["statics"])
        classes = {variable["name"]: variable.get("flag_values") for variable in variables}
        self.statics = {static.name: self._values(static, ncell, classes[static.name]) for static in model.statics}
        self.drivers = {driver.name: self._values(driver, ncell, classes[driver.name]) for driver in model.inputs}
        self.fluxes = {target.name: np.zeros(ncell, np.float32) for target in model.targets}
        for static in model.statics:
            self.cells.set_static(static.name, self.statics[static.name], static.units)
        for driver in model.inputs:
            self.cells.set_input(driver.name, self.drivers[driver.name], driver.units)
        for target in model.targets:
            self.cells.set_output(target.name, self.fluxes[target.name], target.units)
        if start:
            self.cells.init_state()

    def take(self, other: Host, cells: slice) -> None:
        """Use values of some cells of another host, and start afresh."""
        for arrays, other_arrays in ((self.statics, other.statics), (self.drivers, other.drivers)):
            for name, values in arrays.items():
                values[:] = other_arrays[name][cells]
        self.cells.init_state()

    def _values(self, variable: Variable, ncell: int, classes: list[int] | None = None) -> NDArray[np.float32]:
        if classes:
            return self._random.choice(classes, ncell).astype(np.float32)
        low, high = (variable.train_min, variable.train_max)
        if not np.isfinite([low, high]).all():
            low, high = (variable.valid_min, variable.valid_max)
        low = low if np.isfinite(low) else min(0.0, high - 1.0) if np.isfinite(high) else 0.0
        high = high if np.isfinite(high) else low + 1.0
        return self._random.uniform(low + 0.25 * (high - low), low + 0.75 * (high - low), ncell).astype(np.float32)

    def time(self, year: int, month: int, day: int, count: int = 1) -> float:
        """Seconds of a call, mean over `count` days of a month from a date on."""
        self.cells.reset_date()
        return self.cells.time_days(year, month, day, count) / count


def measure(host: Host, seconds: float, rounds: int = ROUNDS) -> Timing:
    """Best of some rounds within about `seconds`; at least two of them."""
    host.time(2001, 1, 2)
    single = host.time(2001, 1, 2)
    count = int(np.clip(seconds / (rounds + 2) / max(single, 1e-9), 1, 28))
    repeats = int(np.clip(seconds / (rounds + 2) / max(single * count, 1e-9), 1, 1000))
    day = month_end = year_end = np.inf
    began = time.perf_counter()
    for turn in range(rounds):
        day = min(day, sum(host.time(2001, 1, 2, count) for _ in range(repeats)) / repeats, single)
        month_end = min(month_end, host.time(2001, 1, 31))
        year_end = min(year_end, host.time(2001, 12, 31))
        if turn > 0 and time.perf_counter() - began > seconds:
            break
    return Timing(day, month_end, year_end)


def report(
    path: Path, names: list[str] | None, cells: list[int], seconds: float, *, as_json: bool, trust: bool = False
) -> int:
    """Time each backend for each number of cells; prints a table or JSON."""
    models, _ = backends.open_all(path, names, trust=trust)
    rows = []
    if not as_json:
        sys.stdout.write(HEADER)
    for name, model in models.items():
        for ncell in cells:
            row = _row(name, ncell, measure(Host(model, ncell), seconds), model.flops)
            rows.append(row)
            if not as_json:
                sys.stdout.write(_line(row))
                sys.stdout.flush()
    if as_json:
        sys.stdout.write(json.dumps({"file": str(path), "rows": rows}, indent=1) + "\n")
    return 0


def _row(backend: str, ncell: int, timing: Timing, flops: float) -> dict[str, Any]:
    return {
        "backend": backend,
        "cells": ncell,
        "us_per_call": 1e6 * timing.day,
        "us_month_end": 1e6 * timing.month_end,
        "us_year_end": 1e6 * timing.year_end,
        "us_mean_of_a_year": 1e6 * timing.mean,
        "cells_per_s": ncell / timing.day,
        "gflops": 1e-9 * flops * ncell / timing.day if flops else None,
    }


def _line(row: dict[str, Any]) -> str:
    rate = "-" if row["gflops"] is None else f"{row['gflops']:.1f}"
    return (
        f"{row['backend']:12} {row['cells']:7d} {row['us_per_call']:12.2f} {row['cells_per_s']:12.0f} "
        f"{row['us_month_end']:12.2f} {row['us_year_end']:12.2f} {rate:>9}\n"
    )
