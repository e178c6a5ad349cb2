"""The run folder: where training leaves everything, readable without this package.

RUN/config.yaml        the resolved configuration, frozen
RUN/provenance.json    code, data, seeds, versions
RUN/log.jsonl          one line per epoch
RUN/checkpoints/       last.pt, best.pt
RUN/evaluation/        metrics.json, predictions.nc, quantiles.pt
RUN/ensemble.json      in place of all but the evaluation: the runs that are members of an ensemble
RUN/model.pt           the exported artefact
RUN/tensorboard/       the log once more, where it is asked for
"""

import json
import shutil
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from foundations import atomic_file


class RunFolderError(ValueError):
    """A folder that is no run, or another one; the message says what to do."""


class RunFolder:
    """Paths of a run and the few files that training keeps up to date."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.config = self.path / "config.yaml"
        self.provenance = self.path / "provenance.json"
        self.log = self.path / "log.jsonl"
        self.last = self.path / "checkpoints" / "last.pt"
        self.best = self.path / "checkpoints" / "best.pt"
        self.metrics = self.path / "evaluation" / "metrics.json"
        self.predictions = self.path / "evaluation" / "predictions.nc"
        self.quantiles = self.path / "evaluation" / "quantiles.pt"
        self.members = self.path / "ensemble.json"
        self.artefact = self.path / "model.pt"
        self.tensorboard = self.path / "tensorboard"

    def files(self) -> list[Path]:
        """What other verbs read, which no output of theirs may replace."""
        return [
            self.config, self.provenance, self.log, self.last, self.best, self.metrics, self.quantiles, self.members
        ]  # fmt: skip

    def freeze(self, config: str, *, overwrite: bool = False) -> None:
        """Write the resolved configuration, YAML, or check that the folder has the same; `overwrite` starts anew."""
        if overwrite:
            self.clear()
        if self.config.exists():
            yaml = YAML(typ="safe", pure=True)
            differing = _differences(yaml.load(self.config.read_text()), yaml.load(config))
            if differing:
                message = (
                    f"{self.path} holds a run with another configuration ({'; '.join(differing)}); "
                    "choose another --out, or --overwrite to discard that run"
                )
                raise RunFolderError(message)
            return
        atomic_file.write_bytes(self.config, config.encode())

    def read_log(self) -> list[dict[str, Any]]:
        """Epochs logged so far; a line cut short by a kill is left out."""
        if not self.log.exists():
            return []
        lines = self.log.read_text().splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def truncate_log(self, epochs: int) -> None:
        """Keep the first `epochs` epochs only: later ones were logged but their state was lost, so they come again."""
        entries = [entry for entry in self.read_log() if entry["epoch"] < epochs]
        atomic_file.write_bytes(self.log, "".join(json.dumps(entry) + "\n" for entry in entries).encode())

    def append_log(self, entry: dict[str, Any]) -> None:
        """Add one epoch."""
        with self.log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")

    def clear(self) -> None:
        """Remove what a former run or ensemble left; files that are none of ours stay."""
        for path in (self.config, self.provenance, self.log, self.artefact, self.members):
            path.unlink(missing_ok=True)
        for folder in (self.last.parent, self.metrics.parent, self.tensorboard):
            shutil.rmtree(folder, ignore_errors=True)


def _differences(old: Any, new: Any, key: str = "") -> list[str]:
    """Dotted keys at which two configurations differ, with both values."""
    if isinstance(old, dict) and isinstance(new, dict):
        names = sorted(old.keys() | new.keys())
        return [
            text for name in names for text in _differences(old.get(name), new.get(name), f"{key}.{name}".lstrip("."))
        ]
    return [] if old == new else [f"{key}: {old!r} there, {new!r} now"]
