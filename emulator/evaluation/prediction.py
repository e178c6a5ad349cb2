"""Fluxes of all sites and days of a dataset, by the best checkpoint of a run, one block of sites after another."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from emulator.data.dataset import Dataset
from emulator.data.reading import opened
from emulator.data.signature import Signature
from emulator.evaluation.annual_table import AnnualTable
from emulator.evaluation.intervals import Intervals, require_intervals
from emulator.evaluation.quantile_series import band_content, band_series, predict_bands
from emulator.evaluation.series_file import Content, file_attributes, series_file, sites_of_block
from emulator.evaluation.views import View, run_model
from emulator.models.streaming import WholeDatasetModel
from emulator.runs import trained_model
from emulator.runs.determinism import make_deterministic
from emulator.runs.run_folder import RunFolder, RunFolderError
from emulator.runs.trained_model import TrainedModel


def predict(
    run: RunFolder,
    data: Path,
    out: Path,
    *,
    past_flux: str = "none",
    quantiles: str | None = None,
    annual: Path | None = None,
    load: Callable[[RunFolder], TrainedModel] = trained_model.load,
    sites: np.ndarray | None = None,
) -> None:
    """Write predictions of a run's best checkpoint, in analysis units, to a netCDF file.

    quantiles: 'new' or 'trained_on', what the sites are to the model, or None for no quantiles; annual: with them, the
    table of annual budgets to write.
    load: opens the run; sites: numbers of the sites to predict, all by default.
    """
    trained = load(run)
    make_deterministic(trained.config.training.threads)
    _check_past_flux(run, trained, past_flux)
    trained_on = quantiles == "trained_on"
    intervals = None if quantiles is None else require_intervals(run, trained, trained_on=trained_on)
    budgets = None
    if intervals is not None and annual is not None:
        budgets = AnnualTable(intervals.daily, intervals.annual)
    attributes = file_attributes(trained) | {"past_flux": past_flux, "drivers": data.name}
    content = content_of(trained.signature, intervals is not None)
    with (
        opened(
            data,
            trained.signature,
            require_targets=past_flux == "observed",
            filled_flux=trained.config.reads_filled_flux,
            sites=sites,
        ) as reader,
        series_file(out, reader.table, content, attributes) as file,
    ):
        for rows, block in Dataset.blocks(reader, sites_of_block(len(reader.table.time))):
            view = _view(trained, block, past_flux)
            file.put(rows, _block_series(view, block, intervals, trained_on=trained_on))
            if budgets is not None:
                budgets.add(view, block, np.full(block.n_sites, trained_on))
            del block, view  # before the next one is read
        if annual is not None and budgets is not None:
            budgets.write(annual)


def _check_past_flux(run: RunFolder, trained: TrainedModel, past_flux: str) -> None:
    if past_flux != "none" and trained.model.past_flux == "none":
        message = f"{run.path}: a model of kind {trained.config.model.kind} takes no past flux; use --past-flux none"
        raise RunFolderError(message)
    if past_flux == "self_fed" and isinstance(trained.model, WholeDatasetModel):
        message = f"{run.path}: a baseline of kind {trained.config.model.kind} has no daily step and cannot feed itself"
        raise RunFolderError(message)


def content_of(signature: Signature, with_bands: bool) -> Content:
    """The series of a file of predictions, with quantiles or without."""
    series = {target.name: (target, "predicted") for target in signature.targets}
    if with_bands:
        for target in signature.targets:
            series |= band_content(target)
    return Content(series)


def _view(trained: TrainedModel, block: Dataset, past_flux: str) -> View:
    everything = np.ones((block.n_sites, len(block.years)), bool)
    visible = everything if past_flux == "observed" else None
    return run_model(trained.model, block, visible, self_fed=past_flux == "self_fed")


def _block_series(
    view: View, block: Dataset, intervals: Intervals | None, *, trained_on: bool
) -> dict[str, np.ndarray]:
    """Predictions of a block of sites by name in the file, (n, T)."""
    targets = block.signature.targets
    series = {target.name: view.predicted[..., index] for index, target in enumerate(targets)}
    if intervals is not None:
        bands = predict_bands(intervals.daily, view, block, np.full(block.n_sites, trained_on))
        for index, target in enumerate(targets):
            series |= band_series(target, bands[..., index, :])
    return series
