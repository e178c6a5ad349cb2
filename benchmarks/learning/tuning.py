"""Tuned options of every network, by the same search with the same budget for each."""

import logging
import shutil
from collections.abc import Sequence
from pathlib import Path

from benchmarks.learning import plan
from benchmarks.learning.plan import Run
from benchmarks.learning.preparation import prepare
from benchmarks.learning.queue import claimed
from benchmarks.learning.workspace import Workspace
from emulator.training.search import Budget, load_space, tune
from foundations.configuration_file import ConfigError

log = logging.getLogger("benchmarks.models")


def tune_kinds(runs: Sequence[Run], workspace: Workspace, spaces: Path, trials: int, epochs: int | None) -> None:
    """Search for each kind of network in `runs`, on the ensemble and seed of its first run, and keep what is chosen.

    A kind that can have past flux is tuned with it: that is the harder opponent. The choice goes to KIND.yaml in the
    folder of tuned options, where one that is there already stays. Several processes may do this at the same time: a
    kind that another process tunes is passed over.
    """
    for kind, run in runs_to_tune(runs).items():
        choice, space = workspace.tuned / f"{kind}.yaml", spaces / f"{kind}.yaml"
        with claimed(workspace.claims, f"tune-{kind}") as held:
            if not held or choice.exists():
                log.info("%s: %s", kind, "tuned already" if held else "another process is tuning it")
                continue
            if not space.exists():
                log.info("%s: no %s that says what to vary", kind, space)
                continue
            dataset, split, _ = prepare(run, workspace)
            config = plan.configuration(run, workspace.suite, dataset.path, {})
            out = workspace.work / "tuning" / kind
            budget = Budget(trials=trials, epochs=epochs)
            try:
                options = tune(config, dataset, split, load_space(space), out, budget, signature=dataset.signature)
            except ConfigError as error:  # of this kind only
                log.error("%s is not tuned: %s", kind, error)
                continue
            choice.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(out / "choice.yaml", choice)
            log.info("%s: %s", kind, {name: options[name] for name in ("model", "training") if name in options})


def runs_to_tune(runs: Sequence[Run]) -> dict[str, Run]:
    """The run of each kind of network that its options are searched on."""
    by_kind: dict[str, Run] = {}
    for run in runs:
        if plan.is_network(run.kind) and not run.variant and run.split == "folds" and run.task == "score":
            earlier = by_kind.setdefault(run.kind, run)
            alike = (run.ensemble, run.seed) == (earlier.ensemble, earlier.seed)
            by_kind[run.kind] = run if alike and run.history else earlier
    return by_kind
