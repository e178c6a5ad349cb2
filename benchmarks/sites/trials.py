"""A trial: one training of one model on an ensemble by a protocol, with the score of every site."""

import tempfile
import time
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.learning import ceilings, data, plan
from benchmarks.learning.workspace import tuned_options
from benchmarks.sites.neighbour_flux import with_neighbour_flux
from emulator.configuration.schema import Config
from emulator.data.dataset import Dataset
from emulator.data.signature import CLIMATE_NORMALS, Signature
from emulator.data.splits import Split, SplitConfig
from emulator.evaluation.offline import predict
from emulator.runs import trained_model
from emulator.training.fit import fit
from foundations.provenance import git_hash, now
from foundations.variables import BIOMES

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Ensemble:
    """A dataset DIR/NAME/dataset.nc. like: the ensemble of the learning benchmark with its inputs and targets;
    structured: share of the hidden parameters' variance that is no noise; block_degrees: of its blocked folds.
    """

    like: str
    structured: float = 0.7
    block_degrees: float = 5.0

    @property
    def variables(self) -> plan.Ensemble:
        """Inputs, statics and targets."""
        return plan.ENSEMBLES[self.like]


ENSEMBLES = {
    "corn_belt_structured": Ensemble("cropland", 1.0, 2.5),
    "boreal_wetland_structured": Ensemble("wetland", 1.0, 2.5),
    "corn_belt": Ensemble("cropland", 0.7, 2.5),
    "boreal_wetland": Ensemble("wetland", 0.7, 2.5),
    "wetland": Ensemble("wetland"),
    "cropland": Ensemble("cropland"),
}
PROTOCOLS = ("interpolation", "extrapolation", "sparse", "biome")
"""Random folds of sites; folds of blocks with a buffer around them; random folds with a tenth of the training sites;
one class of sites left out. Each is tested at new sites in the years of training and at its training sites in later
years.
"""
SPARSE_SHARE = 0.1
BUFFER_KM = 100.0
PARTS = {"new": "spatial", "later": "temporal", "validation": "validation_spatial"}
"""By part of a split: new sites in the years of training, sites of training in later years, and the sites by which
checkpoints and options are chosen.
"""
TEST_YEARS, VALIDATION_YEARS, FOLDS = 2, 1, 5
TRAINING = {
    "epochs": 15,
    "batch_size": 8,
    "years_per_window": 2,
    "windows_per_site": 3,
    "validation_sites": 48,
    "validation_every": 3,
    "threads": 1,
}

VARIANTS: dict[str, dict[str, Any]] = {
    "fair": {"coordinates": "standardised"},
    "past": {"past_flux": "ungauged"},
    "code": {"code_size": 8},
    "no_code": {"code_size": 0},
    "roles": {"code_roles": True},
    "functional": {"local": False},
    "local": {"functional": False},
    "true": {},
    "kriged": {},
    "neighbours": {},
}
"""Options of a model by name. `fair` also gives climate normals: what XGBoost has. `past`: trained with past flux.
`true` and `kriged` give the hidden parameters, or their kriging from the training sites, as statics; `neighbours` the
kriged mean course of the year at training sites, as a driver.
"""


@dataclass(frozen=True)
class Trial:
    """A training: `model` is a kind, or KIND/NAME+NAME with the options of these names; the seed is the fold, too."""

    ensemble: str
    protocol: str
    model: str
    seed: int

    @property
    def kind(self) -> str:
        return self.model.partition("/")[0]

    @property
    def variants(self) -> list[str]:
        """Names of the options."""
        return [name for name in self.model.partition("/")[2].split("+") if name]

    @property
    def options(self) -> dict[str, Any]:
        """Of the model, where they are not the tuned ones."""
        return {key: value for name in self.variants for key, value in VARIANTS[name].items()}

    @property
    def name(self) -> str:
        """Of its file."""
        return f"{self.ensemble}-{self.protocol}-{self.model.replace('/', '+')}-{self.seed}"


def left_out(trial: Trial, dataset: Dataset) -> str:
    """The class of sites that a trial leaves out, '' for none; ValueError where the ensemble has but one."""
    if trial.protocol != "biome":
        return ""
    code = plan.left_out_biome(trial.seed, dataset.biome)
    if code is None:
        message = f"{dataset.path}: no class of sites is of a size to be left out"
        raise ValueError(message)
    return BIOMES[code]


def split_of(trial: Trial, dataset: Dataset) -> Split:
    """The split of a protocol; the seed chooses the fold, or the class that is left out."""
    blocked = SplitConfig(
        test_years=TEST_YEARS,
        validation_years=VALIDATION_YEARS,
        folds=FOLDS,
        test_fold=trial.seed % FOLDS,
        block_degrees=ENSEMBLES[trial.ensemble].block_degrees,
        buffer_km=BUFFER_KM,
        leave_biome=left_out(trial, dataset),
    ).build(dataset.lat, dataset.lon, dataset.years, dataset.biome)
    if trial.protocol in ("extrapolation", "biome"):
        return blocked
    random = np.random.default_rng(17)  # folds are the same for all seeds
    place = random.permutation(dataset.n_sites)
    test = place % FOLDS == trial.seed % FOLDS
    validation = ~test & (random.random(dataset.n_sites) < 0.1)
    train = ~test & ~validation
    if trial.protocol == "sparse":
        train &= random.random(dataset.n_sites) < SPARSE_SHARE
    return replace(
        blocked, train_sites=train, validation_sites=validation, test_sites=test, block=np.arange(dataset.n_sites)
    )


