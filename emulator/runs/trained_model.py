"""A trained model, rebuilt from a run folder's checkpoint alone, without its dataset."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from emulator.configuration.schema import Config
from emulator.data.scalers import Scalers
from emulator.data.signature import Signature
from emulator.models import registry
from emulator.models.streaming import StreamingModel
from emulator.models.wrappers.ensemble import combine
from emulator.runs import checkpoint
from emulator.runs.base_model import Base, base_of
from emulator.runs.checkpoint import CheckpointError
from emulator.runs.run_folder import RunFolder, RunFolderError
from foundations.file_faults import DamagedFile, read_json


@dataclass(frozen=True)
class TrainedModel:
    """A model in eval mode with its configuration, and what the checkpoint says of its origin."""

    model: StreamingModel
    config: Config
    signature: Signature
    """Inputs, statics and targets in call order."""
    description: dict[str, Any]
    epoch: int
    val_loss: float

    @property
    def provenance(self) -> dict[str, Any]:
        """Code, configuration, dataset and seed of the training run."""
        return self.description["provenance"]


def load(run: RunFolder | Path | str, past_flux: str | None = None, signature: Signature | None = None) -> TrainedModel:
    """The best checkpoint of a run; raises CheckpointError where there is none.

    past_flux: 'ungauged' or 'self_fed' instead of the configured one. RunFolderError for a model that has no history.
    signature: default the one that the model was trained with; another must name the same variables.
    """
    run = run if isinstance(run, RunFolder) else RunFolder(run)
    if run.members.exists():
        return load_members(member_paths(run), past_flux, signature)
    saved = checkpoint.load(run.best)
    with of_this_version(run.best):
        config = Config.model_validate(saved.description["config"])
        trained = trained_signature(config, saved.description)
        require_provenance(saved.description)
    if registry.is_gradient_free(config.model):
        message = (
            f"{run.path}: a baseline of kind {config.model.kind} has no daily step: it is evaluated and predicts, but "
            "cannot be exported or join an ensemble"
        )
        raise RunFolderError(message)
    if past_flux is not None:
        config = _with_past_flux(config, past_flux, run)
    signature = _checked(signature, trained, run)
    with of_this_version(run.best):
        model, _ = built(config, signature, saved.description, past_flux)
        checkpoint.load_weights(model, saved.model)
    model.eval()
    progress = saved.progress
    return TrainedModel(model, config, signature, saved.description, progress.best_epoch, progress.best_val_loss)


def built(
    config: Config, signature: Signature, description: dict[str, Any], past_flux: str | None = None
) -> tuple[StreamingModel, Base | None]:
    """The model that a checkpoint describes, without its weights, and within it the emulator whose residual it predicts,
    None where there is none.
    """
    base = base_of(description, past_flux)
    parts = None if base is None else base.parts
    return registry.build(config.model, signature, Scalers.identity(signature), base=parts), base


@contextmanager
def of_this_version(path: Path) -> Iterator[None]:
    """CheckpointError where a checkpoint, whole by its checksums, describes no model that this version can build."""
    try:
        yield
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        message = f"{path}: of another version of ecostep, its model cannot be built ({reason}); train again"
        raise CheckpointError(message) from None


def require_provenance(description: dict[str, Any]) -> None:
    """KeyError where a checkpoint does not say of which data and code it is."""
    for key in ("git_hash", "config_hash", "dataset_hash", "seed"):
        description["provenance"][key]


def member_paths(run: RunFolder) -> list[str]:
    """The runs that an ensemble's folder names; DamagedFile where it names none."""
    remedy = "make the ensemble again with emulator.ensemble"
    content = read_json(run.members, remedy)
    members = content.get("members") if isinstance(content, dict) else None
    if not isinstance(members, list) or not all(isinstance(path, str) for path in members) or not members:
        raise DamagedFile(run.members, "names no members", remedy)
    return members


def load_members(
    runs: Sequence[str | Path], past_flux: str | None = None, signature: Signature | None = None
) -> TrainedModel:
    """An ensemble of runs, described by the first one; RunFolderError where they differ in data, split or variables."""
    members = [load(run, past_flux, signature) for run in runs]
    first = members[0]
    for path, other in zip(runs, members, strict=True):
        same = {
            "signature": other.signature == first.signature,
            "split": _split_of(path, other) == _split_of(runs[0], first),
            "dataset": other.provenance["dataset_hash"] == first.provenance["dataset_hash"],
        }
        if not all(same.values()):
            differing = ", ".join(name for name, equal in same.items() if not equal)
            message = f"{path}: differs from {runs[0]} in {differing}, so they make no ensemble"
            raise RunFolderError(message)
    try:
        model = combine([member.model for member in members], first.signature)
    except ValueError as error:
        message = f"{runs[0]} and others: {error}"
        raise RunFolderError(message) from error
    loss = sum(member.val_loss for member in members) / len(members)
    return replace(first, model=model, val_loss=loss, epoch=max(member.epoch for member in members))


def _split_of(run: str | Path, trained: TrainedModel) -> object:
    """What tells whether two runs have the same split: the file that is kept of it, else the configuration's rule."""
    path = RunFolder(run).split
    return path.read_text(encoding="utf-8") if path.is_file() else trained.config.split


def trained_signature(config: Config, description: dict[str, Any]) -> Signature:
    """The variables that a model was trained with; an older checkpoint has names alone, which the table describes."""
    if "signature" in description:
        return Signature.from_dict(description["signature"])
    return config.data.table_signature()


def _checked(signature: Signature | None, trained: Signature, run: RunFolder) -> Signature:
    if signature is None:
        return trained
    for role in ("input_names", "static_names", "target_names"):
        if getattr(signature, role) != getattr(trained, role):
            message = (
                f"{run.path}: trained with the {role.replace('_', ' ')} {', '.join(getattr(trained, role))}, not "
                f"{', '.join(getattr(signature, role))}"
            )
            raise RunFolderError(message)
    return signature


def _with_past_flux(config: Config, past_flux: str, run: RunFolder) -> Config:
    if getattr(config.model, "past_flux", "none") == "none":
        message = f"{run.path}: a model of kind {config.model.kind} takes no past flux"
        raise RunFolderError(message)
    return config.model_copy(update={"model": config.model.model_copy(update={"past_flux": past_flux})})
