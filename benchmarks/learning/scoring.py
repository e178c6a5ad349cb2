"""Tests of a trained model: the records of its skill, and sums by site, year and season.

A test scores parts of the split: 'temporal', 'spatial' and 'spatiotemporal', or 'leave_biome_out' alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from benchmarks.learning import ceilings, data, plan, statistics
from benchmarks.learning.plan import Run
from benchmarks.learning.preparation import open_ensemble, site_order
from benchmarks.learning.training import TrainedModel, all_visible
from benchmarks.learning.workspace import Workspace
from emulator.data import calendar as column
from emulator.data.dataset import Dataset
from emulator.data.scalers import Scalers, fit_scalers
from emulator.data.splits import Split
from emulator.data.windows import training_data
from emulator.evaluation.quantile_fitting import fit_quantiles
from emulator.evaluation.quantile_series import score_quantiles
from emulator.evaluation.views import View, years_known
from emulator.models.streaming import step_through
from emulator.models.wrappers.quantiles import QuantileModel
from emulator.runs import trained_model
from emulator.runs.run_folder import RunFolder

QUANTILE_DAYS = 7
"""Every so many days of the tests are scored with quantiles, which costs more than all else of a test."""
SCALER_SITES = 200


@dataclass(frozen=True)
class Experiment:
    """A run with the data that it was trained and is tested on, and the model that training gave."""

    run: Run
    workspace: Workspace
    dataset: Dataset
    split: Split
    trained: TrainedModel

    @property
    def site_rows(self) -> dict[str, np.ndarray]:
        """Rows of the sites that each part is scored on: some of those trained on, and those held out."""
        held_out = np.flatnonzero(self.split.test_sites)
        if self.run.split == "biome":
            return {"leave_biome_out": held_out}
        most = self.workspace.suite.evaluation_sites
        trained_on = np.sort(site_order(self.split.train_sites, self.run.seed)[:most])
        return {"temporal": trained_on, "spatial": held_out, "spatiotemporal": held_out}


@dataclass(frozen=True)
class ScoredSites:
    """Sites of a test: their rows in the dataset, by part and all together, and the data and split of the latter."""

    by_part: dict[str, np.ndarray]
    rows: np.ndarray
    data: Dataset
    split: Split

    @classmethod
    def of(
        cls, dataset: Dataset, split: Split, by_part: dict[str, np.ndarray], *, unscored: np.ndarray | None = None
    ) -> "ScoredSites":
        """unscored: rows of more sites that predictions are wanted of."""
        rows = np.unique(np.concatenate([*by_part.values(), *([] if unscored is None else [unscored])]))
        return cls(by_part, rows, dataset.site_subset(rows), split_of_sites(split, rows))

    def days(self, part: str) -> np.ndarray:
        """Site-days of a part, (N, T) bool."""
        scored = part_mask(self.split, part)[:, : len(self.data.years)]
        return self.data.day_mask(scored & np.isin(self.rows, self.by_part[part])[:, None]).numpy()


@dataclass
class Scores:
    """What a run's files hold: records, and arrays by name."""

    records: list[dict[str, Any]] = field(default_factory=list)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)

    def add(self, sites: ScoredSites, predicted: np.ndarray, prefix: str, labels: dict[str, Any]) -> None:
        """Score predictions (N, T, C); prefix: of the names of the sums; labels: of the records."""
        for record, table in _skill(sites, predicted):
            self.records.append(labels | record)
            self.arrays[f"{prefix}__{record['split']}__{record['target']}"] = table

    def add_axes(self, dataset: Dataset, by_part: dict[str, np.ndarray], split: Split) -> None:
        """Rows of the dataset and years of each part's sums."""
        for part, rows in by_part.items():
            mask = part_mask(split, part)
            self.arrays[f"site__{part}"] = rows[mask[rows].any(axis=1)]
            self.arrays[f"year__{part}"] = dataset.years[mask.any(axis=0)]


def score(experiment: Experiment) -> Scores:
    """Skill in all modes, and of predicted quantiles where the model is as it is."""
    run, dataset, split, trained = experiment.run, experiment.dataset, experiment.split, experiment.trained
    with_quantiles = not run.variant
    unscored = np.flatnonzero(split.validation_sites) if with_quantiles else None
    sites = ScoredSites.of(dataset, split, experiment.site_rows, unscored=unscored)
    views: dict[str, View] = {}
    for mode in trained.modes:
        gauged = mode == "gauged"
        predicted = trained.predict(sites.data, all_visible(sites.data) if gauged else None)
        views[mode] = View(predicted, years_known(sites.data) if gauged else None)
    quantiles = None
    if with_quantiles:
        scalers = _quantile_scalers(run, dataset, split)
        quantiles = fit_quantiles(list(views.values()), sites.data, sites.split, scalers=scalers, seed=run.seed)
    scores = Scores()
    for mode, view in views.items():
        scores.add(sites, view.predicted, mode, {"past_flux": mode})
        if quantiles is not None:
            uncertainty = _uncertainty(quantiles, view, sites)
            for record in scores.records:
                if record["past_flux"] == mode:
                    record.update(uncertainty.get((record["split"], record["target"]), {}))
    scores.add_axes(dataset, sites.by_part, split)
    return scores


def score_self_fed(experiment: Experiment) -> Scores:
    """As `score`, stepping day by day with the model's own fluxes as its history, and no measured flux at all."""
    assert experiment.trained.folder is not None
    model = trained_model.load(RunFolder(experiment.trained.folder), past_flux="self_fed").model
    sites = ScoredSites.of(experiment.dataset, experiment.split, experiment.site_rows)
    with torch.no_grad():
        start = model.init_state(sites.data.static)
        predicted, _ = step_through(model, sites.data.drivers, sites.data.calendar, start)
    scores = Scores()
    scores.add(sites, predicted.numpy(), "self_fed", {"past_flux": "self_fed"})
    scores.add_axes(experiment.dataset, sites.by_part, experiment.split)
    return scores


