"""Fluxes of all sites and days of a dataset, by the best checkpoint of a run."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from emulator.data.dataset import Dataset
from emulator.evaluation.intervals import require_intervals, write_predicted_budgets
from emulator.evaluation.offline import file_attributes, write_predictions
from emulator.evaluation.quantile_series import band_series, predict_bands
from emulator.evaluation.views import run_model
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
) -> np.ndarray:
    """Write predictions of a run's best checkpoint; returns them, (N, T, C) in analysis units.

    quantiles: 'new' or 'trained_on', what the sites are to the model, or None for no quantiles; annual: with them, the
    table of annual budgets to write.
    load: opens the run.
    """
    trained = load(run)
    make_deterministic(trained.config.training.threads)
    observed = past_flux == "observed"
    if past_flux != "none" and trained.model.past_flux == "none":
        message = f"{run.path}: a model of kind {trained.config.model.kind} takes no past flux; use --past-flux none"
        raise RunFolderError(message)
    if past_flux == "self_fed" and isinstance(trained.model, WholeDatasetModel):
        message = f"{run.path}: a baseline of kind {trained.config.model.kind} has no daily step and cannot feed itself"
        raise RunFolderError(message)
    dataset = Dataset.open(data, trained.signature, require_targets=observed)
    everything = np.ones((dataset.n_sites, len(dataset.years)), bool)
    view = run_model(trained.model, dataset, everything if observed else None, self_fed=past_flux == "self_fed")
    fluxes = view.predicted
    named = {
        target.name: (target, fluxes[..., index], "predicted") for index, target in enumerate(trained.signature.targets)
    }
    if quantiles is not None:
        intervals = require_intervals(run, trained, quantiles)
        bands = predict_bands(intervals.daily, view, dataset, np.full(dataset.n_sites, quantiles == "trained_on"))
        for index, target in enumerate(trained.signature.targets):
            named |= band_series(target, bands[..., index, :])
        if annual is not None:
            write_predicted_budgets(annual, intervals, view, dataset, trained_on=quantiles == "trained_on")
    attributes = file_attributes(trained) | {"past_flux": past_flux, "drivers": data.name}
    write_predictions(out, dataset, named, attributes)
    return fluxes
