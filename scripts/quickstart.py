"""The whole chain in one folder: simulate, train, evaluate, export, couple, report. Started by quickstart.sh."""

import argparse
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # works from a source tree that is not installed

from run_summary import build_summary, shortcomings
from steps import Journal, Step, StepFailed

from foundations import atomic_file
from foundations.child_processes import Stopped, ended_by_signals
from foundations.file_faults import explain
from foundations.terminal import start_logging

GRACE_S = 30.0
"""Time that a step has, when it is stopped, to save how far it has come."""

log = logging.getLogger("quickstart")

ROOT = Path(__file__).resolve().parents[1]
KINDS = ("lstm", "cham_net", "raci")
COUPLED_KIND = "cham_net"
COUPLED_CHECK_FAILED = 3  # couple.py: ran to the end, but a check does not hold
SIMS_CONFIG = ROOT / "configs" / "sims" / "quickstart.yaml"
TRAIN_CONFIG = ROOT / "configs" / "quickstart.yaml"


SMALL = {"sites": 36, "years": 5, "epochs": 12, "coupled_sites": 12}
"""What --small puts in place of what configs/ say; an option of its own goes first."""
SMALL_SETTINGS = ("split.test_years=1", "split.validation_years=1", "training.years_per_window=3")


def build_steps(options: argparse.Namespace) -> Iterator[Step]:
    """All steps in order."""
    out, kinds = options.out, (COUPLED_KIND,) if options.small else KINDS
    yield _simulate(options, out / "sims")
    for kind in kinds:
        yield _train(options, kind, out / "models" / kind)
    yield _couple(options, out)
    yield Step(
        name="report",
        does="writing the report",
        commands=[_python("-m", "emulator.evaluation.report", "--run-dir", out, "--out", out / "report.html")],
        products=[out / "report.html"],
        after=("simulate", *kinds, "couple"),
    )


def _simulate(options: argparse.Namespace, sims: Path) -> Step:
    size = _option("--sites", options.sites) + _option("--years", options.years)
    more = _option("--workers", options.workers) + (["--overwrite"] if options.overwrite else [])
    return Step(
        name="simulate",
        does="running the process model over the globe",
        commands=[_python(ROOT / "scripts" / "gen_sims.py", "--config", SIMS_CONFIG, "--out", sims, *size, *more)],
        products=[sims / "dataset.nc", sims / "simulation.json"],
        inputs=[SIMS_CONFIG, *size],
    )


def _train(options: argparse.Namespace, kind: str, run: Path) -> Step:
    changes = [f"model.kind={kind}", f"data.path={options.out / 'sims' / 'dataset.nc'}"]
    if options.epochs is not None:
        changes.append(f"training.epochs={options.epochs}")
    changes += SMALL_SETTINGS if options.small else ()
    settings = [word for change in changes for word in ("--set", change)]
    more = ["--overwrite"] if options.overwrite else []
    return Step(
        name=kind,
        does="training, evaluating and exporting",
        commands=[
            _python("-m", "emulator.train", TRAIN_CONFIG, "--out", run, *settings, *more),
            _python("-m", "emulator.evaluate", run),
            _python("-m", "emulator.export", run, "--out", run / "model.pt"),
        ],
        products=[run / "evaluation" / "metrics.json", run / "evaluation" / "predictions.nc", run / "model.pt"],
        inputs=[TRAIN_CONFIG, *changes],
        after=("simulate",),
    )


def _couple(options: argparse.Namespace, out: Path) -> Step:
    run, sites = out / "models" / COUPLED_KIND, _option("--sites", options.coupled_sites)
    script = ROOT / "scripts" / "couple.py"
    return Step(
        name="couple",
        does=f"running the land model with {COUPLED_KIND} in place of its biogeochemistry",
        commands=[_python(script, "--sims", out / "sims", "--run", run, "--out", out / "coupled", *sites)],
        products=[out / "coupled" / "coupled.json", out / "coupled" / "series.nc"],
        inputs=sites,
        after=("simulate", COUPLED_KIND),
        accepted=(0, COUPLED_CHECK_FAILED),
    )


def _python(*words: object) -> list[str]:
    return [sys.executable, *map(str, words)]


def _option(name: str, value: int | None) -> list[str]:
    return [] if value is None else [name, str(value)]


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="quickstart.sh", description=__doc__)
    parser.add_argument("--out", type=Path, help="default runs/quickstart, or runs/quickstart_small")
    parser.add_argument("--overwrite", action="store_true")
    parser.add_argument("--small", action="store_true")
    for name in ("--sites", "--years", "--epochs", "--coupled-sites", "--workers"):
        parser.add_argument(name, type=int)
    options = parser.parse_args(arguments)
    if options.small:
        for name, value in SMALL.items():
            setattr(options, name, value if getattr(options, name) is None else getattr(options, name))
    options.out = (options.out or ROOT / "runs" / f"quickstart{'_small' * options.small}").resolve()
    start_logging("%(asctime)s %(name)s: %(message)s")
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        journal = Journal(options.out / "steps.json")
        with ended_by_signals(GRACE_S):
            steps = list(build_steps(options))
            for number, step in enumerate(steps, 1):
                log.info("step %d of %d", number, len(steps))
                journal.run(step)
        return _finish(options.out, journal)
    except StepFailed as error:
        log.error("%s", error)
        return error.status if error.status > 0 else 1
    except Stopped as stop:
        log.error("%s; the same command goes on from here", stop)
        return stop.exit_status
    except OSError as error:
        log.error("%s", explain(error))
        return 1


def _finish(out: Path, journal: Journal) -> int:
    summary = build_summary(out, journal.records)
    atomic_file.write_json(out / "summary.json", summary)
    status = 0
    for is_failure, line in shortcomings(summary):
        log.warning("ATTENTION: %s", line)
        status = 1 if is_failure else status
    log.info("%.1f minutes, at most %.1f GB of memory", summary["seconds"] / 60, summary["peak_rss_mb"] / 1000)
    log.info("report: %s", out / "report.html")
    return status


if __name__ == "__main__":
    sys.exit(main())
