"""Random search for options of a model, every trial with the same budget; test data choose nothing.

Every trial is judged by its validation loss alone. The first has the configuration's own values. `trials/NNN` is the
run folder of a trial with its `trial.json`, and `choice.yaml` what was chosen, with all trials and their origin.
"""

import hashlib
import io
import json
import logging
import math
import time
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError, model_validator
from ruamel.yaml import YAML

from emulator.configuration.schema import Config
from emulator.data.dataset import Dataset
from emulator.data.signature import Signature
from emulator.data.split_days import AnySplit
from emulator.runs import provenance
from emulator.runs.run_folder import RunFolderError
from emulator.training.fit import fit
from emulator.training.trainer import TrainingDiverged
from foundations import atomic_file, configuration_file, own_folder
from foundations.configuration_file import ConfigError
from foundations.folder_lock import locked
from foundations.provenance import file_sha256
from foundations.time_left import time_left

log = logging.getLogger(__name__)

KIND = "tuning"
CHOICE = "choice.yaml"
BUDGET = ("epochs", "patience", "windows_per_site", "validation_", "threads", "device", "precision")
"""Keys of `training`, or beginnings of keys, that a space may not vary: trials would differ in budget or in measure."""


class LogUniform(BaseModel):
    """A number whose logarithm is uniform between two bounds."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    log_uniform: tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]]

    def draw(self, random: np.random.Generator) -> float:
        low, high = self.log_uniform
        return float(f"{math.exp(random.uniform(math.log(low), math.log(high))):.3g}")


class Uniform(BaseModel):
    """A number between two bounds."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    uniform: tuple[float, float]

    def draw(self, random: np.random.Generator) -> float:
        return float(f"{random.uniform(*self.uniform):.3g}")


class Choice(BaseModel):
    """One of some values."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    choice: tuple[bool | int | float | str, ...] = Field(min_length=1)

    def draw(self, random: np.random.Generator) -> bool | int | float | str:
        return self.choice[int(random.integers(len(self.choice)))]


def _form(value: Any) -> str:
    fields = value if isinstance(value, Mapping) else vars(value)
    return next((name for name in ("log_uniform", "uniform", "choice") if name in fields), "choice")


Range = Annotated[
    Annotated[LogUniform, Tag("log_uniform")] | Annotated[Uniform, Tag("uniform")] | Annotated[Choice, Tag("choice")],
    Discriminator(_form),
]


class Space(BaseModel):
    """What a search may vary, by dotted key of the configuration, for one kind of model."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: str
    parameters: dict[str, Range] = Field(min_length=1)

    @model_validator(mode="after")
    def _fair(self) -> "Space":
        for name in self.parameters:
            section, _, key = name.partition(".")
            if section not in ("model", "training") or not key or (section == "training" and key.startswith(BUDGET)):
                message = f"'{name}': options of model and training can be tuned, but not the budget or the loss"
                raise ValueError(message)
        return self

    def draw(self, seed: int, trial: int) -> dict[str, Any]:
        """Values of a trial by dotted key, none for trial 0. Keys are drawn apart: a range common to two spaces gives
        the same values in both.
        """
        if trial == 0:
            return {}
        return {
            name: distribution.draw(np.random.default_rng([seed, trial, zlib.crc32(name.encode())]))
            for name, distribution in self.parameters.items()
        }


