"""Folders of a benchmark: the ensembles, the trainings, the results of the runs and the tuned options."""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from benchmarks.learning import plan
from benchmarks.learning.plan import Run, Suite

TUNED_SECTIONS = ("model", "training", "loss")
"""Sections of a configuration that tuning may choose."""


@dataclass(frozen=True)
class Workspace:
    """Where things are. data: the ensembles; work: caches, trainings and results; tuned: folder of tuned options."""

    suite: Suite
    data: Path
    work: Path
    tuned: Path

    @property
    def results(self) -> Path:
        return self.work / "results"

    @property
    def claims(self) -> Path:
        """Locks of the runs that processes hold."""
        return self.work / "claims"

    def options(self, run: Run) -> dict[str, Any]:
        """Tuned sections of the configuration of a kind: of ENSEMBLE/KIND.yaml, else KIND.yaml, else none."""
        return tuned_options(self.tuned / run.ensemble / f"{run.kind}.yaml") or tuned_options(
            self.tuned / f"{run.kind}.yaml"
        )

    def key(self, run: Run) -> str:
        return plan.key(run, self.suite, self.options(run))

    def training_key(self, run: Run) -> str:
        """Name of the training that the run tests, which other runs may test, too."""
        return plan.training_key(run, self.suite, self.options(run))

    def result(self, run: Run) -> Path:
        return self.results / f"{self.key(run)}.json"

    def has_result(self, run: Run) -> bool:
        """Whether a run is done; failed runs are not."""
        path = self.result(run)
        return path.exists() and "error" not in read_result(path)

    def dataset_path(self, ensemble: str) -> Path:
        return self.data / ensemble / "dataset.nc"

    def has_parameters(self, ensemble: str) -> bool:
        """Whether the hidden parameters of an ensemble are known, for oracles."""
        return (self.data / ensemble / "params_truth.nc").exists()


@lru_cache
def tuned_options(path: Path) -> dict[str, Any]:
    """Sections of a YAML file, plain containers."""
    if not path.exists():
        return {}
    content = YAML(typ="safe", pure=True).load(path.read_text()) or {}
    return {name: content[name] for name in TUNED_SECTIONS if content.get(name)}


def read_result(path: Path) -> dict[str, Any]:
    """Content of a run's JSON."""
    return json.loads(path.read_text())
