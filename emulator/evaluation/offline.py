"""Predictions of whole records."""

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from emulator.data import calendar as column
from emulator.data.dataset import Dataset
from emulator.data.series import new_series, site_blocks
from emulator.data.windows import Batch, put_records, whole_records
from emulator.models.streaming import StreamingModel, WholeDatasetModel


class PredictionError(ValueError):
    """A model predicted something that is not a number; the message names target, site and date."""


BATCH_SIZE = 32
"""Sites run at once; it bounds memory: about 150 MB for ten years and 64 hidden units."""


@torch.no_grad()
def predict(model: StreamingModel, dataset: Dataset, visible_flux: Tensor | None = None) -> np.ndarray:
    """Fluxes of all sites from the initial state on the first day of the site's record, (N, T, C) float32 in analysis
    units; NaN outside the record.

    visible_flux: (N, T) bool, days whose flux the model may see (it moves predictions of later years only), default
    none.
    """
    if isinstance(model, WholeDatasetModel):
        return _all_finite(_by_blocks(model, dataset, visible_flux), dataset)
    batches = whole_records(dataset, np.arange(dataset.n_sites), BATCH_SIZE, visible_flux=visible_flux)
    fluxes = nothing_yet(dataset)
    for batch in _with_progress(batches, dataset):
        put_records(fluxes, dataset, batch, model(batch.drivers, batch.calendar, batch.static, batch.flux))
    return _all_finite(fluxes.numpy(), dataset)


@torch.no_grad()
def predict_self_fed(model: StreamingModel, dataset: Dataset) -> np.ndarray:
    """As `predict`, with the model's own predictions as past flux: what a host gets from a self-fed artefact.

    The flux of a year moves later years only, so year after year is predicted and then shown to the model.
    """
    fluxes = nothing_yet(dataset)
    for batch in _with_progress(whole_records(dataset, np.arange(dataset.n_sites), BATCH_SIZE), dataset):
        year, past = batch.calendar[0, :, column.YEAR], batch.flux
        for present in year.unique().tolist():
            end = int(torch.nonzero(year == present)[-1]) + 1
            prediction = model(batch.drivers[:, :end], batch.calendar[:, :end], batch.static, past[:, :end])
            past[:, :end][:, year[:end] == present] = prediction[:, year[:end] == present]
        put_records(fluxes, dataset, batch, past)
    return _all_finite(fluxes.numpy(), dataset)


def nothing_yet(dataset: Dataset) -> Tensor:
    """NaN in the shape of the flux, (N, T, C); of many sites in a file, as they are."""
    fluxes = new_series(dataset.n_sites, len(dataset.time), dataset.flux.shape[2])
    for rows in site_blocks(*fluxes.shape[:2]):
        fluxes[rows] = torch.nan
    return fluxes


def _by_blocks(model: WholeDatasetModel, dataset: Dataset, visible_flux: Tensor | None) -> np.ndarray:
    """Predictions of a baseline, in blocks of sites."""
    fluxes = nothing_yet(dataset)
    for rows in site_blocks(*fluxes.shape[:2]):
        seen = None if visible_flux is None else visible_flux[rows]
        block = dataset if rows.stop - rows.start == dataset.n_sites else dataset.site_subset(np.r_[rows])
        fluxes[rows] = torch.from_numpy(np.asarray(model.predict_dataset(block, seen), np.float32))
    return fluxes.numpy()


def _with_progress(batches: Iterable[Batch], dataset: Dataset) -> Iterator[Batch]:
    """The batches, with a bar on a terminal that tells the time left."""
    with tqdm(total=dataset.n_sites, desc="predicting", unit="site", leave=False, disable=None) as bar:
        for batch in batches:
            yield batch
            bar.update(len(batch.site))


def _all_finite(fluxes: np.ndarray, dataset: Dataset) -> np.ndarray:
    """The fluxes (N, T, C), or PredictionError: a metric would leave days without a number out, unseen."""
    in_record = dataset.in_record().numpy()
    for rows in site_blocks(*in_record.shape):
        wrong = np.argwhere(~np.isfinite(fluxes[rows]) & in_record[rows, :, None])
        if not len(wrong):
            continue
        site, day, target = wrong[0] + (rows.start, 0, 0)
        year, month, date = dataset.calendar[day, :3].tolist()
        name, where = dataset.signature.targets[target].name, dataset.site_id[site]
        message = (
            f"{dataset.path}: the model predicts {fluxes[site, day, target]} for {name} at site {where} on "
            f"{year}-{month:02d}-{date:02d}, and {len(wrong) - 1} more values that are not finite"
        )
        raise PredictionError(message)
    return fluxes
