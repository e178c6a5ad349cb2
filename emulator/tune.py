"""Choose options of a model by random search: python -m emulator.tune CONFIG --space SPACE --out DIR --trials N

Every trial is a training of the same budget, judged by its validation loss alone; test data choose nothing. The first
trial has the configuration's own values. DIR/trials/NNN is the run folder of a trial with its `trial.json`, and
DIR/choice.yaml what was chosen, with all trials and their origin.
"""

import argparse
import json
import logging
import sys
from pathlib import Path

from emulator.configuration.schema import Config
from emulator.data.dataset import Dataset
from emulator.data.split_rules import split_dataset
from emulator.runs.checkpoint import CheckpointError
from emulator.runs.run_folder import RunFolderError
from emulator.training.search import Budget, load_space, tune
from emulator.training.trainer import Interrupted, TrainingDiverged
from foundations import configuration_file
from foundations.command_end import INTERRUPTED
from foundations.configuration_file import ConfigError
from foundations.file_faults import explain
from foundations.folder_lock import FolderBusy
from foundations.shipped_configurations import configuration_path
from foundations.terminal import start_logging

log = logging.getLogger(__name__)


def main(arguments: list[str] | None = None, program: str = "python -m emulator.tune") -> int:
    """Entry point; returns the exit status, as emulator.train does."""
    options = command_parser(program).parse_args(arguments)
    start_logging()
    try:
        data = [] if options.data is None else [f"data.path={json.dumps(str(options.data))}"]
        path = configuration_path(options.config, "training")
        config = configuration_file.load(Config, path, [*data, *options.set])
        space = load_space(configuration_path(options.space, "space"))
        budget = Budget(trials=options.trials, epochs=options.budget_epochs, seed=options.seed)
        config, signature = config.resolved()
        dataset = Dataset.open(config.data.path, signature, filled_flux=config.reads_filled_flux)
        split = split_dataset(config.split, dataset)
        choice = tune(config, dataset, split, space, options.out, budget)
        log.info("%s: %s", options.out / "choice.yaml", {key: choice.get(key) for key in ("model", "training")})
    except Interrupted as stop:
        log.warning("%s", stop)
        return stop.exit_status
    except KeyboardInterrupt:  # before the first batch, or between trials
        log.warning("interrupted")
        return INTERRUPTED
    except ValueError as error:
        log.error("%s", error)
        return 2 if isinstance(error, ConfigError) else 1
    except (CheckpointError, FolderBusy, RunFolderError, TrainingDiverged, OSError) as error:
        log.error("%s", explain(error))
        return 1
    return 0


def command_parser(program: str = "python -m emulator.tune") -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(prog=program, description="Choose options by random search.")
    parser.add_argument("config", metavar="CONFIG", help="configuration of a training, or a name such as quickstart")
    parser.add_argument("--space", required=True, metavar="SPACE", help="YAML file, or a name such as lstm")
    parser.add_argument("--data", type=Path, metavar="D", help="dataset; the same as --set data.path=D")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of trials and choice.yaml")
    parser.add_argument("--trials", type=int, required=True, metavar="N", help="trials, the first with CONFIG's values")
    parser.add_argument("--budget-epochs", type=int, metavar="E", help="epochs of a trial (default: CONFIG's)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the search (default 0)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="override, as in emulator.train"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
