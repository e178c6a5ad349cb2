"""Train one emulator: python -m emulator.train CONFIG --out RUN [--set KEY=VALUE ...]"""

import argparse
import json
import logging
import sys
from pathlib import Path
from typing import Any

import torch

from emulator import atomic_file, config_file, provenance
from emulator.config import Config, TrainingConfig
from emulator.config_file import ConfigError
from emulator.data.dataset import Dataset
from emulator.data.scalers import Scalers, fit_scalers
from emulator.data.splits import Split
from emulator.data.validation import DatasetError
from emulator.data.variables import Signature
from emulator.data.windows import WindowSampler, training_data
from emulator.folder_lock import FolderBusy, locked
from emulator.models import registry
from emulator.run_folder import RunFolder, RunFolderError
from emulator.training import checkpoint
from emulator.training.averaging import WeightAverage
from emulator.training.checkpoint import CheckpointError
from emulator.training.losses import FluxLoss, LossWeights, flux_loss
from emulator.training.schedule import Schedule
from emulator.training.trainer import Interrupted, Parts, Settings, Trainer, TrainingDiverged
from emulator.training.validation import Validation

log = logging.getLogger(__name__)

USER_ERRORS = (ConfigError, DatasetError, CheckpointError, FolderBusy, RunFolderError, TrainingDiverged)


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit status: 0 done, 1 failed, 2 bad configuration, 143 stopped by SIGTERM."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    try:
        config = config_file.load(Config, options.config, options.set)
        if options.check:
            sys.stdout.write(config_file.to_yaml(config))
            return 0
        if options.out is None:
            raise ConfigError("--out RUN is missing: the folder to train into")
        run = RunFolder(options.out)
        with locked(run.path, "training"):
            train(config, run, resume=options.resume == "auto", overwrite=options.overwrite)
    except Interrupted as stop:
        log.warning("%s", stop)
        return stop.exit_status
    except USER_ERRORS as error:
        log.error("%s", error)
        return 2 if isinstance(error, ConfigError | RunFolderError) else 1
    return 0


def train(config: Config, run: RunFolder, *, resume: bool = True, overwrite: bool = False) -> None:
    """Train by a configuration, going on from where a former call was stopped."""
    config = _with_absolute_path(config)
    run.freeze(config_file.to_yaml(config), overwrite=overwrite or not run.last.exists())
    if run.last.exists() and not resume:
        raise RunFolderError(f"{run.path} holds a run already; --resume auto goes on with it, --overwrite discards it")
    make_deterministic(config.training.threads)
    dataset = Dataset.open(config.data.path, config.data.signature())
    try:
        split = config.split.build(dataset.lat, dataset.lon, dataset.years)
        trainer = Trainer(*_build(config, dataset, split), run)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    if run.last.exists():
        _check_dataset_unchanged(run, dataset, trainer.parts.description["provenance"])
        trainer.resume()
        log.info("resuming %s at epoch %d, batch %d", run.path, trainer.progress.epoch, trainer.progress.batch)
    else:
        run.truncate_log(0)
    if trainer.finished:
        log.info("%s is finished already", run.path)
    else:
        _record_provenance(run, trainer.parts.description["provenance"])
    progress = trainer.train()
    log.info("%s: best validation loss %.4f in epoch %d", run.path, progress.best_val_loss, progress.best_epoch)


def _check_dataset_unchanged(run: RunFolder, dataset: Dataset, origin: dict[str, Any]) -> None:
    """A run can go on only with the data it began with."""
    began = checkpoint.load(run.last).description["provenance"]["dataset_hash"]
    if began != origin["dataset_hash"]:
        raise RunFolderError(
            f"{dataset.path}: has changed since the run began; --overwrite starts {run.path} anew with it"
        )


def _record_provenance(run: RunFolder, origin: dict[str, Any]) -> None:
    """Write provenance.json, or add this session to the one that began the run."""
    session = {key: origin[key] for key in ("created", "git_hash", "versions")}
    if run.provenance.exists():
        origin = json.loads(run.provenance.read_text())
    atomic_file.write_json(run.provenance, origin | {"sessions": [*origin.get("sessions", []), session]})


def make_deterministic(threads: int) -> None:
    """Make torch give the same numbers on every run with the same number of threads."""
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # a debugging aid that costs a sixth of the time


