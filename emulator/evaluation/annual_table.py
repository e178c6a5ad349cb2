"""The table of annual budgets: a line for each site, year and target, as CSV.

`predicted` is the sum of the predictions of the record's days of the year; `budget` that of measured days and, in gaps,
of predictions. The 90 % intervals are empty where none could be calibrated; that of the budget is of its gaps alone.
"""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np

from emulator.data.dataset import Dataset
from emulator.evaluation.annual import AnnualErrors, SiteYear, interval, site_years
from emulator.evaluation.views import View
from emulator.models.wrappers.quantiles import QuantileModel
from foundations import atomic_file

COLUMNS = (
    "site", "year", "target", "units", "days", "measured_days", "predicted", "predicted_q05", "predicted_q95",
    "budget", "budget_q05", "budget_q95", "part",
)  # fmt: skip
PER_DAY = {"mg m-2 day-1": ("g m-2 year-1", 1e-3), "g m-2 day-1": ("g m-2 year-1", 1.0)}
"""Units of daily fluxes: that of annual sums, and its factor."""


def annual_units(units: str) -> tuple[str, float]:
    """The unit of the sum over the days of a year of fluxes in `units`, and the factor to it."""
    if units in PER_DAY:
        return PER_DAY[units]
    return (units.removesuffix("day-1") + "year-1", 1.0) if units.endswith("day-1") else (f"{units} day year-1", 1.0)


class AnnualTable:
    """Collects the lines of blocks of sites, and writes them."""

    def __init__(self, daily: QuantileModel, errors: AnnualErrors) -> None:
        self.daily, self.errors = daily, errors
        self._stream = io.StringIO()
        self._writer = csv.writer(self._stream, lineterminator="\n")
        self._writer.writerow(COLUMNS)

    def add(
        self,
        view: View,
        dataset: Dataset,
        trained_on: np.ndarray,
        days: np.ndarray | None = None,
        part: Callable[[SiteYear], str] = lambda _: "",
    ) -> None:
        """Add the years of a dataset that have a day marked in `days` (N, T), default all of the records; part: of the
        split, that a site-year is of; trained_on: (N,) bool, sites that the predictor was trained on.
        """
        wanted = dataset.in_record().numpy() if days is None else days
        for year in site_years(self.daily, view, dataset, trained_on, wanted):
            for number, target in enumerate(dataset.signature.targets):
                units, factor = annual_units(target.analysis_units)
                values = _sums(year, self.errors, int(trained_on[year.site]), number)
                numbers = [f"{factor * value:.6g}" if np.isfinite(value) else "" for value in values]
                measured = int(np.isfinite(year.observed[:, number]).sum())
                place = (str(dataset.site_id[year.site]), year.year, target.name, units, len(year.day), measured)
                self._writer.writerow([*place, *numbers, part(year)])

    def write(self, path: Path) -> None:
        """Write the table, atomically."""
        atomic_file.write_text(path, self._stream.getvalue())


def _sums(year: SiteYear, errors: AnnualErrors, head: int, target: int) -> tuple[float, ...]:
    """Sum of the predictions and its interval, then the budget of measured days and gaps, and its interval."""
    observed = year.observed[:, target]
    everything, gaps = np.ones(len(observed), bool), ~np.isfinite(observed)
    predicted = float(year.predicted[:, target].sum())
    low, high = interval(errors, head, target, year, everything)
    measured, filled = float(observed[~gaps].sum()), float(year.predicted[gaps, target].sum())
    gap_low, gap_high = interval(errors, head, target, year, gaps) if gaps.any() else (0.0, 0.0)
    return predicted, low, high, measured + filled, measured + gap_low, measured + gap_high
