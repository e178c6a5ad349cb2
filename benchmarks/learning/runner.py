"""One run of the benchmark: train, predict, score, write KEY.npz and then KEY.json, which says that the run is done."""

import json
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.learning import data, plan, statistics
from benchmarks.learning.plan import Run, Suite
from emulator.data.dataset import Dataset
from emulator.data.scalers import Scalers, fit_scalers
from emulator.data.signature import Signature
from emulator.data.splits import Split
from emulator.data.windows import training_data
from emulator.evaluation.metrics import to_json
from emulator.evaluation.offline import predict
from emulator.evaluation.quantile_fitting import fit_quantiles
from emulator.evaluation.quantile_series import score_quantiles
from emulator.evaluation.views import View, years_known
from emulator.models.streaming import step_through
from emulator.models.wrappers.quantiles import QuantileModel
from emulator.runs import trained_model
from emulator.runs.run_folder import RunFolder, RunFolderError
from emulator.training.fit import fit
from foundations import atomic_file, configuration_file
from foundations.provenance import git_hash, now
from foundations.variables import BIOMES

log = logging.getLogger(__name__)

QUANTILE_DAYS = 7
"""Every so many days of the tests are scored with quantiles, which costs more than all else of a test."""
SCALER_SITES = 200
TIMED_SITES = 32
"""Sites whose whole records are predicted to measure the time that a site-year takes."""

Predict = Callable[[Dataset, Tensor | None], np.ndarray]


@dataclass(frozen=True)
class Bench:
    """Where things are. data: the ensembles; work: caches, trainings and results; tuned: folder of tuned options."""

    suite: Suite
    data: Path
    work: Path
    tuned: Path

    @property
    def results(self) -> Path:
        return self.work / "results"

    def options(self, run: Run) -> dict[str, Any]:
        """Tuned sections of the configuration of a kind: of ENSEMBLE/KIND.yaml, else KIND.yaml, else none."""
        return tuned_options(self.tuned / run.ensemble / f"{run.kind}.yaml") or tuned_options(
            self.tuned / f"{run.kind}.yaml"
        )

    def key(self, run: Run) -> str:
        return plan.key(run, self.suite, self.options(run))

    def training_key(self, run: Run) -> str:
        """Name of the training that the run tests, which other runs may test, too."""
        return plan.training_key(run, self.suite, self.options(run))

    def result(self, run: Run) -> Path:
        return self.results / f"{self.key(run)}.json"

    def dataset_path(self, ensemble: str) -> Path:
        return self.data / ensemble / "dataset.nc"

    def has_parameters(self, ensemble: str) -> bool:
        """Whether the hidden parameters of an ensemble are known, for oracles."""
        return (self.data / ensemble / "params_truth.nc").exists()


@lru_cache
def tuned_options(path: Path) -> dict[str, Any]:
    """Sections of a YAML file, plain containers."""
    if not path.exists():
        return {}
    from ruamel.yaml import YAML

    content = YAML(typ="safe", pure=True).load(path.read_text()) or {}
    return {name: content[name] for name in ("model", "training", "loss") if content.get(name)}


@dataclass(frozen=True)
class Trained:
    """A model after training: how it predicts, and what training took. `network` is None for classical ones."""

    predict: Predict
    parameters: int
    modes: tuple[str, ...]
    train_seconds: float
    epoch_seconds: float | None
    epochs: int | None
    folder: Path | None
    signature: Signature


