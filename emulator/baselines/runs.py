"""Baselines as runs: fitted into a run folder by the command that trains networks, and opened again from it."""

import io
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from emulator.baselines.predictor import Predictor
from emulator.configuration.schema import Config
from emulator.data.dataset import Dataset
from emulator.data.signature import Signature
from emulator.data.split_days import AnySplit
from emulator.models import registry
from emulator.models.streaming import WholeDatasetModel
from emulator.runs import checkpoint, trained_model
from emulator.runs.checkpoint import Checkpoint, CheckpointError, Progress
from emulator.runs.run_folder import RunFolder
from emulator.runs.trained_model import TrainedModel, trained_signature
from foundations.configuration_file import ConfigError

VALIDATION_SITES = 64
"""Sites of either part whose validation loss is computed at most."""


class BaselineModel(WholeDatasetModel):
    """A fitted baseline. `content` is what its file holds, as bytes."""

    content: Tensor

    def __init__(self, predictor: Predictor, content: Tensor, past_flux: str) -> None:
        super().__init__()
        self.predictor, self.past_flux = predictor, past_flux
        self.register_buffer("content", content)

    def predict_dataset(self, dataset: Dataset, visible_flux: Tensor | None = None) -> np.ndarray:
        """See WholeDatasetModel.predict_dataset."""
        return self.predictor.predict(dataset, visible_flux)

    def count_weights(self) -> int:
        """Values learned from data."""
        return int(self.predictor.parameters)


def fit_at_once(
    config: Config, dataset: Dataset, split: AnySplit, signature: Signature, origin: dict[str, Any]
) -> Checkpoint:
    """Fit the baseline that a configuration names; the checkpoint of a finished run of one epoch.

    Raises ValueError where configuration, dataset and split do not fit together.
    """
    from emulator.training import assembly  # which evaluation and prediction do without

    scalers = assembly.checked_scalers(dataset, split, signature)
    kind, past_flux = config.model.kind, config.model.past_flux != "none"
    predictor = _module(kind).fit(dataset, split, signature, past_flux=past_flux, seed=config.seed)
    loss = assembly.build_loss(config, dataset, split, signature, scalers)
    value = _validation_loss(predictor, dataset, split, loss)
    return Checkpoint(
        model={"content": _to_bytes(predictor.state())},
        description=assembly.describe(config, signature, scalers, origin),
        progress=Progress(epoch=1, best_epoch=0, best_val_loss=value),
        git_hash=origin["git_hash"],
        config_hash=origin["config_hash"],
    )


def load(run: RunFolder) -> TrainedModel:
    """The model of a run folder, network or baseline; as `emulator.runs.trained_model.load`."""
    if run.members.exists():
        return trained_model.load(run)
    saved = checkpoint.load(run.best)
    with trained_model.of_this_version(run.best):
        config = Config.model_validate(saved.description["config"])
    if not registry.is_gradient_free(config.model):
        return trained_model.load(run)
    with trained_model.of_this_version(run.best):
        signature = trained_signature(config, saved.description)
        trained_model.require_provenance(saved.description)
        content = saved.model["content"]
    try:
        state = torch.load(io.BytesIO(content.numpy().tobytes()), weights_only=True)
        predictor = _module(config.model.kind).rebuilt(state, signature)
    except (RuntimeError, KeyError, TypeError, EOFError) as error:
        message = f"{run.best}: not a baseline of kind {config.model.kind} that this ecostep reads; train it again"
        raise CheckpointError(message) from error
    model = BaselineModel(predictor, content, config.model.past_flux)
    progress = saved.progress
    return TrainedModel(model, config, signature, saved.description, progress.best_epoch, progress.best_val_loss)


def _module(kind: str) -> ModuleType:
    """The module of a kind: `fit`, and `rebuilt`, the inverse of its predictor's `state`."""
    try:
        return import_module(f"emulator.baselines.{kind}")
    except ModuleNotFoundError as error:
        message = f"model.kind = {kind} needs the package {error.name}: pip install 'ecostep[benchmarks]'"
        raise ConfigError(message) from None


def _to_bytes(state: dict[str, Any]) -> Tensor:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return torch.frombuffer(bytearray(buffer.getvalue()), dtype=torch.uint8)


@torch.no_grad()
def _validation_loss(
    predictor: Predictor, dataset: Dataset, split: AnySplit, loss: Callable[[Tensor, Tensor, Tensor], Tensor]
) -> float:
    """The loss of networks over both validation parts, run as they are; of training days where there are none."""
    seen, truth = split.days(dataset, "train"), dataset.scored_flux()
    losses: list[float] = []
    for part in ("validation_temporal", "validation_spatial", "train"):
        if part == "train" and losses:
            break
        scored = split.days(dataset, part) & torch.isfinite(truth).any(-1)
        sites = np.flatnonzero(scored.any(1).numpy())[:VALIDATION_SITES]
        if len(sites):
            rows = torch.as_tensor(sites)
            visible = None if part == "validation_spatial" else seen[rows]
            predicted = torch.from_numpy(predictor.predict(dataset.site_subset(sites), visible))
            target = truth[rows].masked_fill(~scored[rows][..., None], torch.nan)
            losses.append(float(loss(predicted, target, rows)))
    return float(np.mean(losses))
