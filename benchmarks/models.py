"""The benchmark of the emulators: train, test and compare all models: see docs/results/README.md.

    python benchmarks/models.py --suite small --data runs/ensembles --json docs/results/models.json

trains every model on every ensemble and seed, and at the end writes tables and figures; --report-only writes those of
what is done so far. Interrupted, the same command with --resume goes on.
"""

import argparse
import logging
import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # works from a source tree that is not installed

from benchmarks.learning import plan, report, tuning
from benchmarks.learning.plan import Run, Suite
from benchmarks.learning.preparation import open_ensemble
from benchmarks.learning.queue import Crew, Progress, work, worker_command
from benchmarks.learning.workspace import Workspace
from emulator.training.trainer import Interrupted
from foundations.terminal import start_logging

log = logging.getLogger("benchmarks.models")

ROOT = Path(__file__).resolve().parents[1]


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", choices=tuple(plan.SUITES), default="small", help="how much is trained")
    parser.add_argument("--data", type=Path, default=Path("runs/ensembles"), metavar="DIR",
                        help="DIR/ENSEMBLE/dataset.nc; made by scripts/gen_sims.py where missing")  # fmt: skip
    parser.add_argument("--models", nargs="+", metavar="M", help="only these, for example cham_net raci/no_roles")
    parser.add_argument("--ensembles", nargs="+", choices=tuple(plan.ENSEMBLES), metavar="E", help="only these")
    parser.add_argument("--splits", nargs="+", choices=plan.SPLITS, default=list(plan.SPLITS),
                        help="folds: temporal and spatial tests; biome: leave one biome out")  # fmt: skip
    parser.add_argument("--seeds", nargs="+", type=int, metavar="S", help="only these")
    parser.add_argument("--tuned", type=Path, default=ROOT / "configs" / "models", metavar="DIR",
                        help="DIR/KIND.yaml or DIR/ENSEMBLE/KIND.yaml: tuned options")  # fmt: skip
    parser.add_argument("--work", type=Path, metavar="DIR", help="results of runs, trainings and caches; default "
                        "runs/benchmark/SUITE")  # fmt: skip
    parser.add_argument("--workers", type=int, default=2, help="processes, one thread each; 0: this process does all")
    parser.add_argument("--resume", action="store_true", help="go on in --work: what is done is kept")
    parser.add_argument("--fresh", action="store_true", help="discard the results and trainings in --work")
    parser.add_argument("--list", action="store_true", help="print the plan and stop")
    parser.add_argument("--report-only", action="store_true", help="write tables and figures of what is done; no runs")
    parser.add_argument("--json", type=Path, metavar="FILE", help="records and comparisons; the tables go beside it as "
                        ".md, the figures into ../figures/models")  # fmt: skip
    parser.add_argument("--epochs", type=int, help="epochs of every network, in place of the suite's")
    parser.add_argument("--tune", type=int, metavar="N", help="search options of each kind with N trainings, and stop")
    parser.add_argument("--tune-epochs", type=int, metavar="E", help="epochs of each of them; default the suite's")
    parser.add_argument("--worker-of", type=int, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Exit code: 0 done, 1 runs failed, 2 wrong use, 143 or 130 stopped by a signal."""
    words = sys.argv[1:] if arguments is None else arguments
    options = parse_arguments(words)
    start_logging()
    suite = plan.SUITES[options.suite]
    if options.epochs:
        suite = replace(suite, training=suite.training | {"epochs": options.epochs})
    work_folder = options.work or Path("runs/benchmark") / suite.name
    workspace = Workspace(suite, options.data.resolve(), work_folder.resolve(), options.tuned.resolve())
    runs = available(chosen_runs(options, suite), workspace, quiet=options.worker_of is not None)
    try:
        if options.worker_of is not None:
            work(runs, workspace, _started(workspace), parent=options.worker_of)
            return 0
        if options.list:
            for run in runs:
                sys.stdout.write(f"{'done' if workspace.has_result(run) else '    '} {run.name}\n")
            return 0
        if options.tune:
            tuning.tune_kinds(runs, workspace, ROOT / "configs" / "tuning", options.tune, options.tune_epochs)
            return 0
        if not options.report_only:
            if options.fresh:
                discard(workspace)
            if any(workspace.results.glob("*.json")) and not options.resume:
                log.error("%s holds results; --resume goes on with them, --fresh discards them", workspace.work)
                return 2
            do_all(runs, workspace, options.workers, words)
    except Interrupted as stop:
        log.warning("%s; give --resume", stop)
        return stop.exit_status
    if options.json:
        report.write(workspace, options.json)
    failed = [run for run in runs if not workspace.has_result(run)]
    return 1 if failed and not options.report_only else 0


def discard(workspace: Workspace) -> None:
    """Remove what earlier sessions did, but neither caches nor tuned options."""
    for folder in (workspace.results, workspace.work / "trainings", workspace.claims):
        shutil.rmtree(folder, ignore_errors=True)


def chosen_runs(options: argparse.Namespace, suite: Suite) -> list[Run]:
    """The part of the plan that the command line asks for."""
    return plan.build(
        suite,
        models=tuple(options.models) if options.models else None,
        ensembles=tuple(options.ensembles) if options.ensembles else None,
        splits=tuple(options.splits),
        seeds=tuple(options.seeds) if options.seeds else None,
    )


class Refusal(NamedTuple):
    """Runs that cannot be done, and why."""

    model: str
    history: str
    task: str
    why: str


def available(runs: list[Run], workspace: Workspace, *, quiet: bool = False) -> list[Run]:
    """Runs that the code as it is can do; the others are named."""
    runnable: list[Run] = []
    refused: dict[Refusal, list[Run]] = {}
    for run in runs:
        why = plan.why_unavailable(run, workspace.suite, workspace.options(run))
        if (
            run.parameters
            and workspace.dataset_path(run.ensemble).exists()
            and not workspace.has_parameters(run.ensemble)
        ):
            why = f"the ensemble {run.ensemble} has no file of its hidden parameters"
        if why is None:
            runnable.append(run)
        else:
            refusal = Refusal(run.model, "with past flux" if run.history else "", run.task, why)
            refused.setdefault(refusal, []).append(run)
    if not quiet:
        for refusal, skipped in refused.items():
            words = (refusal.model, refusal.history, refusal.task, f"({len(skipped)} runs): {refusal.why}")
            log.info("left out: %s", " ".join(filter(None, words)))
    return runnable


def do_all(runs: list[Run], workspace: Workspace, workers: int, words: list[str]) -> None:
    """Make the data and do the runs; words: of the command line, for workers."""
    for name in dict.fromkeys(run.ensemble for run in runs):
        make_ensemble(name, workspace)
        open_ensemble(name, workspace)
    workspace.results.mkdir(parents=True, exist_ok=True)
    started = time.time()
    (workspace.work / "started").write_text(repr(started))
    began = time.perf_counter()
    if workers == 0:
        progress = Progress(runs, workspace, 1)
        work(runs, workspace, started)
        progress.report(started)
    else:
        Crew(worker_command(Path(__file__), words), runs, workspace, workers, started).run()
    log.info("%d runs in %.1f min", len(runs), (time.perf_counter() - began) / 60.0)


def _started(workspace: Workspace) -> float:
    """When the present session began; failures of former sessions are tried again."""
    return float((workspace.work / "started").read_text())


def make_ensemble(name: str, workspace: Workspace) -> None:
    """Simulate an ensemble where its dataset is missing."""
    path = workspace.dataset_path(name)
    if path.exists():
        return
    config = ROOT / "configs" / "sims" / f"{name}.yaml"
    log.info("%s is missing; simulating it by %s", path, config)
    script = ROOT / "scripts" / "gen_sims.py"
    command = [sys.executable, str(script), "--config", str(config), "--out", str(path.parent)]
    subprocess.run(command, check=True, env=os.environ)


if __name__ == "__main__":
    sys.exit(main())
