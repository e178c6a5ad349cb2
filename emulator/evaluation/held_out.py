"""Skill of a trained model on held-out years and sites: metrics.json and predictions.nc of a run."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from emulator.data import calendar as column
from emulator.data.classes import SiteClasses
from emulator.data.dataset import Dataset
from emulator.data.split_days import LABELS, AnySplit, learnable_days, part_codes, validation_days
from emulator.data.split_rules import lacks
from emulator.evaluation.climatology import (
    Sites,
    class_climatology,
    day_slot,
    site_climatology,
    transferred_climatology,
)
from emulator.evaluation.interval_fitting import fit_intervals
from emulator.evaluation.intervals import ANNUAL_FILE, Intervals, load_intervals, score_sums, write_budgets
from emulator.evaluation.left_out import LeftOut, read_left_out
from emulator.evaluation.metrics import to_json
from emulator.evaluation.new_sites import PART as LEFT_OUT
from emulator.evaluation.new_sites import NewSites, score_new_sites
from emulator.evaluation.quantile_series import band_content, band_series, predict_bands, score_quantiles
from emulator.evaluation.scoring import Series, score
from emulator.evaluation.series_file import file_attributes, write_predictions
from emulator.evaluation.views import View, run_model
from emulator.runs import quantile_file, trained_model
from emulator.runs.determinism import make_deterministic
from emulator.runs.run_folder import RunFolder
from emulator.runs.run_split import split_elsewhere, split_of_run
from emulator.runs.trained_model import TrainedModel
from foundations.json_record import write_record
from foundations.provenance import file_sha256
from foundations.units import unit_conversion
from foundations.variables import Variable

log = logging.getLogger(__name__)

TEST_PARTS = ("temporal", "spatial", "spatiotemporal")


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
    views, left_out = _views(trained, dataset), read_left_out(run, trained, dataset, load)
    intervals = None
    if left_out is not None or (validation_days(split, dataset) & dataset.has_scored_flux).any():
        intervals = fit_intervals(views.all(), dataset, split, left_out)
        quantile_file.save(run, intervals.daily, trained.epoch, trained.model, intervals.annual.state())
        for line in intervals.lacking(dataset.signature):
            log.warning("%s: %s", run.path, line)
            missing.append(line)
    else:
        run.quantiles.unlink(missing_ok=True)
    series = build_series(dataset, split, groups)
    new = None
    if left_out is not None and intervals is not None:
        codes = dataset.group(next(iter(groups), None)).codes
        new = NewSites(left_out, intervals, split, _sites(dataset, codes))
    return _write(run, trained, dataset, split, series, views, intervals, missing, run.metrics.parent, new)


def _evaluate_elsewhere(
    run: RunFolder, trained: TrainedModel, dataset: Dataset, groups: list[str], out: Path
) -> dict[str, Any]:
    """Skill on a dataset that is not the run's: on all days but those, of its sites, that the run learned from."""
    split = split_elsewhere(run, trained, dataset)
    learned_from = int(learnable_days(split, dataset).any(1).sum())
    if learned_from:
        log.info("%s: %d of its sites trained the run; days of training are not scored", dataset.path, learned_from)
    intervals = load_intervals(run, trained)
    missing = [] if intervals is not None else ["no intervals: the run has not been evaluated on its own dataset"]
    series = build_series(dataset, split, groups)
    of_class = _climatology_of_run(run, trained, dataset, groups)
    if of_class is None:
        missing.append(f"no climatology by class: the training dataset is not at {trained.config.data.path}")
        of_class = np.full_like(series.climatology, np.nan)
    for line in missing:
        log.warning("%s: %s", dataset.path, line)
    series = replace(series, climatology=of_class)
    return _write(run, trained, dataset, split, series, _views(trained, dataset), intervals, missing, out)


def _write(
    run: RunFolder,
    trained: TrainedModel,
    dataset: Dataset,
    split: AnySplit,
    series: Series,
    views: "Views",
    intervals: Intervals | None,
    missing: list[str],
    out: Path,
    new: NewSites | None = None,
) -> dict[str, Any]:
    """Score, and write metrics.json and predictions.nc to a folder; returns the metrics."""
    tables, reported = _score_parts(series, dataset, split, views)
    bands = None
    if intervals is not None:
        _score_quantiles(tables, intervals, views, dataset, split)
        mixed = views.mixed(split.train_sites | split.validation_sites)
        bands = predict_bands(intervals.daily, mixed, dataset, split.train_sites)
        write_budgets(out / ANNUAL_FILE, intervals, mixed, dataset, split)
    if new is not None:
        of_mode = score_new_sites(series, dataset, new)
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
            "groups": list(series.groups),
            **tables,
        }
    )
    left_out = None if new is None else new.left_out
    _write_series(out / run.predictions.name, trained, dataset, split, series, reported, bands, left_out)
    write_record(out / run.metrics.name, metrics)
    _log_summary(metrics)
    return metrics