def execute(run: Run, bench: Bench) -> dict[str, Any]:
    """Do a run and write its files; returns the content of its JSON."""
    began = time.perf_counter()
    dataset, split, biome = prepare(run, bench)
    trained = train(run, bench, dataset, split, biome)
    tests = {
        "score": score,
        "self_fed": score_self_fed,
        "history_length": score_history_length,
        "retrieved": score_retrieved,
    }
    records, tables = tests[run.task](run, bench, trained, dataset, split)
    common = {
        "crps": None,
        "coverage90": None,
        "suite": bench.suite.name,
        "ensemble": run.ensemble,
        "model": run.model,
        "kind": run.kind,
        "variant": run.variant,
        "trained_with_past_flux": run.history,
        "seed": run.seed,
        "params": trained.parameters,
        "cpu_ms_per_site_year": cpu_ms_per_site_year(trained, dataset, split),
        "epoch_seconds": trained.epoch_seconds,
        "train_seconds": trained.train_seconds,
    }
    content = to_json(
        {
            "key": bench.key(run),
            "run": asdict(run),
            "records": [common | record for record in records],
            "left_out_biome": biome,
            "sites": {"train": int(split.train_sites.sum()), "test": int(split.test_sites.sum())},
            "epochs": trained.epochs,
            "seconds": round(time.perf_counter() - began, 2),
            "provenance": {
                "created": now(),
                "git_hash": git_hash(),
                "tuned": bench.options(run),
            },
        }
    )
    places = {name: getattr(dataset, name) for name in ("lat", "lon", "biome")}
    write_arrays(bench.result(run).with_suffix(".npz"), tables | places)
    atomic_file.write_json(bench.result(run), content)
    return content


def prepare(run: Run, bench: Bench) -> tuple[Dataset, Split, str]:
    """Dataset with the statics of this run, its split, and the name of the biome that is left out, or ''."""
    dataset = open_ensemble(run.ensemble, bench)
    biome = ""
    if run.split == "biome":
        code = plan.left_out_biome(run.seed, dataset.biome)
        if code is None:
            raise ValueError(f"{dataset.path}: no biome has enough sites to be left out")
        biome = BIOMES[code]
        dataset = data.without_static(dataset, "biome")
    settings = bench.suite.split | {"test_fold": run.seed % bench.suite.split["folds"], "leave_biome": biome}
    split = plan.SplitConfig(**settings).build(dataset.lat, dataset.lon, dataset.years, dataset.biome)
    if run.share < 1.0:
        split = replace(split, train_sites=_share_of(split.train_sites, run.share, run.seed))
    if run.parameters:
        dataset = with_parameters(run.parameters, bench.dataset_path(run.ensemble).parent, dataset, split)
    return dataset, split, biome


def open_ensemble(name: str, bench: Bench) -> Dataset:
    """The dataset of an ensemble, mapped."""
    ensemble = plan.ENSEMBLES[name]
    signature = Signature.from_names(ensemble.inputs, ensemble.statics, ensemble.targets)
    return data.open_mapped(bench.dataset_path(name), signature, bench.work / "cache")


def with_parameters(kind: str, folder: Path, dataset: Dataset, split: Split) -> Dataset:
    """The dataset with hidden parameters among its statics, for oracles."""
    ceilings = import_module("benchmarks.learning.ceilings")
    if kind == "true":
        names, values = ceilings.true_parameters(folder, dataset.site_id)
    else:
        names, values = ceilings.kriged_parameters(folder, dataset, split)
    return data.with_statics(dataset, tuple(names), np.asarray(values))


def _share_of(sites: np.ndarray, share: float, seed: int) -> np.ndarray:
    """A share of the marked sites; smaller shares of the same seed are within larger ones."""
    order = _order(sites, seed)
    chosen = np.zeros_like(sites)
    chosen[order[: max(1, round(share * len(order)))]] = True
    return chosen


def _order(sites: np.ndarray, seed: int) -> np.ndarray:
    """Rows of the marked sites in a random order, the same whichever others are marked, so that choices are nested."""
    rank = np.random.default_rng([seed, 77]).random(len(sites))
    rows = np.flatnonzero(sites)
    return rows[np.argsort(rank[rows])]


# ---- training -----------------------------------------------------------------------------------------------------


