"""Are our LSTM baselines straw men, and what does a model cost? A cross-check with neuralhydrology, and throughput.

    python benchmarks/outside.py --ensemble wetland/dataset.nc --neuralhydrology-python VENV/bin/python \
        --json docs/results/outside.json

neuralhydrology (Kratzert et al. 2022, J. Open Source Softw. 7:4050) trains its LSTM and EA-LSTM with its own code on
the same sites, years and scaled inputs; what it predicts is scored here, on the same days as ours. Interrupted, the
same command goes on; the file holds what is done so far. See docs/results/README.md for what is compared with what.
"""

import argparse
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # works from a source tree that is not installed

from benchmarks.crosscheck.experiment import BATCH_YEARS, TARGET, YEAR, CrossCheck, open_crosscheck, our_config, scores
from benchmarks.crosscheck.speed import prediction_speed, training_speed
from benchmarks.crosscheck.theirs import THEIRS, neuralhydrology
from benchmarks.machine import processor
from emulator.data import calendar as column
from emulator.evaluation import metrics
from emulator.evaluation.offline import predict
from emulator.runs import provenance, trained_model
from emulator.runs.determinism import make_deterministic
from emulator.runs.run_folder import RunFolder
from emulator.training.fit import fit
from foundations import atomic_file
from foundations.provenance import git_hash, now
from foundations.terminal import start_logging

log = logging.getLogger(__name__)

HOW_TO_INSTALL = """\
neuralhydrology is not part of ecostep. Install it into an environment of its own and name its Python:
    python -m venv .venv-neuralhydrology
    .venv-neuralhydrology/bin/pip install torch --index-url https://download.pytorch.org/whl/cpu
    .venv-neuralhydrology/bin/pip install neuralhydrology==1.13.0
    python benchmarks/outside.py ... --neuralhydrology-python .venv-neuralhydrology/bin/python"""

OURS = {
    "lstm": {},
    "ea_lstm": {},
    "lstm, squared error only": {"site": 0.0, "physical": 0.0},
}
"""Our trainings and their options of the loss; neuralhydrology's is the squared error in the same space."""


def train_ours(crosscheck: CrossCheck, name: str) -> dict[str, Any]:
    """Train a model of ours and score it."""
    kind = name.partition(",")[0]
    config = our_config(
        crosscheck, kind, OURS[name], epochs=crosscheck.epochs, batch_size=BATCH_YEARS // 3, years_per_window=3
    )
    folder = RunFolder(crosscheck.work / "ours" / name.replace(", ", "-").replace(" ", "_"))
    began = time.process_time()
    fit(config, crosscheck.dataset, crosscheck.split, folder)
    seconds = time.process_time() - began
    model = trained_model.load(folder).model
    return {
        "skill": scores(crosscheck, predict(model, crosscheck.dataset)[..., 0]),
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "updates": crosscheck.epochs * crosscheck.updates,
        "cpu_seconds": round(seconds, 1),
    }


def train_theirs(crosscheck: CrossCheck, name: str) -> dict[str, Any]:
    """Train a model of neuralhydrology with as many site-years, and score it."""
    theirs = THEIRS[name]
    sites = np.unique(np.concatenate([part.sites for part in crosscheck.tested.values()]))
    first = crosscheck.dataset.years[0] + 2
    chunk = min(theirs.scored, YEAR) if theirs.scored > 1 else 30
    period = {
        "basins": [str(crosscheck.dataset.site_id[site]) for site in sites],
        "start": f"{first}-01-01",
        "end": f"{crosscheck.dataset.years[-1]}-12-31",
        "window": theirs.days + (chunk - theirs.scored),
        "last": chunk,
    }
    training = neuralhydrology(
        crosscheck, name, theirs, epochs=crosscheck.epochs, updates=crosscheck.updates, period=period
    )
    scale, limit = float(crosscheck.scalers.target_scale[0]), float(crosscheck.scalers.target_limit[0])
    predicted = np.full(tuple(crosscheck.dataset.flux.shape[:2]), np.nan)
    days = crosscheck.dataset.calendar[:, column.YEAR].numpy() >= first
    predicted[np.ix_(sites, days)] = scale * np.sinh(np.clip(training["predicted"], -limit, limit))
    return {
        "skill": scores(crosscheck, predicted),
        "parameters": int(training["parameters"]),
        "updates": crosscheck.epochs * crosscheck.updates,
        "cpu_seconds": round(float(training["cpu_seconds"].sum()), 1),
    }


