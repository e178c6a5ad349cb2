"""Skill of a trained model on held-out years and sites: metrics.json and predictions.nc of a run."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from emulator.data import calendar as column
from emulator.data.classes import SiteClasses
from emulator.data.dataset import Dataset
from emulator.data.series import marked_days
from emulator.data.signature import Signature
from emulator.data.split_days import LABELS, AnySplit, learnable_days, part_codes, validation_days
from emulator.data.split_rules import lacks
from emulator.evaluation.climatology import ClassMeans, day_slot, site_climatology
from emulator.evaluation.metrics import to_json
from emulator.evaluation.quantile_fitting import fit_quantiles
from emulator.evaluation.quantile_series import band_content, band_series, predict_bands, score_quantiles
from emulator.evaluation.scoring import Series, SkillTable
from emulator.evaluation.series_file import Content, file_attributes, series_file, site_blocks_of
from emulator.evaluation.views import View, run_model
from emulator.models.wrappers.quantiles import QuantileModel
from emulator.runs import quantile_file, trained_model
from emulator.runs.determinism import make_deterministic
from emulator.runs.run_folder import RunFolder
from emulator.runs.run_split import split_elsewhere, split_of_run
from emulator.runs.trained_model import TrainedModel
from foundations.json_record import write_record
from foundations.provenance import file_sha256

log = logging.getLogger(__name__)

TEST_PARTS = ("temporal", "spatial", "spatiotemporal")
TRAINED_PARTS = ("temporal", "train")
"""Parts of sites that the model was trained on."""


def evaluate(
    run: RunFolder,
    data: Path | None = None,
    group_by: Sequence[str] = (),
    *,
    load: Callable[[RunFolder], TrainedModel] = trained_model.load,
) -> dict[str, Any]:
    """Write metrics and predictions of a run on its dataset, or on another one, `data`; returns the metrics.

    On its own dataset they are RUN/evaluation/metrics.json and predictions.nc, and the quantiles are fitted; on another
    one they lie in a folder of RUN/evaluation named after it. Days that were not measured are scored only where
    `evaluation.score_filled` says so. Skill is told apart by the class variables `group_by`, by default those of
    `evaluation.group_by`, else by the biome, else by all that there are; the first is that of the climatology. load:
    opens the run.
    """
    trained = load(run)
    make_deterministic(trained.config.training.threads)
    path = trained.config.data.path if data is None else data
    dataset = Dataset.open(path, trained.signature)
    if trained.config.evaluation.score_filled:
        dataset = replace(dataset, measured=None)
    groups = group_names(dataset, group_by or trained.config.evaluation.group_by)
    if file_sha256(path) == trained.provenance["dataset_hash"]:
        return _evaluate_own(run, trained, dataset, groups)
    return _evaluate_elsewhere(run, trained, dataset, groups)


def group_names(dataset: Dataset, chosen: Sequence[str]) -> list[str]:
    """Class variables to tell skill apart by; DatasetError names one that the dataset does not have."""
    for name in chosen:
        dataset.group(name)
    if chosen:
        return list(dict.fromkeys(chosen))
    return ["biome"] if "biome" in dataset.groups else list(dataset.groups)


def _evaluate_own(run: RunFolder, trained: TrainedModel, dataset: Dataset, groups: list[str]) -> dict[str, Any]:
    split = split_of_run(run, trained, dataset)
    missing = lacks(split, dataset)
    for line in missing:
        log.warning("%s: split: %s", run.path, line)
    views = _views(trained, dataset)
    quantiles = None
    if marked_days(validation_days(split, dataset), dataset.has_scored_flux).any():
        quantiles = fit_quantiles(views.all(), dataset, split)
        quantile_file.save(run, quantiles, trained.epoch, trained.model)
    else:
        run.quantiles.unlink(missing_ok=True)
    names = dataset.group(next(iter(groups), None)).names()
    of_class = _class_means(dataset, learnable_days(split, dataset), names)
    material = Material(dataset, split, groups, views, of_class, names)
    return _write(run, trained, material, quantiles, missing, run.metrics.parent)


def _evaluate_elsewhere(run: RunFolder, trained: TrainedModel, dataset: Dataset, groups: list[str]) -> dict[str, Any]:
    """Skill on a dataset that is not the run's: on all days but those, of its sites, that the run learned from."""
    split = split_elsewhere(run, trained, dataset)
    learned_from = int((marked_days(learnable_days(split, dataset)) > 0).sum())
    if learned_from:
        log.info("%s: %d of its sites trained the run; days of training are not scored", dataset.path, learned_from)
    quantiles = quantile_file.load(run, trained.signature, trained.epoch, trained.model)
    missing = [] if quantiles is not None else ["no intervals: the run has not been evaluated on its own dataset"]
    of_class, names = _climatology_of_run(run, trained, dataset, groups)
    if of_class is None:
        missing.append(f"no climatology by class: the training dataset is not at {trained.config.data.path}")
    for line in missing:
        log.warning("%s: %s", dataset.path, line)
    material = Material(dataset, split, groups, _views(trained, dataset), of_class, names)
    return _write(run, trained, material, quantiles, missing, run.metrics.parent / dataset.path.stem)


