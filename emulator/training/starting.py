"""Fine-tuning: a model that begins with the weights and scalers of a run or an artefact, and parts that stay so."""

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from emulator.artefact.continuing import read_trained
from emulator.artefact.metadata import METADATA_FILE
from emulator.configuration.schema import Config
from emulator.data.scalers import Scalers, TargetScaling
from emulator.data.signature import Signature
from emulator.models import registry
from emulator.models.parts.layers import FluxHead
from emulator.models.parts.site_code import SiteCode
from emulator.models.wrappers.bounded import BoundedModel
from emulator.models.wrappers.departure import DepartureModel
from emulator.models.wrappers.derived import DerivedModel
from emulator.models.wrappers.residual import ResidualModel
from emulator.runs import checkpoint, trained_model
from emulator.runs.run_folder import RunFolder, RunFolderError
from emulator.runs.trained_model import of_this_version, require_provenance, trained_signature
from foundations.configuration_file import ConfigError


@dataclass(frozen=True)
class Start:
    """Where a model begins: weights with scalers among them, the variables they are for, and the checkpoint's words."""

    path: Path
    weights: dict[str, Tensor]
    signature: Signature
    config: Config
    description: dict[str, Any]

    def origin(self) -> dict[str, Any]:
        """What the provenance of the new run says of it."""
        former = self.description["provenance"]
        return {"path": str(self.path), **{key: former.get(key) for key in ("config_hash", "dataset_hash", "git_hash")}}


def read_start(path: Path) -> Start:
    """The best checkpoint of a run folder, a checkpoint file or an exported artefact.

    RunFolderError for an ensemble or a baseline, CheckpointError or ArtefactError for a file that cannot be continued.
    """
    run = RunFolder(path)
    if run.members.exists():
        message = f"{path}: an ensemble has no weights of its own; give --init one of its members"
        raise RunFolderError(message)
    file = path if path.is_file() else run.best
    from_artefact = path.is_file() and _is_artefact(path)
    if from_artefact:
        weights, description = read_trained(path)
    else:
        saved = checkpoint.load(file)
        weights, description = saved.model, saved.description
    with of_this_version(file):
        config = Config.model_validate(description["config"])
        signature = trained_signature(config, description)
        require_provenance(description)
        if from_artefact:
            weights = _of_state(weights, trained_model.built(config, signature, description)[0])
    if registry.is_gradient_free(config.model):
        message = f"{path}: a baseline of kind {config.model.kind} has no weights to begin with; give --init a network"
        raise RunFolderError(message)
    return Start(path, weights, signature, config, description)


def model_options(path: Path) -> str:
    """Kind and options of the model of a start, as JSON."""
    return json.dumps(read_start(path).config.model.model_dump(mode="json"))


