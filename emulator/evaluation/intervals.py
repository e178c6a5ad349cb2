"""The intervals of a run: daily quantiles, how errors add up over years, and where none could be calibrated."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from emulator.data.dataset import Dataset
from emulator.data.series import both, marked_days, marks
from emulator.data.signature import Signature
from emulator.data.split_days import LABELS, AnySplit, part_codes
from emulator.evaluation.annual import AnnualErrors, Sums, score_annual, site_years
from emulator.evaluation.annual_table import AnnualTable
from emulator.evaluation.conformal import fewest_units
from emulator.evaluation.views import View
from emulator.models.wrappers.quantiles import NEW, TRAINED, QuantileModel
from emulator.runs import quantile_file
from emulator.runs.run_folder import RunFolder, RunFolderError
from emulator.runs.trained_model import TrainedModel

if TYPE_CHECKING:  # prediction loads nothing that fits
    from emulator.evaluation.quantile_fitting import CrossFit

ANNUAL_FILE = "annual.csv"
PLACES = ("at new sites", "at sites trained on")
TOO_FEW = (
    "too few groups of sites that were not trained on; it takes {fewest}; emulator.calibrate leaves each out in turn",
    "too few months of validation; it takes {fewest}",
)
TOO_FEW_SUMS = (TOO_FEW[0], "too few validation years of all sites together; it takes {fewest}")
"""Why there are no intervals, by head."""
MOST_SITES = 300
"""Sites whose annual sums are used or told, at most; towers are fewer, and of simulated sites these are enough."""


@dataclass(frozen=True)
class Intervals:
    """Quantiles of days, and errors of annual sums; where they were just fitted, also what they were fitted to, errors
    at new sites, and annual sums by head and target.
    """

    daily: QuantileModel
    annual: AnnualErrors
    of_new: "CrossFit | None" = None
    sums: Sequence[Sequence[Sums]] = ()

    def lacking(self, signature: Signature) -> list[str]:
        """Sentences on the intervals that there are none of, by what they would be of."""
        tables = (
            (self.daily.factor, "intervals", TOO_FEW),
            (self.annual.factor, "intervals of annual sums", TOO_FEW_SUMS),
        )
        lines = []
        for factors, kind, reasons in tables:
            for place, factor, reason in zip(PLACES, factors.numpy(), reasons, strict=True):
                absent = np.isnan(factor)
                of_any, with_past = absent.all(axis=0), absent[1] & ~absent[0]
                for members, how in ((of_any, ""), (with_past, " with past flux")):
                    if members.any():
                        names = ", ".join(np.array(signature.target_names)[members])
                        lines.append(f"no {kind} {place}{how} ({names}): {reason.format(fewest=fewest_units())}")
        return lines


def load_intervals(run: RunFolder, trained: TrainedModel) -> Intervals | None:
    """Those that evaluation fitted, None where it did not; RunFolderError where they are of other weights."""
    daily = quantile_file.load(run, trained.signature, trained.epoch, trained.model)
    return None if daily is None else Intervals(daily, AnnualErrors(**quantile_file.load_annual(run)))


def require_intervals(run: RunFolder, trained: TrainedModel, *, trained_on: bool) -> Intervals:
    """The intervals of an evaluated run at new sites or at those that it was trained on; RunFolderError without any."""
    intervals = load_intervals(run, trained)
    if intervals is None:
        message = f"{run.path}: has no quantiles yet; run python -m emulator.evaluate {run.path}"
        raise RunFolderError(message)
    head = TRAINED if trained_on else NEW
    if np.isnan(intervals.daily.factor[head].numpy()).all():
        reason = TOO_FEW[head].format(fewest=fewest_units())
        message = f"{run.path}: no quantiles {PLACES[head]}: {reason}"
        raise RunFolderError(message)
    return intervals


def score_sums(
    intervals: Intervals, view: View, dataset: Dataset, trained_on: np.ndarray, days: np.ndarray
) -> list[dict[str, float]]:
    """By target, the share of annual sums over the measured days marked in `days` (N, T) that the intervals hold."""
    days = at_most(both(torch.as_tensor(days), dataset.has_scored_flux))
    years = list(site_years(intervals.daily, view, dataset, trained_on, days))
    return score_annual(
        intervals.annual, years, len(dataset.signature.targets), days, lambda site: int(trained_on[site])
    )


class Budgets:
    """Annual budgets of the site-years of a dataset, with the part of the split that most days of each are of; blocks
    of sites are added.
    """

    def __init__(self, intervals: Intervals, dataset: Dataset, split: AnySplit) -> None:
        self._table = AnnualTable(intervals.daily, intervals.annual)
        self._days, self._codes = at_most(dataset.in_record()), part_codes(split, dataset)
        self._trained_on = split.train_sites

    def add(self, rows: slice, view: View, block: Dataset) -> None:
        """Add sites: their rows in the dataset, predictions and data."""
        codes = self._codes[rows]
        self._table.add(
            view,
            block,
            self._trained_on[rows],
            self._days[rows],
            lambda year: LABELS[int(np.bincount(codes[year.site, year.day]).argmax())],
        )

    def write(self, path: Path) -> None:
        """Write them as CSV."""
        self._table.write(path)


def at_most(days: Tensor) -> np.ndarray:
    """The marks (N, T) of at most MOST_SITES sites that have any, evenly chosen."""
    sites = np.flatnonzero(marked_days(days))
    if len(sites) > MOST_SITES:
        chosen = torch.zeros(len(days), 1, dtype=torch.bool)
        chosen[sites[np.linspace(0, len(sites) - 1, MOST_SITES).astype(np.int64)]] = True
        return marks(len(days), days.shape[1], lambda rows: days[rows] & chosen[rows]).numpy()
    return days.numpy()
