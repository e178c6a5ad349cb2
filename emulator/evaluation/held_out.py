"""Skill of a trained model on held-out years and sites: metrics.json and predictions.nc of a run."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from emulator.data import calendar as column
from emulator.data.dataset import Dataset
from emulator.data.dataset_file import DatasetError
from emulator.data.splits import PARTS, Split
from emulator.evaluation.climatology import biome_climatology, site_climatology
from emulator.evaluation.metrics import to_json
from emulator.evaluation.offline import file_attributes, write_predictions
from emulator.evaluation.quantile_fitting import fit_quantiles
from emulator.evaluation.quantile_series import band_series, predict_bands, score_quantiles
from emulator.evaluation.scoring import Series, score
from emulator.evaluation.views import View, run_model
from emulator.models.wrappers.quantiles import QuantileModel
from emulator.runs import quantile_file, trained_model
from emulator.runs.determinism import make_deterministic
from emulator.runs.run_folder import RunFolder
from emulator.runs.trained_model import TrainedModel
from foundations.json_record import write_record
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
    quantiles = fit_quantiles(views.all(), dataset, split)
    quantile_file.save(run, quantiles, trained.epoch, trained.model)
    tables, reported = _score_parts(series, dataset, split, views)
    _score_quantiles(tables, quantiles, views, dataset, split)
    metrics = to_json(
        {
            "kind": trained.config.model.kind,
            "parameters": sum(p.numel() for p in trained.model.parameters()),
            "checkpoint": {"epoch": trained.epoch, "val_loss": trained.val_loss},
            "provenance": trained.provenance,
            **tables,
        }
    )
    with_past = split.train_sites | split.validation_sites
    bands = predict_bands(quantiles, views.mixed(with_past), dataset, split.train_sites)
    _write_series(run, trained, dataset, split, series, reported, bands)
    write_record(run.metrics, metrics)
    _log_summary(metrics)
    return metrics


def check_same_dataset(path: Path, trained: TrainedModel) -> None:
    """A split holds for the dataset of the run only; on another one, test sites may have been trained on."""
    expected, got = trained.provenance["dataset_hash"], file_sha256(path)
    if expected != got:
        message = (
            f"{path}: not the dataset of the training run (SHA-256 {got[:12]}..., the run's {expected[:12]}...), so "
            "the held-out sites and years are not known; give the original by --data, or use python -m emulator.predict"
        )
        raise DatasetError(message)


def build_series(dataset: Dataset, split: Split) -> Series:
    """Observations and baselines. Climatologies come from all site-years but test data."""
    flux, calendar = dataset.flux.numpy(), dataset.calendar.numpy()
    learnable = dataset.day_mask(split.mask("train") | split.validation_mask()).numpy()
    month, day = calendar[:, column.MONTH], calendar[:, column.DAY]
    return Series(
        observed=flux,
        climatology=biome_climatology(flux, dataset.biome, month, day, learnable),
        site_climatology=site_climatology(flux, month, day, learnable),
        biome=dataset.biome,
        year=calendar[:, column.YEAR],
        month=month,
        targets=dataset.signature.targets,
    )


@dataclass(frozen=True)
class Views:
    """A predictor without past flux and, of a model that takes it, with measured flux of all earlier years."""

    ungauged: View
    gauged: View | None = None

    def all(self) -> list[View]:
        return [self.ungauged] if self.gauged is None else [self.ungauged, self.gauged]

    def of_mode(self, mode: str) -> View:
        """The view of a skill table's mode: 'gauged', 'ungauged', or 'no past flux' of a model that takes none."""
        return self.gauged if mode == "gauged" and self.gauged is not None else self.ungauged

    def mixed(self, with_past: np.ndarray) -> View:
        """The gauged view at the sites marked in `with_past` (N,), where there is one, the other one elsewhere."""
        ungauged, gauged = self.ungauged, self.gauged
        if gauged is None or gauged.years_known is None:
            return ungauged
        rows = with_past[:, None]
        members = None
        if ungauged.members is not None and gauged.members is not None:
            members = np.where(rows[..., None], gauged.members, ungauged.members)
        predicted = np.where(rows[..., None], gauged.predicted, ungauged.predicted)
        return View(predicted, np.where(rows, gauged.years_known, 0.0), members)


def _views(trained: TrainedModel, dataset: Dataset) -> Views:
    ungauged = run_model(trained.model, dataset)
    if trained.model.past_flux == "none":
        return Views(ungauged)
    all_years = np.ones((dataset.n_sites, len(dataset.years)), bool)
    return Views(ungauged, run_model(trained.model, dataset, all_years))


def _score_quantiles(
    tables: dict[str, Any], quantiles: QuantileModel, views: Views, dataset: Dataset, split: Split
) -> None:
    """Add `uncertainty` to every target of the skill tables."""
    for name, table in [*tables["splits"].items(), *tables["other_modes"].items()]:
        part, _, _ = name.partition("_")
        days = dataset.day_mask(split.mask(part)).numpy()
        scores = score_quantiles(quantiles, views.of_mode(table["mode"]), dataset, split.train_sites, days)
        for target, uncertainty in scores.items():
            table["targets"][target]["uncertainty"] = uncertainty


def _score_parts(series: Series, dataset: Dataset, split: Split, views: Views) -> tuple[dict[str, Any], np.ndarray]:
    """Skill tables, and the predictions (N, T, C) that the main table is about.

    Sites that were trained on are scored with their past flux where the model takes it; held-out sites are new places
    without measurements. The other combinations are reported apart, under `other_modes`.
    """
    tables: dict[str, Any] = {"splits": {}, "other_modes": {}}
    for part in TEST_PARTS:
        days = dataset.day_mask(split.mask(part)).numpy()
        if not days.any():
            continue
        trained_on = part == "temporal"
        main_mode, *other_modes = _modes(views, trained_on)
        skill = {
            mode: score(series, views.of_mode(mode).predicted, days, mode=mode, trained_on=trained_on)
            for mode in (main_mode, *other_modes)
        }
        tables["splits"][part] = skill[main_mode]
        tables["other_modes"] |= {f"{part}_{mode}": skill[mode] for mode in other_modes}
    trained_sites = split.train_sites | split.validation_sites
    with_past = views.of_mode("gauged").predicted
    return tables, np.where(trained_sites[:, None, None], with_past, views.ungauged.predicted)


def _modes(views: Views, trained_on: bool) -> tuple[str, ...]:
    """Modes to score sites in, first that of the main table."""
    if views.gauged is None:
        return ("no past flux",)
    return ("gauged", "ungauged") if trained_on else ("ungauged", "gauged")


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


def _log_summary(metrics: dict[str, Any]) -> None:
    for part, table in metrics["splits"].items():
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
