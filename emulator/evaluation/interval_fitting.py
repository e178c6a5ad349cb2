"""Fit the intervals of a run: to what its predictions missed in years and at sites that it did not learn from."""

from collections.abc import Sequence

import torch

from emulator.data.dataset import Dataset
from emulator.data.split_days import AnySplit
from emulator.evaluation.annual import Calibration, fit_annual
from emulator.evaluation.intervals import Intervals, at_most
from emulator.evaluation.left_out import LeftOut
from emulator.evaluation.quantile_fitting import calibrated_on, cross_fit
from emulator.evaluation.views import View
from emulator.models.wrappers.quantiles import NEW, TRAINED


def fit_intervals(
    views: Sequence[View], dataset: Dataset, split: AnySplit, left_out: LeftOut | None = None
) -> Intervals:
    """Intervals from the errors of validation years, validation sites and sites that were left out in turn."""
    daily, of_new = cross_fit(views, dataset, split, left_out=left_out)
    calibrations = []
    for head in (NEW, TRAINED):
        days, predicted = calibrated_on(views, split, dataset, left_out if head == NEW else None, head)
        calibrations.append(Calibration(predicted, at_most(torch.as_tensor(days)), by_group=head == NEW))
    annual, sums = fit_annual(daily, dataset, calibrations)
    return Intervals(daily, annual, of_new, sums)
