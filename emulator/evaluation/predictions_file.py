"""predictions.nc of an evaluation, and the table of annual budgets beside it, block of sites by block."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from emulator.data.dataset import Dataset
from emulator.data.signature import Signature
from emulator.data.split_days import LABELS, part_codes
from emulator.evaluation.intervals import ANNUAL_FILE, Budgets, Intervals
from emulator.evaluation.left_out import LeftOut
from emulator.evaluation.material import Material
from emulator.evaluation.quantile_series import band_content, band_series, predict_bands
from emulator.evaluation.scoring import Series
from emulator.evaluation.series_file import Content, file_attributes, series_file, site_blocks_of
from emulator.evaluation.views import View
from emulator.runs.trained_model import TrainedModel
from foundations.units import unit_conversion
from foundations.variables import Variable


class TakesBlocks(Protocol):
    """What scores blocks of sites while they are in memory."""

    def add(self, rows: slice, series: Series) -> None:
        """Take sites: their rows in the dataset, and what is compared."""


def write_predictions(
    out: Path,
    name: str,
    trained: TrainedModel,
    material: Material,
    intervals: Intervals | None,
    left_out: LeftOut | None,
    scores: Sequence[TakesBlocks],
) -> None:
    """Write the file `name` and the budgets to the folder `out`, and show every block of sites to `scores`."""
    dataset, split = material.dataset, material.split
    budgets = None if intervals is None else Budgets(intervals, dataset, split)
    content = _content(dataset.signature, with_bands=intervals is not None, with_left_out=left_out is not None)
    codes = part_codes(split, dataset)
    with series_file(out / name, dataset.table, content, file_attributes(trained)) as file:
        for rows in site_blocks_of(dataset):
            series, view = material.series(rows), material.views.mixed(material.with_past, rows)
            block = dataset.site_subset(np.r_[rows])
            for score in scores:
                score.add(rows, series)
            bands = None
            if intervals is not None:
                bands = predict_bands(intervals.daily, view, block, split.train_sites[rows])
            values = _block_series(series, view, block, bands)
            if left_out is not None:
                values |= _left_out_series(left_out, rows, series.targets)
            file.put(rows, values, codes[rows])
            if budgets is not None:
                budgets.add(rows, view, block)
            del series, view, block, bands, values  # before the next ones are made
    if budgets is not None:
        budgets.write(out / ANNUAL_FILE)


def _content(signature: Signature, *, with_bands: bool, with_left_out: bool) -> Content:
    """Observed, predicted and climatological flux, quantiles, predictions for sites left out, and the part that each
    site-day is in.
    """
    series = {}
    for target in signature.targets:
        series[target.name] = (target, "observed or simulated")
        series[f"{target.name}_pred"] = (target, "predicted")
        series[f"{target.name}_climatology"] = (target, "climatology of the class")
        if with_bands:
            series |= band_content(target)
        if f"{target.name}_process" in signature.input_names:
            series[f"{target.name}_process"] = (target, "of the process model, an input")
        if with_left_out:
            series[f"{target.name}_left_out"] = (target, "predicted by a training without the site")
    return Content(series, LABELS)


def _block_series(series: Series, view: View, block: Dataset, bands: np.ndarray | None) -> dict[str, np.ndarray]:
    """What `_content` names of a block of sites but predictions for sites left out, (n, T) each."""
    values = {}
    for index, target in enumerate(series.targets):
        values[target.name] = series.observed[..., index]
        values[f"{target.name}_pred"] = view.predicted[..., index]
        values[f"{target.name}_climatology"] = series.climatology[..., index]
        if bands is not None:
            values |= band_series(target, bands[..., index, :])
        if (of_process := process_series(block, target)) is not None:
            values[f"{target.name}_process"] = of_process
    return values


def _left_out_series(left_out: LeftOut, rows: slice, targets: tuple[Variable, ...]) -> dict[str, np.ndarray]:
    """Predictions of sites by trainings without them, (n, T) each."""
    predicted = np.where(left_out.days[rows, :, None], left_out.views[0].predicted[rows], np.nan)
    return {f"{target.name}_left_out": predicted[..., index] for index, target in enumerate(targets)}


def process_series(dataset: Dataset, target: Variable) -> np.ndarray | None:
    """What a process model says of a target, (N, T) in analysis units, where the dataset has it as an input, named
    TARGET_process; None where not.
    """
    names = dataset.signature.input_names
    if (name := f"{target.name}_process") not in names:
        return None
    number = names.index(name)
    factor, offset = unit_conversion(dataset.signature.inputs[number].units, target.analysis_units, name)
    return np.asarray(factor * dataset.drivers[..., number].numpy() + offset)
