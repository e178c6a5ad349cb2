"""The data that everything of the cross-check is trained and tested on, and what is equal for all trainings."""

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from emulator.configuration.schema import Config
from emulator.data import calendar as column
from emulator.data.dataset import Dataset
from emulator.data.scalers import Scalers, fit_scalers
from emulator.data.signature import Signature
from emulator.data.splits import Split, SplitConfig
from emulator.data.windows import training_data
from emulator.evaluation import metrics

INPUTS = ("tas", "pr", "rsds", "rlds", "vpd", "sfcWind", "co2", "ch4", "tsl", "mrsos", "wtd", "snw", "lai")
STATICS = ("lat", "lon", "elevation", "sand", "clay", "ph", "biome")
TARGET = "fch4"
SPLIT = SplitConfig(
    test_years=5, validation_years=2, folds=5, block_degrees=5.0, buffer_km=100.0, validation_fraction=0.1
)

LEARNING_RATE = 5e-3

YEAR = 365
BATCH_YEARS = 48
"""Site-years that each update runs through, in all trainings."""


class ScoredPart(NamedTuple):
    """Sites and years that a part of the split is scored on."""

    sites: np.ndarray
    years: range


@dataclass(frozen=True)
class CrossCheck:
    """The data that everything is trained and tested on, and the options.

    tested: by part of the split; python: that neuralhydrology runs with, '' where it is not installed.
    """

    dataset: Dataset
    split: Split
    scalers: Scalers
    tested: dict[str, ScoredPart]
    work: Path
    python: str
    hidden: int
    epochs: int
    seed: int

    @property
    def updates(self) -> int:
        """Updates of an epoch: all training years of all sites once, in windows of three years."""
        rounds = -(-int(self.split.train_years.sum()) // 3)
        return -(-int(self.split.train_sites.sum()) // (BATCH_YEARS // 3)) * rounds

    @property
    def training_years(self) -> np.ndarray:
        return self.dataset.years[self.split.train_years]


def open_crosscheck(options: argparse.Namespace) -> CrossCheck:
    """A part of the training sites, all validation sites and the test sites of the first fold."""
    dataset, split = _reduced(options.ensemble, options.sites, options.seed)
    first, last = int(dataset.years[0]), int(dataset.years[-1])
    test_from = int(dataset.years[split.test_years][0])
    trained_on = np.flatnonzero(split.train_sites)[: options.test_sites]
    held_out = np.flatnonzero(split.test_sites)[: options.test_sites]
    return CrossCheck(
        dataset=dataset,
        split=split,
        scalers=fit_scalers(training_data(dataset, split.mask("train")), dataset.signature),
        tested={
            "temporal": ScoredPart(trained_on, range(test_from, last + 1)),
            "spatial": ScoredPart(held_out, range(first + 2, test_from)),
            "spatiotemporal": ScoredPart(held_out, range(test_from, last + 1)),
        },
        work=options.work.resolve(),
        python=options.neuralhydrology_python,
        hidden=options.hidden,
        epochs=options.epochs,
        seed=options.seed,
    )


def _reduced(path: Path, most: int, seed: int) -> tuple[Dataset, Split]:
    """The dataset with at most so many sites of each part of the split, in the order of the parts, and its split."""
    whole = Dataset.open(path, Signature.from_names(INPUTS, STATICS, (TARGET,)))
    split = SPLIT.build(whole.lat, whole.lon, whole.years)
    random = np.random.default_rng(seed)
    train, validation, test = (
        np.sort(random.permutation(np.flatnonzero(sites))[:most])
        for sites in (split.train_sites, split.validation_sites, split.test_sites)
    )
    rows = np.concatenate([train, validation, test])
    part = np.repeat(["train", "validation", "test"], [len(train), len(validation), len(test)])
    reduced = replace(
        split,
        train_sites=part == "train",
        validation_sites=part == "validation",
        test_sites=part == "test",
        block=split.block[rows],
    )
    return whole.site_subset(rows), reduced


def scores(crosscheck: CrossCheck, predicted: np.ndarray) -> dict[str, dict[str, float]]:
    """Our metrics of fluxes (N, T) on the test days of each part; the first two years are never scored."""
    year = crosscheck.dataset.calendar[:, column.YEAR].numpy()
    skill = {}
    for part, (sites, years) in crosscheck.tested.items():
        days = np.isin(year, list(years))
        observed = crosscheck.dataset.flux[sites][:, days, 0].numpy()
        estimated = predicted[np.ix_(sites, days)]
        assert np.isfinite(estimated).all()
        pooled = metrics.pooled(observed, estimated)
        median = metrics.median_over_sites(observed, estimated)
        skill[part] = {name: pooled[name] for name in ("rmse", "nrmse", "nrmse_sd", "r2", "bias", "n")}
        skill[part]["r2_median_site"] = median["r2"]
    return skill


def our_config(crosscheck: CrossCheck, kind: str, loss: dict[str, float], **training: Any) -> Config:
    """The configuration of one of our trainings."""
    return Config.model_validate(
        {
            "seed": crosscheck.seed,
            "data": {"path": crosscheck.dataset.path, "inputs": INPUTS, "statics": STATICS, "targets": (TARGET,)},
            "split": SPLIT.model_dump(),
            "model": {"kind": kind, "hidden": crosscheck.hidden},
            "loss": loss,
            "training": {"learning_rate": LEARNING_RATE, "threads": 1, "validation_sites": 32, **training},
        }
    )
