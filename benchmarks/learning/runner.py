"""One run of the benchmark: train, predict, score, write KEY.npz and then KEY.json, which says that the run is done."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.learning.plan import Run
from benchmarks.learning.preparation import prepare
from benchmarks.learning.scoring import TASKS, Experiment
from benchmarks.learning.training import cpu_ms_per_site_year, train
from benchmarks.learning.workspace import Workspace
from emulator.evaluation.metrics import to_json
from foundations import atomic_file
from foundations.provenance import git_hash, now


def execute(run: Run, workspace: Workspace) -> dict[str, Any]:
    """Do a run and write its files; returns the content of its JSON."""
    began = time.perf_counter()
    dataset, split, biome = prepare(run, workspace)
    trained = train(run, workspace, dataset, split, biome)
    scores = TASKS[run.task](Experiment(run, workspace, dataset, split, trained))
    common = {
        "crps": None,
        "coverage90": None,
        "suite": workspace.suite.name,
        "ensemble": run.ensemble,
        "model": run.model,
        "kind": run.kind,
        "variant": run.variant,
        "trained_with_past_flux": run.history,
        "seed": run.seed,
        "params": trained.parameters,
        "cpu_ms_per_site_year": cpu_ms_per_site_year(trained, dataset, split),
        "epoch_seconds": trained.epoch_seconds,
        "train_seconds": trained.train_seconds,
    }
    content = to_json(
        {
            "key": workspace.key(run),
            "run": asdict(run),
            "records": [common | record for record in scores.records],
            "left_out_biome": biome,
            "sites": {"train": int(split.train_sites.sum()), "test": int(split.test_sites.sum())},
            "epochs": trained.epochs,
            "seconds": round(time.perf_counter() - began, 2),
            "provenance": {
                "created": now(),
                "git_hash": git_hash(),
                "tuned": workspace.options(run),
            },
        }
    )
    positions = {name: getattr(dataset, name) for name in ("lat", "lon", "biome")}
    write_arrays(workspace.result(run).with_suffix(".npz"), scores.arrays | positions)
    atomic_file.write_json(workspace.result(run), content)
    return content


def write_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write an .npz atomically."""
    with atomic_file.replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)
