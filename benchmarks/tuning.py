"""Choose the options of every network for the benchmark, each with the same budget, on validation data alone.

    python benchmarks/tuning.py --data runs/ensembles --work runs/tuning

Training sites of one ensemble and its first fold, fewer than in the benchmark; test sites and years are not touched.
What is chosen is written to configs/models/KIND.yaml, with all trials, and is used by benchmarks/models.py. The same
command goes on after an interruption.
"""

import argparse
import logging
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # works from a source tree that is not installed

import numpy as np

from benchmarks.learning import data, plan
from benchmarks.learning.plan import Run
from emulator import atomic_file, tune
from emulator.data.variables import Signature

log = logging.getLogger("benchmarks.tuning")

ROOT = Path(__file__).resolve().parents[1]

KINDS = (*plan.NETWORKS, *plan.CHALLENGERS)


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0: all kinds are tuned."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("runs/ensembles"), help="DIR/ENSEMBLE/dataset.nc")
    parser.add_argument("--work", type=Path, default=Path("runs/tuning"), help="trials")
    parser.add_argument("--out", type=Path, default=ROOT / "configs" / "models", help="choices")
    parser.add_argument("--ensemble", choices=tuple(plan.ENSEMBLES), default="wetland")
    parser.add_argument("--suite", choices=tuple(plan.SUITES), default="small")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--trials", type=int, default=6)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--sites", type=int, default=250, help="training sites")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    _dataset(options)  # copied once, before several processes want it
    with ProcessPoolExecutor(options.workers) as pool:
        for kind, found in zip(
            options.kinds, pool.map(_tune, options.kinds, [options] * len(options.kinds)), strict=True
        ):
            log.info("%s: %.4f, %.4f with the configuration's values", kind, *found)
    return 0


def _tune(kind: str, options: argparse.Namespace) -> tuple[float, float]:
    """Tune a kind; returns the validation loss of the choice and of the configuration's own values."""
    suite = plan.SUITES[options.suite]
    dataset = _dataset(options)
    path = options.data / options.ensemble / "dataset.nc"
    config = plan.configuration(Run(options.ensemble, kind, seed=0), suite, path.resolve(), {})
    split = config.split.build(dataset.lat, dataset.lon, dataset.years, dataset.biome)
    split = replace(split, train_sites=_some(split.train_sites, options.sites))
    space = tune.load_space(ROOT / "configs" / "tuning" / f"{kind}.yaml")
    budget = tune.Budget(trials=options.trials, epochs=options.epochs)
    found = tune.tune(config, dataset, split, space, options.work / kind, budget)
    options.out.mkdir(parents=True, exist_ok=True)
    atomic_file.write_bytes(options.out / f"{kind}.yaml", (options.work / kind / "choice.yaml").read_bytes())
    return found["val_loss"], found["val_loss_of_configuration"]


def _dataset(options: argparse.Namespace):
    ensemble = plan.ENSEMBLES[options.ensemble]
    signature = Signature.from_names(ensemble.inputs, ensemble.statics, ensemble.targets)
    return data.open_mapped(options.data / options.ensemble / "dataset.nc", signature, options.work / "cache")


def _some(sites: np.ndarray, number: int) -> np.ndarray:
    """A random choice of the marked sites, always the same."""
    kept = np.zeros_like(sites)
    kept[np.random.default_rng(0).permutation(np.flatnonzero(sites))[:number]] = True
    return kept


if __name__ == "__main__":
    sys.exit(main())
