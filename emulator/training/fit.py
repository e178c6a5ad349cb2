"""Train by a configuration, or go on training, in a run folder that only one process writes into."""

import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from emulator.configuration.schema import Config
from emulator.data import processes
from emulator.data.bounds import bounded
from emulator.data.dataset import Dataset
from emulator.data.dataset_file import DatasetError
from emulator.data.joint_reading import open_together
from emulator.data.signature import Signature, with_priors
from emulator.data.split_days import AnySplit
from emulator.data.split_file import split_text
from emulator.data.split_rules import split_dataset, tell
from emulator.models import registry
from emulator.runs import checkpoint, provenance
from emulator.runs.base_model import Base
from emulator.runs.checkpoint import Checkpoint, Progress
from emulator.runs.determinism import make_deterministic
from emulator.runs.run_folder import RunFolder, RunFolderError
from emulator.training import assembly
from emulator.training.departures import base_for, on_base
from emulator.training.starting import read_start, with_variables
from emulator.training.tensorboard import Board
from emulator.training.trainer import Trainer
from foundations import atomic_file, configuration_file
from foundations.configuration_file import ConfigError
from foundations.folder_lock import locked
from foundations.json_record import read_record, write_record

log = logging.getLogger(__name__)

AtOnce = Callable[[Config, Dataset, AnySplit, Signature, dict[str, Any]], Checkpoint]
_AT_ONCE = (
    "model.kind = {kind} is fitted at once, by emulator.train alone: it cannot be tuned, begin with --init or freeze"
)
EXTENDABLE = ("training.epochs", "training.patience")
"""What may change when a run goes on: how long it trains."""


def train(
    config: Config,
    run: RunFolder,
    *,
    resume: bool = True,
    overwrite: bool = False,
    tensorboard: bool = False,
    at_once: AtOnce | None = None,
) -> Progress:
    """Train by a configuration on the dataset that it names, going on from where a former call was stopped.

    at_once: fits kinds without gradients, by configuration, dataset, split, signature and provenance.
    """
    config = _with_absolute_path(config)
    _check_folder(config, run, resume=resume, overwrite=overwrite)
    with processes.joined(), _alone_in(run):
        config, signature, base = _resolved(config, run, overwrite=overwrite)
        goes_on = _goes_on(config, run, resume=resume, overwrite=overwrite)
        dataset = open_together(config.data.path, signature, filled_flux=config.reads_filled_flux)
        try:
            split = split_dataset(config.split, dataset)
        except ValueError as error:
            raise ConfigError(str(error)) from error
        if registry.is_gradient_free(config.model):
            return _fit_at_once(config, dataset, split, run, signature, at_once, goes_on=goes_on)
        return _run(config, dataset, split, run, signature, base, goes_on=goes_on, tensorboard=tensorboard)


def _resolved(config: Config, run: RunFolder, *, overwrite: bool) -> tuple[Config, Signature, Base | None]:
    """The configuration with the names of the dataset's variables, which are frozen with the run, what they are, and
    the emulator whose residual is learned.

    A run that begins with the weights of another one, or stands on it, has its variables, in the units of those
    weights.
    """
    goes_on = run.last.exists() and not overwrite
    if config.init.path is not None:
        start = read_start(run.last if goes_on else config.init.path)
        return with_variables(config, start), start.signature, base_for(config, run.last if goes_on else None)
    standing = goes_on and config.transfer.residual is not None
    base = base_for(config, run.last if standing else None)
    try:
        config, signature = config.resolved()
        return config, signature if base is None else on_base(signature, base), base
    except DatasetError:
        raise
    except ValueError as error:
        raise ConfigError(str(error)) from error


def fit(
    config: Config,
    dataset: Dataset,
    split: AnySplit,
    run: RunFolder | Path | str,
    *,
    signature: Signature | None = None,
    resume: bool = True,
    overwrite: bool = False,
) -> Progress:
    """Train on a dataset and a split in memory; the same run folder, checkpoints and resuming as the command line.

    signature: the dataset's variables in order, default the dataset's own. It may have variables that its file does not
    have, such as hidden parameters among the statics of an oracle; the checkpoint carries it. A run goes on only with
    the same configuration, signature and data. Sets torch's threads and determinism for the process; SIGTERM and Ctrl-C
    save and raise Interrupted where this is the main thread.
    """
    run = run if isinstance(run, RunFolder) else RunFolder(run)
    config = _with_absolute_path(config)
    _check_folder(config, run, resume=resume, overwrite=overwrite)
    with processes.joined(), _alone_in(run):
        if config.transfer.residual is not None:
            message = "transfer.residual: datasets in memory are not read in the units of a base; use emulator.train"
            raise ConfigError(message)
        signature = signature or _of_dataset(dataset, config)
        config = config.model_copy(update={"data": config.data.naming(signature)})
        if registry.is_gradient_free(config.model):
            raise ConfigError(_AT_ONCE.format(kind=config.model.kind))
        goes_on = _goes_on(config, run, resume=resume, overwrite=overwrite)
        return _run(config, dataset, split, run, signature, goes_on=goes_on)


