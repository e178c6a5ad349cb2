"""Skill of a trained model on held-out years and sites: metrics.json and predictions.nc of a run."""

import logging
from pathlib import Path
from typing import Any

import numpy as np

from emulator.data import calendar as column
from emulator.data.dataset import Dataset
from emulator.data.dataset_file import DatasetError
from emulator.data.splits import PARTS, Split
from emulator.evaluation import quantile_file
from emulator.evaluation.climatology import biome_climatology, site_climatology
from emulator.evaluation.metrics import to_json
from emulator.evaluation.offline import file_attributes, write_predictions
from emulator.evaluation.probabilistic_fit import (
    View,
    band_series,
    fit_quantiles,
    predict_bands,
    run_model,
    score_quantiles,
)
from emulator.evaluation.scoring import Series, score
from emulator.models.wrappers.quantiles import QuantileModel
from emulator.runs import trained_model
from emulator.runs.determinism import make_deterministic
from emulator.runs.run_folder import RunFolder
from emulator.runs.trained_model import TrainedModel
from foundations import atomic_file
from foundations.provenance import file_sha256

log = logging.getLogger(__name__)

TEST_PARTS = ("temporal", "spatial", "spatiotemporal")
LABELS = ("unused", *PARTS)


def evaluate(run: RunFolder, data: Path | None = None) -> dict[str, Any]:
    """Write evaluation/metrics.json and evaluation/predictions.nc of a run; returns the metrics."""
    trained = trained_model.load(run)
    make_deterministic(trained.config.training.threads)
    path = trained.config.data.path if data is None else data
    dataset = Dataset.open(path, trained.signature)
    check_same_dataset(path, trained)
    split = trained.config.split.build(dataset.lat, dataset.lon, dataset.years, dataset.biome)
    series = build_series(dataset, split)
    views = _views(trained, dataset)
    ungauged, gauged = views[0].predicted, views[-1].predicted if len(views) > 1 else None
    quantiles = fit_quantiles(views, dataset, split)
    quantile_file.save(run, quantiles, trained.epoch, trained.model)
    tables, reported = _score_parts(series, dataset, split, ungauged, gauged)
    _score_quantiles(tables, quantiles, views, dataset, split)
    found = to_json(
        {
            "kind": trained.config.model.kind,
            "parameters": sum(p.numel() for p in trained.model.parameters()),
            "checkpoint": {"epoch": trained.epoch, "val_loss": trained.val_loss},
            "provenance": trained.provenance,
            **tables,
        }
    )
    atomic_file.write_json(run.metrics, found)
    with_past = split.train_sites | split.validation_sites
    bands = predict_bands(quantiles, _mixed(views, with_past), dataset, split.train_sites)
    _write_series(run, trained, dataset, split, series, reported, bands)
    _log_summary(found)
    return found


def check_same_dataset(path: Path, trained: TrainedModel) -> None:
    """A split holds for the dataset of the run only; on another one, test sites may have been trained on."""
    expected, got = trained.provenance["dataset_hash"], file_sha256(path)
    if expected != got:
        raise DatasetError(
            f"{path}: not the dataset of the training run (SHA-256 {got[:12]}..., the run's {expected[:12]}...), so "
            "the held-out sites and years are not known; give the original by --data, or use python -m emulator.predict"
        )


def build_series(dataset: Dataset, split: Split) -> Series:
    """Observations and baselines. Climatologies come from all site-years but test data."""
    flux, calendar = dataset.flux.numpy(), dataset.calendar.numpy()
    known = dataset.day_mask(split.mask("train") | split.validation_mask()).numpy()
    month, day = calendar[:, column.MONTH], calendar[:, column.DAY]
    return Series(
        observed=flux,
        climatology=biome_climatology(flux, dataset.biome, month, day, known),
        site_climatology=site_climatology(flux, month, day, known),
        biome=dataset.biome,
        year=calendar[:, column.YEAR],
        month=month,
        targets=dataset.signature.targets,
    )


def _views(trained: TrainedModel, dataset: Dataset) -> list[View]:
    """Predictions without past flux and, of a model that takes it, with measured flux of all earlier years."""
    views = [run_model(trained.model, dataset)]
    if trained.model.past_flux != "none":
        views.append(run_model(trained.model, dataset, np.ones((dataset.n_sites, len(dataset.years)), bool)))
    return views