def configuration(trial: Trial, path: Path) -> Config:
    """The configuration of a network's training."""
    variables, tuned = ENSEMBLES[trial.ensemble].variables, tuned_options(ROOT / f"configs/models/{trial.kind}.yaml")
    model = {"hidden": 32, **tuned.get("model", {}), "kind": trial.kind, **trial.options}
    return Config.model_validate(
        {
            "seed": trial.seed,
            "data": {
                "path": path,
                "inputs": variables.inputs,
                "statics": _statics(trial),
                "targets": variables.targets,
            },
            "model": model,
            "training": {**TRAINING, **tuned.get("training", {})},
            "loss": tuned.get("loss", {}),
        }
    )


def _statics(trial: Trial) -> tuple[str, ...]:
    """Names of the statics in the file that a trial reads; a class that is left out in training is no input."""
    statics = ENSEMBLES[trial.ensemble].variables.statics
    if trial.protocol == "biome":
        statics = tuple(name for name in statics if name != "biome")
    return statics + (CLIMATE_NORMALS if "fair" in trial.variants else ())


def run(trial: Trial, folder: Path) -> dict[str, Any]:
    """Train, predict, score; the content of the trial's file. folder: of the ensembles."""
    torch.set_num_threads(1)
    path, ensemble = folder / trial.ensemble / "dataset.nc", ENSEMBLES[trial.ensemble]
    if trial.kind in plan.CLASSICAL:
        variables = ensemble.variables
        signature = Signature.from_names(variables.inputs, _statics(trial), variables.targets)
    else:
        signature = configuration(trial, path).data.signature()
    dataset = Dataset.open(path, signature)
    split = split_of(trial, dataset)
    dataset = told(trial, dataset, split)
    began = time.process_time()
    train = _classical if trial.kind in plan.CLASSICAL else _network
    predicted, seconds = train(trial, dataset, split)
    return {
        "trial": vars(trial),
        "structured": ensemble.structured,
        "options": trial.options,
        "seconds": round(seconds, 1),
        "seconds_in_all": round(time.process_time() - began, 1),
        "scores": {
            mode: _scores(values, dataset, split, ensemble.variables.scored) for mode, values in predicted.items()
        },
        "provenance": {"created": now(), "git_hash": git_hash()},
    }


def told(trial: Trial, dataset: Dataset, split: Split) -> Dataset:
    """The dataset with what a trial is told beside its own variables."""
    buffer_km = BUFFER_KM if trial.protocol == "extrapolation" else 0.0
    if "true" in trial.variants:
        dataset = data.with_statics(dataset, *ceilings.true_parameters(dataset.path.parent, dataset.site_id))
    if "kriged" in trial.variants:
        kriged = ceilings.kriged_parameters(dataset.path.parent, dataset, split, buffer_km=buffer_km)
        dataset = data.with_statics(dataset, *kriged)
    if "neighbours" in trial.variants:
        dataset = with_neighbour_flux(dataset, split, ENSEMBLES[trial.ensemble].variables.scored)
    return dataset


def _classical(trial: Trial, dataset: Dataset, split: Split) -> tuple[dict[str, np.ndarray], float]:
    began, past_flux = time.process_time(), "past" in trial.variants
    module = import_module(f"emulator.baselines.{trial.kind}")
    fitted = module.fit(dataset, split, dataset.signature, past_flux=past_flux, seed=trial.seed)
    seconds = time.process_time() - began
    predicted = {"none": fitted.predict(dataset, None)}
    if past_flux:
        predicted["gauged"] = fitted.predict(dataset, torch.ones(dataset.flux.shape[:2], dtype=torch.bool))
    return predicted, seconds


def _network(trial: Trial, dataset: Dataset, split: Split) -> tuple[dict[str, np.ndarray], float]:
    """Predictions without past flux and, where a network takes it, with that of all earlier years."""
    began = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        fit(configuration(trial, dataset.path), dataset, split, Path(folder) / "run", signature=dataset.signature)
        network = trained_model.load(Path(folder) / "run").model
    seconds = time.process_time() - began
    predicted = {"none": predict(network, dataset, None)}
    if network.past_flux != "none":
        predicted["gauged"] = predict(network, dataset, torch.ones(dataset.flux.shape[:2], dtype=torch.bool))
    return predicted, seconds


def _scores(predicted: np.ndarray, dataset: Dataset, split: Split, targets: tuple[str, ...]) -> dict[str, Any]:
    """By part and target: rmse over all site-days, and rmse of each site, in the order of the dataset."""
    scores: dict[str, Any] = {}
    for part, mask_name in PARTS.items():
        days = dataset.day_mask(split.mask(mask_name)).numpy()
        rows = np.flatnonzero(days.any(axis=1))
        scores[part] = {"sites": rows.tolist()}
        for target in targets:
            column = list(dataset.signature.target_names).index(target)
            error = np.where(days, predicted[..., column] - dataset.flux[..., column].numpy(), np.nan)[rows]
            if not len(rows):  # a part without sites, as validation sites of a small dataset
                continue
            by_site = np.sqrt(np.nanmean(error.astype(float) ** 2, axis=1))
            scores[part][target] = {
                "rmse": float(np.sqrt(np.nanmean(error.astype(float) ** 2))),
                "site_rmse": [float(f"{value:.4g}") for value in by_site],
            }
    return scores
