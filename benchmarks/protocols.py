"""Emulators at new sites and in later years, by protocol: random folds of sites (interpolation), of blocks
(extrapolation).

    python benchmarks/protocols.py --data runs/ensembles --out docs/results/protocols --ensembles wetland

A run is a training of a model on an ensemble, by a protocol, with a seed, which is also the fold. Each leaves a JSON
file with the squared error of every scored site, a few kB, so that any machine can go on where another stopped: a run
whose file is there is not done again. `--report` prints the ratios of what is there.
"""

import argparse
import json
import logging
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # works from a source tree that is not installed

from benchmarks.learning import plan
from benchmarks.learning.workspace import tuned_options
from emulator.configuration.schema import Config
from emulator.data.dataset import Dataset
from emulator.data.signature import CLIMATE_NORMALS, Signature
from emulator.data.splits import Split, SplitConfig
from emulator.evaluation.offline import predict
from emulator.runs import trained_model
from emulator.training.fit import fit
from foundations import atomic_file
from foundations.provenance import git_hash, now
from foundations.terminal import start_logging

log = logging.getLogger("benchmarks.protocols")

ROOT = Path(__file__).resolve().parents[1]
PROTOCOLS = ("interpolation", "sparse", "extrapolation")
"""Random folds of sites; the same with a tenth of the training sites; folds of blocks with a buffer around them."""
SPARSE_SHARE = 0.1
PARTS = {"new": "spatial", "later": "temporal"}
"""New sites in the years of training, and sites of training in later years, by part of a split."""
TEST_YEARS, VALIDATION_YEARS, FOLDS = 2, 1, 5
TRAINING = {
    "epochs": 15,
    "batch_size": 8,
    "years_per_window": 5,
    "windows_per_site": 1,
    "validation_sites": 48,
    "validation_every": 3,
    "threads": 1,
}


VARIANTS: dict[str, dict[str, Any]] = {
    "fair": {"coordinates": "standardised"},
    "code": {"code_size": 8},
    "no_code": {"code_size": 0},
    "roles": {"code_roles": True},
    "narrow": {"static_size": 4},
    "bare": {"static_size": 1},
    "functional": {"local": False},
    "local": {"functional": False},
}
"""Options of a model by name; `fair` also gives climate normals: what XGBoost has."""


@dataclass(frozen=True)
class Trial:
    """A training: `model` is a kind, or KIND/NAME+NAME with the options of these names."""

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


def split_of(trial: Trial, dataset: Dataset) -> Split:
    """The split of a protocol; the seed chooses the fold."""
    blocked = SplitConfig(
        test_years=TEST_YEARS,
        validation_years=VALIDATION_YEARS,
        folds=FOLDS,
        test_fold=trial.seed % FOLDS,
        block_degrees=5.0,
        buffer_km=100.0,
    ).build(dataset.lat, dataset.lon, dataset.years, dataset.biome)
    if trial.protocol == "extrapolation":
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
    ensemble, tuned = plan.ENSEMBLES[trial.ensemble], tuned_options(ROOT / "configs" / "models" / f"{trial.kind}.yaml")
    model = {"hidden": 32, **tuned.get("model", {}), "kind": trial.kind, **trial.options}
    statics = ensemble.statics + (CLIMATE_NORMALS if "fair" in trial.variants else ())
    return Config.model_validate(
        {
            "seed": trial.seed,
            "data": {"path": path, "inputs": ensemble.inputs, "statics": statics, "targets": ensemble.targets},
            "model": model,
            "training": {**TRAINING, **tuned.get("training", {})},
            "loss": tuned.get("loss", {}),
        }
    )


