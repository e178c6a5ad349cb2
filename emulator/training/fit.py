"""Train by a configuration, or go on training, in a run folder that only one process writes into."""

import json
import logging
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from emulator.configuration.schema import Config
from emulator.data import processes
from emulator.data.dataset import Dataset
from emulator.data.signature import Signature
from emulator.data.splits import Split
from emulator.runs import checkpoint, provenance
from emulator.runs.checkpoint import Progress
from emulator.runs.determinism import make_deterministic
from emulator.runs.run_folder import RunFolder, RunFolderError
from emulator.training import assembly
from emulator.training.tensorboard import Board
from emulator.training.trainer import Trainer
from foundations import atomic_file, configuration_file
from foundations.configuration_file import ConfigError
from foundations.folder_lock import locked

log = logging.getLogger(__name__)


def train(
    config: Config, run: RunFolder, *, resume: bool = True, overwrite: bool = False, tensorboard: bool = False
) -> Progress:
    """Train by a configuration on the dataset that it names, going on from where a former call was stopped."""
    config = _with_absolute_path(config)
    with processes.joined(), _alone_in(run):
        _begin(config, run, resume=resume, overwrite=overwrite)
        dataset = Dataset.open(config.data.path, config.data.signature())
        try:
            split = config.split.build(dataset.lat, dataset.lon, dataset.years, dataset.biome)
        except ValueError as error:
            raise ConfigError(str(error)) from error
        return _run(config, dataset, split, run, config.data.signature(), tensorboard=tensorboard)


def fit(
    config: Config,
    dataset: Dataset,
    split: Split,
    run: RunFolder | Path | str,
    *,
    signature: Signature | None = None,
    resume: bool = True,
    overwrite: bool = False,
) -> Progress:
    """Train on a dataset and a split in memory; the same run folder, checkpoints and resuming as the command line.

    signature: the dataset's variables in order, default `config.data.signature()`. It may have variables that the table
    does not know, such as hidden parameters among the statics of an oracle; the checkpoint then carries it. A run goes
    on only with the same configuration, signature and data. Sets torch's threads and determinism for the process;
    SIGTERM and Ctrl-C save and raise Interrupted where this is the main thread.
    """
    run = run if isinstance(run, RunFolder) else RunFolder(run)
    config = _with_absolute_path(config)
    with processes.joined(), _alone_in(run):
        _begin(config, run, resume=resume, overwrite=overwrite)
        return _run(config, dataset, split, run, signature or config.data.signature())


def _alone_in(run: RunFolder) -> AbstractContextManager[None]:
    """The lock of a run folder; of several processes that train together, the first holds it."""
    return locked(run.path, "training") if processes.rank() == 0 else nullcontext()


def _begin(config: Config, run: RunFolder, *, resume: bool, overwrite: bool) -> None:
    """Freeze the configuration in the run folder, and set torch up."""
    if processes.rank() == 0:
        if run.members.exists() and not overwrite:
            message = f"{run.path} holds an ensemble; choose another --out, or --overwrite to discard it"
            raise RunFolderError(message)
        run.freeze(configuration_file.to_yaml(config), overwrite=overwrite or not run.last.exists())
    processes.barrier()
    if run.last.exists() and not resume:
        message = f"{run.path} holds a run already; --resume auto goes on with it, --overwrite discards it"
        raise RunFolderError(message)
    make_deterministic(config.training.threads)


def _run(
    config: Config, dataset: Dataset, split: Split, run: RunFolder, signature: Signature, *, tensorboard: bool = False
) -> Progress:
    """Train, or go on training, in a folder whose configuration is frozen."""
    origin = provenance.collect(config=config.model_dump(mode="json"), dataset=dataset.path, seed=config.seed)
    origin["tensors_hash"] = dataset.content_hash()
    if run.last.exists():
        _check_dataset_unchanged(run, dataset, origin)
    try:
        trainer = Trainer(*assembly.build(config, dataset, split, signature, origin), run)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    if run.last.exists():
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


def _check_dataset_unchanged(run: RunFolder, dataset: Dataset, origin: dict[str, Any]) -> None:
    """A run can go on only with the data it began with: the file, and what was read from it or made in memory."""
    began = checkpoint.load(run.last).description["provenance"]
    if any(began.get(key, origin[key]) != origin[key] for key in ("dataset_hash", "tensors_hash")):
        message = f"{dataset.path}: has changed since the run began; --overwrite starts {run.path} anew with it"
        raise RunFolderError(message)


def _record_provenance(run: RunFolder, origin: dict[str, Any]) -> None:
    """Write provenance.json, or add this session to the one that began the run."""
    session = {key: origin[key] for key in ("created", "git_hash", "versions")}
    if run.provenance.exists():
        origin = json.loads(run.provenance.read_text())
    atomic_file.write_json(run.provenance, origin | {"sessions": [*origin.get("sessions", []), session]})


def _with_absolute_path(config: Config) -> Config:
    """So that the run folder can be used from anywhere."""
    return config.model_copy(update={"data": config.data.model_copy(update={"path": config.data.path.resolve()})})
