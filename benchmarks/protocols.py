"""Emulators at new sites and in later years, by protocol: random folds of sites, all or a tenth of them to train on
(interpolation, sparse), folds of blocks (extrapolation), a class of sites left out (biome).

    python benchmarks/protocols.py --data runs/ensembles --plan
    python benchmarks/protocols.py --data runs/ensembles

A run is a training of a model on an ensemble, by a protocol, with a seed, which is also the fold. Each leaves a JSON
file with the error of every scored site, a few kB, so that any machine can go on where another stopped: a run whose
file is there is not done again. The first seed of all comes first, so that a suite that is stopped is balanced.
`--report` prints RMSE, and ratios to the best baseline with a paired bootstrap, of what is there.
"""

import argparse
import json
import logging
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # works from a source tree that is not installed

from benchmarks.sites import report
from benchmarks.sites.trials import ENSEMBLES, PROTOCOLS, ROOT, VARIANTS, Trial, run
from emulator.training.trainer import Interrupted
from foundations import atomic_file
from foundations.terminal import start_logging

log = logging.getLogger("benchmarks.protocols")

MODELS = (
    "lstm/fair",
    "raci/fair",
    "xgboost",
    "unified/fair",
    "lstm/fair+true",
    "lstm/fair+kriged",
    "xgboost/neighbours",
    "cham_net/fair",
    "lstm/fair+code",
    "ridge",
    "climatology",
    "nearest",
    "lstm",
    "lstm/fair+past",
    "xgboost/past",
    "climatology/past",
    "raci/fair+no_code",
    "raci/fair+functional",
    "raci/fair+local",
    "raci/fair+roles",
)
"""In the order of their runs: what comparisons need first, then baselines with past flux, then ablations."""
CLASSES = ("boreal_wetland_structured", "boreal_wetland", "wetland")
"""Ensembles with classes to leave out."""
SECONDS = 60.0
"""Of processor time, expected of a run whose like has not been done."""


def trials_of(ensembles: list[str], protocols: list[str], models: list[str], seeds: list[int]) -> list[Trial]:
    """All runs in their order: by seed, then protocol, then model, then ensemble."""
    return [
        Trial(ensemble, protocol, model, seed)
        for seed in seeds
        for protocol in protocols
        for model in models
        for ensemble in ensembles
        if protocol != "biome" or ensemble in CLASSES
    ]


def plan_of(trials: list[Trial], out: Path) -> str:
    """How many runs are left, and the hours of one processor that they take by what like runs took."""
    seconds: dict[str, list[float]] = defaultdict(list)
    for path in out.glob("*.json"):
        content = json.loads(path.read_text())
        seconds[content["trial"]["model"]].append(content.get("seconds_in_all", content["seconds"]))
    left = [trial for trial in trials if not (out / f"{trial.name}.json").exists()]
    expected = sum(float(np.mean(seconds.get(trial.model, [SECONDS]))) for trial in left)
    return f"{len(trials)} runs, {len(left)} of them to do: about {expected / 3600.0:.1f} hours of one processor"


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("runs/ensembles"), help="DIR/ENSEMBLE/dataset.nc")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "results" / "protocols", help="folder of results")
    parser.add_argument("--ensembles", nargs="+", choices=tuple(ENSEMBLES), default=list(ENSEMBLES))
    parser.add_argument("--protocols", nargs="+", choices=PROTOCOLS, default=list(PROTOCOLS))
    parser.add_argument("--models", nargs="+", default=list(MODELS), metavar="KIND[/NAME+NAME]",
                        help=f"names are of {', '.join(VARIANTS)}")  # fmt: skip
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--plan", action="store_true", help="print how much there is to do, and stop")
    parser.add_argument("--report", action="store_true", help="print what is there, and stop")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Do what is not done; 1 where a run failed."""
    options = parse_arguments(arguments)
    start_logging("%(message)s", level=logging.WARNING)
    log.setLevel(logging.INFO)
    trials = trials_of(options.ensembles, options.protocols, options.models, options.seeds)
    if options.plan or options.report:
        print(plan_of(trials, options.out) if options.plan else report.report(options.out))
        return 0
    options.out.mkdir(parents=True, exist_ok=True)
    failed = 0
    for trial in trials:
        path = options.out / f"{trial.name}.json"
        if path.exists():
            continue
        try:
            content = run(trial, options.data)
        except Interrupted as stop:
            log.error("%s: %s", trial.name, stop)
            return stop.exit_status
        except (OSError, ValueError, RuntimeError) as error:  # the others are done all the same
            log.error("%s: %s", trial.name, error)
            failed += 1
            continue
        atomic_file.write_text(path, json.dumps(content, separators=(",", ":")) + "\n")
        shown = {
            f"{part} {target}": round(score["rmse"], 4)
            for parts in content["scores"].values()
            for part, scores in parts.items()
            for target, score in scores.items()
            if target != "sites"
        }
        log.info("%s: %s, %.0f s", trial.name, shown, content["seconds"])
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