def parts(crosscheck: CrossCheck) -> dict[str, Callable[[], dict[str, Any]]]:
    """What is to be done, in order."""
    todo: dict[str, Callable[[], dict[str, Any]]] = {"prediction_speed": partial(prediction_speed, crosscheck)}
    if crosscheck.python:
        todo["training_speed"] = partial(training_speed, crosscheck)
        for name in THEIRS:
            todo[name] = partial(train_theirs, crosscheck, name)
    for name in OURS:
        todo[name] = partial(train_ours, crosscheck, name)
    return todo


def find_neuralhydrology(python: str) -> str:
    """The Python to run it with, or '' with advice in the log."""
    for candidate in [python] if python else [sys.executable]:
        command = [candidate, "-c", "import neuralhydrology.training.train"]
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            return candidate
    if python:
        message = f"{python} cannot import neuralhydrology.\n{HOW_TO_INSTALL}"
        raise SystemExit(message)
    log.warning("the comparison is left out. %s", HOW_TO_INSTALL)
    return ""


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0: all was measured."""
    options = make_parser().parse_args(arguments)
    start_logging()
    options.neuralhydrology_python = find_neuralhydrology(options.neuralhydrology_python)
    options.work.mkdir(parents=True, exist_ok=True)
    crosscheck = open_crosscheck(options)
    make_deterministic(1)
    settings = {
        "sites": options.sites,
        "test_sites": options.test_sites,
        "epochs": options.epochs,
        "hidden": options.hidden,
        "seed": options.seed,
        "target": TARGET,
    }
    unfinished = options.work / "outside.json.partial"
    done = json.loads(unfinished.read_text()) if unfinished.exists() else {"settings": settings, "parts": {}}
    if done["settings"] != settings:
        message = f"{unfinished} is of other settings, {done['settings']}; choose another --work"
        raise SystemExit(message)
    for name, work in parts(crosscheck).items():
        if name in done["parts"]:
            continue
        log.info("%s", name)
        done["parts"][name] = metrics.to_json(work())
        atomic_file.write_json(unfinished, done)
        atomic_file.write_json(options.json, report(crosscheck, settings, done["parts"]))
        log.info("%s: %s", name, json.dumps(done["parts"][name].get("skill", done["parts"][name])))
    atomic_file.write_json(options.json, report(crosscheck, settings, done["parts"]))
    return 0


def report(crosscheck: CrossCheck, settings: dict[str, Any], measured: dict[str, Any]) -> dict[str, Any]:
    """What is committed; measured: by part."""
    versions = provenance.versions()
    if crosscheck.python:
        command = [
            crosscheck.python,
            "-c",
            "import neuralhydrology.__about__ as a, torch; print(a.__version__, torch.__version__)",
        ]
        answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        versions |= {"neuralhydrology": answer[0], "neuralhydrology's torch": answer[1]}
    return {
        "settings": settings
        | {
            "training_sites": int(crosscheck.split.train_sites.sum()),
            "training_years": [int(year) for year in crosscheck.training_years],
            "site_years_per_update": BATCH_YEARS,
            "tested": {
                name: {"sites": len(part.sites), "years": [part.years[0], part.years[-1]]}
                for name, part in crosscheck.tested.items()
            },
        },
        "skill": {name: part for name, part in measured.items() if "skill" in part},
        "training_speed": measured.get("training_speed"),
        "prediction_speed": measured.get("prediction_speed"),
        "machine": {"cpus": os.cpu_count(), "processor": processor() or "unknown", "threads": 1},
        "versions": versions,
        "git_hash": git_hash(),
        "created": now(),
    }


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--ensemble", type=Path, required=True, metavar="DATASET", help="dataset.nc of the wetlands")
    parser.add_argument("--json", type=Path, default=Path("docs/results/outside.json"))
    parser.add_argument("--work", type=Path, default=Path("runs/outside"), help="folder of trainings and their data")
    parser.add_argument("--neuralhydrology-python", default="", metavar="PYTHON", help="Python that can import it")
    parser.add_argument("--sites", type=int, default=300, help="training sites, and at most as many others")
    parser.add_argument("--test-sites", type=int, default=150)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--hidden", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    return parser


if __name__ == "__main__":
    sys.exit(main())