def train(run: Run, bench: Bench, dataset: Dataset, split: Split, biome: str) -> Trained:
    """Train, or take up what is trained already."""
    torch.set_num_threads(1)
    if not plan.is_network(run.kind):
        return _train_classical(run, dataset, split)
    options = bench.options(run)
    config = plan.configuration(run, bench.suite, dataset.path, options, biome)
    folder = RunFolder(bench.work / "trainings" / bench.training_key(run))
    try:
        fit(config, dataset, split, folder, signature=dataset.signature)
    except (RunFolderError, configuration_file.ConfigError) as error:
        if not folder.last.exists():
            raise
        log.warning("%s; training it anew", error)
        fit(config, dataset, split, folder, signature=dataset.signature, overwrite=True)
    found = trained_model.load(folder)
    seconds = [entry["seconds"] for entry in folder.read_log()]
    return Trained(
        predict=lambda some, visible: predict(found.model, some, visible),
        parameters=sum(p.numel() for p in found.model.parameters()),
        modes=("none",) if found.model.past_flux == "none" else ("gauged", "ungauged"),
        train_seconds=seconds[-1],
        epoch_seconds=round(float(np.median(np.diff([0.0, *seconds]))), 3),
        epochs=len(seconds),
        folder=folder.path,
        signature=dataset.signature,
    )


def _train_classical(run: Run, dataset: Dataset, split: Split) -> Trained:
    module = import_module(f"emulator.baselines.{run.kind}")
    began = time.perf_counter()
    found = module.fit(dataset, split, dataset.signature, past_flux=run.history, seed=run.seed)
    return Trained(
        predict=found.predict,
        parameters=int(found.parameters),
        modes=("gauged", "ungauged") if run.history else ("none",),
        train_seconds=round(time.perf_counter() - began, 3),
        epoch_seconds=None,
        epochs=None,
        folder=None,
        signature=dataset.signature,
    )


def cpu_ms_per_site_year(trained: Trained, dataset: Dataset, split: Split) -> float:
    """Processor time of offline prediction in one thread, ms; with past flux where the model takes it."""
    some = dataset.site_subset(np.flatnonzero(split.train_sites | split.test_sites)[:TIMED_SITES])
    visible = everything(some) if "gauged" in trained.modes else None
    times = []
    for _ in range(2):
        began = time.process_time()
        trained.predict(some, visible)
        times.append(time.process_time() - began)
    return round(1000.0 * min(times) / (some.n_sites * len(some.years)), 4)


# ---- tests --------------------------------------------------------------------------------------------------------


def everything(dataset: Dataset) -> Tensor:
    """All site-days visible: a model sees the flux of earlier years only, whatever is marked."""
    return torch.ones(dataset.flux.shape[:2], dtype=torch.bool)


def test_sites(run: Run, bench: Bench, split: Split) -> dict[str, np.ndarray]:
    """Rows of the sites that each part is scored on: some of those trained on, and those held out."""
    trained_on = np.sort(_order(split.train_sites, run.seed)[: bench.suite.evaluation_sites])
    held_out = np.flatnonzero(split.test_sites)
    if run.split == "biome":
        return {"leave_biome_out": held_out}
    return {"temporal": trained_on, "spatial": held_out, "spatiotemporal": held_out}


def score(run: Run, bench: Bench, trained: Trained, dataset: Dataset, split: Split) -> tuple[list, dict]:
    """Records and tables of all modes, splits and targets."""
    sites = test_sites(run, bench, split)
    with_quantiles = not run.variant
    extra = [np.flatnonzero(split.validation_sites)] if with_quantiles else []
    rows = np.unique(np.concatenate([*sites.values(), *extra]))
    some, part_of_split = dataset.site_subset(rows), sites_of(split, rows)
    views: dict[str, View] = {}
    for mode in trained.modes:
        gauged = mode == "gauged"
        predicted = trained.predict(some, everything(some) if gauged else None)
        views[mode] = View(predicted, years_known(some) if gauged else None)
    quantiles = None
    if with_quantiles:
        scalers = _scalers(run, dataset, split)
        quantiles = fit_quantiles(list(views.values()), some, part_of_split, scalers=scalers, seed=run.seed)
    records, tables = [], {}
    for mode, view in views.items():
        uncertain = _uncertainty(quantiles, view, some, part_of_split, rows, sites) if quantiles is not None else {}
        for record, table in _scored(some, rows, sites, split, view.predicted):
            more = uncertain.get((record["split"], record["target"]), {})
            records.append({"past_flux": mode} | record | more)
            tables[f"{mode}__{record['split']}__{record['target']}"] = table
    return records, tables | _axes(dataset, sites, split)


