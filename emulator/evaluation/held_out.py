"""Skill of a trained model on held-out years and sites: metrics.json and predictions.nc of a run."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from emulator.data.classes import SiteClasses
from emulator.data.dataset import Dataset
from emulator.data.series import marked_days
from emulator.data.split_days import learnable_days, validation_days
from emulator.data.split_rules import lacks
from emulator.evaluation.climatology import ClassMeans, Sites
from emulator.evaluation.interval_fitting import fit_intervals
from emulator.evaluation.intervals import Intervals, load_intervals
from emulator.evaluation.left_out import read_left_out
from emulator.evaluation.material import Material, class_means, sites_of
from emulator.evaluation.metrics import to_json
from emulator.evaluation.new_sites import PART as LEFT_OUT
from emulator.evaluation.new_sites import NewSites, ScoredNewSites
from emulator.evaluation.predictions_file import write_predictions
from emulator.evaluation.scored_parts import ScoredParts
from emulator.evaluation.views import all_views
from emulator.runs import quantile_file, trained_model
from emulator.runs.determinism import make_deterministic
from emulator.runs.run_folder import RunFolder
from emulator.runs.run_split import split_elsewhere, split_of_run
from emulator.runs.trained_model import TrainedModel
from foundations.json_record import write_record
from foundations.provenance import file_sha256

log = logging.getLogger(__name__)


def evaluate(
    run: RunFolder,
    data: Path | None = None,
    group_by: Sequence[str] = (),
    *,
    out: Path | None = None,
    load: Callable[[RunFolder], TrainedModel] = trained_model.load,
) -> dict[str, Any]:
    """Write metrics and predictions of a run on its dataset, or on another one, `data`; returns the metrics.

    On its own dataset they are RUN/evaluation/metrics.json and predictions.nc, and the quantiles are fitted; on another
    one they lie in a folder of RUN/evaluation named after it, or in `out`. Days that were not measured are scored
    only where `evaluation.score_filled` says so. Skill is told apart by the class variables `group_by`, by default
    those of `evaluation.group_by`, else by the biome, else by all that there are; the first is that of the climatology.
    load: opens the run.
    """
    trained = load(run)
    make_deterministic(trained.config.training.threads)
    path = trained.config.data.path if data is None else data
    dataset = Dataset.open(path, trained.signature, filled_flux=trained.config.reads_filled_flux)
    if trained.config.evaluation.score_filled:
        dataset = replace(dataset, measured=None)
    groups = group_names(dataset, group_by or trained.config.evaluation.group_by)
    if file_sha256(path) == trained.provenance["dataset_hash"]:
        return _evaluate_own(run, trained, dataset, groups, load)
    return _evaluate_elsewhere(run, trained, dataset, groups, out or run.metrics.parent / dataset.path.stem)


def group_names(dataset: Dataset, chosen: Sequence[str]) -> list[str]:
    """Class variables to tell skill apart by; DatasetError names one that the dataset does not have."""
    for name in chosen:
        dataset.group(name)
    if chosen:
        return list(dict.fromkeys(chosen))
    return ["biome"] if "biome" in dataset.groups else list(dataset.groups)


def _evaluate_own(
    run: RunFolder,
    trained: TrainedModel,
    dataset: Dataset,
    groups: list[str],
    load: Callable[[RunFolder], TrainedModel],
) -> dict[str, Any]:
    split = split_of_run(run, trained, dataset)
    missing = lacks(split, dataset)
    for line in missing:
        log.warning("%s: split: %s", run.path, line)
    views, left_out = all_views(trained.model, dataset), read_left_out(run, trained, dataset, load)
    intervals = None
    if left_out is not None or marked_days(validation_days(split, dataset), dataset.has_scored_flux).any():
        intervals = fit_intervals(views.all(), dataset, split, left_out)
        quantile_file.save(run, intervals.daily, trained.epoch, trained.model, intervals.annual.state())
        for line in intervals.lacking(dataset.signature):
            log.warning("%s: %s", run.path, line)
            missing.append(line)
    else:
        run.quantiles.unlink(missing_ok=True)
    sites = sites_of(dataset, dataset.group(next(iter(groups), None)).codes)
    of_class = class_means(dataset, sites, learnable_days(split, dataset))
    material = Material(dataset, split, groups, views, of_class, sites)
    new = None
    if left_out is not None and intervals is not None:
        new = NewSites(left_out, intervals, material)
    return _write(run, trained, material, intervals, missing, run.metrics.parent, new)


def _evaluate_elsewhere(
    run: RunFolder, trained: TrainedModel, dataset: Dataset, groups: list[str], out: Path
) -> dict[str, Any]:
    """Skill on a dataset that is not the run's: on all days but those, of its sites, that the run learned from."""
    split = split_elsewhere(run, trained, dataset)
    learned_from = int((marked_days(learnable_days(split, dataset)) > 0).sum())
    if learned_from:
        log.info("%s: %d of its sites trained the run; days of training are not scored", dataset.path, learned_from)
    intervals = load_intervals(run, trained)
    missing = [] if intervals is not None else ["no intervals: the run has not been evaluated on its own dataset"]
    of_class, sites = _climatology_of_run(run, trained, dataset, groups)
    if of_class is None:
        missing.append(f"no climatology by class: the training dataset is not at {trained.config.data.path}")
    for line in missing:
        log.warning("%s: %s", dataset.path, line)
    material = Material(dataset, split, groups, all_views(trained.model, dataset), of_class, sites)
    return _write(run, trained, material, intervals, missing, out)


