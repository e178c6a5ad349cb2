"""Train one emulator: python -m emulator.train CONFIG --out RUN [--set KEY=VALUE ...]"""

import argparse
import json
import logging
import os
import sys
from pathlib import Path

from emulator.artefact.metadata import ArtefactError
from emulator.baselines.runs import fit_at_once
from emulator.configuration.schema import Config
from emulator.data.dataset_file import DatasetError
from emulator.data.scalers import Scalers
from emulator.models import registry
from emulator.runs.checkpoint import CheckpointError
from emulator.runs.run_folder import RunFolder, RunFolderError
from emulator.training.fit import train
from emulator.training.starting import model_options, parts_of, read_start
from emulator.training.trainer import Interrupted, TrainingDiverged
from foundations import configuration_file
from foundations.command_end import INTERRUPTED
from foundations.configuration_file import ConfigError
from foundations.file_faults import explain
from foundations.folder_lock import FolderBusy
from foundations.shipped_configurations import configuration_path
from foundations.terminal import start_logging

log = logging.getLogger(__name__)

USER_ERRORS = (
    ArtefactError,
    ConfigError,
    DatasetError,
    CheckpointError,
    FolderBusy,
    RunFolderError,
    TrainingDiverged,
    OSError,
)


def main(arguments: list[str] | None = None, program: str = "python -m emulator.train") -> int:
    """Entry point; returns the exit status: 0 done, 1 failed, 2 bad configuration, 143 stopped by SIGTERM."""
    options = command_parser(program).parse_args(arguments)
    level = logging.INFO if os.environ.get("RANK", "0") == "0" else logging.ERROR
    start_logging(level=level)
    try:
        choice = []
        if options.choice:
            choice = configuration_file.section_overrides(configuration_path(options.choice, "choice"))
        path = configuration_path(options.config, "training")
        overrides = [*_model_of_start(options, path), *choice, *_short_options(options), *options.set]
        config = configuration_file.load(Config, path, overrides)
        if options.check:
            sys.stdout.write(configuration_file.to_yaml(config))
            return 0
        if options.freeze == "list":
            sys.stdout.write(_parts(config))
            return 0
        if options.out is None:
            message = "--out RUN is missing: the folder to train into"
            raise ConfigError(message)
        run = RunFolder(options.out)
        resume = options.resume == "auto"
        train(
            config,
            run,
            resume=resume,
            overwrite=options.overwrite,
            tensorboard=options.tensorboard,
            at_once=fit_at_once,
        )
    except Interrupted as stop:
        log.warning("%s", stop)
        return stop.exit_status
    except KeyboardInterrupt:  # before the first batch, or between trials
        log.warning("interrupted")
        return INTERRUPTED
    except USER_ERRORS as error:
        log.error("%s", explain(error))
        return 2 if isinstance(error, ConfigError | RunFolderError) else 1
    return 0


def _short_options(options: argparse.Namespace) -> list[str]:
    """Options with a name of their own as overrides."""
    parts = [] if options.freeze in (None, "list") else options.freeze.split(",")
    overrides = {
        "data.path": None if options.data is None else json.dumps(str(options.data)),
        "init.path": None if options.init is None else json.dumps(str(options.init)),
        "init.freeze": json.dumps(parts) if parts else None,
        "init.only": json.dumps(options.only.split(",")) if options.only else None,
        "training.epochs": options.epochs,
    }
    return [f"{key}={value}" for key, value in overrides.items() if value is not None]


def _model_of_start(options: argparse.Namespace, path: Path) -> list[str]:
    """Kind and options of the model of --init as an override, where the configuration says nothing of a model."""
    start = options.init or configuration_file.value_at(path, "init.path")
    if start is None or configuration_file.value_at(path, "model") is not None:
        return []
    return [f"model={model_options(Path(start))}"]


def _parts(config: Config) -> str:
    """The parts of a configuration's model, a line each with its number of weights."""
    signature = config.resolved()[1] if config.init.path is None else read_start(config.init.path).signature
    model = registry.build(config.model, signature, Scalers.identity(signature))
    return "".join(f"{name:40s} {count}\n" for name, count in parts_of(model))


def command_parser(program: str = "python -m emulator.train") -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(prog=program, description=__doc__.split(":")[0] + ".")
    parser.add_argument(
        "config", metavar="CONFIG", help="YAML file, or the name of one that comes with ecostep, such as quickstart"
    )
    parser.add_argument("--out", type=Path, metavar="RUN", help="run folder")
    parser.add_argument("--data", type=Path, metavar="D", help="dataset; the same as --set data.path=D")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="override, e.g. model.kind=raci"
    )
    parser.add_argument(
        "--choice",
        metavar="FILE",
        help="choice.yaml of emulator.tune, or the name of one that comes with ecostep, such as raci; before --set",
    )
    parser.add_argument(
        "--init",
        type=Path,
        metavar="RUN",
        help="begin with the weights and scalers of a network: a run folder, of which the best epoch is taken, a file "
        "of its checkpoints/, or an exported artefact; not an ensemble or a baseline",
    )
    parser.add_argument(
        "--freeze", metavar="PARTS", help="parts of the model that stay as they begin, by commas; list shows them"
    )
    parser.add_argument("--only", metavar="PARTS", help="parts of the model that alone are trained, such as code")
    parser.add_argument("--epochs", type=int, metavar="N", help="the same as --set training.epochs=N; more go on")
    parser.add_argument("--check", action="store_true", help="validate, print the resolved configuration and stop")
    parser.add_argument(
        "--resume", choices=("auto", "never"), default="auto", help="auto (default): go on with a run that was stopped"
    )
    parser.add_argument("--overwrite", action="store_true", help="discard the run that the folder holds")
    parser.add_argument("--tensorboard", action="store_true", help="write RUN/tensorboard as well (extra tensorboard)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