class Budget(BaseModel):
    """What every trial may spend, and which trials there are."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    trials: int = Field(ge=1)
    epochs: int | None = Field(None, ge=1, description="null: as many as the configuration says")
    seed: int = Field(0, ge=0)


def tune(
    config: Config,
    dataset: Dataset,
    split: AnySplit,
    space: Space,
    out: Path | str,
    budget: Budget,
    *,
    signature: Signature | None = None,
) -> dict[str, Any]:
    """Search on a dataset in memory; returns the content of `choice.yaml`.

    A search that was stopped goes on; finished trials are not repeated. Raises ConfigError where space and
    configuration do not fit, or where no trial gave a validation loss.
    """
    out = Path(out)
    if space.kind != config.model.kind:
        message = f"the space is for model.kind = {space.kind}, the configuration has {config.model.kind}"
        raise ConfigError(message)
    with_values(config, space.draw(budget.seed, 1))  # names that the model does not have, before anything is trained
    configs = [with_values(config, space.draw(budget.seed, trial), budget.epochs) for trial in range(budget.trials)]
    _require_own_choice(out)
    with locked(out, "tuning"):
        trials, started = [], time.perf_counter()
        for number, changed in enumerate(configs):
            trials.append(_trial(number, space.draw(budget.seed, number), changed, dataset, split, out, signature))
            if left := time_left(time.perf_counter() - started, number + 1, len(configs)):
                log.info("%d of %d trials done, %s", number + 1, len(configs), left)
        choice = _choice(config, dataset, space, budget, trials)
        content = _yaml(choice).encode()
        own_folder.mark(out, KIND, {CHOICE: hashlib.sha256(content).hexdigest()})
        atomic_file.write_bytes(out / CHOICE, content)
    return choice


def _require_own_choice(out: Path) -> None:
    """RunFolderError where a choice.yaml lies in the folder that no search made, or that was edited since."""
    path = out / CHOICE
    if not path.exists():
        return
    written = own_folder.digest(out, CHOICE)
    if written is None:  # of no search, or of one before there were manifests, which has its trials in it
        try:
            configuration_file.section_overrides(path)
            ours = b"\ntrials:" in path.read_bytes()
        except ConfigError:
            ours = False
    else:
        ours = file_sha256(path) == written
    if not ours:
        message = (
            f"{path}: is no choice that a search wrote, or was changed since; move it away, or choose another --out"
        )
        raise RunFolderError(message)


def with_values(config: Config, values: Mapping[str, Any], epochs: int | None = None) -> Config:
    """A configuration with some values, by dotted key, in place of its own; ConfigError where they are not allowed."""
    content = config.model_dump(mode="json")
    for name, value in values.items():
        section, _, key = name.partition(".")
        content[section][key] = value
    if epochs is not None:
        content["training"]["epochs"] = epochs
    try:
        return Config.model_validate(content)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]
        message = f"model.kind = {config.model.kind}: {'; '.join(faults)}"
        raise ConfigError(message) from None


def _trial(
    number: int,
    values: dict[str, Any],
    config: Config,
    dataset: Dataset,
    split: AnySplit,
    out: Path,
    signature: Signature | None,
) -> dict[str, Any]:
    """Train a trial, or go on with it, or read what it gave."""
    run = out / "trials" / f"{number:03d}"
    record_file = run / "trial.json"
    try:
        progress = fit(config, dataset, split, run, signature=signature)
    except TrainingDiverged as error:
        outcome: dict[str, Any] = {"val_loss": None, "best_epoch": None, "seconds": None, "failed": str(error)}
    else:
        outcome = {
            "val_loss": progress.best_val_loss,
            "best_epoch": progress.best_epoch,
            "seconds": round(progress.seconds, 1),
        }
    record = {"trial": number, "values": values, **outcome}
    atomic_file.write_json(record_file, record)
    log.info(
        "trial %d: validation loss %s with %s", number, outcome["val_loss"], values or "the configuration's values"
    )
    return record


def _choice(
    config: Config, dataset: Dataset, space: Space, budget: Budget, trials: list[dict[str, Any]]
) -> dict[str, Any]:
    """The content of choice.yaml: sections that replace values of a configuration, and how they were found."""
    able = [trial for trial in trials if trial["val_loss"] is not None]
    if not able:
        message = f"{dataset.path}: all {len(trials)} trials diverged; lower the learning rates of the space"
        raise ConfigError(message)
    best = min(able, key=lambda trial: trial["val_loss"])
    chosen = config.model_dump(mode="json")
    sections: dict[str, dict[str, Any]] = {}
    for name in space.parameters:
        section, _, key = name.partition(".")
        sections.setdefault(section, {})[key] = best["values"].get(name, chosen[section][key])
    origin = provenance.collect(config=chosen, dataset=dataset.path, seed=budget.seed)
    return {
        "kind": space.kind,
        **sections,
        "val_loss": best["val_loss"],
        "val_loss_of_configuration": trials[0]["val_loss"],
        "budget": {**budget.model_dump(), "epochs": budget.epochs or config.training.epochs},
        "space": space.model_dump(mode="json")["parameters"],
        "trials": trials,
        "provenance": {**origin, "tensors_hash": dataset.content_hash()},
    }


def _yaml(content: dict[str, Any]) -> str:
    yaml = YAML()
    yaml.default_flow_style = None
    yaml.width = 110
    stream = io.StringIO()
    yaml.dump(json.loads(json.dumps(content)), stream)
    return stream.getvalue()


def load_space(path: Path) -> Space:
    """Read a space; ConfigError names file and key of a fault."""
    return configuration_file.load(Space, path)