def run(trial: Trial, data: Path) -> dict[str, Any]:
    """Train, predict, score; the content of the trial's file."""
    torch.set_num_threads(1)
    path = data / trial.ensemble / "dataset.nc"
    config = None if trial.kind in plan.CLASSICAL else configuration(trial, path)
    ensemble = plan.ENSEMBLES[trial.ensemble]
    signature = (
        config.data.signature() if config else Signature.from_names(ensemble.inputs, ensemble.statics, ensemble.targets)
    )
    dataset = Dataset.open(path, signature)
    split = split_of(trial, dataset)
    began = time.process_time()
    predicted: dict[str, np.ndarray] = {}
    if config is None:
        fitted = import_module(f"emulator.baselines.{trial.kind}").fit(
            dataset, split, signature, past_flux=False, seed=trial.seed
        )
        predicted["none"] = fitted.predict(dataset, None)
    else:
        with tempfile.TemporaryDirectory() as folder:
            fit(config, dataset, split, Path(folder) / "run")
            network = trained_model.load(Path(folder) / "run").model
        seconds = time.process_time() - began
        predicted["none"] = predict(network, dataset, None)
        if network.past_flux != "none":
            predicted["gauged"] = predict(network, dataset, torch.ones(dataset.flux.shape[:2], dtype=torch.bool))
    if config is None:
        seconds = time.process_time() - began
    return {
        "trial": vars(trial),
        "options": trial.options,
        "seconds": round(seconds, 1),
        "scores": {mode: _scores(values, dataset, split, ensemble.scored) for mode, values in predicted.items()},
        "provenance": {"created": now(), "git_hash": git_hash()},
    }


def _scores(predicted: np.ndarray, dataset: Dataset, split: Split, targets: tuple[str, ...]) -> dict[str, Any]:
    """By part and target: rmse over all site-days, and rmse and days of each site, in the order of the dataset."""
    scores: dict[str, Any] = {}
    for part, mask_name in PARTS.items():
        days = dataset.day_mask(split.mask(mask_name)).numpy()
        rows = np.flatnonzero(days.any(axis=1))
        scores[part] = {"sites": rows.tolist()}
        for target in targets:
            column = list(dataset.signature.target_names).index(target)
            error = np.where(days, predicted[..., column] - dataset.flux[..., column].numpy(), np.nan)[rows]
            by_site = np.sqrt(np.nanmean(error.astype(float) ** 2, axis=1))
            scores[part][target] = {
                "rmse": float(np.sqrt(np.nanmean(error.astype(float) ** 2))),
                "site_rmse": [float(f"{value:.4g}") for value in by_site],
            }
    return scores


def report(folder: Path) -> str:
    """RMSE of each model over the LSTM's, mean over the seeds that both have."""
    results: dict[tuple[str, ...], dict[str, dict[int, float]]] = {}
    for path in sorted(folder.glob("*.json")):
        content = json.loads(path.read_text())
        trial = content["trial"]
        for mode, parts in content["scores"].items():
            for part, scores in parts.items():
                for target, score in scores.items():
                    if target != "sites":
                        case = (trial["ensemble"], trial["protocol"], part, target)
                        model = trial["model"] + ("" if mode == "none" else f" ({mode})")
                        results.setdefault(case, {}).setdefault(model, {})[trial["seed"]] = score["rmse"]
    lines = ["| ensemble | protocol | sites | target | model | seeds | RMSE |", "|---|---|---|---|---|---|---|"]
    for case, models in results.items():
        for model, by_seed in sorted(models.items(), key=lambda entry: np.mean(list(entry[1].values()))):
            seeds = " ".join(map(str, sorted(by_seed)))
            lines.append(f"| {' | '.join(case)} | {model} | {seeds} | {np.mean(list(by_seed.values())):.4g} |")
    return "\n".join(lines)


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("runs/ensembles"), help="DIR/ENSEMBLE/dataset.nc")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "results" / "protocols", help="folder of results")
    parser.add_argument("--ensembles", nargs="+", choices=tuple(plan.ENSEMBLES), default=["wetland", "cropland"])
    parser.add_argument("--protocols", nargs="+", choices=PROTOCOLS, default=["extrapolation", "interpolation"])
    parser.add_argument("--models", nargs="+", default=["xgboost", "lstm", "raci"], metavar="KIND[/NAME+NAME]",
                        help=f"names are of {', '.join(VARIANTS)}")  # fmt: skip
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--report", action="store_true", help="print what is there, and stop")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Do what is not done."""
    options = parse_arguments(arguments)
    start_logging("%(message)s", level=logging.WARNING)
    log.setLevel(logging.INFO)
    if options.report:
        print(report(options.out))
        return 0
    options.out.mkdir(parents=True, exist_ok=True)
    trials = [
        Trial(ensemble, protocol, model, seed)
        for seed in options.seeds
        for ensemble in options.ensembles
        for protocol in options.protocols
        for model in options.models
    ]
    for trial in trials:
        path = options.out / f"{trial.name}.json"
        if path.exists():
            continue
        content = run(trial, options.data)
        atomic_file.write_text(path, json.dumps(content, separators=(",", ":")) + "\n")
        log.info("%s: %s s", trial.name, content["seconds"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
