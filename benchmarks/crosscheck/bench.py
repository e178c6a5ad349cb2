"""The data that everything of the cross-check is trained and tested on, and what is equal for all trainings."""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from emulator.configuration.schema import Config
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


@dataclass(frozen=True)
class Bench:
    """The data that everything is trained and tested on, and the options."""

    dataset: Dataset
    split: Split
    scalers: Scalers
    tested: dict[str, tuple[np.ndarray, range]]
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


def open_bench(options: argparse.Namespace) -> Bench:
    """A part of the training sites, all validation sites and the test sites of the first fold."""
    whole = Dataset.open(options.ensemble, Signature.from_names(INPUTS, STATICS, (TARGET,)))
    split = SPLIT.build(whole.lat, whole.lon, whole.years)
    random = np.random.default_rng(options.seed)
    chosen = {
        part: np.sort(random.permutation(np.flatnonzero(sites))[: options.sites])
        for part, sites in (
            ("train", split.train_sites),
            ("validation", split.validation_sites),
            ("test", split.test_sites),
        )
    }
    rows = np.concatenate([chosen["train"], chosen["validation"], chosen["test"]])
    dataset = whole.site_subset(rows)
    part = np.repeat(np.arange(3), [len(sites) for sites in chosen.values()])
    split = Split(
        part == 0, part == 1, part == 2, split.train_years, split.validation_years, split.test_years, split.block[rows]
    )
    first, last = int(dataset.years[0]), int(dataset.years[-1])
    test_from = int(dataset.years[split.test_years][0])
    tested = {
        "temporal": (np.flatnonzero(split.train_sites)[: options.test_sites], range(test_from, last + 1)),
        "spatial": (np.flatnonzero(split.test_sites)[: options.test_sites], range(first + 2, test_from)),
        "spatiotemporal": (np.flatnonzero(split.test_sites)[: options.test_sites], range(test_from, last + 1)),
    }
    scalers = fit_scalers(training_data(dataset, split.mask("train")), dataset.signature)
    work = options.work.resolve()
    return Bench(
        dataset,
        split,
        scalers,
        tested,
        work,
        options.neuralhydrology_python,
        options.hidden,
        options.epochs,
        options.seed,
    )


def scores(bench: Bench, predicted: np.ndarray) -> dict[str, dict[str, float]]:
    """Our metrics of fluxes (N, T) on the test days of each part; the first two years are never scored."""
    year = bench.dataset.calendar[:, 0].numpy()
    result = {}
    for part, (sites, years) in bench.tested.items():
        days = np.isin(year, list(years))
        observed = bench.dataset.flux[sites][:, days, 0].numpy()
        found = predicted[np.ix_(sites, days)]
        assert np.isfinite(found).all()
        pooled = metrics.pooled(observed, found)
        median = metrics.median_over_sites(observed, found)
        result[part] = {name: pooled[name] for name in ("rmse", "nrmse", "nrmse_sd", "r2", "bias", "n")}
        result[part]["r2_median_site"] = median["r2"]
    return result


def our_config(bench: Bench, kind: str, loss: dict[str, float], **training: Any) -> Config:
    """The configuration of one of our trainings."""
    return Config.model_validate(
        {
            "seed": bench.seed,
            "data": {"path": bench.dataset.path, "inputs": INPUTS, "statics": STATICS, "targets": (TARGET,)},
            "split": SPLIT.model_dump(),
            "model": {"kind": kind, "hidden": bench.hidden},
            "loss": loss,
            "training": {"learning_rate": LEARNING_RATE, "threads": 1, "validation_sites": 32, **training},
        }
    )
