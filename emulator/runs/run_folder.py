"""The run folder: where training leaves everything, readable without this package.

RUN/config.yaml        the resolved configuration, frozen
RUN/provenance.json    code, data, seeds, versions
RUN/split.csv          which days of which sites train, choose and test
RUN/log.jsonl          one line per epoch
RUN/checkpoints/       last.pt, best.pt
RUN/evaluation/        metrics.json, predictions.nc, annual.csv, quantiles.pt; D/ with the former three, of another dataset D
RUN/left_out/          runs of the same training without some of the sites, and their splits
RUN/ensemble.json      in place of all but the evaluation: the runs that are members of an ensemble
RUN/model.pt           the exported artefact
RUN/tensorboard/       the log once more, where it is asked for
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from foundations.bounded_text import json_value, read_json_value, read_text, yaml_value
from foundations import atomic_file, own_folder
from foundations.json_record import CHECKSUM, is_as_sealed, read_record, sealed
from foundations.file_faults import DamagedFile, failed_write
from foundations.provenance import file_sha256

KIND = "training"
TENSORBOARD_FILES = "events.out.tfevents.*"
LAYOUT = (
    "config.yaml", "provenance.json", "split.csv", "log.jsonl", "checkpoints/last.pt", "checkpoints/best.pt",
    "evaluation/metrics.json", "evaluation/predictions.nc", "evaluation/quantiles.pt", "evaluation/annual.csv",
    "ensemble.json", "model.pt", "evaluation/*/metrics.json", "evaluation/*/predictions.nc", "evaluation/*/annual.csv",
    f"tensorboard/{TENSORBOARD_FILES}",
)  # fmt: skip
"""What training, evaluation and export leave in a run folder, and all that starting anew removes."""
FOLDS_FILE = "folds.json"
"""In RUN/left_out/: which of its trainings are finished."""


class RunFolderError(ValueError):
    """A folder that is no run, or another one; the message says what to do."""


class RunFolder:
    """Paths of a run and the few files that training keeps up to date."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.config = self.path / "config.yaml"
        self.provenance = self.path / "provenance.json"
        self.log = self.path / "log.jsonl"
        self.split = self.path / "split.csv"
        self.last = self.path / "checkpoints" / "last.pt"
        self.best = self.path / "checkpoints" / "best.pt"
        self.metrics = self.path / "evaluation" / "metrics.json"
        self.predictions = self.path / "evaluation" / "predictions.nc"
        self.quantiles = self.path / "evaluation" / "quantiles.pt"
        self.members = self.path / "ensemble.json"
        self.left_out = self.path / "left_out"
        self.artefact = self.path / "model.pt"
        self.tensorboard = self.path / "tensorboard"

    def files(self) -> list[Path]:
        """What other verbs read, which no output of theirs may replace."""
        return [
            self.config, self.provenance, self.split, self.log, self.last, self.best, self.metrics, self.quantiles, self.members
        ]  # fmt: skip

    def require_own(self, inputs: Iterable[Path] = ()) -> None:
        """RunFolderError where the folder holds files of the layout that no training made, or one of the inputs."""
        names = own_folder.present(self.path, LAYOUT)
        try:
            own_folder.refuse_foreign(self.path, [] if self._is_run() else names)
            own_folder.refuse_inputs(self.path, LAYOUT, inputs)
        except own_folder.ForeignFiles as error:
            raise RunFolderError(str(error)) from None
        written = own_folder.digest(self.path, self.config.name)
        if written is not None and self.config.exists() and file_sha256(self.config) != written:
            message = f"{self.config}: has been changed since training wrote it; move it away, or choose another --out"
            raise RunFolderError(message)

    def _is_run(self) -> bool:
        """Whether a training or an ensemble of ours made what lies in the folder, also before there were manifests."""
        if own_folder.is_marked(self.path, KIND):
            return True
        for path, key in ((self.provenance, "config_hash"), (self.members, "members")):
            try:
                if key in read_json_value(path):
                    return True
            except (OSError, ValueError, TypeError):
                continue
        return False

    def check_config(
        self, config: str, *, complete: Callable[[Any], Any] = lambda content: content, free: Sequence[str] = ()
    ) -> None:
        """RunFolderError unless the frozen configuration, where there is one, is the given one, YAML.

        complete: adds to a frozen configuration what versions since then have; free: dotted keys that may differ.
        """
        if not self.config.exists():
            return
        yaml = YAML(typ="safe", pure=True)
        try:
            frozen = yaml_value(read_text(self.config), yaml)
        except (YAMLError, ValueError):
            message = f"{self.config}: is damaged, it is no YAML; restore it, or --overwrite to discard that run"
            raise RunFolderError(message) from None
        differing = _differences(complete(frozen), yaml.load(config), free=free)
        if differing:
            message = (
                f"{self.path} holds a run with another configuration ({'; '.join(differing)}); "
                "choose another --out, or --overwrite to discard that run"
            )
            raise RunFolderError(message)

    def check_split(self, split: str) -> None:
        """RunFolderError unless the split that the folder keeps, where it keeps one, is the given one, CSV."""
        if self.split.exists() and self.split.read_text(encoding="utf-8") != split:
            message = f"{self.split}: the run began with another split; choose another --out, or --overwrite"
            raise RunFolderError(message)

    def freeze(self, config: str, *, anew: bool = False, change: bool = False) -> None:
        """Write the resolved configuration, YAML, unless the folder has it; `anew` removes a former run first, and
        `change` replaces a configuration that differs.
        """
        if anew:
            self.clear()
        if not self.config.exists() or (change and self.config.read_text(encoding="utf-8") != config):
            own_folder.mark(self.path, KIND, {self.config.name: hashlib.sha256(config.encode()).hexdigest()})
            atomic_file.write_bytes(self.config, config.encode())

    def read_metrics(self) -> dict[str, Any]:
        """What evaluation/metrics.json says; DamagedFile where it is not as evaluation wrote it."""
        remedy = f"run python -m emulator.evaluate {self.path}"
        metrics = read_record(self.metrics, ("kind", "splits"), remedy)
        tables = metrics["splits"], metrics.get("other_modes", {})
        if not all(isinstance(of_mode, dict) and all(map(_is_skill, of_mode.values())) for of_mode in tables):
            raise DamagedFile(self.metrics, "is damaged, it holds no tables of skill", remedy)
        return metrics

    def read_log(self) -> list[dict[str, Any]]:
        """Epochs logged so far; a line cut short by a kill is left out."""
        return [self._entry(number, line) for number, line in enumerate(self._lines())]

    def read_log_to(self, epoch: int) -> list[dict[str, Any]]:
        """Epochs logged so far; RunFolderError where `epoch`, which was trained, is not among them."""
        entries = self.read_log()
        if self.log.exists() and len(entries) <= epoch:
            message = (
                f"{self.log}: holds {len(entries)} epochs, and the best is epoch {epoch}: the file is cut short; restore "
                "it, or train again with --overwrite"
            )
            raise RunFolderError(message)
        return entries

    def _lines(self) -> list[str]:
        if not self.log.exists():
            return []
        lines = self.log.read_text(encoding="utf-8", errors="replace").split("\n")
        return lines[:-1]

    def _entry(self, number: int, line: str) -> dict[str, Any]:
        """The record of epoch `number`, RunFolderError where the line is another."""
        try:
            entry: dict[str, Any] = json_value(line)
            if entry["epoch"] == number and is_as_sealed(entry):
                return {key: value for key, value in entry.items() if key != CHECKSUM}
        except (ValueError, KeyError, TypeError):
            pass
        message = (
            f"{self.log}: line {number + 1} is not the record of epoch {number}, the file is damaged; restore it, or "
            "--overwrite to discard that run"
        )
        raise RunFolderError(message)

    def truncate_log(self, epochs: int) -> None:
        """Keep the first `epochs` epochs only: later ones were logged but their state was lost, so they come again."""
        lines = self._lines()
        if len(lines) < epochs:
            message = (
                f"{self.log}: holds {len(lines)} of the {epochs} epochs that {self.last.name} has seen; restore it, "
                "or --overwrite to discard that run"
            )
            raise RunFolderError(message)
        entries = [self._entry(number, line) for number, line in enumerate(lines[:epochs])]
        atomic_file.write_bytes(self.log, "".join(json.dumps(sealed(entry)) + "\n" for entry in entries).encode())

    def append_log(self, entry: dict[str, Any]) -> None:
        """Add one epoch."""
        try:
            with self.log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(sealed(entry)) + "\n")
        except OSError as error:
            raise failed_write(self.log, self.log, error) from None

    def clear(self) -> None:
        """Remove what a former run or ensemble left; files that are none of ours stay."""
        own_folder.remove(self.path, (*LAYOUT, own_folder.MARK))


def _is_skill(table: Any) -> bool:
    """Whether this is a table of skill as evaluation writes it: by target, and in it by view of the days."""
    if not isinstance(table, dict) or not isinstance(table.get("mode"), str):
        return False
    targets = table.get("targets")
    if not isinstance(targets, dict):
        return False
    views = ("pooled", "median_site", "climatology")
    return all(
        isinstance(skill, dict)
        and all(isinstance(skill.get(view), dict) for view in views)
        and {"r2", "rmse", "nrmse"} <= skill["pooled"].keys()
        and isinstance(skill["climatology"].get("pooled"), dict)
        for skill in targets.values()
    )


def _differences(old: Any, new: Any, key: str = "", free: Sequence[str] = ()) -> list[str]:
    """Dotted keys at which two configurations differ, but for `free` ones, with both values."""
    if isinstance(old, dict) and isinstance(new, dict):
        names = sorted(old.keys() | new.keys())
        return [
            text
            for name in names
            for text in _differences(old.get(name), new.get(name), f"{key}.{name}".lstrip("."), free)
        ]
    return [] if old == new or key in free else [f"{key}: {old!r} there, {new!r} now"]