def _is_artefact(path: Path) -> bool:
    """Whether a file is an exported artefact, and no checkpoint."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith(f"/extra/{METADATA_FILE}") for name in archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError):
        return False


def _of_state(weights: dict[str, Tensor], model: nn.Module) -> dict[str, Tensor]:
    """The weights that a checkpoint of the model would hold: a scripted module has buffers that follow from others."""
    derived = {name for name, _ in model.named_buffers()} - model.state_dict().keys()
    return {name: value.detach() for name, value in weights.items() if name not in derived}


def with_variables(config: Config, start: Start) -> Config:
    """The configuration with the variables of the start; ConfigError where it names others, or other bounds."""
    for role, names in (
        ("inputs", start.signature.input_names),
        ("statics", start.signature.static_names),
        ("targets", start.signature.target_names),
    ):
        given = getattr(config.data, role)
        if given is not None and given != names:
            message = (
                f"data.{role}: {', '.join(given)}, but {start.path} was trained with {', '.join(names)}; "
                "leave the list out, or give the same in the same order"
            )
            raise ConfigError(message)
    if config.data.bounds not in ({}, start.config.data.bounds):
        message = f"data.bounds: differ from those of {start.path}, which are kept; leave them out"
        raise ConfigError(message)
    if config.data.prior not in ({}, start.config.data.prior):
        message = f"data.prior: differs from that of {start.path}, which is kept; leave it out"
        raise ConfigError(message)
    taken_over = {"bounds": start.config.data.bounds, "prior": start.config.data.prior}
    data = config.data.naming(start.signature).model_copy(update=taken_over)
    return config.model_copy(update={"data": data})


def take_up(model: nn.Module, start: Start, scalers: Scalers, departure: Scalers | None = None) -> None:
    """Give a model the weights and scalers of the start, in place; scalers, and those of departures: those of the data
    to be trained on.

    Predictions stay bounded at the largest flux seen, of both data. ConfigError names the first weight that differs in
    shape.
    """
    own = model.state_dict()
    sized_by_data = {name for name, _ in model.named_buffers()} | _codes_of_sites(model)
    for name in sorted(own.keys() | start.weights.keys()):
        there, here = (state[name].shape if name in state else None for state in (start.weights, own))
        if there is None or here is None or (there != here and name not in sized_by_data):
            message = (
                f"model: its weights are not those of {start.path} (kind {start.config.model.kind}): {name} is "
                f"{_shape(there)} there and {_shape(here)} here; give the model the same options"
            )
            raise ConfigError(message)
    checkpoint.load_weights(model, start.weights)
    inner = {
        part for module in model.modules() if isinstance(module, DepartureModel) for part in module.model.modules()
    }
    bases = {part for module in model.modules() if isinstance(module, ResidualModel) for part in module.base.modules()}
    for module in model.modules():
        if isinstance(module, TargetScaling | FluxHead) and module not in bases:
            _widen(module, departure if module in inner and departure is not None else scalers)


def _widen(module: TargetScaling | FluxHead, scalers: Scalers) -> None:
    """Raise the bound of predictions to that of other data, where it is lower."""
    largest = (scalers.target_scale * torch.sinh(scalers.target_limit)).to(module.scale.device)
    largest = largest[module.learned_index] if isinstance(module, FluxHead) else largest
    module.limit = torch.maximum(module.limit, torch.asinh(largest / module.scale))


def _codes_of_sites(model: nn.Module) -> set[str]:
    """Names of weights that a model has for each training site; those of other sites are kriged from them."""
    codes = [name for name, module in model.named_modules() if isinstance(module, SiteCode)]
    return {weight for weight in model.state_dict() if any(weight.startswith(f"{name}.") for name in codes)}


def freeze(model: nn.Module, parts: tuple[str, ...], only: tuple[str, ...] = ()) -> None:
    """Keep the weights of parts, by name of module, as they are, or where `only` names parts, all but those;
    ConfigError names an unknown part and the choice.
    """
    frozen, trained = (_modules(model, key, named) for key, named in (("freeze", parts), ("only", only)))
    if trained:
        model.requires_grad_(False)
    for module in trained:
        module.requires_grad_(True)
    for module in frozen:
        module.requires_grad_(False)
    if not any(parameter.requires_grad for parameter in model.parameters()):
        message = "init.freeze: all parts are frozen, so nothing is left to train"
        raise ConfigError(message)


def _modules(model: nn.Module, key: str, parts: tuple[str, ...]) -> list[nn.Module]:
    """The parts of a model that an option of `init` names; ConfigError where there is no such part."""
    network = _network(model)
    choice = dict(parts_of(model))
    modules = []
    for part in parts:
        name = part
        while name not in choice and name.startswith("model."):  # as named with the wrappers around the network
            name = name.removeprefix("model.")
        if name not in choice:
            message = f"init.{key}: '{part}' is no part of the model; the parts are {', '.join(choice)}"
            if part.startswith("code"):
                message += "; a model has codes of sites where model.code_size is not 0"
            raise ConfigError(message)
        modules.append(network.get_submodule(name))
    return modules


def parts_of(model: nn.Module) -> list[tuple[str, int]]:
    """Parts that can be frozen, with their numbers of weights: modules with weights, two levels deep, whatever bounds
    and identities are wrapped around the network.
    """
    parts = []
    for name, module in _network(model).named_modules():
        count = sum(parameter.numel() for parameter in module.parameters())
        if name and count and name.count(".") < 2:
            parts.append((name, count))
    return parts


def _network(model: nn.Module) -> nn.Module:
    """The network within its wrappers, which have no weights."""
    while isinstance(model, BoundedModel | DerivedModel | DepartureModel):
        model = model.model
    return model


def wider(ranges: dict[str, list[float]], former: dict[str, list[float]]) -> dict[str, list[float]]:
    """Ranges by variable that hold both of two."""
    return {
        name: [min(low, former[name][0]), max(high, former[name][1])] if name in former else [low, high]
        for name, (low, high) in ranges.items()
    }


def _shape(shape: torch.Size | None) -> str:
    return "absent" if shape is None else "x".join(map(str, shape)) or "a number"