def _climatology_of_run(
    run: RunFolder, trained: TrainedModel, dataset: Dataset, groups: list[str]
) -> np.ndarray | None:
    """Day-of-year means by class from the run's dataset, for another one, (N, T, C); None where it is not there."""
    path = trained.config.data.path
    if not path.exists() or file_sha256(path) != trained.provenance["dataset_hash"]:
        return None
    learned = Dataset.open(path, trained.signature, filled_flux=trained.config.reads_filled_flux)
    days = learnable_days(split_of_run(run, trained, learned), learned).numpy()
    group_by = next((name for name in groups if name in learned.groups and name in dataset.groups), None)
    alike = (np.zeros(learned.n_sites, np.int64), np.zeros(dataset.n_sites, np.int64))
    codes = alike if group_by is None else _common_codes(learned.groups[group_by], dataset.groups[group_by])
    sites, others = (_sites(data, codes_of) for data, codes_of in zip((learned, dataset), codes, strict=True))
    return transferred_climatology(np.where(days[..., None], learned.flux.numpy(), np.nan), sites, others)


def _common_codes(first: SiteClasses, second: SiteClasses) -> tuple[np.ndarray, np.ndarray]:
    """Codes of the sites of two datasets that are equal where the meanings of their classes are."""
    names = np.concatenate([first.names(), second.names()])
    codes = np.unique(names, return_inverse=True)[1]
    return codes[: len(first.codes)], codes[len(first.codes) :]


def _sites(dataset: Dataset, codes: np.ndarray) -> Sites:
    month, day = (dataset.calendar[:, number].numpy() for number in (column.MONTH, column.DAY))
    return Sites(codes, dataset.lat < 0.0, day_slot(month, day))


def build_series(dataset: Dataset, split: AnySplit, groups: Sequence[str] | None = None) -> Series:
    """Observations and baselines. Climatologies come from all site-years but test data, that of classes from the first
    of `groups`, class variables by default those of `group_names`.
    """
    groups = group_names(dataset, ()) if groups is None else groups
    flux, calendar = dataset.flux.numpy(), dataset.calendar.numpy()
    learnable = learnable_days(split, dataset).numpy()
    month, day = calendar[:, column.MONTH], calendar[:, column.DAY]
    return Series(
        observed=dataset.scored_flux().numpy(),
        climatology=class_climatology(flux, _sites(dataset, dataset.group(next(iter(groups), None)).codes), learnable),
        site_climatology=site_climatology(flux, month, day, learnable),
        groups={name: dataset.group(name) for name in groups},
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
    tables: dict[str, Any], intervals: Intervals, views: Views, dataset: Dataset, split: AnySplit
) -> None:
    """Add `uncertainty` to every target of the skill tables."""
    for name, table in [*tables["splits"].items(), *tables["other_modes"].items()]:
        part, _, _ = name.partition("_")
        days = split.days(dataset, part).numpy()
        view = views.of_mode(table["mode"])
        scores = score_quantiles(intervals.daily, view, dataset, split.train_sites, days)
        sums = score_sums(intervals, view, dataset, split.train_sites, days)
        for (target, uncertainty), of_years in zip(scores.items(), sums, strict=True):
            table["targets"][target]["uncertainty"] = uncertainty | {"annual": of_years}


def _score_parts(series: Series, dataset: Dataset, split: AnySplit, views: Views) -> tuple[dict[str, Any], np.ndarray]:
    """Skill tables, and the predictions (N, T, C) that the main table is about.

    Sites that were trained on are scored with their past flux where the model takes it; held-out sites are new places
    without measurements. The other combinations are reported apart, under `other_modes`. Where nothing was held out,
    training days are scored, which tells how well they were learned and no more.
    """
    tables: dict[str, Any] = {"splits": {}, "other_modes": {}}
    days_of_part = {part: split.days(dataset, part).numpy() for part in TEST_PARTS}
    if not any(days.any() for days in days_of_part.values()):
        log.warning("%s: nothing is held out: the training days are scored, which is no test", dataset.path)
        days_of_part = {"train": split.days(dataset, "train").numpy()}
    for part, days in days_of_part.items():
        if not days.any():
            continue
        trained_on = part in ("temporal", "train")
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
    path: Path,
    trained: TrainedModel,
    dataset: Dataset,
    split: AnySplit,
    series: Series,
    predicted: np.ndarray,
    bands: np.ndarray | None,
    left_out: LeftOut | None,
) -> None:
    """predictions.nc: observed, predicted and climatological flux, quantiles, predictions for sites left out, and the
    part that each site-day is in.
    """
    fluxes = {}
    for index, target in enumerate(series.targets):
        fluxes[target.name] = (target, series.observed[..., index], "observed or simulated")
        fluxes[f"{target.name}_pred"] = (target, predicted[..., index], "predicted")
        fluxes[f"{target.name}_climatology"] = (target, series.climatology[..., index], "climatology of the class")
        if bands is not None:
            values = band_series(target, bands[..., index, :])
            fluxes |= {name: (of, values[name], what) for name, (of, what) in band_content(target).items()}
        if (of_process := process_series(dataset, target)) is not None:
            fluxes[f"{target.name}_process"] = (target, of_process, "of the process model, an input")
        if left_out is not None:
            of_others = np.where(left_out.days, left_out.views[0].predicted[..., index], np.nan)
            fluxes[f"{target.name}_left_out"] = (target, of_others, "predicted by a training without the site")
    codes = part_codes(split, dataset)
    write_predictions(path, dataset, fluxes, file_attributes(trained), (codes, LABELS))


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