def _climatology_of_run(
    run: RunFolder, trained: TrainedModel, dataset: Dataset, groups: list[str]
) -> tuple[ClassMeans | None, np.ndarray]:
    """Day-of-year means by class from the run's dataset, None where it is not there, and by which name each site of
    another dataset finds its own, (N,).
    """
    path = trained.config.data.path
    if not path.exists() or file_sha256(path) != trained.provenance["dataset_hash"]:
        return None, np.full(dataset.n_sites, "")
    learned = Dataset.open(path, trained.signature)
    group_by = next((name for name in groups if name in learned.groups and name in dataset.groups), None)
    names, other = (
        np.full(data.n_sites, "all sites") if group_by is None else data.groups[group_by].names()
        for data in (learned, dataset)
    )
    return _class_means(learned, learnable_days(split_of_run(run, trained, learned), learned), names), other


def _class_means(dataset: Dataset, learnable: Tensor, names: np.ndarray) -> ClassMeans:
    """Day-of-year means of the classes `names` (N,) of sites, from the days (N, T) that may be learned from."""
    means, slot = ClassMeans(dataset.flux.shape[2]), _slots(dataset)
    for rows in site_blocks_of(dataset):
        flux = np.where(learnable[rows].numpy()[..., None], dataset.flux[rows].numpy(), np.nan)
        means.add(flux, names[rows], slot)
    return means


def _slots(dataset: Dataset) -> np.ndarray:
    return day_slot(dataset.calendar[:, column.MONTH].numpy(), dataset.calendar[:, column.DAY].numpy())