def _climatology_of_run(
    run: RunFolder, trained: TrainedModel, dataset: Dataset, groups: list[str]
) -> tuple[ClassMeans | None, Sites]:
    """Means by class from the run's dataset, None where it is not there, and the sites of another one as they see
    them.
    """
    alike = np.zeros(dataset.n_sites, np.int64)
    path = trained.config.data.path
    if not path.exists() or file_sha256(path) != trained.provenance["dataset_hash"]:
        return None, sites_of(dataset, alike)
    learned = Dataset.open(path, trained.signature, filled_flux=trained.config.reads_filled_flux)
    group_by = next((name for name in groups if name in learned.groups and name in dataset.groups), None)
    codes = (np.zeros(learned.n_sites, np.int64), alike)
    if group_by is not None:
        codes = _common_codes(learned.groups[group_by], dataset.groups[group_by])
    sites, others = (sites_of(data, codes_of) for data, codes_of in zip((learned, dataset), codes, strict=True))
    return class_means(learned, sites, learnable_days(split_of_run(run, trained, learned), learned)), others


def _common_codes(first: SiteClasses, second: SiteClasses) -> tuple[np.ndarray, np.ndarray]:
    """Codes of the sites of two datasets that are equal where the meanings of their classes are."""
    names = np.concatenate([first.names(), second.names()])
    codes = np.unique(names, return_inverse=True)[1]
    return codes[: len(first.codes)], codes[len(first.codes) :]


def _write(
    run: RunFolder,
    trained: TrainedModel,
    material: Material,
    intervals: Intervals | None,
    missing: list[str],
    out: Path,
    new: NewSites | None = None,
) -> dict[str, Any]:
    """Score, and write metrics.json and predictions.nc to a folder, block of sites by block; returns the metrics."""
    scored = ScoredParts(material)
    of_new = None if new is None else ScoredNewSites(new)
    left_out = None if new is None else new.left_out
    scores: list[ScoredParts | ScoredNewSites] = [scored] if of_new is None else [scored, of_new]
    write_predictions(out, run.predictions.name, trained, material, intervals, left_out, scores)
    tables = scored.tables(intervals)
    if of_new is not None:
        of_mode = of_new.tables()
        main_mode, *other_modes = of_mode
        tables["splits"][LEFT_OUT] = of_mode[main_mode]
        tables["other_modes"] |= {f"{LEFT_OUT}_{mode}": of_mode[mode] for mode in other_modes}
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
