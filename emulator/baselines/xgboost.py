"""Gradient-boosted trees on lag features: Chen and Guestrin 2016, KDD, doi:10.1145/2939672.2939785."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import xgboost
from torch import Tensor

from emulator.baselines.flux_space import FluxSpace
from emulator.baselines.predictor import keep_bounds
from emulator.baselines.sample import Design, Rows
from emulator.data.dataset import Dataset
from emulator.data.signature import Signature
from emulator.data.split_days import AnySplit

TRAINING_ROWS, VALIDATION_ROWS = 200_000, 60_000

ROUNDS, PATIENCE = 400, 20

BINS = 128

OPTIONS = {
    "objective": "reg:squarederror",
    "tree_method": "hist",
    "max_bin": BINS,
    "learning_rate": 0.1,
    "max_depth": 8,
    "min_child_weight": 50.0,
    "subsample": 0.5,
    "colsample_bytree": 0.5,
    "lambda": 1.0,
    "nthread": 1,
}


@dataclass(frozen=True)
class XGBoostPredictor:
    """One ensemble of trees for each learned target, cut at its best validation round."""

    design: Design
    space: FluxSpace
    boosters: tuple[xgboost.Booster, ...]

    @property
    def parameters(self) -> int:
        """A feature and a threshold for each split, a value for each leaf."""
        splits_and_leaves = [
            line for booster in self.boosters for tree in booster.get_dump() for line in tree.splitlines()
        ]
        return sum(1 if "leaf=" in line else 2 for line in splits_and_leaves)

    def state(self) -> dict[str, Any]:
        """See Predictor.state."""
        trees = [torch.frombuffer(bytearray(booster.save_raw("ubj")), dtype=torch.uint8) for booster in self.boosters]
        return {"trees": trees, "gain": torch.from_numpy(self.space.gain), "design": self.design.state()}

    def predict(self, dataset: Dataset, visible_flux: Tensor | None = None) -> np.ndarray:
        """See Predictor.predict."""
        fluxes = np.empty(tuple(dataset.flux.shape), np.float32)
        for sites, features in self.design.all_days(dataset, visible_flux):
            standardised = np.stack([booster.inplace_predict(features) for booster in self.boosters], axis=1)
            fluxes[sites.numpy()] = self.space.fluxes(standardised).reshape(len(sites), -1, fluxes.shape[-1])
        return keep_bounds(fluxes, dataset, self.design.signature)


def fit(dataset: Dataset, split: AnySplit, signature: Signature, *, past_flux: bool, seed: int) -> XGBoostPredictor:
    """See emulator.baselines. Boosting stops when the error over both validation parts no longer falls."""
    design = Design.of(dataset, split, signature, past_flux)
    rows = design.training_rows(dataset, split, TRAINING_ROWS, seed)
    validation = design.validation_rows(dataset, split, VALIDATION_ROWS, seed)
    boosters = tuple(_boost(rows, validation, target, seed) for target in range(rows.target.shape[1]))
    predicted = np.stack([booster.inplace_predict(validation.features) for booster in boosters], axis=1)
    return XGBoostPredictor(design, design.space.with_gain(predicted, validation.flux, validation.weight), boosters)


def rebuilt(state: dict[str, Any], signature: Signature) -> XGBoostPredictor:
    """The predictor of a state."""
    design, boosters = Design.rebuilt(state["design"], signature), []
    for trees in state["trees"]:
        booster = xgboost.Booster({"nthread": 1})
        booster.load_model(bytearray(trees.numpy().tobytes()))
        boosters.append(booster)
    return XGBoostPredictor(design, replace(design.space, gain=state["gain"].numpy()), tuple(boosters))


def _boost(rows: Rows, validation: Rows, target: int, seed: int) -> xgboost.Booster:
    """Trees for one target."""
    training = _matrix(rows, target)
    booster = xgboost.train(
        OPTIONS | {"seed": seed},
        training,
        num_boost_round=ROUNDS,
        evals=[(_matrix(validation, target, training), "validation")],
        early_stopping_rounds=PATIENCE,
        verbose_eval=False,
    )
    return booster[: booster.best_iteration + 1]


def _matrix(rows: Rows, target: int, bins: xgboost.DMatrix | None = None) -> xgboost.DMatrix:
    """The rows that have a target, with weights of mean 1, in the bins of another matrix where that is given."""
    observed = np.isfinite(rows.target[:, target])
    weight = rows.weight[observed] * observed.sum() / rows.weight[observed].sum()
    return xgboost.QuantileDMatrix(
        rows.features[observed],
        label=rows.target[observed, target],
        weight=weight,
        ref=bins,
        max_bin=BINS,
        nthread=1,
    )
