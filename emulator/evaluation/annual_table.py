"""The table of annual budgets: a line for each site, year and target, as CSV.

`predicted` is the sum of the predictions of the record's days of the year; `budget` that of measured days and, in gaps,
of predictions. The 90 % intervals are empty where none could be calibrated; that of the budget is of its gaps alone.
"""

import csv
import io
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from emulator.data.dataset import Dataset
from emulator.evaluation.annual import AnnualErrors, SiteYear, interval
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


def write_annual(
    path: Path,
    dataset: Dataset,
    years: Iterable[SiteYear],
    errors: AnnualErrors,
    head: Callable[[int], int],
    part: Callable[[SiteYear], str] = lambda _: "",
) -> None:
    """Write the table. head: 0 or 1 for a site, new or trained on; part: of the split, that a site-year is of."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    flux = dataset.scored_flux().numpy()
    for year in years:
        for number, target in enumerate(dataset.signature.targets):
            units, factor = annual_units(target.analysis_units)
            values = [factor * value for value in _sums(year, flux, errors, head(year.site), number)]
            measured = int(np.isfinite(flux[year.site, year.day, number]).sum())
            numbers = [f"{value:.6g}" if np.isfinite(value) else "" for value in values]
            name = str(dataset.site_id[year.site])
            writer.writerow([name, year.year, target.name, units, len(year.day), measured, *numbers, part(year)])
    atomic_file.write_text(path, stream.getvalue())


def _sums(year: SiteYear, flux: np.ndarray, errors: AnnualErrors, head: int, target: int) -> tuple[float, ...]:
    """Sum of the predictions and its interval, then the budget of measured days and gaps, and its interval."""
    observed = flux[year.site, year.day, target]
    everything, gaps = np.ones(len(observed), bool), ~np.isfinite(observed)
    predicted = float(year.predicted[:, target].sum())
    low, high = interval(errors, head, target, year, everything)
    measured, filled = float(observed[~gaps].sum()), float(year.predicted[gaps, target].sum())
    gap_low, gap_high = interval(errors, head, target, year, gaps) if gaps.any() else (0.0, 0.0)
    return predicted, low, high, measured + filled, measured + gap_low, measured + gap_high
