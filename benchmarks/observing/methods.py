"""The methods that are compared: a line each in METHODS.

To add one, give it a name there: a baseline of `emulator.baselines`, a network by its options or by a file of
`configs/observations/`, or a combination of others (`combinations.py`).
"""

import tempfile
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from benchmarks.observing.tasks import Task
from emulator.baselines.predictor import Predictor, StreamingPredictor
from emulator.configuration.schema import Config
from emulator.data.dataset import Dataset
from emulator.runs import trained_model
from emulator.training.fit import fit
from foundations import configuration_file

ROOT = Path(__file__).resolve().parents[2]
RECIPES = ROOT / "configs" / "observations"
TRAINING: dict[str, Any] = {
    "epochs": 40,
    "batch_size": 4,
    "years_per_window": 4,
    "threads": 1,
    "learning_rate": 5e-3,
}
"""Of networks whose recipe says nothing else."""


class Method(Protocol):
    """Something that learns a task."""

    def learn(self, task: Task, dataset: Dataset, seed: int) -> dict[str, np.ndarray]:
        """Learn from the training and validation days of a task; fluxes (N, T, C) by view, NaN at sites that the view
        does not score, and of targets that are not learned.
        """
        ...


@dataclass(frozen=True)
class Classical:
    """A model without gradients: module of `emulator.baselines`. refit: validation days are trained on, too."""

    module: str
    refit: bool = False

    def learn(self, task: Task, dataset: Dataset, seed: int) -> dict[str, np.ndarray]:
        """See Method.learn."""
        split = task.refitted() if self.refit else task.split
        module = import_module(f"emulator.baselines.{self.module}")
        fitted = module.fit(dataset, split, dataset.signature, past_flux=True, seed=seed)
        return _views(fitted, task, dataset, dataset)


@dataclass(frozen=True)
class Network:
    """A network. refit: validation days are trained on, too, and the last weights count: for settings chosen before.

    targets: those that it learns, default all.
    """

    kind: str
    model: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    loss: dict[str, Any] = field(default_factory=dict)
    targets: tuple[str, ...] = ()
    refit: bool = True

    def configuration(self, dataset: Dataset, seed: int) -> Config:
        """The configuration of a training."""
        names = dataset.signature
        return Config.model_validate(
            {
                "seed": seed,
                "data": {
                    "path": dataset.path,
                    "inputs": names.input_names,
                    "statics": names.static_names,
                    "targets": names.target_names,
                    "identities": dict.fromkeys({"nee"} & set(names.target_names), ""),
                },
                "model": {"kind": self.kind, "hidden": 32, **self.model},
                "training": {**TRAINING, **self.training},
                "loss": self.loss,
            }
        )

    def learn(self, task: Task, dataset: Dataset, seed: int) -> dict[str, np.ndarray]:
        """See Method.learn."""
        chosen = _with_targets(dataset, self.targets)
        split = task.refitted() if self.refit else task.split
        with tempfile.TemporaryDirectory() as folder:
            fit(self.configuration(chosen, seed), chosen, split, Path(folder) / "run", signature=chosen.signature)
            network = trained_model.load(Path(folder) / "run", signature=chosen.signature).model
        return _views(StreamingPredictor(network), task, chosen, dataset)


def recipe(name: str, targets: tuple[str, ...] = ()) -> Network:
    """The network of `configs/observations/NAME.yaml`."""
    config = configuration_file.load(Config, RECIPES / f"{name}.yaml")
    model, training, loss = (getattr(config, part).model_dump() for part in ("model", "training", "loss"))
    return Network(model.pop("kind"), model, training, loss, targets)


def _views(model: Predictor, task: Task, learned: Dataset, dataset: Dataset) -> dict[str, np.ndarray]:
    """Fluxes by view; learned: the dataset with the targets of the model."""
    targets = [dataset.signature.target_names.index(name) for name in learned.signature.target_names]
    views = {}
    for view in task.views:
        sites = np.flatnonzero(view.scored.any(1))
        fluxes = np.full(tuple(dataset.flux.shape), np.nan, np.float32)
        if sites.size:
            visible = torch.as_tensor(view.visible[sites]) if view.visible[sites].any() else None
            predicted = model.predict(learned.site_subset(sites), visible)
            fluxes[np.ix_(sites, range(fluxes.shape[1]), targets)] = predicted
        views[view.name] = fluxes
    return views


def _with_targets(dataset: Dataset, names: tuple[str, ...]) -> Dataset:
    """The dataset with some of its targets, all where none are named."""
    present = [name for name in dataset.signature.target_names if name in names or not names]
    rows = [dataset.signature.target_names.index(name) for name in present]
    signature = replace(dataset.signature, targets=tuple(dataset.signature.targets[row] for row in rows))
    return replace(dataset, flux=dataset.flux[..., rows], signature=signature)


SQUARED = {"transformed": 0.3, "site": 0.3, "physical": 3.0}

METHODS: dict[str, Method] = {
    "climatology": Classical("climatology", refit=True),
    "ridge": Classical("ridge"),
    "xgboost": Classical("xgboost"),
    "gaussian_process": Classical("gaussian_process"),
    "lstm": Network("lstm", {"past_flux": "ungauged"}),
    "gru": Network("gru", {"past_flux": "ungauged"}),
    "ea_lstm": Network("ea_lstm", {"past_flux": "ungauged"}),
    "tcn": Network("tcn", {"past_flux": "ungauged"}),
    "transformer": Network("transformer", {"past_flux": "ungauged"}),
    "itransformer": Network("itransformer", {"past_flux": "ungauged"}),
    "cham_net": Network("cham_net"),
    "raci": Network("raci"),
    "unified": Network("unified"),
    "v_lstm_small": Network("lstm", {"past_flux": "ungauged", "hidden": 16, "dropout": 0.3}),
    "v_cham_small": Network("cham_net", {"hidden": 16, "dropout": 0.3}),
    "v_cham_wd": Network("cham_net", {"dropout": 0.3, "ungauged_share": 0.2}, {"weight_decay": 0.1}),
    "v_cham_phys": Network("cham_net", {"dropout": 0.3}, {}, SQUARED),
    "v_cham_ch4": Network("cham_net", {"dropout": 0.3}, targets=("fch4",)),
    "v_cham_20": Network("cham_net", {"dropout": 0.3}, {"epochs": 20}),
    "v_lstm_phys": Network("lstm", {"past_flux": "ungauged", "dropout": 0.3}, {}, SQUARED),
    "v_lstm_ch4": Network("lstm", {"past_flux": "ungauged", "dropout": 0.3}, targets=("fch4",)),
}
