"""Predictions of whole records, and the netCDF file they are written to."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import netCDF4
import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from emulator.data import calendar as column
from emulator.data.dataset import Dataset
from emulator.data.windows import Batch, put_records, whole_records
from emulator.models.streaming import StreamingModel, WholeDatasetModel
from emulator.runs.trained_model import TrainedModel
from foundations.netcdf_file import writing
from foundations.variables import Variable

FILL = np.float32(9.96921e36)


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
        return _all_finite(model.predict_dataset(dataset, visible_flux), dataset)
    batches = whole_records(dataset, np.arange(dataset.n_sites), BATCH_SIZE, visible_flux=visible_flux)
    fluxes = torch.full_like(dataset.flux, torch.nan)
    for batch in _with_progress(batches, dataset):
        put_records(fluxes, dataset, batch, model(batch.drivers, batch.calendar, batch.static, batch.flux))
    return _all_finite(fluxes.numpy(), dataset)


@torch.no_grad()
def predict_self_fed(model: StreamingModel, dataset: Dataset) -> np.ndarray:
    """As `predict`, with the model's own predictions as past flux: what a host gets from a self-fed artefact.

    The flux of a year moves later years only, so year after year is predicted and then shown to the model.
    """
    fluxes = torch.full_like(dataset.flux, torch.nan)
    for batch in _with_progress(whole_records(dataset, np.arange(dataset.n_sites), BATCH_SIZE), dataset):
        year, past = batch.calendar[0, :, column.YEAR], batch.flux
        for present in year.unique().tolist():
            end = int(torch.nonzero(year == present)[-1]) + 1
            prediction = model(batch.drivers[:, :end], batch.calendar[:, :end], batch.static, past[:, :end])
            past[:, :end][:, year[:end] == present] = prediction[:, year[:end] == present]
        put_records(fluxes, dataset, batch, past)
    return _all_finite(fluxes.numpy(), dataset)


def _with_progress(batches: Iterable[Batch], dataset: Dataset) -> Iterator[Batch]:
    """The batches, with a bar on a terminal that tells the time left."""
    with tqdm(total=dataset.n_sites, desc="predicting", unit="site", leave=False, disable=None) as bar:
        for batch in batches:
            yield batch
            bar.update(len(batch.site))


def _all_finite(fluxes: np.ndarray, dataset: Dataset) -> np.ndarray:
    """The fluxes (N, T, C), or PredictionError: a metric would leave days without a number out, unseen."""
    wrong = np.argwhere(~np.isfinite(fluxes) & dataset.in_record().numpy()[..., None])
    if len(wrong):
        site, day, target = wrong[0]
        year, month, date = dataset.calendar[day, :3].tolist()
        name, where = dataset.signature.targets[target].name, dataset.site_id[site]
        message = (
            f"{dataset.path}: the model predicts {fluxes[site, day, target]} for {name} at site {where} on "
            f"{year}-{month:02d}-{date:02d}, and {len(wrong) - 1} more values that are not finite"
        )
        raise PredictionError(message)
    return fluxes


def write_predictions(
    path: Path,
    dataset: Dataset,
    fluxes: Mapping[str, tuple[Variable, np.ndarray, str]],
    attributes: Mapping[str, str],
    labels: tuple[np.ndarray, tuple[str, ...]] | None = None,
) -> None:
    """Write a CF netCDF file of (site, time) series, atomically.

    fluxes: by name in the file, the target it belongs to, its values (N, T) in analysis units and what it is, for
    `long_name`.
    labels: codes (N, T) of the split that each site-day belongs to, with the meanings of the codes 0, 1, ...
    """
    with writing(path) as file:
        file.setncatts({"Conventions": "CF-1.11", "featureType": "timeSeries", **attributes})
        _write_axes(file, dataset)
        for name, (target, values, what) in fluxes.items():
            out = file.createVariable(
                name, "f4", ("site", "time"), fill_value=FILL, zlib=True, complevel=1, fletcher32=True
            )
            out.setncatts(
                {
                    "long_name": f"{target.long_name}, {what}",
                    "units": target.analysis_units,
                    "file_units": target.units,
                    "cell_methods": "time: mean",
                    "coordinates": "lat lon site_id",
                }
            )
            out[:] = np.where(np.isfinite(values), values, FILL)
        if labels is not None:
            _write_labels(file, *labels)


def _write_axes(file: netCDF4.Dataset, dataset: Dataset) -> None:
    file.createDimension("site", dataset.n_sites)
    file.createDimension("time", len(dataset.time))
    file.createDimension("nv", 2)
    names = file.createVariable("site_id", str, ("site",))
    names.cf_role = "timeseries_id"
    names[:] = dataset.site_id.astype(object)
    time = file.createVariable("time", "f8", ("time",), fletcher32=True)
    time.setncatts(
        {
            "standard_name": "time",
            "units": dataset.time_units,
            "calendar": dataset.calendar_name,
            "bounds": "time_bnds",
        }
    )
    time[:] = dataset.time
    bounds = file.createVariable("time_bnds", "f8", ("time", "nv"), fletcher32=True)
    bounds[:] = np.floor(dataset.time)[:, None] + np.array([0.0, 1.0])
    for name, units, values in (("lat", "degrees_north", dataset.lat), ("lon", "degrees_east", dataset.lon)):
        out = file.createVariable(name, "f4", ("site",), fletcher32=True)
        out.setncatts({"units": units, "standard_name": {"lat": "latitude", "lon": "longitude"}[name]})
        out[:] = values
    for name, classes in dataset.groups.items():
        out = file.createVariable(name, "i4", ("site",), fletcher32=True)
        out.setncatts(
            {
                "long_name": "site class",
                "flag_values": np.array(list(classes.meanings), np.int32),
                "flag_meanings": " ".join(classes.meanings.values()),
            }
        )
        out[:] = classes.codes


def _write_labels(file: netCDF4.Dataset, codes: np.ndarray, meanings: tuple[str, ...]) -> None:
    out = file.createVariable("split", "i1", ("site", "time"), zlib=True, complevel=1, fletcher32=True)
    out.setncatts(
        {
            "long_name": "part of the split that a site-day belongs to",
            "flag_values": np.arange(len(meanings), dtype=np.int8),
            "flag_meanings": " ".join(meanings),
            "coordinates": "lat lon site_id",
        }
    )
    out[:] = codes


def file_attributes(trained: TrainedModel) -> dict[str, str]:
    """Global attributes that say where predictions came from."""
    origin = trained.provenance
    return {
        "title": f"predictions of ecostep model {trained.config.model.kind}",
        "source": f"ecostep {trained.config.model.kind}, epoch {trained.epoch}",
        "git_hash": origin["git_hash"],
        "config_hash": origin["config_hash"],
        "dataset_hash": origin["dataset_hash"] or "none",  # of a dataset in memory
        "seed": str(origin["seed"]),
    }
