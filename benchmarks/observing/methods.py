"""The methods that are compared: a line each in METHODS.

To add one, give it a name there: a baseline of `emulator.baselines`, a network by its options or by a file of
`configs/observations/`, or a combination of others (`combinations.py`).
"""

import tempfile
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.observing.combinations import Seeds, Stack
from benchmarks.observing.sources import with_water_table
from benchmarks.observing.tasks import HIGH, LOW, Task
from emulator.baselines.gaussian_process import GaussianProcessPredictor
from emulator.baselines.predictor import Predictor, StreamingPredictor
from emulator.configuration.schema import Config
from emulator.data.dataset import Dataset
from emulator.runs import trained_model
from emulator.training.fit import fit

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


@dataclass(frozen=True)
class Classical:
    """A model without gradients: module of `emulator.baselines`. refit: validation days are trained on, too.

    targets: those that it learns, default all. water_table: it is given that, too, where it was measured.
    """

    module: str
    refit: bool = False
    water_table: bool = False
    targets: tuple[str, ...] = ()

    def learn(self, task: Task, dataset: Dataset, seed: int) -> dict[str, np.ndarray]:
        """Fluxes (N, T, C) by view, NaN at sites that the view does not score."""
        split = task.refitted() if self.refit else task.split
        chosen = _with_targets(with_water_table(dataset) if self.water_table else dataset, self.targets)
        module = import_module(f"emulator.baselines.{self.module}")
        fitted = module.fit(chosen, split, chosen.signature, past_flux=True, seed=seed)
        return _views(fitted, task, chosen, dataset)


@dataclass(frozen=True)
class Network:
    """A network. refit: validation days are trained on, too, and the last weights count: for settings chosen before.

    targets: those that it learns, default all. water_table: it is given that, too, where it was measured.
    """

    kind: str
    model: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    loss: dict[str, Any] = field(default_factory=dict)
    targets: tuple[str, ...] = ()
    refit: bool = True
    water_table: bool = False

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
        """Fluxes (N, T, C) by view, NaN at sites that the view does not score, and of targets that are not learned."""
        chosen = _with_targets(with_water_table(dataset) if self.water_table else dataset, self.targets)
        split = task.refitted() if self.refit else task.split
        with tempfile.TemporaryDirectory() as folder:
            fit(self.configuration(chosen, seed), chosen, split, Path(folder) / "run", signature=chosen.signature)
            network = trained_model.load(Path(folder) / "run", signature=chosen.signature).model
        return _views(StreamingPredictor(network), task, chosen, dataset)


def _views(model: Predictor, task: Task, learned: Dataset, dataset: Dataset) -> dict[str, np.ndarray]:
    """Fluxes by view, and the ends of 90 % intervals where the model has them; learned: the dataset with the targets of
    the model.
    """
    targets = [dataset.signature.target_names.index(name) for name in learned.signature.target_names]
    views = {}
    for view in task.views:
        sites = np.flatnonzero(view.scored.any(1))
        part, place = learned.site_subset(sites), np.ix_(sites, range(dataset.flux.shape[1]), targets)
        visible = torch.as_tensor(view.visible[sites]) if view.visible[sites].any() else None
        for suffix, predicted in _predicted(model, part, visible, view.scored[sites]).items() if sites.size else ():
            views[view.name + suffix] = np.full(tuple(dataset.flux.shape), np.nan, np.float32)
            views[view.name + suffix][place] = predicted
    return views


def _predicted(
    model: Predictor, dataset: Dataset, visible: torch.Tensor | None, scored: np.ndarray
) -> dict[str, np.ndarray]:
    """Fluxes (N, T, C), and 90 % intervals, by the suffix of their names."""
    if not isinstance(model, GaussianProcessPredictor):
        return {"": model.predict(dataset, visible)}
    moments = model.distribution(dataset, visible, torch.as_tensor(scored))
    ends = {suffix: model.quantile(level, *moments, dataset) for suffix, level in ((LOW, 0.05), (HIGH, 0.95))}
    return {"": model.fluxes(*moments, dataset), **ends}


def _with_targets(dataset: Dataset, names: tuple[str, ...]) -> Dataset:
    """The dataset with some of its targets, all where none are named."""
    present = [name for name in dataset.signature.target_names if name in names or not names]
    rows = [dataset.signature.target_names.index(name) for name in present]
    signature = replace(dataset.signature, targets=tuple(dataset.signature.targets[row] for row in rows))
    return replace(dataset, flux=dataset.flux[..., rows], signature=signature)


PAST: dict[str, Any] = {"past_flux": "ungauged", "dropout": 0.3}
ADAPTIVE: dict[str, Any] = {"dropout": 0.3, "ungauged_share": 0.2}
SHORT = {"epochs": 20}

METHODS: dict[str, Classical | Network | Seeds | Stack] = {
    "climatology": Classical("climatology", refit=True),
    "ridge": Classical("ridge"),
    "xgboost": Classical("xgboost", refit=True),
    "gaussian_process": Classical("gaussian_process", refit=True),
    "gaussian_process_wtd": Classical("gaussian_process", refit=True, water_table=True),
    "gaussian_process_ch4": Classical("gaussian_process", refit=True, targets=("fch4",)),
    "lstm": Network("lstm", PAST),
    "gru": Network("gru", PAST),
    "ea_lstm": Network("ea_lstm", PAST),
    "tcn": Network("tcn", PAST),
    "transformer": Network("transformer", PAST),
    "itransformer": Network("itransformer", PAST),
    "cham_net": Network("cham_net", ADAPTIVE, SHORT),
    "cham_net_ch4": Network("cham_net", ADAPTIVE, SHORT, targets=("fch4",)),
    "cham_net_wtd": Network("cham_net", ADAPTIVE, SHORT, water_table=True),
    "raci": Network("raci", {"dropout": 0.3}, SHORT),
    "unified": Network("unified", ADAPTIVE, SHORT),
    "stack": Stack(("climatology", "xgboost", "gaussian_process", "lstm", "cham_net")),
    "stack_of_all": Stack(("climatology", "xgboost", "gaussian_process", "lstm", "gru", "cham_net", "raci", "unified")),
    "stack_wtd": Stack(("climatology", "xgboost", "gaussian_process_wtd", "lstm", "cham_net_wtd")),
    "shrunk": Stack(("climatology", "gaussian_process_ch4")),
}
