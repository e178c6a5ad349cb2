"""What an artefact keeps so that training can go on from it: its weights are the module's, all else is a record."""

import json
from pathlib import Path
from typing import Any

from torch import Tensor

from emulator.artefact import metadata
from emulator.artefact.code_check import NotTrusted
from emulator.artefact.metadata import MOST_METADATA, TRAINING_FILE, ArtefactError
from emulator.artefact.module_file import load_module
from emulator.models.wrappers.ensemble import Ensemble
from emulator.runs.trained_model import TrainedModel
from foundations.bounded_text import json_value

_PROVENANCE = ("git_hash", "config_hash", "dataset_hash", "seed")
_PATHS = (("data", "path"), ("split", "file"), ("init", "path"))
"""Options that name files: an artefact is handed on, and says no more than their names."""


def training_record(trained: TrainedModel) -> bytes | None:
    """`training.json` of an artefact: configuration, variables, ranges and provenance; None for several members."""
    if isinstance(trained.model, Ensemble) and len(trained.model.members) > 1:
        return None
    description = dict(trained.description)
    description["config"] = _without_folders(description["config"])
    description["signature"] = trained.signature.to_dict()
    description["provenance"] = {key: trained.provenance[key] for key in _PROVENANCE}
    return json.dumps(description, indent=1).encode()


def read_trained(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Weights and buffers by name, and the training record of an artefact; ArtefactError where it has none.

    The module is opened, and so its code searched, as everywhere (docs/security.md); nothing of it is called.
    """
    artefact = metadata.read_artefact(path)
    if artefact.metadata.members > 1:
        members = artefact.metadata.members
        message = f"{path}: an ensemble of {members} has no weights of its own; give one of its members"
        raise ArtefactError(message)
    if "stub" in artefact.metadata.backends:
        message = f"{path}: a stub, which has nothing to learn; give a run or an artefact of a network"
        raise ArtefactError(message)
    if artefact.training is None:
        message = f"{path}: has no extra/{TRAINING_FILE}, as older artefacts; export its run again, or give the run"
        raise ArtefactError(message)
    try:
        description = json_value(artefact.training, MOST_METADATA)
        weights = load_module(path).state_dict()
    except NotTrusted as error:
        raise ArtefactError(str(error)) from None
    except (ValueError, RuntimeError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        message = f"{path}: cannot be continued: {reason}"
        raise ArtefactError(message) from None
    prefix = "members.0."
    if any(name.startswith(prefix) for name in weights):
        weights = {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
    return weights, description


def _without_folders(config: dict[str, Any]) -> dict[str, Any]:
    """A configuration that tells of files their names alone."""
    config = {key: dict(value) if isinstance(value, dict) else value for key, value in config.items()}
    for section, key in _PATHS:
        if config.get(section, {}).get(key) is not None:
            config[section][key] = Path(config[section][key]).name
    return config
