"""One run: a method learns every task of a protocol with a seed; its predictions are kept in the folder of work."""

import hashlib
import json
import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.observing.combinations import Seeds, Stack
from benchmarks.observing.methods import METHODS
from benchmarks.observing.scores import site_sums
from benchmarks.observing.tasks import HIGH, LOW, Task
from emulator.data.dataset import Dataset
from foundations import atomic_file
from foundations.provenance import git_hash, now

log = logging.getLogger("benchmarks.observations")


@dataclass(frozen=True)
class Run:
    """source, protocol, method and seed; the name of its file follows."""

    source: str
    protocol: str
    method: str
    seed: int

    @property
    def name(self) -> str:
        return f"{self.source}-{self.protocol}-{self.method}-{self.seed}"


def predictions(method: str, seed: int, task: Task, dataset: Dataset, work: Path) -> dict[str, np.ndarray]:
    """Fluxes (N, T, C) by view of a task, learned where they are not kept yet; combinations are made anew."""
    way = METHODS[method]
    if isinstance(way, Seeds | Stack):
        return way.combine(task, dataset, seed, lambda *member: predictions(*member, dataset, work))
    path = work / "predictions" / f"{dataset.path.stem}-{task.name}-{method}-{seed}-{_settings(method)}.npz"
    if path.exists():
        with np.load(path) as stored:
            return dict(stored)
    views = way.learn(task, dataset, seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file.replacing(path) as partial, partial.open("wb") as file:
        np.savez_compressed(file, **views)  # type: ignore[arg-type]
    return views


def run(trial: Run, learned: list[Task], dataset: Dataset, work: Path) -> dict[str, Any]:
    """Learn all tasks; the content of the run's file."""
    began = time.process_time()
    scores: dict[str, dict[str, Any]] = {}
    for task in learned:
        fluxes = predictions(trial.method, trial.seed, task, dataset, work)
        for view in (view for view in task.views if view.name in fluxes):
            of_view = scores.setdefault(view.name, {"protocol": view.protocol, "strict": view.strict, "targets": {}})
            for column, target in enumerate(dataset.signature.target_names):
                predicted = fluxes[view.name][..., column]
                if np.isfinite(predicted).any():
                    ends = [fluxes[view.name + end][..., column] for end in (LOW, HIGH) if view.name + end in fluxes]
                    sums = site_sums(dataset.flux[..., column].numpy(), predicted, view, ends)
                    _add(of_view["targets"].setdefault(target, {}), _named(sums, dataset))
    return {
        "run": vars(trial),
        "seconds": round(time.process_time() - began, 1),
        "settings": _settings(trial.method),
        "scores": list(scores.values()),
        "provenance": {"created": now(), "git_hash": git_hash()},
    }


def _add(total: dict[str, dict[str, float]], sums: dict[str, dict[str, float]]) -> None:
    """Add the sums of a task to those of others: a site may have its years in several."""
    for site, values in sums.items():
        former = total.get(site, dict.fromkeys(values, 0.0))
        total[site] = {name: former[name] + value for name, value in values.items()}


def _named(sums: dict[str, dict[str, float]], dataset: Dataset) -> dict[str, dict[str, float]]:
    return {str(dataset.site_id[int(site)]): values for site, values in sums.items()}


def _settings(method: str) -> str:
    """What tells settings of a method apart from others of the same name."""
    return hashlib.sha256(json.dumps(repr(METHODS[method])).encode()).hexdigest()[:8]
