"""Fluxes of all sites and days of a dataset, by the best checkpoint of a run, one block of sites after another."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from emulator.data.dataset import Dataset
from emulator.data.reading import opened
from emulator.data.signature import Signature
from emulator.evaluation.quantile_series import band_content, band_series, predict_bands
from emulator.evaluation.series_file import Content, file_attributes, series_file, sites_of_block
from emulator.evaluation.views import run_model
from emulator.models.streaming import WholeDatasetModel
from emulator.models.wrappers.quantiles import QuantileModel
from emulator.runs import quantile_file, trained_model
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
    load: Callable[[RunFolder], TrainedModel] = trained_model.load,
) -> None:
    """Write predictions of a run's best checkpoint, in analysis units, to a netCDF file.

    quantiles: 'new' or 'trained_on', what the sites are to the model, or None for no quantiles.
    load: opens the run.
    """
    trained = load(run)
    make_deterministic(trained.config.training.threads)
    _check_past_flux(run, trained, past_flux)
    fitted = None if quantiles is None else _quantiles(run, trained)
    attributes = file_attributes(trained) | {"past_flux": past_flux, "drivers": data.name}
    content = _content(trained.signature, fitted is not None)
    with (
        opened(data, trained.signature, require_targets=past_flux == "observed") as reader,
        series_file(out, reader.table, content, attributes) as file,
    ):
        for rows, block in Dataset.blocks(reader, sites_of_block(len(reader.table.time))):
            file.put(rows, _block_series(trained, block, past_flux, fitted, quantiles == "trained_on"))
            del block  # before the next one is read


def _check_past_flux(run: RunFolder, trained: TrainedModel, past_flux: str) -> None:
    if past_flux != "none" and trained.model.past_flux == "none":
        message = f"{run.path}: a model of kind {trained.config.model.kind} takes no past flux; use --past-flux none"
        raise RunFolderError(message)
    if past_flux == "self_fed" and isinstance(trained.model, WholeDatasetModel):
        message = f"{run.path}: a baseline of kind {trained.config.model.kind} has no daily step and cannot feed itself"
        raise RunFolderError(message)


def _quantiles(run: RunFolder, trained: TrainedModel) -> QuantileModel:
    fitted = quantile_file.load(run, trained.signature, trained.epoch, trained.model)
    if fitted is None:
        message = f"{run.path}: has no quantiles yet; run python -m emulator.evaluate {run.path}"
        raise RunFolderError(message)
    return fitted


def _content(signature: Signature, with_bands: bool) -> Content:
    series = {target.name: (target, "predicted") for target in signature.targets}
    if with_bands:
        for target in signature.targets:
            series |= band_content(target)
    return Content(series)


def _block_series(
    trained: TrainedModel, block: Dataset, past_flux: str, fitted: QuantileModel | None, trained_on: bool
) -> dict[str, np.ndarray]:
    """Predictions of a block of sites by name in the file, (n, T)."""
    everything = np.ones((block.n_sites, len(block.years)), bool)
    visible = everything if past_flux == "observed" else None
    view = run_model(trained.model, block, visible, self_fed=past_flux == "self_fed")
    series = {target.name: view.predicted[..., index] for index, target in enumerate(trained.signature.targets)}
    if fitted is not None:
        bands = predict_bands(fitted, view, block, np.full(block.n_sites, trained_on))
        for index, target in enumerate(trained.signature.targets):
            series |= band_series(target, bands[..., index, :])
    return series
