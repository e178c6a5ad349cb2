"""The reference run of an artefact: a few sites over more than a year, replayed by `verify` and by hosts that ask."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

import cftime
import numpy as np
import torch
from torch import Tensor

from emulator.artefact.metadata import ReferenceSpec
from emulator.data import calendar as column
from emulator.data.calendar import calendar_table
from emulator.data.dataset import Dataset, has_gaps, read_extent
from emulator.data.signature import Signature
from emulator.models.streaming import step_through

DECEMBER = 12
REFERENCE_CELLS = 3
REFERENCE_DAYS = 400
"""More than a year from 1 December on, so that months, two New Years and a whole year of memory are replayed."""


@dataclass(frozen=True)
class ReferenceDays:
    """Drivers of the reference run: static (N, P), drivers (N, T, D), calendar (T, 6)."""

    static: Tensor
    drivers: Tensor
    calendar: Tensor
    spec: ReferenceSpec


def reference_days(path: Path, signature: Signature) -> ReferenceDays:
    """Drivers of some sites, spread over a dataset, over REFERENCE_DAYS days with a New Year; no more is read of it.

    Where sites have no such days, those of their records are repeated from 1 December on.
    """
    n_sites, calendar = read_extent(path)
    n_days = len(calendar)
    first_of_december = (calendar[:, column.MONTH] == DECEMBER) & (calendar[:, column.DAY] == 1)
    start = min(int(first_of_december.int().argmax()), n_days - REFERENCE_DAYS)
    spread = np.linspace(0, n_sites - 1, REFERENCE_CELLS).round().astype(np.int64)
    rows, cells = np.unique(spread, return_inverse=True)
    window = slice(start, start + REFERENCE_DAYS)
    if n_days < REFERENCE_DAYS or has_gaps(path, signature.input_names[0], rows, window):
        return _repeated_days(path, signature, rows, cells)
    dataset = Dataset.open(path, signature, require_targets=False, sites=rows, days=window).site_subset(cells)
    spec = ReferenceSpec(
        ncell=REFERENCE_CELLS,
        nstep=REFERENCE_DAYS,
        start_date=date(*calendar[start, [column.YEAR, column.MONTH, column.DAY]].tolist()),
        calendar=_calendar_of(dataset),
    )
    return ReferenceDays(dataset.static, dataset.drivers, dataset.calendar, spec)


def _repeated_days(path: Path, signature: Signature, rows: np.ndarray, cells: np.ndarray) -> ReferenceDays:
    """Drivers of the records of some sites, `cells` of `rows`, over and over, for records shorter than the run."""
    dataset = Dataset.open(path, signature, require_targets=False, sites=rows).site_subset(cells)
    drivers = [
        site[first + torch.arange(REFERENCE_DAYS) % (last + 1 - first)]
        for site, (first, last) in zip(dataset.drivers, dataset.periods.tolist(), strict=True)
    ]
    spec = ReferenceSpec(
        ncell=REFERENCE_CELLS,
        nstep=REFERENCE_DAYS,
        start_date=date(int(dataset.calendar[0, column.YEAR]), DECEMBER, 1),
        calendar=_calendar_of(dataset),
    )
    return ReferenceDays(dataset.static, torch.stack(drivers), reference_calendar(spec), spec)


def _calendar_of(dataset: Dataset) -> Literal["standard", "noleap"]:
    return "noleap" if dataset.calendar_name in ("noleap", "365_day") else "standard"


@torch.no_grad()
def step_reference(module: torch.jit.ScriptModule, days: ReferenceDays) -> np.ndarray:
    """Expected fluxes (T, N, C), stepped day by day as a host does."""
    state = module.init_state(days.static)
    fluxes, _ = step_through(module, days.drivers, days.calendar, state)  # type: ignore[arg-type]  # has its methods
    return fluxes.transpose(0, 1).contiguous().numpy()


def reference_calendar(spec: ReferenceSpec) -> Tensor:
    """Calendar (T, 6) of the reference run from its first day."""
    start = spec.start_date
    first = cftime.datetime(start.year, start.month, start.day, calendar=spec.calendar)
    dates = cftime.num2date(np.arange(spec.nstep), f"days since {first.strftime('%Y-%m-%d')}", spec.calendar)
    return calendar_table(dates)
