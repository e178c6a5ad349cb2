"""The reference run of an artefact: a few sites over more than a year, replayed by `verify` and by every host that asks."""

from dataclasses import dataclass
from datetime import date

import cftime
import numpy as np
import torch
from torch import Tensor

from emulator.artefact.metadata import ReferenceSpec
from emulator.data import calendar as column
from emulator.data.calendar import calendar_table
from emulator.data.dataset import Dataset
from emulator.data.dataset_file import DatasetError
from emulator.models.streaming import step_through

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


def reference_days(dataset: Dataset) -> ReferenceDays:
    """Drivers of some sites, spread over the dataset, over REFERENCE_DAYS days with a New Year."""
    total = len(dataset.time)
    if total < REFERENCE_DAYS:
        raise DatasetError(f"{dataset.path}: has {total} days; the reference run of an artefact needs {REFERENCE_DAYS}")
    december = torch.nonzero(
        (dataset.calendar[:, column.MONTH] == 12) & (dataset.calendar[:, column.DAY] == 1)
    ).flatten()
    start = min(int(december[0]) if len(december) else 0, total - REFERENCE_DAYS)
    sites = torch.from_numpy(np.linspace(0, dataset.n_sites - 1, REFERENCE_CELLS).round().astype(np.int64))
    days = slice(start, start + REFERENCE_DAYS)
    year, month, day = dataset.calendar[start, :3].tolist()
    calendar = "noleap" if dataset.calendar_name in ("noleap", "365_day") else "standard"
    spec = ReferenceSpec(
        ncell=REFERENCE_CELLS, nstep=REFERENCE_DAYS, start_date=date(year, month, day), calendar=calendar
    )
    return ReferenceDays(dataset.static[sites], dataset.drivers[sites, days], dataset.calendar[days], spec)


@torch.no_grad()
def step_reference(module: torch.jit.ScriptModule, days: ReferenceDays) -> np.ndarray:
    """Expected fluxes (T, N, C), stepped day by day as a host does."""
    fluxes, _ = step_through(module, days.drivers, days.calendar, module.init_state(days.static))
    return fluxes.transpose(0, 1).contiguous().numpy()


def reference_calendar(spec: ReferenceSpec) -> Tensor:
    """Calendar (T, 6) of the reference run from its first day."""
    start = spec.start_date
    first = cftime.datetime(start.year, start.month, start.day, calendar=spec.calendar)
    dates = cftime.num2date(np.arange(spec.nstep), f"days since {first.strftime('%Y-%m-%d')}", spec.calendar)
    return calendar_table(dates)