def _of_dataset(dataset: Dataset, config: Config) -> Signature:
    """The variables that the configuration lists, as the dataset in memory has them, with the configured bounds."""
    described, lists = dataset.signature, (config.data.inputs, config.data.statics, config.data.targets)
    parts = []
    for what, names, variables in zip(
        ("inputs", "statics", "targets"),
        lists,
        (described.inputs, described.statics, described.targets),
        strict=True,
    ):
        by_name = {variable.name: variable for variable in variables}
        if absent := [name for name in names or () if name not in by_name]:
            message = f"{dataset.path}: data.{what}: {', '.join(absent)} not among {', '.join(by_name)} in memory"
            raise ConfigError(message)
        parts.append(variables if names is None else tuple(by_name[name] for name in names))
    free = {target.name for target in parts[2] if target.minimum is None and target.maximum is None}
    bounds = {name: bound for name, bound in config.data.bounds.items() if name in free}
    try:
        return with_priors(bounded(Signature(*parts), bounds), config.data.prior)
    except ValueError as error:
        raise ConfigError(str(error)) from error


def _alone_in(run: RunFolder) -> AbstractContextManager[None]:
    """The lock of a run folder; of several processes that train together, the first holds it."""
    return locked(run.path, "training") if processes.rank() == 0 else nullcontext()


def _check_folder(config: Config, run: RunFolder, *, resume: bool, overwrite: bool) -> None:
    """Refuse what the folder holds, before it is locked or anything of it is touched; RunFolderError says why."""
    if run.path.exists() and not run.path.is_dir():
        message = f"{run.path}: is a file; choose another --out"
        raise RunFolderError(message)
    run.require_own(inputs=[config.data.path])
    if overwrite:
        return
    if run.members.exists():
        message = f"{run.path} holds an ensemble; choose another --out, or --overwrite to discard it"
        raise RunFolderError(message)
    if run.last.exists() and not resume:
        message = f"{run.path} holds a run already; --resume auto goes on with it, --overwrite discards it"
        raise RunFolderError(message)


def _goes_on(config: Config, run: RunFolder, *, resume: bool, overwrite: bool) -> bool:
    """Whether the folder holds a run that this call goes on with, whole; RunFolderError or CheckpointError if damaged.

    Sets torch up. Nothing is written yet: all that can fail is tried before a former run is discarded.
    """
    _check_folder(config, run, resume=resume, overwrite=overwrite)
    make_deterministic(config.training.threads)
    if overwrite:
        return False
    if not run.last.exists():
        _refuse_run_without_state(run)
        return False
    run.check_config(configuration_file.to_yaml(config), complete=_completed, free=EXTENDABLE)
    reached = checkpoint.load(run.last).progress
    if reached.best_epoch >= 0:
        if not run.best.exists():
            message = f"{run.best}: is missing, the run's best epoch {reached.best_epoch}; restore it, or --overwrite"
            raise RunFolderError(message)
        best = checkpoint.load(run.best).progress
        if best.best_epoch < reached.best_epoch:  # it may be of a later epoch, whose last.pt a kill prevented
            message = (
                f"{run.best}: is of epoch {best.best_epoch}, the run's best is {reached.best_epoch}; restore it, or "
                "--overwrite to discard that run"
            )
            raise RunFolderError(message)
    return True


def _completed(content: Any) -> Any:
    """A frozen configuration with the options that came since, at their defaults; unchanged where it is none."""
    try:
        return Config.model_validate(content).model_dump(mode="json")
    except ValueError:
        return content


def _refuse_run_without_state(run: RunFolder) -> None:
    """RunFolderError where a run without last.pt got beyond what a kill in its first epoch leaves."""
    beyond = [path.name for path in (run.metrics, run.predictions, run.quantiles, run.artefact) if path.exists()]
    if run.best.exists() and (beyond or len(run.read_log()) > 1 or checkpoint.load(run.best).progress.epoch > 1):
        beyond.insert(0, run.best.name)
    if beyond:
        message = (
            f"{run.last}: is missing, but the folder holds {', '.join(beyond)}; restore it, choose another --out, or "
            "--overwrite to discard that run"
        )
        raise RunFolderError(message)