def _mixed(views: list[View], with_past: np.ndarray) -> View:
    """The last view at the sites marked in `with_past` (N,), the first one elsewhere."""
    first, last = views[0], views[-1]
    if first is last:
        return first
    rows = with_past[:, None]
    known = np.where(rows, last.years_known, 0.0)
    members = None if first.members is None else np.where(rows[..., None], last.members, first.members)
    return View(np.where(rows[..., None], last.predicted, first.predicted), known, members)


def _score_quantiles(
    tables: dict[str, Any], quantiles: QuantileModel, views: list[View], dataset: Dataset, split: Split
) -> None:
    """Add `uncertainty` to every target of the skill tables."""
    for name, table in [*tables["splits"].items(), *tables["other_modes"].items()]:
        view = views[-1] if table["mode"] == "gauged" else views[0]
        days = dataset.day_mask(split.mask(name.split("_")[0])).numpy()
        scores = score_quantiles(quantiles, view, dataset, split.train_sites, days)
        for target, found in scores.items():
            table["targets"][target]["uncertainty"] = found


def _score_parts(
    series: Series, dataset: Dataset, split: Split, ungauged: np.ndarray, gauged: np.ndarray | None
) -> tuple[dict[str, Any], np.ndarray]:
    """Skill tables, and the predictions (N, T, C) that the main table is about.

    Sites that were trained on are scored with their past flux where the model takes it; held-out sites are new places
    without measurements. The other combinations are reported apart, under `other_modes`.
    """
    mode = "no past flux" if gauged is None else "ungauged"
    with_past = ungauged if gauged is None else gauged
    tables: dict[str, Any] = {"splits": {}, "other_modes": {}}
    for part in TEST_PARTS:
        days = dataset.day_mask(split.mask(part)).numpy()
        if not days.any():
            continue
        own_past = part == "temporal"
        chosen = with_past if own_past else ungauged
        chosen_mode = "gauged" if own_past and gauged is not None else mode
        tables["splits"][part] = score(series, chosen, days, mode=chosen_mode, own_past=own_past)
        if gauged is not None:
            other, other_mode = (ungauged, "ungauged") if own_past else (gauged, "gauged")
            name = f"{part}_{other_mode}"
            tables["other_modes"][name] = score(series, other, days, mode=other_mode, own_past=own_past)
    trained_on = split.train_sites | split.validation_sites
    return tables, np.where(trained_on[:, None, None], with_past, ungauged)


def _write_series(
    run: RunFolder,
    trained: TrainedModel,
    dataset: Dataset,
    split: Split,
    series: Series,
    predicted: np.ndarray,
    bands: np.ndarray,
) -> None:
    """predictions.nc: observed, predicted and climatological flux, quantiles, and the part that each site-day is in."""
    fluxes = {}
    for index, target in enumerate(series.targets):
        fluxes[target.name] = (target, series.observed[..., index], "observed or simulated")
        fluxes[f"{target.name}_pred"] = (target, predicted[..., index], "predicted")
        fluxes[f"{target.name}_climatology"] = (target, series.climatology[..., index], "climatology of the biome")
        fluxes |= band_series(target, bands[..., index, :])
    codes = np.zeros(predicted.shape[:2], np.int8)
    for code, part in enumerate(LABELS[1:], start=1):
        codes[dataset.day_mask(split.mask(part)).numpy()] = code
    write_predictions(run.predictions, dataset, fluxes, file_attributes(trained), (codes, LABELS))


def _log_summary(found: dict[str, Any]) -> None:
    for part, table in found["splits"].items():
        for name, target in table["targets"].items():
            log.info(
                "%s %-5s R2 %s (climatology %s), median site %s; 90 %% interval covers %s",
                f"{part:15s}",
                name,
                *(
                    _short(skill["r2"])
                    for skill in (target["pooled"], target["climatology"]["pooled"], target["median_site"])
                ),
                _short(target["uncertainty"].get("coverage90")),
            )


def _short(value: float | None) -> str:
    return "undefined" if value is None else f"{value:6.3f}"
