"""Gradient-boosted trees on lag features: Chen and Guestrin 2016, KDD, doi:10.1145/2939672.2939785."""

from dataclasses import dataclass

import numpy as np
import xgboost
from torch import Tensor

from emulator.baselines.flux_space import FluxSpace
from emulator.baselines.predictor import keep_bounds
from emulator.baselines.sample import Design, Rows
from emulator.data.dataset import Dataset
from emulator.data.signature import Signature
from emulator.data.splits import Split

TRAINING_ROWS, VALIDATION_ROWS = 200_000, 60_000

ROUNDS, PATIENCE = 400, 20

OPTIONS = {
    "objective": "reg:squarederror",
    "tree_method": "hist",
    "max_bin": 128,
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

    def predict(self, dataset: Dataset, visible_flux: Tensor | None = None) -> np.ndarray:
        """See Predictor.predict."""
        result = np.empty(tuple(dataset.flux.shape), np.float32)
        for sites, features in self.design.all_days(dataset, visible_flux):
            found = np.stack([booster.inplace_predict(features) for booster in self.boosters], axis=1)
            result[sites.numpy()] = self.space.fluxes(found).reshape(len(sites), -1, result.shape[-1])
        return keep_bounds(result, dataset, self.design.signature)


def fit(dataset: Dataset, split: Split, signature: Signature, *, past_flux: bool, seed: int) -> XGBoostPredictor:
    """See emulator.baselines. Boosting stops when the error over both validation parts no longer falls."""
    design = Design(dataset, split, signature, past_flux)
    rows = design.training_rows(dataset, split, TRAINING_ROWS, seed)
    judge = design.validation_rows(dataset, split, VALIDATION_ROWS, seed)
    boosters = tuple(_boost(rows, judge, column, seed) for column in range(rows.target.shape[1]))
    predicted = np.stack([booster.inplace_predict(judge.features) for booster in boosters], axis=1)
    return XGBoostPredictor(design, design.space.with_gain(predicted, judge.flux, judge.weight), boosters)


def _boost(rows: Rows, judge: Rows, column: int, seed: int) -> xgboost.Booster:
    """Trees for one target."""
    data = _matrix(rows, column)
    booster = xgboost.train(
        OPTIONS | {"seed": seed},
        data,
        num_boost_round=ROUNDS,
        evals=[(_matrix(judge, column, data), "validation")],
        early_stopping_rounds=PATIENCE,
        verbose_eval=False,
    )
    return booster[: booster.best_iteration + 1]


def _matrix(rows: Rows, column: int, bins: xgboost.DMatrix | None = None) -> xgboost.DMatrix:
    known = np.isfinite(rows.target[:, column])
    weight = rows.weight[known] * known.sum() / rows.weight[known].sum()
    return xgboost.QuantileDMatrix(
        rows.features[known],
        label=rows.target[known, column],
        weight=weight,
        ref=bins,
        max_bin=int(OPTIONS["max_bin"]),
        nthread=1,
    )