def _run(
    config: Config,
    dataset: Dataset,
    split: AnySplit,
    run: RunFolder,
    signature: Signature,
    base: Base | None = None,
    *,
    goes_on: bool,
    tensorboard: bool = False,
) -> Progress:
    """Train, or go on training; the folder is touched once all is built that can fail."""
    origin = provenance.collect(config=config.model_dump(mode="json"), dataset=dataset.path, seed=config.seed)
    origin["tensors_hash"] = dataset.content_hash()
    start = None
    if config.init.path is not None and not goes_on:
        start = read_start(config.init.path)
        config = with_variables(config, start)
        origin["init"] = start.origin()
    kept_split = split_text(split, dataset)
    if goes_on:
        _check_dataset_unchanged(run, dataset, origin)
        run.check_split(kept_split)
    if config.evaluation.score_filled:
        dataset = replace(dataset, measured=None)
    tell(split, dataset)
    try:
        trainer = Trainer(*assembly.build(config, dataset, split, signature, origin, start, base), run)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    processes.barrier()
    if processes.rank() == 0:
        run.freeze(configuration_file.to_yaml(config), anew=not goes_on, change=goes_on)
        atomic_file.write_text(run.split, kept_split)
    processes.barrier()
    if goes_on:
        _take_words_of(checkpoint.load(run.last), trainer)
        trainer.resume()
        log.info("resuming %s at epoch %d, batch %d", run.path, trainer.progress.epoch, trainer.progress.batch)
    elif processes.rank() == 0:
        run.truncate_log(0)
    if tensorboard and processes.rank() == 0:
        trainer.after_epoch = Board(run).add
    if trainer.finished:
        log.info("%s is finished already", run.path)
    elif processes.rank() == 0:
        _record_provenance(run, origin)
    progress = trainer.train()
    log.info("%s: best validation loss %.4f in epoch %d", run.path, progress.best_val_loss, progress.best_epoch)
    return progress


def _fit_at_once(
    config: Config,
    dataset: Dataset,
    split: AnySplit,
    run: RunFolder,
    signature: Signature,
    at_once: AtOnce | None,
    *,
    goes_on: bool,
) -> Progress:
    """Fit a model without gradients into a run folder, as a run of one epoch; one that is there is finished."""
    if at_once is None or config.init.path is not None or config.init.freeze or config.init.only:
        raise ConfigError(_AT_ONCE.format(kind=config.model.kind))
    if config.transfer.needs_domains or config.transfer.residual is not None:
        message = f"transfer: model.kind = {config.model.kind} is fitted without gradients and has none of its options"
        raise ConfigError(message)
    origin = provenance.collect(config=config.model_dump(mode="json"), dataset=dataset.path, seed=config.seed)
    origin["tensors_hash"] = dataset.content_hash()
    kept_split = split_text(split, dataset)
    if goes_on:
        _check_dataset_unchanged(run, dataset, origin)
        run.check_split(kept_split)
        log.info("%s is finished already", run.path)
        return checkpoint.load(run.last).progress
    if config.evaluation.score_filled:
        dataset = replace(dataset, measured=None)
    tell(split, dataset)
    began = time.perf_counter()
    try:
        saved = at_once(config, dataset, split, signature, origin)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    progress = saved.progress
    progress.seconds = time.perf_counter() - began
    if processes.rank() == 0:
        run.freeze(configuration_file.to_yaml(config), anew=True)
        atomic_file.write_text(run.split, kept_split)
        run.truncate_log(0)
        entry = {"epoch": 0, "train_loss": None, "val_loss": progress.best_val_loss, "lr": None, "best": True}
        run.append_log({**entry, "seconds": round(progress.seconds, 3)})
        _record_provenance(run, origin)
        checkpoint.save(run.best, saved)
        checkpoint.save(run.last, saved)
    log.info("%s: validation loss %.4f", run.path, progress.best_val_loss)
    return progress


def _take_words_of(saved: Checkpoint, trainer: Trainer) -> None:
    """Go on with what the checkpoint of a run says of it; the configuration was checked before.

    Its hash differs where options came since the run began, or epochs are added; ranges seen may be those of two
    datasets, where the run began with the weights of another one.
    """
    parts = trainer.parts
    parts.config_hash = saved.config_hash
    kept = ("input_ranges", "static_ranges")
    parts.description = {**parts.description, **{key: saved.description[key] for key in kept}}
    if "init" in saved.description["provenance"]:
        parts.description["provenance"]["init"] = saved.description["provenance"]["init"]


def _check_dataset_unchanged(run: RunFolder, dataset: Dataset, origin: dict[str, Any]) -> None:
    """A run can go on only with the data it began with: the file, and what was read from it or made in memory."""
    began = checkpoint.load(run.last).description["provenance"]
    if any((began.get(key) or origin[key]) != origin[key] for key in ("dataset_hash", "tensors_hash")):
        message = f"{dataset.path}: has changed since the run began; --overwrite starts {run.path} anew with it"
        raise RunFolderError(message)


def _record_provenance(run: RunFolder, origin: dict[str, Any]) -> None:
    """Write provenance.json, or add this session to the one that began the run."""
    session = {key: origin[key] for key in ("created", "git_hash", "versions")}
    if run.provenance.exists():
        origin = read_record(run.provenance, (), "restore it, or --overwrite to discard that run")
    write_record(run.provenance, origin | {"sessions": [*origin.get("sessions", []), session]})


def _with_absolute_path(config: Config) -> Config:
    """So that the run folder can be used from anywhere."""
    data = config.data.model_copy(update={"path": config.data.path.resolve()})
    split = config.split
    if split.file is not None:
        split = split.model_copy(update={"file": split.file.resolve()})
    init = config.init
    if init.path is not None:
        init = init.model_copy(update={"path": init.path.resolve()})
    transfer = config.transfer
    if transfer.residual is not None:
        transfer = transfer.model_copy(update={"residual": transfer.residual.resolve()})
    return config.model_copy(update={"data": data, "split": split, "init": init, "transfer": transfer})