def score_retrieved(experiment: Experiment) -> Scores:
    """As `score`, with the kriging of the hidden parameters in the place of the true ones, which were trained with;
    parameters that cannot be told from the training sites are at their mean.
    """
    run, workspace, split = experiment.run, experiment.workspace, experiment.split
    ensemble = open_ensemble(run.ensemble, workspace)
    names, values = ceilings.kriged_parameters(
        workspace.dataset_path(run.ensemble).parent, ensemble, split, buffer_km=workspace.suite.buffer_km
    )
    kriged = dict(zip(names, torch.as_tensor(values).unbind(1), strict=True))
    static = experiment.dataset.static.clone()
    for index, name in enumerate(experiment.dataset.signature.static_names):
        if name not in ensemble.signature.static_names:
            static[:, index] = kriged.get(name, static[torch.as_tensor(split.train_sites), index].mean())
    dataset = replace(experiment.dataset, static=static)
    sites = ScoredSites.of(dataset, split, experiment.site_rows)
    predicted = experiment.trained.predict(sites.data, None)
    mode = experiment.trained.modes[-1]
    scores = Scores()
    scores.add(sites, predicted, mode, {"past_flux": mode})
    for record in scores.records:
        record.update(model=f"{run.kind}/{plan.RETRIEVED}", variant=plan.RETRIEVED)
    scores.add_axes(dataset, sites.by_part, split)
    return scores


def score_history_length(experiment: Experiment) -> Scores:
    """Skill in the first test year with the flux of the k years before it visible, at known and at new sites."""
    dataset, split = experiment.dataset, experiment.split
    first_year = int(dataset.years[split.test_years][0])
    by_part = {part: rows for part, rows in experiment.site_rows.items() if part != "spatial"}
    first_year_only = replace(split, test_years=split.test_years & (dataset.years <= first_year))
    sites = ScoredSites.of(data.until(dataset, first_year), first_year_only, by_part)
    year = sites.data.calendar[:, column.YEAR]
    scores = Scores()
    for years in plan.HISTORY_YEARS:
        visible = ((year >= first_year - years) & (year < first_year)).expand(len(sites.rows), -1)
        predicted = experiment.trained.predict(sites.data, visible)
        scores.add(sites, predicted, f"k{years}", {"past_flux": "gauged", "history_years": years})
    scores.add_axes(dataset, by_part, first_year_only)
    return scores


TASKS = {
    "score": score,
    "self_fed": score_self_fed,
    "history_length": score_history_length,
    "retrieved": score_retrieved,
}
"""Tests by the task of a run."""


def split_of_sites(split: Split, rows: np.ndarray) -> Split:
    """The split of some of the sites."""
    masks = {name: getattr(split, name)[rows] for name in ("train_sites", "validation_sites", "test_sites", "block")}
    return replace(split, **masks)


def part_mask(split: Split, part: str) -> np.ndarray:
    """Site-years (N, Y) of a part; those of a biome that is left out are those of held-out sites."""
    return split.mask("spatial" if part == "leave_biome_out" else part)


def _quantile_scalers(run: Run, dataset: Dataset, split: Split) -> Scalers:
    """Scalers from some of the training sites, for the features of the quantiles."""
    rows = np.sort(site_order(split.train_sites, run.seed)[:SCALER_SITES])
    windows = training_data(dataset.site_subset(rows), split_of_sites(split, rows).mask("train"))
    return fit_scalers(windows, dataset.signature)


def _uncertainty(quantiles: QuantileModel, view: View, sites: ScoredSites) -> dict[tuple[str, str], dict[str, Any]]:
    """Scores of quantiles by part and target, on a share of the days."""
    scored_days = np.arange(len(sites.data.time)) % QUANTILE_DAYS == 0
    uncertainty: dict[tuple[str, str], dict[str, Any]] = {}
    for part in sites.by_part:
        days = sites.days(part) & scored_days
        if not days.any():
            continue
        scores_by_target = score_quantiles(quantiles, view, sites.data, sites.split.train_sites, days)
        for target, scores in scores_by_target.items():
            spread_skill = scores.get("spread_skill")
            uncertainty[part, target] = {
                "crps": scores.get("crps"),
                "coverage90": scores.get("coverage90"),
                "width90": scores.get("width90"),
                "reliability": {"levels": scores.get("levels"), "below": scores.get("below")},
                "spread_skill_slope": (spread_skill or {}).get("slope"),
                "spread_skill_ratio": (spread_skill or {}).get("ratio"),
                "spread_skill": spread_skill,
            }
    return uncertainty


def _skill(sites: ScoredSites, predicted: np.ndarray) -> Iterator[tuple[dict[str, Any], np.ndarray]]:
    """Record and sums of each part and target; predicted: (N, T, C)."""
    calendar = sites.data.calendar.numpy()
    for part in sites.by_part:
        days = sites.days(part)
        if not days.any():
            continue
        site_rows, day_rows = np.flatnonzero(days.any(axis=1)), np.flatnonzero(days.any(axis=0))
        scored = np.ix_(site_rows, day_rows)
        year, month = calendar[day_rows, column.YEAR], calendar[day_rows, column.MONTH]
        for index, target in enumerate(sites.data.signature.target_names):
            observed = np.where(days[scored], sites.data.flux[..., index].numpy()[scored], np.nan)
            table = statistics.sums(observed, predicted[..., index][scored], year, month)
            record = {"target": target, "split": part, "sites": len(table)} | statistics.metrics(table)
            yield record, table