def _build(config: Config, dataset: Dataset, split: Split) -> tuple[Parts, Settings]:
    """The objects that the trainer works on."""
    options = config.training
    signature = config.data.signature()
    known = training_data(dataset, split.mask("train"))
    scalers = fit_scalers(known, signature)
    torch.manual_seed(config.seed)
    model = registry.build(config.model, signature, scalers)
    batches = WindowSampler(
        dataset,
        split.mask("train"),
        years_per_window=options.years_per_window,
        batch_size=options.batch_size,
        seed=config.seed,
    )
    loss = _build_loss(config, dataset, split, scalers)
    validation = Validation(
        dataset,
        split,
        loss,
        batch_size=options.batch_size,
        max_training_sites=options.validation_sites,
        seed=config.seed,
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay)
    origin = provenance.collect(config=config.model_dump(mode="json"), dataset=dataset.path, seed=config.seed)
    parts = Parts(
        model=model,
        loss=loss,
        batches=batches,
        prepare=lambda present: present.prepare(known),
        validate=validation,
        optimizer=optimizer,
        schedule=_build_schedule(options, optimizer, len(batches)),
        average=WeightAverage(model, options.average_decay),
        description=describe(config, signature, scalers, origin),
        git_hash=origin["git_hash"],
        config_hash=origin["config_hash"],
    )
    log.info(
        "%s: %d parameters; %d training, %d validation and %d test sites; %d batches an epoch",
        config.model.kind,
        sum(p.numel() for p in model.parameters()),
        split.train_sites.sum(),
        split.validation_sites.sum(),
        split.test_sites.sum(),
        len(batches),
    )
    settings = Settings(
        epochs=options.epochs,
        patience=options.patience,
        gradient_clip=options.gradient_clip,
        auxiliary_weight=config.loss.auxiliary,
        seed=config.seed,
    )
    return parts, settings


def _build_schedule(options: TrainingConfig, optimizer: torch.optim.Optimizer, batches_per_epoch: int) -> Schedule:
    return Schedule(
        optimizer,
        options.schedule,
        batches_per_epoch=batches_per_epoch,
        epochs=options.epochs,
        warmup_epochs=options.warmup_epochs,
    )


def _build_loss(config: Config, dataset: Dataset, split: Split, scalers: Scalers) -> FluxLoss:
    """The loss, with spreads of sites and targets from training and validation data."""
    weights = config.loss.target_weights
    usable = dataset.day_mask(split.mask("train") | split.validation_mask())
    return flux_loss(
        LossWeights(config.loss.transformed, config.loss.site, config.loss.physical),
        dataset.flux,
        usable,
        scale=scalers.target_scale,
        target_weight=torch.tensor([weights.get(name, 1.0) for name in config.data.targets]),
    )


def describe(config: Config, signature: Signature, scalers: Scalers, origin: dict[str, Any]) -> dict[str, Any]:
    """What a checkpoint carries beside weights: enough to rebuild and export the model without its dataset."""
    return {
        "config": config.model_dump(mode="json"),
        "provenance": origin,
        "input_ranges": _ranges(signature.input_names, scalers.driver_min, scalers.driver_max),
        "static_ranges": _ranges(signature.static_names, scalers.static_min, scalers.static_max),
    }


def _ranges(names: tuple[str, ...], low: torch.Tensor, high: torch.Tensor) -> dict[str, list[float]]:
    return {name: [float(low[i]), float(high[i])] for i, name in enumerate(names)}


def _with_absolute_path(config: Config) -> Config:
    """So that the run folder can be used from anywhere."""
    return config.model_copy(update={"data": config.data.model_copy(update={"path": config.data.path.resolve()})})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m emulator.train", description=__doc__.split(":")[0] + ".")
    parser.add_argument("config", type=Path, metavar="CONFIG", help="YAML file, for example configs/quickstart.yaml")
    parser.add_argument("--out", type=Path, metavar="RUN", help="run folder")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="override, e.g. model.kind=raci"
    )
    parser.add_argument("--check", action="store_true", help="validate, print the resolved configuration and stop")
    parser.add_argument(
        "--resume", choices=("auto", "never"), default="auto", help="auto (default): go on with a run that was stopped"
    )
    parser.add_argument("--overwrite", action="store_true", help="discard the run that the folder holds")
    return parser


if __name__ == "__main__":
    sys.exit(main())
