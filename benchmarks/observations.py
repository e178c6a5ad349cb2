"""Emulators at real towers: learn them by every protocol and method, and compare: see docs/results/README.md.

    python benchmarks/observations.py --data ../shared/data --methods climatology xgboost cham_net --seeds 0 1 2
    python benchmarks/observations.py --report

A run is a method, a protocol and a seed. Each leaves a JSON file with sums of every scored site, a few kB, so that any
machine can go on where another stopped: a run whose file is there is not done again. Predictions are kept in --work.
"""

import argparse
import json
import logging
import os
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # works from a source tree that is not installed

from benchmarks.observing import page, summary
from benchmarks.observing.methods import METHODS
from benchmarks.observing.runs import Run, run
from benchmarks.observing.sources import SOURCES, MissingData, import_source, open_source
from benchmarks.observing.tasks import PROTOCOLS, tasks
from foundations import atomic_file
from foundations.command_end import ends_clearly
from foundations.terminal import start_logging

log = logging.getLogger("benchmarks.observations")

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "docs" / "results"


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Command line."""
    default_data = os.environ.get("ECOSTEP_DATA") or ROOT.parent / "shared" / "data"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(default_data), help="folder of the observations")
    parser.add_argument("--work", type=Path, default=Path("runs/observations"), help="datasets and predictions")
    parser.add_argument("--out", type=Path, default=RESULTS / "observations", help="folder of results, a file a run")
    parser.add_argument("--sources", nargs="+", choices=tuple(SOURCES), default=["towers"])
    parser.add_argument("--protocols", nargs="+", choices=PROTOCOLS, default=["temporal"])
    parser.add_argument("--methods", nargs="+", choices=tuple(METHODS), default=list(METHODS), metavar="METHOD",
                        help=", ".join(METHODS))  # fmt: skip
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--report", action="store_true", help="write observations.json and .md beside --out, and stop")
    return parser.parse_args(arguments)


@ends_clearly
def main(arguments: list[str] | None = None) -> int:
    """Do what is not done; 0 done, 1 the data are missing."""
    options = parse_arguments(arguments)
    start_logging("%(message)s", level=logging.ERROR)
    log.setLevel(logging.INFO)
    if options.report:
        content = summary.collect(options.out)
        atomic_file.write_text(options.out.with_suffix(".json"), summary.to_text(content))
        atomic_file.write_text(options.out.with_suffix(".md"), page.write(options.out, content))
        return 0
    torch.set_num_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    options.work.mkdir(parents=True, exist_ok=True)
    try:
        for source in options.sources:
            _do_runs(options, source)
    except MissingData as error:
        log.error("%s", error)
        return 1
    return 0


def _do_runs(options: argparse.Namespace, source: str) -> None:
    """The runs of a source that are not done yet."""
    dataset = open_source(source, import_source(source, options.data, options.work))
    protocols = options.protocols if dataset.n_sites > 1 else [name for name in options.protocols if name == "temporal"]
    learned = {protocol: tasks(protocol, dataset, SOURCES[source].record_target) for protocol in protocols}
    for seed in options.seeds:
        for protocol in protocols:
            for method in options.methods:
                trial = Run(source, protocol, method, seed)
                path = options.out / f"{trial.name}.json"
                if path.exists():
                    continue
                content = run(trial, learned[protocol], dataset, options.work)
                atomic_file.write_text(path, json.dumps(content, separators=(",", ":")) + "\n")
                log.info("%s: %s s", trial.name, content["seconds"])


if __name__ == "__main__":
    sys.exit(main())