def _scalers(run: Run, dataset: Dataset, split: Split) -> Scalers:
    """Scalers from some of the training sites, for the features of the quantiles."""
    rows = np.sort(_order(split.train_sites, run.seed)[:SCALER_SITES])
    known = training_data(dataset.site_subset(rows), sites_of(split, rows).mask("train"))
    return fit_scalers(known, dataset.signature)


def sites_of(split: Split, rows: np.ndarray) -> Split:
    """The split of some of the sites."""
    masks = {name: getattr(split, name)[rows] for name in ("train_sites", "validation_sites", "test_sites", "block")}
    return replace(split, **masks)


def _uncertainty(
    quantiles: QuantileModel, view: View, some: Dataset, split: Split, rows: np.ndarray, sites: dict[str, np.ndarray]
) -> dict[tuple[str, str], dict[str, Any]]:
    """Scores of quantiles by part and target, on a share of the days."""
    shown = np.arange(len(some.time)) % QUANTILE_DAYS == 0
    found = {}
    for part, chosen in sites.items():
        mask = split.mask("spatial" if part == "leave_biome_out" else part) & np.isin(rows, chosen)[:, None]
        days = some.day_mask(mask).numpy() & shown
        if not days.any():
            continue
        for target, scores in score_quantiles(quantiles, view, some, split.train_sites, days).items():
            found[part, target] = {
                "crps": scores.get("crps"),
                "coverage90": scores.get("coverage90"),
                "width90": scores.get("width90"),
                "reliability": {"levels": scores.get("levels"), "below": scores.get("below")},
                "spread_skill_slope": (scores.get("spread_skill") or {}).get("slope"),
                "spread_skill_ratio": (scores.get("spread_skill") or {}).get("ratio"),
                "spread_skill": scores.get("spread_skill"),
            }
    return found


def score_self_fed(run: Run, bench: Bench, trained: Trained, dataset: Dataset, split: Split) -> tuple[list, dict]:
    """As `score`, stepping day by day with the model's own fluxes as its history, and no measured flux at all."""
    assert trained.folder is not None
    model = trained_model.load(RunFolder(trained.folder), past_flux="self_fed").model
    sites = test_sites(run, bench, split)
    rows = np.unique(np.concatenate(list(sites.values())))
    some = dataset.site_subset(rows)
    with torch.no_grad():
        predicted, _ = step_through(model, some.drivers, some.calendar, model.init_state(some.static))
    records, tables = [], {}
    for record, table in _scored(some, rows, sites, split, predicted.numpy()):
        records.append({"past_flux": "self_fed"} | record)
        tables[f"self_fed__{record['split']}__{record['target']}"] = table
    return records, tables | _axes(dataset, sites, split)