@dataclass(frozen=True)
class Material:
    """What is scored: a dataset and its split, the class variables that skill is told apart by, the views of a
    predictor, the climatology of classes, None where it is not known, and by which name each site finds its own, (N,).
    """

    dataset: Dataset
    split: AnySplit
    groups: list[str]
    views: "Views"
    of_class: ClassMeans | None
    class_names: np.ndarray

    @cached_property
    def learnable(self) -> Tensor:
        """Days that baselines may learn from, (N, T) bool."""
        return learnable_days(self.split, self.dataset)

    @cached_property
    def classes(self) -> dict[str, SiteClasses]:
        """Classes of all sites by class variable."""
        return {name: self.dataset.group(name) for name in self.groups}

    @cached_property
    def with_past(self) -> np.ndarray:
        """Sites that are predicted with past flux, where the model takes it, (N,) bool."""
        return self.split.train_sites | self.split.validation_sites

    def series(self, rows: slice) -> Series:
        """Observations and baselines of a block of sites. Climatologies are of all site-years but test data."""
        data, slot = self.dataset, _slots(self.dataset)
        flux, month = data.flux[rows].numpy(), data.calendar[:, column.MONTH].numpy()
        if self.of_class is None:
            climatology = np.full(flux.shape, np.nan)
        else:
            climatology = self.of_class.climatology(self.class_names[rows], slot)
        return Series(
            observed=data.scored_flux(rows).numpy(),
            climatology=climatology,
            site_climatology=site_climatology(
                flux, month, data.calendar[:, column.DAY].numpy(), self.learnable[rows].numpy()
            ),
            groups={name: SiteClasses(of.codes[rows], of.meanings) for name, of in self.classes.items()},
            year=data.calendar[:, column.YEAR].numpy(),
            month=month,
            targets=data.signature.targets,
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

    def mixed(self, with_past: np.ndarray, sites: slice) -> View:
        """Some of the sites: the gauged view at those marked in `with_past` (N,), where there is one, else the other
        one.
        """
        ungauged, gauged = self.ungauged.rows(sites), None if self.gauged is None else self.gauged.rows(sites)
        if gauged is None or gauged.years_known is None:
            return ungauged
        rows = with_past[sites, None]
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


def _write(
    run: RunFolder,
    trained: TrainedModel,
    material: Material,
    quantiles: QuantileModel | None,
    missing: list[str],
    out: Path,
) -> dict[str, Any]:
    """Score, and write metrics.json and predictions.nc to a folder, block of sites by block; returns the metrics."""
    scored = _Scored(material)
    content = _content(material.dataset.signature, quantiles is not None)
    codes = part_codes(material.split, material.dataset)
    path = out / run.predictions.name
    with series_file(path, material.dataset.table, content, file_attributes(trained)) as file:
        for rows in site_blocks_of(material.dataset):
            series = material.series(rows)
            scored.add(rows, series)
            file.put(rows, _block_series(material, rows, series, quantiles), codes[rows])
    tables = scored.tables()
    if quantiles is not None:
        _score_quantiles(tables, quantiles, material)
    metrics = to_json(
        {
            "kind": trained.config.model.kind,
            "parameters": trained.model.count_weights(),
            "checkpoint": {"epoch": trained.epoch, "val_loss": trained.val_loss},
            "provenance": trained.provenance,
            "missing": missing,
            "groups": list(material.groups),
            **tables,
        }
    )
    write_record(out / run.metrics.name, metrics)
    _log_summary(metrics)
    return metrics


class _Scored:
    """Skill tables of every part of the split, to which blocks of sites are added.

    Sites that were trained on are scored with their past flux where the model takes it; held-out sites are new places
    without measurements. The other combinations are reported apart, under `other_modes`. Where nothing was held out,
    training days are scored, which tells how well they were learned and no more.
    """

    def __init__(self, material: Material) -> None:
        self.views, dataset, split = material.views, material.dataset, material.split
        self.days = {part: days for part in TEST_PARTS if (days := split.days(dataset, part)).any()}
        if not self.days:
            log.warning("%s: nothing is held out: the training days are scored, which is no test", dataset.path)
            self.days = {"train": split.days(dataset, "train")}
        self._skill = {
            (part, mode): SkillTable(
                dataset.signature.targets, material.classes, mode=mode, trained_on=part in TRAINED_PARTS
            )
            for part, days in self.days.items()
            if days.any()
            for mode in _modes(self.views, part in TRAINED_PARTS)
        }

    def add(self, rows: slice, series: Series) -> None:
        """Score a block of sites."""
        for (part, mode), table in self._skill.items():
            table.add(rows, series, self.views.of_mode(mode).predicted[rows], self.days[part][rows].numpy())

    def tables(self) -> dict[str, Any]:
        """Tables of the main modes by part, and of the others by part and mode."""
        tables: dict[str, Any] = {"splits": {}, "other_modes": {}}
        for (part, mode), table in self._skill.items():
            if mode == _modes(self.views, part in TRAINED_PARTS)[0]:
                tables["splits"][part] = table.table()
            else:
                tables["other_modes"][f"{part}_{mode}"] = table.table()
        return tables


def _modes(views: Views, trained_on: bool) -> tuple[str, ...]:
    """Modes to score sites in, first that of the main table."""
    if views.gauged is None:
        return ("no past flux",)
    return ("gauged", "ungauged") if trained_on else ("ungauged", "gauged")


def _score_quantiles(tables: dict[str, Any], quantiles: QuantileModel, material: Material) -> None:
    """Add `uncertainty` to every target of the skill tables."""
    dataset, split = material.dataset, material.split
    for name, table in [*tables["splits"].items(), *tables["other_modes"].items()]:
        part, _, _ = name.partition("_")
        days, view = split.days(dataset, part).numpy(), material.views.of_mode(table["mode"])
        for target, uncertainty in score_quantiles(quantiles, view, dataset, split.train_sites, days).items():
            table["targets"][target]["uncertainty"] = uncertainty


def _content(signature: Signature, with_bands: bool) -> Content:
    """predictions.nc: observed, predicted and climatological flux, quantiles, and the part that each site-day is in."""
    series = {}
    for target in signature.targets:
        series[target.name] = (target, "observed or simulated")
        series[f"{target.name}_pred"] = (target, "predicted")
        series[f"{target.name}_climatology"] = (target, "climatology of the class")
        if with_bands:
            series |= band_content(target)
    return Content(series, LABELS)


def _block_series(
    material: Material, rows: slice, series: Series, quantiles: QuantileModel | None
) -> dict[str, np.ndarray]:
    """What `_content` names of a block of sites, (n, T) each."""
    view = material.views.mixed(material.with_past, rows)
    bands = None
    if quantiles is not None:
        block = material.dataset.site_subset(np.r_[rows])
        bands = predict_bands(quantiles, view, block, material.split.train_sites[rows])
    values = {}
    for index, target in enumerate(series.targets):
        values[target.name] = series.observed[..., index]
        values[f"{target.name}_pred"] = view.predicted[..., index]
        values[f"{target.name}_climatology"] = series.climatology[..., index]
        if bands is not None:
            values |= band_series(target, bands[..., index, :])
    return values


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
                _short(target.get("uncertainty", {}).get("coverage90")),
            )


def _short(value: float | None) -> str:
    return "undefined" if value is None else f"{value:6.3f}"
