"""Train one emulator: python -m emulator.train CONFIG --out RUN [--set KEY=VALUE ...]"""

import argparse
import json
import logging
import os
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch

from emulator.configuration.schema import Config
from emulator.data.dataset import Dataset
from emulator.data.dataset_file import DatasetError
from emulator.data.splits import Split
from emulator.data.variables import Signature
from emulator.runs import allocator, checkpoint, provenance
from emulator.runs.checkpoint import CheckpointError, Progress
from emulator.runs.run_folder import RunFolder, RunFolderError
from emulator.training import assembly
from emulator.training import distributed as parallel
from emulator.training.tensorboard import Board
from emulator.training.trainer import Interrupted, Trainer, TrainingDiverged
from foundations import atomic_file
from foundations import configuration_file as config_file
from foundations.configuration_file import ConfigError
from foundations.folder_lock import FolderBusy, locked

log = logging.getLogger(__name__)

USER_ERRORS = (ConfigError, DatasetError, CheckpointError, FolderBusy, RunFolderError, TrainingDiverged)


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit status: 0 done, 1 failed, 2 bad configuration, 143 stopped by SIGTERM."""
    options = _parser().parse_args(arguments)
    level = logging.INFO if os.environ.get("RANK", "0") == "0" else logging.ERROR
    logging.basicConfig(level=level, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    try:
        choice = config_file.section_overrides(options.choice) if options.choice else []
        config = config_file.load(Config, options.config, [*choice, *options.set])
        if options.check:
            sys.stdout.write(config_file.to_yaml(config))
            return 0
        if options.out is None:
            raise ConfigError("--out RUN is missing: the folder to train into")
        run = RunFolder(options.out)
        with parallel.joined(), _alone_in(run):
            resume = options.resume == "auto"
            train(config, run, resume=resume, overwrite=options.overwrite, tensorboard=options.tensorboard)
    except Interrupted as stop:
        log.warning("%s", stop)
        return stop.exit_status
    except USER_ERRORS as error:
        log.error("%s", error)
        return 2 if isinstance(error, ConfigError | RunFolderError) else 1
    return 0


def train(
    config: Config, run: RunFolder, *, resume: bool = True, overwrite: bool = False, tensorboard: bool = False
) -> Progress:
    """Train by a configuration on the dataset that it names, going on from where a former call was stopped."""
    config = _with_absolute_path(config)
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
    with parallel.joined(), _alone_in(run):
        _begin(config, run, resume=resume, overwrite=overwrite)
        return _run(config, dataset, split, run, signature or config.data.signature())


def _alone_in(run: RunFolder) -> AbstractContextManager[None]:
    """The lock of a run folder; of several processes that train together, the first holds it."""
    return locked(run.path, "training") if parallel.rank() == 0 else nullcontext()


def _begin(config: Config, run: RunFolder, *, resume: bool, overwrite: bool) -> None:
    """Freeze the configuration in the run folder, and set torch up."""
    if parallel.rank() == 0:
        if run.members.exists() and not overwrite:
            raise RunFolderError(f"{run.path} holds an ensemble; choose another --out, or --overwrite to discard it")
        run.freeze(config_file.to_yaml(config), overwrite=overwrite or not run.last.exists())
    parallel.barrier()
    if run.last.exists() and not resume:
        raise RunFolderError(f"{run.path} holds a run already; --resume auto goes on with it, --overwrite discards it")
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
    elif parallel.rank() == 0:
        run.truncate_log(0)
    if tensorboard and parallel.rank() == 0:
        trainer.after_epoch = Board(run).add
    if trainer.finished:
        log.info("%s is finished already", run.path)
    elif parallel.rank() == 0:
        _record_provenance(run, origin)
    progress = trainer.train()
    log.info("%s: best validation loss %.4f in epoch %d", run.path, progress.best_val_loss, progress.best_epoch)
    return progress


def _check_dataset_unchanged(run: RunFolder, dataset: Dataset, origin: dict[str, Any]) -> None:
    """A run can go on only with the data it began with: the file, and what was read from it or made in memory."""
    began = checkpoint.load(run.last).description["provenance"]
    if any(began.get(key, origin[key]) != origin[key] for key in ("dataset_hash", "tensors_hash")):
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
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS reads it when it starts
    torch.use_deterministic_algorithms(True, warn_only=torch.cuda.is_available())  # CUDA lacks some operations
    torch.utils.deterministic.fill_uninitialized_memory = False  # a debugging aid that costs a sixth of the time
    allocator.keep_freed_memory()


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
    parser.add_argument("--choice", type=Path, metavar="FILE", help="choice.yaml of emulator.tune, put in before --set")
    parser.add_argument("--check", action="store_true", help="validate, print the resolved configuration and stop")
    parser.add_argument(
        "--resume", choices=("auto", "never"), default="auto", help="auto (default): go on with a run that was stopped"
    )
    parser.add_argument("--overwrite", action="store_true", help="discard the run that the folder holds")
    parser.add_argument("--tensorboard", action="store_true", help="write RUN/tensorboard as well (extra tensorboard)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