def score_retrieved(run: Run, bench: Bench, trained: Trained, dataset: Dataset, split: Split) -> tuple[list, dict]:
    """As `score`, with the kriging of the hidden parameters in the place of the true ones, which were trained with;
    parameters that cannot be told from the training sites are at their mean.
    """
    ceilings = import_module("benchmarks.learning.ceilings")
    ensemble = open_ensemble(run.ensemble, bench)
    names, values = ceilings.kriged_parameters(bench.dataset_path(run.ensemble).parent, ensemble, split)
    known = dict(zip(names, torch.as_tensor(values).unbind(1), strict=True))
    static = dataset.static.clone()
    for column, name in enumerate(dataset.signature.static_names):
        if name not in ensemble.signature.static_names:
            static[:, column] = known.get(name, static[torch.as_tensor(split.train_sites), column].mean())
    sites = test_sites(run, bench, split)
    rows = np.unique(np.concatenate(list(sites.values())))
    some = replace(dataset, static=static).site_subset(rows)
    predicted = trained.predict(some, None)
    records, tables = [], {}
    for record, table in _scored(some, rows, sites, split, predicted):
        names_of_variant = {"model": f"{run.kind}/{plan.RETRIEVED}", "variant": plan.RETRIEVED}
        records.append({"past_flux": trained.modes[-1]} | record | names_of_variant)
        tables[f"{trained.modes[-1]}__{record['split']}__{record['target']}"] = table
    return records, tables | _axes(dataset, sites, split)


def score_history_length(run: Run, bench: Bench, trained: Trained, dataset: Dataset, split: Split) -> tuple[list, dict]:
    """Skill in the first test year with the flux of the k years before it visible, at known and at new sites."""
    year = int(dataset.years[split.test_years][0])
    sites = {part: rows for part, rows in test_sites(run, bench, split).items() if part != "spatial"}
    rows = np.unique(np.concatenate(list(sites.values())))
    some = data.until(dataset, year).site_subset(rows)
    only = replace(split, test_years=split.test_years & (dataset.years <= year))
    records, tables = [], {}
    for known in plan.HISTORY_YEARS:
        past = some.calendar[:, 0]
        visible = ((past >= year - known) & (past < year)).expand(len(rows), -1)
        predicted = trained.predict(some, visible)
        for record, table in _scored(some, rows, sites, only, predicted):
            records.append({"past_flux": "gauged", "history_years": known} | record)
            tables[f"k{known}__{record['split']}__{record['target']}"] = table
    return records, tables | _axes(dataset, sites, only)


def _scored(
    some: Dataset, rows: np.ndarray, sites: dict[str, np.ndarray], split: Split, predicted: np.ndarray
) -> Iterator[tuple[dict[str, Any], np.ndarray]]:
    """Record and table of each part and target; predicted: (N, T, C) for the sites `rows` of the split."""
    calendar = some.calendar.numpy()
    for part, chosen in sites.items():
        mask = split.mask("spatial" if part == "leave_biome_out" else part)[rows][:, : len(some.years)]
        days = some.day_mask(mask & np.isin(rows, chosen)[:, None]).numpy()
        cut = np.ix_(days.any(axis=1), days.any(axis=0))
        if not days.any():
            continue
        year, month = calendar[cut[1][0], 0], calendar[cut[1][0], 1]
        for index, target in enumerate(some.signature.target_names):
            observed = np.where(days[cut], some.flux[..., index].numpy()[cut], np.nan)
            table = statistics.sums(observed, predicted[..., index][cut], year, month)
            found = statistics.metrics(table)
            yield {"target": target, "split": part, "sites": len(table)} | found, table


def _axes(dataset: Dataset, sites: dict[str, np.ndarray], split: Split) -> dict[str, np.ndarray]:
    """Rows of the dataset and years of each part's tables."""
    found = {}
    for part, rows in sites.items():
        mask = split.mask("spatial" if part == "leave_biome_out" else part)
        found[f"site__{part}"] = rows[mask[rows].any(axis=1)]
        found[f"year__{part}"] = dataset.years[mask.any(axis=0)]
    return found


def write_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write an .npz atomically."""
    with atomic_file.replacing(path) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(file, **arrays)


def read_result(path: Path) -> dict[str, Any]:
    """Content of a run's JSON."""
    return json.loads(path.read_text())


def has_result(run: Run, bench: Bench) -> bool:
    """Whether a run is done; failed runs are not."""
    path = bench.result(run)
    return path.exists() and "error" not in read_result(path)
